/// @file kpi/customers.hpp
/// Customers won, kept and lost, and what one is worth.
///
/// A customer is an account with a paying subscription: started, not ended, past its trial, with an amount
/// that isn't zero. Without `Options::period` these KPIs look at the last whole month before as_of. A
/// period that reaches past the book's latest instant can't tell an end from missing data: its state
/// is "incomplete".
#pragma once

#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Customers at the start of the period that are none at its end ÷ customers at its start. Customers won
/// inside the period count in the next one. Wilson interval. Detail `annual`: 1 − (1 − churn)^(12/months).
Result logo_churn(const Crm& crm, const Options& options = {});

/// 1 − `logo_churn`, counted the other way round.
Result logo_retention(const Crm& crm, const Options& options = {});

/// Monthly recurring revenue per customer at the start of the period: Σ amount · quantity ÷ months of the
/// interval (a year is 12, a week 12/52, a day 12/365), over customers. Bootstrap interval.
Result arpa(const Crm& crm, const Options& options = {});

/// Simple customer lifetime value: arpa × gross margin ÷ monthly churn. No value while nobody churned
/// (state "no churn seen"): it would be infinite. The margin is that of the book's transactions in the
/// period, else `Options::gross_margin`. Details: arpa, churn, margin.
Result clv_simple(const Crm& crm, const Options& options = {});

/// Cost of winning a customer: Σ spend that starts in the period ÷ accounts whose first won deal (without
/// deals: first subscription) falls in it.
Result cac(const Crm& crm, const Options& options = {});

/// `clv_simple` ÷ `cac`, both of the same period.
Result ltv_cac(const Crm& crm, const Options& options = {});

/// Months until a customer has paid for being won: cac ÷ (arpa × margin). No value when the margin isn't
/// positive.
Result cac_payback(const Crm& crm, const Options& options = {});

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
