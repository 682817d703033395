// Models whose parameters depend on what else is known of a customer. In logarithms they do so linearly, so a
// likelihood of the plain model at the customer's own logarithms, mapped back, has exact derivatives as well.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

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
  std::size_t first;
  std::size_t second;
  double sign;
};

/// A covariate in a process, and where its coefficient stands among all parameters.
struct Term {
  const Covariate* covariate;
  Response response;
  std::size_t position;
};

/// Customers of equal covariates.
struct Group {
  Population population;
  MatrixXd map;  ///< of all parameters to the four logarithms of the group
};

class Design {
 public:
  Design(const char* call, const Covariates& covariates, std::size_t rows, Response dropout) : call_(call) {
    for (const std::string& name : covariates.equal)
      if (!has(covariates.transaction, name) || !has(covariates.dropout, name))
        throw UsageError(fault() + "equal names '" + name +
                         "', which is not in both transaction and dropout");
    const auto shared = [&](const std::string& name) {
      return std::find(covariates.equal.begin(), covariates.equal.end(), name) - covariates.equal.begin();
    };
    const auto all_shared = static_cast<std::ptrdiff_t>(covariates.equal.size());
    std::size_t next = 4;
    std::vector<std::size_t> waiting;  // terms whose coefficient is shared
    const auto add = [&](const std::vector<Covariate>& list, Response response, const std::string& process) {
      for (const Covariate& covariate : list) {
        check(covariate, rows);
        if (std::count_if(list.begin(), list.end(), [&](const auto& c) { return c.name == covariate.name; }) >
            1)
          throw UsageError(fault() + "covariate '" + covariate.name + "' stands twice in " + process);
        const std::ptrdiff_t place = shared(covariate.name);
        if (place < all_shared) waiting.push_back(terms_.size());
        terms_.push_back({&covariate, response, place < all_shared ? static_cast<std::size_t>(place) : next});
        if (place == all_shared) names_.push_back(process + "." + covariate.name), ++next;
      }
    };
    add(covariates.transaction, {1, 1, -1}, "transaction");
    add(covariates.dropout, dropout, "dropout");
    for (const std::size_t term : waiting) terms_[term].position += next;
    names_.insert(names_.end(), covariates.equal.begin(), covariates.equal.end());
  }

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  /// Customers by equal covariates, in order of their values.
  [[nodiscard]] std::vector<Group> groups(const RfmView& view) const {
    std::vector<std::size_t> order(view.x.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto compare = [&](std::size_t a, std::size_t b) {
      for (const Term& term : terms_) {
        const auto& values = term.covariate->values;
        if (values[a] != values[b]) return values[a] < values[b] ? -1 : 1;
      }
      return 0;
    };
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return compare(a, b) < 0; });
    std::vector<Group> groups;
    for (std::size_t first = 0, next = 0; first < order.size(); first = next) {
      while (next < order.size() && compare(order[first], order[next]) == 0) ++next;
      groups.push_back({part(view, {order.data() + first, next - first}), map_of(order[first])});
    }
    return groups;
  }

 private:
  [[nodiscard]] std::string fault() const { return std::string(call_) + ": "; }
  static bool has(const std::vector<Covariate>& list, const std::string& name) {
    return std::any_of(list.begin(), list.end(), [&](const Covariate& c) { return c.name == name; });
  }
  void check(const Covariate& covariate, std::size_t rows) const {
    const auto& values = covariate.values;
    const std::string name = "covariate '" + covariate.name + "'";
    if (values.size() != rows)
      throw UsageError(fault() + name + " has " + std::to_string(values.size()) + " rows, x has " +
                       std::to_string(rows) + "; they must be equally long");
    Complaints complaints(call_, rows);
    complaints.check(name + " is infinite or NaN", [&](auto i) { return !std::isfinite(values[i]); });
    complaints.raise();
    if (std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; }))
      throw UsageError(fault() + name +
                       " has one value for all customers, so it tells nothing; leave it out");
  }
  static Population part(const RfmView& view, std::span<const std::size_t> rows) {
    std::array<std::vector<double>, 4> columns;
    for (const std::size_t row : rows) {
      columns[0].push_back(view.x[row]);
      columns[1].push_back(view.t_x[row]);
      columns[2].push_back(view.T[row]);
      if (!view.weights.empty()) columns[3].push_back(view.weights[row]);
    }
    return population_of({columns[0], columns[1], columns[2], columns[3]}, {});
  }
  [[nodiscard]] MatrixXd map_of(std::size_t row) const {
    MatrixXd map = MatrixXd::Identity(4, static_cast<Index>(4 + names_.size()));
    for (const Term& term : terms_) {
      const double z = term.response.sign * term.covariate->values[row];
      const auto column = static_cast<Index>(term.position);
      map(static_cast<Index>(term.response.first), column) += z;
      if (term.response.second != term.response.first)
        map(static_cast<Index>(term.response.second), column) += z;
    }
    return map;
  }

  const char* call_;
  std::vector<Term> terms_;
  std::vector<std::string> names_;
};

/// Value, gradient and Hessian by all parameters, for sums.
struct Total {
  double value = 0;
  VectorXd gradient;
  MatrixXd hessian;

  explicit Total(Index size) : gradient(VectorXd::Zero(size)), hessian(MatrixXd::Zero(size, size)) {}
  void add(const Jet<4>& jet, const MatrixXd& map) {
    VectorXd slope(4);
    MatrixXd bend(4, 4);
    for (Index i = 0; i < 4; ++i) {
      slope[i] = jet.gradient[static_cast<std::size_t>(i)];
      for (Index j = 0; j < 4; ++j)
        bend(i, j) = jet.second(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
    }
    value += jet.value;
    gradient += map.transpose() * slope;
    hessian += map.transpose() * bend * map;
  }
  void add(const Total& other) {
    value += other.value;
    gradient += other.gradient;
    hessian += other.hessian;
  }
};

/// Many small groups run side by side; few large ones use the threads inside.
optimize::Point evaluate(const std::vector<Group>& groups, Evaluation evaluation, const Execution& execution,
                         std::span<const double> parameters) {
  constexpr std::size_t few = 64;
  constexpr std::size_t block = 16;
  const auto size = static_cast<Index>(parameters.size());
  const Eigen::Map<const VectorXd> at(parameters.data(), size);
  const auto add = [&](Total& total, const Group& group, const Execution& inner) {
    const VectorXd logs = group.map * at;
    total.add(evaluation(group.population, inner, {logs.data(), 4}), group.map);
  };
  Total total(size);
  if (groups.size() <= few) {
    for (const Group& group : groups) add(total, group, execution);
  } else {
    Execution alone = execution;
    alone.threads = 1;
    std::vector<Total> parts((groups.size() + block - 1) / block, Total(size));
    for_rows(groups.size(), block, execution, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) add(parts[first / block], groups[i], alone);
    });
    for (const Total& part : parts) total.add(part);
  }
  return {total.value,
          {total.gradient.begin(), total.gradient.end()},
          {total.hessian.data(), total.hessian.data() + total.hessian.size()}};
}

template <class Model>
CovariateFit<Model> fit(const RfmView& customers, const Covariates& covariates, const FitOptions& options,
                        Problem problem, const Population& population, Response dropout,
                        Evaluation evaluation) {
  const Design design(problem.call, covariates, customers.x.size(), dropout);
  const std::vector<Group> groups = design.groups(customers);
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
  const auto coefficients = [&](const std::vector<Covariate>& list, const std::string& process) {
    std::vector<double> gamma;
    for (const Covariate& covariate : list) {
      const auto& names = summary.parameters;
      auto place = std::find(names.begin() + 4, names.end(), process + "." + covariate.name);
      if (place == names.end()) place = std::find(names.begin() + 4, names.end(), covariate.name);
      gamma.push_back(summary.estimates[static_cast<std::size_t>(place - names.begin())]);
    }
    return gamma;
  };
  std::vector<double> transaction = coefficients(covariates.transaction, "transaction");
  std::vector<double> leaving = coefficients(covariates.dropout, "dropout");
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
