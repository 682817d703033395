#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "execution.hpp"
#include "salesops/ingest.hpp"

namespace py = pybind11;
namespace ingest = salesops::ingest;
using salesops_bindings::interruptible;

namespace {

py::tuple apply(const ingest::Mapping& mapping,
                const std::vector<std::pair<std::string, salesops::Table>>& raw,
                std::vector<salesops::TimeZone> zones, const py::object& progress) {
  ingest::Options options;
  options.zones = std::move(zones);
  ingest::Result result = interruptible(0, progress, [&](const salesops::Execution& execution) {
    options.execution = execution;
    return ingest::apply(mapping, raw, options);
  });
  py::dict tables;
  for (auto& [name, table] : result.tables) tables[py::str(name)] = std::move(table);
  return py::make_tuple(std::move(tables), std::move(result.issues));
}

}  // namespace

void salesops_bind_ingest(py::module_& module) {
  auto word = module.def_submodule(
      "ingest", "From the tables a CRM hands out to those of the data model (salesops/ingest.hpp).");
  py::class_<ingest::Mapping>(word, "Mapping", "Which source tables and columns feed the data model.")
      .def_static("parse", &ingest::Mapping::parse, py::arg("json"))
      .def_readonly("name", &ingest::Mapping::name)
      .def_readwrite("zone", &ingest::Mapping::zone)
      .def_readwrite("clock", &ingest::Mapping::clock);
  word.def("presets", &ingest::presets);
  word.def("preset_text", &ingest::preset_text, py::arg("name"));
  word.def("title_lines", &ingest::title_lines, py::arg("mapping"), py::arg("text"));
  word.def("salesforce_id", &ingest::salesforce_id, py::arg("id"));
  word.def("zones", &ingest::zones, py::arg("mapping"));
  word.def("understands", &ingest::understands, py::arg("mapping"), py::arg("table"));
  word.def("text_columns", &ingest::text_columns, py::arg("mapping"), py::arg("table"), py::arg("names"));
  word.def("apply", &apply, py::arg("mapping"), py::arg("raw"), py::arg("zones"),
           py::arg("progress") = py::none());
  word.def(
      "check",
      [](const salesops::Crm& crm) {
        return interruptible(0, py::none(), [&](const salesops::Execution&) { return ingest::check(crm); });
      },
      py::arg("crm"));
}
