/// Memory for many values, not yet written.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace salesops {
inline namespace v0 {
namespace detail {

struct Freed {
  void operator()(void* memory) const noexcept { std::free(memory); }
};
template <class T>
using Memory = std::unique_ptr<T[], Freed>;

/// Pages of 2 MB for a stretch of memory that is about to be touched first: at 4 kB the faults take longer
/// than to fill it. Advice: where the system declines, pages stay small and nothing else changes.
inline void ask_large_pages(void* memory, std::size_t bytes) {
  constexpr std::size_t page = std::size_t{1} << 21;
  if (bytes < 2 * page) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + 4095) / 4096 * 4096;
  (void)::madvise(reinterpret_cast<void*>(begin), bytes - (begin - reinterpret_cast<std::uintptr_t>(memory)),
                  MADV_HUGEPAGE);
}

/// `values.resize(size)` of an empty vector, in large pages.
template <class T>
void make_room(std::vector<T>& values, std::size_t size) {
  values.reserve(size);
  ask_large_pages(values.data(), size * sizeof(T));
  values.resize(size);
}

/// Memory that is written before it is read, so that each thread touches its own part first, in large pages.
template <class T>
Memory<T> unset(std::size_t size) {
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>);
  constexpr std::size_t page = std::size_t{1} << 21;
  const std::size_t bytes = std::max<std::size_t>(size, 1) * sizeof(T);
  const bool large = bytes >= 2 * page;
  void* memory = large ? std::aligned_alloc(page, (bytes + page - 1) / page * page) : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  if (large) ask_large_pages(memory, bytes);
  return Memory<T>(static_cast<T*>(memory));
}

/// The same in the memory of `used`, which held so many values, unless that is too small or twice too large:
/// the system clears new pages, which takes longer than to fill them.
template <class T, class U>
Memory<T> unset(std::size_t size, Memory<U> used, std::size_t held) {
  static_assert(sizeof(T) == sizeof(U));
  if (size > held || 2 * size < held) return unset<T>(size);
  return Memory<T>(reinterpret_cast<T*>(used.release()));
}

}  // namespace detail
}  // namespace v0
}  // namespace salesops
