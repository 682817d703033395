#include <algorithm>
#include <numeric>

#include "convert.hpp"
#include "revision.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

/// Nulls of a column's kind.
Column nulls_like(const Column& like, std::size_t rows) {
  return Column::nulls(like.type(), rows).with_scale(like.scale()).with_currency(like.currency());
}

void check_kinds(const std::string& name, const Column& book, const Column& changes) {
  if (book.type() == changes.type() && book.scale() == changes.scale() &&
      book.currency() == changes.currency())
    return;
  throw UsageError("apply: column '" + name + "' is " + std::string(type_name(book.type())) +
                   " in the book and " + std::string(type_name(changes.type())) +
                   " (or of another scale or currency) in the changes; convert the changes");
}

/// `book` with the rows of `changes`, which has the columns it has, put at `rows`.
Table with_rows(const Table& book, const Table& changes, std::span<const std::int64_t> rows) {
  const std::size_t before = book.num_rows();
  const auto first_new = std::lower_bound(rows.begin(), rows.end(), static_cast<std::int64_t>(before));
  const std::vector<std::int64_t> added(first_new, rows.end());
  std::vector<std::pair<std::string, Column>> columns;
  for (const auto& [name, column] : book.columns()) {
    const Column* change = changes.find(name);
    if (change != nullptr) check_kinds(name, column, *change);
    columns.emplace_back(name, change != nullptr ? column.with(rows, *change)
                                                 : column.with(added, nulls_like(column, added.size())));
  }
  for (const auto& [name, column] : changes.columns())
    if (!book.has(name))
      columns.emplace_back(name, before == 0 ? column : nulls_like(column, before).with(rows, column));
  return Table(std::move(columns));
}

bool gives_money(const TableModel& model, const Table& raw) {
  return std::any_of(raw.columns().begin(), raw.columns().end(), [&](const auto& column) {
    const ColumnModel* known = model.find(column.first);
    return known != nullptr && known->kind == Kind::money;
  });
}

/// Amounts that name no currency are in that of the row they change.
Table with_known_currency(const TableModel& model, const BookTable& book, const Table& raw,
                          const CrmOptions& options) {
  const Column* currency = book.table.find("currency");
  const auto keys = model.keys();
  const Column* key = raw.find(keys.front());
  if (raw.has("currency") || currency == nullptr || keys.size() != 1 || key == nullptr ||
      !gives_money(model, raw))
    return raw;
  Issues unheard;
  const Conversion conversion{.table = model.name,
                              .currency = nullptr,
                              .default_currency = options.currency,
                              .minor_units = options.minor_units,
                              .issues = &unheard};
  const Column ids = to_kind(*key, *model.find(keys.front()), conversion);
  const Dictionary& known = book.table.column(keys.front()).dictionary();
  std::vector<std::int64_t> rows(raw.num_rows(), -1);
  for (std::size_t row = 0; row < rows.size(); ++row)
    if (ids.valid(row))
      if (const std::int32_t code = known.find(ids.text(row)); code >= 0)
        rows[row] = book.row_of_code[static_cast<std::size_t>(code)];
  return raw.with("currency", currency->take(rows));
}

}  // namespace

const Table& Revision::was(const std::string& name) const {
  static const Table none;
  const auto found = before_.tables.find(name);
  return found == before_.tables.end() ? none : found->second->table;
}

BookTable& Revision::open(const std::string& name) {
  auto& book = open_[name];
  if (book == nullptr) {
    const auto found = before_.tables.find(name);
    book = found == before_.tables.end() ? std::make_shared<BookTable>()
                                         : std::make_shared<BookTable>(*found->second);
    after_.tables[name] = book;
  }
  return *book;
}

void Revision::merge(const std::string& name, const Table& raw) {
  const TableModel& model = table_model(name);
  if (changes_.contains(name)) throw UsageError("apply: table '" + name + "' was given twice");
  const bool is_new = !before_.tables.contains(name);
  BookTable& book = open(name);
  const auto keys = model.keys();
  const bool makes_key = model.surrogate_key && !raw.has(keys.front());
  if (is_new) book.key_made = makes_key;
  if (makes_key && !book.key_made)
    throw UsageError("apply: the rows of table '" + name +
                     "' have keys in the book and none in the changes;"
                     " give them their '" +
                     keys.front() + "'");
  const auto parent = after_.tables.find(currency_parent(name));
  const Table priced = parent != after_.tables.end() ? with_currency_of(*parent->second, model, raw)
                                                     : with_known_currency(model, book, raw, after_.options);
  const Table typed = half_open(
      model,
      typed_columns(model, priced, book.counts.rows_in + 1, after_.options, book.scales, after_.issues),
      book.inclusive_ends, after_.issues);
  Placement placement = place(model, book, typed, after_.issues);
  const std::size_t before = book.table.num_rows();
  book.table = with_rows(book.table, typed.take(placement.from), placement.rows);
  book.counts = placement.counts;
  book.graves = placement.graves;
  if (keys.size() == 1) index_new_keys(book, keys.front(), before);
  if (!placement.leaving.empty()) drop_rows(book, model, placement.leaving);
  book.counts.kept = static_cast<std::int64_t>(book.table.num_rows());

  Change& change = changes_[name];
  change.renumbered = is_new || !placement.leaving.empty();
  change.merges = typed.has("merged_into");
  change.rows = std::move(placement.rows);
  if (change.renumbered) {
    change.rows.resize(book.table.num_rows());
    std::iota(change.rows.begin(), change.rows.end(), 0);
  }
  for (const std::string& column : typed.names()) given_[name].insert(column);
}

void Revision::index_new_keys(BookTable& book, const std::string& key, std::size_t rows_before) {
  const Column& column = book.table.column(key);
  std::vector<std::int64_t> codes;
  std::vector<std::int32_t> rows;
  // Every code has a row number, though the key of a row that was left out has no row.
  if (const std::size_t known = column.dictionary().size(); known > book.row_of_code.size()) {
    codes.push_back(static_cast<std::int64_t>(known) - 1);
    rows.push_back(no_row);
  }
  for (std::size_t row = rows_before; row < column.size(); ++row) {
    codes.push_back(column.values<std::int32_t>()[row]);
    rows.push_back(static_cast<std::int32_t>(row));
  }
  book.row_of_code = book.row_of_code.with(codes, rows, no_row);
}

void Revision::drop_rows(BookTable& book, const TableModel& model, std::span<const std::int64_t> leaving) {
  std::vector<std::int64_t> keep;
  for (std::size_t row = 0; row < book.table.num_rows(); ++row)
    if (!std::binary_search(leaving.begin(), leaving.end(), static_cast<std::int64_t>(row)))
      keep.push_back(static_cast<std::int64_t>(row));
  book.table = book.table.take(keep);
  const auto keys = model.keys();
  if (keys.size() == 1) book.row_of_code = index_keys(book.table.column(keys.front()));
}

void Revision::find_deals() {
  for (const std::string source : {"opportunity_version", "opportunity_snapshot"}) {
    const auto change = changes_.find(source);
    const bool only_source = after_.deals_from == source || !after_.tables.contains("opportunity");
    if (change == changes_.end() || !only_source || changes_.contains("opportunity")) continue;
    const Table& states = now(source).table;
    std::vector<std::int64_t> fresh;
    if (after_.tables.contains("opportunity")) {
      const auto deals = deal_rows(states, change->second.rows, now("opportunity"));
      for (std::size_t i = 0; i < deals.size(); ++i)
        if (deals[i] == no_row) fresh.push_back(change->second.rows[i]);
    } else {
      fresh = change->second.rows;
    }
    after_.deals_from = source;
    if (!fresh.empty() || !after_.tables.contains("opportunity"))
      merge("opportunity", one_row_a_deal(states.take(fresh)));
  }
}

void Revision::derive() {
  if (!after_.tables.contains("opportunity")) return;
  const auto deals = changes_.find("opportunity");
  const bool all = (deals != changes_.end() && deals->second.renumbered) || changes_.contains("stage_def") ||
                   before_.history.tracks(Field::stage) != after_.history.tracks(Field::stage);
  if (all) {
    after_.deals = derive_deals(after_.tables, after_.history, nullptr);
    after_.latest_close = latest_close(after_.deals, after_.tables);
  } else {
    std::vector<std::int64_t> rows = rewritten_;
    if (deals != changes_.end())
      rows.insert(rows.end(), deals->second.rows.begin(), deals->second.rows.end());
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    after_.deals = derive_deals(before_.deals, rows, after_.tables, after_.history, &after_.issues);
    after_.latest_close = latest_close(before_, rows, after_.deals, after_.tables);
  }
}

void Revision::conclude() {
  Rows rows;
  for (const auto& [name, change] : changes_) rows[name] = change.rows;
  check_times(after_.tables, &rows, after_.issues);
  check_rows(after_.tables, &rows, after_.issues);
  for (const auto& [name, book] : after_.tables) {
    const TableModel& model = table_model(name);
    const auto change = changes_.find(name);
    const auto known = after_.summaries.find(name);
    if (known == after_.summaries.end() || (change != changes_.end() && change->second.renumbered))
      after_.summaries.insert_or_assign(name, summarize(model, book->table));
    else if (change != changes_.end())
      known->second = summarize(std::move(known->second), model, was(name), book->table, change->second.rows);
  }
  after_.latest = after_.known_until = latest_instant(after_.summaries, after_.history, after_.latest_close);
  if (after_.rewound) after_.latest = std::max(after_.latest, *after_.rewound);
  after_.currency = single_currency(after_.summaries);
}

}  // namespace crm_detail

using namespace crm_detail;

Crm Crm::apply(NamedTables given, const Execution& execution) const {
  if (state_->days_moved)
    throw UsageError(
        "apply: the days of this book were moved into a zone; apply the changes to the book as it was read");
  const StopScope scope(execution.stop);
  Steps steps(execution, given.size() + 5);
  auto state = std::make_shared<State>(*state_);
  Revision revision(*state_, *state);
  std::stable_partition(given.begin(), given.end(),
                        [](const auto& table) { return currency_parent(table.first).empty(); });
  for (const auto& [name, raw] : given) {
    revision.merge(name, raw);
    steps.done();
  }
  for (const auto step : {&Revision::find_deals, &Revision::link, &Revision::extend_history,
                          &Revision::derive, &Revision::conclude}) {
    (revision.*step)();
    steps.done();
  }
  return Crm(std::move(state));
}

}  // namespace v0
}  // namespace salesops
