#include <gtest/gtest.h>

#include "salesops/error.hpp"
#include "salesops/optimize.hpp"

using namespace salesops;
using optimize::Jet;
using optimize::Minimum;
using optimize::Options;
using optimize::Point;
using optimize::Reason;

namespace {

/// A function of two variables written for jets, as an objective with or without its Hessian.
template <class Function>
optimize::Objective objective_of(Function function, bool with_hessian) {
  return [function, with_hessian](std::span<const double> x) {
    using J = Jet<2>;
    const J f = function(J::variable(x[0], 0), J::variable(x[1], 1));
    Point point{f.value, {f.gradient[0], f.gradient[1]}, {}};
    if (with_hessian) point.hessian = {f.second(0, 0), f.second(0, 1), f.second(1, 0), f.second(1, 1)};
    return point;
  };
}

const auto rosenbrock = [](auto x, auto y) {
  const auto u = 1 - x;
  const auto v = y - x * x;
  return u * u + 100 * v * v;
};

class EitherWay : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Optimize, EitherWay, testing::Bool(),
                         [](const auto& p) { return p.param ? "HessianGiven" : "GradientAlone"; });

}  // namespace

TEST_P(EitherWay, FindsTheEndOfRosenbrocksValley) {
  for (const std::vector<double>& start : {std::vector{-1.2, 1.0}, {30.0, -40.0}, {1.0, 1.0}, {0.0, 0.0}}) {
    const Minimum found = optimize::minimize(objective_of(rosenbrock, GetParam()), start);
    EXPECT_TRUE(found.converged) << optimize::text(found.reason);
    EXPECT_NEAR(found.x[0], 1, 1e-9);
    EXPECT_NEAR(found.x[1], 1, 1e-9);
    EXPECT_NEAR(found.value, 0, 1e-18);
    EXPECT_LT(found.gradient_norm, 1e-8);
    ASSERT_EQ(found.hessian.size(), 4U);  // [802, −400; −400, 200] by hand
    EXPECT_NEAR(found.hessian[0], 802, 1e-4);
    EXPECT_NEAR(found.hessian[1], -400, 1e-4);
    EXPECT_NEAR(found.hessian[3], 200, 1e-4);
    EXPECT_LE(found.iterations, 120);
  }
}

TEST_P(EitherWay, LeavesASaddle) {
  // Slope zero at the start, minima at (0, ±1).
  const auto saddle = [](auto x, auto y) { return x * x + y * y * y * y / 4 - y * y / 2; };
  const Minimum found = optimize::minimize(objective_of(saddle, GetParam()), std::vector{0.0, 0.0});
  EXPECT_TRUE(found.converged);
  EXPECT_NEAR(std::abs(found.x[1]), 1, 1e-8);
  EXPECT_NEAR(found.value, -0.25, 1e-14);
}

TEST_P(EitherWay, StopsOnAFlatRidge) {
  const auto ridge = [](auto x, auto y) {
    const auto off = x + y - 3;
    return 5 + off * off;
  };
  const Minimum found = optimize::minimize(objective_of(ridge, GetParam()), std::vector{10.0, -20.0});
  EXPECT_TRUE(found.converged);
  EXPECT_NEAR(found.x[0] + found.x[1], 3, 1e-6);
  EXPECT_LE(found.iterations, 60);
}

TEST_P(EitherWay, AMinimumAtInfinityEndsBelowTheNoise) {
  const auto decay = [](auto x, auto y) { return 1 + exp(-x) + y * y; };
  const Minimum found = optimize::minimize(objective_of(decay, GetParam()), std::vector{0.0, 3.0});
  EXPECT_TRUE(found.converged);
  EXPECT_GT(found.x[0], 20);
  EXPECT_NEAR(found.x[1], 0, 1e-6);
}

TEST_P(EitherWay, SaysThatThereIsNoMinimum) {
  for (const auto& down : {objective_of([](auto x, auto y) { return -x + y * y; }, GetParam()),
                           objective_of([](auto x, auto y) { return y * y - x * x; }, GetParam())}) {
    Options options;
    options.bound = 1e6;
    const Minimum found = optimize::minimize(down, std::vector{1.0, 1.0}, options);
    EXPECT_FALSE(found.converged);
    EXPECT_EQ(found.reason, Reason::unbounded);
  }
}

TEST_P(EitherWay, StepsBackFromWhereTheFunctionIsUndefined) {
  // ln is NaN for x ≤ 0; the first step from 100 lands there. Minimum at x = 1, y = 2.
  const auto log_barrier = [](auto x, auto y) { return x - log(x) + (y - 2) * (y - 2); };
  const Minimum found =
      optimize::minimize(objective_of(log_barrier, GetParam()), std::vector{100.0, 0.0}, {.radius = 1000});
  EXPECT_TRUE(found.converged);
  EXPECT_NEAR(found.x[0], 1, 1e-8);
  EXPECT_NEAR(found.x[1], 2, 1e-8);
}

TEST_P(EitherWay, SaysThatItIsStuckAtAnEdge) {
  // Falls towards x = 0 and is undefined beyond: the lowest point is the edge, with slope 1.
  const auto edge = [](auto x, auto y) { return log(exp(x)) + y * y + 0 * log(x); };
  const Minimum found = optimize::minimize(objective_of(edge, GetParam()), std::vector{1.0, 1.0});
  EXPECT_FALSE(found.converged);
  EXPECT_EQ(found.reason, Reason::stuck);
  EXPECT_NEAR(found.x[0], 0, 1e-9);
}

TEST(Optimize, AnUndefinedStartIsAnAnswer) {
  const auto found = optimize::minimize(objective_of([](auto x, auto y) { return log(x) + y; }, true),
                                        std::vector{-1.0, 0.0});
  EXPECT_FALSE(found.converged);
  EXPECT_EQ(found.reason, Reason::undefined);
  EXPECT_EQ(found.evaluations, 1);
  EXPECT_EQ(found.x, (std::vector{-1.0, 0.0}));
}

TEST(Optimize, IterationsRunOut) {
  const Minimum found =
      optimize::minimize(objective_of(rosenbrock, true), std::vector{-1.2, 1.0}, {.max_iterations = 3});
  EXPECT_FALSE(found.converged);
  EXPECT_EQ(found.reason, Reason::iterations);
  EXPECT_EQ(found.iterations, 3);
}

TEST(Optimize, SumsWithNoiseStopInsteadOfCreeping) {
  // A value of 1e9 hides decreases below 1e-7; the gradient still finds the place.
  const auto noisy = [](auto x, auto y) { return 1e9 + (x - 3) * (x - 3) + 4 * (y + 1) * (y + 1); };
  const Minimum found = optimize::minimize(objective_of(noisy, true), std::vector{0.0, 0.0});
  EXPECT_TRUE(found.converged);
  EXPECT_LE(found.iterations, 10);
  EXPECT_NEAR(found.x[0], 3, 1e-9);
  EXPECT_NEAR(found.x[1], -1, 1e-9);
}

TEST(Optimize, IsTheSameEveryTime) {
  const auto once = [] {
    return optimize::minimize(objective_of(rosenbrock, false), std::vector{-1.2, 1.0}).x;
  };
  EXPECT_EQ(once(), once());
}

TEST(Optimize, RefusesWhatMakesNoSense) {
  const auto good = objective_of(rosenbrock, true);
  EXPECT_THROW((void)optimize::minimize(good, {}), UsageError);
  const std::vector start{0.0, 0.0};
  EXPECT_THROW((void)optimize::minimize(good, start, {.tolerance = -1}), UsageError);
  EXPECT_THROW((void)optimize::minimize(good, start, {.max_iterations = -1}), UsageError);
  EXPECT_THROW((void)optimize::minimize(good, start, {.radius = 0}), UsageError);
  EXPECT_THROW((void)optimize::minimize(good, start, {.bound = special::not_a_number}), UsageError);
  const auto short_gradient = [](std::span<const double>) { return Point{0, {1.0}, {}}; };
  EXPECT_THROW((void)optimize::minimize(short_gradient, start), UsageError);
  const auto short_hessian = [](std::span<const double>) { return Point{0, {1.0, 1.0}, {1.0}}; };
  EXPECT_THROW((void)optimize::minimize(short_hessian, start), UsageError);
  const auto thrower = [](std::span<const double>) -> Point { throw Cancelled("stop"); };
  EXPECT_THROW((void)optimize::minimize(thrower, start), Cancelled);
}

TEST(Optimize, InvertsPositiveMatricesOnly) {
  const std::vector<double> inverse = optimize::inverse_positive(std::vector{4.0, 2.0, 2.0, 3.0});
  ASSERT_EQ(inverse.size(), 4U);  // [3, −2; −2, 4] / 8
  EXPECT_NEAR(inverse[0], 0.375, 1e-15);
  EXPECT_NEAR(inverse[1], -0.25, 1e-15);
  EXPECT_NEAR(inverse[3], 0.5, 1e-15);
  // Unlike scales are no singularity.
  EXPECT_NEAR(optimize::inverse_positive(std::vector{1e-12, 0.0, 0.0, 1e12})[0], 1e12, 1);
  EXPECT_TRUE(optimize::inverse_positive(std::vector{1.0, 1.0, 1.0, 1.0}).empty());
  EXPECT_TRUE(optimize::inverse_positive(std::vector{1.0, 2.0, 2.0, 1.0}).empty());
  EXPECT_TRUE(optimize::inverse_positive(std::vector{special::not_a_number}).empty());
  EXPECT_TRUE(optimize::inverse_positive({}).empty());
  EXPECT_THROW((void)optimize::inverse_positive(std::vector{1.0, 2.0}), UsageError);
}

TEST(Jet, AgreesWithDifferencesInEveryOperation) {
  const auto formula = [](auto x, auto y) {
    return exp(x * y) / (1 + x * x) - log(2 + y) * log1p(x) + 3 / y + expm1(x - y) + (5 - x) * 2 +
           log_gamma(x + y) + log_add(x * 2, y / 3) - (-x);
  };
  const auto at = [&](double x, double y) { return formula(Jet<2>::variable(x, 0), Jet<2>::variable(y, 1)); };
  const double x = 0.7;
  const double y = 1.3;
  const double h = 1e-5;
  const Jet<2> jet = at(x, y);
  EXPECT_NEAR(jet.value,
              std::exp(x * y) / (1 + x * x) - std::log(2 + y) * std::log1p(x) + 3 / y + std::expm1(x - y) +
                  (5 - x) * 2 + std::lgamma(x + y) + std::log(std::exp(2 * x) + std::exp(y / 3)) + x,
              1e-14);
  EXPECT_NEAR(jet.gradient[0], (at(x + h, y).value - at(x - h, y).value) / (2 * h), 1e-8);
  EXPECT_NEAR(jet.gradient[1], (at(x, y + h).value - at(x, y - h).value) / (2 * h), 1e-8);
  EXPECT_NEAR(jet.second(0, 0), (at(x + h, y).gradient[0] - at(x - h, y).gradient[0]) / (2 * h), 1e-8);
  EXPECT_NEAR(jet.second(1, 0), (at(x, y + h).gradient[0] - at(x, y - h).gradient[0]) / (2 * h), 1e-8);
  EXPECT_NEAR(jet.second(1, 1), (at(x, y + h).gradient[1] - at(x, y - h).gradient[1]) / (2 * h), 1e-8);
  EXPECT_EQ(jet.second(0, 1), jet.second(1, 0));
}

TEST(Jet, SlopesAloneAreTheSameToTheBit) {
  const auto formula = [](auto x, auto y) {
    return exp(x * y) / (1 + x * x) - log(2 + y) * log1p(x) + 3 / y + expm1(x - y) + (5 - x) * 2 +
           log_gamma(x + y) + log_add(x * 2, y / 3) - (-x);
  };
  const auto both = formula(Jet<2>::exponential(-0.4, 0), Jet<2>::variable(1.3, 1));
  const auto slopes = formula(Jet<2, 1>::exponential(-0.4, 0), Jet<2, 1>::variable(1.3, 1));
  EXPECT_EQ(slopes.value, both.value);
  EXPECT_EQ(slopes.gradient, both.gradient);
  static_assert(sizeof(Jet<2, 1>) < sizeof(Jet<2>));
}

TEST(Jet, EmptyTermsAddNothing) {
  const auto x = Jet<1>::variable(2, 0);
  const Jet<1> sum = log_add(Jet<1>(-special::infinity), x * x);
  EXPECT_EQ(sum.value, 4);
  EXPECT_EQ(sum.gradient[0], 4);
  EXPECT_EQ(log_add(x, Jet<1>(-special::infinity)).gradient[0], 1);
  const auto e = Jet<1>::exponential(0.5, 0);
  EXPECT_EQ(e.gradient[0], std::exp(0.5));
  EXPECT_EQ(e.hessian[0], std::exp(0.5));
}
