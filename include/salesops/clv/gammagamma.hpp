/// @file gammagamma.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct GammaGamma {
  double p = 0;
  double q = 0;
  double v = 0;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
