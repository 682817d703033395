/// @file rates.hpp
/// What is known of one customer's own rates: how often it buys, and how soon it leaves.
///
/// | question                                               | here                   |
/// |--------------------------------------------------------|------------------------|
/// | its purchase rate λ: mean, sd, and a range             | `rate_distribution`    |
/// | its dropout: mean, sd, and a range                     | `dropout_distribution` |
///
/// Both are distributions given x, t_x and T under parameters taken as known: of the customers with this
/// history, how their own rates differ. They are mixtures, over whether and when the customer left, of the
/// conjugate ones, gammas of λ and μ, betas of probabilities:
///
/// | model        | alive                                  | left                                       |
/// |--------------|----------------------------------------|--------------------------------------------|
/// | NBD          | Γ(r+x, alpha+T)                        |                                            |
/// | (M)BG/NBD    | Γ(r+x, alpha+T)                        | Γ(r+x, alpha+t_x)                          |
/// |              | Beta(a, b+c)                           | Beta(a+1, b+c−1)                           |
/// | (M)BG/CNBD-k | Γ(r+kx+j, k(alpha+T)), j < k           | Γ(r+kx, k(alpha+t_x))                      |
/// |              | Beta(a, b+c)                           | Beta(a+1, b+c−1)                           |
/// | Pareto/NBD   | Γ(r+x, alpha+T)                        | Γ(r+x, alpha+u), at u in (t_x, T)          |
/// |              | Γ(s, beta+T)                           | Γ(s+1, beta+u)                             |
/// | BG/BB        | Beta(alpha+x, beta+n−x)                | Beta(alpha+x, beta+u−x), u = t_x … n−1     |
/// |              | Beta(gamma, delta+n)                   | Beta(gamma+1, delta+u)                     |
///
/// with c = x chances to leave (MBG: x+1). GGompertz/NBD is as Pareto/NBD, Sarmanov's a weighed sum of four
/// of those. The mean is `expected_rate` and `expected_dropout`, in their units; the variance comes from the
/// mean m₁ under a prior with one more of the rate (r+1, s+1, a+1, …): E[λ²] = m m₁. Ends are the quantiles
/// of the mixture to about 1e-10, as sums, or as integrals over u that take some tenths of a millisecond a
/// customer.
#pragma once

#include <vector>

#include "salesops/clv.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// One entry a customer; NaN for rows that are no history.
struct RateDistribution {
  std::vector<double> mean;
  std::vector<double> sd;
  std::vector<double> low;  ///< ends of the middle `level` percent
  std::vector<double> high;
};

/// Of λ, purchases per unit of time while alive (BG/BB: the probability to buy at an opportunity). `level` in
/// percent, above 1 and below 100, else `UsageError`, as for columns of unequal length.
template <PurchaseModel M>
[[nodiscard]] RateDistribution rate_distribution(const M& model, const RfmView& customers, double level = 90,
                                                 const Execution& execution = {});

/// Of dropout: the probability to leave after a purchase or at an opportunity, or the rate of leaving
/// (Pareto; GGompertz: at age T). 0 in NBD.
template <PurchaseModel M>
[[nodiscard]] RateDistribution dropout_distribution(const M& model, const RfmView& customers,
                                                    double level = 90, const Execution& execution = {});

}  // namespace clv
}  // namespace v0
}  // namespace salesops
