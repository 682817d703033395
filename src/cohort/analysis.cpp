// Tables of a grid, and payback.
#include <algorithm>
#include <cmath>

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
  const bool rate =
      cohort_detail::is_share(measure) || measure == Measure::nrr || cohort_detail::is_gross(measure);
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
        found[c].age = interpolate && wanted > before ? age + (wanted - before) / (through - before) : age;
        break;
      }
      if (grid.state[cell] != CellState::in_progress) found[c].at_least = static_cast<int>(k) + 1;
    }
  }
  return found;
}

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
