#include "groups.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>

#include "keys.hpp"

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

/// GroupNumbers the distinct values that occur, in the order that `arrange` puts them in.
template <class Arrange>
Ranked ranked(std::span<const std::int64_t> keys, Arrange arrange) {
  Ranked result;
  result.rank.assign(keys.size(), -1);
  boost::unordered_flat_map<std::int64_t, std::int32_t> place;
  for (const std::int64_t key : keys)
    if (key != null_value && place.try_emplace(key, 0).second) result.keys.push_back(key);
  arrange(result.keys);
  for (std::size_t i = 0; i < result.keys.size(); ++i) place[result.keys[i]] = static_cast<std::int32_t>(i);
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i] != null_value) result.rank[i] = place[keys[i]];
  return result;
}

constexpr std::size_t rows_a_block = std::size_t{1} << 16;

/// Ranks by a table, for keys that lie close together (codes, days, months).
template <class Arrange>
Ranked ranked_dense(std::span<const std::int64_t> keys, std::int64_t low, std::int64_t high, Arrange arrange,
                    const Execution& execution) {
  std::vector<std::int32_t> place(static_cast<std::size_t>(high - low + 1), -1);
  for_rows(keys.size(), rows_a_block, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      if (keys[i] == null_value) continue;
      const std::atomic_ref seen(place[static_cast<std::size_t>(keys[i] - low)]);
      if (seen.load(std::memory_order_relaxed) < 0) seen.store(0, std::memory_order_relaxed);
    }
  });
  Ranked result;
  for (std::size_t i = 0; i < place.size(); ++i)
    if (place[i] == 0) result.keys.push_back(low + static_cast<std::int64_t>(i));
  arrange(result.keys);
  for (std::size_t i = 0; i < result.keys.size(); ++i)
    place[static_cast<std::size_t>(result.keys[i] - low)] = static_cast<std::int32_t>(i);
  result.rank.resize(keys.size());
  for_rows(keys.size(), rows_a_block, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i)
      result.rank[i] = keys[i] == null_value ? -1 : place[static_cast<std::size_t>(keys[i] - low)];
  });
  return result;
}

/// `keys` lie from `low` to `high`, or are null.
template <class Arrange>
Ranked ranks(std::span<const std::int64_t> keys, std::int64_t low, std::int64_t high, Arrange arrange,
             const Execution& execution) {
  constexpr std::int64_t table_limit = 1 << 22, small = 1 << 16;
  if (low > high) return ranked(keys, arrange);
  // A table pays when it isn't much longer than the column.
  const std::int64_t most = std::min(table_limit, small + 4 * static_cast<std::int64_t>(keys.size()));
  const bool close = high < low + most && low > -table_limit * 1024 && high < table_limit * 1024;
  return close ? ranked_dense(keys, low, high, arrange, execution) : ranked(keys, arrange);
}

template <class Before, class Label>
Dimension dimension_of(std::span<const std::int64_t> keys, std::int64_t low, std::int64_t high, Before before,
                       Label label, const Execution& execution) {
  Dimension dimension{
      ranks(
          keys, low, high, [&](std::vector<std::int64_t>& all) { std::sort(all.begin(), all.end(), before); },
          execution),
      {}};
  for (const std::int64_t key : dimension.keys) dimension.labels.push_back(label(key));
  return dimension;
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
  const auto [low, high] = range_of(keys, options.execution);
  return dimension_of(keys, low, high, std::less<>(), label, options.execution);
}

namespace {

/// A number whose order is that of the decimals; null of what isn't a number.
std::int64_t order_of(double value) {
  if (std::isnan(value)) return null_value;
  const auto bits = std::bit_cast<std::int64_t>(value + 0.0);  // one zero
  return bits < 0 ? ~(bits & std::numeric_limits<std::int64_t>::max()) : bits;
}

}  // namespace

namespace {

/// An amount with the digits of its minor unit.
struct Amount {
  std::int64_t minor = 0;
  std::uint8_t digits = 0;

  [[nodiscard]] double value() const {
    return static_cast<double>(minor) / std::pow(10.0, static_cast<double>(digits));
  }
  /// Without its currency, as its currency writes it.
  [[nodiscard]] std::string text() const {
    return Money{minor, {static_cast<std::uint32_t>(digits) << 24U | Currency{}.packed % (1U << 24U)}}
        .amount_text();
  }
};

/// Amounts of several currencies in order of their value, each as its own currency writes it.
Dimension amount_dimension(const Lookup& lookup, const Execution& execution) {
  std::vector<Amount> amounts;
  std::map<std::pair<std::int64_t, std::uint8_t>, std::int64_t> place;
  std::vector<std::int64_t> keys(lookup.rows.size(), null_value);
  const auto values = lookup.column.values<std::int64_t>();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (lookup.rows[i] < 0 || lookup.column.is_null(static_cast<std::size_t>(lookup.rows[i]))) continue;
    const Amount amount{values[static_cast<std::size_t>(lookup.rows[i])], lookup.digits[i]};
    const auto [found, fresh] =
        place.try_emplace({amount.minor, amount.digits}, static_cast<std::int64_t>(amounts.size()));
    if (fresh) amounts.push_back(amount);
    keys[i] = found->second;
  }
  const auto at = [&](std::int64_t key) { return amounts[static_cast<std::size_t>(key)]; };
  Dimension dimension = dimension_of(
      keys, 0, static_cast<std::int64_t>(amounts.size()) - 1,
      [&](std::int64_t a, std::int64_t b) {
        return std::pair(at(a).value(), at(a).text()) < std::pair(at(b).value(), at(b).text());
      },
      [&](std::int64_t key) { return at(key).text(); }, execution);
  for (std::int64_t& key : dimension.keys) key = order_of(at(key).value());
  return dimension;
}

}  // namespace

Dimension column_dimension(const Lookup& lookup, Currency currency, const Execution& execution) {
  const Column& column = lookup.column;
  if (!lookup.digits.empty()) return amount_dimension(lookup, execution);
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
      return dimension_of(
          keys, 0, static_cast<std::int64_t>(dictionary.size()) - 1,
          [&](std::int64_t a, std::int64_t b) { return text(a) < text(b); },
          [&](std::int64_t code) { return std::string(text(code)); }, execution);
    }
    default: {
      const bool decimals =
          column.type() == Type::float32 || column.type() == Type::float64 || column.type() == Type::decimal;
      const bool whole = column.type() == Type::int64 || column.type() == Type::money;
      boost::unordered_flat_map<std::int64_t, std::string> labels;
      fill(0, keys.size(), [&](std::size_t row) {
        const double number = column.number(row);
        const std::int64_t key = whole      ? column.values<std::int64_t>()[row]
                                 : decimals ? order_of(number)
                                            : static_cast<std::int64_t>(number);
        if (!labels.contains(key))
          labels.emplace(
              key, column.type() == Type::money ? Money{key, currency}.amount_text() : column.cell(row));
        return key;
      });
      const auto [low, high] = range_of(keys, execution);
      return dimension_of(
          keys, low, high, std::less<>(), [&](std::int64_t key) { return labels[key]; }, execution);
    }
  }
}

Groups group_by(const Crm& crm, std::string_view table, std::span<const std::string> by,
                std::span<const std::int32_t> rows, std::span<const std::int64_t> at, const Options& options,
                bool present_names) {
  const Placed placed{crm, table, options, rows, at, present_names};
  const Keys keys(placed, by);
  std::vector<std::int64_t> numbers(at.size());
  for_rows(at.size(), rows_a_block, options.execution, [&](std::size_t first, std::size_t last) {
    std::array<std::int32_t, rows_at_once> places;
    std::array<std::uint64_t, rows_at_once> block;
    for (std::size_t begin = first; begin < last; begin += rows_at_once) {
      const std::size_t n = std::min(rows_at_once, last - begin);
      std::iota(places.begin(), places.end(), static_cast<std::int32_t>(begin));
      keys.number({std::span(places).first(n), rows.subspan(begin, n)}, GroupNumbers(block).first(n));
      for (std::size_t i = 0; i < n; ++i) numbers[begin + i] = static_cast<std::int64_t>(block[i]);
    }
  });
  Groups groups;
  const auto arrange = [&](std::vector<std::int64_t>& all) {
    const std::vector<std::int64_t> found = all;
    const auto order = keys.order({found.begin(), found.end()}, groups);
    for (std::size_t i = 0; i < order.size(); ++i) all[i] = found[order[i]];
  };
  groups.of =
      ranks(numbers, 0, static_cast<std::int64_t>(keys.combinations()) - 1, arrange, options.execution).rank;
  return groups;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
