// Gamma-Gamma: what customers spend a purchase.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "grouped.hpp"
#include "salesops/error.hpp"
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

struct Spender {
  std::uint32_t x;  ///< position among the distinct counts
  double mean;
  double weight;
};

struct Spenders {
  std::vector<double> counts;  ///< distinct x > 0, ascending
  std::vector<Spender> rows;   ///< distinct (x, mean), ascending
  double customers = 0;
  double without = 0;  ///< customers with x = 0
  double mean = 0;     ///< of all purchases
};

void check(const SpendView& view) {
  const std::size_t n = view.x.size();
  require_length("mean_spend", view.mean_spend.size(), n);
  if (!view.weights.empty()) require_length("weights", view.weights.size(), n);
  if (n == 0) throw UsageError("fit_gamma_gamma: there are no customers");
  const auto &x = view.x, &mean = view.mean_spend;
  Complaints complaints("fit_gamma_gamma", n);
  complaints.check("x is no whole number from 0 to 1e15",
                   [&](auto i) { return !(x[i] >= 0 && x[i] <= 1e15 && x[i] == std::floor(x[i])); });
  complaints.check("mean_spend is not a number above 0, though x is above 0",
                   [&](auto i) { return x[i] > 0 && !(mean[i] > 0 && mean[i] < special::infinity); });
  if (!view.weights.empty())
    complaints.check("the weight is not finite and above 0",
                     [&](auto i) { return !(view.weights[i] > 0 && view.weights[i] < special::infinity); });
  complaints.raise();
}

/// Of the rows named.
Spenders spenders_of(const SpendView& view, std::span<const std::size_t> rows) {
  struct Raw {
    double x, mean, weight;
  };
  std::vector<Raw> raw;
  Spenders spenders;
  for (const std::size_t i : rows) {
    const double weight = view.weights.empty() ? 1 : view.weights[i];
    if (view.x[i] > 0)
      raw.push_back({view.x[i], view.mean_spend[i], weight});
    else
      spenders.without += weight;
  }
  std::sort(raw.begin(), raw.end(), [](const Raw& a, const Raw& b) {
    return a.x != b.x ? a.x < b.x : a.mean != b.mean ? a.mean < b.mean : a.weight < b.weight;
  });
  double spent = 0;
  double bought = 0;
  for (const Raw& row : raw) {
    if (spenders.counts.empty() || spenders.counts.back() != row.x) spenders.counts.push_back(row.x);
    const auto x = static_cast<std::uint32_t>(spenders.counts.size() - 1);
    if (!spenders.rows.empty() && spenders.rows.back().x == x && spenders.rows.back().mean == row.mean)
      spenders.rows.back().weight += row.weight;
    else
      spenders.rows.push_back({x, row.mean, row.weight});
    spenders.customers += row.weight;
    bought += row.weight * row.x;
    spent += row.weight * row.x * row.mean;
  }
  spenders.mean = spent / bought;
  return spenders;
}

Spenders spenders_of(const SpendView& view) {
  check(view);
  std::vector<std::size_t> all(view.x.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  Spenders spenders = spenders_of(view, all);
  if (spenders.rows.empty())
    throw UsageError("fit_gamma_gamma: x is 0 for every customer; spend is learned from repeat purchases");
  return spenders;
}

constexpr auto likelihood = []<int O>(Order<O>, const Spenders& spenders, const Execution& execution,
                                      std::span<const double> logs) {
  const auto [p, q, v] = parameters_at<3, O>(logs);
  const Jet<3, O> fixed = log_gamma(q);
  std::vector<Jet<3, O>> counts;
  for (const double x : spenders.counts) counts.push_back(log_rising(p * x, q) - fixed);
  // ln of z̄^(px−1) x^px v^q (v+xz̄)^−(px+q) as −px ln(1+v/xz̄) − q ln(1+xz̄/v) − ln z̄.
  return sum_over<Jet<3, O>>(spenders.rows.size(), row_block, execution, [&](std::size_t i) {
    const Spender& row = spenders.rows[i];
    const double x = spenders.counts[row.x];
    const double total = x * row.mean;
    Jet<3, O> term = counts[row.x] - p * x * log1p(v / total) - q * log1p(total / v);
    return (term -= std::log(row.mean)) *= row.weight;
  });
};

Problem problem_of(const Spenders& spenders) {
  Problem problem;
  problem.call = "fit_gamma_gamma";
  problem.names = {"p", "q", "v"};
  problem.units = {1, 1, spenders.mean};
  problem.start = {2, 3, spenders.mean};
  problem.n = spenders.customers;
  problem.distinct_rows = spenders.rows.size();
  return problem;
}

FitSummary solve_spend(const Problem& problem, const Spenders& spenders, const FitOptions& options) {
  FitSummary summary = solve(problem, options);
  if (spenders.without > 0)
    summary.notes.push_back(spenders.without == 1
                                ? "1 more customer has no repeat purchase, so tells nothing of spend"
                                : number(spenders.without) +
                                      " more customers have no repeat purchase, so tell nothing of spend");
  if (spenders.rows.size() == 1)
    summary.notes.emplace_back(
        "one customer, or several that are alike, tells nothing about differences in spend");
  const double p = summary.estimates[0];
  const double q = summary.estimates[1];
  if (q <= 1)
    summary.notes.push_back(
        "q = " + number(q) +
        " is at most 1: spend is so uneven that the mean of a new customer does not exist");
  else if (q - 2 * summary.standard_errors[1] < 1)
    summary.notes.emplace_back("q is close to 1: the mean spend of a new customer is very uncertain");
  if (p > 1000 && !(summary.standard_errors[0] < p))
    summary.notes.emplace_back("p tends to infinity: each customer always spends the same amount");
  if (q > 1000 && !(summary.standard_errors[1] < q))
    summary.notes.emplace_back("q tends to infinity: all customers spend alike on average");
  return summary;
}

}  // namespace

Fit<GammaGamma> fit_gamma_gamma(const SpendView& customers, const FitOptions& options) {
  const Spenders spenders = spenders_of(customers);
  Problem problem = problem_of(spenders);
  problem.ask(
      [&, execution = silent(options.execution)]<int O>(Order<O> order, std::span<const double> logs) {
        return point_of(likelihood(order, spenders, execution, logs));
      });
  return with_model<GammaGamma, 3>(solve_spend(problem, spenders, options));
}

SpendFit fit_gamma_gamma(const SpendView& customers, std::span<const Covariate> covariates,
                         const FitOptions& options) {
  const Spenders spenders = spenders_of(customers);
  Problem problem = problem_of(spenders);
  const Design design(problem.call, {"spend", covariates}, {}, {}, customers.x.size(), 3);
  const auto groups = groups_of<Spenders>(design, customers.x.size(), 3, {{2}, 1}, {},
                                          [&](auto rows) { return spenders_of(customers, rows); });
  problem.distinct_rows = 0;
  for (const auto& group : groups) problem.distinct_rows += group.data.rows.size();
  spread_over(problem, design, groups, options.execution, likelihood);
  FitSummary summary = solve_spend(problem, spenders, options);
  std::vector<double> spend = Design::coefficients(design.first(), summary.estimates);
  Fit<GammaGamma> plain = with_model<GammaGamma, 3>(std::move(summary));
  return {std::move(static_cast<FitSummary&>(plain)), plain.model, std::move(spend)};
}

GammaGamma SpendFit::model_of(std::span<const double> z) const {
  return {model.p, model.q, model.v * std::exp(effect(spend, z, "spend"))};
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
