// What a book can't know: what came long after its latest row.
#pragma once

#include <string>

#include "salesops/crm.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

/// How long after its latest row a book may be asked as of.
inline constexpr std::int64_t known_slack = 31 * us_per_day;

/// Refuses an instant more than a month after the book's latest row. `asked`: whose it is, and its name.
inline void check_known(const Crm& crm, Instant at, const std::string& asked) {
  if (at.us > crm.latest().us + known_slack)
    throw UsageError(asked + " " + at.to_string() + " lies long after the book's latest row (" +
                     crm.latest().to_string() + "); what happened between is not known");
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
