/// @file time_zone.hpp
/// Local clocks: UTC instants to what the clock on the wall shows, and back.
///
/// Reads TZif data (RFC 8536, versions 1 to 4, with the footer rule for the time after the last listed
/// change), so it answers as the system's own zone files do, for all years.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "salesops/date.hpp"

namespace salesops {
inline namespace v0 {

/// A reading of a local clock, as microseconds since 1970-01-01T00:00 on that clock.
struct LocalTime {
  std::int64_t us = 0;

  [[nodiscard]] Date date() const noexcept { return Instant{us}.utc_date(); }
  friend constexpr auto operator<=>(LocalTime, LocalTime) = default;
};

inline constexpr LocalTime at_midnight_local(Date date) { return LocalTime{date.days * us_per_day}; }

/// Which instant is meant by a reading that a clock shows twice, as it is put back.
enum class Ambiguous { first, second };

/// A zone of the IANA database. Immutable; copies are cheap.
class TimeZone {
 public:
  /// UTC.
  TimeZone();
  /// Reads `name`, such as "Europe/Berlin", from `$TZDIR` or the system's zone folders. Throws
  /// `UsageError` naming similar zones if there is none, `DataError` for a broken file.
  static TimeZone load(std::string_view name);
  /// The content of a TZif file. Throws `DataError` if it breaks the format or counts leap seconds.
  static TimeZone from_bytes(std::string name, std::string_view tzif);

  [[nodiscard]] const std::string& name() const noexcept;

  /// Seconds that local clocks are ahead of UTC.
  [[nodiscard]] std::int32_t offset_at(Instant at) const noexcept;
  [[nodiscard]] LocalTime to_local(Instant at) const noexcept {
    return LocalTime{at.us + offset_at(at) * us_per_second};
  }
  [[nodiscard]] Date local_date(Instant at) const noexcept { return to_local(at).date(); }
  /// When the clock shows `local`. A reading that the clock skips means the moment of the jump.
  [[nodiscard]] Instant to_utc(LocalTime local, Ambiguous ambiguous = Ambiguous::first) const noexcept;
  /// When the civil day begins.
  [[nodiscard]] Instant start_of(Date date) const noexcept { return to_utc(at_midnight_local(date)); }

  /// Reads a text of `Instant::parse`; without an offset it is a reading of this zone's clock.
  [[nodiscard]] std::optional<Instant> parse(std::string_view text) const noexcept;

  /// `local_date` for a column of instants, as days since 1970-01-01; `null` (int64 minimum) gives int32
  /// minimum. Sizes must agree (`UsageError`).
  void local_date(std::span<const std::int64_t> instants, std::span<std::int32_t> days) const;
  /// `to_utc` for a column of readings; int64 minimum stays.
  void to_utc(std::span<const std::int64_t> local, std::span<std::int64_t> instants,
              Ambiguous ambiguous = Ambiguous::first) const;

  /// Of one name and one history of offsets.
  friend bool operator==(const TimeZone& a, const TimeZone& b) noexcept;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace v0
}  // namespace salesops
