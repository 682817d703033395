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

inline constexpr double year = 364;  ///< days, whole weeks

inline constexpr std::size_t feature_count = 8;
using Features = std::array<double, feature_count>;
/// Names of the correction's terms.
const std::array<const char*, feature_count>& feature_names();

/// What the correction knows of a deal: logit of the kernel's p first, then 1, age, close date, pushes,
/// amount.
Features features_of(const Facts& facts, const History& history, std::size_t deal, const Window& window,
                     double kernel_p);

/// Log-odds that are added to an owner's deals.
struct OwnerEffect {
  double mean = 0;
  double sd = 0;
};

struct NewBusiness {
  /// By pipeline: to be won within so many steps of being created.
  std::vector<std::vector<double>> chances;
  std::vector<double> won_by_step;  ///< expected wins from deals not yet created, by steps from the origin
  double per_week = 0;
};

/// Arrivals by level, trend and season; their chances by what became of recent ones, the kernel behind them.
NewBusiness new_business(const Facts& facts, const Window& window, const std::vector<double>& per_day);

/// Amounts won against the amounts the same deals had at a landmark, each as likely as that amount is large:
/// the mean is that of the money, and a placeholder of 1 that became a million says next to nothing of
/// others.
class Realised {
 public:
  void add(double expected, double won) {
    expected_ += expected;
    won_ += won;
    ratio_.push_back(won / expected);
    up_to_.push_back(expected_);
  }
  void add(const Realised& more);
  /// A ratio, by a uniform number of [0, 1); 1 where none was seen.
  [[nodiscard]] double at(double uniform) const;
  [[nodiscard]] double mean() const { return expected_ > 0 ? won_ / expected_ : 1; }

 private:
  std::vector<double> ratio_, up_to_;
  double expected_ = 0, won_ = 0;
};

struct Lessons {
  Rates rates;
  Features weight{1};  ///< of the correction; 1 for the kernel's logit, 0 for the others without landmarks
  bool corrected = false;
  int landmarks = 0;
  double shock_sd = 0;
  double shock_freedom = 4;
  double owner_sd = 0;
  std::vector<OwnerEffect> owners;  ///< by leaf
  double new_factor = 1;  ///< wins of the deals created after earlier landmarks against their chances
  double new_sd = 0;
  NewBusiness fresh;
  Realised realised;
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
