#include <gtest/gtest.h>

#include <thread>

#include "salesops/crm.hpp"
#include "salesops/pipeline.hpp"

using namespace salesops;

namespace {

using Texts = std::vector<std::optional<std::string>>;

Column texts(const Texts& values) { return Column::of_strings(values); }

struct Quote {
  const char *date, *from, *to;
  double rate;
  const char* kind = "spot";
};

Table rates(const std::vector<Quote>& rows) {
  Texts date, from, to, kind;
  std::vector<double> rate;
  for (const Quote& row : rows) {
    date.emplace_back(row.date);
    from.emplace_back(row.from);
    to.emplace_back(row.to);
    kind.emplace_back(row.kind);
    rate.push_back(row.rate);
  }
  return Table({{"date", texts(date)},
                {"from", texts(from)},
                {"to", texts(to)},
                {"kind", texts(kind)},
                {"rate", Column::of(Type::float64, rate)}});
}

/// Deals won on 2026-01-31, one for each amount.
Table deals(const Texts& amounts, const Texts& currencies) {
  Texts ids, created(amounts.size(), "2026-01-01"), closed(amounts.size(), "2026-01-31");
  std::vector<std::uint8_t> won(amounts.size(), 1);
  for (std::size_t i = 0; i < amounts.size(); ++i) ids.emplace_back("d" + std::to_string(i));
  return Table({{"opportunity_id", texts(ids)},
                {"created_at", texts(created)},
                {"closed_at", texts(closed)},
                {"is_won", Column::of(Type::boolean, won)},
                {"amount", texts(amounts)},
                {"currency", texts(currencies)}});
}

std::vector<std::int64_t> amounts(const Crm& crm) {
  return {crm.deals().amount.begin(), crm.deals().amount.end()};
}

std::string refusal(const Crm& crm, const ConvertOptions& options = {}, const char* to = "EUR") {
  try {
    (void)crm.in_currency(to, options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

const std::vector<Quote> january{{"2026-01-31", "USD", "EUR", 0.925},
                                 {"2026-01-31", "JPY", "EUR", 0.0061},
                                 {"2026-01-31", "KWD", "EUR", 3.0},
                                 {"2026-01-31", "EUR", "BHD", 0.41}};

}  // namespace

TEST(InCurrency, RoundsEachAmountOnceHalfToEven) {
  const Crm crm =
      Crm::build({{"opportunity", deals({"100", "1005", "1.005", "1.015", "-1.005", "7", std::nullopt},
                                        {"USD", "JPY", "KWD", "KWD", "KWD", "EUR", "USD"})},
                  {"fx_rate", rates(january)}});
  EXPECT_EQ(crm.currency(), "");
  const Crm euros = crm.in_currency("EUR");
  // 1005 yen are 6.1305 euros; 1.005 dinars 3.015, a tie, as are 1.015 (3.045) and -1.005.
  EXPECT_EQ(amounts(euros), (std::vector<std::int64_t>{9250, 613, 302, 304, -302, 700, null_value}));
  EXPECT_EQ(euros.currency(), "EUR");
  for (std::size_t row = 0; row < 7; ++row)
    EXPECT_EQ(euros.column("opportunity", "currency").text(row), "EUR");
  EXPECT_EQ(euros.issues().count("opportunity", "currency", "converted_at_spot"), 5);
  EXPECT_EQ(euros.issues().count("converted_by_inverse"), 0);
  EXPECT_EQ(amounts(crm)[0], 10000) << "the book itself stays as it is";
}

TEST(InCurrency, InvertsAndTriangulatesExactly) {
  const Crm crm = Crm::build(
      {{"opportunity", deals({"92.50", "10", "100"}, {"EUR", "EUR", "USD"})}, {"fx_rate", rates(january)}});
  // 92.50 / 0.925 is 100 exactly.
  EXPECT_EQ(amounts(crm.in_currency("USD")), (std::vector<std::int64_t>{10000, 1081, 10000}));
  EXPECT_EQ(crm.in_currency("USD").issues().count("converted_by_inverse"), 2);
  EXPECT_NE(refusal(crm, {}, "JPY").find("USD on 2026-01-31"), std::string::npos);
  ConvertOptions through;
  through.through = "EUR";
  // 10 / 0.0061 = 1639.34; 100 × 0.925 / 0.0061 = 15163.93.
  const Crm yen = crm.in_currency("JPY", through);
  EXPECT_EQ(amounts(yen), (std::vector<std::int64_t>{15164, 1639, 15164}));
  EXPECT_EQ(yen.issues().count("converted_through"), 1);
  // To three digits: 10 × 0.41 and 100 × 0.925 × 0.41.
  EXPECT_EQ(amounts(crm.in_currency("BHD", through)), (std::vector<std::int64_t>{37925, 4100, 37925}));
}

TEST(InCurrency, TakesTheLatestEarlierRateOfItsKindWithinItsAge) {
  const Crm crm = Crm::build({{"opportunity", deals({"100"}, {"USD"})},
                              {"fx_rate", rates({{"2025-12-30", "USD", "EUR", 0.5},
                                                 {"2026-01-02", "USD", "EUR", 0.9},
                                                 {"2026-02-01", "USD", "EUR", 0.7},
                                                 {"2025-02-01", "USD", "EUR", 0.8, "budget"},
                                                 {"2026-01-20", "USD", "EUR", 0.6, "month_avg"},
                                                 {"2026-01-31", "EUR", "USD", 4.0}})}});
  const auto amount = [&](const ConvertOptions& options) {
    return amounts(crm.in_currency("EUR", options))[0];
  };
  EXPECT_EQ(amount({}), 9000) << "29 days old, before the opposite pair of the day itself";
  EXPECT_EQ(amount({.max_age = 28}), 2500) << "too old, so the opposite pair";
  EXPECT_EQ(amount({.at = RateDay::create}), 5000);
  EXPECT_EQ(amount({.kind = RateKind::budget}), 8000);
  EXPECT_EQ(amount({.at = RateDay::create, .kind = RateKind::month_avg}), 6000) << "all of January";
  EXPECT_EQ(amount({.at = RateDay::fixed, .day = Date::from_ymd(2026, 2, 3)}), 7000);
  EXPECT_NE(refusal(crm, {.kind = RateKind::budget, .max_age = 30}).find("no budget rate to EUR"),
            std::string::npos);
  EXPECT_NE(refusal(crm, {.at = RateDay::fixed, .day = Date::from_ymd(2026, 3, 5)}).find("2026-03-05"),
            std::string::npos);
  EXPECT_THROW((void)crm.in_currency("EUR", {.max_age = -1}), UsageError);
}

TEST(InCurrency, NamesWhatHasNoRateOrLeavesItOut) {
  const Crm crm =
      Crm::build({{"opportunity", deals({"1", "2", "3", "4"}, {"USD", "GBP", std::nullopt, "Taler"})},
                  {"fx_rate", rates(january)}});
  const std::string text = refusal(crm);
  for (const char* part : {"for 3 amounts", "GBP on 2026-01-31 for 1", "XXX on", "an unknown code on",
                           "fx_rate", "max_age", "missing="})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  EXPECT_EQ(text.find("Taler"), std::string::npos) << "no cell values";
  const Crm euros = crm.in_currency("EUR", {.missing = NoRate::null});
  EXPECT_EQ(amounts(euros), (std::vector<std::int64_t>{92, null_value, null_value, null_value}));
  EXPECT_EQ(euros.issues().count("opportunity", "amount", "no_rate"), 3);
  EXPECT_EQ(euros.currency(), "EUR");
  const Table counts = euros.counts();
  EXPECT_EQ(counts.column("rows_in").values<std::int64_t>()[1], 4);
  EXPECT_EQ(counts.column("kept").values<std::int64_t>()[1], 4);
  EXPECT_NE(refusal(Crm::build({{"opportunity", deals({"1"}, {"USD"})}})).find("fx_rate"), std::string::npos);
}

TEST(InCurrency, RefusesWhatIsNoCurrencyOrRate) {
  const auto with = [](const std::vector<Quote>& rows) {
    return Crm::build({{"opportunity", deals({"1"}, {"USD"})}, {"fx_rate", rates(rows)}});
  };
  EXPECT_THROW((void)with(january).in_currency("EURO"), UsageError);
  EXPECT_THROW((void)with(january).in_currency("XXX"), UsageError);
  EXPECT_THROW((void)with(january).in_currency("EUR", {.through = "dollar"}), UsageError);
  for (const double rate : {0.0, -1.0, 1e-300, 1e300}) {
    const Crm crm = with({{"2026-01-31", "USD", "EUR", rate}});
    EXPECT_NE(refusal(crm), "");
    EXPECT_EQ(crm.in_currency("EUR", {.missing = NoRate::null})
                  .issues()
                  .count("fx_rate", "rate", "rate_out_of_range"),
              1);
  }
  // The same rate twice is one; two rates of a day are none, wherever they stand.
  const Quote one{"2026-01-31", "USD", "EUR", 0.9}, other{"2026-01-31", "USD", "EUR", 0.8};
  EXPECT_EQ(amounts(with({one, one}).in_currency("EUR"))[0], 90);
  for (const Crm& crm : {with({one, other}), with({other, one, one})})
    EXPECT_THROW((void)crm.in_currency("EUR"), DataError);
  EXPECT_NO_THROW(
      (void)with({one, {"2026-01-30", "CHF", "EUR", 1}, {"2026-01-30", "CHF", "EUR", 2}}).in_currency("EUR"));
}

TEST(InCurrency, IsExactForHugeAmountsAndRefusesOverflow) {
  const char* huge = "92233720368547758.07";
  const auto in_euros = [&](const char* amount, double rate) {
    return Crm::build({{"opportunity", deals({amount}, {"USD"})},
                       {"fx_rate", rates({{"2026-01-31", "USD", "EUR", rate}})}})
        .in_currency("EUR");
  };
  // 9223372036854775807 × 0.12345678901234566, the shortest decimal of that double, by integer arithmetic
  // elsewhere.
  EXPECT_EQ(amounts(in_euros(huge, 0.12345678901234567))[0], 1138687895536348896);
  EXPECT_EQ(amounts(in_euros(huge, 1.0))[0], 9223372036854775807);
  EXPECT_EQ(amounts(in_euros("-92233720368547758.07", 1.0))[0], -9223372036854775807);
  EXPECT_EQ(amounts(in_euros("1000000000000.00", 1e-12))[0], 100);
  EXPECT_THROW((void)in_euros(huge, 1.1), UsageError);
  EXPECT_THROW((void)in_euros("-92233720368547758.07", 1e12), UsageError);
}

namespace {

/// A deal in dollars whose amount moved, one in yen that closes later; their changes, snapshots, and money
/// elsewhere.
Crm moving_book() {
  return Crm::build(
      {{"opportunity", Table({{"opportunity_id", texts({"a", "b"})},
                              {"created_at", texts({"2026-01-01", "2026-01-10"})},
                              {"stage_id", texts({"won", "offer"})},
                              {"amount", texts({"120.50", "80000"})},
                              {"list_amount", texts({"200", "90000"})},
                              {"currency", texts({"USD", "JPY"})}})},
       {"opportunity_event",
        Table({{"opportunity_id", texts({"a", "a", "a", "b", "b"})},
               {"at", texts({"2026-02-01", "2026-02-15", "2026-03-01", "2026-02-01", "2026-03-10"})},
               {"field", texts({"stage", "amount", "stage", "stage", "amount"})},
               {"old", texts({"lead", "100", "offer", "lead", "70000"})},
               {"new", texts({"offer", "120.50", "won", "offer", "80000"})}})},
       {"opportunity_snapshot", Table({{"opportunity_id", texts({"b"})},
                                       {"snapshot_date", texts({"2026-01-15"})},
                                       {"amount", texts({"70000"})}})},
       {"stage_def", Table({{"stage_id", texts({"lead", "offer", "won", "lost"})},
                            {"rank", Column::of<std::int64_t>(Type::int64, {1, 2, 3, 4})},
                            {"type", texts({"open", "open", "won", "lost"})}})},
       {"transaction", Table({{"txn_id", texts({"t"})},
                              {"at", texts({"2026-02-10"})},
                              {"amount", texts({"10"})},
                              {"tax", texts({"2"})},
                              {"currency", texts({"USD"})}})},
       {"quota", Table({{"period_start", texts({"2026-01-01"})},
                        {"amount", texts({"1000"})},
                        {"currency", texts({"USD"})}})},
       {"account", Table({{"account_id", texts({"x"})},
                          {"annual_revenue", texts({"500"})},
                          {"currency", texts({"USD"})}})},
       {"subscription", Table({{"subscription_id", texts({"s"})},
                               {"start", texts({"2026-01-05"})},
                               {"unit_amount", texts({"30"})},
                               {"currency", texts({"USD"})}})},
       {"subscription_event", Table({{"subscription_id", texts({"s"})},
                                     {"at", texts({"2026-03-03"})},
                                     {"mrr_after", texts({"40"})}})},
       {"target", Table({{"metric", texts({"average_deal", "win_rate"})},
                         {"period_start", texts({"2026-02-01", "2026-02-01"})},
                         {"value", Column::of<double>(Type::float64, {1000.0, 0.25})},
                         {"currency", texts({"USD", std::nullopt})}})},
       {"fx_rate", rates({{"2026-01-01", "USD", "EUR", 0.5},
                          {"2026-02-01", "USD", "EUR", 0.8},
                          {"2026-03-01", "USD", "EUR", 0.9},
                          {"2026-01-01", "JPY", "EUR", 0.004},
                          {"2026-02-01", "JPY", "EUR", 0.005},
                          {"2026-03-01", "JPY", "EUR", 0.006}})}});
}

}  // namespace

TEST(InCurrency, GivesEachTableItsOwnDay) {
  const Crm crm = moving_book();
  EXPECT_EQ(crm.column("opportunity_snapshot", "currency").text(0), "JPY") << "its deal's";
  EXPECT_EQ(crm.column("subscription_event", "currency").text(0), "USD");
  const Crm euros = crm.in_currency("EUR");
  const auto money = [&](const Crm& of, const char* table, const char* column, std::size_t row = 0) {
    return of.column(table, column).values<std::int64_t>()[row];
  };
  EXPECT_EQ(money(euros, "opportunity", "amount"), 10845);  // closed in March
  EXPECT_EQ(money(euros, "opportunity", "list_amount"), 18000);
  EXPECT_EQ(money(euros, "opportunity", "amount", 1), 48000);        // open: the latest day, 2026-03-10
  EXPECT_EQ(money(euros, "opportunity_snapshot", "amount"), 42000);  // its deal's rate
  EXPECT_EQ(money(euros, "transaction", "amount"), 800);
  EXPECT_EQ(money(euros, "transaction", "tax"), 160);
  EXPECT_EQ(money(euros, "quota", "amount"), 50000);
  EXPECT_EQ(money(euros, "account", "annual_revenue"), 45000);
  EXPECT_EQ(money(euros, "subscription", "unit_amount"), 1500);
  EXPECT_EQ(money(euros, "subscription_event", "mrr_after"), 2000);  // its subscription's rate
  EXPECT_DOUBLE_EQ(euros.column("target", "value").number(0), 800);
  EXPECT_DOUBLE_EQ(euros.column("target", "value").number(1), 0.25);
  EXPECT_EQ(euros.column("opportunity_event", "old").text(1), "90.00");
  EXPECT_EQ(euros.column("opportunity_event", "new").text(4), "480.00");
  EXPECT_EQ(euros.column("opportunity_event", "new").text(0), "offer");
  EXPECT_EQ(money(crm.in_currency("EUR", {.at = RateDay::create}), "opportunity", "amount"), 6025);
  EXPECT_EQ(money(crm.in_currency("EUR", {.at = RateDay::fixed, .day = Date::from_ymd(2026, 2, 2)}), "quota",
                  "amount"),
            80000);
}

TEST(InCurrency, GivesTheHistoryItsDealsRate) {
  const Crm euros = moving_book().in_currency("EUR");
  const History& history = euros.history();
  EXPECT_EQ(history.value_at(0, Field::amount, 0), 9000);
  EXPECT_EQ(history.value_at(0, Field::amount, euros.latest().us), 10845);
  EXPECT_EQ(history.value_at(1, Field::amount, Instant::parse("2026-02-02")->us), 42000);
  const pipeline::Waterfall bridge =
      pipeline::waterfall(euros, *Instant::parse("2026-02-10"), *Instant::parse("2026-03-11"));
  const auto step = [&](pipeline::Movement movement) {
    return bridge.movements[static_cast<std::size_t>(movement)].amount;
  };
  EXPECT_EQ(bridge.opening.amount, 9000 + 42000);
  EXPECT_EQ(step(pipeline::Movement::up), 1845 + 6000);
  EXPECT_EQ(step(pipeline::Movement::down), 0);
  EXPECT_EQ(bridge.closing.amount, 48000);
  const Crm lacking = moving_book().apply({}).in_currency("GBP", {.missing = NoRate::null});
  EXPECT_EQ(lacking.history().value_at(0, Field::amount, lacking.latest().us), null_value);
}

TEST(InCurrency, RewindsBeforeOrAfterAlikeAtOneDay) {
  const Crm crm = moving_book();
  const Instant t = *Instant::parse("2026-02-20");
  const ConvertOptions constant{.at = RateDay::fixed, .day = Date::from_ymd(2026, 2, 3)};
  const Crm one = crm.as_of(t).in_currency("EUR", constant),
            other = crm.in_currency("EUR", constant).as_of(t);
  EXPECT_EQ(amounts(one), amounts(other));
  EXPECT_EQ(amounts(one), (std::vector<std::int64_t>{9640, 35000}));
  EXPECT_EQ(one.currency(), other.currency());
  // At the close, deals that were open then differ: their close was not yet known.
  EXPECT_EQ(crm.as_of(t).in_currency("EUR").deals().amount[0], 9640);
  EXPECT_EQ(crm.in_currency("EUR").as_of(t).deals().amount[0], 10845);
}

TEST(InCurrency, IsReadFromAnyThread) {
  const Crm crm = moving_book();
  const auto expected = amounts(crm.in_currency("EUR"));
  std::vector<std::vector<std::int64_t>> found(8);
  {
    std::vector<std::jthread> threads;
    for (auto& result : found) threads.emplace_back([&] { result = amounts(crm.in_currency("EUR")); });
  }
  for (const auto& result : found) EXPECT_EQ(result, expected);
}

TEST(InCurrency, TakesEmptyBooks) {
  EXPECT_EQ(Crm::build({}).in_currency("EUR").currency(), "EUR");
  EXPECT_EQ(Crm::build({{"opportunity", deals({}, {})}}).in_currency("EUR").deals().size(), 0U);
  const Crm added = moving_book().in_currency("EUR").apply(
      {{"opportunity", Table({{"opportunity_id", texts({"c"})}, {"amount", texts({"5"})}})}});
  EXPECT_EQ(added.column("opportunity", "currency").text(2), "EUR") << "what is added later is in it too";
}
