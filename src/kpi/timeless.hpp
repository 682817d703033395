/// Facts whose time nobody knows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// The states of facts that may belong to any period, as nobody knows their time.
class Timeless {
 public:
  explicit Timeless(const Facts& facts) {
    constexpr std::string_view names[] = {"time_unknown", "entry_unknown", "no_creation_time"};
    for (std::size_t r = 0; r < facts.reasons.size(); ++r)
      if (std::find(std::begin(names), std::end(names), facts.reasons[r]) != std::end(names))
        states_ |= std::uint64_t{1} << (r + 2);
  }
  [[nodiscard]] bool operator()(std::uint8_t state) const noexcept { return ((states_ >> state) & 1U) != 0; }
  /// Whether the fact is told of in a period.
  [[nodiscard]] bool in(const Interval& period, std::int64_t at, std::uint8_t state) const noexcept {
    return at == null_value ? (*this)(state) : period.contains(Instant{at});
  }

 private:
  std::uint64_t states_ = 0;
};

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
