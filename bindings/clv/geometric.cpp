// Customers who may leave after a purchase.
#include "purchases.hpp"

namespace salesops_bindings {

void bind_clv_geometric(py::module_& word) {
  bind_purchases<clv::BGNBD>(word, "BGNBD", "Customers who may leave after a repeat purchase.");
  bind_purchases<clv::MBGNBD>(word, "MBGNBD", "Customers who may leave after any purchase.");
  bind_purchases<clv::BGCNBD>(word, "BGCNBD", "BG/NBD with regular purchases.");
  bind_purchases<clv::MBGCNBD>(word, "MBGCNBD", "MBG/NBD with regular purchases.");
}

}  // namespace salesops_bindings
