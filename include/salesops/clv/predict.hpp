/// @file predict.hpp
/// Forecasts of many customers at once: whether they are still there, how often they will buy, what that is
/// worth.
///
///     expected transactions = P(alive) · E[purchases in (T, T+horizon] | alive]
///     clv = expected spend a purchase · discounted expected transactions
///
/// Each customer's numbers depend on its own row and the model alone. Rows alike in (x, t_x, T) are computed
/// once, and so is the future of living customers alike in (x, T).
///
/// Intervals are of the uncertainty of the parameters: the model is drawn from the normal distribution of the
/// logarithms of its estimates (256 draws, the same for all customers, at the points of a lattice, so nothing
/// is random), and the range holds `level` percent of the draws' answers; its ends are good to about 2 % of
/// its width, and in unlucky directions of the parameters to 7 %. Those of totals are good to half a percent:
/// what is linear in the draws has known quantiles. Each draw discounts what it expects itself, to 1e-10 of
/// its `dect`.
///
/// `IntervalKind::outcome` asks for what the customer itself will do: for each of the 256 draws eight futures
/// of the customer are drawn (alive or not, its own rate, the moments and amounts of its purchases), and the
/// range holds `level` percent of the 2,048 counts and of the values. The chance below or above an end is
/// good to about √(p(1−p)/2048): half a point for a tail of 5 %. The futures use the same random numbers for
/// every customer, so ends don't depend on the other rows and must not be added up. P(alive) and the spend a
/// purchase are no outcomes and keep the interval of their parameters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "salesops/clv/fit.hpp"
#include "salesops/clv/parameters.hpp"
#include "salesops/parallel.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Mean spend of each customer and the model it is judged by.
struct SpendForecast {
  GammaGamma model;
  std::span<const double> x;                ///< purchases whose mean is known
  std::span<const double> mean_spend;       ///< of those; anything where x is 0
  std::span<const double> covariance = {};  ///< of p, q, v, row by row; empty = known for sure
  std::span<const double> draws = {};       ///< instead: 256 rows of p, q, v
  /// Instead of `model` where covariates make customers differ: row i is judged by `models[of_row[i]]`.
  /// `covariance` then has one matrix a model and `draws` 256 rows a model, one after another. The total
  /// worth has a range with draws only.
  std::span<const GammaGamma> models = {};
  std::span<const std::uint32_t> of_row = {};
};

/// What an interval is about.
enum class IntervalKind : std::uint8_t {
  mean,     ///< the expected number and value, known as well as the parameters are
  outcome,  ///< the number and value that this customer will come to; within a finite horizon
};

struct PredictOptions {
  double horizon = special::infinity;  ///< in the unit of T; BG/BB: opportunities
  /// Per unit of time, continuous: a yearly 10 % in weeks is ln(1.1)/52.18. BG/BB: per opportunity.
  double discount_rate = 0;
  double level = 0;  ///< percent; 0 = no intervals
  IntervalKind interval = IntervalKind::mean;
  /// Of the model's parameters, row by row, as `FitSummary::identified_covariance`; empty = known for sure.
  std::span<const double> covariance = {};
  /// Instead of the normal distribution 256 rows of parameters drawn elsewhere, as from a posterior. Asks for
  /// a `level`; values are then means over the draws too.
  std::span<const double> draws = {};
  Execution execution = {};
};

struct PredictedColumn {
  std::vector<double> value;
  std::vector<double> low;  ///< empty without intervals; NaN where the covariance is unknown
  std::vector<double> high;
};

/// A sum over customers.
struct PredictedTotal {
  double value = 0;
  double low = special::not_a_number;  ///< NaN without intervals
  double high = special::not_a_number;
};

struct Prediction {
  PredictedColumn p_alive;
  PredictedColumn expected_transactions;  ///< within the horizon; without end the discounted ones
  std::vector<double> discounted_transactions;
  PredictedColumn expected_spend;  ///< a purchase; empty without `spend`
  PredictedColumn clv;             ///< empty without `spend`

  /// Of all rows, each counted `RfmView::weights` times: customers who are still there, their purchases, and
  /// their worth (0 without `spend`). Whoever misjudges the parameters does so for all customers alike, so
  /// the range is that of the draws' sums, never the sum of the customers' ranges; under
  /// `IntervalKind::outcome` too it is that of the expected number and worth. NaN where a row has none.
  PredictedTotal total_alive, total_transactions, total_clv;
};

/// Defined for the models of repeat purchases. `UsageError` for columns of different lengths, a horizon or
/// rate below 0, a level outside (1, 100). Rows that are no history (t_x > T) give NaN.
template <class M>
[[nodiscard]] Prediction predict(const M& model, const RfmView& customers, const PredictOptions& options,
                                 const SpendForecast* spend = nullptr);

/// The same for customers whose parameters differ, as covariates make them: row i follows
/// `models[of_row[i]]`. `options.covariance` has one matrix a model, one after another, or none, and
/// `options.draws` 256 rows a model. Totals have a range with draws only: covariances of single models don't
/// say how these err together. `UsageError` also for a row that names no model.
template <class M>
[[nodiscard]] Prediction predict(std::span<const M> models, std::span<const std::uint32_t> of_row,
                                 const RfmView& customers, const PredictOptions& options,
                                 const SpendForecast* spend = nullptr);

// ---- Many rows ------------------------------------------------------------------------------------

/// Rows that differ, in order of first sight.
struct DistinctRows {
  std::vector<std::uint32_t> first;  ///< row that shows each one first
  std::vector<std::uint32_t> code;   ///< which of them each row is

  /// `out[row] = values[code[row]]`.
  void spread(std::span<const double> values, std::span<double> out, const Execution& execution = {}) const;
};
/// Columns of equal length, at most 2³² − 1 rows.
[[nodiscard]] DistinctRows distinct_rows(std::span<const std::span<const double>> columns,
                                         const Execution& execution = {});

/// `out[i] = f(row i)`, once for each distinct row. `f` gets one value a column.
void evaluate(std::span<const std::span<const double>> columns, const std::function<double(const double*)>& f,
              std::span<double> out, const Execution& execution = {});

/// `expected_transactions` of many customers, equal to the bit and many times as fast: what depends on (x, T)
/// or on x alone is computed once. `t` has one value a row.
template <class M>
void expected_transactions(const M& model, std::span<const double> t, const RfmView& customers,
                           std::span<double> out, const Execution& execution = {});
/// `dert` of many customers, likewise.
template <class M>
void dert(const M& model, std::span<const double> discount_rate, const RfmView& customers,
          std::span<double> out, const Execution& execution = {});
/// `dect` of many customers, likewise.
template <class M>
void dect(const M& model, std::span<const double> t, std::span<const double> discount_rate,
          const RfmView& customers, std::span<double> out, const Execution& execution = {});

}  // namespace clv
}  // namespace v0
}  // namespace salesops
