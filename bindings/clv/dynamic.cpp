// Pareto/NBD with covariates over time.
#include "salesops/clv/dynamic.hpp"

#include "fits.hpp"
#include "purchases.hpp"
#include "salesops/clv/paced.hpp"

namespace salesops_bindings {

namespace {

using Positions = py::array_t<std::size_t, py::array::c_style>;

std::span<const std::size_t> positions(const Positions& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

/// Where each customer's intervals begin, where they end, and the columns that move buying and leaving.
using OverTime = std::tuple<Positions, Array, Columns, Columns, std::vector<std::string>>;

clv::DynamicCovariates over_time_of(const OverTime& given) {
  const auto& [first, until, transaction, lifetime, equal] = given;
  return {positions(first),
          view(until),
          {salesops_bindings::covariates_of(transaction), salesops_bindings::covariates_of(lifetime), equal}};
}

/// Histories, where each customer's repeat purchases begin, their times, and the covariates.
using Dynamic = std::tuple<Histories, Positions, Array, OverTime>;

/// Names and values of all that was estimated, and the coefficients of buying and leaving among them.
using Estimates =
    std::tuple<std::vector<std::string>, std::vector<double>, std::vector<double>, std::vector<double>>;

clv::DynamicFit fit_of(const Estimates& given) {
  const auto& [names, values, transaction, dropout] = given;
  clv::DynamicFit fit;
  fit.parameters = names;
  fit.estimates = values;
  fit.model = clv::with_parameters(clv::ParetoNBD{}, values);
  fit.transaction = transaction;
  fit.dropout = dropout;
  return fit;
}

using ThreeColumns = std::tuple<Array, Array, Array>;

clv::RfmView customers_of(const ThreeColumns& columns) {
  const auto& [x, t_x, T] = columns;
  return {.x = view(x), .t_x = view(t_x), .T = view(T)};
}

/// The result of `fill(out, execution)`, of so many rows.
template <class Fill>
Array filled(py::ssize_t rows, int threads, const Fill& fill) {
  Array out(rows);
  const std::span<double> into(out.mutable_data(), static_cast<std::size_t>(rows));
  (void)interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
    fill(into, execution);
    return true;
  });
  return out;
}

/// Customers of one first day, and the paces they share.
struct Planned {
  clv::ParetoNBD model;
  std::vector<clv::Pace> paces;
  [[nodiscard]] clv::PacedParetoNBD paced() const { return {model, paces}; }
};

#define SALESOPS_ASKS_PLANNED(question) \
  [](const Planned& m, auto... values) { return clv::question(m.paced(), values...); }

void bind_planned(py::module_& word) {
  py::class_<Planned> type(word, "PacedParetoNBD", "Customers who began on one day.");
  type.def(py::init([](const Estimates& estimates, const OverTime& over_time) {
             const clv::DynamicFit fit = fit_of(estimates);
             return Planned{fit.model, fit.paces(over_time_of(over_time))};
           }),
           py::arg("fit"), py::arg("over_time"));
  def_rows<Planned, 3>(type, "p_alive", SALESOPS_ASKS_PLANNED(p_alive));
  def_rows<Planned, 3>(type, "log_p_alive", SALESOPS_ASKS_PLANNED(log_p_alive));
  def_rows<Planned, 4>(type, "p_alive_at", SALESOPS_ASKS_PLANNED(p_alive_at));
  def_rows<Planned, 4>(type, "expected_transactions", SALESOPS_ASKS_PLANNED(expected_transactions));
  def_rows<Planned, 5>(type, "pmf", SALESOPS_ASKS_PLANNED(pmf));
  def_rows<Planned, 4>(type, "p_no_transaction", SALESOPS_ASKS_PLANNED(p_no_transaction));
  def_rows<Planned, 5>(type, "dect", SALESOPS_ASKS_PLANNED(dect));
  def_rows<Planned, 3>(type, "expected_rate", SALESOPS_ASKS_PLANNED(expected_rate));
  def_rows<Planned, 3>(type, "expected_dropout", SALESOPS_ASKS_PLANNED(expected_dropout));
  def_rows<Planned, 1>(type, "p_alive_new", SALESOPS_ASKS_PLANNED(p_alive_new));
  def_rows<Planned, 1>(type, "expected_transactions_new", SALESOPS_ASKS_PLANNED(expected_transactions_new));
  def_rows<Planned, 2>(type, "pmf_new", SALESOPS_ASKS_PLANNED(pmf_new));
  def_rows<Planned, 2>(type, "dect_new", SALESOPS_ASKS_PLANNED(dect_new));
}

#undef SALESOPS_ASKS_PLANNED

}  // namespace

void bind_clv_dynamic(py::module_& word) {
  bind_planned(word);
  def_fit<Dynamic>(word, "fit_pareto_nbd_over_time", [](const Dynamic& data, const clv::FitOptions& options) {
    const auto& [histories, first, times, over_time] = data;
    const auto customers = std::apply([](const auto&... columns) { return view_of(columns...); }, histories);
    return clv::fit_pareto_nbd(customers, {positions(first), view(times)}, over_time_of(over_time), options);
  });
  word.def(
      "predict_over_time",
      [](const Estimates& fit, const ThreeColumns& customers, const OverTime& over_time, double horizon,
         double discount_rate, double level, bool outcome, const Array& covariance, const Array& draws,
         const Money& given, int threads) {
        return dict_of(interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          return with_money(given, [&](const clv::SpendForecast* money) {
            return clv::predict(fit_of(fit), customers_of(customers), over_time_of(over_time),
                                asked(horizon, discount_rate, level, outcome, covariance, draws, execution),
                                money);
          });
        }));
      },
      py::arg("fit"), py::arg("customers"), py::arg("over_time"), py::arg("horizon"),
      py::arg("discount_rate"), py::arg("level"), py::arg("outcome"), py::arg("covariance"), py::arg("draws"),
      py::arg("spend"), py::arg("threads"));
  word.def(
      "dect_over_time",
      [](const Estimates& fit, const Array& t, double discount_rate, const ThreeColumns& customers,
         const OverTime& over_time, int threads) {
        return filled(t.size(), threads, [&](std::span<double> out, const salesops::Execution& execution) {
          clv::dect(fit_of(fit), view(t), discount_rate, customers_of(customers), over_time_of(over_time),
                    out, execution);
        });
      },
      py::arg("fit"), py::arg("t"), py::arg("discount_rate"), py::arg("customers"), py::arg("over_time"),
      py::arg("threads"));
  word.def(
      "pmf_new_over_time",
      [](const Estimates& fit, const Array& n, const Array& t, const OverTime& over_time, int threads) {
        return filled(t.size(), threads, [&](std::span<double> out, const salesops::Execution& execution) {
          clv::pmf_new(fit_of(fit), view(n), view(t), over_time_of(over_time), out, execution);
        });
      },
      py::arg("fit"), py::arg("n"), py::arg("t"), py::arg("over_time"), py::arg("threads"));
  word.def(
      "simulate_over_time",
      [](const Estimates& fit, const Array& T, const OverTime& over_time, double horizon, std::uint64_t seed,
         int threads, bool times) {
        return dict_of(interruptible(threads, py::none(),
                                     [&](const salesops::Execution& execution) {
                                       const clv::DynamicFit known = fit_of(fit);
                                       const auto covariates = over_time_of(over_time);
                                       return clv::simulate(
                                           known.model, covariates.first, known.paces(covariates), view(T),
                                           {.seed = seed, .horizon = horizon, .execution = execution});
                                     }),
                       times);
      },
      py::arg("fit"), py::arg("T"), py::arg("over_time"), py::arg("horizon"), py::arg("seed"),
      py::arg("threads"), py::arg("times"));
}

}  // namespace salesops_bindings
