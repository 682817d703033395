// What the forecast reads out of a book: paths of deals through stages, in days.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "salesops/crm.hpp"
#include "salesops/pipeline/forecast.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

inline constexpr double days_per_us = 1.0 / static_cast<double>(us_per_day);
inline constexpr double days_of(std::int64_t us) { return static_cast<double>(us) * days_per_us; }

/// A book with fewer deals teaches next to nothing.
inline constexpr std::size_t few_deals = 30;

/// States below zero are ends.
enum End : std::int32_t { won = -1, lost = -2, gone = -3 };

struct Visit {
  std::int32_t state = 0;
  double enter = 0;  ///< days since 1970
};

/// Deals of one measure and currency as known at one instant. Deals without a creation time are left out.
struct Facts {
  double now = 0;
  double first = 0;        ///< a day that all but the hundredth part of the deals were seen after
  double first_close = 0;  ///< the same of closes: where old deals are missing they begin late
  bool staged = false;
  bool amounts_tracked = false;
  bool close_dates_tracked = false;
  double typical_amount = 0;  ///< geometric mean; 0 where amounts have no history or can't be compared
  std::vector<std::string> state_pipelines, state_stages;  ///< names of the open states

  std::vector<std::int64_t> row;   ///< of the opportunity table
  std::vector<std::uint64_t> key;  ///< of the deal's random numbers
  std::vector<double> created,
      seen;  ///< `seen`: first known state, later than created when the log starts late
  std::vector<std::int64_t> offsets;  ///< deal i has visits offsets[i] … offsets[i + 1]
  std::vector<Visit> visits;
  std::vector<std::int64_t> amount;      ///< null_value where unknown
  std::vector<std::int32_t> owner;       ///< leaf number
  std::vector<std::int32_t> pipeline;    ///< numbered as the deals meet them
  std::vector<std::int32_t> close_date;  ///< null_date where unknown
  std::vector<double> closed;            ///< infinity while open
  std::vector<DealStatus> status;
  std::size_t pipelines = 0;
  std::vector<std::string> owners;         ///< ids by leaf number; empty id = nobody
  std::vector<std::int32_t> leaf_of_code;  ///< by code of opportunity.owner_id

  std::int64_t without_created = 0;
  std::int64_t negative_amounts = 0;
  std::int64_t unknown_closes = 0;

  [[nodiscard]] std::size_t size() const noexcept { return row.size(); }
  [[nodiscard]] std::size_t states() const noexcept { return state_stages.size(); }
};

/// Throws `UsageError` where the sum is beyond int64.
void add_amount(std::int64_t& sum, std::int64_t amount);

/// Throws `UnitError` when amounts are needed and have several currencies, none of them `wanted`.
void check_currency(const Table& deals, const std::string& wanted, bool needed);

Facts read_facts(const Crm& crm, const pipeline::ForecastOptions& options, bool rewound);

/// Where a deal stands at `t`: its visit, or -1 when it isn't known yet.
std::int64_t visit_at(const Facts& facts, std::size_t deal, double t);
/// Day from which the time in the stage of a visit counts.
double origin_of(const Facts& facts, std::size_t deal, std::int64_t visit);

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
