/// @file kpi/where.hpp
/// Expressions that choose rows.
///
///     type = 'new' and (amount >= 10000 or account.segment in ('smb', 'mid')) and not is_deleted
///     loss_reason is null and closed_at >= '2026-01-01'
///
/// `=` `!=` `<` `<=` `>` `>=`, `in (…)`, `not in (…)`, `is null`, `is not null`, `like 'Acme%'` (`%` any
/// text, `_` one character), `and`, `or`, `not`, brackets; a name alone stands for a flag that is true.
/// Text in single quotes (a quote in it twice), numbers, true, false, dates as text. A comparison with null
/// holds for no row, and neither does its opposite.
///
/// Money compares in major units of each row's own currency, exactly: 19.99 is 1999 cents or 19990 fils, and
/// `amount > 1.2345` holds from 1.24 EUR on. A day (`'2026-07-31'`) is the whole civil day in the
/// zone asked: an instant equals it that lies within. A time (`'2026-07-31T12:00'`) without an offset is UTC.
/// `closed_at` of deals is the close that KPIs count, whatever it comes from. The id of a row that was merged
/// stands for the one that remained.
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
