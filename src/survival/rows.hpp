/// @file rows.hpp
/// Checked rows in order of time, and steps of curves: what all estimators begin with.
#pragma once

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "salesops/error.hpp"
#include "salesops/survival/curves.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

// ---- What may come in -----------------------------------------------------------------------------

/// Throws when a row breaks `rule`; says how many do, and the first.
template <typename Broken>
void refuse(std::size_t rows, const std::string& argument, const std::string& rule, const Broken& broken) {
  std::size_t n = 0;
  std::size_t first = 0;
  for (std::size_t row = 0; row < rows; ++row)
    if (broken(row) && n++ == 0) first = row;
  if (n > 0)
    throw UsageError(argument + ": " + std::to_string(n) + " of " + std::to_string(rows) + " rows " + rule +
                     " (first: row " + std::to_string(first) + "); correct or drop them");
}

/// Throws unless `argument` has as many rows as the durations.
void check_length(std::size_t length, std::size_t rows, const std::string& argument);
/// Throws for times to predict for, or ages to predict from, that can't be; of ages, none at all are fine.
void check_ahead(std::span<const double> times, std::span<const double> since, std::size_t rows);
/// Throws for weights that are not finite and above 0; none at all are fine.
void check_weights(std::span<const double> weights, std::size_t rows);
/// Throws for durations, events, entries or weights that can't be.
void check(std::span<const double> durations, std::span<const std::uint8_t> events, std::size_t causes,
           std::span<const double> entry, std::span<const double> weights);

// ---- Rows in order of time ------------------------------------------------------------------------

/// Row numbers by ascending value (≥ 0), equal values in row order, and the values so ordered.
struct Ordered {
  std::vector<std::uint32_t> rows;
  LargeVector<double> values;
};
/// In linear time, on all threads.
Ordered in_order(std::span<const double> values);
inline std::vector<std::uint32_t> order_of(std::span<const double> values) { return in_order(values).rows; }

/// Rows in order, cut into runs of equal durations, with the risk set before each.
struct RiskTable {
  std::vector<std::uint32_t> order;
  std::vector<std::size_t> starts;  ///< of each run in `order`, and the end
  LargeVector<double> time;
  LargeVector<double> at_risk;

  [[nodiscard]] std::size_t size() const { return time.size(); }
};

RiskTable risk_table(std::span<const double> durations, const Options& options);

/// Each time at which rows end, with the risk set before it and the weight that ends so.
struct EventTable {
  LargeVector<double> time;
  LargeVector<double> at_risk;
  std::vector<LargeVector<double>> ended;  ///< by code (0 = censored), then by time

  [[nodiscard]] std::size_t size() const { return time.size(); }
};

/// `codes`: how many there are, censored among them.
EventTable event_table(std::span<const double> durations, std::span<const std::uint8_t> events,
                       std::size_t codes, const Options& options);

/// Rows of one stratum of a test between groups.
struct StratumRows {
  std::vector<double> durations, entry, weights;
  std::vector<std::uint8_t> events;
  std::vector<std::uint32_t> groups;

  [[nodiscard]] Options options() const { return {.entry = entry, .weights = weights}; }
};

/// By code; one stratum where `strata` is empty.
std::map<std::uint32_t, StratumRows> rows_by_stratum(std::span<const double> durations,
                                                     std::span<const std::uint8_t> events,
                                                     std::span<const std::uint32_t> groups,
                                                     const Options& options,
                                                     std::span<const std::uint32_t> strata);

inline double weight_of(std::span<const double> weights, std::size_t row) {
  return weights.empty() ? 1 : weights[row];
}
inline double weight_of(const Options& options, std::size_t row) { return weight_of(options.weights, row); }

/// What is left of a risk set after its events; rounding of summed weights leaves no ghost of a row.
inline double stay(double n, double d) { return n - d > 1e-12 * n ? n - d : 0; }

// ---- Bands and steps ------------------------------------------------------------------------------

struct Band {
  double low;
  double high;
};

/// A function of arguments that change little from one to the next. From where it was last worked out in full
/// its series carries on, which takes less time and errs by less than rounding.
class NearbyExp {
 public:
  static constexpr double reach = 1.0 / 2048;
  double operator()(double x) {
    const double d = x - at_;
    if (std::abs(d) < reach)
      return value_ * (1 + (d + d * d * (1.0 / 2 + d * (1.0 / 6) + d * d * (1.0 / 24))));
    at_ = x;
    return value_ = std::exp(x);
  }

 private:
  double at_ = 0;
  double value_ = 1;
};
class NearbyLog {
 public:
  double operator()(double x) {
    const double d = (x - at_) * inverse_;
    if (std::abs(d) < NearbyExp::reach)
      return value_ + (d - d * d * (1.0 / 2 - d * (1.0 / 3) + d * d * (1.0 / 4 - d * (1.0 / 5))));
    at_ = x;
    inverse_ = 1 / x;
    return value_ = std::log(x);
  }

 private:
  double at_ = 1;
  double inverse_ = 1;
  double value_ = 0;
};

/// Intervals of shares in (0, 1) from their standard errors, one after the other along a curve.
class Bands {
 public:
  Bands(double z, IntervalKind kind) : z_(z), kind_(kind) {}
  Band operator()(double share, double std_error);

 private:
  double z_;
  IntervalKind kind_;
  NearbyLog log_;
  NearbyExp tilt_, low_, high_;
};
inline Band band_of(double share, double std_error, double z, IntervalKind kind) {
  return Bands(z, kind)(share, std_error);
}

/// Position of the last time that is ≤ t, or nothing before the first.
std::optional<std::size_t> step_at(std::span<const double> time, double t);

/// A standard error; NaN for a variance that rounding has left at 0 or below: nothing is known of it.
inline double error_of(double variance) {
  return variance > 0 ? std::sqrt(variance) : std::numeric_limits<double>::quiet_NaN();
}

/// P(χ² with so many degrees of freedom > statistic).
inline double chi_square_tail(double statistic, double degrees) {
  if (!(statistic > 0)) return 1;
  return boost::math::gamma_q(degrees / 2, statistic / 2, Policy{});
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
