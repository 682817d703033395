/// Facts whose time nobody knows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
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

/// What an answer says of rows that their time leaves out; nothing where all rows are asked for.
inline std::string timeless_text(std::int64_t rows, Mode mode, bool all) {
  const std::string what = std::to_string(rows) + (rows == 1 ? " row has" : " rows have");
  if (mode == Mode::window_cohort || mode == Mode::survival)
    return rows == 0 ? "" : what + " an outcome at an unknown time, so at no age; left out";
  if (rows == 0 || all) return "";
  return what + " no time that would place " + (rows == 1 ? "it" : "them") + " in a period; left out of each";
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
