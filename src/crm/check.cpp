// What rows of a book say against each other.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "known.hpp"
#include "salesops/calendar/business_hours.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

/// All rows, or those that changed.
class Asked {
 public:
  Asked(const Rows* only, const std::string& table)
      : rows_(only == nullptr || !only->contains(table) ? nullptr : &only->at(table)),
        none_(only != nullptr && rows_ == nullptr) {}
  [[nodiscard]] bool none() const { return none_; }
  [[nodiscard]] bool operator()(std::int64_t row) const {
    return rows_ == nullptr || std::binary_search(rows_->begin(), rows_->end(), row);
  }

 private:
  const std::vector<std::int64_t>* rows_;
  bool none_;
};

/// Rows whose ids in a column lead back to themselves: each circle once, as its rows.
std::vector<std::vector<std::int32_t>> circles(const BookTable& book, const Column& key, const Column& ids) {
  const std::size_t n = ids.size();
  std::vector<std::int32_t> next(n, no_row);
  for (std::size_t row = 0; row < n; ++row) {
    tick(row);
    const std::int32_t code = ids.valid(row) ? key.dictionary().find(ids.text(row)) : -1;
    if (code >= 0) next[row] = book.row_of_code[static_cast<std::size_t>(code)];
  }
  std::vector<std::vector<std::int32_t>> found;
  std::vector<std::size_t> walk(n, 0);  // the walk that first came by
  for (std::size_t start = 0; start < n; ++start) {
    auto at = static_cast<std::int32_t>(start);
    for (; at != no_row && walk[static_cast<std::size_t>(at)] == 0; at = next[static_cast<std::size_t>(at)])
      walk[static_cast<std::size_t>(at)] = start + 1;
    if (at == no_row || walk[static_cast<std::size_t>(at)] != start + 1) continue;
    auto& circle = found.emplace_back();
    for (std::int32_t row = at; circle.empty() || row != at; row = next[static_cast<std::size_t>(row)])
      circle.push_back(row);
  }
  return found;
}

void check_circles(const BookTables& tables, const Rows* only, Issues& issues) {
  for (const auto& [name, book] : tables) {
    const Asked asked(only, name);
    const TableModel& model = table_model(name);
    for (const ColumnModel& column : model.columns) {
      const Column* ids = column.references == name ? book->table.find(column.name) : nullptr;
      if (ids == nullptr || asked.none() || ids->type() != Type::string) continue;
      for (const auto& circle : circles(*book, book->table.column(model.keys().front()), *ids)) {
        if (std::none_of(circle.begin(), circle.end(), asked)) continue;
        for (const std::int32_t row : circle)
          issues.add(name, row, column.name, "circle", ids->text(static_cast<std::size_t>(row)));
      }
    }
  }
}

/// Whether a subscription has an event `cancel`; empty without events.
std::vector<std::uint8_t> cancelled_by_events(const BookTables& tables) {
  const auto book = tables.find("subscription_event");
  if (book == tables.end()) return {};
  const Column* type = book->second->table.find("type");
  const auto link = book->second->links.find("subscription_id");
  if (type == nullptr || type->type() != Type::string || link == book->second->links.end()) return {};
  std::vector<std::uint8_t> told(find_table(tables, "subscription")->num_rows());
  for (std::size_t row = 0; row < type->size(); ++row) {
    const std::int32_t of = link->second[row];
    if (of >= 0 && type->valid(row) && type->text(row) == "cancel") told[static_cast<std::size_t>(of)] = 1;
  }
  return told;
}

/// Shares of one deal and type that have to be all of it, and aren't. Types have to that say so; where none
/// says anything, "revenue" has to, else the first by name: the others are overlays.
void check_splits(const BookTables& tables, const Rows* only, Issues& issues) {
  const std::string name = "credit_split";
  const auto book = tables.find(name);
  const Asked asked(only, name);
  if (book == tables.end() || asked.none() || !book->second->table.has("pct")) return;
  const Table& table = book->second->table;
  const Column &deal = table.column("opportunity_id"), &pct = table.column("pct");
  const Column *type = table.find("split_type"), *must = table.find("must_total_100");
  struct Total {
    double sum = 0;
    std::int64_t first = -1;
    bool asked = false, must = false;
  };
  using Types = std::map<std::pair<bool, std::string_view>, Total>;  // "revenue" first
  std::map<std::int32_t, Types> deals;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    if (deal.is_null(row) || (must != nullptr && must->valid(row) && !flagged(must, row))) continue;
    const std::string_view of = type != nullptr && type->valid(row) ? type->text(row) : std::string_view();
    Total& total = deals[deal.values<std::int32_t>()[row]][{of != "revenue", of}];
    if (total.first < 0) total.first = static_cast<std::int64_t>(row);
    total.asked |= asked(static_cast<std::int64_t>(row));
    total.must |= flagged(must, row);
    total.sum += pct.valid(row) ? pct.number(row) : std::nan("");
  }
  constexpr double rounding = 1.5e-4;  // thirds are often written as 33.33 %
  for (const auto& [row, types] : deals)
    for (const auto& [of, total] : types)
      if (total.asked && (total.must || of == types.begin()->first) &&
          !(std::fabs(total.sum - 1) <= rounding))
        issues.add(name, total.first, "pct", "split_total");
}

/// Subscriptions that are over, and nothing says since when.
void check_cancelled(const BookTables& tables, const Rows* only, Issues& issues) {
  const std::string name = "subscription";
  const auto book = tables.find(name);
  const Asked asked(only, name);
  if (book == tables.end() || asked.none()) return;
  const Table& table = book->second->table;
  const Column* status = table.find("status");
  if (status == nullptr || status->type() != Type::string) return;
  std::vector<std::uint8_t> over(status->dictionary().size());
  for (std::size_t code = 0; code < over.size(); ++code) over[code] = says_over(status->dictionary()[code]);
  if (std::find(over.begin(), over.end(), 1) == over.end()) return;
  const std::vector<std::uint8_t> told = cancelled_by_events(tables);
  const Column *end = table.find("end"), *cancelled = table.find("cancel_at");
  const auto codes = status->values<std::int32_t>();
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    if (status->is_null(row) || over[static_cast<std::size_t>(codes[row])] == 0) continue;
    const bool known = (end != nullptr && end->valid(row)) ||
                       (cancelled != nullptr && cancelled->valid(row)) || (!told.empty() && told[row] != 0);
    if (!known && asked(static_cast<std::int64_t>(row)))
      issues.add(name, static_cast<std::int64_t>(row), "end", "cancelled_without_end");
  }
}

/// Opening hours of calendars, and of their days, that nobody can read.
void check_hours(const BookTables& tables, const Rows* only, Issues& issues) {
  for (const std::string name : {"calendar", "calendar_holiday"}) {
    const auto book = tables.find(name);
    const Asked asked(only, name);
    if (book == tables.end() || asked.none()) continue;
    const Column* hours = book->second->table.find("hours");
    if (hours == nullptr) continue;
    for (std::size_t row = 0; row < hours->size(); ++row) {
      if (hours->is_null(row) || !asked(static_cast<std::int64_t>(row))) continue;
      try {
        if (name == "calendar")
          static_cast<void>(parse_week_hours(hours->text(row)));
        else
          static_cast<void>(parse_day_hours(hours->text(row)));
      } catch (const UsageError&) {
        issues.add(name, static_cast<std::int64_t>(row), "hours", "unreadable_hours", hours->text(row));
      }
    }
  }
}

}  // namespace

void check_rows(const BookTables& tables, const Rows* only, Issues& issues) {
  check_cancelled(tables, only, issues);
  check_circles(tables, only, issues);
  check_splits(tables, only, issues);
  check_hours(tables, only, issues);
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
