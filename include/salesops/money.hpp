/// @file money.hpp
/// Exact amounts: int64 minor units of an ISO 4217 currency.
#pragma once

#include <cstdint>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

}  // namespace v0
}  // namespace salesops
