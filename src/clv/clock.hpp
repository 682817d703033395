// When rows happened.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rfm_read.hpp"

namespace salesops {
inline namespace v0 {
namespace clv_detail {

inline constexpr std::int64_t no_instant = INT64_MIN;

/// The end of what the latest row tells of: its instant has passed, or its whole day where no row has a time
/// of day (dates, or instants that all begin a day of the zone).
struct KnownUntil {
  std::int64_t instant = INT64_MIN;
  std::int64_t day = INT64_MIN;
  bool days = true;

  [[nodiscard]] std::int64_t end() const noexcept { return days ? day : instant; }
  void merge(const KnownUntil& other) noexcept {
    instant = std::max(instant, other.instant);
    day = std::max(day, other.day);
    days = days && other.days;
  }
};

/// Instants of the rows of a column of dates (the start of the day in the zone), instants, or their texts.
class Clock {
 public:
  /// Looks at all rows once. `UsageError` for a column of another type.
  Clock(const Column& column, const std::string& name, const TimeZone& zone, const Execution& execution);

  /// Every row has a time.
  [[nodiscard]] bool clean() const noexcept { return clean_; }
  /// No row has a time.
  [[nodiscard]] bool empty() const noexcept { return first_ > last_; }
  [[nodiscard]] Instant first() const noexcept { return Instant{first_}; }
  [[nodiscard]] const KnownUntil& until() const noexcept { return until_; }
  /// Instants of rows [first, last), `no_instant` where there is none: in `buffer`, or where they lie.
  std::span<const std::int64_t> block(std::size_t first, std::size_t last, std::vector<std::int64_t>& buffer);
  /// `no_missing` where a row without a time is in order.
  void report(Issues& issues, std::string_view table = "transactions", bool no_missing = false) const;

 private:
  template <class At>
  void scan(const Execution& execution, const At& at);

  const Column& column_;
  std::string name_;
  bool clean_ = true;                ///< every row has an instant
  std::int32_t first_day_ = 0;       ///< of `days_`
  std::vector<std::int64_t> days_;   ///< start of each civil day
  std::vector<std::int64_t> texts_;  ///< instant of each distinct text
  std::int64_t first_ = INT64_MAX, last_ = INT64_MIN;
  KnownUntil until_;
  Flaws nulls_, bad_;
};

}  // namespace clv_detail
}  // namespace v0
}  // namespace salesops
