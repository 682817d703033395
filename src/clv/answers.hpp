// Forecasts written down, for all models alike: what the estimate and the draws say of a customer becomes
// values, ranges, money and sums.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drawn.hpp"
#include "live.hpp"
#include "salesops/clv/predict.hpp"
#include "salesops/random.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

inline void require_equal_length(std::size_t length, std::size_t rows, const char* name) {
  if (length != rows)
    throw UsageError(std::string(name) + " has " + std::to_string(length) + " rows, x has " +
                     std::to_string(rows));
}

inline void check(const RfmView& customers, const PredictOptions& options, const SpendForecast* spend) {
  const std::size_t rows = customers.x.size();
  require_equal_length(customers.t_x.size(), rows, "t_x");
  require_equal_length(customers.T.size(), rows, "T");
  if (!customers.weights.empty()) require_equal_length(customers.weights.size(), rows, "weights");
  if (spend != nullptr) {
    require_equal_length(spend->x.size(), rows, "the spend's x");
    require_equal_length(spend->mean_spend.size(), rows, "mean_spend");
    if (!spend->models.empty()) require_equal_length(spend->of_row.size(), rows, "the spend's of_row");
    for (const std::uint32_t model : spend->of_row)
      if (model >= spend->models.size())
        throw UsageError("a row's spend follows model " + std::to_string(model) + " of " +
                         std::to_string(spend->models.size()));
    const std::size_t kinds = std::max<std::size_t>(spend->models.size(), 1);
    constexpr std::size_t own = parameters<GammaGamma>.size();
    if (!spend->covariance.empty() && spend->covariance.size() != kinds * own * own)
      throw UsageError("the spend's covariance must have one matrix a model");
    if (!spend->draws.empty() && spend->draws.size() != kinds * own * points)
      throw UsageError("the spend's draws must have 256 rows a model");
  }
  if (!(options.horizon > 0)) throw UsageError("horizon must be a time above 0");
  if (!(options.discount_rate >= 0 && std::isfinite(options.discount_rate)))
    throw UsageError("discount_rate must be finite and at least 0");
  if (options.level != 0 && !(options.level > 1 && options.level < 100))
    throw UsageError("level must lie between 1 and 100 percent, or be 0 for no intervals");
  if (options.level > 0 && options.interval == IntervalKind::outcome && std::isinf(options.horizon))
    throw UsageError("an interval of outcomes needs a horizon that ends");
  if (options.level == 0 && !options.draws.empty())
    throw UsageError("draws are for intervals: give a level between 1 and 100 percent");
}

inline PredictedColumn column_of(std::size_t rows, bool intervals) {
  PredictedColumn column{std::vector<double>(rows), {}, {}};
  if (intervals) {
    column.low.assign(rows, special::not_a_number);
    column.high.assign(rows, special::not_a_number);
  }
  return column;
}

inline Prediction room_for(std::size_t rows, bool intervals, bool spend) {
  Prediction result;
  result.p_alive = column_of(rows, intervals);
  result.expected_transactions = column_of(rows, intervals);
  result.discounted_transactions.resize(rows);
  if (spend) {
    result.expected_spend = column_of(rows, intervals);
    result.clv = column_of(rows, intervals);
  }
  return result;
}

/// Futures of one history under each drawn model.
class Futures {
 public:
  static constexpr std::uint32_t each = 8;  ///< a drawn model

  void clear() {
    times.clear();
    counts.clear();
  }
  /// Of one who is alive with probability p, and then lives as `living`.
  template <class Living>
  void add(std::size_t draw, double p, const Living& living, double horizon) {
    for (std::uint32_t i = 0; i < each; ++i) {
      random::Stream stream(0, draw, random::purpose("clv future"), i);
      const std::size_t before = times.size();
      if (stream.bernoulli(p)) live(living, horizon, stream, times);
      counts.push_back(static_cast<double>(times.size() - before));
    }
  }
  /// Of each future, the discounted amounts at a spend rate of 1.
  template <class Discount>
  void spend(const std::vector<GammaGamma>& spends, const Discount& discount,
             std::vector<double>& into) const {
    into.clear();
    auto time = times.begin();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      random::Stream stream(0, i / each, random::purpose("clv future spend"),
                            static_cast<std::uint32_t>(i % each));
      double sum = 0;
      for (double n = counts[i]; n > 0; --n) sum += discount(*time++) * stream.gamma(spends[i / each].p, 1);
      into.push_back(sum);
    }
  }

  std::vector<double> times;   ///< of all purchases, future by future
  std::vector<double> counts;  ///< of each future
};

/// What is known of one history.
struct Said {
  double p_alive = 0, transactions = 0, discounted = 0;  ///< by the estimate
  std::vector<double> alive, bought, kept;               ///< the same by each draw

  void clear() {
    alive.clear();
    bought.clear();
    kept.clear();
  }
};

/// Writes a prediction, customer by customer. One per call; any number of threads with a `Scratch` each.
class Answers {
 public:
  /// Money by each draw, of the customers of one kind.
  struct Scratch {
    Sums sums;

   private:
    friend Answers;
    Futures futures;
    std::optional<std::size_t> kind;  ///< that `spends` are of
    std::vector<GammaGamma> spends;
    std::vector<double> spent, product;
    std::vector<double> amounts;  ///< of each future, at a spend rate of 1; empty until asked for
    std::vector<double> rates;    ///< of each future, with v + x z̄ = 1
    double rates_of = -1;         ///< the x that these are of
  };

  /// `draws` of the model of purchases; `log_kept` = ln of what a unit of time leaves of an amount.
  Answers(const RfmView& customers, const PredictOptions& options, const SpendForecast* spend,
          std::size_t draws, Eigen::MatrixXd spend_normals, double log_kept)
      : customers_(customers),
        spend_(spend),
        intervals_(options.level > 0),
        outcomes_(intervals_ && options.interval == IntervalKind::outcome),
        means_(!options.draws.empty()),
        horizon_(options.horizon),
        log_kept_(log_kept),
        range_(intervals_ ? options.level : 50),
        draws_(draws),
        spend_normals_(std::move(spend_normals)),
        result_(room_for(customers.x.size(), intervals_, spend != nullptr)) {}

  [[nodiscard]] Scratch scratch() const {
    Scratch made;
    made.sums.make_room(draws_, money_adds_up() ? draws_ : 0);
    return made;
  }

  /// Customers of one history. `living(draw)` is the process of one who is alive.
  template <class Living>
  void write(std::span<const std::uint32_t> rows, Said& said, Scratch& scratch, const Living& living) {
    const std::uint32_t lead = rows.front();
    if (means_) {
      said.p_alive = mean_of(said.alive);
      said.transactions = mean_of(said.bought);
      said.discounted = mean_of(said.kept);
    }
    double weight = 0;
    for (const std::uint32_t row : rows) weight += weight_of(row);
    scratch.sums.add(0, weight, said.p_alive, said.alive);
    scratch.sums.add(1, weight, said.transactions, said.bought);
    scratch.futures.clear();
    scratch.amounts.clear();
    if (draws_ > 0) {
      if (outcomes_ && !std::isnan(said.alive.front())) {
        for (std::size_t draw = 0; draw < draws_; ++draw)
          scratch.futures.add(draw, said.alive[draw], living(draw), horizon_);
        range_.write_outcomes(scratch.futures.counts, lead, result_.expected_transactions);
      } else if (!outcomes_) {
        range_.write(said.bought, lead, result_.expected_transactions);
      }
    }
    for (const std::uint32_t row : rows) {
      result_.p_alive.value[row] = said.p_alive;
      result_.expected_transactions.value[row] = said.transactions;
      result_.discounted_transactions[row] = said.discounted;
      if (spend_ != nullptr) write_spend(row, said, scratch);
    }
    if (draws_ > 0) range_.write(said.alive, lead, result_.p_alive);
    if (!intervals_) return;
    for (const std::uint32_t row : rows)
      for (PredictedColumn* column : {&result_.p_alive, &result_.expected_transactions}) {
        column->low[row] = column->low[lead];
        column->high[row] = column->high[lead];
      }
  }

  /// `normals`: those that the draws of the model and of spend were made at; none of draws made elsewhere.
  [[nodiscard]] Prediction finish(const Sums& sums, const Eigen::MatrixXd& normals) {
    sums.write(range_, intervals_, result_, normals);
    return std::move(result_);
  }

 private:
  /// Draws of several kinds of spend come from one distribution only when they were drawn together.
  [[nodiscard]] bool money_adds_up() const {
    return spend_ != nullptr && intervals_ && (spend_->models.size() < 2 || !spend_->draws.empty());
  }
  [[nodiscard]] std::size_t kind_of(std::uint32_t row) const {
    return spend_->models.empty() ? 0 : spend_->of_row[row];
  }
  [[nodiscard]] const GammaGamma& model_of(std::size_t kind) const {
    return spend_->models.empty() ? spend_->model : spend_->models[kind];
  }
  [[nodiscard]] double weight_of(std::uint32_t row) const {
    return customers_.weights.empty() ? 1 : customers_.weights[row];
  }

  void draw_spends(std::size_t kind, Scratch& scratch) const {
    if (scratch.kind == kind) return;
    constexpr std::size_t own = parameters<GammaGamma>.size();
    const std::span<const double> drawn = spend_->draws, known = spend_->covariance;
    scratch.kind = kind;
    scratch.amounts.clear();
    scratch.rates_of = -1;
    scratch.spends =
        drawn.empty()
            ? models_at(model_of(kind), known.empty() ? known : known.subspan(kind * own * own, own * own),
                        spend_normals_)
            : models_of(model_of(kind), drawn.subspan(kind * own * points, own * points));
  }

  /// Amounts of one customer are Gamma(p, rate ν), ν ~ Gamma(px + q, rate v + x z̄).
  void write_outcome(std::uint32_t row, double x, double mean, Scratch& scratch) {
    constexpr std::uint32_t each = Futures::each;
    if (scratch.futures.counts.empty()) return;
    if (scratch.amounts.empty())
      scratch.futures.spend(
          scratch.spends, [this](double time) { return std::exp(log_kept_ * time); }, scratch.amounts);
    if (scratch.rates_of != x) {
      scratch.rates_of = x;
      scratch.rates.clear();
      for (std::size_t i = 0; i < scratch.amounts.size(); ++i) {
        const GammaGamma& spend = scratch.spends[i / each];
        random::Stream stream(0, i / each, random::purpose("clv future rate"),
                              static_cast<std::uint32_t>(i % each));
        scratch.rates.push_back(stream.gamma(spend.p * x + spend.q, 1));
      }
    }
    scratch.product.clear();
    for (std::size_t i = 0; i < scratch.amounts.size(); ++i)
      scratch.product.push_back(scratch.amounts[i] * (scratch.spends[i / each].v + (x > 0 ? x * mean : 0)) /
                                scratch.rates[i]);
    range_.write_outcomes(scratch.product, row, result_.clv);
  }

  void write_spend(std::uint32_t row, const Said& said, Scratch& scratch) {
    const double x = spend_->x[row];
    const double mean = spend_->mean_spend[row];
    const std::size_t kind = kind_of(row);
    const double value = expected_spend(model_of(kind), x, mean);
    result_.expected_spend.value[row] = value;
    result_.clv.value[row] = value * said.discounted;
    scratch.spent.clear();
    scratch.product.clear();
    if (intervals_) {
      draw_spends(kind, scratch);
      for (const GammaGamma& drawn : scratch.spends) scratch.spent.push_back(expected_spend(drawn, x, mean));
      if (!scratch.spent.empty() && draws_ > 0)
        std::transform(said.kept.begin(), said.kept.end(), scratch.spent.begin(),
                       std::back_inserter(scratch.product), std::multiplies<>());
    }
    if (means_) {
      result_.expected_spend.value[row] = mean_of(scratch.spent);
      result_.clv.value[row] = mean_of(scratch.product);
    }
    scratch.sums.add(2, weight_of(row), result_.clv.value[row],
                     money_adds_up() ? std::span<const double>(scratch.product) : std::span<const double>());
    if (scratch.spent.empty()) return;
    if (outcomes_)
      write_outcome(row, x, mean, scratch);
    else if (!scratch.product.empty())
      range_.write(scratch.product, row, result_.clv);
    range_.write(scratch.spent, row, result_.expected_spend);
  }

  const RfmView& customers_;
  const SpendForecast* spend_;
  bool intervals_;
  bool outcomes_;
  bool means_;  ///< of the draws
  double horizon_;
  double log_kept_;
  Range range_;
  std::size_t draws_;
  Eigen::MatrixXd spend_normals_;
  Prediction result_;
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
