#include "salesops/optimize.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "optimize/linear.hpp"
#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace optimize {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

VectorXd vector_of(std::span<const double> values) {
  return Eigen::Map<const VectorXd>(values.data(), static_cast<Index>(values.size()));
}
std::vector<double> values_of(const VectorXd& vector) { return {vector.begin(), vector.end()}; }
std::vector<double> values_of(const MatrixXd& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

/// The objective with sizes checked, evaluations counted, and what is not finite marked.
class Landscape {
 public:
  struct Place {
    VectorXd x;
    double value = 0;
    VectorXd gradient;
    MatrixXd hessian;  ///< empty when not given
    bool defined = false;
  };

  explicit Landscape(const Objective& objective) : objective_(objective) {}

  Place at(VectorXd x) {
    ++evaluations_;
    const Point point = objective_({x.data(), static_cast<std::size_t>(x.size())});
    const auto n = static_cast<std::size_t>(x.size());
    Place place{std::move(x), point.value, {}, {}, false};
    if (!std::isfinite(point.value)) return place;
    if (point.gradient.size() != n)
      throw UsageError("minimize: the gradient has " + std::to_string(point.gradient.size()) +
                       " components, the start has " + std::to_string(n));
    if (!point.hessian.empty() && point.hessian.size() != n * n)
      throw UsageError("minimize: the Hessian has " + std::to_string(point.hessian.size()) +
                       " entries instead of " + std::to_string(n * n));
    place.gradient = vector_of(point.gradient);
    if (!point.hessian.empty()) {
      const Eigen::Map<const MatrixXd> given(point.hessian.data(), place.x.size(), place.x.size());
      place.hessian = (given + given.transpose()) / 2;
    }
    place.defined = place.gradient.allFinite() && place.hessian.allFinite();
    return place;
  }

  /// Hessian by central differences of the gradient; empty where a neighbour is undefined.
  MatrixXd measured_hessian(const Place& place) {
    const Index n = place.x.size();
    MatrixXd hessian(n, n);
    for (Index i = 0; i < n; ++i) {
      const double step = std::cbrt(epsilon) * std::max(1.0, std::abs(place.x[i]));
      VectorXd shifted = place.x;
      shifted[i] = place.x[i] + step;
      const Place above = at(shifted);
      shifted[i] = place.x[i] - step;
      const Place below = at(shifted);
      if (!above.defined || !below.defined) return {};
      hessian.col(i) = (above.gradient - below.gradient) / (above.x[i] - below.x[i]);
    }
    return (hessian + hessian.transpose()) / 2;
  }

  [[nodiscard]] int evaluations() const { return evaluations_; }

 private:
  const Objective& objective_;
  int evaluations_ = 0;
};

/// The step that minimises g'p + p'Hp/2 within a ball.
class QuadraticModel {
 public:
  QuadraticModel(const VectorXd& gradient, const MatrixXd& hessian) : solver_(hessian) {
    slope_ = solver_.eigenvectors().transpose() * gradient;
  }

  [[nodiscard]] bool convex() const {
    return solver_.eigenvalues()[0] > epsilon * std::abs(solver_.eigenvalues()[slope_.size() - 1]);
  }
  /// A direction leads down although the slope is zero.
  [[nodiscard]] bool saddle() const {
    const auto& curvature = solver_.eigenvalues();
    return curvature[0] < -1e-8 * curvature.cwiseAbs().maxCoeff();
  }
  /// What the unrestricted Newton step would gain, half the squared Newton decrement; for convex models.
  [[nodiscard]] double full_gain() const {
    return (slope_.array().square() / solver_.eigenvalues().array()).sum() / 2;
  }

  [[nodiscard]] VectorXd step(double radius) const {
    const VectorXd& curvature = solver_.eigenvalues();
    if (convex()) {
      const VectorXd newton = along(0);
      if (newton.norm() <= radius) return solver_.eigenvectors() * newton;
    }
    const double least = std::max(0.0, -curvature[0]);
    // |p(shift)| falls from its supremum at `least` to 0: bisect its logarithm between safe ends.
    double low = least + epsilon * (1 + least);
    double high = least + slope_.norm() / radius;
    if (!(low < high) || along(low).norm() < radius) return hard_case(radius, low);
    for (int i = 0; i < 200 && high - low > 1e-10 * high; ++i) {
      const double middle = low > 0 && high / low > 4 ? std::sqrt(low * high) : (low + high) / 2;
      (along(middle).norm() > radius ? low : high) = middle;
    }
    return solver_.eigenvectors() * along(high);
  }

 private:
  /// The step in eigen directions under a shift of all curvatures.
  [[nodiscard]] VectorXd along(double shift) const {
    return -(slope_.array() / (solver_.eigenvalues().array() + shift)).matrix();
  }
  /// The gradient has no part in the lowest direction: go along it to the edge of the ball.
  [[nodiscard]] VectorXd hard_case(double radius, double shift) const {
    VectorXd inner = along(shift);
    inner[0] = 0;
    const double rest = std::sqrt(std::max(0.0, radius * radius - inner.squaredNorm()));
    inner[0] = slope_[0] > 0 ? -rest : rest;
    return solver_.eigenvectors() * inner;
  }

  linear::Spectrum solver_;
  VectorXd slope_;
};

/// BFGS update of an approximate Hessian. Where the curvature seen is too small or negative it is mixed with
/// the one believed (Powell 1978), so the matrix stays positive and long straight slopes make longer steps.
void learn_curvature(MatrixXd& hessian, const VectorXd& step, VectorXd change, bool first) {
  const double seen = step.dot(change);
  if (first && seen > 0) hessian *= change.squaredNorm() / seen;
  const VectorXd known = hessian * step;
  const double believed = step.dot(known);
  if (!(believed > 0)) return;
  if (seen < 0.2 * believed) {
    const double share = 0.8 * believed / (believed - seen);
    change = share * change + (1 - share) * known;
  }
  hessian += change * change.transpose() / step.dot(change) - known * known.transpose() / believed;
}

double norm_of(const VectorXd& gradient) { return gradient.cwiseAbs().maxCoeff(); }

class Descent {
 public:
  Descent(const Objective& objective, std::span<const double> start, const Options& options)
      : land_(objective), options_(options), radius_(options.radius), here_(land_.at(vector_of(start))) {
    if (!here_.defined) return;
    given_ = here_.hessian.size() > 0;
    hessian_ = given_ ? here_.hessian : MatrixXd(MatrixXd::Identity(here_.x.size(), here_.x.size()));
  }

  Minimum run() {
    if (!here_.defined) return finish(Reason::undefined);
    while (true) {
      const QuadraticModel model(here_.gradient, hessian_);
      const double noise = 4 * epsilon * std::max(1.0, std::abs(here_.value));
      const bool level = norm_of(here_.gradient) <= options_.tolerance * std::max(1.0, std::abs(here_.value));
      const bool nothing_left = model.convex() && model.full_gain() <= noise;
      if (level || nothing_left) {
        if (!given_ && !measured_) {
          if (measure()) continue;
          return finish(level ? Reason::gradient : Reason::noise);
        }
        if (nothing_left && polish(model)) continue;
        if (!model.saddle()) return finish(level ? Reason::gradient : Reason::noise);
      }
      if (iterations_ == options_.max_iterations) return finish(Reason::iterations);
      ++iterations_;
      if (!try_step(model.step(radius_), noise)) {
        if (!given_ && !measured_ && radius_ < 1e-6 && measure()) continue;
        if (radius_ < 1e-13 * (1 + here_.x.norm())) return finish(Reason::stuck);
      }
      if (here_.x.cwiseAbs().maxCoeff() > options_.bound) return finish(Reason::unbounded);
    }
  }

 private:
  /// Trust-region bookkeeping around one trial; true when the step was taken.
  bool try_step(const VectorXd& step, double noise) {
    const double length = step.norm();
    const double promised = -(here_.gradient.dot(step) + step.dot(hessian_ * step) / 2);
    Landscape::Place there = land_.at(here_.x + step);
    if (!there.defined) {
      radius_ = std::min(radius_, length) / 4;
      return false;
    }
    // Equal amounts of noise on both sides: near the bottom the ratio tends to 1 instead of to chance.
    const double ratio = (here_.value - there.value + noise) / (promised + noise);
    if (ratio < 0.25) radius_ = std::min(radius_, length) / 4;
    if (ratio > 0.75 && length > 0.9 * radius_) radius_ *= 2;
    if (!given_ && !measured_) {
      learn_curvature(hessian_, step, there.gradient - here_.gradient, !learned_);
      learned_ = true;
    }
    if (!(ratio > 1e-4)) return false;
    move(std::move(there));
    return true;
  }

  /// Below the noise of the value the gradient still tells: Newton steps as long as it shrinks.
  bool polish(const QuadraticModel& model) {
    if (polished_ == 4) return false;
    ++polished_;
    Landscape::Place there = land_.at(here_.x + model.step(options_.radius));
    if (!there.defined || !(norm_of(there.gradient) < norm_of(here_.gradient) / 2)) return false;
    move(std::move(there));
    return true;
  }

  void move(Landscape::Place there) {
    here_ = std::move(there);
    if (given_)
      hessian_ = here_.hessian;
    else if (measured_)
      measure();
  }

  bool measure() {
    MatrixXd hessian = land_.measured_hessian(here_);
    measured_ = hessian.size() > 0 && hessian.allFinite();
    if (measured_) hessian_ = std::move(hessian);
    return measured_;
  }

  Minimum finish(Reason reason) {
    Minimum result;
    result.x = values_of(here_.x);
    result.value = here_.value;
    result.iterations = iterations_;
    result.reason = reason;
    result.converged = reason == Reason::gradient || reason == Reason::noise;
    result.gradient_norm = special::not_a_number;
    if (here_.defined) {
      if (!given_ && !measured_) measure();
      result.gradient = values_of(here_.gradient);
      result.gradient_norm = norm_of(here_.gradient);
      if (given_ || measured_) result.hessian = values_of(hessian_);
    }
    result.evaluations = land_.evaluations();
    return result;
  }

  Landscape land_;
  const Options& options_;
  double radius_;
  Landscape::Place here_;
  MatrixXd hessian_;
  bool given_ = false;     ///< the objective brings its Hessian
  bool measured_ = false;  ///< `hessian_` comes from differences at `here_`
  bool learned_ = false;
  int iterations_ = 0;
  int polished_ = 0;
};

}  // namespace

std::string_view text(Reason reason) noexcept {
  switch (reason) {
    case Reason::gradient: return "the gradient is zero";
    case Reason::noise: return "nothing is left to gain above rounding";
    case Reason::iterations: return "the iterations were used up";
    case Reason::unbounded: return "a parameter ran away without bound";
    case Reason::stuck: return "no step lowers the value although the gradient is not zero";
    case Reason::undefined: return "the function is undefined at the start";
  }
  return "unknown";
}

Minimum minimize(const Objective& objective, std::span<const double> start, const Options& options) {
  if (start.empty()) throw UsageError("minimize: the start has no components");
  if (!(options.tolerance >= 0)) throw UsageError("minimize: tolerance must be at least 0");
  if (!(options.radius > 0)) throw UsageError("minimize: radius must be above 0");
  if (!(options.bound > 0)) throw UsageError("minimize: bound must be above 0");
  if (options.max_iterations < 0) throw UsageError("minimize: max_iterations must be at least 0");
  return Descent(objective, start, options).run();
}

std::vector<double> inverse_positive(std::span<const double> matrix) {
  const auto n = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(matrix.size()))));
  if (static_cast<std::size_t>(n * n) != matrix.size())
    throw UsageError("inverse_positive: the matrix is not square");
  if (n == 0) return {};
  const MatrixXd full = Eigen::Map<const MatrixXd>(matrix.data(), n, n);
  if (!full.allFinite() || !(full.diagonal().minCoeff() > 0)) return {};
  // Unit diagonal first: parameters of unlike size do not make a matrix singular.
  const VectorXd scale = full.diagonal().cwiseSqrt().cwiseInverse();
  const MatrixXd unit = scale.asDiagonal() * full * scale.asDiagonal();
  const linear::Spectrum solver(unit);
  if (!(solver.eigenvalues()[0] > 1e-13)) return {};
  const MatrixXd inverse = solver.eigenvectors() * solver.eigenvalues().cwiseInverse().asDiagonal() *
                           solver.eigenvectors().transpose();
  return values_of(MatrixXd(scale.asDiagonal() * inverse * scale.asDiagonal()));
}

}  // namespace optimize
}  // namespace v0
}  // namespace salesops
