/// @file rfm.hpp
/// From transactions to one row a customer: what the lifetime models are fitted on.
///
/// | question                                              | here                         |
/// |-------------------------------------------------------|------------------------------|
/// | how often, how recently, how long known, how much     | `rfm`                        |
/// | the same from files or machines one at a time         | `RfmState`: partial → merge → finish, JSON |
/// | who are the best, the new, the ones at risk           | `rfm_scores`                 |
/// | do customers buy at random or at a regular pace       | `RfmState::regularity`       |
///
/// A *purchase* is a day on which a customer bought: all rows of one customer and one civil day of `zone` are
/// one purchase, and its amount is their sum. Refunds are rows with negative amounts. A day that holds a
/// refund and sums to zero or less is no purchase: its amount lowers `total_spend`, and an issue counts it.
/// A day of zero amounts alone is a purchase that costs nothing: it counts in `frequency`, not in
/// `monetary_value`.
///
/// For units of hours and minutes a purchase is a minute instead (`RfmColumns::by_minute`): all rows of one
/// customer and one minute of UTC, whatever the zone.
///
/// Days are exact: a week is 7 of them, so T in weeks is days/7. With `discrete` the civil periods of the
/// unit are counted instead (ISO weeks, calendar months, years, hours of UTC), with one purchase a period at
/// most: the form that BG/BB needs.
///
/// Amounts are int64 minor units of one currency; a sum beyond 64 bits is a `UsageError`. Results are equal
/// to the bit for any order of the rows, any cut into batches and any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/calendar/time_zone.hpp"
#include "salesops/date.hpp"
#include "salesops/issues.hpp"
#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A unit of time. A week is 7 days, a year 365.2425 (the Gregorian mean), a month a twelfth of a year.
enum class TimeUnit : std::uint8_t { minute, hour, day, week, month, year };

inline constexpr std::int32_t minutes_a_day = 24 * 60;

[[nodiscard]] constexpr double days_in(TimeUnit unit) noexcept {
  switch (unit) {
    case TimeUnit::minute: return 1.0 / minutes_a_day;
    case TimeUnit::hour: return 1.0 / 24;
    case TimeUnit::day: return 1;
    case TimeUnit::week: return 7;
    case TimeUnit::month: return 365.2425 / 12;
    case TimeUnit::year: return 365.2425;
  }
  return 1;
}

/// Where a table of transactions keeps what `rfm` needs.
struct RfmColumns {
  std::string customer = "customer";  ///< text or whole numbers
  std::string time = "time";  ///< dates, instants, or their ISO texts (without offset: clock of `zone`)
  std::string
      amount;  ///< empty = none. Money columns, else major units: floats, decimals, whole numbers, text
  std::string currency;  ///< ISO 4217 code of the amounts; empty = that of the money column, or two decimals
  bool minor_units = false;  ///< whole numbers are minor units
  TimeZone zone = {};        ///< whose days count
  bool by_minute = false;    ///< a purchase is a minute of UTC, as units below a day need, not a day
};

/// The last moment that counts: a day, or where purchases are told apart by the minute, a minute of UTC.
struct RfmEnd {
  Date day;
  std::int32_t minute = minutes_a_day - 1;  ///< of the day; its last by default

  constexpr RfmEnd() = default;
  constexpr RfmEnd(Date all_of) : day(all_of) {}  // NOLINT(google-explicit-constructor): a day is an end
  constexpr RfmEnd(Date of, std::int32_t last_minute) : day(of), minute(last_minute) {}
  friend constexpr auto operator<=>(const RfmEnd&, const RfmEnd&) = default;
};

struct RfmOptions {
  TimeUnit unit = TimeUnit::day;
  bool discrete = false;                       ///< count civil periods of the unit
  std::optional<RfmEnd> calibration_end = {};  ///< last day the models may see; by default `observation_end`
  std::optional<RfmEnd> holdout_end = {};      ///< last day of the holdout; by default `observation_end`
  std::optional<RfmEnd> observation_end = {};  ///< nothing after it is known; by default the latest purchase
  bool include_first = false;  ///< count the first purchase in frequency and spend: not for the models
  Execution execution = {};
};

/// One entry a customer who bought by `calibration_end`, ascending by customer. Times in `unit`.
struct Rfm {
  Column customer;
  std::vector<double> frequency;        ///< repeat purchases: x
  std::vector<double> recency;          ///< first to last purchase: t_x
  std::vector<double> T;                ///< first purchase to `calibration_end`
  std::vector<double> days_since_last;  ///< in days, last purchase to `calibration_end`
  std::vector<Date> first_purchase;
  std::vector<std::int32_t> first_minute;  ///< of that day; only of purchases by the minute
  std::vector<double> sum_log_gaps;  ///< Σ ln of the times between purchases: regularity, for the CNBD-k

  std::vector<double> monetary_value;       ///< mean amount of the repeat purchases above 0; NaN without any
  std::vector<double> spend_frequency;      ///< how many those are
  std::vector<std::int64_t> total_spend;    ///< all amounts by `calibration_end`, minor units
  std::vector<double> holdout_frequency;    ///< purchases after `calibration_end`; empty without a holdout
  std::vector<std::int64_t> holdout_spend;  ///< all amounts after it, minor units

  TimeUnit unit = TimeUnit::day;
  bool discrete = false;
  bool has_amount = false;
  std::string currency;
  bool by_minute = false;
  RfmEnd calibration_end;
  RfmEnd holdout_end;  ///< `calibration_end` without a holdout
  double holdout_duration = 0;
  std::string zone;
  /// What was merged and left out: `same_period`, `zero_amount`, `refund_day`, `after_end`, `new_in_holdout`,
  /// and of the reading `no_customer`, `no_time`, `no_amount`, `not_a_date`, `not_an_amount`.
  Issues issues;

  [[nodiscard]] std::size_t size() const noexcept { return frequency.size(); }
  /// The columns under the names above; monetary_value in major units, sums as money.
  [[nodiscard]] Table to_table() const;
};

/// How the shape k of the times between purchases is estimated (k = 1: at random; above: regular).
enum class RegularityMethod : std::uint8_t {
  mle,    ///< gamma times with one k and a rate of its own for each customer, conditional on each one's total
  wheat,  ///< Wheat and Morrison (1990): (1 − 4V)/(8V), V = E(M − ½)², M = share of a gap in two of one
          ///< customer
  minka,  ///< median over customers of the gamma shape's MLE (Newton from Minka's 2002 start)
  thom,   ///< median over customers of Thom's (1958) approximation
  cv,     ///< median over customers of 1/cv²
};

struct Regularity {
  std::optional<double> k;     ///< nothing when no customer has enough purchases
  std::int64_t customers = 0;  ///< that it rests on
};

/// When each customer bought again, in the unit of T since its first purchase; customer i's times are
/// `first[i]` … `first[i+1] − 1`. `PurchaseTimes` of clv/dynamic.hpp looks at it.
struct RepeatTimes {
  std::vector<std::size_t> first{0};
  std::vector<double> times;
};

/// Transactions of one batch, or of many, as days of purchase by customer. Immutable; copies are cheap.
class RfmState {
 public:
  RfmState();
  /// Reads a batch. Dirty rows become issues; a wrong type of column is a `UsageError` that names it.
  static RfmState partial(const Table& transactions, const RfmColumns& columns = {},
                          const Execution& execution = {});
  /// Adds another batch. Other kinds of customers or another zone are a `UsageError`, another currency a
  /// `UnitError`; an empty state fits all.
  void merge(const RfmState& other);
  [[nodiscard]] Rfm finish(const RfmOptions& options = {}) const;
  /// Repeat purchases up to and including each of the days `ends`, ascending, of all customers who first
  /// bought by `joined_by`: the sums of the frequencies that `finish` would count by then, in one pass. Days
  /// (minutes), not civil periods, count. `UsageError` for ends out of order.
  [[nodiscard]] std::vector<std::int64_t> repeat_purchases(std::span<const Date> ends,
                                                           RfmEnd joined_by) const;
  /// When the customers that `finish` gives bought again by `calibration_end`, in its order. `UsageError` for
  /// `discrete`, whose periods have no times.
  [[nodiscard]] RepeatTimes repeat_times(const RfmOptions& options = {}) const;
  /// Of all customers with at least two gaps (wheat, mle) or ten (minka, thom, cv), in days.
  [[nodiscard]] Regularity regularity(RegularityMethod method = RegularityMethod::mle) const;

  /// All of the state, to be merged elsewhere or later. `UsageError` for customers whose names are no UTF-8.
  [[nodiscard]] std::string to_json() const;
  /// Throws `DataError` for text that `to_json` didn't write.
  static RfmState from_json(std::string_view text);

  [[nodiscard]] std::size_t customers() const noexcept;
  /// Days (minutes) on which somebody bought or gave back, over all customers.
  [[nodiscard]] std::size_t days() const noexcept;
  [[nodiscard]] const Issues& issues() const noexcept;

  struct Data;

 private:
  std::shared_ptr<const Data> data_;
};

/// `RfmState::partial` and `finish` in one.
[[nodiscard]] Rfm rfm(const Table& transactions, const RfmColumns& columns = {},
                      const RfmOptions& options = {});

// ---- Scores and segments --------------------------------------------------------------------------

/// Score of each value from 1 to `groups`: 1 + ⌊groups · (share of values that are smaller)⌋, or larger with
/// `low_is_good`. Equal values have equal scores, so groups may differ in size; NaN scores 1.
[[nodiscard]] std::vector<int> scores(std::span<const double> values, int groups = 5,
                                      bool low_is_good = false);

/// The usual names of the grid of recency and frequency scores from 1 to 5.
[[nodiscard]] std::string_view segment_name(int recency_score, int frequency_score) noexcept;

struct RfmScores {
  std::vector<int> recency;  ///< few days since the last purchase score high
  std::vector<int> frequency;
  std::vector<int> monetary;              ///< by total spend; empty without amounts
  std::vector<std::string_view> segment;  ///< only for five groups
};
[[nodiscard]] RfmScores rfm_scores(const Rfm& rfm, int groups = 5);

}  // namespace clv
}  // namespace v0
}  // namespace salesops
