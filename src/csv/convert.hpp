/// @file convert.hpp
/// Fields of a block of rows to typed values, one column at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cells.hpp"
#include "scan.hpp"
#include "text.hpp"

namespace salesops {
inline namespace v0 {
namespace csv::detail {

/// Cases of one rule in one column of one block.
struct Cases {
  std::string_view rule;
  std::int64_t n = 0;
  std::vector<std::pair<std::size_t, std::string>> first;  ///< row in the block and value, the first few
};

/// Counts `row` in the entry of `rule`.
void add_case(std::vector<Cases>& cases, std::string_view rule, std::size_t row, std::string_view value,
              const IssueOptions& options);

/// The rows of a block, `columns` fields each.
struct Fields {
  std::vector<Field> fields;
  std::size_t columns = 0;
  std::size_t rows = 0;
  bool utf8 = true;   ///< the whole block is valid UTF-8
  bool ascii = true;  ///< … and even ASCII

  [[nodiscard]] const Field& at(std::size_t row, std::size_t column) const noexcept {
    return fields[row * columns + column];
  }
};

/// A column of a block, converted. Values lie as `Column` wants them; a string's are codes into `texts`.
struct Cells {
  Type type = Type::string;
  bool blank = true;  ///< no cell but nulls and empty texts: fits any type
  std::vector<std::byte> values;
  std::vector<std::uint8_t> valid;  ///< empty when all are
  std::vector<std::string_view> texts;
  std::vector<std::uint64_t> hashes;
  std::deque<std::string> owned;  ///< texts that differ from the bytes in the file
  std::vector<Cases> cases;
};

/// How one column is read: a fixed type, or inference that all blocks share.
struct ColumnPlan {
  std::optional<ColumnType> fixed;
  std::atomic<Kinds> kinds{0};

  /// The type by what was seen so far; final once all blocks have been seen.
  [[nodiscard]] ColumnType type() const {
    return fixed ? *fixed : ColumnType{.type = type_of(kinds.load()), .scale = 0, .currency = {}};
  }
};

class Converter {
 public:
  Converter(const Options& options, std::uint64_t seed);

  /// Infers as it goes: what the column turns out to hold is added to `plan.kinds`.
  Cells column(const Fields& fields, std::size_t column, ColumnPlan& plan) const;
  /// With the type given.
  Cells column_as(const Fields& fields, std::size_t column, const ColumnType& type) const;
  /// The text of a field as strings hold it: in `bytes` or in `scratch`. `mended` tells of bad UTF-8.
  std::string_view text(const Field& field, bool ascii, bool utf8, std::string& scratch, bool& mended) const;

 private:
  [[nodiscard]] bool is_null(const Field& field) const noexcept {
    if (field.length != 0 && only_empty_is_null_) return false;
    return field.missing || (!field.quoted && is_null_text(field.raw()));
  }
  [[nodiscard]] bool is_null_text(std::string_view text) const noexcept;
  Cells strings(const Fields& fields, std::size_t column) const;
  template <class T, class Read>
  Cells typed(const Fields& fields, std::size_t column, Type type, Read read) const;
  template <class T, class Read>
  std::optional<Cells> inferred(const Fields& fields, std::size_t column, Type type, Kinds& kinds,
                                Read read) const;
  std::optional<Cells> attempt(const Fields& fields, std::size_t column, Kinds& kinds) const;
  [[nodiscard]] Kinds first_kind(const Fields& fields, std::size_t column) const noexcept;

  const Options& options_;
  std::uint64_t seed_;
  bool only_empty_is_null_;
};

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
