#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <numeric>

#include "convert.hpp"
#include "salesops/crm.hpp"
#include "salesops/money.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

/// Surrogate keys for a table nobody refers to: the numbers from `first` on.
Column made_key(std::size_t rows, std::int64_t first) {
  std::vector<std::string> keys(rows);
  for (std::size_t row = 0; row < rows; ++row)
    keys[row] = std::to_string(first + static_cast<std::int64_t>(row));
  return Column::of_strings(keys);
}

Table with_keys(const TableModel& model, const Table& raw, std::int64_t first_key, Issues& issues) {
  Table table = raw;
  for (const ColumnModel& column : model.columns)
    if (column.required && !table.has(column.name)) {
      if (!model.surrogate_key) {
        std::string text = "table '" + model.name + "' needs its key column '" + column.name + "'; it has:";
        for (const std::string& name : raw.names()) text += " " + name;
        throw UsageError(text + ". Map yours with columns={\"" + column.name + "\": …}");
      }
      table = table.with(column.name, made_key(raw.num_rows(), first_key));
      issues.add(model.name, -1, column.name, "key_made", {}, Severity::info);
    }
  return table;
}

/// Tells of a table of which only the key is understood, naming its columns.
void check_names(const TableModel& model, const Table& given, Issues& issues) {
  std::string own;
  bool understood = given.num_rows() == 0;
  const std::vector<std::string> keys = model.keys();
  for (const std::string& name : given.names()) {
    if (model.find(name) == nullptr) own += (own.empty() ? "" : ", ") + name;
    understood |= model.find(name) != nullptr && std::find(keys.begin(), keys.end(), name) == keys.end();
  }
  if (!understood && !own.empty()) issues.add(model.name, -1, own, "no_known_column");
}

}  // namespace

Table typed_columns(const TableModel& model, const Table& given, std::int64_t first_key,
                    const CrmOptions& options, Scales& scales, Issues& issues) {
  const Table raw = with_keys(model, given, first_key, issues);
  Conversion conversion{.table = model.name,
                        .currency = nullptr,
                        .default_currency = options.currency,
                        .minor_units = options.minor_units,
                        .scales = &scales,
                        .issues = &issues};
  Table table = Table::empty(raw.num_rows());
  Column currency;
  bool money = false;
  for (const auto& [name, column] : raw.columns())
    if (const ColumnModel* known = model.find(name)) money |= known->kind == Kind::money;
  if (money) {
    if (const Column* said = raw.find("currency")) {
      currency = to_kind(*said, *model.find("currency"), conversion);
      conversion.currency = &currency;
    } else if (options.currency.empty()) {
      issues.add(model.name, -1, "currency", "currency_not_said", {}, Severity::info);
    }
  }
  Steps steps(options.execution, raw.num_columns());
  for (const auto& [name, column] : raw.columns()) {
    const ColumnModel* known = model.find(name);
    if (name == "currency" && conversion.currency != nullptr)
      table = table.with(name, currency);
    else
      table = table.with(name, known == nullptr ? column : to_kind(column, *known, conversion));
    steps.done();
  }
  if (money) {
    // Every row of money has a currency; a missing one is the book's.
    const std::string fallback = options.currency.empty() ? "XXX" : options.currency;
    DictionaryBuilder builder;
    std::vector<std::int32_t> codes(raw.num_rows());
    std::int64_t missing = 0, first = -1;
    for (std::size_t row = 0; row < raw.num_rows(); ++row) {
      tick(row);
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

std::string key_text(std::span<const Column* const> keys, std::size_t row) {
  if (keys.size() == 1) return keys.front()->cell(row);
  std::string text;
  for (const Column* key : keys) text += key->cell(row) + '\x1f';
  return text;
}

bool holds_facts(const TableModel& model) { return !model.known_at.empty() && model.keys().size() > 1; }

bool drops_deleted(const TableModel& model) {
  return model.name != "opportunity" && model.name != "opportunity_version";
}

bool flagged(const Column* column, std::size_t row) {
  return column != nullptr && column->valid(row) && column->values<std::uint8_t>()[row] != 0;
}

namespace {

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
  const bool unique = !holds_facts(model);
  std::vector<std::int64_t> place;  // by code, for a single string key
  boost::unordered_flat_map<std::string, std::int64_t> places;
  const bool single = keys.size() == 1 && keys.front()->type() == Type::string;
  if (single) place.assign(keys.front()->dictionary().size(), -1);
  for (std::size_t row = 0; row < rows; ++row) {
    tick(row);
    if (!has_key(row)) {
      ++result.counts.rejected;
      issues.add(model.name, static_cast<std::int64_t>(row), key_names, "null_key", {}, Severity::error);
      continue;
    }
    std::int64_t* found = nullptr;
    if (unique && single) {
      found = &place[static_cast<std::size_t>(keys.front()->values<std::int32_t>()[row])];
    } else if (unique) {
      found = &places.try_emplace(key_text(keys, row), -1).first->second;
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

BookTable type_table(const TableModel& model, const Table& raw, const CrmOptions& options, Issues& issues) {
  BookTable result;
  result.counts.rows_in = static_cast<std::int64_t>(raw.num_rows());
  const auto keys = model.keys();
  result.key_made = model.surrogate_key && !raw.has(keys.front());
  check_names(model, raw, issues);
  const Table table = typed_columns(model, raw, 1, options, result.scales, issues);
  std::vector<std::int64_t> keep = newest_rows(model, table, result, issues);
  if (const Column* deleted = table.find("is_deleted"); deleted != nullptr && drops_deleted(model)) {
    const std::size_t before = keep.size();
    Graves graves;
    std::vector<const Column*> key_columns;
    for (const std::string& name : keys)
      if (const Column* column = table.find(name)) key_columns.push_back(column);
    const Column* modified = table.find("source_modified_at");
    std::erase_if(keep, [&](std::int64_t row) {
      const auto at = static_cast<std::size_t>(row);
      if (!flagged(deleted, at)) return false;
      if (!holds_facts(model))
        graves[key_text(key_columns, at)] =
            modified != nullptr && modified->valid(at) ? modified->values<std::int64_t>()[at] : null_value;
      return true;
    });
    result.counts.deleted = static_cast<std::int64_t>(before - keep.size());
    result.graves = std::make_shared<const Graves>(std::move(graves));
  }
  result.counts.kept = static_cast<std::int64_t>(keep.size());
  result.table = half_open(model, keep.size() == table.num_rows() ? table : table.take(keep),
                           result.inclusive_ends, issues);
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

Table one_row_a_deal(const Table& states) {
  const Column& ids = states.column("opportunity_id");
  const auto codes = ids.values<std::int32_t>();
  std::vector<std::int64_t> last(ids.dictionary().size(), -1);
  for (std::size_t row = 0; row < ids.size(); ++row)
    last[static_cast<std::size_t>(codes[row])] = static_cast<std::int64_t>(row);
  std::erase(last, -1);
  std::vector<std::string> only{"opportunity_id"};
  if (states.has("currency")) only.emplace_back("currency");
  return states.select(only).take(last);
}

}  // namespace crm_detail

using namespace crm_detail;

namespace {

/// The options of a book whose own currency is in capitals. Throws `UsageError` for what is no code.
CrmOptions checked(const CrmOptions& given) {
  CrmOptions options = given;
  options.currency = currency_spelling(given.currency);
  const auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  const bool code = options.currency.size() == 3 && std::ranges::all_of(options.currency, letter);
  if (!options.currency.empty() && !code)
    throw UsageError("currency: '" + given.currency +
                     "' is no currency code; use three letters of ISO 4217, such as USD");
  return options;
}

/// The same with another part of the progress.
CrmOptions part_of(const CrmOptions& options, double from, double to) {
  CrmOptions part = options;
  part.execution = salesops::part_of(options.execution, from, to);
  return part;
}

}  // namespace

Crm Crm::build(NamedTables tables, const Options& given) {
  const StopScope scope(given.execution.stop);
  const Options options = checked(given);
  auto state = std::make_shared<State>();
  state->options = options;
  state->options.execution = {};
  state->issues = Issues(options.issues);
  Issues& issues = state->issues;
  if (!options.currency.empty() && !Currency::find(options.currency))
    issues.add("", -1, "currency", "unknown_currency", options.currency);
  std::map<std::string, BookTable> typed;
  std::stable_partition(tables.begin(), tables.end(),
                        [](const auto& table) { return currency_parent(table.first).empty(); });
  double cells = 0, done = 0;
  for (const auto& [name, raw] : tables) cells += static_cast<double>(raw.num_rows() * raw.num_columns() + 1);
  for (auto& [name, raw] : tables) {
    const TableModel& model = table_model(name);
    if (typed.contains(name)) throw UsageError("table '" + name + "' was given twice");
    const auto parent = typed.find(std::string(currency_parent(name)));
    if (parent != typed.end()) raw = with_currency_of(parent->second, model, raw);
    const double from = done;
    done += static_cast<double>(raw.num_rows() * raw.num_columns() + 1);
    typed.emplace(name, type_table(model, raw, part_of(options, from / cells / 2, done / cells / 2), issues));
  }
  // A book of versions alone: the deals are those the versions know.
  if (!typed.contains("opportunity")) {
    for (const char* source : {"opportunity_version", "opportunity_snapshot"}) {
      const auto found = typed.find(source);
      if (found == typed.end()) continue;
      typed.emplace("opportunity", type_table(table_model("opportunity"), one_row_a_deal(found->second.table),
                                              options, issues));
      state->deals_from = source;
      break;
    }
  }
  for (auto& [name, table] : typed) state->tables.emplace(name, std::make_shared<const BookTable>(table));
  if (const auto found = typed.find("opportunity"); found != typed.end()) {
    Table& opportunity = found->second.table;
    std::vector<History::Row> rows = history_rows(found->second, state->tables, nullptr, options, issues);
    state->history = History(opportunity.num_rows(), std::move(rows), present_values(opportunity),
                             salesops::part_of(options.execution, 0.7, 0.8));
    Fields all;
    all.fill(true);
    state->filled = fill_present(opportunity, state->history, all, options, issues);
    state->tables["opportunity"] = std::make_shared<const BookTable>(found->second);
  }
  const Execution rest = salesops::part_of(options.execution, 0.8, 1);
  Steps steps(rest, typed.size() + 2);
  for (auto& [name, table] : typed) {
    steps.done();
    link_table(table_model(name), table, state->tables, &issues);
    state->tables[name] = std::make_shared<const BookTable>(std::move(table));
  }
  state->deals = derive_deals(state->tables, state->history, &issues);
  steps.done();
  check_times(state->tables, nullptr, issues);
  check_rows(state->tables, nullptr, issues);
  check_latest(state->tables, state->deals, issues);
  for (const auto& [name, book] : state->tables)
    state->summaries.emplace(name, summarize(table_model(name), book->table));
  state->latest_close = latest_close(state->deals, state->tables);
  state->latest = state->known_until = latest_instant(state->summaries, state->history, state->latest_close);
  state->currency = single_currency(state->summaries);
  steps.done();
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
