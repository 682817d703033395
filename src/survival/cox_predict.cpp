#include <algorithm>
#include <cmath>
#include <string>

#include "rows.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival/cox.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

namespace {

/// Rows to predict for, with the baseline of each.
class NewRows {
 public:
  NewRows(const CoxModel& model, std::span<const double> x, std::span<const std::uint32_t> strata)
      : model_(model), x_(x), strata_(strata), columns_(model.coefficients.size()) {
    if (model.baselines.empty())
      throw UsageError("the model has no baseline to predict from: fit it with baseline = true");
    if (columns_ == 0 || x.size() % columns_ != 0)
      throw UsageError("x has " + std::to_string(x.size()) + " values, which are no whole rows of " +
                       std::to_string(columns_) + " columns");
    if (!strata.empty()) check_length(strata.size(), size(), "strata");
  }
  [[nodiscard]] std::size_t size() const { return x_.size() / columns_; }
  [[nodiscard]] std::span<const double> row(std::size_t i) const {
    return x_.subspan(i * columns_, columns_);
  }
  [[nodiscard]] const CoxBaseline& baseline(std::size_t i) const {
    if (strata_.empty()) return model_.baselines.front();
    const auto found = std::lower_bound(
        model_.baselines.begin(), model_.baselines.end(), strata_[i],
        [](const CoxBaseline& baseline, std::uint32_t code) { return baseline.stratum < code; });
    if (found == model_.baselines.end() || found->stratum != strata_[i])
      throw UsageError("strata: row " + std::to_string(i) + " has code " + std::to_string(strata_[i]) +
                       ", which the fit did not see");
    return *found;
  }

 private:
  const CoxModel& model_;
  std::span<const double> x_;
  std::span<const std::uint32_t> strata_;
  std::size_t columns_;
};

/// q'Vq with q = drift − Λ·(x − mean): what not knowing β adds to the variance of the cumulative hazard.
double variance_of_coefficients(const CoxModel& model, std::span<const double> drift, double hazard,
                                std::span<const double> x) {
  const std::size_t p = x.size();
  double sum = 0;
  for (std::size_t j = 0; j < p; ++j) {
    const double own = drift[j] - hazard * (x[j] - model.means[j]);
    for (std::size_t k = 0; k < p; ++k)
      sum += model.covariance[j * p + k] * own * (drift[k] - hazard * (x[k] - model.means[k]));
  }
  return sum;
}

}  // namespace

SurvivalPrediction predict_survival(const CoxModel& model, std::span<const double> x,
                                    std::span<const double> times, std::span<const std::uint32_t> strata,
                                    std::span<const double> since) {
  const NewRows rows(model, x, strata);
  check_ahead(times, since, rows.size());
  const double z = stats::normal_multiplier(model.level);
  const std::size_t p = model.coefficients.size();
  SurvivalPrediction found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tick(i);
    const CoxBaseline& baseline = rows.baseline(i);
    const double risk = std::exp(model.log_risk(rows.row(i)));
    const double age = since.empty() ? 0 : since[i];
    const auto from = step_at(baseline.time, age);
    std::vector<double> drift(p);
    for (const double time : times) {
      double survival = 1;
      Band band{1, 1};
      if (const auto to = step_at(baseline.time, age + time); to != from) {
        const auto gained = [&](const std::vector<double>& sums, std::size_t width, std::size_t j) {
          return sums[*to * width + j] - (from ? sums[*from * width + j] : 0);
        };
        const double hazard = gained(baseline.cumulative_hazard, 1, 0);
        for (std::size_t j = 0; j < p; ++j) drift[j] = gained(baseline.drift, p, j);
        const double error = risk * std::sqrt(gained(baseline.variance, 1, 0) +
                                              variance_of_coefficients(model, drift, hazard, rows.row(i)));
        survival = std::exp(-hazard * risk);
        band = band_of(survival, survival * error, z, IntervalKind::log_log);
      }
      if (age + time > baseline.last) survival = band.low = band.high = special::not_a_number;
      found.survival.push_back(survival);
      found.low.push_back(band.low);
      found.high.push_back(band.high);
    }
  }
  return found;
}

std::vector<double> predict_quantile(const CoxModel& model, std::span<const double> x, double probability,
                                     std::span<const std::uint32_t> strata) {
  if (!(probability > 0 && probability < 1))
    throw UsageError("probability must lie between 0 and 1, ends left out");
  const NewRows rows(model, x, strata);
  std::vector<double> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CoxBaseline& baseline = rows.baseline(i);
    // Products of ratios may miss a level by rounding.
    const double wanted = -std::log1p(-probability) / std::exp(model.log_risk(rows.row(i))) * (1 - 1e-12);
    const auto step =
        std::lower_bound(baseline.cumulative_hazard.begin(), baseline.cumulative_hazard.end(), wanted);
    found.push_back(step == baseline.cumulative_hazard.end()
                        ? special::not_a_number
                        : baseline.time[static_cast<std::size_t>(step - baseline.cumulative_hazard.begin())]);
  }
  return found;
}

BaselineAtZero baseline_at_zero(const CoxModel& model, const CoxBaseline& baseline) {
  const std::size_t p = model.coefficients.size();
  const std::vector<double> zero(p, 0.0);
  const double risk = std::exp(model.log_risk(zero));
  BaselineAtZero found;
  for (std::size_t i = 0; i < baseline.time.size(); ++i) {
    const double hazard = baseline.cumulative_hazard[i];
    const std::span<const double> drift(baseline.drift.data() + i * p, p);
    found.cumulative_hazard.push_back(hazard * risk);
    found.std_error.push_back(
        risk * std::sqrt(baseline.variance[i] + variance_of_coefficients(model, drift, hazard, zero)));
  }
  return found;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
