/// @file sarmanovparetonbd.hpp
/// Pareto/NBD whose customers who buy often leave sooner, or later, than others: purchase rate and dropout
/// rate are correlated by Sarmanov's mixture (Park, Fader: Modeling browsing behavior at multiple websites,
/// Marketing Science 23, 2004, for the mixture; CLVTools fits it to the Pareto/NBD).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "salesops/clv/model.hpp"
#include "salesops/clv/paretonbd.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Density f₁(λ) f₂(μ) (1 + m (e^−λ − L₁) (e^−μ − L₂)): the margins f₁ = Gamma(r, alpha) and f₂ = Gamma(s,
/// beta) are those of `ParetoNBD`, L₁ = (alpha/(alpha+1))^r and L₂ = (beta/(beta+1))^s their means of e^−λ
/// and e^−μ. m > 0: who buys often leaves sooner. m = 0 is `ParetoNBD`.
///
/// e^−λ makes the family depend on the unit of time: in days it is another one than in weeks. Weeks are
/// customary.
struct SarmanovParetoNBD {
  struct Bounds {
    double low = 0;
    double high = 0;
  };

  double r = 0;
  double alpha = 0;
  double s = 0;
  double beta = 0;
  double m = 0;  ///< within `m_bounds`
};

/// The m for which the density is nowhere below 0:
///
///     −1/max(L₁L₂, (1−L₁)(1−L₂)) ≤ m ≤ 1/max(L₁(1−L₂), (1−L₁)L₂)
[[nodiscard]] inline SarmanovParetoNBD::Bounds m_bounds(const SarmanovParetoNBD& model) noexcept {
  const double log_1 = -model.r * std::log1p(1 / model.alpha);
  const double log_2 = -model.s * std::log1p(1 / model.beta);
  const double l_1 = std::exp(log_1), l_2 = std::exp(log_2);
  const double rest_1 = -std::expm1(log_1), rest_2 = -std::expm1(log_2);
  return {-1 / std::fmax(l_1 * l_2, rest_1 * rest_2), 1 / std::fmax(l_1 * rest_2, rest_1 * l_2)};
}

/// Correlation of λ and μ: m √(rs) L₁L₂ / ((alpha+1)(beta+1)).
[[nodiscard]] inline double correlation(const SarmanovParetoNBD& m) noexcept {
  return m.m * std::sqrt(m.r * m.s) *
         std::exp(-m.r * std::log1p(1 / m.alpha) - m.s * std::log1p(1 / m.beta)) /
         ((m.alpha + 1) * (m.beta + 1));
}

/// Four crowds of Pareto/NBD customers with weights that sum to 1, one of either sign: e^−λ f₁ is L₁ times
/// Gamma(r, alpha+1), so Sarmanov's density is such a mixture, and so is every mean under it.
struct ParetoMixture {
  std::array<ParetoNBD, 4> parts;
  std::array<double, 4> weights;
};

namespace detail {

[[nodiscard]] inline bool valid(const SarmanovParetoNBD& m) noexcept {
  if (!positive(m.r, m.alpha, m.s, m.beta)) return false;
  const auto [low, high] = m_bounds(m);
  return m.m >= low * (1 + 1e-12) && m.m <= high * (1 + 1e-12);
}

/// (1+κ), κ, −κ, −κ of (alpha, beta), both + 1, either + 1, with κ = m L₁L₂.
[[nodiscard]] inline ParetoMixture mixture_of(const SarmanovParetoNBD& m) noexcept {
  const double kappa = m.m * std::exp(-m.r * std::log1p(1 / m.alpha) - m.s * std::log1p(1 / m.beta));
  return {{{{m.r, m.alpha, m.s, m.beta},
            {m.r, m.alpha + 1, m.s, m.beta + 1},
            {m.r, m.alpha + 1, m.s, m.beta},
            {m.r, m.alpha, m.s, m.beta + 1}}},
          {1 + kappa, kappa, -kappa, -kappa}};
}

/// Parts weighed by how likely each makes a history, relative to the first one's logarithm `base`.
[[nodiscard]] inline ParetoMixture weighed(ParetoMixture mixture, double x, double t_x, double T,
                                           double& base) noexcept {
  base = log_likelihood(mixture.parts[0], x, t_x, T);
  for (std::size_t i = 1; i < 4; ++i)
    mixture.weights[i] *= std::exp(log_likelihood(mixture.parts[i], x, t_x, T) - base);
  return mixture;
}

template <class Mean>
[[nodiscard]] double mean_of(const ParetoMixture& mixture, const Mean& mean) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i)
    if (mixture.weights[i] != 0) sum += mixture.weights[i] * mean(mixture.parts[i]);
  return sum;
}
[[nodiscard]] inline double total(const ParetoMixture& mixture) noexcept {
  return mean_of(mixture, [](const ParetoNBD&) noexcept { return 1.0; });
}

}  // namespace detail

/// ln of (1+κ) L(alpha, beta) + κ (L(alpha+1, beta+1) − L(alpha+1, beta) − L(alpha, beta+1)), κ = m L₁L₂,
/// with the likelihood L of `ParetoNBD`.
[[nodiscard]] inline double log_likelihood(const SarmanovParetoNBD& m, double x, double t_x,
                                           double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  double base = 0;
  const ParetoMixture mixture = detail::weighed(detail::mixture_of(m), x, t_x, T, base);
  return base + std::log(detail::total(mixture));
}

/// ln P(alive | …): the parts' P(alive), weighed by their likelihoods.
[[nodiscard]] inline double log_p_alive(const SarmanovParetoNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  double base = 0;
  const ParetoMixture mixture = detail::weighed(detail::mixture_of(m), x, t_x, T, base);
  const double alive =
      detail::mean_of(mixture, [&](const ParetoNBD& part) noexcept { return p_alive(part, x, t_x, T); });
  return std::fmin(0, std::log(alive / detail::total(mixture)));
}

/// Alive at T: each part as it becomes, weighed by how likely it makes x purchases and being alive, for which
/// the last purchase is no matter: equal to the bit for all t_x.
[[nodiscard]] inline ParetoMixture given_alive(const SarmanovParetoNBD& m, double x, double,
                                               double T) noexcept {
  ParetoMixture mixture = detail::mixture_of(m);
  const auto log_lives = [&](const ParetoNBD& part) noexcept {
    return detail::log_purchases(part.r, part.alpha, x, T) - part.s * std::log1p(T / part.beta);
  };
  const double base = log_lives(mixture.parts[0]);
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) mixture.weights[i] *= std::exp(log_lives(mixture.parts[i]) - base);
    mixture.parts[i] = given_alive(mixture.parts[i], x, 0, T);
  }
  const double sum = detail::total(mixture);
  for (double& weight : mixture.weights) weight /= sum;
  return mixture;
}

[[nodiscard]] inline double p_alive_new(const ParetoMixture& m, double t) noexcept {
  return detail::mean_of(m, [=](const ParetoNBD& part) noexcept { return p_alive_new(part, t); });
}
[[nodiscard]] inline double expected_transactions_new(const ParetoMixture& m, double t) noexcept {
  return detail::mean_of(m,
                         [=](const ParetoNBD& part) noexcept { return expected_transactions_new(part, t); });
}
[[nodiscard]] inline double pmf_new(const ParetoMixture& m, double n, double t) noexcept {
  return detail::mean_of(m, [=](const ParetoNBD& part) noexcept { return pmf_new(part, n, t); });
}
[[nodiscard]] inline double dert_new(const ParetoMixture& m, double discount_rate) noexcept {
  if (discount_rate == 0 && m.parts[0].s <= 1) return detail::infinity;
  return detail::mean_of(m, [=](const ParetoNBD& part) noexcept { return dert_new(part, discount_rate); });
}
[[nodiscard]] inline double dect_new(const ParetoMixture& m, double t, double discount_rate) noexcept {
  return detail::mean_of(m, [=](const ParetoNBD& part) noexcept { return dect_new(part, t, discount_rate); });
}

/// E[λ | x, t_x, T]: purchases per unit of time while alive.
[[nodiscard]] inline double expected_rate(const SarmanovParetoNBD& m, double x, double t_x,
                                          double T) noexcept {
  double base = 0;
  const ParetoMixture mixture = detail::weighed(detail::mixture_of(m), x, t_x, T, base);
  return detail::mean_of(mixture,
                         [&](const ParetoNBD& part) noexcept { return expected_rate(part, x, t_x, T); }) /
         detail::total(mixture);
}

/// E[μ | x, t_x, T]: departures per unit of time while alive.
[[nodiscard]] inline double expected_dropout(const SarmanovParetoNBD& m, double x, double t_x,
                                             double T) noexcept {
  double base = 0;
  const ParetoMixture mixture = detail::weighed(detail::mixture_of(m), x, t_x, T, base);
  return detail::mean_of(mixture,
                         [&](const ParetoNBD& part) noexcept { return expected_dropout(part, x, t_x, T); }) /
         detail::total(mixture);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
