/// @file lifecycle.hpp
/// Every period's customers by where they come from: the movement of the active base.
///
///     new + returning + resurrecting + older = active
///     active(p) − active(p − 1) = new + resurrecting + older − dormant
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "salesops/cohort/retention.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort {

/// One entry a period of the calendar, from the first activity to `as_of`.
struct Lifecycle {
  Every every = Every::month;
  std::vector<std::string> periods;
  std::vector<Date> starts;                ///< of the periods, and the end of the last
  std::vector<std::int64_t> fresh;         ///< "new": never active before
  std::vector<std::int64_t> returning;     ///< active in the period before, too
  std::vector<std::int64_t> resurrecting;  ///< active earlier, not in the period before
  std::vector<std::int64_t> dormant;       ///< active in the period before, not in this one
  std::vector<std::int64_t> older;         ///< first seen here, but older than the log (`observed_from`)
  std::vector<std::int64_t> active;
  std::vector<CellState> state;  ///< in progress: dormant customers may still come
  std::string zone;
  Instant as_of;
  Issues issues;

  [[nodiscard]] Table to_table() const;
};

/// Of `options` the cut, activity, min_count, as_of, observed_from, max_cells and execution are heeded.
[[nodiscard]] Lifecycle lifecycle(const Table& events, const Columns& columns = {},
                                  const Options& options = {});
[[nodiscard]] Lifecycle lifecycle(const State& state, const Options& options = {});

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
