// What the library asks of dense symmetric matrices, compiled once: Eigen's decompositions cost every source
// that instantiates them seconds of compile time.
#pragma once

#include <Eigen/Core>
#include <optional>

namespace salesops {
inline namespace v0 {
namespace linear {

/// Eigenvalues of a symmetric matrix in rising order, and its eigenvectors as columns.
class Spectrum {
 public:
  explicit Spectrum(const Eigen::MatrixXd& symmetric);
  [[nodiscard]] const Eigen::VectorXd& eigenvalues() const { return values_; }
  [[nodiscard]] const Eigen::MatrixXd& eigenvectors() const { return vectors_; }

 private:
  Eigen::VectorXd values_;
  Eigen::MatrixXd vectors_;
};

/// M⁻¹ times the right-hand side, M symmetric (LDLᵀ). What M does not know comes out as 0 or not finite.
Eigen::VectorXd solve(const Eigen::MatrixXd& symmetric, const Eigen::VectorXd& right);
Eigen::MatrixXd solve(const Eigen::MatrixXd& symmetric, const Eigen::MatrixXd& right);
Eigen::MatrixXd inverse(const Eigen::MatrixXd& symmetric);

/// The shortest x that brings Mx closest to the right-hand side, where M may be singular; pivots below
/// `threshold` times the largest count as 0 (unless given, rounding decides).
Eigen::VectorXd least_squares(const Eigen::MatrixXd& symmetric, const Eigen::VectorXd& right,
                              std::optional<double> threshold = {});

/// The lower triangle L with M = LLᵀ; nothing unless M is positive definite.
std::optional<Eigen::MatrixXd> cholesky(const Eigen::MatrixXd& symmetric);

}  // namespace linear
}  // namespace v0
}  // namespace salesops
