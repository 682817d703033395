/// @file paretonbd.hpp
/// Pareto/NBD: the customer leaves at a moment of its own, bought or not (Schmittlein, Morrison, Colombo:
/// Counting your customers, Management Science 33, 1987; Fader, Hardie: A note on deriving the Pareto/NBD
/// model, 2005; Fader, Hardie, Lee: RFM and CLV, Journal of Marketing Research 42, 2005, for DERT).
#pragma once

#include <cmath>

#include "salesops/clv/model.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A living customer buys at rate λ ~ Gamma(r, rate alpha) and leaves at rate μ ~ Gamma(s, rate beta). alpha
/// and beta are times; all > 0.
struct ParetoNBD {
  double r = 0;
  double alpha = 0;
  double s = 0;
  double beta = 0;
};

namespace detail {

[[nodiscard]] inline bool valid(const ParetoNBD& m) noexcept { return positive(m.r, m.alpha, m.s, m.beta); }

/// ∫ (1+q)^(−e) (1+wq)^(−b) dq over q ≥ 0, e + b > 1: ₂F₁(1, b; b+e; 1−w)/(b+e−1) where w < 1 is small.
/// Nothing cancels though b runs to infinity while bw stays, as customers who leave at one rate have it.
[[nodiscard]] inline double slow_tail(double b, double e, double w) noexcept {
  const auto slope = [=](double y) noexcept {
    const double grown = y < 700 ? std::log1p(w * std::expm1(y)) : y + std::log(w);
    return std::exp(-(e - 1) * y - b * grown);
  };
  // Either power alone ends it.
  const double last = e > 1 ? 45 / (e - 1) : 46 / (e - 1 + b) - std::log(w);
  const double end = std::fmin(last, std::log1p(std::expm1((45 + std::fmax(1 - e, 0) * last) / b) / w));
  const double bend = std::fmin(end, std::log1p(1 / (b * w)));
  return special::integrate(slope, 0, bend) + (bend < end ? special::integrate(slope, bend, end) : 0);
}

/// The two terms of 1/P(alive), R/n · G₂ at T where `stays` and s/n · G₁ at t_x where not.
template <bool stays>
[[nodiscard]] double pareto_term(const ParetoNBD& m, double x, double time) noexcept {
  constexpr double near = 1e-4;  // the continued fraction is slow there
  if (!(valid(m) && whole(x) && time >= 0 && time < infinity)) return not_a_number;
  const double R = m.r + x;
  const double n = R + m.s;
  const bool wide = m.alpha >= m.beta;
  const double high = wide ? m.alpha : m.beta;
  const double low = wide ? m.beta : m.alpha;
  const double z = (high - low) / (high + time);
  const double w = (low + time) / (high + time);
  const double own = stays ? R : m.s;
  const double other = stays ? m.s : R;
  if (wide == stays)
    return own * w * (w < near ? slow_tail(own + 1, other, w) : special::hyp2f1_1(own + 1, n + 1, z, w) / n);
  return own * (w < near ? slow_tail(other, own + 1, w) : special::hyp2f1_1(other, n + 1, z, w) / n);
}

/// ln of the factor of the term at t_x.
[[nodiscard]] inline double pareto_fall(const ParetoNBD& m, double x, double t_x, double T) noexcept {
  const double D = T - t_x;
  return (m.r + x) * quick_log1p(D / (m.alpha + t_x)) + m.s * quick_log1p(D / (m.beta + t_x));
}

/// P(alive) from ln of the two terms.
[[nodiscard]] inline double pareto_alive(double stay, double gone, double fall) noexcept {
  const double p = std::exp(-stay) / (1 + std::exp(gone + fall - stay));
  return p > 1 ? 1 : p;
}

}  // namespace detail

/// ln P(alive | …). With M the larger and m the smaller of alpha and beta, n = r+s+x, R = r+x and
/// F(b, z) = ₂F₁(1, b; n+1; z), each z = |alpha−beta|/(M+time):
///
///     1/P = R/n · G₂ + s/n · G₁ · ((alpha+T)/(alpha+t_x))^R ((beta+T)/(beta+t_x))^s
///     alpha ≥ beta:  G₁ = F(R, z₁),            G₂ = (1−z₂) F(R+1, z₂)
///     alpha < beta:  G₁ = (1−z₁) F(s+1, z₁),   G₂ = F(s, z₂)
///
/// with z₁ at t_x and z₂ at T. Both terms are positive, so nothing cancels, alpha = beta is no special case
/// and no power is formed outside a logarithm.
[[nodiscard]] inline double log_p_alive(const ParetoNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  const double stay = std::log(detail::pareto_term<true>(m, x, T));
  const double gone = std::log(detail::pareto_term<false>(m, x, t_x));
  return std::fmin(0, -special::log_add(stay, gone + detail::pareto_fall(m, x, t_x, T)));
}

/// The same without a detour over its logarithm.
[[nodiscard]] inline double p_alive(const ParetoNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  return detail::pareto_alive(std::log(detail::pareto_term<true>(m, x, T)),
                              std::log(detail::pareto_term<false>(m, x, t_x)),
                              detail::pareto_fall(m, x, t_x, T));
}

/// ln [Γ(r+x)/Γ(r) · alpha^r (alpha+T)^(−r−x) · (beta/(beta+T))^s] − ln P(alive).
[[nodiscard]] inline double log_likelihood(const ParetoNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  if (std::isnan(log_p)) return log_p;
  return detail::log_purchases(m.r, m.alpha, x, T) - m.s * std::log1p(T / m.beta) - log_p;
}

/// Alive at T: λ ~ Gamma(r+x, alpha+T), μ ~ Gamma(s, beta+T).
[[nodiscard]] inline ParetoNBD given_alive(const ParetoNBD& m, double x, double, double T) noexcept {
  return {m.r + x, m.alpha + T, m.s, m.beta + T};
}

/// (beta/(beta+t))^s.
[[nodiscard]] inline double p_alive_new(const ParetoNBD& m, double t) noexcept {
  if (!(detail::valid(m) && t >= 0)) return detail::not_a_number;
  return std::exp(-m.s * std::log1p(t / m.beta));
}

/// E[X(t)] = r beta/alpha · (1 − (beta/(beta+t))^(s−1))/(s−1); the quotient is ln(1+t/beta) at s = 1.
[[nodiscard]] inline double expected_transactions_new(const ParetoNBD& m, double t) noexcept {
  if (!(detail::valid(m) && t >= 0)) return detail::not_a_number;
  const double age = std::log1p(t / m.beta);
  const double lifetime = m.s == 1 ? age : -std::expm1((1 - m.s) * age) / (m.s - 1);
  return m.r * (m.beta / m.alpha) * lifetime;
}

/// P(X(t) = n) of a new customer.
[[nodiscard]] inline double pmf_new(const ParetoNBD& m, double n, double t) noexcept {
  if (!(detail::valid(m) && t >= 0 && t < detail::infinity && detail::whole(n))) return detail::not_a_number;
  return detail::pmf_until_departure(
      n, m.r, m.alpha, t, std::fmin(m.alpha, m.beta),
      [&](double u) noexcept { return -m.s * std::log1p(u / m.beta); },
      [&](double u) noexcept { return m.s / (m.beta + u); });
}

/// Discounted repeat purchases of a new customer: r beta/alpha · e^ζ E_s(ζ), ζ = δ beta, E_s the exponential
/// integral (the paper's Ψ(s, s; ζ) ζ^(s−1)). At δ = 0 r beta/(alpha (s−1)), or +∞ for s ≤ 1.
[[nodiscard]] inline double dert_new(const ParetoNBD& m, double discount_rate) noexcept {
  if (!(detail::valid(m) && discount_rate >= 0)) return detail::not_a_number;
  const double scale = m.r * (m.beta / m.alpha);
  if (discount_rate == 0) return m.s > 1 ? scale / (m.s - 1) : detail::infinity;
  return scale * special::scaled_exponential_integral(m.s, discount_rate * m.beta);
}

/// Discounted repeat purchases in (0, t] of a new customer.
[[nodiscard]] inline double dect_new(const ParetoNBD& m, double t, double discount_rate) noexcept {
  return detail::discounted_by_parts(m, t, discount_rate, m.beta);
}

/// E[λ | x, t_x, T]: purchases per unit of time while alive. One more purchase in the likelihood weighs it by
/// λ.
[[nodiscard]] inline double expected_rate(const ParetoNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  const double weighed = log_p_alive(ParetoNBD{m.r + 1, m.alpha, m.s, m.beta}, x, t_x, T);
  return (m.r + x) / (m.alpha + T) * std::exp(log_p - weighed);
}

/// E[μ | x, t_x, T]: departures per unit of time while alive.
[[nodiscard]] inline double expected_dropout(const ParetoNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  const double weighed = log_p_alive(ParetoNBD{m.r, m.alpha, m.s + 1, m.beta}, x, t_x, T);
  return m.s / (m.beta + T) * std::exp(log_p - weighed);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
