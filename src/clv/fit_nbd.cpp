// NBD: customers who never leave.
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

Fit<NBD> fit_nbd(const RfmView& customers, const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  const auto [shape, rate] = purchase_moments(population);
  Problem problem;
  problem.call = "fit_nbd";
  problem.names = {"r", "alpha"};
  problem.units = {1, population.mean_time()};
  problem.start = {shape, rate};
  problem.n = population.customers;
  // The last purchase says nothing: rows of one (x, T) are one.
  std::vector<double> weights(population.until.size());
  for (const Row& row : population.rows) weights[row.until] += row.weight;
  problem.distinct_rows = weights.size();
  problem.ask([&, execution = silent(options.execution)]<int O>(Order<O>, std::span<const double> logs) {
    const auto [r, alpha] = parameters_at<2, O>(logs);
    const std::vector<Jet<2, O>> counts = log_rising(r, population.purchases);
    return point_of(sum_over<Jet<2, O>>(weights.size(), row_block, execution, [&](std::size_t i) {
      const Pair& pair = population.until[i];
      return (counts[pair.x] + log_purchases(r, alpha, population.purchases[pair.x], pair.time)) *=
             weights[i];
    }));
  });
  FitSummary summary = solve(problem, options);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "all customers buy at one rate");
  return with_model<NBD, 2>(std::move(summary));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
