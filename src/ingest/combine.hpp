// Several source tables that feed one table of the model.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "salesops/ingest.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

class Parts {
 public:
  void add(const ingest::TableMapping& mapping, const std::string& source, Table part) {
    const std::string& table = mapping.table;
    if (!parts_.contains(table)) order_.push_back(table);
    (mapping.join ? parts_[table].joins : parts_[table].rows)
        .push_back({source, std::move(part), mapping.distinct});
  }
  [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
  /// Rows of one table after the other, then what joins them by key. Of versioned rows, the columns
  /// that a source doesn't have keep what the deal's latest row before says.
  [[nodiscard]] NamedTables combine(Issues& issues) const;

 private:
  struct Part {
    std::string source;
    Table table;
    bool distinct;  ///< without the keys of the parts before
  };
  struct Group {
    std::vector<Part> rows, joins;
  };
  static Table stacked(const std::string& name, const std::vector<Part>& parts);

  std::map<std::string, Group> parts_;
  std::vector<std::string> order_;
};

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
