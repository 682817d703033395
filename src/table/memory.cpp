#include "memory.hpp"

#include "salesops/large_vector.hpp"

namespace salesops {
inline namespace v0 {
namespace detail {

void* allocate_large(std::size_t bytes) { return unset<std::byte>(bytes).release(); }
void free_large(void* memory) noexcept { std::free(memory); }

}  // namespace detail
}  // namespace v0
}  // namespace salesops
