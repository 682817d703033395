#include "salesops/posterior.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>

#include "optimize/linear.hpp"
#include "salesops/error.hpp"
#include "salesops/random.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace posterior {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// A rise of energy beyond this is no rounding: the step was too long for the corner.
constexpr double divergence = 1000;

/// A place in the coordinates of the sampler, in which the density is roughly round.
struct State {
  VectorXd at, momentum, slope;
  double energy = special::infinity;

  [[nodiscard]] double total() const { return energy + momentum.squaredNorm() / 2; }
};

/// x = centre + root · u: the sampler walks in u.
struct Metric {
  VectorXd centre;
  MatrixXd root;

  [[nodiscard]] std::vector<double> place(const VectorXd& u) const {
    const VectorXd x = centre + root * u;
    return {x.data(), x.data() + x.size()};
  }
};

/// Nesterov's dual averaging of the logarithm of the step size (Hoffman & Gelman 2014, section 3.2).
class StepSize {
 public:
  StepSize(double first, double wanted)
      : aim_(std::log(10 * first)), wanted_(wanted), log_step_(std::log(first)) {}

  void learn(double acceptance) {
    ++count_;
    const double weight = 1 / (count_ + 10);
    lack_ = (1 - weight) * lack_ + weight * (wanted_ - acceptance);
    log_step_ = aim_ - lack_ * std::sqrt(count_) / 0.05;
    const double forget = std::pow(count_, -0.75);
    log_mean_ = forget * log_step_ + (1 - forget) * log_mean_;
  }
  [[nodiscard]] double now() const { return std::exp(log_step_); }
  [[nodiscard]] double settled() const { return std::exp(count_ > 0 ? log_mean_ : log_step_); }

 private:
  double aim_, wanted_;
  double log_step_;
  double log_mean_ = 0;
  double lack_ = 0;
  double count_ = 0;
};

/// Mean and covariance of what came by.
class Spread {
 public:
  explicit Spread(Index n) : mean_(VectorXd::Zero(n)), squares_(MatrixXd::Zero(n, n)) {}
  void add(const VectorXd& x) {
    ++count_;
    const VectorXd off = x - mean_;
    mean_ += off / count_;
    squares_ += off * (x - mean_).transpose();
  }
  /// Shrunken a little towards `before`, as few draws tell little.
  [[nodiscard]] MatrixXd covariance(const MatrixXd& before) const {
    const MatrixXd own = squares_ / std::max(count_ - 1, 1.0);
    const double trust = count_ / (count_ + 5.0);
    return trust * (own + own.transpose()) / 2 + (1 - trust) * before;
  }

 private:
  double count_ = 0;
  VectorXd mean_;
  MatrixXd squares_;
};

class Chain {
 public:
  Chain(const optimize::Objective& energy, Metric metric, const Options& options, std::size_t number)
      : energy_(energy), metric_(std::move(metric)), options_(options), number_(number) {}

  /// `done` is told after each iteration.
  void run(Draws& result, const std::function<void()>& done) {
    begin();
    const int warmup = options_.warmup;
    // First find the bulk, then learn its shape twice, then settle the step size.
    const int bulk = warmup * 15 / 100, first = warmup * 45 / 100, second = warmup * 90 / 100;
    StepSize step(first_step(), options_.acceptance);
    Spread spread(size());
    double acceptance = 0;
    for (int i = 0; i < warmup + options_.draws; ++i) {
      ask_stop();
      done();
      const bool learning = i < warmup;
      iterate(static_cast<std::uint32_t>(i), learning ? step.now() : step.settled());
      const std::vector<double> x = metric_.place(here_.at);
      if (learning) {
        step.learn(accepted_);
        if (i >= bulk && i < second) spread.add(Eigen::Map<const VectorXd>(x.data(), size()));
        if (i + 1 == first || i + 1 == second) {
          reshape(spread);
          spread = Spread(size());
          step = StepSize(first_step(), options_.acceptance);
        }
        continue;
      }
      acceptance += accepted_ / options_.draws;
      divergences_ += diverged_ ? 1 : 0;
      cut_short_ += depth_ == options_.max_depth ? 1 : 0;
      const auto row = static_cast<std::size_t>(i - warmup);
      std::copy(x.begin(), x.end(),
                result.values.begin() +
                    static_cast<std::ptrdiff_t>((number_ * result.draws + row) * result.dimensions));
    }
    acceptance_ = acceptance;
  }

  [[nodiscard]] std::int64_t divergences() const { return divergences_; }
  [[nodiscard]] std::int64_t cut_short() const { return cut_short_; }
  [[nodiscard]] double acceptance() const { return acceptance_; }

 private:
  [[nodiscard]] Index size() const { return metric_.centre.size(); }

  void evaluate(State& state) const {
    const optimize::Point point = energy_(metric_.place(state.at));
    if (point.gradient.size() != static_cast<std::size_t>(size()))
      throw UsageError("posterior: energy must give a gradient of as many values as start has");
    const Eigen::Map<const VectorXd> gradient(point.gradient.data(), size());
    const bool inside = std::isfinite(point.value) && gradient.allFinite();
    state.energy = inside ? point.value : special::infinity;
    state.slope = inside ? VectorXd(metric_.root.transpose() * gradient) : VectorXd::Zero(size());
  }

  /// A place around the start whose density is not 0; the start itself where that is hard to find.
  void begin() {
    random::Stream stream(options_.seed, number_, random::purpose("posterior start"));
    for (double reach = 1; reach > 1e-3; reach /= 2) {
      here_.at = VectorXd::NullaryExpr(size(), [&] { return reach * stream.uniform(-2, 2); });
      evaluate(here_);
      if (here_.energy < special::infinity) return;
    }
    here_.at = VectorXd::Zero(size());
    evaluate(here_);
  }

  void leap(State& state, double step) const {
    state.momentum -= step / 2 * state.slope;
    state.at += step * state.momentum;
    evaluate(state);
    state.momentum -= step / 2 * state.slope;
  }

  /// Halves or doubles until one step is accepted about half the time.
  double first_step() {
    random::Stream stream(options_.seed, number_, random::purpose("posterior step"), round_++);
    double step = 0.5;
    int direction = 0;
    for (int i = 0; i < 50; ++i) {
      State next = here_;
      next.momentum = VectorXd::NullaryExpr(size(), [&] { return stream.normal(); });
      const double before = next.total();
      leap(next, step);
      const int wanted = before - next.total() > std::log(0.8) ? 1 : -1;
      if (direction == 0) direction = wanted;
      if (wanted != direction) break;
      step *= wanted > 0 ? 2 : 0.5;
    }
    return step;
  }

  void reshape(const Spread& spread) {
    const VectorXd x = Eigen::Map<const VectorXd>(metric_.place(here_.at).data(), size());
    if (auto root = linear::cholesky(spread.covariance(metric_.root * metric_.root.transpose())))
      metric_.root = *std::move(root);
    metric_.centre = x;
    here_.at = VectorXd::Zero(size());
    evaluate(here_);
  }

  // ---- One trajectory ----

  /// A stretch of the trajectory: its ends, the state chosen from it, its weight, the sum of its momenta.
  struct Stretch {
    State left, right, chosen;
    VectorXd momenta;
    double log_weight = -special::infinity;
    bool good = true;  ///< neither turned back nor diverged
  };

  static bool turns(const VectorXd& momenta, const VectorXd& left, const VectorXd& right) {
    return momenta.dot(left) <= 0 || momenta.dot(right) <= 0;
  }
  /// Two neighbours, `a` left of `b`: the whole, and each with the other's nearest end.
  static bool turns(const Stretch& a, const Stretch& b) {
    return turns(a.momenta + b.momenta, a.left.momentum, b.right.momentum) ||
           turns(a.momenta + b.left.momentum, a.left.momentum, b.left.momentum) ||
           turns(a.right.momentum + b.momenta, a.right.momentum, b.right.momentum);
  }

  void join(Stretch& whole, Stretch&& part, bool to_right, bool favour_new, random::Stream& stream) {
    const double together = special::log_add(whole.log_weight, part.log_weight);
    const double odds = part.log_weight - (favour_new ? whole.log_weight : together);
    if (std::log(stream.uniform_open()) < odds) whole.chosen = std::move(part.chosen);
    whole.log_weight = together;
    const bool turned = to_right ? turns(whole, part) : turns(part, whole);
    whole.good = part.good && !turned;
    whole.momenta += part.momenta;
    if (to_right)
      whole.right = std::move(part.right);
    else
      whole.left = std::move(part.left);
  }

  /// 2^depth steps on from `from`.
  Stretch grow(const State& from, int depth, double step, random::Stream& stream) {
    if (depth == 0) {
      Stretch one;
      State next = from;
      leap(next, step);
      const double rise = next.total() - start_;
      const double gain = std::isnan(rise) ? -special::infinity : -rise;
      diverged_ |= !(gain > -divergence);
      sum_accepted_ += std::min(1.0, std::exp(gain));
      ++steps_;
      one.momenta = next.momentum;
      one.log_weight = gain;
      one.good = gain > -divergence;
      one.left = one.right = one.chosen = std::move(next);
      return one;
    }
    Stretch whole = grow(from, depth - 1, step, stream);
    if (!whole.good) return whole;
    Stretch part = grow(step > 0 ? whole.right : whole.left, depth - 1, step, stream);
    if (!part.good) {
      whole.good = false;
      return whole;
    }
    join(whole, std::move(part), step > 0, false, stream);
    return whole;
  }

  void iterate(std::uint32_t iteration, double step) {
    random::Stream stream(options_.seed, number_, random::purpose("posterior"), iteration);
    here_.momentum = VectorXd::NullaryExpr(size(), [&] { return stream.normal(); });
    start_ = here_.total();
    diverged_ = false;
    sum_accepted_ = 0;
    steps_ = 0;
    Stretch whole{here_, here_, here_, here_.momentum, 0, true};
    for (depth_ = 0; depth_ < options_.max_depth && whole.good; ++depth_) {
      const bool to_right = stream.bernoulli(0.5);
      Stretch part = grow(to_right ? whole.right : whole.left, depth_, to_right ? step : -step, stream);
      if (!part.good) break;
      join(whole, std::move(part), to_right, true, stream);
    }
    here_ = std::move(whole.chosen);
    accepted_ = steps_ > 0 ? sum_accepted_ / steps_ : 0;
  }

  const optimize::Objective& energy_;
  Metric metric_;
  const Options& options_;
  std::size_t number_;
  State here_;
  double start_ = 0, sum_accepted_ = 0, accepted_ = 0, acceptance_ = 0;
  int steps_ = 0, depth_ = 0;
  std::uint32_t round_ = 0;
  bool diverged_ = false;
  std::int64_t divergences_ = 0, cut_short_ = 0;
};

void check(std::span<const double> start, std::span<const double> covariance, const Options& options) {
  if (start.empty()) throw UsageError("posterior: start needs a value for each dimension");
  if (!covariance.empty() && covariance.size() != start.size() * start.size())
    throw UsageError("posterior: covariance needs the square of as many values as start has");
  if (options.chains < 1 || options.chains > 1000)
    throw UsageError("posterior: chains must be from 1 to 1000");
  if (options.warmup < 20) throw UsageError("posterior: warmup must be at least 20");
  if (options.draws < 4) throw UsageError("posterior: draws must be at least 4");
  if (!(options.acceptance > 0 && options.acceptance < 1))
    throw UsageError("posterior: acceptance must lie between 0 and 1");
  if (options.max_depth < 1 || options.max_depth > 20)
    throw UsageError("posterior: max_depth must be from 1 to 20");
}

}  // namespace

Draws draw(const optimize::Objective& energy, std::span<const double> start,
           std::span<const double> covariance, const Options& options) {
  check(start, covariance, options);
  const StopScope scope(options.execution.stop);
  const auto n = static_cast<Index>(start.size());
  Metric metric{Eigen::Map<const VectorXd>(start.data(), n), MatrixXd::Identity(n, n)};
  if (!covariance.empty()) {
    auto root = linear::cholesky(Eigen::Map<const MatrixXd>(covariance.data(), n, n));
    if (!root) throw UsageError("posterior: covariance is not positive definite");
    metric.root = *std::move(root);
  }
  if (!std::isfinite(energy(start).value)) throw UsageError("posterior: the start has no density");

  Draws result;
  result.dimensions = start.size();
  result.chains = static_cast<std::size_t>(options.chains);
  result.draws = static_cast<std::size_t>(options.draws);
  result.values.resize(result.chains * result.draws * result.dimensions);
  std::vector<Chain> chains;
  for (std::size_t number = 0; number < result.chains; ++number)
    chains.emplace_back(energy, metric, options, number);
  const std::thread::id caller = std::this_thread::get_id();
  const double total = static_cast<double>(result.chains) * (options.warmup + options.draws);
  std::atomic<std::int64_t> iterations{0};
  const auto done = [&] {
    const std::int64_t now = iterations.fetch_add(1, std::memory_order_relaxed);
    if (options.execution.progress && std::this_thread::get_id() == caller && now % 8 == 0)
      options.execution.progress(static_cast<double>(now) / total);
  };
  Execution quiet = options.execution;
  quiet.progress = {};
  for_blocks(result.chains, quiet, [&](std::size_t number) { chains[number].run(result, done); });
  if (options.execution.progress) options.execution.progress(1);
  for (const Chain& chain : chains) {
    result.divergences += chain.divergences();
    result.cut_short += chain.cut_short();
    result.acceptance += chain.acceptance() / options.chains;
  }
  return result;
}

// ---- Diagnosis ------------------------------------------------------------------------------------

namespace {

/// Draws as half-chains of equal length.
struct Halves {
  std::size_t count, length;
  std::vector<double> values;

  [[nodiscard]] std::span<const double> half(std::size_t i) const {
    return {values.data() + i * length, length};
  }
};

Halves halves_of(std::span<const double> values, std::size_t chains) {
  const std::size_t length = values.size() / chains;
  Halves halves{.count = 2 * chains, .length = length / 2, .values = {}};
  for (std::size_t chain = 0; chain < chains; ++chain)
    for (const std::size_t first : {chain * length, (chain + 1) * length - halves.length})
      halves.values.insert(halves.values.end(), values.begin() + static_cast<std::ptrdiff_t>(first),
                           values.begin() + static_cast<std::ptrdiff_t>(first + halves.length));
  return halves;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Within and overall variance of the halves.
struct Variances {
  double within = 0, overall = 0;
};

Variances variances_of(const Halves& halves) {
  const auto n = static_cast<double>(halves.length), m = static_cast<double>(halves.count);
  const double grand = mean_of(halves.values);
  double within = 0, between = 0;
  for (std::size_t i = 0; i < halves.count; ++i) {
    const auto half = halves.half(i);
    const double mean = mean_of(half);
    between += (mean - grand) * (mean - grand) * n / (m - 1);
    for (const double value : half) within += (value - mean) * (value - mean) / ((n - 1) * m);
  }
  return {within, (n - 1) / n * within + between / n};
}

double r_hat_of(const Halves& halves) {
  const Variances variances = variances_of(halves);
  return std::sqrt(variances.overall / variances.within);
}

/// Autocovariance of a half at a lag, over its length.
double autocovariance(std::span<const double> half, double mean, std::size_t lag) {
  double sum = 0;
  for (std::size_t i = 0; i + lag < half.size(); ++i) sum += (half[i] - mean) * (half[i + lag] - mean);
  return sum / static_cast<double>(half.size());
}

/// Geyer's initial monotone sequence over the mean autocorrelation of the halves.
double effective_draws(const Halves& halves) {
  const auto total = static_cast<double>(halves.values.size());
  const Variances variances = variances_of(halves);
  if (!(variances.overall > 0)) return special::not_a_number;
  std::vector<double> means;
  for (std::size_t i = 0; i < halves.count; ++i) means.push_back(mean_of(halves.half(i)));
  const auto correlation = [&](std::size_t lag) {
    double covariance = 0;
    for (std::size_t i = 0; i < halves.count; ++i)
      covariance += autocovariance(halves.half(i), means[i], lag) / static_cast<double>(halves.count);
    return 1 - (variances.within - covariance) / variances.overall;
  };
  // Pairs of lags as long as they are positive, none larger than the one before; of the pair that ends the
  // sequence the first half still counts, once.
  double even = 1, odd = correlation(1), sum = 0, last = special::infinity;
  for (std::size_t lag = 1; lag + 3 < halves.length && even + odd > 0; lag += 2) {
    last = std::min(last, even + odd);
    sum += last;
    even = correlation(lag + 1);
    odd = correlation(lag + 2);
  }
  const double tau = std::max(2 * sum - 1 + std::max(even, 0.0), 1 / std::log10(total));
  return total / tau;
}

/// Values put at the normal quantiles of their ranks; equal ones share their mean rank.
Halves normal_ranks(Halves halves) {
  const std::size_t n = halves.values.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return halves.values[a] < halves.values[b]; });
  std::vector<double> scores(n);
  for (std::size_t first = 0; first < n;) {
    std::size_t last = first + 1;
    while (last < n && halves.values[order[last]] == halves.values[order[first]]) ++last;
    const double rank = static_cast<double>(first + last + 1) / 2;
    const double score = special::normal_quantile((rank - 0.375) / (static_cast<double>(n) + 0.25));
    for (; first < last; ++first) scores[order[first]] = score;
  }
  halves.values = std::move(scores);
  return halves;
}

Halves mapped(Halves halves, const auto& map) {
  for (double& value : halves.values) value = map(value);
  return halves;
}

double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double next = sorted[std::min(below + 1, sorted.size() - 1)];
  return sorted[below] + (place - static_cast<double>(below)) * (next - sorted[below]);
}

}  // namespace

Diagnosis diagnose(std::span<const double> values, std::size_t chains) {
  if (chains < 1 || values.size() % chains != 0)
    throw UsageError("posterior: every chain must have equally many draws");
  if (values.size() / chains < 4) throw UsageError("posterior: a chain needs at least four draws");
  const Halves halves = halves_of(values, chains);
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  Diagnosis result;
  result.mean = mean_of(values);
  for (const double value : values) result.sd += (value - result.mean) * (value - result.mean);
  result.sd = std::sqrt(result.sd / static_cast<double>(values.size() - 1));

  const double median = quantile(sorted, 0.5);
  const Halves ranks = normal_ranks(halves);
  const Halves folded = normal_ranks(mapped(halves, [&](double value) { return std::abs(value - median); }));
  result.r_hat = std::max(r_hat_of(ranks), r_hat_of(folded));
  result.ess_bulk = effective_draws(ranks);
  const auto below = [&](double share) {
    const double limit = quantile(sorted, share);
    return effective_draws(mapped(halves, [&](double value) { return value <= limit ? 1.0 : 0.0; }));
  };
  result.ess_tail = std::min(below(0.05), below(0.95));
  result.standard_error = result.sd / std::sqrt(effective_draws(halves));
  return result;
}

Diagnosis diagnose(const Draws& draws, std::size_t dimension) {
  if (dimension >= draws.dimensions) throw UsageError("posterior: there is no such dimension");
  std::vector<double> values;
  values.reserve(draws.chains * draws.draws);
  for (std::size_t i = dimension; i < draws.values.size(); i += draws.dimensions)
    values.push_back(draws.values[i]);
  return diagnose(values, draws.chains);
}

}  // namespace posterior
}  // namespace v0
}  // namespace salesops
