#include "salesops/kpi/facts.hpp"

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <mutex>

#include "../crm/known.hpp"
#include "groups.hpp"
#include "keys.hpp"
#include "salesops/money.hpp"
#include "salesops/random.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival.hpp"
#include "spread.hpp"
#include "timeless.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

// ---- Facts ----

void Facts::reserve(std::size_t facts) {
  row.reserve(facts);
  at.reserve(facts);
  numerator.reserve(facts);
  denominator.reserve(facts);
  state.reserve(facts);
}

void Facts::add(std::size_t table_row, std::int64_t instant, std::int64_t top, std::int64_t bottom,
                std::uint8_t how) {
  row.push_back(static_cast<std::int32_t>(table_row));
  at.push_back(instant);
  numerator.push_back(top);
  denominator.push_back(bottom);
  state.push_back(how);
}

std::uint8_t Facts::reason(std::string_view name) {
  const auto found = std::find(reasons.begin(), reasons.end(), name);
  const auto number = static_cast<std::uint8_t>(found - reasons.begin() + 2);
  if (found == reasons.end()) reasons.emplace_back(name);
  return number;
}

// ---- periods ----

std::int32_t day_of(std::int64_t us, const Options& options) {
  return options.zone.local_date(Instant{us}).days;
}

std::string Scope::to_string() const {
  if (all) return "all";
  std::string text;
  for (const Part& part : parts) text += (text.empty() ? "" : ", ") + part.label;
  return text;
}

Scope scope_of(const Crm& crm, const Options& options) {
  Scope scope;
  scope.as_of = crm.latest();
  if (options.period.empty()) {
    scope.all = true;
    scope.parts.push_back({"all",
                           {Instant{std::numeric_limits<std::int64_t>::min()},
                            Instant{std::numeric_limits<std::int64_t>::max()}}});
    return scope;
  }
  const Date today{day_of(scope.as_of.us, options)};
  for (const Period& period : options.calendar.parse_period(options.period, today))
    scope.parts.push_back({options.calendar.label(period),
                           {options.zone.start_of(period.start), options.zone.start_of(period.end)}});
  return scope;
}

Crm rewound(const Crm& crm, const Options& options) {
  const Crm book = crm.with_days_in(options.zone);
  // The book's own latest day may have moved with its days.
  if (!options.as_of || *options.as_of == crm.latest()) return book;
  crm_detail::check_known(book, *options.as_of, "as_of");
  return book.as_of(*options.as_of);
}

double major_units(std::string_view currency) {
  const auto known = Currency::find(currency);
  return std::pow(10.0, -(known ? known->exponent() : 2));
}

void flag_small_sample(Metric& metric, std::int64_t rows) {
  if (metric.low && rows < few_rows) metric.interval_note += "; " + std::string(few_rows_note);
}

// ---- adding up ----

namespace {

struct Cell {
  int128 numerator = 0;
  int128 denominator = 0;
  std::int64_t counted = 0;
  std::int64_t censored = 0;
  std::vector<std::int32_t> facts;  ///< counted ones, where the shape or the caller needs them
  std::vector<std::int32_t> censored_facts;
};

void put_share(const Cell& cell, const Options& options, Metric& metric) {
  const auto top = static_cast<std::int64_t>(cell.numerator);
  const auto bottom = static_cast<std::int64_t>(cell.denominator);
  const auto interval = stats::wilson(top, bottom, options.level);
  if (!interval) return;
  metric.low = interval->low;
  metric.high = interval->high;
  metric.interval_note = "Wilson";
}

/// Names rows by what they say, wherever they stand: a hash of the key, or of all cells where the key may
/// have been made.
class RowNames {
 public:
  RowNames(const Crm& crm, std::string_view table) {
    const TableModel& model = table_model(table);
    if (!crm.has(table)) return;
    for (const auto& [name, column] : crm.table(table).columns()) {
      const ColumnModel* known = model.find(name);
      if ((known != nullptr && known->key) != model.surrogate_key) columns_.push_back(&column);
    }
  }
  [[nodiscard]] std::uint64_t operator()(std::int64_t row) const {
    std::uint64_t name = 0;
    if (row < 0) return name;
    for (const Column* column : columns_)
      name = random::key_of(name, random::key_of(column->cell(static_cast<std::size_t>(row))));
    return name;
  }

 private:
  std::vector<const Column*> columns_;
};

struct Cluster {
  std::uint64_t name = 0;
  int128 numerator = 0, denominator = 0;
  auto operator<=>(const Cluster&) const = default;
};

/// Integer sums by cluster, in the order of their names: the same whatever the order of the rows.
std::vector<Cluster> clusters_of(const Crm& crm, const Cell& cell, const Facts& facts) {
  std::vector<Cluster> clusters;
  boost::unordered_flat_map<std::int64_t, std::size_t> place;
  const RowNames own(crm, facts.table);
  const RowNames shared(crm, facts.cluster.empty() ? facts.table : facts.cluster_table);
  for (const std::int32_t i : cell.facts) {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t of = facts.cluster.empty() ? -1 : facts.cluster[at];
    const std::int64_t row = facts.row[at];
    const auto [found, fresh] = place.try_emplace(of >= 0 ? of : -2 - row, clusters.size());
    if (fresh) clusters.push_back({.name = of >= 0 ? shared(of) : own(row)});
    Cluster& cluster = clusters[found->second];
    cluster.numerator += facts.numerator[at];
    cluster.denominator += facts.denominator.empty() ? 1 : facts.denominator[at];
  }
  std::sort(clusters.begin(), clusters.end());
  return clusters;
}

void put_ratio(const Crm& crm, const Cell& cell, const Facts& facts, const Options& options, Metric& metric) {
  std::vector<double> top, bottom;
  for (const Cluster& cluster : clusters_of(crm, cell, facts)) {
    top.push_back(static_cast<double>(cluster.numerator) * facts.scale);
    bottom.push_back(static_cast<double>(cluster.denominator) * facts.denominator_scale);
  }
  if (top.empty()) return;
  if (std::any_of(bottom.begin(), bottom.end(), [](double sum) { return sum < 0; })) {
    metric.interval_note = "none: negative denominators";
    return;
  }
  const auto made = stats::ratio_interval(
      top, bottom, {},
      {.level = options.level, .replicates = 1000, .seed = options.seed, .execution = options.execution});
  if (!made) {
    metric.interval_note = "none: too few clusters";
    return;
  }
  const std::string who =
      std::to_string(made->clusters) + (facts.cluster.empty() ? " rows" : " " + facts.cluster_table + "s");
  const auto [estimate, low, high, level] = made->interval;
  constexpr double rounding = 1e-12;
  if (high - low > rounding * std::fabs(high)) {
    metric.low = low;
    metric.high = high;
    metric.interval_note = "bootstrap over " + who;
    return;
  }
  // Resamples of clusters that agree can't tell what others would do.
  const bool all = std::fabs(estimate - 1) <= rounding;
  if (!facts.bounded || (!all && estimate != 0)) {
    metric.interval_note = "none: all of " + who + " agree";
    return;
  }
  const auto interval = stats::wilson(all ? made->clusters : 0, made->clusters, level);
  metric.low = interval->low;
  metric.high = interval->high;
  metric.interval_note = "Wilson over " + who + ", which all agree";
}

void put_values(const Cell& cell, const Facts& facts, const Options& options, Metric& metric) {
  std::vector<double> values;
  values.reserve(cell.facts.size());
  for (const std::int32_t i : cell.facts)
    values.push_back(static_cast<double>(facts.numerator[static_cast<std::size_t>(i)]) * facts.scale);
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const auto median = stats::quantile(values, 0.5);
  const auto ninetieth = stats::quantile(values, 0.9);
  if (facts.shape == Shape::mean) {
    Spread spread;
    for (const std::int32_t i : cell.facts) spread.add(facts.numerator[static_cast<std::size_t>(i)]);
    if (const auto error = spread.standard_error(facts.scale); error && *error <= 0) {
      metric.interval_note = "none: all of " + std::to_string(spread.count) + " rows agree";
    } else if (error) {
      const double half =
          stats::student_multiplier(static_cast<double>(spread.count - 1), options.level) * *error;
      metric.low = *metric.value - half;
      metric.high = *metric.value + half;
      metric.interval_note = "t";
    }
    if (median) metric.details["median"] = *median;
  } else {
    metric.details["mean"] = *metric.value;
    metric.value = median;
    if (const auto interval = stats::median_interval(values, options.level)) {
      metric.low = interval->low;
      metric.high = interval->high;
      metric.interval_note = "order statistics";
    } else {
      metric.interval_note = "none: too few rows";
    }
  }
  if (ninetieth) metric.details["p90"] = *ninetieth;
}

/// The first time by which the share `probability` had the outcome.
std::optional<double> time_to(const survival::AalenJohansen& curve, double probability) {
  const auto& incidence = curve.causes.front().incidence;
  const auto found =
      std::find_if(incidence.begin(), incidence.end(), [&](double f) { return f >= probability; });
  if (found == incidence.end()) return std::nullopt;
  return curve.time[static_cast<std::size_t>(found - incidence.begin())];
}

void put_incidence(const Cell& cell, const Facts& facts, const Options& options, Metric& metric) {
  std::vector<double> durations;
  std::vector<std::uint8_t> outcomes;
  metric.value.reset();
  metric.numerator = 0;
  metric.denominator = static_cast<double>(cell.facts.size());
  int128 had = 0;
  for (const std::int32_t i : cell.facts) {
    const auto at = static_cast<std::size_t>(i);
    durations.push_back(static_cast<double>(facts.numerator[at]) * facts.scale);
    outcomes.push_back(static_cast<std::uint8_t>(facts.denominator[at]));
    if (outcomes.back() == 0) ++metric.censored;
    if (outcomes.back() == 1) {
      had += facts.numerator[at];
      metric.numerator += durations.back() <= facts.horizon ? 1 : 0;
      metric.details["with_outcome"] += 1;
    }
  }
  if (durations.empty()) return;
  const auto curve = survival::aalen_johansen(durations, outcomes, {.level = options.level}, 2);
  metric.value = curve.at(facts.horizon, 1);
  if (!metric.value) metric.state = "not followed up to the horizon";
  const auto& cause = curve.causes.front();
  const auto past = std::upper_bound(curve.time.begin(), curve.time.end(), facts.horizon);
  if (metric.value && past != curve.time.begin()) {
    const auto at = static_cast<std::size_t>(past - curve.time.begin()) - 1;
    metric.low = cause.low[at];
    metric.high = cause.high[at];
    metric.interval_note = "Aalen–Johansen, log-log";
  }
  if (metric.value && !metric.low) metric.interval_note = "none: no row had the outcome by then";
  if (const auto median = time_to(curve, 0.5)) metric.details["median"] = *median;
  if (const auto ninetieth = time_to(curve, 0.9)) metric.details["p90"] = *ninetieth;
  if (metric.details.contains("with_outcome"))
    metric.details["naive_mean"] = static_cast<double>(had) * facts.scale / metric.details["with_outcome"];
}

/// What streamed facts of a group add up to, in one cache line.
struct alignas(64) StreamedSum {
  std::int64_t numerator = 0, denominator = 0;
  std::array<std::uint32_t, 10> facts{};  ///< by state

  void add(const Facts::Fact& fact) noexcept {
    numerator += fact.state == Facts::counted ? fact.numerator : 0;
    denominator += fact.state == Facts::counted ? fact.denominator : 0;
    ++facts[fact.state];
  }
};

/// Cells of the groups, and the facts each leaves out by reason.
class Tally {
 public:
  Tally(const Facts& facts, std::size_t groups, bool listed)
      : cells(groups), facts_(&facts), listed_(listed), excluded_(groups * facts.reasons.size(), 0) {}

  void add(std::size_t fact, std::size_t group) {
    const Facts& facts = *facts_;
    Cell& cell = cells[group];
    const std::uint8_t state = facts.state[fact];
    if (state == Facts::counted) {
      cell.numerator += facts.numerator[fact];
      cell.denominator += facts.denominator.empty() ? 1 : facts.denominator[fact];
      ++cell.counted;
      if (listed_) cell.facts.push_back(static_cast<std::int32_t>(fact));
    } else if (state == Facts::censored) {
      ++cell.censored;
      if (facts.finish) cell.censored_facts.push_back(static_cast<std::int32_t>(fact));
    } else {
      ++excluded_[group * facts.reasons.size() + static_cast<std::size_t>(state - 2)];
    }
  }
  /// Of tallies without lists.
  void merge(const Tally& other) {
    for (std::size_t g = 0; g < cells.size(); ++g) {
      cells[g].numerator += other.cells[g].numerator;
      cells[g].denominator += other.cells[g].denominator;
      cells[g].counted += other.cells[g].counted;
      cells[g].censored += other.cells[g].censored;
    }
    for (std::size_t i = 0; i < excluded_.size(); ++i) excluded_[i] += other.excluded_[i];
  }
  void add(const StreamedSum& sum, std::size_t group) {
    Cell& cell = cells[group];
    cell.numerator += sum.numerator;
    cell.denominator += sum.denominator;
    cell.counted += sum.facts[Facts::counted];
    cell.censored += sum.facts[Facts::censored];
    for (std::size_t r = 0; r < facts_->reasons.size(); ++r)
      excluded_[group * facts_->reasons.size() + r] += sum.facts[r + 2];
  }
  [[nodiscard]] std::span<const std::int64_t> excluded(std::size_t group) const {
    return std::span(excluded_).subspan(group * facts_->reasons.size(), facts_->reasons.size());
  }

  std::vector<Cell> cells;

 private:
  const Facts* facts_;
  bool listed_;
  std::vector<std::int64_t> excluded_;
};

/// The facts of a period: copies of their places, rows and instants, or all facts as they lie.
struct Picked {
  Picked(const Facts& facts, const Scope& scope, const Scope::Part& part,
         std::span<const std::uint8_t> chosen)
      : rows(facts.row), at(facts.at), all(scope.all && chosen.empty()) {
    if (all) return;
    const Timeless timeless(facts);
    for (std::size_t i = 0; i < facts.size(); ++i) {
      tick(i);
      if (!chosen.empty() && chosen[i] == 0) continue;
      if (!scope.all && !timeless.in(part.interval, facts.at[i], facts.state[i])) continue;
      places_.push_back(static_cast<std::int32_t>(i));
      rows_.push_back(facts.row[i]);
      at_.push_back(facts.at[i]);
    }
    rows = rows_;
    at = at_;
  }
  Picked(const Picked&) = delete;
  Picked& operator=(const Picked&) = delete;
  [[nodiscard]] std::size_t fact(std::size_t i) const {
    return all ? i : static_cast<std::size_t>(places_[i]);
  }

  std::span<const std::int32_t> rows;
  std::span<const std::int64_t> at;
  bool all;

 private:
  std::vector<std::int32_t> places_, rows_;
  std::vector<std::int64_t> at_;
};

/// Adds up in blocks, into as many tallies as there are threads: sums of integers are the same for any.
Tally tally_of(const Facts& facts, const Picked& picked, const Groups& groups, bool listed,
               const Options& options) {
  const std::size_t size = std::max<std::size_t>(groups.size(), options.by.empty() ? 1 : 0);
  const auto add = [&](Tally& tally, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i)
      tally.add(picked.fact(i), groups.of.empty() ? 0 : static_cast<std::size_t>(groups.of[i]));
  };
  Tally whole(facts, size, listed);
  if (listed || facts.finish) {
    add(whole, 0, picked.rows.size());
    return whole;
  }
  std::mutex guard;
  std::vector<Tally> free;
  constexpr std::size_t block = std::size_t{1} << 16;
  for_rows(picked.rows.size(), block, options.execution, [&](std::size_t first, std::size_t last) {
    std::optional<Tally> own;
    {
      const std::lock_guard lock(guard);
      if (!free.empty()) {
        own.emplace(std::move(free.back()));
        free.pop_back();
      }
    }
    if (!own) own.emplace(facts, size, false);
    add(*own, first, last);
    const std::lock_guard lock(guard);
    free.push_back(std::move(*own));
  });
  for (const Tally& tally : free) whole.merge(tally);
  return whole;
}

Metric metric_of(const Crm& crm, const Facts& facts, const Options& options, const Tally& tally,
                 std::size_t group) {
  const Cell& cell = tally.cells[group];
  Metric metric;
  metric.n = cell.counted;
  metric.censored = cell.censored;
  const auto excluded = tally.excluded(group);
  for (std::size_t r = 0; r < excluded.size(); ++r)
    if (excluded[r] > 0) metric.excluded[facts.reasons[r]] = excluded[r];
  metric.numerator = static_cast<double>(cell.numerator) * facts.scale;
  const bool averages = facts.shape == Shape::mean || facts.shape == Shape::median;
  metric.denominator = averages ? static_cast<double>(cell.counted)
                                : static_cast<double>(cell.denominator) * facts.denominator_scale;
  if (facts.shape == Shape::total)
    metric.value = cell.counted > 0 ? std::optional(metric.numerator) : std::nullopt;
  else if (metric.denominator != 0)
    metric.value = metric.numerator / metric.denominator;
  if (facts.shape == Shape::share)
    put_share(cell, options, metric);
  else if (facts.shape == Shape::ratio)
    put_ratio(crm, cell, facts, options, metric);
  else if (averages)
    put_values(cell, facts, options, metric);
  else if (facts.shape == Shape::incidence)
    put_incidence(cell, facts, options, metric);
  if (options.keep_rows)
    for (const std::int32_t fact : cell.facts)
      metric.rows.push_back(facts.row[static_cast<std::size_t>(fact)]);
  return metric;
}

/// Adds up facts that are made on the way.
Tally streamed_tally(const Crm& crm, const Facts& facts, const Options& options, const Scope& scope,
                     const Scope::Part& part, Groups& groups) {
  const Placed placed{crm, facts.table, options, {}, facts.streamed_at, facts.present_names};
  const Keys keys(placed, options.by);
  const Timeless timeless(facts);
  using StreamedSums = Sums<StreamedSum>;
  const auto add = [&](std::size_t first, std::size_t last, StreamedSums& sums) {
    std::array<Facts::Fact, rows_at_once> made;
    std::array<std::int32_t, rows_at_once> places;
    std::array<std::uint64_t, rows_at_once> numbers;
    facts.streamed(first, std::span(made).first(last - first));
    std::size_t n = 0;
    for (std::size_t place = first; place < last; ++place) {
      places[n] = static_cast<std::int32_t>(place);
      n += scope.all || timeless.in(part.interval, facts.streamed_at[place], made[place - first].state) ? 1
                                                                                                        : 0;
    }
    const std::span chosen = std::span(places).first(n);
    keys.number({chosen, chosen}, GroupNumbers(numbers).first(n));
    sums.each(GroupNumbers(numbers).first(n), [&](std::size_t i, StreamedSum& sum) {
      sum.add(made[static_cast<std::size_t>(places[i]) - first]);
    });
  };
  const auto parts =
      scan<StreamedSums>(facts.streamed_at.size(), keys.combinations(), options.execution, add);
  Sums<std::uint8_t> found(keys.combinations());
  for (const auto& sums : parts)
    for (const std::uint64_t number : sums->numbers) (void)found[number];
  if (options.by.empty()) (void)found[0];
  const auto order = keys.order(found.numbers, groups);
  std::vector<std::size_t> rank(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  Tally whole(facts, order.size(), false);
  for (const auto& sums : parts)
    for (std::size_t g = 0; g < sums->numbers.size(); ++g)
      whole.add(sums->sums[g], rank[found.place(sums->numbers[g])]);
  return whole;
}

/// The metrics of one period, in order of the groups.
std::vector<Metric> metrics_of(const Crm& crm, const Facts& facts, const Options& options, const Tally& tally,
                               const Groups& groups) {
  std::vector<Metric> metrics(tally.cells.size());
  // A bootstrap runs on all threads by itself.
  Execution execution = options.execution;
  if (facts.shape == Shape::ratio) execution.threads = 1;
  constexpr std::size_t block = 1024;
  for_rows(metrics.size(), block, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t g = first; g < last; ++g) {
      metrics[g] = metric_of(crm, facts, options, tally, g);
      if (g >= groups.size()) continue;
      metrics[g].keys = groups.keys[g];
      metrics[g].key_null = groups.key_null[g];
    }
  });
  if (facts.finish)
    for (std::size_t g = 0; g < metrics.size(); ++g)
      facts.finish(metrics[g], tally.cells[g].facts, tally.cells[g].censored_facts);
  for (Metric& metric : metrics) flag_small_sample(metric, metric.n);
  return metrics;
}

/// Facts that were written down.
std::vector<Metric> metrics_of(const Crm& crm, const Facts& facts, const Options& options,
                               const Picked& picked) {
  Groups groups;
  if (!options.by.empty())
    groups = group_by(crm, facts.table, options.by, picked.rows, picked.at, options, facts.present_names);
  const bool listed = facts.shape == Shape::ratio || facts.shape == Shape::mean ||
                      facts.shape == Shape::median || facts.shape == Shape::incidence || options.keep_rows ||
                      facts.finish;
  return metrics_of(crm, facts, options, tally_of(facts, picked, groups, listed, options), groups);
}

std::vector<Metric> streamed_metrics(const Crm& crm, const Facts& facts, const Options& options,
                                     const Scope& scope, const Scope::Part& part) {
  Groups groups;
  const Tally tally = streamed_tally(crm, facts, options, scope, part, groups);
  return metrics_of(crm, facts, options, tally, groups);
}

}  // namespace

Result summarise(const Crm& crm, const Facts& all, const Options& asked, std::string name,
                 std::string definition, Mode mode) {
  Options options = asked;
  options.execution.progress = {};  // of the passes; the call's goes by its periods
  if (!(options.level > 0 && options.level < 100))
    throw UsageError("level must lie between 0 and 100, e.g. level = 95");
  (void)crm.table(all.table);
  const Scope scope = scope_of(crm, options);
  Result result;
  result.name = std::move(name);
  result.definition = std::move(definition);
  result.unit = all.unit;
  result.table = all.table;
  result.mode = mode;
  result.weight = options.weight;
  result.level = options.level;
  result.as_of = scope.as_of;
  result.period = scope.to_string();
  const bool periods = scope.parts.size() > 1;
  if (periods) result.by.emplace_back("period");
  result.by.insert(result.by.end(), options.by.begin(), options.by.end());

  std::vector<std::uint8_t> chosen;
  if (!options.where.empty()) {
    const std::vector<std::int64_t> present(all.present_names ? all.size() : 0, null_value);
    chosen =
        matches(crm, all.table, options.where, all.row, all.present_names ? present : all.at, options.zone);
  }
  const StopScope stop(asked.execution.stop);
  Steps steps(asked.execution, scope.parts.size());
  std::int64_t without_time = 0;
  for (const Scope::Part& part : scope.parts) {
    std::vector<Metric> metrics = all.streamed
                                      ? streamed_metrics(crm, all, options, scope, part)
                                      : metrics_of(crm, all, options, Picked(all, scope, part, chosen));
    if (&part == &scope.parts.front() || mode == Mode::window_cohort || mode == Mode::survival)
      for (const Metric& metric : metrics)
        if (const auto found = metric.excluded.find("time_unknown"); found != metric.excluded.end())
          without_time += found->second;
    if (mode != Mode::snapshot && !scope.all && part.interval.start > scope.as_of) {
      result.warnings.push_back(part.label + " begins after " + scope.as_of.to_string() +
                                ", the last that the book knows: nothing of it is known");
      for (Metric& metric : metrics)
        if (!metric.value && metric.state.empty()) metric.state = "period lies ahead";
    }
    if (periods)
      for (Metric& metric : metrics) {
        metric.keys.insert(metric.keys.begin(), part.label);
        metric.key_null.insert(metric.key_null.begin(), 0);
      }
    result.metrics.insert(result.metrics.end(), std::make_move_iterator(metrics.begin()),
                          std::make_move_iterator(metrics.end()));
    steps.done();
  }
  if (const std::string text = timeless_text(without_time, mode, scope.all); !text.empty())
    result.warnings.push_back(text);
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
