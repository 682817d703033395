/// @file terms.hpp
/// What a subscription brings a month, and on which days of a book it runs.
///
/// A price for an interval becomes monthly by one exact fraction (`per_month`): a year is 12 months and
/// 365 days, so a week counts 52/12 and a day 365/12 times a month. Amounts are rounded once, after quantity,
/// discount and interval.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/calendar/time_zone.hpp"
#include "salesops/crm.hpp"
#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

/// How often a price is paid.
enum class Billing : std::uint8_t { day, week, month, quarter, half, year };

/// `"month"`, `"monthly"`, `"annual"`, … in any case; nothing for any other text.
[[nodiscard]] std::optional<Billing> billing_of(std::string_view text) noexcept;

/// What a price paid every `count` intervals is a month: × 1/(12 · count) of a yearly one, × 52/12/count of a
/// weekly one. Throws `UsageError` for a count below 1.
///
///     per_month(Billing::year, 1).to_string() == "1/12"
[[nodiscard]] Rate per_month(Billing billing, std::int64_t count = 1);

/// Months of [start, end): whole ones where both are the same day of the month, in a month that is too short
/// its last (30 January to 28 February, 28 February to 30 March), or where the term ends with a month too
/// short for the day of its start (29 February 2024 to the end of 28 February 2025); else days by the mean
/// month of 365/12 days. Throws `UsageError` unless start < end.
[[nodiscard]] Rate months_between(Date start, Date end);

/// Years of a contract.
enum class Convention : std::uint8_t {
  months,    ///< `months_between` ÷ 12
  days_365,  ///< days ÷ 365
  days_360   ///< days ÷ 360: months of 30 days
};
/// Twelve times the years of [start, end). Throws `UsageError` unless start < end.
[[nodiscard]] Rate months_by(Convention convention, Date start, Date end);

/// The day that ends an interval begun on `start`: 31 January + 1 month = 28 February.
[[nodiscard]] Date after(Date start, Billing billing, std::int64_t count = 1);

/// Pauses of a book's subscriptions, as days in a zone; a pause without an end lasts.
class Pauses {
 public:
  Pauses(const Crm& crm, const TimeZone& zone);
  [[nodiscard]] bool known() const noexcept { return !days_.empty(); }
  [[nodiscard]] bool on(std::size_t subscription, std::int32_t day) const;
  /// (day, begins a pause) in order of time; empty without any.
  [[nodiscard]] const std::vector<std::pair<std::int32_t, bool>>& of(std::size_t subscription) const;

 private:
  std::map<std::int32_t, std::vector<std::pair<std::int32_t, bool>>> days_;
};

/// The day that counts as the end of a subscription that was cancelled.
enum class ChurnAt : std::uint8_t {
  end,     ///< its `end`, to which it is paid; where nobody said one, the day of the cancellation
  cancel,  ///< the day of the cancellation, where that is before its `end`
};
/// `"end"`, `"cancel"`; throws `UsageError` for another.
[[nodiscard]] ChurnAt parse_churn_at(std::string_view name);

/// The book's subscriptions by row: when each is paid for, by whom, and what it brings a month.
///
/// A subscription runs on the days [from, to): from its start, or the end of its trial where that is later,
/// to its end. It is cancelled at `cancel_at`, else by the last of its events that says `cancel`, if none
/// after it takes that back. It makes its account a customer while it runs, unless it brings nothing, or
/// less.
struct Terms {
  enum class Amount : std::uint8_t { known, none, negative, unknown, unknown_interval };

  std::vector<std::int32_t> account;  ///< row of account; −1 without
  std::vector<std::int32_t> from, to;
  std::vector<double> monthly;  ///< minor units a month after discounts, before rounding; 0 when unknown
  std::vector<Amount> amount;
  std::vector<std::uint8_t> endless;  ///< 1: its status says that it is over, and nothing says since when
  Pauses pauses;

  /// Needs the table `subscription` with `start`; pauses and cancellations are cut into days of `zone`.
  Terms(const Crm& crm, const TimeZone& zone, ChurnAt churn_at = ChurnAt::end);

  [[nodiscard]] bool runs(std::size_t row, std::int32_t day) const noexcept {
    return from[row] <= day && day < to[row];
  }
  [[nodiscard]] bool counts(std::size_t row) const noexcept {
    return endless[row] == 0 && amount[row] != Amount::none && amount[row] != Amount::negative;
  }
};

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
