// Where one thing meets another: versions and trials, ends and rates, short months, grace and what is known.
#include <cmath>
#include <tuple>

#include "subscription_rows.hpp"

using namespace subscription_test;
using subscription::Billing;

namespace {

Table rates(const std::vector<std::tuple<const char*, const char*, double>>& rows) {
  std::vector<std::int32_t> days;
  std::vector<std::string> from;
  std::vector<double> rate;
  for (const auto& [date, code, value] : rows) {
    days.push_back(day(date).days);
    from.emplace_back(code);
    rate.push_back(value);
  }
  return Table({{"date", Column::of(Type::date, days)},
                {"from", Column::of_strings(from)},
                {"to", Column::of_strings(std::vector<std::string>(rows.size(), "EUR"))},
                {"rate", Column::of(Type::float64, rate)}});
}

std::vector<std::int64_t> flat(std::size_t periods, std::int64_t amount) {
  return std::vector<std::int64_t>(periods, amount);
}

}  // namespace

// ---- versions ----

TEST(SubscriptionVersions, WhatIsFreeEndsWhatWasPaid) {
  const std::vector<Row> rows{
      {.customer = 1, .start = "2026-01-01", .amount = 100, .subscription = "s"},
      {.customer = 1, .start = "2026-03-01", .end = "2026-05-01", .amount = 0, .subscription = "s"}};
  EXPECT_EQ(movements(rows, "2026-05-01").end, (std::vector<std::int64_t>{10000, 10000, 0, 0}));
  EXPECT_EQ(story(movements(rows, "2026-05-01")), "2026-01 new 100.00, 2026-03 churn -100.00");
  // Over itself, the version before holds again.
  EXPECT_EQ(movements(rows, "2026-06-01").end, (std::vector<std::int64_t>{10000, 10000, 0, 0, 10000}));
  subscription::Options sum;
  sum.overlaps = subscription::Overlaps::sum;
  EXPECT_EQ(movements(rows, "2026-05-01", sum).end, flat(4, 10000));
}

TEST(SubscriptionVersions, OfThoseThatBeginTogetherTheOneThatIsPaidHolds) {
  const std::vector<Row> rows{
      {.customer = 1, .start = "2026-01-01", .end = "2026-03-01", .amount = 100, .subscription = "s"},
      {.customer = 1, .start = "2026-01-01", .amount = 0, .subscription = "s"}};
  EXPECT_EQ(movements(rows, "2026-04-01").end, (std::vector<std::int64_t>{10000, 10000, 0}));
}

TEST(SubscriptionVersions, WhoIsInTrialOfAnotherVersionPaysNothingYet) {
  const auto made_of = [](const char* trial_end, const char* end, const char* as_of) {
    Table table(
        {{"customer", Column::of(Type::int64, std::vector<std::int64_t>{1, 1})},
         {"subscription", Column::of_strings(std::vector<std::string>{"s", "s"})},
         {"start", Column::of_strings(std::vector<std::string>{"2026-01-01", "2026-03-01"})},
         {"end", Column::of_strings(std::vector<std::optional<std::string>>{
                     std::nullopt, *end == 0 ? std::nullopt : std::optional<std::string>(end)})},
         {"trial_end", Column::of_strings(std::vector<std::optional<std::string>>{std::nullopt, trial_end})},
         {"amount", Column::of(Type::float64, std::vector<double>{100, 120})}});
    subscription::Columns columns = columns_of(table);
    columns.trial_end = "trial_end";
    subscription::Options options;
    options.as_of = at(as_of);
    return subscription::movements(table, columns, options);
  };
  const auto made = made_of("2026-04-01", "", "2026-05-01");
  EXPECT_EQ(story(made), "2026-01 new 100.00, 2026-03 churn -100.00, 2026-04 reactivation 120.00");
  // As known in March, the trial is all there is.
  const auto march = made_of("2026-04-01", "", "2026-03-20");
  EXPECT_EQ(march.end, (std::vector<std::int64_t>{10000, 10000, 0}));
  EXPECT_EQ(march.issues.count("starts_later"), 1);
  // Given up before it was paid, it still stood in the place of the version before.
  const auto given_up = made_of("2026-05-01", "2026-04-15", "2026-06-01");
  EXPECT_EQ(given_up.end, (std::vector<std::int64_t>{10000, 10000, 0, 10000, 10000}));
  EXPECT_EQ(given_up.issues.count("no_revenue"), 1);
}

// ---- rates ----

TEST(SubscriptionRates, RetentionTakesTheRateOfTheLaterPeriod) {
  const Table table =
      table_of({{.customer = 1, .start = "2026-01-01", .end = "2026-02-15", .amount = 100, .currency = "USD"},
                {.customer = 2, .start = "2026-01-01", .amount = 100, .currency = "EUR"}});
  subscription::RetentionOptions options;
  options.over = 2;
  options.options.as_of = at("2026-04-01");
  options.options.to = "EUR";
  options.options.rates =
      rates({{"2026-01-31", "USD", 1}, {"2026-02-28", "USD", 1}, {"2026-03-31", "USD", .5}});
  const auto made = subscription::retention(table, columns_of(table), options);
  EXPECT_EQ(made.start, flat(1, 15000));
  EXPECT_DOUBLE_EQ(made.nrr.front().value, 100.0 / 150);

  options.options.rates = rates({{"2026-02-28", "USD", 1}, {"2026-01-31", "USD", 1}});
  options.options.convert.max_age = 20;
  EXPECT_THROW((void)subscription::retention(table, columns_of(table), options), UsageError);
  options.over = 1;  // nobody paid dollars at the end of February
  EXPECT_EQ(subscription::retention(table, columns_of(table), options).start,
            (std::vector<std::int64_t>{20000, 10000}));
  options.over = 2;
  options.options.convert.missing = salesops::NoRate::null;
  const auto without = subscription::retention(table, columns_of(table), options);
  EXPECT_EQ(without.start, flat(1, 10000));
  EXPECT_EQ(without.issues.count("no_rate"), 1);
}

TEST(SubscriptionRates, WhatRunsOnWithinTheGraceIsRevaluedToo) {
  const std::vector<Row> rows{
      {.customer = 1, .start = "2026-01-01", .end = "2026-02-26", .amount = 100, .currency = "USD"},
      {.customer = 1, .start = "2026-03-02", .amount = 100, .currency = "EUR"}};
  subscription::Options options;
  options.to = "EUR";
  options.rates = rates({{"2026-01-31", "USD", 1}, {"2026-02-28", "USD", 1}, {"2026-03-31", "USD", .5}});
  options.grace_us = 14 * salesops::us_per_day;
  const auto made = movements(rows, "2026-04-01", options);
  EXPECT_EQ(story(made), "2026-01 new 100.00, 2026-03 expansion 50.00, 2026-03 fx -50.00");
  expect_conserved(made);
}

TEST(SubscriptionRates, ARenewalInAnotherCurrencyIsConvertedWhereTheOldOneEnds) {
  const Table table =
      table_of({{.customer = 1, .start = "2025-02-11", .end = "2026-02-11", .amount = 100, .currency = "EUR"},
                {.customer = 1, .start = "2026-03-05", .amount = 100, .currency = "USD"}});
  subscription::RenewalOptions options;
  options.options.as_of = at("2026-06-01");
  options.options.to = "EUR";
  options.options.rates = rates({{"2026-02-28", "USD", .5},
                                 {"2026-03-31", "USD", .8},
                                 {"2026-04-30", "USD", .8},
                                 {"2026-05-31", "USD", .8}});
  const auto made = subscription::renewals(State::partial(table, columns_of(table)), options);
  EXPECT_EQ(made.booked[12], 5000);
}

// ---- months ----

TEST(SubscriptionMonths, AreWholeFromAnyDayOfTheMonth) {
  using subscription::months_between;
  for (const auto& [start, end, months] : std::vector<std::tuple<const char*, const char*, const char*>>{
           {"2026-01-30", "2026-02-28", "1"},
           {"2026-02-28", "2026-03-30", "1"},
           {"2025-11-30", "2026-02-28", "3"},
           {"2024-02-29", "2025-02-28", "12"},
           {"2024-02-29", "2025-03-01", "12"},  // to the end of 28 February
           {"2026-01-31", "2026-03-01", "1"},
           {"2026-08-31", "2026-12-01", "3"},
           {"2026-01-28", "2026-03-01", "384/365"},
           {"2025-02-28", "2026-03-01", "4392/365"},
           {"2026-01-30", "2026-02-27", "336/365"},
           {"2026-02-28", "2026-03-01", "12/365"}})
    EXPECT_EQ(months_between(day(start), day(end)).to_string(), months) << start << ' ' << end;
}

TEST(SubscriptionMonths, FlatBillingFromAnyDayIsFlatRevenue) {
  for (const int step : {1, 3, 6, 12})
    for (int offset = 0; offset < 366; ++offset) {
      const Date anchor = Date::from_ymd(2019, 12, 1) + offset;
      std::vector<Row> rows;
      for (int month = 0; month < 120; month += step)
        rows.push_back({.customer = 1,
                        .start = anchor.add_months(month).to_string(),
                        .end = anchor.add_months(month + step).to_string(),
                        .amount = 100.0 * step});
      const Table table = table_of(rows);
      subscription::Columns columns = columns_of(table);
      columns.charges = true;
      subscription::Options options;
      const auto last = anchor.add_months(119).ymd();
      options.as_of = at(Date::from_ymd(last.year, last.month, 1).to_string().c_str());
      const auto made = subscription::movements(table, columns, options);
      ASSERT_EQ(made.end, flat(119, 10000)) << anchor.to_string() << ' ' << step;
    }
}

TEST(SubscriptionMonths, AYearFromALeapDayIsAYear) {
  const Table table = table_of({{.customer = 1, .start = "2024-02-29", .end = "2025-02-28", .amount = 12}});
  subscription::ContractColumns columns{.columns = columns_of(table)};
  columns.columns.charges = true;
  for (const bool included : {false, true}) {
    columns.columns.end_included = included;
    const auto made = subscription::contract_values(table, columns);
    EXPECT_EQ(made.acv, flat(1, 1200)) << included;
    EXPECT_EQ(made.first_year, flat(1, 1200)) << included;
    EXPECT_DOUBLE_EQ(made.years.front(), 1) << included;
  }
}

// ---- what is known ----

TEST(SubscriptionKnown, WhoMayComeBackWithinTheGraceIsPending) {
  const std::vector<Row> rows{{.customer = 1, .start = "2025-12-05", .end = "2026-01-20", .amount = 100},
                              {.customer = 1, .start = "2026-02-02", .amount = 100},
                              {.customer = 2, .start = "2025-12-05", .amount = 100}};
  subscription::Options options;
  options.grace_us = 14 * salesops::us_per_day;
  const auto early = movements(rows, "2026-02-01", options);
  EXPECT_EQ(early.state, (std::vector<PeriodState>{PeriodState::complete, PeriodState::pending}));
  EXPECT_EQ(early.issues.count("may_come_back"), 1);
  const auto later = movements(rows, "2026-02-10", options);
  EXPECT_EQ(total(later, Movement::churn), 0);
  EXPECT_EQ(later.state[1], PeriodState::complete);
  EXPECT_EQ(later.issues.count("may_come_back"), 0);

  const Table table = table_of(rows);
  subscription::RetentionOptions how;
  how.options = options;
  how.options.as_of = at("2026-02-01");
  how.over = 1;
  const auto kept = subscription::retention(table, columns_of(table), how);
  EXPECT_EQ(kept.state.front(), PeriodState::pending);
  EXPECT_TRUE(std::isnan(kept.logo_churn.front().value));
  EXPECT_TRUE(std::isnan(kept.nrr.front().value));
  EXPECT_TRUE(std::isnan(kept.grr_chained.front()));
}

TEST(SubscriptionKnown, CompletePeriodsStayAsTheyAre) {
  std::mt19937 random(5);
  const auto draw = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int round = 0; round < 60; ++round) {
    std::vector<Row> rows;
    for (std::int64_t customer = 0; customer < 6; ++customer) {
      Date begin = Date::from_ymd(2026, 1, 1) + draw(0, 40);
      for (int term = 0; term < 6; ++term) {
        const Date end = begin + draw(5, 60);
        rows.push_back(
            {.customer = customer, .start = begin.to_string(), .end = end.to_string(), .amount = 10});
        begin = end + draw(0, 50);
      }
    }
    subscription::Options options;
    options.grace_us = draw(0, 45) * salesops::us_per_day;
    const auto all = movements(rows, "2027-06-01", options);
    for (int days = 40; days < 300; days += 13) {
      const auto then = movements(rows, (Date::from_ymd(2026, 1, 1) + days).to_string().c_str(), options);
      for (std::size_t period = 0; period < then.size(); ++period) {
        if (then.state[period] != PeriodState::complete) continue;
        EXPECT_EQ(then.end[period], all.end[period]) << round << ' ' << days;
        EXPECT_EQ(then.of(Movement::churn)[period], all.of(Movement::churn)[period]) << round << ' ' << days;
      }
    }
  }
}

TEST(SubscriptionKnown, EndsBeforeAFewLateStartsMayBePlanned) {
  std::vector<Row> rows;
  for (int month = 0; month < 12; ++month)
    rows.push_back({.customer = month,
                    .start = Date::from_ymd(2025, 5, 1).add_months(month).to_string(),
                    .end = month == 3 ? "2027-01-01" : "",
                    .amount = 10});
  EXPECT_EQ(movements(rows).as_of.us, at("2026-04-02").us);
  EXPECT_EQ(movements(rows).issues.count("perhaps_planned"), 0);
  rows.push_back({.customer = 99, .start = "2027-05-01", .amount = 10});
  const auto planned = movements(rows);
  EXPECT_EQ(planned.as_of.us, at("2027-05-02").us);
  EXPECT_EQ(planned.issues.count("perhaps_planned"), 1);
  EXPECT_EQ(movements(rows, "2027-05-02").issues.count("perhaps_planned"), 0);
  // What lies years after the rest is not what is known.
  rows.back().start = "2027-06-01";
  const auto far = movements(rows);
  EXPECT_EQ(far.as_of.us, at("2026-04-02").us);
  EXPECT_EQ(far.issues.count("long_after_the_rest"), 1);
  EXPECT_EQ(far.issues.count("starts_later"), 1);
  EXPECT_EQ(total(far, Movement::churn), 0);
  rows.erase(rows.begin(), rows.begin() + 4);  // of nine rows none is the rest
  EXPECT_EQ(movements(rows).as_of.us, at("2027-06-02").us);
}

TEST(SubscriptionKnown, LogosAreCountedAtBothEnds) {
  const Table table = table_of({{.customer = 1, .start = "2026-01-01", .end = "2026-02-10", .amount = 10},
                                {.customer = 1, .start = "2026-03-05", .amount = 10},
                                {.customer = 2, .start = "2026-01-01", .amount = 30}});
  subscription::RetentionOptions options;
  options.over = 2;
  options.options.as_of = at("2026-04-01");
  for (const bool back : {false, true}) {
    options.reactivation = back;
    const auto made = subscription::retention(table, columns_of(table), options);
    EXPECT_EQ(made.logo_churn.front().value, 0);
    EXPECT_EQ(made.kept.front(), 2);
    EXPECT_DOUBLE_EQ(made.nrr.front().value, back ? 1 : 0.75);
  }
}
