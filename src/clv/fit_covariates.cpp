// Models whose parameters depend on what else is known of a customer. In logarithms they do so linearly, so a
// likelihood of the plain model at the customer's own logarithms, mapped back, has exact derivatives as well.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "design.hpp"
#include "salesops/error.hpp"
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Evaluation = Jet<4> (*)(const Population&, const Execution&, std::span<const double>);

/// How a process moves with its covariates: ln of parameter `first` (and `second`) by sign·γ'z.
struct Response {
  Index first;
  Index second;
  double sign;
};

/// Customers of equal covariates.
struct Group {
  Population population;
  MatrixXd map;  ///< of all parameters to the four logarithms of the group
};

Population part(const RfmView& view, std::span<const std::size_t> rows) {
  std::array<std::vector<double>, 4> columns;
  for (const std::size_t row : rows) {
    columns[0].push_back(view.x[row]);
    columns[1].push_back(view.t_x[row]);
    columns[2].push_back(view.T[row]);
    if (!view.weights.empty()) columns[3].push_back(view.weights[row]);
  }
  return population_of({columns[0], columns[1], columns[2], columns[3]}, {});
}

MatrixXd map_of(const Design& design, Response dropout, std::size_t row) {
  MatrixXd map = MatrixXd::Identity(4, static_cast<Index>(4 + design.names().size()));
  const auto add = [&](std::span<const Term> terms, Response response) {
    for (const Term& term : terms) {
      const double z = response.sign * term.values[row];
      const auto column = static_cast<Index>(term.position);
      map(response.first, column) += z;
      if (response.second != response.first) map(response.second, column) += z;
    }
  };
  add(design.transaction(), {1, 1, -1});
  add(design.dropout(), dropout);
  return map;
}

/// Customers by equal covariates, in order of their values.
std::vector<Group> groups_of(const RfmView& view, const Design& design, Response dropout) {
  std::vector<std::size_t> order(view.x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return design.compare(a, b) < 0; });
  std::vector<Group> groups;
  for (std::size_t first = 0, next = 0; first < order.size(); first = next) {
    while (next < order.size() && design.compare(order[first], order[next]) == 0) ++next;
    groups.push_back(
        {part(view, {order.data() + first, next - first}), map_of(design, dropout, order[first])});
  }
  return groups;
}

/// Adds a jet of the four logarithms of a group.
void add_mapped(Total& total, const Jet<4>& jet, const MatrixXd& map) {
  VectorXd slope(4);
  MatrixXd bend(4, 4);
  for (Index i = 0; i < 4; ++i) {
    slope[i] = jet.gradient[static_cast<std::size_t>(i)];
    for (Index j = 0; j < 4; ++j)
      bend(i, j) = jet.second(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
  }
  total.value += jet.value;
  total.gradient += map.transpose() * slope;
  total.hessian += map.transpose() * bend * map;
}

/// Many small groups run side by side; few large ones use the threads inside.
optimize::Point evaluate(const std::vector<Group>& groups, Evaluation evaluation, const Execution& execution,
                         std::span<const double> parameters) {
  constexpr std::size_t few = 64;
  constexpr std::size_t block = 16;
  const auto size = static_cast<Index>(parameters.size());
  const Eigen::Map<const VectorXd> at(parameters.data(), size);
  const auto add = [&](Total& total, const Group& group, const Execution& inner) {
    const VectorXd logs = group.map * at;
    add_mapped(total, evaluation(group.population, inner, {logs.data(), 4}), group.map);
  };
  if (groups.size() > few) {
    Execution alone = execution;
    alone.threads = 1;
    const auto add_block = [&](std::size_t first, std::size_t last, Total& part) {
      for (std::size_t i = first; i < last; ++i) add(part, groups[i], alone);
    };
    return total_over(groups.size(), block, size, execution, add_block).point();
  }
  Total total(size);
  for (const Group& group : groups) add(total, group, execution);
  return total.point();
}

template <class Model>
CovariateFit<Model> fit(const RfmView& customers, const Covariates& covariates, const FitOptions& options,
                        Problem problem, const Population& population, Response dropout,
                        Evaluation evaluation) {
  const Design design(problem.call, covariates, customers.x.size());
  const std::vector<Group> groups = groups_of(customers, design, dropout);
  problem.names.insert(problem.names.end(), design.names().begin(), design.names().end());
  problem.coefficients = design.names().size();
  problem.distinct_rows = 0;
  for (const Group& group : groups) problem.distinct_rows += group.population.rows.size();
  problem.log_likelihood = [&, execution = silent(options.execution)](std::span<const double> parameters) {
    return evaluate(groups, evaluation, execution, parameters);
  };
  FitSummary summary = solve(problem, options);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "customers of equal covariates buy at one rate");
  if (summary.parameters[2] == "s")
    note_homogeneous(summary, 2, 3, "customers of equal covariates leave at one rate");
  else
    note_dropout(summary, 2, 3);
  std::vector<double> transaction = Design::coefficients(design.transaction(), summary.estimates);
  std::vector<double> leaving = Design::coefficients(design.dropout(), summary.estimates);
  Fit<Model> plain = with_model<Model, 4>(std::move(summary));
  return {std::move(static_cast<FitSummary&>(plain)), plain.model, std::move(transaction),
          std::move(leaving)};
}

/// γ'z.
double effect(const std::vector<double>& gamma, std::span<const double> z, const char* process) {
  if (z.size() != gamma.size())
    throw UsageError(std::string("model_of: ") + process + " has " + std::to_string(gamma.size()) +
                     " covariates, got " + std::to_string(z.size()));
  return std::inner_product(z.begin(), z.end(), gamma.begin(), 0.0);
}

template <class Model>
Model beta_geometric_of(const CovariateFit<Model>& fit, std::span<const double> z_transaction,
                        std::span<const double> z_dropout) {
  const double spread = std::exp(effect(fit.dropout, z_dropout, "dropout"));
  return {fit.model.r, fit.model.alpha * std::exp(-effect(fit.transaction, z_transaction, "transaction")),
          fit.model.a * spread, fit.model.b * spread};
}

template <bool at_first>
Jet<4> plain_beta_geometric(const Population& population, const Execution& execution,
                            std::span<const double> logs) {
  return beta_geometric(population, {1, at_first}, execution, logs);
}

}  // namespace

template <>
BGNBD CovariateFit<BGNBD>::model_of(std::span<const double> z_transaction,
                                    std::span<const double> z_dropout) const {
  return beta_geometric_of(*this, z_transaction, z_dropout);
}
template <>
MBGNBD CovariateFit<MBGNBD>::model_of(std::span<const double> z_transaction,
                                      std::span<const double> z_dropout) const {
  return beta_geometric_of(*this, z_transaction, z_dropout);
}
template <>
ParetoNBD CovariateFit<ParetoNBD>::model_of(std::span<const double> z_transaction,
                                            std::span<const double> z_dropout) const {
  return {model.r, model.alpha * std::exp(-effect(transaction, z_transaction, "transaction")), model.s,
          model.beta * std::exp(-effect(dropout, z_dropout, "dropout"))};
}

CovariateFit<BGNBD> fit_bg_nbd(const RfmView& customers, const Covariates& covariates,
                               const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  return fit<BGNBD>(customers, covariates, options, beta_geometric_problem("fit_bg_nbd", population),
                    population, {2, 3, 1}, plain_beta_geometric<false>);
}
CovariateFit<MBGNBD> fit_mbg_nbd(const RfmView& customers, const Covariates& covariates,
                                 const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  return fit<MBGNBD>(customers, covariates, options, beta_geometric_problem("fit_mbg_nbd", population),
                     population, {2, 3, 1}, plain_beta_geometric<true>);
}
CovariateFit<ParetoNBD> fit_pareto_nbd(const RfmView& customers, const Covariates& covariates,
                                       const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  return fit<ParetoNBD>(customers, covariates, options, pareto_problem(population), population, {3, 3, -1},
                        pareto);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
