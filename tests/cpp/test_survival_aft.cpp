#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "salesops/random.hpp"
#include "salesops/survival.hpp"

using namespace salesops;
using survival::LifetimeLaw;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr LifetimeLaw laws[] = {LifetimeLaw::exponential, LifetimeLaw::weibull, LifetimeLaw::log_normal,
                                LifetimeLaw::log_logistic, LifetimeLaw::generalized_gamma};

struct Study {
  std::vector<double> lower, upper, entry, weights, x;
};

/// Log-normal lifetimes of which some are seen exactly, some censored, some between two looks.
Study study(std::size_t rows, std::uint64_t seed) {
  random::Stream stream(seed);
  Study made;
  while (made.lower.size() < rows) {
    const double x = stream.normal();
    const double t = std::exp(1.5 + 0.4 * x + 0.6 * stream.normal());
    const double entry = stream.bernoulli(0.3) ? 1.5 : 0;
    if (t <= entry) continue;
    const double look = std::floor(t / 2) * 2;
    const auto kind = stream.integer(0, 3);
    made.lower.push_back(kind == 0   ? std::max(look, entry)
                         : kind == 1 ? std::min(t, std::max(4.0, entry + 0.1))
                                     : t);
    made.upper.push_back(kind == 0                            ? look + 2
                         : kind == 1 && t > made.lower.back() ? infinity
                                                              : made.lower.back());
    if (kind > 1) made.upper.back() = made.lower.back() = t;
    made.entry.push_back(entry);
    made.weights.push_back(static_cast<double>(stream.integer(1, 3)));
    made.x.push_back(x);
  }
  return made;
}

/// ln S by the formulas of the books, of the parameters in the order of the model.
double log_survival(LifetimeLaw law, double t, double mean, double sigma) {
  if (t <= 0) return 0;
  const double z = (std::log(t) - mean) / sigma;
  switch (law) {
    case LifetimeLaw::log_normal: return std::log(std::erfc(z / std::sqrt(2.0)) / 2);
    case LifetimeLaw::log_logistic: return -std::log1p(std::exp(z));
    default: return -std::exp(z);
  }
}

double log_likelihood(LifetimeLaw law, const Study& rows, const std::vector<double>& at) {
  const double sigma = at.size() > 2 ? std::exp(at[2]) : 1;
  double sum = 0;
  for (std::size_t i = 0; i < rows.lower.size(); ++i) {
    const double mean = at[0] + at[1] * rows.x[i];
    const auto survives = [&](double t) { return std::exp(log_survival(law, t, mean, sigma)); };
    double own = 0;
    if (rows.lower[i] == rows.upper[i]) {
      const double step = 1e-4 * rows.lower[i];
      own = std::log((survives(rows.lower[i] - step) - survives(rows.lower[i] + step)) / (2 * step));
    } else {
      own = std::log(survives(rows.lower[i]) - (rows.upper[i] == infinity ? 0 : survives(rows.upper[i])));
    }
    sum += rows.weights[i] * (own - log_survival(law, rows.entry[i], mean, sigma));
  }
  return sum;
}

survival::AftModel fit(LifetimeLaw law, const Study& rows) {
  return survival::aft(law, rows.lower, rows.upper, {{"x", rows.x}},
                       {.entry = rows.entry, .weights = rows.weights});
}

}  // namespace

TEST(SurvivalAft, IsTheTopOfTheLikelihoodOfTheBooks) {
  const Study rows = study(300, 1);
  for (const auto law :
       {LifetimeLaw::exponential, LifetimeLaw::weibull, LifetimeLaw::log_normal, LifetimeLaw::log_logistic}) {
    const auto model = fit(law, rows);
    ASSERT_TRUE(model.converged);
    EXPECT_NEAR(model.log_likelihood, log_likelihood(law, rows, model.estimates), 1e-3);
    for (std::size_t j = 0; j < model.estimates.size(); ++j) {
      auto at = model.estimates;
      const double step = 0.01 * model.std_errors[j];
      at[j] += step;
      const double above = log_likelihood(law, rows, at);
      at[j] -= 2 * step;
      const double below = log_likelihood(law, rows, at);
      EXPECT_NEAR((above - below) / (2 * step) * model.std_errors[j], 0, 1e-3);
      EXPECT_LT((above + below) / 2, log_likelihood(law, rows, model.estimates));
    }
  }
}

TEST(SurvivalAft, CurvatureIsThatOfTheLikelihood) {
  // Each estimate, moved by its error with the others free, costs half a unit: by the quadratic form.
  const Study rows = study(2000, 2);
  for (const auto law : laws) {
    const auto model = fit(law, rows);
    ASSERT_TRUE(model.converged) << static_cast<int>(law);
    const std::size_t p = model.estimates.size();
    if (law == LifetimeLaw::generalized_gamma) {
      for (const double error : model.std_errors) EXPECT_GT(error, 0);
      continue;
    }
    std::vector<double> moved = model.estimates;
    const double share = 0.05;
    for (std::size_t j = 0; j < p; ++j) moved[j] += share * model.covariance[p + j] / model.std_errors[1];
    const double lost = model.log_likelihood - log_likelihood(law, rows, moved);
    EXPECT_NEAR(lost / (share * share / 2), 1, 0.05);
  }
}

TEST(SurvivalAft, TheWideFamilyHoldsItsMembers) {
  const Study rows = study(1500, 3);
  const auto wide = fit(LifetimeLaw::generalized_gamma, rows);
  const auto normal = fit(LifetimeLaw::log_normal, rows);
  const auto weibull = fit(LifetimeLaw::weibull, rows);
  EXPECT_GE(wide.log_likelihood, normal.log_likelihood - 1e-9);
  EXPECT_GE(wide.log_likelihood, weibull.log_likelihood - 1e-9);
  EXPECT_NEAR(wide.q, 0, 3 * wide.std_errors[3]);  // the lifetimes are log-normal
  EXPECT_LT(normal.aic, weibull.aic);
  EXPECT_NEAR(normal.estimates[0], 1.5, 4 * normal.std_errors[0]);
  EXPECT_NEAR(normal.estimates[1], 0.4, 4 * normal.std_errors[1]);
  EXPECT_NEAR(normal.sigma, 0.6, 0.1);
}

TEST(SurvivalAft, IntervalsBetweenLooks) {
  // A published example of eight looks, 30 apart; lifelines tests it to 1e-3.
  const std::vector<double> weights{15, 17, 19, 26, 19, 43, 20, 15356};
  std::vector<double> lower, upper;
  for (int look = 0; look < 8; ++look) {
    lower.push_back(30.0 * look + 0.1);
    upper.push_back(look < 7 ? 30.0 * (look + 1) : infinity);
  }
  const auto model = survival::aft(LifetimeLaw::weibull, lower, upper, {}, {.weights = weights});
  EXPECT_NEAR(1 / model.sigma / 1.272946, 1, 1e-3);
  EXPECT_NEAR(std::exp(model.estimates[0]) / 7646.68135, 1, 1e-3);
  EXPECT_EQ(model.events, 0);
  // Narrow intervals are exact times.
  const Study rows = study(200, 7);
  std::vector<double> from, to, exact;
  for (std::size_t i = 0; i < 200; ++i) {
    exact.push_back(rows.lower[i] + 0.5);
    from.push_back(exact[i] * (1 - 1e-6));
    to.push_back(exact[i] * (1 + 1e-6));
  }
  const auto narrow = survival::aft(LifetimeLaw::log_normal, from, to);
  const auto sharp = survival::aft(LifetimeLaw::log_normal, exact, exact);
  EXPECT_NEAR(narrow.estimates[0], sharp.estimates[0], 1e-6);
  EXPECT_NEAR(narrow.sigma, sharp.sigma, 1e-6);
}

TEST(SurvivalAft, UnitsAndCopies) {
  const Study rows = study(200, 4);
  for (const auto law : laws) {
    const auto model = fit(law, rows);
    Study days = rows;
    for (auto* column : {&days.lower, &days.upper, &days.entry})
      for (double& t : *column) t *= 365;
    const auto scaled = fit(law, days);
    EXPECT_NEAR(scaled.estimates[0], model.estimates[0] + std::log(365.0), 1e-6);
    EXPECT_NEAR(scaled.estimates[1], model.estimates[1], 1e-6);
    Study copied = rows;
    for (std::size_t i = 0; i < 200; ++i)
      for (int more = 1; more < static_cast<int>(rows.weights[i]); ++more) {
        copied.lower.push_back(rows.lower[i]);
        copied.upper.push_back(rows.upper[i]);
        copied.entry.push_back(rows.entry[i]);
        copied.x.push_back(rows.x[i]);
      }
    copied.weights.assign(copied.lower.size(), 1);
    const auto same = fit(law, copied);
    EXPECT_NEAR(same.log_likelihood, model.log_likelihood, 1e-7);
    EXPECT_NEAR(same.std_errors[1], model.std_errors[1], 1e-6);
  }
  std::vector<survival::AftModel> models;
  const Study many = study(9000, 5);
  for (const int threads : {1, 2, 4})
    models.push_back(survival::aft(LifetimeLaw::weibull, many.lower, many.upper, {{"x", many.x}},
                                   {.entry = many.entry, .execution = {.threads = threads}}));
  EXPECT_EQ(models[0].estimates, models[1].estimates);
  EXPECT_EQ(models[0].estimates, models[2].estimates);
}

TEST(SurvivalAft, Predictions) {
  const Study rows = study(400, 6);
  for (const auto law : laws) {
    const auto model = fit(law, rows);
    const std::vector<double> x{0.7};
    for (const double probability : {0.1, 0.5, 0.9}) {
      const auto time = survival::aft_quantile(model, x, probability);
      EXPECT_LT(time.low[0], time.estimate[0]);
      EXPECT_GT(time.high[0], time.estimate[0]);
      const auto curve = survival::aft_survival(model, x, time.estimate);
      EXPECT_NEAR(curve.survival[0], 1 - probability, 1e-9);
      EXPECT_LT(curve.low[0], curve.survival[0]);
      EXPECT_GT(curve.high[0], curve.survival[0]);
    }
    const auto ends = survival::aft_survival(model, x, std::vector<double>{0, 1e-300, 1e300});
    EXPECT_EQ(ends.survival[0], 1);
    EXPECT_EQ(ends.survival[1], 1);
    EXPECT_NEAR(ends.survival[2], 0, 1e-12);
    const auto curve = survival::aft_survival(model, x, std::vector<double>{2, 5});
    const auto ahead = survival::aft_survival(model, x, std::vector<double>{0, 3}, 1, std::vector<double>{2});
    EXPECT_EQ(ahead.survival[0], 1);
    EXPECT_NEAR(ahead.survival[1], curve.survival[1] / curve.survival[0], 1e-12);
    EXPECT_LT(ahead.low[1], ahead.survival[1]);
    EXPECT_GT(ahead.high[1], ahead.survival[1]);
  }
  EXPECT_THROW((void)survival::aft_survival(fit(LifetimeLaw::weibull, rows), std::vector<double>{},
                                            std::vector<double>{-1}),
               UsageError);
}

TEST(SurvivalAft, FarTailsStayFinite) {
  // Censored a thousand times later than all that is known: the likelihood still has a slope.
  std::vector<double> lower{1, 1.1, 0.9, 1.2, 1.05, 1e4};
  std::vector<double> upper{1, 1.1, 0.9, 1.2, 1.05, infinity};
  for (const auto law : laws) {
    const auto model = survival::aft(law, lower, upper);
    EXPECT_TRUE(std::isfinite(model.log_likelihood)) << static_cast<int>(law);
    if (law == LifetimeLaw::generalized_gamma) continue;  // it may crowd at the earliest time
    EXPECT_GT(model.estimates[0], 0);
  }
}

TEST(SurvivalAft, SaysWhatIsWrong) {
  const auto refusal = [](std::vector<double> lower, std::vector<double> upper,
                          std::vector<double> entry = {}) {
    try {
      (void)survival::aft(LifetimeLaw::weibull, lower, upper, {}, {.entry = entry});
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal({}, {}).find("no rows"), std::string::npos);
  EXPECT_NE(refusal({-1, 2}, {1, 2}).find("lower: 1 of 2"), std::string::npos);
  EXPECT_NE(refusal({1, 2}, {1, 1}).find("upper: 1 of 2"), std::string::npos);
  EXPECT_NE(refusal({0, 2}, {0, 2}).find("time 0"), std::string::npos);
  EXPECT_NE(refusal({1, 2}, {infinity, infinity}).find("known to have ended"), std::string::npos);
  EXPECT_NE(refusal({1, 2}, {1, 2}, {1, 0}).find("entry: 1 of 2 rows are not before"), std::string::npos);
}
