// Intervals of covariates over time, checked before they are used.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "population.hpp"
#include "salesops/clv/dynamic.hpp"
#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Times are sums of floating-point lengths; nothing shorter is a contradiction.
constexpr double rounding = 1e-9;

inline void check_offsets(const std::string& what, std::span<const std::size_t> first, std::size_t customers,
                          std::size_t end) {
  if (first.size() != customers + 1 || first.front() != 0 || first.back() != end ||
      !std::is_sorted(first.begin(), first.end()))
    throw UsageError(what + " must begin at 0, rise, and end at " + std::to_string(end) + ", with " +
                     std::to_string(customers) + " + 1 entries");
}

/// Intervals rise and reach to `T` + `horizon`.
inline void check_intervals(const std::string& what, const DynamicCovariates& covariates,
                            std::span<const double> T, double horizon) {
  const auto& [first, until, values] = covariates;
  check_offsets(what + ": the covariates' first", first, T.size(), until.size());
  Complaints complaints(what, T.size());
  complaints.check("an interval ends where or before it begins", [&](std::size_t i) {
    double begin = 0;
    for (std::size_t j = first[i]; j < first[i + 1]; begin = until[j++])
      if (!(until[j] > begin && until[j] < special::infinity)) return true;
    return false;
  });
  complaints.check(horizon > 0 ? "the intervals end before T + horizon" : "the intervals end before T",
                   [&](std::size_t i) {
                     const double end = first[i] < first[i + 1] ? until[first[i + 1] - 1] : 0;
                     return end < (T[i] + horizon) * (1 - rounding);
                   });
  complaints.raise();
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
