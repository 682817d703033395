/// @file kernels.hpp
/// Sums over rows of numbers, four columns at a time: rows are padded with zeros to a multiple of four.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <vector>

namespace salesops {
inline namespace v0 {
namespace survival {

inline constexpr std::size_t lanes = 4;
inline std::size_t padded(std::size_t columns) { return (columns + lanes - 1) / lanes * lanes; }

/// Σ term(i) over i < n, the same wherever in memory the numbers lie.
template <class Term>
double sum_of(std::size_t n, const Term& term) {
  double sums[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (std::size_t k = 0; k < lanes; ++k) sums[k] += term(i + k);
  for (; i < n; ++i) sums[0] += term(i);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// a·b.
inline double dot(const double* a, const double* b, std::size_t width) {
  double sums[lanes] = {};
  for (std::size_t j = 0; j < width; j += lanes)
    for (std::size_t k = 0; k < lanes; ++k) sums[k] += a[j + k] * b[j + k];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// into += factor·x.
inline void add(double* __restrict into, double factor, const double* x, std::size_t width) {
  for (std::size_t j = 0; j < width; j += lanes)
    for (std::size_t k = 0; k < lanes; ++k) into[j + k] += factor * x[j + k];
}

/// into += Σ weight·x over rows that lie one after another; two sums, so that none waits for the other.
inline void add_rows(double* into, const double* x, const double* weight, std::size_t rows,
                     std::size_t width) {
  for (std::size_t j = 0; j < width; j += lanes) {
    double even[lanes] = {}, odd[lanes] = {};
    std::size_t i = 0;
    for (; i + 2 <= rows; i += 2)
      for (std::size_t k = 0; k < lanes; ++k) {
        even[k] += weight[i] * x[i * width + j + k];
        odd[k] += weight[i + 1] * x[(i + 1) * width + j + k];
      }
    for (std::size_t k = 0; k < lanes; ++k) {
      if (i < rows) even[k] += weight[i] * x[i * width + j + k];
      into[j + k] += even[k] + odd[k];
    }
  }
}

/// Σ weight·x·xᵀ over many rows x.
class Squares {
 public:
  explicit Squares(std::size_t width) : width_(width), sum_(width * width, 0) {}

  /// Adds rows that lie one after another.
  void add(const double* x, const double* weight, std::size_t rows) {
    // As many rows at a time as stay in the nearest cache while all tiles go over them.
    const std::size_t part = std::max<std::size_t>(16, 2048 / width_);
    for (std::size_t first = 0; first < rows; first += part)
      for (std::size_t a = 0; a < width_; a += lanes)
        for (std::size_t b = a; b < width_; b += lanes)
          add_tile(x + first * width_, weight + first, std::min(part, rows - first), a, b);
  }
  /// Adds one row, which is kept until there are many.
  void push(double weight, const double* x) {
    if (weights_.size() == kept) flush();
    rows_.insert(rows_.end(), x, x + width_);
    weights_.push_back(weight);
  }
  /// The sum, of the first `columns`.
  Eigen::MatrixXd sum(std::size_t columns) {
    flush();
    const auto p = static_cast<Eigen::Index>(columns);
    Eigen::MatrixXd all(p, p);
    for (Eigen::Index a = 0; a < p; ++a)
      for (Eigen::Index b = a; b < p; ++b)
        all(a, b) = all(b, a) = sum_[static_cast<std::size_t>(a) * width_ + static_cast<std::size_t>(b)];
    return all;
  }

 private:
  static constexpr std::size_t kept = 256;

  void flush() {
    add(rows_.data(), weights_.data(), weights_.size());
    rows_.clear();
    weights_.clear();
  }
  void add_tile(const double* x, const double* weight, std::size_t rows, std::size_t a, std::size_t b) {
    double tile[lanes][lanes] = {};
    for (std::size_t i = 0; i < rows; ++i) {
      const double* row = x + i * width_;
      for (std::size_t k = 0; k < lanes; ++k) {
        const double scaled = weight[i] * row[a + k];
        for (std::size_t l = 0; l < lanes; ++l) tile[k][l] += scaled * row[b + l];
      }
    }
    for (std::size_t k = 0; k < lanes; ++k)
      for (std::size_t l = 0; l < lanes; ++l) sum_[(a + k) * width_ + b + l] += tile[k][l];
  }

  std::size_t width_;
  std::vector<double> sum_;  ///< of tiles on the diagonal and right of it
  std::vector<double> rows_, weights_;
};

}  // namespace survival
}  // namespace v0
}  // namespace salesops
