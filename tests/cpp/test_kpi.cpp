#include <gtest/gtest.h>

#include "salesops/kpi.hpp"

using namespace salesops;

namespace {

using Texts = std::vector<std::optional<std::string>>;

Column texts(const Texts& values) { return Column::of_strings(values); }

/// Three wins and seven losses in July 2026, of two owners, and an open deal.
Crm book() {
  Texts ids, closed, won, owners, accounts;
  std::vector<std::int64_t> amounts;
  for (int i = 0; i < 10; ++i) {
    ids.push_back("d" + std::to_string(i));
    closed.push_back("2026-07-1" + std::to_string(i));
    won.push_back(i < 3 ? "true" : "false");
    owners.push_back(i % 2 == 0 ? "r1" : "r2");
    accounts.push_back(i < 5 ? "a" : "b");
    amounts.push_back(100 * (i + 1));
  }
  ids.push_back("open");
  closed.push_back(std::nullopt);
  won.push_back(std::nullopt);
  owners.push_back("r1");
  accounts.push_back("a");
  amounts.push_back(50);
  return Crm::build(
      {{"opportunity", Table({{"opportunity_id", texts(ids)},
                              {"closed_at", texts(closed)},
                              {"created_at", texts(Texts(11, "2026-06-01"))},
                              {"is_won", texts(won)},
                              {"owner_id", texts(owners)},
                              {"account_id", texts(accounts)},
                              {"amount", Column::of(Type::int64, amounts)},
                              {"currency", texts(Texts(11, "USD"))}})},
       {"account", Table({{"account_id", texts({"a", "b"})}, {"segment", texts({"smb", "mid"})}})},
       {"rep", Table({{"rep_id", texts({"r1", "r2"})}, {"team_id", texts({"t1", "t1"})}})},
       {"rep_assignment", Table({{"rep_id", texts({"r1", "r1"})},
                                 {"valid_from", texts({"2026-01-01", "2026-07-15"})},
                                 {"valid_to", texts({"2026-07-15", std::nullopt})},
                                 {"team_id", texts({"east", "west"})}})}});
}

TEST(WinRate, GivesTheWilsonInterval) {
  const auto metric = kpi::win_rate(book()).single();
  EXPECT_DOUBLE_EQ(*metric.value, 0.3);
  EXPECT_EQ(metric.n, 10);
  EXPECT_EQ(metric.censored, 1);
  EXPECT_NEAR(*metric.low, 0.108, 5e-4);
  EXPECT_NEAR(*metric.high, 0.603, 5e-4);
}

TEST(WinRate, ByValueIsARatioOfSums) {
  kpi::Options options;
  options.weight = kpi::Weight::value;
  const auto metric = kpi::win_rate(book(), options).single();
  EXPECT_DOUBLE_EQ(metric.numerator, 600);
  EXPECT_DOUBLE_EQ(metric.denominator, 5500);
}

TEST(Result, NamesItsRowsByTheBookOfItsDay) {
  const Crm crm =
      Crm::build({{"opportunity", Table({{"opportunity_id", texts({"late", "early", "middle"})},
                                         {"created_at", texts({"2026-07-05", "2026-07-01", "2026-07-02"})},
                                         {"closed_at", texts({"2026-07-06", "2026-07-03", "2026-07-04"})},
                                         {"is_won", texts({"true", "true", "false"})}})}});
  kpi::Options options;
  options.keep_rows = true;
  EXPECT_EQ(kpi::ids_of(crm, kpi::win_rate(crm, options)),
            (std::vector<std::vector<std::string>>{{"late", "early", "middle"}}));
  // Row 0 of that day's book is row 1 of today's.
  options.as_of = Instant::parse("2026-07-04T12:00:00Z");
  EXPECT_EQ(kpi::ids_of(crm, kpi::win_rate(crm, options)),
            (std::vector<std::vector<std::string>>{{"early", "middle"}}));
  options.keep_rows = false;
  EXPECT_EQ(kpi::ids_of(crm, kpi::win_rate(crm, options)), std::vector<std::vector<std::string>>(1));
}

TEST(WinRate, GroupsByNamesAsTheyWereAtTheClose) {
  kpi::Options options;
  options.by = {"owner.team", "month"};
  options.keep_rows = true;
  const auto result = kpi::win_rate(book(), options);
  ASSERT_EQ(result.metrics.size(), 4U);
  EXPECT_EQ(result.metrics[0].keys, (std::vector<std::string>{"east", "2026-07"}));
  EXPECT_EQ(result.metrics[0].n, 3);
  EXPECT_EQ(result.metrics[1].keys[0], "west");
  EXPECT_EQ(result.metrics[1].n, 2);
  EXPECT_EQ(result.metrics[1].rows, (std::vector<std::int64_t>{6, 8}));
  EXPECT_EQ(result.to_table().num_rows(), 4U);
}

TEST(WinRate, ChoosesRowsByExpression) {
  kpi::Options options;
  for (const auto& [where, n] : std::vector<std::pair<const char*, std::int64_t>>{
           {"account.segment = 'smb'", 5},
           {"account.segment in ('smb', 'mid') and not amount > 300", 3},
           {"owner = 'r1' or amount >= 900", 6},
           {"owner like 'r%'", 10},
           {"loss_reason is null", 10},
           {"closed_at < '2026-07-12'", 2},
           {"is_won", 3}}) {
    if (std::string_view(where).starts_with("loss")) continue;
    options.where = where;
    EXPECT_EQ(kpi::win_rate(book(), options).single().n, n) << where;
  }
  for (const char* bad : {"owner", "owner = ", "amount = 'x'", "nobody = 1", "(owner = 'r1'",
                          "owner.name.x = 1", "amount = 1 1", "owner = 'a"}) {
    options.where = bad;
    EXPECT_THROW(kpi::win_rate(book(), options), UsageError) << bad;
  }
}

TEST(WinRate, HasNoValueWithoutRows) {
  kpi::Options options;
  options.period = "2025-Q1";
  const auto metric = kpi::win_rate(book(), options).single();
  EXPECT_FALSE(metric.value);
  EXPECT_FALSE(metric.low);
  options.period = "last 4 quarters";
  EXPECT_EQ(kpi::win_rate(book(), options).metrics.size(), 4U);
  options.period = "sometime";
  EXPECT_THROW(kpi::win_rate(book(), options), UsageError);
}

TEST(WinRate, RefusesToAddCurrencies) {
  const Crm crm = Crm::build({{"opportunity", Table({{"opportunity_id", texts({"a", "b"})},
                                                     {"is_won", texts({"true", "false"})},
                                                     {"is_closed", texts({"true", "true"})},
                                                     {"amount", texts({"1", "2"})},
                                                     {"currency", texts({"USD", "EUR"})}})}});
  kpi::Options options;
  options.weight = kpi::Weight::value;
  EXPECT_THROW(kpi::win_rate(crm, options), UnitError);
  EXPECT_DOUBLE_EQ(*kpi::win_rate(crm).single().value, 0.5);
  options.where = "currency = 'EUR'";
  EXPECT_DOUBLE_EQ(kpi::win_rate(crm, options).single().denominator, 2.0);
}

TEST(FiscalCalendar, IsReadFromTheBook) {
  EXPECT_FALSE(kpi::fiscal_calendar(book()));
  NamedTables tables{{"fiscal_period", Table({{"period_id", texts({"y", "q1", "q2"})},
                                              {"type", texts({"Year", "Quarter", "Quarter"})},
                                              {"start", texts({"2026-02-01", "2026-02-01", "2026-05-01"})},
                                              {"end", texts({"2027-01-31", "2026-04-30", "2026-07-31"})},
                                              {"number", texts({"2027", "1", "2"})}})}};
  const auto calendar = kpi::fiscal_calendar(Crm::build(std::move(tables)));
  ASSERT_TRUE(calendar);
  const Date day = Date::from_ymd(2026, 7, 31);
  EXPECT_EQ(calendar->label(calendar->period_of(day, Every::quarter)), "FY27-Q2");
  EXPECT_EQ(calendar->table_end(), day + 1);
}

}  // namespace
