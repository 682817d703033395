/// @file kpi.hpp
/// KPIs with honest definitions. Every function has the shape `Result f(const Crm&, Options = {})`;
/// `catalogue()` lists them. See kpi/metric.hpp for what is asked and answered, kpi/facts.hpp for
/// making one's own.
#pragma once

#include "salesops/kpi/calendar.hpp"
#include "salesops/kpi/catalogue.hpp"
#include "salesops/kpi/customers.hpp"
#include "salesops/kpi/deals.hpp"
#include "salesops/kpi/facts.hpp"
#include "salesops/kpi/leads.hpp"
#include "salesops/kpi/metric.hpp"
#include "salesops/kpi/scorecard.hpp"
#include "salesops/kpi/scorecard_state.hpp"
#include "salesops/kpi/where.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Share of closed deals that were won.
///
/// `closed_in_period` (default): won ÷ (won + lost) of deals closed in the period. `created_cohort`: won ÷
/// all deals created in the period, open ones counted as not won yet (and as `censored`). `window_cohort`:
/// won within `window_days` of creation ÷ all deals created in the period at least that long before as_of; a
/// win at an unknown time is left out (`time_unknown`).
/// `survival`: the share of deals created in the period that is won by that age (Aalen–Johansen: losses
/// compete, open deals are censored, so young deals count for what they have shown). Lost deals whose reason
/// is in `Options::no_decision` (no decision, disqualified, duplicate, …) are left out and counted
/// (`no_decision`): the narrow win rate; by default every loss is one. By value: Σ amount won ÷ Σ amount won
/// and lost; deals without an amount, or with one that isn't positive, are left out and counted. Interval:
/// Wilson (count), bootstrap over accounts (value).
///
/// Details, of an answer without `by` alone, for they cost more than it: `survival`, by count what that mode
/// gives as value (of all modes, within `window_days`); `stale_open_share` of `closed_in_period`, the share
/// of the open deals of the book without a sign of life for 30 days (`idle_share`), for deals that nobody
/// closes as lost make any win rate look well.
Result win_rate(const Crm& crm, const Options& options = {});

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
