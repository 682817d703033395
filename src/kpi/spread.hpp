/// Sums of whole numbers and of their squares: exact, so any split and any order give the same mean and
/// the same interval.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "salesops/money.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// low + high · 2¹²⁸: squares of amounts outgrow 128 bits.
struct WideSum {
  uint128 low = 0;
  std::int64_t high = 0;

  void add(uint128 x) noexcept {
    low += x;
    high += low < x ? 1 : 0;
  }
  WideSum& operator+=(const WideSum& other) noexcept {
    add(other.low);
    high += other.high;
    return *this;
  }
  WideSum& operator-=(const WideSum& other) noexcept {
    high -= other.high + (low < other.low ? 1 : 0);
    low -= other.low;
    return *this;
  }
  friend bool operator==(const WideSum&, const WideSum&) = default;
};

/// a · b.
inline WideSum product(uint128 a, uint128 b) noexcept {
  constexpr int half = 64;
  const uint128 a0 = static_cast<std::uint64_t>(a), a1 = a >> half;
  const uint128 b0 = static_cast<std::uint64_t>(b), b1 = b >> half;
  WideSum result{a0 * b0, static_cast<std::int64_t>(a1 * b1)};
  for (const uint128 middle : {a0 * b1, a1 * b0}) {
    result.add(middle << half);
    result.high += static_cast<std::int64_t>(middle >> half);
  }
  return result;
}

/// Count, sum and sum of squares of up to 2³¹ numbers of 64 bits (of many more of everyday size).
struct Spread {
  std::int64_t count = 0;
  int128 sum = 0;
  WideSum squares;

  void add(std::int64_t x) noexcept {
    ++count;
    sum += x;
    squares.add(static_cast<uint128>(static_cast<int128>(x) * x));
  }
  Spread& operator+=(const Spread& other) noexcept {
    count += other.count;
    sum += other.sum;
    squares += other.squares;
    return *this;
  }
  Spread& operator-=(const Spread& other) noexcept {
    count -= other.count;
    sum -= other.sum;
    squares -= other.squares;
    return *this;
  }
  friend bool operator==(const Spread&, const Spread&) = default;

  /// Mean of the numbers · scale.
  [[nodiscard]] std::optional<double> mean(double scale) const noexcept {
    if (count == 0) return std::nullopt;
    return static_cast<double>(sum) * scale / static_cast<double>(count);
  }
  /// Standard error of the mean · scale; nothing below two numbers.
  [[nodiscard]] std::optional<double> standard_error(double scale) const noexcept {
    if (count < 2) return std::nullopt;
    // n Σx² − (Σx)² is n(n − 1) times the variance; taken exactly, nothing cancels.
    const auto n = static_cast<uint128>(count);
    const auto magnitude = static_cast<uint128>(sum < 0 ? -sum : sum);
    WideSum centred = product(n, squares.low);
    centred.high += count * squares.high;
    centred -= product(magnitude, magnitude);
    const double whole =
        std::ldexp(static_cast<double>(centred.high), 128) + static_cast<double>(centred.low);
    const auto size = static_cast<double>(count);
    return std::sqrt(whole / (size * (size - 1)) / size) * scale;
  }
};

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
