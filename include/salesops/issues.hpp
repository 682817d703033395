/// @file issues.hpp
/// What was wrong with the rows, beside the result that was made of the others.
///
/// An issue is (table, row, column, rule, value). Counts are exact; of each (table, column, rule) only
/// the first `max_rows` rows are kept, so memory stays bounded whatever the input. Values are kept
/// only when `keep_values` is set, cut to 80 bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {

enum class Severity : std::uint8_t { info, warning, error };

struct Issue {
  std::string table;
  std::int64_t row = -1;  ///< row number in the input, from 0; -1 = the whole column or table
  std::string column;
  std::string rule;  ///< snake_case name of the rule, the same in every release
  std::string value;
  Severity severity = Severity::warning;
};

struct IssueOptions {
  std::size_t max_rows = 100;  ///< rows kept for each (table, column, rule)
  bool keep_values = true;
};

class Issues {
 public:
  using Options = IssueOptions;

  Issues() = default;
  explicit Issues(Options options) : options_(options) {}

  void add(std::string_view table, std::int64_t row, std::string_view column, std::string_view rule,
           std::string_view value = {}, Severity severity = Severity::warning);
  /// Counts `n` cases of which only the first row is known.
  void add_many(std::string_view table, std::int64_t first_row, std::string_view column,
                std::string_view rule, std::int64_t n, Severity severity = Severity::warning);
  void merge(const Issues& other);

  [[nodiscard]] bool empty() const noexcept { return total_ == 0; }
  /// Cases in all, kept or not.
  [[nodiscard]] std::int64_t total() const noexcept { return total_; }
  /// Cases of one rule over all tables and columns.
  [[nodiscard]] std::int64_t count(std::string_view rule) const;
  [[nodiscard]] std::int64_t count(std::string_view table, std::string_view column,
                                   std::string_view rule) const;
  [[nodiscard]] const std::vector<Issue>& rows() const noexcept { return rows_; }

  /// One row an issue kept: table, row, column, rule, value, severity.
  [[nodiscard]] Table to_table() const;
  /// One row a (table, column, rule): the worst severity, n, first_row.
  [[nodiscard]] Table summary() const;

 private:
  struct Count {
    std::int64_t n = 0;
    std::size_t kept = 0;
    std::int64_t first_row = -1;
    Severity severity = Severity::warning;
  };
  Count& count_of(std::string_view table, std::string_view column, std::string_view rule);

  Options options_;
  std::vector<Issue> rows_;
  std::map<std::tuple<std::string, std::string, std::string>, Count, std::less<>> counts_;
  std::int64_t total_ = 0;
};

}  // namespace v0
}  // namespace salesops
