// What earlier periods teach about the forecast of this one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "facts.hpp"
#include "kernel.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

/// Days of one forecast: known at `origin`, won in [start, end).
struct Window {
  double origin = 0;
  double start = 0;
  double end = 0;
};

/// Whole steps from the origin; a day, or more where the horizon is beyond a year's quarter.
struct Grid {
  double step = 1;
  int first = 0;  ///< steps to the start
  int last = 0;   ///< steps to the end
};
Grid grid_of(const Window& window);

inline constexpr std::size_t feature_count = 7;
using Features = std::array<double, feature_count>;
/// Names of the correction's terms.
const std::array<const char*, feature_count>& feature_names();

/// What the correction knows of a deal: logit of the kernel's p first, then 1, age, close date, pushes.
Features features_of(const Facts& facts, const History& history, std::size_t deal, const Window& window,
                     double kernel_p);

/// Log-odds that are added to an owner's deals.
struct OwnerEffect {
  double mean = 0;
  double sd = 0;
};

struct NewBusiness {
  std::vector<double> won_by_step;  ///< expected wins from deals not yet created, by steps from the origin
  double per_week = 0;
};

/// Recent arrivals, their season and first stages, through the kernel.
NewBusiness new_business(const Facts& facts, const Window& window, const std::vector<double>& per_day);

struct Lessons {
  Rates rates;
  Features weight{1};  ///< of the correction; 1 for the kernel's logit, 0 for the others without landmarks
  bool corrected = false;
  int landmarks = 0;
  double shock_sd = 0;
  double shock_freedom = 4;
  double owner_sd = 0;
  std::vector<OwnerEffect> owners;  ///< by leaf
  double new_factor = 1;            ///< new business won against expected, at earlier landmarks
  double new_sd = 0;
  std::vector<double> realised;  ///< amount won / amount at the landmark
};

/// Fits the kernel at the window's origin; with `adjust` also at up to eight earlier landmarks, each from
/// what was known then.
Lessons learn(const Facts& facts, const History& history, const Window& window, bool adjust,
              std::span<const Window> earlier, const Execution& execution);

/// Logit that stays finite.
double safe_logit(double p) noexcept;

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
