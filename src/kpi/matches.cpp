#include <algorithm>
#include <array>
#include <limits>

#include "resolved.hpp"
#include "salesops/kpi/where.hpp"
#include "salesops/money.hpp"
#include "shown.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

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
             std::span<const std::int64_t> at, const TimeZone& zone)
      : crm_(crm), table_(table), rows_(rows), at_(at), zone_(zone) {}

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
    const auto [lookup, model] = found_column(crm_, table_, expression.name, rows_, at_, zone_);
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
    std::vector<std::string> values;
    const bool merges = model != nullptr && has_merges(crm_, model->references);
    for (const auto& literal : expression.literals)
      values.push_back(merges ? survivor_id(crm_, model->references, literal.text) : literal.text);
    Truth holds(dictionary.size());
    for (std::size_t code = 0; code < holds.size(); ++code)
      for (const std::string_view value : values) {
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
    const auto op = expression.kind == Expression::Kind::in ? Expression::Operator::equal : expression.op;
    if (column.type() == Type::money) return amounts(expression, op, lookup);
    if (column.type() == Type::timestamp) return times(expression, op, lookup);
    std::vector<double> wanted;
    for (const auto& literal : expression.literals)
      wanted.push_back(number_of(expression.name, column, literal));
    return each(lookup, [&](std::size_t row, std::size_t) {
      const double value = column.number(row);
      return std::any_of(wanted.begin(), wanted.end(), [&](double w) { return compare(value, op, w); });
    });
  }

  /// A literal in minor units of some digits: cut down to whole ones, with something beyond them or not.
  struct Units {
    std::int64_t whole = 0;
    bool beyond = false;

    Units(const Expression::Literal& literal, int digits) {
      if (const auto read = money::from_text(literal.text, digits, Rounding::floor)) {
        whole = read->minor;
        beyond = read->digit_lost;
      } else {  // more than any amount
        whole = literal.number < 0 ? std::numeric_limits<std::int64_t>::min()
                                   : std::numeric_limits<std::int64_t>::max();
        beyond = true;
      }
    }
    /// −1, 0 or 1, as the amount is less, the same or more.
    [[nodiscard]] int order_of(std::int64_t amount) const {
      if (amount != whole) return amount < whole ? -1 : 1;
      return beyond ? -1 : 0;
    }
  };

  /// Amounts as whole minor units of their own currencies: no float has a say in it.
  Truth amounts(const Expression& expression, Expression::Operator op, const Lookup& lookup) const {
    constexpr int most_digits = 4;
    std::array<std::vector<Units>, most_digits + 1> wanted;  // by digits
    for (const auto& literal : expression.literals) {
      if (literal.type != Expression::Literal::Type::number)
        throw UsageError("where: '" + expression.name + "' is a money column, compare it with a number");
      for (int digits = 0; digits <= most_digits; ++digits)
        wanted[static_cast<std::size_t>(digits)].emplace_back(literal, digits);
    }
    const int whole = money::minor_digits(crm_.currency().empty() ? "XXX" : crm_.currency());
    const auto values = lookup.column.values<std::int64_t>();
    return each(lookup, [&](std::size_t row, std::size_t i) {
      const auto& units = wanted[lookup.digits.empty() ? static_cast<std::size_t>(whole) : lookup.digits[i]];
      return std::any_of(units.begin(), units.end(),
                         [&](const Units& unit) { return compare(unit.order_of(values[row]), op, 0); });
    });
  }

  /// Instants with instants, or with whole days of the zone.
  Truth times(const Expression& expression, Expression::Operator op, const Lookup& lookup) const {
    std::vector<Interval> wanted;
    for (const auto& literal : expression.literals) {
      const auto instant = literal.type == Expression::Literal::Type::text ? Instant::parse(literal.text)
                                                                           : std::optional<Instant>();
      if (!instant) refuse_time(expression.name, lookup.column, literal);
      const auto day = Date::parse(literal.text);
      wanted.push_back(day ? Interval{zone_.start_of(*day), zone_.start_of(*day + 1)}
                           : Interval{*instant, Instant{instant->us + 1}});
    }
    const auto values = lookup.column.values<std::int64_t>();
    return each(lookup, [&](std::size_t row, std::size_t) {
      const Instant at{values[row]};
      return std::any_of(wanted.begin(), wanted.end(), [&](const Interval& w) {
        return compare(at < w.start ? -1 : at < w.end ? 0 : 1, op, 0);
      });
    });
  }

  [[noreturn]] static void refuse_time(const std::string& name, const Column& column,
                                       const Expression::Literal& literal) {
    const std::string type(type_name(column.type()));
    if (literal.type == Expression::Literal::Type::text)
      throw UsageError("where: '" + name + "' is a " + type + "; write it as '2026-07-31'");
    throw UsageError("where: '" + name + "' is a " + type + " column, compare it with a date in quotes");
  }

  static double number_of(const std::string& name, const Column& column, const Expression::Literal& literal) {
    using LiteralType = Expression::Literal::Type;
    if (column.type() == Type::date) {
      const auto instant =
          literal.type == LiteralType::text ? Instant::parse(literal.text) : std::optional<Instant>();
      if (!instant) refuse_time(name, column, literal);
      return static_cast<double>(instant->utc_date().days);
    }
    if (literal.type == LiteralType::text)
      throw UsageError("where: '" + name + "' is a " + std::string(type_name(column.type())) +
                       " column, compare it with a number");
    return literal.number;
  }

  const Crm& crm_;
  std::string_view table_;
  std::span<const std::int32_t> rows_;
  std::span<const std::int64_t> at_;
  const TimeZone& zone_;
};

}  // namespace

std::vector<std::uint8_t> matches(const Crm& crm, std::string_view table, std::string_view where,
                                  std::span<const std::int32_t> rows, std::span<const std::int64_t> at,
                                  const TimeZone& zone) {
  const Expression expression = parse_where(where);
  Truth truth = Evaluation(crm, table, rows, at, zone)(expression);
  for (auto& t : truth) t = t == yes;
  return truth;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
