// Grids from one bit a customer and period: two passes over the rows, none of which is moved or sorted.
#include <algorithm>
#include <array>
#include <mutex>

#include "grid.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

using cohort::Activity;
using cohort::Measure;

namespace {

constexpr std::size_t step = 4096;  ///< rows looked at together: they stay in the nearest caches
constexpr std::size_t ahead = 24;   ///< rows whose customers are fetched before they are needed
constexpr std::uint8_t no_cohort = 0xFF;
constexpr std::uint8_t no_period = 0xFF;

/// Exact sums, small enough for the nearest cache: what a cell can't hold goes to a wider one.
class Total {
 public:
  explicit Total(std::size_t cells) : near_(cells, 0) {}
  void add(std::size_t cell, std::int64_t amount) {
    if (!__builtin_add_overflow(near_[cell], amount, &near_[cell])) [[likely]]
      return;
    far_.resize(near_.size(), 0);
    // The sum wrapped around once: below 0 it was too large, else too small.
    far_[cell] += near_[cell] < 0 ? int128{1} << 64 : -(int128{1} << 64);
  }
  int128 operator[](std::size_t cell) const { return near_[cell] + (far_.empty() ? int128{0} : far_[cell]); }

 private:
  std::vector<std::int64_t> near_;
  std::vector<int128> far_;
};

/// Each bit of a byte as a byte of its own.
constexpr auto spread = [] {
  std::array<std::uint64_t, 256> made{};
  for (std::size_t byte = 0; byte < made.size(); ++byte)
    for (std::size_t bit = 0; bit < 8; ++bit) made[byte] |= std::uint64_t{byte >> bit & 1U} << (8 * bit);
  return made;
}();

/// Customers of each cohort who are active in each period. One addition counts eight periods, as long as
/// their bytes hold.
class ActiveCounts {
 public:
  ActiveCounts(std::size_t periods, std::size_t words)
      : periods_(periods),
        bytes_(words * 8),
        near_(periods * bytes_, 0),
        added_(periods, 0),
        far_(periods * bytes_ * 8, 0) {}
  void add(std::size_t cohort, const std::uint64_t* mask) {
    std::uint64_t* into = near_.data() + cohort * bytes_;
    for (std::size_t word = 0; word < bytes_ / 8; ++word)
      for (std::size_t j = 0; j < 8; ++j) into[8 * word + j] += spread[mask[word] >> (8 * j) & 0xFFU];
    if (++added_[cohort] == 0xFF) empty(cohort);
  }
  /// Adds them to the cells, by age.
  void take(Sums& sums) {
    for (std::size_t cohort = 0; cohort < periods_; ++cohort) {
      empty(cohort);
      const std::int64_t* from = far_.data() + cohort * bytes_ * 8 + cohort;
      for (std::size_t age = 0; age < std::min(sums.ages, periods_ - cohort); ++age)
        sums.active[sums.row(0, cohort) + age] += from[age];
    }
  }

 private:
  void empty(std::size_t cohort) {
    for (std::size_t j = cohort * bytes_; j < (cohort + 1) * bytes_; ++j)
      for (std::size_t bit = 0; bit < 8; ++bit)
        far_[j * 8 + bit] += static_cast<std::int64_t>(near_[j] >> (8 * bit) & 0xFFU);
    std::fill_n(near_.begin() + static_cast<std::ptrdiff_t>(cohort * bytes_), bytes_, std::uint64_t{0});
    added_[cohort] = 0;
  }

  std::size_t periods_, bytes_;
  std::vector<std::uint64_t> near_;
  std::vector<std::uint8_t> added_;
  std::vector<std::int64_t> far_;
};

}  // namespace

/// Rows of one step, as the passes need them; a row that doesn't count has no period, and any customer.
struct Quick::Step {
  const std::uint32_t* code = nullptr;  ///< less `base`; as many as there are rows, and `ahead`
  std::uint32_t base = 0;
  const std::uint8_t* period = nullptr;
  bool all_known = false;
  /// The customer of each row; a copy, as what is written between might be these members.
  [[nodiscard]] auto customers() const {
    return [code = code, base = base](std::size_t i) { return std::size_t{code[i] - base}; };
  }
  std::vector<std::uint8_t> known = std::vector<std::uint8_t>(step);  ///< has a customer, a time by `as_of`
  std::vector<std::int64_t> money = std::vector<std::int64_t>(step);

  std::vector<std::uint64_t> keys = std::vector<std::uint64_t>(step);
  std::vector<std::int64_t> at;
  std::vector<std::uint32_t> codes = std::vector<std::uint32_t>(step + ahead, 0);
  std::vector<std::uint8_t> periods = std::vector<std::uint8_t>(step);
};

bool Quick::fits(const cohort::Columns& columns, const cohort::Options& options) {
  const Measure measure = options.measure;
  return columns.start.empty() && columns.returned.empty() && columns.older.empty() && columns.by.empty() &&
         options.entry == cohort::Entry::first_time && options.min_count == 1 && !options.observed_from &&
         measure != Measure::window && measure != Measure::grr_point && measure != Measure::grr_path &&
         interval_of(options) != cohort::IntervalKind::bootstrap;
}

Quick::Quick(const Table& events, const cohort::Columns& columns, const cohort::Options& options)
    : rows_(events.num_rows()),
      execution_(options.execution),
      customer_(clv_detail::customers_of(events, columns.customer)),
      customer_name_(columns.customer),
      codes_(
          clv_detail::codes_of(customer_, columns.customer, options.execution, clv_detail::CodeOrder::any)) {
  clock_.emplace(events.column(columns.time), columns.time, columns.zone, execution_);
  if (!columns.amount.empty()) {
    amounts_.emplace(events.column(columns.amount), amounts_of(columns, events));
    currency = amounts_->currency();
  }
  if (clock_->empty() || codes_.codes == 0) return;
  const Instant until{clock_->until().end()};
  plan.emplace(options, columns.zone, clock_->first(), until, amounts_.has_value(), 1);
  masks.words = (plan->spine.size() + 63) / 64;
  if (masks.words == 0 || plan->spine.size() > no_period) return;
  cut_off_ = plan->until < until;
  if (amounts_ || options.measure == Measure::count) periods_ = clv_detail::unset<std::uint8_t>(rows_);
  read_masks(options);
  nobody_.report(issues, customer_name_, "no_customer");
  clock_->report(issues);
}

std::size_t Quick::parts(std::size_t bytes_each) const {
  constexpr std::size_t most_bytes = std::size_t{1} << 30;
  const auto threads =
      static_cast<std::size_t>(execution_.threads > 0 ? execution_.threads : default_threads());
  const std::size_t fit = std::max<std::size_t>(1, most_bytes / std::max<std::size_t>(bytes_each, 1));
  return std::clamp<std::size_t>(rows_ / (std::size_t{1} << 15), 1, std::min(threads, fit));
}

/// Calls `work(part, step, n, first row)` for all rows. The `first_time` what is wrong is counted, and the
/// periods found are kept for the second.
template <class Work>
void Quick::each_block(bool first_time, const Work& work) {
  const std::size_t n_parts = parts(masks.customers * masks.words * sizeof(std::uint64_t));
  for_blocks(n_parts, execution_, [&](std::size_t part) {
    Step rows;
    const clv_detail::CodesInPlace in_place = clv_detail::codes_in_place(customer_, codes_);
    clv_detail::Flaws ignored;
    const std::size_t end = rows_ * (part + 1) / n_parts;
    for (std::size_t first = rows_ * part / n_parts; first < end; first += step) {
      ask_stop();
      const std::size_t n = std::min(end - first, step);
      rows.all_known = !in_place.codes.empty();
      rows.base = in_place.base;
      if (rows.all_known && first + n + ahead <= rows_) {
        rows.code = in_place.codes.data() + first;
      } else if (rows.all_known) {  // at the end there is nothing ahead
        rows.code = rows.codes.data();
        std::fill(rows.codes.begin(), rows.codes.end(), in_place.base);
        std::copy_n(in_place.codes.data() + first, n, rows.codes.begin());
      } else {
        rows.code = rows.codes.data();
        clv_detail::write_codes(customer_, codes_, first, first + n, rows.keys.data(),
                                first_time ? nobody_ : ignored);
        for (std::size_t i = 0; i < n; ++i) {
          rows.known[i] = rows.keys[i] == clv_detail::left_out ? 0 : 1;
          rows.codes[i] = rows.known[i] != 0 ? clv_detail::code_of(rows.keys[i]) : 0;
        }
      }
      if (first_time)
        read_periods(first, n, rows);
      else
        rows.period = periods_.get() + first;
      work(part, rows, n, first);
    }
  });
}

void Quick::read_periods(std::size_t first, std::size_t n, Step& rows) {
  const auto at = clock_->block(first, first + n, rows.at);
  std::uint8_t* into = periods_ ? periods_.get() + first : rows.periods.data();
  rows.period = into;
  if (rows.all_known && clock_->clean() && !cut_off_ && plan->spine.covers_all()) {
    plan->spine.periods_within(at, into);
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const bool here = (rows.all_known || rows.known[i] != 0) && at[i] != no_instant &&
                      !(cut_off_ && at[i] >= plan->until.us);
    const std::int32_t period = here ? plan->spine.period_of(at[i]) : Spine::none;
    rows.known[i] = here ? 1 : 0;
    into[i] = period < 0 ? no_period : static_cast<std::uint8_t>(period);
  }
  rows.all_known = false;
}

void Quick::read_masks(const cohort::Options& options) {
  masks.customers = codes_.codes;
  const std::size_t words = masks.words;
  const std::size_t size = masks.customers * words;
  const std::size_t n_parts = parts(size * sizeof(std::uint64_t));
  std::vector<clv_detail::Memory<std::uint64_t>> of_part(n_parts);
  std::vector<std::vector<std::uint8_t>> idle(n_parts);  ///< customers with a row that is no activity
  for_blocks(n_parts, execution_, [&](std::size_t part) {
    of_part[part] = clv_detail::unset<std::uint64_t>(size);
    std::fill_n(of_part[part].get(), size, std::uint64_t{0});
  });
  const bool signs = amounts_ && options.activity != Activity::all;
  each_block(true, [&](std::size_t part, Step& rows, std::size_t n, std::size_t first) {
    bool all_count = rows.all_known;
    if (signs && amounts_->may_be_low(first, first + n, options.activity == Activity::positive)) {
      amounts_->write(first, first + n, rows.money.data(), false);
      for (std::size_t i = 0; i < n; ++i)
        rows.periods[i] = plan->counts(rows.money[i]) ? rows.period[i] : no_period;
      rows.period = rows.periods.data();
      if (rows.all_known) std::fill_n(rows.known.begin(), n, std::uint8_t{1});
      all_count = false;
    }
    std::uint64_t* mask = of_part[part].get();
    const auto customer = rows.customers();
    const std::uint8_t* period = rows.period;
    if (all_count && words == 1) {
      for (std::size_t i = 0; i < n; ++i) {
        __builtin_prefetch(mask + customer(i + ahead), 1);
        mask[customer(i)] |= std::uint64_t{1} << period[i];
      }
      return;
    }
    for (std::size_t i = 0; i < n; ++i) {
      __builtin_prefetch(mask + customer(i + ahead) * words, 1);
      if (period[i] != no_period) {
        mask[customer(i) * words + (period[i] >> 6U)] |= std::uint64_t{1} << (period[i] & 63U);
      } else if (rows.known[i] != 0) {
        idle[part].resize(masks.customers);
        idle[part][customer(i)] = 1;
      }
    }
  });
  constexpr std::size_t block = std::size_t{1} << 16;
  for_rows(size, block, execution_, [&](std::size_t first, std::size_t last) {
    for (std::size_t part = 1; part < n_parts; ++part)
      for (std::size_t i = first; i < last; ++i) of_part[0][i] |= of_part[part][i];
  });
  masks.bits = std::move(of_part[0]);
  const bool any_idle = std::ranges::any_of(idle, [](const auto& one) { return !one.empty(); });
  for (std::size_t i = 0; any_idle && i < masks.customers; ++i) {
    if (std::ranges::none_of(idle, [i](const auto& one) { return !one.empty() && one[i] != 0; })) continue;
    const std::uint64_t* mask = masks.bits.get() + i * words;
    if (std::all_of(mask, mask + words, [](std::uint64_t bits) { return bits == 0; })) ++masks.outside;
  }
}

Sums Quick::sums() {
  const Measure measure = plan->options.measure;
  Sums sums(1, plan->spine.size(), plan->ages, plan->has_amount);
  clv_detail::Memory<std::uint8_t> cohort_of = clv_detail::unset<std::uint8_t>(masks.customers);
  const bool plain =
      measure != Measure::unbounded && measure != Measure::bracket && measure != Measure::previous;
  std::mutex guard;
  const std::size_t n_parts = parts(1);
  for_blocks(n_parts, execution_, [&](std::size_t part) {
    Sums mine(1, sums.cohorts, sums.ages, false);
    ActiveCounts counts(plain ? sums.cohorts : 0, masks.words);
    std::uint16_t periods[64 * most_words];
    const std::size_t end = masks.customers * (part + 1) / n_parts;
    for (std::size_t i = masks.customers * part / n_parts; i < end; ++i) {
      const std::size_t cohort = masks.first(i);
      cohort_of[i] = cohort < sums.cohorts ? static_cast<std::uint8_t>(cohort) : no_cohort;
      if (cohort_of[i] == no_cohort) continue;
      ++mine.size[cohort];
      if (plain) {
        counts.add(cohort, masks.bits.get() + i * masks.words);
        continue;
      }
      const std::size_t n = masks.periods(i, periods);
      const std::size_t row = mine.row(0, cohort);
      if (measure == Measure::unbounded) {
        ++mine.active[row + std::min<std::size_t>(periods[n - 1] - cohort, mine.ages - 1)];
      } else if (measure == Measure::bracket) {
        for (std::size_t b = 0; b < mine.ages; ++b) {
          const auto& bracket = plan->options.brackets[b];
          const auto* found =
              std::lower_bound(periods, periods + n, cohort + static_cast<std::size_t>(bracket.first));
          mine.active[row + b] +=
              found != periods + n && *found - cohort <= static_cast<std::size_t>(bracket.last) ? 1 : 0;
        }
      } else {
        for (std::size_t j = 0; j < n; ++j) {
          const std::size_t age = periods[j] - cohort;
          if (age + 1 < mine.ages) ++mine.n[row + age + 1];
          if (age < mine.ages && j > 0 && periods[j] == periods[j - 1] + 1) ++mine.active[row + age];
        }
      }
    }
    if (plain) counts.take(mine);
    const std::lock_guard lock(guard);
    for (std::size_t i = 0; i < sums.size.size(); ++i) sums.size[i] += mine.size[i];
    for (std::size_t i = 0; i < sums.active.size(); ++i) {
      sums.active[i] += mine.active[i];
      sums.n[i] += mine.n[i];
    }
  });
  sums.outside = masks.outside;
  if (measure == Measure::unbounded) sums.accumulate_from_last();
  if (amounts_ || measure == Measure::count) add_rows(sums, {cohort_of.get(), masks.customers});
  if (amounts_) amounts_->report(issues);
  return sums;
}

void Quick::add_rows(Sums& sums, std::span<const std::uint8_t> cohort_of) {
  const bool brackets = plan->options.measure == Measure::bracket;
  const bool events = plan->options.measure == Measure::count;
  const std::size_t ages = sums.ages;
  const std::size_t cells = sums.n.size();
  const std::size_t n_parts = parts(masks.customers * masks.words * sizeof(std::uint64_t));
  std::vector<Total> money(n_parts, Total(amounts_ ? cells : 0));
  std::vector<std::vector<std::int64_t>> counts(n_parts, std::vector<std::int64_t>(events ? cells : 0, 0));
  std::vector<std::int64_t> early(n_parts, 0);
  each_block(false, [&](std::size_t part, Step& rows, std::size_t n, std::size_t first) {
    if (amounts_) amounts_->write(first, first + n, rows.money.data());
    Total& amount = money[part];
    const auto customer = rows.customers();
    // Calls put(row of the step, first cell of its cohort, age); returns how many rows are before their
    // cohort.
    const auto each_row = [&](const auto& put) {
      std::int64_t before = 0;
      for (std::size_t i = 0; i < n; ++i) {
        __builtin_prefetch(cohort_of.data() + customer(i + ahead));
        const std::size_t cohort = cohort_of[customer(i)];
        const std::size_t period = rows.period[i];
        if (period == no_period || cohort == no_cohort) continue;
        if (period >= cohort)
          put(i, cohort * ages, period - cohort);
        else
          ++before;
      }
      return before;
    };
    if (brackets) {
      early[part] += each_row([&](std::size_t i, std::size_t row, std::size_t age) {
        for (std::size_t b = 0; amounts_ && b < ages; ++b) {
          const auto& bracket = plan->options.brackets[b];
          if (std::cmp_greater_equal(age, bracket.first) && std::cmp_less_equal(age, bracket.last))
            amount.add(row + b, rows.money[i]);
        }
      });
    } else if (events) {
      early[part] += each_row([&](std::size_t i, std::size_t row, std::size_t age) {
        if (age >= ages) return;
        if (amounts_) amount.add(row + age, rows.money[i]);
        if (plan->counts(rows.money[i])) ++counts[part][row + age];
      });
    } else {
      early[part] += each_row([&](std::size_t i, std::size_t row, std::size_t age) {
        if (age < ages) amount.add(row + age, rows.money[i]);
      });
    }
  });
  for (std::size_t part = 0; part < n_parts; ++part) {
    sums.early += early[part];
    for (std::size_t i = 0; i < sums.amount.size(); ++i) sums.amount[i] += money[part][i];
    for (std::size_t i = 0; i < counts[part].size(); ++i) sums.events[i] += counts[part][i];
  }
}

}  // namespace cohort_detail
}  // namespace v0
}  // namespace salesops
