// Long calls tell how far they are, and stop when asked, leaving what they were given as it was.
#include <gtest/gtest.h>

#include "salesops/crm.hpp"
#include "salesops/ingest.hpp"
#include "salesops/pipeline.hpp"
#include "salesops/sample.hpp"

using namespace salesops;

namespace {

const sample::Sample& drawn() {
  static const sample::Sample one = sample::crm({.seed = 7, .deals = 3000});
  return one;
}

const Crm& book() {
  static const Crm one = Crm::build(drawn().tables);
  return one;
}

/// Calls with an execution that remembers its progress, and one that stops at the first word of it.
template <class Call>
void expect_progress_and_stop(const Call& call) {
  std::vector<double> shares;
  call(Execution{.threads = 2, .stop = {}, .progress = [&](double share) { shares.push_back(share); }});
  ASSERT_FALSE(shares.empty());
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end())) << "progress rises";
  EXPECT_GT(shares.front(), 0);
  EXPECT_DOUBLE_EQ(shares.back(), 1);

  std::stop_source source;
  int told = 0;
  const Execution stopping{.threads = 2, .stop = source.get_token(), .progress = [&](double) {
                             ++told;
                             source.request_stop();
                           }};
  EXPECT_THROW(call(stopping), Cancelled);
  EXPECT_GE(told, 1);

  std::stop_source early;
  early.request_stop();
  EXPECT_THROW(call(Execution{.threads = 2, .stop = early.get_token(), .progress = {}}), Cancelled);
}

TEST(Stop, BuildingABook) {
  expect_progress_and_stop([](const Execution& execution) {
    CrmOptions options;
    options.execution = execution;
    (void)Crm::build(drawn().tables, options);
  });
}

TEST(Stop, RewindingABook) {
  expect_progress_and_stop([](const Execution& execution) {
    (void)book().as_of(*Instant::parse("2024-06-01"),
                       {.strict = false, .allow_current = {}, .execution = execution});
  });
  EXPECT_EQ(book().deals().size(), 3000U);
}

TEST(Stop, ApplyingChanges) {
  const Crm before = book();
  const NamedTables changes{{"opportunity", drawn().table("opportunity").slice(0, 2000)}};
  expect_progress_and_stop([&](const Execution& execution) { (void)before.apply(changes, execution); });
  EXPECT_EQ(before.counts().to_text(), book().counts().to_text());
  EXPECT_EQ(before.latest(), book().latest());
}

TEST(Stop, ReadingAnExport) {
  NamedTables raw{
      {"Opportunity",
       drawn().table("opportunity").with("Id", drawn().table("opportunity").column("opportunity_id"))}};
  expect_progress_and_stop([&](const Execution& execution) {
    ingest::Options options;
    options.execution = execution;
    (void)ingest::apply(ingest::preset("salesforce"), raw, options);
  });
}

TEST(Stop, DrawingASample) {
  expect_progress_and_stop([](const Execution& execution) {
    (void)sample::crm({.seed = 7, .deals = 3000, .execution = execution});
  });
}

TEST(Stop, Forecasting) {
  expect_progress_and_stop([](const Execution& execution) {
    pipeline::ForecastOptions options;
    options.as_of = Instant::parse("2025-06-01");
    options.draws = 300;
    options.execution = execution;
    (void)pipeline::forecast(book(), options);
  });
}

TEST(Stop, Backtesting) {
  expect_progress_and_stop([](const Execution& execution) {
    pipeline::BacktestOptions options;
    options.periods = 2;
    options.forecast.draws = 200;
    options.forecast.execution = execution;
    (void)pipeline::backtest(book(), options);
  });
}

TEST(Stop, FollowingThePipeline) {
  expect_progress_and_stop([](const Execution& execution) {
    pipeline::WaterfallOptions options;
    options.execution = execution;
    (void)pipeline::waterfall(book(), *Instant::parse("2025-01-01"), *Instant::parse("2025-04-01"), options);
  });
}

}  // namespace
