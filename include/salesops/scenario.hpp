/// @file scenario.hpp
/// Many possible futures of one measure, that always add up.
///
/// A `Scenario` holds draws × leaf holders × leaf periods of int64 minor units of one currency (or
/// counts). A holder is a rep, a team, the company: leaves carry numbers, the others are sums of their
/// members. Membership is dated: the numbers of a leaf period belong to the parent that the holder had
/// when that leaf period began, so a move counts from then on and history stays where it was.
///
/// Guarantees: in every draw a parent is the exact integer sum of its members and a long period the exact
/// sum of its leaf periods. Draw d of one scenario and draw d of another describe the same future only
/// when both were made with the same `seed` and shocks.
///
/// Intervals are central: the range of `level` 80 runs from the 10 % to the 90 % quantile (type 7, as
/// stats.hpp, rounded to a whole unit). Sums that leave int64 are a `UsageError`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/date.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {

/// Someone or something that numbers belong to: `{"rep", "R7"}`, `{"company", ""}`.
struct Holder {
  std::string type;
  std::string id;

  friend bool operator==(const Holder&, const Holder&) = default;
  friend auto operator<=>(const Holder&, const Holder&) = default;
  /// `"rep R7"`, `"company"`.
  [[nodiscard]] std::string to_string() const { return id.empty() ? type : type + " " + id; }
};

/// `member` belongs to `parent` in [from, to).
struct Membership {
  Holder member;
  Holder parent;
  Date from = first_date;
  Date to = last_date;
};

struct ScenarioData {
  std::vector<Holder> leaves;
  std::vector<Interval> periods;  ///< leaf periods, in order, not overlapping
  std::vector<Membership> memberships;
  std::size_t draws = 0;
  /// values[(leaf · periods + period) · draws + draw]
  std::vector<std::int64_t> values;
  std::string currency;  ///< ISO 4217; empty for counts
  std::uint64_t seed = 0;
};

/// An immutable set of draws.
class Scenario {
 public:
  /// An empty scenario: no draws, no holders.
  Scenario() = default;
  /// Throws `UsageError` for sizes that don't fit, a holder given twice, overlapping periods, two
  /// parents of one type at a time, or a membership that leads back to its member.
  explicit Scenario(ScenarioData data);

  /// What it was made of.
  [[nodiscard]] const ScenarioData& data() const noexcept { return data_; }
  [[nodiscard]] std::size_t draws() const noexcept { return data_.draws; }
  [[nodiscard]] const std::vector<Holder>& leaves() const noexcept { return data_.leaves; }
  [[nodiscard]] const std::vector<Interval>& periods() const noexcept { return data_.periods; }
  [[nodiscard]] const std::vector<Membership>& memberships() const noexcept { return data_.memberships; }
  [[nodiscard]] const std::string& currency() const noexcept { return data_.currency; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return data_.seed; }
  /// From the first leaf period's start to the last one's end.
  [[nodiscard]] Interval span() const;
  /// Leaves in their order, then the others, types from the bottom up, by id.
  [[nodiscard]] const std::vector<Holder>& holders() const noexcept { return holders_; }
  [[nodiscard]] bool has(const Holder& holder) const noexcept { return place_.contains(holder); }

  /// The value of each draw. `period` is made of whole leaf periods (default: all of them); anything
  /// else is a `UsageError`, as is an unknown holder.
  [[nodiscard]] std::vector<std::int64_t> values(const Holder& holder,
                                                 const std::optional<Interval>& period = {}) const;
  /// Arithmetic mean over the draws; additive over holders and periods.
  [[nodiscard]] double mean(const Holder& holder, const std::optional<Interval>& period = {}) const;
  /// `probability` in [0, 1].
  [[nodiscard]] std::int64_t quantile(const Holder& holder, double probability,
                                      const std::optional<Interval>& period = {}) const;
  /// The central range that holds `level` percent of the draws.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> interval(
      const Holder& holder, double level, const std::optional<Interval>& period = {}) const;
  /// Share of draws that reach `amount`.
  [[nodiscard]] double probability_at_least(const Holder& holder, std::int64_t amount,
                                            const std::optional<Interval>& period = {}) const;
  /// Cumulative sums by leaf period: row p · draws + draw.
  [[nodiscard]] std::vector<std::int64_t> running(const Holder& holder) const;

  /// One row a holder and leaf period: holder_type, holder_id, start, end, mean, and of each level
  /// value_lo_80, value_hi_80.
  [[nodiscard]] Table to_table(std::span<const double> levels) const;

 private:
  struct Part {
    std::size_t leaf = 0;
    std::size_t period = 0;
  };
  void place_members();
  [[nodiscard]] std::vector<std::int64_t> add_parts(const Holder& holder, std::size_t first,
                                                    std::size_t last) const;
  [[nodiscard]] std::pair<std::size_t, std::size_t> period_range(const std::optional<Interval>& period) const;

  ScenarioData data_;
  std::vector<Holder> holders_;
  std::map<Holder, std::vector<Part>> place_;
};

/// Suffix of an interval's column names: 80 gives `"80"`, 97.5 gives `"97.5"`. Throws `UsageError` for a
/// level outside (1, 100).
std::string level_name(double level);

}  // namespace v0
}  // namespace salesops
