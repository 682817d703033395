// What a book says of its deals at an earlier time.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

/// The deals of `book` as they stood at t.
///
/// A log may miss deals, begin late or end early. What a row says is true from the book's last fact on, and
/// what it says of a closed deal from its close on, so far as no logged change came later. A close that came
/// after t is hidden with all it would tell, whether the log knows it or not.
class Past {
 public:
  Past(const Book& book, std::int64_t t);

  /// Nothing that the book knows came after t.
  [[nodiscard]] bool whole() const noexcept { return whole_; }
  /// Whether changes of the field were kept at t.
  [[nodiscard]] bool tracks(Field field) const noexcept {
    return log_start_[static_cast<std::size_t>(field)] <= t_;
  }
  /// When the outcome of each of `rows` became known; null of deals that are open today.
  [[nodiscard]] Column outcome_times(std::span<const std::int64_t> rows) const;
  /// The close of each of `rows`, as derived when the book was built.
  [[nodiscard]] Column closes(std::span<const std::int64_t> rows) const;

  struct Replayed {
    Table table;
    History history;                        ///< until t
    std::int64_t unknown_stages = 0;        ///< deals whose stage at t nobody kept, though they closed later
    std::int64_t first_unknown_stage = -1;  ///< row of the first
  };
  /// `table` has `rows` of the book's deals.
  [[nodiscard]] Replayed replay(const Table& table, std::span<const std::int64_t> rows) const;

 private:
  [[nodiscard]] std::int64_t outcome_time(std::size_t deal) const;
  [[nodiscard]] std::int64_t pipeline_of(std::size_t deal) const;
  [[nodiscard]] std::int64_t value(std::size_t deal, Field field, std::int64_t present) const;
  [[nodiscard]] std::int64_t stage_without_change(std::size_t deal, std::int64_t before,
                                                  std::int64_t present) const;

  const Book& book_;
  std::int64_t t_;
  bool whole_;
  bool sampled_;  ///< changes are those between snapshots: each came some time before it was seen
  bool late_;     ///< t lies before the log of stages, and deals closed before it
  Stages stages_;
  const Column* pipeline_;
  const Column* modified_;
  std::array<std::int64_t, field_count> log_start_{};
  std::vector<std::int64_t> outcome_;  ///< null_value of deals that are open today
};

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
