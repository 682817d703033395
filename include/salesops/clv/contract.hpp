/// @file contract.hpp
/// What the models of contracts share: customers who renew at set times or are seen to leave.
///
/// `survival(m, t)` is P(still a customer after t renewals); everything else follows from it. Times are
/// numbers of renewals due since the contract began.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>

#include "salesops/clv/model.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Whether the renewal with which residual life starts to count is due now or was made a moment ago.
enum class Renewal {
  due,  ///< the next renewal is decided now and counts in full
  made  ///< the next renewal is due in one period and counts discounted once
};

/// A model of renewals.
template <class M>
concept ContractModel = requires(const M& m) {
  { log_survival_given(m, 1.0, 1.0) } -> std::same_as<double>;
};

/// ln P(after t renewals still a customer).
template <ContractModel M>
[[nodiscard]] double log_survival(const M& m, double t) noexcept {
  return log_survival_given(m, t, 0);
}

/// P(after t renewals still a customer), 1 at t = 0.
template <ContractModel M>
[[nodiscard]] double survival(const M& m, double t) noexcept {
  return std::exp(log_survival_given(m, t, 0));
}

/// P(t more renewals | n renewals made).
template <ContractModel M>
[[nodiscard]] double survival_given(const M& m, double t, double n) noexcept {
  return std::exp(log_survival_given(m, t, n));
}

/// P(the t-th renewal is made | t − 1 were), t ≥ 1. Rises with t: those who easily leave have left.
template <ContractModel M>
[[nodiscard]] double retention(const M& m, double t) noexcept {
  return t >= 1 ? std::exp(log_survival_given(m, 1, t - 1)) : detail::not_a_number;
}

/// ln P(the t-th renewal is the first not made), t ≥ 1: the likelihood of a customer who left; `log_survival`
/// is that of one who stayed.
template <ContractModel M>
[[nodiscard]] double log_p_churn(const M& m, double t) noexcept {
  if (!(t >= 1)) return detail::not_a_number;
  return log_survival(m, t - 1) + special::log1m_exp(log_survival_given(m, 1, t - 1));
}

/// Discounted expected renewals among the next t of a customer who made n: Σ S(n+j)/S(n) (1+d)^(1−j) over
/// 1 ≤ j ≤ t where the next is due, 1/(1+d) of that where the n-th has just been made. d = discount_rate ≥ 0
/// per period, t whole; without end it is `residual_lifetime`. Times the margin of a period it is the value
/// of them.
template <ContractModel M>
[[nodiscard]] double dect(const M& m, double t, double discount_rate, double n, Renewal renewal) noexcept {
  if (t == detail::infinity) return residual_lifetime(m, discount_rate, n, renewal);
  if (!(detail::whole(t) && discount_rate >= 0 && discount_rate < detail::infinity &&
        log_survival_given(m, 1, n) <= 0 && n < detail::infinity))
    return detail::not_a_number;
  const double fall = std::log1p(discount_rate);
  const double due = special::sum_falling(
      [&](double j) noexcept { return std::exp(log_survival_given(m, j, n) - fall * (j - 1)); }, t);
  return renewal == Renewal::due ? due : due / (1 + discount_rate);
}

/// ln likelihood of one cohort: `survivors[i]` customers are left after first_renewal + i renewals, never
/// more than before. NaN where they are, or for a negative number. 0 for a cohort without a renewal.
template <ContractModel M>
[[nodiscard]] double log_likelihood(const M& m, std::span<const double> survivors,
                                    double first_renewal = 0) noexcept {
  if (std::isnan(log_survival_given(m, 1, first_renewal))) return detail::not_a_number;
  double sum = 0;
  double reached = 0;  // ln S(first_renewal+i−1)/S(first_renewal)
  for (std::size_t i = 0; i < survivors.size(); ++i) {
    if (!(survivors[i] >= 0 && survivors[i] < detail::infinity)) return detail::not_a_number;
    if (i == 0) continue;
    const double lost = survivors[i - 1] - survivors[i];
    if (!(lost >= 0)) return detail::not_a_number;
    const double stay = log_survival_given(m, 1, first_renewal + static_cast<double>(i - 1));
    if (lost > 0) sum += lost * (reached + special::log1m_exp(stay));
    reached += stay;
  }
  return survivors.empty() || survivors.back() == 0 ? sum : sum + survivors.back() * reached;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
