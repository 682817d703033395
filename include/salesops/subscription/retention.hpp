/// @file retention.hpp
/// How much of the recurring revenue of a start cohort is left, by the rules in use.
///
/// The cohort of period p are the customers with revenue mᵢ(p − n) above 0 at the end of period p − n; what
/// they bring at the end of p is compared with what they brought then. Whoever came since is not in it.
///
/// | measure        | value                                                                        |
/// |----------------|------------------------------------------------------------------------------|
/// | nrr            | Σ mᵢ(p) ÷ Σ mᵢ(p − n)                                                        |
/// | grr_point      | Σ min(mᵢ(p), mᵢ(p − n)) ÷ Σ mᵢ(p − n): capped customer by customer           |
/// | grr_path       | Σ min over p − n … p of mᵢ ÷ Σ mᵢ(p − n): what was lost never returns        |
/// | grr_chained    | Π over the n periods of that period's grr_point against the period before    |
/// | logo_retention | customers of the cohort with revenue above 0 at p ÷ customers of the cohort  |
/// | logo_churn     | customers of the cohort without ÷ customers of the cohort: 1 − logo_retention |
///
/// Without `reactivation`, the revenue of a customer at 0 at any period's end in between counts as lost (nrr,
/// grr); logos are counted at both ends either way. grr_path ≤ grr_point ≤ min(1, nrr). Amounts of both ends
/// are converted at the rate of p.
///
/// A period that is not over at `as_of`, or pending under a grace, has counts but no rates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "salesops/subscription/movements.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

enum class RatioInterval : std::uint8_t {
  linearized,  ///< customers as clusters, by the linear approximation of the ratio and Student's t
  bootstrap,   ///< customers drawn with replacement, percentiles
  none
};

struct RetentionOptions {
  Options options = {};
  int over = 0;               ///< periods from start to end; 0: a year of them
  bool reactivation = false;  ///< revenue of customers who left and came back in between counts
  double level = 95;          ///< percent
  RatioInterval interval = RatioInterval::linearized;
  int replicates = 1000;  ///< of the bootstrap
  std::uint64_t seed = 1;
};

/// A ratio with its interval; NaN where there is none.
struct Ratio {
  double value, low, high;
};

/// One entry a period, from the first that has one `over` periods before.
struct Retention {
  int over = 12;
  Every every = Every::month;
  Follow follow = Follow::customer;
  std::vector<std::string> periods, bases;  ///< the period, and the one at whose end the cohort is taken
  std::vector<Date> starts;                 ///< of the periods
  std::vector<PeriodState> state;
  std::vector<std::int64_t> start;        ///< the cohort's revenue at the start
  std::vector<std::int64_t> end;          ///< and at the end
  std::vector<std::int64_t> point, path;  ///< what is kept of it by the rules of grr
  std::vector<std::int64_t> customers, kept;
  std::vector<Ratio> nrr, grr_point, grr_path, logo_retention, logo_churn;
  std::vector<double> grr_chained;  ///< NaN where a period between has no start
  std::string currency;
  std::string zone;
  bool reactivation = false;
  double confidence = 95;
  Instant as_of;
  Issues issues;

  [[nodiscard]] std::size_t size() const noexcept { return periods.size(); }
  /// One row a period.
  [[nodiscard]] Table to_table() const;
  /// Long: period, measure, value, low, high, numerator, denominator, n, state.
  [[nodiscard]] Table long_table() const;
};

/// `UsageError` for `over` below 1.
[[nodiscard]] Retention retention(const State& state, const RetentionOptions& options = {});
[[nodiscard]] Retention retention(const Table& rows, const Columns& columns = {},
                                  const RetentionOptions& options = {});

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
