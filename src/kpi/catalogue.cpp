#include "salesops/kpi/catalogue.hpp"

#include <algorithm>

#include "groups.hpp"
#include "salesops/kpi.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr std::string_view subscribed =
    "account.account_id subscription.account_id subscription.start subscription.unit_amount";
constexpr std::string_view customer_cost =
    "account.account_id subscription.account_id subscription.start subscription.unit_amount spend.amount "
    "spend.period_start";
constexpr std::string_view quotas =
    "opportunity.amount opportunity.close_date quota.amount quota.period_start quota.period_end";

constexpr Definition all[] = {
    {"win_rate", "Win rate", "deals won ÷ deals won and lost, closed in the period", "share",
     "closed_in_period created_cohort window_cohort survival", "count value",
     "window_days reopened allow_negative start from_rank no_decision", "opportunity.opportunity_id",
     "Varicent, Funnelcast", &win_rate},
    {"sales_cycle", "Sales cycle", "median days from creation to the win, of deals won in the period", "days",
     "closed_in_period survival", "count", "reopened start from_rank", "opportunity.created_at",
     "field practice; Aalen & Johansen 1978 in mode survival", &sales_cycle},
    {"average_deal", "Average deal", "amount won ÷ deals won, closed in the period", "money",
     "closed_in_period", "count", "reopened allow_negative start from_rank", "opportunity.amount",
     "field practice", &average_deal},
    {"velocity", "Sales velocity", "open deals × average deal × win rate ÷ mean sales cycle", "money / day",
     "closed_in_period", "count", "reopened allow_negative start from_rank no_decision",
     "opportunity.amount opportunity.created_at", "Gong glossary", &velocity, true},
    {"stage_conversion", "Stage conversion",
     "deals that moved on to a higher stage ÷ deals that entered the stage in the period and left it for "
     "good",
     "share", "entered_in_period", "count", "visits", "opportunity.stage_id stage_def.rank",
     "PostHog, Metabase", &stage_conversion},
    {"time_in_stage", "Time in stage",
     "mean days of completed visits to open stages, that began in the period", "days", "entered_in_period",
     "count", "visits", "opportunity.stage_id stage_def.rank", "HubSpot, Salesforce stage duration",
     &time_in_stage},
    {"stage_regression", "Stage regression",
     "deals that moved back at least once ÷ deals created in the period", "share", "created_cohort", "count",
     "", "opportunity.stage_id stage_def.rank", "process mining: rework", &stage_regression},
    {"slippage", "Slippage",
     "expected to close in the period at its start, and neither closed nor removed by its end ÷ expected",
     "share", "snapshot", "count value", "allow_negative", "opportunity.close_date", "Ebsta, Gong", &slippage,
     true},
    {"pushes", "Pushes", "close dates moved to a later month in the period, while the deal was open", "count",
     "closed_in_period", "count", "every", "opportunity.close_date", "Salesforce push count", &pushes},
    {"pipeline_created", "Pipeline created", "amount, as of creation, of deals created in the period",
     "money", "created_cohort", "count", "allow_negative start from_rank",
     "opportunity.amount opportunity.created_at", "Atrium", &pipeline_created},
    {"weighted_pipeline", "Weighted pipeline",
     "amount × probability of open deals with a close date in the period", "money", "snapshot", "count",
     "allow_negative", "opportunity.amount", "field practice", &weighted_pipeline},
    {"pipeline_coverage", "Pipeline coverage",
     "open amount with a close date in the rest of the period ÷ (quota − amount won); beside a sum of reps' "
     "quotas, theirs alone",
     "ratio", "snapshot", "count", "allow_negative", quotas, "Gong, Clari", &pipeline_coverage, true},
    {"forecast_rollup", "Forecast roll-up",
     "amount won in the period and open with a close date in it, surer categories included", "money",
     "snapshot", "count", "allow_negative", "opportunity.amount opportunity.forecast_category",
     "Salesforce cumulative roll-up", &forecast_rollup},
    {"idle_share", "Idle deals",
     "open deals without a stage change or activity for more than 30 days ÷ open deals (created in the "
     "period)",
     "share", "snapshot", "count", "idle_days", "opportunity.opportunity_id", "Pipedrive rotting",
     &idle_share},
    {"snapshot_yield", "Pipeline yield",
     "amount won in the period from the deals open at its start ÷ amount of those deals", "share", "snapshot",
     "count", "allow_negative", "opportunity.amount", "Gong projection", &snapshot_yield, true},
    {"hygiene", "Pipeline hygiene", "checks passed ÷ checks made of open deals", "share", "snapshot", "count",
     "", "opportunity.opportunity_id", "field check-lists", &hygiene},
    {"attainment", "Quota attainment",
     "credited amount won in the period ÷ quota of its days; a sum of reps' quotas takes their credit alone",
     "share", "closed_in_period", "count", "allow_negative",
     "opportunity.amount quota.amount quota.period_start quota.period_end", "Xactly, Salesforce",
     &attainment},
    {"attainment_distribution", "Reps at quota", "reps with at least their quota ÷ reps with a quota",
     "share", "closed_in_period", "count", "allow_negative",
     "opportunity.amount opportunity.owner_id rep.rep_id quota.amount quota.period_start quota.period_end",
     "Alexander Group", &attainment_distribution},
    {"linearity", "Linearity", "amount won in the last third of the period ÷ amount won", "share",
     "closed_in_period", "count", "reopened allow_negative", "opportunity.amount", "field practice",
     &linearity, true},
    {"concentration", "Concentration", "amount won from the ten largest accounts ÷ amount won in the period",
     "share", "closed_in_period", "count", "reopened allow_negative", "opportunity.amount",
     "Herfindahl and Hirschman in details", &concentration},
    {"loss_reasons", "Loss reasons", "share of the deals lost in the period", "share", "closed_in_period",
     "count value", "allow_negative", "opportunity.loss_reason", "HubSpot, Odoo", &loss_reasons},
    {"lead_conversion", "Lead conversion",
     "leads converted by as_of, won or not, ÷ leads created in the period", "share",
     "created_cohort window_cohort survival closed_in_period", "count", "window_days",
     "lead.created_at lead.converted_at", "Salesforce lead fields", &lead_conversion},
    {"lead_response_time", "Lead response time",
     "share of leads answered within 60 minutes of being available (Kaplan–Meier over all leads); median and "
     "p90 in minutes",
     "share", "survival", "count", "target_minutes hours hours_of clock",
     "lead.created_at activity.at activity.lead_id", "Harvard Business Review 2011", &lead_response_time},
    {"sla_compliance", "Response within target",
     "leads answered within the target ÷ leads answered or whose time has run out", "share", "created_cohort",
     "count", "target_minutes hours hours_of clock", "lead.created_at activity.at activity.lead_id",
     "Frappe CRM", &sla_compliance},
    {"response_bands", "Response bands",
     "leads converted by as_of ÷ leads created in the period, by time to the first answer; an association, "
     "not an effect",
     "share", "created_cohort", "count", "hours hours_of clock",
     "lead.created_at lead.converted_at activity.at activity.lead_id", "Harvard Business Review 2011",
     &response_bands},
    {"funnel", "Funnel",
     "of leads created in the period: share of the step before that came this far by as_of (cumulative: of "
     "all leads)",
     "share", "created_cohort window_cohort", "count", "window_days in_order", "lead.created_at",
     "HubSpot lifecycle stages", &funnel},
    {"activity", "Activity", "completed activities of people", "count", "closed_in_period", "count", "",
     "activity.at", "Salesforce, HubSpot", &activity},
    {"logo_churn", "Churn",
     "customers at the start of the period that are none at its end ÷ customers at its start", "share",
     "snapshot", "count", "churn_base churn_at",
     "account.account_id subscription.account_id subscription.start",
     "ChartMogul, Baremetrics; Shopify for daily_average", &logo_churn, true},
    {"logo_retention", "Retention",
     "customers at the start of the period that are still at its end ÷ customers at its start", "share",
     "snapshot", "count", "churn_at", "account.account_id subscription.account_id subscription.start",
     "ChartMogul, Baremetrics", &logo_retention, true},
    {"arpa", "Revenue per account",
     "monthly recurring revenue after discounts ÷ customers, at the start of the period", "money / month",
     "snapshot", "count", "churn_at allow_negative", subscribed, "ChartMogul", &arpa, true},
    {"clv_simple", "Customer lifetime value (simple)",
     "revenue per customer and month × gross margin ÷ monthly churn", "money", "snapshot", "count",
     "gross_margin churn_base churn_at allow_negative", subscribed, "Baremetrics, ChartMogul", &clv_simple,
     true},
    {"cac", "Cost of a customer", "spend of the days of the period ÷ accounts first won in it", "money",
     "closed_in_period", "count", "lag allow_negative", "account.account_id spend.amount spend.period_start",
     "field practice", &cac},
    {"ltv_cac", "Lifetime value to cost", "simple customer lifetime value ÷ cost of winning a customer",
     "ratio", "snapshot", "count", "gross_margin churn_base churn_at lag allow_negative", customer_cost,
     "field practice", &ltv_cac},
    {"cac_payback", "Payback of a customer",
     "cost of winning a customer ÷ (revenue per customer and month × gross margin)", "months", "snapshot",
     "count", "gross_margin churn_at lag allow_negative", customer_cost, "field practice", &cac_payback},
};

std::vector<std::string_view> words(std::string_view list) {
  std::vector<std::string_view> result;
  while (!list.empty()) {
    const std::size_t space = std::min(list.find(' '), list.size());
    result.push_back(list.substr(0, space));
    list.remove_prefix(std::min(space + 1, list.size()));
  }
  return result;
}

/// A length of time in `by` can't cut a number that is of a period as a whole.
void refuse_cuts(const Definition& known, const Options& options) {
  if (!known.whole_period) return;
  for (const std::string& name : options.by)
    if (every_of(name))
      throw UsageError(std::string(known.name) + " is of a period as a whole, which by = '" + name +
                       "' can't cut; ask for several periods, such as period = \"last 4 quarters\": the "
                       "answer has a row of each");
}

/// Options that the KPI has, but not as it is asked.
void refuse_unheeded(const Definition& known, const Options& options, Mode mode) {
  const auto refuse = [&](std::string_view option, bool unheeded, std::string_view where) {
    if (unheeded && holds_word(known.options, option))
      throw UsageError(std::string(known.name) + ": " + std::string(option) + " is of " + std::string(where));
  };
  refuse(
      "window_days",
      options.window_days != Options().window_days && mode != Mode::window_cohort && mode != Mode::survival,
      "the modes window_cohort and survival");
  refuse("reopened", options.reopened != Reopened::last_close && mode != Mode::closed_in_period,
         "mode closed_in_period: in no other are deals placed by their close");
}

}  // namespace

std::span<const Definition> definitions() noexcept { return all; }

const Definition& definition(std::string_view name) {
  std::vector<std::string> names;
  for (const Definition& known : all) {
    if (known.name == name) return known;
    names.emplace_back(known.name);
  }
  std::string text = "no KPI '" + std::string(name) + "'";
  if (const auto near = near_names(name, names); !near.empty())
    text += "; did you mean '" + near.front() + "'?";
  throw UsageError(text + " kpi::catalogue() lists them");
}

bool is_built_in(std::string_view name) noexcept {
  return std::any_of(std::begin(all), std::end(all),
                     [&](const Definition& known) { return known.name == name; });
}

Table catalogue() {
  constexpr const char* names[] = {"name",  "title",   "formula", "unit",  "default_mode",
                                   "modes", "weights", "options", "needs", "source"};
  std::vector<std::string> columns[std::size(names)];
  for (const Definition& known : all) {
    const std::string_view cells[] = {
        known.name,  known.title,   known.formula, known.unit,  words(known.modes).front(),
        known.modes, known.weights, known.options, known.needs, known.source};
    for (std::size_t c = 0; c < std::size(names); ++c) columns[c].emplace_back(cells[c]);
  }
  std::vector<std::pair<std::string, Column>> table;
  for (std::size_t c = 0; c < std::size(names); ++c)
    table.emplace_back(names[c], Column::of_strings(columns[c]));
  return Table(std::move(table));
}

std::vector<std::string> missing(const Crm& crm, const Definition& known) {
  std::vector<std::string> lacking;
  for (const std::string_view name : words(known.needs)) {
    const std::size_t dot = name.find('.');
    if (!crm.has(name.substr(0, dot), name.substr(dot + 1))) lacking.emplace_back(name);
  }
  return lacking;
}

Options heeded_by(std::string_view kpi, const Options& options) {
  return heeded_of(options, definition(kpi).options);
}

Mode mode_for(const Crm& crm, const Options& options, std::string_view kpi) {
  const Definition& known = definition(kpi);
  check(options);
  const std::string name(kpi);
  if (options.mode != Mode::standard && !holds_word(known.modes, mode_name(options.mode)))
    throw UsageError(name + ": mode " + std::string(mode_name(options.mode)) + " isn't defined here; use " +
                     std::string(known.modes));
  if (options.weight == Weight::value && !holds_word(known.weights, "value"))
    throw UsageError(name + ": weight value isn't defined here; use " + std::string(known.weights));
  Options own = options;
  own.mode = Mode::standard;
  own.weight = Weight::count;
  check_heeded(own, name, known.options);
  refuse_cuts(known, options);
  if (const auto lacking = missing(crm, known); !lacking.empty()) {
    const std::size_t dot = lacking.front().find('.');
    throw UsageError(name + " needs column '" + lacking.front().substr(dot + 1) + "' of table '" +
                     lacking.front().substr(0, dot) + "', which this book lacks");
  }
  const Mode mode = options.mode == Mode::standard ? parse_mode(words(known.modes).front()) : options.mode;
  refuse_unheeded(known, options, mode);
  return mode;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
