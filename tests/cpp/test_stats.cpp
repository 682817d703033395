#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "salesops/random.hpp"
#include "salesops/stats.hpp"
#include "test_data.hpp"

using namespace salesops;

namespace {

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, separator);) cells.push_back(cell);
  return cells;
}

void expect_close(double actual, double expected, double tolerance, const std::string& what) {
  EXPECT_LE(std::fabs(actual - expected), tolerance * std::fabs(expected) + 1e-300)
      << what << ": " << actual << " for " << expected;
}

stats::Interval by_name(const std::string& name, std::int64_t k, std::int64_t n, double level) {
  if (name == "wilson") return stats::wilson(k, n, level).value();
  if (name == "clopper_pearson") return stats::clopper_pearson(k, n, level).value();
  return stats::jeffreys(k, n, level).value();
}

}  // namespace

TEST(Stats, MatchesHighPrecision) {
  std::ifstream file(SALESOPS_SOURCE_DIR "/tests/golden/stats.csv");
  std::string line;
  std::getline(file, line);
  int rows = 0;
  for (; std::getline(file, line); ++rows) {
    const auto cell = split(line, ',');
    const double level = std::stod(cell[3]);
    if (cell[0] == "student") {
      expect_close(stats::student_multiplier(std::stod(cell[1]), level), std::stod(cell[5]), 1e-13, line);
      continue;
    }
    const stats::Interval got = by_name(cell[0], std::stoll(cell[1]), std::stoll(cell[2]), level);
    expect_close(got.low, std::stod(cell[4]), 1e-12, line);
    expect_close(got.high, std::stod(cell[5]), 1e-12, line);
  }
  EXPECT_EQ(rows, 87);
}

// Rows of R's prop.test(correct = FALSE) and binom.test, to 12 digits.
TEST(Stats, MatchesR) {
  const auto folder = test_data();
  if (folder.empty()) GTEST_SKIP();
  std::ifstream file(folder / "survival" / "reference_survival.csv");
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    auto cell = split(line, '"');  // the cells stand at odd places
    if (cell.size() < 12 || cell[1] != "proportion") continue;
    const auto fraction = split(cell[9], '/');
    const stats::Interval got = by_name(cell[3], std::stoll(fraction[0]), std::stoll(fraction[1]), 95);
    expect_close(cell[7] == "low" ? got.low : got.high, std::stod(cell[11]), 6e-12, line);
    ++rows;
  }
  EXPECT_EQ(rows, 28);
}

TEST(Stats, RatesOfTheHandbook) {
  const auto three = stats::wilson(3, 10).value();
  EXPECT_NEAR(three.low, 0.108, 5e-4);
  EXPECT_NEAR(three.high, 0.603, 5e-4);
  const auto none = stats::wilson(0, 5).value();
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.434, 1e-3);
  EXPECT_EQ(stats::wilson(0, 0), std::nullopt);
}

TEST(Stats, BadRatesAreRefused) {
  EXPECT_THROW((void)stats::wilson(3, 2), UsageError);
  EXPECT_THROW((void)stats::wilson(-1, 2), UsageError);
  EXPECT_THROW((void)stats::wilson(1, 2, 0.95), UsageError);
  EXPECT_THROW((void)stats::clopper_pearson(1, 2, 100), UsageError);
}

TEST(Stats, SumsKeepLostDigits) {
  EXPECT_EQ(stats::sum(std::vector<double>{1e16, 1, -1e16, 1}), 2);
  random::Stream stream(1);
  std::vector<double> values(100'001);
  for (double& x : values) x = stream.normal(0, 1e6);
  const double one = stats::sum(values, Execution{.threads = 1, .stop = {}, .progress = {}});
  const auto moments = stats::moments(values, Execution{.threads = 1, .stop = {}, .progress = {}});
  for (const int threads : {2, 5}) {
    EXPECT_EQ(stats::sum(values, Execution{.threads = threads, .stop = {}, .progress = {}}), one);
    EXPECT_EQ(stats::moments(values, Execution{.threads = threads, .stop = {}, .progress = {}}).squares,
              moments.squares);
  }
  EXPECT_NEAR(moments.mean, one / 100'001, 1e-8);
}

TEST(Stats, MomentsMerge) {
  stats::Moments all;
  stats::Moments left;
  stats::Moments right;
  for (int i = 0; i < 10; ++i) {
    all.add(1e9 + i * i);
    (i < 3 ? left : right).add(1e9 + i * i);
  }
  left.merge(right);
  left.merge(stats::Moments{});
  EXPECT_EQ(left.count, 10);
  EXPECT_NEAR(left.mean, all.mean, 1e-6);
  EXPECT_NEAR(left.squares, all.squares, 1e-9 * all.squares);
  EXPECT_NEAR(all.variance().value(), 801.1666666666666, 1e-4);
}

TEST(Stats, MeanInterval) {
  // SciPy: t.interval(0.95, 4, mean, sem)
  const auto got = stats::mean_interval(std::vector<double>{1, 2, 4, 8, 16}).value();
  EXPECT_DOUBLE_EQ(got.estimate, 6.2);
  EXPECT_NEAR(got.low, -1.3731325632789027, 1e-12);
  EXPECT_NEAR(got.high, 13.773132563278903, 1e-12);
  EXPECT_EQ(stats::mean_interval(std::vector<double>{1}), std::nullopt);
}

TEST(Stats, QuantilesOfTypeSeven) {
  const std::vector<double> values{9, 1, 4, 16};
  EXPECT_DOUBLE_EQ(stats::quantile(values, 0.5).value(), 6.5);
  EXPECT_DOUBLE_EQ(stats::quantile(values, 0.25).value(), 3.25);
  EXPECT_DOUBLE_EQ(stats::quantile(values, 0).value(), 1);
  EXPECT_DOUBLE_EQ(stats::quantile(values, 1).value(), 16);
  EXPECT_EQ(stats::quantile({}, 0.5), std::nullopt);
  EXPECT_THROW((void)stats::quantile(values, 1.1), UsageError);
  EXPECT_THROW((void)stats::quantile(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, 0.5),
               UsageError);
}

TEST(Stats, OrderStatisticIntervals) {
  std::vector<double> values;
  for (int i = 1; i <= 5; ++i) values.push_back(i);
  EXPECT_EQ(stats::median_interval(values), std::nullopt);
  values.push_back(6);
  EXPECT_EQ(stats::median_interval(values)->low, 1);
  EXPECT_EQ(stats::median_interval(values)->high, 6);
  for (int i = 7; i <= 100; ++i) values.push_back(i);
  // P(Bin(100, ½) ≤ 39) = 0.0176, P(≤ 40) = 0.0284: ranks 40 and 61.
  EXPECT_EQ(stats::median_interval(values)->low, 40);
  EXPECT_EQ(stats::median_interval(values)->high, 61);
}

TEST(Stats, OrderStatisticIntervalsCover) {
  for (const double probability : {0.5, 0.9}) {
    int covered = 0;
    const double truth = -std::log1p(-probability);
    for (std::uint64_t study = 0; study < 2000; ++study) {
      random::Stream stream(3, study);
      std::vector<double> values(80);
      for (double& x : values) x = stream.exponential();
      const auto got = stats::quantile_interval(values, probability).value();
      covered += got.low <= truth && truth <= got.high;
    }
    EXPECT_GE(covered, 1885);  // 95 % less three standard errors
    EXPECT_LE(covered, 1980);
  }
}

TEST(Stats, RatioIntervalCoversAndSeesClusters) {
  int covered = 0;
  for (std::uint64_t study = 0; study < 300; ++study) {
    random::Stream stream(4, study);
    std::vector<double> numerators;
    std::vector<double> denominators;
    std::vector<std::uint64_t> clusters;
    for (std::uint64_t cluster = 0; cluster < 60; ++cluster) {
      const double rate = stream.gamma(2);
      for (int row = 0; row < 5; ++row) {
        denominators.push_back(1 + stream.uniform01());
        numerators.push_back(rate * denominators.back());
        clusters.push_back(cluster * 977);
      }
    }
    const auto got = stats::ratio_interval(numerators, denominators, clusters,
                                           {.level = 90, .replicates = 200, .seed = study, .execution = {}})
                         .value();
    EXPECT_EQ(got.clusters, 60);
    covered += got.interval.low <= 2 && 2 <= got.interval.high;
    const auto rows = stats::ratio_interval(numerators, denominators).value();
    EXPECT_GT(got.interval.high - got.interval.low, 1.2 * (rows.interval.high - rows.interval.low));
  }
  EXPECT_NEAR(covered / 300.0, 0.9, 0.06);
}

TEST(Stats, RatioIntervalIsTheSameForAnyThreads) {
  random::Stream stream(5);
  std::vector<double> numerators(1000);
  std::vector<double> denominators(1000);
  for (std::size_t i = 0; i < 1000; ++i) {
    numerators[i] = stream.gamma(1);
    denominators[i] = stream.bernoulli(0.5) ? 1 : 0;
  }
  stats::RatioOptions options;
  options.execution.threads = 1;
  const auto one = stats::ratio_interval(numerators, denominators, {}, options).value();
  options.execution.threads = 3;
  const auto three = stats::ratio_interval(numerators, denominators, {}, options).value();
  EXPECT_EQ(one.interval.low, three.interval.low);
  EXPECT_EQ(one.interval.high, three.interval.high);
  options.seed = 2;
  EXPECT_NE(stats::ratio_interval(numerators, denominators, {}, options)->interval.low, one.interval.low);
}

TEST(Stats, RatioIntervalHasNoAnswerWithoutDenominator) {
  const std::vector<double> ones{1, 1};
  const std::vector<double> zeros{0, 0};
  EXPECT_FALSE(stats::ratio_interval(ones, zeros));
  EXPECT_FALSE(stats::ratio_interval({}, {}));
  EXPECT_FALSE(stats::ratio_interval(ones, ones, std::vector<std::uint64_t>{7, 7}));
  EXPECT_THROW((void)stats::ratio_interval(ones, std::vector<double>{1}), UsageError);
  EXPECT_THROW((void)stats::ratio_interval(ones, std::vector<double>{1, -1}), UsageError);
  EXPECT_THROW((void)stats::ratio_interval(ones, ones, {},
                                           {.level = 95, .replicates = 10, .seed = 1, .execution = {}}),
               UsageError);
}

TEST(Stats, Concentration) {
  const std::vector<double> equal(10, 3);
  const std::vector<double> one{0, 0, 0, 8};
  const std::vector<double> some{1, 2, 3, 4};
  EXPECT_NEAR(stats::gini(equal).value(), 0, 1e-15);
  EXPECT_DOUBLE_EQ(stats::gini(one).value(), 0.75);
  EXPECT_DOUBLE_EQ(stats::gini(some).value(), 0.25);
  EXPECT_DOUBLE_EQ(stats::herfindahl(equal).value(), 0.1);
  EXPECT_DOUBLE_EQ(stats::herfindahl(some).value(), 0.3);
  EXPECT_DOUBLE_EQ(stats::top_share(some, 2).value(), 0.7);
  EXPECT_DOUBLE_EQ(stats::top_share(some, 9).value(), 1);
  EXPECT_FALSE(stats::gini({}));
  EXPECT_FALSE(stats::herfindahl(std::vector<double>{0, 0}));
  EXPECT_THROW((void)stats::gini(std::vector<double>{1, -1}), UsageError);
}
