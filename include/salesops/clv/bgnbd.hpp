/// @file bgnbd.hpp
/// BG/NBD: the customer may leave after each repeat purchase (Fader, Hardie, Lee: "Counting your customers"
/// the easy way, Marketing Science 24, 2005).
#pragma once

#include <cmath>
#include <numbers>

#include "salesops/clv/model.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A living customer buys at rate λ ~ Gamma(r, rate alpha) and leaves after each repeat purchase with
/// probability p ~ Beta(a, b). One who never came back is alive for certain. alpha is a time; the rest are
/// pure numbers; all > 0.
struct BGNBD {
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;
};

namespace detail {

[[nodiscard]] inline bool valid(const BGNBD& m) noexcept { return positive(m.r, m.alpha, m.a, m.b); }

/// E[g(p)], p ~ Beta(a, b), in the variable ln(p/(1−p)). g ≥ 0 bends near `bend` and at most like 1/p above
/// it.
template <class Function>
[[nodiscard]] double beta_mean(double a, double b, double bend, const Function& g) noexcept {
  const double scale =
      special::log_rising(std::fmax(a, b), std::fmin(a, b)) - special::log_gamma(std::fmin(a, b));
  const auto slope = [&](double y) noexcept {
    const double e = std::exp(-std::fabs(y));
    const double rest = std::log1p(e);
    const double log_p = y < 0 ? y - rest : -rest;
    const double log_q = y < 0 ? -rest : -y - rest;
    return std::exp(scale + a * log_p + b * log_q) * g(y < 0 ? e / (1 + e) : 1 / (1 + e));
  };
  // Beyond these the density, even times 1/p, is below rounding; within them no peak is too narrow to be
  // seen.
  const double mode = std::log(a / b);
  const double width = std::sqrt(80 * (1 / a + 1 / b));
  const double highest = mode + width + 40 / b;
  const double lowest = a > 2 ? mode - 2 * (width + 40 / a) : -special::infinity;
  const double turn = std::fmin(highest, std::fmax(lowest, std::log(bend)));
  // Below `flat` g is g(0) and the density a power: what lies there, however far it reaches, has a closed
  // form.
  const double flat = std::fmin(std::log(bend), -std::log1p(b)) - 40;
  const double start = std::fmin(mode, turn) - width - 40 / a;
  const double below = start < flat ? g(0.0) * std::exp(scale + a * flat) / a : 0;
  const double begin = std::fmax(start, flat);
  const double first = std::fmax(begin, std::fmin(mode, turn));
  const double second = std::fmax(begin, std::fmax(mode, turn));
  return below + special::integrate(slope, begin, first) + special::integrate(slope, first, second) +
         special::integrate(slope, second, highest);
}

/// `thinned_mean` of each purchase, by quadrature over p where the sum would be long.
template <class Thin>
[[nodiscard]] double thinned_mean(const BGNBD& m, double t, const Thin& thinning) noexcept {
  if (!(valid(m) && t >= 0 && t < infinity)) return not_a_number;
  const double v = t / m.alpha;
  if (37 * (1 + v) + m.r * v < 3000) return thinned_mean(m.r, v, 1, 0, thinning);
  return beta_mean(m.a, m.b, std::fmin(1, 1 / (m.r * v)), [&](double p) noexcept {
    const double log_silent = -m.r * std::log1p(p * v);
    if (Thin::survives) return std::exp(log_silent);
    return p > 0 ? -std::expm1(log_silent) / p : m.r * v;
  });
}

/// 1/(1 + odds · (1 + idle)^shape).
[[nodiscard]] inline double share_alive(double odds, double shape, double idle) noexcept {
  return 1 / (1 + odds * std::exp(shape * quick_log1p(idle)));
}

/// What is still to come from a customer of one rate who buys now.
struct RateNode {
  double rate = 0;   ///< λ/δ
  double ahead = 0;  ///< discounted purchases, this one included
};

/// Places at which `residual` measures its integral: λ/δ = e^(i·step), and there y^k ₂F₁(1, b; a+b; y^k), y =
/// λ/(λ+δ). They are the same for any alpha and δ.
struct RateNodes {
  double a = 0;
  double b = 0;
  int k = 1;
  double step = 0;

  /// The trapezoidal rule errs by e^(−2πθ/step) (cos θ)^(−r) for the best θ < π/2, the strip around the real
  /// line in which the integrand is analytic: below 1e-12 for this step.
  RateNodes(double r, double a_, double b_, int k_) noexcept
      : a(a_), b(b_), k(k_), step(0.75 / std::sqrt(r + k_ + 4)) {}

  [[nodiscard]] RateNode operator()(int i) const noexcept {
    const double rate = std::exp(i * step);
    const double log_y = -k * std::log1p(1 / rate);
    const double y = std::exp(log_y);
    const double rest = -std::expm1(log_y);
    const double c = a + b;
    // ₂F₁(1, b; c; y) = 1 + b/c y ₂F₁(1, b+1; c+1; y), for any c > 0.
    return {rate, y * (c > 2 ? special::hyp2f1_1(b, c, y, rest)
                             : 1 + b / c * y * special::hyp2f1_1(b + 1, c + 1, y, rest))};
  }
};

/// E[Σ_j (waited λ alpha)^j/j! · ahead] over λ ~ Gamma(r, rate alpha), ζ = δ alpha, j < k: the integral over
/// ln(λ/δ) by the trapezoidal rule, on nodes that depend on r and k alone.
template <class Nodes>
[[nodiscard]] double residual(double r, double zeta, double waited, int k, const Nodes& nodes) noexcept {
  const double step = nodes.step;
  const double mode = std::log(r / zeta);
  if (!(std::fabs(mode) < 700)) return not_a_number;
  const double height = r < 10
                            ? r * std::log(r) - r - special::log_gamma(r)
                            : 0.5 * std::log(r / (2 * std::numbers::pi)) - special::detail::stirling_rest(r);
  const auto term = [&](int i) noexcept {
    const RateNode node = nodes(i);
    double part = node.ahead * std::exp(height + r * (i * step - mode - (node.rate * (zeta / r) - 1)));
    double sum = part;
    for (int j = 1; j < k; ++j) {
      part *= waited * zeta * (1 + node.rate) / j;
      sum += part;
    }
    return sum;
  };
  constexpr double small = 1e-15;
  const int middle = static_cast<int>(std::lround(mode / step));
  double sum = 0;
  for (int i = middle;; ++i) {
    const double next = term(i);
    sum += next;
    if (!(next > small * sum)) break;
  }
  // Downwards the density falls like e^(rz), and `ahead` like e^(z/2) at least where λ < δ.
  for (int i = middle - 1;; --i) {
    const double next = term(i);
    const double fall = step * (i < 0 ? r + 0.5 : r);
    sum += next;
    if (!(next * (1 + fall) > small * fall * sum)) break;
  }
  return step * sum;
}

}  // namespace detail

/// P(alive | …) = 1 / (1 + a/(b+x−1) · ((alpha+T)/(alpha+t_x))^(r+x)) for x > 0; 1 for x = 0.
[[nodiscard]] inline double log_p_alive(const BGNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  if (x == 0) return 0;
  return -special::softplus(std::log(m.a / (m.b + x - 1)) +
                            (m.r + x) * std::log1p((T - t_x) / (m.alpha + t_x)));
}

/// The same without a detour over its logarithm: most of the cost of a forecast of many customers.
[[nodiscard]] inline double p_alive(const BGNBD& m, double x, double t_x, double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  return x == 0 ? 1 : detail::share_alive(m.a / (m.b + x - 1), m.r + x, (T - t_x) / (m.alpha + t_x));
}

/// ln [Γ(r+x)/Γ(r) · alpha^r (alpha+T)^(−r−x) · B(a, b+x)/B(a, b)] − ln P(alive): the density of the x
/// purchase times, of which x and t_x are all that matters.
[[nodiscard]] inline double log_likelihood(const BGNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  if (std::isnan(log_p)) return log_p;
  return detail::log_purchases(m.r, m.alpha, x, T) + special::log_beta_ratio(m.a, m.b, x) - log_p;
}

/// Alive at T: λ ~ Gamma(r+x, alpha+T), p ~ Beta(a, b+x).
[[nodiscard]] inline BGNBD given_alive(const BGNBD& m, double x, double, double T) noexcept {
  return {m.r + x, m.alpha + T, m.a, m.b + x};
}

/// P(alive at t) of a new customer: E[B(a, b+N)/B(a, b)], N ~ NB.
[[nodiscard]] inline double p_alive_new(const BGNBD& m, double t) noexcept {
  if (t == detail::infinity && detail::valid(m)) return 0;
  return detail::thinned_mean(m, t, detail::Thinning<true>{m.a, m.b});
}

namespace detail {
/// Purchases of a lifetime: one survives each but the last.
template <class M>
[[nodiscard]] double ever(const M& m) noexcept {
  return m.a > 1 ? (m.a + m.b - 1) / (m.a - 1) : infinity;
}
}  // namespace detail

/// E[X(t)] = Σ_{n≥1} B(a, b+n−1)/B(a, b) · P(N ≥ n), N ~ NB(r, alpha/(alpha+t)). No special a; equal to the
/// ₂F₁ form of the paper, whose terms cancel. t may be +∞.
[[nodiscard]] inline double expected_transactions_new(const BGNBD& m, double t) noexcept {
  if (t == detail::infinity && detail::valid(m)) return detail::ever(m);
  return detail::thinned_mean(m, t, detail::Thinning<false>{m.a, m.b});
}

/// P(X(t) = n) of a new customer: n purchases survived, or left at the n-th.
[[nodiscard]] inline double pmf_new(const BGNBD& m, double n, double t) noexcept {
  if (!(detail::valid(m) && t >= 0 && t < detail::infinity && detail::whole(n))) return detail::not_a_number;
  if (t == 0) return n == 0 ? 1 : 0;
  const double stayed =
      std::exp(special::log_beta_ratio(m.a, m.b, n) + detail::log_negative_binomial(n, m.r, m.alpha, t));
  if (n == 0) return stayed;
  const double left = std::exp(special::log_beta_ratio(m.a, m.b, n - 1)) * (m.a / (m.a + m.b + n - 1));
  return stayed + left * special::beta_cdf(n, m.r, t / (m.alpha + t), m.alpha / (m.alpha + t));
}

namespace detail {
template <class Nodes>
[[nodiscard]] double dert_on(const Nodes& nodes, const BGNBD& m, double discount_rate) noexcept {
  if (!(valid(m) && discount_rate >= 0 && discount_rate < infinity)) return not_a_number;
  if (discount_rate == 0) return ever(m);
  return residual(m.r, discount_rate * m.alpha, 0, 1, nodes);
}
}  // namespace detail

/// Discounted repeat purchases of a new customer: E[λ/(δ+λp)] = E[y ₂F₁(1, b; a+b; y)], y = λ/(λ+δ).
/// At δ = 0 (a+b−1)/(a−1), or +∞ for a ≤ 1.
[[nodiscard]] inline double dert_new(const BGNBD& m, double discount_rate) noexcept {
  return detail::dert_on(detail::RateNodes(m.r, m.a, m.b, 1), m, discount_rate);
}

/// Discounted repeat purchases in (0, t] of a new customer.
[[nodiscard]] inline double dect_new(const BGNBD& m, double t, double discount_rate) noexcept {
  return detail::discounted_by_parts(m, t, discount_rate, m.alpha);
}

/// E[λ | x, t_x, T]: purchases per unit of time while alive.
[[nodiscard]] inline double expected_rate(const BGNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return (m.r + x) * (std::exp(log_p) / (m.alpha + T) - std::expm1(log_p) / (m.alpha + t_x));
}

/// E[p | x, t_x, T]: probability to leave after a purchase.
[[nodiscard]] inline double expected_dropout(const BGNBD& m, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return (m.a * std::exp(log_p) - (m.a + 1) * std::expm1(log_p)) / (m.a + m.b + x);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
