/// @file optimize.hpp
/// The lowest point of a smooth function of a few variables, and derivatives that need no pencil.
///
/// | question                                                   | here                   |
/// |------------------------------------------------------------|------------------------|
/// | which parameters make the data most likely?                | `minimize`             |
/// | how sure are they? (the Hessian is the observed information) | `Minimum::hessian`   |
/// | what are slope and curvature of this formula?              | `Jet`                  |
///
/// `minimize` is a trust-region Newton method for up to some dozens of variables. Each step solves the
/// quadratic model inside a ball exactly, by eigenvalues (Moré & Sorensen 1983), so ridges, saddles and
/// regions where the function is NaN or infinite are ordinary ground: a step that does not pay shrinks
/// the ball. Where no Hessian is given it is built up from gradients (BFGS) and, near the end, measured
/// by central differences of the gradient, so the finish is Newton's either way.
///
/// It stops when the gradient is zero to `tolerance`, or when the decrease that is left is below the
/// rounding noise of the value, whichever comes first; sums over many rows never get past the second.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace optimize {

// ---- Minimiser ------------------------------------------------------------------------------------

/// A function at one point. NaN or infinite values say that the point is out of bounds.
struct Point {
  double value = 0;
  std::vector<double> gradient;
  std::vector<double> hessian;  ///< row by row, n·n; empty when it is not known
};

using Objective = std::function<Point(std::span<const double> x)>;

struct Options {
  double tolerance = 1e-12;  ///< of the largest gradient component, relative to max(1, |value|)
  int max_iterations = 200;  ///< steps tried
  double radius = 1;         ///< length of the longest first step
  double bound = 1e10;       ///< a component beyond this has run away
};

enum class Reason : std::uint8_t {
  gradient,    ///< the gradient is zero to tolerance: converged
  noise,       ///< what is left to gain is below rounding: converged
  iterations,  ///< `max_iterations` were not enough
  unbounded,   ///< a component passed `bound`: no minimum on that side, or one at infinity
  stuck,       ///< no step pays although the gradient is not zero: a kink, an edge or a wrong gradient
  undefined,   ///< value or gradient at the start is NaN or infinite
};

/// What happened, in words.
[[nodiscard]] std::string_view text(Reason reason) noexcept;

struct Minimum {
  std::vector<double> x;
  double value = 0;
  std::vector<double> gradient;
  std::vector<double> hessian;  ///< row by row; measured by differences where none is given
  double gradient_norm = 0;     ///< largest absolute component
  int iterations = 0;
  int evaluations = 0;
  bool converged = false;
  Reason reason = Reason::undefined;
};

/// Local minimum near `start`. Deterministic. What the objective throws passes through.
/// Throws `UsageError` for an empty start, a gradient or Hessian of the wrong size, or options out of
/// range.
[[nodiscard]] Minimum minimize(const Objective& objective, std::span<const double> start,
                               const Options& options = {});

/// Inverse of a symmetric positive definite matrix, row by row; empty when it is not that, to rounding.
[[nodiscard]] std::vector<double> inverse_positive(std::span<const double> matrix);

// ---- Derivatives ----------------------------------------------------------------------------------

/// A number with its first and second derivatives by N variables (forward-mode differentiation):
/// formulas written with `Jet` instead of `double` yield exact slopes and curvatures. `Order` 1 is for those
/// who need slopes only: the same values and slopes, to the bit, for a fraction of the work.
template <std::size_t N, int Order = 2>
struct Jet {
  static_assert(Order == 1 || Order == 2);
  static constexpr bool curved = Order == 2;
  static constexpr std::size_t pairs = curved ? N * (N + 1) / 2 : 0;

  double value = 0;
  std::array<double, N> gradient{};
  std::array<double, pairs> hessian{};  ///< lower triangle, row by row: (0,0) (1,0) (1,1) (2,0) …

  constexpr Jet() = default;
  constexpr Jet(double constant) noexcept : value(constant) {}  // NOLINT: numbers are constant jets
  /// Variable number `index` at `at`.
  [[nodiscard]] static constexpr Jet variable(double at, std::size_t index) noexcept {
    Jet jet(at);
    jet.gradient[index] = 1;
    return jet;
  }
  /// e^at, by the variable `at`: a positive parameter on the log scale.
  [[nodiscard]] static Jet exponential(double at, std::size_t index) noexcept {
    Jet jet(std::exp(at));
    jet.gradient[index] = jet.value;
    if constexpr (curved) jet.hessian[index * (index + 1) / 2 + index] = jet.value;
    return jet;
  }

  [[nodiscard]] constexpr double second(std::size_t i, std::size_t j) const noexcept
    requires curved
  {
    return i >= j ? hessian[i * (i + 1) / 2 + j] : hessian[j * (j + 1) / 2 + i];
  }

  /// `work(i, j, position)` for each i ≥ j of the Hessian, where there is one.
  template <class Work>
  static constexpr void each_pair(const Work& work) noexcept {
    if constexpr (curved)
      for (std::size_t i = 0, k = 0; i < N; ++i)
        for (std::size_t j = 0; j <= i; ++j, ++k) work(i, j, k);
  }

  constexpr Jet& operator+=(const Jet& o) noexcept {
    value += o.value;
    for (std::size_t i = 0; i < N; ++i) gradient[i] += o.gradient[i];
    for (std::size_t i = 0; i < pairs; ++i) hessian[i] += o.hessian[i];
    return *this;
  }
  constexpr Jet& operator-=(const Jet& o) noexcept {
    value -= o.value;
    for (std::size_t i = 0; i < N; ++i) gradient[i] -= o.gradient[i];
    for (std::size_t i = 0; i < pairs; ++i) hessian[i] -= o.hessian[i];
    return *this;
  }
  constexpr Jet& operator*=(double c) noexcept {
    value *= c;
    for (double& g : gradient) g *= c;
    for (double& h : hessian) h *= c;
    return *this;
  }
  constexpr Jet& operator+=(double c) noexcept { return value += c, *this; }
  constexpr Jet& operator-=(double c) noexcept { return value -= c, *this; }

  friend constexpr Jet operator+(Jet a, const Jet& b) noexcept { return a += b; }
  friend constexpr Jet operator-(Jet a, const Jet& b) noexcept { return a -= b; }
  friend constexpr Jet operator+(Jet a, double c) noexcept { return a += c; }
  friend constexpr Jet operator+(double c, Jet a) noexcept { return a += c; }
  friend constexpr Jet operator-(Jet a, double c) noexcept { return a -= c; }
  friend constexpr Jet operator-(Jet a) noexcept { return a *= -1; }
  friend constexpr Jet operator-(double c, Jet a) noexcept { return (a *= -1) += c; }
  friend constexpr Jet operator*(Jet a, double c) noexcept { return a *= c; }
  friend constexpr Jet operator*(double c, Jet a) noexcept { return a *= c; }
  friend constexpr Jet operator/(Jet a, double c) noexcept { return a *= 1 / c; }

  friend constexpr Jet operator*(const Jet& a, const Jet& b) noexcept {
    Jet c(a.value * b.value);
    for (std::size_t i = 0; i < N; ++i) c.gradient[i] = a.gradient[i] * b.value + a.value * b.gradient[i];
    each_pair([&](std::size_t i, std::size_t j, std::size_t k) {
      c.hessian[k] = a.hessian[k] * b.value + a.value * b.hessian[k] + a.gradient[i] * b.gradient[j] +
                     a.gradient[j] * b.gradient[i];
    });
    return c;
  }
  friend constexpr Jet operator/(const Jet& a, const Jet& b) noexcept {
    const double inverse = 1 / b.value;
    Jet c(a.value * inverse);
    for (std::size_t i = 0; i < N; ++i) c.gradient[i] = (a.gradient[i] - c.value * b.gradient[i]) * inverse;
    each_pair([&](std::size_t i, std::size_t j, std::size_t k) {
      c.hessian[k] = (a.hessian[k] - c.value * b.hessian[k] - c.gradient[i] * b.gradient[j] -
                      c.gradient[j] * b.gradient[i]) *
                     inverse;
    });
    return c;
  }
  friend constexpr Jet operator/(double c, const Jet& b) noexcept { return Jet(c) / b; }

  /// f(u) of a function with the given value, slope and curvature at u.value.
  friend constexpr Jet chain(const Jet& u, double f, double f1, double f2) noexcept {
    Jet c(f);
    for (std::size_t i = 0; i < N; ++i) c.gradient[i] = f1 * u.gradient[i];
    each_pair([&](std::size_t i, std::size_t j, std::size_t k) {
      c.hessian[k] = f1 * u.hessian[k] + f2 * u.gradient[i] * u.gradient[j];
    });
    return c;
  }

  friend Jet log(const Jet& u) noexcept {
    const double inverse = 1 / u.value;
    return chain(u, std::log(u.value), inverse, -inverse * inverse);
  }
  friend Jet log1p(const Jet& u) noexcept {
    const double inverse = 1 / (1 + u.value);
    return chain(u, std::log1p(u.value), inverse, -inverse * inverse);
  }
  friend Jet exp(const Jet& u) noexcept {
    const double e = std::exp(u.value);
    return chain(u, e, e, e);
  }
  friend Jet expm1(const Jet& u) noexcept {
    const double e = std::expm1(u.value);
    return chain(u, e, e + 1, e + 1);
  }
  /// ln Γ(u), u > 0.
  friend Jet log_gamma(const Jet& u) noexcept {
    return chain(u, special::log_gamma(u.value), special::digamma(u.value),
                 curved ? special::trigamma(u.value) : 0);
  }
  /// ln(eᵃ + eᵇ); a value of −∞ stands for an empty term.
  friend Jet log_add(const Jet& a, const Jet& b) noexcept {
    if (b.value == -special::infinity) return a;
    if (a.value == -special::infinity) return b;
    const double share = special::logistic(b.value - a.value);
    Jet c(special::log_add(a.value, b.value));
    std::array<double, N> apart{};
    for (std::size_t i = 0; i < N; ++i) {
      apart[i] = b.gradient[i] - a.gradient[i];
      c.gradient[i] = a.gradient[i] + share * apart[i];
    }
    const double spread = share * (1 - share);
    each_pair([&](std::size_t i, std::size_t j, std::size_t k) {
      c.hessian[k] = a.hessian[k] + share * (b.hessian[k] - a.hessian[k]) + spread * apart[i] * apart[j];
    });
    return c;
  }
};

}  // namespace optimize
}  // namespace v0
}  // namespace salesops
