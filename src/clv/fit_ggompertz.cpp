// GGompertz/NBD: the risk to leave grows with age.
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>

#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using Gauss = boost::math::quadrature::gauss<double, 10>;

struct Parameters {
  Jet<5> r, alpha, b, s, beta;
  Jet<5> log_front;  ///< ln (b s/β)
};

/// ln ((β + e^(by) − 1)/β): −1/s of the logarithm of the share that is still there at y.
Jet<5> log_risk(const Parameters& p, double y) {
  if (p.b.value * y < 30) return log1p(expm1(p.b * y) / p.beta);
  return p.b * y - log(p.beta) + log1p((p.beta - 1) * exp(-(p.b * y)));
}

/// ln of ∫ (purchases until y)·(density of leaving at y) dy from t_x to T, piece by piece, each as long as the
/// integrand takes to change by a few times: ten Gauss points each are exact to rounding.
Jet<5> log_gone(const Parameters& p, double x, double t_x, double T) {
  const auto log_integrand = [&](double y) {
    return log_purchases(p.r, p.alpha, x, y) + p.log_front + p.b * y - (p.s + 1) * log_risk(p, y);
  };
  const double b = p.b.value;
  const double purchases = std::fmax(p.r.value + x, 1);
  Jet<5> sum(-special::infinity);
  double y = t_x;
  for (int piece = 0; y < T; ++piece) {
    if (piece == 5000) return {special::not_a_number};
    const double hazard = b / (1 + (p.beta.value - 1) * std::exp(-b * y));
    const double change = purchases / (p.alpha.value + y) + (p.s.value + 1) * hazard + b;
    const double end = std::fmin(T, y + 1.5 / change);
    if (!(end > y)) break;
    double highest = -special::infinity;
    for (std::size_t i = 0; i < Gauss::abscissa().size(); ++i) {
      for (const double side : {-1.0, 1.0}) {
        const double node = (y + end) / 2 + side * Gauss::abscissa()[i] * (end - y) / 2;
        const Jet<5> value = log_integrand(node) + std::log(Gauss::weights()[i] * (end - y) / 2);
        highest = std::fmax(highest, value.value);
        sum = log_add(sum, value);
      }
    }
    y = end;
    // It can grow by e^(b·rest) at most.
    if (highest + b * (T - y) < sum.value - 42) break;
  }
  return sum;
}

Jet<5> ggompertz(const Population& population, const Execution& execution, std::span<const double> logs) {
  const auto [r, alpha, b, s, beta] = parameters_at<5>(logs);
  const Parameters p{r, alpha, b, s, beta, log(b) + log(s) - log(beta)};
  const std::vector<Jet<5>> counts = log_rising(r, population.purchases);
  const auto until = table_of<5>(population.until, execution, [&](const Pair& pair) {
    return log_purchases(p.r, p.alpha, population.purchases[pair.x], pair.time) - p.s * log_risk(p, pair.time);
  });
  return sum_over<5>(population.rows.size(), 64, execution, [&](std::size_t i) {
    const Row& row = population.rows[i];
    const Pair& seen = population.until[row.until];
    const Jet<5> gone =
        log_gone(p, population.purchases[seen.x], population.last[row.last].time, seen.time);
    return (counts[seen.x] + log_add(until[row.until], gone)) *= row.weight;
  });
}

}  // namespace

Fit<GGompertzNBD> fit_ggompertz_nbd(const RfmView& customers, const FitOptions& options) {
  const Population population = population_of(customers);
  const double unit = population.mean_time();
  const auto [r, alpha] = purchase_moments(population);
  Problem problem;
  problem.call = "fit_ggompertz_nbd";
  problem.names = {"r", "alpha", "b", "s", "beta"};
  problem.units = {1, unit, 1 / unit, 1, 1};
  problem.start = {r, alpha, 0.5 / unit, 0.5, 1};
  problem.n = population.customers;
  problem.distinct_rows = population.rows.size();
  problem.log_likelihood = [&, execution = silent(options.execution)](std::span<const double> logs) {
    return point_of(ggompertz(population, execution, logs));
  };
  FitSummary summary = solve(problem, options);
  note_customers(summary, population);
  note_homogeneous(summary, 0, 1, "all customers buy at one rate");
  const double b = summary.estimates[2];
  const double beta = summary.estimates[4];
  if (b * unit < 0.01 && !(summary.standard_errors[2] < b))
    summary.notes.push_back("b and beta tend to 0 with beta/b = " + number(beta / b) +
                            ": the limit is Pareto/NBD, which says the same with one parameter fewer");
  note_homogeneous(summary, 3, 4, "all customers have one Gompertz risk");
  return with_model<GGompertzNBD, 5>(std::move(summary));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
