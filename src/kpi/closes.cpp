#include <algorithm>
#include <set>

#include "deal_facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

Reopened parse_reopened(std::string_view name) {
  if (name == "last_close") return Reopened::last_close;
  if (name == "first_close") return Reopened::first_close;
  if (name == "each_close") return Reopened::each_close;
  throw UsageError("reopened is 'last_close', 'first_close' or 'each_close', not '" + std::string(name) +
                   "'");
}

namespace {

/// Those of all deals, or of those alone that came back from a close.
std::vector<Close> closes_of(const Crm& crm, const Options& options, std::string_view kpi, bool came_back) {
  const Deals& deals = crm.deals();
  const History& history = crm.history();
  std::vector<Close> closes;
  if (!came_back) closes.reserve(deals.size());
  const bool all = options.reopened != Reopened::last_close;
  if (all && !history.tracks(Field::stage))
    throw UsageError(std::string(kpi) +
                     ": reopened needs the history of stages (table 'opportunity_event', field 'stage', "
                     "'opportunity_snapshot' or 'opportunity_version'); without one use 'last_close'");
  StageStatuses status(crm);
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    if (came_back && deals.reopened[deal] == 0) continue;
    const Close last{deal, deals.closed_at[deal], deals.status[deal], deals.amount[deal]};
    // A deal that never came back has one end at the most.
    if (!all || deals.reopened[deal] == 0) {
      if (last.status != DealStatus::open) closes.push_back(last);
      continue;
    }
    DealStatus before = status(deal, history.initial(Field::stage)[deal]);
    const std::size_t found = closes.size();
    for (const Change& change : history.changes(deal)) {
      if (change.field != Field::stage) continue;
      const DealStatus now = status(deal, change.value);
      if (now != DealStatus::open && before == DealStatus::open) {
        const bool amounts = history.tracks(Field::amount);
        closes.push_back({deal, change.at, now,
                          amounts ? history.value_at(deal, Field::amount, change.at) : deals.amount[deal]});
        if (options.reopened == Reopened::first_close) break;
      }
      before = now;
    }
    // A log that ends early misses the last close.
    const bool missed = before == DealStatus::open && last.status != DealStatus::open;
    if (missed && (options.reopened == Reopened::each_close || closes.size() == found))
      closes.push_back(last);
  }
  return closes;
}

}  // namespace

std::vector<Close> closes_of(const Crm& crm, const Options& options, std::string_view kpi) {
  return closes_of(crm, options, kpi, false);
}

void report_reopened(const Crm& crm, const Options& options, Result& result) {
  if (std::ranges::all_of(crm.deals().reopened, [](std::uint8_t times) { return times == 0; })) return;
  const Scope scope = scope_of(crm, options);
  std::vector<std::int32_t> rows;
  std::vector<std::int64_t> at;
  for (const Close& close : closes_of(crm, options, result.name, true)) {
    const auto within = [&](const Scope::Part& part) {
      return close.at != null_value && part.interval.contains(Instant{close.at});
    };
    if (crm.deals().deleted[close.deal] != 0 || !(scope.all || std::ranges::any_of(scope.parts, within)))
      continue;
    rows.push_back(static_cast<std::int32_t>(close.deal));
    at.push_back(close.at);
  }
  std::vector<std::uint8_t> asked(rows.size(), 1);
  if (!options.where.empty()) asked = matches(crm, "opportunity", options.where, rows, at, options.zone);
  std::set<std::int32_t> deals;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (asked[i] != 0) deals.insert(rows[i]);
  const std::size_t count = deals.size();
  if (count == 0) return;
  constexpr std::string_view how[] = {"at their last close", "at their first close", "each time they closed"};
  result.warnings.push_back(std::to_string(count) + (count == 1 ? " deal was" : " deals were") +
                            " reopened after a close; such deals are counted " +
                            std::string(how[static_cast<std::size_t>(options.reopened)]));
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
