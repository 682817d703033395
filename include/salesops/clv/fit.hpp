/// @file fit.hpp
/// Which parameters of a lifetime model make the customers seen most likely, and how sure they are.
///
/// | customers who                                      | fit                                             |
/// |----------------------------------------------------|-------------------------------------------------|
/// | buy when they like and never leave                 | `fit_nbd`                                       |
/// | may leave after a purchase                         | `fit_bg_nbd`; also after the first: `fit_mbg_nbd` |
/// | may leave at any time                              | `fit_pareto_nbd`, `fit_ggompertz_nbd`           |
/// | ... the sooner or later the more often they buy    | `fit_sarmanov_pareto_nbd`                       |
/// | ... as seasons and campaigns move them             | `fit_pareto_nbd` of clv/dynamic.hpp             |
/// | buy at a regular pace, may leave after a purchase  | `fit_bg_cnbd`, `fit_mbg_cnbd`                   |
/// | buy or not at given opportunities                  | `fit_bg_bb`                                     |
/// | spend so much a purchase                           | `fit_gamma_gamma`                               |
/// | renew a contract or not                            | `fit_sbg`, `fit_bdw`                            |
///
/// The estimate is the maximum of the likelihood (or, with priors, of the posterior density of the logarithms
/// of the parameters), found by Newton's method with exact first and second derivatives. Customers alike in
/// (x, t_x, T) are one row with a weight; what depends on (x, t_x) or (x, T) alone is computed once a pair.
/// Sums go over fixed blocks of sorted rows: results are the same to the bit for any number of threads and
/// any order of the customers.
///
/// Any unit of time will do; alpha, beta of Pareto/NBD are in it, b of GGompertz in its inverse.
///
/// A fit always comes back with its best point. `converged` and `reason` say how it ended; `notes` say in
/// words what the data cannot tell: a parameter at the end of its range, a ridge along which the likelihood
/// is flat, nobody who bought again. Predictions along a ridge agree; the single parameters mean little
/// there.
///
/// Errors: `UsageError` that counts the rows and names the first ones for a negative, fractional or
/// non-finite x, t_x > T, x = 0 with t_x > 0, spend that is not above 0, weights that are not above 0; and
/// for options out of range. `Cancelled` when `execution.stop` is set.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "salesops/clv.hpp"
#include "salesops/parallel.hpp"
#include "salesops/posterior.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

// ---- What goes in ---------------------------------------------------------------------------------

/// Columns of equal length, one entry a customer. Borrowed: they have to outlive the call only.
struct RfmView {
  std::span<const double> x;             ///< repeat purchases
  std::span<const double> t_x;           ///< time of the last one
  std::span<const double> T;             ///< time observed; for BG/BB the number of opportunities
  std::span<const double> weights = {};  ///< customers that a row stands for; empty = 1 each
  std::span<const double> sum_log_gaps =
      {};  ///< Σ ln of the times between purchases; only CNBD-k asks for it
};

struct SpendView {
  std::span<const double> x;           ///< purchases whose mean is known; rows with 0 are left out
  std::span<const double> mean_spend;  ///< mean amount of those purchases, in any currency
  std::span<const double> weights = {};
};

/// Customers of one start. `survivors[i]` are left after `first_renewal + i` renewals; NaN where nobody
/// counted. Cohorts may end at different ages (a triangle) and may begin late (those who left before are not
/// known).
struct ContractCohort {
  std::vector<double> survivors;
  std::size_t first_renewal = 0;
};

/// A belief about a parameter before the data: its logarithm is normal around ln `median`.
struct LogNormalPrior {
  double median = 1;
  double log_sd = special::infinity;  ///< +∞ = no belief
};

struct FitOptions {
  std::vector<double> start = {};           ///< in the order of the model's fields; empty = from moments
  std::vector<LogNormalPrior> priors = {};  ///< one a parameter, or none
  /// Ridge λ/2 Σ (ln parameter)² with times in units of the mean T and amounts in units of the mean spend:
  /// the priors with median 1 and log_sd 1/√λ. The same data in days or weeks give the same fit.
  double l2 = 0;
  double tolerance = 1e-12;  ///< of the gradient, relative to the likelihood
  int max_iterations = 200;
  double profile_level = 0;  ///< percent; > 0 asks for profile-likelihood intervals, which cost refits
  /// Asks for draws of the parameters given data and beliefs (NUTS). Without `priors` and `l2` the beliefs
  /// are weak: l2 = 1/4, that is median 1 and log_sd 2 in units of the mean T and the mean spend.
  std::optional<posterior::Options> posterior = std::nullopt;
  Execution execution = {};
};

// ---- What comes out -------------------------------------------------------------------------------

/// Parameters given data and beliefs, in the order of `FitSummary::parameters`.
struct Posterior {
  posterior::Draws draws;
  std::vector<posterior::Diagnosis> parameters;
};

/// All of a fit but the model, in the order of `parameters`.
struct FitSummary {
  std::vector<std::string> parameters;  ///< names
  std::vector<double> estimates;
  std::size_t coefficients = 0;  ///< so many of the last are coefficients of covariates, of either sign
  double log_likelihood = 0;     ///< at the estimate, without the priors
  /// Inverse of the observed information in the parameters themselves, row by row. With priors, of the
  /// posterior's. NaN where the data do not determine a parameter.
  std::vector<double> covariance;
  /// The same without gaps, over the directions that the data determine: what is open doesn't vary, what is
  /// known together only varies together. Intervals of forecasts take it.
  std::vector<double> identified_covariance;
  std::vector<double> standard_errors;
  std::vector<double> correlation;
  std::vector<stats::Interval>
      profile;  ///< when asked for; an end is 0 or +∞ where the likelihood never falls enough
  std::optional<Posterior> posterior;  ///< when asked for; the estimates are its mode (of the logarithms)
  double n = 0;                        ///< customers (sum of weights)
  std::size_t distinct_rows = 0;
  int iterations = 0;
  bool converged = false;
  std::string reason;
  std::vector<std::string> notes;

  /// 2k − 2 ln L and k ln n − 2 ln L for k parameters: smaller is better.
  [[nodiscard]] double aic() const;
  [[nodiscard]] double bic() const;
  /// exp(ln θ ± z·se/θ): Wald's interval of the logarithm, so both ends are above 0. Coefficients: γ ± z·se.
  [[nodiscard]] std::vector<stats::Interval> intervals(double level = 95) const;
};

template <class Model>
struct Fit : FitSummary {
  Model model;
};

[[nodiscard]] Fit<NBD> fit_nbd(const RfmView& customers, const FitOptions& options = {});
[[nodiscard]] Fit<BGNBD> fit_bg_nbd(const RfmView& customers, const FitOptions& options = {});
[[nodiscard]] Fit<MBGNBD> fit_mbg_nbd(const RfmView& customers, const FitOptions& options = {});
[[nodiscard]] Fit<ParetoNBD> fit_pareto_nbd(const RfmView& customers, const FitOptions& options = {});
/// Times in weeks, or in a unit that suits e^−λ (see `SarmanovParetoNBD`). m is sought between its bounds,
/// rounded off by 0.1 % where two of them meet. Where the likelihood rises up to a bound, m stands there
/// without a standard error, a note says so, and the other standard errors are those along the bound. m has
/// no profile interval; starts and priors are given for the other four. `likelihood_ratio_test` against
/// `fit_pareto_nbd` asks whether there is a correlation.
[[nodiscard]] Fit<SarmanovParetoNBD> fit_sarmanov_pareto_nbd(const RfmView& customers,
                                                             const FitOptions& options = {});
[[nodiscard]] Fit<GGompertzNBD> fit_ggompertz_nbd(const RfmView& customers, const FitOptions& options = {});
/// T and t_x count opportunities: whole numbers, x ≤ t_x.
[[nodiscard]] Fit<BGBB> fit_bg_bb(const RfmView& customers, const FitOptions& options = {});

/// Times between purchases are Erlang-k: the larger k, the more regular. The likelihood holds the times of
/// all purchases, so with k = 1 it is that of the (M)BG/NBD; without `sum_log_gaps` it lacks (k−1) Σ ln gaps,
/// which changes no parameter.
[[nodiscard]] Fit<BGCNBD> fit_bg_cnbd(const RfmView& customers, int k, const FitOptions& options = {});
[[nodiscard]] Fit<MBGCNBD> fit_mbg_cnbd(const RfmView& customers, int k, const FitOptions& options = {});
/// The likeliest k of 1 … 12. Needs `sum_log_gaps`.
[[nodiscard]] Fit<BGCNBD> fit_bg_cnbd(const RfmView& customers, const FitOptions& options = {});
[[nodiscard]] Fit<MBGCNBD> fit_mbg_cnbd(const RfmView& customers, const FitOptions& options = {});

[[nodiscard]] Fit<GammaGamma> fit_gamma_gamma(const SpendView& customers, const FitOptions& options = {});
[[nodiscard]] Fit<SBG> fit_sbg(std::span<const ContractCohort> cohorts, const FitOptions& options = {});
[[nodiscard]] Fit<BdW> fit_bdw(std::span<const ContractCohort> cohorts, const FitOptions& options = {});

// ---- Covariates that stay the same over time ------------------------------------------------------

struct Covariate {
  std::string name;
  std::span<const double> values;  ///< one a customer; 0/1 for a category, best near 0 ± 1 otherwise
};

/// What else is known of each customer, and which process it moves.
struct Covariates {
  std::vector<Covariate> transaction;  ///< the purchase rate: alpha_i = alpha e^(−γ'z)
  /// Leaving. Pareto/NBD and GGompertz/NBD: beta_i = beta e^(−γ'z), so γ > 0 leave sooner. (M)BG/NBD: a_i = a
  /// e^(γ'z) and b_i = b e^(γ'z): the mean probability to leave stays, its spread moves.
  std::vector<Covariate> dropout;
  std::vector<std::string> equal = {};  ///< names in both lists whose two coefficients are one
};

/// `parameters` are those of the model for z = 0, then "transaction.NAME", "dropout.NAME", then the names in
/// `equal`.
template <class Model>
struct CovariateFit : FitSummary {
  Model model;                      ///< of customers with z = 0
  std::vector<double> transaction;  ///< γ in the order of `Covariates::transaction`
  std::vector<double> dropout;

  /// The model of a customer with these covariates, which answers all questions about it.
  [[nodiscard]] Model model_of(std::span<const double> z_transaction,
                               std::span<const double> z_dropout) const;
};

template <>
BGNBD CovariateFit<BGNBD>::model_of(std::span<const double>, std::span<const double>) const;
template <>
MBGNBD CovariateFit<MBGNBD>::model_of(std::span<const double>, std::span<const double>) const;
template <>
ParetoNBD CovariateFit<ParetoNBD>::model_of(std::span<const double>, std::span<const double>) const;
template <>
GGompertzNBD CovariateFit<GGompertzNBD>::model_of(std::span<const double>, std::span<const double>) const;

/// Customers with the same covariates share their rows and tables; covariates that are unlike for each
/// customer cost a full evaluation a customer. Start and priors are given for the model's parameters only;
/// `l2` also holds the coefficients near 0.
[[nodiscard]] CovariateFit<BGNBD> fit_bg_nbd(const RfmView& customers, const Covariates& covariates,
                                             const FitOptions& options = {});
[[nodiscard]] CovariateFit<MBGNBD> fit_mbg_nbd(const RfmView& customers, const Covariates& covariates,
                                               const FitOptions& options = {});
[[nodiscard]] CovariateFit<ParetoNBD> fit_pareto_nbd(const RfmView& customers, const Covariates& covariates,
                                                     const FitOptions& options = {});
[[nodiscard]] CovariateFit<GGompertzNBD> fit_ggompertz_nbd(const RfmView& customers,
                                                           const Covariates& covariates,
                                                           const FitOptions& options = {});

/// Gamma-Gamma whose amounts depend on what is known of a customer: v_i = v e^(γ'z), so a unit of z
/// multiplies all amounts by e^γ. `parameters` are p, q, v and then "spend.NAME".
struct SpendFit : FitSummary {
  GammaGamma model;           ///< of customers with z = 0
  std::vector<double> spend;  ///< γ in the order of the covariates

  /// The model of a customer with these covariates.
  [[nodiscard]] GammaGamma model_of(std::span<const double> z) const;
};
/// Covariates have one value a customer; those of customers without repeat purchases say nothing.
[[nodiscard]] SpendFit fit_gamma_gamma(const SpendView& customers, std::span<const Covariate> covariates,
                                       const FitOptions& options = {});

/// What else is known of each cohort: values are one a cohort, so customers who differ are cohorts of their
/// own.
struct ContractCovariates {
  /// alpha_i = alpha e^(γ'z): the odds alpha/beta of the mean customer to leave at the first renewal, times
  /// e^γ.
  std::vector<Covariate> alpha;
  /// beta_i = beta e^(γ'z): those odds times e^(−γ), and customers the less alike the smaller beta.
  std::vector<Covariate> beta = {};
  /// Names in both lists whose two coefficients are one: the mean at the first renewal stays, its spread
  /// moves.
  std::vector<std::string> equal = {};
};

/// `parameters` are those of the model for z = 0, then "alpha.NAME", "beta.NAME", then the names in `equal`.
template <class Model>
struct ContractFit : FitSummary {
  Model model;                ///< of customers with z = 0
  std::vector<double> alpha;  ///< γ in the order of `ContractCovariates::alpha`
  std::vector<double> beta;

  /// The model of a customer with these covariates.
  [[nodiscard]] Model model_of(std::span<const double> z_alpha, std::span<const double> z_beta) const;
};
template <>
SBG ContractFit<SBG>::model_of(std::span<const double>, std::span<const double>) const;
template <>
BdW ContractFit<BdW>::model_of(std::span<const double>, std::span<const double>) const;

[[nodiscard]] ContractFit<SBG> fit_sbg(std::span<const ContractCohort> cohorts,
                                       const ContractCovariates& covariates, const FitOptions& options = {});
[[nodiscard]] ContractFit<BdW> fit_bdw(std::span<const ContractCohort> cohorts,
                                       const ContractCovariates& covariates, const FitOptions& options = {});

/// Does the larger of two nested models say significantly more?
struct LikelihoodRatioTest {
  double statistic = 0;  ///< 2 (ln L of the larger − ln L of the smaller), at least 0
  int degrees = 1;       ///< parameters more
  /// P(χ² > statistic). Where the smaller model is the larger at the end of a parameter's range (NBD in
  /// Pareto/NBD) the true value is smaller: the test errs on the side of the smaller model.
  double p_value = 1;
};
/// `UsageError` unless `larger` has more parameters and both saw equally many customers.
[[nodiscard]] LikelihoodRatioTest likelihood_ratio_test(const FitSummary& smaller, const FitSummary& larger);

}  // namespace clv
}  // namespace v0
}  // namespace salesops
