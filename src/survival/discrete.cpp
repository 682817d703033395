#include "salesops/survival/discrete.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>

#include "../optimize/linear.hpp"
#include "cox_design.hpp"
#include "rows.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr std::size_t most_bands = 500;

/// ln of the chance of an outcome in one period, with its derivatives by the linear predictor.
struct Outcome {
  double value;
  double slope;
  double curve;
};

Outcome stays(HazardLink link, double eta) {
  if (link == HazardLink::cloglog) {
    const double risk = std::exp(eta);
    return {-risk, -risk, -risk};
  }
  const double chance = special::logistic(eta);
  return {-special::softplus(eta), -chance, -chance * special::logistic(-eta)};
}

Outcome ends(HazardLink link, double eta) {
  if (link == HazardLink::cloglog) {
    const double risk = std::exp(eta);
    const double slope = risk < 1e-12 ? 1 : risk / std::expm1(risk);
    return {special::log1m_exp(-risk), slope, slope * (1 - risk - slope)};
  }
  const double chance = special::logistic(-eta);
  return {-special::softplus(-eta), chance, -chance * special::logistic(eta)};
}

/// Periods that share a level.
struct PeriodBand {
  double first;
  double last;
};

/// The bands in which something ends.
std::vector<PeriodBand> bands_of(std::span<const double> durations, std::span<const std::uint8_t> events,
                                 std::span<const double> starts) {
  std::vector<double> ends;
  for (std::size_t row = 0; row < durations.size(); ++row)
    if (events[row] != 0) ends.push_back(durations[row]);
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  std::vector<PeriodBand> bands;
  for (const double end : ends) {
    if (starts.empty()) {
      bands.push_back({end, end});
    } else if (bands.empty() || bands.back().last < end) {
      const auto next = std::upper_bound(starts.begin(), starts.end(), end);
      const double longest = *std::max_element(durations.begin(), durations.end());
      bands.push_back({*(next - 1), next == starts.end() ? longest : std::min(longest, *next - 1)});
    }
  }
  if (bands.size() > most_bands)
    throw UsageError("durations: events in " + std::to_string(bands.size()) +
                     " periods; take longer periods, bands of them (periods), or cox, which needs none");
  return bands;
}

void check_periods(std::span<const double> durations, std::span<const std::uint8_t> events,
                   const std::vector<Covariate>& covariates, const DiscreteOptions& options) {
  check(durations, events, 1, options.entry, options.weights);
  check_covariates(covariates, durations.size());
  (void)stats::normal_multiplier(options.level);
  refuse(durations.size(), "durations", "are no whole numbers of periods of at least 1",
         [&](auto i) { return durations[i] < 1 || durations[i] != std::floor(durations[i]); });
  if (!options.entry.empty())
    refuse(durations.size(), "entry", "are no whole numbers of periods",
           [&](auto i) { return options.entry[i] != std::floor(options.entry[i]); });
  const auto& starts = options.periods;
  for (std::size_t i = 0; i < starts.size(); ++i)
    if (!std::isfinite(starts[i]) || starts[i] != std::floor(starts[i]) ||
        (i == 0 ? starts[i] != 1 : starts[i] <= starts[i - 1]))
      throw UsageError("periods: give the first period of each band, whole numbers that rise from 1");
  if (std::find(events.begin(), events.end(), 1) == events.end())
    throw UsageError("events: none of " + std::to_string(events.size()) +
                     " rows has an event, so nothing tells what brings it on");
}

}  // namespace

DiscreteModel discrete_hazard(std::span<const double> durations, std::span<const std::uint8_t> events,
                              const std::vector<Covariate>& covariates, const DiscreteOptions& options) {
  const StopScope scope(options.execution.stop);
  check_periods(durations, events, covariates, options);
  const std::vector<PeriodBand> bands = bands_of(durations, events, options.periods);
  CoxOptions order;  // the columns centred and scaled, and checked, as for Cox
  order.entry = options.entry;
  order.weights = options.weights;
  order.execution = options.execution;
  const RiskSets sets(durations, events, covariates, order);
  const auto bins = static_cast<Index>(bands.size());
  const auto p = static_cast<Index>(covariates.size());

  const auto likelihood = [&](const VectorXd& at) {
    Likelihood found{0, VectorXd::Zero(bins + p), MatrixXd::Zero(bins + p, bins + p)};
    const VectorXd shift = sets.x * at.tail(p);
    MatrixXd crossed = MatrixXd::Zero(p, bins);
    VectorXd curves(sets.x.rows());
    VectorXd slopes(sets.x.rows());
    for (std::size_t place = 0; place < sets.rows; ++place) {
      tick(place);
      const auto i = static_cast<Index>(place);
      const std::uint32_t row = sets.order[place];
      const double weight = weight_of(options.weights, row);
      const double from = options.entry.empty() ? 0 : options.entry[row];
      auto band = std::upper_bound(bands.begin(), bands.end(), from,
                                   [](double time, const PeriodBand& one) { return time < one.last; });
      double slope = 0;
      double curve = 0;
      for (; band != bands.end() && band->first <= durations[row]; ++band) {
        const auto bin = static_cast<Index>(band - bands.begin());
        const double eta = at[bin] + shift[i];
        const bool ended = events[row] != 0 && durations[row] <= band->last;
        const double there = std::min(band->last, durations[row]) - std::max(band->first - 1, from);
        Outcome own{0, 0, 0};
        if (ended) own = ends(options.link, eta);
        if (const double stayed = there - (ended ? 1 : 0); stayed > 0) {
          const Outcome stay = stays(options.link, eta);
          own = {own.value + stayed * stay.value, own.slope + stayed * stay.slope,
                 own.curve + stayed * stay.curve};
        }
        found.value += weight * own.value;
        found.gradient[bin] += weight * own.slope;
        found.information(bin, bin) -= weight * own.curve;
        crossed.col(bin) -= weight * own.curve * sets.x.row(i).transpose();
        slope += weight * own.slope;
        curve -= weight * own.curve;
      }
      slopes[i] = slope;
      curves[i] = curve;
    }
    found.gradient.tail(p) = sets.x.transpose() * slopes;
    found.information.bottomLeftCorner(p, bins) = crossed;
    found.information.topRightCorner(bins, p) = crossed.transpose();
    found.information.bottomRightCorner(p, p) = sets.x.transpose() * (curves.asDiagonal() * sets.x);
    return found;
  };
  const Maximum best = maximize(likelihood, bins + p, 0, 100, [&](const MatrixXd& information) {
    const MatrixXd own = information.bottomRightCorner(p, p) -
                         information.bottomLeftCorner(p, bins) *
                             information.topLeftCorner(bins, bins).diagonal().cwiseInverse().asDiagonal() *
                             information.topRightCorner(bins, p);
    refuse_sums(own, covariates, static_cast<double>(sets.deaths));
  });

  DiscreteModel model;
  model.link = options.link;
  for (const PeriodBand& band : bands) {
    model.period.push_back(band.first);
    model.period_end.push_back(band.last);
  }
  model.last = *std::max_element(durations.begin(), durations.end());
  const MatrixXd inverse = linear::inverse(best.here.information);
  const VectorXd back = sets.scale.cwiseInverse();
  const VectorXd beta = best.beta.tail(p).cwiseProduct(back);
  const MatrixXd covariance = back.asDiagonal() * inverse.bottomRightCorner(p, p) * back.asDiagonal();
  MatrixXd given = MatrixXd::Identity(bins + p, bins + p);  // from centred and scaled columns to those given
  given.bottomRightCorner(p, p) = back.asDiagonal();
  given.topRightCorner(bins, p).rowwise() = -sets.mean.cwiseProduct(back).transpose();
  const MatrixXd joint = given * inverse * given.transpose();
  model.joint_covariance.assign(joint.data(), joint.data() + joint.size());
  for (const Covariate& covariate : covariates) model.names.push_back(covariate.name);
  model.coefficients.assign(beta.begin(), beta.end());
  model.covariance.assign(covariance.data(), covariance.data() + covariance.size());
  for (Index j = 0; j < p; ++j) model.std_errors.push_back(error_of(covariance(j, j)));
  const double at_zero = beta.dot(sets.mean);
  for (Index bin = 0; bin < bins; ++bin) model.baseline.push_back(best.beta[bin] - at_zero);
  model.log_likelihood = best.here.value;
  model.level = options.level;
  model.converged = best.converged && best.beta.cwiseAbs().maxCoeff() < 25;
  model.rows = static_cast<std::int64_t>(sets.rows);
  for (const EventGroup& group : sets.groups) model.events += group.weight;
  if (!model.converged)
    model.notes.emplace_back(
        "the likelihood rises without end: a column splits the rows with events from the others, or all at "
        "risk in a period end in it; merge rare cases, or take longer periods or bands of them (periods)");
  return model;
}

double DiscreteModel::hazard(std::span<const double> x, double at) const {
  if (x.size() != coefficients.size())
    throw UsageError("x has " + std::to_string(x.size()) + " values, the model has " +
                     std::to_string(coefficients.size()) + " columns");
  if (!(at <= last)) return special::not_a_number;
  const auto next = std::upper_bound(period.begin(), period.end(), at);
  const auto band = static_cast<std::size_t>(next - period.begin()) - 1;
  if (next == period.begin() || at > period_end[band] || at != std::floor(at)) return 0;
  double eta = baseline[band];
  for (std::size_t j = 0; j < x.size(); ++j) eta += coefficients[j] * x[j];
  return -std::expm1(stays(link, eta).value);
}

namespace {

/// The share of one row that lasts, period after period, with the slopes of its logarithm by the levels and
/// the coefficients.
class Lasting {
 public:
  Lasting(const DiscreteModel& model, std::span<const double> x, double age)
      : model_(model),
        x_(Eigen::Map<const VectorXd>(x.data(), index(x.size()))),
        covariance_(model.joint_covariance.data(), index(size()), index(size())),
        by_x_(covariance_.rightCols(x_.size()) * x_),
        slope_(VectorXd::Zero(index(size()))),
        spread_(VectorXd::Zero(index(size()))),
        shift_(Eigen::Map<const VectorXd>(model.coefficients.data(), x_.size()).dot(x_)),
        at_(std::floor(age)) {
    band_ = static_cast<std::size_t>(std::upper_bound(model.period_end.begin(), model.period_end.end(), at_) -
                                     model.period_end.begin());
  }

  /// Goes on to the end of a period that is not before the last one asked for.
  void until(double period) {
    for (; band_ < model_.period.size() && model_.period[band_] <= period; ++band_) {
      const double last = std::min(model_.period_end[band_], period);
      const double times = last - std::max(model_.period[band_] - 1, at_);
      if (times > 0) add(times);
      if (last < model_.period_end[band_]) break;
    }
    at_ = std::max(at_, period);
  }
  [[nodiscard]] double share() const { return std::exp(log_share_); }
  [[nodiscard]] double log_error() const { return std::sqrt(std::max(0.0, slope_.dot(spread_))); }

 private:
  [[nodiscard]] std::size_t size() const { return model_.baseline.size() + model_.coefficients.size(); }

  void add(double times) {
    const Outcome own = stays(model_.link, model_.baseline[band_] + shift_);
    log_share_ += times * own.value;
    slope_[index(band_)] += times * own.slope;
    slope_.tail(x_.size()) += times * own.slope * x_;
    spread_ += times * own.slope * (covariance_.col(index(band_)) + by_x_);
  }

  const DiscreteModel& model_;
  VectorXd x_;
  Eigen::Map<const MatrixXd> covariance_;
  VectorXd by_x_;
  VectorXd slope_;
  VectorXd spread_;  ///< covariance · slope
  double shift_;
  double at_;
  std::size_t band_ = 0;
  double log_share_ = 0;
};

}  // namespace

SurvivalPrediction discrete_survival(const DiscreteModel& model, std::span<const double> x,
                                     std::span<const double> periods, std::span<const double> since) {
  const std::size_t p = model.coefficients.size();
  if (p == 0 || x.size() % p != 0)
    throw UsageError("x has " + std::to_string(x.size()) + " values, which are no whole rows of " +
                     std::to_string(p) + " columns");
  const std::size_t rows = x.size() / p;
  check_ahead(periods, since, rows);
  const double z = stats::normal_multiplier(model.level);
  const std::vector<std::uint32_t> order = order_of(periods);
  SurvivalPrediction found;
  for (auto* curve : {&found.survival, &found.low, &found.high})
    curve->assign(rows * periods.size(), special::not_a_number);
  for (std::size_t row = 0; row < rows; ++row) {
    tick(row);
    const double age = since.empty() ? 0 : since[row];
    Lasting lasting(model, x.subspan(row * p, p), age);
    for (const std::uint32_t i : order) {
      const double period = std::floor(age + periods[i]);
      if (period > model.last) break;
      lasting.until(period);
      const std::size_t place = row * periods.size() + i;
      const double share = found.survival[place] = lasting.share();
      const Band band = band_of(share, share * lasting.log_error(), z, IntervalKind::log_log);
      found.low[place] = band.low;
      found.high[place] = band.high;
    }
  }
  return found;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
