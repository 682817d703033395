/// Groups by any columns, numbered block by block: no column of keys is ever written whole.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// A value of a key: periods and numbers are ordered by a number, texts by themselves.
struct Label {
  std::int64_t order = 0;
  std::string text;
  friend auto operator<=>(const Label&, const Label&) = default;
};

/// Rows of a table, each at an instant, in places 0 … size-1. Without `rows` a place is its row; -1 = no row.
struct Placed {
  const Crm& crm;
  std::string_view table;
  const Options& options;
  std::span<const std::int32_t> rows;
  std::span<const std::int64_t> at;
  bool present_names = false;  ///< names are those of the book's own day; lengths of time are of `at`

  [[nodiscard]] std::size_t size() const { return at.size(); }
  [[nodiscard]] std::int32_t row(std::size_t place) const {
    return rows.empty() ? static_cast<std::int32_t>(place) : rows[place];
  }
  [[nodiscard]] std::vector<std::int32_t> all_rows() const;
};

/// Some places and their rows.
struct Block {
  std::span<const std::int32_t> places, rows;
};
/// The numbers of their groups.
using GroupNumbers = std::span<std::uint64_t>;

/// One key: a code 0 … size a place, of which `size` is null.
struct Key {
  std::string name;
  std::uint64_t size = 0;
  /// numbers[i] = numbers[i] · (size + 1) + the code of the block's place i.
  std::function<void(const Block& block, GroupNumbers numbers)> extend = {};
  std::function<Label(std::uint64_t code)> label = {};
};

/// Groups as codes of labels: one code a group and key, -1 for null.
struct Labelled {
  std::vector<std::vector<Label>> labels;
  std::vector<std::int32_t> codes;
};

/// The keys of the groups that a call asks for.
class Keys {
 public:
  Keys(const Placed& placed, std::span<const std::string> by);
  /// Several periods are a key of their own, before the others.
  Keys(const Placed& placed, std::span<const std::string> by, const Scope& scope);

  [[nodiscard]] const std::vector<Key>& all() const noexcept { return keys_; }
  /// GroupNumbers of groups are below it.
  [[nodiscard]] std::uint64_t combinations() const noexcept { return combinations_; }
  void number(const Block& block, GroupNumbers numbers) const;
  [[nodiscard]] Labelled labelled(std::vector<std::uint64_t> groups) const;
  /// The places of groups in order of their keys; their names in that order go to `named`.
  [[nodiscard]] std::vector<std::size_t> order(std::vector<std::uint64_t> groups, Groups& named) const;

 private:
  std::vector<Key> keys_;
  std::uint64_t combinations_ = 1;
};

/// The place of each label in their order.
std::vector<std::int32_t> ranks_of(const std::vector<Label>& labels);
/// Groups in order of their keys, null last.
std::vector<std::size_t> in_order(std::vector<std::size_t> groups, std::span<const std::int32_t> codes,
                                  const std::vector<std::vector<std::int32_t>>& ranks);

/// A sum for each group that occurs: found by a table where numbers are few enough, else by a hash.
template <class Sum>
class Sums {
 public:
  explicit Sums(std::uint64_t combinations) {
    if (combinations <= dense) table_.assign(static_cast<std::size_t>(combinations), none);
    reserve(std::min<std::size_t>(table_.size(), 1U << 14));
  }
  std::size_t place(std::uint64_t number) {
    std::uint32_t& place = table_.empty() ? hash_.try_emplace(number, none).first->second : table_[number];
    if (place == none) {
      place = static_cast<std::uint32_t>(sums.size());
      numbers.push_back(number);
      sums.emplace_back();
    }
    return place;
  }
  Sum& operator[](std::uint64_t number) { return sums[place(number)]; }
  /// Calls `work(i, sum of numbers[i])` in turn and makes the numbers places. Sums lie anywhere, so they are
  /// fetched ahead.
  template <class Work>
  void each(std::span<std::uint64_t> found, Work work) {
    constexpr std::size_t ahead = 16;
    for (std::uint64_t& number : found) number = place(number);
    for (std::size_t i = 0; i < found.size(); ++i) {
      __builtin_prefetch(&sums[found[std::min(i + ahead, found.size() - 1)]], 1);
      work(i, sums[found[i]]);
    }
  }
  void reserve(std::size_t groups) {
    numbers.reserve(groups);
    sums.reserve(groups);
  }

  std::vector<std::uint64_t> numbers;
  std::vector<Sum> sums;

 private:
  static constexpr std::uint64_t dense = std::uint64_t{1} << 20;
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::vector<std::uint32_t> table_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> hash_;
};

/// Rows that a scan looks at together: what it makes of them stays in the nearest cache.
inline constexpr std::size_t rows_at_once = 1024;

/// Calls `add(first, last, sums)` for all places, `rows_at_once` at a time, into as many `sums` as there are
/// threads: whole numbers add up the same in any of them.
template <class AnySums, class Add>
std::vector<std::unique_ptr<AnySums>> scan(std::size_t places, std::uint64_t combinations,
                                           const Execution& execution, Add add) {
  constexpr std::size_t block = std::size_t{1} << 15;
  std::mutex guard;
  std::vector<std::unique_ptr<AnySums>> idle;
  for_rows(places, block, execution, [&](std::size_t first, std::size_t last) {
    std::unique_ptr<AnySums> sums;
    {
      const std::lock_guard lock(guard);
      if (!idle.empty()) {
        sums = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (!sums) sums = std::make_unique<AnySums>(combinations);
    for (std::size_t at = first; at < last; at += rows_at_once)
      add(at, std::min(last, at + rows_at_once), *sums);
    const std::lock_guard lock(guard);
    idle.push_back(std::move(sums));
  });
  return idle;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
