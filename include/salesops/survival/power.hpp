/// @file power.hpp
/// How many rows a comparison of two groups takes, before it begins.
///
/// | business question                                               | here          |
/// |-----------------------------------------------------------------|---------------|
/// | how many customers must try the new plan until we can tell?     | `sample_size` |
/// | would 200 a group have shown that churn falls by a third?       | `power`       |
///
/// Rows can't tell more than their events do. By the log-rank test, of hazards that keep a ratio θ and r
/// treated rows for each of control (Freedman 1982; as lifelines and R's `powerSurvEpi`):
///
///     √(r·events)·|θ − 1|/(r·θ + 1) = z(1 − α/2) + z(power),
///     events = treated·share + control·share.
///
/// Schoenfeld (1981) has |ln θ|·√(r/(1+r)²·events) on the left, which asks for fewer where θ is far from 1.
#pragma once

#include <cstdint>

namespace salesops {
inline namespace v0 {
namespace survival {

/// What two groups are expected to show.
struct Trial {
  double treated_share = 0;  ///< how much of the group will have had the event, 0 to 1
  double control_share = 0;
  double hazard_ratio = 1;  ///< of treated beside control; not 1
  double level = 95;        ///< percent; the test is two-sided, α = 1 − level/100
};

struct GroupSizes {
  std::int64_t treated = 0;
  std::int64_t control = 0;
};

/// Rows of each group with which the test shows a difference with chance `power`, rounded up; there are
/// `ratio` treated rows for each of control. Throws `UsageError` for shares, powers and ratios that can't be.
[[nodiscard]] GroupSizes sample_size(const Trial& trial, double power, double ratio = 1);

/// The chance that the test shows the difference with so many rows a group.
[[nodiscard]] double power(const Trial& trial, double n_treated, double n_control);

}  // namespace survival
}  // namespace v0
}  // namespace salesops
