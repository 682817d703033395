#include "tzif.hpp"

#include <algorithm>
#include <limits>

#include "salesops/date.hpp"

namespace salesops {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::int32_t day_seconds = 86'400;

struct Fail {
  const std::string& zone;
  [[noreturn]] void operator()(const char* what) const {
    throw DataError("the time zone data of " + zone + " is broken: " + what);
  }
};

/// A cursor over big-endian integers.
struct Reader {
  std::string_view bytes;
  const Fail& fail;

  std::string_view take(std::size_t n) {
    if (n > bytes.size()) fail("the file ends early");
    const auto part = bytes.substr(0, n);
    bytes.remove_prefix(n);
    return part;
  }
  std::int64_t integer(std::size_t size) {
    std::uint64_t value = 0;
    const auto part = take(size);
    for (const char c : part) value = value << 8 | static_cast<unsigned char>(c);
    if (size == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
    return static_cast<std::int64_t>(value);
  }
};

struct Header {
  char version = 0;
  std::size_t is_ut = 0, is_std = 0, leap = 0, times = 0, types = 0, chars = 0;

  explicit Header(Reader& in) {
    if (in.take(4) != "TZif") in.fail("it does not begin with TZif");
    version = in.take(1).front();
    in.take(15);
    for (auto* count : {&is_ut, &is_std, &leap, &times, &types, &chars}) {
      const auto value = in.integer(4);
      if (value < 0 || value > 1'000'000) in.fail("a count is out of range");
      *count = static_cast<std::size_t>(value);
    }
  }
  [[nodiscard]] std::size_t body(std::size_t time_size) const {
    return times * (time_size + 1) + types * 6 + chars + leap * (time_size + 4) + is_std + is_ut;
  }
};

void read_body(Reader& in, const Header& header, std::size_t time_size, ZoneChanges& zone) {
  if (header.leap > 0) in.fail("it counts leap seconds; use the zone without \"right/\"");
  if (header.types == 0) in.fail("it has no offsets");
  for (std::size_t i = 0; i < header.times; ++i) {
    zone.list.push_back({in.integer(time_size), 0});
    if (i > 0 && zone.list[i - 1].at >= zone.list[i].at) in.fail("its changes are not in order");
  }
  const auto types = in.take(header.times);
  std::vector<std::int32_t> offsets;
  for (std::size_t i = 0; i < header.types; ++i) {
    offsets.push_back(static_cast<std::int32_t>(in.integer(4)));
    if (offsets.back() <= -day_seconds - 3'600 || offsets.back() >= day_seconds + 7'200)
      in.fail("an offset is out of range");
    in.take(2);
  }
  for (std::size_t i = 0; i < header.times; ++i) {
    const auto type = static_cast<unsigned char>(types[i]);
    if (type >= offsets.size()) in.fail("a change names an offset that is not there");
    zone.list[i].offset = offsets[type];
  }
  zone.first_offset = offsets.front();
  in.take(header.chars + header.leap * (time_size + 4) + header.is_std + header.is_ut);
}

/// When a footer rule changes the clock: a day of the year and a local time of that day.
struct RuleDay {
  enum class Kind { month_week_day, julian, zero_based } kind = Kind::month_week_day;
  int month = 1, week = 1, day = 0;
  std::int32_t seconds = 7'200;

  [[nodiscard]] std::int64_t local_seconds(int year) const {
    const Date new_year{days_from_ymd(year, 1, 1)};
    Date date = new_year;
    if (kind == Kind::zero_based) {
      date = new_year + day;
    } else if (kind == Kind::julian) {
      const bool leap = days_from_ymd(year, 3, 1) - new_year.days == 60;
      date = new_year + (day - 1 + (leap && day >= 60 ? 1 : 0));
    } else {
      const Date first{days_from_ymd(year, month, 1)};
      const Date next{month == 12 ? days_from_ymd(year + 1, 1, 1) : days_from_ymd(year, month + 1, 1)};
      date = first + (day + 6 - first.weekday()) % 7 + 7 * (week - 1);  // POSIX counts from Sunday
      while (date >= next) date = date - 7;
    }
    return static_cast<std::int64_t>(date.days) * day_seconds + seconds;
  }
};

/// The POSIX TZ text of the footer, `std offset [dst [offset] , start , end]`.
struct Footer {
  std::string_view text;
  const Fail& fail;
  std::int32_t standard = 0, summer = 0;
  bool has_summer = false;
  RuleDay start, end;

  bool next_is(char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  void name() {
    const bool quoted = next_is('<');
    std::size_t n = 0;
    while (n < text.size() && (quoted ? text[n] != '>' : (text[n] | 32) >= 'a' && (text[n] | 32) <= 'z')) ++n;
    if (n == 0) fail("its footer lacks a name");
    text.remove_prefix(n);
    if (quoted && !next_is('>')) fail("a name of its footer has no end");
  }
  int number(int low, int high) {
    std::size_t n = 0;
    int value = 0;
    for (; n < text.size() && n < 4 && text[n] >= '0' && text[n] <= '9'; ++n)
      value = value * 10 + (text[n] - '0');
    if (n == 0 || value < low || value > high) fail("a number of its footer is out of range");
    text.remove_prefix(n);
    return value;
  }
  std::int32_t time() {
    const int sign = next_is('-') ? -1 : 1;
    if (sign == 1) next_is('+');
    std::int32_t seconds = number(0, 167) * 3'600;
    if (next_is(':')) seconds += number(0, 59) * 60;
    if (next_is(':')) seconds += number(0, 59);
    return sign * seconds;
  }
  RuleDay rule() {
    RuleDay rule;
    if (!next_is(',')) fail("its footer names daylight saving without dates");
    if (next_is('M')) {
      rule.month = number(1, 12);
      if (!next_is('.')) fail("a date of its footer is cut");
      rule.week = number(1, 5);
      if (!next_is('.')) fail("a date of its footer is cut");
      rule.day = number(0, 6);
    } else if (next_is('J')) {
      rule.kind = RuleDay::Kind::julian;
      rule.day = number(1, 365);
    } else {
      rule.kind = RuleDay::Kind::zero_based;
      rule.day = number(0, 365);
    }
    if (next_is('/')) rule.seconds = time();
    return rule;
  }
  void read() {
    name();
    standard = -time();
    if (text.empty()) return;
    has_summer = true;
    name();
    summer = text.empty() || text.front() == ',' ? standard + 3'600 : -time();
    start = rule();
    end = rule();
    if (!text.empty()) fail("its footer goes on too long");
  }
};

void extend(ZoneChanges& zone, const Footer& footer) {
  const auto last = zone.list.empty() ? std::numeric_limits<std::int64_t>::min() : zone.list.back().at;
  if (!footer.has_summer) {
    if (zone.list.empty()) zone.first_offset = footer.standard;
    return;
  }
  const int first_year =
      zone.list.empty() ? 1400 : std::clamp(Instant{last * us_per_second}.utc_date().ymd().year, 1400, 9000);
  std::vector<ZoneChange> rest;
  const auto insert = [&](const ZoneChange& change) {
    rest.insert(std::ranges::upper_bound(rest, change.at, {}, &ZoneChange::at), change);
  };
  for (int year = first_year; year <= first_year + 402; ++year) {
    insert({footer.start.local_seconds(year) - footer.standard, footer.summer});
    insert({footer.end.local_seconds(year) - footer.summer, footer.standard});
  }
  for (const auto& change : rest) {
    if (change.at <= last) continue;
    if (!zone.list.empty() && zone.list.back().at == change.at) zone.list.pop_back();
    zone.list.push_back(change);
  }
  zone.repeats_from = static_cast<std::int64_t>(days_from_ymd(first_year + 1, 1, 1)) * day_seconds;
}

}  // namespace

ZoneChanges read_tzif(const std::string& name, std::string_view bytes) {
  const Fail fail{name};
  Reader in{bytes, fail};
  ZoneChanges zone;
  const Header first(in);
  if (first.version == 0) {
    read_body(in, first, 4, zone);
    return zone;
  }
  in.take(first.body(4));
  const Header second(in);
  read_body(in, second, 8, zone);
  // Some files list a change at the beginning of time, far outside all instants.
  std::erase_if(zone.list, [&](const ZoneChange& change) {
    constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / us_per_second - 2 * day_seconds;
    if (change.at > limit) fail("a change lies beyond all time");
    if (change.at < -limit) zone.first_offset = change.offset;
    return change.at < -limit;
  });
  if (in.take(1) != "\n") fail("its footer is missing");
  const auto end = in.bytes.find('\n');
  if (end == std::string_view::npos) fail("its footer has no end");
  if (end == 0) return zone;
  Footer footer{in.bytes.substr(0, end), fail, 0, 0, false, {}, {}};
  footer.read();
  extend(zone, footer);
  return zone;
}

}  // namespace detail
}  // namespace v0
}  // namespace salesops
