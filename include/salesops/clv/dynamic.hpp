/// @file dynamic.hpp
/// Pareto/NBD of customers whose pace changes over time: seasons, campaigns, prices (Bachmann, Meierer, Näf:
/// The role of time-varying contextual factors in latent attrition models for customer base analysis,
/// Marketing Science 40, 2021).
///
/// A living customer buys at rate λ e^(γ'z(t)) and leaves at rate μ e^(δ'w(t)), with λ ~ Gamma(r, rate
/// alpha), μ ~ Gamma(s, rate beta) and covariates z, w that stay as they are within intervals of time. With
/// the clocks A(t) = ∫ e^(γ'z) and D(t) = ∫ e^(δ'w), which run straight within each interval, the likelihood
/// of purchases at t₁ … t_x seen until T is
///
///     Π_j e^(γ'z(t_j)) · Γ(r+x)/Γ(r) · alpha^r beta^s · [ (alpha+A(T))^−(r+x) (beta+D(T))^−s
///         + s ∫ from t_x to T of D'(τ) (alpha+A(τ))^−(r+x) (beta+D(τ))^−(s+1) dτ ]
///
/// | question                                                   | here                            |
/// |------------------------------------------------------------|---------------------------------|
/// | what moves the rates, and how strongly                     | `fit_pareto_nbd`                |
/// | is each still a customer, how much will it buy             | `predict`                       |
/// | how much by the end of each month                          | `dect` of many times            |
/// | the same of one customer, without allocation               | functions of `ParetoNBD, paces` |
/// | all questions about customers who began on one day         | `paced.hpp`                     |
/// | which purchases might such customers make                  | `simulate`                      |
///
/// Integrals are Gauss–Legendre rules with so many nodes that the error is below rounding. Covariates that
/// never change give `fit_pareto_nbd` of `Covariates`; none at all, the plain Pareto/NBD.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "salesops/clv/fit.hpp"
#include "salesops/clv/paretonbd.hpp"
#include "salesops/clv/predict.hpp"
#include "salesops/clv/simulate.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A length of time over which both rates keep their factors. A customer's paces follow one another from its
/// first purchase on.
struct Pace {
  double length = 0;  ///< > 0
  double buy = 1;     ///< e^(γ'z)
  double leave = 1;   ///< e^(δ'w)
};

namespace detail {

/// Gauss–Legendre rule of n nodes: those of the positive half of [−1, 1].
struct Rule {
  std::span<const double> nodes;
  std::span<const double> weights;
  double log_room;  ///< ln [1e-16 (2n+1) ((2n)!/n!²)² (2n)!], its error term turned round
};
inline constexpr std::array gauss_nodes_4{0.339981043584856264803, 0.861136311594052575224};
inline constexpr std::array gauss_weights_4{0.652145154862546142627, 0.347854845137453857373};
inline constexpr std::array gauss_nodes_8{0.183434642495649804939, 0.525532409916328985818,
                                          0.796666477413626739592, 0.960289856497536231684};
inline constexpr std::array gauss_weights_8{0.362683783378361982965, 0.313706645877887287338,
                                            0.222381034453374470544, 0.101228536290376259153};
inline constexpr std::array gauss_nodes_16{
    0.0950125098376374401853, 0.28160355077925891323, 0.458016777657227386342, 0.617876244402643748447,
    0.755404408355003033895,  0.86563120238783174388, 0.944575023073232576078, 0.989400934991649932596};
inline constexpr std::array gauss_weights_16{
    0.189450610455068496285, 0.182603415044923588867,  0.169156519395002538189,  0.149595988816576732082,
    0.124628971255533872052, 0.0951585116824927848099, 0.0622535239386478928628, 0.0271524594117540948518};
inline constexpr std::array<Rule, 3> rules{{{gauss_nodes_4, gauss_weights_4, -15.5425435237245434},
                                            {gauss_nodes_8, gauss_weights_8, 15.5890205634125026},
                                            {gauss_nodes_16, gauss_weights_16, 88.6415840175841696}}};

/// Σ `term(u, weight)` over the nodes of rules that integrate f over (0, length]; `term` returns weight·f(u).
/// f is a product of (1+ρu)^−p with ρ ≤ `rate`, or of e^(−δu), and `fall(u)` is −f′(u)/f(u), the sum of their
/// pρ/(1+ρu) and δ. With q = rate/(1+rate·u) then |f⁽ⁿ⁾(u)| ≤ f(u) (fall(u)/q)ₙ qⁿ, for (p)ₖ (ρ/q)ᵏ ≤
/// (pρ/q)ₖ, and the error is below rounding.
template <class Fall, class Term>
double sum_of_nodes(double length, double rate, const Fall& fall, const Term& term) noexcept {
  double sum = 0;
  double from = 0;
  while (from < length) {
    const double room = (1 + rate * from) / rate;
    const double power = fall(from) * room;
    const Rule* chosen = nullptr;
    double step = length - from;
    for (const Rule& rule : rules) {
      const double order = 4 * static_cast<double>(rule.nodes.size());
      const double reach = room * std::exp((rule.log_room - special::log_rising(power, order)) / order);
      chosen = &rule;
      if (step <= reach) break;
      if (&rule == &rules.back()) step = reach;
    }
    const double half = 0.5 * step;
    double part = 0;
    double least = infinity;
    for (std::size_t i = 0; i < chosen->nodes.size(); ++i) {
      const double weight = half * chosen->weights[i];
      const double late = term(from + half * (1 + chosen->nodes[i]), weight);
      part += term(from + half * (1 - chosen->nodes[i]), weight) + late;
      least = std::fmin(least, late / weight);
    }
    sum += part;
    from += step;
    if (from < length && least * (length - from) <= 1e-17 * sum) break;
    if (!(step > 0)) return not_a_number;
  }
  return sum;
}

/// Calls `visit(pace, length)` for the parts of paces within (from, to]; false when they end before `to`. The
/// last one bears rounding.
template <class Visit>
bool for_paces(std::span<const Pace> paces, double from, double to, const Visit& visit) noexcept {
  double begin = 0;
  for (std::size_t i = 0; i < paces.size() && begin < to; ++i) {
    double end = begin + paces[i].length;
    if (i + 1 == paces.size() && end < to && to - end <= 1e-9 * to) end = to;
    const double length = std::fmin(end, to) - std::fmax(begin, from);
    if (length > 0) visit(paces[i], length);
    begin = end;
  }
  return begin >= to;
}

/// Both clocks, in units of alpha and beta: a = A(t)/alpha, d = D(t)/beta.
struct Clocks {
  double a = 0;
  double d = 0;
};

[[nodiscard]] inline Clocks clocks_at(const ParetoNBD& m, std::span<const Pace> paces, double t) noexcept {
  Clocks clocks;
  const bool covered = for_paces(paces, 0, t, [&](const Pace& pace, double length) noexcept {
    clocks.a += pace.buy / m.alpha * length;
    clocks.d += pace.leave / m.beta * length;
  });
  return covered ? clocks : Clocks{not_a_number, not_a_number};
}

/// How (1+au)^−R (1+du)^−(s+1) falls.
[[nodiscard]] inline auto fall_of(double a, double d, double R, double s) noexcept {
  return [=](double u) noexcept { return R * a / (1 + a * u) + (s + 1) * d / (1 + d * u); };
}

/// ln of s ∫ over `length` of d' (1+a)^−R (1+d)^−(s+1).
[[nodiscard]] inline double log_left_within(const Clocks& at, double a_rate, double d_rate, double R,
                                            double s, double length) noexcept {
  const double fast_a = a_rate / (1 + at.a);
  const double fast_d = d_rate / (1 + at.d);
  const double integral =
      sum_of_nodes(length, std::fmax(fast_a, fast_d), fall_of(fast_a, fast_d, R, s),
                   [=](double u, double weight) noexcept {
                     return weight * std::exp(-R * std::log1p(fast_a * u) - (s + 1) * std::log1p(fast_d * u));
                   });
  return std::log(s * fast_d * integral) - R * std::log1p(at.a) - s * std::log1p(at.d);
}

}  // namespace detail

/// ln P(alive at T | x, t_x, T) of a customer of these paces, which reach until T. NaN where they don't, as
/// in all that follows.
[[nodiscard]] inline double log_p_alive(const ParetoNBD& m, std::span<const Pace> paces, double x, double t_x,
                                        double T) noexcept {
  if (!(detail::valid(m) && detail::history(x, t_x, T))) return detail::not_a_number;
  const double R = m.r + x;
  detail::Clocks clocks = detail::clocks_at(m, paces, t_x);
  double log_left = -detail::infinity;
  const bool covered = detail::for_paces(paces, t_x, T, [&](const Pace& pace, double length) noexcept {
    const double a_rate = pace.buy / m.alpha;
    const double d_rate = pace.leave / m.beta;
    log_left = special::log_add(log_left, detail::log_left_within(clocks, a_rate, d_rate, R, m.s, length));
    clocks.a += a_rate * length;
    clocks.d += d_rate * length;
  });
  if (!covered) return detail::not_a_number;
  const double log_there = -R * std::log1p(clocks.a) - m.s * std::log1p(clocks.d);
  return -special::softplus(log_left - log_there);
}

/// ln likelihood of (x, t_x, T), with Π e^(γ'z(t_j)) given by its logarithm.
[[nodiscard]] inline double log_likelihood(const ParetoNBD& m, std::span<const Pace> paces, double x,
                                           double t_x, double T, double log_paces_of_purchases) noexcept {
  const double log_p = log_p_alive(m, paces, x, t_x, T);
  if (std::isnan(log_p)) return log_p;
  const detail::Clocks clocks = detail::clocks_at(m, paces, T);
  const double rates = x == 0 ? 0 : special::log_rising(m.r, x) - x * std::log(m.alpha);
  return log_paces_of_purchases + rates - (m.r + x) * std::log1p(clocks.a) - m.s * std::log1p(clocks.d) -
         log_p;
}

/// P(alive at T | x, t_x, T).
[[nodiscard]] inline double p_alive(const ParetoNBD& m, std::span<const Pace> paces, double x, double t_x,
                                    double T) noexcept {
  return std::exp(log_p_alive(m, paces, x, t_x, T));
}

/// Alive at T: λ ~ Gamma(r+x, alpha+A(T)), μ ~ Gamma(s, beta+D(T)).
[[nodiscard]] inline ParetoNBD given_alive(const ParetoNBD& m, std::span<const Pace> paces, double x, double,
                                           double T) noexcept {
  const detail::Clocks clocks = detail::clocks_at(m, paces, T);
  return {m.r + x, m.alpha * (1 + clocks.a), m.s, m.beta * (1 + clocks.d)};
}

/// P(alive at T + t | x, t_x, T) = P(alive) ((beta+D(T))/(beta+D(T+t)))^s.
[[nodiscard]] inline double p_alive_at(const ParetoNBD& m, std::span<const Pace> paces, double t, double x,
                                       double t_x, double T) noexcept {
  const double now = std::log1p(detail::clocks_at(m, paces, T).d);
  const double then = std::log1p(detail::clocks_at(m, paces, T + t).d);
  return std::exp(log_p_alive(m, paces, x, t_x, T) - m.s * (then - now));
}

namespace detail {

/// Discounted purchases of one who is alive at T and then follows `alive`, as time goes on.
class Outlook {
 public:
  Outlook(const ParetoNBD& alive, std::span<const Pace> paces, double T, double discount_rate) noexcept
      : alive_(alive), paces_(paces), T_(T), discount_rate_(discount_rate) {}

  /// Expected in (T, T+t], for rising t; NaN where the paces end before.
  double until(double t) noexcept {
    if (!(t >= since_)) return not_a_number;
    const bool covered =
        for_paces(paces_, T_ + since_, T_ + t, [&](const Pace& pace, double length) noexcept {
          const double fast = pace.leave / alive_.beta / (1 + d_);
          const double rate = std::fmax(fast, discount_rate_);
          const auto fall = [=, s = alive_.s, discount = discount_rate_](double u) noexcept {
            return s * fast / (1 + fast * u) + discount;
          };
          const double mean =
              sum_of_nodes(length, rate, fall,
                           [=, s = alive_.s, discount = discount_rate_](double u, double weight) noexcept {
                             return weight * std::exp(-s * std::log1p(fast * u) - discount * u);
                           });
          sum_ += pace.buy * mean * std::exp(-alive_.s * std::log1p(d_) - discount_rate_ * since_);
          since_ += length;
          d_ += pace.leave / alive_.beta * length;
        });
    return covered ? alive_.r / alive_.alpha * sum_ : not_a_number;
  }

 private:
  ParetoNBD alive_;
  std::span<const Pace> paces_;
  double T_, discount_rate_;
  double since_ = 0, d_ = 0, sum_ = 0;
};

}  // namespace detail

/// Discounted expected transactions in (T, T+t]: P(alive) (r+x)/(alpha+A(T)) ∫ from T to T+t of
/// e^(−discount_rate (u−T)) A'(u) ((beta+D(T))/(beta+D(u)))^s du.
[[nodiscard]] inline double dect(const ParetoNBD& m, std::span<const Pace> paces, double t,
                                 double discount_rate, double x, double t_x, double T) noexcept {
  if (!(t >= 0 && discount_rate >= 0)) return detail::not_a_number;
  detail::Outlook ahead(given_alive(m, paces, x, t_x, T), paces, T, discount_rate);
  return p_alive(m, paces, x, t_x, T) * ahead.until(t);
}

/// Mean number of purchases in (T, T+t]: `dect` without discount.
[[nodiscard]] inline double expected_transactions(const ParetoNBD& m, std::span<const Pace> paces, double t,
                                                  double x, double t_x, double T) noexcept {
  return dect(m, paces, t, 0, x, t_x, T);
}

// ---- Many customers -------------------------------------------------------------------------------

/// Covariates over each customer's time, one array for all: intervals `first[i]` … `first[i+1] − 1` are
/// those of customer i, in order of time from its first purchase on.
struct DynamicCovariates {
  std::span<const std::size_t> first;  ///< one a customer, and the end
  std::span<const double> until;  ///< where each interval ends, in the customer's own time; it starts where
                                  ///< the one before ends, or at 0. A purchase at t is made in the interval
                                  ///< with start ≤ t < end.
  Covariates values;              ///< one an interval
};

/// When each customer bought again; customer i's are `first[i]` … `first[i+1] − 1`. Those after T are not
/// read.
struct PurchaseTimes {
  std::span<const std::size_t> first;
  std::span<const double> times;
};

/// `parameters` are r, alpha, s and beta of customers with z = w = 0, then "transaction.NAME",
/// "dropout.NAME", then the names in `equal`.
struct DynamicFit : FitSummary {
  ParetoNBD model;                  ///< of customers with z = w = 0
  std::vector<double> transaction;  ///< γ in the order of `Covariates::transaction`
  std::vector<double> dropout;      ///< δ

  /// One pace an interval, for the functions above and `simulate`.
  [[nodiscard]] std::vector<Pace> paces(const DynamicCovariates& covariates) const;
};

/// Maximum likelihood with exact first and second derivatives. Intervals of equal covariates are one for the
/// computer, so seasons cost less than prices. `UsageError`, beside what `fit_pareto_nbd` says, for intervals
/// that don't rise or end before T, and purchase times that contradict x and t_x.
[[nodiscard]] DynamicFit fit_pareto_nbd(const RfmView& customers, const PurchaseTimes& purchases,
                                        const DynamicCovariates& covariates, const FitOptions& options = {});

/// Forecasts as `predict` of the other models, within a finite horizon that the covariates' intervals must
/// reach beyond T. `options.covariance` has one row and one column, and `options.draws` one column, for each
/// of `fit.parameters`.
[[nodiscard]] Prediction predict(const DynamicFit& fit, const RfmView& customers,
                                 const DynamicCovariates& covariates, const PredictOptions& options,
                                 const SpendForecast* spend = nullptr);

/// `dect` of each customer within several times: `out[i·m + j]` is that of customer i in (T, T + t[i·m + j]],
/// with m times a customer that do not fall. A customer of x = t_x = T = 0 is one just won. NaN where the
/// covariates end before.
void dect(const DynamicFit& fit, std::span<const double> t, double discount_rate, const RfmView& customers,
          const DynamicCovariates& covariates, std::span<double> out, const Execution& execution = {});

/// P(n[i] repeat purchases in the first t[i] of customer i), of whom nothing but its covariates is known.
void pmf_new(const DynamicFit& fit, std::span<const double> n, std::span<const double> t,
             const DynamicCovariates& covariates, std::span<double> out, const Execution& execution = {});

/// Customers of paces `first[i]` … `first[i+1] − 1`, which reach until T + horizon. Purchases are those of a
/// plain customer on the clock A, until it leaves on the clock D; both are turned back exactly.
[[nodiscard]] Simulation simulate(const ParetoNBD& model, std::span<const std::size_t> first,
                                  std::span<const Pace> paces, std::span<const double> T,
                                  const SimulationOptions& options = {});

}  // namespace clv
}  // namespace v0
}  // namespace salesops
