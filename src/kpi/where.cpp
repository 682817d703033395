#include "salesops/kpi/where.hpp"

#include <charconv>

#include "salesops/error.hpp"
#include "shown.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

struct Token {
  enum class Kind : std::uint8_t { name, text, number, symbol, end };
  Kind kind = Kind::end;
  std::string text;
  std::size_t at = 0;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  Expression whole() {
    Expression expression = any_of(0);
    if (token_.kind != Token::Kind::end) fail("expected 'and', 'or' or the end");
    return expression;
  }

 private:
  static constexpr int max_depth = 100;

  [[noreturn]] void fail(const std::string& what) const {
    throw UsageError("where: " + what + " at character " + std::to_string(token_.at + 1) + " of \"" +
                     shown(text_) + "\"; write e.g. type = 'new' and amount > 1000");
  }

  void advance() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    token_ = {Token::Kind::end, "", at_};
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (c == '\'') {
      token_.kind = Token::Kind::text;
      for (++at_;; ++at_) {
        if (at_ >= text_.size()) fail("a quote is not closed");
        if (text_[at_] == '\'' && at_ + 1 < text_.size() && text_[at_ + 1] == '\'')
          ++at_;
        else if (text_[at_] == '\'')
          break;
        token_.text.push_back(text_[at_]);
      }
      ++at_;
    } else if (is_letter(c) || c == '"') {
      token_.kind = Token::Kind::name;
      // A column whose name isn't a plain word stands in double quotes.
      if (c == '"') {
        const std::size_t end = text_.find('"', at_ + 1);
        if (end == std::string_view::npos) fail("a double quote is not closed");
        token_.text = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        quoted_name_ = true;
        return;
      }
      quoted_name_ = false;
      while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.'))
        token_.text.push_back(text_[at_++]);
    } else if (is_digit(c) || ((c == '-' || c == '.') && at_ + 1 < text_.size() &&
                               (is_digit(text_[at_ + 1]) || text_[at_ + 1] == '.'))) {
      token_.kind = Token::Kind::number;
      const auto exponent = [](char mark) { return mark == 'e' || mark == 'E'; };
      do token_.text.push_back(text_[at_++]);
      while (at_ < text_.size() &&
             (is_digit(text_[at_]) || text_[at_] == '.' || exponent(text_[at_]) ||
              ((text_[at_] == '+' || text_[at_] == '-') && exponent(token_.text.back()))));
    } else {
      token_.kind = Token::Kind::symbol;
      token_.text.push_back(text_[at_++]);
      const bool two = at_ < text_.size() && (text_[at_] == '=' || (c == '<' && text_[at_] == '>'));
      if ((c == '<' || c == '>' || c == '!' || c == '=') && two) token_.text.push_back(text_[at_++]);
    }
  }

  [[nodiscard]] bool is_word(std::string_view word) const {
    return token_.kind == Token::Kind::name && !quoted_name_ && lower(token_.text) == word;
  }
  [[nodiscard]] bool is_symbol(std::string_view symbol) const {
    return token_.kind == Token::Kind::symbol && token_.text == symbol;
  }
  bool take_word(std::string_view word) {
    if (!is_word(word)) return false;
    advance();
    return true;
  }
  void expect_symbol(std::string_view symbol) {
    if (!is_symbol(symbol)) fail("expected '" + std::string(symbol) + "'");
    advance();
  }

  Expression any_of(int depth) {
    if (depth > max_depth) fail("too many brackets");
    Expression first = all_of(depth);
    if (!is_word("or")) return first;
    Expression expression;
    expression.kind = Expression::Kind::any_of;
    expression.parts.push_back(std::move(first));
    while (take_word("or")) expression.parts.push_back(all_of(depth));
    return expression;
  }

  Expression all_of(int depth) {
    Expression first = negation(depth);
    if (!is_word("and")) return first;
    Expression expression;
    expression.kind = Expression::Kind::all_of;
    expression.parts.push_back(std::move(first));
    while (take_word("and")) expression.parts.push_back(negation(depth));
    return expression;
  }

  Expression negation(int depth) {
    if (depth > max_depth) fail("too many negations");
    if (!take_word("not")) return primary(depth);
    Expression expression;
    expression.kind = Expression::Kind::negation;
    expression.parts.push_back(negation(depth + 1));
    return expression;
  }

  Expression primary(int depth) {
    if (is_symbol("(")) {
      advance();
      Expression expression = any_of(depth + 1);
      expect_symbol(")");
      return expression;
    }
    if (token_.kind != Token::Kind::name) fail("expected a column name");
    Expression expression;
    expression.name = token_.text;
    advance();
    if (take_word("is")) {
      const bool negated = take_word("not");
      if (!take_word("null")) fail("expected 'null'");
      expression.kind = Expression::Kind::is_null;
      return negated ? negate(std::move(expression)) : expression;
    }
    const bool negated = take_word("not");
    if (take_word("in")) {
      expression.kind = Expression::Kind::in;
      expect_symbol("(");
      if (is_symbol(")")) fail("'in' needs a value or several; of none no row would be left");
      do {
        if (is_symbol(",")) advance();
        expression.literals.push_back(literal());
      } while (is_symbol(","));
      expect_symbol(")");
      return negated ? negate(std::move(expression)) : expression;
    }
    if (take_word("like")) {
      expression.kind = Expression::Kind::like;
      if (token_.kind != Token::Kind::text) fail("expected text in quotes");
      expression.literals.push_back(literal());
      return negated ? negate(std::move(expression)) : expression;
    }
    if (negated) fail("expected 'in' or 'like'");
    using Operator = Expression::Operator;
    static constexpr std::pair<std::string_view, Operator> operators[] = {
        {"=", Operator::equal},      {"==", Operator::equal},        {"!=", Operator::not_equal},
        {"<>", Operator::not_equal}, {"<", Operator::less},          {"<=", Operator::less_equal},
        {">", Operator::greater},    {">=", Operator::greater_equal}};
    for (const auto& [symbol, op] : operators)
      if (is_symbol(symbol)) {
        advance();
        expression.kind = Expression::Kind::compare;
        expression.op = op;
        expression.literals.push_back(literal());
        return expression;
      }
    expression.kind = Expression::Kind::flag;
    return expression;
  }

  static Expression negate(Expression expression) {
    Expression result;
    result.kind = Expression::Kind::negation;
    result.parts.push_back(std::move(expression));
    return result;
  }

  Expression::Literal literal() {
    Expression::Literal result;
    result.text = token_.text;
    if (token_.kind == Token::Kind::text) {
      result.type = Expression::Literal::Type::text;
    } else if (token_.kind == Token::Kind::number) {
      result.type = Expression::Literal::Type::number;
      const char* last = token_.text.data() + token_.text.size();
      const auto end = std::from_chars(token_.text.data(), last, result.number);
      if (end.ec != std::errc{} || end.ptr != last) fail("not a number");
    } else if (is_word("true") || is_word("false")) {
      result.type = Expression::Literal::Type::boolean;
      result.number = is_word("true") ? 1 : 0;
    } else {
      fail("expected text in single quotes, a number, true or false");
    }
    advance();
    return result;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Token token_;
  bool quoted_name_ = false;
};

}  // namespace

Expression parse_where(std::string_view text) { return Parser(text).whole(); }

std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') result.push_back('\'');
    result.push_back(c);
  }
  return result + "'";
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
