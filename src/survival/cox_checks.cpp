#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>

#include "../optimize/linear.hpp"
#include "cox_design.hpp"
#include "rows.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// ---- Concordance ----------------------------------------------------------------------------------

namespace {

/// Weights by rank, with sums over ranks below (Fenwick 1994).
class RankedWeights {
 public:
  explicit RankedWeights(std::size_t ranks) : sums_(ranks + 1, 0.0), own_(ranks, 0.0) {}
  void add(std::size_t rank, double weight) {
    own_[rank] += weight;
    total_ += weight;
    for (std::size_t i = rank + 1; i < sums_.size(); i += i & (~i + 1)) sums_[i] += weight;
  }
  struct Split {
    double lower = 0;
    double equal = 0;
    double higher = 0;
  };
  [[nodiscard]] Split split(std::size_t rank) const {
    double lower = 0;
    for (std::size_t i = rank; i > 0; i -= i & (~i + 1)) lower += sums_[i];
    return {lower, own_[rank], total_ - lower - own_[rank]};
  }

 private:
  std::vector<double> sums_;
  std::vector<double> own_;
  double total_ = 0;
};

/// Rank of each value from the lowest, equal values sharing one; and how many ranks there are.
std::pair<std::vector<std::uint32_t>, std::size_t> ranks_of(std::span<const double> values) {
  std::vector<double> sides[2];
  std::vector<std::uint32_t> rows[2];
  for (std::size_t row = 0; row < values.size(); ++row) {
    const bool negative = values[row] < 0;
    sides[negative].push_back(std::fabs(values[row]));
    rows[negative].push_back(static_cast<std::uint32_t>(row));
  }
  std::vector<std::uint32_t> order;
  for (const std::uint32_t i : order_of(sides[1])) order.push_back(rows[1][i]);
  std::reverse(order.begin(), order.end());
  for (const std::uint32_t i : order_of(sides[0])) order.push_back(rows[0][i]);
  std::vector<std::uint32_t> ranks(values.size());
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && values[order[i]] != values[order[i - 1]]) ++rank;
    ranks[order[i]] = rank;
  }
  return {std::move(ranks), rank + std::size_t{1}};
}

/// Weight of the pairs of each row by how they came out.
struct Pairs {
  std::vector<double> concordant;
  std::vector<double> discordant;
  std::vector<double> tied;
};

/// The pairs within one stratum; `order` by ascending duration, `entries` its late rows by ascending entry.
class StratumPairs {
 public:
  StratumPairs(std::span<const double> durations, std::span<const std::uint8_t> events,
               std::span<const std::uint32_t> ranks, std::size_t n_ranks, const CoxOptions& options,
               Pairs& into)
      : durations_(durations),
        events_(events),
        ranks_(ranks),
        n_ranks_(n_ranks),
        options_(options),
        into_(into) {}

  void count(std::span<const std::uint32_t> order, std::span<const std::uint32_t> entries) {
    of_events(order, entries);
    of_the_others(order, entries);
  }

 private:
  [[nodiscard]] double weight(std::uint32_t row) const { return weight_of(options_.weights, row); }

  /// From the end: each event against all that outlast it.
  void of_events(std::span<const std::uint32_t> order, std::span<const std::uint32_t> entries) {
    RankedWeights at_risk(n_ranks_);
    std::size_t late = entries.size();
    for (std::size_t last = order.size(); last > 0;) {
      const double time = durations_[order[last - 1]];
      std::size_t first = last;
      for (; first > 0 && durations_[order[first - 1]] == time; --first)
        if (events_[order[first - 1]] == 0) at_risk.add(ranks_[order[first - 1]], weight(order[first - 1]));
      for (; late > 0 && options_.entry[entries[late - 1]] >= time; --late)
        at_risk.add(ranks_[entries[late - 1]], -weight(entries[late - 1]));
      for (std::size_t i = first; i < last; ++i) {
        const std::uint32_t row = order[i];
        if (events_[row] == 0) continue;
        const auto split = at_risk.split(ranks_[row]);
        into_.concordant[row] += split.lower;
        into_.discordant[row] += split.higher;
        into_.tied[row] += split.equal;
      }
      for (std::size_t i = first; i < last; ++i)
        if (events_[order[i]] != 0) at_risk.add(ranks_[order[i]], weight(order[i]));
      last = first;
      tick(last);
    }
  }

  /// From the beginning: each row against the events that it outlasts.
  void of_the_others(std::span<const std::uint32_t> order, std::span<const std::uint32_t> entries) {
    RankedWeights seen(n_ranks_);
    std::size_t late = 0;
    const auto compare = [&](std::uint32_t row, double sign) {
      const auto split = seen.split(ranks_[row]);
      into_.concordant[row] += sign * split.higher;
      into_.discordant[row] += sign * split.lower;
      into_.tied[row] += sign * split.equal;
    };
    for (std::size_t first = 0; first < order.size();) {
      const double time = durations_[order[first]];
      std::size_t last = first;
      for (; late < entries.size() && options_.entry[entries[late]] < time; ++late)
        compare(entries[late], -1);
      for (; last < order.size() && durations_[order[last]] == time; ++last)
        if (events_[order[last]] != 0) compare(order[last], 1);
      for (std::size_t i = first; i < last; ++i)
        if (events_[order[i]] != 0) seen.add(ranks_[order[i]], weight(order[i]));
      for (std::size_t i = first; i < last; ++i)
        if (events_[order[i]] == 0) compare(order[i], 1);
      first = last;
      tick(first);
    }
  }

  std::span<const double> durations_;
  std::span<const std::uint8_t> events_;
  std::span<const std::uint32_t> ranks_;
  std::size_t n_ranks_;
  const CoxOptions& options_;
  Pairs& into_;
};

/// Rows by stratum, in the order given within each.
std::vector<std::vector<std::uint32_t>> by_stratum(const std::vector<std::uint32_t>& order,
                                                   const std::vector<std::uint32_t>& stratum,
                                                   std::size_t strata) {
  std::vector<std::vector<std::uint32_t>> found(strata);
  for (const std::uint32_t row : order) found[stratum[row]].push_back(row);
  return found;
}

/// Codes 0, 1, 2, … without gaps.
std::pair<std::vector<std::uint32_t>, std::size_t> dense(std::span<const std::uint32_t> codes,
                                                         std::size_t rows) {
  if (codes.empty()) return {std::vector<std::uint32_t>(rows, 0), 1};
  std::vector<double> values(codes.begin(), codes.end());
  return ranks_of(values);
}

}  // namespace

Concordance concordance(std::span<const double> durations, std::span<const std::uint8_t> events,
                        std::span<const double> risk, const CoxOptions& options) {
  const StopScope scope(options.execution.stop);
  check(durations, events, 1, options.entry, options.weights);
  const std::size_t rows = durations.size();
  check_length(risk.size(), rows, "risk");
  refuse(rows, "risk", "are NaN or infinite", [&](auto i) { return !std::isfinite(risk[i]); });
  if (!options.strata.empty()) check_length(options.strata.size(), rows, "strata");
  if (!options.cluster.empty()) check_length(options.cluster.size(), rows, "cluster");
  const auto [stratum, strata] = dense(options.strata, rows);
  const auto [cluster, clusters] = dense(options.cluster, rows);
  const auto order = by_stratum(order_of(durations), stratum, strata);
  std::vector<std::vector<std::uint32_t>> entries(strata);
  if (!options.entry.empty()) {
    std::vector<std::uint32_t> late = order_of(options.entry);
    std::erase_if(late, [&](std::uint32_t row) { return options.entry[row] <= 0; });
    entries = by_stratum(late, stratum, strata);
  }
  Pairs pairs{std::vector<double>(rows), std::vector<double>(rows), std::vector<double>(rows)};
  std::vector<std::uint32_t> ranks(rows);
  for (std::size_t s = 0; s < strata; ++s) {
    std::vector<double> own;
    for (const std::uint32_t row : order[s]) own.push_back(risk[row]);
    const auto [found, n_ranks] = ranks_of(own);
    for (std::size_t i = 0; i < own.size(); ++i) ranks[order[s][i]] = found[i];
    StratumPairs(durations, events, ranks, n_ranks, options, pairs).count(order[s], entries[s]);
  }
  Concordance result;
  for (std::size_t row = 0; row < rows; ++row) {  // each pair is seen from both its rows
    const double half = weight_of(options.weights, row) / 2;
    result.concordant += half * pairs.concordant[row];
    result.discordant += half * pairs.discordant[row];
    result.tied += half * pairs.tied[row];
  }
  const double all = result.concordant + result.discordant + result.tied;
  if (!(all > 0)) return result;
  result.estimate = (result.concordant + result.tied / 2) / all;
  std::vector<double> influence(options.cluster.empty() ? rows : clusters, 0.0);
  for (std::size_t row = 0; row < rows; ++row) {
    const double own = pairs.concordant[row] + pairs.discordant[row] + pairs.tied[row];
    const double moved = pairs.concordant[row] + pairs.tied[row] / 2 - result.estimate * own;
    influence[options.cluster.empty() ? row : cluster[row]] += weight_of(options.weights, row) * moved / all;
  }
  double variance = 0;
  for (const double one : influence) variance += one * one;
  result.std_error = std::sqrt(variance);
  return result;
}

// ---- Proportional hazards -------------------------------------------------------------------------

namespace {

/// g(t) of each event group, shifted so that the least is 0: the test doesn't ask for its origin.
std::vector<double> scaled_times(std::span<const double> durations, std::span<const std::uint8_t> events,
                                 const RiskSets& sets, const CoxOptions& options, TimeScale scale) {
  std::vector<double> g(sets.groups.size(), 0.0);
  if (scale == TimeScale::km) {
    Options all;
    all.entry = options.entry;
    const KaplanMeier curve = kaplan_meier(durations, events, all);
    for (std::size_t i = 0; i < g.size(); ++i) {
      const auto at = std::lower_bound(curve.time.begin(), curve.time.end(), sets.groups[i].time);
      g[i] = at == curve.time.begin()
                 ? 0
                 : 1 - curve.survival[static_cast<std::size_t>(at - curve.time.begin()) - 1];
    }
  } else if (scale == TimeScale::rank) {
    std::vector<double> times(durations.begin(), durations.end());
    std::sort(times.begin(), times.end());
    for (std::size_t i = 0; i < g.size(); ++i) {
      const auto [low, high] = std::equal_range(times.begin(), times.end(), sets.groups[i].time);
      g[i] = static_cast<double>((low - times.begin()) + (high - times.begin()) + 1) / 2;
    }
  } else {
    for (std::size_t i = 0; i < g.size(); ++i) {
      const EventGroup& group = sets.groups[i];
      if (group.deaths == 0) continue;
      if (scale == TimeScale::log && group.time <= 0)
        throw UsageError("scale: an event at time 0 has no logarithm; use rank");
      g[i] = scale == TimeScale::log ? std::log(group.time) : group.time;
    }
  }
  double least = g.front();
  for (std::size_t i = 0; i < g.size(); ++i)
    if (sets.groups[i].deaths > 0) least = std::min(least, g[i]);
  for (double& value : g) value = std::max(0.0, value - least);
  return g;
}

}  // namespace

ProportionalHazards proportional_hazards_test(std::span<const double> durations,
                                              std::span<const std::uint8_t> events,
                                              const std::vector<Covariate>& covariates, const CoxModel& model,
                                              const CoxOptions& options, TimeScale scale) {
  const StopScope scope(options.execution.stop);
  check(durations, events, 1, options.entry, options.weights);
  check_covariates(covariates, durations.size());
  if (options.ties == CoxTies::exact)
    throw UsageError("ties: exact ties have no test of proportional hazards; use efron");
  const std::size_t p = covariates.size();
  if (model.coefficients.size() != p)
    throw UsageError("the model has " + std::to_string(model.coefficients.size()) + " columns, " +
                     std::to_string(p) + " are given");
  const RiskSets sets(durations, events, covariates, options);
  const VectorXd beta =
      Eigen::Map<const VectorXd>(model.coefficients.data(), static_cast<Index>(p)).cwiseProduct(sets.scale);
  const std::vector<double> g = scaled_times(durations, events, sets, options, scale);
  std::vector<double> squares = g;
  for (double& value : squares) value *= value;
  const Likelihood once = sets.evaluate(beta);
  const Likelihood by_time = sets.evaluate(beta, g);
  const MatrixXd with_squares = sets.evaluate(beta, squares).information;
  const MatrixXd explained = by_time.information * linear::solve(once.information, by_time.information);
  const MatrixXd variance = with_squares - explained;
  // At the maximum the score of β is 0; taking its part out leaves no trace of where the fit stopped.
  const VectorXd score =
      by_time.gradient - by_time.information * linear::solve(once.information, once.gradient);
  ProportionalHazards found;
  for (std::size_t j = 0; j < p; ++j) {
    const auto i = static_cast<Index>(j);
    ChiSquare one;
    // With one event time nothing can change.
    if (variance(i, i) > 1e-10 * with_squares(i, i)) {
      one.statistic = score[i] * score[i] / variance(i, i);
      one.degrees = 1;
      one.p_value = chi_square_tail(one.statistic, 1);
      ++found.global.degrees;
    }
    found.columns.push_back(one);
  }
  if (found.global.degrees > 0) found.global.statistic = score.dot(linear::least_squares(variance, score));
  found.global.p_value = chi_square_tail(found.global.statistic, found.global.degrees);
  return found;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
