#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "salesops/clv/fit.hpp"
#include "salesops/clv/simulate.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"

using namespace salesops;
using namespace salesops::clv;

namespace {

struct Columns {
  std::vector<double> x, t_x, T, weights, sum_log_gaps;
  [[nodiscard]] RfmView view() const { return {x, t_x, T, weights, sum_log_gaps}; }
};

/// Customers seen for 20 … 40 weeks; times in whole days where gaps are exponential.
template <class Model>
Columns crowd(std::size_t n, const Model& model, std::uint64_t seed = 1) {
  std::vector<double> T;
  for (std::size_t i = 0; i < n; ++i)
    T.push_back(static_cast<double>(random::Stream(seed, i, random::purpose("T")).integer(140, 280)) / 7);
  Simulation made = clv::simulate(model, T, {.seed = seed});
  if constexpr (!requires { model.k; }) {
    for (double& t : made.t_x) t = std::floor(t * 7) / 7;
  }
  return {std::move(made.x), std::move(made.t_x), std::move(T), {}, std::move(made.sum_log_gaps)};
}

bool notes_say(const FitSummary& fit, const std::string& words) {
  return std::any_of(fit.notes.begin(), fit.notes.end(),
                     [&](const std::string& note) { return note.find(words) != std::string::npos; });
}

void expect_within(const FitSummary& fit, const std::vector<double>& truth, double errors) {
  EXPECT_TRUE(fit.converged) << fit.reason;
  for (std::size_t j = 0; j < truth.size(); ++j)
    EXPECT_NEAR(fit.estimates[j], truth[j], errors * fit.standard_errors[j]) << fit.parameters[j];
}

void expect_same(const FitSummary& a, const FitSummary& b) {
  EXPECT_EQ(a.estimates, b.estimates);
  EXPECT_EQ(a.log_likelihood, b.log_likelihood);
  EXPECT_EQ(a.covariance, b.covariance);
  EXPECT_EQ(a.iterations, b.iterations);
  EXPECT_EQ(a.n, b.n);
}

const BGNBD usual{0.6, 5, 0.8, 2.5};

}  // namespace

TEST(ClvFit, RecoversWhatWasSimulated) {
  const std::vector<double> truth{0.6, 5, 0.8, 2.5};
  expect_within(fit_nbd(crowd(5000, NBD{0.6, 5}).view()), {0.6, 5}, 4);
  expect_within(fit_bg_nbd(crowd(20000, usual).view()), truth, 4);
  expect_within(fit_mbg_nbd(crowd(20000, MBGNBD{0.6, 5, 0.8, 2.5}).view()), truth, 4);
  expect_within(fit_bg_cnbd(crowd(10000, BGCNBD{3, 0.6, 5, 0.8, 2.5}).view(), 3), truth, 4);
  expect_within(fit_pareto_nbd(crowd(10000, ParetoNBD{0.7, 6, 0.9, 12}).view()), {0.7, 6, 0.9, 12}, 4);
  expect_within(fit_ggompertz_nbd(crowd(3000, GGompertzNBD{0.7, 4, 0.15, 0.9, 3}).view()),
                {0.7, 4, 0.15, 0.9, 3}, 4);
  const auto chosen = fit_mbg_cnbd(crowd(3000, MBGCNBD{2, 0.6, 5, 0.8, 2.5}).view());
  EXPECT_EQ(chosen.model.k, 2);
  expect_within(chosen, truth, 4);
  EXPECT_TRUE(notes_say(chosen, "k = 2 is the likeliest of 1 to 12"));
}

TEST(ClvFit, RecoversOpportunitiesSpendAndContracts) {
  const std::vector<double> years(20000, 8.0);
  const Simulation donors = clv::simulate(BGBB{1.2, 0.8, 0.7, 2.8}, years, {.seed = 3});
  expect_within(fit_bg_bb(donors.view()), {1.2, 0.8, 0.7, 2.8}, 4);
  const std::vector<double> spend = simulate_spend({6, 3.5, 16}, donors.x, {.seed = 3});
  expect_within(fit_gamma_gamma({donors.x, spend}), {6, 3.5, 16}, 4);
  expect_within(fit_sbg(std::vector{simulate_contracts(SBG{0.9, 3}, 20000, 8)}), {0.9, 3}, 4);
  expect_within(fit_bdw(std::vector{simulate_contracts(BdW{0.9, 3, 1.4}, 20000, 8)}), {0.9, 3, 1.4}, 4);
}

TEST(ClvFit, IsTheMaximumOfTheOneCustomerFormulas) {
  const Columns c = crowd(1500, usual);
  Columns whole = c;
  std::vector<double> spend;
  for (std::size_t i = 0; i < c.x.size(); ++i) {
    whole.T[i] = std::ceil(c.T[i]);
    whole.t_x[i] = std::min(std::max(std::ceil(c.t_x[i]), c.x[i]), whole.T[i]);
    whole.x[i] = std::min(c.x[i], whole.t_x[i]);
    spend.push_back(random::Stream(6, i).gamma(4, 0.2));
  }
  const auto check = [](const auto& fit, const auto& make, const auto& one) {
    const auto total = [&](std::vector<double> e) {
      const auto model = make(e);
      double sum = 0;
      for (std::size_t i = 0; i < 1500; ++i) sum += one(model, i);
      return sum;
    };
    EXPECT_TRUE(fit.converged) << fit.reason;
    EXPECT_NEAR(total(fit.estimates), fit.log_likelihood, 1e-8 * std::abs(fit.log_likelihood));
    for (std::size_t j = 0; j < fit.estimates.size(); ++j) {
      for (const double factor : {1 - 0.02, 1 + 0.02}) {
        std::vector<double> moved = fit.estimates;
        moved[j] *= factor;
        EXPECT_LE(total(moved), fit.log_likelihood + 1e-9 * std::abs(fit.log_likelihood))
            << fit.parameters[j];
      }
    }
  };
  using E = std::vector<double>;
  const auto of = [](const Columns& d) {
    return [&d](const auto& m, std::size_t i) { return log_likelihood(m, d.x[i], d.t_x[i], d.T[i]); };
  };
  const auto with_gaps = [&](const auto& m, std::size_t i) {
    return log_likelihood(m, c.x[i], c.t_x[i], c.T[i], c.sum_log_gaps[i]);
  };
  check(fit_nbd(c.view()), [](const E& e) { return NBD{e[0], e[1]}; }, of(c));
  check(fit_bg_nbd(c.view()), [](const E& e) { return BGNBD{e[0], e[1], e[2], e[3]}; }, of(c));
  check(fit_mbg_nbd(c.view()), [](const E& e) { return MBGNBD{e[0], e[1], e[2], e[3]}; }, of(c));
  check(fit_pareto_nbd(c.view()), [](const E& e) { return ParetoNBD{e[0], e[1], e[2], e[3]}; }, of(c));
  check(fit_bg_cnbd(c.view(), 2), [](const E& e) { return BGCNBD{2, e[0], e[1], e[2], e[3]}; }, with_gaps);
  check(fit_mbg_cnbd(c.view(), 3), [](const E& e) { return MBGCNBD{3, e[0], e[1], e[2], e[3]}; }, with_gaps);
  check(fit_bg_bb(whole.view()), [](const E& e) { return BGBB{e[0], e[1], e[2], e[3]}; }, of(whole));
  check(
      fit_ggompertz_nbd(c.view()), [](const E& e) { return GGompertzNBD{e[0], e[1], e[2], e[3], e[4]}; },
      of(c));
  check(
      fit_gamma_gamma({c.x, spend}), [](const E& e) { return GammaGamma{e[0], e[1], e[2]}; },
      [&](const auto& m, std::size_t i) { return log_likelihood(m, c.x[i], spend[i]); });
}

TEST(ClvFit, TheSameForAnyThreadsAndAnyOrder) {
  const Columns c = crowd(30000, usual);
  Columns shuffled = c;
  for (std::size_t i = c.x.size(); i-- > 1;) {
    random::Stream stream(9, i);
    const auto j = static_cast<std::size_t>(stream.integer(0, static_cast<std::int64_t>(i)));
    std::swap(shuffled.x[i], shuffled.x[j]);
    std::swap(shuffled.t_x[i], shuffled.t_x[j]);
    std::swap(shuffled.T[i], shuffled.T[j]);
    std::swap(shuffled.sum_log_gaps[i], shuffled.sum_log_gaps[j]);
  }
  const auto check = [&](const auto& fit) {
    FitOptions one, two, four;
    one.execution.threads = 1;
    two.execution.threads = 2;
    four.execution.threads = 4;
    const auto first = fit(c.view(), one);
    expect_same(first, fit(c.view(), two));
    expect_same(first, fit(shuffled.view(), four));
  };
  check([](const RfmView& v, const FitOptions& o) { return fit_nbd(v, o); });
  check([](const RfmView& v, const FitOptions& o) { return fit_bg_nbd(v, o); });
  check([](const RfmView& v, const FitOptions& o) { return fit_pareto_nbd(v, o); });
  check([](const RfmView& v, const FitOptions& o) { return fit_mbg_cnbd(v, 2, o); });
}

TEST(ClvFit, WeightsAreRepeatedRows) {
  Columns rows = crowd(500, usual);
  Columns weighted = rows;
  for (std::size_t i = 0; i < 500; ++i) {
    weighted.weights.push_back(static_cast<double>(1 + i % 3));
    for (std::size_t copy = 0; copy < i % 3; ++copy) {
      rows.x.push_back(rows.x[i]);
      rows.t_x.push_back(rows.t_x[i]);
      rows.T.push_back(rows.T[i]);
      rows.sum_log_gaps.push_back(rows.sum_log_gaps[i]);
    }
  }
  expect_same(fit_bg_nbd(rows.view()), fit_bg_nbd(weighted.view()));
  expect_same(fit_pareto_nbd(rows.view()), fit_pareto_nbd(weighted.view()));
}

TEST(ClvFit, TheUnitOfTimeIsOnlyAUnit) {
  const Columns weeks = crowd(3000, usual);
  Columns seconds = weeks;
  for (double& t : seconds.t_x) t *= 604800;
  for (double& t : seconds.T) t *= 604800;
  FitOptions options;
  options.l2 = 0.5;
  const auto a = fit_bg_nbd(weeks.view(), options);
  const auto b = fit_bg_nbd(seconds.view(), options);
  EXPECT_NEAR(b.estimates[0] / a.estimates[0], 1, 1e-8);
  EXPECT_NEAR(b.estimates[1] / a.estimates[1], 604800, 1e-2);
  EXPECT_NEAR(b.estimates[3] / a.estimates[3], 1, 1e-7);
}

TEST(ClvFit, TheBestPointIsFoundFromAfar) {
  const Columns c = crowd(3000, usual);
  const auto near = fit_pareto_nbd(c.view());
  FitOptions options;
  for (const std::vector<double>& start :
       {std::vector{20.0, 0.1, 10.0, 0.01}, {0.01, 1000.0, 0.01, 1000.0}, {1.0, 1.0, 1.0, 1.0}}) {
    options.start = start;
    const auto far = fit_pareto_nbd(c.view(), options);
    EXPECT_TRUE(far.converged);
    EXPECT_NEAR(far.log_likelihood, near.log_likelihood, 1e-7);
    for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(far.estimates[j] / near.estimates[j], 1, 1e-6);
  }
}

TEST(ClvFit, PriorsPull) {
  const Columns c = crowd(300, usual);
  const auto free = fit_bg_nbd(c.view());
  FitOptions options;
  options.priors = {{}, {}, {0.5, 0.01}, {}};
  const auto held = fit_bg_nbd(c.view(), options);
  EXPECT_NEAR(held.estimates[2], 0.5, 0.02);
  EXPECT_LT(held.log_likelihood, free.log_likelihood);
  EXPECT_LT(held.standard_errors[2], 0.0051);
  // A ridge is the prior with median 1 (the mean T for a time) and log_sd 1/√l2.
  options.priors.clear();
  options.l2 = 4;
  const double mean = std::accumulate(c.T.begin(), c.T.end(), 0.0) / 300;
  FitOptions same;
  same.priors = {{1, 0.5}, {mean, 0.5}, {1, 0.5}, {1, 0.5}};
  const auto ridge = fit_bg_nbd(c.view(), options);
  const auto prior = fit_bg_nbd(c.view(), same);
  for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(ridge.estimates[j] / prior.estimates[j], 1, 1e-9);
}

TEST(ClvFit, ProfilesFallByTheQuantile) {
  const Columns c = crowd(400, usual);
  FitOptions options;
  options.profile_level = 90;
  const auto fit = fit_nbd(c.view(), options);
  ASSERT_EQ(fit.profile.size(), 2U);
  for (const auto& p : fit.profile) {
    EXPECT_EQ(p.level, 90);
    EXPECT_LT(p.low, p.estimate);
    EXPECT_GT(p.high, p.estimate);
  }
  // Hold r at its end by a very sharp prior: the likelihood has fallen by half of 1.645².
  for (const double end : {fit.profile[0].low, fit.profile[0].high}) {
    FitOptions held;
    held.priors = {{end, 1e-6}, {}};
    const double fall = fit.log_likelihood - fit_nbd(c.view(), held).log_likelihood;
    EXPECT_NEAR(2 * fall, 1.6448536 * 1.6448536, 1e-3);
  }
}

TEST(ClvFit, SaysWhatTheDataCannotTell) {
  const std::vector<double> none(50, 0.0), T(50, 30.0);
  const auto nobody = fit_bg_nbd({none, none, T});
  EXPECT_FALSE(nobody.converged);
  EXPECT_TRUE(notes_say(nobody, "no customer bought again"));
  EXPECT_TRUE(notes_say(nobody, "alike"));
  EXPECT_FALSE(fit_pareto_nbd({none, none, T}).converged);

  const std::vector<double> x{3}, t_x{20}, seen{30};
  for (const FitSummary& fit :
       {FitSummary(fit_nbd({x, t_x, seen})), FitSummary(fit_bg_nbd({x, t_x, seen})),
        FitSummary(fit_mbg_nbd({x, t_x, seen})), FitSummary(fit_pareto_nbd({x, t_x, seen}))}) {
    EXPECT_TRUE(notes_say(fit, "one customer tells nothing"));
    EXPECT_TRUE(notes_say(fit, "the data do not determine"));
    EXPECT_TRUE(std::isfinite(fit.log_likelihood));
  }

  // All buy at one rate and nobody leaves: r, alpha and the dropout run to their ends.
  Columns c;
  for (std::size_t i = 0; i < 2000; ++i) {
    random::Stream stream(4, i);
    double n = 0, last = 0;
    for (double t = stream.exponential(0.2); t < 30; t += stream.exponential(0.2)) {
      ++n;
      last = t;
    }
    c.x.push_back(n);
    c.t_x.push_back(last);
    c.T.push_back(30);
  }
  const auto alike = fit_nbd(c.view());
  EXPECT_TRUE(alike.converged);
  if (alike.estimates[0] > 1000) {
    EXPECT_TRUE(notes_say(alike, "all customers buy at one rate"));
  }
  EXPECT_NEAR(alike.estimates[0] / alike.estimates[1], 0.2, 0.01);
  // All bought on the last day, so nobody can have left.
  const std::vector<double> some{1, 2, 2, 3, 4, 7}, today(6, 30.0);
  EXPECT_TRUE(notes_say(fit_bg_nbd({some, today, today}), "nobody seems to leave"));
  EXPECT_TRUE(notes_say(fit_pareto_nbd({some, today, today}), "nobody seems to leave"));

  // One probability to leave for all: a and b run away together.
  Columns one;
  for (std::size_t i = 0; i < 2000; ++i) {
    random::Stream stream(5, i);
    const double rate = stream.gamma(1.5, 5);
    double n = 0, last = 0;
    for (double t = stream.exponential(rate); t < 40; t += stream.exponential(rate)) {
      ++n;
      last = t;
      if (stream.bernoulli(0.25)) break;
    }
    one.x.push_back(n);
    one.t_x.push_back(last);
    one.T.push_back(40);
  }
  const auto bg = fit_bg_nbd(one.view());
  EXPECT_NEAR(bg.model.a / (bg.model.a + bg.model.b), 0.25, 0.03);
  if (bg.model.a + bg.model.b > 1000) {
    EXPECT_TRUE(notes_say(bg, "same probability"));
  }
}

TEST(ClvFit, ReachesTheEndWhereNobodyLeaves) {
  // All bought on the last day: the likelihood rises to that of the NBD as the dropout goes to 0, over a
  // plateau where a and b run away together.
  Columns c;
  for (std::size_t i = 0; i < 3000; ++i) {
    random::Stream stream(6, i);
    const double rate = stream.gamma(0.8, 3);
    double n = 1;
    for (double t = stream.exponential(rate); t < 30; t += stream.exponential(rate)) ++n;
    c.x.push_back(n);
    c.t_x.push_back(30);
    c.T.push_back(30);
  }
  const auto never = fit_nbd(c.view());
  for (const FitSummary& fit : {FitSummary(fit_bg_nbd(c.view())), FitSummary(fit_mbg_nbd(c.view()))}) {
    EXPECT_NEAR(fit.log_likelihood, never.log_likelihood, 1e-6);
    EXPECT_LT(fit.estimates[2] / (fit.estimates[2] + fit.estimates[3]), 1e-9);
    EXPECT_NEAR(fit.estimates[0], never.estimates[0], 1e-5 * never.estimates[0]);
    EXPECT_TRUE(fit.converged) << fit.reason;
    EXPECT_TRUE(notes_say(fit, "nobody seems to leave"));
  }
  // Intervals and reports of progress go on.
  FitOptions options{.profile_level = 90};
  double told = 0;
  options.execution.progress = [&](double share) {
    EXPECT_GE(share, told);
    told = share;
  };
  const auto bg = fit_bg_nbd(c.view(), options);
  EXPECT_EQ(told, 1);
  EXPECT_LT(bg.profile[0].low, never.estimates[0]);
  EXPECT_GT(bg.profile[0].high, never.estimates[0]);
}

TEST(ClvFit, SaysWhatIsWrongWithTheRows) {
  const std::vector<double> x{1, 0, 2.5, -1, 1, 2}, t_x{5, 3, 1, 1, 9, special::not_a_number},
      T{9, 9, 9, 9, 4, 9};
  try {
    (void)fit_bg_nbd({x, t_x, T});
    FAIL();
  } catch (const UsageError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("x is no whole number from 0 to 1e15 in 2 rows (2, 3)"), std::string::npos) << text;
    EXPECT_NE(text.find("t_x is after T (are the two columns swapped?) in 1 row (4)"), std::string::npos)
        << text;
    EXPECT_NE(text.find("x is 0 but t_x is not in 1 row (1)"), std::string::npos) << text;
    EXPECT_NE(text.find("NaN in 1 row (5)"), std::string::npos) << text;
    EXPECT_NE(text.find("of 6 rows"), std::string::npos) << text;
  }
  const std::vector<double> good{1, 2}, when{1, 2}, seen{5, 5}, bad_weight{1, 0}, shorter{1};
  EXPECT_THROW((void)fit_bg_nbd({{}, {}, {}}), UsageError);
  EXPECT_THROW((void)fit_bg_nbd({good, when, shorter}), UsageError);
  EXPECT_THROW((void)fit_bg_nbd({good, when, seen, bad_weight}), UsageError);
  EXPECT_THROW((void)fit_bg_nbd({good, when, seen, shorter}), UsageError);
  EXPECT_THROW((void)fit_mbg_cnbd({good, when, seen}), UsageError);
  EXPECT_THROW((void)fit_mbg_cnbd({good, when, seen}, 0), UsageError);
  const std::vector<double> half{1.5, 2};
  EXPECT_THROW((void)fit_bg_bb({good, half, seen}), UsageError);
  const std::vector<double> more{3, 2};
  EXPECT_THROW((void)fit_bg_bb({more, when, seen}), UsageError);
  const std::vector<double> spend{1, -5}, nothing{0, 0};
  EXPECT_THROW((void)fit_gamma_gamma({good, spend}), UsageError);
  EXPECT_THROW((void)fit_gamma_gamma({nothing, spend}), UsageError);

  FitOptions options;
  options.start = {1, 2, 3};
  EXPECT_THROW((void)fit_bg_nbd({good, when, seen}, options), UsageError);
  options.start = {1, 2, 3, 0};
  EXPECT_THROW((void)fit_bg_nbd({good, when, seen}, options), UsageError);
  options = {.priors = {{1, 1}}};
  EXPECT_THROW((void)fit_bg_nbd({good, when, seen}, options), UsageError);
  options = {.l2 = -1};
  EXPECT_THROW((void)fit_bg_nbd({good, when, seen}, options), UsageError);
  options = {.profile_level = 0.95};
  EXPECT_THROW((void)fit_bg_nbd({good, when, seen}, options), UsageError);
}

TEST(ClvFit, CovariatesMoveTheParameters) {
  Columns c;
  std::vector<double> shop, age;
  for (std::size_t i = 0; i < 12000; ++i) {
    random::Stream stream(8, i);
    shop.push_back(stream.bernoulli(0.4) ? 1 : 0);
    age.push_back(static_cast<double>(stream.integer(-2, 2)) / 2);
    const double rate = stream.gamma(0.8, 6 * std::exp(-0.5 * shop[i] + 0.3 * age[i]));
    const double leave = stream.gamma(1.2, 15 * std::exp(-0.7 * shop[i]));
    const double end = std::min(40.0, stream.exponential(leave));
    double x = 0, t_x = 0;
    for (double t = stream.exponential(rate); t < end; t += stream.exponential(rate)) {
      ++x;
      t_x = t;
    }
    c.x.push_back(x);
    c.t_x.push_back(std::floor(7 * t_x) / 7);
    c.T.push_back(40);
  }
  const Covariates covariates{{{"shop", shop}, {"age", age}}, {{"shop", shop}}};
  const auto fit = fit_pareto_nbd(c.view(), covariates);
  expect_within(fit, {0.8, 6, 1.2, 15, 0.5, -0.3, 0.7}, 4);
  const std::vector<double> z{1, 0.5}, leave{1};
  const ParetoNBD own = fit.model_of(z, leave);
  EXPECT_NEAR(own.alpha, fit.model.alpha * std::exp(-fit.transaction[0] - fit.transaction[1] / 2), 1e-12);
  EXPECT_NEAR(own.beta, fit.model.beta * std::exp(-fit.dropout[0]), 1e-12);
  double sum = 0;
  for (std::size_t i = 0; i < c.x.size(); ++i)
    sum += log_likelihood(fit.model_of(std::vector{shop[i], age[i]}, std::vector{shop[i]}), c.x[i], c.t_x[i],
                          c.T[i]);
  EXPECT_NEAR(sum, fit.log_likelihood, 1e-6);
  EXPECT_LT(fit.intervals()[5].low, fit.intervals()[5].high);
  EXPECT_LT(fit.intervals()[5].high, 0);

  // Under BG the same summary follows from each customer's own model; threads change nothing.
  FitOptions one, four;
  one.execution.threads = 1;
  four.execution.threads = 4;
  std::vector<double> own_number;
  for (std::size_t i = 0; i < 1000; ++i) own_number.push_back(random::Stream(10, i).normal());
  Columns few = c;
  for (auto* column : {&few.x, &few.t_x, &few.T}) column->resize(1000);
  const Covariates continuous{{{"number", own_number}}, {{"number", own_number}}};
  const auto bg = fit_bg_nbd(few.view(), continuous, one);
  expect_same(bg, fit_bg_nbd(few.view(), continuous, four));
  sum = 0;
  for (std::size_t i = 0; i < 1000; ++i)
    sum +=
        log_likelihood(bg.model_of({&own_number[i], 1}, {&own_number[i], 1}), few.x[i], few.t_x[i], few.T[i]);
  EXPECT_NEAR(sum, bg.log_likelihood, 1e-7);
  // Without covariates it is the plain fit.
  EXPECT_NEAR(fit_mbg_nbd(few.view(), Covariates{}).log_likelihood, fit_mbg_nbd(few.view()).log_likelihood,
              1e-8);

  const std::vector<double> flat(1000, 1.0);
  EXPECT_THROW((void)fit_bg_nbd(few.view(), Covariates{{{"flat", flat}}, {}}), UsageError);
  EXPECT_THROW((void)fit_bg_nbd(few.view(), Covariates{{{"shop", shop}}, {}}), UsageError);
  EXPECT_THROW((void)fit_bg_nbd(few.view(), Covariates{{{"a", own_number}}, {}, {"a"}}), UsageError);
  EXPECT_THROW((void)fit_bg_nbd(few.view(), Covariates{{{"a", own_number}, {"a", own_number}}, {}}),
               UsageError);
  EXPECT_THROW((void)fit.model_of(leave, leave), UsageError);
}

TEST(ClvFit, ContractsInTriangles) {
  // Four cohorts of one start each, the later ones seen for less long.
  const std::vector<double> all{10000, 8000, 6480, 5307, 4391};
  std::vector<ContractCohort> triangle;
  for (std::ptrdiff_t length = 5; length >= 2; --length)
    triangle.push_back({{all.begin(), all.begin() + length}});
  const auto fit = fit_sbg(triangle);
  EXPECT_NEAR(fit.log_likelihood, -40255.837280741, 1e-6);
  EXPECT_NEAR(fit.model.alpha / 3.7981258079, 1, 1e-5);
  EXPECT_NEAR(fit.model.beta / 15.1919079374, 1, 1e-5);
  EXPECT_TRUE(notes_say(fit, "known together only"));

  // A cohort that is counted late says the same as one that is counted from its start, once both are
  // conditioned: S(1) of 10,000 is what the first renewal alone adds.
  const double nan = special::not_a_number;
  const auto gap =
      fit_sbg(std::vector<ContractCohort>{{{10000, nan, 6480, 5307, 4391}}, {{6480, 5307, 4391}, 2}});
  EXPECT_TRUE(gap.converged);
  EXPECT_EQ(gap.n, 16480);

  EXPECT_THROW((void)fit_sbg({}), UsageError);
  EXPECT_THROW((void)fit_sbg(std::vector<ContractCohort>{{{100}}}), UsageError);
  EXPECT_THROW((void)fit_sbg(std::vector<ContractCohort>{{{100, 120}}}), UsageError);
  EXPECT_THROW((void)fit_bdw(std::vector<ContractCohort>{{{100, -1}}}), UsageError);
  const auto loyal = fit_sbg(std::vector<ContractCohort>{{{100, 100, 100}}});
  EXPECT_FALSE(loyal.converged);
  EXPECT_TRUE(notes_say(loyal, "nobody left"));
  const auto same = fit_sbg(std::vector<ContractCohort>{{{10000, 9000, 8100, 7290}}});
  EXPECT_TRUE(notes_say(same, "same probability"));
  EXPECT_NEAR(same.model.alpha / (same.model.alpha + same.model.beta), 0.1, 1e-4);
}

TEST(ClvFit, StopsWhenAskedAndTellsHowFarItIs) {
  const Columns c = crowd(2000, usual);
  std::stop_source source;
  FitOptions options;
  std::vector<double> seen;
  options.execution.progress = [&](double done) { seen.push_back(done); };
  (void)fit_bg_nbd(c.view(), options);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 1);
  options.execution.stop = source.get_token();
  options.execution.progress = [&](double) { source.request_stop(); };
  EXPECT_THROW((void)fit_bg_nbd(c.view(), options), Cancelled);
}

TEST(ClvFit, RatioTestsCompareNestedFits) {
  FitSummary small, large;
  small.parameters = {"r", "alpha"};
  large.parameters = {"r", "alpha", "s"};
  small.log_likelihood = -100;
  large.log_likelihood = -98.0792705;
  const auto test = likelihood_ratio_test(small, large);
  EXPECT_NEAR(test.statistic, 3.841459, 1e-6);
  EXPECT_NEAR(test.p_value, 0.05, 1e-7);
  EXPECT_THROW((void)likelihood_ratio_test(large, small), UsageError);
  large.n = 3;
  EXPECT_THROW((void)likelihood_ratio_test(small, large), UsageError);
}
