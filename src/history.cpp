#include "salesops/history.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

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

bool earlier(const History::Row* a, const History::Row* b) {
  if (a->change.at != b->change.at) return a->change.at < b->change.at;
  return a->seq < b->seq;
}

/// `rows` by entity: entity i has `order[offsets[i]] … order[offsets[i + 1]]`, in input order.
struct Grouped {
  std::vector<std::size_t> offsets;
  std::vector<const History::Row*> order;

  Grouped(std::size_t entities, std::span<const History::Row> rows)
      : offsets(entities + 1, 0), order(rows.size()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tick(i);
      ++offsets[static_cast<std::size_t>(rows[i].entity) + 1];
    }
    std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
    std::vector<std::size_t> next(offsets.begin(), offsets.end() - 1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tick(i);
      order[next[static_cast<std::size_t>(rows[i].entity)]++] = &rows[i];
    }
  }
};

void check_entities(std::size_t entities, std::span<const History::Row> rows) {
  for (const auto& row : rows)
    if (row.entity < 0 || row.entity >= static_cast<std::int64_t>(entities))
      throw UsageError("history: an entity number is outside 0 … entities-1");
}

}  // namespace

void History::Block::add(const Change& change, std::int64_t seq) {
  if (seq != 0 && seqs.empty()) seqs.assign(changes.size(), 0);
  if (seq != 0 || !seqs.empty()) seqs.push_back(seq);
  changes.push_back(change);
  fields_now = static_cast<std::uint8_t>(fields_now | (1U << index(change.field)));
  latest = std::max(latest, change.at);
}

void History::Block::add_entity(const Block& from, std::size_t entity, std::int64_t t) {
  for (std::size_t i = from.offsets[entity]; i < from.offsets[entity + 1] && from.changes[i].at <= t; ++i)
    add(from.changes[i], from.seq(i));
  close_entity();
}

History::History(std::size_t entities, std::vector<Row> rows,
                 const std::array<std::vector<std::int64_t>, field_count>& present,
                 const Execution& execution)
    : entities_(entities) {
  check_entities(entities, rows);
  Grouped grouped(entities, rows);
  for (const Row& row : rows) tracked_[index(row.change.field)] = true;
  std::array<std::vector<std::int64_t>, field_count> initial;
  for (std::size_t field = 0; field < field_count; ++field)
    if (tracked_[field])
      initial[field] =
          present[field].empty() ? std::vector<std::int64_t>(entities, null_value) : present[field];

  blocks_.resize((entities + block_entities - 1) / block_entities);
  for_blocks(blocks_.size(), execution, [&](std::size_t number) {
    auto block = std::make_shared<Block>();
    const std::size_t first = number * block_entities, last = std::min(entities, first + block_entities);
    block->changes.reserve(grouped.offsets[last] - grouped.offsets[first]);
    for (std::size_t entity = first; entity < last; ++entity) {
      const std::span own(grouped.order.begin() + static_cast<std::ptrdiff_t>(grouped.offsets[entity]),
                          grouped.order.begin() + static_cast<std::ptrdiff_t>(grouped.offsets[entity + 1]));
      if (!std::is_sorted(own.begin(), own.end(), earlier)) std::stable_sort(own.begin(), own.end(), earlier);
      std::array<bool, field_count> changed{};
      for (const Row* row : own) {
        const std::size_t field = index(row->change.field);
        if (!changed[field]) initial[field][entity] = row->old_known ? row->old : null_value;
        changed[field] = true;
        block->add(row->change, row->seq);
      }
      block->close_entity();
    }
    blocks_[number] = std::move(block);
  });
  for (std::size_t field = 0; field < field_count; ++field) initial_[field] = std::move(initial[field]);
}

std::size_t History::size() const noexcept {
  std::size_t changes = 0;
  for (const auto& block : blocks_) changes += block->changes.size();
  return changes;
}

std::int64_t History::latest() const noexcept {
  std::int64_t latest = null_value;
  for (const auto& block : blocks_) latest = std::max(latest, block->latest);
  return latest;
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
  History result = *this;
  for (auto& block : result.blocks_) {
    if (block->latest <= t) continue;
    ask_stop();
    auto early = std::make_shared<Block>();
    for (std::size_t entity = 0; entity < block->entities(); ++entity) early->add_entity(*block, entity, t);
    block = std::move(early);
  }
  return result;
}

History History::take(std::span<const std::int64_t> rows) const {
  History result;
  result.entities_ = rows.size();
  result.tracked_ = tracked_;
  for (std::size_t first = 0; first < rows.size(); first += block_entities) {
    ask_stop();
    auto block = std::make_shared<Block>();
    for (const std::int64_t row : rows.subspan(first, std::min(block_entities, rows.size() - first)))
      block->add_entity(*blocks_[static_cast<std::size_t>(row) / block_entities],
                        static_cast<std::size_t>(row) % block_entities);
    result.blocks_.push_back(std::move(block));
  }
  for (std::size_t field = 0; field < field_count; ++field) {
    if (!tracked_[field]) continue;
    std::vector<std::int64_t> initial;
    initial.reserve(rows.size());
    for (const std::int64_t row : rows) initial.push_back(initial_[field][static_cast<std::size_t>(row)]);
    result.initial_[field] = std::move(initial);
  }
  return result;
}

std::shared_ptr<const History::Block> History::merged(std::size_t number, std::size_t entities,
                                                      std::span<const Row* const> more) const {
  static const Block none;
  const Block& before = number < blocks_.size() ? *blocks_[number] : none;
  auto block = std::make_shared<Block>();
  block->changes.reserve(before.changes.size() + more.size());
  const auto keep = [&](std::size_t first, std::size_t last) {
    const std::size_t begin = before.offsets[first], end = before.offsets[last],
                      moved = block->changes.size();
    if (!before.seqs.empty()) {
      block->seqs.resize(moved, 0);
      block->seqs.insert(block->seqs.end(), before.seqs.begin() + static_cast<std::ptrdiff_t>(begin),
                         before.seqs.begin() + static_cast<std::ptrdiff_t>(end));
    } else if (!block->seqs.empty()) {
      block->seqs.resize(moved + end - begin, 0);
    }
    block->changes.insert(block->changes.end(), before.changes.begin() + static_cast<std::ptrdiff_t>(begin),
                          before.changes.begin() + static_cast<std::ptrdiff_t>(end));
    for (std::size_t at = first; at < last; ++at)
      block->offsets.push_back(before.offsets[at + 1] - begin + moved);
    block->fields.insert(block->fields.end(), before.fields.begin() + static_cast<std::ptrdiff_t>(first),
                         before.fields.begin() + static_cast<std::ptrdiff_t>(last));
  };
  block->latest = before.latest;
  auto next = more.begin();
  for (std::size_t at = 0; at < entities; ++at) {
    const std::size_t busy =
        next == more.end() ? entities : static_cast<std::size_t>((*next)->entity) - number * block_entities;
    const std::size_t known = std::min(busy, before.entities());
    if (at < known) {
      keep(at, known);
      at = known;
    }
    for (; at < busy; ++at) block->close_entity();
    if (at == entities) break;
    std::size_t i = at < before.entities() ? before.offsets[at] : 0;
    const std::size_t end = at < before.entities() ? before.offsets[at + 1] : 0;
    for (; next != more.end() && static_cast<std::size_t>((*next)->entity) == number * block_entities + at;
         ++next) {
      const Row& row = **next;
      for (; i < end && std::pair(before.changes[i].at, before.seq(i)) <= std::pair(row.change.at, row.seq);
           ++i)
        block->add(before.changes[i], before.seq(i));
      block->add(row.change, row.seq);
    }
    for (; i < end; ++i) block->add(before.changes[i], before.seq(i));
    block->close_entity();
  }
  return block;
}

std::int64_t History::start(std::size_t entity, Field field, std::span<const Row* const> more,
                            const Present& present) const {
  const auto added =
      std::find_if(more.begin(), more.end(), [&](const Row* row) { return row->change.field == field; });
  if (entity < entities_) {
    const Block& block = *blocks_[entity / block_entities];
    const std::size_t at = entity % block_entities;
    for (std::size_t i = block.offsets[at]; i < block.offsets[at + 1]; ++i) {
      if (block.changes[i].field != field) continue;
      const bool first = added == more.end() || std::pair(block.changes[i].at, block.seq(i)) <=
                                                    std::pair((*added)->change.at, (*added)->seq);
      if (first) return initial_[index(field)][entity];
      break;
    }
  }
  if (added == more.end()) return present(entity, field);
  return (*added)->old_known ? (*added)->old : null_value;
}

History History::with(std::size_t entities, std::span<const Row> more, std::span<const std::int64_t> touched,
                      const Present& present) const {
  if (entities < entities_) throw UsageError("history: with can't take entities away");
  check_entities(entities, more);
  std::vector<const Row*> rows;
  for (const Row& row : more) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) {
    return a->entity != b->entity ? a->entity < b->entity : earlier(a, b);
  });
  const auto rows_of = [&](std::int64_t first, std::int64_t last) {
    const auto before = [](const Row* row, std::int64_t entity) { return row->entity < entity; };
    const auto begin = std::lower_bound(rows.begin(), rows.end(), first, before);
    return std::span<const Row* const>(begin, std::lower_bound(begin, rows.end(), last, before));
  };

  History result = *this;
  result.entities_ = entities;
  result.blocks_.resize((entities + block_entities - 1) / block_entities);
  for (std::size_t number = 0; number < result.blocks_.size(); ++number) {
    const std::size_t first = number * block_entities, last = std::min(entities, first + block_entities);
    const auto own = rows_of(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last));
    const bool same = number < blocks_.size() && blocks_[number]->entities() == last - first;
    if (same && own.empty()) continue;
    ask_stop();
    result.blocks_[number] = merged(number, last - first, own);
  }

  std::vector<std::int64_t> starts(touched.begin(), touched.end());
  for (const Row* row : rows) starts.push_back(row->entity);
  for (std::size_t entity = entities_; entity < entities; ++entity)
    starts.push_back(static_cast<std::int64_t>(entity));
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  std::array<bool, field_count> added{};
  for (const Row* row : rows) added[index(row->change.field)] = true;
  for (std::size_t f = 0; f < field_count; ++f) {
    result.tracked_[f] = tracked_[f] || added[f];
    if (!result.tracked_[f]) continue;
    if (!tracked_[f]) {
      std::vector<std::int64_t> initial(entities);
      for (std::size_t entity = 0; entity < entities; ++entity)
        initial[entity] = present(entity, static_cast<Field>(f));
      result.initial_[f] = std::move(initial);
    }
    std::vector<std::int64_t> values;
    for (const std::int64_t entity : starts) {
      tick(values.size());
      values.push_back(start(static_cast<std::size_t>(entity), static_cast<Field>(f),
                             rows_of(entity, entity + 1), present));
    }
    result.initial_[f] = result.initial_[f].with(starts, values, null_value);
  }
  return result;
}

History History::without(std::span<const std::int64_t> entities) const {
  History result = *this;
  std::vector<std::int64_t> left(entities.begin(), entities.end());
  // Entities it doesn't know yet have no change to lose.
  std::erase_if(left, [&](std::int64_t entity) { return entity >= static_cast<std::int64_t>(entities_); });
  std::sort(left.begin(), left.end());
  for (auto next = left.begin(); next != left.end();) {
    ask_stop();
    const std::size_t number = static_cast<std::size_t>(*next) / block_entities;
    const Block& before = *blocks_[number];
    auto block = std::make_shared<Block>();
    for (std::size_t at = 0; at < before.entities(); ++at) {
      const auto entity = static_cast<std::int64_t>(number * block_entities + at);
      if (next != left.end() && *next == entity)
        block->close_entity();
      else
        block->add_entity(before, at);
      while (next != left.end() && *next == entity) ++next;
    }
    result.blocks_[number] = std::move(block);
  }
  return result;
}

}  // namespace v0
}  // namespace salesops
