/// @file sample.hpp
/// A CRM book out of nothing but a seed, with the truth that no real book tells.
///
/// For tests, demonstrations and benchmarks: the tables of the data model (`account`, `opportunity`,
/// `opportunity_event`, `activity`, `subscription`, `transaction`, …) of an invented business-to-business
/// seller, and beside them what really drives it: how each deal will end, each rep's skill, the hazards
/// of each stage. So a forecast, a churn model or a win-rate estimate can be scored against the truth.
///
/// **The process.** Accounts (60 % small, 30 % mid-market, 10 % enterprise) get a first deal at a time
/// drawn from a growing, seasonal, weekday-only intensity. A deal walks the stages as a semi-Markov
/// process: in each stage it will be lost with probability
/// `logistic(logit(lose) − advantage / 2)`, else goes back, skips or advances with fixed shares; the
/// time in a stage is Weibull with a median by stage, exit and segment. `advantage` sums segment,
/// source, type, the deal's own (hidden) quality and the owner's (hidden) skill. Won deals gather in
/// the last days of a quarter. Losses take longer to be admitted than wins. Some lost deals are
/// reopened. Expected close dates lie on month and quarter ends and are pushed, or left to grow stale.
/// Customers subscribe, expand, renew and churn with a hidden monthly hazard. Reps are hired, ramp,
/// move between teams and leave; their open deals change owner.
///
/// **Guarantees**
/// - Everything drawn for account k depends on (seed, k, start, months, reps, …) and not on the number
///   of threads; a larger `deals` adds accounts and leaves the others as they are.
/// - The book at an earlier `end` is exactly the past of the book at a later one: the same rows with
///   their instants before `end`, and every changing column as it stood then. `truth` doesn't depend on
///   `end`.
/// - The changing columns of `opportunity` are exactly the replay of `opportunity_event`: a field's value
///   is `new` of its last event, or else `old` of its first, or else what the table says.
/// - All names are labels ("Account 000042", "Rep 07"): no person, no company, no address.
///
/// Amounts are minor units beside a `currency` column; `old` and `new` of `opportunity_event` are texts:
/// amounts in major units (`12500.00`), days as `YYYY-MM-DD`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/date.hpp"
#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace sample {

struct SampleOptions {
  std::uint64_t seed = 7;
  std::int64_t deals = 5000;  ///< created in the whole window, 0 to 100 million
  Date start{19'358};         ///< first day of the window: 2023-01-01
  int months = 36;            ///< length of the window, 1 to 240
  /// The book shows what had happened before this day (midnight UTC); the window's end when absent.
  std::optional<Date> end;
  int reps = 24;                   ///< sellers, 1 to 10,000; managers come on top
  std::string currency = "USD";    ///< ISO 4217
  double foreign_share = 0;        ///< share of accounts billed in another currency (adds fx_rate)
  int pipelines = 2;               ///< 2: renewals have a pipeline of their own; 1: one for all
  double leads_per_deal = 1.5;     ///< leads that never become a deal, per deal; 0 to 20
  double activities_per_deal = 4;  ///< mean, 0 to 100
  double dirt = 0;                 ///< share of rows to spoil, 0 to 0.5 (see `Sample`)
  Execution execution;
};

/// What no real book tells. Doesn't depend on `end`: it holds all deals of the window.
struct Truth {
  /// opportunity_id, created_at, type, segment, source, win_probability (at creation, under its first
  /// owner), is_won, closed_at (the final close, which may lie after the window), amount, currency.
  Table deals;
  /// rep_id, skill (log-odds, sd 0.35), response_median_s (business seconds to the first touch of a
  /// lead), never_share (leads never touched).
  Table reps;
  /// pipeline_id, stage_id, segment, lose (probability at advantage 0), back, skip (shares of the
  /// rest), advance_days, lose_days (medians), shape_advance, shape_lose (Weibull).
  Table stages;
  /// account_id, churn_hazard (per month within a term), affinity (log-odds).
  Table accounts;
};

/// With `dirt` the tables also hold, at that share of rows: repeated rows, keys that name nothing, closes
/// before creation, probabilities on a 0–100 scale, strings of blanks.
struct Sample {
  std::vector<std::pair<std::string, Table>> tables;
  Truth truth;

  /// Throws `UsageError` that lists the tables there are.
  [[nodiscard]] const Table& table(std::string_view name) const;
};

/// Throws `UsageError` for an option outside its range.
Sample crm(const SampleOptions& options = {});

}  // namespace sample
}  // namespace v0
}  // namespace salesops
