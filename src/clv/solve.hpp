// What all fits share once their likelihood is written: the search, and what can be said about its result.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "likelihood.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/optimize.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// ln L and its derivatives by the logarithms of the parameters, and by the coefficients as they are.
using LogLikelihood = std::function<optimize::Point(std::span<const double> log_parameters)>;

struct Problem {
  const char* call = "";
  std::vector<std::string> names;
  std::vector<double> units;  ///< of each parameter: 1, the mean T, the mean spend
  std::vector<double> start;
  std::size_t coefficients =
      0;  ///< so many names come after those with a start: coefficients, which start at 0
  double n = 0;
  std::size_t distinct_rows = 0;
  LogLikelihood log_likelihood;  ///< with both derivatives
  LogLikelihood slopes;          ///< with the first alone, for draws; the same to the bit

  /// Both, from `likelihood(Order<1 or 2>, parameters)`.
  template <class Likelihood>
  void ask(const Likelihood& likelihood) {
    log_likelihood = [likelihood](std::span<const double> at) { return likelihood(Order<2>(), at); };
    slopes = [likelihood](std::span<const double> at) { return likelihood(Order<1>(), at); };
  }
};

template <std::size_t N, int O>
optimize::Point point_of(const Jet<N, O>& jet) {
  optimize::Point point{jet.value, {jet.gradient.begin(), jet.gradient.end()}, {}};
  if constexpr (O == 2) {
    point.hessian.resize(N * N);
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t j = 0; j < N; ++j) point.hessian[i * N + j] = jet.second(i, j);
  }
  return point;
}

/// A customer may leave after each repeat purchase, or with `at_first` after the first purchase as well;
/// purchases are every k-th event.
struct Kind {
  int k = 1;
  bool at_first = false;
};
template <int O>
Jet<4, O> beta_geometric(const Population& population, Kind kind, const Execution& execution,
                         std::span<const double> logs);
Problem beta_geometric_problem(const char* call, const Population& population, int k = 1);

template <int O>
Jet<4, O> pareto(const Population& population, const Execution& execution, std::span<const double> logs);
Problem pareto_problem(const Population& population);
FitSummary fit_pareto(const Population& population, const FitOptions& options);

template <int O>
Jet<5, O> ggompertz(const Population& population, const Execution& execution, std::span<const double> logs);
Problem ggompertz_problem(const Population& population, const FitOptions& options);
/// b → 0, where Pareto/NBD is the limit.
void note_gompertz(FitSummary& summary, double mean_time);

/// The execution of one evaluation: progress is told by the search.
inline Execution silent(Execution execution) {
  execution.progress = {};
  return execution;
}

/// Finds the maximum, covariance, profiles, and notes on ridges; notes of the single model come after.
FitSummary solve(const Problem& problem, const FitOptions& options);

/// "1.23", four significant digits.
std::string number(double value);

/// Something is believed before the data, so there is an answer without any.
inline bool has_priors(const FitOptions& options) {
  return options.l2 > 0 || !options.priors.empty() || options.posterior;
}

/// Notes that hold for every model of purchases.
void note_customers(FitSummary& summary, const Population& population, const FitOptions& options);

/// A shape and a rate that run to infinity together: all customers are alike.
void note_homogeneous(FitSummary& summary, std::size_t shape, std::size_t rate, const std::string& what);

/// The ends of a Beta(a, b) dropout: nobody leaves, all with one probability, at once or never.
void note_dropout(FitSummary& summary, std::size_t a, std::size_t b);

/// The model whose fields are the estimates.
template <class Model, std::size_t N>
Fit<Model> with_model(FitSummary summary) {
  const auto make = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return Model{summary.estimates[I]...};
  };
  const Model model = make(std::make_index_sequence<N>());
  return {std::move(summary), model};
}

/// Start of r and alpha: the negative binomial with the mean and variance of x.
std::array<double, 2> purchase_moments(const Population& population);

}  // namespace clv
}  // namespace v0
}  // namespace salesops
