/// Columns of results and their names.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

using NamedColumns = std::vector<std::pair<std::string, Column>>;

/// A number in the fewest digits that say it, as levels stand in the names of columns: "95", "99.9".
std::string shortest_text(double number);
/// Adds a column; "_2" follows a name that is taken.
void add_column(NamedColumns& columns, std::string name, Column column);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
