#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "salesops/kpi.hpp"
#include "salesops/sample.hpp"

using namespace salesops;
using kpi::ScorecardState;

namespace {

using Texts = std::vector<std::optional<std::string>>;

Column texts(const Texts& values) { return Column::of_strings(values); }

/// Q1 2026: three deals closed by day 20 of it, two later. Q2: two closed by day 20, as_of is then.
Crm two_quarters() {
  return Crm::build(
      {{"opportunity", Table({{"opportunity_id", texts({"a", "b", "c", "d", "e", "f", "g"})},
                              {"created_at", texts(Texts(7, "2025-12-01"))},
                              {"closed_at", texts({"2026-01-05", "2026-01-10", "2026-01-20", "2026-02-20",
                                                   "2026-03-20", "2026-04-10", "2026-04-20"})},
                              {"is_won", texts({"true", "false", "false", "true", "true", "true", "false"})},
                              {"amount", texts({"10", "1", "1", "30", "50", "40", "9"})},
                              {"currency", texts(Texts(7, "USD"))}})},
       {"target", Table({{"metric", texts({"win_rate", "win_rate", "sales_cycle"})},
                         {"period_start", texts({"2026-04-01", "2026-01-01", "2026-01-01"})},
                         {"period_end", texts({"2026-07-01", "2027-01-01", "2027-01-01"})},
                         {"value", texts({"0.4", "0.9", "100"})}})}});
}

const kpi::ScorecardRow& row_of(const kpi::Scorecard& card, std::string_view title) {
  for (const auto& row : card.rows)
    if (row.title == title) return row;
  throw std::runtime_error("no row " + std::string(title));
}

kpi::Options in(const std::string& period) {
  kpi::Options options;
  options.period = period;
  return options;
}

TEST(Scorecard, ComparesTheSamePointOfThePeriodBefore) {
  const auto card = kpi::scorecard(two_quarters(), in("2026-Q2"));
  // Day 20 of the second quarter beside day 20 of the first, of whose five deals three were closed by then.
  EXPECT_EQ(card.as_of.utc_date().to_string(), "2026-04-20");
  EXPECT_EQ(card.prior_period, "2026-Q1");
  EXPECT_EQ(card.prior_as_of->utc_date().to_string(), "2026-01-20");
  const auto& rate = row_of(card, "Win rate");
  EXPECT_DOUBLE_EQ(*rate.value, 1.0 / 2);
  EXPECT_DOUBLE_EQ(*rate.prior, 1.0 / 3);
  EXPECT_DOUBLE_EQ(*rate.delta, 1.0 / 2 - 1.0 / 3);
  const auto& average = row_of(card, "Average deal");
  EXPECT_DOUBLE_EQ(*average.value, 40);
  EXPECT_DOUBLE_EQ(*average.prior, 10);
  // Of two targets that hold, the one that began last.
  EXPECT_DOUBLE_EQ(*rate.target, 0.4);
  EXPECT_EQ(rate.status, "met");
  // Short cycles are good unless the target says otherwise: 130 days miss 100.
  const auto& cycle = row_of(card, "Sales cycle");
  EXPECT_EQ(cycle.better, kpi::Better::down);
  EXPECT_DOUBLE_EQ(*cycle.value, 130);
  EXPECT_EQ(cycle.status, "missed");
}

TEST(Scorecard, ComparesAPeriodThatIsOverWithThePriorAsLongAfterItsEnd) {
  // 19 days and some hours after the end of March beside as long after that of February.
  const Crm book = two_quarters();
  const auto card = kpi::scorecard(book, in("2026-03"));
  const std::int64_t march = Instant::parse("2026-04-01")->us, february = Instant::parse("2026-03-01")->us;
  EXPECT_EQ(card.prior_as_of->us - february, book.latest().us - march);
  EXPECT_DOUBLE_EQ(*row_of(card, "Average deal").value, 50);
  EXPECT_DOUBLE_EQ(*row_of(card, "Average deal").prior, 30);
  kpi::Options last = in("2026-03");
  last.as_of = Instant{march - 1};  // the last instant of a period beside the prior one's
  EXPECT_EQ(kpi::scorecard(book, last).prior_as_of->us, february - 1);
  const auto quarter = kpi::scorecard(two_quarters(), in("2026-01-01/2026-04-01"));
  EXPECT_EQ(quarter.period, "2026-Q1");
  EXPECT_EQ(quarter.prior_period, "2025-Q4");
  EXPECT_DOUBLE_EQ(*row_of(quarter, "Win rate").value, 3.0 / 5);
  EXPECT_FALSE(row_of(quarter, "Win rate").prior);
}

TEST(Scorecard, ComparesWithTheYearBefore) {
  const auto card = kpi::scorecard(two_quarters(), in("2026-04-01/2026-04-16"), kpi::Compare::prior_year);
  EXPECT_EQ(card.prior_period, "2025-04-01/2025-04-16");
  EXPECT_EQ(kpi::scorecard(two_quarters(), in("2026-Q2"), kpi::Compare::prior_year).prior_period, "2025-Q2");
  EXPECT_FALSE(kpi::scorecard(two_quarters(), in("2026-Q2"), kpi::Compare::none).prior_as_of);
}

// ---- groups ----

kpi::Options by(std::vector<std::string> names, int threads = 0) {
  kpi::Options options;
  options.by = std::move(names);
  options.execution.threads = threads;
  return options;
}

TEST(ScorecardState, AddsUpByHand) {
  const auto card = kpi::scorecard(two_quarters(), by({"quarter"}));
  EXPECT_EQ(card.by, std::vector<std::string>{"quarter"});
  EXPECT_EQ(card.currency, "USD");
  const Table& groups = card.groups;
  ASSERT_EQ(groups.num_rows(), 2U);
  EXPECT_EQ(groups.column("quarter").text(0), "2026-Q1");
  EXPECT_EQ(groups.column("won").values<std::int64_t>()[0], 3);
  EXPECT_EQ(groups.column("lost").values<std::int64_t>()[0], 2);
  EXPECT_DOUBLE_EQ(groups.column("win_rate").number(0), 0.6);
  EXPECT_DOUBLE_EQ(groups.column("win_rate_by_value").number(0), 90.0 / 92);
  EXPECT_DOUBLE_EQ(groups.column("average_deal").number(0), 30);
  // 10, 30, 50: deviation 20; t(2) at 95 % is 4.302652729749462.
  EXPECT_NEAR(groups.column("average_deal_hi_95").number(0), 30 + 4.302652729749462 * 20 / std::sqrt(3),
              1e-9);
  // 35, 81 and 109 days.
  EXPECT_DOUBLE_EQ(groups.column("mean_cycle").number(0), 75);
  // One win has a mean and no interval.
  EXPECT_DOUBLE_EQ(groups.column("mean_cycle").number(1), 130);
  EXPECT_TRUE(groups.column("mean_cycle_lo_95").is_null(1));
}

TEST(ScorecardState, IsTheSameForAnySplitAndAnyThreads) {
  sample::SampleOptions sampled;
  sampled.deals = 1500;
  const Crm crm = Crm::build(sample::crm(sampled).tables);
  const Column& ids = crm.column("opportunity", "opportunity_id");
  std::mt19937 random(7);
  for (const auto& names : std::vector<std::vector<std::string>>{
           {"owner", "month"}, {"account.segment", "day"}, {"account", "day"}, {}}) {
    const auto whole = ScorecardState::partial(crm, by(names, 1));
    EXPECT_EQ(ScorecardState::partial(crm, by(names, 3)), whole);
    std::vector<std::vector<std::string>> parts(3);
    for (std::size_t row = 0; row < ids.size(); ++row) parts[random() % 3].emplace_back(ids.text(row));
    ScorecardState state;
    for (const auto& part : parts) state.merge(ScorecardState::partial(crm, by(names), part));
    EXPECT_EQ(state, whole);
    EXPECT_EQ(ScorecardState::from_json(state.to_json()), whole);
    EXPECT_EQ(state.finish().to_text(), whole.finish().to_text());
    state.retract(ScorecardState::partial(crm, by(names), parts[0]));
    state.merge(ScorecardState::partial(crm, by(names), parts[0]));
    EXPECT_EQ(state, whole);
    state.retract(whole);
    EXPECT_EQ(state.groups(), 0U);
  }
}

TEST(ScorecardState, RefusesWhatDoesNotAddUp) {
  const Crm crm = two_quarters();
  auto state = ScorecardState::partial(crm, by({"month"}));
  const auto before = state;
  EXPECT_THROW(state.merge(ScorecardState::partial(crm, by({"quarter"}))), UsageError);
  auto twice = state;
  twice.merge(state);
  EXPECT_THROW(state.retract(twice), UsageError);
  EXPECT_EQ(state, before);
  EXPECT_THROW(ScorecardState::from_json("{}"), DataError);
  EXPECT_THROW((void)state.finish(0.95), UsageError);
}

/// Code points of the widest line.
std::size_t width_of(const std::string& text) {
  std::size_t widest = 0, wide = 0;
  for (const char c : text) {
    if (c == '\n') wide = 0;
    wide += c != '\n' && (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    widest = std::max(widest, wide);
  }
  return widest;
}

TEST(Scorecard, PrintsWithinATerminal) {
  for (const double level : {80.0, 95.0, 99.99}) {
    kpi::Options options;
    options.level = level;
    sample::SampleOptions few;
    few.deals = 300;
    const Crm crm = Crm::build(sample::crm(few).tables);
    const std::string card = kpi::scorecard(crm, options).to_text();
    EXPECT_LE(width_of(card), kpi::Scorecard::text_width) << card;
    // Shares differ by points, amounts have their commas, and what the book lacks may be left out.
    EXPECT_NE(card.find(" pp"), std::string::npos) << card;
    const std::size_t amount = card.find(" USD ");
    ASSERT_GE(amount, 4u) << card;
    EXPECT_EQ(card[amount - 4], ',') << card;
    const kpi::Scorecard small = kpi::scorecard(Crm::build({{"opportunity", crm.table("opportunity")}}));
    EXPECT_NE(small.to_text().find("not available"), std::string::npos);
    EXPECT_EQ(small.to_text(20, false).find("not available"), std::string::npos);
    options.by = {"owner", "month", "type"};
    const std::string groups = kpi::scorecard(crm, options).to_text();
    EXPECT_LE(width_of(groups), kpi::Scorecard::text_width) << groups;
    // What has no room beside stands beneath, by name.
    EXPECT_NE(groups.find("won_amount "), std::string::npos) << groups;
  }
}

}  // namespace
