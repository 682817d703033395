#include "salesops/pipeline/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "../crm/known.hpp"
#include "holders.hpp"
#include "report.hpp"
#include "simulate.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

using namespace pipeline_detail;

namespace {

constexpr std::int64_t us_per_week = 7 * us_per_day;

Interval quarter_of(Instant t) {
  const YearMonthDay day = t.utc_date().ymd();
  const Date start = Date::from_ymd(day.year, (day.month - 1) / 3 * 3 + 1, 1);
  return {at_midnight_utc(start), at_midnight_utc(start.add_months(3))};
}

void check(const ForecastOptions& options) {
  if (options.draws < 100 || options.draws > 1'000'000)
    throw UsageError("pipeline: draws lies in 100 to 1,000,000; got " + std::to_string(options.draws));
  if (options.levels.empty()) throw UsageError("pipeline: levels is empty; the usual one is 80");
  for (const double level : options.levels) (void)level_name(level);
  if (options.period && options.period->end <= options.period->start)
    throw UsageError("pipeline: the period ends before it starts");
  if (options.period && options.period->end.us - options.period->start.us > 800 * us_per_day)
    throw UsageError("pipeline: a period is at most 800 days; sums of several are made from a Scenario");
}

/// The rates of arrivals and wins are known of the time that the book has seen, and carried on no further.
void check_reach(const Facts& facts, Instant as_of, const Interval& period) {
  constexpr double least = 92, most = 731;
  const double reach = std::clamp(days_of(as_of.us) - facts.first, least, most);
  if (days_of(period.end.us) <= days_of(as_of.us) + reach) return;
  const Date last{as_of.utc_date() + static_cast<int>(reach)};
  throw UsageError("pipeline: the period ends " + period.end.utc_date().to_string() +
                   ", and what is known at " + as_of.utc_date().to_string() + " reaches no further than " +
                   last.to_string() +
                   ": as far ahead as the book reaches back, at least a quarter and at most two years");
}

Instant resolve_as_of(const Crm& crm, const ForecastOptions& options) {
  const Instant as_of = options.as_of.value_or(crm.latest());
  crm_detail::check_known(crm, as_of, "pipeline: as_of");
  return as_of;
}

/// Weeks from the period's start; the last one ends with the period.
std::vector<Interval> leaf_periods(const Interval& period) {
  std::vector<Interval> weeks;
  for (std::int64_t at = period.start.us; at < period.end.us; at += us_per_week)
    weeks.push_back({Instant{at}, Instant{std::min(at + us_per_week, period.end.us)}});
  return weeks;
}

/// The same day of earlier periods, oldest first, as far as the book reaches back.
std::vector<Window> earlier_windows(const Facts& facts, Instant as_of, const Interval& period) {
  constexpr int most = 8;
  constexpr double warm_up = 60;
  const Date start = period.start.utc_date(), end = period.end.utc_date();
  const YearMonthDay a = start.ymd(), b = end.ymd();
  const int months = (b.year - a.year) * 12 + b.month - a.month;
  const bool whole_months = a.day == 1 && b.day == 1 && at_midnight_utc(start) == period.start &&
                            at_midnight_utc(end) == period.end;
  const double length = days_of(period.end.us - period.start.us);
  std::vector<Window> windows;
  for (int back = 1; back <= 400 && static_cast<int>(windows.size()) < most; ++back) {
    double shift_start = back * length, shift_end = shift_start;
    if (whole_months) {
      shift_start = start - start.add_months(-back * months);
      shift_end = end - end.add_months(-back * months);
    }
    Window window;
    window.start = days_of(period.start.us) - shift_start;
    window.end = days_of(period.end.us) - shift_end;
    // Counted from the end, where closing happens.
    window.origin = std::min(days_of(as_of.us), days_of(period.end.us)) - shift_end;
    if (window.end > facts.now) continue;
    // Until it has seen some closes a book knows nothing of how deals end.
    if (window.origin < std::max(facts.first + warm_up, facts.first_close + warm_up / 2)) break;
    windows.push_back(window);
  }
  std::reverse(windows.begin(), windows.end());
  return windows;
}

/// Open deals by curve; the curve's spread of wins over the leaf periods.
void plan_open_deals(Plan& plan, const History& history, std::vector<double>& days_in_stage) {
  const Facts& facts = *plan.facts;
  const WinTable table = win_table(plan.lessons->rates.mean(), facts.states(), plan.grid.step, plan.marks);
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> numbers;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    const std::int64_t at = facts.offsets[deal + 1] - 1;
    const Visit& visit = facts.visits[static_cast<std::size_t>(at)];
    if (visit.state < 0) continue;
    const auto state = static_cast<std::size_t>(visit.state);
    const double days = plan.window.origin - origin_of(facts, deal, at);
    const std::size_t age = table.age_of(days);
    const auto [curve, is_new] = numbers.try_emplace({state, age}, plan.curves.size());
    const double first = table.at(0, state, age);
    const double p = table.at(plan.marks.size() - 1, state, age) - first;
    if (is_new) {
      Curve made{state, age, {}};
      for (std::size_t mark = 1; mark < plan.marks.size(); ++mark)
        made.share.push_back(p > 0 ? (table.at(mark, state, age) - first) / p : 1.0);
      made.share.back() = 1;
      plan.curves.push_back(std::move(made));
    }
    Features x = features_of(facts, history, deal, plan.window, p);
    double correction = 0;
    for (std::size_t i = 1; i < feature_count; ++i) correction += x[i] * plan.lessons->weight[i];
    plan.open.push_back({deal, curve->second, std::exp(correction)});
    days_in_stage.push_back(days);
  }
}

void plan_new_deals(Plan& plan, const Crm& crm, Instant as_of, Fit& fit) {
  const Facts& facts = *plan.facts;
  const NewBusiness& fresh = plan.lessons->fresh;
  fit.arrivals_per_week = fresh.per_week;
  for (std::size_t mark = 1; mark < plan.marks.size(); ++mark)
    plan.new_wins.push_back(fresh.won_by_step[static_cast<std::size_t>(plan.marks[mark])] -
                            fresh.won_by_step[static_cast<std::size_t>(plan.marks[mark - 1])]);
  // Owners by what they won or opened lately.
  constexpr double recent = 182;
  constexpr double least = 1e-9;
  const std::vector<bool> active = active_owners(crm, facts.owners, as_of);
  plan.new_share.assign(facts.owners.size(), least);
  bool any = false;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    const auto owner = static_cast<std::size_t>(facts.owner[deal]);
    if (!active[owner]) continue;
    const bool created = facts.created[deal] > facts.now - recent;
    const bool won = facts.status[deal] == DealStatus::won && facts.closed[deal] > facts.now - recent;
    plan.new_share[owner] += 0.5 * (created ? 1 : 0) + 0.5 * (won ? 1 : 0);
    any |= created || won;
  }
  if (!any) plan.new_share[0] = 1;
}

void plan_amounts(Plan& plan, const std::vector<Interval>& weeks) {
  const Facts& facts = *plan.facts;
  plan.owner_amounts.resize(facts.owners.size());
  if (plan.wins) return;
  constexpr double recent = 364;
  constexpr std::size_t fewest_young = 20;
  struct Won {
    double age = 0;
    std::size_t deal = 0;
  };
  std::vector<Won> won;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    if (facts.status[deal] == DealStatus::won && facts.closed[deal] >= facts.now - recent)
      won.push_back({facts.closed[deal] - facts.created[deal], deal});
  }
  std::stable_sort(won.begin(), won.end(), [](const Won& a, const Won& b) { return a.age < b.age; });
  for (const auto& [age, deal] : won) {
    // A win without an amount books nothing, and so may its like.
    const std::int64_t amount = facts.amount[deal] == null_value ? 0 : facts.amount[deal];
    plan.amounts.values.push_back(amount);
    plan.owner_amounts[static_cast<std::size_t>(facts.owner[deal])].values.push_back(amount);
  }
  for (const Interval& week : weeks) {
    const double oldest = days_of(week.start.us + (week.end.us - week.start.us) / 2) - plan.window.origin;
    for (WonAmounts& amounts : plan.owner_amounts) amounts.young.push_back(0);
    std::size_t young = 0;
    for (; young < won.size() && won[young].age <= oldest; ++young)
      ++plan.owner_amounts[static_cast<std::size_t>(facts.owner[won[young].deal])].young.back();
    plan.amounts.young.push_back(std::max(young, std::min(won.size(), fewest_young)));
  }
}

/// Deals won in the period by now, into the draws.
std::int64_t add_won(const Plan& plan, const std::vector<Interval>& weeks, Simulation& simulation,
                     std::vector<std::int64_t>& won, std::int64_t& without_amount) {
  const Facts& facts = *plan.facts;
  std::int64_t deals = 0;
  won.assign(simulation.leaves, 0);
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    if (facts.status[deal] != DealStatus::won) continue;
    if (facts.closed[deal] < plan.window.start || facts.closed[deal] >= plan.window.end) continue;
    ++deals;
    without_amount += facts.amount[deal] == null_value;
    if (facts.amount[deal] == null_value) continue;
    const auto owner = static_cast<std::size_t>(facts.owner[deal]);
    std::size_t week = 0;
    while (week + 1 < weeks.size() && facts.closed[deal] >= days_of(weeks[week].end.us)) ++week;
    add_amount(won[owner], facts.amount[deal]);
    std::int64_t* cells = simulation.values.data() + (owner * simulation.periods + week) * simulation.draws;
    for (std::size_t draw = 0; draw < simulation.draws; ++draw) cells[draw] += facts.amount[deal];
  }
  return deals;
}

/// Keeps the leaves that have deals, or quotas to come: the others are empty rows.
ScenarioData scenario_data(const Crm& crm, const Plan& plan, Simulation& simulation,
                           const std::vector<Interval>& weeks, std::vector<std::size_t>& kept) {
  const Facts& facts = *plan.facts;
  std::vector<bool> wanted(facts.owners.size());
  for (std::size_t deal = 0; deal < facts.size(); ++deal)
    if (facts.status[deal] == DealStatus::open ||
        (facts.status[deal] == DealStatus::won && facts.closed[deal] >= plan.window.start))
      wanted[static_cast<std::size_t>(facts.owner[deal])] = true;
  for (std::size_t leaf = 0; leaf < wanted.size(); ++leaf)
    if (wanted[leaf] || plan.new_share[leaf] > 0.1) kept.push_back(leaf);
  ScenarioData data;
  data.periods = weeks;
  data.draws = plan.draws;
  data.seed = plan.seed;
  const std::size_t size = weeks.size() * plan.draws;
  std::vector<std::int64_t> values;
  values.reserve(kept.size() * size);
  for (const std::size_t leaf : kept) {
    data.leaves.push_back(rep(facts.owners[leaf]));
    const auto from = simulation.values.begin() + static_cast<std::ptrdiff_t>(leaf * size);
    values.insert(values.end(), from, from + static_cast<std::ptrdiff_t>(size));
  }
  data.values = std::move(values);
  data.memberships = memberships(crm, data.leaves);
  return data;
}

}  // namespace

Forecast forecast(const Crm& crm, const ForecastOptions& options) {
  const StopScope scope(options.execution.stop);
  check(options);
  const Instant as_of = resolve_as_of(crm, options);
  const bool rewound = as_of < crm.latest();
  const Crm known = rewound ? crm.as_of(as_of, {.execution = part_of(options.execution, 0, 0.2)}) : crm;
  const Facts facts = [&] {
    Facts read = read_facts(known, options, rewound);
    read.now = days_of(as_of.us);
    return read;
  }();
  if (facts.size() == 0)
    throw UsageError("pipeline: no deal with a created_at was known at " + as_of.to_string());
  const auto won = std::count(facts.status.begin(), facts.status.end(), DealStatus::won);
  if (won == 0)
    throw UsageError("pipeline: no deal had been won by " + as_of.to_string() +
                     ", so there is nothing to learn from; choose a later as_of or check stage_def.type");

  Forecast result;
  result.as_of = as_of;
  result.period = options.period.value_or(quarter_of(as_of));
  result.measure = options.measure;
  result.levels = options.levels;
  Plan plan;
  plan.facts = &facts;
  plan.wins = options.measure == Measure::wins;
  if (std::ranges::all_of(facts.amount, [](std::int64_t amount) { return amount == null_value; }))
    throw UsageError("pipeline: no deal has an amount that was known at " + as_of.to_string() +
                     ", so there is nothing to add up; forecast with measure = wins");
  check_reach(facts, as_of, result.period);
  plan.draws = static_cast<std::size_t>(options.draws);
  plan.seed = options.seed;
  const double end = days_of(result.period.end.us), start = days_of(result.period.start.us);
  plan.window = {std::min(days_of(as_of.us), end), start, end};
  plan.grid = grid_of(plan.window);
  const Lessons lessons =
      learn(facts, known.history(), plan.window, options.adjust,
            options.adjust ? earlier_windows(facts, as_of, result.period) : std::vector<Window>(),
            part_of(options.execution, 0.2, 0.5));
  plan.lessons = &lessons;
  const std::vector<Interval> weeks = leaf_periods(result.period);
  plan.marks.push_back(plan.grid.first);
  for (const Interval& week : weeks)
    plan.marks.push_back(std::clamp(
        static_cast<int>(std::lround((days_of(week.end.us) - plan.window.origin) / plan.grid.step)),
        plan.marks.back(), plan.grid.last));
  std::vector<double> days_in_stage;
  plan_open_deals(plan, known.history(), days_in_stage);
  plan_new_deals(plan, known, as_of, result.fit);
  plan_amounts(plan, weeks);

  Simulation simulation;
  simulation.draws = plan.draws;
  simulation.leaves = facts.owners.size();
  simulation.periods = weeks.size();
  simulation.values.assign(simulation.draws * simulation.leaves * simulation.periods, 0);
  Outcome outcome;
  result.won_deals = add_won(plan, weeks, simulation, outcome.won, outcome.won_without_amount);
  result.open_deals = static_cast<std::int64_t>(plan.open.size());
  simulate(plan, simulation, part_of(options.execution, 0.5, 0.95));

  ScenarioData data = scenario_data(known, plan, simulation, weeks, outcome.kept);
  if (!plan.wins) data.currency = currency_of(known, options);
  result.scenario = Scenario(std::move(data));
  outcome.known = &known;
  outcome.plan = &plan;
  outcome.simulation = &simulation;
  outcome.days_in_stage = std::move(days_in_stage);
  outcome.rewound = rewound;
  report(outcome, options, result);
  if (options.execution.progress) options.execution.progress(1);
  return result;
}

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
