// Tables and words of a forecast.
#pragma once

#include "holders.hpp"
#include "simulate.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

/// What the report is made of.
struct Outcome {
  const Crm* known = nullptr;
  const Plan* plan = nullptr;
  const Simulation* simulation = nullptr;
  std::vector<double> days_in_stage;  ///< by open deal
  std::vector<std::int64_t> won;      ///< to date, by leaf of the facts
  std::vector<std::size_t> kept;      ///< leaves of the scenario
  std::int64_t won_without_amount = 0;
  bool rewound = false;
};

/// The deals' one currency.
std::string currency_of(const Crm& crm, const pipeline::ForecastOptions& options);

/// Fills tables, fit and notes of a forecast whose scenario stands.
void report(const Outcome& outcome, const pipeline::ForecastOptions& options, pipeline::Forecast& forecast);

/// `"1,234,500 EUR"`, whole major units; `"12"` for counts.
std::string amount_text(double minor, const std::string& currency);
/// `"62 %"`; `"under 1 %"` and `"over 99 %"` at the ends.
std::string percent_text(double share);

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
