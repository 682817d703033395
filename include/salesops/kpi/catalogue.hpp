/// @file kpi/catalogue.hpp
/// All built-in KPIs as data.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/kpi/metric.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Lists are words with one space between.
struct Definition {
  std::string_view name;     ///< of the function, in C++ and in Python
  std::string_view title;    ///< "Win rate"
  std::string_view formula;  ///< `Result::definition` of an answer that is asked nothing more
  std::string_view unit;     ///< "share", "days", "count", …; "money" stands for the book's currency
  std::string_view modes;    ///< it answers in; the first is its own
  std::string_view weights;  ///< "count", or "count value"
  std::string_view options;  ///< it heeds beside those that every KPI has
  std::string_view needs;    ///< columns without which it can't answer, "table.column"
  std::string_view source;   ///< who defines it so
  Result (*compute)(const Crm&, const Options&);
  bool whole_period = false;  ///< the number is of a period as a whole: no length of time in `by` cuts it
};

std::span<const Definition> definitions() noexcept;
/// Throws `UsageError` that names near ones.
const Definition& definition(std::string_view name);
[[nodiscard]] bool is_built_in(std::string_view name) noexcept;
/// Columns name, title, formula, unit, default_mode, modes, weights, options, needs, source.
Table catalogue();
/// The columns a KPI needs that the book lacks.
std::vector<std::string> missing(const Crm& crm, const Definition& definition);
/// The options that a KPI has, others at their defaults: what a KPI made of others asks them.
Options heeded_by(std::string_view kpi, const Options& options);
/// The mode in which a built-in KPI answers. Throws `UsageError` where it can't: an option no KPI could
/// use, an option, mode or weight it doesn't have, one of its options that the mode has no use for, a length
/// of time in `by` that can't cut its period, a column that the book lacks.
Mode mode_for(const Crm& crm, const Options& options, std::string_view kpi);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
