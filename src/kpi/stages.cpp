#include <algorithm>

#include "salesops/kpi/deals.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival.hpp"
#include "visits.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

bool steps_up(const Visit& from, const Visit& to) {
  return to.type != DealStatus::lost && to.pipeline == from.pipeline && to.rank > from.rank;
}

/// What became of a stay below: 1 = stepped up, 2 = lost first, 0 = neither yet; and when.
struct Step {
  std::uint8_t outcome = 0;
  std::int64_t at = null_value;
  bool won = false;
};

/// Looks at the stays from `first` on.
Step step_from(std::span<const Visit> visits, std::size_t entry, std::size_t first, std::size_t last,
               DealStatus final) {
  Step step;
  step.won = final == DealStatus::won;
  for (std::size_t other = first; other < last; ++other)
    if (steps_up(visits[entry], visits[other])) {
      step.outcome = 1;
      step.at = std::max(visits[other].enter, visits[entry].enter);
      return step;
    }
  if (final == DealStatus::open) return step;
  // A win is a step up, whatever stage it is booked under.
  step.outcome = final == DealStatus::won ? 1 : 2;
  step.at = visits[last - 1].enter;
  return step;
}

}  // namespace

Result stage_conversion(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "stage_conversion");
  const Visits how = visits_asked(options, "stage_conversion", {Visits::first, Visits::each, Visits::deal});
  const Crm crm = rewound(book, options);
  const std::vector<Visit> visits = visits_of(crm, options, "stage_conversion");
  const Deals& deals = crm.deals();
  const std::int64_t now = now_of(crm);
  DealFacts facts(deals, options);
  const auto undefined = facts.reason("stage_without_rank");
  std::vector<Step> steps;
  std::vector<std::int32_t> ranks;
  each_deal(visits, [&](std::size_t first, std::size_t last) {
    for (std::size_t entry = first; entry < last; ++entry) {
      const Visit& visit = visits[entry];
      const bool again = std::any_of(visits.begin() + static_cast<std::ptrdiff_t>(first),
                                     visits.begin() + static_cast<std::ptrdiff_t>(entry),
                                     [&](const Visit& earlier) { return earlier.stage == visit.stage; });
      if (visit.type != DealStatus::open || (again && how != Visits::each)) continue;
      const std::size_t from = how == Visits::deal ? first : entry + 1;
      const Step step = step_from(visits, entry, from, last, deals.status[visit.deal]);
      std::uint8_t state = step.outcome == 0 ? Facts::censored : Facts::counted;
      if (visit.rank < 0) state = undefined;
      facts.put(visit.deal, visit.enter, step.outcome == 1 ? 1 : 0, 1, state);
      steps.push_back(step);
      ranks.push_back(visit.rank);
    }
  });
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> ended,
                     std::span<const std::int32_t> open) {
    std::vector<double> durations;
    std::vector<std::uint8_t> causes;
    double won = 0, low_rank = 0, high_rank = -1;
    for (const auto part : {ended, open})
      for (const std::int32_t fact : part) {
        const auto i = static_cast<std::size_t>(fact);
        const double rank = ranks[i];
        low_rank = high_rank < 0 ? rank : std::min(low_rank, rank);
        high_rank = std::max(high_rank, rank);
        won += steps[i].won ? 1 : 0;
        const std::int64_t end = steps[i].outcome == 0 ? now : steps[i].at;
        if (facts.at[i] == null_value || end < facts.at[i]) continue;
        durations.push_back(static_cast<double>(end - facts.at[i]) * days_per_us);
        causes.push_back(steps[i].outcome);
      }
    const auto entered = static_cast<double>(ended.size() + open.size());
    if (entered == 0) return;
    metric.details["entered"] = entered;
    metric.details["to_won"] = won / entered;
    if (low_rank == high_rank) metric.details["rank"] = low_rank;
    if (durations.empty()) return;
    const auto curve = survival::aalen_johansen(durations, causes, {.level = options.level}, 2);
    metric.details["survival"] = curve.causes.front().incidence.back();
  };
  const char* definition =
      how == Visits::each
          ? "entries that a higher stage followed ÷ entries of the stage in the period that have ended"
      : how == Visits::deal
          ? "deals that were ever at a higher stage ÷ deals that first entered the stage in the "
            "period, without those still open below"
          : "deals that moved on to a higher stage ÷ deals that entered the stage in the period "
            "and left it for good";
  return summarise(crm, facts, options, "stage_conversion", definition, mode);
}

Result time_in_stage(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "time_in_stage");
  const Visits how =
      visits_asked(options, "time_in_stage",
                   {Visits::each, Visits::first, Visits::latest, Visits::cumulative, Visits::current});
  const Crm crm = rewound(book, options);
  const std::vector<Visit> visits = visits_of(crm, options, "time_in_stage");
  const Deals& deals = crm.deals();
  const std::int64_t now = now_of(crm);
  DealFacts facts(deals, options);
  const auto unknown = facts.reason("entry_unknown");
  const auto reversed = facts.reason("negative_duration");
  each_deal(visits, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const Visit& visit = visits[i];
      if (visit.type != DealStatus::open || (how == Visits::current && visit.exit != null_value)) continue;
      const auto same = [&](std::size_t from, std::size_t to) {
        return std::any_of(visits.begin() + static_cast<std::ptrdiff_t>(from),
                           visits.begin() + static_cast<std::ptrdiff_t>(to),
                           [&](const Visit& other) { return other.stage == visit.stage; });
      };
      if (how == Visits::first || how == Visits::cumulative ? same(first, i)
                                                            : how == Visits::latest && same(i + 1, last))
        continue;
      std::int64_t time = 0;
      std::uint8_t state = Facts::counted;
      for (std::size_t j = i; j < (how == Visits::cumulative ? last : i + 1); ++j) {
        if (visits[j].stage != visit.stage || state > Facts::censored) continue;
        const std::int64_t end = visits[j].exit == null_value ? now : visits[j].exit;
        if (visits[j].enter == null_value)
          state = unknown;
        else if (end < visits[j].enter)
          state = reversed;
        else if (visits[j].exit == null_value && how != Visits::current)
          state = Facts::censored;
        time += state <= Facts::censored ? end - visits[j].enter : 0;
      }
      facts.put(visit.deal, visit.enter, state <= Facts::censored ? time : 0, 1, state);
    }
  });
  facts.shape = Shape::mean;
  facts.scale = days_per_us;
  facts.unit = "days";
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> done,
                     std::span<const std::int32_t> lasting) {
    std::vector<double> durations;
    std::vector<std::uint8_t> events;
    for (const auto part : {done, lasting})
      for (const std::int32_t fact : part) {
        durations.push_back(static_cast<double>(facts.numerator[static_cast<std::size_t>(fact)]) *
                            days_per_us);
        events.push_back(facts.state[static_cast<std::size_t>(fact)] == Facts::counted ? 1 : 0);
      }
    // Stays that all still last say nothing of how long stays are.
    if (durations.empty() || how == Visits::current) return;
    const auto median = survival::kaplan_meier(durations, events, {.level = options.level}).median();
    if (median.estimate) metric.details["survival_median"] = *median.estimate;
  };
  const auto text = [&]() -> std::string {
    switch (how) {
      case Visits::first: return "of each deal's first completed visit to an open stage";
      case Visits::latest: return "of each deal's last visit to an open stage, if completed";
      case Visits::cumulative: return "that each deal spent in an open stage in all, its visits completed";
      case Visits::current: return "so far of visits to open stages that still last";
      default: return "of completed visits to open stages";
    }
  };
  return summarise(crm, facts, options, "time_in_stage", "mean days " + text() + ", that began in the period",
                   mode);
}

Result stage_regression(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "stage_regression");
  const Crm crm = rewound(book, options);
  const std::vector<Visit> visits = visits_of(crm, options, "stage_regression");
  const Deals& deals = crm.deals();
  DealFacts facts(deals, options);
  std::vector<std::int32_t> moves;
  std::vector<std::uint8_t> reopened;
  each_deal(visits, [&](std::size_t first, std::size_t last) {
    std::int32_t back = 0;
    bool again = false;
    for (std::size_t i = first + 1; i < last; ++i) {
      const Visit& from = visits[i - 1];
      const Visit& to = visits[i];
      if (to.type != DealStatus::open) continue;
      if (from.type != DealStatus::open)
        again = true;
      else if (to.pipeline == from.pipeline && to.rank >= 0 && to.rank < from.rank)
        ++back;
    }
    const std::size_t deal = visits[first].deal;
    facts.put(deal, deals.created_at[deal], back > 0 ? 1 : 0, 1);
    moves.push_back(back);
    reopened.push_back(again ? 1 : 0);
  });
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    double sum = 0, again = 0;
    for (const std::int32_t fact : counted) {
      sum += moves[static_cast<std::size_t>(fact)];
      again += reopened[static_cast<std::size_t>(fact)];
    }
    metric.details["moves"] = sum;
    metric.details["reopened"] = again;
  };
  return summarise(crm, facts, options, "stage_regression",
                   "deals that moved back at least once ÷ deals created in the period", mode);
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
