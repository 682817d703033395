#include "salesops/kpi/deals.hpp"

#include <algorithm>

#include "salesops/kpi.hpp"
#include "salesops/stats.hpp"
#include "visits.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Won deals at their close, numerator and denominator = amount.
DealFacts won_amounts(const Crm& crm, const Options& options, std::string_view kpi) {
  DealFacts facts(crm.deals(), options);
  for (const Close& close : closes_of(crm, options, kpi))
    if (close.status == DealStatus::won)
      facts.put(close.deal, close.at, close.amount, 1, facts.amount_state(close.amount));
  return facts;
}

/// Without a twentieth of the rows at each end.
double trimmed_mean(std::vector<std::int64_t> values) {
  const std::size_t cut = values.size() / 20;
  const auto at = [&](std::size_t i) { return values.begin() + static_cast<std::ptrdiff_t>(i); };
  if (cut > 0) {
    std::nth_element(values.begin(), at(cut), values.end());
    std::nth_element(at(cut), at(values.size() - cut), values.end());
  }
  int128 sum = 0;
  for (std::size_t i = cut; i < values.size() - cut; ++i) sum += values[i];
  return static_cast<double>(sum) / static_cast<double>(values.size() - 2 * cut);
}

}  // namespace

Result average_deal(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "average_deal");
  const Crm crm = rewound(book, options);
  DealFacts facts = won_amounts(crm, options, "average_deal");
  const Begun begun(crm, options, "average_deal", facts);
  for (std::size_t i = 0; i < facts.size(); ++i)
    if (facts.state[i] != facts.deleted && !begun(static_cast<std::size_t>(facts.row[i])))
      facts.state[i] = begun.left_out;
  facts.shape = Shape::mean;
  facts.in_money(crm, options, false);
  const Column* list = crm.table("opportunity").find("list_amount");
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    if (counted.empty()) return;
    std::vector<std::int64_t> amounts;
    int128 listed = 0, discount = 0;
    for (const std::int32_t fact : counted) {
      const std::int64_t amount = facts.numerator[static_cast<std::size_t>(fact)];
      const auto deal = static_cast<std::size_t>(facts.row[static_cast<std::size_t>(fact)]);
      amounts.push_back(amount);
      if (list == nullptr || list->is_null(deal) || list->values<std::int64_t>()[deal] <= 0) continue;
      listed += list->values<std::int64_t>()[deal];
      discount += list->values<std::int64_t>()[deal] - amount;
    }
    metric.details["trimmed_mean"] = trimmed_mean(std::move(amounts)) * facts.scale;
    if (listed > 0) metric.details["discount"] = static_cast<double>(discount) / static_cast<double>(listed);
  };
  Result result = summarise(crm, facts, options, "average_deal",
                            "amount won ÷ deals won, closed in the period" + begun_text(options), mode);
  report_reopened(crm, options, result);
  return result;
}

Result velocity(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "velocity");
  Options each = options;
  each.mode = Mode::standard;
  each.weight = Weight::count;
  const Crm crm = rewound(book, options);
  std::vector<std::int64_t> starts;
  if (options.start != Start::created) starts = starts_of(crm, options, "velocity");
  DealFacts open = open_at_end(crm, options, starts);
  open.shape = Shape::total;
  std::string definition = "open deals × average deal × win rate ÷ mean sales cycle" + begun_text(options);
  if (options.start != Start::created) definition += ", the cycle from there on";
  Result result = summarise(crm, open, each, "velocity", definition + no_decision_text(options), mode);
  const Result average = average_deal(crm, heeded_by("average_deal", each));
  attach(result, average, "average_deal");
  const Result rate = closed_rate(crm, heeded_by("win_rate", each));
  attach(result, rate, "win_rate");
  const Result cycle = sales_cycle(crm, heeded_by("sales_cycle", each));
  attach(result, cycle, "sales_cycle", "mean");
  for (const Result* part : {&average, &rate, &cycle}) attach_excluded(result, *part);
  result.unit = average.unit + " / day";
  result.warnings.insert(result.warnings.end(), rate.warnings.begin(), rate.warnings.end());
  for (Metric& metric : result.metrics) {
    auto& details = metric.details;
    details["open"] = static_cast<double>(metric.n);
    metric.interval_note = "none: a product of four estimates";
    metric.value.reset();
    metric.numerator = metric.denominator = 0;
    const auto known = [&](const char* name) { return details.contains(name); };
    if (!known("average_deal") || !known("win_rate") || !known("sales_cycle")) {
      metric.state = !known("win_rate")       ? "no deal closed"
                     : !known("average_deal") ? "no win with an amount"
                                              : "no win with a cycle";
      continue;
    }
    metric.numerator = details["open"] * details["average_deal"] * details["win_rate"];
    metric.denominator = details["sales_cycle"];
    if (!(metric.denominator > 0)) {
      metric.state = "wins took no time";
      continue;
    }
    metric.value = metric.numerator / metric.denominator;
    // What one more of each input would change, the others as they are.
    const double a = details["open"], b = details["average_deal"], c = details["win_rate"];
    details["per_open"] = b * c / metric.denominator;
    details["per_average_deal"] = a * c / metric.denominator;
    details["per_win_rate"] = a * b / metric.denominator;
    details["per_cycle_day"] = -*metric.value / metric.denominator;
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
  // Of all reasons, and of none, in the groups asked for.
  struct Outer {
    double total = 0, null = 0;
  };
  std::map<std::pair<std::vector<std::string>, std::vector<std::uint8_t>>, Outer> outer;
  const auto outer_of = [&](const Metric& metric) -> Outer& {
    if (metric.keys.empty()) return outer[{}];
    return outer[{{metric.keys.begin(), metric.keys.end() - 1},
                  {metric.key_null.begin(), metric.key_null.end() - 1}}];
  };
  for (const Metric& metric : result.metrics) {
    Outer& sums = outer_of(metric);
    sums.total += metric.numerator;
    if (!metric.key_null.empty() && metric.key_null.back() != 0) sums.null += metric.numerator;
  }
  for (Metric& metric : result.metrics) {
    const Outer& sums = outer_of(metric);
    metric.denominator = sums.total;
    if (sums.total > 0) metric.details["null_share"] = sums.null / sums.total;
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
      flag_small_sample(metric, static_cast<std::int64_t>(metric.denominator));
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
  facts.bounded = true;
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
  Result result = summarise(crm, facts, options, "linearity",
                            "amount won in the last third of the period ÷ amount won", mode);
  flag_unfinished(scope, result);
  return result;
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
  Result result = summarise(crm, facts, options, "concentration",
                            "amount won from the ten largest accounts ÷ amount won in the period", mode);
  if (!crm.has("opportunity", "account_id"))
    result.warnings.emplace_back("deals name no account in this book: each stands for one of its own");
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
