#include "cohort_events.hpp"

using namespace cohort_test;

TEST(CohortGolden, GridsInTwoZones) {
  const Table rows = table_of(golden());
  const auto grid = [&](const TimeZone& zone, Measure measure) {
    return cohort::retention(rows, columns(zone), golden_options(measure));
  };
  const TimeZone york = TimeZone::load("America/New_York");
  const auto classic = grid(york, Measure::classic);
  EXPECT_EQ(classic.cohorts,
            (std::vector<std::string>{"2024-01", "2024-02", "2024-03", "2024-04", "2024-05"}));
  EXPECT_EQ(classic.size, (Numbers{2, 2, 1, 0, 1}));
  EXPECT_EQ(row_of(classic, classic.active, "2024-01"), (Numbers{2, 1, 1, 0, 1}));
  EXPECT_EQ(row_of(classic, classic.active, "2024-02"), (Numbers{2, 0, 1, 0}));
  EXPECT_EQ(row_of(classic, classic.active, "2024-03"), (Numbers{1, 0, 1}));
  EXPECT_EQ(row_of(classic, classic.amount, "2024-01"), (Numbers{22000, 3000, 2000, 0, 1000}));
  EXPECT_EQ(row_of(classic, classic.amount, "2024-02"), (Numbers{11000, -5000, 7000, 0}));
  const auto states = row_of(classic, classic.state, "2024-02");
  EXPECT_EQ(states, (std::vector<CellState>{CellState::complete, CellState::complete, CellState::complete,
                                            CellState::in_progress}));
  const auto later = grid(york, Measure::unbounded);
  EXPECT_EQ(row_of(later, later.active, "2024-01"), (Numbers{2, 2, 2, 1, 1}));
  EXPECT_EQ(row_of(later, later.active, "2024-02"), (Numbers{2, 1, 1, 0}));
  EXPECT_EQ(row_of(later, later.state, "2024-02")[1], CellState::may_grow);

  const auto utc = grid({}, Measure::classic);
  EXPECT_EQ(utc.size, (Numbers{2, 2, 0, 1, 1}));
  EXPECT_EQ(row_of(utc, utc.active, "2024-01"), (Numbers{2, 1, 2, 0, 1}));
  EXPECT_EQ(row_of(utc, utc.active, "2024-04"), (Numbers{1, 1}));
  EXPECT_EQ(row_of(utc, utc.amount, "2024-01"), (Numbers{18000, 4000, 5000, 0, 1000}));
}

TEST(CohortGolden, LifecycleInTwoZones) {
  const Table rows = table_of(golden());
  const auto york = cohort::lifecycle(rows, columns(TimeZone::load("America/New_York")), golden_options());
  EXPECT_EQ(york.periods.front(), "2024-01");
  EXPECT_EQ(york.fresh, (Numbers{2, 2, 1, 0, 1}));
  EXPECT_EQ(york.returning, (Numbers{0, 1, 0, 0, 0}));
  EXPECT_EQ(york.resurrecting, (Numbers{0, 0, 1, 1, 2}));
  EXPECT_EQ(york.dormant, (Numbers{0, 1, 3, 2, 1}));
  EXPECT_EQ(york.state.back(), CellState::in_progress);
  const auto utc = cohort::lifecycle(rows, columns(), golden_options());
  EXPECT_EQ(utc.fresh, (Numbers{2, 2, 0, 1, 1}));
  EXPECT_EQ(utc.returning, (Numbers{0, 1, 1, 0, 1}));
  EXPECT_EQ(utc.resurrecting, (Numbers{0, 0, 1, 1, 1}));
  EXPECT_EQ(utc.dormant, (Numbers{0, 1, 2, 2, 1}));
}

TEST(CohortMoney, WorkedExampleOfNrrAndGrr) {
  // MRR of four customers at months 0, 1, 2.
  const std::vector<std::vector<std::int64_t>> mrr = {
      {100, 120, 80}, {200, 150, 200}, {50, 0, 50}, {150, 150, 0}};
  std::vector<Event> rows;
  const char* months[] = {"2024-01-10T00:00:00Z", "2024-02-10T00:00:00Z", "2024-03-10T00:00:00Z"};
  for (std::size_t i = 0; i < mrr.size(); ++i)
    for (std::size_t m = 0; m < 3; ++m)
      if (mrr[i][m] > 0) rows.push_back({static_cast<std::int64_t>(i), us(months[m]), mrr[i][m] * 100});
  const auto values = [&](Measure measure) {
    auto options = options_for(measure);
    options.as_of = Instant{us("2024-03-31T23:59:59.999999Z")};
    const auto grid = cohort::retention(table_of(rows), columns(), options);
    return row_of(grid, grid.value, "2024-01");
  };
  EXPECT_EQ(values(Measure::nrr), (std::vector<double>{1, 0.84, 0.66}));
  EXPECT_EQ(values(Measure::grr_point), (std::vector<double>{1, 0.80, 0.66}));
  EXPECT_EQ(values(Measure::grr_path), (std::vector<double>{1, 0.80, 0.46}));
}

TEST(CohortMoney, NoValueBeforeThePeriodIsOver) {
  auto options = options_for(Measure::nrr);
  options.as_of = Instant{us("2024-05-15T12:00:00Z")};
  const auto grid = cohort::retention(table_of(golden()), columns(), options);
  const auto values = row_of(grid, grid.value, "2024-01");
  const auto states = row_of(grid, grid.state, "2024-01");
  EXPECT_EQ(states.back(), CellState::in_progress);
  EXPECT_TRUE(std::isnan(values.back()));
  EXPECT_FALSE(std::isnan(values[3]));
}

TEST(CohortMoney, Payback) {
  auto options = golden_options(Measure::ltv);
  const auto grid =
      cohort::retention(table_of(golden()), columns(TimeZone::load("America/New_York")), options);
  // 2024-01: 220, 250, 270, 270, 280 of two customers; 2024-02: 110, 60, 130, 130.
  const auto found = cohort::payback(grid, {120, 65, 20, 0, 1000});
  EXPECT_EQ(found[0].age, 1.0);
  EXPECT_EQ(found[1].age, 2.0);
  EXPECT_EQ(found[2].age, 0.0);
  EXPECT_FALSE(found[3].age.has_value());  // nobody began
  EXPECT_FALSE(found[4].age.has_value());
  EXPECT_EQ(found[4].at_least, 0);
  const auto within = cohort::payback(grid, {120, 65, 20, 0, 1000}, 1, true);
  EXPECT_DOUBLE_EQ(*within[0].age, 1 + 20.0 / 30);
  EXPECT_DOUBLE_EQ(*within[1].age, 2.0 + 70.0 / 70);
  EXPECT_FALSE(cohort::payback(grid, {200, 65, 20, 0, 1000})[0].age.has_value());
  EXPECT_EQ(cohort::payback(grid, {200, 65, 20, 0, 1000})[0].at_least, 4);
  EXPECT_EQ(cohort::payback(grid, {60, 65, 20, 0, 1000}, 0.5)[0].age, 1.0);
  EXPECT_THROW((void)cohort::payback(grid, {1}), UsageError);
}

TEST(CohortEntry, FirstEverAndDifferentReturns) {
  // Customer 1 signs up first; 2 visits before signing up; 3 never signs up.
  const std::vector<std::int64_t> customer = {1, 1, 1, 2, 2, 2, 3};
  const std::vector<std::int64_t> time = {us("2024-01-05T10:00:00Z"), us("2024-01-05T10:00:00Z"),
                                          us("2024-02-05T10:00:00Z"), us("2024-01-03T10:00:00Z"),
                                          us("2024-02-05T10:00:00Z"), us("2024-02-06T10:00:00Z"),
                                          us("2024-02-06T10:00:00Z")};
  const std::vector<std::uint8_t> signup = {1, 0, 0, 0, 1, 0, 0};
  const std::vector<std::uint8_t> visit = {0, 1, 1, 1, 0, 1, 1};
  const Table rows({{"customer", Column::of(Type::int64, customer)},
                    {"time", Column::of(Type::timestamp, time)},
                    {"signup", Column::of(Type::boolean, signup)},
                    {"visit", Column::of(Type::boolean, visit)}});
  cohort::Columns named;
  named.start = "signup";
  named.returned = "visit";
  const auto grid = cohort::retention(rows, named);
  EXPECT_EQ(grid.size, (Numbers{1, 1}));
  EXPECT_EQ(grid.outside, 1);
  // At age 0 only what comes after the sign-up counts: not customer 1's visit at the same instant.
  EXPECT_EQ(row_of(grid, grid.active, "2024-01"), (Numbers{0, 1}));
  EXPECT_EQ(row_of(grid, grid.active, "2024-02"), (Numbers{1}));
  cohort::Options ever;
  ever.entry = cohort::Entry::first_ever;
  const auto first = cohort::retention(rows, named, ever);
  EXPECT_EQ(first.customers, 1);
  EXPECT_EQ(first.outside, 2);
}

TEST(CohortEntry, RecurringCountsACustomerOnceEveryPeriodItStarts) {
  std::vector<Event> rows;
  for (const char* text : {"2024-01-05T10:00:00Z", "2024-01-09T10:00:00Z", "2024-03-05T10:00:00Z"})
    rows.push_back({1, us(text), 100});
  rows.push_back({2, us("2024-03-07T10:00:00Z"), 100});
  cohort::Options options;
  options.entry = cohort::Entry::recurring;
  const auto grid = cohort::retention(table_of(rows), columns(), options);
  EXPECT_EQ(grid.size, (Numbers{1, 0, 2}));
  EXPECT_EQ(row_of(grid, grid.active, "2024-01"), (Numbers{1, 0, 1}));
  EXPECT_EQ(row_of(grid, grid.active, "2024-03"), (Numbers{2}));
  options.entry = cohort::Entry::first_time;
  options.min_count = 2;
  const auto twice = cohort::retention(table_of(rows), columns(), options);
  EXPECT_EQ(row_of(twice, twice.active, "2024-01"), (Numbers{1, 0, 0}));
  EXPECT_EQ(row_of(twice, twice.active, "2024-03"), (Numbers{0}));
}

TEST(CohortEntry, CustomersOlderThanTheLogAreCountedApart) {
  cohort::Options options = golden_options();
  options.observed_from = Instant{us("2024-02-01T00:00:00Z")};
  const auto grid = cohort::retention(table_of(golden()), columns(), options);
  EXPECT_EQ(grid.older, 2);
  EXPECT_EQ(grid.cohorts.front(), "2024-02");
  EXPECT_EQ(grid.customers, 4);
  const auto life = cohort::lifecycle(table_of(golden()), columns(), options);
  EXPECT_EQ(life.periods.front(), "2024-02");
  EXPECT_EQ(life.older, (Numbers{1, 1, 0, 0}));
  EXPECT_EQ(life.fresh, (Numbers{2, 0, 1, 1}));
}

TEST(CohortWindows, OnlyCustomersWhoseWindowIsOverCount) {
  const std::vector<Event> rows = {{1, us("2024-01-01T12:00:00Z"), 100},
                                   {1, us("2024-01-02T11:00:00Z"), 100},
                                   {1, us("2024-01-02T12:00:00Z"), 100},
                                   {2, us("2024-01-03T00:00:00Z"), 100},
                                   {2, us("2024-01-04T01:00:00Z"), 100}};
  auto options = options_for(Measure::window);
  options.window_us = salesops::us_per_day;
  options.as_of = Instant{us("2024-01-05T00:00:00Z")};
  const auto grid = cohort::retention(table_of(rows), columns(), options);
  EXPECT_EQ(row_of(grid, grid.n, "2024-01"), (Numbers{2, 2, 1}));
  EXPECT_EQ(row_of(grid, grid.active, "2024-01"), (Numbers{2, 2, 0}));
  EXPECT_EQ(row_of(grid, grid.state, "2024-01")[2], CellState::in_progress);
}

TEST(CohortPeriods, WeeksBlocksAndFiscalYears) {
  std::vector<Event> rows;
  for (const char* text : {"2024-01-06T10:00:00Z", "2024-01-07T10:00:00Z", "2024-01-08T10:00:00Z"})
    rows.push_back({static_cast<std::int64_t>(rows.size()), us(text), 100});
  auto options = options_for(Measure::classic);
  options.cut.every = Every::week;
  EXPECT_EQ(cohort::retention(table_of(rows), columns(), options).cohorts,
            (std::vector<std::string>{"2024-W01", "2024-W02"}));
  options.cut.week_start = 6;
  const auto sunday = cohort::retention(table_of(rows), columns(), options);
  EXPECT_EQ(sunday.cohorts, (std::vector<std::string>{"2023-12-31", "2024-01-07"}));
  EXPECT_EQ(sunday.size, (Numbers{1, 2}));
  options.cut = {.days = 2};
  const auto blocks = cohort::retention(table_of(rows), columns(), options);
  EXPECT_EQ(blocks.cohorts, (std::vector<std::string>{"2024-01-05", "2024-01-07"}));
  options.cut = {.every = Every::month, .calendar = salesops::FiscalCalendar::week_pattern({})};
  EXPECT_EQ(cohort::retention(table_of(rows), columns(), options).cohorts.front(), "FY24-P01");
}

TEST(CohortPeriods, TooManyCellsAreRefusedWithTheCoarserPeriodNamed) {
  const std::vector<Event> rows = {{1, us("2014-01-01T00:00:00Z"), 1}, {2, us("2023-12-31T00:00:00Z"), 1}};
  cohort::Options options;
  options.cut.every = Every::day;
  try {
    (void)cohort::retention(table_of(rows), columns(), options);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("take weeks"), std::string::npos) << error.what();
  }
  options.max_age = 7;
  EXPECT_EQ(cohort::retention(table_of(rows), columns(), options).cohorts.size(), 3652U);
}

TEST(CohortPeriods, EveryCustomerIsInThePeriodOfItsCivilDay) {
  // St John's put its clocks back at 00:01: the day before was shown once more for 59 minutes.
  for (const char* name : {"America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"}) {
    const TimeZone zone = TimeZone::load(name);
    std::vector<Event> rows;
    std::map<std::string, std::int64_t> expected;
    const std::int64_t begin = us("2005-01-01T00:00:00Z");
    for (std::int64_t i = 0; i < 8 * 365 * 48; ++i) {
      const Instant at{begin + i * (salesops::us_per_day / 48) + 30 * salesops::us_per_second};
      rows.push_back({i, at.us, 0});
      ++expected[zone.local_date(at).to_string()];
    }
    auto options = options_for(Measure::classic);
    options.cut.every = Every::day;
    options.max_age = 0;
    const auto grid = cohort::State::partial(table_of(rows), columns(zone)).finish(options);
    std::map<std::string, std::int64_t> found;
    for (std::size_t c = 0; c < grid.cohorts.size(); ++c)
      if (grid.size[c] > 0) found[grid.cohorts[c]] = grid.size[c];
    EXPECT_EQ(found, expected) << name;
  }
}

TEST(CohortSegments, TestsAreStratifiedAndCorrected) {
  std::mt19937_64 random(3);
  std::vector<std::int64_t> customer, time;
  std::vector<std::string> segment;
  const std::int64_t begin = us("2024-01-01T00:00:00Z");
  for (std::int64_t i = 0; i < 4000; ++i) {
    const bool good = i % 2 == 0;
    const std::int64_t born = static_cast<std::int64_t>(random() % 3);
    for (std::int64_t m = 0; m < 5 - born; ++m) {
      if (m > 0 && std::uniform_real_distribution<>(0, 1)(random) > (good ? 0.4 : 0.3)) continue;
      customer.push_back(i);
      time.push_back(begin + (born + m) * 31 * salesops::us_per_day);
      segment.emplace_back(good ? "good" : "other");
    }
  }
  const Table rows({{"customer", Column::of(Type::int64, customer)},
                    {"time", Column::of(Type::timestamp, time)},
                    {"segment", Column::of_strings(segment)}});
  cohort::Columns named;
  named.by = "segment";
  const auto grid = cohort::retention(rows, named);
  EXPECT_EQ(grid.segments, (std::vector<std::string>{"good", "other"}));
  const auto found = cohort::compare(grid);
  ASSERT_GE(found.size(), 3U);
  for (const auto& one : found) {
    EXPECT_GT(one.value_first, one.value_second);
    EXPECT_LT(one.p_adjusted, 0.01);
    EXPECT_GE(one.p_adjusted, one.p_value);
  }
  EXPECT_THROW((void)cohort::compare(cohort::retention(rows, {})), UsageError);
  const std::vector<double> p = {0.01, 0.04, 0.03};
  const auto holm = cohort::adjusted(p, cohort::Correction::holm);
  EXPECT_NEAR(holm[0], 0.03, 1e-15);
  EXPECT_NEAR(holm[1], 0.06, 1e-15);
  EXPECT_NEAR(holm[2], 0.06, 1e-15);
  const auto fdr = cohort::adjusted(p, cohort::Correction::benjamini_hochberg);
  EXPECT_NEAR(fdr[0], 0.03, 1e-15);
  EXPECT_NEAR(fdr[1], 0.04, 1e-15);
  EXPECT_NEAR(fdr[2], 0.04, 1e-15);
}

TEST(CohortSegments, WhoChangesSegmentIsCounted) {
  // 1 moves from a to b; 2 stays; 3 moves after as_of; 4 begins without one; 5 loses its own; 6 has two at
  // once.
  const std::vector<std::int64_t> customer = {1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6};
  const char* january = "2024-01-05T10:00:00Z";
  const char* february = "2024-02-05T10:00:00Z";
  const char* march = "2024-03-05T10:00:00Z";
  std::vector<std::int64_t> time;
  for (const char* at : {january, february, march, january, february, january, march, january, february,
                         january, february, january, january})
    time.push_back(us(at));
  const std::vector<std::string> plan = {"a", "b", "a", "a", "a", "a", "b", "", "a", "b", "", "b", "a"};
  const std::vector<std::uint8_t> named = {1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1};
  const Table rows({{"customer", Column::of(Type::int64, customer)},
                    {"time", Column::of(Type::timestamp, time)},
                    {"plan", Column::of_strings(plan, named)}});
  cohort::Columns by;
  by.by = "plan";
  cohort::Options options;
  options.as_of = Instant{us("2024-02-29T00:00:00Z")};
  const auto grid = cohort::retention(rows, by, options);
  EXPECT_EQ(grid.segments, (std::vector<std::string>{"a", "b", "(none)"}));
  EXPECT_EQ(grid.customers, 6);
  EXPECT_EQ(grid.issues.count("transactions", "plan", "segment_changes"), 3);  // 1, 4, 6
  EXPECT_EQ(cohort::retention(rows, by).issues.count("segment_changes"), 4);   // and 3
  EXPECT_EQ(cohort::retention(rows).issues.count("segment_changes"), 0);

  // One that moves between batches is seen too, whatever codes its segments have in each.
  const auto batch = [&](std::int64_t who, const char* at, const char* what) {
    const Table row({{"customer", Column::of(Type::int64, std::vector<std::int64_t>{who})},
                     {"time", Column::of(Type::timestamp, std::vector<std::int64_t>{us(at)})},
                     {"plan", Column::of_strings(std::vector<std::string>{what})}});
    return cohort::State::partial(row, by);
  };
  cohort::State state = batch(1, january, "a");
  state.merge(batch(1, february, "b"));
  state.merge(batch(2, january, "b"));
  state.merge(batch(2, february, "b"));
  EXPECT_EQ(state.finish().issues.count("segment_changes"), 1);
}

TEST(CohortBootstrap, CoversTheRatioOfSums) {
  auto options = options_for(Measure::ltv);
  options.interval = cohort::IntervalKind::bootstrap;
  const auto grid = cohort::retention(table_of(random_events(8000, 600, 40, 100)), columns(), options);
  std::size_t seen = 0;
  for (std::size_t c = 0; c < grid.cohorts.size(); ++c)
    for (std::size_t k = 0; k < grid.ages.size(); ++k) {
      const std::size_t cell = grid.cell(0, c, k);
      if (std::isnan(grid.value[cell]) || grid.size[c] < 10) continue;
      ++seen;
      EXPECT_LT(grid.low[cell], grid.value[cell]);
      EXPECT_GT(grid.high[cell], grid.value[cell]);
    }
  EXPECT_GT(seen, 50U);
  EXPECT_LT(grid.pooled[3].low, grid.pooled[3].weighted);
}

TEST(CohortTriangle, PooledCurveOfARaggedTriangle) {
  const cohort::Triangle a = {{100, 80, 60, 50}, {200, 150, 120}, {400, 300}, {500}};
  const auto curve = cohort::pooled_survival(a);
  ASSERT_EQ(curve.time, (std::vector<double>{1, 2, 3}));
  const double survival[] = {0.7571428571, 0.5925465839, 0.4937888199};
  const double errors[] = {0.0162074741, 0.0241854150, 0.0349136416};
  const double at_risk[] = {700, 230, 60};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(curve.survival[i], survival[i], 1e-10);
    EXPECT_NEAR(curve.std_error[i], errors[i], 1e-10);
    EXPECT_EQ(curve.at_risk[i], at_risk[i]);
  }
  EXPECT_THROW((void)cohort::pooled_survival({{10, 11}}), UsageError);
  EXPECT_THROW((void)cohort::pooled_survival({{10}, {5}}), UsageError);
  EXPECT_THROW((void)cohort::pooled_survival({}), UsageError);
}

TEST(CohortTriangle, ProjectionsComeWithFitsAndFans) {
  const cohort::Triangle a = {{100, 80, 60, 50}, {200, 150, 120}, {400, 300}, {500}};
  cohort::ProjectOptions options;
  options.bdw = false;
  options.fans = 300;
  const auto sbg = cohort::project(a, options);
  EXPECT_NEAR(sbg.sbg->model.alpha, 1.49717566, 1e-6);
  EXPECT_NEAR(sbg.sbg->model.beta, 4.64148296, 1e-5);
  EXPECT_NEAR(sbg.sbg->log_likelihood, -535.607928, 1e-6);
  ASSERT_EQ(sbg.left[3].size(), 13U);
  for (std::size_t c = 0; c < a.size(); ++c) {
    for (std::size_t k = 0; k < sbg.left[c].size(); ++k) {
      EXPECT_LE(sbg.left_low[c][k], sbg.left[c][k] + 1);
      EXPECT_GE(sbg.left_high[c][k], sbg.left[c][k] - 1);
      if (k < a[c].size()) {
        EXPECT_EQ(sbg.left_low[c][k], a[c][k]);
      }
    }
    EXPECT_LT(sbg.left_low[c].back(), sbg.left_high[c].back());
  }
  options.bdw = true;
  const cohort::Triangle high_end = {{1000, 869, 743, 653, 593, 551, 517, 491}};
  const auto both = cohort::project(high_end, options);
  EXPECT_EQ(both.model, "BdW");
  EXPECT_NEAR(both.sbg->log_likelihood, -1611.158147, 1e-5);
  EXPECT_NEAR(both.bdw->log_likelihood, -1605.314213, 1e-5);
  EXPECT_LT(both.bdw->aic(), both.sbg->aic());
  EXPECT_NEAR(both.survival[12], 0.403930, 1e-5);
  EXPECT_LT(both.low[12], 0.403930);
  EXPECT_GT(both.high[12], 0.403930);
  options.execution.threads = 1;
  EXPECT_EQ(cohort::project(high_end, options).low, both.low);
  options.fans = 10;
  EXPECT_THROW((void)cohort::project(high_end, options), UsageError);
}

TEST(CohortErrors, OptionsAndColumnsThatDontGoTogether) {
  const Table rows = table_of(golden());
  const auto refuses = [&](auto change) {
    cohort::Options options;
    cohort::Columns named = columns();
    change(options, named);
    EXPECT_THROW((void)cohort::retention(rows, named, options), UsageError);
  };
  refuses([](auto& options, auto&) { options.min_count = 0; });
  refuses([](auto& options, auto&) { options.level = 100; });
  refuses([](auto& options, auto&) { options.measure = Measure::bracket; });
  refuses([](auto& options, auto& named) { options.measure = Measure::nrr, named.amount = ""; });
  refuses([](auto& options, auto&) {
    options.measure = Measure::ltv, options.interval = cohort::IntervalKind::wilson;
  });
  refuses([](auto& options, auto&) {
    options.measure = Measure::window, options.entry = cohort::Entry::recurring;
  });
  refuses([](auto& options, auto&) { options.cut.every = Every::all; });
  refuses([](auto&, auto& named) { named.customer = "nobody"; });
  refuses([](auto&, auto& named) { named.time = "amount"; });
  refuses([](auto&, auto& named) { named.start = "amount"; });
  cohort::State one = cohort::State::partial(rows, columns());
  EXPECT_THROW(one.merge(cohort::State::partial(rows, columns(TimeZone::load("Europe/Paris")))), UsageError);
  EXPECT_THROW(one.merge(cohort::State::partial(rows, {})), UsageError);
}

TEST(CohortErrors, NothingComesOfNothing) {
  const auto grid = cohort::retention(table_of({}), columns());
  EXPECT_TRUE(grid.cohorts.empty());
  EXPECT_EQ(grid.to_table().num_rows(), 0U);
  EXPECT_EQ(cohort::lifecycle(table_of({}), columns()).to_table().num_rows(), 0U);
  cohort::Options before;
  before.as_of = Instant{us("2000-01-01T00:00:00Z")};
  EXPECT_EQ(cohort::retention(table_of(golden()), columns(), before).customers, 0);
}
