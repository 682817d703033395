// Shifted beta-geometric and beta-discrete-Weibull: contracts that are renewed or not.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "salesops/error.hpp"
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

/// Customers left or lost, as the likelihood needs them, over all cohorts.
struct Contracts {
  /// Lost after `first` renewals and before `second` of them were made: ln(S(first) − S(second)).
  std::map<std::pair<double, double>, double> lost;
  std::map<double, double> left;   ///< still there after so many renewals: ln S
  std::map<double, double> begun;  ///< first seen after so many renewals: −ln S
  double customers = 0;
  double losses = 0;
};

std::string place(std::size_t cohort, std::size_t entry) {
  return "cohort " + std::to_string(cohort) + ", entry " + std::to_string(entry);
}

Contracts contracts_of(const char* call, std::span<const ContractCohort> cohorts) {
  std::vector<std::string> wrong;
  Contracts contracts;
  for (std::size_t c = 0; c < cohorts.size(); ++c) {
    std::optional<std::pair<double, double>> before;  // renewals, survivors
    for (std::size_t i = 0; i < cohorts[c].survivors.size(); ++i) {
      const double survivors = cohorts[c].survivors[i];
      if (std::isnan(survivors)) continue;
      const auto renewals = static_cast<double>(cohorts[c].first_renewal + i);
      if (!(survivors >= 0 && survivors < special::infinity)) {
        wrong.push_back(place(c, i) + " is negative or infinite");
        break;
      }
      if (before && survivors > before->second) {
        wrong.push_back(place(c, i) + " is more than were left before");
        break;
      }
      if (!before) {
        contracts.customers += survivors;
        if (survivors > 0 && renewals > 0) contracts.begun[renewals] += survivors;
      } else if (before->second > survivors) {
        contracts.lost[{before->first, renewals}] += before->second - survivors;
        contracts.losses += before->second - survivors;
      }
      before = {renewals, survivors};
    }
    if (before && before->second > 0) contracts.left[before->first] += before->second;
  }
  if (!wrong.empty()) {
    std::string text = std::string(call) + ": survivors that cannot be, counted from 0: ";
    for (std::size_t i = 0; i < std::min<std::size_t>(wrong.size(), 5); ++i)
      text += (i > 0 ? "; " : "") + wrong[i];
    if (wrong.size() > 5) text += "; and " + std::to_string(wrong.size() - 5) + " more";
    throw UsageError(text);
  }
  if (!(contracts.customers > 0))
    throw UsageError(std::string(call) + ": no cohort has customers at its beginning");
  const bool renewed =
      contracts.losses > 0 || std::any_of(cohorts.begin(), cohorts.end(), [](const auto& cohort) {
        return std::count_if(cohort.survivors.begin(), cohort.survivors.end(),
                             [](double s) { return !std::isnan(s); }) > 1;
      });
  if (!renewed)
    throw UsageError(std::string(call) + ": no cohort was counted at two ages; nothing was renewed yet");
  return contracts;
}

/// ln B(α, β+y) − ln B(α, β) = ln S for y = t^c.
template <std::size_t N>
Jet<N> log_survival(const Jet<N>& alpha, const Jet<N>& beta, const Jet<N>& y) {
  Jet<N> value = log_rising(beta, y) - log_rising(alpha + beta, y);
  value.value = special::log_beta_ratio(alpha.value, beta.value, y.value);  // keeps what cancels above
  return value;
}

/// ln L, `power(t)` = t or t^c.
template <std::size_t N, class Power>
Jet<N> contract_likelihood(const Contracts& contracts, const Jet<N>& alpha, const Jet<N>& beta,
                           const Power& power) {
  std::map<double, Jet<N>> known{{0.0, Jet<N>(0)}};
  const auto ln_s = [&](double t) -> const Jet<N>& {
    const auto found = known.find(t);
    return found != known.end() ? found->second
                                : known.emplace(t, log_survival(alpha, beta, power(t))).first->second;
  };
  Jet<N> sum;
  for (const auto& [renewals, customers] : contracts.lost) {
    const Jet<N>& from = ln_s(renewals.first);
    sum += (from + log(-expm1(ln_s(renewals.second) - from))) *= customers;
  }
  for (const auto& [renewals, customers] : contracts.left) sum += ln_s(renewals) * customers;
  for (const auto& [renewals, customers] : contracts.begun) sum -= ln_s(renewals) * customers;
  return sum;
}

FitSummary solve_contracts(Problem problem, const Contracts& contracts, const FitOptions& options) {
  problem.n = contracts.customers;
  problem.distinct_rows = contracts.lost.size() + contracts.left.size();
  FitSummary summary = solve(problem, options);
  if (contracts.losses == 0 && !has_priors(options)) {
    summary.converged = false;
    summary.reason = "nobody left";
    summary.notes.emplace_back(
        "nobody left: churn is only known to be small; wait for losses or give priors");
  } else if (contracts.left.empty() && contracts.lost.size() == 1) {
    summary.notes.emplace_back("everybody left at one age: nothing tells how customers differ");
  }
  const double alpha = summary.estimates[0];
  const double beta = summary.estimates[1];
  if (alpha + beta > 1000 && !(summary.standard_errors[1] < beta))
    summary.notes.push_back(
        "alpha and beta tend to infinity with alpha/(alpha+beta) = " + number(alpha / (alpha + beta)) +
        ": all customers churn with the same probability");
  return summary;
}

}  // namespace

Fit<SBG> fit_sbg(std::span<const ContractCohort> cohorts, const FitOptions& options) {
  const Contracts contracts = contracts_of("fit_sbg", cohorts);
  Problem problem;
  problem.call = "fit_sbg";
  problem.names = {"alpha", "beta"};
  problem.units = {1, 1};
  problem.start = {1, 2};
  problem.log_likelihood = [&](std::span<const double> logs) {
    const auto [alpha, beta] = parameters_at<2>(logs);
    return point_of(contract_likelihood(contracts, alpha, beta, [](double t) { return Jet<2>(t); }));
  };
  return with_model<SBG, 2>(solve_contracts(std::move(problem), contracts, options));
}

Fit<BdW> fit_bdw(std::span<const ContractCohort> cohorts, const FitOptions& options) {
  const Contracts contracts = contracts_of("fit_bdw", cohorts);
  Problem problem;
  problem.call = "fit_bdw";
  problem.names = {"alpha", "beta", "c"};
  problem.units = {1, 1, 1};
  problem.start = {1, 2, 1};
  problem.log_likelihood = [&](std::span<const double> logs) {
    const auto parameters = parameters_at<3>(logs);
    const Jet<3>& c = parameters[2];
    return point_of(contract_likelihood(contracts, parameters[0], parameters[1],
                                        [&](double t) { return exp(c * std::log(t)); }));
  };
  return with_model<BdW, 3>(solve_contracts(std::move(problem), contracts, options));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
