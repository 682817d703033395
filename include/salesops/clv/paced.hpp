/// @file paced.hpp
/// Customers who began on one day, and so share their paces: Pareto/NBD with covariates over time by the
/// names of all models.
///
/// | question                                      | here                                            |
/// |-----------------------------------------------|-------------------------------------------------|
/// | of a customer won on the first day            | `p_alive_new`, `expected_transactions_new`, `dect_new`,
/// `pmf_new` | | of one with a history                         | `p_alive`, `p_alive_at`,
/// `expected_transactions`, `dect`, `pmf`, `p_no_transaction`, `expected_rate`, `expected_dropout` |
///
/// Times run from the first day. Answers are NaN beyond the end of the paces, so there is no `dert`. Nothing
/// is allocated. With the clocks A and D of `dynamic.hpp`, a new customer is alive at t with
/// (beta/(beta+D(t)))^s and, while alive, buys as one of NBD whose time is A.
#pragma once

#include <cmath>
#include <span>

#include "salesops/clv/dynamic.hpp"
#include "salesops/clv/model.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A model and paces that it follows; they are not owned.
struct PacedParetoNBD {
  ParetoNBD model;
  std::span<const Pace> paces;
  double from = 0;  ///< where in the paces its time begins
};

/// ln P(alive at T | x, t_x, T).
[[nodiscard]] inline double log_p_alive(const PacedParetoNBD& m, double x, double t_x, double T) noexcept {
  return log_p_alive(m.model, m.paces, x, t_x, T);
}

/// Alive at T: another model from there on.
[[nodiscard]] inline PacedParetoNBD given_alive(const PacedParetoNBD& m, double x, double t_x,
                                                double T) noexcept {
  return {given_alive(m.model, m.paces, x, t_x, T), m.paces, T};
}

/// (beta/(beta+D(t)))^s.
[[nodiscard]] inline double p_alive_new(const PacedParetoNBD& m, double t) noexcept {
  if (!(detail::valid(m.model) && t >= 0)) return detail::not_a_number;
  double d = 0;
  const bool covered = detail::for_paces(
      m.paces, m.from, m.from + t,
      [&](const Pace& pace, double length) noexcept { d += pace.leave / m.model.beta * length; });
  return covered ? std::exp(-m.model.s * std::log1p(d)) : detail::not_a_number;
}

/// Discounted repeat purchases in (0, t].
[[nodiscard]] inline double dect_new(const PacedParetoNBD& m, double t, double discount_rate) noexcept {
  if (!(detail::valid(m.model) && t >= 0 && discount_rate >= 0)) return detail::not_a_number;
  return detail::Outlook(m.model, m.paces, m.from, discount_rate).until(t);
}

/// Mean number of repeat purchases in (0, t].
[[nodiscard]] inline double expected_transactions_new(const PacedParetoNBD& m, double t) noexcept {
  return dect_new(m, t, 0);
}

/// P(n repeat purchases in (0, t]): n while alive until t, or until a departure before.
[[nodiscard]] inline double pmf_new(const PacedParetoNBD& m, double n, double t) noexcept {
  if (!(detail::valid(m.model) && t >= 0 && t < detail::infinity && detail::whole(n)))
    return detail::not_a_number;
  const auto& [r, alpha, s, beta] = m.model;
  const double choose = n == 0 ? 0 : special::log_rising(r, n) - special::log_gamma(n + 1);
  const auto log_bought = [&](double a) noexcept {
    const double count = n == 0 ? 0 : choose + n * std::log(a / (1 + a));
    return count - r * std::log1p(a);
  };
  detail::Clocks clocks;
  double left = 0;
  const double most = n / r;  // the clock at which n purchases are likeliest
  const bool covered =
      detail::for_paces(m.paces, m.from, m.from + t, [&](const Pace& pace, double length) noexcept {
        const double a_rate = pace.buy / alpha, d_rate = pace.leave / beta;
        // Smooth in ln(1 + u/scale).
        const double scale = std::fmin((1 + clocks.a) / a_rate, (1 + clocks.d) / d_rate);
        const auto slope = [&](double y) noexcept {
          const double u = scale * std::expm1(y);
          const double d = clocks.d + d_rate * u;
          return s * d_rate / (1 + d) * (u + scale) *
                 std::exp(log_bought(clocks.a + a_rate * u) - s * std::log1p(d));
        };
        const double end = std::log1p(length / scale);
        const double peak = std::log1p(std::fmin(std::fmax((most - clocks.a) / a_rate, 0), length) / scale);
        if (peak > 0) left += special::integrate(slope, 0, peak);
        if (peak < end) left += special::integrate(slope, peak, end);
        clocks.a += a_rate * length;
        clocks.d += d_rate * length;
      });
  if (!covered) return detail::not_a_number;
  if (clocks.a == 0) return n == 0 ? 1 : 0;
  return std::exp(log_bought(clocks.a) - s * std::log1p(clocks.d)) + left;
}

/// E[λ | x, t_x, T]: purchases per unit of time while alive, before the factor of the covariates.
[[nodiscard]] inline double expected_rate(const PacedParetoNBD& m, double x, double t_x, double T) noexcept {
  PacedParetoNBD weighed = m;
  weighed.model.r += 1;
  const ParetoNBD alive = given_alive(m, x, t_x, T).model;
  return alive.r / alive.alpha * std::exp(log_p_alive(m, x, t_x, T) - log_p_alive(weighed, x, t_x, T));
}

/// E[μ | x, t_x, T]: departures per unit of time while alive, before the factor of the covariates.
[[nodiscard]] inline double expected_dropout(const PacedParetoNBD& m, double x, double t_x,
                                             double T) noexcept {
  PacedParetoNBD weighed = m;
  weighed.model.s += 1;
  const ParetoNBD alive = given_alive(m, x, t_x, T).model;
  return alive.s / alive.beta * std::exp(log_p_alive(m, x, t_x, T) - log_p_alive(weighed, x, t_x, T));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
