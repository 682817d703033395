/// @file discrete.hpp
/// The chance to end in the next period, where time is counted in periods: discrete-time hazards.
///
/// | business question                                          | here                |
/// |------------------------------------------------------------|---------------------|
/// | how likely is a deal of this kind to close this month?     | `discrete_hazard`   |
/// | what share of such deals is still open after k months?     | `discrete_survival` |
///
/// A row is at risk in the periods entry + 1, …, duration; in the last of them it has its event or not. In
/// each, link(hazard) = α(period) + β·x (Cox 1972; Allison 1982; Prentice & Gloeckler 1978): a logistic (or
/// cloglog) regression on a table with a row for each row and period and a level for each period, which is
/// never built. Where few are left, several periods may share a level: a band, within which the hazard of a
/// row is the same in each period. A period (a band) in which nothing ended has hazard 0 and tells nothing of
/// β; after the last duration nothing is known.
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

enum class HazardLink : std::uint8_t {
  logit,    ///< coefficients are ln of odds ratios
  cloglog,  ///< of hazard ratios, as in `cox` of the time behind the periods
};

struct DiscreteOptions {
  std::span<const double> entry = {};    ///< periods gone by when a row was first seen
  std::span<const double> weights = {};  ///< frequencies: 2 counts as two equal rows
  /// First periods of the bands, ascending from 1, such as 1, 2, 3, 5, 9, 14, 27: 3 holds for 3 and 4, the
  /// last for all that come. Empty: each period has its own level.
  std::span<const double> periods = {};
  HazardLink link = HazardLink::logit;
  double level = 95;  ///< percent
  Execution execution = {};
};

struct DiscreteModel {
  HazardLink link = HazardLink::logit;
  std::vector<double> period;      ///< first of each α, ascending: those in which something ended
  std::vector<double> period_end;  ///< last of each α: the same, but for bands
  std::vector<double> baseline;    ///< α at x = 0
  double last = 0;                 ///< longest duration
  std::vector<std::string> names;
  std::vector<double> coefficients;
  std::vector<double> std_errors;
  std::vector<double> covariance;        ///< of the coefficients, row by row
  std::vector<double> joint_covariance;  ///< of `baseline` and then the coefficients
  double log_likelihood = 0;
  double level = 95;
  bool converged = false;
  std::vector<std::string> notes;
  std::int64_t rows = 0;
  double events = 0;  ///< their weight

  /// Chance that a row which has lasted until period `at` ends in it; NaN past `last`.
  [[nodiscard]] double hazard(std::span<const double> x, double at) const;
};

/// Maximum likelihood. `durations` are whole numbers of periods, at least 1. Throws `UsageError` as in
/// cox.hpp, for bands that don't begin with 1 and rise by whole numbers, and for more than 500 periods
/// (bands) with events: time is fine enough for `cox` then.
[[nodiscard]] DiscreteModel discrete_hazard(std::span<const double> durations,
                                            std::span<const std::uint8_t> events,
                                            const std::vector<Covariate>& covariates,
                                            const DiscreteOptions& options = {});

/// Share of rows like these that lasts beyond each of `periods`, with log-log intervals by the delta method;
/// row by row. NaN past the last duration. With `since`, an age a row, periods count from there:
/// S(since + t)/S(since), as `predict_survival` has it.
[[nodiscard]] SurvivalPrediction discrete_survival(const DiscreteModel& model, std::span<const double> x,
                                                   std::span<const double> periods,
                                                   std::span<const double> since = {});

}  // namespace survival
}  // namespace v0
}  // namespace salesops
