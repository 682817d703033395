// Pareto/NBD with correlated rates: against its density by quadrature in both rates, a crowd drawn from it,
// and the maximum that CLVTools (0.12.1) finds on CDNOW.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include <string>

#include "../../src/clv/live.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/clv/predict.hpp"
#include "salesops/clv/sarmanovparetonbd.hpp"
#include "salesops/clv/simulate.hpp"
#include "salesops/date.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"
#include "test_data.hpp"

using namespace salesops;
using namespace salesops::clv;

namespace {

/// Mean of f(λ, μ) under the density, by its definition.
double mean_of(const SarmanovParetoNBD& m, const std::function<double(double, double)>& f) {
  const double l_1 = std::pow(m.alpha / (m.alpha + 1), m.r), l_2 = std::pow(m.beta / (m.beta + 1), m.s);
  const auto gamma = [](double shape, double rate, double log) {
    return std::exp(shape * (std::log(rate) + log) - rate * std::exp(log) - special::log_gamma(shape));
  };
  const auto range = [](double shape, double rate) {
    return std::pair{-std::log(rate) - 40 / std::min(shape, 2.0), std::log((shape + 60) / rate)};
  };
  const auto rates = range(m.r, m.alpha), leaves = range(m.s, m.beta);
  return special::integrate(
      [&](double u) {
        const double rate = std::exp(u);
        return gamma(m.r, m.alpha, u) *
               special::integrate(
                   [&](double v) {
                     const double leave = std::exp(v);
                     return gamma(m.s, m.beta, v) *
                            (1 + m.m * (std::exp(-rate) - l_1) * (std::exp(-leave) - l_2)) * f(rate, leave);
                   },
                   leaves.first, leaves.second);
      },
      rates.first, rates.second);
}

/// Likelihood of a customer of known rates, and its share that is alive at T.
double alive(double rate, double leave, double x, double T) {
  return std::pow(rate, x) * std::exp(-(rate + leave) * T);
}
double likelihood(double rate, double leave, double x, double t_x, double T) {
  const double both = rate + leave;
  return alive(rate, leave, x, T) +
         std::pow(rate, x) * leave / both * std::exp(-both * t_x) * -std::expm1(-both * (T - t_x));
}

const std::vector<SarmanovParetoNBD> models{
    {.5432, 10.1, .5088, 9.179, 15}, {.9, 1.2, 1.4, 2.5, 3}, {.9, 1.2, 1.4, 2.5, -1.5}, {2, .3, 2, .4, 1.5}};

TEST(ClvSarmanov, AnswersAreThoseOfTheDensity) {
  for (const auto& m : models) {
    const auto [low, high] = m_bounds(m);
    ASSERT_TRUE(low < m.m && m.m < high) << low << " " << high;
    const double x = 3, t_x = 4, T = 6, t = 5;
    const double seen = mean_of(m, [&](double a, double b) { return likelihood(a, b, x, t_x, T); });
    const double there = mean_of(m, [&](double a, double b) { return alive(a, b, x, T); });
    const double more =
        mean_of(m, [&](double a, double b) { return alive(a, b, x, T) * a * -std::expm1(-b * t) / b; });
    const double discounted = mean_of(
        m, [&](double a, double b) { return alive(a, b, x, T) * a * -std::expm1(-(b + .1) * t) / (b + .1); });
    const double none = mean_of(m, [&](double a, double b) {
      return alive(a, b, x, T) * (std::exp(-(a + b) * t) + b / (a + b) * -std::expm1(-(a + b) * t));
    });
    const double rate = mean_of(m, [&](double a, double b) { return a * likelihood(a, b, x, t_x, T); });
    const double leave = mean_of(m, [&](double a, double b) { return b * likelihood(a, b, x, t_x, T); });
    EXPECT_NEAR(log_likelihood(m, x, t_x, T), std::log(seen), 1e-9);
    EXPECT_NEAR(p_alive(m, x, t_x, T), there / seen, 1e-9);
    EXPECT_NEAR(expected_transactions(m, t, x, t_x, T), more / seen, 1e-9 * (1 + more / seen));
    EXPECT_NEAR(dect(m, t, .1, x, t_x, T), discounted / seen, 1e-9 * (1 + discounted / seen));
    EXPECT_NEAR(p_no_transaction(m, t, x, t_x, T), 1 - (there - none) / seen, 1e-9);
    EXPECT_NEAR(expected_rate(m, x, t_x, T), rate / seen, 1e-9 * (1 + rate / seen));
    EXPECT_NEAR(expected_dropout(m, x, t_x, T), leave / seen, 1e-9 * (1 + leave / seen));
    double pmf_sum = 0;
    for (double n = 0; n < 150; ++n) pmf_sum += pmf(m, n, t, x, t_x, T);
    EXPECT_NEAR(pmf_sum, 1, 1e-8);
    EXPECT_NEAR(dert(m, .1, x, t_x, T) / dect(m, 400, .1, x, t_x, T), 1, 1e-9);

    const double mean_1 = m.r / m.alpha, mean_2 = m.s / m.beta;
    const double together = mean_of(m, [](double a, double b) { return a * b; });
    EXPECT_NEAR(correlation(m),
                (together - mean_1 * mean_2) / (std::sqrt(m.r) / m.alpha * std::sqrt(m.s) / m.beta), 1e-8);
  }
}

TEST(ClvSarmanov, WithoutCorrelationItIsParetoNBD) {
  const SarmanovParetoNBD m{.553, 10.578, .606, 11.669, 0};
  const ParetoNBD plain{.553, 10.578, .606, 11.669};
  EXPECT_EQ(correlation(m), 0);
  for (const auto& [x, t_x, T] :
       std::vector<std::array<double, 3>>{{0, 0, 38.86}, {2, 30.43, 38.86}, {26, 30.86, 31}}) {
    EXPECT_NEAR(log_likelihood(m, x, t_x, T), log_likelihood(plain, x, t_x, T), 1e-13);
    EXPECT_NEAR(p_alive(m, x, t_x, T), p_alive(plain, x, t_x, T), 1e-14);
    EXPECT_NEAR(expected_transactions(m, 52, x, t_x, T), expected_transactions(plain, 52, x, t_x, T), 1e-12);
    EXPECT_NEAR(expected_transactions_new(m, 52), expected_transactions_new(plain, 52), 1e-12);
  }
}

TEST(ClvSarmanov, AtTheBoundsTheDensityJustTouchesZero) {
  for (const auto& m : models) {
    const double l_1 = std::pow(m.alpha / (m.alpha + 1), m.r), l_2 = std::pow(m.beta / (m.beta + 1), m.s);
    const auto least = [&](double at) {  // over e^−λ, e^−μ in [0, 1]; the ends are the corners
      double low = special::infinity;
      for (const double u : {0.0, 1.0})
        for (const double v : {0.0, 1.0}) low = std::min(low, 1 + at * (u - l_1) * (v - l_2));
      return low;
    };
    const auto [low, high] = m_bounds(m);
    EXPECT_NEAR(least(low), 0, 1e-12);
    EXPECT_NEAR(least(high), 0, 1e-12);
    SarmanovParetoNBD outside = m;
    outside.m = 1.001 * high;
    EXPECT_TRUE(std::isnan(log_likelihood(outside, 2, 3, 4)));
    EXPECT_TRUE(std::isnan(p_alive(outside, 2, 3, 4)));
  }
}

struct Columns {
  std::vector<double> x, t_x, T, future;
  [[nodiscard]] RfmView view() const { return {.x = x, .t_x = t_x, .T = T}; }
};

/// Customers whose rates are drawn by rejection from those of the margins. The last purchase is known to a
/// 128th of a unit, so that some are alike.
Columns crowd(const SarmanovParetoNBD& m, std::size_t customers, double horizon) {
  const double l_1 = std::pow(m.alpha / (m.alpha + 1), m.r), l_2 = std::pow(m.beta / (m.beta + 1), m.s);
  random::Stream stream(11);
  Columns c;
  while (c.x.size() < customers) {
    const double rate = stream.gamma(m.r, m.alpha), leave = stream.gamma(m.s, m.beta);
    const double most = 1 + std::abs(m.m);
    if (stream.uniform01() * most > 1 + m.m * (std::exp(-rate) - l_1) * (std::exp(-leave) - l_2)) continue;
    const double end = stream.exponential(leave);
    const double T = 8 + static_cast<double>(c.x.size() % 5);
    double x = 0, last = 0, later = 0;
    for (double t = stream.exponential(rate); t < std::min(end, T + horizon); t += stream.exponential(rate)) {
      if (t <= T) {
        ++x;
        last = std::ceil(128 * t) / 128;
      } else {
        ++later;
      }
    }
    c.x.push_back(x);
    c.t_x.push_back(last);
    c.T.push_back(T);
    c.future.push_back(later);
  }
  return c;
}

TEST(ClvSarmanov, FitFindsTheTruthAndForecastsTheFuture) {
  for (const double m : {2.0, -2.0}) {
    const SarmanovParetoNBD truth{1, 1, 1, 1, m};
    const Columns c = crowd(truth, 2000, 10);
    const auto fit = fit_sarmanov_pareto_nbd(c.view());
    EXPECT_TRUE(fit.converged) << fit.reason;
    EXPECT_EQ(fit.parameters, (std::vector<std::string>{"r", "alpha", "s", "beta", "m"}));
    const std::vector<double> known{1, 1, 1, 1, m};
    for (std::size_t j = 0; j < 5; ++j) {
      EXPECT_NEAR(fit.estimates[j], known[j], 3 * fit.standard_errors[j]) << fit.parameters[j];
      EXPECT_NEAR(fit.correlation[j * 5 + j], 1, 1e-9);
    }
    EXPECT_EQ(fit.model.m, fit.estimates[4]);
    EXPECT_GT(fit.estimates[4] / m, .2);
    EXPECT_LT(fit.standard_errors[4], 1);
    EXPECT_LT(likelihood_ratio_test(fit_pareto_nbd(c.view()), fit).p_value, .2);
    const Prediction seen =
        predict(fit.model, c.view(), {.horizon = 10, .level = 90, .covariance = fit.covariance});
    const double expected = std::accumulate(seen.expected_transactions.value.begin(),
                                            seen.expected_transactions.value.end(), 0.0);
    const double actual = std::accumulate(c.future.begin(), c.future.end(), 0.0);
    const double spread =
        std::sqrt(std::inner_product(c.future.begin(), c.future.end(), c.future.begin(), 0.0));
    EXPECT_NEAR(expected, actual, 3 * spread);
    EXPECT_LT(spread, .2 * actual);
    EXPECT_LT(seen.p_alive.low[0], seen.p_alive.value[0]);
    EXPECT_GT(seen.p_alive.high[0], seen.p_alive.value[0]);
  }
}

TEST(ClvSarmanov, StandardErrorsAreTheCurvature) {
  const Columns c = crowd({.9, 1.2, 1.1, 3, 2}, 1000, 1);
  const auto fit = fit_sarmanov_pareto_nbd(c.view());
  ASSERT_TRUE(fit.converged);
  const auto at = [&](std::size_t i, double a, std::size_t j, double b) {
    std::vector<double> p = fit.estimates;
    p[i] += a * .02 * fit.standard_errors[i];
    p[j] += b * .02 * fit.standard_errors[j];
    double sum = 0;
    for (std::size_t row = 0; row < c.x.size(); ++row)
      sum += log_likelihood(SarmanovParetoNBD{p[0], p[1], p[2], p[3], p[4]}, c.x[row], c.t_x[row], c.T[row]);
    return sum;
  };
  EXPECT_NEAR(at(0, 0, 0, 0), fit.log_likelihood, 1e-7);
  std::array<double, 25> information{};  // in units of the standard errors
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 5; ++j)
      information[i * 5 + j] =
          -(at(i, 1, j, 1) - at(i, 1, j, -1) - at(i, -1, j, 1) + at(i, -1, j, -1)) / (4 * .02 * .02);
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 5; ++j) {
      double product = 0;
      for (std::size_t l = 0; l < 5; ++l) product += fit.correlation[i * 5 + l] * information[l * 5 + j];
      EXPECT_NEAR(product, i == j ? 1 : 0, .03) << i << ", " << j;
    }
}

TEST(ClvSarmanov, DrawsStayWithinTheBounds) {
  const Columns c = crowd({.9, 1.2, 1.1, 3, 2}, 60, 1);
  FitOptions options;
  options.posterior = posterior::Options{.chains = 2, .warmup = 60, .draws = 30};
  const auto fit = fit_sarmanov_pareto_nbd(c.view(), options);
  ASSERT_TRUE(fit.posterior.has_value());
  const auto& draws = fit.posterior->draws.values;
  for (std::size_t i = 0; i < draws.size(); i += 5) {
    const auto [low, high] = m_bounds({draws[i], draws[i + 1], draws[i + 2], draws[i + 3], 0});
    EXPECT_GE(draws[i + 4], low);
    EXPECT_LE(draws[i + 4], high);
  }
  EXPECT_GT(fit.posterior->parameters[4].sd, 0);
}

TEST(ClvSarmanov, SimulatedCrowdsAreThoseOfTheDensity) {
  const SarmanovParetoNBD m{.9, 1.2, 1.4, 2.5, 3};
  const std::vector<double> T(40000, 4.0);
  const Simulation made = simulate(m, T, {.seed = 3, .horizon = 3});
  const auto mean = [](const auto& column) {
    return std::accumulate(column.begin(), column.end(), 0.0) / static_cast<double>(column.size());
  };
  std::vector<double> alive, ahead(T.size());
  for (std::size_t i = 0; i < T.size(); ++i) alive.push_back(p_alive(m, made.x[i], made.t_x[i], T[i]));
  expected_transactions(m, std::vector<double>(T.size(), 3.0), made.view(), ahead);
  EXPECT_EQ(ahead[7], expected_transactions(m, 3, made.x[7], made.t_x[7], T[7]));
  EXPECT_NEAR(mean(made.alive), mean(alive), .008);
  EXPECT_NEAR(mean(made.future) / mean(ahead), 1, .03);
  EXPECT_NEAR(mean(made.x) / expected_transactions_new(m, 4), 1, .03);
  EXPECT_THROW((void)simulate(SarmanovParetoNBD{.9, 1.2, 1.4, 2.5, 30}, T), UsageError);
  EXPECT_THROW((void)simulate(SarmanovParetoNBD{.9, -1.2, 1.4, 2.5, 0}, T), UsageError);
}

TEST(ClvSarmanov, DrawnFuturesHaveTheirExpectedLength) {
  for (const SarmanovParetoNBD& model : models) {
    const ParetoMixture living = given_alive(model, 2, 20, 30);
    std::vector<double> times;
    double squares = 0;
    constexpr int futures = 20000;
    for (std::uint32_t i = 0; i < futures; ++i) {
      random::Stream stream(3, 0, random::purpose("test"), i);
      const std::size_t before = times.size();
      (void)live(living, 26, stream, times);
      const auto bought = static_cast<double>(times.size() - before);
      squares += bought * bought;
    }
    const double mean = static_cast<double>(times.size()) / futures;
    const double error = std::sqrt((squares / futures - mean * mean) / futures);
    EXPECT_NEAR(mean, expected_transactions_new(living, 26), 4 * error) << model.m;
  }
}

TEST(ClvSarmanov, CdnowBeatsCLVTools) {
  if (test_data().empty()) GTEST_SKIP() << "needs SALESOPS_DATA";
  std::ifstream in(test_data() / "clv" / "CDNOW_sample.txt");
  std::map<std::string, std::set<int>> days;
  std::string master, customer;
  int date = 0, discs = 0;
  double amount = 0;
  while (in >> master >> customer >> date >> discs >> amount) {
    if (date <= 19970930)
      days[customer].insert(Date::from_ymd(date / 10000, date / 100 % 100, date % 100).days);
  }
  const int end = Date::from_ymd(1997, 9, 30).days;
  Columns c;
  for (const auto& [who, bought] : days) {
    c.x.push_back(static_cast<double>(bought.size()) - 1);
    c.t_x.push_back((*bought.rbegin() - *bought.begin()) / 7.0);
    c.T.push_back((end - *bought.begin()) / 7.0);
  }
  ASSERT_EQ(c.x.size(), 2357U);
  const auto fit = fit_sarmanov_pareto_nbd(c.view());
  EXPECT_TRUE(fit.converged) << fit.reason;
  // CLVTools reports r .5432 alpha 10.100 s .5088 beta 9.179 and a correlation of .0861, with −9591.766. The
  // likelihood rises up to the bound of m, and along it to where both of its branches meet, at −9591.66638.
  EXPECT_GE(fit.log_likelihood, -9591.766);
  EXPECT_NEAR(fit.log_likelihood, -9591.66638, 1e-3);
  EXPECT_NEAR(fit.estimates[0], .5285, 1e-3);
  EXPECT_NEAR(fit.estimates[3], 9.12, .03);
  EXPECT_NEAR(fit.model.m, m_bounds(fit.model).high, .01);
  EXPECT_NEAR(correlation(fit.model), .0884, 1e-4);
  EXPECT_TRUE(std::isnan(fit.standard_errors[4]));
  EXPECT_LT(fit.standard_errors[0], .06);
  EXPECT_EQ(
      std::count_if(fit.notes.begin(), fit.notes.end(),
                    [](const std::string& note) { return note.find("m stands at its upper bound") == 0; }),
      1);
  const auto test = likelihood_ratio_test(fit_pareto_nbd(c.view()), fit);
  EXPECT_EQ(test.degrees, 1);
  EXPECT_NEAR(test.statistic, 2 * (9594.976178940 - 9591.667040), 1e-4);
  // The published point, its correlation turned into m.
  SarmanovParetoNBD published{.5432, 10.100, .5088, 9.179, 1};
  published.m = .0861 / correlation(published);
  double sum = 0;
  for (std::size_t i = 0; i < c.x.size(); ++i) sum += log_likelihood(published, c.x[i], c.t_x[i], c.T[i]);
  EXPECT_NEAR(sum, -9591.766, .01);
}

}  // namespace
