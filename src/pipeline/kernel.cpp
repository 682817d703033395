#include "kernel.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

constexpr double week = 7;
constexpr double kappa_floor = 5;
constexpr double kappa_cap = 500;
/// Weeks of all stages' won and lost rates that stand behind a stage's own.
constexpr double stage_prior = 4;

double bucket_end(std::size_t bucket) {
  return bucket + 1 < bucket_count ? bucket_start[bucket + 1] : std::numeric_limits<double>::infinity();
}

/// Adds the time at risk between two durations.
void add_exposure(Counts& counts, std::size_t state, double from, double to) {
  for (std::size_t bucket = bucket_of(from); bucket < bucket_count && bucket_start[bucket] < to; ++bucket)
    counts.days[counts.cell(state, bucket)] +=
        std::max(0.0, std::min(to, bucket_end(bucket)) - std::max(from, bucket_start[bucket]));
}

/// Weekly probabilities of a stage over all durations, with a little of all stages' ends mixed in.
std::vector<double> pooled_weekly(const Counts& counts) {
  const std::size_t targets = counts.targets();
  double all_days = 0;
  std::vector<double> all_ends(2);
  for (std::size_t cell = 0; cell < counts.days.size(); ++cell) {
    all_days += counts.days[cell];
    for (std::size_t end = 0; end < 2; ++end)
      all_ends[end] += counts.moves[cell * targets + counts.states + end];
  }
  std::vector<double> weekly(counts.states * targets);
  for (std::size_t state = 0; state < counts.states; ++state) {
    double days = stage_prior * week;
    for (std::size_t bucket = 0; bucket < bucket_count; ++bucket)
      days += counts.days[counts.cell(state, bucket)];
    for (std::size_t target = 0; target < targets; ++target) {
      double moves = 0;
      for (std::size_t bucket = 0; bucket < bucket_count; ++bucket)
        moves += counts.moves[counts.cell(state, bucket) * targets + target];
      if (target >= counts.states && all_days > 0)
        moves += stage_prior * week * all_ends[target - counts.states] / all_days;
      weekly[state * targets + target] = week * moves / days;
    }
  }
  return weekly;
}

/// What a cell leans on: the posterior weekly rates of the stage's bucket before, those of the whole stage in
/// the first one. Rates change with the time in a stage, little from one bucket to the next.
void posterior(const Counts& counts, std::size_t cell, double kappa, std::vector<double>& rate) {
  const std::size_t targets = counts.targets();
  for (std::size_t target = 0; target < targets; ++target)
    rate[target] =
        (counts.moves[cell * targets + target] + kappa * rate[target]) / (counts.days[cell] / week + kappa);
}

/// Dirichlet-multinomial log-likelihood of the cells around what they lean on.
double concentration_likelihood(const Counts& counts, const std::vector<double>& weekly, double kappa) {
  const std::size_t targets = counts.targets();
  double sum = 0;
  std::vector<double> rate(targets);
  for (std::size_t state = 0; state < counts.states; ++state) {
    std::copy_n(weekly.begin() + static_cast<std::ptrdiff_t>(state * targets), targets, rate.begin());
    for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
      const std::size_t cell = counts.cell(state, bucket);
      double moved = 0, left = 1;
      for (std::size_t target = 0; target < targets; ++target) {
        const double count = counts.moves[cell * targets + target];
        const double q = rate[target];
        moved += count;
        left -= q;
        if (count > 0 && q > 0) sum += special::log_gamma(count + kappa * q) - special::log_gamma(kappa * q);
      }
      const double weeks = std::max(counts.days[cell] / week, moved);
      left = std::max(left, 1e-3);
      sum += special::log_gamma(kappa) - special::log_gamma(weeks + kappa);
      sum += special::log_gamma(weeks - moved + kappa * left) - special::log_gamma(kappa * left);
      posterior(counts, cell, kappa, rate);
    }
  }
  return sum;
}

double best_concentration(const Counts& counts, const std::vector<double>& weekly) {
  constexpr int points = 41;
  double best = kappa_floor, best_value = -special::infinity;
  for (int i = 0; i < points; ++i) {
    const double kappa =
        kappa_floor * std::pow(kappa_cap / kappa_floor, static_cast<double>(i) / (points - 1));
    const double value = concentration_likelihood(counts, weekly, kappa);
    if (value > best_value) {
      best_value = value;
      best = kappa;
    }
  }
  return best;
}

}  // namespace

std::size_t bucket_of(double days) noexcept {
  std::size_t bucket = bucket_count - 1;
  while (bucket > 0 && days < bucket_start[bucket]) --bucket;
  return bucket;
}

double Counts::total(std::size_t target) const {
  double sum = 0;
  for (std::size_t cell = 0; cell < days.size(); ++cell) sum += moves[cell * targets() + target];
  return sum;
}

Counts count_moves(const Facts& facts, double cut) {
  Counts counts;
  counts.states = facts.states();
  counts.days.assign(counts.states * bucket_count, 0);
  counts.moves.assign(counts.days.size() * counts.targets(), 0);
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    for (std::int64_t at = facts.offsets[deal]; at < facts.offsets[deal + 1]; ++at) {
      const Visit& visit = facts.visits[static_cast<std::size_t>(at)];
      if (visit.enter > cut) break;
      if (visit.state < 0) continue;
      const auto state = static_cast<std::size_t>(visit.state);
      const double origin = origin_of(facts, deal, at);
      const bool last = at + 1 == facts.offsets[deal + 1];
      const double leave = last ? facts.now : facts.visits[static_cast<std::size_t>(at) + 1].enter;
      const bool moved = !last && leave <= cut;
      const double until = std::min(leave, cut);
      add_exposure(counts, state, visit.enter - origin, until - origin);
      if (!moved) continue;
      const std::int32_t next = facts.visits[static_cast<std::size_t>(at) + 1].state;
      if (next == End::gone) continue;
      const std::size_t target = next >= 0          ? static_cast<std::size_t>(next)
                                 : next == End::won ? counts.states
                                                    : counts.states + 1;
      counts.moves[counts.cell(state, bucket_of(until - origin)) * counts.targets() + target] += 1;
    }
  }
  return counts;
}

std::vector<double> Rates::mean() const {
  std::vector<double> per_day(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) per_day[i] = shape[i] / days[i / targets()];
  return per_day;
}

std::vector<double> Rates::drawn(random::Stream& stream) const {
  std::vector<double> per_day(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i)
    per_day[i] = shape[i] > 0 ? stream.gamma(shape[i]) / days[i / targets()] : 0;
  return per_day;
}

Rates shrink(const Counts& counts) {
  const std::vector<double> weekly = pooled_weekly(counts);
  Rates rates;
  rates.states = counts.states;
  rates.kappa = best_concentration(counts, weekly);
  rates.shape.resize(counts.moves.size());
  rates.days.resize(counts.days.size());
  const std::size_t targets = counts.targets();
  std::vector<double> rate(targets);
  for (std::size_t cell = 0; cell < counts.days.size(); ++cell) {
    if (cell % bucket_count == 0)
      std::copy_n(weekly.begin() + static_cast<std::ptrdiff_t>(cell / bucket_count * targets), targets,
                  rate.begin());
    rates.days[cell] = counts.days[cell] + rates.kappa * week;
    for (std::size_t target = 0; target < targets; ++target)
      rates.shape[cell * targets + target] =
          counts.moves[cell * targets + target] + rates.kappa * rate[target];
    posterior(counts, cell, rates.kappa, rate);
  }
  return rates;
}

std::size_t WinTable::age_of(double days) const noexcept {
  const double age = std::max(0.0, days / step);
  return age >= static_cast<double>(ages - 1) ? ages - 1 : static_cast<std::size_t>(age);
}

WinTable win_table(std::span<const double> per_day, std::size_t states, double step,
                   std::span<const int> marks) {
  WinTable table;
  table.states = states;
  table.step = step;
  table.ages = static_cast<std::size_t>(std::ceil(bucket_start.back() / step)) + 1;
  table.values.assign(marks.size() * states * table.ages, 0);
  const std::size_t targets = states + 2;
  // Per step: the chance to stay, and to move to each target.
  std::vector<double> stay(states * bucket_count), move(per_day.size());
  for (std::size_t cell = 0; cell < stay.size(); ++cell) {
    const double* rate = per_day.data() + cell * targets;
    const double all = std::accumulate(rate, rate + targets, 0.0);
    stay[cell] = std::exp(-all * step);
    for (std::size_t target = 0; target < targets; ++target)
      move[cell * targets + target] = all > 0 ? rate[target] / all * (1 - stay[cell]) : 0;
  }
  std::vector<std::size_t> bucket(table.ages);
  for (std::size_t age = 0; age < table.ages; ++age)
    bucket[age] = bucket_of((static_cast<double>(age) + 0.5) * step);
  bucket.back() = bucket_count - 1;
  std::vector<double> now(states * table.ages), next(now.size()), won(bucket_count);
  std::size_t mark = 0;
  while (mark < marks.size() && marks[mark] <= 0) ++mark;
  for (int n = 1; mark < marks.size(); ++n) {
    for (std::size_t state = 0; state < states; ++state) {
      for (std::size_t b = 0; b < bucket_count; ++b) {
        const double* to = move.data() + (state * bucket_count + b) * targets;
        won[b] = to[states];
        for (std::size_t other = 0; other < states; ++other) won[b] += to[other] * now[other * table.ages];
      }
      const double* old = now.data() + state * table.ages;
      double* fresh = next.data() + state * table.ages;
      for (std::size_t age = 0; age < table.ages; ++age)
        fresh[age] = won[bucket[age]] +
                     stay[state * bucket_count + bucket[age]] * old[std::min(age + 1, table.ages - 1)];
    }
    now.swap(next);
    for (; mark < marks.size() && marks[mark] == n; ++mark)
      std::copy(now.begin(), now.end(),
                table.values.begin() + static_cast<std::ptrdiff_t>(mark * now.size()));
  }
  return table;
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
