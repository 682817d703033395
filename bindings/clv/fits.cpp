// Fits, and what they leave behind.
#include "fits.hpp"

namespace salesops_bindings {

namespace {

using Spends = std::tuple<Array, Array, Array>;
using Cohorts = std::vector<std::pair<std::vector<double>, std::size_t>>;

/// Histories, the columns that move the purchase rate and leaving, and the names in both that are one.
using Explained = std::tuple<Histories, Columns, Columns, std::vector<std::string>>;

template <class Call>
void def_fit_purchases(py::module_& word, const char* name, Call call) {
  def_fit<Histories>(word, name, [call](const Histories& data, const clv::FitOptions& options) {
    return std::apply([&](const auto&... columns) { return call(view_of(columns...), options); }, data);
  });
}

template <class Call>
void def_fit_cnbd(py::module_& word, const char* name, Call call) {
  def_fit<std::pair<Histories, int>>(word, name, [call](const auto& data, const clv::FitOptions& options) {
    const auto customers = std::apply([](const auto&... columns) { return view_of(columns...); }, data.first);
    return call(customers, data.second, options);
  });
}

template <class Call>
void def_fit_covariates(py::module_& word, const char* name, Call call) {
  def_fit<Explained>(word, name, [call](const Explained& data, const clv::FitOptions& options) {
    const auto& [histories, transaction, lifetime, equal] = data;
    const auto customers = std::apply([](const auto&... columns) { return view_of(columns...); }, histories);
    return call(customers, clv::Covariates{covariates_of(transaction), covariates_of(lifetime), equal},
                options);
  });
}

std::vector<clv::ContractCohort> cohorts_of(const Cohorts& data) {
  std::vector<clv::ContractCohort> cohorts;
  for (const auto& [survivors, first] : data) cohorts.push_back({survivors, first});
  return cohorts;
}

template <class Call>
void def_fit_contracts(py::module_& word, const char* name, Call call) {
  def_fit<Cohorts>(word, name, [call](const Cohorts& data, const clv::FitOptions& options) {
    return call(cohorts_of(data), options);
  });
}

template <class Call>
void def_fit_explained_contracts(py::module_& word, const char* name, Call call) {
  using Data = std::tuple<Cohorts, Columns, Columns, std::vector<std::string>>;
  def_fit<Data>(word, name, [call](const Data& data, const clv::FitOptions& options) {
    const auto& [cohorts, alpha, beta, equal] = data;
    return call(cohorts_of(cohorts),
                clv::ContractCovariates{covariates_of(alpha), covariates_of(beta), equal}, options);
  });
}

clv::SpendView spends_of(const Spends& data) {
  const auto& [x, mean_spend, weights] = data;
  return {.x = view(x), .mean_spend = view(mean_spend), .weights = view(weights)};
}

/// None, or draws (chain, draw, parameter), the diagnosis of each parameter, divergences, trajectories cut
/// short, acceptance.
py::object posterior_of(const clv::FitSummary& summary) {
  if (!summary.posterior) return py::none();
  const auto& draws = summary.posterior->draws;
  const std::array<std::size_t, 3> shape{draws.chains, draws.draws, draws.dimensions};
  py::list diagnoses;
  for (const auto& one : summary.posterior->parameters)
    diagnoses.append(
        py::make_tuple(one.mean, one.sd, one.standard_error, one.r_hat, one.ess_bulk, one.ess_tail));
  return py::make_tuple(py::array_t<double>(shape, draws.values.data()), diagnoses, draws.divergences,
                        draws.cut_short, draws.acceptance);
}

}  // namespace

void bind_clv_fits(py::module_& word) {
  using Summary = clv::FitSummary;
  py::class_<Summary> type(word, "FitSummary", "Estimates, how sure they are, and what the data can't tell.");
  type.def_readonly("parameters", &Summary::parameters)
      .def_readonly("estimates", &Summary::estimates)
      .def_readonly("coefficients", &Summary::coefficients)
      .def_readonly("log_likelihood", &Summary::log_likelihood)
      .def_readonly("covariance", &Summary::covariance)
      .def_readonly("identified_covariance", &Summary::identified_covariance)
      .def_readonly("standard_errors", &Summary::standard_errors)
      .def_readonly("correlation", &Summary::correlation)
      .def_property_readonly("profile",
                             [](const Summary& summary) {
                               std::vector<std::pair<double, double>> ends;
                               for (const auto& one : summary.profile) ends.emplace_back(one.low, one.high);
                               return ends;
                             })
      .def_property_readonly("posterior", &posterior_of)
      .def_readonly("n", &Summary::n)
      .def_readonly("distinct_rows", &Summary::distinct_rows)
      .def_readonly("iterations", &Summary::iterations)
      .def_readonly("converged", &Summary::converged)
      .def_readonly("reason", &Summary::reason)
      .def_readonly("notes", &Summary::notes)
      .def_property_readonly("aic", &Summary::aic)
      .def_property_readonly("bic", &Summary::bic);

  using View = const clv::RfmView&;
  using Options = const clv::FitOptions&;
  def_fit_purchases(word, "fit_nbd", [](View v, Options o) { return clv::fit_nbd(v, o); });
  def_fit_purchases(word, "fit_bg_nbd", [](View v, Options o) { return clv::fit_bg_nbd(v, o); });
  def_fit_purchases(word, "fit_mbg_nbd", [](View v, Options o) { return clv::fit_mbg_nbd(v, o); });
  def_fit_purchases(word, "fit_pareto_nbd", [](View v, Options o) { return clv::fit_pareto_nbd(v, o); });
  def_fit_purchases(word, "fit_sarmanov_pareto_nbd",
                    [](View v, Options o) { return clv::fit_sarmanov_pareto_nbd(v, o); });
  def_fit_purchases(word, "fit_ggompertz_nbd",
                    [](View v, Options o) { return clv::fit_ggompertz_nbd(v, o); });
  def_fit_purchases(word, "fit_bg_bb", [](View v, Options o) { return clv::fit_bg_bb(v, o); });
  def_fit_cnbd(word, "fit_bg_cnbd", [](View v, int k, Options o) {
    return k == 0 ? clv::fit_bg_cnbd(v, o) : clv::fit_bg_cnbd(v, k, o);
  });
  def_fit_cnbd(word, "fit_mbg_cnbd", [](View v, int k, Options o) {
    return k == 0 ? clv::fit_mbg_cnbd(v, o) : clv::fit_mbg_cnbd(v, k, o);
  });
  using With = const clv::Covariates&;
  def_fit_covariates(word, "fit_bg_nbd_covariates",
                     [](View v, With c, Options o) { return clv::fit_bg_nbd(v, c, o); });
  def_fit_covariates(word, "fit_mbg_nbd_covariates",
                     [](View v, With c, Options o) { return clv::fit_mbg_nbd(v, c, o); });
  def_fit_covariates(word, "fit_pareto_nbd_covariates",
                     [](View v, With c, Options o) { return clv::fit_pareto_nbd(v, c, o); });
  def_fit_covariates(word, "fit_ggompertz_nbd_covariates",
                     [](View v, With c, Options o) { return clv::fit_ggompertz_nbd(v, c, o); });
  def_fit<Spends>(word, "fit_gamma_gamma",
                  [](const Spends& data, Options o) { return clv::fit_gamma_gamma(spends_of(data), o); });
  def_fit<std::pair<Spends, Columns>>(
      word, "fit_gamma_gamma_covariates", [](const std::pair<Spends, Columns>& data, Options o) {
        return clv::fit_gamma_gamma(spends_of(data.first), covariates_of(data.second), o);
      });
  word.def(
      "likelihood_ratio_test",
      [](std::size_t fewer, double smaller, std::size_t more, double larger) {
        const auto summary = [](std::size_t parameters, double log_likelihood) {
          Summary of;
          of.parameters.resize(parameters);
          of.log_likelihood = log_likelihood;
          return of;
        };
        const auto test = clv::likelihood_ratio_test(summary(fewer, smaller), summary(more, larger));
        return std::make_tuple(test.statistic, test.degrees, test.p_value);
      },
      py::arg("fewer"), py::arg("smaller"), py::arg("more"), py::arg("larger"));
  def_fit_contracts(word, "fit_sbg", [](const auto& cohorts, Options o) { return clv::fit_sbg(cohorts, o); });
  using Explaining = const clv::ContractCovariates&;
  def_fit_explained_contracts(word, "fit_sbg_covariates", [](const auto& cohorts, Explaining c, Options o) {
    return clv::fit_sbg(cohorts, c, o);
  });
  def_fit_explained_contracts(word, "fit_bdw_covariates", [](const auto& cohorts, Explaining c, Options o) {
    return clv::fit_bdw(cohorts, c, o);
  });
  def_fit_contracts(word, "fit_bdw", [](const auto& cohorts, Options o) { return clv::fit_bdw(cohorts, o); });
}

}  // namespace salesops_bindings
