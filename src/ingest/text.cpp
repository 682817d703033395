#include "text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) noexcept { return is_upper(c) || (c >= 'a' && c <= 'z'); }
bool is_other(char c) noexcept { return static_cast<unsigned char>(c) >= 128; }
char lower(char c) noexcept { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

/// Blanks as exports write them: also the no-break and the thin spaces.
constexpr std::array<std::string_view, 4> wide_blanks = {"\u00a0", "\u2009", "\u202f", "\ufeff"};

std::size_t blank_at_front(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (text.front() == ' ' || text.front() == '\t' || text.front() == '\r' || text.front() == '\n') return 1;
  for (const std::string_view blank : wide_blanks)
    if (text.starts_with(blank)) return blank.size();
  return 0;
}

/// Reads up to `most` digits off the front; -1 if there are none.
int take_number(std::string_view& text, std::size_t most, std::size_t* digits = nullptr) {
  std::size_t n = 0;
  int value = 0;
  while (n < text.size() && n < most && is_digit(text[n])) value = value * 10 + (text[n++] - '0');
  text.remove_prefix(n);
  if (digits != nullptr) *digits = n;
  return n == 0 ? -1 : value;
}

/// 1 to 12 for an English month or its first three letters (or four of September).
int take_month(std::string_view& text) {
  static constexpr std::array<std::string_view, 12> months = {
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  std::size_t n = 0;
  while (n < text.size() && is_letter(text[n])) ++n;
  const std::string word = folded(text.substr(0, n));
  if (n < 3) return -1;
  for (std::size_t month = 0; month < months.size(); ++month)
    if (months[month].starts_with(word) && (n == 3 || n == months[month].size() || word == "sept")) {
      text.remove_prefix(n);
      if (!text.empty() && text.front() == '.') text.remove_prefix(1);
      return static_cast<int>(month) + 1;
    }
  return -1;
}

/// One separator between the parts of a date, with blanks around it.
bool take_separator(std::string_view& text) {
  bool any = false;
  while (!text.empty() && (text.front() == ' ' || text.front() == ',')) {
    text.remove_prefix(1);
    any = true;
  }
  if (!text.empty() && (text.front() == '/' || text.front() == '-' || text.front() == '.')) {
    text.remove_prefix(1);
    any = true;
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return any;
}

/// "[T or blank]H:MM[:SS[.f]] [AM|PM] [Z|UTC|GMT|±HH:MM]"; an empty text is no time.
bool take_time(std::string_view text, DateText& date) {
  if (!text.empty() && (text.front() == 'T' || text.front() == 't' || text.front() == ','))
    text.remove_prefix(1);
  text = trimmed(text);
  if (text.empty()) return true;
  int hour = take_number(text, 2);
  if (hour < 0 || text.empty() || text.front() != ':') return false;
  text.remove_prefix(1);
  const int minute = take_number(text, 2);
  int second = 0;
  std::int64_t fraction = 0;
  if (!text.empty() && text.front() == ':') {
    text.remove_prefix(1);
    second = take_number(text, 2);
    if (!text.empty() && text.front() == '.') {
      text.remove_prefix(1);
      std::int64_t unit = us_per_second;
      while (!text.empty() && is_digit(text.front())) {
        unit /= 10;
        fraction += unit * (text.front() - '0');
        text.remove_prefix(1);
      }
    }
  }
  text = trimmed(text);
  const std::string half = folded(text.substr(0, 2));
  if (half == "am" || half == "pm") {
    if (hour < 1 || hour > 12) return false;
    hour = hour % 12 + (half == "pm" ? 12 : 0);
    text = trimmed(text.substr(2));
  }
  if (hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  date.time_us = (std::int64_t{hour} * 3600 + minute * 60 + second) * us_per_second + fraction;
  date.has_time = true;
  if (text.empty()) return true;
  if (text == "Z" || text == "z" || text == "UTC" || text == "GMT") {
    date.offset_seconds = 0;
    return true;
  }
  // Databases write offsets of whole hours as "+00".
  const auto clock =
      ClockText::parse("1970-01-01T00:00" + std::string(text) + (text.size() == 3 ? ":00" : ""));
  if (!clock || !clock->offset_seconds) return false;
  date.offset_seconds = clock->offset_seconds;
  return true;
}

struct Symbol {
  std::string_view text, code;
};
/// Symbols that mean one currency; "$" and "¥" mean several and say nothing.
constexpr std::array<Symbol, 12> symbols = {{{"US$", "USD"},
                                             {"A$", "AUD"},
                                             {"C$", "CAD"},
                                             {"R$", "BRL"},
                                             {"€", "EUR"},
                                             {"£", "GBP"},
                                             {"₹", "INR"},
                                             {"₩", "KRW"},
                                             {"₽", "RUB"},
                                             {"₺", "TRY"},
                                             {"$", ""},
                                             {"¥", ""}}};

/// Takes a currency code or symbol off one end.
bool take_currency(std::string_view& text, std::string& currency, bool front) {
  if (text.size() > 3) {
    const std::string_view code = front ? text.substr(0, 3) : text.substr(text.size() - 3);
    const char next = front ? text[3] : text[text.size() - 4];
    if (std::all_of(code.begin(), code.end(), is_upper) && !is_letter(next) && Currency::find(code)) {
      currency = code;
      text = trimmed(front ? text.substr(3) : text.substr(0, text.size() - 3));
      return true;
    }
  }
  for (const Symbol& symbol : symbols)
    if (front ? text.starts_with(symbol.text) : text.ends_with(symbol.text)) {
      if (!symbol.code.empty()) currency = symbol.code;
      text =
          trimmed(front ? text.substr(symbol.text.size()) : text.substr(0, text.size() - symbol.text.size()));
      return true;
    }
  return false;
}

bool take_sign(std::string_view& text, bool& negative, bool front) {
  for (const std::string_view sign :
       {std::string_view("-"), std::string_view("\u2212"), std::string_view("+")})
    if (front ? text.starts_with(sign) : (sign != "+" && text.ends_with(sign))) {
      negative = negative != (sign != "+");
      text = trimmed(front ? text.substr(sign.size()) : text.substr(0, text.size() - sign.size()));
      return true;
    }
  return false;
}

/// Groups of three digits between `mark`s.
bool grouped_by(std::string_view body, char mark) {
  std::size_t at = body.find(mark);
  if (at == 0 || at > 3) return false;
  while (at != std::string_view::npos) {
    const std::size_t next = body.find(mark, at + 1);
    if ((next == std::string_view::npos ? body.size() : next) - at != 4) return false;
    at = next;
  }
  return true;
}

NumberText::Shape shape_of(std::string_view body) {
  using Shape = NumberText::Shape;
  const auto points = std::count(body.begin(), body.end(), '.');
  const auto commas = std::count(body.begin(), body.end(), ',');
  if (points == 0 && commas == 0) return body.size() > 3 ? Shape::ungrouped : Shape::plain;
  if (points > 0 && commas > 0) return body.rfind('.') > body.rfind(',') ? Shape::point : Shape::comma;
  if (points > 1) return Shape::comma;
  if (commas > 1) return Shape::point;
  const std::size_t at = body.find_first_of(".,");
  const bool thousands = at >= 1 && at <= 3 && body.size() - at == 4 && body.front() != '0';
  if (points == 1) return thousands ? Shape::either_point : Shape::point;
  return thousands ? Shape::either_comma : Shape::comma;
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  while (const std::size_t n = blank_at_front(text)) text.remove_prefix(n);
  for (bool more = true; more && !text.empty();) {
    more = false;
    if (blank_at_front(text.substr(text.size() - 1)) != 0) {
      text.remove_suffix(1);
      more = true;
    }
    for (const std::string_view blank : wide_blanks)
      if (text.ends_with(blank)) {
        text.remove_suffix(blank.size());
        more = true;
      }
  }
  return text;
}

std::string folded(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string name_key(std::string_view name) {
  std::string key;
  for (const char c : name)
    if (is_letter(c) || is_digit(c) || is_other(c)) key.push_back(lower(c));
  return key;
}

std::string table_key(std::string_view name) {
  std::string key = name_key(name);
  if (key.size() > 3 && key.ends_with("ies"))
    key.replace(key.size() - 3, 3, "y");
  else if (key.size() > 2 && key.ends_with('s') && !key.ends_with("ss"))
    key.pop_back();
  return key;
}

std::string snake_case(std::string_view name) {
  std::string snake;
  char before = '_';
  for (const char c : name) {
    if (!(is_letter(c) || is_digit(c) || is_other(c))) {
      if (!snake.empty() && snake.back() != '_') snake.push_back('_');
    } else {
      const bool hump = is_upper(c) && (is_digit(before) || (is_letter(before) && !is_upper(before)));
      if (hump && !snake.empty()) snake.push_back('_');
      snake.push_back(lower(c));
    }
    before = c;
  }
  while (!snake.empty() && snake.back() == '_') snake.pop_back();
  return snake;
}

std::optional<DateText> DateText::parse(std::string_view text) {
  text = trimmed(text);
  DateText result;
  std::array<int, 3> part{};
  std::array<std::size_t, 3> digits{};
  int named = -1;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i > 0 && !take_separator(text)) return std::nullopt;
    if (!text.empty() && is_letter(text.front())) {
      if (named >= 0 || i == 2) return std::nullopt;
      named = static_cast<int>(i);
      part[i] = take_month(text);
    } else {
      part[i] = take_number(text, 4, &digits[i]);
    }
    if (part[i] < 0) return std::nullopt;
  }
  if (!text.empty() && is_digit(text.front())) return std::nullopt;
  if (!take_time(text, result)) return std::nullopt;
  if (digits[0] == 4) {
    result.year = part[0];
    result.first = part[1];
    result.second = part[2];
    result.ordered = true;
    return digits[2] <= 2 && digits[1] <= 2 ? std::optional(result) : std::nullopt;
  }
  if (digits[0] > 2 || digits[1] > 2 || (digits[2] != 4 && digits[2] != 2)) return std::nullopt;
  result.year = part[2];
  result.two_digit_year = digits[2] == 2;
  result.ordered = named >= 0;
  result.first = named == 1 ? part[1] : part[0];
  result.second = named == 1 ? part[0] : part[1];
  return result;
}

std::optional<Date> DateText::date(ingest::DateOrder order) const {
  int day = second, month = first, in_year = year;
  if (!ordered && order == ingest::DateOrder::ymd) {
    if (!two_digit_year) return std::nullopt;
    in_year = first;
    month = second;
    day = year;
  } else if (!ordered && order == ingest::DateOrder::dmy) {
    std::swap(day, month);
  }
  if (two_digit_year) in_year += in_year < 69 ? 2000 : 1900;
  if (!detail::valid_ymd(in_year, month, day)) return std::nullopt;
  return Date{detail::days_from_ymd(in_year, month, day)};
}

std::optional<NumberText> NumberText::parse(std::string_view text) {
  NumberText number;
  text = trimmed(text);
  if (text.size() > 2 && text.front() == '(' && text.back() == ')') {
    number.negative = true;
    text = trimmed(text.substr(1, text.size() - 2));
  }
  bool sign = number.negative, money = false;
  for (const bool front : {true, false, true}) {
    if (!sign) sign = take_sign(text, number.negative, front);
    if (!money) money = take_currency(text, number.currency, front);
    if (!front && !number.percent && text.ends_with('%')) {
      number.percent = true;
      text = trimmed(text.substr(0, text.size() - 1));
    }
  }
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const char c = text.front();
    if (is_digit(c) || c == '.' || c == ',') {
      number.body.push_back(c);
      text.remove_prefix(1);
      continue;
    }
    // Blanks and apostrophes between digits group thousands.
    const std::size_t group = c == '\'' ? 1 : text.starts_with("\u2019") ? 3 : blank_at_front(text);
    if (group == 0 || number.body.empty() || !is_digit(number.body.back())) return std::nullopt;
    text.remove_prefix(group);
    if (text.size() < 3 || !std::all_of(text.begin(), text.begin() + 3, is_digit)) return std::nullopt;
  }
  if (std::none_of(number.body.begin(), number.body.end(), is_digit)) return std::nullopt;
  number.shape = shape_of(number.body);
  return number;
}

std::optional<std::string> NumberText::plain(ingest::DecimalMark mark) const {
  const char decimal = mark == ingest::DecimalMark::comma ? ',' : '.';
  const char group = decimal == ',' ? '.' : ',';
  const std::size_t at = body.find(decimal);
  if (at != std::string::npos && body.find(decimal, at + 1) != std::string::npos) return std::nullopt;
  const std::string_view whole = std::string_view(body).substr(0, at);
  if (at != std::string::npos && body.find(group, at) != std::string::npos) return std::nullopt;
  if (whole.find(group) != std::string_view::npos && !grouped_by(whole, group)) return std::nullopt;
  std::string result = negative ? "-" : "";
  for (const char c : whole)
    if (c != group) result.push_back(c);
  if (result.empty() || result == "-") result.push_back('0');
  if (at != std::string::npos && at + 1 < body.size()) result += "." + body.substr(at + 1);
  return result;
}

bool is_salesforce_id(std::string_view id) {
  return (id.size() == 15 || id.size() == 18) &&
         std::all_of(id.begin(), id.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

bool salesforce_checksum_fits(std::string_view id) {
  return folded(ingest::salesforce_id(id.substr(0, 15))).substr(15) == folded(id.substr(15));
}

}  // namespace ingest_detail

std::string ingest::salesforce_id(std::string_view id) {
  std::string result(id);
  if (id.size() != 15 || !ingest_detail::is_salesforce_id(id)) return result;
  // Each of three chunks of five characters gives a letter: bit i is set when character i is a capital.
  for (std::size_t chunk = 0; chunk < 3; ++chunk) {
    unsigned bits = 0;
    for (std::size_t i = 0; i < 5; ++i)
      if (ingest_detail::is_upper(id[chunk * 5 + i])) bits |= 1U << i;
    result.push_back("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]);
  }
  return result;
}

}  // namespace v0
}  // namespace salesops
