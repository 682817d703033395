// Log-likelihoods as jets in the logarithms of the parameters, summed the same way for any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "population.hpp"
#include "salesops/optimize.hpp"
#include "salesops/parallel.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

using optimize::Jet;

/// e^θ, each by its own θ.
template <std::size_t N>
std::array<Jet<N>, N> parameters_at(std::span<const double> log_parameters) {
  std::array<Jet<N>, N> parameters;
  for (std::size_t i = 0; i < N; ++i) parameters[i] = Jet<N>::exponential(log_parameters[i], i);
  return parameters;
}

/// A jet of M variables of jets of N variables.
template <std::size_t N, std::size_t M>
Jet<N> compose(const Jet<M>& f, const std::array<Jet<N>, M>& u) {
  Jet<N> c(f.value);
  std::array<std::array<double, N>, M> slope{};  // Σ_b f_ab ∇u_b
  for (std::size_t a = 0; a < M; ++a)
    for (std::size_t b = 0; b < M; ++b)
      for (std::size_t i = 0; i < N; ++i) slope[a][i] += f.second(a, b) * u[b].gradient[i];
  for (std::size_t a = 0; a < M; ++a) {
    for (std::size_t i = 0; i < N; ++i) c.gradient[i] += f.gradient[a] * u[a].gradient[i];
    for (std::size_t i = 0, k = 0; i < N; ++i)
      for (std::size_t j = 0; j <= i; ++j, ++k)
        c.hessian[k] += f.gradient[a] * u[a].hessian[k] + u[a].gradient[i] * slope[a][j];
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
template <std::size_t N>
std::vector<Jet<N>> log_rising(const Jet<N>& a, std::span<const double> counts) {
  std::vector<Jet<N>> table;
  table.reserve(counts.size());
  for (const Jet<1>& f : log_rising(a.value, counts))
    table.push_back(chain(a, f.value, f.gradient[0], f.hessian[0]));
  return table;
}

/// ln Γ(a+e) − ln Γ(a).
template <std::size_t N>
Jet<N> log_rising(const Jet<N>& a, const Jet<N>& e) {
  const double slope = special::digamma(a.value + e.value);
  const double bend = special::trigamma(a.value + e.value);
  Jet<2> f(special::log_rising(a.value, e.value));
  f.gradient = {slope - special::digamma(a.value), slope};
  f.hessian = {bend - special::trigamma(a.value), bend, bend};
  return compose<N, 2>(f, {a, e});
}

/// ln of α^r (α+t)^−(r+x): x purchases and none else until t, less Γ(r+x)/Γ(r).
template <std::size_t N>
Jet<N> log_purchases(const Jet<N>& r, const Jet<N>& alpha, double x, double t) {
  Jet<N> value = -(r * log1p(t / alpha));
  if (x > 0) value -= x * log(alpha + t);
  return value;
}

/// Σ in halves: rounding grows with the logarithm of the length.
template <std::size_t N>
Jet<N> pairwise_sum(std::span<const Jet<N>> parts) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return parts[0];
  const std::size_t half = parts.size() / 2;
  return pairwise_sum(parts.first(half)) + pairwise_sum(parts.subspan(half));
}

/// Σ `term(i)` for i < n, in blocks that depend on n alone.
template <std::size_t N, class Term>
Jet<N> sum_over(std::size_t n, std::size_t block, const Execution& execution, const Term& term) {
  std::vector<Jet<N>> parts((n + block - 1) / block);
  for_rows(n, block, execution, [&](std::size_t first, std::size_t last) {
    Jet<N> sum;
    for (std::size_t i = first; i < last; ++i) sum += term(i);
    parts[first / block] = sum;
  });
  return pairwise_sum(std::span<const Jet<N>>(parts));
}

template <std::size_t N, class Term>
std::vector<Jet<N>> table_of(std::span<const Pair> pairs, const Execution& execution, const Term& term) {
  std::vector<Jet<N>> table(pairs.size());
  for_rows(pairs.size(), 512, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) table[i] = term(pairs[i]);
  });
  return table;
}

constexpr std::size_t row_block = 4096;

}  // namespace clv
}  // namespace v0
}  // namespace salesops
