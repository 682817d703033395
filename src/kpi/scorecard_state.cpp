#include "salesops/kpi/scorecard_state.hpp"

#include <algorithm>

#include "columns.hpp"
#include "deal_sums.hpp"
#include "salesops/kpi/facts.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

std::int32_t ScorecardState::Data::Key::code(const Label& label) {
  if (codes.size() < labels.size())
    for (std::size_t i = 0; i < labels.size(); ++i)
      codes.try_emplace(labels[i], static_cast<std::int32_t>(i));
  const auto [found, fresh] = codes.try_emplace(label, static_cast<std::int32_t>(labels.size()));
  if (fresh) labels.push_back(label);
  return found->second;
}

std::vector<std::string> ScorecardState::Data::by() const {
  std::vector<std::string> names;
  for (const Key& key : keys) names.push_back(key.name);
  return names;
}

std::size_t ScorecardState::Data::place(const std::vector<std::int32_t>& of) {
  if (places.size() < sums.size())
    for (std::size_t g = 0; g < sums.size(); ++g) {
      const auto own = codes_of(g);
      places.try_emplace(std::vector<std::int32_t>(own.begin(), own.end()), g);
    }
  const auto [found, fresh] = places.try_emplace(of, sums.size());
  if (fresh) {
    codes.insert(codes.end(), of.begin(), of.end());
    sums.emplace_back();
  }
  return found->second;
}

ScorecardState::Data::Order ScorecardState::Data::order() const {
  Order order;
  for (const Key& key : keys) order.ranks.push_back(ranks_of(key.labels));
  for (std::size_t g = 0; g < sums.size(); ++g)
    if (!sums[g].empty()) order.groups.push_back(g);
  order.groups = in_order(std::move(order.groups), codes, order.ranks);
  return order;
}

ScorecardState::ScorecardState() : data_(std::make_unique<Data>()) {}
ScorecardState::ScorecardState(const ScorecardState& other) : data_(std::make_unique<Data>(*other.data_)) {}
ScorecardState::ScorecardState(ScorecardState&& other) noexcept = default;
ScorecardState& ScorecardState::operator=(ScorecardState other) noexcept {
  data_.swap(other.data_);
  return *this;
}
ScorecardState::~ScorecardState() = default;

void ScorecardState::merge(const ScorecardState& other) { combine(other, true); }
void ScorecardState::retract(const ScorecardState& other) { combine(other, false); }

void ScorecardState::combine(const ScorecardState& other, bool add) {
  const Data& theirs = *other.data_;
  if (!theirs.asked) return;
  Data& ours = *data_;
  if (!ours.asked) {
    ours.asked = true;
    ours.period = theirs.period;
    ours.counted = theirs.counted;
    ours.currency = theirs.currency;
    ours.as_of = theirs.as_of;
    for (const Data::Key& key : theirs.keys)
      ours.keys.push_back({.name = key.name, .labels = {}, .codes = {}});
  }
  if (ours.by() != theirs.by()) throw UsageError("scorecard states are grouped by different keys");
  if (ours.period != theirs.period)
    throw UsageError("scorecard states are of different periods: " + ours.period + " and " + theirs.period);
  if (ours.counted != theirs.counted)
    throw UsageError("scorecard states count deals differently: " + ours.counted + "; " + theirs.counted);
  const bool several = ours.several() || theirs.several();
  if (!several && !ours.currency.empty() && !theirs.currency.empty() && ours.currency != theirs.currency)
    throw UnitError("amounts in " + ours.currency + " and " + theirs.currency + " can't be added");

  std::vector<std::size_t> places;
  std::vector<std::int32_t> codes(ours.keys.size());
  for (std::size_t g = 0; g < theirs.sums.size(); ++g) {
    for (std::size_t k = 0; k < codes.size(); ++k) {
      const std::int32_t code = theirs.codes[g * codes.size() + k];
      codes[k] = code < 0 ? -1 : ours.keys[k].code(theirs.keys[k].labels[static_cast<std::size_t>(code)]);
    }
    places.push_back(ours.place(codes));
  }
  if (!add)
    for (std::size_t g = 0; g < places.size(); ++g) {
      DealSums left = ours.sums[places[g]];
      left -= theirs.sums[g];
      if (left.negative()) throw UsageError("retract: these deals were never added");
    }
  for (std::size_t g = 0; g < places.size(); ++g)
    if (add)
      ours.sums[places[g]] += theirs.sums[g];
    else
      ours.sums[places[g]] -= theirs.sums[g];
  if (several) ours.drop_money();
  if (ours.currency.empty()) ours.currency = theirs.currency;
  ours.as_of = std::max(ours.as_of, theirs.as_of);
}

std::size_t ScorecardState::groups() const {
  return static_cast<std::size_t>(std::count_if(data_->sums.begin(), data_->sums.end(),
                                                [](const DealSums& sums) { return !sums.empty(); }));
}

bool ScorecardState::equals(const ScorecardState& other) const {
  const Data &a = *data_, &b = *other.data_;
  if (a.by() != b.by() || a.period != b.period || a.counted != b.counted || a.currency != b.currency)
    return false;
  const auto left = a.order().groups, right = b.order().groups;
  if (left.size() != right.size()) return false;
  for (std::size_t g = 0; g < left.size(); ++g) {
    if (!(a.sums[left[g]] == b.sums[right[g]])) return false;
    for (std::size_t k = 0; k < a.keys.size(); ++k) {
      const std::int32_t mine = a.codes_of(left[g])[k], theirs = b.codes_of(right[g])[k];
      if ((mine < 0) != (theirs < 0)) return false;
      if (mine >= 0 && a.keys[k].labels[static_cast<std::size_t>(mine)] !=
                           b.keys[k].labels[static_cast<std::size_t>(theirs)])
        return false;
    }
  }
  return true;
}

// ---- the card ----

namespace {

/// A column of numbers that may be absent, written from several threads.
struct Numbers {
  explicit Numbers(std::size_t rows) : values(rows), valid(rows) {}
  void put(std::size_t row, std::optional<double> value) {
    values[row] = value.value_or(0);
    valid[row] = value.has_value();
  }
  Column column() && { return Column::of(Type::float64, std::move(values), valid); }

  std::vector<double> values;
  std::vector<std::uint8_t> valid;
};

/// Student's multipliers by count: few counts serve many groups.
class Multipliers {
 public:
  Multipliers(std::span<const DealSums> sums, double level) : level_(level), known_(most) {
    std::vector<std::uint8_t> asked(most, 0);
    for (const DealSums& sum : sums)
      for (const std::int64_t count : {sum.won_amount.count, sum.cycle.count})
        if (count > 1 && count < static_cast<std::int64_t>(most)) asked[static_cast<std::size_t>(count)] = 1;
    constexpr std::size_t block = 32;
    for_rows(most, block, {}, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = first; n < last; ++n)
        if (asked[n] != 0) known_[n] = stats::student_multiplier(static_cast<double>(n - 1), level);
    });
  }
  double operator()(std::int64_t count) const {
    if (count < static_cast<std::int64_t>(most)) return known_[static_cast<std::size_t>(count)];
    return stats::student_multiplier(static_cast<double>(count - 1), level_);
  }

 private:
  static constexpr std::size_t most = 4096;
  double level_;
  std::vector<double> known_;
};

/// An estimate with its interval, as three columns.
struct Estimates {
  explicit Estimates(std::size_t rows) : value(rows), low(rows), high(rows) {}
  void put(std::size_t row, const Spread& spread, double scale, const Multipliers& multipliers) {
    value.put(row, spread.mean(scale));
    const auto error = spread.standard_error(scale);
    if (!error || *error <= 0) return;  // rows that agree tell of no spread
    const double half = multipliers(spread.count) * *error;
    low.put(row, value.values[row] - half);
    high.put(row, value.values[row] + half);
  }
  void put(std::size_t row, const std::optional<stats::Interval>& interval) {
    if (!interval) return;
    value.put(row, interval->estimate);
    low.put(row, interval->low);
    high.put(row, interval->high);
  }
  Numbers value, low, high;
};

}  // namespace

Scorecard ScorecardState::finish(double level) const {
  const Data& data = *data_;
  if (!(level > 1 && level < 100))
    throw UsageError("level is in percent, above 1 and below 100: 95, not 0.95");
  const Data::Order order = data.order();
  const std::size_t n = order.groups.size();
  const double money = major_units(data.currency);
  constexpr double days = 1.0 / static_cast<double>(us_per_day);
  Estimates win_rate(n), average(n), cycle(n);
  Numbers by_value(n), won_amount(n), lost_amount(n);
  std::vector<std::int64_t> won(n), lost(n), closed(n), unknown(n), no_amount(n), no_cycle(n);
  const Multipliers multipliers(data.sums, level);
  // Where no lost deal has an amount, all of it would be won.
  const bool lost_priced =
      std::ranges::any_of(data.sums, [](const DealSums& s) { return s.lost_priced > 0; });
  const bool any_lost = std::ranges::any_of(data.sums, [](const DealSums& s) { return s.lost > 0; });
  constexpr std::size_t block = 2048;
  for_rows(n, block, {}, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      const DealSums& sums = data.sums[order.groups[row]];
      won[row] = sums.won;
      lost[row] = sums.lost;
      closed[row] = sums.won + sums.lost;
      unknown[row] = sums.unknown;
      no_amount[row] = closed[row] - sums.won_amount.count - sums.lost_priced;
      no_cycle[row] = sums.won - sums.cycle.count;
      win_rate.put(row, stats::wilson(sums.won, closed[row], level));
      cycle.put(row, sums.cycle, days, multipliers);
      if (data.several()) continue;
      const int128 priced = sums.won_amount.sum + sums.lost_amount;
      if (priced > 0 && (lost_priced || !any_lost))
        by_value.put(
            row, static_cast<double>(sums.won_amount.sum) * money / (static_cast<double>(priced) * money));
      won_amount.put(row, static_cast<double>(sums.won_amount.sum) * money);
      lost_amount.put(row, static_cast<double>(sums.lost_amount) * money);
      average.put(row, sums.won_amount, money, multipliers);
    }
  });

  Scorecard card;
  card.period = data.period;
  card.as_of = data.as_of;
  card.level = level;
  card.by = data.by();
  card.currency = data.currency;
  NamedColumns columns;
  for (std::size_t k = 0; k < data.keys.size(); ++k)
    add_column(columns, data.keys[k].name, data.key_column(k, order));
  const std::string range = shortest_text(level);
  const auto integers = [&](const char* name, std::vector<std::int64_t>& values) {
    add_column(columns, name, Column::of(Type::int64, std::move(values)));
  };
  const auto estimate = [&](const std::string& name, Estimates& estimates) {
    add_column(columns, name, std::move(estimates.value).column());
    add_column(columns, name + "_lo_" + range, std::move(estimates.low).column());
    add_column(columns, name + "_hi_" + range, std::move(estimates.high).column());
  };
  integers("won", won);
  integers("lost", lost);
  integers("closed", closed);
  estimate("win_rate", win_rate);
  add_column(columns, "win_rate_by_value", std::move(by_value).column());
  add_column(columns, "won_amount", std::move(won_amount).column());
  add_column(columns, "lost_amount", std::move(lost_amount).column());
  estimate("average_deal", average);
  estimate("mean_cycle", cycle);
  integers("unknown", unknown);
  integers("no_amount", no_amount);
  integers("no_cycle", no_cycle);
  card.groups = Table(std::move(columns));
  return card;
}

Column ScorecardState::Data::key_column(std::size_t k, const Order& order) const {
  std::vector<std::string> sorted(keys[k].labels.size());
  for (std::size_t code = 0; code < sorted.size(); ++code)
    sorted[static_cast<std::size_t>(order.ranks[k][code])] = keys[k].labels[code].text;
  // Numbers and periods may print alike (a period of two calendars): the dictionary is made of what differs.
  DictionaryBuilder builder;
  std::vector<std::int32_t> of_rank;
  for (const std::string& text : sorted) of_rank.push_back(builder.code(text));
  std::vector<std::int32_t> values(order.groups.size(), 0);
  std::vector<std::uint8_t> valid(order.groups.size(), 1);
  for (std::size_t row = 0; row < values.size(); ++row) {
    const std::int32_t code = codes_of(order.groups[row])[k];
    valid[row] = code >= 0;
    if (code >= 0)
      values[row] = of_rank[static_cast<std::size_t>(order.ranks[k][static_cast<std::size_t>(code)])];
  }
  return Column::of_codes(std::move(values), builder.finish(), valid);
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
