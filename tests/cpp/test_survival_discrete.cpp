#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "salesops/random.hpp"
#include "salesops/survival/discrete.hpp"

using namespace salesops;
using survival::HazardLink;

namespace {

struct Study {
  std::vector<double> durations, entry, weights, x;
  std::vector<std::uint8_t> events;
};

Study study(std::size_t rows, std::uint64_t seed) {
  random::Stream stream(seed);
  Study made;
  for (std::size_t i = 0; i < rows; ++i) {
    const double x = stream.normal();
    double entry = stream.bernoulli(0.3) ? 2 : 0;
    double t = entry;
    bool ended = false;
    while (!ended && t < 9) ended = stream.bernoulli(1 / (1 + std::exp(2 - 0.1 * ++t - 0.5 * x)));
    made.durations.push_back(t);
    made.entry.push_back(entry);
    made.events.push_back(ended);
    made.weights.push_back(static_cast<double>(stream.integer(1, 3)));
    made.x.push_back(x);
  }
  return made;
}

/// The table with a row for each row and period, added up.
double likelihood(const Study& rows, const survival::DiscreteModel& model, double moved = 0) {
  survival::DiscreteModel at = model;
  at.coefficients[0] += moved;
  double sum = 0;
  for (std::size_t i = 0; i < rows.durations.size(); ++i)
    for (double period = rows.entry[i] + 1; period <= rows.durations[i]; ++period) {
      if (period > model.period_end.back()) break;
      const double h = at.hazard(std::vector<double>{rows.x[i]}, period);
      const bool ends = period == rows.durations[i] && rows.events[i] != 0;
      sum += rows.weights[i] * std::log(ends ? h : 1 - h);
    }
  return sum;
}

}  // namespace

TEST(SurvivalDiscrete, IsTheTopOfTheTableOfPeriods) {
  const Study rows = study(500, 1);
  for (const auto link : {HazardLink::logit, HazardLink::cloglog}) {
    const auto model =
        survival::discrete_hazard(rows.durations, rows.events, {{"x", rows.x}},
                                  {.entry = rows.entry, .weights = rows.weights, .link = link});
    ASSERT_TRUE(model.converged);
    EXPECT_NEAR(model.log_likelihood, likelihood(rows, model), 1e-8);
    const double step = 1e-3;
    const double slope = (likelihood(rows, model, step) - likelihood(rows, model, -step)) / (2 * step);
    EXPECT_NEAR(slope * model.std_errors[0], 0, 1e-4);
    EXPECT_NEAR(model.coefficients[0], 0.5, 5 * model.std_errors[0]);
    const auto left =
        survival::discrete_survival(model, std::vector<double>{0.3}, std::vector<double>{0, 1, 3});
    EXPECT_EQ(left.survival[0], 1);
    EXPECT_NEAR(left.survival[1], 1 - model.hazard(std::vector<double>{0.3}, 1), 1e-15);
    EXPECT_LT(left.survival[2], left.survival[1]);
    EXPECT_LT(left.low[2], left.survival[2]);
    EXPECT_GT(left.high[2], left.survival[2]);
    const auto ahead = survival::discrete_survival(model, std::vector<double>{0.3},
                                                   std::vector<double>{9, 0, 2}, std::vector<double>{1});
    EXPECT_TRUE(std::isnan(ahead.survival[0]));
    EXPECT_EQ(ahead.survival[1], 1);
    EXPECT_NEAR(ahead.survival[2], left.survival[2] / left.survival[1], 1e-14);
  }
}

TEST(SurvivalDiscrete, BandsShareALevel) {
  const Study rows = study(500, 3);
  const std::vector<double> starts{1, 3, 6};
  for (const auto link : {HazardLink::logit, HazardLink::cloglog}) {
    survival::DiscreteOptions options{.entry = rows.entry, .weights = rows.weights, .link = link};
    options.periods = starts;
    const auto model = survival::discrete_hazard(rows.durations, rows.events, {{"x", rows.x}}, options);
    ASSERT_TRUE(model.converged);
    EXPECT_EQ(model.period, starts);
    EXPECT_EQ(model.period_end, (std::vector<double>{2, 5, 9}));
    EXPECT_NEAR(model.log_likelihood, likelihood(rows, model), 1e-8);
    const double step = 1e-3;
    const double slope = (likelihood(rows, model, step) - likelihood(rows, model, -step)) / (2 * step);
    EXPECT_NEAR(slope * model.std_errors[0], 0, 1e-4);
    for (std::size_t band = 0; band < starts.size(); ++band) {
      auto up = model;
      auto down = model;
      up.baseline[band] += step;
      down.baseline[band] -= step;
      EXPECT_NEAR((likelihood(rows, up) - likelihood(rows, down)) / (2 * step), 0, 1e-3);
    }
    const std::vector<double> x{0.3};
    EXPECT_EQ(model.hazard(x, 3), model.hazard(x, 5));
    EXPECT_NE(model.hazard(x, 5), model.hazard(x, 6));
    EXPECT_TRUE(std::isnan(model.hazard(x, 10)));
  }
}

TEST(SurvivalDiscrete, OfFinePeriodsIsCox) {
  // Hazards of short periods are small: the odds are the hazards, and cloglog is Cox with grouped times.
  random::Stream stream(2);
  std::vector<double> durations(4000), x(4000);
  std::vector<std::uint8_t> events(4000, 1);
  for (std::size_t i = 0; i < 4000; ++i) {
    x[i] = stream.normal();
    durations[i] = std::ceil(100 * stream.exponential(1) / std::exp(0.6 * x[i]));
    if (durations[i] > 200) {
      durations[i] = 200;
      events[i] = 0;
    }
  }
  const auto grouped =
      survival::discrete_hazard(durations, events, {{"x", x}}, {.link = HazardLink::cloglog});
  const auto cox = survival::cox(durations, events, {{"x", x}});
  EXPECT_NEAR(grouped.coefficients[0], cox.coefficients[0], 0.005);
  EXPECT_NEAR(grouped.std_errors[0] / cox.std_errors[0], 1, 0.02);
}

TEST(SurvivalDiscrete, SaysWhatIsWrong) {
  const auto refusal = [](std::vector<double> durations, std::vector<std::uint8_t> events) {
    const std::vector<double> x{1, 2, 3};
    try {
      (void)survival::discrete_hazard(durations, events, {{"x", x}});
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal({1, 2.5, 3}, {1, 1, 0}).find("durations: 1 of 3 rows are no whole numbers"),
            std::string::npos);
  EXPECT_NE(refusal({0, 2, 3}, {1, 1, 0}).find("durations: 1 of 3 rows"), std::string::npos);
  EXPECT_NE(refusal({1, 2, 3}, {0, 0, 0}).find("none of 3 rows"), std::string::npos);
  const std::vector<double> starts{1, 1};
  survival::DiscreteOptions options;
  options.periods = starts;
  EXPECT_THROW((void)survival::discrete_hazard(std::vector<double>{1, 2}, std::vector<std::uint8_t>{1, 0},
                                               {{"x", starts}}, options),
               UsageError);
  const std::vector<double> x{1, 1, 0, 0};
  const auto split = survival::discrete_hazard(std::vector<double>{1, 1, 1, 1},
                                               std::vector<std::uint8_t>{1, 1, 0, 0}, {{"x", x}});
  EXPECT_FALSE(split.converged);
  EXPECT_NE(split.notes[0].find("splits"), std::string::npos);
}
