#include "convert.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <type_traits>

namespace salesops {
inline namespace v0 {
namespace csv::detail {

namespace {

constexpr std::string_view not_a_number = "not_a_number";

void set_null(Cells& cells, std::size_t row, std::size_t rows) {
  if (cells.valid.empty()) cells.valid.assign(rows, 1);
  cells.valid[row] = 0;
}

std::string undoubled(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    text.push_back(raw[i]);
    if (raw[i] == '"') ++i;
  }
  return text;
}

/// A reader gives the rule that was broken, or an empty text.
template <class T>
std::string_view read_as_integer(std::string_view text, T& value) {
  text = plain_number(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::string_view() : not_a_number;
}

template <class T>
std::string_view read_as_real(std::string_view text, T& value) {
  text = plain_number(text);
  if (text.empty() || std::string_view("0123456789.-").find(text.front()) == std::string_view::npos ||
      (text.size() > 1 && (text[1] == 'i' || text[1] == 'n' || text[1] == 'I' || text[1] == 'N')))
    return not_a_number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::string_view() : not_a_number;
}

std::string_view read_as_boolean(std::string_view text, std::uint8_t& value) {
  text = trim(text);
  const auto boolean = text == "1" ? true : text == "0" ? false : read_boolean(text);
  if (!boolean) return "not_a_boolean";
  value = *boolean ? 1 : 0;
  return {};
}

std::string_view read_as_date(std::string_view text, std::int32_t& value) {
  const auto date = Date::parse(trim(text));
  if (!date) return "not_a_date";
  value = date->days;
  return {};
}

std::string_view read_as_timestamp(std::string_view text, std::int64_t& value) {
  const auto instant = Instant::parse(trim(text));
  if (!instant) return "not_a_timestamp";
  value = instant->us;
  return {};
}

std::string_view read_as_decimal(std::string_view text, int scale, int128& value) {
  const DecimalText decimal = read_decimal(plain_number(text), scale);
  if (decimal.fault == DecimalFault::not_a_number) return not_a_number;
  if (decimal.fault == DecimalFault::too_many_decimals) return "too_many_decimals";
  value = decimal.value;
  return {};
}

}  // namespace

void add_case(std::vector<Cases>& cases, std::string_view rule, std::size_t row, std::string_view value,
              const IssueOptions& options) {
  auto entry = std::find_if(cases.begin(), cases.end(), [&](const Cases& c) { return c.rule == rule; });
  if (entry == cases.end()) entry = cases.insert(cases.end(), Cases{.rule = rule, .n = 0, .first = {}});
  ++entry->n;
  if (entry->first.size() < options.max_rows)
    entry->first.emplace_back(row, options.keep_values ? std::string(value.substr(0, 100)) : std::string());
}

Converter::Converter(const Options& options, std::uint64_t seed)
    : options_(options),
      seed_(seed),
      only_empty_is_null_(std::all_of(options.null_texts.begin(), options.null_texts.end(),
                                      [](const std::string& text) { return text.empty(); })) {}

bool Converter::is_null_text(std::string_view text) const noexcept {
  return std::any_of(options_.null_texts.begin(), options_.null_texts.end(),
                     [&](const std::string& null_text) { return text == null_text; });
}

std::string_view Converter::text(const Field& field, bool ascii, bool utf8, std::string& scratch,
                                 bool& mended) const {
  std::string_view text = field.raw();
  mended = false;
  if (field.doubled) text = scratch = undoubled(text);
  if (!ascii && options_.encoding == Encoding::latin1 && !is_ascii(text))
    text = scratch = latin1_to_utf8(text);
  if (!utf8 && options_.encoding == Encoding::utf8 && !is_utf8(text)) {
    mended = true;
    text = scratch = mend_utf8(text);
  }
  if (options_.strip_guard && !text.empty() && text.front() == '\'' && needs_guard(text))
    text.remove_prefix(1);
  return text;
}

Cells Converter::strings(const Fields& fields, std::size_t column) const {
  Cells cells;
  cells.values.resize(fields.rows * sizeof(std::int32_t));
  auto* codes = reinterpret_cast<std::int32_t*>(cells.values.data());
  Texts texts(seed_);
  std::string scratch;
  const bool as_is =
      !options_.strip_guard && (options_.encoding == Encoding::utf8 ? fields.utf8 : fields.ascii);
  for (std::size_t row = 0; row < fields.rows; ++row) {
    const Field& field = fields.at(row, column);
    if (is_null(field)) {
      set_null(cells, row, fields.rows);
      continue;
    }
    cells.blank = cells.blank && field.length == 0;
    bool mended = false;
    const std::string_view value =
        as_is && !field.doubled ? field.raw() : text(field, fields.ascii, fields.utf8, scratch, mended);
    if (mended) add_case(cells.cases, "not_utf8", row, value, options_.issues);
    const auto [code, fresh] = texts.code(value);
    const bool in_file = value.data() >= field.data && value.data() <= field.data + field.length;
    if (fresh && !in_file) texts.keep_newest(cells.owned.emplace_back(value));
    codes[row] = code;
  }
  cells.texts = texts.texts();
  cells.hashes = texts.hashes();
  return cells;
}

template <class T, class Read>
Cells Converter::typed(const Fields& fields, std::size_t column, Type type, Read read) const {
  Cells cells;
  cells.type = type;
  cells.blank = false;
  cells.values.resize(fields.rows * sizeof(T));
  auto* values = reinterpret_cast<T*>(cells.values.data());
  std::string scratch;
  for (std::size_t row = 0; row < fields.rows; ++row) {
    const Field& field = fields.at(row, column);
    if (is_null(field) || field.length == 0) {
      set_null(cells, row, fields.rows);
      continue;
    }
    T value{};
    const std::string_view rule = field.doubled ? read({}, value) : read(field.raw(), value);
    if (rule.empty()) {
      values[row] = value;
      continue;
    }
    bool mended = false;
    add_case(cells.cases, rule, row, text(field, false, false, scratch, mended), options_.issues);
    set_null(cells, row, fields.rows);
  }
  return cells;
}

Cells Converter::column_as(const Fields& fields, std::size_t column, const ColumnType& wanted) const {
  const auto integer = [&]<class T>(T) {
    return typed<T>(fields, column, wanted.type,
                    [](std::string_view text, T& v) { return read_as_integer(text, v); });
  };
  const auto real = [&]<class T>(T) {
    return typed<T>(fields, column, wanted.type,
                    [](std::string_view text, T& v) { return read_as_real(text, v); });
  };
  switch (wanted.type) {
    case Type::boolean: return typed<std::uint8_t>(fields, column, wanted.type, read_as_boolean);
    case Type::int8: return integer(std::int8_t{});
    case Type::int16: return integer(std::int16_t{});
    case Type::int32: return integer(std::int32_t{});
    case Type::int64: return integer(std::int64_t{});
    case Type::uint8: return integer(std::uint8_t{});
    case Type::uint16: return integer(std::uint16_t{});
    case Type::uint32: return integer(std::uint32_t{});
    case Type::uint64: return integer(std::uint64_t{});
    case Type::float32: return real(float{});
    case Type::float64: return real(double{});
    case Type::date: return typed<std::int32_t>(fields, column, wanted.type, read_as_date);
    case Type::timestamp: return typed<std::int64_t>(fields, column, wanted.type, read_as_timestamp);
    case Type::decimal:
      return typed<Decimal128>(fields, column, wanted.type, [&](std::string_view text, Decimal128& value) {
        int128 number = 0;
        const auto rule = read_as_decimal(text, wanted.scale, number);
        value = Decimal128::of(number);
        return rule;
      });
    case Type::money:
      return typed<std::int64_t>(fields, column, wanted.type,
                                 [&](std::string_view text, std::int64_t& value) {
                                   int128 number = 0;
                                   const auto rule = read_as_decimal(text, wanted.scale, number);
                                   value = static_cast<std::int64_t>(number);
                                   return rule.empty() && number != value ? not_a_number : rule;
                                 });
    case Type::string: return strings(fields, column);
  }
  return strings(fields, column);
}

// ---- inference ----

/// `read(text, value)` gives the kind of the cell, and the value if the kind fits. Nothing when one
/// does not; its kind is in `kinds` then.
template <class T, class Read>
std::optional<Cells> Converter::inferred(const Fields& fields, std::size_t column, Type type, Kinds& kinds,
                                         Read read) const {
  Cells cells;
  cells.type = type;
  cells.blank = false;
  cells.values.resize(fields.rows * sizeof(T));
  auto* values = reinterpret_cast<T*>(cells.values.data());
  for (std::size_t row = 0; row < fields.rows; ++row) {
    const Field& field = fields.at(row, column);
    if (is_null(field) || field.length == 0) {
      set_null(cells, row, fields.rows);
      continue;
    }
    kinds |= static_cast<Kinds>(field.doubled ? kind_text : read(field.raw(), values[row]));
    if (type_of(kinds) != type) return std::nullopt;
  }
  return cells;
}

std::optional<Cells> Converter::attempt(const Fields& fields, std::size_t column, Kinds& kinds) const {
  const Type type = type_of(kinds);
  switch (type) {
    case Type::boolean:
      return inferred<std::uint8_t>(fields, column, type, kinds,
                                    [](std::string_view text, std::uint8_t& value) {
                                      const auto boolean = read_boolean(text);
                                      value = boolean.value_or(false) ? 1 : 0;
                                      return boolean ? kind_boolean : kind_of(text);
                                    });
    case Type::int64:
      return inferred<std::int64_t>(fields, column, type, kinds,
                                    [](std::string_view text, std::int64_t& value) {
                                      const Number number = read_number(text);
                                      value = number.integer;
                                      return number.kind == kind_text ? kind_of(text) : number.kind;
                                    });
    case Type::float64:
      return inferred<double>(fields, column, type, kinds, [](std::string_view text, double& value) {
        const Number number = read_number(text);
        value = number.value();
        return number.kind == kind_text ? kind_of(text) : number.kind;
      });
    case Type::date:
      return inferred<std::int32_t>(fields, column, type, kinds,
                                    [](std::string_view text, std::int32_t& value) {
                                      const auto date = Date::parse(text);
                                      value = date ? date->days : 0;
                                      return date ? kind_date : kind_of(text);
                                    });
    case Type::timestamp:
      return inferred<std::int64_t>(fields, column, type, kinds,
                                    [](std::string_view text, std::int64_t& value) {
                                      const auto instant = Instant::parse(text);
                                      value = instant ? instant->us : 0;
                                      return instant ? kind_timestamp : kind_of(text);
                                    });
    default: return strings(fields, column);
  }
}

Kinds Converter::first_kind(const Fields& fields, std::size_t column) const noexcept {
  for (std::size_t row = 0; row < fields.rows; ++row) {
    const Field& field = fields.at(row, column);
    if (!is_null(field) && field.length != 0) return field.doubled ? kind_text : kind_of(field.raw());
  }
  return 0;
}

Cells Converter::column(const Fields& fields, std::size_t column, ColumnPlan& plan) const {
  if (plan.fixed) return column_as(fields, column, *plan.fixed);
  Kinds kinds = plan.kinds.load(std::memory_order_relaxed);
  if (kinds == 0) kinds = first_kind(fields, column);
  // Each failed attempt adds a kind, so there are few.
  std::optional<Cells> cells = attempt(fields, column, kinds);
  while (!cells) cells = attempt(fields, column, kinds);
  plan.kinds.fetch_or(kinds, std::memory_order_relaxed);
  return std::move(*cells);
}

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
