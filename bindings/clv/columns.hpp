// What the files of this word share: columns in and out, and the parameters of a model.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "../execution.hpp"
#include "salesops/clv/fit.hpp"
#include "salesops/clv/parameters.hpp"
#include "salesops/clv/predict.hpp"

namespace salesops_bindings {

namespace py = pybind11;
namespace clv = salesops::clv;

void bind_clv_contracts(py::module_& word);  ///< and spend, which the others name
void bind_clv_geometric(py::module_& word);
void bind_clv_rates(py::module_& word);
void bind_clv_fits(py::module_& word);
void bind_clv_dynamic(py::module_& word);
void bind_clv_rfm(py::module_& word);

using Array = py::array_t<double, py::array::c_style>;
using Codes = py::array_t<std::uint32_t, py::array::c_style>;

inline std::span<const double> view(const Array& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

inline Array array_of(const std::vector<double>& values) {
  return Array(static_cast<py::ssize_t>(values.size()), values.data());
}

inline clv::RfmView view_of(const Array& x, const Array& t_x, const Array& T, const Array& weights,
                            const Array& sum_log_gaps) {
  return {.x = view(x),
          .t_x = view(t_x),
          .T = view(T),
          .weights = view(weights),
          .sum_log_gaps = view(sum_log_gaps)};
}

/// `method(columns, threads)`: one array for all rows, by `question(model, one value a column)`.
template <class M, std::size_t K, class Question>
void def_rows(py::class_<M>& type, const char* name, Question question) {
  type.def(
      name,
      [question](const M& model, const std::vector<Array>& columns, int threads) {
        if (columns.size() != K) throw salesops::UsageError("need " + std::to_string(K) + " columns");
        std::array<std::span<const double>, K> spans;
        for (std::size_t k = 0; k < K; ++k) spans[k] = view(columns[k]);
        Array out(columns[0].size());
        const std::span<double> into(out.mutable_data(), static_cast<std::size_t>(out.size()));
        const py::gil_scoped_release free;
        clv::evaluate(spans,
                      [&](const double* row) {
                        return [&]<std::size_t... k>(std::index_sequence<k...>) {
                          return static_cast<double>(question(model, row[k]...));
                        }(std::make_index_sequence<K>());
                      },
                      into, {.threads = threads});
        return out;
      },
      py::arg("columns"), py::arg("threads") = 0);
}

template <class M>
py::class_<M> bind_parameters(py::module_& word, const char* name, const char* doc) {
  py::class_<M> type(word, name, doc);
  if constexpr (requires(M m) { m.k; }) {
    type.def(py::init([](const std::vector<double>& values, int k) {
               M model;
               model.k = k;
               return clv::with_parameters(model, values);
             }),
             py::arg("values"), py::arg("k"));
    type.def_readonly("k", &M::k);
  } else {
    type.def(py::init([](const std::vector<double>& values) { return clv::with_parameters(M{}, values); }),
             py::arg("values"));
  }
  type.def_property_readonly("values", [](const M& model) {
    const auto values = clv::parameter_values(model);
    return std::vector<double>(values.begin(), values.end());
  });
  py::list names;
  for (const auto& parameter : clv::parameters<M>) names.append(py::str(std::string(parameter.name)));
  type.attr("names") = py::tuple(names);
  return type;
}

inline py::tuple column_of(const clv::PredictedColumn& column) {
  return py::make_tuple(array_of(column.value), array_of(column.low), array_of(column.high));
}

inline py::tuple total_of(const clv::PredictedTotal& total) {
  return py::make_tuple(total.value, total.low, total.high);
}

inline py::dict dict_of(const clv::Prediction& result) {
  py::dict columns;
  columns["p_alive"] = column_of(result.p_alive);
  columns["expected_transactions"] = column_of(result.expected_transactions);
  columns["discounted_transactions"] = array_of(result.discounted_transactions);
  columns["expected_spend"] = column_of(result.expected_spend);
  columns["clv"] = column_of(result.clv);
  columns["total_alive"] = total_of(result.total_alive);
  columns["total_transactions"] = total_of(result.total_transactions);
  columns["total_clv"] = total_of(result.total_clv);
  return columns;
}

#define SALESOPS_ASKS(question) [](const M& m, auto... values) { return clv::question(m, values...); }

}  // namespace salesops_bindings
