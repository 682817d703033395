// Every measure, customer by customer.
#include <algorithm>
#include <mutex>

#include "grid.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

using cohort::Entry;
using cohort::Measure;

void Sums::merge(const Sums& other) {
  const auto add_all = [](auto& into, const auto& from) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] += from[i];
  };
  add_all(size, other.size);
  add_all(n, other.n);
  add_all(active, other.active);
  add_all(events, other.events);
  add_all(amount, other.amount);
  add_all(kept, other.kept);
  for (std::size_t i = 0; i < clusters.size(); ++i) clusters[i].merge(other.clusters[i]);
  older += other.older;
  outside += other.outside;
  early += other.early;
}

void Sums::accumulate_from_last() {
  for (std::size_t row_start = 0; row_start < active.size(); row_start += ages)
    for (std::size_t k = ages - 1; k-- > 0;) active[row_start + k] += active[row_start + k + 1];
}

namespace {

/// One customer's activity in one period (or window).
struct Slot {
  std::int32_t period = 0;
  std::int32_t events = 0;      ///< activities
  std::int32_t from_start = 0;  ///< those after the period's first start event, and itself if it is one
  std::int64_t amount = 0;
  std::int64_t start_at = INT64_MAX;  ///< first start event of the period
};

/// Puts one customer after another into the sums.
class Adder {
 public:
  Adder(const Plan& plan, Sums& sums, std::vector<Lots>* lots) : plan_(plan), sums_(sums), lots_(lots) {}

  void add(std::span<const Event> events, std::size_t segment) {
    const auto known_end = std::ranges::lower_bound(events, plan_.until.us, {}, &Event::at);
    events = events.first(static_cast<std::size_t>(known_end - events.begin()));
    if (events.empty()) return;
    const auto& options = plan_.options;
    const bool early = options.observed_from && events.front().at < options.observed_from->us;
    if (early || std::ranges::any_of(events, [](const Event& e) { return (e.flags & is_older) != 0; })) {
      ++sums_.older;
      return;
    }
    const auto counts = [&](const Event& e) { return plan_.counts(e.amount); };
    const auto starts = [&](const Event& e) {
      return (e.flags & can_start) != 0 && counts(e) && plan_.spine.period_of(e.at) != Spine::none;
    };
    const auto first = std::ranges::find_if(events, starts);
    if (first == events.end()) {
      ++sums_.outside;
      return;
    }
    if (options.entry == Entry::first_ever && std::ranges::find_if(events, counts)->at != first->at) {
      ++sums_.outside;
      return;
    }
    if (options.measure == Measure::window) return add_windows(events, *first, segment);
    cut(events, *first);
    std::fill(own_.begin(), own_.end(), Own{});
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].start_at == INT64_MAX) continue;
      add_cohort(i, segment);
      if (options.entry != Entry::recurring) break;
    }
    for (std::size_t age = 0; age < own_.size(); ++age)
      if (own_[age].n > 0) sums_.clusters[segment * sums_.ages + age].add(own_[age].n, own_[age].active);
  }

 private:
  /// Slots of the periods from that of the first start on.
  void cut(std::span<const Event> events, const Event& first) {
    slots_.clear();
    const std::int32_t begin = plan_.spine.period_of(first.at);
    for (const Event& event : events) {
      const std::int32_t period = plan_.spine.period_of(event.at);
      if (period < begin) {
        ++sums_.early;
        continue;
      }
      if (slots_.empty() || slots_.back().period != period) {
        // A clock put back over midnight shows the day before once more.
        const auto place = std::ranges::lower_bound(slots_, period, {}, &Slot::period);
        if (place == slots_.end() || place->period != period) slots_.insert(place, Slot{period});
      }
      Slot& slot = *std::ranges::lower_bound(slots_, period, {}, &Slot::period);
      slot.amount = cohort_detail::add(slot.amount, event.amount);
      if (!plan_.counts(event.amount)) continue;
      const bool starts = (event.flags & can_start) != 0;
      if (starts) slot.start_at = std::min(slot.start_at, event.at);
      if ((event.flags & is_return) == 0) continue;
      ++slot.events;
      if (event.at > slot.start_at || (starts && event.at == slot.start_at)) ++slot.from_start;
    }
  }

  /// Activities of a slot; of the first those from the start on.
  [[nodiscard]] std::int32_t events_in(std::size_t slot, std::size_t first) const {
    return slot == first ? slots_[slot].from_start : slots_[slot].events;
  }

  void add_cohort(std::size_t first, std::size_t segment) {
    const auto cohort = static_cast<std::size_t>(slots_[first].period);
    const std::size_t row = sums_.row(segment, cohort);
    ++sums_.size[segment * sums_.cohorts + cohort];
    const auto& options = plan_.options;
    std::int64_t last_active = -1;
    active_.clear();
    for (std::size_t i = first; i < slots_.size(); ++i) {
      const auto age = static_cast<std::size_t>(slots_[i].period) - cohort;
      const std::int32_t events = events_in(i, first);
      const bool active = events >= options.min_count;
      if (active) {
        last_active = static_cast<std::int64_t>(age);
        active_.push_back(age);
      }
      if (options.measure == Measure::bracket || age >= sums_.ages) continue;
      sums_.events[row + age] += events;
      if (plan_.has_amount) sums_.amount[row + age] += slots_[i].amount;
      if (active && options.measure != Measure::unbounded && options.measure != Measure::previous)
        ++sums_.active[row + age];
    }
    if (options.measure == Measure::unbounded && last_active >= 0)
      ++sums_.active[row + std::min(static_cast<std::size_t>(last_active), sums_.ages - 1)];
    if (options.measure == Measure::bracket) add_brackets(first, cohort, row);
    if (options.measure == Measure::previous) add_previous(row);
    if (is_gross(options.measure))
      each_kept(first, cohort, [&](std::size_t age, std::int64_t kept) { sums_.kept[row + age] += kept; });
    if (!own_.empty()) add_own(cohort);
    if (lots_ != nullptr) add_lots(first, cohort, segment);
  }

  /// Whether the customer is active at an age from `first` to `last`.
  [[nodiscard]] bool active_within(std::size_t first, std::size_t last) const {
    const auto found = std::ranges::lower_bound(active_, first);
    return found != active_.end() && *found <= last;
  }

  /// The cells of this cohort that are over, to those of the customer's others.
  void add_own(std::size_t cohort) {
    const Measure measure = plan_.options.measure;
    for (std::size_t age = measure == Measure::previous ? 1 : 0; age < own_.size(); ++age) {
      if (!is_over(plan_, cohort, age)) continue;
      if (measure == Measure::previous && !active_within(age - 1, age - 1)) continue;
      std::size_t first = age, last = measure == Measure::unbounded ? SIZE_MAX : age;
      if (measure == Measure::bracket) {
        first = static_cast<std::size_t>(plan_.options.brackets[age].first);
        last = static_cast<std::size_t>(plan_.options.brackets[age].last);
      }
      ++own_[age].n;
      own_[age].active += active_within(first, last) ? 1 : 0;
    }
  }

  void add_brackets(std::size_t first, std::size_t cohort, std::size_t row) {
    for (std::size_t b = 0; b < sums_.ages; ++b) {
      const auto& bracket = plan_.options.brackets[b];
      bool any = false;
      for (std::size_t i = first; i < slots_.size(); ++i) {
        const std::int64_t age = slots_[i].period - static_cast<std::int64_t>(cohort);
        if (age < bracket.first || age > bracket.last) continue;
        any = any || events_in(i, first) >= plan_.options.min_count;
        sums_.events[row + b] += events_in(i, first);
        if (plan_.has_amount) sums_.amount[row + b] += slots_[i].amount;
      }
      sums_.active[row + b] += any ? 1 : 0;
    }
  }

  void add_previous(std::size_t row) {
    for (std::size_t i = 0; i < active_.size(); ++i) {
      if (active_[i] + 1 < sums_.ages) ++sums_.n[row + active_[i] + 1];
      if (i > 0 && active_[i] == active_[i - 1] + 1 && active_[i] < sums_.ages)
        ++sums_.active[row + active_[i]];
    }
  }

  /// Calls `work(age, amount)` for the ages that have begun, with 0 where nothing was paid.
  template <class Work>
  void each_age(std::size_t first, std::size_t cohort, const Work& work) const {
    const std::size_t ages = std::min(sums_.ages, sums_.cohorts - cohort);
    std::size_t i = first;
    for (std::size_t age = 0; age < ages; ++age) {
      const bool here = i < slots_.size() && static_cast<std::size_t>(slots_[i].period) == cohort + age;
      work(age, here ? slots_[i++].amount : 0);
    }
  }

  /// Calls `work(age, kept)` with what is left of the first amount: from nothing to all of it.
  template <class Work>
  void each_kept(std::size_t first, std::size_t cohort, const Work& work) const {
    const bool path = plan_.options.measure == Measure::grr_path;
    std::int64_t most = std::max<std::int64_t>(slots_[first].amount, 0);
    each_age(first, cohort, [&](std::size_t age, std::int64_t amount) {
      const std::int64_t kept = std::clamp<std::int64_t>(amount, 0, most);
      if (path) most = kept;
      work(age, kept);
    });
  }

  void add_lots(std::size_t first, std::size_t cohort, std::size_t segment) {
    Lots& lots = (*lots_)[segment * sums_.cohorts + cohort];
    const Measure measure = plan_.options.measure;
    if (is_gross(measure)) {
      each_kept(first, cohort, [&](std::size_t age, std::int64_t kept) {
        if (kept != 0) lots.lots.push_back({static_cast<std::uint32_t>(age), 0, kept});
      });
    } else {
      for (std::size_t i = first; i < slots_.size(); ++i) {
        const auto age = static_cast<std::size_t>(slots_[i].period) - cohort;
        if (age >= sums_.ages) break;
        const std::int32_t events = events_in(i, first);
        const bool active = events >= plan_.options.min_count;
        const std::int64_t value = measure == Measure::classic ? (active ? 1 : 0)
                                   : measure == Measure::count ? events
                                                               : slots_[i].amount;
        if (value != 0 || active)
          lots.lots.push_back({static_cast<std::uint32_t>(age), active ? 1 : 0, value});
      }
    }
    lots.begins.push_back(lots.lots.size());
  }

  void add_windows(std::span<const Event> events, const Event& first, std::size_t segment) {
    const auto cohort = static_cast<std::size_t>(plan_.spine.period_of(first.at));
    const std::size_t row = sums_.row(segment, cohort);
    ++sums_.size[segment * sums_.cohorts + cohort];
    const std::int64_t window = plan_.options.window_us;
    const std::size_t over =
        std::min(sums_.ages, static_cast<std::size_t>((plan_.until.us - first.at) / window));
    for (std::size_t k = 0; k < over; ++k) ++sums_.n[row + k];
    std::size_t k_now = SIZE_MAX;
    std::int32_t n = 0;
    for (const Event& event : events) {
      if (event.at < first.at) {
        ++sums_.early;
        continue;
      }
      const auto k = static_cast<std::size_t>((event.at - first.at) / window);
      if (k >= over) break;
      if (k != k_now) n = 0;
      k_now = k;
      if (plan_.has_amount) sums_.amount[row + k] += event.amount;
      if (!plan_.counts(event.amount) || (event.flags & is_return) == 0) continue;
      if (event.at == first.at && (event.flags & can_start) == 0) continue;
      ++sums_.events[row + k];
      if (++n == plan_.options.min_count) ++sums_.active[row + k];
    }
  }

  /// At one age, over the customer's cohorts.
  struct Own {
    std::int64_t n = 0, active = 0;
  };

  const Plan& plan_;
  Sums& sums_;
  std::vector<Lots>* lots_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> active_;
  std::vector<Own> own_ = std::vector<Own>(sums_.clusters.empty() ? 0 : sums_.ages);
};

}  // namespace

Sums sum_customers(const cohort::State::Data& data, const Plan& plan,
                   std::span<const std::int32_t> segment_of, std::size_t segments, std::vector<Lots>* lots) {
  const std::size_t cohorts = plan.spine.size();
  const bool repeat = plan.options.entry == Entry::recurring && is_share(plan.options.measure);
  const auto empty_sums = [&] {
    Sums made(segments, cohorts, plan.ages, plan.has_amount);
    if (repeat) made.clusters.resize(segments * plan.ages);
    return made;
  };
  Sums sums = empty_sums();
  const auto work = [&](Sums& into, std::vector<Lots>* into_lots, std::size_t first, std::size_t last) {
    Adder adder(plan, into, into_lots);
    for (std::size_t i = first; i < last; ++i) {
      tick(i);
      adder.add(data.of(i), segment_of.empty() ? 0 : static_cast<std::size_t>(segment_of[i]));
    }
  };
  if (lots != nullptr) {  // customers in order, so that draws don't depend on threads
    lots->resize(segments * cohorts);
    work(sums, lots, 0, data.customers());
  } else {
    constexpr std::size_t block = std::size_t{1} << 14;
    const std::size_t blocks = (data.customers() + block - 1) / block;
    const auto threads = static_cast<std::size_t>(
        plan.options.execution.threads > 0 ? plan.options.execution.threads : default_threads());
    const std::size_t parts = std::clamp<std::size_t>(blocks, 1, threads);
    std::mutex guard;
    for_blocks(parts, plan.options.execution, [&](std::size_t part) {
      Sums mine = empty_sums();
      work(mine, nullptr, data.customers() * part / parts, data.customers() * (part + 1) / parts);
      const std::lock_guard lock(guard);
      sums.merge(mine);
    });
  }
  if (plan.options.measure == Measure::unbounded) sums.accumulate_from_last();
  return sums;
}

}  // namespace cohort_detail
}  // namespace v0
}  // namespace salesops
