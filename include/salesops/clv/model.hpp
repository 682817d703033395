/// @file model.hpp
/// What the models of repeat purchases share.
///
/// A customer is known by x repeat purchases, the last at t_x, seen until T, all since its first purchase and
/// in one unit of time. Each model knows the probability that it is still alive at T, and the process a
/// living customer follows from there, which is that of a newly won customer with other parameters (the
/// priors are conjugate). So every forecast of a known customer is
///
///     P(alive | x, t_x, T) × the same forecast of a new customer of `given_alive(m, x, t_x, T)`
///
/// and that is said once, here. Models whose customers may leave at once (MBG/NBD, CNBD-k) take their new
/// customers as known ones with x = t_x = T = 0.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>

#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace detail {

using special::infinity;
using special::not_a_number;

/// All > 0 and finite.
template <std::same_as<double>... Values>
[[nodiscard]] constexpr bool positive(Values... values) noexcept {
  return ((values > 0 && values < infinity) && ...);
}

/// A whole number ≥ 0. (`std::floor` is a call where the processor may lack the instruction.)
[[nodiscard]] inline bool whole(double n) noexcept {
  constexpr double all_whole_above = 4503599627370496;  // 2⁵²
  if (!(n >= 0 && n < all_whole_above)) return n >= 0 && n < infinity;
  return n == static_cast<double>(static_cast<std::int64_t>(n));
}

/// x whole, 0 ≤ t_x ≤ T, and t_x = 0 where x = 0.
[[nodiscard]] inline bool history(double x, double t_x, double T) noexcept {
  return whole(x) && t_x >= 0 && t_x <= T && T < infinity && (x > 0 || t_x == 0);
}

/// ln(1+u), u ≥ 0. `std::log` takes half the time of `std::log1p`; what 1+u lost in rounding is put back.
[[nodiscard]] inline double quick_log1p(double u) noexcept {
  const double whole = 1 + u;
  return whole < infinity ? std::log(whole) + (u - (whole - 1)) / whole : whole;
}

/// ln [Γ(r+x)/Γ(r) · alpha^r (alpha+T)^(−r−x)]: density of x purchase times at an unknown rate.
[[nodiscard]] inline double log_purchases(double r, double alpha, double x, double T) noexcept {
  const double never = -r * std::log1p(T / alpha);
  return x == 0 ? never : never + special::log_rising(r, x) - x * std::log(alpha + T);
}

/// ln P(N = n), N ~ NB(r, ·) purchases of one who never leaves, r and alpha of its rate, in (0, t].
[[nodiscard]] inline double log_negative_binomial(double n, double r, double alpha, double t) noexcept {
  const double count =
      n == 0 ? 0 : special::log_rising(r, n) - special::log_gamma(n + 1) + n * std::log(t / (alpha + t));
  return count - r * std::log1p(t / alpha);
}

}  // namespace detail

/// A model of repeat purchases with dropout.
template <class M>
concept PurchaseModel = requires(const M& m) {
  { log_p_alive(m, 1.0, 1.0, 1.0) } -> std::same_as<double>;
  given_alive(m, 1.0, 1.0, 1.0);
};

/// A model whose living customers follow another process than its new ones.
template <class M>
concept BecomesAnother = PurchaseModel<M> && !requires(const M& m) {
  { given_alive(m, 1.0, 1.0, 1.0) } -> std::same_as<M>;
};

/// P(alive at T | x, t_x, T): still a customer, though perhaps a silent one.
template <PurchaseModel M>
[[nodiscard]] double p_alive(const M& m, double x, double t_x, double T) noexcept {
  return std::exp(log_p_alive(m, x, t_x, T));
}

/// P(alive at T + t | x, t_x, T), t ≥ 0.
template <PurchaseModel M>
[[nodiscard]] double p_alive_at(const M& m, double t, double x, double t_x, double T) noexcept {
  return p_alive(m, x, t_x, T) * p_alive_new(given_alive(m, x, t_x, T), t);
}

/// Mean number of purchases in (T, T+t], t ≥ 0.
template <PurchaseModel M>
[[nodiscard]] double expected_transactions(const M& m, double t, double x, double t_x, double T) noexcept {
  return p_alive(m, x, t_x, T) * expected_transactions_new(given_alive(m, x, t_x, T), t);
}

/// P(no purchase in (T, T+t]): gone, or alive and silent.
template <PurchaseModel M>
[[nodiscard]] double p_no_transaction(const M& m, double t, double x, double t_x, double T) noexcept {
  const double log_p = log_p_alive(m, x, t_x, T);
  return std::exp(log_p) * pmf_new(given_alive(m, x, t_x, T), 0.0, t) - std::expm1(log_p);
}

/// P(n purchases in (T, T+t]), n = 0, 1, ….
template <PurchaseModel M>
[[nodiscard]] double pmf(const M& m, double n, double t, double x, double t_x, double T) noexcept {
  if (n == 0) return p_no_transaction(m, t, x, t_x, T);
  return p_alive(m, x, t_x, T) * pmf_new(given_alive(m, x, t_x, T), n, t);
}

/// Discounted expected residual transactions: Σ over all purchases after T of e^(−discount_rate · time since
/// T), in the mean. `discount_rate` ≥ 0 is continuous, per unit of time: a yearly 10 % in weeks is
/// ln(1.1)/52. At 0 it is the number of purchases still to come, which some models put at +∞. (BG/BB: per
/// opportunity.)
template <PurchaseModel M>
[[nodiscard]] double dert(const M& m, double discount_rate, double x, double t_x, double T) noexcept {
  return p_alive(m, x, t_x, T) * dert_new(given_alive(m, x, t_x, T), discount_rate);
}

/// Discounted expected transactions in (T, T+t].
template <PurchaseModel M>
[[nodiscard]] double dect(const M& m, double t, double discount_rate, double x, double t_x,
                          double T) noexcept {
  return p_alive(m, x, t_x, T) * dect_new(given_alive(m, x, t_x, T), t, discount_rate);
}

/// P(a customer won at time 0 is one at t).
template <BecomesAnother M>
[[nodiscard]] double p_alive_new(const M& m, double t) noexcept {
  return p_alive_at(m, t, 0, 0, 0);
}

/// Mean number of repeat purchases in (0, t] of a customer won at time 0.
template <BecomesAnother M>
[[nodiscard]] double expected_transactions_new(const M& m, double t) noexcept {
  return expected_transactions(m, t, 0, 0, 0);
}

/// P(a customer won at time 0 makes n repeat purchases in (0, t]).
template <BecomesAnother M>
[[nodiscard]] double pmf_new(const M& m, double n, double t) noexcept {
  return pmf(m, n, t, 0, 0, 0);
}

/// Discounted repeat purchases of a customer won at time 0.
template <BecomesAnother M>
[[nodiscard]] double dert_new(const M& m, double discount_rate) noexcept {
  return dert(m, discount_rate, 0, 0, 0);
}

/// Discounted repeat purchases in (0, t] of a customer won at time 0.
template <BecomesAnother M>
[[nodiscard]] double dect_new(const M& m, double t, double discount_rate) noexcept {
  return dect(m, t, discount_rate, 0, 0, 0);
}

namespace detail {

/// Beyond δu of this the discount has left nothing that counts.
inline constexpr double faded = 45;

/// ∫ e^(−δu) dE[X(u)] over (0, t] by parts, so that both terms are positive, in the variable ln(1 + u/scale)
/// where the integrand is smooth.
template <class M>
[[nodiscard]] double discounted_by_parts(const M& m, double t, double discount_rate, double scale) noexcept {
  if (!(t >= 0 && discount_rate >= 0 && discount_rate < infinity)) return not_a_number;
  if (t == infinity) return dert_new(m, discount_rate);
  if (discount_rate == 0) return expected_transactions_new(m, t);
  const double end = std::fmin(t, faded / discount_rate);
  const double last = expected_transactions_new(m, end);
  if (!(last > 0)) return last;
  const auto slope = [&](double y) noexcept {
    const double u = scale * std::expm1(y);
    return std::exp(-discount_rate * u) * expected_transactions_new(m, u) * (u + scale);
  };
  return std::exp(-discount_rate * end) * last +
         discount_rate * special::integrate(slope, 0, std::log1p(end / scale));
}

/// P(n purchases in (0, t]) of a customer who leaves at a moment of its own: n while alive until t, or until
/// a departure before t (a smooth integral over its time, in ln(1 + u/scale)). `log_present(u)` is ln P(not
/// gone at u), `hazard(u)` the rate of leaving then.
template <class Present, class Hazard>
[[nodiscard]] double pmf_until_departure(double n, double r, double alpha, double t, double scale,
                                         const Present& log_present, const Hazard& hazard) noexcept {
  if (t == 0) return n == 0 ? 1 : 0;
  const double choose = n == 0 ? 0 : special::log_rising(r, n) - special::log_gamma(n + 1);
  const auto at = [&](double u) noexcept {
    const double count = n == 0 ? choose : choose + n * std::log(u / (alpha + u));
    return std::exp(count - r * std::log1p(u / alpha) + log_present(u));
  };
  const auto slope = [&](double y) noexcept {
    const double u = scale * std::expm1(y);
    return at(u) * hazard(u) * (u + scale);
  };
  const double peak = std::log1p(std::fmin(t, n * alpha / r) / scale);
  return at(t) + special::integrate(slope, 0, peak) + special::integrate(slope, peak, std::log1p(t / scale));
}

/// One purchase after the other of a customer who may leave after each with probability p ~ Beta(a, b):
/// the chance V_m = (b)_m/(a+b)_m to survive m purchases, and W_m = V_0 + … + V_(m−1), the mean number made
/// of m.
template <bool survival>
struct Thinning {
  static constexpr bool survives = survival;
  double a = 0;
  double b = 0;
  double passed = 0;
  double alive = 1;
  double made = 0;

  [[nodiscard]] double now() const noexcept { return survival ? alive : made; }
  void next() noexcept {
    made += alive;
    alive *= (b + passed) / (a + b + passed);
    passed += 1;
  }
};

/// The mean of V_m or W_m, whichever `thinning` gives, over the purchases that a customer could make in (0,
/// t]: m = ⌊(N+j)/k⌋, N ~ NB(r, alpha/(alpha+t)), v = t/alpha. All terms are positive.
template <class Thin>
[[nodiscard]] double thinned_mean(double r, double v, int k, int j, Thin thinning) noexcept {
  const double z = v / (1 + v);
  double log_scale = -r * std::log1p(v);  // true value = kept value · e^log_scale
  double q = 1;
  if (log_scale > -600) {
    q = std::exp(log_scale);
    log_scale = 0;
  }
  double sum = q * thinning.now();
  int phase = j;
  for (double n = 0; q > 0; n += 1) {
    const double up = z * (r + n);
    q *= up / (n + 1);
    if (++phase == k) {
      phase = 0;
      thinning.next();
    }
    const double term = q * thinning.now();
    sum += term;
    // Later terms fall about as fast as a geometric series of ratio z(r+n+1)/(n+1).
    if (sum > 0 && term * (up + z) <= 1e-16 * sum * (n + 1 - up - z)) break;
    if (q > 1e200) {
      q *= 1e-200;
      sum *= 1e-200;
      log_scale += 460.51701859880913680;  // ln 1e200
    }
  }
  return log_scale == 0 ? sum : sum * std::exp(log_scale);
}

}  // namespace detail

}  // namespace clv
}  // namespace v0
}  // namespace salesops
