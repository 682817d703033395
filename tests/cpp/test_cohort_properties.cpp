#include "cohort_events.hpp"

using namespace cohort_test;

TEST(CohortPaths, MasksAndHistoriesAgree) {
  const Table rows = table_of(random_events(20000, 700, 5));
  for (const Every every : {Every::month, Every::week, Every::quarter})
    for (const Measure measure : every_measure) {
      auto options = options_for(measure);
      options.cut.every = every;
      options.as_of = Instant{us("2023-05-02T13:00:00Z")};
      const auto quick = cohort::retention(rows, columns(TimeZone::load("Europe/Berlin")), options);
      const auto whole =
          cohort::State::partial(rows, columns(TimeZone::load("Europe/Berlin"))).finish(options);
      EXPECT_EQ(quick.cohorts, whole.cohorts);
      EXPECT_EQ(all_of(quick), all_of(whole)) << static_cast<int>(measure) << ' ' << static_cast<int>(every);
      EXPECT_GT(quick.customers, 600);
    }
}

TEST(CohortPaths, LifecyclesAgree) {
  const Table rows = table_of(random_events(8000, 500, 6));
  cohort::Options options;
  options.cut.every = Every::week;
  const auto quick = cohort::lifecycle(rows, columns(), options);
  const auto whole = cohort::lifecycle(cohort::State::partial(rows, columns()), options);
  EXPECT_EQ(quick.periods, whole.periods);
  EXPECT_EQ(quick.fresh, whole.fresh);
  EXPECT_EQ(quick.dormant, whole.dormant);
  EXPECT_EQ(quick.resurrecting, whole.resurrecting);
}

TEST(CohortProperties, IdentitiesOfTheGrid) {
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    const auto events = random_events(4000, 300, seed, seed % 2 == 0 ? 0 : -2000);
    const Table rows = table_of(events);
    const auto classic = cohort::retention(rows, columns(), options_for(Measure::classic));
    const auto unbounded = cohort::retention(rows, columns(), options_for(Measure::unbounded));
    const auto sums = cohort::retention(rows, columns(), options_for(Measure::sum));
    const auto ltv = cohort::retention(rows, columns(), options_for(Measure::ltv));
    std::int64_t total = 0;
    for (std::size_t c = 0; c < classic.cohorts.size(); ++c) {
      EXPECT_EQ(classic.active[classic.cell(0, c, 0)], classic.size[c]);
      std::int64_t through = 0;
      for (std::size_t k = 0; k < classic.ages.size(); ++k) {
        const std::size_t cell = classic.cell(0, c, k);
        EXPECT_LE(classic.active[cell], unbounded.active[cell]);
        EXPECT_LE(unbounded.active[cell], classic.size[c]);
        if (classic.state[cell] == CellState::unobserved) {
          EXPECT_TRUE(std::isnan(classic.value[cell]));
          continue;
        }
        if (k > 0) {
          EXPECT_LE(unbounded.active[cell], unbounded.active[cell - 1]);
        }
        through += sums.amount[cell];
        total += sums.amount[cell];
        if (classic.size[c] > 0) {
          EXPECT_NEAR(ltv.value[cell],
                      static_cast<double>(through) / 100 / static_cast<double>(classic.size[c]), 1e-9);
        }
      }
    }
    if (seed % 2 != 0) continue;  // a refund before the first purchase's period is in no cell
    std::int64_t paid = 0;
    for (const auto& event : events) paid += event.minor;
    EXPECT_EQ(total, paid);
  }
}

TEST(CohortProperties, RetentionOfRevenueIsOrdered) {
  for (std::uint32_t seed = 10; seed < 14; ++seed) {
    const bool refunds = seed % 2 != 0;
    const Table rows = table_of(random_events(4000, 300, seed, refunds ? -2000 : 0));
    const auto nrr = cohort::retention(rows, columns(), options_for(Measure::nrr));
    const auto point = cohort::retention(rows, columns(), options_for(Measure::grr_point));
    const auto path = cohort::retention(rows, columns(), options_for(Measure::grr_path));
    std::size_t seen = 0;
    for (std::size_t cell = 0; cell < nrr.value.size(); ++cell) {
      if (std::isnan(nrr.value[cell])) continue;
      ++seen;
      EXPECT_GE(path.value[cell], 0);
      EXPECT_LE(path.value[cell], point.value[cell] + 1e-12);
      EXPECT_LE(point.value[cell], 1 + 1e-12);
      if (!refunds) {
        EXPECT_LE(point.value[cell], nrr.value[cell] + 1e-12);  // nrr is net of refunds, which grr isn't
      }
    }
    EXPECT_GT(seen, 100U);
  }
}

TEST(CohortProperties, LifecycleIsConserved) {
  for (std::uint32_t seed = 20; seed < 26; ++seed)
    for (const Every every : {Every::day, Every::week, Every::month}) {
      cohort::Options options;
      options.cut.every = every;
      const auto life = cohort::lifecycle(table_of(random_events(1500, 200, seed)), columns(), options);
      for (std::size_t p = 0; p < life.periods.size(); ++p) {
        EXPECT_EQ(life.fresh[p] + life.returning[p] + life.resurrecting[p] + life.older[p], life.active[p]);
        if (p > 0) {
          EXPECT_EQ(life.active[p] - life.active[p - 1],
                    life.fresh[p] + life.resurrecting[p] + life.older[p] - life.dormant[p]);
        }
      }
    }
}

TEST(CohortProperties, PartsMergeToTheWholeInAnyOrder) {
  auto rows = random_events(6000, 400, 30);
  const auto whole = cohort::State::partial(table_of(rows), columns());
  std::mt19937 random(1);
  std::shuffle(rows.begin(), rows.end(), random);
  cohort::State merged;
  for (std::size_t first = 0; first < rows.size(); first += 1700) {
    const std::vector<Event> part(
        rows.begin() + static_cast<std::ptrdiff_t>(first),
        rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), first + 1700)));
    merged.merge(cohort::State::partial(table_of(part), columns()));
  }
  EXPECT_EQ(merged.customers(), whole.customers());
  EXPECT_EQ(merged.events(), whole.events());
  for (const Measure measure : every_measure)
    EXPECT_EQ(all_of(merged.finish(options_for(measure))), all_of(whole.finish(options_for(measure))));
  auto drawn = options_for(Measure::ltv);
  drawn.interval = cohort::IntervalKind::bootstrap;
  drawn.replicates = 200;
  EXPECT_EQ(all_of(merged.finish(drawn)), all_of(whole.finish(drawn)));
}

TEST(CohortProperties, ThreadsChangeNothing) {
  const Table rows = table_of(random_events(150000, 9000, 31));
  for (const Measure measure : {Measure::classic, Measure::sum, Measure::window, Measure::grr_path}) {
    auto options = options_for(measure);
    options.execution.threads = 1;
    const auto alone = cohort::retention(rows, columns(), options);
    options.execution.threads = 3;
    EXPECT_EQ(all_of(alone), all_of(cohort::retention(rows, columns(), options)));
  }
  auto drawn = options_for(Measure::nrr);
  drawn.interval = cohort::IntervalKind::bootstrap;
  drawn.replicates = 100;
  drawn.cut.every = Every::quarter;
  drawn.execution.threads = 1;
  const auto alone = cohort::retention(rows, columns(), drawn);
  drawn.execution.threads = 4;
  EXPECT_EQ(all_of(alone), all_of(cohort::retention(rows, columns(), drawn)));
}
