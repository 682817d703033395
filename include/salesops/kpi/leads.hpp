/// @file kpi/leads.hpp
/// From a lead to its first answer and to a customer.
#pragma once

#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Share of leads that were converted (`converted_at`: to a contact, an account or a deal, as the CRM says).
/// A conversion is no customer yet: where leads name their deal, details of `created_cohort` tell the
/// `won_share`, leads whose deal is won by as_of ÷ leads, and how many were converted `without_opportunity`.
///
/// `created_cohort` (default): converted by as_of ÷ leads created in the period. `window_cohort`: converted
/// within `window_days` ÷ leads at least that old. `survival`: Kaplan–Meier share converted within
/// `window_days`, leads still open censored, disqualified ones counted as a competing end.
/// `closed_in_period`: converted in the period ÷ created in it; it mixes cohorts and says so; `n` and rows
/// are of leads, each once. Detail `survival`: what that mode gives as value, beside each of the others.
///
/// Merged leads are left out and counted; the one that remained has what they had: the earliest of their
/// times, and the conversion of any. A lead that names what it became and no time is converted (issue
/// `conversion_time_unknown`), and left out where a time is needed (`time_unknown`). A conversion that is
/// known as a day alone took no time on the day of the creation.
Result lead_conversion(const Crm& crm, const Options& options = {});

/// How fast leads are answered: share answered within the target, by Kaplan–Meier over all leads, those
/// never answered included. Details: median and p90 in minutes (all leads), `naive_mean` over answered
/// leads alone; `never`: the share without an answer by as_of, of those that were closed or whose time has
/// run out; `not_yet`: of those that wait no longer than the target.
///
/// The clock starts when the lead was available (routed), else created; `Options::clock` may start it at
/// creation always, or anew when the lead changed hands unanswered (`reassigned_at`). It counts the business
/// time of `hours`, else all time. `hours_of` reads the same hours in the zone of each lead's owner or of its
/// own: a name whose value is a zone (`"owner.time_zone"`, a custom column of leads) or a calendar of the
/// table `calendar` with a zone and holidays (`"owner.calendar_id"`); where it is null the zone of `hours`
/// holds, and leads with a name nobody knows are left out (`unknown_zone`). The answer is the first outbound
/// activity by a person. A touch between creation and routing answers at once; leads touched before their
/// creation are left out and counted (`touched_before_created`). Target: `Options::target_minutes`.
Result lead_response_time(const Crm& crm, const Options& options = {});

/// Share of leads answered within `target_minutes`, of those answered or whose time has run out.
Result sla_compliance(const Crm& crm, const Options& options = {});

/// Lead conversion by response-time band (≤5, 5–15, 15–60, 60–240, >240 minutes, never), with Wilson
/// intervals; adds the column `band`. An association: fast answers and good leads may share a cause.
Result response_bands(const Crm& crm, const Options& options = {});

/// Lead → MQL → SQL → opportunity → won, of leads created in the period: one row a step with the share of
/// the step before (value) and of all leads (detail `cumulative`). A lead that skipped a step passed it;
/// under `Options::in_order` a step counts only after all steps before it, in order of time.
/// `window_cohort`: steps within `window_days` of creation, of leads at least that old.
Result funnel(const Crm& crm, const Options& options = {});

/// Completed activities of people in the period; automated ones are left out and counted. Details: calls,
/// emails, meetings, …, `reps` that had any, `per_rep`, `rep_days` (days of `zone` on which a rep did
/// anything), `calls_per_rep_day`, `emails_per_rep_day`, `meetings_per_rep_day`, and `per_lead` (of leads
/// that had any); `connects` (calls whose `outcome` begins with "connect") and `connects_per_rep_day`;
/// `meetings_per_activity` and `opportunities_per_meeting` (different deals that the meetings name ÷
/// meetings). Open tasks are counted as censored.
Result activity(const Crm& crm, const Options& options = {});

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
