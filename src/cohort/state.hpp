// What a state of cohorts holds: the events of each customer, in order of time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../clv/clock.hpp"
#include "salesops/clv/rfm.hpp"
#include "salesops/cohort/retention.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

inline constexpr std::uint8_t can_start = 1;
inline constexpr std::uint8_t is_return = 2;
inline constexpr std::uint8_t is_older = 4;  ///< tells that the customer is older than the log

[[nodiscard]] clv::RfmColumns amounts_of(const cohort::Columns& columns, const Table& events);
/// The boolean column so named, or null for an empty name.
[[nodiscard]] const Column* flag_of(const Table& events, const std::string& name);

/// Adds, and throws where the sum is beyond 64 bits.
[[nodiscard]] inline std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw UsageError("amounts sum beyond 64-bit minor units");
  return sum;
}

/// One event of a customer.
struct Event {
  std::int64_t at = 0;
  std::int64_t amount = 0;
  std::int32_t segment = -1;
  std::uint8_t flags = 0;
};

}  // namespace cohort_detail

namespace cohort {

struct State::Data {
  Column customer;                        ///< ascending; text or int64
  std::vector<std::size_t> begins = {0};  ///< of each customer's events, and the end
  std::vector<cohort_detail::Event> events;
  std::vector<std::string> segments;
  bool has_amount = false;
  std::string by;                      ///< the column of segments; empty without
  std::string start, returned, older;  ///< columns of the filters; empty without
  std::string currency;
  TimeZone zone;
  Issues issues;
  std::size_t batches = 0;
  Instant first{INT64_MAX};  ///< of all rows with a time
  clv_detail::KnownUntil until;

  [[nodiscard]] std::size_t customers() const noexcept { return begins.size() - 1; }
  [[nodiscard]] std::span<const cohort_detail::Event> of(std::size_t i) const noexcept {
    return std::span(events).subspan(begins[i], begins[i + 1] - begins[i]);
  }
};

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
