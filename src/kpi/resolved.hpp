/// Where names lead, for those who look into what they find.
#pragma once

#include <string>
#include <string_view>

#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// A column that a name leads to, with what the data model says of it (null of a custom column).
struct FoundColumn {
  Lookup lookup;
  const ColumnModel* model = nullptr;
};
FoundColumn found_column(const Crm& crm, std::string_view table, std::string_view name,
                         std::span<const std::int32_t> rows, std::span<const std::int64_t> at,
                         const TimeZone& zone);

/// The closes of deals as KPIs count them: a history or the expected date may stand in.
Column close_times(const Crm& crm);

/// Whether the book has the table, and some of its rows were merged into others.
bool has_merges(const Crm& crm, const std::string& table);
/// The id that stands for `id` among the rows of a table: of a merged row that of the one that remained.
std::string survivor_id(const Crm& crm, const std::string& table, std::string_view id);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
