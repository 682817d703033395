/// @file retention.hpp
/// The grid of cohorts and ages, in a stated zone and calendar, with intervals and money.
///
/// A customer's *cohort* c is the period of its first start event, the *age* of an event k = P(t) − c, with
/// P the number of the period that holds the civil day of t in the zone. Periods come from the calendar, not
/// from the rows: a month in which nobody came is a row of zeros.
///
/// Every cell has a state. What has not begun at `as_of` is unobserved: null, never 0.
///
/// | measure   | value                                                                   | n            |
/// |-----------|-------------------------------------------------------------------------|--------------|
/// | classic   | share with ≥ `min_count` events in period c + k                         | cohort size  |
/// | unbounded | share whose last such period is ≥ c + k; grows until it is all of them  | cohort size  |
/// | bracket   | share with such a period of age a ≤ k ≤ b                               | cohort size  |
/// | window    | share with ≥ `min_count` events in window ⌊(t − t₀)/w⌋ = k from its first t₀ | window over |
/// | previous  | share active in k of those active in k − 1                              | those        |
/// | nrr       | Σ amounts of c + k ÷ Σ amounts of c                                     | cohort size  |
/// | grr_point | Σ min(amount of c + k, amount of c) ÷ Σ amounts of c, each at least 0   | cohort size  |
/// | grr_path  | Σ min over j ≤ k of the amounts of c + j ÷ Σ amounts of c, the same way | cohort size  |
/// | ltv       | Σ amounts through c + k ÷ cohort size                                   | cohort size  |
/// | sum       | Σ amounts of c + k                                                      | cohort size  |
/// | mean      | that ÷ customers active in c + k                                        | those        |
/// | count     | events in c + k                                                         | cohort size  |
///
/// Amounts are int64 minor units of one currency and exact; a sum beyond 64 bits is a `UsageError`. All rows
/// of a customer from its cohort's period on count, refunds too. A cell in progress has the value so far, but
/// nrr and grr have none before the period is over, nor over a base that is not above 0. grr lies between 0
/// and 1: a customer whose amount of a period is below 0 brings 0 in it, first periods too. nrr is net of
/// refunds, so that it may lie below grr, and below 0.
///
/// Age 0 holds returns strictly after the start, and the start itself where it passes as a return.
/// Counts and sums are equal for any order of the rows, any cut into batches and any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/calendar/fiscal.hpp"
#include "salesops/calendar/time_zone.hpp"
#include "salesops/date.hpp"
#include "salesops/issues.hpp"
#include "salesops/parallel.hpp"
#include "salesops/stats.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort {

/// Where a table of events keeps what is needed.
struct Columns {
  std::string customer = "customer";  ///< text or whole numbers
  std::string time = "time";  ///< dates, instants, or their ISO texts (without offset: clock of `zone`)
  std::string amount = {};    ///< empty = none. Money columns, else major units: floats, decimals, text, …
  std::string currency = {};  ///< ISO 4217 code; empty = that of the money column, or two decimals
  bool minor_units = false;   ///< whole numbers are minor units
  std::string start = {};     ///< boolean: the event can begin a cohort; empty = all can
  std::string returned = {};  ///< boolean: the event counts as activity; empty = all count
  std::string older = {};     ///< boolean: the row tells that its customer is older than the log
  std::string by = {};        ///< text, whole numbers, booleans: segment, that of the customer's first event
  TimeZone zone = {};         ///< whose civil days are counted
};

/// How time is cut into periods.
struct Cut {
  Every every = Every::month;
  FiscalCalendar calendar = {};
  std::optional<int> week_start = {};  ///< 0 = Monday … 6 = Sunday; empty = the calendar's own weeks
  int days = 0;                        ///< above 0: blocks of so many civil days instead of `every`
  std::optional<Date> anchor = {};     ///< last day of a block; empty = the day of `as_of`
};

enum class Entry : std::uint8_t {
  first_time,  ///< by the first start event
  first_ever,  ///< the same, of those whose first event of all is one
  recurring    ///< once for every period with a start event
};

/// Which rows with an amount are activity. All move money.
enum class Activity : std::uint8_t {
  not_refund,  ///< those of 0 and more
  positive,    ///< those above 0
  all
};

enum class Measure : std::uint8_t {
  classic,
  unbounded,
  bracket,
  window,
  previous,
  nrr,
  grr_point,
  grr_path,
  ltv,
  sum,
  mean,
  count
};

/// Ages from `first` to `last`, both counted.
struct Bracket {
  int first = 0;
  int last = 0;

  friend bool operator==(const Bracket&, const Bracket&) = default;
};

enum class IntervalKind : std::uint8_t {
  by_measure,  ///< wilson for shares, bootstrap for nrr, grr, ltv and mean
  wilson,
  clopper_pearson,
  bootstrap,  ///< customers drawn with replacement within their cohort, percentile interval
  none
};

struct Options {
  Cut cut = {};
  Entry entry = Entry::first_time;
  Activity activity = Activity::not_refund;
  Measure measure = Measure::classic;
  int min_count = 1;                    ///< events that make a customer active in a period
  std::vector<Bracket> brackets = {};   ///< of the measure bracket
  std::int64_t window_us = us_per_day;  ///< of the measure window
  std::optional<Instant> as_of = {};    ///< later rows are not known; empty = the latest in the rows
  std::optional<Instant> observed_from =
      {};            ///< earlier rows only tell that their customer is older than the log
  int max_age = -1;  ///< ages 0 … max_age only; −1 = all
  double level = 95;
  IntervalKind interval = IntervalKind::by_measure;
  int replicates = 1000;
  std::uint64_t seed = 0;
  std::int64_t max_cells = 1'000'000;  ///< a larger grid is a `UsageError` that names the coarser period
  Execution execution = {};
};

enum class CellState : std::uint8_t {
  complete,
  in_progress,  ///< the period (a customer's window, a bracket's end) is not over at `as_of`
  may_grow,     ///< unbounded: over, but customers who come back later will count; not where all do already
  unobserved    ///< not begun: no value
};
[[nodiscard]] std::string_view state_name(CellState state) noexcept;

/// One age over all cohorts of a segment whose cell is complete (or may grow).
struct PooledAge {
  std::int64_t cohorts = 0;
  std::int64_t n = 0;
  std::int64_t active = 0;
  double weighted = 0;  ///< Σ numerators ÷ Σ denominators; NaN without
  /// Of `weighted`. With recurring entry customers stand in several cohorts: shares have Wilson's interval
  /// with as many independent customers as the spread over them is worth, money has none.
  double low = 0, high = 0;
  double simple = 0;  ///< mean of the cohorts' values
};

/// segments × cohorts × ages, in that order. NaN = null.
struct Retention {
  Measure measure = Measure::classic;
  Every every = Every::month;
  std::vector<std::string> segments;  ///< one empty text without `by`
  std::vector<std::string> cohorts;   ///< labels of the periods that cohorts are named by, without a gap
  std::vector<Date> starts;           ///< of these periods, and the end of the last
  std::vector<std::string> ages;      ///< "0", "1", …, or "2-3" for brackets
  std::vector<int> first_age;         ///< as numbers

  std::vector<std::int64_t> size;        ///< segments × cohorts
  std::vector<std::int64_t> n;           ///< customers the value rests on
  std::vector<std::int64_t> active;      ///< customers active
  std::vector<std::int64_t> events;      ///< activities; of the measure count only
  std::vector<std::int64_t> amount;      ///< minor units in the cell; empty without amounts
  std::vector<double> value, low, high;  ///< amounts in major units
  std::vector<double> std_error;         ///< of ltv, mean, nrr and grr over customers; with the bootstrap
  std::vector<std::int64_t> kept_base;   ///< grr: minor units that can be lost; segments × cohorts
  std::vector<CellState> state;
  std::vector<PooledAge> pooled;  ///< segments × ages

  bool has_amount = false;
  std::string currency;
  std::string zone;
  Instant as_of;
  double level = 95;
  IntervalKind interval = IntervalKind::none;  ///< that was used
  bool customers_repeat = false;               ///< recurring entry: a customer is in several cohorts
  std::int64_t customers = 0;                  ///< in cohorts
  std::int64_t older = 0;                      ///< customers older than the log: their cohort is unknown
  std::int64_t outside = 0;                    ///< customers without a start event
  /// Of the reading; `before_cohort`: rows before their customer's cohort, in no cell; `segment_changes`:
  /// customers who have rows of another segment too, and count in that of their first event alone.
  Issues issues;

  [[nodiscard]] std::size_t cell(std::size_t segment, std::size_t cohort, std::size_t age) const noexcept {
    return (segment * cohorts.size() + cohort) * ages.size() + age;
  }
  /// Long: (segment,) cohort, period, k, n, active, (amount,) rate or value, low, high, state.
  [[nodiscard]] Table to_table() const;
  /// One row an age: (segment,) k, cohorts, n, active, weighted, low, high, simple.
  [[nodiscard]] Table pooled_table() const;
  /// Complete cells of a segment's cohorts: customers active at age 0, 1, …; `measure` classic.
  [[nodiscard]] std::vector<std::vector<double>> triangle(std::size_t segment = 0) const;
};

/// Events of one batch, or of many, by customer. Immutable; copies are cheap.
class State {
 public:
  State();
  /// Reads a batch. Dirty rows become issues; a wrong type of column is a `UsageError` that names it.
  static State partial(const Table& events, const Columns& columns = {}, const Execution& execution = {});
  /// Adds another batch. Other kinds of customers, segments or filters of another column, another zone are a
  /// `UsageError`, another currency a `UnitError`; an empty state fits all.
  void merge(const State& other);
  [[nodiscard]] Retention finish(const Options& options = {}) const;
  [[nodiscard]] std::size_t customers() const noexcept;
  [[nodiscard]] std::size_t events() const noexcept;

  struct Data;
  [[nodiscard]] const Data& data() const noexcept { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

/// `State::partial` and `finish` in one. Where no single customer's amounts are asked for it takes one bit a
/// customer and period instead of sorting the rows; the answer is the same.
[[nodiscard]] Retention retention(const Table& events, const Columns& columns = {},
                                  const Options& options = {});

/// When a cohort has earned what its customers cost.
struct Payback {
  std::optional<double>
      age;           ///< first k with Σ amounts through k · margin ≥ cost · size; nothing when not yet
  int at_least = 0;  ///< ages known to be too early
};
/// `cost` in major units a customer, one a cohort (NaN = unknown); `margin` the share of the amounts that is
/// earned. Cells in progress count where they already suffice. With `interpolate` it is the time
/// in periods since the cohort's first began: k + the share of that period's amounts that was needed.
[[nodiscard]] std::vector<Payback> payback(const Retention& grid, const std::vector<double>& cost,
                                           double margin = 1, bool interpolate = false,
                                           std::size_t segment = 0);

enum class Correction : std::uint8_t { none, holm, benjamini_hochberg };

/// p-values corrected for their number: Holm (1979) keeps the chance of any false one at the level, Benjamini
/// and Hochberg (1995) the expected share of false ones among those found.
[[nodiscard]] std::vector<double> adjusted(const std::vector<double>& p_values, Correction correction);

/// Two segments at one age.
struct Comparison {
  std::size_t first = 0, second = 0, age = 0;
  std::int64_t n_first = 0, n_second = 0;    ///< customers, of the cohorts that both have
  double value_first = 0, value_second = 0;  ///< pooled over these
  double statistic = 0;                      ///< χ², 1 degree, cohorts as strata
  double p_value = 1, p_adjusted = 1;
};
/// Every pair of segments at every age where complete cells let them differ; one correction over all.
/// Cohorts are strata, so a segment of younger customers is not taken for a worse one. Shares: Cochran,
/// Mantel and Haenszel's test. ltv, mean, nrr and grr: Σ w (R₁ − R₂) over its standard error, with the
/// errors of the cells' ratios over customers (linearised: √(Σ (v − R·b)²·n/(n−1)) ÷ Σ b) and the weights
/// w = b₁b₂/(b₁ + b₂) of Mantel and Haenszel, b being customers, active customers or first amounts.
/// `UsageError` for totals (sum, count), for money without the bootstrap, for recurring entry, or without
/// `by`.
[[nodiscard]] std::vector<Comparison> compare(const Retention& grid,
                                              Correction correction = Correction::holm);

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
