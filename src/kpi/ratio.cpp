#include <cmath>

#include "deal_facts.hpp"
#include "resolved.hpp"
#include "salesops/kpi/deals.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

Result ratio(const Crm& book, const RatioDefinition& definition, const Options& options) {
  const std::string name = definition.name.empty() ? "ratio" : definition.name;
  if (is_built_in(name))
    throw UsageError("ratio: '" + name + "' is a built-in KPI; give your own another name");
  check(options);
  const Mode mode = definition.at == "created_at" ? Mode::created_cohort : Mode::closed_in_period;
  if ((options.mode != Mode::standard && options.mode != mode) || options.weight != Weight::count)
    throw UsageError(name +
                     ": a ratio of one's own has no modes and no weights; its time and its value say both");
  check_heeded(options, name, definition.value.empty() ? "mode" : "mode allow_negative");
  const Crm crm = rewound(book, options);
  const Table& table = crm.table(definition.table);
  // A close is the one that built-in KPIs count, whatever it comes from.
  const bool closes = definition.table == "opportunity" && definition.at == "closed_at";
  if (!closes) require(crm, name, definition.table, definition.at);
  const Column at = closes ? close_times(crm) : table.column(definition.at);
  if (at.type() != Type::timestamp && at.type() != Type::date)
    throw UsageError(name + ": '" + definition.at + "' is a " + std::string(type_name(at.type())) +
                     " column; rows are placed in periods by an instant or a date");
  const std::size_t rows = table.num_rows();
  Facts facts;
  facts.table = definition.table;
  const auto null_amount = facts.reason("null_" + (definition.value.empty() ? "value" : definition.value));
  const auto deleted = facts.reason("deleted");
  const auto zero = facts.reason("zero_amount"), negative = facts.reason("negative_amount");
  std::vector<std::int32_t> all(rows);
  std::vector<std::int64_t> times(rows, null_value);
  for (std::size_t row = 0; row < rows; ++row) {
    all[row] = static_cast<std::int32_t>(row);
    if (at.valid(row))
      times[row] = at.type() == Type::date ? options.zone.start_of(Date{at.values<std::int32_t>()[row]}).us
                                           : at.values<std::int64_t>()[row];
  }
  std::vector<std::uint8_t> below(rows, 1), above(rows, 1);
  if (!definition.denominator.empty())
    below = matches(crm, facts.table, definition.denominator, all, times, options.zone);
  if (!definition.numerator.empty())
    above = matches(crm, facts.table, definition.numerator, all, times, options.zone);

  const bool counts = definition.value.empty();
  const Column* value = nullptr;
  double unit = 1;
  if (!counts) {
    require(crm, name, definition.table, definition.value);
    value = &table.column(definition.value);
    if (value->type() == Type::string || value->type() == Type::timestamp || value->type() == Type::date)
      throw UsageError(name + ": '" + definition.value + "' is a " + std::string(type_name(value->type())) +
                       " column; value is a number or money to add up");
    if (options.allow_negative && value->type() != Type::money)
      throw UsageError(name + ": allow_negative is of amounts, and '" + definition.value + "' is no money");
    constexpr double micro = 1e6;
    unit = value->type() == Type::money ? 1 : micro;
  }
  const Column* gone = table.find("is_deleted");
  for (std::size_t row = 0; row < rows; ++row) {
    if (below[row] == 0) continue;
    std::uint8_t state = Facts::counted;
    std::int64_t amount = 1;
    if (gone != nullptr && gone->valid(row) && gone->values<std::uint8_t>()[row] != 0) state = deleted;
    if (!counts && value->is_null(row)) {
      amount = 0;
      if (state != deleted) state = null_amount;
    } else if (!counts && value->type() == Type::money) {
      amount = value->values<std::int64_t>()[row];
      if (state != deleted && amount <= 0 && !options.allow_negative) state = amount == 0 ? zero : negative;
    } else if (!counts) {
      const double number = value->number(row) * unit;
      constexpr double limit = 9e18;
      if (!(std::fabs(number) < limit))
        state = state == deleted ? deleted : null_amount;
      else
        amount = std::llround(number);
    }
    facts.add(row, times[row], above[row] != 0 ? amount : 0, amount, state);
  }
  if (!counts) {
    facts.shape = Shape::ratio;
    facts.bounded = true;
    facts.scale = facts.denominator_scale =
        value->type() == Type::money ? major_units(currency_of(crm, facts, options)) : 1 / unit;
    const ColumnModel* account = table_model(definition.table).find("account_id");
    if (account != nullptr && crm.has(definition.table, "account_id") && crm.has("account")) {
      const auto accounts = crm.link(definition.table, "account_id");
      for (const std::int32_t row : facts.row)
        facts.cluster.push_back(accounts[static_cast<std::size_t>(row)]);
    }
  }
  const std::string what = counts ? "rows" : definition.value;
  const auto words = [](const std::string& expression) {
    return expression.empty() ? std::string() : " where " + expression;
  };
  return summarise(crm, facts, options, name,
                   what + words(definition.numerator) + " ÷ " + what + words(definition.denominator), mode);
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
