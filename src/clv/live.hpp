// One customer's purchases, drawn: for crowds and for the futures of known customers.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "salesops/clv.hpp"
#include "salesops/clv/dynamic.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

constexpr std::size_t most_purchases = 10'000'000;

/// What one customer does.
struct Habit {
  double rate = 0;  ///< of the events, every `k`-th of which is a purchase
  int k = 1;
  int before = 0;                ///< events since the last purchase
  double p_leave = 0;            ///< after each purchase
  bool leaves_at_first = false;  ///< also after the first one
  double end = special::infinity;
};

inline Habit habit_of(const NBD& m, random::Stream& stream) { return {.rate = stream.gamma(m.r, m.alpha)}; }
template <class M>
Habit beta_geometric(const M& m, int k, bool at_first, random::Stream& stream) {
  const double rate = stream.gamma(m.r, m.alpha);
  return {.rate = rate, .k = k, .p_leave = stream.beta(m.a, m.b), .leaves_at_first = at_first};
}
inline Habit habit_of(const BGNBD& m, random::Stream& stream) { return beta_geometric(m, 1, false, stream); }
inline Habit habit_of(const MBGNBD& m, random::Stream& stream) { return beta_geometric(m, 1, true, stream); }
inline Habit habit_of(const BGCNBD& m, random::Stream& stream) {
  return beta_geometric(m, m.k, false, stream);
}
inline Habit habit_of(const MBGCNBD& m, random::Stream& stream) {
  return beta_geometric(m, m.k, true, stream);
}
inline Habit habit_of(const ParetoNBD& m, random::Stream& stream) {
  const double rate = stream.gamma(m.r, m.alpha);
  return {.rate = rate, .end = stream.exponential(stream.gamma(m.s, m.beta))};
}
inline Habit habit_of(const GGompertzNBD& m, random::Stream& stream) {
  const double rate = stream.gamma(m.r, m.alpha);
  const double share = stream.gamma(m.s, m.beta);
  return {.rate = rate, .end = std::log1p(stream.exponential(share)) / m.b};
}

/// Parts differ in alpha and beta alone. Those of negative weight can't be drawn from: rates come from the
/// others, and stay with the share of their density that is left.
inline Habit habit_of(const ParetoMixture& m, random::Stream& stream) {
  constexpr int most_tries = 100'000;
  double positive = 0;
  for (const double weight : m.weights) positive += std::max(weight, 0.0);
  for (int attempt = 0;; ++attempt) {
    double left = stream.uniform01() * positive;
    std::size_t part = 0;
    for (std::size_t i = 0; i < m.parts.size() && left >= 0; ++i) {
      if (m.weights[i] > 0) part = i;
      left -= std::max(m.weights[i], 0.0);
    }
    const ParetoNBD& from = m.parts[part];
    const double rate = stream.gamma(from.r, from.alpha), leaving = stream.gamma(from.s, from.beta);
    double density = 0, above = 0;
    for (std::size_t i = 0; i < m.parts.size(); ++i) {
      const ParetoNBD& other = m.parts[i];
      const double term =
          m.weights[i] *
          std::exp(other.r * std::log(other.alpha / from.alpha) + other.s * std::log(other.beta / from.beta) -
                   (other.alpha - from.alpha) * rate - (other.beta - from.beta) * leaving);
      density += term;
      above += std::max(term, 0.0);
    }
    if (stream.uniform01() * above < density || attempt == most_tries)
      return {.rate = rate, .end = stream.exponential(leaving)};
  }
}

/// The times of one customer's purchases until `until`, appended; returns when it leaves.
inline double purchase(const Habit& habit, double until, random::Stream& stream, std::vector<double>& times) {
  if (habit.leaves_at_first && stream.bernoulli(habit.p_leave)) return 0;
  const double stop = std::min(until, habit.end);
  const std::size_t before = times.size();
  double t = 0;
  int events = habit.k - habit.before;
  while (true) {
    // A rate of 0 has no next event.
    t += events == 1 ? stream.exponential(habit.rate) : stream.gamma(events, habit.rate);
    events = habit.k;
    if (!(t < stop)) return habit.end;
    if (times.size() - before >= most_purchases)
      throw UsageError(
          "simulate: a customer would buy more than 10,000,000 times; check the unit of alpha and T");
    times.push_back(t);
    if (habit.p_leave > 0 && stream.bernoulli(habit.p_leave)) return t;
  }
}

/// One who is alive, with the events since its last purchase drawn by their weights.
inline Habit habit_of(const LivingCNBD& m, random::Stream& stream) {
  const auto ignore = [](int, double) noexcept {};
  double left = stream.uniform01() * detail::progress(m.r, m.waited, m.k, ignore);
  int before = 0;
  detail::progress(m.r, m.waited, m.k, [&](int j, double weight) noexcept {
    if (left >= 0) before = j;
    left -= weight;
  });
  return {.rate = stream.gamma(m.r + before, m.alpha),
          .k = m.k,
          .before = before,
          .p_leave = stream.beta(m.a, m.b)};
}

template <class M>
double live(const M& m, double until, random::Stream& stream, std::vector<double>& times) {
  return purchase(habit_of(m, stream), until, stream, times);
}

/// Opportunities 1, 2, …: first it may leave, then it may buy.
inline double live(const BGBB& m, double until, random::Stream& stream, std::vector<double>& times) {
  const double p = stream.beta(m.alpha, m.beta);
  const double theta = stream.beta(m.gamma, m.delta);
  for (double t = 1; t <= until; ++t) {
    if (stream.bernoulli(theta)) return t - 0.5;
    if (stream.bernoulli(p)) times.push_back(t);
  }
  return special::infinity;
}

/// A customer whose rates have factors that change.
struct DynamicCustomer {
  ParetoNBD model;
  std::span<const Pace> paces;
};

/// When a clock that runs at `rate(pace)` shows each of the rising `readings`, put in their place; +∞ after
/// the last pace.
template <class Rate>
void turn_back(std::span<const Pace> paces, const Rate& rate, std::span<double> readings) {
  double begin = 0;
  double shown = 0;
  std::size_t next = 0;
  for (const Pace& pace : paces) {
    const double end = shown + rate(pace) * pace.length;
    for (; next < readings.size() && readings[next] < end; ++next)
      readings[next] = begin + std::min((readings[next] - shown) / rate(pace), pace.length);
    begin += pace.length;
    shown = end;
  }
  for (; next < readings.size(); ++next) readings[next] = special::infinity;
}

/// A plain customer on the clock of purchases, until it leaves on the clock of leaving.
inline double live(const DynamicCustomer& m, double until, random::Stream& stream,
                   std::vector<double>& times) {
  Habit habit = habit_of(m.model, stream);
  double leaves = habit.end;
  turn_back(m.paces, [](const Pace& pace) { return pace.leave; }, {&leaves, 1});
  double shown = 0;
  detail::for_paces(m.paces, 0, std::min(leaves, until),
                    [&](const Pace& pace, double length) { shown += pace.buy * length; });
  const std::size_t start = times.size();
  habit.end = special::infinity;
  purchase(habit, shown, stream, times);
  const std::span<double> own = std::span(times).subspan(start);
  turn_back(m.paces, [](const Pace& pace) { return pace.buy; }, own);
  for (double& t : own) t = std::min(t, until);
  return leaves;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
