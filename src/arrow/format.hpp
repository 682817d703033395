/// What an Arrow format string says about a column.
#pragma once

#include <cstdint>
#include <string>

#include "salesops/arrow/abi.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

enum class Kind : std::uint8_t {
  unsupported,
  null,
  plain,  ///< the buffer already has the column's layout
  boolean,
  float16,
  date64,
  timestamp,  ///< any unit but microseconds
  decimal,    ///< any width or scale that isn't the column's layout
  text32,     ///< 32-bit offsets
  text64,     ///< 64-bit offsets
  text_view,
};

struct Format {
  Kind kind = Kind::unsupported;
  Type type = Type::int64;
  int width = 0;              ///< bytes of one value in the buffer, where it isn't bits or text
  int scale = 0;              ///< decimal: digits after the point, may be negative
  std::int64_t multiply = 1;  ///< timestamp: to microseconds
  std::int64_t divide = 1;
  bool naive = false;       ///< timestamp without a zone
  const char* remedy = "";  ///< unsupported: the way out

  [[nodiscard]] bool text() const noexcept {
    return kind == Kind::text32 || kind == Kind::text64 || kind == Kind::text_view;
  }
};

/// The storage's format, without regard to a dictionary.
Format parse_format(std::string_view format);
/// The format of the column the schema describes: of its dictionary's values where it has one.
Format column_format(const ArrowSchema& schema);
/// Empty when there is none.
std::string extension_name(const char* metadata);

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
