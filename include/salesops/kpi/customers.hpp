/// @file kpi/customers.hpp
/// Customers won, kept and lost, and what one is worth.
///
/// A customer is an account with a paying subscription: started, not ended, past its trial, with an amount
/// that isn't zero. A pause doesn't end it. Without `Options::period` these KPIs look at the last whole month
/// before as_of. A period that reaches past the book's latest instant can't tell an end from missing data:
/// its state is "incomplete". What names no account is left out and counted (`no_account`), and so is what is
/// over by its status while nothing says since when (`cancelled_without_end`). `Options::churn_at` says which
/// day ends a subscription that was cancelled.
#pragma once

#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Customers at the start of the period that are none at its end ÷ customers at its start. Customers won
/// inside the period count in the next one. Wilson interval. Details: `annual`, 1 − (1 − churn)^(12/months);
/// `paused`, where the book knows pauses: counted customers all of whose subscriptions rest at the end.
///
/// With `ChurnBase::daily_average` (Shopify's): customers of any day of the period that are none at its end ÷
/// the mean number of customers of its days. Bootstrap interval; a share above 1 is possible.
Result logo_churn(const Crm& crm, const Options& options = {});

/// 1 − `logo_churn` of the customers at the start, counted the other way round.
Result logo_retention(const Crm& crm, const Options& options = {});

/// Monthly recurring revenue per customer at the start of the period: Σ (amount · quantity − discount) ÷
/// months of the interval (a year is 12, a week 12/52, a day 12/365), over customers. The discount is money
/// off an interval of the subscription. Subscriptions that rest (`paused`), that say no amount
/// (`null_amount`) or a known interval (`unknown_interval`), or one below zero unless `allow_negative`
/// (`negative_amount`), are left out and counted. Bootstrap interval.
Result arpa(const Crm& crm, const Options& options = {});

/// Simple customer lifetime value: arpa × gross margin ÷ monthly churn. No value while nobody churned
/// (state "no churn seen"): it would be infinite. The margin is that of the book's transactions in the
/// period, else `Options::gross_margin`. Details: arpa, churn, margin.
Result clv_simple(const Crm& crm, const Options& options = {});

/// Cost of winning a customer: spend of the days of the period ÷ accounts whose first won deal (without
/// deals: first subscription) falls in it. `n` and `rows` are of these accounts.
///
/// A row of spend counts by its days in [period_start, period_end), each part rounded so that parts that meet
/// add up to the row; with one of the two it is of that day. Left out and counted: spend without an amount
/// (`null_amount`), below zero unless `allow_negative`, with reversed days (`period_end_before_start`), won
/// deals that name no account (`no_account`), `deleted` ones, and what has no day at all (`no_time`).
///
/// Spend that has periods is known up to the end of the last one, and only once that is over; spend told by
/// days, as far as the book goes. Customers of later days wait for their spend (`spend_unknown`), and the
/// state is "incomplete". By channel, each channel with any spend is known up to its own end: one that is
/// given up says so by a row of 0. Without any spend there is no value, never 0: state "no spend".
///
/// `Options::lag` takes the spend of so many days before, or of the median sales cycle of the deals won in
/// the periods asked (detail `lag_days`; without wins state "no sales cycle"). Groups: lengths of time, and
/// `channel` or `campaign` of the spend, which come first: an account is of the `source` (`campaign`) of its
/// first won deal, else of that deal's lead.
Result cac(const Crm& crm, const Options& options = {});

/// `clv_simple` ÷ `cac`, both of the same period. As in `cac_payback`, `n` and `rows` are of the accounts
/// won; detail `customers` counts those at the start.
Result ltv_cac(const Crm& crm, const Options& options = {});

/// Months until a customer has paid for being won: cac ÷ (arpa × margin). No value when the margin isn't
/// positive.
Result cac_payback(const Crm& crm, const Options& options = {});

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
