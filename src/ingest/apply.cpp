#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>
#include <utility>

#include "combine.hpp"
#include "periods.hpp"
#include "read.hpp"
#include "report.hpp"
#include "text.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

namespace {

using ingest::ColumnMapping;
using ingest::Mapping;
using ingest::Source;
using ingest::TableMapping;

std::vector<std::int64_t> chosen(const std::vector<std::uint8_t>& keep) {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < keep.size(); ++row)
    if (keep[row] != 0) rows.push_back(static_cast<std::int64_t>(row));
  return rows;
}

/// Column with `more` where it has nulls.
Column filled(const Column& column, const Column& more) {
  if (column.null_count() == 0) return column;
  if (column.type() != more.type()) return filled(as_texts(column), as_texts(more));
  const Table both[] = {Table({{"", column}}), Table({{"", more}})};
  std::vector<std::int64_t> rows(column.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    rows[row] = static_cast<std::int64_t>(column.valid(row) ? row : row + column.size());
  return concat(both).columns().front().second.take(rows);
}

/// Makes one table of the model out of one source table.
class TableReader {
 public:
  TableReader(const Mapping& mapping, const TableMapping& table, Zones& zones, Issues& issues,
              std::string name)
      : mapping_(mapping), table_(table), model_(table_model(table.table)), issues_(issues) {
    reading_ = {
        .mapping = &mapping, .zones = &zones, .issues = &issues, .table = std::move(name), .origin = {}};
  }

  Table read(const Table& raw) {
    source_ = under_header(raw, known_names(table_), reading_.table, issues_, origin_);
    reading_.origin = origin_;
    keep(data_rows(source_, table_, reading_), {});
    keep(rows_that(source_, table_.where), "row_left_out");
    for (const ColumnMapping& column : table_.columns)
      for (const Source& source : column.sources)
        if (source.only_listed) keep_listed(source);
    result_ = Table::empty(source_.num_rows());
    currencies_.assign(source_.num_rows(), {});
    read_columns();
    if (!table_.distinct) read_others();
    if (table_.table == "opportunity_event") read_event_values();
    add_order();
    if (table_.distinct) drop_without_key();
    return result_;
  }

 private:
  void keep(const std::vector<std::uint8_t>& rows, std::string_view rule) {
    const std::vector<std::int64_t> kept = chosen(rows);
    if (kept.size() == source_.num_rows()) return;
    if (!rule.empty()) {
      const auto first = std::find(rows.begin(), rows.end(), std::uint8_t{0}) - rows.begin();
      issues_.add_many(reading_.table, origin_[static_cast<std::size_t>(first)], "", rule,
                       static_cast<std::int64_t>(source_.num_rows() - kept.size()), Severity::info);
    }
    source_ = source_.take(kept);
    std::vector<std::int64_t> origin;
    for (const std::int64_t row : kept) origin.push_back(origin_[static_cast<std::size_t>(row)]);
    origin_ = std::move(origin);
    reading_.origin = origin_;
  }

  void keep_listed(const Source& source) {
    std::vector<std::string> texts;
    for (const auto& [from, to] : source.values) texts.push_back(from);
    for (const std::string& name : source.columns)
      if (const auto* found = find_column(source_, name))
        return keep(rows_that(source_, {{found->first, texts}}), "row_left_out");
  }

  /// Columns that `source` draws from, in its order, each once.
  std::vector<const std::pair<std::string, Column>*> drawn(const Source& source) {
    std::vector<const std::pair<std::string, Column>*> found;
    for (const std::string& name : source.columns)
      if (const auto* column = find_column(source_, name);
          column != nullptr && std::find(found.begin(), found.end(), column) == found.end())
        found.push_back(column);
    return found;
  }

  void read_columns() {
    // The currency first: amounts that name one are compared with it.
    read_named("currency");
    if (const Column* said = result_.find("currency"); said != nullptr && said->type() == Type::string)
      for (std::size_t row = 0; row < said->size(); ++row)
        if (said->valid(row)) currencies_[row] = said->text(row);
    for (const ColumnMapping& column : table_.columns)
      if (column.column != "currency") read_mapped(column);
    for (const ColumnModel& column : model_.columns)
      if (!result_.has(column.name)) read_named(column.name);
    if (!result_.has("currency") && std::any_of(currencies_.begin(), currencies_.end(),
                                                [](const std::string& text) { return !text.empty(); })) {
      std::vector<std::uint8_t> said;
      for (const std::string& text : currencies_) said.push_back(!text.empty());
      result_ = result_.with("currency", Column::of_strings(currencies_, said));
    }
  }

  /// By the mapping, else by the data model's own name; not at all where the mapping says none.
  void read_named(const std::string& name) {
    for (const ColumnMapping& column : table_.columns) {
      if (column.column != name) continue;
      read_mapped(column);
      if (column.sources.empty() || result_.has(name)) return;
    }
    read_mapped({name, {Source{.columns = {name}}}});
  }

  void read_mapped(const ColumnMapping& mapping) {
    const ColumnModel* known = model_.find(mapping.column);
    const Kind kind = known == nullptr ? Kind::text : known->kind;
    std::optional<Column> column;
    for (const Source& source : mapping.sources) {
      std::vector<std::int64_t> rows(source_.num_rows());
      std::iota(rows.begin(), rows.end(), 0);
      if (!source.when.empty()) {
        const std::vector<std::uint8_t> met = rows_that(source_, source.when);
        for (std::size_t row = 0; row < rows.size(); ++row)
          if (met[row] == 0) rows[row] = -1;
      }
      const auto add = [&](const Column& more) {
        const Column there = source.when.empty() ? more : more.take(rows);
        column = column ? filled(*column, there) : there;
      };
      if (source.constant) {
        add(read_column(Column::of_strings(std::vector<std::string>(rows.size(), *source.constant)), "", kind,
                        source, reading_));
        continue;
      }
      for (const auto* found : drawn(source)) {
        const std::size_t before = column ? column->null_count() : rows.size() + 1;
        // A source of two columns is wrong once.
        Issues told_before;
        Reading reading = reading_;
        if (!told_.emplace(found->first, kind == Kind::date ? Kind::instant : kind).second)
          reading.issues = &told_before;
        add(read_column(found->second, found->first, kind, source, reading,
                        kind == Kind::money ? &currencies_ : nullptr));
        if (column->null_count() < before) used_.insert(found->first);
      }
    }
    if (column) result_ = result_.with(mapping.column, *column);
  }

  /// Columns outside the mapping, kept under names of their own.
  void read_others() {
    for (const auto& [name, column] : source_.columns()) {
      if (used_.contains(name)) continue;
      std::string title = snake_case(name);
      if (title.empty()) title = "column";
      std::string unique = title;
      for (int n = 2; result_.has(unique) || model_.find(unique) != nullptr; ++n)
        unique = title + "_" + std::to_string(n);
      if (unique != title) issues_.add(reading_.table, -1, name, "name_taken", unique, Severity::info);
      result_ = result_.with(unique, read_column(column, name, Kind::text, {}, reading_));
    }
  }

  /// The first source of a deal's column: how its old and new values are read.
  Source opportunity_source(std::string_view column) const {
    for (const TableMapping& table : mapping_.tables)
      if (table.table == "opportunity")
        for (const ColumnMapping& candidate : table.columns)
          if (candidate.column == column && !candidate.sources.empty()) return candidate.sources.front();
    return {};
  }

  /// Old and new values are texts of any field; each is read as the column it belongs to.
  void read_event_values() {
    const Column* found = result_.find("field");
    if (found == nullptr || found->type() != Type::string) return;
    const Column fields = *found;  // the table it lies in is replaced below
    const std::vector<std::string> names = {"old", "new"};
    std::vector<std::string> present;
    for (const std::string& name : names)
      if (result_.has(name)) present.push_back(name);
    for (std::size_t i = 0; i < field_count; ++i) {
      const std::string column(field_column(static_cast<Field>(i)));
      const std::string word = column.ends_with("_id") ? column.substr(0, column.size() - 3) : column;
      std::vector<std::int64_t> rows;
      for (std::size_t row = 0; row < fields.size(); ++row)
        if (fields.valid(row) && fields.text(row) == word) rows.push_back(static_cast<std::int64_t>(row));
      if (rows.empty() || word == "is_deleted") continue;
      read_values_of(present, rows, *table_model("opportunity").find(column), opportunity_source(column));
    }
  }

  /// Old and new values together, so that one value that shows the order of a date decides for both.
  void read_values_of(const std::vector<std::string>& names, const std::vector<std::int64_t>& rows,
                      const ColumnModel& model, const Source& source) {
    std::vector<Table> stacked;
    std::vector<std::int64_t> origin;
    for (const std::string& name : names) {
      stacked.push_back(Table({{"value", as_texts(result_.column(name)).take(rows)}}));
      for (const std::int64_t row : rows) origin.push_back(origin_[static_cast<std::size_t>(row)]);
    }
    if (stacked.empty()) return;
    Reading reading = reading_;
    reading.origin = origin;
    const Column values =
        as_texts(read_column(concat(stacked).column("value"), "value", model.kind, source, reading));
    for (std::size_t part = 0; part < names.size(); ++part) {
      const Column read = values.slice(part * rows.size(), rows.size());
      const Column whole = as_texts(result_.column(names[part]));
      const Table both[] = {Table({{"", whole}}), Table({{"", read}})};
      std::vector<std::int64_t> take(whole.size());
      std::iota(take.begin(), take.end(), 0);
      for (std::size_t i = 0; i < rows.size(); ++i)
        take[static_cast<std::size_t>(rows[i])] = static_cast<std::int64_t>(whole.size() + i);
      result_ = result_.with(names[part], concat(both).columns().front().second.take(take));
    }
  }

  /// `seq`: the rank by the order column, as numbers where all are.
  void add_order() {
    if (result_.has("seq") || model_.find("seq") == nullptr) return;
    for (const std::string& name : table_.order_by) {
      const auto* found = find_column(source_, name);
      if (found == nullptr) continue;
      const Column texts = as_texts(found->second);
      std::vector<double> numbers(texts.size());
      bool numeric = true;
      for (std::size_t row = 0; row < texts.size() && numeric; ++row) {
        const std::string_view text = texts.valid(row) ? trimmed(texts.text(row)) : "";
        const auto end = std::from_chars(text.data(), text.data() + text.size(), numbers[row]);
        numeric = end.ec == std::errc{} && end.ptr == text.data() + text.size();
      }
      std::vector<std::size_t> order(texts.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (numeric) return numbers[a] < numbers[b];
        if (texts.is_null(a) || texts.is_null(b)) return texts.valid(a) < texts.valid(b);
        return texts.text(a) < texts.text(b);
      });
      std::vector<std::int64_t> seq(texts.size());
      for (std::size_t rank = 0; rank < order.size(); ++rank)
        seq[order[rank]] = static_cast<std::int64_t>(rank);
      result_ = result_.with("seq", Column::of(Type::int64, std::move(seq)));
      return;
    }
  }

  /// Cells without a value name nothing of their own.
  void drop_without_key() {
    std::vector<std::int64_t> rows;
    const Column* key = result_.find(model_.keys().front());
    for (std::size_t row = 0; key != nullptr && row < key->size(); ++row)
      if (key->valid(row)) rows.push_back(static_cast<std::int64_t>(row));
    if (key != nullptr) result_ = result_.take(rows);
  }

  const Mapping& mapping_;
  const TableMapping& table_;
  const TableModel& model_;
  Issues& issues_;
  Reading reading_;
  Table source_;
  Table result_;
  std::vector<std::int64_t> origin_;
  std::vector<std::string> currencies_;
  std::set<std::string> used_;
  std::set<std::pair<std::string, Kind>> told_;  ///< sources whose issues are known
};

bool names_table(const std::vector<std::string>& names, std::string_view raw) {
  const std::string key = table_key(raw);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return table_key(name) == key; });
}

/// Mappings that a source table feeds; by the data model's own name when no mapping asks for it.
std::vector<const TableMapping*> fed_by(const Mapping& mapping, std::string_view raw,
                                        std::vector<TableMapping>& own) {
  std::vector<const TableMapping*> fed;
  for (const TableMapping& table : mapping.tables)
    if (names_table(table.sources, raw)) fed.push_back(&table);
  if (!fed.empty()) return fed;
  for (const TableModel& model : data_model()) {
    if (table_key(model.name) != table_key(raw)) continue;
    for (const TableMapping& table : mapping.tables)
      if (table.table == model.name && table.rows.empty()) return {&table};
    own.push_back({.table = model.name});
    return {&own.back()};
  }
  return fed;
}

/// Whether a table has the columns that conditions ask about.
bool has_all_of(const Table& table, const std::vector<ingest::Condition>& conditions) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const ingest::Condition& condition) {
    return find_column(table, condition.column) != nullptr;
  });
}

Table inline_rows(const TableMapping& mapping) {
  std::set<std::string> names;
  for (const auto& row : mapping.rows)
    for (const auto& [name, value] : row) names.insert(name);
  Table table = Table::empty(mapping.rows.size());
  for (const std::string& name : names) {
    std::vector<std::optional<std::string>> values;
    for (const auto& row : mapping.rows) {
      const auto found = row.find(name);
      values.push_back(found == row.end() ? std::nullopt : std::optional(found->second));
    }
    table = table.with(name, Column::of_strings(values));
  }
  return table;
}

[[noreturn]] void throw_nothing_fits(const Mapping& mapping, const NamedTables& raw) {
  std::string text = "none of the tables";
  for (const auto& [name, table] : raw) text += " '" + name + "'";
  text += " is known to the ";
  text += mapping.name.empty() ? "data model" : "mapping '" + mapping.name + "'";
  text += ". It knows:";
  std::string names;
  for (const TableMapping& table : mapping.tables)
    for (const std::string& name : table.sources) names += " " + name;
  if (names.empty())
    for (const TableModel& table : data_model()) names += " " + table.name;
  text += names;
  throw UsageError(text + ". Name yours with tables={\"opportunity\": \"…\"}");
}

}  // namespace
}  // namespace ingest_detail

using namespace ingest_detail;

bool ingest::understands(const Mapping& mapping, std::string_view table) {
  std::vector<TableMapping> own;
  own.reserve(1);
  return !fed_by(mapping, table, own).empty();
}

std::vector<std::string> ingest::text_columns(const Mapping& mapping, std::string_view table,
                                              const std::vector<std::string>& names) {
  const auto local = [](const std::string& zone) { return !zone.empty() && zone != "UTC"; };
  std::set<std::string> texts;
  const auto add = [&](const TableModel& model, const ColumnMapping& column) {
    const ColumnModel* known = model.find(column.column);
    const Kind kind = known == nullptr ? Kind::text : known->kind;
    for (const Source& source : column.sources) {
      const bool time = kind == Kind::instant || kind == Kind::date;
      const std::string& clock = source.reader.clock.empty() ? mapping.clock : source.reader.clock;
      const bool as_it_stands = kind == Kind::id || kind == Kind::text || kind == Kind::code ||
                                kind == Kind::money || !source.values.empty();
      if (as_it_stands || (time && local(clock.empty() ? mapping.zone : clock)))
        for (const std::string& name : source.columns) texts.insert(name_key(name));
    }
  };
  std::vector<TableMapping> own;
  own.reserve(1);
  for (const TableMapping* fed : fed_by(mapping, table, own)) {
    const TableModel& model = table_model(fed->table);
    for (const ColumnMapping& column : fed->columns) add(model, column);
    for (const ColumnModel& column : model.columns)
      add(model, {column.name, {Source{.columns = {column.name}}}});
  }
  std::vector<std::string> result;
  for (const std::string& name : names)
    if (texts.contains(name_key(name))) result.push_back(name);
  return result;
}

ingest::Result ingest::apply(const Mapping& mapping, const NamedTables& raw, const Options& options) {
  const StopScope scope(options.execution.stop);
  Steps steps(options.execution, raw.size() + 1);
  Result result;
  result.issues = Issues(options.issues);
  Zones zones(options.zones);
  Parts parts;
  for (const TableMapping& table : mapping.tables) (void)table_model(table.table);
  std::vector<TableMapping> own;
  own.reserve(raw.size());
  for (const auto& [name, table] : raw) {
    const auto fed = fed_by(mapping, name, own);
    if (fed.empty()) result.issues.add(name, -1, "", "unknown_table", {}, Severity::info);
    const auto fits = [&, &raw_table = table](const TableMapping* to) {
      return has_all_of(raw_table, to->where);
    };
    const bool some_fit = std::any_of(fed.begin(), fed.end(), fits);
    for (const TableMapping* to : fed)
      if (fits(to) || !some_fit)
        parts.add(*to, name, TableReader(mapping, *to, zones, result.issues, name).read(table));
    steps.done();
  }
  if (parts.empty() && !raw.empty()) throw_nothing_fits(mapping, raw);
  for (const TableMapping& table : mapping.tables)
    if (!table.rows.empty()) parts.add(table, mapping.name, inline_rows(table));
  result.tables = parts.combine(result.issues);
  for (auto& [name, table] : result.tables)
    if (name == "quota") table = with_period_ends(table, result.issues);
  steps.done();
  return result;
}

}  // namespace v0
}  // namespace salesops
