#include "linear.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

namespace salesops {
inline namespace v0 {
namespace linear {

using Eigen::MatrixXd;
using Eigen::VectorXd;

Spectrum::Spectrum(const MatrixXd& symmetric) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(symmetric);
  values_ = solver.eigenvalues();
  vectors_ = solver.eigenvectors();
}

VectorXd solve(const MatrixXd& symmetric, const VectorXd& right) { return symmetric.ldlt().solve(right); }
MatrixXd solve(const MatrixXd& symmetric, const MatrixXd& right) { return symmetric.ldlt().solve(right); }
MatrixXd inverse(const MatrixXd& symmetric) {
  return solve(symmetric, MatrixXd(MatrixXd::Identity(symmetric.rows(), symmetric.cols())));
}

VectorXd least_squares(const MatrixXd& symmetric, const VectorXd& right, std::optional<double> threshold) {
  auto solver = symmetric.completeOrthogonalDecomposition();
  if (threshold) solver.setThreshold(*threshold);
  return solver.solve(right);
}

std::optional<MatrixXd> cholesky(const MatrixXd& symmetric) {
  const Eigen::LLT<MatrixXd> factor(symmetric);
  if (factor.info() != Eigen::Success) return {};
  return MatrixXd(factor.matrixL());
}

}  // namespace linear
}  // namespace v0
}  // namespace salesops
