#include <gtest/gtest.h>

#include <cmath>

#include "salesops/kpi.hpp"

using namespace salesops;

namespace {

using Texts = std::vector<std::optional<std::string>>;

Column texts(const Texts& values) { return Column::of_strings(values); }

/// Four customers in June 2026: one stays, one ends, one pays by the year, one has two subscriptions of
/// which one ends. A fifth is on trial, a sixth pays nothing, a seventh comes in June and goes in June.
Crm subscribers(const Texts& currencies = Texts(8, "USD")) {
  return Crm::build(
      {{"account", Table({{"account_id", texts({"stays", "ends", "yearly", "two", "trial", "free", "short"})},
                          {"segment", texts({"smb", "smb", "mid", "mid", "smb", "smb", "smb"})},
                          {"created_at", texts(Texts(7, "2026-08-01"))}})},
       {"subscription",
        Table({{"subscription_id", texts({"1", "2", "3", "4", "5", "6", "7", "8"})},
               {"account_id", texts({"stays", "ends", "yearly", "two", "two", "trial", "free", "short"})},
               {"start", texts({"2026-01-01", "2026-01-01", "2026-01-01", "2026-01-01", "2026-01-01",
                                "2026-05-20", "2026-01-01", "2026-06-02"})},
               {"trial_end", texts({std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt,
                                    "2026-06-20", std::nullopt, std::nullopt})},
               {"end", texts({std::nullopt, "2026-07-01", std::nullopt, std::nullopt, "2026-06-15",
                              std::nullopt, std::nullopt, "2026-06-20"})},
               {"interval", texts({"month", "month", "year", "month", "month", "month", "month", "month"})},
               {"qty", texts({"2", "1", "1", "1", "1", "1", "1", "1"})},
               {"unit_amount", texts({"10", "30", "600", "20", "5", "40", "0", "99"})},
               {"currency", texts(currencies)}})}});
}

kpi::Options june() {
  kpi::Options options;
  options.period = "2026-06";
  return options;
}

TEST(LogoChurn, IsOfTheCustomersAtTheStart) {
  const auto lost = kpi::logo_churn(subscribers(), june()).single();
  EXPECT_EQ(lost.numerator, 1);
  EXPECT_EQ(lost.denominator, 4);
  EXPECT_NEAR(lost.details.at("annual"), 1 - std::pow(0.75, 12), 1e-12);
  const auto kept = kpi::logo_retention(subscribers(), june()).single();
  EXPECT_EQ(kept.numerator, 3);
  EXPECT_DOUBLE_EQ(*kept.value + *lost.value, 1);
  EXPECT_TRUE(kept.state.empty());
}

TEST(LogoChurn, FlagsAPeriodTheBookDoesntReach) {
  kpi::Options options = june();
  options.period = "2026-09";
  EXPECT_EQ(kpi::logo_churn(subscribers(), options).single().state, "incomplete");
}

TEST(LogoChurn, LooksAtTheLastWholeMonth) {
  const auto result = kpi::logo_churn(subscribers());
  EXPECT_EQ(result.period, "2026-07");
  // On July the first the trial has become a customer.
  EXPECT_EQ(result.single().denominator, 4);
  EXPECT_EQ(*result.single().value, 0);
}

TEST(Arpa, BringsIntervalsToAMonth) {
  // 2 · 10, 30, 600 / 12 = 50, 20 + 5.
  const auto result = kpi::arpa(subscribers(), june());
  EXPECT_DOUBLE_EQ(result.single().numerator, 125);
  EXPECT_EQ(result.single().denominator, 4);
  EXPECT_EQ(result.unit, "USD / month");
  kpi::Options options = june();
  options.by = {"segment"};
  const auto groups = kpi::arpa(subscribers(), options);
  ASSERT_EQ(groups.metrics.size(), 2U);
  EXPECT_DOUBLE_EQ(*groups.metrics[0].value, 37.5);
  EXPECT_DOUBLE_EQ(*groups.metrics[1].value, 25);
}

TEST(Arpa, RefusesToAddCurrencies) {
  Texts currencies(8, "USD");
  currencies[3] = "EUR";
  EXPECT_THROW(kpi::arpa(subscribers(currencies), june()), UnitError);
  EXPECT_EQ(kpi::logo_churn(subscribers(currencies), june()).single().denominator, 4);
}

TEST(Arpa, LeavesOutWhatNoAmountCanBe) {
  const Crm crm = Crm::build({{"account", Table({{"account_id", texts({"a", "b"})}})},
                              {"subscription", Table({{"subscription_id", texts({"1", "2"})},
                                                      {"account_id", texts({"a", "b"})},
                                                      {"start", texts({"2026-01-01", "2026-01-01"})},
                                                      {"qty", texts({"1e15", "1"})},
                                                      {"unit_amount", texts({"1000000", "70"})}})}});
  const auto metric = kpi::arpa(crm, june()).single();
  EXPECT_DOUBLE_EQ(*metric.value, 70);
  EXPECT_EQ(metric.excluded.at("too_large"), 1);
}

TEST(ClvSimple, HasNoValueWhileNobodyLeaves) {
  kpi::Options options;
  options.gross_margin = 0.8;
  const auto kept = kpi::clv_simple(subscribers(), options).single();
  EXPECT_FALSE(kept.value);
  EXPECT_EQ(kept.state, "no churn seen");
  options.period = "2026-06";
  EXPECT_NEAR(*kpi::clv_simple(subscribers(), options).single().value, 31.25 * 0.8 / 0.25, 1e-9);
  options.gross_margin = 80;
  EXPECT_THROW(kpi::clv_simple(subscribers(), options), UsageError);
  options.gross_margin.reset();
  EXPECT_THROW(kpi::clv_simple(subscribers(), options), UsageError);
}

TEST(LogoChurn, OfAPeriodBeyondTheBookIsIncompleteOrRefused) {
  kpi::Options options;
  options.period = "2026-08";
  options.as_of = Instant::parse("2026-08-31");
  EXPECT_EQ(kpi::logo_churn(subscribers(), options).single().state, "incomplete");
  options.period = "2034-01";
  options.as_of = Instant::parse("2035-01-01");
  EXPECT_THROW(kpi::logo_churn(subscribers(), options), UsageError);
}

/// Two accounts first won in June (one of them twice), one in May, one lost; 300.50 spent in June.
Crm winners() {
  return Crm::build(
      {{"account", Table({{"account_id", texts({"a", "b", "c", "d"})}})},
       {"opportunity", Table({{"opportunity_id", texts({"1", "2", "3", "4", "5", "6"})},
                              {"account_id", texts({"a", "a", "b", "c", "c", "d"})},
                              {"closed_at", texts({"2026-06-03", "2026-06-20", "2026-06-30", "2026-05-31",
                                                   "2026-06-05", "2026-06-09"})},
                              {"is_won", texts({"true", "true", "true", "true", "true", "false"})}})},
       {"spend", Table({{"spend_id", texts({"x", "y", "z"})},
                        {"period_start", texts({"2026-05-01", "2026-06-01", "2026-06-15"})},
                        {"amount", texts({"999", "200.25", "100.25"})},
                        {"currency", texts({"USD", "USD", "USD"})}})}});
}

TEST(Cac, IsOfAccountsWonForTheFirstTime) {
  const auto metric = kpi::cac(winners(), june()).single();
  EXPECT_DOUBLE_EQ(metric.numerator, 300.5);
  EXPECT_EQ(metric.denominator, 2);
  EXPECT_DOUBLE_EQ(*metric.value, 150.25);
  EXPECT_EQ(metric.n, 2);
  EXPECT_FALSE(metric.low);
}

TEST(Cac, HasNoValueWithoutNewCustomers) {
  kpi::Options options = june();
  options.period = "2026-04";
  EXPECT_FALSE(kpi::cac(winners(), options).single().value);
  for (const char* by : {"channel", "campaign", "owner"}) {
    options.by = {by};
    EXPECT_THROW(kpi::cac(winners(), options), UsageError) << by;
  }
}

/// 91 days of 1.00, a row of one day, reversed, empty and negative ones; won by channels, one without
/// account.
Crm spenders() {
  const std::optional<std::string> none;
  return Crm::build(
      {{"account", Table({{"account_id", texts({"a", "b", "c"})}})},
       {"lead", Table({{"lead_id", texts({"l"})}, {"source", texts({"fair"})}})},
       {"opportunity",
        Table({{"opportunity_id", texts({"1", "2", "3", "4", "5"})},
               {"account_id", texts({"a", "b", "c", none, "c"})},
               {"source", texts({"web", none, none, "web", "web"})},
               {"lead_id", texts({none, "l", none, none, none})},
               {"created_at", texts(Texts(5, "2026-05-20"))},
               {"closed_at", texts({"2026-05-09", "2026-06-20", "2026-06-30", "2026-06-05", "2026-07-01"})},
               {"is_won", texts(Texts(5, "true"))}})},
       {"spend", Table({{"spend_id", texts({"q", "day", "back", "null", "minus", "nowhere"})},
                        {"period_start",
                         texts({"2026-04-01", "2026-06-10", "2026-06-20", "2026-06-01", "2026-06-01", none})},
                        {"period_end", texts({"2026-07-01", none, "2026-06-01", none, none, none})},
                        {"channel", texts({"web", "fair", "web", "web", "web", "web"})},
                        {"amount", texts({"1.00", "0.50", "7", none, "-3", "4"})},
                        {"currency", texts(Texts(6, "USD"))}})}});
}

TEST(Cac, TakesSpendByItsDays) {
  kpi::Options options = june();
  options.keep_rows = true;
  const auto metric = kpi::cac(spenders(), options).single();
  // 30 of 91 days of a dollar, and half a dollar on the tenth.
  EXPECT_DOUBLE_EQ(metric.numerator, 0.33 + 0.5);
  EXPECT_EQ(metric.denominator, 2);
  EXPECT_EQ(metric.rows, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(metric.excluded, (std::map<std::string, std::int64_t>{{"no_account", 1},
                                                                  {"no_time", 1},
                                                                  {"null_amount", 1},
                                                                  {"negative_amount", 1},
                                                                  {"period_end_before_start", 1}}));
  options.allow_negative = true;
  EXPECT_DOUBLE_EQ(kpi::cac(spenders(), options).single().numerator, 0.33 + 0.5 - 3);
}

TEST(Cac, PartsOfARowAddUpToIt) {
  for (const char* every : {"day", "week", "month"}) {
    kpi::Options options;
    options.period = "2026-04-01/2026-07-01";
    options.by = {every};
    double sum = 0;
    for (const auto& metric : kpi::cac(spenders(), options).metrics) sum += metric.numerator;
    EXPECT_NEAR(sum, 1.5, 1e-9) << every;
  }
}

TEST(Cac, LagsByDaysOrByTheSalesCycle) {
  kpi::Options options = june();
  options.lag = "30 days";
  const auto lagged = kpi::cac(spenders(), options);
  // The second to the thirty-first of May, which is the tenth of June no more.
  EXPECT_DOUBLE_EQ(lagged.single().numerator, 0.33);
  EXPECT_EQ(lagged.single().details.at("lag_days"), 30);
  EXPECT_NE(lagged.definition.find("moved back by 30 days"), std::string::npos);
  options.lag = "sales_cycle";  // 16, 31 and 41 days
  EXPECT_EQ(kpi::cac(spenders(), options).single().details.at("lag_days"), 31);
  options.period = "2026-03";
  EXPECT_EQ(kpi::cac(spenders(), options).single().state, "no sales cycle");
  for (const char* bad : {"soon", "-1 days", "3", "99999999999 days", "3 weeks"}) {
    options.lag = bad;
    EXPECT_THROW(kpi::cac(spenders(), options), UsageError) << bad;
  }
}

TEST(Cac, IsOfEachChannel) {
  kpi::Options options = june();
  options.by = {"channel"};
  const auto result = kpi::cac(spenders(), options);
  ASSERT_EQ(result.metrics.size(), 3U);
  EXPECT_EQ(result.metrics[0].keys, (std::vector<std::string>{"fair"}));
  EXPECT_DOUBLE_EQ(*result.metrics[0].value, 0.5);
  EXPECT_FALSE(result.metrics[1].value);  // web: spend, and a first win in May
  EXPECT_DOUBLE_EQ(result.metrics[1].numerator, 0.33);
  EXPECT_EQ(result.metrics[2].key_null.front(), 1);
  EXPECT_EQ(result.metrics[2].state, "no spend");
  EXPECT_EQ(result.by, (std::vector<std::string>{"channel"}));
}

/// A discount, a subscription that rests from the tenth of June, two days of a customer, one without account.
Crm pausing() {
  const std::optional<std::string> none;
  return Crm::build({{"account", Table({{"account_id", texts({"a", "b", "c"})},
                                        {"created_at", texts(Texts(3, "2026-08-01"))}})},
                     {"subscription", Table({{"subscription_id", texts({"1", "2", "3", "4", "5", "6"})},
                                             {"account_id", texts({"a", "b", "c", none, "a", "a"})},
                                             {"start", texts({"2026-01-01", "2026-01-01", "2026-06-11",
                                                              "2026-01-01", "2026-01-01", "2026-01-01"})},
                                             {"end", texts({none, none, "2026-06-13", none, none, none})},
                                             {"qty", texts({"2", "1", "1", "1", "1", "1"})},
                                             {"unit_amount", texts({"10", "30", "5", "5", none, "-4"})},
                                             {"discount", texts({"2.50", none, none, none, none, none})}})},
                     {"subscription_event", Table({{"subscription_id", texts({"2", "2", "2"})},
                                                   {"at", texts({"2026-06-10", "2026-07-10", "2026-03-01"})},
                                                   {"type", texts({"pause", "resume", "start"})}})}});
}

TEST(Arpa, IsAfterDiscountsAndWithoutWhatRests) {
  kpi::Options options = june();
  const auto june_first = kpi::arpa(pausing(), options).single();
  EXPECT_DOUBLE_EQ(june_first.numerator, 47.5);
  EXPECT_EQ(june_first.denominator, 2);
  EXPECT_EQ(june_first.excluded, (std::map<std::string, std::int64_t>{
                                     {"no_account", 1}, {"null_amount", 1}, {"negative_amount", 1}}));
  options.period = "2026-07";
  EXPECT_DOUBLE_EQ(*kpi::arpa(pausing(), options).single().value, 17.5);
  EXPECT_EQ(kpi::arpa(pausing(), options).single().excluded.at("paused"), 1);
}

TEST(LogoChurn, KeepsWhoRests) {
  const auto metric = kpi::logo_churn(pausing(), june()).single();
  EXPECT_EQ(metric.numerator, 0);
  EXPECT_EQ(metric.denominator, 2);
  EXPECT_EQ(metric.details.at("paused"), 1);
  EXPECT_EQ(metric.excluded.at("no_account"), 1);
}

TEST(LogoChurn, MayBeOfTheDailyAverage) {
  kpi::Options options = june();
  options.churn_base = kpi::ChurnBase::daily_average;
  const auto metric = kpi::logo_churn(pausing(), options).single();
  EXPECT_EQ(metric.numerator, 1);
  EXPECT_NEAR(metric.denominator, 2 + 2.0 / 30, 1e-8);
  EXPECT_EQ(metric.n, 3);
  options.period = "2026-06-11/2026-06-13";
  EXPECT_EQ(kpi::logo_churn(pausing(), options).single().denominator, 3);
}

TEST(CustomerKpis, NameTheTableThatIsMissing) {
  const Crm crm = Crm::build({{"product", Table({{"product_id", texts({"p"})}})}});
  kpi::Options options = june();
  options.gross_margin = 0.5;
  for (const auto function : {&kpi::logo_churn, &kpi::logo_retention, &kpi::arpa, &kpi::clv_simple, &kpi::cac,
                              &kpi::ltv_cac, &kpi::cac_payback})
    EXPECT_THROW(function(crm, options), UsageError);
}

}  // namespace
