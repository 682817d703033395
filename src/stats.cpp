#include "salesops/stats.hpp"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <string>

#include "salesops/random.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace stats {

namespace {

using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
using Beta = boost::math::beta_distribution<double, Policy>;

/// Probability in each tail.
double tail_of(double level) {
  if (!(level > 1 && level < 100))
    throw UsageError("level is in percent, above 1 and below 100: 95, not 0.95");
  return 0.5 - level / 200;
}

void check_counts(std::int64_t successes, std::int64_t trials) {
  if (successes < 0 || successes > trials) throw UsageError("a rate needs 0 <= successes <= trials");
}

void check_probability(double probability) {
  if (!(probability >= 0 && probability <= 1)) throw UsageError("probability must lie in [0, 1]");
}

void check_finite(std::span<const double> values, const char* name) {
  for (const double x : values)
    if (!std::isfinite(x))
      throw UsageError(std::string(name) + " hold NaN or infinity: drop those rows first");
}

/// Ascending copy of values that must be finite and ≥ 0.
std::vector<double> sorted_amounts(std::span<const double> values) {
  check_finite(values, "values");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  if (!sorted.empty() && sorted.front() < 0)
    throw UsageError("concentration needs values of at least 0: net out credits first, or leave them out");
  return sorted;
}

std::vector<double> sorted_copy(std::span<const double> values) {
  check_finite(values, "values");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

double quantile_of_sorted(const std::vector<double>& sorted, double probability) {
  const double place = static_cast<double>(sorted.size() - 1) * probability;
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

/// P(Bin(n, p) ≥ k).
double binomial_at_least(std::size_t k, std::size_t n, double p) {
  if (k == 0) return 1;
  if (k > n) return 0;
  return boost::math::ibeta(static_cast<double>(k), static_cast<double>(n - k + 1), p, Policy{});
}

struct ClusterSum {
  double numerator = 0;
  double denominator = 0;
};

/// Sums by cluster, in the order in which clusters first appear.
std::vector<ClusterSum> sum_by_cluster(std::span<const double> numerators,
                                       std::span<const double> denominators,
                                       std::span<const std::uint64_t> clusters) {
  std::vector<ClusterSum> sums;
  boost::unordered_flat_map<std::uint64_t, std::size_t> place;
  for (std::size_t row = 0; row < numerators.size(); ++row) {
    std::size_t at = sums.size();
    if (!clusters.empty()) at = place.try_emplace(clusters[row], sums.size()).first->second;
    if (at == sums.size()) sums.emplace_back();
    sums[at].numerator += numerators[row];
    sums[at].denominator += denominators[row];
  }
  return sums;
}

/// One bootstrap world: as many clusters as there are, drawn with replacement.
ClusterSum resample(const std::vector<ClusterSum>& sums, random::Stream stream) {
  const auto n = static_cast<std::uint64_t>(sums.size());
  ClusterSum total;
  for (std::uint64_t i = 0; i < n; ++i) {
    // Place by multiplication: a cluster's chance is off by less than n / 2³² of itself.
    const ClusterSum& drawn = sums[stream.bits32() * n >> 32];
    total.numerator += drawn.numerator;
    total.denominator += drawn.denominator;
  }
  return total;
}

}  // namespace

double normal_multiplier(double level) {
  // Thousands of groups ask for one level.
  thread_local double known = NAN, multiplier = 0;
  if (level != known) {
    multiplier = -special::normal_quantile(tail_of(level));
    known = level;
  }
  return multiplier;
}

double student_multiplier(double degrees, double level) {
  const double tail = tail_of(level);
  if (!(degrees > 0)) throw UsageError("degrees of freedom must be above 0");
  return -boost::math::quantile(boost::math::students_t_distribution<double, Policy>(degrees), tail);
}

std::optional<Interval> wilson(std::int64_t successes, std::int64_t trials, double level) {
  check_counts(successes, trials);
  const double z = normal_multiplier(level);
  if (trials == 0) return std::nullopt;
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double z2 = z * z / n;
  const double middle = (p + z2 / 2) / (1 + z2);
  const double half = z / (1 + z2) * std::sqrt(p * (1 - p) / n + z2 / (4 * n));
  return Interval{p, successes == 0 ? 0 : std::max(0.0, middle - half),
                  successes == trials ? 1 : std::min(1.0, middle + half), level};
}

std::optional<Interval> clopper_pearson(std::int64_t successes, std::int64_t trials, double level) {
  check_counts(successes, trials);
  const double tail = tail_of(level);
  if (trials == 0) return std::nullopt;
  const auto k = static_cast<double>(successes);
  const auto n = static_cast<double>(trials);
  return Interval{
      k / n, successes == 0 ? 0 : boost::math::quantile(Beta(k, n - k + 1), tail),
      successes == trials ? 1 : boost::math::quantile(boost::math::complement(Beta(k + 1, n - k), tail)),
      level};
}

std::optional<Interval> jeffreys(std::int64_t successes, std::int64_t trials, double level) {
  check_counts(successes, trials);
  const double tail = tail_of(level);
  if (trials == 0) return std::nullopt;
  const auto k = static_cast<double>(successes);
  const auto n = static_cast<double>(trials);
  const Beta posterior(k + 0.5, n - k + 0.5);
  return Interval{k / n, successes == 0 ? 0 : boost::math::quantile(posterior, tail),
                  successes == trials ? 1 : boost::math::quantile(boost::math::complement(posterior, tail)),
                  level};
}

double sum(std::span<const double> values, const Execution& execution) {
  check_finite(values, "values");
  std::vector<Sum> parts((values.size() + block_rows - 1) / block_rows);
  for_rows(values.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) parts[first / block_rows].add(values[row]);
  });
  Sum whole;
  for (const Sum& part : parts) whole.merge(part);
  return whole.value();
}

Moments moments(std::span<const double> values, const Execution& execution) {
  check_finite(values, "values");
  std::vector<Moments> parts((values.size() + block_rows - 1) / block_rows);
  for_rows(values.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) parts[first / block_rows].add(values[row]);
  });
  Moments whole;
  for (const Moments& part : parts) whole.merge(part);
  return whole;
}

std::optional<Interval> mean_interval(const Moments& of, double level) {
  tail_of(level);
  const std::optional<double> variance = of.variance();
  if (!variance) return std::nullopt;
  const auto n = static_cast<double>(of.count);
  const double half = student_multiplier(n - 1, level) * std::sqrt(*variance / n);
  return Interval{of.mean, of.mean - half, of.mean + half, level};
}

std::optional<Interval> mean_interval(std::span<const double> values, double level) {
  return mean_interval(moments(values), level);
}

std::optional<double> quantile(std::span<const double> values, double probability) {
  const std::vector<double> found = quantiles(values, std::span(&probability, 1));
  if (found.empty()) return std::nullopt;
  return found.front();
}

std::vector<double> quantiles(std::span<const double> values, std::span<const double> probabilities) {
  std::for_each(probabilities.begin(), probabilities.end(), check_probability);
  const std::vector<double> sorted = sorted_copy(values);
  std::vector<double> found;
  if (sorted.empty()) return found;
  for (const double probability : probabilities) found.push_back(quantile_of_sorted(sorted, probability));
  return found;
}

std::optional<Interval> quantile_interval(std::span<const double> values, double probability, double level) {
  check_probability(probability);
  const double tail = tail_of(level);
  const std::vector<double> sorted = sorted_copy(values);
  const std::size_t n = sorted.size();
  // Both conditions are monotone in the rank, so each end is found by bisection.
  std::size_t r = 0;
  for (std::size_t low = 1, high = n + 1; low < high;) {
    const std::size_t rank = (low + high) / 2;
    if (1 - binomial_at_least(rank, n, probability) <= tail) {
      r = rank;
      low = rank + 1;
    } else {
      high = rank;
    }
  }
  std::size_t s = n + 1;
  for (std::size_t low = 1, high = n + 1; low < high;) {
    const std::size_t rank = (low + high) / 2;
    if (binomial_at_least(rank, n, probability) <= tail) {
      s = rank;
      high = rank;
    } else {
      low = rank + 1;
    }
  }
  if (r == 0 || s > n) return std::nullopt;
  return Interval{quantile_of_sorted(sorted, probability), sorted[r - 1], sorted[s - 1], level};
}

std::optional<Interval> median_interval(std::span<const double> values, double level) {
  return quantile_interval(values, 0.5, level);
}

std::optional<RatioInterval> ratio_interval(std::span<const double> numerators,
                                            std::span<const double> denominators,
                                            std::span<const std::uint64_t> clusters,
                                            const RatioOptions& options) {
  const double tail = tail_of(options.level);
  if (options.replicates < 100 || options.replicates > 1'000'000)
    throw UsageError("replicates must lie between 100 and 1,000,000");
  if (numerators.size() != denominators.size() || (!clusters.empty() && clusters.size() != numerators.size()))
    throw UsageError("numerators, denominators and clusters must have one length");
  check_finite(numerators, "numerators");
  check_finite(denominators, "denominators");
  if (std::any_of(denominators.begin(), denominators.end(), [](double x) { return x < 0; }))
    throw UsageError("denominators must be at least 0");

  const std::vector<ClusterSum> sums = sum_by_cluster(numerators, denominators, clusters);
  ClusterSum whole;
  for (const ClusterSum& part : sums) {
    whole.numerator += part.numerator;
    whole.denominator += part.denominator;
  }
  if (sums.size() < 2 || !(whole.denominator > 0)) return std::nullopt;

  std::vector<ClusterSum> worlds(static_cast<std::size_t>(options.replicates));
  for_rows(worlds.size(), 16, options.execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i)
      worlds[i] = resample(sums, random::Stream(options.seed, i, random::purpose("ratio_interval")));
  });
  std::vector<double> ratios;
  ratios.reserve(worlds.size());
  for (const ClusterSum& world : worlds)
    if (world.denominator > 0) ratios.push_back(world.numerator / world.denominator);
  if (ratios.empty()) return std::nullopt;
  std::sort(ratios.begin(), ratios.end());
  return RatioInterval{{whole.numerator / whole.denominator, quantile_of_sorted(ratios, tail),
                        quantile_of_sorted(ratios, 1 - tail), options.level},
                       static_cast<std::int64_t>(sums.size()),
                       static_cast<int>(ratios.size())};
}

std::optional<double> gini(std::span<const double> values) {
  const std::vector<double> sorted = sorted_amounts(values);
  const auto n = static_cast<double>(sorted.size());
  Sum total;
  Sum ranked;
  double rank = 1 - n;
  for (const double x : sorted) {
    total.add(x);
    ranked.add(rank * x);
    rank += 2;
  }
  if (!(total.value() > 0)) return std::nullopt;
  return ranked.value() / (n * total.value());
}

std::optional<double> herfindahl(std::span<const double> values) {
  const std::vector<double> sorted = sorted_amounts(values);
  Sum total;
  for (const double x : sorted) total.add(x);
  if (!(total.value() > 0)) return std::nullopt;
  Sum squares;
  for (const double x : sorted) squares.add(x / total.value() * (x / total.value()));
  return squares.value();
}

std::optional<double> top_share(std::span<const double> values, std::size_t n) {
  const std::vector<double> sorted = sorted_amounts(values);
  Sum total;
  Sum top;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    total.add(sorted[i]);
    if (sorted.size() - i <= n) top.add(sorted[i]);
  }
  if (!(total.value() > 0)) return std::nullopt;
  return top.value() / total.value();
}

}  // namespace stats
}  // namespace v0
}  // namespace salesops
