/// @file money.hpp
/// Exact amounts: int64 minor units of an ISO 4217 currency.
///
/// No binary float takes part in a sum, a product or a split. `Rate` is an exact fraction, products are
/// taken in 128 bits and rounded once by a named mode, and a split always sums to the whole. A float
/// enters in one place (`money::from_double`), through its shortest decimal form.
///
/// What can overflow throws `UsageError` as an operator and gives nothing as a `noexcept` function in
/// namespace `money`. Amounts of two currencies in one operation throw `UnitError`.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

/// How a result between two minor units is rounded. "Up" is away from zero and "down" towards zero, so
/// a refund rounds as its sale did; `floor` and `ceiling` follow the number line.
enum class Rounding { half_even, half_up, half_down, down, up, floor, ceiling };

/// A currency of ISO 4217: its three letters and the digits of its minor unit in one integer.
///
/// Known are the codes of list one (including funds, metals and XXX) and the codes withdrawn since
/// 2023, which old deals still bear: ANG, BGN, CUC, HRK, SLL, ZWL. Where the standard names no minor
/// unit (XXX "no currency", XTS, XAU and the other metals and units of account) two digits are used, so
/// that amounts without a currency keep their cents.
struct Currency {
  /// `exponent << 24 | letters`; equal for equal currencies, so it may serve as a key.
  std::uint32_t packed = 0x02585858;  // XXX

  /// Nothing for a text that isn't one of the codes, in capitals.
  static constexpr std::optional<Currency> find(std::string_view code) noexcept;
  /// Throws `UsageError` where `find` gives nothing.
  static constexpr Currency from(std::string_view code);

  /// Digits after the decimal point: 0, 2, 3 or 4.
  [[nodiscard]] constexpr int exponent() const noexcept { return static_cast<int>(packed >> 24); }
  /// Minor units in one major unit: 1, 100, 1000 or 10000.
  [[nodiscard]] constexpr std::int64_t minor_per_major() const noexcept;
  [[nodiscard]] std::string code() const {
    return {static_cast<char>(packed >> 16 & 255), static_cast<char>(packed >> 8 & 255),
            static_cast<char>(packed & 255)};
  }

  friend constexpr bool operator==(Currency, Currency) = default;
};

/// An exact factor: a fraction in lowest terms with a positive denominator.
struct Rate {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;

  /// Throws `UsageError` for a denominator of zero.
  static constexpr Rate ratio(std::int64_t numerator, std::int64_t denominator);
  /// `"0.075"`, `"7.5%"`, `"-1.25"`, `"1/3"`; nothing for any other text or more than 18 digits.
  static constexpr std::optional<Rate> parse(std::string_view text) noexcept;
  /// Parts in a million.
  static constexpr Rate ppm(std::int64_t parts) { return ratio(parts, 1'000'000); }

  /// `"3/40"`, or `"2"` for a whole number.
  [[nodiscard]] std::string to_string() const {
    return std::to_string(numerator) + (denominator == 1 ? "" : "/" + std::to_string(denominator));
  }
  [[nodiscard]] constexpr double to_double() const noexcept {
    return static_cast<double>(numerator) / static_cast<double>(denominator);
  }

  friend constexpr bool operator==(Rate, Rate) = default;
  friend constexpr std::strong_ordering operator<=>(Rate a, Rate b) noexcept {
    const int128 left = static_cast<int128>(a.numerator) * b.denominator;
    const int128 right = static_cast<int128>(b.numerator) * a.denominator;
    return left < right   ? std::strong_ordering::less
           : left > right ? std::strong_ordering::greater
                          : std::strong_ordering::equal;
  }
};

/// An amount of one currency. Sums, differences and comparisons need the same currency (`UnitError`).
struct Money {
  std::int64_t minor = 0;
  Currency currency;

  /// `"1234.56"`, `"-7"`: a sign, digits and a point. Throws `UsageError` for any other text, for more
  /// decimals than the currency has (zeros may follow), and beyond int64.
  static Money parse(std::string_view text, Currency currency);
  /// `major` whole units.
  static Money whole(std::int64_t major, Currency currency);

  /// The amount without its currency: `"-1234.56"`.
  [[nodiscard]] std::string amount_text() const;
  /// `"-1234.56 EUR"`.
  [[nodiscard]] std::string to_string() const { return amount_text() + " " + currency.code(); }
  /// Major units, rounded to the nearest double: for statistics and charts, never for payments.
  [[nodiscard]] double to_double() const noexcept {
    return static_cast<double>(minor) / static_cast<double>(currency.minor_per_major());
  }
  /// amount × rate, rounded once.
  [[nodiscard]] Money times(Rate rate, Rounding rounding = Rounding::half_even) const;
  /// amount × rate in another currency (`rate` = major units of `to` for one major unit of this one).
  [[nodiscard]] Money convert(Currency to, Rate rate, Rounding rounding = Rounding::half_even) const;

  friend bool operator==(Money a, Money b);
  friend std::strong_ordering operator<=>(Money a, Money b);
  friend Money operator+(Money a, Money b);
  friend Money operator-(Money a, Money b);
  friend Money operator-(Money a);
  template <std::integral Integer>
  friend Money operator*(Money a, Integer n) {
    return a.times(Rate::ratio(n, 1));
  }
  Money& operator+=(Money other) { return *this = *this + other; }
  Money& operator-=(Money other) { return *this = *this - other; }
};

namespace money {

/// What a number became as minor units, and whether a digit other than zero was rounded away.
struct MinorUnits {
  std::int64_t minor = 0;
  bool digit_lost = false;
};

/// Numerator / denominator to a whole number. The denominator is positive.
constexpr int128 divide(int128 numerator, int128 denominator, Rounding rounding) noexcept;
/// minor × rate, rounded once; nothing beyond int64.
constexpr std::optional<std::int64_t> multiply(std::int64_t minor, Rate rate,
                                               Rounding rounding = Rounding::half_even) noexcept;
/// a + b; nothing beyond int64.
constexpr std::optional<std::int64_t> add(std::int64_t a, std::int64_t b) noexcept;
/// Digits of the minor unit of a currency code; two, as of XXX, where the code isn't known.
constexpr int minor_digits(std::string_view code) noexcept;
/// Decimal text (`-12`, `12.345`, `.5`, `1e3`) to minor units, rounded once; nothing for other text or
/// beyond int64.
constexpr std::optional<MinorUnits> from_text(std::string_view text, Currency currency,
                                              Rounding rounding = Rounding::half_even) noexcept;
/// The same in units of 10^-digits, 0 to 18.
constexpr std::optional<MinorUnits> from_text(std::string_view text, int digits,
                                              Rounding rounding = Rounding::half_even) noexcept;
/// The shortest decimal that reads back as `value`, to minor units, rounded once: 2.675 in EUR is
/// 2.675, a tie, so 2.68 half-even, though its double lies below. Nothing for NaN, infinities and
/// beyond int64.
inline std::optional<MinorUnits> from_double(double value, Currency currency,
                                             Rounding rounding = Rounding::half_even) noexcept;
/// The same in units of 10^-digits, 0 to 18.
inline std::optional<MinorUnits> from_double(double value, int digits,
                                             Rounding rounding = Rounding::half_even) noexcept;

/// Shares of `amount` in proportion to `weights` that sum to it exactly.
///
/// Largest remainder (Hamilton): everyone gets the share cut down to a minor unit, the units left over
/// go one each to the largest remainders, ties to the lowest index. Shares of −x are the negated shares
/// of x. Weights are not negative and not all zero (`UsageError`). O(n).
inline std::vector<std::int64_t> split(std::int64_t amount, std::span<const std::int64_t> weights);
/// The same in equal parts, the first ones larger by one unit where it doesn't go even.
inline std::vector<std::int64_t> split(std::int64_t amount, std::size_t parts);
/// The same by exact shares, such as 33.33 %, 33.33 % and 33.34 %; they must sum to 1 (`UsageError`).
inline std::vector<std::int64_t> split(std::int64_t amount, std::span<const Rate> shares);

}  // namespace money

// ---- inline definitions ----

namespace detail {

inline constexpr std::string_view currencies_0 = "BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPF";
inline constexpr std::string_view currencies_2 =
    "AEDAFNALLAMDANGAOAARSAUDAWGAZNBAMBBDBDTBGNBMDBNDBOBBOVBRLBSDBTNBWPBYNBZDCADCDFCHECHFCHWCNYCOPCOUCRC"
    "CUCCUPCVECZKDKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGTQGYDHKDHNLHRKHTGHUFIDRILSINRIRRJMDKESKGSKHRKPW"
    "KYDKZTLAKLBPLKRLRDLSLMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMXVMYRMZNNADNGNNIONOKNPRNZDPABPENPGKPHPPKRPLN"
    "QARRONRSDRUBSARSBDSCRSDGSEKSGDSHPSLESLLSOSSRDSSPSTNSVCSYPSZLTHBTJSTMTTOPTRYTTDTWDTZSUAHUSDUSNUYUUZSVED"
    "VESWSTXADXAGXAUXBAXBBXBCXBDXCDXCGXDRXPDXPTXSUXTSXUAXXXYERZARZMWZWGZWL";
inline constexpr std::string_view currencies_3 = "BHDIQDJODKWDLYDOMRTND";
inline constexpr std::string_view currencies_4 = "CLFUYW";

constexpr bool lists_currency(std::string_view list, std::string_view code) noexcept {
  for (std::size_t i = 0; i < list.size(); i += 3)
    if (list.substr(i, 3) == code) return true;
  return false;
}

constexpr std::optional<std::int64_t> to_int64(int128 value) noexcept {
  if (value < std::numeric_limits<std::int64_t>::min() || value > std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  return static_cast<std::int64_t>(value);
}

constexpr int128 power_of_ten(int exponent) noexcept {
  int128 power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

/// A decimal number as mantissa × 10^exponent. The mantissa has at most 30 digits; digits beyond them
/// live on as one last digit 1, which keeps every comparison with a tie right.
struct Decimal {
  int128 mantissa = 0;
  int exponent = 0;
};

constexpr std::optional<Decimal> read_decimal(std::string_view text) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  constexpr int128 full = power_of_ten(29);
  Decimal number;
  bool digits = false, point = false, beyond = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point) {
      point = true;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') break;
    digits = true;
    if (number.mantissa < full) {
      number.mantissa = number.mantissa * 10 + (text[i] - '0');
      number.exponent -= point ? 1 : 0;
    } else {
      beyond = beyond || text[i] != '0';
      number.exponent += point ? 0 : 1;
    }
  }
  if (!digits || text.size() > 4096) return std::nullopt;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    text.remove_prefix(i + 1);
    const bool small = !text.empty() && text.front() == '-';
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    if (text.empty() || text.size() > 4) return std::nullopt;
    int power = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      power = power * 10 + (c - '0');
    }
    number.exponent += small ? -power : power;
  }
  if (beyond) {
    number.mantissa = number.mantissa * 10 + 1;
    --number.exponent;
  }
  if (negative) number.mantissa = -number.mantissa;
  return number;
}

inline Money same_currency(Money a, Money b, std::optional<std::int64_t> minor) {
  if (a.currency != b.currency)
    throw UnitError("amounts of " + a.currency.code() + " and " + b.currency.code() +
                    " in one operation; convert one of them first (Money::convert with a rate)");
  if (!minor) throw UsageError("the amount in " + a.currency.code() + " goes beyond 64-bit minor units");
  return {*minor, a.currency};
}

}  // namespace detail

constexpr std::optional<Currency> Currency::find(std::string_view code) noexcept {
  if (code.size() != 3) return std::nullopt;
  const std::uint32_t exponent = detail::lists_currency(detail::currencies_2, code)   ? 2
                                 : detail::lists_currency(detail::currencies_0, code) ? 0
                                 : detail::lists_currency(detail::currencies_3, code) ? 3
                                 : detail::lists_currency(detail::currencies_4, code) ? 4
                                                                                      : 255;
  if (exponent == 255) return std::nullopt;
  const auto letter = [&](std::size_t i) { return static_cast<std::uint32_t>(code[i]); };
  return Currency{exponent << 24 | letter(0) << 16 | letter(1) << 8 | letter(2)};
}

constexpr Currency Currency::from(std::string_view code) {
  if (const auto currency = find(code)) return *currency;
  throw UsageError("\"" + std::string(code.substr(0, 16)) +
                   "\" is no currency code of ISO 4217; use three capitals such as EUR, or XXX for none");
}

constexpr std::int64_t Currency::minor_per_major() const noexcept {
  return static_cast<std::int64_t>(detail::power_of_ten(exponent()));
}

constexpr Rate Rate::ratio(std::int64_t numerator, std::int64_t denominator) {
  if (denominator == 0) throw UsageError("a rate can't have the denominator 0");
  int128 over = numerator;
  int128 under = denominator;
  int128 a = over < 0 ? -over : over;
  int128 b = under < 0 ? -under : under;
  while (b != 0) {
    const int128 rest = a % b;
    a = b;
    b = rest;
  }
  over /= under < 0 ? -a : a;
  under /= under < 0 ? -a : a;
  const auto top = detail::to_int64(over);
  const auto bottom = detail::to_int64(under);
  if (!top || !bottom) throw UsageError("a rate needs 64-bit numerator and denominator");
  return {*top, *bottom};
}

constexpr std::optional<Rate> Rate::parse(std::string_view text) noexcept {
  int128 numerator = 0;
  int128 denominator = 1;
  const auto scale = [&](std::string_view part) -> bool {
    const auto number = detail::read_decimal(part);
    if (!number || number->exponent > 18 || number->exponent < -18) return false;
    if (number->mantissa > detail::power_of_ten(18) || number->mantissa < -detail::power_of_ten(18))
      return false;
    numerator = number->mantissa * detail::power_of_ten(std::max(number->exponent, 0));
    denominator = detail::power_of_ten(std::max(-number->exponent, 0));
    return true;
  };
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    if (!scale(text.substr(slash + 1)) || numerator <= 0 || denominator != 1) return std::nullopt;
    const int128 under = numerator;
    if (!scale(text.substr(0, slash)) || denominator != 1) return std::nullopt;
    denominator = under;
  } else {
    const bool percent = !text.empty() && text.back() == '%';
    if (!scale(percent ? text.substr(0, text.size() - 1) : text)) return std::nullopt;
    if (percent) denominator *= 100;
  }
  // Drop common tens first: "0.500000000000000000%" has a small fraction though a long denominator.
  while (numerator % 10 == 0 && denominator % 10 == 0) {
    numerator /= 10;
    denominator /= 10;
  }
  const auto top = detail::to_int64(numerator);
  const auto bottom = detail::to_int64(denominator);
  if (!top || !bottom) return std::nullopt;
  return ratio(*top, *bottom);
}

namespace money {

constexpr int128 divide(int128 numerator, int128 denominator, Rounding rounding) noexcept {
  const int128 quotient = numerator / denominator;
  const int128 rest = numerator % denominator;
  if (rest == 0) return quotient;
  const int128 away = numerator < 0 ? quotient - 1 : quotient + 1;
  const int128 size = rest < 0 ? -rest : rest;
  const int128 missing = denominator - size;
  switch (rounding) {
    case Rounding::down: return quotient;
    case Rounding::up: return away;
    case Rounding::floor: return numerator < 0 ? away : quotient;
    case Rounding::ceiling: return numerator < 0 ? quotient : away;
    case Rounding::half_up: return size >= missing ? away : quotient;
    case Rounding::half_down: return size > missing ? away : quotient;
    case Rounding::half_even: break;
  }
  if (size == missing) return quotient % 2 == 0 ? quotient : away;
  return size > missing ? away : quotient;
}

constexpr std::optional<std::int64_t> multiply(std::int64_t minor, Rate rate, Rounding rounding) noexcept {
  return detail::to_int64(divide(static_cast<int128>(minor) * rate.numerator, rate.denominator, rounding));
}

constexpr std::optional<std::int64_t> add(std::int64_t a, std::int64_t b) noexcept {
  return detail::to_int64(static_cast<int128>(a) + b);
}

constexpr int minor_digits(std::string_view code) noexcept {
  return Currency::find(code).value_or(Currency{}).exponent();
}

constexpr std::optional<MinorUnits> from_text(std::string_view text, Currency currency,
                                              Rounding rounding) noexcept {
  return from_text(text, currency.exponent(), rounding);
}

constexpr std::optional<MinorUnits> from_text(std::string_view text, int digits, Rounding rounding) noexcept {
  const auto number = detail::read_decimal(text);
  if (!number) return std::nullopt;
  if (number->mantissa == 0) return MinorUnits{};
  const int shift = number->exponent + digits;
  if (shift > 18) return std::nullopt;
  if (shift >= 0) {
    const auto whole = detail::to_int64(number->mantissa);
    const auto minor =
        whole ? detail::to_int64(*whole * detail::power_of_ten(shift)) : std::optional<std::int64_t>{};
    if (!minor) return std::nullopt;
    return MinorUnits{*minor, false};
  }
  // Thirty digits over 10^38 are below every tie, as they are over any larger power.
  const int128 divisor = detail::power_of_ten(std::min(-shift, 38));
  const auto minor = detail::to_int64(divide(number->mantissa, divisor, rounding));
  if (!minor) return std::nullopt;
  return MinorUnits{*minor, number->mantissa % divisor != 0};
}

inline std::optional<MinorUnits> from_double(double value, Currency currency, Rounding rounding) noexcept {
  return from_double(value, currency.exponent(), rounding);
}

inline std::optional<MinorUnits> from_double(double value, int digits, Rounding rounding) noexcept {
  if (!std::isfinite(value)) return std::nullopt;
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return from_text({buffer.data(), static_cast<std::size_t>(end - buffer.data())}, digits, rounding);
}

inline std::vector<std::int64_t> split(std::int64_t amount, std::span<const std::int64_t> weights) {
  int128 total = 0;
  for (const auto weight : weights) {
    if (weight < 0) throw UsageError("a split needs weights that are not negative");
    total += weight;
  }
  if (total == 0) throw UsageError("a split needs at least one weight above zero");
  const int128 size = amount < 0 ? -static_cast<int128>(amount) : static_cast<int128>(amount);
  std::vector<std::int64_t> shares(weights.size());
  std::vector<int128> remainders(weights.size());
  int128 left = size;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const int128 product = size * weights[i];
    shares[i] = static_cast<std::int64_t>(std::min<int128>(product / total, size));
    remainders[i] = product % total;
    left -= product / total;
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto units = static_cast<std::ptrdiff_t>(left);
  std::nth_element(order.begin(), order.begin() + units, order.end(), [&](std::size_t a, std::size_t b) {
    return remainders[a] != remainders[b] ? remainders[a] > remainders[b] : a < b;
  });
  for (std::ptrdiff_t i = 0; i < units; ++i) ++shares[order[static_cast<std::size_t>(i)]];
  if (amount < 0)
    // The smallest amount has no positive counterpart: its share of one is negated without a sign.
    for (auto& share : shares) share = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(share));
  return shares;
}

inline std::vector<std::int64_t> split(std::int64_t amount, std::size_t parts) {
  const std::vector<std::int64_t> equal(parts, 1);
  return split(amount, std::span<const std::int64_t>(equal));
}

inline std::vector<std::int64_t> split(std::int64_t amount, std::span<const Rate> shares) {
  int128 common = 1;
  const int128 limit = std::numeric_limits<std::int64_t>::max();
  for (const auto share : shares) {
    const auto divisor = std::gcd(static_cast<std::int64_t>(common), share.denominator);
    common = common / divisor * share.denominator;
    if (common > limit) throw UsageError("the shares have no common denominator of 64 bits; use weights");
  }
  std::vector<std::int64_t> weights;
  int128 total = 0;
  for (const auto share : shares) {
    const int128 weight = common / share.denominator * share.numerator;
    if (weight > common) throw UsageError("a share of a split is above 100 %");
    weights.push_back(static_cast<std::int64_t>(std::max<int128>(weight, -1)));
    total += weight;
  }
  if (total != common)
    throw UsageError("the shares of a split sum to " +
                     std::to_string(100.0 * static_cast<double>(total) / static_cast<double>(common)) +
                     " %, not 100 %; pass weights to split in proportion");
  return split(amount, std::span<const std::int64_t>(weights));
}

}  // namespace money

inline Money Money::parse(std::string_view text, Currency currency) {
  const bool plain = text.find_first_of("eE") == std::string_view::npos;
  const auto read = plain ? money::from_text(text, currency) : std::nullopt;
  if (!read) throw UsageError("not an amount: write digits, a point and decimals, such as -1234.56");
  if (read->digit_lost)
    throw UsageError("the amount has more decimals than " + currency.code() + " has (" +
                     std::to_string(currency.exponent()) + "); round it first");
  return {read->minor, currency};
}

inline Money Money::whole(std::int64_t major, Currency currency) {
  return Money{major, currency}.times({currency.minor_per_major(), 1});
}

inline std::string Money::amount_text() const {
  const auto digits = static_cast<std::size_t>(currency.exponent());
  const auto size = minor < 0 ? 0 - static_cast<std::uint64_t>(minor) : static_cast<std::uint64_t>(minor);
  std::string text = std::to_string(size);
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  if (digits > 0) text.insert(text.size() - digits, ".");
  return minor < 0 ? "-" + text : text;
}

inline Money Money::times(Rate rate, Rounding rounding) const {
  return detail::same_currency(*this, *this, money::multiply(minor, rate, rounding));
}

inline Money Money::convert(Currency to, Rate rate, Rounding rounding) const {
  const auto scaled = Rate::ratio(to.minor_per_major(), currency.minor_per_major());
  const int128 top = static_cast<int128>(rate.numerator) * scaled.numerator;
  const int128 bottom = static_cast<int128>(rate.denominator) * scaled.denominator;
  int128 product = 0;
  if (__builtin_mul_overflow(top, static_cast<int128>(minor), &product))
    throw UsageError("the conversion to " + to.code() + " goes beyond 128 bits; shorten the rate");
  const Money result{0, to};
  return detail::same_currency(result, result, detail::to_int64(money::divide(product, bottom, rounding)));
}

inline bool operator==(Money a, Money b) { return detail::same_currency(a, b, a.minor).minor == b.minor; }
inline std::strong_ordering operator<=>(Money a, Money b) {
  return detail::same_currency(a, b, a.minor).minor <=> b.minor;
}
inline Money operator+(Money a, Money b) { return detail::same_currency(a, b, money::add(a.minor, b.minor)); }
inline Money operator-(Money a, Money b) {
  return detail::same_currency(a, b, detail::to_int64(static_cast<int128>(a.minor) - b.minor));
}
inline Money operator-(Money a) { return Money{0, a.currency} - a; }

}  // namespace v0
}  // namespace salesops
