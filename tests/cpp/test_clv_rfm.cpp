#include <map>
#include <set>

#include "salesops/clv/rfm.hpp"
#include "test_data.hpp"

namespace clv = salesops::clv;
using salesops::Column;
using salesops::Date;
using salesops::Table;
using salesops::Type;
using salesops::UsageError;

namespace {

std::int32_t day(const char* text) { return Date::parse(text)->days; }

struct Transaction {
  std::int64_t customer;
  std::int32_t day;
  std::int64_t minor;
};

Table table_of(const std::vector<Transaction>& rows) {
  std::vector<std::int64_t> customer, amount;
  std::vector<std::int32_t> time;
  for (const auto& row : rows) {
    customer.push_back(row.customer);
    time.push_back(row.day);
    amount.push_back(row.minor);
  }
  return Table({{"customer", Column::of(Type::int64, customer)},
                {"time", Column::of(Type::date, time)},
                {"amount", Column::of(Type::money, amount).with_currency("USD")}});
}

clv::RfmColumns with_amount() {
  clv::RfmColumns columns;
  columns.amount = "amount";
  return columns;
}

/// The transactions of lifetimes' own tests.
std::vector<Transaction> toy() {
  return {{1, day("2015-01-01"), 100}, {1, day("2015-02-06"), 200}, {2, day("2015-01-01"), 200},
          {3, day("2015-01-01"), 300}, {3, day("2015-01-02"), 100}, {3, day("2015-01-05"), 500},
          {4, day("2015-01-16"), 600}, {4, day("2015-02-02"), 300}, {4, day("2015-02-05"), 300},
          {5, day("2015-01-16"), 300}, {5, day("2015-01-17"), 100}, {5, day("2015-01-18"), 800},
          {6, day("2015-02-02"), 500}};
}

/// All columns as bits, NaN by NaN.
std::vector<std::vector<std::uint64_t>> bits_of(const clv::Rfm& rfm) {
  std::vector<std::vector<std::uint64_t>> all;
  const auto add = [&](const auto& column) {
    std::vector<std::uint64_t> bits;
    for (const auto value : column) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, double>)
        bits.push_back(std::bit_cast<std::uint64_t>(value));
      else
        bits.push_back(static_cast<std::uint64_t>(value));
    }
    all.push_back(std::move(bits));
  };
  for (const auto* column : {&rfm.frequency, &rfm.recency, &rfm.T, &rfm.days_since_last, &rfm.sum_log_gaps,
                             &rfm.monetary_value, &rfm.spend_frequency, &rfm.holdout_frequency})
    add(*column);
  add(rfm.total_spend);
  add(rfm.holdout_spend);
  std::vector<std::uint64_t> names;
  for (std::size_t i = 0; i < rfm.customer.size(); ++i)
    names.push_back(std::hash<std::string>{}(rfm.customer.cell(i)));
  all.push_back(names);
  return all;
}

std::vector<Transaction> random_transactions(std::size_t n, std::int64_t customers, std::uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Transaction> rows(n);
  for (auto& row : rows)
    row = {static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(customers)) - customers / 3,
           day("2020-01-01") + static_cast<std::int32_t>(random() % 700),
           static_cast<std::int64_t>(random() % 9000) - 1500};
  return rows;
}

/// The definition, written plainly.
struct Plain {
  double frequency = 0, recency = 0, T = 0, mean = 0, total = 0, holdout = 0;
};
std::map<std::int64_t, Plain> plain_rfm(const std::vector<Transaction>& rows, std::int32_t calibration_end,
                                        std::int32_t holdout_end) {
  std::map<std::int64_t, std::map<std::int32_t, std::pair<std::int64_t, bool>>> days;
  for (const auto& row : rows) {
    auto& [net, refund] = days[row.customer][row.day];
    net += row.minor;
    refund = refund || row.minor < 0;
  }
  std::map<std::int64_t, Plain> result;
  for (const auto& [customer, by_day] : days) {
    std::vector<std::int32_t> bought;
    Plain plain;
    double spend = 0, spends = 0;
    for (const auto& [when, what] : by_day) {
      const bool counts = !what.second || what.first > 0;
      if (when > holdout_end) continue;
      if (when > calibration_end) {
        plain.holdout += counts ? 1 : 0;
        continue;
      }
      plain.total += static_cast<double>(what.first);
      if (!counts) continue;
      if (!bought.empty() && what.first > 0) {
        spend += static_cast<double>(what.first);
        ++spends;
      }
      bought.push_back(when);
    }
    if (bought.empty()) continue;
    plain.frequency = static_cast<double>(bought.size()) - 1;
    plain.recency = bought.back() - bought.front();
    plain.T = calibration_end - bought.front();
    plain.mean = spends > 0 ? spend / (100 * spends) : std::nan("");
    result[customer] = plain;
  }
  return result;
}

}  // namespace

TEST(Rfm, GivesTheToyFrameOfLifetimes) {
  clv::RfmOptions options;
  options.observation_end = Date{day("2015-02-07")};
  const auto rfm = clv::rfm(table_of(toy()), with_amount(), options);
  EXPECT_EQ(rfm.frequency, (std::vector<double>{1, 0, 2, 2, 2, 0}));
  EXPECT_EQ(rfm.recency, (std::vector<double>{36, 0, 4, 20, 2, 0}));
  EXPECT_EQ(rfm.T, (std::vector<double>{37, 37, 37, 22, 22, 5}));
  EXPECT_EQ(rfm.monetary_value[0], 2);
  EXPECT_TRUE(std::isnan(rfm.monetary_value[1]));
  EXPECT_EQ(rfm.monetary_value[2], 3);
  EXPECT_EQ(rfm.monetary_value[4], 4.5);
  EXPECT_EQ(rfm.days_since_last, (std::vector<double>{1, 37, 33, 2, 20, 5}));
  EXPECT_EQ(rfm.total_spend[4], 1200);
  EXPECT_NEAR(rfm.sum_log_gaps[2], std::log(1.0) + std::log(3.0), 1e-15);
  EXPECT_TRUE(rfm.holdout_frequency.empty());
  EXPECT_TRUE(rfm.issues.empty());
  EXPECT_EQ(rfm.to_table().column("monetary_value").null_count(), 2U);
}

TEST(Rfm, CountsTheFirstPurchaseWhenAsked) {
  clv::RfmOptions options;
  options.observation_end = Date{day("2015-02-07")};
  options.include_first = true;
  const auto rfm = clv::rfm(table_of(toy()), with_amount(), options);
  EXPECT_EQ(rfm.frequency, (std::vector<double>{2, 1, 3, 3, 3, 1}));
  EXPECT_EQ(rfm.monetary_value, (std::vector<double>{1.5, 2, 3, 4, 4, 5}));
}

TEST(Rfm, TakesTheLatestDayAsTheEnd) {
  const auto rfm = clv::rfm(table_of(toy()), with_amount());
  EXPECT_EQ(rfm.calibration_end.day.to_string(), "2015-02-06");
  EXPECT_EQ(rfm.T[0], 36);
}

TEST(Rfm, SplitsCalibrationFromHoldout) {
  clv::RfmOptions options;
  options.unit = clv::TimeUnit::week;
  options.calibration_end = Date{day("2015-01-16")};
  options.holdout_end = Date{day("2015-02-05")};
  const auto rfm = clv::rfm(table_of(toy()), with_amount(), options);
  ASSERT_EQ(rfm.size(), 5U);  // 6 came later
  EXPECT_EQ(rfm.T[0], 15.0 / 7);
  EXPECT_EQ(rfm.holdout_frequency, (std::vector<double>{0, 0, 0, 2, 2}));
  EXPECT_EQ(rfm.holdout_spend, (std::vector<std::int64_t>{0, 0, 0, 600, 900}));
  EXPECT_EQ(rfm.holdout_duration, 20.0 / 7);
  EXPECT_EQ(rfm.issues.count("new_in_holdout"), 1);
  EXPECT_EQ(rfm.issues.count("after_end"), 1);
}

TEST(Rfm, MergesTheRowsOfADayAndHandlesRefunds) {
  const auto d = day("2020-03-01");
  const auto rfm = clv::rfm(table_of({{1, d, 1000},
                                      {1, d + 5, 700},  // two rows and a partial refund: one purchase of 9
                                      {1, d + 5, 400},
                                      {1, d + 5, -200},
                                      {1, d + 9, -300},  // a refund alone
                                      {1, d + 12, 500},  // bought and given back on one day
                                      {1, d + 12, -500},
                                      {1, d + 20, 0},  // free of charge
                                      {2, d + 1, -50}}),
                            with_amount());
  ASSERT_EQ(rfm.size(), 1U);
  EXPECT_EQ(rfm.frequency[0], 2);
  EXPECT_EQ(rfm.recency[0], 20);
  EXPECT_EQ(rfm.monetary_value[0], 9);
  EXPECT_EQ(rfm.spend_frequency[0], 1);
  EXPECT_EQ(rfm.total_spend[0], 1600);
  EXPECT_EQ(rfm.issues.count("same_period"), 3);
  EXPECT_EQ(rfm.issues.count("refund_day"), 3);
  EXPECT_EQ(rfm.issues.count("zero_amount"), 1);
  EXPECT_EQ(rfm.issues.count("no_purchase"), 1);
}

TEST(Rfm, CountsCivilPeriodsWhenDiscrete) {
  clv::RfmOptions options;
  options.discrete = true;
  options.unit = clv::TimeUnit::month;
  options.observation_end = Date{day("2021-02-01")};
  const auto months = clv::rfm(table_of({{1, day("2020-01-31"), 1},
                                         {1, day("2020-02-01"), 1},
                                         {1, day("2020-02-29"), 1},
                                         {1, day("2020-12-01"), 1}}),
                               with_amount(), options);
  EXPECT_EQ(months.frequency[0], 2);
  EXPECT_EQ(months.recency[0], 11);
  EXPECT_EQ(months.T[0], 13);
  EXPECT_NEAR(months.sum_log_gaps[0], std::log(10.0), 1e-15);
  options.unit = clv::TimeUnit::week;
  options.observation_end = Date{day("1970-01-12")};  // 1970-01-05 and 01-12 were Mondays
  const auto weeks =
      clv::rfm(table_of({{1, day("1969-12-28"), 1}, {1, day("1970-01-04"), 1}, {1, day("1970-01-05"), 1}}),
               with_amount(), options);
  EXPECT_EQ(weeks.frequency[0], 2);
  EXPECT_EQ(weeks.recency[0], 2);
  EXPECT_EQ(weeks.T[0], 3);
}

TEST(Rfm, KnowsTheDayOfTheZone) {
  // 2024-03-09T23:30 in New York is 2024-03-10T04:30Z; the clocks change that night.
  const std::vector<std::string> texts{"2024-03-10T04:30:00Z", "2024-03-09", "2024-03-09T23:59:59-05:00",
                                       "rubbish"};
  const Table table({{"who", Column::of(Type::int32, std::vector<std::int32_t>{7, 7, 7, 7})},
                     {"when", Column::of_strings(texts)}});
  clv::RfmColumns columns{.customer = "who", .time = "when", .amount = "", .currency = ""};
  columns.zone = salesops::TimeZone::load("America/New_York");
  const auto local = clv::rfm(table, columns);
  EXPECT_EQ(local.frequency[0], 0);
  EXPECT_EQ(local.issues.count("not_a_date"), 1);
  columns.zone = {};
  EXPECT_EQ(clv::rfm(table, columns).frequency[0], 1);
}

TEST(Rfm, AgreesWithThePlainDefinition) {
  const auto rows = random_transactions(60'000, 4000, 1);
  clv::RfmOptions options;
  options.calibration_end = Date{day("2021-03-01")};
  options.holdout_end = Date{day("2021-09-01")};
  const auto rfm = clv::rfm(table_of(rows), with_amount(), options);
  const auto plain = plain_rfm(rows, options.calibration_end->day.days, options.holdout_end->day.days);
  ASSERT_EQ(rfm.size(), plain.size());
  std::size_t i = 0;
  for (const auto& [customer, want] : plain) {
    ASSERT_EQ(rfm.customer.values<std::int64_t>()[i], customer);
    ASSERT_EQ(rfm.frequency[i], want.frequency);
    ASSERT_EQ(rfm.recency[i], want.recency);
    ASSERT_EQ(rfm.T[i], want.T);
    ASSERT_TRUE(rfm.monetary_value[i] == want.mean ||
                (std::isnan(rfm.monetary_value[i]) && std::isnan(want.mean)));
    ASSERT_EQ(static_cast<double>(rfm.total_spend[i]), want.total);
    ASSERT_EQ(rfm.holdout_frequency[i], want.holdout);
    ++i;
  }
}

TEST(Rfm, OfBatchesEqualsTheWholeToTheBit) {
  auto rows = random_transactions(50'000, 3000, 2);
  clv::RfmOptions options;
  options.unit = clv::TimeUnit::week;
  options.calibration_end = Date{day("2021-03-01")};
  const auto whole = clv::rfm(table_of(rows), with_amount(), options);
  std::shuffle(rows.begin(), rows.end(), std::mt19937(3));
  for (const std::size_t batch : {50'000UL, 20'000UL, 7'001UL}) {
    clv::RfmState state;
    for (std::size_t first = 0; first < rows.size(); first += batch) {
      const auto last = std::min(rows.size(), first + batch);
      const std::vector<Transaction> part(rows.begin() + static_cast<std::ptrdiff_t>(first),
                                          rows.begin() + static_cast<std::ptrdiff_t>(last));
      state.merge(clv::RfmState::partial(table_of(part), with_amount(), {.threads = 1}));
    }
    const auto merged = state.finish(options);
    EXPECT_EQ(bits_of(merged), bits_of(whole));
    EXPECT_EQ(merged.issues.count("same_period"), whole.issues.count("same_period"));
    EXPECT_EQ(merged.issues.count("refund_day"), whole.issues.count("refund_day"));
  }
}

TEST(Rfm, OfTextAndOfWideNumbersIsThatOfNarrowNumbers) {
  const auto rows = random_transactions(30'000, 2000, 4);
  const auto narrow = clv::rfm(table_of(rows), with_amount());
  std::vector<std::string> names;
  std::vector<std::int64_t> wide;
  for (const auto& row : rows) {
    names.push_back("customer number " + std::to_string(2'000'000 + row.customer));
    wide.push_back(row.customer * 3'000'000'000'000);
  }
  const Table table = table_of(rows);
  const auto by_name = clv::rfm(table.with("customer", Column::of_strings(names)), with_amount());
  const auto by_wide = clv::rfm(table.with("customer", Column::of(Type::int64, wide)), with_amount());
  auto want = bits_of(narrow);
  for (const auto& other : {by_name, by_wide}) {
    auto got = bits_of(other);
    got.pop_back();
    EXPECT_TRUE(std::equal(got.begin(), got.end(), want.begin()));
  }
  EXPECT_EQ(by_name.customer.text(0).substr(0, 16), "customer number ");
  EXPECT_EQ(by_wide.customer.values<std::int64_t>()[5],
            narrow.customer.values<std::int64_t>()[5] * 3'000'000'000'000);
}

TEST(Rfm, MergesTextCustomersOfDifferentDictionaries) {
  const auto batch = [](const std::vector<std::string>& who, std::vector<std::int32_t> when) {
    return clv::RfmState::partial(
        Table({{"customer", Column::of_strings(who)}, {"time", Column::of(Type::date, std::move(when))}}));
  };
  auto state = batch({"beta", "alpha", "beta"}, {10, 11, 12});
  state.merge(batch({"gamma", "alpha", "beta"}, {9, 20, 12}));
  const auto rfm = state.finish();
  ASSERT_EQ(rfm.size(), 3U);
  EXPECT_EQ(rfm.customer.text(0), "alpha");
  EXPECT_EQ(rfm.frequency, (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(rfm.recency, (std::vector<double>{9, 2, 0}));
  EXPECT_EQ(rfm.issues.count("same_period"), 1);
  EXPECT_FALSE(rfm.has_amount);
  EXPECT_TRUE(rfm.monetary_value.empty());
}

TEST(Rfm, ReportsRowsItCannotUse) {
  const std::vector<std::uint8_t> no_first{0, 1, 1, 1};
  const std::vector<std::uint8_t> no_second{1, 0, 1, 1};
  const std::vector<std::uint8_t> no_third{1, 1, 0, 1};
  const Table table({{"customer", Column::of(Type::int64, std::vector<std::int64_t>{1, 1, 1, 1}, no_first)},
                     {"time", Column::of(Type::date, std::vector<std::int32_t>{1, 2, 3, 4}, no_second)},
                     {"amount", Column::of(Type::float64, std::vector<double>{1, 1, 1, 2.345}, no_third)}});
  const auto rfm = clv::rfm(table, with_amount());
  EXPECT_EQ(rfm.frequency, (std::vector<double>{1}));
  EXPECT_EQ(rfm.total_spend, (std::vector<std::int64_t>{234}));
  for (const char* rule : {"no_customer", "no_time", "no_amount", "lost_digit", "zero_amount"})
    EXPECT_EQ(rfm.issues.count(rule), 1) << rule;
}

TEST(Rfm, RoundsDoublesFromTheirDigits) {
  const auto total = [](double amount) {
    const Table table({{"customer", Column::of(Type::int64, std::vector<std::int64_t>{1, 1})},
                       {"time", Column::of(Type::date, std::vector<std::int32_t>{1, 2})},
                       {"amount", Column::of(Type::float64, std::vector<double>{100, amount})}});
    return clv::rfm(table, with_amount()).total_spend.at(0) - 10'000;
  };
  EXPECT_EQ(total(1.005), 100);  // half to even, of the digits and not of the binary fraction
  EXPECT_EQ(total(1.015), 102);
  EXPECT_EQ(total(0.29), 29);
  EXPECT_EQ(total(-19.99), -1999);
  EXPECT_EQ(total(4'503'599'627'370.51), 450'359'962'737'051);
}

TEST(Rfm, SaysWhatIsWrongWithTheCall) {
  const Table table = table_of(toy());
  const auto fails = [&](clv::RfmColumns columns, clv::RfmOptions options) {
    EXPECT_THROW((void)clv::rfm(table, columns, options), UsageError);
  };
  fails({.customer = "who", .time = "time", .amount = "", .currency = ""}, {});
  fails({.customer = "customer", .time = "amount", .amount = "", .currency = ""}, {});
  fails({.customer = "time", .time = "time", .amount = "", .currency = ""}, {});
  clv::RfmOptions options;
  options.holdout_end = Date{day("2015-02-01")};
  fails({}, options);
  options.calibration_end = Date{day("2015-02-01")};
  fails({}, options);
  options.holdout_end = Date{day("2015-03-01")};
  options.observation_end = Date{day("2015-02-20")};
  fails({}, options);
  EXPECT_THROW((void)clv::rfm(table.slice(0, 0)), UsageError);
  clv::RfmOptions end;
  end.observation_end = Date{0};
  EXPECT_EQ(clv::rfm(table.slice(0, 0), with_amount(), end).size(), 0U);
  EXPECT_EQ(clv::rfm(table, with_amount(), end).size(), 0U);
  auto euro = with_amount();
  euro.currency = "EUR";
  EXPECT_THROW((void)clv::rfm(table, euro), salesops::UnitError);
  auto state = clv::RfmState::partial(table, with_amount());
  EXPECT_THROW(state.merge(clv::RfmState::partial(table)), UsageError);
  const auto huge = table_of({{1, 0, std::numeric_limits<std::int64_t>::max()}, {1, 1, 1}});
  EXPECT_THROW((void)clv::rfm(huge, with_amount()), UsageError);
}

TEST(Rfm, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  clv::RfmOptions options;
  options.execution.stop = stop.get_token();
  EXPECT_THROW((void)clv::rfm(table_of(toy()), {}, options), salesops::Cancelled);
}

TEST(Rfm, OfTheCdnowSampleIsThatOfThePapers) {
  const auto folder = test_data();
  if (folder.empty()) GTEST_SKIP();
  std::ifstream file(folder / "clv" / "CDNOW_sample.txt");
  std::vector<Transaction> rows;
  std::string master, sample, date, number, value;
  while (file >> master >> sample >> date >> number >> value)
    rows.push_back({std::stoll(sample),
                    day((date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6)).c_str()),
                    std::llround(std::stod(value) * 100)});
  clv::RfmOptions options;
  options.unit = clv::TimeUnit::week;
  options.calibration_end = Date{day("1997-09-30")};
  options.holdout_end = Date{day("1998-06-30")};
  const auto rfm = clv::rfm(table_of(rows), with_amount(), options);
  ASSERT_EQ(rfm.size(), 2357U);
  std::set<std::array<double, 3>> distinct;
  for (std::size_t i = 0; i < rfm.size(); ++i) distinct.insert({rfm.frequency[i], rfm.recency[i], rfm.T[i]});
  EXPECT_EQ(distinct.size(), 1016U);
  EXPECT_EQ(rfm.holdout_duration, 39);
  EXPECT_EQ(std::accumulate(rfm.holdout_frequency.begin(), rfm.holdout_frequency.end(), 0.0), 1882);
  EXPECT_EQ(rfm.issues.count("same_period"), 223);
  EXPECT_EQ(rfm.issues.count("zero_amount"), 8);
  EXPECT_EQ(
      std::count_if(rfm.spend_frequency.begin(), rfm.spend_frequency.end(), [](double n) { return n > 0; }),
      946);

  std::ifstream published(folder / "clv" / "cdnow_customers_summary_with_transactions.csv");
  std::string line;
  std::getline(published, line);
  for (std::size_t i = 0; i < rfm.size(); ++i) {
    double id = 0, x = 0, t_x = 0, T = 0, mean = 0;
    char comma = 0;
    ASSERT_TRUE(published >> id >> comma >> x >> comma >> t_x >> comma >> T >> comma >> mean);
    ASSERT_EQ(rfm.frequency[i], x);
    ASSERT_NEAR(rfm.recency[i], t_x, 0.005001);
    ASSERT_NEAR(rfm.T[i], T, 0.005001);
    ASSERT_NEAR(std::isnan(rfm.monetary_value[i]) ? 0 : rfm.monetary_value[i], mean, 0.01);
  }
}

TEST(RfmScores, GiveEqualValuesEqualScores) {
  EXPECT_EQ(clv::scores(std::vector<double>{10, 20, 30, 40, 50}), (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(clv::scores(std::vector<double>{10, 20, 30, 40, 50}, 5, true), (std::vector<int>{5, 4, 3, 2, 1}));
  // Seven of ten never came back: they share the lowest score, and the next begin where seven tenths lie
  // below.
  EXPECT_EQ(clv::scores(std::vector<double>{0, 0, 0, 0, 0, 0, 0, 1, 1, 9}),
            (std::vector<int>{1, 1, 1, 1, 1, 1, 1, 4, 4, 5}));
  EXPECT_EQ(clv::scores(std::vector<double>{std::nan(""), 1, 2}, 2), (std::vector<int>{1, 1, 2}));
  EXPECT_TRUE(clv::scores({}).empty());
  EXPECT_THROW((void)clv::scores(std::vector<double>{1}, 1), UsageError);
}

TEST(RfmScores, NameSegments) {
  EXPECT_EQ(clv::segment_name(5, 5), "champion");
  EXPECT_EQ(clv::segment_name(1, 5), "can't lose");
  EXPECT_EQ(clv::segment_name(5, 1), "new");
  EXPECT_EQ(clv::segment_name(0, 1), "");
  const auto scored = clv::rfm_scores(clv::rfm(table_of(toy()), with_amount()));
  EXPECT_EQ(scored.recency.front(), 5);
  EXPECT_EQ(scored.segment.size(), 6U);
  EXPECT_EQ(scored.monetary[4], 4);  // with another one that spent as much: four of six spent less
  EXPECT_TRUE(clv::rfm_scores(clv::rfm(table_of(toy())), 4).segment.empty());
}

TEST(Regularity, FindsTheShapeOfSimulatedGaps) {
  // Erlang-3 gaps of 3000 customers with rates of their own, ten to thirty each, in long days.
  std::mt19937_64 random(5);
  std::vector<Transaction> rows;
  for (std::int64_t customer = 0; customer < 3000; ++customer) {
    double time = 0;
    const double scale = std::gamma_distribution<double>(3.0, 100.0)(random);
    const int n = 11 + static_cast<int>(random() % 20);
    for (int i = 0; i <= n && time < 2'500'000; ++i) {
      rows.push_back({customer, static_cast<std::int32_t>(time), 1});
      time += std::gamma_distribution<double>(3.0, scale)(random);
    }
  }
  const auto state = clv::RfmState::partial(table_of(rows));
  EXPECT_NEAR(*state.regularity(clv::RegularityMethod::mle).k, 3, 0.05);
  EXPECT_NEAR(*state.regularity(clv::RegularityMethod::wheat).k, 3, 0.3);
  // Medians of few gaps are biased upwards, as their authors say.
  for (const auto method :
       {clv::RegularityMethod::minka, clv::RegularityMethod::thom, clv::RegularityMethod::cv})
    EXPECT_NEAR(*state.regularity(method).k, 3.3, 0.4);
  EXPECT_GT(state.regularity().customers, 2900);
}

TEST(RfmState, GoesThroughJson) {
  std::vector<Transaction> rows = toy();
  rows.push_back({4, day("2015-02-03"), -250});
  rows.push_back({2, day("2015-01-01"), 700});
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back("Käufer " + std::to_string(row.customer));
  const Table numbered = table_of(rows);
  const Table named({{"customer", Column::of_strings(names)},
                     {"time", numbered.column("time")},
                     {"amount", numbered.column("amount")}});
  for (const Table& table : {numbered, named}) {
    const auto state = clv::RfmState::partial(table, with_amount());
    const auto read = clv::RfmState::from_json(state.to_json());
    EXPECT_EQ(read.to_json(), state.to_json());
    EXPECT_EQ(bits_of(read.finish()), bits_of(state.finish()));
    EXPECT_EQ(read.finish().issues.count("refund_day"), state.finish().issues.count("refund_day"));
    EXPECT_EQ(read.finish().currency, "USD");
    // Merged on another machine.
    auto both = clv::RfmState::from_json(state.to_json());
    both.merge(state);
    auto twice = state;
    twice.merge(state);
    EXPECT_EQ(bits_of(both.finish()), bits_of(twice.finish()));
  }
  auto empty = clv::RfmState::from_json(clv::RfmState().to_json());
  empty.merge(clv::RfmState::partial(named, with_amount()));
  EXPECT_EQ(empty.customers(), 6);
}

TEST(RfmState, KeepsItsIssuesThroughJson) {
  // 150 cases, of which only some are kept.
  std::vector<std::string> time(150, "no day");
  time.emplace_back("2026-01-05");
  const Table table({{"customer", Column::of(Type::int64, std::vector<std::int64_t>(151, 7))},
                     {"time", Column::of_strings(time)}});
  const auto state = clv::RfmState::partial(table);
  ASSERT_EQ(state.issues().count("not_a_date"), 150);
  const auto read = clv::RfmState::from_json(state.to_json());
  EXPECT_EQ(read.issues().total(), 150);
  const auto& kept = state.issues().rows();
  ASSERT_LT(kept.size(), 150);
  ASSERT_EQ(read.issues().rows().size(), kept.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(read.issues().rows()[i].row, kept[i].row);
    EXPECT_EQ(read.issues().rows()[i].value, kept[i].value);
    EXPECT_EQ(read.issues().rows()[i].severity, kept[i].severity);
  }
  EXPECT_EQ(read.to_json(), state.to_json());
}

TEST(RfmState, ReadsOnlyWhatItWrote) {
  const std::string good =
      clv::RfmState::partial(table_of({{1, 0, 5}, {1, 3, 7}, {2, 1, 1}}), with_amount()).to_json();
  EXPECT_EQ(clv::RfmState::from_json(good).days(), 3);
  const auto refuse = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << good;
    text.replace(at, from.size(), to);
    EXPECT_THROW((void)clv::RfmState::from_json(text), salesops::DataError) << text;
  };
  refuse("[0,5,1,3,7,1]", "[3,5,1,0,7,1]");
  refuse("[0,5,1,3,7,1]", "[0,5,1,3,7]");
  refuse("[0,5,1,3,7,1]", "[0,5,0,3,7,1]");
  refuse("[0,5,1,3,7,1]", "[0.5,5,1,3,7,1]");
  refuse("[0,5,1,3,7,1]", "[99999999,5,1]");
  refuse("[0,5,1,3,7,1],", "");
  refuse("[1,2]", "[2,1]");
  refuse("[1,2]", "[\"a\",\"b\"]");
  refuse("\"format\":1", "\"format\":2");
  refuse("\"zone\"", "\"none\"");
  refuse("{", "");
}

TEST(Regularity, HasNoAnswerWithoutGaps) {
  const auto state = clv::RfmState::partial(table_of({{1, 0, 1}, {1, 5, 1}, {2, 3, 1}}));
  for (const auto method :
       {clv::RegularityMethod::mle, clv::RegularityMethod::wheat, clv::RegularityMethod::minka,
        clv::RegularityMethod::thom, clv::RegularityMethod::cv}) {
    EXPECT_FALSE(state.regularity(method).k.has_value());
    EXPECT_EQ(state.regularity(method).customers, 0);
  }
  const auto even = clv::RfmState::partial(table_of({{1, 0, 1}, {1, 7, 1}, {1, 14, 1}, {1, 21, 1}}));
  EXPECT_TRUE(std::isinf(*even.regularity().k));
}

TEST(Rfm, CountsRepeatPurchasesOfACohortAsFinishDoes) {
  const auto state = clv::RfmState::partial(table_of(random_transactions(4000, 300, 5)), with_amount());
  const Date joined{day("2020-09-30")};
  std::vector<Date> ends;
  for (std::int32_t at = day("2020-01-03"); at < day("2021-11-01"); at += 40) ends.push_back(Date{at});
  const auto found = state.repeat_purchases(ends, joined);
  ASSERT_EQ(found.size(), ends.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    clv::RfmOptions options;
    options.calibration_end = std::min(ends[i], joined);
    if (ends[i] > joined) options.holdout_end = ends[i];
    options.observation_end = ends[i];
    const auto rows = state.finish(options);
    double sum = 0;
    for (const double n : rows.frequency) sum += n;
    for (const double n : rows.holdout_frequency) sum += n;
    EXPECT_EQ(static_cast<double>(found[i]), sum);
  }
  EXPECT_GT(found.back(), found.front());
  std::swap(ends[0], ends[1]);
  EXPECT_THROW((void)state.repeat_purchases(ends, joined), UsageError);
}
