/// @file simulate.hpp
/// Crowds of customers that behave as a lifetime model says: to try a plan on, and to test what was fitted.
///
/// | question                                             | here             |
/// |------------------------------------------------------|------------------|
/// | which purchases might such customers make            | `simulate`       |
/// | how much might they spend each                       | `simulate_spend` |
/// | how many of a cohort might renew                     | `simulate_contracts` |
///
/// Customer i draws from the stream (seed, keys[i]) alone, so it keeps its luck when others come and go, and
/// results are equal for any number of threads.
///
/// Errors: `UsageError` for parameters that are not above 0 (m: within its bounds), times that are negative
/// or not finite, and customers who would buy more than ten million times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "salesops/clv.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

struct SimulationOptions {
  std::uint64_t seed = 0;
  std::span<const std::uint64_t> keys = {};  ///< one a customer (`random::key_of`); empty = its position
  double horizon = 0;                        ///< goes on so long after T
  Execution execution = {};
};

/// One entry a customer.
struct Simulation {
  std::vector<double> x;    ///< repeat purchases in (0, T]
  std::vector<double> t_x;  ///< the last of them
  std::vector<double> T;
  std::vector<double> sum_log_gaps;  ///< Σ ln of the times between purchases
  std::vector<double> future;        ///< purchases in (T, T + horizon]
  std::vector<std::uint8_t> alive;   ///< 1 = has not left at T
  std::vector<double> times;         ///< of all repeat purchases in (0, T + horizon], customer by customer
  std::vector<std::size_t> first;    ///< where each one's times begin, and the end

  [[nodiscard]] RfmView view() const { return {x, t_x, T, {}, sum_log_gaps}; }
};

/// T[i] = how long customer i is seen since its first purchase, which counts as none.
[[nodiscard]] Simulation simulate(const NBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
[[nodiscard]] Simulation simulate(const BGNBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
[[nodiscard]] Simulation simulate(const MBGNBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
[[nodiscard]] Simulation simulate(const BGCNBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
[[nodiscard]] Simulation simulate(const MBGCNBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
[[nodiscard]] Simulation simulate(const ParetoNBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
[[nodiscard]] Simulation simulate(const SarmanovParetoNBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
[[nodiscard]] Simulation simulate(const GGompertzNBD& model, std::span<const double> T,
                                  const SimulationOptions& options = {});
/// T and horizon count opportunities, whole numbers.
[[nodiscard]] Simulation simulate(const BGBB& model, std::span<const double> T,
                                  const SimulationOptions& options = {});

/// Mean amount of each customer's `x` purchases; NaN for x = 0.
[[nodiscard]] std::vector<double> simulate_spend(const GammaGamma& model, std::span<const double> x,
                                                 const SimulationOptions& options = {});

/// `customers` of one start and how many are left after 0, 1, … `renewals` renewals. `keys` and `horizon` are
/// not used.
[[nodiscard]] ContractCohort simulate_contracts(const SBG& model, std::size_t customers, std::size_t renewals,
                                                const SimulationOptions& options = {});
[[nodiscard]] ContractCohort simulate_contracts(const BdW& model, std::size_t customers, std::size_t renewals,
                                                const SimulationOptions& options = {});

}  // namespace clv
}  // namespace v0
}  // namespace salesops
