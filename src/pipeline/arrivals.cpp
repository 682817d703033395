#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "learn.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

/// Deals' worth of belief in the kernel against what became of recent deals.
constexpr double kernel_deals = 30;

/// Deals first seen in [from, to); they are what "created" means to the forecast.
double arrivals(const std::vector<double>& seen, double from, double to) {
  const auto first = std::lower_bound(seen.begin(), seen.end(), from);
  return static_cast<double>(std::lower_bound(first, seen.end(), to) - first);
}

/// Arrivals a day: Poisson regression on a level, a trend and two waves of the year over spans of four weeks.
/// Trend and waves are shrunk to nothing, spans count half for each half year back, and where counts spread
/// more than a Poisson's, they count for less.
class ArrivalRate {
 public:
  ArrivalRate(const std::vector<double>& seen, double origin) : origin_(origin) {
    const double oldest = seen.empty() ? origin : seen.front();
    double days = 0, deals = 0;
    for (int back = 0; back < most_spans; ++back) {
      const double to = origin - span * back, from = std::max(to - span, std::min(oldest, origin - 7));
      if (to - from < 1) break;
      spans_.push_back({terms_at((from + to) / 2), to - from, arrivals(seen, from, to),
                        std::exp2(-span * back / half_life)});
      days += to - from;
      deals += spans_.back().deals;
    }
    if (deals == 0) return;
    weight_[0] = std::log(deals / days);
    fit(1);
    double pearson = 0;
    for (const Span& one : spans_) {
      const double mean = one.days * rate(one.terms);
      pearson += (one.deals - mean) * (one.deals - mean) / mean;
    }
    const double freedom = static_cast<double>(spans_.size()) - 2;
    if (freedom > 0 && pearson > freedom) fit(pearson / freedom);
  }

  [[nodiscard]] double at(double day) const {
    return weight_[0] == -special::infinity ? 0 : rate(terms_at(day));
  }

 private:
  static constexpr double span = 28, half_life = 182;
  static constexpr int most_spans = 39;
  static constexpr Eigen::Index terms = 6;
  using Terms = Eigen::Matrix<double, terms, 1>;
  struct Span {
    Terms terms;
    double days = 0, deals = 0, trust = 1;
  };

  [[nodiscard]] Terms terms_at(double day) const {
    const double years = (day - origin_) / year, wave = 2 * std::numbers::pi * day / 365.25;
    return Terms{1, years, std::sin(wave), std::cos(wave), std::sin(2 * wave), std::cos(2 * wave)};
  }
  [[nodiscard]] double rate(const Terms& x) const { return std::exp(x.dot(weight_)); }

  void fit(double dispersion) {
    static const Terms prior_sd{1e3, 0.3, 0.1, 0.1, 0.1, 0.1};
    const Terms precision = prior_sd.cwiseProduct(prior_sd).cwiseInverse();
    for (int step = 0; step < 30; ++step) {
      Terms gradient = -precision.cwiseProduct(weight_);
      gradient[0] = 0;
      Eigen::Matrix<double, terms, terms> hessian = precision.asDiagonal();
      for (const Span& one : spans_) {
        const double mean = one.days * rate(one.terms), trust = one.trust / dispersion;
        gradient += trust * (one.deals - mean) * one.terms;
        hessian += trust * mean * one.terms * one.terms.transpose();
      }
      const Terms move = hessian.ldlt().solve(gradient).cwiseMax(-1.0).cwiseMin(1.0);
      weight_ += move;
      if (move.cwiseAbs().maxCoeff() < 1e-8) break;
    }
  }

  double origin_;
  std::vector<Span> spans_;
  Terms weight_{-special::infinity, 0, 0, 0, 0, 0};
};

/// Of the last year's deals, by pipeline.
struct Entries {
  std::vector<double> seen;   ///< ascending
  std::vector<double> first;  ///< by first state, then won, then lost: how many
  std::vector<double> won;    ///< by steps from being seen: how many
};

std::vector<Entries> entries_of(const Facts& facts, double origin, const Grid& grid) {
  std::vector<Entries> result(facts.pipelines);
  for (Entries& one : result) {
    one.first.resize(facts.states() + 2);
    one.won.resize(static_cast<std::size_t>(grid.last) + 1);
  }
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    const double at = facts.seen[deal];
    if (at >= origin || at < origin - year) continue;
    Entries& one = result[static_cast<std::size_t>(facts.pipeline[deal])];
    one.seen.push_back(at);
    const std::int32_t state = facts.visits[static_cast<std::size_t>(facts.offsets[deal])].state;
    one.first[state >= 0          ? static_cast<std::size_t>(state)
              : state == End::won ? facts.states()
                                  : facts.states() + 1] += 1;
    for (std::int64_t i = facts.offsets[deal]; i < facts.offsets[deal + 1]; ++i) {
      const Visit& visit = facts.visits[static_cast<std::size_t>(i)];
      if (visit.state != End::won) continue;
      const double steps = std::ceil((visit.enter - at) / grid.step);
      if (steps < static_cast<double>(one.won.size()) && at + steps * grid.step < origin)
        one.won[static_cast<std::size_t>(steps)] += 1;
      break;
    }
  }
  for (Entries& one : result) std::sort(one.seen.begin(), one.seen.end());
  return result;
}

/// P(won within n steps) of a deal that enters by the mix of first states, under the kernel.
std::vector<double> kernel_chances(const Entries& entries, const WinTable& table, std::size_t steps) {
  constexpr double blank = 0.5;
  const double each = blank / static_cast<double>(entries.first.size());
  const double all = static_cast<double>(entries.seen.size()) + blank;
  std::vector<double> chances;
  for (std::size_t n = 0; n <= steps; ++n) {
    double won = entries.first[table.states] + each;
    for (std::size_t state = 0; state < table.states; ++state)
      won += (entries.first[state] + each) * table.at(n, state, 0);
    chances.push_back(won / all);
  }
  return chances;
}

/// P(won within n steps of being seen): what became of the last year's deals, each step's wins among those
/// that have been watched so long. The kernel alone, which forgets how fast a deal went through the stages
/// before, thinks too little of quick wins.
std::vector<double> chances_by_age(const Entries& entries, double origin, const Grid& grid,
                                   const WinTable& table) {
  std::vector<double> chances = kernel_chances(entries, table, entries.won.size() - 1);
  double before = 0, sum = 0;
  for (std::size_t n = 0; n < chances.size(); ++n) {
    const double watched = arrivals(entries.seen, origin - year, origin - static_cast<double>(n) * grid.step);
    sum += (entries.won[n] + kernel_deals * (chances[n] - before)) / (watched + kernel_deals);
    before = std::exchange(chances[n], sum);
  }
  return chances;
}

/// Shares of the pipelines among deals to come: those of the last quarter, the last year's behind them.
std::vector<double> mix_of(const std::vector<Entries>& entries, double origin) {
  double recent = 0, all = 0;
  for (const Entries& one : entries) {
    recent += arrivals(one.seen, origin - year / 4, origin);
    all += static_cast<double>(one.seen.size());
  }
  std::vector<double> mix;
  for (const Entries& one : entries)
    mix.push_back(all > 0 ? (arrivals(one.seen, origin - year / 4, origin) +
                             kernel_deals * static_cast<double>(one.seen.size()) / all) /
                                (recent + kernel_deals)
                          : 1 / static_cast<double>(entries.size()));
  return mix;
}

}  // namespace

NewBusiness new_business(const Facts& facts, const Window& window, const std::vector<double>& per_day) {
  std::vector<double> seen;
  for (const double at : facts.seen)
    if (at < window.origin) seen.push_back(at);
  std::sort(seen.begin(), seen.end());
  const Grid grid = grid_of(window);
  const ArrivalRate rate(seen, window.origin);
  const auto steps = static_cast<std::size_t>(grid.last);
  NewBusiness result;
  std::vector<int> marks(steps + 1);
  std::iota(marks.begin(), marks.end(), 0);
  const WinTable table = win_table(per_day, facts.states(), grid.step, marks);
  const std::vector<Entries> entries = entries_of(facts, window.origin, grid);
  const std::vector<double> mix = mix_of(entries, window.origin);
  std::vector<double> chances(steps + 1);
  for (std::size_t pipeline = 0; pipeline < entries.size(); ++pipeline) {
    result.chances.push_back(chances_by_age(entries[pipeline], window.origin, grid, table));
    for (std::size_t n = 0; n <= steps; ++n) chances[n] += mix[pipeline] * result.chances.back()[n];
  }
  result.won_by_step.assign(steps + 1, 0);
  double deals_made = 0;
  for (std::size_t made = 1; made <= steps; ++made) {
    const double deals = grid.step * rate.at(window.origin + (static_cast<double>(made) - 0.5) * grid.step);
    deals_made += deals;
    // A deal made in this step has had half a step less on average.
    for (std::size_t n = made; n <= steps; ++n)
      result.won_by_step[n] += deals * (chances[n - made] + chances[n - made + 1]) / 2;
  }
  result.per_week =
      7 * (steps > 0 ? deals_made / (static_cast<double>(steps) * grid.step) : rate.at(window.origin));
  return result;
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
