// Bayesian fits: the same likelihoods, the parameters drawn instead of pointed at.
#include <gtest/gtest.h>

#include <cmath>

#include "../../src/clv/solve.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/clv/simulate.hpp"

using namespace salesops;
using namespace salesops::clv;

namespace {

struct Cohort {
  std::vector<double> T;
  Simulation made;
  [[nodiscard]] RfmView view() const { return {.x = made.x, .t_x = made.t_x, .T = T}; }
};

template <class Model>
Cohort cohort(const Model& model, std::size_t customers) {
  Cohort result;
  for (std::size_t i = 0; i < customers; ++i) result.T.push_back(27 + static_cast<double>(i % 12));
  result.made = simulate(model, result.T, {.seed = 5});
  return result;
}

FitOptions bayes(int draws = 400) {
  return {.posterior = posterior::Options{.chains = 2, .warmup = 200, .draws = draws}};
}

TEST(ClvPosterior, WithManyCustomersItIsTheNormalOfTheInformation) {
  const Cohort customers = cohort(BGNBD{0.6, 5, 1.2, 3.5}, 2000);
  const auto likely = fit_bg_nbd(customers.view());
  const auto fit = fit_bg_nbd(customers.view(), bayes());
  ASSERT_TRUE(fit.posterior.has_value());
  for (std::size_t j = 0; j < 4; ++j) {
    const auto& one = fit.posterior->parameters[j];
    EXPECT_LT(one.r_hat, 1.02);
    EXPECT_GT(one.ess_bulk, 200);
    EXPECT_NEAR(one.mean, likely.estimates[j], 0.5 * likely.standard_errors[j]) << fit.parameters[j];
    EXPECT_NEAR(one.sd / likely.standard_errors[j], 1, 0.3) << fit.parameters[j];
  }
  EXPECT_EQ(fit.posterior->draws.divergences, 0);
}

TEST(ClvPosterior, ItIsTheDensityThatQuadratureGives) {
  // sBG with a known prior on few customers: two parameters, so a grid tells the truth.
  const std::vector<ContractCohort> cohorts{{.survivors = {60, 41, 33, 28, 26}}};
  FitOptions options = bayes(2000);
  options.priors = {{1, 1}, {2, 1}};
  const auto fit = fit_sbg(cohorts, options);
  double mass = 0, mean = 0, square = 0;
  for (double u = -5; u < 5; u += 0.02)
    for (double v = -5; v < 6; v += 0.02) {
      const auto after = [model = SBG{std::exp(u), std::exp(v)}](std::size_t renewals) {
        return std::exp(log_survival_given(model, static_cast<double>(renewals), 0));
      };
      const auto& alive = cohorts[0].survivors;
      double log = -u * u / 2 - (v - std::log(2.0)) * (v - std::log(2.0)) / 2;
      for (std::size_t t = 1; t < alive.size(); ++t)
        log += (alive[t - 1] - alive[t]) * std::log(after(t - 1) - after(t));
      log += alive.back() * std::log(after(alive.size() - 1));
      const double weight = std::exp(log + 90);
      mass += weight;
      mean += weight * u;
      square += weight * u * u;
    }
  mean /= mass;
  double sum = 0, squares = 0;
  const auto& draws = fit.posterior->draws;
  for (std::size_t i = 0; i < draws.values.size(); i += 2) {
    const double u = std::log(draws.values[i]);
    sum += u;
    squares += u * u;
  }
  const double n = static_cast<double>(draws.values.size()) / 2;
  EXPECT_NEAR(sum / n, mean, 0.03);
  EXPECT_NEAR(std::sqrt(squares / n - sum / n * sum / n), std::sqrt(square / mass - mean * mean), 0.03);
}

TEST(ClvPosterior, EveryModelCanBeAsked) {
  const Cohort customers = cohort(ParetoNBD{0.55, 10.6, 0.6, 11.7}, 60);
  const auto good = [](const FitSummary& fit) {
    ASSERT_TRUE(fit.posterior.has_value()) << fit.parameters[0];
    EXPECT_EQ(fit.posterior->parameters.size(), fit.parameters.size());
    for (const auto& one : fit.posterior->parameters) {
      EXPECT_GT(one.mean, 0);
      EXPECT_TRUE(std::isfinite(one.r_hat));
    }
    EXPECT_FALSE(fit.notes.empty()) << "what was believed is said";
  };
  const FitOptions options{.posterior = posterior::Options{.chains = 2, .warmup = 60, .draws = 20}};
  good(fit_nbd(customers.view(), options));
  good(fit_bg_nbd(customers.view(), options));
  good(fit_mbg_nbd(customers.view(), options));
  good(fit_pareto_nbd(customers.view(), options));
  good(fit_ggompertz_nbd(customers.view(), options));
  good(fit_bg_cnbd(customers.view(), 2, options));
  good(fit_bdw(std::vector{simulate_contracts(BdW{0.9, 3, 1.4}, 500, 8)}, options));
  std::vector<double> z(customers.T.size());
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = static_cast<double>(i % 2);
  const auto moved =
      fit_pareto_nbd(customers.view(), Covariates{.transaction = {{"z", z}}, .dropout = {}}, options);
  EXPECT_EQ(moved.posterior->parameters.size(), 5U);
}

TEST(ClvPosterior, DrawsReadTheSlopesOfTheFit) {
  // The sampler asks for slopes without curvatures; they are those the search for the maximum sees.
  const Cohort customers = cohort(ParetoNBD{0.55, 10.6, 0.6, 11.7}, 200);
  const Population population = population_of(customers.view(), {});
  const auto same = [](const auto& slopes, const auto& both) {
    EXPECT_TRUE(std::isfinite(both.value));
    EXPECT_EQ(slopes.value, both.value);
    EXPECT_EQ(slopes.gradient, both.gradient);
  };
  for (const std::vector<double>& logs : {std::vector{-0.5, 2.4, -0.6, 2.5}, {0.3, 1.0, 0.8, 4.0}}) {
    same(pareto<1>(population, {}, logs), pareto<2>(population, {}, logs));
    for (const Kind kind : {Kind{1, false}, Kind{1, true}, Kind{3, true}})
      same(beta_geometric<1>(population, kind, {}, logs), beta_geometric<2>(population, kind, {}, logs));
    const std::vector<double> five{logs[0], logs[1], -3, logs[2], logs[3]};
    same(ggompertz<1>(population, {}, five), ggompertz<2>(population, {}, five));
  }
}

TEST(ClvPosterior, OneCustomerLeavesWhatWasBelieved) {
  const std::vector<double> zero{0}, T{30};
  const auto fit = fit_bg_nbd({.x = zero, .t_x = zero, .T = T}, bayes());
  // Log-normal with log_sd 2 in units of T: hardly moved by one row.
  double squares = 0, sum = 0;
  const auto& draws = fit.posterior->draws;
  for (std::size_t i = 3; i < draws.values.size(); i += 4) {
    const double v = std::log(draws.values[i]);
    sum += v;
    squares += v * v;
  }
  const double n = static_cast<double>(draws.values.size()) / 4;
  EXPECT_NEAR(sum / n, 0, 0.25);
  EXPECT_NEAR(std::sqrt(squares / n - sum / n * sum / n), 2, 0.25);
}

TEST(ClvPosterior, ThreadsChangeNoDraw) {
  const Cohort customers = cohort(BGNBD{0.6, 5, 1.2, 3.5}, 100);
  FitOptions one{.posterior = posterior::Options{.warmup = 50, .draws = 20}};
  FitOptions three = one;
  one.execution.threads = 1;
  three.execution.threads = 3;
  EXPECT_EQ(fit_bg_nbd(customers.view(), one).posterior->draws.values,
            fit_bg_nbd(customers.view(), three).posterior->draws.values);
}

}  // namespace
