#include "salesops/calendar/business_hours.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>

namespace salesops {
inline namespace v0 {

namespace {

constexpr std::size_t block_rows = 1 << 16;
constexpr std::array weekdays{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

std::int64_t read_clock(std::string_view text) {
  const bool seconds = text.size() == 8 && text[5] == ':';
  const int hour = detail::read_digits(text, 0, 2);
  const int minute = (text.size() == 5 || seconds) && text[2] == ':' ? detail::read_digits(text, 3, 2) : -1;
  const int second = seconds ? detail::read_digits(text, 6, 2) : 0;
  const std::int64_t all = (hour * 60 + minute) * 60 + second;
  if (hour < 0 || minute < 0 || minute > 59 || second < 0 || second > 59 || all > 86'400)
    throw UsageError("\"" + std::string(text.substr(0, 16)) +
                     "\" is no time of day; write HH:MM, 00:00 to 24:00");
  return all * us_per_second;
}

DayHours sorted(DayHours hours, const std::string& day) {
  std::ranges::sort(hours);
  for (std::size_t i = 0; i < hours.size(); ++i) {
    if (hours[i].open < 0 || hours[i].close > us_per_day || hours[i].open >= hours[i].close)
      throw UsageError(
          "the hours of " + day +
          " must open before they close, within 00:00 to 24:00; write hours over midnight as two "
          "spans, to 24:00 on one day and from 00:00 on the next");
    if (i > 0 && hours[i].open < hours[i - 1].close)
      throw UsageError("the hours of " + day + " overlap; merge them into one span");
  }
  return hours;
}

}  // namespace

DaySpan DaySpan::parse(std::string_view open, std::string_view close) {
  return sorted({{read_clock(open), read_clock(close)}}, std::string(open) + "-" + std::string(close))
      .front();
}

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls `each` with every part between separators, trimmed.
template <class Each>
void for_parts(std::string_view text, char separator, Each each) {
  while (true) {
    const auto end = text.find(separator);
    each(trimmed(text.substr(0, end)));
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

[[noreturn]] void refuse_hours(std::string_view part) {
  throw UsageError("\"" + std::string(part.substr(0, 40)) +
                   "\" is no opening hours; write e.g. \"Mo-Fr 09:00-12:00, 13:00-17:00; Sa 10:00-14:00\"");
}

std::size_t weekday_of(std::string_view text) {
  std::string name(text);
  for (char& letter : name) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  for (std::size_t day = 0; day < weekdays.size(); ++day) {
    std::string full(weekdays[day]);
    full[0] = static_cast<char>(full[0] + 32);
    if (name.size() >= 2 && full.starts_with(name)) return day;
  }
  refuse_hours(text);
}

}  // namespace

DayHours parse_day_hours(std::string_view text) {
  if (trimmed(text) == "closed" || trimmed(text) == "off") return {};
  DayHours hours;
  for_parts(text, ',', [&](std::string_view span) {
    const auto dash = span.find('-');
    if (dash == span.npos) refuse_hours(span);
    hours.push_back(DaySpan::parse(trimmed(span.substr(0, dash)), trimmed(span.substr(dash + 1))));
  });
  return sorted(std::move(hours), "\"" + std::string(text.substr(0, 40)) + "\"");
}

std::array<DayHours, 7> parse_week_hours(std::string_view text) {
  std::array<DayHours, 7> week;
  for_parts(text, ';', [&](std::string_view rule) {
    if (rule.empty()) return;
    // Days come first: the hours start at the first digit, or at the word that closes.
    auto start = std::min(rule.find_first_of("0123456789"), rule.size());
    for (const std::string_view word : {" closed", " off"})
      if (rule.ends_with(word)) start = rule.size() - word.size();
    const std::string_view hours = rule.substr(start);
    const DayHours day_hours = parse_day_hours(hours);
    for_parts(rule.substr(0, start), ',', [&](std::string_view days) {
      const auto dash = days.find('-');
      const std::size_t first = weekday_of(trimmed(days.substr(0, dash)));
      const std::size_t last = dash == days.npos ? first : weekday_of(trimmed(days.substr(dash + 1)));
      for (std::size_t day = first;; day = (day + 1) % 7) {
        week[day] = day_hours;
        if (day == last) break;
      }
    });
  });
  return week;
}

/// Open spans in UTC, in order, and for each UTC day the first of them that ends after its midnight.
struct BusinessHours::Table {
  struct Span {
    std::int64_t open;
    std::int64_t close;
    std::int64_t before;  // working time of all earlier spans
  };

  Options options;
  std::set<Date> holidays;
  std::int64_t from = 0;  // the instants that have an answer: from <= t <= to
  std::int64_t to = 0;
  std::int64_t first_day = 0;
  std::vector<Span> spans;  // with a last one that never ends
  std::vector<std::uint32_t> first_span;

  [[nodiscard]] const DayHours& hours(Date date) const {
    static const DayHours closed;
    if (const auto other = options.dates.find(date); other != options.dates.end()) return other->second;
    if (holidays.contains(date)) return closed;
    return options.week[static_cast<std::size_t>(date.weekday())];
  }

  void add_day(Date date) {
    const std::int64_t midnight = at_midnight_local(date).us;
    for (const auto& hours_span : hours(date)) {
      const auto utc = [&](std::int64_t us) {
        return options.zone.to_utc(LocalTime{midnight + us}, options.ambiguous).us;
      };
      const Span span{utc(hours_span.open), utc(hours_span.close),
                      spans.empty() ? 0 : spans.back().before + (spans.back().close - spans.back().open)};
      if (span.open >= span.close) continue;  // the clock jumped over it
      spans.push_back(span);
    }
  }

  void index_days() {
    first_day = Instant{from}.utc_date().days;
    const std::int64_t days = Instant{to}.utc_date().days - first_day + 1;
    std::size_t span = 0;
    for (std::int64_t day = 0; day < days; ++day) {
      while (spans[span].close <= (first_day + day) * us_per_day) ++span;
      first_span.push_back(static_cast<std::uint32_t>(span));
    }
  }

  [[nodiscard]] bool covers(std::int64_t us) const noexcept { return from <= us && us <= to; }
  void check(std::int64_t us) const {
    if (!covers(us)) throw UsageError("the instant " + where());
  }
  [[nodiscard]] std::string where() const {
    return "lies outside the years " + std::to_string(options.first_year) + " to " +
           std::to_string(options.last_year) +
           " of these business hours; correct it, make it null, or give first_year and last_year";
  }

  /// The span that is open at `us`, or the next one.
  [[nodiscard]] const Span& span_at(std::int64_t us) const noexcept {
    const std::int64_t day = us / us_per_day - (us % us_per_day < 0 ? 1 : 0) - first_day;
    const Span* span = &spans[first_span[static_cast<std::size_t>(day)]];
    while (span->close <= us) ++span;
    return *span;
  }
  /// F(t).
  [[nodiscard]] std::int64_t open_until(std::int64_t us) const noexcept {
    const Span& span = span_at(us);
    return span.before + std::max<std::int64_t>(us - span.open, 0);
  }
  [[nodiscard]] std::int64_t elapsed(std::int64_t start, std::int64_t end, Reversed reversed) const noexcept {
    const std::int64_t us = open_until(end) - open_until(start);
    return us < 0 && reversed == Reversed::zero ? 0 : us;
  }
  /// The earliest t with F(t) = sum, or the latest.
  [[nodiscard]] std::int64_t when(std::int64_t sum, bool earliest) const {
    if (sum < 0 || sum > spans.back().before) throw UsageError("the due time " + where());
    const auto from_sum = [&](const Span& span) { return earliest ? span.before < sum : span.before <= sum; };
    const auto next = std::partition_point(spans.begin(), spans.end(), from_sum);
    if (next == spans.begin()) return from;
    const Span& span = *std::prev(next);
    return std::min(span.open + (sum - span.before), to);
  }
  [[nodiscard]] std::int64_t add(std::int64_t start, std::int64_t us) const {
    if (us == 0) return start;
    std::int64_t sum = 0;
    if (__builtin_add_overflow(open_until(start), us, &sum)) throw UsageError("the due time " + where());
    return when(sum, us > 0);
  }

  template <class Row>
  void rows(std::span<const std::int64_t> a, std::span<const std::int64_t> b, std::size_t out, bool both,
            const Execution& execution, const Row& row) const {
    if (a.size() != b.size() || a.size() != out) throw UsageError("the columns must have one length");
    const auto bad = [&](std::int64_t us) { return us != null && !covers(us); };
    for_rows(a.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        if (bad(a[i]) || (both && bad(b[i])))
          throw UsageError("row " + std::to_string(i) + ": the instant " + where());
        row(i, a[i] == null || b[i] == null);
      }
    });
  }
};

BusinessHours::BusinessHours(const Options& options) {
  auto table = std::make_shared<Table>();
  table->options = options;
  if (options.first_year < 1400 || options.last_year > 9998 || options.first_year > options.last_year)
    throw UsageError("first_year and last_year must be within 1400 to 9998 and in order");
  for (std::size_t i = 0; i < weekdays.size(); ++i)
    table->options.week[i] = sorted(options.week[i], weekdays[i]);
  for (auto& [date, hours] : table->options.dates) hours = sorted(hours, date.to_string());
  table->holidays.insert(options.holidays.begin(), options.holidays.end());

  const Date first = Date::from_ymd(options.first_year, 1, 1);
  const Date end = Date::from_ymd(options.last_year + 1, 1, 1);
  table->from = options.zone.start_of(first).us;
  table->to = options.zone.start_of(end).us;
  for (Date date = first; date < end; date = date + 1) table->add_day(date);
  const std::int64_t total =
      table->spans.empty()
          ? 0
          : table->spans.back().before + (table->spans.back().close - table->spans.back().open);
  constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  table->spans.push_back({never - 1, never, total});
  table->index_days();
  table_ = std::move(table);
}

std::int64_t BusinessHours::elapsed(Instant start, Instant end, Reversed reversed) const {
  table_->check(start.us);
  table_->check(end.us);
  return table_->elapsed(start.us, end.us, reversed);
}

Instant BusinessHours::add(Instant start, std::int64_t us) const {
  table_->check(start.us);
  return Instant{table_->add(start.us, us)};
}

bool BusinessHours::is_open(Instant at) const {
  table_->check(at.us);
  return table_->span_at(at.us).open <= at.us;
}

Instant BusinessHours::next_open(Instant at) const {
  table_->check(at.us);
  const auto& span = table_->span_at(at.us);
  if (&span == &table_->spans.back()) throw UsageError("the next opening " + table_->where());
  return Instant{std::max(span.open, at.us)};
}

std::int64_t BusinessHours::day_length(Date date) const {
  const auto& zone = table_->options.zone;
  return elapsed(zone.start_of(date), zone.start_of(date + 1));
}

void BusinessHours::elapsed(std::span<const std::int64_t> starts, std::span<const std::int64_t> ends,
                            std::span<std::int64_t> out, Reversed reversed,
                            const Execution& execution) const {
  table_->rows(starts, ends, out.size(), true, execution, [&](std::size_t i, bool missing) {
    out[i] = missing ? null : table_->elapsed(starts[i], ends[i], reversed);
  });
}

void BusinessHours::elapsed_seconds(std::span<const std::int64_t> starts, std::span<const std::int64_t> ends,
                                    std::span<double> out, Reversed reversed,
                                    const Execution& execution) const {
  table_->rows(starts, ends, out.size(), true, execution, [&](std::size_t i, bool missing) {
    out[i] = missing ? std::numeric_limits<double>::quiet_NaN()
                     : static_cast<double>(table_->elapsed(starts[i], ends[i], reversed)) / 1e6;
  });
}

void BusinessHours::add(std::span<const std::int64_t> starts, std::span<const std::int64_t> us,
                        std::span<std::int64_t> out, const Execution& execution) const {
  table_->rows(starts, us, out.size(), false, execution,
               [&](std::size_t i, bool missing) { out[i] = missing ? null : table_->add(starts[i], us[i]); });
}

void BusinessHours::is_open(std::span<const std::int64_t> at, std::span<std::uint8_t> out,
                            const Execution& execution) const {
  table_->rows(at, at, out.size(), true, execution, [&](std::size_t i, bool missing) {
    out[i] = !missing && table_->span_at(at[i]).open <= at[i] ? 1 : 0;
  });
}

void BusinessHours::next_open(std::span<const std::int64_t> at, std::span<std::int64_t> out,
                              const Execution& execution) const {
  table_->rows(at, at, out.size(), true, execution,
               [&](std::size_t i, bool missing) { out[i] = missing ? null : next_open(Instant{at[i]}).us; });
}

const BusinessHours::Options& BusinessHours::options() const noexcept { return table_->options; }

}  // namespace v0
}  // namespace salesops
