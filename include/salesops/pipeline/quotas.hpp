/// @file pipeline/quotas.hpp
/// Which quotas count, and how much of them in a period: one rule for forecasts, attainment and coverage.
///
/// A quota counts when its measure is the one asked for, its currency fits, it isn't negative, its period
/// ends after it starts, and it is valid on the day the book is read (`valid_from` ≤ day < `valid_to`). Of
/// several versions for a holder, product family and period the highest counts; of equal ones the larger. On
/// a day that several periods of one holder and product family cover, the shortest counts alone (of equal
/// ones the later): a year's quota gives way to its quarters'. Part of a period has the share of its days,
/// and all parts add up to the whole to the cent.
///
/// A holder is judged by its own quota; one without any in the period by the sum of its members'. A quota of
/// 0 is none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "salesops/pipeline/forecast.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

/// A quota on consecutive days on which it counts.
struct Quota {
  std::size_t row = 0;  ///< of table `quota`
  Holder holder;        ///< of a company without an id
  std::string product_family;
  Date start, end;          ///< its own period
  Date from, to;            ///< where it counts, within its period
  std::int64_t amount = 0;  ///< of its whole period: minor units, or whole deals for `Measure::wins`

  /// The part of days [first, last), as far as it counts there.
  [[nodiscard]] std::int64_t of_days(Date first, Date last) const noexcept;
};

struct QuotaOptions {
  Measure measure = Measure::bookings;
  /// Quotas that say another currency don't count. Empty or `XXX`: any, but one alone (`UnitError`).
  std::string currency = {};
  Date day = {};  ///< on which versions are valid
};

/// By holder, product family and time.
struct Quotas {
  std::vector<Quota> all;
  /// Rows that can't count, by reason: `null_amount`, `negative_amount`, `no_period` (without a day, or the
  /// end not after the start), `unknown_measure` (neither `bookings` nor `wins`), `other_currency`,
  /// `unknown_holder` (a rep or team that isn't in its table), `duplicate` (another amount of the same
  /// version). Rows that give way to a later version, or aren't valid that day, are no fault.
  std::map<std::string, std::int64_t> excluded;

  /// A sentence for each reason, to stand beside a result.
  [[nodiscard]] std::vector<std::string> warnings() const;
};
/// Nothing where the book has no quotas with a period and an amount (a quantity, for `Measure::wins`).
Quotas quotas_in_force(const Crm& crm, const QuotaOptions& options);

/// Those of the members that make up the company on days [first, last): the reps', if any rep has one there;
/// else the teams' (without teams below another that has one), the territories'.
std::vector<Quota> quotas_of_members(const Crm& crm, const std::vector<Quota>& quotas, Date first, Date last);

/// Those of teams that have one of their own on days [first, last), by which alone these teams are judged.
std::vector<Quota> quotas_of_teams(const std::vector<Quota>& quotas, Date first, Date last);

/// Those the company is judged by on days [first, last): its own, else its members'.
std::vector<Quota> quotas_of_company(const Crm& crm, const std::vector<Quota>& quotas, Date first, Date last);

/// Throws `UsageError` when the sum leaves 64 bits.
std::int64_t sum_of_quotas(std::int64_t a, std::int64_t b);

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
