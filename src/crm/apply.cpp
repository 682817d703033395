#include <algorithm>
#include <cstring>

#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {

using namespace crm_detail;

namespace {

constexpr std::int64_t skipped = -1;

/// A dictionary with the entries of `base` under their codes and new ones behind them.
class Extension {
 public:
  explicit Extension(std::shared_ptr<const Dictionary> base) : base_(std::move(base)) {}
  std::int32_t code(std::string_view text) {
    if (const std::int32_t known = base_->find(text); known >= 0) return known;
    return static_cast<std::int32_t>(base_->size()) + added_.code(text);
  }
  std::shared_ptr<const Dictionary> finish() {
    if (added_.size() == 0) return base_;
    const auto more = added_.finish();
    std::vector<char> bytes(base_->bytes().begin(), base_->bytes().end());
    std::vector<std::int64_t> offsets(base_->offsets().begin(), base_->offsets().end());
    const std::int64_t shift = offsets.back();
    bytes.insert(bytes.end(), more->bytes().begin(), more->bytes().end());
    for (std::size_t i = 1; i < more->offsets().size(); ++i) offsets.push_back(shift + more->offsets()[i]);
    return std::make_shared<const Dictionary>(std::move(bytes), std::move(offsets));
  }

 private:
  std::shared_ptr<const Dictionary> base_;
  DictionaryBuilder added_;
};

/// `base` (or nulls) with the rows of `change` put at `target`, `rows` long and of the type of `like`. The
/// values are copied once.
Column patched(const std::string& name, const Column& like, const Column* base, const Column* change,
               std::span<const std::int64_t> target, std::size_t rows) {
  if (base != nullptr && change != nullptr && base->type() != change->type())
    throw UsageError("apply: column '" + name + "' is " + std::string(type_name(base->type())) +
                     " in the book and " + std::string(type_name(change->type())) + " in the changes");
  const auto make = [&]<class T>(T) {
    std::vector<T> values(rows, T{});
    std::vector<std::uint8_t> valid(rows, 0);
    if (base != nullptr && base->size() > 0) {
      std::memcpy(values.data(), base->data(), base->size() * sizeof(T));
      for (std::size_t row = 0; row < base->size(); ++row) valid[row] = base->valid(row);
    }
    const auto& dictionary = like.shared_dictionary();
    Extension extension(dictionary ? dictionary : std::make_shared<const Dictionary>());
    if (change != nullptr) {
      const auto from = change->values<T>();
      for (std::size_t i = 0; i < target.size(); ++i) {
        if (target[i] == skipped) continue;
        const auto row = static_cast<std::size_t>(target[i]);
        valid[row] = change->valid(i);
        if (valid[row] == 0) continue;
        if constexpr (std::is_same_v<T, std::int32_t>)
          values[row] = like.type() == Type::string ? extension.code(change->text(i)) : from[i];
        else
          values[row] = from[i];
      }
    }
    Column column = Column::of(like.type(), std::move(values), valid)
                        .with_scale(like.scale())
                        .with_currency(like.currency());
    return like.type() == Type::string ? column.with_dictionary(extension.finish()) : column;
  };
  switch (type_width(like.type())) {
    case 1: return like.type() == Type::int8 ? make(std::int8_t{}) : make(std::uint8_t{});
    case 2: return like.type() == Type::int16 ? make(std::int16_t{}) : make(std::uint16_t{});
    case 4:
      return like.type() == Type::float32  ? make(float{})
             : like.type() == Type::uint32 ? make(std::uint32_t{})
                                           : make(std::int32_t{});
    case 16: return make(Decimal128{});
    default:
      return like.type() == Type::float64  ? make(double{})
             : like.type() == Type::uint64 ? make(std::uint64_t{})
                                           : make(std::int64_t{});
  }
}

bool flagged(const Column* column, std::size_t row) {
  return column != nullptr && column->valid(row) && column->values<std::uint8_t>()[row] != 0;
}

/// Rows of the book that the changes replace, new rows, and late ones that change nothing.
struct Placement {
  std::vector<std::int64_t> target;
  std::size_t rows = 0;
};

Placement place(const TableModel& model, const BookTable& book, const Table& changes) {
  Placement placement;
  const std::size_t n = book.table.num_rows();
  placement.rows = n;
  const auto keys = model.keys();
  const bool keyed = keys.size() == 1 && !book.row_of_code.empty();
  const Column* modified = changes.find("source_modified_at");
  const Column* was_modified = book.table.find("source_modified_at");
  std::map<std::string, std::int64_t> composite;
  const auto composite_key = [&](const Table& table, std::size_t row) {
    std::string key;
    for (const std::string& name : keys)
      if (const Column* column = table.find(name)) key += column->cell(row) + '\x1f';
    return key;
  };
  const bool facts = !model.known_at.empty() && keys.size() > 1;
  if (!keyed && !facts)
    for (std::size_t row = 0; row < n; ++row)
      composite.emplace(composite_key(book.table, row), static_cast<std::int64_t>(row));
  for (std::size_t i = 0; i < changes.num_rows(); ++i) {
    std::int64_t row = -1;
    if (keyed) {
      const Column& key = book.table.column(keys.front());
      const std::int32_t code = key.dictionary().find(changes.column(keys.front()).text(i));
      if (code >= 0) row = book.row_of_code[static_cast<std::size_t>(code)];
    } else if (!facts) {
      const auto found = composite.find(composite_key(changes, i));
      if (found != composite.end()) row = found->second;
    }
    if (row < 0) {
      placement.target.push_back(static_cast<std::int64_t>(placement.rows++));
      continue;
    }
    const auto at = static_cast<std::size_t>(row);
    const bool both =
        modified != nullptr && modified->valid(i) && was_modified != nullptr && was_modified->valid(at);
    if (both && modified->values<std::int64_t>()[i] < was_modified->values<std::int64_t>()[at]) {
      placement.target.push_back(skipped);
    } else {
      placement.target.push_back(row);
    }
  }
  return placement;
}

/// What differs between today's book and the changed rows, as history at their modification time.
std::vector<History::Row> differences(const Table& before, const Table& after, const Table& changes,
                                      const Placement& placement) {
  std::vector<History::Row> rows;
  const Column* modified = changes.find("source_modified_at");
  if (modified == nullptr) return rows;
  for (std::size_t f = 0; f < field_count; ++f) {
    const std::string name(field_column(static_cast<Field>(f)));
    const Column* then = before.find(name);
    if (then == nullptr || !changes.has(name)) continue;
    const Column& now = after.column(name);
    for (std::size_t i = 0; i < placement.target.size(); ++i) {
      if (placement.target[i] == skipped ||
          placement.target[i] >= static_cast<std::int64_t>(before.num_rows()) || modified->is_null(i))
        continue;
      const auto row = static_cast<std::size_t>(placement.target[i]);
      const std::int64_t old = field_values(then->slice(row, 1))[0];
      const std::int64_t value = field_values(now.slice(row, 1))[0];
      if (old == value) continue;
      rows.push_back(
          {.entity = placement.target[i],
           .seq = 0,
           .old = old,
           .old_known = true,
           .change = {
               .at = modified->values<std::int64_t>()[i], .value = value, .field = static_cast<Field>(f)}});
    }
  }
  return rows;
}

}  // namespace

Crm Crm::apply(NamedTables given) const {
  auto state = std::make_shared<State>(*state_);
  Issues& issues = state->issues;
  std::vector<History::Row> rows;
  BookTables added;
  bool history_given = false;
  std::stable_partition(given.begin(), given.end(),
                        [](const auto& table) { return currency_parent(table.first).empty(); });
  for (auto& [name, raw] : given) {
    const TableModel& model = table_model(name);
    history_given |=
        name == "opportunity_event" || name == "opportunity_snapshot" || name == "opportunity_version";
    const auto parent = state->tables.find(currency_parent(name));
    if (parent != state->tables.end()) raw = with_currency_of(*parent->second, model, raw);
    BookTable typed = type_table(model, raw, state->options, issues, true);
    const auto found = state->tables.find(name);
    const BookTable empty;
    const BookTable& book = found == state->tables.end() ? empty : *found->second;
    const Placement placement = place(model, book, typed.table);
    BookTable merged;
    merged.counts = book.counts;
    merged.counts.rows_in += typed.counts.rows_in;
    merged.counts.rejected += typed.counts.rejected;
    // Changed rows that aren't new replace a row, or come too late to: either way one of the two goes.
    merged.counts.superseded += typed.counts.superseded + static_cast<std::int64_t>(typed.table.num_rows()) -
                                static_cast<std::int64_t>(placement.rows - book.table.num_rows());
    std::vector<std::string> names = book.table.names();
    for (const std::string& column : typed.table.names())
      if (!book.table.has(column)) names.push_back(column);
    merged.table = Table::empty(placement.rows);
    for (const std::string& column : names) {
      const Column* base = book.table.find(column);
      const Column* change = typed.table.find(column);
      const Column& like = base != nullptr ? *base : typed.table.column(column);
      const bool untouched = change == nullptr && placement.rows == book.table.num_rows();
      merged.table = merged.table.with(
          column, untouched ? like : patched(column, like, base, change, placement.target, placement.rows));
    }
    if (name == "opportunity" && found != state->tables.end())
      rows = differences(book.table, merged.table, typed.table, placement);
    if (name != "opportunity" && name != "opportunity_version") {
      const Column* deleted = merged.table.find("is_deleted");
      std::vector<std::int64_t> keep;
      for (std::size_t row = 0; row < merged.table.num_rows(); ++row)
        if (!flagged(deleted, row)) keep.push_back(static_cast<std::int64_t>(row));
      merged.counts.deleted += static_cast<std::int64_t>(merged.table.num_rows() - keep.size());
      if (keep.size() < merged.table.num_rows()) merged.table = merged.table.take(keep);
    }
    merged.counts.kept = static_cast<std::int64_t>(merged.table.num_rows());
    const auto keys = model.keys();
    if (keys.size() == 1) merged.row_of_code = index_keys(merged.table.column(keys.front()));
    state->tables[name] = std::make_shared<const BookTable>(std::move(merged));
    added[name] = std::make_shared<const BookTable>(std::move(typed));
  }
  std::map<std::string, BookTable> relinked;
  for (const auto& [name, book] : state->tables) relinked.emplace(name, *book);
  if (const auto deals = relinked.find("opportunity"); deals != relinked.end()) {
    Table& opportunity = deals->second.table;
    HistoryInput input = history_rows(opportunity, added, state->options, issues);
    // Differences stand in for a history only where the changes bring none themselves.
    if (!history_given) input.rows = std::move(rows);
    if (!input.rows.empty() || opportunity.num_rows() != state_->history.entities())
      state->history = state_->history.with(opportunity.num_rows(), std::move(input.rows), input.present);
    state->tables["opportunity"] = std::make_shared<const BookTable>(deals->second);
  }
  for (auto& [name, book] : relinked) {
    const TableModel& model = table_model(name);
    const bool affected = added.contains(name) || std::any_of(model.columns.begin(), model.columns.end(),
                                                              [&](const ColumnModel& column) {
                                                                return added.contains(column.references);
                                                              });
    if (!affected) continue;
    link_table(model, book, state->tables, nullptr);
    state->tables[name] = std::make_shared<const BookTable>(std::move(book));
  }
  for (const auto& [name, changed] : added) {
    BookTable checked = *changed;
    link_table(table_model(name), checked, state->tables, &issues);
  }
  state->deals = derive_deals(state->tables, state->history, nullptr);
  state->latest = std::max(state_->latest, latest_instant(state->tables, state->history));
  state->currency = single_currency(state->tables);
  return Crm(std::move(state));
}

}  // namespace v0
}  // namespace salesops
