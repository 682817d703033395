#include <algorithm>

#include "known.hpp"
#include "past.hpp"

namespace salesops {
inline namespace v0 {

using namespace crm_detail;

namespace {

/// Microseconds of an instant or date column's row.
std::int64_t time_of(const Column& column, std::size_t row) {
  return column.type() == Type::date ? column.values<std::int32_t>()[row] * us_per_day
                                     : column.values<std::int64_t>()[row];
}

bool is_time(const Column& column) { return column.type() == Type::date || column.type() == Type::timestamp; }

std::vector<std::int64_t> known_rows(const TableModel& model, const Table& table, std::int64_t t) {
  std::vector<std::int64_t> rows;
  const Column* known = model.known_at.empty() ? nullptr : table.find(model.known_at);
  rows.reserve(table.num_rows());
  for (std::size_t row = 0; row < table.num_rows(); ++row)
    if (known == nullptr || !is_time(*known) || known->is_null(row) || time_of(*known, row) <= t)
      rows.push_back(static_cast<std::int64_t>(row));
  return rows;
}

/// Hides what became true after t, and `undated`: also what did at an unknown time.
Column dated(const Column& column, const Column& by, std::int64_t t, bool undated) {
  std::vector<std::int64_t> rows(column.size());
  bool any = false;
  for (std::size_t row = 0; row < column.size(); ++row) {
    tick(row);
    const bool later = by.valid(row) ? time_of(by, row) > t : undated && column.valid(row);
    any |= later;
    rows[row] = later ? -1 : static_cast<std::int64_t>(row);
  }
  return any ? column.take(rows) : column;
}

/// When it was known of each subscription in `rows` that it would be over: when it was cancelled or ended,
/// else by its last event that says so.
Column ends_known(const BookTables& tables, std::span<const std::int64_t> rows) {
  const Table& table = *find_table(tables, "subscription");
  std::vector<std::int64_t> at(table.num_rows(), null_value);
  for (const char* name : {"end", "cancel_at"})
    if (const Column* column = table.find(name); column != nullptr && is_time(*column))
      for (std::size_t row = 0; row < at.size(); ++row)
        if (column->valid(row))
          at[row] = at[row] == null_value ? time_of(*column, row) : std::min(at[row], time_of(*column, row));
  if (const auto events = tables.find("subscription_event"); events != tables.end()) {
    const std::vector<std::int64_t> told = at;
    const Column *type = events->second->table.find("type"), *when = events->second->table.find("at");
    const auto link = events->second->links.find("subscription_id");
    const bool readable = type != nullptr && when != nullptr && type->type() == Type::string &&
                          link != events->second->links.end();
    for (std::size_t row = 0; readable && row < type->size(); ++row) {
      if (type->is_null(row) || when->is_null(row) || link->second[row] == no_row) continue;
      const auto of = static_cast<std::size_t>(link->second[row]);
      if (told[of] == null_value && type->text(row) == "cancel")
        at[of] = std::max(at[of], time_of(*when, row));
    }
  }
  std::vector<std::uint8_t> known;
  for (const std::int64_t us : at) known.push_back(us != null_value);
  return Column::of(Type::timestamp, std::move(at), known).take(rows);
}

/// `outcomes`: when each deal's close became known, `ends`: each subscription's end; null of other tables.
/// `whole`: the book has no fact after t. A conversion at an unknown time is known from the end of the book
/// on.
Table hide_later(const TableModel& model, const Table& table, std::int64_t t, const Column* outcomes,
                 const Column* ends, bool whole) {
  Table result = table;
  for (const ColumnModel& column : model.columns) {
    if (column.tracking != Tracking::dated) continue;
    // A row may have been written after the last thing it tells of.
    if (whole && column.dated_by == "source_modified_at") continue;
    const Column* values = table.find(column.name);
    const Column* by = outcomes != nullptr && column.dated_by == "closed_at" ? outcomes
                       : ends != nullptr && column.dated_by == "end"         ? ends
                                                                             : table.find(column.dated_by);
    if (values != nullptr && by != nullptr && is_time(*by))
      result = result.with(column.name, dated(*values, *by, t, column.dated_by == "converted_at" && !whole));
  }
  // Today's status would tell of an end to come.
  if (const Column* status = ends != nullptr ? table.find("status") : nullptr)
    result = result.with("status", dated(*status, *ends, t, false));
  return result;
}

/// Those of `differences` that were seen by t, under the numbers that their deals have in `rows`.
std::vector<History::Row> seen_by(std::span<const History::Row> differences,
                                  std::span<const std::int64_t> rows, std::int64_t t) {
  std::vector<History::Row> seen;
  for (History::Row row : differences) {
    const auto place = std::lower_bound(rows.begin(), rows.end(), row.entity);
    if (row.change.at > t || place == rows.end() || *place != row.entity) continue;
    row.entity = place - rows.begin();
    seen.push_back(row);
  }
  return seen;
}

/// The outcome columns as they stood: open deals are open, closed ones have the close that stood then.
Table with_outcome(const Table& table, const Deals& deals) {
  const std::size_t n = deals.size();
  std::vector<std::uint8_t> closed(n), won(n), known(n), timed(n);
  std::vector<std::int64_t> closed_at(n, 0);
  for (std::size_t deal = 0; deal < n; ++deal) {
    closed[deal] = deals.status[deal] != DealStatus::open;
    won[deal] = deals.status[deal] == DealStatus::won;
    known[deal] = deals.status[deal] != DealStatus::unknown;
    timed[deal] = deals.closed_at[deal] != null_value;
    if (timed[deal] != 0) closed_at[deal] = deals.closed_at[deal];
  }
  return table.with("is_closed", Column::of(Type::boolean, std::move(closed)))
      .with("is_won", Column::of(Type::boolean, std::move(won), known))
      .with("closed_at", Column::of(Type::timestamp, std::move(closed_at), timed));
}

}  // namespace

Crm Crm::as_of(Instant t, const AsOfOptions& options) const {
  const StopScope scope(options.execution.stop);
  Steps steps(options.execution, 2 * state_->tables.size() + 2);
  auto state = std::make_shared<State>();
  state->options = state_->options;
  state->issues = Issues(state_->options.issues);
  state->latest = t;
  state->known_until = std::min(t, state_->known_until);
  state->rewound = t;
  if (t.us > state_->latest.us + known_slack)
    state->issues.add("", -1, "as_of", "after_latest_row", state_->latest.to_string());
  state->days_moved = state_->days_moved;
  state->filled = state_->filled;
  state->deals_from = state_->deals_from;
  state->currency = state_->currency;
  for (const std::string& name : options.allow_current) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos || table_model(name.substr(0, dot)).find(name.substr(dot + 1)) == nullptr)
      throw UsageError("as_of: allow_current names '" + name +
                       "'; write it as \"table.column\" of the data model");
  }
  std::optional<Past> past;
  if (state_->tables.contains("opportunity")) past.emplace(*state_, t.us);
  std::map<std::string, BookTable> rewound;
  for (const auto& [name, book] : state_->tables) {
    const TableModel& model = table_model(name);
    BookTable table;
    const std::vector<std::int64_t> rows = known_rows(model, book->table, t.us);
    table.table = rows.size() == book->table.num_rows() ? book->table : book->table.take(rows);
    // What came later never came in.
    table.counts.rows_in = table.counts.kept = static_cast<std::int64_t>(rows.size());
    table.scales = book->scales;
    table.inclusive_ends = book->inclusive_ends;
    table.key_made = book->key_made;
    const bool deals = name == "opportunity";
    if (deals) {
      state->differences = seen_by(state_->differences, rows, t.us);
      Past::Replayed then = past->replay(table.table, rows);
      state->history = std::move(then.history);
      state->issues.add_many(name, then.first_unknown_stage, "stage_id", "stage_not_kept",
                             then.unknown_stages);
      // The close as derived when the book was built, so that a close date edited later hides nothing.
      const Table known = table.table.with("closed_at", past->closes(rows));
      const Column outcomes = past->outcome_times(rows);
      table.table = hide_later(model, known, t.us, &outcomes, nullptr, past->whole());
      for (std::size_t i = 0; i < field_count; ++i) {
        const std::string field(field_column(static_cast<Field>(i)));
        if (const Column* column = then.table.find(field)) table.table = table.table.with(field, *column);
      }
    } else {
      const auto ends =
          name == "subscription" ? std::optional(ends_known(state_->tables, rows)) : std::nullopt;
      table.table =
          hide_later(model, table.table, t.us, nullptr, ends ? &*ends : nullptr, t >= state_->known_until);
    }
    for (const ColumnModel& column : model.columns) {
      const bool replayed = deals && column.tracking == Tracking::tracked && [&] {
        for (std::size_t i = 0; i < field_count; ++i)
          if (const Field field = static_cast<Field>(i); field_column(field) == column.name) {
            if (state_->history.tracks(field) && !past->tracks(field))
              state->issues.add(name, -1, column.name, "history_starts_later", {}, Severity::info);
            return state_->history.tracks(field);
          }
        return false;
      }();
      const bool current =
          column.tracking == Tracking::untracked || (column.tracking == Tracking::tracked && !replayed);
      if (!current || !table.table.has(column.name)) continue;
      const bool allowed = std::find(options.allow_current.begin(), options.allow_current.end(),
                                     name + "." + column.name) != options.allow_current.end();
      if (allowed) continue;
      state->issues.add(name, -1, column.name,
                        options.strict ? "untracked_column_left_out" : "untracked_column", {},
                        Severity::info);
      const bool future =
          deals && column.name == "amount" && !options.strict &&
          (state_->issues.count(name, column.name, known_at_win) > 0 || amounts_at_win(state_->deals));
      if (future) state->issues.add(name, -1, column.name, known_at_win);
      if (options.strict) table.table = table.table.without(column.name);
    }
    const auto keys = model.keys();
    if (keys.size() == 1) table.row_of_code = index_keys(table.table.column(keys.front()));
    rewound.emplace(name, std::move(table));
    steps.done();
  }
  for (const auto& [name, table] : rewound)
    state->tables.emplace(name, std::make_shared<const BookTable>(table));
  for (auto& [name, table] : rewound) {
    link_table(table_model(name), table, state->tables, nullptr);
    state->tables[name] = std::make_shared<const BookTable>(std::move(table));
    steps.done();
  }
  state->deals = derive_deals(state->tables, state->history, nullptr);
  steps.done();
  if (const auto found = rewound.find("opportunity"); found != rewound.end()) {
    auto book = std::make_shared<BookTable>(*state->tables["opportunity"]);
    book->table = with_outcome(book->table, state->deals);
    state->tables["opportunity"] = std::move(book);
  }
  steps.done();
  return Crm(std::move(state));
}

}  // namespace v0
}  // namespace salesops
