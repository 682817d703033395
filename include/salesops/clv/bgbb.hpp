/// @file bgbb.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct BGBB {
  double alpha = 0;
  double beta = 0;
  double gamma = 0;
  double delta = 0;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
