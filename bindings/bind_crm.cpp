#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "execution.hpp"
#include "pickled.hpp"
#include "salesops/crm.hpp"
#include "value_casters.hpp"

namespace py = pybind11;
using namespace salesops;
using salesops_bindings::interruptible;

namespace salesops_bindings {

inline constexpr Names<RateDay, 3> rate_days{
    {{RateDay::close, "close"}, {RateDay::create, "create"}, {RateDay::fixed, "fixed"}}};
inline constexpr Names<RateKind, 3> rate_kinds{
    {{RateKind::spot, "spot"}, {RateKind::month_avg, "month_avg"}, {RateKind::budget, "budget"}}};
inline constexpr Names<NoRate, 2> no_rates{{{NoRate::error, "error"}, {NoRate::null, "null"}}};

}  // namespace salesops_bindings

namespace pybind11::detail {

template <>
struct type_caster<RateDay> : salesops_bindings::NameCaster<RateDay, salesops_bindings::rate_days> {};
template <>
struct type_caster<RateKind> : salesops_bindings::NameCaster<RateKind, salesops_bindings::rate_kinds> {};
template <>
struct type_caster<NoRate> : salesops_bindings::NameCaster<NoRate, salesops_bindings::no_rates> {};

}  // namespace pybind11::detail

namespace {

NamedTables named(const py::dict& tables) {
  NamedTables result;
  for (const auto& [name, table] : tables)
    result.emplace_back(py::cast<std::string>(name), py::cast<Table>(table));
  return result;
}

py::list model_rows() {
  py::list rows;
  for (const TableModel& table : data_model())
    for (const ColumnModel& column : table.columns)
      rows.append(py::make_tuple(table.name, column.name, std::string(kind_name(column.kind)), column.key,
                                 column.required, column.references, column.values,
                                 std::string(tracking_name(column.tracking))));
  return rows;
}

}  // namespace

void salesops_bind_crm(py::module_& module) {
  auto word =
      module.def_submodule("crm", "The book: CRM tables, checked, typed, rewindable (salesops/crm.hpp).");
  word.def("data_model", &model_rows,
           "(table, column, kind, key, required, references, values, tracking) of each column.");
  py::class_<Crm> type(word, "Crm", "An immutable book.");
  type.def_static(
          "build",
          [](const py::dict& tables, const std::string& currency, bool minor_units,
             const py::object& progress) {
            const NamedTables given = named(tables);
            return interruptible(0, progress, [&](const Execution& execution) {
              CrmOptions options;
              options.currency = currency;
              options.minor_units = minor_units;
              options.execution = execution;
              return Crm::build(given, options);
            });
          },
          py::arg("tables"), py::arg("currency") = "", py::arg("minor_units") = false,
          py::arg("progress") = py::none())
      .def(
          "has", [](const Crm& crm, const std::string& table) { return crm.has(table); }, py::arg("table"))
      .def("table", &Crm::table, py::arg("name"))
      .def_property_readonly("tables", &Crm::tables)
      .def("row_of", &Crm::row_of, py::arg("table"), py::arg("id"))
      .def_property_readonly("issues", &Crm::issues)
      .def("counts", &Crm::counts)
      .def("capabilities", &Crm::capabilities)
      .def_property_readonly(
          "latest", [](const Crm& crm) { return crm.latest().us; }, "UTC microseconds.")
      .def_property_readonly("currency", &Crm::currency)
      .def(
          "as_of",
          [](const Crm& crm, std::int64_t t, bool strict, const std::vector<std::string>& allow_current,
             const py::object& progress) {
            return interruptible(0, progress, [&](const Execution& execution) {
              return crm.as_of(Instant{t},
                               {.strict = strict, .allow_current = allow_current, .execution = execution});
            });
          },
          py::arg("t"), py::arg("strict") = false, py::arg("allow_current") = std::vector<std::string>(),
          py::arg("progress") = py::none())
      .def(
          "apply",
          [](const Crm& crm, const py::dict& changes, const py::object& progress) {
            const NamedTables given = named(changes);
            return interruptible(0, progress,
                                 [&](const Execution& execution) { return crm.apply(given, execution); });
          },
          py::arg("changes"), py::arg("progress") = py::none())
      .def(
          "with_days_in",
          [](const Crm& crm, const TimeZone& zone) {
            const py::gil_scoped_release release;
            return crm.with_days_in(zone);
          },
          py::arg("zone"))
      .def(
          "in_currency",
          [](const Crm& crm, const std::string& currency, RateDay at, Date day, RateKind kind,
             std::optional<int> max_age, const std::string& through, NoRate missing) {
            const py::gil_scoped_release release;
            return crm.in_currency(currency, {.at = at,
                                              .day = day,
                                              .kind = kind,
                                              .max_age = max_age,
                                              .through = through,
                                              .missing = missing});
          },
          py::arg("currency"), py::arg("at"), py::arg("day"), py::arg("kind"), py::arg("max_age"),
          py::arg("through"), py::arg("missing"));
  salesops_bindings::not_pickled(type,
                                 "a book can't be pickled: pickle the frames it was made of, and build it "
                                 "of them with Crm.build or salesops.read where they go");
}
