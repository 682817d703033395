#include <algorithm>
#include <numeric>

#include "../crm/lasting.hpp"
#include "salesops/kpi.hpp"
#include "visits.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Won, lost or left out, by count or by amount.
struct Outcome {
  std::int64_t top = 0;
  std::int64_t bottom = 0;
  std::uint8_t state = Facts::counted;
};

Outcome weighed(const DealFacts& facts, std::int64_t amount, bool won, bool value) {
  if (!value) return {won ? 1 : 0, 1, Facts::counted};
  const std::uint8_t state = facts.amount_state(amount);
  if (state != Facts::counted) return {0, 0, state};
  return {won ? amount : 0, amount, state};
}

/// Whether some deals were lost, and none of them has an amount.
bool only_wins_have_amounts(const Deals& deals, const DealFacts& facts) {
  bool lost = false;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    if (deals.status[deal] != DealStatus::lost || deals.deleted[deal] != 0) continue;
    if (facts.amount_state(deals.amount[deal]) == Facts::counted) return false;
    lost = true;
  }
  return lost;
}

/// How long a deal lasted, and how it ended: 0 not yet, 1 won, 2 lost; or why that isn't known.
struct Life {
  enum class Fault : std::uint8_t { none, unknown, undecided, reversed };
  std::int64_t took = 0;
  std::uint8_t outcome = 0;
  Fault fault = Fault::none;

  Life(const Deals& deals, std::size_t deal, std::int64_t now, const NoDecision& no_decision,
       const TimeZone& zone) {
    const DealStatus status = deals.status[deal];
    const std::int64_t created = deals.created_at[deal];
    const std::int64_t end = status == DealStatus::open ? now : deals.closed_at[deal];
    outcome = status == DealStatus::won ? 1 : status == DealStatus::lost ? 2 : 0;
    if (status == DealStatus::unknown || created == null_value || end == null_value)
      fault = Fault::unknown;
    else if (no_decision(deal, status))
      fault = Fault::undecided;
    else if (took = crm_detail::lasted(created, end, zone); took < 0)
      fault = Fault::reversed;
  }
};

/// The share won by `window_days` of age, with losses competing and open deals censored.
Result won_by_age(const Crm& crm, const Options& options) {
  if (options.weight == Weight::value)
    throw UsageError("win_rate: mode survival counts deals; by value use closed_in_period");
  const Deals& deals = crm.deals();
  const std::int64_t now = crm.latest().us;
  DealFacts facts(deals, options);
  const std::uint8_t states[] = {Facts::counted, facts.reason("outcome_unknown"), facts.reason("no_decision"),
                                 facts.reason("negative_duration")};
  const NoDecision no_decision(crm, options);
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const Life life(deals, deal, now, no_decision, options.zone);
    const std::uint8_t state = states[static_cast<std::size_t>(life.fault)];
    facts.put(deal, deals.created_at[deal], state == Facts::counted ? life.took : 0, life.outcome, state);
  }
  facts.shape = Shape::incidence;
  facts.scale = 1.0 / static_cast<double>(us_per_day);
  facts.horizon = options.window_days;
  Result result = summarise(
      crm, facts, options, "win_rate",
      "share of deals created in the period that is won within " + std::to_string(options.window_days) +
          " days (Aalen–Johansen, losses competing, open deals censored)" + no_decision_text(options),
      Mode::survival);
  no_decision.report(result);
  return result;
}

/// The value of `won_by_age` alone, out of lives as `took · 4 + outcome`: what a curve takes many times as
/// long for.
std::optional<double> share_won(std::vector<std::uint64_t> lives, std::int64_t horizon) {
  const auto beyond = std::partition(lives.begin(), lives.end(), [&](std::uint64_t life) {
    return static_cast<std::int64_t>(life >> 2U) <= horizon;
  });
  std::sort(lives.begin(), beyond);
  auto left = static_cast<double>(lives.size());
  double share = 0, open = 1;
  for (auto at = lives.begin(); at != beyond;) {
    double ended[3] = {0, 0, 0};
    for (const std::uint64_t took = *at >> 2U; at != beyond && *at >> 2U == took; ++at) ended[*at & 3U] += 1;
    share += open * ended[1] / left;
    open *= 1 - (ended[1] + ended[2]) / left;
    left -= ended[0] + ended[1] + ended[2];
  }
  const bool followed = beyond != lives.end() || open == 0 ||
                        (!lives.empty() && static_cast<std::int64_t>(lives.back() >> 2U) == horizon);
  return followed && !lives.empty() ? std::optional(share) : std::nullopt;
}

/// Adds to each period what `won_by_age` answers.
void add_share_won(const Crm& crm, const Options& options, Result& result) {
  const Deals& deals = crm.deals();
  const Scope scope = scope_of(crm, options);
  const std::int64_t now = crm.latest().us;
  const NoDecision no_decision(crm, options);
  std::vector<std::uint8_t> chosen;
  if (!options.where.empty()) {
    std::vector<std::int32_t> rows(deals.size());
    std::iota(rows.begin(), rows.end(), 0);
    chosen = matches(crm, "opportunity", options.where, rows, deals.created_at, options.zone);
  }
  for (std::size_t p = 0; p < scope.parts.size() && p < result.metrics.size(); ++p) {
    const Interval period = scope.parts[p].interval;
    std::vector<std::uint64_t> lives;
    lives.reserve(scope.all ? deals.size() : 0);
    for (std::size_t deal = 0; deal < deals.size(); ++deal) {
      tick(deal);
      const bool asked = deals.deleted[deal] == 0 && (chosen.empty() || chosen[deal] != 0) &&
                         period.contains(Instant{deals.created_at[deal]});
      if (!asked) continue;
      const Life life(deals, deal, now, no_decision, options.zone);
      if (life.fault == Life::Fault::none)
        lives.push_back(static_cast<std::uint64_t>(life.took) << 2U | life.outcome);
    }
    if (const auto share = share_won(std::move(lives), options.window_days * us_per_day))
      result.metrics[p].details["survival"] = *share;
  }
}

Result rate_of(const Crm& book, const Crm& crm, const Options& options);

/// What closed deals alone don't tell: how much is won by an age, open deals allowed for, and how many of the
/// open ones nobody touches any more.
void add_open_ones(const Crm& crm, const Options& options, Result& result) {
  Options beside = heeded_by("idle_share", options);
  beside.as_of.reset();  // the book knows
  beside.keep_rows = false;
  beside.weight = Weight::count;
  if (result.mode == Mode::closed_in_period) {
    Options all = beside;
    all.mode = Mode::standard;
    all.period.clear();
    const Metric idle = idle_share(crm, all).single();
    for (Metric& metric : result.metrics)
      if (idle.value) metric.details["stale_open_share"] = *idle.value;
  }
  if (options.weight == Weight::count && options.start == Start::created) add_share_won(crm, options, result);
}

}  // namespace

Result win_rate(const Crm& book, const Options& options) {
  (void)mode_for(book, options, "win_rate");
  const Crm crm = rewound(book, options);
  Result result = rate_of(book, crm, options);
  if (options.by.empty() && result.mode != Mode::survival) add_open_ones(crm, options, result);
  return result;
}

Result closed_rate(const Crm& book, const Options& options) {
  (void)mode_for(book, options, "win_rate");
  return rate_of(book, rewound(book, options), options);
}

namespace {

Result rate_of(const Crm& book, const Crm& crm, const Options& options) {
  const Mode mode = mode_for(book, options, "win_rate");
  if (mode != Mode::closed_in_period && options.start != Start::created)
    throw UsageError("win_rate: start is of mode closed_in_period; a cohort is of the deals created in it");
  const Deals& deals = crm.deals();
  if (mode == Mode::survival) return won_by_age(crm, options);
  const bool value = options.weight == Weight::value;
  DealFacts facts(deals, options);
  const auto weigh = [&](std::size_t deal, bool won) {
    return weighed(facts, deals.amount[deal], won, value);
  };
  const auto unknown = facts.reason("outcome_unknown");
  const auto too_young = facts.reason("younger_than_window");
  const auto undecided = facts.reason("no_decision");
  const NoDecision no_decision(crm, options);
  const Begun begun(crm, options, "win_rate", facts);
  const std::int64_t window = options.window_days * us_per_day;
  const std::int64_t as_of = crm.latest().us;

  const bool closes = mode == Mode::closed_in_period;
  if (closes && options.reopened != Reopened::last_close) {
    for (const Close& close : closes_of(crm, options, "win_rate")) {
      const Outcome outcome = !begun(close.deal)                    ? Outcome{0, 0, begun.left_out}
                              : close.status == DealStatus::unknown ? Outcome{0, 0, unknown}
                              : no_decision(close.deal, close.status)
                                  ? Outcome{0, 0, undecided}
                                  : weighed(facts, close.amount, close.status == DealStatus::won, value);
      facts.put(close.deal, close.at, outcome.top, outcome.bottom, outcome.state);
    }
    for (std::size_t deal = 0; deal < deals.size(); ++deal)
      if (deals.status[deal] == DealStatus::open &&
          (deals.reopened[deal] == 0 || options.reopened == Reopened::each_close))
        facts.put(deal, deals.closed_at[deal], 0, 0, begun(deal) ? Facts::censored : begun.left_out);
  } else {
    const auto fact = [&](std::size_t deal) {
      const DealStatus status = deals.status[deal];
      const std::int64_t created = deals.created_at[deal];
      const std::int64_t closed = deals.closed_at[deal];
      const bool won = status == DealStatus::won;
      Outcome outcome;
      if (deals.deleted[deal] != 0)
        outcome.state = facts.deleted;
      else if (!begun(deal))
        outcome.state = begun.left_out;
      else if (status == DealStatus::unknown)
        outcome.state = unknown;
      else if (no_decision(deal, status))
        outcome.state = undecided;
      else if (mode == Mode::created_cohort)
        outcome = weigh(deal, won);
      else if (mode == Mode::closed_in_period)
        // An open deal is in no closing period: it is censored in a result over the whole book.
        outcome = status == DealStatus::open ? Outcome{0, 0, Facts::censored} : weigh(deal, won);
      else if (created == null_value || created + window > as_of)
        outcome.state = too_young;
      else if (won && closed == null_value)
        outcome.state = facts.time_unknown;
      else
        outcome = weigh(deal, won && closed <= created + window);
      const std::int64_t at = closes ? closed : created;
      return Facts::Fact{at, outcome.top, outcome.bottom, facts.placed(at, outcome.state)};
    };
    if (value || options.keep_rows || !options.where.empty() || mode == Mode::created_cohort)
      facts.assign(deals.size(), options.execution, fact);
    else if (closes && options.start == Start::created && options.no_decision.empty())
      // The everyday question by a table: how a deal ended can't be guessed.
      facts.stream(deals.closed_at, [&](std::size_t deal) {
        const std::uint8_t by_status[] = {Facts::censored, Facts::counted, Facts::counted, unknown};
        const DealStatus status = deals.status[deal];
        const std::uint8_t state = by_status[static_cast<std::size_t>(status)];
        const std::int64_t closed = deals.closed_at[deal];
        return Facts::Fact{closed, status == DealStatus::won ? 1 : 0, 1,
                           deals.deleted[deal] != 0 ? facts.deleted : facts.placed(closed, state)};
      });
    else
      facts.stream(closes ? deals.closed_at : deals.created_at, fact);
  }
  if (value) {
    facts.shape = Shape::ratio;
    facts.bounded = true;
    facts.cluster.reserve(facts.size());
    for (const std::int32_t row : facts.row)
      facts.cluster.push_back(deals.account_row[static_cast<std::size_t>(row)]);
    facts.scale = facts.denominator_scale = major_units(currency_of(crm, facts, options));
  }
  if (mode == Mode::created_cohort)
    facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
      metric.censored = std::count_if(counted.begin(), counted.end(), [&](std::int32_t fact) {
        const auto deal = static_cast<std::size_t>(facts.row[static_cast<std::size_t>(fact)]);
        return deals.status[deal] == DealStatus::open;
      });
    };
  if (value && closes && only_wins_have_amounts(deals, facts))
    facts.finish = [](Metric& metric, std::span<const std::int32_t>, std::span<const std::int32_t>) {
      refuse_amounts_at_win(metric);
    };
  std::string definition = value ? "amount won ÷ amount won and lost" : "deals won ÷ deals won and lost";
  if (mode == Mode::closed_in_period)
    definition += ", closed in the period";
  else if (mode == Mode::created_cohort)
    definition = (value ? "amount won ÷ amount of all deals" : "deals won ÷ all deals") +
                 std::string(" created in the period, open ones not won yet");
  else
    definition = std::string(value ? "amount" : "deals") + " won within " +
                 std::to_string(options.window_days) +
                 (value ? " days ÷ amount of all deals" : " days ÷ all deals") +
                 " created in the period and at least that old";
  definition += begun_text(options) + no_decision_text(options);
  Result result = summarise(crm, facts, options, "win_rate", definition, mode);
  no_decision.report(result);
  if (const auto open = book.issues().count("opportunity", "is_won", "not_won_is_open"); open > 0)
    result.warnings.push_back(std::to_string(open) + (open == 1 ? " deal isn't" : " deals aren't") +
                              " won and nothing says closed: is_won false alone means open");
  if (closes) report_reopened(crm, options, result);
  return result;
}

}  // namespace

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
