#include <algorithm>
#include <charconv>

#include "salesops/calendar/fiscal.hpp"
#include "spelling.hpp"

namespace salesops {
inline namespace v0 {

namespace {

constexpr std::string_view forms =
    "FY26, FY26-H1, FY26-Q3, FY26-P07, 2026, 2026-Q3, 2026-07, 2026-W05, 2026-07-15, "
    "2026-07-01/2026-10-01, this quarter, last month, last 4 quarters, next week, year to date, today, "
    "yesterday, all";

struct Unit {
  std::string_view name;
  Every every;
};
constexpr std::array units{Unit{"day", Every::day},         Unit{"week", Every::week},
                           Unit{"month", Every::month},     Unit{"period", Every::month},
                           Unit{"quarter", Every::quarter}, Unit{"half", Every::half},
                           Unit{"year", Every::year}};

constexpr std::array<std::string_view, 12> month_names{"January",   "February", "March",    "April",
                                                       "May",       "June",     "July",     "August",
                                                       "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> day_names{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};

std::optional<int> read_int(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-' || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// Lower case, single blanks, none at the ends.
std::string tidy(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (words.empty() || words.back() == ' ')) continue;
    words += blank ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (!words.empty() && words.back() == ' ') words.pop_back();
  return words;
}

std::optional<Every> read_unit(std::string_view word, bool plural_too) {
  for (const auto& unit : units) {
    if (word == unit.name) return unit.every;
    if (plural_too && word == (unit.every == Every::half ? "halves" : std::string(unit.name) + "s"))
      return unit.every;
  }
  return std::nullopt;
}

/// What a unit alone, or a slip of the pen in one, may have meant: "; did you mean \"this week\"?".
std::string meant(std::string_view words) {
  const std::size_t blank = words.rfind(' ');
  const std::string_view last = blank == std::string_view::npos ? words : words.substr(blank + 1);
  const Unit* near = nullptr;
  std::size_t nearest = 3;
  for (const auto& unit : units)
    for (const std::string& form : {std::string(unit.name), std::string(unit.name) + "s"})
      if (const std::size_t distance = detail::edit_distance(last, form); distance < nearest) {
        nearest = distance;
        near = &unit;
      }
  if (near == nullptr || last.size() < 3) return {};
  const bool several = blank != std::string_view::npos && last.ends_with('s');
  const std::string before =
      blank == std::string_view::npos ? "this " : std::string(words.substr(0, blank + 1));
  const std::string form = before + std::string(near->name) + (several ? "s" : "");
  // What is wrong then isn't the unit.
  return form == words ? std::string() : "; did you mean \"" + form + "\"?";
}

/// `26` or `2026` after FY, four digits without.
std::optional<int> read_year(std::string_view text, bool fiscal) {
  if (text.size() != 4 && !(fiscal && text.size() == 2)) return std::nullopt;
  const auto year = read_int(text);
  if (!year) return std::nullopt;
  const int full = text.size() == 2 ? 2000 + *year : *year;
  return full >= 1400 && full <= 9999 ? std::optional(full) : std::nullopt;
}

}  // namespace

std::string FiscalCalendar::label(const Period& period) const {
  if (period.every == Every::day) return period.start.to_string();
  if (period.every == Every::all) {
    if (period.start == first_date && period.end == last_date + 1) return "all";
    return period.start.to_string() + "/" + period.end.to_string();
  }
  if (period.every == Every::month && kind_ == Kind::months) return period.start.to_string().substr(0, 7);
  const bool civil = kind_ == Kind::months && start_month_ == 1;
  const bool iso_week = period.every == Every::week && kind_ != Kind::weeks;
  const bool short_year = period.year >= 2000 && period.year <= 2099;
  std::string year = civil || iso_week ? detail::padded(period.year, 4)
                                       : "FY" + (short_year ? detail::padded(period.year % 100, 2)
                                                            : detail::padded(period.year, 4));
  switch (period.every) {
    case Every::week: return year + "-W" + detail::padded(period.number, 2);
    case Every::month: return year + "-P" + detail::padded(period.number, 2);
    case Every::quarter: return year + "-Q" + std::to_string(period.number);
    case Every::half: return year + "-H" + std::to_string(period.number);
    default: return year;
  }
}

std::optional<Period> FiscalCalendar::named(std::string_view text) const {
  if (const auto date = Date::parse(text)) return period_at(date->days, Every::day);
  const bool fiscal = text.starts_with("fy");
  if (fiscal) text.remove_prefix(2);
  const auto dash = text.find('-');
  const auto year = read_year(text.substr(0, dash), fiscal);
  if (!year) return std::nullopt;
  if (dash == std::string_view::npos) return find(Every::year, *year, 0);
  text.remove_prefix(dash + 1);
  if (text.empty()) return std::nullopt;
  if (text.size() == 2 && !fiscal) {
    const int month = detail::read_digits(text, 0, 2);
    if (month >= 1 && month <= 12) {
      if (kind_ == Kind::months) return period_of(Date::from_ymd(*year, month, 1), Every::month);
      throw UsageError(
          "months of this calendar are not civil months; write FY26-P07 for a period, or a range "
          "such as 2026-07-01/2026-08-01");
    }
  }
  const auto number = read_int(text.substr(1));
  if (!number || text.size() > 3) return std::nullopt;
  switch (text.front()) {
    case 'q': return find(Every::quarter, *year, *number);
    case 'h': return find(Every::half, *year, *number);
    case 'p': return find(Every::month, *year, *number);
    case 'w': return find(Every::week, *year, *number);
    default: return std::nullopt;
  }
}

std::optional<std::vector<Period>> FiscalCalendar::relative(std::string_view text, Date as_of) const {
  if (text == "today") return std::vector{period_of(as_of, Every::day)};
  if (text == "yesterday") return std::vector{period_of(as_of - 1, Every::day)};
  constexpr std::string_view to_date = " to date";
  if (text.ends_with(to_date)) {
    const auto every = read_unit(text.substr(0, text.size() - to_date.size()), false);
    if (!every) return std::nullopt;
    return std::vector{Period{period_of(as_of, *every).start, as_of + 1, Every::all, 0, 0}};
  }
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto word = text.substr(0, blank);
  auto rest = text.substr(blank + 1);
  const bool back = word == "last" || word == "previous";
  const bool ahead = word == "next";
  if (word == "this" || word == "current") {
    const auto every = read_unit(rest, false);
    return every ? std::optional(std::vector{period_of(as_of, *every)}) : std::nullopt;
  }
  if (!back && !ahead) return std::nullopt;
  int count = 1;
  if (const auto second = rest.find(' '); second != std::string_view::npos) {
    const auto n = read_int(rest.substr(0, second));
    if (n && read_unit(rest.substr(second + 1), true) && (*n < 1 || *n > 10'000))
      throw UsageError("\"" + std::string(text) + "\": ask for 1 to 10000 periods, not " +
                       std::to_string(*n));
    if (!n || *n < 1 || *n > 10'000) return std::nullopt;
    count = *n;
    rest.remove_prefix(second + 1);
  }
  const auto every = read_unit(rest, true);
  if (!every) return std::nullopt;
  const auto now = period_of(as_of, *every);
  std::vector<Period> periods;
  for (int i = 0; i < count; ++i) periods.push_back(next(now, back ? i - count : i + 1));
  return periods;
}

std::vector<Period> FiscalCalendar::parse_period(std::string_view text, Date as_of) const {
  const auto words = tidy(text.substr(0, 64));
  if (words == "all") return {period_at(0, Every::all)};
  if (const auto periods = relative(words, as_of)) return *periods;
  const std::string_view whole = words;
  if (const auto slash = whole.find('/'); slash != std::string_view::npos) {
    const auto start = Date::parse(whole.substr(0, slash));
    const auto end = Date::parse(whole.substr(slash + 1));
    if (start && end && *start < *end) return {Period{*start, *end, Every::all, 0, 0}};
    if (start && end) throw UsageError("the range must start before it ends (the end is not included)");
  } else if (const auto period = named(whole)) {
    return {*period};
  }
  throw UsageError("\"" + std::string(text.substr(0, 40)) + "\" is no period of this calendar" +
                   (meant(words).empty() ? ";" : meant(words)) + " write one of: " + std::string(forms));
}

std::string FiscalCalendar::describe() const {
  if (kind_ == Kind::months && start_month_ == 1) return "civil years";
  if (kind_ == Kind::table)
    return "a table of " + std::to_string(table_->periods.size()) + " periods from " +
           table_->periods.front().start.to_string() + " to " + table_->blocks[0].back().start.to_string();
  const std::string name = year_name_ == YearName::ends_in ? ", named by the year they end in"
                                                           : ", named by the year they start in";
  if (kind_ == Kind::months)
    return "fiscal years from " + std::string(month_names[static_cast<std::size_t>(start_month_ - 1)]) + name;
  const auto& weeks = pattern_.weeks;
  const std::string day(day_names[static_cast<std::size_t>(pattern_.end_weekday)]);
  const std::string month(month_names[static_cast<std::size_t>(pattern_.end_month - 1)]);
  return std::to_string(weeks[0]) + "-" + std::to_string(weeks[1]) + "-" + std::to_string(weeks[2]) +
         " years that end on the " + (pattern_.year_end == YearEnd::last ? "last " : "") + day +
         (pattern_.year_end == YearEnd::last ? " of " : " nearest to the end of ") + month + name;
}

}  // namespace v0
}  // namespace salesops
