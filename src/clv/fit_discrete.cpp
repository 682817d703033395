// BG/BB: customers who buy or not at given opportunities.
#include <cmath>
#include <numeric>

#include "salesops/error.hpp"
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

constexpr double most_opportunities = 100'000;

/// Where the rows of each (x, n) begin, and the end: rows are sorted by (x, n, t_x).
std::vector<std::size_t> row_starts(const Population& population) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < population.rows.size(); ++i)
    if (i == 0 || population.rows[i].until != population.rows[i - 1].until) starts.push_back(i);
  starts.push_back(population.rows.size());
  return starts;
}

template <int O>
Jet<4, O> discrete_likelihood(const Population& population, std::span<const std::size_t> starts,
                              std::span<const double> counts, const Execution& execution,
                              std::span<const double> logs) {
  const auto [alpha, beta, gamma, delta] = parameters_at<4, O>(logs);
  const auto yes = log_rising(alpha, counts);
  const auto no = log_rising(beta, counts);
  const auto chance = log_rising(alpha + beta, counts);
  const auto stay = log_rising(delta, counts);
  const auto flip = log_rising(gamma + delta, counts);
  const Jet<4, O> leave = log(gamma);
  const auto at = [](double n) { return static_cast<std::size_t>(n); };
  return sum_over<Jet<4, O>>(population.until.size(), 64, execution, [&](std::size_t pair) {
    const auto n = population.until[pair].time;
    const double x = population.purchases[population.until[pair].x];
    const auto bought = [&](double u) { return yes[at(x)] + no[at(u - x)] - chance[at(u)]; };
    // Left after opportunity u = n−1, n−2, … down to the last purchase; or still there.
    Jet<4, O> any = bought(n) + stay[at(n)] - flip[at(n)];
    Jet<4, O> sum;
    double u = n;
    for (std::size_t i = starts[pair + 1]; i-- > starts[pair];) {
      const Row& row = population.rows[i];
      for (; u > population.last[row.last].time; u -= 1)
        any = log_add(any, bought(u - 1) + leave + stay[at(u - 1)] - flip[at(u)]);
      sum += any * row.weight;
    }
    return sum;
  });
}

}  // namespace

Fit<BGBB> fit_bg_bb(const RfmView& customers, const FitOptions& options) {
  const Population population = population_of(customers, options.execution, true);
  double most = 0;
  for (const Pair& pair : population.until) most = std::max(most, pair.time);
  if (most > most_opportunities)
    throw UsageError(
        "fit_bg_bb: T counts opportunities to buy, at most 100,000; count years or months, not seconds");
  std::vector<double> counts(static_cast<std::size_t>(most) + 1);
  std::iota(counts.begin(), counts.end(), 0.0);
  const std::vector<std::size_t> starts = row_starts(population);
  Problem problem;
  problem.call = "fit_bg_bb";
  problem.names = {"alpha", "beta", "gamma", "delta"};
  problem.units = {1, 1, 1, 1};
  problem.start = {1, 1, 0.5, 2};
  problem.n = population.customers;
  problem.distinct_rows = population.rows.size();
  problem.ask([&, execution = silent(options.execution)]<int O>(Order<O>, std::span<const double> logs) {
    return point_of(discrete_likelihood<O>(population, starts, counts, execution, logs));
  });
  FitSummary summary = solve(problem, options);
  note_customers(summary, population, options);
  if (most == 0) {
    summary.converged = false;
    summary.reason = "T is 0 for every customer";
  }
  note_homogeneous(summary, 0, 1, "all customers buy with the same probability");
  note_dropout(summary, 2, 3);
  return with_model<BGBB, 4>(std::move(summary));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
