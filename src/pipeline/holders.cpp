#include "holders.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

std::string text_at(const Column* column, std::size_t row) {
  return column == nullptr || column->is_null(row) ? std::string() : std::string(column->text(row));
}

std::optional<std::int32_t> date_at(const Column* column, std::size_t row) {
  if (column == nullptr || column->is_null(row)) return std::nullopt;
  return column->values<std::int32_t>()[row];
}

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

/// Share of a quota that falls into the period: days of overlap over days of the quota.
double overlap(Date from, Date to, const Interval& period) {
  const Date start = day_begun(period.start), end = day_begun(period.end);
  const int days = std::min(to, end) - std::max(from, start);
  return to - from <= 0 || days <= 0 ? 0 : static_cast<double>(days) / static_cast<double>(to - from);
}

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

std::vector<Quota> quotas(const Crm& crm, const Scenario& scenario, const Interval& period,
                          pipeline::Measure measure, const std::string& currency) {
  const auto& holders = scenario.holders();
  std::vector<Quota> result(holders.size());
  const bool wins = measure == pipeline::Measure::wins;
  if (!crm.has("quota", "holder_type") || !crm.has("quota", "period_start") ||
      !crm.has("quota", "period_end") || !crm.has("quota", wins ? "quantity" : "amount"))
    return result;
  const Table& table = crm.table("quota");
  struct Row {
    double share = 0;
    std::int64_t version = 0;
    double amount = 0;
  };
  // Of two quotas of one holder and span the later version stays.
  std::map<Holder, std::map<std::pair<std::int32_t, std::int32_t>, Row>> found;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    const std::string measured = text_at(table.find("measure"), row);
    if (measured != (wins ? "wins" : "bookings") && !(measured.empty() && !wins)) continue;
    const Column& amounts = table.column(wins ? "quantity" : "amount");
    const auto from = date_at(table.find("period_start"), row), to = date_at(table.find("period_end"), row);
    if (amounts.is_null(row) || !from || !to) continue;
    const std::string said = text_at(table.find("currency"), row);
    if (!wins && !said.empty() && said != currency) continue;
    Holder holder{text_at(table.find("holder_type"), row), text_at(table.find("holder_id"), row)};
    if (holder.type == "company") holder.id.clear();
    const double share = overlap(Date{*from}, Date{*to}, period);
    if (share == 0) continue;
    const Column* version = table.find("version");
    const std::int64_t number =
        version == nullptr || version->is_null(row) ? 0 : version->values<std::int64_t>()[row];
    const double amount =
        wins ? amounts.number(row) : static_cast<double>(amounts.values<std::int64_t>()[row]);
    Row& kept = found[holder][{*from, *to}];
    if (kept.share == 0 || number >= kept.version) kept = {share, number, amount};
  }
  const int period_days = day_begun(period.end) - day_begun(period.start);
  for (std::size_t i = 0; i < holders.size(); ++i) {
    const auto own = found.find(holders[i]);
    if (own == found.end()) continue;
    double sum = 0;
    int covered = 0;
    for (const auto& [span, row] : own->second) {
      sum += row.share * row.amount;
      result[i].prorated |= row.share < 1;
      covered += static_cast<int>(std::lround(row.share * (span.second - span.first)));
    }
    result[i].prorated |= covered != period_days;
    result[i].amount = std::llround(sum);
  }
  // Leaves come first and parents after their members, so one pass upwards is enough.
  const Date day = day_begun(period.start);
  for (std::size_t i = scenario.leaves().size(); i < holders.size(); ++i) {
    if (result[i].amount) continue;
    for (const Membership& row : scenario.memberships()) {
      if (row.parent != holders[i] || row.from > day || day >= row.to) continue;
      const auto member = std::find(holders.begin(), holders.end(), row.member);
      if (member == holders.end()) continue;
      const Quota& of_member = result[static_cast<std::size_t>(member - holders.begin())];
      if (!of_member.amount) continue;
      result[i].amount = result[i].amount.value_or(0) + *of_member.amount;
      result[i].summed = true;
      result[i].prorated |= of_member.prorated;
    }
  }
  return result;
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
