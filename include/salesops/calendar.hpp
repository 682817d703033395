/// @file calendar.hpp
/// Fiscal and business time.
///
/// | question                                         | type            | header                        |
/// |--------------------------------------------------|-----------------|-------------------------------|
/// | Which quarter is this day in, when does it end?  | `FiscalCalendar`| calendar/fiscal.hpp           |
/// | What did the clock on the wall show?             | `TimeZone`      | calendar/time_zone.hpp        |
/// | How many working hours passed, when is it due?   | `BusinessHours` | calendar/business_hours.hpp   |
#pragma once

#include "salesops/calendar/business_hours.hpp"  // IWYU pragma: export
#include "salesops/calendar/fiscal.hpp"          // IWYU pragma: export
#include "salesops/calendar/time_zone.hpp"       // IWYU pragma: export
