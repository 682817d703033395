// Segments compared, and how sure their money is.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "grid.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

using cohort::Measure;
using special::not_a_number;

namespace {

/// Σ over a cohort's customers at one age, of numerators v and denominators b.
struct Moments {
  double v = 0, b = 0, vv = 0, vb = 0, bb = 0;

  void add(double value, double base) noexcept {
    v += value;
    b += base;
    vv += value * value;
    vb += value * base;
    bb += base * base;
  }
  /// Of v/b over customers drawn anew: √(Σ (v − R·b)² · n/(n−1)) ÷ Σ b.
  [[nodiscard]] double error(double customers) const noexcept {
    if (!(b > 0) || customers < 2) return not_a_number;
    const double ratio = v / b;
    const double squares = std::max(0.0, vv - 2 * ratio * vb + ratio * ratio * bb);
    return std::sqrt(squares * customers / (customers - 1)) / b;
  }
};

}  // namespace

std::vector<double> ratio_errors(const Sums& sums, const Plan& plan, const std::vector<Lots>& lots,
                                 double minor_per_major) {
  const Measure measure = plan.options.measure;
  std::vector<double> errors(sums.n.size(), not_a_number);
  if (measure == Measure::sum || !is_money(measure)) return errors;
  const double unit = measure == Measure::ltv || measure == Measure::mean ? minor_per_major : 1;
  std::vector<double> value(sums.ages), base(sums.ages);
  std::vector<Moments> moments(sums.ages);
  for (std::size_t row = 0; row < lots.size(); ++row) {
    const Lots& mine = lots[row];
    std::fill(moments.begin(), moments.end(), Moments{});
    for (std::size_t i = 0; i + 1 < mine.begins.size(); ++i) {
      tick(i);
      std::fill(value.begin(), value.end(), 0.0);
      std::fill(base.begin(), base.end(), measure == Measure::ltv ? 1.0 : 0.0);
      for (std::size_t j = mine.begins[i]; j < mine.begins[i + 1]; ++j) {
        value[mine.lots[j].age] = static_cast<double>(mine.lots[j].value) / unit;
        if (measure == Measure::mean) base[mine.lots[j].age] = mine.lots[j].base;
      }
      if (measure == Measure::ltv)
        std::partial_sum(value.begin(), value.end(), value.begin());
      else if (measure != Measure::mean)
        std::fill(base.begin(), base.end(), value[0]);
      for (std::size_t k = 0; k < sums.ages; ++k) moments[k].add(value[k], base[k]);
    }
    for (std::size_t k = 0; k < sums.ages; ++k)
      errors[row * sums.ages + k] = moments[k].error(static_cast<double>(mine.begins.size()) - 1);
  }
  return errors;
}

}  // namespace cohort_detail

namespace cohort {

std::vector<double> adjusted(const std::vector<double>& p_values, Correction correction) {
  for (const double p : p_values)
    if (!(p >= 0 && p <= 1)) throw UsageError("a p-value lies between 0 and 1");
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p_values[a] < p_values[b]; });
  std::vector<double> out = p_values;
  const std::size_t m = order.size();
  if (correction == Correction::holm) {
    double most = 0;
    for (std::size_t i = 0; i < m; ++i) {
      most = std::max(most, std::min(1.0, p_values[order[i]] * static_cast<double>(m - i)));
      out[order[i]] = most;
    }
  } else if (correction == Correction::benjamini_hochberg) {
    double least = 1;
    for (std::size_t i = m; i-- > 0;) {
      least = std::min(least, p_values[order[i]] * static_cast<double>(m) / static_cast<double>(i + 1));
      out[order[i]] = least;
    }
  }
  return out;
}

namespace {

/// Complete cells of two segments at one age, cohort by cohort.
template <class Work>
void each_pair(const Retention& grid, Comparison& pair, const Work& work) {
  const auto over = [&](std::size_t cell) {
    return grid.n[cell] > 0 &&
           (grid.state[cell] == CellState::complete || grid.state[cell] == CellState::may_grow);
  };
  for (std::size_t c = 0; c < grid.cohorts.size(); ++c) {
    const std::size_t a = grid.cell(pair.first, c, pair.age), b = grid.cell(pair.second, c, pair.age);
    if (!over(a) || !over(b) || !work(a, b)) continue;
    pair.n_first += grid.n[a];
    pair.n_second += grid.n[b];
  }
}

/// Cochran, Mantel, Haenszel: what one segment has more than expected, over the cohorts.
double compare_shares(const Retention& grid, Comparison& pair) {
  double excess = 0, variance = 0, active_first = 0, active_second = 0;
  each_pair(grid, pair, [&](std::size_t a, std::size_t b) {
    const auto of_a = static_cast<double>(grid.n[a]), of_b = static_cast<double>(grid.n[b]);
    const auto in_a = static_cast<double>(grid.active[a]), in_b = static_cast<double>(grid.active[b]);
    const double all = of_a + of_b, active = in_a + in_b;
    active_first += in_a;
    active_second += in_b;
    excess += in_a - of_a * active / all;
    if (all > 1) variance += of_a * of_b * active * (all - active) / (all * all * (all - 1));
    return true;
  });
  pair.value_first = active_first / static_cast<double>(pair.n_first);
  pair.value_second = active_second / static_cast<double>(pair.n_second);
  return excess * excess / variance;
}

/// Differences of the cohorts' ratios, weighted by what they rest on, as Mantel and Haenszel weigh shares.
double compare_ratios(const Retention& grid, Comparison& pair) {
  const auto base_of = [&](std::size_t cell) {
    if (cohort_detail::is_gross(grid.measure))
      return static_cast<double>(grid.kept_base[cell / grid.ages.size()]);
    return static_cast<double>(grid.measure == Measure::nrr ? grid.amount[cell - pair.age] : grid.n[cell]);
  };
  double difference = 0, variance = 0, value_first = 0, value_second = 0, base_first = 0, base_second = 0;
  each_pair(grid, pair, [&](std::size_t a, std::size_t b) {
    const double of_a = base_of(a), of_b = base_of(b);
    const double spread = grid.std_error[a] * grid.std_error[a] + grid.std_error[b] * grid.std_error[b];
    if (!(of_a > 0) || !(of_b > 0) || std::isnan(spread + grid.value[a] + grid.value[b])) return false;
    const double weight = of_a * of_b / (of_a + of_b);
    difference += weight * (grid.value[a] - grid.value[b]);
    variance += weight * weight * spread;
    value_first += of_a * grid.value[a];
    value_second += of_b * grid.value[b];
    base_first += of_a;
    base_second += of_b;
    return true;
  });
  pair.value_first = value_first / base_first;
  pair.value_second = value_second / base_second;
  return difference * difference / variance;
}

}  // namespace

std::vector<Comparison> compare(const Retention& grid, Correction correction) {
  const bool share = cohort_detail::is_share(grid.measure);
  if (grid.measure == Measure::sum || grid.measure == Measure::count)
    throw UsageError("totals grow with the number of customers; compare segments by ltv, mean or a share");
  if (!share && grid.std_error.empty())
    throw UsageError("the test needs each customer's amounts: read the grid with the bootstrap interval");
  if (grid.segments.size() < 2)
    throw UsageError("there is one segment only; name the column of segments with by");
  if (grid.customers_repeat)
    throw UsageError("with recurring entry a customer is in several cohorts, so the test doesn't hold");
  std::vector<Comparison> found;
  std::vector<double> p_values;
  for (std::size_t a = 0; a < grid.segments.size(); ++a)
    for (std::size_t b = a + 1; b < grid.segments.size(); ++b)
      for (std::size_t k = 0; k < grid.ages.size(); ++k) {
        Comparison pair{.first = a, .second = b, .age = k};
        pair.statistic = share ? compare_shares(grid, pair) : compare_ratios(grid, pair);
        if (!std::isfinite(pair.statistic)) continue;  // nothing in which they could differ
        pair.p_value = std::erfc(std::sqrt(pair.statistic / 2));
        p_values.push_back(pair.p_value);
        found.push_back(pair);
      }
  const std::vector<double> corrected = adjusted(p_values, correction);
  for (std::size_t i = 0; i < found.size(); ++i) found[i].p_adjusted = corrected[i];
  return found;
}

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
