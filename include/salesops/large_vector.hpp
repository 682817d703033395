/// @file large_vector.hpp
/// A `std::vector` for millions of numbers that are written once.
///
/// `LargeVector<double> values(n)` and `resize(n)` leave new values unset, as `new double[n]` does, and from
/// 4 MB on the memory is asked for in large pages: of a million numbers, zeroing them and touching small
/// pages takes longer than to write them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace salesops {
inline namespace v0 {
namespace detail {

/// Memory that begins with a large page, which the system was advised to use; throws `std::bad_alloc`.
[[nodiscard]] void* allocate_large(std::size_t bytes);
void free_large(void* memory) noexcept;
inline constexpr std::size_t large_bytes = std::size_t{4} << 20;

template <class T>
struct LargeAllocator {
  static_assert(std::is_trivially_copyable_v<T>);
  using value_type = T;

  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>& /*other*/) noexcept {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > large_bytes / sizeof(T) && n < ~std::size_t{0} / 2 / sizeof(T))
      return static_cast<T*>(allocate_large(n * sizeof(T)));
    return std::allocator<T>{}.allocate(n);
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    if (n > large_bytes / sizeof(T))
      free_large(memory);
    else
      std::allocator<T>{}.deallocate(memory, n);
  }
  template <class... Values>
  void construct(T* place, Values&&... values) {
    if constexpr (sizeof...(Values) == 0)
      ::new (static_cast<void*>(place)) T;
    else
      ::new (static_cast<void*>(place)) T(std::forward<Values>(values)...);
  }
  friend bool operator==(const LargeAllocator& /*a*/, const LargeAllocator& /*b*/) noexcept { return true; }
};

template <class T>
bool operator==(const std::vector<T, LargeAllocator<T>>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace detail

template <class T>
using LargeVector = std::vector<T, detail::LargeAllocator<T>>;

}  // namespace v0
}  // namespace salesops
