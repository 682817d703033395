#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>

#include "revision.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

/// One key: the row it has in the book, and the last row of the changes that holds it.
struct Slot {
  std::int64_t row = -1;
  std::int64_t winner = -1;
  std::int64_t modified = null_value;
  bool buried = false;
};

std::int64_t modified_at(const Column* modified, std::size_t row) {
  return modified == nullptr || modified->is_null(row) ? null_value : modified->values<std::int64_t>()[row];
}

/// Finds what the book holds under a key.
class Keys {
 public:
  Keys(const TableModel& model, const BookTable& book) : book_(book), names_(model.keys()) {
    if (holds_facts(model)) return;
    columns_ = of(book.table);
    if (names_.size() == 1) return;
    for (std::size_t row = 0; row < book.table.num_rows(); ++row) {
      tick(row);
      rows_.emplace(key_text(columns_, row), static_cast<std::int64_t>(row));
    }
  }

  /// The key columns that a table has.
  [[nodiscard]] std::vector<const Column*> of(const Table& table) const {
    std::vector<const Column*> columns;
    for (const std::string& name : names_)
      if (const Column* column = table.find(name)) columns.push_back(column);
    return columns;
  }
  [[nodiscard]] std::int64_t row_of(const std::string& key) const {
    if (columns_.empty()) return -1;
    if (names_.size() > 1) {
      const auto found = rows_.find(key);
      return found == rows_.end() ? -1 : found->second;
    }
    const std::int32_t code = columns_.front()->dictionary().find(key);
    return code < 0 ? -1 : book_.row_of_code[static_cast<std::size_t>(code)];
  }

 private:
  const BookTable& book_;
  std::vector<std::string> names_;
  std::vector<const Column*> columns_;
  boost::unordered_flat_map<std::string, std::int64_t> rows_;  ///< of keys of several columns
};

/// Each row of the changes under its key: the later source_modified_at wins, the change on a tie or without.
std::vector<Slot> slots_of(const TableModel& model, const BookTable& book, const Table& changes,
                           TableCounts& counts, Issues& issues, std::vector<std::string>& texts) {
  const Keys keys(model, book);
  const auto columns = keys.of(changes);
  const bool unique = !holds_facts(model);
  const Column* modified = changes.find("source_modified_at");
  const Column* was_modified = book.table.find("source_modified_at");
  boost::unordered_flat_map<std::string, std::size_t> slot_of;
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < changes.num_rows(); ++i) {
    tick(i);
    const auto row = static_cast<std::int64_t>(i);
    if (columns.front()->is_null(i)) {
      ++counts.rejected;
      issues.add(model.name, row, model.keys().front(), "null_key", {}, Severity::error);
      continue;
    }
    const std::int64_t at = modified_at(modified, i);
    if (!unique) {
      texts.emplace_back();
      slots.push_back({.row = -1, .winner = row, .modified = at, .buried = false});
      continue;
    }
    const std::string key = key_text(columns, i);
    const auto [found, is_new] = slot_of.try_emplace(key, slots.size());
    const std::size_t number = found->second;
    if (!is_new) {
      issues.add(model.name, row, model.keys().front(), "duplicate_key", columns.front()->cell(i));
    } else {
      texts.push_back(key);
      Slot& slot = slots.emplace_back();
      slot.row = keys.row_of(key);
      const auto grave = book.graves->find(key);
      if (slot.row >= 0) {
        slot.modified = modified_at(was_modified, static_cast<std::size_t>(slot.row));
      } else if (grave != book.graves->end()) {
        slot.buried = true;
        slot.modified = grave->second;
      } else {
        slot.winner = row;
        slot.modified = at;
        continue;
      }
    }
    Slot& slot = slots[number];
    ++counts.superseded;
    if (at != null_value && slot.modified != null_value && at < slot.modified) continue;
    slot.winner = row;
    slot.modified = at;
  }
  return slots;
}

}  // namespace

Placement place(const TableModel& model, const BookTable& book, const Table& changes, Issues& issues) {
  Placement placement;
  placement.counts = book.counts;
  placement.graves = book.graves;
  placement.counts.rows_in += static_cast<std::int64_t>(changes.num_rows());
  std::vector<std::string> keys;
  const std::vector<Slot> slots = slots_of(model, book, changes, placement.counts, issues, keys);
  const Column* deleted = drops_deleted(model) ? changes.find("is_deleted") : nullptr;
  auto end = static_cast<std::int64_t>(book.table.num_rows());
  std::optional<Graves> graves;
  const auto dig = [&]() -> Graves& { return graves ? *graves : graves.emplace(*book.graves); };
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    tick(i);
    const Slot& slot = slots[i];
    if (slot.winner < 0) continue;
    const bool gone = flagged(deleted, static_cast<std::size_t>(slot.winner));
    if (gone && !slot.buried) ++placement.counts.deleted;
    if (gone && !holds_facts(model)) dig()[keys[i]] = slot.modified;
    if (gone && slot.row >= 0) placement.leaving.push_back(slot.row);
    if (gone) continue;
    if (slot.buried) {
      --placement.counts.deleted;
      dig().erase(keys[i]);
    }
    rows.emplace_back(slot.row >= 0 ? slot.row : end++, slot.winner);
  }
  std::sort(rows.begin(), rows.end());
  std::sort(placement.leaving.begin(), placement.leaving.end());
  for (const auto& [row, from] : rows) {
    placement.rows.push_back(row);
    placement.from.push_back(from);
  }
  if (graves) placement.graves = std::make_shared<const Graves>(std::move(*graves));
  return placement;
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
