// Periods and rates.
#include <algorithm>
#include <limits>

#include "ledger.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

Timeline::Timeline(const Options& options, const TimeZone& zone, std::int64_t first, std::int64_t until)
    : last_day_(zone.local_date(Instant{until - 1})), until_(until) {
  const auto& calendar = options.calendar;
  if (options.every == Every::all) throw UsageError("recurring revenue needs a period, not all of time");
  const auto index = [&](Date day) {
    const std::int64_t found = calendar.index_of(day, options.every);
    if (found == FiscalCalendar::no_period)
      throw UsageError(day.to_string() + " is outside the calendar's table of periods; add rows to it");
    return found;
  };
  const std::int64_t base = index(zone.local_date(Instant{first})), end = index(last_day_);
  if (end - base >= options.max_periods)
    throw UsageError(std::to_string(end - base + 1) + " periods are more than " +
                     std::to_string(options.max_periods) +
                     ": take a longer `every`, look at the earliest start, or allow more with max_periods");
  for (std::int64_t i = base; i <= end; ++i) {
    const Period period = calendar.period_at(static_cast<std::int32_t>(i), options.every);
    labels_.push_back(calendar.label(period));
    starts_.push_back(period.start);
    if (i == end) starts_.push_back(period.end);
  }
  for (const Date start : starts_) bounds_.push_back(zone.start_of(start).us);
  std::int32_t period = 0;
  for (std::int64_t at = bounds_.front(); at < bounds_.back(); at += us_per_day) {
    while (bounds_[static_cast<std::size_t>(period) + 1] <= at) ++period;
    guesses_.push_back(period);
  }
}

Date Timeline::last_day(std::size_t period) const { return std::min(starts_[period + 1] - 1, last_day_); }

Exchange::Exchange(const State::Data& data, const Options& options, const Timeline& timeline, Issues& issues)
    : data_(data),
      options_(options),
      timeline_(timeline),
      issues_(issues),
      kept_(data.currencies.size(), 1),
      rows_(data.currencies.size()),
      rates_(data.currencies.size()) {
  // From the first start to the last end of each currency.
  struct Span {
    std::int64_t from = INT64_MAX, to = INT64_MIN;
  };
  std::vector<Span> used(data.currencies.size());
  for (const Spell& spell : data.spells) {
    if (!pays(spell) || spell.start >= timeline.until()) continue;
    const auto i = static_cast<std::size_t>(spell.currency);
    used[i].from = std::min(used[i].from, spell.start);
    used[i].to = std::max(used[i].to, std::min(spell.end, timeline.until() - 1));
    ++rows_[i];
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < used.size(); ++i)
    if (rows_[i] > 0) names.push_back(data.currencies[i]);
  if (options.to.empty()) {
    if (names.size() > 1) {
      std::sort(names.begin(), names.end());
      throw UnitError("the rows are in " + std::to_string(names.size()) + " currencies, among them " +
                      (names[0].empty() ? "none" : names[0]) + " and " + names[1] +
                      "; name one to convert to, with rates, or look at one currency at a time");
    }
    currency_ = names.empty() ? "" : names.front();
    return;
  }
  (void)Currency::from(options.to);
  currency_ = options.to;
  source_.emplace(options.rates ? &*options.rates : nullptr, options.convert, issues);
  missed_ = std::vector<std::atomic<std::uint8_t>>(used.size() * timeline.size());
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (rows_[i] == 0 || data.currencies[i] == currency_) continue;
    if (data.currencies[i].empty())
      throw UsageError("the amounts are in no currency that is named; say in which before converting them");
    plain_ = false;
    rates_[i].resize(timeline.size());
    const auto first = static_cast<std::size_t>(timeline.period_of(used[i].from)),
               last = static_cast<std::size_t>(timeline.period_of(used[i].to));
    for (std::size_t period = first; period <= last && kept_[i] != 0; ++period) look_up(i, period);
  }
}

void Exchange::look_up(std::size_t currency, std::size_t period) {
  const ConvertOptions& how = options_.convert;
  const std::string& name = data_.currencies[currency];
  const Date day = how.at == RateDay::fixed ? how.day : timeline_.last_day(period);
  const auto found = source_->find(name, currency_, day.days);
  if (!found && how.missing == NoRate::error)
    throw UsageError(
        "no " + std::string(crm_detail::rate_kind_name(how.kind)) + " rate from " + name + " to " +
        currency_ + " on " + day.to_string() + " or in the " + std::to_string(source_->max_age()) +
        " days before; add it to the rates, allow older ones with max_age, name a currency to go "
        "through, or leave such rows out (missing)");
  if (!found) {
    kept_[currency] = 0;
    issues_.add_many(table_name, -1, "", "no_rate", rows_[currency]);
    return;
  }
  Fraction& fraction = rates_[currency][period];
  const auto common = gcd(found->factor.over, found->factor.under);
  const crm_detail::Factor reduced{found->factor.over / common, found->factor.under / common};
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  if (reduced.over <= most && reduced.under <= most)
    fraction = {reduced.over.convert_to<std::int64_t>(), reduced.under.convert_to<std::int64_t>(), {}};
  else
    fraction = {0, 1, reduced};
}

bool Exchange::complete() {
  bool complete = true;
  for (std::size_t at = 0; at < missed_.size(); ++at) {
    if (missed_[at].exchange(0) == 0) continue;
    complete = false;
    const std::size_t currency = at / timeline_.size();
    if (kept_[currency] != 0) look_up(currency, at % timeline_.size());
  }
  return complete;
}

std::int64_t Exchange::convert(std::int32_t currency, std::int64_t minor, std::size_t period) const {
  const auto& rates = rates_[static_cast<std::size_t>(currency)];
  if (rates.empty() || minor == 0) return minor;
  const Fraction& rate = rates[period];
  if (rate.over == 0 && !rate.factor) {
    missed_[static_cast<std::size_t>(currency) * rates.size() + period].store(1, std::memory_order_relaxed);
    return 0;
  }
  const auto converted = rate.factor
                             ? crm_detail::product(minor, *rate.factor)
                             : detail::to_int64(money::divide(int128{minor} * rate.over, int128{rate.under},
                                                              Rounding::half_even));
  if (!converted)
    throw UsageError("an amount goes beyond 64-bit minor units of " + currency_ + "; look at its rate");
  return *converted;
}

}  // namespace subscription_detail
}  // namespace v0
}  // namespace salesops
