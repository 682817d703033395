/// Memory for the values of a large column.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

struct FreeBytes {
  void operator()(std::byte* bytes) const noexcept { std::free(bytes); }
};
using Buffer = std::unique_ptr<std::byte[], FreeBytes>;

/// Uninitialised bytes. Large buffers ask for pages of 2 MB: a column that is written once costs a page fault
/// a page, and at 4 kB these take longer than the copy.
inline Buffer make_buffer(std::size_t bytes) {
  constexpr std::size_t page = std::size_t{1} << 21;
  const bool large = bytes >= 2 * page;
  const std::size_t unit = large ? page : alignof(std::max_align_t);
  const std::size_t rounded = (bytes + unit - 1) / unit * unit;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(unit, rounded == 0 ? unit : rounded));
  if (memory == nullptr) throw std::bad_alloc();
  // Advice: where the system declines, pages stay small and nothing else changes.
  if (large) madvise(memory, rounded, MADV_HUGEPAGE);
  return Buffer(memory);
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
