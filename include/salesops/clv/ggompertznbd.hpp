/// @file ggompertznbd.hpp
/// G/G/NBD: as Pareto/NBD, but the rate of leaving grows or fades over a customer's life (Bemmaor, Glady:
/// Modeling purchasing behavior with sudden "death", Management Science 58, 2012).
#pragma once

#include <cmath>

#include "salesops/clv/model.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A living customer buys at rate λ ~ Gamma(r, rate alpha) and leaves at rate b η e^(b·age), η ~ Gamma(s,
/// rate beta); it is still there at u with probability S(u) = (beta/(beta+e^(bu)−1))^s. alpha is a time, 1/b
/// too, the rest are pure numbers; all > 0. With b → 0 and beta/b kept it is ParetoNBD{r, alpha, s, beta/b}.
struct GGompertzNBD {
  double r = 0;
  double alpha = 0;
  double b = 0;
  double s = 0;
  double beta = 0;
};

namespace detail {

[[nodiscard]] inline bool valid(const GGompertzNBD& m) noexcept {
  return positive(m.r, m.alpha, m.b, m.s, m.beta);
}

/// e^(bu)/(beta+e^(bu)−1), without overflow: the hazard at u is s·b times this.
[[nodiscard]] inline double gompertz_rise(const GGompertzNBD& m, double u) noexcept {
  return 1 / (m.beta * std::exp(-m.b * u) - std::expm1(-m.b * u));
}

/// ln(1 + share·(e^y − 1)), y ≥ 0, without overflow.
[[nodiscard]] inline double log1p_growth(double share, double y) noexcept {
  return y < 30 ? std::log1p(share * std::expm1(y)) : y + std::log(share + (1 - share) * std::exp(-y));
}

/// ln S(u).
[[nodiscard]] inline double log_present(const GGompertzNBD& m, double u) noexcept {
  return -m.s * log1p_growth(1 / m.beta, m.b * u);
}

/// A time in which S changes little.
[[nodiscard]] inline double time_scale(const GGompertzNBD& m) noexcept {
  return 1 / (m.b * std::fmax(1, m.s / m.beta));
}

/// ∫ e^(−δu) S(u) du over (0, t], t = ∞ allowed.
[[nodiscard]] inline double discounted_presence(const GGompertzNBD& m, double t,
                                                double discount_rate) noexcept {
  // Beyond these S(u) or e^(−δu) is below e⁻⁴⁵.
  double end = std::fmin(t, (45 / m.s + std::log1p(m.beta)) / m.b);
  if (discount_rate > 0) end = std::fmin(end, 45 / discount_rate);
  const double scale = std::fmin(time_scale(m), end);
  const auto slope = [&](double y) noexcept {
    const double u = scale * std::expm1(y);
    return std::exp(log_present(m, u) - discount_rate * u) * (u + scale);
  };
  return end > 0 ? special::integrate(slope, 0, std::log1p(end / scale)) : 0;
}

}  // namespace detail

/// P(alive | …) = 1/(1+Q) with
/// Q = ∫ s b e^(bu)/(beta+e^(bu)−1) · (S(u)/S(T)) ((alpha+T)/(alpha+u))^(r+x) du over (t_x, T]: left at u
/// instead. The integrand is positive and taken relative to its largest value, so P may be far below the
/// smallest double.
[[nodiscard]] inline double log_p_alive(const GGompertzNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  if (t_x == T) return 0;
  const double R = m.r + x;
  const auto log_left = [&](double u) noexcept {
    const double rise = detail::gompertz_rise(m, u);
    return std::log(m.s * m.b * rise) + m.s * detail::log1p_growth(rise, m.b * (T - u)) +
           R * std::log1p((T - u) / (m.alpha + u));
  };
  const double scale = 1 / (R / (m.alpha + t_x) + m.s * m.b * detail::gompertz_rise(m, t_x) + m.b);
  const double end = std::log1p((T - t_x) / scale);
  double top = log_left(t_x);
  for (int i = 1; i <= 16; ++i) top = std::fmax(top, log_left(t_x + scale * std::expm1(end * i / 16)));
  const auto slope = [&](double y) noexcept {
    const double since = scale * std::expm1(y);
    return std::exp(log_left(std::fmin(T, t_x + since)) - top) * (since + scale);
  };
  return -special::softplus(top + std::log(special::integrate(slope, 0, end)));
}

/// ln [Γ(r+x)/Γ(r) · alpha^r (alpha+T)^(−r−x) · S(T)] − ln P(alive).
[[nodiscard]] inline double log_likelihood(const GGompertzNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  if (std::isnan(log_p)) return log_p;
  return detail::log_purchases(m.r, m.alpha, x, T) + detail::log_present(m, T) - log_p;
}

/// Alive at T: λ ~ Gamma(r+x, alpha+T), beta becomes 1 + (beta−1) e^(−bT).
[[nodiscard]] inline GGompertzNBD given_alive(const GGompertzNBD& m, double x, double, double T) noexcept {
  return {m.r + x, m.alpha + T, m.b, m.s, m.beta * std::exp(-m.b * T) - std::expm1(-m.b * T)};
}

/// S(t).
[[nodiscard]] inline double p_alive_new(const GGompertzNBD& m, double t) noexcept {
  if (!(detail::valid(m) && t >= 0)) return detail::not_a_number;
  return std::exp(detail::log_present(m, t));
}

/// Discounted repeat purchases in (0, t] of a new customer: r/alpha ∫ e^(−δu) S(u) du.
[[nodiscard]] inline double dect_new(const GGompertzNBD& m, double t, double discount_rate) noexcept {
  if (!(detail::valid(m) && t >= 0 && discount_rate >= 0 && discount_rate < detail::infinity))
    return detail::not_a_number;
  return m.r / m.alpha * detail::discounted_presence(m, t, discount_rate);
}

/// E[X(t)] = r/alpha ∫ S(u) du over (0, t].
[[nodiscard]] inline double expected_transactions_new(const GGompertzNBD& m, double t) noexcept {
  return dect_new(m, t, 0);
}

/// Discounted repeat purchases of a new customer; finite at δ = 0.
[[nodiscard]] inline double dert_new(const GGompertzNBD& m, double discount_rate) noexcept {
  return dect_new(m, detail::infinity, discount_rate);
}

/// P(X(t) = n) of a new customer.
[[nodiscard]] inline double pmf_new(const GGompertzNBD& m, double n, double t) noexcept {
  if (!(detail::valid(m) && t >= 0 && t < detail::infinity && detail::whole(n))) return detail::not_a_number;
  return detail::pmf_until_departure(
      n, m.r, m.alpha, t, std::fmin(m.alpha, detail::time_scale(m)),
      [&](double u) noexcept { return detail::log_present(m, u); },
      [&](double u) noexcept { return m.s * m.b * detail::gompertz_rise(m, u); });
}

/// E[λ | x, t_x, T]: purchases per unit of time while alive. One more purchase in the likelihood weighs it by
/// λ.
[[nodiscard]] inline double expected_rate(const GGompertzNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  const double weighed = log_p_alive(GGompertzNBD{m.r + 1, m.alpha, m.b, m.s, m.beta}, x, t_x, T);
  return (m.r + x) / (m.alpha + T) * std::exp(log_p - weighed);
}

/// E[b η e^(bT) | x, t_x, T]: the rate of leaving at age T.
[[nodiscard]] inline double expected_dropout(const GGompertzNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  const double weighed = log_p_alive(GGompertzNBD{m.r, m.alpha, m.b, m.s + 1, m.beta}, x, t_x, T);
  return m.s * m.b * detail::gompertz_rise(m, T) * std::exp(log_p - weighed);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
