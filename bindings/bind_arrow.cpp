#include "arrow_capsule.hpp"

namespace py = pybind11;

namespace {

std::pair<salesops::Table, salesops::Issues> read_table(
    const py::object& data, const std::optional<std::vector<std::string>>& columns) {
  salesops::Issues issues;
  auto table = salesops_bindings::import_object(data, columns, &issues);
  return {std::move(table), std::move(issues)};
}

}  // namespace

void salesops_bind_arrow(py::module_& module) {
  auto word =
      module.def_submodule("arrow", "Tables in and out through the Arrow C interfaces (salesops/arrow.hpp).");
  word.def("read", &read_table, py::arg("data"), py::arg("columns") = py::none(),
           "The table of anything with ``__arrow_c_stream__``, and what was left out or noted on the way.");
}
