#include "salesops/clv/predict.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "drawn.hpp"
#include "live.hpp"
#include "living.hpp"
#include "salesops/random.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

void require_equal_length(std::size_t length, std::size_t rows, const char* name) {
  if (length != rows)
    throw UsageError(std::string(name) + " has " + std::to_string(length) + " rows, x has " +
                     std::to_string(rows));
}

}  // namespace

namespace {

// ---- one future ----

/// Purchases of a customer that is alive.
struct Ahead {
  double transactions = 0;
  double discounted = 0;
};

class Forecaster {
 public:
  explicit Forecaster(const PredictOptions& options)
      : horizon_(options.horizon), rate_(options.discount_rate), endless_(std::isinf(options.horizon)) {}

  template <class Living>
  [[nodiscard]] Ahead operator()(const Living& living) const noexcept {
    if (endless_) {
      const double all = dert_new(living, rate_);
      return {all, all};
    }
    const double mean = expected_transactions_new(living, horizon_);
    return {mean, rate_ == 0 ? mean : dect_new(living, horizon_, rate_)};
  }
  /// The same of a drawn model, whose discount within a horizon is taken from the estimate.
  template <class Living>
  [[nodiscard]] Ahead of_draw(const Living& living, double kept) const noexcept {
    if (endless_) return (*this)(living);
    const double mean = expected_transactions_new(living, horizon_);
    return {mean, mean * kept};
  }

 private:
  double horizon_;
  double rate_;
  bool endless_;
};

/// Futures of one history under each drawn model.
class Futures {
 public:
  static constexpr std::uint32_t each = 8;  ///< a drawn model

  void clear() {
    times.clear();
    counts.clear();
  }
  template <class M>
  void add(const M& model, std::size_t draw, double horizon, double x, double t_x, double T) {
    const double p = p_alive(model, x, t_x, T);
    const auto living = given_alive(model, x, t_x, T);
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

void require_columns(const RfmView& customers) {
  require_equal_length(customers.t_x.size(), customers.x.size(), "t_x");
  require_equal_length(customers.T.size(), customers.x.size(), "T");
}

void check(const RfmView& customers, const PredictOptions& options, const SpendForecast* spend) {
  const std::size_t rows = customers.x.size();
  require_columns(customers);
  if (!customers.weights.empty()) require_equal_length(customers.weights.size(), rows, "weights");
  if (spend != nullptr) {
    require_equal_length(spend->x.size(), rows, "the spend's x");
    require_equal_length(spend->mean_spend.size(), rows, "mean_spend");
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

PredictedColumn column_of(std::size_t rows, bool intervals) {
  PredictedColumn column{std::vector<double>(rows), {}, {}};
  if (intervals) {
    column.low.assign(rows, special::not_a_number);
    column.high.assign(rows, special::not_a_number);
  }
  return column;
}

template <class M>
class Predictor {
 public:
  Predictor(const M& model, const RfmView& customers, const PredictOptions& options,
            const SpendForecast* spend)
      : model_(model),
        customers_(customers),
        spend_(spend),
        intervals_(options.level > 0),
        outcomes_(intervals_ && options.interval == IntervalKind::outcome),
        means_(!options.draws.empty()),
        horizon_(options.horizon),
        rate_(options.discount_rate),
        forecast_(options),
        range_(intervals_ ? options.level : 50) {
    if (!intervals_) return;
    constexpr std::size_t own = parameters<M>.size();
    const Eigen::MatrixXd normals = even_normals(own + (spend != nullptr ? 3 : 0));
    models_ = means_ ? models_of(model, options.draws)
                     : models_at(model, options.covariance, normals.topRows(static_cast<Eigen::Index>(own)));
    if (spend != nullptr)
      spends_ = spend->draws.empty() ? models_at(spend->model, spend->covariance, normals.bottomRows(3))
                                     : models_of(spend->model, spend->draws);
  }

  Prediction operator()(const Execution& execution) {
    const Crowd crowd({}, customers_, remembers_last(model_), execution);
    const Groups customers_of(crowd.rows.first.size(), crowd.rows.code);
    const std::size_t rows = crowd.rows.code.size();
    result_.p_alive = column_of(rows, intervals_);
    result_.expected_transactions = column_of(rows, intervals_);
    result_.discounted_transactions.resize(rows);
    if (spend_ != nullptr) {
      result_.expected_spend = column_of(rows, intervals_);
      result_.clv = column_of(rows, intervals_);
    }
    const std::size_t pieces = crowd.pieces.size() - 1;
    const std::size_t block = pieces / 512 + 1;
    std::vector<Sums> sums((pieces + block - 1) / block);
    for_rows(pieces, block, execution, [&](std::size_t first, std::size_t last) {
      Scratch scratch;
      make_room(scratch.sums);
      for (std::size_t piece = first; piece < last; ++piece) {
        const std::size_t begin = crowd.pieces[piece];
        const std::size_t count = crowd.pieces[piece + 1] - begin;
        look_ahead(crowd, begin, count, scratch);
        for (std::size_t i = 0; i < count; ++i) {
          scratch.ahead = std::span<const Ahead>(scratch.all_ahead).subspan(i * (1 + models_.size()));
          for (const std::uint32_t row : crowd.alike(begin + i)) write(customers_of[row], scratch);
        }
      }
      sums[first / block] = std::move(scratch.sums);
    });
    make_room(sums_);
    for (const Sums& part : sums) sums_.add(part);
    sums_.write(range_, intervals_, result_);
    return std::move(result_);
  }
  /// Of all customers, once they were predicted.
  [[nodiscard]] const Sums& sums() const { return sums_; }

 private:
  struct Scratch {
    std::vector<Ahead> all_ahead;  ///< of each future, by the estimate and then by each draw
    std::span<const Ahead> ahead;  ///< of the future at hand
    std::vector<double> alive, bought, discounted, spent, product;  ///< of the draws
    Futures futures;
    std::vector<double> amounts;  ///< of each future, at a spend rate of 1
    std::vector<double> rates;    ///< of each future, with v + x z̄ = 1
    double rates_of = -1;         ///< the x that these are of
    Sums sums;
  };

  void make_room(Sums& sums) const { sums.make_room(models_.size(), spends_.empty() ? 0 : models_.size()); }

  /// The futures of a piece. Those of one model come one after the other, as they share its tables.
  void look_ahead(const Crowd& crowd, std::size_t begin, std::size_t count, Scratch& scratch) {
    const std::size_t models = 1 + models_.size();
    scratch.all_ahead.resize(count * models);
    ShapeTables tables;
    for (std::size_t k = 0; k < models; ++k)
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t one = crowd.alike(begin + i).front();
        const Ahead& known = scratch.all_ahead[i * models];
        const double kept = known.transactions > 0 ? known.discounted / known.transactions : 1;
        scratch.all_ahead[i * models + k] = ask_living(
            k == 0 ? model_ : models_[k - 1], crowd.x[one], crowd.t_x[one], crowd.T[one], tables,
            [&](const auto& living) { return k == 0 ? forecast_(living) : forecast_.of_draw(living, kept); });
      }
  }

  /// Customers of one history.
  void write(std::span<const std::uint32_t> rows, Scratch& draws) {
    const std::uint32_t lead = rows.front();
    const double x = customers_.x[lead];
    const double t_x = customers_.t_x[lead];
    const double T = customers_.T[lead];
    double p = clv::p_alive(model_, x, t_x, T);
    double bought = p * draws.ahead[0].transactions;
    double discounted = p * draws.ahead[0].discounted;
    draws.alive.clear();
    draws.bought.clear();
    draws.discounted.clear();
    for (std::size_t k = 0; k < models_.size(); ++k) {
      const double p_drawn = clv::p_alive(models_[k], x, t_x, T);
      draws.alive.push_back(p_drawn);
      draws.bought.push_back(p_drawn * draws.ahead[k + 1].transactions);
      draws.discounted.push_back(p_drawn * draws.ahead[k + 1].discounted);
    }
    if (means_) {
      p = mean_of(draws.alive);
      bought = mean_of(draws.bought);
      discounted = mean_of(draws.discounted);
    }
    double weight = 0;
    for (const std::uint32_t row : rows) weight += weight_of(row);
    draws.sums.add(0, weight, p, draws.alive);
    draws.sums.add(1, weight, bought, draws.bought);
    if (!models_.empty()) {
      range_.write(draws.alive, lead, result_.p_alive);
      if (outcomes_)
        draw_futures(x, t_x, T, lead, draws);
      else
        range_.write(draws.bought, lead, result_.expected_transactions);
    }
    for (const std::uint32_t row : rows) {
      result_.p_alive.value[row] = p;
      result_.expected_transactions.value[row] = bought;
      result_.discounted_transactions[row] = discounted;
      if (spend_ != nullptr) write_spend(row, discounted, draws);
      if (intervals_)
        for (PredictedColumn* column : {&result_.p_alive, &result_.expected_transactions}) {
          column->low[row] = column->low[lead];
          column->high[row] = column->high[lead];
        }
    }
  }

  void draw_futures(double x, double t_x, double T, std::uint32_t row, Scratch& draws) {
    draws.futures.clear();
    draws.rates_of = -1;
    if (std::isnan(draws.alive.front())) return;
    for (std::size_t draw = 0; draw < models_.size(); ++draw)
      draws.futures.add(models_[draw], draw, horizon_, x, t_x, T);
    if (!spends_.empty())
      draws.futures.spend(spends_, [this](double time) { return kept_after(time); }, draws.amounts);
    range_.write_outcomes(draws.futures.counts, row, result_.expected_transactions);
  }

  [[nodiscard]] double weight_of(std::uint32_t row) const {
    return customers_.weights.empty() ? 1 : customers_.weights[row];
  }

  [[nodiscard]] double kept_after(double time) const {
    if constexpr (std::same_as<M, BGBB>) return std::exp(-time * std::log1p(rate_));
    return std::exp(-rate_ * time);
  }

  /// Amounts of one customer are Gamma(p, rate ν), ν ~ Gamma(px + q, rate v + x z̄).
  void write_outcome(std::uint32_t row, double x, double mean, Scratch& draws) {
    constexpr std::uint32_t each = Futures::each;
    if (draws.amounts.empty()) return;
    if (draws.rates_of != x) {
      draws.rates_of = x;
      draws.rates.clear();
      for (std::size_t i = 0; i < draws.amounts.size(); ++i) {
        const GammaGamma& spend = spends_[i / each];
        random::Stream stream(0, i / each, random::purpose("clv future rate"),
                              static_cast<std::uint32_t>(i % each));
        draws.rates.push_back(stream.gamma(spend.p * x + spend.q, 1));
      }
    }
    draws.product.clear();
    for (std::size_t i = 0; i < draws.amounts.size(); ++i)
      draws.product.push_back(draws.amounts[i] * (spends_[i / each].v + (x > 0 ? x * mean : 0)) /
                              draws.rates[i]);
    range_.write_outcomes(draws.product, row, result_.clv);
  }

  void write_spend(std::uint32_t row, double discounted, Scratch& draws) {
    const double x = spend_->x[row];
    const double mean = spend_->mean_spend[row];
    const double value = expected_spend(spend_->model, x, mean);
    result_.expected_spend.value[row] = value;
    result_.clv.value[row] = value * discounted;
    if (spends_.empty()) {
      draws.sums.add(2, weight_of(row), value * discounted, {});
      return;
    }
    draws.spent.clear();
    for (const GammaGamma& drawn : spends_) draws.spent.push_back(expected_spend(drawn, x, mean));
    draws.product.resize(models_.empty() ? 0 : draws.spent.size());
    std::transform(draws.discounted.begin(), draws.discounted.end(), draws.spent.begin(),
                   draws.product.begin(), std::multiplies<>());
    if (means_) {
      result_.expected_spend.value[row] = mean_of(draws.spent);
      result_.clv.value[row] = mean_of(draws.product);
    }
    draws.sums.add(2, weight_of(row), result_.clv.value[row], draws.product);
    if (outcomes_)
      write_outcome(row, x, mean, draws);
    else if (!models_.empty())
      range_.write(draws.product, row, result_.clv);
    range_.write(draws.spent, row, result_.expected_spend);
  }

  const M& model_;
  const RfmView& customers_;
  const SpendForecast* spend_;
  bool intervals_;
  bool outcomes_;
  bool means_;  ///< of the draws
  double horizon_;
  double rate_;
  Forecaster forecast_;
  Range range_;
  std::vector<M> models_;
  std::vector<GammaGamma> spends_;
  Prediction result_;
  Sums sums_;
};

}  // namespace

template <class M>
Prediction predict(const M& model, const RfmView& customers, const PredictOptions& options,
                   const SpendForecast* spend) {
  const StopScope scope(options.execution.stop);
  check(customers, options, spend);
  return Predictor<M>(model, customers, options, spend)(options.execution);
}

namespace {

void copy_to(const PredictedColumn& part, std::span<const std::uint32_t> rows, PredictedColumn& into) {
  for (std::size_t i = 0; i < part.value.size(); ++i) into.value[rows[i]] = part.value[i];
  for (std::size_t i = 0; i < part.low.size(); ++i) {
    into.low[rows[i]] = part.low[i];
    into.high[rows[i]] = part.high[i];
  }
}

std::vector<double> take(std::span<const double> column, std::span<const std::uint32_t> rows) {
  std::vector<double> taken;
  taken.reserve(rows.size());
  for (const std::uint32_t row : rows) taken.push_back(column[row]);
  return taken;
}

/// Customers of one model, as a crowd of their own.
template <class M>
Sums predict_part(const M& model, std::span<const std::uint32_t> rows, const RfmView& customers,
                  const PredictOptions& options, const SpendForecast* spend, Prediction& into) {
  const std::vector<double> x = take(customers.x, rows);
  const std::vector<double> t_x = take(customers.t_x, rows);
  const std::vector<double> T = take(customers.T, rows);
  std::vector<double> spend_x, mean, weights;
  if (!customers.weights.empty()) weights = take(customers.weights, rows);
  SpendForecast own;
  if (spend != nullptr) {
    spend_x = take(spend->x, rows);
    mean = take(spend->mean_spend, rows);
    own = {spend->model, spend_x, mean, spend->covariance, spend->draws};
  }
  const RfmView alike{.x = x, .t_x = t_x, .T = T, .weights = weights};
  Predictor<M> predictor(model, alike, options, spend == nullptr ? nullptr : &own);
  const Prediction part = predictor(options.execution);
  copy_to(part.p_alive, rows, into.p_alive);
  copy_to(part.expected_transactions, rows, into.expected_transactions);
  for (std::size_t i = 0; i < rows.size(); ++i)
    into.discounted_transactions[rows[i]] = part.discounted_transactions[i];
  if (spend != nullptr) {
    copy_to(part.expected_spend, rows, into.expected_spend);
    copy_to(part.clv, rows, into.clv);
  }
  return predictor.sums();
}

}  // namespace

template <class M>
Prediction predict(std::span<const M> models, std::span<const std::uint32_t> of_row, const RfmView& customers,
                   const PredictOptions& options, const SpendForecast* spend) {
  constexpr std::size_t few = 64;
  constexpr std::size_t own_cells = parameters<M>.size() * parameters<M>.size();
  constexpr std::size_t own_draws = parameters<M>.size() * points;
  const StopScope scope(options.execution.stop);
  check(customers, options, spend);
  require_equal_length(of_row.size(), customers.x.size(), "of_row");
  for (const std::uint32_t model : of_row)
    if (model >= models.size())
      throw UsageError("a row follows model " + std::to_string(model) + " of " +
                       std::to_string(models.size()));
  if (!options.covariance.empty() && options.covariance.size() != own_cells * models.size())
    throw UsageError("covariance must have one matrix a model");
  if (!options.draws.empty() && options.draws.size() != own_draws * models.size())
    throw UsageError("draws must have 256 rows a model");
  const std::size_t rows = of_row.size();
  const bool intervals = options.level > 0;
  Prediction result;
  result.p_alive = column_of(rows, intervals);
  result.expected_transactions = column_of(rows, intervals);
  result.discounted_transactions.resize(rows);
  if (spend != nullptr) {
    result.expected_spend = column_of(rows, intervals);
    result.clv = column_of(rows, intervals);
  }
  const Groups groups(models.size(), of_row);
  std::vector<Sums> sums(models.size());
  // Many small groups run side by side; few large ones use the threads inside.
  const bool inside = models.size() <= few;
  Execution outer = options.execution;
  if (inside) outer.threads = 1;
  for_rows(models.size(), 1, outer, [&](std::size_t begin, std::size_t end) {
    for (std::size_t g = begin; g < end; ++g) {
      PredictOptions own = options;
      if (!inside) own.execution = {.threads = 1, .stop = options.execution.stop};
      if (!own.covariance.empty()) own.covariance = own.covariance.subspan(g * own_cells, own_cells);
      if (!own.draws.empty()) own.draws = own.draws.subspan(g * own_draws, own_draws);
      const std::span<const std::uint32_t> part = groups[g];
      if (!part.empty()) sums[g] = predict_part(models[g], part, customers, own, spend, result);
    }
  });
  Sums total;
  for (const Sums& part : sums) total.add(part);
  total.write(Range(intervals ? options.level : 50), !options.draws.empty(), result);
  return result;
}

using Codes = std::span<const std::uint32_t>;
template Prediction predict(const NBD&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(const BGNBD&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(const MBGNBD&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(const ParetoNBD&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(const SarmanovParetoNBD&, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(const BGBB&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(const BGCNBD&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(const MBGCNBD&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(const GGompertzNBD&, const RfmView&, const PredictOptions&, const SpendForecast*);
template Prediction predict(std::span<const NBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const BGNBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const MBGNBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const ParetoNBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const SarmanovParetoNBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const BGBB>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const BGCNBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const MBGCNBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);
template Prediction predict(std::span<const GGompertzNBD>, Codes, const RfmView&, const PredictOptions&,
                            const SpendForecast*);

}  // namespace clv
}  // namespace v0
}  // namespace salesops
