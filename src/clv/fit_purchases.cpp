// NBD, BG/NBD, MBG/NBD.
#include <cmath>

#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

/// ln of α^r Γ(r+x)/Γ(r) (α+t)^−(r+x), without the gammas: x purchases and none else until t.
template <class J>
J log_purchases(const J& r, const J& alpha, double x, double t) {
  J value = -(r * log1p(t / alpha));
  if (x > 0) value -= x * log(alpha + t);
  return value;
}

Problem purchase_problem(const char* call, const Population& population) {
  Problem problem;
  problem.call = call;
  problem.names = {"r", "alpha"};
  problem.units = {1, population.mean_time()};
  const auto [r, alpha] = purchase_moments(population);
  problem.start = {r, alpha};
  problem.n = population.customers;
  problem.distinct_rows = population.rows.size();
  return problem;
}

constexpr const char* same_rate = "all customers buy at one rate";

/// BG: a living customer may leave after each repeat purchase; MBG: after the first purchase as well.
enum class Chances : int { after_repeats = 0, after_all = 1 };

template <Chances chances>
Jet<4> beta_geometric(const Population& population, const Execution& execution, std::span<const double> logs) {
  const auto [r, alpha, a, b] = parameters_at<4>(logs);
  constexpr double extra = static_cast<double>(chances);
  std::vector<double> flips = population.purchases;
  for (double& x : flips) x += extra;
  std::vector<Jet<4>> stayed = log_rising(r, population.purchases);
  std::vector<Jet<4>> left(flips.size(), Jet<4>(-special::infinity));
  const std::vector<Jet<4>> tails = log_rising(b, flips);
  const std::vector<Jet<4>> all = log_rising(a + b, flips);
  for (std::size_t i = 0; i < flips.size(); ++i) {
    stayed[i] += tails[i] - all[i];
    if (flips[i] > 0) left[i] = stayed[i] + log(a) - log(b + (flips[i] - 1));
  }
  const auto& x = population.purchases;
  const auto alive = [&](const Pair& pair) { return stayed[pair.x] + log_purchases(r, alpha, x[pair.x], pair.time); };
  const auto gone = [&](const Pair& pair) { return left[pair.x] + log_purchases(r, alpha, x[pair.x], pair.time); };
  return pair_likelihood<4>(population, execution, alive, gone);
}

template <Chances chances>
FitSummary fit_beta_geometric(const char* call, const RfmView& customers, const FitOptions& options) {
  const Population population = population_of(customers);
  Problem problem = purchase_problem(call, population);
  problem.names = {"r", "alpha", "a", "b"};
  problem.units = {1, problem.units[1], 1, 1};
  problem.start = {problem.start[0], problem.start[1], 1, 3};
  Execution execution = options.execution;
  execution.progress = {};
  problem.log_likelihood = [&](std::span<const double> logs) {
    return point_of(beta_geometric<chances>(population, execution, logs));
  };
  FitSummary summary = solve(problem, options);
  note_customers(summary, population);
  note_homogeneous(summary, 0, 1, same_rate);
  note_dropout(summary, 2, 3);
  return summary;
}

}  // namespace

Fit<NBD> fit_nbd(const RfmView& customers, const FitOptions& options) {
  const Population population = population_of(customers);
  Problem problem = purchase_problem("fit_nbd", population);
  Execution execution = options.execution;
  execution.progress = {};
  // The last purchase says nothing: rows of one (x, T) are one.
  std::vector<double> weights(population.until.size());
  for (const Row& row : population.rows) weights[row.until] += row.weight;
  problem.distinct_rows = weights.size();
  problem.log_likelihood = [&](std::span<const double> logs) {
    const auto [r, alpha] = parameters_at<2>(logs);
    const std::vector<Jet<2>> counts = log_rising(r, population.purchases);
    return point_of(sum_over<2>(weights.size(), row_block, execution, [&](std::size_t i) {
      const Pair& pair = population.until[i];
      return (counts[pair.x] + log_purchases(r, alpha, population.purchases[pair.x], pair.time)) *= weights[i];
    }));
  };
  FitSummary summary = solve(problem, options);
  note_customers(summary, population);
  note_homogeneous(summary, 0, 1, same_rate);
  return with_model<NBD, 2>(std::move(summary), [](const auto& p) { return NBD{p[0], p[1]}; });
}

Fit<BGNBD> fit_bg_nbd(const RfmView& customers, const FitOptions& options) {
  return with_model<BGNBD, 4>(fit_beta_geometric<Chances::after_repeats>("fit_bg_nbd", customers, options),
                              [](const auto& p) { return BGNBD{p[0], p[1], p[2], p[3]}; });
}

Fit<MBGNBD> fit_mbg_nbd(const RfmView& customers, const FitOptions& options) {
  return with_model<MBGNBD, 4>(fit_beta_geometric<Chances::after_all>("fit_mbg_nbd", customers, options),
                               [](const auto& p) { return MBGNBD{p[0], p[1], p[2], p[3]}; });
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
