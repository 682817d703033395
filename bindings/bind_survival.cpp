#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <span>

#include "salesops/survival.hpp"

namespace py = pybind11;
namespace survival = salesops::survival;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style>;

template <typename T>
std::span<const T> span_of(const Array<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

Array<double> array_of(const std::vector<double>& values) {
  return Array<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

/// A read-only property that gives a column as a NumPy array.
template <typename Class, typename Owner>
void def_array(Class& type, const char* name, std::vector<double> Owner::* column) {
  type.def_property_readonly(name, [column](const Owner& owner) { return array_of(owner.*column); });
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
                           const Array<double>& weights, survival::RankWeight weight) {
  const auto options = options_of(entry, weights, 95, survival::IntervalKind::log_log);
  const py::gil_scoped_release free;
  return survival::log_rank(span_of(durations), span_of(events), span_of(groups), options, weight);
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
      .def_readonly("high", &survival::TimeEstimate::high);
  py::class_<survival::MeanEstimate>(word, "MeanEstimate", "A mean with standard error and interval.")
      .def_readonly("estimate", &survival::MeanEstimate::estimate)
      .def_readonly("std_error", &survival::MeanEstimate::std_error)
      .def_readonly("low", &survival::MeanEstimate::low)
      .def_readonly("high", &survival::MeanEstimate::high);
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
      .def("rmst", &KaplanMeier::rmst, py::arg("until"));
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
  type.def_readonly("rows", &NelsonAalen::rows);
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
  py::class_<AalenJohansen> type(word, "AalenJohansen", "Share of each outcome by time.");
  def_array(type, "time", &AalenJohansen::time);
  def_array(type, "at_risk", &AalenJohansen::at_risk);
  def_array(type, "censored", &AalenJohansen::censored);
  def_array(type, "survival", &AalenJohansen::survival);
  type.def_readonly("causes", &AalenJohansen::causes)
      .def_readonly("rows", &AalenJohansen::rows)
      .def("at", &AalenJohansen::at, py::arg("t"), py::arg("cause"));
  word.def("aalen_johansen", &aalen_johansen, py::arg("durations"), py::arg("events"), py::arg("entry"),
           py::arg("weights"), py::arg("level"), py::arg("interval"), py::arg("causes"));
}

void bind_log_rank(py::module_& word) {
  py::class_<survival::LogRank>(word, "LogRank", "Do the groups last equally long?")
      .def_readonly("statistic", &survival::LogRank::statistic)
      .def_readonly("degrees", &survival::LogRank::degrees)
      .def_readonly("p_value", &survival::LogRank::p_value)
      .def_readonly("observed", &survival::LogRank::observed)
      .def_readonly("expected", &survival::LogRank::expected);
  word.def("log_rank", &log_rank, py::arg("durations"), py::arg("events"), py::arg("groups"),
           py::arg("entry"), py::arg("weights"), py::arg("weight"));
}

}  // namespace

void salesops_bind_survival(py::module_& module) {
  auto word = module.def_submodule("survival", "How long things last (salesops/survival.hpp).");
  bind_values(word);
  bind_kaplan_meier(word);
  bind_nelson_aalen(word);
  bind_aalen_johansen(word);
  bind_log_rank(word);
}
