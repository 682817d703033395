#include <pybind11/pybind11.h>

#include "salesops/error.hpp"

namespace py = pybind11;

void salesops_bind_error(py::module_& module) {
  auto word = module.def_submodule("error", "Exceptions (salesops/error.hpp).");
  const auto base = py::register_exception<salesops::Error>(word, "Error", PyExc_Exception);
  const auto also = [&](PyObject* builtin) { return py::make_tuple(base, py::handle(builtin)); };
  py::register_exception<salesops::UsageError>(word, "UsageError", also(PyExc_ValueError));
  py::register_exception<salesops::UnitError>(word, "UnitError", also(PyExc_TypeError));
  py::register_exception<salesops::DataError>(word, "DataError", base);
  py::register_exception<salesops::Cancelled>(word, "Cancelled", base);
}
