#include "salesops/history.hpp"

#include <algorithm>
#include <numeric>

namespace salesops {
inline namespace v0 {

std::string_view field_column(Field field) noexcept {
  switch (field) {
    case Field::stage: return "stage_id";
    case Field::amount: return "amount";
    case Field::close_date: return "close_date";
    case Field::owner: return "owner_id";
    case Field::probability: return "probability";
    case Field::forecast_category: return "forecast_category";
    case Field::pipeline: return "pipeline_id";
    case Field::deleted: return "is_deleted";
  }
  return "";
}

namespace {

std::size_t index(Field field) { return static_cast<std::size_t>(field); }

/// Order of `rows` by entity, then at, seq, input order: a counting sort by entity, then small sorts.
std::vector<std::int64_t> grouped_order(std::size_t entities, std::span<const History::Row> rows,
                                        std::vector<std::int64_t>& offsets) {
  offsets.assign(entities + 1, 0);
  for (const auto& row : rows) {
    if (row.entity < 0 || row.entity >= static_cast<std::int64_t>(entities))
      throw UsageError("history: an entity number is outside 0 … entities-1");
    ++offsets[static_cast<std::size_t>(row.entity) + 1];
  }
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  std::vector<std::int64_t> next(offsets.begin(), offsets.end() - 1);
  std::vector<std::int64_t> order(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    order[static_cast<std::size_t>(next[static_cast<std::size_t>(rows[i].entity)]++)] =
        static_cast<std::int64_t>(i);
  const auto before = [&](std::int64_t a, std::int64_t b) {
    const auto& left = rows[static_cast<std::size_t>(a)];
    const auto& right = rows[static_cast<std::size_t>(b)];
    if (left.change.at != right.change.at) return left.change.at < right.change.at;
    return left.seq < right.seq;
  };
  for (std::size_t entity = 0; entity < entities; ++entity) {
    const auto first = order.begin() + offsets[entity];
    const auto last = order.begin() + offsets[entity + 1];
    if (!std::is_sorted(first, last, before)) std::stable_sort(first, last, before);
  }
  return order;
}

}  // namespace

History::History(std::size_t entities, std::vector<Row> rows,
                 const std::array<std::vector<std::int64_t>, field_count>& present) {
  const std::vector<std::int64_t> order = grouped_order(entities, rows, offsets_);
  for (const Row& row : rows) tracked_[index(row.change.field)] = true;
  for (std::size_t field = 0; field < field_count; ++field)
    if (tracked_[field])
      initial_[field] =
          present[field].empty() ? std::vector<std::int64_t>(entities, null_value) : present[field];

  changes_.reserve(rows.size());
  for (std::size_t entity = 0; entity < entities; ++entity) {
    std::array<bool, field_count> changed{};
    for (std::int64_t i = offsets_[entity]; i < offsets_[entity + 1]; ++i) {
      const Row& row = rows[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
      const std::size_t field = index(row.change.field);
      if (!changed[field]) initial_[field][entity] = row.old_known ? row.old : null_value;
      changed[field] = true;
      changes_.push_back(row.change);
    }
  }
  note_changes();
}

void History::note_changes() {
  changed_.assign(entities(), 0);
  for (std::size_t entity = 0; entity < changed_.size(); ++entity)
    for (const Change& change : changes(entity))
      changed_[entity] = static_cast<std::uint8_t>(changed_[entity] | (1U << index(change.field)));
}

std::int64_t History::value_at(std::size_t entity, Field field, std::int64_t t) const noexcept {
  std::int64_t value = initial_[index(field)][entity];
  if (!changed(entity, field)) return value;
  for (const Change& change : changes(entity)) {
    if (change.at > t) break;
    if (change.field == field) value = change.value;
  }
  return value;
}

History History::until(std::int64_t t) const {
  History result;
  result.initial_ = initial_;
  result.tracked_ = tracked_;
  result.offsets_.assign(offsets_.size(), 0);
  result.changes_.reserve(changes_.size());
  for (std::size_t entity = 0; entity < entities(); ++entity) {
    for (const Change& change : changes(entity)) {
      if (change.at > t) break;
      result.changes_.push_back(change);
    }
    result.offsets_[entity + 1] = static_cast<std::int64_t>(result.changes_.size());
  }
  result.note_changes();
  return result;
}

History History::take(std::span<const std::int64_t> rows) const {
  History result;
  result.tracked_ = tracked_;
  result.offsets_.assign(rows.size() + 1, 0);
  for (std::size_t field = 0; field < field_count; ++field)
    if (tracked_[field]) result.initial_[field].reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto entity = static_cast<std::size_t>(rows[i]);
    for (std::size_t field = 0; field < field_count; ++field)
      if (tracked_[field]) result.initial_[field].push_back(initial_[field][entity]);
    const auto ours = changes(entity);
    result.changes_.insert(result.changes_.end(), ours.begin(), ours.end());
    result.offsets_[i + 1] = static_cast<std::int64_t>(result.changes_.size());
  }
  result.note_changes();
  return result;
}

History History::with(std::size_t entities, std::vector<Row> more,
                      const std::array<std::vector<std::int64_t>, field_count>& present) const {
  const std::size_t before = this->entities();
  History added(entities, std::move(more), present);
  History result;
  result.offsets_.assign(entities + 1, 0);
  result.changes_.reserve(changes_.size() + added.changes_.size());
  for (std::size_t field = 0; field < field_count; ++field) {
    result.tracked_[field] = tracked_[field] || added.tracked_[field];
    if (!result.tracked_[field]) continue;
    // An entity whose first change of the field is new takes its start from the new rows.
    result.initial_[field] = added.tracked_[field] ? added.initial_[field] : present[field];
    result.initial_[field].resize(entities, null_value);
    if (!tracked_[field]) continue;
    for (std::size_t entity = 0; entity < before; ++entity) {
      const std::int64_t start = initial_[field][entity];
      if (changed(entity, static_cast<Field>(field)) || start != null_value)
        result.initial_[field][entity] = start;
    }
  }
  const auto earlier = [](const Change& a, const Change& b) { return a.at < b.at; };
  for (std::size_t entity = 0; entity < entities; ++entity) {
    if (entity < before) {
      const auto ours = changes(entity);
      result.changes_.insert(result.changes_.end(), ours.begin(), ours.end());
    }
    const auto theirs = added.changes(entity);
    if (!theirs.empty()) {
      result.changes_.insert(result.changes_.end(), theirs.begin(), theirs.end());
      const auto first = result.changes_.begin() + result.offsets_[entity];
      std::inplace_merge(first, result.changes_.end() - static_cast<std::ptrdiff_t>(theirs.size()),
                         result.changes_.end(), earlier);
    }
    result.offsets_[entity + 1] = static_cast<std::int64_t>(result.changes_.size());
  }
  result.note_changes();
  return result;
}

}  // namespace v0
}  // namespace salesops
