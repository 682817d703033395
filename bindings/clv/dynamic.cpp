// Pareto/NBD with covariates over time.
#include "salesops/clv/dynamic.hpp"

#include "fits.hpp"

namespace salesops_bindings {

namespace {

using Positions = py::array_t<std::size_t, py::array::c_style>;

std::span<const std::size_t> view(const Positions& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

/// Where each customer's intervals begin, where they end, and the columns that move buying and leaving.
using OverTime = std::tuple<Positions, Array, Columns, Columns, std::vector<std::string>>;

clv::DynamicCovariates covariates_of(const OverTime& given) {
  const auto& [first, until, transaction, lifetime, equal] = given;
  return {view(first),
          salesops_bindings::view(until),
          {salesops_bindings::covariates_of(transaction), salesops_bindings::covariates_of(lifetime), equal}};
}

/// Histories, where each customer's repeat purchases begin, their times, and the covariates.
using Dynamic = std::tuple<Histories, Positions, Array, OverTime>;

}  // namespace

void bind_clv_dynamic(py::module_& word) {
  def_fit<Dynamic>(word, "fit_pareto_nbd_over_time", [](const Dynamic& data, const clv::FitOptions& options) {
    const auto& [histories, first, times, over_time] = data;
    const auto customers = std::apply([](const auto&... columns) { return view_of(columns...); }, histories);
    return clv::fit_pareto_nbd(customers, {view(first), salesops_bindings::view(times)},
                               covariates_of(over_time), options);
  });
  word.def(
      "predict_over_time",
      [](const clv::ParetoNBD& model, const std::vector<double>& transaction,
         const std::vector<double>& lifetime, const Array& x, const Array& t_x, const Array& T,
         const OverTime& over_time, double horizon, double discount_rate, int threads) {
        clv::DynamicFit fit;
        fit.model = model;
        fit.transaction = transaction;
        fit.dropout = lifetime;
        return dict_of(interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          return clv::predict(fit,
                              {.x = salesops_bindings::view(x),
                               .t_x = salesops_bindings::view(t_x),
                               .T = salesops_bindings::view(T)},
                              covariates_of(over_time),
                              {.horizon = horizon, .discount_rate = discount_rate, .execution = execution});
        }));
      },
      py::arg("model"), py::arg("transaction"), py::arg("dropout"), py::arg("x"), py::arg("t_x"),
      py::arg("T"), py::arg("over_time"), py::arg("horizon"), py::arg("discount_rate"), py::arg("threads"));
}

}  // namespace salesops_bindings
