#include "holders.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

std::string text_at(const Column* column, std::size_t row) {
  return column == nullptr || column->is_null(row) ? std::string() : std::string(column->text(row));
}

std::optional<std::int32_t> date_at(const Column* column, std::size_t row) {
  if (column == nullptr || column->is_null(row)) return std::nullopt;
  return column->values<std::int32_t>()[row];
}

std::map<std::string, std::string> team_parents(const Crm& crm) {
  std::map<std::string, std::string> parents;
  if (!crm.has("team", "parent_id")) return parents;
  const Table& table = crm.table("team");
  for (std::size_t row = 0; row < table.num_rows(); ++row)
    if (const std::string parent = text_at(table.find("parent_id"), row); !parent.empty())
      parents[text_at(table.find("team_id"), row)] = parent;
  return parents;
}

bool in_circle(const std::map<std::string, std::string>& parents, const std::string& team) {
  std::set<std::string> seen;
  for (auto at = parents.find(team); at != parents.end(); at = parents.find(at->second))
    if (!seen.insert(at->first).second) return true;
  return false;
}

namespace {

/// Spans of a member in time order, cut where the next begins, so that there is one parent at a time.
void close_gaps(std::vector<Membership>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const Membership& a, const Membership& b) {
    return a.member != b.member ? a.member < b.member : a.from < b.from;
  });
  for (std::size_t i = 0; i + 1 < rows.size(); ++i)
    if (rows[i].member == rows[i + 1].member) rows[i].to = std::min(rows[i].to, rows[i + 1].from);
  std::erase_if(rows, [](const Membership& row) { return row.to <= row.from; });
}

std::vector<Membership> rep_teams(const Crm& crm) {
  std::vector<Membership> rows;
  if (crm.has("rep_assignment", "team_id")) {
    const Table& table = crm.table("rep_assignment");
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      tick(row);
      const std::string team = text_at(table.find("team_id"), row);
      if (team.empty()) continue;
      rows.push_back({rep(text_at(table.find("rep_id"), row)),
                      {"team", team},
                      Date{date_at(table.find("valid_from"), row).value_or(first_date.days)},
                      Date{date_at(table.find("valid_to"), row).value_or(last_date.days)}});
    }
    close_gaps(rows);
    return rows;
  }
  if (!crm.has("rep", "team_id")) return rows;
  const Table& table = crm.table("rep");
  for (std::size_t row = 0; row < table.num_rows(); ++row)
    if (const std::string team = text_at(table.find("team_id"), row); !team.empty())
      rows.push_back({rep(text_at(table.find("rep_id"), row)), {"team", team}, first_date, last_date});
  return rows;
}

/// Days of [from, to) that no row of the member covers go straight to the company.
void fill_gaps(std::vector<Membership>& rows, const Holder& member) {
  std::vector<Membership> own;
  for (const Membership& row : rows)
    if (row.member == member) own.push_back(row);
  Date at = first_date;
  for (const Membership& row : own) {
    if (at < row.from) rows.push_back({member, company, at, row.from});
    at = std::max(at, row.to);
  }
  if (at < last_date) rows.push_back({member, company, at, last_date});
}

/// What quotas are in a period.
struct InPeriod {
  Date first, last;

  void add(const pipeline::Quota& quota, Quota& to) const {
    const std::int64_t part = quota.of_days(first, last);
    to.amount = pipeline::sum_of_quotas(to.amount.value_or(0), part);
    to.prorated |=
        quota.start < first || quota.end > last || quota.from > quota.start || quota.to < quota.end;
  }
  [[nodiscard]] bool meets(const pipeline::Quota& quota) const {
    return quota.from < last && first < quota.to;
  }
  /// Whether quotas leave days of the period without any.
  [[nodiscard]] bool gaps(std::vector<const pipeline::Quota*> quotas) const {
    std::sort(quotas.begin(), quotas.end(), [](const auto* a, const auto* b) { return a->from < b->from; });
    Date covered = first;
    for (const pipeline::Quota* quota : quotas)
      if (quota->from <= covered) covered = std::max(covered, quota->to);
    return covered < last;
  }
};

}  // namespace

Holder rep(const std::string& id) { return {"rep", id}; }

std::vector<Membership> memberships(const Crm& crm, const std::vector<Holder>& leaves) {
  const std::vector<Membership> all = rep_teams(crm);
  const std::set<Holder> wanted(leaves.begin(), leaves.end());
  std::vector<Membership> rows;
  std::set<std::string> teams;
  for (const Membership& row : all) {
    if (!wanted.contains(row.member)) continue;
    rows.push_back(row);
    teams.insert(row.parent.id);
  }
  for (const Holder& leaf : leaves) fill_gaps(rows, leaf);
  const auto parents = team_parents(crm);
  std::vector<std::string> front(teams.begin(), teams.end());
  for (std::size_t i = 0; i < front.size(); ++i) {
    const auto parent = parents.find(front[i]);
    const bool known = parent != parents.end() && !in_circle(parents, front[i]);
    rows.push_back(
        {{"team", front[i]}, known ? Holder{"team", parent->second} : company, first_date, last_date});
    if (known && teams.insert(parent->second).second) front.push_back(parent->second);
  }
  return rows;
}

std::vector<bool> active_owners(const Crm& crm, const std::vector<std::string>& owners, Instant as_of) {
  std::vector<bool> active(owners.size(), true);
  if (!crm.has("rep", "leave_date")) return active;
  const Column& leave = crm.column("rep", "leave_date");
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const std::int64_t row = owners[i].empty() ? -1 : crm.row_of("rep", owners[i]);
    if (row < 0) continue;
    const auto left = date_at(&leave, static_cast<std::size_t>(row));
    active[i] = !left || *left > as_of.utc_date().days;
  }
  return active;
}

std::vector<Quota> quotas(const Crm& crm, const std::vector<pipeline::Quota>& all, const Scenario& scenario,
                          const Interval& period) {
  const InPeriod in{day_begun(period.start), day_begun(period.end)};
  std::map<Holder, std::vector<const pipeline::Quota*>> rows;
  for (const pipeline::Quota& quota : all)
    if (in.meets(quota)) rows[quota.holder].push_back(&quota);
  std::map<Holder, Quota> own, below;
  for (const auto& [holder, quotas] : rows) {
    Quota sum;
    for (const pipeline::Quota* quota : quotas) in.add(*quota, sum);
    sum.gaps = in.gaps(quotas);
    sum.prorated |= sum.gaps;
    if (*sum.amount > 0) own[holder] = sum;
  }
  std::set<Holder> members;
  std::vector<Holder> reps;
  for (const pipeline::Quota& quota : pipeline::quotas_of_members(crm, all, in.first, in.last))
    if (members.insert(quota.holder).second && quota.holder.type == "rep") reps.push_back(quota.holder);
  std::map<Holder, Holder> parent;
  for (const Membership& row : memberships(crm, reps))
    if (row.from <= in.first && in.first < row.to) parent[row.member] = row.parent;
  if (reps.empty())
    for (const auto& [team, above] : team_parents(crm)) parent[{"team", team}] = {"team", above};
  const auto add = [&](const Holder& to, const Quota& quota) {
    Quota& sum = below[to];
    sum.amount = pipeline::sum_of_quotas(sum.amount.value_or(0), *quota.amount);
    sum.prorated |= quota.prorated;
    sum.gaps |= quota.gaps;
    sum.summed = true;
  };
  for (const Holder& member : members) {
    const Quota& quota = own.at(member);
    std::set<Holder> seen{company};
    for (auto up = parent.find(member); up != parent.end() && seen.insert(up->second).second;
         up = parent.find(up->second))
      add(up->second, quota);
    add(company, quota);
  }
  std::vector<Quota> result;
  for (const Holder& holder : scenario.holders()) {
    const auto found = own.find(holder);
    result.push_back(found == own.end() ? below[holder] : found->second);
  }
  return result;
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
