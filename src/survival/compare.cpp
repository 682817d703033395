#include "salesops/survival/compare.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>

#include "../optimize/linear.hpp"
#include "rows.hpp"
#include "salesops/parallel.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

// ---- Restricted means -----------------------------------------------------------------------------

std::optional<RmstDifference> rmst_difference(const KaplanMeier& first, const KaplanMeier& second,
                                              double until) {
  const auto one = first.rmst(until);
  const auto other = second.rmst(until);
  if (!one || !other) return std::nullopt;
  const double z = stats::normal_multiplier(first.level);
  RmstDifference found{*one, *other, {}, {}};
  const auto p_value = [](double estimate, double error) {
    return error > 0 ? std::erfc(std::fabs(estimate) / error / std::sqrt(2.0)) : estimate == 0 ? 1 : 0;
  };
  found.difference.estimate = one->estimate - other->estimate;
  found.difference.std_error = std::hypot(one->std_error, other->std_error);
  found.difference.low = found.difference.estimate - z * found.difference.std_error;
  found.difference.high = found.difference.estimate + z * found.difference.std_error;
  found.difference.p_value = p_value(found.difference.estimate, found.difference.std_error);
  const double log_ratio = std::log(one->estimate / other->estimate);
  found.ratio.estimate = one->estimate / other->estimate;
  found.ratio.std_error = std::hypot(one->std_error / one->estimate, other->std_error / other->estimate);
  found.ratio.low = std::exp(log_ratio - z * found.ratio.std_error);
  found.ratio.high = std::exp(log_ratio + z * found.ratio.std_error);
  found.ratio.p_value = p_value(log_ratio, found.ratio.std_error);
  return found;
}

// ---- Log-rank -------------------------------------------------------------------------------------

namespace {

double rank_weight(RankWeight kind, RankPowers powers, double n, double survival_before, double peto) {
  switch (kind) {
    case RankWeight::log_rank: return 1;
    case RankWeight::wilcoxon: return n;
    case RankWeight::tarone_ware: return std::sqrt(n);
    case RankWeight::peto: return peto;
    case RankWeight::g_rho:
      return std::pow(survival_before, powers.rho) * std::pow(1 - survival_before, powers.gamma);
  }
  return 1;
}

/// Weight at risk of each group, moved from time to time.
class GroupsAtRisk {
 public:
  GroupsAtRisk(std::span<const std::uint32_t> groups, std::size_t n_groups, const Options& options)
      : groups_(groups), options_(options), at_risk_(n_groups, 0.0) {
    if (!options.entry.empty()) waiting_ = order_of(options.entry);
    for (std::size_t row = 0; row < groups.size(); ++row)
      if (options.entry.empty() || options.entry[row] <= 0) at_risk_[groups[row]] += weight_of(options, row);
  }
  void enter_before(double time) {
    for (; next_ < waiting_.size() && options_.entry[waiting_[next_]] < time; ++next_) {
      const std::uint32_t row = waiting_[next_];
      if (options_.entry[row] > 0) at_risk_[groups_[row]] += weight_of(options_, row);
    }
  }
  void leave(std::uint32_t group, double weight) { at_risk_[group] -= weight; }
  [[nodiscard]] double operator[](std::size_t group) const { return std::max(0.0, at_risk_[group]); }

 private:
  std::span<const std::uint32_t> groups_;
  const Options& options_;
  std::vector<double> at_risk_;
  std::vector<std::uint32_t> waiting_;
  std::size_t next_ = 0;
};

/// Differences between observed and expected events, weighted, and their covariance (its lower half).
struct RankSums {
  Eigen::VectorXd difference;
  Eigen::MatrixXd covariance;
};

/// Adds the rows of one stratum.
void add_ranks(std::span<const double> durations, std::span<const std::uint8_t> events,
               std::span<const std::uint32_t> groups, const Options& options, RankWeight weight,
               RankPowers powers, RankSums& sums, LogRank& result) {
  const std::size_t k = result.observed.size();
  const RiskTable table = risk_table(durations, options);
  // What the loop over times reads of each row, in the order in which it does.
  std::vector<std::uint16_t> code(durations.size());  // twice the group, and 1 for an event
  for_rows(code.size(), 65536, {}, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::uint32_t row = table.order[i];
      code[i] = static_cast<std::uint16_t>(2 * groups[row] + (events[row] != 0 ? 1 : 0));
    }
  });

  const auto size = static_cast<Eigen::Index>(k);
  Eigen::VectorXd share(size);
  Eigen::VectorXd of_group(size);
  GroupsAtRisk at_risk(groups, k, options);
  double survival = 1;
  double peto = 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    at_risk.enter_before(table.time[i]);
    const double n = table.at_risk[i];
    double d = 0;
    of_group.setZero();
    for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j) {
      if ((code[j] & 1U) == 0) continue;
      const double one = weight_of(options, table.order[j]);
      of_group[code[j] / 2] += one;
      d += one;
    }
    if (d > 0) {
      peto *= 1 - d / (n + 1);
      const double w = rank_weight(weight, powers, n, survival, peto);
      const double scale = n > 1 ? w * w * d * std::max(0.0, n - d) / (n - 1) : 0;
      // Groups are few: plain loops, and the lower half of the covariance.
      for (std::size_t g = 0; g < k; ++g) {
        const auto at = static_cast<Eigen::Index>(g);
        share[at] = at_risk[g] / n;
        result.observed[g] += of_group[at];
        result.expected[g] += d * share[at];
        sums.difference[at] += w * (of_group[at] - d * share[at]);
        const double scaled = scale * share[at];
        sums.covariance(at, at) += scaled;
        for (Eigen::Index other = 0; other <= at; ++other)
          sums.covariance(at, other) -= scaled * share[other];
      }
      survival *= stay(n, d) / n;
    }
    for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j)
      at_risk.leave(code[j] / 2, weight_of(options, table.order[j]));
  }
}

}  // namespace

LogRank log_rank(std::span<const double> durations, std::span<const std::uint8_t> events,
                 std::span<const std::uint32_t> groups, const Options& options, RankWeight weight,
                 RankPowers powers, std::span<const std::uint32_t> strata) {
  for (const double power : {powers.rho, powers.gamma})
    if (!(power >= 0) || std::isinf(power))
      throw UsageError("rho and gamma must be finite numbers of at least 0");
  check(durations, events, 1, options.entry, options.weights);
  if (groups.size() != durations.size()) throw UsageError("groups and durations must be equally long");
  if (!strata.empty()) check_length(strata.size(), durations.size(), "strata");
  const std::size_t k = std::size_t{*std::max_element(groups.begin(), groups.end())} + 1;
  if (k > 1000) throw UsageError("groups: more than 1,000 codes; number the groups 0, 1, 2, …");
  LogRank result;
  result.observed.assign(k, 0.0);
  result.expected.assign(k, 0.0);
  const auto size = static_cast<Eigen::Index>(k);
  RankSums sums{Eigen::VectorXd::Zero(size), Eigen::MatrixXd::Zero(size, size)};
  if (strata.empty())
    add_ranks(durations, events, groups, options, weight, powers, sums, result);
  else
    for (const auto& [code, rows] : rows_by_stratum(durations, events, groups, options, strata))
      add_ranks(rows.durations, rows.events, rows.groups, rows.options(), weight, powers, sums, result);

  Eigen::MatrixXd& covariance = sums.covariance;
  covariance.triangularView<Eigen::StrictlyUpper>() = covariance.transpose();
  const auto possible =
      std::count_if(result.expected.begin(), result.expected.end(), [](double e) { return e > 0; });
  result.degrees = std::max(0, static_cast<int>(possible) - 1);
  if (result.degrees == 0 || covariance.trace() <= 0) return result;
  // One group is the rest of all others, so the covariance has a zero eigenvalue: least squares.
  result.statistic = std::max(0.0, sums.difference.dot(linear::least_squares(covariance, sums.difference)));
  result.p_value = chi_square_tail(result.statistic, result.degrees);
  return result;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
