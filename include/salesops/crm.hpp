/// @file crm.hpp
/// The book: CRM tables, checked and typed, as one immutable value that can be rewound.
///
/// `Crm::build` takes tables under the names of the data model (`data_model()`), brings every column
/// to its kind, finds duplicate keys, orphans, impossible dates, unknown stages and mixed units, and
/// keeps every row it was given or counts it as superseded or rejected: `counts()` reconciles.
/// Nothing dirty throws; `issues()` names table, row, column, rule. Only a table's key is required
/// (a surrogate key nobody refers to is made when absent). Columns outside the model are kept as they are.
///
/// `as_of(t)` is the book as it was known at t. Columns are
/// - *tracked*: rebuilt from changes (stage, amount, close date, owner, probability, category, pipeline),
/// - *dated*: hidden while the instant that made them true lies after t (closed, converted, deleted, …),
/// - *fixed*: facts that never change once their row is known (ids, creation times, event rows),
/// - *untracked*: as they are today; named in `issues()` (rule `untracked_column`), absent under `strict`
///   unless in `allow_current`. So is what a log that misses deals or begins late can't know.
/// Nothing after t shows over the first three, and no close, whatever the log misses. Lost rather than wrong
/// is the stage of a deal that closed later (`stage_not_kept`) and an earlier close's reason. The rows are
/// the last word: since their deal's close, and since the book's last fact (rules: docs/guide/crm.md).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/calendar/time_zone.hpp"
#include "salesops/date.hpp"
#include "salesops/history.hpp"
#include "salesops/issues.hpp"
#include "salesops/parallel.hpp"
#include "salesops/shared_array.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {

/// What a column of the data model holds, whatever type it came in.
enum class Kind : std::uint8_t {
  id,        ///< string key
  text,      ///< string
  code,      ///< string out of a list
  instant,   ///< timestamp
  date,      ///< civil date
  money,     ///< int64 minor units of the row's currency
  decimal,   ///< float64 quantity, rate or days
  fraction,  ///< float64 in [0, 1]
  integer,   ///< int64
  flag,      ///< boolean
};

enum class Tracking : std::uint8_t { fixed, tracked, dated, untracked };
std::string_view kind_name(Kind kind) noexcept;
std::string_view tracking_name(Tracking tracking) noexcept;

struct ColumnModel {
  std::string name;
  Kind kind = Kind::text;
  bool key = false;
  bool required = false;            ///< a key column that can't be absent
  std::string references;           ///< table whose key an id names, or empty
  std::vector<std::string> values;  ///< spellings of a code
  Tracking tracking = Tracking::untracked;
  std::string dated_by;  ///< the instant or date column that makes a dated column known
};

struct TableModel {
  std::string name;
  std::string known_at;        ///< rows are hidden before this instant or date column; empty = always known
  bool surrogate_key = false;  ///< the key is made when absent
  std::vector<ColumnModel> columns;

  [[nodiscard]] const ColumnModel* find(std::string_view column) const noexcept;
  [[nodiscard]] std::vector<std::string> keys() const;
};

/// All tables that a book accepts.
const std::vector<TableModel>& data_model();
/// Throws `UsageError` that names near tables.
const TableModel& table_model(std::string_view table);

enum class DealStatus : std::uint8_t {
  open,
  won,
  lost,
  unknown,  ///< closed, but neither won nor lost is said
};

/// One contiguous array per fact of an opportunity, for the loops of the KPIs. Nulls are `null_value`
/// (int64), -1 (codes and rows) or `null_date` (int32).
struct Deals {
  static constexpr std::int32_t null_date = std::numeric_limits<std::int32_t>::min();
  SharedArray<std::int64_t> created_at;
  SharedArray<std::int64_t> closed_at;  ///< actual close; null while open
  SharedArray<DealStatus> status;
  SharedArray<std::int64_t> amount;       ///< minor units
  SharedArray<std::int32_t> close_date;   ///< expected
  SharedArray<std::int32_t> stage;        ///< code of opportunity.stage_id
  SharedArray<std::int32_t> stage_row;    ///< row of stage_def, by (pipeline, stage)
  SharedArray<std::int32_t> owner_row;    ///< row of rep
  SharedArray<std::int32_t> account_row;  ///< row of account
  SharedArray<std::uint8_t> deleted;
  SharedArray<std::uint8_t> reopened;  ///< times it came back from a closed stage; 255 = that often or more

  [[nodiscard]] std::size_t size() const noexcept { return status.size(); }
};

struct CrmOptions {
  std::string currency;      ///< of rows without one; empty: XXX, said in an issue
  bool minor_units = false;  ///< money in integers is minor units rather than whole ones
  IssueOptions issues;
  Execution execution;
};

struct AsOfOptions {
  bool strict = false;
  std::vector<std::string> allow_current = {};  ///< `"table.column"`
  Execution execution = {};
};

/// The day whose rate an amount takes. Deals move, everything else has its own day (see `in_currency`).
enum class RateDay : std::uint8_t {
  close,   ///< a deal's close; the book's latest day while it is open
  create,  ///< a deal's creation
  fixed,   ///< one day for the whole book: constant currency
};

/// Rows of `fx_rate` by their `kind`; one without a kind is a spot rate.
enum class RateKind : std::uint8_t {
  spot,
  month_avg,  ///< holds for the calendar month of its date
  budget,
};

/// What becomes of an amount without a rate.
enum class NoRate : std::uint8_t {
  error,  ///< `UsageError` that names the currencies and days
  null,   ///< the amount is null, and an issue `no_rate`
};

struct ConvertOptions {
  RateDay at = RateDay::close;
  Date day = {};  ///< of `RateDay::fixed`
  RateKind kind = RateKind::spot;
  std::optional<int> max_age = {};  ///< days; by default 31, of budget rates 366
  std::string through = {};  ///< currency to go through where a pair has no rate of its own; empty: none
  NoRate missing = NoRate::error;
};

using NamedTables = std::vector<std::pair<std::string, Table>>;

/// An immutable book. Copies share memory.
class Crm {
 public:
  using Options = CrmOptions;

  /// Throws `UsageError` for a table the model doesn't have, or one without its key; `Cancelled` when
  /// stopped, as `as_of` and `apply` do.
  static Crm build(NamedTables tables, const Options& options = {});

  [[nodiscard]] bool has(std::string_view table) const noexcept;
  [[nodiscard]] bool has(std::string_view table, std::string_view column) const noexcept;
  /// Throws `UsageError` that says which table or column is missing and what it is for.
  [[nodiscard]] const Table& table(std::string_view name) const;
  [[nodiscard]] const Column& column(std::string_view table, std::string_view column) const;
  [[nodiscard]] std::vector<std::string> tables() const;

  /// The row of `table` that each row's id in `column` names; -1 for null or unknown.
  [[nodiscard]] std::span<const std::int32_t> link(std::string_view table, std::string_view column) const;
  /// The row whose key is `id` (tables with one key column); -1 when there is none.
  [[nodiscard]] std::int64_t row_of(std::string_view table, std::string_view id) const;

  [[nodiscard]] const Deals& deals() const;
  /// Changes of opportunities, entity i = row i of the opportunity table.
  [[nodiscard]] const History& history() const;

  [[nodiscard]] const Issues& issues() const;
  /// One row a table: rows_in = kept + superseded + rejected + deleted.
  [[nodiscard]] Table counts() const;
  /// One row a column of the model: present, filled share, tracking, and what its absence costs.
  [[nodiscard]] Table capabilities() const;
  /// The latest instant in the book, or the t of `as_of(t)`.
  [[nodiscard]] Instant latest() const;
  /// What each stage (by code of opportunity.stage_id) says of a deal in `pipeline` (code of
  /// opportunity.pipeline_id, -1 for none): open, won or lost; nothing for a stage nobody defined.
  [[nodiscard]] std::vector<std::optional<DealStatus>> stage_statuses(std::int64_t pipeline = -1) const;
  /// The currency of all money in the book, or empty when there are several.
  [[nodiscard]] const std::string& currency() const;

  [[nodiscard]] Crm as_of(Instant t, const AsOfOptions& options = {}) const;

  /// The same book for whoever reads it in `zone`. A civil day has no zone, so times known as days alone
  /// begin there rather than in UTC: those of a column whose times are all midnight UTC, closes that the
  /// close date stands in for, and with them `latest`. KPIs, forecasts and reports asked in a zone do so
  /// themselves. `apply` and `in_currency` (but at a fixed day) refuse this book: ask the one that was read.
  [[nodiscard]] Crm with_days_in(const TimeZone& zone) const;

  /// A new book with rows added or replaced: the book that all rows together would make, where the
  /// differences between the deals of the two count as changes at their `source_modified_at` if the
  /// changes bring no history of their own. Rows are matched by key; of two versions the one with the
  /// later `source_modified_at` stays (the change's, on a tie or without it); `is_deleted` hides a
  /// row from then on. Columns the change lacks keep their values; shares are read in the book's scale.
  ///
  /// It costs what the changes cost, and a copy of each column in which a value of an old row is another one;
  /// all else is shared with this book. Looking up an id makes the index of its column, once. What reaches
  /// beyond the changed rows is derived anew: every deal when stages are redefined, the links to a table
  /// whose rows are deleted or merged, the history of deals with new snapshots or versions (which looks for
  /// their older rows).
  [[nodiscard]] Crm apply(NamedTables changes, const Execution& execution = {}) const;

  /// The book with every amount in one currency, by the rates of its table `fx_rate` (`rate` units of
  /// `to` for one of `from`): all money columns, amounts in the history and in `opportunity_event`, and
  /// the value of a `target` whose row names a currency.
  ///
  /// The rate of an amount is that of its day, or the latest earlier one of at most `max_age` days: of
  /// the pair itself, else of the opposite pair, inverted exactly, else, where `through` is set, of the two
  /// pairs that meet there. A rate is the shortest decimal of its double, the product is exact and
  /// rounded once, half to even. Days, in UTC:
  ///
  /// | rows                              | day                                                        |
  /// |-----------------------------------|------------------------------------------------------------|
  /// | deal, its snapshots and history   | `at`: one rate for all of a deal, so rates make no movement |
  /// | subscription and its events       | start                                                      |
  /// | quota, spend, target              | period_start                                               |
  /// | account, product, other standing  | the book's latest day                                      |
  /// | all others                        | the instant of the row                                     |
  ///
  /// Spot rates and averages of days to come don't exist: a later day is the book's latest. Budget rates
  /// may lie ahead. `as_of(t).in_currency(c)` knows neither rates nor closes after t. It equals
  /// `in_currency(c).as_of(t)` for `fixed` days up to t, and else where no row's day lies after t: deals
  /// that were open at t under `close`, and standing rows, differ.
  ///
  /// Issues count by table what was converted (`converted_at_spot`, `…_month_avg`, `…_budget`), by an
  /// inverse (`converted_by_inverse`) or through a third currency (`converted_through`). Throws
  /// `UsageError` for a rate missing under `NoRate::error` and for an amount beyond int64, `DataError` for
  /// two different rates of one pair, kind and day (a later `source_modified_at` decides). Convert
  /// the book as it was read: a second conversion would round again.
  [[nodiscard]] Crm in_currency(std::string_view currency, const ConvertOptions& options = {}) const;

 private:
  struct State;
  explicit Crm(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace v0
}  // namespace salesops
