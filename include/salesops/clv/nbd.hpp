/// @file nbd.hpp
/// NBD: customers of unequal rates who never leave (Ehrenberg, Applied Statistics 8, 1959); the baseline that
/// a model with dropout has to beat.
#pragma once

#include <cmath>

#include "salesops/clv/model.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Purchase rate λ ~ Gamma(r, rate alpha); alpha is a time; both > 0.
struct NBD {
  double r = 0;
  double alpha = 0;
};

/// 0: nobody leaves.
[[nodiscard]] inline double log_p_alive(const NBD& m, double x, double t_x, double T) noexcept {
  return detail::positive(m.r, m.alpha) && detail::history(x, t_x, T) ? 0 : detail::not_a_number;
}

/// ln [Γ(r+x)/Γ(r) · alpha^r (alpha+T)^(−r−x)].
[[nodiscard]] inline double log_likelihood(const NBD& m, double x, double t_x, double T) noexcept {
  if (std::isnan(log_p_alive(m, x, t_x, T))) return detail::not_a_number;
  return detail::log_purchases(m.r, m.alpha, x, T);
}

/// λ ~ Gamma(r+x, alpha+T).
[[nodiscard]] inline NBD given_alive(const NBD& m, double x, double, double T) noexcept {
  return {m.r + x, m.alpha + T};
}

/// 1: nobody leaves.
[[nodiscard]] inline double p_alive_new(const NBD& m, double t) noexcept {
  return detail::positive(m.r, m.alpha) && t >= 0 ? 1 : detail::not_a_number;
}

/// E[X(t)] = r t/alpha.
[[nodiscard]] inline double expected_transactions_new(const NBD& m, double t) noexcept {
  return detail::positive(m.r, m.alpha) && t >= 0 ? m.r * t / m.alpha : detail::not_a_number;
}

/// P(X(t) = n) = Γ(r+n)/(Γ(r) n!) · (alpha/(alpha+t))^r (t/(alpha+t))^n.
[[nodiscard]] inline double pmf_new(const NBD& m, double n, double t) noexcept {
  if (!(detail::positive(m.r, m.alpha) && t >= 0 && t < detail::infinity && detail::whole(n)))
    return detail::not_a_number;
  if (t == 0) return n == 0 ? 1 : 0;
  return std::exp(detail::log_negative_binomial(n, m.r, m.alpha, t));
}

/// r/(alpha δ).
[[nodiscard]] inline double dert_new(const NBD& m, double discount_rate) noexcept {
  return detail::positive(m.r, m.alpha) && discount_rate >= 0 ? m.r / m.alpha / discount_rate
                                                              : detail::not_a_number;
}

/// r/alpha · (1 − e^(−δt))/δ.
[[nodiscard]] inline double dect_new(const NBD& m, double t, double discount_rate) noexcept {
  if (!(detail::positive(m.r, m.alpha) && t >= 0 && discount_rate >= 0)) return detail::not_a_number;
  const double length = discount_rate > 0 ? -std::expm1(-discount_rate * t) / discount_rate : t;
  return m.r / m.alpha * length;
}

/// E[λ | x, T] = (r+x)/(alpha+T).
[[nodiscard]] inline double expected_rate(const NBD& m, double x, double t_x, double T) noexcept {
  return std::isnan(log_p_alive(m, x, t_x, T)) ? detail::not_a_number : (m.r + x) / (m.alpha + T);
}

/// 0: nobody leaves.
[[nodiscard]] inline double expected_dropout(const NBD& m, double x, double t_x, double T) noexcept {
  return log_p_alive(m, x, t_x, T);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
