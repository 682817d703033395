#include "salesops/survival/power.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "salesops/error.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

namespace {

void check_trial(const Trial& trial) {
  const auto check_share = [](double share, const std::string& argument) {
    if (!(share >= 0 && share <= 1))
      throw UsageError(argument + ": give the share of the group that will have had the event, from 0 to 1");
  };
  check_share(trial.treated_share, "treated_share");
  check_share(trial.control_share, "control_share");
  if (trial.treated_share + trial.control_share == 0)
    throw UsageError("treated_share and control_share: without events in either group nothing can be told");
  const double ratio = trial.hazard_ratio;
  if (!(ratio > 0) || std::isinf(ratio) || ratio == 1)
    throw UsageError("hazard_ratio must be a finite number above 0 and not 1: the difference to be shown");
}

/// How many standard errors one event is worth.
double of_one_event(double hazard_ratio, double ratio) {
  return std::sqrt(ratio) * std::fabs(hazard_ratio - 1) / (ratio * hazard_ratio + 1);
}

}  // namespace

GroupSizes sample_size(const Trial& trial, double power, double ratio) {
  check_trial(trial);
  const double z = stats::normal_multiplier(trial.level);
  if (!(power > 0 && power < 1)) throw UsageError("power must lie between 0 and 1, such as 0.8");
  if (!(ratio > 0) || std::isinf(ratio))
    throw UsageError("ratio must be a finite number above 0: treated rows for each of control");
  const double needed =
      std::max(0.0, z + special::normal_quantile(power)) / of_one_event(trial.hazard_ratio, ratio);
  const double control = needed * needed / (ratio * trial.treated_share + trial.control_share);
  if (ratio * control > 1e15 || control > 1e15)
    throw UsageError("hazard_ratio: more than 10^15 rows would be needed; ask for a larger difference");
  return {static_cast<std::int64_t>(std::ceil(ratio * control)),
          static_cast<std::int64_t>(std::ceil(control))};
}

double power(const Trial& trial, double n_treated, double n_control) {
  check_trial(trial);
  const double z = stats::normal_multiplier(trial.level);
  if (!(n_treated > 0 && n_control > 0) || std::isinf(n_treated) || std::isinf(n_control))
    throw UsageError("n_treated and n_control: both groups need rows");
  const double events = n_treated * trial.treated_share + n_control * trial.control_share;
  return special::normal_cdf(std::sqrt(events) * of_one_event(trial.hazard_ratio, n_treated / n_control) - z);
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
