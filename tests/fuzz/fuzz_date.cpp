#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "salesops/calendar.hpp"

/// What is read is in range and reads back from its own text; a period in words is read or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salesops;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto date = Date::parse(text)) {
    if (*date < first_date || *date > last_date || date->to_string() != text) std::abort();
  }
  if (const auto instant = Instant::parse(text)) {
    const auto day = instant->utc_date();
    const bool inside = first_date <= day && day <= last_date;
    if (inside && Instant::parse(instant->to_string()) != instant) std::abort();
  }
  const auto calendar = FiscalCalendar::months(2);
  try {
    for (const auto& period : calendar.parse_period(text, Date{20'000}))
      if (period.start >= period.end) std::abort();
  } catch (const UsageError&) {
  }
  try {
    static_cast<void>(TimeZone::from_bytes("fuzz", text).offset_at(Instant{0}));
  } catch (const DataError&) {
  }
  return 0;
}
