#include <algorithm>
#include <numeric>

#include "deal_facts.hpp"
#include "groups.hpp"
#include "resolved.hpp"
#include "salesops/money.hpp"
#include "shown.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr std::int32_t no_row = -1;

/// The tables that tell of one thing: what a rep is now and then stands in assignments.
std::vector<std::string> tables_of(const Crm& crm, const std::string& table) {
  if (table == "rep" && crm.has("rep_assignment")) return {table, "rep_assignment"};
  return {table};
}

/// The column of `table` a word means: itself, or the id behind it (`owner` is `owner_id`). `before`: what
/// the path says before the word, with its dot.
std::string column_of(const Crm& crm, const std::string& table, std::string_view word,
                      const std::string& before) {
  if (crm.has(table, word)) return std::string(word);
  const std::string id = std::string(word) + "_id";
  if (crm.has(table, id)) return id;
  std::vector<std::string> names;
  for (const std::string& own : tables_of(crm, table))
    for (const std::string& name : crm.table(own).names()) {
      names.push_back(name);
      if (name.ends_with("_id")) names.push_back(name.substr(0, name.size() - 3));
    }
  std::string text = "no column '" + shown(word) + "' in table '" + table + "'";
  if (const auto near = near_names(word, names); !near.empty())
    text += "; did you mean '" + before + near.front() + "'?";
  else
    text += ".";
  text += " It has:";
  for (const std::string& own : tables_of(crm, table))
    for (const std::string& name : crm.table(own).names()) text += " " + name;
  throw UsageError(text);
}

bool word_exists(const Crm& crm, const std::string& table, std::string_view word) {
  return crm.has(table, word) || crm.has(table, std::string(word) + "_id");
}

/// A tracked column as it stood at each fact's instant.
Lookup at_the_time(const Crm& crm, const Column& present, Field field, std::span<const std::int32_t> rows,
                   std::span<const std::int64_t> at) {
  const auto put = [&]<class T>(T, auto convert) {
    std::vector<T> values(rows.size(), T{});
    std::vector<std::uint8_t> valid(rows.size(), 0);
    const auto now = present.values<T>();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tick(i);
      if (rows[i] < 0) continue;
      const auto row = static_cast<std::size_t>(rows[i]);
      if (at[i] == null_value) {
        valid[i] = present.valid(row);
        if (valid[i] != 0) values[i] = now[row];
        continue;
      }
      const std::int64_t value = crm.history().value_at(row, field, at[i]);
      valid[i] = value != null_value;
      if (valid[i] != 0) values[i] = convert(value);
    }
    return Column::of(present.type(), std::move(values), valid);
  };
  Column column;
  switch (present.type()) {
    case Type::string:
      column = put(std::int32_t{}, [](std::int64_t v) {
                 return static_cast<std::int32_t>(v);
               }).with_dictionary(present.shared_dictionary());
      break;
    case Type::date:
      column = put(std::int32_t{}, [](std::int64_t v) { return static_cast<std::int32_t>(v); });
      break;
    case Type::float64:
      column = put(double{}, [](std::int64_t v) { return static_cast<double>(v) / 1e6; });
      break;
    case Type::boolean:
      column = put(std::uint8_t{}, [](std::int64_t v) { return static_cast<std::uint8_t>(v); });
      break;
    default: column = put(std::int64_t{}, [](std::int64_t v) { return v; }); break;
  }
  std::vector<std::int32_t> own(rows.size());
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<std::int32_t>(i);
  return {std::move(column), std::move(own)};
}

/// `open_stage`: the last open stage each deal was in by its fact's instant.
Lookup last_open_stage(const Crm& crm, std::span<const std::int32_t> rows, std::span<const std::int64_t> at) {
  const Column& present = crm.column("opportunity", "stage_id");
  StageStatuses status(crm);
  std::vector<std::int32_t> codes(rows.size(), 0), own(rows.size());
  std::vector<std::uint8_t> valid(rows.size(), 0);
  const auto see = [&](std::size_t i, std::size_t row, std::int64_t stage) {
    if (stage == null_value || status(row, stage) != DealStatus::open) return;
    codes[i] = static_cast<std::int32_t>(stage);
    valid[i] = 1;
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tick(i);
    own[i] = static_cast<std::int32_t>(i);
    if (rows[i] < 0) continue;
    const auto row = static_cast<std::size_t>(rows[i]);
    if (!crm.history().tracks(Field::stage)) {
      see(i, row, present.valid(row) ? present.values<std::int32_t>()[row] : null_value);
      continue;
    }
    see(i, row, crm.history().initial(Field::stage)[row]);
    for (const Change& change : crm.history().changes(row))
      if (change.field == Field::stage && (at[i] == null_value || change.at <= at[i]))
        see(i, row, change.value);
  }
  return {Column::of(Type::string, std::move(codes), valid).with_dictionary(present.shared_dictionary()),
          std::move(own)};
}

/// Rows of the table an id column refers to; of merged ones those that remained.
std::vector<std::int32_t> follow(const Crm& crm, const Lookup& ids, const std::string& target) {
  const std::string key = table_model(target).keys().front();
  (void)crm.column(target, key);
  const Dictionary& dictionary = ids.column.dictionary();
  const auto merged = crm.link(target, "merged_into");
  const auto find = [&](std::size_t code) {
    const auto row = static_cast<std::int32_t>(crm.row_of(target, dictionary[code]));
    if (row < 0 || merged.empty()) return row;
    const std::int32_t into = merged[static_cast<std::size_t>(row)];
    return into >= 0 && merged[static_cast<std::size_t>(into)] < 0 ? into : row;
  };
  std::vector<std::int32_t> row_of;
  if (dictionary.size() <= ids.rows.size())
    for (std::size_t code = 0; code < dictionary.size(); ++code) row_of.push_back(find(code));
  const auto codes = ids.column.values<std::int32_t>();
  std::vector<std::int32_t> rows(ids.rows.size(), no_row);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tick(i);
    if (ids.rows[i] < 0 || ids.column.is_null(static_cast<std::size_t>(ids.rows[i]))) continue;
    const auto code = static_cast<std::size_t>(codes[static_cast<std::size_t>(ids.rows[i])]);
    rows[i] = row_of.empty() ? find(code) : row_of[code];
  }
  return rows;
}

/// The digits of minor units by the currency of each of `rows`; nothing in a book of one currency.
std::vector<std::uint8_t> digits_of(const Crm& crm, std::string_view table,
                                    std::span<const std::int32_t> rows) {
  std::vector<std::uint8_t> digits;
  if (!crm.currency().empty() || !crm.has(table, "currency")) return digits;
  const Column& currency = crm.column(table, "currency");
  std::vector<std::uint8_t> of_code;
  for (std::size_t code = 0; code < currency.dictionary().size(); ++code)
    of_code.push_back(static_cast<std::uint8_t>(money::minor_digits(currency.dictionary()[code])));
  const auto codes = currency.values<std::int32_t>();
  digits.assign(rows.size(), static_cast<std::uint8_t>(money::minor_digits("XXX")));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tick(i);
    if (rows[i] < 0 || currency.is_null(static_cast<std::size_t>(rows[i]))) continue;
    digits[i] = of_code[static_cast<std::size_t>(codes[static_cast<std::size_t>(rows[i])])];
  }
  return digits;
}

/// The assignment of each rep that was valid on the fact's day; without an instant, the last one.
std::vector<std::int32_t> assignments(const Crm& crm, std::span<const std::int32_t> reps,
                                      std::span<const std::int64_t> at, const TimeZone& zone) {
  const Table& table = crm.table("rep_assignment");
  const auto rep_of = crm.link("rep_assignment", "rep_id");
  const Column* from = table.find("valid_from");
  const Column* to = table.find("valid_to");
  std::vector<std::vector<std::int32_t>> of_rep(crm.table("rep").num_rows());
  for (std::size_t row = 0; row < table.num_rows(); ++row)
    if (rep_of[row] >= 0)
      of_rep[static_cast<std::size_t>(rep_of[row])].push_back(static_cast<std::int32_t>(row));
  const auto start = [&](std::int32_t row) {
    const auto r = static_cast<std::size_t>(row);
    return from == nullptr || from->is_null(r) ? INT32_MIN : from->values<std::int32_t>()[r];
  };
  const auto end = [&](std::int32_t row) {
    const auto r = static_cast<std::size_t>(row);
    return to == nullptr || to->is_null(r) ? INT32_MAX : to->values<std::int32_t>()[r];
  };
  // Of assignments that begin on one day the last by end, then by text, is the one.
  const auto before = [&](std::int32_t a, std::int32_t b) {
    if (start(a) != start(b)) return start(a) < start(b);
    if (end(a) != end(b)) return end(a) < end(b);
    for (const auto& [name, column] : table.columns()) {
      const std::string left = column.cell(static_cast<std::size_t>(a));
      const std::string right = column.cell(static_cast<std::size_t>(b));
      if (left != right) return left < right;
    }
    return false;
  };
  for (auto& rows : of_rep) std::sort(rows.begin(), rows.end(), before);
  std::vector<std::int32_t> result(reps.size(), no_row);
  for (std::size_t i = 0; i < reps.size(); ++i) {
    if (reps[i] < 0) continue;
    const auto& rows = of_rep[static_cast<std::size_t>(reps[i])];
    const std::int32_t day = at[i] == null_value ? INT32_MAX - 1 : zone.local_date(Instant{at[i]}).days;
    for (auto row = rows.rbegin(); row != rows.rend(); ++row)
      if (start(*row) <= day && (day < end(*row) || at[i] == null_value)) {
        result[i] = *row;
        break;
      }
  }
  return result;
}

/// Where a path leads, word by word.
FoundColumn walk(const Crm& crm, std::string table, std::string_view path, std::vector<std::int32_t> rows,
                 std::span<const std::int64_t> at, const TimeZone& zone) {
  std::string before;
  for (;;) {
    const std::size_t dot = path.find('.');
    const std::string_view word = path.substr(0, dot);
    // Who a rep is stands in its own row.
    if (table == "rep" && word != "rep_id" && crm.has("rep_assignment") &&
        word_exists(crm, "rep_assignment", word)) {
      rows = assignments(crm, rows, at, zone);
      table = "rep_assignment";
    }
    if (table == "opportunity" && word == "open_stage" && dot == std::string_view::npos &&
        !crm.has(table, word) && crm.has(table, "stage_id"))
      return {last_open_stage(crm, rows, at), nullptr};
    if (table == "opportunity" && word == "closed_at" && dot == std::string_view::npos)
      return {{close_times(crm), std::move(rows)}, table_model(table).find(word)};
    const std::string name = column_of(crm, table, word, before);
    const Column& column = crm.column(table, name);
    const ColumnModel* model = table_model(table).find(name);
    const bool ends = dot == std::string_view::npos;
    std::vector<std::uint8_t> digits;
    if (ends && column.type() == Type::money) digits = digits_of(crm, table, rows);
    Lookup lookup;
    if (const auto field = tracked_field(crm, table, name))
      lookup = at_the_time(crm, column, *field, rows, at);
    else
      lookup = {ends ? of_survivors(crm, column, model) : column, std::move(rows)};
    lookup.digits = std::move(digits);
    if (ends) return {std::move(lookup), model};
    if (model == nullptr || model->references.empty())
      throw UsageError("'" + std::string(path) + "': column '" + name + "' of table '" + table +
                       "' names no row of another table, so nothing can follow the dot");
    if (!crm.has(model->references))
      throw UsageError("'" + std::string(path) + "' needs the table '" + model->references +
                       "', which this book lacks");
    rows = follow(crm, lookup, model->references);
    table = model->references;
    before += path.substr(0, dot + 1);
    path.remove_prefix(dot + 1);
  }
}

}  // namespace

Column close_times(const Crm& crm) {
  const auto& closed = crm.deals().closed_at;
  std::vector<std::int64_t> values(closed.begin(), closed.end());
  std::vector<std::uint8_t> valid(values.size());
  for (std::size_t row = 0; row < values.size(); ++row) valid[row] = values[row] != null_value;
  return Column::of(Type::timestamp, std::move(values), valid);
}

std::string survivor_id(const Crm& crm, const std::string& table, std::string_view id) {
  const std::int64_t row = crm.row_of(table, id);
  const auto merged = crm.link(table, "merged_into");
  const std::int32_t into = row < 0 || merged.empty() ? no_row : merged[static_cast<std::size_t>(row)];
  if (into < 0 || merged[static_cast<std::size_t>(into)] >= 0) return std::string(id);
  return crm.column(table, table_model(table).keys().front()).cell(static_cast<std::size_t>(into));
}

bool has_merges(const Crm& crm, const std::string& table) {
  if (table.empty() || !crm.has(table, "merged_into")) return false;
  return std::ranges::any_of(crm.link(table, "merged_into"), [](std::int32_t into) { return into >= 0; });
}

Column of_survivors(const Crm& crm, const Column& ids, const ColumnModel* model) {
  if (model == nullptr || ids.type() != Type::string || !has_merges(crm, model->references)) return ids;
  const std::string& table = model->references;
  const Dictionary& dictionary = ids.dictionary();
  const auto merged = crm.link(table, "merged_into");
  const Column& keys = crm.column(table, table_model(table).keys().front());
  std::vector<std::int32_t> code_of(dictionary.size());
  std::iota(code_of.begin(), code_of.end(), 0);
  std::vector<std::string> added;
  DictionaryBuilder fresh;
  for (std::size_t row = 0; row < merged.size(); ++row) {
    const std::int32_t code = merged[row] < 0 ? -1 : dictionary.find(keys.text(row));
    if (code < 0) continue;
    const std::string id = survivor_id(crm, table, keys.text(row));
    std::int32_t& into = code_of[static_cast<std::size_t>(code)];
    into = dictionary.find(id);
    if (into >= 0) continue;
    const std::int32_t place = fresh.code(id);
    if (static_cast<std::size_t>(place) == added.size()) added.push_back(id);
    into = static_cast<std::int32_t>(dictionary.size()) + place;
  }
  std::vector<std::int32_t> codes(ids.size(), 0);
  std::vector<std::uint8_t> valid(ids.size());
  const auto old = ids.values<std::int32_t>();
  for (std::size_t row = 0; row < codes.size(); ++row) {
    tick(row);
    valid[row] = ids.valid(row);
    if (valid[row] != 0) codes[row] = code_of[static_cast<std::size_t>(old[row])];
  }
  return Column::of(Type::string, std::move(codes), valid)
      .with_dictionary(added.empty() ? ids.shared_dictionary() : dictionary.with(added));
}

std::optional<Field> tracked_field(const Crm& crm, std::string_view table, std::string_view column) {
  if (table != "opportunity") return std::nullopt;
  for (std::size_t i = 0; i < field_count; ++i) {
    const Field field = static_cast<Field>(i);
    if (field_column(field) == column && crm.history().tracks(field)) return field;
  }
  return std::nullopt;
}

FoundColumn found_column(const Crm& crm, std::string_view table, std::string_view name,
                         std::span<const std::int32_t> rows, std::span<const std::int64_t> at,
                         const TimeZone& zone) {
  if (name.empty()) throw UsageError("a column name is empty");
  // A custom column may have a dot in its own name.
  if (crm.has(table, name) && name.find('.') != std::string_view::npos)
    return {{crm.column(table, name), {rows.begin(), rows.end()}}, nullptr};
  return walk(crm, std::string(table), name, {rows.begin(), rows.end()}, at, zone);
}

Lookup resolve(const Crm& crm, std::string_view table, std::string_view name,
               std::span<const std::int32_t> rows, std::span<const std::int64_t> at, const TimeZone& zone) {
  return found_column(crm, table, name, rows, at, zone).lookup;
}

std::string one_currency(const Crm& crm, std::string_view table, std::span<const std::int32_t> rows,
                         bool chosen_by_where) {
  if (!crm.currency().empty()) return crm.currency();
  if (!crm.has(table, "currency")) return "XXX";
  const Column& column = crm.column(table, "currency");
  const auto codes = column.values<std::int32_t>();
  std::vector<std::int64_t> count(column.dictionary().size());
  std::vector<std::int32_t> seen;
  for (const std::int32_t row : rows) {
    const auto at = static_cast<std::size_t>(row);
    if (row < 0 || column.is_null(at)) continue;
    if (count[static_cast<std::size_t>(codes[at])]++ == 0) seen.push_back(codes[at]);
  }
  const auto name = [&](std::int32_t code) {
    return std::string(column.dictionary()[static_cast<std::size_t>(code)]);
  };
  if (seen.empty()) return "XXX";
  if (seen.size() == 1) return name(seen.front());
  const auto unsaid = std::ranges::find(seen, "XXX", name);
  if (unsaid != seen.end())
    throw UnitError("amounts in " + name(seen[unsaid == seen.begin() ? 1 : 0]) +
                    " and amounts that name no currency (table '" + std::string(table) +
                    "') can't be added; say what those are in with currency= when reading the book");
  const auto most = std::ranges::max_element(
      seen, {}, [&](std::int32_t code) { return count[static_cast<std::size_t>(code)]; });
  throw UnitError("amounts in " + name(seen[0]) + " and " + name(seen[1]) + " (table '" + std::string(table) +
                  "') can't be added; convert the book with crm.in_currency(\"" + name(*most) + "\")" +
                  (chosen_by_where ? ", or choose one currency with where=\"currency = '…'\"" : ""));
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
