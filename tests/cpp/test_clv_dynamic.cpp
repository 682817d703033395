// Pareto/NBD with covariates over time: against its definition by quadrature, the models it contains, its own
// simulation, and the maximum that CLVTools (0.12.1) finds on the apparel data.
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

#include "clv_crowd.hpp"
#include "salesops/clv/rfm.hpp"
#include "salesops/date.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"
#include "test_data.hpp"

using namespace salesops;
using namespace salesops::clv;
using namespace salesops::clv_test;

namespace {

/// A clock at t: ∫ of a factor of the paces.
double clock_at(const std::vector<Pace>& paces, double t, double Pace::* factor) {
  double begin = 0, sum = 0;
  for (const Pace& pace : paces) {
    sum += pace.*factor * std::max(0.0, std::min(pace.length, t - begin));
    begin += pace.length;
  }
  return sum;
}

/// ∫ f over (from, to], pace by pace, so that f is smooth in each.
double integral(const std::vector<Pace>& paces, double from, double to,
                const std::function<double(double t, const Pace&)>& f) {
  double begin = 0, sum = 0;
  for (const Pace& pace : paces) {
    const double low = std::max(begin, from), high = std::min(begin + pace.length, to);
    if (high > low) sum += special::integrate([&](double t) { return f(t, pace); }, low, high);
    begin += pace.length;
  }
  return sum;
}

/// 1/P(alive) by the definition.
double inverse_p_alive(const ParetoNBD& m, const std::vector<Pace>& paces, double x, double t_x, double T) {
  const auto log_there = [&](double t) {
    return -(m.r + x) * std::log(m.alpha + clock_at(paces, t, &Pace::buy)) -
           m.s * std::log(m.beta + clock_at(paces, t, &Pace::leave));
  };
  return 1 + integral(paces, t_x, T, [&](double t, const Pace& pace) {
           return m.s * pace.leave / (m.beta + clock_at(paces, t, &Pace::leave)) *
                  std::exp(log_there(t) - log_there(T));
         });
}

struct Case {
  ParetoNBD model;
  double x, t_x, T;
};
const std::vector<Case> cases{{{.5533, 10.578, .6061, 11.669}, 2, 30.43, 38.86},
                              {{.5533, 10.578, .6061, 11.669}, 0, 0, 38.86},
                              {{.5533, 10.578, .6061, 11.669}, 26, 30.86, 31},
                              {{.5143, 2.8845, .2856, 14.1087}, 221, 53.4, 53.6},
                              {{10.465, .00798565181, 3.0516, 2.82}, 40, 5, 6},
                              {{.5, 10, .8, .001}, 5, 50, 50},
                              {{.55, 10.5, 1, 11.6}, 2, 30.43, 38.86},
                              {{50, 400, 20, 3000}, 26, 3, 31},
                              {{.8, 5, 40, 1000}, 1, 1e-6, 60},
                              {{.5, 10, .8, .001}, 3, .5, 50},
                              {{.5, 10, 1e3, 6e4}, 3, 9, 50}};

// ---- One customer ---------------------------------------------------------------------------------

TEST(ClvDynamic, AliveIsTheDefinition) {
  for (const double length : {1.0, 7.3, 60.0}) {
    const auto paces = seasons(60, length);
    for (const auto& [m, x, t_x, T] : cases) {
      const double expected = -std::log(inverse_p_alive(m, paces, x, t_x, T));
      EXPECT_NEAR(log_p_alive(m, paces, x, t_x, T), expected, 1e-11 * (1 + std::abs(expected)))
          << "x " << x << " alpha " << m.alpha << " length " << length;
    }
  }
}

TEST(ClvDynamic, EvenPacesAreThePlainModel) {
  for (const double length : {1.0, 100.0}) {
    const std::vector<Pace> paces(static_cast<std::size_t>(std::ceil(200 / length)), Pace{length});
    for (const auto& [m, x, t_x, T] : cases) {
      const auto near = [&, alpha = m.alpha](double found, double expected) {
        EXPECT_NEAR(found, expected, 1e-10 * (1 + std::abs(expected))) << "alpha " << alpha;
      };
      near(log_likelihood(m, paces, x, t_x, T, 0), log_likelihood(m, x, t_x, T));
      near(log_p_alive(m, paces, x, t_x, T), log_p_alive(m, x, t_x, T));
      near(p_alive_at(m, paces, 52, x, t_x, T), p_alive_at(m, 52, x, t_x, T));
      near(expected_transactions(m, paces, 52, x, t_x, T), expected_transactions(m, 52, x, t_x, T));
      near(dect(m, paces, 52, .01, x, t_x, T), dect(m, 52, .01, x, t_x, T));
    }
  }
}

TEST(ClvDynamic, OtherPacesAreOtherScales) {
  // Factors that never change are another alpha and beta.
  const ParetoNBD m{.55, 10.6, .6, 11.7};
  const std::vector<Pace> paces{{40, 2, .5}, {60, 2, .5}};
  const ParetoNBD same{m.r, m.alpha / 2, m.s, m.beta / .5};
  EXPECT_NEAR(log_likelihood(m, paces, 3, 20, 39, 3 * std::log(2.0)), log_likelihood(same, 3, 20, 39), 1e-12);
  EXPECT_NEAR(expected_transactions(m, paces, 30, 3, 20, 39), expected_transactions(same, 30, 3, 20, 39),
              1e-12);
}

TEST(ClvDynamic, DiscountedPurchasesAreTheDefinition) {
  const auto paces = seasons(120, 7.3, 4);
  for (const auto& [m, x, t_x, T] : cases)
    for (const double rate : {0.0, .002, .5}) {
      const double D_T = m.beta + clock_at(paces, T, &Pace::leave);
      const double sum = integral(paces, T, T + 40, [&, &model = m, now = T](double t, const Pace& pace) {
        return pace.buy * std::exp(-rate * (t - now)) *
               std::pow(D_T / (model.beta + clock_at(paces, t, &Pace::leave)), model.s);
      });
      const double expected =
          p_alive(m, paces, x, t_x, T) * (m.r + x) / (m.alpha + clock_at(paces, T, &Pace::buy)) * sum;
      EXPECT_NEAR(dect(m, paces, 40, rate, x, t_x, T), expected, 1e-11 * (1 + expected));
      EXPECT_EQ(expected_transactions(m, paces, 40, x, t_x, T), dect(m, paces, 40, 0, x, t_x, T));
    }
}

TEST(ClvDynamic, CustomersWhoLeaveAtOneRateAreNoMoreWork) {
  // s and beta tend to infinity; steps as short as the power alone asks for would take minutes.
  const auto paces = seasons(120, 7.3, 4);
  const ParetoNBD many{.5, 10, 8e5, 5e7}, more{.5, 10, 8e7, 5e9};
  EXPECT_NEAR(log_p_alive(many, paces, 3, 9, 50), log_p_alive(more, paces, 3, 9, 50), 1e-4);
  const double ahead = expected_transactions(more, paces, 60, 3, 9, 50);
  EXPECT_NEAR(expected_transactions(many, paces, 60, 3, 9, 50), ahead, 1e-4 * ahead);
}

TEST(ClvDynamic, NothingIsSaidBeyondThePaces) {
  const ParetoNBD m{.55, 10.6, .6, 11.7};
  const std::vector<Pace> paces{{20}, {19}};
  EXPECT_FALSE(std::isnan(log_p_alive(m, paces, 2, 30, 39)));
  EXPECT_TRUE(std::isnan(log_p_alive(m, paces, 2, 30, 39.1)));
  EXPECT_TRUE(std::isnan(expected_transactions(m, paces, 1, 2, 30, 39)));
  EXPECT_TRUE(std::isnan(log_p_alive(m, paces, 2, 40, 39)));
}

// ---- Crowds ---------------------------------------------------------------------------------------

TEST(ClvDynamic, SimulationOnEvenPacesIsThePlainOne) {
  const Crowd crowd(200, truth, 20, false);
  const Simulation plain = simulate(truth, crowd.T, {.seed = 7, .horizon = 20});
  EXPECT_EQ(crowd.made.x, plain.x);
  EXPECT_EQ(crowd.made.alive, plain.alive);
  ASSERT_EQ(crowd.made.times.size(), plain.times.size());
  for (std::size_t i = 0; i < plain.times.size(); ++i)
    EXPECT_NEAR(crowd.made.times[i], plain.times[i], 1e-10);
}

TEST(ClvDynamic, FitFindsTheTruthAndForecastsTheFuture) {
  const Crowd crowd(2000, truth, 52);
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates());
  EXPECT_TRUE(fit.converged) << fit.reason;
  EXPECT_EQ(fit.parameters,
            (std::vector<std::string>{"r", "alpha", "s", "beta", "transaction.season", "transaction.price",
                                      "dropout.season", "dropout.kind"}));
  const std::vector<double> known{.9, 12, 1.2, 60, .8, -.4, 1, .3};
  for (std::size_t j = 0; j < known.size(); ++j) {
    EXPECT_NEAR(fit.estimates[j], known[j], 3 * fit.standard_errors[j]) << fit.parameters[j];
    if (j >= 4) {
      EXPECT_LT(fit.standard_errors[j], .4) << fit.parameters[j];
    }
  }
  const Prediction seen =
      predict(fit, crowd.made.view(), crowd.covariates(), {.horizon = 52, .discount_rate = .002});
  const auto sum = [](const auto& column) { return std::accumulate(column.begin(), column.end(), 0.0); };
  EXPECT_NEAR(sum(seen.expected_transactions.value) / sum(crowd.made.future), 1, .05);
  EXPECT_NEAR(sum(seen.p_alive.value) / sum(crowd.made.alive), 1, .05);
  EXPECT_LT(sum(seen.discounted_transactions), sum(seen.expected_transactions.value));
  EXPECT_GT(sum(seen.discounted_transactions), .9 * sum(seen.expected_transactions.value));
}

/// ln L of all customers by the functions of one.
double log_likelihood_of(const Crowd& crowd, const std::vector<double>& parameters) {
  DynamicFit at;
  at.model = {parameters[0], parameters[1], parameters[2], parameters[3]};
  at.transaction = {parameters[4], parameters[5]};
  at.dropout = {parameters[6], parameters[7]};
  const std::vector<Pace> all = at.paces(crowd.covariates());
  double sum = 0;
  for (std::size_t i = 0; i < crowd.T.size(); ++i) {
    const std::span<const Pace> own(all.data() + crowd.first[i], crowd.first[i + 1] - crowd.first[i]);
    double paces = 0;
    for (std::size_t j = crowd.made.first[i]; j < crowd.made.first[i + 1]; ++j)
      paces += std::log(own[static_cast<std::size_t>(crowd.made.times[j])].buy);
    sum += log_likelihood(at.model, own, crowd.made.x[i], crowd.made.t_x[i], crowd.T[i], paces);
  }
  return sum;
}

TEST(ClvDynamic, FitIsTheTopOfTheLikelihoodWithItsCurvature) {
  const Crowd crowd(300, truth);
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates());
  ASSERT_TRUE(fit.converged);
  EXPECT_NEAR(log_likelihood_of(crowd, fit.estimates), fit.log_likelihood, 1e-8);
  // Covariance times the information measured by differences is the unit matrix.
  const std::size_t k = 8;
  std::vector<double> step;
  for (const double se : fit.standard_errors) step.push_back(.005 * se);
  const auto at = [&](std::size_t i, double a, std::size_t j, double b) {
    std::vector<double> moved = fit.estimates;
    moved[i] += a * step[i];
    moved[j] += b * step[j];
    return log_likelihood_of(crowd, moved);
  };
  std::vector<double> information(k * k);
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j)
      information[i * k + j] =
          -(at(i, 1, j, 1) - at(i, 1, j, -1) - at(i, -1, j, 1) + at(i, -1, j, -1)) / (4 * step[i] * step[j]);
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j) {
      double product = 0;
      for (std::size_t l = 0; l < k; ++l) product += fit.covariance[i * k + l] * information[l * k + j];
      EXPECT_NEAR(product * step[j] / step[i], i == j ? 1 : 0, .01) << i << ", " << j;
    }
}

void expect_same(const FitSummary& a, const FitSummary& b) {
  EXPECT_NEAR(a.log_likelihood, b.log_likelihood, 1e-8);
  ASSERT_EQ(a.parameters, b.parameters);
  for (std::size_t j = 0; j < a.estimates.size(); ++j) {
    EXPECT_NEAR(a.estimates[j], b.estimates[j], 1e-5 * b.standard_errors[j]) << a.parameters[j];
    EXPECT_NEAR(a.standard_errors[j] / b.standard_errors[j], 1, 1e-6) << a.parameters[j];
  }
}

TEST(ClvDynamic, CovariatesThatStayAreTheStaticModel) {
  const Crowd crowd(300, truth);
  std::vector<double> kind;
  for (std::size_t i = 0; i < crowd.T.size(); ++i) kind.push_back(crowd.kind[crowd.first[i]]);
  const RfmView view = crowd.made.view();
  const DynamicCovariates each{crowd.first, crowd.until, {{{"kind", crowd.kind}}, {{"kind", crowd.kind}}}};
  const auto fit = fit_pareto_nbd(view, crowd.purchases(), each);
  expect_same(fit, fit_pareto_nbd(view, Covariates{{{"kind", kind}}, {{"kind", kind}}}));
  DynamicCovariates shared = each;
  shared.values.equal = {"kind"};
  const auto equal = fit_pareto_nbd(view, crowd.purchases(), shared);
  expect_same(equal, fit_pareto_nbd(view, Covariates{{{"kind", kind}}, {{"kind", kind}}, {"kind"}}));
  EXPECT_EQ(equal.transaction, equal.dropout);
  EXPECT_GT(likelihood_ratio_test(equal, fit).statistic, 0);
}

TEST(ClvDynamic, NoCovariatesAreThePlainModel) {
  const Crowd crowd(300, truth);
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.without());
  expect_same(fit, fit_pareto_nbd(crowd.made.view()));
}

TEST(ClvDynamic, WeightsStandForCustomers) {
  const Crowd crowd(200, truth);
  RfmView twice = crowd.made.view();
  const std::vector<double> two(200, 2.0);
  twice.weights = two;
  const auto one = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates());
  const auto both = fit_pareto_nbd(twice, crowd.purchases(), crowd.covariates());
  EXPECT_NEAR(both.log_likelihood, 2 * one.log_likelihood, 1e-7);
  for (std::size_t j = 0; j < one.estimates.size(); ++j) {
    EXPECT_NEAR(both.estimates[j], one.estimates[j], 1e-5 * one.standard_errors[j]);
    EXPECT_NEAR(both.standard_errors[j] / one.standard_errors[j], std::sqrt(.5), 1e-6);
  }
}

TEST(ClvDynamic, CustomersWonTodayTellNothing) {
  const Crowd crowd(150, truth);
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates());
  // One more in front, seen for no time, without intervals.
  const auto with_one = [](auto column) { return column.insert(column.begin(), 0), column; };
  const auto x = with_one(crowd.made.x), t_x = with_one(crowd.made.t_x), T = with_one(crowd.T);
  const auto first = with_one(crowd.first), bought = with_one(crowd.made.first);
  DynamicCovariates covariates = crowd.covariates();
  covariates.first = first;
  const auto more = fit_pareto_nbd({.x = x, .t_x = t_x, .T = T}, {bought, crowd.made.times}, covariates);
  EXPECT_NEAR(more.log_likelihood, fit.log_likelihood, 1e-9);
  for (std::size_t j = 0; j < fit.estimates.size(); ++j)
    EXPECT_NEAR(more.estimates[j], fit.estimates[j], 1e-5 * fit.standard_errors[j]);
}

TEST(ClvDynamic, ThreadsChangeNoBit) {
  const Crowd crowd(300, truth);
  FitOptions one, three;
  one.execution.threads = 1;
  three.execution.threads = 3;
  const auto a = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates(), one);
  const auto b = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates(), three);
  EXPECT_EQ(a.estimates, b.estimates);
  EXPECT_EQ(a.covariance, b.covariance);
}

TEST(ClvDynamic, ProfilesComeAlong) {
  const Crowd crowd(150, truth);
  FitOptions options;
  options.profile_level = 90;
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), crowd.covariates(), options);
  EXPECT_LT(fit.profile[4].low, fit.estimates[4]);
  EXPECT_GT(fit.profile[4].high, fit.estimates[4]);
  const auto wald = fit.intervals(90);
  EXPECT_NEAR(fit.profile[5].low, wald[5].low, .1 * fit.standard_errors[5]);
  EXPECT_NEAR(fit.profile[5].high, wald[5].high, .1 * fit.standard_errors[5]);
}

TEST(ClvDynamic, DrawsComeAlong) {
  const Crowd crowd(40, truth);
  const DynamicCovariates covariates{crowd.first, crowd.until, {{{"season", crowd.season}}, {}}};
  FitOptions options;
  options.priors = {{.9, .3}, {12, .3}, {1.2, .3}, {60, .3}};
  options.posterior = posterior::Options{.chains = 2, .warmup = 40, .draws = 20};
  const auto fit = fit_pareto_nbd(crowd.made.view(), crowd.purchases(), covariates, options);
  ASSERT_TRUE(fit.posterior.has_value());
  EXPECT_NEAR(fit.posterior->parameters[4].mean, fit.estimates[4], fit.standard_errors[4]);
}

TEST(ClvDynamic, WrongInputIsNamed) {
  Crowd crowd(20, truth, 10);
  const RfmView view = crowd.made.view();
  const auto fails = [&](const RfmView& rows, const PurchaseTimes& purchases,
                         const DynamicCovariates& covariates, const std::string& words) {
    try {
      (void)fit_pareto_nbd(rows, purchases, covariates);
      ADD_FAILURE() << "no error: " << words;
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  };
  std::vector<double> x = crowd.made.x;
  x[3] += 1;
  RfmView wrong = view;
  wrong.x = x;
  fails(wrong, crowd.purchases(), crowd.covariates(), "contradicts the purchase times");
  std::vector<double> short_ends = crowd.until;
  for (double& t : short_ends) t *= .5;
  DynamicCovariates covariates = crowd.covariates();
  covariates.until = short_ends;
  fails(view, crowd.purchases(), covariates, "end before T in 20 rows");
  covariates = crowd.covariates();
  std::vector<double> falling = crowd.until;
  std::swap(falling[0], falling[1]);
  covariates.until = falling;
  fails(view, crowd.purchases(), covariates, "ends where or before it begins in 1 row");
  covariates = crowd.covariates();
  covariates.first = covariates.first.first(20);
  fails(view, crowd.purchases(), covariates, "the covariates' first");
  covariates = crowd.covariates();
  covariates.values.transaction[0].values = covariates.values.transaction[0].values.first(5);
  fails(view, crowd.purchases(), covariates, "covariate 'season' has 5 rows");
  PurchaseTimes disordered = crowd.purchases();
  disordered.first = disordered.first.first(3);
  fails(view, disordered, crowd.covariates(), "the purchases' first");

  DynamicFit fit;
  fit.model = truth;
  fit.transaction = fit.dropout = {0, 0};
  EXPECT_NO_THROW((void)predict(fit, view, crowd.covariates(), {.horizon = 10}));
  EXPECT_THROW((void)predict(fit, view, crowd.covariates(), {.horizon = 11}), UsageError);
  EXPECT_THROW((void)predict(fit, view, crowd.covariates(), {}), UsageError);
  fit.parameters = {"r", "alpha", "s", "beta", "transaction.season"};
  fit.estimates = {truth.r, truth.alpha, truth.s, truth.beta, 0};
  EXPECT_THROW((void)predict(fit, view, crowd.covariates(), {.horizon = 10, .level = 90}), UsageError);
  EXPECT_THROW((void)fit.paces(crowd.without()), UsageError);
  DynamicCovariates more = crowd.covariates();
  more.until = more.until.first(more.until.size() - 1);
  EXPECT_THROW((void)fit.paces(more), UsageError);
  const std::vector<Pace> brief(20, Pace{5});
  const std::vector<std::size_t> each = [] {
    std::vector<std::size_t> positions(21);
    std::iota(positions.begin(), positions.end(), std::size_t{0});
    return positions;
  }();
  EXPECT_THROW((void)simulate(truth, each, brief, crowd.T), UsageError);
}

TEST(ClvDynamic, TimesOfPurchaseComeFromTheTransactions) {
  const auto day = [](const char* text) { return Date::parse(text)->days; };
  const Table log(
      {{"customer", Column::of(Type::int64, std::vector<std::int64_t>{1, 2, 1, 1, 3, 2, 2, 1})},
       {"time", Column::of(Type::date,
                           std::vector<std::int32_t>{day("2024-01-01"), day("2024-01-03"), day("2024-01-15"),
                                                     day("2024-01-15"), day("2024-03-01"), day("2024-01-10"),
                                                     day("2024-01-17"), day("2024-03-01")})},
       {"amount", Column::of(Type::int64, std::vector<std::int64_t>{5, 5, 5, 5, 5, -5, 5, 5})}});
  RfmColumns columns;
  columns.amount = "amount";
  const RfmState state = RfmState::partial(log, columns);
  RfmOptions options;
  options.unit = TimeUnit::week;
  options.calibration_end = Date::parse("2024-01-31");
  // Customer 2 gave something back on the 10th, 3 came later.
  const RepeatTimes made = state.repeat_times(options);
  EXPECT_EQ(made.first, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(made.times, (std::vector<double>{2, 2}));
  const Rfm rows = state.finish(options);
  EXPECT_EQ(rows.frequency, (std::vector<double>{1, 1}));
  EXPECT_EQ(rows.recency, made.times);
  options.discrete = true;
  EXPECT_THROW((void)state.repeat_times(options), UsageError);
}

// ---- Apparel --------------------------------------------------------------------------------------

std::vector<std::vector<std::string>> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::vector<std::string>> lines;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::replace_if(line.begin(), line.end(), [](char c) { return c == ',' || c == '\r'; }, ' ');
    std::istringstream words(line);
    lines.emplace_back(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>());
  }
  return lines;
}

TEST(ClvDynamic, ApparelBeatsCLVTools) {
  if (test_data().empty()) GTEST_SKIP() << "needs SALESOPS_DATA";
  const auto folder = test_data() / "clv";
  const auto day = [](const std::string& text) { return Date::parse(text)->days; };
  const auto start = day("2005-01-02"), end = start + 104 * 7;
  std::map<std::string, std::set<std::int32_t>> days;
  for (const auto& f : lines_of(folder / "apparel_transactions.csv"))
    if (day(f[1]) <= end) days[f[0]].insert(day(f[1]));
  std::map<std::string, std::vector<std::vector<std::string>>> weeks;
  for (const auto& f : lines_of(folder / "apparel_dynamic_covariates.csv"))
    if (day(f[1]) < end) weeks[f[0]].push_back(f);
  std::vector<double> x, t_x, T, times, until;
  std::array<std::vector<double>, 3> columns;
  std::vector<std::size_t> bought{0}, first{0};
  for (const auto& [customer, bought_on] : days) {
    x.push_back(static_cast<double>(bought_on.size()) - 1);
    t_x.push_back((*bought_on.rbegin() - *bought_on.begin()) / 7.0);
    T.push_back((end - *bought_on.begin()) / 7.0);
    for (auto d = std::next(bought_on.begin()); d != bought_on.end(); ++d)
      times.push_back((*d - *bought_on.begin()) / 7.0);
    bought.push_back(times.size());
    for (const auto& f : weeks[customer]) {
      until.push_back((day(f[1]) + 7 - *bought_on.begin()) / 7.0);
      for (std::size_t c = 0; c < 3; ++c) columns[c].push_back(std::stod(f[2 + c]));
    }
    first.push_back(until.size());
  }
  ASSERT_EQ(x.size(), 600U);
  const std::vector<Covariate> all{
      {"High.Season", columns[0]}, {"Gender", columns[1]}, {"Channel", columns[2]}};
  const DynamicCovariates covariates{first, until, {all, all}};

  // At CLVTools' own (rounded) maximum its log-likelihood.
  DynamicFit peer;
  peer.model = {1.75997, 104.744, 1.03726, 112.578};
  peer.dropout = {.3509, -.4540, .6966};
  peer.transaction = {.71179, .29670, .56586};
  const std::vector<Pace> paces = peer.paces(covariates);
  double log_likelihood_of_peer = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::span<const Pace> own(paces.data() + first[i], first[i + 1] - first[i]);
    double sum = 0;
    for (std::size_t j = bought[i]; j < bought[i + 1]; ++j)
      sum += std::log(own[std::min(static_cast<std::size_t>(times[j]), own.size() - 1)].buy);
    log_likelihood_of_peer += log_likelihood(peer.model, own, x[i], t_x[i], T[i], sum);
  }
  EXPECT_NEAR(log_likelihood_of_peer, -5754.7702, 1e-4);

  // The likelihood goes on rising to where nobody leaves in the season.
  const auto fit = fit_pareto_nbd({x, t_x, T}, {bought, times}, covariates);
  EXPECT_TRUE(fit.converged) << fit.reason;
  EXPECT_NEAR(fit.log_likelihood, -5752.623172, 1e-5);
  EXPECT_LT(fit.estimates[7], -10);
  EXPECT_TRUE(std::isnan(fit.standard_errors[7]));
  EXPECT_NEAR(fit.estimates[4], .7185, 1e-4);
  EXPECT_NE(std::find_if(fit.notes.begin(), fit.notes.end(),
                         [](const std::string& note) {
                           return note.find("do not determine dropout.High.Season") != std::string::npos;
                         }),
            fit.notes.end());
  EXPECT_NE(
      std::find(fit.notes.begin(), fit.notes.end(),
                "dropout.High.Season runs to minus infinity: nobody seems to leave where it is above 0"),
      fit.notes.end());

  // Without the season in leaving all is determined.
  const DynamicCovariates calm{first, until, {all, {all[1], all[2]}}};
  const auto clear = fit_pareto_nbd({x, t_x, T}, {bought, times}, calm);
  EXPECT_TRUE(clear.converged);
  EXPECT_LT(clear.log_likelihood, fit.log_likelihood);
  for (const double se : clear.standard_errors) EXPECT_TRUE(std::isfinite(se));
}

}  // namespace
