#include <random>
#include <set>
#include <typeinfo>

#include "salesops/clv/predict.hpp"
#include "test_data.hpp"

namespace clv = salesops::clv;
using salesops::UsageError;

namespace {

constexpr clv::BGNBD bg{0.243, 4.414, 0.793, 2.426};
constexpr clv::ParetoNBD pareto{0.553, 10.578, 0.606, 11.669};
constexpr clv::GammaGamma spend{6.25, 3.74, 15.44};

struct Customers {
  std::vector<double> x{0, 2, 26, 2};
  std::vector<double> t_x{0, 30.43, 30.86, 30.43};
  std::vector<double> T{38.86, 38.86, 31, 38.86};
  [[nodiscard]] clv::RfmView view() const { return {.x = x, .t_x = t_x, .T = T}; }
};

/// Covariance of the BG/NBD on the CDNOW sample: standard errors and correlations.
std::vector<double> covariance() {
  const std::vector<double> se{.01255738, .37822406, .18573382, .70541426};
  const std::vector<double> r{1,        .780381,  -.037665, .007410, .780381, 1,       -.040793, .039442,
                              -.037665, -.040793, 1,        .940455, .007410, .039442, .940455,  1};
  std::vector<double> result(16);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) result[4 * i + j] = r[4 * i + j] * se[i] * se[j];
  return result;
}

}  // namespace

TEST(Predict, GivesTheFormulasOfEachCustomer) {
  const Customers customers;
  const auto result = clv::predict(bg, customers.view(), {.horizon = 39, .discount_rate = 0.002});
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(result.p_alive.value[i], clv::p_alive(bg, customers.x[i], customers.t_x[i], customers.T[i]));
    EXPECT_EQ(result.expected_transactions.value[i],
              clv::expected_transactions(bg, 39, customers.x[i], customers.t_x[i], customers.T[i]));
    EXPECT_EQ(result.discounted_transactions[i],
              clv::dect(bg, 39, 0.002, customers.x[i], customers.t_x[i], customers.T[i]));
  }
  EXPECT_NEAR(result.expected_transactions.value[1], 1.22602817477, 1e-9);
  EXPECT_TRUE(result.p_alive.low.empty());
  EXPECT_TRUE(result.clv.value.empty());
}

TEST(Predict, WithoutEndIsDert) {
  const Customers customers;
  const auto result = clv::predict(pareto, customers.view(), {.discount_rate = 0.002});
  EXPECT_NEAR(result.discounted_transactions[1], 7.75422960011, 1e-9);
}

TEST(Predict, MultipliesBySpend) {
  const Customers customers;
  const std::vector<double> x{0, 2, 26, 1};
  const std::vector<double> mean{0, 22.35, 40, 11.77};
  const clv::SpendForecast money{.model = spend, .x = x, .mean_spend = mean};
  const auto result = clv::predict(bg, customers.view(), {.horizon = 39}, &money);
  EXPECT_NEAR(result.expected_spend.value[0], 35.2189781022, 1e-9);
  EXPECT_NEAR(result.expected_spend.value[1], 24.6637139108, 1e-9);
  EXPECT_NEAR(result.expected_spend.value[3], 18.9168520578, 1e-9);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(result.clv.value[i], result.expected_spend.value[i] * result.expected_transactions.value[i]);
}

TEST(Predict, DoesNotDependOnTheOtherRows) {
  std::mt19937_64 random(1);
  Customers many;
  many.x.clear(), many.t_x.clear(), many.T.clear();
  for (int i = 0; i < 500; ++i) {
    many.x.push_back(static_cast<double>(random() % 4));
    many.T.push_back(20 + static_cast<double>(random() % 10));
    many.t_x.push_back(many.x.back() > 0 ? static_cast<double>(random() % 15) + 1 : 0);
  }
  const auto cov = covariance();
  clv::PredictOptions options{.horizon = 10, .level = 80, .covariance = cov};
  options.execution.threads = 3;
  const auto all = clv::predict(bg, many.view(), options);
  options.execution.threads = 1;
  for (const std::size_t i : {0UL, 77UL, 499UL}) {
    const clv::RfmView one{.x = {&many.x[i], 1}, .t_x = {&many.t_x[i], 1}, .T = {&many.T[i], 1}};
    const auto alone = clv::predict(bg, one, options);
    EXPECT_EQ(alone.expected_transactions.value[0], all.expected_transactions.value[i]);
    EXPECT_EQ(alone.expected_transactions.low[0], all.expected_transactions.low[i]);
    EXPECT_EQ(alone.p_alive.high[0], all.p_alive.high[i]);
  }
}

TEST(Predict, HasTheRangeOfRandomDraws) {
  const Customers customers;
  const auto cov = covariance();
  const auto result = clv::predict(bg, customers.view(), {.horizon = 39, .level = 90, .covariance = cov});
  // Plain draws of the same distribution, by a Cholesky factor of the logarithms' covariance.
  const std::array<double, 4> at{bg.r, bg.alpha, bg.a, bg.b};
  std::array<std::array<double, 4>, 4> root{};
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = cov[4 * i + j] / (at[i] * at[j]);
      for (std::size_t k = 0; k < j; ++k) sum -= root[i][k] * root[j][k];
      root[i][j] = i == j ? std::sqrt(sum) : sum / root[j][j];
    }
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  for (const std::size_t row : {0UL, 1UL, 2UL}) {
    std::vector<double> draws;
    for (int d = 0; d < 20'000; ++d) {
      std::array<double, 4> z{}, drawn{};
      for (double& one : z) one = normal(random);
      for (std::size_t i = 0; i < 4; ++i) {
        double shift = 0;
        for (std::size_t j = 0; j <= i; ++j) shift += root[i][j] * z[j];
        drawn[i] = at[i] * std::exp(shift);
      }
      draws.push_back(clv::expected_transactions(clv::BGNBD{drawn[0], drawn[1], drawn[2], drawn[3]}, 39,
                                                 customers.x[row], customers.t_x[row], customers.T[row]));
    }
    std::sort(draws.begin(), draws.end());
    const double low = draws[1000], high = draws[19'000];
    const double width = high - low;
    EXPECT_NEAR(result.expected_transactions.low[row], low, 0.05 * width) << row;
    EXPECT_NEAR(result.expected_transactions.high[row], high, 0.05 * width) << row;
    EXPECT_LT(result.expected_transactions.low[row], result.expected_transactions.value[row]);
    EXPECT_GT(result.expected_transactions.high[row], result.expected_transactions.value[row]);
  }
  EXPECT_EQ(result.p_alive.low[0], 1);  // one purchase: no chance to leave, whatever the parameters
}

TEST(Predict, OfDrawsIsTheirMeanAndMiddle) {
  const Customers customers;
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> spread(0, 0.1);
  std::vector<double> draws, of_spend;
  for (int draw = 0; draw < 256; ++draw) {
    for (const double value : clv::parameter_values(bg)) draws.push_back(value * spread(random));
    for (const double value : clv::parameter_values(spend)) of_spend.push_back(value * spread(random));
  }
  const std::vector<double> x{0, 2, 26, 1}, mean{0, 22.35, 40, 11.77};
  const clv::SpendForecast money{.model = spend, .x = x, .mean_spend = mean, .draws = of_spend};
  const clv::PredictOptions options{.horizon = 39, .level = 80, .draws = draws};
  const auto result = clv::predict(bg, customers.view(), options, &money);
  for (std::size_t i = 0; i < 4; ++i) {
    double alive = 0, bought = 0, value = 0;
    std::vector<double> all;
    for (std::size_t draw = 0; draw < 256; ++draw) {
      const auto own = clv::with_parameters(bg, std::span(draws).subspan(4 * draw, 4));
      const auto paid = clv::with_parameters(spend, std::span(of_spend).subspan(3 * draw, 3));
      const double next =
          clv::expected_transactions(own, 39, customers.x[i], customers.t_x[i], customers.T[i]);
      alive += clv::p_alive(own, customers.x[i], customers.t_x[i], customers.T[i]) / 256;
      bought += next / 256;
      value += next * clv::expected_spend(paid, x[i], mean[i]) / 256;
      all.push_back(next);
    }
    EXPECT_NEAR(result.p_alive.value[i], alive, 1e-13);
    EXPECT_NEAR(result.expected_transactions.value[i], bought, 1e-12 * bought);
    EXPECT_NEAR(result.clv.value[i], value, 1e-12 * value);
    std::sort(all.begin(), all.end());
    EXPECT_NEAR(result.expected_transactions.low[i], all[25] + .5 * (all[26] - all[25]), 1e-12);
    EXPECT_LT(result.clv.low[i], result.clv.value[i]);
  }
  // Rows that follow models of their own have draws of their own.
  std::vector<double> two = draws;
  for (double value : draws) two.push_back(value * 1.01);
  const std::vector<clv::BGNBD> models{bg, bg};
  const std::vector<std::uint32_t> of_row{0, 1, 0, 0};
  clv::PredictOptions both = options;
  both.draws = two;
  const auto each = clv::predict(std::span<const clv::BGNBD>(models), of_row, customers.view(), both);
  EXPECT_EQ(each.p_alive.value[0], result.p_alive.value[0]);
  EXPECT_NE(each.p_alive.value[1], result.p_alive.value[1]);
  EXPECT_THROW((void)clv::predict(bg, customers.view(), both), UsageError);
  both.draws = draws;
  EXPECT_THROW((void)clv::predict(std::span<const clv::BGNBD>(models), of_row, customers.view(), both),
               UsageError);
  EXPECT_THROW((void)clv::predict(bg, customers.view(), {.horizon = 39, .draws = draws}), UsageError);
}

TEST(Predict, EachDrawDiscountsWhatItExpects) {
  const Customers customers;
  std::mt19937_64 random(4);
  const auto check = [&](const auto& model, double sd) {
    std::lognormal_distribution<double> spread(0, sd);
    std::vector<double> draws;
    for (int draw = 0; draw < 256; ++draw)
      for (const double value : clv::parameter_values(model)) draws.push_back(value * spread(random));
    for (const double horizon : {2.0, 39.0, 400.0, 3000.0})
      for (const double rate : {1e-4, 0.002, 0.03, 0.5}) {
        const auto result =
            clv::predict(model, customers.view(),
                         {.horizon = horizon, .discount_rate = rate, .level = 90, .draws = draws});
        for (std::size_t i = 0; i < 4; ++i) {
          double mean = 0;
          for (std::size_t draw = 0; draw < 256; ++draw)
            mean += clv::dect(clv::with_parameters(
                                  model, std::span(draws).subspan(draw * clv::parameter_values(model).size(),
                                                                  clv::parameter_values(model).size())),
                              horizon, rate, customers.x[i], customers.t_x[i], customers.T[i]) /
                    256;
          EXPECT_NEAR(result.discounted_transactions[i], mean, 1e-10 * mean)
              << i << ' ' << horizon << ' ' << rate;
        }
      }
  };
  check(bg, 0.3);
  check(clv::MBGNBD{0.525, 6.183, 0.891, 1.614}, 0.3);
  check(pareto, 0.3);
  check(clv::ParetoNBD{0.8, 5, 40, 100000}, 0.3);
  check(clv::MBGCNBD{3, 0.85, 1.45, 0.79, 2.42}, 0.2);
}

TEST(Predict, OfKnownParametersHasNoRange) {
  const Customers customers;
  const auto sure = clv::predict(bg, customers.view(), {.horizon = 39, .level = 90});
  EXPECT_EQ(sure.expected_transactions.low, sure.expected_transactions.value);
  const std::vector<double> unknown(16, std::nan(""));
  const auto lost = clv::predict(bg, customers.view(), {.horizon = 39, .level = 90, .covariance = unknown});
  EXPECT_TRUE(std::isnan(lost.expected_transactions.low[1]));
  EXPECT_FALSE(std::isnan(lost.expected_transactions.value[1]));
}

TEST(Predict, AnswersForAllModels) {
  const Customers customers;
  const auto view = customers.view();
  const clv::PredictOptions options{.horizon = 39, .discount_rate = 0.001};
  const auto check = [&](const auto& model) {
    const auto result = clv::predict(model, view, options);
    EXPECT_GT(result.discounted_transactions[1], 0);
    EXPECT_LT(result.discounted_transactions[1], result.expected_transactions.value[1]);
  };
  check(clv::NBD{0.385, 12.07});
  check(clv::MBGNBD{0.525, 6.183, 0.891, 1.614});
  check(pareto);
  check(clv::BGCNBD{2, 0.85, 1.45, 0.79, 2.42});
  check(clv::MBGCNBD{3, 0.85, 1.45, 0.79, 2.42});
  check(clv::GGompertzNBD{0.8, 9, 0.02, 0.5, 0.7});
  const std::vector<double> x{0, 4, 6}, t_x{0, 5, 6}, n{6, 6, 6};
  const auto bgbb =
      clv::predict(clv::BGBB{1.204, 0.750, 0.657, 2.783}, {.x = x, .t_x = t_x, .T = n}, {.horizon = 5});
  EXPECT_NEAR(bgbb.expected_transactions.value[1], 2.02962303148, 1e-9);
}

TEST(Predict, SaysWhatIsWrong) {
  const Customers customers;
  const auto view = customers.view();
  EXPECT_THROW((void)clv::predict(bg, view, {.horizon = 0}), UsageError);
  EXPECT_THROW((void)clv::predict(bg, view, {.horizon = 1, .discount_rate = -1}), UsageError);
  EXPECT_THROW((void)clv::predict(bg, view, {.horizon = 1, .level = 0.9}), UsageError);
  const std::vector<double> wrong(9, 0.0);
  EXPECT_THROW((void)clv::predict(bg, view, {.horizon = 1, .level = 90, .covariance = wrong}), UsageError);
  const std::vector<double> shorter{1.0};
  EXPECT_THROW((void)clv::predict(bg, {.x = shorter, .t_x = customers.t_x, .T = customers.T}, {.horizon = 1}),
               UsageError);
  const std::vector<double> x{1}, t_x{9}, T{5};
  EXPECT_TRUE(std::isnan(clv::predict(bg, {.x = x, .t_x = t_x, .T = T}, {.horizon = 1}).p_alive.value[0]));
  EXPECT_TRUE(clv::predict(bg, {}, {.horizon = 1}).p_alive.value.empty());
}

namespace {

/// Customers of whole days, of whom many are alike, or of any time.
Customers crowd(std::size_t n, bool whole_days) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> share;
  Customers many{{}, {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    const double T = 20 + 20 * share(random);
    const double x = std::floor(6 * std::pow(share(random), 4));
    const double t_x = x > 0 ? T * share(random) : 0;
    many.x.push_back(x);
    many.t_x.push_back(whole_days ? std::floor(t_x) : t_x);
    many.T.push_back(whole_days ? std::floor(T) : T);
  }
  return many;
}

}  // namespace

TEST(Rows, AreAskedTogetherToTheSameBit) {
  const auto check = [](const auto& model, const Customers& many, const std::vector<double>& t,
                        const std::vector<double>& rate) {
    const std::size_t n = many.x.size();
    std::vector<double> bought(n), endless(n), discounted(n);
    for (const int threads : {1, 3}) {
      clv::expected_transactions(model, t, many.view(), bought, {.threads = threads});
      clv::dert(model, rate, many.view(), endless, {.threads = threads});
      clv::dect(model, t, rate, many.view(), discounted, {.threads = threads});
      for (std::size_t i = 0; i < n; i += 7) {
        const double x = many.x[i], t_x = many.t_x[i], T = many.T[i];
        ASSERT_EQ(bought[i], expected_transactions(model, t[i], x, t_x, T)) << typeid(model).name() << i;
        ASSERT_EQ(endless[i], dert(model, rate[i], x, t_x, T)) << typeid(model).name() << i;
        ASSERT_EQ(discounted[i], dect(model, t[i], rate[i], x, t_x, T)) << typeid(model).name() << i;
      }
    }
  };
  for (const bool whole_days : {true, false}) {
    const Customers many = crowd(300, whole_days);
    std::vector<double> t(300, 39), rate(300, 0.002);
    for (std::size_t i = 0; i < 300; i += 5) t[i] = 3000, rate[i] = 1e-9;  // beyond what tables keep
    check(bg, many, t, rate);
    check(clv::MBGNBD{0.525, 6.183, 0.891, 1.614}, many, t, rate);
    check(pareto, many, t, rate);
    check(clv::NBD{0.385, 12.07}, many, t, rate);
    check(clv::BGCNBD{1, 0.85, 1.45, 0.79, 2.42}, many, t, rate);
    check(clv::MBGCNBD{3, 0.85, 1.45, 0.79, 2.42}, many, t, rate);
  }
}

TEST(Rows, AreCodedInOrderOfFirstSight) {
  // Long enough for tables of several threads, which meet the same rows.
  const Customers many = crowd(300'000, true);
  const std::vector<double> same(many.x.size(), 39);
  const std::array<std::span<const double>, 4> columns{many.x, same, many.t_x, many.T};
  const auto one = clv::distinct_rows(columns, {.threads = 1});
  const auto four = clv::distinct_rows(columns, {.threads = 4});
  EXPECT_EQ(one.first, four.first);
  EXPECT_EQ(one.code, four.code);
  EXPECT_TRUE(std::is_sorted(one.first.begin(), one.first.end()));
  std::set<std::array<double, 3>> seen;
  for (std::size_t i = 0; i < many.x.size(); ++i) {
    const std::uint32_t like = one.first[one.code[i]];
    ASSERT_EQ(std::tie(many.x[i], many.t_x[i], many.T[i]),
              std::tie(many.x[like], many.t_x[like], many.T[like]));
    seen.insert({many.x[i], many.t_x[i], many.T[i]});
  }
  EXPECT_EQ(seen.size(), one.first.size());
  const std::array<std::span<const double>, 1> constant{same};
  EXPECT_EQ(clv::distinct_rows(constant).first.size(), 1);
}

TEST(Evaluate, ComputesEachDistinctRowOnce) {
  std::vector<double> a, b;
  for (int i = 0; i < 10'000; ++i) {
    a.push_back(i % 7);
    b.push_back(i % 11 == 0 ? -0.0 : i % 11);
  }
  const std::array<std::span<const double>, 2> columns{a, b};
  std::atomic<int> calls{0};
  std::vector<double> out(a.size());
  clv::evaluate(columns, [&](const double* row) { return ++calls, row[0] * 100 + row[1]; }, out,
                {.threads = 2});
  EXPECT_EQ(calls.load(), 77);
  for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], a[i] * 100 + b[i]);
  EXPECT_EQ(clv::distinct_rows(columns).first.size(), 77U);
}

TEST(Parameters, AreNamedInTheOrderOfTheFields) {
  EXPECT_EQ(clv::parameters<clv::ParetoNBD>[3].name, "beta");
  EXPECT_EQ(clv::parameter_values(pareto), (std::array<double, 4>{0.553, 10.578, 0.606, 11.669}));
  const std::vector<double> values{1, 2, 3, 4};
  const auto changed = clv::with_parameters(clv::BGCNBD{3, 0, 0, 0, 0}, values);
  EXPECT_EQ(changed.k, 3);
  EXPECT_EQ(changed.b, 4);
}

TEST(Predict, OutcomesAreQuantilesOfThePmf) {
  const clv::ParetoNBD model{0.8, 9, 0.6, 11.7};
  const std::vector<double> x{0, 2, 9};
  const std::vector<double> t_x{0, 25, 38};
  const std::vector<double> T{39, 39, 39};
  const auto result = clv::predict(
      model, {.x = x, .t_x = t_x, .T = T},
      {.horizon = 26, .level = 80, .interval = clv::IntervalKind::outcome, .execution = {.threads = 2}});
  const double slack = 4 * std::sqrt(0.1 * 0.9 / 2048);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto up_to = [&](double n) {
      double sum = 0;
      for (double m = 0; m <= n; ++m) sum += clv::pmf(model, m, 26, x[i], t_x[i], T[i]);
      return sum;
    };
    const double low = result.expected_transactions.low[i];
    const double high = result.expected_transactions.high[i];
    EXPECT_LE(up_to(low - 1), 0.1 + slack);
    EXPECT_GE(up_to(low), 0.1 - slack);
    EXPECT_LE(up_to(high - 1), 0.9 + slack);
    EXPECT_GE(up_to(high), 0.9 - slack);
    EXPECT_EQ(result.p_alive.low[i], result.p_alive.value[i]);  // known for sure
  }
  EXPECT_THROW(
      (void)clv::predict(model, {.x = x, .t_x = t_x, .T = T},
                         {.discount_rate = 0.1, .level = 80, .interval = clv::IntervalKind::outcome}),
      UsageError);
}

TEST(Predict, EachCustomerMayFollowAModelOfItsOwn) {
  std::vector<clv::BGNBD> models;
  std::vector<double> covariance, x, t_x, T, mean;
  std::vector<std::uint32_t> of_row;
  for (std::uint32_t g = 0; g < 70; ++g) {  // more than run one after another
    models.push_back({0.5 + 0.01 * g, 6, 0.8, 2.4});
    for (std::size_t cell = 0; cell < 16; ++cell) covariance.push_back(cell % 5 == 0 ? 0.001 * (g + 1) : 0);
  }
  for (std::uint32_t i = 0; i < 200; ++i) {
    of_row.push_back(i * 7 % 70);
    x.push_back(i % 4);
    t_x.push_back(i % 4 == 0 ? 0 : 10 + i % 3);
    T.push_back(20);
    mean.push_back(30 + i % 5);
  }
  const clv::SpendForecast forecast{.model = {6, 4, 15}, .x = x, .mean_spend = mean};
  const clv::RfmView view{.x = x, .t_x = t_x, .T = T};
  const clv::PredictOptions options{
      .horizon = 26, .discount_rate = 0.002, .level = 90, .covariance = covariance};
  for (const std::size_t count : {std::size_t{70}, std::size_t{35}}) {
    const std::span<const clv::BGNBD> some(models.data(), count);
    auto own = options;
    own.covariance = options.covariance.first(16 * count);
    std::vector<std::uint32_t> codes = of_row;
    for (auto& code : codes) code %= static_cast<std::uint32_t>(count);
    const auto all = clv::predict(some, codes, view, own, &forecast);
    for (const std::size_t i : {0U, 17U, 199U}) {
      auto alone = own;
      alone.covariance = own.covariance.subspan(16 * codes[i], 16);
      const std::span<const double> xs(&x[i], 1), ts(&t_x[i], 1), Ts(&T[i], 1), means(&mean[i], 1);
      const clv::SpendForecast money{.model = forecast.model, .x = xs, .mean_spend = means};
      const auto one = clv::predict(models[codes[i]], {.x = xs, .t_x = ts, .T = Ts}, alone, &money);
      EXPECT_EQ(all.p_alive.value[i], one.p_alive.value[0]);
      EXPECT_EQ(all.expected_transactions.low[i], one.expected_transactions.low[0]);
      EXPECT_EQ(all.discounted_transactions[i], one.discounted_transactions[0]);
      EXPECT_EQ(all.clv.high[i], one.clv.high[0]);
    }
  }
  of_row[3] = 70;
  EXPECT_THROW((void)clv::predict(std::span<const clv::BGNBD>(models), of_row, view, options), UsageError);
  of_row[3] = 0;
  auto short_of = options;
  short_of.covariance = options.covariance.first(16);
  EXPECT_THROW((void)clv::predict(std::span<const clv::BGNBD>(models), of_row, view, short_of), UsageError);
}

TEST(Predict, TotalsErrAsTheParametersDo) {
  const Customers many = crowd(200, true);
  const std::vector<double> spend_x = many.x, mean(200, 30), weights(200, 2);
  std::vector<double> cov = covariance();
  const std::vector<double> spend_cov{.04, 0, 0, 0, .01, 0, 0, 0, .5};
  const clv::SpendForecast money{spend, spend_x, mean, spend_cov};
  const clv::PredictOptions options{.horizon = 39, .discount_rate = 0.002, .level = 90, .covariance = cov};
  const auto all = clv::predict(bg, many.view(), options, &money);
  double alive = 0, bought = 0, worth = 0, ends = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    alive += all.p_alive.value[i];
    bought += all.expected_transactions.value[i];
    worth += all.clv.value[i];
    ends += all.expected_transactions.high[i] - all.expected_transactions.low[i];
  }
  EXPECT_NEAR(all.total_alive.value, alive, 1e-9);
  EXPECT_NEAR(all.total_transactions.value, bought, 1e-9);
  EXPECT_NEAR(all.total_clv.value, worth, 1e-9 * worth);
  EXPECT_LT(all.total_transactions.low, bought);
  EXPECT_GT(all.total_transactions.high, bought);
  // Narrower than the sum of the ranges, as customers bend differently; never as narrow as if independent.
  const double width = all.total_transactions.high - all.total_transactions.low;
  EXPECT_LT(width, ends);
  EXPECT_GT(width, ends / 3);
  // The delta method: slopes of the total by the logarithms of the parameters.
  const auto total_at = [&](const std::array<double, 4>& p) {
    double sum = 0;
    for (std::size_t i = 0; i < 200; ++i)
      sum += clv::expected_transactions(clv::BGNBD{p[0], p[1], p[2], p[3]}, 39, many.x[i], many.t_x[i],
                                        many.T[i]);
    return sum;
  };
  const std::array<double, 4> at{bg.r, bg.alpha, bg.a, bg.b};
  std::array<double, 4> slope{};
  for (std::size_t j = 0; j < 4; ++j) {
    auto up = at, down = at;
    up[j] *= 1.001;
    down[j] /= 1.001;
    slope[j] = (total_at(up) - total_at(down)) / (up[j] - down[j]);
  }
  double variance = 0;
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) variance += slope[i] * slope[j] * cov[4 * i + j];
  EXPECT_NEAR(width / (2 * 1.6448536 * std::sqrt(variance)), 1, 0.1);
  // Weights count rows; the order and the threads don't matter; two halves by draws are the whole.
  clv::RfmView twice = many.view();
  twice.weights = weights;
  EXPECT_NEAR(clv::predict(bg, twice, options).total_transactions.high, 2 * all.total_transactions.high,
              1e-9);
  clv::PredictOptions three = options;
  three.execution.threads = 3;
  EXPECT_EQ(clv::predict(bg, many.view(), three, &money).total_clv.low, all.total_clv.low);
  EXPECT_TRUE(std::isnan(clv::predict(bg, many.view(), {.horizon = 39}).total_transactions.low));
  const std::vector<clv::BGNBD> models{bg, bg};
  std::vector<std::uint32_t> halves(200);
  for (std::size_t i = 0; i < 200; ++i) halves[i] = i % 2;
  std::vector<double> draws;
  for (int k = 0; k < 256; ++k)
    for (const double value : at) draws.push_back(value * (1 + 0.001 * (k - 127.5) / 128));
  clv::PredictOptions drawn{.horizon = 39, .level = 90};
  drawn.draws = draws;
  const auto whole = clv::predict(bg, many.view(), drawn);
  draws.insert(draws.end(), draws.begin(), draws.end());
  clv::PredictOptions by_half = drawn;
  by_half.draws = draws;
  const auto split = clv::predict(std::span<const clv::BGNBD>(models), halves, many.view(), by_half);
  EXPECT_NEAR(split.total_transactions.high, whole.total_transactions.high, 1e-9);
  clv::PredictOptions two = options;
  cov.insert(cov.end(), cov.begin(), cov.end());
  two.covariance = cov;
  const auto unknown = clv::predict(std::span<const clv::BGNBD>(models), halves, many.view(), two);
  EXPECT_NEAR(unknown.total_transactions.value, bought, 1e-9);
  EXPECT_TRUE(std::isnan(unknown.total_transactions.low));
}
