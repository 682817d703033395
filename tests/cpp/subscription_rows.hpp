#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "salesops/subscription.hpp"

namespace subscription = salesops::subscription;
using salesops::Column;
using salesops::Date;
using salesops::Every;
using salesops::Instant;
using salesops::Table;
using salesops::TimeZone;
using salesops::Type;
using salesops::UnitError;
using salesops::UsageError;
using subscription::Follow;
using subscription::Movement;
using subscription::Movements;
using subscription::PeriodState;
using subscription::State;

/// What the tests of subscriptions share.
namespace subscription_test {

inline Date day(const char* text) { return *Date::parse(text); }
inline Instant at(const char* text) { return *Instant::parse(text); }

struct Row {
  std::int64_t customer = 0;
  std::string start = {}, end = {};  ///< empty: runs on
  double amount = 0;
  std::string subscription = {};
  double quantity = 1;
  std::string plan = {};
  std::string currency = {};
  std::string interval = {};
};

/// Columns that no row uses are left out.
inline Table table_of(const std::vector<Row>& rows) {
  std::vector<std::int64_t> customer;
  std::vector<double> amount, quantity;
  std::vector<std::optional<std::string>> start, end, name, plan, currency, interval;
  const auto text = [](const std::string& cell) {
    return cell.empty() ? std::optional<std::string>() : std::optional(cell);
  };
  bool named = false, planned = false, priced = false, counted = false, often = false;
  for (const Row& row : rows) {
    customer.push_back(row.customer);
    start.push_back(text(row.start));
    end.push_back(text(row.end));
    amount.push_back(row.amount);
    quantity.push_back(row.quantity);
    name.push_back(text(row.subscription));
    plan.push_back(text(row.plan));
    currency.push_back(text(row.currency));
    interval.push_back(text(row.interval));
    named |= !row.subscription.empty();
    planned |= !row.plan.empty();
    priced |= !row.currency.empty();
    counted |= row.quantity != 1;
    often |= !row.interval.empty();
  }
  Table table({{"customer", Column::of(Type::int64, customer)},
               {"start", Column::of_strings(start)},
               {"end", Column::of_strings(end)},
               {"amount", Column::of(Type::float64, amount)}});
  if (named) table = table.with("subscription", Column::of_strings(name));
  if (planned) table = table.with("plan", Column::of_strings(plan));
  if (priced) table = table.with("currency", Column::of_strings(currency));
  if (counted) table = table.with("quantity", Column::of(Type::float64, quantity));
  if (often) table = table.with("interval", Column::of_strings(interval));
  return table;
}

/// The columns that a table has.
inline subscription::Columns columns_of(const Table& table) {
  subscription::Columns columns;
  const auto named = [&](const char* name) { return table.has(name) ? name : ""; };
  columns.end = named("end");
  columns.subscription = named("subscription");
  columns.plan = named("plan");
  columns.currency = table.has("currency") ? "currency" : "USD";
  columns.quantity = named("quantity");
  columns.billing = named("interval");
  return columns;
}

inline Movements movements(const std::vector<Row>& rows, const char* as_of = nullptr,
                           subscription::Options options = {}) {
  const Table table = table_of(rows);
  if (as_of != nullptr) options.as_of = at(as_of);
  return subscription::movements(table, columns_of(table), options);
}

/// Σ of a kind over all periods, in minor units.
inline std::int64_t total(const Movements& made, Movement kind) {
  std::int64_t sum = 0;
  for (const std::int64_t amount : made.of(kind)) sum += amount;
  return sum;
}
inline std::int64_t count(const Movements& made, Movement kind) {
  std::int64_t sum = 0;
  for (const std::int64_t n : made.count[static_cast<std::size_t>(kind)]) sum += n;
  return sum;
}

/// `"2026-01 new 100.00, 2026-02 churn -100.00"`: what moved, in the order of the periods.
inline std::string story(const Movements& made) {
  std::string text;
  for (std::size_t period = 0; period < made.size(); ++period) {
    const auto say = [&](std::string_view kind, std::int64_t amount) {
      if (amount == 0) return;
      text += (text.empty() ? "" : ", ") + made.periods[period] + " " + std::string(kind) + " " +
              salesops::Money{amount, salesops::Currency::from(made.currency)}.amount_text();
    };
    for (std::size_t kind = 0; kind < subscription::movement_kinds; ++kind)
      say(subscription::movement_name(static_cast<Movement>(kind)), made.amount[kind][period]);
    say("fx", made.fx[period]);
  }
  return text;
}

inline void expect_conserved(const Movements& made) {
  for (std::size_t period = 0; period < made.size(); ++period) {
    std::int64_t sum = made.start[period] + made.fx[period];
    for (const auto& kind : made.amount) sum += kind[period];
    EXPECT_EQ(sum, made.end[period]) << made.periods[period];
    if (period > 0) {
      EXPECT_EQ(made.start[period], made.end[period - 1]);
    }
  }
}

}  // namespace subscription_test
