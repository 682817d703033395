/// @file bgbb.hpp
/// BG/BB: customers who buy or don't at given opportunities, such as yearly donations (Fader, Hardie, Shang:
/// Customer-base analysis in a discrete-time noncontractual setting, Marketing Science 29, 2010).
#pragma once

#include <cmath>

#include "salesops/clv/model.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// At each opportunity a customer first leaves for good with probability θ ~ Beta(gamma, delta), then, if
/// still there, buys with probability p ~ Beta(alpha, beta). All > 0.
///
/// Histories are (x, t_x, n): x purchases at n opportunities, the last at the t_x-th. `alive` is meant after
/// the n-th opportunity; `p_alive_at(m, 1, x, t_x, n)` is the paper's figure at the next one. t counts
/// opportunities, whole numbers; `discount_rate` is per opportunity: the i-th from now counts (1+d)^(−i).
struct BGBB {
  double alpha = 0;
  double beta = 0;
  double gamma = 0;
  double delta = 0;
};

namespace detail {
[[nodiscard]] inline bool valid(const BGBB& m) noexcept {
  return positive(m.alpha, m.beta, m.gamma, m.delta);
}

/// What is summed one by one stays within this.
inline constexpr double most_opportunities = 1e7;

[[nodiscard]] inline bool opportunities(double x, double t_x, double n) noexcept {
  return history(x, t_x, n) && whole(t_x) && whole(n) && x <= t_x && n <= most_opportunities;
}
}  // namespace detail

/// ln P(alive after opportunity n | …): −ln of the sum over the moments it may have left at, relative to
/// staying. It takes n − t_x steps; NaN for n above 10⁷.
[[nodiscard]] inline double log_p_alive(const BGBB& m, double x, double t_x, double n) noexcept {
  if (!(detail::valid(m) && detail::opportunities(x, t_x, n))) return detail::not_a_number;
  double sum = 0;  // all possibilities ÷ e^log_scale
  double log_scale = 0;
  double left = 0;  // left after opportunity u = n−1, n−2, …, t_x
  for (double u = n - 1; u >= t_x; u -= 1) {
    const double silent = (m.alpha + m.beta + u) / (m.beta + u - x);
    left = u == n - 1 ? silent * m.gamma / (m.delta + u)
                      : left * silent * ((m.gamma + m.delta + u + 1) / (m.delta + u));
    sum += left;
    if (sum > 1e250) {
      log_scale += std::log(sum);
      left /= sum;
      sum = 1;
    }
  }
  return log_scale == 0 ? -std::log1p(sum) : -log_scale - std::log(sum);
}

/// ln [B(alpha+x, beta+n−x)/B(alpha, beta) · B(gamma, delta+n)/B(gamma, delta)] − ln P(alive): one certain
/// order of the purchases. (Of all orders with x and t_x: times t_x−1 over x−1.)
[[nodiscard]] inline double log_likelihood(const BGBB& m, double x, double t_x, double n) noexcept {
  const double log_p = log_p_alive(m, x, t_x, n);
  if (std::isnan(log_p)) return log_p;
  return special::log_rising(m.alpha, x) + special::log_rising(m.beta, n - x) -
         special::log_rising(m.alpha + m.beta, n) + special::log_beta_ratio(m.gamma, m.delta, n) - log_p;
}

/// Alive after opportunity n: p ~ Beta(alpha+x, beta+n−x), θ ~ Beta(gamma, delta+n).
[[nodiscard]] inline BGBB given_alive(const BGBB& m, double x, double, double n) noexcept {
  return {m.alpha + x, m.beta + n - x, m.gamma, m.delta + n};
}

/// B(gamma, delta+t)/B(gamma, delta).
[[nodiscard]] inline double p_alive_new(const BGBB& m, double t) noexcept {
  if (!(detail::valid(m) && detail::whole(t))) return detail::not_a_number;
  return std::exp(special::log_beta_ratio(m.gamma, m.delta, t));
}

[[nodiscard]] inline double dert_new(const BGBB& m, double discount_rate) noexcept;

/// Discounted purchases at opportunities 1 … t of a new customer, t = +∞ allowed:
/// alpha/(alpha+beta) Σ_i (delta)_i/(gamma+delta)_i (1+d)^(−i).
[[nodiscard]] inline double dect_new(const BGBB& m, double t, double discount_rate) noexcept {
  if (t == detail::infinity) return dert_new(m, discount_rate);
  if (!(detail::valid(m) && detail::whole(t) && discount_rate >= 0 && discount_rate < detail::infinity))
    return detail::not_a_number;
  const double buys = m.alpha / (m.alpha + m.beta);
  const double fall = std::log1p(discount_rate);
  if (t > 1000) {
    return buys * special::sum_falling(
                      [&](double i) noexcept {
                        return std::exp(special::log_beta_ratio(m.gamma, m.delta, i) - i * fall);
                      },
                      t);
  }
  double present = 1;
  double sum = 0;
  for (double i = 0; i < t; i += 1) {
    present *= (m.delta + i) / ((m.gamma + m.delta + i) * (1 + discount_rate));
    sum += present;
  }
  return buys * sum;
}

/// Mean number of purchases at opportunities 1 … t of a new customer.
[[nodiscard]] inline double expected_transactions_new(const BGBB& m, double t) noexcept {
  return dect_new(m, t, 0);
}

/// Discounted purchases at all opportunities to come of a new customer:
/// alpha/(alpha+beta) · delta/(gamma+delta) · v ₂F₁(1, delta+1; gamma+delta+1; v), v = 1/(1+d). At d = 0 the
/// last factors are delta/(gamma−1), or +∞ for gamma ≤ 1.
[[nodiscard]] inline double dert_new(const BGBB& m, double discount_rate) noexcept {
  if (!(detail::valid(m) && discount_rate >= 0 && discount_rate < detail::infinity))
    return detail::not_a_number;
  const double buys = m.alpha / (m.alpha + m.beta);
  if (discount_rate == 0) return m.gamma > 1 ? buys * m.delta / (m.gamma - 1) : detail::infinity;
  const double v = 1 / (1 + discount_rate);
  return buys * m.delta / (m.gamma + m.delta) * v *
         special::hyp2f1_1(m.delta + 1, m.gamma + m.delta + 1, v, discount_rate * v);
}

/// P(X(t) = n) of a new customer: there for all t opportunities, or gone after the i-th, n ≤ i < t. It
/// takes t − n steps; NaN for t above 10⁷.
[[nodiscard]] inline double pmf_new(const BGBB& m, double n, double t) noexcept {
  if (!(detail::valid(m) && detail::whole(t) && detail::whole(n))) return detail::not_a_number;
  if (n > t) return 0;
  if (t > detail::most_opportunities) return detail::not_a_number;
  // buys: n of i opportunities taken; stays: there at i of them.
  double buys = special::log_rising(m.alpha, n) - special::log_rising(m.alpha + m.beta, n);
  double stays = special::log_beta_ratio(m.gamma, m.delta, n);
  double at = std::exp(buys + stays);
  double sum = 0;
  for (double i = n; i < t; i += 1) {
    sum += at * (m.gamma / (m.gamma + m.delta + i));
    at *= (i + 1) / (i + 1 - n) * ((m.beta + i - n) / (m.alpha + m.beta + i)) *
          ((m.delta + i) / (m.gamma + m.delta + i));
  }
  return sum + at;
}

/// E[p | x, t_x, n]: purchases per opportunity while alive. One more purchase in the likelihood weighs it by
/// p.
[[nodiscard]] inline double expected_rate(const BGBB& m, double x, double t_x, double n) noexcept {
  const double log_p = log_p_alive(m, x, t_x, n);
  const double weighed = log_p_alive(BGBB{m.alpha + 1, m.beta, m.gamma, m.delta}, x, t_x, n);
  return (m.alpha + x) / (m.alpha + m.beta + n) * std::exp(log_p - weighed);
}

/// E[θ | x, t_x, n]: probability to leave at an opportunity.
[[nodiscard]] inline double expected_dropout(const BGBB& m, double x, double t_x, double n) noexcept {
  const double log_p = log_p_alive(m, x, t_x, n);
  const double weighed = log_p_alive(BGBB{m.alpha, m.beta, m.gamma + 1, m.delta}, x, t_x, n);
  return m.gamma / (m.gamma + m.delta + n) * std::exp(log_p - weighed);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
