/// @file version.hpp
/// The version of the headers in use, the same text as the file VERSION at the top of the project.
#pragma once

#ifdef __FAST_MATH__
#error "salesops needs IEEE arithmetic: build without -ffast-math"
#endif

namespace salesops {
inline namespace v0 {

inline constexpr const char* version = "0.1.0";

}  // namespace v0
}  // namespace salesops
