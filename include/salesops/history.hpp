/// @file history.hpp
/// Grouped histories: what each deal looked like, and when that changed.
///
/// `changes(i)` are entity i's changes, ordered by time, then by `seq`, then by input order. A value is an
/// int64 whatever the field: a dictionary code, minor units of money, days of a date, micro-units of a
/// fraction (1e-6); `null_value` stands for null.
///
/// The state before the first change is kept apart in `initial`: the `old` value of the first change
/// where the source gives one, the present value of a field that never changed, else unknown
/// (a history that starts after the entity was created is left-truncated, not zero).
///
/// Changes lie in blocks of a few hundred entities that versions of a history share: `with` costs the
/// blocks it touches.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/parallel.hpp"
#include "salesops/shared_array.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {

/// Fields of an opportunity whose changes are kept.
enum class Field : std::uint8_t {
  stage,
  amount,
  close_date,
  owner,
  probability,
  forecast_category,
  pipeline,
  deleted,  ///< value 1 from a deletion or merge on, 0 from a restoration on
};
inline constexpr std::size_t field_count = 8;  // a bit each in a byte: History::changed

/// The column of the opportunity table that a field stands for: `"stage_id"`, `"amount"`, …
std::string_view field_column(Field field) noexcept;

inline constexpr std::int64_t null_value = std::numeric_limits<std::int64_t>::min();

struct Change {
  std::int64_t at = 0;              ///< UTC microseconds
  std::int64_t value = null_value;  ///< from then on
  Field field = Field::stage;
};

/// Immutable grouped changes.
class History {
 public:
  /// A change that still has to be grouped.
  struct Row {
    std::int64_t entity = 0;  ///< 0 … entities-1
    std::int64_t seq = 0;
    std::int64_t old = null_value;
    bool old_known = false;
    Change change;
  };
  /// The value that an entity has today.
  using Present = std::function<std::int64_t(std::size_t entity, Field field)>;

  History() = default;
  /// Groups and orders `rows` (stable for equal at and seq). `present[field]` are the values the
  /// entities have today, or empty; they fill `initial` for fields without any change.
  History(std::size_t entities, std::vector<Row> rows,
          const std::array<std::vector<std::int64_t>, field_count>& present, const Execution& execution = {});

  [[nodiscard]] std::size_t entities() const noexcept { return entities_; }
  /// Changes of all entities.
  [[nodiscard]] std::size_t size() const noexcept;
  /// The time of the last change, or `null_value`.
  [[nodiscard]] std::int64_t latest() const noexcept;
  [[nodiscard]] std::span<const Change> changes(std::size_t entity) const noexcept {
    const Block& block = *blocks_[entity / block_entities];
    const std::size_t at = entity % block_entities;
    return {block.changes.data() + block.offsets[at], block.offsets[at + 1] - block.offsets[at]};
  }
  /// A field is tracked when any entity has a change of it.
  [[nodiscard]] bool tracks(Field field) const noexcept { return tracked_[static_cast<std::size_t>(field)]; }
  /// Whether the entity has a change of the field: without one, its value is the present one at all times.
  [[nodiscard]] bool changed(std::size_t entity, Field field) const noexcept {
    const Block& block = *blocks_[entity / block_entities];
    return ((block.fields[entity % block_entities] >> static_cast<unsigned>(field)) & 1U) != 0;
  }
  /// Values before the first change; empty for a field that isn't tracked.
  [[nodiscard]] std::span<const std::int64_t> initial(Field field) const noexcept {
    return initial_[static_cast<std::size_t>(field)];
  }
  /// The value of a tracked field at `t` (changes at t itself count).
  [[nodiscard]] std::int64_t value_at(std::size_t entity, Field field, std::int64_t t) const noexcept;

  /// The same entities with changes after `t` left out.
  [[nodiscard]] History until(std::int64_t t) const;
  /// The entities of `rows`, in that order.
  [[nodiscard]] History take(std::span<const std::int64_t> rows) const;
  /// The history that the rows of this one and `more` behind them would give together. `touched` are
  /// entities besides those of `more` whose present values may be others than before. It may have more
  /// entities than this one.
  [[nodiscard]] History with(std::size_t entities, std::span<const Row> more,
                             std::span<const std::int64_t> touched, const Present& present) const;
  /// The history without any change of `entities`, of which some may be yet to come.
  [[nodiscard]] History without(std::span<const std::int64_t> entities) const;
  /// With each value of `field` that isn't null put at `value_of(entity, value)`.
  template <class ValueOf>
  [[nodiscard]] History mapped(Field field, ValueOf value_of) const;
  /// With each change at `time_of(at)`, which must keep their order.
  template <class TimeOf>
  [[nodiscard]] History moved(TimeOf time_of) const;

 private:
  static constexpr std::size_t block_entities = 256;
  struct Block {
    std::vector<std::size_t> offsets{0};
    std::vector<Change> changes;
    std::vector<std::int64_t> seqs;    ///< of the changes; empty when all are 0
    std::vector<std::uint8_t> fields;  ///< by entity, a bit for each that changes
    std::uint8_t fields_now = 0;       ///< of the entity that isn't closed yet
    std::int64_t latest = null_value;

    [[nodiscard]] std::int64_t seq(std::size_t i) const noexcept { return seqs.empty() ? 0 : seqs[i]; }
    void add(const Change& change, std::int64_t seq);
    /// Entity `entity` of `from`: its changes, all or those until `t`.
    void add_entity(const Block& from, std::size_t entity,
                    std::int64_t t = std::numeric_limits<std::int64_t>::max());
    void close_entity() {
      offsets.push_back(changes.size());
      fields.push_back(std::exchange(fields_now, std::uint8_t{0}));
    }
    [[nodiscard]] std::size_t entities() const noexcept { return offsets.size() - 1; }
  };

  [[nodiscard]] std::shared_ptr<const Block> merged(std::size_t number, std::size_t entities,
                                                    std::span<const Row* const> more) const;
  [[nodiscard]] std::int64_t start(std::size_t entity, Field field, std::span<const Row* const> more,
                                   const Present& present) const;

  std::size_t entities_ = 0;
  std::vector<std::shared_ptr<const Block>> blocks_;
  std::array<SharedArray<std::int64_t>, field_count> initial_;
  std::array<bool, field_count> tracked_{};
};

template <class ValueOf>
History History::mapped(Field field, ValueOf value_of) const {
  History result = *this;
  if (!tracks(field)) return result;
  const auto start = initial(field);
  std::vector<std::int64_t> starts(start.begin(), start.end());
  for (std::size_t entity = 0; entity < starts.size(); ++entity)
    if (starts[entity] != null_value) starts[entity] = value_of(entity, starts[entity]);
  result.initial_[static_cast<std::size_t>(field)] = std::move(starts);
  for (std::size_t number = 0; number < blocks_.size(); ++number) {
    auto block = std::make_shared<Block>(*blocks_[number]);
    for (std::size_t at = 0; at < block->entities(); ++at)
      for (std::size_t i = block->offsets[at]; i < block->offsets[at + 1]; ++i)
        if (Change& change = block->changes[i]; change.field == field && change.value != null_value)
          change.value = value_of(number * block_entities + at, change.value);
    result.blocks_[number] = std::move(block);
  }
  return result;
}

template <class TimeOf>
History History::moved(TimeOf time_of) const {
  History result = *this;
  for (auto& kept : result.blocks_) {
    auto block = std::make_shared<Block>(*kept);
    for (Change& change : block->changes) change.at = time_of(change.at);
    if (block->latest != null_value) block->latest = time_of(block->latest);
    kept = std::move(block);
  }
  return result;
}

}  // namespace v0
}  // namespace salesops
