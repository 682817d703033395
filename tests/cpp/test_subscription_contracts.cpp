#include <cmath>

#include "subscription_rows.hpp"

using namespace subscription_test;
using subscription::Convention;

namespace {

subscription::Renewals renewals(const std::vector<Row>& rows, const char* as_of,
                                subscription::RenewalOptions options = {}) {
  const Table table = table_of(rows);
  options.options.as_of = at(as_of);
  return subscription::renewals(State::partial(table, columns_of(table)), options);
}

std::size_t place(const subscription::Renewals& made, const char* period) {
  return static_cast<std::size_t>(std::find(made.periods.begin(), made.periods.end(), period) -
                                  made.periods.begin());
}

}  // namespace

// A renewal of 100 for 130 and one for 70: the growth of the one does not hide the loss of the other.
TEST(SubscriptionRenewals, WhatIsKeptIsCappedContractByContract) {
  const auto made = renewals({{.customer = 1, .start = "2025-01-01", .end = "2026-01-01", .amount = 100},
                              {.customer = 1, .start = "2026-01-01", .amount = 130},
                              {.customer = 2, .start = "2025-01-01", .end = "2026-01-01", .amount = 100},
                              {.customer = 2, .start = "2026-01-01", .amount = 70}},
                             "2026-03-01");
  const std::size_t december = place(made, "2025-12");
  EXPECT_EQ(made.up[december], 2);
  EXPECT_EQ(made.renewed[december], 2);
  EXPECT_EQ(made.kept[december], 17000);
  EXPECT_DOUBLE_EQ(made.gross_rate[december], 0.85);
  EXPECT_DOUBLE_EQ(made.net_rate[december], 1.0);
  EXPECT_DOUBLE_EQ(made.rate[december].value, 1.0);
  EXPECT_LT(made.rate[december].low, 0.5);
}

TEST(SubscriptionRenewals, EarlyLateLostAndPending) {
  const std::vector<Row> rows{{.customer = 1, .start = "2025-01-01", .end = "2025-07-01", .amount = 10},
                              {.customer = 1, .start = "2025-06-20", .amount = 10},
                              {.customer = 2, .start = "2025-01-01", .end = "2025-07-01", .amount = 10},
                              {.customer = 2, .start = "2025-07-25", .amount = 10},
                              {.customer = 3, .start = "2025-01-01", .end = "2025-07-01", .amount = 10},
                              {.customer = 4, .start = "2025-01-01", .end = "2025-08-20", .amount = 10},
                              {.customer = 4, .start = "2025-08-20", .amount = 10}};
  subscription::RenewalOptions options;
  const auto strict = renewals(rows, "2025-09-01", options);
  EXPECT_EQ(strict.up[5], 3);       // June is the month of their last day
  EXPECT_EQ(strict.renewed[5], 1);  // the late one
  // Thirty days after 20 August aren't over: no rate yet, whatever is booked.
  EXPECT_EQ(strict.pending[7], 1);
  EXPECT_EQ(strict.up[7], 0);
  EXPECT_TRUE(std::isnan(strict.rate[7].value));
  options.early_us = 14 * salesops::us_per_day;
  EXPECT_EQ(renewals(rows, "2025-09-01", options).renewed[5], 2);
  options.late_us = 0;
  EXPECT_EQ(renewals(rows, "2025-09-01", options).renewed[5], 1);
  EXPECT_EQ(renewals(rows, "2025-09-01", options).up[7], 1);
  options.early_us = -1;
  EXPECT_THROW((void)renewals(rows, "2025-09-01", options), UsageError);
}

TEST(SubscriptionRenewals, ABeginningIsOneRenewalOnly) {
  // Two end within a month of one another, one comes.
  const auto made = renewals({{.customer = 1, .start = "2025-01-01", .end = "2025-03-01", .amount = 10},
                              {.customer = 1, .start = "2025-01-01", .end = "2025-03-10", .amount = 10},
                              {.customer = 1, .start = "2025-03-11", .amount = 15}},
                             "2025-09-01");
  EXPECT_EQ(made.up[1] + made.up[2], 2);
  EXPECT_EQ(made.renewed[1], 1);
  EXPECT_EQ(made.renewed[2], 0);
  EXPECT_EQ(made.booked[1] + made.booked[2], 1500);
  EXPECT_EQ(made.kept[1] + made.kept[2], 1000);
}

namespace {

subscription::ContractValues values(const std::vector<Row>& rows, bool total = false,
                                    Convention convention = Convention::months) {
  const Table table = table_of(rows);
  subscription::ContractColumns columns{.columns = columns_of(table), .convention = convention};
  columns.columns.charges = total;
  return subscription::contract_values(table, columns);
}

}  // namespace

TEST(ContractValues, ConventionsOfTheHandbooks) {
  // 250 over three years by days: 83.33 a year without the last day, 83.26 with it.
  Row row{.customer = 1, .start = "2019-06-15", .end = "2022-06-14", .amount = 250};
  EXPECT_EQ(values({row}, true, Convention::days_365).acv, (std::vector<std::int64_t>{8333}));
  row.end = "2022-06-15";
  EXPECT_EQ(values({row}, true, Convention::days_365).acv, (std::vector<std::int64_t>{8326}));
  EXPECT_EQ(values({row}, true).acv, (std::vector<std::int64_t>{8333}));
  EXPECT_EQ(values({row}, true, Convention::days_360).acv, (std::vector<std::int64_t>{8212}));
  EXPECT_EQ(values({row}, true).bookings, (std::vector<std::int64_t>{8333}));
  row.end = "2019-12-15";
  const auto half = values({row}, true);
  EXPECT_EQ(half.acv.front(), 50000);
  EXPECT_EQ(half.bookings.front(), 25000);  // a term below a year is booked as it is
}

TEST(ContractValues, PricesAreNotRoundedToMonthsFirst) {
  const auto made = values(
      {{.customer = 1, .start = "2026-01-01", .end = "2029-01-01", .amount = 1000, .interval = "year"}});
  EXPECT_EQ(made.tcv.front(), 300000);  // not 36 × 83.33
  EXPECT_EQ(made.acv.front(), 100000);
}

TEST(ContractValues, StepsAndOneOffs) {
  const std::vector<Row> rows{{.customer = 1,
                               .start = "2021-12-15",
                               .end = "2022-06-15",
                               .amount = 75000,
                               .subscription = "c",
                               .interval = "year"},
                              {.customer = 1,
                               .start = "2022-06-15",
                               .end = "2023-12-15",
                               .amount = 100000,
                               .subscription = "c",
                               .interval = "year"}};
  Table table = table_of(rows);
  table = table.with("setup", Column::of(Type::float64, std::vector<double>{5000, 0}));
  const auto made = subscription::contract_values(table, {.columns = columns_of(table), .one_off = "setup"});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made.tcv.front(), 3750000 + 15000000 + 500000);
  EXPECT_EQ(made.acv.front(), 9625000);
  EXPECT_EQ(made.first_year.front(), 3750000 + 5000000 + 500000);
  EXPECT_DOUBLE_EQ(made.years.front(), 2);
  EXPECT_EQ(made.contract.text(0), "c");
}

TEST(ContractValues, DirtyRows) {
  const auto made =
      values({{.customer = 1, .start = "2026-01-01", .amount = 10, .subscription = "open"},
              {.customer = 1,
               .start = "2026-01-01",
               .end = "2027-01-01",
               .amount = 10,
               .subscription = "two",
               .currency = "EUR"},
              {.customer = 1,
               .start = "2026-01-01",
               .end = "2027-01-01",
               .amount = 10,
               .subscription = "two",
               .currency = "USD"},
              {.customer = 1, .start = "2026-01-01", .end = "2027-01-01", .amount = 10, .currency = "USD"},
              {.customer = 1,
               .start = "2026-01-01",
               .end = "2027-01-01",
               .amount = 10,
               .subscription = "ok",
               .currency = "USD"}});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made.contract.text(0), "ok");
  EXPECT_EQ(made.tcv.front(), 12000);
  EXPECT_EQ(made.issues.count("mixed_currencies"), 1);
  EXPECT_EQ(made.issues.count("no_contract"), 1);
  EXPECT_EQ(made.issues.count("unknown_currency"), 1);
  EXPECT_TRUE(values({}).tcv.empty());
}

TEST(MagicNumber, AnnualRevenueWonByCost) {
  EXPECT_DOUBLE_EQ(subscription::magic_number(330, 300, 100).value(), 1.2);
  EXPECT_DOUBLE_EQ(subscription::magic_number(270, 300, 100).value(), -1.2);
  EXPECT_EQ(subscription::magic_number(330, 300, 0), std::nullopt);
}
