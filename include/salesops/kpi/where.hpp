/// @file kpi/where.hpp
/// Expressions that choose rows.
///
///     type = 'new' and (amount >= 10000 or account.segment in ('smb', 'mid')) and not is_deleted
///     loss_reason is null and closed_at >= '2026-01-01'
///
/// `=` `!=` `<` `<=` `>` `>=`, `in (…)`, `not in (…)`, `is null`, `is not null`, `like 'Acme%'` (`%` any
/// text, `_` one character), `and`, `or`, `not`, brackets; a name alone stands for a flag that is true.
/// Text in single quotes (a quote in it twice), numbers, true, false, dates as text. Money compares in
/// major units. A comparison with null holds for no row, and neither does its opposite.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace salesops {
inline namespace v0 {
namespace kpi {

/// One node of a parsed expression.
struct Expression {
  enum class Kind : std::uint8_t { compare, in, is_null, like, flag, all_of, any_of, negation };
  enum class Operator : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };
  struct Literal {
    enum class Type : std::uint8_t { text, number, boolean };
    Type type = Type::text;
    std::string text;  ///< as written, for numbers too
    double number = 0;
  };

  Kind kind = Kind::flag;
  std::string name;
  Operator op = Operator::equal;
  std::vector<Literal> literals;
  std::vector<Expression> parts;
};

/// Throws `UsageError` that shows where the text stops making sense.
Expression parse_where(std::string_view text);

/// Quotes text for an expression: `O'Neil` becomes `'O''Neil'`.
std::string quoted(std::string_view text);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
