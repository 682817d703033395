// Brings one raw column to what Crm::build takes for a kind.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/ingest.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

/// Time zones by name, loaded once.
class Zones {
 public:
  explicit Zones(const std::vector<TimeZone>& given) {
    for (const TimeZone& zone : given) zones_.emplace(zone.name(), zone);
  }
  /// UTC for an empty name.
  const TimeZone& find(const std::string& name);

 private:
  std::map<std::string, TimeZone> zones_;
  TimeZone utc_;
};

/// What the readers share: where they are, for the issues, and the mapping's defaults.
struct Reading {
  const ingest::Mapping* mapping = nullptr;
  Zones* zones = nullptr;
  Issues* issues = nullptr;
  std::string table;                     ///< the source's name
  std::span<const std::int64_t> origin;  ///< row numbers in the source
};

/// The values of `raw` as the kind wants them: dates and instants typed, amounts and numbers as plain
/// decimal text or as they came, other texts without blanks around them and without placeholders.
/// `name` is the source column. Amounts with a currency of their own put it into `currencies`.
Column read_column(const Column& raw, std::string_view name, Kind kind, const ingest::Source& source,
                   const Reading& reading, std::vector<std::string>* currencies = nullptr);

/// Whether each row meets all conditions. A column that isn't there is met by nothing.
std::vector<std::uint8_t> rows_that(const Table& table, const std::vector<ingest::Condition>& conditions);

/// The column so named, without case, blanks and punctuation.
const std::pair<std::string, Column>* find_column(const Table& table, std::string_view name);

/// Any column as strings.
Column as_texts(const Column& column);

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
