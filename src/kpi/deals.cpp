#include "salesops/kpi/deals.hpp"

#include <algorithm>

#include "deal_facts.hpp"
#include "salesops/kpi.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr double days_per_us = 1.0 / static_cast<double>(us_per_day);

/// Won deals at their close, numerator and denominator = amount.
DealFacts won_amounts(const Crm& crm, const Options& options, std::string_view kpi) {
  DealFacts facts(crm.deals(), options);
  for (const Close& close : closes_of(crm, options, kpi))
    if (close.status == DealStatus::won)
      facts.put(close.deal, close.at, close.amount, 1, facts.amount_state(close.amount));
  return facts;
}

/// Time from creation to the outcome, or to now.
Result cycle_by_survival(const Crm& crm, const Options& options) {
  const Deals& deals = crm.deals();
  const std::int64_t now = now_of(crm, options);
  DealFacts facts(deals, options);
  const auto reversed = facts.reason("negative_duration");
  const auto unknown = facts.reason("outcome_unknown");
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const std::int64_t created = deals.created_at[deal];
    const DealStatus status = deals.status[deal];
    const bool open = status == DealStatus::open;
    const std::int64_t end = open ? now : deals.closed_at[deal];
    std::uint8_t state = open ? Facts::censored : Facts::counted;
    if (status == DealStatus::unknown || created == null_value || end == null_value)
      state = unknown;
    else if (end < created)
      state = reversed;
    facts.put(deal, created, state < 2 ? end - created : 0, 1, state);
  }
  facts.shape = Shape::total;
  facts.scale = days_per_us;
  facts.unit = "days";
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> closed,
                     std::span<const std::int32_t> open) {
    std::vector<double> durations, won_days;
    std::vector<std::uint8_t> causes;
    int128 won_us = 0;
    const auto put = [&](std::span<const std::int32_t> rows) {
      for (const std::int32_t row : rows) {
        const auto i = static_cast<std::size_t>(row);
        const DealStatus status = deals.status[static_cast<std::size_t>(facts.row[i])];
        durations.push_back(static_cast<double>(facts.numerator[i]) * days_per_us);
        causes.push_back(status == DealStatus::won ? 1 : status == DealStatus::lost ? 2 : 0);
        if (status != DealStatus::won) continue;
        won_days.push_back(durations.back());
        won_us += facts.numerator[i];
      }
    };
    put(closed);
    put(open);
    metric.value.reset();
    metric.numerator = static_cast<double>(won_days.size());
    metric.denominator = static_cast<double>(durations.size());
    metric.interval_note = "none: of a share of the incidence";
    if (won_days.empty()) return;
    metric.details["naive_median"] = *stats::quantile(won_days, 0.5);
    metric.details["naive_mean"] =
        static_cast<double>(won_us) * days_per_us / static_cast<double>(won_days.size());
    const auto curve = survival::aalen_johansen(durations, causes, {.level = options.level}, 2);
    const auto& incidence = curve.causes.front().incidence;
    const double last = incidence.back();
    metric.details["won_share"] = last;
    const auto half = std::lower_bound(incidence.begin(), incidence.end(), last / 2);
    metric.value = curve.time[static_cast<std::size_t>(half - incidence.begin())];
  };
  return summarise(crm, facts, options, "sales_cycle",
                   "days by which half of the deals that will be won are won, of those created in the "
                   "period (Aalen–Johansen, losses competing, open deals censored)",
                   Mode::survival);
}

}  // namespace

Result sales_cycle(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "sales_cycle");
  const Crm crm = rewound(book, options);
  if (mode == Mode::survival) return cycle_by_survival(crm, options);
  const Deals& deals = crm.deals();
  DealFacts facts(deals, options);
  const auto reversed = facts.reason("negative_duration");
  const auto unknown = facts.reason("time_unknown");
  for (const Close& close : closes_of(crm, options, "sales_cycle")) {
    if (close.status != DealStatus::won) continue;
    const std::int64_t created = deals.created_at[close.deal];
    std::uint8_t state = Facts::counted;
    if (created == null_value || close.at == null_value)
      state = unknown;
    else if (close.at < created)
      state = reversed;
    facts.put(close.deal, close.at, state == Facts::counted ? close.at - created : 0, 1, state);
  }
  facts.shape = Shape::median;
  facts.scale = days_per_us;
  facts.unit = "days";
  Result result = summarise(crm, facts, options, "sales_cycle",
                            "median days from creation to the win, of deals won in the period", mode);
  const Result survival = cycle_by_survival(crm, options);
  attach(result, survival, "survival_median");
  report_reopened(crm, options, result);
  return result;
}

Result average_deal(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "average_deal");
  const Crm crm = rewound(book, options);
  DealFacts facts = won_amounts(crm, options, "average_deal");
  facts.shape = Shape::mean;
  facts.in_money(crm, options, false);
  Result result =
      summarise(crm, facts, options, "average_deal", "amount won ÷ deals won, closed in the period", mode);
  report_reopened(crm, options, result);
  return result;
}

Result velocity(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "velocity");
  Options each = options;
  each.mode = Mode::standard;
  each.weight = Weight::count;
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const Scope scope = scope_of(crm, options);
  DealFacts open(deals, options);
  open.shape = Shape::total;
  for (const Scope::Part& part : scope.parts) {
    const std::int64_t end = std::min(part.interval.end.us, scope.as_of.us + 1);
    for (std::size_t deal = 0; deal < deals.size(); ++deal) {
      tick(deal);
      const std::int64_t created = deals.created_at[deal], closed = deals.closed_at[deal];
      const bool begun = created == null_value || created < end || scope.all;
      const bool lasts = deals.status[deal] == DealStatus::open || (closed != null_value && closed >= end);
      if (!begun || !lasts) continue;
      open.put(deal, std::max(part.interval.start.us, end - 1), 1, 1);
    }
  }
  Result result =
      summarise(crm, open, each, "velocity", "open deals × average deal × win rate ÷ mean sales cycle", mode);
  const Result average = average_deal(crm, each);
  attach(result, average, "average_deal");
  attach(result, win_rate(crm, each), "win_rate");
  attach(result, sales_cycle(crm, each), "sales_cycle", "mean");
  result.unit = average.unit + " / day";
  result.warnings.insert(result.warnings.end(), average.warnings.begin(), average.warnings.end());
  for (Metric& metric : result.metrics) {
    auto& details = metric.details;
    details["open"] = static_cast<double>(metric.n);
    metric.interval_note = "none: a product of four estimates";
    metric.value.reset();
    metric.numerator = metric.denominator = 0;
    if (!details.contains("average_deal") || !details.contains("win_rate") ||
        !details.contains("sales_cycle"))
      continue;
    metric.numerator = details["open"] * details["average_deal"] * details["win_rate"];
    metric.denominator = details["sales_cycle"];
    if (metric.denominator > 0) metric.value = metric.numerator / metric.denominator;
  }
  return result;
}

Result loss_reasons(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "loss_reasons");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const bool value = options.weight == Weight::value;
  DealFacts facts(deals, options);
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    if (deals.status[deal] != DealStatus::lost) continue;
    const std::int64_t amount = deals.amount[deal];
    facts.put(deal, deals.closed_at[deal], value ? amount : 1, 1,
              value ? facts.amount_state(amount) : Facts::counted);
  }
  facts.shape = Shape::total;
  if (value) facts.in_money(crm, options, true);
  facts.unit = "share";
  Options by_reason = options;
  by_reason.by.emplace_back("loss_reason");
  Result result = summarise(
      crm, facts, by_reason, "loss_reasons",
      value ? "share of the amount lost in the period" : "share of the deals lost in the period", mode);
  std::map<std::vector<std::string>, double> totals;
  const auto outer = [](const Metric& metric) {
    return std::vector<std::string>(metric.keys.begin(), metric.keys.end() - (metric.keys.empty() ? 0 : 1));
  };
  for (const Metric& metric : result.metrics) totals[outer(metric)] += metric.numerator;
  for (Metric& metric : result.metrics) {
    metric.denominator = totals[outer(metric)];
    metric.value.reset();
    if (metric.denominator <= 0) continue;
    metric.value = metric.numerator / metric.denominator;
    if (value) {
      metric.interval_note = "none: a share of amounts";
    } else if (const auto interval =
                   stats::wilson(metric.n, static_cast<std::int64_t>(metric.denominator), options.level)) {
      metric.low = interval->low;
      metric.high = interval->high;
      metric.interval_note = "Wilson";
    }
  }
  return result;
}

Result linearity(const Crm& book, const Options& asked) {
  const Options options = with_period(asked);
  const Mode mode = mode_for(book, options, "linearity");
  const Crm crm = rewound(book, options);
  DealFacts facts = won_amounts(crm, options, "linearity");
  const Scope scope = scope_of(crm, options);
  std::vector<std::uint8_t> third(facts.size(), 0);
  for (const Scope::Part& part : scope.parts) {
    const Date start{day_of(part.interval.start.us, options)}, end{day_of(part.interval.end.us, options)};
    const auto months = options.calendar.between(start, end, Every::month);
    const bool whole = months.size() % 3 == 0 && months.front().start == start && months.back().end == end;
    const Date second = whole ? months[months.size() / 3].start : start + (end - start) / 3;
    const Date last = whole ? months[2 * months.size() / 3].start : start + 2 * (end - start) / 3;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      tick(i);
      if (facts.at[i] == null_value || !part.interval.contains(Instant{facts.at[i]})) continue;
      const Date day{day_of(facts.at[i], options)};
      third[i] = day < second ? 0 : day < last ? 1 : 2;
    }
  }
  std::vector<std::int64_t> amount = facts.numerator;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    tick(i);
    facts.denominator[i] = facts.state[i] == Facts::counted ? amount[i] : 0;
    facts.numerator[i] = third[i] == 2 ? facts.denominator[i] : 0;
  }
  facts.shape = Shape::ratio;
  facts.in_money(crm, options, true);
  const auto& accounts = crm.deals().account_row;
  for (const std::int32_t row : facts.row) facts.cluster.push_back(accounts[static_cast<std::size_t>(row)]);
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    int128 sums[3] = {0, 0, 0};
    for (const std::int32_t i : counted)
      sums[third[static_cast<std::size_t>(i)]] += facts.denominator[static_cast<std::size_t>(i)];
    if (metric.denominator == 0) return;
    const char* names[] = {"first_third", "second_third", "last_third"};
    for (std::size_t i = 0; i < std::size(names); ++i)
      metric.details[names[i]] = static_cast<double>(sums[i]) * facts.scale / metric.denominator;
  };
  return summarise(crm, facts, options, "linearity",
                   "amount won in the last third of the period ÷ amount won", mode);
}

Result concentration(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "concentration");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  DealFacts facts = won_amounts(crm, options, "concentration");
  facts.shape = Shape::total;
  facts.in_money(crm, options, true);
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    std::map<std::int64_t, int128> by_account;
    for (const std::int32_t fact : counted) {
      const auto i = static_cast<std::size_t>(fact);
      const std::int32_t account = deals.account_row[static_cast<std::size_t>(facts.row[i])];
      by_account[account >= 0 ? account : -1 - std::int64_t{facts.row[i]}] += facts.numerator[i];
    }
    std::vector<double> totals;
    int128 whole = 0;
    for (const auto& [account, total] : by_account)
      if (total > 0) {
        totals.push_back(static_cast<double>(total) * facts.scale);
        whole += total;
      }
    metric.value.reset();
    metric.interval_note = "none: a whole, not a sample";
    metric.details["accounts"] = static_cast<double>(totals.size());
    metric.denominator = static_cast<double>(whole) * facts.scale;
    metric.numerator = 0;
    if (totals.empty()) return;
    metric.value = stats::top_share(totals, 10);
    metric.numerator = *metric.value * metric.denominator;
    metric.details["top_1"] = *stats::top_share(totals, 1);
    metric.details["top_5"] = *stats::top_share(totals, 5);
    metric.details["hhi"] = *stats::herfindahl(totals);
    metric.details["gini"] = *stats::gini(totals);
  };
  return summarise(crm, facts, options, "concentration",
                   "amount won from the ten largest accounts ÷ amount won in the period", mode);
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
