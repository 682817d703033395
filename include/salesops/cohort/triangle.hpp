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
/// Greenwood's standard error and log-log intervals (Kaplan–Meier of the triangle).
[[nodiscard]] survival::KaplanMeier pooled_survival(const Triangle& triangle, double level = 95);

struct ProjectOptions {
  std::size_t periods = 12;  ///< ages beyond each cohort's last: the coming periods of the calendar
  double level = 80;
  int fans = 1000;  ///< triangles drawn from the fitted model and fitted again
  std::uint64_t seed = 0;
  bool sbg = true, bdw = true;  ///< models to fit; of two the one with the lower AIC projects
  double profile_level = 95;    ///< of the parameters' intervals; 0 = none
  Execution execution = {};
};

/// A fitted model and what it says. Fans are quantiles over the draws: parameters are refitted to triangles
/// drawn from the model, and customers leave by chance.
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
};
/// `UsageError` for a triangle without a renewal. Equal for any number of threads.
[[nodiscard]] Projection project(const Triangle& triangle, const ProjectOptions& options = {});

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
