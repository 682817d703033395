#include "salesops/calendar/time_zone.hpp"

salesops::Instant meeting(const salesops::TimeZone& zone, salesops::LocalTime clock) {
#ifdef SHOULD_FAIL
  return clock;
#else
  return zone.to_utc(clock);
#endif
}
