// A customer's own rates: moments and quantiles against weighed draws from the priors' own definition.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "salesops/clv/rates.hpp"
#include "salesops/error.hpp"

namespace clv = salesops::clv;

namespace {

struct Rows {
  std::vector<double> x, t_x, T;
  [[nodiscard]] clv::RfmView view() const { return {.x = x, .t_x = t_x, .T = T}; }
};

constexpr clv::BGNBD bg{.243, 4.414, .793, 2.426};
constexpr clv::MBGNBD mbg{.525, 6.183, .891, 1.614};
constexpr clv::ParetoNBD pareto{.553, 10.578, .606, 11.669};
constexpr clv::GGompertzNBD gompertz{.553, 10.578, .02, .606, 2.5};
constexpr clv::BGBB bgbb{1.204, .75, .657, 2.783};
const Rows weeks{{0, 2, 2, 26, 300}, {0, 30.43, 8, 30.86, 20}, {38.86, 38.86, 38.86, 31, 38.86}};

/// Any level: P(· < low) and P(· > high) are equal tails, so the ends of all levels are one quantile
/// function.
template <class M>
void expect_in_order(const M& m, const Rows& rows) {
  std::vector<double> below, above;
  for (const double level : {99.0, 80.0, 20.0}) {
    const auto found = clv::rate_distribution(m, rows.view(), level);
    const auto leaves = clv::dropout_distribution(m, rows.view(), level);
    for (std::size_t i = 0; i < rows.x.size(); ++i) {
      EXPECT_LT(found.low[i], found.high[i]);
      EXPECT_LT(leaves.low[i], leaves.high[i]);
      EXPECT_DOUBLE_EQ(found.mean[i], expected_rate(m, rows.x[i], rows.t_x[i], rows.T[i]));
      EXPECT_DOUBLE_EQ(leaves.mean[i], expected_dropout(m, rows.x[i], rows.t_x[i], rows.T[i]));
      EXPECT_GT(found.sd[i], 0);
      EXPECT_GT(leaves.sd[i], 0);
      if (below.size() == rows.x.size()) {
        EXPECT_GT(found.low[i], below[i]);
        EXPECT_LT(found.high[i], above[i]);
      }
    }
    below = found.low;
    above = found.high;
  }
}

}  // namespace

TEST(Rates, OfOneWhoNeverLeavesAreItsGamma) {
  const clv::NBD nbd{2, 10};
  const Rows rows{{1}, {5}, {20}};
  const auto found = clv::rate_distribution(nbd, rows.view(), 90);
  EXPECT_DOUBLE_EQ(found.mean[0], 3.0 / 30);
  EXPECT_NEAR(found.sd[0], std::sqrt(3.0) / 30, 1e-15);
  // Γ(3): 1 − e^−y (1 + y + y²/2) at its 5 % and 95 % points.
  for (const auto& [q, p] : {std::pair{found.low[0], .05}, std::pair{found.high[0], .95}}) {
    const double y = 30 * q;
    EXPECT_NEAR(1 - std::exp(-y) * (1 + y + y * y / 2), p, 1e-10);
  }
  const auto never = clv::dropout_distribution(nbd, rows.view());
  EXPECT_EQ(never.mean[0], 0);
  EXPECT_EQ(never.high[0], 0);
}

TEST(Rates, AreThoseOfMpmath) {
  std::ifstream file(SALESOPS_SOURCE_DIR "/tests/golden/clv_rates.csv");
  ASSERT_TRUE(file);
  std::string line;
  std::getline(file, line);
  int seen = 0;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::string model, which, cell;
    std::getline(cells, model, ',');
    std::getline(cells, which, ',');
    std::vector<double> v;
    while (std::getline(cells, cell, ',')) v.push_back(std::stod(cell));
    const Rows rows{{v[0]}, {v[1]}, {v[2]}};
    const auto ask = [&](const auto& m) {
      return which == "rate" ? clv::rate_distribution(m, rows.view(), 90)
                             : clv::dropout_distribution(m, rows.view(), 90);
    };
    const clv::RateDistribution found = model == "bg"       ? ask(bg)
                                        : model == "mbg"    ? ask(mbg)
                                        : model == "pareto" ? ask(pareto)
                                                            : ask(bgbb);
    const auto near = [&](double is, double known, const char* what) {
      EXPECT_NEAR(is, known, 1e-7 * std::abs(known)) << line << " " << what;
    };
    near(found.mean[0], v[3], "mean");
    near(found.sd[0], v[4], "sd");
    near(found.low[0], v[5], "low");
    near(found.high[0], v[6], "high");
    ++seen;
  }
  EXPECT_EQ(seen, 30);
}

TEST(Rates, LieInOrderForAllModels) {
  expect_in_order(bg, weeks);
  expect_in_order(mbg, weeks);
  expect_in_order(pareto, weeks);
  expect_in_order(gompertz, weeks);
  expect_in_order(clv::BGCNBD{3, .85, 1.45, .79, 2.42}, weeks);
  expect_in_order(clv::MBGCNBD{2, .85, 1.45, .79, 2.42}, weeks);
  expect_in_order(clv::SarmanovParetoNBD{.54, 10.1, .51, 9.2, 10}, Rows{{0, 2}, {0, 30.43}, {38.86, 38.86}});
  expect_in_order(bgbb, Rows{{0, 2, 6}, {0, 3, 6}, {6, 6, 6}});
}

TEST(Rates, MeetWhereModelsMeet) {
  const auto same = [](const clv::RateDistribution& a, const clv::RateDistribution& b, double tolerance) {
    for (std::size_t i = 0; i < a.mean.size(); ++i) {
      EXPECT_NEAR(a.sd[i], b.sd[i], tolerance * b.sd[i]);
      EXPECT_NEAR(a.low[i], b.low[i], tolerance * b.low[i]);
      EXPECT_NEAR(a.high[i], b.high[i], tolerance * b.high[i]);
    }
  };
  const clv::BGCNBD one{1, bg.r, bg.alpha, bg.a, bg.b};
  same(rate_distribution(one, weeks.view()), rate_distribution(bg, weeks.view()), 1e-9);
  same(dropout_distribution(one, weeks.view()), dropout_distribution(bg, weeks.view()), 1e-9);
  const clv::SarmanovParetoNBD apart{pareto.r, pareto.alpha, pareto.s, pareto.beta, 0};
  same(rate_distribution(apart, weeks.view()), rate_distribution(pareto, weeks.view()), 1e-8);
  // A Gompertz of small b is nearly Pareto with beta/b.
  const clv::GGompertzNBD flat{pareto.r, pareto.alpha, 1e-7, pareto.s, 1e-7 * pareto.beta};
  same(rate_distribution(flat, weeks.view()), rate_distribution(pareto, weeks.view()), 1e-4);
  same(dropout_distribution(flat, weeks.view()), dropout_distribution(pareto, weeks.view()), 1e-4);
}

TEST(Rates, TimeScales) {
  Rows days = weeks;
  for (auto* column : {&days.t_x, &days.T})
    for (double& time : *column) time *= 7;
  const clv::ParetoNBD by_day{pareto.r, 7 * pareto.alpha, pareto.s, 7 * pareto.beta};
  const auto a = clv::rate_distribution(by_day, days.view()),
             b = clv::rate_distribution(pareto, weeks.view());
  for (std::size_t i = 0; i < a.mean.size(); ++i) EXPECT_NEAR(7 * a.high[i], b.high[i], 1e-8 * b.high[i]);
}

TEST(Rates, OfRowsThatAreNoHistoryAreNone) {
  const Rows odd{{1, 2}, {50, 30}, {40, 40}};
  const auto found = clv::rate_distribution(bg, odd.view());
  EXPECT_TRUE(std::isnan(found.mean[0]) && std::isnan(found.low[0]) && std::isnan(found.high[0]));
  EXPECT_FALSE(std::isnan(found.high[1]));
  EXPECT_THROW((void)clv::rate_distribution(bg, odd.view(), 100), salesops::UsageError);
  const Rows uneven{{1, 2}, {5, 30}, {40}};
  EXPECT_THROW((void)clv::rate_distribution(bg, uneven.view()), salesops::UsageError);
}
