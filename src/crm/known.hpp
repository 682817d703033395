// What a book knows, and what it can't: what came long after its latest row.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "salesops/crm.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

/// How long after its latest row a book may be asked as of.
inline constexpr std::int64_t known_slack = 31 * us_per_day;

/// Refuses an instant more than a month after the book's latest row. `asked`: whose it is, and its name.
inline void check_known(const Crm& crm, Instant at, const std::string& asked) {
  if (at.us > crm.latest().us + known_slack)
    throw UsageError(asked + " " + at.to_string() + " lies long after the book's latest row (" +
                     crm.latest().to_string() + "); what happened between is not known");
}

/// Whether amounts are written down at the win alone: some deals were lost, and neither they nor open ones
/// have one. Of the past such a book shows amounts only where a deal was to be won.
inline bool amounts_at_win(const Deals& deals) {
  bool lost = false;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    if (deals.deleted[deal] != 0 || deals.status[deal] == DealStatus::won) continue;
    if (deals.amount[deal] != null_value && deals.amount[deal] != 0) return false;
    lost = lost || deals.status[deal] == DealStatus::lost;
  }
  return lost;
}

/// The rule by which a rewound book says so in its issues.
inline constexpr std::string_view known_at_win = "known_of_wins_alone";

/// Whether the statuses of today say so, in a book without a history of amounts or in one rewound from it.
inline bool amounts_at_win(const Crm& crm) {
  if (crm.history().tracks(Field::amount)) return false;
  return crm.issues().count("opportunity", "amount", known_at_win) > 0 || amounts_at_win(crm.deals());
}

/// Whether the status of a subscription says that it is over.
inline bool says_over(std::string_view status) {
  std::string word;
  for (const char c : status)
    if (c >= 'A' && c <= 'Z')
      word.push_back(static_cast<char>(c - 'A' + 'a'));
    else if (c >= 'a' && c <= 'z')
      word.push_back(c);
  constexpr std::string_view over[] = {"canceled", "cancelled",  "churned", "ended",
                                       "expired",  "terminated", "closed",  "incompleteexpired"};
  return std::find(std::begin(over), std::end(over), word) != std::end(over);
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
