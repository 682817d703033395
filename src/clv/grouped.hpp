// Models whose parameters depend on what else is known of a customer. In logarithms they do so linearly, so a
// likelihood of the plain model at the customer's own logarithms, mapped back, has exact derivatives as well.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "design.hpp"
#include "salesops/error.hpp"
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// How a process moves with its covariates: ln of these parameters by sign·γ'z.
struct Response {
  std::vector<Eigen::Index> parameters = {};
  double sign = 1;
};

/// Customers of equal covariates.
template <class Data>
struct Group {
  Data data;
  Eigen::MatrixXd map;  ///< of all parameters to the logarithms of the group
};

/// The rows of equal covariates, in order of their values: `Data` of `data(rows)` each.
template <class Data, class MakeData>
std::vector<Group<Data>> groups_of(const Design& design, std::size_t rows, std::size_t parameters,
                                   const Response& first, const Response& second, const MakeData& data) {
  using Eigen::Index;
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return design.compare(a, b) < 0; });
  std::vector<Group<Data>> groups;
  for (std::size_t begin = 0, end = 0; begin < rows; begin = end) {
    while (end < rows && design.compare(order[begin], order[end]) == 0) ++end;
    const auto own = static_cast<Index>(parameters);
    const auto all = own + static_cast<Index>(design.names().size());
    Eigen::MatrixXd map = Eigen::MatrixXd::Identity(own, all);
    const auto add = [&](std::span<const Term> terms, const Response& response) {
      for (const Term& term : terms)
        for (const Index parameter : response.parameters)
          map(parameter, static_cast<Index>(term.position)) += response.sign * term.values[order[begin]];
    };
    add(design.first(), first);
    add(design.second(), second);
    groups.push_back({data(std::span<const std::size_t>(order).subspan(begin, end - begin)), std::move(map)});
  }
  return groups;
}

/// Adds a jet of the logarithms of a group.
template <std::size_t N, int O>
void add_mapped(Total& total, const Jet<N, O>& jet, const Eigen::MatrixXd& map) {
  constexpr auto n = static_cast<Eigen::Index>(N);
  total.value += jet.value;
  total.gradient += map.transpose() * Eigen::Map<const Eigen::VectorXd>(jet.gradient.data(), n);
  if constexpr (O == 2) {
    Eigen::MatrixXd bend(n, n);
    for (Eigen::Index i = 0; i < n; ++i)
      for (Eigen::Index j = 0; j < n; ++j)
        bend(i, j) = jet.second(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
    total.hessian += map.transpose() * bend * map;
  }
}

/// Σ over groups of `likelihood(Order<O>, data, execution, logarithms)`. Many small groups run side by side;
/// few large ones use the threads inside.
template <int O, class Data, class Likelihood>
optimize::Point over_groups(const std::vector<Group<Data>>& groups, const Likelihood& likelihood,
                            const Execution& execution, std::span<const double> parameters) {
  constexpr std::size_t few = 64;
  constexpr std::size_t block = 16;
  const auto size = static_cast<Eigen::Index>(parameters.size());
  const Eigen::Map<const Eigen::VectorXd> at(parameters.data(), size);
  const auto add = [&](Total& total, const Group<Data>& group, const Execution& inner) {
    const Eigen::VectorXd logs = group.map * at;
    const std::span<const double> own(logs.data(), static_cast<std::size_t>(logs.size()));
    add_mapped(total, likelihood(Order<O>(), group.data, inner, own), group.map);
  };
  if (groups.size() > few) {
    Execution alone = execution;
    alone.threads = 1;
    const auto add_block = [&](std::size_t first, std::size_t last, Total& part) {
      for (std::size_t i = first; i < last; ++i) add(part, groups[i], alone);
    };
    return total_over<O>(groups.size(), block, size, execution, add_block).point();
  }
  Total total(size, O);
  for (const Group<Data>& group : groups) add(total, group, execution);
  return total.point();
}

/// `problem`, of the customers with z = 0, made that of all groups.
template <class Data, class Likelihood>
void spread_over(Problem& problem, const Design& design, const std::vector<Group<Data>>& groups,
                 const Execution& execution, const Likelihood& likelihood) {
  problem.names.insert(problem.names.end(), design.names().begin(), design.names().end());
  problem.coefficients = design.names().size();
  problem.ask(
      [&groups, likelihood, execution = silent(execution)]<int O>(Order<O>, std::span<const double> at) {
        return over_groups<O>(groups, likelihood, execution, at);
      });
}

/// γ'z.
inline double effect(const std::vector<double>& gamma, std::span<const double> z, const char* process) {
  if (z.size() != gamma.size())
    throw UsageError(std::string("model_of: ") + process + " has " + std::to_string(gamma.size()) +
                     " covariates, got " + std::to_string(z.size()));
  return std::inner_product(z.begin(), z.end(), gamma.begin(), 0.0);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
