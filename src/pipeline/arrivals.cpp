#include <algorithm>
#include <cmath>

#include "learn.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

constexpr double year = 364;  // whole weeks
/// Deals that two equal seasons are believed to hold beforehand.
constexpr double season_prior = 30;

/// Deals first seen in [from, to); they are what "created" means to the forecast.
double arrivals(const std::vector<double>& seen, double from, double to) {
  const auto first = std::lower_bound(seen.begin(), seen.end(), from);
  return static_cast<double>(std::lower_bound(first, seen.end(), to) - first);
}

/// Arrivals of the window's days against the quarter before it, a year and two years ago.
double season(const std::vector<double>& seen, const Window& window) {
  const double length = std::max(7.0, window.end - window.origin);
  double after = season_prior, before = season_prior;
  for (int back = 1; back <= 2; ++back) {
    const double then = window.origin - back * year;
    if (seen.empty() || seen.front() > then - 91) break;
    after += arrivals(seen, then, then + length);
    before += arrivals(seen, then - 91, then) / 91 * length;
  }
  return after / before;
}

}  // namespace

NewBusiness new_business(const Facts& facts, const Window& window, const std::vector<double>& per_day) {
  std::vector<double> seen;
  std::vector<double> entry(facts.states() + 2, 0.5 / static_cast<double>(facts.states() + 2));
  double oldest = window.origin;
  const double recent_year = window.origin - year;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    const double at = facts.seen[deal];
    if (at >= window.origin) continue;
    oldest = std::min(oldest, at);
    seen.push_back(at);
    if (at < recent_year) continue;
    const std::int32_t state = facts.visits[static_cast<std::size_t>(facts.offsets[deal])].state;
    const std::size_t place = state >= 0          ? static_cast<std::size_t>(state)
                              : state == End::won ? facts.states()
                                                  : facts.states() + 1;
    entry[place] += 1;
  }
  std::sort(seen.begin(), seen.end());
  double entries = 0;
  for (const double share : entry) entries += share;
  for (double& share : entry) share /= entries;

  const double known = window.origin - oldest;
  const auto rate_over = [&](double days) {
    const double span = std::min(days, std::max(known, 7.0));
    return arrivals(seen, window.origin - span, window.origin) / span;
  };
  NewBusiness result;
  const double per_day_now = (0.7 * rate_over(91) + 0.3 * rate_over(year)) * season(seen, window);
  result.per_week = 7 * per_day_now;
  const Grid grid = grid_of(window);
  std::vector<int> marks;
  for (int n = 0; n <= grid.last; ++n) marks.push_back(n);
  const WinTable table = win_table(per_day, facts.states(), grid.step, marks);
  result.won_by_step.assign(static_cast<std::size_t>(grid.last) + 1, 0);
  const double born_won = entry[facts.states()];
  double before = born_won;
  for (int n = 1; n <= grid.last; ++n) {
    const auto at = static_cast<std::size_t>(n);
    double won = born_won;
    for (std::size_t state = 0; state < facts.states(); ++state) won += entry[state] * table.at(at, state, 0);
    // A deal of n - 1 to n steps before the end has had half a step less on average.
    result.won_by_step[at] = result.won_by_step[at - 1] + per_day_now * grid.step * (before + won) / 2;
    before = won;
  }
  return result;
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
