#include <pybind11/pybind11.h>

#include "salesops/version.hpp"

void salesops_bind_version(pybind11::module_& module) {
  auto word = module.def_submodule("version", "The version of the compiled part.");
  word.attr("version") = salesops::version;
}
