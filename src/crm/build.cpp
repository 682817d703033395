#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <numeric>

#include "convert.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

/// A surrogate key "1", "2", … for a table nobody refers to.
Column made_key(std::size_t rows) {
  std::vector<std::string> keys(rows);
  for (std::size_t row = 0; row < rows; ++row) keys[row] = std::to_string(row + 1);
  return Column::of_strings(keys);
}

Table typed_columns(const TableModel& model, const Table& raw, const CrmOptions& options, Issues& issues) {
  Conversion conversion{.table = model.name,
                        .currency = nullptr,
                        .default_currency = options.currency,
                        .minor_units = options.minor_units,
                        .issues = &issues};
  Table table = Table::empty(raw.num_rows());
  Column currency;
  bool money = false;
  for (const auto& [name, column] : raw.columns())
    if (const ColumnModel* known = model.find(name)) money |= known->kind == Kind::money;
  if (money) {
    if (const Column* given = raw.find("currency")) {
      currency = to_kind(*given, *model.find("currency"), conversion);
      conversion.currency = &currency;
    } else if (options.currency.empty()) {
      issues.add(model.name, -1, "currency", "currency_not_said", {}, Severity::info);
    }
  }
  for (const auto& [name, column] : raw.columns()) {
    const ColumnModel* known = model.find(name);
    table = table.with(name, known == nullptr ? column : to_kind(column, *known, conversion));
  }
  if (money) {
    // Every row of money has a currency; a missing one is the book's.
    const std::string fallback = options.currency.empty() ? "XXX" : options.currency;
    DictionaryBuilder builder;
    std::vector<std::int32_t> codes(raw.num_rows());
    std::int64_t missing = 0, first = -1;
    for (std::size_t row = 0; row < raw.num_rows(); ++row) {
      const bool said = conversion.currency != nullptr && currency.valid(row);
      codes[row] = builder.code(said ? currency.text(row) : std::string_view(fallback));
      if (!said && missing++ == 0) first = static_cast<std::int64_t>(row);
    }
    if (conversion.currency != nullptr)
      issues.add_many(model.name, first, "currency", "currency_missing", missing);
    table = table.with("currency", Column::of_codes(std::move(codes), builder.finish()));
  }
  return table;
}

/// Row numbers to keep: of rows with one key the newest by source_modified_at, then the last.
std::vector<std::int64_t> newest_rows(const TableModel& model, const Table& table, BookTable& result,
                                      Issues& issues) {
  std::vector<const Column*> keys;
  std::string key_names;
  for (const std::string& name : model.keys())
    if (const Column* key = table.find(name)) {
      keys.push_back(key);
      key_names += (key_names.empty() ? "" : ",") + name;
    }
  const bool facts = !model.known_at.empty() && keys.size() > 1;
  const Column* modified = table.find("source_modified_at");
  const std::size_t rows = table.num_rows();
  std::vector<std::int64_t> keep;
  keep.reserve(rows);

  const auto has_key = [&](std::size_t row) {
    return std::all_of(keys.begin(), keys.end(),
                       [&](const Column* key) { return key->valid(row) || key != keys.front(); });
  };
  const auto newer = [&](std::size_t row, std::size_t than) {
    if (modified == nullptr || modified->is_null(row) || modified->is_null(than)) return true;
    const auto at = modified->values<std::int64_t>();
    return at[row] >= at[than];
  };
  // Event rows may repeat at one instant: all of them are facts.
  const bool unique = !facts;
  std::vector<std::int64_t> place;  // by code, for a single string key
  boost::unordered_flat_map<std::string, std::int64_t> places;
  const bool single = keys.size() == 1 && keys.front()->type() == Type::string;
  if (single) place.assign(keys.front()->dictionary().size(), -1);
  std::string composite;
  for (std::size_t row = 0; row < rows; ++row) {
    if (!has_key(row)) {
      ++result.counts.rejected;
      issues.add(model.name, static_cast<std::int64_t>(row), key_names, "null_key", {}, Severity::error);
      continue;
    }
    std::int64_t* found = nullptr;
    if (unique && single) {
      found = &place[static_cast<std::size_t>(keys.front()->values<std::int32_t>()[row])];
    } else if (unique) {
      composite.clear();
      for (const Column* key : keys) composite += (key->valid(row) ? key->cell(row) : std::string()) + '\x1f';
      found = &places.try_emplace(composite, -1).first->second;
    }
    if (found == nullptr || *found < 0) {
      if (found != nullptr) *found = static_cast<std::int64_t>(keep.size());
      keep.push_back(static_cast<std::int64_t>(row));
      continue;
    }
    ++result.counts.superseded;
    issues.add(model.name, static_cast<std::int64_t>(row), key_names, "duplicate_key",
               keys.front()->cell(row));
    auto& kept = keep[static_cast<std::size_t>(*found)];
    if (newer(row, static_cast<std::size_t>(kept))) kept = static_cast<std::int64_t>(row);
  }
  return keep;
}

}  // namespace

BookTable type_table(const TableModel& model, const Table& raw, const CrmOptions& options, Issues& issues,
                     bool keep_deleted) {
  Table table = raw;
  for (const ColumnModel& column : model.columns)
    if (column.required && !table.has(column.name)) {
      if (!model.surrogate_key) {
        std::string text = "table '" + model.name + "' needs its key column '" + column.name + "'; it has:";
        for (const std::string& name : raw.names()) text += " " + name;
        throw UsageError(text + ". Map yours with columns={\"" + column.name + "\": …}");
      }
      table = table.with(column.name, made_key(raw.num_rows()));
      issues.add(model.name, -1, column.name, "key_made", {}, Severity::info);
    }
  BookTable result;
  result.counts.rows_in = static_cast<std::int64_t>(raw.num_rows());
  table = typed_columns(model, table, options, issues);

  std::vector<std::int64_t> keep = newest_rows(model, table, result, issues);
  if (const Column* deleted = table.find("is_deleted"); deleted != nullptr && !keep_deleted &&
                                                        model.name != "opportunity" &&
                                                        model.name != "opportunity_version") {
    const auto flags = deleted->values<std::uint8_t>();
    const std::size_t before = keep.size();
    std::erase_if(keep, [&](std::int64_t row) {
      const auto at = static_cast<std::size_t>(row);
      return deleted->valid(at) && flags[at] != 0;
    });
    result.counts.deleted = static_cast<std::int64_t>(before - keep.size());
  }
  result.counts.kept = static_cast<std::int64_t>(keep.size());
  result.table = keep.size() == table.num_rows() ? table : table.take(keep);
  const auto keys = model.keys();
  if (keys.size() == 1 && result.table.column(keys.front()).type() == Type::string)
    result.row_of_code = index_keys(result.table.column(keys.front()));
  return result;
}

std::vector<std::int32_t> index_keys(const Column& key) {
  std::vector<std::int32_t> rows(key.dictionary().size(), no_row);
  const auto codes = key.values<std::int32_t>();
  for (std::size_t row = 0; row < key.size(); ++row)
    if (key.valid(row)) rows[static_cast<std::size_t>(codes[row])] = static_cast<std::int32_t>(row);
  return rows;
}

namespace {

/// Follows merged_into to the row that survived; a circle of merges stays where it is.
std::vector<std::int32_t> survivors(const BookTable& target, const std::string& key) {
  std::vector<std::int32_t> survivor(target.table.num_rows());
  std::iota(survivor.begin(), survivor.end(), 0);
  const Column* merged = target.table.find("merged_into");
  if (merged == nullptr) return survivor;
  const Dictionary& keys = target.table.column(key).dictionary();
  std::vector<std::int32_t> next(survivor.size(), no_row);
  for (std::size_t row = 0; row < next.size(); ++row) {
    if (merged->is_null(row)) continue;
    const std::int32_t code = keys.find(merged->text(row));
    if (code >= 0) next[row] = target.row_of_code[static_cast<std::size_t>(code)];
  }
  for (std::size_t row = 0; row < next.size(); ++row) {
    std::int32_t at = static_cast<std::int32_t>(row);
    std::size_t steps = 0;
    while (next[static_cast<std::size_t>(at)] >= 0 && steps++ < next.size())
      at = next[static_cast<std::size_t>(at)];
    if (steps <= next.size()) survivor[row] = at;
  }
  return survivor;
}

}  // namespace

void link_table(const TableModel& model, BookTable& table, const BookTables& tables, Issues* issues) {
  for (const ColumnModel& column : model.columns) {
    const Column* ids = table.table.find(column.name);
    if (ids == nullptr || column.references.empty()) continue;
    const auto found = tables.find(column.references);
    if (found == tables.end()) continue;
    const BookTable& target =
        found->second->table.num_rows() == 0 && column.references == model.name ? table : *found->second;
    const std::string key = table_model(column.references).keys().front();
    const Dictionary& keys = target.table.column(key).dictionary();
    const std::vector<std::int32_t> survivor = survivors(target, key);
    const Dictionary& dictionary = ids->dictionary();
    std::vector<std::int32_t> row_of(dictionary.size(), no_row);
    for (std::size_t code = 0; code < dictionary.size(); ++code) {
      const std::int32_t key_code =
          &dictionary == &keys ? static_cast<std::int32_t>(code) : keys.find(dictionary[code]);
      const std::int32_t row = key_code < 0 ? no_row : target.row_of_code[static_cast<std::size_t>(key_code)];
      row_of[code] = row < 0 ? no_row : survivor[static_cast<std::size_t>(row)];
    }
    std::vector<std::int32_t> link(ids->size(), no_row);
    const auto codes = ids->values<std::int32_t>();
    for (std::size_t row = 0; row < ids->size(); ++row) {
      if (ids->is_null(row)) continue;
      link[row] = row_of[static_cast<std::size_t>(codes[row])];
      if (link[row] == no_row && issues != nullptr)
        issues->add(model.name, static_cast<std::int64_t>(row), column.name, "orphan_key", ids->text(row));
    }
    table.links.insert_or_assign(column.name, std::move(link));
  }
}

}  // namespace crm_detail

using namespace crm_detail;

Crm Crm::build(NamedTables tables, const Options& options) {
  auto state = std::make_shared<State>();
  state->options = options;
  state->issues = Issues(options.issues);
  Issues& issues = state->issues;
  std::map<std::string, BookTable> typed;
  std::stable_partition(tables.begin(), tables.end(),
                        [](const auto& table) { return currency_parent(table.first).empty(); });
  for (auto& [name, raw] : tables) {
    const TableModel& model = table_model(name);
    if (typed.contains(name)) throw UsageError("table '" + name + "' was given twice");
    const auto parent = typed.find(std::string(currency_parent(name)));
    if (parent != typed.end()) raw = with_currency_of(parent->second, model, raw);
    typed.emplace(name, type_table(model, raw, options, issues));
  }
  // A book of versions alone: the deals are those the versions know.
  if (!typed.contains("opportunity")) {
    for (const char* source : {"opportunity_version", "opportunity_snapshot"}) {
      const auto found = typed.find(source);
      if (found == typed.end()) continue;
      const Column& ids = found->second.table.column("opportunity_id");
      const auto codes = ids.values<std::int32_t>();
      std::vector<std::int64_t> last(ids.dictionary().size(), -1);
      for (std::size_t row = 0; row < ids.size(); ++row)
        last[static_cast<std::size_t>(codes[row])] = static_cast<std::int64_t>(row);
      std::erase(last, -1);
      std::vector<std::string> only{"opportunity_id"};
      if (found->second.table.has("currency")) only.emplace_back("currency");
      typed.emplace("opportunity", type_table(table_model("opportunity"),
                                              found->second.table.select(only).take(last), options, issues));
      break;
    }
  }
  for (auto& [name, table] : typed) state->tables.emplace(name, std::make_shared<const BookTable>(table));
  if (const auto found = typed.find("opportunity"); found != typed.end()) {
    Table& opportunity = found->second.table;
    HistoryInput input = history_rows(opportunity, state->tables, options, issues);
    state->history = History(opportunity.num_rows(), std::move(input.rows), input.present);
    fill_present(opportunity, state->history, issues);
    state->tables["opportunity"] = std::make_shared<const BookTable>(found->second);
  }
  for (auto& [name, table] : typed) {
    link_table(table_model(name), table, state->tables, &issues);
    state->tables[name] = std::make_shared<const BookTable>(std::move(table));
  }
  state->deals = derive_deals(state->tables, state->history, &issues);
  check_times(state->tables, issues);
  state->latest = latest_instant(state->tables, state->history);
  state->currency = single_currency(state->tables);
  return Crm(std::move(state));
}

bool Crm::has(std::string_view table) const noexcept {
  return state_->tables.find(table) != state_->tables.end();
}

bool Crm::has(std::string_view table, std::string_view column) const noexcept {
  const auto found = state_->tables.find(table);
  return found != state_->tables.end() && found->second->table.has(column);
}

const Table& Crm::table(std::string_view name) const {
  const auto found = state_->tables.find(name);
  if (found != state_->tables.end()) return found->second->table;
  (void)table_model(name);
  std::string text = "this book has no table '" + std::string(name) + "'; it has:";
  for (const auto& [present, table] : state_->tables) text += " " + present;
  throw UsageError(text);
}

const Column& Crm::column(std::string_view table_name, std::string_view column) const {
  const Table& of = table(table_name);
  if (const Column* found = of.find(column)) return *found;
  throw UsageError("table '" + std::string(table_name) + "' of this book lacks the column '" +
                   std::string(column) + "'; map yours with columns={\"" + std::string(column) +
                   "\": …} when reading");
}

std::vector<std::string> Crm::tables() const {
  std::vector<std::string> names;
  for (const auto& [name, table] : state_->tables) names.push_back(name);
  return names;
}

std::span<const std::int32_t> Crm::link(std::string_view table_name, std::string_view column) const {
  (void)table(table_name);
  const auto& links = state_->tables.find(table_name)->second->links;
  const auto found = links.find(column);
  if (found == links.end()) return {};
  return found->second;
}

std::int64_t Crm::row_of(std::string_view table_name, std::string_view id) const {
  const Table& of = table(table_name);
  const auto keys = table_model(table_name).keys();
  const BookTable& book = *state_->tables.find(table_name)->second;
  if (book.row_of_code.empty()) return -1;
  const std::int32_t code = of.column(keys.front()).dictionary().find(id);
  return code < 0 ? -1 : book.row_of_code[static_cast<std::size_t>(code)];
}

const Deals& Crm::deals() const { return state_->deals; }
const History& Crm::history() const { return state_->history; }
const Issues& Crm::issues() const { return state_->issues; }
Instant Crm::latest() const { return state_->latest; }
const std::string& Crm::currency() const { return state_->currency; }

}  // namespace v0
}  // namespace salesops
