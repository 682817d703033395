#include "salesops/survival/curves.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "rows.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

namespace {

bool is_known(std::span<const double> time, std::span<const double> survival, double t) {
  return !std::isnan(t) && !time.empty() && (t <= time.back() || survival.back() == 0);
}

}  // namespace

// ---- Kaplan–Meier ---------------------------------------------------------------------------------

KaplanMeier kaplan_meier(std::span<const double> durations, std::span<const std::uint8_t> events,
                         const Options& options) {
  check(durations, events, 1, options.entry, options.weights);
  const double z = stats::normal_multiplier(options.level);
  EventTable table = event_table(durations, events, 2, options);
  KaplanMeier curve;
  curve.level = options.level;
  curve.interval = options.interval;
  curve.rows = static_cast<std::int64_t>(durations.size());
  for (auto* column : {&curve.survival, &curve.std_error, &curve.low, &curve.high})
    column->resize(table.size());
  curve.events = std::move(table.ended[1]);
  curve.censored = std::move(table.ended[0]);
  // Divisions and the band's logarithms are taken in blocks, on all threads; only products and sums go from
  // time to time.
  constexpr std::size_t block = 8192;
  for_rows(table.size(), block, {}, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const double n = table.at_risk[i];
      const double d = curve.events[i];
      const double left = stay(n, d);
      curve.survival[i] = n > 0 ? left / n : 1;
      curve.std_error[i] = left > 0 ? d / (n * left) : 0;
    }
  });
  double survival = 1;
  double spread = 0;  // Σ d/(n(n−d)), the variance of ln S
  for (std::size_t i = 0; i < table.size(); ++i) {
    curve.survival[i] = survival *= curve.survival[i];
    curve.std_error[i] = spread += curve.std_error[i];
  }
  for_rows(table.size(), block, {}, [&](std::size_t first, std::size_t last) {
    Bands bands(z, options.interval);
    for (std::size_t i = first; i < last; ++i) {
      curve.std_error[i] = curve.survival[i] * std::sqrt(curve.std_error[i]);
      const Band band = bands(curve.survival[i], curve.std_error[i]);
      curve.low[i] = band.low;
      curve.high[i] = band.high;
    }
  });
  // Where the curve reaches 0 the high end stays: the share can't grow.
  for (std::size_t i = 0; i < table.size(); ++i)
    if (curve.survival[i] <= 0) curve.high[i] = i > 0 ? curve.high[i - 1] : 1;
  curve.time = std::move(table.time);
  curve.at_risk = std::move(table.at_risk);
  return curve;
}

std::optional<double> KaplanMeier::at(double t) const {
  if (!is_known(time, survival, t)) return std::nullopt;
  const auto step = step_at(time, t);
  return step ? survival[*step] : 1;
}

TimeEstimate KaplanMeier::quantile(double probability) const {
  if (!(probability > 0 && probability < 1))
    throw UsageError("probability must lie between 0 and 1, ends left out");
  // Products of ratios may miss a level by rounding: 1 − 1/2 must be met by 0.5000000000000001.
  const double level_met = (1 - probability) * (1 + 1e-12);
  const auto passes = [&](std::span<const double> curve) -> std::optional<double> {
    const auto found = std::find_if(curve.begin(), curve.end(), [&](double s) { return s <= level_met; });
    if (found == curve.end()) return std::nullopt;
    return time[static_cast<std::size_t>(found - curve.begin())];
  };
  return {passes(survival), passes(low), passes(high)};
}

std::optional<MeanEstimate> KaplanMeier::rmst(double until) const {
  if (!(until > 0) || std::isinf(until)) throw UsageError("until must be a finite time above 0");
  if (!is_known(time, survival, until)) return std::nullopt;
  const auto step = step_at(time, until);
  // Area to the right of each time, from the last one backwards.
  double area = 0;
  double variance = 0;
  double right = until;
  for (std::size_t i = step ? *step + 1 : 0; i-- > 0;) {
    area += (right - time[i]) * survival[i];
    if (at_risk[i] > events[i]) variance += area * area * events[i] / (at_risk[i] * (at_risk[i] - events[i]));
    right = time[i];
  }
  area += right;
  const double std_error_of_mean = std::sqrt(variance);
  const double half = stats::normal_multiplier(level) * std_error_of_mean;
  return MeanEstimate{area, std_error_of_mean, std::max(0.0, area - half), std::min(until, area + half)};
}

// ---- Nelson–Aalen ---------------------------------------------------------------------------------

namespace {

/// What the events of one time add to the hazard and to its variance.
struct Step {
  double hazard = 0;
  double variance = 0;
};

/// d events among n, one after the other: Σ 1/(n − j) and Σ 1/(n − j)², j < d; part of an event comes last.
Step in_turn(double n, double d) {
  Step step;
  double before = 0;
  // While many are left, sums of equal steps are integrals (Euler & Maclaurin; errors below 1e-14).
  const double many = std::floor(std::min(d, n - 1000));
  if (many > 0) {
    const double first = n + 0.5;
    const double last = first - many;
    step.hazard = std::log1p(many / last) + (1 / (first * first) - 1 / (last * last)) / 24;
    step.variance = many / (first * last) + (1 / (first * first * first) - 1 / (last * last * last)) / 12;
    before = many;
  }
  for (; d - before > 1e-9; ++before) {
    const double share = std::min(1.0, d - before);
    const double left = n - before;
    step.hazard += share / left;
    step.variance += share / (left * left);
  }
  return step;
}

}  // namespace

NelsonAalen nelson_aalen(std::span<const double> durations, std::span<const std::uint8_t> events,
                         const Options& options, TiedEvents ties) {
  check(durations, events, 1, options.entry, options.weights);
  const double z = stats::normal_multiplier(options.level);
  EventTable table = event_table(durations, events, 2, options);
  NelsonAalen curve;
  curve.level = options.level;
  curve.ties = ties;
  curve.rows = static_cast<std::int64_t>(durations.size());
  double hazard = 0;
  double variance = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double n = table.at_risk[i];
    const double d = table.ended[1][i];
    if (d > 0) {
      const Step step = ties == TiedEvents::in_turn ? in_turn(n, d) : Step{d / n, d / (n * n)};
      hazard += step.hazard;
      variance += step.variance;
    }
    const double error = std::sqrt(variance);
    const double factor = hazard > 0 ? std::exp(z * error / hazard) : 1;
    curve.cumulative_hazard.push_back(hazard);
    curve.std_error.push_back(error);
    curve.low.push_back(hazard / factor);
    curve.high.push_back(hazard * factor);
  }
  curve.events = std::move(table.ended[1]);
  curve.censored = std::move(table.ended[0]);
  curve.time = std::move(table.time);
  curve.at_risk = std::move(table.at_risk);
  return curve;
}

// ---- Aalen–Johansen -------------------------------------------------------------------------------

namespace {

/// The variance of one incidence, kept up to date by sums over past times of powers of F(t) − F(tᵢ).
struct IncidenceVariance {
  double a0 = 0, a1 = 0, a2 = 0;  ///< Σ d/(n(n−d)) (F − Fᵢ)^0,1,2
  double b0 = 0, b1 = 0;          ///< Σ S d_k/n² (F − Fᵢ)^0,1
  double own = 0;                 ///< Σ S² d_k (n − d_k)/n³

  void step(double grown, double before, double n, double d, double of_cause) {
    a2 += grown * (2 * a1 + grown * a0);
    a1 += grown * a0;
    b1 += grown * b0;
    if (const double left = stay(n, d); left > 0) a0 += d / (n * left);
    b0 += before * of_cause / (n * n);
    own += before * before * of_cause * std::max(0.0, n - of_cause) / (n * n * n);
  }
  [[nodiscard]] double value() const { return std::max(0.0, a2 - 2 * b1 + own); }
};

}  // namespace

AalenJohansen aalen_johansen(std::span<const double> durations, std::span<const std::uint8_t> events,
                             const Options& options, std::size_t causes) {
  if (causes == 0)
    causes = events.empty() ? 1 : std::max<std::size_t>(1, *std::max_element(events.begin(), events.end()));
  if (causes > 255) throw UsageError("causes must be at most 255");
  check(durations, events, causes, options.entry, options.weights);
  const double z = stats::normal_multiplier(options.level);
  EventTable table = event_table(durations, events, causes + 1, options);
  AalenJohansen result;
  result.level = options.level;
  result.interval = options.interval;
  result.rows = static_cast<std::int64_t>(durations.size());
  result.causes.resize(causes);
  std::vector<IncidenceVariance> variances(causes);
  std::vector<double> incidence(causes, 0.0);
  std::vector<double> seen(causes + 1);
  double survival = 1;
  std::vector<Bands> bands(causes, Bands(z, options.interval));
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (std::size_t code = 0; code <= causes; ++code) seen[code] = table.ended[code][i];
    const double n = table.at_risk[i];
    const double d = std::accumulate(seen.begin() + 1, seen.end(), 0.0);
    for (std::size_t k = 0; k < causes; ++k) {
      const double grown = survival * seen[k + 1] / n;
      if (d > 0) variances[k].step(grown, survival, n, d, seen[k + 1]);
      incidence[k] = std::min(1.0, incidence[k] + grown);
      const double error = std::sqrt(variances[k].value());
      const Band band = bands[k](incidence[k], error);
      Incidence& cause = result.causes[k];
      cause.incidence.push_back(incidence[k]);
      cause.std_error.push_back(error);
      cause.low.push_back(band.low);
      cause.high.push_back(band.high);
    }
    if (d > 0) survival *= stay(n, d) / n;
    result.survival.push_back(survival);
  }
  result.censored = std::move(table.ended[0]);
  for (std::size_t k = 0; k < causes; ++k) result.causes[k].events = std::move(table.ended[k + 1]);
  result.time = std::move(table.time);
  result.at_risk = std::move(table.at_risk);
  return result;
}

std::optional<double> AalenJohansen::at(double t, std::size_t cause) const {
  if (cause < 1 || cause > causes.size())
    throw UsageError("cause must lie between 1 and " + std::to_string(causes.size()));
  if (!is_known(time, survival, t)) return std::nullopt;
  const auto step = step_at(time, t);
  return step ? causes[cause - 1].incidence[*step] : 0;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
