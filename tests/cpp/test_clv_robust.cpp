#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <span>
#include <vector>

#include "clv_golden.hpp"
#include "salesops/clv.hpp"
#include "salesops/random.hpp"

using namespace clv_test;

namespace {
std::size_t allocations = 0;
}  // namespace

// Not inlined, or g++ takes malloc and free below for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  void* place = std::malloc(bytes);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}
[[gnu::noinline]] void operator delete(void* place) noexcept { std::free(place); }
[[gnu::noinline]] void operator delete(void* place, std::size_t) noexcept { std::free(place); }

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

/// All answers about one customer.
template <class M>
std::array<double, 11> answers(const M& m, double x, double t_x, double T) noexcept {
  return {log_likelihood(m, x, t_x, T),
          p_alive(m, x, t_x, T),
          log_p_alive(m, x, t_x, T),
          p_alive_at(m, 5, x, t_x, T),
          expected_transactions(m, 5, x, t_x, T),
          pmf(m, 2, 5, x, t_x, T),
          p_no_transaction(m, 5, x, t_x, T),
          dert(m, 0.01, x, t_x, T),
          dect(m, 5, 0.01, x, t_x, T),
          expected_rate(m, x, t_x, T),
          expected_dropout(m, x, t_x, T)};
}

template <class M>
void expect_nan(const M& m, double x, double t_x, double T) {
  for (const double value : answers(m, x, t_x, T))
    EXPECT_TRUE(std::isnan(value)) << typeid(m).name() << ' ' << x << ' ' << t_x << ' ' << T;
}

}  // namespace

TEST(ClvRobust, NothingIsAllocated) {
  double sum = 0;
  const std::size_t before = allocations;
  for_each_model([&](const auto& m) {
    for (const double value : answers(m, 2, 30.43, 38.86)) sum += value;
    for (const double value : answers(m, 0, 0, 400)) sum += value;
  });
  for (const double value : answers(bgbb, 4, 5, 60)) sum += value;
  sum += residual_lifetime(BdW{0.5, 0.8, 1.2}, 0.01, 3, Renewal::due);
  sum += residual_lifetime(SBG{0.5, 0.8}, 0.01, 3, Renewal::due);
  sum += expected_spend(GammaGamma{6, 4, 15}, 2, 20) + log_likelihood(GammaGamma{6, 4, 15}, 2, 20);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(std::isfinite(sum));
  ::operator delete(::operator new(1));  // an expression with new may be left out, a call may not
  EXPECT_EQ(allocations, before + 1) << "the counter has to count";
}

TEST(ClvRobust, NothingThrows) {
  for_each_model([](const auto& m) {
    static_assert(noexcept(log_likelihood(m, 1, 1, 1)));
    static_assert(noexcept(p_alive(m, 1, 1, 1)));
    static_assert(noexcept(expected_transactions(m, 1, 1, 1, 1)));
    static_assert(noexcept(pmf(m, 1, 1, 1, 1, 1)));
    static_assert(noexcept(dert(m, 1, 1, 1, 1)));
    static_assert(noexcept(dect(m, 1, 1, 1, 1, 1)));
  });
}

TEST(ClvRobust, HistoriesThatCannotBeAreNaN) {
  for_each_model([](const auto& m) {
    expect_nan(m, -1, 0, 10);
    expect_nan(m, 1.5, 5, 10);
    expect_nan(m, 2, 11, 10);  // last purchase after the end
    expect_nan(m, 2, -1, 10);
    expect_nan(m, 0, 5, 10);  // a last purchase of none
    expect_nan(m, 0, 0, -1);
    expect_nan(m, nan_value, 5, 10);
    expect_nan(m, 2, nan_value, 10);
    expect_nan(m, 2, 5, nan_value);
    expect_nan(m, 2, 5, inf);
    expect_nan(m, inf, 5, 10);
    EXPECT_TRUE(std::isnan(expected_transactions(m, -1, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(expected_transactions(m, nan_value, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(p_alive_at(m, -1, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(pmf(m, -1, 5, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(pmf(m, 1.5, 5, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(pmf(m, 1, -5, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(dert(m, -0.1, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(dert(m, nan_value, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(dect(m, 5, -0.1, 2, 5, 10)));
    EXPECT_TRUE(std::isnan(dect(m, -5, 0.1, 2, 5, 10)));
  });
  expect_nan(bgbb, 4, 3, 6);  // more purchases than opportunities until the last
  expect_nan(bgbb, 2, 2.5, 6);
  expect_nan(bgbb, 2, 3, 6.5);
  expect_nan(bgbb, 2, 7, 6);
  EXPECT_TRUE(std::isnan(expected_transactions(bgbb, 2.5, 2, 3, 6)));
}

TEST(ClvRobust, ParametersThatCannotBeAreNaN) {
  for (const double bad : {0.0, -1.0, nan_value, inf}) {
    expect_nan(BGNBD{bad, 4, 1, 2}, 2, 5, 10);
    expect_nan(BGNBD{1, bad, 1, 2}, 2, 5, 10);
    expect_nan(BGNBD{1, 4, bad, 2}, 2, 5, 10);
    expect_nan(BGNBD{1, 4, 1, bad}, 2, 5, 10);
    expect_nan(BGNBD{1, 4, 1, bad}, 0, 0, 10);
    expect_nan(MBGNBD{1, 4, bad, 2}, 2, 5, 10);
    expect_nan(MBGNBD{1, 4, 1, bad}, 0, 0, 10);
    expect_nan(ParetoNBD{1, 4, bad, 2}, 2, 5, 10);
    expect_nan(ParetoNBD{1, 4, 1, bad}, 2, 5, 10);
    expect_nan(NBD{bad, 4}, 2, 5, 10);
    expect_nan(NBD{1, bad}, 2, 5, 10);
    expect_nan(GGompertzNBD{1, 4, bad, 1, 1}, 2, 5, 10);
    expect_nan(GGompertzNBD{1, 4, 1, 1, bad}, 2, 5, 10);
    expect_nan(BGCNBD{2, bad, 4, 1, 1}, 2, 5, 10);
    expect_nan(MBGCNBD{2, 1, 4, 1, bad}, 2, 5, 10);
    expect_nan(BGBB{1, bad, 4, 1}, 2, 5, 10);
    EXPECT_TRUE(std::isnan(log_likelihood(GammaGamma{bad, 1, 1}, 1, 1)));
    EXPECT_TRUE(std::isnan(expected_spend(GammaGamma{1, bad, 1}, 3, 1)));
    EXPECT_TRUE(std::isnan(survival(SBG{bad, 1}, 3)));
    EXPECT_TRUE(std::isnan(residual_lifetime(SBG{bad, 1}, 0.1, 3, Renewal::due)));
    EXPECT_TRUE(std::isnan(survival(BdW{1, 1, bad}, 3)));
    EXPECT_TRUE(std::isnan(residual_lifetime(BdW{1, bad, 1}, 0.1, 3, Renewal::due)));
  }
  expect_nan(BGCNBD{0, 1, 4, 1, 1}, 2, 5, 10);
  expect_nan(MBGCNBD{-3, 1, 4, 1, 1}, 2, 5, 10);
}

TEST(ClvRobust, SpendAndContractsOutsideTheirDomainAreNaN) {
  const GammaGamma spend{6, 4, 15};
  for (const double bad : {0.0, -5.0, nan_value, inf}) {
    EXPECT_TRUE(std::isnan(log_likelihood(spend, 2, bad)));
    EXPECT_TRUE(std::isnan(expected_spend(spend, 2, bad)));
  }
  EXPECT_TRUE(std::isnan(expected_spend(spend, -1, 5)));
  EXPECT_TRUE(std::isnan(log_likelihood(spend, 1.5, 5)));
  const SBG m{0.7, 3};
  EXPECT_TRUE(std::isnan(survival(m, -1)));
  EXPECT_TRUE(std::isnan(retention(m, 0)));
  EXPECT_TRUE(std::isnan(log_p_churn(m, 0)));
  EXPECT_TRUE(std::isnan(residual_lifetime(m, -0.1, 1, Renewal::due)));
  EXPECT_TRUE(std::isnan(residual_lifetime(m, 0.1, -1, Renewal::due)));
  const auto likelihood = [&m](std::vector<double> survivors) {
    return log_likelihood(m, std::span<const double>(survivors));
  };
  EXPECT_EQ(likelihood({}), 0);
  EXPECT_EQ(likelihood({100}), 0);
  EXPECT_TRUE(std::isnan(likelihood({100, 101})));
  EXPECT_TRUE(std::isnan(likelihood({100, -1})));
  EXPECT_TRUE(std::isnan(likelihood({nan_value})));
  expect_relative(likelihood({100, 0}), 100 * std::log(0.7 / 3.7), 1e-14);
  expect_relative(likelihood({100, 100}), 100 * std::log(3 / 3.7), 1e-14);
}

// Random parameters over many powers of ten: answers stay within what they can be.
TEST(ClvRobust, AnswersStayInBoundsFarOut) {
  salesops::random::Stream stream(5);
  const auto power = [&stream](double low, double high) { return std::pow(10, stream.uniform(low, high)); };
  const auto check = [](const auto& m, double x, double t_x, double T) {
    const auto name = ::testing::Message() << typeid(m).name() << ' ' << m.r << ' ' << m.alpha << ' ' << x
                                           << ' ' << t_x << ' ' << T;
    const double log_p = log_p_alive(m, x, t_x, T);
    EXPECT_LE(log_p, 0) << name;
    EXPECT_TRUE(std::isfinite(log_p)) << name;
    EXPECT_TRUE(std::isfinite(log_likelihood(m, x, t_x, T))) << name;
    const double p = std::exp(log_p);
    for (const double t : {T * 1e-3, T, T * 30}) {
      const double expected = expected_transactions(m, t, x, t_x, T);
      const double bound = p * (m.r + x) / (m.alpha + T) * t;
      EXPECT_GE(expected, 0) << name;
      EXPECT_LE(expected, bound * (1 + 1e-9)) << name;
      EXPECT_GE(p_no_transaction(m, t, x, t_x, T), (1 - p) * (1 - 1e-9)) << name;
      EXPECT_LE(p_no_transaction(m, t, x, t_x, T), 1 + 1e-12) << name;
      EXPECT_LE(p_alive_at(m, t, x, t_x, T), p * (1 + 1e-9)) << name;
      EXPECT_LE(pmf(m, 1, t, x, t_x, T), p * (1 + 1e-9)) << name;
    }
    const double discounted = dert(m, 1 / T, x, t_x, T);
    EXPECT_GE(discounted, 0) << name;
    EXPECT_LE(discounted, p * (m.r + x) / (m.alpha + T) * T * (1 + 1e-9)) << name;
  };
  for (int i = 0; i < 200; ++i) {
    const double x = i % 4 == 0 ? 0 : std::floor(power(0, 4));
    const double T = power(-1, 4);
    const double t_x = x == 0 ? 0 : T * stream.uniform(0.2, 1);
    const double r = power(-2, 2);
    const double alpha = power(-3, 4);
    const double a = power(-3, 4);
    const double b = power(-2, 4);
    check(BGNBD{r, alpha, a, b}, x, t_x, T);
    check(MBGNBD{r, alpha, a, b}, x, t_x, T);
    check(ParetoNBD{r, alpha, power(-2, 2), power(-3, 6)}, x, t_x, T);
  }
}

TEST(ClvRobust, CustomersWhoLeaveAtOneRateAreTheLimit) {
  // s and beta to infinity at one rate: a factor e^(−μu) of the time left, by quadrature of its definition.
  constexpr double mu = 1 / 97.0;
  for (const auto& [x, t_x, T] : {std::array{3.0, 21.0, 30.0}, {0.0, 0.0, 52.0}, {40.0, 90.0, 104.0}}) {
    const double R = 0.8 + x, end = T;
    const double odds =
        mu *
        salesops::special::integrate(
            [=](double u) { return std::exp(mu * (end - u) - R * std::log((10 + u) / (10 + end))); }, t_x, T);
    for (const double s : {1e10, 1e13, 1e16}) {
      const ParetoNBD m{0.8, 10, s, s / mu};
      EXPECT_NEAR(p_alive(m, x, t_x, T) * (1 + odds), 1, 1e-8) << s;
      EXPECT_NEAR(log_p_alive(m, x, t_x, T), -std::log1p(odds), 1e-8) << s;
    }
  }
  // Where the continued fraction still does, both say the same.
  for (const double b : {0.3, 1.0, 3.0, 300.0, 1e4})
    for (const double e : {0.3, 0.9, 1.0, 1.2, 40.0, 1e3})
      for (const double w : {1.1e-5, 1e-4, 1e-3}) {
        if (b + e <= 1.001) continue;
        const double fraction = salesops::special::hyp2f1_1(b, b + e, 1 - w, w) / (b + e - 1);
        EXPECT_NEAR(detail::slow_tail(b, e, w) / fraction, 1, 1e-10) << b << " " << e << " " << w;
      }
}
