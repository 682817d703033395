#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "clv_golden.hpp"
#include "salesops/clv.hpp"
#include "salesops/random.hpp"

// Crowds drawn from the stories the models tell; forecasts are calibrated on them, over all and by group.
using namespace clv_test;
using salesops::random::Stream;

namespace {

struct Life {
  std::vector<double> purchases;  ///< repeat purchases while a customer
  double gone = 0;                ///< moment of leaving
  double rate = 0;                ///< purchases per unit of time while alive
  double dropout = 0;
};

constexpr double seen = 30;
constexpr double ahead = 20;
constexpr double never = 1e300;

/// Gaps of k events of a Poisson process; `leaves()` is asked after each purchase.
Life live_by_chances(Stream& stream, int k, double rate, double p, bool at_once) {
  Life life{{}, never, rate / k, p};
  double t = 0;
  if (at_once && stream.bernoulli(p)) life.gone = 0;
  while (life.gone == never) {
    for (int i = 0; i < k; ++i) t += stream.exponential(rate);
    if (t > seen + ahead) break;
    life.purchases.push_back(t);
    if (stream.bernoulli(p)) life.gone = t;
  }
  return life;
}

Life live_until(Stream& stream, double rate, double gone, double dropout) {
  Life life{{}, gone, rate, dropout};
  for (double t = stream.exponential(rate); t <= std::fmin(gone, seen + ahead); t += stream.exponential(rate))
    life.purchases.push_back(t);
  return life;
}

Life live(const BGNBD& m, Stream& s) {
  const double rate = s.gamma(m.r, m.alpha);
  return live_by_chances(s, 1, rate, s.beta(m.a, m.b), false);
}
Life live(const MBGNBD& m, Stream& s) {
  const double rate = s.gamma(m.r, m.alpha);
  return live_by_chances(s, 1, rate, s.beta(m.a, m.b), true);
}
Life live(const BGCNBD& m, Stream& s) {
  const double rate = s.gamma(m.r, m.alpha);
  return live_by_chances(s, m.k, rate, s.beta(m.a, m.b), false);
}
Life live(const MBGCNBD& m, Stream& s) {
  const double rate = s.gamma(m.r, m.alpha);
  return live_by_chances(s, m.k, rate, s.beta(m.a, m.b), true);
}
Life live(const ParetoNBD& m, Stream& s) {
  const double rate = s.gamma(m.r, m.alpha);
  const double mu = s.gamma(m.s, m.beta);
  return live_until(s, rate, s.exponential() / mu, mu);
}
Life live(const GGompertzNBD& m, Stream& s) {
  const double rate = s.gamma(m.r, m.alpha);
  const double eta = s.gamma(m.s, m.beta);
  return live_until(s, rate, std::log1p(s.exponential() / eta) / m.b, m.b * eta * std::exp(m.b * seen));
}

/// Difference of forecast and fact, summed with its spread.
class Calibration {
 public:
  explicit Calibration(std::string name) : name_(std::move(name)) {}
  void add(double forecast, double fact) {
    const double d = fact - forecast;
    sum_ += d;
    squares_ += d * d;
    facts_ += std::fabs(fact);
    count_ += 1;
  }
  ~Calibration() {
    const double mean = sum_ / count_;
    const double error = std::sqrt((squares_ / count_ - mean * mean) / count_);
    EXPECT_LT(std::fabs(mean), 4 * error + 1e-12) << name_ << ": off by " << mean << " with error " << error;
    EXPECT_LT(error, 0.15 * facts_ / count_ + 1e-3) << name_ << ": the crowd is too small to tell";
  }
  Calibration(const Calibration&) = delete;
  Calibration& operator=(const Calibration&) = delete;

 private:
  std::string name_;
  double sum_ = 0;
  double squares_ = 0;
  double facts_ = 0;
  double count_ = 0;
};

template <class M>
void expect_calibrated(const M& m, const std::string& name, int customers) {
  const double expected_by_now = expected_transactions_new(m, seen);
  Calibration bought(name + " E[X(T)]");
  Calibration alive(name + " P(alive)");
  Calibration alive_silent(name + " P(alive) of x = 0");
  Calibration alive_later(name + " P(alive at T+t)");
  Calibration future(name + " CET");
  Calibration future_frequent(name + " CET of x > 2");
  Calibration future_recent(name + " CET of t_x > 20");
  Calibration silent(name + " P(none)");
  Calibration two(name + " P(two)");
  Calibration discounted(name + " DECT");
  Calibration rate(name + " rate");
  Calibration dropout(name + " dropout");
  Calibration dropout_frequent(name + " dropout of x > 2");
  for (int i = 0; i < customers; ++i) {
    Stream stream(11, static_cast<std::uint64_t>(i));
    const Life life = live(m, stream);
    double x = 0;
    double t_x = 0;
    double later = 0;
    double value = 0;
    for (const double t : life.purchases) {
      if (t <= seen) {
        x += 1;
        t_x = t;
      } else {
        later += 1;
        value += std::exp(-0.05 * (t - seen));
      }
    }
    const double p = p_alive(m, x, t_x, seen);
    const double expected = expected_transactions(m, ahead, x, t_x, seen);
    bought.add(expected_by_now, x);
    alive.add(p, life.gone > seen);
    if (x == 0) alive_silent.add(p, life.gone > seen);
    alive_later.add(p_alive_at(m, ahead, x, t_x, seen), life.gone > seen + ahead);
    future.add(expected, later);
    if (x > 2) future_frequent.add(expected, later);
    if (t_x > 20) future_recent.add(expected, later);
    silent.add(p_no_transaction(m, ahead, x, t_x, seen), later == 0);
    two.add(pmf(m, 2, ahead, x, t_x, seen), later == 2);
    if (i % 8 == 0) discounted.add(dect(m, ahead, 0.05, x, t_x, seen), value);
    rate.add(expected_rate(m, x, t_x, seen), life.rate);
    const double leaves = expected_dropout(m, x, t_x, seen);
    dropout.add(leaves, life.dropout);
    if (x > 2) dropout_frequent.add(leaves, life.dropout);
  }
}

}  // namespace

TEST(ClvSimulation, BG) { expect_calibrated(BGNBD{0.8, 4.4, 0.8, 2.4}, "BG", 20'000); }
TEST(ClvSimulation, MBG) { expect_calibrated(MBGNBD{0.8, 4.4, 0.8, 2.4}, "MBG", 20'000); }
TEST(ClvSimulation, Pareto) { expect_calibrated(ParetoNBD{0.8, 4.4, 1.6, 35}, "Pareto", 10'000); }
TEST(ClvSimulation, GGompertz) {
  expect_calibrated(GGompertzNBD{0.8, 4.4, 0.05, 2.5, 6}, "GGompertz", 6'000);
}
TEST(ClvSimulation, BGRegular) { expect_calibrated(BGCNBD{3, 0.9, 1.5, 0.8, 2.4}, "BG/CNBD-3", 15'000); }
TEST(ClvSimulation, MBGRegular) { expect_calibrated(MBGCNBD{2, 0.9, 1.5, 0.8, 2.4}, "MBG/CNBD-2", 15'000); }

TEST(ClvSimulation, Opportunities) {
  Calibration alive("P(alive)");
  Calibration future("CET");
  Calibration future_three("CET of x = 3");
  Calibration silent("P(none)");
  Calibration rate("rate");
  Calibration dropout("dropout");
  for (int i = 0; i < 40'000; ++i) {
    Stream stream(12, static_cast<std::uint64_t>(i));
    const double p = stream.beta(bgbb.alpha, bgbb.beta);
    const double theta = stream.beta(bgbb.gamma, bgbb.delta);
    double x = 0;
    double t_x = 0;
    double later = 0;
    bool there = true;
    bool there_at_6 = true;
    for (int n = 1; n <= 11; ++n) {
      there = there && !stream.bernoulli(theta);
      if (n == 6) there_at_6 = there;
      if (!there || !stream.bernoulli(p)) continue;
      if (n > 6) later += 1;
      if (n <= 6) x += 1, t_x = n;
    }
    const double expected = expected_transactions(bgbb, 5, x, t_x, 6);
    alive.add(p_alive(bgbb, x, t_x, 6), there_at_6);
    future.add(expected, later);
    if (x == 3) future_three.add(expected, later);
    silent.add(p_no_transaction(bgbb, 5, x, t_x, 6), later == 0);
    rate.add(expected_rate(bgbb, x, t_x, 6), p);
    dropout.add(expected_dropout(bgbb, x, t_x, 6), theta);
  }
}

TEST(ClvSimulation, Spend) {
  const GammaGamma m{6.25, 3.74, 15.44};
  Calibration next("spend");
  Calibration next_once("spend of one amount");
  for (int i = 0; i < 40'000; ++i) {
    Stream stream(13, static_cast<std::uint64_t>(i));
    const double nu = stream.gamma(m.q, m.v);
    const auto x = static_cast<double>(stream.integer(0, 4));
    double sum = 0;
    for (int j = 0; j < x; ++j) sum += stream.gamma(m.p, nu);
    const double expected = expected_spend(m, x, x > 0 ? sum / x : 0);
    const double fact = stream.gamma(m.p, nu);
    next.add(expected, fact);
    if (x == 1) next_once.add(expected, fact);
  }
}

TEST(ClvSimulation, Contracts) {
  const BdW m{0.4556, 0.7793, 1.2835};
  Calibration survivors("S(5)");
  Calibration renewed("third renewal given two");
  Calibration residual("renewals to come");
  for (int i = 0; i < 40'000; ++i) {
    Stream stream(14, static_cast<std::uint64_t>(i));
    // (1−θ)^(t^c) ≥ U up to the last renewal made.
    const double theta = stream.beta(m.alpha, m.beta);
    const double renewals =
        std::floor(std::pow(std::log(stream.uniform_open()) / std::log1p(-theta), 1 / m.c));
    survivors.add(survival(m, 5), renewals >= 5);
    if (renewals >= 2) {
      renewed.add(retention(m, 3), renewals >= 3);
      double value = 0;
      for (double j = 3; j <= renewals && j < 300; j += 1) value += std::pow(1.1, 3 - j);
      residual.add(residual_lifetime(m, 0.1, 2, Renewal::due), value);
    }
  }
}
