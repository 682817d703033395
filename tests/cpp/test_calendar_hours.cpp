#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "salesops/calendar.hpp"

using namespace salesops;

namespace {

constexpr std::int64_t hour = 3'600 * us_per_second;

Date day(std::string_view text) { return Date::parse(text).value(); }
Instant utc(std::string_view text) { return Instant::parse(text).value(); }
/// A clock reading in a zone.
Instant at(const TimeZone& zone, std::string_view text) { return zone.to_utc(LocalTime{utc(text).us}); }

BusinessHours new_york(std::vector<Date> holidays = {}) {
  return BusinessHours({.zone = TimeZone::load("America/New_York"), .holidays = std::move(holidays)});
}

std::int64_t seconds(const BusinessHours& hours, std::string_view start, std::string_view end) {
  const auto& zone = hours.options().zone;
  return hours.elapsed(at(zone, start), at(zone, end)) / us_per_second;
}

/// A change: -2 h as of 10:00 UTC on 1 January 1970, in version 2 with a footer.
std::string tzif(std::string footer, std::string_view magic = "TZif") {
  const auto number = [](std::int64_t value, int size) {
    std::string bytes;
    for (int i = size - 1; i >= 0; --i) bytes += static_cast<char>(value >> (8 * i) & 255);
    return bytes;
  };
  const auto block = [&](int size) {
    std::string text = std::string(magic) + "2" + std::string(15, '\0');
    for (const int count : {0, 0, 0, 1, 2, 4}) text += number(count, 4);
    return text + number(36'000, size) + '\1' + number(3'600, 4) + std::string("\0\0", 2) +
           number(-7'200, 4) + std::string("\0\0", 2) + "ABC" + '\0';
  };
  return block(4) + block(8) + "\n" + footer + "\n";
}

}  // namespace

TEST(OpeningHours, AreReadAsShopsWriteThem) {
  const DayHours day = {DaySpan::parse("09:00", "12:00"), DaySpan::parse("13:00", "17:30")};
  const DayHours short_day = {DaySpan::parse("10:00", "14:00")};
  EXPECT_EQ(parse_day_hours("13:00 - 17:30,09:00-12:00"), day);
  EXPECT_EQ(parse_day_hours(" closed "), DayHours());
  auto week = BusinessHoursOptions::workweek(day);
  EXPECT_EQ(parse_week_hours("Mo-Fr 09:00-12:00, 13:00-17:30"), week);
  EXPECT_EQ(parse_week_hours(" monday - FRI 09:00-12:00,13:00-17:30; "), week);
  EXPECT_EQ(parse_week_hours("Mon,Tue,We-Fr 09:00-12:00,13:00-17:30"), week);
  week[2] = {};
  week[5] = short_day;
  EXPECT_EQ(parse_week_hours("Mo-Fr 09:00-12:00, 13:00-17:30; Sa 10:00-14:00; We off"), week);
  const auto over = parse_week_hours("Fr-Mo 10:00-14:00");
  EXPECT_EQ(over[0], short_day);
  EXPECT_EQ(over[1], DayHours());
  EXPECT_EQ(over[6], short_day);
  EXPECT_EQ(parse_week_hours(""), (std::array<DayHours, 7>()));
}

TEST(TimeZone, KnowsOffsetsAndJumps) {
  const auto berlin = TimeZone::load("Europe/Berlin");
  EXPECT_EQ(berlin.offset_at(utc("2024-01-01T00:00:00Z")), 3'600);
  EXPECT_EQ(berlin.offset_at(utc("2024-03-31T00:59:59.999999Z")), 3'600);
  EXPECT_EQ(berlin.offset_at(utc("2024-03-31T01:00:00Z")), 7'200);
  EXPECT_EQ(berlin.local_date(utc("2024-06-30T22:00:00Z")), day("2024-07-01"));
  // Skipped: 02:00 to 03:00 on 31 March. Twice: 02:00 to 03:00 on 27 October.
  EXPECT_EQ(at(berlin, "2024-03-31T02:30:00"), utc("2024-03-31T01:00:00Z"));
  EXPECT_EQ(at(berlin, "2024-03-31T03:00:00"), utc("2024-03-31T01:00:00Z"));
  const LocalTime twice{utc("2024-10-27T02:30:00.25").us};
  EXPECT_EQ(berlin.to_utc(twice), utc("2024-10-27T00:30:00.25Z"));
  EXPECT_EQ(berlin.to_utc(twice, Ambiguous::second), utc("2024-10-27T01:30:00.25Z"));
  EXPECT_EQ(berlin.to_utc(LocalTime{utc("2024-03-31T02:30:00").us}, Ambiguous::second),
            utc("2024-03-31T01:00:00Z"));
  EXPECT_EQ(TimeZone().to_local(utc("2024-03-31T01:00:00Z")).us, utc("2024-03-31T01:00:00Z").us);
  EXPECT_EQ(TimeZone::load("UTC"), TimeZone());
}

TEST(TimeZone, FollowsTheFooterForEver) {
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Sydney", "Europe/Dublin"}) {
    const auto zone = TimeZone::load(name);
    std::mt19937_64 random(1);
    const std::int64_t span = utc("2380-01-01").us - utc("2040-01-01").us;
    for (int i = 0; i < 5'000; ++i) {
      const Instant t{utc("2040-01-01").us +
                      static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span))};
      const Instant later{t.us + 16 * 146'097 * us_per_day};
      ASSERT_EQ(zone.offset_at(t), zone.offset_at(later)) << name;
      const auto local = zone.to_local(later);
      const auto first = zone.to_utc(local), second = zone.to_utc(local, Ambiguous::second);
      ASSERT_TRUE(first == later || second == later) << name << " " << t.to_string();
      ASSERT_LE(first, second);
    }
  }
}

TEST(TimeZone, ReadsBytesAndRefusesBrokenOnes) {
  const auto zone = TimeZone::from_bytes("Test", tzif("ABC2"));
  EXPECT_EQ(zone.offset_at(Instant{35'999'999'999}), 3'600);
  EXPECT_EQ(zone.offset_at(Instant{36'000'000'000}), -7'200);
  const auto summer = TimeZone::from_bytes("Test", tzif("ABC2DEF1,J60/0,300/-1:30"));
  EXPECT_EQ(summer.offset_at(utc("2024-03-01T01:59:59Z")), -7'200);
  EXPECT_EQ(summer.offset_at(utc("2024-03-01T02:00:00Z")), -3'600);
  EXPECT_EQ(summer.offset_at(utc("2024-10-26T23:29:59Z")), -3'600);
  EXPECT_EQ(summer.offset_at(utc("2024-10-26T23:30:00Z")), -7'200);
  const auto always = TimeZone::from_bytes("Test", tzif("ABC3DEF2,0/0,J365/25"));  // RFC 8536, 3.3.1
  for (const char* text : {"1999-12-31T23:30:00Z", "2000-01-01T02:30:00Z", "2001-07-01"})
    EXPECT_EQ(always.offset_at(utc(text)), -7'200) << text;
  for (const char* footer : {"A", "2", "ABC", "ABC2DEF", "ABC2DEF,M13.1.0,M1.1.0", "ABC2DEF,M3.1.0", "ABC999",
                             "<A", "ABC2DEF1,J0,J5", "ABC2DEF1,J60/0,300/-1:30x"})
    EXPECT_THROW(TimeZone::from_bytes("Test", tzif(footer)), DataError) << footer;
  EXPECT_THROW(TimeZone::from_bytes("Test", tzif("ABC2", "TZiF")), DataError);
  const auto whole = tzif("ABC2");
  for (std::size_t n = 0; n + 1 < whole.size(); ++n)
    EXPECT_THROW(TimeZone::from_bytes("Test", whole.substr(0, n)), DataError) << n;
}

TEST(TimeZone, NamesAreSafe) {
  for (const char* bad : {"", "/etc/passwd", "../../etc/passwd", "Europe/../Europe/Berlin", "Europe\\Berlin",
                          "Europe/Berlin\n"})
    EXPECT_THROW(TimeZone::load(bad), UsageError) << bad;
  try {
    TimeZone::load("Europe/Berlim");
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("Europe/Berlin"), std::string::npos) << error.what();
  }
}

TEST(BusinessHours, MatchesTheReferenceTable) {
  const auto plain = new_york();
  EXPECT_EQ(seconds(plain, "2024-01-08T10:00", "2024-01-08T12:00"), 7'200);
  const auto holiday = new_york({day("2024-01-15")});
  EXPECT_EQ(seconds(holiday, "2024-01-12T10:00", "2024-01-16T12:00"), 36'000);
  EXPECT_EQ(seconds(plain, "2024-03-08T16:00", "2024-03-11T10:00"), 7'200);
  EXPECT_EQ(seconds(plain, "2024-01-13T20:00", "2024-01-15T09:30"), 1'800);
  EXPECT_EQ(seconds(plain, "2024-01-12T18:00", "2024-01-12T18:30"), 0);
  EXPECT_EQ(seconds(plain, "2024-01-15T07:00", "2024-01-15T08:00"), 0);

  BusinessHoursOptions sunday{.week = {}, .zone = TimeZone::load("America/New_York")};
  sunday.week[6] = {DaySpan::parse("00:00", "06:00")};
  EXPECT_EQ(seconds(BusinessHours(sunday), "2024-03-10T00:00", "2024-03-10T23:00"), 18'000);
  EXPECT_EQ(seconds(BusinessHours(sunday), "2024-11-03T00:00", "2024-11-03T23:00"), 25'200);

  const auto split =
      BusinessHoursOptions::workweek({DaySpan::parse("13:00", "17:00"), DaySpan::parse("09:00", "12:00")});
  EXPECT_EQ(seconds(BusinessHours({.week = split}), "2024-01-08T11:00", "2024-01-08T14:00"), 7'200);

  const BusinessHours los_angeles({.zone = TimeZone::load("America/Los_Angeles")});
  EXPECT_EQ(los_angeles.elapsed(utc("2024-01-02T00:30:00Z"), utc("2024-01-02T18:00:00Z")),
            5'400 * us_per_second);
}

TEST(BusinessHours, SaysWhenItIsDue) {
  const auto hours = new_york();
  const auto& zone = hours.options().zone;
  EXPECT_EQ(hours.add(at(zone, "2024-01-08T16:00"), 2 * hour), at(zone, "2024-01-09T10:00"));
  EXPECT_EQ(hours.add(at(zone, "2024-01-08T16:00"), hour), at(zone, "2024-01-08T17:00"));
  EXPECT_EQ(hours.add(at(zone, "2024-01-12T18:00"), hour), at(zone, "2024-01-15T10:00"));
  EXPECT_EQ(hours.add(at(zone, "2024-01-15T10:00"), -2 * hour), at(zone, "2024-01-12T16:00"));
  EXPECT_EQ(hours.add(at(zone, "2024-01-13T10:00"), 0), at(zone, "2024-01-13T10:00"));
  EXPECT_TRUE(hours.is_open(at(zone, "2024-01-12T16:59:59")));
  EXPECT_FALSE(hours.is_open(at(zone, "2024-01-12T17:00")));
  EXPECT_EQ(hours.next_open(at(zone, "2024-01-12T17:00")), at(zone, "2024-01-15T09:00"));
  EXPECT_EQ(hours.next_open(at(zone, "2024-01-12T12:00")), at(zone, "2024-01-12T12:00"));
  EXPECT_EQ(hours.day_length(day("2024-01-12")), 8 * hour);
}

TEST(BusinessHours, OneDateCanDiffer) {
  const BusinessHours hours({.holidays = {day("2024-12-24"), day("2024-12-25")},
                             .dates = {{day("2024-12-24"), {DaySpan::parse("09:00", "12:00")}},
                                       {day("2024-12-28"), {DaySpan::parse("10:00", "24:00")}},
                                       {day("2024-12-27"), {}}}});
  EXPECT_EQ(hours.day_length(day("2024-12-24")), 3 * hour);
  EXPECT_EQ(hours.day_length(day("2024-12-25")), 0);
  EXPECT_EQ(hours.day_length(day("2024-12-27")), 0);
  EXPECT_EQ(hours.day_length(day("2024-12-28")), 14 * hour);
}

TEST(BusinessHours, SkippedDaysAndOddZonesHold) {
  // Samoa went from 29 to 31 December 2011; Lord Howe moves its clock by half an hour.
  BusinessHoursOptions options{.zone = TimeZone::load("Pacific/Apia")};
  options.week.fill({DaySpan::parse("09:00", "17:00")});
  const BusinessHours samoa(options);
  EXPECT_EQ(seconds(samoa, "2011-12-29T09:00", "2011-12-31T17:00"), 16 * 3'600);
  options.zone = TimeZone::load("Australia/Lord_Howe");
  options.week.fill({DaySpan::parse("00:00", "24:00")});
  EXPECT_EQ(BusinessHours(options).day_length(day("2024-10-06")), 24 * hour - hour / 2);
  EXPECT_EQ(BusinessHours(options).day_length(day("2024-04-07")), 24 * hour + hour / 2);
}

TEST(BusinessHours, AgreesWithAScanOfEveryMinute) {
  std::mt19937_64 random(11);
  const auto pick = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (const char* name :
       {"America/New_York", "Europe/London", "America/Santiago", "Asia/Beirut", "Pacific/Chatham"}) {
    BusinessHoursOptions options{
        .week = {}, .zone = TimeZone::load(name), .first_year = 2023, .last_year = 2025};
    for (auto& hours : options.week)
      for (std::int64_t minute = pick(600); minute < 1'440 && pick(4) > 0; minute += pick(300)) {
        const std::int64_t close = std::min<std::int64_t>(1'440, minute + 1 + pick(400));
        hours.push_back({minute * 60 * us_per_second, close * 60 * us_per_second});
        minute = close;
      }
    for (int i = 0; i < 20; ++i) options.holidays.push_back(day("2024-01-01") + static_cast<int>(pick(366)));
    const BusinessHours hours(options);
    // Open minutes by definition: between the first minutes at which the clock shows opening and closing.
    const std::int64_t begin = utc("2024-02-25T00:00:00Z").us, minutes = 300 * 1'440;
    std::vector<int> open(minutes, 0);
    const auto first_shows = [&](std::int64_t reading) {
      std::int64_t t = reading - options.zone.offset_at(Instant{reading}) * us_per_second - 3 * hour;
      while (options.zone.to_local(Instant{t}).us < reading) t += 60 * us_per_second;
      return std::clamp((t - begin) / (60 * us_per_second), std::int64_t{0}, minutes);
    };
    for (Date date = day("2024-02-23"); date < day("2024-12-25"); date = date + 1) {
      if (std::ranges::find(options.holidays, date) != options.holidays.end()) continue;
      for (const auto& span : options.week[static_cast<std::size_t>(date.weekday())]) {
        const std::int64_t midnight = at_midnight_local(date).us;
        for (auto m = first_shows(midnight + span.open); m < first_shows(midnight + span.close); ++m)
          open[static_cast<std::size_t>(m)] = 1;
      }
    }
    std::vector<std::int64_t> sums(static_cast<std::size_t>(minutes) + 1, 0);
    for (std::size_t i = 0; i < open.size(); ++i) sums[i + 1] = sums[i] + open[i];
    for (int i = 0; i < 3'000; ++i) {
      const auto a = pick(minutes), b = pick(minutes);
      const Instant from{begin + a * 60 * us_per_second}, to{begin + b * 60 * us_per_second};
      const auto expected =
          (sums[static_cast<std::size_t>(b)] - sums[static_cast<std::size_t>(a)]) * 60 * us_per_second;
      ASSERT_EQ(hours.elapsed(from, to), expected) << name << from.to_string() << to.to_string();
      ASSERT_EQ(hours.is_open(from), open[static_cast<std::size_t>(a)] == 1);
      if (expected == 0) continue;
      const auto due = hours.add(from, expected);
      ASSERT_EQ(hours.elapsed(from, due), expected);
      ASSERT_TRUE(expected > 0 ? due <= to : due >= to);
      ASSERT_EQ(hours.elapsed(from, Instant{due.us - (expected > 0 ? 1 : -1)}),
                expected - (expected > 0 ? 1 : -1));
    }
  }
}

TEST(BusinessHours, ColumnsEqualSingleCalls) {
  const auto hours = new_york({day("2024-07-04")});
  std::mt19937_64 random(3);
  const std::size_t n = 200'000;
  std::vector<std::int64_t> starts(n), ends(n), one(n), many(n), due(n);
  for (std::size_t i = 0; i < n; ++i) {
    starts[i] = utc("2020-01-01").us + static_cast<std::int64_t>(random() % (1'800ULL * us_per_day));
    ends[i] = starts[i] + static_cast<std::int64_t>(random() % (90ULL * us_per_day)) - 10 * us_per_day;
  }
  starts[7] = ends[9] = BusinessHours::null;
  std::vector<double> in_seconds(n);
  hours.elapsed(starts, ends, one, Reversed::negative, {.threads = 1});
  hours.elapsed(starts, ends, many, Reversed::negative, {.threads = 4});
  hours.elapsed_seconds(starts, ends, in_seconds, Reversed::zero);
  EXPECT_EQ(one, many);
  EXPECT_EQ(one[7], BusinessHours::null);
  EXPECT_TRUE(std::isnan(in_seconds[9]));
  for (std::size_t i = 10; i < n; i += 97) {
    ASSERT_EQ(one[i], hours.elapsed(Instant{starts[i]}, Instant{ends[i]}));
    ASSERT_EQ(in_seconds[i], static_cast<double>(std::max<std::int64_t>(one[i], 0)) / 1e6);
  }
  hours.add(starts, std::vector<std::int64_t>(n, 4 * hour), due);
  EXPECT_EQ(due[7], BusinessHours::null);
  EXPECT_EQ(due[100], hours.add(Instant{starts[100]}, 4 * hour).us);
  starts[150'000] = INT64_MAX;
  EXPECT_THROW(hours.elapsed(starts, ends, one), UsageError);
  EXPECT_THROW(hours.elapsed(starts, ends, std::span(one).first(3)), UsageError);
  hours.elapsed({}, {}, std::span<std::int64_t>());
}

TEST(BusinessHours, RefusesWhatHasNoAnswer) {
  const auto week = [](DayHours hours) {
    return BusinessHoursOptions{.week = BusinessHoursOptions::workweek(hours)};
  };
  EXPECT_THROW(BusinessHours(week({{9 * hour, 12 * hour}, {11 * hour, 17 * hour}})), UsageError);
  EXPECT_THROW(BusinessHours(week({{9 * hour, 9 * hour}})), UsageError);
  EXPECT_THROW(BusinessHours(week({{9 * hour, 25 * hour}})), UsageError);
  EXPECT_NO_THROW(BusinessHours(week({{9 * hour, 12 * hour}, {12 * hour, 24 * hour}})));
  for (const char* bad : {"", "9:00", "24:01", "09:60", "09-00", "0900", "09:00:61", "09:00:0", "ab:cd"})
    EXPECT_THROW(DaySpan::parse(bad, "17:00"), UsageError) << bad;
  EXPECT_THROW(DaySpan::parse("22:00", "06:00"), UsageError);
  for (const char* bad :
       {"09:00", "09:00-", "9-17", "09:00-12:00,", "17:00-09:00", "08:00-12:00, 11:00-13:00"})
    EXPECT_THROW(parse_day_hours(bad), UsageError) << bad;
  for (const char* bad :
       {"09:00-17:00", "M 09:00-17:00", "Mo-Xx 09:00-17:00", "Mo-Fr", "from nine to five", "Mo- 09:00-10:00"})
    EXPECT_THROW(parse_week_hours(bad), UsageError) << bad;
  const BusinessHours hours;
  for (const auto wild :
       {INT64_MIN, INT64_MAX, at_midnight_utc(day("1969-12-31")).us, at_midnight_utc(day("2101-01-02")).us})
    EXPECT_THROW(static_cast<void>(hours.elapsed(Instant{0}, Instant{wild})), UsageError);
  EXPECT_THROW(static_cast<void>(hours.add(Instant{0}, INT64_MAX)), UsageError);
  EXPECT_THROW(static_cast<void>(hours.add(Instant{0}, -hour)), UsageError);
  const BusinessHours never(week({}));
  EXPECT_EQ(never.elapsed(Instant{0}, utc("2050-01-01")), 0);
  EXPECT_THROW(static_cast<void>(never.next_open(Instant{0})), UsageError);
  EXPECT_THROW(static_cast<void>(never.add(Instant{0}, 1)), UsageError);
}
