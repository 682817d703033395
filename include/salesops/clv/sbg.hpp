/// @file sbg.hpp
/// Shifted beta-geometric: contracts whose customers have unequal, constant churn (Fader, Hardie: How to
/// project customer retention, Journal of Interactive Marketing 21, 2007; Customer-base valuation in a
/// contractual setting, Marketing Science 29, 2010).
#pragma once

#include <cmath>

#include "salesops/clv/contract.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// At each renewal a customer leaves with probability θ ~ Beta(alpha, beta); both > 0.
struct SBG {
  double alpha = 0;
  double beta = 0;
};

/// ln S(n+t)/S(n), S(t) = B(alpha, beta+t)/B(alpha, beta): t more renewals after n made.
[[nodiscard]] inline double log_survival_given(const SBG& m, double t, double n) noexcept {
  if (!(detail::positive(m.alpha, m.beta) && t >= 0 && n >= 0)) return detail::not_a_number;
  if (t == 1) return -std::log1p(m.alpha / (m.beta + n));
  return special::log_beta_ratio(m.alpha, m.beta + n, t);
}

/// Discounted expected residual lifetime in renewals, of a customer with n renewals made:
///
///     Σ_{j≥1} S(n+j)/S(n) (1+d)^(1−j) = (β+n)/(α+β+n) ₂F₁(1, β+n+1; α+β+n+1; 1/(1+d))    (renewal due)
///
/// and 1/(1+d) of that when the n-th has just been made. Times the margin of a period it is the residual
/// value. d = discount_rate ≥ 0 per period; at 0 (β+n)/(α−1), or +∞ for α ≤ 1. (The paper's n counts periods
/// of contract begun, one more than renewals made.)
[[nodiscard]] inline double residual_lifetime(const SBG& m, double discount_rate, double n,
                                              Renewal renewal) noexcept {
  if (!(detail::positive(m.alpha, m.beta) && discount_rate >= 0 && discount_rate < detail::infinity &&
        n >= 0 && n < detail::infinity))
    return detail::not_a_number;
  if (discount_rate == 0) return m.alpha > 1 ? (m.beta + n) / (m.alpha - 1) : detail::infinity;
  const double v = 1 / (1 + discount_rate);
  const double due = (m.beta + n) / (m.alpha + m.beta + n) *
                     special::hyp2f1_1(m.beta + n + 1, m.alpha + m.beta + n + 1, v, discount_rate * v);
  return renewal == Renewal::due ? due : v * due;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
