// One customer after another: what runs when, and what changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../crm/rates.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

using subscription::Options;
using subscription::State;

/// Periods without a gap from that of the first start to that of the last moment known.
class Timeline {
 public:
  /// `UsageError` for more periods than allowed, and where the calendar doesn't reach.
  Timeline(const Options& options, const TimeZone& zone, std::int64_t first, std::int64_t until);

  [[nodiscard]] std::size_t size() const noexcept { return labels_.size(); }
  [[nodiscard]] const std::vector<std::string>& labels() const noexcept { return labels_; }
  [[nodiscard]] const std::vector<Date>& starts() const noexcept { return starts_; }
  [[nodiscard]] std::int64_t until() const noexcept { return until_; }
  [[nodiscard]] bool last_is_over() const noexcept { return bounds_.back() <= until_; }
  /// The last civil day of a period that is known.
  [[nodiscard]] Date last_day(std::size_t period) const;
  /// The period of an instant at or after the first start and before `until`.
  [[nodiscard]] std::int32_t period_of(std::int64_t at) const noexcept {
    auto period = guesses_[static_cast<std::size_t>((at - bounds_.front()) / us_per_day)];
    while (bounds_[static_cast<std::size_t>(period) + 1] <= at) ++period;
    return period;
  }

 private:
  std::vector<std::string> labels_;
  std::vector<Date> starts_;
  std::vector<std::int64_t> bounds_;   ///< instants of `starts_`
  std::vector<std::int32_t> guesses_;  ///< period at the start of each block of 24 hours
  Date last_day_;
  std::int64_t until_;
};

/// Revenue in the currency of the result.
///
/// The rates of a currency are looked up for the periods in which it is paid. Others that turn out to be
/// needed (retention compares what was paid by a later rate) are noted by `convert` and looked up by
/// `complete`.
class Exchange {
 public:
  /// `UnitError` for several currencies and none to convert to; `UsageError` for a rate that is missing,
  /// unless those of its currency are left out.
  Exchange(const State::Data& data, const Options& options, const Timeline& timeline, Issues& issues);

  [[nodiscard]] const std::string& currency() const noexcept { return currency_; }
  [[nodiscard]] bool keeps(std::int32_t currency) const noexcept {
    return kept_[static_cast<std::size_t>(currency)] != 0;
  }
  /// No amount is converted.
  [[nodiscard]] bool plain() const noexcept { return plain_; }
  [[nodiscard]] std::int64_t convert(std::int32_t currency, std::int64_t minor, std::size_t period) const;
  /// Whether every rate was there that `convert` was asked for; else all has to be converted again. Throws
  /// for a rate that is missing as the constructor does.
  [[nodiscard]] bool complete();

 private:
  struct Fraction {
    std::int64_t over = 0, under = 1;  ///< where both fit; else `over` is 0
    std::optional<crm_detail::Factor> factor;
  };
  void look_up(std::size_t currency, std::size_t period);

  const State::Data& data_;
  const Options& options_;
  const Timeline& timeline_;
  Issues& issues_;
  std::string currency_;
  std::optional<crm_detail::Rates> source_;
  std::vector<std::uint8_t> kept_;
  std::vector<std::int64_t> rows_;            ///< by currency
  std::vector<std::vector<Fraction>> rates_;  ///< by currency (empty: the result's own) and period
  mutable std::vector<std::atomic<std::uint8_t>> missed_;  ///< by period within currency: asked for in vain
  bool plain_ = true;
};

/// What was merged, cut or not looked at.
struct Notes {
  std::int64_t duplicates = 0, overlaps = 0, bridged = 0, unseen = 0, starts_later = 0, ends_later = 0;
  std::int64_t pending = 0;               ///< customers gone for less than the grace
  std::int64_t pending_from = INT64_MAX;  ///< since when the first of them is

  void merge(const Notes& other);
  void report(Issues& issues) const;
};

/// A change of what a customer pays, in the currency that is paid.
struct Change {
  std::int64_t slot = 0;  ///< a period, or a group of changes within the window
  std::int32_t currency = 0;
  std::int64_t delta = 0;
  std::int64_t price = 0;   ///< part of it: other price of what runs before and after
  std::int64_t annual = 0;  ///< the change of what is paid a year
};

/// A customer's changes in order of time.
class Ledger {
 public:
  struct Run {
    Spell spell;
    bool shared = false;               ///< overlaps others of its subscription: its price is not told apart
    std::int64_t first = 0, last = 0;  ///< slots at whose end it runs
  };

  Ledger(const State::Data& data, const Options& options, const Timeline& timeline, const Exchange& exchange)
      : data_(data), options_(options), timeline_(timeline), exchange_(exchange) {}

  void load(std::span<const Spell> spells);
  [[nodiscard]] std::span<const Change> changes() const noexcept { return changes_; }
  [[nodiscard]] std::size_t period_of(std::int64_t slot) const noexcept {
    return static_cast<std::size_t>(options_.window_us ? groups_[static_cast<std::size_t>(slot)] : slot);
  }
  /// What runs when, overlaps settled; an end that isn't known yet is `open_end`.
  [[nodiscard]] std::span<const Run> runs() const noexcept { return runs_; }
  [[nodiscard]] const Notes& notes() const noexcept { return notes_; }

 private:
  [[nodiscard]] bool before(const Spell& a, const Spell& b) const;
  void take(std::span<const Spell> spells);
  void settle_overlaps();
  void settle(std::span<Run> rows);
  void bridge();
  void wait();
  void place();
  void tell_prices();

  const State::Data& data_;
  const Options& options_;
  const Timeline& timeline_;
  const Exchange& exchange_;
  std::vector<Run> runs_, settled_;
  std::vector<std::pair<std::int64_t, std::int64_t>> covered_;
  std::vector<std::int64_t> times_;
  std::vector<std::size_t> latest_;
  std::vector<std::int32_t> groups_;  ///< period of each group of changes
  std::vector<Change> changes_;
  Notes notes_;
};

/// Throws `UsageError` for options that can't be.
void check(const Options& options);
/// Nothing from this instant on is known.
[[nodiscard]] std::int64_t known_until(const State::Data& data, const Options& options, Issues& issues);
/// Of the periods. What ends with the data is in that of its end, or of its last day.
[[nodiscard]] std::vector<subscription::PeriodState> states_of(const State::Data& data,
                                                               const Timeline& timeline,
                                                               std::int64_t pending_from, bool by_last_day,
                                                               Issues& issues);

}  // namespace subscription_detail
}  // namespace v0
}  // namespace salesops
