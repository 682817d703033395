/// @file contracts.hpp
/// What contracts are worth, and how much of what came up for renewal was renewed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salesops/subscription/movements.hpp"
#include "salesops/subscription/retention.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

struct RenewalOptions {
  Options options = {};       ///< every, calendar, as_of, to, rates, convert and execution are heeded
  std::int64_t early_us = 0;  ///< a renewal may begin so long before the end
  std::int64_t late_us = 30 * us_per_day;  ///< or so long after
  double level = 95;                       ///< percent
};

/// Contracts that end, by the period of their last day; amounts are monthly revenue in minor units.
///
/// All of a customer's rows that end at one instant are one renewal. What its rows that begin from `early_us`
/// before to `late_us` after bring is booked; up to what was available of it is renewed, so growth of one
/// customer doesn't hide the loss of another. A row is booked for one renewal only, the earliest it fits. A
/// renewal whose time (or grace) isn't over at `as_of` is pending: in no rate, whatever is booked already.
struct Renewals {
  Every every = Every::month;
  Follow follow = Follow::customer;
  std::vector<std::string> periods;
  std::vector<Date> starts;
  std::vector<PeriodState> state;
  std::vector<std::int64_t> up, renewed, pending;  ///< renewals; renewed are those with anything booked
  std::vector<std::int64_t> available, booked,
      kept;                                  ///< revenue of those that are not pending; kept ≤ available
  std::vector<Ratio> rate;                   ///< renewed ÷ up, Wilson's interval
  std::vector<double> gross_rate, net_rate;  ///< kept ÷ available, booked ÷ available; NaN without
  std::string currency, zone;
  double confidence = 95;
  Instant as_of;
  Issues issues;

  [[nodiscard]] std::size_t size() const noexcept { return periods.size(); }
  [[nodiscard]] Table to_table() const;
};

[[nodiscard]] Renewals renewals(const State& state, const RenewalOptions& options = {});

struct ContractColumns {
  Columns columns = {};      ///< `subscription` names the contract; empty: each row is one. Ends are needed
  std::string one_off = {};  ///< amount paid once, besides; empty: none
  Convention convention = Convention::months;
};

/// One entry a contract, in order of its name (of rows: as they come). Amounts in minor units.
///
///     tcv = Σ price · quantity · intervals of the term, less discounts, + one-off
///     acv = tcv ÷ years of the term
///
/// `first_year` is what the first twelve months bring, one-off included: the other acv in use, for contracts
/// that step up. `bookings` are acv of a term of a year or longer, else tcv.
struct ContractValues {
  Column contract;  ///< names, or row numbers
  std::vector<Date> start, end;
  std::vector<double> years;
  std::vector<std::int64_t> tcv, acv, first_year, one_off, bookings;
  std::vector<std::int32_t> currency;  ///< place in `currencies`
  std::vector<std::string> currencies;
  std::string contract_name;
  Issues issues;

  [[nodiscard]] std::size_t size() const noexcept { return tcv.size(); }
  [[nodiscard]] Table to_table() const;
};

/// Rows without an end are issues; contracts in several currencies too (`mixed_currencies`).
[[nodiscard]] ContractValues contract_values(const Table& rows, const ContractColumns& columns = {},
                                             const Execution& execution = {});

/// (recurring revenue of a quarter − that of the quarter before) × 4 ÷ cost of sales and marketing of the
/// quarter before: annual revenue won by a unit of cost. Nothing without a cost above 0. Revenue is of a
/// quarter (3 × that of a month), all in minor units.
[[nodiscard]] std::optional<double> magic_number(std::int64_t revenue, std::int64_t revenue_before,
                                                 std::int64_t cost_before) noexcept;

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
