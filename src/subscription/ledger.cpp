#include "ledger.hpp"

#include <algorithm>

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

void Notes::merge(const Notes& other) {
  duplicates += other.duplicates;
  overlaps += other.overlaps;
  bridged += other.bridged;
  unseen += other.unseen;
  starts_later += other.starts_later;
  ends_later += other.ends_later;
  pending += other.pending;
  pending_from = std::min(pending_from, other.pending_from);
}

void Notes::report(Issues& issues) const {
  const auto say = [&](std::int64_t n, std::string_view rule, Severity severity) {
    if (n > 0) issues.add_many(table_name, -1, "", rule, n, severity);
  };
  say(duplicates, "duplicate", Severity::warning);
  say(overlaps, "overlap", Severity::warning);
  say(bridged, "bridged", Severity::info);
  say(unseen, "within_period", Severity::info);
  say(starts_later, "starts_later", Severity::info);
  say(ends_later, "ends_later", Severity::info);
  say(pending, "may_come_back", Severity::info);
}

void Ledger::load(std::span<const Spell> spells) {
  changes_.clear();
  take(spells);
  if (runs_.empty()) return;
  if (data_.has_subscription && runs_.size() > 1) settle_overlaps();
  std::erase_if(runs_, [](const Run& run) { return run.spell.annual == 0; });
  if (options_.grace_us > 0) {
    bridge();
    wait();
  }
  place();
  for (const Run& run : runs_) {
    if (run.first > run.last) {
      ++notes_.unseen;
      continue;
    }
    changes_.push_back({run.first, run.spell.currency, run.spell.monthly, 0, run.spell.annual});
    if (run.spell.end != open_end)
      changes_.push_back({run.last + 1, run.spell.currency, -run.spell.monthly, 0, -run.spell.annual});
  }
  if (data_.has_subscription && data_.has_price && runs_.size() > 1) tell_prices();
  std::sort(changes_.begin(), changes_.end(),
            [](const Change& a, const Change& b) { return a.slot < b.slot; });
}

/// Starts and ends that are known. What is free, or in trial, brings nothing but takes the place of what is
/// paid.
void Ledger::take(std::span<const Spell> spells) {
  runs_.clear();
  const std::int64_t until = timeline_.until();
  for (const Spell& spell : spells) {
    if (spell.start == no_start || (pays(spell) && !exchange_.keeps(spell.currency))) continue;
    const bool pays_yet = pays(spell) && spell.start < until;
    if (pays(spell) && !pays_yet) ++notes_.starts_later;
    if (!pays_yet && (spell.begin >= until || options_.overlaps == subscription::Overlaps::sum)) continue;
    runs_.push_back({spell});
    if (!pays_yet) {
      runs_.back().spell.start = spell.begin;
      runs_.back().spell.monthly = runs_.back().spell.annual = 0;
    }
    if (spell.end == open_end || spell.end < until) continue;
    if (spell.end > until && pays_yet) ++notes_.ends_later;
    runs_.back().spell.end = open_end;
  }
}

/// By subscription, then time; of those that begin together what is free comes first. Names decide between
/// rows that differ in nothing else, since codes depend on the order of the rows.
bool Ledger::before(const Spell& a, const Spell& b) const {
  if (a.subscription != b.subscription) return a.subscription < b.subscription;
  if (a.begin != b.begin) return a.begin < b.begin;
  if (pays(a) != pays(b)) return pays(b);
  if (a.end != b.end) return a.end < b.end;
  if (a.start != b.start) return a.start < b.start;
  if (a.monthly != b.monthly) return a.monthly < b.monthly;
  if (a.annual != b.annual) return a.annual < b.annual;
  if (a.units != b.units) return a.units < b.units;
  if (a.currency != b.currency)
    return data_.currencies[static_cast<std::size_t>(a.currency)] <
           data_.currencies[static_cast<std::size_t>(b.currency)];
  if (a.plan == b.plan || data_.plans == nullptr) return a.plan < b.plan;
  if (a.plan == no_name || b.plan == no_name) return a.plan == no_name;
  return (*data_.plans)[static_cast<std::size_t>(a.plan)] < (*data_.plans)[static_cast<std::size_t>(b.plan)];
}

void Ledger::settle_overlaps() {
  std::sort(runs_.begin(), runs_.end(), [&](const Run& a, const Run& b) { return before(a.spell, b.spell); });
  settled_.clear();
  for (std::size_t first = 0; first < runs_.size();) {
    std::size_t last = first + 1;
    std::int64_t reached = runs_[first].spell.end;
    bool overlap = false;
    for (; last < runs_.size() && runs_[last].spell.subscription == runs_[first].spell.subscription; ++last) {
      overlap = overlap || runs_[last].spell.begin < reached;
      reached = std::max(reached, runs_[last].spell.end);
    }
    const std::span group(runs_.data() + first, last - first);
    if (overlap && group.front().spell.subscription != no_name)
      settle(group);
    else
      settled_.insert(settled_.end(), group.begin(), group.end());
    first = last;
  }
  runs_.swap(settled_);
}

/// One subscription's rows that overlap: at any moment the one that began last holds.
void Ledger::settle(std::span<Run> rows) {
  if (options_.overlaps == subscription::Overlaps::sum) {
    std::int64_t reached = INT64_MIN;
    for (Run& row : rows) {
      notes_.overlaps += row.spell.start < reached ? 1 : 0;
      reached = std::max(reached, row.spell.end);
      row.shared = true;
      settled_.push_back(row);
    }
    return;
  }
  covered_.clear();  // by later starts, the earliest on top
  const std::size_t made = settled_.size();
  for (std::size_t i = rows.size(); i-- > 0;) {
    const Spell& row = rows[i].spell;
    if (i + 1 < rows.size() && row == rows[i + 1].spell) {
      ++notes_.duplicates;
      continue;
    }
    const auto hold = [&](std::int64_t from, std::int64_t to) {
      from = std::max(from, row.start);
      if (from >= to) return;
      settled_.push_back(rows[i]);
      settled_.back().spell.start = from;
      settled_.back().spell.end = to;
    };
    std::int64_t reached = row.begin;
    bool cut = false;
    while (!covered_.empty() && covered_.back().first < row.end) {
      const auto [from, to] = covered_.back();
      covered_.pop_back();
      cut = true;
      if (reached < from) hold(reached, from);
      reached = std::max(reached, to);
    }
    if (reached < row.end) hold(reached, row.end);
    notes_.overlaps += cut ? 1 : 0;
    covered_.emplace_back(row.begin, std::max(reached, row.end));
  }
  std::reverse(settled_.begin() + static_cast<std::ptrdiff_t>(made), settled_.end());
  std::sort(settled_.begin() + static_cast<std::ptrdiff_t>(made), settled_.end(),
            [](const Run& a, const Run& b) { return a.spell.start < b.spell.start; });
}

/// Who comes back within the grace never left: what ended last runs on until then.
void Ledger::bridge() {
  std::sort(runs_.begin(), runs_.end(),
            [](const Run& a, const Run& b) { return a.spell.start < b.spell.start; });
  latest_.clear();
  std::int64_t reached = INT64_MIN;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const std::int64_t start = runs_[i].spell.start;
    if (reached != INT64_MIN && reached < start && start - reached <= options_.grace_us) {
      for (const std::size_t ended : latest_) runs_[ended].spell.end = start;
      ++notes_.bridged;
    }
    const std::int64_t end = runs_[i].spell.end;
    if (end > reached) {
      latest_.clear();
      reached = end;
    }
    if (end == reached) latest_.push_back(i);
  }
}

/// Who left so lately may still come back within the grace.
void Ledger::wait() {
  std::int64_t reached = INT64_MIN;
  for (const Run& run : runs_) reached = std::max(reached, run.spell.end);
  if (runs_.empty() || reached == open_end || timeline_.until() - reached > options_.grace_us) return;
  ++notes_.pending;
  notes_.pending_from = std::min(notes_.pending_from, reached);
}

/// At the end of which periods, or groups of changes, each runs.
void Ledger::place() {
  if (!options_.window_us) {
    for (Run& run : runs_) {
      run.first = timeline_.period_of(run.spell.start);
      run.last = run.spell.end == open_end ? static_cast<std::int64_t>(timeline_.size()) - 1
                                           : timeline_.period_of(run.spell.end) - 1;
    }
    return;
  }
  times_.clear();
  for (const Run& run : runs_) {
    times_.push_back(run.spell.start);
    if (run.spell.end != open_end) times_.push_back(run.spell.end);
  }
  std::sort(times_.begin(), times_.end());
  groups_.clear();
  std::size_t kept = 0;  // the first of each group
  for (const std::int64_t time : times_) {
    if (kept > 0 && time - times_[kept - 1] <= *options_.window_us) continue;
    times_[kept++] = time;
    groups_.push_back(timeline_.period_of(time));
  }
  times_.resize(kept);
  const auto group_of = [&](std::int64_t time) {
    return std::upper_bound(times_.begin(), times_.end(), time) - times_.begin() - 1;
  };
  for (Run& run : runs_) {
    run.first = group_of(run.spell.start);
    run.last = (run.spell.end == open_end ? static_cast<std::int64_t>(kept) : group_of(run.spell.end)) - 1;
  }
}

/// One price after another of the same subscription and plan: on the units kept, the change is one of price.
void Ledger::tell_prices() {
  std::sort(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) {
    return a.spell.subscription != b.spell.subscription ? a.spell.subscription < b.spell.subscription
                                                        : a.spell.start < b.spell.start;
  });
  const Run* last = nullptr;
  for (const Run& run : runs_) {
    if (run.first > run.last) continue;
    const Run* const previous = std::exchange(last, &run);
    if (previous == nullptr || previous->last + 1 != run.first || previous->shared || run.shared) continue;
    const Spell &a = previous->spell, &b = run.spell;
    const bool same = a.subscription == b.subscription && a.subscription != no_name && a.plan == b.plan &&
                      a.currency == b.currency;
    if (!same || a.monthly <= 0 || b.monthly <= 0 || a.units <= 0 || b.units <= 0) continue;
    const auto scaled = [](std::int64_t amount, std::int64_t over, std::int64_t under) {
      return static_cast<std::int64_t>(
          money::divide(int128{amount} * over, int128{under}, Rounding::half_even));
    };
    // The old units at the new price, or the units that are left at the old one.
    const std::int64_t price = b.units >= a.units ? scaled(b.monthly, a.units, b.units) - a.monthly
                                                  : b.monthly - scaled(a.monthly, b.units, a.units);
    if (price != 0) changes_.push_back({run.first, b.currency, 0, price, 0});
  }
}

}  // namespace subscription_detail
}  // namespace v0
}  // namespace salesops
