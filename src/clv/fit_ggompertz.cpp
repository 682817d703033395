// GGompertz/NBD: the risk to leave grows with age.
#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <vector>

#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using Gauss = boost::math::quadrature::gauss<double, 10>;

template <int O>
struct Parameters {
  Jet<5, O> r, alpha, b, s, beta;
};

/// ln ((β + e^(by) − 1)/β): −1/s of the logarithm of the share that is still there at y.
template <int O>
Jet<5, O> log_risk(const Parameters<O>& p, double y) {
  if (p.b.value * y < 30) return log1p(expm1(p.b * y) / p.beta);
  return p.b * y - log(p.beta) + log1p((p.beta - 1) * exp(-(p.b * y)));
}

/// The logarithm of (purchases until y)·(density of leaving at y), with its slope and curvature by the
/// logarithms of r, alpha, b, s, beta. Written out: it is most of the work, and most of its mixed derivatives
/// are 0.
template <int O>
struct Integrand {
  double value = 0;
  std::array<double, 5> slope{};
  std::array<double, Jet<5, O>::pairs> bend{};

  Integrand() = default;
  Integrand(const Parameters<O>& p, double x, double y) {
    const double r = p.r.value, alpha = p.alpha.value, b = p.b.value, s = p.s.value, beta = p.beta.value;
    const double log_wait = std::log1p(y / alpha);
    const double share = y / (alpha + y);
    const double u = b * y;
    // Of W = β + e^u − 1: h = ln(W/β), grown = e^u/W, young = β/W.
    const double rise = u < 30 ? std::expm1(u) : 0;
    const double v = u < 30 ? 1 / (1 + rise) : std::exp(-u);
    const double whole = u < 30 ? (beta + rise) * v : 1 + (beta - 1) * v;
    const double h = u < 30 ? std::log1p(rise / beta) : u - std::log(beta) + std::log(whole);
    const double grown = 1 / whole;
    const double young = beta * v / whole;
    value = -(r + x) * log_wait - x * std::log(alpha) + std::log(b * s / beta) + u - (s + 1) * h;
    slope = {-r * log_wait, (r + x) * share - x, 1 + u - (s + 1) * u * grown, 1 - s * h,
             -1 - (s + 1) * (young - 1)};
    if constexpr (O == 1)
      return;
    else {
      bend[0] = -r * log_wait;                                    // r, r
      bend[1] = r * share;                                        // alpha, r
      bend[2] = -(r + x) * share * (1 - share);                   // alpha, alpha
      bend[5] = u - (s + 1) * u * grown * (1 + u * (1 - grown));  // b, b
      bend[8] = -s * u * grown;                                   // s, b
      bend[9] = -s * h;                                           // s, s
      bend[12] = (s + 1) * u * grown * young;                     // beta, b
      bend[13] = -s * (young - 1);                                // beta, s
      bend[14] = -(s + 1) * young * (1 - young);                  // beta, beta
    }
  }
};

/// ln of the integral from `low` to `high` by Gauss's rule.
template <int O>
Jet<5, O> log_piece(const Parameters<O>& p, double x, double low, double high) {
  constexpr std::size_t half = 5;
  const double reach = (high - low) / 2;
  std::array<double, 2 * half> weights{};
  std::array<Integrand<O>, 2 * half> nodes;
  double top = -special::infinity;
  for (std::size_t i = 0; i < 2 * half; ++i) {
    const double off = Gauss::abscissa()[i % half] * reach;
    nodes[i] = Integrand<O>(p, x, low + reach + (i < half ? -off : off));
    weights[i] = Gauss::weights()[i % half] * reach;
    top = std::fmax(top, nodes[i].value);
  }
  double sum = 0;
  Jet<5, O> jet;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const double part = weights[i] * std::exp(nodes[i].value - top);
    sum += part;
    for (std::size_t a = 0; a < 5; ++a) jet.gradient[a] += part * nodes[i].slope[a];
    Jet<5, O>::each_pair([&](std::size_t a, std::size_t c, std::size_t k) {
      jet.hessian[k] += part * (nodes[i].bend[k] + nodes[i].slope[a] * nodes[i].slope[c]);
    });
  }
  jet.value = sum;
  Jet<5, O> result = log(jet);
  result.value += top;
  return result;
}

/// ln of the integral from t_x to T, piece by piece, each as long as the integrand takes to change by a few
/// times: ten Gauss points each are exact to rounding.
template <int O>
Jet<5, O> log_gone(const Parameters<O>& p, double x, double t_x, double T) {
  const double b = p.b.value;
  const double purchases = std::fmax(p.r.value + x, 1);
  Jet<5, O> sum(-special::infinity);
  double y = t_x;
  for (int piece = 0; y < T; ++piece) {
    if (piece == 2000) return {special::not_a_number};
    const double hazard = b / (1 + (p.beta.value - 1) * std::exp(-b * y));
    const double change = purchases / (p.alpha.value + y) + (p.s.value + 1) * hazard + b;
    const double end = std::fmin(T, y + 1.5 / change);
    if (!(end > y)) break;
    const Jet<5, O> part = log_piece(p, x, y, end);
    sum = log_add(sum, part);
    y = end;
    // The density can grow by e^(b·rest) at most.
    if (part.value + b * (T - y) < sum.value - 42) break;
  }
  return sum;
}

}  // namespace

template <int O>
Jet<5, O> ggompertz(const Population& population, const Execution& execution, std::span<const double> logs) {
  const auto [r, alpha, b, s, beta] = parameters_at<5, O>(logs);
  const Parameters<O> p{r, alpha, b, s, beta};
  const std::vector<Jet<5, O>> counts = log_rising(r, population.purchases);
  const auto until = table_of<Jet<5, O>>(population.until, execution, [&](const Pair& pair) {
    return log_purchases(p.r, p.alpha, population.purchases[pair.x], pair.time) -
           p.s * log_risk(p, pair.time);
  });
  return sum_over<Jet<5, O>>(population.rows.size(), 64, execution, [&](std::size_t i) {
    const Row& row = population.rows[i];
    const Pair& seen = population.until[row.until];
    const Jet<5, O> gone =
        log_gone(p, population.purchases[seen.x], population.last[row.last].time, seen.time);
    return (counts[seen.x] + log_add(until[row.until], gone)) *= row.weight;
  });
}
template Jet<5, 1> ggompertz(const Population&, const Execution&, std::span<const double>);
template Jet<5, 2> ggompertz(const Population&, const Execution&, std::span<const double>);

Problem ggompertz_problem(const Population& population, const FitOptions& options) {
  const double unit = population.mean_time();
  Problem problem = pareto_problem(population);
  if (options.start.empty()) {
    // Begins close to the Pareto/NBD it contains: b → 0 with beta/b fixed.
    const std::vector<double> pareto =
        fit_pareto(population, {.execution = silent(options.execution)}).estimates;
    const double b = 0.1 / unit;
    const double s = std::clamp(pareto[2], 0.05, 10.0);
    problem.start = {pareto[0], pareto[1], b, s, b * pareto[3] * s / pareto[2]};
  } else {
    problem.start.resize(5, 1);
  }
  problem.call = "fit_ggompertz_nbd";
  problem.names = {"r", "alpha", "b", "s", "beta"};
  problem.units = {1, unit, 1 / unit, 1, 1};
  return problem;
}

void note_gompertz(FitSummary& summary, double mean_time) {
  const double b = summary.estimates[2];
  const double beta = summary.estimates[4];
  if (b * mean_time < 0.01 && !(summary.standard_errors[2] < b))
    summary.notes.push_back("b and beta tend to 0 with beta/b = " + number(beta / b) +
                            ": the limit is Pareto/NBD, which says the same with one parameter fewer");
}

Fit<GGompertzNBD> fit_ggompertz_nbd(const RfmView& customers, const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  Problem problem = ggompertz_problem(population, options);
  problem.ask([&, execution = silent(options.execution)]<int O>(Order<O>, std::span<const double> logs) {
    return point_of(ggompertz<O>(population, execution, logs));
  });
  FitSummary summary = solve(problem, options);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "all customers buy at one rate");
  note_gompertz(summary, population.mean_time());
  note_homogeneous(summary, 3, 4, "all customers have one Gompertz risk");
  return with_model<GGompertzNBD, 5>(std::move(summary));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
