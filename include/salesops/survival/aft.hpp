/// @file aft.hpp
/// How long things last as a formula, and by what factor each thing stretches it: accelerated failure times.
///
/// | business question                                            | here              |
/// |--------------------------------------------------------------|-------------------|
/// | by what factor does a discount lengthen a customer's life?   | `aft`             |
/// | which law do lifetimes follow?                               | `aft` without columns; compare `aic` |
/// | what share of customers like this one is here after a year?  | `aft_survival`    |
/// | by when has half of them left, beyond what was watched?      | `aft_quantile`    |
///
/// ln T = β₀ + β·x + σW. The law of W names the model; e^β is the factor by which one unit stretches time.
///
/// | law               | S(t), z = (ln t − β₀ − β·x)/σ    | other parameters in books                  |
/// |-------------------|----------------------------------|---------------------------------------------|
/// | exponential       | exp(−eᶻ), σ = 1                  | mean e^β₀                                   |
/// | weibull           | exp(−eᶻ)                         | scale λ = e^β₀, shape ρ = 1/σ               |
/// | log_normal        | Φ(−z)                            | μ = β₀, σ                                   |
/// | log_logistic      | 1/(1 + eᶻ)                       | median α = e^β₀, shape β = 1/σ              |
/// | generalized_gamma | of (1/Q²)·e^(Qz) gamma (1/Q²)    | Q = 1 Weibull, 0 log-normal, σ gamma (Prentice
/// 1974) |
///
/// A lifetime is known to lie between two times: equal for an event, with no upper one (infinity) when
/// censored, 0 and a time when it ended unseen before the first look, two times between looks. Such a row
/// adds ln[S(lower) − S(upper)], an event the log-density in t, a late `entry` −ln S(entry).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "salesops/parallel.hpp"
#include "salesops/survival/cox.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

/// The law of ln T.
enum class LifetimeLaw : std::uint8_t { exponential, weibull, log_normal, log_logistic, generalized_gamma };

struct AftOptions {
  std::span<const double> entry = {};
  std::span<const double> weights = {};  ///< frequencies: 2 counts as two equal rows
  double level = 95;                     ///< percent
  Execution execution = {};
};

struct AftModel {
  LifetimeLaw law = LifetimeLaw::weibull;
  /// "intercept", the columns, "ln_sigma" (not exponential), "q" (generalized_gamma).
  std::vector<std::string> names;
  std::vector<double> estimates;   ///< of `names`
  std::vector<double> std_errors;  ///< NaN where the information matrix has no inverse
  std::vector<double> covariance;  ///< row by row; inverse of the observed information
  double sigma = 1;
  double q = 1;                    ///< 1 but for generalized_gamma
  double log_likelihood = 0;       ///< of densities in t
  double log_likelihood_null = 0;  ///< without columns
  ChiSquare likelihood_ratio;      ///< of all columns together
  double aic = 0;                  ///< 2·parameters − 2·log-likelihood
  double bic = 0;                  ///< ln(weight of the rows)·parameters − 2·log-likelihood
  double level = 95;
  bool converged = false;
  std::vector<std::string> notes;
  std::int64_t rows = 0;
  double events = 0;  ///< rows whose lifetime is known exactly

  [[nodiscard]] std::size_t columns() const;
};

/// Maximum likelihood by Newton steps with exact derivatives (the shape Q by differences).
/// Throws `UsageError` for times that are negative, upper below lower, events at time 0, rows that say
/// nothing (0 to infinity) and, as in cox.hpp, for columns that don't vary or are sums of others.
[[nodiscard]] AftModel aft(LifetimeLaw law, std::span<const double> lower, std::span<const double> upper,
                           const std::vector<Covariate>& covariates = {}, const AftOptions& options = {});

/// `upper` of rows that have had the event (1) or were last seen (0): the duration, or infinity.
[[nodiscard]] std::vector<double> upper_of(std::span<const double> durations,
                                           std::span<const std::uint8_t> events);

/// Share of rows like these that lasts beyond each of `times`, with log-log intervals by the delta method;
/// row by row. `x` has a row of the columns each; for a model without columns, `rows` says how many rows.
/// With `since`, an age a row, times count from there: S(since + t)/S(since), as `predict_survival` has it.
[[nodiscard]] SurvivalPrediction aft_survival(const AftModel& model, std::span<const double> x,
                                              std::span<const double> times, std::size_t rows = 1,
                                              std::span<const double> since = {});

/// Times, with intervals symmetric for their logarithm.
struct TimePrediction {
  std::vector<double> estimate;
  std::vector<double> low;
  std::vector<double> high;
};
/// Time by which the share `probability` has had the event, a row each.
[[nodiscard]] TimePrediction aft_quantile(const AftModel& model, std::span<const double> x,
                                          double probability = 0.5, std::size_t rows = 1);

}  // namespace survival
}  // namespace v0
}  // namespace salesops
