/// @file kpi/calendar.hpp
/// The calendar that a book brings along.
#pragma once

#include <optional>

#include "salesops/calendar.hpp"
#include "salesops/crm.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// The calendar of table `fiscal_period`, for `Options::calendar`; none where the book has no such rows.
///
/// Rows of type `month` (or `period`) are its periods, else those of type `quarter`; each belongs to the
/// quarter and the year that began last. `number` is the name of a year (default: the civil year of its last
/// day) and the place of a quarter or month in its year (default: by time; a quarter without a row holds
/// three months, the last one the rest). `end` is the day after, or the last day; the last row needs one.
/// Other types are left alone. Throws `UsageError` for a period without a year, and for gaps and overlaps,
/// naming the row.
std::optional<FiscalCalendar> fiscal_calendar(const Crm& crm);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
