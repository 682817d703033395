#include "salesops/clv/simulate.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "live.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

constexpr std::size_t block = 4096;

/// Customers whose rates have factors that change.
struct DynamicPareto {
  ParetoNBD model;
  std::span<const std::size_t> first;
  std::span<const Pace> paces;
};
template <class M>
const M& customer_of(const M& model, std::size_t) {
  return model;
}
DynamicCustomer customer_of(const DynamicPareto& m, std::size_t i) {
  return {m.model, m.paces.subspan(m.first[i], m.first[i + 1] - m.first[i])};
}

random::Stream stream_of(const SimulationOptions& options, std::size_t customer, const char* purpose) {
  const std::uint64_t key = options.keys.empty() ? customer : options.keys[customer];
  return random::Stream(options.seed, key, random::purpose(purpose));
}

void check(std::initializer_list<double> parameters, std::size_t customers,
           const SimulationOptions& options) {
  for (const double parameter : parameters)
    if (!(parameter > 0 && parameter < special::infinity))
      throw UsageError("simulate: the parameters of the model must be finite and above 0");
  if (!options.keys.empty() && options.keys.size() != customers)
    throw UsageError("simulate: keys has " + std::to_string(options.keys.size()) + " entries for " +
                     std::to_string(customers) + " customers");
  if (!(options.horizon >= 0 && options.horizon < special::infinity))
    throw UsageError("simulate: horizon must be finite and at least 0");
}

void check_times(std::span<const double> T, bool whole) {
  for (std::size_t i = 0; i < T.size(); ++i)
    if (!(T[i] >= 0 && T[i] < special::infinity && (!whole || (T[i] == std::floor(T[i]) && T[i] <= 1e7))))
      throw UsageError(
          "simulate: T of customer " + std::to_string(i) +
          (whole ? " is no whole number from 0 to 10,000,000" : " is negative, infinite or NaN"));
}

template <class M>
Simulation crowd(const M& model, std::span<const double> T, const SimulationOptions& options) {
  const std::size_t n = T.size();
  Simulation result;
  result.T.assign(T.begin(), T.end());
  for (auto* column : {&result.x, &result.t_x, &result.sum_log_gaps, &result.future}) column->resize(n);
  result.alive.resize(n);
  result.first.resize(n + 1);
  std::vector<std::vector<double>> parts((n + block - 1) / block);
  for_rows(n, block, options.execution, [&](std::size_t begin, std::size_t end) {
    std::vector<double>& times = parts[begin / block];
    for (std::size_t i = begin; i < end; ++i) {
      random::Stream stream = stream_of(options, i, "clv purchases");
      const std::size_t start = times.size();
      const double leaves = live(customer_of(model, i), T[i] + options.horizon, stream, times);
      result.alive[i] = leaves > T[i] ? 1 : 0;
      result.first[i + 1] = times.size() - start;
      for (std::size_t j = start; j < times.size(); ++j) {
        if (times[j] > T[i]) {
          ++result.future[i];
          continue;
        }
        ++result.x[i];
        result.sum_log_gaps[i] += std::log(times[j] - result.t_x[i]);
        result.t_x[i] = times[j];
      }
    }
  });
  for (std::size_t i = 0; i < n; ++i) result.first[i + 1] += result.first[i];
  result.times.reserve(result.first[n]);
  for (const auto& part : parts) result.times.insert(result.times.end(), part.begin(), part.end());
  return result;
}

/// Survivors of customers who leave at renewal number `fate(stream)`, counted from 1.
template <class Fate>
ContractCohort survivors(std::size_t customers, std::size_t renewals, const SimulationOptions& options,
                         const Fate& fate) {
  std::vector<std::vector<double>> parts((customers + block - 1) / block);
  for_rows(customers, block, options.execution, [&](std::size_t begin, std::size_t end) {
    std::vector<double>& lost = parts[begin / block];
    lost.assign(renewals + 1, 0);
    for (std::size_t i = begin; i < end; ++i) {
      random::Stream stream(options.seed, i, random::purpose("clv contracts"));
      const double at = fate(stream);
      if (at <= static_cast<double>(renewals)) ++lost[static_cast<std::size_t>(at)];
    }
  });
  ContractCohort cohort{std::vector<double>(renewals + 1, static_cast<double>(customers))};
  for (const auto& lost : parts) {
    double gone = 0;
    for (std::size_t t = 0; t <= renewals; ++t) cohort.survivors[t] -= gone += lost[t];
  }
  return cohort;
}

/// The first t with (1−θ)^(t^c) below a uniform number.
double renewal_lost(double theta, double c, random::Stream& stream) {
  const double power = std::log(stream.uniform_open()) / std::log1p(-theta);
  return std::max(1.0, std::ceil(std::pow(power, 1 / c)));
}

}  // namespace

Simulation simulate(const NBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({m.r, m.alpha}, T.size(), options);
  check_times(T, false);
  return crowd(m, T, options);
}
Simulation simulate(const BGNBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({m.r, m.alpha, m.a, m.b}, T.size(), options);
  check_times(T, false);
  return crowd(m, T, options);
}
Simulation simulate(const MBGNBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({m.r, m.alpha, m.a, m.b}, T.size(), options);
  check_times(T, false);
  return crowd(m, T, options);
}
Simulation simulate(const BGCNBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({static_cast<double>(m.k), m.r, m.alpha, m.a, m.b}, T.size(), options);
  check_times(T, false);
  return crowd(m, T, options);
}
Simulation simulate(const MBGCNBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({static_cast<double>(m.k), m.r, m.alpha, m.a, m.b}, T.size(), options);
  check_times(T, false);
  return crowd(m, T, options);
}
Simulation simulate(const ParetoNBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({m.r, m.alpha, m.s, m.beta}, T.size(), options);
  check_times(T, false);
  return crowd(m, T, options);
}
Simulation simulate(const SarmanovParetoNBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({m.r, m.alpha, m.s, m.beta}, T.size(), options);
  if (!detail::valid(m))
    throw UsageError("simulate: m lies outside its bounds, where densities are negative");
  check_times(T, false);
  return crowd(detail::mixture_of(m), T, options);
}
Simulation simulate(const GGompertzNBD& m, std::span<const double> T, const SimulationOptions& options) {
  check({m.r, m.alpha, m.b, m.s, m.beta}, T.size(), options);
  check_times(T, false);
  return crowd(m, T, options);
}
Simulation simulate(const ParetoNBD& m, std::span<const std::size_t> first, std::span<const Pace> paces,
                    std::span<const double> T, const SimulationOptions& options) {
  check({m.r, m.alpha, m.s, m.beta}, T.size(), options);
  check_times(T, false);
  if (first.size() != T.size() + 1 || first.front() != 0 || first.back() != paces.size() ||
      !std::is_sorted(first.begin(), first.end()))
    throw UsageError("simulate: first must begin at 0, rise, and end at the number of paces");
  for (const Pace& pace : paces)
    if (!detail::positive(pace.length, pace.buy, pace.leave))
      throw UsageError("simulate: length and both factors of each pace must be finite and above 0");
  const DynamicPareto model{m, first, paces};
  for (std::size_t i = 0; i < T.size(); ++i)
    if (!detail::for_paces(customer_of(model, i).paces, 0, T[i] + options.horizon,
                           [](const Pace&, double) {}))
      throw UsageError("simulate: the paces of customer " + std::to_string(i) + " end before T + horizon");
  return crowd(model, T, options);
}
Simulation simulate(const BGBB& m, std::span<const double> T, const SimulationOptions& options) {
  check({m.alpha, m.beta, m.gamma, m.delta}, T.size(), options);
  check_times(T, true);
  if (options.horizon != std::floor(options.horizon))
    throw UsageError("simulate: horizon counts opportunities, a whole number");
  return crowd(m, T, options);
}

std::vector<double> simulate_spend(const GammaGamma& m, std::span<const double> x,
                                   const SimulationOptions& options) {
  check({m.p, m.q, m.v}, x.size(), options);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!(x[i] >= 0 && x[i] < special::infinity))
      throw UsageError("simulate_spend: x of customer " + std::to_string(i) +
                       " is negative, infinite or NaN");
  std::vector<double> mean(x.size(), special::not_a_number);
  for_rows(x.size(), block, options.execution, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      random::Stream stream = stream_of(options, i, "clv spend");
      const double nu = stream.gamma(m.q, m.v);
      if (x[i] > 0) mean[i] = stream.gamma(m.p * x[i], nu) / x[i];
    }
  });
  return mean;
}

ContractCohort simulate_contracts(const SBG& m, std::size_t customers, std::size_t renewals,
                                  const SimulationOptions& options) {
  return simulate_contracts(BdW{m.alpha, m.beta, 1}, customers, renewals, options);
}
ContractCohort simulate_contracts(const BdW& m, std::size_t customers, std::size_t renewals,
                                  const SimulationOptions& options) {
  check({m.alpha, m.beta, m.c}, customers, {.execution = options.execution});
  return survivors(customers, renewals, options, [&](random::Stream& stream) {
    return renewal_lost(stream.beta(m.alpha, m.beta), m.c, stream);
  });
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
