// The parts of a book, and the steps that derive them from its tables.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "convert.hpp"
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

/// Keys of rows that their source said are deleted, with the time of that, so that an older row of the
/// same key doesn't bring them back.
using Graves = std::map<std::string, std::int64_t, std::less<>>;

struct BookTable {
  Table table;
  TableCounts counts;
  SharedArray<std::int32_t> row_of_code;  ///< by code of the key column; tables with one key column only
  std::map<std::string, SharedArray<std::int32_t>, std::less<>> links;  ///< by referring column
  std::shared_ptr<const Graves> graves = std::make_shared<const Graves>();
  Scales scales;
  bool key_made = false;
  std::optional<bool> inclusive_ends;  ///< periods were given with their last days; nothing: no row told
};

using BookTables = std::map<std::string, std::shared_ptr<const BookTable>, std::less<>>;

inline constexpr std::int32_t no_row = -1;

/// 2099-01-01. Facts from then on are placeholders or slips of the pen.
inline constexpr std::int64_t far_future = 47117 * us_per_day;
inline constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

inline const Table* find_table(const BookTables& tables, std::string_view name) {
  const auto found = tables.find(name);
  return found == tables.end() ? nullptr : &found->second->table;
}

/// Every column brought to its kind, keys made where nobody refers to them: from `first_key` on.
Table typed_columns(const TableModel& model, const Table& raw, std::int64_t first_key,
                    const CrmOptions& options, Scales& scales, Issues& issues);

/// Typed, keyed, deduplicated; links not yet made. Rows said to be deleted are left out.
BookTable type_table(const TableModel& model, const Table& raw, const CrmOptions& options, Issues& issues);

/// The table with periods that end before the day of their end: where every row that tells (its end is the
/// day before the next start, or a month's last) gives last days, all ends move on by one. `inclusive` is
/// what earlier rows told, and takes what these do.
Table half_open(const TableModel& model, const Table& table, std::optional<bool>& inclusive, Issues& issues);

/// The key of a row as one text.
std::string key_text(std::span<const Column* const> keys, std::size_t row);
/// Tables of facts keep every row: two may be alike at one instant.
bool holds_facts(const TableModel& model);
/// Deals, versions and facts keep rows that are deleted, as rows that say so.
bool drops_deleted(const TableModel& model);
bool flagged(const Column* column, std::size_t row);

/// The table whose rows lend their currency to rows of `table` that name none; empty for most.
std::string_view currency_parent(std::string_view table) noexcept;
Table with_currency_of(const BookTable& parent, const TableModel& model, const Table& raw);

/// Rows by key for tables with one key column.
std::vector<std::int32_t> index_keys(const Column& key);

/// The row of the target that each id names, once merges are followed.
class Links {
 public:
  Links(const BookTable& target, const std::string& key);
  [[nodiscard]] std::int32_t row_of(std::string_view id);

 private:
  [[nodiscard]] const Dictionary& keys() const { return key_.dictionary(); }
  [[nodiscard]] std::int32_t named(std::string_view id) const;
  std::int32_t survivor(std::int32_t row);

  const BookTable& target_;
  const Column& key_;
  const Column* merged_;
  std::unordered_map<std::int32_t, std::int32_t> survivors_;  ///< of merged rows; no_row in a circle
};

/// The deals of a table of versions or snapshots, one row each.
Table one_row_a_deal(const Table& states);

/// Fills the links of one table from the tables it refers to; orphans are issues when `issues` is set.
void link_table(const TableModel& model, BookTable& table, const BookTables& tables, Issues* issues);
void link_column(const TableModel& model, const ColumnModel& column, BookTable& table,
                 const BookTable& target, Issues* issues);

/// Row numbers by table.
using Rows = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

/// Changes of opportunities out of events, snapshots or versions: of all their rows, or of those in `only`.
/// Codes of ids are codes of the opportunity table's columns, whose dictionaries grow where the history
/// knows more.
std::vector<History::Row> history_rows(BookTable& opportunity, const BookTables& tables, const Rows* only,
                                       const CrmOptions& options, Issues& issues);
inline constexpr std::string_view history_tables[] = {"opportunity_event", "opportunity_snapshot",
                                                      "opportunity_version"};

/// The row of the opportunity table that each of `rows` belongs to; no_row for orphans.
std::vector<std::int32_t> deal_rows(const Table& table, std::span<const std::int64_t> rows,
                                    const BookTable& opportunity);

/// A set of fields.
using Fields = std::array<bool, field_count>;
/// Columns the table lacks but the history knows, of the fields in `look`; a present value that isn't the
/// history's last is an issue. Answers which it filled.
Fields fill_present(Table& opportunity, const History& history, const Fields& look, const CrmOptions& options,
                    Issues& issues);

/// What the history takes for today's values.
std::array<std::vector<std::int64_t>, field_count> present_values(const Table& opportunity);
/// A field's value as the history keeps it.
std::int64_t field_value(const Column& column, std::size_t row);
std::vector<std::int64_t> field_values(const Column& column);
/// The column a field's values stand for.
Column field_column_of(const Column& like, std::span<const std::int64_t> values);

/// Where a stage stands in its process: rows of stage_def by (pipeline, stage) codes of the
/// opportunity table; without stage_def, won and lost by their usual names.
class Stages {
 public:
  Stages(const Table& opportunity, const BookTables& tables);
  /// The definition for a deal in `pipeline`: the pipeline's own, else the one without a pipeline, else that
  /// of the first pipeline by id, in whatever order the definitions came.
  [[nodiscard]] std::int32_t row(std::int64_t pipeline, std::int64_t stage) const noexcept;
  /// Nothing when the stage isn't known.
  [[nodiscard]] std::optional<DealStatus> status(std::int64_t pipeline, std::int64_t stage) const noexcept;
  /// Whether the stage is said to be won or lost; `null_value` is no stage.
  [[nodiscard]] bool closed(std::int64_t pipeline, std::int64_t stage) const noexcept;
  [[nodiscard]] bool guessed() const noexcept { return guessed_; }
  /// Whether pipelines differ in whether the stage is open, won or lost.
  [[nodiscard]] bool disputed(std::int64_t stage) const noexcept { return disputed_.contains(stage); }

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> rows_;
  std::vector<std::optional<DealStatus>> type_of_row_;
  std::vector<std::optional<DealStatus>> by_name_;
  std::set<std::int64_t> disputed_;
  bool guessed_ = false;
};

/// What the history of stages says of a deal's ends.
struct LoggedCloses {
  std::int64_t last = null_value;  ///< entry into the closed stages, if the deal is still there
  std::uint8_t reopened = 0;
};
LoggedCloses logged_closes(const History& history, const Stages& stages, std::size_t deal,
                           std::int64_t pipeline);

/// Status, times and rows of each opportunity.
Deals derive_deals(const BookTables& tables, const History& history, Issues* issues);
/// The same, of `before` but for the deals in `rows` (rising).
Deals derive_deals(const Deals& before, std::span<const std::int64_t> rows, const BookTables& tables,
                   const History& history, Issues* issues);

/// Impossible orders of times and outcomes without a time, in all rows or in those of `only`.
void check_times(const BookTables& tables, const Rows* only, Issues& issues);

/// Ids that lead in circles and shares that don't add up, in all rows or where rows of `only` take part.
void check_rows(const BookTables& tables, const Rows* only, Issues& issues);

/// A last day of facts that lies more than 400 days after all others of the book: a slip in its year, most
/// likely, and it makes the book's latest instant.
void check_latest(const BookTables& tables, const Deals& deals, Issues& issues);

/// What a table adds to the book's latest instant and currency.
struct Summary {
  std::int64_t instant = null_value;  ///< the latest fact
  std::int64_t day = null_value;      ///< the same of tables whose rows become known on a date
  std::map<std::string, std::int64_t> rows_of_currency;
};
using Summaries = std::map<std::string, Summary, std::less<>>;
Summary summarize(const TableModel& model, const Table& table);
/// `before`, with the rows `old` of `was` replaced by the rows `now` of `is`.
Summary summarize(Summary before, const TableModel& model, const Table& was, const Table& is,
                  std::span<const std::int64_t> rows);

/// The latest past fact of the book.
Instant latest_instant(const Summaries& summaries, const History& history, std::int64_t latest_close);

struct Book;

/// The latest close that was known to somebody, or null.
std::int64_t latest_close(const Deals& deals, const BookTables& tables);
/// The same, of a book that differs from `before` in the deals of `rows` alone.
std::int64_t latest_close(const Book& before, std::span<const std::int64_t> rows, const Deals& deals,
                          const BookTables& tables);

bool has_money(const Table& table);

/// The one currency of all money, or empty.
std::string single_currency(const Summaries& summaries);

/// All parts of a book.
struct Book {
  BookTables tables;
  Deals deals;
  History history;
  std::vector<History::Row> differences;  ///< changes that only `apply` saw
  std::string deals_from;                 ///< the table of versions that is all the book knows of deals
  Fields filled{};                        ///< columns of opportunities that come from the history
  Issues issues;
  Instant latest;
  std::int64_t latest_close = null_value;
  Instant known_until;  ///< the last fact the book has; from then on it is as its rows say
  std::optional<Instant> rewound;
  bool days_moved = false;  ///< by `with_days_in`
  std::string currency;
  Summaries summaries;  ///< empty until needed
  CrmOptions options;
};

}  // namespace crm_detail

struct Crm::State : crm_detail::Book {};

}  // namespace v0
}  // namespace salesops
