/// @file mbgnbd.hpp
/// MBG/NBD: the customer may leave after each purchase, the first included (Batislam, Denizel, Filiztekin,
/// International Journal of Research in Marketing 24, 2007; Hoppe, Wagner 2007).
#pragma once

#include <cmath>

#include "salesops/clv/bgnbd.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// As BG/NBD, but with probability p ~ Beta(a, b) a customer leaves right after its first purchase too, so
/// one who never came back may be gone.
struct MBGNBD {
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;
};

/// P(alive | …) = 1 / (1 + a/(b+x) · ((alpha+T)/(alpha+t_x))^(r+x)).
[[nodiscard]] inline double log_p_alive(const MBGNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::positive(m.r, m.alpha, m.a, m.b) && detail::history(x, t_x, T))) return detail::not_a_number;
  return -special::softplus(std::log(m.a / (m.b + x)) + (m.r + x) * std::log1p((T - t_x) / (m.alpha + t_x)));
}

/// The same without a detour over its logarithm.
[[nodiscard]] inline double p_alive(const MBGNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::positive(m.r, m.alpha, m.a, m.b) && detail::history(x, t_x, T))) return detail::not_a_number;
  return detail::share_alive(m.a / (m.b + x), m.r + x, (T - t_x) / (m.alpha + t_x));
}

/// ln [Γ(r+x)/Γ(r) · alpha^r (alpha+T)^(−r−x) · B(a, b+x+1)/B(a, b)] − ln P(alive).
[[nodiscard]] inline double log_likelihood(const MBGNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  if (std::isnan(log_p)) return log_p;
  return detail::log_purchases(m.r, m.alpha, x, T) + special::log_beta_ratio(m.a, m.b, x + 1) - log_p;
}

/// Alive at T, it follows BG/NBD: λ ~ Gamma(r+x, alpha+T), p ~ Beta(a, b+x+1).
[[nodiscard]] inline BGNBD given_alive(const MBGNBD& m, double x, double, double T) noexcept {
  return {m.r + x, m.alpha + T, m.a, m.b + x + 1};
}

/// E[λ | x, t_x, T]: purchases per unit of time while alive.
[[nodiscard]] inline double expected_rate(const MBGNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return (m.r + x) * (std::exp(log_p) / (m.alpha + T) - std::expm1(log_p) / (m.alpha + t_x));
}

/// E[p | x, t_x, T]: probability to leave after a purchase.
[[nodiscard]] inline double expected_dropout(const MBGNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return (m.a * std::exp(log_p) - (m.a + 1) * std::expm1(log_p)) / (m.a + m.b + x + 1);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
