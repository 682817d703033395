#include "population.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

constexpr std::uint32_t nowhere = 0xFFFFFFFFU;

/// Positions of doubles by their bits: open addressing, at most half full.
class Dictionary {
 public:
  Dictionary() { reserve(1024); }

  std::uint32_t position_of(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    std::size_t slot = bits * 0x9E3779B97F4A7C15U >> shift_;
    while (slots_[slot] != nowhere) {
      if (std::bit_cast<std::uint64_t>(values_[slots_[slot]]) == bits) return slots_[slot];
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = static_cast<std::uint32_t>(values_.size());
    values_.push_back(value);
    if (2 * values_.size() > slots_.size()) reserve(4 * slots_.size());
    return static_cast<std::uint32_t>(values_.size() - 1);
  }
  [[nodiscard]] const std::vector<double>& values() const { return values_; }

 private:
  void reserve(std::size_t size) {
    slots_.assign(size, nowhere);
    shift_ = 64 - std::countr_zero(size);
    for (std::uint32_t i = 0; i < values_.size(); ++i) {
      std::size_t slot = std::bit_cast<std::uint64_t>(values_[i]) * 0x9E3779B97F4A7C15U >> shift_;
      while (slots_[slot] != nowhere) slot = (slot + 1) & (size - 1);
      slots_[slot] = i;
    }
  }

  std::vector<std::uint32_t> slots_;
  std::vector<double> values_;
  int shift_ = 0;
};

/// Stable counting sort of row numbers by a column of codes below `codes_end`.
void sort_by(std::vector<std::uint32_t>& order, const std::vector<std::uint32_t>& codes,
             std::size_t codes_end) {
  constexpr int digit_bits = 11;
  std::vector<std::uint32_t> sorted(order.size());
  for (int shift = 0; (codes_end - 1) >> shift > 0; shift += digit_bits) {
    ask_stop();
    std::vector<std::uint32_t> place((std::size_t{1} << digit_bits) + 1, 0U);
    const auto digit = [&](std::uint32_t row) { return codes[row] >> shift & ((1U << digit_bits) - 1); };
    for (std::uint32_t row = 0; row < codes.size(); ++row) ++place[digit(row) + 1];
    std::partial_sum(place.begin(), place.end(), place.begin());
    for (const std::uint32_t row : order) sorted[place[digit(row)]++] = row;
    order.swap(sorted);
  }
}

/// The sum of numbers in any order they come in. Whole numbers add up exactly; others are sorted first.
double sum_of_any_order(std::vector<double>& values) {
  if (!std::all_of(values.begin(), values.end(), [](double w) { return w == std::floor(w); }))
    std::sort(values.begin(), values.end());
  return std::accumulate(values.begin(), values.end(), 0.0);
}

void check(const RfmView& view, bool opportunities) {
  const std::size_t n = view.x.size();
  require_length("t_x", view.t_x.size(), n);
  require_length("T", view.T.size(), n);
  if (!view.weights.empty()) require_length("weights", view.weights.size(), n);
  if (!view.sum_log_gaps.empty()) require_length("sum_log_gaps", view.sum_log_gaps.size(), n);
  if (n == 0) throw UsageError("fit: there are no customers");
  if (n >= nowhere) throw UsageError("fit: more than 4,294,967,294 rows; merge equal ones and pass weights");
  const auto &x = view.x, &t_x = view.t_x, &T = view.T;
  const auto is_time = [](double t) { return t >= 0 && t < special::infinity; };
  bool clean = true;
  for (std::size_t i = 0; i < n; ++i)
    clean &= x[i] >= 0 && x[i] < 1e15 && x[i] == std::floor(x[i]) && t_x[i] >= 0 && t_x[i] <= T[i] &&
             T[i] < special::infinity && (x[i] > 0 || t_x[i] == 0);
  Complaints complaints("fit", n);
  if (!clean) {
    complaints.check("x is no whole number from 0 to 1e15",
                     [&](auto i) { return !(x[i] >= 0 && x[i] <= 1e15 && x[i] == std::floor(x[i])); });
    complaints.check("t_x is negative, infinite or NaN", [&](auto i) { return !is_time(t_x[i]); });
    complaints.check("T is negative, infinite or NaN", [&](auto i) { return !is_time(T[i]); });
    complaints.check("t_x is after T (are the two columns swapped?)",
                     [&](auto i) { return is_time(t_x[i]) && is_time(T[i]) && t_x[i] > T[i]; });
    complaints.check("x is 0 but t_x is not",
                     [&](auto i) { return x[i] == 0 && is_time(t_x[i]) && t_x[i] > 0; });
  }
  if (opportunities) {
    complaints.check("t_x or T is no whole number of opportunities", [&](auto i) {
      return is_time(t_x[i]) && is_time(T[i]) && (t_x[i] != std::floor(t_x[i]) || T[i] != std::floor(T[i]));
    });
    complaints.check("x is above t_x: more purchases than opportunities",
                     [&](auto i) { return is_time(t_x[i]) && x[i] > t_x[i] && x[i] > 0; });
  }
  if (!view.weights.empty())
    complaints.check("the weight is not finite and above 0",
                     [&](auto i) { return !(view.weights[i] > 0 && view.weights[i] < special::infinity); });
  if (!view.sum_log_gaps.empty())
    complaints.check("sum_log_gaps is infinite or NaN",
                     [&](auto i) { return !std::isfinite(view.sum_log_gaps[i]); });
  complaints.raise();
}

}  // namespace

void require_length(const char* name, std::size_t length, std::size_t rows) {
  if (length != rows)
    throw UsageError("fit: " + std::string(name) + " has " + std::to_string(length) + " rows, x has " +
                     std::to_string(rows) + "; they must be equally long");
}

void Complaints::check(const std::string& what, const std::function<bool(std::size_t)>& broken) {
  constexpr std::size_t shown = 5;
  std::size_t n = 0;
  std::string where;
  for (std::size_t row = 0; row < rows_; ++row) {
    if (!broken(row)) continue;
    if (n < shown) where += (n > 0 ? ", " : "") + std::to_string(row);
    ++n;
  }
  if (n == 0) return;
  if (n > shown) where += ", …";
  text_ += (text_.empty() ? "" : "; ") + what + " in " + std::to_string(n) + (n == 1 ? " row (" : " rows (") +
           where + ")";
}

void Complaints::raise() const {
  if (!text_.empty())
    throw UsageError(call_ + ": of " + std::to_string(rows_) + " rows, counted from 0: " + text_ +
                     "; correct or drop them");
}

Coded code(std::span<const double> column) {
  Coded coded;
  coded.codes.resize(column.size());
  Dictionary dictionary;
  for (std::size_t row = 0; row < column.size(); ++row) {
    tick(row);
    coded.codes[row] = dictionary.position_of(column[row] + 0.0);  // −0 becomes 0
  }
  const std::vector<double>& values = dictionary.values();
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  std::vector<std::uint32_t> rank(values.size());
  coded.values.resize(values.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    coded.values[i] = values[order[i]];
  }
  for (std::uint32_t& c : coded.codes) c = rank[c];
  return coded;
}

Population population_of(const RfmView& view, const Execution& execution, bool opportunities) {
  const StopScope scope(execution.stop);
  check(view, opportunities);
  const Coded x = code(view.x);
  const Coded last = code(view.t_x);
  const Coded until = code(view.T);
  std::vector<std::uint32_t> order(view.x.size());
  std::iota(order.begin(), order.end(), 0U);
  sort_by(order, last.codes, last.values.size());
  sort_by(order, until.codes, until.values.size());
  sort_by(order, x.codes, x.values.size());

  Population population;
  population.purchases = x.values;
  std::vector<std::uint32_t> pair_of(last.values.size(), nowhere);  // of each t_x; older x below `first_pair`
  std::uint32_t first_pair = 0;
  std::vector<double> weights;
  for (std::size_t first = 0, next = 0; first < order.size(); first = next) {
    tick(population.rows.size());
    const std::uint32_t row = order[first];
    weights.clear();
    for (next = first; next < order.size(); ++next) {
      const std::uint32_t other = order[next];
      if (x.codes[other] != x.codes[row] || until.codes[other] != until.codes[row] ||
          last.codes[other] != last.codes[row])
        break;
      if (!view.weights.empty()) weights.push_back(view.weights[other]);
    }
    const bool new_x = population.until.empty() || population.until.back().x != x.codes[row];
    if (new_x) first_pair = static_cast<std::uint32_t>(population.last.size());
    const double time = until.values[until.codes[row]];
    if (new_x || population.until.back().time != time) population.until.push_back({x.codes[row], time});
    std::uint32_t& pair = pair_of[last.codes[row]];
    if (pair == nowhere || pair < first_pair) {
      pair = static_cast<std::uint32_t>(population.last.size());
      population.last.push_back({x.codes[row], last.values[last.codes[row]]});
    }
    const double weight =
        view.weights.empty() ? static_cast<double>(next - first) : sum_of_any_order(weights);
    population.rows.push_back({static_cast<std::uint32_t>(population.until.size() - 1), pair, weight});
    const double count = x.values[x.codes[row]];
    population.customers += weight;
    population.repeats += weight * count;
    population.squares += weight * count * count;
    population.observed += weight * time;
  }
  if (!view.sum_log_gaps.empty()) {
    std::vector<double> gaps(view.sum_log_gaps.begin(), view.sum_log_gaps.end());
    if (!view.weights.empty())
      for (std::size_t i = 0; i < gaps.size(); ++i) gaps[i] *= view.weights[i];
    population.sum_log_gaps = sum_of_any_order(gaps);
    population.has_log_gaps = true;
  }
  return population;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
