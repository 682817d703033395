#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "../../src/survival/rows.hpp"
#include "salesops/random.hpp"
#include "salesops/survival.hpp"

using namespace salesops;

namespace {

using Codes = std::vector<std::uint8_t>;
using Times = std::vector<double>;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

std::string refusal(const Times& durations, const Codes& events, const survival::Options& options = {}) {
  try {
    (void)survival::kaplan_meier(durations, events, options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

/// Leukaemia remission, treated group (Kleinbaum & Klein): 21 patients, 9 relapses.
const Times remission{6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35};
const Codes relapsed{1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0};

}  // namespace

TEST(Survival, KaplanMeierOfTheTextbook) {
  const auto curve = survival::kaplan_meier(remission, relapsed);
  EXPECT_NEAR(curve.at(6).value(), 0.857142857143, 1e-12);
  EXPECT_NEAR(curve.at(23).value(), 0.448179271709, 1e-12);
  EXPECT_EQ(curve.at(5.9), 1);
  EXPECT_EQ(curve.at(36), std::nullopt);
  EXPECT_EQ(curve.at(nan_value), std::nullopt);
  EXPECT_EQ(curve.at_risk.front(), 21);
  EXPECT_EQ(curve.events.front(), 3);
  EXPECT_EQ(curve.censored.front(), 1);
  const auto median = curve.median();
  EXPECT_EQ(median.estimate, 23);
  EXPECT_EQ(median.low, 13);
  EXPECT_EQ(median.high, std::nullopt);
  const auto mean = curve.rmst(23).value();
  EXPECT_NEAR(mean.estimate, 17.9092436975, 1e-9);
  EXPECT_NEAR(mean.std_error, 1.55318997825, 1e-9);
  EXPECT_EQ(curve.rmst(36), std::nullopt);
  EXPECT_NEAR(curve.rmst(3)->estimate, 3, 1e-12);
}

TEST(Survival, BandsLieInsideAndAroundTheCurve) {
  using survival::IntervalKind;
  for (const auto kind :
       {IntervalKind::log_log, IntervalKind::log, IntervalKind::plain, IntervalKind::arcsine}) {
    survival::Options options;
    options.interval = kind;
    const auto curve = survival::kaplan_meier(remission, relapsed, options);
    for (std::size_t i = 0; i < curve.time.size(); ++i) {
      EXPECT_LE(0, curve.low[i]);
      EXPECT_LE(curve.low[i], curve.survival[i]);
      EXPECT_LE(curve.survival[i], curve.high[i]);
      EXPECT_LE(curve.high[i], 1);
    }
  }
}

TEST(Survival, LeftTruncationWeightsAndTies) {
  // lifelines: entry; weights (1.5, 2, .8, .9).
  const Times durations{0.6, 0.4, 0.8, 0.9};
  const Codes events{0, 1, 1, 0};
  const Times weights{1.5, 2, 0.8, 0.9};
  survival::Options options;
  options.weights = weights;
  const auto curve = survival::kaplan_meier(durations, events, options);
  EXPECT_NEAR(curve.survival[0], 0.61538461538, 1e-9);
  EXPECT_NEAR(curve.survival[3], 0.32579185520, 1e-9);

  // A row at risk during (entry, duration]: the third is unseen at time 1 and at time 2.
  const Times entry{0, 0, 2};
  survival::Options late;
  late.entry = entry;
  const auto truncated = survival::kaplan_meier(Times{1, 2, 3}, Codes{1, 0, 1}, late);
  EXPECT_EQ(truncated.at_risk, (Times{2, 1, 1}));
  EXPECT_EQ(truncated.survival, (Times{0.5, 0.5, 0}));
}

TEST(Survival, WeightsAreFrequencies) {
  Times durations;
  Codes events;
  Times weights;
  for (std::size_t i = 0; i < remission.size(); ++i) {
    weights.push_back(static_cast<double>(i % 3 + 1));
    for (std::size_t copy = 0; copy <= i % 3; ++copy) {
      durations.push_back(remission[i]);
      events.push_back(relapsed[i]);
    }
  }
  survival::Options options;
  options.weights = weights;
  const auto weighted = survival::kaplan_meier(remission, relapsed, options);
  const auto copied = survival::kaplan_meier(durations, events);
  for (std::size_t i = 0; i < weighted.time.size(); ++i) {
    EXPECT_NEAR(weighted.survival[i], copied.survival[i], 1e-14);
    EXPECT_NEAR(weighted.std_error[i], copied.std_error[i], 1e-14);
  }
}

TEST(Survival, EdgesOfTheCurve) {
  const auto all = survival::kaplan_meier(Times{2, 2}, Codes{1, 1});
  EXPECT_EQ(all.survival, Times{0});
  EXPECT_EQ(all.std_error, Times{0});
  EXPECT_EQ(all.low, Times{0});
  EXPECT_EQ(all.high, Times{1});
  EXPECT_EQ(all.at(1e9), 0);
  EXPECT_EQ(all.rmst(10)->estimate, 2);
  const auto none = survival::kaplan_meier(Times{3}, Codes{0});
  EXPECT_EQ(none.survival, Times{1});
  EXPECT_EQ(none.median().estimate, std::nullopt);
  const auto at_zero = survival::kaplan_meier(Times{0, -0.0, 1}, Codes{1, 0, 0});
  EXPECT_EQ(at_zero.time, (Times{0, 1}));
  EXPECT_NEAR(at_zero.at(0).value(), 2.0 / 3, 1e-15);
}

TEST(Survival, BadRowsAreNamedAndCounted) {
  EXPECT_NE(refusal({}, {}).find("no rows"), std::string::npos);
  EXPECT_NE(refusal({1, -1, -2}, {1, 1, 1}).find("durations: 2 of 3 rows are negative (first: row 1)"),
            std::string::npos);
  EXPECT_NE(refusal({1, nan_value}, {1, 1}).find("durations: 1 of 2 rows are NaN"), std::string::npos);
  EXPECT_NE(refusal({1, 2}, {1, 2}).find("events: 1 of 2 rows have a code above 1"), std::string::npos);
  EXPECT_NE(refusal({1, 2}, {1}).find("events has 1 rows"), std::string::npos);
  const Times entry{1, 0};
  survival::Options late;
  late.entry = entry;
  EXPECT_NE(refusal({1, 2}, {1, 1}, late).find("entry: 1 of 2 rows are not before"), std::string::npos);
  const Times weights{1, 0};
  survival::Options weighted;
  weighted.weights = weights;
  EXPECT_NE(refusal({1, 2}, {1, 1}, weighted).find("weights: 1 of 2 rows"), std::string::npos);
  survival::Options level;
  level.level = 0.95;
  EXPECT_NE(refusal({1, 2}, {1, 1}, level).find("percent"), std::string::npos);
}

TEST(Survival, AalenJohansenToy) {
  const Times durations{1, 2, 3, 4, 5, 6};
  const Codes events{0, 1, 1, 2, 2, 0};
  const auto result = survival::aalen_johansen(durations, events);
  const auto& second = result.causes[1];
  EXPECT_NEAR(second.incidence[3], 0.2, 1e-15);
  EXPECT_NEAR(second.incidence[5], 0.4, 1e-15);
  EXPECT_NEAR(second.std_error[3] * second.std_error[3], 0.032, 1e-15);
  EXPECT_NEAR(second.std_error[4] * second.std_error[4], 0.048, 1e-15);
  EXPECT_NEAR(second.low[3], 0.00836904, 5e-9);
  EXPECT_NEAR(second.high[3], 0.58185303, 5e-9);
  EXPECT_NEAR(second.low[4], 0.05197575, 5e-9);
  EXPECT_NEAR(second.high[4], 0.75281579, 5e-9);
  EXPECT_EQ(result.at(0.5, 1), 0);
  EXPECT_EQ(result.at(7, 1), std::nullopt);
  EXPECT_THROW((void)result.at(1, 3), UsageError);
}

TEST(Survival, IncidencesAndSurvivorsSumToOne) {
  random::Stream stream(1);
  Times durations(5000);
  Times entry(5000);
  Codes events(5000);
  for (std::size_t i = 0; i < durations.size(); ++i) {
    entry[i] = stream.bernoulli(0.3) ? static_cast<double>(stream.integer(1, 5)) : 0;
    durations[i] = entry[i] + static_cast<double>(stream.integer(1, 60));
    events[i] = static_cast<std::uint8_t>(stream.integer(0, 3));
  }
  survival::Options options;
  options.entry = entry;
  const auto result = survival::aalen_johansen(durations, events, options);
  ASSERT_EQ(result.causes.size(), 3U);
  for (std::size_t i = 0; i < result.time.size(); ++i) {
    double sum = result.survival[i];
    for (const auto& cause : result.causes) sum += cause.incidence[i];
    EXPECT_NEAR(sum, 1, 1e-12);
  }
  // One cause only: incidence and standard error are those of 1 − Kaplan–Meier.
  for (std::uint8_t& code : events) code = code > 0;
  const auto one = survival::aalen_johansen(durations, events, options);
  const auto curve = survival::kaplan_meier(durations, events, options);
  for (std::size_t i = 0; i < one.time.size(); ++i) {
    EXPECT_NEAR(one.causes[0].incidence[i], 1 - curve.survival[i], 1e-12);
    EXPECT_NEAR(std::pow(one.causes[0].std_error[i], 2), std::pow(curve.std_error[i], 2), 1e-15);
  }
}

TEST(Survival, NelsonAalenTies) {
  const Times durations{1, 1, 2, 3};
  const Codes events{1, 1, 0, 1};
  const auto together = survival::nelson_aalen(durations, events);
  EXPECT_NEAR(together.cumulative_hazard[0], 0.5, 1e-15);
  EXPECT_NEAR(together.std_error[0], std::sqrt(2.0 / 16), 1e-15);
  const auto in_turn = survival::nelson_aalen(durations, events, {}, survival::TiedEvents::in_turn);
  EXPECT_NEAR(in_turn.cumulative_hazard[0], 1.0 / 4 + 1.0 / 3, 1e-15);
  EXPECT_LT(together.low[2], together.cumulative_hazard[2]);
  EXPECT_GT(together.high[2], together.cumulative_hazard[2]);
}

TEST(Survival, LogRankOfTheTextbook) {
  Times durations = remission;
  Codes events = relapsed;
  std::vector<std::uint32_t> groups(21, 0);
  for (const double t : {1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}) {
    durations.push_back(t);
    events.push_back(1);
    groups.push_back(1);
  }
  const auto got = survival::log_rank(durations, events, groups);
  EXPECT_NEAR(got.statistic, 16.7929409892, 1e-9);
  EXPECT_EQ(got.degrees, 1);
  EXPECT_NEAR(got.p_value, 4.17e-5, 1e-7);
  EXPECT_EQ(got.observed, (Times{9, 21}));
  EXPECT_NEAR(got.expected[0] + got.expected[1], 30, 1e-12);
  using survival::RankWeight;
  const auto with = [&](RankWeight weight) {
    return survival::log_rank(durations, events, groups, {}, weight).statistic;
  };
  EXPECT_NEAR(with(RankWeight::wilcoxon), 13.457852, 1e-6);
  EXPECT_NEAR(with(RankWeight::tarone_ware), 15.123575, 1e-6);
  EXPECT_NEAR(with(RankWeight::peto), 14.084139, 1e-6);
  EXPECT_NEAR(with(RankWeight::g_rho), 14.4571508187, 1e-9);
}

TEST(Survival, LogRankWithNothingToCompare) {
  const auto got = survival::log_rank(Times{1, 2}, Codes{1, 1}, std::vector<std::uint32_t>{0, 0});
  EXPECT_EQ(got.degrees, 0);
  EXPECT_EQ(got.p_value, 1);
  EXPECT_THROW((void)survival::log_rank(Times{1, 2}, Codes{1, 1}, std::vector<std::uint32_t>{0}), UsageError);
}

TEST(Survival, OrderOfRowsDoesNotMatter) {
  random::Stream stream(2);
  Times durations(3000);
  Codes events(3000);
  for (std::size_t i = 0; i < durations.size(); ++i) {
    durations[i] = stream.exponential(1e-3) * (stream.bernoulli(0.5) ? 1 : 1e-12);
    events[i] = stream.bernoulli(0.4);
  }
  const auto curve = survival::kaplan_meier(durations, events);
  EXPECT_TRUE(std::is_sorted(curve.time.begin(), curve.time.end()));
  std::reverse(durations.begin(), durations.end());
  std::reverse(events.begin(), events.end());
  const auto reversed = survival::kaplan_meier(durations, events);
  EXPECT_EQ(curve.time, reversed.time);
  EXPECT_EQ(curve.survival, reversed.survival);
}

TEST(Survival, TimesThatDifferInTheirLastDigitsAreApart) {
  // Far apart, and in between crowds of neighbours.
  random::Stream stream(3);
  Times durations;
  Codes events;
  for (const double base : {1e-9, 1.0, 3.0, 1e9})
    for (int i = 0; i < 400; ++i) {
      durations.push_back(base * (1 + static_cast<double>(stream.integer(0, 300)) * 2.3e-16));
      events.push_back(stream.bernoulli(0.5));
    }
  Times expected = durations;
  std::sort(expected.begin(), expected.end());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  EXPECT_GT(expected.size(), 500U);
  EXPECT_EQ(survival::kaplan_meier(durations, events).time, expected);
}

TEST(Survival, BandsAlongACurveAreThoseOfEachShare) {
  random::Stream stream(5);
  Times durations(40000);
  Codes events(40000);
  for (std::size_t i = 0; i < durations.size(); ++i) {
    durations[i] = stream.exponential(1e-3);
    events[i] = stream.bernoulli(0.6);
  }
  for (const auto kind : {survival::IntervalKind::log_log, survival::IntervalKind::log}) {
    const auto curve = survival::kaplan_meier(durations, events, {.interval = kind});
    const double z = 1.959963984540054;
    for (std::size_t i = 0; i + 1 < curve.time.size(); ++i) {
      const double share = curve.survival[i];
      const double e = z * curve.std_error[i];
      if (share >= 1 || share <= 0) continue;
      const double factor = std::exp(e / share);
      const double tilt = std::exp(e / (share * -std::log(share)));
      const bool log_log = kind == survival::IntervalKind::log_log;
      const double low = log_log ? std::exp(std::log(share) * tilt) : share / factor;
      const double high = log_log ? std::exp(std::log(share) / tilt) : std::min(1.0, share * factor);
      ASSERT_NEAR(curve.low[i], low, 1e-14 * low) << i;
      ASSERT_NEAR(curve.high[i], high, 1e-14 * high) << i;
    }
  }
}

TEST(Survival, WholeNumbersAreOnlyAFasterWay) {
  random::Stream stream(6);
  Times whole(300000);
  Times halves(whole.size());
  Times weights(whole.size());
  Codes events(whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    whole[i] = std::ceil(stream.exponential(1e-2));
    halves[i] = whole[i] + 0.5;
    weights[i] = stream.uniform01() + 0.1;
    events[i] = stream.bernoulli(0.6);
  }
  const auto fast = survival::kaplan_meier(whole, events);
  const auto slow = survival::kaplan_meier(halves, events);
  EXPECT_EQ(fast.survival, slow.survival);
  EXPECT_EQ(fast.at_risk, slow.at_risk);
  EXPECT_EQ(fast.censored, slow.censored);
  EXPECT_EQ(fast.low, slow.low);
  const auto weighted = survival::kaplan_meier(whole, events, {.weights = weights});
  const auto same = survival::kaplan_meier(halves, events, {.weights = weights});
  ASSERT_EQ(weighted.time.size(), same.time.size());
  for (std::size_t i = 0; i < same.time.size(); ++i)
    ASSERT_NEAR(weighted.survival[i], same.survival[i], 1e-12) << i;
}

TEST(Survival, AnyColumnComesInOrder) {
  random::Stream random(11);
  const auto uniform = [&] { return random.uniform01(); };
  const std::vector<std::pair<std::string, std::function<double(std::size_t)>>> columns{
      {"exact", [&](std::size_t) { return -400 * std::log(1 - uniform()); }},
      {"whole days", [&](std::size_t) { return std::floor(3000 * uniform()); }},
      {"halves", [&](std::size_t) { return std::floor(200 * uniform()) / 2; }},
      {"large whole numbers", [&](std::size_t) { return std::floor(1e9 * uniform()); }},
      {"one value", [](std::size_t) { return 0.1; }},
      {"zeros of both signs", [](std::size_t i) { return i % 2 == 0 ? 0.0 : -0.0; }},
      {"last digits alone", [&](std::size_t) { return 1 + std::floor(4 * uniform()) * 0x1p-52; }},
      {"one far away", [&](std::size_t i) { return i == 7 ? 1e300 : uniform(); }},
      {"all magnitudes",
       [&](std::size_t) { return std::ldexp(uniform(), static_cast<int>(600 * uniform()) - 300); }},
      {"the smallest", [&](std::size_t) { return std::floor(50 * uniform()) * 5e-324; }},
  };
  for (const auto& [name, value] : columns) {
    for (const std::size_t rows :
         {std::size_t{0}, std::size_t{1}, std::size_t{200}, std::size_t{65536}, std::size_t{150000}}) {
      Times values(rows);
      for (std::size_t i = 0; i < rows; ++i) values[i] = value(i);
      std::vector<std::uint32_t> expected(rows);
      std::iota(expected.begin(), expected.end(), 0U);
      std::stable_sort(expected.begin(), expected.end(),
                       [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
      const auto sorted = survival::in_order(values);
      ASSERT_EQ(sorted.rows, expected) << name << ", " << rows << " rows";
      for (std::size_t i = 0; i < rows; ++i) ASSERT_EQ(sorted.values[i], values[expected[i]]) << name;
    }
  }
}

TEST(Survival, CurvesCountWhatTheRunsOfRowsHold) {
  random::Stream random(12);
  for (const bool whole : {true, false}) {
    constexpr std::size_t rows = 100000;
    Times durations(rows), entry(rows), weights(rows);
    Codes events(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      durations[i] = std::floor(5000 * random.uniform01()) / (whole ? 1 : 4) + 1;
      entry[i] = random.uniform01() < 0.3 ? durations[i] * random.uniform01() * 0.9 : 0;
      weights[i] = 1 + std::floor(3 * random.uniform01());
      events[i] = static_cast<std::uint8_t>(3 * random.uniform01());
    }
    const survival::Options options{.entry = entry, .weights = weights};
    const auto table = survival::event_table(durations, events, 3, options);
    const auto runs = survival::risk_table(durations, options);
    ASSERT_EQ(table.time, runs.time);
    ASSERT_EQ(table.at_risk, runs.at_risk);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      std::array<double, 3> ended{};
      for (std::size_t j = runs.starts[i]; j < runs.starts[i + 1]; ++j)
        ended[events[runs.order[j]]] += weights[runs.order[j]];
      for (std::size_t code = 0; code < 3; ++code) ASSERT_EQ(table.ended[code][i], ended[code]);
    }
  }
}

TEST(Survival, SizesOfTrials) {
  const survival::Trial trial{.treated_share = 0.8, .control_share = 0.2, .hazard_ratio = 0.139};
  const auto sizes = survival::sample_size(trial, 0.8);
  EXPECT_EQ(sizes.treated, 14);
  EXPECT_EQ(sizes.control, 14);
  EXPECT_NEAR(survival::power(trial, 12, 12), 0.744937, 5e-7);
  const survival::Trial longer{.treated_share = 0.3, .control_share = 0.4, .hazard_ratio = 1.4, .level = 90};
  const auto wide = survival::sample_size(longer, 0.9, 2);
  EXPECT_GE(survival::power(longer, double(wide.treated), double(wide.control)), 0.9);
  EXPECT_LT(survival::power(longer, double(wide.treated) - 6, double(wide.control) - 3), 0.9);
  EXPECT_THROW((void)survival::sample_size({.treated_share = 1.2, .hazard_ratio = 2}, 0.8), UsageError);
  EXPECT_THROW((void)survival::sample_size({.treated_share = 0, .hazard_ratio = 2}, 0.8), UsageError);
  EXPECT_THROW((void)survival::sample_size({.treated_share = 0.5}, 0.8), UsageError);
  EXPECT_THROW((void)survival::sample_size(trial, 1), UsageError);
  EXPECT_THROW((void)survival::sample_size(trial, 0.8, 0), UsageError);
  EXPECT_THROW((void)survival::power(trial, 0, 3), UsageError);
}
