/// @file history.hpp
/// Grouped histories: what each deal looked like, and when that changed.
///
/// One row of changes after the other, grouped by entity: `offsets()[i] … offsets()[i + 1]` are entity
/// i's changes, ordered by time, then by `seq`, then by input order. A value is an int64 whatever the
/// field: a dictionary code, minor units of money, days of a date, micro-units of a fraction (1e-6);
/// `null_value` stands for null.
///
/// The state before the first change is kept apart in `initial`: the `old` value of the first change
/// where the source gives one, the present value of a field that never changed, else unknown
/// (a history that starts after the entity was created is left-truncated, not zero).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

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

  History() = default;
  /// Groups and orders `rows` (stable for equal at and seq). `present[field]` are the values the
  /// entities have today, or empty; they fill `initial` for fields without any change.
  History(std::size_t entities, std::vector<Row> rows,
          const std::array<std::vector<std::int64_t>, field_count>& present);

  [[nodiscard]] std::size_t entities() const noexcept { return offsets_.empty() ? 0 : offsets_.size() - 1; }
  [[nodiscard]] std::span<const std::int64_t> offsets() const noexcept { return offsets_; }
  [[nodiscard]] std::span<const Change> changes() const noexcept { return changes_; }
  [[nodiscard]] std::span<const Change> changes(std::size_t entity) const noexcept {
    return std::span<const Change>(changes_).subspan(
        static_cast<std::size_t>(offsets_[entity]),
        static_cast<std::size_t>(offsets_[entity + 1] - offsets_[entity]));
  }
  /// A field is tracked when any entity has a change of it.
  [[nodiscard]] bool tracks(Field field) const noexcept { return tracked_[static_cast<std::size_t>(field)]; }
  /// Whether the entity has a change of the field: without one, its value is the present one at all times.
  [[nodiscard]] bool changed(std::size_t entity, Field field) const noexcept {
    return ((changed_[entity] >> static_cast<unsigned>(field)) & 1U) != 0;
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
  /// With the entities and changes of `more` added: entity i of `more` is entity `place[i]` here
  /// (place may name new entities, numbered from entities() on).
  [[nodiscard]] History with(std::size_t entities, std::vector<Row> more,
                             const std::array<std::vector<std::int64_t>, field_count>& present) const;
  /// With each value of `field` that isn't null put at `value_of(entity, value)`.
  template <class ValueOf>
  [[nodiscard]] History mapped(Field field, ValueOf value_of) const {
    History result = *this;
    auto& initial = result.initial_[static_cast<std::size_t>(field)];
    for (std::size_t entity = 0; entity < entities(); ++entity) {
      const auto put = [&](std::int64_t& value) {
        if (value != null_value) value = value_of(entity, value);
      };
      if (!initial.empty()) put(initial[entity]);
      for (std::int64_t i = offsets_[entity]; i < offsets_[entity + 1]; ++i)
        if (Change& change = result.changes_[static_cast<std::size_t>(i)]; change.field == field)
          put(change.value);
    }
    return result;
  }

 private:
  std::vector<std::int64_t> offsets_;
  std::vector<Change> changes_;
  std::array<std::vector<std::int64_t>, field_count> initial_;
  std::array<bool, field_count> tracked_{};
  std::vector<std::uint8_t> changed_;  ///< by entity, a bit a field

  void note_changes();
};

}  // namespace v0
}  // namespace salesops
