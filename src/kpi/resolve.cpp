#include <algorithm>
#include <cmath>

#include "deal_facts.hpp"
#include "groups.hpp"
#include "salesops/kpi/where.hpp"
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

/// The assignment of each rep that was valid on the fact's day; without an instant, the last one.
std::vector<std::int32_t> assignments(const Crm& crm, std::span<const std::int32_t> reps,
                                      std::span<const std::int64_t> at) {
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
    const std::int32_t day = at[i] == null_value ? INT32_MAX - 1 : Instant{at[i]}.utc_date().days;
    for (auto row = rows.rbegin(); row != rows.rend(); ++row)
      if (start(*row) <= day && (day < end(*row) || at[i] == null_value)) {
        result[i] = *row;
        break;
      }
  }
  return result;
}

/// A column that a name leads to, with what the data model says of it (null of a custom column).
struct Found {
  Lookup lookup;
  const ColumnModel* model = nullptr;
};

Found walk(const Crm& crm, std::string table, std::string_view path, std::vector<std::int32_t> rows,
           std::span<const std::int64_t> at) {
  std::string before;
  for (;;) {
    const std::size_t dot = path.find('.');
    const std::string_view word = path.substr(0, dot);
    // Who a rep is stands in its own row.
    if (table == "rep" && word != "rep_id" && crm.has("rep_assignment") &&
        word_exists(crm, "rep_assignment", word)) {
      rows = assignments(crm, rows, at);
      table = "rep_assignment";
    }
    if (table == "opportunity" && word == "open_stage" && dot == std::string_view::npos &&
        !crm.has(table, word) && crm.has(table, "stage_id"))
      return {last_open_stage(crm, rows, at), nullptr};
    const std::string name = column_of(crm, table, word, before);
    const Column& column = crm.column(table, name);
    Lookup lookup;
    if (const auto field = tracked_field(crm, table, name))
      lookup = at_the_time(crm, column, *field, rows, at);
    else
      lookup = {column, std::move(rows)};
    const ColumnModel* model = table_model(table).find(name);
    if (dot == std::string_view::npos) return {std::move(lookup), model};
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

Found find(const Crm& crm, std::string_view table, std::string_view name, std::span<const std::int32_t> rows,
           std::span<const std::int64_t> at) {
  if (name.empty()) throw UsageError("a column name is empty");
  // A custom column may have a dot in its own name.
  if (crm.has(table, name) && name.find('.') != std::string_view::npos)
    return {{crm.column(table, name), {rows.begin(), rows.end()}}, nullptr};
  return walk(crm, std::string(table), name, {rows.begin(), rows.end()}, at);
}

// ---- where ----

enum : std::uint8_t { no = 0, yes = 1, unknown = 2 };
using Truth = std::vector<std::uint8_t>;

bool like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '_' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

template <class T>
bool compare(const T& a, Expression::Operator op, const T& b) {
  using Operator = Expression::Operator;
  switch (op) {
    case Operator::equal: return a == b;
    case Operator::not_equal: return a != b;
    case Operator::less: return a < b;
    case Operator::less_equal: return a <= b;
    case Operator::greater: return a > b;
    case Operator::greater_equal: return a >= b;
  }
  return false;
}

class Evaluation {
 public:
  Evaluation(const Crm& crm, std::string_view table, std::span<const std::int32_t> rows,
             std::span<const std::int64_t> at)
      : crm_(crm), table_(table), rows_(rows), at_(at) {}

  Truth operator()(const Expression& expression) const {
    switch (expression.kind) {
      case Expression::Kind::all_of: return joined(expression, no);
      case Expression::Kind::any_of: return joined(expression, yes);
      case Expression::Kind::negation: {
        Truth truth = (*this)(expression.parts.front());
        for (auto& t : truth) t = t == unknown ? unknown : t == yes ? no : yes;
        return truth;
      }
      default: return simple(expression);
    }
  }

 private:
  /// Kleene's and (deciding value no) and or (deciding value yes).
  Truth joined(const Expression& expression, std::uint8_t deciding) const {
    Truth truth(rows_.size(), deciding == no ? yes : no);
    for (const Expression& part : expression.parts) {
      const Truth other = (*this)(part);
      for (std::size_t i = 0; i < truth.size(); ++i) {
        tick(i);
        if (truth[i] == deciding || other[i] == deciding)
          truth[i] = deciding;
        else if (other[i] == unknown)
          truth[i] = unknown;
      }
    }
    return truth;
  }

  template <class Test>
  Truth each(const Lookup& lookup, Test test) const {
    Truth truth(rows_.size(), unknown);
    for (std::size_t i = 0; i < truth.size(); ++i) {
      tick(i);
      if (lookup.rows[i] < 0) continue;
      const auto row = static_cast<std::size_t>(lookup.rows[i]);
      if (lookup.column.valid(row)) truth[i] = test(row, i) ? yes : no;
    }
    return truth;
  }

  Truth simple(const Expression& expression) const {
    const auto [lookup, model] = find(crm_, table_, expression.name, rows_, at_);
    const Column& column = lookup.column;
    if (expression.kind == Expression::Kind::is_null) {
      Truth truth(rows_.size());
      for (std::size_t i = 0; i < truth.size(); ++i)
        truth[i] = lookup.rows[i] < 0 || column.is_null(static_cast<std::size_t>(lookup.rows[i])) ? yes : no;
      return truth;
    }
    if (expression.kind == Expression::Kind::flag) {
      if (column.type() != Type::boolean)
        throw UsageError("where: '" + expression.name + "' is no flag; compare it with something");
      return each(lookup,
                  [&](std::size_t row, std::size_t) { return column.values<std::uint8_t>()[row] != 0; });
    }
    if (column.type() == Type::string) return text(expression, lookup, model);
    if (expression.kind == Expression::Kind::like)
      throw UsageError("where: 'like' needs a text column, '" + expression.name + "' is " +
                       std::string(type_name(column.type())));
    return numbers(expression, lookup);
  }

  /// Codes of currencies are capitals, as ISO 4217 has them.
  static void check_currency(const std::string& name, const std::string& code) {
    if (Currency::find(code)) return;
    std::string capitals = code;
    for (char& c : capitals)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    throw UsageError("where: '" + name + "' is never " + quoted(shown(code)) +
                     (Currency::find(capitals) ? "; did you mean " + quoted(capitals) + "?" : ".") +
                     " It is a code of ISO 4217, such as 'EUR'");
  }

  /// Throws `UsageError` for what no value of the column can be.
  static void check(const Expression& expression, const Dictionary& dictionary, const ColumnModel* model) {
    const std::string& name = expression.name;
    for (const auto& literal : expression.literals) {
      if (literal.type == Expression::Literal::Type::boolean)
        throw UsageError("where: '" + name + "' is text and no flag; compare it with text in quotes" +
                         (dictionary.size() > 0 ? ", such as " + quoted(dictionary[0]) : ""));
      if (expression.kind == Expression::Kind::like || dictionary.find(literal.text) >= 0) continue;
      if (literal.type == Expression::Literal::Type::number && dictionary.size() > 0)
        throw UsageError("where: '" + name + "' is text, and none of it is " + literal.text +
                         "; compare it with text in quotes, such as " + quoted(dictionary[0]));
      if (model != nullptr && model->name == "currency") check_currency(name, literal.text);
      if (model == nullptr || model->values.empty()) continue;
      if (std::ranges::find(model->values, literal.text) != model->values.end()) continue;
      const auto near = near_names(literal.text, model->values);
      std::string text = "where: '" + name + "' is never " + quoted(shown(literal.text));
      text += near.empty() ? "." : "; did you mean " + quoted(near.front()) + "?";
      text += " It is one of:";
      for (const std::string& value : model->values) text += " " + value;
      throw UsageError(text);
    }
  }

  Truth text(const Expression& expression, const Lookup& lookup, const ColumnModel* model) const {
    const Dictionary& dictionary = lookup.column.dictionary();
    check(expression, dictionary, model);
    Truth holds(dictionary.size());
    for (std::size_t code = 0; code < holds.size(); ++code)
      for (const auto& literal : expression.literals) {
        const std::string_view value = literal.text;
        holds[code] |= expression.kind == Expression::Kind::like ? like(dictionary[code], value)
                       : expression.kind == Expression::Kind::in
                           ? dictionary[code] == value
                           : compare(dictionary[code], expression.op, value);
      }
    const auto codes = lookup.column.values<std::int32_t>();
    return each(lookup, [&](std::size_t row, std::size_t) {
      return holds[static_cast<std::size_t>(codes[row])] != 0;
    });
  }

  Truth numbers(const Expression& expression, const Lookup& lookup) const {
    const Column& column = lookup.column;
    std::vector<double> wanted;
    for (const auto& literal : expression.literals)
      wanted.push_back(number_of(expression.name, column, literal));
    double scale = 1;
    if (column.type() == Type::money) scale = major_units(crm_.currency().empty() ? "XXX" : crm_.currency());
    const auto op = expression.kind == Expression::Kind::in ? Expression::Operator::equal : expression.op;
    return each(lookup, [&](std::size_t row, std::size_t) {
      const double value = column.type() == Type::money ? column.number(row) * scale : column.number(row);
      return std::any_of(wanted.begin(), wanted.end(), [&](double w) { return compare(value, op, w); });
    });
  }

  static double number_of(const std::string& name, const Column& column, const Expression::Literal& literal) {
    using LiteralType = Expression::Literal::Type;
    const bool time = column.type() == Type::date || column.type() == Type::timestamp;
    if (time && literal.type == LiteralType::text) {
      if (const auto instant = Instant::parse(literal.text))
        return column.type() == Type::date ? static_cast<double>(instant->utc_date().days)
                                           : static_cast<double>(instant->us);
      throw UsageError("where: '" + name + "' is a " + std::string(type_name(column.type())) +
                       "; write it as '2026-07-31'");
    }
    if (time || literal.type == LiteralType::text)
      throw UsageError("where: '" + name + "' is a " + std::string(type_name(column.type())) + " column, " +
                       (time ? "compare it with a date in quotes" : "compare it with a number"));
    return literal.number;
  }

  const Crm& crm_;
  std::string_view table_;
  std::span<const std::int32_t> rows_;
  std::span<const std::int64_t> at_;
};

}  // namespace

std::optional<Field> tracked_field(const Crm& crm, std::string_view table, std::string_view column) {
  if (table != "opportunity") return std::nullopt;
  for (std::size_t i = 0; i < field_count; ++i) {
    const Field field = static_cast<Field>(i);
    if (field_column(field) == column && crm.history().tracks(field)) return field;
  }
  return std::nullopt;
}

Lookup resolve(const Crm& crm, std::string_view table, std::string_view name,
               std::span<const std::int32_t> rows, std::span<const std::int64_t> at) {
  return find(crm, table, name, rows, at).lookup;
}

std::vector<std::uint8_t> matches(const Crm& crm, std::string_view table, std::string_view where,
                                  std::span<const std::int32_t> rows, std::span<const std::int64_t> at) {
  const Expression expression = parse_where(where);
  Truth truth = Evaluation(crm, table, rows, at)(expression);
  for (auto& t : truth) t = t == yes;
  return truth;
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
