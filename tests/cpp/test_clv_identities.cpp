#include <gtest/gtest.h>

#include <cmath>
#include <tuple>
#include <vector>

#include "clv_golden.hpp"
#include "salesops/clv.hpp"

using namespace clv_test;

namespace {

struct History {
  double x, t_x, T;
};
const std::vector<History> histories{{0, 0, 0},       {0, 0, 38.86},     {2, 30.43, 38.86},
                                     {1, 0.5, 38.86}, {26, 30.86, 31},   {50, 50, 50},
                                     {7, 20, 60},     {12, 11.9, 12.25}, {3, 1, 400}};

/// For each model and history.
template <class Use>
void for_each_customer(const Use& use) {
  for_each_model([&](const auto& m) {
    for (const auto& [x, t_x, T] : histories) use(m, x, t_x, T);
  });
}

}  // namespace

TEST(ClvIdentities, CountsOfPurchasesAreADistributionWithTheExpectedMean) {
  for_each_customer([](const auto& m, double x, double t_x, double T) {
    double sum = 0;
    double mean = 0;
    for (int n = 0; n < 3000; ++n) {
      const double p = pmf(m, n, 8, x, t_x, T);
      sum += p;
      mean += n * p;
      if (n > 20 && p < 1e-18) break;
    }
    EXPECT_NEAR(sum, 1, 1e-11) << typeid(m).name() << ' ' << x << ' ' << t_x << ' ' << T;
    expect_relative(mean, expected_transactions(m, 8, x, t_x, T), 1e-10, typeid(m).name());
    EXPECT_EQ(pmf(m, 0, 8, x, t_x, T), p_no_transaction(m, 8, x, t_x, T));
  });
  for (const History h : {History{0, 0, 6}, History{4, 5, 6}, History{6, 6, 6}, History{2, 3, 90}}) {
    double sum = 0;
    double mean = 0;
    for (int n = 0; n <= 12; ++n) {
      const double p = pmf(bgbb, n, 12, h.x, h.t_x, h.T);
      sum += p;
      mean += n * p;
    }
    EXPECT_NEAR(sum, 1, 1e-13);
    expect_relative(mean, expected_transactions(bgbb, 12, h.x, h.t_x, h.T), 1e-12);
    EXPECT_EQ(pmf(bgbb, 13, 12, h.x, h.t_x, h.T), 0);
  }
}

TEST(ClvIdentities, DiscountedTransactionsTieTheHorizonsTogether) {
  for_each_customer([](const auto& m, double x, double t_x, double T) {
    const char* name = typeid(m).name();
    expect_relative(dect(m, 39, 0, x, t_x, T), expected_transactions(m, 39, x, t_x, T), 1e-13, name);
    expect_relative(dect(m, 6000, 0.01, x, t_x, T), dert(m, 0.01, x, t_x, T), 1e-10, name);
    expect_relative(dect(m, 900, 0.1, x, t_x, T), dert(m, 0.1, x, t_x, T), 1e-10, name);
    double less = 0;
    for (const double t : {0.5, 3.0, 20.0, 150.0}) {
      const double discounted = dect(m, t, 0.02, x, t_x, T);
      EXPECT_GT(discounted, less) << name;
      EXPECT_LT(discounted, expected_transactions(m, t, x, t_x, T)) << name;
      EXPECT_GT(discounted, std::exp(-0.02 * t) * expected_transactions(m, t, x, t_x, T)) << name;
      less = discounted;
    }
    EXPECT_LT(less, dert(m, 0.02, x, t_x, T)) << name;
  });
  for (const double rate : {0.0, 1e-4})  // term by term up to 1,000, by an integral beyond
    expect_relative(dect(bgbb, 1001, rate, 4, 5, 6) - dect(bgbb, 1000, rate, 4, 5, 6),
                    p_alive_at(bgbb, 1001, 4, 5, 6) * (5.204 / 7.954) * std::pow(1 + rate, -1001), 1e-8);
  expect_relative(dect(bgbb, 1e9, 1e-6, 4, 5, 6), dert(bgbb, 1e-6, 4, 5, 6), 1e-10);
  expect_relative(dect(bgbb, 2000, 0.1, 4, 5, 6), dert(bgbb, 0.1, 4, 5, 6), 1e-13);
  expect_relative(dect(bgbb, 10, 0, 4, 5, 6), expected_transactions(bgbb, 10, 4, 5, 6), 1e-15);
}

// The discounted mean by its definition: purchases in short intervals, each discounted.
TEST(ClvIdentities, DiscountingByDefinition) {
  for_each_model([](const auto& m) {
    double sum = 0;
    double before = 0;
    const double step = 52.0 / 20'000;
    for (int i = 1; i <= 20'000; ++i) {
      const double now = expected_transactions(m, step * i, 2, 30.43, 38.86);
      sum += (now - before) * std::exp(-0.03 * step * (i - 0.5));
      before = now;
    }
    expect_relative(dect(m, 52, 0.03, 2, 30.43, 38.86), sum, 1e-8, typeid(m).name());
  });
}

TEST(ClvIdentities, ForecastsStartAtNothingAndGrow) {
  constexpr double rounding = 1e-13;
  for_each_customer([](const auto& m, double x, double t_x, double T) {
    EXPECT_EQ(expected_transactions(m, 0, x, t_x, T), 0);
    EXPECT_EQ(dect(m, 0, 0.01, x, t_x, T), 0);
    EXPECT_DOUBLE_EQ(pmf(m, 0, 0, x, t_x, T), 1);
    EXPECT_EQ(pmf(m, 2, 0, x, t_x, T), 0);
    const double now = p_alive(m, x, t_x, T);
    expect_relative(p_alive_at(m, 0, x, t_x, T), now, 1e-14);
    double mean = 0;
    double silent = 1;
    double alive = now;
    for (const double t : {0.001, 0.1, 1.0, 10.0, 100.0, 1000.0, 10'000.0}) {
      const double more = expected_transactions(m, t, x, t_x, T);
      EXPECT_GT(more, mean);
      mean = more;
      EXPECT_LE(p_no_transaction(m, t, x, t_x, T), silent * (1 + rounding));
      silent = p_no_transaction(m, t, x, t_x, T);
      EXPECT_LE(p_alive_at(m, t, x, t_x, T), alive * (1 + rounding));
      alive = p_alive_at(m, t, x, t_x, T);
    }
    EXPECT_GE(silent, 1 - now - rounding);
  });
}

TEST(ClvIdentities, NewCustomersAreKnownOnesWithoutAPast) {
  for_each_model([](const auto& m) {
    expect_relative(expected_transactions_new(m, 30), expected_transactions(m, 30, 0, 0, 0), 1e-14);
    expect_relative(p_alive_new(m, 30), p_alive_at(m, 30, 0, 0, 0), 1e-14);
    expect_relative(pmf_new(m, 3, 30), pmf(m, 3, 30, 0, 0, 0), 1e-14);
    expect_relative(pmf_new(m, 0, 30), p_no_transaction(m, 30, 0, 0, 0), 1e-14);
    expect_relative(dert_new(m, 0.01), dert(m, 0.01, 0, 0, 0), 1e-14);
    expect_relative(dect_new(m, 30, 0.01), dect(m, 30, 0.01, 0, 0, 0), 1e-14);
  });
  expect_relative(p_alive(mbg, 0, 0, 0), mbg.b / (mbg.a + mbg.b), 1e-15);
}

// A silent customer's likelihood is its probability of no purchase.
TEST(ClvIdentities, SilenceHasTheLikelihoodOfNoPurchase) {
  for_each_model([](const auto& m) {
    for (const double T : {0.5, 10.0, 300.0})
      EXPECT_NEAR(log_likelihood(m, 0, 0, T), std::log(pmf_new(m, 0, T)), 1e-11) << typeid(m).name();
  });
  // Over all sequences of buying and not: 4 opportunities.
  double sum = 0;
  for (unsigned bits = 0; bits < 16; ++bits) {
    double x = 0;
    double t_x = 0;
    for (unsigned i = 0; i < 4; ++i)
      if (bits >> i & 1U) x += 1, t_x = i + 1;
    sum += std::exp(log_likelihood(bgbb, x, t_x, 4));
  }
  EXPECT_NEAR(sum, 1, 1e-13);
}

TEST(ClvIdentities, TheUnitOfTimeIsFree) {
  const double c = 7;  // weeks to days
  const auto same = [c](const auto& weeks, const auto& days) {
    for (const auto& [x, t_x, T] : histories) {
      EXPECT_NEAR(log_likelihood(days, x, c * t_x, c * T), log_likelihood(weeks, x, t_x, T) - x * std::log(c),
                  1e-10);
      EXPECT_NEAR(log_p_alive(days, x, c * t_x, c * T), log_p_alive(weeks, x, t_x, T), 1e-11);
      expect_relative(expected_transactions(days, c * 39, x, c * t_x, c * T),
                      expected_transactions(weeks, 39, x, t_x, T), 1e-11);
      expect_relative(dert(days, 0.01 / c, x, c * t_x, c * T), dert(weeks, 0.01, x, t_x, T), 1e-10);
      expect_relative(dect(days, c * 39, 0.01 / c, x, c * t_x, c * T), dect(weeks, 39, 0.01, x, t_x, T),
                      1e-10);
      expect_relative(pmf(days, 3, c * 39, x, c * t_x, c * T), pmf(weeks, 3, 39, x, t_x, T), 1e-10);
      expect_relative(expected_rate(days, x, c * t_x, c * T) * c, expected_rate(weeks, x, t_x, T), 1e-10);
    }
  };
  same(bg, BGNBD{bg.r, c * bg.alpha, bg.a, bg.b});
  same(mbg, MBGNBD{mbg.r, c * mbg.alpha, mbg.a, mbg.b});
  same(nbd, NBD{nbd.r, c * nbd.alpha});
  same(pareto, ParetoNBD{pareto.r, c * pareto.alpha, pareto.s, c * pareto.beta});
  const auto& g = ggompertz;
  same(g, GGompertzNBD{g.r, c * g.alpha, g.b / c, g.s, g.beta});
}

TEST(ClvIdentities, RegularCustomersWithOneEventAPurchaseAreBG) {
  const auto same = [](const auto& one, const auto& plain) {
    for (const auto& [x, t_x, T] : histories) {
      EXPECT_NEAR(log_likelihood(one, x, t_x, T), log_likelihood(plain, x, t_x, T), 1e-10);
      EXPECT_NEAR(log_p_alive(one, x, t_x, T), log_p_alive(plain, x, t_x, T), 1e-12);
      expect_relative(expected_transactions(one, 39, x, t_x, T), expected_transactions(plain, 39, x, t_x, T),
                      1e-12);
      expect_relative(p_alive_at(one, 39, x, t_x, T), p_alive_at(plain, 39, x, t_x, T), 1e-12);
      for (const double n : {0.0, 1.0, 6.0})
        expect_relative(pmf(one, n, 39, x, t_x, T), pmf(plain, n, 39, x, t_x, T), 1e-11);
      for (const double rate : {0.001, 0.02, 0.5})
        expect_relative(dert(one, rate, x, t_x, T), dert(plain, rate, x, t_x, T), 1e-11);
      expect_relative(dect(one, 39, 0.02, x, t_x, T), dect(plain, 39, 0.02, x, t_x, T), 1e-12);
      expect_relative(expected_rate(one, x, t_x, T), expected_rate(plain, x, t_x, T), 1e-12);
      expect_relative(expected_dropout(one, x, t_x, T), expected_dropout(plain, x, t_x, T), 1e-12);
    }
  };
  same(BGCNBD{1, bg.r, bg.alpha, bg.a, bg.b}, bg);
  same(MBGCNBD{1, mbg.r, mbg.alpha, mbg.a, mbg.b}, mbg);
}

TEST(ClvIdentities, LimitsBetweenModels) {
  const double tiny = 1e-10;
  const GGompertzNBD flat{pareto.r, pareto.alpha, tiny, pareto.s, pareto.beta * tiny};
  const ParetoNBD immortal{nbd.r, nbd.alpha, tiny, 10};
  const BGNBD faithful{nbd.r, nbd.alpha, tiny, 10};
  for (const auto& [x, t_x, T] : histories) {
    EXPECT_NEAR(log_likelihood(flat, x, t_x, T), log_likelihood(pareto, x, t_x, T), 1e-6);
    expect_relative(expected_transactions(flat, 39, x, t_x, T), expected_transactions(pareto, 39, x, t_x, T),
                    1e-6);
    expect_relative(dert(flat, 0.01, x, t_x, T), dert(pareto, 0.01, x, t_x, T), 1e-6);
    expect_relative(pmf(flat, 2, 39, x, t_x, T), pmf(pareto, 2, 39, x, t_x, T), 1e-6);
    expect_relative(expected_dropout(flat, x, t_x, T), expected_dropout(pareto, x, t_x, T), 1e-6);
    for (const double t : {1.0, 39.0}) {
      const double never = expected_transactions(nbd, t, x, t_x, T);
      expect_relative(expected_transactions(immortal, t, x, t_x, T), never, 2e-5);
      expect_relative(expected_transactions(faithful, t, x, t_x, T), never, 2e-5);
    }
    EXPECT_NEAR(log_likelihood(immortal, x, t_x, T), log_likelihood(nbd, x, t_x, T), 2e-5);
  }
}

// alpha = beta, a = 1 and s = 1 are places where textbook formulas divide by zero.
TEST(ClvIdentities, NoPlaceIsSpecial) {
  const double near = 1e-9;
  for (const auto& [x, t_x, T] : histories) {
    const ParetoNBD equal{0.55, 10.5, 0.6, 10.5};
    for (const double beta : {10.5 * (1 - near), 10.5 * (1 + near)})
      EXPECT_NEAR(log_likelihood(equal, x, t_x, T),
                  log_likelihood(ParetoNBD{0.55, 10.5, 0.6, beta}, x, t_x, T), 1e-6);
    for (const double s : {1 - near, 1 + near})
      expect_relative(expected_transactions(ParetoNBD{0.55, 10.5, s, 11.6}, 52, x, t_x, T),
                      expected_transactions(ParetoNBD{0.55, 10.5, 1, 11.6}, 52, x, t_x, T), 1e-6);
    for (const double a : {1 - near, 1 + near})
      expect_relative(expected_transactions(BGNBD{0.243, 4.414, a, 2.426}, 52, x, t_x, T),
                      expected_transactions(BGNBD{0.243, 4.414, 1, 2.426}, 52, x, t_x, T), 1e-6);
  }
}

// Without discount: all purchases to come, where there are finitely many.
TEST(ClvIdentities, NoDiscount) {
  expect_relative(dert_new(BGNBD{0.3, 4, 1.5, 2.5}, 0), (1.5 + 2.5 - 1) / 0.5, 1e-14);
  expect_relative(dert_new(BGNBD{0.3, 4, 3.5, 2.5}, 1e-9), dert_new(BGNBD{0.3, 4, 3.5, 2.5}, 0), 1e-2);
  expect_relative(dert_new(ParetoNBD{0.5, 10, 3, 20}, 0), 0.5 * 20 / 10 / 2, 1e-14);
  expect_relative(dert_new(ParetoNBD{0.5, 10, 3, 20}, 1e-10), 0.5, 1e-7);
  expect_relative(dert_new(BGBB{1, 3, 2, 5}, 0), 0.25 * 5 / 1, 1e-14);
  expect_relative(dert_new(BGBB{1, 3, 4, 5}, 1e-9), dert_new(BGBB{1, 3, 4, 5}, 0), 1e-7);
  expect_relative(dert_new(ggompertz, 0), expected_transactions_new(ggompertz, 1e5), 1e-11);
  // Customers who differ much in their rates, and hardly in leaving: k = 1 has to agree with BG/NBD.
  for (const double r : {0.02, 0.3, 40.0})
    for (const double a : {0.05, 1.0, 30.0})
      expect_relative(dert_new(LivingCNBD{1, r, 4, a, 0.4, 0.2}, 0.01), dert_new(BGNBD{r, 4, a, 0.4}, 0.01),
                      1e-14);
  EXPECT_GT(dert_new(LivingCNBD{3, 0.02, 4, 0.05, 0.4, 0.2}, 0.01), 0);
  EXPECT_EQ(dert_new(bg, 0), salesops::special::infinity);
  EXPECT_EQ(dert_new(pareto, 0), salesops::special::infinity);
  EXPECT_EQ(dert_new(nbd, 0), salesops::special::infinity);
  EXPECT_EQ(dert_new(bgbb, 0), salesops::special::infinity);
}

TEST(Identities, TimesWithoutEnd) {
  const double endless = salesops::special::infinity;
  const auto check = [&](const auto& model) {
    EXPECT_EQ(expected_transactions_new(model, endless), dert_new(model, 0));
    EXPECT_EQ(dect_new(model, endless, 0.01), dert_new(model, 0.01));
    expect_relative(dect_new(model, 1e6, 0.01), dert_new(model, 0.01), 1e-10);
  };
  check(BGNBD{0.5, 10, 1.5, 11});
  check(BGNBD{0.5, 10, 0.7, 11});
  check(ParetoNBD{0.5, 10, 1.5, 11});
  check(BGBB{1, 3, 2, 5});
  check(LivingCNBD{12, 24.85, 27, 1.79, 4.42, 0.2});
  EXPECT_EQ(p_alive_new(BGNBD{0.5, 10, 1.5, 11}, endless), 0);
  EXPECT_EQ(p_alive_new(LivingCNBD{12, 24.85, 27, 1.79, 4.42, 0.2}, endless), 0);
}

// CET in the long run of a customer of BG/NBD: (a+b+x−1)/(a−1) of a living one.
TEST(ClvIdentities, LongHorizons) {
  const BGNBD m{0.5, 3, 2.5, 4};
  expect_relative(expected_transactions_new(m, 1e200), (2.5 + 4 - 1) / 1.5, 1e-9);
  double less = 0;
  for (double t = 1; t < 1e12; t *= 1.7) {  // the sum and the integral meet somewhere in between
    const double more = expected_transactions_new(m, t);
    EXPECT_GT(more, less) << t;
    EXPECT_LT(more, 5.5 / 1.5);
    less = more;
  }
}

TEST(ClvIdentities, Contracts) {
  for (const double n : {0.0, 1.0, 7.0, 300.0}) {
    const SBG m{0.668, 3.806};
    const BdW one{0.668, 3.806, 1};
    for (const double rate : {1.0, 0.1, 0.003, 1e-5})
      expect_relative(residual_lifetime(one, rate, n, Renewal::due),
                      residual_lifetime(m, rate, n, Renewal::due), 1e-10);
    expect_relative(residual_lifetime(m, 0.1, n, Renewal::made),
                    residual_lifetime(m, 0.1, n, Renewal::due) / 1.1, 1e-14);
    // One renewal further: due = retention · (1 + what is then due, discounted).
    const BdW w{0.4556, 0.7793, 1.2835};
    for (const double rate : {0.1, 0.004})
      expect_relative(residual_lifetime(w, rate, n, Renewal::due),
                      retention(w, n + 1) * (1 + residual_lifetime(w, rate, n + 1, Renewal::made)), 1e-10);
    for (const double t : {1.0, 2.0, 9.0})
      expect_relative(survival_given(w, t, n), survival(w, n + t) / survival(w, n), 1e-12);
    // No discount.
    expect_relative(residual_lifetime(SBG{1.5, 4}, 0, n, Renewal::due), (4 + n) / 0.5, 1e-14);
    expect_relative(residual_lifetime(BdW{1.5, 4, 1}, 0, n, Renewal::due), (4 + n) / 0.5, 1e-9);
  }
  EXPECT_EQ(residual_lifetime(SBG{0.668, 3.806}, 0, 1, Renewal::due), salesops::special::infinity);
  const BdW w{0.4556, 0.7793, 1.2835};
  const double two = survival_given(w, 1, 3) + survival_given(w, 2, 3) / 1.1;
  expect_relative(dect(w, 2, 0.1, 3, Renewal::due), two, 1e-14);
  expect_relative(dect(w, 2, 0.1, 3, Renewal::made), two / 1.1, 1e-14);
  EXPECT_EQ(dect(w, salesops::special::infinity, 0.1, 3, Renewal::due),
            residual_lifetime(w, 0.1, 3, Renewal::due));
  EXPECT_TRUE(std::isnan(dect(w, 2.5, 0.1, 3, Renewal::due)));
  const std::vector<double> later{600, 550, 520};
  const double seen = 50 * std::log(1 - survival_given(w, 1, 4)) + 520 * std::log(survival_given(w, 2, 4)) +
                      30 * (std::log(survival_given(w, 1, 4)) + std::log(1 - survival_given(w, 1, 5)));
  expect_relative(log_likelihood(w, later, 4), seen, 1e-12);
  EXPECT_EQ(residual_lifetime(BdW{0.668, 3.806, 1.4}, 0, 1, Renewal::due), salesops::special::infinity);
  double gone = 0;
  for (int t = 1; t <= 50; ++t) gone += std::exp(log_p_churn(BdW{0.4556, 0.7793, 1.2835}, t));
  EXPECT_NEAR(gone + survival(BdW{0.4556, 0.7793, 1.2835}, 50), 1, 1e-13);
}
