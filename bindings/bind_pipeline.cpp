#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "execution.hpp"
#include "pickled_scenario.hpp"
#include "salesops/pipeline.hpp"

namespace py = pybind11;
using namespace salesops;
using salesops_bindings::interruptible;
using salesops_bindings::pickled;

namespace {

using Span = std::pair<std::int64_t, std::int64_t>;

pipeline::Measure measure_of(const std::string& name) {
  if (name == "bookings") return pipeline::Measure::bookings;
  if (name == "wins") return pipeline::Measure::wins;
  throw UsageError("measure is 'bookings' or 'wins', not '" + name + "'");
}

pipeline::ForecastOptions options_of(const std::string& measure, const std::vector<double>& levels, int draws,
                                     std::uint64_t seed, const std::string& currency,
                                     const std::vector<std::string>& allow_current, bool adjust,
                                     int threads) {
  pipeline::ForecastOptions options;
  options.measure = measure_of(measure);
  options.levels = levels;
  options.draws = draws;
  options.seed = seed;
  options.currency = currency;
  options.allow_current = allow_current;
  options.adjust = adjust;
  options.execution.threads = threads;
  return options;
}

pipeline::Forecast forecast(const Crm& crm, const std::optional<std::int64_t>& as_of,
                            const std::optional<Span>& period, pipeline::ForecastOptions options,
                            const py::object& progress) {
  if (as_of) options.as_of = Instant{*as_of};
  if (period) options.period = Interval{Instant{period->first}, Instant{period->second}};
  return interruptible(options.execution.threads, progress, [&](const Execution& execution) {
    options.execution = execution;
    return pipeline::forecast(crm, options);
  });
}

pipeline::Backtest backtest(const Crm& crm, int periods, int months, const std::vector<int>& weeks,
                            pipeline::ForecastOptions options, const py::object& progress) {
  return interruptible(options.execution.threads, progress, [&](const Execution& execution) {
    options.execution = execution;
    return pipeline::backtest(crm,
                              {.periods = periods, .months = months, .weeks = weeks, .forecast = options});
  });
}

pipeline::Waterfall waterfall(const Crm& crm, std::int64_t start, std::int64_t end,
                              const std::optional<int>& due_from, const std::optional<int>& due_before,
                              const std::vector<std::string>& owners, const std::string& pipeline_id,
                              const std::string& currency, const py::object& progress) {
  pipeline::WaterfallOptions options;
  if (due_from) options.due_from = Date{*due_from};
  if (due_before) options.due_before = Date{*due_before};
  options.owners = owners;
  options.pipeline = pipeline_id;
  options.currency = currency;
  return interruptible(0, progress, [&](const Execution& execution) {
    options.execution = execution;
    return pipeline::waterfall(crm, Instant{start}, Instant{end}, options);
  });
}

void bind_fit(py::module_& word) {
  using pipeline::Fit;
  py::class_<Fit>(word, "Fit", "What a forecast rests on.")
      .def_readonly("deals", &Fit::deals)
      .def_readonly("won", &Fit::won)
      .def_readonly("lost", &Fit::lost)
      .def_readonly("kappa", &Fit::kappa)
      .def_readonly("landmarks", &Fit::landmarks)
      .def_readonly("shock_sd", &Fit::shock_sd)
      .def_readonly("owner_sd", &Fit::owner_sd)
      .def_readonly("new_level_sd", &Fit::new_level_sd)
      .def_readonly("arrivals_per_week", &Fit::arrivals_per_week)
      .def_readonly("terms", &Fit::terms)
      .def_readonly("coefficients", &Fit::coefficients)
      .def_readonly("stages", &Fit::stages)
      .def(pickled<Fit>());
}

void bind_forecast(py::module_& word) {
  using pipeline::Forecast;
  py::class_<pipeline::ForecastOptions>(word, "Options", "How to forecast.")
      .def(py::init(&options_of), py::arg("measure"), py::arg("levels"), py::arg("draws"), py::arg("seed"),
           py::arg("currency"), py::arg("allow_current"), py::arg("adjust"), py::arg("threads"));
  py::class_<Forecast>(word, "Forecast", "The distribution of a period's bookings.")
      .def_property_readonly("as_of", [](const Forecast& one) { return one.as_of.us; })
      .def_property_readonly("period",
                             [](const Forecast& one) { return Span(one.period.start.us, one.period.end.us); })
      .def_readonly("levels", &Forecast::levels)
      .def_readonly("open_deals", &Forecast::open_deals)
      .def_readonly("won_deals", &Forecast::won_deals)
      .def_readonly("scenario", &Forecast::scenario)
      .def_readonly("holders", &Forecast::holders)
      .def_readonly("deals", &Forecast::deals)
      .def_readonly("fit", &Forecast::fit)
      .def_readonly("notes", &Forecast::notes)
      .def("summary", &Forecast::summary)
      .def(pickled<Forecast>());
}

void bind_backtest(py::module_& word) {
  using pipeline::Backtest, pipeline::Coverage;
  py::class_<Coverage>(word, "Coverage", "How often an interval held what was won.")
      .def_readonly("holder_type", &Coverage::holder_type)
      .def_readonly("cells", &Coverage::cells)
      .def_readonly("covered", &Coverage::covered)
      .def_property_readonly("low", [](const Coverage& one) { return one.share->low; })
      .def_property_readonly("high", [](const Coverage& one) { return one.share->high; })
      .def_readonly("verdict", &Coverage::verdict)
      .def(pickled<Coverage>());
  py::class_<Backtest>(word, "Backtest", "Past forecasts against what was won.")
      .def_readonly("level", &Backtest::level)
      .def_readonly("cells", &Backtest::cells)
      .def_readonly("coverage", &Backtest::coverage)
      .def_readonly("accuracy", &Backtest::accuracy)
      .def_readonly("reliability", &Backtest::reliability)
      .def_readonly("deals", &Backtest::deals)
      .def_readonly("deals_won", &Backtest::deals_won)
      .def_readonly("brier", &Backtest::brier)
      .def_readonly("naive_brier", &Backtest::naive_brier)
      .def_readonly("expected_wins", &Backtest::expected_wins)
      .def_readonly("notes", &Backtest::notes)
      .def("summary", &Backtest::summary)
      .def(pickled<Backtest>());
}

}  // namespace

void salesops_bind_pipeline(py::module_& module) {
  auto word = module.def_submodule("pipeline", "What deals will book (salesops/pipeline.hpp).");
  bind_fit(word);
  bind_forecast(word);
  bind_backtest(word);
  using pipeline::Waterfall;
  py::class_<Waterfall>(word, "Waterfall", "Why the open pipeline is not what it was.")
      .def_property_readonly("period", [](const Waterfall& one) { return Span(one.start.us, one.end.us); })
      .def_readonly("currency", &Waterfall::currency)
      .def_readonly("details", &Waterfall::details)
      .def_readonly("notes", &Waterfall::notes)
      .def("to_table", &Waterfall::to_table)
      .def(pickled<Waterfall>());
  word.def("forecast", &forecast, py::arg("crm"), py::arg("as_of"), py::arg("period"), py::arg("options"),
           py::arg("progress") = py::none());
  word.def("backtest", &backtest, py::arg("crm"), py::arg("periods"), py::arg("months"), py::arg("weeks"),
           py::arg("options"), py::arg("progress") = py::none());
  word.def("waterfall", &waterfall, py::arg("crm"), py::arg("start"), py::arg("end"), py::arg("due_from"),
           py::arg("due_before"), py::arg("owners"), py::arg("pipeline"), py::arg("currency"),
           py::arg("progress") = py::none());
}
