/// @file laws.hpp
/// The laws of ln T: logarithms of survival and density of z with their derivatives.
#pragma once

#include "salesops/survival/aft.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

/// A function of z and the shape q, with its derivatives up to the second.
struct LawTerm {
  double value = 0;
  double z = 0;
  double zz = 0;
  double q = 0;
  double zq = 0;
  double qq = 0;
};

/// ln S(z); far in the tails too.
LawTerm log_survival(LifetimeLaw law, double z, double q);
/// ln f(z).
LawTerm log_density(LifetimeLaw law, double z, double q);
/// z with 1 − S(z) = probability.
double law_quantile(LifetimeLaw law, double probability, double q);

}  // namespace survival
}  // namespace v0
}  // namespace salesops
