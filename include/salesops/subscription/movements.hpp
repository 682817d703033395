/// @file movements.hpp
/// Monthly recurring revenue, and what moved it from one period to the next.
///
/// A row says who pays what from when to when. Revenue at the end of a period is what runs at its last
/// moment; a row whose `end` is the first moment of the next period still counts. For every customer (or
/// subscription) the revenue m₀ at the end of one period is compared with m₁ at the end of the next, in this
/// order, so that no kind hides another:
///
/// | kind                   | when                                                       | amount       |
/// |------------------------|------------------------------------------------------------|--------------|
/// | new                    | m₀ = 0 < m₁, never above 0 before                          | m₁           |
/// | reactivation           | m₀ = 0 < m₁, above 0 before                                | m₁           |
/// | churn                  | m₀ > 0 = m₁                                                | −m₀          |
/// | price_up, price_down   | both above 0: other price of units that both periods have  | its effect   |
/// | expansion, contraction | both above 0                                               | rest of m₁ − m₀ |
///
/// A customer who ends one subscription of several contracts; one who changes plans expands or contracts.
/// Prices are told apart where a column of quantities is named: of one subscription, on the units that both
/// periods have, at an unchanged plan.
///
/// With a currency to convert to (`Options::to`), m₀ and m₁ are both converted at the rate of the later
/// period, so rates make no movement; what they do to the revenue at the start is `fx`, apart. In every
/// period
///
///     end = start + new + reactivation + expansion + price_up + contraction + price_down + churn + fx
///
/// to the minor unit, losses being negative. With a `window`, changes are followed one by one instead of by
/// period ends: those of one customer within the window of their first count as one, dated at the first.
///
/// Monthly amounts are rounded row by row, so that customers, segments and movements add up to the minor
/// unit. Annual recurring revenue (`Movements::annual`) is a sum of its own: 365 daily, 52 weekly, 12
/// monthly, 4 quarterly or 2 half-yearly prices make whole minor units a year where the price is whole ones,
/// so it is exact. Only fractions that a `billing_count`, a charge of odd length, a quantity or a price
/// leaves are rounded, once a row. The sum of each currency is converted at once.
///
/// Results are equal to the bit for any order of the rows, any cut into batches and any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/calendar/fiscal.hpp"
#include "salesops/calendar/time_zone.hpp"
#include "salesops/crm.hpp"
#include "salesops/date.hpp"
#include "salesops/issues.hpp"
#include "salesops/parallel.hpp"
#include "salesops/subscription/terms.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

/// Whose revenue is followed.
enum class Follow : std::uint8_t { customer, subscription };

/// Where a table of subscriptions, or of invoice lines, keeps what is needed. Empty names: there is none.
struct Columns {
  std::string customer = "customer";  ///< text or whole numbers
  std::string subscription = {};      ///< likewise; empty: each row is one of its own
  std::string start = "start";        ///< dates, instants, or their ISO texts
  std::string end = {};               ///< first day (or instant) that is no longer paid for; null: runs on
  std::string trial_end = {};         ///< nothing is paid before
  std::string closed = {};            ///< when it was signed; see `closed_by`
  std::string amount = "amount";      ///< price of a unit and interval: major units, or a money column
  std::string quantity = {};          ///< units; 1 without
  std::string discount = {};          ///< amount off an interval, of all units together
  std::string billing = {};           ///< texts of `billing_of`; empty: all are `usual_billing`
  std::string billing_count = {};     ///< intervals that a price is for; 1 without
  std::string plan = {};              ///< text or whole numbers
  std::string currency = {};  ///< ISO 4217 code, or the column of codes; empty: that of the money column
  Billing usual_billing = Billing::month;  ///< of all rows, without a column
  bool charges = false;       ///< rows are invoice lines: a row lasts one interval, or from start to end, and
                              ///< its amount is for that time
  bool minor_units = false;   ///< whole numbers are minor units
  bool end_included = false;  ///< ends are last days rather than first days after
  bool allow_negative = false;  ///< amounts below 0 lower their customer's revenue
  int closed_by = 0;            ///< a start by this day of the month after `closed` counts from `closed` on
  Follow follow = Follow::customer;
  ChurnAt churn_at = ChurnAt::end;  ///< of a book: when cancelled subscriptions are over
  TimeZone zone = {};               ///< whose civil days count
};

/// What becomes of rows of one subscription that overlap.
enum class Overlaps : std::uint8_t {
  latest,  ///< it has one price at a time: the later start holds; equal rows count once
  sum      ///< rows are items of it: all add up
};

struct Options {
  Every every = Every::month;
  FiscalCalendar calendar = {};
  std::optional<Instant> as_of = {};  ///< later starts and ends are not known; empty: the latest start, but
                                      ///< for a few `long_after_the_rest`
  std::optional<std::int64_t> window_us = {};  ///< follow changes; empty: compare period ends
  std::int64_t grace_us = 0;  ///< who comes back so soon after an end never left: the old revenue runs on
  Overlaps overlaps = Overlaps::latest;

  std::string to = {};              ///< currency of the result; empty: that of the rows
  std::optional<Table> rates = {};  ///< as the model's `fx_rate`: date, from, to, rate, …
  ConvertOptions convert = {};      ///< kind, max_age, through, missing; `at` fixed: one day for all periods

  bool keep_movements = false;  ///< fill `Movements::moved`
  bool keep_balances = false;   ///< fill `Movements::balances`
  std::int64_t max_periods = 100'000;
  Execution execution = {};
};

enum class Movement : std::uint8_t {
  fresh,
  reactivation,
  expansion,
  price_up,
  contraction,
  price_down,
  churn
};
inline constexpr std::size_t movement_kinds = 7;
/// `"new"`, `"reactivation"`, …
[[nodiscard]] std::string_view movement_name(Movement kind) noexcept;

enum class PeriodState : std::uint8_t {
  complete,
  in_progress,  ///< not over at `as_of`
  pending,      ///< over, but who has left so lately may still come back within the grace
  data_end      ///< most that ran ends at the latest end of all rows, and nothing begins after: the data may
                ///< end here rather than the subscriptions
};
[[nodiscard]] std::string_view period_state_name(PeriodState state) noexcept;

/// One entry a period, from the first start to `as_of`, without a gap. Amounts in minor units a month.
struct Movements {
  Every every = Every::month;
  Follow follow = Follow::customer;
  std::vector<std::string> periods;
  std::vector<Date> starts;  ///< of the periods, and the end of the last
  std::vector<PeriodState> state;
  std::vector<std::int64_t> start;  ///< revenue at the start: the end of the period before, at its rate
  std::vector<std::int64_t> fx;     ///< what the period's rate does to it
  std::array<std::vector<std::int64_t>, movement_kinds> amount;  ///< by kind; losses are negative
  std::array<std::vector<std::int64_t>, movement_kinds>
      count;  ///< customers (with a window: changes) by kind
  std::vector<std::int64_t> end;
  std::vector<std::int64_t> annual;  ///< revenue a year at the end; not 12 × `end`, which is rounded
  std::vector<std::int64_t> active;  ///< customers with revenue above 0 at the end

  /// Every movement, ascending by customer and period; `keep_movements`.
  struct Moved {
    std::vector<std::int64_t> customer;  ///< place in `customers`
    std::vector<std::int32_t> period;
    std::vector<Movement> kind;
    std::vector<std::int64_t> amount, before, after;
  } moved;
  /// Revenue of each customer at each period's end, where it isn't 0; `keep_balances`.
  struct Balances {
    std::vector<std::int64_t> customer;
    std::vector<std::int32_t> period;
    std::vector<std::int64_t> amount;
  } balances;
  Column customers;  ///< ascending; text or int64

  std::string customer_name = "customer";  ///< the column that the customers came from
  std::string currency;
  std::string zone;
  Instant as_of;
  std::optional<std::int64_t> window_us;
  Issues issues;

  [[nodiscard]] std::size_t size() const noexcept { return periods.size(); }
  [[nodiscard]] const std::vector<std::int64_t>& of(Movement kind) const noexcept {
    return amount[static_cast<std::size_t>(kind)];
  }
  /// (new + reactivation + expansion + price_up) ÷ (contraction + price_down + churn); nothing without
  /// losses.
  [[nodiscard]] std::optional<double> quick_ratio(std::size_t period, bool with_reactivation = true) const;
  /// One row a period: period, start_date, start, the kinds, fx, end, customers, quick_ratio, state.
  [[nodiscard]] Table to_table() const;
  /// Long: period, kind (start, new, …, fx, end), n, amount, state.
  [[nodiscard]] Table long_table() const;
  /// Monthly and annual recurring revenue: period, start_date, mrr, arr, customers, arpa, state.
  [[nodiscard]] Table mrr_table() const;
  /// (customer), period, kind, amount, before, after.
  [[nodiscard]] Table moved_table() const;
  /// (customer), period, mrr.
  [[nodiscard]] Table balances_table() const;
};

/// Subscriptions of one batch, or of many. Immutable; copies are cheap.
class State {
 public:
  struct Data;

  State();
  explicit State(std::shared_ptr<const Data> data);
  /// Reads a batch. Dirty rows become issues; a wrong type of column is a `UsageError` that names it.
  static State partial(const Table& rows, const Columns& columns = {}, const Execution& execution = {});
  /// The book's subscriptions with the changes, pauses and ends that its `subscription_event` tells of. Of
  /// `columns`, `follow`, `allow_negative` and zone are heeded.
  static State of_book(const Crm& crm, const Columns& columns = {}, bool pauses_end = true);
  /// Adds another batch. Other kinds of customers, columns or another zone are a `UsageError`.
  void merge(const State& other);
  /// `UnitError` where the rows are in several currencies and `to` names none.
  [[nodiscard]] Movements finish(const Options& options = {}) const;
  [[nodiscard]] std::size_t customers() const noexcept;
  [[nodiscard]] std::size_t rows() const noexcept;
  [[nodiscard]] const Data& data() const noexcept { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

/// `State::partial` and `finish` in one.
[[nodiscard]] Movements movements(const Table& rows, const Columns& columns = {},
                                  const Options& options = {});

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
