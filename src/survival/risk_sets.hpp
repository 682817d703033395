/// @file risk_sets.hpp
/// Rows of a proportional-hazards model in order, and its partial likelihood.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "../table/memory.hpp"
#include "salesops/survival/cox.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

inline Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

/// Value, slope and negative curvature of a log-likelihood.
struct Likelihood {
  double value = 0;
  Eigen::VectorXd gradient;
  Eigen::MatrixXd information;
};

/// What happens at one event time of a stratum. The last group of every stratum stands for its beginning and
/// has no deaths.
struct EventGroup {
  std::size_t end = 0;     ///< place after the last row whose duration reaches this time
  std::size_t late = 0;    ///< rows of `RiskSets::waiting` that have not entered by then
  std::size_t deaths = 0;  ///< the places before `end`
  double weight = 0;       ///< of the deaths
  std::size_t dying = 0;   ///< first piece of the deaths
  std::size_t pieces = 0;  ///< and the end of them, which is that of the group
  double time = 0;
  std::uint32_t stratum = 0;
};

/// Rows next to each other in one block and one group, all dying or none.
struct Piece {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Sums over the orders l = 0 … d−1 in which d tied deaths may have come, with c = 1/(S0 − f·D0) and f = l/d
/// (Efron), or one term of them all (Breslow), times the mean weight of the dying.
struct TieSums {
  double hazard = 0;            ///< Σ c
  double dying = 0;             ///< Σ (1−f) c: what the dying themselves have gone through
  double squares = 0;           ///< Σ c²
  double fractions = 0;         ///< Σ f c²
  double fraction_squares = 0;  ///< Σ f² c²
  double log_at_risk = 0;       ///< Σ ln(1/c)
};
TieSums tie_sums(double at_risk, double dying, const EventGroup& group, CoxTies ties);

/// Rows by stratum, then from the last duration to the first, the dying last among equals; columns centred
/// and of standard deviation 1.
class RiskSets {
 public:
  RiskSets(std::span<const double> durations, std::span<const std::uint8_t> events,
           const std::vector<Covariate>& covariates, const CoxOptions& options);

  using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t width = 0;             ///< columns, padded for kernels.hpp
  std::vector<std::uint32_t> order;  ///< row at each place
  Eigen::Map<const RowMatrix, Eigen::Unaligned, Eigen::OuterStride<>> x{nullptr, 0, 0,
                                                                        Eigen::OuterStride<>(0)};
  std::vector<double> weights;  ///< by place; empty = 1
  std::vector<EventGroup> groups;
  std::vector<std::uint32_t>
      waiting;  ///< places of late rows, by stratum, then from the last entry to the first
  std::vector<std::uint32_t> since;  ///< by place: first group at or before the entry; empty = none is late
  std::vector<std::size_t> stratum_starts;  ///< places, and the end
  std::vector<double> stratum_last;         ///< largest duration of each
  Eigen::VectorXd mean;
  Eigen::VectorXd scale;
  std::int64_t deaths = 0;

  /// Partial likelihood (Efron, Breslow) at `beta` of the centred and scaled columns. `group_weights`
  /// multiplies what each group adds (≥ 0; empty = 1).
  Likelihood evaluate(const Eigen::VectorXd& beta, std::span<const double> group_weights = {}) const;
  /// The discrete likelihood.
  Likelihood evaluate_exact(const Eigen::VectorXd& beta) const;
  /// Steps of evaluate_exact, times columns².
  [[nodiscard]] double cost_of_exact() const;

  /// Hazards by group at `beta`, cumulated from the beginning of the stratum.
  struct Hazards {
    std::vector<double> cumulative;
    std::vector<double> variance;
    RowMatrix drift;  ///< Σ dΛ·x̄
  };
  Hazards hazards(const Eigen::VectorXd& beta) const;
  /// Score residuals, a row of the data each, times its weight.
  RowMatrix score_residuals(const Eigen::VectorXd& beta) const;

 private:
  struct Pass;
  void put_in_order(std::span<const double> durations, std::span<const std::uint8_t> events,
                    const CoxOptions& options);
  void find_groups(std::span<const std::uint8_t> events);
  void find_entries(std::span<const double> entry);
  void gather(const std::vector<Covariate>& covariates, std::span<const std::uint8_t> events);
  void plan_blocks();
  void sum_blocks(Pass& pass, const Eigen::VectorXd& beta) const;
  void add_piece(const Pass& pass, std::size_t piece, Eigen::VectorXd& s1, double& s0) const;
  template <typename Visit>
  void walk(const Pass& pass, std::size_t block, const Visit& visit) const;

  [[nodiscard]] const double* row(std::size_t place) const { return x_.get() + place * width; }

  CoxTies ties_;
  Execution execution_;
  detail::Memory<double> x_;   ///< rows × width
  Eigen::VectorXd died_;       ///< Σ w·x of all deaths, padded
  LargeVector<double> times_;  ///< durations by place, until groups are found
  std::size_t block_rows_ = 4096;
  std::vector<std::size_t> first_group_;  ///< of each block: first group that ends after its first place
  std::vector<std::size_t> first_piece_;  ///< of each block, and the end
  std::vector<Piece> pieces_;
};

}  // namespace survival
}  // namespace v0
}  // namespace salesops
