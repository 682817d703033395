#include "solve.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "../optimize/linear.hpp"
#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using optimize::Minimum;
using optimize::Point;
using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

/// A standard error of a logarithm beyond this says: anything between nothing and infinity.
constexpr double hopeless = 30;
constexpr double worthless = 1e-5;  ///< no test and no forecast feels so little likelihood
constexpr double far_away = 45;     ///< e^45 units: no data tell such parameters from infinity
constexpr double endless = 20;  ///< a profile that hasn't ended by e^20 units is flat, beyond it is rounding

/// −ln L with the priors added, by the logarithms of the parameters in their units.
class Objective {
 public:
  Objective(const Problem& problem, const FitOptions& options) : problem_(problem), options_(options) {
    for (std::size_t j = 0; j < problem.names.size(); ++j) {
      const LogNormalPrior prior = j < options.priors.size() ? options.priors[j] : LogNormalPrior{};
      log_units_.push_back(j < problem.units.size() ? std::log(problem.units[j]) : 0);
      centre_.push_back(std::log(prior.median) - log_units_[j]);
      precision_.push_back(1 / (prior.log_sd * prior.log_sd));
    }
  }

  [[nodiscard]] const std::vector<double>& log_units() const { return log_units_; }

  Point operator()(std::span<const double> at) {
    Point point = of(problem_.log_likelihood, at);
    log_likelihood_ = -point.value;
    for (std::size_t j = 0; j < at.size(); ++j) add_prior(point, j, at[j]);
    ++evaluations_;
    if (options_.execution.progress) options_.execution.progress(1 - 4.0 / (4 + evaluations_));
    return point;
  }
  /// Value and slopes, for many threads.
  [[nodiscard]] Point slopes(std::span<const double> at) const {
    Point point = of(problem_.slopes ? problem_.slopes : problem_.log_likelihood, at);
    for (std::size_t j = 0; j < at.size(); ++j) add_prior(point, j, at[j]);
    return point;
  }
  /// Of the last point.
  [[nodiscard]] double log_likelihood() const { return log_likelihood_; }

 private:
  [[nodiscard]] Point of(const LogLikelihood& log_likelihood, std::span<const double> at) const {
    std::vector<double> logs(at.begin(), at.end());
    for (std::size_t j = 0; j < logs.size(); ++j) logs[j] += log_units_[j];
    Point point = log_likelihood(logs);
    point.value = -point.value;
    for (double& g : point.gradient) g = -g;
    for (double& h : point.hessian) h = -h;
    return point;
  }
  void add_prior(Point& point, std::size_t j, double at) const {
    const double off = at - centre_[j];
    const double precision = precision_[j];
    point.value += (precision > 0 ? precision * off * off : 0) / 2 + options_.l2 * at * at / 2;
    point.gradient[j] += (precision > 0 ? precision * off : 0) + options_.l2 * at;
    if (!point.hessian.empty()) point.hessian[j * (log_units_.size() + 1)] += precision + options_.l2;
  }

  const Problem& problem_;
  const FitOptions& options_;
  std::vector<double> log_units_, centre_, precision_;
  double log_likelihood_ = 0;
  int evaluations_ = 0;
};

void check(const Problem& problem, const FitOptions& options) {
  const std::string call = problem.call;
  const std::size_t k = problem.start.size();
  std::string order;
  for (std::size_t j = 0; j < k; ++j) order += (j > 0 ? ", " : "") + problem.names[j];
  if (!options.start.empty() && options.start.size() != k)
    throw UsageError(call + ": start needs one value each for " + order);
  for (const double value : options.start)
    if (!(value > 0 && value < special::infinity)) throw UsageError(call + ": start values must be above 0");
  if (!options.priors.empty() && options.priors.size() != k)
    throw UsageError(call + ": priors needs one entry each for " + order);
  for (const LogNormalPrior& prior : options.priors)
    if (!(prior.median > 0 && prior.median < special::infinity && prior.log_sd > 0))
      throw UsageError(call + ": a prior needs a median and a log_sd above 0");
  if (!(options.l2 >= 0 && options.l2 < special::infinity))
    throw UsageError(call + ": l2 must be at least 0");
  if (!(options.tolerance >= 0)) throw UsageError(call + ": tolerance must be at least 0");
  if (options.max_iterations < 1) throw UsageError(call + ": max_iterations must be at least 1");
  if (options.profile_level != 0 && !(options.profile_level > 1 && options.profile_level < 100))
    throw UsageError(call + ": profile_level is in percent, above 1 and below 100, or 0 for none");
}

// ---- Covariance -----------------------------------------------------------------------------------

/// Covariance of the logarithms over the directions that the data tell something of, and the parameters that
/// stand in the others: those are open, the rest is as if they stood at the end of their ridge.
struct Spread {
  MatrixXd covariance;
  std::vector<bool> open;
};

Spread spread_of_logs(const MatrixXd& information) {
  const Index k = information.rows();
  std::vector<bool> open(static_cast<std::size_t>(k));
  VectorXd scale(k);
  for (Index j = 0; j < k; ++j) {
    const double own = information(j, j);
    open[static_cast<std::size_t>(j)] = !(own > 1 / (hopeless * hopeless));
    scale[j] = open[static_cast<std::size_t>(j)] ? 0 : 1 / std::sqrt(own);
  }
  MatrixXd covariance = MatrixXd::Zero(k, k);
  const MatrixXd unit = scale.asDiagonal() * information * scale.asDiagonal();
  const linear::Spectrum solver(unit);
  for (Index e = 0; e < k; ++e) {
    const double curvature = solver.eigenvalues()[e];
    const VectorXd direction = solver.eigenvectors().col(e);
    const VectorXd reach = scale.cwiseProduct(direction);
    if (curvature > 1e-12 && reach.norm() < hopeless * std::sqrt(curvature)) {
      covariance += reach * reach.transpose() / curvature;
      continue;
    }
    for (Index j = 0; j < k; ++j)
      if (std::abs(direction[j]) > 0.01) open[static_cast<std::size_t>(j)] = true;
  }
  return {std::move(covariance), std::move(open)};
}

/// dθ/d(coordinate of the search): θ for a parameter searched by its logarithm, 1 for a coefficient.
double slope_of(const FitSummary& summary, std::size_t j) {
  return j + summary.coefficients < summary.estimates.size() ? summary.estimates[j] : 1;
}

void describe_uncertainty(FitSummary& summary, const Minimum& minimum) {
  const std::size_t k = summary.estimates.size();
  const auto size = static_cast<Index>(k);
  MatrixXd information = Eigen::Map<const MatrixXd>(minimum.hessian.data(), size, size);
  // Second derivatives by θ itself: those by ln θ less the slope that is left, over θ².
  for (Index j = 0; j < size - static_cast<Index>(summary.coefficients); ++j)
    information(j, j) -= minimum.gradient[static_cast<std::size_t>(j)];
  const auto [logs, open] = spread_of_logs(information);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      const double known = logs(static_cast<Index>(i), static_cast<Index>(j));
      const double c = open[i] || open[j] ? special::not_a_number : known;
      const double spread = std::sqrt(logs(static_cast<Index>(i), static_cast<Index>(i)) *
                                      logs(static_cast<Index>(j), static_cast<Index>(j)));
      summary.identified_covariance.push_back(known * slope_of(summary, i) * slope_of(summary, j));
      summary.covariance.push_back(c * slope_of(summary, i) * slope_of(summary, j));
      summary.correlation.push_back(c / spread);
    }
    summary.standard_errors.push_back(std::sqrt(summary.covariance[i * k + i]));
  }
}

/// What a step of length 1 in the logarithms could still gain. The search may be stuck on a ridge, where
/// rounding hides which way is down although nothing more is to be had.
double left_to_gain(const Minimum& minimum) {
  constexpr double rounding = 1e-4;  // of curvatures, relative to the largest
  const auto size = static_cast<Index>(minimum.gradient.size());
  const linear::Spectrum solver(Eigen::Map<const MatrixXd>(minimum.hessian.data(), size, size));
  const VectorXd slopes =
      solver.eigenvectors().transpose() * Eigen::Map<const VectorXd>(minimum.gradient.data(), size);
  const double flat = rounding * solver.eigenvalues().cwiseAbs().maxCoeff();
  double gain = 0;
  for (Index e = 0; e < size; ++e) {
    const double slope = std::abs(slopes[e]);
    const double curvature = solver.eigenvalues()[e];
    if (curvature < -flat) return special::infinity;
    gain += curvature > 0 ? std::min(slope, slope * slope / curvature / 2) : slope;
  }
  return gain;
}

void note_ridges(FitSummary& summary) {
  const std::size_t k = summary.parameters.size();
  std::string open;
  for (std::size_t i = 0; i < k; ++i)
    if (std::isnan(summary.standard_errors[i])) open += (open.empty() ? "" : ", ") + summary.parameters[i];
  if (!open.empty())
    summary.notes.push_back("the data do not determine " + open +
                            ": the likelihood is flat there and no standard error exists; intervals of "
                            "forecasts are over what is determined");
  for (std::size_t i = 0; i < k; ++i) {
    if (i + summary.coefficients < k && summary.standard_errors[i] > summary.estimates[i])
      summary.notes.push_back(summary.parameters[i] + " is hardly determined: its standard error is " +
                              number(100 * summary.standard_errors[i] / summary.estimates[i]) +
                              " % of the estimate");
    for (std::size_t j = 0; j < i; ++j)
      if (std::abs(summary.correlation[i * k + j]) > 0.995)
        summary.notes.push_back(summary.parameters[j] + " and " + summary.parameters[i] +
                                " are known together only, not each (correlation " +
                                number(summary.correlation[i * k + j]) + ")");
  }
}

// ---- Profiles -------------------------------------------------------------------------------------

/// One parameter held fast, the rest at their best.
class Profile {
 public:
  Profile(Objective& objective, const Minimum& best, std::size_t fixed, const FitOptions& options)
      : objective_(objective), best_(best), fixed_(fixed), options_(options), warm_(best.x) {}

  /// How much the likelihood falls when the parameter stands `away` from its best place, doubled; NaN where
  /// the best of the rest isn't found from here.
  double fall(double away) {
    std::vector<double> full = warm_;
    full[fixed_] = best_.x[fixed_] + away;
    if (full.size() == 1) return 2 * (objective_(full).value - best_.value);
    Minimum found = search(full);
    if (!settled(found)) {  // slopes may have cancelled: does a second search still gain?
      place(found.x, full);
      const double before = found.value;
      found = search(full);
      if (!(before - found.value < 10 * worthless)) return special::not_a_number;
    }
    place(found.x, warm_);
    warm_[fixed_] = full[fixed_];
    return 2 * (found.value - best_.value);
  }

  /// Where the fall reaches `allowed` on one side; ±∞ when it never does, NaN when it can't be followed.
  double end(int side, double allowed, double step) {
    warm_ = best_.x;
    double inside = 0;
    double lack = -allowed;
    for (double by = step / 4; by > 1e-4;) {
      const double away = inside + by;
      if (std::abs(best_.x[fixed_] + side * away) > endless) return side * special::infinity;
      const std::vector<double> here = warm_;
      const double over = fall(side * away) - allowed;
      if (std::isnan(over)) {  // the others have gone too far along their ridge for one step
        by /= 4;
        if (by < 1e-3 && inside > 5) return side * special::infinity;  // flat to where numbers overflow
      } else if (over > allowed && by > step / 1000) {  // perhaps another hollow: come nearer first
        warm_ = here;
        by /= 4;
      } else if (over >= 0) {
        warm_ = here;
        return side * between(inside, lack, away, over, side, allowed);
      } else {
        inside = away;
        lack = over;
        by = std::min(2 * by, 4.0);
      }
    }
    return special::not_a_number;
  }

 private:
  [[nodiscard]] Minimum search(std::vector<double> full) {
    return optimize::minimize(
        [&](std::span<const double> x) {
          place(x, full);
          Point point = objective_(full);
          if (point.hessian.empty()) return point;
          return reduced(std::move(point));
        },
        without(full),
        {.tolerance = options_.tolerance, .max_iterations = options_.max_iterations, .bound = endless});
  }
  /// The rest has found its best, which may lie at infinity.
  [[nodiscard]] static bool settled(const Minimum& found) {
    return found.converged || found.reason == optimize::Reason::unbounded ||
           (!found.hessian.empty() && left_to_gain(found) < worthless);
  }

  /// Root in a bracket by the Illinois rule.
  double between(double low, double at_low, double high, double at_high, int side, double allowed) {
    int kept = 0;
    for (int i = 0; i < 60 && high - low > 1e-10 * high && at_high != 0; ++i) {
      const double middle = low - at_low * (high - low) / (at_high - at_low);
      const double over = fall(side * middle) - allowed;
      if (std::isnan(over) || std::abs(over) < 1e-9) return middle;
      if (over < 0) {
        low = middle;
        at_low = over;
        if (kept == -1) at_high /= 2;
        kept = -1;
      } else {
        high = middle;
        at_high = over;
        if (kept == 1) at_low /= 2;
        kept = 1;
      }
    }
    return high;
  }

  [[nodiscard]] std::vector<double> without(std::vector<double> full) const {
    full.erase(full.begin() + static_cast<std::ptrdiff_t>(fixed_));
    return full;
  }
  void place(std::span<const double> rest, std::vector<double>& full) const {
    for (std::size_t i = 0, j = 0; i < full.size(); ++i)
      if (i != fixed_) full[i] = rest[j++];
  }
  [[nodiscard]] Point reduced(Point point) const {
    const std::size_t k = point.gradient.size();
    Point less{point.value, without(point.gradient), {}};
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j < k; ++j)
        if (i != fixed_ && j != fixed_) less.hessian.push_back(point.hessian[i * k + j]);
    return less;
  }

  Objective& objective_;
  const Minimum& best_;
  std::size_t fixed_;
  const FitOptions& options_;
  std::vector<double> warm_;
};

void add_profiles(FitSummary& summary, Objective& objective, const Minimum& best, const FitOptions& options) {
  const double z = stats::normal_multiplier(options.profile_level);
  for (std::size_t j = 0; j < summary.estimates.size(); ++j) {
    Profile profile(objective, best, j, options);
    const double estimate = summary.estimates[j];
    const double se = summary.standard_errors[j] / slope_of(summary, j);
    const double step = se > 0 && se < 2 ? z * se : 0.5;
    const double low = profile.end(-1, z * z, step);
    const double high = profile.end(1, z * z, step);
    const bool logarithm = j + summary.coefficients < summary.estimates.size();
    summary.profile.push_back({estimate, logarithm ? estimate * std::exp(low) : estimate + low,
                               logarithm ? estimate * std::exp(high) : estimate + high,
                               options.profile_level});
  }
}

// ---- Posterior ------------------------------------------------------------------------------------

/// What is believed when nothing is said: a factor e^±2 around the mean T and the mean spend.
constexpr double weak_ridge = 0.25;

/// R-hat above it, or fewer effective draws than these, and the draws are worth a warning.
constexpr double met = 1.01;
constexpr double enough = 400;

void add_posterior(FitSummary& summary, const Objective& objective, const Minimum& best,
                   posterior::Options options, const Execution& execution) {
  options.execution = execution;
  const auto energy = [&](std::span<const double> x) { return objective.slopes(x); };
  Posterior& result = summary.posterior.emplace();
  result.draws = posterior::draw(energy, best.x, optimize::inverse_positive(best.hessian), options);
  const std::size_t k = best.x.size();
  for (std::size_t i = 0; i < result.draws.values.size(); ++i)
    if (i % k + summary.coefficients < k)
      result.draws.values[i] = std::exp(result.draws.values[i] + objective.log_units()[i % k]);
  double worst = 1, fewest = special::infinity;
  for (std::size_t j = 0; j < k; ++j) {
    result.parameters.push_back(posterior::diagnose(result.draws, j));
    worst = std::max(worst, result.parameters[j].r_hat);
    fewest = std::min({fewest, result.parameters[j].ess_bulk, result.parameters[j].ess_tail});
  }
  if (worst > met)
    summary.notes.push_back("the chains have not met (R-hat " + number(worst) + "): draw more");
  if (fewest < enough) summary.notes.push_back("few effective draws (" + number(fewest) + "): draw more");
  if (result.draws.divergences > 0)
    summary.notes.push_back(
        number(static_cast<double>(result.draws.divergences)) +
        " trajectories diverged: a corner of the posterior was not entered; raise acceptance"
        " or state narrower priors");
}

}  // namespace

// ---- Shared parts ---------------------------------------------------------------------------------

FitSummary solve(const Problem& problem, const FitOptions& asked) {
  check(problem, asked);
  FitOptions options = asked;
  const bool weak = options.posterior && options.l2 == 0 && options.priors.empty();
  if (weak) options.l2 = weak_ridge;
  if (options.posterior) options.execution = part_of(asked.execution, 0, 0.1);
  Objective objective(problem, options);
  std::vector<double> start = options.start.empty() ? problem.start : options.start;
  for (std::size_t j = 0; j < start.size(); ++j) start[j] = std::log(start[j]) - objective.log_units()[j];
  start.resize(problem.names.size());
  const optimize::Options how{
      .tolerance = options.tolerance, .max_iterations = options.max_iterations, .bound = far_away};
  const Minimum best = optimize::minimize(std::ref(objective), start, how);
  (void)objective(best.x);

  FitSummary summary;
  summary.parameters = problem.names;
  summary.coefficients = problem.coefficients;
  for (std::size_t j = 0; j < best.x.size(); ++j)
    summary.estimates.push_back(j < problem.start.size() ? std::exp(best.x[j] + objective.log_units()[j])
                                                         : best.x[j]);
  summary.log_likelihood = objective.log_likelihood();
  summary.n = problem.n;
  summary.distinct_rows = problem.distinct_rows;
  summary.iterations = best.iterations;
  summary.converged = best.converged;
  summary.reason = optimize::text(best.reason);
  if (best.hessian.empty())
    throw UsageError(std::string(problem.call) +
                     ": the likelihood is not finite at the start values; give others in start");
  if (best.reason == optimize::Reason::stuck && left_to_gain(best) < worthless) {
    summary.converged = true;
    summary.reason = optimize::text(optimize::Reason::noise);
  }
  describe_uncertainty(summary, best);
  note_ridges(summary);
  if (options.profile_level > 0) add_profiles(summary, objective, best, options);
  if (options.posterior)
    add_posterior(summary, objective, best, *options.posterior, part_of(asked.execution, 0.1, 1));
  if (weak)
    summary.notes.emplace_back(
        "believed before the data: each parameter within a factor of 50 of 1, times in units of the mean T");
  if (options.execution.progress) options.execution.progress(1);
  return summary;
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

void note_customers(FitSummary& summary, const Population& population, const FitOptions& options) {
  if (population.repeats == 0 && !has_priors(options)) {
    summary.converged = false;
    summary.reason = "no customer bought again";
    summary.notes.push_back(
        "no customer bought again: purchase rates are only known to be small; wait for purchases or give "
        "priors");
  }
  if (population.customers == 1)
    summary.notes.push_back("one customer tells nothing about differences between customers");
  else if (population.rows.size() == 1)
    summary.notes.push_back("all customers are alike in x, t_x and T: nothing tells how they differ");
}

void note_homogeneous(FitSummary& summary, std::size_t shape, std::size_t rate, const std::string& what) {
  const double value = summary.estimates[shape];
  const double error = summary.standard_errors[shape];
  if (!(value > 1000 && !(error < value))) return;
  const std::string first = summary.parameters[shape];
  const std::string second = summary.parameters[rate];
  summary.notes.push_back(first + " and " + second + " tend to infinity with " + first + "/" + second +
                          " = " + number(value / summary.estimates[rate]) + ": " + what);
}

void note_dropout(FitSummary& summary, std::size_t a, std::size_t b) {
  const std::string first = summary.parameters[a];
  const std::string second = summary.parameters[b];
  const double sum = summary.estimates[a] + summary.estimates[b];
  const double share = summary.estimates[a] / sum;
  const std::string ratio = " with " + first + "/(" + first + "+" + second + ") = " + number(share);
  if (share < 1e-3 && !(summary.standard_errors[a] < summary.estimates[a]))
    summary.notes.push_back(first + "/(" + first + "+" + second +
                            ") tends to 0: nobody seems to leave, and a model without dropout says the same");
  else if (sum > 1000 && !(summary.standard_errors[b] < summary.estimates[b]))
    summary.notes.push_back(first + " and " + second + " tend to infinity" + ratio +
                            ": all customers leave with the same probability");
  else if (sum < 1e-3)
    summary.notes.push_back(first + " and " + second + " tend to 0" + ratio +
                            ": customers leave at the first chance or never");
}

std::array<double, 2> purchase_moments(const Population& population) {
  const double n = population.customers;
  const double mean = std::max(population.repeats, 0.5) / n;
  const double variance = population.squares / n - mean * mean;
  const double r = variance > mean ? std::clamp(mean * mean / (variance - mean), 0.05, 20.0) : 20;
  return {r, r * population.mean_time() / mean};
}

// ---- Results --------------------------------------------------------------------------------------

double FitSummary::aic() const { return 2 * static_cast<double>(parameters.size()) - 2 * log_likelihood; }

double FitSummary::bic() const {
  return static_cast<double>(parameters.size()) * std::log(n) - 2 * log_likelihood;
}

std::vector<stats::Interval> FitSummary::intervals(double level) const {
  const double z = stats::normal_multiplier(level);
  std::vector<stats::Interval> result;
  for (std::size_t j = 0; j < estimates.size(); ++j) {
    const double reach = z * standard_errors[j];
    if (j + coefficients < estimates.size()) {
      const double factor = std::exp(reach / estimates[j]);
      result.push_back({estimates[j], estimates[j] / factor, estimates[j] * factor, level});
    } else {
      result.push_back({estimates[j], estimates[j] - reach, estimates[j] + reach, level});
    }
  }
  return result;
}

LikelihoodRatioTest likelihood_ratio_test(const FitSummary& smaller, const FitSummary& larger) {
  if (larger.parameters.size() <= smaller.parameters.size())
    throw UsageError("likelihood_ratio_test: the second fit needs more parameters than the first");
  if (smaller.n != larger.n)
    throw UsageError("likelihood_ratio_test: both fits must be of the same customers");
  LikelihoodRatioTest test;
  test.statistic = std::max(0.0, 2 * (larger.log_likelihood - smaller.log_likelihood));
  test.degrees = static_cast<int>(larger.parameters.size() - smaller.parameters.size());
  test.p_value = boost::math::gamma_q(test.degrees / 2.0, test.statistic / 2, Policy());
  return test;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
