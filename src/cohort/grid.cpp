// From sums to cells: states, values, intervals, pooled rows.
#include "grid.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "salesops/special.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

using cohort::CellState;
using cohort::Entry;
using cohort::IntervalKind;
using cohort::Measure;
using cohort::Options;
using cohort::Retention;
using special::not_a_number;

bool is_share(Measure measure) noexcept {
  return measure == Measure::classic || measure == Measure::unbounded || measure == Measure::bracket ||
         measure == Measure::window || measure == Measure::previous;
}

bool is_gross(Measure measure) noexcept {
  return measure == Measure::grr_point || measure == Measure::grr_path;
}

bool is_money(Measure measure) noexcept {
  return measure == Measure::nrr || is_gross(measure) || measure == Measure::ltv || measure == Measure::sum ||
         measure == Measure::mean;
}

IntervalKind interval_of(const Options& options) {
  const bool share = is_share(options.measure);
  const bool total = options.measure == Measure::sum || options.measure == Measure::count;
  if (options.interval == IntervalKind::by_measure)
    return share ? IntervalKind::wilson : total ? IntervalKind::none : IntervalKind::bootstrap;
  const bool of_rates =
      options.interval == IntervalKind::wilson || options.interval == IntervalKind::clopper_pearson;
  if (of_rates && !share)
    throw UsageError(
        "Wilson's and Clopper and Pearson's intervals are of shares of customers; money and counts have the "
        "bootstrap");
  if (options.interval == IntervalKind::bootstrap && share && options.measure != Measure::classic)
    throw UsageError(
        "the bootstrap is for classic, money and counts; the other shares have Wilson's interval");
  return options.interval;
}

namespace {

std::string age_name(const cohort::Bracket& bracket) {
  return std::to_string(bracket.first) +
         (bracket.last > bracket.first ? "-" + std::to_string(bracket.last) : "");
}

void check(const Options& options, bool has_amount) {
  if (options.min_count < 1) throw UsageError("min_count is at least 1");
  if (options.max_age < -1) throw UsageError("max_age is 0 or more");
  if (!(options.level > 1 && options.level < 100))
    throw UsageError("level must lie between 1 and 100 percent");
  if (is_money(options.measure) && !has_amount)
    throw UsageError("this measure adds amounts; name the column that holds them");
  if (options.measure == Measure::bracket) {
    if (options.brackets.empty()) throw UsageError("the measure bracket needs brackets, such as ages 1 to 3");
    for (const auto& bracket : options.brackets)
      if (bracket.first < 0 || bracket.last < bracket.first)
        throw UsageError("a bracket goes from an age of 0 or more to one that is not below it");
    for (auto one = options.brackets.begin(); one != options.brackets.end(); ++one)
      if (std::find(options.brackets.begin(), one, *one) != one)
        throw UsageError("brackets: " + age_name(*one) + " is there twice; name each once");
  }
  if (options.measure == Measure::window) {
    if (options.window_us < 1) throw UsageError("a window is longer than nothing");
    if (options.entry == Entry::recurring)
      throw UsageError(
          "windows count from a customer's own first event; with recurring entry there are several");
  }
  if (interval_of(options) == IntervalKind::bootstrap &&
      (options.replicates < 100 || options.replicates > 100'000))
    throw UsageError("replicates: from 100 to 100,000");
}

Instant end_of(const Options& options, Instant known_until) {
  return options.as_of ? Instant{options.as_of->us + 1} : known_until;
}

Instant begin_of(const Options& options, Instant first, Instant until) {
  const Instant begin = options.observed_from ? std::max(first, *options.observed_from) : first;
  return std::min(begin, Instant{until.us - 1});
}

}  // namespace

Plan::Plan(const Options& given, const TimeZone& zone, Instant first, Instant known_until, bool money,
           std::size_t segments)
    : options(given),
      until(end_of(given, known_until)),
      spine(given.cut, zone, begin_of(given, first, until), until),
      has_amount(money) {
  check(options, has_amount);
  const auto most = options.max_age < 0 ? SIZE_MAX : static_cast<std::size_t>(options.max_age) + 1;
  if (options.measure == Measure::bracket)
    ages = options.brackets.size();
  else if (options.measure == Measure::window)
    ages = std::min(
        most,
        static_cast<std::size_t>(std::max<std::int64_t>(0, until.us - first.us) / options.window_us) + 1);
  else
    ages = std::min(most, std::max<std::size_t>(spine.size(), 1));
  check_cells(options, segments, spine.size(), ages);
  spine.prepare();
}

bool is_over(const Plan& plan, std::size_t cohort, std::size_t age) noexcept {
  const bool bracket = plan.options.measure == Measure::bracket;
  const std::size_t last = bracket ? static_cast<std::size_t>(plan.options.brackets[age].last) : age;
  const std::size_t periods = plan.spine.size();
  return cohort + last + 1 < periods || (cohort + last + 1 == periods && plan.spine.last_is_over());
}

CellState state_of(const Sums& sums, const Plan& plan, std::size_t segment, std::size_t cohort,
                   std::size_t age) {
  const std::size_t cell = sums.row(segment, cohort) + age;
  const Measure measure = plan.options.measure;
  const std::int64_t size = sums.size[segment * sums.cohorts + cohort];
  if (measure == Measure::window) {
    if (sums.n[cell] == 0) return CellState::unobserved;
    return sums.n[cell] == size ? CellState::complete : CellState::in_progress;
  }
  const bool bracket = measure == Measure::bracket;
  const std::size_t first = bracket ? static_cast<std::size_t>(plan.options.brackets[age].first) : age;
  if (cohort + first >= sums.cohorts) return CellState::unobserved;
  if (!is_over(plan, cohort, age)) return CellState::in_progress;
  // Where all of a cohort count already, nobody is left who could come later.
  return measure == Measure::unbounded && sums.active[cell] < size ? CellState::may_grow
                                                                   : CellState::complete;
}

namespace {

std::int64_t narrow(int128 sum) {
  if (sum > std::numeric_limits<std::int64_t>::max() || sum < std::numeric_limits<std::int64_t>::min())
    throw UsageError("amounts sum beyond 64-bit minor units");
  return static_cast<std::int64_t>(sum);
}

/// Numerator and denominator of a cell.
struct Ratio {
  double over = 0;
  double under = 0;
  [[nodiscard]] double value() const noexcept { return under > 0 ? over / under : not_a_number; }
};

class Reader {
 public:
  Reader(const Sums& sums, const Plan& plan, double minor_per_major)
      : sums_(sums), plan_(plan), per_major_(minor_per_major), through_(sums.amount) {
    if (plan.options.measure == Measure::ltv)
      for (std::size_t row = 0; row < through_.size(); row += sums.ages)
        for (std::size_t k = 1; k < sums.ages; ++k) through_[row + k] += through_[row + k - 1];
  }

  [[nodiscard]] std::int64_t size(std::size_t segment, std::size_t cohort) const {
    return sums_.size[segment * sums_.cohorts + cohort];
  }
  [[nodiscard]] std::int64_t n(std::size_t segment, std::size_t cohort, std::size_t age) const {
    const std::size_t cell = sums_.row(segment, cohort) + age;
    switch (plan_.options.measure) {
      case Measure::window:
      case Measure::previous: return sums_.n[cell];
      case Measure::mean: return sums_.active[cell];
      default: return size(segment, cohort);
    }
  }
  /// Total amounts and counts are ratios to 1.
  [[nodiscard]] Ratio ratio(std::size_t segment, std::size_t cohort, std::size_t age) const {
    const std::size_t row = sums_.row(segment, cohort);
    const std::size_t cell = row + age;
    const auto people = static_cast<double>(n(segment, cohort, age));
    switch (plan_.options.measure) {
      case Measure::nrr: return {money(sums_.amount[cell]), money(sums_.amount[row])};
      case Measure::grr_point:
      case Measure::grr_path: return {money(sums_.kept[cell]), money(sums_.kept[row])};
      case Measure::ltv: return {money(through_[cell]), people};
      case Measure::sum: return {money(sums_.amount[cell]), 1};
      case Measure::mean: return {money(sums_.amount[cell]), people};
      case Measure::count: return {static_cast<double>(sums_.events[cell]), 1};
      default: return {static_cast<double>(sums_.active[cell]), people};
    }
  }

 private:
  [[nodiscard]] double money(int128 minor) const { return static_cast<double>(narrow(minor)) / per_major_; }

  const Sums& sums_;
  const Plan& plan_;
  double per_major_;
  std::vector<int128> through_;
};

std::optional<stats::Interval> interval(IntervalKind kind, std::int64_t active, std::int64_t n,
                                        double level) {
  if (kind == IntervalKind::wilson) return stats::wilson(active, n, level);
  if (kind == IntervalKind::clopper_pearson) return stats::clopper_pearson(active, n, level);
  return std::nullopt;
}

/// Wilson's interval of a share over customers who stand in it several times, with the number of independent
/// ones that its spread over the customers is worth (Korn and Graubard 1998): p(1−p) ÷ the squared error of
/// the ratio, less by (z/t)² for few customers. Where all or none are active there is no spread to see, and
/// customers count as if each were alike in all its cohorts: (Σ n)² ÷ Σ n².
std::optional<stats::Interval> of_clusters(const Clusters& clusters, std::int64_t active, std::int64_t n,
                                           double level) {
  if (n == 0) return std::nullopt;
  const auto cells = static_cast<double>(n);
  const double share = static_cast<double>(active) / cells;
  const double z = stats::normal_multiplier(level);
  double worth = cells * cells / static_cast<double>(clusters.nn);
  if (clusters.customers > 1 && active > 0 && active < n) {
    const auto customers = static_cast<double>(clusters.customers);
    const double squares = static_cast<double>(clusters.aa) - 2 * share * static_cast<double>(clusters.an) +
                           share * share * static_cast<double>(clusters.nn);
    const double t = stats::student_multiplier(customers - 1, level);
    const double variance = std::max(0.0, squares) * customers / (customers - 1) / (cells * cells);
    worth = std::min(cells, share * (1 - share) / variance) * (z / t) * (z / t);
  }
  const double z2 = z * z / worth;
  const double middle = (share + z2 / 2) / (1 + z2);
  const double half = z / (1 + z2) * std::sqrt(share * (1 - share) / worth + z2 / (4 * worth));
  return stats::Interval{share, active == 0 ? 0 : std::max(0.0, middle - half),
                         active == n ? 1 : std::min(1.0, middle + half), level};
}

bool needs_whole_periods(Measure measure) { return measure == Measure::nrr || is_gross(measure); }

void name_axes(Retention& grid, const Sums& sums, const Plan& plan, std::size_t first_cohort,
               std::size_t first_age, std::size_t last_age) {
  for (std::size_t c = first_cohort; c < sums.cohorts; ++c) {
    grid.cohorts.push_back(plan.spine.label(c));
    grid.starts.push_back(plan.spine.start(c));
  }
  grid.starts.push_back(plan.spine.start(sums.cohorts));
  for (std::size_t k = first_age; k < last_age; ++k) {
    if (plan.options.measure != Measure::bracket) {
      grid.ages.push_back(std::to_string(k));
      grid.first_age.push_back(static_cast<int>(k));
      continue;
    }
    const auto& bracket = plan.options.brackets[k];
    grid.ages.push_back(age_name(bracket));
    grid.first_age.push_back(bracket.first);
  }
}

}  // namespace

Retention grid_of(const Sums& sums, const Plan& plan, std::vector<std::string> segments,
                  const std::string& currency, const std::vector<Lots>* lots) {
  const Options& options = plan.options;
  const Measure measure = options.measure;
  Retention grid;
  grid.measure = measure;
  grid.every = options.cut.days > 0 ? Every::all : options.cut.every;
  grid.segments = std::move(segments);
  grid.has_amount = plan.has_amount;
  grid.currency = currency;
  grid.as_of = Instant{plan.until.us - 1};
  grid.level = options.level;
  grid.interval = interval_of(options);
  grid.customers_repeat = options.entry == Entry::recurring;
  grid.older = sums.older;
  grid.outside = sums.outside;

  std::size_t first_cohort = sums.cohorts;
  for (std::size_t i = 0; i < sums.size.size(); ++i)
    if (sums.size[i] > 0) first_cohort = std::min(first_cohort, i % sums.cohorts);
  if (first_cohort == sums.cohorts) return grid;  // nobody began
  const std::size_t first_age = measure == Measure::previous ? 1 : 0;
  std::size_t last_age = sums.ages;
  if (measure == Measure::window) {
    last_age = 0;
    for (std::size_t i = 0; i < sums.n.size(); ++i)
      if (sums.n[i] > 0) last_age = std::max(last_age, i % sums.ages + 1);
  } else if (measure != Measure::bracket) {
    last_age = std::min(last_age, sums.cohorts - first_cohort);
  }
  name_axes(grid, sums, plan, first_cohort, first_age, last_age);

  const int digits = currency.empty() ? 2 : Currency::from(currency).exponent();
  const auto per_major = static_cast<double>(salesops::detail::power_of_ten(digits));
  const Reader read(sums, plan, per_major);
  std::optional<Bootstrapped> drawn;
  std::vector<double> errors;
  if (lots != nullptr) {
    drawn = bootstrap(sums, plan, *lots, per_major);
    errors = ratio_errors(sums, plan, *lots, per_major);
  }
  for (std::size_t s = 0; s < sums.segments; ++s) {
    std::vector<cohort::PooledAge> pooled(last_age > first_age ? last_age - first_age : 0);
    std::vector<Ratio> total(pooled.size());
    std::vector<std::int64_t> valued(pooled.size(), 0);
    for (std::size_t c = first_cohort; c < sums.cohorts; ++c) {
      grid.size.push_back(read.size(s, c));
      grid.customers += read.size(s, c);
      for (std::size_t k = first_age; k < last_age; ++k) {
        const std::size_t cell = sums.row(s, c) + k;
        const CellState state = state_of(sums, plan, s, c, k);
        const bool begun = state != CellState::unobserved;
        const std::int64_t n = begun ? read.n(s, c, k) : 0;
        grid.state.push_back(state);
        grid.n.push_back(n);
        grid.active.push_back(begun ? sums.active[cell] : 0);
        if (measure == Measure::count) grid.events.push_back(begun ? sums.events[cell] : 0);
        if (plan.has_amount) grid.amount.push_back(begun ? narrow(sums.amount[cell]) : 0);
        if (k == 0 && is_gross(measure)) grid.kept_base.push_back(narrow(sums.kept[cell]));
        double value = not_a_number, low = not_a_number, high = not_a_number;
        const bool ready = begun && !(needs_whole_periods(measure) && state == CellState::in_progress);
        const Ratio ratio = ready && read.size(s, c) > 0 ? read.ratio(s, c, k) : Ratio{};
        if (ready) value = ratio.value();
        if (const auto ends = interval(grid.interval, begun ? sums.active[cell] : 0, n, options.level)) {
          low = ends->low;
          high = ends->high;
        } else if (drawn && !std::isnan(value)) {
          low = drawn->low[cell];
          high = drawn->high[cell];
        }
        grid.value.push_back(value);
        if (!errors.empty()) grid.std_error.push_back(std::isnan(value) ? not_a_number : errors[cell]);
        grid.low.push_back(low);
        grid.high.push_back(high);
        if (state == CellState::in_progress || std::isnan(value)) continue;
        cohort::PooledAge& pool = pooled[k - first_age];
        ++pool.cohorts;
        pool.n += n;
        pool.active += sums.active[cell];
        pool.simple += value;
        total[k - first_age].over += ratio.over;
        total[k - first_age].under += ratio.under;
      }
    }
    const bool sums_only = measure == Measure::sum || measure == Measure::count;
    for (std::size_t k = 0; k < pooled.size(); ++k) {
      cohort::PooledAge& pool = pooled[k];
      pool.simple = pool.cohorts > 0 ? pool.simple / static_cast<double>(pool.cohorts) : not_a_number;
      pool.weighted = sums_only ? not_a_number : total[k].value();
      pool.low = pool.high = not_a_number;
      const std::size_t age = s * sums.ages + k + first_age;
      const auto ends = sums.clusters.empty() || grid.interval == IntervalKind::none
                            ? interval(grid.interval, pool.active, pool.n, options.level)
                            : of_clusters(sums.clusters[age], pool.active, pool.n, options.level);
      if (ends) {
        pool.low = ends->low;
        pool.high = ends->high;
      } else if (drawn && !std::isnan(pool.weighted) && !grid.customers_repeat) {
        pool.low = drawn->pooled_low[age];
        pool.high = drawn->pooled_high[age];
      }
      grid.pooled.push_back(pool);
    }
  }
  return grid;
}

}  // namespace cohort_detail

namespace cohort {

std::string_view state_name(CellState state) noexcept {
  switch (state) {
    case CellState::complete: return "complete";
    case CellState::in_progress: return "in_progress";
    case CellState::may_grow: return "may_grow";
    case CellState::unobserved: return "unobserved";
  }
  return {};
}

namespace {

/// The options that the sums are made by: the bootstrap draws where a customer's own numbers are at hand.
bool draws(const Options& options) { return cohort_detail::interval_of(options) == IntervalKind::bootstrap; }

/// Customers who have rows before `until` of another segment than the one they count in.
std::int64_t changed(const State::Data& data, const std::vector<std::int32_t>& of_customer, Instant until,
                     const Execution& execution) {
  std::atomic<std::int64_t> found{0};
  for_rows(of_customer.size(), std::size_t{1} << 14, execution, [&](std::size_t first, std::size_t last) {
    std::int64_t mine = 0;
    for (std::size_t i = first; i < last; ++i) {
      const bool other = std::ranges::any_of(data.of(i), [&](const auto& event) {
        return event.at < until.us && event.segment >= 0 && event.segment != of_customer[i];
      });
      mine += other ? 1 : 0;
    }
    found += mine;
  });
  return found;
}

/// Segments by name, and that of each customer: of its first event, of several at once the first by name.
std::vector<std::string> name_segments(const State::Data& data, Instant until, const Execution& execution,
                                       std::vector<std::int32_t>& of_customer, Issues& issues) {
  if (data.by.empty()) return {""};
  constexpr std::int32_t nameless = -1;
  const auto before = [&](std::int32_t a, std::int32_t b) {
    if (a == nameless || b == nameless) return b == nameless && a != nameless;
    return data.segments[static_cast<std::size_t>(a)] < data.segments[static_cast<std::size_t>(b)];
  };
  std::vector<std::int32_t> used;
  std::vector<std::uint8_t> seen(data.segments.size() + 1, 0);
  for (std::size_t i = 0; i < data.customers(); ++i) {
    const auto events = data.of(i);
    std::int32_t segment = events.front().segment;
    for (const auto& event : events) {
      if (event.at > events.front().at) break;
      if (before(event.segment, segment)) segment = event.segment;
    }
    of_customer.push_back(segment);
    auto& mark = seen[static_cast<std::size_t>(segment + 1)];
    if (mark == 0) used.push_back(segment);
    mark = 1;
  }
  if (const std::int64_t n = changed(data, of_customer, until, execution); n > 0)
    issues.add_many("transactions", -1, data.by, "segment_changes", n);
  std::sort(used.begin(), used.end(), before);
  std::vector<std::int32_t> place(data.segments.size() + 1, 0);
  std::vector<std::string> names;
  for (const std::int32_t segment : used) {
    place[static_cast<std::size_t>(segment + 1)] = static_cast<std::int32_t>(names.size());
    names.push_back(segment == nameless ? "(none)" : data.segments[static_cast<std::size_t>(segment)]);
  }
  for (std::int32_t& segment : of_customer) segment = place[static_cast<std::size_t>(segment + 1)];
  if (names.empty()) names.emplace_back();
  return names;
}

}  // namespace

namespace {

/// What stands in no cell is told of: refunds before a first purchase, events before a first start.
void report_early(const cohort_detail::Sums& sums, Issues& issues) {
  if (sums.early > 0) issues.add_many("transactions", -1, "", "before_cohort", sums.early);
}

}  // namespace

Retention State::finish(const Options& options) const {
  const StopScope scope(options.execution.stop);
  const Data& data = *data_;
  Retention grid;
  grid.measure = options.measure;
  grid.segments = {""};
  grid.has_amount = data.has_amount;
  grid.currency = data.currency;
  Issues issues = data.issues;
  if (const Instant until{data.until.end()}; data.first < until) {
    std::vector<std::int32_t> segment_of;
    std::vector<std::string> segments =
        name_segments(data, cohort_detail::end_of(options, until), options.execution, segment_of, issues);
    const cohort_detail::Plan plan(options, data.zone, data.first, until, data.has_amount, segments.size());
    std::vector<cohort_detail::Lots> lots;
    const cohort_detail::Sums sums = cohort_detail::sum_customers(data, plan, segment_of, segments.size(),
                                                                  draws(options) ? &lots : nullptr);
    grid = cohort_detail::grid_of(sums, plan, std::move(segments), data.currency,
                                  draws(options) ? &lots : nullptr);
    report_early(sums, issues);
  }
  grid.zone = data.zone.name();
  grid.issues = std::move(issues);
  return grid;
}

Retention retention(const Table& events, const Columns& columns, const Options& options) {
  if (!cohort_detail::Quick::fits(columns, options))
    return State::partial(events, columns, options.execution).finish(options);
  const StopScope scope(options.execution.stop);
  cohort_detail::Quick quick(events, columns, options);
  if (!quick.ready()) return State::partial(events, columns, options.execution).finish(options);
  const cohort_detail::Sums sums = quick.sums();
  Retention grid = cohort_detail::grid_of(sums, *quick.plan, {""}, quick.currency, nullptr);
  grid.zone = columns.zone.name();
  grid.issues = std::move(quick.issues);
  report_early(sums, grid.issues);
  return grid;
}

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
