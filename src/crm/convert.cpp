#include "convert.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

constexpr std::int64_t first_us = -17'987'443'200LL * us_per_second;  // 1400-01-01
constexpr std::int64_t last_us = 253'402'300'800LL * us_per_second;   // 10000-01-01

std::string_view trimmed(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_integer(Type type) noexcept { return type >= Type::int8 && type <= Type::uint64; }
bool is_float(Type type) noexcept { return type == Type::float32 || type == Type::float64; }
bool is_number(Type type) noexcept { return is_integer(type) || is_float(type) || type == Type::decimal; }

/// The integer of a valid row, or nothing when an uint64 doesn't fit.
std::optional<std::int64_t> integer_at(const Column& column, std::size_t row) {
  if (column.type() == Type::int64) return column.values<std::int64_t>()[row];
  if (column.type() == Type::uint64) {
    const std::uint64_t value = column.values<std::uint64_t>()[row];
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return static_cast<std::int64_t>(value);
  }
  return static_cast<std::int64_t>(column.number(row));
}

/// Calls `read(text, value)` once for each distinct string; a text it can't read is an issue.
template <class T, class Read>
Column read_texts(const Column& raw, Type type, const ColumnModel& model, const Conversion& conversion,
                  Read read) {
  enum State : std::uint8_t { unseen, good, blank, bad };
  const Dictionary& dictionary = raw.dictionary();
  std::vector<State> states(dictionary.size(), unseen);
  std::vector<T> parsed(dictionary.size());
  std::vector<std::string_view> rules(dictionary.size());
  const auto codes = raw.values<std::int32_t>();
  std::vector<T> values(raw.size(), T{});
  std::vector<std::uint8_t> valid(raw.size(), 0);
  std::int64_t blanks = 0, first_blank = -1;
  for (std::size_t row = 0; row < raw.size(); ++row) {
    tick(row);
    if (raw.is_null(row)) continue;
    const auto code = static_cast<std::size_t>(codes[row]);
    if (states[code] == unseen) {
      const std::string_view text = trimmed(dictionary[code]);
      if (text.empty()) {
        states[code] = blank;
      } else {
        rules[code] = read(text, parsed[code]);
        states[code] = rules[code].empty() ? good : bad;
      }
    }
    if (states[code] == good) {
      values[row] = parsed[code];
      valid[row] = 1;
    } else if (states[code] == bad) {
      conversion.issues->add(conversion.table, static_cast<std::int64_t>(row), model.name, rules[code],
                             dictionary[code]);
    } else if (blanks++ == 0) {
      first_blank = static_cast<std::int64_t>(row);
    }
  }
  conversion.issues->add_many(conversion.table, first_blank, model.name, "blank_text", blanks,
                              Severity::info);
  return Column::of(type, std::move(values), valid);
}

/// Calls `read(row, value)` for each valid row; the rule it returns is an issue and a null.
template <class T, class Read>
Column read_rows(const Column& raw, Type type, const ColumnModel& model, const Conversion& conversion,
                 Read read) {
  std::vector<T> values(raw.size(), T{});
  std::vector<std::uint8_t> valid(raw.size(), 0);
  for (std::size_t row = 0; row < raw.size(); ++row) {
    tick(row);
    if (raw.is_null(row)) continue;
    const std::string_view rule = read(row, values[row]);
    if (rule.empty())
      valid[row] = 1;
    else
      conversion.issues->add(conversion.table, static_cast<std::int64_t>(row), model.name, rule,
                             raw.cell(row));
  }
  return Column::of(type, std::move(values), valid);
}

Column refuse(const Column& raw, Type type, const ColumnModel& model, const Conversion& conversion) {
  conversion.issues->add_many(conversion.table, -1, model.name, "wrong_type",
                              static_cast<std::int64_t>(raw.size() - raw.null_count()), Severity::error);
  return Column::nulls(type, raw.size());
}

// ---- strings ----

Column to_text(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  if (raw.type() == Type::string) {
    // Blank entries become nulls; all others keep their code.
    const Dictionary& dictionary = raw.dictionary();
    std::vector<std::uint8_t> blank(dictionary.size());
    bool any = false;
    for (std::size_t code = 0; code < dictionary.size(); ++code)
      any |= (blank[code] = is_blank(dictionary[code])) != 0;
    if (!any) return raw;
    const auto codes = raw.values<std::int32_t>();
    std::vector<std::uint8_t> valid(raw.size());
    std::int64_t blanks = 0, first = -1;
    for (std::size_t row = 0; row < raw.size(); ++row) {
      tick(row);
      valid[row] = raw.valid(row) && blank[static_cast<std::size_t>(codes[row])] == 0;
      if (raw.valid(row) && valid[row] == 0 && blanks++ == 0) first = static_cast<std::int64_t>(row);
    }
    conversion.issues->add_many(conversion.table, first, model.name, "blank_text", blanks, Severity::info);
    return Column::of_codes({codes.begin(), codes.end()}, raw.shared_dictionary(), valid);
  }
  DictionaryBuilder builder;
  std::vector<std::int32_t> codes(raw.size(), 0);
  std::vector<std::uint8_t> valid(raw.size(), 0);
  for (std::size_t row = 0; row < raw.size(); ++row) {
    tick(row);
    if (raw.is_null(row)) continue;
    // Integers that passed through a float column (a dataframe's way to hold nulls) keep their digits.
    const double number = is_float(raw.type()) ? raw.number(row) : 0.5;
    if (std::isnan(number)) continue;
    const bool whole = number == std::floor(number) && std::abs(number) < 9.0e15;
    codes[row] = builder.code(whole ? std::to_string(static_cast<std::int64_t>(number)) : raw.cell(row));
    valid[row] = 1;
  }
  return Column::of_codes(std::move(codes), builder.finish(), valid);
}

/// "Best Case" and "best-case" are `best_case`.
std::string code_spelling(std::string_view text) {
  std::string spelling;
  for (const char c : trimmed(text)) {
    if (c == ' ' || c == '-' || c == '_')
      spelling.push_back('_');
    else
      spelling.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return spelling;
}

/// Each text in its usual spelling where `known(spelling)` says so; the others stay and break `rule`.
template <class Spell, class Known>
Column respelled(const Column& raw, const ColumnModel& model, const Conversion& conversion,
                 std::string_view rule, const Spell& spell, const Known& is_known) {
  const Column text = to_text(raw, model, conversion);
  const Dictionary& dictionary = text.dictionary();
  DictionaryBuilder builder;
  std::vector<std::int32_t> place(dictionary.size());
  std::vector<std::uint8_t> known(dictionary.size());
  for (std::size_t code = 0; code < dictionary.size(); ++code) {
    const std::string spelling = spell(dictionary[code]);
    known[code] = is_known(spelling) ? 1 : 0;
    place[code] = builder.code(known[code] != 0 ? std::string_view(spelling) : dictionary[code]);
  }
  std::vector<std::int32_t> codes(text.size(), 0);
  std::vector<std::uint8_t> valid(text.size(), 0);
  const auto from = text.values<std::int32_t>();
  for (std::size_t row = 0; row < text.size(); ++row) {
    tick(row);
    if (text.is_null(row)) continue;
    const auto code = static_cast<std::size_t>(from[row]);
    codes[row] = place[code];
    valid[row] = 1;
    if (known[code] == 0)
      conversion.issues->add(conversion.table, static_cast<std::int64_t>(row), model.name, rule,
                             dictionary[code]);
  }
  return Column::of_codes(std::move(codes), builder.finish(), valid);
}

Column to_code(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  return respelled(raw, model, conversion, "unknown_value", code_spelling, [&](const std::string& spelling) {
    return std::find(model.values.begin(), model.values.end(), spelling) != model.values.end();
  });
}

/// "usd" is `USD`; what ISO 4217 doesn't list stays.
Column to_currency(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  return respelled(raw, model, conversion, "unknown_currency", currency_spelling,
                   [](const std::string& capitals) { return Currency::find(capitals).has_value(); });
}

// ---- times ----

std::string_view in_range(std::int64_t us) {
  return us >= first_us && us < last_us ? "" : "date_out_of_range";
}

Column to_instant(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  switch (raw.type()) {
    case Type::timestamp: {
      const auto values = raw.values<std::int64_t>();
      const auto fits = [&](std::size_t row) { return raw.is_null(row) || in_range(values[row]).empty(); };
      bool all = true;
      for (std::size_t row = 0; all && row < raw.size(); ++row) all = fits(row);
      if (all) return raw;
      return read_rows<std::int64_t>(raw, Type::timestamp, model, conversion,
                                     [&](std::size_t row, std::int64_t& value) {
                                       value = values[row];
                                       return in_range(value);
                                     });
    }
    case Type::date:
      return read_rows<std::int64_t>(raw, Type::timestamp, model, conversion,
                                     [&](std::size_t row, std::int64_t& value) {
                                       value = raw.values<std::int32_t>()[row] * us_per_day;
                                       return in_range(value);
                                     });
    case Type::string:
      return read_texts<std::int64_t>(raw, Type::timestamp, model, conversion,
                                      [](std::string_view text, std::int64_t& value) -> std::string_view {
                                        const auto instant = read_instant(text);
                                        if (!instant) return "not_an_instant";
                                        value = instant->us;
                                        return {};
                                      });
    default: return refuse(raw, Type::timestamp, model, conversion);
  }
}

Column to_date(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  const auto day_of = [](std::int64_t us, std::int32_t& value) -> std::string_view {
    if (const auto rule = in_range(us); !rule.empty()) return rule;
    value = Instant{us}.utc_date().days;
    return {};
  };
  switch (raw.type()) {
    case Type::date:
      return read_rows<std::int32_t>(raw, Type::date, model, conversion,
                                     [&](std::size_t row, std::int32_t& value) {
                                       value = raw.values<std::int32_t>()[row];
                                       return in_range(value * us_per_day);
                                     });
    case Type::timestamp:
      return read_rows<std::int32_t>(raw, Type::date, model, conversion,
                                     [&](std::size_t row, std::int32_t& value) {
                                       return day_of(raw.values<std::int64_t>()[row], value);
                                     });
    case Type::string:
      return read_texts<std::int32_t>(raw, Type::date, model, conversion,
                                      [&](std::string_view text, std::int32_t& value) -> std::string_view {
                                        const auto instant = read_instant(text);
                                        return instant ? day_of(instant->us, value) : "not_a_date";
                                      });
    default: return refuse(raw, Type::date, model, conversion);
  }
}

// ---- numbers ----

std::string_view read_double(std::string_view text, double& value) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size() || !std::isfinite(value))
    return "not_a_number";
  return {};
}

Column to_double(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  if (raw.type() == Type::string)
    return read_texts<double>(raw, Type::float64, model, conversion, read_double);
  if (!is_number(raw.type()) && raw.type() != Type::boolean)
    return refuse(raw, Type::float64, model, conversion);
  return read_rows<double>(raw, Type::float64, model, conversion,
                           [&](std::size_t row, double& value) -> std::string_view {
                             value = raw.number(row);
                             return std::isfinite(value) ? "" : "not_a_number";
                           });
}

Column to_integer(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  const auto whole = [](double number, std::int64_t& value) -> std::string_view {
    if (!std::isfinite(number) || number != std::floor(number) || std::abs(number) > 9.0e15)
      return "not_an_integer";
    value = static_cast<std::int64_t>(number);
    return {};
  };
  if (raw.type() == Type::string)
    return read_texts<std::int64_t>(raw, Type::int64, model, conversion,
                                    [&](std::string_view text, std::int64_t& value) -> std::string_view {
                                      const auto end =
                                          std::from_chars(text.data(), text.data() + text.size(), value);
                                      if (end.ec == std::errc{} && end.ptr == text.data() + text.size())
                                        return {};
                                      double number = 0;
                                      if (!read_double(text, number).empty()) return "not_an_integer";
                                      return whole(number, value);
                                    });
  if (!is_number(raw.type())) return refuse(raw, Type::int64, model, conversion);
  return read_rows<std::int64_t>(raw, Type::int64, model, conversion,
                                 [&](std::size_t row, std::int64_t& value) -> std::string_view {
                                   if (!is_integer(raw.type())) return whole(raw.number(row), value);
                                   const auto exact = integer_at(raw, row);
                                   if (!exact) return "not_an_integer";
                                   value = *exact;
                                   return {};
                                 });
}

Column to_flag(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  if (raw.type() == Type::boolean) return raw;
  if (raw.type() == Type::string)
    return read_texts<std::uint8_t>(raw, Type::boolean, model, conversion,
                                    [](std::string_view text, std::uint8_t& value) -> std::string_view {
                                      const std::string word = code_spelling(text);
                                      for (const char* yes : {"true", "yes", "1", "t", "y"})
                                        if (word == yes) return value = 1, "";
                                      for (const char* no : {"false", "no", "0", "f", "n"})
                                        if (word == no) return value = 0, "";
                                      return "not_a_flag";
                                    });
  if (!is_number(raw.type())) return refuse(raw, Type::boolean, model, conversion);
  return read_rows<std::uint8_t>(raw, Type::boolean, model, conversion,
                                 [&](std::size_t row, std::uint8_t& value) -> std::string_view {
                                   const double number = raw.number(row);
                                   value = number == 1.0;
                                   return number == 0.0 || number == 1.0 ? "" : "not_a_flag";
                                 });
}

/// Fractions come as 0–1 or as percent; a column that mixes the two scales can't be told apart. Later rows
/// are read in the scale of those before them.
Column to_fraction(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  const Column numbers = to_double(raw, model, conversion);
  const auto values = numbers.values<double>();
  std::int64_t above_one = 0, inside = 0, first_inside = -1;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    tick(row);
    if (numbers.is_null(row)) continue;
    if (values[row] > 1.0) ++above_one;
    if (values[row] > 0.0 && values[row] < 1.0 && inside++ == 0)
      first_inside = static_cast<std::int64_t>(row);
  }
  int& known = (*conversion.scales)[model.name];
  const bool percent = above_one > 0 || known == 100;
  if (percent && (inside > 0 || known == 1)) {
    conversion.issues->add_many(conversion.table, first_inside, model.name, "mixed_fraction_scales",
                                static_cast<std::int64_t>(numbers.size() - numbers.null_count()),
                                Severity::error);
    return Column::nulls(Type::float64, numbers.size());
  }
  if (above_one > 0 || inside > 0) known = percent ? 100 : 1;
  const double scale = percent ? 0.01 : 1.0;
  if (percent)
    conversion.issues->add_many(conversion.table, -1, model.name, "percent_scale", 1, Severity::info);
  return read_rows<double>(numbers, Type::float64, model, conversion,
                           [&](std::size_t row, double& value) -> std::string_view {
                             value = values[row] * scale;
                             return value >= 0.0 && value <= 1.0 ? "" : "fraction_out_of_range";
                           });
}

// ---- money ----

/// The decimal exponent of each row's currency.
class Exponents {
 public:
  explicit Exponents(const Conversion& conversion)
      : column_(conversion.currency), default_(money::minor_digits(conversion.default_currency)) {
    if (column_ == nullptr) return;
    const Dictionary& dictionary = column_->dictionary();
    for (std::size_t code = 0; code < dictionary.size(); ++code)
      by_code_.push_back(money::minor_digits(dictionary[code]));
  }
  [[nodiscard]] int operator()(std::size_t row) const {
    if (column_ == nullptr || column_->is_null(row)) return default_;
    return by_code_[static_cast<std::size_t>(column_->values<std::int32_t>()[row])];
  }

 private:
  const Column* column_;
  int default_;
  std::vector<int> by_code_;
};

Column to_money(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  if (raw.type() == Type::money) return raw;
  if (raw.type() != Type::string && !is_number(raw.type()))
    return refuse(raw, Type::money, model, conversion);
  const Exponents exponent(conversion);
  const bool minor = conversion.minor_units && is_integer(raw.type());
  std::int64_t lost = 0, first_lost = -1;
  const bool text_column = raw.type() == Type::string;
  Column column = read_rows<std::int64_t>(raw, Type::money, model, conversion,
                                          [&](std::size_t row, std::int64_t& value) -> std::string_view {
                                            const int digits = minor ? 0 : exponent(row);
                                            std::optional<money::MinorUnits> amount;
                                            if (text_column) {
                                              const std::string_view text = trimmed(raw.text(row));
                                              if (text.empty()) return "blank_text";
                                              amount = money::from_text(text, digits);
                                            } else if (is_float(raw.type())) {
                                              const double number = raw.number(row);
                                              if (!std::isfinite(number)) return "not_a_number";
                                              amount = money::from_double(number, digits);
                                            } else {
                                              amount = money::from_text(raw.cell(row), digits);
                                            }
                                            if (!amount || amount->minor == null_value)
                                              return text_column ? "not_an_amount" : "amount_out_of_range";
                                            if (amount->digit_lost && lost++ == 0)
                                              first_lost = static_cast<std::int64_t>(row);
                                            value = amount->minor;
                                            return {};
                                          });
  conversion.issues->add_many(conversion.table, first_lost, model.name, "lost_digit", lost);
  return column;
}

}  // namespace

std::optional<Instant> read_instant(std::string_view text) {
  if (const auto instant = Instant::parse(text)) return instant;
  constexpr std::size_t day = 10, offset = 3;
  if (text.size() <= day + offset) return std::nullopt;
  const std::string_view end = text.substr(text.size() - offset), time = text.substr(0, text.size() - offset);
  if (end == "UTC" || end == "GMT") return Instant::parse(std::string(trimmed(time)) + "Z");
  if ((end.front() == '+' || end.front() == '-') && time.find(':') != std::string_view::npos)
    return Instant::parse(std::string(text) + ":00");
  return std::nullopt;
}

bool is_blank(std::string_view text) noexcept { return trimmed(text).empty(); }

std::string currency_spelling(std::string_view text) {
  std::string capitals(trimmed(text));
  for (char& c : capitals)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return capitals;
}

Column to_kind(const Column& raw, const ColumnModel& model, const Conversion& conversion) {
  const bool of_rate = conversion.table == "fx_rate" && (model.name == "from" || model.name == "to");
  if (model.name == "currency" || of_rate) return to_currency(raw, model, conversion);
  switch (model.kind) {
    case Kind::id:
    case Kind::text: return to_text(raw, model, conversion);
    case Kind::code: return to_code(raw, model, conversion);
    case Kind::instant: return to_instant(raw, model, conversion);
    case Kind::date: return to_date(raw, model, conversion);
    case Kind::money: return to_money(raw, model, conversion);
    case Kind::decimal: return to_double(raw, model, conversion);
    case Kind::fraction: return to_fraction(raw, model, conversion);
    case Kind::integer: return to_integer(raw, model, conversion);
    case Kind::flag: return to_flag(raw, model, conversion);
  }
  return raw;
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
