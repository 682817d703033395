// Pareto/NBD: two positive terms, one of (x, T) and one of (x, t_x).
#include <cmath>

#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

/// Coefficient number m of Gauss's fraction for 2F1(1, b; s+1; z), by b and s (variables 0 and 1 of three).
template <int O>
Jet<3, O> gauss_coefficient(int m, double b, double s) {
  const double n = m / 2;
  const bool even = m % 2 == 0;
  const double low = s + 2 * n + (even ? 0 : 1);
  const double high = low + 1;
  // even: (b+n)(s+n)/(low·high); odd: (n+1)(s−b+n+1)/(low·high).
  const double first = even ? b + n : n + 1;
  const double second = even ? s + n : s - b + n + 1;
  const double below = 1 / (low * high);
  const double fall = (low + high) * below;  // −below'/below
  Jet<3, O> k(first * second * below);
  const double by_b = even ? second : -first;  // of first·second
  const double by_s = first;                   // of first·second
  k.gradient[0] = by_b * below;
  k.gradient[1] = (by_s - first * second * fall) * below;
  if constexpr (O == 2) {
    const double bend = 2 * (fall * fall - below);                      // below''/below
    k.hessian[1] = ((even ? 1 : 0) - by_b * fall) * below;              // b, s
    k.hessian[2] = (-2 * by_s * fall + first * second * bend) * below;  // s, s
  }
  return k;
}

/// Steps of the fraction until it has settled, by Lentz's rule; enough for the derivatives as well.
int fraction_depth(double b, double s, double z) {
  constexpr int most = 20'000;
  double up = 1;
  double down = 0;
  for (int m = 0; m < most; ++m) {
    const double n = m / 2;
    const double k = m % 2 == 0 ? (b + n) * (s + n) / ((s + 2 * n) * (s + 2 * n + 1))
                                : (n + 1) * (s - b + n + 1) / ((s + 2 * n + 1) * (s + 2 * n + 2));
    down = 1 / (1 - k * z * down);
    up = 1 - k * z / up;
    if (std::fabs(up * down - 1) < 1e-15) return m + m / 8 + 3;
  }
  return most;
}

/// ln 2F1(1, b; s+1; z), 0 ≤ z < 1, by b, s and z: Gauss's fraction (NIST DLMF 15.7.5) from its end.
template <int O>
Jet<3, O> log_hyp2f1(double b, double s, double z) {
  const auto jet_z = Jet<3, O>::variable(z, 2);
  Jet<3, O> value(1);
  for (int m = fraction_depth(b, s, z); m >= 0; --m)
    value = 1 - gauss_coefficient<O>(m, b, s) * jet_z / value;
  return -log(value);
}

/// ln of the two terms of each pair's likelihood: alive until then, gone after then.
template <class J>
struct Terms {
  std::vector<J> alive;  ///< at (x, T)
  std::vector<J> gone;   ///< at (x, t_x)

  [[nodiscard]] J operator()(const Row& row) const { return log_add(alive[row.until], gone[row.last]); }
};

template <std::size_t N, int O, class J = Jet<N, O>>
Terms<J> terms_of(const Population& population, const Execution& execution, const Jet<N, O>& r,
                  const Jet<N, O>& alpha, const Jet<N, O>& s, const Jet<N, O>& beta) {
  const std::vector<J> counts = log_rising(r, population.purchases);
  const bool wide = alpha.value >= beta.value;
  const J apart = wide ? alpha - beta : beta - alpha;
  const J& larger = wide ? alpha : beta;

  // ln of (α+t)^−R (β+t)^−s, α^r β^s, Γ(r+x)/Γ(r) and a share of 2F1(1, b; n+1; |α−β|/(max+t))/n, R = r+x, n
  // = R+s.
  const auto term = [&](const Pair& pair, const J& b, const J& share, const J& n) {
    const double x = population.purchases[pair.x];
    const double t = pair.time;
    const J value = counts[pair.x] + log_purchases(r, alpha, x, t) - s * log1p(t / beta);
    const J z = apart / (larger + t);
    return value + log(share / n) + compose<N, 3, O>(log_hyp2f1<O>(b.value, n.value, z.value), {b, n, z});
  };
  const auto alive = [&](const Pair& pair) {
    const J R = r + population.purchases[pair.x];
    const J n = R + s;
    if (!wide) return term(pair, s, R, n);
    return term(pair, R + 1, R, n) + log((beta + pair.time) / (alpha + pair.time));
  };
  const auto gone = [&](const Pair& pair) {
    const J R = r + population.purchases[pair.x];
    const J n = R + s;
    if (wide) return term(pair, R, s, n);
    return term(pair, s + 1, s, n) + log((alpha + pair.time) / (beta + pair.time));
  };
  return {table_of<J>(population.until, execution, alive), table_of<J>(population.last, execution, gone)};
}

}  // namespace

template <int O>
Jet<4, O> pareto(const Population& population, const Execution& execution, std::span<const double> logs) {
  const auto [r, alpha, s, beta] = parameters_at<4, O>(logs);
  const auto terms = terms_of(population, execution, r, alpha, s, beta);
  return sum_over<Jet<4, O>>(population.rows.size(), row_block, execution, [&](std::size_t i) {
    const Row& row = population.rows[i];
    return terms(row) *= row.weight;
  });
}
template Jet<4, 1> pareto(const Population&, const Execution&, std::span<const double>);
template Jet<4, 2> pareto(const Population&, const Execution&, std::span<const double>);

Problem pareto_problem(const Population& population) {
  const double unit = population.mean_time();
  const auto [r, alpha] = purchase_moments(population);
  Problem problem;
  problem.call = "fit_pareto_nbd";
  problem.names = {"r", "alpha", "s", "beta"};
  problem.units = {1, unit, 1, unit};
  problem.start = {r, alpha, 0.5, unit / 2};
  problem.n = population.customers;
  problem.distinct_rows = population.rows.size();
  return problem;
}

FitSummary fit_pareto(const Population& population, const FitOptions& options) {
  Problem problem = pareto_problem(population);
  problem.ask([&, execution = silent(options.execution)]<int O>(Order<O>, std::span<const double> logs) {
    return point_of(pareto<O>(population, execution, logs));
  });
  FitSummary summary = solve(problem, options);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "all customers buy at one rate");
  note_homogeneous(summary, 2, 3, "all customers leave at one rate");
  const double leave = summary.estimates[2] / summary.estimates[3] * population.mean_time();
  if (leave < 1e-4)
    summary.notes.emplace_back(
        "s/beta tends to 0: nobody seems to leave, and NBD says the same with fewer parameters");
  return summary;
}

// ---- Correlated rates (Sarmanov) ------------------------------------------------------------------

namespace {

/// κ = m L₁L₂ and m at a number without bounds; both are 0 at 0. With v = (1−L)/L the bounds of κ are
/// 1/max(v₁, v₂) and −1/max(1, v₁v₂); (aᵖ + bᵖ)^(1/p) for max(a, b) makes them smooth.
template <class J>
struct Mixing {
  J kappa, m;

  Mixing(const std::array<J, 5>& p) {  // NOLINT: the same thing in other coordinates
    constexpr double sharp = 1000;
    const auto& [r, alpha, s, beta, at] = p;
    const J log_1 = r * log1p(1 / alpha);  // −ln L
    const J log_2 = s * log1p(1 / beta);
    const J v_1 = sharp * log(expm1(log_1));
    const J v_2 = sharp * log(expm1(log_2));
    const J high = exp(log_add(v_1, v_2) / sharp);
    const J low = exp(log_add(v_1 + v_2, J(0)) / sharp);
    kappa = -expm1(-at) / (high + low * exp(-at));
    m = kappa * exp(log_1 + log_2);
  }
};

template <int O>
std::array<Jet<5, O>, 5> sarmanov_parameters(std::span<const double> at) {
  std::array<Jet<5, O>, 5> parameters = parameters_at<5, O>(at);
  parameters[4] = Jet<5, O>::variable(at[4], 4);
  return parameters;
}

template <int O>
Jet<5, O> sarmanov(const Population& population, const Execution& execution, std::span<const double> at) {
  const auto parameters = sarmanov_parameters<O>(at);
  const Jet<5, O> kappa = Mixing<Jet<5, O>>(parameters).kappa;
  const auto& [r, alpha, s, beta, last] = parameters;
  const auto plain = terms_of(population, execution, r, alpha, s, beta);
  const auto both = terms_of(population, execution, r, alpha + 1, s, beta + 1);
  const auto first = terms_of(population, execution, r, alpha + 1, s, beta);
  const auto second = terms_of(population, execution, r, alpha, s, beta + 1);
  return sum_over<Jet<5, O>>(population.rows.size(), row_block, execution, [&](std::size_t i) {
    const Row& row = population.rows[i];
    const Jet<5, O> base = plain(row);
    // 1 + L(both)/L − L(first)/L − L(second)/L
    const Jet<5, O> bend = expm1(both(row) - base) - expm1(first(row) - base) - expm1(second(row) - base);
    return (base + log1p(kappa * bend)) *= row.weight;
  });
}

/// From the number without bounds to m: estimate, covariance, draws.
void tell_m(FitSummary& summary) {
  constexpr std::size_t k = 5;
  const auto m_of = [](const double* values) {
    return Mixing<Jet<1>>({values[0], values[1], values[2], values[3], values[4]}).m.value;
  };
  std::array<double, k> at{};
  for (std::size_t j = 0; j < k; ++j) at[j] = j < 4 ? std::log(summary.estimates[j]) : summary.estimates[j];
  const Jet<5> m = Mixing<Jet<5>>(sarmanov_parameters<2>(at)).m;
  const auto with_m = [&](std::vector<double>& covariance) {
    std::array<double, k> with{};  // covariance of each coordinate of the search with m
    double own = 0;
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j)
        with[i] += covariance[i * k + j] * m.gradient[j] / (j < 4 ? summary.estimates[j] : 1);
      own += with[i] * m.gradient[i] / (i < 4 ? summary.estimates[i] : 1);
    }
    with[4] = own;
    for (std::size_t i = 0; i < k; ++i) covariance[i * k + 4] = covariance[4 * k + i] = with[i];
  };
  with_m(summary.covariance);
  with_m(summary.identified_covariance);
  summary.estimates[4] = m.value;
  summary.standard_errors[4] = std::sqrt(summary.covariance[4 * k + 4]);
  for (std::size_t i = 0; i < k; ++i)
    summary.correlation[i * k + 4] = summary.correlation[4 * k + i] =
        summary.covariance[i * k + 4] / (summary.standard_errors[i] * summary.standard_errors[4]);
  if (!summary.profile.empty())
    summary.profile[4] = {m.value, special::not_a_number, special::not_a_number, summary.profile[4].level};
  if (!summary.posterior) return;
  auto& draws = summary.posterior->draws.values;
  for (std::size_t i = 0; i < draws.size(); i += k) draws[i + 4] = m_of(draws.data() + i);
  summary.posterior->parameters[4] = posterior::diagnose(summary.posterior->draws, 4);
}

}  // namespace

Fit<ParetoNBD> fit_pareto_nbd(const RfmView& customers, const FitOptions& options) {
  return with_model<ParetoNBD, 4>(fit_pareto(population_of(customers, options.execution), options));
}

Fit<SarmanovParetoNBD> fit_sarmanov_pareto_nbd(const RfmView& customers, const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  Problem problem = pareto_problem(population);
  problem.call = "fit_sarmanov_pareto_nbd";
  problem.names.emplace_back("m");
  problem.coefficients = 1;
  problem.ask([&, execution = silent(options.execution)]<int O>(Order<O>, std::span<const double> at) {
    return point_of(sarmanov<O>(population, execution, at));
  });
  FitSummary summary = solve(problem, options);
  const double reached = summary.estimates[4];
  tell_m(summary);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "all customers buy at one rate");
  note_homogeneous(summary, 2, 3, "all customers leave at one rate");
  auto fit = with_model<SarmanovParetoNBD, 5>(std::move(summary));
  if (std::abs(reached) > 10) {
    std::erase_if(fit.notes,
                  [](const std::string& note) { return note.starts_with("the data do not determine m:"); });
    fit.notes.push_back(std::string("m stands at its ") + (reached > 0 ? "upper" : "lower") + " bound " +
                        number(fit.model.m) + ": no density of this kind is correlated more than " +
                        number(correlation(fit.model)));
  }
  return fit;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
