#include "read.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "salesops/money.hpp"
#include "salesops/parallel.hpp"
#include "text.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

namespace {

using ingest::DateOrder;
using ingest::DecimalMark;
using ingest::Epoch;

bool is_integer(Type type) noexcept { return type >= Type::int8 && type <= Type::uint64; }
bool is_number(Type type) noexcept { return type >= Type::int8 && type <= Type::decimal; }

/// Calls `use(code)` for each code of a valid row, once.
template <class Use>
void for_used(const Column& texts, Use use) {
  std::vector<std::uint8_t> seen(texts.dictionary().size());
  const auto codes = texts.values<std::int32_t>();
  for (std::size_t row = 0; row < texts.size(); ++row)
    if (texts.valid(row) && std::exchange(seen[static_cast<std::size_t>(codes[row])], std::uint8_t{1}) == 0)
      use(static_cast<std::size_t>(codes[row]));
}

void report(const Reading& reading, std::size_t row, std::string_view name, std::string_view rule,
            std::string_view value) {
  reading.issues->add(reading.table, reading.origin[row], name, rule, value);
}

void note(const Reading& reading, std::string_view name, std::string_view rule) {
  reading.issues->add(reading.table, -1, name, rule, {}, Severity::info);
}

/// A typed column out of what each distinct text came to; a rule is an issue for each of its rows.
template <class T>
Column from_codes(const Column& texts, Type type, const std::vector<T>& parsed,
                  const std::vector<std::string_view>& rules, std::string_view name, const Reading& reading) {
  const auto codes = texts.values<std::int32_t>();
  std::vector<T> values(texts.size(), T{});
  std::vector<std::uint8_t> valid(texts.size());
  for (std::size_t row = 0; row < texts.size(); ++row) {
    tick(row);
    if (texts.is_null(row)) continue;
    const auto code = static_cast<std::size_t>(codes[row]);
    if (rules[code].empty()) {
      values[row] = parsed[code];
      valid[row] = 1;
    } else {
      report(reading, row, name, rules[code], texts.text(row));
    }
  }
  return Column::of(type, std::move(values), valid);
}

/// The same for texts that stay texts.
Column texts_from_codes(const Column& texts, const std::vector<std::string>& parsed,
                        const std::vector<std::string_view>& rules, std::string_view name,
                        const Reading& reading) {
  DictionaryBuilder builder;
  std::vector<std::int32_t> place(parsed.size());
  for (std::size_t code = 0; code < parsed.size(); ++code) place[code] = builder.code(parsed[code]);
  const Column codes = from_codes(texts, Type::int32, place, rules, name, reading);
  const auto span = codes.values<std::int32_t>();
  std::vector<std::uint8_t> valid(codes.size());
  for (std::size_t row = 0; row < codes.size(); ++row) valid[row] = codes.valid(row);
  return Column::of_codes({span.begin(), span.end()}, builder.finish(), valid);
}

// ---- times ----

/// Microseconds since 1970 of a count, or nothing when no unit fits.
std::optional<std::int64_t> epoch_us(double count, Epoch unit) {
  const double size = std::abs(count);
  if (!std::isfinite(count)) return std::nullopt;
  if (unit == Epoch::detect)
    unit = size >= 1e8 && size < 1e11 ? Epoch::s : size >= 1e11 && size < 1e14 ? Epoch::ms : Epoch::us;
  if (unit == Epoch::us && size < 1e14) return std::nullopt;
  const double scale = unit == Epoch::s    ? 1e6
                       : unit == Epoch::ms ? 1e3
                       : unit == Epoch::us ? 1.0
                                           : static_cast<double>(us_per_day);
  const double from = unit == Epoch::excel_days ? 25569.0 : 0.0;
  const double us = (count - from) * scale;
  if (us < static_cast<double>(first_date.days) * static_cast<double>(us_per_day) ||
      us >= static_cast<double>(last_date.days + 1) * static_cast<double>(us_per_day))
    return std::nullopt;
  return std::llround(us);
}

/// The order that the values of a column prove. `mixed` when they prove two.
DateOrder proven_order(const std::vector<std::optional<DateText>>& parsed, bool& mixed) {
  bool dmy = false, mdy = false;
  for (const auto& text : parsed) {
    if (!text || text->ordered) continue;
    dmy |= text->first > 12 && text->second <= 12;
    mdy |= text->second > 12 && text->first <= 12;
  }
  mixed = dmy && mdy;
  return mixed ? DateOrder::detect : dmy ? DateOrder::dmy : mdy ? DateOrder::mdy : DateOrder::detect;
}

/// The date of a text under the column's order, else the rule it breaks.
std::string_view date_of(const DateText& text, DateOrder order, bool mixed, Date& date) {
  if (!text.ordered && order == DateOrder::detect) {
    const auto day_first = text.date(DateOrder::dmy);
    const auto month_first = text.date(DateOrder::mdy);
    if (day_first && month_first && *day_first != *month_first)
      return mixed ? "mixed_date_order" : "ambiguous_date";
    if (!day_first && !month_first) return "not_a_date";
    date = day_first ? *day_first : *month_first;
    return {};
  }
  const auto found = text.date(order);
  if (!found) return "not_a_date";
  date = *found;
  return {};
}

/// A time as read: a civil day, or an instant.
struct Time {
  std::int64_t us = 0;
  bool day_only = false;
};

/// Reads the texts of a date or instant column, one each.
class TimeTexts {
 public:
  TimeTexts(const Column& texts, const ingest::Reader& reader, const Reading& reading)
      : clock_(&reading.zones->find(!reader.clock.empty()             ? reader.clock
                                    : !reading.mapping->clock.empty() ? reading.mapping->clock
                                                                      : reading.mapping->zone)),
        epoch_(reader.epoch),
        parsed_(texts.dictionary().size()) {
    for_used(texts, [&](std::size_t code) { parsed_[code] = DateText::parse(texts.dictionary()[code]); });
    order_ = reader.date_order != DateOrder::detect ? reader.date_order : reading.mapping->date_order;
    if (order_ == DateOrder::detect) order_ = proven_order(parsed_, mixed_);
  }

  /// The rule that is broken, or none.
  std::string_view read(std::size_t code, std::string_view text, Time& time) {
    const auto& parsed = parsed_[code];
    if (!parsed) {
      double count = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), count);
      if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return "not_a_date";
      const auto us = epoch_us(count, epoch_);
      if (!us) return "not_a_date";
      epochs_ = true;
      time.us = *us;
      return {};
    }
    Date date;
    const auto rule = date_of(*parsed, order_, mixed_, date);
    if (!rule.empty()) return rule;
    short_years_ |= parsed->two_digit_year;
    time.day_only = !parsed->has_time;
    days_only_ |= time.day_only;
    const std::int64_t reading = date.days * us_per_day + parsed->time_us;
    if (time.day_only)
      time.us = reading;
    else if (parsed->offset_seconds)
      time.us = reading - *parsed->offset_seconds * us_per_second;
    else
      time.us = clock_->to_utc(LocalTime{reading}).us;
    return {};
  }

  void note_all(const Reading& reading, std::string_view name, bool instant) const {
    if (epochs_) note(reading, name, "epoch_time");
    if (short_years_) note(reading, name, "two_digit_year");
    if (days_only_ && instant) note(reading, name, "date_only");
  }

 private:
  const TimeZone* clock_;
  Epoch epoch_;
  DateOrder order_ = DateOrder::detect;
  bool mixed_ = false, epochs_ = false, short_years_ = false, days_only_ = false;
  std::vector<std::optional<DateText>> parsed_;
};

Column read_time_texts(const Column& texts, std::string_view name, bool instant, const ingest::Reader& reader,
                       const Reading& reading) {
  TimeTexts times(texts, reader, reading);
  const TimeZone& zone = reading.zones->find(reading.mapping->zone);
  const std::size_t n = texts.dictionary().size();
  std::vector<std::string_view> rules(n);
  std::vector<std::int64_t> instants(n);
  std::vector<std::int32_t> days(n);
  for_used(texts, [&](std::size_t code) {
    Time time;
    rules[code] = times.read(code, texts.dictionary()[code], time);
    instants[code] = time.us;
    days[code] = time.day_only ? Instant{time.us}.utc_date().days : zone.local_date(Instant{time.us}).days;
  });
  times.note_all(reading, name, instant);
  return instant ? from_codes(texts, Type::timestamp, instants, rules, name, reading)
                 : from_codes(texts, Type::date, days, rules, name, reading);
}

/// Times that came typed: instants cut to dates in the zone, numbers since 1970.
Column read_times(const Column& raw, std::string_view name, bool instant, const ingest::Reader& reader,
                  const Reading& reading) {
  const TimeZone& zone = reading.zones->find(reading.mapping->zone);
  if (raw.type() == Type::date && instant) note(reading, name, "date_only");
  const bool numbers = is_number(raw.type());
  if (!numbers && (raw.type() != Type::timestamp || instant)) return raw;
  std::vector<std::int64_t> instants(raw.size());
  std::vector<std::int32_t> days(raw.size());
  std::vector<std::uint8_t> valid(raw.size());
  for (std::size_t row = 0; row < raw.size(); ++row) {
    tick(row);
    if (raw.is_null(row)) continue;
    const auto us =
        numbers ? epoch_us(raw.number(row), reader.epoch) : std::optional(raw.values<std::int64_t>()[row]);
    if (!us || *us < first_date.days * us_per_day || *us >= (last_date.days + 1) * us_per_day) {
      report(reading, row, name, "not_a_date", raw.cell(row));
      continue;
    }
    valid[row] = 1;
    instants[row] = *us;
    days[row] = zone.local_date(Instant{*us}).days;
  }
  if (numbers) note(reading, name, "epoch_time");
  return instant ? Column::of(Type::timestamp, std::move(instants), valid)
                 : Column::of(Type::date, std::move(days), valid);
}

// ---- numbers ----

/// The decimal mark that the values of a column prove; `mixed` when they prove two.
DecimalMark proven_mark(const std::vector<std::optional<NumberText>>& parsed, Kind kind, bool& mixed) {
  using Shape = NumberText::Shape;
  bool point = false, comma = false, ungrouped = false, either_point = false, either_comma = false;
  for (const auto& number : parsed) {
    if (!number) continue;
    point |= number->shape == Shape::point;
    comma |= number->shape == Shape::comma;
    ungrouped |= number->shape == Shape::ungrouped;
    either_point |= number->shape == Shape::either_point;
    either_comma |= number->shape == Shape::either_comma;
  }
  mixed = point && comma;
  if (mixed) return DecimalMark::detect;
  if (point || comma) return point ? DecimalMark::point : DecimalMark::comma;
  // A column that writes 12345 groups nothing, so its only mark is for decimals, where it can be.
  const bool no_decimals = kind == Kind::integer || (kind == Kind::money && either_comma);
  if (ungrouped && either_point != either_comma && !no_decimals)
    return either_point ? DecimalMark::point : DecimalMark::comma;
  return DecimalMark::detect;
}

/// The mark of a value that its column leaves open, or the rule that forbids a choice.
std::string_view mark_of(const NumberText& number, Kind kind, bool mixed, DecimalMark& mark) {
  using Shape = NumberText::Shape;
  const bool point = number.shape == Shape::either_point;
  mark = number.shape == Shape::comma ? DecimalMark::comma : DecimalMark::point;
  if (!point && number.shape != Shape::either_comma) return {};
  if (mixed) return "mixed_decimal_mark";
  if (kind == Kind::integer) {
    mark = point ? DecimalMark::comma : DecimalMark::point;
    return {};
  }
  // No one writes an amount with three decimals behind a comma; a program writes 0.125 with a point.
  if (kind == Kind::money ? !point : point) return {};
  return "ambiguous_number";
}

struct Numbers {
  std::vector<std::optional<NumberText>> parsed;
  std::vector<std::string> plain;
  std::vector<std::string_view> rules;
};

/// Plain decimal texts of the distinct texts; what is no number stays as it is, for the book to name.
Numbers read_numbers(const Column& texts, Kind kind, const ingest::Reader& reader, const Reading& reading) {
  const std::size_t n = texts.dictionary().size();
  Numbers numbers{std::vector<std::optional<NumberText>>(n), std::vector<std::string>(n),
                  std::vector<std::string_view>(n)};
  for_used(texts,
           [&](std::size_t code) { numbers.parsed[code] = NumberText::parse(texts.dictionary()[code]); });
  bool mixed = false;
  DecimalMark given = reader.decimal != DecimalMark::detect ? reader.decimal : reading.mapping->decimal;
  if (given == DecimalMark::detect) given = proven_mark(numbers.parsed, kind, mixed);
  for_used(texts, [&](std::size_t code) {
    numbers.plain[code] = texts.dictionary()[code];
    const auto& number = numbers.parsed[code];
    if (!number) return;
    DecimalMark mark = given;
    if (mark == DecimalMark::detect) numbers.rules[code] = mark_of(*number, kind, mixed, mark);
    if (!numbers.rules[code].empty()) return;
    if (auto plain = number->plain(mark)) numbers.plain[code] = std::move(*plain);
  });
  return numbers;
}

Column read_money(const Column& texts, std::string_view name, const ingest::Reader& reader,
                  const Reading& reading, std::vector<std::string>* currencies) {
  Numbers numbers = read_numbers(texts, Kind::money, reader, reading);
  Column amounts = texts_from_codes(texts, numbers.plain, numbers.rules, name, reading);
  if (currencies == nullptr) return amounts;
  const auto codes = texts.values<std::int32_t>();
  std::vector<std::int64_t> keep(texts.size());
  bool any = false;
  for (std::size_t row = 0; row < texts.size(); ++row) {
    tick(row);
    keep[row] = static_cast<std::int64_t>(row);
    if (texts.is_null(row)) continue;
    const auto& number = numbers.parsed[static_cast<std::size_t>(codes[row])];
    if (!number || number->currency.empty()) continue;
    std::string& currency = (*currencies)[row];
    if (currency.empty()) currency = number->currency;
    if (currency == number->currency) continue;
    report(reading, row, name, "currency_mismatch", texts.text(row));
    keep[row] = -1;
    any = true;
  }
  return any ? amounts.take(keep) : amounts;
}

/// Hundredths. A column with values inside (0, 1) only is a fraction already, and one that mixes
/// them with values above 1 is left to the book, which refuses it.
Column hundredths(const Column& numbers) {
  bool inside = false;
  std::vector<double> values(numbers.size());
  std::vector<std::uint8_t> valid(numbers.size());
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    tick(row);
    if (numbers.is_null(row)) continue;
    valid[row] = 1;
    if (numbers.type() == Type::string) {
      const std::string_view text = numbers.text(row);
      const auto end = std::from_chars(text.data(), text.data() + text.size(), values[row]);
      if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return numbers;
    } else {
      values[row] = numbers.number(row);
    }
    inside |= values[row] > 0.0 && values[row] < 1.0;
  }
  if (inside) return numbers;
  for (double& value : values) value /= 100.0;
  return Column::of(Type::float64, std::move(values), valid);
}

Column read_fraction(const Column& texts, std::string_view name, const ingest::Reader& reader,
                     const Reading& reading) {
  Numbers numbers = read_numbers(texts, Kind::fraction, reader, reading);
  const bool percent = std::any_of(numbers.parsed.begin(), numbers.parsed.end(),
                                   [](const auto& number) { return number && number->percent; });
  if (!percent) {
    Column plain = texts_from_codes(texts, numbers.plain, numbers.rules, name, reading);
    return reader.percent ? hundredths(plain) : plain;
  }
  std::vector<double> values(numbers.plain.size());
  for (std::size_t code = 0; code < values.size(); ++code) {
    const auto& number = numbers.parsed[code];
    if (!numbers.rules[code].empty()) continue;
    const std::string& text = numbers.plain[code];
    const auto end = std::from_chars(text.data(), text.data() + text.size(), values[code]);
    if (!number || end.ec != std::errc{})
      numbers.rules[code] = "not_a_number";
    else if (!number->percent && values[code] != 0.0)
      numbers.rules[code] = "mixed_fraction_scales";
    values[code] /= 100.0;
  }
  return from_codes(texts, Type::float64, values, numbers.rules, name, reading);
}

Column read_number(const Column& texts, std::string_view name, Kind kind, const ingest::Reader& reader,
                   const Reading& reading) {
  const Numbers numbers = read_numbers(texts, kind, reader, reading);
  return texts_from_codes(texts, numbers.plain, numbers.rules, name, reading);
}

// ---- ids ----

/// "12.0", an integer that went through a float column, is "12" when all ids of the column are so.
Column read_ids(const Column& texts, std::string_view name, const Reading& reading) {
  const auto is_float = [](std::string_view text) {
    return text.size() > 2 && text.ends_with(".0") &&
           std::all_of(text.begin(), text.end() - 2, [](char c) { return c >= '0' && c <= '9'; });
  };
  bool floats = true, any = false;
  for_used(texts, [&](std::size_t code) {
    floats = floats && is_float(texts.dictionary()[code]);
    any = true;
  });
  const bool salesforce = reading.mapping->salesforce_ids;
  if (!any || (!floats && !salesforce)) return texts;
  std::vector<std::string> ids(texts.dictionary().size());
  std::vector<std::uint8_t> bad(ids.size());
  for_used(texts, [&](std::size_t code) {
    const std::string_view text = texts.dictionary()[code];
    ids[code] = floats ? text.substr(0, text.size() - 2) : text;
    if (!salesforce || !is_salesforce_id(text)) return;
    bad[code] = text.size() == 18 && !salesforce_checksum_fits(text);
    ids[code] = text.size() == 18 ? std::string(text) : ingest::salesforce_id(text);
  });
  const auto codes = texts.values<std::int32_t>();
  for (std::size_t row = 0; row < texts.size(); ++row)
    if (texts.valid(row) && bad[static_cast<std::size_t>(codes[row])] != 0)
      report(reading, row, name, "bad_id_checksum", texts.text(row));
  return texts_from_codes(texts, ids, std::vector<std::string_view>(ids.size()), name, reading);
}

/// Texts trimmed, blanks and placeholders null (counted), `source.values` applied.
Column clean_texts(const Column& raw, std::string_view name, bool flag, const ingest::Source& source,
                   const Reading& reading) {
  std::map<std::string, const std::string*> values;
  for (const auto& [from, to] : source.values) values.emplace(folded(trimmed(from)), &to);
  const Dictionary& dictionary = raw.dictionary();
  enum State : std::uint8_t { kept, blank, placeholder };
  std::vector<std::uint8_t> states(dictionary.size());
  std::vector<std::int32_t> place(dictionary.size());
  DictionaryBuilder builder;
  for_used(raw, [&](std::size_t code) {
    const std::string_view text = trimmed(dictionary[code]);
    const std::string key = folded(text);
    const auto mapped = values.find(key);
    const auto& placeholders = reading.mapping->placeholders;
    if (mapped != values.end()) {
      if (mapped->second->empty())
        states[code] = blank;
      else
        place[code] = builder.code(*mapped->second);
    } else if (text.empty()) {
      states[code] = blank;
    } else if (!(flag && key == "false") &&
               std::any_of(placeholders.begin(), placeholders.end(),
                           [&](const std::string& word) { return folded(word) == key; })) {
      states[code] = placeholder;
    } else {
      place[code] = builder.code(text);
    }
  });
  const auto from = raw.values<std::int32_t>();
  std::vector<std::int32_t> codes(raw.size());
  std::vector<std::uint8_t> valid(raw.size());
  std::int64_t blanks = 0, first_blank = -1;
  for (std::size_t row = 0; row < raw.size(); ++row) {
    tick(row);
    if (raw.is_null(row)) continue;
    const auto code = static_cast<std::size_t>(from[row]);
    if (states[code] == kept) {
      codes[row] = place[code];
      valid[row] = 1;
    } else if (states[code] == placeholder) {
      report(reading, row, name, "placeholder", raw.text(row));
    } else if (states[code] == blank && values.empty() && blanks++ == 0) {
      first_blank = reading.origin[row];
    }
  }
  reading.issues->add_many(reading.table, first_blank, name, "blank_text", blanks, Severity::info);
  return Column::of_codes(std::move(codes), builder.finish(), valid);
}

/// Whether a cell is the value wanted; one that ends in * is the beginning of it.
bool same_value(std::string_view cell, std::string_view wanted) {
  if (folded(trimmed(cell)) == folded(wanted)) return true;
  if (wanted.ends_with('*'))
    return folded(trimmed(cell)).starts_with(folded(wanted.substr(0, wanted.size() - 1)));
  double a = 0, b = 0;
  cell = trimmed(cell);
  const auto left = std::from_chars(cell.data(), cell.data() + cell.size(), a);
  const auto right = std::from_chars(wanted.data(), wanted.data() + wanted.size(), b);
  return left.ec == std::errc{} && right.ec == std::errc{} && left.ptr == cell.data() + cell.size() &&
         right.ptr == wanted.data() + wanted.size() && a == b;
}

}  // namespace

const TimeZone& Zones::find(const std::string& name) {
  if (name.empty() || name == "UTC") return utc_;
  const auto found = zones_.find(name);
  return found != zones_.end() ? found->second : zones_.emplace(name, TimeZone::load(name)).first->second;
}

Column as_texts(const Column& column) {
  if (column.type() == Type::string) return column;
  DictionaryBuilder builder;
  std::vector<std::int32_t> codes(column.size());
  std::vector<std::uint8_t> valid(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    tick(row);
    valid[row] = column.valid(row);
    if (valid[row] != 0) codes[row] = builder.code(column.cell(row));
  }
  return Column::of_codes(std::move(codes), builder.finish(), valid);
}

Column read_column(const Column& raw, std::string_view name, Kind kind, const ingest::Source& source,
                   const Reading& reading, std::vector<std::string>* currencies) {
  const bool time = kind == Kind::instant || kind == Kind::date;
  const bool mapped = !source.values.empty();
  Column column = raw;
  if (mapped || kind == Kind::id) column = is_integer(raw.type()) || mapped ? as_texts(raw) : raw;
  if (column.type() != Type::string) {
    if (time) return read_times(column, name, kind == Kind::instant, source.reader, reading);
    if (kind == Kind::fraction && source.reader.percent && is_number(column.type()))
      return hundredths(column);
    return column;
  }
  column = clean_texts(column, name, kind == Kind::flag, source, reading);
  if (mapped && !time) return column;
  switch (kind) {
    case Kind::instant:
    case Kind::date: return read_time_texts(column, name, kind == Kind::instant, source.reader, reading);
    case Kind::money: return read_money(column, name, source.reader, reading, currencies);
    case Kind::fraction: return read_fraction(column, name, source.reader, reading);
    case Kind::decimal:
    case Kind::integer: return read_number(column, name, kind, source.reader, reading);
    case Kind::id: return read_ids(column, name, reading);
    default: return column;
  }
}

std::vector<std::uint8_t> rows_that(const Table& table, const std::vector<ingest::Condition>& conditions) {
  std::vector<std::uint8_t> met(table.num_rows(), 1);
  for (const ingest::Condition& condition : conditions) {
    const auto* found = find_column(table, condition.column);
    if (found == nullptr) return std::vector<std::uint8_t>(table.num_rows(), 0);
    const Column texts = as_texts(found->second);
    std::vector<std::uint8_t> meets(texts.dictionary().size());
    for_used(texts, [&](std::size_t code) {
      meets[code] = std::any_of(
          condition.values.begin(), condition.values.end(),
          [&](const std::string& wanted) { return same_value(texts.dictionary()[code], wanted); });
    });
    const auto codes = texts.values<std::int32_t>();
    const bool blank =
        std::find(condition.values.begin(), condition.values.end(), "") != condition.values.end();
    for (std::size_t row = 0; row < met.size(); ++row)
      if (!(texts.valid(row) ? meets[static_cast<std::size_t>(codes[row])] != 0 : blank)) met[row] = 0;
  }
  return met;
}

const std::pair<std::string, Column>* find_column(const Table& table, std::string_view name) {
  for (const auto& column : table.columns())
    if (column.first == name) return &column;
  const std::string key = name_key(name);
  if (key.empty()) return nullptr;
  for (const auto& column : table.columns())
    if (name_key(column.first) == key) return &column;
  return nullptr;
}

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
