// Columns of a table of transactions as keys that sort: customer above day.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

#include "salesops/clv/rfm.hpp"

namespace salesops {
inline namespace v0 {
namespace clv_detail {

struct Freed {
  void operator()(void* memory) const noexcept { std::free(memory); }
};
template <class T>
using Memory = std::unique_ptr<T[], Freed>;

/// Memory that is written before it is read, so that each thread touches its own part first; what is large
/// comes in large pages where the system has them, which saves time on millions of rows.
template <class T>
Memory<T> unset(std::size_t size) {
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>);
  constexpr std::size_t page = std::size_t{1} << 21;
  const std::size_t bytes = std::max<std::size_t>(size, 1) * sizeof(T);
  const bool large = bytes >= 4 * page;
  void* memory = large ? std::aligned_alloc(page, (bytes + page - 1) / page * page) : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  if (large) (void)::madvise(memory, bytes, MADV_HUGEPAGE);
  return Memory<T>(static_cast<T*>(memory));
}

inline constexpr std::size_t block_rows = std::size_t{1} << 17;
inline constexpr std::uint64_t left_out = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::int32_t no_day = std::numeric_limits<std::int32_t>::min();

/// Customers as codes that ascend with their names.
struct CustomerCodes {
  bool is_text = false;
  std::size_t codes = 0;               ///< all lie below
  std::int64_t base = 0;               ///< whole numbers in a narrow range: number − base
  std::vector<std::int64_t> numbers;   ///< else the distinct numbers, ascending
  std::vector<std::uint32_t> rank;     ///< of a dictionary's entry among the texts
  std::vector<std::uint32_t> by_rank;  ///< the reverse
  std::shared_ptr<const Dictionary> dictionary;

  /// The customers behind ascending codes.
  [[nodiscard]] Column names(std::span<const std::uint32_t> present) const;
};

/// One key a row: code · 2³² + (day + 2³¹), or `left_out`.
struct Transactions {
  std::size_t rows = 0;
  CustomerCodes customers;
  Memory<std::uint64_t> keys;
  std::span<const std::int64_t> amounts;  ///< minor units; 0 under a null
  std::int32_t first_day = 0;
  std::int32_t last_day = -1;  ///< before `first_day`: no row is left
  bool has_amount = false;
  std::string currency;
  Issues issues;

  std::shared_ptr<const void> amounts_owner;
};

[[nodiscard]] inline std::uint64_t key_of(std::uint32_t code, std::int32_t day) noexcept {
  return std::uint64_t{code} << 32 | (static_cast<std::uint32_t>(day) ^ 0x80000000U);
}
[[nodiscard]] inline std::uint32_t code_of(std::uint64_t key) noexcept {
  return static_cast<std::uint32_t>(key >> 32);
}
[[nodiscard]] inline std::int32_t day_of(std::uint64_t key) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(key) ^ 0x80000000U);
}

[[nodiscard]] Transactions read_transactions(const Table& table, const clv::RfmColumns& columns,
                                             const Execution& execution);

}  // namespace clv_detail
}  // namespace v0
}  // namespace salesops
