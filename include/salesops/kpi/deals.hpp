/// @file kpi/deals.hpp
/// KPIs of deals: outcomes, stages, pipeline, bookings.
///
/// Each answers for the deals that `Options::where` chooses, one metric a group of `Options::by`. Deleted
/// deals are counted out. Money is in major units of the book's one currency (`UnitError` when there are
/// several); amounts that are missing, or not positive unless `allow_negative`, are counted out of money.
/// A missing table or column is a `UsageError` that names it. Where nothing can be divided, there is no
/// value.
#pragma once

#include "salesops/kpi/metric.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

// ---- outcomes ----

/// Days from creation to the win: median (value), mean and p90 (details) of deals won in the period.
/// `Options::start` may be the creation of the first lead that led to the deal (deals without one are left
/// out: `no_lead`), or its first entry of a stage of rank `from_rank` or higher (`stage_not_reached`). The
/// win is at `closed_at`, else where the history of stages has it, else on the expected date (an issue says
/// so). Wins before their start are left out (`negative_duration`); a win that is known as a day alone, as an
/// expected date is, took no time on the day of its start. Details `lost_median`, `lost_mean`: the
/// same of deals lost in the period; `open_median_age`, `open_mean_age`: from the start to the end of the
/// period (or as_of), of deals open then; by month, quarter or year, to the end of each. Fast deals weigh
/// more while sales grow, so details carry `survival_median`, what `Mode::survival` gives as value: of deals
/// created in the period, the day by which half of all that will be won are won (Aalen–Johansen incidence
/// with losses competing and open deals censored, at half of its last value; `won_share` is that last value).
Result sales_cycle(const Crm& crm, const Options& options = {});

/// Amount won ÷ deals won, closed in the period; details median, p90, `trimmed_mean` (without a twentieth of
/// the deals at each end) and `discount`, 1 − amount ÷ `list_amount` of all deals that have a list price.
/// With a `start`: of deals that have begun.
Result average_deal(const Crm& crm, const Options& options = {});

/// Open deals × average deal × win rate ÷ sales cycle (mean days): money a day. The last three are of the
/// deals closed in the period; open deals are those open at its end (or as_of). With a `start` all four are
/// of the deals that have begun there, open ones by that end. Details hold all four, and what one more of
/// each would change, the others as they are (the derivatives): `per_open`, `per_average_deal`,
/// `per_win_rate` (1 = 100 points), `per_cycle_day`. `excluded` counts each reason as often as in the number
/// that leaves out most; `state` says which of the four is missing.
Result velocity(const Crm& crm, const Options& options = {});

/// Share of the lost deals of the period by `loss_reason` (added to `by`; null = no reason given). By
/// count, or by amount. `by = {"open_stage"}` for the stage they were lost from. Detail `null_share`: of the
/// group's lost deals (amount) without a reason.
Result loss_reasons(const Crm& crm, const Options& options = {});

/// Share of the period's won amount that came in its last third; details the three shares. Thirds are
/// whole months of the calendar where they divide by three, else days. State "period not over" until its
/// end. Default period: this quarter.
Result linearity(const Crm& crm, const Options& options = {});

/// Share of won amount that the ten largest accounts hold; details `top_1`, `top_5`, `hhi` (Herfindahl),
/// `gini`, `accounts`. A deal without an account stands for itself; a book without any warns. Negative
/// account totals are left out.
Result concentration(const Crm& crm, const Options& options = {});

// ---- stages (need the change history of stages, and stage_def with ranks) ----

/// Share of the deals that entered a stage in the period and later entered a higher-ranked one of the
/// same pipeline (skipping counts; lost stages are no step up). Deals still open below are censored. One fact
/// a deal and stage, at its first entry (`Visits::first`, the default); `each` entry a fact; or a `deal` a
/// fact at its first entry, passed if it was ever higher, be it before it fell back. `by = "stage"` for each
/// step. Details: `to_won`, the share that is won by as_of of all that entered; `survival`, the step's
/// Aalen–Johansen share with losses competing; `rank`.
Result stage_conversion(const Crm& crm, const Options& options = {});

/// Days of completed visits to open stages that began in the period: mean; details median, p90, and
/// `survival_median`, the Kaplan–Meier median with the visits that still last as censored. `Options::visits`:
/// `each` (default), the `first` or `latest` of a deal in a stage, or all of them added up (`cumulative`, at
/// the first entry; censored while one lasts). `current`: visits that still last, by their length so far.
Result time_in_stage(const Crm& crm, const Options& options = {});

/// Visits of deals to open stages, deal by deal in order of time, and what the book knew of a deal at each.
struct StageVisits {
  Table visits;
  bool tracked = false;  ///< the book has the history of stages; without it, today's stages since creation
  std::int64_t silent =
      0;  ///< deals that closed without a word of their stage: where they stood nobody knows
};

/// One row a visit to an open stage, as `time_in_stage` counts them. Columns: `deal` (row of opportunity),
/// `pipeline_id`, `stage_id`, `rank`, `number` (of the deal's visits to the stage), `entered` (null:
/// unknown), `seen` (since when the book tells that it is there), `left` (null while it lasts), `outcome`
/// (`moved on`, `moved back`, `won`, `lost`, `closed`, `open`), `next_stage_id`, `currency`; and of fields
/// whose changes the book knows, at the entry (where that is unknown, when it was seen): `amount`,
/// `owner_id`, `pushes` of the close date. `zone`: of closes that are known as a day alone. `UsageError`
/// without stages.
StageVisits stage_visits(const Crm& crm, const TimeZone& zone = {});

/// Share of deals created in the period that moved back to a lower-ranked open stage of the same pipeline
/// at least once; details `moves`, `reopened` (deals that came back from a closed stage).
Result stage_regression(const Crm& crm, const Options& options = {});

// ---- pipeline ----

/// Of the deals that were open at the start of the period with a close date in it: the share neither closed
/// nor removed by its end (or as_of). Details `won`, `lost`, `pushed` (close date moved past the end),
/// `removed` (deleted), `open` (close date not moved) sum to 1. By count or by the amount of that day.
/// Needs the history of close dates (`UsageError`): the present ones are those that came true. Default
/// period: this quarter.
Result slippage(const Crm& crm, const Options& options = {});

/// How often a close date moved to a later month (`Options::every`: day, week, month, quarter, … of the
/// calendar) while the deal was open; moving it back takes nothing off. From a calendar's last period to a
/// day beyond is a push; between two such days nobody knows (`outside_calendar`). Details `deals` pushed,
/// `per_deal`.
Result pushes(const Crm& crm, const Options& options = {});

/// Amount, as of creation, of the deals created in the period; details `average`. `Start::stage`: of deals
/// that first reached rank `from_rank` (were qualified) in the period, as of then. Without a history of
/// amounts the present ones stand in, with a warning.
Result pipeline_created(const Crm& crm, const Options& options = {});

/// Σ amount × probability of open deals with a close date in the period; details `unweighted`. A deal
/// without a probability takes its stage's, else it is left out (`null_probability`).
Result weighted_pipeline(const Crm& crm, const Options& options = {});

/// Open amount with a close date in the rest of the period ÷ (quota − amount won in the period). Nothing
/// left to win: no value, state "attained". Details `open`, `past_due` (open with a close date in the period
/// before as_of, not in the value), `quota`, `won`, `remaining`, `of_full_quota`; `required` (1 ÷ win rate by
/// value of the year before as_of); `yield`, what was won by their end out of the pipelines that were
/// expected in the rest of up to four like periods before, each at the same elapsed point and amounts of that
/// day (none without a history of close dates), and `required_by_yield` (its inverse); `weighted`, the open
/// amount × probability (a deal's own, else its stage's), and `weighted_coverage`, the same ÷ the remaining;
/// `members_quota` as in `attainment`. All of them are of the same people: against a sum of reps' quotas
/// stand the deals of reps who have one. A snapshot has no interval. Rows are deals, each once. Groups:
/// `owner`, names that follow it
/// (`owner.team`). Default period: this quarter. Quotas as in `attainment`.
Result pipeline_coverage(const Crm& crm, const Options& options = {});

/// Amount by forecast category, each with the surer ones in it: closed (won in the period), commit,
/// most_likely, best_case, pipeline (all open with a close date in the period but omitted ones). Adds
/// `forecast_category` to `by`; details `own` (this category alone). Rows are those of the surer ones too.
Result forecast_rollup(const Crm& crm, const Options& options = {});

/// Share of open deals without a stage change or activity for more than `idle_days`. Detail `beyond_target`:
/// the same by the `target_days` of each deal's stage, of the deals whose stage has any.
Result idle_share(const Crm& crm, const Options& options = {});

/// Amount won in the period out of the pipeline open at its start ÷ that pipeline, at the amounts of that
/// day. Details `expected`: the same of deals with a close date in the period, where close dates have a
/// history. Without a history of amounts the present ones stand in, with a warning; where won deals alone
/// have any, there is no value. Default: this quarter.
Result snapshot_yield(const Crm& crm, const Options& options = {});

/// Checks passed ÷ checks made of open deals: `close_date` (not past), `amount` (positive), `next_step`,
/// `stage_fresh` (stage changed in the last 14 days), `primary_contact`; only those whose columns the book
/// has. Details: the share of deals that pass each, and `all`; `duplicates`, the share whose account has
/// another open deal of the same name, which is no check.
Result hygiene(const Crm& crm, const Options& options = {});

// ---- quota ----

/// Credited amount won ÷ quota, both of the period, and of its days with a quota: what is won on others is
/// left out (`no_quota`). Without a period quotas count that have begun. Which quotas count, and how much of
/// each, says pipeline/quotas.hpp, for forecasts too: the company is judged by its own, else by the sum of
/// its reps' (else its teams'), and each team is judged likewise where groups are of teams (`owner.team`, its
/// parents, lengths of time). Beside an own one stand those of its reps: details `members_quota` and
/// `of_members_quota`, what reps with a quota won ÷ their quotas. Groups by `owner` or other names that
/// follow it add up quotas of reps. A ratio to quotas of reps takes no credit of others (`excluded`:
/// `no_quota`), each group of time by itself. A quota of 0 is none: no value, state "no quota". Credit
/// follows `credit_split` where a deal has any, else its owner at the close, and each deal is credited once:
/// in proportion to the rows that must total 100 % (of several such types to "revenue", else to the first by
/// name). What other rows credit is the detail `overlay`, in no sum. `ramping_quota`: the quotas of reps
/// whose assignment, on the last day, has a ramp profile. Rows are deals, each once. Groups: `owner`, names
/// that follow it, lengths of time. Quotas of reps need `opportunity.owner_id` and the table `rep`, or
/// `credit_split` (`UsageError`); a company's own needs neither.
Result attainment(const Crm& crm, const Options& options = {});

/// Share of reps with a quota that attained it; details `below_50`, `from_50`, `from_80`, `from_100`,
/// `above_120` (sum to 1), `mean`, `sd`, `skew` (Joanes & Gill 1998, G1), `gini`, `top_20_share` of credit.
/// Reps who ramp (as in `attainment`) stand apart: `excluded`, and of them `ramping_attained`. A rep who
/// leaves stays in, with a quota up to that day. Rows are reps. Default period: this quarter.
Result attainment_distribution(const Crm& crm, const Options& options = {});

// ---- one's own ----

/// A ratio of rows that two expressions choose.
struct RatioDefinition {
  std::string name = {};
  std::string numerator = {};    ///< expression; counted among the denominator's rows
  std::string denominator = {};  ///< expression; empty: all rows
  std::string table = "opportunity";
  std::string at = "closed_at";  ///< instant or date column that places a row in a period
  std::string value = {};        ///< money or number column to add up; empty: count rows
};
/// Answers like a built-in KPI. By value: amounts that are null are left out, and those that aren't positive
/// unless `allow_negative`.
Result ratio(const Crm& crm, const RatioDefinition& definition, const Options& options = {});

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
