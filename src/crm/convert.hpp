// Brings a column to its kind of the data model; what can't be brought is an issue and a null.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "salesops/crm.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

/// In what a column of fractions came, by its name: 1 or 100; 0 for a column without a telling value.
using Scales = std::map<std::string, int, std::less<>>;

struct Conversion {
  std::string_view table;
  const Column* currency = nullptr;  ///< the table's own currency column, text
  std::string default_currency;
  bool minor_units = false;
  Scales* scales = nullptr;  ///< of the rows before these; what these tell is added
  Issues* issues = nullptr;
};

Column to_kind(const Column& raw, const ColumnModel& model, const Conversion& conversion);

/// What `Instant::parse` reads, and what databases write besides: an offset of hours alone (`+00`), `UTC`,
/// `GMT`.
std::optional<Instant> read_instant(std::string_view text);

/// `true` for text without anything but blanks.
bool is_blank(std::string_view text) noexcept;

/// Capitals without blanks around: " usd" is `USD`.
std::string currency_spelling(std::string_view text);

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
