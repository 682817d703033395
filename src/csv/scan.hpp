/// @file scan.hpp
/// Bytes to fields: where records and fields begin and end, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/csv.hpp"

namespace salesops {
inline namespace v0 {
namespace csv::detail {

/// A field as it lies in the input, without its outer quotes.
struct Field {
  const char* data = nullptr;
  std::uint32_t length = 0;
  bool quoted = false;
  bool doubled = false;  ///< holds doubled quotes
  bool missing = false;  ///< padded: the line was too short

  [[nodiscard]] std::string_view raw() const noexcept { return {data, length}; }
};

/// What breaks the format, and where in the input.
struct Fault {
  const char* at;
  std::string text;
};

struct Dialect {
  char delimiter = ',';
  OnQuote on_quote = OnQuote::error;
  std::int64_t max_columns = 0;
  std::int64_t max_field_bytes = 0;
};

/// Finds the characters that matter in a run of bytes, 64 at a time.
class Specials {
 public:
  Specials(const char* begin, const char* end, char delimiter) noexcept;
  /// The next one, or `end`.
  const char* next() noexcept {
    while (mask_ == 0) {
      if (end_ - base_ <= 64) return end_;
      base_ += 64;
      mask_ = mask_at(base_);
    }
    const char* at = base_ + __builtin_ctzll(mask_);
    mask_ &= mask_ - 1;
    return at;
  }

 private:
  [[nodiscard]] std::uint64_t mask_at(const char* at) const noexcept;

  const char* base_;
  const char* end_;
  char delimiter_;
  std::uint64_t mask_ = 0;
};

/// Reads records one after the other; throws `Fault`.
class Scanner {
 public:
  Scanner(std::string_view bytes, const Dialect& dialect) noexcept
      : at_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        dialect_(dialect),
        specials_(at_, end_, dialect.delimiter) {}

  [[nodiscard]] bool done() const noexcept { return at_ == end_; }
  [[nodiscard]] const char* at() const noexcept { return at_; }
  /// Skips a blank line if one is next.
  bool skip_blank() noexcept;
  /// Appends the fields of the next record.
  void record(std::vector<Field>& fields);

 private:
  /// Reads one field; the terminator it stopped at (`end_` at the end of the input).
  const char* quoted_field(Field& field);
  const char* unquoted_field(Field& field);

  const char* at_;
  const char* end_;
  Dialect dialect_;
  Specials specials_;
};

/// `bytes` cut at ends of records into pieces of about `piece_bytes`. A newline ends a record where the
/// number of quotes before it is even; that holds up to the first fault of the format.
std::vector<std::string_view> split(std::string_view bytes, std::size_t piece_bytes, const Dialect& dialect,
                                    const Execution& execution);

/// The one of , ; TAB | that cuts the first lines into the same number of fields, the most fields first.
char detect_delimiter(std::string_view bytes);

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
