#include "deal_facts.hpp"
#include "salesops/kpi.hpp"

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

class Weighing {
 public:
  Weighing(const Deals& deals, Facts& facts, const Options& options)
      : deals_(deals),
        value_(options.weight == Weight::value),
        allow_negative_(options.allow_negative),
        null_amount_(facts.reason("null_amount")),
        negative_amount_(facts.reason("negative_amount")) {}

  Outcome operator()(std::size_t deal, bool won) const {
    if (!value_) return {won ? 1 : 0, 1, Facts::counted};
    const std::int64_t amount = deals_.amount[deal];
    if (amount == null_value) return {0, 0, null_amount_};
    if (amount <= 0 && !allow_negative_) return {0, 0, negative_amount_};
    return {won ? amount : 0, amount, Facts::counted};
  }

 private:
  const Deals& deals_;
  bool value_, allow_negative_;
  std::uint8_t null_amount_, negative_amount_;
};

/// The share won by `window_days` of age, with losses competing and open deals censored.
Result won_by_age(const Crm& crm, const Options& options) {
  if (options.weight == Weight::value)
    throw UsageError("win_rate: mode survival counts deals; by value use closed_in_period");
  const Deals& deals = crm.deals();
  const std::int64_t now = options.as_of.value_or(crm.latest()).us;
  Facts facts;
  facts.table = "opportunity";
  facts.reserve(deals.size());
  const auto deleted = facts.reason("deleted");
  const auto unknown = facts.reason("outcome_unknown");
  const auto reversed = facts.reason("negative_duration");
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    const DealStatus status = deals.status[deal];
    const std::int64_t created = deals.created_at[deal];
    const std::int64_t end = status == DealStatus::open ? now : deals.closed_at[deal];
    std::uint8_t state = Facts::counted;
    if (deals.deleted[deal] != 0)
      state = deleted;
    else if (status == DealStatus::unknown || created == null_value || end == null_value)
      state = unknown;
    else if (end < created)
      state = reversed;
    const int outcome = status == DealStatus::won ? 1 : status == DealStatus::lost ? 2 : 0;
    facts.add(deal, created, state == Facts::counted ? end - created : 0, outcome, state);
  }
  facts.shape = Shape::incidence;
  facts.scale = 1.0 / static_cast<double>(us_per_day);
  facts.horizon = options.window_days;
  return summarise(crm, facts, options, "win_rate",
                   "share of deals created in the period that is won within " +
                       std::to_string(options.window_days) +
                       " days (Aalen–Johansen, losses competing, open deals censored)",
                   Mode::survival);
}

}  // namespace

Result win_rate(const Crm& book, const Options& options) {
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const Mode mode = options.mode == Mode::standard ? Mode::closed_in_period : options.mode;
  if (mode == Mode::survival) return won_by_age(crm, options);
  const bool value = options.weight == Weight::value;
  Facts facts;
  facts.table = "opportunity";
  facts.reserve(deals.size());
  const Weighing weigh(deals, facts, options);
  const auto deleted = facts.reason("deleted");
  const auto unknown = facts.reason("outcome_unknown");
  const auto too_young = facts.reason("younger_than_window");
  const std::int64_t window = options.window_days * us_per_day;
  const std::int64_t as_of = options.as_of.value_or(crm.latest()).us;

  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    const DealStatus status = deals.status[deal];
    const std::int64_t created = deals.created_at[deal];
    const std::int64_t closed = deals.closed_at[deal];
    const std::int64_t at = mode == Mode::closed_in_period ? closed : created;
    if (deals.deleted[deal] != 0) {
      facts.add(deal, at, 0, 0, deleted);
      continue;
    }
    if (status == DealStatus::unknown) {
      facts.add(deal, at, 0, 0, unknown);
      continue;
    }
    const bool won = status == DealStatus::won;
    Outcome outcome;
    switch (mode) {
      case Mode::closed_in_period:
        // An open deal is in no closing period: it is censored in a result over the whole book.
        outcome = status == DealStatus::open ? Outcome{0, 0, Facts::censored} : weigh(deal, won);
        break;
      case Mode::created_cohort: outcome = weigh(deal, won); break;
      case Mode::window_cohort:
        if (created == null_value || created + window > as_of)
          outcome = {0, 0, too_young};
        else
          outcome = weigh(deal, won && closed != null_value && closed <= created + window);
        break;
      default:
        throw UsageError(
            "win_rate: mode " + std::string(mode_name(mode)) +
            " isn't defined here; use closed_in_period, created_cohort, window_cohort or survival");
    }
    facts.add(deal, at, outcome.top, outcome.bottom, outcome.state);
  }
  if (value) {
    facts.shape = Shape::ratio;
    facts.cluster.assign(deals.account_row.begin(), deals.account_row.end());
    facts.scale = facts.denominator_scale = major_units(currency_of(crm, facts, options));
  }
  std::string definition = value ? "amount won ÷ amount won and lost" : "deals won ÷ deals won and lost";
  if (mode == Mode::closed_in_period)
    definition += ", closed in the period";
  else if (mode == Mode::created_cohort)
    definition = (value ? "amount won ÷ amount of all deals" : "deals won ÷ all deals") +
                 std::string(" created in the period, open ones not won yet");
  else
    definition +=
        " of deals created in the period, won within " + std::to_string(options.window_days) + " days";
  return summarise(crm, facts, options, "win_rate", definition, mode);
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
