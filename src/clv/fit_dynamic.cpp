// Pareto/NBD on two clocks. With A' = A/alpha and D' = D/beta a customer's likelihood is that of alpha = beta
// = 1, and ln alpha, ln beta are coefficients of a covariate that is −1 everywhere.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "design.hpp"
#include "intervals.hpp"
#include "salesops/clv/dynamic.hpp"
#include "salesops/error.hpp"
#include "solve.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr const char* call = "fit_pareto_nbd";

/// Purchases until T are as many as x, the last at t_x.
void check_purchases(const RfmView& view, const PurchaseTimes& purchases) {
  check_offsets(std::string(call) + ": the purchases' first", purchases.first, view.x.size(),
                purchases.times.size());
  const auto times_of = [&](std::size_t i) {
    return purchases.times.subspan(purchases.first[i], purchases.first[i + 1] - purchases.first[i]);
  };
  Complaints complaints(call, view.x.size());
  complaints.check("the purchase times are not above 0 and in order", [&](std::size_t i) {
    const auto times = times_of(i);
    return !times.empty() && !(times.front() > 0 && std::is_sorted(times.begin(), times.end()));
  });
  complaints.check("x or t_x contradicts the purchase times until T", [&](std::size_t i) {
    const auto times = times_of(i);
    const double end = view.T[i] * (1 + rounding);
    const auto seen = std::upper_bound(times.begin(), times.end(), end) - times.begin();
    const double last = seen > 0 ? times[static_cast<std::size_t>(seen - 1)] : 0;
    return static_cast<double>(seen) != view.x[i] || std::abs(last - view.t_x[i]) > rounding * view.T[i];
  });
  complaints.raise();
}

/// A time of equal covariates, those of `interval`.
struct Piece {
  double length;
  std::size_t interval;
};

struct Life {
  double x;
  double weight;
  std::size_t past;     ///< first of its pieces, until t_x
  std::size_t silence;  ///< first piece from t_x to T
  std::size_t end;
};

/// What the likelihood reads of all customers.
class Histories {
 public:
  Histories(const Design& design, const RfmView& view, const PurchaseTimes& purchases,
            const DynamicCovariates& covariates)
      : design_(design) {
    const auto parameters = static_cast<Index>(4 + design.names().size());
    purchased_ = VectorXd::Zero(parameters);
    for (std::size_t i = 0; i < view.x.size(); ++i) {
      tick(i);
      Life customer{view.x[i], view.weights.empty() ? 1 : view.weights[i], pieces_.size(), 0, 0};
      const auto until = covariates.until.subspan(0, covariates.first[i + 1]);
      add_pieces(until, covariates.first[i], 0, view.t_x[i], customer.past);
      customer.silence = pieces_.size();
      add_pieces(until, covariates.first[i], view.t_x[i], view.T[i], customer.silence);
      customer.end = pieces_.size();
      add_purchases(purchases, i, until, covariates.first[i], customer);
      customers_.push_back(customer);
    }
  }

  [[nodiscard]] std::span<const Life> customers() const { return customers_; }
  [[nodiscard]] std::size_t pieces() const { return pieces_.size(); }
  [[nodiscard]] const Piece& piece(std::size_t i) const { return pieces_[i]; }

  /// Slopes of ln of the rates in an interval by all parameters, over alpha and beta.
  void rates_at(std::size_t interval, VectorXd& buy, VectorXd& leave) const {
    set(design_.first(), interval, 1, buy);
    set(design_.second(), interval, 3, leave);
  }
  /// Σ of those of buying, over all purchases.
  [[nodiscard]] const VectorXd& purchased() const { return purchased_; }

 private:
  static void set(std::span<const Term> terms, std::size_t interval, Index constant, VectorXd& slopes) {
    slopes.setZero();
    slopes[constant] = -1;
    for (const Term& term : terms) slopes[static_cast<Index>(term.position)] += term.values[interval];
  }

  void add_pieces(std::span<const double> until, std::size_t interval, double from, double to,
                  std::size_t first_piece) {
    for (double begin = 0; interval < until.size() && begin < to; begin = until[interval++]) {
      const double end = interval + 1 < until.size() ? std::min(until[interval], to) : to;
      const double length = end - std::max(begin, from);
      if (!(length > 0)) continue;
      if (pieces_.size() > first_piece && design_.compare(pieces_.back().interval, interval) == 0)
        pieces_.back().length += length;
      else
        pieces_.push_back({length, interval});
    }
  }

  void add_purchases(const PurchaseTimes& purchases, std::size_t i, std::span<const double> until,
                     std::size_t interval, const Life& customer) {
    VectorXd buy(purchased_.size());
    const std::size_t first = purchases.first[i];
    for (std::size_t j = first; j < first + static_cast<std::size_t>(customer.x); ++j) {
      while (interval + 1 < until.size() && until[interval] <= purchases.times[j]) ++interval;
      set(design_.first(), interval, 1, buy);
      purchased_ += customer.weight * buy;
    }
  }

  const Design& design_;
  std::vector<Piece> pieces_;
  std::vector<Life> customers_;
  VectorXd purchased_;
};

/// A clock over alpha or beta: its time, and the derivatives of it by all parameters.
template <int order>
struct LiveClock {
  double time = 0;
  VectorXd slope;
  MatrixXd bend;

  explicit LiveClock(Index size) : slope(size) {
    if constexpr (order == 2) bend.resize(size, size);
  }
  void reset() {
    time = 0;
    slope.setZero();
    bend.setZero();
  }
  /// Runs on at e^(rate), whose exponent has these slopes.
  void run(double rate, const VectorXd& slopes, double length) {
    const double more = std::exp(rate) * length;
    time += more;
    slope += more * slopes;
    if constexpr (order == 2) bend.noalias() += more * slopes * slopes.transpose();
  }
};

/// ln of a sum of exponentials as it grows, by all parameters.
template <int order>
struct LogSum {
  double value = -special::infinity;
  VectorXd slope;
  MatrixXd square;  ///< mean of Hessian + slope·slopeᵀ of the terms

  explicit LogSum(Index size) : slope(size) {
    if constexpr (order == 2) square.resize(size, size);
  }
  void reset() {
    value = -special::infinity;
    slope.setZero();
    square.setZero();
  }
};

/// What the terms are made of: ln r, ln s, the clocks as ln(1+a) and ln(1+d), and ln of the rates at which
/// those go on.
enum Part : std::uint8_t { log_r, log_s, log_a, log_d, next_a, next_d, parts };

/// A term with its derivatives by its parts.
template <int order>
struct Summand {
  using Bend =
      std::conditional_t<order == 2, Eigen::Matrix<double, parts, parts>, Eigen::Matrix<double, 0, 0>>;
  double value = 0;
  Eigen::Matrix<double, parts, 1> slope = Eigen::Matrix<double, parts, 1>::Zero();
  Bend bend = Bend::Zero();
};

/// ln ∫ over (0, length] of (1+e^f u)^−R (1+e^g u)^−(s+1), by ln r, ln s, f and g.
template <int order>
Jet<4, order> log_silence(double r, double x, double s, double f, double g, double length) {
  const double fast_a = std::exp(f);
  const double fast_d = std::exp(g);
  const double R = r + x;
  Jet<4, order> sum;
  const auto term = [&](double u, double weight) noexcept {
    const double a = std::log1p(fast_a * u);
    const double d = std::log1p(fast_d * u);
    const double up = fast_a * u / (1 + fast_a * u);
    const double across = fast_d * u / (1 + fast_d * u);
    Jet<4, order> log(-R * a - (s + 1) * d);
    log.gradient = {-r * a, -s * d, -R * up, -(s + 1) * across};
    if constexpr (order == 2)
      log.hessian = {-r * a, 0,
                     -s * d, -r * up,
                     0,      -R * up * (1 - up),
                     0,      -s * across,
                     0,      -(s + 1) * across * (1 - across)};
    const Jet<4, order> value = exp(log) * weight;
    sum += value;
    return value.value;
  };
  (void)detail::sum_of_nodes(length, std::fmax(fast_a, fast_d), detail::fall_of(fast_a, fast_d, R, s), term);
  return log(sum);
}

/// Adds up the likelihood of one customer after another.
template <int order>
class Evaluator {
 public:
  Evaluator(const Histories& histories, std::span<const double> at)
      : histories_(histories),
        at_(Eigen::Map<const VectorXd>(at.data(), static_cast<Index>(at.size()))),
        r_(std::exp(at[0])),
        s_(std::exp(at[2])),
        a_(at_.size()),
        d_(at_.size()),
        sum_(at_.size()),
        buy_(VectorXd::Zero(at_.size())),
        leave_(VectorXd::Zero(at_.size())),
        map_(decltype(map_)::Zero(parts, at_.size())) {
    map_(log_r, 0) = 1;
    map_(log_s, 2) = 1;
  }

  void add(Total& total, const Life& customer) {
    a_.reset();
    d_.reset();
    sum_.reset();
    for (std::size_t i = customer.past; i < customer.silence; ++i) run(histories_.piece(i));
    for (std::size_t i = customer.silence; i < customer.end; ++i) {
      const Piece& piece = histories_.piece(i);
      rates_at(piece);
      add_term(left_within(customer.x, piece.length));
      run_on(piece);
    }
    add_term(still_there(customer.x));
    total.value += customer.weight * sum_.value;
    total.gradient += customer.weight * sum_.slope;
    if constexpr (order == 2)
      total.hessian += customer.weight * (sum_.square - sum_.slope * sum_.slope.transpose());
  }

 private:
  void rates_at(const Piece& piece) { histories_.rates_at(piece.interval, buy_, leave_); }
  void run_on(const Piece& piece) {
    a_.run(buy_.dot(at_), buy_, piece.length);
    d_.run(leave_.dot(at_), leave_, piece.length);
  }
  void run(const Piece& piece) {
    rates_at(piece);
    run_on(piece);
  }

  /// Alive until now: (1+a)^−R (1+d)^−s.
  [[nodiscard]] Summand<order> still_there(double x) const {
    const double a = std::log1p(a_.time);
    const double d = std::log1p(d_.time);
    Summand<order> term;
    term.value = -(r_ + x) * a - s_ * d;
    term.slope << -r_ * a, -s_ * d, -(r_ + x), -s_, 0, 0;
    if constexpr (order == 1) return term;
    term.bend(log_r, log_r) = -r_ * a;
    term.bend(log_s, log_s) = -s_ * d;
    term.bend(log_r, log_a) = term.bend(log_a, log_r) = -r_;
    term.bend(log_s, log_d) = term.bend(log_d, log_s) = -s_;
    return term;
  }
  /// Left within the piece that begins now: alive until now, times s ∫ d' (1+a)^−R (1+d)^−(s+1) from here.
  [[nodiscard]] Summand<order> left_within(double x, double length) const {
    const double f = buy_.dot(at_) - std::log1p(a_.time);
    const double g = leave_.dot(at_) - std::log1p(d_.time);
    Summand<order> term = still_there(x);
    const Jet<4, order> integral = log_silence<order>(r_, x, s_, f, g, length);
    constexpr std::array<Index, 4> place{log_r, log_s, next_a, next_d};
    term.value += at_[2] + g + integral.value;
    term.slope[log_s] += 1;
    term.slope[next_d] += 1;
    for (std::size_t i = 0; i < 4; ++i) {
      term.slope[place[i]] += integral.gradient[i];
      if constexpr (order == 2)
        for (std::size_t j = 0; j < 4; ++j) term.bend(place[i], place[j]) += integral.second(i, j);
    }
    return term;
  }

  void add_term(const Summand<order>& term) {
    const double u = 1 / (1 + a_.time);
    const double w = 1 / (1 + d_.time);
    map_.row(log_a) = u * a_.slope.transpose();
    map_.row(log_d) = w * d_.slope.transpose();
    map_.row(next_a) = buy_.transpose() - map_.row(log_a);
    map_.row(next_d) = leave_.transpose() - map_.row(log_d);
    const double value = special::log_add(sum_.value, term.value);
    const double share = std::exp(term.value - value);
    sum_.value = value;
    sum_.slope += share * (map_.transpose() * term.slope - sum_.slope);
    if constexpr (order == 2) add_bend(term, share, u, w);
  }

  void add_bend(const Summand<2>& term, double share, double u, double w) {
    // ln(1+a) itself bends by a″/(1+a) − (a′/(1+a))², and the rate after it the other way.
    const double bend_a = term.slope[log_a] - term.slope[next_a];
    const double bend_d = term.slope[log_d] - term.slope[next_d];
    Eigen::Matrix<double, parts, parts> square = term.bend + term.slope * term.slope.transpose();
    square(log_a, log_a) -= bend_a;
    square(log_d, log_d) -= bend_d;
    sum_.square *= 1 - share;
    sum_.square.noalias() += map_.transpose().lazyProduct((share * square * map_).eval());
    sum_.square += (share * bend_a * u) * a_.bend + (share * bend_d * w) * d_.bend;
  }

  const Histories& histories_;
  VectorXd at_;
  double r_, s_;
  LiveClock<order> a_, d_;
  LogSum<order> sum_;
  VectorXd buy_, leave_;
  Eigen::Matrix<double, parts, Eigen::Dynamic> map_;  ///< of the parts to all parameters
};

template <int order>
optimize::Point evaluate(const Histories& histories, const Population& population, const Execution& execution,
                         std::span<const double> at) {
  constexpr std::size_t block = 128;
  const auto customers = histories.customers();
  const auto size = static_cast<Index>(at.size());
  Total total = total_over<order>(customers.size(), block, size, execution,
                                  [&](std::size_t first, std::size_t last, Total& part) {
                                    Evaluator<order> evaluator(histories, at);
                                    for (std::size_t i = first; i < last; ++i)
                                      evaluator.add(part, customers[i]);
                                  });
  // Γ(r+x)/Γ(r), and the rates at the purchases.
  const auto rising = log_rising(Jet<1>::exponential(at[0], 0), population.purchases);
  for (const Row& row : population.rows) {
    const Jet<1>& one = rising[population.until[row.until].x];
    total.value += row.weight * one.value;
    total.gradient[0] += row.weight * one.gradient[0];
    if constexpr (order == 2) total.hessian(0, 0) += row.weight * one.hessian[0];
  }
  const Eigen::Map<const VectorXd> point(at.data(), size);
  total.value += histories.purchased().dot(point);
  total.gradient += histories.purchased();
  return total.point();
}

/// Coefficients without end: 10 is a rate divided or multiplied by 22,000.
void note_endless(FitSummary& summary) {
  for (std::size_t j = 4; j < summary.estimates.size(); ++j) {
    if (std::abs(summary.estimates[j]) < 10 || !std::isnan(summary.standard_errors[j])) continue;
    const bool falls = summary.estimates[j] < 0;
    const bool buys = summary.parameters[j].starts_with("transaction.");
    if (!buys && !summary.parameters[j].starts_with("dropout.")) continue;
    summary.notes.push_back(summary.parameters[j] + " runs to " + (falls ? "minus" : "plus") + " infinity: " +
                            (falls ? std::string("nobody seems to ") + (buys ? "buy" : "leave")
                                   : std::string("all seem to ") + (buys ? "buy" : "leave") + " at once") +
                            " where it is above 0");
  }
}

}  // namespace

DynamicFit fit_pareto_nbd(const RfmView& customers, const PurchaseTimes& purchases,
                          const DynamicCovariates& covariates, const FitOptions& options) {
  const StopScope scope(options.execution.stop);
  const Population population = population_of(customers, options.execution);
  check_intervals(call, covariates, customers.T, 0);
  check_purchases(customers, purchases);
  const auto& [transaction_covariates, dropout_covariates, equal] = covariates.values;
  const Design design(call, {"transaction", transaction_covariates}, {"dropout", dropout_covariates}, equal,
                      covariates.until.size(), 4);
  const Histories histories(design, customers, purchases, covariates);
  Problem problem = pareto_problem(population);
  problem.names.insert(problem.names.end(), design.names().begin(), design.names().end());
  problem.coefficients = design.names().size();
  problem.distinct_rows = customers.x.size();
  problem.ask(
      [&, execution = silent(options.execution)]<int order>(Order<order>, std::span<const double> at) {
        return evaluate<order>(histories, population, execution, at);
      });
  FitSummary summary = solve(problem, options);
  note_customers(summary, population, options);
  note_homogeneous(summary, 0, 1, "customers of equal covariates buy at one rate");
  note_homogeneous(summary, 2, 3, "customers of equal covariates leave at one rate");
  note_endless(summary);
  std::vector<double> transaction = Design::coefficients(design.first(), summary.estimates);
  std::vector<double> dropout = Design::coefficients(design.second(), summary.estimates);
  Fit<ParetoNBD> plain = with_model<ParetoNBD, 4>(std::move(summary));
  return {std::move(static_cast<FitSummary&>(plain)), plain.model, std::move(transaction),
          std::move(dropout)};
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
