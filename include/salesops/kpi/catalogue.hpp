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

struct Definition {
  std::string_view name;     ///< of the function, in C++ and in Python
  std::string_view title;    ///< "Win rate"
  std::string_view formula;  ///< in words
  std::string_view unit;     ///< "share", "days", "money", …
  Mode mode;                 ///< the default one
  std::string_view needs;    ///< columns without which it can't answer, "table.column", one space between
  std::string_view source;   ///< who defines it so
  Result (*compute)(const Crm&, const Options&);
};

std::span<const Definition> definitions() noexcept;
/// Throws `UsageError` that names near ones.
const Definition& definition(std::string_view name);
/// Columns name, title, formula, unit, default_mode, needs, source.
Table catalogue();
/// The columns a KPI needs that the book lacks.
std::vector<std::string> missing(const Crm& crm, const Definition& definition);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
