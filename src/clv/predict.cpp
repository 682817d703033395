#include "salesops/clv/predict.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>

#include "ahead.hpp"
#include "answers.hpp"
#include "living.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

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
  /// The same of a drawn model, of which there are many.
  template <class Living>
  [[nodiscard]] Ahead of_draw(const Living& living, DiscountedAhead& discounted) const noexcept {
    if (endless_) return (*this)(living);
    const double mean = expected_transactions_new(living, horizon_);
    return {mean, rate_ == 0 ? mean : discounted(living)};
  }
  [[nodiscard]] std::unique_ptr<DiscountedAhead> discounted() const {
    return std::make_unique<DiscountedAhead>(horizon_, rate_);
  }

 private:
  double horizon_;
  double rate_;
  bool endless_;
};

/// Models at the draws that are asked for.
template <class M>
std::vector<M> drawn_models(const M& model, const PredictOptions& options, const Eigen::MatrixXd& normals) {
  if (options.level == 0) return {};
  if (!options.draws.empty()) return models_of(model, options.draws);
  constexpr auto own = static_cast<Eigen::Index>(parameters<M>.size());
  return models_at(model, options.covariance, normals.topRows(own));
}

template <class M>
class Predictor {
 public:
  Predictor(const M& model, const RfmView& customers, const PredictOptions& options,
            const SpendForecast* spend)
      : Predictor(model, customers, options, spend,
                  even_normals(parameters<M>.size() + parameters<GammaGamma>.size())) {}

  Prediction operator()(const Execution& execution) {
    const Crowd crowd({}, customers_, remembers_last(model_), execution);
    const Groups customers_of(crowd.rows.first.size(), crowd.rows.code);
    const std::size_t pieces = crowd.pieces.size() - 1;
    const std::size_t block = pieces / 512 + 1;
    std::vector<Sums> sums((pieces + block - 1) / block);
    for_rows(pieces, block, execution, [&](std::size_t first, std::size_t last) {
      Answers::Scratch scratch = answers_.scratch();
      Said said;
      std::vector<Ahead> ahead;
      const auto discounted = forecast_.discounted();
      for (std::size_t piece = first; piece < last; ++piece) {
        const std::size_t begin = crowd.pieces[piece];
        const std::size_t count = crowd.pieces[piece + 1] - begin;
        look_ahead(crowd, begin, count, *discounted, ahead);
        for (std::size_t i = 0; i < count; ++i) {
          const auto own = std::span<const Ahead>(ahead).subspan(i * (1 + models_.size()));
          for (const std::uint32_t row : crowd.alike(begin + i)) write(customers_of[row], own, said, scratch);
        }
      }
      sums[first / block] = std::move(scratch.sums);
    });
    sums_ = answers_.scratch().sums;
    for (const Sums& part : sums) sums_.add(part);
    return answers_.finish(sums_, normals_);
  }
  /// Of all customers, once they were predicted.
  [[nodiscard]] const Sums& sums() const { return sums_; }

 private:
  Predictor(const M& model, const RfmView& customers, const PredictOptions& options,
            const SpendForecast* spend, const Eigen::MatrixXd& normals)
      : model_(model),
        customers_(customers),
        forecast_(options),
        models_(drawn_models(model, options, normals)),
        normals_(options.draws.empty() ? normals : Eigen::MatrixXd()),
        answers_(customers, options, spend, models_.size(),
                 normals.bottomRows(static_cast<Eigen::Index>(parameters<GammaGamma>.size())),
                 std::same_as<M, BGBB> ? -std::log1p(options.discount_rate) : -options.discount_rate) {}

  /// The futures of a piece, each by the estimate and then by each draw. Those of one model come one after
  /// the other, as they share its tables.
  void look_ahead(const Crowd& crowd, std::size_t begin, std::size_t count, DiscountedAhead& discounted,
                  std::vector<Ahead>& ahead) {
    const std::size_t models = 1 + models_.size();
    ahead.resize(count * models);
    ShapeTables tables;
    for (std::size_t k = 0; k < models; ++k)
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t one = crowd.alike(begin + i).front();
        ahead[i * models + k] =
            ask_living(k == 0 ? model_ : models_[k - 1], crowd.x[one], crowd.t_x[one], crowd.T[one], tables,
                       [&](const auto& living) {
                         return k == 0 ? forecast_(living) : forecast_.of_draw(living, discounted);
                       });
      }
  }

  /// Customers of one history.
  void write(std::span<const std::uint32_t> rows, std::span<const Ahead> ahead, Said& said,
             Answers::Scratch& scratch) {
    const double x = customers_.x[rows.front()];
    const double t_x = customers_.t_x[rows.front()];
    const double T = customers_.T[rows.front()];
    said.clear();
    said.p_alive = clv::p_alive(model_, x, t_x, T);
    said.transactions = said.p_alive * ahead[0].transactions;
    said.discounted = said.p_alive * ahead[0].discounted;
    for (std::size_t k = 0; k < models_.size(); ++k) {
      const double p = clv::p_alive(models_[k], x, t_x, T);
      said.alive.push_back(p);
      said.bought.push_back(p * ahead[k + 1].transactions);
      said.kept.push_back(p * ahead[k + 1].discounted);
    }
    answers_.write(rows, said, scratch,
                   [&](std::size_t draw) { return given_alive(models_[draw], x, t_x, T); });
  }

  const M& model_;
  const RfmView& customers_;
  Forecaster forecast_;
  std::vector<M> models_;
  Eigen::MatrixXd normals_;  ///< that the models were drawn at
  Answers answers_;
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
  std::vector<std::uint32_t> of_row;
  if (!customers.weights.empty()) weights = take(customers.weights, rows);
  SpendForecast own;
  if (spend != nullptr) {
    spend_x = take(spend->x, rows);
    mean = take(spend->mean_spend, rows);
    if (!spend->models.empty())
      for (const std::uint32_t row : rows) of_row.push_back(spend->of_row[row]);
    own = *spend;
    own.x = spend_x;
    own.mean_spend = mean;
    own.of_row = of_row;
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
  const bool intervals = options.level > 0;
  Prediction result = room_for(of_row.size(), intervals, spend != nullptr);
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
