#include <cmath>

#include "subscription_rows.hpp"

using namespace subscription_test;
using subscription::Billing;

// ---- terms ----

TEST(SubscriptionTerms, PricesBecomeMonthlyByExactFractions) {
  using subscription::per_month;
  EXPECT_EQ(per_month(Billing::month).to_string(), "1");
  EXPECT_EQ(per_month(Billing::month, 6).to_string(), "1/6");
  EXPECT_EQ(per_month(Billing::quarter).to_string(), "1/3");
  EXPECT_EQ(per_month(Billing::half).to_string(), "1/6");
  EXPECT_EQ(per_month(Billing::year, 3).to_string(), "1/36");
  EXPECT_EQ(per_month(Billing::week).to_string(), "13/3");  // 52 / 12
  EXPECT_EQ(per_month(Billing::day).to_string(), "365/12");
  EXPECT_EQ(per_month(Billing::day, 30).to_string(), "73/72");
  EXPECT_THROW((void)per_month(Billing::month, 0), UsageError);
}

TEST(SubscriptionTerms, IntervalsAreReadAsTheyAreWritten) {
  EXPECT_EQ(subscription::billing_of("Annual"), Billing::year);
  EXPECT_EQ(subscription::billing_of("MONTHLY"), Billing::month);
  EXPECT_EQ(subscription::billing_of("quarter"), Billing::quarter);
  EXPECT_EQ(subscription::billing_of("fortnight"), std::nullopt);
  EXPECT_EQ(subscription::billing_of(""), std::nullopt);
}

TEST(SubscriptionTerms, MonthsOfATerm) {
  using subscription::months_between;
  EXPECT_EQ(months_between(day("2026-01-15"), day("2026-04-15")).to_string(), "3");
  EXPECT_EQ(months_between(day("2026-01-31"), day("2026-02-28")).to_string(), "1");
  EXPECT_EQ(months_between(day("2026-01-01"), day("2026-01-11")).to_string(), "24/73");
  EXPECT_THROW((void)months_between(day("2026-01-01"), day("2026-01-01")), UsageError);
  EXPECT_EQ(subscription::after(day("2026-01-31"), Billing::month), day("2026-02-28"));
  EXPECT_EQ(subscription::after(day("2026-01-31"), Billing::week, 2), day("2026-02-14"));
}

// ---- what a row brings ----

namespace {

std::int64_t mrr_of(Row row) {
  row.start = "2026-01-01";
  const auto made = movements({row});
  return made.end.empty() ? 0 : made.end.back();
}

}  // namespace

TEST(SubscriptionRevenue, PriceQuantityAndIntervalAreRoundedOnce) {
  EXPECT_EQ(mrr_of({.amount = 99, .quantity = 50}), 495000);
  EXPECT_EQ(mrr_of({.amount = 1200, .quantity = 20, .interval = "year"}), 200000);
  EXPECT_EQ(mrr_of({.amount = 10, .interval = "week"}), 4333);  // 43.333…
  EXPECT_EQ(mrr_of({.amount = 1, .interval = "day"}), 3042);    // 30.41666…
  EXPECT_EQ(mrr_of({.amount = 100, .interval = "quarter"}), 3333);
  // A third of a cent a unit is not lost before it is multiplied.
  EXPECT_EQ(mrr_of({.amount = 0.0033, .quantity = 10000}), 3300);
  EXPECT_EQ(mrr_of({.amount = 0.125, .quantity = 1.2}), 15);
  EXPECT_EQ(mrr_of({.amount = 1000, .currency = "JPY"}), 1000);
}

TEST(SubscriptionRevenue, DiscountsTrialsAndCountsOfIntervals) {
  const Table table({{"customer", Column::of(Type::int64, std::vector<std::int64_t>{1, 2, 3, 4})},
                     {"start", Column::of_strings(std::vector<std::string>{"2026-01-10", "2026-01-10",
                                                                           "2026-01-10", "2026-01-10"})},
                     {"trial_end", Column::of_strings(std::vector<std::optional<std::string>>{
                                       "2026-02-09", std::nullopt, std::nullopt, " "})},
                     {"amount", Column::of(Type::float64, std::vector<double>{30, 30, 600, 30})},
                     {"off", Column::of(Type::float64, std::vector<double>{0, 4.5, 0, 30})},
                     {"every", Column::of(Type::int64, std::vector<std::int64_t>{1, 1, 6, 1})}});
  subscription::Columns columns;
  columns.trial_end = "trial_end";
  columns.discount = "off";
  columns.billing_count = "every";
  columns.currency = "EUR";
  subscription::Options options;
  options.as_of = at("2026-03-01");
  const auto made = subscription::movements(table, columns, options);
  EXPECT_EQ(made.end, (std::vector<std::int64_t>{2550 + 10000, 3000 + 2550 + 10000}));
  EXPECT_EQ(made.active, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(made.issues.count("no_revenue"), 1);  // all of it is discounted
  EXPECT_EQ(story(made), "2026-01 new 125.50, 2026-02 new 30.00");
}

TEST(SubscriptionRevenue, InvoiceLinesAreForTheirOwnTime) {
  const Table table = table_of({{.customer = 1, .start = "2026-01-15", .end = "2026-04-15", .amount = 300},
                                {.customer = 2, .start = "2026-01-01", .end = "2026-01-16", .amount = 50},
                                {.customer = 3, .start = "2026-01-01", .amount = 1200, .interval = "year"}});
  auto columns = columns_of(table);
  columns.charges = true;
  subscription::Options options;
  options.as_of = at("2027-03-01");
  const auto made = subscription::movements(table, columns, options);
  // 300 for three months; 50 for 15 days, all within January; 1200 until January comes again.
  EXPECT_EQ(made.end[0], 10000 + 10000);
  EXPECT_EQ(made.end[2], 10000 + 10000);
  EXPECT_EQ(made.end[3], 10000);
  EXPECT_EQ(made.end[11], 10000);
  EXPECT_EQ(made.end[12], 0);
  EXPECT_EQ(made.issues.count("within_period"), 1);
}

TEST(SubscriptionRevenue, EndsThatAreLastDays) {
  const Table table = table_of({{.customer = 1, .start = "2026-01-01", .end = "2026-01-31", .amount = 10}});
  auto columns = columns_of(table);
  subscription::Options options;
  options.as_of = at("2026-03-01");
  EXPECT_EQ(subscription::movements(table, columns, options).end, (std::vector<std::int64_t>{0, 0}));
  columns.end_included = true;
  EXPECT_EQ(subscription::movements(table, columns, options).end, (std::vector<std::int64_t>{1000, 0}));
}

TEST(SubscriptionRevenue, DaysAreThoseOfTheZone) {
  const Table table(
      {{"customer", Column::of(Type::int64, std::vector<std::int64_t>{1})},
       {"start", Column::of(Type::timestamp, std::vector<std::int64_t>{at("2026-02-01T03:00:00Z").us})},
       {"amount", Column::of(Type::money, std::vector<std::int64_t>{500}).with_currency("EUR")}});
  EXPECT_EQ(subscription::movements(table).periods.front(), "2026-02");
  subscription::Columns columns;
  columns.zone = TimeZone::load("America/New_York");
  const auto made = subscription::movements(table, columns);
  EXPECT_EQ(made.periods.front(), "2026-01");
  EXPECT_EQ(made.currency, "EUR");
  EXPECT_EQ(made.end.front(), 500);
}

// ---- movements ----

TEST(SubscriptionMovements, OrderThatLetsEveryKindBeReached) {
  const auto made = movements({{.customer = 1, .start = "2026-01-05", .end = "2026-02-10", .amount = 100},
                               {.customer = 1, .start = "2026-02-10", .end = "2026-03-10", .amount = 150},
                               {.customer = 1, .start = "2026-03-10", .end = "2026-04-10", .amount = 120},
                               {.customer = 1, .start = "2026-06-02", .amount = 80}},
                              "2026-07-01");
  EXPECT_EQ(story(made),
            "2026-01 new 100.00, 2026-02 expansion 50.00, 2026-03 contraction -30.00, 2026-04 churn -120.00, "
            "2026-06 reactivation 80.00");
  EXPECT_EQ(made.active, (std::vector<std::int64_t>{1, 1, 1, 0, 0, 1}));
  EXPECT_EQ(made.end, (std::vector<std::int64_t>{10000, 15000, 12000, 0, 0, 8000}));
  expect_conserved(made);
}

// recurly__monthly_recurring_revenue.sql asks for contraction before churn, for expansion before
// reactivation.
TEST(SubscriptionMovements, RecurlyADropToNothingIsChurnAndAReturnIsReactivation) {
  const auto made = movements({{.customer = 1, .start = "2026-01-01", .end = "2026-02-01", .amount = 40},
                               {.customer = 1, .start = "2026-03-01", .amount = 60}},
                              "2026-04-01");
  EXPECT_EQ(count(made, Movement::contraction), 0);
  EXPECT_EQ(count(made, Movement::expansion), 0);
  EXPECT_EQ(story(made), "2026-01 new 40.00, 2026-02 churn -40.00, 2026-03 reactivation 60.00");
}

// The same package has no row for a month without a charge, so its lag skips the gap.
TEST(SubscriptionMovements, RecurlyMonthsWithoutAChargeCountAsNothing) {
  const auto made = movements({{.customer = 1, .start = "2026-01-01", .end = "2026-02-01", .amount = 40},
                               {.customer = 1, .start = "2026-05-01", .end = "2026-06-01", .amount = 40},
                               {.customer = 2, .start = "2026-01-01", .amount = 1}},
                              "2026-06-01");
  EXPECT_EQ(made.periods.size(), 5U);
  EXPECT_EQ(made.end, (std::vector<std::int64_t>{4100, 100, 100, 100, 4100}));
  EXPECT_EQ(total(made, Movement::churn), -4000);
  EXPECT_EQ(total(made, Movement::reactivation), 4000);
}

// stripe__subscription_item_mrr_report.sql asks for expansion before reactivation.
TEST(SubscriptionMovements, StripeReactivationIsReached) {
  const auto made = movements({{.customer = 1, .start = "2026-01-01", .end = "2026-02-01", .amount = 40},
                               {.customer = 1, .start = "2026-04-01", .amount = 90}},
                              "2026-05-01");
  EXPECT_EQ(total(made, Movement::reactivation), 9000);
  EXPECT_EQ(total(made, Movement::expansion), 0);
}

// The same package lags within a price plan, so that a switch of plans reads as new.
TEST(SubscriptionMovements, StripeASwitchOfPlansExpands) {
  const std::vector<Row> rows{
      {.customer = 1,
       .start = "2026-01-01",
       .end = "2026-02-15",
       .amount = 40,
       .subscription = "s",
       .plan = "basic"},
      {.customer = 1, .start = "2026-02-15", .amount = 90, .subscription = "s", .plan = "pro"}};
  EXPECT_EQ(story(movements(rows, "2026-03-01")), "2026-01 new 40.00, 2026-02 expansion 50.00");
  const Table table = table_of(rows);
  auto columns = columns_of(table);
  columns.follow = Follow::subscription;
  EXPECT_EQ(story(subscription::movements(table, columns)), "2026-01 new 40.00, 2026-02 expansion 50.00");
}

TEST(SubscriptionMovements, AnEndWithAnotherSubscriptionIsContraction) {
  const std::vector<Row> rows{
      {.customer = 1, .start = "2026-01-01", .amount = 40, .subscription = "a"},
      {.customer = 1, .start = "2026-01-01", .end = "2026-02-10", .amount = 25, .subscription = "b"}};
  EXPECT_EQ(story(movements(rows, "2026-03-01")), "2026-01 new 65.00, 2026-02 contraction -25.00");
  const Table table = table_of(rows);
  auto columns = columns_of(table);
  columns.follow = Follow::subscription;
  subscription::Options options;
  options.as_of = at("2026-03-01");
  const auto made = subscription::movements(table, columns, options);
  EXPECT_EQ(story(made), "2026-01 new 65.00, 2026-02 churn -25.00");
  EXPECT_EQ(made.active, (std::vector<std::int64_t>{2, 1}));
}

TEST(SubscriptionMovements, PriceIsToldApartFromQuantity) {
  // Ten seats at 10; from February at 12; in March 15 seats; in April 5 seats at 11.
  const auto made =
      movements({{.customer = 1,
                  .start = "2026-01-01",
                  .end = "2026-02-01",
                  .amount = 10,
                  .subscription = "s",
                  .quantity = 10},
                 {.customer = 1,
                  .start = "2026-02-01",
                  .end = "2026-03-01",
                  .amount = 12,
                  .subscription = "s",
                  .quantity = 10},
                 {.customer = 1,
                  .start = "2026-03-01",
                  .end = "2026-04-01",
                  .amount = 12,
                  .subscription = "s",
                  .quantity = 15},
                 {.customer = 1, .start = "2026-04-01", .amount = 11, .subscription = "s", .quantity = 5}},
                "2026-05-01");
  EXPECT_EQ(story(made),
            "2026-01 new 100.00, 2026-02 price_up 20.00, 2026-03 expansion 60.00, "
            "2026-04 contraction -120.00, 2026-04 price_down -5.00");
  expect_conserved(made);
  // More seats at a lower price, at once: the price falls on the seats that were there.
  const auto both =
      movements({{.customer = 1,
                  .start = "2026-01-01",
                  .end = "2026-02-01",
                  .amount = 10,
                  .subscription = "s",
                  .quantity = 10},
                 {.customer = 1, .start = "2026-02-01", .amount = 8, .subscription = "s", .quantity = 30}});
  EXPECT_EQ(story(both), "2026-01 new 100.00, 2026-02 expansion 160.00, 2026-02 price_down -20.00");
}

TEST(SubscriptionMovements, AWindowFollowsChangesOneByOne) {
  const std::vector<Row> rows{
      {.customer = 1, .start = "2026-01-01T10:00:00Z", .end = "2026-01-20T10:00:00Z", .amount = 100},
      {.customer = 1, .start = "2026-01-20T10:45:00Z", .end = "2026-01-25T00:00:00Z", .amount = 160},
      {.customer = 1, .start = "2026-01-28T00:00:00Z", .amount = 160}};
  subscription::Options options;
  options.as_of = at("2026-02-01");
  EXPECT_EQ(story(movements(rows, nullptr, options)), "2026-01 new 160.00");
  options.window_us = 0;
  EXPECT_EQ(story(movements(rows, nullptr, options)),
            "2026-01 new 100.00, 2026-01 reactivation 320.00, 2026-01 churn -260.00");
  options.window_us = 3600 * salesops::us_per_second;
  EXPECT_EQ(
      story(movements(rows, nullptr, options)),
      "2026-01 new 100.00, 2026-01 reactivation 160.00, 2026-01 expansion 60.00, 2026-01 churn -160.00");
  options.window_us = 4 * salesops::us_per_day;
  EXPECT_EQ(story(movements(rows, nullptr, options)), "2026-01 new 100.00, 2026-01 expansion 60.00");
}

TEST(SubscriptionMovements, GraceBridgesLateRenewals) {
  const std::vector<Row> rows{{.customer = 1, .start = "2025-01-01", .end = "2026-01-30", .amount = 10},
                              {.customer = 1, .start = "2026-02-03", .amount = 12}};
  subscription::Options options;
  options.as_of = at("2026-03-01");
  options.calendar = {};
  EXPECT_EQ(total(movements(rows, nullptr, options), Movement::churn), -1000);
  options.grace_us = 4 * salesops::us_per_day;
  const auto made = movements(rows, nullptr, options);
  EXPECT_EQ(total(made, Movement::churn), 0);
  EXPECT_EQ(total(made, Movement::expansion), 200);
  EXPECT_EQ(made.issues.count("bridged"), 1);
  options.grace_us = 3 * salesops::us_per_day;
  EXPECT_EQ(total(movements(rows, nullptr, options), Movement::churn), -1000);
}

TEST(SubscriptionMovements, WhatOverlapsIsSettledAndCounted) {
  const std::vector<Row> rows{
      {.customer = 1, .start = "2026-01-01", .amount = 100, .subscription = "s"},
      {.customer = 1, .start = "2026-01-01", .amount = 100, .subscription = "s"},
      {.customer = 1, .start = "2026-02-01", .end = "2026-04-01", .amount = 60, .subscription = "s"},
      {.customer = 1, .start = "2026-01-01", .amount = 5, .subscription = "t"}};
  subscription::Options options;
  options.as_of = at("2026-05-01");
  const auto latest = movements(rows, nullptr, options);
  EXPECT_EQ(latest.end, (std::vector<std::int64_t>{10500, 6500, 6500, 10500}));
  EXPECT_EQ(latest.issues.count("duplicate"), 1);
  EXPECT_EQ(latest.issues.count("overlap"), 1);
  options.overlaps = subscription::Overlaps::sum;
  const auto sum = movements(rows, nullptr, options);
  EXPECT_EQ(sum.end, (std::vector<std::int64_t>{20500, 26500, 26500, 20500}));
  EXPECT_EQ(sum.issues.count("overlap"), 2);
  EXPECT_EQ(sum.issues.count("duplicate"), 0);
}

TEST(SubscriptionMovements, PeriodsAreMarked) {
  const std::vector<Row> rows{{.customer = 1, .start = "2026-01-01", .end = "2026-03-01", .amount = 10},
                              {.customer = 2, .start = "2026-02-01", .end = "2026-03-01", .amount = 10},
                              {.customer = 3, .start = "2026-01-01", .end = "2026-02-15", .amount = 10}};
  // By default as known on the day of the latest start, of which the rest of February is still to come.
  const auto so_far = movements(rows);
  EXPECT_EQ(so_far.as_of.us, at("2026-02-02").us);
  EXPECT_EQ(so_far.state.back(), PeriodState::in_progress);
  EXPECT_EQ(so_far.end.back(), 3000);
  EXPECT_EQ(so_far.issues.count("ends_later"), 3);
  // Two of two end on the last day that the rows know of.
  const auto over = movements(rows, "2026-04-01");
  EXPECT_EQ(over.state,
            (std::vector<PeriodState>{PeriodState::complete, PeriodState::complete, PeriodState::data_end}));
  EXPECT_EQ(over.issues.count("ends_with_the_data"), 2);
}

TEST(SubscriptionMovements, QuickRatio) {
  const auto made = movements(
      {{.customer = 1, .start = "2026-01-01", .amount = 8, .subscription = "a"},
       {.customer = 2, .start = "2026-01-01", .end = "2026-02-09", .amount = 5},
       {.customer = 3, .start = "2026-01-01", .amount = 8},
       {.customer = 4, .start = "2026-01-01", .end = "2026-02-05", .amount = 3, .subscription = "b"},
       {.customer = 4, .start = "2026-01-01", .amount = 3, .subscription = "c"},
       {.customer = 3, .start = "2026-02-03", .amount = 8},
       {.customer = 5, .start = "2026-02-03", .amount = 20}},
      "2026-03-01");
  EXPECT_EQ(made.quick_ratio(0), std::nullopt);  // no losses
  EXPECT_DOUBLE_EQ(made.quick_ratio(1).value(), 3.5);
}

// ---- ARR by contracts (conventions of public finance handbooks) ----

TEST(SubscriptionMovements, AnEarlyStartCountsInTheMonthOfItsClose) {
  // Closed on 30 November, from 15 December: by the 15th it counts from the close.
  Table table = table_of(
      {{.customer = 1, .start = "2021-12-15", .end = "2022-12-15", .amount = 100000, .interval = "year"}});
  table = table.with("closed", Column::of_strings(std::vector<std::string>{"2021-11-30"}));
  auto columns = columns_of(table);
  columns.closed = "closed";
  subscription::Options options;
  options.as_of = at("2022-01-01");
  EXPECT_EQ(subscription::movements(table, columns, options).periods.front(), "2021-12");
  columns.closed_by = 15;
  const auto made = subscription::movements(table, columns, options);
  EXPECT_EQ(made.periods.front(), "2021-11");
  EXPECT_EQ(made.end.front(), 833333);
  columns.closed_by = 14;
  EXPECT_EQ(subscription::movements(table, columns, options).periods.front(), "2021-12");
}

TEST(SubscriptionMovements, StepUpsAndCoTermedExpansions) {
  const auto step = movements(
      {{.customer = 1, .start = "2021-12-15", .end = "2022-06-15", .amount = 75000, .interval = "year"},
       {.customer = 1, .start = "2022-06-15", .end = "2022-12-15", .amount = 100000, .interval = "year"}},
      "2022-07-01");
  EXPECT_EQ(story(step), "2021-12 new 6250.00, 2022-06 expansion 2083.33");
  const auto co_termed = movements(
      {{.customer = 1, .start = "2021-12-01", .end = "2022-12-01", .amount = 100000, .interval = "year"},
       {.customer = 1, .start = "2022-08-01", .end = "2022-12-01", .amount = 50000, .interval = "year"}},
      "2022-09-01");
  EXPECT_EQ(story(co_termed), "2021-12 new 8333.33, 2022-08 expansion 4166.67");
}

// ---- dirty rows ----

TEST(SubscriptionIssues, RowsThatSayNothingAreCountedByTheirColumns) {
  const Table table({{"who", Column::of_strings(std::vector<std::optional<std::string>>{
                                 "a", "b", std::nullopt, "c", "d", "e", "f", "g", "h"})},
                     {"from", Column::of_strings(std::vector<std::optional<std::string>>{
                                  "2026-01-01", "soon", "2026-01-01", std::nullopt, "2026-03-01",
                                  "2026-01-01", "2026-01-01", "2026-01-01", "2026-01-01"})},
                     {"to", Column::of_strings(std::vector<std::optional<std::string>>{
                                std::nullopt, std::nullopt, std::nullopt, std::nullopt, "2026-01-01",
                                "2026-01-01", "later", std::nullopt, std::nullopt})},
                     {"price", Column::of_strings(std::vector<std::optional<std::string>>{
                                   "10", "10", "10", "10", "10", "10", "10", "ten", "-10"})}});
  subscription::Columns columns;
  columns.customer = "who";
  columns.start = "from";
  columns.end = "to";
  columns.amount = "price";
  const auto made = subscription::movements(table, columns);
  EXPECT_EQ(made.end, (std::vector<std::int64_t>{1000, 1000, 1000}));
  EXPECT_EQ(made.issues.count("subscriptions", "who", "no_customer"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "from", "not_a_date"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "from", "no_time"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "to", "ended_before_start"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "to", "no_days"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "to", "not_a_date"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "price", "not_an_amount"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "price", "negative_amount"), 1);
  columns.allow_negative = true;
  EXPECT_EQ(subscription::movements(table, columns).end, (std::vector<std::int64_t>{0, 0, 0}));
}

TEST(SubscriptionIssues, WrongTypesNameTheColumn) {
  const Table table = table_of({{.customer = 1, .start = "2026-01-01", .amount = 1}});
  const auto refused = [&](auto change, const char* named) {
    subscription::Columns columns = columns_of(table);
    change(columns);
    try {
      (void)subscription::movements(table, columns);
      ADD_FAILURE() << named;
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  };
  refused([](auto& columns) { columns.start = "amount"; }, "amount");
  refused([](auto& columns) { columns.amount = "nothing"; }, "nothing");
  refused([](auto& columns) { columns.billing = "amount"; }, "amount");
  refused([](auto& columns) { columns.currency = "dollar"; }, "dollar");
  refused([](auto& columns) { columns.follow = Follow::subscription; }, "subscriptions");
  refused([](auto& columns) { columns.closed_by = 40; }, "closed_by");
}

TEST(SubscriptionIssues, NothingGivesNothing) {
  const auto none = movements({});
  EXPECT_TRUE(none.periods.empty());
  EXPECT_EQ(none.to_table().num_rows(), 0U);
  EXPECT_EQ(none.mrr_table().num_rows(), 0U);
  EXPECT_TRUE(State().finish().periods.empty());
  EXPECT_TRUE(subscription::retention(State()).periods.empty());
}

TEST(SubscriptionIssues, AmountsBeyond64BitsThrow) {
  const auto row = [](std::int64_t customer) {
    return Row{.customer = customer, .start = "2026-01-01", .amount = 7e15};
  };
  EXPECT_EQ(movements({row(1)}).end.front(), 700'000'000'000'000'000);
  EXPECT_EQ(movements({row(1)}).annual.front(), 8'400'000'000'000'000'000);
  EXPECT_THROW((void)movements({row(1), row(2)}), UsageError);
  EXPECT_EQ(movements({{.customer = 1, .start = "2026-01-01", .amount = 9e300}}).issues.count("too_large"),
            1);
}

// ---- currencies ----

namespace {

Table rates(std::vector<std::tuple<const char*, const char*, const char*, double>> rows) {
  std::vector<std::int32_t> days;
  std::vector<std::string> from, to;
  std::vector<double> rate;
  for (const auto& [date, a, b, value] : rows) {
    days.push_back(day(date).days);
    from.emplace_back(a);
    to.emplace_back(b);
    rate.push_back(value);
  }
  return Table({{"date", Column::of(Type::date, days)},
                {"from", Column::of_strings(from)},
                {"to", Column::of_strings(to)},
                {"rate", Column::of(Type::float64, rate)}});
}

}  // namespace

TEST(SubscriptionCurrencies, RatesMakeNoMovement) {
  subscription::Options options;
  options.as_of = at("2026-05-01");
  options.to = "EUR";
  options.rates = rates({{"2026-01-31", "USD", "EUR", 0.9},
                         {"2026-02-28", "USD", "EUR", 0.8},
                         {"2026-03-31", "USD", "EUR", 1.0},
                         {"2026-04-30", "USD", "EUR", 1.0}});
  const std::vector<Row> rows{
      {.customer = 1, .start = "2026-01-10", .end = "2026-03-15", .amount = 100, .currency = "USD"},
      {.customer = 1, .start = "2026-03-15", .end = "2026-04-15", .amount = 150, .currency = "USD"},
      {.customer = 2, .start = "2026-01-10", .amount = 10, .currency = "EUR"}};
  const auto made = movements(rows, nullptr, options);
  EXPECT_EQ(story(made),
            "2026-01 new 100.00, 2026-02 fx -10.00, 2026-03 expansion 50.00, 2026-03 fx 20.00, "
            "2026-04 churn -150.00");
  expect_conserved(made);
  options.convert.at = salesops::RateDay::fixed;
  options.convert.day = day("2026-01-31");
  EXPECT_EQ(story(movements(rows, nullptr, options)),
            "2026-01 new 100.00, 2026-03 expansion 45.00, 2026-04 churn -135.00");
}

TEST(SubscriptionCurrencies, ACustomerMayPayInSeveral) {
  subscription::Options options;
  options.as_of = at("2026-03-01");
  options.to = "EUR";
  options.rates = rates({{"2026-01-31", "GBP", "EUR", 1.2}, {"2026-02-28", "GBP", "EUR", 1.1}});
  const auto made =
      movements({{.customer = 1, .start = "2026-01-01", .end = "2026-02-10", .amount = 10, .currency = "GBP"},
                 {.customer = 1, .start = "2026-02-10", .amount = 11, .currency = "EUR"}},
                nullptr, options);
  // Eleven euros for ten pounds at 1.10: nothing but the rate has moved.
  EXPECT_EQ(story(made), "2026-01 new 12.00, 2026-02 fx -1.00");
}

TEST(SubscriptionCurrencies, MixedOnesAreRefusedAndMissingRatesNamed) {
  const std::vector<Row> rows{{.customer = 1, .start = "2026-01-01", .amount = 10, .currency = "USD"},
                              {.customer = 2, .start = "2026-01-01", .amount = 10, .currency = "CHF"},
                              {.customer = 3, .start = "2026-01-01", .amount = 10, .currency = "euro"}};
  EXPECT_THROW((void)movements(rows), UnitError);
  subscription::Options options;
  options.to = "CHF";
  EXPECT_THROW((void)movements(rows, nullptr, options), UsageError);
  options.convert.missing = salesops::NoRate::null;
  const auto made = movements(rows, nullptr, options);
  EXPECT_EQ(made.end.back(), 1000);
  EXPECT_EQ(made.issues.count("no_rate"), 1);
  EXPECT_EQ(made.issues.count("subscriptions", "currency", "unknown_currency"), 1);
}

// ---- retention ----

namespace {

/// Four customers who pay 100, 200, 50, 150; then 120, 150, 0, 150; then 80, 200, 50, 0.
std::vector<Row> worked_example() {
  const std::vector<std::vector<double>> paid{{100, 120, 80}, {200, 150, 200}, {50, 0, 50}, {150, 150, 0}};
  const std::vector<std::string> months{"2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"};
  std::vector<Row> rows;
  for (std::size_t customer = 0; customer < paid.size(); ++customer)
    for (std::size_t month = 0; month < 3; ++month)
      if (paid[customer][month] > 0)
        rows.push_back({.customer = static_cast<std::int64_t>(customer),
                        .start = months[month],
                        .end = months[month + 1],
                        .amount = paid[customer][month]});
  return rows;
}

subscription::Retention retention(int over, bool reactivation, const char* as_of = "2026-04-01") {
  const Table table = table_of(worked_example());
  subscription::RetentionOptions options;
  options.options.as_of = at(as_of);
  options.over = over;
  options.reactivation = reactivation;
  return subscription::retention(table, columns_of(table), options);
}

}  // namespace

TEST(SubscriptionRetention, WorkedExampleOfTheRules) {
  const auto one = retention(1, true);
  EXPECT_EQ(one.periods, (std::vector<std::string>{"2026-02", "2026-03"}));
  EXPECT_DOUBLE_EQ(one.nrr[0].value, 0.84);
  EXPECT_DOUBLE_EQ(one.grr_point[0].value, 0.80);
  EXPECT_DOUBLE_EQ(one.grr_path[0].value, 0.80);
  // Against the month before: 40 and 150 of 420 lost.
  EXPECT_NEAR(one.grr_point[1].value, 1 - 190.0 / 420, 1e-15);
  EXPECT_DOUBLE_EQ(one.logo_retention[0].value, 0.75);
  EXPECT_DOUBLE_EQ(one.logo_churn[0].value, 0.25);
  EXPECT_EQ(one.logo_churn[0].low, 1 - one.logo_retention[0].high);
  EXPECT_EQ(one.logo_churn[0].high, 1 - one.logo_retention[0].low);
  EXPECT_EQ(one.to_table().column("logo_churn").values<double>()[0], one.logo_churn[0].value);
  const auto two = retention(2, true);
  ASSERT_EQ(two.size(), 1U);
  EXPECT_EQ(two.bases.front(), "2026-01");
  EXPECT_DOUBLE_EQ(two.nrr[0].value, 0.66);
  EXPECT_DOUBLE_EQ(two.grr_point[0].value, 0.66);
  EXPECT_DOUBLE_EQ(two.grr_path[0].value, 0.46);
  EXPECT_NEAR(two.grr_chained[0], 0.80 * (1 - 190.0 / 420), 1e-15);  // 43.8 %
  const auto strict = retention(2, false);
  EXPECT_DOUBLE_EQ(strict.nrr[0].value, 0.56);  // who left and came back is lost
  EXPECT_DOUBLE_EQ(strict.grr_point[0].value, 0.56);
  EXPECT_DOUBLE_EQ(strict.grr_path[0].value, 0.46);
  EXPECT_DOUBLE_EQ(strict.logo_retention[0].value, 0.75);  // who is there at both ends
}

TEST(SubscriptionRetention, APeriodInProgressHasNoRate) {
  const auto open = retention(1, false, "2026-03-20");
  EXPECT_EQ(open.state.back(), PeriodState::in_progress);
  EXPECT_TRUE(std::isnan(open.nrr.back().value));
  EXPECT_TRUE(std::isnan(open.logo_retention.back().value));
  EXPECT_TRUE(std::isnan(open.logo_churn.back().value));
  EXPECT_EQ(open.customers.back(), 3);
}

TEST(SubscriptionRetention, RatesMakeNoRetention) {
  const Table table = table_of(
      {{.customer = 1, .start = "2026-01-01", .amount = 100, .currency = "USD"},
       {.customer = 2, .start = "2026-01-01", .end = "2026-02-10", .amount = 100, .currency = "EUR"}});
  subscription::RetentionOptions options;
  options.over = 1;
  options.options.as_of = at("2026-03-01");
  options.options.to = "EUR";
  options.options.rates = rates({{"2026-01-31", "USD", "EUR", 1.0}, {"2026-02-28", "USD", "EUR", 0.5}});
  const auto made = subscription::retention(table, columns_of(table), options);
  EXPECT_EQ(made.start.front(), 15000);
  EXPECT_EQ(made.end.front(), 5000);
  EXPECT_THROW(
      (void)subscription::retention(table, columns_of(table), {.options = options.options, .over = -1}),
      UsageError);
}
