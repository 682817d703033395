// What a state of RFM holds: the days of each customer, in order.
#pragma once

#include <algorithm>
#include <cstring>

#include "rfm_read.hpp"
#include "salesops/clv/rfm.hpp"

namespace salesops {
inline namespace v0 {
namespace clv_detail {

/// Marks, in the number of rows of a day, that one of them was negative.
inline constexpr std::uint32_t refund_bit = 0x80000000U;

[[nodiscard]] inline std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw UsageError("a customer's amounts sum beyond 64-bit minor units");
  return sum;
}

struct DayRange {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Columns of days: when, how much, how many rows.
struct DayRows {
  DayRows() = default;
  explicit DayRows(std::size_t n)
      : days(unset<std::int32_t>(n)),
        amounts(unset<std::int64_t>(n)),
        rows(unset<std::uint32_t>(n)),
        size(n) {}
  /// In memory that held so many keys before.
  DayRows(std::size_t n, Memory<std::uint64_t> keys, std::size_t held)
      : days(unset<std::int32_t>(n)),
        amounts(unset<std::int64_t>(n, std::move(keys), held)),
        rows(unset<std::uint32_t>(n)),
        size(n) {}

  Memory<std::int32_t> days;
  Memory<std::int64_t> amounts;
  Memory<std::uint32_t> rows;
  std::size_t size = 0;

  void put(std::size_t at, std::int32_t day, std::int64_t amount, std::uint32_t n) {
    days[at] = day;
    amounts[at] = amount;
    rows[at] = n;
  }
  void move(std::size_t from, std::size_t to, std::size_t n) {
    if (from == to || n == 0) return;
    std::memmove(days.get() + to, days.get() + from, n * sizeof(std::int32_t));
    std::memmove(amounts.get() + to, amounts.get() + from, n * sizeof(std::int64_t));
    std::memmove(rows.get() + to, rows.get() + from, n * sizeof(std::uint32_t));
  }
  /// Appends one customer's days out of two sources.
  void append_merged(const DayRows& a, DayRange in_a, const DayRows& b, DayRange in_b) {
    std::size_t i = in_a.first;
    std::size_t j = in_b.first;
    for (; i < in_a.last || j < in_b.last; ++size) {
      const bool from_a = i < in_a.last && (j == in_b.last || a.days[i] <= b.days[j]);
      const bool from_b = j < in_b.last && (i == in_a.last || b.days[j] <= a.days[i]);
      const std::int32_t day = from_a ? a.days[i] : b.days[j];
      const std::uint32_t n_a = from_a ? a.rows[i] : 0;
      const std::uint32_t n_b = from_b ? b.rows[j] : 0;
      const std::int64_t amount = add(from_a ? a.amounts[i] : 0, from_b ? b.amounts[j] : 0);
      put(size, day, amount, ((n_a & ~refund_bit) + (n_b & ~refund_bit)) | ((n_a | n_b) & refund_bit));
      i += from_a ? 1 : 0;
      j += from_b ? 1 : 0;
    }
  }
};

}  // namespace clv_detail

namespace clv {

struct RfmState::Data {
  Column customer;                        ///< ascending; text or int64
  std::vector<std::size_t> begins = {0};  ///< of each customer's days, and the end
  clv_detail::DayRows days;               ///< ascending within a customer
  bool by_minute = false;                 ///< the "days" are minutes of UTC
  bool has_amount = false;
  std::string currency;
  std::string zone;
  Issues issues;
  std::size_t batches = 0;

  [[nodiscard]] std::size_t customers() const noexcept { return begins.size() - 1; }
  [[nodiscard]] clv_detail::DayRange range(std::size_t i) const noexcept {
    return {begins[i], begins[i + 1]};
  }
  [[nodiscard]] std::int32_t a_day() const noexcept { return by_minute ? minutes_a_day : 1; }
  /// The number of the last day, or minute, that an end lets count.
  [[nodiscard]] std::int32_t number_of(RfmEnd end) const noexcept {
    if (!by_minute) return end.day.days;
    const std::int64_t minute = std::int64_t{end.day.days} * minutes_a_day + end.minute;
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(minute, clv_detail::first_minute, clv_detail::last_minute));
  }
  [[nodiscard]] RfmEnd end_of(std::int32_t number) const noexcept {
    if (!by_minute) return Date{number};
    const std::int32_t day = clv_detail::day_of_minute(number);
    return {Date{day}, number - day * minutes_a_day};
  }
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
