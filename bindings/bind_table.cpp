#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "salesops/table.hpp"

namespace py = pybind11;

void salesops_bind_table(py::module_& module) {
  auto word = module.def_submodule("table", "Immutable typed columns and tables (salesops/table.hpp).");
  py::class_<salesops::Table>(word, "Table", "Columns of one length under distinct names; immutable.")
      .def_property_readonly("num_rows", &salesops::Table::num_rows)
      .def_property_readonly("num_columns", &salesops::Table::num_columns)
      .def_property_readonly("names", &salesops::Table::names)
      .def("has", &salesops::Table::has, py::arg("name"))
      .def(
          "select",
          [](const salesops::Table& table, const std::vector<std::string>& names) {
            return table.select(names);
          },
          py::arg("names"))
      .def("slice", &salesops::Table::slice, py::arg("start"), py::arg("length"))
      .def("to_text", &salesops::Table::to_text, py::arg("max_rows") = 20)
      .def("__len__", &salesops::Table::num_rows)
      .def("__repr__", [](const salesops::Table& table) { return table.to_text(10); });
}
