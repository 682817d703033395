#include <gtest/gtest.h>

#include "salesops/kpi.hpp"

using namespace salesops;

namespace {

using Texts = std::vector<std::optional<std::string>>;

Column column(const Texts& values) { return Column::of_strings(values); }

/// d0 is lost in January at 100, reopened, and won in February at 80; d1 is won in January; d2 is lost in
/// January and reopened, and still open.
Crm book() {
  const Table opportunity({{"opportunity_id", column({"d0", "d1", "d2"})},
                           {"created_at", column({"2026-01-01", "2026-01-01", "2026-01-01"})},
                           {"stage_id", column({"won", "won", "open"})},
                           {"amount", column({"80", "40", "60"})},
                           {"currency", column({"USD", "USD", "USD"})}});
  const Table stage_def({{"stage_id", column({"open", "won", "lost"})},
                         {"rank", column({"1", "2", "3"})},
                         {"type", column({"open", "won", "lost"})}});
  const Table events({{"opportunity_id", column({"d0", "d0", "d0", "d0", "d1", "d2", "d2"})},
                      {"at", column({"2026-01-11", "2026-01-21", "2026-01-25", "2026-02-10", "2026-01-16",
                                     "2026-01-31", "2026-02-02"})},
                      {"field", column({"stage", "stage", "amount", "stage", "stage", "stage", "stage"})},
                      {"old", column({"open", "lost", "100", "open", "open", "open", "lost"})},
                      {"new", column({"lost", "open", "80", "won", "won", "lost", "open"})}});
  return Crm::build({{"opportunity", opportunity}, {"stage_def", stage_def}, {"opportunity_event", events}});
}

kpi::Options in(const std::string& period, kpi::Reopened reopened) {
  kpi::Options options;
  options.period = period;
  options.reopened = reopened;
  return options;
}

TEST(Reopened, DealsAreKnown) {
  const Crm crm = book();
  EXPECT_EQ(crm.deals().reopened[0], 1);
  EXPECT_EQ(crm.deals().reopened[1], 0);
  EXPECT_EQ(crm.deals().reopened[2], 1);
  // Before it came back, nobody could know.
  EXPECT_EQ(crm.as_of(*Instant::parse("2026-01-20")).deals().reopened[0], 0);
}

TEST(Reopened, WinRateByPolicy) {
  const Crm crm = book();
  const auto rate = [&](const std::string& period, kpi::Reopened reopened) {
    const kpi::Metric metric = kpi::win_rate(crm, in(period, reopened)).single();
    return std::pair(metric.numerator, metric.denominator);
  };
  using Pair = std::pair<double, double>;
  EXPECT_EQ(rate("2026-01", kpi::Reopened::last_close), Pair(1, 1));
  EXPECT_EQ(rate("2026-02", kpi::Reopened::last_close), Pair(1, 1));
  EXPECT_EQ(rate("2026-01", kpi::Reopened::first_close), Pair(1, 3));
  EXPECT_EQ(rate("2026-02", kpi::Reopened::first_close), Pair(0, 0));
  EXPECT_EQ(rate("2026-01", kpi::Reopened::each_close), Pair(1, 3));
  EXPECT_EQ(rate("2026-02", kpi::Reopened::each_close), Pair(1, 1));
}

TEST(Reopened, AmountsAreThoseOfTheTime) {
  kpi::Options options = in("2026-01", kpi::Reopened::first_close);
  options.weight = kpi::Weight::value;
  const auto result = kpi::win_rate(book(), options);
  EXPECT_DOUBLE_EQ(result.single().numerator, 40);
  EXPECT_DOUBLE_EQ(result.single().denominator, 100 + 40 + 60);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_EQ(result.warnings.front(),
            "2 deals were reopened after a close; such deals are counted at their first close");
}

TEST(Reopened, OpenDealsAreCensoredOnce) {
  kpi::Options options;
  EXPECT_EQ(kpi::win_rate(book(), options).single().censored, 1);
  options.reopened = kpi::Reopened::first_close;
  EXPECT_EQ(kpi::win_rate(book(), options).single().censored, 0);
  options.reopened = kpi::Reopened::each_close;
  EXPECT_EQ(kpi::win_rate(book(), options).single().censored, 1);
  EXPECT_EQ(kpi::win_rate(book(), options).single().n, 4);
}

TEST(Reopened, SalesCycleAndAverageDeal) {
  const Crm crm = book();
  EXPECT_DOUBLE_EQ(*kpi::sales_cycle(crm, in("2026-02", kpi::Reopened::last_close)).single().value, 40);
  EXPECT_FALSE(kpi::sales_cycle(crm, in("2026-02", kpi::Reopened::first_close)).single().value);
  EXPECT_DOUBLE_EQ(*kpi::average_deal(crm, in("2026-02", kpi::Reopened::each_close)).single().value, 80);
}

TEST(StageVisits, AreCountedAsAsked) {
  // d0 was open for 10 days, then for 20; d1 for 15; d2 for 30, and is open again.
  kpi::Options options;
  options.visits = kpi::Visits::cumulative;
  const auto total = kpi::time_in_stage(book(), options).single();
  EXPECT_DOUBLE_EQ(*total.value, (30 + 15) / 2.0);
  EXPECT_EQ(total.censored, 1);
  options.visits = kpi::Visits::latest;
  EXPECT_DOUBLE_EQ(*kpi::time_in_stage(book(), options).single().value, (20 + 15) / 2.0);
  options.visits = kpi::Visits::current;
  const auto current = kpi::time_in_stage(book(), options).single();
  EXPECT_DOUBLE_EQ(*current.value, 8);
  EXPECT_EQ(current.n, 1);
  EXPECT_THROW(kpi::stage_conversion(book(), options), UsageError);
}

TEST(StageVisits, AsATable) {
  const kpi::StageVisits made = kpi::stage_visits(book());
  EXPECT_TRUE(made.tracked);
  EXPECT_EQ(made.silent, 0);
  const auto texts = [&](const char* name) {
    std::vector<std::string> found;
    const Column& column = made.visits.column(name);
    for (std::size_t row = 0; row < column.size(); ++row)
      found.emplace_back(column.valid(row) ? column.text(row) : "–");
    return found;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(texts("stage_id"), (Words{"open", "open", "open", "open", "open"}));
  EXPECT_EQ(texts("outcome"), (Words{"lost", "won", "won", "lost", "open"}));
  EXPECT_EQ(texts("next_stage_id"), (Words{"lost", "won", "won", "lost", "–"}));
  EXPECT_EQ(texts("currency"), (Words(5, "USD")));
  const auto numbers = [&](const char* name) {
    const auto values = made.visits.column(name).values<std::int64_t>();
    return std::vector<std::int64_t>(values.begin(), values.end());
  };
  EXPECT_EQ(numbers("deal"), (std::vector<std::int64_t>{0, 0, 1, 2, 2}));
  EXPECT_EQ(numbers("number"), (std::vector<std::int64_t>{1, 2, 1, 1, 2}));
  EXPECT_EQ(numbers("amount"), (std::vector<std::int64_t>{10000, 10000, 4000, 6000, 6000}));
  EXPECT_FALSE(made.visits.has("pushes"));
  EXPECT_TRUE(made.visits.column("left").is_null(4));
}

TEST(StageVisits, WithoutHistoryAreThoseOfToday) {
  const Crm crm = Crm::build({{"opportunity", Table({{"opportunity_id", column({"a", "b"})},
                                                     {"created_at", column({"2026-01-01", "2026-01-01"})},
                                                     {"closed_at", column({std::nullopt, "2026-02-01"})},
                                                     {"stage_id", column({"talk", "won"})}})}});
  const kpi::StageVisits made = kpi::stage_visits(crm);
  EXPECT_FALSE(made.tracked);
  EXPECT_EQ(made.silent, 1);
  ASSERT_EQ(made.visits.num_rows(), 1U);
  EXPECT_EQ(made.visits.column("outcome").text(0), "open");
  EXPECT_TRUE(made.visits.column("rank").is_null(0));
  EXPECT_THROW((void)kpi::stage_visits(Crm::build({})), UsageError);
}

TEST(Start, OfARankNeedsAnOpenStageOfIt) {
  kpi::Options options;
  options.start = kpi::Start::stage;
  options.from_rank = 1;
  EXPECT_EQ(kpi::sales_cycle(book(), options).single().n, 2);
  // Nothing but the win has rank 2: all deals would take no time from there.
  options.from_rank = 2;
  EXPECT_THROW(kpi::sales_cycle(book(), options), UsageError);
  options.from_rank.reset();
  EXPECT_THROW(kpi::sales_cycle(book(), options), UsageError);
}

TEST(Reopened, NeedsAHistory) {
  const Crm crm = Crm::build({{"opportunity", Table({{"opportunity_id", column({"d0"})},
                                                     {"closed_at", column({"2026-01-01"})},
                                                     {"is_won", column({"true"})}})}});
  EXPECT_NO_THROW((void)kpi::win_rate(crm, in("2026-01", kpi::Reopened::last_close)));
  EXPECT_THROW((void)kpi::win_rate(crm, in("2026-01", kpi::Reopened::first_close)), UsageError);
  EXPECT_THROW((void)kpi::parse_reopened("second_close"), UsageError);
}

}  // namespace
