// The discrete likelihood of a proportional-hazards model: every set that could have died.
#include <algorithm>
#include <cmath>

#include "risk_sets.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// Which k of the rows added so far died, each set with odds Π exp(η): ln of the sum of the odds, and mean
/// and covariance of the sum of x over such a set. Mixing two cases with and without a row keeps every number
/// in range, whatever k.
class DrawnSets {
 public:
  DrawnSets(std::size_t most, Index columns)
      : log_odds_(most + 1, -special::infinity),
        mean_(most + 1, VectorXd::Zero(columns)),
        covariance_(most + 1, MatrixXd::Zero(columns, columns)) {
    log_odds_[0] = 0;
  }
  void add(double eta, const VectorXd& x) {
    ++count_;
    for (std::size_t k = std::min(count_, log_odds_.size() - 1); k > 0; --k) {
      const double with = eta + log_odds_[k - 1];
      const double both = special::log_add(log_odds_[k], with);
      const double share = std::exp(with - both);
      apart_ = mean_[k - 1] + x - mean_[k];
      covariance_[k] = (1 - share) * covariance_[k] + share * covariance_[k - 1];
      covariance_[k].noalias() += share * (1 - share) * apart_ * apart_.transpose();
      mean_[k] += share * apart_;
      log_odds_[k] = both;
    }
  }
  void take(std::size_t k, Likelihood& from) const {
    from.value -= log_odds_[k];
    from.gradient -= mean_[k];
    from.information += covariance_[k];
  }

 private:
  std::vector<double> log_odds_;
  std::vector<VectorXd> mean_;
  std::vector<MatrixXd> covariance_;
  VectorXd apart_;
  std::size_t count_ = 0;
};

}  // namespace

double RiskSets::cost_of_exact() const {
  double steps = 0;
  for (std::size_t s = 0, g = 0; s + 1 < stratum_starts.size(); ++s) {
    std::size_t most = 0;
    double alone = 0;
    for (; g < groups.size() && groups[g].stratum == s; ++g) {
      most = std::max(most, groups[g].deaths);
      alone += static_cast<double>(groups[g].end - stratum_starts[s]) * static_cast<double>(groups[g].deaths);
    }
    const auto size = static_cast<double>(stratum_starts[s + 1] - stratum_starts[s]);
    steps += waiting.empty() ? size * static_cast<double>(most) : alone;
  }
  return steps * static_cast<double>(columns * columns + 10);
}

Likelihood RiskSets::evaluate_exact(const VectorXd& beta) const {
  const Index p = index(columns);
  const VectorXd eta = x * beta;
  const std::size_t strata = stratum_starts.size() - 1;
  std::vector<std::size_t> first_groups(1, 0);
  for (std::size_t g = 0; g < groups.size(); ++g)
    if (groups[g].deaths == 0) first_groups.push_back(g + 1);
  std::vector<Likelihood> parts(strata);
  for_blocks(strata, execution_, [&](std::size_t s) {
    Likelihood& part = parts[s];
    part.gradient = VectorXd::Zero(p);
    part.information = MatrixXd::Zero(p, p);
    const auto begin = groups.begin() + static_cast<std::ptrdiff_t>(first_groups[s]);
    const auto end = groups.begin() + static_cast<std::ptrdiff_t>(first_groups[s + 1]);
    std::size_t most = 0;
    for (auto group = begin; group != end; ++group) most = std::max(most, group->deaths);
    DrawnSets sets(most, p);
    std::size_t place = stratum_starts[s];
    for (auto group = begin; group != end; ++group) {
      if (group->deaths == 0) continue;
      ask_stop();
      for (std::size_t i = group->end - group->deaths; i < group->end; ++i) {
        part.value += eta[index(i)];
        part.gradient += x.row(index(i)).transpose();
      }
      if (!waiting.empty()) {  // sets can't be taken back: begin anew
        sets = DrawnSets(group->deaths, p);
        place = stratum_starts[s];
      }
      for (; place < group->end; ++place) {
        const auto g = static_cast<std::size_t>(group - groups.begin());
        if (since.empty() || since[place] > g) sets.add(eta[index(place)], x.row(index(place)).transpose());
      }
      sets.take(group->deaths, part);
    }
  });
  Likelihood all{0, VectorXd::Zero(p), MatrixXd::Zero(p, p)};
  for (const Likelihood& part : parts) {
    all.value += part.value;
    all.gradient += part.gradient;
    all.information += part.information;
  }
  return all;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
