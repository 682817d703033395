#include "salesops/table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "calendar/spelling.hpp"
#include "salesops/money.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {

namespace {

struct TypeFacts {
  std::string_view name;
  std::size_t width;
};

constexpr TypeFacts facts(Type type) noexcept {
  switch (type) {
    case Type::boolean: return {"boolean", 1};
    case Type::int8: return {"int8", 1};
    case Type::int16: return {"int16", 2};
    case Type::int32: return {"int32", 4};
    case Type::int64: return {"int64", 8};
    case Type::uint8: return {"uint8", 1};
    case Type::uint16: return {"uint16", 2};
    case Type::uint32: return {"uint32", 4};
    case Type::uint64: return {"uint64", 8};
    case Type::float32: return {"float32", 4};
    case Type::float64: return {"float64", 8};
    case Type::decimal: return {"decimal", 16};
    case Type::money: return {"money", 8};
    case Type::date: return {"date", 4};
    case Type::timestamp: return {"timestamp", 8};
    case Type::string: return {"string", 4};
  }
  return {"", 0};
}

std::string decimal_text(int128 value, int scale) {
  const bool negative = value < 0;
  auto magnitude = negative ? -static_cast<uint128>(value) : static_cast<uint128>(value);
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(magnitude % 10)));
    magnitude /= 10;
  } while (magnitude != 0);
  while (static_cast<int>(digits.size()) <= scale) digits.push_back('0');
  if (scale > 0) digits.insert(static_cast<std::size_t>(scale), 1, '.');
  if (negative) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

template <class Number>
std::string number_text(Number value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

/// An amount in major units of its currency: the column's, or that of the row's `currency`.
std::string shown_amount(const Table& table, const Column& column, std::size_t row) {
  const Column* codes = column.currency().empty() ? table.find("currency") : nullptr;
  const bool said = codes != nullptr && codes->type() == Type::string && codes->valid(row);
  const auto currency = Currency::find(said ? codes->text(row) : std::string_view(column.currency()));
  return Money{column.values<std::int64_t>()[row], currency.value_or(Currency{})}.amount_text();
}

/// Six digits are enough to read; `Column::cell` has them all.
std::string shown_cell(const Table& table, const Column& column, std::size_t row) {
  if (column.type() == Type::money && column.valid(row)) return shown_amount(table, column, row);
  const bool real = column.type() == Type::float64 || column.type() == Type::float32;
  if (!real || column.is_null(row)) return column.cell(row);
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, column.number(row), std::chars_format::general, 6);
  return {text, end.ptr};
}

struct Bytes {
  std::vector<std::byte> values;
  std::vector<std::uint8_t> validity;
};

}  // namespace

std::string_view type_name(Type type) noexcept { return facts(type).name; }
std::size_t type_width(Type type) noexcept { return facts(type).width; }

// ---- Column ----

namespace detail {

void throw_layout(Type type) {
  throw UsageError("values of a " + std::string(type_name(type)) + " column were taken for another type");
}

std::shared_ptr<const std::vector<std::uint8_t>> pack_validity(std::span<const std::uint8_t> valid) {
  if (std::find(valid.begin(), valid.end(), std::uint8_t{0}) == valid.end()) return nullptr;
  std::vector<std::uint8_t> bits((valid.size() + 7) / 8, 0);
  for (std::size_t row = 0; row < valid.size(); ++row)
    if (valid[row] != 0) bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] | (1U << (row & 7)));
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bits));
}

}  // namespace detail

Column::Column(Type type, std::size_t size, const void* data, std::shared_ptr<const void> owner,
               const std::uint8_t* validity, std::size_t bit_offset)
    : type_(type),
      size_(size),
      data_(data),
      validity_(validity),
      bit_offset_(bit_offset),
      owner_(std::move(owner)) {}

Column Column::of_codes(std::vector<std::int32_t> codes, std::shared_ptr<const Dictionary> dictionary,
                        std::span<const std::uint8_t> valid) {
  return of(Type::string, std::move(codes), valid).with_dictionary(std::move(dictionary));
}

Column Column::of_strings(std::span<const std::string> values, std::span<const std::uint8_t> valid) {
  DictionaryBuilder builder;
  std::vector<std::int32_t> codes;
  codes.reserve(values.size());
  for (const std::string& value : values) codes.push_back(builder.code(value));
  return of_codes(std::move(codes), builder.finish(), valid);
}

Column Column::of_strings(std::span<const std::optional<std::string>> values) {
  DictionaryBuilder builder;
  std::vector<std::int32_t> codes;
  std::vector<std::uint8_t> valid;
  codes.reserve(values.size());
  valid.reserve(values.size());
  for (const auto& value : values) {
    codes.push_back(value ? builder.code(*value) : 0);
    valid.push_back(value.has_value());
  }
  return of_codes(std::move(codes), builder.finish(), valid);
}

Column Column::nulls(Type type, std::size_t size) {
  auto bytes = std::make_shared<Bytes>();
  bytes->values.resize(size * type_width(type));
  bytes->validity.resize((size + 7) / 8 + 1);
  const void* data = bytes->values.data();
  const std::uint8_t* bits = bytes->validity.data();
  Column column(type, size, data, std::move(bytes), bits);
  if (type == Type::string) column.dictionary_ = std::make_shared<const Dictionary>();
  return column;
}

std::size_t Column::null_count() const noexcept {
  if (validity_ == nullptr) return 0;
  std::size_t nulls = 0;
  for (std::size_t row = 0; row < size_; ++row) nulls += is_null(row) ? 1 : 0;
  return nulls;
}

const Dictionary& Column::dictionary() const {
  if (!dictionary_) throw UsageError("a " + std::string(type_name(type_)) + " column has no dictionary");
  return *dictionary_;
}

Column Column::with_dictionary(std::shared_ptr<const Dictionary> dictionary) const {
  Column copy = *this;
  copy.dictionary_ = std::move(dictionary);
  return copy;
}

Column Column::with_scale(int scale) const {
  Column copy = *this;
  copy.scale_ = scale;
  return copy;
}

Column Column::with_currency(std::string currency) const {
  Column copy = *this;
  copy.currency_ = std::move(currency);
  return copy;
}

Column Column::take(std::span<const std::int64_t> rows) const {
  const std::size_t width = type_width(type_);
  auto bytes = std::make_shared<Bytes>();
  bytes->values.resize(rows.size() * width);
  bool any_null = false;
  std::vector<std::uint8_t> bits;
  const auto* from = static_cast<const std::byte*>(data_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tick(i);
    const std::int64_t row = rows[i];
    if (row >= static_cast<std::int64_t>(size_))
      throw UsageError("take: row " + std::to_string(row) + " is past the end");
    const bool is_valid = row >= 0 && valid(static_cast<std::size_t>(row));
    if (row >= 0)
      std::memcpy(bytes->values.data() + i * width, from + static_cast<std::size_t>(row) * width, width);
    if (!is_valid && !any_null) {
      any_null = true;
      bits.assign((rows.size() + 7) / 8, 0xFF);
    }
    if (!is_valid) bits[i >> 3] = static_cast<std::uint8_t>(bits[i >> 3] & ~(1U << (i & 7)));
  }
  bytes->validity = std::move(bits);
  Column column = *this;
  column.size_ = rows.size();
  column.data_ = bytes->values.data();
  column.validity_ = any_null ? bytes->validity.data() : nullptr;
  column.bit_offset_ = 0;
  column.owner_ = std::move(bytes);
  column.room_ = nullptr;
  return column;
}

Column Column::slice(std::size_t start, std::size_t length) const {
  if (start > size_ || length > size_ - start) throw UsageError("slice: rows past the end of the column");
  Column column = *this;
  column.data_ = static_cast<const std::byte*>(data_) + start * type_width(type_);
  column.size_ = length;
  column.bit_offset_ = bit_offset_ + start;
  column.room_ = nullptr;
  return column;
}

namespace {

/// Calls `visit` with the value of a valid row of any number type.
template <class Visit>
auto visit_number(const Column& column, std::size_t row, Visit visit) {
  switch (column.type()) {
    case Type::int8: return visit(column.values<std::int8_t>()[row]);
    case Type::int16: return visit(column.values<std::int16_t>()[row]);
    case Type::int32:
    case Type::date: return visit(column.values<std::int32_t>()[row]);
    case Type::int64:
    case Type::money:
    case Type::timestamp: return visit(column.values<std::int64_t>()[row]);
    case Type::boolean:
    case Type::uint8: return visit(column.values<std::uint8_t>()[row]);
    case Type::uint16: return visit(column.values<std::uint16_t>()[row]);
    case Type::uint32: return visit(column.values<std::uint32_t>()[row]);
    case Type::uint64: return visit(column.values<std::uint64_t>()[row]);
    case Type::float32: return visit(column.values<float>()[row]);
    case Type::float64: return visit(column.values<double>()[row]);
    case Type::decimal:
    case Type::string: break;
  }
  throw UsageError("a " + std::string(type_name(column.type())) + " column holds no plain numbers");
}

}  // namespace

double Column::number(std::size_t row) const {
  if (is_null(row)) return std::numeric_limits<double>::quiet_NaN();
  if (type_ == Type::decimal)
    return static_cast<double>(values<Decimal128>()[row].value()) / std::pow(10.0, scale_);
  return visit_number(*this, row, [](auto value) { return static_cast<double>(value); });
}

std::string Column::cell(std::size_t row) const {
  if (is_null(row)) return {};
  switch (type_) {
    case Type::boolean: return values<std::uint8_t>()[row] != 0 ? "true" : "false";
    case Type::string: return std::string(text(row));
    case Type::date: return Date{values<std::int32_t>()[row]}.to_string();
    case Type::timestamp: return Instant{values<std::int64_t>()[row]}.to_string();
    case Type::decimal: return decimal_text(values<Decimal128>()[row].value(), scale_);
    default: return visit_number(*this, row, [](auto value) { return number_text(value); });
  }
}

// ---- Table ----

Table::Table(std::vector<std::pair<std::string, Column>> columns) : columns_(std::move(columns)) {
  rows_ = columns_.empty() ? 0 : columns_.front().second.size();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].second.size() != rows_)
      throw UsageError("column '" + columns_[i].first + "' has " + std::to_string(columns_[i].second.size()) +
                       " rows, column '" + columns_.front().first + "' has " + std::to_string(rows_));
    for (std::size_t j = 0; j < i; ++j)
      if (columns_[j].first == columns_[i].first)
        throw UsageError("the column name '" + columns_[i].first + "' is used twice; rename one of the two");
  }
}

Table Table::empty(std::size_t rows) {
  Table table;
  table.rows_ = rows;
  return table;
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> names;
  for (const auto& [name, column] : columns_) names.push_back(name);
  return names;
}

const Column* Table::find(std::string_view name) const noexcept {
  for (const auto& [column_name, column] : columns_)
    if (column_name == name) return &column;
  return nullptr;
}

const Column& Table::column(std::string_view name) const {
  if (const Column* found = find(name)) return *found;
  const auto all = names();
  const auto near = near_names(name, all);
  std::string text = "no column '" + std::string(name) + "'";
  if (!near.empty())
    text += "; did you mean '" + near.front() + "'?";
  else
    text += ".";
  text += " The columns are:";
  for (const std::string& other : all) text += " " + other;
  throw UsageError(text);
}

Table Table::with(std::string name, Column column) const {
  if (!columns_.empty() && column.size() != rows_)
    throw UsageError("column '" + name + "' has " + std::to_string(column.size()) + " rows, the table has " +
                     std::to_string(rows_));
  Table table = *this;
  table.rows_ = column.size();
  for (auto& [column_name, present] : table.columns_)
    if (column_name == name) {
      present = std::move(column);
      return table;
    }
  table.columns_.emplace_back(std::move(name), std::move(column));
  return table;
}

Table Table::without(std::string_view name) const {
  Table table = *this;
  std::erase_if(table.columns_, [&](const auto& column) { return column.first == name; });
  return table;
}

Table Table::select(std::span<const std::string> names) const {
  Table table = empty(rows_);
  for (const std::string& name : names) table.columns_.emplace_back(name, column(name));
  return table;
}

Table Table::take(std::span<const std::int64_t> rows) const {
  Table table = empty(rows.size());
  for (const auto& [name, column] : columns_) table.columns_.emplace_back(name, column.take(rows));
  return table;
}

Table Table::slice(std::size_t start, std::size_t length) const {
  if (start > rows_ || length > rows_ - start) throw UsageError("slice: rows past the end of the table");
  Table table = empty(length);
  for (const auto& [name, column] : columns_) table.columns_.emplace_back(name, column.slice(start, length));
  return table;
}

std::string Table::to_text(std::size_t max_rows) const {
  const std::size_t shown = std::min(rows_, max_rows);
  std::vector<std::vector<std::string>> lines(shown + 1);
  std::vector<std::size_t> widths;
  for (const auto& [name, column] : columns_) {
    lines[0].push_back(name);
    std::size_t width = name.size();
    for (std::size_t row = 0; row < shown; ++row) {
      lines[row + 1].push_back(shown_cell(*this, column, row));
      width = std::max(width, lines[row + 1].back().size());
    }
    widths.push_back(width);
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const Type type = columns_[i].second.type();
      const bool right = type != Type::string && type != Type::boolean;
      const std::string pad(widths[i] - line[i].size(), ' ');
      text += (i == 0 ? "" : "  ") + (right ? pad + line[i] : line[i] + (i + 1 < line.size() ? pad : ""));
    }
    text += '\n';
  }
  if (shown < rows_) text += "… " + std::to_string(rows_ - shown) + " more rows\n";
  return text;
}

namespace {

Column concat_column(std::string_view name, std::span<const Table> tables, std::size_t rows) {
  const auto holder =
      std::find_if(tables.begin(), tables.end(), [&](const Table& table) { return table.has(name); });
  const Column& first = holder->column(name);
  const Type type = first.type();
  const std::size_t width = type_width(type);
  std::vector<std::uint8_t> valid(rows, 1);
  auto bytes = std::make_shared<Bytes>();
  bytes->values.resize(rows * width);
  DictionaryBuilder dictionary;
  std::size_t at = 0;
  for (const Table& table : tables) {
    const std::size_t n = table.num_rows();
    const Column* column = table.find(name);
    if (column == nullptr) {
      std::fill_n(valid.begin() + static_cast<std::ptrdiff_t>(at), n, std::uint8_t{0});
    } else {
      if (column->type() != type || column->scale() != first.scale() ||
          column->currency() != first.currency())
        throw UsageError("concat: column '" + std::string(name) + "' is " + std::string(type_name(type)) +
                         " in one table and " + std::string(type_name(column->type())) +
                         " (or of another scale or currency) in the next; convert one of the two");
      for (std::size_t row = 0; column->may_have_nulls() && row < n; ++row)
        valid[at + row] = column->valid(row);
      if (type == Type::string) {
        std::vector<std::int32_t> codes(column->dictionary().size(), -1);
        auto* out = reinterpret_cast<std::int32_t*>(bytes->values.data()) + at;
        const auto in = column->values<std::int32_t>();
        for (std::size_t row = 0; row < n; ++row) {
          tick(row);
          if (valid[at + row] == 0) continue;
          auto& code = codes[static_cast<std::size_t>(in[row])];
          if (code < 0) code = dictionary.code(column->text(row));
          out[row] = code;
        }
      } else if (n > 0) {
        std::memcpy(bytes->values.data() + at * width, column->data(), n * width);
      }
    }
    at += n;
  }
  if (const auto bits = detail::pack_validity(valid)) bytes->validity = *bits;
  const void* data = bytes->values.data();
  const std::uint8_t* bits = bytes->validity.empty() ? nullptr : bytes->validity.data();
  Column column = Column(type, rows, data, std::move(bytes), bits)
                      .with_scale(first.scale())
                      .with_currency(first.currency());
  return type == Type::string ? column.with_dictionary(dictionary.finish()) : column;
}

}  // namespace

Table concat(std::span<const Table> tables) {
  std::size_t rows = 0;
  std::vector<std::string> names;
  for (const Table& table : tables) {
    rows += table.num_rows();
    for (const std::string& name : table.names())
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  if (names.empty()) return Table::empty(rows);
  std::vector<std::pair<std::string, Column>> columns;
  for (const std::string& name : names) columns.emplace_back(name, concat_column(name, tables, rows));
  return Table(std::move(columns));
}

std::vector<std::string> near_names(std::string_view text, std::span<const std::string> names) {
  constexpr std::size_t max_length = 64;
  std::vector<std::pair<std::size_t, std::string>> near;
  if (text.size() <= max_length)
    for (const std::string& name : names)
      if (name.size() <= max_length)
        if (const std::size_t distance = detail::edit_distance(text, name); distance <= 2)
          near.emplace_back(distance, name);
  std::sort(near.begin(), near.end());
  std::vector<std::string> result;
  for (auto& [distance, name] : near) result.push_back(std::move(name));
  return result;
}

}  // namespace v0
}  // namespace salesops
