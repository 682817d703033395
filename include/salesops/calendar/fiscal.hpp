/// @file fiscal.hpp
/// Years, quarters and months as a company counts them.
///
/// A `FiscalCalendar` is a value: fiscal years of civil months from any start month, the 4-4-5 family
/// with 52 or 53 weeks, or a table of your own. It says which period a day is in and where a period
/// starts and ends. Periods are half open, follow each other without a gap, and are numbered: `index_of`
/// gives consecutive integers, so columns can be grouped by them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/date.hpp"

namespace salesops {
inline namespace v0 {

/// The length of a period. `all` is one period over everything.
enum class Every { day, week, month, quarter, half, year, all };

/// Fiscal years bear the number of the civil year they end in, or start in.
enum class YearName { ends_in, starts_in };

/// Civil days [start, end) that count as one.
struct Period {
  Date start;
  Date end;
  Every every = Every::all;  ///< `all` also stands for a free range
  int year = 0;              ///< fiscal year; 0 for days and ranges
  int number = 0;            ///< of the week, month, quarter or half in its year, from 1; else 0

  [[nodiscard]] constexpr int days() const noexcept { return end - start; }
  [[nodiscard]] constexpr bool contains(Date date) const noexcept { return start <= date && date < end; }
  friend constexpr bool operator==(const Period&, const Period&) = default;
};

/// Where a year of whole weeks ends.
enum class YearEnd {
  last,    ///< on the last such weekday of the month
  nearest  ///< on such a weekday nearest to the last day of the month, which may be in the next month
};

/// A year of 52 or 53 whole weeks. Quarters have 13, the 53rd week falls to the last month.
struct WeekPattern {
  std::array<int, 3> weeks{4, 4, 5};  ///< of the months of a quarter; they sum to 13
  int end_month = 12;                 ///< 1 to 12
  int end_weekday = 5;                ///< 0 = Monday … 6 = Sunday; the last day of each week
  YearEnd year_end = YearEnd::last;
  YearName year_name = YearName::ends_in;  ///< the civil year of `end_month`, or the one before it

  friend bool operator==(const WeekPattern&, const WeekPattern&) = default;
};

/// A period of a table of your own; it lasts to the start of the next one.
struct CustomPeriod {
  int year = 0;
  int quarter = 0;  ///< 1 to 4
  int number = 0;   ///< of the period in its year, from 1
  Date start;

  friend bool operator==(const CustomPeriod&, const CustomPeriod&) = default;
};

/// A company's calendar. Immutable; copies are cheap; equal calendars compare equal.
///
/// Weeks are those of ISO 8601 (Monday to Sunday, week 1 has the first Thursday), except in a week
/// pattern, whose weeks count from the start of the fiscal year. Months of a table are its periods.
class FiscalCalendar {
 public:
  /// What `index_of` says of a day outside the calendar: outside 1400 to 9999, or outside the table.
  static constexpr std::int32_t no_period = INT32_MIN;

  /// Civil years.
  FiscalCalendar() = default;
  /// Years of twelve civil months from `start_month` (1 to 12).
  static FiscalCalendar months(int start_month, YearName year_name = YearName::ends_in);
  /// Throws `UsageError` where the pattern doesn't make quarters of 13 weeks.
  static FiscalCalendar week_pattern(const WeekPattern& pattern);
  /// The 4-5-4 calendar of the National Retail Federation: weeks end on Saturday, years on the Saturday
  /// nearest to 31 January, named by the year they start in; 2012, 2017 and 2023 have 53 weeks.
  static FiscalCalendar nrf();
  /// A table in order of time, valid to `end`. Throws `UsageError` naming the row that doesn't fit.
  static FiscalCalendar table(std::vector<CustomPeriod> periods, Date end);

  /// The period a day is in. Throws `UsageError` outside the calendar.
  [[nodiscard]] Period period_of(Date date, Every every) const;
  /// Its running number; `no_period` outside the calendar. Allocates nothing. O(1), a table O(log n).
  [[nodiscard]] std::int32_t index_of(Date date, Every every) const noexcept;
  /// The inverse: `period_at(index_of(date, every), every) == period_of(date, every)`.
  [[nodiscard]] Period period_at(std::int32_t index, Every every) const;
  /// The period `n` after (before) this one. A free range moves by its own length.
  [[nodiscard]] Period next(const Period& period, int n = 1) const;
  [[nodiscard]] Period previous(const Period& period, int n = 1) const { return next(period, -n); }
  /// All periods that share a day with [start, end), in order.
  [[nodiscard]] std::vector<Period> between(Date start, Date end, Every every) const;

  /// `"FY26"`, `"FY26-H1"`, `"FY26-Q3"`, `"FY26-P07"` (months of a week pattern or table), `"2026-07"`
  /// (civil months), `"2026-W05"` (`"FY26-W05"` in a week pattern), `"2026-07-15"`, and
  /// `"2026-07-01/2026-10-01"` for a range. Civil years drop the FY: `"2026"`, `"2026-Q3"`. Years
  /// outside 2000 to 2099 have four digits: `"FY1999"`.
  [[nodiscard]] std::string label(const Period& period) const;

  /// Reads what `label` writes, and periods counted from `as_of`: "this quarter", "last month",
  /// "last 4 quarters" (four whole quarters before the current one, oldest first), "next week",
  /// "year to date" (including `as_of`), "today", "yesterday". Years are this calendar's own, with or
  /// without FY; `2026-07` is a civil month. Throws `UsageError` listing the forms.
  [[nodiscard]] std::vector<Period> parse_period(std::string_view text, Date as_of) const;

  /// `index_of` for a column of days. Sizes must agree (`UsageError`).
  void index_of(std::span<const std::int32_t> days, Every every, std::span<std::int32_t> out) const;

  /// In words: `"fiscal years from February, named by the year they end in"`.
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] bool civil_months() const noexcept { return kind_ == Kind::months; }
  [[nodiscard]] int start_month() const noexcept { return start_month_; }
  [[nodiscard]] YearName year_name() const noexcept { return year_name_; }
  /// The pattern of a calendar of weeks.
  [[nodiscard]] std::optional<WeekPattern> pattern() const {
    return kind_ == Kind::weeks ? std::optional(pattern_) : std::nullopt;
  }
  /// The rows and the end of a calendar from a table; empty for others.
  [[nodiscard]] std::vector<CustomPeriod> periods() const {
    return table_ ? table_->periods : std::vector<CustomPeriod>();
  }
  [[nodiscard]] std::optional<Date> table_end() const {
    return table_ ? std::optional(table_->blocks[0].back().start) : std::nullopt;
  }

  friend bool operator==(const FiscalCalendar& a, const FiscalCalendar& b);

 private:
  enum class Kind { months, weeks, table };
  struct Block {
    Date start;
    int year;
    int number;
  };
  /// A table cut into months, quarters, halves and years, each with one block more at the end.
  struct Table {
    std::vector<CustomPeriod> periods;
    std::array<std::vector<Block>, 4> blocks;
  };

  [[nodiscard]] const std::vector<Block>& blocks(Every every) const {
    return table_->blocks[static_cast<std::size_t>(every) - static_cast<std::size_t>(Every::month)];
  }
  [[nodiscard]] Date year_start(int year) const noexcept;
  [[nodiscard]] int week_year(Date date) const noexcept;
  [[nodiscard]] Date start_of(std::int32_t index, Every every) const;
  [[nodiscard]] int named_year(int start_or_end_year) const noexcept;
  [[nodiscard]] std::optional<Period> find(Every every, int year, int number) const;
  [[nodiscard]] std::optional<Period> named(std::string_view text) const;
  [[nodiscard]] std::optional<std::vector<Period>> relative(std::string_view text, Date as_of) const;

  Kind kind_ = Kind::months;
  int start_month_ = 1;
  YearName year_name_ = YearName::ends_in;
  WeekPattern pattern_;
  std::shared_ptr<const Table> table_;
};

}  // namespace v0
}  // namespace salesops
