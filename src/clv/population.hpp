// Customers in the form the likelihoods read: distinct rows, and the pairs they are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "salesops/clv/fit.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// A number of purchases and a time.
struct Pair {
  std::uint32_t x;  ///< position in `Population::purchases`
  double time;
};

struct Row {
  std::uint32_t until;  ///< position in `Population::until`
  std::uint32_t last;   ///< position in `Population::last`
  double weight;
};

/// Sorted by (x, T, t_x), so it is the same for any order of the customers.
struct Population {
  std::vector<double> purchases;  ///< distinct x, ascending
  std::vector<Pair> until;        ///< distinct (x, T)
  std::vector<Pair> last;         ///< distinct (x, t_x)
  std::vector<Row> rows;          ///< distinct (x, t_x, T)
  double customers = 0;
  double repeats = 0;       ///< Σ x
  double squares = 0;       ///< Σ x²
  double observed = 0;      ///< Σ T
  double sum_log_gaps = 0;  ///< Σ of the view's column
  bool has_log_gaps = false;

  [[nodiscard]] double mean_time() const { return observed > 0 ? observed / customers : 1; }
};

/// Checks the columns and merges equal rows. Opportunities: T and t_x are whole and x ≤ t_x.
Population population_of(const RfmView& view, const Execution& execution, bool opportunities = false);

/// Distinct values, ascending, and each row's position among them.
struct Coded {
  std::vector<double> values;
  std::vector<std::uint32_t> codes;
};
Coded code(std::span<const double> column);

/// Rows that break a rule, for one message over all rules.
class Complaints {
 public:
  Complaints(std::string call, std::size_t rows) : call_(std::move(call)), rows_(rows) {}
  void check(const std::string& what, const std::function<bool(std::size_t row)>& broken);
  /// Throws `UsageError` when there were any.
  void raise() const;

 private:
  std::string call_;
  std::size_t rows_;
  std::string text_;
};

/// `UsageError` unless the column has as many rows as the first one.
void require_length(const char* name, std::size_t length, std::size_t rows);

}  // namespace clv
}  // namespace v0
}  // namespace salesops
