// New, returning, resurrecting, dormant.
#include <algorithm>
#include <mutex>

#include "grid.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort {

namespace {

using cohort_detail::Plan;
using cohort_detail::Spine;

/// Counts a period, on all of a spine.
struct Counts {
  explicit Counts(std::size_t periods)
      : fresh(periods, 0),
        returning(periods, 0),
        resurrecting(periods, 0),
        dormant(periods, 0),
        older(periods, 0) {}
  std::vector<std::int64_t> fresh, returning, resurrecting, dormant, older;

  /// One customer's active periods, ascending.
  template <class Period>
  void add(const Period* active, std::size_t n, bool is_older) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto p = static_cast<std::size_t>(active[i]);
      if (i == 0)
        ++(is_older ? older : fresh)[p];
      else
        ++(active[i] == active[i - 1] + 1 ? returning : resurrecting)[p];
      const bool again = i + 1 < n && active[i + 1] == active[i] + 1;
      if (!again && p + 1 < dormant.size()) ++dormant[p + 1];
    }
  }
  void merge(const Counts& other) {
    for (auto part :
         {&Counts::fresh, &Counts::returning, &Counts::resurrecting, &Counts::dormant, &Counts::older})
      for (std::size_t i = 0; i < fresh.size(); ++i) (this->*part)[i] += (other.*part)[i];
  }
};

/// `work(counts, first, last)` on parts of the customers.
template <class Work>
Counts in_parts(std::size_t customers, std::size_t periods, const Execution& execution, const Work& work) {
  Counts counts(periods);
  std::mutex guard;
  const auto threads =
      static_cast<std::size_t>(execution.threads > 0 ? execution.threads : default_threads());
  const std::size_t parts = std::clamp<std::size_t>(customers / 4096, 1, threads);
  for_blocks(parts, execution, [&](std::size_t part) {
    Counts mine(periods);
    work(mine, customers * part / parts, customers * (part + 1) / parts);
    const std::lock_guard lock(guard);
    counts.merge(mine);
  });
  return counts;
}

Lifecycle finished(const Counts& counts, const Plan& plan, const TimeZone& zone, Issues issues) {
  Lifecycle life;
  life.every = plan.options.cut.days > 0 ? Every::all : plan.options.cut.every;
  life.zone = zone.name();
  life.as_of = Instant{plan.until.us - 1};
  life.issues = std::move(issues);
  const std::size_t periods = plan.spine.size();
  std::size_t first = 0;
  while (first < periods && counts.fresh[first] + counts.older[first] == 0) ++first;
  for (std::size_t p = first; p < periods; ++p) {
    life.periods.push_back(plan.spine.label(p));
    life.starts.push_back(plan.spine.start(p));
    life.fresh.push_back(counts.fresh[p]);
    life.returning.push_back(counts.returning[p]);
    life.resurrecting.push_back(counts.resurrecting[p]);
    life.dormant.push_back(counts.dormant[p]);
    life.older.push_back(counts.older[p]);
    life.active.push_back(counts.fresh[p] + counts.returning[p] + counts.resurrecting[p] + counts.older[p]);
    life.state.push_back(p + 1 < periods || plan.spine.last_is_over() ? CellState::complete
                                                                      : CellState::in_progress);
  }
  if (first < periods) life.starts.push_back(plan.spine.start(periods));
  return life;
}

/// The options of a grid with as many cells as there are periods.
Options of_periods(Options options) {
  options.measure = Measure::classic;
  options.interval = IntervalKind::none;
  options.entry = Entry::first_time;
  options.max_age = 0;
  return options;
}

}  // namespace

Lifecycle lifecycle(const State& state, const Options& given) {
  const Options options = of_periods(given);
  const StopScope scope(options.execution.stop);
  const State::Data& data = state.data();
  const Instant until{data.until.end()};
  if (!(data.first < until)) {
    Lifecycle none;
    none.zone = data.zone.name();
    none.issues = data.issues;
    return none;
  }
  const Plan plan(options, data.zone, data.first, until, data.has_amount, 1);
  const Counts counts =
      in_parts(data.customers(), plan.spine.size(), options.execution,
               [&](Counts& mine, std::size_t first, std::size_t last) {
                 std::vector<std::pair<std::int32_t, std::int32_t>> events_in;
                 std::vector<std::int32_t> active;
                 for (std::size_t i = first; i < last; ++i) {
                   tick(i);
                   bool older = false;
                   events_in.clear();
                   for (const auto& event : data.of(i)) {
                     if (event.at >= plan.until.us) break;
                     const bool early = options.observed_from && event.at < options.observed_from->us;
                     older = older || early || (event.flags & cohort_detail::is_older) != 0;
                     const std::int32_t period = plan.spine.period_of(event.at);
                     if (early || period == Spine::none || (event.flags & cohort_detail::is_return) == 0 ||
                         !plan.counts(event.amount))
                       continue;
                     if (events_in.empty() || events_in.back().first != period)
                       events_in.emplace_back(period, 0);
                     ++events_in.back().second;
                   }
                   // A clock put back over midnight shows the day before once more.
                   std::ranges::sort(events_in);
                   active.clear();
                   for (std::size_t j = 0; j < events_in.size(); ++j) {
                     if (j + 1 < events_in.size() && events_in[j].first == events_in[j + 1].first)
                       events_in[j + 1].second += events_in[j].second;
                     else if (events_in[j].second >= options.min_count)
                       active.push_back(events_in[j].first);
                   }
                   mine.add(active.data(), active.size(), older);
                 }
               });
  return finished(counts, plan, data.zone, data.issues);
}

Lifecycle lifecycle(const Table& events, const Columns& columns, const Options& given) {
  const Options options = of_periods(given);
  if (cohort_detail::Quick::fits(columns, options)) {
    const StopScope scope(options.execution.stop);
    cohort_detail::Quick quick(events, columns, options);
    if (quick.ready()) {
      const auto& masks = quick.masks;
      const Counts counts = in_parts(masks.customers, quick.plan->spine.size(), options.execution,
                                     [&](Counts& mine, std::size_t first, std::size_t last) {
                                       std::uint16_t active[64 * cohort_detail::Quick::most_words];
                                       for (std::size_t i = first; i < last; ++i)
                                         mine.add(active, masks.periods(i, active), false);
                                     });
      return finished(counts, *quick.plan, columns.zone, std::move(quick.issues));
    }
  }
  return lifecycle(State::partial(events, columns, options.execution), options);
}

Table Lifecycle::to_table() const {
  std::vector<std::string> states;
  for (const CellState one : state) states.emplace_back(state_name(one));
  return Table({{"period", Column::of_strings(periods)},
                {"new", Column::of(Type::int64, fresh)},
                {"returning", Column::of(Type::int64, returning)},
                {"resurrecting", Column::of(Type::int64, resurrecting)},
                {"dormant", Column::of(Type::int64, dormant)},
                {"older", Column::of(Type::int64, older)},
                {"active", Column::of(Type::int64, active)},
                {"state", Column::of_strings(states)}});
}

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
