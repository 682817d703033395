// Where definitions meet their edges: refunds, filters in other words, customers who repeat, nobody lost.
#include "cohort_events.hpp"

using namespace cohort_test;

namespace {

/// Rows of customer, time and amount, with two boolean columns.
Table flagged(const std::vector<Event>& rows, const std::vector<std::uint8_t>& start,
              const std::vector<std::uint8_t>& back) {
  const Table plain = table_of(rows);
  return Table({{"customer", plain.column("customer")},
                {"time", plain.column("time")},
                {"amount", plain.column("amount")},
                {"start", Column::of(Type::boolean, start)},
                {"back", Column::of(Type::boolean, back)}});
}

cohort::Columns filtered(const char* start = "start", const char* back = "back") {
  cohort::Columns named = columns();
  named.start = start;
  named.returned = back;
  return named;
}

cohort::Options until(const char* as_of, Measure measure = Measure::classic) {
  cohort::Options options = options_for(measure);
  options.as_of = Instant{us(as_of) - 1};
  return options;
}

}  // namespace

TEST(CohortEdges, UnboundedMayGrowUntilAllCount) {
  const Table rows =
      flagged({{1, us("2026-01-05T10:00:00Z"), 1}, {1, us("2026-03-05T10:00:00Z"), 1}}, {1, 0}, {0, 1});
  const auto early = cohort::retention(rows, filtered(), until("2026-03-01T00:00:00Z", Measure::unbounded));
  EXPECT_EQ(early.active[0], 0);
  EXPECT_EQ(early.state[0], CellState::may_grow);
  const auto late = cohort::retention(rows, filtered(), until("2026-04-01T00:00:00Z", Measure::unbounded));
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(late.active[k], 1);
    EXPECT_EQ(late.state[k], CellState::complete);
  }
  cohort::Options twice = until("2026-03-01T00:00:00Z", Measure::unbounded);
  twice.min_count = 2;
  EXPECT_EQ(cohort::retention(rows, columns(), twice).state[0], CellState::may_grow);
  twice.min_count = 1;
  EXPECT_EQ(cohort::retention(rows, columns(), twice).state[0], CellState::complete);
}

TEST(CohortEdges, WhatIsKeptLiesBetweenNothingAndAll) {
  const std::int64_t first = us("2026-01-05T10:00:00Z"), second = us("2026-02-05T10:00:00Z");
  const auto at_one = [](const std::vector<Event>& rows, Measure measure) {
    return cohort::retention(table_of(rows), columns(), until("2026-03-01T00:00:00Z", measure)).value[1];
  };
  for (const Measure measure : {Measure::grr_point, Measure::grr_path}) {
    EXPECT_DOUBLE_EQ(at_one({{1, first, 100}, {2, first, 100}, {1, second, -40}, {2, second, 100}}, measure),
                     0.5);
    EXPECT_DOUBLE_EQ(
        at_one({{1, first, 100}, {2, first, 100}, {1, second, -140}, {2, second, -100}}, measure), 0);
    // Customer 2 owes 40 after its first period: there is nothing of it to lose, and 100 of customer 1.
    const std::vector<Event> owing = {{1, first, 100}, {2, first, 10}, {2, first + 1, -50}};
    EXPECT_DOUBLE_EQ(at_one(owing, measure), 0);
    EXPECT_DOUBLE_EQ(at_one(owing, Measure::nrr), 0);
    auto staying = owing;
    staying.push_back({1, second, 70});
    staying.push_back({2, second, 500});
    EXPECT_DOUBLE_EQ(at_one(staying, measure), 0.7);
    EXPECT_DOUBLE_EQ(at_one(staying, Measure::nrr), 570.0 / 60);
    cohort::Options drawn = until("2026-03-01T00:00:00Z", measure);
    drawn.interval = cohort::IntervalKind::bootstrap;
    const auto grid = cohort::retention(table_of(staying), columns(), drawn);
    EXPECT_EQ(grid.kept_base, (Numbers{100, 0}));
    EXPECT_GE(grid.low[1], 0);
    EXPECT_LE(grid.high[1], 1);
  }
  EXPECT_DOUBLE_EQ(at_one({{1, first, 100}, {1, second, -40}}, Measure::nrr), -0.4);
}

TEST(CohortEdges, FiltersGoByTheRowsThatPass) {
  const std::int64_t t = us("2026-01-05T10:00:00Z");
  const std::vector<Event> rows = {{1, t, 1}, {2, t + 5, 1}, {2, t + 9, 1}};
  const Table all = flagged(rows, {1, 1, 1}, {1, 1, 1});
  for (const Measure measure : {Measure::classic, Measure::window})
    for (const auto& named :
         {filtered(), filtered("", "back"), filtered("start", ""), filtered("back", "back"), columns()}) {
      const auto grid = cohort::retention(all, named, until("2026-04-01T00:00:00Z", measure));
      EXPECT_EQ(grid.active[0], 2) << named.start << "," << named.returned;
    }
  // A start that is no return counts only through what comes after it.
  const Table apart = flagged(rows, {1, 1, 0}, {0, 0, 1});
  for (const Measure measure : {Measure::classic, Measure::window})
    EXPECT_EQ(cohort::retention(apart, filtered(), until("2026-04-01T00:00:00Z", measure)).active[0], 1);
  // What others do changes nothing: customer 3 has a row that is a return and no start.
  auto more = rows;
  more.push_back({3, t, 1});
  const Table mixed = flagged(more, {1, 1, 1, 0}, {1, 1, 1, 1});
  EXPECT_EQ(cohort::retention(mixed, filtered(), until("2026-04-01T00:00:00Z")).active[0], 2);
}

TEST(CohortEdges, CustomersWhoRepeatAreClusters) {
  std::vector<Event> rows;
  for (int month = 1; month <= 12; ++month) {
    const std::string text = (month < 10 ? "2025-0" : "2025-") + std::to_string(month) + "-05T10:00:00Z";
    rows.push_back({1, us(text.c_str()), 1});
  }
  cohort::Options options = until("2026-01-01T00:00:00Z");
  options.entry = cohort::Entry::recurring;
  options.interval = cohort::IntervalKind::wilson;
  const auto one = cohort::retention(table_of(rows), columns(), options);
  EXPECT_EQ(one.pooled[0].n, 12);
  // Twelve cells of one customer say as much as one customer.
  EXPECT_DOUBLE_EQ(one.pooled[0].low, salesops::stats::wilson(1, 1)->low);
  EXPECT_EQ(one.pooled[0].high, 1);
  // Everybody in one cohort: nearly as if they were independent (few customers: t for z).
  rows.clear();
  for (std::int64_t i = 0; i < 400; ++i) {
    rows.push_back({i, us("2025-01-05T10:00:00Z"), 1});
    if (i % 4 == 0) rows.push_back({i, us("2025-02-05T10:00:00Z"), 1});
  }
  options.as_of = Instant{us("2025-03-01T00:00:00Z") - 1};
  const auto once = cohort::retention(table_of(rows), columns(), options);
  const auto plain = salesops::stats::wilson(100, 400);
  EXPECT_NEAR(once.pooled[1].low, plain->low, 5e-4);
  EXPECT_NEAR(once.pooled[1].high, plain->high, 5e-4);
  // The bootstrap draws each cohort's customers apart, so its means have no interval.
  options.measure = Measure::ltv;
  options.interval = cohort::IntervalKind::bootstrap;
  const auto money = cohort::retention(table_of(rows), columns(), options);
  EXPECT_FALSE(std::isnan(money.pooled[1].weighted));
  EXPECT_TRUE(std::isnan(money.pooled[1].low));
}

TEST(CohortEdges, BatchesOfOtherFiltersAreRefused) {
  const Table rows = flagged({{1, us("2026-01-05T10:00:00Z"), 1}}, {1}, {1});
  auto state = cohort::State::partial(rows, filtered());
  EXPECT_THROW(state.merge(cohort::State::partial(rows, filtered("back", "back"))), UsageError);
  EXPECT_THROW(state.merge(cohort::State::partial(rows, filtered("start", ""))), UsageError);
  EXPECT_THROW(state.merge(cohort::State::partial(rows, columns())), UsageError);
  state.merge(cohort::State::partial(rows, filtered()));
  EXPECT_EQ(state.events(), 2U);
}

TEST(CohortEdges, BracketsAreNamedOnce) {
  cohort::Options options = options_for(Measure::bracket);
  options.brackets = {{1, 1}, {2, 3}, {1, 1}};
  EXPECT_THROW((void)cohort::retention(table_of(golden()), columns(), options), UsageError);
  options.brackets = {{1, 1}, {1, 3}};
  EXPECT_EQ(cohort::retention(table_of(golden()), columns(), options).ages,
            (std::vector<std::string>{"1", "1-3"}));
}

TEST(CohortEdges, CurvesAndFansHaveAWidthAtTheirEnds) {
  const auto nobody_left = cohort::pooled_survival({{100, 100, 100}});
  for (const double low : nobody_left.low)
    EXPECT_DOUBLE_EQ(low, salesops::stats::clopper_pearson(100, 100)->low);
  EXPECT_NEAR(cohort::pooled_survival({{100, 0}}).high[0], salesops::stats::clopper_pearson(0, 100)->high,
              1e-14);
  cohort::ProjectOptions options;
  options.periods = 3;
  options.fans = 400;
  const auto one = cohort::project({{1, 1}}, options);
  EXPECT_EQ(one.high.back(), 1);
  EXPECT_LT(one.low.back(), 0.6);
  const auto many = cohort::project({{100, 100, 100}}, options);
  // Nobody of 200 renewals lost: up to ln 20 / 200 a period would not surprise.
  EXPECT_LT(many.low.back(), 0.99);
  EXPECT_GT(many.low.back(), std::pow(1 - 3.0 / 200, 6));
  const auto gone = cohort::project({{100, 0}}, options);
  EXPECT_GT(gone.high[1], 0.005);
  EXPECT_LT(gone.high[1], 0.05);
  EXPECT_EQ(gone.left_high[0].back(), 0);
}

TEST(CohortEdges, TheTotalHasAFanOfItsOwn) {
  cohort::ProjectOptions options;
  options.periods = 4;
  options.fans = 1000;
  const cohort::Triangle triangle = {{100, 80, 60, 50}, {200, 150, 120}, {400, 300}, {500}};
  const auto made = cohort::project(triangle, options);
  ASSERT_EQ(made.total.size(), 5U);
  EXPECT_EQ(made.total[0], 970);
  EXPECT_EQ(made.total_low[0], 970);
  for (std::size_t ahead = 1; ahead < made.total.size(); ++ahead) {
    double left = 0, low = 0, high = 0;
    for (std::size_t c = 0; c < triangle.size(); ++c) {
      left += made.left[c][triangle[c].size() - 1 + ahead];
      low += made.left_low[c][triangle[c].size() - 1 + ahead];
      high += made.left_high[c][triangle[c].size() - 1 + ahead];
    }
    EXPECT_NEAR(made.total[ahead], left, 1e-9);
    EXPECT_GT(made.total_low[ahead], low);
    EXPECT_LT(made.total_high[ahead], high);
    EXPECT_LT(made.total_low[ahead], left);
    EXPECT_GT(made.total_high[ahead], left);
  }
}
