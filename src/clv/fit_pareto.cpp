// Pareto/NBD: two positive terms, one of (x, T) and one of (x, t_x).
#include <cmath>

#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

/// Coefficient number m of Gauss's fraction for 2F1(1, b; s+1; z), by b and s (variables 0 and 1 of three).
Jet<3> gauss_coefficient(int m, double b, double s) {
  const double n = m / 2;
  const bool even = m % 2 == 0;
  const double low = s + 2 * n + (even ? 0 : 1);
  const double high = low + 1;
  // even: (b+n)(s+n)/(low·high); odd: (n+1)(s−b+n+1)/(low·high).
  const double first = even ? b + n : n + 1;
  const double second = even ? s + n : s - b + n + 1;
  const double below = 1 / (low * high);
  const double fall = 1 / low + 1 / high;                                 // −below'/below
  const double bend = fall * fall + 1 / (low * low) + 1 / (high * high);  // below''/below
  Jet<3> k(first * second * below);
  const double by_b = even ? second : -first;  // of first·second
  const double by_s = first;                   // of first·second
  k.gradient[0] = by_b * below;
  k.gradient[1] = (by_s - first * second * fall) * below;
  k.hessian[1] = ((even ? 1 : 0) - by_b * fall) * below;              // b, s
  k.hessian[2] = (-2 * by_s * fall + first * second * bend) * below;  // s, s
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
    if (std::fabs(up * down - 1) < 1e-15) return m + m / 4 + 3;
  }
  return most;
}

/// ln 2F1(1, b; s+1; z), 0 ≤ z < 1, by b, s and z: Gauss's fraction (NIST DLMF 15.7.5) from its end.
Jet<3> log_hyp2f1(double b, double s, double z) {
  const auto jet_z = Jet<3>::variable(z, 2);
  Jet<3> value(1);
  for (int m = fraction_depth(b, s, z); m >= 0; --m) value = 1 - gauss_coefficient(m, b, s) * jet_z / value;
  return -log(value);
}

}  // namespace

Jet<4> pareto(const Population& population, const Execution& execution, std::span<const double> logs) {
  const auto [r, alpha, s, beta] = parameters_at<4>(logs);
  const std::vector<Jet<4>> counts = log_rising(r, population.purchases);
  const bool wide = alpha.value >= beta.value;
  const Jet<4> apart = wide ? alpha - beta : beta - alpha;
  const Jet<4>& larger = wide ? alpha : beta;

  // ln of (α+t)^−R (β+t)^−s, α^r β^s, Γ(r+x)/Γ(r) and a share of 2F1(1, b; n+1; |α−β|/(max+t))/n, R = r+x, n
  // = R+s.
  const auto term = [&](const Pair& pair, const Jet<4>& b, const Jet<4>& share, const Jet<4>& n) {
    const double x = population.purchases[pair.x];
    const double t = pair.time;
    const Jet<4> value = counts[pair.x] + log_purchases(r, alpha, x, t) - s * log1p(t / beta);
    const Jet<4> z = apart / (larger + t);
    return value + log(share / n) + compose<4, 3>(log_hyp2f1(b.value, n.value, z.value), {b, n, z});
  };
  const auto alive = [&](const Pair& pair) {
    const Jet<4> R = r + population.purchases[pair.x];
    const Jet<4> n = R + s;
    if (!wide) return term(pair, s, R, n);
    return term(pair, R + 1, R, n) + log((beta + pair.time) / (alpha + pair.time));
  };
  const auto gone = [&](const Pair& pair) {
    const Jet<4> R = r + population.purchases[pair.x];
    const Jet<4> n = R + s;
    if (wide) return term(pair, R, s, n);
    return term(pair, s + 1, s, n) + log((alpha + pair.time) / (beta + pair.time));
  };
  return pair_likelihood<4>(population, execution, alive, gone);
}

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
  problem.log_likelihood = [&, execution = silent(options.execution)](std::span<const double> logs) {
    return point_of(pareto(population, execution, logs));
  };
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

Fit<ParetoNBD> fit_pareto_nbd(const RfmView& customers, const FitOptions& options) {
  return with_model<ParetoNBD, 4>(fit_pareto(population_of(customers, options.execution), options));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
