/// @file bgnbd.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct BGNBD {
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
