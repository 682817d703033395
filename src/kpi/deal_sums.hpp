/// What the scorecard knows of a group, and how groups are kept.
#pragma once

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "keys.hpp"
#include "salesops/kpi/scorecard_state.hpp"
#include "spread.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// What stands for the currency where amounts are in several, so that there are no sums of them.
inline constexpr std::string_view several_currencies = "several currencies";

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
  /// Leaves out sums of amounts; the deals that have one stay counted.
  void drop_money() noexcept {
    lost_amount = 0;
    won_amount = {.count = won_amount.count, .sum = 0, .squares = {}};
  }
  [[nodiscard]] bool empty() const noexcept { return won == 0 && lost == 0 && unknown == 0; }
  [[nodiscard]] bool negative() const noexcept {
    return won < 0 || lost < 0 || unknown < 0 || lost_priced < 0 || won_amount.count < 0 || cycle.count < 0;
  }
  friend bool operator==(const DealSums&, const DealSums&) = default;
};

/// The sums of a group's plain deals, in one cache line: lost with a plain amount, or won with one and with a
/// plain cycle. All others go to its `DealSums`, as do these sums before they could outgrow their places: up
/// to 2¹¹ numbers below 2⁵² stay below 2⁶³, their squares below 2¹²⁷.
struct alignas(64) PlainSums {
  /// In halves: compilers move whole ones through memory in pieces, and wait for them.
  struct Squares {
    std::uint64_t low = 0, high = 0;
    void add(std::uint64_t x) noexcept {
      const uint128 square = static_cast<uint128>(x) * x;
      const auto lower = static_cast<std::uint64_t>(square);
      low += lower;
      high += static_cast<std::uint64_t>(square >> 64) + (low < lower ? 1 : 0);
    }
    [[nodiscard]] WideSum wide() const noexcept { return {static_cast<uint128>(high) << 64 | low, 0}; }
  };
  Squares amount_squares, cycle_squares;
  std::int64_t amount[2] = {0, 0}, cycle = 0;  ///< lost, won
  std::uint32_t deals[2] = {0, 0};             ///< lost, won

  static bool plain(std::uint64_t number) noexcept { return number < (std::uint64_t{1} << 52) - 1; }
  /// Adds a deal without asking whether it was won: that can't be guessed. True once the sums are full.
  bool add(bool won, std::int64_t value, std::int64_t took) noexcept {
    const auto one = static_cast<std::uint64_t>(won), mask = std::uint64_t{0} - one;
    amount_squares.add(static_cast<std::uint64_t>(value) & mask);
    cycle_squares.add(static_cast<std::uint64_t>(took) & mask);
    cycle += static_cast<std::int64_t>(static_cast<std::uint64_t>(took) & mask);
    amount[one] += value;
    return ++deals[one] >= full;
  }
  [[nodiscard]] DealSums wide() const noexcept {
    const auto [lost, won] = deals;
    return {.won = won,
            .lost = lost,
            .lost_priced = lost,
            .lost_amount = amount[0],
            .won_amount = {won, amount[1], amount_squares.wide()},
            .cycle = {won, cycle, cycle_squares.wide()}};
  }

 private:
  static constexpr std::uint32_t full = 1U << 11;
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
  std::string currency;  ///< empty while no amount is in it, or `several_currencies`
  std::vector<Key> keys;
  Instant as_of;
  std::vector<std::int32_t> codes;  ///< groups × keys
  std::vector<DealSums> sums;
  boost::unordered_flat_map<std::vector<std::int32_t>, std::size_t> places;  ///< made when first asked

  [[nodiscard]] std::span<const std::int32_t> codes_of(std::size_t group) const {
    return std::span(codes).subspan(group * keys.size(), keys.size());
  }
  [[nodiscard]] std::vector<std::string> by() const;
  [[nodiscard]] bool several() const { return currency == several_currencies; }
  /// Leaves out the sums of amounts in several currencies.
  void drop_money() {
    currency = several_currencies;
    for (DealSums& sum : sums) sum.drop_money();
  }
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
