#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "salesops/random.hpp"

using namespace salesops;
using random::Stream;

namespace {

constexpr int n = 200'000;

struct Sample {
  double mean = 0;
  double variance = 0;
};

Sample sample(const std::function<double()>& draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / n;
  return {mean, squares / n - mean * mean};
}

/// Mean within five standard errors, variance within `tolerance` of itself.
void expect_moments(const Sample& got, double mean, double variance, double tolerance = 0.03) {
  EXPECT_NEAR(got.mean, mean, 5 * std::sqrt(variance / n));
  EXPECT_NEAR(got.variance, variance, tolerance * variance);
}

/// Kolmogorov–Smirnov distance times √n; 1.95 is passed once in a thousand times.
double kolmogorov(const std::function<double()>& draw, const std::function<double(double)>& cdf) {
  std::vector<double> values(n);
  std::generate(values.begin(), values.end(), draw);
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (int i = 0; i < n; ++i) {
    const double p = cdf(values[static_cast<std::size_t>(i)]);
    distance = std::max({distance, p - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - p});
  }
  return distance * std::sqrt(static_cast<double>(n));
}

}  // namespace

// The known-answer vectors published with Random123.
TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(random::philox({0, 0, 0, 0}, {0, 0}),
            (random::Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(random::philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (random::Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(random::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (random::Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, NamesGiveTheSameNumbersAndOnlyTheirOwn) {
  Stream one(7, random::key_of("deal-1"), random::purpose("won"), 3);
  Stream same(7, random::key_of("deal-1"), random::purpose("won"), 3);
  std::set<std::uint64_t> firsts;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(one.bits32(), same.bits32());
  for (const std::uint64_t seed : {1U, 2U})
    for (const char* entity : {"deal-1", "deal-2"})
      for (const char* purpose : {"won", "amount"})
        for (const std::uint32_t draw : {0U, 1U})
          firsts.insert(Stream(seed, random::key_of(entity), random::purpose(purpose), draw).bits64());
  EXPECT_EQ(firsts.size(), 16U);
}

TEST(Random, NeighbouringEntitiesAreUncorrelated) {
  double sum = 0;
  for (std::uint64_t entity = 0; entity < n; ++entity)
    sum += (Stream(1, entity).uniform01() - 0.5) * (Stream(1, entity + 1).uniform01() - 0.5);
  EXPECT_NEAR(sum / n * 12, 0, 5 / std::sqrt(n));
}

TEST(Random, KeysAreStable) {
  static_assert(random::key_of("") == random::mix(0xCBF29CE484222325U));
  static_assert(random::key_of("a") == random::mix(0xAF63DC4C8601EC8CU));  // FNV-1a test value of "a"
  std::set<std::uint64_t> keys;
  for (int i = 0; i < 100'000; ++i) keys.insert(random::key_of("customer-" + std::to_string(i)));
  EXPECT_EQ(keys.size(), 100'000U);
  EXPECT_NE(random::key_of(1, 2), random::key_of(2, 1));
}

TEST(Random, UniformNormalExponential) {
  Stream stream(11);
  EXPECT_LT(kolmogorov([&] { return stream.uniform01(); }, [](double x) { return x; }), 1.95);
  EXPECT_LT(kolmogorov([&] { return stream.normal(); }, special::normal_cdf), 1.95);
  EXPECT_LT(kolmogorov([&] { return stream.exponential(2); }, [](double x) { return -std::expm1(-2 * x); }),
            1.95);
  expect_moments(sample([&] { return stream.normal(3, 2); }), 3, 4);
}

TEST(Random, GammaAndBeta) {
  Stream stream(12);
  for (const double shape : {0.05, 0.5, 1.0, 2.5, 80.0})
    expect_moments(sample([&] { return stream.gamma(shape, 2); }), shape / 2, shape / 4, 0.1);
  EXPECT_LT(kolmogorov([&] { return stream.gamma(1); }, [](double x) { return -std::expm1(-x); }), 1.95);
  EXPECT_LT(kolmogorov([&] { return stream.gamma(0.5); }, [](double x) { return std::erf(std::sqrt(x)); }),
            1.95);
  EXPECT_LT(kolmogorov([&] { return stream.beta(2, 1); }, [](double x) { return x * x; }), 1.95);
  expect_moments(sample([&] { return stream.beta(0.3, 1.2); }), 0.2, 0.3 * 1.2 / (2.25 * 2.5));
  for (int i = 0; i < 1000; ++i) {
    const double x = stream.beta(1e-4, 1e-4);
    EXPECT_TRUE(x >= 0 && x <= 1);
  }
}

TEST(Random, Counts) {
  Stream stream(13);
  for (const double mean : {0.1, 3.0, 9.99, 10.0, 45.0, 1e6})
    expect_moments(sample([&] { return static_cast<double>(stream.poisson(mean)); }), mean, mean);
  expect_moments(sample([&] { return static_cast<double>(stream.negative_binomial(2.5, 0.25)); }), 7.5, 30);
  expect_moments(sample([&] { return stream.bernoulli(0.2) ? 1 : 0; }), 0.2, 0.16);
}

TEST(Random, PoissonFrequenciesAroundTheSwitch) {
  for (const double mean : {9.5, 12.0}) {
    Stream stream(14);
    std::vector<double> seen(60, 0);
    for (int i = 0; i < n; ++i) seen[static_cast<std::size_t>(stream.poisson(mean))] += 1;
    double chi2 = 0;
    int cells = 0;
    for (std::size_t k = 0; k < seen.size(); ++k) {
      const double kk = static_cast<double>(k);
      const double expected = n * std::exp(kk * std::log(mean) - mean - special::log_gamma(kk + 1));
      if (expected < 20) continue;
      chi2 += (seen[k] - expected) * (seen[k] - expected) / expected;
      ++cells;
    }
    EXPECT_LT(chi2, cells + 4 * std::sqrt(2.0 * cells));
  }
}

TEST(Random, IntegersAreUnbiased) {
  Stream stream(15);
  std::vector<int> seen(7, 0);
  for (int i = 0; i < n; ++i) ++seen[static_cast<std::size_t>(stream.integer(-3, 3) + 3)];
  for (const int k : seen) EXPECT_NEAR(k, n / 7.0, 5 * std::sqrt(n / 7.0));
  EXPECT_EQ(stream.integer(5, 5), 5);
  EXPECT_EQ(stream.integer(5, 4), 5);
  const auto first = std::numeric_limits<std::int64_t>::min();
  const auto last = std::numeric_limits<std::int64_t>::max();
  EXPECT_NE(stream.integer(first, last), stream.integer(first, last));
  for (int i = 0; i < 100; ++i) EXPECT_GE(stream.integer(last - 2, last), last - 2);
}

TEST(Random, CategoricalAndAlias) {
  const std::vector<double> weights{0, 1, 0, 2, 5, 0};
  const random::AliasTable table(weights);
  Stream stream(16);
  std::vector<double> scanned(6, 0);
  std::vector<double> aliased(6, 0);
  for (int i = 0; i < n; ++i) {
    ++scanned[stream.categorical(weights)];
    ++aliased[table(stream)];
  }
  for (std::size_t i = 0; i < 6; ++i) {
    const double expected = n * weights[i] / 8;
    EXPECT_NEAR(scanned[i], expected, 5 * std::sqrt(expected));
    EXPECT_NEAR(aliased[i], expected, 5 * std::sqrt(expected));
  }
  EXPECT_THROW(random::AliasTable({}), UsageError);
  EXPECT_THROW(random::AliasTable(std::vector<double>{1, special::not_a_number}), UsageError);
  EXPECT_THROW(random::AliasTable(std::vector<double>{0, 0}), UsageError);
}

TEST(Random, DirichletSharesSumToOne) {
  const std::vector<double> alpha{1, 2, 0.001};
  std::vector<double> shares(3);
  Stream stream(17);
  double mean = 0;
  for (int i = 0; i < n; ++i) {
    stream.dirichlet(alpha, shares);
    ASSERT_NEAR(shares[0] + shares[1] + shares[2], 1, 1e-12);
    mean += shares[1] / n;
  }
  EXPECT_NEAR(mean, 2 / 3.001, 0.003);
}

TEST(Random, OutsideTheDomain) {
  Stream stream(18);
  EXPECT_TRUE(std::isnan(stream.gamma(-1)));
  EXPECT_TRUE(std::isnan(stream.exponential(0)));
  EXPECT_TRUE(std::isnan(stream.beta(0, 1)));
  EXPECT_EQ(stream.poisson(special::not_a_number), 0);
  EXPECT_EQ(stream.negative_binomial(1, 0), 0);
}
