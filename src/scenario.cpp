#include "salesops/scenario.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {

namespace {

std::int64_t added(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw UsageError("scenario: a sum leaves the range of 64-bit minor units");
  return sum;
}

/// Type 7 quantile of sorted values.
std::int64_t quantile_of(const std::vector<std::int64_t>& sorted, double probability) {
  const double place = probability * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  const double low = static_cast<double>(sorted[below]);
  const double step = static_cast<double>(sorted[above]) - low;
  const double share = place - static_cast<double>(below);
  if (share == 0) return sorted[below];
  return added(sorted[below], std::llround(share * step));
}

void check_sizes(const ScenarioData& data) {
  if (data.draws > 0 && data.leaves.empty()) throw UsageError("scenario: draws without holders");
  if (data.values.size() != data.draws * data.leaves.size() * data.periods.size())
    throw UsageError("scenario: " + std::to_string(data.values.size()) +
                     " values for draws × leaves × periods = " + std::to_string(data.draws) + " × " +
                     std::to_string(data.leaves.size()) + " × " + std::to_string(data.periods.size()));
  for (std::size_t i = 0; i < data.periods.size(); ++i) {
    if (data.periods[i].end <= data.periods[i].start)
      throw UsageError("scenario: leaf period " + std::to_string(i) + " ends before it starts");
    if (i > 0 && data.periods[i].start < data.periods[i - 1].end)
      throw UsageError("scenario: leaf period " + std::to_string(i) + " overlaps the one before");
  }
}

}  // namespace

std::string level_name(double level) {
  if (!(level > 1 && level < 100))
    throw UsageError("level is in percent, between 1 and 100 (80, not 0.8); got " + std::to_string(level));
  std::string text = std::to_string(level);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Scenario::Scenario(ScenarioData data) : data_(std::move(data)) {
  check_sizes(data_);
  place_members();
}

void Scenario::place_members() {
  std::map<Holder, std::vector<const Membership*>> parents;
  for (const Membership& membership : data_.memberships) parents[membership.member].push_back(&membership);
  std::map<Holder, int> height;
  for (std::size_t leaf = 0; leaf < data_.leaves.size(); ++leaf) {
    const Holder& holder = data_.leaves[leaf];
    if (place_.contains(holder))
      throw UsageError("scenario: holder '" + holder.to_string() + "' is given twice");
    place_[holder];
    holders_.push_back(holder);
  }
  const std::set<Holder> leaves(data_.leaves.begin(), data_.leaves.end());
  for (std::size_t leaf = 0; leaf < data_.leaves.size(); ++leaf) {
    for (std::size_t period = 0; period < data_.periods.size(); ++period) {
      const Date day = data_.periods[period].start.utc_date();
      std::vector<std::pair<Holder, int>> front{{data_.leaves[leaf], 0}};
      std::set<Holder> seen;
      for (std::size_t next = 0; next < front.size(); ++next) {
        const auto [holder, level] = front[next];
        if (level > 64)
          throw UsageError("scenario: memberships of '" + holder.to_string() + "' go in a circle");
        if (!seen.insert(holder).second)
          throw UsageError("scenario: '" + data_.leaves[leaf].to_string() + "' reaches '" +
                           holder.to_string() + "' twice on " + day.to_string() +
                           "; its sums would count double");
        if (next > 0 && leaves.contains(holder))
          throw UsageError("scenario: '" + holder.to_string() + "' has members and numbers of its own");
        place_[holder].push_back({leaf, period});
        height[holder] = std::max(height[holder], level);
        const auto found = parents.find(holder);
        if (found == parents.end()) continue;
        for (const Membership* membership : found->second)
          if (membership->from <= day && day < membership->to)
            front.emplace_back(membership->parent, level + 1);
      }
    }
  }
  std::vector<std::pair<int, Holder>> upper;
  for (const auto& [holder, parts] : place_)
    if (!leaves.contains(holder)) upper.emplace_back(height[holder], holder);
  std::sort(upper.begin(), upper.end());
  for (auto& [level, holder] : upper) holders_.push_back(holder);
}

Interval Scenario::span() const {
  if (data_.periods.empty()) return {};
  return {data_.periods.front().start, data_.periods.back().end};
}

std::pair<std::size_t, std::size_t> Scenario::period_range(const std::optional<Interval>& period) const {
  if (!period) return {0, data_.periods.size()};
  std::size_t first = 0;
  while (first < data_.periods.size() && data_.periods[first].start < period->start) ++first;
  std::size_t last = first;
  while (last < data_.periods.size() && data_.periods[last].end <= period->end) ++last;
  if (first == last || data_.periods[first].start != period->start ||
      data_.periods[last - 1].end != period->end)
    throw UsageError("scenario: the period " + period->start.to_string() + " to " + period->end.to_string() +
                     " is not made of whole leaf periods; see periods()");
  return {first, last};
}

std::vector<std::int64_t> Scenario::add_parts(const Holder& holder, std::size_t first,
                                              std::size_t last) const {
  const auto found = place_.find(holder);
  if (found == place_.end()) {
    std::string known;
    for (std::size_t i = 0; i < std::min<std::size_t>(holders_.size(), 8); ++i)
      known += (i == 0 ? "" : ", ") + holders_[holders_.size() - 1 - i].to_string();
    throw UsageError("scenario: no holder '" + holder.to_string() + "'; there are " + known +
                     (holders_.size() > 8 ? ", …" : ""));
  }
  std::vector<std::int64_t> sums(data_.draws);
  for (const Part& part : found->second) {
    if (part.period < first || part.period >= last) continue;
    const std::int64_t* values =
        data_.values.data() + (part.leaf * data_.periods.size() + part.period) * data_.draws;
    for (std::size_t draw = 0; draw < data_.draws; ++draw) sums[draw] = added(sums[draw], values[draw]);
  }
  return sums;
}

std::vector<std::int64_t> Scenario::values(const Holder& holder,
                                           const std::optional<Interval>& period) const {
  const auto [first, last] = period_range(period);
  return add_parts(holder, first, last);
}

double Scenario::mean(const Holder& holder, const std::optional<Interval>& period) const {
  const std::vector<std::int64_t> sums = values(holder, period);
  if (sums.empty()) throw UsageError("scenario: no draws, so no mean");
  int128 total = 0;
  for (const std::int64_t sum : sums) total += sum;
  return static_cast<double>(total) / static_cast<double>(sums.size());
}

std::int64_t Scenario::quantile(const Holder& holder, double probability,
                                const std::optional<Interval>& period) const {
  if (!(probability >= 0 && probability <= 1))
    throw UsageError("scenario: a quantile's probability lies in 0 to 1");
  std::vector<std::int64_t> sums = values(holder, period);
  if (sums.empty()) throw UsageError("scenario: no draws, so no quantile");
  std::sort(sums.begin(), sums.end());
  return quantile_of(sums, probability);
}

std::pair<std::int64_t, std::int64_t> Scenario::interval(const Holder& holder, double level,
                                                         const std::optional<Interval>& period) const {
  (void)level_name(level);
  const double tail = (100 - level) / 200;
  std::vector<std::int64_t> sums = values(holder, period);
  if (sums.empty()) throw UsageError("scenario: no draws, so no interval");
  std::sort(sums.begin(), sums.end());
  return {quantile_of(sums, tail), quantile_of(sums, 1 - tail)};
}

double Scenario::probability_at_least(const Holder& holder, std::int64_t amount,
                                      const std::optional<Interval>& period) const {
  const std::vector<std::int64_t> sums = values(holder, period);
  if (sums.empty()) throw UsageError("scenario: no draws, so no probability");
  const auto reached =
      std::count_if(sums.begin(), sums.end(), [&](std::int64_t sum) { return sum >= amount; });
  return static_cast<double>(reached) / static_cast<double>(sums.size());
}

std::vector<std::int64_t> Scenario::running(const Holder& holder) const {
  std::vector<std::int64_t> rows;
  rows.reserve(data_.periods.size() * data_.draws);
  for (std::size_t period = 0; period < data_.periods.size(); ++period) {
    const std::vector<std::int64_t> step = add_parts(holder, period, period + 1);
    for (std::size_t draw = 0; draw < data_.draws; ++draw)
      rows.push_back(period == 0 ? step[draw] : added(rows[rows.size() - data_.draws], step[draw]));
  }
  return rows;
}

Table Scenario::to_table(std::span<const double> levels) const {
  std::vector<std::string> types, ids;
  std::vector<std::int64_t> starts, ends;
  std::vector<double> means;
  std::vector<std::vector<std::int64_t>> bounds(levels.size() * 2);
  const bool money = !data_.currency.empty();
  for (const Holder& holder : holders_) {
    for (const Interval& period : data_.periods) {
      types.push_back(holder.type);
      ids.push_back(holder.id);
      starts.push_back(period.start.us);
      ends.push_back(period.end.us);
      means.push_back(mean(holder, period));
      for (std::size_t i = 0; i < levels.size(); ++i) {
        const auto [low, high] = interval(holder, levels[i], period);
        bounds[2 * i].push_back(low);
        bounds[2 * i + 1].push_back(high);
      }
    }
  }
  const auto amount = [&](std::vector<std::int64_t> values) {
    return money ? Column::of(Type::money, std::move(values)).with_currency(data_.currency)
                 : Column::of(Type::int64, std::move(values));
  };
  Table table({{"holder_type", Column::of_strings(types)},
               {"holder_id", Column::of_strings(ids)},
               {"start", Column::of(Type::timestamp, std::move(starts))},
               {"end", Column::of(Type::timestamp, std::move(ends))}});
  if (money) {
    std::vector<std::int64_t> rounded;
    for (const double value : means) rounded.push_back(std::llround(value));
    table = table.with("mean", amount(std::move(rounded)));
  } else {
    table = table.with("mean", Column::of(Type::float64, std::move(means)));
  }
  for (std::size_t i = 0; i < levels.size(); ++i) {
    table = table.with("value_lo_" + level_name(levels[i]), amount(std::move(bounds[2 * i])));
    table = table.with("value_hi_" + level_name(levels[i]), amount(std::move(bounds[2 * i + 1])));
  }
  return table;
}

}  // namespace v0
}  // namespace salesops
