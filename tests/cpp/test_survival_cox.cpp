#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "salesops/random.hpp"
#include "salesops/survival.hpp"

using namespace salesops;
using survival::CoxOptions;
using survival::CoxTies;

namespace {

/// A small study in which everything occurs: ties, weights, strata, late rows.
struct Study {
  std::vector<double> durations, entry, weights;
  std::vector<std::uint8_t> events;
  std::vector<std::uint32_t> strata, cluster;
  std::vector<std::vector<double>> x;

  Study(std::size_t rows, std::uint64_t seed, int times = 8) : x(3, std::vector<double>(rows)) {
    random::Stream stream(seed);
    for (std::size_t i = 0; i < rows; ++i) {
      entry.push_back(stream.bernoulli(0.4) ? static_cast<double>(stream.integer(1, 3)) : 0);
      durations.push_back(entry[i] + static_cast<double>(stream.integer(1, times)));
      events.push_back(stream.bernoulli(0.6));
      weights.push_back(static_cast<double>(stream.integer(1, 3)));
      strata.push_back(static_cast<std::uint32_t>(stream.integer(0, 2)) * 5);
      cluster.push_back(static_cast<std::uint32_t>(stream.integer(0, static_cast<std::int64_t>(rows) / 3)));
      x[0][i] = stream.normal();
      x[1][i] = stream.bernoulli(0.5);
      x[2][i] = 100 + 20 * stream.normal() + 10 * x[0][i];
    }
  }
  [[nodiscard]] std::vector<survival::Covariate> covariates() const {
    return {{"a", x[0]}, {"b", x[1]}, {"c", x[2]}};
  }
  [[nodiscard]] CoxOptions options(bool weighted, bool stratified, bool late) const {
    CoxOptions made;
    if (weighted) made.weights = weights;
    if (stratified) made.strata = strata;
    if (late) made.entry = entry;
    return made;
  }
  [[nodiscard]] std::vector<double> row(std::size_t i) const { return {x[0][i], x[1][i], x[2][i]}; }
};

double product(const std::vector<double>& beta, const std::vector<double>& x) {
  return std::inner_product(x.begin(), x.end(), beta.begin(), 0.0);
}

/// The partial likelihood as books write it: at each time of each stratum, who is at risk and who dies.
double likelihood(const Study& study, const CoxOptions& options, const std::vector<double>& beta) {
  const std::size_t n = study.durations.size();
  const auto weight = [&](std::size_t i) { return options.weights.empty() ? 1 : options.weights[i]; };
  double value = 0;
  std::vector<std::uint8_t> done(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    if (study.events[i] == 0 || done[i] != 0) continue;
    std::vector<std::size_t> dead;
    std::vector<double> alive_odds;
    double s0 = 0, d0 = 0, dead_weight = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const bool same = options.strata.empty() || options.strata[j] == options.strata[i];
      const bool seen = options.entry.empty() || options.entry[j] < study.durations[i];
      if (!same || !seen || study.durations[j] < study.durations[i]) continue;
      const double theta = weight(j) * std::exp(product(beta, study.row(j)));
      s0 += theta;
      if (study.events[j] != 0 && study.durations[j] == study.durations[i]) {
        dead.push_back(j);
        done[j] = 1;
        d0 += theta;
        dead_weight += weight(j);
        value += weight(j) * product(beta, study.row(j));
      }
      alive_odds.push_back(theta);
    }
    const auto d = static_cast<double>(dead.size());
    if (options.ties == CoxTies::breslow) value -= dead_weight * std::log(s0);
    if (options.ties == CoxTies::efron)
      for (std::size_t l = 0; l < dead.size(); ++l)
        value -= dead_weight / d * std::log(s0 - static_cast<double>(l) / d * d0);
    if (options.ties == CoxTies::exact) {
      std::function<double(std::size_t, std::size_t)> sets = [&](std::size_t from, std::size_t k) -> double {
        if (k == 0) return 1;
        if (alive_odds.size() - from < k) return 0;
        return alive_odds[from] * sets(from + 1, k - 1) + sets(from + 1, k);
      };
      value -= std::log(sets(0, dead.size()));
    }
  }
  return value;
}

double slope(const Study& study, const CoxOptions& options, std::vector<double> beta, std::size_t j) {
  const double step = j == 2 ? 1e-5 : 1e-4;
  beta[j] += step;
  const double above = likelihood(study, options, beta);
  beta[j] -= 2 * step;
  return (above - likelihood(study, options, beta)) / (2 * step);
}

std::string refusal(const Study& study, const std::vector<survival::Covariate>& covariates,
                    const CoxOptions& options = {}) {
  try {
    (void)survival::cox(study.durations, study.events, covariates, options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST(SurvivalCox, IsTheTopOfTheLikelihoodOfTheBooks) {
  for (const auto ties : {CoxTies::efron, CoxTies::breslow, CoxTies::exact})
    for (const int mask : {0, 1, 2, 4, 6, 7}) {
      if (ties == CoxTies::exact && (mask & 1) != 0) continue;
      const Study study(ties == CoxTies::exact ? 24 : 60, 3 + static_cast<std::uint64_t>(mask));
      CoxOptions options = study.options((mask & 1) != 0, (mask & 2) != 0, (mask & 4) != 0);
      options.ties = ties;
      const auto model = survival::cox(study.durations, study.events, study.covariates(), options);
      ASSERT_TRUE(model.converged);
      EXPECT_NEAR(model.log_likelihood, likelihood(study, options, model.coefficients), 1e-9);
      EXPECT_NEAR(model.log_likelihood_null, likelihood(study, options, {0, 0, 0}), 1e-9);
      for (std::size_t j = 0; j < 3; ++j) {
        EXPECT_NEAR(slope(study, options, model.coefficients, j) * model.std_errors[j], 0, 1e-5);
        // The inverse of the covariance is the curvature: compare a row of it times the covariance.
        std::vector<double> beta = model.coefficients;
        const double step = 1e-3 * model.std_errors[j];
        std::vector<double> curvature(3);
        for (std::size_t k = 0; k < 3; ++k) {
          beta[j] = model.coefficients[j] + step;
          const double above = slope(study, options, beta, k);
          beta[j] = model.coefficients[j] - step;
          curvature[k] = -(above - slope(study, options, beta, k)) / (2 * step);
        }
        double one = 0;
        for (std::size_t k = 0; k < 3; ++k) one += curvature[k] * model.covariance[k * 3 + j];
        EXPECT_NEAR(one, 1, 2e-4);
      }
    }
}

TEST(SurvivalCox, TheSameForAnyNumberOfThreads) {
  const Study study(20000, 11, 200);
  CoxOptions options = study.options(true, true, true);
  options.robust = true;
  std::vector<survival::CoxModel> models;
  for (const int threads : {1, 2, 4}) {
    options.execution.threads = threads;
    models.push_back(survival::cox(study.durations, study.events, study.covariates(), options));
  }
  for (const auto& model : models) {
    EXPECT_EQ(model.coefficients, models[0].coefficients);
    EXPECT_EQ(model.covariance, models[0].covariance);
    EXPECT_EQ(model.log_likelihood, models[0].log_likelihood);
    ASSERT_EQ(model.baselines.size(), 3U);
    EXPECT_EQ(model.baselines[1].cumulative_hazard, models[0].baselines[1].cumulative_hazard);
  }
  // Blocks cut the risk sets anywhere: the definition doesn't know of them.
  Study large(9000, 12, 5000);
  const CoxOptions late = large.options(true, false, true);
  const auto model = survival::cox(large.durations, large.events, large.covariates(), late);
  EXPECT_NEAR(model.log_likelihood / likelihood(large, late, model.coefficients), 1, 1e-12);
}

TEST(SurvivalCox, OrderUnitsAndStartsDoNotMatter) {
  const Study study(200, 5);
  const CoxOptions options = study.options(true, true, true);
  const auto model = survival::cox(study.durations, study.events, study.covariates(), options);
  Study turned = study;
  for (auto* column :
       {&turned.durations, &turned.entry, &turned.weights, &turned.x[0], &turned.x[1], &turned.x[2]})
    std::reverse(column->begin(), column->end());
  std::reverse(turned.events.begin(), turned.events.end());
  std::reverse(turned.strata.begin(), turned.strata.end());
  for (double& t : turned.durations) t *= 7;
  for (double& t : turned.entry) t *= 7;
  for (double& value : turned.x[2]) value = 1e6 + value / 1000;
  const auto other =
      survival::cox(turned.durations, turned.events, turned.covariates(), turned.options(true, true, true));
  EXPECT_NEAR(other.coefficients[0], model.coefficients[0], 1e-9);
  EXPECT_NEAR(other.coefficients[2] / 1000, model.coefficients[2], 1e-8);
  EXPECT_NEAR(other.log_likelihood, model.log_likelihood, 1e-9);

  // A row cut in two stretches is the same row.
  Study split = study;
  split.entry.assign(split.entry.size(), 0);
  const auto whole = survival::cox(split.durations, split.events, split.covariates());
  for (std::size_t i = 0; i < study.durations.size(); ++i) {
    if (split.durations[i] <= 2) continue;
    split.durations.push_back(split.durations[i]);
    split.events.push_back(split.events[i]);
    split.entry.push_back(2);
    split.durations[i] = 2;
    split.events[i] = 0;
    for (auto& column : split.x) column.push_back(column[i]);
  }
  CoxOptions stretches;
  stretches.entry = split.entry;
  const auto parts = survival::cox(split.durations, split.events, split.covariates(), stretches);
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(parts.coefficients[j], whole.coefficients[j], 1e-9);
  EXPECT_NEAR(parts.log_likelihood, whole.log_likelihood, 1e-9);
}

TEST(SurvivalCox, OneStratumIsNoneAndWeightsAreCopies) {
  const Study study(150, 6);
  const std::vector<std::uint32_t> same(150, 9);
  CoxOptions one;
  one.strata = same;
  const auto plain = survival::cox(study.durations, study.events, study.covariates());
  const auto stratified = survival::cox(study.durations, study.events, study.covariates(), one);
  EXPECT_EQ(plain.coefficients, stratified.coefficients);

  Study copied = study;
  for (std::size_t i = 0; i < 150; ++i)
    for (int more = 1; more < static_cast<int>(study.weights[i]); ++more) {
      copied.durations.push_back(study.durations[i]);
      copied.events.push_back(study.events[i]);
      for (auto& column : copied.x) column.push_back(column[i]);
    }
  CoxOptions weighted = study.options(true, false, false);
  weighted.ties = CoxTies::breslow;
  CoxOptions breslow;
  breslow.ties = CoxTies::breslow;
  const auto by_weight = survival::cox(study.durations, study.events, study.covariates(), weighted);
  const auto by_copy = survival::cox(copied.durations, copied.events, copied.covariates(), breslow);
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(by_weight.coefficients[j], by_copy.coefficients[j], 1e-9);
    EXPECT_NEAR(by_weight.std_errors[j], by_copy.std_errors[j], 1e-9);
  }
}

TEST(SurvivalCox, RobustErrorsAreWhatDroppingARowMoves) {
  // The sandwich adds the squares of dβ/dw·w: measure each by a small change of the row's weight.
  const Study study(80, 8);
  CoxOptions options = study.options(true, true, true);
  options.ties = CoxTies::breslow;
  options.robust = true;
  const auto model = survival::cox(study.durations, study.events, study.covariates(), options);
  std::vector<double> sums(3, 0.0);
  std::vector<std::vector<double>> of_cluster(80, std::vector<double>(3, 0.0));
  std::vector<double> weights = study.weights;
  CoxOptions changed = options;
  changed.robust = false;
  changed.weights = weights;
  for (std::size_t i = 0; i < 80; ++i) {
    const double step = 1e-4 * study.weights[i];
    weights[i] = study.weights[i] + step;
    const auto above = survival::cox(study.durations, study.events, study.covariates(), changed);
    weights[i] = study.weights[i] - step;
    const auto below = survival::cox(study.durations, study.events, study.covariates(), changed);
    weights[i] = study.weights[i];
    for (std::size_t j = 0; j < 3; ++j) {
      const double moved = (above.coefficients[j] - below.coefficients[j]) / 2e-4;
      sums[j] += moved * moved;
      of_cluster[study.cluster[i]][j] += moved;
    }
  }
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(model.std_errors[j] / std::sqrt(sums[j]), 1, 1e-5);
  options.cluster = study.cluster;
  const auto clustered = survival::cox(study.durations, study.events, study.covariates(), options);
  for (std::size_t j = 0; j < 3; ++j) {
    double sum = 0;
    for (const auto& moved : of_cluster) sum += moved[j] * moved[j];
    EXPECT_NEAR(clustered.std_errors[j] / std::sqrt(sum), 1, 1e-5);
  }
}

TEST(SurvivalCox, BaselineAndPredictions) {
  const Study study(120, 9);
  CoxOptions options = study.options(false, true, true);
  options.ties = CoxTies::breslow;
  const auto model = survival::cox(study.durations, study.events, study.covariates(), options);
  ASSERT_EQ(model.baselines.size(), 3U);
  const auto& baseline = model.baselines[1];
  EXPECT_EQ(baseline.stratum, 5U);
  const auto zero = survival::baseline_at_zero(model, baseline);
  double hazard = 0;
  for (std::size_t step = 0; step < baseline.time.size(); ++step) {
    double at_risk = 0, dead = 0;
    for (std::size_t i = 0; i < 120; ++i) {
      if (study.strata[i] != 5 || study.durations[i] < baseline.time[step] ||
          study.entry[i] >= baseline.time[step])
        continue;
      at_risk += std::exp(product(model.coefficients, study.row(i)));
      dead += study.durations[i] == baseline.time[step] && study.events[i] != 0;
    }
    hazard += dead / at_risk;
    EXPECT_NEAR(zero.cumulative_hazard[step] / hazard, 1, 1e-9);
    EXPECT_GT(zero.std_error[step], 0);
  }
  const std::vector<double> x = study.row(7);
  const std::vector<std::uint32_t> strata{5};
  const auto curve =
      survival::predict_survival(model, x, std::vector<double>{0.5, baseline.time.back(), 1e6}, strata);
  EXPECT_EQ(curve.survival[0], 1);
  EXPECT_NEAR(curve.survival[1], std::exp(-hazard * std::exp(product(model.coefficients, x))), 1e-9);
  EXPECT_LT(curve.low[1], curve.survival[1]);
  EXPECT_GT(curve.high[1], curve.survival[1]);
  EXPECT_TRUE(std::isnan(curve.survival[2]));
  const double half = baseline.time[baseline.time.size() / 2];
  const double rest = baseline.time.back() - half;
  const auto now = survival::predict_survival(model, x, std::vector<double>{half}, strata);
  const std::vector<double> ages{half};
  const auto ahead = survival::predict_survival(model, x, std::vector<double>{0, rest, 1e6}, strata, ages);
  EXPECT_EQ(ahead.survival[0], 1);
  EXPECT_NEAR(ahead.survival[1], curve.survival[1] / now.survival[0], 1e-9);
  EXPECT_LT(ahead.low[1], ahead.survival[1]);
  EXPECT_GT(ahead.high[1], ahead.survival[1]);
  EXPECT_TRUE(std::isnan(ahead.survival[2]));
  EXPECT_THROW(
      (void)survival::predict_survival(model, x, std::vector<double>{1}, strata, std::vector<double>{1, 2}),
      UsageError);
  const double median = survival::predict_quantile(model, x, 0.5, strata)[0];
  if (!std::isnan(median)) {
    const auto at = survival::predict_survival(model, x, std::vector<double>{median - 0.5, median}, strata);
    EXPECT_GT(at.survival[0], 0.5);
    EXPECT_LE(at.survival[1], 0.5);
  }
  EXPECT_THROW(
      (void)survival::predict_survival(model, x, std::vector<double>{1}, std::vector<std::uint32_t>{1}),
      UsageError);
  EXPECT_NEAR(model.log_risk(model.means), 0, 1e-12);
  EXPECT_NEAR(model.log_risk_error(model.means), 0, 1e-12);
}

TEST(SurvivalCox, ConcordanceCountsPairs) {
  const Study study(70, 10);
  std::vector<double> risk(70);
  for (std::size_t i = 0; i < 70; ++i) risk[i] = std::round(2 * study.x[0][i]);  // with ties, also below 0
  const CoxOptions options = study.options(true, true, true);
  const auto got = survival::concordance(study.durations, study.events, risk, options);
  double sums[3] = {};
  std::vector<std::vector<double>> own(70, std::vector<double>(3, 0.0));
  for (std::size_t i = 0; i < 70; ++i)
    for (std::size_t j = 0; j < 70; ++j) {
      const double t = study.durations[i];
      const bool outlasts = study.durations[j] > t || (study.durations[j] == t && study.events[j] == 0);
      if (i == j || study.events[i] == 0 || !outlasts || study.entry[j] >= t ||
          study.strata[i] != study.strata[j])
        continue;
      const int kind = risk[i] > risk[j] ? 0 : risk[i] < risk[j] ? 1 : 2;
      sums[kind] += study.weights[i] * study.weights[j];
      own[i][static_cast<std::size_t>(kind)] += study.weights[j];
      own[j][static_cast<std::size_t>(kind)] += study.weights[i];
    }
  const double all = sums[0] + sums[1] + sums[2];
  const double estimate = (sums[0] + sums[2] / 2) / all;
  EXPECT_NEAR(got.concordant, sums[0], 1e-9);
  EXPECT_NEAR(got.discordant, sums[1], 1e-9);
  EXPECT_NEAR(got.tied, sums[2], 1e-9);
  EXPECT_NEAR(got.estimate, estimate, 1e-12);
  double variance = 0;
  for (std::size_t i = 0; i < 70; ++i) {
    const double moved = own[i][0] + own[i][2] / 2 - estimate * (own[i][0] + own[i][1] + own[i][2]);
    variance += std::pow(study.weights[i] * moved / all, 2);
  }
  EXPECT_NEAR(got.std_error, std::sqrt(variance), 1e-12);
  const auto nothing = survival::concordance(study.durations, std::vector<std::uint8_t>(70, 0), risk);
  EXPECT_EQ(nothing.estimate, 0.5);
  EXPECT_EQ(nothing.std_error, 0);
}

TEST(SurvivalCox, SeesEffectsThatChangeWithTime) {
  random::Stream stream(4);
  std::vector<double> durations(3000), steady(3000), fading(3000);
  std::vector<std::uint8_t> events(3000, 1);
  for (std::size_t i = 0; i < 3000; ++i) {
    steady[i] = stream.normal();
    fading[i] = stream.bernoulli(0.5);
    // Twice the hazard of the others up to time 1, then the same: a log-rank test would lose it.
    const double e = stream.exponential(1) / std::exp(0.3 * steady[i]);
    durations[i] = fading[i] == 0 ? e : e < 2 ? e / 2 : e - 1;
  }
  const std::vector<survival::Covariate> columns{{"steady", steady}, {"fading", fading}};
  const auto model = survival::cox(durations, events, columns);
  for (const auto scale : {survival::TimeScale::km, survival::TimeScale::rank, survival::TimeScale::identity,
                           survival::TimeScale::log}) {
    const auto test = survival::proportional_hazards_test(durations, events, columns, model, {}, scale);
    EXPECT_GT(test.columns[0].p_value, 0.01);
    EXPECT_LT(test.columns[1].p_value, 1e-4);
    EXPECT_EQ(test.global.degrees, 2);
    EXPECT_LT(test.global.p_value, 1e-4);
  }
}

TEST(SurvivalCox, SaysWhatIsWrongWithColumns) {
  const Study study(60, 13);
  auto columns = study.covariates();
  EXPECT_NE(refusal(study, {}).find("no column"), std::string::npos);
  const std::vector<double> same(60, 3);
  EXPECT_NE(refusal(study, {{"plan", same}}).find("column 'plan' has one value"), std::string::npos);
  std::vector<double> sum(60);
  for (std::size_t i = 0; i < 60; ++i) sum[i] = 2 * study.x[0][i] - study.x[1][i] + 1;
  columns.push_back({"sum", sum});
  EXPECT_NE(refusal(study, columns).find("column 'sum' is a sum"), std::string::npos);
  CoxOptions ridge;
  ridge.penalty = 1;
  EXPECT_EQ(refusal(study, columns, ridge), "");
  sum[4] = std::nan("");
  EXPECT_NE(
      refusal(study, columns).find("column 'sum': 1 of 60 rows are null, NaN or infinite (first: row 4)"),
      std::string::npos);
  columns.back() = {"a", study.x[1]};
  EXPECT_NE(refusal(study, columns).find("'a' is given twice"), std::string::npos);
  columns.back() = {"d", std::span<const double>(study.x[1]).first(3)};
  EXPECT_NE(refusal(study, columns).find("column 'd' has 3 rows"), std::string::npos);
  Study unhurt = study;
  std::fill(unhurt.events.begin(), unhurt.events.end(), std::uint8_t{0});
  EXPECT_NE(refusal(unhurt, study.covariates()).find("none of 60 rows has an event"), std::string::npos);
  CoxOptions weighted = study.options(true, false, false);
  weighted.ties = CoxTies::exact;
  EXPECT_NE(refusal(study, study.covariates(), weighted).find("weights: exact ties take no weights"),
            std::string::npos);
  const Study tied(100000, 1, 2);
  CoxOptions exact;
  exact.ties = CoxTies::exact;
  EXPECT_NE(refusal(tied, tied.covariates(), exact).find("billion steps"), std::string::npos);
}

TEST(SurvivalCox, NoFiniteCoefficientIsBest) {
  // All with the flag have left, and first: no ratio is too large.
  const std::vector<double> durations{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<std::uint8_t> events{1, 1, 1, 1, 0, 1, 0, 1};
  const std::vector<double> flag{1, 1, 1, 0, 0, 0, 0, 0};
  const std::vector<survival::Covariate> columns{{"cancelled", flag}};
  const auto model = survival::cox(durations, events, columns);
  EXPECT_FALSE(model.converged);
  ASSERT_EQ(model.notes.size(), 1U);
  EXPECT_NE(model.notes[0].find("'cancelled' splits"), std::string::npos);
  CoxOptions ridge;
  ridge.penalty = 1;
  const auto shrunk = survival::cox(durations, events, columns, ridge);
  EXPECT_TRUE(shrunk.converged);
  EXPECT_LT(shrunk.coefficients[0], 5);
  EXPECT_GT(shrunk.coefficients[0], 0.3);
  EXPECT_EQ(shrunk.notes.size(), 1U);
}
