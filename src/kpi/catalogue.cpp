#include "salesops/kpi/catalogue.hpp"

#include "salesops/kpi.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

// When a deal was closed also follows from its history, or else from its close date.
constexpr std::string_view won_money = "opportunity.amount";

constexpr std::string_view subscribed = "subscription.account_id subscription.start subscription.unit_amount";
constexpr std::string_view customer_cost =
    "subscription.account_id subscription.start subscription.unit_amount spend.amount spend.period_start";

constexpr Definition all[] = {
    {"win_rate", "Win rate", "won ÷ (won + lost)", "share", Mode::closed_in_period,
     "opportunity.opportunity_id", "Varicent, Funnelcast", &win_rate},
    {"sales_cycle", "Sales cycle", "median days from creation to the win", "days", Mode::closed_in_period,
     "opportunity.created_at", "field practice; Aalen & Johansen 1978 in mode survival", &sales_cycle},
    {"average_deal", "Average deal", "Σ amount won ÷ deals won", "money", Mode::closed_in_period, won_money,
     "field practice", &average_deal},
    {"velocity", "Sales velocity", "open deals × average deal × win rate ÷ mean sales cycle", "money / day",
     Mode::closed_in_period, "opportunity.amount opportunity.created_at", "Gong glossary", &velocity},
    {"stage_conversion", "Stage conversion", "moved on to a higher stage ÷ entered the stage", "share",
     Mode::entered_in_period, "opportunity.stage_id stage_def.rank", "PostHog, Metabase", &stage_conversion},
    {"time_in_stage", "Time in stage", "mean days of completed visits", "days", Mode::entered_in_period,
     "opportunity.stage_id stage_def.rank", "HubSpot, Salesforce stage duration", &time_in_stage},
    {"stage_regression", "Stage regression", "deals that moved back ÷ deals created", "share",
     Mode::created_cohort, "opportunity.stage_id stage_def.rank", "process mining: rework",
     &stage_regression},
    {"slippage", "Slippage", "expected at the start, not closed by the end ÷ expected", "share",
     Mode::snapshot, "opportunity.close_date", "Ebsta, Gong", &slippage},
    {"pushes", "Pushes", "close dates moved to a later month", "count", Mode::closed_in_period,
     "opportunity.close_date", "Salesforce push count", &pushes},
    {"pipeline_created", "Pipeline created", "Σ amount as of creation", "money", Mode::created_cohort,
     "opportunity.amount opportunity.created_at", "Atrium", &pipeline_created},
    {"weighted_pipeline", "Weighted pipeline", "Σ amount × probability of open deals", "money",
     Mode::snapshot, "opportunity.amount", "field practice", &weighted_pipeline},
    {"pipeline_coverage", "Pipeline coverage", "open amount expected in the period ÷ (quota − won)", "ratio",
     Mode::snapshot,
     "opportunity.amount opportunity.close_date quota.amount quota.period_start quota.period_end",
     "Gong, Clari", &pipeline_coverage},
    {"forecast_rollup", "Forecast roll-up", "amount by category, surer ones included", "money",
     Mode::snapshot, "opportunity.amount opportunity.forecast_category", "Salesforce cumulative roll-up",
     &forecast_rollup},
    {"idle_share", "Idle deals", "open deals idle for more than idle_days ÷ open deals", "share",
     Mode::snapshot, "opportunity.created_at", "Pipedrive rotting", &idle_share},
    {"snapshot_yield", "Pipeline yield", "won in the period from the pipeline at its start ÷ that pipeline",
     "share", Mode::snapshot, won_money, "Gong projection", &snapshot_yield},
    {"hygiene", "Pipeline hygiene", "checks passed ÷ checks made of open deals", "share", Mode::snapshot,
     "opportunity.opportunity_id", "field check-lists", &hygiene},
    {"attainment", "Quota attainment", "credited amount won ÷ quota of the same days", "share",
     Mode::closed_in_period, "opportunity.amount quota.amount quota.period_start quota.period_end",
     "Xactly, Salesforce", &attainment},
    {"attainment_distribution", "Reps at quota", "reps with at least their quota ÷ reps with a quota",
     "share", Mode::closed_in_period,
     "opportunity.amount opportunity.owner_id rep.rep_id quota.amount quota.period_start "
     "quota.period_end",
     "Alexander Group", &attainment_distribution},
    {"linearity", "Linearity", "amount won in the last third of the period ÷ amount won", "share",
     Mode::closed_in_period, won_money, "field practice", &linearity},
    {"concentration", "Concentration", "amount won from the ten largest accounts ÷ amount won", "share",
     Mode::closed_in_period, won_money, "Herfindahl and Hirschman in details", &concentration},
    {"loss_reasons", "Loss reasons", "lost deals with the reason ÷ lost deals", "share",
     Mode::closed_in_period, "opportunity.loss_reason", "HubSpot, Odoo", &loss_reasons},
    {"lead_conversion", "Lead conversion", "leads converted ÷ leads created", "share", Mode::created_cohort,
     "lead.created_at lead.converted_at", "Salesforce lead fields", &lead_conversion},
    {"lead_response_time", "Lead response time", "median time from lead to the first touch by a person",
     "hours", Mode::created_cohort, "lead.created_at activity.at activity.lead_id",
     "Harvard Business Review 2011", &lead_response_time},
    {"sla_compliance", "Response within target", "leads answered in time ÷ leads due", "share",
     Mode::created_cohort, "lead.created_at activity.at activity.lead_id", "Frappe CRM", &sla_compliance},
    {"response_bands", "Response bands", "leads answered within each band ÷ leads", "share",
     Mode::created_cohort, "lead.created_at activity.at activity.lead_id", "Harvard Business Review 2011",
     &response_bands},
    {"funnel", "Funnel", "leads that reached each step ÷ leads", "share", Mode::created_cohort,
     "lead.created_at", "HubSpot lifecycle stages", &funnel},
    {"activity", "Activity", "activities of people", "count", Mode::closed_in_period, "activity.at",
     "Salesforce, HubSpot", &activity},
    {"logo_churn", "Churn", "customers lost in the period ÷ customers at its start", "share",
     Mode::created_cohort, subscribed, "ChartMogul, Baremetrics", &logo_churn},
    {"logo_retention", "Retention", "customers kept through the period ÷ customers at its start", "share",
     Mode::created_cohort, subscribed, "ChartMogul, Baremetrics", &logo_retention},
    {"arpa", "Revenue per account", "monthly recurring revenue ÷ customers", "money", Mode::snapshot,
     subscribed, "ChartMogul", &arpa},
    {"clv_simple", "Customer lifetime value (simple)", "revenue per account × gross margin ÷ monthly churn",
     "money", Mode::created_cohort, subscribed, "Baremetrics, ChartMogul", &clv_simple},
    {"cac", "Cost of a customer", "spend ÷ new customers", "money", Mode::created_cohort,
     "spend.amount spend.period_start", "field practice", &cac},
    {"ltv_cac", "Lifetime value to cost", "lifetime value ÷ cost of a customer", "ratio",
     Mode::created_cohort, customer_cost, "field practice", &ltv_cac},
    {"cac_payback", "Payback of a customer", "cost of a customer ÷ (revenue per account × margin)", "months",
     Mode::created_cohort, customer_cost, "field practice", &cac_payback},
};

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

Table catalogue() {
  std::vector<std::string> columns[7];
  for (const Definition& known : all) {
    const std::string_view cells[] = {
        known.name, known.title, known.formula, known.unit, mode_name(known.mode), known.needs, known.source};
    for (std::size_t c = 0; c < std::size(cells); ++c) columns[c].emplace_back(cells[c]);
  }
  const char* names[] = {"name", "title", "formula", "unit", "default_mode", "needs", "source"};
  std::vector<std::pair<std::string, Column>> table;
  for (std::size_t c = 0; c < std::size(names); ++c)
    table.emplace_back(names[c], Column::of_strings(columns[c]));
  return Table(std::move(table));
}

std::vector<std::string> missing(const Crm& crm, const Definition& known) {
  std::vector<std::string> lacking;
  std::string_view needs = known.needs;
  while (!needs.empty()) {
    const std::size_t space = std::min(needs.find(' '), needs.size());
    const std::string_view name = needs.substr(0, space);
    const std::size_t dot = name.find('.');
    if (!crm.has(name.substr(0, dot), name.substr(dot + 1))) lacking.emplace_back(name);
    needs.remove_prefix(std::min(space + 1, needs.size()));
  }
  return lacking;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
