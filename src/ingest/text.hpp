// Reads what people and exports write: names, dates, numbers with currencies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "salesops/ingest.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

std::string_view trimmed(std::string_view text) noexcept;
/// ASCII letters in lower case.
std::string folded(std::string_view text);
/// Letters and digits only, in lower case: "Close Date" and "CLOSE_DATE" are `closedate`.
std::string name_key(std::string_view name);
/// `name_key` in singular.
std::string table_key(std::string_view name);
/// "Loss_Reason__c" and "LossReason C" are `loss_reason_c`; empty when nothing is left.
std::string snake_case(std::string_view name);

/// A date as written. Numeric dates with the year behind have their parts in the order of the text.
struct DateText {
  int first = 0, second = 0;  ///< day and month in unknown order, or month and day when `ordered`
  int year = 0;
  bool ordered = false;  ///< year first, or the month by name: no question of order
  bool two_digit_year = false;
  std::int64_t time_us = 0;
  bool has_time = false;
  std::optional<std::int32_t> offset_seconds;

  /// Nothing for a text of another form. ISO 8601 is one of the forms.
  static std::optional<DateText> parse(std::string_view text);
  /// Nothing for a day that doesn't exist.
  [[nodiscard]] std::optional<Date> date(ingest::DateOrder order) const;
};

/// A number as written, without its grouping undone.
struct NumberText {
  enum class Shape : std::uint8_t {
    plain,         ///< digits only, at most three
    ungrouped,     ///< four digits or more in a row before the mark
    point,         ///< the point is the decimal mark (or the comma groups)
    comma,         ///< the comma is the decimal mark (or the point groups)
    either_point,  ///< "1.234"
    either_comma,  ///< "1,234"
  };
  std::string body;  ///< digits, points, commas
  bool negative = false;
  bool percent = false;
  std::string currency;  ///< ISO 4217, or empty
  Shape shape = Shape::plain;

  static std::optional<NumberText> parse(std::string_view text);
  /// With a point for decimals and no grouping; nothing when the body contradicts the mark.
  [[nodiscard]] std::optional<std::string> plain(ingest::DecimalMark mark) const;
};

/// True when the last three characters of an 18-character Salesforce id fit the first fifteen.
bool salesforce_checksum_fits(std::string_view id);
bool is_salesforce_id(std::string_view id);

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
