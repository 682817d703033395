// Log-likelihoods as jets in the logarithms of the parameters, summed the same way for any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <vector>

#include "population.hpp"
#include "salesops/optimize.hpp"
#include "salesops/parallel.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

using optimize::Jet;

/// Derivatives asked for: 1 for slopes, 2 for curvatures as well.
template <int order>
using Order = std::integral_constant<int, order>;

/// e^θ, each by its own θ.
template <std::size_t N, int O = 2>
std::array<Jet<N, O>, N> parameters_at(std::span<const double> log_parameters) {
  std::array<Jet<N, O>, N> parameters;
  for (std::size_t i = 0; i < N; ++i) parameters[i] = Jet<N, O>::exponential(log_parameters[i], i);
  return parameters;
}

/// A jet of M variables of jets of N variables.
template <std::size_t N, std::size_t M, int O>
Jet<N, O> compose(const Jet<M, O>& f, const std::array<Jet<N, O>, M>& u) {
  Jet<N, O> c(f.value);
  for (std::size_t a = 0; a < M; ++a)
    for (std::size_t i = 0; i < N; ++i) c.gradient[i] += f.gradient[a] * u[a].gradient[i];
  if constexpr (O == 2) {
    std::array<std::array<double, N>, M> slope{};  // Σ_b f_ab ∇u_b
    for (std::size_t a = 0; a < M; ++a)
      for (std::size_t b = 0; b < M; ++b)
        for (std::size_t i = 0; i < N; ++i) slope[a][i] += f.second(a, b) * u[b].gradient[i];
    for (std::size_t a = 0; a < M; ++a)
      Jet<N>::each_pair([&](std::size_t i, std::size_t j, std::size_t k) {
        c.hessian[k] += f.gradient[a] * u[a].hessian[k] + u[a].gradient[i] * slope[a][j];
      });
  }
  return c;
}

/// ln Γ(a+n) − ln Γ(a) for whole n from 0 upwards, as functions of a, at ascending `counts`.
inline std::vector<Jet<1>> log_rising(double a, std::span<const double> counts) {
  std::vector<Jet<1>> table;
  table.reserve(counts.size());
  Jet<1> sum;
  double at = 0;
  for (const double n : counts) {
    if (n - at > 64) {
      sum = Jet<1>(special::log_rising(a, n));
      sum.gradient[0] = special::digamma(a + n) - special::digamma(a);
      sum.hessian[0] = special::trigamma(a + n) - special::trigamma(a);
    } else {
      for (; at < n; at += 1) {
        const double inverse = 1 / (a + at);
        sum.value += std::log(a + at);
        sum.gradient[0] += inverse;
        sum.hessian[0] -= inverse * inverse;
      }
    }
    at = n;
    table.push_back(sum);
  }
  return table;
}

/// The same as jets of a.
template <std::size_t N, int O>
std::vector<Jet<N, O>> log_rising(const Jet<N, O>& a, std::span<const double> counts) {
  std::vector<Jet<N, O>> table;
  table.reserve(counts.size());
  for (const Jet<1>& f : log_rising(a.value, counts))
    table.push_back(chain(a, f.value, f.gradient[0], f.hessian[0]));
  return table;
}

/// ln Γ(a+e) − ln Γ(a).
template <std::size_t N, int O>
Jet<N, O> log_rising(const Jet<N, O>& a, const Jet<N, O>& e) {
  const double slope = special::digamma(a.value + e.value);
  Jet<2, O> f(special::log_rising(a.value, e.value));
  f.gradient = {slope - special::digamma(a.value), slope};
  if constexpr (O == 2) {
    const double bend = special::trigamma(a.value + e.value);
    f.hessian = {bend - special::trigamma(a.value), bend, bend};
  }
  return compose<N, 2, O>(f, {a, e});
}

/// ln of α^r (α+t)^−(r+x): x purchases and none else until t, less Γ(r+x)/Γ(r).
template <std::size_t N, int O>
Jet<N, O> log_purchases(const Jet<N, O>& r, const Jet<N, O>& alpha, double x, double t) {
  Jet<N, O> value = -(r * log1p(t / alpha));
  if (x > 0) value -= x * log(alpha + t);
  return value;
}

/// Σ in halves: rounding grows with the logarithm of the length.
template <class J>
J pairwise_sum(std::span<const J> parts) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return parts[0];
  const std::size_t half = parts.size() / 2;
  return pairwise_sum(parts.first(half)) + pairwise_sum(parts.subspan(half));
}

/// Σ `term(i)` for i < n, in blocks that depend on n alone.
template <class J, class Term>
J sum_over(std::size_t n, std::size_t block, const Execution& execution, const Term& term) {
  std::vector<J> parts((n + block - 1) / block);
  for_rows(n, block, execution, [&](std::size_t first, std::size_t last) {
    J sum;
    for (std::size_t i = first; i < last; ++i) sum += term(i);
    parts[first / block] = sum;
  });
  return pairwise_sum(std::span<const J>(parts));
}

template <class J, class Term>
std::vector<J> table_of(std::span<const Pair> pairs, const Execution& execution, const Term& term) {
  std::vector<J> table(pairs.size());
  for_rows(pairs.size(), 512, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) table[i] = term(pairs[i]);
  });
  return table;
}

constexpr std::size_t row_block = 4096;

}  // namespace clv
}  // namespace v0
}  // namespace salesops
