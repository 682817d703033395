/// Values and periods as small numbers, which groups are made of.
#pragma once

#include <optional>
#include <utility>

#include "salesops/kpi/facts.hpp"
#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// The length of time a word of `by` names.
std::optional<Every> every_of(std::string_view name);

/// Values numbered 0 … keys-1 in order; -1 = null.
struct Ranked {
  std::vector<std::int32_t> rank;
  std::vector<std::int64_t> keys;  ///< by rank: dictionary codes of text, else what orders them
};
struct Dimension : Ranked {
  std::vector<std::string> labels;
};

/// Amounts are labelled in major units of the currency, of several currencies each in its own.
Dimension column_dimension(const Lookup& lookup, Currency currency, const Execution& execution);

Dimension period_dimension(Every every, std::span<const std::int64_t> at, const Options& options);

/// A column of ids, with those of merged rows as those of the rows that remained; itself where none was
/// merged.
Column of_survivors(const Crm& crm, const Column& ids, const ColumnModel* model);

/// The field whose history rebuilds a column.
std::optional<Field> tracked_field(const Crm& crm, std::string_view table, std::string_view column);

/// The least and the greatest instant that isn't null; first > last when there is none.
std::pair<std::int64_t, std::int64_t> range_of(std::span<const std::int64_t> at, const Execution& execution);

/// The period (`FiscalCalendar::index_of`) of instants from `first` to `last` in the options' zone: a
/// look-up by UTC day instead of a calendar's work for each row.
class PeriodTable {
 public:
  PeriodTable(Every every, std::int64_t first, std::int64_t last, const Options& options);

  [[nodiscard]] std::int32_t operator()(std::int64_t us) const {
    const auto day = static_cast<std::uint64_t>(us - base_) / static_cast<std::uint64_t>(us_per_day);
    if (day >= days_.size() || days_[day].split == ask) return exactly(us);
    const Day& entry = days_[day];
    return us < entry.split ? entry.before : entry.after;
  }

 private:
  static constexpr std::int64_t ask = null_value;
  struct Day {
    std::int64_t split = 0;  ///< when the next local day begins
    std::int32_t before = 0, after = 0;
  };
  [[nodiscard]] std::int32_t exactly(std::int64_t us) const;

  Every every_;
  const Options& options_;
  std::int64_t base_ = 0;
  std::vector<Day> days_;
};

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
