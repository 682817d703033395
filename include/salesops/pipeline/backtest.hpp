/// @file backtest.hpp
/// How good the forecast would have been in past periods.
///
/// Each past quarter is forecast from the book as it was known at its start (and, if asked, some weeks
/// later), then held against what the full book says was won. An interval is judged by its realised
/// coverage with the number of cells it was counted on and Clopper and Pearson's 95 % interval; below 20
/// cells the verdict is "too few to judge"; where that interval holds the level it is "can't be told from 80
/// %". Cells of one quarter share its luck, so coverage of reps and teams is less certain than independent
/// cells would be.
///
/// Beside it stands the usual weighted pipeline: amount × win rate of closed deals that had been in the
/// stage, for deals due in the period, plus what is already won.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salesops/pipeline/forecast.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

struct BacktestOptions {
  int periods = 8;                ///< past periods, 1 to 100; fewer where the book is younger
  int months = 3;                 ///< of a period, 1 to 12, from the year's start
  std::vector<int> weeks{0};      ///< weeks into the period at which to forecast, within it
  ForecastOptions forecast = {};  ///< `as_of` and `period` must be absent; `levels` has one level
};

struct Coverage {
  std::string holder_type;
  std::int64_t cells = 0;
  std::int64_t covered = 0;
  std::optional<stats::Interval> share;  ///< Clopper–Pearson 95 %
  /// "too few to judge", "too narrow", "too wide" (80 % lies outside `share`), or "can't be told from 80 %",
  /// with the level asked for: it is compatible with the promise, not proved.
  std::string verdict;
};

struct Backtest {
  double level = 80;
  /// One row a (period, as_of, holder): start, end, as_of, holder_type, holder_id, forecast, lo_80, hi_80,
  /// actual, covered, naive.
  Table cells;
  std::vector<Coverage> coverage;  ///< company, team, rep
  /// One row a holder type: cells, bias = Σ(forecast − actual)/Σ actual, wape = Σ|forecast − actual|/Σ
  /// actual, naive_bias, naive_wape. Null when nothing was won.
  Table accuracy;
  /// One row a tenth of p_win: low, high, deals, mean_p, won_share.
  Table reliability;
  std::int64_t deals = 0;  ///< open deals forecast, over all as_ofs
  std::int64_t deals_won = 0;
  std::optional<double> brier, naive_brier;  ///< mean squared error of p_win
  std::optional<double> expected_wins;       ///< Σ p_win of open deals
  std::vector<std::string> notes;

  [[nodiscard]] std::string summary() const;
};

/// Throws as `forecast`, and when no past period is whole in the book.
Backtest backtest(const Crm& crm, const BacktestOptions& options = {});

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
