/// @file kpi/facts.hpp
/// Every KPI is a list of facts; one engine filters, groups, adds up and puts intervals on them.
///
/// A fact is a row of a table with an instant that places it in a period, a numerator, a denominator
/// and a state (counted, censored, or left out for a reason). New KPIs are made by filling `Facts`.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "salesops/kpi/metric.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// How the facts of a group become one number.
enum class Shape : std::uint8_t {
  share,      ///< Σ numerator ÷ Σ denominator of 0/1 facts: Wilson interval
  ratio,      ///< Σ numerator ÷ Σ denominator: bootstrap interval over clusters; where all resamples agree
              ///< none, or Wilson's over the clusters if all or nothing of a `bounded` ratio is counted
  mean,       ///< Σ numerator ÷ n: t interval (none where all rows agree); details median, p90
  median,     ///< of the numerators: order-statistic interval; details mean, p90
  total,      ///< Σ numerator: no interval
  incidence,  ///< Aalen–Johansen share with outcome 1 by `horizon`: numerators are durations, denominators
              ///< outcomes (0 censored, 1 the one asked for, 2 competing); details median, p90
};

/// Fact i is counted when `state[i]` is 0, censored when 1, else left out for `reasons[state[i] - 2]`.
struct Facts {
  static constexpr std::uint8_t counted = 0;
  static constexpr std::uint8_t censored = 1;

  /// The fact of a row, for `assign` and `stream`.
  struct Fact {
    std::int64_t at = 0, numerator = 0, denominator = 0;
    std::uint8_t state = counted;
  };

  std::string table;  ///< whose rows the facts are of
  std::vector<std::int32_t> row;
  /// Places the fact in a period; `null_value` = in none, though one that is left out because nobody knows
  /// its time (`time_unknown`, `entry_unknown`, `no_creation_time`) counts as left out of every period.
  std::vector<std::int64_t> at;
  std::vector<std::int64_t> numerator;    ///< 0/1, minor units, or microseconds: see `scale`
  std::vector<std::int64_t> denominator;  ///< empty: 1 for each counted fact
  std::vector<std::uint8_t> state;
  std::vector<std::string> reasons;
  /// Of the bootstrap: a row of `cluster_table`, -1 = the fact's own row; empty: each fact's own row.
  std::vector<std::int32_t> cluster;
  std::string cluster_table = "account";
  Shape shape = Shape::share;
  bool bounded = false;  ///< of `ratio`: numerators are parts of their denominators
  double scale = 1;      ///< printed numerator = numerator · scale
  double denominator_scale = 1;
  double horizon = 0;  ///< of `incidence`, in printed units
  std::string unit = "share";
  /// Names in `where` and `by` are those of the book's own day instead of each fact's instant.
  bool present_names = false;
  /// Has the last word on each group's metric, given its counted and its censored facts.
  std::function<void(Metric&, std::span<const std::int32_t>, std::span<const std::int32_t>)> finish;

  /// Of `stream`.
  std::span<const std::int64_t> streamed_at;
  std::function<void(std::size_t first, std::span<Fact> made)> streamed;

  void reserve(std::size_t facts);
  /// One fact a row of the table, made in parallel: `fact(row)` has to be free of side effects.
  template <class Make>
  void assign(std::size_t rows, const Execution& execution, Make fact) {
    constexpr std::size_t block = std::size_t{1} << 16;
    row.resize(rows);
    at.resize(rows);
    numerator.resize(rows);
    denominator.resize(rows);
    state.resize(rows);
    for_rows(rows, block, execution, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        const Fact made = fact(i);
        row[i] = static_cast<std::int32_t>(i);
        at[i] = made.at;
        numerator[i] = made.numerator;
        denominator[i] = made.denominator;
        state[i] = made.state;
      }
    });
  }
  /// Facts made when they are added up, a few at a time, instead of being written down: one a row of the
  /// table, at the instants of a column that outlives them. For shares and totals of many rows, with at most
  /// eight reasons and without `where`, `keep_rows` or `finish`; `fact(row)` has to be free of side effects.
  template <class Make>
  void stream(std::span<const std::int64_t> instants, Make fact) {
    streamed_at = instants;
    streamed = [fact = std::move(fact)](std::size_t first, std::span<Fact> made) {
      for (std::size_t i = 0; i < made.size(); ++i) made[i] = fact(first + i);
    };
  }
  void add(std::size_t table_row, std::int64_t instant, std::int64_t top, std::int64_t bottom,
           std::uint8_t how = counted);
  /// The state number of a reason.
  std::uint8_t reason(std::string_view name);
  [[nodiscard]] std::size_t size() const noexcept { return row.size(); }
};

/// Periods asked for, as instants; one unbounded interval when `Options::period` is empty.
struct Scope {
  struct Part {
    std::string label;
    Interval interval;
  };
  std::vector<Part> parts;
  bool all = false;
  Instant as_of;
  [[nodiscard]] std::string to_string() const;
};
Scope scope_of(const Crm& crm, const Options& options);

/// The book as of `options.as_of`, or the book itself.
Crm rewound(const Crm& crm, const Options& options);

/// Civil day of an instant in the options' zone, as days since 1970-01-01.
std::int32_t day_of(std::int64_t us, const Options& options);

/// Rows below which an interval says how little it rests on.
inline constexpr std::int64_t few_rows = 10;
inline constexpr std::string_view few_rows_note = "fewer than 10 rows";

/// Says so beside an interval that rests on fewer than ten rows; `summarise` does it for what it answers.
void flag_small_sample(Metric& metric, std::int64_t rows);

/// Filters by `where`, places in periods, groups by `by`, adds up.
Result summarise(const Crm& crm, const Facts& facts, const Options& options, std::string name,
                 std::string definition, Mode mode);

/// The values a name stands for, one for each fact: a column and each fact's row in it (-1 = null).
/// Resolves `owner`, `owner.team`, `account.segment`, custom columns and joined ones, as of `at`; assignments
/// of reps are those of its day in `zone`. Ids of merged rows are those of the rows that remained, and
/// `closed_at` of deals is the close that KPIs count.
struct Lookup {
  Column column;
  std::vector<std::int32_t> rows;
  /// Of money in a book of several currencies: the digits of each fact's minor unit.
  std::vector<std::uint8_t> digits = {};
};
Lookup resolve(const Crm& crm, std::string_view table, std::string_view name,
               std::span<const std::int32_t> rows, std::span<const std::int64_t> at, const TimeZone& zone);

/// One byte a fact: 1 where the expression holds; its days are those of `zone`. See kpi/where.hpp.
std::vector<std::uint8_t> matches(const Crm& crm, std::string_view table, std::string_view where,
                                  std::span<const std::int32_t> rows, std::span<const std::int64_t> at,
                                  const TimeZone& zone);

/// Groups of facts by any columns: a dense group number a fact (-1 = the fact is in no group).
struct Groups {
  std::vector<std::int32_t> of;
  std::vector<std::vector<std::string>> keys;  ///< by group
  std::vector<std::vector<std::uint8_t>> key_null;
  [[nodiscard]] std::size_t size() const noexcept { return keys.size(); }
};
/// In order of the keys (numbers by value, periods by time, text by bytes, nulls last).
Groups group_by(const Crm& crm, std::string_view table, std::span<const std::string> by,
                std::span<const std::int32_t> rows, std::span<const std::int64_t> at, const Options& options,
                bool present_names = false);

/// The currency of all amounts in the rows; throws `UnitError` when they have several. Its text names `where`
/// as a way out where `where` could choose among the rows.
std::string one_currency(const Crm& crm, std::string_view table, std::span<const std::int32_t> rows,
                         bool chosen_by_where = true);
/// 10^-exponent: minor units to major ones.
double major_units(std::string_view currency);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
