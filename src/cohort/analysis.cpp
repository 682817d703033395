// Tables of a grid, payback, and segments compared.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "grid.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort {

namespace {

using special::not_a_number;

/// A column of doubles in which NaN is null.
Column nullable(std::vector<double> values) {
  std::vector<std::uint8_t> valid(values.size());
  std::transform(values.begin(), values.end(), valid.begin(),
                 [](double value) { return static_cast<std::uint8_t>(!std::isnan(value)); });
  return Column::of(Type::float64, std::move(values), valid);
}

}  // namespace

Table Retention::to_table() const {
  const std::size_t cells = value.size();
  std::vector<std::string> segment, cohort_label, period, age, states;
  std::vector<std::int64_t> numbers;
  std::vector<std::uint8_t> begun, named;
  for (std::size_t cell_at = 0; cell_at < cells; ++cell_at) {
    const std::size_t k = cell_at % ages.size();
    const std::size_t c = cell_at / ages.size() % cohorts.size();
    const std::size_t at = c + static_cast<std::size_t>(first_age[k]);
    const bool calendar = measure != Measure::window && at < cohorts.size();
    segment.push_back(segments[cell_at / ages.size() / cohorts.size()]);
    cohort_label.push_back(cohorts[c]);
    period.push_back(calendar ? cohorts[at] : "");
    named.push_back(calendar ? 1 : 0);
    age.push_back(ages[k]);
    numbers.push_back(first_age[k]);
    begun.push_back(state[cell_at] == CellState::unobserved ? 0 : 1);
    states.emplace_back(state_name(state[cell_at]));
  }
  std::vector<std::pair<std::string, Column>> columns;
  if (segments.size() > 1 || !segments.front().empty())
    columns.emplace_back("segment", Column::of_strings(segment));
  columns.emplace_back("cohort", Column::of_strings(cohort_label));
  columns.emplace_back("period", Column::of_strings(period, named));
  columns.emplace_back("k", measure == Measure::bracket ? Column::of_strings(age)
                                                        : Column::of(Type::int64, std::move(numbers)));
  columns.emplace_back("n", Column::of(Type::int64, n, begun));
  columns.emplace_back("active", Column::of(Type::int64, active, begun));
  if (measure == Measure::count) columns.emplace_back("events", Column::of(Type::int64, events, begun));
  if (has_amount && !amount.empty()) {
    Column money = Column::of(Type::money, amount, begun);
    columns.emplace_back("amount", money.with_currency(currency.empty() ? "XXX" : currency));
  }
  const bool rate = cohort_detail::is_share(measure) || measure == Measure::nrr ||
                    measure == Measure::grr_point || measure == Measure::grr_path;
  columns.emplace_back(rate ? "rate" : "value", nullable(value));
  columns.emplace_back("low", nullable(low));
  columns.emplace_back("high", nullable(high));
  columns.emplace_back("state", Column::of_strings(states));
  return Table(std::move(columns));
}

Table Retention::pooled_table() const {
  std::vector<std::string> segment, age;
  std::vector<std::int64_t> numbers, n_cohorts, people, n_active;
  std::vector<double> weighted, lows, highs, simple;
  for (std::size_t i = 0; i < pooled.size(); ++i) {
    const std::size_t k = i % ages.size();
    segment.push_back(segments[i / ages.size()]);
    age.push_back(ages[k]);
    numbers.push_back(first_age[k]);
    n_cohorts.push_back(pooled[i].cohorts);
    people.push_back(pooled[i].n);
    n_active.push_back(pooled[i].active);
    weighted.push_back(pooled[i].weighted);
    lows.push_back(pooled[i].low);
    highs.push_back(pooled[i].high);
    simple.push_back(pooled[i].simple);
  }
  std::vector<std::pair<std::string, Column>> columns;
  if (segments.size() > 1 || !segments.front().empty())
    columns.emplace_back("segment", Column::of_strings(segment));
  columns.emplace_back("k", measure == Measure::bracket ? Column::of_strings(age)
                                                        : Column::of(Type::int64, std::move(numbers)));
  columns.emplace_back("cohorts", Column::of(Type::int64, std::move(n_cohorts)));
  columns.emplace_back("n", Column::of(Type::int64, std::move(people)));
  columns.emplace_back("active", Column::of(Type::int64, std::move(n_active)));
  columns.emplace_back("weighted", nullable(std::move(weighted)));
  columns.emplace_back("low", nullable(std::move(lows)));
  columns.emplace_back("high", nullable(std::move(highs)));
  columns.emplace_back("simple", nullable(std::move(simple)));
  return Table(std::move(columns));
}

std::vector<std::vector<double>> Retention::triangle(std::size_t segment) const {
  if (measure != Measure::classic)
    throw UsageError("a triangle holds customers still active: it comes from the measure classic");
  if (segment >= segments.size()) throw UsageError("there is no such segment");
  std::vector<std::vector<double>> lists;
  for (std::size_t c = 0; c < cohorts.size(); ++c) {
    std::vector<double> left;
    for (std::size_t k = 0; k < ages.size() && state[cell(segment, c, k)] == CellState::complete; ++k)
      left.push_back(static_cast<double>(active[cell(segment, c, k)]));
    if (!left.empty() && left.front() > 0) lists.push_back(std::move(left));
  }
  return lists;
}

// ---- payback ----

std::vector<Payback> payback(const Retention& grid, const std::vector<double>& cost, double margin,
                             bool interpolate, std::size_t segment) {
  if (!grid.has_amount) throw UsageError("payback adds amounts; read the grid with an amount column");
  if (grid.measure == Measure::bracket || grid.measure == Measure::window)
    throw UsageError("payback goes by the periods of the calendar, not by brackets or windows");
  if (!grid.first_age.empty() && grid.first_age.front() != 0)
    throw UsageError("payback needs age 0, which this measure lacks; use ltv or classic");
  if (segment >= grid.segments.size()) throw UsageError("there is no such segment");
  if (cost.size() != grid.cohorts.size())
    throw UsageError("payback needs one cost a cohort: " + std::to_string(grid.cohorts.size()) + ", not " +
                     std::to_string(cost.size()));
  if (!(margin > 0 && margin <= 1)) throw UsageError("margin is a share above 0 and at most 1");
  const int digits = grid.currency.empty() ? 2 : Currency::from(grid.currency).exponent();
  const auto per_major = static_cast<double>(detail::power_of_ten(digits));
  std::vector<Payback> found(grid.cohorts.size());
  for (std::size_t c = 0; c < found.size(); ++c) {
    const std::int64_t size = grid.size[segment * grid.cohorts.size() + c];
    if (size == 0 || std::isnan(cost[c])) continue;
    if (!(cost[c] >= 0 && cost[c] < special::infinity)) throw UsageError("a cost is a number of 0 or more");
    const double wanted = cost[c] * static_cast<double>(size) * per_major;
    double through = 0;
    for (std::size_t k = 0; k < grid.ages.size(); ++k) {
      const std::size_t cell = grid.cell(segment, c, k);
      if (grid.state[cell] == CellState::unobserved) break;
      const double before = through;
      through += static_cast<double>(grid.amount[cell]) * margin;
      if (through >= wanted) {
        const auto age = static_cast<double>(k);
        found[c].age = interpolate && k > 0 ? age - 1 + (wanted - before) / (through - before) : age;
        break;
      }
      if (grid.state[cell] != CellState::in_progress) found[c].at_least = static_cast<int>(k) + 1;
    }
  }
  return found;
}

// ---- segments ----

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

/// Cochran, Mantel, Haenszel: what one segment has more than expected, over the cohorts.
std::optional<Comparison> test(const Retention& grid, std::size_t first, std::size_t second,
                               std::size_t age) {
  double excess = 0, variance = 0, n1 = 0, n2 = 0, active1 = 0, active2 = 0;
  for (std::size_t c = 0; c < grid.cohorts.size(); ++c) {
    const std::size_t a = grid.cell(first, c, age), b = grid.cell(second, c, age);
    const auto over = [&](std::size_t cell) {
      return grid.n[cell] > 0 &&
             (grid.state[cell] == CellState::complete || grid.state[cell] == CellState::may_grow);
    };
    if (!over(a) || !over(b)) continue;
    const auto of_a = static_cast<double>(grid.n[a]), of_b = static_cast<double>(grid.n[b]);
    const auto in_a = static_cast<double>(grid.active[a]), in_b = static_cast<double>(grid.active[b]);
    const double all = of_a + of_b, active = in_a + in_b;
    n1 += of_a;
    n2 += of_b;
    active1 += in_a;
    active2 += in_b;
    excess += in_a - of_a * active / all;
    if (all > 1) variance += of_a * of_b * active * (all - active) / (all * all * (all - 1));
  }
  if (!(variance > 0)) return std::nullopt;
  Comparison found{first, second, age, active1 / n1, active2 / n2};
  found.statistic = excess * excess / variance;
  found.p_value = std::erfc(std::sqrt(found.statistic / 2));
  return found;
}

}  // namespace

std::vector<Comparison> compare(const Retention& grid, Correction correction) {
  if (!cohort_detail::is_share(grid.measure))
    throw UsageError(
        "segments are compared by shares of customers: classic, unbounded, bracket, window, previous");
  if (grid.segments.size() < 2)
    throw UsageError("there is one segment only; name the column of segments with by");
  if (grid.customers_repeat)
    throw UsageError("with recurring entry a customer is in several cohorts, so the test doesn't hold");
  std::vector<Comparison> found;
  std::vector<double> p_values;
  for (std::size_t a = 0; a < grid.segments.size(); ++a)
    for (std::size_t b = a + 1; b < grid.segments.size(); ++b)
      for (std::size_t k = 0; k < grid.ages.size(); ++k)
        if (const auto one = test(grid, a, b, k)) {
          found.push_back(*one);
          p_values.push_back(one->p_value);
        }
  const std::vector<double> corrected = adjusted(p_values, correction);
  for (std::size_t i = 0; i < found.size(); ++i) found[i].p_adjusted = corrected[i];
  return found;
}

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
