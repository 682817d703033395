/// @file stats.hpp
/// How sure a number is, and how evenly a total is spread.
///
/// | question                                  | here                                  |
/// |-------------------------------------------|---------------------------------------|
/// | a rate (wins of closed deals)             | `wilson`, `clopper_pearson`, `jeffreys` |
/// | a mean (deal size)                        | `mean_interval`                       |
/// | a median or other quantile (days to close) | `quantile_interval`                  |
/// | a ratio of sums (revenue per rep, ARPA)   | `ratio_interval`                      |
/// | concentration (revenue per customer)      | `gini`, `herfindahl`, `top_share`     |
/// | sums and moments the same for any threads | `Sum`, `Moments`, `sum`, `moments`    |
///
/// `level` is in percent, strictly between 1 and 100: 95, not 0.95. Where there is nothing to estimate
/// from, the answer is `std::nullopt`, never 0 and never NaN. NaN or infinite input is a `UsageError`.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace stats {

/// An estimate with the range that holds the truth in `level` percent of repeated studies.
struct Interval {
  double estimate = 0;
  double low = 0;
  double high = 0;
  double level = 95;
};

/// z with P(|N(0,1)| ≤ z) = level %. Throws `UsageError` for a level outside (1, 100).
[[nodiscard]] double normal_multiplier(double level);
/// t with P(|T| ≤ t) = level % at `degrees` of freedom.
[[nodiscard]] double student_multiplier(double degrees, double level);

// ---- Rates ----------------------------------------------------------------------------------------

/// Wilson's score interval of a rate (1927), without continuity correction:
/// (p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n). The default for rates: right on average even
/// at 0 or all of n. `nullopt` when trials = 0; `UsageError` unless 0 ≤ successes ≤ trials.
[[nodiscard]] std::optional<Interval> wilson(std::int64_t successes, std::int64_t trials, double level = 95);

/// Clopper and Pearson's exact interval (1934): never covers less than `level`, so it is wider.
[[nodiscard]] std::optional<Interval> clopper_pearson(std::int64_t successes, std::int64_t trials,
                                                      double level = 95);

/// Equal-tailed posterior interval under Jeffreys' prior Beta(½, ½); an end is 0 or 1 when none or all
/// succeeded (Brown, Cai, DasGupta 2001).
[[nodiscard]] std::optional<Interval> jeffreys(std::int64_t successes, std::int64_t trials,
                                               double level = 95);

// ---- Sums and moments -----------------------------------------------------------------------------

/// A sum that keeps the digits lost by rounding (Neumaier 1974); mergeable.
struct Sum {
  double total = 0;
  double lost = 0;

  void add(double x) noexcept {
    const double next = total + x;
    lost += std::fabs(total) >= std::fabs(x) ? (total - next) + x : (x - next) + total;
    total = next;
  }
  void merge(const Sum& other) noexcept {
    add(other.total);
    add(other.lost);
  }
  [[nodiscard]] double value() const noexcept { return total + lost; }
};

/// Count, mean and spread in one pass (Welford 1962); merged by Chan, Golub, LeVeque (1979).
struct Moments {
  std::int64_t count = 0;
  double mean = 0;
  double squares = 0;  ///< Σ (x − mean)²

  void add(double x) noexcept {
    ++count;
    const double off = x - mean;
    mean += off / static_cast<double>(count);
    squares += off * (x - mean);
  }
  void merge(const Moments& other) noexcept {
    if (other.count == 0) return;
    const auto mine = static_cast<double>(count);
    const auto theirs = static_cast<double>(other.count);
    const double off = other.mean - mean;
    count += other.count;
    mean += off * theirs / (mine + theirs);
    squares += other.squares + off * off * mine * theirs / (mine + theirs);
  }
  /// Sample variance (n − 1); nothing below two values.
  [[nodiscard]] std::optional<double> variance() const noexcept {
    if (count < 2) return std::nullopt;
    return squares / static_cast<double>(count - 1);
  }
};

/// Rows of one block of `sum` and `moments`. Blocks are merged in order, so results are equal to the bit
/// for any number of threads.
inline constexpr std::size_t block_rows = 4096;

/// Σ values, compensated; for finite values.
[[nodiscard]] double sum(std::span<const double> values, const Execution& execution = {});
/// Moments of finite values.
[[nodiscard]] Moments moments(std::span<const double> values, const Execution& execution = {});

// ---- Means, quantiles, ratios ---------------------------------------------------------------------

/// mean ± t √(s²/n), Student's interval. `nullopt` below two values.
[[nodiscard]] std::optional<Interval> mean_interval(const Moments& moments, double level = 95);
[[nodiscard]] std::optional<Interval> mean_interval(std::span<const double> values, double level = 95);

/// Quantile of type 7 (Hyndman & Fan 1996; the default of R, NumPy and spreadsheets): linear between
/// order statistics at 1 + (n−1)·probability. `nullopt` without values.
[[nodiscard]] std::optional<double> quantile(std::span<const double> values, double probability);
/// Several quantiles with one sort; empty without values.
[[nodiscard]] std::vector<double> quantiles(std::span<const double> values,
                                            std::span<const double> probabilities);

/// Quantile (type 7) with the order-statistic interval: the closest order statistics x₍ᵣ₎ ≤ x₍ₛ₎ with
/// P(Bin(n, p) < r) ≤ α/2 and P(Bin(n, p) ≥ s) ≤ α/2. No shape is assumed; it covers at least
/// `level`. `nullopt` when n is too small for that (a median at 95 % needs 6 values).
[[nodiscard]] std::optional<Interval> quantile_interval(std::span<const double> values, double probability,
                                                        double level = 95);
[[nodiscard]] std::optional<Interval> median_interval(std::span<const double> values, double level = 95);

struct RatioOptions {
  double level = 95;
  int replicates = 1000;  ///< 100 to 1,000,000
  std::uint64_t seed = 1;
  Execution execution = {};
};

struct RatioInterval {
  Interval interval;
  std::int64_t clusters = 0;
  int replicates = 0;  ///< those whose denominator was above 0, the ones the interval is made of
};

/// Σ numerators / Σ denominators with a cluster bootstrap (percentile interval, type 7): whole clusters
/// are drawn with replacement, so rows of one customer or rep may depend on one another. Empty
/// `clusters` means each row is its own. Replicate i is drawn from (seed, i) alone: equal for any
/// number of threads. `nullopt` when the denominators do not sum to above 0, or with fewer than two
/// clusters. Denominators are ≥ 0.
[[nodiscard]] std::optional<RatioInterval> ratio_interval(std::span<const double> numerators,
                                                          std::span<const double> denominators,
                                                          std::span<const std::uint64_t> clusters = {},
                                                          const RatioOptions& options = {});

// ---- Concentration --------------------------------------------------------------------------------

/// Gini coefficient, Σ (2i − n − 1) x₍ᵢ₎ / (n Σ x): 0 = all equal, (n−1)/n = one has all. Values ≥ 0;
/// `nullopt` when they sum to 0.
[[nodiscard]] std::optional<double> gini(std::span<const double> values);
/// Herfindahl–Hirschman index Σ (xᵢ / Σ x)², 1/n to 1 (times 10,000 in competition law). Values ≥ 0.
[[nodiscard]] std::optional<double> herfindahl(std::span<const double> values);
/// Share of the total held by the `n` largest, 0 to 1. Values ≥ 0.
[[nodiscard]] std::optional<double> top_share(std::span<const double> values, std::size_t n);

}  // namespace stats
}  // namespace v0
}  // namespace salesops
