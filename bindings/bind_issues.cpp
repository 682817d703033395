#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "pickled.hpp"

namespace py = pybind11;

void salesops_bind_issues(py::module_& module) {
  auto word = module.def_submodule("issues",
                                   "Rows that did not fit, with the rule they broke (salesops/issues.hpp).");
  py::class_<salesops::Issues>(word, "Issues",
                               "What was wrong with the rows; counts are exact, rows are capped.")
      .def_property_readonly("total", &salesops::Issues::total)
      .def("count", py::overload_cast<std::string_view>(&salesops::Issues::count, py::const_),
           py::arg("rule"))
      .def(py::init<>())
      .def(
          "add",
          [](salesops::Issues& issues, const std::string& table, std::int64_t row, const std::string& column,
             const std::string& rule, std::int64_t n) { issues.add_many(table, row, column, rule, n); },
          py::arg("table"), py::arg("row"), py::arg("column"), py::arg("rule"), py::arg("n") = 1)
      .def("merge", &salesops::Issues::merge, py::arg("other"))
      .def("to_table", &salesops::Issues::to_table)
      .def("summary", &salesops::Issues::summary)
      .def(
          "to_frame",
          [](const salesops::Issues& issues, const std::optional<std::string>& kind) -> py::object {
            return py::module_::import("salesops._frame").attr("of_kind")(issues.to_table(), kind);
          },
          py::arg("kind") = py::none(),
          "One row an issue kept, as a pandas (default, if installed), ``\"polars\"`` or ``\"pyarrow\"`` "
          "frame.")
      .def("__len__", &salesops::Issues::total)
      .def("__repr__",
           [](const salesops::Issues& issues) {
             return issues.total() == 0 ? std::string("no issues") : issues.summary().to_text(20);
           })
      .def("_repr_html_",
           [](const salesops::Issues& issues) {
             return py::module_::import("salesops._frame").attr("to_html")(issues.summary());
           })
      .def(salesops_bindings::pickled<salesops::Issues>());
}
