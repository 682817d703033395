// Purchases told apart by the minute, for units of hours and minutes.
#include <gtest/gtest.h>

#include <cmath>

#include "salesops/clv/rfm.hpp"
#include "salesops/error.hpp"

namespace clv = salesops::clv;
using salesops::Column;
using salesops::Date;
using salesops::Table;
using salesops::Type;
using salesops::UsageError;

namespace {

std::int32_t day(const char* text) { return Date::parse(text)->days; }
std::int64_t us(const char* text) { return salesops::Instant::parse(text)->us; }

clv::RfmColumns by_minute() {
  clv::RfmColumns columns;
  columns.amount = "amount";
  columns.by_minute = true;
  return columns;
}

Table table_of(const std::vector<std::int64_t>& customer, const std::vector<std::int64_t>& time,
               const std::vector<std::int64_t>& amount) {
  return Table({{"customer", Column::of(Type::int64, customer)},
                {"time", Column::of(Type::timestamp, time)},
                {"amount", Column::of(Type::int64, amount)}});
}

}  // namespace

TEST(Rfm, CountsHoursAndMinutes) {
  // A buys at 10:00:10 and 10:00:50 (one purchase), 11:30 and the next day at 09:15; B at 23:59 before 1970.
  const Table table =
      table_of({1, 1, 1, 1, 2},
               {us("2026-01-05T10:00:10Z"), us("2026-01-05T10:00:50Z"), us("2026-01-05T11:30:00Z"),
                us("2026-01-06T09:15:59Z"), us("1969-12-31T23:59:30Z")},
               {1, 2, 4, 8, 16});
  const auto state = clv::RfmState::partial(table, by_minute());
  clv::RfmOptions options;
  options.unit = clv::TimeUnit::hour;
  const auto hours = state.finish(options);
  EXPECT_EQ(hours.frequency, (std::vector<double>{2, 0}));
  EXPECT_EQ(hours.recency, (std::vector<double>{23.25, 0}));
  EXPECT_EQ(hours.calibration_end, (clv::RfmEnd{Date{day("2026-01-06")}, 9 * 60 + 15}));
  EXPECT_NEAR(hours.sum_log_gaps[0], std::log(1.5) + std::log(21.75), 1e-14);
  EXPECT_EQ(hours.first_purchase[1], Date{-1});
  EXPECT_EQ(hours.first_minute, (std::vector<std::int32_t>{600, 23 * 60 + 59}));
  EXPECT_EQ(hours.total_spend[0], 1500);
  EXPECT_EQ(hours.issues.count("same_period"), 1);
  EXPECT_EQ(hours.to_table().column("first_purchase").values<std::int64_t>()[1], us("1969-12-31T23:59Z"));
  const auto again = clv::RfmState::from_json(state.to_json()).finish(options);
  EXPECT_EQ(again.T, hours.T);
  EXPECT_EQ(again.recency, hours.recency);
  EXPECT_EQ(again.calibration_end, hours.calibration_end);
  EXPECT_EQ(state.repeat_times(options).times, (std::vector<double>{1.5, 23.25}));
  EXPECT_EQ(state.repeat_purchases(std::vector{Date{day("2026-01-05")}, Date{day("2026-01-06")}},
                                   Date{day("2026-01-05")}),
            (std::vector<std::int64_t>{1, 2}));

  options.calibration_end = clv::RfmEnd{Date{day("2026-01-05")}, 11 * 60};  // before the second purchase
  const auto split = state.finish(options);
  EXPECT_EQ(split.frequency[0], 0);
  EXPECT_EQ(split.T[0], 1);
  EXPECT_EQ(split.holdout_frequency[0], 2);
  EXPECT_EQ(split.holdout_duration, 22.25);
  EXPECT_DOUBLE_EQ(split.days_since_last[0], 1.0 / 24);

  options.unit = clv::TimeUnit::minute;
  options.calibration_end = Date{day("2026-01-05")};
  EXPECT_EQ(state.finish(options).T[0], 13 * 60 + 59);  // to the last minute of the day
  options = {};
  options.unit = clv::TimeUnit::hour;
  options.discrete = true;
  const auto civil = state.finish(options);
  EXPECT_EQ(civil.recency[0], 23);  // from the hour of 10 to that of 9
  EXPECT_EQ(civil.frequency[0], 2);
  options.unit = clv::TimeUnit::day;
  EXPECT_EQ(state.finish(options).frequency[0], 1);
}

TEST(Rfm, RefusesMinutesThatNobodyKnows) {
  clv::RfmOptions hours;
  hours.unit = clv::TimeUnit::hour;
  clv::RfmColumns columns = by_minute();
  columns.by_minute = false;
  const Table late = table_of({1, 2}, {0, us("7000-01-01T00:00Z")}, {1, 2});
  const auto by_day = clv::RfmState::partial(late, columns);
  EXPECT_THROW((void)by_day.finish(hours), UsageError);
  const Table dates({{"customer", Column::of(Type::int64, std::vector<std::int64_t>{1})},
                     {"time", Column::of(Type::date, std::vector<std::int32_t>{1})},
                     {"amount", Column::of(Type::int64, std::vector<std::int64_t>{1})}});
  EXPECT_THROW((void)clv::rfm(dates, by_minute(), hours), UsageError);
  auto state = clv::RfmState::partial(late, by_minute());
  EXPECT_EQ(state.customers(), 1U);  // the year 7000 is beyond 32 bits of minutes
  EXPECT_EQ(state.issues().count("date_out_of_range"), 1);
  EXPECT_THROW(state.merge(by_day), UsageError);
}
