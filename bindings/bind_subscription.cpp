#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "execution.hpp"
#include "pickled.hpp"
#include "salesops/subscription.hpp"
#include "value_casters.hpp"

namespace py = pybind11;
namespace subscription = salesops::subscription;
using salesops_bindings::interruptible;
using salesops_bindings::Names;
using salesops_bindings::not_pickled;
using salesops_bindings::period_lengths;
using salesops_bindings::pickled;

/// GCC 12 fails on arrays among the fields with the PFR of Boost 1.81.
template <>
struct salesops_bindings::Fields<subscription::Movements> {
  static auto of(subscription::Movements& m) {
    return std::tie(m.every, m.follow, m.periods, m.starts, m.state, m.start, m.fx, m.amount, m.count, m.end,
                    m.annual, m.active, m.moved, m.balances, m.customers, m.customer_name, m.currency, m.zone,
                    m.as_of, m.window_us, m.issues);
  }
};

namespace {

constexpr Names<subscription::Follow, 2> followed{
    {{subscription::Follow::customer, "customer"}, {subscription::Follow::subscription, "subscription"}}};
constexpr Names<subscription::ChurnAt, 2> churns{
    {{subscription::ChurnAt::end, "end"}, {subscription::ChurnAt::cancel, "cancel"}}};
constexpr Names<subscription::Overlaps, 2> overlaps{
    {{subscription::Overlaps::latest, "latest"}, {subscription::Overlaps::sum, "sum"}}};
constexpr Names<subscription::Billing, 6> billings{{{subscription::Billing::day, "day"},
                                                    {subscription::Billing::week, "week"},
                                                    {subscription::Billing::month, "month"},
                                                    {subscription::Billing::quarter, "quarter"},
                                                    {subscription::Billing::half, "half"},
                                                    {subscription::Billing::year, "year"}}};
constexpr Names<subscription::Convention, 3> conventions{{{subscription::Convention::months, "months"},
                                                          {subscription::Convention::days_365, "days/365"},
                                                          {subscription::Convention::days_360, "days/360"}}};
constexpr Names<subscription::RatioInterval, 3> intervals{
    {{subscription::RatioInterval::linearized, "linearized"},
     {subscription::RatioInterval::bootstrap, "bootstrap"},
     {subscription::RatioInterval::none, "none"}}};
constexpr Names<salesops::RateKind, 3> rate_kinds{{{salesops::RateKind::spot, "spot"},
                                                   {salesops::RateKind::month_avg, "month_avg"},
                                                   {salesops::RateKind::budget, "budget"}}};
constexpr Names<salesops::NoRate, 2> no_rates{
    {{salesops::NoRate::error, "error"}, {salesops::NoRate::null, "leave_out"}}};

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

std::vector<std::string> names_of(const std::vector<subscription::PeriodState>& states) {
  std::vector<std::string> names;
  for (const auto state : states) names.emplace_back(subscription::period_state_name(state));
  return names;
}

void bind_arguments(py::module_& word) {
  using subscription::Columns;
  using subscription::Options;
  py::class_<Columns> columns(word, "Columns", "Where a table of subscriptions keeps what is needed.");
  columns.def(py::init<>())
      .def_readwrite("customer", &Columns::customer)
      .def_readwrite("subscription", &Columns::subscription)
      .def_readwrite("start", &Columns::start)
      .def_readwrite("end", &Columns::end)
      .def_readwrite("trial_end", &Columns::trial_end)
      .def_readwrite("closed", &Columns::closed)
      .def_readwrite("amount", &Columns::amount)
      .def_readwrite("quantity", &Columns::quantity)
      .def_readwrite("discount", &Columns::discount)
      .def_readwrite("billing", &Columns::billing)
      .def_readwrite("billing_count", &Columns::billing_count)
      .def_readwrite("plan", &Columns::plan)
      .def_readwrite("currency", &Columns::currency)
      .def_readwrite("charges", &Columns::charges)
      .def_readwrite("minor_units", &Columns::minor_units)
      .def_readwrite("end_included", &Columns::end_included)
      .def_readwrite("allow_negative", &Columns::allow_negative)
      .def_readwrite("closed_by", &Columns::closed_by)
      .def_readwrite("zone", &Columns::zone);
  def_named(columns, "follow", &Columns::follow, followed);
  def_named(columns, "churn_at", &Columns::churn_at, churns);
  def_named(columns, "usual_billing", &Columns::usual_billing, billings);
  py::class_<Options> options(word, "Options", "How revenue is followed.");
  options.def(py::init<>())
      .def_readwrite("calendar", &Options::calendar)
      .def_readwrite("window_us", &Options::window_us)
      .def_readwrite("grace_us", &Options::grace_us)
      .def_readwrite("to", &Options::to)
      .def_readwrite("rates", &Options::rates)
      .def_readwrite("keep_movements", &Options::keep_movements)
      .def_readwrite("keep_balances", &Options::keep_balances)
      .def_readwrite("max_periods", &Options::max_periods)
      .def_property(
          "as_of",
          [](const Options& how) {
            return how.as_of ? std::optional(how.as_of->us) : std::optional<std::int64_t>();
          },
          [](Options& how, std::optional<std::int64_t> us) {
            how.as_of = us ? std::optional(salesops::Instant{*us}) : std::nullopt;
          })
      .def(
          "convert",
          [](Options& how, const std::string& kind, std::optional<int> max_age, const std::string& through,
             const std::string& missing, std::optional<salesops::Date> day) {
            how.convert.kind = salesops_bindings::read_name(rate_kinds, kind);
            how.convert.max_age = max_age;
            how.convert.through = through;
            how.convert.missing = salesops_bindings::read_name(no_rates, missing);
            if (!day) return;
            how.convert.at = salesops::RateDay::fixed;
            how.convert.day = *day;
          },
          py::arg("kind"), py::arg("max_age"), py::arg("through"), py::arg("missing"), py::arg("day"));
  def_named(options, "every", &Options::every, period_lengths);
  def_named(options, "overlaps", &Options::overlaps, overlaps);
  using subscription::RetentionOptions;
  py::class_<RetentionOptions> retention(word, "RetentionOptions", "How revenue is compared.");
  retention.def(py::init<>())
      .def_readwrite("options", &RetentionOptions::options)
      .def_readwrite("over", &RetentionOptions::over)
      .def_readwrite("reactivation", &RetentionOptions::reactivation)
      .def_readwrite("level", &RetentionOptions::level)
      .def_readwrite("replicates", &RetentionOptions::replicates)
      .def_readwrite("seed", &RetentionOptions::seed);
  def_named(retention, "interval", &RetentionOptions::interval, intervals);
}

void bind_movements(py::module_& word) {
  using subscription::Movements;
  py::class_<Movements> type(word, "Movements", "Recurring revenue and what moved it, by period.");
  type.def_readonly("periods", &Movements::periods)
      .def_readonly("starts", &Movements::starts)
      .def_property_readonly("state", [](const Movements& made) { return names_of(made.state); })
      .def_readonly("start", &Movements::start)
      .def_readonly("fx", &Movements::fx)
      .def_readonly("end", &Movements::end)
      .def_readonly("annual", &Movements::annual)
      .def_readonly("active", &Movements::active)
      .def_readonly("currency", &Movements::currency)
      .def_readonly("zone", &Movements::zone)
      .def_readonly("window_us", &Movements::window_us)
      .def_property_readonly("as_of", [](const Movements& made) { return made.as_of.us; })
      .def_readonly("issues", &Movements::issues)
      .def_property_readonly(
          "kinds",
          [](const Movements&) {
            std::vector<std::string> kinds;
            for (std::size_t kind = 0; kind < subscription::movement_kinds; ++kind)
              kinds.emplace_back(subscription::movement_name(static_cast<subscription::Movement>(kind)));
            return kinds;
          })
      .def_readonly("amount", &Movements::amount)
      .def_readonly("count", &Movements::count)
      .def("quick_ratio", &Movements::quick_ratio, py::arg("period"), py::arg("with_reactivation"))
      .def("to_table", &Movements::to_table)
      .def("long_table", &Movements::long_table)
      .def("mrr_table", &Movements::mrr_table)
      .def("moved_table", &Movements::moved_table)
      .def("balances_table", &Movements::balances_table)
      .def(pickled<Movements>());
  def_named(type, "every", &Movements::every, period_lengths);
  def_named(type, "follow", &Movements::follow, followed);
  using subscription::Retention;
  py::class_<Retention> kept(word, "Retention", "What is left of start cohorts, by period.");
  kept.def_readonly("over", &Retention::over)
      .def_readonly("periods", &Retention::periods)
      .def_readonly("bases", &Retention::bases)
      .def_property_readonly("state", [](const Retention& made) { return names_of(made.state); })
      .def_readonly("customers", &Retention::customers)
      .def_readonly("currency", &Retention::currency)
      .def_readonly("zone", &Retention::zone)
      .def_readonly("reactivation", &Retention::reactivation)
      .def_readonly("confidence", &Retention::confidence)
      .def_property_readonly("as_of", [](const Retention& made) { return made.as_of.us; })
      .def_readonly("issues", &Retention::issues)
      .def("to_table", &Retention::to_table)
      .def("long_table", &Retention::long_table)
      .def(pickled<Retention>());
  def_named(kept, "every", &Retention::every, period_lengths);
  def_named(kept, "follow", &Retention::follow, followed);
}

void bind_state(py::module_& word) {
  using subscription::State;
  py::class_<State> type(word, "State", "Subscriptions by customer; mergeable.");
  type.def(py::init<>())
      .def_static(
          "partial",
          [](const salesops::Table& rows, const subscription::Columns& columns, int threads) {
            return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
              return State::partial(rows, columns, execution);
            });
          },
          py::arg("rows"), py::arg("columns"), py::arg("threads"))
      .def_static("of_book", &State::of_book, py::arg("crm"), py::arg("columns"), py::arg("pauses_end"),
                  py::call_guard<py::gil_scoped_release>())
      .def("merge", &State::merge, py::arg("other"), py::call_guard<py::gil_scoped_release>())
      .def(
          "finish",
          [](const State& state, subscription::Options options, int threads, const py::object& progress) {
            return interruptible(threads, progress, [&](const salesops::Execution& execution) {
              options.execution = execution;
              return state.finish(options);
            });
          },
          py::arg("options"), py::arg("threads"), py::arg("progress"))
      .def(
          "retention",
          [](const State& state, subscription::RetentionOptions options, int threads,
             const py::object& progress) {
            return interruptible(threads, progress, [&](const salesops::Execution& execution) {
              options.options.execution = execution;
              return subscription::retention(state, options);
            });
          },
          py::arg("options"), py::arg("threads"), py::arg("progress"))
      .def_property_readonly("customers", &State::customers)
      .def_property_readonly("rows", &State::rows);
  not_pickled(type,
              "a SubscriptionState can't be pickled: pickle the rows and make it of them where they go, or "
              "pickle what finish() gives");
}

void bind_contracts(py::module_& word) {
  using subscription::RenewalOptions;
  py::class_<RenewalOptions>(word, "RenewalOptions", "How renewals are found.")
      .def(py::init<>())
      .def_readwrite("options", &RenewalOptions::options)
      .def_readwrite("early_us", &RenewalOptions::early_us)
      .def_readwrite("late_us", &RenewalOptions::late_us)
      .def_readwrite("level", &RenewalOptions::level);
  using subscription::Renewals;
  py::class_<Renewals> type(word, "Renewals", "What came up for renewal and what was renewed, by period.");
  type.def_readonly("periods", &Renewals::periods)
      .def_property_readonly("state", [](const Renewals& made) { return names_of(made.state); })
      .def_readonly("up", &Renewals::up)
      .def_readonly("renewed", &Renewals::renewed)
      .def_readonly("pending", &Renewals::pending)
      .def_readonly("currency", &Renewals::currency)
      .def_readonly("zone", &Renewals::zone)
      .def_readonly("confidence", &Renewals::confidence)
      .def_property_readonly("as_of", [](const Renewals& made) { return made.as_of.us; })
      .def_readonly("issues", &Renewals::issues)
      .def("to_table", &Renewals::to_table)
      .def(pickled<Renewals>());
  def_named(type, "every", &Renewals::every, period_lengths);
  def_named(type, "follow", &Renewals::follow, followed);
  word.def(
      "renewals",
      [](const subscription::State& state, RenewalOptions options, int threads) {
        return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          options.options.execution = execution;
          return subscription::renewals(state, options);
        });
      },
      py::arg("state"), py::arg("options"), py::arg("threads"));
  using subscription::ContractValues;
  py::class_<ContractValues>(word, "ContractValues", "What contracts are worth.")
      .def_readonly("issues", &ContractValues::issues)
      .def("__len__", &ContractValues::size)
      .def("to_table", &ContractValues::to_table)
      .def(pickled<ContractValues>());
  word.def(
      "contract_values",
      [](const salesops::Table& rows, const subscription::Columns& columns, const std::string& one_off,
         const std::string& convention, int threads) {
        return interruptible(threads, py::none(), [&](const salesops::Execution& execution) {
          return subscription::contract_values(
              rows, {columns, one_off, salesops_bindings::read_name(conventions, convention)}, execution);
        });
      },
      py::arg("rows"), py::arg("columns"), py::arg("one_off"), py::arg("convention"), py::arg("threads"));
  word.def("magic_number", &subscription::magic_number, py::arg("revenue"), py::arg("revenue_before"),
           py::arg("cost_before"));
}

}  // namespace

void salesops_bind_subscription(py::module_& module) {
  auto word = module.def_submodule(
      "subscription", "Recurring revenue, its movements and what is kept (salesops/subscription.hpp).");
  bind_arguments(word);
  bind_movements(word);
  bind_state(word);
  bind_contracts(word);
}
