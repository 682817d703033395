#include "laws.hpp"

#include <array>
#include <cmath>

#include "rows.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

namespace {

constexpr double half_log_two_pi = 0.91893853320467274178;

/// Hazard of the normal law, φ(z)/Φ(−z), less z: what remains of Mills' ratio by its continued fraction.
double mills_rest(double z) {
  double tail = 0;
  for (int i = 60; i > 0; --i) tail = i / (z + tail);
  return tail;
}

LawTerm normal_survival(double z) {
  const double far = 6;
  const double rest = z > far ? mills_rest(z) : special::normal_pdf(z) / special::normal_cdf(-z) - z;
  const double hazard = z + rest;
  // Of what is hardly below 1 only the distance from it has digits, which intervals live by.
  const double value = z > far ? -z * z / 2 - half_log_two_pi - std::log(hazard)
                       : z > 0 ? std::log(special::normal_cdf(-z))
                               : std::log1p(-special::normal_cdf(z));
  return {.value = value, .z = -hazard, .zz = -hazard * rest};
}

LawTerm normal_density(double z) { return {.value = -z * z / 2 - half_log_two_pi, .z = -z, .zz = -1}; }

// ---- The generalised gamma at one shape -----------------------------------------------------------

/// Below this the law is normal to double precision of its derivatives.
constexpr double nearly_normal = 1e-6;

/// (eᵘ − 1 − u)/u² · 2, near 1 for small u.
double exponential_rest(double u) {
  if (std::fabs(u) > 0.05) return 2 * (std::expm1(u) - u) / (u * u);
  double sum = 0;
  for (int n = 10; n > 0; --n) sum = (1 + sum) * u / (n + 2);
  return 1 + sum;
}

LawTerm gamma_density(double z, double q) {
  if (std::fabs(q) < nearly_normal) return normal_density(z);
  const double k = 1 / (q * q);
  const double constant = k >= 10 ? -half_log_two_pi - special::detail::stirling_rest(k)
                                  : k * std::log(k) - k - special::log_gamma(k) + std::log(std::fabs(q));
  return {.value = constant - z * z / 2 * exponential_rest(q * z),
          .z = -std::expm1(q * z) / q,
          .zz = -std::exp(q * z)};
}

/// ln of the upper or lower regularised incomplete gamma function where it is below the range of numbers,
/// from `density`, the logarithm of xᵏe⁻ˣ/Γ(k).
double log_far_tail(double k, double x, bool upper, double density) {
  if (upper) {  // Lentz's rule for the continued fraction NIST DLMF 8.9.2
    double b = x + 1 - k;
    double c = 1e300;
    double d = 1 / b;
    double h = d;
    for (int i = 1; i < 500; ++i) {
      const double a = -i * (i - k);
      b += 2;
      d = 1 / (a * d + b);
      c = b + a / c;
      h *= d * c;
      if (std::fabs(d * c - 1) < 1e-15) break;
    }
    return density + std::log(h);
  }
  double term = 1 / k;
  double sum = term;
  for (int n = 1; n < 500 && term > 1e-17 * sum; ++n) sum += term *= x / (k + n);
  return density + std::log(sum);
}

LawTerm gamma_survival(double z, double q) {
  if (std::fabs(q) < nearly_normal) return normal_survival(z);
  const double k = 1 / (q * q);
  const double x = k * std::exp(q * z);
  const bool upper = q > 0;
  const LawTerm density = gamma_density(z, q);
  double tail = 0;
  double dead = 1;
  if (std::isfinite(x)) {
    tail = upper ? boost::math::gamma_q(k, x, Policy{}) : boost::math::gamma_p(k, x, Policy{});
    if (tail > 0.5)
      dead = upper ? boost::math::gamma_p(k, x, Policy{}) : boost::math::gamma_q(k, x, Policy{});
  }
  const double value = tail > 0.5      ? std::log1p(-dead)
                       : tail > 1e-290 ? std::log(tail)
                                       : log_far_tail(k, x, upper, density.value - std::log(std::fabs(q)));
  const double hazard = std::exp(density.value - value);
  return {.value = value, .z = -hazard, .zz = -hazard * (density.z + hazard)};
}

/// Adds the derivatives by q, by differences of the fourth order.
template <typename Law>
LawTerm with_shape(const Law& law, double z, double q) {
  LawTerm term = law(z, q);
  const double step = 1e-3 * std::max(1.0, std::fabs(q));
  const std::array<LawTerm, 4> at{law(z, q - 2 * step), law(z, q - step), law(z, q + step),
                                  law(z, q + 2 * step)};
  term.q = (at[0].value - 8 * at[1].value + 8 * at[2].value - at[3].value) / (12 * step);
  term.zq = (at[0].z - 8 * at[1].z + 8 * at[2].z - at[3].z) / (12 * step);
  term.qq = (-at[0].value + 16 * at[1].value - 30 * term.value + 16 * at[2].value - at[3].value) /
            (12 * step * step);
  return term;
}

}  // namespace

LawTerm log_survival(LifetimeLaw law, double z, double q) {
  switch (law) {
    case LifetimeLaw::log_normal: return normal_survival(z);
    case LifetimeLaw::log_logistic: {
      const double dead = special::logistic(z);
      return {.value = -special::softplus(z), .z = -dead, .zz = -dead * special::logistic(-z)};
    }
    case LifetimeLaw::generalized_gamma: return with_shape(gamma_survival, z, q);
    case LifetimeLaw::exponential:
    case LifetimeLaw::weibull: break;
  }
  const double e = std::exp(z);
  return {.value = -e, .z = -e, .zz = -e};
}

LawTerm log_density(LifetimeLaw law, double z, double q) {
  switch (law) {
    case LifetimeLaw::log_normal: return normal_density(z);
    case LifetimeLaw::log_logistic: {
      const double dead = special::logistic(z);
      return {
          .value = z - 2 * special::softplus(z), .z = 1 - 2 * dead, .zz = -2 * dead * special::logistic(-z)};
    }
    case LifetimeLaw::generalized_gamma: return with_shape(gamma_density, z, q);
    case LifetimeLaw::exponential:
    case LifetimeLaw::weibull: break;
  }
  const double e = std::exp(z);
  return {.value = z - e, .z = 1 - e, .zz = -e};
}

double law_quantile(LifetimeLaw law, double probability, double q) {
  switch (law) {
    case LifetimeLaw::log_normal: return special::normal_quantile(probability);
    case LifetimeLaw::log_logistic: return std::log(probability) - std::log1p(-probability);
    case LifetimeLaw::generalized_gamma: {
      if (std::fabs(q) < nearly_normal) return special::normal_quantile(probability);
      const double k = 1 / (q * q);
      const double x = q > 0 ? boost::math::gamma_p_inv(k, probability, Policy{})
                             : boost::math::gamma_q_inv(k, probability, Policy{});
      return std::log(x / k) / q;
    }
    case LifetimeLaw::exponential:
    case LifetimeLaw::weibull: break;
  }
  return std::log(-std::log1p(-probability));
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
