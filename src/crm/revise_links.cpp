#include <algorithm>

#include "revision.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

void Revision::link() {
  std::vector<std::string> names;
  for (const auto& [name, book] : after_.tables) names.push_back(name);
  for (const std::string& name : names) {
    const TableModel& model = table_model(name);
    for (const ColumnModel& column : model.columns) {
      if (column.references.empty() || !now(name).table.has(column.name)) continue;
      if (!after_.tables.contains(column.references)) continue;
      const auto own = changes_.find(name), target = changes_.find(column.references);
      if (own == changes_.end() && target == changes_.end()) continue;
      const std::vector<std::int64_t> orphans = orphans_of_new_keys(name, column);
      const bool all = !now(name).links.contains(column.name) ||
                       (own != changes_.end() && own->second.renumbered) ||
                       (target != changes_.end() && (target->second.renumbered || target->second.merges));
      if (all)
        link_column(model, column, open(name), now(column.references), nullptr);
      else
        link_rows(name, column, orphans);
      if (column.name == "opportunity_id" && !orphans.empty()) adopted_[name] = orphans;
      if (own != changes_.end() && given_[name].contains(column.name))
        report_orphans(name, column, own->second.rows);
    }
  }
}

void Revision::link_rows(const std::string& name, const ColumnModel& column,
                         std::span<const std::int64_t> orphans) {
  const BookTable& book = now(name);
  const Column& ids = book.table.column(column.name);
  Links links(now(column.references), table_model(column.references).keys().front());
  std::vector<std::int64_t> rows;
  if (const auto own = changes_.find(name); own != changes_.end()) rows = own->second.rows;
  rows.insert(rows.end(), orphans.begin(), orphans.end());
  if (rows.empty()) return;
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  std::vector<std::int32_t> targets;
  targets.reserve(rows.size());
  for (const std::int64_t at : rows) {
    const auto row = static_cast<std::size_t>(at);
    targets.push_back(ids.valid(row) ? links.row_of(ids.text(row)) : no_row);
  }
  auto& link = open(name).links.find(column.name)->second;
  link = link.with(rows, targets, no_row);
}

std::vector<std::int64_t> Revision::orphans_of_new_keys(const std::string& name,
                                                        const ColumnModel& column) const {
  const auto target = changes_.find(column.references);
  const auto known = now(name).links.find(column.name);
  if (target == changes_.end() || known == now(name).links.end()) return {};
  // Where rows have other numbers, everything is linked anew.
  const auto own = changes_.find(name);
  if (target->second.renumbered || (own != changes_.end() && own->second.renumbered)) return {};
  const Column& keys = now(column.references).table.column(table_model(column.references).keys().front());
  const Column& ids = now(name).table.column(column.name);
  const auto first_new = static_cast<std::int64_t>(was(column.references).num_rows());
  std::vector<std::int32_t> codes;
  for (const std::int64_t row : target->second.rows)
    if (row >= first_new)
      if (const std::int32_t code = ids.dictionary().find(keys.text(static_cast<std::size_t>(row)));
          code >= 0)
        codes.push_back(code);
  if (codes.empty()) return {};
  std::sort(codes.begin(), codes.end());
  std::vector<std::int64_t> orphans;
  const auto& link = known->second;
  const auto values = ids.values<std::int32_t>();
  for (std::size_t row = 0; row < was(name).num_rows(); ++row)
    if (link[row] == no_row && ids.valid(row) && std::binary_search(codes.begin(), codes.end(), values[row]))
      orphans.push_back(static_cast<std::int64_t>(row));
  return orphans;
}

void Revision::report_orphans(const std::string& name, const ColumnModel& column,
                              std::span<const std::int64_t> rows) {
  const Column& ids = now(name).table.column(column.name);
  const auto& link = now(name).links.find(column.name)->second;
  for (const std::int64_t at : rows) {
    const auto row = static_cast<std::size_t>(at);
    if (ids.valid(row) && link[row] == no_row)
      after_.issues.add(name, at, column.name, "orphan_key", ids.text(row));
  }
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
