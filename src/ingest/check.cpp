#include <algorithm>
#include <map>

#include "salesops/ingest.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest {

namespace {

/// A day with a tenth of all creations, and ten times those of the median day.
void check_spike(const Crm& crm, const std::string& table, Issues& issues) {
  constexpr std::int64_t least = 20;
  if (!crm.has(table, "created_at")) return;
  const Column& created = crm.column(table, "created_at");
  const auto at = created.values<std::int64_t>();
  std::map<std::int32_t, std::int64_t> per_day;
  std::int64_t n = 0;
  for (std::size_t row = 0; row < created.size(); ++row)
    if (created.valid(row)) {
      ++per_day[Instant{at[row]}.utc_date().days];
      ++n;
    }
  if (per_day.size() < 2) return;
  std::vector<std::int64_t> counts;
  for (const auto& [day, count] : per_day) counts.push_back(count);
  std::nth_element(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2),
                   counts.end());
  const std::int64_t median = counts[counts.size() / 2];
  for (const auto& [day, count] : per_day)
    if (count >= least && count * 10 >= n && count >= 10 * median)
      issues.add(table, -1, "created_at", "import_day_spike",
                 Date{day}.to_string() + ": " + std::to_string(count) + " of " + std::to_string(n));
}

/// What the changes of one deal tell.
void check_changes(const Crm& crm, std::size_t deal, const std::vector<std::uint8_t>& unknown_stage,
                   Issues& issues) {
  const Deals& deals = crm.deals();
  const History& history = crm.history();
  const auto row = static_cast<std::int64_t>(deal);
  const std::int64_t created = deals.created_at[deal], closed = deals.closed_at[deal];
  bool early = false, late = false, edited = false, moved = false, unknown = false, first_stage = true;
  for (const Change& change : history.changes(deal)) {
    early |= created != null_value && change.at < created;
    if (change.field == Field::stage) {
      late |= first_stage && created != null_value && change.at >= created + us_per_day &&
              history.initial(Field::stage)[deal] == null_value;
      first_stage = false;
      unknown |= change.value != null_value && !unknown_stage.empty() &&
                 unknown_stage[static_cast<std::size_t>(change.value)] != 0;
    }
    edited |= change.field == Field::amount && closed != null_value && change.at > closed;
    if (change.field == Field::pipeline) {
      const std::int64_t before = history.value_at(deal, Field::pipeline, change.at - 1);
      moved |= before != null_value && before != change.value;
    }
  }
  if (early) issues.add("opportunity", row, "created_at", "event_before_created");
  if (late) issues.add("opportunity", row, "stage_id", "history_starts_late");
  if (edited) issues.add("opportunity", row, "amount", "amount_edited_after_close");
  if (moved) issues.add("opportunity", row, "pipeline_id", "pipeline_changed", {}, Severity::info);
  if (unknown) issues.add("opportunity", row, "stage_id", "unknown_stage_in_history");
}

/// Codes of stages that stage_def doesn't have; empty without stage_def.
std::vector<std::uint8_t> undefined_stages(const Crm& crm) {
  if (!crm.has("stage_def") || !crm.has("opportunity", "stage_id")) return {};
  const Dictionary& stages = crm.column("opportunity", "stage_id").dictionary();
  const Column& defined = crm.column("stage_def", "stage_id");
  std::vector<std::uint8_t> undefined(stages.size(), 1);
  for (std::size_t row = 0; row < defined.size(); ++row) {
    const std::int32_t code = defined.valid(row) ? stages.find(defined.text(row)) : -1;
    if (code >= 0) undefined[static_cast<std::size_t>(code)] = 0;
  }
  return undefined;
}

bool has_left(const Crm& crm, std::size_t rep) {
  if (crm.has("rep", "is_active")) {
    const Column& active = crm.column("rep", "is_active");
    if (active.valid(rep) && active.values<std::uint8_t>()[rep] == 0) return true;
  }
  if (!crm.has("rep", "leave_date")) return false;
  const Column& left = crm.column("rep", "leave_date");
  return left.valid(rep) && left.values<std::int32_t>()[rep] <= crm.latest().utc_date().days;
}

}  // namespace

Issues check(const Crm& crm, const IssueOptions& options) {
  Issues issues(options);
  for (const char* table : {"opportunity", "lead", "account", "contact"}) check_spike(crm, table, issues);
  if (!crm.has("opportunity")) return issues;
  const Deals& deals = crm.deals();
  const std::vector<std::uint8_t> unknown_stage = undefined_stages(crm);
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    check_changes(crm, deal, unknown_stage, issues);
    const std::int32_t owner = deals.owner_row[deal];
    if (deals.status[deal] == DealStatus::open && owner >= 0 &&
        has_left(crm, static_cast<std::size_t>(owner)))
      issues.add("opportunity", static_cast<std::int64_t>(deal), "owner_id", "owner_inactive");
  }
  return issues;
}

}  // namespace ingest
}  // namespace v0
}  // namespace salesops
