#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "../optimize/linear.hpp"
#include "cox_design.hpp"
#include "rows.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival/compare.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// ---- Fine and Gray --------------------------------------------------------------------------------

namespace {

/// Chance not to be censored before each time of a table; events come before censorings of the same time.
std::vector<double> uncensored_before(const RiskTable& table, std::span<const std::uint8_t> events,
                                      const Options& options) {
  std::vector<double> chance(table.size());
  double left = 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    chance[i] = left;
    double ended = 0;
    double censored = 0;
    for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j)
      (events[table.order[j]] == 0 ? censored : ended) += weight_of(options, table.order[j]);
    const double n = table.at_risk[i] - ended;
    if (censored > 0) left *= stay(n, censored) / n;
  }
  return chance;
}

/// Chance to have entered before each of `time` (ascending): the product limit of entries, which goes back in
/// time, as who enters later is at risk of having done so only where still there.
std::vector<double> entered_before(std::span<const double> time, std::span<const double> durations,
                                   const Options& options) {
  std::vector<double> chance(time.size(), 1);
  const std::vector<std::uint32_t> leaving = order_of(durations);
  const std::vector<std::uint32_t> entering = order_of(options.entry);
  double at_risk = 0;
  double product = 1;
  std::size_t there = leaving.size();
  std::size_t left = entering.size();
  std::size_t i = time.size();
  while (left > 0 && options.entry[entering[left - 1]] > 0) {
    const double u = options.entry[entering[left - 1]];
    for (; i > 0 && time[i - 1] > u; --i) chance[i - 1] = product;
    for (; there > 0 && durations[leaving[there - 1]] > u; --there)
      at_risk += weight_of(options, leaving[there - 1]);
    double entered = 0;
    for (; left > 0 && options.entry[entering[left - 1]] == u; --left)
      entered += weight_of(options, entering[left - 1]);
    product *= stay(at_risk, entered) / at_risk;
    at_risk -= entered;
  }
  std::fill(chance.begin(), chance.begin() + static_cast<std::ptrdiff_t>(i), product);
  return chance;
}

/// Rows at risk of one cause: as long as they last, and those that ended otherwise for ever, with less and
/// less weight.
class Subdistribution {
 public:
  Subdistribution(const RiskSets& sets, std::span<const double> durations,
                  std::span<const std::uint8_t> events, std::uint8_t cause, const CoxOptions& options)
      : sets_(sets), other_(sets.rows, 0.0), at_group_(sets.groups.size(), 0.0) {
    Options curve;
    curve.weights = options.weights;
    curve.entry = options.entry;
    const RiskTable table = risk_table(durations, curve);
    std::vector<double> chance = uncensored_before(table, events, curve);
    if (!sets.waiting.empty()) {
      const std::vector<double> entered = entered_before(table.time, durations, curve);
      std::transform(chance.begin(), chance.end(), entered.begin(), chance.begin(), std::multiplies{});
    }
    const auto at = [&](double time) {
      const auto found = std::lower_bound(table.time.begin(), table.time.end(), time);
      return chance[static_cast<std::size_t>(found - table.time.begin())];
    };
    for (std::size_t place = 0; place < sets.rows; ++place) {
      const std::uint32_t row = sets.order[place];
      if (events[row] != 0 && events[row] != cause) other_[place] = 1 / at(durations[row]);
    }
    for (std::size_t g = 0; g < sets.groups.size(); ++g)
      if (sets.groups[g].deaths > 0) at_group_[g] = at(sets.groups[g].time);
  }

  /// Hazards by group, and what has gathered of them: Λ from the beginning for those at risk, ∫ G dΛ from the
  /// end for those that ended otherwise; with the sums of x̄ beside them.
  struct State {
    VectorXd theta;
    std::vector<double> hazard, gone, ahead;
    RiskSets::RowMatrix middle, gone_middle, ahead_middle;
    double value = 0;
  };

  [[nodiscard]] State state(const VectorXd& beta) const {
    const Index p = index(sets_.columns);
    const std::size_t n = sets_.groups.size();
    State now;
    now.theta = (sets_.x * beta).array().exp();
    for (std::size_t place = 0; place < sets_.rows; ++place)
      now.theta[index(place)] *= weight_of(sets_.weights, place);
    // Those that ended otherwise before each time, from the first time on.
    std::vector<double> other0(n, 0.0);
    RiskSets::RowMatrix other1 = RiskSets::RowMatrix::Zero(index(n), p);
    for (std::size_t g = n - 1; g-- > 0;) {
      other0[g] = other0[g + 1];
      other1.row(index(g)) = RiskSets::RowMatrix(other1.row(index(g + 1)));
      for (std::size_t place = sets_.groups[g].end; place < sets_.groups[g + 1].end; ++place) {
        const double theta = now.theta[index(place)] * other_[place];
        other0[g] += theta;
        other1.row(index(g)) += theta * sets_.x.row(index(place));
      }
    }
    now.hazard.assign(n, 0.0);
    now.middle.setZero(index(n), p);
    double s0 = 0;
    VectorXd s1 = VectorXd::Zero(p);
    std::size_t place = 0;
    std::size_t late = 0;
    for (std::size_t g = 0; g + 1 < n; ++g) {
      for (; place < sets_.groups[g].end; ++place) {
        s0 += now.theta[index(place)];
        s1 += now.theta[index(place)] * sets_.x.row(index(place)).transpose();
      }
      for (; late < sets_.groups[g].late; ++late) {
        const Index waits = index(sets_.waiting[late]);
        s0 -= now.theta[waits];
        s1 -= now.theta[waits] * sets_.x.row(waits).transpose();
      }
      const double at_risk = s0 + at_group_[g] * other0[g];
      now.hazard[g] = sets_.groups[g].weight / at_risk;
      now.middle.row(index(g)) = (s1.transpose() + at_group_[g] * other1.row(index(g))) / at_risk;
      now.value -= sets_.groups[g].weight * std::log(at_risk);
    }
    now.gone = now.ahead = now.hazard;
    now.gone_middle = now.middle;
    for (std::size_t g = 0; g < n; ++g) now.gone_middle.row(index(g)) *= now.hazard[g];
    now.ahead_middle = now.gone_middle;
    for (std::size_t g = 0; g < n; ++g) {
      now.ahead[g] *= at_group_[g];
      now.ahead_middle.row(index(g)) *= at_group_[g];
      if (g == 0) continue;
      now.ahead[g] += now.ahead[g - 1];
      now.ahead_middle.row(index(g)) += RiskSets::RowMatrix(now.ahead_middle.row(index(g - 1)));
    }
    for (std::size_t g = n - 1; g-- > 0;) {
      now.gone[g] += now.gone[g + 1];
      now.gone_middle.row(index(g)) += RiskSets::RowMatrix(now.gone_middle.row(index(g + 1)));
    }
    return now;
  }

  /// Calls visit(place, group, Λ, Σ x̄dΛ, dead) of each row: what it has gone through in all.
  template <typename Visit>
  void each(const State& now, const Visit& visit) const {
    std::size_t g = 0;
    for (std::size_t place = 0; place < sets_.rows; ++place) {
      while (sets_.groups[g].end <= place) ++g;
      double risk = now.gone[g];
      VectorXd drift = now.gone_middle.row(index(g)).transpose();
      if (!sets_.since.empty()) {
        risk -= now.gone[sets_.since[place]];
        drift -= now.gone_middle.row(index(sets_.since[place])).transpose();
      }
      if (other_[place] > 0 && g > 0) {
        risk += other_[place] * now.ahead[g - 1];
        drift += other_[place] * now.ahead_middle.row(index(g - 1)).transpose();
      }
      visit(place, g, risk, drift, place + sets_.groups[g].deaths >= sets_.groups[g].end);
    }
  }

  [[nodiscard]] Likelihood evaluate(const VectorXd& beta) const {
    const Index p = index(sets_.columns);
    const State now = state(beta);
    Likelihood found{now.value, VectorXd::Zero(p), MatrixXd::Zero(p, p)};
    each(now, [&](std::size_t place, std::size_t, double risk, const VectorXd&, bool dead) {
      const VectorXd x = sets_.x.row(index(place)).transpose();
      const double theta = now.theta[index(place)] * risk;
      found.gradient -= theta * x;
      found.information += theta * x * x.transpose();
      if (!dead) return;
      found.gradient += weight_of(sets_.weights, place) * x;
      found.value += weight_of(sets_.weights, place) * x.dot(beta);
    });
    for (std::size_t g = 0; g < sets_.groups.size(); ++g)
      found.information -=
          sets_.groups[g].weight * now.middle.row(index(g)).transpose() * now.middle.row(index(g));
    return found;
  }

  [[nodiscard]] RiskSets::RowMatrix score_residuals(const VectorXd& beta) const {
    const State now = state(beta);
    RiskSets::RowMatrix residuals(index(sets_.rows), index(sets_.columns));
    each(now, [&](std::size_t place, std::size_t g, double risk, const VectorXd& drift, bool dead) {
      const VectorXd x = sets_.x.row(index(place)).transpose();
      VectorXd own = -now.theta[index(place)] * (risk * x - drift);
      if (dead) own += weight_of(sets_.weights, place) * (x - now.middle.row(index(g)).transpose());
      residuals.row(index(place)) = own.transpose();
    });
    return residuals;
  }

  /// Λ of the share, with the variance and drift that predictions need.
  [[nodiscard]] CoxBaseline baseline(const VectorXd& beta) const {
    const State now = state(beta);
    CoxBaseline found;
    found.last = sets_.stratum_last[0];
    double variance = 0;
    for (std::size_t g = sets_.groups.size() - 1; g-- > 0;) {
      variance += now.hazard[g] * now.hazard[g] / sets_.groups[g].weight;
      found.time.push_back(sets_.groups[g].time);
      found.cumulative_hazard.push_back(now.gone[g]);
      found.variance.push_back(variance);
      const VectorXd drift = now.gone_middle.row(index(g)).transpose().cwiseProduct(sets_.scale);
      found.drift.insert(found.drift.end(), drift.begin(), drift.end());
    }
    return found;
  }

 private:
  const RiskSets& sets_;
  std::vector<double> other_;     ///< by place: 1/G(T−) of rows that ended otherwise, else 0
  std::vector<double> at_group_;  ///< G just before each event time: to be uncensored, and to have entered
};

}  // namespace

CoxModel fine_gray(std::span<const double> durations, std::span<const std::uint8_t> events,
                   std::uint8_t cause, const std::vector<Covariate>& covariates, const CoxOptions& options) {
  const StopScope scope(options.execution.stop);
  check(durations, events, 255, options.entry, options.weights);
  check_covariates(covariates, durations.size());
  (void)stats::normal_multiplier(options.level);
  if (!options.strata.empty() || !options.cluster.empty() || options.penalty != 0)
    throw UsageError("fine_gray takes neither strata, cluster nor penalty");
  if (cause == 0) throw UsageError("cause: 0 stands for censored rows; give the code of an end");
  std::vector<std::uint8_t> ended(events.size());
  for (std::size_t row = 0; row < events.size(); ++row) ended[row] = events[row] == cause;
  if (std::find(ended.begin(), ended.end(), 1) == ended.end())
    throw UsageError("events: none of " + std::to_string(events.size()) + " rows ended by this cause");
  CoxOptions own = options;
  own.ties = CoxTies::breslow;
  own.robust = true;
  const RiskSets sets(durations, ended, covariates, own);
  const Subdistribution share(sets, durations, events, cause, own);
  const auto p = static_cast<Index>(covariates.size());
  const Maximum best =
      maximize([&](const VectorXd& beta) { return share.evaluate(beta); }, p, 0, options.max_iterations,
               [&](const MatrixXd& information) {
                 refuse_sums(information, covariates, static_cast<double>(sets.deaths));
               });
  const MatrixXd inverse = linear::inverse(best.here.information);
  RiskSets::RowMatrix influence = share.score_residuals(best.beta) * inverse;
  // A row of weight w stands for w rows that each have a w-th of its residual.
  for (std::size_t place = 0; place < sets.weights.size(); ++place)
    influence.row(index(place)) /= std::sqrt(sets.weights[place]);
  CoxModel model = describe(sets, covariates, best, influence.transpose() * influence, own);
  if (options.baseline) model.baselines.push_back(share.baseline(best.beta));
  return model;
}

// ---- Gray's test ----------------------------------------------------------------------------------

namespace {

/// What a time with events leaves for the variance; by group where it is a list.
struct GrayTime {
  VectorXd at_risk, of_cause, of_others, survival, survival_after, stands;
  double all = 0;          ///< Σ stands
  double share_after = 0;  ///< of all that ended by the cause, pooled over the groups
  MatrixXd apart;          ///< weight·(diag(stands) − stands·standsᵀ/all)
  MatrixXd through;        ///< Σ apart·dΓ up to here
};

/// Scores z and their covariance, added up over strata.
struct GraySums {
  VectorXd z;
  MatrixXd covariance;
};

/// 1 less the share of d tied events that can't be the first of n. Of the cause, d is of all groups and n
/// what all would have at risk if they had lasted as one group has: too few at the end, where this falls
/// below 0.
double thinned(double d, double n) { return d > 1 ? 1 - (d - 1) / (n - 1) : 1; }

/// What the events of each time add to the covariance, by what is still `through` after it.
void add_variance(const std::vector<GrayTime>& times, const MatrixXd& through, GraySums& sums) {
  const Index k = sums.z.size();
  for (const GrayTime& time : times) {
    const double died = time.of_cause.sum();
    for (Index g = 0; g < k; ++g) {
      if (!(time.stands[g] > 0)) continue;
      const double still = time.survival_after[g] > 0 ? (1 - time.share_after) / time.survival_after[g] : 0;
      const VectorXd later = (through - time.through).col(g);
      if (died > 0) {
        const VectorXd own = time.apart.col(g) + (1 - still) * later;
        sums.covariance += thinned(died, time.all * time.survival[g]) * died / (time.all * time.stands[g]) *
                           own * own.transpose();
      }
      if (time.of_others[g] > 0 && time.survival_after[g] > 0) {
        const VectorXd other = still * later;
        sums.covariance += thinned(time.of_others[g], time.at_risk[g]) * time.of_others[g] /
                           (time.stands[g] * time.stands[g]) * other * other.transpose();
      }
    }
  }
}

void add_stratum(const StratumRows& rows, std::uint8_t cause, double rho, GraySums& sums, LogRank& result) {
  const Index k = sums.z.size();
  const Options options = rows.options();
  const RiskTable table = risk_table(rows.durations, options);
  const auto entry = [&](std::uint32_t row) { return rows.entry.empty() ? 0 : rows.entry[row]; };
  std::vector<std::uint32_t> entering;
  if (!rows.entry.empty()) entering = order_of(rows.entry);
  VectorXd at_risk = VectorXd::Zero(k), survival = VectorXd::Ones(k), incidence = VectorXd::Zero(k);
  for (std::uint32_t row = 0; row < rows.groups.size(); ++row)
    if (entry(row) <= 0) at_risk[rows.groups[row]] += weight_of(options, row);
  std::size_t entered = 0;
  while (entered < entering.size() && entry(entering[entered]) <= 0) ++entered;
  double share = 0;
  MatrixXd through = MatrixXd::Zero(k, k);
  std::vector<GrayTime> times;
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (; entered < entering.size() && entry(entering[entered]) < table.time[i]; ++entered)
      at_risk[rows.groups[entering[entered]]] += weight_of(options, entering[entered]);
    VectorXd leaving = VectorXd::Zero(k), of_cause = VectorXd::Zero(k), of_others = VectorXd::Zero(k);
    for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j) {
      const std::uint32_t row = table.order[j];
      const double weight = weight_of(options, row);
      leaving[rows.groups[row]] += weight;
      if (rows.events[row] != 0)
        (rows.events[row] == cause ? of_cause : of_others)[rows.groups[row]] += weight;
    }
    // A group that nobody is left of tells nothing from here on.
    VectorXd stands = VectorXd::Zero(k);
    for (Index g = 0; g < k; ++g)
      if (at_risk[g] > 1e-9 && survival[g] > 0) stands[g] = at_risk[g] / survival[g];
    const VectorXd open = stands.cwiseProduct(VectorXd::Ones(k) - incidence);  // R of each group
    const double died = of_cause.sum();
    const bool tells = died + of_others.sum() > 0 && open.sum() > 0;
    GrayTime time;
    time.at_risk = at_risk;
    time.of_cause = of_cause;
    time.of_others = of_others;
    time.survival = survival;
    if (tells) {
      const double left = 1 - share;
      const double weight = left > 1e-12 || rho == 0 ? std::pow(left, rho) : 0;
      const VectorXd expected = died / open.sum() * open;
      for (Index g = 0; g < k; ++g) {
        if (!(stands[g] > 0)) continue;
        sums.z[g] += weight * (of_cause[g] - expected[g]);
        result.observed[static_cast<std::size_t>(g)] += of_cause[g];
        result.expected[static_cast<std::size_t>(g)] += expected[g];
      }
      time.all = stands.sum();
      time.apart = stands.asDiagonal();
      time.apart = weight * (time.apart - stands * stands.transpose() / time.all);
      if (std::fabs(left) > 1e-12) through += died / (time.all * left) * time.apart;
      share += died / time.all;
    }
    for (Index g = 0; g < k; ++g) {
      if (!(at_risk[g] > 1e-9)) continue;
      incidence[g] += survival[g] * of_cause[g] / at_risk[g];
      survival[g] *= stay(at_risk[g], of_cause[g] + of_others[g]) / at_risk[g];
    }
    if (tells) {
      time.stands = std::move(stands);
      time.survival_after = survival;
      time.share_after = share;
      time.through = through;
      times.push_back(std::move(time));
    }
    at_risk -= leaving;
  }
  add_variance(times, through, sums);
}

}  // namespace

LogRank gray_test(std::span<const double> durations, std::span<const std::uint8_t> events,
                  std::span<const std::uint32_t> groups, std::uint8_t cause, const Options& options,
                  double rho, std::span<const std::uint32_t> strata) {
  check(durations, events, 255, options.entry, options.weights);
  if (groups.size() != durations.size()) throw UsageError("groups and durations must be equally long");
  if (!strata.empty()) check_length(strata.size(), durations.size(), "strata");
  if (cause == 0) throw UsageError("cause: 0 stands for censored rows; give the code of an outcome");
  if (!std::isfinite(rho)) throw UsageError("rho must be a finite number");
  const std::size_t k = std::size_t{*std::max_element(groups.begin(), groups.end())} + 1;
  if (k > 100) throw UsageError("groups: more than 100 codes; number the groups 0, 1, 2, …");
  LogRank result;
  result.observed.assign(k, 0);
  result.expected.assign(k, 0);
  GraySums sums{VectorXd::Zero(index(k)), MatrixXd::Zero(index(k), index(k))};
  for (const auto& [code, rows] : rows_by_stratum(durations, events, groups, options, strata))
    add_stratum(rows, cause, rho, sums, result);
  const auto possible =
      std::count_if(result.expected.begin(), result.expected.end(), [](double e) { return e > 0; });
  result.degrees = std::max(0, static_cast<int>(possible) - 1);
  if (result.degrees == 0 || sums.covariance.trace() <= 0 || !sums.covariance.allFinite()) return result;
  result.statistic = std::max(0.0, sums.z.dot(linear::least_squares(sums.covariance, sums.z, 1e-9)));
  result.p_value = chi_square_tail(result.statistic, result.degrees);
  return result;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
