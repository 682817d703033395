// Sums behind the cells of a grid, and what turns them into values.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "salesops/cohort/lifecycle.hpp"
#include "salesops/cohort/retention.hpp"
#include "time.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

/// Σ over customers who may stand in several cohorts: n = its cells of one age that are over, a = those it is
/// active in. Whole numbers, so that no order of the customers shows.
struct Clusters {
  std::int64_t customers = 0, nn = 0, an = 0, aa = 0;

  void add(std::int64_t n, std::int64_t a) noexcept {
    ++customers;
    nn += n * n;
    an += a * n;
    aa += a * a;
  }
  void merge(const Clusters& other) noexcept {
    customers += other.customers;
    nn += other.nn;
    an += other.an;
    aa += other.aa;
  }
};

/// Exact sums over customers, on all periods of a spine. Cells are segment × cohort × age.
struct Sums {
  Sums(std::size_t segments_, std::size_t cohorts_, std::size_t ages_, bool money)
      : segments(segments_),
        cohorts(cohorts_),
        ages(ages_),
        size(segments * cohorts, 0),
        n(size.size() * ages, 0),
        active(n.size(), 0),
        events(n.size(), 0),
        amount(money ? n.size() : 0, 0),
        kept(amount.size(), 0) {}

  std::size_t segments, cohorts, ages;
  std::vector<std::int64_t> size;  ///< segments × cohorts
  std::vector<std::int64_t> n;     ///< customers a cell rests on, where that isn't the cohort
  std::vector<std::int64_t> active;
  std::vector<std::int64_t> events;
  std::vector<int128> amount;
  std::vector<int128> kept;        ///< grr: what is left of the amounts of age 0; there, what can be lost
  std::vector<Clusters> clusters;  ///< segments × ages; of shares where customers repeat
  std::int64_t older = 0, outside = 0;
  std::int64_t early = 0;  ///< rows before their customer's cohort: in no cell

  [[nodiscard]] std::size_t row(std::size_t segment, std::size_t cohort) const noexcept {
    return (segment * cohorts + cohort) * ages;
  }
  void merge(const Sums& other);
  /// Of each cohort the customers whose last active age is k become those with k or more.
  void accumulate_from_last();
};

/// What decides which rows count and where: one reading of the options for all ways to sum.
struct Plan {
  /// `UsageError` for options that don't go together and for a grid larger than allowed.
  Plan(const cohort::Options& options, const TimeZone& zone, Instant first, Instant known_until,
       bool has_amount, std::size_t segments);

  cohort::Options options;
  Instant until;  ///< rows at or after it are not known
  Spine spine;
  std::size_t ages = 0;
  bool has_amount = false;

  [[nodiscard]] bool counts(std::int64_t amount) const noexcept {
    if (!has_amount || options.activity == cohort::Activity::all) return true;
    return options.activity == cohort::Activity::positive ? amount > 0 : amount >= 0;
  }
};

/// One customer's numbers at one age, for the bootstrap.
struct Lot {
  std::uint32_t age = 0;
  std::int32_t base = 0;
  std::int64_t value = 0;
};
/// The customers of one cohort: lots of each, and where they begin.
struct Lots {
  std::vector<std::size_t> begins = {0};
  std::vector<Lot> lots;
};

/// Σ over all customers; `lots`, one entry a segment and cohort, is filled where it isn't null.
[[nodiscard]] Sums sum_customers(const cohort::State::Data& data, const Plan& plan,
                                 std::span<const std::int32_t> segment_of, std::size_t segments,
                                 std::vector<Lots>* lots);

/// Percentile intervals of cells by drawing customers again; NaN where a cell has none.
struct Bootstrapped {
  std::vector<double> low, high;                ///< cells
  std::vector<double> pooled_low, pooled_high;  ///< segments × ages
};
[[nodiscard]] Bootstrapped bootstrap(const Sums& sums, const Plan& plan, const std::vector<Lots>& lots,
                                     double minor_per_major);

/// Standard errors of the cells' ratios (ltv, mean, nrr, grr) over customers; NaN where a cell has none.
[[nodiscard]] std::vector<double> ratio_errors(const Sums& sums, const Plan& plan,
                                               const std::vector<Lots>& lots, double minor_per_major);

/// The grid of the sums, with states, values and intervals.
[[nodiscard]] cohort::Retention grid_of(const Sums& sums, const Plan& plan, std::vector<std::string> segments,
                                        const std::string& currency, const std::vector<Lots>* lots);

[[nodiscard]] cohort::IntervalKind interval_of(const cohort::Options& options);
[[nodiscard]] bool is_share(cohort::Measure measure) noexcept;
[[nodiscard]] bool is_money(cohort::Measure measure) noexcept;
[[nodiscard]] bool is_gross(cohort::Measure measure) noexcept;

/// Whether the last period of a cell is over; not of windows, which are each customer's own.
[[nodiscard]] bool is_over(const Plan& plan, std::size_t cohort, std::size_t age) noexcept;
/// Whether the period `cohort + age` (a bracket's or a window's last) is over; nothing where it hasn't begun.
[[nodiscard]] cohort::CellState state_of(const Sums& sums, const Plan& plan, std::size_t segment,
                                         std::size_t cohort, std::size_t age);

// ---- the fast way: one bit a customer and period ----

/// Customers as masks of the periods they are active in.
struct Masks {
  std::size_t words = 1;
  std::size_t customers = 0;
  std::int64_t outside = 0;                ///< customers who have rows, but no activity
  clv_detail::Memory<std::uint64_t> bits;  ///< customers × words

  /// The first period of customer `i`; `64 * words` without one.
  [[nodiscard]] std::size_t first(std::size_t i) const noexcept {
    std::size_t w = 0;
    while (w < words && bits[i * words + w] == 0) ++w;
    return w * 64 + (w < words ? static_cast<std::size_t>(std::countr_zero(bits[i * words + w])) : 0);
  }
  /// The periods of customer `i`, ascending, to `out`; returns how many.
  std::size_t periods(std::size_t i, std::uint16_t* out) const noexcept {
    std::size_t n = 0;
    for (std::size_t w = 0; w < words; ++w)
      for (std::uint64_t left = bits[i * words + w]; left != 0; left &= left - 1)
        out[n++] = static_cast<std::uint16_t>(w * 64 + static_cast<std::size_t>(std::countr_zero(left)));
    return n;
  }
};
/// A table read that way; nothing where it needs more than `most_words` a customer or a second look at rows.
class Quick {
 public:
  static constexpr std::size_t most_words = 4;
  static bool fits(const cohort::Columns& columns, const cohort::Options& options);

  Quick(const Table& events, const cohort::Columns& columns, const cohort::Options& options);
  [[nodiscard]] bool ready() const noexcept { return masks.bits != nullptr; }
  [[nodiscard]] Sums sums();

  std::optional<Plan> plan;
  Masks masks;
  Issues issues;
  std::string currency;

 private:
  struct Step;
  template <class Work>
  void each_block(bool first_time, const Work& work);
  void read_periods(std::size_t first, std::size_t n, Step& rows);
  void read_masks(const cohort::Options& options);
  void add_rows(Sums& sums, std::span<const std::uint8_t> cohort_of);
  [[nodiscard]] std::size_t parts(std::size_t bytes_each) const;

  std::size_t rows_;
  Execution execution_;
  Column customer_;
  std::string customer_name_;
  clv_detail::CustomerCodes codes_;
  std::optional<Clock> clock_;
  std::optional<clv_detail::Amounts> amounts_;
  clv_detail::Flaws nobody_;
  bool cut_off_ = false;                      ///< rows after as_of
  clv_detail::Memory<std::uint8_t> periods_;  ///< of the rows, for the second pass
};

}  // namespace cohort_detail
}  // namespace v0
}  // namespace salesops
