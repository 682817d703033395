/// @file kpi/scorecard.hpp
/// The KPIs of one period on a page, beside those of the period before and the targets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "salesops/kpi/metric.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

enum class Compare : std::uint8_t {
  none,
  prior,       ///< the period before
  prior_year,  ///< the same period a year before
};
/// `"none"`, `"prior"`, `"prior_year"`; throws `UsageError` for another.
Compare parse_compare(std::string_view name);

struct ScorecardRow {
  std::string kpi;    ///< name in the catalogue
  std::string title;  ///< "Win rate by value"
  std::string unit;
  std::optional<double> value, low, high;
  std::optional<double> prior;  ///< as it was known then
  std::optional<double> delta;  ///< value − prior
  std::optional<double> target;
  std::string status;  ///< "met", "missed", or empty without a target
  std::string state;   ///< e.g. "attained", "not available: needs quota.amount"
  std::int64_t n = 0;
};

struct Scorecard {
  std::string period;
  std::string prior_period;  ///< empty without a comparison
  Instant as_of;
  double level = 95;
  std::vector<ScorecardRow> rows;

  /// One row a KPI, the columns of `ScorecardRow`.
  [[nodiscard]] Table to_table() const;
  [[nodiscard]] std::string to_text() const;
};

/// Rows of one period (default: the quarter that holds as_of). A KPI whose columns are missing is listed
/// as not available. A prior value is read from the book as it was at the end of the prior period; that of
/// a snapshot (coverage, weighted pipeline, hygiene) at the same point of it. Targets are those of table
/// `target` (metric = the KPI's name, scope `company` or empty, valid on the period's first day).
/// Uses `where`, `period`, `as_of`, `level`, `calendar`, `zone`, `seed` and the thresholds of `options`; `by`
/// must be empty and the period a single one (`UsageError`).
Scorecard scorecard(const Crm& crm, const Options& options = {}, Compare compare = Compare::prior);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
