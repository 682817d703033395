// What is known of a customer moves the parameters: purchases, spend and contracts.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "clv_golden.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/clv/simulate.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"

using namespace salesops;
using namespace salesops::clv;

namespace {

void expect_within(const FitSummary& fit, const std::vector<double>& truth, double errors) {
  EXPECT_TRUE(fit.converged) << fit.reason;
  ASSERT_EQ(fit.estimates.size(), truth.size());
  for (std::size_t j = 0; j < truth.size(); ++j) {
    EXPECT_NEAR(fit.estimates[j], truth[j], errors * fit.standard_errors[j]) << fit.parameters[j];
    EXPECT_GT(fit.standard_errors[j], 0) << fit.parameters[j];
  }
}

struct Golden {
  std::vector<double> estimates, errors;
  double log_likelihood = 0;
};

/// tests/golden/clv_covariates.csv, written by clv_covariates.py with mpmath.
Golden golden_fit(const std::string& wanted) {
  std::ifstream file(SALESOPS_SOURCE_DIR "/tests/golden/clv_covariates.csv");
  for (std::string line; std::getline(file, line);) {
    std::istringstream stream(line);
    std::string name, estimates, errors, log_likelihood;
    std::getline(stream, name, ',');
    std::getline(stream, estimates, ',');
    std::getline(stream, errors, ',');
    std::getline(stream, log_likelihood, ',');
    if (name == wanted)
      return {clv_test::numbers(estimates), clv_test::numbers(errors), std::stod(log_likelihood)};
  }
  ADD_FAILURE() << wanted << " is missing";
  return {};
}

void expect_golden(const FitSummary& fit, const std::string& name) {
  const Golden golden = golden_fit(name);
  ASSERT_EQ(fit.estimates.size(), golden.estimates.size()) << name;
  EXPECT_NEAR(fit.log_likelihood, golden.log_likelihood, 1e-9 * std::abs(golden.log_likelihood)) << name;
  for (std::size_t j = 0; j < fit.estimates.size(); ++j) {
    EXPECT_NEAR(fit.estimates[j], golden.estimates[j], 1e-6 * std::abs(golden.estimates[j]))
        << name << ' ' << fit.parameters[j];
    EXPECT_NEAR(fit.standard_errors[j], golden.errors[j], 1e-5 * golden.errors[j])
        << name << ' ' << fit.parameters[j];
  }
}

/// Customers of shops (z = 1) and of the web (z = 0) whose alpha and beta differ.
struct Shoppers {
  std::vector<double> x, t_x, T, shop;
  [[nodiscard]] RfmView view() const { return {.x = x, .t_x = t_x, .T = T}; }
};
Shoppers shoppers(const GGompertzNBD& model, double buys, double leaves, std::size_t each) {
  Shoppers all;
  for (const bool shop : {false, true}) {
    GGompertzNBD own = model;
    if (shop) own.alpha *= std::exp(-buys);
    if (shop) own.beta *= std::exp(-leaves);
    const std::vector<double> T(each, 52);
    const Simulation made = simulate(own, T, {.seed = shop ? 11U : 12U});
    all.x.insert(all.x.end(), made.x.begin(), made.x.end());
    for (const double t : made.t_x) all.t_x.push_back(std::ceil(t));
    all.T.insert(all.T.end(), each, 52);
    all.shop.insert(all.shop.end(), each, shop ? 1 : 0);
  }
  return all;
}

TEST(ClvCovariates, MoveTheGompertzRisk) {
  const GGompertzNBD truth{1.2, 5, 0.06, 1.1, 0.9};
  const Shoppers all = shoppers(truth, 0.6, 0.8, 3000);
  Covariates covariates{{{"shop", all.shop}}, {{"shop", all.shop}}};
  const auto fit = fit_ggompertz_nbd(all.view(), covariates);
  EXPECT_EQ(fit.parameters,
            (std::vector<std::string>{"r", "alpha", "b", "s", "beta", "transaction.shop", "dropout.shop"}));
  expect_within(fit, {1.2, 5, 0.06, 1.1, 0.9, 0.6, 0.8}, 4);
  const std::array<GGompertzNBD, 2> of{fit.model_of(std::vector{0.0}, std::vector{0.0}),
                                       fit.model_of(std::vector{1.0}, std::vector{1.0})};
  EXPECT_NEAR(of[1].beta, fit.model.beta * std::exp(-fit.dropout[0]), 1e-12);
  double sum = 0;
  for (std::size_t i = 0; i < all.x.size(); ++i)
    sum += log_likelihood(of[all.shop[i] == 1 ? 1 : 0], all.x[i], all.t_x[i], all.T[i]);
  EXPECT_NEAR(sum, fit.log_likelihood, 1e-6);
  // What the covariate tells is far beyond chance, in both processes.
  const auto plain = fit_ggompertz_nbd(all.view());
  EXPECT_LT(likelihood_ratio_test(plain, fit).p_value, 1e-6);
}

TEST(ClvCovariates, GompertzTakesConstraintsAndRidges) {
  const Shoppers all = shoppers({1.2, 5, 0.06, 1.1, 0.9}, 0.5, 0.5, 400);
  Covariates covariates{{{"shop", all.shop}}, {{"shop", all.shop}}};
  EXPECT_NEAR(fit_ggompertz_nbd(all.view(), Covariates{}).log_likelihood,
              fit_ggompertz_nbd(all.view()).log_likelihood, 1e-8);
  const auto free = fit_ggompertz_nbd(all.view(), covariates);
  FitOptions ridge;
  ridge.l2 = 1e5;
  const auto held = fit_ggompertz_nbd(all.view(), covariates, ridge);
  EXPECT_LT(std::abs(held.transaction[0]), 0.1 * std::abs(free.transaction[0]));
  covariates.equal = {"shop"};
  const auto equal = fit_ggompertz_nbd(all.view(), covariates);
  EXPECT_EQ(equal.parameters.back(), "shop");
  EXPECT_EQ(equal.transaction, equal.dropout);
  EXPECT_LE(equal.log_likelihood, free.log_likelihood + 1e-9);
  EXPECT_THROW((void)equal.model_of({}, std::vector{1.0}), UsageError);
}

TEST(ClvCovariates, MoveTheSpend) {
  const GammaGamma truth{4, 5, 60};
  std::vector<double> x, mean, age, web;
  for (std::size_t i = 0; i < 6000; ++i) {
    random::Stream stream(3, i);
    x.push_back(static_cast<double>(stream.integer(0, 4)));
    age.push_back(static_cast<double>(stream.integer(-2, 2)) / 2);
    web.push_back(stream.bernoulli(0.5) ? 1 : 0);
    const GammaGamma own{truth.p, truth.q, truth.v * std::exp(0.4 * age[i] - 0.7 * web[i])};
    mean.push_back(simulate_spend(own, {&x[i], 1}, {.seed = i})[0]);
  }
  const std::vector<Covariate> covariates{{"age", age}, {"web", web}};
  const SpendView view{.x = x, .mean_spend = mean};
  const SpendFit fit = fit_gamma_gamma(view, covariates);
  EXPECT_EQ(fit.parameters, (std::vector<std::string>{"p", "q", "v", "spend.age", "spend.web"}));
  expect_within(fit, {4, 5, 60, 0.4, -0.7}, 4);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += log_likelihood(fit.model_of(std::vector{age[i], web[i]}), x[i], mean[i]);
  EXPECT_NEAR(sum, fit.log_likelihood, 1e-6);
  // A unit of z multiplies the expected spend of a new customer by e^γ.
  EXPECT_NEAR(expected_spend_new(fit.model_of(std::vector{1.0, 0.0})) / expected_spend_new(fit.model),
              std::exp(fit.spend[0]), 1e-12);
  const auto plain = fit_gamma_gamma(view);
  const auto none = fit_gamma_gamma(view, std::vector<Covariate>{});
  EXPECT_NEAR(none.log_likelihood, plain.log_likelihood, 1e-7);
  EXPECT_NEAR(none.model.v, plain.model.v, 1e-6 * plain.model.v);
  EXPECT_LT(likelihood_ratio_test(plain, fit).p_value, 1e-9);
  EXPECT_THROW((void)fit.model_of(std::vector{1.0}), UsageError);
  EXPECT_THROW((void)fit_gamma_gamma(view, std::vector<Covariate>{{"x", std::span(age).first(9)}}),
               UsageError);
}

/// Cohorts seen for 2, 3, … renewals, of two kinds that differ in alpha and beta.
template <class Model>
std::vector<ContractCohort> triangle(const Model& model, double on_alpha, double on_beta,
                                     std::vector<double>& premium) {
  std::vector<ContractCohort> cohorts;
  for (std::size_t i = 0; i < 14; ++i) {
    premium.push_back(i % 2 == 1 ? 1 : 0);
    Model own = model;
    own.alpha *= std::exp(on_alpha * premium[i]);
    own.beta *= std::exp(on_beta * premium[i]);
    cohorts.push_back(simulate_contracts(own, 4000, 2 + i / 2, {.seed = 70 + i}));
  }
  return cohorts;
}

template <class Model>
double summed(const ContractFit<Model>& fit, const std::vector<ContractCohort>& cohorts,
              const std::vector<double>& z, bool on_beta) {
  double sum = 0;
  for (std::size_t i = 0; i < cohorts.size(); ++i)
    sum += log_likelihood(fit.model_of({&z[i], 1}, on_beta ? std::span(&z[i], 1) : std::span<const double>{}),
                          cohorts[i].survivors);
  return sum;
}

TEST(ClvCovariates, MoveTheOddsToLeaveAContract) {
  std::vector<double> premium;
  const auto cohorts = triangle(SBG{0.9, 3}, -0.6, 0, premium);
  const ContractCovariates covariates{.alpha = {{"premium", premium}}};
  const auto fit = fit_sbg(cohorts, covariates);
  EXPECT_EQ(fit.parameters, (std::vector<std::string>{"alpha", "beta", "alpha.premium"}));
  expect_within(fit, {0.9, 3, -0.6}, 4);
  EXPECT_NEAR(summed(fit, cohorts, premium, false), fit.log_likelihood, 1e-6);
  EXPECT_NEAR(fit_sbg(cohorts, ContractCovariates{}).log_likelihood, fit_sbg(cohorts).log_likelihood, 1e-8);

  std::vector<double> kind;
  const auto aging = triangle(BdW{0.8, 4, 1.4}, -0.5, 0.4, kind);
  ContractCovariates both{.alpha = {{"kind", kind}}, .beta = {{"kind", kind}}};
  const auto free = fit_bdw(aging, both);
  expect_within(free, {0.8, 4, 1.4, -0.5, 0.4}, 4);
  EXPECT_NEAR(summed(free, aging, kind, true), free.log_likelihood, 1e-6);
  both.equal = {"kind"};
  const auto equal = fit_bdw(aging, both);
  EXPECT_EQ(equal.estimates.size(), 4U);
  EXPECT_EQ(equal.alpha, equal.beta);
  EXPECT_LT(equal.log_likelihood, free.log_likelihood);
  FitOptions ridge;
  ridge.l2 = 1000;
  EXPECT_LT(std::abs(fit_bdw(aging, {.alpha = {{"kind", kind}}}, ridge).alpha[0]),
            std::abs(fit_bdw(aging, {.alpha = {{"kind", kind}}}).alpha[0]));
  both.equal = {"size"};
  EXPECT_THROW((void)fit_bdw(aging, both), UsageError);
  EXPECT_THROW((void)free.model_of(std::vector{1.0}, {}), UsageError);
}

TEST(ClvCovariates, AreWhatTheDefinitionsGive) {
  std::vector<double> x, mean, z;
  for (int i = 0; i < 40; ++i) {
    x.push_back(1 + i * 7 % 5);
    z.push_back((i % 5 - 2) / 2.0);
    mean.push_back(20 * std::exp(0.3 * z.back() + 0.6 * std::sin(1.7 * i) + std::sin(2.3 * i) / x.back()));
  }
  expect_golden(fit_gamma_gamma({.x = x, .mean_spend = mean}, std::vector<Covariate>{{"z", z}}),
                "GammaGamma");
  const std::vector<ContractCohort> cohorts{{{1000, 771, 627, 533, 462, 412}},
                                            {{1000, 688, 517, 405, 334}},
                                            {{500, 384, 315, 266}},
                                            {{400, 277, 205, 164}}};
  const std::vector<double> kind{0, 1, 0, 1};
  expect_golden(fit_sbg(cohorts, {.alpha = {{"z", kind}}}), "SBG alpha");
  expect_golden(fit_sbg(cohorts, {.alpha = {{"z", kind}}, .beta = {{"z", kind}}, .equal = {"z"}}),
                "SBG equal");
  expect_golden(fit_bdw(cohorts, {.alpha = {}, .beta = {{"z", kind}}}), "BdW beta");
}

}  // namespace
