// BG/NBD, MBG/NBD, and the same with Erlang-k times between purchases: BG/CNBD-k, MBG/CNBD-k.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "salesops/error.hpp"
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

constexpr int largest_k = 12;

/// ln Σ_{j<k} w_j, w_j = (R)_j/j! (D/(α+T))^j: fewer than k of the events that make a purchase since the last
/// one.
template <int O>
Jet<2, O> log_partial_events(const Jet<2, O>& r, const Jet<2, O>& alpha, double x, int k, double idle,
                             double T) {
  const Jet<2, O> share = idle / (alpha + T);
  const Jet<2, O> shape = r + k * x;
  Jet<2, O> event(1);
  Jet<2, O> sum(1);
  for (int j = 1; j < k; ++j) {
    event = event * ((shape + (j - 1)) * share) / static_cast<double>(j);
    sum += event;
  }
  return log(sum);
}

/// The same two variables as the first of four.
template <int O>
Jet<4, O> widened(const Jet<2, O>& jet) {
  Jet<4, O> wide(jet.value);
  std::copy(jet.gradient.begin(), jet.gradient.end(), wide.gradient.begin());
  std::copy(jet.hessian.begin(), jet.hessian.end(), wide.hessian.begin());
  return wide;
}

}  // namespace

template <int O>
Jet<4, O> beta_geometric(const Population& population, Kind kind, const Execution& execution,
                         std::span<const double> logs) {
  const auto [r, alpha, a, b] = parameters_at<4, O>(logs);
  const auto [r2, alpha2] = parameters_at<2, O>(logs.first(2));
  std::vector<double> events = population.purchases;
  std::vector<double> chances = population.purchases;
  for (double& e : events) e *= kind.k;
  for (double& c : chances) c += kind.at_first ? 1 : 0;
  std::vector<Jet<4, O>> stayed = log_rising(r, events);
  std::vector<Jet<4, O>> left(chances.size(), Jet<4, O>(-special::infinity));
  const std::vector<Jet<4, O>> tails = log_rising(b, chances);
  const std::vector<Jet<4, O>> all = log_rising(a + b, chances);
  for (std::size_t i = 0; i < chances.size(); ++i) {
    stayed[i] += tails[i] - all[i];
    if (chances[i] > 0) left[i] = stayed[i] + log(a) - log(b + (chances[i] - 1));
  }
  const auto until = table_of<Jet<4, O>>(population.until, execution, [&](const Pair& pair) {
    return stayed[pair.x] + log_purchases(r, alpha, events[pair.x], pair.time);
  });
  const auto last = table_of<Jet<4, O>>(population.last, execution, [&](const Pair& pair) {
    return left[pair.x] + log_purchases(r, alpha, events[pair.x], pair.time);
  });
  Jet<4, O> sum = sum_over<Jet<4, O>>(population.rows.size(), row_block, execution, [&](std::size_t i) {
    const Row& row = population.rows[i];
    if (kind.k == 1) return log_add(until[row.until], last[row.last]) *= row.weight;
    const Pair& seen = population.until[row.until];
    const double idle = seen.time - population.last[row.last].time;
    const Jet<2, O> partial =
        log_partial_events(r2, alpha2, population.purchases[seen.x], kind.k, idle, seen.time);
    return log_add(until[row.until] + widened(partial), last[row.last]) *= row.weight;
  });
  return sum += (kind.k - 1) * population.sum_log_gaps - population.repeats * special::log_gamma(kind.k);
}
template Jet<4, 1> beta_geometric(const Population&, Kind, const Execution&, std::span<const double>);
template Jet<4, 2> beta_geometric(const Population&, Kind, const Execution&, std::span<const double>);

Problem beta_geometric_problem(const char* call, const Population& population, int k) {
  const double unit = population.mean_time();
  const auto [r, alpha] = purchase_moments(population);
  Problem problem;
  problem.call = call;
  problem.names = {"r", "alpha", "a", "b"};
  problem.units = {1, unit, 1, 1};
  problem.start = {r, alpha / k, 1, 3};
  problem.n = population.customers;
  problem.distinct_rows = population.rows.size();
  return problem;
}

namespace {

/// Where a Beta(a, b) dropout ends: nobody leaves; all with one probability; at the first chance or never.
std::vector<std::vector<double>> ends_of_dropout(const std::vector<double>& estimates) {
  constexpr double far = 1e12;
  const double share = estimates[2] / (estimates[2] + estimates[3]);
  std::vector<std::vector<double>> ends;
  for (const auto& [a, b] :
       {std::pair{1 / far, 1.0}, {far * share, far * (1 - share)}, {share / far, (1 - share) / far}})
    if (a > 0 && b > 0) ends.push_back({estimates[0], estimates[1], a, b});
  return ends;
}

/// `solve`, and once more from the end of the dropout that is likelier than a plateau on which it stopped.
FitSummary solve_with_ends(const Problem& problem, const FitOptions& options) {
  FitSummary summary = solve(problem, options);
  if (has_priors(options) ||
      !(std::isnan(summary.standard_errors[2]) || std::isnan(summary.standard_errors[3])))
    return summary;
  FitOptions again = options;
  again.execution = silent(options.execution);
  double best = summary.log_likelihood + 1e-12 * std::abs(summary.log_likelihood);
  for (const std::vector<double>& end : ends_of_dropout(summary.estimates)) {
    std::vector<double> logs;
    for (const double value : end) logs.push_back(std::log(value));
    const double there = problem.log_likelihood(logs).value;
    if (!(there > best)) continue;
    best = there;
    again.start = end;
  }
  if (again.start == options.start) return summary;
  FitSummary found = solve(problem, again);
  found.iterations += summary.iterations;
  return found.log_likelihood > summary.log_likelihood ? found : summary;
}

FitSummary fit_kind(const char* call, const Population& population, Kind kind, const FitOptions& options) {
  if (kind.k < 1 || kind.k > 100) throw UsageError(std::string(call) + ": k must be from 1 to 100");
  Problem problem = beta_geometric_problem(call, population, kind.k);
  problem.ask([&, execution = silent(options.execution)]<int O>(Order<O>, std::span<const double> logs) {
    return point_of(beta_geometric<O>(population, kind, execution, logs));
  });
  FitSummary summary = solve_with_ends(problem, options);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "all customers buy at one rate");
  note_dropout(summary, 2, 3);
  if (kind.k > 1 && !population.has_log_gaps)
    summary.notes.emplace_back(
        "without sum_log_gaps the likelihood lacks (k-1) times its sum: do not compare it over k");
  return summary;
}

struct Chosen {
  FitSummary summary;
  int k = 1;
};

std::string hundredths(double value) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

Chosen choose_k(const char* call, const RfmView& customers, bool at_first, const FitOptions& options) {
  if (customers.sum_log_gaps.empty())
    throw UsageError(std::string(call) +
                     ": to choose k it needs sum_log_gaps, the sum of the logarithms of the "
                     "times between purchases; or give k");
  const Population population = population_of(customers, options.execution);
  std::optional<Chosen> best;
  FitOptions each = options;
  each.profile_level = 0;
  std::string tried;
  for (int k = 1; k <= largest_k; ++k) {
    each.execution = part_of(options.execution, (k - 1) / (largest_k + 1.0), k / (largest_k + 1.0));
    FitSummary summary = fit_kind(call, population, {k, at_first}, each);
    tried += (k > 1 ? ", " : "") + hundredths(summary.log_likelihood);
    if (!best || summary.log_likelihood > best->summary.log_likelihood) best = Chosen{std::move(summary), k};
  }
  if (options.profile_level > 0) {
    each.profile_level = options.profile_level;
    each.execution = part_of(options.execution, largest_k / (largest_k + 1.0), 1);
    best->summary = fit_kind(call, population, {best->k, at_first}, each);
  }
  if (options.execution.progress) options.execution.progress(1);
  best->summary.notes.push_back("k = " + std::to_string(best->k) +
                                " is the likeliest of 1 to 12; ln L: " + tried);
  if (best->k == largest_k) best->summary.notes.emplace_back("k is at the end of what was tried");
  return *std::move(best);
}

template <class Model>
Fit<Model> regular_model(FitSummary summary, int k) {
  const std::vector<double> e = summary.estimates;
  return {std::move(summary), Model{k, e[0], e[1], e[2], e[3]}};
}

}  // namespace

Fit<BGNBD> fit_bg_nbd(const RfmView& customers, const FitOptions& options) {
  return with_model<BGNBD, 4>(
      fit_kind("fit_bg_nbd", population_of(customers, options.execution), {1, false}, options));
}
Fit<MBGNBD> fit_mbg_nbd(const RfmView& customers, const FitOptions& options) {
  return with_model<MBGNBD, 4>(
      fit_kind("fit_mbg_nbd", population_of(customers, options.execution), {1, true}, options));
}
Fit<BGCNBD> fit_bg_cnbd(const RfmView& customers, int k, const FitOptions& options) {
  return regular_model<BGCNBD>(
      fit_kind("fit_bg_cnbd", population_of(customers, options.execution), {k, false}, options), k);
}
Fit<MBGCNBD> fit_mbg_cnbd(const RfmView& customers, int k, const FitOptions& options) {
  return regular_model<MBGCNBD>(
      fit_kind("fit_mbg_cnbd", population_of(customers, options.execution), {k, true}, options), k);
}
Fit<BGCNBD> fit_bg_cnbd(const RfmView& customers, const FitOptions& options) {
  auto [summary, k] = choose_k("fit_bg_cnbd", customers, false, options);
  return regular_model<BGCNBD>(std::move(summary), k);
}
Fit<MBGCNBD> fit_mbg_cnbd(const RfmView& customers, const FitOptions& options) {
  auto [summary, k] = choose_k("fit_mbg_cnbd", customers, true, options);
  return regular_model<MBGCNBD>(std::move(summary), k);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
