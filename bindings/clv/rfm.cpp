// From transactions to one row a customer.
#include "salesops/clv/rfm.hpp"

#include "../value_casters.hpp"
#include "columns.hpp"

namespace salesops_bindings {

namespace {

constexpr Names<clv::TimeUnit, 6> units{{{clv::TimeUnit::minute, "minute"},
                                         {clv::TimeUnit::hour, "hour"},
                                         {clv::TimeUnit::day, "day"},
                                         {clv::TimeUnit::week, "week"},
                                         {clv::TimeUnit::month, "month"},
                                         {clv::TimeUnit::year, "year"}}};
constexpr Names<clv::RegularityMethod, 5> methods{{{clv::RegularityMethod::mle, "mle"},
                                                   {clv::RegularityMethod::wheat, "wheat"},
                                                   {clv::RegularityMethod::minka, "minka"},
                                                   {clv::RegularityMethod::thom, "thom"},
                                                   {clv::RegularityMethod::cv, "cv"}}};

clv::RfmState partial(const salesops::Table& transactions, const std::string& customer,
                      const std::string& time, const std::string& amount, const std::string& currency,
                      bool minor_units, const salesops::TimeZone& zone, bool by_minute, int threads) {
  return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
    return clv::RfmState::partial(transactions,
                                  {.customer = customer,
                                   .time = time,
                                   .amount = amount,
                                   .currency = currency,
                                   .minor_units = minor_units,
                                   .zone = zone,
                                   .by_minute = by_minute},
                                  execution);
  });
}

/// A day, and the last minute of it that counts.
using End = std::pair<salesops::Date, std::int32_t>;

std::optional<clv::RfmEnd> end_of(const std::optional<End>& end) {
  if (!end) return std::nullopt;
  return clv::RfmEnd{end->first, end->second};
}

clv::Rfm finish(const clv::RfmState& state, const std::string& unit, bool discrete,
                const std::optional<End>& calibration_end, const std::optional<End>& holdout_end,
                const std::optional<End>& observation_end, bool include_first, int threads) {
  const clv::TimeUnit of_time = read_name(units, unit);
  return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
    return state.finish({.unit = of_time,
                         .discrete = discrete,
                         .calibration_end = end_of(calibration_end),
                         .holdout_end = end_of(holdout_end),
                         .observation_end = end_of(observation_end),
                         .include_first = include_first,
                         .execution = execution});
  });
}

End calibration_end_of(const clv::Rfm& rfm) { return {rfm.calibration_end.day, rfm.calibration_end.minute}; }
End holdout_end_of(const clv::Rfm& rfm) { return {rfm.holdout_end.day, rfm.holdout_end.minute}; }

py::tuple scores_of(const clv::Rfm& rfm, int groups) {
  const auto scores = clv::rfm_scores(rfm, groups);
  std::vector<std::string> segments(scores.segment.begin(), scores.segment.end());
  return py::make_tuple(scores.recency, scores.frequency, scores.monetary, segments);
}

}  // namespace

void bind_clv_rfm(py::module_& word) {
  py::class_<clv::Rfm>(word, "Rfm", "One entry a customer.")
      .def("to_table", &clv::Rfm::to_table)
      .def("scores", &scores_of, py::arg("groups"))
      .def_readonly("issues", &clv::Rfm::issues)
      .def_property_readonly("unit",
                             [](const clv::Rfm& rfm) { return std::string(name_of(units, rfm.unit)); })
      .def_readonly("discrete", &clv::Rfm::discrete)
      .def_readonly("has_amount", &clv::Rfm::has_amount)
      .def_readonly("currency", &clv::Rfm::currency)
      .def_readonly("by_minute", &clv::Rfm::by_minute)
      .def_property_readonly("calibration_end", &calibration_end_of)
      .def_property_readonly("holdout_end", &holdout_end_of)
      .def_readonly("holdout_duration", &clv::Rfm::holdout_duration)
      .def_readonly("zone", &clv::Rfm::zone)
      .def("__len__", &clv::Rfm::size);
  py::class_<clv::RfmState>(word, "RfmState", "Days of purchase by customer; mergeable.")
      .def(py::init<>())
      .def_static("partial", &partial, py::arg("transactions"), py::arg("customer"), py::arg("time"),
                  py::arg("amount"), py::arg("currency"), py::arg("minor_units"), py::arg("zone"),
                  py::arg("by_minute"), py::arg("threads"))
      .def("merge", &clv::RfmState::merge, py::arg("other"), py::call_guard<py::gil_scoped_release>())
      .def("finish", &finish, py::arg("unit"), py::arg("discrete"), py::arg("calibration_end"),
           py::arg("holdout_end"), py::arg("observation_end"), py::arg("include_first"), py::arg("threads"))
      .def(
          "repeat_purchases",
          [](const clv::RfmState& state, const std::vector<salesops::Date>& ends, const End& joined_by) {
            return state.repeat_purchases(ends, {joined_by.first, joined_by.second});
          },
          py::arg("ends"), py::arg("joined_by"), py::call_guard<py::gil_scoped_release>())
      .def(
          "repeat_times",
          [](const clv::RfmState& state, const std::string& unit, salesops::Date calibration_end) {
            clv::RepeatTimes made;
            {
              const auto of_time = read_name(units, unit);
              const py::gil_scoped_release free;
              made = state.repeat_times({.unit = of_time, .calibration_end = calibration_end});
            }
            return py::make_tuple(
                py::array_t<std::size_t>(static_cast<py::ssize_t>(made.first.size()), made.first.data()),
                array_of(made.times));
          },
          py::arg("unit"), py::arg("calibration_end"))
      .def(
          "regularity",
          [](const clv::RfmState& state, const std::string& method) {
            const auto by = read_name(methods, method);
            const py::gil_scoped_release free;
            const auto found = state.regularity(by);
            return std::make_pair(found.k, found.customers);
          },
          py::arg("method"))
      .def("to_json", &clv::RfmState::to_json, py::call_guard<py::gil_scoped_release>())
      .def_static("from_json", &clv::RfmState::from_json, py::arg("text"),
                  py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("customers", &clv::RfmState::customers)
      .def_property_readonly("days", &clv::RfmState::days);
  word.def(
      "days_in", [](const std::string& unit) { return clv::days_in(read_name(units, unit)); },
      py::arg("unit"));
}

}  // namespace salesops_bindings
