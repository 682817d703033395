#include <algorithm>

#include "deal_facts.hpp"
#include "salesops/kpi/deals.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr double days_per_us = 1.0 / static_cast<double>(us_per_day);

/// A stay of a deal in a stage; `exit` is null while it lasts.
struct Visit {
  std::size_t deal = 0;
  std::int32_t stage = -1;
  std::int64_t enter = null_value;
  std::int64_t exit = null_value;
  std::int64_t pipeline = -1;
  std::int32_t rank = -1;  ///< -1: the stage isn't defined
  DealStatus type = DealStatus::open;
};

class StageMap {
 public:
  explicit StageMap(const Crm& crm) {
    const Table& defs = crm.table("stage_def");
    const Table& deals = crm.table("opportunity");
    const Dictionary& stages = deals.column("stage_id").dictionary();
    const Column* pipelines = deals.find("pipeline_id");
    const Column* pipeline = defs.find("pipeline_id");
    const Column& stage = defs.column("stage_id");
    const Column& rank = defs.column("rank");
    for (std::size_t row = 0; row < defs.num_rows(); ++row) {
      if (rank.is_null(row)) continue;
      const std::int64_t code = stages.find(stage.text(row));
      const std::int64_t of = pipeline != nullptr && pipeline->valid(row) && pipelines != nullptr
                                  ? pipelines->dictionary().find(pipeline->text(row))
                                  : -1;
      const auto number = static_cast<std::int32_t>(rank.number(row));
      // Of a stage in several pipelines the lowest rank stands for deals without a pipeline.
      for (const std::int64_t pipeline_code : {of, std::int64_t{-1}}) {
        const auto [known, fresh] = rank_.try_emplace({pipeline_code, code}, number);
        if (!fresh) known->second = std::min(known->second, number);
      }
    }
    status_.emplace(-1, crm.stage_statuses(-1));
    if (pipelines != nullptr)
      for (std::size_t code = 0; code < pipelines->dictionary().size(); ++code) {
        const auto key = static_cast<std::int64_t>(code);
        status_.emplace(key, crm.stage_statuses(key));
      }
  }

  [[nodiscard]] std::int32_t rank(std::int64_t pipeline, std::int64_t stage) const {
    auto found = rank_.find({pipeline, stage});
    if (found == rank_.end()) found = rank_.find({-1, stage});
    return found == rank_.end() ? -1 : found->second;
  }
  [[nodiscard]] DealStatus status(std::int64_t pipeline, std::int64_t stage) const {
    const auto& known = status_.at(status_.contains(pipeline) ? pipeline : -1);
    return known[static_cast<std::size_t>(stage)].value_or(DealStatus::open);
  }

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> rank_;
  std::map<std::int64_t, std::vector<std::optional<DealStatus>>> status_;
};

/// All visits, deal by deal in order of time.
std::vector<Visit> visits_of(const Crm& crm, std::string_view kpi) {
  require(crm, kpi, "opportunity", "stage_id");
  require(crm, kpi, "stage_def", "rank");
  const History& history = crm.history();
  if (!history.tracks(Field::stage))
    throw UsageError(std::string(kpi) +
                     " needs the change history of stages: table 'opportunity_event' (field 'stage'), "
                     "'opportunity_snapshot' or 'opportunity_version'");
  const StageMap stages(crm);
  const Deals& deals = crm.deals();
  const Column* pipelines = crm.table("opportunity").find("pipeline_id");
  const auto initial = history.initial(Field::stage);
  std::vector<Visit> visits;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const auto pipeline_at = [&](std::int64_t at) -> std::int64_t {
      if (pipelines == nullptr) return -1;
      if (history.tracks(Field::pipeline) && at != null_value) {
        const std::int64_t code = history.value_at(deal, Field::pipeline, at);
        if (code != null_value) return code;
      }
      return pipelines->valid(deal) ? pipelines->values<std::int32_t>()[deal] : -1;
    };
    std::int64_t stage = initial[deal], enter = deals.created_at[deal];
    const auto put = [&](std::int64_t exit) {
      if (stage == null_value) return;
      const std::int64_t pipeline = pipeline_at(enter);
      visits.push_back({.deal = deal,
                        .stage = static_cast<std::int32_t>(stage),
                        .enter = enter,
                        .exit = exit,
                        .pipeline = pipeline,
                        .rank = stages.rank(pipeline, stage),
                        .type = stages.status(pipeline, stage)});
    };
    for (const Change& change : history.changes(deal)) {
      if (change.field != Field::stage || change.value == stage) continue;
      put(change.at);
      stage = change.value;
      enter = change.at;
    }
    put(null_value);
  }
  return visits;
}

/// Calls `work(first, last)` for the visits of each deal.
template <class Work>
void each_deal(std::span<const Visit> visits, Work work) {
  for (std::size_t first = 0; first < visits.size();) {
    std::size_t last = first + 1;
    while (last < visits.size() && visits[last].deal == visits[first].deal) ++last;
    work(first, last);
    first = last;
  }
}

bool steps_up(const Visit& from, const Visit& to) {
  return to.type != DealStatus::lost && to.pipeline == from.pipeline && to.rank > from.rank;
}

/// What became of a stay below: 1 = stepped up, 2 = lost first, 0 = neither yet; and when.
struct Step {
  std::uint8_t outcome = 0;
  std::int64_t at = null_value;
  bool won = false;
};

Step step_from(std::span<const Visit> visits, std::size_t entry, std::size_t last, DealStatus final) {
  Step step;
  step.won = final == DealStatus::won;
  for (std::size_t later = entry + 1; later < last; ++later)
    if (steps_up(visits[entry], visits[later])) {
      step.outcome = 1;
      step.at = visits[later].enter;
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
  const Crm crm = rewound(book, options);
  const std::vector<Visit> visits = visits_of(crm, "stage_conversion");
  const Deals& deals = crm.deals();
  const std::int64_t now = now_of(crm, options);
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
      if (visit.type != DealStatus::open || again) continue;
      const Step step = step_from(visits, entry, last, deals.status[visit.deal]);
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
  return summarise(crm, facts, options, "stage_conversion",
                   "deals that moved on to a higher stage ÷ deals that entered the stage in the period and "
                   "left it for good",
                   mode);
}

Result time_in_stage(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "time_in_stage");
  const Crm crm = rewound(book, options);
  const std::vector<Visit> visits = visits_of(crm, "time_in_stage");
  const Deals& deals = crm.deals();
  const std::int64_t now = now_of(crm, options);
  DealFacts facts(deals, options);
  const auto unknown = facts.reason("entry_unknown");
  const auto reversed = facts.reason("negative_duration");
  for (const Visit& visit : visits) {
    if (visit.type != DealStatus::open) continue;
    const bool lasts = visit.exit == null_value;
    const std::int64_t end = lasts ? now : visit.exit;
    std::uint8_t state = lasts ? Facts::censored : Facts::counted;
    if (visit.enter == null_value)
      state = unknown;
    else if (end < visit.enter)
      state = reversed;
    facts.put(visit.deal, visit.enter, state < 2 ? end - visit.enter : 0, 1, state);
  }
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
    if (durations.empty()) return;
    const auto median = survival::kaplan_meier(durations, events, {.level = options.level}).median();
    if (median.estimate) metric.details["survival_median"] = *median.estimate;
  };
  return summarise(crm, facts, options, "time_in_stage",
                   "mean days of completed visits to open stages that began in the period", mode);
}

Result stage_regression(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "stage_regression");
  const Crm crm = rewound(book, options);
  const std::vector<Visit> visits = visits_of(crm, "stage_regression");
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
