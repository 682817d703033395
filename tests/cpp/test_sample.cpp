#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "salesops/random.hpp"
#include "salesops/sample.hpp"

using namespace salesops;
using sample::Sample;
using sample::SampleOptions;

namespace {

SampleOptions of_size(std::int64_t deals) {
  SampleOptions options;
  options.deals = deals;
  return options;
}

std::uint64_t hash_of(const Table& table) {
  std::uint64_t hash = table.num_rows();
  for (const auto& [name, column] : table.columns()) {
    hash = random::key_of(hash, random::key_of(name));
    for (std::size_t row = 0; row < column.size(); ++row)
      hash = random::key_of(hash, random::key_of(column.cell(row)));
  }
  return hash;
}

std::uint64_t hash_of(const Sample& sample) {
  std::uint64_t hash = 0;
  for (const auto& [name, table] : sample.tables) hash = random::key_of(hash, hash_of(table));
  for (const Table* table :
       {&sample.truth.deals, &sample.truth.reps, &sample.truth.stages, &sample.truth.accounts})
    hash = random::key_of(hash, hash_of(*table));
  return hash;
}

std::string row_text(const Table& table, std::size_t row, const std::set<std::string>& without = {}) {
  std::string text;
  for (const auto& [name, column] : table.columns())
    if (!without.contains(name)) text += name + "=" + (column.valid(row) ? column.cell(row) : "null") + ";";
  return text;
}

/// Rows as texts, those with `time` before `end` only.
std::vector<std::string> rows_before(const Table& table, const std::string& time, std::int64_t end,
                                     const std::set<std::string>& without = {}) {
  std::vector<std::string> rows;
  const Column& at = table.column(time);
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    const std::int64_t us = at.type() == Type::date ? at.values<std::int32_t>()[row] * us_per_day
                                                    : at.values<std::int64_t>()[row];
    if (us < end) rows.push_back(row_text(table, row, without));
  }
  return rows;
}

/// The state of each deal from events before `end`, as the header defines it.
std::map<std::string, std::map<std::string, std::string>> replay(const Table& events, std::int64_t end) {
  std::map<std::string, std::map<std::string, std::string>> state;
  const auto at = events.column("at").values<std::int64_t>();
  for (std::size_t row = 0; row < events.num_rows(); ++row) {
    auto& deal = state[std::string(events.column("opportunity_id").text(row))];
    const std::string field(events.column("field").text(row));
    const Column& from = events.column("old");
    const Column& to = events.column("new");
    if (field == "created") continue;
    if (at[row] < end) {
      deal[field] = to.cell(row);
    } else if (!deal.contains(field) && from.valid(row)) {
      deal[field] = from.cell(row);
    }
  }
  return state;
}

double share(const std::vector<std::uint8_t>& hits) {
  return static_cast<double>(std::count(hits.begin(), hits.end(), 1)) / static_cast<double>(hits.size());
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

std::string major(std::int64_t minor) {
  const std::string cents = std::to_string(minor % 100);
  return std::to_string(minor / 100) + "." + std::string(2 - cents.size(), '0') + cents;
}

}  // namespace

TEST(Sample, IsTheSameForAnyNumberOfThreads) {
  SampleOptions options = of_size(3000);
  options.foreign_share = 0.2;
  options.dirt = 0.02;
  options.execution.threads = 1;
  const std::uint64_t one = hash_of(sample::crm(options));
  options.execution.threads = 5;
  EXPECT_EQ(hash_of(sample::crm(options)), one);
  options.seed = 8;
  EXPECT_NE(hash_of(sample::crm(options)), one);
}

TEST(Sample, HasExactlyTheDealsAskedFor) {
  for (const std::int64_t deals : {0, 1, 2, 10, 1000, 2500}) {
    const Sample sample = sample::crm(of_size(deals));
    EXPECT_EQ(sample.table("opportunity").num_rows(), static_cast<std::size_t>(deals));
    EXPECT_EQ(sample.truth.deals.num_rows(), static_cast<std::size_t>(deals));
  }
}

TEST(Sample, GrowsWithoutChangingWhatWasThere) {
  const Sample small = sample::crm(of_size(700));
  const Sample large = sample::crm(of_size(2000));
  for (const std::string name : {"opportunity", "opportunity_event", "contact"}) {
    const Table& few = small.table(name);
    const Table& many = large.table(name);
    for (std::size_t row = 0; row < few.num_rows(); ++row) ASSERT_EQ(row_text(few, row), row_text(many, row));
  }
}

TEST(Sample, OpportunitiesAreTheReplayOfTheirEvents) {
  const Sample sample = sample::crm(of_size(4000));
  const Table& deals = sample.table("opportunity");
  auto states = replay(sample.table("opportunity_event"), std::numeric_limits<std::int64_t>::max());
  ASSERT_EQ(states.size(), deals.num_rows());
  for (std::size_t row = 0; row < deals.num_rows(); ++row) {
    const auto& state = states.at(std::string(deals.column("opportunity_id").text(row)));
    const auto expect = [&](const std::string& field, const std::string& value) {
      if (const auto held = state.find(field); held != state.end()) {
        ASSERT_EQ(held->second, value) << field;
      }
    };
    ASSERT_TRUE(state.contains("stage"));
    expect("stage", std::string(deals.column("stage_id").text(row)));
    expect("amount", major(deals.column("amount").values<std::int64_t>()[row]));
    expect("close_date", deals.column("close_date").cell(row));
    expect("owner", std::string(deals.column("owner_id").text(row)));
    if (state.contains("probability")) {
      ASSERT_NEAR(std::stod(state.at("probability")), deals.column("probability").values<double>()[row],
                  1e-12);
    }
    expect("forecast_category", std::string(deals.column("forecast_category").text(row)));
  }
}

TEST(Sample, AnEarlierEndIsExactlyThePast) {
  SampleOptions options = of_size(4000);
  const Sample late = sample::crm(options);
  for (const Date end : {Date::from_ymd(2023, 1, 1), Date::from_ymd(2023, 1, 17),
                         Date::from_ymd(2023, 12, 31), Date::from_ymd(2025, 2, 1)}) {
    options.end = end;
    const Sample early = sample::crm(options);
    const std::int64_t us = at_midnight_utc(end).us;
    // Tables whose rows never change.
    const std::vector<std::pair<std::string, std::string>> fixed{
        {"opportunity_event", "at"}, {"activity", "at"},           {"contact", "created_at"},
        {"transaction", "at"},       {"subscription_event", "at"}, {"quota", "approved_at"},
        {"spend", "period_end"}};
    for (const auto& [name, time] : fixed)
      ASSERT_EQ(rows_before(early.table(name), time, us), rows_before(late.table(name), time, us)) << name;
    for (const auto& [name, time] : fixed)
      ASSERT_EQ(rows_before(early.table(name), time, us).size(), early.table(name).num_rows()) << name;
    // Fixed columns of tables that change.
    const std::set<std::string> changing{"status",
                                         "converted_at",
                                         "converted_account_id",
                                         "converted_contact_id",
                                         "converted_opportunity_id",
                                         "disqualified_at",
                                         "available_at",
                                         "type",
                                         "customer_since",
                                         "leave_date",
                                         "is_active",
                                         "manager_id",
                                         "end",
                                         "cancel_at",
                                         "unit_amount",
                                         "valid_to"};
    for (const auto& [name, time] :
         std::vector<std::pair<std::string, std::string>>{{"lead", "created_at"},
                                                          {"account", "created_at"},
                                                          {"rep", "hire_date"},
                                                          {"subscription", "start"},
                                                          {"rep_assignment", "valid_from"}}) {
      ASSERT_EQ(rows_before(early.table(name), time, us, changing),
                rows_before(late.table(name), time, us, changing))
          << name;
      ASSERT_EQ(rows_before(early.table(name), time, us).size(), early.table(name).num_rows()) << name;
    }
    // Changing columns of opportunity: replayed from the later book's events.
    const Table& then = early.table("opportunity");
    const Table& now = late.table("opportunity");
    const auto states = replay(late.table("opportunity_event"), us);
    std::map<std::string, std::size_t> row_now;
    std::size_t created = 0;
    for (std::size_t row = 0; row < now.num_rows(); ++row) {
      row_now[std::string(now.column("opportunity_id").text(row))] = row;
      created += now.column("created_at").values<std::int64_t>()[row] < us ? 1U : 0U;
    }
    ASSERT_EQ(then.num_rows(), created);
    for (std::size_t row = 0; row < then.num_rows(); ++row) {
      const std::string id(then.column("opportunity_id").text(row));
      const auto& state = states.at(id);
      const auto held = [&](const std::string& field, const std::string& column) {
        if (const auto at = state.find(field); at != state.end()) return at->second;
        const Column& values = now.column(column);
        return values.type() == Type::money ? major(values.values<std::int64_t>()[row_now.at(id)])
                                            : values.cell(row_now.at(id));
      };
      ASSERT_EQ(held("stage", "stage_id"), then.column("stage_id").text(row));
      ASSERT_EQ(held("amount", "amount"), major(then.column("amount").values<std::int64_t>()[row]));
      ASSERT_EQ(held("close_date", "close_date"), then.column("close_date").cell(row));
      ASSERT_EQ(held("owner", "owner_id"), then.column("owner_id").text(row));
      ASSERT_EQ(held("forecast_category", "forecast_category"), then.column("forecast_category").text(row));
      if (then.column("closed_at").valid(row)) {
        ASSERT_LT(then.column("closed_at").values<std::int64_t>()[row], us);
      }
    }
    // Nothing of the truth depends on the end.
    ASSERT_EQ(hash_of(early.truth.deals), hash_of(late.truth.deals));
    for (const std::string time : {"converted_at", "disqualified_at", "available_at"}) {
      const Column& at = early.table("lead").column(time);
      for (std::size_t row = 0; row < at.size(); ++row)
        if (at.valid(row)) {
          ASSERT_LT(at.values<std::int64_t>()[row], us) << time;
        }
    }
  }
}

TEST(Sample, LooksLikeABusiness) {
  const Sample sample = sample::crm(of_size(20'000));
  const Table& deals = sample.table("opportunity");
  const Table& truth = sample.truth.deals;
  const auto closed = deals.column("is_closed").values<std::uint8_t>();
  const auto won = deals.column("is_won").values<std::uint8_t>();
  const auto created = deals.column("created_at").values<std::int64_t>();
  const auto closed_at = deals.column("closed_at").values<std::int64_t>();
  std::vector<std::uint8_t> won_of_closed;
  std::vector<double> won_days, lost_days;
  std::vector<std::uint8_t> late_in_quarter;
  for (std::size_t row = 0; row < deals.num_rows(); ++row) {
    ASSERT_LT(Instant{created[row]}.utc_date().weekday(), 5);
    if (closed[row] == 0) continue;
    ASSERT_GT(closed_at[row], created[row]);
    if (deals.column("type").text(row) == "renewal") continue;
    won_of_closed.push_back(won[row]);
    const double days = static_cast<double>(closed_at[row] - created[row]) / static_cast<double>(us_per_day);
    (won[row] != 0 ? won_days : lost_days).push_back(days);
    if (won[row] != 0) {
      const auto day = Instant{closed_at[row]}.utc_date().ymd();
      late_in_quarter.push_back(day.month % 3 == 0 && day.day >= 26 ? 1 : 0);
    }
  }
  RecordProperty("win_rate", std::to_string(share(won_of_closed)));
  EXPECT_GT(share(won_of_closed), 0.20);
  EXPECT_LT(share(won_of_closed), 0.35);
  EXPECT_NEAR(median(won_days), 45, 12);
  EXPECT_NEAR(median(lost_days), 140, 35);
  EXPECT_GT(share(late_in_quarter), 0.12);  // 5 or 6 of 91 days would be 0.06
  const double open = 1 - share({closed.begin(), closed.end()});
  EXPECT_GT(open, 0.03);
  EXPECT_LT(open, 0.30);

  // The stated win probabilities are the frequencies, in each fifth of them.
  std::vector<std::pair<double, int>> pairs;
  for (std::size_t row = 0; row < truth.num_rows(); ++row)
    pairs.emplace_back(truth.column("win_probability").values<double>()[row],
                       truth.column("is_won").values<std::uint8_t>()[row]);
  std::sort(pairs.begin(), pairs.end());
  for (std::size_t fifth = 0; fifth < 5; ++fifth) {
    double stated = 0, seen = 0;
    for (std::size_t i = fifth * 4000; i < (fifth + 1) * 4000; ++i) {
      stated += pairs[i].first;
      seen += pairs[i].second;
    }
    EXPECT_NEAR(seen / 4000, stated / 4000, 0.035) << fifth;
  }
}

TEST(Sample, RefersOnlyToRowsThatExist) {
  SampleOptions options = of_size(2000);
  options.end = Date::from_ymd(2024, 8, 15);
  const Sample sample = sample::crm(options);
  const std::vector<std::array<std::string, 4>> links{
      {"opportunity", "account_id", "account", "account_id"},
      {"opportunity", "owner_id", "rep", "rep_id"},
      {"opportunity", "lead_id", "lead", "lead_id"},
      {"opportunity_event", "opportunity_id", "opportunity", "opportunity_id"},
      {"contact", "account_id", "account", "account_id"},
      {"lead", "owner_id", "rep", "rep_id"},
      {"lead", "converted_opportunity_id", "opportunity", "opportunity_id"},
      {"lead", "converted_contact_id", "contact", "contact_id"},
      {"activity", "opportunity_id", "opportunity", "opportunity_id"},
      {"activity", "contact_id", "contact", "contact_id"},
      {"activity", "lead_id", "lead", "lead_id"},
      {"activity", "actor_id", "rep", "rep_id"},
      {"transaction", "opportunity_id", "opportunity", "opportunity_id"},
      {"transaction", "reverses_txn_id", "transaction", "txn_id"},
      {"subscription_event", "subscription_id", "subscription", "subscription_id"},
      {"rep_assignment", "team_id", "team", "team_id"}};
  for (const auto& [table, column, target, key] : links) {
    std::set<std::string> keys;
    const Column& named = sample.table(target).column(key);
    for (std::size_t row = 0; row < named.size(); ++row) keys.insert(named.cell(row));
    EXPECT_EQ(keys.size(), named.size()) << target << " has a key twice";
    const Column& refers = sample.table(table).column(column);
    std::size_t filled = 0;
    for (std::size_t row = 0; row < refers.size(); ++row) {
      if (!refers.valid(row)) continue;
      ++filled;
      ASSERT_TRUE(keys.contains(refers.cell(row))) << table << "." << column << " " << refers.cell(row);
    }
    EXPECT_GT(filled, 0U) << table << "." << column;
  }
}

TEST(Sample, RefusesImpossibleOptions) {
  const auto refused = [](auto&& change) {
    SampleOptions options;
    change(options);
    EXPECT_THROW(sample::crm(options), UsageError);
  };
  refused([](SampleOptions& o) { o.deals = -1; });
  refused([](SampleOptions& o) { o.months = 0; });
  refused([](SampleOptions& o) { o.reps = 0; });
  refused([](SampleOptions& o) { o.currency = "usd"; });
  refused([](SampleOptions& o) { o.dirt = std::nan(""); });
  refused([](SampleOptions& o) { o.pipelines = 3; });
  refused([](SampleOptions& o) { o.end = Date::from_ymd(2026, 1, 2); });
  EXPECT_THROW(static_cast<void>(sample::crm(of_size(1)).table("deal")), UsageError);
}
