#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "salesops/ingest.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest {

namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& where, const std::string& text) {
  throw UsageError("mapping: " + where + ": " + text);
}

/// Keys that an object may have; any other is named.
void check_keys(const Json& object, const std::string& where, std::initializer_list<const char*> known) {
  if (!object.is_object()) refuse(where, "expected an object");
  for (const auto& [key, value] : object.items())
    if (std::none_of(known.begin(), known.end(), [&](const char* name) { return key == name; })) {
      std::string text = "no key '" + key + "'; known are";
      for (const char* name : known) text += std::string(" ") + name;
      refuse(where, text);
    }
}

/// Text of a string, number or boolean; null is the empty text.
std::string text_of(const Json& value, const std::string& where) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  refuse(where, "expected a text");
}

bool flag_of(const Json& value, const std::string& where) {
  if (!value.is_boolean()) refuse(where, "expected true or false");
  return value.get<bool>();
}

/// One text or a list of them.
std::vector<std::string> texts_of(const Json& value, const std::string& where) {
  std::vector<std::string> texts;
  if (!value.is_array()) return {text_of(value, where)};
  for (const Json& item : value) texts.push_back(text_of(item, where));
  return texts;
}

template <class E>
E member(const Json& value, const std::string& where,
         std::initializer_list<std::pair<const char*, E>> members) {
  const std::string text = text_of(value, where);
  std::string known;
  for (const auto& [name, result] : members) {
    if (text == name) return result;
    known += std::string(" ") + name;
  }
  refuse(where, "is one of" + known);
}

DateOrder date_order_of(const Json& value, const std::string& where) {
  return member<DateOrder>(value, where,
                           {{"detect", DateOrder::detect},
                            {"dmy", DateOrder::dmy},
                            {"mdy", DateOrder::mdy},
                            {"ymd", DateOrder::ymd}});
}

DecimalMark decimal_of(const Json& value, const std::string& where) {
  return member<DecimalMark>(value, where,
                             {{"detect", DecimalMark::detect},
                              {"point", DecimalMark::point},
                              {"comma", DecimalMark::comma},
                              {".", DecimalMark::point},
                              {",", DecimalMark::comma}});
}

std::vector<Condition> conditions_of(const Json& value, const std::string& where) {
  if (!value.is_object()) refuse(where, "expected {column: value or list of values}");
  std::vector<Condition> conditions;
  for (const auto& [column, values] : value.items()) conditions.push_back({column, texts_of(values, where)});
  return conditions;
}

std::map<std::string, std::string> value_map_of(const Json& value, const std::string& where) {
  if (!value.is_object()) refuse(where, "expected {text: text}");
  std::map<std::string, std::string> values;
  for (const auto& [from, to] : value.items()) values[from] = text_of(to, where);
  return values;
}

Source source_of(const Json& value, const std::string& where) {
  Source source;
  if (!value.is_object()) {
    source.columns = texts_of(value, where);
    return source;
  }
  check_keys(value, where,
             {"from", "constant", "when", "values", "only_listed", "date_order", "decimal", "epoch", "clock",
              "percent"});
  for (const auto& [key, item] : value.items()) {
    const std::string at = where + "." + key;
    if (key == "from") source.columns = texts_of(item, at);
    if (key == "constant") source.constant = text_of(item, at);
    if (key == "when") source.when = conditions_of(item, at);
    if (key == "values") source.values = value_map_of(item, at);
    if (key == "only_listed") source.only_listed = flag_of(item, at);
    if (key == "date_order") source.reader.date_order = date_order_of(item, at);
    if (key == "decimal") source.reader.decimal = decimal_of(item, at);
    if (key == "epoch")
      source.reader.epoch = member<Epoch>(item, at,
                                          {{"detect", Epoch::detect},
                                           {"s", Epoch::s},
                                           {"ms", Epoch::ms},
                                           {"us", Epoch::us},
                                           {"excel_days", Epoch::excel_days}});
    if (key == "clock") source.reader.clock = text_of(item, at);
    if (key == "percent") source.reader.percent = flag_of(item, at);
  }
  if (source.columns.empty() == !source.constant.has_value()) refuse(where, "needs either from or constant");
  return source;
}

ColumnMapping column_of(const std::string& name, const Json& value, const std::string& where) {
  ColumnMapping column{.column = name, .sources = {}};
  const bool several = value.is_array() && std::any_of(value.begin(), value.end(),
                                                       [](const Json& item) { return item.is_object(); });
  if (value.is_array() && value.empty()) return column;
  if (several)
    for (const Json& item : value) column.sources.push_back(source_of(item, where));
  else
    column.sources.push_back(source_of(value, where));
  return column;
}

TableMapping table_of(const std::string& name, const Json& value) {
  check_keys(value, name, {"from", "columns", "where", "order_by", "distinct", "join", "rows"});
  TableMapping table;
  table.table = name;
  for (const auto& [key, item] : value.items()) {
    const std::string where = name + "." + key;
    if (key == "from") table.sources = texts_of(item, where);
    if (key == "where") table.where = conditions_of(item, where);
    if (key == "order_by") table.order_by = texts_of(item, where);
    if (key == "distinct") table.distinct = flag_of(item, where);
    if (key == "join") table.join = flag_of(item, where);
    if (key == "rows") {
      if (!item.is_array()) refuse(where, "expected a list of {column: value}");
      for (const Json& row : item) table.rows.push_back(value_map_of(row, where));
    }
    if (key == "columns") {
      if (!item.is_object()) refuse(where, "expected {column: source}");
      for (const auto& [column, source] : item.items())
        table.columns.push_back(column_of(column, source, name + "." + column));
    }
  }
  return table;
}

}  // namespace

Mapping Mapping::parse(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw UsageError("mapping: no JSON");
  check_keys(json, "top level",
             {"name", "ids", "date_order", "decimal", "zone", "clock", "placeholders", "footers", "tables"});
  Mapping mapping;
  for (const auto& [key, item] : json.items()) {
    if (key == "name") mapping.name = text_of(item, key);
    if (key == "ids")
      mapping.salesforce_ids = member<bool>(item, key, {{"plain", false}, {"salesforce", true}});
    if (key == "date_order") mapping.date_order = date_order_of(item, key);
    if (key == "decimal") mapping.decimal = decimal_of(item, key);
    if (key == "zone") mapping.zone = text_of(item, key);
    if (key == "clock") mapping.clock = text_of(item, key);
    if (key == "placeholders") mapping.placeholders = texts_of(item, key);
    if (key == "footers") mapping.footers = texts_of(item, key);
    if (key != "tables") continue;
    if (!item.is_object()) refuse(key, "expected {table: {from, columns, …} or a list of these}");
    for (const auto& [name, tables] : item.items()) {
      if (!tables.is_array())
        mapping.tables.push_back(table_of(name, tables));
      else
        for (const Json& table : tables) mapping.tables.push_back(table_of(name, table));
    }
  }
  return mapping;
}

std::vector<std::string> Mapping::default_placeholders() {
  return {"select",  "- select -", "--select--", "please select", "--none--", "n/a", "#n/a",
          "#value!", "#ref!",      "none",       "null",          "nil",      "nan", "-",
          "--",      "—",          "(blank)",    "(empty)"};
}

std::vector<std::string> Mapping::default_footers() {
  return {"grand total",   "grand totals",
          "subtotal",      "sub-total",
          "sub total",     "total records",
          "total",         "totals",
          "sum",           "count",
          "record count",  "copyright",
          "(c) copyright", "©",
          "confidential",  "confidential information",
          "generated by",  "filtered by",
          "as of"};
}

std::vector<std::string> zones(const Mapping& mapping) {
  std::set<std::string> names = {mapping.zone, mapping.clock};
  for (const TableMapping& table : mapping.tables)
    for (const ColumnMapping& column : table.columns)
      for (const Source& source : column.sources) names.insert(source.reader.clock);
  names.erase("");
  return {names.begin(), names.end()};
}

Mapping preset(std::string_view name) { return Mapping::parse(preset_text(name)); }

}  // namespace ingest
}  // namespace v0
}  // namespace salesops
