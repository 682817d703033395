#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "execution.hpp"
#include "pickled.hpp"
#include "salesops/cohort.hpp"
#include "value_casters.hpp"

namespace py = pybind11;
namespace cohort = salesops::cohort;
using salesops::Every;
using salesops_bindings::interruptible;
using salesops_bindings::not_pickled;
using salesops_bindings::pickled;

/// A fit is what all fits have, and its model.
template <class Model>
struct salesops_bindings::Fields<salesops::clv::Fit<Model>> {
  static auto of(salesops::clv::Fit<Model>& fit) {
    return std::tie(static_cast<salesops::clv::FitSummary&>(fit), fit.model);
  }
};

namespace {

template <class Enum, std::size_t n>
using Names = salesops_bindings::Names<Enum, n>;

constexpr Names<Every, 7> cuts{{{Every::day, "day"},
                                {Every::week, "week"},
                                {Every::month, "month"},
                                {Every::quarter, "quarter"},
                                {Every::half, "half"},
                                {Every::year, "year"},
                                {Every::all, "days"}}};
constexpr Names<cohort::Entry, 3> entries{{{cohort::Entry::first_time, "first_time"},
                                           {cohort::Entry::first_ever, "first_ever"},
                                           {cohort::Entry::recurring, "recurring"}}};
constexpr Names<cohort::Activity, 3> activities{{{cohort::Activity::not_refund, "not_refund"},
                                                 {cohort::Activity::positive, "positive"},
                                                 {cohort::Activity::all, "all"}}};
constexpr Names<cohort::Measure, 12> measures{{{cohort::Measure::classic, "classic"},
                                               {cohort::Measure::unbounded, "unbounded"},
                                               {cohort::Measure::bracket, "bracket"},
                                               {cohort::Measure::window, "window"},
                                               {cohort::Measure::previous, "previous"},
                                               {cohort::Measure::nrr, "nrr"},
                                               {cohort::Measure::grr_point, "grr_point"},
                                               {cohort::Measure::grr_path, "grr_path"},
                                               {cohort::Measure::ltv, "ltv"},
                                               {cohort::Measure::sum, "sum"},
                                               {cohort::Measure::mean, "mean"},
                                               {cohort::Measure::count, "count"}}};
constexpr Names<cohort::IntervalKind, 5> intervals{
    {{cohort::IntervalKind::by_measure, "by_measure"},
     {cohort::IntervalKind::wilson, "wilson"},
     {cohort::IntervalKind::clopper_pearson, "clopper_pearson"},
     {cohort::IntervalKind::bootstrap, "bootstrap"},
     {cohort::IntervalKind::none, "none"}}};
constexpr Names<cohort::Correction, 3> corrections{
    {{cohort::Correction::none, "none"},
     {cohort::Correction::holm, "holm"},
     {cohort::Correction::benjamini_hochberg, "benjamini_hochberg"}}};

/// A property of a named value, as its text.
template <class Owner, class Enum, std::size_t n>
void def_named(py::class_<Owner>& type, const char* name, Enum Owner::* field, const Names<Enum, n>& names) {
  type.def_property(
      name,
      [field, &names](const Owner& owner) {
        return std::string(salesops_bindings::name_of(names, owner.*field));
      },
      [field, &names](Owner& owner, const std::string& text) {
        owner.*field = salesops_bindings::read_name(names, text);
      });
}

/// An optional instant as microseconds.
template <class Owner>
void def_instant(py::class_<Owner>& type, const char* name, std::optional<salesops::Instant> Owner::* field) {
  type.def_property(
      name,
      [field](const Owner& owner) {
        return owner.*field ? std::optional((owner.*field)->us) : std::optional<std::int64_t>();
      },
      [field](Owner& owner, std::optional<std::int64_t> us) {
        owner.*field = us ? std::optional(salesops::Instant{*us}) : std::nullopt;
      });
}

void bind_options(py::module_& word) {
  using cohort::Columns;
  using cohort::Options;
  py::class_<Columns>(word, "Columns", "Where a table of events keeps what is needed.")
      .def(py::init<>())
      .def_readwrite("customer", &Columns::customer)
      .def_readwrite("time", &Columns::time)
      .def_readwrite("amount", &Columns::amount)
      .def_readwrite("currency", &Columns::currency)
      .def_readwrite("minor_units", &Columns::minor_units)
      .def_readwrite("start", &Columns::start)
      .def_readwrite("returned", &Columns::returned)
      .def_readwrite("older", &Columns::older)
      .def_readwrite("by", &Columns::by)
      .def_readwrite("zone", &Columns::zone);
  py::class_<Options> type(word, "Options", "How a grid is made.");
  type.def(py::init<>())
      .def_readwrite("min_count", &Options::min_count)
      .def_readwrite("window_us", &Options::window_us)
      .def_readwrite("max_age", &Options::max_age)
      .def_readwrite("level", &Options::level)
      .def_readwrite("replicates", &Options::replicates)
      .def_readwrite("seed", &Options::seed)
      .def_readwrite("max_cells", &Options::max_cells)
      .def(
          "cut",
          [](Options& options, const std::string& every, const salesops::FiscalCalendar& calendar,
             std::optional<int> week_start, int days, std::optional<salesops::Date> anchor) {
            options.cut = {salesops_bindings::read_name(cuts, every), calendar, week_start, days, anchor};
          },
          py::arg("every"), py::arg("calendar"), py::arg("week_start"), py::arg("days"), py::arg("anchor"))
      .def(
          "set_brackets",
          [](Options& options, const std::vector<std::pair<int, int>>& brackets) {
            options.brackets.clear();
            for (const auto& [first, last] : brackets) options.brackets.push_back({first, last});
          },
          py::arg("brackets"));
  def_named(type, "entry", &Options::entry, entries);
  def_named(type, "activity", &Options::activity, activities);
  def_named(type, "measure", &Options::measure, measures);
  def_named(type, "interval", &Options::interval, intervals);
  def_instant(type, "as_of", &Options::as_of);
  def_instant(type, "observed_from", &Options::observed_from);
}

py::list payback_of(const cohort::Retention& grid, const std::vector<double>& cost, double margin,
                    bool interpolate, std::size_t segment) {
  py::list found;
  for (const auto& one : cohort::payback(grid, cost, margin, interpolate, segment))
    found.append(py::make_tuple(one.age, one.at_least));
  return found;
}

py::list compare_of(const cohort::Retention& grid, const std::string& correction) {
  py::list found;
  for (const auto& one : cohort::compare(grid, salesops_bindings::read_name(corrections, correction)))
    found.append(py::make_tuple(one.first, one.second, one.age, one.n_first, one.n_second, one.value_first,
                                one.value_second, one.statistic, one.p_value, one.p_adjusted));
  return found;
}

std::vector<std::string> state_names(const std::vector<cohort::CellState>& states) {
  std::vector<std::string> names;
  for (const auto state : states) names.emplace_back(cohort::state_name(state));
  return names;
}

void bind_grid(py::module_& word) {
  using cohort::Retention;
  py::class_<Retention> type(word, "Retention", "Segments × cohorts × ages.");
  type.def_readonly("segments", &Retention::segments)
      .def_readonly("cohorts", &Retention::cohorts)
      .def_readonly("starts", &Retention::starts)
      .def_readonly("ages", &Retention::ages)
      .def_readonly("first_age", &Retention::first_age)
      .def_readonly("size", &Retention::size)
      .def_readonly("n", &Retention::n)
      .def_readonly("active", &Retention::active)
      .def_readonly("events", &Retention::events)
      .def_readonly("amount", &Retention::amount)
      .def_readonly("value", &Retention::value)
      .def_readonly("low", &Retention::low)
      .def_readonly("high", &Retention::high)
      .def_property_readonly("state", [](const Retention& grid) { return state_names(grid.state); })
      .def_property_readonly(
          "every",
          [](const Retention& grid) { return std::string(salesops_bindings::name_of(cuts, grid.every)); })
      .def_readonly("has_amount", &Retention::has_amount)
      .def_readonly("currency", &Retention::currency)
      .def_readonly("zone", &Retention::zone)
      .def_property_readonly("as_of", [](const Retention& grid) { return grid.as_of.us; })
      .def_readonly("level", &Retention::level)
      .def_readonly("customers_repeat", &Retention::customers_repeat)
      .def_readonly("customers", &Retention::customers)
      .def_readonly("older", &Retention::older)
      .def_readonly("outside", &Retention::outside)
      .def_readonly("issues", &Retention::issues)
      .def("to_table", &Retention::to_table)
      .def("pooled_table", &Retention::pooled_table)
      .def("triangle", &Retention::triangle, py::arg("segment"))
      .def("payback", &payback_of, py::arg("cost"), py::arg("margin"), py::arg("interpolate"),
           py::arg("segment"))
      .def("compare", &compare_of, py::arg("correction"))
      .def(pickled<Retention>());
  def_named(type, "measure", &Retention::measure, measures);
  def_named(type, "interval", &Retention::interval, intervals);
  using cohort::Lifecycle;
  py::class_<Lifecycle>(word, "Lifecycle", "Every period's customers by where they come from.")
      .def_readonly("periods", &Lifecycle::periods)
      .def_readonly("starts", &Lifecycle::starts)
      .def_readonly("new", &Lifecycle::fresh)
      .def_readonly("returning", &Lifecycle::returning)
      .def_readonly("resurrecting", &Lifecycle::resurrecting)
      .def_readonly("dormant", &Lifecycle::dormant)
      .def_readonly("older", &Lifecycle::older)
      .def_readonly("active", &Lifecycle::active)
      .def_property_readonly("state", [](const Lifecycle& life) { return state_names(life.state); })
      .def_property_readonly(
          "every",
          [](const Lifecycle& life) { return std::string(salesops_bindings::name_of(cuts, life.every)); })
      .def_readonly("zone", &Lifecycle::zone)
      .def_property_readonly("as_of", [](const Lifecycle& life) { return life.as_of.us; })
      .def_readonly("issues", &Lifecycle::issues)
      .def("to_table", &Lifecycle::to_table)
      .def(pickled<Lifecycle>());
}

/// The answer of `work(options)`, run so that it can be interrupted.
template <class Work>
auto run(cohort::Options options, int threads, const py::object& progress, const Work& work) {
  return interruptible(threads, progress, [&](const salesops::Execution& execution) {
    options.execution = execution;
    return work(options);
  });
}

void bind_calls(py::module_& word) {
  using cohort::State;
  py::class_<State> type(word, "State", "Events by customer; mergeable.");
  type.def(py::init<>())
      .def_static(
          "partial",
          [](const salesops::Table& events, const cohort::Columns& columns, int threads) {
            return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
              return State::partial(events, columns, execution);
            });
          },
          py::arg("events"), py::arg("columns"), py::arg("threads"))
      .def("merge", &State::merge, py::arg("other"), py::call_guard<py::gil_scoped_release>())
      .def(
          "finish",
          [](const State& state, const cohort::Options& options, int threads, const py::object& progress) {
            return run(options, threads, progress, [&](const auto& how) { return state.finish(how); });
          },
          py::arg("options"), py::arg("threads"), py::arg("progress"))
      .def(
          "lifecycle",
          [](const State& state, const cohort::Options& options, int threads) {
            return run(options, threads, py::none(),
                       [&](const auto& how) { return cohort::lifecycle(state, how); });
          },
          py::arg("options"), py::arg("threads"))
      .def_property_readonly("customers", &State::customers)
      .def_property_readonly("events", &State::events);
  not_pickled(type,
              "a RetentionState can't be pickled: pickle the rows and make it of them where they go, or "
              "pickle what finish() gives");
  word.def(
      "retention",
      [](const salesops::Table& events, const cohort::Columns& columns, const cohort::Options& options,
         int threads, const py::object& progress) {
        return run(options, threads, progress,
                   [&](const auto& how) { return cohort::retention(events, columns, how); });
      },
      py::arg("events"), py::arg("columns"), py::arg("options"), py::arg("threads"), py::arg("progress"));
  word.def(
      "lifecycle",
      [](const salesops::Table& events, const cohort::Columns& columns, const cohort::Options& options,
         int threads) {
        return run(options, threads, py::none(),
                   [&](const auto& how) { return cohort::lifecycle(events, columns, how); });
      },
      py::arg("events"), py::arg("columns"), py::arg("options"), py::arg("threads"));
  word.def(
      "adjusted",
      [](const std::vector<double>& p_values, const std::string& correction) {
        return cohort::adjusted(p_values, salesops_bindings::read_name(corrections, correction));
      },
      py::arg("p_values"), py::arg("correction"));
}

/// name, parameters, estimates, standard errors, profile, log-likelihood, AIC, converged, notes.
template <class Fit>
py::tuple fit_of(const char* name, const Fit& fit) {
  std::vector<std::pair<double, double>> ends;
  for (const auto& one : fit.profile) ends.emplace_back(one.low, one.high);
  return py::make_tuple(name, fit.parameters, fit.estimates, fit.standard_errors, ends, fit.log_likelihood,
                        fit.aic(), fit.converged, fit.notes);
}

void bind_triangle(py::module_& word) {
  using cohort::Projection;
  py::class_<Projection>(word, "Projection", "Where a triangle of contracts leads.")
      .def_property_readonly("fits",
                             [](const Projection& made) {
                               py::list fits;
                               if (made.sbg) fits.append(fit_of("sBG", *made.sbg));
                               if (made.bdw) fits.append(fit_of("BdW", *made.bdw));
                               return fits;
                             })
      .def_readonly("model", &Projection::model)
      .def_readonly("level", &Projection::level)
      .def_readonly("fans", &Projection::fans)
      .def_readonly("survival", &Projection::survival)
      .def_readonly("low", &Projection::low)
      .def_readonly("high", &Projection::high)
      .def_readonly("left", &Projection::left)
      .def_readonly("left_low", &Projection::left_low)
      .def_readonly("left_high", &Projection::left_high)
      .def_readonly("total", &Projection::total)
      .def_readonly("total_low", &Projection::total_low)
      .def_readonly("total_high", &Projection::total_high)
      .def(pickled<Projection>());
  word.def(
      "pooled_survival",
      [](const cohort::Triangle& triangle, double level) {
        const auto curve = cohort::pooled_survival(triangle, level);
        return py::make_tuple(curve.time, curve.at_risk, curve.events, curve.survival, curve.std_error,
                              curve.low, curve.high);
      },
      py::arg("triangle"), py::arg("level"));
  word.def(
      "project",
      [](const cohort::Triangle& triangle, int periods, double level, int fans, std::uint64_t seed,
         const std::string& fan, const std::string& model, double profile_level, int threads,
         const py::object& progress) {
        if (fan != "posterior" && fan != "bootstrap")
          throw salesops::UsageError("fan is posterior or bootstrap");
        if (model != "best" && model != "sbg" && model != "bdw")
          throw salesops::UsageError("model is best, sbg or bdw");
        if (periods < 1) throw salesops::UsageError("periods: from 1 to 1,200");
        cohort::ProjectOptions options{
            .periods = static_cast<std::size_t>(periods),
            .level = level,
            .fans = fans,
            .fan = fan == "bootstrap" ? cohort::FanKind::bootstrap : cohort::FanKind::posterior,
            .seed = seed,
            .sbg = model != "bdw",
            .bdw = model != "sbg",
            .profile_level = profile_level};
        return interruptible(threads, progress, [&](const salesops::Execution& execution) {
          options.execution = execution;
          return cohort::project(triangle, options);
        });
      },
      py::arg("triangle"), py::arg("periods"), py::arg("level"), py::arg("fans"), py::arg("seed"),
      py::arg("fan"), py::arg("model"), py::arg("profile_level"), py::arg("threads"), py::arg("progress"));
}

}  // namespace

void salesops_bind_cohort(py::module_& module) {
  auto word = module.def_submodule("cohort", "Customers by the period they began in (salesops/cohort.hpp).");
  bind_options(word);
  bind_grid(word);
  bind_calls(word);
  bind_triangle(word);
}
