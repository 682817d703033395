#include <gtest/gtest.h>

#include "pipeline_books.hpp"
#include "salesops/csv.hpp"
#include "salesops/pipeline.hpp"
#include "salesops/random.hpp"
#include "test_data.hpp"

using namespace salesops;

namespace {

pipeline::ForecastOptions at(Instant as_of, int draws = 300) {
  pipeline::ForecastOptions options;
  options.as_of = as_of;
  options.draws = draws;
  return options;
}

/// A rate book without stages: deals of 100.00 are won or lost after some days, or still open.
struct Deal {
  std::string id;
  Date created;
  std::optional<Date> closed = {};
  bool won = false;
  std::string amount = "100";
  std::string currency = "EUR";
};

Crm book_of(const std::vector<Deal>& deals, NamedTables more = {}) {
  std::vector<std::string> ids, created, amounts, currencies, owners;
  std::vector<std::optional<std::string>> closed, won;
  for (const Deal& deal : deals) {
    ids.push_back(deal.id);
    created.push_back(deal.created.to_string());
    closed.push_back(deal.closed ? std::optional(deal.closed->to_string()) : std::nullopt);
    won.push_back(deal.closed ? std::optional<std::string>(deal.won ? "true" : "false") : std::nullopt);
    amounts.push_back(deal.amount);
    currencies.push_back(deal.currency);
    owners.push_back("R1");
  }
  NamedTables tables{{"opportunity", Table({{"opportunity_id", texts(ids)},
                                            {"created_at", texts(created)},
                                            {"closed_at", Column::of_strings(closed)},
                                            {"is_won", Column::of_strings(won)},
                                            {"is_closed", Column::of_strings(won)},
                                            {"amount", texts(amounts)},
                                            {"currency", texts(currencies)},
                                            {"owner_id", texts(owners)}})}};
  for (auto& table : more) tables.push_back(std::move(table));
  return Crm::build(std::move(tables));
}

/// `days` days of two deals a day: one won after 20 days, one lost after 40.
std::vector<Deal> steady(int days) {
  std::vector<Deal> deals;
  const Date start = Date::from_ymd(2025, 1, 1);
  const Date end = start + days;
  for (int i = 0; i < days; ++i) {
    for (const bool won : {true, false}) {
      const Date closes = start + i + (won ? 20 : 40);
      Deal deal{(won ? "w" : "l") + std::to_string(i), start + i, std::nullopt, won};
      if (closes < end) deal.closed = closes;
      deals.push_back(deal);
    }
  }
  return deals;
}

TEST(Pipeline, AddsUpInEveryDrawAndTable) {
  const auto forecast = pipeline::forecast(sample_book(), at(day(2025, 8, 15)));
  const Scenario& scenario = forecast.scenario;
  std::vector<std::int64_t> reps(scenario.draws()), teams(scenario.draws());
  for (const Holder& holder : scenario.holders()) {
    if (holder.type == "company") continue;
    const auto values = scenario.values(holder);
    const bool top =
        std::any_of(scenario.memberships().begin(), scenario.memberships().end(), [&](const auto& row) {
          return row.member == holder && row.parent == company && holder.type == "team";
        });
    for (std::size_t draw = 0; draw < values.size(); ++draw) {
      if (holder.type == "rep") reps[draw] += values[draw];
      if (top) teams[draw] += values[draw];
    }
  }
  EXPECT_EQ(reps, scenario.values(company));
  const Table& rows = forecast.holders;
  const auto number = [&](const char* name, std::size_t row) { return rows.column(name).number(row); };
  const std::size_t last = rows.num_rows() - 1;
  EXPECT_EQ(rows.column("holder_type").text(last), "company");
  EXPECT_NEAR(number("won_to_date", last) + number("open_expected", last) + number("new_expected", last),
              number("bookings_mean", last), 2);
  EXPECT_LT(number("bookings_lo_80", last), number("bookings_mean", last));
  EXPECT_GT(number("bookings_hi_80", last), number("bookings_mean", last));
  EXPECT_EQ(forecast.deals.num_rows(), static_cast<std::size_t>(forecast.open_deals));
  double expected = 0;
  for (std::size_t row = 0; row < forecast.deals.num_rows(); ++row) {
    const double p = forecast.deals.column("p_win").number(row);
    EXPECT_GE(p, 0);
    EXPECT_LE(p, 1);
    expected += forecast.deals.column("expected").number(row);
  }
  EXPECT_NEAR(expected / number("open_expected", last), 1, 0.1);
  EXPECT_NE(forecast.summary().find("80 % sure of"), std::string::npos);
}

TEST(Pipeline, IsTheSameForAnyThreadsAndKeepsDraws) {
  auto options = at(day(2025, 8, 15), 400);
  options.execution.threads = 1;
  const auto one = pipeline::forecast(sample_book(), options);
  options.execution.threads = 2;
  const auto two = pipeline::forecast(sample_book(), options);
  EXPECT_EQ(one.scenario.values(company), two.scenario.values(company));
  EXPECT_EQ(one.holders.to_text(100), two.holders.to_text(100));
  EXPECT_EQ(one.deals.to_text(1000), two.deals.to_text(1000));
  options.draws = 600;
  auto longer = pipeline::forecast(sample_book(), options).scenario.values(company);
  longer.resize(400);
  EXPECT_EQ(longer, one.scenario.values(company));
  options.seed = 2;
  EXPECT_NE(pipeline::forecast(sample_book(), options).scenario.values(company), longer);
}

TEST(Pipeline, NothingOfTheFutureLeaks) {
  sample::SampleOptions options;
  options.deals = 2000;
  options.reps = 10;
  options.end = Date::from_ymd(2025, 8, 15);
  const Crm then = Crm::build(sample::crm(options).tables);
  auto question = at(day(2025, 8, 15));
  const auto from_past = pipeline::forecast(then, question);
  const auto rewound = pipeline::forecast(sample_book(), question);
  EXPECT_EQ(from_past.scenario.values(company), rewound.scenario.values(company));
  EXPECT_EQ(from_past.deals.to_text(1000), rewound.deals.to_text(1000));
}

TEST(Pipeline, LearnsTheRatesOfASteadyBook) {
  const Crm crm = book_of(steady(365));
  pipeline::ForecastOptions options;
  options.measure = pipeline::Measure::wins;
  options.period = Interval{day(2026, 1, 1), day(2026, 4, 1)};
  const auto forecast = pipeline::forecast(crm, options);
  // Twenty deals are on their way to be won, and one more is created each day of the first seventy.
  EXPECT_NEAR(forecast.scenario.mean(company), 90, 9);
  const auto [low, high] = forecast.scenario.interval(company, 80);
  EXPECT_LE(low, 90);
  EXPECT_GE(high, 90);
  EXPECT_NEAR(forecast.fit.arrivals_per_week, 14, 0.5);
  EXPECT_EQ(forecast.fit.stages.num_rows(), 1U);
  EXPECT_EQ(forecast.scenario.currency(), "");
}

TEST(Quotas, PartsAddUpAndShorterPeriodsGoFirst) {
  const Crm crm =
      book_of({}, {{"quota", Table({{"holder_id", texts({"R1", "R1", "R1"})},
                                    {"period_start", texts({"2025-01-01", "2025-03-01", "2025-03-01"})},
                                    {"period_end", texts({"2026-01-01", "2025-04-01", "2025-04-01"})},
                                    {"amount", texts({"100", "31", "30"})},
                                    {"currency", texts({"EUR", "EUR", "EUR"})}})}});
  const auto quotas =
      pipeline::quotas_in_force(crm, {.currency = "EUR", .day = *Date::parse("2025-06-01")}).all;
  ASSERT_EQ(quotas.size(), 3U);
  EXPECT_EQ(quotas[0].holder, (Holder{"rep", "R1"}));
  EXPECT_EQ(quotas[1].amount, 3100);
  EXPECT_EQ(quotas[1].from, quotas[0].to);
  EXPECT_EQ(quotas[1].to, quotas[2].from);
  std::int64_t whole = 0;
  for (Date on = quotas[0].start; on < quotas[0].end; on = on + 1)
    for (const auto& quota : quotas) whole += quota.of_days(on, on + 1);
  // January to February and April to December of the year's: 334 of 365 days.
  EXPECT_EQ(whole,
            quotas[0].of_days(first_date, last_date) + 3100 + quotas[2].of_days(first_date, last_date));
  EXPECT_NEAR(static_cast<double>(whole), 3100 + 10000 * 334.0 / 365, 1);
  EXPECT_TRUE(pipeline::quotas_in_force(crm, {.measure = pipeline::Measure::wins}).all.empty());
  EXPECT_EQ(pipeline::quotas_in_force(crm, {.currency = "USD"}).excluded.at("other_currency"), 3);
}

/// Of each day one deal of 100.00 that is won after 20 days, and one of 10,000.00 that is won or lost after
/// 120.
std::vector<Deal> small_and_large(int days, bool large_won) {
  std::vector<Deal> deals;
  const Date start = Date::from_ymd(2024, 1, 1);
  for (int i = 0; i < days; ++i) {
    for (const bool large : {false, true}) {
      const Date closes = start + i + (large ? 120 : 20);
      Deal deal{(large ? "l" : "s") + std::to_string(i), start + i, std::nullopt, !large || large_won};
      deal.amount = large ? "10000" : "100";
      if (closes < start + days) deal.closed = closes;
      deals.push_back(deal);
    }
  }
  return deals;
}

TEST(Pipeline, NewDealsBookWhatCanBeWonInTime) {
  pipeline::ForecastOptions options;
  options.draws = 500;
  options.period = Interval{day(2025, 7, 1), day(2025, 10, 1)};
  const auto forecast = pipeline::forecast(book_of(small_and_large(547, true)), options);
  const Table& holders = forecast.holders;
  // One deal a day of the first 72; no large deal can be created and won within the quarter.
  EXPECT_NEAR(holders.column("new_expected").number(holders.num_rows() - 1), 720'000, 100'000);
}

/// A deal a day in each of two pipelines, new ones in the second only from `born` on: of the first all are
/// lost after 40 days, of the second all are won after 10.
TEST(Pipeline, CountsDealsToComeByTheirPipeline) {
  constexpr int days = 500, born = 440;
  const Date start = Date::from_ymd(2024, 1, 1), end = start + days;
  std::vector<Deal> deals;
  std::vector<std::string> ids, pipelines;
  for (int i = 0; i < days; ++i) {
    for (const bool second : {false, true}) {
      // A few of the first pipeline are won, so the book isn't without.
      if (second && i < born) continue;
      Deal deal{(second ? "b" : "a") + std::to_string(i), start + i, std::nullopt, second || i % 50 == 0};
      const Date closes = start + i + (second ? 10 : 40);
      if (closes < end) deal.closed = closes;
      deals.push_back(deal);
      pipelines.emplace_back(second ? "renewals" : "sales");
    }
  }
  const Crm plain = book_of(deals);
  NamedTables tables{{"opportunity", plain.table("opportunity").with("pipeline_id", texts(pipelines))}};
  pipeline::ForecastOptions options;
  options.measure = pipeline::Measure::wins;
  options.period = Interval{at_midnight_utc(end), at_midnight_utc(end + 91)};
  const auto expected = [&](const Crm& crm) {
    const Table holders = pipeline::forecast(crm, options).holders;
    return holders.column("new_expected").number(holders.num_rows() - 1);
  };
  const double told_apart = expected(Crm::build(std::move(tables))), together = expected(plain);
  // About half the deals to come are of the second pipeline; of last year's a seventh were.
  EXPECT_GT(told_apart, 1.25 * together);
}

TEST(Pipeline, WhoStayedLongIsNotExpectedToMoveLikeTheFresh) {
  // Ten deals a day for ten days: half are won after 3 days, one is lost, four stay open to day 97 and
  // beyond.
  const Date start = Date::from_ymd(2025, 1, 1);
  std::vector<Deal> deals;
  for (int i = 0; i < 100; ++i) {
    Deal deal{"d" + std::to_string(i), start + i / 10, std::nullopt, i % 10 < 5};
    if (i % 10 < 6) deal.closed = deal.created + 3;
    deals.push_back(deal);
  }
  auto options = at(at_midnight_utc(start + 97), 200);
  options.measure = pipeline::Measure::wins;
  options.period = Interval{*options.as_of, Instant{options.as_of->us + 91 * us_per_day}};
  options.adjust = false;
  // One more, so that the book reaches to the day of the forecast.
  deals.push_back({"last", start + 96, std::nullopt, false});
  const Table holders = pipeline::forecast(book_of(deals), options).holders;
  EXPECT_LT(holders.column("open_expected").number(holders.num_rows() - 1), 5);
}

TEST(Pipeline, LargeDealsAreNotExpectedToBeWonLikeSmallOnes) {
  const Table one_change({{"opportunity_id", texts({"s0"})},
                          {"at", texts({"2024-01-02"})},
                          {"field", texts({"amount"})},
                          {"old", texts({"90"})},
                          {"new", texts({"100"})}});
  const Crm crm = book_of(small_and_large(638, false), {{"opportunity_event", one_change}});
  auto options = at(day(2025, 8, 15));
  const auto forecast = pipeline::forecast(crm, options);
  std::array<double, 2> expected{}, deals{};
  for (std::size_t row = 0; row < forecast.deals.num_rows(); ++row) {
    if (forecast.deals.column("days_in_stage").number(row) > 20) continue;
    const bool large = forecast.deals.column("amount").number(row) > 500'000;
    expected[large ? 1 : 0] += forecast.deals.column("p_win").number(row);
    deals[large ? 1 : 0] += 1;
  }
  ASSERT_GE(deals[1], 15);
  EXPECT_GT(expected[0] / deals[0], 0.8);
  EXPECT_LT(expected[1] / deals[1], 0.3);
}

TEST(Pipeline, CountsQuotasByDaysOfOverlap) {
  const auto quota = [](std::vector<std::string> starts, std::vector<std::string> ends) {
    const std::size_t n = starts.size();
    return NamedTables{{"rep", Table({{"rep_id", texts({"R1"})}, {"team_id", texts({"T1"})}})},
                       {"team", Table({{"team_id", texts({"T1"})}})},
                       {"quota", Table({{"holder_type", texts(std::vector<std::string>(n, "rep"))},
                                        {"holder_id", texts(std::vector<std::string>(n, "R1"))},
                                        {"measure", texts(std::vector<std::string>(n, "bookings"))},
                                        {"period_start", texts(std::move(starts))},
                                        {"period_end", texts(std::move(ends))},
                                        {"amount", texts(std::vector<std::string>(n, "9200"))},
                                        {"currency", texts(std::vector<std::string>(n, "EUR"))}})}};
  };
  pipeline::ForecastOptions options;
  options.draws = 200;
  options.period = Interval{day(2025, 10, 1), day(2026, 1, 1)};
  const auto quota_of = [&](const NamedTables& tables) {
    const auto forecast = pipeline::forecast(book_of(steady(330), tables), options);
    EXPECT_EQ(forecast.holders.column("quota").number(0), forecast.holders.column("quota").number(2));
    EXPECT_EQ(forecast.holders.column("holder_id").text(1), "T1");
    return forecast.holders.column("quota").number(0);
  };
  EXPECT_EQ(quota_of(quota({"2025-10-01"}, {"2026-01-01"})), 920'000);
  EXPECT_EQ(quota_of(quota({"2025-10-01"}, {"2025-11-01"})), 920'000);
  EXPECT_EQ(quota_of(quota({"2025-07-01"}, {"2026-01-01"})), 460'000);
  EXPECT_EQ(quota_of(quota({"2025-10-01", "2025-11-01"}, {"2025-11-01", "2025-12-01"})), 1'840'000);
  const auto none = pipeline::forecast(book_of(steady(330)), options);
  EXPECT_TRUE(none.holders.column("quota").is_null(0));
  EXPECT_TRUE(none.holders.column("p_attain").is_null(0));
}

TEST(Pipeline, SaysWhatItCannotAnswer) {
  const Date start = Date::from_ymd(2025, 1, 1);
  const auto refuse = [](const Crm& crm, pipeline::ForecastOptions options = {}) {
    options.draws = 100;
    try {
      (void)pipeline::forecast(crm, options);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refuse(Crm::build({})).find("opportunity"), std::string::npos);
  EXPECT_NE(refuse(book_of({{"a", start}})).find("won"), std::string::npos);
  EXPECT_EQ(refuse(book_of({{"a", start, start + 9, true}})), "");
  pipeline::ForecastOptions options;
  options.as_of = day(2024, 1, 1);
  EXPECT_NE(refuse(book_of(steady(90)), options).find("created_at"), std::string::npos);
  options.as_of = day(2030, 1, 1);
  EXPECT_NE(refuse(book_of(steady(90)), options).find("latest"), std::string::npos);
  options = {};
  options.levels = {0.8};
  EXPECT_NE(refuse(book_of(steady(90)), options).find("percent"), std::string::npos);
  options = {};
  options.period = Interval{day(2025, 3, 1), day(2025, 2, 1)};
  EXPECT_NE(refuse(book_of(steady(90)), options).find("period"), std::string::npos);
  auto mixed = steady(90);
  mixed[3].currency = "USD";
  EXPECT_THROW((void)pipeline::forecast(book_of(mixed)), UnitError);
  options = {};
  options.currency = "EUR";
  EXPECT_EQ(refuse(book_of(mixed), options), "");
}

TEST(Pipeline, NotesWhatToKnow) {
  auto deals = steady(120);
  deals.back().amount = "-100";
  deals[deals.size() - 2].amount = "";
  const auto forecast = pipeline::forecast(book_of(deals), at(day(2025, 4, 20), 100));
  const auto said = [&](const char* text) {
    return std::any_of(forecast.notes.begin(), forecast.notes.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
  };
  EXPECT_TRUE(said("No stage history"));
  EXPECT_TRUE(said("No quota"));
  EXPECT_TRUE(said("same months of an earlier year"));
  const auto now = pipeline::forecast(book_of(deals), at(book_of(deals).latest(), 100));
  EXPECT_EQ(now.fit.landmarks < 3, said("earlier period"));
}

TEST(Pipeline, APastPeriodIsWhatWasWon) {
  auto options = at(day(2025, 11, 1));
  options.period = Interval{day(2025, 7, 1), day(2025, 10, 1)};
  const auto forecast = pipeline::forecast(sample_book(), options);
  const auto values = forecast.scenario.values(company);
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), *std::max_element(values.begin(), values.end()));
  std::int64_t won = 0;
  const Deals& deals = sample_book().deals();
  for (std::size_t i = 0; i < deals.size(); ++i)
    if (deals.status[i] == DealStatus::won && options.period->contains(Instant{deals.closed_at[i]}))
      won += deals.amount[i];
  EXPECT_NEAR(static_cast<double>(values.front()) / static_cast<double>(won), 1, 0.02);
}

TEST(Pipeline, CoversWhatItPromisesOnTheSample) {
  pipeline::BacktestOptions options;
  options.forecast.draws = 300;
  options.periods = 6;
  std::int64_t cells = 0, covered = 0;
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    sample::SampleOptions world;
    world.seed = seed;
    world.deals = 1500;
    world.reps = 8;
    const auto backtest = pipeline::backtest(Crm::build(sample::crm(world).tables), options);
    for (const auto& coverage : backtest.coverage) {
      EXPECT_EQ(coverage.cells < 20, coverage.verdict == "too few to judge");
      EXPECT_EQ(coverage.cells >= 20 && coverage.share->low <= 0.8 && coverage.share->high >= 0.8,
                coverage.verdict == "can't be told from 80 %");
      if (coverage.holder_type != "rep") continue;
      cells += coverage.cells;
      covered += coverage.covered;
    }
    EXPECT_LT(*backtest.brier, *backtest.naive_brier);
  }
  EXPECT_GE(cells, 100);
  const double share = static_cast<double>(covered) / static_cast<double>(cells);
  EXPECT_GE(share, 0.68) << covered << " of " << cells;
  EXPECT_LE(share, 0.94) << covered << " of " << cells;
}

/// 3,024 real deals of a chip maker, half of them won (docs/guide/pipeline.md).
std::optional<Crm> chip_book() {
  const auto folder = test_data();
  if (folder.empty()) return std::nullopt;
  const auto chip = folder / "crm" / "chip_pipeline_A";
  const auto read = [&](const char* name) {
    return csv::read((chip / name).string(), {.infer = false}).table;
  };
  const Table deals = read("opportunities.csv");
  const Table history = read("opportunity_history.csv");
  return Crm::build(
      {{"opportunity", Table({{"opportunity_id", deals.column("opportunity_id")},
                              {"created_at", deals.column("created_date")},
                              {"owner_id", deals.column("geography")}})},
       {"opportunity_version", Table({{"opportunity_id", history.column("opportunity_id")},
                                      {"valid_from", history.column("valid_from")},
                                      {"stage_id", history.column("stage")},
                                      {"close_date", history.column("decision_date")}})},
       {"stage_def",
        Table({{"stage_id", texts({"6", "5", "3", "2", "7", "4", "9", "1", "8"})},
               {"type", texts({"open", "open", "open", "open", "open", "won", "won", "lost", "lost"})}})}});
}

TEST(Pipeline, BeatsTheWeightedPipelineOnRealDeals) {
  const auto crm = chip_book();
  if (!crm) GTEST_SKIP() << "SALESOPS_DATA names no folder";
  double squares = 0, expected = 0;
  std::int64_t deals = 0, won_deals = 0, cells = 0, covered = 0;
  for (const Instant as_of : {day(2015, 10, 1), day(2016, 1, 1), day(2016, 4, 1), day(2016, 7, 1)}) {
    auto options = at(as_of, 1000);
    options.period = Interval{as_of, Instant{as_of.us + 91 * us_per_day}};
    options.measure = pipeline::Measure::wins;
    const auto forecast = pipeline::forecast(*crm, options);
    const Column& ids = forecast.deals.column("opportunity_id");
    double sum = 0;
    std::int64_t n = 0, won_now = 0;
    for (std::size_t row = 0; row < forecast.deals.num_rows(); ++row) {
      if (forecast.deals.column("stage_id").text(row) == "7") continue;
      const auto book_row = static_cast<std::size_t>(crm->row_of("opportunity", ids.text(row)));
      bool won = false;
      for (const Change& change : crm->history().changes(book_row)) {
        if (change.field != Field::stage || !options.period->contains(Instant{change.at})) continue;
        const auto stage =
            crm->column("opportunity", "stage_id").dictionary()[static_cast<std::size_t>(change.value)];
        won |= stage == "4" || stage == "9";
      }
      const double p = forecast.deals.column("p_win").number(row);
      squares += (p - won) * (p - won);
      sum += p;
      won_now += won;
      ++n;
    }
    const auto [low, high] = forecast.scenario.interval(company, 80);
    std::int64_t actual = 0;
    for (std::size_t i = 0; i < crm->deals().size(); ++i)
      actual += crm->deals().status[i] == DealStatus::won &&
                options.period->contains(Instant{crm->deals().closed_at[i]});
    ++cells;
    covered += low <= actual && actual <= high;
    std::printf(
        "%s: %ld open, %.1f expected, %ld won; all bookings %.0f (%ld to %ld), %ld won; shock sd %.2f, %d "
        "landmarks\n",
        as_of.utc_date().to_string().c_str(), static_cast<long>(n), sum, static_cast<long>(won_now),
        forecast.scenario.mean(company), static_cast<long>(low), static_cast<long>(high),
        static_cast<long>(actual), forecast.fit.shock_sd, forecast.fit.landmarks);
    deals += n;
    expected += sum;
    won_deals += won_now;
  }
  const double brier = squares / static_cast<double>(deals);
  const double bias = expected / static_cast<double>(won_deals) - 1;
  std::printf("%ld open-deal rows, Brier %.4f, bias %+.3f, covered %ld of %ld\n", static_cast<long>(deals),
              brier, bias, static_cast<long>(covered), static_cast<long>(cells));
  EXPECT_NEAR(static_cast<double>(deals), 2006, 100);
  EXPECT_LE(brier, 0.2062);
  EXPECT_LE(std::abs(bias), 0.15);
}

}  // namespace
