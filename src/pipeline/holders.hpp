// Who belongs to whom, and what they are to reach.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "salesops/crm.hpp"
#include "salesops/pipeline/quotas.hpp"
#include "salesops/scenario.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

/// The civil day that begins at `t`: by UTC, or by the clocks of the zone in which `t` is a midnight.
inline Date day_begun(Instant t) { return Instant{t.us + us_per_day / 2}.utc_date(); }

inline const Holder company{"company", ""};
/// Deals that nobody owns.
inline const Holder nobody{"rep", ""};

Holder rep(const std::string& id);

/// Rep → team by date (rep_assignment, else rep.team_id), team → parent team, all → company.
std::vector<Membership> memberships(const Crm& crm, const std::vector<Holder>& leaves);

/// Owners still employed at `as_of`, by leaf.
std::vector<bool> active_owners(const Crm& crm, const std::vector<std::string>& owners, Instant as_of);

struct Quota {
  std::optional<std::int64_t> amount;
  bool summed = false;    ///< of members, for want of its own
  bool prorated = false;  ///< a quota covers more or less than the period
  bool gaps = false;      ///< days of the period have none
};

/// Of the scenario's holders for the period, in their order: their own, else those of the reps below (of the
/// teams below, where no rep has one).
std::vector<Quota> quotas(const Crm& crm, const std::vector<pipeline::Quota>& all, const Scenario& scenario,
                          const Interval& period);

// ---- reading ----

std::string text_at(const Column* column, std::size_t row);
std::optional<std::int32_t> date_at(const Column* column, std::size_t row);
std::map<std::string, std::string> team_parents(const Crm& crm);
/// Whether a team is above itself.
bool in_circle(const std::map<std::string, std::string>& parents, const std::string& team);

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
