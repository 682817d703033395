/// Pieces that the KPIs of leads share.
#pragma once

#include <vector>

#include "deal_facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Times of leads, null where the book doesn't say.
struct Leads {
  std::vector<std::int64_t> created, available, reassigned, converted, disqualified, mql, qualified;
  std::vector<std::uint8_t> merged;

  explicit Leads(const Crm& crm) {
    const Table& table = crm.table("lead");
    const auto times = [&](std::string_view name) {
      std::vector<std::int64_t> result(table.num_rows(), null_value);
      if (const Column* column = table.find(name)) {
        const auto values = column->values<std::int64_t>();
        for (std::size_t row = 0; row < result.size(); ++row)
          if (column->valid(row)) result[row] = values[row];
      }
      return result;
    };
    created = times("created_at");
    available = times("available_at");
    reassigned = times("reassigned_at");
    converted = times("converted_at");
    disqualified = times("disqualified_at");
    mql = times("mql_at");
    qualified = times("qualified_at");
    merged.assign(table.num_rows(), 0);
    const Column* column = table.find("merged_into");
    if (column == nullptr) return;
    // Leads that were merged into each other all stay: none of them is the one that remained.
    const auto into = crm.link("lead", "merged_into");
    for (std::size_t row = 0; row < merged.size(); ++row)
      merged[row] = column->valid(row) && (into[row] < 0 || into[static_cast<std::size_t>(into[row])] < 0);
  }
  [[nodiscard]] std::size_t size() const { return created.size(); }
};

/// Facts about leads, placed at their creation; merged ones and those without a time are left out.
struct LeadFacts : Facts {
  explicit LeadFacts(const Leads& leads)
      : merged(reason("merged")), no_time(reason("no_creation_time")), leads_(leads) {
    table = "lead";
    reserve(leads.size());
  }
  [[nodiscard]] bool excludes(std::size_t lead) const {
    return leads_.merged[lead] != 0 || leads_.created[lead] == null_value;
  }
  void put(std::size_t lead, std::int64_t top, std::int64_t bottom, std::uint8_t how = counted) {
    const bool excluded = excludes(lead);
    if (excluded) how = leads_.merged[lead] != 0 ? merged : no_time;
    add(lead, leads_.created[lead], excluded ? 0 : top, excluded ? 0 : bottom, how);
  }

  std::uint8_t merged, no_time;

 private:
  const Leads& leads_;
};

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
