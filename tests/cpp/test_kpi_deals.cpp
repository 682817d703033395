#include <gtest/gtest.h>

#include <cmath>

#include "salesops/kpi.hpp"
#include "salesops/sample.hpp"

using namespace salesops;

namespace {

using Texts = std::vector<std::optional<std::string>>;

/// Deals one by one; columns that no deal fills are still there.
struct Deal {
  std::optional<std::string> created, closed, won, amount, close_date;
  std::string stage = "open";
  std::string owner = "r1";
};

Table deal_table(const std::vector<Deal>& deals) {
  Texts id, created, closed, won, amount, close_date, stage, owner, account;
  for (std::size_t i = 0; i < deals.size(); ++i) {
    const Deal& deal = deals[i];
    id.push_back("d" + std::to_string(i));
    created.push_back(deal.created);
    closed.push_back(deal.closed);
    won.push_back(deal.won);
    amount.push_back(deal.amount);
    close_date.push_back(deal.close_date);
    owner.push_back(deal.owner);
    account.push_back("a" + std::to_string(i));
  }
  const auto column = [](const Texts& values) { return Column::of_strings(values); };
  return Table({{"opportunity_id", column(id)},
                {"created_at", column(created)},
                {"closed_at", column(closed)},
                {"is_won", column(won)},
                {"amount", column(amount)},
                {"close_date", column(close_date)},
                {"owner_id", column(owner)},
                {"account_id", column(account)},
                {"currency", column(Texts(deals.size(), "USD"))}});
}

Crm book(const std::vector<Deal>& deals, NamedTables more = {}) {
  more.emplace_back("opportunity", deal_table(deals));
  return Crm::build(std::move(more));
}

Table quotas(const std::string& amount, const std::string& start, const std::string& end) {
  const auto column = [](const Texts& values) { return Column::of_strings(values); };
  return Table({{"holder_type", column({"rep"})},
                {"holder_id", column({"r1"})},
                {"amount", column({amount})},
                {"currency", column({"USD"})},
                {"period_start", column({start})},
                {"period_end", column({end})}});
}

/// Bookings of a quarter by month, and a quota of meetings that is no money.
Table mixed_quotas() {
  const auto column = [](const Texts& values) { return Column::of_strings(values); };
  return Table({{"holder_type", column({"rep", "rep", "rep", "rep"})},
                {"holder_id", column({"r1", "r1", "r1", "r1"})},
                {"measure", column({"bookings", "bookings", "bookings", "meetings"})},
                {"amount", column({"100", "100", "100", "40"})},
                {"currency", column({"USD", "USD", "USD", "USD"})},
                {"period_start", column({"2026-01-01", "2026-02-01", "2026-03-01", "2026-01-01"})},
                {"period_end", column({"2026-02-01", "2026-03-01", "2026-04-01", "2026-04-01"})}});
}

Table reps() { return Table({{"rep_id", Column::of_strings(Texts{"r1", "r2"})}}); }

kpi::Options in(const std::string& period) {
  kpi::Options options;
  options.period = period;
  return options;
}

TEST(Attainment, CountsQuotasOfBookingsAlone) {
  const Crm crm =
      book({{"2026-01-01", "2026-01-20", "true", "150", {}}}, {{"quota", mixed_quotas()}, {"rep", reps()}});
  const auto quarter = kpi::attainment(crm, in("2026-Q1")).single();
  EXPECT_DOUBLE_EQ(quarter.denominator, 300);
  EXPECT_DOUBLE_EQ(*quarter.value, 0.5);
}

TEST(Velocity, IsTheProductOfFourOverTheCycle) {
  std::vector<Deal> deals(50, Deal{"2026-01-02", {}, {}, "1", {}});
  deals.push_back({"2026-01-01", "2026-03-02", "true", "25000", {}});
  for (int i = 0; i < 3; ++i) deals.push_back({"2026-01-01", "2026-03-02", "false", "9", {}});
  const auto result = kpi::velocity(book(deals));
  const auto& metric = result.single();
  EXPECT_NEAR(*metric.value, 5208.33, 0.005);
  EXPECT_EQ(result.unit, "USD / day");
  EXPECT_DOUBLE_EQ(metric.details.at("open"), 50);
  EXPECT_DOUBLE_EQ(metric.details.at("average_deal"), 25000);
  EXPECT_DOUBLE_EQ(metric.details.at("win_rate"), .25);
  EXPECT_DOUBLE_EQ(metric.details.at("sales_cycle"), 60);
}

TEST(PipelineCoverage, DividesWhatIsOpenByWhatIsLeft) {
  const std::vector<Deal> deals = {{"2026-04-01", {}, {}, "4800000", "2026-06-15"},
                                   {"2026-04-01", {}, {}, "70", "2026-04-02"},
                                   {"2026-01-01", "2026-02-01", "true", "200", {}},
                                   {"2026-01-01", "2026-02-01", "false", "700", {}},
                                   {"2026-04-05", {}, {}, "1", "2026-08-15"}};
  const Crm crm = book(deals, {{"quota", quotas("1600000", "2026-04-01", "2026-07-01")}, {"rep", reps()}});
  const auto metric = kpi::pipeline_coverage(crm).single();
  EXPECT_DOUBLE_EQ(*metric.value, 3);
  EXPECT_DOUBLE_EQ(metric.details.at("required"), 4.5);
  EXPECT_DOUBLE_EQ(metric.details.at("past_due"), 70);
  EXPECT_FALSE(metric.low);
  EXPECT_EQ(metric.interval_note, "none: a snapshot is no sample");
  // The first quarter has no quota; the second quarter's is attained after a win.
  EXPECT_EQ(kpi::pipeline_coverage(crm, in("2026-Q1")).single().state, "no quota");
  auto more = deals;
  more.push_back({"2026-04-01", "2026-04-03", "true", "1600000", {}});
  const auto attained =
      kpi::pipeline_coverage(
          book(more, {{"quota", quotas("1600000", "2026-04-01", "2026-07-01")}, {"rep", reps()}}))
          .single();
  EXPECT_FALSE(attained.value);
  EXPECT_EQ(attained.state, "attained");
}

TEST(PipelineCoverage, HasNoValueOncePeriodsAreOver) {
  const std::vector<Deal> deals = {{"2026-01-01", {}, {}, "48", "2026-03-15"},
                                   {"2026-01-01", {}, {}, "48", "2026-06-15"},
                                   {"2026-04-05", {}, {}, "1", "2026-08-15"}};
  const Crm crm = book(deals, {{"quota", quotas("16", "2026-01-01", "2026-07-01")}, {"rep", reps()}});
  const auto over = kpi::pipeline_coverage(crm, in("2026-Q1"));
  EXPECT_FALSE(over.single().value);
  EXPECT_EQ(over.single().state, "period is over");
  EXPECT_NE(over.warnings.front().find("no deal can close in it any more"), std::string::npos);
  const auto both = kpi::pipeline_coverage(crm, in("last 2 quarters"));
  ASSERT_EQ(both.metrics.size(), 2U);
  EXPECT_EQ(both.metrics[1].state, "period is over");
  const auto now = kpi::pipeline_coverage(crm, in("2026-Q2"));
  EXPECT_TRUE(now.single().value);
  EXPECT_TRUE(now.single().state.empty());
}

TEST(WinRate, DependsOnTheMode) {
  std::vector<Deal> deals(90, Deal{"2026-01-01", {}, {}, "1", {}});
  for (int i = 0; i < 10; ++i)
    deals.push_back({"2026-01-01", "2026-02-01", i < 3 ? "true" : "false", "1", {}});
  const Crm crm = book(deals);
  kpi::Options options;
  EXPECT_DOUBLE_EQ(*kpi::win_rate(crm, options).single().value, .3);
  options.mode = kpi::Mode::created_cohort;
  EXPECT_DOUBLE_EQ(*kpi::win_rate(crm, options).single().value, .03);
  // All were seen for 31 days, so the incidence is the share that was won.
  options.mode = kpi::Mode::survival;
  options.window_days = 31;
  const auto metric = kpi::win_rate(crm, options).single();
  EXPECT_NEAR(*metric.value, .03, 1e-12);
  EXPECT_EQ(metric.censored, 90);
  options.mode = kpi::Mode::snapshot;
  EXPECT_THROW(kpi::win_rate(crm, options), UsageError);
}

TEST(SalesCycle, GivesMedianMeanAndTheCensoredView) {
  const Crm crm = book({{"2026-01-01", "2026-02-15", "true", "1", {}},
                        {"2026-01-01", "2026-02-24", "true", "1", {}},
                        {"2026-01-01", "2026-02-09", "true", "1", {}},
                        {"2026-01-05", "2026-01-03", "true", "1", {}},
                        {"2026-01-01", {}, {}, "1", {}}});
  const auto result = kpi::sales_cycle(crm);
  const auto& metric = result.single();
  EXPECT_DOUBLE_EQ(*metric.value, 45);
  EXPECT_DOUBLE_EQ(metric.details.at("mean"), 46);
  EXPECT_EQ(metric.excluded.at("negative_duration"), 1);
  EXPECT_EQ(metric.n, 3);
  // Four at risk: .25 by day 39, .5 by 45, .75 by 54; half of .75 is reached on day 45.
  EXPECT_DOUBLE_EQ(metric.details.at("survival_median"), 45);
}

TEST(Deals, HaveNoValueWithoutRows) {
  const Crm none = book({});
  const Crm nulls = book(std::vector<Deal>(3));
  for (const auto& known : kpi::definitions()) {
    for (const Crm* crm : {&none, &nulls}) {
      if (!kpi::missing(*crm, known).empty()) continue;
      if (known.name == "pushes" || known.name == "slippage" || known.name == "weighted_pipeline") {
        EXPECT_THROW(known.compute(*crm, {}), UsageError);
        continue;
      }
      for (const auto& metric : known.compute(*crm, {}).metrics) {
        const bool counts =
            known.name == "idle_share" || known.name == "hygiene" || known.name == "forecast_rollup";
        EXPECT_TRUE(counts || !metric.value) << known.name;
        EXPECT_TRUE(std::isfinite(metric.value.value_or(0))) << known.name;
      }
    }
  }
}

TEST(AverageDeal, CountsOutWhatIsNoAmount) {
  const Crm crm = book({{"2026-01-01", "2026-01-02", "true", "100.50", {}},
                        {"2026-01-01", "2026-01-02", "true", "-40", {}},
                        {"2026-01-01", "2026-01-02", "true", {}, {}}});
  auto metric = kpi::average_deal(crm).single();
  EXPECT_DOUBLE_EQ(*metric.value, 100.5);
  EXPECT_EQ(metric.excluded.at("negative_amount"), 1);
  EXPECT_EQ(metric.excluded.at("null_amount"), 1);
  EXPECT_FALSE(metric.low);  // one row has no spread
  kpi::Options options;
  options.allow_negative = true;
  EXPECT_DOUBLE_EQ(*kpi::average_deal(crm, options).single().value, 30.25);
}

TEST(Attainment, ProratesQuotaByItsDays) {
  const Crm crm = book({{"2026-01-01", "2026-01-20", "true", "31", {}},
                        {"2026-01-01", "2026-03-01", "true", "45", {}, "open", "r2"}},
                       {{"quota", quotas("90", "2026-01-01", "2026-04-01")}, {"rep", reps()}});
  auto metric = kpi::attainment(crm, in("2026-Q1")).single();
  EXPECT_DOUBLE_EQ(*metric.value, 31.0 / 90);
  EXPECT_EQ(metric.n, 1);
  EXPECT_EQ(metric.excluded.at("no_quota"), 1);  // r2 sold 45 towards no quota
  EXPECT_DOUBLE_EQ(*kpi::attainment(crm, in("2026-01")).single().value, 1);
  kpi::Options options = in("2026-Q1");
  options.by = {"owner"};
  const auto by_owner = kpi::attainment(crm, options);
  ASSERT_EQ(by_owner.metrics.size(), 2U);
  EXPECT_EQ(by_owner.by, std::vector<std::string>{"owner"});
  EXPECT_DOUBLE_EQ(*by_owner.metrics[0].value, 31.0 / 90);
  EXPECT_EQ(by_owner.metrics[1].state, "no quota");
  options.by = {"type"};
  EXPECT_THROW(kpi::attainment(crm, options), UsageError);
  const auto spread = kpi::attainment_distribution(crm, in("2026-Q1")).single();
  EXPECT_EQ(spread.n, 1);
  EXPECT_DOUBLE_EQ(spread.details.at("below_50"), 1);
  EXPECT_EQ(spread.excluded.at("no_quota"), 1);
}

TEST(Attainment, FollowsCreditSplits) {
  const auto column = [](const Texts& values) { return Column::of_strings(values); };
  const Table splits({{"opportunity_id", column({"d0", "d0", "d0"})},
                      {"rep_id", column({"r1", "r2", "r2"})},
                      {"split_type", column({"revenue", "revenue", "overlay"})},
                      {"pct", column({"0.6", "0.4", "1"})},
                      {"must_total_100", column({"true", "true", "false"})}});
  const Crm crm =
      book({{"2026-01-01", "2026-01-20", "true", "100.01", {}}},
           {{"quota", quotas("90", "2026-01-01", "2026-04-01")}, {"rep", reps()}, {"credit_split", splits}});
  kpi::Options options;
  options.by = {"owner"};
  const auto result = kpi::attainment(crm, options);
  EXPECT_DOUBLE_EQ(result.metrics[0].numerator, 60.01);
  EXPECT_DOUBLE_EQ(result.metrics[1].numerator, 40);
}

TEST(Concentration, NamesTheLargest) {
  const Crm crm =
      book({{"2026-01-01", "2026-01-20", "true", "75", {}}, {"2026-01-01", "2026-01-20", "true", "25", {}}});
  const auto metric = kpi::concentration(crm).single();
  EXPECT_DOUBLE_EQ(*metric.value, 1);
  EXPECT_DOUBLE_EQ(metric.details.at("top_1"), .75);
  EXPECT_DOUBLE_EQ(metric.details.at("hhi"), .625);
}

TEST(Linearity, CutsAQuarterByItsMonths) {
  const Crm crm = book({{"2026-01-01", "2026-01-31", "true", "10", {}},
                        {"2026-01-01", "2026-02-28", "true", "20", {}},
                        {"2026-01-01", "2026-03-01", "true", "70", {}}});
  const auto metric = kpi::linearity(crm, in("2026-Q1")).single();
  EXPECT_DOUBLE_EQ(*metric.value, .7);
  EXPECT_DOUBLE_EQ(metric.details.at("first_third"), .1);
}

TEST(Ratio, AnswersLikeABuiltIn) {
  const Crm crm =
      book({{"2026-01-01", "2026-01-31", "true", "10", {}}, {"2026-01-01", "2026-02-28", "false", "20", {}}});
  const kpi::RatioDefinition big{
      .name = "big", .numerator = "amount > 15", .denominator = "is_won is not null"};
  EXPECT_DOUBLE_EQ(*kpi::ratio(crm, big).single().value, .5);
  EXPECT_FALSE(kpi::ratio(crm, big, in("2025-Q1")).single().value);
  auto money = big;
  money.value = "amount";
  EXPECT_DOUBLE_EQ(*kpi::ratio(crm, money).single().value, 20.0 / 30);
  money.value = "owner_id";
  EXPECT_THROW(kpi::ratio(crm, money), UsageError);
  money.at = "never";
  EXPECT_THROW(kpi::ratio(crm, money), UsageError);
}

class SampleBook : public testing::Test {
 protected:
  static const Crm& crm() {
    static const Crm made = [] {
      sample::SampleOptions options;
      options.deals = 400;
      return Crm::build(sample::crm(options).tables);
    }();
    return made;
  }
};

TEST_F(SampleBook, SlippageSumsToOne) {
  kpi::Options options = in("last 4 quarters");
  for (const auto weight : {kpi::Weight::count, kpi::Weight::value}) {
    options.weight = weight;
    for (const auto& metric : kpi::slippage(crm(), options).metrics) {
      ASSERT_TRUE(metric.value);
      double sum = 0;
      for (const char* fate : {"won", "lost", "pushed", "removed", "open"}) sum += metric.details.at(fate);
      EXPECT_NEAR(sum, 1, 1e-12);
      EXPECT_NEAR(*metric.value, metric.details.at("pushed") + metric.details.at("open"), 1e-12);
    }
  }
}

TEST_F(SampleBook, RollupGrowsByCategory) {
  const auto result = kpi::forecast_rollup(crm());
  ASSERT_EQ(result.metrics.size(), 5U);
  double sum = 0;
  for (const auto& metric : result.metrics) {
    sum += metric.details.at("own");
    EXPECT_NEAR(*metric.value, sum, 1e-6);
  }
}

TEST_F(SampleBook, PartsAddUpToTheWhole) {
  for (const char* name :
       {"pipeline_created", "weighted_pipeline", "pushes", "idle_share", "stage_conversion"}) {
    const auto& known = kpi::definition(name);
    kpi::Options options;
    const auto whole = known.compute(crm(), options).single();
    options.by = {"owner"};
    double numerator = 0;
    std::int64_t n = 0;
    for (const auto& metric : known.compute(crm(), options).metrics) {
      numerator += metric.numerator;
      n += metric.n;
    }
    EXPECT_NEAR(numerator, whole.numerator, 1e-6) << name;
    EXPECT_EQ(n, whole.n) << name;
  }
}

TEST_F(SampleBook, LossReasonsSumToOne) {
  double sum = 0;
  for (const auto& metric : kpi::loss_reasons(crm()).metrics) sum += *metric.value;
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST_F(SampleBook, ScorecardListsWhatIsMissing) {
  const auto card = kpi::scorecard(crm());
  EXPECT_EQ(card.period, "2025-Q4");
  EXPECT_EQ(card.prior_period, "2025-Q3");
  for (const auto& row : card.rows)
    EXPECT_FALSE(row.state.starts_with("not available")) << row.kpi << row.state;
  EXPECT_NE(card.to_text().find("Win rate by value"), std::string::npos);
  EXPECT_EQ(card.to_table().num_rows(), card.rows.size());

  const auto bare = kpi::scorecard(book({{"2026-01-01", "2026-01-20", "true", "10", {}}}));
  bool named = false;
  for (const auto& row : bare.rows)
    named |= row.kpi == "attainment" && row.state.starts_with("not available: needs quota.amount");
  EXPECT_TRUE(named);
  kpi::Options options = in("last 4 quarters");
  EXPECT_THROW(kpi::scorecard(crm(), options), UsageError);
}

TEST(Catalogue, NamesEachOnce) {
  const Table table = kpi::catalogue();
  EXPECT_EQ(table.num_rows(), kpi::definitions().size());
  EXPECT_THROW(kpi::definition("win_rat"), UsageError);
  EXPECT_EQ(kpi::definition("win_rate").title, "Win rate");
}

}  // namespace
