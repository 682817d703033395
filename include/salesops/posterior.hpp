/// @file posterior.hpp
/// Draws from a density that is known up to a constant, and how far they can be trusted.
///
/// | question                                              | here                    |
/// |-------------------------------------------------------|-------------------------|
/// | which parameters do data and beliefs leave plausible? | `draw`                  |
/// | have the chains met, and how many draws count?        | `diagnose`              |
///
/// `draw` is the no-U-turn sampler (Hoffman & Gelman 2014) as it is used today: multinomial choice along
/// the trajectory and the U-turn rule over sums of momenta with its two extra checks (Betancourt 2017),
/// step size by dual averaging, a dense metric learnt in the warm-up. Chains run in parallel; each is keyed
/// by (seed, chain, iteration), so the draws are the same to the bit on any number of threads.
///
/// `diagnose` follows Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021): rank-normalised split R-hat,
/// effective sample sizes of the bulk and of the tails. As a rule: R-hat up to 1.01 and 400 effective draws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "salesops/optimize.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace posterior {

struct Options {
  int chains = 4;
  int warmup = 500;         ///< iterations a chain before the first draw that counts
  int draws = 1000;         ///< a chain
  double acceptance = 0.8;  ///< wanted on average: nearer 1 takes shorter steps, for difficult corners
  int max_depth = 10;       ///< a trajectory has at most 2^max_depth steps
  std::uint64_t seed = 1;
  Execution execution = {};
};

struct Draws {
  std::size_t dimensions = 0;
  std::size_t chains = 0;
  std::size_t draws = 0;       ///< a chain
  std::vector<double> values;  ///< by chain, then draw, then dimension
  std::int64_t divergences =
      0;  ///< trajectories that left the energy they should keep: a corner was not entered
  std::int64_t cut_short = 0;  ///< trajectories that reached `max_depth`
  double acceptance = 0;       ///< mean, after the warm-up

  [[nodiscard]] double at(std::size_t chain, std::size_t draw, std::size_t dimension) const {
    return values[(chain * draws + draw) * dimensions + dimension];
  }
};

/// Draws from the density e^−energy(x). `energy` gives −ln density up to a constant, and its gradient; where
/// it is NaN or infinite the density is 0. It is called from several threads at once. `start` has positive
/// density; `covariance` (row by row) is a guess of that of x, the inverse Hessian at the mode for one; empty
/// stands for 1 in each direction. Chains start at random around `start`.
///
/// Throws `UsageError` for options out of range, a start without density, or a covariance that is none;
/// `Cancelled` when stopped.
[[nodiscard]] Draws draw(const optimize::Objective& energy, std::span<const double> start,
                         std::span<const double> covariance, const Options& options = {});

/// What draws say of one quantity.
struct Diagnosis {
  double mean = 0;
  double sd = 0;
  double r_hat = 0;           ///< 1 when all halves of all chains agree; NaN for one value throughout
  double ess_bulk = 0;        ///< effective draws for the middle
  double ess_tail = 0;        ///< effective draws for the 5 % and 95 % quantiles, the worse of both
  double standard_error = 0;  ///< of the mean: sd / √(effective draws of the mean)
};

/// `values` by chain, then draw: `chains` of equal length. Throws `UsageError` where a chain has fewer than
/// four draws.
[[nodiscard]] Diagnosis diagnose(std::span<const double> values, std::size_t chains);
/// The same for one dimension of `draws`.
[[nodiscard]] Diagnosis diagnose(const Draws& draws, std::size_t dimension);

}  // namespace posterior
}  // namespace v0
}  // namespace salesops
