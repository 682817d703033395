// Where periods end: before their last day, as the data model has it, or with it, as people write it.
#include <map>
#include <set>

#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

/// Where a table says its periods, and whose they are.
struct Periods {
  std::string_view table, start, end;
  std::vector<std::string_view> of;
};

const Periods* periods_of(std::string_view table) {
  static const std::vector<Periods> all = {
      {"quota", "period_start", "period_end", {"holder_type", "holder_id", "measure", "product_family"}},
      {"spend", "period_start", "period_end", {"channel"}},
      {"target", "period_start", "period_end", {"metric", "scope"}},
      {"fiscal_period", "start", "end", {"type"}}};
  for (const Periods& periods : all)
    if (periods.table == table) return &periods;
  return nullptr;
}

enum class Says : std::uint8_t { nothing, before, with };

bool first_of_month(std::int32_t day) { return Date{day}.ymd().day == 1; }

/// The next one's start tells, else whole months.
Says said(std::int32_t start, std::int32_t end, const std::set<std::int32_t>& starts) {
  if (end < start || end >= last_date.days) return Says::nothing;
  if (end != start && starts.contains(end)) return Says::before;
  if (starts.contains(end + 1)) return Says::with;
  if (end != start && first_of_month(end)) return Says::before;
  return first_of_month(start) && first_of_month(end + 1) ? Says::with : Says::nothing;
}

}  // namespace

Table half_open(const TableModel& model, const Table& table, std::optional<bool>& inclusive, Issues& issues) {
  const Periods* periods = periods_of(model.name);
  if (periods == nullptr) return table;
  const Column *start = table.find(periods->start), *end = table.find(periods->end);
  if (start == nullptr || end == nullptr) return table;
  const auto starts = start->values<std::int32_t>(), ends = end->values<std::int32_t>();
  const auto known = [&](std::size_t row) { return start->valid(row) && end->valid(row); };
  if (!inclusive) {
    std::vector<std::string> whose(table.num_rows());
    std::map<std::string_view, std::set<std::int32_t>> starts_of;
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      for (const std::string_view name : periods->of)
        if (const Column* column = table.find(name)) whose[row] += column->cell(row) + '\x1f';
      if (known(row)) starts_of[whose[row]].insert(starts[row]);
    }
    std::int64_t with = 0, before = 0, first = -1;
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      tick(row);
      const Says says = known(row) ? said(starts[row], ends[row], starts_of[whose[row]]) : Says::nothing;
      before += says == Says::before;
      if (says == Says::with && with++ == 0) first = static_cast<std::int64_t>(row);
    }
    if (with + before > 0) inclusive = before == 0;
    issues.add_many(model.name, first, periods->end, "inclusive_end", with,
                    before == 0 ? Severity::info : Severity::warning);
  }
  if (!inclusive.value_or(false)) return table;
  std::vector<std::int32_t> moved(ends.begin(), ends.end());
  std::vector<std::uint8_t> valid(moved.size());
  for (std::size_t row = 0; row < moved.size(); ++row) {
    valid[row] = end->valid(row);
    if (valid[row] != 0 && moved[row] < last_date.days) ++moved[row];
  }
  return table.with(std::string(periods->end), Column::of(Type::date, std::move(moved), valid));
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
