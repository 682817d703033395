/// @file forecast.hpp
/// The distribution of a period's bookings, by rep, team and in all.
///
/// **Deals already won** in the period count as they are. **Open deals** follow a semi-Markov process with
/// competing risks: from each stage, by time spent in it (weeks 0, 1, 2, 3–4, 5–8, 9–13, 14–26, 27+), a
/// deal moves on, is won or is lost at rates
///
///     λ(s, b, k) = (c(s, b, k) + κ·λ(s, b − 1, k)) / (T(s, b) + κ weeks)
///
/// with c the moves seen, T the time at risk (delayed entry where the history starts late, right censoring
/// at `as_of`), the stage's pooled weekly rate before the first b, and κ in [5, 500] by Dirichlet-multinomial
/// maximum likelihood: a cell with little evidence leans on the time before it, since deals that stayed long
/// move otherwise than fresh ones. Without a stage history there is one pseudo stage, by age since creation.
/// The rates give P(won by each week) for every stage and time in it (backward recursion, daily steps). A
/// ridge logit on earlier landmarks (the same day of earlier periods) then corrects each deal for age,
/// expected close date, pushes and amount as they were known then:
///
///     logit p = w₀·logit p(rates) + w·(1, log age, missing, overdue, due in period, pushes, log amount)
///
/// A landmark counts by the share of today's history that it had, and what its rates erred because they were
/// learned from less is taken out: a term v·(1/its history − 1/today's), v ~ N(0, 0.2²) log-odds years, is
/// fitted and not used, for in a young book what is lost late hasn't been lost yet and late stages were only
/// reached by quick deals. Amounts enter as the logarithm of their
/// ratio to the geometric mean, where they have a history and one currency. **Deals yet to be created**
/// arrive at the rate of a Poisson regression on four-week spans,
///
///     log λ(t) = a + b·t + two waves of the year,   b ~ N(0, 0.3²) a year, waves ~ N(0, 0.1²)
///
/// where a span half a year back counts half, and all count less where they spread more than Poisson. Of
/// those created u days before the period's end, the share
///
///     G(u) = Σ_{n ≤ u} (won at age n + 30·g(n)) / (watched to age n + 30)
///
/// is won, from the deals of the last year; g is what the rates say of a deal that enters by the mix of
/// first stages. G is of one pipeline; the mix of pipelines is that of the last quarter (the last year's
/// counts for 30 deals). What deals created after the last year's landmarks won against G is a last factor.
/// Owners by recent share; amounts from deals won in the last year no older than a new deal can be by then.
///
/// Uncertainty: rates from their Gamma posterior, a log-odds shock common to all deals of the period
/// (Student t; its spread from the Pearson dispersion of earlier landmarks), an effect of each owner, the
/// level of new business, amounts realised against amounts expected. All earlier landmarks are predicted
/// from what was known then. See docs/guide/pipeline.md for measured coverage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salesops/crm.hpp"
#include "salesops/date.hpp"
#include "salesops/parallel.hpp"
#include "salesops/scenario.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

/// What a period adds up.
enum class Measure : std::uint8_t {
  bookings,  ///< amounts of won deals, in minor units
  wins,      ///< number of won deals
};

struct ForecastOptions {
  std::optional<Instant> as_of;    ///< default: the book's latest instant
  std::optional<Interval> period;  ///< default: the calendar quarter (UTC) that holds `as_of`
  Measure measure = Measure::bookings;
  std::vector<double> levels{80};  ///< percent, central intervals
  int draws = 2000;                ///< 100 to 1,000,000
  std::uint64_t seed = 1;
  std::string currency;  ///< only deals of this currency; default: all, which must share one
  /// Untracked columns to use as they are today in a past book, e.g. `"opportunity.amount"`.
  std::vector<std::string> allow_current;
  bool adjust = true;  ///< correct by earlier landmarks (logit, owners, level of new business)
  Execution execution;
};

/// What the forecast rests on.
struct Fit {
  std::int64_t deals = 0;  ///< known at as_of
  std::int64_t won = 0;    ///< ends seen by the kernel
  std::int64_t lost = 0;
  double kappa = 0;         ///< weeks of pooled evidence given to each (stage, duration) cell
  int landmarks = 0;        ///< earlier periods that corrections and spread were learned from
  double shock_sd = 0;      ///< of the common log-odds shock
  double owner_sd = 0;      ///< of owners' log-odds
  double new_level_sd = 0;  ///< relative, of the level of new business
  double arrivals_per_week = 0;
  std::vector<std::string> terms;    ///< of the correction
  std::vector<double> coefficients;  ///< log-odds
  /// One row a stage: pipeline_id, stage_id, exposure_weeks, moved, won, lost, p_win (of a deal that
  /// enters it today, by the period's end).
  Table stages;
};

struct Forecast {
  Instant as_of;
  Interval period;
  Measure measure = Measure::bookings;
  std::vector<double> levels;
  std::int64_t open_deals = 0;
  std::int64_t won_deals = 0;  ///< in the period, by as_of
  /// Leaves are owners (`{"rep", id}`); above them teams (`{"team", id}`) and `{"company", ""}`.
  Scenario scenario;
  /// One row a holder: holder_type, holder_id, won_to_date, open_expected, new_expected, bookings_mean,
  /// bookings_lo_80, bookings_hi_80 …, quota, p_attain (null without a quota). Counts for `Measure::wins`.
  /// `p_attain` is the share of draws that reach the quota; against a sum of reps' quotas
  /// (pipeline/quotas.hpp) it draws what these reps book, as attainment counts, and no other.
  Table holders;
  /// One row an open deal: opportunity_id, owner_id, stage_id, amount, days_in_stage, p_win (by the
  /// period's end and not before its start), expected.
  Table deals;
  Fit fit;
  std::vector<std::string> notes;  ///< what to know before using the numbers

  /// The answer in one sentence.
  [[nodiscard]] std::string summary() const;
};

/// Throws `UsageError` when the book has no deals, none that was won, no creation times, or when
/// `as_of`, `period`, `levels` or `draws` can't be; `UnitError` when amounts have several currencies.
///
/// Only what the book knew at `as_of` is used (`Crm::as_of`). Quotas count as pipeline/quotas.hpp says; a
/// team or the company without its own has the sum of its reps'. Draws depend on (seed, deal, draw) alone:
/// the same for any number of threads, and more draws keep those before them.
Forecast forecast(const Crm& crm, const ForecastOptions& options = {});

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
