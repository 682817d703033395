// How a fit is called, and what it is made of.
#pragma once

#include <tuple>

#include "columns.hpp"

namespace salesops_bindings {

/// chains, warmup, draws, acceptance, seed.
using Sampling = std::optional<std::tuple<int, int, int, double, std::uint64_t>>;

inline clv::FitOptions options_of(const std::vector<double>& start,
                                  const std::vector<std::pair<double, double>>& priors, double l2,
                                  double tolerance, int max_iterations, double profile_level,
                                  const Sampling& sampling, const salesops::Execution& execution) {
  clv::FitOptions options;
  options.start = start;
  for (const auto& [median, log_sd] : priors) options.priors.push_back({median, log_sd});
  options.l2 = l2;
  options.tolerance = tolerance;
  options.max_iterations = max_iterations;
  options.profile_level = profile_level;
  if (sampling) {
    const auto [chains, warmup, draws, acceptance, seed] = *sampling;
    options.posterior = {
        .chains = chains, .warmup = warmup, .draws = draws, .acceptance = acceptance, .seed = seed};
  }
  options.execution = execution;
  return options;
}

/// `fit(data, start, priors, l2, tolerance, max_iterations, profile_level, sampling, threads, progress)`
/// gives summary and model.
template <class Data, class Call>
void def_fit(py::module_& word, const char* name, Call call) {
  word.def(
      name,
      [call](const Data& data, const std::vector<double>& start,
             const std::vector<std::pair<double, double>>& priors, double l2, double tolerance,
             int max_iterations, double profile_level, const Sampling& sampling, int threads,
             const py::object& progress) {
        auto fit = interruptible(threads, progress, [&](const salesops::Execution& execution) {
          return call(data, options_of(start, priors, l2, tolerance, max_iterations, profile_level, sampling,
                                       execution));
        });
        return py::make_tuple(static_cast<clv::FitSummary>(fit), fit.model);
      },
      py::arg("data"), py::arg("start"), py::arg("priors"), py::arg("l2"), py::arg("tolerance"),
      py::arg("max_iterations"), py::arg("profile_level"), py::arg("sampling"), py::arg("threads"),
      py::arg("progress"));
}

using Histories = std::tuple<Array, Array, Array, Array, Array>;
using Columns = std::vector<std::pair<std::string, Array>>;

inline std::vector<clv::Covariate> covariates_of(const Columns& columns) {
  std::vector<clv::Covariate> covariates;
  for (const auto& [name, values] : columns) covariates.push_back({name, view(values)});
  return covariates;
}

}  // namespace salesops_bindings
