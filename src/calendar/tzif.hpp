#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace detail {

/// From `at` (UTC seconds) on, local clocks are `offset` seconds ahead of UTC.
struct ZoneChange {
  std::int64_t at = 0;
  std::int32_t offset = 0;
};

struct ZoneChanges {
  std::int32_t first_offset = 0;
  std::vector<ZoneChange> list;  // rising in time
  /// If the footer has daylight saving: the list covers 400 years and a bit from here, then repeats.
  std::optional<std::int64_t> repeats_from;
};

/// Reads a TZif file (RFC 8536); throws `DataError` naming the zone.
ZoneChanges read_tzif(const std::string& name, std::string_view bytes);

}  // namespace detail
}  // namespace v0
}  // namespace salesops
