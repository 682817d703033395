#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include "execution.hpp"
#include "pickled.hpp"
#include "salesops/sample.hpp"

namespace py = pybind11;
using salesops_bindings::interruptible;
using salesops_bindings::pickled;

namespace {

salesops::Date date_of(const std::string& text) {
  const auto date = salesops::Date::parse(text);
  if (!date) throw salesops::UsageError("sample: dates are written YYYY-MM-DD");
  return *date;
}

salesops::sample::Sample crm(std::uint64_t seed, std::int64_t deals, const std::string& start, int months,
                             const std::optional<std::string>& end, int reps, const std::string& currency,
                             double foreign_share, int pipelines, double leads_per_deal,
                             double activities_per_deal, double dirt, int threads,
                             const py::object& progress) {
  salesops::sample::SampleOptions options{.seed = seed,
                                          .deals = deals,
                                          .start = date_of(start),
                                          .months = months,
                                          .end = end ? std::optional(date_of(*end)) : std::nullopt,
                                          .reps = reps,
                                          .currency = currency,
                                          .foreign_share = foreign_share,
                                          .pipelines = pipelines,
                                          .leads_per_deal = leads_per_deal,
                                          .activities_per_deal = activities_per_deal,
                                          .dirt = dirt,
                                          .execution = {}};
  return interruptible(threads, progress, [&](const salesops::Execution& execution) {
    options.execution = execution;
    return salesops::sample::crm(options);
  });
}

py::typing::Dict<py::str, salesops::Table> tables_of(const salesops::sample::Sample& sample) {
  py::typing::Dict<py::str, salesops::Table> tables;
  for (const auto& [name, table] : sample.tables) tables[py::str(name)] = table;
  return tables;
}

}  // namespace

void salesops_bind_sample(py::module_& module) {
  using salesops::sample::Sample;
  using salesops::sample::Truth;
  auto word = module.def_submodule("sample", "A seeded CRM book with known truth (salesops/sample.hpp).");
  py::class_<Truth>(word, "Truth", "What no real book tells; holds all deals of the window.")
      .def_readonly("deals", &Truth::deals)
      .def_readonly("reps", &Truth::reps)
      .def_readonly("stages", &Truth::stages)
      .def_readonly("accounts", &Truth::accounts)
      .def(pickled<Truth>());
  py::class_<Sample>(word, "Sample", "The tables of a book by name, and the truth behind them.")
      .def_property_readonly("tables", &tables_of)
      .def_readonly("truth", &Sample::truth)
      .def("table", &Sample::table, py::arg("name"), "The table so named; an error lists those there are.")
      .def(pickled<Sample>());
  word.def("crm", &crm, py::arg("seed"), py::arg("deals"), py::arg("start"), py::arg("months"),
           py::arg("end"), py::arg("reps"), py::arg("currency"), py::arg("foreign_share"),
           py::arg("pipelines"), py::arg("leads_per_deal"), py::arg("activities_per_deal"), py::arg("dirt"),
           py::arg("threads"), py::arg("progress"));
}
