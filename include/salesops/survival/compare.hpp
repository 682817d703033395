/// @file compare.hpp
/// Whether groups last equally long, and by how much they differ.
///
/// | business question                                                | here              |
/// |------------------------------------------------------------------|-------------------|
/// | do two segments last equally long?                               | `log_rank`        |
/// | how many months longer within the first twelve?                  | `rmst_difference` |
/// | is one outcome reached sooner in a group, the others competing?  | `gray_test`       |
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "salesops/survival/curves.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

/// One number against another, and how sure.
struct Contrast {
  double estimate = 0;
  double std_error = 0;  ///< of the difference, or of ln of the ratio
  double low = 0;
  double high = 0;
  double p_value = 1;  ///< two-sided, normal
};

struct RmstDifference {
  MeanEstimate first;
  MeanEstimate second;
  Contrast difference;  ///< first − second
  Contrast ratio;       ///< first / second; symmetric for its logarithm
};

/// How much longer the rows of one curve last than those of the other within `until`: difference and ratio of
/// restricted means (Uno et al. 2014). It needs no proportional hazards and reads in units of time. The
/// curves are of different rows. Nothing when `until` lies past the last duration of one that has not reached
/// 0.
[[nodiscard]] std::optional<RmstDifference> rmst_difference(const KaplanMeier& first,
                                                            const KaplanMeier& second, double until);

/// Weight of each event time in `log_rank`.
enum class RankWeight : std::uint8_t {
  log_rank,     ///< 1: best when hazards are proportional (Mantel 1966)
  wilcoxon,     ///< n: early differences (Gehan 1965, Breslow 1970)
  tarone_ware,  ///< √n (1977)
  peto,         ///< Π (1 − d/(n+1)) up to and with this time (Peto & Peto 1972, modified)
  g_rho,        ///< S^ρ (1 − S)^γ, S of all rows just before this time (Harrington & Fleming 1982, 1991)
};

/// Powers of `RankWeight::g_rho`, finite and at least 0: ρ looks at early differences, γ at late ones.
struct RankPowers {
  double rho = 1;
  double gamma = 0;
};

struct LogRank {
  double statistic = 0;  ///< χ²
  int degrees = 0;       ///< groups with something to expect, less one
  double p_value = 1;
  std::vector<double> observed;  ///< by group, unweighted
  std::vector<double> expected;  ///< by group, unweighted, if all lasted alike
};

/// Do the groups last equally long? `groups` holds codes 0 … k − 1. With `strata` they are compared within
/// each and what is found is added up; n and S of the weights are the stratum's. With fewer than two groups
/// that can differ: statistic 0, degrees 0, p 1. `powers` go with `g_rho`.
[[nodiscard]] LogRank log_rank(std::span<const double> durations, std::span<const std::uint8_t> events,
                               std::span<const std::uint32_t> groups, const Options& options = {},
                               RankWeight weight = RankWeight::log_rank, RankPowers powers = {},
                               std::span<const std::uint32_t> strata = {});

/// Do the groups reach the outcome `cause` alike, other outcomes competing? Gray's test (1988):
/// z = Σ w (d₁ₖ − Rₖ/R·d₁) with Rₖ = Yₖ(1 − F₁ₖ)/Sₖ just before each time, so rows that ended otherwise still
/// stand for those who never will, and w = (1 − F₁)^ρ. The variance is that of R's `cmprsk`: from the
/// incidence pooled over the groups, with factors for ties of either kind. At the last times of small samples
/// it takes such a factor below 0 and the pooled incidence beyond 1, and so does this; where that leaves no
/// variance the statistic is 0. Groups of which nothing is expected are left out, where `cmprsk` gives −1.
/// `events`: 0 = censored, else the code of the outcome; `expected` counts d₁·Rₖ/R. With `entry`, Yₖ are the
/// rows that have entered; `strata` are compared within.
[[nodiscard]] LogRank gray_test(std::span<const double> durations, std::span<const std::uint8_t> events,
                                std::span<const std::uint32_t> groups, std::uint8_t cause,
                                const Options& options = {}, double rho = 0,
                                std::span<const std::uint32_t> strata = {});

}  // namespace survival
}  // namespace v0
}  // namespace salesops
