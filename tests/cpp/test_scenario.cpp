#include <gtest/gtest.h>

#include "salesops/random.hpp"
#include "salesops/scenario.hpp"

using namespace salesops;

namespace {

const Holder company{"company", ""};

Interval week(int number) {
  const Date start = Date::from_ymd(2026, 1, 5) + 7 * number;
  return {at_midnight_utc(start), at_midnight_utc(start + 7)};
}

/// Two reps, three weeks; R2 moves from team A to B with the third week.
ScenarioData two_reps(std::size_t draws) {
  ScenarioData data;
  data.leaves = {{"rep", "R1"}, {"rep", "R2"}};
  data.periods = {week(0), week(1), week(2)};
  const Date moved = week(2).start.utc_date();
  data.memberships = {{{"rep", "R1"}, {"team", "A"}},
                      {{"rep", "R2"}, {"team", "A"}, first_date, moved},
                      {{"rep", "R2"}, {"team", "B"}, moved, last_date},
                      {{"team", "A"}, company},
                      {{"team", "B"}, company}};
  data.draws = draws;
  data.currency = "EUR";
  random::Stream stream(3);
  for (std::size_t i = 0; i < 6 * draws; ++i) data.values.push_back(stream.integer(-50, 1000));
  return data;
}

TEST(Scenario, ParentsAreTheExactSumsOfTheirMembersAsTheyThenWere) {
  const ScenarioData data = two_reps(101);
  const Scenario scenario(data);
  ASSERT_EQ(scenario.holders().size(), 5U);
  EXPECT_EQ(scenario.holders().back(), company);
  EXPECT_EQ(scenario.data().values, data.values);
  EXPECT_EQ(Scenario(scenario.data()).holders(), scenario.holders());
  const auto r1 = scenario.values({"rep", "R1"}), r2 = scenario.values({"rep", "R2"});
  const auto a = scenario.values({"team", "A"}), b = scenario.values({"team", "B"});
  const auto all = scenario.values(company);
  const auto moved = scenario.values({"rep", "R2"}, week(2));
  const auto first = scenario.values(company, Interval{week(0).start, week(1).end});
  const auto last = scenario.values(company, week(2));
  for (std::size_t draw = 0; draw < 101; ++draw) {
    EXPECT_EQ(all[draw], r1[draw] + r2[draw]);
    EXPECT_EQ(all[draw], a[draw] + b[draw]);
    EXPECT_EQ(b[draw], moved[draw]);
    EXPECT_EQ(all[draw], first[draw] + last[draw]);
    EXPECT_EQ(scenario.running(company)[2 * 101 + draw], all[draw]);
  }
  EXPECT_DOUBLE_EQ(scenario.mean(company), scenario.mean({"team", "A"}) + scenario.mean({"team", "B"}));
}

TEST(Scenario, QuantilesAndProbabilitiesOfKnownDraws) {
  ScenarioData data;
  data.leaves = {{"rep", "R1"}};
  data.periods = {week(0)};
  data.draws = 11;
  for (int i = 10; i >= 0; --i) data.values.push_back(100 * i);
  const Scenario scenario(data);
  const Holder rep{"rep", "R1"};
  EXPECT_EQ(scenario.quantile(rep, 0.5), 500);
  EXPECT_EQ(scenario.quantile(rep, 0.25), 250);
  EXPECT_EQ(scenario.interval(rep, 80), std::pair(std::int64_t{100}, std::int64_t{900}));
  EXPECT_DOUBLE_EQ(scenario.mean(rep), 500);
  EXPECT_DOUBLE_EQ(scenario.probability_at_least(rep, 900), 2.0 / 11);
  EXPECT_DOUBLE_EQ(scenario.probability_at_least(rep, 1001), 0);
  const std::vector<double> levels{80, 97.5};
  const Table table = scenario.to_table(levels);
  EXPECT_EQ(table.num_rows(), 1U);
  EXPECT_TRUE(table.has("value_lo_80"));
  EXPECT_TRUE(table.has("value_hi_97.5"));
  EXPECT_EQ(table.column("value_lo_80").type(), Type::int64);
}

TEST(Scenario, RefusesWhatDoesNotAddUp) {
  const auto refused = [](auto spoil) {
    ScenarioData data = two_reps(2);
    spoil(data);
    EXPECT_THROW(Scenario{data}, UsageError);
  };
  refused([](ScenarioData& data) { data.values.pop_back(); });
  refused([](ScenarioData& data) { data.leaves[1] = data.leaves[0]; });
  refused([](ScenarioData& data) { data.periods[1].start.us -= 1; });
  refused([](ScenarioData& data) { data.periods[1].end = data.periods[1].start; });
  refused([](ScenarioData& data) { data.memberships[2].from = first_date; });
  refused([](ScenarioData& data) { data.memberships.push_back({company, {"team", "A"}}); });
  refused([](ScenarioData& data) { data.memberships.push_back({company, {"rep", "R1"}}); });
  const Scenario scenario(two_reps(2));
  EXPECT_THROW((void)scenario.values({"rep", "R9"}), UsageError);
  EXPECT_THROW((void)scenario.values(company, Interval{week(0).start, Instant{week(0).end.us - 1}}),
               UsageError);
  EXPECT_THROW((void)scenario.interval(company, 0.8), UsageError);
  EXPECT_THROW((void)scenario.quantile(company, 1.5), UsageError);
  EXPECT_THROW((void)Scenario().mean(company), UsageError);
}

TEST(Scenario, SaysWhenASumLeavesTheRange) {
  ScenarioData data;
  data.leaves = {{"rep", "R1"}};
  data.periods = {week(0), week(1)};
  data.draws = 1;
  data.values = {std::numeric_limits<std::int64_t>::max(), 1};
  const Scenario scenario(data);
  EXPECT_THROW((void)scenario.values({"rep", "R1"}), UsageError);
  EXPECT_EQ(scenario.values({"rep", "R1"}, week(1)).front(), 1);
}

}  // namespace
