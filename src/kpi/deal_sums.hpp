/// What the scorecard knows of a group, and how groups are kept.
#pragma once

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "salesops/kpi/scorecard_state.hpp"
#include "spread.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// Integer sums of the closed deals of a group.
struct DealSums {
  std::int64_t won = 0, lost = 0, unknown = 0, lost_priced = 0;
  int128 lost_amount = 0;
  Spread won_amount;  ///< of won deals with an amount that counts
  Spread cycle;       ///< microseconds from creation to the win

  DealSums& operator+=(const DealSums& other) noexcept {
    won += other.won;
    lost += other.lost;
    unknown += other.unknown;
    lost_priced += other.lost_priced;
    lost_amount += other.lost_amount;
    won_amount += other.won_amount;
    cycle += other.cycle;
    return *this;
  }
  DealSums& operator-=(const DealSums& other) noexcept {
    won -= other.won;
    lost -= other.lost;
    unknown -= other.unknown;
    lost_priced -= other.lost_priced;
    lost_amount -= other.lost_amount;
    won_amount -= other.won_amount;
    cycle -= other.cycle;
    return *this;
  }
  [[nodiscard]] bool empty() const noexcept { return won == 0 && lost == 0 && unknown == 0; }
  [[nodiscard]] bool negative() const noexcept {
    return won < 0 || lost < 0 || unknown < 0 || lost_priced < 0 || won_amount.count < 0 || cycle.count < 0;
  }
  friend bool operator==(const DealSums&, const DealSums&) = default;
};

/// A value of a key: periods and numbers are ordered by a number, texts by themselves.
struct Label {
  std::int64_t order = 0;
  std::string text;
  friend auto operator<=>(const Label&, const Label&) = default;
};

struct LabelHash {
  std::size_t operator()(const Label& label) const noexcept {
    std::size_t seed = boost::hash<std::string>()(label.text);
    boost::hash_combine(seed, label.order);
    return seed;
  }
};

/// Groups under codes of labels, one code a key, -1 for null.
struct ScorecardState::Data {
  struct Key {
    std::string name;
    std::vector<Label> labels;
    boost::unordered_flat_map<Label, std::int32_t, LabelHash> codes;  ///< made when first asked
    std::int32_t code(const Label& label);
  };

  bool asked = false;  ///< by anybody; else it takes what is merged into it
  std::string period;
  std::string counted;   ///< how deals were chosen and counted
  std::string currency;  ///< empty while no amount is in it
  std::vector<Key> keys;
  Instant as_of;
  std::vector<std::int32_t> codes;  ///< groups × keys
  std::vector<DealSums> sums;
  boost::unordered_flat_map<std::vector<std::int32_t>, std::size_t> places;  ///< made when first asked

  [[nodiscard]] std::span<const std::int32_t> codes_of(std::size_t group) const {
    return std::span(codes).subspan(group * keys.size(), keys.size());
  }
  [[nodiscard]] std::vector<std::string> by() const;
  /// The group under these codes, made when there is none.
  std::size_t place(const std::vector<std::int32_t>& of);
  /// Groups that hold deals, in order of their keys (null last), and the rank of each label.
  struct Order {
    std::vector<std::size_t> groups;
    std::vector<std::vector<std::int32_t>> ranks;
  };
  [[nodiscard]] Order order() const;
  [[nodiscard]] Column key_column(std::size_t key, const Order& order) const;
};

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
