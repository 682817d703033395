#include "past.hpp"

#include <algorithm>
#include <limits>

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

std::size_t index(Field field) { return static_cast<std::size_t>(field); }

/// Fields whose values tell how a deal ended.
bool tells_outcome(Field field) {
  return field == Field::stage || field == Field::probability || field == Field::forecast_category;
}

/// Fields that a close settles: an owner may follow another afterwards.
bool is_settled_by_close(Field field) {
  return tells_outcome(field) || field == Field::amount || field == Field::close_date;
}

/// The first change of each field in the log.
std::array<std::int64_t, field_count> log_starts(const History& history) {
  std::array<std::int64_t, field_count> first{};
  first.fill(end_of_time);
  for (std::size_t deal = 0; deal < history.entities(); ++deal) {
    tick(deal);
    for (const Change& change : history.changes(deal))
      first[index(change.field)] = std::min(first[index(change.field)], change.at);
  }
  return first;
}

Column instants(std::vector<std::int64_t> values) {
  std::vector<std::uint8_t> valid(values.size());
  for (std::size_t row = 0; row < values.size(); ++row) {
    valid[row] = values[row] != null_value;
    if (valid[row] == 0) values[row] = 0;
  }
  return Column::of(Type::timestamp, std::move(values), valid);
}

}  // namespace

Past::Past(const Book& book, std::int64_t t)
    : book_(book),
      t_(t),
      whole_(t >= book.known_until.us),
      sampled_(!book.tables.contains("opportunity_event") && !book.tables.contains("opportunity_version")),
      late_(false),
      stages_(book.tables.find("opportunity")->second->table, book.tables),
      pipeline_(book.tables.find("opportunity")->second->table.find("pipeline_id")),
      modified_(book.tables.find("opportunity")->second->table.find("source_modified_at")),
      log_start_(log_starts(book.history)) {
  const Deals& deals = book.deals;
  const std::int64_t start = log_start_[index(Field::stage)];
  outcome_.resize(deals.size(), null_value);
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    if (deals.status[deal] == DealStatus::open) continue;
    outcome_[deal] = outcome_time(deal);
    late_ |= start != end_of_time && t < start && outcome_[deal] < start;
  }
}

std::int64_t Past::pipeline_of(std::size_t deal) const {
  return pipeline_ == nullptr || pipeline_->is_null(deal) ? -1 : pipeline_->values<std::int32_t>()[deal];
}

/// A close without a time is known from the end of the book on. One that was dated back is known since it
/// was entered.
std::int64_t Past::outcome_time(std::size_t deal) const {
  const std::int64_t closed = book_.deals.closed_at[deal];
  if (closed == null_value) return book_.known_until.us;
  std::int64_t known = std::min(closed, book_.known_until.us);
  if (sampled_ || known > t_) return known;
  const auto changes = book_.history.changes(deal);
  const bool moved_later = std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
    return change.field == Field::stage && change.at > t_;
  });
  if (moved_later)
    known = std::max(known, logged_closes(book_.history, stages_, deal, pipeline_of(deal)).last);
  return known;
}

Column Past::outcome_times(std::span<const std::int64_t> rows) const {
  std::vector<std::int64_t> times;
  times.reserve(rows.size());
  for (const std::int64_t row : rows) times.push_back(outcome_[static_cast<std::size_t>(row)]);
  return instants(std::move(times));
}

Column Past::closes(std::span<const std::int64_t> rows) const {
  std::vector<std::int64_t> times;
  times.reserve(rows.size());
  for (const std::int64_t row : rows) times.push_back(book_.deals.closed_at[static_cast<std::size_t>(row)]);
  return instants(std::move(times));
}

/// The stage of a deal without a logged change by t. `before`: what the log says it was then.
std::int64_t Past::stage_without_change(std::size_t deal, std::int64_t before, std::int64_t present) const {
  const bool settled = outcome_[deal] != null_value && outcome_[deal] <= t_;
  if (settled) return before == null_value ? present : before;
  // It hadn't closed yet, or nobody knows when it had; and what a late log begins with came later.
  return late_ || stages_.closed(pipeline_of(deal), before) ? null_value : before;
}

std::int64_t Past::value(std::size_t deal, Field field, std::int64_t present) const {
  const std::int64_t outcome = outcome_[deal];
  const bool settled = outcome != null_value && outcome <= t_;
  if (!book_.history.tracks(field) || !book_.history.changed(deal, field)) {
    if (field == Field::deleted) {
      // A deletion without an event is known since the row was last written.
      const bool said = modified_ != nullptr && modified_->valid(deal);
      const std::int64_t since = said ? modified_->values<std::int64_t>()[deal] : book_.known_until.us;
      return present == 1 && since > t_ ? 0 : present;
    }
    if (outcome != null_value && !settled && tells_outcome(field)) return null_value;
    return field == Field::stage ? stage_without_change(deal, present, present) : present;
  }
  std::int64_t then = book_.history.initial(field)[deal], last = null_value;
  bool changed = false;
  std::optional<std::int64_t> next;
  for (const Change& change : book_.history.changes(deal)) {
    if (change.field != field) continue;
    last = change.at;
    if (change.at <= t_) {
      then = change.value;
      changed = true;
    } else if (!next) {
      next = change.value;
    }
  }
  if (settled && is_settled_by_close(field) && last <= outcome && present != null_value) return present;
  if (field != Field::stage) return then;
  if (!changed) then = stage_without_change(deal, then, present);
  // A snapshot sees a close some time after it.
  const std::int64_t pipeline = pipeline_of(deal);
  if (settled && next && !stages_.closed(pipeline, then) && stages_.closed(pipeline, *next)) return *next;
  return then;
}

Past::Replayed Past::replay(const Table& table, std::span<const std::int64_t> rows) const {
  const bool all = rows.size() == book_.history.entities();
  Replayed result{.table = table, .history = (all ? book_.history : book_.history.take(rows)).until(t_)};
  if (whole_) return result;
  std::vector<std::int64_t> rewritten;  // deals that the log, until t, would say something else of
  std::array<std::vector<std::int64_t>, field_count> state;
  for (std::size_t f = 0; f < field_count; ++f) {
    const Field field = static_cast<Field>(f);
    const Column* column = table.find(field_column(field));
    if (column == nullptr) continue;
    state[f].resize(rows.size());
    bool differs = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tick(i);
      const auto deal = static_cast<std::size_t>(rows[i]);
      const std::int64_t present = field_value(*column, i);
      const std::int64_t then = state[f][i] = value(deal, field, present);
      differs |= then != present;
      if (result.history.tracks(field) && !result.history.changed(i, field) &&
          then != result.history.initial(field)[i])
        rewritten.push_back(static_cast<std::int64_t>(i));
      const bool closed_later = outcome_[deal] != null_value && outcome_[deal] > t_;
      if (field == Field::stage && closed_later && then == null_value && result.unknown_stages++ == 0)
        result.first_unknown_stage = static_cast<std::int64_t>(i);
    }
    if (differs)
      result.table = result.table.with(std::string(field_column(field)), field_column_of(*column, state[f]));
  }
  if (rewritten.empty()) return result;
  result.history = result.history.with(rows.size(), {}, rewritten, [&](std::size_t deal, Field field) {
    const auto& values = state[index(field)];
    const std::int64_t then = values.empty() ? null_value : values[deal];
    return field == Field::deleted ? std::max<std::int64_t>(then, 0) : then;
  });
  return result;
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
