#include <algorithm>
#include <cstring>
#include <optional>

#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {

namespace {

/// What keeps the memory of a column alive.
struct Owners {
  std::shared_ptr<const void> values;
  std::vector<std::uint8_t> validity;
};

/// The codes that the texts of `changes` have in `dictionary`, which grows by those it lacks.
std::vector<std::int32_t> codes_in(std::shared_ptr<const Dictionary>& dictionary, const Column& changes) {
  std::vector<std::int32_t> codes(changes.size(), 0);
  std::vector<std::string> added;
  DictionaryBuilder fresh;
  for (std::size_t row = 0; row < changes.size(); ++row) {
    if (changes.is_null(row)) continue;
    const std::string_view text = changes.text(row);
    if (const std::int32_t known = dictionary->find(text); known >= 0) {
      codes[row] = known;
      continue;
    }
    const std::int32_t code = fresh.code(text);
    if (static_cast<std::size_t>(code) == added.size()) added.emplace_back(text);
    codes[row] = static_cast<std::int32_t>(dictionary->size()) + code;
  }
  if (!added.empty()) dictionary = dictionary->with(added);
  return codes;
}

/// The bits of `column` from bit 0 on, `bytes` long, ones behind the end.
std::vector<std::uint8_t> bits_of(const Column& column, std::size_t bytes) {
  std::vector<std::uint8_t> bits(bytes, 0xFF);
  if (!column.may_have_nulls()) return bits;
  if (column.bit_offset() % 8 == 0) {
    const std::uint8_t* from = column.validity() + column.bit_offset() / 8;
    std::copy_n(from, column.size() / 8, bits.begin());
  }
  const std::size_t whole = column.bit_offset() % 8 == 0 ? column.size() / 8 * 8 : 0;
  for (std::size_t row = whole; row < column.size(); ++row)
    if (column.is_null(row)) bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] & ~(1U << (row & 7)));
  return bits;
}

}  // namespace

Column Column::with(std::span<const std::int64_t> rows, const Column& changes) const {
  if (rows.size() != changes.size()) throw UsageError("with: one row number for each row of the changes");
  if (changes.type() != type_ || changes.scale() != scale_ || changes.currency() != currency_)
    throw UsageError("a column of " + std::string(type_name(type_)) + " can't take rows of " +
                     std::string(type_name(changes.type())) + " (or of another scale or currency)");
  std::size_t longest = size_;
  for (const std::int64_t row : rows) {
    if (row < 0) throw UsageError("with: a row number is negative");
    longest = std::max(longest, static_cast<std::size_t>(row) + 1);
  }
  Column result = *this;
  // Rows that are null keep the value beneath, so that nothing is copied for them.
  const std::size_t width = type_width(type_);
  std::vector<std::int32_t> codes;
  if (type_ == Type::string) codes = codes_in(result.dictionary_, changes);
  const auto* from = static_cast<const std::byte*>(codes.empty() ? changes.data() : codes.data());
  std::vector<std::int64_t> at;
  std::vector<std::byte> values;
  std::vector<std::uint8_t> named(longest - size_, 0);
  std::vector<std::int64_t> to_null, to_valid;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tick(i);
    const auto row = static_cast<std::size_t>(rows[i]);
    const bool valid_now = changes.valid(i);
    if (row >= size_) named[row - size_] = valid_now;
    if (row < size_ && valid_now != valid(row)) (valid_now ? to_valid : to_null).push_back(rows[i]);
    if (!valid_now) continue;
    at.push_back(rows[i]);
    values.insert(values.end(), from + i * width, from + (i + 1) * width);
  }
  if (longest > size_ &&
      (at.empty() || static_cast<std::size_t>(*std::max_element(at.begin(), at.end())) + 1 < longest)) {
    at.push_back(static_cast<std::int64_t>(longest) - 1);
    values.resize(values.size() + width);
  }
  detail::Values made = detail::Values{.data = data_, .size = size_, .width = width, .room = room_}.with(
      at, values.data(), nullptr);

  const bool new_nulls = std::find(named.begin(), named.end(), 0) != named.end() || !to_null.empty();
  const bool same_bits = longest == size_ && to_null.empty() && to_valid.empty();
  if (made.data == data_ && made.size == size_ && same_bits) return result;
  if (made.room == nullptr) made = made.copied(size_ * width);
  result.size_ = longest;
  result.data_ = made.data;
  result.room_ = made.room;
  auto owners = std::make_shared<Owners>();
  owners->values = made.room;
  if (validity_ != nullptr || new_nulls) {
    owners->validity = bits_of(*this, (longest + 7) / 8);
    const auto put = [&](std::size_t row, bool set) {
      auto& bits = owners->validity[row >> 3];
      const auto bit = static_cast<std::uint8_t>(1U << (row & 7));
      bits = static_cast<std::uint8_t>(set ? bits | bit : bits & ~bit);
    };
    for (const std::int64_t row : to_null) put(static_cast<std::size_t>(row), false);
    for (const std::int64_t row : to_valid) put(static_cast<std::size_t>(row), true);
    for (std::size_t i = 0; i < named.size(); ++i) put(size_ + i, named[i] != 0);
    result.validity_ = owners->validity.data();
    result.bit_offset_ = 0;
  }
  result.owner_ = std::move(owners);
  return result;
}

}  // namespace v0
}  // namespace salesops
