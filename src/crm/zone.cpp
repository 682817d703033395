#include <algorithm>

#include "salesops/calendar/time_zone.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {

using namespace crm_detail;

namespace {

constexpr bool is_midnight(std::int64_t us) { return us % us_per_day == 0; }

/// The start in a zone of a day that is kept as midnight UTC.
class Days {
 public:
  explicit Days(const TimeZone& zone) : zone_(zone) {}
  [[nodiscard]] std::int64_t start(std::int64_t midnight) const {
    return zone_.start_of(Instant{midnight}.utc_date()).us;
  }
  [[nodiscard]] Instant start(Instant at) const { return is_midnight(at.us) ? Instant{start(at.us)} : at; }

 private:
  const TimeZone& zone_;
};

/// Whether every time of a column is midnight UTC, and there is one.
bool holds_days(const Column& column) {
  if (column.type() != Type::timestamp) return false;
  const auto times = column.values<std::int64_t>();
  bool any = false;
  for (std::size_t row = 0; row < times.size(); ++row) {
    if (!column.valid(row)) continue;
    if (!is_midnight(times[row])) return false;
    any = true;
  }
  return any;
}

bool holds_days(const History& history) {
  bool any = false;
  for (std::size_t entity = 0; entity < history.entities(); ++entity)
    for (const Change& change : history.changes(entity)) {
      if (!is_midnight(change.at)) return false;
      any = true;
    }
  return any;
}

Column moved(const Column& column, const Days& days) {
  const auto times = column.values<std::int64_t>();
  std::vector<std::int64_t> starts(times.size());
  std::vector<std::uint8_t> valid(times.size());
  for (std::size_t row = 0; row < times.size(); ++row) {
    valid[row] = column.valid(row);
    if (valid[row] != 0) starts[row] = days.start(times[row]);
  }
  return Column::of(Type::timestamp, std::move(starts), valid);
}

/// Whether the close date stands in for a deal's close.
class StandIns {
 public:
  StandIns(const Deals& deals, const Column* told) : deals_(deals), told_(told) {}
  [[nodiscard]] bool holds(std::size_t deal) const {
    return (told_ == nullptr || told_->is_null(deal)) && deals_.close_date[deal] != Deals::null_date &&
           deals_.closed_at[deal] == at_midnight_utc(Date{deals_.close_date[deal]}).us;
  }
  [[nodiscard]] bool any() const {
    for (std::size_t deal = 0; deal < deals_.size(); ++deal)
      if (holds(deal)) return true;
    return false;
  }

 private:
  const Deals& deals_;
  const Column* told_;
};

/// The closes of deals, those that the close date stands in for at the start of their day.
Column closes_in(const Deals& deals, const StandIns& stand_ins, const Days& days) {
  std::vector<std::int64_t> closes(deals.size());
  std::vector<std::uint8_t> valid(deals.size());
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    const std::int64_t closed = deals.closed_at[deal];
    valid[deal] = closed != null_value;
    if (valid[deal] != 0) closes[deal] = stand_ins.holds(deal) ? days.start(closed) : closed;
  }
  return Column::of(Type::timestamp, std::move(closes), valid);
}

}  // namespace

Crm Crm::with_days_in(const TimeZone& zone) const {
  if (zone.name().empty() || zone.name() == "UTC" || zone.name() == "Etc/UTC") return *this;
  const Days days(zone);
  auto state = std::make_shared<State>(*state_);
  bool changed = false;
  // A day may end up behind the book's latest instant, or before other facts.
  const auto summed_up = [&](const std::string& name, const Table& table) {
    state->summaries[name] = summarize(table_model(name), table);
  };
  for (auto& [name, book] : state->tables) {
    std::shared_ptr<BookTable> copy;
    for (const auto& [column, values] : book->table.columns()) {
      if (!holds_days(values)) continue;
      if (copy == nullptr) copy = std::make_shared<BookTable>(*book);
      copy->table = copy->table.with(column, moved(values, days));
    }
    if (copy == nullptr) continue;
    summed_up(name, copy->table);
    book = std::move(copy);
    changed = true;
  }
  if (holds_days(state->history)) {
    state->history = state->history.moved([&](std::int64_t at) { return days.start(at); });
    changed = true;
  }
  if (const auto found = state->tables.find("opportunity"); found != state->tables.end()) {
    if (changed) state->deals = derive_deals(state->tables, state->history, nullptr);
    const Table& table = found->second->table;
    const StandIns stand_ins(state->deals, table.find("closed_at"));
    if (stand_ins.any()) {
      auto copy = std::make_shared<BookTable>(*found->second);
      copy->table = table.with("closed_at", closes_in(state->deals, stand_ins, days));
      summed_up("opportunity", copy->table);
      found->second = std::move(copy);
      state->deals = derive_deals(state->tables, state->history, nullptr);
      changed = true;
    }
  }
  if (!changed) return *this;
  state->days_moved = true;
  state->latest_close = latest_close(state->deals, state->tables);
  for (const auto& [name, book] : state->tables)
    if (!state->summaries.contains(name)) summed_up(name, book->table);
  const Instant last = latest_instant(state->summaries, state->history, state->latest_close);
  state->latest = state->rewound ? std::max(last, days.start(state->latest)) : last;
  state->known_until = state->rewound ? std::max(last, days.start(state->known_until)) : last;
  if (state->rewound) state->rewound = days.start(*state->rewound);
  state->summaries.clear();
  return Crm(std::move(state));
}

}  // namespace v0
}  // namespace salesops
