#include <algorithm>

#include "../crm/lasting.hpp"
#include "groups.hpp"
#include "salesops/kpi/deals.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival.hpp"
#include "visits.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Days from the start to a close with this outcome, of the closes of the period.
DealFacts cycles(const Crm& crm, const Options& options, std::span<const std::int64_t> starts,
                 DealStatus outcome) {
  DealFacts facts(crm.deals(), options);
  const auto reversed = facts.reason("negative_duration");
  const auto unknown = facts.time_unknown;
  const auto unstarted = facts.reason(no_start(options));
  for (const Close& close : closes_of(crm, options, "sales_cycle")) {
    if (close.status != outcome) continue;
    const std::int64_t started = starts[close.deal];
    std::uint8_t state = Facts::counted;
    std::int64_t took = 0;
    if (close.at == null_value)
      state = unknown;
    else if (started == null_value)
      state = unstarted;
    else if (took = crm_detail::lasted(started, close.at, options.zone); took < 0)
      state = reversed;
    facts.put(close.deal, close.at, state == Facts::counted ? took : 0, 1, state);
  }
  facts.shape = Shape::median;
  facts.scale = days_per_us;
  facts.unit = "days";
  return facts;
}

/// Time from the start to the outcome, or to now.
Result cycle_by_survival(const Crm& crm, const Options& options, std::span<const std::int64_t> starts) {
  const Deals& deals = crm.deals();
  const std::int64_t now = now_of(crm);
  DealFacts facts(deals, options);
  const auto reversed = facts.reason("negative_duration");
  const auto unknown = facts.reason("outcome_unknown");
  const auto unstarted = options.start == Start::created ? unknown : facts.reason(no_start(options));
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const std::int64_t started = starts[deal];
    const DealStatus status = deals.status[deal];
    const bool open = status == DealStatus::open;
    const std::int64_t end = open ? now : deals.closed_at[deal];
    std::uint8_t state = open ? Facts::censored : Facts::counted;
    std::int64_t took = 0;
    if (status == DealStatus::unknown || end == null_value)
      state = unknown;
    else if (started == null_value)
      state = unstarted;
    else if (took = crm_detail::lasted(started, end, options.zone); took < 0)
      state = reversed;
    facts.put(deal, started, state <= Facts::censored ? took : 0, 1, state);
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
                   "days from " + start_text(options) +
                       " by which half of the deals that will be won are won, of those that began in the "
                       "period (Aalen–Johansen, losses competing, open deals censored)",
                   Mode::survival);
}

}  // namespace

Result sales_cycle(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "sales_cycle");
  const Crm crm = rewound(book, options);
  const std::vector<std::int64_t> starts = starts_of(crm, options, "sales_cycle");
  const Result survival = cycle_by_survival(crm, options, starts);
  if (mode == Mode::survival) return survival;
  Result result =
      summarise(crm, cycles(crm, options, starts, DealStatus::won), options, "sales_cycle",
                "median days from " + start_text(options) + " to the win, of deals won in the period", mode);
  attach(result, survival, "survival_median");
  const Result lost =
      summarise(crm, cycles(crm, options, starts, DealStatus::lost), options, "sales_cycle", "", mode);
  attach(result, lost, "lost_median");
  attach(result, lost, "lost_mean", "mean");
  const bool often = std::ranges::any_of(options.by, [](const std::string& name) {
    const auto every = every_of(name);
    return every == Every::day || every == Every::week;
  });
  if (often) {
    // A fact a deal and day would outgrow the book many times.
    result.warnings.emplace_back("ages of open deals are told by month and longer, not by day or week");
  } else {
    DealFacts ages = open_at_end(crm, options, starts);
    ages.shape = Shape::median;
    ages.scale = days_per_us;
    const Result open = summarise(crm, ages, options, "sales_cycle", "", mode);
    attach(result, open, "open_median_age");
    attach(result, open, "open_mean_age", "mean");
  }
  report_reopened(crm, options, result);
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
