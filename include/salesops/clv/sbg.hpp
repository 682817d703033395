/// @file sbg.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct SBG {
  double alpha = 0;
  double beta = 0;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
