#include <array>
#include <cmath>

#include "subscription_rows.hpp"

using namespace subscription_test;

namespace {

/// Subscriptions that come, change and go at random over two years, in three currencies.
std::vector<Row> random_rows(std::uint32_t seed, std::size_t n, std::int64_t customers, bool currencies) {
  std::mt19937_64 random(seed);
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  const std::array<const char*, 3> codes{"EUR", "USD", "JPY"};
  std::vector<Row> rows;
  while (rows.size() < n) {
    Row row;
    row.customer = draw(1, customers);
    row.subscription = std::to_string(row.customer) + "-" + std::to_string(draw(1, 3));
    const Date begin = Date::from_ymd(2024, 1, 1) + static_cast<int>(draw(0, 600));
    row.start = begin.to_string();
    if (draw(0, 4) > 0) row.end = (begin + static_cast<int>(draw(1, 300))).to_string();
    row.amount = static_cast<double>(draw(1, 20000)) / 100;
    row.quantity = static_cast<double>(draw(1, 8)) / 2;
    row.plan = draw(0, 1) == 0 ? "basic" : "pro";
    if (currencies) row.currency = codes[static_cast<std::size_t>(row.customer % 3)];
    rows.push_back(row);
  }
  return rows;
}

Table rates() {
  std::vector<std::int32_t> days;
  std::vector<std::string> from, to;
  std::vector<double> rate;
  for (int month = 0; month < 30; ++month)
    for (const char* code : {"USD", "JPY"}) {
      days.push_back(Date::from_ymd(2024, 1, 1).add_months(month).days);
      from.emplace_back(code);
      to.emplace_back("EUR");
      rate.push_back((code[0] == 'U' ? 0.9 : 0.006) * (1 + 0.013 * (month % 7)));
    }
  return Table({{"date", Column::of(Type::date, days)},
                {"from", Column::of_strings(from)},
                {"to", Column::of_strings(to)},
                {"rate", Column::of(Type::float64, rate)}});
}

/// Revenue of every customer on the last day of each month, by looking at every row on that day.
std::map<std::int64_t, std::vector<std::int64_t>> by_looking(const std::vector<Row>& rows,
                                                             std::size_t months) {
  std::map<std::int64_t, std::vector<std::int64_t>> paid;
  for (std::size_t month = 0; month < months; ++month) {
    const Date last = Date::from_ymd(2024, 1, 1).add_months(static_cast<int>(month) + 1) - 1;
    for (const Row& row : rows) {
      auto& of = paid[row.customer];
      of.resize(months);
      if (day(row.start.c_str()) <= last && (row.end.empty() || day(row.end.c_str()) > last))
        of[month] += std::llround(row.amount * row.quantity * 100);
    }
  }
  return paid;
}

using Sums = std::map<std::pair<std::string, std::string>, std::int64_t>;

Sums sums_of(const Movements& made) {
  Sums sums;
  for (std::size_t period = 0; period < made.size(); ++period)
    for (std::size_t kind = 0; kind < subscription::movement_kinds; ++kind)
      if (made.amount[kind][period] != 0)
        sums[{made.periods[period], std::string(subscription::movement_name(static_cast<Movement>(kind)))}] =
            made.amount[kind][period];
  return sums;
}

std::vector<std::vector<std::int64_t>> all_of(const Movements& made) {
  std::vector<std::vector<std::int64_t>> all{made.start, made.end, made.annual, made.fx, made.active};
  for (const auto& one : made.amount) all.push_back(one);
  for (const auto& one : made.count) all.push_back(one);
  all.push_back(made.moved.amount);
  all.push_back(made.balances.amount);
  return all;
}

}  // namespace

TEST(SubscriptionProperties, MovementsEqualThoseByLooking) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    // Amounts of hundredths at quantities of halves: even cents, so that nothing is rounded.
    auto rows = random_rows(seed, 300, 40, false);
    for (Row& row : rows)
      row.amount = std::round(row.amount * 50) / 50, row.plan.clear(), row.subscription.clear();
    for (Row& row : rows) row.quantity = std::round(row.quantity);
    const std::size_t months = 20;
    const auto paid = by_looking(rows, months);
    Sums expected;
    std::vector<std::int64_t> end(months);
    for (const auto& [customer, of] : paid) {
      std::int64_t before = 0;
      bool ever = false;
      for (std::size_t month = 0; month < months; ++month) {
        const std::int64_t now = of[month];
        const Date first = Date::from_ymd(2024, 1, 1).add_months(static_cast<int>(month));
        const char* kind = before == 0 && now > 0   ? (ever ? "reactivation" : "new")
                           : before > 0 && now == 0 ? "churn"
                           : now > before           ? "expansion"
                                                    : "contraction";
        if (now != before) expected[{first.to_string().substr(0, 7), kind}] += now - before;
        ever = ever || now > 0;
        end[month] += now;
        before = now;
      }
    }
    const auto made = movements(rows, "2025-09-01");
    ASSERT_EQ(made.size(), months);
    EXPECT_EQ(made.end, end) << seed;
    EXPECT_EQ(sums_of(made), expected) << seed;
    expect_conserved(made);
  }
}

TEST(SubscriptionProperties, RevenueAYearIsExactForAnyMixOfIntervals) {
  const std::array<std::pair<const char*, std::int64_t>, 6> intervals{
      {{"day", 365}, {"week", 52}, {"month", 12}, {"quarter", 4}, {"half", 2}, {"year", 1}}};
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    auto rows = random_rows(900 + seed, 500, 120, false);
    std::vector<std::int64_t> yearly;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& [name, a_year] = intervals[(i + seed) % intervals.size()];
      rows[i].subscription.clear();
      rows[i].interval = name;
      rows[i].quantity = std::ceil(rows[i].quantity);
      yearly.push_back(std::llround(rows[i].amount * 100) * static_cast<std::int64_t>(rows[i].quantity) *
                       a_year);
    }
    const auto made = movements(rows, "2025-11-10");
    std::int64_t off = 0;
    for (std::size_t period = 0; period + 1 < made.size(); ++period) {
      const Date last = made.starts[period + 1] - 1;
      std::int64_t expected = 0, running = 0;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (last < day(rows[i].start.c_str()) || (!rows[i].end.empty() && day(rows[i].end.c_str()) <= last))
          continue;
        expected += yearly[i];
        ++running;
      }
      ASSERT_EQ(made.annual[period], expected) << seed << ' ' << made.periods[period];
      ASSERT_LE(std::abs(12 * made.end[period] - expected), 6 * running);  // half a cent a month and row
      off += std::abs(12 * made.end[period] - expected);
    }
    EXPECT_GT(off, 0);  // twelve times the month wouldn't do
    expect_conserved(made);
  }
}

TEST(SubscriptionProperties, RevenueAYearIsConvertedOnceACurrency) {
  auto rows = random_rows(950, 600, 90, true);
  for (Row& row : rows) row.interval = "year";
  subscription::Options options;
  options.to = "EUR";
  options.rates = rates();
  const auto made = movements(rows, "2025-11-10", options);
  std::vector<std::int64_t> expected(made.size());
  for (const char* code : {"EUR", "USD", "JPY"}) {
    std::vector<Row> own;
    for (const Row& row : rows)
      if (row.currency == code) own.push_back(row);
    const auto alone = movements(own, "2025-11-10", options);
    for (std::size_t i = 1; i <= alone.size(); ++i)
      expected[made.size() - i] += alone.annual[alone.size() - i];
  }
  EXPECT_EQ(made.annual, expected);
  EXPECT_GT(expected.back(), 0);
}

TEST(SubscriptionProperties, EveryPeriodIsConservedUnderAllOptions) {
  for (std::uint32_t seed = 0; seed < 8; ++seed) {
    const auto rows = random_rows(100 + seed, 400, 50, true);
    const Table table = table_of(rows);
    for (const auto follow : {Follow::customer, Follow::subscription})
      for (const auto overlaps : {subscription::Overlaps::latest, subscription::Overlaps::sum})
        for (const Every every : {Every::month, Every::week, Every::quarter})
          for (const std::int64_t window : {std::int64_t{-1}, std::int64_t{0}, 5 * salesops::us_per_day}) {
            auto columns = columns_of(table);
            columns.follow = follow;
            subscription::Options options;
            options.every = every;
            options.overlaps = overlaps;
            options.to = "EUR";
            options.rates = rates();
            options.as_of = at("2025-11-10");
            if (window >= 0) options.window_us = window;
            if (seed % 2 == 1) options.grace_us = 9 * salesops::us_per_day;
            const auto made = subscription::movements(table, columns, options);
            expect_conserved(made);
            std::int64_t moved = 0;
            for (std::size_t period = 0; period < made.size(); ++period) {
              EXPECT_GE(made.end[period], 0);
              EXPECT_GE(made.active[period], 0);
              EXPECT_EQ(made.end[period] == 0, made.active[period] == 0);
              for (std::size_t kind = 0; kind < subscription::movement_kinds; ++kind) {
                const bool loss = static_cast<Movement>(kind) >= Movement::contraction;
                EXPECT_TRUE(loss ? made.amount[kind][period] <= 0 : made.amount[kind][period] >= 0);
                moved += made.count[kind][period];
              }
            }
            EXPECT_GT(moved, 100);
          }
  }
}

TEST(SubscriptionProperties, FollowingChangesAndComparingEndsAgreeOnRevenue) {
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    const auto rows = random_rows(200 + seed, 400, 60, false);
    subscription::Options options;
    options.as_of = at("2025-11-01");
    const auto ends = movements(rows, nullptr, options);
    options.window_us = 0;
    const auto changes = movements(rows, nullptr, options);
    EXPECT_EQ(ends.end, changes.end);
    EXPECT_EQ(ends.active, changes.active);
  }
}

TEST(SubscriptionProperties, OrderBatchesAndThreadsChangeNothing) {
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    auto rows = random_rows(300 + seed, 3000, 900, true);
    for (std::size_t i = 0; i < rows.size(); i += 7) rows[i].amount = 0;  // free versions
    subscription::Options options;
    options.as_of = at("2025-11-10");
    options.to = "USD";
    options.rates = rates();
    options.convert.through = "EUR";
    options.keep_movements = options.keep_balances = true;
    const Table whole = table_of(rows);
    const auto columns = columns_of(whole);
    options.execution.threads = 1;
    const auto expected = subscription::movements(whole, columns, options);
    EXPECT_GT(expected.moved.amount.size(), 1000U);

    std::mt19937 random(seed);
    std::shuffle(rows.begin(), rows.end(), random);
    const Table shuffled = table_of(rows);
    State state;
    for (std::size_t first = 0; first < rows.size(); first += 700)
      state.merge(
          State::partial(shuffled.slice(first, std::min<std::size_t>(700, rows.size() - first)), columns));
    options.execution.threads = 3;
    const auto merged = state.finish(options);
    EXPECT_EQ(all_of(merged), all_of(expected));
    EXPECT_EQ(merged.issues.count("overlap"), expected.issues.count("overlap"));

    subscription::RetentionOptions how;
    how.options = options;
    how.over = 3;
    const auto parts = subscription::retention(state, how),
               one = subscription::retention(whole, columns, how);
    EXPECT_EQ(parts.end, one.end);
    EXPECT_EQ(parts.path, one.path);
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(std::isnan(parts.nrr[i].low), std::isnan(one.nrr[i].low));
      if (!std::isnan(one.nrr[i].low)) {
        EXPECT_EQ(parts.nrr[i].low, one.nrr[i].low);  // to the bit
      }
    }
  }
}

TEST(SubscriptionProperties, RulesOfRetentionAreOrdered) {
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    const Table table = table_of(random_rows(400 + seed, 1500, 300, true));
    for (const bool reactivation : {false, true}) {
      subscription::RetentionOptions options;
      options.options.as_of = at("2025-11-01");
      options.options.to = "EUR";
      options.options.rates = rates();
      options.reactivation = reactivation;
      options.over = 4;
      const auto made = subscription::retention(table, columns_of(table), options);
      ASSERT_GT(made.size(), 10U);
      for (std::size_t i = 0; i < made.size(); ++i) {
        EXPECT_LE(made.path[i], made.point[i]);
        EXPECT_LE(made.point[i], std::min(made.start[i], made.end[i]));
        EXPECT_LE(made.kept[i], made.customers[i]);
        if (made.start[i] == 0) continue;
        EXPECT_LE(made.nrr[i].low, made.nrr[i].value);
        EXPECT_GE(made.nrr[i].high, made.nrr[i].value);
      }
    }
  }
}

TEST(SubscriptionProperties, RetentionOverOnePeriodIsWhatMoved) {
  const auto rows = random_rows(500, 1500, 300, false);
  const Table table = table_of(rows);
  auto columns = columns_of(table);
  columns.quantity.clear();  // no prices apart
  columns.plan.clear();
  subscription::RetentionOptions options;
  options.options.as_of = at("2025-11-01");
  options.over = 1;
  const auto kept = subscription::retention(table, columns, options);
  const auto made = subscription::movements(table, columns, options.options);
  ASSERT_EQ(kept.size() + 1, made.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto of = [&](Movement kind) { return made.of(kind)[i + 1]; };
    EXPECT_EQ(kept.start[i], made.start[i + 1]);
    EXPECT_EQ(kept.point[i], made.start[i + 1] + of(Movement::contraction) + of(Movement::churn));
    EXPECT_EQ(kept.end[i], kept.point[i] + of(Movement::expansion));
    EXPECT_EQ(kept.customers[i] - kept.kept[i], made.count[static_cast<std::size_t>(Movement::churn)][i + 1]);
  }
}

TEST(SubscriptionProperties, IntervalsAgreeWithTheBootstrap) {
  const Table table = table_of(random_rows(600, 4000, 900, false));
  subscription::RetentionOptions options;
  options.options.as_of = at("2025-06-01");
  options.over = 6;
  const auto linear = subscription::retention(table, columns_of(table), options);
  options.interval = subscription::RatioInterval::bootstrap;
  options.replicates = 2000;
  const auto drawn = subscription::retention(table, columns_of(table), options);
  const std::size_t last = linear.size() - 1;
  for (const auto& [a, b] : {std::pair(linear.nrr[last], drawn.nrr[last]),
                             std::pair(linear.grr_point[last], drawn.grr_point[last])}) {
    EXPECT_EQ(a.value, b.value);
    EXPECT_NEAR(a.low, b.low, 0.1 * (a.high - a.low));
    EXPECT_NEAR(a.high, b.high, 0.1 * (a.high - a.low));
  }
}

TEST(SubscriptionProperties, OverlapsAreSettledDayByDay) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    auto rows = random_rows(700 + seed, 12, 1, false);
    for (Row& row : rows) row.subscription = "s", row.plan.clear(), row.quantity = 1;
    // No two begin on one day: which of them holds would be a matter of taste.
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.start < b.start; });
    rows.erase(
        std::unique(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.start == b.start; }),
        rows.end());
    for (std::size_t i = 2; i < rows.size(); i += 3) rows[i].amount = 0;  // free for a time
    subscription::Options options;
    options.every = Every::day;
    options.as_of = at("2026-09-01");
    const auto made = movements(rows, nullptr, options);
    for (std::size_t i = 0; i < made.size(); ++i) {
      std::int64_t holds = 0;
      for (const Row& row : rows)
        if (day(row.start.c_str()) <= made.starts[i] &&
            (row.end.empty() || day(row.end.c_str()) > made.starts[i]))
          holds = std::llround(row.amount * 100);
      ASSERT_EQ(made.end[i], holds) << seed << ' ' << made.periods[i];
    }
  }
}
