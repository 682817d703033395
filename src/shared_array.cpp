#include "salesops/shared_array.hpp"

#include <algorithm>
#include <cstring>

namespace salesops {
inline namespace v0 {
namespace detail {

Values Values::with(std::span<const std::int64_t> rows, const void* values, const void* fill) const {
  const auto* old = static_cast<const std::byte*>(data);
  const auto* fresh = static_cast<const std::byte*>(values);
  std::size_t longest = size;
  bool changed = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    longest = std::max(longest, row + 1);
    changed |= row < size && std::memcmp(old + row * width, fresh + i * width, width) != 0;
  }
  if (!changed && longest == size) return *this;

  Values result = *this;
  result.size = longest;
  std::size_t held = size * width;
  const std::size_t bytes = longest * width;
  const bool grown = !changed && room != nullptr && bytes <= room->capacity &&
                     room->used.compare_exchange_strong(held, bytes);
  if (!grown) result.room = copied(bytes).room;
  std::byte* out = result.room->memory.get();
  // Versions that share the room read what lies before their own end: nothing is written there.
  if (fill == nullptr)
    std::memset(out + size * width, 0, (longest - size) * width);
  else
    for (std::size_t row = size; row < longest; ++row) std::memcpy(out + row * width, fill, width);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    if (!grown || row >= size) std::memcpy(out + row * width, fresh + i * width, width);
  }
  result.data = out;
  return result;
}

Values Values::copied(std::size_t bytes) const {
  Values copy = *this;
  copy.room = std::make_shared<Room>(bytes + bytes / 8 + 64);
  copy.room->used = bytes;
  copy.data = copy.room->memory.get();
  if (size > 0) std::memcpy(copy.room->memory.get(), data, size * width);
  return copy;
}

}  // namespace detail
}  // namespace v0
}  // namespace salesops
