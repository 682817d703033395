/// Memory for the values of a large column.
#pragma once

#include "../table/memory.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

using Buffer = salesops::detail::Memory<std::byte>;
inline Buffer make_buffer(std::size_t bytes) { return salesops::detail::unset<std::byte>(bytes); }

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
