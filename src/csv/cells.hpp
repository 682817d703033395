/// @file cells.hpp
/// A cell's text to a value: the grammars, and what kind of value a text is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace csv::detail {

/// Kinds of cells seen in a column; the column's type is a function of their union.
enum Kind : std::uint8_t {
  kind_boolean = 1,
  kind_integer = 2,
  kind_big_integer = 4,  ///< beyond 2^53: as a float it would lose digits
  kind_real = 8,
  kind_date = 16,
  kind_timestamp = 32,
  kind_text = 64,
};
using Kinds = std::uint8_t;

/// The narrowest type that holds all `kinds` without loss; string for none.
Type type_of(Kinds kinds) noexcept;
Kind kind_of(std::string_view text) noexcept;

struct Number {
  Kind kind = kind_text;  ///< integer, big integer, real, or text: no number
  std::int64_t integer = 0;
  double real = 0;

  [[nodiscard]] double value() const noexcept {
    return kind == kind_real ? real : static_cast<double>(integer);
  }
};

/// Decimal numbers as inference takes them: no plus sign, no leading zeros, no blanks, no NaN.
Number read_number(std::string_view text) noexcept;

/// true, True, TRUE, false, False, FALSE.
std::optional<bool> read_boolean(std::string_view text) noexcept;

enum class DecimalFault : std::uint8_t { none, not_a_number, too_many_decimals };

struct DecimalText {
  int128 value = 0;  ///< times 10^scale
  DecimalFault fault = DecimalFault::none;
};

/// An exact decimal number with at most `scale` decimals that are not zero and 38 digits in all.
DecimalText read_decimal(std::string_view text, int scale) noexcept;

/// Without blanks and tabs around it, and without a plus sign before a digit or point.
std::string_view plain_number(std::string_view text) noexcept;
std::string_view trim(std::string_view text) noexcept;

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
