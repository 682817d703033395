// What a state of subscriptions holds: who paid what from when to when.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "salesops/subscription/movements.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

inline constexpr std::int64_t open_end = INT64_MAX;
inline constexpr std::string_view table_name = "subscriptions";

inline constexpr std::int64_t no_name = INT64_MIN;

/// One price for one stretch of time.
struct Spell {
  std::int64_t start = 0, end = open_end;
  std::int64_t monthly = 0;             ///< minor units
  std::int64_t units = 1'000'000;       ///< quantity in millionths
  std::int64_t subscription = no_name;  ///< the number itself, or a code of `State::Data::subscriptions`
  std::int64_t plan = no_name;          ///< likewise
  std::int32_t currency = 0;            ///< place in `State::Data::currencies`

  friend bool operator==(const Spell&, const Spell&) = default;
};

/// Adds, and throws where the sum is beyond 64 bits.
[[nodiscard]] inline std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw UsageError("recurring revenue sums beyond 64-bit minor units");
  return sum;
}
[[nodiscard]] inline std::int64_t subtract(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a, b, &difference))
    throw UsageError("recurring revenue sums beyond 64-bit minor units");
  return difference;
}

}  // namespace subscription_detail

namespace subscription {

struct State::Data {
  using Names =
      std::shared_ptr<const Dictionary>;  ///< null where codes are the numbers themselves, or absent

  Column customer;                        ///< ascending; text or int64
  std::vector<std::size_t> begins = {0};  ///< of each customer's spells, and the end
  std::vector<subscription_detail::Spell> spells;
  Names subscriptions, plans;
  std::vector<std::string> currencies;  ///< one empty text where none is named
  bool has_subscription = false, has_price = false, has_plan = false;
  subscription::Follow follow = subscription::Follow::customer;
  std::string customer_name = "customer";
  TimeZone zone;
  Issues issues;
  std::size_t batches = 0;
  std::int64_t first = INT64_MAX;        ///< start of all
  std::int64_t known_until = INT64_MIN;  ///< the end of the latest start: its instant, or its day, has passed

  [[nodiscard]] std::size_t customers() const noexcept { return begins.size() - 1; }
  [[nodiscard]] std::span<const subscription_detail::Spell> of(std::size_t i) const noexcept {
    return std::span(spells).subspan(begins[i], begins[i + 1] - begins[i]);
  }
};

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
