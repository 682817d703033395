#include <pybind11/pybind11.h>

#include "clv/columns.hpp"

void salesops_bind_clv(pybind11::module_& module) {
  auto word = module.def_submodule("clv", "Customer lifetime value (salesops/clv.hpp).");
  salesops_bindings::bind_clv_contracts(word);  // first, for the others name spend
  salesops_bindings::bind_clv_rates(word);
  salesops_bindings::bind_clv_geometric(word);
  salesops_bindings::bind_clv_fits(word);
  salesops_bindings::bind_clv_dynamic(word);
  salesops_bindings::bind_clv_rfm(word);
}
