#include "numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

namespace {

constexpr int most_digits = 37;  // of 128 bits

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::optional<Decimal> decimal_of(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  constexpr double exact = 1e15;
  if (const double whole = std::nearbyint(value); whole == value && std::abs(whole) < exact)
    return Decimal{static_cast<std::int64_t>(whole), 0};
  // The nearest double of a number of hundredths reads back as that number.
  if (const double cents = std::nearbyint(value * 100); cents / 100 == value && std::abs(cents) < exact)
    return Decimal{static_cast<std::int64_t>(cents), -2};
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return detail::read_decimal({text.data(), static_cast<std::size_t>(end - text.data())});
}

template <class Work>
auto with_values(const Column& column, const Work& work) {
  switch (column.type()) {
    case Type::int8: return work(column.values<std::int8_t>());
    case Type::int16: return work(column.values<std::int16_t>());
    case Type::int32: return work(column.values<std::int32_t>());
    case Type::uint8: return work(column.values<std::uint8_t>());
    case Type::uint16: return work(column.values<std::uint16_t>());
    case Type::uint32: return work(column.values<std::uint32_t>());
    case Type::uint64: return work(column.values<std::uint64_t>());
    default: return work(column.values<std::int64_t>());
  }
}

/// number · 10^places; false beyond 128 bits.
bool scale(int128& number, int places) {
  if (number == 0) return true;
  if (places > most_digits) return false;
  return !__builtin_mul_overflow(number, detail::power_of_ten(places), &number);
}

}  // namespace

Numbers::Numbers(std::optional<Column> column, std::string name, std::int64_t otherwise)
    : column_(std::move(column)), name_(std::move(name)), otherwise_(otherwise) {
  if (!column_) return;
  switch (column_->type()) {
    case Type::boolean:
    case Type::date:
    case Type::timestamp:
      throw UsageError("column '" + name_ + "' holds " + std::string(type_name(column_->type())) +
                       ", not numbers");
    case Type::string:
      for (std::size_t code = 0; code < column_->dictionary().size(); ++code)
        texts_.push_back(detail::read_decimal(trimmed(column_->dictionary()[code])));
      break;
    case Type::float32:
    case Type::float64:
    case Type::decimal:
    case Type::money: break;
    default: whole_ = true;
  }
}

Numbers::Cell Numbers::read(std::size_t row, Decimal& number) const {
  if (!column_) {
    number = {otherwise_, 0};
    return Cell::good;
  }
  if (column_->is_null(row)) return Cell::missing;
  std::optional<Decimal> found;
  switch (column_->type()) {
    case Type::float64: found = decimal_of(column_->values<double>()[row]); break;
    case Type::float32: {
      std::array<char, 32> text{};
      const float value = column_->values<float>()[row];
      if (!std::isfinite(value)) return Cell::bad;
      const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
      found = detail::read_decimal({text.data(), static_cast<std::size_t>(end - text.data())});
      break;
    }
    case Type::decimal: found = Decimal{column_->values<Decimal128>()[row].value(), -column_->scale()}; break;
    case Type::string: {
      const auto code = static_cast<std::size_t>(column_->values<std::int32_t>()[row]);
      if (trimmed(column_->text(row)).empty()) return Cell::missing;
      found = texts_[code];
      break;
    }
    default: found = with_values(*column_, [&](auto values) { return Decimal{int128{values[row]}, 0}; });
  }
  if (!found) return Cell::bad;
  number = *found;
  return Cell::good;
}

std::optional<std::int64_t> monthly_minor(const Decimal& price, const Decimal& quantity,
                                          const Decimal& discount, int digits, Rate rate) {
  int128 top = 0, off = discount.mantissa;
  if (__builtin_mul_overflow(price.mantissa, quantity.mantissa, &top)) return std::nullopt;
  int exponent = price.exponent + quantity.exponent;
  if (off != 0) {
    const int least = std::min(exponent, discount.exponent);
    if (!scale(top, exponent - least) || !scale(off, discount.exponent - least)) return std::nullopt;
    exponent = least;
    if (__builtin_sub_overflow(top, off, &top)) return std::nullopt;
  }
  exponent += digits;
  int128 under = rate.denominator;
  if (top == 0) return 0;
  if (__builtin_mul_overflow(top, int128{rate.numerator}, &top)) return std::nullopt;
  if (exponent > 0 && !scale(top, exponent)) return std::nullopt;
  if (exponent >= 0 && under == 1) return detail::to_int64(top);
  if (exponent < -most_digits && top < detail::power_of_ten(most_digits) &&
      top > -detail::power_of_ten(most_digits))
    return 0;
  if (exponent < 0 && !scale(under, -exponent)) return std::nullopt;
  return detail::to_int64(money::divide(top, under, Rounding::half_even));
}

std::optional<std::int64_t> millionths(const Decimal& number) {
  return monthly_minor(number, {1, 0}, {}, 6, {1, 1});
}

std::optional<std::int64_t> whole(const Decimal& number) {
  if (number.exponent == 0) return detail::to_int64(number.mantissa);
  const auto scaled = millionths(number);
  if (!scaled || *scaled % 1'000'000 != 0) return std::nullopt;
  return *scaled / 1'000'000;
}

}  // namespace subscription_detail
}  // namespace v0
}  // namespace salesops
