/// @file bgcnbd.hpp
/// BG/CNBD-k and MBG/CNBD-k: customers who buy more regularly than at random (Platzer, Reutterer: Ticking
/// away the moments, Marketing Science 35, 2016; Reutterer, Platzer, Schröder, International Journal of
/// Research in Marketing 38, 2021).
///
/// A purchase is every k-th event of a Poisson process at rate λ ~ Gamma(r, rate alpha), so gaps between
/// purchases are Erlang(k, λ). The forecasts here are exact: at T a living customer has seen j = 0 … k−1
/// events since its last purchase with weights ∝ (R)_j/j! · ((T−t_x)/(alpha+T))^j, R = r+kx, and then λ ~
/// Gamma(R+j, alpha+T). With k = 1 they are BG/NBD and MBG/NBD. Their cost grows with the events expected;
/// NaN beyond about 3·10⁶/k of them.
#pragma once

#include <cmath>

#include "salesops/clv/bgnbd.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Gaps are Erlang(k, λ), λ ~ Gamma(r, rate alpha); after each repeat purchase the customer leaves with
/// probability p ~ Beta(a, b). k = 1 … 100; the rest > 0.
struct BGCNBD {
  int k = 1;
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;
};

/// The same, but the customer may leave right after its first purchase as well.
struct MBGCNBD {
  int k = 1;
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;
};

/// A living customer of either model: λ | j ~ Gamma(r+j, alpha), p ~ Beta(a, b), and j events since its last
/// purchase with weights ∝ (r)_j/j! · waited^j. (0, 0, 0) for x, t_x, T gives that of a new customer of
/// BG/CNBD-k.
struct LivingCNBD {
  int k = 1;
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;
  double waited = 0;  ///< (T − t_x)/(alpha before + T), in [0, 1)
};

namespace detail {

template <class M>
[[nodiscard]] bool valid_cnbd(const M& m) noexcept {
  return m.k >= 1 && m.k <= 100 && positive(m.r, m.alpha, m.a, m.b);
}

/// Σ_j (r)_j/j! · waited^j over 0 ≤ j < k, of which each term goes to `use(j, term)`.
template <class Use>
double progress(double r, double waited, int k, const Use& use) noexcept {
  double term = 1;
  double sum = 0;
  for (int j = 0; j < k; ++j) {
    use(j, term);
    sum += term;
    term *= waited * (r + j) / (j + 1);
  }
  return sum < infinity ? sum : not_a_number;
}

/// Mean over the events since the last purchase of `f(j)`.
template <class Function>
[[nodiscard]] double over_progress(const LivingCNBD& m, const Function& f) noexcept {
  double sum = 0;
  const double weight =
      progress(m.r, m.waited, m.k, [&](int j, double w) noexcept { sum += w > 0 ? w * f(j) : 0; });
  return sum / weight;
}

template <class Thin>
[[nodiscard]] double thinned_mean(const LivingCNBD& m, double t, const Thin& thinning) noexcept {
  const double v = t / m.alpha;
  if (!(valid_cnbd(m) && t >= 0 && m.k * (37 * (1 + v) + m.r * v) < 3e6)) return not_a_number;
  return over_progress(m, [&](int j) noexcept { return thinned_mean(m.r + j, v, m.k, j, thinning); });
}

/// ln of [density of x gaps and silence since, λ and leaving apart] ÷ [the same left at t_x]. `chances` is b
/// plus the chances to leave that were passed before the last.
template <class M>
[[nodiscard]] double log_p_alive_cnbd(const M& m, double x, double t_x, double T, double chances) noexcept {
  const double R = m.r + m.k * x;
  const double silent = progress(R, (T - t_x) / (m.alpha + T), m.k, [](int, double) noexcept {});
  return -special::softplus(std::log(m.a / chances) + R * std::log1p((T - t_x) / (m.alpha + t_x)) -
                            std::log(silent));
}

/// ln [Γ(R)/(Γ(r)Γ(k)^x) · alpha^r (alpha+T)^(−R) Σ_j … · B(a, b+passed)/B(a, b)] + (k−1) Σ ln gap − ln
/// P(alive).
template <class M>
[[nodiscard]] double log_likelihood_cnbd(const M& m, double x, double t_x, double T, double passed,
                                         double sum_log_gaps, double log_p) noexcept {
  const double R = m.r + m.k * x;
  const double silent = progress(R, (T - t_x) / (m.alpha + T), m.k, [](int, double) noexcept {});
  return log_purchases(m.r, m.alpha, m.k * x, T) + std::log(silent) +
         special::log_beta_ratio(m.a, m.b, passed) + (m.k - 1) * sum_log_gaps - x * special::log_gamma(m.k) -
         log_p;
}

/// k λ-events make a purchase: E[λ]/k, alive or left at t_x.
template <class M>
[[nodiscard]] double expected_rate_cnbd(const M& m, double x, double t_x, double T, double log_p) noexcept {
  const double R = m.r + m.k * x;
  double alive = 0;
  const double weight =
      progress(R, (T - t_x) / (m.alpha + T), m.k, [&](int j, double w) noexcept { alive += w * (R + j); });
  return (std::exp(log_p) * alive / weight / (m.alpha + T) - std::expm1(log_p) * R / (m.alpha + t_x)) / m.k;
}

}  // namespace detail

/// P(alive | …) = 1/(1 + a/(b+x−1) · ((alpha+T)/(alpha+t_x))^(r+kx) / Σ_j …) for x > 0; 1 for x = 0.
[[nodiscard]] inline double log_p_alive(const BGCNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid_cnbd(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  return x == 0 ? 0 : detail::log_p_alive_cnbd(m, x, t_x, T, m.b + x - 1);
}

/// P(alive | …) = 1/(1 + a/(b+x) · ((alpha+T)/(alpha+t_x))^(r+kx) / Σ_j …).
[[nodiscard]] inline double log_p_alive(const MBGCNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid_cnbd(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  return detail::log_p_alive_cnbd(m, x, t_x, T, m.b + x);
}

/// ln density of the x purchase times. `sum_log_gaps`, Σ ln of the x gaps between purchases, doesn't move
/// with the parameters: it is needed only to compare fits of different k.
[[nodiscard]] inline double log_likelihood(const BGCNBD& m, double x, double t_x, double T,
                                           double sum_log_gaps = 0) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return std::isnan(log_p) ? log_p : detail::log_likelihood_cnbd(m, x, t_x, T, x, sum_log_gaps, log_p);
}
[[nodiscard]] inline double log_likelihood(const MBGCNBD& m, double x, double t_x, double T,
                                           double sum_log_gaps = 0) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return std::isnan(log_p) ? log_p : detail::log_likelihood_cnbd(m, x, t_x, T, x + 1, sum_log_gaps, log_p);
}

/// The process that a customer alive at T follows.
[[nodiscard]] inline LivingCNBD given_alive(const BGCNBD& m, double x, double t_x, double T) noexcept {
  return {m.k, m.r + m.k * x, m.alpha + T, m.a, m.b + x, (T - t_x) / (m.alpha + T)};
}
[[nodiscard]] inline LivingCNBD given_alive(const MBGCNBD& m, double x, double t_x, double T) noexcept {
  return {m.k, m.r + m.k * x, m.alpha + T, m.a, m.b + x + 1, (T - t_x) / (m.alpha + T)};
}

/// P(alive after t) of a living customer.
[[nodiscard]] inline double p_alive_new(const LivingCNBD& m, double t) noexcept {
  if (t == detail::infinity && detail::valid_cnbd(m)) return 0;
  return detail::thinned_mean(m, t, detail::Thinning<true>{m.a, m.b});
}

/// Mean number of purchases in t of a living customer:
/// Σ_j w_j Σ_{n≥1} B(a, b+n−1)/B(a, b) · P(N_j ≥ nk−j), N_j ~ NB(r+j, alpha/(alpha+t)). t may be +∞.
[[nodiscard]] inline double expected_transactions_new(const LivingCNBD& m, double t) noexcept {
  if (t == detail::infinity && detail::valid_cnbd(m)) return detail::ever(m);
  return detail::thinned_mean(m, t, detail::Thinning<false>{m.a, m.b});
}

/// P(n purchases in t) of a living customer: nk−j to nk+k−j−1 events and each purchase survived, or left at
/// the n-th.
[[nodiscard]] inline double pmf_new(const LivingCNBD& m, double n, double t) noexcept {
  if (!(detail::valid_cnbd(m) && detail::whole(n) && t >= 0 && t < detail::infinity))
    return detail::not_a_number;
  if (t == 0) return n == 0 ? 1 : 0;
  const double z = t / (m.alpha + t);
  const double stayed = std::exp(special::log_beta_ratio(m.a, m.b, n));
  const double left =
      n == 0 ? 0 : std::exp(special::log_beta_ratio(m.a, m.b, n - 1)) * (m.a / (m.a + m.b + n - 1));
  return detail::over_progress(m, [&](int j) noexcept {
    const double first = std::fmax(0, n * m.k - j);
    double q = std::exp(detail::log_negative_binomial(first, m.r + j, m.alpha, t));
    double exactly = 0;
    for (double i = first; i < (n + 1) * m.k - j; i += 1) {
      exactly += q;
      q *= z * (m.r + j + i) / (i + 1);
    }
    if (n == 0) return exactly;
    const double at_least = first == 0 ? 1 : special::beta_cdf(first, m.r + j, z, m.alpha / (m.alpha + t));
    return stayed * exactly + left * at_least;
  });
}

namespace detail {
template <class Nodes>
[[nodiscard]] double dert_on(const Nodes& nodes, const LivingCNBD& m, double discount_rate) noexcept {
  if (!(valid_cnbd(m) && discount_rate >= 0 && discount_rate < infinity)) return not_a_number;
  if (discount_rate == 0) return ever(m);
  // λ^j from the density and (r)_j from its constant cancel against the weights.
  return residual(m.r, discount_rate * m.alpha, m.waited, m.k, nodes) /
         progress(m.r, m.waited, m.k, [](int, double) noexcept {});
}
}  // namespace detail

/// Discounted purchases of a living customer: E[Σ_j w_j y^(k−j) ₂F₁(1, b; a+b; y^k)], y = λ/(λ+δ), one
/// integral over ln λ. At δ = 0 (a+b−1)/(a−1), or +∞ for a ≤ 1.
[[nodiscard]] inline double dert_new(const LivingCNBD& m, double discount_rate) noexcept {
  return detail::dert_on(detail::RateNodes(m.r, m.a, m.b, m.k), m, discount_rate);
}

/// Discounted purchases in t of a living customer.
[[nodiscard]] inline double dect_new(const LivingCNBD& m, double t, double discount_rate) noexcept {
  return detail::discounted_by_parts(m, t, discount_rate, m.alpha);
}

/// E[λ/k | x, t_x, T]: purchases per unit of time while alive.
[[nodiscard]] inline double expected_rate(const BGCNBD& m, double x, double t_x, double T) noexcept {
  return detail::expected_rate_cnbd(m, x, t_x, T, log_p_alive(m, x, t_x, T));
}
[[nodiscard]] inline double expected_rate(const MBGCNBD& m, double x, double t_x, double T) noexcept {
  return detail::expected_rate_cnbd(m, x, t_x, T, log_p_alive(m, x, t_x, T));
}

/// E[p | x, t_x, T]: probability to leave after a purchase.
[[nodiscard]] inline double expected_dropout(const BGCNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return (m.a * std::exp(log_p) - (m.a + 1) * std::expm1(log_p)) / (m.a + m.b + x);
}
[[nodiscard]] inline double expected_dropout(const MBGCNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return (m.a * std::exp(log_p) - (m.a + 1) * std::expm1(log_p)) / (m.a + m.b + x + 1);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
