#include <gtest/gtest.h>

#include "salesops/kpi.hpp"

using namespace salesops;

namespace {

using Texts = std::vector<std::optional<std::string>>;

Column texts(const Texts& values) { return Column::of_strings(values); }

/// Six leads: three convert after 2, 10 and 40 days, one is disqualified on day 5, one merged, one open.
Crm six_leads() {
  return Crm::build(
      {{"lead",
        Table({{"lead_id", texts({"a", "b", "c", "d", "e", "f"})},
               {"created_at",
                texts({"2026-01-01", "2026-01-01", "2026-02-01", "2026-01-01", "2026-01-01", "2026-02-20"})},
               {"converted_at",
                texts({"2026-01-03", "2026-01-11", "2026-03-13", std::nullopt, "2026-01-02", std::nullopt})},
               {"disqualified_at",
                texts({std::nullopt, std::nullopt, std::nullopt, "2026-01-06", std::nullopt, std::nullopt})},
               {"merged_into",
                texts({std::nullopt, std::nullopt, std::nullopt, std::nullopt, "a", std::nullopt})},
               {"source", texts({"web", "web", "fair", "fair", "web", std::nullopt})}})}});
}

TEST(LeadConversion, LeavesMergedLeadsOutAndCountsThem) {
  const auto metric = kpi::lead_conversion(six_leads()).single();
  EXPECT_EQ(metric.numerator, 3);
  EXPECT_EQ(metric.denominator, 5);
  EXPECT_EQ(metric.excluded, (std::map<std::string, std::int64_t>{{"merged", 1}}));
}

TEST(LeadConversion, ByWindowIsOfLeadsThatAreOldEnough) {
  kpi::Options options;
  options.mode = kpi::Mode::window_cohort;
  options.window_days = 30;
  const auto metric = kpi::lead_conversion(six_leads(), options).single();
  EXPECT_EQ(metric.numerator, 2);
  EXPECT_EQ(metric.denominator, 4);
  EXPECT_EQ(metric.excluded.at("younger_than_window"), 1);
}

TEST(LeadConversion, BySurvivalMultipliesTheSteps) {
  // By hand, five leads at risk: day 1 one of 5 converts (as the one merged into it says, a day before its
  // own record), day 5 one of 4 is lost, day 10 one of 3 converts: 1/5 + 4/5 · 3/4 · 1/3 = 2/5. Day 40: the
  // open lead left on day 21, so the last one of 1 converts: 4/5.
  kpi::Options options;
  options.mode = kpi::Mode::survival;
  for (const auto& [days, share] :
       std::vector<std::pair<int, double>>{{1, 0.2}, {9, 0.2}, {10, 0.4}, {40, 0.8}}) {
    options.window_days = days;
    const auto metric = kpi::lead_conversion(six_leads(), options).single();
    EXPECT_NEAR(metric.value.value_or(-1), share, 1e-12) << days;
    EXPECT_EQ(metric.n, 5);
    EXPECT_EQ(metric.censored, 1);
  }
}

TEST(LeadConversion, ByPeriodMixesCohortsAndSaysSo) {
  kpi::Options options;
  options.mode = kpi::Mode::closed_in_period;
  options.period = "2026-03";
  auto result = kpi::lead_conversion(six_leads(), options);
  EXPECT_FALSE(result.single().value);
  EXPECT_EQ(result.single().numerator, 1);
  EXPECT_EQ(result.warnings.size(), 1U);
  options.period = "2026-01";
  EXPECT_EQ(*kpi::lead_conversion(six_leads(), options).single().value, 2.0 / 3.0);
  options.mode = kpi::Mode::snapshot;
  EXPECT_THROW(kpi::lead_conversion(six_leads(), options), UsageError);
}

TEST(LeadConversion, KnowsNothingOfLaterConversions) {
  kpi::Options options;
  options.as_of = Instant::parse("2026-01-05");
  const auto metric = kpi::lead_conversion(six_leads(), options).single();
  EXPECT_EQ(metric.numerator, 1);
  EXPECT_EQ(metric.denominator, 3);
}

TEST(LeadResponse, ATouchBeforeRoutingAnswersAtOnce) {
  const Crm crm =
      Crm::build({{"lead", Table({{"lead_id", texts({"l"})},
                                  {"created_at", texts({"2026-03-02T09:00:00"})},
                                  {"available_at", texts({"2026-03-02T10:00:00"})}})},
                  {"activity", Table({{"activity_id", texts({"1", "2"})},
                                      {"lead_id", texts({"l", "l"})},
                                      {"at", texts({"2026-03-02T09:30:00", "2026-03-02T15:00:00"})},
                                      {"type", texts({"call", "call"})}})}});
  const auto metric = kpi::lead_response_time(crm).single();
  EXPECT_EQ(metric.n, 1);
  EXPECT_EQ(metric.censored, 0);
  EXPECT_DOUBLE_EQ(metric.details.at("naive_mean"), 0);
}

/// Answered after 10 and 90 minutes, never, by a robot alone, and touched before it existed.
Crm answers() {
  const auto call = [](const char* time) { return std::string("2026-03-02T") + time; };
  return Crm::build(
      {{"lead", Table({{"lead_id", texts({"fast", "slow", "never", "robot", "early"})},
                       {"created_at", texts(Texts(5, "2026-03-02T09:00:00"))},
                       {"available_at", texts({std::nullopt, "2026-03-02T10:00:00", std::nullopt,
                                               std::nullopt, std::nullopt})},
                       {"converted_at",
                        texts({"2026-03-04", std::nullopt, std::nullopt, "2026-03-05", std::nullopt})}})},
       {"activity",
        Table({{"activity_id", texts({"1", "2", "3", "4", "5", "6"})},
               {"lead_id", texts({"fast", "slow", "never", "robot", "early", "fast"})},
               {"at", texts({call("09:10:00"), call("11:30:00"), call("09:01:00"), call("09:01:00"),
                             call("08:59:00"), call("15:00:00")})},
               {"type", texts({"call", "email", "note", "email", "call", "call"})},
               {"direction", texts({"out", "out", "out", "out", "out", "out"})},
               {"is_automated", texts({"false", "false", "false", "true", "false", "false"})}})}});
}

TEST(LeadResponse, CountsPeopleOnlyFromWhenTheLeadWasAvailable) {
  const auto metric = kpi::lead_response_time(answers()).single();
  EXPECT_EQ(metric.n, 4);
  EXPECT_EQ(metric.censored, 2);
  EXPECT_EQ(metric.excluded.at("touched_before_created"), 1);
  EXPECT_DOUBLE_EQ(*metric.value, 0.25);
  EXPECT_DOUBLE_EQ(metric.details.at("naive_mean"), 50);
  EXPECT_DOUBLE_EQ(metric.details.at("median"), 90);
  EXPECT_DOUBLE_EQ(metric.details.at("never"), 0.5);
  EXPECT_FALSE(metric.details.contains("p90"));
}

/// One lead, created at half past midnight in UTC and called at 18:00, of an owner in Los Angeles.
Crm after_hours(const std::optional<std::string>& reassigned = {},
                const std::optional<std::string>& week = {}, const std::optional<std::string>& holiday = {}) {
  return Crm::build({{"lead", Table({{"lead_id", texts({"l"})},
                                     {"created_at", texts({"2024-01-02T00:30:00"})},
                                     {"reassigned_at", texts({reassigned})},
                                     {"owner_id", texts({"r"})}})},
                     {"rep", Table({{"rep_id", texts({"r"})},
                                    {"time_zone", texts({"America/Los_Angeles"})},
                                    {"calendar_id", texts({"west"})}})},
                     {"calendar", Table({{"calendar_id", texts({"west"})},
                                         {"zone", texts({"America/Los_Angeles"})},
                                         {"hours", texts({week})}})},
                     {"calendar_holiday", Table({{"calendar_id", texts({"west"})},
                                                 {"date", texts({"2024-01-01"})},
                                                 {"hours", texts({holiday})}})},
                     {"activity", Table({{"activity_id", texts({"1"})},
                                         {"lead_id", texts({"l"})},
                                         {"at", texts({"2024-01-02T18:00:00"})},
                                         {"type", texts({"call"})}})}});
}

TEST(LeadResponse, ReadsHoursOnTheClockOfTheOwner) {
  kpi::Options options;
  options.hours = BusinessHours();
  const auto minutes = [&](const Crm& crm) {
    return kpi::lead_response_time(crm, options).single().details.at("naive_mean");
  };
  EXPECT_DOUBLE_EQ(minutes(after_hours()), 480);
  options.hours_of = "owner.time_zone";
  EXPECT_DOUBLE_EQ(minutes(after_hours()), 90);
  options.hours_of = "owner.calendar_id";
  EXPECT_DOUBLE_EQ(minutes(after_hours()), 60);
  options.zones["America/Los_Angeles"] = TimeZone();
  EXPECT_DOUBLE_EQ(minutes(after_hours()), 480);
}

TEST(LeadResponse, ReadsTheHoursOfACalendar) {
  kpi::Options options;
  options.hours = BusinessHours();
  options.hours_of = "owner.calendar_id";
  const auto asked = [&](std::optional<std::string> week, std::optional<std::string> holiday) {
    return kpi::lead_response_time(after_hours({}, std::move(week), std::move(holiday)), options).single();
  };
  const auto minutes = [&](auto... hours) { return asked(hours...).details.at("naive_mean"); };
  // Created on Monday at 16:30 in Los Angeles, a holiday, called on Tuesday at 10:00.
  EXPECT_DOUBLE_EQ(minutes("Mo-Fr 08:00-12:00; Tu 07:00-12:00", std::nullopt), 180);
  EXPECT_DOUBLE_EQ(minutes("Mo-Fr 08:00-12:00", "16:00-17:00"), 150);
  EXPECT_DOUBLE_EQ(minutes(std::nullopt, "16:00-17:00"), 90);
  const auto unread = asked("from nine to five", std::nullopt);
  EXPECT_EQ(unread.n, 0);
  EXPECT_EQ(unread.excluded.at("unknown_zone"), 1);
  const auto book = after_hours({}, "from nine to five", "25:00-26:00");
  EXPECT_EQ(book.issues().count("calendar", "hours", "unreadable_hours"), 1);
  EXPECT_EQ(book.issues().count("calendar_holiday", "hours", "unreadable_hours"), 1);
}

TEST(LeadResponse, MayStartAnewWhenALeadChangesHands) {
  kpi::Options options;
  const auto minutes = [&](const char* reassigned) {
    return kpi::lead_response_time(after_hours(reassigned), options).single().details.at("naive_mean");
  };
  EXPECT_DOUBLE_EQ(minutes("2024-01-02T17:00:00"), 17.5 * 60);
  options.clock = kpi::Clock::reassigned;
  EXPECT_DOUBLE_EQ(minutes("2024-01-02T17:00:00"), 60);
  // It was answered before.
  EXPECT_DOUBLE_EQ(minutes("2024-01-02T19:00:00"), 17.5 * 60);
}

TEST(SlaCompliance, HoldsALeadWhoseTimeHasRunOutForMissed) {
  kpi::Options options;
  EXPECT_DOUBLE_EQ(*kpi::sla_compliance(answers(), options).single().value, 0.25);
  // At 09:30 only the fast lead is answered, and nobody's hour is over.
  options.as_of = Instant::parse("2026-03-02T09:30:00");
  const auto then = kpi::sla_compliance(answers(), options).single();
  EXPECT_EQ(then.numerator, 1);
  EXPECT_EQ(then.denominator, 1);
  EXPECT_EQ(then.censored, 3);
}

TEST(ResponseBands, PutEachLeadInOneBand) {
  const auto result = kpi::response_bands(answers());
  ASSERT_EQ(result.metrics.size(), 6U);
  EXPECT_EQ(result.by, std::vector<std::string>{"band"});
  const std::vector<std::pair<double, double>> expected{{0, 0}, {1, 1}, {0, 0}, {0, 1}, {0, 0}, {1, 2}};
  for (std::size_t band = 0; band < expected.size(); ++band) {
    EXPECT_EQ(result.metrics[band].numerator, expected[band].first) << band;
    EXPECT_EQ(result.metrics[band].denominator, expected[band].second) << band;
  }
  EXPECT_FALSE(result.metrics[0].value);
}

TEST(Funnel, PassesStepsThatWereSkipped) {
  // One only a lead, one an MQL, one at once an SQL, one with an open deal, one with a deal won.
  const Crm crm = Crm::build(
      {{"lead",
        Table(
            {{"lead_id", texts({"1", "2", "3", "4", "5"})},
             {"created_at", texts(Texts(5, "2026-01-01"))},
             {"mql_at", texts({std::nullopt, "2026-01-02", std::nullopt, std::nullopt, "2026-01-02"})},
             {"qualified_at", texts({std::nullopt, std::nullopt, "2026-01-03", std::nullopt, std::nullopt})},
             {"converted_opportunity_id", texts({std::nullopt, std::nullopt, std::nullopt, "open", "won"})},
             {"converted_at",
              texts({std::nullopt, std::nullopt, std::nullopt, "2026-01-04", "2026-01-04"})}})},
       {"opportunity", Table({{"opportunity_id", texts({"open", "won"})},
                              {"created_at", texts({"2026-01-04", "2026-01-04"})},
                              {"closed_at", texts({std::nullopt, "2026-02-01"})},
                              {"is_won", texts({std::nullopt, "true"})}})}});
  const auto result = kpi::funnel(crm);
  const std::vector<std::pair<std::string, double>> expected{
      {"lead", 5}, {"mql", 4}, {"sql", 3}, {"opportunity", 2}, {"won", 1}};
  ASSERT_EQ(result.metrics.size(), expected.size());
  double before = 5;
  for (std::size_t step = 0; step < expected.size(); ++step) {
    const auto& metric = result.metrics[step];
    EXPECT_EQ(metric.keys.front(), expected[step].first);
    EXPECT_EQ(metric.numerator, expected[step].second);
    EXPECT_DOUBLE_EQ(*metric.value, expected[step].second / before);
    EXPECT_DOUBLE_EQ(metric.details.at("cumulative"), expected[step].second / 5);
    before = expected[step].second;
  }
}

TEST(Activity, CountsWhatPeopleDid) {
  kpi::Options options;
  const auto metric = kpi::activity(answers(), options).single();
  EXPECT_EQ(*metric.value, 5);
  EXPECT_EQ(metric.details.at("calls"), 3);
  EXPECT_EQ(metric.details.at("emails"), 1);
  EXPECT_EQ(metric.excluded.at("automated"), 1);
  EXPECT_TRUE(metric.rows.empty());
  options.period = "2025";
  EXPECT_FALSE(kpi::activity(answers(), options).single().value);
}

TEST(LeadKpis, NameTheTableThatIsMissing) {
  const Crm crm = Crm::build({{"product", Table({{"product_id", texts({"p"})}})}});
  for (const auto function : {&kpi::lead_conversion, &kpi::lead_response_time, &kpi::sla_compliance,
                              &kpi::response_bands, &kpi::funnel, &kpi::activity, &kpi::win_rate})
    EXPECT_THROW(function(crm, {}), UsageError);
}

}  // namespace
