#include "salesops/subscription/terms.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "../crm/known.hpp"

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

/// A day of the month of which both are, each in its month or, where that is too short, on its last day.
bool share_a_day(Date a, Date b) {
  const int x = a.ymd().day, y = b.ymd().day;
  return x == y || (ends_month(a) && x < y) || (ends_month(b) && y < x);
}

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

ChurnAt parse_churn_at(std::string_view name) {
  if (name == "end") return ChurnAt::end;
  if (name == "cancel") return ChurnAt::cancel;
  throw UsageError("churn_at is 'end' or 'cancel', not '" + std::string(name) + "'");
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
  if (months > 0 && share_a_day(start, end)) return {months, 1};
  // From 29 February up to 1 March of the year after: the last day is that of a month too short for the 29th.
  if (months > 1 && b.day == 1 && a.day > (end - 1).ymd().day) return {months - 1, 1};
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

namespace {

struct Turning {
  std::int32_t subscription = 0;
  std::int64_t at = 0;
  double seq = 0;
  std::string_view type;

  [[nodiscard]] auto key() const { return std::tuple(subscription, at, seq, type); }
};

/// Events that end, pause or go on with a subscription, by subscription and time.
std::vector<Turning> turnings(const Crm& crm) {
  std::vector<Turning> turns;
  for (const char* column : {"subscription_id", "at", "type"})
    if (!crm.has("subscription_event", column)) return turns;
  const Column& at = crm.column("subscription_event", "at");
  const Column& type = crm.column("subscription_event", "type");
  const Column* seq = crm.table("subscription_event").find("seq");
  const auto link = crm.link("subscription_event", "subscription_id");
  for (std::size_t row = 0; row < link.size(); ++row) {
    tick(row);
    if (link[row] < 0 || at.is_null(row) || type.is_null(row)) continue;
    const std::string_view what = type.text(row);
    constexpr std::string_view telling[] = {"start", "pause", "resume", "cancel", "renew", "reactivate"};
    if (std::find(std::begin(telling), std::end(telling), what) != std::end(telling))
      turns.push_back({link[row], at.values<std::int64_t>()[row],
                       seq == nullptr || seq->is_null(row) ? 0.0 : seq->number(row), what});
  }
  std::sort(turns.begin(), turns.end(), [](const Turning& a, const Turning& b) { return a.key() < b.key(); });
  return turns;
}

/// When each subscription was cancelled for good, by its `cancel_at` or its events; null for the others.
std::vector<std::int64_t> cancellations(const Crm& crm) {
  const Table& table = crm.table("subscription");
  std::vector<std::int64_t> at(table.num_rows(), null_value);
  for (const Turning& turn : turnings(crm))
    if (turn.type != "pause")
      at[static_cast<std::size_t>(turn.subscription)] = turn.type == "cancel" ? turn.at : null_value;
  if (const Column* told = table.find("cancel_at"))
    for (std::size_t row = 0; row < at.size(); ++row)
      if (told->valid(row)) at[row] = told->values<std::int64_t>()[row];
  return at;
}

}  // namespace

Pauses::Pauses(const Crm& crm, const TimeZone& zone) {
  for (const Turning& turn : turnings(crm))
    if (turn.type != "cancel")
      days_[turn.subscription].emplace_back(zone.local_date(Instant{turn.at}).days, turn.type == "pause");
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

Terms::Terms(const Crm& crm, const TimeZone& zone, ChurnAt churn_at) : pauses(crm, zone) {
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
  const Column* status = table.find("status");
  const std::vector<std::int64_t> cancelled = cancellations(crm);
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    const auto day = [&](const Column* column, std::int32_t none) {
      return column == nullptr || column->is_null(row) ? none : column->values<std::int32_t>()[row];
    };
    from.push_back(std::max(day(&start, INT32_MAX), day(trial, INT32_MIN)));
    std::int32_t last = day(end, INT32_MAX);
    if (cancelled[row] != null_value && (churn_at == ChurnAt::cancel || last == INT32_MAX))
      last = std::min(last, std::max(from.back(), zone.local_date(Instant{cancelled[row]}).days));
    to.push_back(last);
    const bool over = status != nullptr && status->valid(row) && crm_detail::says_over(status->text(row));
    endless.push_back(over && last == INT32_MAX ? 1 : 0);
    const auto number = [&](const Column* column, double none) {
      return column == nullptr || column->is_null(row) ? none : column->number(row);
    };
    const std::string_view unit =
        interval == nullptr || interval->is_null(row) ? "month" : interval->text(row);
    const auto billing = billing_of(unit);
    const double months = billing ? number(count, 1.0) / per_month(*billing).to_double() : NAN;
    const double minor = number(price, NAN) * number(quantity, 1.0) - number(discount, 0.0);
    const bool sound = std::isfinite(minor) && months > 0;
    monthly.push_back(sound ? minor / months : 0.0);
    amount.push_back(!billing    ? Amount::unknown_interval
                     : !sound    ? Amount::unknown
                     : minor > 0 ? Amount::known
                     : minor < 0 ? Amount::negative
                                 : Amount::none);
  }
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
