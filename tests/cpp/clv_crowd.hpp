// Customers of changing paces, for tests.
#pragma once

#include <cmath>
#include <vector>

#include "salesops/clv/dynamic.hpp"
#include "salesops/random.hpp"

namespace salesops::clv_test {

using namespace clv;

inline std::vector<Pace> seasons(double until, double length, std::uint64_t seed = 1) {
  random::Stream stream(seed);
  std::vector<Pace> paces;
  for (double t = 0; t < until; t += length)
    paces.push_back({length, std::exp(stream.normal(0, 0.7)), std::exp(stream.normal(0, 0.7))});
  return paces;
}

/// Customers who start at different weeks of the same years, with a season in both processes, a price in
/// purchases and a kind of customer in leaving.
struct Crowd {
  std::vector<std::size_t> first{0};
  std::vector<double> until, season, price, kind, T;
  Simulation made;

  Crowd(std::size_t customers, const ParetoNBD& model, double horizon = 0, bool truth = true) {
    for (std::size_t i = 0; i < customers; ++i) {
      const std::size_t start = i % 30;
      T.push_back(100 - static_cast<double>(start));
      for (std::size_t week = start; week < 100 + static_cast<std::size_t>(horizon); ++week) {
        until.push_back(static_cast<double>(week - start) + 1);
        season.push_back(week % 52 < 10 ? 1 : 0);
        price.push_back(std::sin(static_cast<double>(week / 5 * (week / 5))));
        kind.push_back(static_cast<double>(i % 3));
      }
      first.push_back(until.size());
    }
    DynamicFit known;
    known.model = model;
    known.transaction = truth ? std::vector{.8, -.4} : std::vector{0.0, 0.0};
    known.dropout = truth ? std::vector{1.0, .3} : std::vector{0.0, 0.0};
    made = simulate(model, first, known.paces(covariates()), T, {.seed = 7, .horizon = horizon});
  }
  [[nodiscard]] DynamicCovariates covariates() const {
    return {first, until, {{{"season", season}, {"price", price}}, {{"season", season}, {"kind", kind}}}};
  }
  [[nodiscard]] DynamicCovariates without() const { return {first, until, {}}; }
  [[nodiscard]] PurchaseTimes purchases() const { return {made.first, made.times}; }
};

inline const ParetoNBD truth{.9, 12, 1.2, 60};

}  // namespace salesops::clv_test
