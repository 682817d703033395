#include "periods.hpp"

#include <algorithm>
#include <map>

#include "salesops/date.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

namespace {

constexpr int year_in_months = 12;

/// Whole months from one day to another; nothing when the days of the month differ or it is over a year.
std::optional<int> months_between(Date from, Date to) {
  const auto a = from.ymd(), b = to.ymd();
  const int months = (b.year - a.year) * 12 + static_cast<int>(b.month) - static_cast<int>(a.month);
  if (a.day != b.day || months < 1 || months > year_in_months) return std::nullopt;
  return months;
}

}  // namespace

Table with_period_ends(const Table& quota, Issues& issues) {
  const Column* start = quota.find("period_start");
  if (start == nullptr || start->type() != Type::date || quota.has("period_end")) return quota;
  const auto starts = start->values<std::int32_t>();
  std::map<std::string, std::map<std::int32_t, std::vector<std::size_t>>> rows_of;
  for (std::size_t row = 0; row < quota.num_rows(); ++row) {
    if (start->is_null(row)) continue;
    std::string key;
    for (const char* name : {"holder_type", "holder_id", "measure", "product_family"})
      if (const Column* column = quota.find(name)) key += column->cell(row) + '\x1f';
    rows_of[key][starts[row]].push_back(row);
  }
  std::map<int, int> times;
  for (const auto& [key, days] : rows_of)
    for (auto at = days.begin(); std::next(at) != days.end(); ++at)
      if (const auto months = months_between(Date{at->first}, Date{std::next(at)->first})) ++times[*months];
  const auto usual = std::max_element(times.begin(), times.end(),
                                      [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<std::int32_t> ends(quota.num_rows());
  std::vector<std::uint8_t> known(quota.num_rows());
  std::int64_t inferred = 0;
  for (const auto& [key, days] : rows_of)
    for (auto at = days.begin(); at != days.end(); ++at) {
      const auto next = std::next(at);
      std::optional<Date> end;
      if (next != days.end() && next->first <= Date{at->first}.add_months(year_in_months).days)
        end = Date{next->first};
      else if (usual != times.end())
        end = Date{at->first}.add_months(usual->first);
      if (!end) continue;
      for (const std::size_t row : at->second) {
        ends[row] = end->days;
        known[row] = 1;
        ++inferred;
      }
    }
  issues.add_many("quota", -1, "period_end", "period_end_inferred", inferred, Severity::info);
  return quota.with("period_end", Column::of(Type::date, std::move(ends), known));
}

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
