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
