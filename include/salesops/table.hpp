/// @file table.hpp
/// Immutable typed columns and tables of them.
///
/// A `Column` is a type, a contiguous run of values, and a validity bitmap; a `Table` is columns of one
/// length under names. Both are values that are cheap to copy: copies share the memory, which the
/// column owns or borrows (an Arrow producer's buffer, a host program's array) through `owner`.
/// Nothing can change a value once the column stands, so any thread may read it.
///
/// Layout of the values by type:
///
/// | type                | values                        | meaning                                      |
/// |---------------------|-------------------------------|----------------------------------------------|
/// | boolean             | uint8 0 or 1                  |                                              |
/// | int8 … uint64       | the integer                   |                                              |
/// | float32, float64    | IEEE                          |                                              |
/// | decimal             | Decimal128 (two's complement) | value = integer · 10^-scale()                |
/// | money               | int64                         | minor units; the currency is `currency()` or |
/// |                     |                               | the table's `currency` column, row by row    |
/// | date                | int32                         | days since 1970-01-01                        |
/// | timestamp           | int64                         | UTC microseconds since 1970-01-01            |
/// | string              | int32                         | code into `dictionary()`                     |
///
/// The value under a null is unspecified but initialised; a string's code under a null may be any
/// number, so test validity first.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/date.hpp"
#include "salesops/error.hpp"
#include "salesops/money.hpp"
#include "salesops/shared_array.hpp"

namespace salesops {
inline namespace v0 {

enum class Type : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  decimal,
  money,
  date,
  timestamp,
  string,
};

/// The type's name as printed: `"int64"`, `"timestamp"`, …
std::string_view type_name(Type type) noexcept;
/// Bytes of one value.
std::size_t type_width(Type type) noexcept;

/// One value of a decimal column, little endian, as Arrow lays it out (8-byte alignment is enough).
struct Decimal128 {
  std::uint64_t low = 0;
  std::int64_t high = 0;
  [[nodiscard]] int128 value() const noexcept {
    return (static_cast<int128>(high) << 64) | static_cast<int128>(low);
  }
  static Decimal128 of(int128 value) noexcept {
    return {static_cast<std::uint64_t>(value), static_cast<std::int64_t>(value >> 64)};
  }
};

/// Distinct strings under codes 0 … size()-1. Immutable; safe to read from any thread.
class Dictionary {
 public:
  Dictionary();
  /// From concatenated bytes and size()+1 offsets into them. Entries should be distinct.
  Dictionary(std::vector<char> bytes, std::vector<std::int64_t> offsets);
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  ~Dictionary();

  [[nodiscard]] std::size_t size() const noexcept { return offsets_.size() - 1; }
  [[nodiscard]] std::string_view operator[](std::size_t code) const noexcept {
    return {bytes_.data() + offsets_[code], static_cast<std::size_t>(offsets_[code + 1] - offsets_[code])};
  }
  /// The code of `text`, or -1. The index behind it is made on the first call.
  [[nodiscard]] std::int32_t find(std::string_view text) const;
  /// With `texts`, distinct and none of them known, under the codes from size() on. Costs what they cost:
  /// memory and index are shared with this dictionary.
  [[nodiscard]] std::shared_ptr<const Dictionary> with(std::span<const std::string> texts) const;
  [[nodiscard]] std::span<const char> bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::span<const std::int64_t> offsets() const noexcept { return offsets_; }

 private:
  struct Index;
  SharedArray<char> bytes_;
  SharedArray<std::int64_t> offsets_;
  std::shared_ptr<Index> index_;  ///< of the codes a dictionary began with
  std::shared_ptr<Index> added_;  ///< of those behind them
};

/// Gives each distinct string a code in order of first sight.
class DictionaryBuilder {
 public:
  DictionaryBuilder();
  ~DictionaryBuilder();
  DictionaryBuilder(DictionaryBuilder&&) noexcept;
  DictionaryBuilder& operator=(DictionaryBuilder&&) noexcept;

  std::int32_t code(std::string_view text);
  [[nodiscard]] std::size_t size() const noexcept;
  /// The dictionary of all strings seen; the builder is empty afterwards.
  std::shared_ptr<const Dictionary> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

namespace detail {
template <class T>
inline constexpr bool column_value = std::is_arithmetic_v<T> || std::is_same_v<T, Decimal128>;
}

/// An immutable typed column. See the file's head for the layout.
class Column {
 public:
  Column() = default;

  /// Any memory: `data` holds `size` values of `type` for as long as `owner` lives. `validity` is an
  /// Arrow bitmap (bit `bit_offset + i` set = row i is valid) kept alive by the same owner, or null.
  Column(Type type, std::size_t size, const void* data, std::shared_ptr<const void> owner,
         const std::uint8_t* validity = nullptr, std::size_t bit_offset = 0);

  /// Owned values. `valid` has one byte a row (0 = null), or is empty when nothing is null.
  /// `T` must have the width of `type` and its kind (throws `UsageError`).
  template <class T>
  static Column of(Type type, std::vector<T> values, std::span<const std::uint8_t> valid = {});
  /// Strings with codes into `dictionary`.
  static Column of_codes(std::vector<std::int32_t> codes, std::shared_ptr<const Dictionary> dictionary,
                         std::span<const std::uint8_t> valid = {});
  static Column of_strings(std::span<const std::string> values, std::span<const std::uint8_t> valid = {});
  static Column of_strings(std::span<const std::optional<std::string>> values);
  /// A column of `size` nulls.
  static Column nulls(Type type, std::size_t size);

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool may_have_nulls() const noexcept { return validity_ != nullptr; }
  [[nodiscard]] std::size_t null_count() const noexcept;
  [[nodiscard]] bool valid(std::size_t row) const noexcept {
    if (validity_ == nullptr) return true;
    const std::size_t bit = bit_offset_ + row;
    return (validity_[bit >> 3] >> (bit & 7)) & 1U;
  }
  [[nodiscard]] bool is_null(std::size_t row) const noexcept { return !valid(row); }
  [[nodiscard]] const std::uint8_t* validity() const noexcept { return validity_; }
  [[nodiscard]] std::size_t bit_offset() const noexcept { return bit_offset_; }

  /// The values as they lie; throws `UsageError` when `T` isn't the type's layout.
  template <class T>
  [[nodiscard]] std::span<const T> values() const;
  [[nodiscard]] const void* data() const noexcept { return data_; }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept { return owner_; }

  /// Only for strings (throws `UsageError` for other types).
  [[nodiscard]] const Dictionary& dictionary() const;
  [[nodiscard]] const std::shared_ptr<const Dictionary>& shared_dictionary() const noexcept {
    return dictionary_;
  }
  /// The string of a valid row.
  [[nodiscard]] std::string_view text(std::size_t row) const {
    return dictionary()[static_cast<std::size_t>(static_cast<const std::int32_t*>(data_)[row])];
  }
  /// Digits after the point of a decimal column.
  [[nodiscard]] int scale() const noexcept { return scale_; }
  /// ISO 4217 code of a money column whose rows share one; empty otherwise.
  [[nodiscard]] const std::string& currency() const noexcept { return currency_; }

  [[nodiscard]] Column with_dictionary(std::shared_ptr<const Dictionary> dictionary) const;
  [[nodiscard]] Column with_scale(int scale) const;
  [[nodiscard]] Column with_currency(std::string currency) const;

  /// Rows in the order given; a negative row number gives a null.
  [[nodiscard]] Column take(std::span<const std::int64_t> rows) const;
  /// Row i of `changes` put at `rows[i]`, each another one; rows from size() on make the column longer, those
  /// not named are null. Strings are matched by text, so this column's codes stay. Memory is shared as
  /// `SharedArray` shares it. Throws `UsageError` for columns of another type, scale or currency.
  [[nodiscard]] Column with(std::span<const std::int64_t> rows, const Column& changes) const;
  /// Rows [start, start + length), sharing memory.
  [[nodiscard]] Column slice(std::size_t start, std::size_t length) const;

  /// A number of any arithmetic type (or decimal, scaled) as double; NaN for a null.
  [[nodiscard]] double number(std::size_t row) const;
  /// Row as text, as `Table::to_text` prints it: empty for a null.
  [[nodiscard]] std::string cell(std::size_t row) const;

 private:
  void check_layout(Type of_type, std::size_t width) const;

  Type type_ = Type::int64;
  std::size_t size_ = 0;
  const void* data_ = nullptr;
  const std::uint8_t* validity_ = nullptr;
  std::size_t bit_offset_ = 0;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<detail::Room> room_;  ///< of data_, where versions of the column share it
  std::shared_ptr<const Dictionary> dictionary_;
  int scale_ = 0;
  std::string currency_;
};

/// Columns of one length under distinct names, in order.
class Table {
 public:
  Table() = default;
  /// Throws `UsageError` for columns of different lengths or a name used twice.
  explicit Table(std::vector<std::pair<std::string, Column>> columns);
  /// A table without columns still has a number of rows.
  static Table empty(std::size_t rows);

  [[nodiscard]] std::size_t num_rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t num_columns() const noexcept { return columns_.size(); }
  [[nodiscard]] const std::vector<std::pair<std::string, Column>>& columns() const noexcept {
    return columns_;
  }
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  /// Null when there is no such column.
  [[nodiscard]] const Column* find(std::string_view name) const noexcept;
  /// Throws `UsageError` that lists the columns there are.
  [[nodiscard]] const Column& column(std::string_view name) const;

  /// With the column added, or put in the place of the one so named.
  [[nodiscard]] Table with(std::string name, Column column) const;
  [[nodiscard]] Table without(std::string_view name) const;
  [[nodiscard]] Table select(std::span<const std::string> names) const;
  [[nodiscard]] Table take(std::span<const std::int64_t> rows) const;
  [[nodiscard]] Table slice(std::size_t start, std::size_t length) const;

  /// A plain text table of the first `max_rows` rows.
  [[nodiscard]] std::string to_text(std::size_t max_rows = 20) const;

 private:
  std::vector<std::pair<std::string, Column>> columns_;
  std::size_t rows_ = 0;
};

/// Rows of all tables, in order. Columns are matched by name; a column that a table lacks is null
/// there. Types must agree (`UsageError` names the column); strings are put under one dictionary.
Table concat(std::span<const Table> tables);

/// The strings that `text` could have meant: those within two edits of it, nearest first.
std::vector<std::string> near_names(std::string_view text, std::span<const std::string> names);

// ---- inline definitions ----

namespace detail {

template <class T>
constexpr bool layout_of(Type type) noexcept {
  if constexpr (std::is_same_v<T, Decimal128>)
    return type == Type::decimal;
  else if constexpr (std::is_same_v<T, float>)
    return type == Type::float32;
  else if constexpr (std::is_same_v<T, double>)
    return type == Type::float64;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return type == Type::int8;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return type == Type::int16;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return type == Type::int32 || type == Type::date || type == Type::string;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return type == Type::int64 || type == Type::timestamp || type == Type::money;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return type == Type::uint8 || type == Type::boolean;
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return type == Type::uint16;
  else if constexpr (std::is_same_v<T, std::uint32_t>)
    return type == Type::uint32;
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return type == Type::uint64;
  else
    return false;
}

[[noreturn]] void throw_layout(Type type);
/// Owned bitmap of `valid`, or null when all rows are valid.
std::shared_ptr<const std::vector<std::uint8_t>> pack_validity(std::span<const std::uint8_t> valid);

template <class T>
struct OwnedValues {
  std::vector<T> values;
  std::shared_ptr<const std::vector<std::uint8_t>> validity;
};

}  // namespace detail

template <class T>
Column Column::of(Type type, std::vector<T> values, std::span<const std::uint8_t> valid) {
  if (!detail::layout_of<T>(type)) detail::throw_layout(type);
  if (!valid.empty() && valid.size() != values.size())
    throw UsageError("a column of " + std::to_string(values.size()) + " values got " +
                     std::to_string(valid.size()) + " validity bytes");
  const std::size_t size = values.size();
  auto owned = std::make_shared<detail::OwnedValues<T>>(
      detail::OwnedValues<T>{std::move(values), detail::pack_validity(valid)});
  const void* data = owned->values.data();
  const std::uint8_t* bits = owned->validity ? owned->validity->data() : nullptr;
  return Column(type, size, data, std::move(owned), bits);
}

template <class T>
std::span<const T> Column::values() const {
  if (!detail::layout_of<T>(type_)) detail::throw_layout(type_);
  return {static_cast<const T*>(data_), size_};
}

}  // namespace v0
}  // namespace salesops
