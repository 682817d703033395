#include "time.hpp"

#include <algorithm>

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

// ---- periods ----

Spine::Spine(const cohort::Cut& cut, const TimeZone& zone, Instant first, Instant until)
    : cut_(cut), zone_(zone), first_at_(first.us), until_(until.us) {
  if (cut.days < 0) throw UsageError("a block of days has at least one");
  if (cut.days == 0 && cut.every == Every::all) throw UsageError("cohorts need a period, not all of time");
  if (cut.week_start && (*cut.week_start < 0 || *cut.week_start > 6))
    throw UsageError("week_start goes from 0, Monday, to 6, Sunday");
  const Date last = zone.local_date(Instant{until.us - 1});
  if (cut_.days > 0 && !cut_.anchor) cut_.anchor = last;
  // Monday weeks of civil years are the calendar's own, which have numbers.
  if (cut_.week_start == 0 && cut_.calendar.civil_months()) cut_.week_start.reset();
  // A clock that is put back over midnight shows the day before once more.
  const Date from = std::max(zone.local_date(first) - 1, first_date);
  base_ = index_of(from);
  if (base_ == FiscalCalendar::no_period) {
    base_ = index_of(std::max(from, cut_.calendar.periods().front().start));
    covers_all_ = false;
  }
  const std::int64_t end = index_of(last);
  if (end == FiscalCalendar::no_period || base_ == FiscalCalendar::no_period)
    throw UsageError("as_of, " + last.to_string() +
                     ", is outside the calendar's table of periods; add rows to it");
  size_ = end < base_ ? 0 : static_cast<std::size_t>(end - base_) + 1;
  last_is_over_ = size_ > 0 && zone.start_of(start(size_)) <= until;
}

std::int64_t Spine::index_of(Date date) const {
  if (cut_.days > 0) return floor_div(date.days - cut_.anchor->days - 1, cut_.days);
  if (cut_.every == Every::week && cut_.week_start) return floor_div(date.days + 3 - *cut_.week_start, 7);
  return cut_.calendar.index_of(date, cut_.every);
}

Date Spine::start(std::size_t period) const {
  const std::int64_t index = base_ + static_cast<std::int64_t>(period);
  if (cut_.days > 0) return Date{static_cast<std::int32_t>(cut_.anchor->days + 1 + index * cut_.days)};
  if (cut_.every == Every::week && cut_.week_start)
    return Date{static_cast<std::int32_t>(index * 7 - 3 + *cut_.week_start)};
  if (period == size_ && period > 0)
    return cut_.calendar.period_at(static_cast<std::int32_t>(index - 1), cut_.every).end;
  return cut_.calendar.period_at(static_cast<std::int32_t>(index), cut_.every).start;
}

std::string Spine::label(std::size_t period) const {
  if (cut_.days > 0 || (cut_.every == Every::week && cut_.week_start)) return start(period).to_string();
  const std::int64_t index = base_ + static_cast<std::int64_t>(period);
  return cut_.calendar.label(cut_.calendar.period_at(static_cast<std::int32_t>(index), cut_.every));
}

std::int32_t Spine::clamped(std::int64_t local_day) const {
  const std::int64_t index = index_of(Date{static_cast<std::int32_t>(local_day)});
  if (index < base_) return none;
  return static_cast<std::int32_t>(std::min(index - base_, static_cast<std::int64_t>(size_) - 1));
}

std::int32_t Spine::exactly(std::int64_t at) const noexcept {
  return clamped(zone_.local_date(Instant{at}).days);
}

std::int32_t Spine::outside(std::int64_t at) const noexcept {
  return at >= until_ ? static_cast<std::int32_t>(size_) - 1 : none;
}

void Spine::prepare() {
  if (size_ == 0) return;
  first_day_ = utc_day(first_at_);
  const std::int64_t last_day = utc_day(until_ - 1);
  const bool utc = zone_ == TimeZone{};
  days_.resize(static_cast<std::size_t>(last_day - first_day_ + 1));
  std::int64_t cached_day = INT64_MIN;
  std::int32_t cached = none;
  const auto period = [&](std::int64_t local_day) {
    if (local_day != cached_day) cached = clamped(cached_day = local_day);
    return cached;
  };
  for (std::int64_t day = first_day_; day <= last_day; ++day) {
    Day& known = days_[static_cast<std::size_t>(day - first_day_)];
    const std::int64_t start = day * us_per_day;
    std::int64_t offset = 0;
    if (!utc) {
      offset = zone_.offset_at(Instant{start});
      bool steady = true;
      for (int part = 1; part <= 4; ++part)
        steady = steady && zone_.offset_at(Instant{start + part * (us_per_day / 4)}) == offset;
      if (!steady) {
        known.before = irregular;
        continue;
      }
      offset *= us_per_second;
    }
    const std::int64_t local_day = floor_div(start + offset, us_per_day);
    known = {(local_day + 1) * us_per_day - offset, period(local_day), period(local_day + 1)};
  }
  if (!utc || size_ > 255) return;
  whole_days_.resize(days_.size());
  std::ranges::transform(days_, whole_days_.begin(),
                         [](const Day& day) { return static_cast<std::uint8_t>(day.before); });
}

void check_cells(const cohort::Options& options, std::size_t segments, std::size_t cohorts,
                 std::size_t ages) {
  const auto cells = static_cast<double>(segments) * static_cast<double>(cohorts) * static_cast<double>(ages);
  if (cells <= static_cast<double>(options.max_cells)) return;
  const char* coarser = "a coarser period";
  if (options.measure == cohort::Measure::window)
    coarser = "longer windows";
  else if (options.cut.days > 0)
    coarser = options.cut.days < 7 ? "blocks of 7 days or more" : "longer blocks, or months";
  else if (options.cut.every == Every::day)
    coarser = "weeks";
  else if (options.cut.every == Every::week)
    coarser = "months";
  else if (options.cut.every == Every::month)
    coarser = "quarters";
  else if (options.cut.every == Every::quarter || options.cut.every == Every::half)
    coarser = "years";
  throw UsageError(std::to_string(cohorts) + " cohorts at " + std::to_string(ages) + " ages" +
                   (segments > 1 ? " in " + std::to_string(segments) + " segments" : "") + " are " +
                   std::to_string(static_cast<std::int64_t>(std::min(cells, 9e18))) + " cells, more than " +
                   std::to_string(options.max_cells) + ": take " + coarser +
                   ", set max_age, or allow more with max_cells");
}

}  // namespace cohort_detail
}  // namespace v0
}  // namespace salesops
