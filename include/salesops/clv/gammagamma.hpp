/// @file gammagamma.hpp
/// Gamma-Gamma: what a customer spends per purchase (Fader, Hardie, Lee, JMR 42, 2005; Fader, Hardie: The
/// Gamma-Gamma model of monetary value, 2013).
#pragma once

#include <cmath>

#include "salesops/clv/model.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// The amounts of one customer are Gamma(p, rate ν) with ν ~ Gamma(q, rate v); independent of how often it
/// buys. v is an amount; all > 0.
struct GammaGamma {
  double p = 0;
  double q = 0;
  double v = 0;
};

/// ln density of the mean `mean_spend` > 0 of `x` amounts > 0:
/// ln [Γ(px+q)/(Γ(px)Γ(q)) · v^q z̄^(px−1) x^(px) / (v + x z̄)^(px+q)]. 0 for x = 0: no amount, no news.
[[nodiscard]] inline double log_likelihood(const GammaGamma& m, double x, double mean_spend) noexcept {
  if (!(detail::positive(m.p, m.q, m.v) && detail::whole(x))) return detail::not_a_number;
  if (x == 0) return 0;
  if (!detail::positive(mean_spend)) return detail::not_a_number;
  const double px = m.p * x;
  const double total = x * mean_spend;
  return special::log_rising(px, m.q) - special::log_gamma(m.q) - px * std::log1p(m.v / total) -
         m.q * std::log1p(total / m.v) - std::log(mean_spend);
}

/// E[mean amount | x, mean_spend] = p (v + x z̄)/(p x + q − 1), per purchase to come. NaN where p x + q ≤ 1:
/// the mean doesn't exist. x = 0 gives `expected_spend_new`, whatever `mean_spend`.
[[nodiscard]] inline double expected_spend(const GammaGamma& m, double x, double mean_spend) noexcept {
  if (!(detail::positive(m.p, m.q, m.v) && detail::whole(x))) return detail::not_a_number;
  if (x > 0 && !detail::positive(mean_spend)) return detail::not_a_number;
  const double below = m.p * x + m.q - 1;
  if (!(below > 0)) return detail::not_a_number;
  return m.p * (m.v + (x > 0 ? x * mean_spend : 0)) / below;
}

/// Mean amount over all customers, p v/(q − 1). NaN where q ≤ 1: there is none.
[[nodiscard]] inline double expected_spend_new(const GammaGamma& m) noexcept {
  return expected_spend(m, 0, 0);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
