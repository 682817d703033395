/// @file bdw.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct BdW {
  double alpha = 0;
  double beta = 0;
  double c = 0;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
