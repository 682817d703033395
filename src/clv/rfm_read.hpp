// Columns of a table of transactions as keys that sort: customer above day.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "../table/memory.hpp"
#include "salesops/clv/rfm.hpp"

namespace salesops {
inline namespace v0 {
namespace clv_detail {

using detail::Memory;
using detail::unset;

inline constexpr std::size_t block_rows = std::size_t{1} << 17;
inline constexpr std::uint64_t left_out = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::int32_t no_day = std::numeric_limits<std::int32_t>::min();

/// Minutes that 32 bits and the calendar hold: to the year 6052.
inline constexpr std::int32_t first_minute = first_date.days * clv::minutes_a_day;
inline constexpr std::int32_t last_minute =
    (std::numeric_limits<std::int32_t>::max() / clv::minutes_a_day) * clv::minutes_a_day - 1;

[[nodiscard]] constexpr std::int32_t day_of_minute(std::int32_t minute) noexcept {
  return (minute - (minute < 0 ? clv::minutes_a_day - 1 : 0)) / clv::minutes_a_day;
}

/// Counts of rows with something wrong and the first of them, put together over the blocks.
class Flaws {
 public:
  void add(std::int64_t n, std::size_t first) {
    if (n == 0) return;
    const std::lock_guard lock(guard_);
    n_ += n;
    first_ = std::min(first_, first);
  }
  [[nodiscard]] std::int64_t n() const noexcept { return n_; }
  [[nodiscard]] std::size_t first() const noexcept { return first_; }
  void report(Issues& issues, const std::string& column, std::string_view rule,
              std::string_view table = "transactions") const {
    if (n_ > 0) issues.add_many(table, static_cast<std::int64_t>(first_), column, rule, n_);
  }

 private:
  std::mutex guard_;
  std::int64_t n_ = 0;
  std::size_t first_ = std::numeric_limits<std::size_t>::max();
};

/// Codes that ascend with the customers' names, or as they come: that needs no sorting.
enum class CodeOrder : std::uint8_t { by_name, any };

/// Customers as codes.
struct CustomerCodes {
  bool is_text = false;
  std::size_t codes = 0;               ///< all lie below
  std::int64_t base = 0;               ///< whole numbers in a narrow range: number − base
  std::vector<std::int64_t> numbers;   ///< else the distinct numbers, ascending
  std::vector<std::uint32_t> rank;     ///< of a dictionary's entry among the texts
  std::vector<std::uint32_t> by_rank;  ///< the reverse
  bool as_they_are = false;            ///< each text has its dictionary's code, so there are no ranks
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

// ---- the parts, for who reads rows its own way ----

/// The column of customers; whole numbers that passed through floats are whole again.
[[nodiscard]] Column customers_of(const Table& table, const std::string& name);
/// `UsageError` for a column that is neither text nor whole numbers. In `any` order the codes of numbers are
/// as dense as the rows are many.
[[nodiscard]] CustomerCodes codes_of(const Column& customers, const std::string& name,
                                     const Execution& execution, CodeOrder order = CodeOrder::by_name);
/// Writes the customers' codes of rows [first, last) into the upper half of keys[0 …]; null and blank names
/// are `left_out`.
void write_codes(const Column& customers, const CustomerCodes& codes, std::size_t first, std::size_t last,
                 std::uint64_t* keys, Flaws& nulls);

/// The codes of all rows as they lie in the column, less `base`; no rows where there may be nulls or blanks,
/// or where they don't lie so.
struct CodesInPlace {
  std::span<const std::uint32_t> codes;
  std::uint32_t base = 0;
};
[[nodiscard]] CodesInPlace codes_in_place(const Column& customers, const CustomerCodes& codes);

/// Amounts in minor units, block by block.
class Amounts {
 public:
  /// `UnitError` where the column's currency is not the one that `columns` names, `UsageError` for a column
  /// that holds no amounts.
  Amounts(const Column& column, const clv::RfmColumns& columns);
  [[nodiscard]] const std::string& currency() const noexcept { return currency_; }
  /// All rows as they lie, where they are minor units without a null; empty otherwise.
  [[nodiscard]] std::span<const std::int64_t> as_they_are() const noexcept { return plain_; }
  /// Rows [first, last) to out[0 …]; 0 under a null and what is no amount. `count` them as flaws.
  void write(std::size_t first, std::size_t last, std::int64_t* out, bool count = true);
  /// False where surely no row of [first, last) is below 0 minor units, with `zero_too` nor at 0.
  [[nodiscard]] bool may_be_low(std::size_t first, std::size_t last, bool zero_too) const;
  void report(Issues& issues) const;

 private:
  template <class Read>
  void each(std::size_t first, std::size_t last, std::int64_t* out, bool count, const Read& read);
  template <class Float>
  void write_floats(std::size_t first, std::size_t last, std::int64_t* out, bool count);

  const Column& column_;
  std::string name_;
  std::string currency_;
  int digits_ = 2;
  std::int64_t minor_per_major_ = 100;
  bool minor_units_ = false;
  std::span<const std::int64_t> plain_;
  std::vector<std::optional<money::MinorUnits>> texts_;
  Flaws nulls_, bad_, lost_;
};

}  // namespace clv_detail
}  // namespace v0
}  // namespace salesops
