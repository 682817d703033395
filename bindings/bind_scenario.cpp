#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "pickled_scenario.hpp"

namespace py = pybind11;
using namespace salesops;

namespace {

using Name = std::pair<std::string, std::string>;
using Span = std::pair<std::int64_t, std::int64_t>;

Holder holder_of(const Name& name) { return {name.first, name.second}; }

std::optional<Interval> interval_of(const std::optional<Span>& span) {
  if (!span) return std::nullopt;
  return Interval{Instant{span->first}, Instant{span->second}};
}

Scenario made(const std::vector<Name>& leaves, const std::vector<Span>& periods,
              const std::vector<std::tuple<Name, Name, int, int>>& memberships,
              const py::array_t<std::int64_t, py::array::c_style>& values, const std::string& currency,
              std::uint64_t seed) {
  if (values.ndim() != 3) throw UsageError("scenario: values are leaves × periods × draws");
  ScenarioData data;
  for (const Name& leaf : leaves) data.leaves.push_back(holder_of(leaf));
  for (const Span& period : periods) data.periods.push_back(*interval_of(period));
  for (const auto& [member, parent, from, to] : memberships)
    data.memberships.push_back({holder_of(member), holder_of(parent), Date{from}, Date{to}});
  data.draws = static_cast<std::size_t>(values.shape(2));
  data.values.assign(values.data(), values.data() + values.size());
  data.currency = currency;
  data.seed = seed;
  return Scenario(std::move(data));
}

py::array_t<std::int64_t> array_of(const std::vector<std::int64_t>& values, std::vector<py::ssize_t> shape) {
  return py::array_t<std::int64_t>(std::move(shape), values.data());
}

std::vector<Name> names(const std::vector<Holder>& holders) {
  std::vector<Name> result;
  for (const Holder& holder : holders) result.emplace_back(holder.type, holder.id);
  return result;
}

}  // namespace

void salesops_bind_scenario(py::module_& module) {
  auto word = module.def_submodule("scenario", "Futures that add up (salesops/scenario.hpp).");
  py::class_<Scenario>(word, "Scenario", "Draws of holders and periods, in minor units.")
      .def(py::init(&made), py::arg("leaves"), py::arg("periods"), py::arg("memberships"), py::arg("values"),
           py::arg("currency"), py::arg("seed"))
      .def_property_readonly("draws", &Scenario::draws)
      .def_property_readonly("currency", &Scenario::currency)
      .def_property_readonly("seed", &Scenario::seed)
      .def_property_readonly("holders", [](const Scenario& one) { return names(one.holders()); })
      .def_property_readonly("leaves", [](const Scenario& one) { return names(one.leaves()); })
      .def_property_readonly("periods",
                             [](const Scenario& one) {
                               std::vector<Span> spans;
                               for (const Interval& period : one.periods())
                                 spans.emplace_back(period.start.us, period.end.us);
                               return spans;
                             })
      .def(
          "values",
          [](const Scenario& one, const Name& holder, const std::optional<Span>& period) {
            return array_of(one.values(holder_of(holder), interval_of(period)),
                            {static_cast<py::ssize_t>(one.draws())});
          },
          py::arg("holder"), py::arg("period"))
      .def(
          "running",
          [](const Scenario& one, const Name& holder) {
            return array_of(one.running(holder_of(holder)), {static_cast<py::ssize_t>(one.periods().size()),
                                                             static_cast<py::ssize_t>(one.draws())});
          },
          py::arg("holder"))
      .def(
          "mean",
          [](const Scenario& one, const Name& holder, const std::optional<Span>& period) {
            return one.mean(holder_of(holder), interval_of(period));
          },
          py::arg("holder"), py::arg("period"))
      .def(
          "quantile",
          [](const Scenario& one, const Name& holder, double probability, const std::optional<Span>& period) {
            return one.quantile(holder_of(holder), probability, interval_of(period));
          },
          py::arg("holder"), py::arg("probability"), py::arg("period"))
      .def(
          "interval",
          [](const Scenario& one, const Name& holder, double level, const std::optional<Span>& period) {
            return one.interval(holder_of(holder), level, interval_of(period));
          },
          py::arg("holder"), py::arg("level"), py::arg("period"))
      .def(
          "probability_at_least",
          [](const Scenario& one, const Name& holder, std::int64_t amount,
             const std::optional<Span>& period) {
            return one.probability_at_least(holder_of(holder), amount, interval_of(period));
          },
          py::arg("holder"), py::arg("amount"), py::arg("period"))
      .def(
          "to_table",
          [](const Scenario& one, const std::vector<double>& levels) { return one.to_table(levels); },
          py::arg("levels"))
      .def(salesops_bindings::pickled<Scenario>());
}
