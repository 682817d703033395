#include "salesops/kpi/facts.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <numeric>

#include "salesops/money.hpp"
#include "salesops/stats.hpp"
#include "salesops/survival.hpp"

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
  scope.as_of = options.as_of.value_or(crm.latest());
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
  return options.as_of && *options.as_of != crm.latest() ? crm.as_of(*options.as_of) : crm;
}

double major_units(std::string_view currency) {
  const auto known = Currency::find(currency);
  return std::pow(10.0, -(known ? known->exponent() : 2));
}

// ---- groups ----

namespace {

std::optional<Every> every_of(std::string_view name) {
  if (name == "day") return Every::day;
  if (name == "week") return Every::week;
  if (name == "month") return Every::month;
  if (name == "quarter") return Every::quarter;
  if (name == "half") return Every::half;
  if (name == "year") return Every::year;
  return std::nullopt;
}

/// Values 0 … labels-1 in order; -1 = null.
struct Dimension {
  std::vector<std::int32_t> rank;
  std::vector<std::string> labels;
};

/// Numbers the distinct values that occur, in order.
template <class Key, class Label>
Dimension ranked(std::span<const std::int64_t> keys, Key before, Label label) {
  Dimension dimension;
  dimension.rank.assign(keys.size(), -1);
  boost::unordered_flat_map<std::int64_t, std::int32_t> place;
  std::vector<std::int64_t> distinct;
  for (const std::int64_t key : keys)
    if (key != null_value && place.try_emplace(key, 0).second) distinct.push_back(key);
  std::sort(distinct.begin(), distinct.end(), before);
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    place[distinct[i]] = static_cast<std::int32_t>(i);
    dimension.labels.push_back(label(distinct[i]));
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i] != null_value) dimension.rank[i] = place[keys[i]];
  return dimension;
}

/// Ranks by a table, for keys that lie close together (codes, days, months).
template <class Key, class Label>
Dimension ranked_dense(std::span<const std::int64_t> keys, std::int64_t low, std::int64_t high, Key before,
                       Label label) {
  std::vector<std::int32_t> place(static_cast<std::size_t>(high - low + 1), -1);
  std::vector<std::int64_t> distinct;
  for (const std::int64_t key : keys) {
    if (key == null_value) continue;
    auto& seen = place[static_cast<std::size_t>(key - low)];
    if (seen < 0) {
      seen = 0;
      distinct.push_back(key);
    }
  }
  std::sort(distinct.begin(), distinct.end(), before);
  Dimension dimension;
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    place[static_cast<std::size_t>(distinct[i] - low)] = static_cast<std::int32_t>(i);
    dimension.labels.push_back(label(distinct[i]));
  }
  dimension.rank.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    dimension.rank[i] = keys[i] == null_value ? -1 : place[static_cast<std::size_t>(keys[i] - low)];
  return dimension;
}

template <class Key, class Label>
Dimension ranks(std::span<const std::int64_t> keys, Key before, Label label) {
  std::int64_t low = std::numeric_limits<std::int64_t>::max(),
               high = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t key : keys)
    if (key != null_value) {
      low = std::min(low, key);
      high = std::max(high, key);
    }
  constexpr std::int64_t table_limit = 1 << 22;
  if (low > high) return ranked(keys, before, label);
  const bool close = high < low + table_limit && low > -table_limit * 1024 && high < table_limit * 1024;
  return close ? ranked_dense(keys, low, high, before, label) : ranked(keys, before, label);
}

Dimension period_dimension(Every every, std::span<const std::int64_t> at, const Options& options) {
  std::vector<std::int64_t> keys(at.size(), null_value);
  std::int32_t last_day = 0, last_index = 0;
  bool first = true;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] == null_value) continue;
    const std::int32_t day = day_of(at[i], options);
    if (first || day != last_day) {
      last_index = options.calendar.index_of(Date{day}, every);
      last_day = day;
      first = false;
    }
    if (last_index != FiscalCalendar::no_period) keys[i] = last_index;
  }
  return ranks(keys, std::less<>(), [&](std::int64_t key) {
    return options.calendar.label(options.calendar.period_at(static_cast<std::int32_t>(key), every));
  });
}

Dimension column_dimension(const Lookup& lookup) {
  const Column& column = lookup.column;
  std::vector<std::int64_t> keys(lookup.rows.size(), null_value);
  const auto fill = [&](auto key_of) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (lookup.rows[i] < 0) continue;
      const auto row = static_cast<std::size_t>(lookup.rows[i]);
      if (column.valid(row)) keys[i] = key_of(row);
    }
  };
  switch (column.type()) {
    case Type::string: {
      const Dictionary& dictionary = column.dictionary();
      fill([codes = column.values<std::int32_t>()](std::size_t row) { return std::int64_t{codes[row]}; });
      const auto text = [&](std::int64_t code) { return dictionary[static_cast<std::size_t>(code)]; };
      return ranks(
          keys, [&](std::int64_t a, std::int64_t b) { return text(a) < text(b); },
          [&](std::int64_t code) { return std::string(text(code)); });
    }
    case Type::float32:
    case Type::float64:
    case Type::decimal: throw UsageError("by: a column of decimals has no groups; cut it into bands first");
    default: {
      boost::unordered_flat_map<std::int64_t, std::string> labels;
      fill([&](std::size_t row) {
        const auto key = static_cast<std::int64_t>(column.number(row));
        if (!labels.contains(key)) labels.emplace(key, column.cell(row));
        return key;
      });
      return ranks(keys, std::less<>(), [&](std::int64_t key) { return labels[key]; });
    }
  }
}

}  // namespace

Groups group_by(const Crm& crm, std::string_view table, std::span<const std::string> by,
                std::span<const std::int32_t> rows, std::span<const std::int64_t> at, const Options& options,
                bool present_names) {
  Groups groups;
  const std::vector<std::int64_t> present(present_names ? at.size() : 0, null_value);
  const std::span<const std::int64_t> named_at = present_names ? present : at;
  std::vector<Dimension> dimensions;
  double product = 1;
  for (const std::string& name : by) {
    const auto every = crm.has(table, name) ? std::nullopt : every_of(name);
    dimensions.push_back(every ? period_dimension(*every, at, options)
                               : column_dimension(resolve(crm, table, name, rows, named_at)));
    product *= static_cast<double>(dimensions.back().labels.size() + 1);
  }
  constexpr double max_product = 9e15;
  if (product > max_product)
    throw UsageError("by: too many combinations of groups; group by fewer or coarser columns");

  // Ranks with null as the last one, in mixed radix: sorted keys are sorted numbers.
  std::vector<std::int64_t> key(rows.size(), 0);
  for (const Dimension& dimension : dimensions) {
    const auto size = static_cast<std::int64_t>(dimension.labels.size());
    for (std::size_t i = 0; i < key.size(); ++i)
      key[i] = key[i] * (size + 1) + (dimension.rank[i] < 0 ? size : dimension.rank[i]);
  }
  std::vector<std::int64_t> order;
  const Dimension dense = ranks(key, std::less<>(), [&](std::int64_t value) {
    order.push_back(value);
    return std::string();
  });
  groups.of = dense.rank;
  for (std::int64_t value : order) {
    std::vector<std::string> labels(dimensions.size());
    std::vector<std::uint8_t> null(dimensions.size());
    for (std::size_t d = dimensions.size(); d-- > 0;) {
      const auto size = static_cast<std::int64_t>(dimensions[d].labels.size());
      const std::int64_t rank = value % (size + 1);
      value /= size + 1;
      null[d] = rank == size;
      if (rank < size) labels[d] = dimensions[d].labels[static_cast<std::size_t>(rank)];
    }
    groups.keys.push_back(std::move(labels));
    groups.key_null.push_back(std::move(null));
  }
  return groups;
}

// ---- adding up ----

namespace {

struct Cell {
  int128 numerator = 0;
  int128 denominator = 0;
  std::int64_t counted = 0;
  std::int64_t censored = 0;
  std::vector<std::int64_t> excluded;
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
  metric.interval_note = bottom < 10 ? "Wilson; fewer than 10 rows" : "Wilson";
}

void put_ratio(const Cell& cell, const Facts& facts, const Options& options, Metric& metric) {
  std::vector<double> top, bottom;
  std::vector<std::uint64_t> clusters;
  for (const std::int32_t i : cell.facts) {
    const auto at = static_cast<std::size_t>(i);
    top.push_back(static_cast<double>(facts.numerator[at]) * facts.scale);
    bottom.push_back(facts.denominator.empty()
                         ? 1.0
                         : static_cast<double>(facts.denominator[at]) * facts.denominator_scale);
    // A fact without a cluster is one by itself.
    const bool clustered = !facts.cluster.empty() && facts.cluster[at] >= 0;
    clusters.push_back(clustered ? static_cast<std::uint64_t>(facts.cluster[at])
                                 : (std::uint64_t{1} << 40) + static_cast<std::uint64_t>(facts.row[at]));
  }
  if (top.empty()) return;
  const auto made = stats::ratio_interval(
      top, bottom, clusters,
      {.level = options.level, .replicates = 1000, .seed = options.seed, .execution = options.execution});
  if (!made) {
    metric.interval_note = "none: too few clusters";
    return;
  }
  metric.low = made->interval.low;
  metric.high = made->interval.high;
  metric.interval_note =
      "bootstrap over " + std::to_string(made->clusters) + (facts.cluster.empty() ? " rows" : " accounts");
}

void put_values(const Cell& cell, const Facts& facts, const Options& options, Metric& metric) {
  std::vector<double> values;
  values.reserve(cell.facts.size());
  for (const std::int32_t i : cell.facts)
    values.push_back(static_cast<double>(facts.numerator[static_cast<std::size_t>(i)]) * facts.scale);
  if (values.empty()) return;
  const auto median = stats::quantile(values, 0.5);
  const auto ninetieth = stats::quantile(values, 0.9);
  if (facts.shape == Shape::mean) {
    if (const auto interval = stats::mean_interval(values, options.level)) {
      metric.low = interval->low;
      metric.high = interval->high;
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
  double had = 0;
  for (const std::int32_t i : cell.facts) {
    const auto at = static_cast<std::size_t>(i);
    durations.push_back(static_cast<double>(facts.numerator[at]) * facts.scale);
    outcomes.push_back(static_cast<std::uint8_t>(facts.denominator[at]));
    if (outcomes.back() == 0) ++metric.censored;
    if (outcomes.back() == 1) {
      had += durations.back();
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
  if (const auto median = time_to(curve, 0.5)) metric.details["median"] = *median;
  if (const auto ninetieth = time_to(curve, 0.9)) metric.details["p90"] = *ninetieth;
  if (metric.details.contains("with_outcome"))
    metric.details["naive_mean"] = had / metric.details["with_outcome"];
}

}  // namespace

Result summarise(const Crm& crm, const Facts& all, const Options& options, std::string name,
                 std::string definition, Mode mode) {
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

  std::vector<std::uint8_t> chosen(all.size(), 1);
  if (!options.where.empty()) {
    const std::vector<std::int64_t> present(all.present_names ? all.size() : 0, null_value);
    chosen = matches(crm, all.table, options.where, all.row, all.present_names ? present : all.at);
  }

  for (const Scope::Part& part : scope.parts) {
    std::vector<std::int32_t> picked, rows;
    std::vector<std::int64_t> at;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (chosen[i] == 0) continue;
      const bool inside =
          scope.all || (all.at[i] != null_value && part.interval.contains(Instant{all.at[i]}));
      if (!inside) continue;
      picked.push_back(static_cast<std::int32_t>(i));
      rows.push_back(all.row[i]);
      at.push_back(all.at[i]);
    }
    const Groups groups = group_by(crm, all.table, options.by, rows, at, options, all.present_names);
    const bool keep_facts = all.shape == Shape::ratio || all.shape == Shape::mean ||
                            all.shape == Shape::median || all.shape == Shape::incidence ||
                            options.keep_rows || all.finish;
    std::vector<Cell> cells(std::max<std::size_t>(groups.size(), options.by.empty() ? 1 : 0));
    for (Cell& cell : cells) cell.excluded.assign(all.reasons.size(), 0);
    for (std::size_t i = 0; i < picked.size(); ++i) {
      const auto fact = static_cast<std::size_t>(picked[i]);
      Cell& cell = cells[static_cast<std::size_t>(groups.of[i])];
      const std::uint8_t state = all.state[fact];
      if (state == Facts::counted) {
        cell.numerator += all.numerator[fact];
        cell.denominator += all.denominator.empty() ? 1 : all.denominator[fact];
        ++cell.counted;
        if (keep_facts) cell.facts.push_back(picked[i]);
      } else if (state == Facts::censored) {
        ++cell.censored;
        if (all.finish) cell.censored_facts.push_back(picked[i]);
      } else {
        ++cell.excluded[static_cast<std::size_t>(state - 2)];
      }
    }
    for (std::size_t g = 0; g < cells.size(); ++g) {
      const Cell& cell = cells[g];
      Metric metric;
      if (periods) {
        metric.keys.push_back(part.label);
        metric.key_null.push_back(0);
      }
      if (g < groups.size()) {
        metric.keys.insert(metric.keys.end(), groups.keys[g].begin(), groups.keys[g].end());
        metric.key_null.insert(metric.key_null.end(), groups.key_null[g].begin(), groups.key_null[g].end());
      }
      metric.n = cell.counted;
      metric.censored = cell.censored;
      for (std::size_t r = 0; r < all.reasons.size(); ++r)
        if (cell.excluded[r] > 0) metric.excluded[all.reasons[r]] = cell.excluded[r];
      metric.numerator = static_cast<double>(cell.numerator) * all.scale;
      const bool averages = all.shape == Shape::mean || all.shape == Shape::median;
      metric.denominator = averages ? static_cast<double>(cell.counted)
                                    : static_cast<double>(cell.denominator) * all.denominator_scale;
      if (all.shape == Shape::total)
        metric.value = cell.counted > 0 ? std::optional(metric.numerator) : std::nullopt;
      else if (metric.denominator != 0)
        metric.value = metric.numerator / metric.denominator;
      if (all.shape == Shape::share)
        put_share(cell, options, metric);
      else if (all.shape == Shape::ratio)
        put_ratio(cell, all, options, metric);
      else if (averages)
        put_values(cell, all, options, metric);
      else if (all.shape == Shape::incidence)
        put_incidence(cell, all, options, metric);
      if (options.keep_rows)
        for (const std::int32_t fact : cell.facts)
          metric.rows.push_back(all.row[static_cast<std::size_t>(fact)]);
      if (all.finish) all.finish(metric, cell.facts, cell.censored_facts);
      result.metrics.push_back(std::move(metric));
    }
  }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
