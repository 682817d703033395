// Contracts that are renewed or not, and how much is spent a purchase.
#include "columns.hpp"
#include "salesops/clv/simulate.hpp"

namespace salesops_bindings {

namespace {

template <class M>
void bind_contract(py::module_& word, const char* name, const char* doc) {
  auto type = bind_parameters<M>(word, name, doc);
  def_rows<M, 1>(type, "survival", SALESOPS_ASKS(survival));
  def_rows<M, 2>(type, "survival_given", SALESOPS_ASKS(survival_given));
  def_rows<M, 1>(type, "retention", SALESOPS_ASKS(retention));
  def_rows<M, 1>(type, "log_survival", SALESOPS_ASKS(log_survival));
  def_rows<M, 1>(type, "log_p_churn", SALESOPS_ASKS(log_p_churn));
  def_rows<M, 3>(type, "residual_lifetime", [](const M& m, double discount_rate, double n, double made) {
    return clv::residual_lifetime(m, discount_rate, n, made != 0 ? clv::Renewal::made : clv::Renewal::due);
  });
  def_rows<M, 4>(type, "dect", [](const M& m, double t, double discount_rate, double n, double made) {
    return clv::dect(m, t, discount_rate, n, made != 0 ? clv::Renewal::made : clv::Renewal::due);
  });
  type.def(
      "log_likelihood",
      [](const M& model, const Array& survivors, double first_renewal) {
        return clv::log_likelihood(model, view(survivors), first_renewal);
      },
      py::arg("survivors"), py::arg("first_renewal"));
  type.def(
      "simulate",
      [](const M& model, std::size_t customers, std::size_t renewals, std::uint64_t seed) {
        return array_of(clv::simulate_contracts(model, customers, renewals, {.seed = seed}).survivors);
      },
      py::arg("customers"), py::arg("renewals"), py::arg("seed"));
}

void bind_spend(py::module_& word) {
  using M = clv::GammaGamma;
  auto type = bind_parameters<M>(word, "GammaGamma", "How much customers spend a purchase.");
  def_rows<M, 2>(type, "log_likelihood", SALESOPS_ASKS(log_likelihood));
  def_rows<M, 2>(type, "expected_spend", SALESOPS_ASKS(expected_spend));
  type.def("expected_spend_new", [](const M& m) { return clv::expected_spend_new(m); });
  type.def(
      "simulate",
      [](const M& model, const Array& x, std::uint64_t seed, int threads) {
        const auto counts = view(x);
        return array_of(interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          return clv::simulate_spend(model, counts, {.seed = seed, .execution = execution});
        }));
      },
      py::arg("x"), py::arg("seed"), py::arg("threads"));
}

}  // namespace

void bind_clv_contracts(py::module_& word) {
  bind_spend(word);
  bind_contract<clv::SBG>(word, "SBG", "Contracts with unequal, constant churn.");
  bind_contract<clv::BdW>(word, "BdW", "Contracts whose churn changes with age.");
}

}  // namespace salesops_bindings
