#include "salesops/survival.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <bit>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <numeric>
#include <string>

#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

namespace {

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

void check(std::span<const double> durations, std::span<const std::uint8_t> events, std::size_t causes,
           const Options& options) {
  const std::size_t rows = durations.size();
  const auto same_length = [&](std::size_t length, const char* argument) {
    if (length != rows)
      throw UsageError(std::string(argument) + " has " + std::to_string(length) + " rows, durations has " +
                       std::to_string(rows) + ": they must be equally long");
  };
  if (rows == 0) throw UsageError("durations has no rows: there is nothing to estimate from");
  if (rows > 0xFFFFFFFFU) throw UsageError("durations has more than 4,294,967,295 rows");
  same_length(events.size(), "events");
  refuse(rows, "durations", "are NaN or infinite", [&](auto i) { return !std::isfinite(durations[i]); });
  refuse(rows, "durations", "are negative", [&](auto i) { return durations[i] < 0; });
  refuse(rows, "events", "have a code above " + std::to_string(causes),
         [&](auto i) { return events[i] > causes; });
  if (!options.entry.empty()) {
    const auto& entry = options.entry;
    same_length(entry.size(), "entry");
    refuse(rows, "entry", "are NaN, infinite or negative",
           [&](auto i) { return !std::isfinite(entry[i]) || entry[i] < 0; });
    refuse(rows, "entry", "are not before their duration",
           [&](auto i) { return entry[i] > 0 && entry[i] >= durations[i]; });
  }
  if (!options.weights.empty()) {
    const auto& weights = options.weights;
    same_length(weights.size(), "weights");
    refuse(rows, "weights", "are not finite and above 0",
           [&](auto i) { return !std::isfinite(weights[i]) || weights[i] <= 0; });
  }
}

// ---- Rows in order of time ------------------------------------------------------------------------

/// Durations are often whole days or months: then one counting pass puts the rows in order.
constexpr double few_whole_numbers = 65536;

bool are_few_whole_numbers(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) {
    return x < few_whole_numbers && x == static_cast<double>(static_cast<std::uint32_t>(x));
  });
}

std::vector<std::uint32_t> order_of_whole_numbers(std::span<const double> values) {
  std::vector<std::uint32_t> place(static_cast<std::size_t>(few_whole_numbers) + 1, 0U);
  for (const double x : values) ++place[static_cast<std::size_t>(x) + 1];
  std::partial_sum(place.begin(), place.end(), place.begin());
  std::vector<std::uint32_t> order(values.size());
  for (std::size_t row = 0; row < values.size(); ++row)
    order[place[static_cast<std::size_t>(values[row])]++] = static_cast<std::uint32_t>(row);
  return order;
}

/// Row numbers by ascending value (≥ 0), equal values in row order: radix sort of the bit patterns,
/// which for numbers of at least 0 have the order of the numbers.
std::vector<std::uint32_t> order_of(std::span<const double> values) {
  if (are_few_whole_numbers(values)) return order_of_whole_numbers(values);
  struct Item {
    std::uint64_t key;
    std::uint32_t row;
  };
  constexpr std::size_t digits = 8;
  std::vector<Item> items(values.size());
  std::vector<Item> other(values.size());
  std::array<std::array<std::uint32_t, 256>, digits> counts{};
  for (std::size_t row = 0; row < values.size(); ++row) {
    const auto key = std::bit_cast<std::uint64_t>(values[row] + 0.0);  // −0 becomes 0
    items[row] = {key, static_cast<std::uint32_t>(row)};
    for (std::size_t digit = 0; digit < digits; ++digit) ++counts[digit][key >> (8 * digit) & 0xFF];
  }
  for (std::size_t digit = 0; digit < digits; ++digit) {
    auto& place = counts[digit];
    if (std::find(place.begin(), place.end(), values.size()) != place.end()) continue;
    std::exclusive_scan(place.begin(), place.end(), place.begin(), 0U);
    for (const Item& item : items) other[place[item.key >> (8 * digit) & 0xFF]++] = item;
    items.swap(other);
  }
  std::vector<std::uint32_t> order(values.size());
  std::transform(items.begin(), items.end(), order.begin(), [](const Item& item) { return item.row; });
  return order;
}

/// Rows in order, cut into runs of equal durations, with the risk set before each.
struct RiskTable {
  std::vector<std::uint32_t> order;
  std::vector<std::size_t> starts;  ///< of each run in `order`, and the end
  std::vector<double> time;
  std::vector<double> at_risk;

  [[nodiscard]] std::size_t size() const { return time.size(); }
};

double weight_of(const Options& options, std::size_t row) {
  return options.weights.empty() ? 1 : options.weights[row];
}

/// Weight of the rows whose entry is at or after each time: known of, but not yet at risk.
std::vector<double> not_entered(const std::vector<double>& time, const Options& options) {
  const std::vector<std::uint32_t> order = order_of(options.entry);
  std::vector<double> waiting(time.size());
  double weight = 0;
  std::size_t left = order.size();
  for (std::size_t i = time.size(); i-- > 0;) {
    for (; left > 0; --left) {
      const std::uint32_t row = order[left - 1];
      if (options.entry[row] < time[i] || options.entry[row] <= 0) break;
      weight += weight_of(options, row);
    }
    waiting[i] = weight;
  }
  return waiting;
}

RiskTable risk_table(std::span<const double> durations, const Options& options) {
  RiskTable table;
  table.order = order_of(durations);
  for (std::size_t i = 0; i < table.order.size(); ++i) {
    const double t = durations[table.order[i]] + 0.0;
    if (!table.time.empty() && table.time.back() == t) continue;
    table.time.push_back(t);
    table.starts.push_back(i);
  }
  table.starts.push_back(table.order.size());
  // Summed from the last time backwards, so that the last risk set is exactly its own rows.
  table.at_risk.resize(table.size());
  double weight = 0;
  for (std::size_t i = table.size(); i-- > 0;) {
    if (options.weights.empty()) {
      weight += static_cast<double>(table.starts[i + 1] - table.starts[i]);
    } else {
      for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j)
        weight += options.weights[table.order[j]];
    }
    table.at_risk[i] = weight;
  }
  if (!options.entry.empty()) {
    const std::vector<double> waiting = not_entered(table.time, options);
    for (std::size_t i = 0; i < table.size(); ++i) table.at_risk[i] -= waiting[i];
  }
  return table;
}

/// Weight of the rows of run `i` with each code; `into` has one place a code.
void count_codes(const RiskTable& table, std::size_t i, std::span<const std::uint8_t> events,
                 const Options& options, std::span<double> into) {
  std::fill(into.begin(), into.end(), 0.0);
  for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j) {
    const std::uint32_t row = table.order[j];
    into[events[row]] += weight_of(options, row);
  }
}

/// What is left of a risk set after its events; rounding of summed weights leaves no ghost of a row.
double stay(double n, double d) { return n - d > 1e-12 * n ? n - d : 0; }

// ---- Bands and steps ------------------------------------------------------------------------------

struct Band {
  double low;
  double high;
};

/// Interval of a share in (0, 1) from its standard error.
Band band_of(double share, double std_error, double z, IntervalKind kind) {
  if (share <= 0 || share >= 1 || std_error <= 0) return {share, share};
  const double e = z * std_error;
  switch (kind) {
    case IntervalKind::plain: return {std::max(0.0, share - e), std::min(1.0, share + e)};
    case IntervalKind::log: {
      const double factor = std::exp(e / share);
      return {share / factor, std::min(1.0, share * factor)};
    }
    case IntervalKind::arcsine: {
      const double middle = std::asin(std::sqrt(share));
      const double half = e / (2 * std::sqrt(share * (1 - share)));
      const auto back = [](double angle) { return std::sin(angle) * std::sin(angle); };
      constexpr double right_angle = 1.57079632679489661923;
      return {back(std::max(0.0, middle - half)), back(std::min(right_angle, middle + half))};
    }
    case IntervalKind::log_log: break;
  }
  const double tilt = std::exp(e / (share * std::fabs(std::log(share))));
  return {std::pow(share, tilt), std::pow(share, 1 / tilt)};
}

/// Position of the last time that is ≤ t, or nothing before the first.
std::optional<std::size_t> step_at(const std::vector<double>& time, double t) {
  const auto after = std::upper_bound(time.begin(), time.end(), t);
  if (after == time.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - time.begin()) - 1;
}

bool is_known(const std::vector<double>& time, const std::vector<double>& survival, double t) {
  return !std::isnan(t) && !time.empty() && (t <= time.back() || survival.back() == 0);
}

}  // namespace

// ---- Kaplan–Meier ---------------------------------------------------------------------------------

KaplanMeier kaplan_meier(std::span<const double> durations, std::span<const std::uint8_t> events,
                         const Options& options) {
  check(durations, events, 1, options);
  const double z = stats::normal_multiplier(options.level);
  RiskTable table = risk_table(durations, options);
  KaplanMeier curve;
  curve.level = options.level;
  curve.interval = options.interval;
  curve.rows = static_cast<std::int64_t>(durations.size());
  for (std::vector<double>* column :
       {&curve.events, &curve.censored, &curve.survival, &curve.std_error, &curve.low, &curve.high})
    column->resize(table.size());
  double survival = 1;
  double spread = 0;  // Σ d/(n(n−d))
  Band band{1, 1};
  std::array<double, 2> seen{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    count_codes(table, i, events, options, seen);
    const double n = table.at_risk[i];
    const double d = seen[1];
    if (d > 0) {
      const double left = stay(n, d);
      survival *= left / n;
      if (left > 0) spread += d / (n * left);
      band = survival > 0 ? band_of(survival, survival * std::sqrt(spread), z, options.interval)
                          : Band{0, band.high};
    }
    curve.events[i] = d;
    curve.censored[i] = seen[0];
    curve.survival[i] = survival;
    curve.std_error[i] = survival * std::sqrt(spread);
    curve.low[i] = band.low;
    curve.high[i] = band.high;
  }
  curve.time = std::move(table.time);
  curve.at_risk = std::move(table.at_risk);
  return curve;
}

std::optional<double> KaplanMeier::at(double t) const {
  if (!is_known(time, survival, t)) return std::nullopt;
  const auto step = step_at(time, t);
  return step ? survival[*step] : 1;
}

TimeEstimate KaplanMeier::quantile(double probability) const {
  if (!(probability > 0 && probability < 1))
    throw UsageError("probability must lie between 0 and 1, ends left out");
  // Products of ratios may miss a level by rounding: 1 − 1/2 must be met by 0.5000000000000001.
  const double level_met = (1 - probability) * (1 + 1e-12);
  const auto passes = [&](const std::vector<double>& curve) -> std::optional<double> {
    const auto found = std::find_if(curve.begin(), curve.end(), [&](double s) { return s <= level_met; });
    if (found == curve.end()) return std::nullopt;
    return time[static_cast<std::size_t>(found - curve.begin())];
  };
  return {passes(survival), passes(low), passes(high)};
}

std::optional<MeanEstimate> KaplanMeier::rmst(double until) const {
  if (!(until > 0) || std::isinf(until)) throw UsageError("until must be a finite time above 0");
  if (!is_known(time, survival, until)) return std::nullopt;
  const auto step = step_at(time, until);
  // Area to the right of each time, from the last one backwards.
  double area = 0;
  double variance = 0;
  double right = until;
  for (std::size_t i = step ? *step + 1 : 0; i-- > 0;) {
    area += (right - time[i]) * survival[i];
    if (at_risk[i] > events[i]) variance += area * area * events[i] / (at_risk[i] * (at_risk[i] - events[i]));
    right = time[i];
  }
  area += right;
  const double std_error_of_mean = std::sqrt(variance);
  const double half = stats::normal_multiplier(level) * std_error_of_mean;
  return MeanEstimate{area, std_error_of_mean, std::max(0.0, area - half), std::min(until, area + half)};
}

// ---- Nelson–Aalen ---------------------------------------------------------------------------------

NelsonAalen nelson_aalen(std::span<const double> durations, std::span<const std::uint8_t> events,
                         const Options& options, TiedEvents ties) {
  check(durations, events, 1, options);
  const double z = stats::normal_multiplier(options.level);
  RiskTable table = risk_table(durations, options);
  NelsonAalen curve;
  curve.level = options.level;
  curve.ties = ties;
  curve.rows = static_cast<std::int64_t>(durations.size());
  double hazard = 0;
  double variance = 0;
  std::array<double, 2> seen{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    count_codes(table, i, events, options, seen);
    const double n = table.at_risk[i];
    const double d = seen[1];
    std::size_t turns = d > 0 ? 1 : 0;
    if (ties == TiedEvents::in_turn) {
      turns = 0;
      for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j) turns += events[table.order[j]];
    }
    for (std::size_t turn = 0; turn < turns; ++turn) {
      const double share = d / static_cast<double>(turns);
      const double left = n - share * static_cast<double>(turn);
      hazard += share / left;
      variance += share / (left * left);
    }
    const double error = std::sqrt(variance);
    const double factor = hazard > 0 ? std::exp(z * error / hazard) : 1;
    curve.events.push_back(d);
    curve.censored.push_back(seen[0]);
    curve.cumulative_hazard.push_back(hazard);
    curve.std_error.push_back(error);
    curve.low.push_back(hazard / factor);
    curve.high.push_back(hazard * factor);
  }
  curve.time = std::move(table.time);
  curve.at_risk = std::move(table.at_risk);
  return curve;
}

// ---- Aalen–Johansen -------------------------------------------------------------------------------

namespace {

/// The variance of one incidence, kept up to date by sums over past times of powers of F(t) − F(tᵢ).
struct IncidenceVariance {
  double a0 = 0, a1 = 0, a2 = 0;  ///< Σ d/(n(n−d)) (F − Fᵢ)^0,1,2
  double b0 = 0, b1 = 0;          ///< Σ S d_k/n² (F − Fᵢ)^0,1
  double own = 0;                 ///< Σ S² d_k (n − d_k)/n³

  void step(double grown, double before, double n, double d, double of_cause) {
    a2 += grown * (2 * a1 + grown * a0);
    a1 += grown * a0;
    b1 += grown * b0;
    if (const double left = stay(n, d); left > 0) a0 += d / (n * left);
    b0 += before * of_cause / (n * n);
    own += before * before * of_cause * std::max(0.0, n - of_cause) / (n * n * n);
  }
  [[nodiscard]] double value() const { return std::max(0.0, a2 - 2 * b1 + own); }
};

}  // namespace

AalenJohansen aalen_johansen(std::span<const double> durations, std::span<const std::uint8_t> events,
                             const Options& options, std::size_t causes) {
  if (causes == 0)
    causes = events.empty() ? 1 : std::max<std::size_t>(1, *std::max_element(events.begin(), events.end()));
  if (causes > 255) throw UsageError("causes must be at most 255");
  check(durations, events, causes, options);
  const double z = stats::normal_multiplier(options.level);
  RiskTable table = risk_table(durations, options);
  AalenJohansen result;
  result.level = options.level;
  result.interval = options.interval;
  result.rows = static_cast<std::int64_t>(durations.size());
  result.causes.resize(causes);
  std::vector<IncidenceVariance> variances(causes);
  std::vector<double> incidence(causes, 0.0);
  std::vector<double> seen(causes + 1);
  double survival = 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    count_codes(table, i, events, options, seen);
    const double n = table.at_risk[i];
    const double d = std::accumulate(seen.begin() + 1, seen.end(), 0.0);
    for (std::size_t k = 0; k < causes; ++k) {
      const double grown = survival * seen[k + 1] / n;
      if (d > 0) variances[k].step(grown, survival, n, d, seen[k + 1]);
      incidence[k] = std::min(1.0, incidence[k] + grown);
      const double error = std::sqrt(variances[k].value());
      const Band band = band_of(incidence[k], error, z, options.interval);
      Incidence& cause = result.causes[k];
      cause.events.push_back(seen[k + 1]);
      cause.incidence.push_back(incidence[k]);
      cause.std_error.push_back(error);
      cause.low.push_back(band.low);
      cause.high.push_back(band.high);
    }
    if (d > 0) survival *= stay(n, d) / n;
    result.censored.push_back(seen[0]);
    result.survival.push_back(survival);
  }
  result.time = std::move(table.time);
  result.at_risk = std::move(table.at_risk);
  return result;
}

std::optional<double> AalenJohansen::at(double t, std::size_t cause) const {
  if (cause < 1 || cause > causes.size())
    throw UsageError("cause must lie between 1 and " + std::to_string(causes.size()));
  if (!is_known(time, survival, t)) return std::nullopt;
  const auto step = step_at(time, t);
  return step ? causes[cause - 1].incidence[*step] : 0;
}

// ---- Log-rank -------------------------------------------------------------------------------------

namespace {

double rank_weight(RankWeight kind, double n, double survival_before, double peto) {
  switch (kind) {
    case RankWeight::log_rank: return 1;
    case RankWeight::wilcoxon: return n;
    case RankWeight::tarone_ware: return std::sqrt(n);
    case RankWeight::peto: return peto;
    case RankWeight::g_rho: return survival_before;
  }
  return 1;
}

/// Weight at risk of each group, moved from time to time.
class GroupsAtRisk {
 public:
  GroupsAtRisk(std::span<const std::uint32_t> groups, std::size_t n_groups, const Options& options)
      : groups_(groups), options_(options), at_risk_(n_groups, 0.0) {
    if (!options.entry.empty()) waiting_ = order_of(options.entry);
    for (std::size_t row = 0; row < groups.size(); ++row)
      if (options.entry.empty() || options.entry[row] <= 0) at_risk_[groups[row]] += weight_of(options, row);
  }
  void enter_before(double time) {
    for (; next_ < waiting_.size() && options_.entry[waiting_[next_]] < time; ++next_) {
      const std::uint32_t row = waiting_[next_];
      if (options_.entry[row] > 0) at_risk_[groups_[row]] += weight_of(options_, row);
    }
  }
  void leave(std::uint32_t row) { at_risk_[groups_[row]] -= weight_of(options_, row); }
  [[nodiscard]] double operator[](std::size_t group) const { return std::max(0.0, at_risk_[group]); }

 private:
  std::span<const std::uint32_t> groups_;
  const Options& options_;
  std::vector<double> at_risk_;
  std::vector<std::uint32_t> waiting_;
  std::size_t next_ = 0;
};

}  // namespace

LogRank log_rank(std::span<const double> durations, std::span<const std::uint8_t> events,
                 std::span<const std::uint32_t> groups, const Options& options, RankWeight weight) {
  check(durations, events, 1, options);
  if (groups.size() != durations.size()) throw UsageError("groups and durations must be equally long");
  const std::size_t k = std::size_t{*std::max_element(groups.begin(), groups.end())} + 1;
  if (k > 1000) throw UsageError("groups: more than 1,000 codes; number the groups 0, 1, 2, …");
  const RiskTable table = risk_table(durations, options);

  LogRank result;
  result.observed.assign(k, 0.0);
  result.expected.assign(k, 0.0);
  const auto size = static_cast<Eigen::Index>(k);
  Eigen::VectorXd difference = Eigen::VectorXd::Zero(size);
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(size, size);
  Eigen::VectorXd share(size);
  Eigen::VectorXd of_group(size);
  GroupsAtRisk at_risk(groups, k, options);
  double survival = 1;
  double peto = 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    at_risk.enter_before(table.time[i]);
    const double n = table.at_risk[i];
    double d = 0;
    of_group.setZero();
    for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j) {
      const std::uint32_t row = table.order[j];
      if (events[row] == 0) continue;
      of_group[static_cast<Eigen::Index>(groups[row])] += weight_of(options, row);
      d += weight_of(options, row);
    }
    if (d > 0) {
      peto *= 1 - d / (n + 1);
      const double w = rank_weight(weight, n, survival, peto);
      for (std::size_t g = 0; g < k; ++g) {
        share[static_cast<Eigen::Index>(g)] = at_risk[g] / n;
        result.observed[g] += of_group[static_cast<Eigen::Index>(g)];
        result.expected[g] += d * at_risk[g] / n;
      }
      difference += w * (of_group - d * share);
      const double scale = n > 1 ? w * w * d * std::max(0.0, n - d) / (n - 1) : 0;
      covariance.diagonal() += scale * share;
      covariance.noalias() -= scale * share * share.transpose();
      survival *= stay(n, d) / n;
    }
    for (std::size_t j = table.starts[i]; j < table.starts[i + 1]; ++j) at_risk.leave(table.order[j]);
  }

  const auto possible =
      std::count_if(result.expected.begin(), result.expected.end(), [](double e) { return e > 0; });
  result.degrees = std::max(0, static_cast<int>(possible) - 1);
  if (result.degrees == 0 || covariance.trace() <= 0) return result;
  // One group is the rest of all others, so the covariance has a zero eigenvalue: least squares.
  result.statistic =
      std::max(0.0, difference.dot(covariance.completeOrthogonalDecomposition().solve(difference)));
  result.p_value = boost::math::gamma_q(result.degrees / 2.0, result.statistic / 2, Policy{});
  return result;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
