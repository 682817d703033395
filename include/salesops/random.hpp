/// @file random.hpp
/// Random numbers that depend on what they are for, not on when they are drawn.
///
/// A `Stream` is named by (seed, entity, purpose, draw). The same name gives the same numbers on any
/// number of threads, in any order, in any batch, on any machine, and two names give independent
/// numbers. So a deal keeps its luck when other deals come and go.
///
/// The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2,
/// 3, SC 2011), a keyed bijection of a 128-bit counter. The distributions are our own: those of the
/// standard library differ between vendors. Bits, integers and uniforms are equal everywhere; what
/// goes through `exp` and `log` is equal on one build and CPU type.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "salesops/error.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace random {

using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

/// Philox4x32-10: 128 random bits of a counter under a key.
[[nodiscard]] constexpr Counter philox(Counter counter, Key key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t left = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t right = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(right >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(right),
        static_cast<std::uint32_t>(left >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(left)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

/// A bijection of 64 bits in which each output bit depends on all input bits (the finaliser of
/// SplitMix64: Steele, Lea, Flood 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

/// Entity key of a text: 64-bit FNV-1a over its bytes, then `mix`. Stable for ever; not for secrets.
/// The odds that any two of a million names share a key are about 1 in 37 million.
[[nodiscard]] constexpr std::uint64_t key_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return mix(hash);
}

/// Entity key of two keys, order matters: (deal, stage), (customer, month).
[[nodiscard]] constexpr std::uint64_t key_of(std::uint64_t first, std::uint64_t second) noexcept {
  return mix(mix(first + 0x9E3779B97F4A7C15U) + second);
}

/// What a stream is for, so that two uses of one entity never share numbers: `purpose("won")`.
[[nodiscard]] constexpr std::uint64_t purpose(std::string_view name) noexcept { return key_of(name); }

/// One sequence of random numbers: 2³² blocks of 128 bits. Copying it copies its place.
///
/// Every distribution returns NaN (or 0 for counts) for parameters outside its domain, and allocates
/// nothing.
class Stream {
 public:
  constexpr explicit Stream(std::uint64_t seed, std::uint64_t entity = 0, std::uint64_t purpose_key = 0,
                            std::uint32_t draw = 0) noexcept
      : counter_{0, draw, low(entity), high(entity)} {
    const std::uint64_t key = mix(seed + mix(purpose_key));
    key_ = {low(key), high(key)};
  }

  [[nodiscard]] constexpr std::uint32_t bits32() noexcept {
    if (used_ == 4) {
      block_ = philox(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }
  [[nodiscard]] constexpr std::uint64_t bits64() noexcept {
    const std::uint64_t first = bits32();
    return first << 32 | bits32();
  }

  /// 53 random bits in [0, 1).
  [[nodiscard]] constexpr double uniform01() noexcept {
    return static_cast<double>(bits64() >> 11) * 0x1.0p-53;
  }
  /// In (0, 1), symmetric around ½: safe under a logarithm or a quantile function.
  [[nodiscard]] constexpr double uniform_open() noexcept {
    return (static_cast<double>(bits64() >> 12) + 0.5) * 0x1.0p-52;
  }
  [[nodiscard]] constexpr double uniform(double low_end, double high_end) noexcept {
    return low_end + (high_end - low_end) * uniform01();
  }

  /// Each integer of [first, last] equally often, exactly (masked rejection). `first` if last < first.
  [[nodiscard]] constexpr std::int64_t integer(std::int64_t first, std::int64_t last) noexcept {
    if (last <= first) return first;
    const std::uint64_t width = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
    std::uint64_t mask = width;
    for (const int shift : {1, 2, 4, 8, 16, 32}) mask |= mask >> shift;
    const bool narrow = mask <= 0xFFFFFFFFU;
    std::uint64_t offset = 0;
    do {
      offset = (narrow ? bits32() : bits64()) & mask;
    } while (offset > width);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + offset);
  }

  /// True with probability p.
  [[nodiscard]] constexpr bool bernoulli(double p) noexcept { return uniform01() < p; }

  /// Standard normal, by inversion: one uniform a number, so shared streams give shared shocks.
  [[nodiscard]] double normal() noexcept { return special::normal_quantile(uniform_open()); }
  [[nodiscard]] double normal(double mean, double sd) noexcept { return mean + sd * normal(); }

  /// Mean 1/rate.
  [[nodiscard]] double exponential(double rate = 1) noexcept {
    return rate > 0 ? -std::log(uniform_open()) / rate : special::not_a_number;
  }

  /// Mean shape/rate, variance shape/rate² (Marsaglia & Tsang 2000; below shape 1 by their U^(1/shape)).
  [[nodiscard]] double gamma(double shape, double rate = 1) noexcept {
    return rate > 0 ? std::exp(log_gamma_variate(shape)) / rate : special::not_a_number;
  }

  /// Mean a/(a+b). Made of logarithms, so shapes near 0 give values near 0 and 1, never NaN.
  [[nodiscard]] double beta(double a, double b) noexcept {
    return special::logistic(log_gamma_variate(a) - log_gamma_variate(b));
  }

  /// Mean and variance `mean`: products of uniforms below 10, transformed rejection above (PTRS,
  /// Hörmann 1993). 0 for means that are not in [0, 1e15].
  [[nodiscard]] std::int64_t poisson(double mean) noexcept {
    if (!(mean > 0 && mean <= 1e15)) return 0;
    return mean < 10 ? poisson_by_products(mean) : poisson_by_rejection(mean);
  }

  /// Failures before the `size`-th success of probability p (size real): mean size·(1−p)/p. A Poisson
  /// number whose mean is gamma: purchases of a crowd of unequal customers.
  [[nodiscard]] std::int64_t negative_binomial(double size, double p) noexcept {
    if (!(size > 0 && p > 0 && p <= 1)) return 0;
    return poisson(gamma(size) * (1 - p) / p);
  }

  /// Position drawn with probability weights[i] / Σ weights; `AliasTable` when drawn often. Weights
  /// are ≥ 0 and sum to more than 0, else the last position.
  [[nodiscard]] std::size_t categorical(std::span<const double> weights) noexcept {
    double total = 0;
    for (const double w : weights) total += w;
    double left = uniform01() * total;
    std::size_t last = weights.empty() ? 0 : weights.size() - 1;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] <= 0) continue;
      if (left < weights[i]) return i;
      left -= weights[i];
      last = i;
    }
    return last;
  }

  /// Shares that sum to 1, with concentration alpha[i] > 0, into `shares` of the same length.
  void dirichlet(std::span<const double> alpha, std::span<double> shares) noexcept {
    double top = -special::infinity;
    for (std::size_t i = 0; i < alpha.size(); ++i) {
      shares[i] = log_gamma_variate(alpha[i]);
      top = std::fmax(top, shares[i]);
    }
    double total = 0;
    for (double& share : shares) total += share = std::exp(share - top);
    for (double& share : shares) share /= total;
  }

 private:
  static constexpr std::uint32_t low(std::uint64_t x) noexcept { return static_cast<std::uint32_t>(x); }
  static constexpr std::uint32_t high(std::uint64_t x) noexcept {
    return static_cast<std::uint32_t>(x >> 32);
  }

  /// ln of a gamma(shape, 1) number; the logarithm keeps what underflows for small shapes.
  double log_gamma_variate(double shape) noexcept {
    if (!(shape > 0) || std::isinf(shape)) return special::not_a_number;
    double boost = 0;
    if (shape < 1) {
      boost = std::log(uniform_open()) / shape;
      shape += 1;
    }
    const double d = shape - 1.0 / 3;
    const double c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = normal();
      const double root = 1 + c * x;
      if (root <= 0) continue;
      const double v = root * root * root;
      if (std::log(uniform_open()) < 0.5 * x * x + d - d * v + d * std::log(v))
        return std::log(d * v) + boost;
    }
  }

  std::int64_t poisson_by_products(double mean) noexcept {
    const double floor = std::exp(-mean);
    std::int64_t n = 0;
    for (double product = uniform_open(); product > floor; product *= uniform_open()) ++n;
    return n;
  }

  std::int64_t poisson_by_rejection(double mean) noexcept {
    const double log_mean = std::log(mean);
    const double b = 0.931 + 2.53 * std::sqrt(mean);
    const double a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    const double v_r = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
      const double u = uniform_open() - 0.5;
      const double v = uniform_open();
      const double us = 0.5 - std::fabs(u);
      const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= v_r) return static_cast<std::int64_t>(k);
      if (k < 0 || (us < 0.013 && v > us)) continue;
      if (std::log(v * inverse_alpha / (a / (us * us) + b)) <=
          k * log_mean - mean - special::log_gamma(k + 1))
        return static_cast<std::int64_t>(k);
    }
  }

  Counter counter_;
  Key key_{};
  Counter block_{};
  std::size_t used_ = 4;
};

/// Positions drawn in constant time with given weights (Walker's alias method, built after Vose 1991).
class AliasTable {
 public:
  /// Weights: finite, ≥ 0, at least one > 0, else `UsageError`.
  explicit AliasTable(std::span<const double> weights) {
    double total = 0;
    std::size_t heaviest = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (!(weights[i] >= 0)) throw UsageError("AliasTable: weights must be numbers of at least 0");
      total += weights[i];
      if (weights[i] > weights[heaviest]) heaviest = i;
    }
    if (!(total > 0) || std::isinf(total))
      throw UsageError("AliasTable: weights must have a finite sum above 0");
    const std::size_t n = weights.size();
    share_.resize(n);
    alias_.resize(n);
    std::vector<std::size_t> small;
    std::vector<std::size_t> large;
    for (std::size_t i = 0; i < n; ++i) {
      share_[i] = weights[i] / total * static_cast<double>(n);
      alias_[i] = heaviest;
      (share_[i] < 1 ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const std::size_t poor = small.back();
      const std::size_t rich = large.back();
      small.pop_back();
      alias_[poor] = rich;
      share_[rich] -= 1 - share_[poor];
      if (share_[rich] < 1) {
        large.pop_back();
        small.push_back(rich);
      }
    }
    // What rounding left over is full; what never had weight goes to the heaviest.
    for (const std::size_t i : large) share_[i] = 1;
    for (const std::size_t i : small)
      if (weights[i] > 0) share_[i] = 1;
  }

  [[nodiscard]] std::size_t size() const noexcept { return share_.size(); }
  [[nodiscard]] std::size_t operator()(Stream& stream) const noexcept {
    const auto column = static_cast<std::size_t>(stream.integer(0, static_cast<std::int64_t>(size()) - 1));
    return stream.uniform01() < share_[column] ? column : alias_[column];
  }

 private:
  std::vector<double> share_;
  std::vector<std::size_t> alias_;
};

}  // namespace random
}  // namespace v0
}  // namespace salesops
