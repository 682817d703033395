// A model of repeat purchases: what it answers, forecasts and draws.
#pragma once

#include <tuple>

#include "columns.hpp"
#include "salesops/clv/rates.hpp"
#include "salesops/clv/simulate.hpp"

namespace salesops_bindings {

using Keys = py::array_t<std::uint64_t, py::array::c_style>;
inline std::span<const std::uint64_t> view(const Keys& keys) {
  return {keys.data(), static_cast<std::size_t>(keys.size())};
}

/// `method(columns, threads)` of K asked values, x, t_x and T: one array for all rows, by `answer(model,
/// asked …, customers, out, execution)`.
template <class M, std::size_t K, class Answer>
void def_customers(py::class_<M>& type, const char* name, Answer answer) {
  type.def(
      name,
      [answer](const M& model, const std::vector<Array>& columns, int threads) {
        if (columns.size() != K + 3) throw salesops::UsageError("need " + std::to_string(K + 3) + " columns");
        const clv::RfmView customers{
            .x = view(columns[K]), .t_x = view(columns[K + 1]), .T = view(columns[K + 2])};
        Array out(columns[0].size());
        const std::span<double> into(out.mutable_data(), static_cast<std::size_t>(out.size()));
        const py::gil_scoped_release free;
        [&]<std::size_t... k>(std::index_sequence<k...>) {
          answer(model, view(columns[k])..., customers, into, salesops::Execution{.threads = threads});
        }(std::make_index_sequence<K>());
        return out;
      },
      py::arg("columns"), py::arg("threads") = 0);
}

/// Models of spend, the one each row follows, purchases whose mean is known, that mean, covariances, draws.
using Money = std::tuple<std::vector<clv::GammaGamma>, Codes, Array, Array, Array, Array>;

inline std::span<const std::uint32_t> view(const Codes& codes) {
  return {codes.data(), static_cast<std::size_t>(codes.size())};
}

/// `ask(spend or nullptr)`.
template <class Ask>
auto with_money(const Money& given, const Ask& ask) {
  const auto& [models, of_row, x, mean, covariance, draws] = given;
  if (models.empty()) return ask(nullptr);
  clv::SpendForecast money{models.front(), view(x), view(mean), view(covariance), view(draws)};
  if (models.size() > 1) {
    money.models = models;
    money.of_row = view(of_row);
  }
  return ask(&money);
}

inline clv::PredictOptions asked(double horizon, double discount_rate, double level, bool outcome,
                                 const Array& covariance, const Array& draws,
                                 const salesops::Execution& execution) {
  return {.horizon = horizon,
          .discount_rate = discount_rate,
          .level = level,
          .interval = outcome ? clv::IntervalKind::outcome : clv::IntervalKind::mean,
          .covariance = view(covariance),
          .draws = view(draws),
          .execution = execution};
}

/// One model for all customers, or by `of_row` the one each follows.
template <class M>
void bind_prediction(py::class_<M>& type) {
  type.def_static(
      "predict",
      [](const std::vector<M>& models, const Codes& of_row, const Array& x, const Array& t_x, const Array& T,
         double horizon, double discount_rate, double level, bool outcome, const Array& covariance,
         const Array& draws, const Money& given, int threads, const py::object& progress) {
        const clv::RfmView customers{.x = view(x), .t_x = view(t_x), .T = view(T)};
        return dict_of(interruptible(threads, progress, [&](const salesops::Execution& execution) {
          const auto options = asked(horizon, discount_rate, level, outcome, covariance, draws, execution);
          return with_money(given, [&](const clv::SpendForecast* money) {
            if (models.size() == 1) return clv::predict(models.front(), customers, options, money);
            return clv::predict(std::span<const M>(models), view(of_row), customers, options, money);
          });
        }));
      },
      py::arg("models"), py::arg("of_row"), py::arg("x"), py::arg("t_x"), py::arg("T"), py::arg("horizon"),
      py::arg("discount_rate"), py::arg("level"), py::arg("outcome"), py::arg("covariance"), py::arg("draws"),
      py::arg("spend"), py::arg("threads"), py::arg("progress"));
}

inline py::dict dict_of(const clv::Simulation& made, bool times) {
  py::dict columns;
  columns["frequency"] = array_of(made.x);
  columns["recency"] = array_of(made.t_x);
  columns["T"] = array_of(made.T);
  columns["sum_log_gaps"] = array_of(made.sum_log_gaps);
  columns["holdout_frequency"] = array_of(made.future);
  columns["alive"] =
      py::array_t<std::uint8_t>(static_cast<py::ssize_t>(made.alive.size()), made.alive.data());
  if (times) {
    columns["times"] = array_of(made.times);
    columns["first"] =
        py::array_t<std::size_t>(static_cast<py::ssize_t>(made.first.size()), made.first.data());
  }
  return columns;
}

/// `keys`: one a customer, or none for its position.
template <class M>
void bind_simulation(py::class_<M>& type) {
  type.def(
      "simulate",
      [](const M& model, const Array& T, const Keys& keys, double horizon, std::uint64_t seed, int threads,
         bool times) {
        return dict_of(
            interruptible(
                threads, py::none(),
                [&](const salesops::Execution& execution) {
                  return clv::simulate(
                      model, view(T),
                      {.seed = seed, .keys = view(keys), .horizon = horizon, .execution = execution});
                }),
            times);
      },
      py::arg("T"), py::arg("keys"), py::arg("horizon"), py::arg("seed"), py::arg("threads"),
      py::arg("times"));
}

/// `method(columns, level, threads)` of x, t_x and T: mean, sd, low and high of each row.
template <class M, class Answer>
void def_distribution(py::class_<M>& type, const char* name, Answer answer) {
  type.def(
      name,
      [answer](const M& model, const std::vector<Array>& columns, double level, int threads) {
        if (columns.size() != 3) throw salesops::UsageError("need 3 columns");
        const clv::RfmView customers{.x = view(columns[0]), .t_x = view(columns[1]), .T = view(columns[2])};
        const auto found = interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          return answer(model, customers, level, execution);
        });
        return py::make_tuple(array_of(found.mean), array_of(found.sd), array_of(found.low),
                              array_of(found.high));
      },
      py::arg("columns"), py::arg("level"), py::arg("threads") = 0);
}

#define SALESOPS_ASKS_ALL(question) [](const M& m, const auto&... all) { clv::question(m, all...); }

template <class M>
py::class_<M> bind_purchases(py::module_& word, const char* name, const char* doc) {
  auto type = bind_parameters<M>(word, name, doc);
  if constexpr (requires(M m) { m.k; })
    def_rows<M, 4>(type, "log_likelihood", SALESOPS_ASKS(log_likelihood));
  else
    def_rows<M, 3>(type, "log_likelihood", SALESOPS_ASKS(log_likelihood));
  def_rows<M, 3>(type, "p_alive", SALESOPS_ASKS(p_alive));
  def_rows<M, 3>(type, "log_p_alive", SALESOPS_ASKS(log_p_alive));
  def_rows<M, 4>(type, "p_alive_at", SALESOPS_ASKS(p_alive_at));
  def_customers<M, 1>(type, "expected_transactions", SALESOPS_ASKS_ALL(expected_transactions));
  def_rows<M, 5>(type, "pmf", SALESOPS_ASKS(pmf));
  def_rows<M, 4>(type, "p_no_transaction", SALESOPS_ASKS(p_no_transaction));
  def_customers<M, 1>(type, "dert", SALESOPS_ASKS_ALL(dert));
  def_customers<M, 2>(type, "dect", SALESOPS_ASKS_ALL(dect));
  def_rows<M, 3>(type, "expected_rate", SALESOPS_ASKS(expected_rate));
  def_rows<M, 3>(type, "expected_dropout", SALESOPS_ASKS(expected_dropout));
  def_distribution(type, "rate_distribution",
                   [](const M& m, const auto&... all) { return clv::rate_distribution(m, all...); });
  def_distribution(type, "dropout_distribution",
                   [](const M& m, const auto&... all) { return clv::dropout_distribution(m, all...); });
  def_rows<M, 1>(type, "p_alive_new", SALESOPS_ASKS(p_alive_new));
  def_rows<M, 1>(type, "expected_transactions_new", SALESOPS_ASKS(expected_transactions_new));
  def_rows<M, 2>(type, "pmf_new", SALESOPS_ASKS(pmf_new));
  def_rows<M, 1>(type, "dert_new", SALESOPS_ASKS(dert_new));
  def_rows<M, 2>(type, "dect_new", SALESOPS_ASKS(dect_new));
  bind_prediction(type);
  bind_simulation(type);
  return type;
}

#undef SALESOPS_ASKS_ALL

}  // namespace salesops_bindings
