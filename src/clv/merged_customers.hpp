// Customers of two states, in one order.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace clv_detail {

/// How the customer `b` of one column lies to `a` of another: before, at, after.
[[nodiscard]] inline std::strong_ordering compare(const Column& left, std::size_t a, const Column& right,
                                                  std::size_t b) {
  if (left.type() == Type::string) return left.text(a) <=> right.text(b);
  return left.values<std::int64_t>()[a] <=> right.values<std::int64_t>()[b];
}

/// Customers of two states in one order; each is a row of one, the other, or both.
class MergedCustomers {
 public:
  explicit MergedCustomers(const Column& like) : is_text_(like.type() == Type::string) {}
  void add(const Column& from, std::size_t row) {
    if (is_text_)
      texts_.push_back(builder_.code(from.text(row)));
    else
      numbers_.push_back(from.values<std::int64_t>()[row]);
  }
  Column finish() {
    if (is_text_) return Column::of_codes(std::move(texts_), builder_.finish());
    return Column::of(Type::int64, std::move(numbers_));
  }

 private:
  bool is_text_;
  DictionaryBuilder builder_;
  std::vector<std::int32_t> texts_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace clv_detail
}  // namespace v0
}  // namespace salesops
