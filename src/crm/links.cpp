#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

Links::Links(const BookTable& target, const std::string& key)
    : target_(target), key_(target.table.column(key)), merged_(target.table.find("merged_into")) {
  if (merged_ != nullptr && merged_->type() != Type::string) merged_ = nullptr;
}

std::int32_t Links::named(std::string_view id) const {
  const std::int32_t code = keys().find(id);
  return code < 0 ? no_row : target_.row_of_code[static_cast<std::size_t>(code)];
}

std::int32_t Links::row_of(std::string_view id) {
  const std::int32_t row = named(id);
  return row == no_row || merged_ == nullptr ? row : survivor(row);
}

/// Follows merged_into to the row that survived; what leads into a circle of merges stays where it is.
std::int32_t Links::survivor(std::int32_t row) {
  std::vector<std::int32_t> path;
  const auto next = [&](std::int32_t at) {
    const auto of = static_cast<std::size_t>(at);
    return merged_->valid(of) ? named(merged_->text(of)) : no_row;
  };
  std::int32_t at = row;
  bool circle = false;
  while (!circle) {
    const auto known = survivors_.find(at);
    if (known != survivors_.end()) {
      circle = known->second == no_row;
      at = circle ? at : known->second;
      break;
    }
    const std::int32_t after = next(at);
    if (after == no_row) break;
    survivors_.emplace(at, no_row);
    path.push_back(at);
    at = after;
  }
  if (!circle)
    for (const std::int32_t passed : path) survivors_[passed] = at;
  return circle ? row : at;
}

void link_table(const TableModel& model, BookTable& table, const BookTables& tables, Issues* issues) {
  for (const ColumnModel& column : model.columns) {
    if (column.references.empty() || !table.table.has(column.name)) continue;
    const auto found = tables.find(column.references);
    if (found == tables.end()) continue;
    link_column(model, column, table, *found->second, issues);
  }
}

void link_column(const TableModel& model, const ColumnModel& column, BookTable& table,
                 const BookTable& target, Issues* issues) {
  const Column& ids = table.table.column(column.name);
  Links links(target, table_model(column.references).keys().front());
  const Dictionary& dictionary = ids.dictionary();
  std::vector<std::int32_t> row_of(dictionary.size(), no_row);
  for (std::size_t code = 0; code < dictionary.size(); ++code) {
    tick(code);
    row_of[code] = links.row_of(dictionary[code]);
  }
  std::vector<std::int32_t> link(ids.size(), no_row);
  const auto codes = ids.values<std::int32_t>();
  for (std::size_t row = 0; row < ids.size(); ++row) {
    tick(row);
    if (ids.is_null(row)) continue;
    link[row] = row_of[static_cast<std::size_t>(codes[row])];
    if (link[row] == no_row && issues != nullptr)
      issues->add(model.name, static_cast<std::int64_t>(row), column.name, "orphan_key", ids.text(row));
  }
  table.links.insert_or_assign(column.name, std::move(link));
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
