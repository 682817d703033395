// Models of purchases whose parameters depend on what else is known of a customer.
#include <cmath>

#include "grouped.hpp"
#include "salesops/clv/parameters.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

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

/// `dropout` says which parameters leaving moves; `note` adds what holds for the model alone.
template <class Model, class Likelihood, class Note>
CovariateFit<Model> fit(const RfmView& customers, const Covariates& covariates, const FitOptions& options,
                        Problem problem, const Population& population, const Response& dropout,
                        const Likelihood& likelihood, const Note& note) {
  constexpr std::size_t own = parameters<Model>.size();
  const Design design(problem.call, {"transaction", covariates.transaction}, {"dropout", covariates.dropout},
                      covariates.equal, customers.x.size(), own);
  const auto groups = groups_of<Population>(design, customers.x.size(), own, {{1}, -1}, dropout,
                                            [&](auto rows) { return part(customers, rows); });
  problem.distinct_rows = 0;
  for (const auto& group : groups) problem.distinct_rows += group.data.rows.size();
  spread_over(problem, design, groups, options.execution, likelihood);
  FitSummary summary = solve(problem, options);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "customers of equal covariates buy at one rate");
  note(summary);
  std::vector<double> transaction = Design::coefficients(design.first(), summary.estimates);
  std::vector<double> leaving = Design::coefficients(design.second(), summary.estimates);
  Fit<Model> plain = with_model<Model, own>(std::move(summary));
  return {std::move(static_cast<FitSummary&>(plain)), plain.model, std::move(transaction),
          std::move(leaving)};
}

template <class Model, bool at_first>
CovariateFit<Model> fit_beta_geometric(const char* call, const RfmView& customers,
                                       const Covariates& covariates, const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  const auto likelihood = []<int O>(Order<O>, const Population& group, const Execution& execution,
                                    std::span<const double> logs) {
    return beta_geometric<O>(group, {1, at_first}, execution, logs);
  };
  return fit<Model>(customers, covariates, options, beta_geometric_problem(call, population), population,
                    {{2, 3}, 1}, likelihood, [](FitSummary& summary) { note_dropout(summary, 2, 3); });
}

template <class Model>
Model beta_geometric_of(const CovariateFit<Model>& fit, std::span<const double> z_transaction,
                        std::span<const double> z_dropout) {
  const double spread = std::exp(effect(fit.dropout, z_dropout, "dropout"));
  return {fit.model.r, fit.model.alpha * std::exp(-effect(fit.transaction, z_transaction, "transaction")),
          fit.model.a * spread, fit.model.b * spread};
}

/// Models whose alpha and beta move.
template <class Model>
Model moved(const CovariateFit<Model>& fit, std::span<const double> z_transaction,
            std::span<const double> z_dropout) {
  Model model = fit.model;
  model.alpha *= std::exp(-effect(fit.transaction, z_transaction, "transaction"));
  model.beta *= std::exp(-effect(fit.dropout, z_dropout, "dropout"));
  return model;
}

}  // namespace

using Values = std::span<const double>;
template <>
BGNBD CovariateFit<BGNBD>::model_of(Values z_transaction, Values z_dropout) const {
  return beta_geometric_of(*this, z_transaction, z_dropout);
}
template <>
MBGNBD CovariateFit<MBGNBD>::model_of(Values z_transaction, Values z_dropout) const {
  return beta_geometric_of(*this, z_transaction, z_dropout);
}
template <>
ParetoNBD CovariateFit<ParetoNBD>::model_of(Values z_transaction, Values z_dropout) const {
  return moved(*this, z_transaction, z_dropout);
}
template <>
GGompertzNBD CovariateFit<GGompertzNBD>::model_of(Values z_transaction, Values z_dropout) const {
  return moved(*this, z_transaction, z_dropout);
}

CovariateFit<BGNBD> fit_bg_nbd(const RfmView& customers, const Covariates& covariates,
                               const FitOptions& options) {
  return fit_beta_geometric<BGNBD, false>("fit_bg_nbd", customers, covariates, options);
}
CovariateFit<MBGNBD> fit_mbg_nbd(const RfmView& customers, const Covariates& covariates,
                                 const FitOptions& options) {
  return fit_beta_geometric<MBGNBD, true>("fit_mbg_nbd", customers, covariates, options);
}
CovariateFit<ParetoNBD> fit_pareto_nbd(const RfmView& customers, const Covariates& covariates,
                                       const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  const auto likelihood = []<int O>(Order<O>, const Population& group, const Execution& execution,
                                    std::span<const double> logs) {
    return pareto<O>(group, execution, logs);
  };
  return fit<ParetoNBD>(customers, covariates, options, pareto_problem(population), population, {{3}, -1},
                        likelihood, [](FitSummary& summary) {
                          note_homogeneous(summary, 2, 3, "customers of equal covariates leave at one rate");
                        });
}
CovariateFit<GGompertzNBD> fit_ggompertz_nbd(const RfmView& customers, const Covariates& covariates,
                                             const FitOptions& options) {
  const Population population = population_of(customers, options.execution);
  const auto likelihood = []<int O>(Order<O>, const Population& group, const Execution& execution,
                                    std::span<const double> logs) {
    return ggompertz<O>(group, execution, logs);
  };
  return fit<GGompertzNBD>(customers, covariates, options, ggompertz_problem(population, options), population,
                           {{4}, -1}, likelihood, [&](FitSummary& summary) {
                             note_gompertz(summary, population.mean_time());
                             note_homogeneous(summary, 3, 4,
                                              "customers of equal covariates have one Gompertz risk");
                           });
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
