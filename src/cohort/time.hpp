// When rows happened, and in which period.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../clv/clock.hpp"
#include "salesops/cohort/retention.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

using clv_detail::Clock;
using clv_detail::no_instant;

/// Periods without a gap, counted from 0.
class Spine {
 public:
  static constexpr std::int32_t none = -1;  ///< before the first period, or outside a calendar's table

  /// From the period of `first` to that of the last microsecond before `until`. `UsageError` where the
  /// calendar doesn't reach there, and for a cut that is none.
  Spine(const cohort::Cut& cut, const TimeZone& zone, Instant first, Instant until);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Date start(std::size_t period) const;  ///< `period` ≤ size()
  [[nodiscard]] std::string label(std::size_t period) const;
  /// No instant from the first on is `none`: a calendar's table does not begin after it.
  [[nodiscard]] bool covers_all() const noexcept { return covers_all_; }
  /// The last period is over before `until`.
  [[nodiscard]] bool last_is_over() const noexcept { return last_is_over_; }
  [[nodiscard]] const cohort::Cut& cut() const noexcept { return cut_; }

  /// `period_of` for instants that all lie from the spine's first to before its end, of a spine whose periods
  /// fit a byte, where it `covers_all`.
  void periods_within(std::span<const std::int64_t> at, std::uint8_t* out) const noexcept {
    if (!whole_days_.empty()) {
      const auto begin = static_cast<std::uint64_t>(first_day_ * us_per_day);
      for (std::size_t i = 0; i < at.size(); ++i)
        out[i] = whole_days_[(static_cast<std::uint64_t>(at[i]) - begin) / us_per_day];
      return;
    }
    for (std::size_t i = 0; i < at.size(); ++i) {
      const Day& known = days_[static_cast<std::size_t>(utc_day(at[i]) - first_day_)];
      out[i] = static_cast<std::uint8_t>(at[i] < known.split ? known.before : known.after);
      if (known.before == irregular) [[unlikely]]
        out[i] = static_cast<std::uint8_t>(exactly(at[i]));
    }
  }

  /// Makes `period_of` ready; before, nothing depends on how long the spine is.
  void prepare();
  /// The period that holds the instant's civil day.
  [[nodiscard]] std::int32_t period_of(std::int64_t at) const noexcept {
    const std::int64_t day = utc_day(at) - first_day_;
    if (day < 0 || day >= static_cast<std::int64_t>(days_.size())) return outside(at);
    const Day& known = days_[static_cast<std::size_t>(day)];
    if (known.before == irregular) return exactly(at);
    return at < known.split ? known.before : known.after;
  }

 private:
  /// One UTC day: the local day, and with it perhaps the period, changes at `split`.
  struct Day {
    std::int64_t split = 0;
    std::int32_t before = none;
    std::int32_t after = none;
  };
  static constexpr std::int32_t irregular = -2;  ///< a clock change within

  static std::int64_t utc_day(std::int64_t at) noexcept {
    constexpr std::int64_t shift = std::int64_t{1} << 20;  // so that one division rounds down
    return (at + shift * us_per_day) / us_per_day - shift;
  }
  [[nodiscard]] std::int64_t index_of(Date date) const;
  [[nodiscard]] std::int32_t clamped(std::int64_t local_day) const;
  [[nodiscard]] std::int32_t outside(std::int64_t at) const noexcept;
  [[nodiscard]] std::int32_t exactly(std::int64_t at) const noexcept;

  cohort::Cut cut_;
  TimeZone zone_;
  std::int64_t first_at_ = 0, until_ = 0;
  std::int64_t base_ = 0;
  std::size_t size_ = 0;
  bool covers_all_ = true;
  bool last_is_over_ = false;
  std::int64_t first_day_ = 0;
  std::vector<Day> days_;
  std::vector<std::uint8_t> whole_days_;  ///< periods of UTC days, where those are the zone's, in bytes
};

/// `UsageError` for a grid larger than allowed, with the coarser period named.
void check_cells(const cohort::Options& options, std::size_t segments, std::size_t cohorts, std::size_t ages);

}  // namespace cohort_detail
}  // namespace v0
}  // namespace salesops
