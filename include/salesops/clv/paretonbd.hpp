/// @file paretonbd.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct ParetoNBD {
  double r = 0;
  double alpha = 0;
  double s = 0;
  double beta = 0;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
