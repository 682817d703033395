#include <gtest/gtest.h>

#include <random>

#include "salesops/calendar.hpp"

using namespace salesops;

namespace {

Date day(std::string_view text) { return Date::parse(text).value(); }

constexpr std::array lengths{Every::day,  Every::week, Every::month, Every::quarter,
                             Every::half, Every::year, Every::all};

std::string ask(const FiscalCalendar& calendar, std::string_view text,
                std::string_view as_of = "2026-11-23") {
  std::string labels;
  for (const auto& period : calendar.parse_period(text, day(as_of)))
    labels += (labels.empty() ? "" : " ") + calendar.label(period);
  return labels;
}

FiscalCalendar four_week_periods() {
  std::vector<CustomPeriod> rows;
  Date start = day("2024-12-30");
  for (int year = 2025; year <= 2026; ++year)
    for (int number = 1; number <= 13; ++number, start = start + 28)
      rows.push_back({year, std::min((number - 1) / 3 + 1, 4), number, start});
  return FiscalCalendar::table(rows, start);
}

std::vector<FiscalCalendar> calendars() {
  std::vector<FiscalCalendar> all{FiscalCalendar(), FiscalCalendar::months(2),
                                  FiscalCalendar::months(10, YearName::starts_in), FiscalCalendar::nrf()};
  all.push_back(FiscalCalendar::week_pattern({}));
  all.push_back(FiscalCalendar::week_pattern(
      {.weeks = {5, 4, 4}, .end_month = 12, .end_weekday = 6, .year_end = YearEnd::nearest}));
  all.push_back(four_week_periods());
  return all;
}

}  // namespace

TEST(Fiscal, CountsYearsFromAnyMonth) {
  const auto february = FiscalCalendar::months(2);
  const auto quarter = february.period_of(day("2025-08-01"), Every::quarter);
  EXPECT_EQ(quarter.start, day("2025-08-01"));
  EXPECT_EQ(quarter.end, day("2025-11-01"));
  EXPECT_EQ(february.label(quarter), "FY26-Q3");
  EXPECT_EQ(february.label(february.period_of(day("2026-01-31"), Every::year)), "FY26");
  EXPECT_EQ(february.label(february.period_of(day("2026-02-01"), Every::year)), "FY27");
  EXPECT_EQ(february.label(february.period_of(day("2026-07-09"), Every::month)), "2026-07");
  const auto starts = FiscalCalendar::months(2, YearName::starts_in);
  EXPECT_EQ(starts.label(starts.period_of(day("2026-01-31"), Every::half)), "FY25-H2");
  EXPECT_EQ(starts.label(starts.period_of(day("1999-07-01"), Every::year)), "FY1999");
  const FiscalCalendar civil;
  EXPECT_EQ(civil.label(civil.period_of(day("2026-07-15"), Every::quarter)), "2026-Q3");
  EXPECT_EQ(civil.label(civil.period_of(day("2026-07-15"), Every::year)), "2026");
  EXPECT_EQ(FiscalCalendar::months(1, YearName::starts_in), civil);
}

TEST(Fiscal, NumbersIsoWeeks) {
  const FiscalCalendar civil;
  for (const auto& [date, label] : {std::pair{"2026-02-01", "2026-W05"},
                                    {"2027-01-03", "2026-W53"},
                                    {"2024-12-30", "2025-W01"},
                                    {"2021-01-03", "2020-W53"},
                                    {"2018-01-01", "2018-W01"}})
    EXPECT_EQ(civil.label(civil.period_of(day(date), Every::week)), label);
}

TEST(Fiscal, RetailYearsHaveTheirLongYears) {
  const auto nrf = FiscalCalendar::nrf();
  for (int year = 2006; year <= 2028; ++year) {
    const auto period = nrf.parse_period(std::to_string(year), day("2020-01-01")).front();
    const bool longer = year == 2006 || year == 2012 || year == 2017 || year == 2023 || year == 2028;
    EXPECT_EQ(period.days(), longer ? 371 : 364) << year;
    EXPECT_EQ(period.start.weekday(), 6) << year;
  }
  EXPECT_EQ(nrf.period_of(day("2023-01-29"), Every::year).start, day("2023-01-29"));
  EXPECT_EQ(nrf.period_of(day("2024-02-03"), Every::year).end, day("2024-02-04"));
  EXPECT_EQ(nrf.label(nrf.period_of(day("2024-02-03"), Every::week)), "FY23-W53");
  EXPECT_EQ(nrf.period_of(day("2024-02-03"), Every::month).days(), 35);
  EXPECT_EQ(nrf.label(nrf.period_of(day("2023-02-26"), Every::month)), "FY23-P02");
}

TEST(Fiscal, LastWeekdayEndsTheYear) {
  // 445 years that end on the last Saturday of September, as some US companies file them.
  const auto calendar = FiscalCalendar::week_pattern({.weeks = {4, 4, 5}, .end_month = 9, .end_weekday = 5});
  const auto year = calendar.period_of(day("2023-09-30"), Every::year);
  EXPECT_EQ(year.start, day("2022-09-25"));
  EXPECT_EQ(year.end, day("2023-10-01"));
  EXPECT_EQ(year.days(), 371);
  EXPECT_EQ(calendar.label(year), "FY23");
  EXPECT_EQ(calendar.period_of(day("2023-12-30"), Every::quarter).end, day("2023-12-31"));
}

TEST(Fiscal, PeriodsTileTheTime) {
  for (const auto& calendar : calendars())
    for (const auto every : lengths) {
      Date date = calendar.civil_months() ? day("1999-12-25") : day("2024-12-30");
      const Date stop = calendar.civil_months() ? day("2005-02-01") : day("2026-12-20");
      for (; date < stop; date = date + 1) {
        const auto period = calendar.period_of(date, every);
        ASSERT_TRUE(period.contains(date)) << calendar.describe();
        ASSERT_EQ(calendar.period_at(calendar.index_of(date, every), every), period);
        ASSERT_EQ(calendar.index_of(period.start, every), calendar.index_of(period.end - 1, every));
        if (every == Every::all) continue;
        if (calendar.index_of(period.end, every) != FiscalCalendar::no_period) {
          ASSERT_EQ(calendar.index_of(period.end, every), calendar.index_of(date, every) + 1);
          ASSERT_EQ(calendar.next(period).start, period.end);
          ASSERT_EQ(calendar.previous(calendar.next(period)), period);
        }
        ASSERT_EQ(calendar.parse_period(calendar.label(period), date), std::vector{period})
            << calendar.label(period) << " " << calendar.describe();
      }
    }
}

TEST(Fiscal, ReadsPeriodsInWords) {
  const auto february = FiscalCalendar::months(2);
  EXPECT_EQ(ask(february, "this quarter"), "FY27-Q4");
  EXPECT_EQ(ask(february, "  Last   4 Quarters "), "FY26-Q4 FY27-Q1 FY27-Q2 FY27-Q3");
  EXPECT_EQ(ask(february, "last month"), "2026-10");
  EXPECT_EQ(ask(february, "next 2 halves"), "FY28-H1 FY28-H2");
  EXPECT_EQ(ask(february, "year to date"), "2026-02-01/2026-11-24");
  EXPECT_EQ(ask(february, "today"), "2026-11-23");
  EXPECT_EQ(ask(february, "yesterday"), "2026-11-22");
  EXPECT_EQ(ask(february, "2026-Q3"), "FY26-Q3");
  EXPECT_EQ(ask(february, "fy2026-q3"), "FY26-Q3");
  EXPECT_EQ(ask(february, "FY26-P07"), "2025-08");
  EXPECT_EQ(ask(february, "2026-07-01/2026-10-01"), "2026-07-01/2026-10-01");
  EXPECT_EQ(ask(february, "this week"), "2026-W48");
  EXPECT_EQ(ask(february, "all"), "all");
  for (const char* bad :
       {"", "FY26-Q5", "FY26-P13", "2026-W54", "2026-13", "2026-02-30", "26", "last 0 quarters",
        "last four quarters", "quarter", "FY", "FY26-", "FY26-Q", "FY26-Q12", "2026-07-01/2026-07-01", "soon",
        "this quarters", "last -1 months", "99999-Q1"})
    EXPECT_THROW(ask(february, bad), UsageError) << bad;
  try {
    ask(february, "soon");
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("last 4 quarters"), std::string::npos);
  }
  EXPECT_THROW(ask(FiscalCalendar::nrf(), "2026-07"), UsageError);
}

TEST(Fiscal, KeepsToItsBounds) {
  const FiscalCalendar civil;
  EXPECT_EQ(civil.index_of(last_date + 1, Every::year), FiscalCalendar::no_period);
  EXPECT_EQ(civil.index_of(Date{INT32_MIN}, Every::day), FiscalCalendar::no_period);
  for (const auto& calendar : {civil, FiscalCalendar::months(7), FiscalCalendar::nrf()})
    for (const auto every : lengths) {
      EXPECT_TRUE(calendar.period_of(first_date, every).contains(first_date));
      EXPECT_TRUE(calendar.period_of(last_date, every).contains(last_date));
      if (every != Every::all) {
        EXPECT_THROW(static_cast<void>(calendar.next(calendar.period_of(last_date, every), 2)), UsageError);
      }
      for (const std::int32_t wild : {INT32_MIN + 1, -900'000'000, 900'000'000, INT32_MAX - 1})
        EXPECT_THROW(static_cast<void>(calendar.period_at(wild, every)), UsageError);
    }
  const auto table = four_week_periods();
  EXPECT_EQ(table.index_of(day("2024-12-29"), Every::quarter), FiscalCalendar::no_period);
  EXPECT_THROW(static_cast<void>(table.period_of(day("2030-01-01"), Every::month)), UsageError);
  EXPECT_THROW(static_cast<void>(table.period_at(26, Every::month)), UsageError);
  EXPECT_THROW(static_cast<void>(table.period_at(-1, Every::month)), UsageError);
  EXPECT_EQ(table.label(table.period_of(day("2025-12-28"), Every::month)), "FY25-P13");
  EXPECT_EQ(table.period_of(day("2025-12-28"), Every::quarter).days(), 4 * 28);
  EXPECT_THROW(FiscalCalendar::months(0), UsageError);
  EXPECT_THROW(FiscalCalendar::week_pattern({.weeks = {4, 4, 4}}), UsageError);
  EXPECT_THROW(FiscalCalendar::table({}, day("2025-01-01")), UsageError);
  EXPECT_THROW(FiscalCalendar::table({{2025, 1, 1, day("2025-01-01")}, {2025, 1, 3, day("2025-02-01")}},
                                     day("2025-03-01")),
               UsageError);
  EXPECT_THROW(FiscalCalendar::table({{2025, 1, 1, day("2025-01-01")}}, day("2025-01-01")), UsageError);
}

TEST(Fiscal, IndexesColumns) {
  const FiscalCalendar civil;
  const std::vector<std::int32_t> days{day("2026-01-01").days, day("2026-03-31").days, INT32_MIN,
                                       day("2026-04-01").days};
  std::vector<std::int32_t> out(4);
  civil.index_of(days, Every::quarter, out);
  EXPECT_EQ(out[0], out[1]);
  EXPECT_EQ(out[2], FiscalCalendar::no_period);
  EXPECT_EQ(out[3], out[0] + 1);
  EXPECT_EQ(civil.between(day("2026-01-15"), day("2026-03-01"), Every::month).size(), 2U);
  EXPECT_TRUE(civil.between(day("2026-01-15"), day("2026-01-15"), Every::month).empty());
}
