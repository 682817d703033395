#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "salesops/clv.hpp"

/// What the tests of lifetime value share.
namespace clv_test {

using namespace salesops::clv;

struct Row {
  std::string quantity;
  std::string model;
  std::vector<double> parameters;
  std::vector<double> arguments;
  double value = 0;
  std::string text;
};

inline std::vector<double> numbers(const std::string& text) {
  std::istringstream stream(text);
  std::vector<double> found;
  for (std::string word; stream >> word;) found.push_back(std::stod(word));
  return found;
}

/// tests/golden/clv.csv, written by clv.py with mpmath.
inline std::vector<Row> golden() {
  std::ifstream file(SALESOPS_SOURCE_DIR "/tests/golden/clv.csv");
  std::vector<Row> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream stream(line);
    Row row;
    std::string parameters;
    std::string arguments;
    std::string value;
    std::getline(stream, row.quantity, ',');
    std::getline(stream, row.model, ',');
    std::getline(stream, parameters, ',');
    std::getline(stream, arguments, ',');
    std::getline(stream, value, ',');
    row.parameters = numbers(parameters);
    row.arguments = numbers(arguments);
    row.value = std::stod(value);
    row.text = line;
    rows.push_back(row);
  }
  return rows;
}

inline void expect_relative(double actual, double expected, double tolerance, const std::string& what = {}) {
  EXPECT_LE(std::fabs(actual - expected), tolerance * std::fabs(expected))
      << what << ": " << actual << " for " << expected << ", off by "
      << std::fabs(actual - expected) / std::fabs(expected);
}

/// To the digits printed: `expected` as in a table, e.g. "1.226".
inline void expect_printed(double actual, const std::string& expected) {
  const auto point = expected.find('.');
  const auto digits = point == std::string::npos ? 0 : static_cast<int>(expected.size() - point) - 1;
  EXPECT_NEAR(actual, std::stod(expected), 0.5000001 * std::pow(10.0, -digits)) << expected;
}

inline const BGNBD bg{0.243, 4.414, 0.793, 2.426};
inline const MBGNBD mbg{0.525, 6.183, 0.891, 1.614};
inline const ParetoNBD pareto{0.553, 10.578, 0.606, 11.669};
inline const NBD nbd{0.385, 12.072};
inline const GGompertzNBD ggompertz{0.8, 9, 0.02, 0.5, 0.7};
inline const BGCNBD bgcnbd{3, 0.85, 1.45, 0.79, 2.42};
inline const MBGCNBD mbgcnbd{2, 0.85, 1.45, 0.79, 2.42};
inline const BGBB bgbb{1.204, 0.750, 0.657, 2.783};

/// `use(model)` for each model of purchases in continuous time.
template <class Use>
void for_each_model(const Use& use) {
  use(bg);
  use(mbg);
  use(pareto);
  use(nbd);
  use(ggompertz);
  use(bgcnbd);
  use(mbgcnbd);
}

}  // namespace clv_test
