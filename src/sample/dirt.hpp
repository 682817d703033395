/// @file dirt.hpp
/// Spoils a share of the rows of a clean book.
#pragma once

#include "rows.hpp"
#include "world.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {

void spoil(const World& world, std::vector<std::pair<std::string, Table>>& tables);

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
