/// @file curves.hpp
/// Shares, risks and outcomes over time.
///
/// | business question                                            | here              |
/// |--------------------------------------------------------------|-------------------|
/// | what share of customers is still here after 12 months?       | `kaplan_meier`    |
/// | how long until half of the leads have a first answer?        | `KaplanMeier::median` |
/// | how many of the deals will be won, and lost, by day 90?      | `aalen_johansen`  |
/// | how much risk has a contract gone through?                   | `nelson_aalen`    |
/// | where does the whole curve lie, not one point of it?         | `confidence_band` |
///
/// A row is one deal, customer or lead: `durations[i]` is the time until its event or, when
/// `events[i]` is 0, until it was last seen (censored). Any unit of time; results use the same.
///
/// `entry[i]` (left truncation) says that the row was first seen at that age, as deals imported
/// mid-life are: it is at risk during (entry, duration]. An entry of 0 is no truncation. `weights` are
/// frequencies: weight 2 counts as two equal rows.
///
/// Ties are exact: at one time events come before censorings, and competing events share the risk set.
/// Nothing is drawn at random. Cost: a linear-time sort of the durations, then one pass.
///
/// Errors: `UsageError` that names the argument, how many rows are wrong and the first of them, for
/// negative or non-finite durations, entries at or after the duration, weights that are not above 0,
/// codes out of range, lengths that differ, and no rows at all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "salesops/large_vector.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

/// How the standard error becomes an interval. Names the scale on which it is symmetric.
enum class IntervalKind : std::uint8_t { log_log, log, plain, arcsine };

struct Options {
  std::span<const double> entry = {};
  std::span<const double> weights = {};
  double level = 95;  ///< percent, pointwise
  IntervalKind interval = IntervalKind::log_log;
};

/// A time with its interval; an end is missing where the curve's band never gets there.
struct TimeEstimate {
  std::optional<double> estimate;
  std::optional<double> low;
  std::optional<double> high;
};

struct MeanEstimate {
  double estimate = 0;
  double std_error = 0;
  double low = 0;
  double high = 0;
};

/// The share that lasts beyond each time; one row a distinct duration, ascending.
struct KaplanMeier {
  LargeVector<double> time;
  LargeVector<double> at_risk;    ///< just before `time`
  LargeVector<double> events;     ///< at `time`
  LargeVector<double> censored;   ///< at `time`
  LargeVector<double> survival;   ///< P(T > time)
  LargeVector<double> std_error;  ///< Greenwood; 0 once the curve is 0
  LargeVector<double> low;
  LargeVector<double> high;
  double level = 95;
  IntervalKind interval = IntervalKind::log_log;
  std::int64_t rows = 0;

  /// P(T > t). Nothing for NaN and for times past the last duration, unless the curve has reached 0.
  [[nodiscard]] std::optional<double> at(double t) const;
  /// The smallest time by which the share `probability` has had the event, with Brookmeyer and
  /// Crowley's interval (1982): the times at which the band passes 1 − probability.
  [[nodiscard]] TimeEstimate quantile(double probability) const;
  [[nodiscard]] TimeEstimate median() const { return quantile(0.5); }
  /// Restricted mean ∫₀^until P(T > t) dt: time lasted on average, counting no further than `until`.
  /// Variance Σ A(tᵢ)² dᵢ/(nᵢ(nᵢ−dᵢ)) with A(t) = ∫_t^until S (Klein & Moeschberger 2003, 4.5).
  /// Nothing when `until` lies past the last duration, unless the curve has reached 0.
  [[nodiscard]] std::optional<MeanEstimate> rmst(double until) const;
};

/// Kaplan and Meier (1958): S(t) = Π_{tᵢ ≤ t} (1 − dᵢ/nᵢ), standard error by Greenwood (1926):
/// S √Σ dᵢ/(nᵢ(nᵢ−dᵢ)). The band is 1 before the first event; where the curve reaches 0, `low` is 0 and
/// `high` stays where it was, for the share can't grow. `events`: 1 = event, 0 = censored.
///
/// Not for outcomes of which only one can happen: losses counted as censored overstate the wins. Use
/// `aalen_johansen`. With late entries a risk set that runs empty early holds the curve at 0 for ever:
/// look at `at_risk`.
[[nodiscard]] KaplanMeier kaplan_meier(std::span<const double> durations,
                                       std::span<const std::uint8_t> events, const Options& options = {});

/// Which of the bands that hold for the whole curve at once.
enum class BandKind : std::uint8_t {
  hall_wellner,     ///< widest relative to the pointwise one where little has happened (1980)
  equal_precision,  ///< the pointwise band, wider by one factor (Nair 1984)
};

/// A band that holds the whole curve between two times with the level, not just each point of it.
struct ConfidenceBand {
  LargeVector<double> time;  ///< event times; `equal_precision`: those with a from 0.05 to 0.95
  LargeVector<double> low;
  LargeVector<double> high;
  double critical = 0;  ///< quantile of the largest deviation, in standard errors for `equal_precision`
  BandKind kind = BandKind::equal_precision;
};

/// Confidence band of a Kaplan–Meier curve, on the scale of its intervals. With σ² = Σ d/(n(n−d)) and
/// a = nσ²/(1+nσ²), n rows, the standard error Sσ is multiplied by c (equal precision), or c·S(1+nσ²)/√n
/// stands in its place (Hall–Wellner). c is the quantile of sup |B(a)|/√(a(1−a)) over the a of the band, or
/// of sup |B(a)| up to its last a, for a Brownian bridge B, from its diffusion equation (error below 1e-3).
/// Near a = 0 and 1 samples are too small for the normal law behind it: equal precision leaves these ends
/// out.
[[nodiscard]] ConfidenceBand confidence_band(const KaplanMeier& curve,
                                             BandKind kind = BandKind::equal_precision);

/// What happens with several events at one time: together (Nelson, Aalen), or one after the other
/// (Fleming and Harrington 1984), which fits durations that were rounded. In turn, a weight of 2 takes two
/// turns; R's `survfit(ctype = 2)` gives each row one, whatever it weighs.
enum class TiedEvents : std::uint8_t { together, in_turn };

struct NelsonAalen {
  LargeVector<double> time;
  LargeVector<double> at_risk;
  LargeVector<double> events;
  LargeVector<double> censored;
  LargeVector<double> cumulative_hazard;
  LargeVector<double> std_error;
  LargeVector<double> low;
  LargeVector<double> high;
  double level = 95;
  TiedEvents ties = TiedEvents::together;
  std::int64_t rows = 0;
};

/// Nelson (1972) and Aalen (1978): H(t) = Σ_{tᵢ ≤ t} dᵢ/nᵢ with variance Σ dᵢ/nᵢ². The band is
/// symmetric for ln H; `options.interval` is not used.
[[nodiscard]] NelsonAalen nelson_aalen(std::span<const double> durations,
                                       std::span<const std::uint8_t> events, const Options& options = {},
                                       TiedEvents ties = TiedEvents::together);

/// Share of rows that ended by one cause, by time.
struct Incidence {
  LargeVector<double> events;  ///< of this cause, at each time
  LargeVector<double> incidence;
  LargeVector<double> std_error;
  LargeVector<double> low;
  LargeVector<double> high;
};

struct AalenJohansen {
  LargeVector<double> time;
  LargeVector<double> at_risk;
  LargeVector<double> censored;
  LargeVector<double> survival;   ///< share with no event yet; + Σ incidences = 1
  std::vector<Incidence> causes;  ///< causes[k − 1] belongs to code k
  double level = 95;
  IntervalKind interval = IntervalKind::log_log;
  std::int64_t rows = 0;

  /// P(T ≤ t, cause), cause 1 … k. Nothing for NaN and for times past the last duration while rows
  /// are left.
  [[nodiscard]] std::optional<double> at(double t, std::size_t cause) const;
};

/// Aalen and Johansen (1978): F_k(t) = Σ_{tᵢ ≤ t} S(tᵢ−) d_ki/nᵢ, the chance of each outcome when one
/// rules out the others. Variance by the delta method (Greenwood's for one cause; equal to R's
/// infinitesimal jackknife and to SAS `ERROR=DELTA`; not Aalen's of 1978, which SAS and cmprsk take):
/// Σ [(F(t)−F(tᵢ))² dᵢ/(nᵢ(nᵢ−dᵢ)) + S(tᵢ−)² d_ki(nᵢ−d_ki)/nᵢ³ − 2 (F(t)−F(tᵢ)) S(tᵢ−) d_ki/nᵢ²].
/// `events`: 0 = censored, 1 … `causes`; `causes` 0 takes the largest code seen.
[[nodiscard]] AalenJohansen aalen_johansen(std::span<const double> durations,
                                           std::span<const std::uint8_t> events, const Options& options = {},
                                           std::size_t causes = 0);

}  // namespace survival
}  // namespace v0
}  // namespace salesops
