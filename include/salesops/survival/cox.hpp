/// @file cox.hpp
/// What makes things end sooner, all else being equal: proportional hazards (Cox 1972).
///
/// | business question                                              | here                      |
/// |----------------------------------------------------------------|---------------------------|
/// | by what factor does each thing raise the risk of leaving?      | `cox`                     |
/// | what share of customers like this one is here after a year?    | `predict_survival`        |
/// | do the scores put those first who leave first?                 | `concordance`             |
/// | does a factor hold over the whole life, as the model believes? | `proportional_hazards_test` |
/// | what raises the share that ends by one cause, others competing? | `fine_gray`              |
///
/// Row i has the hazard h₀(t)·exp(β·xᵢ) in its stratum. β maximises the partial likelihood
/// Π over events of θᵢ / Σ_{at risk} θⱼ, θ = w·exp(β·x); h₀ is left open. Rows, `entry` and ties in time are
/// as in curves.hpp; a customer whose covariates change has a row for each stretch (start–stop), the
/// stretches after the first with `entry`, and a `cluster` that says which rows are his.
///
/// `weights` of `cox` are R's case weights. Under Breslow's ties a weight of 2 counts as two equal rows.
/// Efron's rule has tied rows take turns, whatever they weigh; robust errors, that of the concordance and
/// the times of `proportional_hazards_test` take a row for one observation. Those of `fine_gray` are
/// frequencies: a weight of 2 counts as two equal rows in all of its numbers.
///
/// Columns are centred and scaled inside, so units don't matter to the numbers. The cost is a sort, then per
/// Newton step three passes over the rows, whatever the ties; blocks don't depend on `threads`, so any number
/// of threads gives the same bits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "salesops/parallel.hpp"
#include "salesops/survival/curves.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

/// A column that may matter; errors call it by its name.
struct Covariate {
  std::string name;
  std::span<const double> values;
};

/// Several events at one time: which came first is not known.
enum class CoxTies : std::uint8_t {
  efron,    ///< the mean over their orders, nearly (Efron 1977): the default, as in R
  breslow,  ///< all of them face all of them (Breslow 1974): quick, biased towards 0 when ties are many
  exact,    ///< time is discrete: which d of the n at risk (Cox 1972; conditional logistic)
};

struct CoxOptions {
  std::span<const double> entry = {};
  std::span<const double> weights = {};        ///< case weights, see above; not with `exact`
  std::span<const std::uint32_t> strata = {};  ///< codes; each stratum has its own h₀
  std::span<const std::uint32_t> cluster =
      {};  ///< codes; rows that may depend on one another (implies `robust`)
  CoxTies ties = CoxTies::efron;
  double penalty = 0;    ///< ridge: the likelihood loses ½·penalty·Σ (βⱼ·sdⱼ)², sd of the column
  bool robust = false;   ///< sandwich variance (Lin & Wei 1989): right although weights or hazards are not
  bool baseline = true;  ///< also estimate h₀ (`CoxModel::baselines`), which predictions need
  double level = 95;     ///< percent
  int max_iterations = 50;
  Execution execution = {};
};

/// A χ² statistic.
struct ChiSquare {
  double statistic = 0;
  int degrees = 0;
  double p_value = 1;
};

/// Cumulative hazard of one stratum for a row with the mean of every column; one entry an event time.
struct CoxBaseline {
  std::uint32_t stratum = 0;
  double last = 0;  ///< the largest duration: after it nothing is known
  std::vector<double> time;
  std::vector<double> cumulative_hazard;  ///< Breslow's estimate; under Efron's ties in turns, as R's default
  std::vector<double> variance;           ///< without that of the coefficients
  std::vector<double> drift;              ///< Σ dΛ·(x̄(t) − mean), row by row: what the coefficients add to it
};

struct CoxModel {
  std::vector<std::string> names;
  std::vector<double> coefficients;  ///< ln of the hazard ratio per unit
  std::vector<double> std_errors;    ///< of `covariance`
  std::vector<double> covariance;    ///< row by row; the sandwich under `robust`, else the inverse Hessian
  std::vector<double> model_covariance;  ///< the inverse Hessian, with the penalty's part
  std::vector<double> means;             ///< of the columns, weighted
  double log_likelihood_null = 0;        ///< at β = 0
  double log_likelihood = 0;             ///< at β, without the penalty
  ChiSquare likelihood_ratio;
  ChiSquare wald;                      ///< with `covariance`
  ChiSquare score;                     ///< at β = 0, with the Hessian there
  std::vector<CoxBaseline> baselines;  ///< by ascending stratum
  CoxTies ties = CoxTies::efron;
  double level = 95;
  bool robust = false;
  int iterations = 0;
  bool converged = false;
  std::vector<std::string> notes;  ///< what a reader should know, in words
  std::int64_t rows = 0;
  std::int64_t events = 0;

  /// β·(x − mean) of one row: ln of its risk beside a row with the mean of every column.
  [[nodiscard]] double log_risk(std::span<const double> x) const;
  /// Its standard error.
  [[nodiscard]] double log_risk_error(std::span<const double> x) const;
};

/// Fits. `converged` is false, with a note, when the likelihood rises without end: a column (or a sum of
/// columns) splits those with events from those without, so no finite coefficient is best; a `penalty` gives
/// one. Exact ties cost rows × (most events at one time) × columns²: refused beyond 4·10¹⁰.
///
/// `UsageError`, beside those of curves.hpp: no columns, names used twice, values that are not finite,
/// columns that don't vary, columns that are sums of others (named; not with a penalty), no events, weights
/// or robust with exact ties.
[[nodiscard]] CoxModel cox(std::span<const double> durations, std::span<const std::uint8_t> events,
                           const std::vector<Covariate>& covariates, const CoxOptions& options = {});

/// Curves of new rows at given times; row by row.
struct SurvivalPrediction {
  std::vector<double> survival;  ///< NaN past the last duration of the stratum
  std::vector<double> low;       ///< log-log interval
  std::vector<double> high;
};

/// Share of rows like these that lasts beyond each of `times`: exp(−Λ₀(t)·exp(β·(x − mean))). The variance of
/// the cumulative hazard holds that of the baseline and of the coefficients (Andersen & Gill 1982; Therneau &
/// Grambsch 2000, 10.1). `x` is row by row. `strata` has a code a row; empty = the first stratum for all.
///
/// With `since`, an age a row, times count from there and the share is of those who have lasted so long:
/// S(since + t)/S(since), with Λ₀(since + t) − Λ₀(since) and what the baseline and the coefficients add to
/// the variance between the two, as R's `survfit` with `start.time`.
///
/// Throws `UsageError` for a stratum that the fit did not see, for lengths that don't fit, for times below 0.
[[nodiscard]] SurvivalPrediction predict_survival(const CoxModel& model, std::span<const double> x,
                                                  std::span<const double> times,
                                                  std::span<const std::uint32_t> strata = {},
                                                  std::span<const double> since = {});

/// Time by which the share `probability` has had the event, a row each; NaN where the curve isn't watched
/// that long. Median: 0.5.
[[nodiscard]] std::vector<double> predict_quantile(const CoxModel& model, std::span<const double> x,
                                                   double probability = 0.5,
                                                   std::span<const std::uint32_t> strata = {});

/// Cumulative hazard at x = 0 with its standard error, at each event time of a baseline.
struct BaselineAtZero {
  std::vector<double> cumulative_hazard;
  std::vector<double> std_error;
};
[[nodiscard]] BaselineAtZero baseline_at_zero(const CoxModel& model, const CoxBaseline& baseline);

// ---- Does it fit? ---------------------------------------------------------------------------------

/// How often, of two rows of which one is known to end first, the one with the higher risk does.
struct Concordance {
  double estimate = 0.5;
  double std_error = 0;   ///< infinitesimal jackknife, over clusters where given; as R's `concordance`
  double concordant = 0;  ///< weight of the pairs
  double discordant = 0;
  double tied = 0;  ///< pairs of equal risk: count one half
};

/// Harrell's C (1982) of any score, higher = sooner. Pairs within a stratum; pairs that end at the same time
/// are left out, a row censored at the other's event time outlasts it. `options`: entry, weights, strata,
/// cluster. Cost: n ln n. Without any pair: estimate 0.5, std_error 0.
[[nodiscard]] Concordance concordance(std::span<const double> durations, std::span<const std::uint8_t> events,
                                      std::span<const double> risk, const CoxOptions& options = {});

/// g(t) in `proportional_hazards_test`.
enum class TimeScale : std::uint8_t {
  km,        ///< 1 − Kaplan–Meier of all rows just before t: R's default
  rank,      ///< the mean rank of t among all durations, censored ones too, as R's
  identity,  ///< t
  log,       ///< ln t
};

struct ProportionalHazards {
  std::vector<ChiSquare> columns;  ///< one a column, 1 degree each
  ChiSquare global;
};

/// Does the effect of a column change with time? Score test that the term x·g(t) adds nothing (Grambsch &
/// Therneau 1994, in the exact form of R's `cox.zph` since survival 3.0): U'(I_gg − I_gβ I_ββ⁻¹ I_βg)⁻¹U with
/// U = Σ g(t)(x − x̄(t)) and I = Σ V(t)(1, g, g²). Arguments as given to `cox`. Not for exact ties.
[[nodiscard]] ProportionalHazards proportional_hazards_test(std::span<const double> durations,
                                                            std::span<const std::uint8_t> events,
                                                            const std::vector<Covariate>& covariates,
                                                            const CoxModel& model,
                                                            const CoxOptions& options = {},
                                                            TimeScale scale = TimeScale::km);

// ---- Competing events -----------------------------------------------------------------------------

/// What raises the share that ends by `cause` when other ends rule it out (Fine & Gray 1999): proportional
/// hazards of that share, 1 − F(t) = exp(−Λ₀(t)·exp(β·(x − mean))). A row that ended otherwise stays at risk
/// with weight G(t−)/G(T−), G the Kaplan–Meier curve of the censorings; with `entry`,
/// G(t−)H(t−)/(G(T−)H(T−)), H(t−) the chance to have entered before t, the product limit of the entries in
/// reversed time (Geskus 2011). `events`: 0 = censored, else the code of the end. Ties by Breslow's rule; the
/// errors are the sandwich over rows, with G and H taken as known (as R's `finegray` with robust `coxph`).
/// `weights` are frequencies, in G and in the sandwich too, so all numbers are those of equal rows; R's
/// `finegray(weights=)` takes G from the rows without them. `predict_survival` of the model gives 1 − F.
/// Options: entry, weights, level, max_iterations, execution; the others throw `UsageError`.
[[nodiscard]] CoxModel fine_gray(std::span<const double> durations, std::span<const std::uint8_t> events,
                                 std::uint8_t cause, const std::vector<Covariate>& covariates,
                                 const CoxOptions& options = {});

}  // namespace survival
}  // namespace v0
}  // namespace salesops
