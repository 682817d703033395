// Maximum likelihood on published data. Expected values: an own automatic-differentiation Newton to a
// gradient below 1e-11 for the estimates; published ones (Fader, Hardie & Lee 2005; Fader & Hardie 2007,
// 2013; Fader, Hardie & Shang 2010) agree to their printed digits.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "salesops/clv/fit.hpp"
#include "salesops/date.hpp"
#include "test_data.hpp"

using namespace salesops;
using namespace salesops::clv;

namespace {

struct Columns {
  std::vector<double> x, t_x, T, mean_spend, weights;

  [[nodiscard]] RfmView view() const { return {x, t_x, T, weights}; }
  [[nodiscard]] SpendView spend() const { return {x, mean_spend, weights}; }
};

using Purchases = std::map<std::string, std::map<std::int32_t, double>>;  // customer, day, amount

/// One row a customer: days of purchase by `end` (days since 1970), time in units of so many days.
Columns rfm_of(const Purchases& purchases, std::int32_t end, double days) {
  Columns c;
  for (const auto& [customer, days_of] : purchases) {
    const std::int32_t first = days_of.begin()->first;
    if (first > end) continue;
    std::int32_t last = first;
    double x = -1;
    double spent = 0;
    for (const auto& [day, amount] : days_of) {
      if (day > end) break;
      last = day;
      if (++x > 0) spent += amount;
    }
    c.x.push_back(x);
    c.t_x.push_back((last - first) / days);
    c.T.push_back((end - first) / days);
    c.mean_spend.push_back(x > 0 ? spent / x : 0);
  }
  return c;
}

std::int32_t day_of(int year, unsigned month, unsigned day) {
  return static_cast<std::int32_t>(
      std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day))
          .time_since_epoch()
          .count());
}

/// Lines of a text file cut at blanks, commas and carriage returns.
std::vector<std::vector<std::string>> lines_of(const std::filesystem::path& file, bool header) {
  std::ifstream in(file);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(in, line);) {
    std::replace_if(line.begin(), line.end(), [](char c) { return c == ',' || c == '\r'; }, ' ');
    std::istringstream words(line);
    std::vector<std::string> fields;
    for (std::string field; words >> field;) fields.push_back(field);
    if (!fields.empty()) lines.push_back(fields);
  }
  if (header) lines.erase(lines.begin());
  return lines;
}

class RealData : public testing::Test {
 protected:
  void SetUp() override {
    if (test_data().empty()) GTEST_SKIP() << "needs SALESOPS_DATA";
    folder_ = test_data() / "clv";
  }

  Columns cdnow() const {
    Purchases purchases;
    for (const auto& f : lines_of(folder_ / "CDNOW_sample.txt", false)) {
      const int date = std::stoi(f[2]);
      purchases[f[1]][day_of(date / 10000, unsigned(date / 100 % 100), unsigned(date % 100))] +=
          std::stod(f[4]);
    }
    return rfm_of(purchases, day_of(1997, 9, 30), 7);
  }
  Columns cdnow_csv() const {
    Columns c;
    for (const auto& f : lines_of(folder_ / "cdnow_customers_summary_with_transactions.csv", true)) {
      c.x.push_back(std::stod(f[1]));
      c.t_x.push_back(std::stod(f[2]));
      c.T.push_back(std::stod(f[3]));
      c.mean_spend.push_back(std::stod(f[4]));
    }
    return c;
  }
  static std::int32_t iso_day(const std::string& text) {
    return day_of(std::stoi(text.substr(0, 4)), unsigned(std::stoi(text.substr(5, 2))),
                  unsigned(std::stoi(text.substr(8, 2))));
  }
  Columns apparel() const {
    Purchases purchases;
    for (const auto& f : lines_of(folder_ / "apparel_transactions.csv", true))
      purchases[f[0]][iso_day(f[1])] += std::stod(f[2]);
    return rfm_of(purchases, day_of(2005, 1, 2) + 104 * 7, 7);
  }
  Columns example() const {
    Purchases purchases;
    for (const auto& f : lines_of(folder_ / "example_transactions.csv", true))
      purchases[f.back()][iso_day(f[0])] += 1;
    return rfm_of(purchases, day_of(2014, 12, 31), 1);
  }
  Columns donations() const {
    Columns c;
    for (const auto& f : lines_of(folder_ / "donations.csv", true)) {
      c.x.push_back(std::stod(f[0]));
      c.t_x.push_back(std::stod(f[1]));
      c.T.push_back(std::stod(f[2]));
      c.weights.push_back(std::stod(f[3]));
    }
    return c;
  }
  /// Survivors of the two segments after 0 … 7 renewals.
  std::vector<double> segment(std::size_t column) const {
    std::vector<double> survivors;
    for (const auto& f : lines_of(folder_ / "2-segment-retention.csv", true)) {
      if (survivors.size() < 8) survivors.push_back(std::stod(f[column]));
    }
    return survivors;
  }

  std::filesystem::path folder_;
};

void expect_fit(const FitSummary& fit, double log_likelihood, const std::vector<double>& estimates,
                const std::vector<double>& errors = {}) {
  EXPECT_TRUE(fit.converged) << fit.reason;
  EXPECT_GE(fit.log_likelihood, log_likelihood - 1e-6);
  EXPECT_NEAR(fit.log_likelihood, log_likelihood, 1e-6);
  ASSERT_EQ(fit.estimates.size(), estimates.size());
  for (std::size_t j = 0; j < estimates.size(); ++j)
    EXPECT_NEAR(fit.estimates[j] / estimates[j], 1, 1e-5) << fit.parameters[j];
  for (std::size_t j = 0; j < errors.size(); ++j)
    if (errors[j] > 0) {
      EXPECT_NEAR(fit.standard_errors[j] / errors[j], 1, 5e-6) << fit.parameters[j];
    }
}

void expect_correlations(const FitSummary& fit, const std::vector<double>& pairs) {
  const std::size_t k = fit.estimates.size();
  std::size_t next = 0;
  for (std::size_t i = 0; i < k; ++i) {
    EXPECT_NEAR(fit.correlation[i * k + i], 1, 1e-12);
    for (std::size_t j = i + 1; j < k; ++j, ++next) {
      EXPECT_NEAR(fit.correlation[i * k + j], pairs[next], 1e-6)
          << fit.parameters[i] << ", " << fit.parameters[j];
      EXPECT_EQ(fit.correlation[i * k + j], fit.correlation[j * k + i]);
    }
  }
}

bool notes_say(const FitSummary& fit, const std::string& words) {
  return std::any_of(fit.notes.begin(), fit.notes.end(),
                     [&](const std::string& note) { return note.find(words) != std::string::npos; });
}

TEST_F(RealData, CdnowNbd) {
  expect_fit(fit_nbd(cdnow().view()), -9763.657614673, {.3847661358, 12.0720228448}, {.02098538, .80872318});
  expect_fit(fit_nbd(cdnow_csv().view()), -9763.660222233, {.3847676741, 12.0720849910});
}

TEST_F(RealData, CdnowBgNbd) {
  const Fit<BGNBD> fit = fit_bg_nbd(cdnow().view());
  expect_fit(fit, -9582.429206674, {.2425945224, 4.4136020190, .7929220172, 2.4259067768},
             {.01255738, .37822406, .18573382, .70541426});
  expect_correlations(fit, {.780381, -.037665, .007410, -.040793, .039442, .940455});
  EXPECT_EQ(fit.n, 2357);
  EXPECT_EQ(fit.distinct_rows, 1016U);
  EXPECT_EQ(fit.model.b, fit.estimates[3]);
  EXPECT_NEAR(fit.aic(), 2 * 4 + 2 * 9582.429206674, 1e-5);
  EXPECT_NEAR(fit.bic(), 4 * std::log(2357.0) + 2 * 9582.429206674, 1e-5);
  EXPECT_TRUE(fit.notes.empty());
  expect_fit(fit_bg_nbd(cdnow_csv().view()), -9582.425560567,
             {.2425929072, 4.4135315612, .7928861481, 2.4257534365});
}

TEST_F(RealData, CdnowMbgNbd) {
  expect_fit(fit_mbg_nbd(cdnow().view()), -9582.135715554,
             {.5248431591, 6.1830852796, .8913593907, 1.6140022402},
             {.08326821, .69562064, .15478993, .53749480});
  expect_fit(fit_mbg_nbd(cdnow_csv().view()), -9582.132684900,
             {.5248379837, 6.1829920197, .8913561553, 1.6139993347});
}

TEST_F(RealData, CdnowParetoNbd) {
  const Fit<ParetoNBD> fit = fit_pareto_nbd(cdnow().view());
  expect_fit(fit, -9594.976178940, {.5532770469, 10.5776834633, .6062399891, 11.6687352889},
             {.04762793, .84272253, .18728134, 6.21111359});
  expect_correlations(fit, {.821762, -.353566, -.475576, -.170606, -.230399, .971571});
  expect_fit(fit_pareto_nbd(cdnow_csv().view()), -9594.973929827,
             {.5532755087, 10.5776122387, .6062135687, 11.6679112379});
}

TEST_F(RealData, CdnowGompertzEndsAtPareto) {
  const Fit<GGompertzNBD> fit = fit_ggompertz_nbd(cdnow().view());
  EXPECT_NEAR(fit.log_likelihood, -9594.976178940, 1e-5);
  EXPECT_NEAR(fit.estimates[0], .55328, 1e-4);
  EXPECT_NEAR(fit.estimates[1], 10.5777, 1e-3);
  EXPECT_NEAR(fit.estimates[3], .60624, 1e-4);
  EXPECT_NEAR(fit.estimates[4] / fit.estimates[2], 11.6687, 2e-3);
  EXPECT_TRUE(notes_say(fit, "the limit is Pareto/NBD"));
  EXPECT_TRUE(std::isnan(fit.standard_errors[2]));
  EXPECT_NEAR(fit.standard_errors[0], .04763, 1e-3);
}

TEST_F(RealData, CdnowSpend) {
  const Fit<GammaGamma> fit = fit_gamma_gamma(cdnow().spend());
  expect_fit(fit, -4055.917694802, {6.2495722713, 3.7442246671, 15.4435209626},
             {1.19005534, .29013307, 4.15942275});
  expect_correlations(fit, {-.671819, -.970304, .821994});
  EXPECT_EQ(fit.n, 946);
  EXPECT_TRUE(notes_say(fit, "1411 more customers have no repeat purchase"));
  expect_fit(fit_gamma_gamma(cdnow_csv().spend()), -4055.923243503,
             {6.2488024897, 3.7445884533, 15.4477480095});
}

TEST_F(RealData, DonationsBgBb) {
  const Fit<BGBB> fit = fit_bg_bb(donations().view());
  expect_fit(fit, -33225.581274347, {1.2035223516, .7497163582, .6567182084, 2.7834422326},
             {.06939136, .02944772, .05100986, .32081900});
  EXPECT_EQ(fit.n, 11104);
  EXPECT_EQ(fit.distinct_rows, 22U);
}

TEST_F(RealData, Contracts) {
  const std::vector<ContractCohort> regular{{segment(1)}};
  const std::vector<ContractCohort> high_end{{segment(2)}};
  expect_fit(fit_sbg(regular), -1680.265188463, {.7040772985, 1.1820430262}, {.06559896, .15247563});
  expect_fit(fit_sbg(high_end), -1611.158147391, {.6680883511, 3.8060949641}, {.10373493, .78553169});
  expect_fit(fit_bdw(regular), -1679.602832907, {.4556139894, .7793255084, 1.2834512858}, {0, 0, .29809507});
  expect_fit(fit_bdw(high_end), -1605.314213214, {.2142533393, 1.4265748749, 1.7235648487},
             {0, 0, .30104328});
}

TEST_F(RealData, ExampleTransactionsByDay) {
  const Columns c = example();
  ASSERT_EQ(c.x.size(), 5000U);
  expect_fit(fit_bg_nbd(c.view()), -39248.626120576, {.1638509014, 1.8642804401, 1.8503431075, 3.1810587556});
}

TEST_F(RealData, ApparelOfOneCohort) {
  const Columns c = apparel();
  ASSERT_EQ(c.x.size(), 600U);
  ASSERT_EQ(std::accumulate(c.x.begin(), c.x.end(), 0.0), 1266);
  expect_fit(fit_nbd(c.view()), -5910.745925751, {.8337461065, 41.0945948217});
  const auto bg = fit_bg_nbd(c.view());
  expect_fit(bg, -5857.019748908, {.6073113266, 20.9567540348, 1.2755613858, 8.8609490462});
  EXPECT_NEAR(bg.standard_errors[2], 1.0275, 5e-5);
  EXPECT_NEAR(bg.standard_errors[3], 8.2710, 5e-5);
  expect_fit(fit_mbg_nbd(c.view()), -5848.045278240,
             {1.8913804462, 45.8272053840, .6023689866, 1.5823707228});
  expect_fit(fit_pareto_nbd(c.view()), -5848.097826902,
             {1.4489391259, 48.6348814458, .5612510489, 46.8821092370},
             {.24341933, 7.48890939, .27106543, 35.61300653});
  const auto spend = fit_gamma_gamma(c.spend());
  EXPECT_EQ(spend.n, 387);
  expect_fit(spend, -1670.663044297, {3.0990385948, 5.6536929688, 56.5041876572});
}

TEST_F(RealData, ApparelWithCovariates) {
  const Columns c = apparel();
  std::map<std::string, std::array<double, 2>> known;
  for (const auto& f : lines_of(folder_ / "apparel_static_covariates.csv", true))
    known[f[0]] = {std::stod(f[1]), std::stod(f[2])};
  ASSERT_EQ(known.size(), c.x.size());  // both in order of the customer's name
  std::vector<double> gender, channel;
  for (const auto& [id, z] : known) {
    gender.push_back(z[0]);
    channel.push_back(z[1]);
  }
  Covariates covariates{{{"Gender", gender}, {"Channel", channel}},
                        {{"Gender", gender}, {"Channel", channel}}};
  const auto fit = fit_pareto_nbd(c.view(), covariates);
  EXPECT_EQ(fit.parameters,
            (std::vector<std::string>{"r", "alpha", "s", "beta", "transaction.Gender", "transaction.Channel",
                                      "dropout.Gender", "dropout.Channel"}));
  expect_fit(
      fit, -5821.06268587,
      {1.838966664, 92.962961601, .591304144, 49.513083276, .286135435, .623929987, -.641867994, .789758813},
      {.345766, 16.97925, .260264, 36.14326, .104139, .104942, .295500, .305781});
  EXPECT_EQ(fit.transaction[1], fit.estimates[5]);
  EXPECT_EQ(fit.dropout[0], fit.estimates[6]);

  covariates.equal = {"Gender"};
  const auto equal = fit_pareto_nbd(c.view(), covariates);
  EXPECT_EQ(equal.estimates.size(), 7U);
  EXPECT_NEAR(equal.log_likelihood, -5826.53419, 2e-5);
  EXPECT_NEAR(equal.estimates[6], .328253, 1e-3);
  EXPECT_EQ(equal.transaction[0], equal.dropout[0]);
  EXPECT_NEAR(likelihood_ratio_test(equal, fit).statistic, 10.943, 1e-3);
}

TEST_F(RealData, ProfilesAndRatioTests) {
  FitOptions options;
  options.profile_level = 95;
  const auto pareto = fit_pareto_nbd(cdnow().view(), options);
  const auto nbd = fit_nbd(cdnow().view());
  const LikelihoodRatioTest test = likelihood_ratio_test(nbd, pareto);
  EXPECT_NEAR(test.statistic, 2 * (9763.657614673 - 9594.976178940), 1e-5);
  EXPECT_EQ(test.degrees, 2);
  EXPECT_LT(test.p_value, 1e-70);
  const auto wald = pareto.intervals(95);
  for (std::size_t j = 0; j < 4; ++j) {
    EXPECT_LT(pareto.profile[j].low, pareto.estimates[j]);
    EXPECT_GT(pareto.profile[j].high, pareto.estimates[j]);
    // r and alpha are well determined: both intervals agree. s and beta lean to the right.
    if (j >= 2) continue;
    EXPECT_NEAR(pareto.profile[j].low / wald[j].low, 1, 0.02);
    EXPECT_NEAR(pareto.profile[j].high / wald[j].high, 1, 0.02);
  }
}

}  // namespace
