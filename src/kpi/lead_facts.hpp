/// Pieces that the KPIs of leads share.
#pragma once

#include <vector>

#include "deal_facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Leads with the times of what became of them, null where the book doesn't say. A lead that others were
/// merged into has what they had: the earliest of their times, and a conversion of any of them.
struct Leads {
  std::vector<std::int64_t> created, available, reassigned, converted, disqualified, mql, qualified;
  std::vector<std::uint8_t> merged;
  /// By its time, or by what it became (`converted_opportunity_id` and its like) where that is null.
  std::vector<std::uint8_t> is_converted;
  std::vector<std::int32_t> deal;  ///< what it became, -1 = none; empty where the book doesn't name deals

  explicit Leads(const Crm& crm);
  [[nodiscard]] std::size_t size() const { return created.size(); }
  /// Nothing more can come of it by its own record.
  [[nodiscard]] bool ended(std::size_t lead) const {
    return is_converted[lead] != 0 || disqualified[lead] != null_value;
  }

 private:
  void take_over(std::size_t survivor, std::size_t gone);
};

/// Facts about leads, placed at their creation; merged ones and those without a time are left out.
struct LeadFacts : Facts {
  explicit LeadFacts(const Leads& leads)
      : merged(reason("merged")),
        no_time(reason("no_creation_time")),
        time_unknown(reason("time_unknown")),
        leads_(leads) {
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

  std::uint8_t merged, no_time, time_unknown;

 private:
  const Leads& leads_;
};

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
