#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "clv_golden.hpp"
#include "salesops/clv.hpp"

using namespace clv_test;

namespace {

/// The quantity of a golden row by name.
template <class M>
double purchases(const M& m, const std::string& quantity, const std::vector<double>& v) {
  if (quantity == "log_likelihood") return log_likelihood(m, v[0], v[1], v[2]);
  if (quantity == "log_p_alive") return log_p_alive(m, v[0], v[1], v[2]);
  if (quantity == "expected_transactions") return expected_transactions(m, v[0], v[1], v[2], v[3]);
  if (quantity == "p_no_transaction") return p_no_transaction(m, v[0], v[1], v[2], v[3]);
  if (quantity == "p_alive_at") return p_alive_at(m, v[0], v[1], v[2], v[3]);
  if (quantity == "dert") return dert(m, v[0], v[1], v[2], v[3]);
  if (quantity == "pmf") return pmf(m, v[0], v[1], v[2], v[3], v[4]);
  if (quantity == "dect") return dect(m, v[0], v[1], v[2], v[3], v[4]);
  ADD_FAILURE() << quantity;
  return 0;
}

template <class M>
double contract(const M& m, const std::string& quantity, const std::vector<double>& v) {
  if (quantity == "survival") return survival(m, v[0]);
  if (quantity == "retention") return retention(m, v[0]);
  return residual_lifetime(m, v[0], v[1], Renewal::due);
}

double answer(const Row& row) {
  const auto& p = row.parameters;
  const auto& name = row.quantity;
  const auto& v = row.arguments;
  if (row.model == "BGNBD") return purchases(BGNBD{p[0], p[1], p[2], p[3]}, name, v);
  if (row.model == "MBGNBD") return purchases(MBGNBD{p[0], p[1], p[2], p[3]}, name, v);
  if (row.model == "ParetoNBD") return purchases(ParetoNBD{p[0], p[1], p[2], p[3]}, name, v);
  if (row.model == "GGompertzNBD") return purchases(GGompertzNBD{p[0], p[1], p[2], p[3], p[4]}, name, v);
  if (row.model == "BGCNBD")
    return purchases(BGCNBD{static_cast<int>(p[0]), p[1], p[2], p[3], p[4]}, name, v);
  if (row.model == "MBGCNBD")
    return purchases(MBGCNBD{static_cast<int>(p[0]), p[1], p[2], p[3], p[4]}, name, v);
  if (row.model == "BGBB") return purchases(BGBB{p[0], p[1], p[2], p[3]}, name, v);
  if (row.model == "SBG") return contract(SBG{p[0], p[1]}, name, v);
  if (row.model == "BdW") return contract(BdW{p[0], p[1], p[2]}, name, v);
  if (row.model == "GammaGamma") return log_likelihood(GammaGamma{p[0], p[1], p[2]}, v[0], v[1]);
  ADD_FAILURE() << row.model;
  return 0;
}

}  // namespace

// Likelihoods to 1e-9 of the larger of 1 and themselves, ln P(alive) to 1e-9 (so P to 1e-9 of itself, however
// small), all else to 1e-9 of itself.
TEST(Clv, MatchesHighPrecision) {
  std::map<std::string, int> seen;
  for (const Row& row : golden()) {
    const double actual = answer(row);
    double allowed = 1e-9 * std::fabs(row.value);
    if (row.quantity == "log_p_alive") allowed = 1e-9;
    if (row.quantity == "log_likelihood") allowed = 1e-9 * std::fmax(1, std::fabs(row.value));
    EXPECT_LE(std::fabs(actual - row.value), allowed) << row.text << "\n got " << actual;
    ++seen[row.model];
  }
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_GE(seen["BGNBD"], 400);
  EXPECT_GE(seen["ParetoNBD"], 500);
}

// Figures printed in papers, manuals and tests of the field: Fader, Hardie, Lee 2005 and their spreadsheet,
// the walkthrough and manual of BTYD.
TEST(Clv, MatchesPublishedFigures) {
  expect_printed(expected_transactions(bg, 39, 2, 30.43, 38.86), "1.226");
  expect_printed(expected_transactions(pareto, 52, 26, 30.86, 31), "25.46");
  expect_printed(p_alive(pareto, 26, 30.86, 31), "0.9979");
  const ParetoNBD manual{0.55, 10.56, 0.61, 11.64};
  expect_printed(pmf_new(manual, 11, 30), "0.00188994147309");
  expect_printed(pmf_new(manual, 0, 39), "0.595938069598");
  expect_relative(pmf_new(manual, 10, 2), 1.89370759668e-9, 1e-11);
  expect_relative(pmf_new(bg, 10, 2), 1.07868964037e-7, 1e-11);
  const char* ten[]{"0.00199952144748",  "0.00151702362996",  "0.00116331500666",  "0.000900314789644",
                    "0.000702363765887", "0.000551790242649", "0.000436191280898", "0.000346717139624",
                    "0.00027696126484",  "0.000222226048007"};
  for (int i = 0; i < 10; ++i) expect_printed(pmf_new(bg, 11 + i, 30), ten[i]);
}

TEST(Clv, NewCustomersAtThePublishedParameters) {
  const double times[]{1, 3, 32};
  const double expected[3][3]{{0.0532678911717, 0.150865230893, 1.04524332837},
                              {0.0530847952637, 0.150863288607, 1.03718283243},
                              {0.050979843246, 0.14606118505, 1.05589613041}};
  for (std::size_t i = 0; i < 3; ++i) {
    expect_relative(expected_transactions_new(bg, times[i]), expected[0][i], 1e-11);
    expect_relative(expected_transactions_new(mbg, times[i]), expected[1][i], 1e-11);
    expect_relative(expected_transactions_new(pareto, times[i]), expected[2][i], 1e-11);
  }
  const double counts[3][5]{{.573786352096, .199395280836, .0854297595391, .045860353848, .0276714493358},
                            {.582473189493, .182783077288, .0868948256735, .0485704429516, .0297741485594},
                            {.593625031602, .165562947277, .0824871841163, .0490399536428, .0316957067443}};
  for (std::size_t n = 0; n < 5; ++n) {
    expect_relative(pmf_new(bg, static_cast<double>(n), 39), counts[0][n], 1e-11);
    expect_relative(pmf_new(mbg, static_cast<double>(n), 39), counts[1][n], 1e-11);
    expect_relative(pmf_new(pareto, static_cast<double>(n), 39), counts[2][n], 1e-11);
  }
  expect_relative(expected_transactions_new(ggompertz, 52), 3.36679221389, 1e-11);
}

TEST(Clv, DiscountedResidualTransactions) {
  expect_relative(dert(bg, 0.002, 2, 30.43, 38.86), 6.07419196285, 1e-11);
  expect_relative(dert(bg, 0.0027, 2, 30.43, 38.86), 5.15637982615, 1e-11);
  expect_relative(dert(bg, 0.002, 0, 0, 38.86), 1.2320028813, 1e-10);
  expect_relative(dert(mbg, 0.002, 2, 30.43, 38.86), 5.71610090322, 1e-11);
  expect_relative(dert(mbg, 0.002, 0, 0, 38.86), 0.862178675953, 1e-11);
  expect_relative(dert(pareto, 0.002, 2, 30.43, 38.86), 7.75422960011, 1e-11);
  expect_relative(dert(pareto, 0.0027, 2, 30.43, 38.86), 6.48377356773, 1e-11);
  expect_relative(dert(pareto, 0.002, 0, 0, 38.86), 0.570628173825, 1e-11);
  for (const auto& [s, beta, rate, expected] :
       {std::tuple{0.6, 11.0, 0.002, 15.7753151919}, std::tuple{0.6, 11.0, 0.1, 0.823658647133},
        std::tuple{0.6, 100.0, 0.002, 26.5491608193}, std::tuple{0.6, 100.0, 0.1, 1.00373419938},
        std::tuple{1.5, 11.0, 0.002, 4.03181837701}})
    expect_relative(dert(ParetoNBD{0.5, 10, s, beta}, rate, 5, 30, 39), expected, 1e-11);
  // Lifetimes nearly without end: other programs overflow here.
  expect_relative(dert(ParetoNBD{0.5, 10, 0.6, 1000}, 0.1, 5, 30, 39), 1.1056, 5e-5);
  // Whole s, where the hypergeometric form has a pole, is no special place.
  for (const double s : {1.0, 2.0, 3.0})
    expect_relative(dert(ParetoNBD{0.5, 10, s, 11}, 0.002, 5, 30, 39),
                    dert(ParetoNBD{0.5, 10, s + 1e-9, 11}, 0.002, 5, 30, 39), 1e-7);
}

// Simulated: 0.95076. The formula that forgets that a customer without a repeat can't have left says 0.97497.
TEST(Clv, NoTransactionOfACustomerWhoNeverCameBack) {
  expect_relative(p_no_transaction(bg, 10, 0, 0, 38.86), 0.950736027355, 1e-11);
}

TEST(Clv, RegularCustomers) {
  const auto check = [](const auto& m, double x, double t_x, const std::vector<double>& expected) {
    expect_relative(p_alive(m, x, t_x, 30), expected[0], 1e-11);
    expect_relative(expected_transactions(m, 1, x, t_x, 30), expected[1], 1e-11);
    expect_relative(expected_transactions(m, 20, x, t_x, 30), expected[2], 1e-11);
    expect_relative(expected_transactions(m, 104, x, t_x, 30), expected[3], 1e-11);
  };
  const MBGCNBD two{2, 0.85, 1.45, 0.79, 2.42};
  const MBGCNBD three{3, 0.85, 1.45, 0.79, 2.42};
  check(two, 0, 0, {.288630321319, .00740095310238, .118453885191, .475725531951});
  check(three, 0, 0, {.361446522327, .00902547298959, .136838723512, .550622098905});
  check(two, 5, 24, {.743606812188, .171316091672, 2.43149816608, 8.44930726529});
  check(three, 5, 28, {.894142993185, .124228485177, 2.75140607834, 9.92931197334});
  check(three, 2, 30, {.848368522073, .00171881660666, .899406937782, 4.30176468291});
  check(BGCNBD{2, 0.85, 1.45, 0.79, 2.42}, 5, 24,
        {.715050117624, .16469437683, 2.30322025124, 7.78776695622});
  check(bgcnbd, 0, 0, {1, .0249702367932, .374962502683, 1.43808623237});
}

TEST(Clv, GrowingHazard) {
  const std::vector<std::array<double, 6>> rows{
      {0, 0, 39, -1.04161700986, .452970215948, .297991140552},
      {2, 30.43, 38.86, -9.07216291803, .878675417955, 2.02890719057}};
  for (const auto& [x, t_x, T, ll, alive, expected] : rows) {
    expect_relative(log_likelihood(ggompertz, x, t_x, T), ll, 1e-11);
    expect_relative(p_alive(ggompertz, x, t_x, T), alive, 1e-11);
    expect_relative(expected_transactions(ggompertz, 52, x, t_x, T), expected, 1e-11);
  }
}

TEST(Clv, Opportunities) {
  const std::vector<std::array<double, 8>> rows{
      {0, 0, -1.16726247267, .108016584169, .116096613293, .072802877475, .130103791413, .114646996182},
      {4, 5, -5.09567563886, .696701067685, .748816814181, 2.02962303148, 3.62707712514, 3.19616740451},
      {6, 6, -2.18224844762, .930402542373, 1, 3.7521156076, 6.70529082501, 5.90867831956}};
  for (const auto& [x, t_x, ll, next, now, five, ten, residual] : rows) {
    expect_relative(log_likelihood(bgbb, x, t_x, 6), ll, 1e-11);
    expect_relative(p_alive_at(bgbb, 1, x, t_x, 6), next, 1e-11);
    expect_relative(p_alive(bgbb, x, t_x, 6), now, 1e-11);
    expect_relative(expected_transactions(bgbb, 5, x, t_x, 6), five, 1e-11);
    expect_relative(expected_transactions(bgbb, 10, x, t_x, 6), ten, 1e-11);
    expect_relative(dert(bgbb, 0.1, x, t_x, 6), residual, 1e-11);
  }
}

TEST(Clv, Spend) {
  const GammaGamma m{6.25, 3.74, 15.44};
  expect_relative(expected_spend(m, 2, 22.35), 24.6637139108, 1e-11);
  expect_relative(expected_spend(m, 1, 11.77), 18.9168520578, 1e-11);
  expect_relative(expected_spend_new(m), 35.2189781022, 1e-11);
  EXPECT_EQ(expected_spend(m, 0, 0), expected_spend_new(m));
  // With many purchases the customer's own mean counts alone.
  expect_relative(expected_spend(m, 1e9, 22.35), 22.35, 1e-8);
  // q ≤ 1: the crowd has no mean, the single customer has one as soon as p x + q > 1.
  const GammaGamma heavy{0.3, 0.5, 10};
  EXPECT_TRUE(std::isnan(expected_spend_new(heavy)));
  EXPECT_TRUE(std::isnan(expected_spend(heavy, 1, 20)));
  expect_relative(expected_spend(heavy, 2, 20), 0.3 * (10 + 2 * 20) / (0.3 * 2 + 0.5 - 1), 1e-12);
  EXPECT_EQ(log_likelihood(m, 0, 0), 0);
}

TEST(Clv, Contracts) {
  const SBG high{0.668, 3.806};
  const SBG regular{0.704, 1.182};
  const double left_high[]{.85069289, .74688163, .66981692, .60995102, .56186898, .52225229, .48894462};
  const double left_regular[]{.62672322, .47384271, .38799988, .33209486, .29237437, .26248306, .23905064};
  for (int t = 1; t <= 7; ++t) {
    EXPECT_NEAR(survival(high, t), left_high[t - 1], 5.1e-9);
    EXPECT_NEAR(survival(regular, t), left_regular[t - 1], 5.1e-9);
  }
  // Fader, Hardie 2010, two cohorts of one average retention and unlike worth; n periods are n − 1 renewals.
  const char* even[]{"3.31", "3.45", "3.59", "3.72", "3.84"};
  const double uneven[]{7.6708355, 9.4552994, 9.8508338, 10.056167, 10.18864};
  for (int n = 1; n <= 5; ++n) {
    expect_printed(residual_lifetime(SBG{3.80, 15.20}, 0.1, n - 1, Renewal::due), even[n - 1]);
    expect_relative(residual_lifetime(SBG{0.067, 0.267}, 0.1, n - 1, Renewal::due), uneven[n - 1], 1e-7);
  }
  expect_printed(residual_lifetime(high, 0.1, 7, Renewal::due), "7.52995");
  // Published curves of 1,000 customers and the maximum of their likelihoods.
  const std::vector<double> curve_regular{1000, 631, 468, 382, 326, 289, 262, 241};
  const std::vector<double> curve_high{1000, 869, 743, 653, 593, 551, 517, 491};
  expect_relative(log_likelihood(SBG{.7040772985, 1.1820430262}, std::span<const double>(curve_regular)),
                  -1680.265188463, 1e-12);
  expect_relative(log_likelihood(SBG{.6680883511, 3.8060949641}, std::span<const double>(curve_high)),
                  -1611.158147391, 1e-12);
  expect_relative(
      log_likelihood(BdW{.4556139894, .7793255084, 1.2834512858}, std::span<const double>(curve_regular)),
      -1679.602832907, 1e-12);
  expect_relative(
      log_likelihood(BdW{.2142533393, 1.4265748749, 1.7235648487}, std::span<const double>(curve_high)),
      -1605.314213214, 1e-12);
}
