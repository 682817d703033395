// Draws of one period: open deals and those to come, by owner and leaf period.
#pragma once

#include <vector>

#include "learn.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

/// A deal that is open at the origin.
struct OpenDeal {
  std::size_t deal = 0;  ///< of the facts
  std::size_t curve = 0;
  double odds = 1;  ///< factor of the deal's own correction
};

/// Deals in one state with one time in it share their chance to win and its spread over the leaf periods.
struct Curve {
  std::size_t state = 0;
  std::size_t age = 0;
  std::vector<double> share;  ///< of wins in the period, cumulative by leaf period, ending with 1
};

struct Simulation {
  std::size_t draws = 0;
  std::size_t leaves = 0;
  std::size_t periods = 0;
  std::vector<std::int64_t> values;     ///< as ScenarioData lays them out
  std::vector<double> open_mean;        ///< by leaf
  std::vector<double> p_win, expected;  ///< by open deal
};

/// Amounts of won deals, those of deals that were won youngest first.
struct WonAmounts {
  std::vector<std::int64_t> values;
  /// By leaf period: how many were won no older than a deal not created before the origin can be then.
  std::vector<std::size_t> young;
};

/// What the draws are made from.
struct Plan {
  const Facts* facts = nullptr;
  const Lessons* lessons = nullptr;
  Window window;
  Grid grid;
  std::vector<int> marks;  ///< steps at the leaf periods' bounds, those before the origin cut to 0
  std::vector<Curve> curves;
  std::vector<OpenDeal> open;
  std::vector<double> new_wins;   ///< expected by leaf period
  std::vector<double> new_share;  ///< Dirichlet weights of the owners of new deals, by leaf
  WonAmounts amounts;             ///< for deals whose amount nobody knows
  std::vector<WonAmounts> owner_amounts;
  bool wins = false;  ///< count deals rather than amounts
  std::size_t draws = 0;
  std::uint64_t seed = 0;
};

/// Adds to `simulation.values` (which may hold what is already won).
void simulate(const Plan& plan, Simulation& simulation, const Execution& execution);

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
