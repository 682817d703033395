/// @file kpi/metric.hpp
/// What a KPI is asked, and what it answers.
///
/// Every number comes with its numerator, denominator, count, censored and excluded rows by reason,
/// interval, attribution, period and `as_of`. An empty denominator gives no value: never 0, never NaN.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "salesops/calendar.hpp"
#include "salesops/crm.hpp"
#include "salesops/subscription/terms.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Which rows belong to a period.
enum class Mode : std::uint8_t {
  standard,          ///< the KPI's own default, named in its definition
  closed_in_period,  ///< deals that closed in the period
  created_cohort,    ///< all rows created in the period, with what became of them by as_of
  window_cohort,     ///< rows created in the period and at least `window_days` old, success within the window
  entered_in_period,  ///< deals that entered a stage in the period
  snapshot,           ///< the state at one instant
  survival,           ///< Kaplan–Meier or Aalen–Johansen: open rows are censored, not left out
};
std::string_view mode_name(Mode mode) noexcept;
/// Throws `UsageError` that lists the modes.
Mode parse_mode(std::string_view name);

enum class Weight : std::uint8_t { count, value };

/// What a deal that was closed, reopened and closed again counts as, where deals are placed by their close:
/// in `win_rate` (closed_in_period), `average_deal`, `sales_cycle`, `velocity`, `linearity`, `concentration`.
enum class Reopened : std::uint8_t {
  last_close,   ///< once, as it ended last
  first_close,  ///< once, as it ended first; needs the history of stages
  each_close,   ///< each time it closed; needs the history of stages
};
/// `"last_close"`, …; throws `UsageError` for another.
Reopened parse_reopened(std::string_view name);

/// When the clock of a lead's response starts.
enum class Clock : std::uint8_t {
  available,   ///< when it was routed, else created
  created,     ///< when it was created
  reassigned,  ///< as `available`, and anew when it changed hands (`reassigned_at`) before it was answered
};

/// Where a deal begins, in `sales_cycle`, `velocity` and `pipeline_created`. `win_rate` and `average_deal`
/// are then of the deals that have begun; the others are left out (`no_lead`, `stage_not_reached`).
enum class Start : std::uint8_t {
  created,  ///< its own creation
  lead,     ///< the creation of the first lead that led to it
  stage,    ///< its first entry of a stage of rank `from_rank` or higher that isn't lost, so the win where it
            ///< skips those between; some open stage must have such a rank; needs the history of stages
};

/// Which stays of a deal in a stage count, in `stage_conversion` and `time_in_stage`.
enum class Visits : std::uint8_t {
  standard,    ///< the KPI's own default
  first,       ///< the first stay of a deal in a stage
  each,        ///< every stay
  deal,        ///< a deal once a stage, whatever the order: it passed if it was ever higher, before or after
  latest,      ///< the last stay
  cumulative,  ///< all stays of a deal in a stage, added up
  current,     ///< the stays that still last, by their length so far
};

/// By what lost customers are divided.
enum class ChurnBase : std::uint8_t {
  start,          ///< the customers at the start of the period
  daily_average,  ///< the mean over the days of the period; those won and lost inside it count as lost
};
/// `"start"`, `"daily_average"`; throws `UsageError` for another.
ChurnBase parse_churn_base(std::string_view name);

struct Options {
  /// Which rows: an expression such as `type = 'new' and account.segment in ('smb', 'mid')` (where.hpp).
  std::string where;
  /// Columns to group by: `"owner"`, `"owner.team"`, `"account.segment"`, `"type"`, any custom column,
  /// `"open_stage"` (the last open stage a deal was in), or a length of time (`"month"`, `"quarter"`, …) of
  /// the fact's own instant. Joined names are those valid at that instant.
  std::vector<std::string> by;
  /// `"FY26-Q3"`, `"2026-07"`, `"2026-01-01/2026-07-01"`, `"last 4 quarters"`; empty: the whole book.
  /// Several periods add the column `period` to the result.
  std::string period;
  Mode mode = Mode::standard;
  Weight weight = Weight::count;
  Reopened reopened = Reopened::last_close;
  double level = 95;                   ///< of the interval, percent
  std::optional<Instant> as_of;        ///< default: `crm.latest()`
  int window_days = 90;                ///< of `window_cohort`
  int idle_days = 30;                  ///< of `idle_share`
  FiscalCalendar calendar;             ///< what quarters and years are
  TimeZone zone;                       ///< in which an instant has its day; default UTC
  bool keep_rows = false;              ///< list the rows behind each number
  bool allow_negative = false;         ///< let negative amounts into sums by value
  std::uint64_t seed = 1;              ///< of bootstrap intervals
  std::optional<BusinessHours> hours;  ///< of response times; all time when absent
  double target_minutes = 60;          ///< within which a lead should be answered
  std::optional<double> gross_margin;  ///< share of revenue, where the book has no margins
  // Rules for the edges, each of the KPIs that name it.
  Clock clock = Clock::available;         ///< of response times
  std::string hours_of;                   ///< of response times: in whose zone `hours` are, see leads.hpp
  std::map<std::string, TimeZone> zones;  ///< by name, for `hours_of`; the system's where absent
  Start start = Start::created;
  std::optional<int> from_rank;  ///< of `Start::stage`, and refused without it
  Visits visits = Visits::standard;
  Every every = Every::month;            ///< of `pushes`: into a later one
  bool in_order = false;                 ///< of `funnel`: no step without those before it
  std::vector<std::string> no_decision;  ///< loss reasons that `win_rate` and `velocity` take for no outcome
  /// How long before its customers money was spent: `"30 days"`, `"sales_cycle"`; empty: at once.
  std::string lag;
  ChurnBase churn_base = ChurnBase::start;
  subscription::ChurnAt churn_at = subscription::ChurnAt::end;  ///< when cancelled subscriptions are over
  Execution execution;
};

/// Throws `UsageError` that names the option which no KPI could use: a level of 0, a negative window, a
/// target that is no number, a rank without a start at a stage.
void check(const Options& options);
/// Throws `UsageError` that names an option which differs from its default and stands neither in `heeded`
/// (names with a space between) nor among those that all KPIs have.
void check_heeded(const Options& options, std::string_view asked, std::string_view heeded);
/// The options with those that `check_heeded` would refuse at their defaults, the mode and the weight as they
/// are: what a KPI made of others asks them.
Options heeded_of(const Options& options, std::string_view heeded);
/// Whether a list of words with a space between has a word.
[[nodiscard]] bool holds_word(std::string_view list, std::string_view word);
/// The days of a `lag` of days; nothing where it is empty or `"sales_cycle"`.
std::optional<int> days_of_lag(std::string_view lag);

/// One number with all it rests on.
struct Metric {
  std::vector<std::string> keys;  ///< values of `Result::by`, in order; "" stands for null
  std::vector<std::uint8_t> key_null;
  std::optional<double> value;
  double numerator = 0;
  double denominator = 0;
  std::int64_t n = 0;                            ///< rows counted
  std::int64_t censored = 0;                     ///< rows whose outcome isn't known yet
  std::map<std::string, std::int64_t> excluded;  ///< rows left out, by reason
  std::optional<double> low, high;
  std::string interval_note;              ///< how the interval was made, or why there is none
  std::string state;                      ///< e.g. "attained"; empty in the plain case
  std::map<std::string, double> details;  ///< further numbers of this KPI, by name
  /// The rows that `n` counts, under `keep_rows`: numbers in `Result::table` of the book as of
  /// `Result::as_of`, which `ids_of` names by their keys. Where a number divides rows
  /// of one table by another's (`attainment`, `pipeline_coverage`: deals by quotas) these are the
  /// numerator's.
  std::vector<std::int64_t> rows;
};

struct Result {
  std::string name;        ///< `"win_rate"`
  std::string definition;  ///< in words, as computed
  std::string unit;        ///< `"share"`, `"days"`, `"EUR"`, `"EUR / day"`, `"count"`, …
  std::string table;       ///< the table that `Metric::rows` number
  std::vector<std::string> by;
  std::string period;  ///< as printed: "2026-07-01 to 2026-10-01", "all"
  Mode mode = Mode::standard;
  Weight weight = Weight::count;
  double level = 95;
  Instant as_of;
  std::vector<Metric> metrics;  ///< one, or one a group in order of the keys
  std::vector<std::string> warnings;
  bool hindsight = false;  ///< of the past, and open deals are told by columns that know what became of them

  /// The only metric of an ungrouped result; throws `UsageError` for a grouped one.
  [[nodiscard]] const Metric& single() const;
  /// One row a group: the keys, value, numerator, denominator, n, censored, excluded,
  /// `<name>_lo_<level>`, `<name>_hi_<level>`, state, and a column a detail.
  [[nodiscard]] Table to_table() const;
};

/// The keys of the rows behind each metric, in the order of `Result::metrics`. `crm` is the book that was
/// asked: what was asked for an earlier `as_of` is looked up in the book of that day.
std::vector<std::vector<std::string>> ids_of(const Crm& crm, const Result& result);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
