// Visits to stages as a table: what survival estimators of stages begin with.
#include <map>

#include "salesops/kpi/deals.hpp"
#include "visits.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Numbers under nulls, as they come.
template <class T>
class Cells {
 public:
  void add(std::int64_t value) {
    const bool known = value != null_value;
    values_.push_back(known ? static_cast<T>(value) : T{});
    valid_.push_back(known ? 1 : 0);
  }
  [[nodiscard]] Column column(Type type) && { return Column::of(type, std::move(values_), valid_); }
  [[nodiscard]] Column codes(const Column& of) && {
    return Column::of_codes(std::move(values_), of.shared_dictionary(), valid_);
  }

 private:
  std::vector<T> values_;
  std::vector<std::uint8_t> valid_;
};

/// How a visit ended that was followed by `next`, or by none of a known stage.
std::string_view outcome_of(const Visit& visit, const Visit* next, DealStatus now) {
  if (visit.exit == null_value) return "open";
  if (next == nullptr || next->seen != visit.exit) {
    // It left for no known stage; where nothing follows at all, it closed.
    if (next != nullptr) return "moved on";
    return now == DealStatus::won ? "won" : now == DealStatus::lost ? "lost" : "closed";
  }
  if (next->type == DealStatus::won) return "won";
  if (next->type == DealStatus::lost) return "lost";
  if (next->type != DealStatus::open) return "closed";
  const bool back = next->pipeline == visit.pipeline && next->rank >= 0 && next->rank < visit.rank;
  return back ? "moved back" : "moved on";
}

/// How often a close date was moved back by an instant.
std::int64_t pushes_of(const History& history, std::size_t deal, std::int64_t until) {
  std::int64_t pushes = 0;
  std::int64_t due = history.initial(Field::close_date)[deal];
  for (const Change& change : history.changes(deal)) {
    if (change.at > until) break;
    if (change.field != Field::close_date) continue;
    pushes += due != null_value && change.value != null_value && change.value > due ? 1 : 0;
    due = change.value;
  }
  return pushes;
}

}  // namespace

StageVisits stage_visits(const Crm& crm, const TimeZone& zone) {
  require(crm, "stage_visits", "opportunity", "stage_id");
  const Table& opportunity = crm.table("opportunity");
  const Deals& deals = crm.deals();
  const History& history = crm.history();
  const std::vector<Visit> visits = all_visits(crm, zone);
  Cells<std::int64_t> deal, number, entered, seen, left, rank, pushes, amount;
  Cells<std::int32_t> pipeline, stage, next_stage, owner, currency;
  const Column* currencies = opportunity.find("currency");
  std::vector<std::string> outcomes;
  each_deal(visits, [&](std::size_t first, std::size_t last) {
    std::map<std::int32_t, std::int64_t> counted;
    for (std::size_t i = first; i < last; ++i) {
      const Visit& visit = visits[i];
      if (visit.type != DealStatus::open) continue;
      const Visit* next = i + 1 < last ? &visits[i + 1] : nullptr;
      const std::int64_t at = visit.enter == null_value ? visit.seen : visit.enter;
      const auto then = [&](Field field) {
        return at == null_value ? null_value : history.value_at(visit.deal, field, at);
      };
      deal.add(static_cast<std::int64_t>(visit.deal));
      pipeline.add(visit.pipeline < 0 ? null_value : visit.pipeline);
      stage.add(visit.stage);
      rank.add(visit.rank < 0 ? null_value : visit.rank);
      number.add(++counted[visit.stage]);
      entered.add(visit.enter);
      seen.add(visit.seen);
      left.add(visit.exit);
      outcomes.emplace_back(outcome_of(visit, next, deals.status[visit.deal]));
      next_stage.add(next != nullptr && next->seen == visit.exit ? next->stage : null_value);
      if (history.tracks(Field::amount)) amount.add(then(Field::amount));
      if (currencies != nullptr)
        currency.add(currencies->valid(visit.deal) ? currencies->values<std::int32_t>()[visit.deal]
                                                   : null_value);
      if (history.tracks(Field::owner)) owner.add(then(Field::owner));
      if (history.tracks(Field::close_date))
        pushes.add(at == null_value ? null_value : pushes_of(history, visit.deal, at));
    }
  });
  std::vector<std::pair<std::string, Column>> columns{{"deal", std::move(deal).column(Type::int64)}};
  const auto add = [&](const char* name, Column column) { columns.emplace_back(name, std::move(column)); };
  if (const Column* known = opportunity.find("pipeline_id"))
    add("pipeline_id", std::move(pipeline).codes(*known));
  add("stage_id", std::move(stage).codes(opportunity.column("stage_id")));
  add("rank", std::move(rank).column(Type::int64));
  add("number", std::move(number).column(Type::int64));
  add("entered", std::move(entered).column(Type::timestamp));
  add("seen", std::move(seen).column(Type::timestamp));
  add("left", std::move(left).column(Type::timestamp));
  add("outcome", Column::of_strings(outcomes));
  add("next_stage_id", std::move(next_stage).codes(opportunity.column("stage_id")));
  if (history.tracks(Field::amount))
    add("amount",
        std::move(amount).column(Type::money).with_currency(opportunity.column("amount").currency()));
  if (currencies != nullptr) add("currency", std::move(currency).codes(*currencies));
  if (history.tracks(Field::owner)) add("owner_id", std::move(owner).codes(opportunity.column("owner_id")));
  if (history.tracks(Field::close_date)) add("pushes", std::move(pushes).column(Type::int64));
  StageVisits made{.visits = Table(std::move(columns)), .tracked = history.tracks(Field::stage)};
  for (std::size_t row = 0; row < deals.size(); ++row)
    if (deals.status[row] != DealStatus::open && !history.changed(row, Field::stage)) ++made.silent;
  return made;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
