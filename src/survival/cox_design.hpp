/// @file cox_design.hpp
/// What the files of the regressions share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "risk_sets.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

/// Throws for no columns, columns of another length, and names used twice.
void check_covariates(const std::vector<Covariate>& covariates, std::size_t rows);
/// Throws for columns that the rows at risk can't tell apart, by the information at β = 0.
void refuse_sums(const Eigen::MatrixXd& information, const std::vector<Covariate>& covariates, double deaths);

struct Maximum {
  Eigen::VectorXd beta;
  Likelihood at_zero;
  Likelihood here;  ///< with the penalty
  int iterations = 0;
  bool converged = false;
};

/// Newton's method from 0 with halved steps. It goes on until the step promises less than 1e-14: a step
/// shorter than 1e-7 standard errors. `inspect` sees the information at 0.
Maximum maximize(const std::function<Likelihood(const Eigen::VectorXd&)>& likelihood, Eigen::Index size,
                 double penalty, int max_iterations,
                 const std::function<void(const Eigen::MatrixXd&)>& inspect);

/// What the maximum says: coefficients, errors, tests and notes in the units of the columns. `covariance` is
/// of the centred and scaled columns.
CoxModel describe(const RiskSets& sets, const std::vector<Covariate>& covariates, const Maximum& best,
                  const Eigen::MatrixXd& covariance, const CoxOptions& options);

}  // namespace survival
}  // namespace v0
}  // namespace salesops
