// Covariates of a fit: which coefficient each one has, and sums over customers by all parameters.
#pragma once

#include <Eigen/Dense>
#include <span>
#include <string>
#include <vector>

#include "salesops/clv/fit.hpp"
#include "salesops/optimize.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A covariate in a process, and where its coefficient stands among all parameters.
struct Term {
  std::span<const double> values;
  std::size_t position;
};

/// The parameters are four of the model, then "transaction.NAME", "dropout.NAME", then the shared names.
class Design {
 public:
  /// `UsageError` unless all covariates have so many finite values, not all alike, and names are clear.
  Design(const char* call, const Covariates& covariates, std::size_t rows);

  /// Of the coefficients.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::span<const Term> transaction() const { return {terms_.data(), transactions_}; }
  [[nodiscard]] std::span<const Term> dropout() const {
    return {terms_.data() + transactions_, terms_.size() - transactions_};
  }
  /// By the covariates of two rows: below, equal to or above 0.
  [[nodiscard]] int compare(std::size_t a, std::size_t b) const;

  static std::vector<double> coefficients(std::span<const Term> terms, std::span<const double> estimates);

 private:
  std::vector<Term> terms_;  ///< of purchases, then of leaving
  std::size_t transactions_ = 0;
  std::vector<std::string> names_;
};

/// Value, gradient and Hessian by all parameters, for sums.
struct Total {
  double value = 0;
  Eigen::VectorXd gradient;
  Eigen::MatrixXd hessian;

  explicit Total(Eigen::Index size)
      : gradient(Eigen::VectorXd::Zero(size)), hessian(Eigen::MatrixXd::Zero(size, size)) {}
  void add(const Total& other) {
    value += other.value;
    gradient += other.gradient;
    hessian += other.hessian;
  }
  [[nodiscard]] optimize::Point point() const {
    return {value, {gradient.begin(), gradient.end()}, {hessian.data(), hessian.data() + hessian.size()}};
  }
};

/// Σ of what `add(first, last, total)` adds for blocks of n, whose bounds depend on n alone.
template <class Add>
Total total_over(std::size_t n, std::size_t block, Eigen::Index size, const Execution& execution,
                 const Add& add) {
  std::vector<Total> parts((n + block - 1) / block, Total(size));
  for_rows(n, block, execution,
           [&](std::size_t first, std::size_t last) { add(first, last, parts[first / block]); });
  Total total(size);
  for (const Total& part : parts) total.add(part);
  return total;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
