// What all fits share once their likelihood is written: the search, and what can be said about its result.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "likelihood.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/optimize.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// ln L and its first two derivatives by the logarithms of the parameters.
using LogLikelihood = std::function<optimize::Point(std::span<const double> log_parameters)>;

struct Problem {
  const char* call = "";
  std::vector<std::string> names;
  std::vector<double> units;  ///< of each parameter: 1, the mean T, the mean spend
  std::vector<double> start;
  double n = 0;
  std::size_t distinct_rows = 0;
  LogLikelihood log_likelihood;
};

template <std::size_t N>
optimize::Point point_of(const Jet<N>& jet) {
  optimize::Point point{jet.value, {jet.gradient.begin(), jet.gradient.end()}, std::vector<double>(N * N)};
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) point.hessian[i * N + j] = jet.second(i, j);
  return point;
}

/// Finds the maximum, covariance, profiles, and notes on ridges; notes of the single model come after.
FitSummary solve(const Problem& problem, const FitOptions& options);

/// "1.23", four significant digits.
std::string number(double value);

/// Notes that hold for every model of purchases.
void note_customers(FitSummary& summary, const Population& population);

/// A shape and a rate that run to infinity together: all customers are alike.
void note_homogeneous(FitSummary& summary, std::size_t shape, std::size_t rate, const std::string& what);

/// The ends of a Beta(a, b) dropout: nobody leaves, all with one probability, at once or never.
void note_dropout(FitSummary& summary, std::size_t a, std::size_t b);

template <class Model, std::size_t N>
Fit<Model> with_model(FitSummary summary, Model (*make)(const std::array<double, N>&)) {
  std::array<double, N> values{};
  std::copy(summary.estimates.begin(), summary.estimates.end(), values.begin());
  return {std::move(summary), make(values)};
}

/// Start of r and alpha: the negative binomial with the mean and variance of x.
std::array<double, 2> purchase_moments(const Population& population);

}  // namespace clv
}  // namespace v0
}  // namespace salesops
