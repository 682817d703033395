#include <pybind11/numpy.h>
#include <pybind11/operators.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <span>

#include "salesops/calendar.hpp"
#include "value_casters.hpp"

namespace py = pybind11;
using namespace salesops;

namespace {

constexpr salesops_bindings::Names<Every, 7> every_names{{{Every::day, "day"},
                                                          {Every::week, "week"},
                                                          {Every::month, "month"},
                                                          {Every::quarter, "quarter"},
                                                          {Every::half, "half"},
                                                          {Every::year, "year"},
                                                          {Every::all, "all"}}};
constexpr salesops_bindings::Names<YearName, 2> year_names{
    {{YearName::ends_in, "ends_in"}, {YearName::starts_in, "starts_in"}}};
constexpr salesops_bindings::Names<YearEnd, 2> year_ends{
    {{YearEnd::last, "last"}, {YearEnd::nearest, "nearest"}}};
constexpr salesops_bindings::Names<Ambiguous, 2> ambiguous_names{
    {{Ambiguous::first, "first"}, {Ambiguous::second, "second"}}};
constexpr salesops_bindings::Names<Reversed, 2> reversed_names{
    {{Reversed::negative, "negative"}, {Reversed::zero, "zero"}}};

}  // namespace

namespace pybind11::detail {
template <>
struct type_caster<Every> : salesops_bindings::NameCaster<Every, every_names> {};
template <>
struct type_caster<YearName> : salesops_bindings::NameCaster<YearName, year_names> {};
template <>
struct type_caster<YearEnd> : salesops_bindings::NameCaster<YearEnd, year_ends> {};
template <>
struct type_caster<Ambiguous> : salesops_bindings::NameCaster<Ambiguous, ambiguous_names> {};
template <>
struct type_caster<Reversed> : salesops_bindings::NameCaster<Reversed, reversed_names> {};
}  // namespace pybind11::detail

namespace {

using Column = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Days = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

template <class Array>
auto view(const Array& column) {
  return std::span(column.data(), static_cast<std::size_t>(column.size()));
}

/// A new array of `like`'s length that `fill` writes while the interpreter runs on.
template <class Out, class In, class Fill>
py::array_t<Out> filled(const In& like, const Fill& fill) {
  py::array_t<Out> out(like.size());
  const std::span<Out> cells(out.mutable_data(), static_cast<std::size_t>(out.size()));
  const py::gil_scoped_release free;
  fill(cells);
  return out;
}

using ClockSpans = std::vector<std::pair<std::string, std::string>>;

DayHours day_hours(const ClockSpans& spans) {
  DayHours hours;
  for (const auto& [open, close] : spans) hours.push_back(DaySpan::parse(open, close));
  return hours;
}

BusinessHours make_hours(const std::array<ClockSpans, 7>& week, const TimeZone& zone,
                         std::vector<Date> holidays, const std::map<Date, ClockSpans>& dates,
                         Ambiguous ambiguous, int first_year, int last_year) {
  BusinessHoursOptions options{.zone = zone,
                               .holidays = std::move(holidays),
                               .ambiguous = ambiguous,
                               .first_year = first_year,
                               .last_year = last_year};
  std::ranges::transform(week, options.week.begin(), day_hours);
  for (const auto& [date, spans] : dates) options.dates.emplace(date, day_hours(spans));
  return BusinessHours(options);
}

py::tuple calendar_state(const FiscalCalendar& calendar) {
  py::list rows;
  for (const auto& row : calendar.periods())
    rows.append(py::make_tuple(row.year, row.quarter, row.number, row.start));
  py::object pattern = py::none();
  if (const auto p = calendar.pattern())
    pattern = py::make_tuple(p->weeks, p->end_month, p->end_weekday, p->year_end, p->year_name);
  return py::make_tuple(calendar.start_month(), calendar.year_name(), pattern, rows, calendar.table_end());
}

using PatternState = std::tuple<std::array<int, 3>, int, int, YearEnd, YearName>;
using Rows = std::vector<std::tuple<int, int, int, Date>>;

FiscalCalendar table_of(const Rows& rows, Date end) {
  std::vector<CustomPeriod> periods;
  for (const auto& [year, quarter, number, start] : rows) periods.push_back({year, quarter, number, start});
  return FiscalCalendar::table(std::move(periods), end);
}

FiscalCalendar pattern_of(const PatternState& state) {
  const auto& [weeks, month, weekday, year_end, year_name] = state;
  return FiscalCalendar::week_pattern({weeks, month, weekday, year_end, year_name});
}

FiscalCalendar calendar_of(const py::tuple& state) {
  if (!state[2].is_none()) return pattern_of(state[2].cast<PatternState>());
  if (!state[4].is_none()) return table_of(state[3].cast<Rows>(), state[4].cast<Date>());
  return FiscalCalendar::months(state[0].cast<int>(), state[1].cast<YearName>());
}

void bind_fiscal(py::module_& word) {
  py::class_<Period>(word, "Period", "Civil days [start, end) that count as one; `every` is its length.")
      .def(py::init([](Date start, Date end, Every every, int year, int number) {
             return Period{start, end, every, year, number};
           }),
           py::arg("start"), py::arg("end"), py::arg("every") = Every::all, py::arg("year") = 0,
           py::arg("number") = 0)
      .def_readonly("start", &Period::start)
      .def_readonly("end", &Period::end, "The first day after it.")
      .def_readonly("every", &Period::every)
      .def_readonly("year", &Period::year)
      .def_readonly("number", &Period::number)
      .def_property_readonly("days", &Period::days)
      .def("__contains__", &Period::contains, py::arg("date"))
      .def(py::self == py::self)
      .def("__hash__", [](const Period& p) { return py::hash(py::make_tuple(p.start.days, p.end.days)); })
      .def("__repr__",
           [](const Period& p) {
             return "Period(" + p.start.to_string() + " to before " + p.end.to_string() + ")";
           })
      .def(py::pickle(
          [](const Period& p) { return py::make_tuple(p.start.days, p.end.days, p.every, p.year, p.number); },
          [](const py::tuple& s) {
            return Period{Date{s[0].cast<int>()}, Date{s[1].cast<int>()}, s[2].cast<Every>(),
                          s[3].cast<int>(), s[4].cast<int>()};
          }));

  py::class_<FiscalCalendar>(word, "FiscalCalendar", "Years, quarters and months as a company counts them.")
      .def(py::init(&calendar_of), py::arg("state"))
      .def_property_readonly("state", &calendar_state, "What makes the calendar, as plain values.")
      .def("period_of", &FiscalCalendar::period_of, py::arg("date"), py::arg("every"))
      .def("period_at", &FiscalCalendar::period_at, py::arg("index"), py::arg("every"))
      .def("next", &FiscalCalendar::next, py::arg("period"), py::arg("n") = 1)
      .def("previous", &FiscalCalendar::previous, py::arg("period"), py::arg("n") = 1)
      .def("between", &FiscalCalendar::between, py::arg("start"), py::arg("end"), py::arg("every"))
      .def("label", &FiscalCalendar::label, py::arg("period"))
      .def("parse_period", &FiscalCalendar::parse_period, py::arg("text"), py::arg("as_of"))
      .def("describe", &FiscalCalendar::describe)
      .def(
          "index_of_days",
          [](const FiscalCalendar& calendar, const Days& days, Every every) {
            return filled<std::int32_t>(days, [&](auto out) { calendar.index_of(view(days), every, out); });
          },
          py::arg("days"), py::arg("every"))
      .def(py::self == py::self);
  word.def(
      "week_pattern",
      [](std::array<int, 3> weeks, int end_month, int end_weekday, YearEnd year_end, YearName year_name) {
        return pattern_of({weeks, end_month, end_weekday, year_end, year_name});
      },
      py::arg("weeks"), py::arg("end_month"), py::arg("end_weekday"), py::arg("year_end"),
      py::arg("year_name"));
  word.def("months", &FiscalCalendar::months, py::arg("start_month"), py::arg("year_name"));
  word.def("table", &table_of, py::arg("rows"), py::arg("end"));
  word.def("nrf", &FiscalCalendar::nrf);
}

void bind_zone(py::module_& word) {
  py::class_<TimeZone>(word, "TimeZone", "Local clocks of a zone of the IANA database.")
      .def(py::init<>())
      .def(py::init([](std::string name, const py::bytes& tzif) {
             return TimeZone::from_bytes(std::move(name), std::string_view(tzif));
           }),
           py::arg("name"), py::arg("tzif"))
      .def_property_readonly("name", &TimeZone::name)
      .def(
          "offset_at", [](const TimeZone& zone, std::int64_t us) { return zone.offset_at(Instant{us}); },
          py::arg("us"), "Seconds ahead of UTC.")
      .def(
          "local_days",
          [](const TimeZone& zone, const Column& us) {
            return filled<std::int32_t>(us, [&](auto out) { zone.local_date(view(us), out); });
          },
          py::arg("us"))
      .def(
          "to_utc",
          [](const TimeZone& zone, const Column& local, Ambiguous ambiguous) {
            return filled<std::int64_t>(local, [&](auto out) { zone.to_utc(view(local), out, ambiguous); });
          },
          py::arg("local"), py::arg("ambiguous") = Ambiguous::first)
      .def(
          "parse",
          [](const TimeZone& zone, const std::string& text) -> std::optional<std::int64_t> {
            const auto instant = zone.parse(text);
            return instant ? std::optional(instant->us) : std::nullopt;
          },
          py::arg("text"))
      .def(py::self == py::self)
      .def("__reduce__",
           [](const TimeZone& zone) -> py::tuple {
             const py::object by_name = py::module_::import("salesops.calendar").attr("time_zone");
             return py::make_tuple(by_name, py::make_tuple(zone.name()));
           })
      .def("__repr__", [](const TimeZone& zone) { return "TimeZone('" + zone.name() + "')"; });
}

void bind_hours(py::module_& word) {
  py::class_<BusinessHours>(word, "BusinessHours", "Working time between instants, in UTC microseconds.")
      .def(py::init(&make_hours), py::arg("week"), py::arg("zone"), py::arg("holidays"), py::arg("dates"),
           py::arg("ambiguous"), py::arg("first_year"), py::arg("last_year"))
      .def(
          "elapsed_column",
          [](const BusinessHours& hours, const Column& starts, const Column& ends, Reversed reversed,
             int threads) {
            return filled<double>(starts, [&](auto out) {
              hours.elapsed_seconds(view(starts), view(ends), out, reversed, {.threads = threads});
            });
          },
          py::arg("starts"), py::arg("ends"), py::arg("reversed"), py::arg("threads"))
      .def(
          "add_column",
          [](const BusinessHours& hours, const Column& starts, const Column& us, int threads) {
            return filled<std::int64_t>(
                starts, [&](auto out) { hours.add(view(starts), view(us), out, {.threads = threads}); });
          },
          py::arg("starts"), py::arg("us"), py::arg("threads"))
      .def(
          "is_open_column",
          [](const BusinessHours& hours, const Column& at) {
            return filled<std::uint8_t>(at, [&](auto out) { hours.is_open(view(at), out); });
          },
          py::arg("at"))
      .def(
          "next_open_column",
          [](const BusinessHours& hours, const Column& at) {
            return filled<std::int64_t>(at, [&](auto out) { hours.next_open(view(at), out); });
          },
          py::arg("at"));
}

}  // namespace

void salesops_bind_calendar(py::module_& module) {
  auto word = module.def_submodule("calendar", "Fiscal and business time (salesops/calendar.hpp).");
  bind_fiscal(word);
  bind_zone(word);
  bind_hours(word);
}
