#include "salesops/pipeline/backtest.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "holders.hpp"
#include "report.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

using namespace pipeline_detail;

namespace {

constexpr std::int64_t fewest_cells = 20;
constexpr std::size_t bins = 10;

struct Cell {
  Interval period;
  Instant as_of;
  Holder holder;
  double forecast = 0, low = 0, high = 0, actual = 0, naive = 0;

  [[nodiscard]] bool covered() const { return low <= actual && actual <= high; }
};

struct Scores {
  std::vector<Cell> cells;
  std::vector<double> p, naive_p;
  std::vector<std::uint8_t> won;
};

void check(const BacktestOptions& options) {
  if (options.periods < 1 || options.periods > 100) throw UsageError("pipeline: periods lies in 1 to 100");
  if (options.months < 1 || options.months > 12) throw UsageError("pipeline: months lies in 1 to 12");
  if (options.forecast.as_of || options.forecast.period)
    throw UsageError("pipeline: a backtest chooses as_of and period itself; leave them out");
  if (options.forecast.levels.size() != 1) throw UsageError("pipeline: a backtest judges one level");
  if (options.weeks.empty()) throw UsageError("pipeline: weeks is empty; {0} is the period's start");
  for (const int week : options.weeks)
    if (week < 0 || week * 7 >= options.months * 28)
      throw UsageError("pipeline: week " + std::to_string(week) + " doesn't lie within the period");
}

/// Whole past periods, oldest first; the first has at least as much history before it.
std::vector<Interval> past_periods(const Crm& crm, const Facts& facts, const BacktestOptions& options) {
  std::vector<double> created = facts.created;
  if (created.empty()) throw UsageError("pipeline: no deal has a created_at");
  const auto early = created.begin() + static_cast<std::ptrdiff_t>(created.size() / 100);
  std::nth_element(created.begin(), early, created.end());
  const YearMonthDay last = crm.latest().utc_date().ymd();
  Date end = Date::from_ymd(last.year, (last.month - 1) / options.months * options.months + 1, 1);
  std::vector<Interval> periods;
  while (static_cast<int>(periods.size()) < options.periods) {
    const Date start = end.add_months(-options.months);
    if (start.days < *early + options.months * 28) break;
    periods.push_back({at_midnight_utc(start), at_midnight_utc(end)});
    end = start;
  }
  if (periods.empty())
    throw UsageError("pipeline: the book holds no whole past period of " + std::to_string(options.months) +
                     " months with as much history before it");
  std::reverse(periods.begin(), periods.end());
  return periods;
}

/// What was won in the forecast's period, by its holders.
Scenario actual_of(const Crm& crm, const Facts& facts, const Forecast& forecast) {
  ScenarioData data;
  data.periods = forecast.scenario.periods();
  data.draws = 1;
  data.currency = forecast.scenario.currency();
  for (const std::string& owner : facts.owners) data.leaves.push_back(rep(owner));
  data.memberships = memberships(crm, data.leaves);
  data.values.assign(data.leaves.size() * data.periods.size(), 0);
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    if (facts.status[deal] != DealStatus::won || facts.amount[deal] == null_value) continue;
    for (std::size_t period = 0; period < data.periods.size(); ++period)
      if (days_of(data.periods[period].start.us) <= facts.closed[deal] &&
          facts.closed[deal] < days_of(data.periods[period].end.us))
        add_amount(data.values[static_cast<std::size_t>(facts.owner[deal]) * data.periods.size() + period],
                   facts.amount[deal]);
  }
  return Scenario(std::move(data));
}

/// Win rate of closed deals that had been in each state.
std::vector<double> stage_win_rates(const Facts& facts, double until) {
  std::vector<double> won(facts.states()), closed(facts.states());
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    const Visit& end = facts.visits[static_cast<std::size_t>(facts.offsets[deal + 1] - 1)];
    if (end.state >= 0 || end.enter > until || end.state == End::gone) continue;
    std::vector<bool> seen(facts.states());
    for (std::int64_t at = facts.offsets[deal]; at < facts.offsets[deal + 1]; ++at) {
      const std::int32_t state = facts.visits[static_cast<std::size_t>(at)].state;
      if (state < 0 || seen[static_cast<std::size_t>(state)]) continue;
      seen[static_cast<std::size_t>(state)] = true;
      closed[static_cast<std::size_t>(state)] += 1;
      won[static_cast<std::size_t>(state)] += end.state == End::won;
    }
  }
  for (std::size_t state = 0; state < won.size(); ++state)
    won[state] = closed[state] > 0 ? won[state] / closed[state] : 0;
  return won;
}

/// Of a past forecast: its weighted pipeline by owner, and each open deal's naive chance.
struct Naive {
  std::map<std::string, double> by_owner;
  std::vector<double> p;
};

Naive weighted_pipeline(const Crm& crm, const Forecast& forecast, const ForecastOptions& options) {
  const Crm known = crm.as_of(forecast.as_of);
  const Facts facts = read_facts(known, options, true);
  const std::vector<double> rates = stage_win_rates(facts, days_of(forecast.as_of.us));
  double amounts = 0, wins = 0;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    if (facts.status[deal] != DealStatus::won) continue;
    amounts += facts.amount[deal] == null_value ? 0 : static_cast<double>(facts.amount[deal]);
    wins += 1;
  }
  const double typical = wins > 0 ? amounts / wins : 0;
  Naive naive;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    const std::string& owner = facts.owners[static_cast<std::size_t>(facts.owner[deal])];
    const double amount =
        facts.amount[deal] == null_value ? typical : static_cast<double>(facts.amount[deal]);
    if (facts.status[deal] == DealStatus::won && facts.closed[deal] >= days_of(forecast.period.start.us))
      naive.by_owner[owner] += facts.amount[deal] == null_value ? 0 : amount;
    const Visit& visit = facts.visits[static_cast<std::size_t>(facts.offsets[deal + 1] - 1)];
    if (visit.state < 0) continue;
    const std::int32_t due = facts.close_date[deal];
    const bool in_period = due != Deals::null_date && due >= forecast.period.start.utc_date().days &&
                           due < forecast.period.end.utc_date().days;
    naive.p.push_back(in_period ? rates[static_cast<std::size_t>(visit.state)] : 0);
    naive.by_owner[owner] += naive.p.back() * amount;
  }
  return naive;
}

Scenario naive_scenario(const Forecast& forecast, const Naive& naive) {
  ScenarioData data;
  data.leaves = forecast.scenario.leaves();
  data.periods = {forecast.scenario.span()};
  data.memberships = forecast.scenario.memberships();
  data.draws = 1;
  constexpr double unit = 1000;  // counts have decimals here
  for (const Holder& leaf : data.leaves) {
    const auto found = naive.by_owner.find(leaf.id);
    data.values.push_back(found == naive.by_owner.end() ? 0 : std::llround(found->second * unit));
  }
  return Scenario(std::move(data));
}

void score(const Crm& crm, const Facts& facts, const Forecast& forecast, const ForecastOptions& options,
           Scores& scores) {
  const Scenario actual = actual_of(crm, facts, forecast);
  const Naive naive = weighted_pipeline(crm, forecast, options);
  const Scenario naive_sums = naive_scenario(forecast, naive);
  for (const Holder& holder : forecast.scenario.holders()) {
    Cell cell{forecast.period, forecast.as_of, holder};
    const auto [low, high] = forecast.scenario.interval(holder, forecast.levels.front());
    cell.forecast = forecast.scenario.mean(holder);
    cell.low = static_cast<double>(low);
    cell.high = static_cast<double>(high);
    cell.actual = actual.has(holder) ? actual.mean(holder) : 0;
    cell.naive = naive_sums.has(holder) ? naive_sums.mean(holder) / 1000 : 0;
    if (holder != nobody || cell.forecast > 0) scores.cells.push_back(cell);
  }
  const Column& ids = forecast.deals.column("opportunity_id");
  const auto p = forecast.deals.column("p_win").values<double>();
  const double start = std::max(days_of(forecast.period.start.us), days_of(forecast.as_of.us));
  const double end = days_of(forecast.period.end.us);
  std::map<std::int64_t, std::size_t> deal_of_row;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) deal_of_row[facts.row[deal]] = deal;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const std::int64_t row = crm.row_of("opportunity", ids.text(i));
    const auto deal = deal_of_row.find(row);
    if (deal == deal_of_row.end()) continue;
    bool won = false;
    for (std::int64_t at = facts.offsets[deal->second]; at < facts.offsets[deal->second + 1]; ++at) {
      const Visit& visit = facts.visits[static_cast<std::size_t>(at)];
      won |= visit.state == End::won && visit.enter >= start && visit.enter < end;
    }
    scores.p.push_back(p[i]);
    scores.naive_p.push_back(naive.p.at(i));
    scores.won.push_back(won);
  }
}

std::vector<Coverage> coverage_of(const std::vector<Cell>& cells, double level) {
  std::vector<Coverage> result;
  for (const char* type : {"company", "team", "rep"}) {
    Coverage coverage;
    coverage.holder_type = type;
    for (const Cell& cell : cells) {
      if (cell.holder.type != type) continue;
      ++coverage.cells;
      coverage.covered += cell.covered();
    }
    if (coverage.cells == 0) continue;
    coverage.share = stats::clopper_pearson(coverage.covered, coverage.cells, 95);
    coverage.verdict = coverage.cells < fewest_cells        ? "too few to judge"
                       : coverage.share->high < level / 100 ? "too narrow"
                       : coverage.share->low > level / 100 ? "too wide"
                                                           : "can't be told from " + level_name(level) + " %";
    result.push_back(coverage);
  }
  return result;
}

Table accuracy_of(const std::vector<Cell>& cells) {
  std::vector<std::string> types;
  std::vector<std::int64_t> counts;
  std::array<std::vector<double>, 4> numbers;
  std::vector<std::uint8_t> known;
  for (const char* type : {"company", "team", "rep"}) {
    std::int64_t n = 0;
    double actual = 0, off = 0, away = 0, naive_off = 0, naive_away = 0;
    for (const Cell& cell : cells) {
      if (cell.holder.type != type) continue;
      ++n;
      actual += cell.actual;
      off += cell.forecast - cell.actual;
      away += std::fabs(cell.forecast - cell.actual);
      naive_off += cell.naive - cell.actual;
      naive_away += std::fabs(cell.naive - cell.actual);
    }
    if (n == 0) continue;
    types.emplace_back(type);
    counts.push_back(n);
    known.push_back(actual > 0);
    const double by = actual > 0 ? actual : 1;
    numbers[0].push_back(off / by);
    numbers[1].push_back(away / by);
    numbers[2].push_back(naive_off / by);
    numbers[3].push_back(naive_away / by);
  }
  return Table({{"holder_type", Column::of_strings(types)},
                {"cells", Column::of(Type::int64, std::move(counts))},
                {"bias", Column::of(Type::float64, std::move(numbers[0]), known)},
                {"wape", Column::of(Type::float64, std::move(numbers[1]), known)},
                {"naive_bias", Column::of(Type::float64, std::move(numbers[2]), known)},
                {"naive_wape", Column::of(Type::float64, std::move(numbers[3]), known)}});
}

Table reliability_of(const Scores& scores) {
  std::array<double, bins> sum{}, won{};
  std::array<std::int64_t, bins> deals{};
  for (std::size_t i = 0; i < scores.p.size(); ++i) {
    const auto bin = std::min(bins - 1, static_cast<std::size_t>(scores.p[i] * bins));
    ++deals[bin];
    sum[bin] += scores.p[i];
    won[bin] += scores.won[i];
  }
  std::vector<double> low, high, mean, share;
  std::vector<std::uint8_t> known;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double n = deals[bin] > 0 ? static_cast<double>(deals[bin]) : 1;
    low.push_back(static_cast<double>(bin) / bins);
    high.push_back(static_cast<double>(bin + 1) / bins);
    known.push_back(deals[bin] > 0);
    mean.push_back(sum[bin] / n);
    share.push_back(won[bin] / n);
  }
  return Table({{"low", Column::of(Type::float64, std::move(low))},
                {"high", Column::of(Type::float64, std::move(high))},
                {"deals", Column::of(Type::int64, std::vector<std::int64_t>(deals.begin(), deals.end()))},
                {"mean_p", Column::of(Type::float64, std::move(mean), known)},
                {"won_share", Column::of(Type::float64, std::move(share), known)}});
}

Table cell_table(const std::vector<Cell>& cells, const std::string& currency, double level) {
  std::vector<std::int64_t> starts, ends, as_ofs;
  std::vector<std::string> types, ids;
  std::vector<std::uint8_t> covered;
  const auto amounts = [&](double Cell::* field) {
    std::vector<double> values;
    for (const Cell& cell : cells) values.push_back(cell.*field);
    if (currency.empty()) return Column::of(Type::float64, std::move(values));
    std::vector<std::int64_t> minor;
    for (const double value : values) minor.push_back(std::llround(value));
    return Column::of(Type::money, std::move(minor)).with_currency(currency);
  };
  for (const Cell& cell : cells) {
    starts.push_back(cell.period.start.us);
    ends.push_back(cell.period.end.us);
    as_ofs.push_back(cell.as_of.us);
    types.push_back(cell.holder.type);
    ids.push_back(cell.holder.id);
    covered.push_back(cell.covered());
  }
  return Table({{"start", Column::of(Type::timestamp, std::move(starts))},
                {"end", Column::of(Type::timestamp, std::move(ends))},
                {"as_of", Column::of(Type::timestamp, std::move(as_ofs))},
                {"holder_type", Column::of_strings(types)},
                {"holder_id", Column::of_strings(ids)},
                {"forecast", amounts(&Cell::forecast)},
                {"lo_" + level_name(level), amounts(&Cell::low)},
                {"hi_" + level_name(level), amounts(&Cell::high)},
                {"actual", amounts(&Cell::actual)},
                {"covered", Column::of(Type::boolean, std::move(covered))},
                {"naive", amounts(&Cell::naive)}});
}

double squared_error(const std::vector<double>& p, const std::vector<std::uint8_t>& won) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += (p[i] - won[i]) * (p[i] - won[i]);
  return sum / static_cast<double>(p.size());
}

}  // namespace

Backtest backtest(const Crm& crm, const BacktestOptions& options) {
  check(options);
  const Execution& execution = options.forecast.execution;
  const StopScope scope(execution.stop);
  const Facts facts = read_facts(crm, options.forecast, false);
  Scores scores;
  std::string currency;
  Backtest result;
  result.level = options.forecast.levels.front();
  int forecasts = 0;
  const std::vector<Interval> periods = past_periods(crm, facts, options);
  const double all = static_cast<double>(periods.size() * options.weeks.size());
  for (const Interval& period : periods) {
    for (const int week : options.weeks) {
      ForecastOptions one = options.forecast;
      one.period = period;
      one.as_of = Instant{period.start.us + week * 7 * us_per_day};
      one.execution = part_of(execution, forecasts / all, (forecasts + 1) / all);
      const Forecast made = forecast(crm, one);
      currency = made.scenario.currency();
      score(crm, facts, made, one, scores);
      ++forecasts;
    }
  }
  result.cells = cell_table(scores.cells, currency, result.level);
  result.coverage = coverage_of(scores.cells, result.level);
  result.accuracy = accuracy_of(scores.cells);
  result.reliability = reliability_of(scores);
  result.deals = static_cast<std::int64_t>(scores.p.size());
  for (const std::uint8_t won : scores.won) result.deals_won += won;
  if (!scores.p.empty()) {
    double expected = 0;
    for (const double p : scores.p) expected += p;
    result.expected_wins = expected;
    result.brier = squared_error(scores.p, scores.won);
    result.naive_brier = squared_error(scores.naive_p, scores.won);
  }
  if (forecasts < options.periods * static_cast<int>(options.weeks.size()))
    result.notes.push_back("The book is young: " + std::to_string(forecasts) + " forecasts were possible.");
  if (!facts.close_dates_tracked)
    result.notes.emplace_back("Close dates have no history: the weighted pipeline was given today's.");
  return result;
}

std::string Backtest::summary() const {
  std::string text = level_name(level) + " % intervals covered";
  bool first = true;
  for (const Coverage& one : coverage) {
    text += std::string(first ? " " : "; ") + std::to_string(one.covered) + " of " +
            std::to_string(one.cells) + " (" +
            percent_text(static_cast<double>(one.covered) / static_cast<double>(one.cells)) + ", " +
            percent_text(one.share->low) + " to " + percent_text(one.share->high) + ") by " +
            one.holder_type + ": " + one.verdict;
    first = false;
  }
  return text + ".";
}

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
