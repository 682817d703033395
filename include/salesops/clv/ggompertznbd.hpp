/// @file ggompertznbd.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct GGompertzNBD {
  double r = 0;
  double alpha = 0;
  double b = 0;
  double s = 0;
  double beta = 0;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
