// Cells as exact decimals, so that price × quantity ÷ interval is rounded once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salesops/money.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

using detail::Decimal;

/// A column of numbers of any kind: integers, decimals, floats by their shortest decimal, texts.
class Numbers {
 public:
  enum class Cell : std::uint8_t { missing, bad, good };

  /// `UsageError` for columns of another type, which names the column. Without one all cells are `otherwise`.
  Numbers(std::optional<Column> column, std::string name, std::int64_t otherwise);

  [[nodiscard]] bool given() const noexcept { return column_.has_value(); }
  [[nodiscard]] bool is_money() const noexcept { return given() && column_->type() == Type::money; }
  [[nodiscard]] bool is_whole() const noexcept { return whole_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Money is in minor units, all else as it stands.
  [[nodiscard]] Cell read(std::size_t row, Decimal& number) const;

 private:
  std::optional<Column> column_;
  std::string name_;
  std::int64_t otherwise_;
  bool whole_ = false;
  std::vector<std::optional<Decimal>> texts_;
};

/// price · quantity − discount in minor units of `digits`, times `rate`, rounded once, half to even; nothing
/// beyond 64 bits. Amounts that are minor units already have `digits` 0.
[[nodiscard]] std::optional<std::int64_t> monthly_minor(const Decimal& price, const Decimal& quantity,
                                                        const Decimal& discount, int digits, Rate rate);
/// In millionths; nothing beyond 64 bits.
[[nodiscard]] std::optional<std::int64_t> millionths(const Decimal& number);
/// Nothing for a number that is not whole.
[[nodiscard]] std::optional<std::int64_t> whole(const Decimal& number);

}  // namespace subscription_detail
}  // namespace v0
}  // namespace salesops
