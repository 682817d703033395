/// How long what ends on a day alone has lasted: the one rule for durations and their faults.
#pragma once

#include "salesops/calendar/time_zone.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

/// Whether `end` lies before `start`. What is known as a day alone is kept as the start of that day in the
/// zone: on the day of the start it isn't before it.
inline bool ends_before(std::int64_t start, std::int64_t end, const TimeZone& zone) noexcept {
  return end < start && end != zone.start_of(zone.local_date(Instant{start})).us;
}

/// Microseconds from `start` to `end`, negative where it `ends_before`; 0 to the day of the start.
inline std::int64_t lasted(std::int64_t start, std::int64_t end, const TimeZone& zone) noexcept {
  return end >= start || ends_before(start, end, zone) ? end - start : 0;
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
