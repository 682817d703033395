#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "execution.hpp"
#include "pickled.hpp"
#include "salesops/kpi.hpp"
#include "value_casters.hpp"

namespace py = pybind11;
using namespace salesops;
using salesops_bindings::interruptible;
using salesops_bindings::pickled;

namespace {

using Kpi = kpi::Result (*)(const Crm&, const kpi::Options&);

/// The answer of `work(options)`, run so that it can be interrupted.
template <class Work>
auto run(kpi::Options options, const py::object& progress, const Work& work) {
  return interruptible(options.execution.threads, progress, [&](const Execution& execution) {
    options.execution = execution;
    return work(options);
  });
}

void bind_results(py::module_& word) {
  py::class_<kpi::Metric>(word, "Metric", "One number with all it rests on.")
      .def_readonly("keys", &kpi::Metric::keys)
      .def_readonly("value", &kpi::Metric::value)
      .def_readonly("numerator", &kpi::Metric::numerator)
      .def_readonly("denominator", &kpi::Metric::denominator)
      .def_readonly("n", &kpi::Metric::n)
      .def_readonly("censored", &kpi::Metric::censored)
      .def_readonly("excluded", &kpi::Metric::excluded)
      .def_readonly("low", &kpi::Metric::low)
      .def_readonly("high", &kpi::Metric::high)
      .def_readonly("interval_note", &kpi::Metric::interval_note)
      .def_readonly("state", &kpi::Metric::state)
      .def_readonly("details", &kpi::Metric::details)
      .def_readonly("rows", &kpi::Metric::rows)
      .def(pickled<kpi::Metric>());
  py::class_<kpi::Result>(word, "Result", "What a KPI answers.")
      .def_readonly("name", &kpi::Result::name)
      .def_readonly("definition", &kpi::Result::definition)
      .def_readonly("unit", &kpi::Result::unit)
      .def_readonly("table", &kpi::Result::table)
      .def_readonly("by", &kpi::Result::by)
      .def_readonly("period", &kpi::Result::period)
      .def_property_readonly(
          "mode", [](const kpi::Result& result) { return std::string(kpi::mode_name(result.mode)); })
      .def_readonly("level", &kpi::Result::level)
      .def_property_readonly("as_of", [](const kpi::Result& result) { return result.as_of.us; })
      .def_readonly("metrics", &kpi::Result::metrics)
      .def_readonly("warnings", &kpi::Result::warnings)
      .def("to_table", &kpi::Result::to_table)
      .def(pickled<kpi::Result>());
  word.def("ids_of", &kpi::ids_of, py::arg("crm"), py::arg("result"), "Keys of the rows behind each metric.",
           py::call_guard<py::gil_scoped_release>());
}

template <class Enum, std::size_t n>
using Names = salesops_bindings::Names<Enum, n>;

constexpr Names<kpi::Clock, 3> clocks{{{kpi::Clock::available, "available"},
                                       {kpi::Clock::created, "created"},
                                       {kpi::Clock::reassigned, "reassigned"}}};
constexpr Names<kpi::Start, 3> starts{
    {{kpi::Start::created, "created"}, {kpi::Start::lead, "lead"}, {kpi::Start::stage, "stage"}}};
constexpr Names<kpi::Visits, 6> visits_names{{{kpi::Visits::first, "first"},
                                              {kpi::Visits::each, "each"},
                                              {kpi::Visits::deal, "deal"},
                                              {kpi::Visits::latest, "latest"},
                                              {kpi::Visits::cumulative, "cumulative"},
                                              {kpi::Visits::current, "current"}}};
kpi::Options make_options(const py::dict& given) {
  kpi::Options options;
  std::vector<std::string> known{"mode", "reopened", "weight", "as_of", "churn_base", "churn_at"};
  const auto take = [&](const char* name, auto& field) {
    known.emplace_back(name);
    if (!given.contains(name) || given[name].is_none()) return;
    try {
      field = py::cast<std::decay_t<decltype(field)>>(given[name]);
    } catch (const py::cast_error&) {
      if (py::isinstance<py::int_>(given[name])) throw UsageError(std::string(name) + " is out of range");
      throw UsageError(std::string(name) + " can't be " + std::string(py::str(py::type::of(given[name]))) +
                       "; see help(salesops.kpi)");
    }
  };
  take("where", options.where);
  take("by", options.by);
  take("period", options.period);
  take("level", options.level);
  take("window_days", options.window_days);
  take("idle_days", options.idle_days);
  take("keep_rows", options.keep_rows);
  take("allow_negative", options.allow_negative);
  take("seed", options.seed);
  take("calendar", options.calendar);
  take("zone", options.zone);
  take("target_minutes", options.target_minutes);
  take("gross_margin", options.gross_margin);
  take("hours", options.hours);
  take("lag", options.lag);
  take("threads", options.execution.threads);
  const auto take_name = [&](const char* name, auto& field, const auto& names) {
    std::string text;
    take(name, text);
    if (text.empty()) return;
    try {
      field = salesops_bindings::read_name(names, text);
    } catch (const UsageError& error) {
      throw UsageError(std::string(name) + ": " + error.what());
    }
  };
  take_name("clock", options.clock, clocks);
  take("hours_of", options.hours_of);
  take("zones", options.zones);
  take_name("start", options.start, starts);
  take("from_rank", options.from_rank);
  take_name("visits", options.visits, visits_names);
  take_name("every", options.every, salesops_bindings::period_lengths);
  take("in_order", options.in_order);
  take("no_decision", options.no_decision);
  for (const auto& [key, value] : given) {
    const auto name = py::cast<std::string>(key);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = near_names(name, known);
    throw UsageError("KPIs have no option '" + name + "'" +
                     (near.empty() ? std::string() : "; did you mean '" + near.front() + "'?"));
  }
  if (given.contains("mode") && !given["mode"].is_none())
    options.mode = kpi::parse_mode(py::cast<std::string>(given["mode"]));
  if (given.contains("reopened") && !given["reopened"].is_none())
    options.reopened = kpi::parse_reopened(py::cast<std::string>(given["reopened"]));
  if (given.contains("churn_base") && !given["churn_base"].is_none())
    options.churn_base = kpi::parse_churn_base(py::cast<std::string>(given["churn_base"]));
  if (given.contains("churn_at") && !given["churn_at"].is_none())
    options.churn_at = salesops::subscription::parse_churn_at(py::cast<std::string>(given["churn_at"]));
  if (given.contains("weight") && !given["weight"].is_none()) {
    const auto weight = py::cast<std::string>(given["weight"]);
    if (weight != "count" && weight != "value")
      throw UsageError("weight is 'count' or 'value', not '" + weight + "'");
    options.weight = weight == "value" ? kpi::Weight::value : kpi::Weight::count;
  }
  if (given.contains("as_of") && !given["as_of"].is_none())
    options.as_of = Instant{py::cast<std::int64_t>(given["as_of"])};
  return options;
}

kpi::Result call_ratio(const Crm& crm, const py::dict& given, const kpi::Options& options,
                       const py::object& progress) {
  const auto text = [&](const char* name) { return py::cast<std::string>(given[name]); };
  const kpi::RatioDefinition definition{text("name"),  text("numerator"), text("denominator"),
                                        text("table"), text("at"),        text("value")};
  return run(options, progress,
             [&](const kpi::Options& asked) { return kpi::ratio(crm, definition, asked); });
}

kpi::Scorecard call_scorecard(const Crm& crm, const kpi::Options& options, const std::string& compare,
                              const py::object& progress) {
  const kpi::Compare with = kpi::parse_compare(compare);
  return run(options, progress, [&](const kpi::Options& asked) { return kpi::scorecard(crm, asked, with); });
}

void bind_catalogue(py::module_& word) {
  word.def("ratio", &call_ratio, py::arg("crm"), py::arg("definition"), py::arg("options"),
           py::arg("progress") = py::none());
  word.def("catalogue", &kpi::catalogue, "All built-in KPIs, one row each.");
  py::class_<kpi::Scorecard>(word, "Scorecard", "The KPIs of one period on a page.")
      .def_readonly("period", &kpi::Scorecard::period)
      .def_readonly("prior_period", &kpi::Scorecard::prior_period)
      .def_property_readonly("as_of", [](const kpi::Scorecard& card) { return card.as_of.us; })
      .def_property_readonly("prior_as_of",
                             [](const kpi::Scorecard& card) {
                               return card.prior_as_of ? std::optional(card.prior_as_of->us) : std::nullopt;
                             })
      .def_readonly("by", &kpi::Scorecard::by)
      .def_readonly("currency", &kpi::Scorecard::currency)
      .def_readonly("level", &kpi::Scorecard::level)
      .def("ids",
           [](const kpi::Scorecard& card) {
             auto ids = card.group_ids;
             for (const kpi::ScorecardRow& row : card.rows) ids.push_back(row.ids);
             return ids;
           })
      .def("to_table", &kpi::Scorecard::to_table)
      .def("to_text", &kpi::Scorecard::to_text, py::arg("max_groups") = 20, py::arg("lacking") = true)
      .def(pickled<kpi::Scorecard>());
  word.def("scorecard", &call_scorecard, py::arg("crm"), py::arg("options"), py::arg("compare"),
           py::arg("progress") = py::none());
  using State = kpi::ScorecardState;
  const auto released = py::call_guard<py::gil_scoped_release>();
  py::class_<State>(word, "ScorecardState", "What the deals closed in a period add up to, by group.")
      .def(py::init<>())
      .def(py::init<const State&>(), py::arg("other"))
      .def_static(
          "partial",
          [](const Crm& crm, const kpi::Options& options,
             const std::optional<std::vector<std::string>>& deals, const py::object& progress) {
            return run(options, progress, [&](const kpi::Options& asked) {
              return deals ? State::partial(crm, asked, *deals) : State::partial(crm, asked);
            });
          },
          py::arg("crm"), py::arg("options"), py::arg("deals"), py::arg("progress") = py::none())
      .def("merge", &State::merge, py::arg("other"), released)
      .def("retract", &State::retract, py::arg("other"), released)
      .def("finish", &State::finish, py::arg("level"), released)
      .def("groups", &State::groups)
      .def("to_json", &State::to_json, released)
      .def_static("from_json", &State::from_json, py::arg("text"))
      .def("equals", [](const State& a, const State& b) { return a == b; }, py::arg("other"));
}

}  // namespace

void salesops_bind_kpi(py::module_& module) {
  auto word = module.def_submodule("kpi", "KPIs with honest definitions (salesops/kpi.hpp).");
  word.def("fiscal_calendar", &kpi::fiscal_calendar, py::arg("crm"));
  bind_results(word);
  py::class_<kpi::Options>(word, "Options", "What a KPI is asked; see salesops/kpi/metric.hpp.")
      .def(py::init(&make_options), py::arg("given"));
  const auto bind = [&](const char* name, Kpi function) {
    word.def(
        name,
        [function](const Crm& crm, const kpi::Options& options, const py::object& progress) {
          return run(options, progress, [&](const kpi::Options& asked) { return function(crm, asked); });
        },
        py::arg("crm"), py::arg("options"), py::arg("progress") = py::none());
  };
  bind("win_rate", &kpi::win_rate);
  bind("lead_conversion", &kpi::lead_conversion);
  bind("lead_response_time", &kpi::lead_response_time);
  bind("sla_compliance", &kpi::sla_compliance);
  bind("response_bands", &kpi::response_bands);
  bind("funnel", &kpi::funnel);
  bind("activity", &kpi::activity);
  bind("logo_churn", &kpi::logo_churn);
  bind("logo_retention", &kpi::logo_retention);
  bind("arpa", &kpi::arpa);
  bind("clv_simple", &kpi::clv_simple);
  bind("cac", &kpi::cac);
  bind("ltv_cac", &kpi::ltv_cac);
  bind("cac_payback", &kpi::cac_payback);
  bind("sales_cycle", &kpi::sales_cycle);
  bind("average_deal", &kpi::average_deal);
  bind("velocity", &kpi::velocity);
  bind("loss_reasons", &kpi::loss_reasons);
  bind("linearity", &kpi::linearity);
  bind("concentration", &kpi::concentration);
  bind("stage_conversion", &kpi::stage_conversion);
  bind("time_in_stage", &kpi::time_in_stage);
  py::class_<kpi::StageVisits>(word, "StageVisits", "Visits of deals to open stages.")
      .def_readonly("visits", &kpi::StageVisits::visits)
      .def_readonly("tracked", &kpi::StageVisits::tracked)
      .def_readonly("silent", &kpi::StageVisits::silent);
  word.def("stage_visits", &kpi::stage_visits, py::arg("crm"), py::arg("zone"),
           "One row a visit to an open stage.", py::call_guard<py::gil_scoped_release>());
  bind("stage_regression", &kpi::stage_regression);
  bind("slippage", &kpi::slippage);
  bind("pushes", &kpi::pushes);
  bind("pipeline_created", &kpi::pipeline_created);
  bind("weighted_pipeline", &kpi::weighted_pipeline);
  bind("pipeline_coverage", &kpi::pipeline_coverage);
  bind("forecast_rollup", &kpi::forecast_rollup);
  bind("idle_share", &kpi::idle_share);
  bind("snapshot_yield", &kpi::snapshot_yield);
  bind("hygiene", &kpi::hygiene);
  bind("attainment", &kpi::attainment);
  bind("attainment_distribution", &kpi::attainment_distribution);
  bind_catalogue(word);
}
