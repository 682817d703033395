#include "salesops/survival/aft.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "cox_design.hpp"
#include "laws.hpp"
#include "rows.hpp"
#include "salesops/optimize.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double infinity = special::infinity;
constexpr std::size_t block_rows = 2048;
using RowMatrix = RiskSets::RowMatrix;
using Jet = optimize::Jet<3>;  // by the mean of ln T, ln σ and q

std::size_t free_shapes(LifetimeLaw law) {
  return law == LifetimeLaw::exponential ? 0 : law == LifetimeLaw::generalized_gamma ? 2 : 1;
}

/// What each row knows, with logarithms taken once.
struct Lifetimes {
  std::vector<double> log_lower;  ///< −∞ where nothing is known from below
  std::vector<double> log_upper;  ///< ∞ where nothing is known from above
  std::vector<double> log_entry;  ///< empty, or −∞ where the row was seen from the start
  std::span<const double> weights;
  RowMatrix x;  ///< a column of ones, then the columns, centred and scaled
  VectorXd mean;
  VectorXd scale;
  double total = 0;
};

void check_times(std::span<const double> lower, std::span<const double> upper, const AftOptions& options) {
  const std::size_t rows = lower.size();
  if (rows == 0) throw UsageError("durations has no rows: there is nothing to estimate from");
  check_length(upper.size(), rows, "upper");
  refuse(rows, "lower", "are NaN, infinite or negative",
         [&](auto i) { return !std::isfinite(lower[i]) || lower[i] < 0; });
  refuse(rows, "upper", "are NaN or below their lower time", [&](auto i) { return !(upper[i] >= lower[i]); });
  refuse(rows, "durations", "have their event at time 0, which has no logarithm",
         [&](auto i) { return upper[i] <= 0; });
  if (!options.entry.empty()) {
    const auto& entry = options.entry;
    check_length(entry.size(), rows, "entry");
    refuse(rows, "entry", "are NaN, infinite or negative",
           [&](auto i) { return !std::isfinite(entry[i]) || entry[i] < 0; });
    refuse(rows, "entry", "are not before their duration", [&](auto i) {
      return entry[i] > 0 && (lower[i] == upper[i] ? entry[i] >= lower[i] : entry[i] > lower[i]);
    });
  }
  check_weights(options.weights, rows);
}

void standardize(const std::vector<Covariate>& covariates, Lifetimes& data) {
  const Index rows = data.x.rows();
  data.x.col(0).setOnes();
  data.mean.setZero(data.x.cols());
  data.scale.setOnes(data.x.cols());
  for (std::size_t j = 0; j < covariates.size(); ++j) {
    const auto& [name, values] = covariates[j];
    refuse(values.size(), "column '" + name + "'", "are null, NaN or infinite",
           [&](auto i) { return !std::isfinite(values[i]); });
    const auto column = Eigen::Map<const VectorXd>(values.data(), rows);
    const double middle = column.mean();
    const double deviation = std::sqrt((column.array() - middle).square().mean());
    if (!(deviation > 1e-12 * std::fabs(middle)) || !(deviation > 0))
      throw UsageError("column '" + name + "' has one value in all rows, so it tells nothing: leave it out");
    const auto at = static_cast<Index>(j) + 1;
    data.mean[at] = middle;
    data.scale[at] = deviation;
    data.x.col(at) = (column.array() - middle) / deviation;
  }
  // A column that the others make up has nothing left beside them.
  const MatrixXd products = data.x.transpose() * data.x / static_cast<double>(rows);
  MatrixXd lower = MatrixXd::Zero(products.rows(), products.cols());
  for (Index j = 0; j < products.rows(); ++j) {
    for (Index k = 0; k < j; ++k)
      lower(j, k) = (products(j, k) - lower.row(j).head(k).dot(lower.row(k).head(k))) / lower(k, k);
    const double rest = products(j, j) - lower.row(j).head(j).squaredNorm();
    if (!(rest > 1e-10))
      throw UsageError("column '" + covariates[static_cast<std::size_t>(j) - 1].name +
                       "' is a sum of the columns before it: leave one out");
    lower(j, j) = std::sqrt(rest);
  }
}

Lifetimes lifetimes(std::span<const double> lower, std::span<const double> upper,
                    const std::vector<Covariate>& covariates, const AftOptions& options) {
  Lifetimes data;
  const std::size_t rows = lower.size();
  data.log_lower.resize(rows);
  data.log_upper.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    data.log_lower[i] = std::log(lower[i]);
    data.log_upper[i] = lower[i] == upper[i] ? data.log_lower[i] : std::log(upper[i]);
    data.total += weight_of(options.weights, i);
  }
  if (std::any_of(options.entry.begin(), options.entry.end(), [](double t) { return t > 0; })) {
    data.log_entry.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) data.log_entry[i] = std::log(options.entry[i]);
  }
  data.weights = options.weights;
  data.x.resize(static_cast<Index>(rows), static_cast<Index>(covariates.size()) + 1);
  standardize(covariates, data);
  return data;
}

// ---- The likelihood -------------------------------------------------------------------------------

/// A term of z = (y − μ)/σ and q, by μ, ln σ and q.
Jet by_parameters(const LawTerm& term, double z, double sigma) {
  Jet jet(term.value);
  jet.gradient = {-term.z / sigma, -z * term.z, term.q};
  jet.hessian = {
      term.zz / (sigma * sigma),  // μμ; then sμ, ss; then qμ, qs, qq
      (z * term.zz + term.z) / sigma, z * (z * term.zz + term.z), -term.zq / sigma, -z * term.zq, term.qq};
  return jet;
}

/// ln(eᵃ − eᵇ), a > b.
Jet log_difference(const Jet& a, const Jet& b) {
  const double apart = b.value - a.value;
  const double share = 1 / std::expm1(-apart);  // eᵇ/(eᵃ − eᵇ)
  Jet c(a.value + special::log1m_exp(apart));
  std::array<double, 3> slope{};
  for (std::size_t i = 0; i < 3; ++i) {
    slope[i] = a.gradient[i] - b.gradient[i];
    c.gradient[i] = a.gradient[i] + share * slope[i];
  }
  for (std::size_t i = 0, k = 0; i < 3; ++i)
    for (std::size_t j = 0; j <= i; ++j, ++k)
      c.hessian[k] =
          a.hessian[k] + share * (a.hessian[k] - b.hessian[k]) - share * (1 + share) * slope[i] * slope[j];
  return c;
}

Jet log_likelihood(LifetimeLaw law, const Lifetimes& data, std::size_t row, double mean, double log_sigma,
                   double q) {
  const double sigma = std::exp(log_sigma);
  const auto survival = [&](double log_time) {
    const double z = (log_time - mean) / sigma;
    return by_parameters(log_survival(law, z, q), z, sigma);
  };
  const double from = data.log_lower[row];
  const double to = data.log_upper[row];
  Jet found;
  if (from == to) {
    const double z = (from - mean) / sigma;
    found = by_parameters(log_density(law, z, q), z, sigma);
    found.value -= log_sigma + from;
    found.gradient[1] -= 1;
  } else if (to == infinity) {
    if (from != -infinity) found = survival(from);
  } else {
    found = log_difference(from == -infinity ? Jet(0) : survival(from), survival(to));
  }
  if (!data.log_entry.empty() && data.log_entry[row] != -infinity) found -= survival(data.log_entry[row]);
  return found;
}

/// Minus the log-likelihood at (coefficients, ln σ, q), as many of these as the law leaves free.
optimize::Point objective(LifetimeLaw law, const Lifetimes& data, std::span<const double> at,
                          const Execution& execution) {
  const std::size_t columns = static_cast<std::size_t>(data.x.cols());
  const std::size_t shapes = free_shapes(law);
  const std::size_t size = columns + shapes;
  const double log_sigma = shapes > 0 ? at[columns] : 0;
  const double q = shapes > 1 ? at[columns + 1] : 1;
  const auto p = static_cast<Index>(columns);
  const VectorXd beta = Eigen::Map<const VectorXd>(at.data(), p);
  struct Part {
    double value = 0;
    VectorXd gradient;
    MatrixXd hessian;
  };
  const auto rows = static_cast<std::size_t>(data.x.rows());
  std::vector<Part> parts((rows + block_rows - 1) / block_rows);
  for_rows(rows, block_rows, execution, [&](std::size_t first, std::size_t last) {
    Part& part = parts[first / block_rows];
    const auto n = static_cast<Index>(last - first);
    const auto x = data.x.middleRows(static_cast<Index>(first), n);
    const VectorXd mean = x * beta;
    RowMatrix slopes(n, 3);  // by μ; twice by μ; by μ and ln σ
    VectorXd by_q(n);
    part.gradient = VectorXd::Zero(static_cast<Index>(size));
    part.hessian = MatrixXd::Zero(static_cast<Index>(size), static_cast<Index>(size));
    for (std::size_t row = first; row < last; ++row) {
      const auto i = static_cast<Index>(row - first);
      Jet jet = log_likelihood(law, data, row, mean[i], log_sigma, q);
      jet *= -weight_of(data.weights, row);
      part.value += jet.value;
      slopes.row(i) << jet.gradient[0], jet.hessian[0], jet.hessian[1];
      by_q[i] = jet.hessian[3];
      if (shapes > 0) {
        part.gradient[p] += jet.gradient[1];
        part.hessian(p, p) += jet.hessian[2];
      }
      if (shapes > 1) {
        part.gradient[p + 1] += jet.gradient[2];
        part.hessian(p + 1, p) += jet.hessian[4];
        part.hessian(p + 1, p + 1) += jet.hessian[5];
      }
    }
    part.gradient.head(p).noalias() = x.transpose() * slopes.col(0);
    const RowMatrix curved = slopes.col(1).asDiagonal() * x;
    part.hessian.topLeftCorner(p, p).noalias() = x.transpose() * curved;
    if (shapes > 0) part.hessian.row(p).head(p).noalias() = slopes.col(2).transpose() * x;
    if (shapes > 1) part.hessian.row(p + 1).head(p).noalias() = by_q.transpose() * x;
  });
  Part all{0, VectorXd::Zero(static_cast<Index>(size)),
           MatrixXd::Zero(static_cast<Index>(size), static_cast<Index>(size))};
  for (const Part& part : parts) {
    all.value += part.value;
    all.gradient += part.gradient;
    all.hessian += part.hessian;
  }
  all.hessian.triangularView<Eigen::StrictlyUpper>() = all.hessian.transpose();
  return {all.value,
          {all.gradient.begin(), all.gradient.end()},
          {all.hessian.data(), all.hessian.data() + all.hessian.size()}};
}

// ---- The fit --------------------------------------------------------------------------------------

/// Mean and spread of the logarithms known: where the search begins, wide enough that no row is off the
/// scale.
std::vector<double> start_of(LifetimeLaw law, const Lifetimes& data) {
  double sum = 0;
  double squares = 0;
  double n = 0;
  double lowest = infinity;
  double highest = -infinity;
  for (std::size_t row = 0; row < data.log_lower.size(); ++row) {
    double y = data.log_lower[row];
    if (!std::isfinite(y)) y = data.log_upper[row];
    if (!std::isfinite(y)) continue;
    const double w = weight_of(data.weights, row);
    n += w;
    sum += w * y;
    squares += w * y * y;
    lowest = std::min(lowest, y);
    highest = std::max(highest, y);
  }
  const double mean = n > 0 ? sum / n : 0;
  const double variance = n > 0 ? squares / n - mean * mean : 1;
  std::vector<double> start(static_cast<std::size_t>(data.x.cols()), 0.0);
  start[0] = mean;
  const double apart = n > 0 ? std::max(mean - lowest, highest - mean) : 0;
  if (free_shapes(law) > 0)
    start.push_back(std::log(std::max({std::sqrt(std::max(0.0, variance)), apart / 20, 0.01})));
  return start;
}

optimize::Minimum search(LifetimeLaw law, const Lifetimes& data, const Execution& execution) {
  const auto from = [&](LifetimeLaw which, const std::vector<double>& start) {
    return optimize::minimize(
        [&](std::span<const double> at) { return objective(which, data, at, execution); }, start);
  };
  if (law != LifetimeLaw::generalized_gamma) return from(law, start_of(law, data));
  // Its likelihood may have several tops: begin from the best of both its neighbours.
  optimize::Minimum best;
  for (const auto& [neighbour, q] : {std::pair{LifetimeLaw::weibull, 1.0}, {LifetimeLaw::log_normal, 0.0}}) {
    std::vector<double> start = from(neighbour, start_of(neighbour, data)).x;
    start.push_back(q);
    optimize::Minimum found = from(law, start);
    const bool better = best.x.empty() || (found.converged && !best.converged) ||
                        (found.converged == best.converged && found.value < best.value);
    if (better) best = std::move(found);
  }
  return best;
}

/// From centred and scaled columns to those given: estimates and covariance are linear in each other.
void unscale(const Lifetimes& data, const optimize::Minimum& best, AftModel& model) {
  const auto size = static_cast<Index>(best.x.size());
  MatrixXd back = MatrixXd::Identity(size, size);
  for (Index j = 1; j < data.x.cols(); ++j) {
    back(j, j) = 1 / data.scale[j];
    back(0, j) = -data.mean[j] / data.scale[j];
  }
  const VectorXd estimates = back * Eigen::Map<const VectorXd>(best.x.data(), size);
  model.estimates.assign(estimates.begin(), estimates.end());
  std::vector<double> inverse = optimize::inverse_positive(best.hessian);
  if (inverse.empty()) {
    inverse.assign(best.x.size() * best.x.size(), special::not_a_number);
    model.notes.emplace_back("the information matrix has no inverse: there are no standard errors");
  }
  const MatrixXd covariance =
      back * Eigen::Map<const MatrixXd>(inverse.data(), size, size) * back.transpose();
  model.covariance.assign(covariance.data(), covariance.data() + covariance.size());
  for (Index j = 0; j < size; ++j) model.std_errors.push_back(std::sqrt(covariance(j, j)));
}

}  // namespace

std::size_t AftModel::columns() const { return names.size() - 1 - free_shapes(law); }

std::vector<double> upper_of(std::span<const double> durations, std::span<const std::uint8_t> events) {
  check(durations, events, 1, {}, {});
  std::vector<double> upper(durations.begin(), durations.end());
  for (std::size_t row = 0; row < upper.size(); ++row)
    if (events[row] == 0) upper[row] = infinity;
  return upper;
}

AftModel aft(LifetimeLaw law, std::span<const double> lower, std::span<const double> upper,
             const std::vector<Covariate>& covariates, const AftOptions& options) {
  const StopScope scope(options.execution.stop);
  check_times(lower, upper, options);
  if (!covariates.empty()) check_covariates(covariates, lower.size());
  (void)stats::normal_multiplier(options.level);
  if (std::none_of(upper.begin(), upper.end(), [](double t) { return t < infinity; }))
    throw UsageError("events: none of " + std::to_string(lower.size()) +
                     " rows is known to have ended, so nothing tells how long things last");
  Execution execution = options.execution;
  execution.progress = {};
  const Lifetimes data = lifetimes(lower, upper, covariates, options);
  const optimize::Minimum best = search(law, data, execution);

  AftModel model;
  model.law = law;
  model.names.emplace_back("intercept");
  for (const Covariate& covariate : covariates) model.names.push_back(covariate.name);
  if (free_shapes(law) > 0) model.names.emplace_back("ln_sigma");
  if (free_shapes(law) > 1) model.names.emplace_back("q");
  model.level = options.level;
  model.converged = best.converged;
  if (!best.converged) model.notes.push_back("not converged: " + std::string(optimize::text(best.reason)));
  unscale(data, best, model);
  const std::size_t shapes = covariates.size() + 1;
  if (free_shapes(law) > 0) model.sigma = std::exp(model.estimates[shapes]);
  if (free_shapes(law) > 1) model.q = model.estimates[shapes + 1];
  model.log_likelihood = -best.value;
  model.log_likelihood_null = model.log_likelihood;
  if (!covariates.empty()) {
    model.log_likelihood_null = -search(law, lifetimes(lower, upper, {}, options), execution).value;
    model.likelihood_ratio = {std::max(0.0, 2 * (model.log_likelihood - model.log_likelihood_null)),
                              static_cast<int>(covariates.size()), 1};
    model.likelihood_ratio.p_value =
        chi_square_tail(model.likelihood_ratio.statistic, model.likelihood_ratio.degrees);
  }
  const auto parameters = static_cast<double>(model.names.size());
  model.aic = 2 * parameters - 2 * model.log_likelihood;
  model.bic = std::log(data.total) * parameters - 2 * model.log_likelihood;
  model.rows = static_cast<std::int64_t>(lower.size());
  for (std::size_t row = 0; row < lower.size(); ++row)
    if (lower[row] == upper[row]) model.events += weight_of(options.weights, row);
  return model;
}

// ---- Predictions ----------------------------------------------------------------------------------

namespace {

/// Rows to predict for: 1, the columns; and the variance of what is linear in all estimates.
class Predictor {
 public:
  Predictor(const AftModel& model, std::span<const double> x, std::size_t rows) : model_(model), x_(x) {
    const std::size_t p = model.columns();
    if (p == 0 ? !x.empty() : x.size() % p != 0)
      throw UsageError("x has " + std::to_string(x.size()) + " values, which are no whole rows of " +
                       std::to_string(p) + " columns");
    rows_ = p == 0 ? rows : x.size() / p;
  }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] double mean(std::size_t row) const {
    double sum = model_.estimates[0];
    for (std::size_t j = 0; j < model_.columns(); ++j) sum += model_.estimates[j + 1] * value(row, j);
    return sum;
  }
  /// Standard error of a quantity with these slopes by the mean of ln T, ln σ and q.
  [[nodiscard]] double error(std::size_t row, double by_mean, double by_sigma, double by_q) const {
    const auto size = static_cast<Index>(model_.names.size());
    const auto p = static_cast<Index>(model_.columns());
    VectorXd slope = VectorXd::Zero(size);
    slope[0] = by_mean;
    for (Index j = 0; j < p; ++j) slope[j + 1] = by_mean * value(row, static_cast<std::size_t>(j));
    if (size > p + 1) slope[p + 1] = by_sigma;
    if (size > p + 2) slope[p + 2] = by_q;
    const auto covariance = Eigen::Map<const MatrixXd>(model_.covariance.data(), size, size);
    return std::sqrt(std::max(0.0, slope.dot(covariance * slope)));
  }

 private:
  [[nodiscard]] double value(std::size_t row, std::size_t column) const {
    return x_[row * model_.columns() + column];
  }
  const AftModel& model_;
  std::span<const double> x_;
  std::size_t rows_ = 0;
};

}  // namespace

namespace {

/// ln S(time), with its slopes by the mean of ln T, ln σ and q.
struct LogShare {
  double value = 0;
  double by_mean = 0;
  double by_sigma = 0;
  double by_q = 0;
};

LogShare log_share(const AftModel& model, double mean, double time) {
  if (time <= 0) return {};
  const double z = (std::log(time) - mean) / model.sigma;
  const LawTerm term = log_survival(model.law, z, model.q);
  return {term.value, -term.z / model.sigma, -z * term.z, term.q};
}

}  // namespace

SurvivalPrediction aft_survival(const AftModel& model, std::span<const double> x,
                                std::span<const double> times, std::size_t rows,
                                std::span<const double> since) {
  const Predictor predictor(model, x, rows);
  check_ahead(times, since, predictor.rows());
  const double z_level = stats::normal_multiplier(model.level);
  SurvivalPrediction found;
  for (std::size_t row = 0; row < predictor.rows(); ++row) {
    tick(row);
    const double mean = predictor.mean(row);
    const double age = since.empty() ? 0 : since[row];
    const LogShare from = log_share(model, mean, age);
    for (const double time : times) {
      double survival = 1;
      Band band{1, 1};
      if (time > 0) {
        const LogShare to = log_share(model, mean, age + time);
        survival = std::exp(to.value - from.value);
        const double error =
            predictor.error(row, to.by_mean - from.by_mean, to.by_sigma - from.by_sigma, to.by_q - from.by_q);
        band = band_of(survival, survival * error, z_level, IntervalKind::log_log);
      }
      found.survival.push_back(survival);
      found.low.push_back(band.low);
      found.high.push_back(band.high);
    }
  }
  return found;
}

TimePrediction aft_quantile(const AftModel& model, std::span<const double> x, double probability,
                            std::size_t rows) {
  if (!(probability > 0 && probability < 1))
    throw UsageError("probability must lie between 0 and 1, ends left out");
  const Predictor predictor(model, x, rows);
  const double z_level = stats::normal_multiplier(model.level);
  const double z = law_quantile(model.law, probability, model.q);
  double by_q = 0;
  if (model.law == LifetimeLaw::generalized_gamma) {
    const double step = 1e-4 * std::max(1.0, std::fabs(model.q));
    by_q = model.sigma *
           (law_quantile(model.law, probability, model.q + step) -
            law_quantile(model.law, probability, model.q - step)) /
           (2 * step);
  }
  TimePrediction found;
  for (std::size_t row = 0; row < predictor.rows(); ++row) {
    const double log_time = predictor.mean(row) + model.sigma * z;
    const double half = z_level * predictor.error(row, 1, model.sigma * z, by_q);
    found.estimate.push_back(std::exp(log_time));
    found.low.push_back(std::exp(log_time - half));
    found.high.push_back(std::exp(log_time + half));
  }
  return found;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
