#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "../table/digits.hpp"
#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

/// Money or counts: means of counts keep their decimals.
class Values {
 public:
  explicit Values(const std::string& currency) : currency_(currency) {}
  [[nodiscard]] Column of(const std::vector<double>& means,
                          const std::vector<std::uint8_t>& valid = {}) const {
    if (currency_.empty()) return Column::of(Type::float64, means, valid);
    std::vector<std::int64_t> minor;
    for (const double mean : means) minor.push_back(std::llround(mean));
    return Column::of(Type::money, std::move(minor), valid).with_currency(currency_);
  }
  [[nodiscard]] Column of(std::vector<std::int64_t> values,
                          const std::vector<std::uint8_t>& valid = {}) const {
    if (currency_.empty()) return Column::of(Type::int64, std::move(values), valid);
    return Column::of(Type::money, std::move(values), valid).with_currency(currency_);
  }

 private:
  const std::string& currency_;
};

/// A leaf number's sums, carried up to every holder by the memberships at the period's start.
std::vector<double> carried_up(const Scenario& scenario, const std::vector<double>& by_leaf) {
  ScenarioData data;
  data.leaves = scenario.leaves();
  const Interval span = scenario.span();
  data.periods = {span};
  data.memberships = scenario.memberships();
  data.draws = 1;
  constexpr double unit = 1000;
  for (const double value : by_leaf) data.values.push_back(std::llround(value * unit));
  const Scenario sums(std::move(data));
  std::vector<double> result;
  for (const Holder& holder : scenario.holders())
    result.push_back(sums.has(holder) ? sums.mean(holder) / unit : 0.0);
  return result;
}

std::vector<double> kept_leaves(const std::vector<std::size_t>& kept, const auto& by_leaf) {
  std::vector<double> values;
  for (const std::size_t leaf : kept) values.push_back(static_cast<double>(by_leaf[leaf]));
  return values;
}

/// Those whose quotas make up the sums, alone: what others book is no part of such a sum. Nothing where all
/// have one, or no rep has.
std::optional<Scenario> with_quotas(const Scenario& scenario, const std::vector<Quota>& quotas) {
  const auto& leaves = scenario.leaves();
  const auto of_leaves = std::span(quotas).first(leaves.size());
  const auto with =
      std::ranges::count_if(of_leaves, [](const Quota& quota) { return quota.amount.has_value(); });
  if (with == 0 || with == std::ssize(leaves)) return std::nullopt;
  ScenarioData data;
  data.leaves = leaves;
  data.periods = scenario.periods();
  data.memberships = scenario.memberships();
  data.draws = scenario.draws();
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf)
    for (const Interval& period : data.periods) {
      auto values = scenario.values(leaves[leaf], period);
      if (!of_leaves[leaf].amount) std::ranges::fill(values, 0);
      data.values.insert(data.values.end(), values.begin(), values.end());
    }
  return Scenario(std::move(data));
}

Table holder_table(const Outcome& outcome, const pipeline::Forecast& forecast,
                   const std::vector<Quota>& quotas) {
  const Scenario& scenario = forecast.scenario;
  const auto& holders = scenario.holders();
  const Values values(scenario.currency());
  const bool sums = std::ranges::any_of(quotas, [](const Quota& quota) { return quota.summed; });
  const auto members = sums ? with_quotas(scenario, quotas) : std::nullopt;
  std::vector<std::string> types, ids;
  std::vector<double> means, attain;
  std::vector<std::int64_t> quota;
  std::vector<std::uint8_t> has_quota;
  std::vector<std::vector<std::int64_t>> bounds(forecast.levels.size() * 2);
  for (std::size_t i = 0; i < holders.size(); ++i) {
    types.push_back(holders[i].type);
    ids.push_back(holders[i].id);
    means.push_back(scenario.mean(holders[i]));
    for (std::size_t l = 0; l < forecast.levels.size(); ++l) {
      const auto [low, high] = scenario.interval(holders[i], forecast.levels[l]);
      bounds[2 * l].push_back(low);
      bounds[2 * l + 1].push_back(high);
    }
    has_quota.push_back(quotas[i].amount.has_value());
    quota.push_back(quotas[i].amount.value_or(0));
    const Scenario& judged = quotas[i].summed && members ? *members : scenario;
    attain.push_back(quotas[i].amount ? judged.probability_at_least(holders[i], *quotas[i].amount) : 0);
  }
  const auto won = carried_up(scenario, kept_leaves(outcome.kept, outcome.won));
  const auto open = carried_up(scenario, kept_leaves(outcome.kept, outcome.simulation->open_mean));
  std::vector<double> fresh;
  for (std::size_t i = 0; i < holders.size(); ++i)
    fresh.push_back(std::max(0.0, means[i] - won[i] - open[i]));
  Table table({{"holder_type", Column::of_strings(types)},
               {"holder_id", Column::of_strings(ids)},
               {"won_to_date", values.of(won)},
               {"open_expected", values.of(open)},
               {"new_expected", values.of(fresh)},
               {"bookings_mean", values.of(means)}});
  for (std::size_t l = 0; l < forecast.levels.size(); ++l) {
    table = table.with("bookings_lo_" + level_name(forecast.levels[l]), values.of(std::move(bounds[2 * l])));
    table =
        table.with("bookings_hi_" + level_name(forecast.levels[l]), values.of(std::move(bounds[2 * l + 1])));
  }
  return table.with("quota", values.of(std::move(quota), has_quota))
      .with("p_attain", Column::of(Type::float64, std::move(attain), has_quota));
}

/// Mean of what a deal books when it is won.
double mean_if_won(const Plan& plan, std::size_t deal, double mean_ratio, double mean_amount) {
  if (plan.wins) return 1;
  const std::int64_t amount = plan.facts->amount[deal];
  if (amount == null_value) {
    const auto& own = plan.owner_amounts[static_cast<std::size_t>(plan.facts->owner[deal])].values;
    double sum = 0;
    for (const std::int64_t value : own) sum += static_cast<double>(value);
    constexpr double prior = 10;
    return (sum + prior * mean_amount) / (static_cast<double>(own.size()) + prior);
  }
  return amount > 0 ? static_cast<double>(amount) * mean_ratio : static_cast<double>(amount);
}

template <class T>
double mean_of(const std::vector<T>& values, double without) {
  if (values.empty()) return without;
  double sum = 0;
  for (const T value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

Table deal_table(const Outcome& outcome, const std::string& currency) {
  const Plan& plan = *outcome.plan;
  const Facts& facts = *plan.facts;
  const double ratio = plan.lessons->realised.mean();
  const double typical = mean_of(plan.amounts.values, 0);
  std::vector<std::int64_t> rows, amounts;
  std::vector<std::uint8_t> known;
  std::vector<double> expected;
  std::vector<std::string> stages;
  for (std::size_t i = 0; i < plan.open.size(); ++i) {
    const std::size_t deal = plan.open[i].deal;
    rows.push_back(facts.row[deal]);
    known.push_back(facts.amount[deal] != null_value);
    amounts.push_back(known.back() != 0 ? facts.amount[deal] : 0);
    expected.push_back(outcome.simulation->p_win[i] * mean_if_won(plan, deal, ratio, typical));
    stages.push_back(facts.state_stages[plan.curves[plan.open[i].curve].state]);
  }
  const Table& book = outcome.known->table("opportunity");
  const Values values(currency);
  const Column* owner = book.find("owner_id");
  return Table({{"opportunity_id", book.column("opportunity_id").take(rows)},
                {"owner_id", owner == nullptr ? Column::nulls(Type::string, rows.size()) : owner->take(rows)},
                {"stage_id", Column::of_strings(stages)},
                {"amount", values.of(std::move(amounts), known)},
                {"days_in_stage", Column::of(Type::float64, outcome.days_in_stage)},
                {"p_win", Column::of(Type::float64, outcome.simulation->p_win)},
                {"expected", values.of(expected)}});
}

Table stage_table(const Outcome& outcome) {
  const Plan& plan = *outcome.plan;
  const Facts& facts = *plan.facts;
  const Counts counts = count_moves(facts, plan.window.origin);
  const std::array<int, 2> marks{plan.grid.first, plan.grid.last};
  const WinTable table = win_table(plan.lessons->rates.mean(), facts.states(), plan.grid.step, marks);
  std::vector<double> weeks, p;
  std::vector<std::int64_t> moved, won, lost;
  for (std::size_t state = 0; state < counts.states; ++state) {
    double days = 0, all = 0, to_won = 0, to_lost = 0;
    for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
      const std::size_t cell = counts.cell(state, bucket);
      days += counts.days[cell];
      for (std::size_t target = 0; target < counts.targets(); ++target)
        all += counts.moves[cell * counts.targets() + target];
      to_won += counts.moves[cell * counts.targets() + counts.states];
      to_lost += counts.moves[cell * counts.targets() + counts.states + 1];
    }
    weeks.push_back(days / 7);
    moved.push_back(std::llround(all - to_won - to_lost));
    won.push_back(std::llround(to_won));
    lost.push_back(std::llround(to_lost));
    p.push_back(table.at(1, state, 0) - table.at(0, state, 0));
  }
  return Table({{"pipeline_id", Column::of_strings(facts.state_pipelines)},
                {"stage_id", Column::of_strings(facts.state_stages)},
                {"exposure_weeks", Column::of(Type::float64, std::move(weeks))},
                {"moved", Column::of(Type::int64, std::move(moved))},
                {"won", Column::of(Type::int64, std::move(won))},
                {"lost", Column::of(Type::int64, std::move(lost))},
                {"p_win", Column::of(Type::float64, std::move(p))}});
}

void fill_fit(const Outcome& outcome, pipeline::Fit& fit) {
  const Plan& plan = *outcome.plan;
  const Lessons& lessons = *plan.lessons;
  const Counts counts = count_moves(*plan.facts, plan.window.origin);
  fit.deals = static_cast<std::int64_t>(plan.facts->size());
  fit.won = std::llround(counts.total(counts.states));
  fit.lost = std::llround(counts.total(counts.states + 1));
  fit.kappa = lessons.rates.kappa;
  fit.landmarks = lessons.landmarks;
  fit.shock_sd = lessons.shock_sd;
  fit.owner_sd = lessons.owner_sd;
  fit.new_level_sd = lessons.new_sd;
  for (std::size_t i = 0; lessons.corrected && i < feature_count; ++i) {
    fit.terms.emplace_back(feature_names()[i]);
    fit.coefficients.push_back(lessons.weight[i]);
  }
  fit.stages = stage_table(outcome);
}

std::string many(std::int64_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

std::vector<std::string> words(const Outcome& outcome, const pipeline::Forecast& forecast,
                               const std::vector<Quota>& quotas) {
  const Plan& plan = *outcome.plan;
  const Facts& facts = *plan.facts;
  const bool wins = plan.wins;
  std::vector<std::string> notes;
  const auto say = [&](bool when, const std::string& text) {
    if (when) notes.push_back(text);
  };
  const bool over = forecast.as_of >= forecast.period.end;
  const auto ended = [&](DealStatus how) {
    return std::count(facts.status.begin(), facts.status.end(), how);
  };
  say(!facts.staged, "No stage history: deals are judged by their age alone.");
  say(forecast.fit.landmarks < 3, "Only " + many(forecast.fit.landmarks, "earlier period") +
                                      " to learn the spread from; the interval leans on a prior.");
  const double back = facts.first + year - plan.window.start;
  say(back > 0 && plan.window.origin < plan.window.end,
      "The book hasn't seen the same months of an earlier year: a season, and business that begins in a "
      "second "
      "year (renewals), can't be known. In sample books such forecasts were 10 % low on average.");
  constexpr std::int64_t few = 30;
  say(!over && facts.size() < few_deals,
      "Too few deals to judge: the interval says little more than that, and its level can't be trusted.");
  say(!over && forecast.fit.won < few, "Only " + many(forecast.fit.won, "won deal") + " to learn from.");
  say(ended(DealStatus::lost) == 0,
      "No deal was ever lost in this book, so open deals look better than they are.");
  const auto unknown = std::count_if(plan.open.begin(), plan.open.end(), [&](const OpenDeal& open) {
    return facts.amount[open.deal] == null_value;
  });
  const bool hidden = outcome.rewound && !facts.amounts_tracked && !wins;
  say(hidden,
      "Amounts have no history, so those of deals open at as_of are not used; "
      "allow_current = {\"opportunity.amount\"} uses today's.");
  say(unknown > 0 && !hidden, many(unknown, "open deal") + " without an amount: drawn from won deals.");
  say(outcome.won_without_amount > 0 && !wins,
      many(outcome.won_without_amount, "won deal") + " of the period without an amount: counted as 0.");
  say(facts.negative_amounts > 0,
      many(facts.negative_amounts, "open or won deal") + " with a negative amount left out.");
  say(facts.without_created > 0, many(facts.without_created, "deal") + " without created_at left out.");
  say(facts.unknown_closes > 0,
      many(facts.unknown_closes, "closed deal") + " said neither won nor lost: left out of the rates.");
  say(plan.open.empty(), "No deal was open at as_of.");
  say(over, "The period is over: only what was won counts.");
  say(!facts.close_dates_tracked, "Close dates have no history, so they are not used.");
  const bool any =
      std::any_of(quotas.begin(), quotas.end(), [](const Quota& quota) { return quota.amount.has_value(); });
  say(!any, "No quota for this period.");
  say(std::any_of(quotas.begin(), quotas.end(), [](const Quota& quota) { return quota.prorated; }),
      "Quotas that don't match the period count by days of overlap.");
  say(std::any_of(quotas.begin(), quotas.end(), [](const Quota& quota) { return quota.gaps; }),
      "Some days of the period have no quota; p_attain counts what is booked on them too, attainment "
      "doesn't.");
  say(std::any_of(quotas.begin(), quotas.end(), [](const Quota& quota) { return quota.summed; }),
      "Teams or the company without a quota of their own have the sum of their members'.");
  const std::size_t leaves = forecast.scenario.leaves().size();
  const auto without = std::count_if(quotas.begin(), quotas.begin() + static_cast<std::ptrdiff_t>(leaves),
                                     [](const Quota& quota) { return !quota.amount; });
  const bool of_reps = std::cmp_less(without, leaves);
  say(quotas.size() > leaves && quotas.back().summed && of_reps && without > 0,
      "p_attain sets against that sum what those with a quota will book; " + many(without, "member") +
          " had no part in it.");
  return notes;
}

}  // namespace

std::string currency_of(const Crm& crm, const pipeline::ForecastOptions& options) {
  if (!options.currency.empty()) return options.currency;
  const Table& deals = crm.table("opportunity");
  const Column* currency = deals.find("currency");
  const Column* amount = deals.find("amount");
  for (std::size_t row = 0; currency != nullptr && row < deals.num_rows(); ++row)
    if (currency->valid(row) && (amount == nullptr || amount->valid(row)))
      return std::string(currency->text(row));
  return "XXX";
}

void report(const Outcome& outcome, const pipeline::ForecastOptions&, pipeline::Forecast& forecast) {
  const std::string& currency = forecast.scenario.currency();
  const auto in_force =
      pipeline::quotas_in_force(*outcome.known, {forecast.measure, currency, forecast.as_of.utc_date()});
  const auto quota = quotas(*outcome.known, in_force.all, forecast.scenario, forecast.period);
  forecast.holders = holder_table(outcome, forecast, quota);
  forecast.deals = deal_table(outcome, currency);
  fill_fit(outcome, forecast.fit);
  forecast.notes = words(outcome, forecast, quota);
  for (const std::string& text : in_force.warnings()) forecast.notes.push_back(text + ".");
}

std::string amount_text(double minor, const std::string& currency) {
  double whole = minor;
  if (const auto known = Currency::find(currency)) whole /= static_cast<double>(known->minor_per_major());
  return table_detail::grouped(whole, 0) + (currency.empty() || currency == "XXX" ? "" : " " + currency);
}

std::string percent_text(double share) {
  if (share > 0 && share < 0.01) return "under 1 %";
  if (share < 1 && share > 0.99) return "over 99 %";
  return std::to_string(std::lround(share * 100)) + " %";
}

/// A chance out of simulations; as these go nothing is certain.
std::string odds_text(double chance) { return percent_text(std::clamp(chance, 1e-6, 1 - 1e-6)); }

}  // namespace pipeline_detail

namespace pipeline {

std::string Forecast::summary() const {
  using pipeline_detail::amount_text, pipeline_detail::odds_text;
  const Holder all{"company", ""};
  const std::string& currency = scenario.currency();
  const auto [low, high] = scenario.interval(all, levels.front());
  const bool few = fit.deals < static_cast<std::int64_t>(pipeline_detail::few_deals) && as_of < period.end;
  std::string text =
      (few ? "Too few deals to judge; a guess: " : level_name(levels.front()) + " % sure of ") +
      amount_text(static_cast<double>(low), currency) + " to " +
      amount_text(static_cast<double>(high), currency) + (measure == Measure::wins ? " wins" : "") + " in " +
      pipeline_detail::day_begun(period.start).to_string() + " to " +
      (pipeline_detail::day_begun(period.end) - 1).to_string() + "; expected " +
      amount_text(scenario.mean(all), currency);
  const auto& rows = scenario.holders();
  const auto row = static_cast<std::size_t>(std::find(rows.begin(), rows.end(), all) - rows.begin());
  const Column& quota = holders.column("quota");
  if (quota.valid(row))
    text += ", " + odds_text(holders.column("p_attain").number(row)) + " likely to reach the quota of " +
            amount_text(static_cast<double>(quota.values<std::int64_t>()[row]), currency);
  return text + ".";
}

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
