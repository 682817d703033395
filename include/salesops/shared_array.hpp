/// @file shared_array.hpp
/// An immutable array whose versions share memory.
///
/// `with` gives the array with some values changed or added and leaves this one as it was. What it costs:
/// - values that are what they were already: nothing, both are one memory;
/// - values added behind the end: those values, written behind the end of the same memory while this is
///   its longest version and there is spare room (an eighth is kept spare, so room is made rarely);
/// - values changed: one copy of the array.
/// Any version may be read from any thread while others are made from it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

namespace salesops {
inline namespace v0 {
namespace detail {

/// Memory that versions of an array share: the first `used` bytes belong to the longest of them.
struct Room {
  explicit Room(std::size_t bytes) : memory(new std::byte[bytes]), capacity(bytes) {}
  std::unique_ptr<std::byte[]> memory;
  std::size_t capacity;
  std::atomic<std::size_t> used = 0;
};

/// `size` values of `width` bytes, in `room` or in memory of somebody else who owns it.
struct Values {
  const void* data = nullptr;
  std::size_t size = 0;
  std::size_t width = 1;
  std::shared_ptr<Room> room = nullptr;

  /// As `SharedArray::with`; `fill` may be null for zeros.
  [[nodiscard]] Values with(std::span<const std::int64_t> rows, const void* values, const void* fill) const;
  /// The values in a room of their own with `bytes` of it in use.
  [[nodiscard]] Values copied(std::size_t bytes) const;
};

}  // namespace detail

template <class T>
class SharedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;

  SharedArray() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a vector is such an array
  SharedArray(std::vector<T> values)
      : owner_(std::make_shared<const std::vector<T>>(std::move(values))),
        data_(owner_->data()),
        size_(owner_->size()) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] const T* begin() const noexcept { return data_; }
  [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data_[i]; }

  /// The array with `values[i]` at `rows[i]`. Rows from size() on make it longer; those not named are `fill`.
  [[nodiscard]] SharedArray with(std::span<const std::int64_t> rows, std::span<const T> values,
                                 T fill = T{}) const {
    const detail::Values made =
        detail::Values{.data = data_, .size = size_, .width = sizeof(T), .room = room_}.with(
            rows, values.data(), &fill);
    if (made.data == data_ && made.size == size_) return *this;
    SharedArray array;
    array.room_ = made.room;
    array.data_ = static_cast<const T*>(made.data);
    array.size_ = made.size;
    return array;
  }
  /// The array with `values` behind its end.
  [[nodiscard]] SharedArray appended(std::span<const T> values) const {
    std::vector<std::int64_t> rows(values.size());
    std::iota(rows.begin(), rows.end(), static_cast<std::int64_t>(size_));
    return with(rows, values);
  }

 private:
  std::shared_ptr<const std::vector<T>> owner_;
  std::shared_ptr<detail::Room> room_;
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace v0
}  // namespace salesops
