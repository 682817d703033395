/// What the scorecard knows of a group, and how groups are kept.
#pragma once

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "keys.hpp"
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

/// The sums of a group's plain deals, in one cache line: lost with an amount that counts, or won with one and
/// with a cycle. All others go to its `DealSums`, as do sums that outgrow 64 bits.
struct alignas(64) PlainSums {
  uint128 amount_squares = 0, cycle_squares = 0;
  std::int64_t won_amount = 0, lost_amount = 0, cycle = 0;
  std::uint32_t won = 0, lost = 0;

  /// Without effect and false where a sum would outgrow its place.
  bool add_won(std::int64_t amount, std::int64_t took) noexcept {
    PlainSums next = *this;
    next.amount_squares += static_cast<uint128>(static_cast<int128>(amount) * amount);
    next.cycle_squares += static_cast<uint128>(static_cast<int128>(took) * took);
    const bool outgrown = next.amount_squares < amount_squares || next.cycle_squares < cycle_squares ||
                          __builtin_add_overflow(won_amount, amount, &next.won_amount) ||
                          __builtin_add_overflow(cycle, took, &next.cycle) || ++next.won == 0;
    if (!outgrown) *this = next;
    return !outgrown;
  }
  bool add_lost(std::int64_t amount) noexcept {
    std::int64_t next = 0;
    if (__builtin_add_overflow(lost_amount, amount, &next) || lost + 1 == 0) return false;
    lost_amount = next;
    ++lost;
    return true;
  }
  [[nodiscard]] DealSums wide() const noexcept {
    return {.won = won,
            .lost = lost,
            .lost_priced = lost,
            .lost_amount = lost_amount,
            .won_amount = {won, won_amount, {amount_squares, 0}},
            .cycle = {won, cycle, {cycle_squares, 0}}};
  }
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

/// The deals behind each group of a card, by id, in the order of its rows.
std::vector<std::vector<std::string>> scorecard_ids(const Crm& book, const Options& options);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
