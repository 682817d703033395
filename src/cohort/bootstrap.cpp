// How sure money is: customers of each cohort are drawn again, with all their ages.
#include <algorithm>
#include <cmath>

#include "grid.hpp"
#include "salesops/random.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

using cohort::CellState;
using cohort::Measure;

namespace {

/// replicates × ages.
struct Draws {
  std::vector<double> over, under;
};

/// The cohort's numerators and denominators in each replicate.
void draw_cohort(const Lots& lots, const Plan& plan, std::size_t ages, std::uint64_t entity, double per_major,
                 Draws& draws) {
  const auto customers = static_cast<std::int64_t>(lots.begins.size()) - 1;
  const auto replicates = static_cast<std::size_t>(plan.options.replicates);
  const Measure measure = plan.options.measure;
  const bool of_first = measure == Measure::nrr || is_gross(measure);
  const double unit = is_money(measure) ? per_major : 1;
  constexpr std::size_t block = 16;
  for_rows(replicates, block, plan.options.execution, [&](std::size_t first, std::size_t last) {
    std::vector<double> value(ages), base(ages);
    for (std::size_t r = first; r < last; ++r) {
      std::fill(value.begin(), value.end(), 0.0);
      std::fill(base.begin(), base.end(), 0.0);
      random::Stream stream(plan.options.seed, entity, random::purpose("cohort"),
                            static_cast<std::uint32_t>(r));
      for (std::int64_t i = 0; i < customers; ++i) {
        tick(static_cast<std::size_t>(i));
        const auto one = static_cast<std::size_t>(stream.integer(0, customers - 1));
        for (std::size_t j = lots.begins[one]; j < lots.begins[one + 1]; ++j) {
          value[lots.lots[j].age] += static_cast<double>(lots.lots[j].value);
          base[lots.lots[j].age] += lots.lots[j].base;
        }
      }
      double through = 0;
      for (std::size_t k = 0; k < ages; ++k) {
        through += value[k];
        draws.over[r * ages + k] = (measure == Measure::ltv ? through : value[k]) / unit;
        draws.under[r * ages + k] = of_first                   ? value[0] / unit
                                    : measure == Measure::mean ? base[k]
                                    : measure == Measure::sum || measure == Measure::count
                                        ? 1
                                        : static_cast<double>(customers);
      }
    }
  });
}

/// Ends of the middle `level` percent of the replicates with a denominator.
std::pair<double, double> percentiles(const Draws& draws, std::size_t ages, std::size_t age, double level) {
  std::vector<double> values;
  for (std::size_t i = age; i < draws.over.size(); i += ages)
    if (draws.under[i] > 0) values.push_back(draws.over[i] / draws.under[i]);
  if (values.empty()) return {special::not_a_number, special::not_a_number};
  const double tail = 0.5 - level / 200;
  const double probabilities[] = {tail, 1 - tail};
  const auto ends = stats::quantiles(values, probabilities);
  return {ends[0], ends[1]};
}

}  // namespace

Bootstrapped bootstrap(const Sums& sums, const Plan& plan, const std::vector<Lots>& lots,
                       double minor_per_major) {
  const auto replicates = static_cast<std::size_t>(plan.options.replicates);
  Bootstrapped found;
  found.low.assign(sums.n.size(), special::not_a_number);
  found.high = found.low;
  found.pooled_low.assign(sums.segments * sums.ages, special::not_a_number);
  found.pooled_high = found.pooled_low;
  Draws draws;
  draws.over.resize(replicates * sums.ages);
  draws.under.resize(replicates * sums.ages);
  for (std::size_t s = 0; s < sums.segments; ++s) {
    Draws pooled;
    pooled.over.assign(replicates * sums.ages, 0);
    pooled.under = pooled.over;
    for (std::size_t c = 0; c < sums.cohorts; ++c) {
      const Lots& mine = lots[s * sums.cohorts + c];
      if (mine.begins.size() < 2) continue;
      draw_cohort(mine, plan, sums.ages, random::key_of(s, c), minor_per_major, draws);
      for (std::size_t k = 0; k < sums.ages; ++k) {
        const CellState state = state_of(sums, plan, s, c, k);
        if (state == CellState::unobserved) continue;
        const auto [low, high] = percentiles(draws, sums.ages, k, plan.options.level);
        found.low[sums.row(s, c) + k] = low;
        found.high[sums.row(s, c) + k] = high;
        if (state == CellState::in_progress) continue;
        for (std::size_t i = k; i < draws.over.size(); i += sums.ages) {
          pooled.over[i] += draws.over[i];
          pooled.under[i] += draws.under[i];
        }
      }
    }
    for (std::size_t k = 0; k < sums.ages; ++k) {
      const auto [low, high] = percentiles(pooled, sums.ages, k, plan.options.level);
      found.pooled_low[s * sums.ages + k] = low;
      found.pooled_high[s * sums.ages + k] = high;
    }
  }
  return found;
}

}  // namespace cohort_detail
}  // namespace v0
}  // namespace salesops
