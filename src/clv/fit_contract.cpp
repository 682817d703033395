// Shifted beta-geometric and beta-discrete-Weibull: contracts that are renewed or not.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "grouped.hpp"
#include "salesops/clv/parameters.hpp"
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

/// What is wrong with the cohorts is added to `wrong`.
Contracts count(std::span<const ContractCohort> cohorts, std::vector<std::string>& wrong) {
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
  return contracts;
}

Contracts contracts_of(const char* call, std::span<const ContractCohort> cohorts) {
  std::vector<std::string> wrong;
  Contracts contracts = count(cohorts, wrong);
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
template <class J>
J log_survival(const J& alpha, const J& beta, const J& y, const J& log_y) {
  // Γ(β+y)/Γ(α+β+y) = y^−α to the last digit, also where y overflows.
  if (log_y.value > 40 + 2 * std::log1p(alpha.value + beta.value))
    return log_rising(beta, alpha) - alpha * log_y;
  J value = log_rising(beta, y) - log_rising(alpha + beta, y);
  value.value = special::log_beta_ratio(alpha.value, beta.value, y.value);  // keeps what cancels above
  return value;
}

/// ln L, of ln S(t).
template <class J, class LogSurvival>
J contract_likelihood(const Contracts& contracts, const LogSurvival& log_survival) {
  std::map<double, J> known{{0.0, J(0.0)}};
  const auto ln_s = [&](double t) -> const J& {
    const auto found = known.find(t);
    return found != known.end() ? found->second : known.emplace(t, log_survival(t)).first->second;
  };
  J sum;
  for (const auto& [renewals, customers] : contracts.lost) {
    const J& from = ln_s(renewals.first);
    sum += (from + log(-expm1(ln_s(renewals.second) - from))) *= customers;
  }
  for (const auto& [renewals, customers] : contracts.left) sum += ln_s(renewals) * customers;
  for (const auto& [renewals, customers] : contracts.begun) sum -= ln_s(renewals) * customers;
  return sum;
}

/// ln L of contracts at the logarithms of the parameters.
constexpr auto sbg = []<int O>(Order<O>, const Contracts& contracts, const Execution&,
                               std::span<const double> logs) {
  const auto parameters = parameters_at<2, O>(logs);
  using J = Jet<2, O>;
  return contract_likelihood<J>(
      contracts, [&](double t) { return log_survival(parameters[0], parameters[1], J(t), J(std::log(t))); });
};
constexpr auto bdw = []<int O>(Order<O>, const Contracts& contracts, const Execution&,
                               std::span<const double> logs) {
  const auto parameters = parameters_at<3, O>(logs);
  using J = Jet<3, O>;
  return contract_likelihood<J>(contracts, [&](double t) {
    const J log_y = parameters[2] * std::log(t);
    return log_survival(parameters[0], parameters[1], exp(log_y), log_y);
  });
};

Problem sbg_problem() {
  Problem problem;
  problem.call = "fit_sbg";
  problem.names = {"alpha", "beta"};
  problem.units = {1, 1};
  problem.start = {1, 2};
  return problem;
}
Problem bdw_problem() {
  Problem problem;
  problem.call = "fit_bdw";
  problem.names = {"alpha", "beta", "c"};
  problem.units = {1, 1, 1};
  problem.start = {1, 2, 1};
  return problem;
}

FitSummary solve_contracts(const Problem& problem, const Contracts& contracts, const FitOptions& options) {
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

template <class Model, class Likelihood>
Fit<Model> fit(Problem problem, std::span<const ContractCohort> cohorts, const FitOptions& options,
               const Likelihood& likelihood) {
  const Contracts contracts = contracts_of(problem.call, cohorts);
  problem.n = contracts.customers;
  problem.distinct_rows = contracts.lost.size() + contracts.left.size();
  problem.ask([&]<int O>(Order<O> order, std::span<const double> logs) {
    return point_of(likelihood(order, contracts, Execution{}, logs));
  });
  return with_model<Model, parameters<Model>.size()>(solve_contracts(problem, contracts, options));
}

template <class Model, class Likelihood>
ContractFit<Model> fit(Problem problem, std::span<const ContractCohort> cohorts,
                       const ContractCovariates& covariates, const FitOptions& options,
                       const Likelihood& likelihood) {
  constexpr std::size_t own = parameters<Model>.size();
  const Contracts contracts = contracts_of(problem.call, cohorts);
  const Design design(problem.call, {"alpha", covariates.alpha}, {"beta", covariates.beta}, covariates.equal,
                      cohorts.size(), own);
  const auto groups =
      groups_of<Contracts>(design, cohorts.size(), own, {{0}, 1}, {{1}, 1}, [&](auto members) {
        std::vector<ContractCohort> alike;
        for (const std::size_t cohort : members) alike.push_back(cohorts[cohort]);
        std::vector<std::string> told_before;
        return count(alike, told_before);
      });
  problem.n = contracts.customers;
  for (const auto& group : groups) problem.distinct_rows += group.data.lost.size() + group.data.left.size();
  spread_over(problem, design, groups, options.execution, likelihood);
  FitSummary summary = solve_contracts(problem, contracts, options);
  std::vector<double> alpha = Design::coefficients(design.first(), summary.estimates);
  std::vector<double> beta = Design::coefficients(design.second(), summary.estimates);
  Fit<Model> plain = with_model<Model, own>(std::move(summary));
  return {std::move(static_cast<FitSummary&>(plain)), plain.model, std::move(alpha), std::move(beta)};
}

template <class Model>
Model moved(const ContractFit<Model>& fit, std::span<const double> z_alpha, std::span<const double> z_beta) {
  Model model = fit.model;
  model.alpha *= std::exp(effect(fit.alpha, z_alpha, "alpha"));
  model.beta *= std::exp(effect(fit.beta, z_beta, "beta"));
  return model;
}

}  // namespace

template <>
SBG ContractFit<SBG>::model_of(std::span<const double> z_alpha, std::span<const double> z_beta) const {
  return moved(*this, z_alpha, z_beta);
}
template <>
BdW ContractFit<BdW>::model_of(std::span<const double> z_alpha, std::span<const double> z_beta) const {
  return moved(*this, z_alpha, z_beta);
}

Fit<SBG> fit_sbg(std::span<const ContractCohort> cohorts, const FitOptions& options) {
  return fit<SBG>(sbg_problem(), cohorts, options, sbg);
}
Fit<BdW> fit_bdw(std::span<const ContractCohort> cohorts, const FitOptions& options) {
  return fit<BdW>(bdw_problem(), cohorts, options, bdw);
}
ContractFit<SBG> fit_sbg(std::span<const ContractCohort> cohorts, const ContractCovariates& covariates,
                         const FitOptions& options) {
  return fit<SBG>(sbg_problem(), cohorts, covariates, options, sbg);
}
ContractFit<BdW> fit_bdw(std::span<const ContractCohort> cohorts, const ContractCovariates& covariates,
                         const FitOptions& options) {
  return fit<BdW>(bdw_problem(), cohorts, covariates, options, bdw);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
