/// Checked views of the arrays of one column.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "format.hpp"
#include "salesops/arrow/abi.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

/// An Arrow struct that is released once, at the end of its life.
template <class Struct>
struct Owned {
  Struct value{};

  Owned() = default;
  /// Takes over `from`, which counts as released afterwards.
  explicit Owned(Struct& from) : value(from) { from.release = nullptr; }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (value.release != nullptr) value.release(&value);
  }
};

using Batch = std::shared_ptr<const Owned<ArrowArray>>;

/// Throws `DataError` "column 'name': what".
[[noreturn]] void broken(std::string_view column, const std::string& what);
/// Throws for more rows than any memory holds.
void check_rows(std::int64_t rows);
/// The counts and pointers every array must have right.
void check_array(std::string_view column, const ArrowArray* array, std::int64_t buffers);

inline bool bit(const std::uint8_t* bits, std::int64_t at) noexcept {
  return (bits[at >> 3] >> (at & 7)) & 1U;
}

template <class T>
T load(const void* buffer, std::int64_t at) noexcept {
  T value;
  std::memcpy(&value, static_cast<const char*>(buffer) + at * static_cast<std::int64_t>(sizeof(T)),
              sizeof(T));
  return value;
}

/// One column's rows of one batch.
struct Leaf {
  Batch batch;
  const ArrowArray* array = nullptr;
  std::int64_t start = 0;  ///< the first row's element in the buffers
  std::int64_t length = 0;
  const std::uint8_t* validity = nullptr;         ///< at `start`; null = all valid
  const std::uint8_t* parent_validity = nullptr;  ///< the batch's own; null = all valid
  std::int64_t parent_start = 0;

  [[nodiscard]] bool may_have_nulls() const noexcept {
    return validity != nullptr || parent_validity != nullptr;
  }
  [[nodiscard]] bool valid(std::int64_t row) const noexcept {
    return (validity == nullptr || bit(validity, start + row)) &&
           (parent_validity == nullptr || bit(parent_validity, parent_start + row));
  }
  /// The value of a row, from a buffer that may be unaligned.
  template <class T>
  [[nodiscard]] T value(std::int64_t row) const noexcept {
    return load<T>(array->buffers[1], start + row);
  }
};

/// `storage` is the format of the array's own buffers (the index of a dictionary column).
Leaf make_leaf(std::string_view column, const Format& storage, const Batch& batch, std::int64_t child);
/// All rows of the dictionary beside a leaf.
Leaf dictionary_leaf(std::string_view column, const Format& values, const Leaf& indices);

/// The strings of a leaf; each access checks offsets and bounds.
class Texts {
 public:
  Texts(std::string_view column, const Format& format, const Leaf& leaf);

  [[nodiscard]] std::string_view at(std::int64_t row) const {
    switch (kind_) {
      case Kind::text32: return by_offsets<std::int32_t>(start_ + row);
      case Kind::text64: return by_offsets<std::int64_t>(start_ + row);
      default: return by_view(start_ + row);
    }
  }

 private:
  template <class Offset>
  [[nodiscard]] std::string_view by_offsets(std::int64_t element) const {
    const std::int64_t first = load<Offset>(array_->buffers[1], element);
    const std::int64_t last = load<Offset>(array_->buffers[1], element + 1);
    if (first < 0 || last < first || last > end_) broken(column_, "its text offsets are broken");
    if (first == last) return {};
    return {static_cast<const char*>(array_->buffers[2]) + first, static_cast<std::size_t>(last - first)};
  }
  [[nodiscard]] std::string_view by_view(std::int64_t element) const;

  std::string_view column_;
  Kind kind_;
  const ArrowArray* array_;
  std::int64_t start_;
  std::int64_t end_ = 0;  ///< bytes used of the data buffer, as the last offset has it
};

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
