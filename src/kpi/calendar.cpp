#include "salesops/kpi/calendar.hpp"

#include <algorithm>
#include <map>

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

struct Row {
  Date start;
  std::optional<Date> end;
  std::optional<int> number;
  std::size_t row = 0;
};

std::string name_of(const Row& row) { return "fiscal_period, row " + std::to_string(row.row); }

/// Rows by type, in order of time.
std::map<std::string, std::vector<Row>> rows_of(const Table& table) {
  const Column &types = table.column("type"), &starts = table.column("start");
  const Column *ends = table.find("end"), *numbers = table.find("number");
  std::map<std::string, std::vector<Row>> rows;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    if (types.is_null(row) || starts.is_null(row)) continue;
    std::string type(types.text(row));
    for (char& c : type)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    Row read{.start = Date{starts.values<std::int32_t>()[row]}, .end = {}, .number = {}, .row = row};
    if (ends != nullptr && ends->valid(row)) read.end = Date{ends->values<std::int32_t>()[row]};
    if (numbers != nullptr && numbers->valid(row)) read.number = static_cast<int>(numbers->number(row));
    rows[type == "period" ? "month" : type].push_back(read);
  }
  for (auto& [type, all] : rows)
    std::stable_sort(all.begin(), all.end(), [](const Row& a, const Row& b) { return a.start < b.start; });
  return rows;
}

/// The row that began last by a day.
const Row* holder(const std::vector<Row>& rows, Date day) {
  const auto after =
      std::upper_bound(rows.begin(), rows.end(), day, [](Date at, const Row& row) { return at < row.start; });
  return after == rows.begin() ? nullptr : &*std::prev(after);
}

/// The day after a row's last: `end` names one or the other, which the next row tells.
Date end_of(const std::vector<Row>& rows, std::size_t at, bool inclusive) {
  if (!rows[at].end) throw UsageError(name_of(rows[at]) + ": the last period needs an end");
  return inclusive ? *rows[at].end + 1 : *rows[at].end;
}

}  // namespace

std::optional<FiscalCalendar> fiscal_calendar(const Crm& crm) {
  if (!crm.has("fiscal_period", "type") || !crm.has("fiscal_period", "start")) return std::nullopt;
  auto rows = rows_of(crm.table("fiscal_period"));
  const std::vector<Row>&months = rows["month"], &quarters = rows["quarter"], &years = rows["year"];
  const std::vector<Row>& periods = months.empty() ? quarters : months;
  if (periods.empty()) return std::nullopt;

  bool inclusive = false;
  for (std::size_t i = 0; i + 1 < periods.size(); ++i) {
    if (!periods[i].end) continue;
    const int gap = periods[i + 1].start - *periods[i].end;
    if (gap == 1) inclusive = true;
    if (gap != 0 && gap != 1)
      throw UsageError(name_of(periods[i]) + ": the next period doesn't start where this one ends");
  }
  std::vector<CustomPeriod> table;
  std::map<int, int> places;  // of periods in their years
  for (const Row& period : periods) {
    const Row* year = holder(years, period.start);
    if (year == nullptr || !(year->number || year->end))
      throw UsageError(name_of(period) + ": no row of type 'year' says which year it is in");
    CustomPeriod made;
    made.year = year->number ? *year->number : (*year->end - 1).ymd().year;
    made.number = period.number.value_or(places[made.year] + 1);
    places[made.year] = made.number;
    made.quarter = std::min(4, (made.number - 1) / 3 + 1);
    if (const Row* quarter = holder(quarters, period.start)) {
      const Row* first = holder(quarters, year->start);
      made.quarter = quarter->number.value_or(first == nullptr ? 1 : static_cast<int>(quarter - first) + 1);
    }
    made.start = period.start;
    table.push_back(made);
  }
  return FiscalCalendar::table(std::move(table), end_of(periods, periods.size() - 1, inclusive));
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
