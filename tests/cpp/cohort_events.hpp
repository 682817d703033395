#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include "salesops/cohort.hpp"

namespace cohort = salesops::cohort;
using cohort::CellState;
using cohort::Measure;
using salesops::Column;
using salesops::Date;
using salesops::Every;
using salesops::Instant;
using salesops::Table;
using salesops::TimeZone;
using salesops::Type;
using salesops::UsageError;

/// What the tests of cohorts share.
namespace cohort_test {

struct Event {
  std::int64_t customer;
  std::int64_t at;  ///< microseconds
  std::int64_t minor;
};

inline std::int64_t us(const char* text) { return Instant::parse(text)->us; }

inline Table table_of(const std::vector<Event>& rows) {
  std::vector<std::int64_t> customer, time, amount;
  for (const auto& row : rows) {
    customer.push_back(row.customer);
    time.push_back(row.at);
    amount.push_back(row.minor);
  }
  return Table({{"customer", Column::of(Type::int64, customer)},
                {"time", Column::of(Type::timestamp, time)},
                {"amount", Column::of(Type::money, amount).with_currency("USD")}});
}

inline cohort::Columns columns(const TimeZone& zone = {}) {
  cohort::Columns made;
  made.amount = "amount";
  made.zone = zone;
  return made;
}

/// Built around the edges: the last second before midnight, the leap day, a clock change, a refund, a gap.
inline std::vector<Event> golden() {
  return {{1, us("2024-01-05T10:00:00Z"), 10000}, {1, us("2024-02-01T03:30:00Z"), 4000},
          {1, us("2024-03-10T07:30:00Z"), 2000},  {2, us("2024-01-31T23:59:59Z"), 8000},
          {2, us("2024-03-01T04:59:59Z"), 3000},  {2, us("2024-05-02T00:00:00Z"), 1000},
          {3, us("2024-02-01T05:00:00Z"), 6000},  {4, us("2024-02-15T15:00:00Z"), 5000},
          {4, us("2024-03-15T15:00:00Z"), -5000}, {4, us("2024-04-20T15:00:00Z"), 7000},
          {5, us("2024-04-01T03:30:00Z"), 9000},  {5, us("2024-05-10T12:00:00Z"), 1500},
          {6, us("2024-05-03T12:00:00Z"), 2500}};
}

inline cohort::Options golden_options(Measure measure = Measure::classic) {
  cohort::Options options;
  options.measure = measure;
  options.activity = cohort::Activity::positive;
  options.interval = measure == Measure::classic || measure == Measure::unbounded
                         ? cohort::IntervalKind::wilson
                         : cohort::IntervalKind::none;
  options.as_of = Instant{us("2024-05-15T12:00:00Z")};
  return options;
}

/// The begun cells of a cohort.
template <class Value>
std::vector<Value> row_of(const cohort::Retention& grid, const std::vector<Value>& cells,
                          const std::string& label) {
  std::vector<Value> row;
  const auto found = std::find(grid.cohorts.begin(), grid.cohorts.end(), label);
  if (found == grid.cohorts.end()) return row;
  const auto c = static_cast<std::size_t>(found - grid.cohorts.begin());
  for (std::size_t k = 0; k < grid.ages.size(); ++k)
    if (grid.state[grid.cell(0, c, k)] != CellState::unobserved) row.push_back(cells[grid.cell(0, c, k)]);
  return row;
}

using Numbers = std::vector<std::int64_t>;

/// Customers who come and go at random, over three years; refunds among their amounts.
inline std::vector<Event> random_events(std::size_t n, std::int64_t customers, std::uint32_t seed,
                                        std::int64_t lowest = -2000) {
  std::mt19937_64 random(seed);
  std::vector<Event> rows(n);
  const std::int64_t begin = us("2021-03-05T00:00:00Z");
  for (auto& row : rows) {
    row.customer = std::uniform_int_distribution<std::int64_t>(0, customers - 1)(random);
    const std::int64_t born = row.customer * 7919 % 700;
    const std::int64_t day = born + std::geometric_distribution<std::int64_t>(0.004)(random) % (1000 - born);
    row.at = begin + day * salesops::us_per_day +
             std::uniform_int_distribution<std::int64_t>(0, salesops::us_per_day - 1)(random);
    row.minor = std::uniform_int_distribution<std::int64_t>(lowest, 9000)(random);
  }
  return rows;
}

/// Everything a grid says, for comparing.
inline std::vector<std::vector<double>> all_of(const cohort::Retention& grid) {
  std::vector<std::vector<double>> all;
  const auto add = [&](const auto& cells) {
    std::vector<double> values;
    for (const auto cell : cells) {
      const auto value = static_cast<double>(cell);
      values.push_back(std::isnan(value) ? -12345.678 : value);
    }
    all.push_back(std::move(values));
  };
  add(grid.size);
  add(grid.n);
  add(grid.active);
  add(grid.events);
  add(grid.amount);
  add(grid.value);
  add(grid.low);
  add(grid.high);
  for (const auto& pool : grid.pooled)
    add(std::vector<double>{static_cast<double>(pool.n), static_cast<double>(pool.active), pool.weighted,
                            pool.simple});
  std::vector<double> states;
  for (const auto state : grid.state) states.push_back(static_cast<double>(state));
  all.push_back(states);
  add(std::vector<std::int64_t>{grid.customers, grid.outside, grid.older});
  return all;
}

inline const std::vector<Measure> every_measure = {Measure::classic,   Measure::unbounded, Measure::bracket,
                                                   Measure::window,    Measure::previous,  Measure::nrr,
                                                   Measure::grr_point, Measure::grr_path,  Measure::ltv,
                                                   Measure::sum,       Measure::mean,      Measure::count};

inline cohort::Options options_for(Measure measure) {
  cohort::Options options;
  options.measure = measure;
  options.interval = cohort::IntervalKind::none;
  options.window_us = 30 * salesops::us_per_day;
  if (measure == Measure::bracket) options.brackets = {{1, 1}, {2, 3}, {4, 6}, {30, 50}};
  return options;
}

}  // namespace cohort_test
