#include "rows.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <functional>
#include <numeric>
#include <utility>

#include "../table/memory.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

void check_length(std::size_t length, std::size_t rows, const std::string& argument) {
  if (length != rows)
    throw UsageError(argument + " has " + std::to_string(length) + " rows, durations has " +
                     std::to_string(rows) + ": they must be equally long");
}

void check_ahead(std::span<const double> times, std::span<const double> since, std::size_t rows) {
  refuse(times.size(), "times", "are not finite and at least 0",
         [&](auto i) { return !std::isfinite(times[i]) || times[i] < 0; });
  if (since.empty()) return;
  if (since.size() != rows)
    throw UsageError("since has " + std::to_string(since.size()) + " ages for " + std::to_string(rows) +
                     " rows: give one, or one a row");
  refuse(rows, "since", "are not finite and at least 0",
         [&](auto i) { return !std::isfinite(since[i]) || since[i] < 0; });
}

void check_weights(std::span<const double> weights, std::size_t rows) {
  if (weights.empty()) return;
  check_length(weights.size(), rows, "weights");
  refuse(rows, "weights", "are not finite and above 0",
         [&](auto i) { return !std::isfinite(weights[i]) || weights[i] <= 0; });
}

namespace {

constexpr std::size_t block_rows = 65536;

/// Says what is wrong with the rows.
void refuse_rows(std::span<const double> durations, std::span<const std::uint8_t> events,
                 std::size_t causes) {
  const std::size_t rows = durations.size();
  refuse(rows, "durations", "are NaN or infinite", [&](auto i) { return !std::isfinite(durations[i]); });
  refuse(rows, "durations", "are negative", [&](auto i) { return durations[i] < 0; });
  refuse(rows, "events", "have a code above " + std::to_string(causes),
         [&](auto i) { return events[i] > causes; });
}

}  // namespace

void check(std::span<const double> durations, std::span<const std::uint8_t> events, std::size_t causes,
           std::span<const double> entry, std::span<const double> weights) {
  const std::size_t rows = durations.size();
  if (rows == 0) throw UsageError("durations has no rows: there is nothing to estimate from");
  if (rows > 0xFFFFFFFFU) throw UsageError("durations has more than 4,294,967,295 rows");
  check_length(events.size(), rows, "events");
  std::atomic<bool> fine = true;
  for_rows(rows, block_rows, {}, [&](std::size_t first, std::size_t last) {
    bool good = true;
    for (std::size_t row = first; row < last; ++row)
      good &= durations[row] >= 0 && durations[row] <= std::numeric_limits<double>::max() &&
              events[row] <= causes;
    if (!good) fine = false;
  });
  if (!fine) refuse_rows(durations, events, causes);
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
constexpr std::size_t few_whole_numbers = 65536;

/// One above the largest value where all are whole numbers, few at that; else 0.
std::size_t whole_numbers(std::span<const double> values) {
  // Exact times show in the first few rows.
  for (const double x : values.first(std::min<std::size_t>(values.size(), 64)))
    if (x != std::floor(x)) return 0;
  std::vector<std::size_t> above((values.size() + block_rows - 1) / block_rows, 0);
  for_rows(values.size(), block_rows, {}, [&](std::size_t first, std::size_t last) {
    double most = 0;
    bool whole = true;
    for (std::size_t row = first; row < last; ++row) {
      const double x = std::min(values[row], static_cast<double>(few_whole_numbers));
      whole &= x == static_cast<double>(static_cast<std::int32_t>(x));
      most = std::max(most, x);
    }
    above[first / block_rows] = whole ? static_cast<std::size_t>(most) + 1 : few_whole_numbers + 1;
  });
  const std::size_t most = above.empty() ? 0 : *std::max_element(above.begin(), above.end());
  return most > few_whole_numbers ? 0 : most;
}

/// Rows in order, and where each whole number begins among them (and the end).
struct WholeOrder {
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> starts;
};

WholeOrder whole_order(std::span<const double> values, std::size_t above) {
  WholeOrder sorted{std::vector<std::uint32_t>(values.size()), std::vector<std::uint32_t>(above + 1, 0U)};
  for (const double x : values) ++sorted.starts[static_cast<std::size_t>(x) + 1];
  std::partial_sum(sorted.starts.begin(), sorted.starts.end(), sorted.starts.begin());
  std::vector<std::uint32_t> next = sorted.starts;
  for (std::size_t row = 0; row < values.size(); ++row)
    sorted.rows[next[static_cast<std::size_t>(values[row])]++] = static_cast<std::uint32_t>(row);
  return sorted;
}

/// The bits of a value, and what goes along with it.
struct Item {
  std::uint64_t key;
  std::uint32_t mark;
};

constexpr int width = 11;  ///< bits of a digit
constexpr std::size_t places = std::size_t{1} << width;

std::size_t digit_at(std::uint64_t key, int low) {
  return static_cast<std::size_t>(key >> low) & (places - 1);
}

/// Puts items in order that agree in all bits of their keys from `bits` on; `room` is as long.
void sort_items(std::span<Item> items, std::span<Item> room, int bits) {
  const auto by_key = [](const Item& a, const Item& b) {
    return a.key != b.key ? a.key < b.key : a.mark < b.mark;
  };
  if (items.size() < 128) {
    std::sort(items.begin(), items.end(), by_key);
    return;
  }
  // Enough of the highest bits that hardly any two items agree in them.
  const int digits = (static_cast<int>(std::bit_width(items.size())) + 18) / width;
  const int low = std::max(0, bits - digits * width);
  std::array<std::uint32_t, places> place;
  std::span<Item> from = items;
  std::span<Item> to = room;
  for (int at = low; at < bits; at += width) {
    std::fill(place.begin(), place.end(), 0U);
    for (const Item& item : from) ++place[digit_at(item.key, at)];
    if (place[digit_at(from[0].key, at)] == from.size()) continue;
    std::exclusive_scan(place.begin(), place.end(), place.begin(), 0U);
    for (const Item& item : from) to[place[digit_at(item.key, at)]++] = item;
    std::swap(from, to);
  }
  if (from.data() != items.data()) std::copy(from.begin(), from.end(), items.begin());
  for (std::size_t first = 0; low > 0 && first < items.size();) {
    std::size_t last = first + 1;
    while (last < items.size() && items[last].key >> low == items[first].key >> low) ++last;
    if (last - first > 1)
      std::sort(items.begin() + static_cast<std::ptrdiff_t>(first),
                items.begin() + static_cast<std::ptrdiff_t>(last), by_key);
    first = last;
  }
}

/// Puts values in ascending order, and each row's mark along with its value; marks that ascend with the rows
/// do so among equal values. A radix sort of the bit patterns, which for numbers of at least 0 have the order
/// of the numbers. Many rows are first dealt out by the highest digit in which they differ, so that the rest
/// fits the cache.
template <class Mark, class MarkOf>
void sort_rows(std::span<const double> values, const MarkOf& mark_of, std::span<double> sorted,
               std::span<Mark> marks) {
  const std::size_t rows = values.size();
  const std::size_t blocks = (rows + block_rows - 1) / block_rows;
  const auto key_of = [&](std::size_t row) {
    return std::bit_cast<std::uint64_t>(values[row] + 0.0);
  };  // no −0
  std::vector<std::uint64_t> differing(blocks, 0);
  for_rows(rows, block_rows, {}, [&](std::size_t first, std::size_t last) {
    std::uint64_t bits = 0;
    for (std::size_t row = first; row < last; ++row) bits |= key_of(row) ^ key_of(0);
    differing[first / block_rows] = bits;
  });
  const std::uint64_t apart =
      std::reduce(differing.begin(), differing.end(), std::uint64_t{0}, std::bit_or{});
  const int bits = static_cast<int>(std::bit_width(apart));
  const int low = blocks > 1 ? std::max(0, bits - width) : bits;
  const std::size_t buckets = blocks > 1 ? places : 1;
  const auto bucket_of = [&](std::size_t row) { return buckets > 1 ? digit_at(key_of(row), low) : 0; };

  std::vector<std::uint32_t> next(blocks * buckets, 0U);  // by block, then by bucket
  for_rows(rows, block_rows, {}, [&](std::size_t first, std::size_t last) {
    std::uint32_t* counts = next.data() + first / block_rows * buckets;
    for (std::size_t row = first; row < last; ++row) ++counts[bucket_of(row)];
  });
  std::vector<std::uint32_t> starts(buckets + 1, 0U);
  std::uint32_t total = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    for (std::size_t block = 0; block < blocks; ++block)
      total += std::exchange(next[block * buckets + bucket], total);
    starts[bucket + 1] = total;
  }
  for_rows(rows, block_rows, {}, [&](std::size_t first, std::size_t last) {
    std::uint32_t* place = next.data() + first / block_rows * buckets;
    for (std::size_t row = first; row < last; ++row) {
      const std::size_t at = place[bucket_of(row)]++;
      sorted[at] = values[row] + 0.0;
      marks[at] = mark_of(row);
    }
  });
  std::atomic<std::size_t> waiting{0};
  for_blocks(static_cast<std::size_t>(default_threads()), {}, [&](std::size_t) {
    LargeVector<Item> memory;  // of a thread: new memory for each bucket would take longer than to sort it
    for (std::size_t bucket = waiting++; bucket < buckets; bucket = waiting++) {
      const std::size_t begin = starts[bucket];
      const std::size_t size = starts[bucket + 1] - begin;
      if (size < 2) continue;
      if (memory.size() < 2 * size) memory.resize(2 * size);
      const std::span<Item> items(memory.data(), size);
      for (std::size_t i = 0; i < size; ++i)
        items[i] = {std::bit_cast<std::uint64_t>(sorted[begin + i]), marks[begin + i]};
      sort_items(items, {memory.data() + size, size}, low);
      for (std::size_t i = 0; i < size; ++i) {
        sorted[begin + i] = std::bit_cast<double>(items[i].key);
        marks[begin + i] = static_cast<Mark>(items[i].mark);
      }
    }
  });
}

}  // namespace

Ordered in_order(std::span<const double> values) {
  if (const std::size_t above = whole_numbers(values); above > 0) {
    WholeOrder sorted = whole_order(values, above);
    LargeVector<double> ordered(values.size());
    for (std::size_t x = 0; x < above; ++x)
      std::fill(ordered.begin() + sorted.starts[x], ordered.begin() + sorted.starts[x + 1],
                static_cast<double>(x));
    return {std::move(sorted.rows), std::move(ordered)};
  }
  Ordered sorted{std::vector<std::uint32_t>(values.size()), LargeVector<double>(values.size())};
  sort_rows<std::uint32_t>(
      values, [](std::size_t row) { return static_cast<std::uint32_t>(row); }, sorted.values, sorted.rows);
  return sorted;
}

namespace {

/// Takes from the risk sets the rows whose entry is at or after their time: known of, but not yet at risk.
void take_waiting(std::span<const double> time, const Options& options, std::span<double> at_risk) {
  if (options.entry.empty()) return;
  const std::vector<std::uint32_t> order = order_of(options.entry);
  double weight = 0;
  std::size_t left = order.size();
  for (std::size_t i = time.size(); i-- > 0;) {
    for (; left > 0; --left) {
      const std::uint32_t row = order[left - 1];
      if (options.entry[row] < time[i] || options.entry[row] <= 0) break;
      weight += weight_of(options, row);
    }
    at_risk[i] -= weight;
  }
}

}  // namespace

RiskTable risk_table(std::span<const double> durations, const Options& options) {
  RiskTable table;
  if (const std::size_t above = whole_numbers(durations); above > 0) {
    WholeOrder sorted = whole_order(durations, above);
    table.order = std::move(sorted.rows);
    for (std::size_t x = 0; x < above; ++x) {
      if (sorted.starts[x] == sorted.starts[x + 1]) continue;
      table.time.push_back(static_cast<double>(x));
      table.starts.push_back(sorted.starts[x]);
    }
  } else {
    Ordered sorted = in_order(durations);
    table.order = std::move(sorted.rows);
    table.time = std::move(sorted.values);
    table.starts.reserve(table.time.size() + 1);
    std::size_t size = 0;
    for (std::size_t i = 0; i < table.time.size(); ++i) {
      if (size > 0 && table.time[size - 1] == table.time[i]) continue;
      table.time[size++] = table.time[i];
      table.starts.push_back(i);
    }
    table.time.resize(size);
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
  take_waiting(table.time, options, table.at_risk);
  return table;
}

namespace {

/// The table of durations that are no few whole numbers, block by block: each times its own first rows.
void fill(EventTable& table, std::span<const double> durations, std::span<const std::uint8_t> events,
          const Options& options) {
  const std::size_t rows = durations.size();
  LargeVector<double> values(rows);
  LargeVector<std::uint8_t> codes(rows);
  LargeVector<double> weights(options.weights.size());
  if (weights.empty()) {
    sort_rows<std::uint8_t>(durations, [&](std::size_t row) { return events[row]; }, values, codes);
  } else {
    Ordered sorted = in_order(durations);
    values = std::move(sorted.values);
    for_rows(rows, block_rows, {}, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        codes[i] = events[sorted.rows[i]];
        weights[i] = options.weights[sorted.rows[i]];
      }
    });
  }
  const auto begins = [&](std::size_t i) { return i == 0 || values[i] != values[i - 1]; };
  std::vector<std::size_t> steps((rows + block_rows - 1) / block_rows + 1, 0);
  for_rows(rows, block_rows, {}, [&](std::size_t first, std::size_t last) {
    std::size_t size = 0;
    for (std::size_t i = first; i < last; ++i) size += begins(i) ? 1 : 0;
    steps[first / block_rows + 1] = size;
  });
  std::partial_sum(steps.begin(), steps.end(), steps.begin());
  const bool ties = steps.back() < rows;
  table.at_risk.resize(steps.back());
  table.time.resize(ties ? steps.back() : 0);
  for (LargeVector<double>& ended : table.ended) ended.resize(steps.back());
  const auto weight = [&](std::size_t i) { return weights.empty() ? 1 : weights[i]; };
  for_rows(rows, block_rows, {}, [&](std::size_t first, std::size_t last) {
    if (!ties) {
      constexpr double one_or_none[]{0, 1};  // looked up: which it is can't be foretold
      double* const at_risk = table.at_risk.data();
      for (std::size_t i = first; i < last; ++i) at_risk[i] = static_cast<double>(rows - i);
      for (std::size_t code = 0; code < table.ended.size(); ++code) {
        double* const ended = table.ended[code].data();
        for (std::size_t i = first; i < last; ++i) ended[i] = one_or_none[codes[i] == code ? 1 : 0];
        for (std::size_t i = weights.empty() ? last : first; i < last; ++i) ended[i] *= weights[i];
      }
      return;
    }
    std::size_t i = first;
    while (i < last && !begins(i)) ++i;  // they are of a time that began in an earlier block
    if (i == last) return;
    std::size_t step = steps[first / block_rows];
    for (; i < rows; ++i) {
      if (begins(i)) {
        if (i >= last) break;
        table.at_risk[step] = static_cast<double>(rows - i);
        for (LargeVector<double>& ended : table.ended) ended[step] = 0;
        table.time[step++] = values[i];
      }
      table.ended[codes[i]][step - 1] += weight(i);
    }
  });
  if (!ties) table.time = std::move(values);
}

/// The table of whole numbers below `above`: each is a place. Summed in pieces, as many whatever the threads.
void fill_whole(EventTable& table, std::span<const double> durations, std::span<const std::uint8_t> events,
                std::size_t above, const Options& options) {
  const std::size_t rows = durations.size();
  const std::size_t codes = table.ended.size();
  const std::size_t cells = above * codes;
  const std::size_t pieces = std::clamp<std::size_t>(rows / std::max(block_rows, 4 * cells), 1, 8);
  std::vector<double> sums(pieces * cells, 0.0);
  for_blocks(pieces, {}, [&](std::size_t piece) {
    double* const own = sums.data() + piece * cells;
    const std::size_t end = rows * (piece + 1) / pieces;
    for (std::size_t row = rows * piece / pieces; row < end; ++row)
      own[static_cast<std::size_t>(durations[row]) * codes + events[row]] += weight_of(options, row);
  });
  for (std::size_t piece = 1; piece < pieces; ++piece)
    for (std::size_t cell = 0; cell < cells; ++cell) sums[cell] += sums[piece * cells + cell];
  for (std::size_t at = 0; at < above; ++at) {
    const std::span<const double> ended(sums.data() + at * codes, codes);
    if (std::ranges::all_of(ended, [](double weight) { return weight == 0; })) continue;
    table.time.push_back(static_cast<double>(at));
    for (std::size_t code = 0; code < codes; ++code) table.ended[code].push_back(ended[code]);
  }
  table.at_risk.resize(table.size());
}

}  // namespace

EventTable event_table(std::span<const double> durations, std::span<const std::uint8_t> events,
                       std::size_t codes, const Options& options) {
  EventTable table;
  table.ended.resize(codes);
  const std::size_t above = whole_numbers(durations);
  if (above > 0 && above * codes <= std::max(few_whole_numbers, durations.size())) {
    fill_whole(table, durations, events, above, options);
  } else {
    fill(table, durations, events, options);
  }
  // Summed from the last time backwards, so that the last risk set is exactly its own rows.
  double weight = 0;
  for (std::size_t i = above > 0 || !options.weights.empty() ? table.size() : 0; i-- > 0;) {
    for (const LargeVector<double>& ended : table.ended) weight += ended[i];
    table.at_risk[i] = weight;
  }
  take_waiting(table.time, options, table.at_risk);
  return table;
}

// ---- Bands and steps ------------------------------------------------------------------------------

Band Bands::operator()(double share, double std_error) {
  if (share <= 0 || share >= 1 || std_error <= 0) return {share, share};
  const double e = z_ * std_error;
  switch (kind_) {
    case IntervalKind::plain: return {std::max(0.0, share - e), std::min(1.0, share + e)};
    case IntervalKind::log: {
      const double factor = tilt_(e / share);
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
  const double logarithm = log_(share);
  const double tilt = tilt_(e / (share * -logarithm));
  return {low_(logarithm * tilt), high_(logarithm / tilt)};
}

/// Position of the last time that is ≤ t, or nothing before the first.
std::optional<std::size_t> step_at(std::span<const double> time, double t) {
  const auto after = std::upper_bound(time.begin(), time.end(), t);
  if (after == time.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - time.begin()) - 1;
}

// ---- Strata ---------------------------------------------------------------------------------------

std::map<std::uint32_t, StratumRows> rows_by_stratum(std::span<const double> durations,
                                                     std::span<const std::uint8_t> events,
                                                     std::span<const std::uint32_t> groups,
                                                     const Options& options,
                                                     std::span<const std::uint32_t> strata) {
  std::map<std::uint32_t, StratumRows> found;
  for (std::size_t row = 0; row < durations.size(); ++row) {
    StratumRows& own = found[strata.empty() ? 0 : strata[row]];
    own.durations.push_back(durations[row]);
    own.events.push_back(events[row]);
    own.groups.push_back(groups[row]);
    if (!options.entry.empty()) own.entry.push_back(options.entry[row]);
    if (!options.weights.empty()) own.weights.push_back(options.weights[row]);
  }
  return found;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
