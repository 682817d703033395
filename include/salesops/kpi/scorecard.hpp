/// @file kpi/scorecard.hpp
/// The KPIs of one period on a page, beside those of the period before and the targets.
#pragma once

#include <cstdint>
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

enum class Better : std::uint8_t { up, down };

struct ScorecardRow {
  std::string kpi;    ///< name in the catalogue
  std::string title;  ///< "Win rate by value"
  std::string unit;
  Better better = Better::up;  ///< which way is good
  std::optional<double> value, low, high;
  std::optional<double> prior;  ///< at the same point of the prior period, as it was known then
  std::optional<double> delta;  ///< value − prior
  std::optional<double> target;
  std::string status;  ///< "met", "missed", or empty without a target
  std::string state;   ///< e.g. "attained", "not available: needs quota.amount"
  std::int64_t n = 0;
  std::string definition;             ///< in words, as computed
  std::vector<std::string> ids = {};  ///< keys of the rows that `n` counts, under `keep_rows`
};

struct Scorecard {
  std::string period;
  std::string prior_period;  ///< empty without a comparison
  Instant as_of;
  std::optional<Instant> prior_as_of;  ///< when the prior values were known
  double level = 95;
  std::vector<ScorecardRow> rows;  ///< empty when grouped
  std::vector<std::string> by;
  std::string currency;  ///< of the amounts in `groups`; "several currencies": those have no sums
  Table groups;          ///< one row a group: see `ScorecardState::finish`
  std::vector<std::vector<std::string>> group_ids;  ///< of the deals of each group, under `keep_rows`

  /// One row a KPI, the columns of `ScorecardRow`; `groups` when grouped.
  [[nodiscard]] Table to_table() const;
  /// As people read it, no line wider than `text_width`: what has no room beside stands beneath its row.
  /// Of groups the first `max_groups`; * marks intervals of fewer than ten deals. KPIs that aren't available
  /// are listed with `lacking`.
  [[nodiscard]] std::string to_text(std::size_t max_groups = 20, bool lacking = true) const;
  static constexpr std::size_t text_width = 80;
};

/// Rows of one period (default: the quarter that holds as_of). A KPI whose columns are missing is listed
/// as not available.
///
/// Like is compared with like: a prior value is that of the prior period at the same elapsed point, from the
/// book as it was known then; of a period that is over, as long after the prior one's end. Day 45 of a
/// quarter stands beside day 45 of the quarter before, not beside its result. A range of days is compared
/// with the range of its length before it, or the same days a year before; one that is a whole month,
/// quarter, half or year is that period.
///
/// Targets are those of table `target` (metric = the KPI's name, scope `company` or empty, valid on the
/// period's first day; of several the one that began last).
///
/// With `by` the answer is that of `ScorecardState`: the closed deals of each group, without a comparison or
/// targets, of any periods (default: the whole book).
/// Uses `where`, `by`, `period`, `as_of`, `reopened`, `level`, `calendar`, `zone`, `seed`, `keep_rows` and
/// `allow_negative` of `options`; ungrouped also what any of its KPIs heeds in its own mode. Others are a
/// `UsageError`, as is an ungrouped card of several periods. Where amounts are in several currencies, KPIs of
/// money have no value, and `state` says so; those of counts have theirs.
Scorecard scorecard(const Crm& crm, const Options& options = {}, Compare compare = Compare::prior);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
