#include "salesops/survival/cox.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "../optimize/linear.hpp"
#include "cox_design.hpp"
#include "rows.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double most_steps = 4e10;

std::vector<double> values_of(const VectorXd& vector) { return {vector.begin(), vector.end()}; }
std::vector<double> values_of(const MatrixXd& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

// ---- What may come in -----------------------------------------------------------------------------

void check_codes(std::span<const std::uint32_t> codes, std::size_t rows, const std::string& argument) {
  if (!codes.empty()) check_length(codes.size(), rows, argument);
}

void check_all(std::span<const double> durations, std::span<const std::uint8_t> events,
               const std::vector<Covariate>& covariates, const CoxOptions& options) {
  check(durations, events, 1, options.entry, options.weights);
  check_codes(options.strata, durations.size(), "strata");
  check_codes(options.cluster, durations.size(), "cluster");
  check_covariates(covariates, durations.size());
  if (!(options.penalty >= 0) || std::isinf(options.penalty))
    throw UsageError("penalty must be a finite number of at least 0");
  if (options.max_iterations < 1) throw UsageError("max_iterations must be at least 1");
  if (std::find(events.begin(), events.end(), 1) == events.end())
    throw UsageError("events: none of " + std::to_string(events.size()) +
                     " rows has an event, so nothing tells what brings it on");
  if (options.ties == CoxTies::exact && !options.weights.empty())
    throw UsageError("weights: exact ties take no weights; leave them out, or take efron");
  if (options.ties == CoxTies::exact && (options.robust || !options.cluster.empty()))
    throw UsageError(std::string(options.cluster.empty() ? "robust" : "cluster") +
                     ": exact ties have no robust errors; leave robust and cluster out, or take efron");
}

// ---- Tests and notes -------------------------------------------------------------------------------

/// v'M⁻¹v over the directions that M knows.
ChiSquare quadratic_form(const MatrixXd& matrix, const VectorXd& vector) {
  const VectorXd scale = matrix.diagonal().cwiseMax(1e-300).cwiseSqrt().cwiseInverse();
  const linear::Spectrum solver(scale.asDiagonal() * matrix * scale.asDiagonal());
  const VectorXd along = solver.eigenvectors().transpose() * scale.cwiseProduct(vector);
  ChiSquare found;
  for (Index i = 0; i < along.size(); ++i) {
    if (!(solver.eigenvalues()[i] > 1e-11)) continue;
    found.statistic += along[i] * along[i] / solver.eigenvalues()[i];
    ++found.degrees;
  }
  found.p_value = chi_square_tail(found.statistic, found.degrees);
  return found;
}

/// Columns whose effect the data no longer bound: what was known of them at 0 has gone.
std::vector<Index> runaways(const Maximum& best, const MatrixXd& inverse) {
  const MatrixXd at_zero = linear::inverse(best.at_zero.information);
  std::vector<Index> found;
  for (Index j = 0; j < inverse.rows(); ++j)
    if (!(inverse(j, j) > 0) || inverse(j, j) > 1e4 * at_zero(j, j)) found.push_back(j);
  return found;
}

// ---- Variances and baselines ----------------------------------------------------------------------

/// Sandwich of the summed score residuals of each cluster.
MatrixXd robust_covariance(const RiskSets& sets, const VectorXd& beta, const MatrixXd& inverse,
                           std::span<const std::uint32_t> cluster) {
  RiskSets::RowMatrix residuals = sets.score_residuals(beta);
  if (!cluster.empty()) {
    std::unordered_map<std::uint32_t, Index> place;
    for (std::size_t row = 0; row < cluster.size(); ++row) {
      const auto [found, is_new] = place.emplace(cluster[row], static_cast<Index>(place.size()));
      const auto own = static_cast<Index>(row);
      // A cluster's place is at or before the row that names it.
      if (is_new && found->second != own)
        residuals.row(found->second) = RiskSets::RowMatrix(residuals.row(own));
      else if (!is_new)
        residuals.row(found->second) += RiskSets::RowMatrix(residuals.row(own));
    }
    residuals.conservativeResize(static_cast<Index>(place.size()), Eigen::NoChange);
  }
  const RiskSets::RowMatrix influence = residuals * inverse;
  return influence.transpose() * influence;
}

/// Baselines of the strata, from the hazards by group.
std::vector<CoxBaseline> baselines_of(const RiskSets& sets, const VectorXd& beta,
                                      std::span<const std::uint32_t> strata) {
  const RiskSets::Hazards gone = sets.hazards(beta);
  const auto p = static_cast<Index>(sets.columns);
  std::vector<CoxBaseline> found;
  std::size_t g = 0;
  for (std::size_t s = 0; s + 1 < sets.stratum_starts.size(); ++s) {
    std::size_t end = g;
    while (sets.groups[end].deaths > 0) ++end;
    CoxBaseline baseline;
    baseline.stratum = strata.empty() ? 0 : strata[sets.order[sets.stratum_starts[s]]];
    baseline.last = sets.stratum_last[s];
    const std::size_t n = end - g;
    baseline.time.resize(n);
    baseline.cumulative_hazard.resize(n);
    baseline.variance.resize(n);
    baseline.drift.resize(n * sets.columns);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t from = end - 1 - i;
      baseline.time[i] = sets.groups[from].time;
      baseline.cumulative_hazard[i] = gone.cumulative[from];
      baseline.variance[i] = gone.variance[from];
      Eigen::Map<VectorXd>(baseline.drift.data() + i * sets.columns, p) =
          gone.drift.row(static_cast<Index>(from)).transpose().cwiseProduct(sets.scale);
    }
    found.push_back(std::move(baseline));
    g = end + 1;
  }
  return found;
}

}  // namespace

void check_covariates(const std::vector<Covariate>& covariates, std::size_t rows) {
  if (covariates.empty()) throw UsageError("covariates: no column is given");
  for (std::size_t j = 0; j < covariates.size(); ++j) {
    check_length(covariates[j].values.size(), rows, "column '" + covariates[j].name + "'");
    for (std::size_t k = 0; k < j; ++k)
      if (covariates[k].name == covariates[j].name)
        throw UsageError("column '" + covariates[j].name + "' is given twice: rename or drop one");
  }
}

void refuse_sums(const MatrixXd& information, const std::vector<Covariate>& covariates, double deaths) {
  const Index p = information.rows();
  MatrixXd lower = MatrixXd::Zero(p, p);
  for (Index j = 0; j < p; ++j) {
    const std::string name = "column '" + covariates[static_cast<std::size_t>(j)].name + "'";
    const double own = information(j, j);
    if (!(own > 1e-12 * deaths))
      throw UsageError(name + " doesn't vary among the rows at risk when something happens: leave it out");
    for (Index k = 0; k < j; ++k)
      lower(j, k) = (information(j, k) - lower.row(j).head(k).dot(lower.row(k).head(k))) / lower(k, k);
    const double rest = own - lower.row(j).head(j).squaredNorm();
    if (!(rest > 1e-10 * own))
      throw UsageError(name + " is a sum of the columns before it: leave one out, or give a penalty");
    lower(j, j) = std::sqrt(rest);
  }
}

// ---- The maximum ----------------------------------------------------------------------------------

Maximum maximize(const std::function<Likelihood(const VectorXd&)>& likelihood, Index size, double penalty,
                 int max_iterations, const std::function<void(const MatrixXd&)>& inspect) {
  const auto penalized = [&](const VectorXd& beta) {
    Likelihood found = likelihood(beta);
    found.value -= penalty / 2 * beta.squaredNorm();
    found.gradient -= penalty * beta;
    found.information.diagonal().array() += penalty;
    return found;
  };
  Maximum best;
  best.beta = VectorXd::Zero(size);
  best.here = penalized(best.beta);
  best.at_zero = best.here;
  best.at_zero.information.diagonal().array() -= penalty;
  inspect(best.at_zero.information);
  while (true) {
    VectorXd step = linear::solve(best.here.information, best.here.gradient);
    if (!step.allFinite()) return best;
    const double gain = step.dot(best.here.gradient) / 2;
    if (gain <= 1e-14) {
      best.beta += step;
      best.converged = true;
      return best;
    }
    if (best.iterations == max_iterations) return best;
    ++best.iterations;
    bool moved = false;
    for (int halving = 0; halving < 40 && !moved; ++halving, step /= 2) {
      Likelihood there = penalized(best.beta + step);
      const double noise = 1e-13 * std::max(1.0, std::fabs(best.here.value));
      moved = std::isfinite(there.value) && there.information.allFinite() &&
              there.value >= best.here.value - noise;
      if (!moved) continue;
      best.beta += step;
      best.here = std::move(there);
    }
    if (!moved) {
      best.converged = gain <= 1e-9 * std::max(1.0, std::fabs(best.here.value));
      return best;
    }
  }
}

// ---- The fit --------------------------------------------------------------------------------------

CoxModel describe(const RiskSets& sets, const std::vector<Covariate>& covariates, const Maximum& best,
                  const MatrixXd& covariance, const CoxOptions& options) {
  CoxModel model;
  for (const Covariate& covariate : covariates) model.names.push_back(covariate.name);
  const auto p = static_cast<Index>(covariates.size());
  const MatrixXd inverse = linear::inverse(best.here.information);
  const VectorXd back = sets.scale.cwiseInverse();
  const auto uncovariance = [&](const MatrixXd& matrix) -> MatrixXd {
    return back.asDiagonal() * matrix * back.asDiagonal();
  };
  model.coefficients = values_of(VectorXd(best.beta.cwiseProduct(back)));
  model.covariance = values_of(uncovariance(covariance));
  model.model_covariance = values_of(uncovariance(inverse));
  const VectorXd errors = covariance.diagonal().unaryExpr(&error_of);
  model.std_errors = values_of(VectorXd(errors.cwiseProduct(back)));
  model.means = values_of(sets.mean);
  model.log_likelihood_null = best.at_zero.value;
  model.log_likelihood = best.here.value + options.penalty / 2 * best.beta.squaredNorm();
  model.likelihood_ratio = {std::max(0.0, 2 * (model.log_likelihood - model.log_likelihood_null)),
                            static_cast<int>(p), 1};
  model.likelihood_ratio.p_value = chi_square_tail(model.likelihood_ratio.statistic, static_cast<double>(p));
  model.wald = quadratic_form(covariance, best.beta);
  model.score = quadratic_form(best.at_zero.information, best.at_zero.gradient);
  model.ties = options.ties;
  model.level = options.level;
  model.robust = options.robust || !options.cluster.empty();
  model.iterations = best.iterations;
  model.converged = best.converged;
  model.rows = static_cast<std::int64_t>(sets.rows);
  model.events = sets.deaths;
  const auto lost = options.penalty > 0 ? std::vector<Index>() : runaways(best, inverse);
  if (!lost.empty()) {
    std::string names;
    for (const Index j : lost) {
      // Sandwiches are small where nothing is left to vary.
      model.std_errors[static_cast<std::size_t>(j)] = std::numeric_limits<double>::quiet_NaN();
      names += (names.empty() ? "'" : ", '") + covariates[static_cast<std::size_t>(j)].name + "'";
    }
    model.wald.statistic = model.wald.p_value = std::numeric_limits<double>::quiet_NaN();
    model.converged = false;
    model.notes.push_back("the likelihood rises without end: " + names +
                          " splits the rows with events from the others, so its coefficient, error and "
                          "tests mean nothing; leave it out, merge its rare cases, or give a penalty");
  }
  if (!model.converged && model.notes.empty())
    model.notes.push_back("not converged after " + std::to_string(model.iterations) + " steps");
  if (options.penalty > 0)
    model.notes.push_back(
        "coefficients are shrunk by a penalty: intervals and tests lean towards 0 with them");
  return model;
}

CoxModel cox(std::span<const double> durations, std::span<const std::uint8_t> events,
             const std::vector<Covariate>& covariates, const CoxOptions& options) {
  const StopScope scope(options.execution.stop);
  check_all(durations, events, covariates, options);
  (void)stats::normal_multiplier(options.level);
  const RiskSets sets(durations, events, covariates, options);
  const bool exact = options.ties == CoxTies::exact;
  if (exact && sets.cost_of_exact() > most_steps)
    throw UsageError("ties: exact would take " +
                     std::to_string(static_cast<long long>(sets.cost_of_exact() / 1e9)) +
                     " billion steps for these ties; use efron");
  const auto p = static_cast<Index>(covariates.size());
  const Maximum best =
      maximize([&](const VectorXd& beta) { return exact ? sets.evaluate_exact(beta) : sets.evaluate(beta); },
               p, options.penalty, options.max_iterations,
               [&](const MatrixXd& information) {
                 if (options.penalty <= 0)
                   refuse_sums(information, covariates, static_cast<double>(sets.deaths));
               });

  const MatrixXd inverse = linear::inverse(best.here.information);
  const bool robust = options.robust || !options.cluster.empty();
  CoxModel model =
      describe(sets, covariates, best,
               robust ? robust_covariance(sets, best.beta, inverse, options.cluster) : inverse, options);
  if (options.baseline) model.baselines = baselines_of(sets, best.beta, options.strata);
  return model;
}

double CoxModel::log_risk(std::span<const double> x) const {
  if (x.size() != coefficients.size())
    throw UsageError("x has " + std::to_string(x.size()) + " values, the model has " +
                     std::to_string(coefficients.size()) + " columns");
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) sum += coefficients[j] * (x[j] - means[j]);
  return sum;
}

double CoxModel::log_risk_error(std::span<const double> x) const {
  (void)log_risk(x);
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j)
    for (std::size_t k = 0; k < x.size(); ++k)
      sum += covariance[j * x.size() + k] * (x[j] - means[j]) * (x[k] - means[k]);
  return std::sqrt(std::max(0.0, sum));
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
