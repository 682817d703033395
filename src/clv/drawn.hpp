// Parameters at draws from what is known of them, and what the draws say of an answer.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "../optimize/linear.hpp"
#include "salesops/clv/parameters.hpp"
#include "salesops/clv/predict.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Draws of the parameters.
constexpr std::uint64_t points = 256;

/// Standard normals at even points. The first eight dimensions are a rank-1 lattice of Korobov's form,
/// i · (1, g, g², …) / n modulo 1: of all g this one has the smallest largest error of 5 % and 95 % quantiles
/// of linear functions in 2 to 8 dimensions. The others are the same places, shuffled.
inline Eigen::MatrixXd even_normals(std::size_t dimensions) {
  constexpr std::uint64_t generator = 209;
  constexpr Eigen::Index in_lattice = 8;
  Eigen::MatrixXd normals(static_cast<Eigen::Index>(dimensions), static_cast<Eigen::Index>(points));
  std::array<std::uint64_t, points> place{};
  std::uint64_t stride = 1;
  for (Eigen::Index i = 0; i < normals.rows(); ++i, stride = stride * generator % points) {
    if (i < in_lattice) {
      for (std::uint64_t draw = 0; draw < points; ++draw) place[draw] = draw * stride % points;
    } else {
      random::Stream stream(static_cast<std::uint64_t>(i), 0, random::purpose("clv even normals"));
      for (std::uint64_t draw = points - 1; draw > 0; --draw)
        std::swap(place[draw],
                  place[static_cast<std::size_t>(stream.uniform01() * static_cast<double>(draw + 1))]);
    }
    for (std::uint64_t draw = 0; draw < points; ++draw)
      normals(i, static_cast<Eigen::Index>(draw)) =
          special::normal_quantile((static_cast<double>(place[draw]) + 0.5) / points);
  }
  return normals;
}

/// Draws from the normal distribution of the logarithms of the first `positive` values, and of the others as
/// they are: one column each. Nothing when the covariance has gaps.
inline Eigen::MatrixXd values_at(std::span<const double> values, std::span<const double> covariance,
                                 std::size_t positive, const Eigen::MatrixXd& normals) {
  using Eigen::Index;
  const auto n = static_cast<Index>(values.size());
  const auto logs = static_cast<Index>(positive);
  const Eigen::Map<const Eigen::VectorXd> known(values.data(), n);
  if (covariance.empty()) return known.replicate(1, normals.cols());
  if (covariance.size() != values.size() * values.size())
    throw UsageError("covariance must have one row and one column a parameter");
  if (!std::all_of(covariance.begin(), covariance.end(), [](double x) { return std::isfinite(x); }))
    return {};
  Eigen::VectorXd scale = Eigen::VectorXd::Ones(n);
  scale.head(logs) = known.head(logs);
  const Eigen::MatrixXd of_logs =
      Eigen::Map<const Eigen::MatrixXd>(covariance.data(), n, n).cwiseQuotient(scale * scale.transpose());
  const linear::Spectrum parts(of_logs);
  Eigen::MatrixXd drawn =
      parts.eigenvectors() * parts.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal() * normals;
  for (Index draw = 0; draw < drawn.cols(); ++draw)
    for (Index i = 0; i < n; ++i)
      drawn(i, draw) = i < logs ? known[i] * std::exp(drawn(i, draw)) : known[i] + drawn(i, draw);
  return drawn;
}

/// Models at such draws.
template <class M>
std::vector<M> models_at(const M& model, std::span<const double> covariance, const Eigen::MatrixXd& normals) {
  const auto values = parameter_values(model);
  const Eigen::MatrixXd drawn = values_at(values, covariance, values.size() - signed_parameters<M>, normals);
  std::vector<M> models;
  for (Eigen::Index draw = 0; draw < drawn.cols(); ++draw) {
    models.push_back(with_parameters(model, std::span(drawn.col(draw).data(), values.size())));
    if constexpr (requires { m_bounds(model); }) {
      const auto [low, high] = m_bounds(models.back());
      models.back().m = std::clamp(models.back().m, low, high);
    }
  }
  return models;
}

/// Models at the rows of parameters that were drawn elsewhere.
template <class M>
std::vector<M> models_of(const M& model, std::span<const double> draws) {
  constexpr std::size_t own = parameters<M>.size();
  if (draws.size() != own * points)
    throw UsageError("draws must have 256 rows of " + std::to_string(own) + " parameters");
  std::vector<M> models;
  for (std::size_t draw = 0; draw < points; ++draw)
    models.push_back(with_parameters(model, draws.subspan(draw * own, own)));
  return models;
}

inline double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The central range of the draws that holds `level` percent (quantiles of type 7; of outcomes, draws
/// themselves).
class Range {
 public:
  explicit Range(double level) : tail_((1 - level / 100) / 2) {}
  void write(std::vector<double>& draws, std::size_t row, PredictedColumn& into) const {
    if (std::any_of(draws.begin(), draws.end(), [](double x) { return std::isnan(x); })) return;
    into.low[row] = at(draws, tail_);
    into.high[row] = at(draws, 1 - tail_);
  }
  void write(std::vector<double>& draws, PredictedTotal& into) const {
    if (draws.empty() || std::any_of(draws.begin(), draws.end(), [](double x) { return std::isnan(x); }))
      return;
    into.low = at(draws, tail_);
    into.high = at(draws, 1 - tail_);
  }
  /// The same of draws > 0 at standard normals, one column a draw. What their logarithm has of a linear
  /// function of the normals has quantiles that are known: the places of 256 points may miss those by a
  /// twentieth of the range, so the part is replaced.
  void write(std::vector<double>& draws, const Eigen::MatrixXd& normals, PredictedTotal& into) const {
    Eigen::VectorXd logs(static_cast<Eigen::Index>(draws.size()));
    for (Eigen::Index k = 0; k < logs.size(); ++k) logs[k] = std::log(draws[static_cast<std::size_t>(k)]);
    write(draws, into);
    if (normals.cols() != logs.size() || !logs.allFinite() || !(into.low > 0)) return;
    logs.array() -= logs.mean();
    const Eigen::MatrixXd centred = normals.colwise() - normals.rowwise().mean();
    const Eigen::MatrixXd products = centred * centred.transpose();
    const linear::Spectrum parts(products);
    const Eigen::VectorXd turned = parts.eigenvectors().transpose() * (centred * logs);
    const Eigen::VectorXd slope = parts.eigenvectors() * turned.cwiseQuotient(parts.eigenvalues());
    const Eigen::VectorXd part = normals.transpose() * slope;
    if (!slope.allFinite()) return;
    const double sd = slope.norm();
    std::vector<double> placed(part.data(), part.data() + part.size());
    into.low *= std::exp(-sd * special::normal_quantile(1 - tail_) - at(placed, tail_));
    into.high *= std::exp(sd * special::normal_quantile(1 - tail_) - at(placed, 1 - tail_));
  }
  void write_outcomes(std::vector<double>& draws, std::size_t row, PredictedColumn& into) const {
    if (draws.empty()) return;
    const auto below = static_cast<std::size_t>(tail_ * static_cast<double>(draws.size()));
    for (const bool upper : {false, true}) {
      const auto place =
          draws.begin() + static_cast<std::ptrdiff_t>(upper ? draws.size() - 1 - below : below);
      std::nth_element(draws.begin(), place, draws.end());
      (upper ? into.high : into.low)[row] = *place;
    }
  }

 private:
  static double at(std::vector<double>& draws, double probability) {
    const double place = probability * static_cast<double>(draws.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto found = draws.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(draws.begin(), found, draws.end());
    const double share = place - static_cast<double>(below);
    if (share == 0) return *found;
    return *found + share * (*std::min_element(found + 1, draws.end()) - *found);
  }
  double tail_;
};

/// Sums over customers by the estimate, and then by each draw.
struct Sums {
  std::array<std::vector<double>, 3> of;  ///< alive, transactions, clv

  void make_room(std::size_t draws, std::size_t draws_of_clv) {
    of = {std::vector<double>(1 + draws), std::vector<double>(1 + draws),
          std::vector<double>(1 + draws_of_clv)};
  }
  void add(const Sums& other) {
    for (std::size_t i = 0; i < of.size(); ++i) {
      of[i].resize(std::max(of[i].size(), other.of[i].size()));
      std::transform(other.of[i].begin(), other.of[i].end(), of[i].begin(), of[i].begin(), std::plus<>());
    }
  }
  void add(std::size_t which, double weight, double value, std::span<const double> draws) {
    of[which][0] += weight * value;
    for (std::size_t k = 0; k < draws.size(); ++k) of[which][k + 1] += weight * draws[k];
  }
  /// `normals`: those that the draws were made at, or none.
  void write(const Range& range, bool with_range, Prediction& into,
             const Eigen::MatrixXd& normals = {}) const {
    const std::array totals{&into.total_alive, &into.total_transactions, &into.total_clv};
    for (std::size_t i = 0; i < of.size(); ++i) {
      if (of[i].empty()) continue;
      totals[i]->value = of[i].front();
      std::vector<double> draws(of[i].begin() + 1, of[i].end());
      if (with_range) range.write(draws, normals, *totals[i]);
    }
  }
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
