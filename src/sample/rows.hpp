/// @file rows.hpp
/// Rows of many tables, gathered block by block and joined in block order.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {

/// Strings made from numbers. Codes count from 0 in each block and are shifted when blocks are joined.
enum class Space : std::uint8_t {
  none,  ///< a fixed list of words
  account,
  contact,
  lead,
  opportunity,
  activity,
  subscription,
  invoice,
  quota,
  spend,
  true_account,
  true_opportunity,
  value,  ///< old and new values of events; equal ones share a code
};
inline constexpr std::size_t space_count = 13;

struct ColumnSpec {
  std::string name;
  Type type = Type::int64;
  std::shared_ptr<const Dictionary> words;
  Space space = Space::none;
  const char* prefix = "";
};

struct TableSpec {
  std::string name;
  std::vector<ColumnSpec> columns;
};

struct Cell {
  std::int64_t value = 0;
  bool null = true;

  Cell() = default;
  Cell(std::int64_t number) : value(number), null(false) {}
  Cell(int number) : value(number), null(false) {}
  Cell(bool flag) : value(flag), null(false) {}
  Cell(double number) : value(std::bit_cast<std::int64_t>(number)), null(false) {}
  Cell(Date date) : value(date.days), null(false) {}
  Cell(Instant at) : value(at.us), null(false) {}
};
inline Cell cell_if(bool known, Cell cell) { return known ? cell : Cell(); }

class CellRun {
 public:
  explicit CellRun(Type type = Type::int64) : width_(type_width(type)) {}

  void push(Cell cell) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + width_);
    if (width_ == 8) {
      std::memcpy(bytes_.data() + at, &cell.value, 8);
    } else if (width_ == 4) {
      const auto narrow = static_cast<std::int32_t>(cell.value);
      std::memcpy(bytes_.data() + at, &narrow, 4);
    } else {
      bytes_[at] = static_cast<char>(cell.value);
    }
    if (cell.null && valid_.empty()) valid_.assign(at / width_, 1);
    if (cell.null || !valid_.empty()) valid_.push_back(cell.null ? 0 : 1);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size() / width_; }
  [[nodiscard]] const std::vector<char>& bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<std::uint8_t>& valid() const { return valid_; }
  void clear() {
    bytes_ = {};
    valid_ = {};
  }

 private:
  std::size_t width_;
  std::vector<char> bytes_;
  std::vector<std::uint8_t> valid_;
};

struct RowRun {
  std::vector<CellRun> columns;

  template <class... Cells>
  void add(const Cells&... cells) {
    const Cell row[] = {Cell(cells)...};
    for (std::size_t i = 0; i < sizeof...(cells); ++i) columns[i].push(row[i]);
  }
  [[nodiscard]] std::size_t size() const { return columns.empty() ? 0 : columns.front().size(); }
};

/// The rows of one block of entities, for every table.
struct Block {
  explicit Block(std::span<const TableSpec> specs) {
    for (const auto& spec : specs) {
      RowRun rows;
      for (const auto& column : spec.columns) rows.columns.emplace_back(column.type);
      tables.push_back(std::move(rows));
    }
  }

  /// The code of a new number of a space.
  std::int64_t name(Space space, std::int64_t number) {
    auto& numbers = names[static_cast<std::size_t>(space)];
    numbers.push_back(number);
    return static_cast<std::int64_t>(numbers.size()) - 1;
  }
  /// The code of an event value, the same for equal ones.
  std::int64_t value(std::int64_t number) {
    const auto [at, fresh] = codes.try_emplace(number, 0);
    if (fresh) at->second = name(Space::value, number);
    return at->second;
  }

  std::vector<RowRun> tables;
  std::array<std::vector<std::int64_t>, space_count> names;
  std::unordered_map<std::int64_t, std::int64_t> codes;
};

/// Text of a number of a space.
using Label = std::string (*)(Space space, std::int64_t number);

/// Tables of all rows in block order. Empties the blocks as it goes.
std::vector<std::pair<std::string, Table>> join(std::span<const TableSpec> specs, std::vector<Block>& blocks,
                                                Label label, const Execution& execution);

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
