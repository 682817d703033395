#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "salesops/money.hpp"

using namespace salesops;

namespace {

constexpr Currency eur = Currency::from("EUR");
constexpr Currency jpy = Currency::from("JPY");

std::vector<std::int64_t> shares(std::int64_t amount, std::vector<std::int64_t> weights) {
  return money::split(amount, std::span<const std::int64_t>(weights));
}

}  // namespace

TEST(Currency, KnowsTheMinorUnits) {
  for (const auto& [code, exponent] : {std::pair{"EUR", 2},
                                       {"JPY", 0},
                                       {"KWD", 3},
                                       {"CLF", 4},
                                       {"UYW", 4},
                                       {"XXX", 2},
                                       {"BHD", 3},
                                       {"VND", 0}}) {
    EXPECT_EQ(Currency::from(code).exponent(), exponent) << code;
    EXPECT_EQ(Currency::from(code).code(), code);
  }
  EXPECT_EQ(Currency{}, Currency::from("XXX"));
  for (const char* bad : {"", "EU", "eur", "EURO", "ABC", "URA", "DAF"})
    EXPECT_FALSE(Currency::find(bad)) << bad;
  EXPECT_THROW(static_cast<void>(Currency::from("BTC")), UsageError);
  const std::size_t codes = detail::currencies_0.size() + detail::currencies_2.size() +
                            detail::currencies_3.size() + detail::currencies_4.size();
  EXPECT_EQ(codes % 3, 0U);
  EXPECT_EQ(codes / 3, 178U + 6U);
}

TEST(Money, AddsWithinOneCurrencyOnly) {
  const Money a{1'050, eur};
  EXPECT_EQ(a + Money::parse("0.50", eur), Money::parse("11", eur));
  EXPECT_EQ((a - Money{2'000, eur}).to_string(), "-9.50 EUR");
  EXPECT_EQ((a * 3).minor, 3'150);
  EXPECT_LT(a, (Money{1'051, eur}));
  EXPECT_THROW(static_cast<void>(a + Money{1, jpy}), UnitError);
  EXPECT_THROW(static_cast<void>(a < Money{1, jpy}), UnitError);
  EXPECT_THROW(static_cast<void>(a == Money{1'050, jpy}), UnitError);
  const Money most{std::numeric_limits<std::int64_t>::max(), eur};
  const Money least{std::numeric_limits<std::int64_t>::min(), eur};
  EXPECT_THROW(static_cast<void>(most + Money{1, eur}), UsageError);
  EXPECT_THROW(static_cast<void>(-least), UsageError);
  EXPECT_THROW(static_cast<void>(most * 2), UsageError);
  EXPECT_EQ(least.to_string(), "-92233720368547758.08 EUR");
}

TEST(Money, ReadsTextExactly) {
  EXPECT_EQ(Money::parse("1234.56", eur).minor, 123'456);
  EXPECT_EQ(Money::parse("-0.5", eur).minor, -50);
  EXPECT_EQ(Money::parse("+7", eur).minor, 700);
  EXPECT_EQ(Money::parse("7.000", eur).minor, 700);
  EXPECT_EQ(Money::parse("92233720368547758.07", eur).minor, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Money::parse("-92233720368547758.08", eur).minor, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(Money::parse("1234", jpy).amount_text(), "1234");
  for (const char* bad : {"", "-", ".", "1,5", "1 000", "1e3", "0x1", "1.2.3", "--1", "1.005", "nan", "inf",
                          "92233720368547758.08", "999999999999999999999999999999999999999999"})
    EXPECT_THROW(static_cast<void>(Money::parse(bad, eur)), UsageError) << bad;
  EXPECT_THROW(static_cast<void>(Money::parse("1.5", jpy)), UsageError);
}

TEST(Money, TakesFloatsByTheirShortestDecimal) {
  EXPECT_EQ(money::from_double(2.675, eur)->minor, 268);  // its double is 2.67499…
  EXPECT_TRUE(money::from_double(2.675, eur)->digit_lost);
  EXPECT_EQ(money::from_double(2.665, eur)->minor, 266);
  EXPECT_EQ(money::from_double(0.1 + 0.2, eur)->minor, 30);
  EXPECT_TRUE(money::from_double(0.1 + 0.2, eur)->digit_lost);
  EXPECT_FALSE(money::from_double(0.1, eur)->digit_lost);
  EXPECT_EQ(money::from_double(1e15, eur)->minor, 100'000'000'000'000'000);
  EXPECT_EQ(money::from_double(1e-300, eur, Rounding::up)->minor, 1);
  EXPECT_EQ(money::from_double(0.0000025, 6)->minor, 2);
  EXPECT_EQ(money::from_text("1234.5", 0)->minor, 1234);
  EXPECT_EQ(money::from_text("1e-18", 18)->minor, 1);
  EXPECT_EQ(money::minor_digits("JPY"), 0);
  EXPECT_EQ(money::minor_digits("KWD"), 3);
  EXPECT_EQ(money::minor_digits("Taler"), 2);
  EXPECT_EQ(money::from_double(-0.0, eur)->minor, 0);
  for (const double bad : {1e18, -1e300, std::numeric_limits<double>::infinity(), std::nan("")})
    EXPECT_FALSE(money::from_double(bad, eur)) << bad;
}

TEST(Money, RoundsLikeTheReferenceNumbers) {
  const auto line = Rate::parse("33.335");
  const Money one{100, eur};
  EXPECT_EQ((one.times(*line) * 3).minor, 10'002);
  EXPECT_EQ((one.times(*line, Rounding::half_up) * 3).minor, 10'002);
  EXPECT_EQ((one * 3).times(*line).minor, 10'000);
  EXPECT_EQ((one * 3).times(*line, Rounding::half_up).minor, 10'001);
  EXPECT_EQ(money::from_text("2.675", eur, Rounding::half_up)->minor, 268);
}

TEST(Money, RoundsByEveryMode) {
  using enum Rounding;
  struct Row {
    Rounding mode;
    std::array<int, 8> results;  // of the tenths below
  };
  constexpr std::array tenths{25, 15, 14, 16, -25, -15, -14, -16};
  for (const Row& row :
       {Row{half_even, {2, 2, 1, 2, -2, -2, -1, -2}}, Row{half_up, {3, 2, 1, 2, -3, -2, -1, -2}},
        Row{half_down, {2, 1, 1, 2, -2, -1, -1, -2}}, Row{down, {2, 1, 1, 1, -2, -1, -1, -1}},
        Row{up, {3, 2, 2, 2, -3, -2, -2, -2}}, Row{floor, {2, 1, 1, 1, -3, -2, -2, -2}},
        Row{ceiling, {3, 2, 2, 2, -2, -1, -1, -1}}})
    for (std::size_t i = 0; i < tenths.size(); ++i)
      EXPECT_EQ(money::multiply(tenths[i], Rate{1, 10}, row.mode), row.results[i])
          << static_cast<int>(row.mode) << " " << tenths[i];
}

TEST(Money, ConvertsWithOneRounding) {
  EXPECT_EQ((Money{1'000, eur}.convert(jpy, *Rate::parse("161.255"))), (Money{1'613, jpy}));
  EXPECT_EQ((Money{1'612, jpy}.convert(eur, Rate::ratio(1, 161))), (Money{1'001, eur}));
}

TEST(Rate, IsExact) {
  EXPECT_EQ(Rate::parse("7.5%"), Rate::ratio(3, 40));
  EXPECT_EQ(Rate::parse("0.075"), Rate::ppm(75'000));
  EXPECT_EQ(Rate::parse("-1/3"), Rate::ratio(1, -3));
  EXPECT_EQ(Rate::ratio(-4, -6).to_string(), "2/3");
  EXPECT_EQ(Rate::parse("120%")->to_string(), "6/5");
  EXPECT_EQ(Rate::parse("0.500000000000000000%"), Rate::ratio(1, 200));
  EXPECT_LT(Rate::ratio(1, 3), Rate::ratio(34, 100));
  EXPECT_THROW(static_cast<void>(Rate::ratio(1, 0)), UsageError);
  for (const char* bad : {"", "%", "1/0", "1/", "a", "1/-2", "0.1/2", "1e99", "9999999999999999999"})
    EXPECT_FALSE(Rate::parse(bad)) << bad;
}

TEST(Split, MatchesTheReferenceNumbers) {
  EXPECT_EQ(money::split(10'000, 3), (std::vector<std::int64_t>{3'334, 3'333, 3'333}));
  EXPECT_EQ(shares(100'001, {3333, 3333, 3334}), (std::vector<std::int64_t>{33'330, 33'330, 33'341}));
  EXPECT_EQ(shares(1'000'003, {22, 24, 23, 31}),
            (std::vector<std::int64_t>{220'000, 240'001, 230'001, 310'001}));
  const std::vector<Rate> percents{*Rate::parse("33.33%"), *Rate::parse("33.33%"), *Rate::parse("33.34%")};
  EXPECT_EQ(money::split(100'001, percents), (std::vector<std::int64_t>{33'330, 33'330, 33'341}));
}

TEST(Split, SumsToTheWhole) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::int64_t> weights(1 + random() % 9);
    const int bits = static_cast<int>(1 + random() % 63);
    for (auto& weight : weights) weight = static_cast<std::int64_t>(random() >> (64 - bits));
    weights[0] += weights[0] == 0 ? 1 : 0;
    const auto amount = static_cast<std::int64_t>(random() >> (random() % 63));
    const auto parts = shares(amount, weights);
    int128 sum = 0;
    for (const auto part : parts) sum += part;
    ASSERT_EQ(static_cast<std::int64_t>(sum), amount);
    long double total = 0;
    for (const auto weight : weights) total += static_cast<long double>(weight);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const long double exact =
          static_cast<long double>(amount) * static_cast<long double>(weights[i]) / total;
      ASSERT_LE(std::abs(exact - static_cast<long double>(parts[i])), 1.0L + std::abs(exact) * 1e-18L);
    }
    if (amount != std::numeric_limits<std::int64_t>::min()) {
      auto negated = shares(-amount, weights);
      for (auto& part : negated) part = -part;
      ASSERT_EQ(negated, parts);
    }
  }
  EXPECT_EQ(shares(std::numeric_limits<std::int64_t>::min(), {1}).front(),
            std::numeric_limits<std::int64_t>::min());
}

TEST(Split, RefusesWhatHasNoAnswer) {
  EXPECT_THROW(shares(1, {}), UsageError);
  EXPECT_THROW(shares(1, {0, 0}), UsageError);
  EXPECT_THROW(shares(1, {2, -1}), UsageError);
  EXPECT_THROW(money::split(1, 0), UsageError);
  const std::vector<Rate> most{Rate::ratio(1, 2), Rate::ratio(1, 3)};
  EXPECT_THROW(money::split(1, most), UsageError);
  const std::vector<Rate> beyond{Rate::ratio(3, 2), Rate::ratio(-1, 2)};
  EXPECT_THROW(money::split(1, beyond), UsageError);
}
