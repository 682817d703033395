// The facts of a book in time: the latest one, and those that can't be.
#include <algorithm>
#include <utility>
#include <vector>

#include "lasting.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

/// The columns of a table whose instants are facts of the book.
class FactTimes {
 public:
  FactTimes(const TableModel& model, const Table& table) {
    for (const std::string_view name :
         {std::string_view(model.known_at), std::string_view(model.name == "opportunity" ? "closed_at" : ""),
          std::string_view(model.name == "lead" ? "converted_at" : "")})
      if (const Column* column = name.empty() ? nullptr : table.find(name)) columns_.push_back(column);
    if (model.name != "activity") return;
    completed_ = table.find("is_completed");
    type_ = table.find("type");
  }

  [[nodiscard]] bool empty() const { return columns_.empty(); }
  [[nodiscard]] const std::vector<const Column*>& columns() const { return columns_; }

  /// Microseconds in a cell; nothing for a null.
  static std::optional<std::int64_t> microseconds(const Column& column, std::size_t row) {
    if (column.is_null(row)) return std::nullopt;
    if (column.type() == Type::timestamp) return column.values<std::int64_t>()[row];
    if (column.type() == Type::date) return column.values<std::int32_t>()[row] * us_per_day;
    return std::nullopt;
  }

  /// The latest instant and day that one row knows.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> latest(std::size_t row) const {
    std::pair<std::int64_t, std::int64_t> result{null_value, null_value};
    if (planned(row)) return result;
    for (const Column* column : columns_) {
      const auto at = microseconds(*column, row);
      if (!at || *at >= far_future) continue;
      std::int64_t& part = column->type() == Type::timestamp ? result.first : result.second;
      part = std::max(part, *at);
    }
    return result;
  }

 private:
  /// A meeting or task that nobody marked as done may lie ahead.
  [[nodiscard]] bool planned(std::size_t row) const {
    if (completed_ != nullptr && completed_->valid(row)) return completed_->values<std::uint8_t>()[row] == 0;
    if (type_ == nullptr || type_->is_null(row)) return false;
    return type_->text(row) == "meeting" || type_->text(row) == "task";
  }

  std::vector<const Column*> columns_;
  const Column* completed_ = nullptr;
  const Column* type_ = nullptr;
};

/// The name under which a table has a column.
std::string_view name_of(const Table& table, const Column& column) {
  for (const auto& [name, own] : table.columns())
    if (&own == &column) return name;
  return {};
}

/// The currencies of a table's amounts.
const Column* currency_of(const Table& table) {
  const Column* column = table.find("currency");
  return column != nullptr && column->type() == Type::string && has_money(table) ? column : nullptr;
}

}  // namespace

void check_times(const BookTables& tables, const Rows* only, Issues& issues) {
  struct Order {
    std::string_view table, earlier, later, rule;
  };
  static constexpr Order orders[] = {
      {"opportunity", "created_at", "closed_at", "closed_before_created"},
      {"lead", "created_at", "converted_at", "converted_before_created"},
      {"subscription", "start", "end", "ended_before_start"},
      {"rep", "hire_date", "leave_date", "left_before_hired"},
      {"rep_assignment", "valid_from", "valid_to", "valid_to_before_from"},
      {"quota", "period_start", "period_end", "period_end_before_start"},
      {"spend", "period_start", "period_end", "period_end_before_start"},
  };
  const auto each = [&](std::string_view name, std::size_t rows, const auto& check) {
    if (only == nullptr) {
      for (std::size_t row = 0; row < rows; ++row) check(row);
    } else if (const auto found = only->find(name); found != only->end()) {
      for (const std::int64_t row : found->second) check(static_cast<std::size_t>(row));
    }
  };
  for (const auto& [name, book] : tables) {
    const TableModel& model = table_model(name);
    const Table& table = book->table;
    const FactTimes times(model, table);
    for (const Column* column : times.columns())
      each(name, table.num_rows(), [&, table_name = name](std::size_t row) {
        tick(row);
        if (FactTimes::microseconds(*column, row).value_or(0) >= far_future)
          issues.add(table_name, static_cast<std::int64_t>(row), name_of(table, *column), "far_future");
      });
  }
  const TimeZone utc;  // as books keep days
  for (const Order& order : orders) {
    const Table* table = find_table(tables, order.table);
    if (table == nullptr) continue;
    const Column* earlier = table->find(order.earlier);
    const Column* later = table->find(order.later);
    if (earlier == nullptr || later == nullptr) continue;
    each(order.table, table->num_rows(), [&](std::size_t row) {
      tick(row);
      const auto start = FactTimes::microseconds(*earlier, row), end = FactTimes::microseconds(*later, row);
      if (start && end && ends_before(*start, *end, utc))
        issues.add(order.table, static_cast<std::int64_t>(row), order.later, order.rule);
    });
  }
  if (const Table* leads = find_table(tables, "lead")) {
    const Column* at = leads->find("converted_at");
    std::vector<const Column*> became;
    for (const char* name : {"converted_opportunity_id", "converted_account_id", "converted_contact_id"})
      if (const Column* column = leads->find(name)) became.push_back(column);
    each("lead", became.empty() ? 0 : leads->num_rows(), [&](std::size_t row) {
      tick(row);
      if (at != nullptr && at->valid(row)) return;
      if (std::ranges::any_of(became, [&](const Column* column) { return column->valid(row); }))
        issues.add("lead", static_cast<std::int64_t>(row), "converted_at", "conversion_time_unknown");
    });
  }
}

bool has_money(const Table& table) {
  return std::any_of(table.columns().begin(), table.columns().end(),
                     [](const auto& column) { return column.second.type() == Type::money; });
}

Summary summarize(const TableModel& model, const Table& table) {
  Summary summary;
  const FactTimes times(model, table);
  for (std::size_t row = 0; !times.empty() && row < table.num_rows(); ++row) {
    tick(row);
    const auto [instant, day] = times.latest(row);
    summary.instant = std::max(summary.instant, instant);
    summary.day = std::max(summary.day, day);
  }
  if (const Column* column = currency_of(table)) {
    std::vector<std::int64_t> used(column->dictionary().size());
    const auto codes = column->values<std::int32_t>();
    for (std::size_t row = 0; row < column->size(); ++row)
      if (column->valid(row)) ++used[static_cast<std::size_t>(codes[row])];
    for (std::size_t code = 0; code < used.size(); ++code)
      if (used[code] > 0) summary.rows_of_currency[std::string(column->dictionary()[code])] = used[code];
  }
  return summary;
}

Summary summarize(Summary before, const TableModel& model, const Table& was, const Table& is,
                  std::span<const std::int64_t> rows) {
  const FactTimes old_times(model, was), times(model, is);
  const Column* old_currency = currency_of(was);
  const Column* currency = currency_of(is);
  bool lost = old_currency == nullptr && currency != nullptr && was.num_rows() > 0;
  Summary after = before;
  for (const std::int64_t at : rows) {
    const auto row = static_cast<std::size_t>(at);
    const auto [instant, day] = times.latest(row);
    after.instant = std::max(after.instant, instant);
    after.day = std::max(after.day, day);
    if (currency != nullptr && currency->valid(row))
      ++after.rows_of_currency[std::string(currency->text(row))];
    if (row >= was.num_rows()) continue;
    // The row that held the latest instant may have lost it.
    const auto [old_instant, old_day] = old_times.latest(row);
    lost |=
        (old_instant == before.instant && instant < old_instant) || (old_day == before.day && day < old_day);
    if (old_currency == nullptr || old_currency->is_null(row)) continue;
    const auto counted = after.rows_of_currency.find(std::string(old_currency->text(row)));
    if (counted == after.rows_of_currency.end())
      lost = true;
    else if (--counted->second == 0)
      after.rows_of_currency.erase(counted);
  }
  return lost ? summarize(model, is) : after;
}

namespace {

/// When a deal's close was known: one that a date stands in for is a fact as well, no later than its row was
/// written.
class KnownCloses {
 public:
  KnownCloses(const Deals& deals, const BookTables& tables) : deals_(deals) {
    const Table* table = find_table(tables, "opportunity");
    written_ = table == nullptr ? nullptr : table->find("source_modified_at");
  }
  [[nodiscard]] std::int64_t of(std::size_t deal) const {
    const std::int64_t closed = deals_.closed_at[deal];
    if (closed >= far_future) return null_value;
    const bool known = written_ != nullptr && written_->valid(deal);
    return known ? std::min(closed, written_->values<std::int64_t>()[deal]) : closed;
  }

 private:
  const Deals& deals_;
  const Column* written_;
};

}  // namespace

std::int64_t latest_close(const Deals& deals, const BookTables& tables) {
  const KnownCloses closes(deals, tables);
  std::int64_t latest = null_value;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) latest = std::max(latest, closes.of(deal));
  return latest;
}

std::int64_t latest_close(const Book& before, std::span<const std::int64_t> rows, const Deals& deals,
                          const BookTables& tables) {
  const KnownCloses was(before.deals, before.tables), is(deals, tables);
  std::int64_t latest = before.latest_close;
  bool lost = false;
  for (const std::int64_t at : rows) {
    const auto deal = static_cast<std::size_t>(at);
    const std::int64_t now = is.of(deal);
    latest = std::max(latest, now);
    // The deal that closed last may not have closed then after all.
    lost |= deal < before.deals.size() && now < before.latest_close && was.of(deal) == before.latest_close;
  }
  return lost ? latest_close(deals, tables) : latest;
}

Instant latest_instant(const Summaries& summaries, const History& history, std::int64_t latest_close) {
  std::int64_t instant = history.latest() < far_future ? history.latest() : null_value, day = null_value;
  instant = std::max(instant, latest_close);
  for (const auto& [name, summary] : summaries) {
    instant = std::max(instant, summary.instant);
    day = std::max(day, summary.day);
  }
  // A book without a single instant: the days on which its rows became known.
  if (instant == null_value) instant = day;
  return Instant{instant == null_value ? 0 : instant};
}

void check_latest(const BookTables& tables, const Deals& deals, Issues& issues) {
  constexpr std::int64_t apart = 400 * us_per_day, fewest = 10, share = 10;
  std::int64_t facts = 0, day = null_value, before = null_value;  // the last day, and the last fact before it
  std::vector<std::pair<std::string_view, std::int64_t>> of_day;
  const auto put = [&](std::int64_t at, std::string_view table, std::size_t row) {
    if (at == null_value) return;
    ++facts;
    if (at >= day + us_per_day) {
      before = of_day.empty() ? null_value : day + us_per_day - 1;
      day = at_midnight_utc(Instant{at}.utc_date()).us;
      of_day.clear();
    }
    if (at >= day)
      of_day.emplace_back(table, row);
    else
      before = std::max(before, at);
  };
  for (const auto& [name, book] : tables) {
    const FactTimes times(table_model(name), book->table);
    for (std::size_t row = 0; !times.empty() && row < book->table.num_rows(); ++row) {
      tick(row);
      const auto [instant, date] = times.latest(row);
      put(std::max(instant, date), name, row);
    }
  }
  const KnownCloses closes(deals, tables);
  for (std::size_t deal = 0; deal < deals.size(); ++deal) put(closes.of(deal), "opportunity", deal);
  std::sort(of_day.begin(), of_day.end());
  of_day.erase(std::unique(of_day.begin(), of_day.end()), of_day.end());
  if (facts < fewest || std::ssize(of_day) * share > facts || before == null_value || day - before <= apart)
    return;
  for (const auto& [table, row] : of_day) issues.add(table, row, "", "long_after_the_rest");
}

std::string single_currency(const Summaries& summaries) {
  std::string currency;
  for (const auto& [name, summary] : summaries)
    for (const auto& [code, rows] : summary.rows_of_currency) {
      if (currency.empty())
        currency = code;
      else if (currency != code)
        return {};
    }
  return currency;
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
