/// @file special.hpp
/// The special functions that per-customer formulas need, for one value at a time.
///
/// All are `noexcept`, allocate nothing, touch no global (not even `signgam`), and return NaN outside
/// their domain. Errors are a few units in the last place unless said otherwise.
#pragma once

#include <math.h>  // lgamma_r, which <cmath> does not promise

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "salesops/version.hpp"

namespace salesops {
inline namespace v0 {
namespace special {

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// ln Γ(x), x > 0. Unlike `std::lgamma` it writes no global, so threads may call it.
[[nodiscard]] inline double log_gamma(double x) noexcept {
  if (!(x > 0)) return not_a_number;
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

/// ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a+b), a and b > 0.
[[nodiscard]] inline double log_beta(double a, double b) noexcept {
  return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
}

/// ψ(x) = d ln Γ(x)/dx, x > 0: recurrence up to 10, then the asymptotic series (NIST DLMF 5.11.2).
[[nodiscard]] inline double digamma(double x) noexcept {
  if (!(x > 0)) return not_a_number;
  double below = 0;
  for (; x < 10; x += 1) below += 1 / x;
  const double w = 1 / (x * x);
  const double series =
      w * (1.0 / 12 -
           w * (1.0 / 120 - w * (1.0 / 252 - w * (1.0 / 240 - w * (1.0 / 132 - w * (691.0 / 32760))))));
  return std::log(x) - 0.5 / x - series - below;
}

/// ψ′(x), x > 0: recurrence up to 10, then the asymptotic series (NIST DLMF 5.15.8).
[[nodiscard]] inline double trigamma(double x) noexcept {
  if (!(x > 0)) return not_a_number;
  double below = 0;
  for (; x < 10; x += 1) below += 1 / (x * x);
  const double w = 1 / (x * x);
  const double series =
      w * (1.0 / 6 - w * (1.0 / 30 - w * (1.0 / 42 - w * (1.0 / 30 - w * (5.0 / 66 - w * (691.0 / 2730))))));
  return below + 1 / x + w / 2 + series / x;
}

/// ln(1 + eˣ), without overflow.
[[nodiscard]] inline double softplus(double x) noexcept {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

/// 1 / (1 + e⁻ˣ), without overflow.
[[nodiscard]] inline double logistic(double x) noexcept {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

/// ln(eᵃ + eᵇ), without overflow; −∞ stands for an empty term.
[[nodiscard]] inline double log_add(double a, double b) noexcept {
  if (a < b) return log_add(b, a);
  if (b == -infinity || a == infinity) return a;
  return a + std::log1p(std::exp(b - a));
}

/// ln(1 − eˣ), x < 0 (Mächler 2012): the complement of a probability given as a logarithm.
[[nodiscard]] inline double log1m_exp(double x) noexcept {
  if (!(x <= 0)) return not_a_number;
  constexpr double ln2 = 0.6931471805599453094;
  return x > -ln2 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x));
}

/// Φ(x), the standard normal distribution function; both tails keep their relative accuracy.
[[nodiscard]] inline double normal_cdf(double x) noexcept {
  constexpr double sqrt_half = 0.70710678118654752440;
  return 0.5 * std::erfc(-x * sqrt_half);
}

/// φ(x), the standard normal density.
[[nodiscard]] inline double normal_pdf(double x) noexcept {
  constexpr double scale = 0.39894228040143267794;
  return scale * std::exp(-0.5 * x * x);
}

namespace detail {
/// Σ c[i] xⁱ by Horner's rule.
template <std::size_t N>
[[nodiscard]] inline double polynomial(const std::array<double, N>& c, double x) noexcept {
  double value = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) value = value * x + c[i];
  return value;
}
}  // namespace detail

/// Φ⁻¹(p), 0 ≤ p ≤ 1 (∓∞ at the ends). Rational approximations of Wichura, Algorithm AS 241
/// (Applied Statistics 37, 1988), relative error about 1e-16.
[[nodiscard]] inline double normal_quantile(double p) noexcept {
  if (!(p >= 0 && p <= 1)) return not_a_number;
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    constexpr std::array a{3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                           1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                           3.3430575583588128105e4, 2.5090809287301226727e3};
    constexpr std::array b{1.0,
                           4.2313330701600911252e1,
                           6.8718700749205790830e2,
                           5.3941960214247511077e3,
                           2.1213794301586595867e4,
                           3.9307895800092710610e4,
                           2.8729085735721942674e4,
                           5.2264952788528545610e3};
    const double r = 0.180625 - q * q;
    return q * detail::polynomial(a, r) / detail::polynomial(b, r);
  }
  const double tail = q < 0 ? p : 1 - p;
  if (tail == 0) return q < 0 ? -infinity : infinity;
  double r = std::sqrt(-std::log(tail));
  double x = 0;
  if (r <= 5) {
    constexpr std::array c{1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                           3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                           2.27238449892691845833e-2, 7.74545014278341407640e-4};
    constexpr std::array d{1.0,
                           2.05319162663775882187e0,
                           1.67638483018380384940e0,
                           6.89767334985100004550e-1,
                           1.48103976427480074590e-1,
                           1.51986665636164571966e-2,
                           5.47593808499534494600e-4,
                           1.05075007164441684324e-9};
    r -= 1.6;
    x = detail::polynomial(c, r) / detail::polynomial(d, r);
  } else {
    constexpr std::array e{6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                           2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                           2.71155556874348757815e-5, 2.01033439929228813265e-7};
    constexpr std::array f{1.0,
                           5.99832206555887937690e-1,
                           1.36929880922735805310e-1,
                           1.48753612908506148525e-2,
                           7.86869131145613259100e-4,
                           1.84631831751005468180e-5,
                           1.42151175831644588870e-7,
                           2.04426310338993978564e-15};
    r -= 5;
    x = detail::polynomial(e, r) / detail::polynomial(f, r);
  }
  return q < 0 ? -x : x;
}

/// ₂F₁(1, b; c; z) for 0 ≤ z < 1, c > 1, 0 ≤ b ≤ c: Gauss's continued fraction (NIST DLMF 15.7.5) by
/// the modified Lentz rule. All terms have one sign there, so nothing cancels. NaN when it has not
/// settled after 100,000 steps (z within about 1e-9 of 1).
[[nodiscard]] inline double hyp2f1_1(double b, double c, double z) noexcept {
  if (!(z >= 0 && z < 1 && c > 1 && b >= 0 && b <= c)) return not_a_number;
  const double s = c - 1;
  constexpr double tiny = 1e-300;
  double value = 1;
  double up = 1;
  double down = 0;
  for (int m = 0; m < 100'000; ++m) {
    const double n = m / 2;
    const double k = m % 2 == 0 ? (b + n) * (s + n) / ((s + 2 * n) * (s + 2 * n + 1))
                                : (n + 1) * (s - b + n + 1) / ((s + 2 * n + 1) * (s + 2 * n + 2));
    down = 1 - k * z * down;
    if (down == 0) down = tiny;
    down = 1 / down;
    up = 1 - k * z / up;
    if (up == 0) up = tiny;
    const double ratio = up * down;
    value *= ratio;
    if (std::fabs(ratio - 1) < 1e-15) return 1 / value;
  }
  return not_a_number;
}

}  // namespace special
}  // namespace v0
}  // namespace salesops
