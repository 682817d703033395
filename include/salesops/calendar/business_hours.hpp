/// @file business_hours.hpp
/// Working time: how much of it passed between two instants, and when a span of it is over.
///
///     elapsed(a, b) = F(b) − F(a),   F(t) = open time from the first year to t
///
/// Open times are written in local civil time and turned into UTC for each date, so a day on which the
/// clock jumps has the hours it really had. F is a table of running sums over all open spans: a lookup
/// costs the same for an hour and for ten years.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "salesops/calendar/time_zone.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {

/// Open from `open` to `close` on one civil day, in microseconds from 00:00; `close` may be 24:00.
struct DaySpan {
  std::int64_t open = 0;
  std::int64_t close = 0;

  /// `"09:00"` and `"17:30"` (`HH:MM[:SS]`, to `"24:00"`). Throws `UsageError`; hours over midnight are
  /// two spans on two days.
  static DaySpan parse(std::string_view open, std::string_view close);

  friend constexpr auto operator<=>(const DaySpan&, const DaySpan&) = default;
};

/// The open spans of one day, in any order; none if it is closed.
using DayHours = std::vector<DaySpan>;

/// `"09:00-12:00, 13:00-17:00"`; none for `"closed"`. Throws `UsageError` that names the part it can't read.
DayHours parse_day_hours(std::string_view text);

/// A week as shops write it, rules apart by ";": `"Mo-Fr 09:00-12:00, 13:00-17:00; Sa 10:00-14:00"`. Days go
/// by two letters or more of their English names, alone (`"Mon,Wed"`) or as ranges (`"Fri-Mon"`); a later
/// rule for a day goes before an earlier one, days not named are closed. Monday first. Throws `UsageError`
/// that names the part it can't read.
std::array<DayHours, 7> parse_week_hours(std::string_view text);

struct BusinessHoursOptions {
  /// Monday first; Monday to Friday 09:00 to 17:00.
  std::array<DayHours, 7> week = workweek({{9 * 3'600 * us_per_second, 17 * 3'600 * us_per_second}});
  TimeZone zone = {};
  std::vector<Date> holidays = {};         ///< closed all day
  std::map<Date, DayHours> dates = {};     ///< other hours on a date; they go before week and holidays
  Ambiguous ambiguous = Ambiguous::first;  ///< which reading opens or closes as the clock is put back
  int first_year = 1970;                   ///< the table of running sums covers these civil years
  int last_year = 2100;

  /// `hours` on Monday to Friday, closed at the weekend.
  static std::array<DayHours, 7> workweek(const DayHours& hours) {
    return {hours, hours, hours, hours, hours, {}, {}};
  }
};

/// What `elapsed` says when the end is before the start: minus the time between, or zero.
enum class Reversed { negative, zero };

/// A team's working hours. Immutable; copies are cheap; any number of threads may ask.
///
/// Instants outside the years of the table throw `UsageError`.
class BusinessHours {
 public:
  using Options = BusinessHoursOptions;
  /// Marks a missing instant in a column, and its missing answer.
  static constexpr std::int64_t null = INT64_MIN;

  /// Throws `UsageError` for spans that overlap, are empty, or leave the day.
  explicit BusinessHours(const Options& options = {});

  /// Working microseconds from `start` to `end`.
  [[nodiscard]] std::int64_t elapsed(Instant start, Instant end,
                                     Reversed reversed = Reversed::negative) const;
  /// The earliest instant at which `us` of working time have passed since `start`: a task of two hours
  /// begun an hour before closing is due an hour after the next opening, one of one hour at closing.
  /// Negative: the latest instant from which they pass until `start`.
  [[nodiscard]] Instant add(Instant start, std::int64_t us) const;
  [[nodiscard]] bool is_open(Instant at) const;
  /// `at` itself while open, else the next opening.
  [[nodiscard]] Instant next_open(Instant at) const;
  /// Working microseconds of one local civil day.
  [[nodiscard]] std::int64_t day_length(Date date) const;

  /// `elapsed` for columns of UTC microseconds. A `null` on either side gives `null`. Throws
  /// `UsageError` naming a row outside the years of the table, or if sizes differ.
  void elapsed(std::span<const std::int64_t> starts, std::span<const std::int64_t> ends,
               std::span<std::int64_t> out, Reversed reversed = Reversed::negative,
               const Execution& execution = {}) const;
  /// The same in seconds; missing answers are NaN.
  void elapsed_seconds(std::span<const std::int64_t> starts, std::span<const std::int64_t> ends,
                       std::span<double> out, Reversed reversed = Reversed::negative,
                       const Execution& execution = {}) const;
  /// `add` for columns; `null` as above.
  void add(std::span<const std::int64_t> starts, std::span<const std::int64_t> us,
           std::span<std::int64_t> out, const Execution& execution = {}) const;

  /// `is_open` for a column: 0 or 1, 0 for `null`.
  void is_open(std::span<const std::int64_t> at, std::span<std::uint8_t> out,
               const Execution& execution = {}) const;
  /// `next_open` for a column; `null` stays.
  void next_open(std::span<const std::int64_t> at, std::span<std::int64_t> out,
                 const Execution& execution = {}) const;

  [[nodiscard]] const Options& options() const noexcept;

 private:
  struct Table;
  std::shared_ptr<const Table> table_;
};

}  // namespace v0
}  // namespace salesops
