/// @file bdw.hpp
/// Beta-discrete-Weibull: contracts whose customers' churn also changes with the age of the contract (Fader,
/// Hardie, Liu, Davin, Steenburgh: "How to project customer retention" revisited, Journal of Interactive
/// Marketing 43, 2018).
#pragma once

#include <cmath>

#include "salesops/clv/contract.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// P(t renewals | θ) = (1−θ)^(t^c), θ ~ Beta(alpha, beta). c > 1: a contract is left the more easily the
/// older it is, c < 1: the less; c = 1 is sBG. All > 0.
struct BdW {
  double alpha = 0;
  double beta = 0;
  double c = 0;
};

/// ln S(n+t)/S(n), S(t) = B(alpha, beta+t^c)/B(alpha, beta): t more renewals after n made.
[[nodiscard]] inline double log_survival_given(const BdW& m, double t, double n) noexcept {
  if (!(detail::positive(m.alpha, m.beta, m.c) && t >= 0 && n >= 0)) return detail::not_a_number;
  const double made = std::pow(n, m.c);
  const double more = n == 0 ? std::pow(t, m.c) : made * std::expm1(m.c * std::log1p(t / n));
  return special::log_beta_ratio(m.alpha, m.beta + made, more);
}

/// Discounted expected residual lifetime in renewals, of a customer with n renewals made:
/// Σ_{j≥1} S(n+j)/S(n) (1+d)^(1−j) where the next renewal is due, 1/(1+d) of that where the n-th has just
/// been made; d = discount_rate ≥ 0 per period. At d = 0 it is +∞ for alpha·c ≤ 1.
[[nodiscard]] inline double residual_lifetime(const BdW& m, double discount_rate, double n,
                                              Renewal renewal) noexcept {
  if (!(detail::positive(m.alpha, m.beta, m.c) && discount_rate >= 0 && discount_rate < detail::infinity &&
        n >= 0 && n < detail::infinity))
    return detail::not_a_number;
  const double tail = m.alpha * m.c - 1;  // S(t) falls like t^(−alpha c)
  if (discount_rate == 0 && tail <= 0) return detail::infinity;
  const double fall = std::log1p(discount_rate);
  const auto term = [&](double j) noexcept { return std::exp(log_survival_given(m, j, n) - fall * (j - 1)); };
  // Beyond `far` the power law is exact to rounding, or nothing is left.
  const double power = std::pow(1e14 * (1 + m.alpha) * (1 + m.alpha + m.beta), 1 / m.c) + 1e14 * n;
  const double far = std::floor(std::fmin(power, fall > 0 ? 45 / fall + 2 : detail::infinity));
  double sum = special::sum_falling(term, far);
  if (fall == 0) sum += term(far) * far / tail;
  return renewal == Renewal::due ? sum : sum / (1 + discount_rate);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
