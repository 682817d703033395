/// Stays of deals in stages, and where deals begin.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "deal_facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// A stay of a deal in a stage; `exit` is null while it lasts.
struct Visit {
  std::size_t deal = 0;
  std::int32_t stage = -1;
  std::int64_t enter = null_value;
  std::int64_t seen = null_value;  ///< since when the book tells that the deal is there
  std::int64_t exit = null_value;
  std::int64_t pipeline = -1;
  std::int32_t rank = -1;  ///< -1: the stage isn't defined
  DealStatus type = DealStatus::open;
};

/// All visits, deal by deal in order of time. Ranks are known as far as there are any; of stages that never
/// changed, those of today. `zone`: of closes that are known as a day alone.
std::vector<Visit> all_visits(const Crm& crm, const TimeZone& zone);
/// The same, of a book that has what the KPI named needs: stages, their ranks and changes (`UsageError`).
std::vector<Visit> visits_of(const Crm& crm, const Options& options, std::string_view kpi);

/// Calls `work(first, last)` for the visits of each deal.
template <class Work>
void each_deal(std::span<const Visit> visits, Work work) {
  for (std::size_t first = 0; first < visits.size();) {
    std::size_t last = first + 1;
    while (last < visits.size() && visits[last].deal == visits[first].deal) ++last;
    work(first, last);
    first = last;
  }
}

/// Where each deal begins by `Options::start`; null where the book doesn't say, or it hasn't begun yet.
std::vector<std::int64_t> starts_of(const Crm& crm, const Options& options, std::string_view kpi);
/// "creation", "the creation of their lead", "their first stage of rank 2 or higher".
std::string start_text(const Options& options);
/// The reason that leaves out a deal without a start.
std::string_view no_start(const Options& options);

/// The deals that a start other than their creation is asked of: those that have begun there.
class Begun {
 public:
  Begun(const Crm& crm, const Options& options, std::string_view kpi, Facts& facts);
  [[nodiscard]] bool operator()(std::size_t deal) const {
    return starts.empty() || starts[deal] != null_value;
  }

  std::vector<std::int64_t> starts;        ///< empty: all deals
  std::uint8_t left_out = Facts::counted;  ///< state of the others
};
/// What a definition says of the deals it is asked of: ", of deals that came from a lead", or nothing.
std::string begun_text(const Options& options);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
