#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "salesops/clv/simulate.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"

using namespace salesops;
using namespace salesops::clv;

namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Mean and its distance from what the model expects, in standard errors.
void expect_mean(const std::vector<double>& values, double expected) {
  double squares = 0;
  const double centre = mean(values);
  for (const double v : values) squares += (v - centre) * (v - centre);
  const auto n = static_cast<double>(values.size());
  EXPECT_NEAR(centre, expected, 4.5 * std::sqrt(squares) / n);
}

template <class Model>
void expect_what_the_model_expects(const Model& model, double T) {
  const std::vector<double> seen(40000, T);
  const Simulation crowd = clv::simulate(model, seen, {.seed = 7, .horizon = T});
  expect_mean(crowd.x, expected_transactions_new(model, T));
  std::vector<double> both = crowd.future;
  for (std::size_t i = 0; i < both.size(); ++i) both[i] += crowd.x[i];
  expect_mean(both, expected_transactions_new(model, 2 * T));
  std::vector<double> none;
  for (const double x : crowd.x) none.push_back(x == 0 ? 1 : 0);
  expect_mean(none, pmf_new(model, 0, T));
  std::vector<double> alive(crowd.alive.begin(), crowd.alive.end());
  if (mean(alive) < 1) expect_mean(alive, p_alive_new(model, T));
}

}  // namespace

TEST(ClvSimulate, CrowdsDoWhatTheModelsExpect) {
  expect_what_the_model_expects(NBD{0.6, 5}, 20);
  expect_what_the_model_expects(BGNBD{0.6, 5, 0.8, 2.5}, 20);
  expect_what_the_model_expects(MBGNBD{0.6, 5, 0.8, 2.5}, 20);
  expect_what_the_model_expects(BGCNBD{3, 0.6, 2, 0.8, 2.5}, 20);
  expect_what_the_model_expects(MBGCNBD{2, 0.6, 2, 0.8, 2.5}, 20);
  expect_what_the_model_expects(ParetoNBD{0.7, 6, 0.9, 12}, 20);
  expect_what_the_model_expects(GGompertzNBD{0.7, 4, 0.15, 0.9, 3}, 20);
  expect_what_the_model_expects(BGBB{1.2, 0.8, 0.7, 2.8}, 6);
}

TEST(ClvSimulate, ColumnsAgreeWithTheTimes) {
  const std::vector<double> T{0, 10, 40, 80};
  const Simulation crowd = clv::simulate(MBGCNBD{2, 3, 2, 0.5, 4}, T, {.seed = 3, .horizon = 20});
  ASSERT_EQ(crowd.first.size(), 5U);
  EXPECT_EQ(crowd.first.back(), crowd.times.size());
  EXPECT_EQ(crowd.T, T);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::vector<double> own(crowd.times.begin() + static_cast<std::ptrdiff_t>(crowd.first[i]),
                                  crowd.times.begin() + static_cast<std::ptrdiff_t>(crowd.first[i + 1]));
    EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
    double x = 0, last = 0, gaps = 0;
    for (const double t : own) {
      EXPECT_LE(t, T[i] + 20);
      if (t > T[i]) break;
      ++x;
      gaps += std::log(t - last);
      last = t;
    }
    EXPECT_EQ(crowd.x[i], x);
    EXPECT_EQ(crowd.t_x[i], last);
    EXPECT_NEAR(crowd.sum_log_gaps[i], gaps, 1e-12);
    EXPECT_EQ(crowd.future[i], static_cast<double>(own.size()) - x);
    if (crowd.future[i] > 0) {
      EXPECT_EQ(crowd.alive[i], 1);
    }
  }
}

TEST(ClvSimulate, ACustomerKeepsItsLuck) {
  std::vector<std::uint64_t> keys(10000);
  std::iota(keys.begin(), keys.end(), 100);
  const std::vector<double> T(10000, 30);
  SimulationOptions options{.seed = 5, .keys = keys};
  options.execution.threads = 1;
  const Simulation all = clv::simulate(ParetoNBD{0.7, 6, 0.9, 12}, T, options);
  options.execution.threads = 4;
  EXPECT_EQ(clv::simulate(ParetoNBD{0.7, 6, 0.9, 12}, T, options).times, all.times);
  options.keys = std::span(keys).subspan(5000);
  const Simulation half = clv::simulate(ParetoNBD{0.7, 6, 0.9, 12}, std::span(T).subspan(5000), options);
  EXPECT_TRUE(std::equal(half.x.begin(), half.x.end(), all.x.begin() + 5000));
  EXPECT_TRUE(std::equal(half.t_x.begin(), half.t_x.end(), all.t_x.begin() + 5000));
}

TEST(ClvSimulate, SpendAndContracts) {
  const GammaGamma model{6, 3.5, 16};
  const std::vector<double> x(40000, 2.0);
  const std::vector<double> spend = simulate_spend(model, x, {.seed = 2});
  expect_mean(spend, expected_spend_new(model));
  EXPECT_TRUE(std::isnan(simulate_spend(model, std::vector{0.0})[0]));
  for (const auto& [cohort, survives] :
       {std::pair{simulate_contracts(SBG{0.9, 3}, 40000, 3, {.seed = 4}), survival(SBG{0.9, 3}, 3)},
        std::pair{simulate_contracts(BdW{0.9, 3, 1.4}, 40000, 3, {.seed = 4}),
                  survival(BdW{0.9, 3, 1.4}, 3)}}) {
    EXPECT_EQ(cohort.survivors[0], 40000);
    EXPECT_TRUE(std::is_sorted(cohort.survivors.rbegin(), cohort.survivors.rend()));
    EXPECT_NEAR(cohort.survivors[3] / 40000, survives, 4.5 * std::sqrt(survives * (1 - survives) / 40000));
  }
}

TEST(ClvSimulate, RefusesWhatMakesNoSense) {
  const std::vector<double> T{10}, bad{-1}, half{1.5};
  EXPECT_TRUE(clv::simulate(NBD{1, 1}, {}).x.empty());
  EXPECT_EQ(clv::simulate(NBD{1, 1}, std::vector{0.0}).x[0], 0);
  EXPECT_THROW((void)clv::simulate(NBD{0, 1}, T), UsageError);
  EXPECT_THROW((void)clv::simulate(NBD{1, special::infinity}, T), UsageError);
  EXPECT_THROW((void)clv::simulate(NBD{1, 1}, bad), UsageError);
  EXPECT_THROW((void)clv::simulate(NBD{1, 1}, T, {.horizon = -1}), UsageError);
  EXPECT_THROW((void)clv::simulate(BGBB{1, 1, 1, 1}, half), UsageError);
  EXPECT_THROW((void)clv::simulate(BGBB{1, 1, 1, 1}, T, {.horizon = 0.5}), UsageError);
  EXPECT_THROW((void)clv::simulate(NBD{100, 1e-8}, T), UsageError);
  const std::vector<std::uint64_t> two{1, 2};
  EXPECT_THROW((void)clv::simulate(NBD{1, 1}, T, {.keys = two}), UsageError);
  EXPECT_THROW((void)simulate_spend({1, 1, 1}, bad), UsageError);
}
