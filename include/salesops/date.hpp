/// @file date.hpp
/// Civil days and instants.
///
/// `Date` is a day of the proleptic Gregorian calendar with no zone; `Instant` is a point in time,
/// UTC microseconds since 1970-01-01. They don't convert into each other without a zone
/// (calendar.hpp) except through `at_midnight_utc` and `utc_date`, whose names say so.
///
/// Ranges: years 1400 to 9999 for `Date` (Boost.Date_Time's calendar); an `Instant` covers the same.
#pragma once

#include <boost/date_time/gregorian/gregorian_types.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {

inline constexpr std::int64_t us_per_second = 1'000'000;
inline constexpr std::int64_t us_per_day = 86'400 * us_per_second;

struct YearMonthDay {
  int year = 1970;
  int month = 1;
  int day = 1;
};

/// A civil day, as days since 1970-01-01.
struct Date {
  std::int32_t days = 0;

  /// Throws `UsageError` for a day that doesn't exist or a year outside 1400 to 9999.
  static Date from_ymd(int year, int month, int day);
  /// Strict ISO 8601 `YYYY-MM-DD`; nothing for any other text or a day that doesn't exist.
  static std::optional<Date> parse(std::string_view text) noexcept;

  [[nodiscard]] YearMonthDay ymd() const noexcept;
  /// 0 = Monday … 6 = Sunday.
  [[nodiscard]] int weekday() const noexcept {
    const int shifted = (days + 3) % 7;
    return shifted < 0 ? shifted + 7 : shifted;
  }
  /// The same day `months` later, cut to the end of a shorter month (31 January + 1 = 28 February).
  [[nodiscard]] Date add_months(int months) const;
  /// `YYYY-MM-DD`; a day outside the range by its number.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] boost::gregorian::date to_boost() const {
    const auto day = ymd();
    return {static_cast<unsigned short>(day.year), static_cast<unsigned short>(day.month),
            static_cast<unsigned short>(day.day)};
  }

  friend constexpr auto operator<=>(Date, Date) = default;
  friend constexpr Date operator+(Date date, int n) { return Date{date.days + n}; }
  friend constexpr Date operator-(Date date, int n) { return Date{date.days - n}; }
  friend constexpr int operator-(Date a, Date b) { return a.days - b.days; }
};

/// The first and the last day of the calendar: 1400-01-01 and 9999-12-31.
inline constexpr Date first_date{-208'188};
inline constexpr Date last_date{2'932'896};

/// A point in time, as UTC microseconds since 1970-01-01T00:00:00Z.
struct Instant {
  std::int64_t us = 0;

  /// ISO 8601: `YYYY-MM-DD`, optionally followed by `T` or a blank and `HH:MM[:SS[.ffffff]]`, and
  /// `Z` or an offset `±HH:MM`. Without an offset the text is read as UTC. Digits after the sixth
  /// decimal are cut. Nothing for any other text.
  static std::optional<Instant> parse(std::string_view text) noexcept;

  /// `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] Date utc_date() const noexcept {
    std::int64_t day = us / us_per_day;
    if (us % us_per_day < 0) --day;
    return Date{static_cast<std::int32_t>(day)};
  }

  friend constexpr auto operator<=>(Instant, Instant) = default;
};

inline constexpr Instant at_midnight_utc(Date date) { return Instant{date.days * us_per_day}; }

/// What a text says about time: a clock reading, as microseconds since 1970-01-01T00:00 on that clock,
/// and the clock's offset from UTC where the text names one.
struct ClockText {
  std::int64_t us = 0;
  std::optional<std::int32_t> offset_seconds;

  /// The texts that `Instant::parse` reads.
  static std::optional<ClockText> parse(std::string_view text) noexcept;
};

/// A half-open span of time [start, end).
struct Interval {
  Instant start;
  Instant end;

  [[nodiscard]] constexpr bool contains(Instant t) const { return start <= t && t < end; }
  friend constexpr bool operator==(const Interval&, const Interval&) = default;
};

// ---- inline definitions ----

namespace detail {

constexpr std::chrono::year_month_day civil(int year, int month, int day) noexcept {
  return {std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
          std::chrono::day(static_cast<unsigned>(day))};
}

constexpr bool valid_ymd(int year, int month, int day) noexcept {
  return year >= 1400 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
         civil(year, month, day).ok();
}

/// Days since 1970-01-01; also for years a little outside of 1400 to 9999.
constexpr std::int32_t days_from_ymd(int year, int month, int day) noexcept {
  return static_cast<std::int32_t>(std::chrono::sys_days(civil(year, month, day)).time_since_epoch().count());
}

/// Reads exactly `digits` decimal digits at `at`; -1 if there are fewer.
inline int read_digits(std::string_view text, std::size_t at, std::size_t digits) noexcept {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

inline std::string padded(std::int64_t value, std::size_t width) {
  std::string digits = std::to_string(value);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return digits;
}

}  // namespace detail

inline Date Date::from_ymd(int year, int month, int day) {
  if (!detail::valid_ymd(year, month, day))
    throw UsageError("no such day: " + std::to_string(year) + "-" + std::to_string(month) + "-" +
                     std::to_string(day) + " (years run from 1400 to 9999)");
  return Date{detail::days_from_ymd(year, month, day)};
}

inline std::optional<Date> Date::parse(std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int year = detail::read_digits(text, 0, 4);
  const int month = detail::read_digits(text, 5, 2);
  const int day = detail::read_digits(text, 8, 2);
  if (year < 0 || month < 0 || day < 0 || !detail::valid_ymd(year, month, day)) return std::nullopt;
  return Date{detail::days_from_ymd(year, month, day)};
}

inline YearMonthDay Date::ymd() const noexcept {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day()))};
}

inline Date Date::add_months(int months) const {
  const auto start = ymd();
  const int index = start.year * 12 + (start.month - 1) + months;
  const int year = index >= 0 ? index / 12 : -((11 - index) / 12);
  const int month = index - year * 12 + 1;
  if (year < 1400 || year > 9999) throw UsageError("the date leaves the years 1400 to 9999");
  const auto end =
      std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) / std::chrono::last;
  const int last = static_cast<int>(static_cast<unsigned>(end.day()));
  return Date{detail::days_from_ymd(year, month, start.day < last ? start.day : last)};
}

inline std::string Date::to_string() const {
  if (*this < first_date || *this > last_date) return "day " + std::to_string(days) + " from 1970";
  const auto day = ymd();
  return detail::padded(day.year, 4) + "-" + detail::padded(day.month, 2) + "-" + detail::padded(day.day, 2);
}

inline std::optional<ClockText> ClockText::parse(std::string_view text) noexcept {
  if (text.size() < 10) return std::nullopt;
  const auto date = Date::parse(text.substr(0, 10));
  if (!date) return std::nullopt;
  std::int64_t us = date->days * us_per_day;
  text.remove_prefix(10);
  if (text.empty()) return ClockText{us, std::nullopt};
  if (text.front() != 'T' && text.front() != 't' && text.front() != ' ') return std::nullopt;
  const int hour = detail::read_digits(text, 1, 2);
  const int minute = text.size() > 5 && text[3] == ':' ? detail::read_digits(text, 4, 2) : -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return std::nullopt;
  us += (hour * 3600 + minute * 60) * us_per_second;
  text.remove_prefix(6);
  if (!text.empty() && text.front() == ':') {
    const int second = detail::read_digits(text, 1, 2);
    if (second < 0 || second > 59) return std::nullopt;
    us += second * us_per_second;
    text.remove_prefix(3);
    if (!text.empty() && text.front() == '.') {
      std::size_t n = 1;
      std::int64_t unit = us_per_second;
      for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) {
        unit /= 10;
        us += unit * (text[n] - '0');
      }
      if (n == 1) return std::nullopt;
      text.remove_prefix(n);
    }
  }
  if (text.empty()) return ClockText{us, std::nullopt};
  if (text == "Z" || text == "z") return ClockText{us, 0};
  const int sign = text.front() == '+' ? 1 : text.front() == '-' ? -1 : 0;
  const bool colon = text.size() == 6 && text[3] == ':';
  if (sign == 0 || !(colon || text.size() == 5)) return std::nullopt;
  const int offset_hour = detail::read_digits(text, 1, 2);
  const int offset_minute = detail::read_digits(text, colon ? 4 : 3, 2);
  if (offset_hour < 0 || offset_hour > 23 || offset_minute < 0 || offset_minute > 59) return std::nullopt;
  return ClockText{us, sign * (offset_hour * 3600 + offset_minute * 60)};
}

inline std::optional<Instant> Instant::parse(std::string_view text) noexcept {
  const auto clock = ClockText::parse(text);
  if (!clock) return std::nullopt;
  return Instant{clock->us - clock->offset_seconds.value_or(0) * us_per_second};
}

inline std::string Instant::to_string() const {
  const Date date = utc_date();
  const std::int64_t in_day = us - date.days * us_per_day;
  const std::int64_t seconds = in_day / us_per_second;
  const std::int64_t fraction = in_day % us_per_second;
  std::string text = date.to_string() + "T" + detail::padded(seconds / 3600, 2) + ":" +
                     detail::padded(seconds / 60 % 60, 2) + ":" + detail::padded(seconds % 60, 2);
  if (fraction != 0) text += "." + detail::padded(fraction, 6);
  return text + "Z";
}

}  // namespace v0
}  // namespace salesops
