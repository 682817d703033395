// Customers who never leave, or who may leave at any time or opportunity.
#include "purchases.hpp"

namespace salesops_bindings {

void bind_clv_rates(py::module_& word) {
  bind_purchases<clv::NBD>(word, "NBD", "Customers who never leave.");
  bind_purchases<clv::ParetoNBD>(word, "ParetoNBD", "Customers who may leave at any time.");
  auto correlated = bind_purchases<clv::SarmanovParetoNBD>(
      word, "SarmanovParetoNBD", "Customers who buy often and leave sooner, or later.");
  correlated.def_property_readonly("correlation",
                                   [](const clv::SarmanovParetoNBD& m) { return clv::correlation(m); });
  correlated.def_property_readonly("m_bounds", [](const clv::SarmanovParetoNBD& m) {
    const auto [low, high] = clv::m_bounds(m);
    return std::make_pair(low, high);
  });
  bind_purchases<clv::BGBB>(word, "BGBB", "Customers who buy or not at given opportunities.");
  bind_purchases<clv::GGompertzNBD>(word, "GGompertzNBD",
                                    "Customers whose risk of leaving changes with age.");
}

}  // namespace salesops_bindings
