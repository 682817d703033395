/// @file triangle.hpp
/// Contracts that are renewed or end for good: the curve behind a ragged triangle, and where it leads.
///
/// A triangle is one list a cohort: customers left after 0, 1, 2, … renewals. Cohorts end at different ages.
/// Customers don't come back: a list that rises is a `UsageError`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salesops/clv/fit.hpp"
#include "salesops/parallel.hpp"
#include "salesops/survival.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort {

using Triangle = std::vector<std::vector<double>>;

/// Share left after each age: the product of the one-step ratios over the cohorts that have both cells, with
/// Greenwood's standard error and log-log intervals (Kaplan–Meier of the triangle). Where nobody has left
/// yet, or nobody is left, Clopper and Pearson's bound of the customers whose cohort has reached the age.
[[nodiscard]] survival::KaplanMeier pooled_survival(const Triangle& triangle, double level = 95);

/// Where the parameters of a fan's draws come from.
enum class FanKind : std::uint8_t {
  /// How plausible the triangle makes them, of two models each as often as Akaike's weights have it. Before
  /// the
  /// triangle the mean chance to leave, α/(α+β), is uniform, ln(α+β) normal(2, 2) and ln c normal(0, ½): weak
  /// beliefs, which give a width to fans of few customers or where nobody has left.
  posterior,
  /// The parametric bootstrap: the chosen model, fitted again to triangles drawn from it. As wide where the
  /// triangle says much; too narrow for few customers, and refused where nobody has left.
  bootstrap,
};

struct ProjectOptions {
  std::size_t periods = 12;  ///< ages beyond each cohort's last: the coming periods of the calendar
  double level = 80;
  int fans = 1000;  ///< draws of the parameters, and of who leaves
  FanKind fan = FanKind::posterior;
  std::uint64_t seed = 0;
  bool sbg = true, bdw = true;  ///< models to fit; of two the one with the lower AIC projects
  double profile_level = 95;    ///< of the parameters' intervals; 0 = none
  Execution execution = {};
};

/// A fitted model and what it says. Fans are quantiles over the draws, of parameters by `FanKind` and of
/// customers who leave by chance. A fan holds its estimate.
struct Projection {
  std::optional<clv::Fit<clv::SBG>> sbg;
  std::optional<clv::Fit<clv::BdW>> bdw;
  std::string model;  ///< "sBG" or "BdW"
  double level = 80;
  int fans = 0;
  /// Share of new customers left at age 0 … oldest + periods: expected, and the fan of the parameters.
  std::vector<double> survival, low, high;
  /// Each cohort's customers left, as seen and then for the periods ahead; known ages are alike in all three.
  Triangle left, left_low, left_high;
  /// Customers left of all cohorts together: now, and after 1, 2, … periods. The ends are of the total in
  /// each draw, which is less wide than the sums of the cohorts' ends.
  std::vector<double> total, total_low, total_high;
};
/// `UsageError` for a triangle without a renewal. Equal for any number of threads.
[[nodiscard]] Projection project(const Triangle& triangle, const ProjectOptions& options = {});

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
