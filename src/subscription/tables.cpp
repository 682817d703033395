// Results as tables.
#include <limits>

#include "columns.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

std::string_view movement_name(Movement kind) noexcept {
  switch (kind) {
    case Movement::fresh: return "new";
    case Movement::reactivation: return "reactivation";
    case Movement::expansion: return "expansion";
    case Movement::price_up: return "price_up";
    case Movement::contraction: return "contraction";
    case Movement::price_down: return "price_down";
    case Movement::churn: return "churn";
  }
  return {};
}

std::string_view period_state_name(PeriodState state) noexcept {
  switch (state) {
    case PeriodState::complete: return "complete";
    case PeriodState::in_progress: return "in_progress";
    case PeriodState::pending: return "pending";
    case PeriodState::data_end: return "data_end";
  }
  return {};
}

std::optional<double> Movements::quick_ratio(std::size_t period, bool with_reactivation) const {
  int128 gains = 0, losses = 0;
  for (std::size_t kind = 0; kind < movement_kinds; ++kind) {
    const std::int64_t change = amount[kind][period];
    if (static_cast<Movement>(kind) == Movement::reactivation && !with_reactivation) continue;
    (change > 0 ? gains : losses) += change;
  }
  if (losses == 0) return std::nullopt;
  return static_cast<double>(gains) / -static_cast<double>(losses);
}

namespace {

Column money_column(std::vector<std::int64_t> minor, const std::string& currency) {
  return Column::of(Type::money, std::move(minor)).with_currency(currency);
}

Column optional_numbers(const std::vector<std::optional<double>>& values) {
  std::vector<double> numbers;
  std::vector<std::uint8_t> valid;
  for (const auto& value : values) {
    numbers.push_back(value.value_or(0));
    valid.push_back(value.has_value());
  }
  return Column::of(Type::float64, std::move(numbers), valid);
}

Column state_column(const std::vector<PeriodState>& state) {
  std::vector<std::string> names;
  for (const PeriodState one : state) names.emplace_back(period_state_name(one));
  return Column::of_strings(names);
}

Column taken(const Column& column, const std::vector<std::int64_t>& rows) { return column.take(rows); }

Column labels_of(const std::vector<std::string>& labels, const std::vector<std::int32_t>& periods) {
  DictionaryBuilder builder;
  for (const std::string& label : labels) (void)builder.code(label);
  return Column::of_codes(periods, builder.finish());
}

}  // namespace

Table Movements::to_table() const {
  std::vector<std::pair<std::string, Column>> columns;
  columns.emplace_back("period", Column::of_strings(periods));
  columns.emplace_back("start_date", day_column(starts, size()));
  columns.emplace_back("start", money_column(start, currency));
  for (std::size_t kind = 0; kind < movement_kinds; ++kind)
    columns.emplace_back(movement_name(static_cast<Movement>(kind)), money_column(amount[kind], currency));
  columns.emplace_back("fx", money_column(fx, currency));
  columns.emplace_back("end", money_column(end, currency));
  columns.emplace_back("customers", Column::of(Type::int64, active));
  std::vector<std::optional<double>> ratios;
  for (std::size_t period = 0; period < size(); ++period) ratios.push_back(quick_ratio(period));
  columns.emplace_back("quick_ratio", optional_numbers(ratios));
  columns.emplace_back("state", state_column(state));
  return Table(std::move(columns));
}

Table Movements::long_table() const {
  std::vector<std::string> kinds, states;
  std::vector<std::int32_t> period_of;
  std::vector<std::int64_t> n, amounts;
  const auto add = [&](std::size_t period, std::string_view kind, std::int64_t cases, std::int64_t minor) {
    period_of.push_back(static_cast<std::int32_t>(period));
    kinds.emplace_back(kind);
    n.push_back(cases);
    amounts.push_back(minor);
    states.emplace_back(period_state_name(state[period]));
  };
  for (std::size_t period = 0; period < size(); ++period) {
    add(period, "start", period == 0 ? 0 : active[period - 1], start[period]);
    for (std::size_t kind = 0; kind < movement_kinds; ++kind)
      add(period, movement_name(static_cast<Movement>(kind)), count[kind][period], amount[kind][period]);
    add(period, "fx", 0, fx[period]);
    add(period, "end", active[period], end[period]);
  }
  return Table({{"period", labels_of(periods, period_of)},
                {"kind", Column::of_strings(kinds)},
                {"n", Column::of(Type::int64, std::move(n))},
                {"amount", money_column(std::move(amounts), currency)},
                {"state", Column::of_strings(states)}});
}

Table Movements::mrr_table() const {
  std::vector<std::optional<double>> average;
  const auto per_major = static_cast<double>(detail::power_of_ten(money::minor_digits(currency)));
  for (std::size_t period = 0; period < size(); ++period)
    average.push_back(active[period] == 0 ? std::nullopt
                                          : std::optional(static_cast<double>(end[period]) /
                                                          static_cast<double>(active[period]) / per_major));
  return Table({{"period", Column::of_strings(periods)},
                {"start_date", day_column(starts, size())},
                {"mrr", money_column(end, currency)},
                {"arr", money_column(annual, currency)},
                {"customers", Column::of(Type::int64, active)},
                {"arpa", optional_numbers(average)},
                {"state", state_column(state)}});
}

Table Movements::moved_table() const {
  std::vector<std::int32_t> kinds;
  DictionaryBuilder names;
  for (std::size_t kind = 0; kind < movement_kinds; ++kind)
    (void)names.code(movement_name(static_cast<Movement>(kind)));
  for (const Movement kind : moved.kind) kinds.push_back(static_cast<std::int32_t>(kind));
  return Table({{customer_name, taken(customers, moved.customer)},
                {"period", labels_of(periods, moved.period)},
                {"kind", Column::of_codes(std::move(kinds), names.finish())},
                {"amount", money_column(moved.amount, currency)},
                {"before", money_column(moved.before, currency)},
                {"after", money_column(moved.after, currency)}});
}

Table Movements::balances_table() const {
  return Table({{customer_name, taken(customers, balances.customer)},
                {"period", labels_of(periods, balances.period)},
                {"mrr", money_column(balances.amount, currency)}});
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
