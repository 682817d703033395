#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "rfm_state.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

// ---- scores and segments ----

std::vector<int> scores(std::span<const double> values, int groups, bool low_is_good) {
  if (groups < 2 || groups > 100) throw UsageError("groups must lie between 2 and 100");
  std::vector<int> result(values.size(), 1);
  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < values.size(); ++row)
    if (!std::isnan(values[row])) order.push_back(row);
  const auto worse = [&](std::size_t a, std::size_t b) {
    return low_is_good ? values[a] > values[b] : values[a] < values[b];
  };
  std::sort(order.begin(), order.end(), worse);
  std::size_t below = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && worse(order[i - 1], order[i])) below = i;
    result[order[i]] = 1 + static_cast<int>(below * static_cast<std::size_t>(groups) / order.size());
  }
  return result;
}

std::string_view segment_name(int recency_score, int frequency_score) noexcept {
  constexpr std::array<std::array<std::string_view, 5>, 5> grid{{
      {"hibernating", "hibernating", "at risk", "at risk", "can't lose"},
      {"hibernating", "hibernating", "at risk", "at risk", "can't lose"},
      {"about to sleep", "about to sleep", "need attention", "loyal", "loyal"},
      {"promising", "potential loyalist", "potential loyalist", "loyal", "loyal"},
      {"new", "potential loyalist", "potential loyalist", "champion", "champion"},
  }};
  const auto inside = [](int score) { return score >= 1 && score <= 5; };
  if (!inside(recency_score) || !inside(frequency_score)) return {};
  return grid[static_cast<std::size_t>(recency_score - 1)][static_cast<std::size_t>(frequency_score - 1)];
}

RfmScores rfm_scores(const Rfm& rfm, int groups) {
  RfmScores result;
  result.recency = scores(rfm.days_since_last, groups, true);
  result.frequency = scores(rfm.frequency, groups);
  if (rfm.has_amount) {
    const std::vector<double> spend(rfm.total_spend.begin(), rfm.total_spend.end());
    result.monetary = scores(spend, groups);
  }
  if (groups != 5) return result;
  result.segment.resize(rfm.size());
  std::transform(result.recency.begin(), result.recency.end(), result.frequency.begin(),
                 result.segment.begin(), segment_name);
  return result;
}

// ---- regularity ----

namespace {

constexpr std::size_t least_gaps_of_one = 10;

/// Times between purchases of one customer, in days.
struct Gaps {
  std::vector<double> days;
  double total = 0;
  double logs = 0;

  void read(const RfmState::Data& data, clv_detail::DayRange range) {
    *this = {std::move(days), 0, 0};
    days.clear();
    std::optional<std::int32_t> last;
    for (std::size_t i = range.first; i < range.last; ++i) {
      if ((data.days.rows[i] & clv_detail::refund_bit) != 0 && data.days.amounts[i] <= 0) continue;
      if (last) days.push_back(data.days.days[i] - *last);
      last = data.days.days[i];
    }
    for (const double gap : days) {
      total += gap;
      logs += std::log(gap);
    }
  }
  [[nodiscard]] double size() const { return static_cast<double>(days.size()); }
  /// ln of the mean less the mean of ln: 0 for gaps that are all equal.
  [[nodiscard]] double unevenness() const { return std::log(total / size()) - logs / size(); }
};

double thom(double s) { return (1 + std::sqrt(1 + 4 * s / 3)) / (4 * s); }

/// The root of ln k − ψ(k) = s, which is the shape's MLE (Minka 2002: Newton in 1/k).
double shape_mle(double s) {
  double k = (3 - s + std::sqrt((s - 3) * (s - 3) + 24 * s)) / (12 * s);
  for (int step = 0; step < 20; ++step) {
    const double off = std::log(k) - special::digamma(k) - s;
    const double inverse = 1 / k + off / (k * k * (1 / k - special::trigamma(k)));
    if (!(inverse > 0)) return k;
    const double next = 1 / inverse;
    if (std::abs(next - k) <= 1e-12 * k) return next;
    k = next;
  }
  return k;
}

std::optional<double> shape_of(const Gaps& gaps, RegularityMethod method) {
  if (gaps.days.size() < least_gaps_of_one) return std::nullopt;
  const double s = gaps.unevenness();
  if (!(s > 1e-12)) return std::numeric_limits<double>::infinity();
  if (method == RegularityMethod::thom) return thom(s);
  if (method == RegularityMethod::minka) return shape_mle(s);
  const double mean = gaps.total / gaps.size();
  double squares = 0;
  for (const double gap : gaps.days) squares += (gap - mean) * (gap - mean);
  return mean * mean * (gaps.size() - 1) / squares;
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Gaps as shares of each customer's total are Dirichlet(k, …, k), whatever the rates: one concave
/// likelihood.
class ConditionalShape {
 public:
  void add(const Gaps& gaps) {
    if (gaps.days.size() >= by_size_.size()) by_size_.resize(gaps.days.size() + 1);
    ++by_size_[gaps.days.size()];
    logs_ += gaps.logs - gaps.size() * std::log(gaps.total);
  }
  /// The root of the score by bisection on ln k, then Newton.
  [[nodiscard]] double solve() const {
    double low = 1e-3;
    double high = 1e6;
    if (score(high) > 0) return std::numeric_limits<double>::infinity();
    for (int step = 0; step < 200 && high > low * (1 + 1e-14); ++step) {
      const double middle = std::sqrt(low * high);
      (score(middle) > 0 ? low : high) = middle;
    }
    return std::sqrt(low * high);
  }

 private:
  [[nodiscard]] double score(double k) const {
    double sum = logs_;
    for (std::size_t n = 2; n < by_size_.size(); ++n) {
      if (by_size_[n] == 0) continue;
      const auto gaps = static_cast<double>(n);
      sum += by_size_[n] * gaps * (special::digamma(gaps * k) - special::digamma(k));
    }
    return sum;
  }
  std::vector<double> by_size_;
  double logs_ = 0;
};

}  // namespace

Regularity RfmState::regularity(RegularityMethod method) const {
  Regularity result;
  ConditionalShape pooled;
  std::vector<double> shapes;
  double squares = 0;
  Gaps gaps;
  for (std::size_t i = 0; i < data_->customers(); ++i) {
    gaps.read(*data_, data_->range(i));
    if (gaps.days.size() < 2) continue;
    if (method == RegularityMethod::mle) {
      pooled.add(gaps);
      ++result.customers;
    } else if (method == RegularityMethod::wheat) {
      const double share = gaps.days[0] / (gaps.days[0] + gaps.days[1]) - 0.5;
      squares += share * share;
      ++result.customers;
    } else if (const auto shape = shape_of(gaps, method)) {
      shapes.push_back(*shape);
    }
  }
  if (method == RegularityMethod::mle && result.customers > 0) result.k = pooled.solve();
  if (method == RegularityMethod::wheat && squares > 0) {
    const double variance = squares / static_cast<double>(result.customers);
    result.k = (1 - 4 * variance) / (8 * variance);
  }
  if (!shapes.empty()) {
    result.customers = static_cast<std::int64_t>(shapes.size());
    result.k = median(shapes);
  }
  return result;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
