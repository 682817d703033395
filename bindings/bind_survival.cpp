#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "execution.hpp"
#include "pickled.hpp"
#include "salesops/survival.hpp"

namespace py = pybind11;
namespace survival = salesops::survival;
using salesops_bindings::interruptible;
using salesops_bindings::pickled;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style>;

template <typename T>
std::span<const T> span_of(const Array<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

Array<double> array_of(std::span<const double> values) {
  return Array<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

/// A read-only property that gives a column as a NumPy array, which looks into the result and keeps it alive.
template <typename Class, typename Owner, typename Column>
void def_array(Class& type, const char* name, Column Owner::* column) {
  type.def_property_readonly(name, [column](const py::object& self) {
    const Column& values = self.cast<const Owner&>().*column;
    Array<double> seen(static_cast<py::ssize_t>(values.size()), values.data(), self);
    seen.attr("setflags")(py::arg("write") = false);
    return seen;
  });
}

survival::Options options_of(const Array<double>& entry, const Array<double>& weights, double level,
                             survival::IntervalKind interval) {
  return {.entry = span_of(entry), .weights = span_of(weights), .level = level, .interval = interval};
}

survival::KaplanMeier kaplan_meier(const Array<double>& durations, const Array<std::uint8_t>& events,
                                   const Array<double>& entry, const Array<double>& weights, double level,
                                   survival::IntervalKind interval) {
  const auto options = options_of(entry, weights, level, interval);
  const py::gil_scoped_release free;
  return survival::kaplan_meier(span_of(durations), span_of(events), options);
}

survival::NelsonAalen nelson_aalen(const Array<double>& durations, const Array<std::uint8_t>& events,
                                   const Array<double>& entry, const Array<double>& weights, double level,
                                   survival::TiedEvents ties) {
  const auto options = options_of(entry, weights, level, survival::IntervalKind::log);
  const py::gil_scoped_release free;
  return survival::nelson_aalen(span_of(durations), span_of(events), options, ties);
}

survival::AalenJohansen aalen_johansen(const Array<double>& durations, const Array<std::uint8_t>& events,
                                       const Array<double>& entry, const Array<double>& weights, double level,
                                       survival::IntervalKind interval, std::size_t causes) {
  const auto options = options_of(entry, weights, level, interval);
  const py::gil_scoped_release free;
  return survival::aalen_johansen(span_of(durations), span_of(events), options, causes);
}

survival::LogRank log_rank(const Array<double>& durations, const Array<std::uint8_t>& events,
                           const Array<std::uint32_t>& groups, const Array<double>& entry,
                           const Array<double>& weights, survival::RankWeight weight, double rho,
                           double gamma, const Array<std::uint32_t>& strata) {
  const auto options = options_of(entry, weights, 95, survival::IntervalKind::log_log);
  const py::gil_scoped_release free;
  return survival::log_rank(span_of(durations), span_of(events), span_of(groups), options, weight,
                            {.rho = rho, .gamma = gamma}, span_of(strata));
}

survival::LogRank gray_test(const Array<double>& durations, const Array<std::uint8_t>& events,
                            const Array<std::uint32_t>& groups, std::uint8_t cause,
                            const Array<double>& entry, const Array<double>& weights, double rho,
                            const Array<std::uint32_t>& strata) {
  const auto options = options_of(entry, weights, 95, survival::IntervalKind::log_log);
  const py::gil_scoped_release free;
  return survival::gray_test(span_of(durations), span_of(events), span_of(groups), cause, options, rho,
                             span_of(strata));
}

void bind_values(py::module_& word) {
  py::enum_<survival::IntervalKind>(word, "IntervalKind", "The scale on which an interval is symmetric.")
      .value("log_log", survival::IntervalKind::log_log)
      .value("log", survival::IntervalKind::log)
      .value("plain", survival::IntervalKind::plain)
      .value("arcsine", survival::IntervalKind::arcsine);
  py::enum_<survival::TiedEvents>(word, "TiedEvents", "What happens with several events at one time.")
      .value("together", survival::TiedEvents::together)
      .value("in_turn", survival::TiedEvents::in_turn);
  py::enum_<survival::RankWeight>(word, "RankWeight", "Weight of each event time in log_rank.")
      .value("log_rank", survival::RankWeight::log_rank)
      .value("wilcoxon", survival::RankWeight::wilcoxon)
      .value("tarone_ware", survival::RankWeight::tarone_ware)
      .value("peto", survival::RankWeight::peto)
      .value("g_rho", survival::RankWeight::g_rho);
  py::class_<survival::TimeEstimate>(word, "TimeEstimate", "A time with its interval; None = never reached.")
      .def_readonly("estimate", &survival::TimeEstimate::estimate)
      .def_readonly("low", &survival::TimeEstimate::low)
      .def_readonly("high", &survival::TimeEstimate::high)
      .def("__repr__",
           [](const survival::TimeEstimate& e) {
             return py::str("TimeEstimate(estimate={}, low={}, high={})").format(e.estimate, e.low, e.high);
           })
      .def(pickled<survival::TimeEstimate>());
  py::class_<survival::MeanEstimate>(word, "MeanEstimate", "A mean with standard error and interval.")
      .def_readonly("estimate", &survival::MeanEstimate::estimate)
      .def_readonly("std_error", &survival::MeanEstimate::std_error)
      .def_readonly("low", &survival::MeanEstimate::low)
      .def_readonly("high", &survival::MeanEstimate::high)
      .def("__repr__",
           [](const survival::MeanEstimate& e) {
             return py::str("MeanEstimate(estimate={}, std_error={}, low={}, high={})")
                 .format(e.estimate, e.std_error, e.low, e.high);
           })
      .def(pickled<survival::MeanEstimate>());
}

void bind_kaplan_meier(py::module_& word) {
  using survival::KaplanMeier;
  py::class_<KaplanMeier> type(word, "KaplanMeier", "Share that lasts beyond each time.");
  def_array(type, "time", &KaplanMeier::time);
  def_array(type, "at_risk", &KaplanMeier::at_risk);
  def_array(type, "events", &KaplanMeier::events);
  def_array(type, "censored", &KaplanMeier::censored);
  def_array(type, "survival", &KaplanMeier::survival);
  def_array(type, "std_error", &KaplanMeier::std_error);
  def_array(type, "low", &KaplanMeier::low);
  def_array(type, "high", &KaplanMeier::high);
  type.def_readonly("rows", &KaplanMeier::rows)
      .def("at", &KaplanMeier::at, py::arg("t"))
      .def("quantile", &KaplanMeier::quantile, py::arg("probability"))
      .def("rmst", &KaplanMeier::rmst, py::arg("until"))
      .def(pickled<KaplanMeier>());
  word.def("kaplan_meier", &kaplan_meier, py::arg("durations"), py::arg("events"), py::arg("entry"),
           py::arg("weights"), py::arg("level"), py::arg("interval"));
}

void bind_nelson_aalen(py::module_& word) {
  using survival::NelsonAalen;
  py::class_<NelsonAalen> type(word, "NelsonAalen", "Risk gone through by each time.");
  def_array(type, "time", &NelsonAalen::time);
  def_array(type, "at_risk", &NelsonAalen::at_risk);
  def_array(type, "events", &NelsonAalen::events);
  def_array(type, "censored", &NelsonAalen::censored);
  def_array(type, "cumulative_hazard", &NelsonAalen::cumulative_hazard);
  def_array(type, "std_error", &NelsonAalen::std_error);
  def_array(type, "low", &NelsonAalen::low);
  def_array(type, "high", &NelsonAalen::high);
  type.def_readonly("rows", &NelsonAalen::rows).def(pickled<NelsonAalen>());
  word.def("nelson_aalen", &nelson_aalen, py::arg("durations"), py::arg("events"), py::arg("entry"),
           py::arg("weights"), py::arg("level"), py::arg("ties"));
}

void bind_aalen_johansen(py::module_& word) {
  using survival::AalenJohansen;
  using survival::Incidence;
  py::class_<Incidence> cause(word, "Incidence", "Share that ended by one cause, by time.");
  def_array(cause, "events", &Incidence::events);
  def_array(cause, "incidence", &Incidence::incidence);
  def_array(cause, "std_error", &Incidence::std_error);
  def_array(cause, "low", &Incidence::low);
  def_array(cause, "high", &Incidence::high);
  cause.def(pickled<Incidence>());
  py::class_<AalenJohansen> type(word, "AalenJohansen", "Share of each outcome by time.");
  def_array(type, "time", &AalenJohansen::time);
  def_array(type, "at_risk", &AalenJohansen::at_risk);
  def_array(type, "censored", &AalenJohansen::censored);
  def_array(type, "survival", &AalenJohansen::survival);
  type.def_readonly("causes", &AalenJohansen::causes)
      .def_readonly("rows", &AalenJohansen::rows)
      .def("at", &AalenJohansen::at, py::arg("t"), py::arg("cause"))
      .def(pickled<AalenJohansen>());
  word.def("aalen_johansen", &aalen_johansen, py::arg("durations"), py::arg("events"), py::arg("entry"),
           py::arg("weights"), py::arg("level"), py::arg("interval"), py::arg("causes"));
}

void bind_band(py::module_& word) {
  using survival::ConfidenceBand;
  py::enum_<survival::BandKind>(word, "BandKind", "Which band holds the whole curve at once.")
      .value("hall_wellner", survival::BandKind::hall_wellner)
      .value("equal_precision", survival::BandKind::equal_precision);
  py::class_<ConfidenceBand> band(word, "ConfidenceBand", "A band that holds the whole curve at once.");
  def_array(band, "time", &ConfidenceBand::time);
  def_array(band, "low", &ConfidenceBand::low);
  def_array(band, "high", &ConfidenceBand::high);
  band.def_readonly("critical", &ConfidenceBand::critical).def(pickled<ConfidenceBand>());
  word.def("confidence_band", &survival::confidence_band, py::arg("curve"), py::arg("kind"));
}

void bind_rmst(py::module_& word) {
  py::class_<survival::Contrast>(word, "Contrast", "One number against another.")
      .def_readonly("estimate", &survival::Contrast::estimate)
      .def_readonly("std_error", &survival::Contrast::std_error)
      .def_readonly("low", &survival::Contrast::low)
      .def_readonly("high", &survival::Contrast::high)
      .def_readonly("p_value", &survival::Contrast::p_value)
      .def("__repr__",
           [](const survival::Contrast& c) {
             return py::str("Contrast(estimate={}, std_error={}, low={}, high={}, p_value={})")
                 .format(c.estimate, c.std_error, c.low, c.high, c.p_value);
           })
      .def(pickled<survival::Contrast>());
  py::class_<survival::RmstDifference>(word, "RmstDifference", "Two restricted means against each other.")
      .def_readonly("first", &survival::RmstDifference::first)
      .def_readonly("second", &survival::RmstDifference::second)
      .def_readonly("difference", &survival::RmstDifference::difference)
      .def_readonly("ratio", &survival::RmstDifference::ratio)
      .def(pickled<survival::RmstDifference>());
  word.def("rmst_difference", &survival::rmst_difference, py::arg("first"), py::arg("second"),
           py::arg("until"));
}

void bind_log_rank(py::module_& word) {
  py::class_<survival::LogRank>(word, "LogRank", "Do the groups last equally long?")
      .def_readonly("statistic", &survival::LogRank::statistic)
      .def_readonly("degrees", &survival::LogRank::degrees)
      .def_readonly("p_value", &survival::LogRank::p_value)
      .def_readonly("observed", &survival::LogRank::observed)
      .def_readonly("expected", &survival::LogRank::expected)
      .def(pickled<survival::LogRank>());
  word.def("log_rank", &log_rank, py::arg("durations"), py::arg("events"), py::arg("groups"),
           py::arg("entry"), py::arg("weights"), py::arg("weight"), py::arg("rho"), py::arg("gamma"),
           py::arg("strata"));
  word.def("gray_test", &gray_test, py::arg("durations"), py::arg("events"), py::arg("groups"),
           py::arg("cause"), py::arg("entry"), py::arg("weights"), py::arg("rho"), py::arg("strata"));
}

// ---- Regressions ----------------------------------------------------------------------------------

using Columns = std::vector<std::pair<std::string, Array<double>>>;

std::vector<survival::Covariate> covariates_of(const Columns& columns) {
  std::vector<survival::Covariate> covariates;
  for (const auto& [name, values] : columns) covariates.push_back({name, span_of(values)});
  return covariates;
}

/// The rows of a proportional-hazards model, and how it is fitted; holds the arrays.
struct CoxRows {
  Array<double> durations;
  Array<std::uint8_t> events;
  Columns columns;
  Array<double> entry;
  Array<double> weights;
  Array<std::uint32_t> strata;
  Array<std::uint32_t> cluster;
  survival::CoxTies ties;

  using State = std::tuple<Array<double>, Array<std::uint8_t>, Columns, Array<double>, Array<double>,
                           Array<std::uint32_t>, Array<std::uint32_t>, survival::CoxTies>;

  [[nodiscard]] survival::CoxOptions options(const salesops::Execution& execution) const {
    survival::CoxOptions options;
    options.entry = span_of(entry);
    options.weights = span_of(weights);
    options.strata = span_of(strata);
    options.cluster = span_of(cluster);
    options.ties = ties;
    options.execution = execution;
    return options;
  }
};

survival::CoxModel cox(const CoxRows& rows, double penalty, bool robust, double level, int threads) {
  const auto covariates = covariates_of(rows.columns);
  return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
    survival::CoxOptions options = rows.options(execution);
    options.penalty = penalty;
    options.robust = robust;
    options.level = level;
    return survival::cox(span_of(rows.durations), span_of(rows.events), covariates, options);
  });
}

survival::Concordance concordance(const CoxRows& rows, const Array<double>& risk) {
  return interruptible(0, py::none(), [&](const salesops::Execution& execution) {
    return survival::concordance(span_of(rows.durations), span_of(rows.events), span_of(risk),
                                 rows.options(execution));
  });
}

survival::ProportionalHazards proportional_hazards_test(const CoxRows& rows, const survival::CoxModel& model,
                                                        survival::TimeScale scale) {
  const auto covariates = covariates_of(rows.columns);
  return interruptible(0, py::none(), [&](const salesops::Execution& execution) {
    return survival::proportional_hazards_test(span_of(rows.durations), span_of(rows.events), covariates,
                                               model, rows.options(execution), scale);
  });
}

survival::CoxModel fine_gray(const Array<double>& durations, const Array<std::uint8_t>& events,
                             std::uint8_t cause, const Columns& columns, const Array<double>& entry,
                             const Array<double>& weights, double level) {
  const auto covariates = covariates_of(columns);
  return interruptible(0, py::none(), [&](const salesops::Execution& execution) {
    survival::CoxOptions options;
    options.entry = span_of(entry);
    options.weights = span_of(weights);
    options.level = level;
    options.execution = execution;
    return survival::fine_gray(span_of(durations), span_of(events), cause, covariates, options);
  });
}

survival::SurvivalPrediction predict_survival(const survival::CoxModel& model, const Array<double>& x,
                                              const Array<double>& times, const Array<std::uint32_t>& strata,
                                              const Array<double>& since) {
  const py::gil_scoped_release free;
  return survival::predict_survival(model, span_of(x), span_of(times), span_of(strata), span_of(since));
}

Array<double> predict_quantile(const survival::CoxModel& model, const Array<double>& x, double probability,
                               const Array<std::uint32_t>& strata) {
  return array_of(survival::predict_quantile(model, span_of(x), probability, span_of(strata)));
}

survival::AftModel aft(survival::LifetimeLaw law, const Array<double>& lower, const Array<double>& upper,
                       const Columns& columns, const Array<double>& entry, const Array<double>& weights,
                       double level, int threads) {
  const auto covariates = covariates_of(columns);
  return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
    return survival::aft(
        law, span_of(lower), span_of(upper), covariates,
        {.entry = span_of(entry), .weights = span_of(weights), .level = level, .execution = execution});
  });
}

void bind_cox(py::module_& word) {
  using survival::CoxModel;
  py::enum_<survival::CoxTies>(word, "CoxTies", "Which of several events at one time came first.")
      .value("efron", survival::CoxTies::efron)
      .value("breslow", survival::CoxTies::breslow)
      .value("exact", survival::CoxTies::exact);
  py::enum_<survival::TimeScale>(word, "TimeScale", "How the test of proportional hazards reads time.")
      .value("km", survival::TimeScale::km)
      .value("rank", survival::TimeScale::rank)
      .value("identity", survival::TimeScale::identity)
      .value("log", survival::TimeScale::log);
  py::class_<survival::ChiSquare>(word, "ChiSquare", "A chi-square statistic.")
      .def_readonly("statistic", &survival::ChiSquare::statistic)
      .def_readonly("degrees", &survival::ChiSquare::degrees)
      .def_readonly("p_value", &survival::ChiSquare::p_value)
      .def("__repr__",
           [](const survival::ChiSquare& c) {
             return py::str("ChiSquare(statistic={}, degrees={}, p_value={})")
                 .format(c.statistic, c.degrees, c.p_value);
           })
      .def(pickled<survival::ChiSquare>());
  py::class_<CoxRows>(word, "CoxRows", "The rows of a proportional-hazards model.")
      .def(py::init<Array<double>, Array<std::uint8_t>, Columns, Array<double>, Array<double>,
                    Array<std::uint32_t>, Array<std::uint32_t>, survival::CoxTies>(),
           py::arg("durations"), py::arg("events"), py::arg("columns"), py::arg("entry"), py::arg("weights"),
           py::arg("strata"), py::arg("cluster"), py::arg("ties"))
      .def(py::pickle(
          [](const CoxRows& rows) {
            return CoxRows::State(rows.durations, rows.events, rows.columns, rows.entry, rows.weights,
                                  rows.strata, rows.cluster, rows.ties);
          },
          [](const CoxRows::State& state) { return std::make_from_tuple<CoxRows>(state); }));
  py::class_<survival::CoxBaseline> baseline(word, "CoxBaseline", "Cumulative hazard of one stratum.");
  def_array(baseline, "time", &survival::CoxBaseline::time);
  def_array(baseline, "cumulative_hazard", &survival::CoxBaseline::cumulative_hazard);
  baseline.def_readonly("stratum", &survival::CoxBaseline::stratum).def(pickled<survival::CoxBaseline>());
  py::class_<survival::BaselineAtZero> zero(word, "BaselineAtZero", "Cumulative hazard at x = 0.");
  def_array(zero, "cumulative_hazard", &survival::BaselineAtZero::cumulative_hazard);
  def_array(zero, "std_error", &survival::BaselineAtZero::std_error);
  zero.def(pickled<survival::BaselineAtZero>());
  py::class_<CoxModel> type(word, "CoxModel", "What makes things end sooner.");
  def_array(type, "coefficients", &CoxModel::coefficients);
  def_array(type, "std_errors", &CoxModel::std_errors);
  def_array(type, "covariance", &CoxModel::covariance);
  def_array(type, "means", &CoxModel::means);
  type.def_readonly("names", &CoxModel::names)
      .def_readonly("log_likelihood", &CoxModel::log_likelihood)
      .def_readonly("log_likelihood_null", &CoxModel::log_likelihood_null)
      .def_readonly("likelihood_ratio", &CoxModel::likelihood_ratio)
      .def_readonly("wald", &CoxModel::wald)
      .def_readonly("score", &CoxModel::score)
      .def_readonly("iterations", &CoxModel::iterations)
      .def_readonly("converged", &CoxModel::converged)
      .def_readonly("notes", &CoxModel::notes)
      .def_readonly("rows", &CoxModel::rows)
      .def_readonly("events", &CoxModel::events)
      .def_property_readonly("baselines", [](const CoxModel& model) { return model.baselines; })
      .def(pickled<CoxModel>());
  word.def("cox", &cox, py::arg("rows"), py::arg("penalty"), py::arg("robust"), py::arg("level"),
           py::arg("threads"));
  word.def("fine_gray", &fine_gray, py::arg("durations"), py::arg("events"), py::arg("cause"),
           py::arg("columns"), py::arg("entry"), py::arg("weights"), py::arg("level"));
  word.def("baseline_at_zero", &survival::baseline_at_zero, py::arg("model"), py::arg("baseline"));
  py::class_<survival::Concordance>(word, "Concordance", "How often the higher risk ends first.")
      .def_readonly("estimate", &survival::Concordance::estimate)
      .def_readonly("std_error", &survival::Concordance::std_error)
      .def_readonly("concordant", &survival::Concordance::concordant)
      .def_readonly("discordant", &survival::Concordance::discordant)
      .def_readonly("tied", &survival::Concordance::tied)
      .def("__repr__",
           [](const survival::Concordance& c) {
             return py::str("Concordance(estimate={}, std_error={}, concordant={}, discordant={}, tied={})")
                 .format(c.estimate, c.std_error, c.concordant, c.discordant, c.tied);
           })
      .def(pickled<survival::Concordance>());
  word.def("concordance", &concordance, py::arg("rows"), py::arg("risk"));
  py::class_<survival::ProportionalHazards>(word, "ProportionalHazards", "Do effects change with time?")
      .def_readonly("columns", &survival::ProportionalHazards::columns)
      .def_readonly("global_test", &survival::ProportionalHazards::global)
      .def(pickled<survival::ProportionalHazards>());
  word.def("proportional_hazards_test", &proportional_hazards_test, py::arg("rows"), py::arg("model"),
           py::arg("scale"));
  py::class_<survival::SurvivalPrediction> curves(word, "SurvivalPrediction",
                                                  "Curves of new rows, row by row.");
  def_array(curves, "survival", &survival::SurvivalPrediction::survival);
  def_array(curves, "low", &survival::SurvivalPrediction::low);
  def_array(curves, "high", &survival::SurvivalPrediction::high);
  curves.def(pickled<survival::SurvivalPrediction>());
  word.def("predict_survival", &predict_survival, py::arg("model"), py::arg("x"), py::arg("times"),
           py::arg("strata"), py::arg("since"));
  word.def("predict_quantile", &predict_quantile, py::arg("model"), py::arg("x"), py::arg("probability"),
           py::arg("strata"));
}

void bind_aft(py::module_& word) {
  using survival::AftModel;
  py::enum_<survival::LifetimeLaw>(word, "LifetimeLaw", "The law of ln T.")
      .value("exponential", survival::LifetimeLaw::exponential)
      .value("weibull", survival::LifetimeLaw::weibull)
      .value("log_normal", survival::LifetimeLaw::log_normal)
      .value("log_logistic", survival::LifetimeLaw::log_logistic)
      .value("generalized_gamma", survival::LifetimeLaw::generalized_gamma);
  py::class_<AftModel> type(word, "AftModel", "By what factor each thing stretches time.");
  def_array(type, "estimates", &AftModel::estimates);
  def_array(type, "std_errors", &AftModel::std_errors);
  def_array(type, "covariance", &AftModel::covariance);
  type.def_readonly("names", &AftModel::names)
      .def_readonly("sigma", &AftModel::sigma)
      .def_readonly("q", &AftModel::q)
      .def_readonly("log_likelihood", &AftModel::log_likelihood)
      .def_readonly("log_likelihood_null", &AftModel::log_likelihood_null)
      .def_readonly("likelihood_ratio", &AftModel::likelihood_ratio)
      .def_readonly("aic", &AftModel::aic)
      .def_readonly("bic", &AftModel::bic)
      .def_readonly("converged", &AftModel::converged)
      .def_readonly("notes", &AftModel::notes)
      .def_readonly("rows", &AftModel::rows)
      .def_readonly("events", &AftModel::events)
      .def(pickled<AftModel>());
  word.def("aft", &aft, py::arg("law"), py::arg("lower"), py::arg("upper"), py::arg("columns"),
           py::arg("entry"), py::arg("weights"), py::arg("level"), py::arg("threads"));
  word.def(
      "aft_survival",
      [](const AftModel& model, const Array<double>& x, const Array<double>& times, std::size_t rows,
         const Array<double>& since) {
        const py::gil_scoped_release free;
        return survival::aft_survival(model, span_of(x), span_of(times), rows, span_of(since));
      },
      py::arg("model"), py::arg("x"), py::arg("times"), py::arg("rows"), py::arg("since"));
  py::class_<survival::TimePrediction> times(word, "TimePrediction", "Times with intervals.");
  def_array(times, "estimate", &survival::TimePrediction::estimate);
  def_array(times, "low", &survival::TimePrediction::low);
  def_array(times, "high", &survival::TimePrediction::high);
  times.def(pickled<survival::TimePrediction>());
  word.def(
      "aft_quantile",
      [](const AftModel& model, const Array<double>& x, double probability, std::size_t rows) {
        const py::gil_scoped_release free;
        return survival::aft_quantile(model, span_of(x), probability, rows);
      },
      py::arg("model"), py::arg("x"), py::arg("probability"), py::arg("rows"));
}

survival::DiscreteModel discrete_hazard(const Array<double>& durations, const Array<std::uint8_t>& events,
                                        const Columns& columns, const Array<double>& entry,
                                        const Array<double>& weights, const Array<double>& periods,
                                        survival::HazardLink link, double level) {
  const auto covariates = covariates_of(columns);
  return interruptible(0, py::none(), [&](const salesops::Execution& execution) {
    return survival::discrete_hazard(span_of(durations), span_of(events), covariates,
                                     {.entry = span_of(entry),
                                      .weights = span_of(weights),
                                      .periods = span_of(periods),
                                      .link = link,
                                      .level = level,
                                      .execution = execution});
  });
}

void bind_discrete(py::module_& word) {
  using survival::DiscreteModel;
  py::enum_<survival::HazardLink>(word, "HazardLink", "The scale on which columns move the chance to end.")
      .value("logit", survival::HazardLink::logit)
      .value("cloglog", survival::HazardLink::cloglog);
  py::class_<DiscreteModel> type(word, "DiscreteModel", "The chance to end in the next period.");
  def_array(type, "period", &DiscreteModel::period);
  def_array(type, "period_end", &DiscreteModel::period_end);
  def_array(type, "baseline", &DiscreteModel::baseline);
  def_array(type, "coefficients", &DiscreteModel::coefficients);
  def_array(type, "std_errors", &DiscreteModel::std_errors);
  def_array(type, "covariance", &DiscreteModel::covariance);
  def_array(type, "joint_covariance", &DiscreteModel::joint_covariance);
  type.def_readonly("names", &DiscreteModel::names)
      .def_readonly("log_likelihood", &DiscreteModel::log_likelihood)
      .def_readonly("converged", &DiscreteModel::converged)
      .def_readonly("notes", &DiscreteModel::notes)
      .def_readonly("rows", &DiscreteModel::rows)
      .def_readonly("events", &DiscreteModel::events)
      .def(pickled<DiscreteModel>());
  word.def("discrete_hazard", &discrete_hazard, py::arg("durations"), py::arg("events"), py::arg("columns"),
           py::arg("entry"), py::arg("weights"), py::arg("periods"), py::arg("link"), py::arg("level"));
  word.def(
      "discrete_survival",
      [](const DiscreteModel& model, const Array<double>& x, const Array<double>& periods,
         const Array<double>& since) {
        const py::gil_scoped_release free;
        return survival::discrete_survival(model, span_of(x), span_of(periods), span_of(since));
      },
      py::arg("model"), py::arg("x"), py::arg("periods"), py::arg("since"));
}

void bind_power(py::module_& word) {
  using survival::Trial;
  py::class_<Trial>(word, "Trial", "What two groups are expected to show.")
      .def(py::init([](double treated, double control, double hazard_ratio, double level) {
             return Trial{treated, control, hazard_ratio, level};
           }),
           py::arg("treated_share"), py::arg("control_share"), py::arg("hazard_ratio"), py::arg("level"));
  word.def(
      "sample_size",
      [](const Trial& trial, double power, double ratio) {
        const survival::GroupSizes sizes = survival::sample_size(trial, power, ratio);
        return std::pair(sizes.treated, sizes.control);
      },
      py::arg("trial"), py::arg("power"), py::arg("ratio"));
  word.def("power", &survival::power, py::arg("trial"), py::arg("n_treated"), py::arg("n_control"));
}

}  // namespace

void salesops_bind_survival(py::module_& module) {
  auto word = module.def_submodule("survival", "How long things last (salesops/survival.hpp).");
  bind_values(word);
  bind_kaplan_meier(word);
  bind_nelson_aalen(word);
  bind_aalen_johansen(word);
  bind_log_rank(word);
  bind_band(word);
  bind_rmst(word);
  bind_cox(word);
  bind_aft(word);
  bind_discrete(word);
  bind_power(word);
}
