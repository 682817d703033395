#include "groups.hpp"

#include <algorithm>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>

namespace salesops {
inline namespace v0 {
namespace kpi {

std::optional<Every> every_of(std::string_view name) {
  if (name == "day") return Every::day;
  if (name == "week") return Every::week;
  if (name == "month") return Every::month;
  if (name == "quarter") return Every::quarter;
  if (name == "half") return Every::half;
  if (name == "year") return Every::year;
  return std::nullopt;
}

std::pair<std::int64_t, std::int64_t> range_of(std::span<const std::int64_t> at, const Execution& execution) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max(),
               last = std::numeric_limits<std::int64_t>::min();
  std::mutex guard;
  for_rows(at.size(), std::size_t{1} << 17, execution, [&](std::size_t begin, std::size_t end) {
    std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = null_value;
    for (std::size_t i = begin; i < end; ++i) {
      low = std::min(low, at[i] == null_value ? low : at[i]);
      high = std::max(high, at[i]);  // null is the least
    }
    const std::lock_guard lock(guard);
    first = std::min(first, low);
    last = std::max(last, high);
  });
  return {first, last};
}

PeriodTable::PeriodTable(Every every, std::int64_t first, std::int64_t last, const Options& options)
    : every_(every), options_(options) {
  if (first > last) return;
  constexpr std::int64_t most_days = 1 << 17;
  const std::int32_t day = Instant{first}.utc_date().days;
  base_ = day * us_per_day;
  const std::int64_t days = std::min<std::int64_t>((last - base_) / us_per_day + 1, most_days);
  days_.resize(static_cast<std::size_t>(days));
  for (std::size_t i = 0; i < days_.size(); ++i) {
    const std::int64_t begin = base_ + static_cast<std::int64_t>(i) * us_per_day;
    const std::int64_t offset = options.zone.offset_at(Instant{begin}) * us_per_second;
    const std::int32_t local = Instant{begin + offset}.utc_date().days;
    Day& entry = days_[i];
    entry.before = options.calendar.index_of(Date{local}, every);
    entry.after = options.calendar.index_of(Date{local + 1}, every);
    entry.split = (local + 1) * us_per_day - offset;
    // On a day whose clocks are put forward or back each instant is asked for itself.
    if (options.zone.offset_at(Instant{begin + us_per_day - 1}) * us_per_second != offset) entry.split = ask;
  }
}

std::int32_t PeriodTable::exactly(std::int64_t us) const {
  return options_.calendar.index_of(Date{day_of(us, options_)}, every_);
}

namespace {

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
    dimension.keys.push_back(distinct[i]);
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i] != null_value) dimension.rank[i] = place[keys[i]];
  return dimension;
}

constexpr std::size_t rows_a_block = std::size_t{1} << 16;

/// Ranks by a table, for keys that lie close together (codes, days, months).
template <class Key, class Label>
Dimension ranked_dense(std::span<const std::int64_t> keys, std::int64_t low, std::int64_t high, Key before,
                       Label label, const Execution& execution) {
  std::vector<std::int32_t> place(static_cast<std::size_t>(high - low + 1), -1);
  for_rows(keys.size(), rows_a_block, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      if (keys[i] == null_value) continue;
      const std::atomic_ref seen(place[static_cast<std::size_t>(keys[i] - low)]);
      if (seen.load(std::memory_order_relaxed) < 0) seen.store(0, std::memory_order_relaxed);
    }
  });
  std::vector<std::int64_t> distinct;
  for (std::size_t i = 0; i < place.size(); ++i)
    if (place[i] == 0) distinct.push_back(low + static_cast<std::int64_t>(i));
  std::sort(distinct.begin(), distinct.end(), before);
  Dimension dimension;
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    place[static_cast<std::size_t>(distinct[i] - low)] = static_cast<std::int32_t>(i);
    dimension.labels.push_back(label(distinct[i]));
    dimension.keys.push_back(distinct[i]);
  }
  dimension.rank.resize(keys.size());
  for_rows(keys.size(), rows_a_block, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i)
      dimension.rank[i] = keys[i] == null_value ? -1 : place[static_cast<std::size_t>(keys[i] - low)];
  });
  return dimension;
}

template <class Key, class Label>
Dimension ranks(std::span<const std::int64_t> keys, Key before, Label label, const Execution& execution) {
  const auto [low, high] = range_of(keys, execution);
  constexpr std::int64_t table_limit = 1 << 22;
  if (low > high) return ranked(keys, before, label);
  const bool close = high < low + table_limit && low > -table_limit * 1024 && high < table_limit * 1024;
  return close ? ranked_dense(keys, low, high, before, label, execution) : ranked(keys, before, label);
}

}  // namespace

Dimension period_dimension(Every every, std::span<const std::int64_t> at, const Options& options) {
  std::vector<std::int64_t> keys(at.size(), null_value);
  const auto [first, last] = range_of(at, options.execution);
  const PeriodTable table(every, first, last, options);
  for_rows(at.size(), rows_a_block, options.execution, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      if (at[i] != null_value)
        if (const std::int32_t index = table(at[i]); index != FiscalCalendar::no_period) keys[i] = index;
  });
  const auto label = [&](std::int64_t key) {
    return options.calendar.label(options.calendar.period_at(static_cast<std::int32_t>(key), every));
  };
  return ranks(keys, std::less<>(), label, options.execution);
}

Dimension column_dimension(const Lookup& lookup, const Execution& execution) {
  const Column& column = lookup.column;
  std::vector<std::int64_t> keys(lookup.rows.size(), null_value);
  const auto fill = [&](std::size_t first, std::size_t last, auto key_of) {
    for (std::size_t i = first; i < last; ++i) {
      if (lookup.rows[i] < 0) continue;
      const auto row = static_cast<std::size_t>(lookup.rows[i]);
      if (column.valid(row)) keys[i] = key_of(row);
    }
  };
  switch (column.type()) {
    case Type::string: {
      const Dictionary& dictionary = column.dictionary();
      const auto codes = column.values<std::int32_t>();
      for_rows(keys.size(), rows_a_block, execution, [&](std::size_t first, std::size_t last) {
        fill(first, last, [&](std::size_t row) { return std::int64_t{codes[row]}; });
      });
      const auto text = [&](std::int64_t code) { return dictionary[static_cast<std::size_t>(code)]; };
      return ranks(
          keys, [&](std::int64_t a, std::int64_t b) { return text(a) < text(b); },
          [&](std::int64_t code) { return std::string(text(code)); }, execution);
    }
    case Type::float32:
    case Type::float64:
    case Type::decimal: throw UsageError("by: a column of decimals has no groups; cut it into bands first");
    default: {
      boost::unordered_flat_map<std::int64_t, std::string> labels;
      fill(0, keys.size(), [&](std::size_t row) {
        const auto key = static_cast<std::int64_t>(column.number(row));
        if (!labels.contains(key)) labels.emplace(key, column.cell(row));
        return key;
      });
      return ranks(keys, std::less<>(), [&](std::int64_t key) { return labels[key]; }, execution);
    }
  }
}

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
    dimensions.push_back(
        every ? period_dimension(*every, at, options)
              : column_dimension(resolve(crm, table, name, rows, named_at), options.execution));
    product *= static_cast<double>(dimensions.back().labels.size() + 1);
  }
  constexpr double max_product = 9e15;
  if (product > max_product)
    throw UsageError("by: too many combinations of groups; group by fewer or coarser columns");

  // Ranks with null as the last one, in mixed radix: sorted keys are sorted numbers.
  std::vector<std::int64_t> key(rows.size(), 0);
  for_rows(key.size(), rows_a_block, options.execution, [&](std::size_t first, std::size_t last) {
    for (const Dimension& dimension : dimensions) {
      const auto size = static_cast<std::int64_t>(dimension.labels.size());
      for (std::size_t i = first; i < last; ++i)
        key[i] = key[i] * (size + 1) + (dimension.rank[i] < 0 ? size : dimension.rank[i]);
    }
  });
  std::vector<std::int64_t> order;
  const auto no_label = [&](std::int64_t value) {
    order.push_back(value);
    return std::string();
  };
  Dimension dense = ranks(key, std::less<>(), no_label, options.execution);
  groups.of = std::move(dense.rank);
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

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
