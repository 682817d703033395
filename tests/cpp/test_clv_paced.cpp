// Forecasts of customers whose covariates change: ranges, outcomes, sums, many times at once, and the model
// of customers who began on one day.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "clv_crowd.hpp"
#include "salesops/clv/paced.hpp"
#include "salesops/error.hpp"

using namespace salesops;
using namespace salesops::clv;
using namespace salesops::clv_test;

namespace {

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance * (1 + std::abs(b[i]))) << i;
}

void expect_near(const PredictedColumn& a, const PredictedColumn& b, double tolerance) {
  expect_near(a.value, b.value, tolerance);
  expect_near(a.low, b.low, tolerance);
  expect_near(a.high, b.high, tolerance);
}

void expect_near(const PredictedTotal& a, const PredictedTotal& b, double tolerance) {
  expect_near(std::vector{a.value, a.low, a.high}, std::vector{b.value, b.low, b.high}, tolerance);
}

/// Spend of each customer of a crowd.
struct Spend {
  std::vector<double> x, mean;
  explicit Spend(const Crowd& crowd) : x(crowd.made.x) {
    for (std::size_t i = 0; i < x.size(); ++i) mean.push_back(20 + static_cast<double>(i % 9));
  }
  const std::vector<double> covariance{1.4, -.2, -4.7, -.2, .08, .99, -4.7, .99, 17};
  [[nodiscard]] SpendForecast forecast() const { return {{6.2, 3.7, 15.4}, x, mean, covariance}; }
};

TEST(ClvPaced, EvenPacesHaveTheRangesOfThePlainModel) {
  const Crowd crowd(200, truth, 30, false);
  const auto plain = fit_pareto_nbd(crowd.made.view());
  DynamicFit even;
  static_cast<FitSummary&>(even) = plain;
  even.model = plain.model;
  const Spend spend(crowd);
  const SpendForecast money = spend.forecast();
  for (const IntervalKind kind : {IntervalKind::mean, IntervalKind::outcome}) {
    const PredictOptions options{
        .horizon = 30, .discount_rate = .002, .level = 90, .interval = kind, .covariance = plain.covariance};
    const auto want = predict(plain.model, crowd.made.view(), options, &money);
    const auto got = predict(even, crowd.made.view(), crowd.without(), options, &money);
    expect_near(got.p_alive, want.p_alive, 1e-9);
    expect_near(got.expected_transactions, want.expected_transactions, 1e-9);
    expect_near(got.expected_spend, want.expected_spend, 1e-12);
    expect_near(got.clv, want.clv, 1e-9);
    expect_near(got.total_alive, want.total_alive, 1e-9);
    expect_near(got.total_transactions, want.total_transactions, 1e-9);
    expect_near(got.total_clv, want.total_clv, 1e-9);
  }
}

TEST(ClvPaced, RangesOfMeansHoldTheTruthAndTotalsToo) {
  const Crowd crowd(1000, truth, 40);
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates());
  DynamicFit known = fit;
  known.model = truth;
  known.transaction = {.8, -.4};
  known.dropout = {1, .3};
  const auto view = crowd.made.view();
  const auto made =
      predict(fit, view, crowd.covariates(), {.horizon = 40, .level = 99, .covariance = fit.covariance});
  const auto right = predict(known, view, crowd.covariates(), {.horizon = 40});
  int inside = 0;
  for (std::size_t i = 0; i < view.x.size(); ++i) {
    const auto& column = made.expected_transactions;
    if (column.low[i] <= right.expected_transactions.value[i] &&
        right.expected_transactions.value[i] <= column.high[i])
      ++inside;
  }
  EXPECT_GT(inside, 930);
  EXPECT_LT(made.total_transactions.low, right.total_transactions.value);
  EXPECT_GT(made.total_transactions.high, right.total_transactions.value);
  EXPECT_NEAR(made.total_transactions.value, sum(made.expected_transactions.value), 1e-9);
  // Who misjudges the season does so for all.
  EXPECT_GT(made.total_transactions.high - made.total_transactions.low,
            .3 * (sum(made.expected_transactions.high) - sum(made.expected_transactions.low)));
}

TEST(ClvPaced, OutcomesComeAsOftenAsTheRangeSays) {
  const Crowd crowd(2000, truth, 40);
  DynamicFit known;
  known.parameters = {
      "r", "alpha", "s", "beta", "transaction.season", "transaction.price", "dropout.season", "dropout.kind"};
  known.estimates = {truth.r, truth.alpha, truth.s, truth.beta, .8, -.4, 1, .3};
  known.model = truth;
  known.transaction = {.8, -.4};
  known.dropout = {1, .3};
  const auto made = predict(known, crowd.made.view(), crowd.covariates(),
                            {.horizon = 40, .level = 80, .interval = IntervalKind::outcome});
  int above = 0;
  for (std::size_t i = 0; i < crowd.T.size(); ++i)
    if (crowd.made.future[i] > made.expected_transactions.high[i]) ++above;
  // Counts are whole: at most a tenth is above, and where many buy nearly so.
  EXPECT_LE(above, .1 * 2000 + 3 * std::sqrt(2000 * .09));
  EXPECT_GE(above, .03 * 2000);
}

TEST(ClvPaced, DrawsAreAveragedAndNeedAllParameters) {
  const Crowd crowd(50, truth, 20);
  DynamicFit known;
  known.parameters = {"r",      "alpha",       "s", "beta", "transaction.season", "transaction.price",
                      "season", "dropout.kind"};
  known.estimates = {truth.r, truth.alpha, truth.s, truth.beta, .8, -.4, 1, .3};
  known.model = truth;
  known.transaction = {.8, -.4};
  known.dropout = {1, .3};
  std::vector<double> draws;
  for (int draw = 0; draw < 256; ++draw)
    for (std::size_t j = 0; j < 8; ++j) draws.push_back(known.estimates[j] * (draw % 2 == 0 ? 1 : 1.2));
  const PredictOptions options{.horizon = 20, .level = 90, .draws = draws};
  const auto made = predict(known, crowd.made.view(), crowd.covariates(), options);
  DynamicFit other = known;
  other.model = {1.2 * truth.r, 1.2 * truth.alpha, 1.2 * truth.s, 1.2 * truth.beta};
  for (auto* list : {&other.transaction, &other.dropout})
    for (double& one : *list) one *= 1.2;
  const auto a = predict(known, crowd.made.view(), crowd.covariates(), {.horizon = 20});
  const auto b = predict(other, crowd.made.view(), crowd.covariates(), {.horizon = 20});
  for (std::size_t i = 0; i < 50; ++i)
    EXPECT_NEAR(made.expected_transactions.value[i],
                (a.expected_transactions.value[i] + b.expected_transactions.value[i]) / 2, 1e-12);
  const PredictOptions few{.horizon = 20, .level = 90, .draws = std::span(draws).first(256 * 7)};
  EXPECT_THROW((void)predict(known, crowd.made.view(), crowd.covariates(), few), UsageError);
  known.parameters[7] = "dropout.colour";
  EXPECT_THROW((void)predict(known, crowd.made.view(), crowd.covariates(), options), UsageError);
}

TEST(ClvPaced, ThreadsChangeNoBit) {
  const Crowd crowd(300, truth, 20);
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates());
  PredictOptions options{
      .horizon = 20, .level = 90, .interval = IntervalKind::outcome, .covariance = fit.covariance};
  options.execution.threads = 1;
  const auto one = predict(fit, crowd.made.view(), crowd.covariates(), options);
  for (const int threads : {2, 4}) {
    options.execution.threads = threads;
    const auto more = predict(fit, crowd.made.view(), crowd.covariates(), options);
    EXPECT_EQ(one.expected_transactions.value, more.expected_transactions.value);
    EXPECT_EQ(one.expected_transactions.high, more.expected_transactions.high);
    EXPECT_EQ(one.p_alive.low, more.p_alive.low);
    EXPECT_EQ(one.total_transactions.low, more.total_transactions.low);
  }
}

TEST(ClvPaced, ManyTimesAtOnceAreTheSameOneByOne) {
  const Crowd crowd(40, truth, 30);
  DynamicFit known;
  known.model = truth;
  known.transaction = {.8, -.4};
  known.dropout = {1, .3};
  const auto paces = known.paces(crowd.covariates());
  const std::vector<double> ends{0, .5, 7, 7, 19.25, 30, 31};
  std::vector<double> t, out(40 * ends.size());
  for (std::size_t i = 0; i < 40; ++i) t.insert(t.end(), ends.begin(), ends.end());
  dect(known, t, .01, crowd.made.view(), crowd.covariates(), out);
  for (std::size_t i = 0; i < 40; ++i) {
    const std::span<const Pace> own(paces.data() + crowd.first[i], crowd.first[i + 1] - crowd.first[i]);
    for (std::size_t j = 0; j < ends.size(); ++j) {
      const double want = dect(truth, own, ends[j], .01, crowd.made.x[i], crowd.made.t_x[i], crowd.T[i]);
      if (ends[j] > 30)
        EXPECT_TRUE(std::isnan(want) && std::isnan(out[i * ends.size() + j]));
      else
        EXPECT_NEAR(out[i * ends.size() + j], want, 1e-12 * (1 + want));
    }
  }
  out.pop_back();
  EXPECT_THROW(dect(known, t, .01, crowd.made.view(), crowd.covariates(), out), UsageError);
}

TEST(ClvPaced, SpendMayFollowItsOwnModelByCustomer) {
  const Crowd crowd(60, truth, 20);
  DynamicFit known;
  known.model = truth;
  known.transaction = {.8, -.4};
  known.dropout = {1, .3};
  const Spend spend(crowd);
  const std::vector<GammaGamma> models{{6.2, 3.7, 15.4}, {6.2, 3.7, 30.8}};
  std::vector<std::uint32_t> of_row;
  for (std::uint32_t i = 0; i < 60; ++i) of_row.push_back(i % 2);
  SpendForecast money = spend.forecast();
  money.covariance = {};
  money.models = models;
  money.of_row = of_row;
  const auto made = predict(known, crowd.made.view(), crowd.covariates(), {.horizon = 20}, &money);
  for (std::size_t i = 0; i < 60; ++i)
    EXPECT_EQ(made.expected_spend.value[i], expected_spend(models[i % 2], spend.x[i], spend.mean[i]));
  EXPECT_NEAR(made.total_clv.value, sum(made.clv.value), 1e-9);
  of_row[3] = 2;
  EXPECT_THROW((void)predict(known, crowd.made.view(), crowd.covariates(), {.horizon = 20}, &money),
               UsageError);
  of_row[3] = 1;
  const auto wrong = spend.covariance;
  money.covariance = wrong;
  EXPECT_THROW((void)predict(known, crowd.made.view(), crowd.covariates(), {.horizon = 20}, &money),
               UsageError);
}

// ---- Customers of one first day -------------------------------------------------------------------

TEST(ClvPaced, EvenPacesAreThePlainModelInEveryAnswer) {
  for (const double length : {3.0, 200.0}) {
    const std::vector<Pace> paces(static_cast<std::size_t>(std::ceil(200 / length)), Pace{length});
    for (const ParetoNBD& model : {ParetoNBD{.5533, 10.578, .6061, 11.669}, ParetoNBD{.55, 10.5, 1, 11.6},
                                   ParetoNBD{50, 400, 20, 3000}, ParetoNBD{.5, 10, .8, .001}}) {
      const PacedParetoNBD m{model, paces};
      const auto near = [&](double found, double expected) {
        EXPECT_NEAR(found, expected, 1e-10 * (std::abs(expected) + 1e-6)) << model.alpha << " " << length;
      };
      near(p_alive_new(m, 30), p_alive_new(model, 30));
      near(expected_transactions_new(m, 30), expected_transactions_new(model, 30));
      near(dect_new(m, 30, .01), dect_new(model, 30, .01));
      for (const double n : {0.0, 1.0, 3.0, 40.0}) near(pmf_new(m, n, 52), pmf_new(model, n, 52));
      EXPECT_EQ(pmf_new(m, 0, 0), 1);
      EXPECT_EQ(pmf_new(m, 1, 0), 0);
      near(p_alive(m, 2, 30.43, 38.86), p_alive(model, 2, 30.43, 38.86));
      near(p_alive_at(m, 20, 2, 30.43, 38.86), p_alive_at(model, 20, 2, 30.43, 38.86));
      near(expected_transactions(m, 39, 2, 30.43, 38.86), expected_transactions(model, 39, 2, 30.43, 38.86));
      near(dect(m, 39, .01, 2, 30.43, 38.86), dect(model, 39, .01, 2, 30.43, 38.86));
      near(pmf(m, 2.0, 39, 2, 30.43, 38.86), pmf(model, 2.0, 39, 2, 30.43, 38.86));
      near(p_no_transaction(m, 39, 2, 30.43, 38.86), p_no_transaction(model, 39, 2, 30.43, 38.86));
      near(expected_rate(m, 2, 30.43, 38.86), expected_rate(model, 2, 30.43, 38.86));
      near(expected_dropout(m, 2, 30.43, 38.86), expected_dropout(model, 2, 30.43, 38.86));
    }
  }
}

TEST(ClvPaced, ChancesAddUpToOneAndTheirMeanIsTheExpectation) {
  const auto paces = seasons(120, 7.3, 4);
  const PacedParetoNBD m{{.9, 12, 1.2, 60}, paces};
  double all = 0, mean = 0, ahead = 0, mean_ahead = 0;
  for (double n = 0; n < 400; ++n) {
    const double p = pmf_new(m, n, 60), q = pmf(m, n, 40, 3, 20, 50);
    all += p;
    mean += n * p;
    ahead += q;
    mean_ahead += n * q;
  }
  EXPECT_NEAR(all, 1, 1e-9);
  EXPECT_NEAR(mean, expected_transactions_new(m, 60), 1e-7);
  EXPECT_NEAR(ahead, 1, 1e-9);
  EXPECT_NEAR(mean_ahead, expected_transactions(m, 40, 3, 20, 50), 1e-7);
}

TEST(ClvPaced, CustomersAreCountedAsTheSimulationMakesThem) {
  constexpr std::size_t n = 40'000;
  const auto one = seasons(60, 7.3, 4);
  std::vector<Pace> paces;
  std::vector<std::size_t> first{0};
  for (std::size_t i = 0; i < n; ++i) {
    paces.insert(paces.end(), one.begin(), one.end());
    first.push_back(paces.size());
  }
  const PacedParetoNBD m{{.9, 12, 1.2, 60}, one};
  const auto made = simulate(m.model, first, paces, std::vector<double>(n, 50.0), {.seed = 3});
  for (const double count : {0.0, 1.0, 4.0}) {
    const double p = pmf_new(m, count, 50);
    const auto found = static_cast<double>(std::count(made.x.begin(), made.x.end(), count));
    EXPECT_NEAR(found / n, p, 4 * std::sqrt(p * (1 - p) / n)) << count;
  }
  EXPECT_NEAR(sum(made.x) / n, expected_transactions_new(m, 50), .02 * expected_transactions_new(m, 50));
}

TEST(ClvPaced, NothingIsSaidBeyondThePaces) {
  const std::vector<Pace> paces{{20}, {19}};
  const PacedParetoNBD m{{.55, 10.6, .6, 11.7}, paces};
  EXPECT_FALSE(std::isnan(pmf_new(m, 2, 39)));
  EXPECT_TRUE(std::isnan(pmf_new(m, 2, 39.1)));
  EXPECT_TRUE(std::isnan(p_alive_new(m, 39.1)));
  EXPECT_TRUE(std::isnan(expected_transactions_new(m, 39.1)));
  EXPECT_TRUE(std::isnan(pmf(m, 1.0, 10, 1, 20, 30)));
  EXPECT_TRUE(std::isnan(pmf_new(m, .5, 10)));
}

TEST(ClvPaced, ChancesOfEachCustomerAreThoseOfItsPaces) {
  const Crowd crowd(30, truth);
  DynamicFit known;
  known.model = truth;
  known.transaction = {.8, -.4};
  known.dropout = {1, .3};
  const auto paces = known.paces(crowd.covariates());
  const std::vector<double> n(30, 2.0);
  std::vector<double> out(30);
  pmf_new(known, n, crowd.T, crowd.covariates(), out);
  for (std::size_t i = 0; i < 30; ++i) {
    const std::span<const Pace> own(paces.data() + crowd.first[i], crowd.first[i + 1] - crowd.first[i]);
    EXPECT_EQ(out[i], pmf_new(PacedParetoNBD{truth, own}, 2, crowd.T[i]));
  }
}

// ---- Slopes without curvatures --------------------------------------------------------------------

TEST(ClvPaced, DrawsFollowTheSlopes) {
  const Crowd crowd(60, truth);
  FitOptions options;
  options.priors = {{.9, .3}, {12, .3}, {1.2, .3}, {60, .3}};
  options.l2 = 1;  // few customers alone would let a season without departures run to infinity
  options.posterior = posterior::Options{.chains = 2, .warmup = 150, .draws = 150};
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates(), options);
  ASSERT_TRUE(fit.posterior.has_value());
  EXPECT_EQ(fit.posterior->draws.divergences, 0);
  EXPECT_GT(fit.posterior->draws.acceptance, .7);
  for (std::size_t j = 0; j < fit.parameters.size(); ++j)
    EXPECT_NEAR(fit.posterior->parameters[j].mean, fit.estimates[j], fit.standard_errors[j])
        << fit.parameters[j];
}

}  // namespace
