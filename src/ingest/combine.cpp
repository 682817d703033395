#include "combine.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <numeric>

#include "read.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

namespace {

/// Column `name` of both as one type.
void agree(Table& a, Table& b, const std::string& name) {
  const Column* left = a.find(name);
  const Column* right = b.find(name);
  if (left == nullptr || right == nullptr || left->type() == right->type()) return;
  a = a.with(name, as_texts(*left));
  b = b.with(name, as_texts(*right));
}

/// What `more` knows of rows of `base` with the same key; its other rows are issues.
Table joined(const std::string& name, Table base, Table more, const std::string& source, Issues& issues) {
  const std::string key = table_model(name).keys().front();
  if (!base.has(key) || !more.has(key))
    throw UsageError("table '" + source + "' joins '" + name + "' by its key '" + key +
                     "', which the mapping doesn't fill in both");
  boost::unordered_flat_map<std::string, std::int64_t> row_of;
  for (std::size_t row = 0; row < base.num_rows(); ++row)
    row_of.try_emplace(base.column(key).cell(row), static_cast<std::int64_t>(row));
  std::vector<std::int64_t> from(base.num_rows(), -1);
  for (std::size_t row = 0; row < more.num_rows(); ++row) {
    tick(row);
    const auto found = row_of.find(more.column(key).cell(row));
    if (found == row_of.end())
      issues.add(source, static_cast<std::int64_t>(row), key, "not_joined", more.column(key).cell(row));
    else
      from[static_cast<std::size_t>(found->second)] = static_cast<std::int64_t>(row);
  }
  for (const std::string& column : more.names()) {
    if (column == key) continue;
    if (!base.has(column)) {
      base = base.with(column, more.column(column).take(from));
      continue;
    }
    agree(base, more, column);
    const Table both[] = {Table({{column, base.column(column)}}), Table({{column, more.column(column)}})};
    std::vector<std::int64_t> rows(base.num_rows());
    for (std::size_t row = 0; row < rows.size(); ++row)
      rows[row] = base.column(column).is_null(row) && from[row] >= 0
                      ? static_cast<std::int64_t>(base.num_rows()) + from[row]
                      : static_cast<std::int64_t>(row);
    base = base.with(column, concat(both).column(column).take(rows));
  }
  return base;
}

/// Fills columns that a row's source lacks from the entity's latest row before. `lacks(row, column)`.
template <class Lacks>
Table carried_forward(const Table& table, const std::string& id, const std::string& time, Lacks lacks) {
  const Column ids = as_texts(table.column(id));
  const Column& at = table.column(time);
  const Column times = at.type() == Type::string ? as_texts(at) : at;
  std::vector<std::int64_t> order(table.num_rows());
  std::iota(order.begin(), order.end(), 0);
  const auto codes = ids.values<std::int32_t>();
  const auto code = [&](std::int64_t row) {
    return ids.valid(static_cast<std::size_t>(row)) ? codes[static_cast<std::size_t>(row)] : -1;
  };
  const auto before = [&](std::int64_t a, std::int64_t b) {
    const auto left = static_cast<std::size_t>(a), right = static_cast<std::size_t>(b);
    if (code(a) != code(b)) return code(a) < code(b);
    if (times.is_null(left) || times.is_null(right)) return times.valid(left) < times.valid(right);
    return times.type() == Type::string ? times.text(left) < times.text(right)
                                        : times.number(left) < times.number(right);
  };
  std::stable_sort(order.begin(), order.end(), before);
  Table result = table;
  for (const std::string& name : table.names()) {
    std::vector<std::int64_t> rows(table.num_rows());
    std::iota(rows.begin(), rows.end(), 0);
    std::int64_t last = -1, entity = -2;
    bool any = false;
    for (const std::int64_t row : order) {
      if (code(row) != entity) last = -1;
      entity = code(row);
      if (lacks(static_cast<std::size_t>(row), name)) {
        rows[static_cast<std::size_t>(row)] = last;
        any = true;
      } else {
        last = row;
      }
    }
    if (any) result = result.with(name, table.column(name).take(rows));
  }
  return result;
}

using Keys = boost::unordered_flat_set<std::string>;

/// Rows with a key that `seen` doesn't have yet, the first of each; `seen` has them afterwards.
Table new_keys(const std::string& name, const Table& table, bool distinct, Keys& seen) {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    std::string key;
    for (const std::string& part : table_model(name).keys())
      if (const Column* column = table.find(part)) key += column->cell(row) + '\x1f';
    if (seen.insert(std::move(key)).second || !distinct) rows.push_back(static_cast<std::int64_t>(row));
  }
  return rows.size() == table.num_rows() ? table : table.take(rows);
}

}  // namespace

Table Parts::stacked(const std::string& name, const std::vector<Part>& parts) {
  std::vector<Table> tables;
  const bool distinct =
      std::any_of(parts.begin(), parts.end(), [](const Part& part) { return part.distinct; });
  Keys seen;
  for (const Part& part : parts)
    tables.push_back(distinct ? new_keys(name, part.table, part.distinct, seen) : part.table);
  for (Table& a : tables)
    for (Table& b : tables)
      for (const std::string& column : a.names()) agree(a, b, column);
  Table table = tables.size() == 1 ? tables.front() : concat(tables);
  const std::string time = name == "opportunity_version" ? "valid_from" : "snapshot_date";
  const bool states = name == "opportunity_version" || name == "opportunity_snapshot";
  if (tables.size() == 1 || !states || !table.has("opportunity_id") || !table.has(time)) return table;
  std::vector<std::size_t> part_of;
  for (std::size_t part = 0; part < tables.size(); ++part)
    part_of.insert(part_of.end(), tables[part].num_rows(), part);
  return carried_forward(table, "opportunity_id", time, [&](std::size_t row, const std::string& column) {
    return !tables[part_of[row]].has(column);
  });
}

NamedTables Parts::combine(Issues& issues) const {
  NamedTables result;
  for (const std::string& name : order_) {
    const Group& group = parts_.at(name);
    Table table;
    std::vector<Part> joins = group.joins;
    if (group.rows.empty()) {
      table = joins.front().table;
      joins.erase(joins.begin());
    } else {
      table = stacked(name, group.rows);
    }
    for (const Part& join : joins) table = joined(name, std::move(table), join.table, join.source, issues);
    result.emplace_back(name, std::move(table));
  }
  return result;
}

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
