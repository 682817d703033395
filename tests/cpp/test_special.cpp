#include <gtest/gtest.h>

#include <cmath>

#include "salesops/special.hpp"

using namespace salesops;

namespace {

void expect_relative(double actual, double expected, double tolerance) {
  EXPECT_LE(std::fabs(actual - expected), tolerance * std::fabs(expected)) << actual << " for " << expected;
}

}  // namespace

// Expected values: mpmath 1.3 with 40 digits.
TEST(Special, GammaFamily) {
  expect_relative(special::log_gamma(0.25), 1.2880225246980774573, 1e-15);
  expect_relative(special::log_gamma(1234.5), 7550.55090107789489573, 1e-15);
  expect_relative(special::log_beta(0.25, 2.5), 1.09749072825605948669, 1e-14);
  expect_relative(special::digamma(1e-3), -1000.5755719318103005, 1e-14);
  expect_relative(special::digamma(0.5), -1.9635100260214234794, 1e-14);
  expect_relative(special::digamma(9.99), 2.25070037283120109954, 1e-14);
  expect_relative(special::digamma(123.4), 4.81137377511627737729, 1e-14);
  expect_relative(special::trigamma(0.5), 4.9348022005446793094, 1e-14);
  expect_relative(special::trigamma(12.25), 0.085055142988163208079, 1e-14);
}

TEST(Special, GammaFamilyRecurrences) {
  for (double x = 0.01; x < 50; x *= 1.3) {
    EXPECT_NEAR(special::digamma(x + 1) - special::digamma(x), 1 / x, 1e-14 * (1 + 1 / x));
    EXPECT_NEAR(special::trigamma(x) - special::trigamma(x + 1), 1 / (x * x), 1e-14 * (1 + 1 / (x * x)));
  }
}

TEST(Special, LogarithmsDoNotOverflow) {
  EXPECT_DOUBLE_EQ(special::softplus(1000), 1000);
  EXPECT_DOUBLE_EQ(special::softplus(-1000), 0);
  EXPECT_DOUBLE_EQ(special::softplus(0), std::log(2));
  EXPECT_DOUBLE_EQ(special::logistic(-800) + special::logistic(800), 1);
  EXPECT_DOUBLE_EQ(special::log_add(-1000, -1000), -1000 + std::log(2));
  EXPECT_EQ(special::log_add(-special::infinity, 3), 3);
  EXPECT_EQ(special::log_add(-special::infinity, -special::infinity), -special::infinity);
  expect_relative(special::log1m_exp(-1e-20), std::log(1e-20), 1e-15);
  expect_relative(special::log1m_exp(-50), -std::exp(-50), 1e-15);
}

TEST(Special, NormalQuantileInvertsTheDistribution) {
  expect_relative(special::normal_quantile(0.975), 1.9599639845400542355, 1e-15);
  expect_relative(special::normal_quantile(0.9), 1.2815515655446004, 1e-15);
  expect_relative(special::normal_quantile(1e-300), -37.0470962993612, 1e-13);
  for (const double p : {1e-300, 1e-50, 1e-12, 0.001, 0.07, 0.0750001, 0.3, 0.5})
    expect_relative(special::normal_cdf(special::normal_quantile(p)), p, 2e-13);
  EXPECT_EQ(special::normal_quantile(0), -special::infinity);
  EXPECT_EQ(special::normal_quantile(1), special::infinity);
}

TEST(Special, HypergeometricAgainstClosedForms) {
  for (const double z : {0.0, 1e-12, 0.1, 0.5, 0.9, 0.999, 0.999999}) {
    // F(1,1;2;z) = −ln(1−z)/z; F(1,b;b;z) = 1/(1−z).
    expect_relative(special::hyp2f1_1(1, 2, z), z == 0 ? 1 : -std::log1p(-z) / z, 1e-11);
    expect_relative(special::hyp2f1_1(2.5, 2.5, z), 1 / (1 - z), 1e-9);
  }
  // F(1,b;c;z) = 1 + (b z/c) F(1,b+1;c+1;z).
  for (const double z : {0.2, 0.7, 0.99})
    expect_relative(special::hyp2f1_1(3.2, 40.5, z), 1 + 3.2 * z / 40.5 * special::hyp2f1_1(4.2, 41.5, z),
                    1e-13);
}

TEST(Special, OutsideTheDomainIsNaN) {
  EXPECT_TRUE(std::isnan(special::log_gamma(0)));
  EXPECT_TRUE(std::isnan(special::digamma(-1)));
  EXPECT_TRUE(std::isnan(special::trigamma(special::not_a_number)));
  EXPECT_TRUE(std::isnan(special::normal_quantile(1.5)));
  EXPECT_TRUE(std::isnan(special::log1m_exp(1)));
  EXPECT_TRUE(std::isnan(special::hyp2f1_1(1, 2, 1)));
}

TEST(Special, RisingFactorials) {
  // (a)ₙ as a product, on both sides of the switch to Stirling's formula.
  for (const double a : {1e-3, 0.25, 1.0, 7.5, 9.999, 10.0, 123.4}) {
    double log_product = 0;
    for (int n = 0; n < 40; ++n) {
      EXPECT_NEAR(special::log_rising(a, n), log_product, 4e-14 * (1 + std::fabs(log_product)))
          << a << ' ' << n;
      log_product += std::log(a + n);
    }
    EXPECT_NEAR(special::log_rising(a, 2.75), special::log_gamma(a + 2.75) - special::log_gamma(a), 1e-12);
    // a + 2.75 is rounded before the function sees it.
    EXPECT_NEAR(special::log_rising(a + 2.75, -2.75), -special::log_rising(a, 2.75), 1e-15 / a + 1e-13);
  }
  // mpmath, 40 digits: small steps keep their accuracy, and so do large and unequal arguments.
  expect_relative(special::log_rising(1e-3, 1e-3), -0.69372193162449372, 1e-14);
  expect_relative(special::log_rising(1e-3, 1e-9), -1.0005750719313224e-6, 1e-14);
  expect_relative(special::log_rising(0.25, 1e-9), -4.2274535247776009e-9, 1e-14);
  expect_relative(special::log_rising(7.5, 1e-3), 0.0019468287888104669, 1e-14);
  expect_relative(special::log_rising(7.5, 1e-9), 1.9467574843173947e-9, 1e-14);
  expect_relative(special::log_rising(1e8, 3.5), 64.472382647583278715, 1e-15);
  expect_relative(special::log_rising(1e5, 40), 460.52481757201188876, 1e-14);
  expect_relative(special::log_beta_ratio(0.9, 0.3, 5000), -8.8466909562560140548, 1e-14);
  expect_relative(special::log_beta_ratio(1200, 9000, 161), -19.984760510317242451, 1e-13);
  expect_relative(special::log_binomial(52, 5), std::log(2598960.0), 1e-14);
  expect_relative(special::log_binomial(52, 47), std::log(2598960.0), 1e-14);
  EXPECT_EQ(special::log_binomial(9, 0), 0);
}

TEST(Special, DifferencesOfLogarithms) {
  EXPECT_NEAR(special::log_sub(std::log(3), std::log(2)), 0, 1e-15);
  expect_relative(special::log_sub(1000, 999), 1000 + std::log1p(-std::exp(-1)), 1e-15);
  EXPECT_EQ(special::log_sub(5, -special::infinity), 5);
  for (const double x : {-0.5, -0.19999, -1e-5, 1e-9, 1e-3, 0.19999, 0.3, 20.0}) {
    const double direct = std::log1p(x) - x;
    EXPECT_NEAR(special::log1p_minus(x), direct, 4e-16 * (1 + std::fabs(x)));
  }
  expect_relative(special::log1p_minus(1e-9), -5e-19 + 1e-27 / 3, 1e-15);
}

TEST(Special, Integrals) {
  expect_relative(special::integrate([](double x) { return x * x; }, 0, 3), 9, 1e-15);
  // Exact for polynomials of degree 31 (Kronrod) in one piece.
  expect_relative(special::integrate([](double x) { return 32 * std::pow(x, 31); }, 0, 1), 1, 1e-14);
  // A sharp peak at the end and one inside.
  expect_relative(special::integrate([](double x) { return 1e5 * std::exp(-1e5 * x); }, 0, 1), 1, 1e-12);
  expect_relative(
      special::integrate([](double x) { return std::exp(-0.5 * (x - 3) * (x - 3) * 1e4); }, 0, 10),
      std::sqrt(2 * 3.14159265358979323846) / 100, 1e-12);
  EXPECT_EQ(special::integrate([](double) { return 1; }, 2, 2), 0);
  EXPECT_EQ(special::integrate([](double) { return 0; }, 0, 1), 0);
  EXPECT_TRUE(std::isnan(special::integrate([](double) { return 1; }, 1, 0)));
}

TEST(Special, HypergeometricNextToOne) {
  // F(1, b; b; z) = 1/(1−z) and F(1, 1; 2; z) = −ln(1−z)/z, with w = 1−z far below what z can hold.
  for (const double w : {1e-4, 1e-6, 1e-9, 1e-30}) {
    expect_relative(special::hyp2f1_1(2.5, 2.5, 1 - w, w), 1 / w, 1e-11);
    expect_relative(special::hyp2f1_1(1, 2, 1 - w, w), -std::log(w) / (1 - w), 1e-11);
  }
  // Both ways meet.
  expect_relative(special::hyp2f1_1(3.2, 40.5, 1 - 0.999e-5, 0.999e-5),
                  special::hyp2f1_1(3.2, 40.5, 1 - 1e-5, 1e-5), 1e-6);
}

TEST(Special, ExponentialIntegrals) {
  // mpmath: exp(z) expint(s, z).
  expect_relative(special::scaled_exponential_integral(1, 1), 0.59634736232319407434, 1e-14);
  expect_relative(special::scaled_exponential_integral(1, 0.01), 4.0785114434564258466, 1e-13);
  // (s) E(s+1) = 1 − z E(s), over the switch of methods and at whole s.
  for (const double z : {1e-8, 1e-3, 0.2, 0.99, 1.0, 3.0, 80.0})
    for (const double s : {0.01, 0.5, 0.999999, 1.0, 1.000001, 1.5, 2.0, 3.7, 39.0, 39.5})
      expect_relative(s * special::scaled_exponential_integral(s + 1, z),
                      1 - z * special::scaled_exponential_integral(s, z), 1e-11 * (1 + z));
  // By definition.
  for (const double s : {0.3, 1.0, 2.5, 60.0})
    for (const double z : {0.05, 0.9, 7.0})
      expect_relative(special::scaled_exponential_integral(s, z),
                      special::integrate([&](double y) { return std::exp(-z * std::expm1(y) + (1 - s) * y); },
                                         0, std::log1p(50 / z)),
                      1e-11);
}

TEST(Special, IncompleteBeta) {
  // Binomial tails: I_x(a, n−a+1) = P(at least a of n).
  double tail = 0;
  for (int k = 7; k <= 20; ++k)
    tail += std::exp(special::log_binomial(20, k) + k * std::log(0.3) + (20 - k) * std::log(0.7));
  expect_relative(special::beta_cdf(7, 14, 0.3, 0.7), tail, 1e-13);
  expect_relative(special::beta_cdf(0.5, 0.5, 0.25, 0.75), 1.0 / 3, 1e-14);
  expect_relative(special::beta_cdf(2.5, 1, 0.1, 0.9), std::pow(0.1, 2.5), 1e-14);
  for (const double a : {0.2, 3.0, 40.0, 5000.0})
    for (const double b : {0.2, 7.0, 900.0})
      for (const double x : {0.001, 0.3, 0.9})
        EXPECT_NEAR(special::beta_cdf(a, b, x, 1 - x) + special::beta_cdf(b, a, 1 - x, x), 1, 1e-12);
  EXPECT_EQ(special::beta_cdf(2, 3, 0, 1), 0);
  EXPECT_EQ(special::beta_cdf(2, 3, 1, 0), 1);
  EXPECT_TRUE(std::isnan(special::beta_cdf(0, 3, 0.5, 0.5)));
}

TEST(Special, LongSums) {
  // Telescoping: Σ 1/(j(j+1)) = 1 − 1/(n+1).
  for (const double n : {0.0, 1.0, 255.0, 256.0, 257.0, 1000.0, 1e9})
    EXPECT_NEAR(special::sum_falling([](double j) { return 1 / (j * (j + 1)); }, n), 1 - 1 / (n + 1), 1e-13)
        << n;
  // Geometric.
  expect_relative(special::sum_falling([](double j) { return std::exp(-1e-6 * j); }, 1e9),
                  1 / std::expm1(1e-6), 1e-12);
  expect_relative(special::sum_falling([](double j) { return std::exp(-j); }, 1e300), 1 / std::expm1(1),
                  1e-14);
}
