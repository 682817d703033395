// What a state of subscriptions holds: who paid what from when to when.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../clv/clock.hpp"
#include "../clv/rfm_read.hpp"
#include "salesops/subscription/movements.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

inline constexpr std::int64_t open_end = INT64_MAX;
inline constexpr std::string_view table_name = "subscriptions";

inline constexpr std::int64_t no_name = INT64_MIN;

/// One price for one stretch of time. Trivial, so that millions need no filling before they are written.
struct Spell {
  std::int64_t begin;       ///< from here on it holds, in place of the version of its subscription before it
  std::int64_t start, end;  ///< paid for from start to end; what is free has no monthly amount
  std::int64_t monthly;     ///< minor units a month
  std::int64_t annual;      ///< minor units a year: exact where 12 × the rounded `monthly` isn't
  std::int64_t units;       ///< quantity in millionths
  std::int64_t subscription;  ///< the number itself, or a code of `State::Data::subscriptions`; or `no_name`
  std::int64_t plan;          ///< likewise
  std::int32_t currency;      ///< place in `State::Data::currencies`
  bool goes_on;               ///< its end is a change within a term: nothing is up for renewal

  friend bool operator==(const Spell&, const Spell&) = default;
};
/// A row that says nothing.
inline constexpr std::int64_t no_start = INT64_MIN;
[[nodiscard]] inline bool pays(const Spell& spell) noexcept {
  return spell.start != no_start && spell.annual != 0;
}

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
  clv_detail::Memory<subscription_detail::Spell> memory;
  std::span<const subscription_detail::Spell> spells;  ///< those that say nothing have `no_start`
  Names subscriptions, plans;
  std::vector<std::string> currencies;  ///< one empty text where none is named
  bool has_subscription = false, has_price = false, has_plan = false;
  subscription::Follow follow = subscription::Follow::customer;
  std::string customer_name = "customer";
  TimeZone zone;
  Issues issues;
  std::size_t batches = 0;
  std::size_t rows = 0;            ///< spells that say something
  std::int64_t first = INT64_MAX;  ///< start of all
  clv_detail::KnownUntil known_until;
  bool known_by_start = true;  ///< it is that of the latest start, not of a book

  [[nodiscard]] std::size_t customers() const noexcept { return begins.size() - 1; }
  [[nodiscard]] std::span<const subscription_detail::Spell> of(std::size_t i) const noexcept {
    return spells.subspan(begins[i], begins[i + 1] - begins[i]);
  }
};

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
