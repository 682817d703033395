/// @file nbd.hpp
#pragma once

namespace salesops {
inline namespace v0 {
namespace clv {

struct NBD {
  double r = 0;      ///< shape of the purchase rate
  double alpha = 0;  ///< rate (inverse scale) of the purchase rate, a time
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
