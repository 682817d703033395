// Rates between stages by time in stage, and what they say about winning by a day.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "facts.hpp"
#include "salesops/random.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

/// First days of the duration buckets: weeks 0, 1, 2, 3–4, 5–8, 9–13, 14–26, 27+.
inline constexpr std::array<double, 8> bucket_start{0, 7, 14, 21, 35, 63, 98, 189};
inline constexpr std::size_t bucket_count = bucket_start.size();
std::size_t bucket_of(double days) noexcept;

/// Moves and time at risk. Targets are the states, then won, then lost.
struct Counts {
  std::size_t states = 0;
  std::vector<double> days;   ///< [state][bucket]
  std::vector<double> moves;  ///< [state][bucket][target]

  [[nodiscard]] std::size_t targets() const noexcept { return states + 2; }
  [[nodiscard]] std::size_t cell(std::size_t state, std::size_t bucket) const noexcept {
    return state * bucket_count + bucket;
  }
  [[nodiscard]] double total(std::size_t target) const;
};

/// What was seen by day `cut`.
Counts count_moves(const Facts& facts, double cut);

/// Gamma distributions of the daily rates: shape[cell][target] / days[cell].
struct Rates {
  std::size_t states = 0;
  double kappa = 0;
  std::vector<double> shape, days;

  [[nodiscard]] std::size_t targets() const noexcept { return states + 2; }
  [[nodiscard]] std::vector<double> mean() const;
  [[nodiscard]] std::vector<double> drawn(random::Stream& stream) const;
};

Rates shrink(const Counts& counts);

/// P(won within n steps | state, steps spent in it), for the step numbers in `marks` (ascending).
struct WinTable {
  std::size_t states = 0;
  std::size_t ages = 0;  ///< steps in the state that are told apart; the last stands for all longer ones
  double step = 1;       ///< days
  std::vector<double> values;  ///< [mark][state][age]

  [[nodiscard]] double at(std::size_t mark, std::size_t state, std::size_t age) const noexcept {
    return values[(mark * states + state) * ages + age];
  }
  [[nodiscard]] std::size_t age_of(double days) const noexcept;
};

/// `per_day` as `Rates::mean` lays them out. Cost: steps × states × (ages + buckets × targets).
WinTable win_table(std::span<const double> per_day, std::size_t states, double step,
                   std::span<const int> marks);

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
