#include "salesops/calendar/fiscal.hpp"

#include <algorithm>

namespace salesops {
inline namespace v0 {

namespace {

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

constexpr std::int64_t per_year(Every every) {
  return every == Every::month ? 12 : every == Every::quarter ? 4 : every == Every::half ? 2 : 1;
}

/// The first of a month counted from January of year 0; the years may be 1399 and 10000.
Date first_of_month(std::int64_t month) {
  return Date{detail::days_from_ymd(static_cast<int>(month / 12), static_cast<int>(month % 12) + 1, 1)};
}

Date year_end(const WeekPattern& pattern, int year) {
  const Date last = first_of_month(year * 12 + pattern.end_month) - 1;
  const int back = (last.weekday() - pattern.end_weekday + 7) % 7;
  return pattern.year_end == YearEnd::nearest && back > 3 ? last + (7 - back) : last - back;
}

constexpr std::int64_t week_index(Date date, int end_weekday) {
  return floor_div(date.days + 3 - (end_weekday + 1) % 7, 7);
}
constexpr std::int64_t week_start(std::int64_t index, int end_weekday) {
  return index * 7 - 3 + (end_weekday + 1) % 7;
}

int weeks_before(const WeekPattern& pattern, int month_from_0) {
  int weeks = 13 * (month_from_0 / 3);
  for (int i = 0; i < month_from_0 % 3; ++i) weeks += pattern.weeks[static_cast<std::size_t>(i)];
  return weeks;
}

bool outside(Date date) { return date < first_date || date > last_date; }

constexpr int sunday = 6;

void check_row(const std::vector<CustomPeriod>& rows, std::size_t i, Date end) {
  const auto& row = rows[i];
  const auto fail = [&](const std::string& what) {
    throw UsageError("row " + std::to_string(i) + " of the period table: " + what);
  };
  if (outside(row.start)) fail("the start is outside the years 1400 to 9999");
  if (row.quarter < 1 || row.quarter > 4) fail("the quarter must be 1 to 4");
  if (row.year < 1400 || row.year > 9999) fail("the year must be 1400 to 9999");
  if (row.start >= (i + 1 < rows.size() ? rows[i + 1].start : end))
    fail("it must start before the next one (or the end of the table)");
  if (i == 0) {
    if (row.number < 1) fail("the number must be at least 1");
    return;
  }
  const auto& before = rows[i - 1];
  const bool next_number =
      row.year == before.year && row.number == before.number + 1 && row.quarter >= before.quarter;
  const bool next_year = row.year > before.year && row.number == 1;
  if (!next_number && !next_year) fail("numbers must rise by 1, quarters must not fall, years begin with 1");
}

}  // namespace

FiscalCalendar FiscalCalendar::months(int start_month, YearName year_name) {
  if (start_month < 1 || start_month > 12) throw UsageError("start_month must be 1 to 12");
  FiscalCalendar calendar;
  calendar.start_month_ = start_month;
  calendar.year_name_ = start_month == 1 ? YearName::ends_in : year_name;
  return calendar;
}

FiscalCalendar FiscalCalendar::week_pattern(const WeekPattern& pattern) {
  const auto& weeks = pattern.weeks;
  if (std::ranges::min(weeks) < 1 || std::ranges::max(weeks) > 11 || weeks[0] + weeks[1] + weeks[2] != 13)
    throw UsageError("the weeks of the three months must sum to 13, as 4-4-5, 4-5-4 and 5-4-4 do");
  if (pattern.end_month < 1 || pattern.end_month > 12) throw UsageError("end_month must be 1 to 12");
  if (pattern.end_weekday < 0 || pattern.end_weekday > 6)
    throw UsageError("end_weekday must be 0 (Monday) to 6 (Sunday)");
  FiscalCalendar calendar;
  calendar.kind_ = Kind::weeks;
  calendar.pattern_ = pattern;
  calendar.year_name_ = pattern.year_name;
  return calendar;
}

FiscalCalendar FiscalCalendar::nrf() {
  return week_pattern({.weeks = {4, 5, 4},
                       .end_month = 1,
                       .end_weekday = 5,
                       .year_end = YearEnd::nearest,
                       .year_name = YearName::starts_in});
}

FiscalCalendar FiscalCalendar::table(std::vector<CustomPeriod> periods, Date end) {
  if (periods.empty()) throw UsageError("the period table is empty");
  if (outside(end)) throw UsageError("the end of the period table is outside the years 1400 to 9999");
  for (std::size_t i = 0; i < periods.size(); ++i) check_row(periods, i, end);
  auto table = std::make_shared<Table>();
  constexpr std::array quarters_per_block{0, 1, 2, 4};
  for (std::size_t level = 0; level < table->blocks.size(); ++level) {
    auto& blocks = table->blocks[level];
    for (const auto& row : periods) {
      const int number = level == 0 ? row.number : (row.quarter - 1) / quarters_per_block[level] + 1;
      if (blocks.empty() || blocks.back().year != row.year || blocks.back().number != number)
        blocks.push_back({row.start, row.year, number});
    }
    blocks.push_back({end, 0, 0});
  }
  table->periods = std::move(periods);
  FiscalCalendar calendar;
  calendar.kind_ = Kind::table;
  calendar.table_ = std::move(table);
  return calendar;
}

Date FiscalCalendar::year_start(int year) const noexcept { return year_end(pattern_, year - 1) + 1; }

int FiscalCalendar::week_year(Date date) const noexcept {
  int year = date.ymd().year;
  if (date < year_start(year)) return year - 1;
  while (date >= year_start(year + 1)) ++year;
  return year;
}

int FiscalCalendar::named_year(int year) const noexcept {
  if (kind_ == Kind::months) return year + (year_name_ == YearName::ends_in && start_month_ > 1 ? 1 : 0);
  return year - (year_name_ == YearName::starts_in && pattern_.end_month != 12 ? 1 : 0);
}

std::int32_t FiscalCalendar::index_of(Date date, Every every) const noexcept {
  if (outside(date)) return no_period;
  if (every == Every::all) return 0;
  if (every == Every::day) return date.days;
  if (every == Every::week)
    return static_cast<std::int32_t>(week_index(date, kind_ == Kind::weeks ? pattern_.end_weekday : sunday));
  if (kind_ == Kind::table) {
    const auto& all = blocks(every);
    const auto after = std::ranges::upper_bound(all, date, {}, &Block::start);
    if (after == all.begin() || after == all.end()) return no_period;
    return static_cast<std::int32_t>(after - all.begin()) - 1;
  }
  int month = 0;
  if (kind_ == Kind::months) {
    const auto day = date.ymd();
    month = day.year * 12 + day.month - start_month_;
  } else {
    const int year = week_year(date);
    const int week = (date - year_start(year)) / 7;
    const int quarter = std::min(week / 13, 3);
    const int rest = week - 13 * quarter;
    const int in_quarter = rest < pattern_.weeks[0]                       ? 0
                           : rest < pattern_.weeks[0] + pattern_.weeks[1] ? 1
                                                                          : 2;
    month = year * 12 + 3 * quarter + in_quarter;
  }
  return static_cast<std::int32_t>(month * per_year(every) / 12);
}

Date FiscalCalendar::start_of(std::int32_t index, Every every) const {
  const auto check = [](std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high) throw UsageError("the period lies outside the calendar");
  };
  if (every == Every::day || every == Every::week) {
    const int last_weekday = kind_ == Kind::weeks ? pattern_.end_weekday : sunday;
    const std::int64_t days = every == Every::day ? index : week_start(index, last_weekday);
    check(days, first_date.days - 7, last_date.days + 7);
    return Date{static_cast<std::int32_t>(days)};
  }
  if (kind_ == Kind::table) {
    check(index, 0, static_cast<std::int64_t>(blocks(every).size()) - 1);
    return blocks(every)[static_cast<std::size_t>(index)].start;
  }
  const std::int64_t month = static_cast<std::int64_t>(index) * (12 / per_year(every));
  check(month, 1399 * 12, 10'001 * 12);
  if (kind_ == Kind::months) return first_of_month(month + start_month_ - 1);
  return year_start(static_cast<int>(month / 12)) + 7 * weeks_before(pattern_, static_cast<int>(month % 12));
}

Period FiscalCalendar::period_at(std::int32_t index, Every every) const {
  if (every == Every::all) {
    if (index != 0) throw UsageError("there is one period over all time");
    return {first_date, last_date + 1, every, 0, 0};
  }
  if (kind_ == Kind::table && every >= Every::month && std::int64_t{index} + 1 >= std::ssize(blocks(every)))
    throw UsageError("the period lies outside the table of periods");
  Period period{start_of(index, every), {}, every, 0, 0};
  period.end = start_of(index + 1, every);
  if (period.end <= first_date || period.start > last_date)
    throw UsageError("the period lies outside the years 1400 to 9999");
  if (every == Every::day) return period;
  if (every == Every::week && kind_ == Kind::weeks) {
    const int year = week_year(period.start);
    period.year = named_year(year);
    period.number = (period.start - year_start(year)) / 7 + 1;
  } else if (every == Every::week) {
    const Date thursday = period.start + 3;
    period.year = thursday.ymd().year;
    period.number = (thursday - first_of_month(period.year * 12)) / 7 + 1;
  } else if (kind_ == Kind::table) {
    const auto& block = blocks(every)[static_cast<std::size_t>(index)];
    period.year = block.year;
    period.number = every == Every::year ? 0 : block.number;
  } else {
    const auto count = static_cast<int>(per_year(every));
    period.year = named_year(index / count);
    period.number = every == Every::year ? 0 : index % count + 1;
  }
  return period;
}

Period FiscalCalendar::period_of(Date date, Every every) const {
  const auto index = index_of(date, every);
  if (index == no_period)
    throw UsageError(kind_ == Kind::table && !outside(date)
                         ? date.to_string() + " is outside the table of periods; add rows to the table"
                         : "the date is outside the years 1400 to 9999");
  return period_at(index, every);
}

Period FiscalCalendar::next(const Period& period, int n) const {
  if (period.every != Every::all) {
    const std::int64_t index = static_cast<std::int64_t>(index_of(period.start, period.every)) + n;
    if (index <= no_period || index >= INT32_MAX) throw UsageError("the period lies outside the calendar");
    return period_at(static_cast<std::int32_t>(index), period.every);
  }
  const std::int64_t shift = static_cast<std::int64_t>(period.days()) * n;
  if (period.start.days + shift < first_date.days || period.end.days + shift > last_date.days + 1)
    throw UsageError("the period lies outside the years 1400 to 9999");
  const int days = static_cast<int>(shift);
  return {period.start + days, period.end + days, Every::all, 0, 0};
}

std::vector<Period> FiscalCalendar::between(Date start, Date end, Every every) const {
  std::vector<Period> periods;
  if (start >= end) return periods;
  const auto last = index_of(period_of(end - 1, every).start, every);
  for (auto index = index_of(period_of(start, every).start, every); index <= last; ++index)
    periods.push_back(period_at(index, every));
  return periods;
}

void FiscalCalendar::index_of(std::span<const std::int32_t> days, Every every,
                              std::span<std::int32_t> out) const {
  if (days.size() != out.size()) throw UsageError("days and out must have one length");
  std::ranges::transform(days, out.begin(), [&](std::int32_t day) { return index_of(Date{day}, every); });
}

std::optional<Period> FiscalCalendar::find(Every every, int year, int number) const {
  if (every != Every::year && number < 1) return std::nullopt;
  std::int64_t index = 0;
  const int shift = named_year(0);
  if (every == Every::week) {
    const Date first = kind_ == Kind::weeks ? year_start(year - shift) : first_of_month(year * 12) + 3;
    index = week_index(first, kind_ == Kind::weeks ? pattern_.end_weekday : sunday) + number - 1;
  } else if (kind_ == Kind::table) {
    const auto& all = blocks(every);
    const auto found = std::ranges::find_if(all, [&](const Block& block) {
      return block.year == year && (every == Every::year || block.number == number);
    });
    if (found == all.end()) return std::nullopt;
    index = found - all.begin();
  } else {
    index = (year - shift) * per_year(every) + std::max(number, 1) - 1;
  }
  const auto period = period_at(static_cast<std::int32_t>(index), every);
  const bool found = period.year == year && (every == Every::year || period.number == number);
  return found ? std::optional(period) : std::nullopt;
}

bool operator==(const FiscalCalendar& a, const FiscalCalendar& b) {
  if (a.kind_ != b.kind_) return false;
  if (a.kind_ == FiscalCalendar::Kind::months)
    return a.start_month_ == b.start_month_ && a.year_name_ == b.year_name_;
  if (a.kind_ == FiscalCalendar::Kind::weeks) return a.pattern_ == b.pattern_;
  return a.table_->periods == b.table_->periods &&
         a.table_->blocks[0].back().start == b.table_->blocks[0].back().start;
}

}  // namespace v0
}  // namespace salesops
