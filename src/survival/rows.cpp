#include "rows.hpp"

#include <bit>
#include <numeric>

namespace salesops {
inline namespace v0 {
namespace survival {

void check_length(std::size_t length, std::size_t rows, const std::string& argument) {
  if (length != rows)
    throw UsageError(argument + " has " + std::to_string(length) + " rows, durations has " +
                     std::to_string(rows) + ": they must be equally long");
}

void check_weights(std::span<const double> weights, std::size_t rows) {
  if (weights.empty()) return;
  check_length(weights.size(), rows, "weights");
  refuse(rows, "weights", "are not finite and above 0",
         [&](auto i) { return !std::isfinite(weights[i]) || weights[i] <= 0; });
}

void check(std::span<const double> durations, std::span<const std::uint8_t> events, std::size_t causes,
           std::span<const double> entry, std::span<const double> weights) {
  const std::size_t rows = durations.size();
  if (rows == 0) throw UsageError("durations has no rows: there is nothing to estimate from");
  if (rows > 0xFFFFFFFFU) throw UsageError("durations has more than 4,294,967,295 rows");
  check_length(events.size(), rows, "events");
  refuse(rows, "durations", "are NaN or infinite", [&](auto i) { return !std::isfinite(durations[i]); });
  refuse(rows, "durations", "are negative", [&](auto i) { return durations[i] < 0; });
  refuse(rows, "events", "have a code above " + std::to_string(causes),
         [&](auto i) { return events[i] > causes; });
  if (!entry.empty()) {
    check_length(entry.size(), rows, "entry");
    refuse(rows, "entry", "are NaN, infinite or negative",
           [&](auto i) { return !std::isfinite(entry[i]) || entry[i] < 0; });
    refuse(rows, "entry", "are not before their duration",
           [&](auto i) { return entry[i] > 0 && entry[i] >= durations[i]; });
  }
  check_weights(weights, rows);
}

// ---- Rows in order of time ------------------------------------------------------------------------

namespace {

/// Durations are often whole days or months: then one counting pass puts the rows in order.
constexpr double few_whole_numbers = 65536;

bool are_few_whole_numbers(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) {
    return x < few_whole_numbers && x == static_cast<double>(static_cast<std::uint32_t>(x));
  });
}

std::vector<std::uint32_t> order_of_whole_numbers(std::span<const double> values) {
  std::vector<std::uint32_t> place(static_cast<std::size_t>(few_whole_numbers) + 1, 0U);
  for (const double x : values) ++place[static_cast<std::size_t>(x) + 1];
  std::partial_sum(place.begin(), place.end(), place.begin());
  std::vector<std::uint32_t> order(values.size());
  for (std::size_t row = 0; row < values.size(); ++row)
    order[place[static_cast<std::size_t>(values[row])]++] = static_cast<std::uint32_t>(row);
  return order;
}

struct Item {
  std::uint64_t key;
  std::uint32_t row;
};

/// Puts runs of items that agree in all bits above `low` in order of their keys.
void sort_runs(std::vector<Item>& items, int low) {
  for (std::size_t first = 0; first < items.size();) {
    std::size_t last = first + 1;
    while (last < items.size() && items[last].key >> low == items[first].key >> low) ++last;
    if (last - first > 1)
      std::stable_sort(items.begin() + static_cast<std::ptrdiff_t>(first),
                       items.begin() + static_cast<std::ptrdiff_t>(last),
                       [](const Item& a, const Item& b) { return a.key < b.key; });
    first = last;
  }
}

}  // namespace

/// Row numbers by ascending value (≥ 0), equal values in row order: radix sort of the bit patterns,
/// which for numbers of at least 0 have the order of the numbers. Three passes over the 33 highest bits that
/// differ leave hardly any two of a million in one run.
std::vector<std::uint32_t> order_of(std::span<const double> values) {
  if (are_few_whole_numbers(values)) return order_of_whole_numbers(values);
  constexpr int digits = 3;
  constexpr int width = 11;
  constexpr std::size_t places = std::size_t{1} << width;
  std::vector<Item> items(values.size());
  std::vector<Item> other(values.size());
  std::uint64_t differing = 0;
  for (std::size_t row = 0; row < values.size(); ++row) {
    items[row] = {std::bit_cast<std::uint64_t>(values[row] + 0.0), static_cast<std::uint32_t>(row)};  // no −0
    differing |= items[row].key ^ items[0].key;
  }
  const int low = std::max(0, static_cast<int>(std::bit_width(differing)) - digits * width);
  std::vector<std::uint32_t> counts(digits * places, 0U);
  const auto digit_of = [low](const Item& item, int digit) {
    return static_cast<std::size_t>(item.key >> (low + width * digit)) & (places - 1);
  };
  for (const Item& item : items)
    for (int digit = 0; digit < digits; ++digit)
      ++counts[static_cast<std::size_t>(digit) * places + digit_of(item, digit)];
  for (int digit = 0; digit < digits; ++digit) {
    const std::span<std::uint32_t> place(counts.data() + static_cast<std::size_t>(digit) * places, places);
    if (std::find(place.begin(), place.end(), values.size()) != place.end()) continue;
    std::exclusive_scan(place.begin(), place.end(), place.begin(), 0U);
    for (const Item& item : items) other[place[digit_of(item, digit)]++] = item;
    items.swap(other);
  }
  if (low > 0) sort_runs(items, low);
  std::vector<std::uint32_t> order(values.size());
  std::transform(items.begin(), items.end(), order.begin(), [](const Item& item) { return item.row; });
  return order;
}

namespace {

/// Weight of the rows whose entry is at or after each time: known of, but not yet at risk.
std::vector<double> not_entered(const std::vector<double>& time, const Options& options) {
  const std::vector<std::uint32_t> order = order_of(options.entry);
  std::vector<double> waiting(time.size());
  double weight = 0;
  std::size_t left = order.size();
  for (std::size_t i = time.size(); i-- > 0;) {
    for (; left > 0; --left) {
      const std::uint32_t row = order[left - 1];
      if (options.entry[row] < time[i] || options.entry[row] <= 0) break;
      weight += weight_of(options, row);
    }
    waiting[i] = weight;
  }
  return waiting;
}

}  // namespace

RiskTable risk_table(std::span<const double> durations, const Options& options) {
  RiskTable table;
  table.order = order_of(durations);
  for (std::size_t i = 0; i < table.order.size(); ++i) {
    const double t = durations[table.order[i]] + 0.0;
    if (!table.time.empty() && table.time.back() == t) continue;
    table.time.push_back(t);
    table.starts.push_back(i);
  }
  table.starts.push_back(table.order.size());
  // Summed from the last time backwards, so that the last risk set is exactly its own rows.
  table.at_risk.resize(table.size());
  double weight = 0;
  for (std::size_t i = table.size(); i-- > 0;) {
    if (options.weights.empty()) {
      weight += static_cast<double>(table.starts[i + 1] - table.starts[i]);
    } else {
      for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j)
        weight += options.weights[table.order[j]];
    }
    table.at_risk[i] = weight;
  }
  if (!options.entry.empty()) {
    const std::vector<double> waiting = not_entered(table.time, options);
    for (std::size_t i = 0; i < table.size(); ++i) table.at_risk[i] -= waiting[i];
  }
  return table;
}

// ---- Bands and steps ------------------------------------------------------------------------------

/// Interval of a share in (0, 1) from its standard error.
Band band_of(double share, double std_error, double z, IntervalKind kind) {
  if (share <= 0 || share >= 1 || std_error <= 0) return {share, share};
  const double e = z * std_error;
  switch (kind) {
    case IntervalKind::plain: return {std::max(0.0, share - e), std::min(1.0, share + e)};
    case IntervalKind::log: {
      const double factor = std::exp(e / share);
      return {share / factor, std::min(1.0, share * factor)};
    }
    case IntervalKind::arcsine: {
      const double middle = std::asin(std::sqrt(share));
      const double half = e / (2 * std::sqrt(share * (1 - share)));
      const auto back = [](double angle) { return std::sin(angle) * std::sin(angle); };
      constexpr double right_angle = 1.57079632679489661923;
      return {back(std::max(0.0, middle - half)), back(std::min(right_angle, middle + half))};
    }
    case IntervalKind::log_log: break;
  }
  const double logarithm = std::log(share);
  const double tilt = std::exp(e / (share * -logarithm));
  return {std::exp(logarithm * tilt), std::exp(logarithm / tilt)};
}

/// Position of the last time that is ≤ t, or nothing before the first.
std::optional<std::size_t> step_at(const std::vector<double>& time, double t) {
  const auto after = std::upper_bound(time.begin(), time.end(), t);
  if (after == time.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - time.begin()) - 1;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
