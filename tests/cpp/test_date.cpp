#include <gtest/gtest.h>

#include "salesops/date.hpp"

using namespace salesops;

TEST(Date, KnowsTheCalendar) {
  EXPECT_EQ(Date::from_ymd(1970, 1, 1).days, 0);
  EXPECT_EQ(Date::from_ymd(2024, 2, 29).to_string(), "2024-02-29");
  EXPECT_EQ(Date::from_ymd(2026, 11, 23).weekday(), 0);
  EXPECT_EQ(Date::from_ymd(1969, 12, 28).weekday(), 6);
  EXPECT_EQ(Date::from_ymd(2024, 1, 31).add_months(1).to_string(), "2024-02-29");
  EXPECT_EQ(Date::from_ymd(2024, 1, 31).add_months(-13).to_string(), "2022-12-31");
  EXPECT_THROW(Date::from_ymd(2023, 2, 29), UsageError);
}

TEST(Date, EveryDayRoundTrips) {
  for (std::int32_t days = Date::from_ymd(1400, 1, 1).days; days <= Date::from_ymd(9999, 12, 31).days;
       ++days) {
    const auto text = Date{days}.to_string();
    ASSERT_EQ(Date::parse(text)->days, days) << text;
  }
}

TEST(Instant, ReadsIso8601AndNothingElse) {
  EXPECT_EQ(Instant::parse("2024-01-02")->us, Date::from_ymd(2024, 1, 2).days * us_per_day);
  EXPECT_EQ(Instant::parse("2024-01-02T03:04:05.25Z")->to_string(), "2024-01-02T03:04:05.250000Z");
  EXPECT_EQ(Instant::parse("2024-01-02 03:04")->to_string(), "2024-01-02T03:04:00Z");
  EXPECT_EQ(Instant::parse("2024-01-02T03:04:05+02:00")->to_string(), "2024-01-02T01:04:05Z");
  EXPECT_EQ(Instant::parse("2024-01-02T03:04:05-0230")->to_string(), "2024-01-02T05:34:05Z");
  EXPECT_EQ(Instant::parse("1969-12-31T23:59:59.999999Z")->us, -1);
  EXPECT_EQ(Instant{-1}.to_string(), "1969-12-31T23:59:59.999999Z");
  for (const char* bad :
       {"", "2024-1-02", "2024-13-01", "2024-01-02T24:00", "2024-01-02T03:04:05.", "2024-01-02T03:04Zz",
        "2024-01-02T03:04:05+2:00", "2024/01/02", "2024-01-02T03:04:60Z", "0000-01-01"})
    EXPECT_FALSE(Instant::parse(bad)) << bad;
}
