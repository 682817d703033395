#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "salesops/error.hpp"
#include "salesops/posterior.hpp"
#include "salesops/random.hpp"
#include "salesops/special.hpp"

using namespace salesops;

namespace {

using optimize::Point;

/// Normal with standard deviations 1 and 10, correlation 0.95, around (3, -2).
Point tilted(std::span<const double> x) {
  const double u = x[0] - 3, v = (x[1] + 2) / 10;
  const double scale = 1 / (1 - 0.95 * 0.95);
  return {
      scale * (u * u - 1.9 * u * v + v * v) / 2, {scale * (u - 0.95 * v), scale * (v - 0.95 * u) / 10}, {}};
}

/// ln of a Gamma(1.5, 2) and of a Gamma(8, 1) variable, independent: skewed.
Point log_gammas(std::span<const double> x) {
  const double a = std::exp(x[0]), b = std::exp(x[1]);
  return {2 * a - 1.5 * x[0] + b - 8 * x[1], {2 * a - 1.5, b - 8}, {}};
}

std::vector<double> column(const posterior::Draws& draws, std::size_t dimension) {
  std::vector<double> values;
  for (std::size_t i = dimension; i < draws.values.size(); i += draws.dimensions)
    values.push_back(draws.values[i]);
  return values;
}

TEST(Posterior, MomentsOfATiltedNormalAreFoundFromABadGuess) {
  const auto draws = posterior::draw(tilted, std::vector{30.0, 30.0}, {}, {.draws = 2000});
  const auto first = posterior::diagnose(draws, 0), second = posterior::diagnose(draws, 1);
  EXPECT_NEAR(first.mean, 3, 4 * first.standard_error);
  EXPECT_NEAR(second.mean, -2, 4 * second.standard_error);
  EXPECT_NEAR(first.sd, 1, 0.05);
  EXPECT_NEAR(second.sd, 10, 0.5);
  EXPECT_LT(first.r_hat, 1.01);
  EXPECT_GT(first.ess_bulk, 2000) << "a metric learnt in the warm-up makes it round";
  EXPECT_EQ(draws.divergences, 0);
  EXPECT_GT(draws.acceptance, 0.7);
}

TEST(Posterior, WholeDistributionsAreRightNotMomentsAlone) {
  const auto draws = posterior::draw(log_gammas, std::vector{0.0, 2.0}, {}, {.draws = 5000});
  // E and variance of ln Gamma(a, b): digamma(a) - ln b, trigamma(a).
  EXPECT_NEAR(posterior::diagnose(draws, 0).mean, special::digamma(1.5) - std::log(2), 0.05);
  EXPECT_NEAR(posterior::diagnose(draws, 0).sd, std::sqrt(special::trigamma(1.5)), 0.05);
  EXPECT_NEAR(posterior::diagnose(draws, 1).mean, special::digamma(8), 0.02);
  // Shares below the exact quantiles of Gamma(1.5, 2).
  const auto values = column(draws, 0);
  const auto below = [&](double limit) {
    return static_cast<double>(
               std::count_if(values.begin(), values.end(), [&](double v) { return std::exp(v) < limit; })) /
           static_cast<double>(values.size());
  };
  EXPECT_NEAR(below(0.146), 0.10, 0.02);  // P(1.5, 0.2922)
  EXPECT_NEAR(below(0.5915), 0.50, 0.03);
  EXPECT_NEAR(below(1.5628), 0.90, 0.02);
}

TEST(Posterior, DrawsAreTheSameOnAnyNumberOfThreads) {
  posterior::Options one{.warmup = 100, .draws = 50};
  posterior::Options four = one;
  one.execution.threads = 1;
  four.execution.threads = 4;
  const std::vector start{0.0, 0.0};
  EXPECT_EQ(posterior::draw(tilted, start, {}, one).values, posterior::draw(tilted, start, {}, four).values);
  posterior::Options other = one;
  other.seed = 2;
  EXPECT_NE(posterior::draw(tilted, start, {}, one).values, posterior::draw(tilted, start, {}, other).values);
}

TEST(Posterior, AHoleIsNeverDrawnFrom) {
  // A half-normal: no density below 0.
  const auto half = [](std::span<const double> x) {
    return x[0] > 0 ? Point{x[0] * x[0] / 2, {x[0]}, {}} : Point{special::infinity, {0}, {}};
  };
  const auto draws = posterior::draw(half, std::vector{1.0}, {}, {.draws = 2000, .acceptance = 0.95});
  for (const double value : draws.values) ASSERT_GT(value, 0);
  EXPECT_NEAR(posterior::diagnose(draws, 0).mean, std::sqrt(2 / std::acos(-1.0)), 0.06);
}

TEST(Posterior, ChainsThatNeverMeetAreFoundOut) {
  random::Stream stream(7);
  std::vector<double> values(4000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = stream.normal() + (i < 1000 ? 3 : 0);
  EXPECT_GT(posterior::diagnose(values, 4).r_hat, 1.2);
  for (std::size_t i = 0; i < 1000; ++i) values[i] -= 3;
  const auto good = posterior::diagnose(values, 4);
  EXPECT_LT(good.r_hat, 1.01);
  EXPECT_NEAR(good.ess_bulk, 4000, 800);
  EXPECT_NEAR(good.standard_error, 1 / std::sqrt(4000.0), 0.004);
  // Of an AR(1) with coefficient 0.9, about 1 in 19 draws counts.
  for (std::size_t chain = 0; chain < 4; ++chain)
    for (std::size_t i = 1; i < 1000; ++i)
      values[chain * 1000 + i] = 0.9 * values[chain * 1000 + i - 1] + std::sqrt(0.19) * stream.normal();
  EXPECT_NEAR(posterior::diagnose(values, 4).ess_bulk, 4000 / 19.0, 80);
}

TEST(Posterior, DiagnosesAreThoseOfArviz) {
  std::ifstream file(SALESOPS_SOURCE_DIR "/tests/golden/posterior.csv");
  std::string line;
  std::getline(file, line);
  int cases = 0;
  for (; std::getline(file, line); ++cases) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream row(line);
    double coefficient = 0, shift = 0, r_hat = 0, bulk = 0, tail = 0, error = 0;
    std::size_t chains = 0, draws = 0;
    row >> coefficient >> chains >> draws >> shift >> r_hat >> bulk >> tail >> error;
    std::vector<double> values;
    std::int64_t state = 1;
    for (std::size_t chain = 0; chain < chains; ++chain) {
      double value = 0;
      for (std::size_t i = 0; i < draws; ++i) {
        state = (1103515245 * state + 12345) % 2147483648;
        value = coefficient * value + static_cast<double>(state) / 2147483648.0 - 0.5;
        values.push_back(value + (chain == 0 ? shift : 0.0));
      }
    }
    const auto ours = posterior::diagnose(values, chains);
    EXPECT_NEAR(ours.r_hat, r_hat, 1e-9 * r_hat) << line;
    EXPECT_NEAR(ours.ess_bulk, bulk, 1e-6 * bulk) << line;
    EXPECT_NEAR(ours.ess_tail, tail, 1e-6 * tail) << line;
    EXPECT_NEAR(ours.standard_error, error, 1e-6 * error) << line;
  }
  EXPECT_EQ(cases, 8);
}

TEST(Posterior, MistakesAreNamed) {
  const std::vector start{0.0, 0.0};
  EXPECT_THROW((void)posterior::draw(tilted, {}, {}), UsageError);
  const auto no_slope = [](std::span<const double>) { return Point{0, {}, {}}; };
  EXPECT_THROW((void)posterior::draw(no_slope, start, {}), UsageError);
  EXPECT_THROW((void)posterior::draw(tilted, start, std::vector{1.0}), UsageError);
  EXPECT_THROW((void)posterior::draw(tilted, start, std::vector{1.0, 2.0, 2.0, 1.0}), UsageError);
  EXPECT_THROW((void)posterior::draw(tilted, start, {}, {.chains = 0}), UsageError);
  EXPECT_THROW((void)posterior::draw(tilted, start, {}, {.warmup = 0}), UsageError);
  EXPECT_THROW((void)posterior::draw(tilted, start, {}, {.draws = 1}), UsageError);
  EXPECT_THROW((void)posterior::draw(tilted, start, {}, {.acceptance = 1}), UsageError);
  EXPECT_THROW((void)posterior::draw(tilted, std::vector{special::not_a_number, 0.0}, {}), UsageError);
  EXPECT_THROW((void)posterior::diagnose(std::vector{1.0, 2.0, 3.0}, 1), UsageError);
  EXPECT_THROW((void)posterior::diagnose(std::vector<double>(9, 1.0), 2), UsageError);
}

TEST(Posterior, StopsWhenAsked) {
  std::stop_source source;
  posterior::Options options{.draws = 1'000'000};
  options.execution.stop = source.get_token();
  int calls = 0;
  const auto stopping = [&](std::span<const double> x) {
    if (++calls == 2000) source.request_stop();
    return tilted(x);
  };
  options.execution.threads = 1;
  EXPECT_THROW((void)posterior::draw(stopping, std::vector{0.0, 0.0}, {}, options), Cancelled);
}

}  // namespace
