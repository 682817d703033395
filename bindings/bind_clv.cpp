#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <tuple>

#include "execution.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/clv/parameters.hpp"
#include "salesops/clv/predict.hpp"
#include "salesops/clv/rfm.hpp"
#include "salesops/clv/simulate.hpp"
#include "value_casters.hpp"

namespace py = pybind11;
namespace clv = salesops::clv;
using salesops_bindings::interruptible;

namespace {

using Array = py::array_t<double, py::array::c_style>;
using Codes = py::array_t<std::uint32_t, py::array::c_style>;

std::span<const double> view(const Array& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

Array array_of(const std::vector<double>& values) {
  return Array(static_cast<py::ssize_t>(values.size()), values.data());
}

clv::RfmView view_of(const Array& x, const Array& t_x, const Array& T, const Array& weights,
                     const Array& sum_log_gaps) {
  return {.x = view(x),
          .t_x = view(t_x),
          .T = view(T),
          .weights = view(weights),
          .sum_log_gaps = view(sum_log_gaps)};
}

// ---- models ----

/// `method(columns, threads)`: one array for all rows, by `question(model, one value a column)`.
template <class M, std::size_t K, class Question>
void def_rows(py::class_<M>& type, const char* name, Question question) {
  type.def(
      name,
      [question](const M& model, const std::vector<Array>& columns, int threads) {
        if (columns.size() != K) throw salesops::UsageError("need " + std::to_string(K) + " columns");
        std::array<std::span<const double>, K> spans;
        for (std::size_t k = 0; k < K; ++k) spans[k] = view(columns[k]);
        Array out(columns[0].size());
        const std::span<double> into(out.mutable_data(), static_cast<std::size_t>(out.size()));
        const py::gil_scoped_release free;
        clv::evaluate(spans,
                      [&](const double* row) {
                        return [&]<std::size_t... k>(std::index_sequence<k...>) {
                          return static_cast<double>(question(model, row[k]...));
                        }(std::make_index_sequence<K>());
                      },
                      into, {.threads = threads});
        return out;
      },
      py::arg("columns"), py::arg("threads") = 0);
}

/// `method(columns, threads)` of K asked values, x, t_x and T: one array for all rows, by `answer(model,
/// asked …, customers, out, execution)`.
template <class M, std::size_t K, class Answer>
void def_customers(py::class_<M>& type, const char* name, Answer answer) {
  type.def(
      name,
      [answer](const M& model, const std::vector<Array>& columns, int threads) {
        if (columns.size() != K + 3) throw salesops::UsageError("need " + std::to_string(K + 3) + " columns");
        const clv::RfmView customers{
            .x = view(columns[K]), .t_x = view(columns[K + 1]), .T = view(columns[K + 2])};
        Array out(columns[0].size());
        const std::span<double> into(out.mutable_data(), static_cast<std::size_t>(out.size()));
        const py::gil_scoped_release free;
        [&]<std::size_t... k>(std::index_sequence<k...>) {
          answer(model, view(columns[k])..., customers, into, salesops::Execution{.threads = threads});
        }(std::make_index_sequence<K>());
        return out;
      },
      py::arg("columns"), py::arg("threads") = 0);
}

template <class M>
py::class_<M> bind_parameters(py::module_& word, const char* name, const char* doc) {
  py::class_<M> type(word, name, doc);
  if constexpr (requires(M m) { m.k; }) {
    type.def(py::init([](const std::vector<double>& values, int k) {
               M model;
               model.k = k;
               return clv::with_parameters(model, values);
             }),
             py::arg("values"), py::arg("k"));
    type.def_readonly("k", &M::k);
  } else {
    type.def(py::init([](const std::vector<double>& values) { return clv::with_parameters(M{}, values); }),
             py::arg("values"));
  }
  type.def_property_readonly("values", [](const M& model) {
    const auto values = clv::parameter_values(model);
    return std::vector<double>(values.begin(), values.end());
  });
  py::list names;
  for (const auto& parameter : clv::parameters<M>) names.append(py::str(std::string(parameter.name)));
  type.attr("names") = py::tuple(names);
  return type;
}

py::tuple column_of(const clv::PredictedColumn& column) {
  return py::make_tuple(array_of(column.value), array_of(column.low), array_of(column.high));
}

py::dict dict_of(const clv::Prediction& result) {
  py::dict columns;
  columns["p_alive"] = column_of(result.p_alive);
  columns["expected_transactions"] = column_of(result.expected_transactions);
  columns["discounted_transactions"] = array_of(result.discounted_transactions);
  columns["expected_spend"] = column_of(result.expected_spend);
  columns["clv"] = column_of(result.clv);
  return columns;
}

/// One model for all customers, or by `of_row` the one each follows.
template <class M>
void bind_prediction(py::class_<M>& type) {
  type.def_static(
      "predict",
      [](const std::vector<M>& models, const Codes& of_row, const Array& x, const Array& t_x, const Array& T,
         double horizon, double discount_rate, double level, bool outcome, const Array& covariance,
         const clv::GammaGamma* spend, const Array& spend_x, const Array& mean_spend,
         const Array& spend_covariance, int threads, const py::object& progress) {
        const clv::SpendForecast given{.model = spend == nullptr ? clv::GammaGamma{} : *spend,
                                       .x = view(spend_x),
                                       .mean_spend = view(mean_spend),
                                       .covariance = view(spend_covariance)};
        const clv::SpendForecast* money = spend == nullptr ? nullptr : &given;
        const clv::RfmView customers{.x = view(x), .t_x = view(t_x), .T = view(T)};
        const std::span<const std::uint32_t> codes(of_row.data(), static_cast<std::size_t>(of_row.size()));
        return dict_of(interruptible(threads, progress, [&](const salesops::Execution& execution) {
          const clv::PredictOptions options{
              .horizon = horizon,
              .discount_rate = discount_rate,
              .level = level,
              .interval = outcome ? clv::IntervalKind::outcome : clv::IntervalKind::mean,
              .covariance = view(covariance),
              .execution = execution};
          if (models.size() == 1) return clv::predict(models.front(), customers, options, money);
          return clv::predict(std::span<const M>(models), codes, customers, options, money);
        }));
      },
      py::arg("models"), py::arg("of_row"), py::arg("x"), py::arg("t_x"), py::arg("T"), py::arg("horizon"),
      py::arg("discount_rate"), py::arg("level"), py::arg("outcome"), py::arg("covariance"), py::arg("spend"),
      py::arg("spend_x"), py::arg("mean_spend"), py::arg("spend_covariance"), py::arg("threads"),
      py::arg("progress"));
}

template <class M>
void bind_simulation(py::class_<M>& type) {
  type.def(
      "simulate",
      [](const M& model, const Array& T, double horizon, std::uint64_t seed, int threads, bool times) {
        const auto ages = view(T);
        const auto made = interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          return clv::simulate(model, ages, {.seed = seed, .horizon = horizon, .execution = execution});
        });
        py::dict columns;
        columns["frequency"] = array_of(made.x);
        columns["recency"] = array_of(made.t_x);
        columns["T"] = array_of(made.T);
        columns["sum_log_gaps"] = array_of(made.sum_log_gaps);
        columns["holdout_frequency"] = array_of(made.future);
        columns["alive"] =
            py::array_t<std::uint8_t>(static_cast<py::ssize_t>(made.alive.size()), made.alive.data());
        if (times) {
          columns["times"] = array_of(made.times);
          columns["first"] =
              py::array_t<std::size_t>(static_cast<py::ssize_t>(made.first.size()), made.first.data());
        }
        return columns;
      },
      py::arg("T"), py::arg("horizon"), py::arg("seed"), py::arg("threads"), py::arg("times"));
}

#define SALESOPS_ASKS(question) [](const M& m, auto... values) { return clv::question(m, values...); }
#define SALESOPS_ASKS_ALL(question) [](const M& m, const auto&... all) { clv::question(m, all...); }

template <class M>
void bind_purchases(py::module_& word, const char* name, const char* doc) {
  auto type = bind_parameters<M>(word, name, doc);
  if constexpr (requires(M m) { m.k; })
    def_rows<M, 4>(type, "log_likelihood", SALESOPS_ASKS(log_likelihood));
  else
    def_rows<M, 3>(type, "log_likelihood", SALESOPS_ASKS(log_likelihood));
  def_rows<M, 3>(type, "p_alive", SALESOPS_ASKS(p_alive));
  def_rows<M, 3>(type, "log_p_alive", SALESOPS_ASKS(log_p_alive));
  def_rows<M, 4>(type, "p_alive_at", SALESOPS_ASKS(p_alive_at));
  def_customers<M, 1>(type, "expected_transactions", SALESOPS_ASKS_ALL(expected_transactions));
  def_rows<M, 5>(type, "pmf", SALESOPS_ASKS(pmf));
  def_rows<M, 4>(type, "p_no_transaction", SALESOPS_ASKS(p_no_transaction));
  def_customers<M, 1>(type, "dert", SALESOPS_ASKS_ALL(dert));
  def_customers<M, 2>(type, "dect", SALESOPS_ASKS_ALL(dect));
  def_rows<M, 3>(type, "expected_rate", SALESOPS_ASKS(expected_rate));
  def_rows<M, 3>(type, "expected_dropout", SALESOPS_ASKS(expected_dropout));
  def_rows<M, 1>(type, "p_alive_new", SALESOPS_ASKS(p_alive_new));
  def_rows<M, 1>(type, "expected_transactions_new", SALESOPS_ASKS(expected_transactions_new));
  def_rows<M, 2>(type, "pmf_new", SALESOPS_ASKS(pmf_new));
  def_rows<M, 1>(type, "dert_new", SALESOPS_ASKS(dert_new));
  def_rows<M, 2>(type, "dect_new", SALESOPS_ASKS(dect_new));
  bind_prediction(type);
  bind_simulation(type);
}

template <class M>
void bind_contract(py::module_& word, const char* name, const char* doc) {
  auto type = bind_parameters<M>(word, name, doc);
  def_rows<M, 1>(type, "survival", SALESOPS_ASKS(survival));
  def_rows<M, 2>(type, "survival_given", SALESOPS_ASKS(survival_given));
  def_rows<M, 1>(type, "retention", SALESOPS_ASKS(retention));
  def_rows<M, 1>(type, "log_survival", SALESOPS_ASKS(log_survival));
  def_rows<M, 1>(type, "log_p_churn", SALESOPS_ASKS(log_p_churn));
  def_rows<M, 3>(type, "residual_lifetime", [](const M& m, double discount_rate, double n, double made) {
    return clv::residual_lifetime(m, discount_rate, n, made != 0 ? clv::Renewal::made : clv::Renewal::due);
  });
  type.def(
      "log_likelihood",
      [](const M& model, const Array& survivors) { return clv::log_likelihood(model, view(survivors)); },
      py::arg("survivors"));
  type.def(
      "simulate",
      [](const M& model, std::size_t customers, std::size_t renewals, std::uint64_t seed) {
        return array_of(clv::simulate_contracts(model, customers, renewals, {.seed = seed}).survivors);
      },
      py::arg("customers"), py::arg("renewals"), py::arg("seed"));
}

void bind_spend(py::module_& word) {
  using M = clv::GammaGamma;
  auto type = bind_parameters<M>(word, "GammaGamma", "How much customers spend a purchase.");
  def_rows<M, 2>(type, "log_likelihood", SALESOPS_ASKS(log_likelihood));
  def_rows<M, 2>(type, "expected_spend", SALESOPS_ASKS(expected_spend));
  type.def("expected_spend_new", [](const M& m) { return clv::expected_spend_new(m); });
  type.def(
      "simulate",
      [](const M& model, const Array& x, std::uint64_t seed, int threads) {
        const auto counts = view(x);
        return array_of(interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          return clv::simulate_spend(model, counts, {.seed = seed, .execution = execution});
        }));
      },
      py::arg("x"), py::arg("seed"), py::arg("threads"));
}

#undef SALESOPS_ASKS

// ---- fits ----

/// chains, warmup, draws, acceptance, seed.
using Sampling = std::optional<std::tuple<int, int, int, double, std::uint64_t>>;

clv::FitOptions options_of(const std::vector<double>& start,
                           const std::vector<std::pair<double, double>>& priors, double l2, double tolerance,
                           int max_iterations, double profile_level, const Sampling& sampling,
                           const salesops::Execution& execution) {
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
using Spends = std::tuple<Array, Array, Array>;
using Cohorts = std::vector<std::pair<std::vector<double>, std::size_t>>;

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

/// Histories, the columns that move the purchase rate and leaving, and the names in both that are one.
using Columns = std::vector<std::pair<std::string, Array>>;
using Explained = std::tuple<Histories, Columns, Columns, std::vector<std::string>>;

std::vector<clv::Covariate> covariates_of(const Columns& columns) {
  std::vector<clv::Covariate> covariates;
  for (const auto& [name, values] : columns) covariates.push_back({name, view(values)});
  return covariates;
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

template <class Call>
void def_fit_contracts(py::module_& word, const char* name, Call call) {
  def_fit<Cohorts>(word, name, [call](const Cohorts& data, const clv::FitOptions& options) {
    std::vector<clv::ContractCohort> cohorts;
    for (const auto& [survivors, first] : data) cohorts.push_back({survivors, first});
    return call(cohorts, options);
  });
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

void bind_fits(py::module_& word) {
  using Summary = clv::FitSummary;
  py::class_<Summary> type(word, "FitSummary", "Estimates, how sure they are, and what the data can't tell.");
  type.def_readonly("parameters", &Summary::parameters)
      .def_readonly("estimates", &Summary::estimates)
      .def_readonly("log_likelihood", &Summary::log_likelihood)
      .def_readonly("covariance", &Summary::covariance)
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
  def_fit<Spends>(word, "fit_gamma_gamma", [](const Spends& data, Options o) {
    const auto& [x, mean_spend, weights] = data;
    return clv::fit_gamma_gamma({.x = view(x), .mean_spend = view(mean_spend), .weights = view(weights)}, o);
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
  def_fit_contracts(word, "fit_bdw", [](const auto& cohorts, Options o) { return clv::fit_bdw(cohorts, o); });
}

// ---- RFM ----

constexpr salesops_bindings::Names<clv::TimeUnit, 4> units{{{clv::TimeUnit::day, "day"},
                                                            {clv::TimeUnit::week, "week"},
                                                            {clv::TimeUnit::month, "month"},
                                                            {clv::TimeUnit::year, "year"}}};
constexpr salesops_bindings::Names<clv::RegularityMethod, 5> methods{{{clv::RegularityMethod::mle, "mle"},
                                                                      {clv::RegularityMethod::wheat, "wheat"},
                                                                      {clv::RegularityMethod::minka, "minka"},
                                                                      {clv::RegularityMethod::thom, "thom"},
                                                                      {clv::RegularityMethod::cv, "cv"}}};

clv::RfmState partial(const salesops::Table& transactions, const std::string& customer,
                      const std::string& time, const std::string& amount, const std::string& currency,
                      bool minor_units, const salesops::TimeZone& zone, int threads) {
  return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
    return clv::RfmState::partial(transactions,
                                  {.customer = customer,
                                   .time = time,
                                   .amount = amount,
                                   .currency = currency,
                                   .minor_units = minor_units,
                                   .zone = zone},
                                  execution);
  });
}

clv::Rfm finish(const clv::RfmState& state, const std::string& unit, bool discrete,
                std::optional<salesops::Date> calibration_end, std::optional<salesops::Date> holdout_end,
                std::optional<salesops::Date> observation_end, bool include_first, int threads) {
  const clv::TimeUnit of_time = salesops_bindings::read_name(units, unit);
  return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
    return state.finish({.unit = of_time,
                         .discrete = discrete,
                         .calibration_end = calibration_end,
                         .holdout_end = holdout_end,
                         .observation_end = observation_end,
                         .include_first = include_first,
                         .execution = execution});
  });
}

py::tuple scores_of(const clv::Rfm& rfm, int groups) {
  const auto scores = clv::rfm_scores(rfm, groups);
  std::vector<std::string> segments(scores.segment.begin(), scores.segment.end());
  return py::make_tuple(scores.recency, scores.frequency, scores.monetary, segments);
}

void bind_rfm(py::module_& word) {
  py::class_<clv::Rfm>(word, "Rfm", "One entry a customer.")
      .def("to_table", &clv::Rfm::to_table)
      .def("scores", &scores_of, py::arg("groups"))
      .def_readonly("issues", &clv::Rfm::issues)
      .def_property_readonly(
          "unit",
          [](const clv::Rfm& rfm) { return std::string(salesops_bindings::name_of(units, rfm.unit)); })
      .def_readonly("discrete", &clv::Rfm::discrete)
      .def_readonly("has_amount", &clv::Rfm::has_amount)
      .def_readonly("currency", &clv::Rfm::currency)
      .def_readonly("calibration_end", &clv::Rfm::calibration_end)
      .def_readonly("holdout_end", &clv::Rfm::holdout_end)
      .def_readonly("holdout_duration", &clv::Rfm::holdout_duration)
      .def_readonly("zone", &clv::Rfm::zone)
      .def("__len__", &clv::Rfm::size);
  py::class_<clv::RfmState>(word, "RfmState", "Days of purchase by customer; mergeable.")
      .def(py::init<>())
      .def_static("partial", &partial, py::arg("transactions"), py::arg("customer"), py::arg("time"),
                  py::arg("amount"), py::arg("currency"), py::arg("minor_units"), py::arg("zone"),
                  py::arg("threads"))
      .def("merge", &clv::RfmState::merge, py::arg("other"), py::call_guard<py::gil_scoped_release>())
      .def("finish", &finish, py::arg("unit"), py::arg("discrete"), py::arg("calibration_end"),
           py::arg("holdout_end"), py::arg("observation_end"), py::arg("include_first"), py::arg("threads"))
      .def(
          "repeat_purchases",
          [](const clv::RfmState& state, const std::vector<salesops::Date>& ends, salesops::Date joined_by) {
            return state.repeat_purchases(ends, joined_by);
          },
          py::arg("ends"), py::arg("joined_by"), py::call_guard<py::gil_scoped_release>())
      .def(
          "regularity",
          [](const clv::RfmState& state, const std::string& method) {
            const auto by = salesops_bindings::read_name(methods, method);
            const py::gil_scoped_release free;
            const auto found = state.regularity(by);
            return std::make_pair(found.k, found.customers);
          },
          py::arg("method"))
      .def("to_json", &clv::RfmState::to_json, py::call_guard<py::gil_scoped_release>())
      .def_static("from_json", &clv::RfmState::from_json, py::arg("text"),
                  py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("customers", &clv::RfmState::customers)
      .def_property_readonly("days", &clv::RfmState::days);
  word.def(
      "days_in",
      [](const std::string& unit) { return clv::days_in(salesops_bindings::read_name(units, unit)); },
      py::arg("unit"));
}

}  // namespace

void salesops_bind_clv(py::module_& module) {
  auto word = module.def_submodule("clv", "Customer lifetime value (salesops/clv.hpp).");
  bind_spend(word);  // first, for the others name it
  bind_purchases<clv::NBD>(word, "NBD", "Customers who never leave.");
  bind_purchases<clv::BGNBD>(word, "BGNBD", "Customers who may leave after a repeat purchase.");
  bind_purchases<clv::MBGNBD>(word, "MBGNBD", "Customers who may leave after any purchase.");
  bind_purchases<clv::ParetoNBD>(word, "ParetoNBD", "Customers who may leave at any time.");
  bind_purchases<clv::BGBB>(word, "BGBB", "Customers who buy or not at given opportunities.");
  bind_purchases<clv::BGCNBD>(word, "BGCNBD", "BG/NBD with regular purchases.");
  bind_purchases<clv::MBGCNBD>(word, "MBGCNBD", "MBG/NBD with regular purchases.");
  bind_purchases<clv::GGompertzNBD>(word, "GGompertzNBD",
                                    "Customers whose risk of leaving changes with age.");
  bind_contract<clv::SBG>(word, "SBG", "Contracts with unequal, constant churn.");
  bind_contract<clv::BdW>(word, "BdW", "Contracts whose churn changes with age.");
  bind_fits(word);
  bind_rfm(word);
}
