// A customer's own rates given its history: mixtures over whether and when it left.
#include "salesops/clv/rates.hpp"

#include <array>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <limits>
#include <type_traits>

#include "salesops/clv/predict.hpp"
#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

namespace policies = boost::math::policies;
/// Values beyond the range of a double become 0 or infinite; nothing is thrown.
using QuietPolicy =
    policies::policy<policies::promote_double<false>, policies::domain_error<policies::ignore_error>,
                     policies::pole_error<policies::ignore_error>,
                     policies::overflow_error<policies::ignore_error>,
                     policies::evaluation_error<policies::ignore_error>>;

/// Γ(shape, rate), or Beta(a, b).
struct Law {
  double first = 0;
  double second = 0;
  bool beta = false;

  /// P(· ≤ q).
  [[nodiscard]] double below(double q) const {
    if (beta) return q >= 1 ? 1 : boost::math::ibeta(first, second, q, QuietPolicy());
    return boost::math::gamma_p(first, second * q, QuietPolicy());
  }
};
Law gamma(double shape, double rate) { return {shape, rate, false}; }
Law beta(double a, double b) { return {a, b, true}; }

/// What a customer that stayed, or left at some time, has for λ and dropout.
struct Fate {
  Law rate;
  Law dropout;
};

// ---- the mean of f over the fates of each model ----

template <class F>
double over_fates(const NBD& m, double x, double, double T, const F& f) {
  return f(Fate{gamma(m.r + x, m.alpha + T), {}});
}

/// `chances` to leave that a customer alive has passed.
template <class M, class F>
double over_geometric(const M& m, double x, double t_x, double T, double chances, const F& f) {
  const double log_p = log_p_alive(m, x, t_x, T);
  const Law stays = beta(m.a, m.b + chances);
  double mean = 0;
  double shape = m.r + x;
  double pace = 1;
  if constexpr (requires { m.k; }) {
    shape = m.r + m.k * x;
    pace = m.k;
    double alive = 0;
    const double all = detail::progress(shape, (T - t_x) / (m.alpha + T), m.k, [&](int j, double weight) {
      if (weight > 0) alive += weight * f(Fate{gamma(shape + j, pace * (m.alpha + T)), stays});
    });
    mean = std::exp(log_p) * alive / all;
  } else {
    mean = std::exp(log_p) * f(Fate{gamma(shape, m.alpha + T), stays});
  }
  const double left = -std::expm1(log_p);
  if (left > 0)
    mean += left * f(Fate{gamma(shape, pace * (m.alpha + t_x)), beta(m.a + 1, m.b + chances - 1)});
  return mean;
}
template <class F>
double over_fates(const BGNBD& m, double x, double t_x, double T, const F& f) {
  return over_geometric(m, x, t_x, T, x, f);
}
template <class F>
double over_fates(const MBGNBD& m, double x, double t_x, double T, const F& f) {
  return over_geometric(m, x, t_x, T, x + 1, f);
}
template <class F>
double over_fates(const BGCNBD& m, double x, double t_x, double T, const F& f) {
  return over_geometric(m, x, t_x, T, x, f);
}
template <class F>
double over_fates(const MBGCNBD& m, double x, double t_x, double T, const F& f) {
  return over_geometric(m, x, t_x, T, x + 1, f);
}

template <class F>
double over_fates(const BGBB& m, double x, double t_x, double n, const F& f) {
  const auto fate = [&](double seen, double left) {
    return f(Fate{beta(m.alpha + x, m.beta + seen - x), beta(m.gamma + left, m.delta + seen)});
  };
  // Relative to the likeliest time to have left, whose weights are those of log_p_alive.
  const auto log_left = [&](double u) {
    return special::log_rising(m.beta, u - x) - special::log_rising(m.alpha + m.beta, u) +
           special::log_beta_ratio(m.gamma, m.delta, u) + std::log(m.gamma / (m.gamma + m.delta + u));
  };
  const double stay = special::log_rising(m.beta, n - x) - special::log_rising(m.alpha + m.beta, n) +
                      special::log_beta_ratio(m.gamma, m.delta, n);
  const double log_p = log_p_alive(m, x, t_x, n);
  double mean = std::exp(log_p) * fate(n, 0);
  for (double u = t_x; u < n; u += 1) {
    const double weight = std::exp(log_p + log_left(u) - stay);
    if (weight > 1e-18) mean += weight * fate(u, 1);
  }
  return mean;
}

/// ln of leaving at u rather than not before T, and the law of the rate of leaving.
double log_hazard(const ParetoNBD& m, double u, double T) {
  return std::log(m.s / (m.beta + u)) + m.s * std::log1p((T - u) / (m.beta + u));
}
double log_hazard(const GGompertzNBD& m, double u, double T) {
  const double rise = detail::gompertz_rise(m, u);
  return std::log(m.s * m.b * rise) + m.s * detail::log1p_growth(rise, m.b * (T - u));
}
double hazard(const ParetoNBD& m, double u) { return m.s / (m.beta + u); }
double hazard(const GGompertzNBD& m, double u) { return m.b + m.s * m.b * detail::gompertz_rise(m, u); }
Law leaving(const ParetoNBD& m, double u, double, double left) { return gamma(m.s + left, m.beta + u); }
/// Of b η e^(bT), η ~ Γ(s + left, beta + e^(bu) − 1).
Law leaving(const GGompertzNBD& m, double u, double T, double left) {
  const double grown = (m.beta - 1) * std::exp(-m.b * T) + std::exp(m.b * (u - T));
  return gamma(m.s + left, grown / m.b);
}

/// One who may leave at any time: staying, and an integral over the time of leaving in ln(1 + since/scale),
/// where it is smooth.
template <class M, class F>
double over_times(const M& m, double x, double t_x, double T, const F& f) {
  const double R = m.r + x;
  const double log_p = log_p_alive(m, x, t_x, T);
  const double stayed = std::exp(log_p) * f(Fate{gamma(R, m.alpha + T), leaving(m, T, T, 0)});
  if (!(t_x < T)) return stayed;
  const auto log_left = [&](double u) {
    return log_hazard(m, u, T) + R * std::log1p((T - u) / (m.alpha + u));
  };
  const double scale = 1 / (R / (m.alpha + t_x) + hazard(m, t_x));
  const double end = std::log1p((T - t_x) / scale);
  double top = log_left(t_x);
  for (int i = 1; i <= 16; ++i) top = std::fmax(top, log_left(t_x + scale * std::expm1(end * i / 16)));
  const auto slope = [&](double y) {
    const double since = scale * std::expm1(y);
    const double u = std::fmin(T, t_x + since);
    return std::exp(log_left(u) - top) * (since + scale) *
           f(Fate{gamma(R, m.alpha + u), leaving(m, u, T, 1)});
  };
  return stayed + std::exp(log_p + top) * special::integrate(slope, 0, end);
}
template <class F>
double over_fates(const ParetoNBD& m, double x, double t_x, double T, const F& f) {
  return over_times(m, x, t_x, T, f);
}
template <class F>
double over_fates(const GGompertzNBD& m, double x, double t_x, double T, const F& f) {
  return over_times(m, x, t_x, T, f);
}
template <class F>
double over_fates(const SarmanovParetoNBD& m, double x, double t_x, double T, const F& f) {
  double base = 0;
  const ParetoMixture mixture = detail::weighed(detail::mixture_of(m), x, t_x, T, base);
  return detail::mean_of(mixture, [&](const ParetoNBD& part) { return over_times(part, x, t_x, T, f); }) /
         detail::total(mixture);
}

// ---- moments ----

struct Moments {
  double mean = 0;
  double sd = 0;
};

/// From the mean m and the mean under a prior with one more of the rate: E[λ²] = m · that.
Moments moments(double mean, double of_one_more) {
  return {mean, std::sqrt(mean * std::fmax(0, of_one_more - mean))};
}

struct RateOf {
  template <class M>
  static Moments moments_of(M m, double x, double t_x, double T) {
    const double mean = expected_rate(m, x, t_x, T);
    if constexpr (std::is_same_v<M, BGBB>)
      m.alpha += 1;
    else
      m.r += 1;
    return moments(mean, expected_rate(m, x, t_x, T));
  }
  static const Law& law(const Fate& fate) { return fate.rate; }
};

struct DropoutOf {
  template <class M>
  static Moments moments_of(M m, double x, double t_x, double T) {
    const double mean = expected_dropout(m, x, t_x, T);
    if constexpr (requires { m.a; })
      m.a += 1;
    else if constexpr (requires { m.gamma; })
      m.gamma += 1;
    else
      m.s += 1;
    return moments(mean, expected_dropout(m, x, t_x, T));
  }
  static const Law& law(const Fate& fate) { return fate.dropout; }
};

/// Sarmanov's λ and μ are those of its parts, whose weights one more of the rate would move.
template <class Of>
Moments moments_given(const SarmanovParetoNBD& m, double x, double t_x, double T) {
  double base = 0;
  const ParetoMixture mixture = detail::weighed(detail::mixture_of(m), x, t_x, T, base);
  const double total = detail::total(mixture);
  const auto power = [&](bool squared) {
    return detail::mean_of(mixture,
                           [&](const ParetoNBD& part) {
                             const auto [mean, sd] = Of::moments_of(part, x, t_x, T);
                             return squared ? mean * mean + sd * sd : mean;
                           }) /
           total;
  };
  const double mean = power(false);
  return {mean, std::sqrt(std::fmax(0, power(true) - mean * mean))};
}
template <class Of, class M>
Moments moments_given(const M& m, double x, double t_x, double T) {
  return Of::moments_of(m, x, t_x, T);
}

// ---- quantiles ----

/// The q with `below(q)` = p, sought by its logarithm about the mean.
template <class Below>
double quantile(double p, double mean, const Below& below) {
  const double smallest = std::log(std::numeric_limits<double>::min());
  const auto over = [&](double y) { return below(std::exp(y)) - p; };
  double high = std::log(mean);
  double at_high = over(high);
  if (std::isnan(at_high)) return special::not_a_number;
  for (double step = 0.5; at_high < 0; step *= 2) at_high = over(high += step);
  double low = high;
  double at_low = at_high;
  for (double step = 0.5; at_low > 0; step *= 2) {
    if (low <= smallest) return 0;  // a shape near 0: that far down is as good as nothing
    high = low;
    at_high = at_low;
    low = std::fmax(smallest, low - step);
    at_low = over(low);
  }
  if (at_low == 0) return std::exp(low);
  std::uintmax_t steps = 100;
  const auto [a, b] = boost::math::tools::toms748_solve(
      over, low, high, at_low, at_high, [](double from, double to) { return to - from < 1e-11; }, steps,
      QuietPolicy());
  return std::exp(0.5 * (a + b));
}

template <class Of, class M>
RateDistribution distribution(const M& model, const RfmView& customers, double level,
                              const Execution& execution) {
  const StopScope scope(execution.stop);
  const std::size_t rows = customers.x.size();
  if (customers.t_x.size() != rows || customers.T.size() != rows)
    throw UsageError("x, t_x and T need as many rows");
  if (!(level > 1 && level < 100)) throw UsageError("level must lie between 1 and 100 percent");
  const double tail = 0.5 - level / 200;
  const std::array columns{customers.x, customers.t_x, customers.T};
  const DistinctRows alike = distinct_rows(columns, execution);
  const std::size_t distinct = alike.first.size();
  RateDistribution found;
  for (auto* column : {&found.mean, &found.sd, &found.low, &found.high})
    column->assign(distinct, special::not_a_number);
  for_rows(distinct, 16, execution, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t row = alike.first[i];
      const double x = customers.x[row], t_x = customers.t_x[row], T = customers.T[row];
      const auto [mean, sd] = moments_given<Of>(model, x, t_x, T);
      found.mean[i] = mean;
      found.sd[i] = sd;
      if (std::isnan(mean)) continue;
      const auto below = [&](double q) {
        return over_fates(model, x, t_x, T, [q](const Fate& fate) { return Of::law(fate).below(q); });
      };
      found.low[i] = quantile(tail, mean, below);
      found.high[i] = quantile(1 - tail, mean, below);
    }
  });
  RateDistribution result;
  const auto spread = [&](const std::vector<double>& of, std::vector<double>& into) {
    into.resize(rows);
    alike.spread(of, into, execution);
  };
  spread(found.mean, result.mean);
  spread(found.sd, result.sd);
  spread(found.low, result.low);
  spread(found.high, result.high);
  return result;
}

}  // namespace

template <PurchaseModel M>
RateDistribution rate_distribution(const M& model, const RfmView& customers, double level,
                                   const Execution& execution) {
  return distribution<RateOf>(model, customers, level, execution);
}

template <PurchaseModel M>
RateDistribution dropout_distribution(const M& model, const RfmView& customers, double level,
                                      const Execution& execution) {
  if constexpr (std::is_same_v<M, NBD>) {
    RateDistribution none = distribution<RateOf>(model, customers, level, execution);
    for (auto* column : {&none.mean, &none.sd, &none.low, &none.high})
      for (double& value : *column) value *= 0;
    return none;
  } else {
    return distribution<DropoutOf>(model, customers, level, execution);
  }
}

#define SALESOPS_RATES(M)                                                                          \
  template RateDistribution rate_distribution(const M&, const RfmView&, double, const Execution&); \
  template RateDistribution dropout_distribution(const M&, const RfmView&, double, const Execution&);
SALESOPS_RATES(NBD)
SALESOPS_RATES(BGNBD)
SALESOPS_RATES(MBGNBD)
SALESOPS_RATES(ParetoNBD)
SALESOPS_RATES(SarmanovParetoNBD)
SALESOPS_RATES(BGBB)
SALESOPS_RATES(BGCNBD)
SALESOPS_RATES(MBGCNBD)
SALESOPS_RATES(GGompertzNBD)
#undef SALESOPS_RATES

}  // namespace clv
}  // namespace v0
}  // namespace salesops
