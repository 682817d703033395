// Discounted purchases of many living customers at many draws: rules with few nodes, which stand ready, where
// `dect_new` adapts its own.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "living.hpp"
#include "salesops/clv/dynamic.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Gauss–Legendre nodes over ln(1 + u/scale), in pieces short enough that what depends on u through (1 +
/// u/scale) and e^(−δu) errs by less than 1e-11.
class LaidNodes {
 public:
  static constexpr std::size_t most = 64;

  /// ∫ f(u) du over (0, end] of an f that holds (1 + u/scale)^±steep and e^(−rate·u), in pieces of at most so
  /// long; false where more would be needed than there is room for.
  bool lay(double end, double scale, double rate, double steep) noexcept {
    count = 0;
    double from = 0;
    const double all = std::log1p(end / scale);
    // f may be taken that far into the complex plane: π from the branch, and half of it where e^(−δu) grows
    // to the left.
    const double far = rate * end <= 2 ? 5.0 : 2.5;
    while (from < all) {
      const double here = rate * scale * std::exp(from);
      const double rest = all - from;
      const bool eight = rest <= 0.4 * far && here * std::expm1(rest) + steep * rest <= 3;
      const detail::Rule& rule = detail::rules[eight ? 1 : 2];
      if (count + 2 * rule.nodes.size() > most) return false;
      double step = std::fmin(rest, far);
      if (here * std::expm1(step) > 12) step = std::log1p(12 / here);
      if (steep * step > 9) step = 9 / steep;
      if (!(step > 0)) return false;
      const double half = 0.5 * step, middle = from + half;
      const std::size_t n = rule.nodes.size();
      for (std::size_t i = 0; i < 2 * n; ++i) {
        const std::size_t node = i < n ? n - 1 - i : i - n;  // ascending
        const double y = middle + (i < n ? -half : half) * rule.nodes[node];
        const double u = scale * std::expm1(y);
        time[count] = u;
        weight[count] = half * rule.weights[node] * (u + scale);
        ++count;
      }
      from += step;
    }
    return true;
  }

  std::array<double, most> time;    ///< ascending
  std::array<double, most> weight;  ///< of f(u)
  std::size_t count = 0;
};

/// When the events of a Poisson process of rate λ ~ Gamma(r, rate alpha) come within (0, t], discounted: D_m
/// = E[e^(−δu) where event m+1 comes at u ≤ t]. With z = t/(alpha+t), N ~ NB(r, ·) events in t and D_(−1) = 1
///
///     (2m + r + 1 + δ alpha) D_m = (m+1) D_(m+1) + (r+m) D_(m−1) − (r+m) P(N = m) (1−z) e^(−δt)
///
/// which is the integral of d[u^m (alpha+u)^(−r−m−1) e^(−δu)]. Solved from its far end, where D is below
/// rounding, it is stable: the diagonal outweighs the rest by δ alpha. What comes after t is taken off what
/// ever comes, so digits are lost where δt is small.
class DiscountedEvents {
 public:
  static constexpr std::size_t most = 8192;

  /// False where the events are too many, or their chances too small.
  bool solve(double r, double alpha, double t, double rate) noexcept {
    const double v = t / alpha;
    const double z = v / (1 + v);
    const double log_none = -r * std::log1p(v);
    if (!(log_none > -600 && 37 * (1 + v) + r * v < 8000)) return false;
    double q = std::exp(log_none);
    double sum = q;
    count_ = 0;
    chance_[0] = q;
    for (double n = 0;; n += 1) {
      const double up = z * (r + n);
      q *= up / (n + 1);
      sum += q;
      if (++count_ == most) return false;
      chance_[count_] = q;
      if (q * (up + z) <= 1e-15 * sum * (n + 1 - up - z)) break;
    }
    const double late = std::exp(-rate * t) / (1 + v);
    const double both = r + 1 + rate * alpha;
    // D_m = own + grow · D_(m−1). One division waits for the other: the rest goes beside it.
    double own = 0, pivot = 1, cross = 0;
    auto m = static_cast<double>(count_);
    for (std::size_t i = count_ + 1; i-- > 0; m -= 1) {
      pivot = 2 * m + both - cross / pivot;
      cross = m * (r + m);
      const double share = 1 / pivot;
      own = ((m + 1) * own - (r + m) * chance_[i] * late) * share;
      own_[i] = own;
      grow_[i] = (r + m) * share;
    }
    return true;
  }
  /// Σ D_m V over the events that are purchases, each k-th where j came before, of one who survives so many
  /// with the chance V.
  [[nodiscard]] double purchases(double a, double b, int k, int j) const noexcept {
    double sum = 0;
    double at = 1;
    detail::Thinning<true> there{a, b};
    int phase = j;
    for (std::size_t m = 0; m <= count_; ++m) {
      at = own_[m] + grow_[m] * at;
      if (++phase == k) {
        phase = 0;
        sum += there.alive * at;
        there.next();
      }
    }
    return sum;
  }

 private:
  std::array<double, most + 1> chance_, own_, grow_;
  std::size_t count_ = 0;
};

/// Discounted purchases within a time of living customers, to 1e-10 of `dect_new`.
class DiscountedAhead {
 public:
  DiscountedAhead(double t, double rate) noexcept : t_(t), rate_(rate) {}

  template <class Living>
  double operator()(const Living& living) noexcept {
    return dect_new(living, t_, rate_);
  }
  double operator()(const ParetoNBD& living) noexcept {
    const auto& [r, alpha, s, beta] = living;
    if (!detail::valid(living)) return special::not_a_number;
    // (1 + u/beta)^(1−s) is e^((1−s)y): a piece is short in that too.
    const double steep = std::fabs(1 - s);
    const double end = std::fmin(t_, detail::faded / rate_);
    if (!nodes_.lay(end, beta, rate_, steep)) return dect_new(living, t_, rate_);
    double sum = 0;
    for (std::size_t i = 0; i < nodes_.count; ++i) {
      const double u = nodes_.time[i];
      sum += nodes_.weight[i] * std::exp(-rate_ * u - s * std::log1p(u / beta));
    }
    return r / alpha * sum;
  }
  double operator()(const ParetoMixture& living) noexcept {
    return detail::mean_of(living, [&](const ParetoNBD& part) noexcept { return (*this)(part); });
  }
  /// Each purchase by itself, where enough is discounted.
  template <Tabulated L>
  double operator()(const WithTables<L>& m) noexcept {
    const auto& living = m.living;
    if (!(rate_ * t_ > 0.01)) return dect_new(m, t_, rate_);
    const double end = std::fmin(t_, detail::faded / rate_);
    int k = 1;
    double waited = 0;
    if constexpr (requires { living.k; }) {
      k = living.k;
      waited = living.waited;
    }
    double sum = 0;
    bool solved = true;
    const double all = detail::progress(living.r, waited, k, [&](int j, double w) noexcept {
      if (!(w > 0) || !solved) return;
      solved = events_.solve(living.r + j, living.alpha, end, rate_);
      if (solved) sum += w * events_.purchases(living.a, living.b, k, j);
    });
    return solved ? sum / all : dect_new(m, t_, rate_);
  }

 private:
  double t_, rate_;
  LaidNodes nodes_;
  DiscountedEvents events_;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
