#include "salesops/subscription/terms.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

namespace salesops {
inline namespace v0 {
namespace subscription {

namespace {

struct Spelling {
  std::string_view text;
  Billing billing;
};
constexpr std::array<Spelling, 17> spellings{{{"day", Billing::day},
                                              {"daily", Billing::day},
                                              {"week", Billing::week},
                                              {"weekly", Billing::week},
                                              {"month", Billing::month},
                                              {"monthly", Billing::month},
                                              {"quarter", Billing::quarter},
                                              {"quarterly", Billing::quarter},
                                              {"half", Billing::half},
                                              {"half-yearly", Billing::half},
                                              {"semiannual", Billing::half},
                                              {"semi-annual", Billing::half},
                                              {"year", Billing::year},
                                              {"yearly", Billing::year},
                                              {"annual", Billing::year},
                                              {"annually", Billing::year},
                                              {"annum", Billing::year}}};

/// Months of an interval; 0 for days and weeks, which have none.
constexpr int months_of(Billing billing) noexcept {
  switch (billing) {
    case Billing::month: return 1;
    case Billing::quarter: return 3;
    case Billing::half: return 6;
    case Billing::year: return 12;
    case Billing::day:
    case Billing::week: break;
  }
  return 0;
}

void check(std::int64_t count) {
  if (count < 1 || count > 1'000'000)
    throw UsageError("a price is paid every 1 to 1,000,000 intervals, not every " + std::to_string(count));
}

bool ends_month(Date date) { return (date + 1).ymd().day == 1; }

}  // namespace

std::optional<Billing> billing_of(std::string_view text) noexcept {
  const auto same = [&](std::string_view name) {
    return std::equal(text.begin(), text.end(), name.begin(), name.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
    });
  };
  for (const Spelling& one : spellings)
    if (same(one.text)) return one.billing;
  return std::nullopt;
}

Rate per_month(Billing billing, std::int64_t count) {
  check(count);
  if (billing == Billing::day) return Rate::ratio(365, 12 * count);
  if (billing == Billing::week) return Rate::ratio(52, 12 * count);
  return Rate::ratio(1, months_of(billing) * count);
}

Rate months_between(Date start, Date end) {
  if (!(start < end))
    throw UsageError("there are no months from " + start.to_string() + " to " + end.to_string());
  const auto a = start.ymd(), b = end.ymd();
  const int months = (b.year - a.year) * 12 + b.month - a.month;
  if (months > 0 && (a.day == b.day || (ends_month(start) && ends_month(end)))) return {months, 1};
  return Rate::ratio(std::int64_t{end - start} * 12, 365);
}

Rate months_by(Convention convention, Date start, Date end) {
  const Rate months = months_between(start, end);
  if (convention == Convention::months) return months;
  return Rate::ratio(std::int64_t{end - start} * 12, convention == Convention::days_365 ? 365 : 360);
}

Date after(Date start, Billing billing, std::int64_t count) {
  check(count);
  const std::int64_t days = billing == Billing::day ? count : billing == Billing::week ? 7 * count : 0;
  if (days > last_date - start || months_of(billing) * count > 12 * 8600)
    throw UsageError("the date leaves the years 1400 to 9999");
  return days > 0 ? start + static_cast<int>(days)
                  : start.add_months(months_of(billing) * static_cast<int>(count));
}

// ---- a book's ----

Pauses::Pauses(const Crm& crm, const TimeZone& zone) {
  for (const char* column : {"subscription_id", "at", "type"})
    if (!crm.has("subscription_event", column)) return;
  const Column& at = crm.column("subscription_event", "at");
  const Column& type = crm.column("subscription_event", "type");
  const Column* seq = crm.table("subscription_event").find("seq");
  const auto link = crm.link("subscription_event", "subscription_id");
  std::vector<std::tuple<std::int32_t, std::int64_t, double, bool>> turns;
  for (std::size_t row = 0; row < link.size(); ++row) {
    tick(row);
    if (link[row] < 0 || at.is_null(row) || type.is_null(row)) continue;
    const std::string_view what = type.text(row);
    const bool pause = what == "pause";
    if (!pause && what != "resume" && what != "reactivate" && what != "renew" && what != "start") continue;
    turns.emplace_back(link[row], at.values<std::int64_t>()[row],
                       seq == nullptr || seq->is_null(row) ? 0.0 : seq->number(row), pause);
  }
  std::sort(turns.begin(), turns.end());
  for (const auto& [subscription, us, order, pause] : turns)
    days_[subscription].emplace_back(zone.local_date(Instant{us}).days, pause);
}

const std::vector<std::pair<std::int32_t, bool>>& Pauses::of(std::size_t subscription) const {
  static const std::vector<std::pair<std::int32_t, bool>> none;
  const auto found = days_.find(static_cast<std::int32_t>(subscription));
  return found == days_.end() ? none : found->second;
}

bool Pauses::on(std::size_t subscription, std::int32_t day) const {
  bool paused = false;
  for (const auto& [from, pause] : of(subscription))
    if (from <= day) paused = pause;
  return paused;
}

Terms::Terms(const Crm& crm, const TimeZone& zone) : pauses(crm, zone) {
  const Table& table = crm.table("subscription");
  const auto link = crm.link("subscription", "account_id");
  account.assign(link.begin(), link.end());
  const Column& start = crm.column("subscription", "start");
  const Column* end = table.find("end");
  const Column* trial = table.find("trial_end");
  const Column* price = table.find("unit_amount");
  const Column* quantity = table.find("qty");
  const Column* discount = table.find("discount");
  const Column* interval = table.find("interval");
  const Column* count = table.find("interval_count");
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    const auto day = [&](const Column* column, std::int32_t none) {
      return column == nullptr || column->is_null(row) ? none : column->values<std::int32_t>()[row];
    };
    from.push_back(std::max(day(&start, INT32_MAX), day(trial, INT32_MIN)));
    to.push_back(day(end, INT32_MAX));
    const auto number = [&](const Column* column, double none) {
      return column == nullptr || column->is_null(row) ? none : column->number(row);
    };
    const std::string_view unit =
        interval == nullptr || interval->is_null(row) ? "month" : interval->text(row);
    const double months =
        number(count, 1.0) / per_month(billing_of(unit).value_or(Billing::month)).to_double();
    const double minor = number(price, NAN) * number(quantity, 1.0) - number(discount, 0.0);
    const bool sound = std::isfinite(minor) && months > 0;
    monthly.push_back(sound ? minor / months : 0.0);
    amount.push_back(!sound      ? Amount::unknown
                     : minor > 0 ? Amount::known
                     : minor < 0 ? Amount::negative
                                 : Amount::none);
  }
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
