// The parts of a book, and the steps that derive them from its tables.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salesops/crm.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

struct TableCounts {
  std::int64_t rows_in = 0;
  std::int64_t kept = 0;
  std::int64_t superseded = 0;  ///< an older version of a row that is kept
  std::int64_t rejected = 0;    ///< without a key
  std::int64_t deleted = 0;     ///< said to be deleted by its source
};

struct BookTable {
  Table table;
  TableCounts counts;
  std::vector<std::int32_t> row_of_code;  ///< by code of the key column; tables with one key column only
  std::map<std::string, std::vector<std::int32_t>, std::less<>> links;  ///< by referring column
};

using BookTables = std::map<std::string, std::shared_ptr<const BookTable>, std::less<>>;

inline constexpr std::int32_t no_row = -1;

/// Typed, keyed, deduplicated; links not yet made. Rows said to be deleted are left out, or kept for
/// the caller to see.
BookTable type_table(const TableModel& model, const Table& raw, const CrmOptions& options, Issues& issues,
                     bool keep_deleted = false);

/// The table whose rows lend their currency to rows of `table` that name none; empty for most.
std::string_view currency_parent(std::string_view table) noexcept;
Table with_currency_of(const BookTable& parent, const TableModel& model, const Table& raw);

/// Rows by key for tables with one key column.
std::vector<std::int32_t> index_keys(const Column& key);

/// Fills the links of one table from the tables it refers to; orphans are issues when `issues` is set.
void link_table(const TableModel& model, BookTable& table, const BookTables& tables, Issues* issues);

/// Changes of opportunities out of events, snapshots or versions. Codes of ids are codes of the
/// opportunity table's columns, whose dictionaries grow where the history knows more.
struct HistoryInput {
  std::vector<History::Row> rows;
  std::array<std::vector<std::int64_t>, field_count> present;
};
HistoryInput history_rows(Table& opportunity, const BookTables& tables, const CrmOptions& options,
                          Issues& issues);

/// Columns the table lacks but the history knows; a present value that isn't the history's last is an issue.
void fill_present(Table& opportunity, const History& history, Issues& issues);

/// One value of a field's column as the history keeps it.
std::vector<std::int64_t> field_values(const Column& column);
/// The column a field's values stand for.
Column field_column_of(const Column& like, std::span<const std::int64_t> values);

/// Where a stage stands in its process: rows of stage_def by (pipeline, stage) codes of the
/// opportunity table; without stage_def, won and lost by their usual names.
class Stages {
 public:
  Stages(const Table& opportunity, const BookTables& tables);
  [[nodiscard]] std::int32_t row(std::int64_t pipeline, std::int64_t stage) const noexcept;
  /// Nothing when the stage isn't known.
  [[nodiscard]] std::optional<DealStatus> status(std::int64_t pipeline, std::int64_t stage) const noexcept;
  [[nodiscard]] bool guessed() const noexcept { return guessed_; }

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> rows_;
  std::vector<std::optional<DealStatus>> type_of_row_;
  std::vector<std::optional<DealStatus>> by_name_;
  bool guessed_ = false;
};

/// Status, times and rows of each opportunity.
Deals derive_deals(const BookTables& tables, const History& history, Issues* issues);

/// Impossible orders of times, disagreeing flags.
void check_times(const BookTables& tables, Issues& issues);

/// The latest past fact of the book.
Instant latest_instant(const BookTables& tables, const History& history);

bool has_money(const Table& table);

/// The one currency of all money, or empty.
std::string single_currency(const BookTables& tables);

}  // namespace crm_detail

struct Crm::State {
  crm_detail::BookTables tables;
  Deals deals;
  History history;
  Issues issues;
  Instant latest;
  std::string currency;
  CrmOptions options;
};

}  // namespace v0
}  // namespace salesops
