// Ends of quota periods for sources that name only their starts.
#pragma once

#include "salesops/issues.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

/// Quotas with `period_end`, where none has one: the next start of the same holder, measure and product
/// family, at most a year later; after the last start, as many months as lie most often between two.
Table with_period_ends(const Table& quota, Issues& issues);

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
