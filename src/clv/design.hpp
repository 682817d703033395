// Covariates of a fit: which coefficient each one has, and sums over customers by all parameters.
#pragma once

#include <Eigen/Core>
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

/// Covariates that move one thing.
struct Process {
  const char* name = "";
  std::span<const Covariate> covariates = {};
};

/// The parameters are those of the model, then "FIRST.NAME", "SECOND.NAME", then the shared names.
class Design {
 public:
  /// `equal` names covariates of both processes whose coefficients are one. `UsageError` unless all
  /// covariates have so many finite values, not all alike, and names are clear.
  Design(const char* call, const Process& first, const Process& second, const std::vector<std::string>& equal,
         std::size_t rows, std::size_t parameters);

  /// Of the coefficients.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::span<const Term> first() const { return {terms_.data(), firsts_}; }
  [[nodiscard]] std::span<const Term> second() const {
    return {terms_.data() + firsts_, terms_.size() - firsts_};
  }
  /// By the covariates of two rows: below, equal to or above 0.
  [[nodiscard]] int compare(std::size_t a, std::size_t b) const;

  static std::vector<double> coefficients(std::span<const Term> terms, std::span<const double> estimates);

 private:
  std::vector<Term> terms_;  ///< of the first process, then of the second
  std::size_t firsts_ = 0;
  std::vector<std::string> names_;
};

/// Value, gradient and (for order 2) Hessian by all parameters, for sums.
struct Total {
  double value = 0;
  Eigen::VectorXd gradient;
  Eigen::MatrixXd hessian;

  explicit Total(Eigen::Index size, int order = 2) : gradient(Eigen::VectorXd::Zero(size)) {
    if (order == 2) hessian = Eigen::MatrixXd::Zero(size, size);
  }
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
template <int order = 2, class Add>
Total total_over(std::size_t n, std::size_t block, Eigen::Index size, const Execution& execution,
                 const Add& add) {
  std::vector<Total> parts((n + block - 1) / block, Total(size, order));
  for_rows(n, block, execution,
           [&](std::size_t first, std::size_t last) { add(first, last, parts[first / block]); });
  Total total(size, order);
  for (const Total& part : parts) total.add(part);
  return total;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
