#include "salesops/issues.hpp"

#include <algorithm>

namespace salesops {
inline namespace v0 {

namespace {

constexpr std::size_t max_value_bytes = 80;

/// Cut without splitting a UTF-8 sequence.
std::string_view cut(std::string_view value) {
  if (value.size() <= max_value_bytes) return value;
  std::size_t end = max_value_bytes;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80U) --end;
  return value.substr(0, end);
}

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "";
}

}  // namespace

Issues::Count& Issues::count_of(std::string_view table, std::string_view column, std::string_view rule) {
  const auto key = std::make_tuple(table, column, rule);
  const auto found = counts_.find(key);
  if (found != counts_.end()) return found->second;
  return counts_[{std::string(table), std::string(column), std::string(rule)}];
}

void Issues::add(std::string_view table, std::int64_t row, std::string_view column, std::string_view rule,
                 std::string_view value, Severity severity) {
  Count& count = count_of(table, column, rule);
  count.severity = count.n == 0 ? severity : std::max(count.severity, severity);
  if (count.n == 0) count.first_row = row;
  ++count.n;
  ++total_;
  if (count.kept >= options_.max_rows) return;
  ++count.kept;
  rows_.push_back({std::string(table), row, std::string(column), std::string(rule),
                   options_.keep_values ? std::string(cut(value)) : std::string(), severity});
}

void Issues::add_many(std::string_view table, std::int64_t first_row, std::string_view column,
                      std::string_view rule, std::int64_t n, Severity severity) {
  if (n <= 0) return;
  add(table, first_row, column, rule, {}, severity);
  count_of(table, column, rule).n += n - 1;
  total_ += n - 1;
}

void Issues::merge(const Issues& other) {
  for (const auto& [key, theirs] : other.counts_) {
    Count& ours = counts_[key];
    ours.severity = ours.n == 0 ? theirs.severity : std::max(ours.severity, theirs.severity);
    if (ours.n == 0) ours.first_row = theirs.first_row;
    ours.n += theirs.n;
    total_ += theirs.n;
  }
  for (const Issue& issue : other.rows_) {
    Count& count = count_of(issue.table, issue.column, issue.rule);
    if (count.kept >= options_.max_rows) continue;
    ++count.kept;
    rows_.push_back(issue);
  }
}

std::int64_t Issues::count(std::string_view rule) const {
  std::int64_t n = 0;
  for (const auto& [key, count] : counts_)
    if (std::get<2>(key) == rule) n += count.n;
  return n;
}

std::int64_t Issues::count(std::string_view table, std::string_view column, std::string_view rule) const {
  const auto found = counts_.find(std::make_tuple(table, column, rule));
  return found == counts_.end() ? 0 : found->second.n;
}

Table Issues::to_table() const {
  std::vector<std::string> tables, columns, rules, values, severities;
  std::vector<std::int64_t> rows;
  std::vector<std::uint8_t> row_known;
  for (const Issue& issue : rows_) {
    tables.push_back(issue.table);
    rows.push_back(issue.row);
    row_known.push_back(issue.row >= 0);
    columns.push_back(issue.column);
    rules.push_back(issue.rule);
    values.push_back(issue.value);
    severities.emplace_back(name(issue.severity));
  }
  return Table({{"table", Column::of_strings(tables)},
                {"row", Column::of(Type::int64, std::move(rows), row_known)},
                {"column", Column::of_strings(columns)},
                {"rule", Column::of_strings(rules)},
                {"value", Column::of_strings(values)},
                {"severity", Column::of_strings(severities)}});
}

Table Issues::summary() const {
  std::vector<std::string> tables, columns, rules, severities;
  std::vector<std::int64_t> n, first;
  std::vector<std::uint8_t> first_known;
  for (const auto& [key, count] : counts_) {
    tables.push_back(std::get<0>(key));
    columns.push_back(std::get<1>(key));
    rules.push_back(std::get<2>(key));
    severities.emplace_back(name(count.severity));
    n.push_back(count.n);
    first.push_back(count.first_row);
    first_known.push_back(count.first_row >= 0);
  }
  return Table({{"table", Column::of_strings(tables)},
                {"column", Column::of_strings(columns)},
                {"rule", Column::of_strings(rules)},
                {"severity", Column::of_strings(severities)},
                {"n", Column::of(Type::int64, std::move(n))},
                {"first_row", Column::of(Type::int64, std::move(first), first_known)}});
}

}  // namespace v0
}  // namespace salesops
