#include <algorithm>
#include <cmath>
#include <map>

#include "rep_facts.hpp"
#include "salesops/kpi.hpp"
#include "salesops/kpi/deals.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Adjusted Fisher–Pearson coefficient (Joanes & Gill 1998, G1); none below three values or of equal ones.
std::optional<double> skewness(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (n < 3) return std::nullopt;
  const double mean = stats::sum(values) / n;
  stats::Sum second, third;
  for (const double value : values) {
    const double apart = value - mean;
    second.add(apart * apart);
    third.add(apart * apart * apart);
  }
  const double variance = second.value() / n;
  if (!(variance > 0)) return std::nullopt;
  return std::sqrt(n * (n - 1)) / (n - 2) * (third.value() / n) / (variance * std::sqrt(variance));
}

/// Deals of which none has an amount are worth nobody knows what, and not 0.
void forget_unknown(Metric& metric) {
  const auto unknown = metric.excluded.find("null_amount");
  if (!metric.value || metric.n > 0 || unknown == metric.excluded.end() || unknown->second == 0) return;
  metric.value.reset();
  metric.details.erase("of_full_quota");
  metric.details.erase("weighted_coverage");
  metric.low = metric.high = std::nullopt;
  metric.state = "no amounts";
}

Result attainment_of(const Crm& book, const Options& options, bool until_leave) {
  const Mode mode = mode_for(book, options, "attainment");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  RepFacts reps(crm, "attainment", options, until_leave);
  reps.add_deals(
      Part::won, [&](std::size_t deal) { return deals.status[deal] == DealStatus::won; },
      [&](std::size_t deal) { return deals.closed_at[deal]; });
  reps.add_quotas(scope_of(crm, options));
  reps.facts.shape = Shape::ratio;
  reps.facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted,
                          std::span<const std::int32_t> beside) {
    const auto sums = reps.sums(metric, counted, beside);
    const auto say = [&](const char* name, Part part) {
      if (const double sum = sums[static_cast<std::size_t>(part)]; sum != 0) metric.details[name] = sum;
    };
    say("overlay", Part::overlay);
    say("members_quota", Part::members_quota);
    say("ramping_quota", Part::ramping_quota);
    if (const auto of = metric.details.find("members_quota"); of != metric.details.end())
      metric.details["of_members_quota"] = sums[static_cast<std::size_t>(Part::members_won)] / of->second;
    if (!metric.value) metric.state = "no quota";
    forget_unknown(metric);
    if (metric.low) metric.interval_note = "bootstrap over reps";
    if (reps.shares_one_quota(counted)) {
      metric.low = metric.high = std::nullopt;
      metric.interval_note = "none: reps share one quota";
    }
  };
  return reps.answer("attainment", std::string(definition("attainment").formula), mode);
}

}  // namespace

Result attainment(const Crm& book, const Options& options) { return attainment_of(book, options, false); }

Result pipeline_coverage(const Crm& book, const Options& asked) {
  const Options options = with_period(asked);
  const Mode mode = mode_for(book, options, "pipeline_coverage");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const Scope scope = scope_of(crm, options);
  const std::int32_t today = day_of(scope.as_of.us, options);
  const Probabilities probabilities(crm);
  RepFacts reps(crm, "pipeline_coverage", options);
  for (const Scope::Part& part : scope.parts) {
    const Interval period = part.interval;
    const std::int64_t at = std::clamp(scope.as_of.us, period.start.us, period.end.us - 1);
    const auto expected = [&](std::size_t deal, bool past) {
      const std::int32_t day = deals.close_date[deal];
      return deals.status[deal] == DealStatus::open && day != Deals::null_date && (day < today) == past &&
             period.contains(options.zone.start_of(Date{day}));
    };
    const auto then = [&](std::size_t) { return at; };
    reps.add_deals(Part::open, [&](std::size_t deal) { return expected(deal, false); }, then);
    reps.add_deals(Part::past_due, [&](std::size_t deal) { return expected(deal, true); }, then);
    if (probabilities.known())
      reps.add_deals(
          Part::weighted,
          [&](std::size_t deal) { return expected(deal, false) && probabilities(deal).has_value(); }, then,
          [&](std::size_t deal) { return *probabilities(deal); });
    reps.add_deals(
        Part::won,
        [&](std::size_t deal) {
          return deals.status[deal] == DealStatus::won && deals.closed_at[deal] != null_value &&
                 period.contains(Instant{deals.closed_at[deal]});
        },
        [&](std::size_t deal) { return deals.closed_at[deal]; });
  }
  reps.add_quotas(scope);

  Options year = options;
  year.as_of.reset();  // the book knows
  year.by.clear();
  year.mode = Mode::standard;
  year.weight = Weight::value;
  year.period = Date{today - 365}.to_string() + "/" + Date{today + 1}.to_string();
  const std::optional<double> rate = closed_rate(crm, year).single().value;

  reps.facts.shape = Shape::total;
  reps.facts.unit = "ratio";
  reps.facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted,
                          std::span<const std::int32_t> beside) {
    const auto sums = reps.sums(metric, counted, beside);
    const auto [won, quota, open, past_due] = std::array{sums[0], sums[1], sums[2], sums[3]};
    auto& details = metric.details;
    details["won"] = won;
    details["quota"] = quota;
    if (const double members = sums[static_cast<std::size_t>(Part::members_quota)]; members != 0)
      details["members_quota"] = members;
    details["open"] = open;
    details["past_due"] = past_due;
    details["remaining"] = quota - won;
    if (rate && *rate > 0) details["required"] = 1 / *rate;
    if (quota > 0) details["of_full_quota"] = open / quota;
    if (probabilities.known()) details["weighted"] = sums[static_cast<std::size_t>(Part::weighted)];
    if (probabilities.known() && quota > won)
      details["weighted_coverage"] = details["weighted"] / (quota - won);
    metric.numerator = open;
    metric.denominator = quota - won;
    metric.interval_note = "none: a snapshot is no sample";
    metric.value.reset();
    if (quota <= 0)
      metric.state = "no quota";
    else if (metric.denominator <= 0)
      metric.state = "attained";
    else
      metric.value = open / metric.denominator;
    forget_unknown(metric);
  };
  Result result =
      reps.answer("pipeline_coverage", std::string(definition("pipeline_coverage").formula), mode);
  end_coverage(scope, result);
  add_coverage_needs(crm, options, result);
  if (of_another_day(crm, "amount")) report_present_amounts(crm, result);
  refuse_amounts_at_win(crm, result);
  return result;
}

Result attainment_distribution(const Crm& book, const Options& asked) {
  Options options = with_period(asked);
  (void)mode_for(book, options, "attainment_distribution");
  options.by.emplace_back("owner");
  options.keep_rows = false;
  const Crm crm = rewound(book, options);
  const Result by_rep = attainment_of(crm, options, true);
  Result result = by_rep;
  result.table = "rep";
  result.name = "attainment_distribution";
  result.definition = "reps with at least their quota ÷ reps with a quota";
  result.by.pop_back();
  result.metrics.clear();
  std::map<std::vector<std::string>, std::size_t> place;
  std::vector<std::vector<double>> shares, credits, ramping;
  const auto group_of = [&](std::vector<std::string> keys, std::vector<std::uint8_t> null) {
    const auto [found, fresh] = place.try_emplace(keys, result.metrics.size());
    if (fresh) {
      Metric& metric = result.metrics.emplace_back();
      metric.keys = std::move(keys);
      metric.key_null = std::move(null);
      shares.emplace_back();
      credits.emplace_back();
      ramping.emplace_back();
    }
    return found->second;
  };
  if (result.by.empty()) (void)group_of({}, {});
  for (const Metric& rep : by_rep.metrics) {
    const std::size_t g =
        group_of({rep.keys.begin(), rep.keys.end() - 1}, {rep.key_null.begin(), rep.key_null.end() - 1});
    Metric& metric = result.metrics[g];
    if (!rep.value || rep.key_null.back() != 0) {
      ++metric.excluded["no_quota"];
    } else if (rep.details.contains("ramping_quota")) {
      ++metric.excluded["ramping"];
      ramping[g].push_back(*rep.value);
    } else {
      shares[g].push_back(*rep.value);
      credits[g].push_back(std::max(0.0, rep.numerator));
      if (asked.keep_rows) metric.rows.push_back(crm.row_of("rep", rep.keys.back()));
    }
  }
  for (std::size_t g = 0; g < result.metrics.size(); ++g) {
    Metric& metric = result.metrics[g];
    const auto& values = shares[g];
    if (!ramping[g].empty())
      metric.details["ramping_attained"] =
          static_cast<double>(
              std::count_if(ramping[g].begin(), ramping[g].end(), [](double v) { return v >= 1; })) /
          static_cast<double>(ramping[g].size());
    metric.n = static_cast<std::int64_t>(values.size());
    const auto n = static_cast<double>(values.size());
    metric.denominator = n;
    if (values.empty()) continue;
    const auto between = [&](double low, double high) {
      return static_cast<double>(std::count_if(values.begin(), values.end(),
                                               [&](double v) { return v >= low && v < high; })) /
             n;
    };
    constexpr double most = 1e300;
    metric.numerator = std::round(between(1, most) * n);
    metric.value = metric.numerator / n;
    metric.details.merge(std::map<std::string, double>{{"below_50", between(-most, .5)},
                                                       {"from_50", between(.5, .8)},
                                                       {"from_80", between(.8, 1)},
                                                       {"from_100", between(1, 1.2)},
                                                       {"above_120", between(1.2, most)}});
    metric.details["mean"] = stats::sum(values) / n;
    if (const auto variance = stats::moments(values).variance()) metric.details["sd"] = std::sqrt(*variance);
    if (const auto skew = skewness(values)) metric.details["skew"] = *skew;
    if (const auto gini = stats::gini(credits[g])) metric.details["gini"] = *gini;
    const auto fifth = static_cast<std::size_t>(std::ceil(n / 5));
    if (const auto top = stats::top_share(credits[g], fifth)) metric.details["top_20_share"] = *top;
    if (const auto interval =
            stats::wilson(static_cast<std::int64_t>(metric.numerator), metric.n, options.level)) {
      metric.low = interval->low;
      metric.high = interval->high;
      metric.interval_note = "Wilson";
      flag_small_sample(metric, metric.n);
    }
  }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
