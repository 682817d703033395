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

/// ln(eᵃ − eᵇ), a ≥ b, without overflow.
[[nodiscard]] inline double log_sub(double a, double b) noexcept {
  return b == -infinity ? a : a + log1m_exp(b - a);
}

/// ln(1 + x) − x, x > −1, accurate for small x as well.
[[nodiscard]] inline double log1p_minus(double x) noexcept {
  if (!(std::fabs(x) < 0.2)) return std::log1p(x) - x;
  // ln(1+x) = 2 artanh(w), w = x/(2+x), and x = 2w/(1−w).
  const double w = x / (2 + x);
  const double w2 = w * w;
  double series = 0;
  for (int k = 17; k >= 3; k -= 2) series = series * w2 + 1.0 / k;
  return 2 * w * w2 * series - w * x;
}

namespace detail {
/// ln Γ(x) − (x−½) ln x + x − ½ ln 2π, x ≥ 10: the rest in Stirling's formula (NIST DLMF 5.11.1).
[[nodiscard]] inline double stirling_rest(double x) noexcept {
  const double w = 1 / (x * x);
  return (1.0 / 12 -
          w * (1.0 / 360 -
               w * (1.0 / 1260 - w * (1.0 / 1680 - w * (1.0 / 1188 - w * (691.0 / 360360 - w / 156)))))) /
         x;
}
/// Its slope.
[[nodiscard]] inline double stirling_rest_slope(double x) noexcept {
  const double w = 1 / (x * x);
  return -w * (1.0 / 12 -
               w * (1.0 / 120 - w * (1.0 / 252 - w * (1.0 / 240 - w * (1.0 / 132 - w * (691.0 / 32760))))));
}
}  // namespace detail

/// ln (a)ₑ = ln Γ(a+e) − ln Γ(a), a > 0 and a+e > 0: the rising factorial. Keeps its accuracy where the two
/// terms are huge and nearly alike (a ≫ e) and where e is tiny.
[[nodiscard]] inline double log_rising(double a, double e) noexcept {
  if (!(a > 0 && a + e > 0 && a + e < infinity)) return not_a_number;
  if (e == 0) return 0;
  if (e > 0 && e <= 16 && e == std::floor(e) && a < 1e15) {
    double product = a;
    for (double i = 1; i < e; i += 1) product *= a + i;
    return std::log(product);
  }
  double shifted = 0;
  if (a < 10 || a + e < 10) {
    if (std::fabs(e) > 1e5) return log_gamma(a + e) - log_gamma(a);
    // Up to 10 with Γ(x+1) = xΓ(x).
    double above = 1;
    double below = 1;
    for (; a < 10 || a + e < 10; a += 1) {
      if (std::fabs(e) < 0.5) {
        shifted += std::log1p(e / a);
      } else {
        above *= a + e;
        below *= a;
      }
    }
    shifted += std::log(above / below);
  }
  const double u = e / a;
  const double rest = std::fabs(e) < 1e-4 ? e * detail::stirling_rest_slope(a + 0.5 * e)
                                          : detail::stirling_rest(a + e) - detail::stirling_rest(a);
  const double main = u < 1 ? (a + e) * log1p_minus(u) + e * u : (a + e) * std::log1p(u) - e;
  return e * std::log(a) + main - 0.5 * std::log1p(u) + rest - shifted;
}

/// ln [B(a, b+n)/B(a, b)] = ln [(b)ₙ/(a+b)ₙ], a and b > 0, n ≥ 0: the mean chance to pass n hazards of a
/// Beta(a, b) size. Accurate for n ≫ a and for a, b ≫ n alike.
[[nodiscard]] inline double log_beta_ratio(double a, double b, double n) noexcept {
  if (!(a > 0)) return not_a_number;
  if (n <= 16 || n <= a) return log_rising(b, n) - log_rising(a + b, n);
  return log_rising(b, a) - log_rising(b + n, a);
}

/// ln of the binomial coefficient n over k, 0 ≤ k ≤ n, real.
[[nodiscard]] inline double log_binomial(double n, double k) noexcept {
  if (!(k >= 0 && k <= n)) return not_a_number;
  const double less = std::fmin(k, n - k);
  return log_rising(n - less + 1, less) - log_gamma(less + 1);
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

/// ∫ f from `low` to `high`, for a smooth f ≥ 0: Gauss–Kronrod rule of 10 and 21 points, the worst piece
/// halved until the estimated error is below 1e-12 of the value or 100 pieces are used up.
template <class Function>
[[nodiscard]] double integrate(const Function& f, double low, double high) noexcept {
  struct Piece {
    double low, high, value, error;
  };
  const auto measure = [&f](double from, double to) noexcept {
    constexpr std::array nodes{0.0,
                               0.14887433898163121088,
                               0.29439286270146019813,
                               0.43339539412924719080,
                               0.56275713466860468334,
                               0.67940956829902440623,
                               0.78081772658641689706,
                               0.86506336668898451073,
                               0.93015749135570822600,
                               0.97390652851717172008,
                               0.99565716302580808074};
    constexpr std::array kronrod{0.14944555400291690566,  0.14773910490133849137,  0.14277593857706008080,
                                 0.13470921731147332593,  0.12349197626206585108,  0.10938715880229764190,
                                 0.093125454583697605535, 0.075039674810919952767, 0.054755896574351996031,
                                 0.032558162307964727479, 0.011694638867371874278};
    constexpr std::array gauss{0.29552422471475287017, 0.26926671930999635509, 0.21908636251598204400,
                               0.14945134915058059315, 0.066671344308688137594};
    const double middle = 0.5 * (from + to);
    const double half = 0.5 * (to - from);
    double fine = kronrod[0] * f(middle);
    double coarse = 0;
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      const double pair = f(middle - half * nodes[i]) + f(middle + half * nodes[i]);
      fine += kronrod[i] * pair;
      if (i % 2 == 1) coarse += gauss[i / 2] * pair;
    }
    // The 21-point rule is far better than the difference to the 10-point rule (QUADPACK).
    const double apart = std::fabs(fine - coarse) / (std::fabs(fine) + 1e-300);
    const double relative = std::fmin(apart, std::pow(200 * apart, 1.5));
    return Piece{from, to, half * fine, std::fabs(half * fine) * relative};
  };
  if (!(high > low)) return high == low ? 0 : not_a_number;
  std::array<Piece, 100> pieces;
  std::size_t used = 1;
  pieces[0] = measure(low, high);
  for (;;) {
    double value = 0;
    double error = 0;
    std::size_t worst = 0;
    for (std::size_t i = 0; i < used; ++i) {
      value += pieces[i].value;
      error += pieces[i].error;
      if (pieces[i].error > pieces[worst].error) worst = i;
    }
    if (!(error > 1e-12 * value) || used == pieces.size()) return value;
    const double middle = 0.5 * (pieces[worst].low + pieces[worst].high);
    pieces[used++] = measure(middle, pieces[worst].high);
    pieces[worst] = measure(pieces[worst].low, middle);
  }
}

/// f(1) + … + f(last) for a smooth f > 0 that falls, `last` ≥ 0 whole: term by term up to 256, then as an
/// integral with the corrections of Euler and Maclaurin, so the cost doesn't grow with `last`.
template <class Function>
[[nodiscard]] double sum_falling(const Function& f, double last) noexcept {
  constexpr double counted = 256;
  double sum = 0;
  for (double j = 1; j <= last && j <= counted; j += 1) {
    const double next = f(j);
    sum += next;
    if (next * (last - j) < 1e-17 * sum) return sum;
  }
  if (!(last > counted)) return sum;
  // What the sum has over the integral at the end between j and j+1, in differences.
  const auto correction = [&f](double j) noexcept {
    const double one = f(j + 1) - f(j);
    const double three = f(j + 2) - 3 * f(j + 1) + 3 * f(j) - f(j - 1);
    return one / 24 - three * (17.0 / 5760);
  };
  const auto slope = [&f](double y) noexcept { return f(std::exp(y)) * std::exp(y); };
  return sum + integrate(slope, std::log(counted + 0.5), std::log(last + 0.5)) + correction(counted) -
         correction(last);
}

/// ₂F₁(1, b; c; z) where w = 1 − z is known without rounding, 0 < w ≤ 1, c > 1, 0 ≤ b ≤ c: Gauss's continued
/// fraction (NIST DLMF 15.7.5) by the modified Lentz rule, in which all terms have one sign, so nothing
/// cancels; next to z = 1, where that is slow, (c−1) ∫ v^(c−2) (w+zv)^(−b) dv over [0, 1].
[[nodiscard]] inline double hyp2f1_1(double b, double c, double z, double w) noexcept {
  if (!(z >= 0 && w > 0 && c > 1 && b >= 0 && b <= c && c < infinity)) return not_a_number;
  const double s = c - 1;
  if (w < 1e-5) {
    const auto slope = [=](double y) noexcept { return std::exp(s * y - b * std::log(w + z * std::exp(y))); };
    // Where s > b the integrand falls at least like e^((s−b)y) below 0.
    const double bend = std::fmax(std::log(w), s > b ? -45 / (s - b) : -infinity);
    return s * (integrate(slope, bend - 40 / s, bend) + integrate(slope, bend, 0));
  }
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

/// ₂F₁(1, b; c; z) for 0 ≤ z < 1, c > 1, 0 ≤ b ≤ c.
[[nodiscard]] inline double hyp2f1_1(double b, double c, double z) noexcept {
  return hyp2f1_1(b, c, z, 1 - z);
}

/// eᶻ Eₛ(z) = ∫ e^(−zv) (1+v)^(−s) dv over v ≥ 0, s > 0 and z > 0: the generalised exponential integral, also
/// U(1, 2−s, z) and U(s, s, z) z^(s−1). Continued fraction (NIST DLMF 8.19.17) for z ≥ 1 or large s; else the
/// power series (8.19.10) near s = 1, its two terms that meet their poles there taken together, and s Eₛ₊₁ =
/// e^(−z) − z Eₛ (8.19.12).
[[nodiscard]] inline double scaled_exponential_integral(double s, double z) noexcept {
  if (!(s > 0 && z > 0 && s < infinity && z < infinity)) return not_a_number;
  if (z >= 1 || s >= 40) {
    double b = z + s;
    double c = 1e300;
    double d = 1 / b;
    double value = d;
    for (int i = 1; i < 10'000; ++i) {
      const double a = -i * (s - 1 + i);
      b += 2;
      d = 1 / (a * d + b);
      c = b + a / c;
      const double ratio = c * d;
      value *= ratio;
      if (std::fabs(ratio - 1) < 1e-15) break;
    }
    return value;
  }
  const double steps = s > 1.5 ? std::ceil(s - 1.5) : 0;
  const double e = 1 - (s - steps);
  const double poles = log_rising(1, e) - e * std::log(z);
  double value = e == 0 ? 0.57721566490153286061 : 0;  // −ψ(1)
  value = e == 0 ? -value - std::log(z) : std::expm1(poles) / e;
  double power = 1;
  for (int k = 1; k < 40; ++k) {
    power *= -z / k;
    value -= power / (k + e);
    if (std::fabs(power) < 1e-17 * std::fabs(value)) break;
  }
  value *= std::exp(z);
  double order = s - steps;
  for (double i = 0; i < steps; i += 1, order += 1) value = (1 - z * value) / order;
  return value;
}

/// Iₓ(a, b), the regularised incomplete beta function, from x and y = 1 − x (pass both without rounding):
/// continued fraction NIST DLMF 8.17.22 on the side where it is quick. Also P(N ≥ a) for N failures before
/// the b-th success, each of probability y.
[[nodiscard]] inline double beta_cdf(double a, double b, double x, double y) noexcept {
  if (!(a > 0 && b > 0 && x >= 0 && y >= 0 && a < infinity && b < infinity)) return not_a_number;
  if (x == 0 || y == 0) return x == 0 ? 0 : 1;
  if (x * (a + b + 2) > a + 1) return 1 - beta_cdf(b, a, y, x);
  const double larger = std::fmax(a, b);
  const double smaller = std::fmin(a, b);
  const double log_inverse_beta = log_rising(larger, smaller) - log_gamma(smaller);
  const double front = std::exp(a * std::log(x) + b * std::log(y) + log_inverse_beta) / a;
  double c = 1;
  double d = 1 / (1 - (a + b) * x / (a + 1));
  double value = d;
  for (int m = 1; m < 100'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    const double ratio = d * c;
    value *= ratio;
    if (std::fabs(ratio - 1) < 1e-15) break;
  }
  return front * value;
}

}  // namespace special
}  // namespace v0
}  // namespace salesops
