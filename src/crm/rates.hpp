// The rates of a book by currencies and day, and exact products with them.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/crm.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

/// An exact positive factor. A rate has up to 17 digits and 29 decimals, so the product of two of them
/// with an amount stays far below 512 bits.
struct Factor {
  boost::multiprecision::int512_t over = 1;
  boost::multiprecision::int512_t under = 1;

  [[nodiscard]] Factor inverse() const { return {under, over}; }
  friend Factor operator*(const Factor& a, const Factor& b) { return {a.over * b.over, a.under * b.under}; }
  friend bool operator==(const Factor& a, const Factor& b) { return a.over * b.under == b.over * a.under; }
};

/// minor × factor, rounded once, half to even; nothing beyond int64 (its least value stands for null).
std::optional<std::int64_t> product(std::int64_t minor, const Factor& factor);

/// As `fx_rate.kind` spells it.
std::string_view rate_kind_name(RateKind kind) noexcept;

class Rates {
 public:
  enum class Way : std::uint8_t { same, direct, inverse, through };
  struct Found {
    Factor factor;  ///< minor units of the one currency to minor units of the other
    Way way = Way::same;
  };

  /// Reads the rates of the kind that `options` ask for; a rate that can't be one is an issue. `rates`
  /// may be null: then only a currency and itself have a rate.
  Rates(const Table* rates, const ConvertOptions& options, Issues& issues);
  /// Nothing when no rate is known on `day` (`Deals::null_date`: no day, no rate). Throws `DataError` when
  /// two are.
  [[nodiscard]] std::optional<Found> find(std::string_view from, std::string_view to, std::int32_t day) const;
  [[nodiscard]] int max_age() const noexcept { return max_age_; }

 private:
  struct Entry {
    std::int32_t day = 0;
    std::int64_t modified = null_value;
    Factor factor;
    bool contradicted = false;
  };
  [[nodiscard]] std::optional<Factor> latest(std::string_view from, std::string_view to,
                                             std::int32_t day) const;
  [[nodiscard]] std::optional<Found> pair(std::string_view from, std::string_view to, std::int32_t day) const;

  std::map<std::pair<std::string, std::string>, std::vector<Entry>> entries_;
  std::string through_;
  int max_age_ = 0;
};

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
