#include "cells.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace salesops {
inline namespace v0 {
namespace csv::detail {

namespace {

constexpr std::int64_t exact_in_double = std::int64_t{1} << 53;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Powers of ten that a double holds exactly.
constexpr auto exact_powers = [] {
  std::array<double, 23> powers{};
  double power = 1;
  for (double& entry : powers) {
    entry = power;
    power *= 10;
  }
  return powers;
}();

/// Any decimal number by the library's correctly rounded reader.
Number read_real(std::string_view text) noexcept {
  Number number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.real);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(number.real))
    number.kind = kind_real;
  return number;
}

Number read_integer(std::string_view text) noexcept {
  Number number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.integer);
  if (error == std::errc() && end == text.data() + text.size())
    number.kind = number.integer > exact_in_double || number.integer < -exact_in_double ? kind_big_integer
                                                                                        : kind_integer;
  return number;
}

}  // namespace

Type type_of(Kinds kinds) noexcept {
  const auto only = [&](int allowed) { return (kinds & ~allowed) == 0; };
  if (kinds == 0) return Type::string;
  if (only(kind_boolean)) return Type::boolean;
  if (only(kind_integer | kind_big_integer)) return Type::int64;
  if (only(kind_integer | kind_real)) return Type::float64;
  if (only(kind_date)) return Type::date;
  if (only(kind_date | kind_timestamp)) return Type::timestamp;
  return Type::string;
}

Number read_number(std::string_view text) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  const std::size_t first = negative ? 1 : 0;
  if (text.size() == first) return {};
  const bool zero = text[first] == '0';
  if (zero && text.size() > first + 1 && is_digit(text[first + 1])) return {};
  if (!is_digit(text[first]) && text[first] != '.') return {};

  std::int64_t digits = 0;
  std::size_t at = first;
  for (; at < text.size() && is_digit(text[at]) && at - first < 18; ++at)
    digits = digits * 10 + (text[at] - '0');
  if (at == text.size()) {
    if (negative && digits == 0) return {.kind = kind_real, .integer = 0, .real = -0.0};
    if (at - first <= 15) return {.kind = kind_integer, .integer = negative ? -digits : digits, .real = 0};
    return read_integer(text);
  }
  if (is_digit(text[at])) {
    const Number number = read_integer(text);
    return number.kind == kind_text && text.find_first_of(".eE") != std::string_view::npos ? read_real(text)
                                                                                           : number;
  }
  if (text[at] != '.') return read_real(text);
  const std::size_t point = at++;
  // A mantissa and a power of ten that are both exact give the correctly rounded quotient.
  for (; at < text.size() && is_digit(text[at]) && at - first <= 18; ++at)
    digits = digits * 10 + (text[at] - '0');
  const std::size_t decimals = at - point - 1;
  if (at != text.size() || decimals == 0 || digits > exact_in_double) return read_real(text);
  const double real = static_cast<double>(digits) / exact_powers[decimals];
  return {.kind = kind_real, .integer = 0, .real = negative ? -real : real};
}

std::optional<bool> read_boolean(std::string_view text) noexcept {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

Kind kind_of(std::string_view text) noexcept {
  const Number number = read_number(text);
  if (number.kind != kind_text) return number.kind;
  if (Date::parse(text)) return kind_date;
  if (Instant::parse(text)) return kind_timestamp;
  return read_boolean(text) ? kind_boolean : kind_text;
}

DecimalText read_decimal(std::string_view text, int scale) noexcept {
  const DecimalText no_number{.value = 0, .fault = DecimalFault::not_a_number};
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  int128 value = 0;
  int digits = 0;
  int decimals = -1;
  bool any = false;
  bool lost = false;
  for (const char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (!is_digit(c)) return no_number;
    any = true;
    if (decimals >= scale) {
      lost = lost || c != '0';
      continue;
    }
    if (decimals >= 0) ++decimals;
    if (value != 0 || c != '0') ++digits;
    if (digits > 38) return no_number;
    value = value * 10 + (c - '0');
  }
  if (!any) return no_number;
  for (int i = std::max(decimals, 0); i < scale; ++i) {
    if (value != 0 && ++digits > 38) return no_number;
    value *= 10;
  }
  if (lost) return {.value = 0, .fault = DecimalFault::too_many_decimals};
  return {.value = negative ? -value : value, .fault = DecimalFault::none};
}

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

std::string_view plain_number(std::string_view text) noexcept {
  text = trim(text);
  if (text.size() > 1 && text[0] == '+' && (is_digit(text[1]) || text[1] == '.')) text.remove_prefix(1);
  return text;
}

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
