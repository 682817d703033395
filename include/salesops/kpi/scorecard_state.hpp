/// @file kpi/scorecard_state.hpp
/// The scorecard of groups, as a state that adds up: `partial → merge → finish`.
///
///     auto state = ScorecardState::partial(crm, {.by = {"owner", "month"}});
///     state.merge(ScorecardState::partial(other_book, {.by = {"owner", "month"}}));
///     const Scorecard card = state.finish();
///
/// One scan of the closed deals gives, for each group, deals won and lost, amounts won and lost, and the sums
/// and squares of won amounts and sales cycles. All are integers, so any split of the deals, any order and
/// any number of threads give the same state to the bit. Groups are known by the texts of their keys: books
/// with other dictionaries merge.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/kpi/scorecard.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// What the deals closed in a period add up to, by group. Copies are deep.
class ScorecardState {
 public:
  /// Without a deal, a group or a currency; takes what is merged into it.
  ScorecardState();
  ScorecardState(const ScorecardState& other);
  ScorecardState(ScorecardState&& other) noexcept;
  ScorecardState& operator=(ScorecardState other) noexcept;
  ~ScorecardState();

  /// Of all deals won or lost (or closed without saying which) in the period: by default the whole book.
  /// Groups are those of `Options::by` at the close; names that have a history are those valid then. Deleted
  /// deals are left out, amounts that aren't positive too (counted; `allow_negative` lets them in).
  /// Uses `where`, `by`, `period`, `as_of`, `reopened`, `calendar`, `zone`, `allow_negative`, `execution` of
  /// `options`.
  static ScorecardState partial(const Crm& crm, const Options& options = {});
  /// Of these deals alone, by id: what a change of few deals costs. Ids that the book lacks count nothing.
  static ScorecardState partial(const Crm& crm, const Options& options, std::span<const std::string> deals);

  /// Adds other deals. Both must be asked alike (`UsageError` says what differs) and, unless one of them is
  /// of several currencies already, in one currency (`UnitError`).
  void merge(const ScorecardState& other);
  /// Takes out deals that were added before: `retract` of a deal as it was, then `merge` as it is now.
  /// Throws `UsageError`, and changes nothing, when it would leave a negative count.
  void retract(const ScorecardState& other);

  /// The card: one row a group in order of the keys; columns `won`, `lost`, `closed`, `win_rate` (Wilson
  /// interval), `win_rate_by_value`, `won_amount`, `lost_amount`, `average_deal` and `mean_cycle` in days (t
  /// intervals), and the deals left out: `unknown` (neither won nor lost), `no_amount` (of those won or
  /// lost), `no_cycle` (won, but not after a known creation). Amounts in several currencies have no sums: the
  /// columns of money are null, and the card's `currency` says "several currencies".
  [[nodiscard]] Scorecard finish(double level = 95) const;

  /// Groups with any deal.
  [[nodiscard]] std::size_t groups() const;
  /// Exact, and readable by any later version.
  [[nodiscard]] std::string to_json() const;
  /// Throws `DataError` for text that `to_json` didn't write.
  static ScorecardState from_json(std::string_view text);
  /// The same groups with the same sums, whatever way they came together.
  friend bool operator==(const ScorecardState& a, const ScorecardState& b) { return a.equals(b); }

 private:
  struct Data;
  static ScorecardState of(const Crm& crm, const Options& options, const std::vector<std::int32_t>* deals);
  [[nodiscard]] bool equals(const ScorecardState& other) const;
  void combine(const ScorecardState& other, bool add);
  std::unique_ptr<Data> data_;
};

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
