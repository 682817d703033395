#include "salesops/clv/predict.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "salesops/random.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

// ---- distinct rows ----

namespace {

class RowTable {
 public:
  explicit RowTable(std::span<const std::span<const double>> columns)
      : columns_(columns), slots_(1024, empty) {}

  std::uint32_t code_of(std::size_t row, std::vector<std::uint32_t>& first) {
    if (2 * first.size() >= slots_.size()) grow(first);
    std::size_t slot = hash(row) & (slots_.size() - 1);
    while (slots_[slot] != empty && !same(first[slots_[slot]], row)) slot = (slot + 1) & (slots_.size() - 1);
    if (slots_[slot] == empty) {
      slots_[slot] = static_cast<std::uint32_t>(first.size());
      first.push_back(static_cast<std::uint32_t>(row));
    }
    return slots_[slot];
  }

 private:
  static constexpr std::uint32_t empty = 0xFFFFFFFFU;

  [[nodiscard]] std::uint64_t hash(std::size_t row) const {
    std::uint64_t key = 0;
    for (const auto& column : columns_) key = random::mix(key + std::bit_cast<std::uint64_t>(column[row]));
    return key;
  }
  [[nodiscard]] bool same(std::size_t a, std::size_t b) const {
    return std::all_of(columns_.begin(), columns_.end(), [&](const auto& column) {
      return std::bit_cast<std::uint64_t>(column[a]) == std::bit_cast<std::uint64_t>(column[b]);
    });
  }
  void grow(const std::vector<std::uint32_t>& first) {
    slots_.assign(4 * slots_.size(), empty);
    for (std::uint32_t code = 0; code < first.size(); ++code) {
      std::size_t slot = hash(first[code]) & (slots_.size() - 1);
      while (slots_[slot] != empty) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = code;
    }
  }

  std::span<const std::span<const double>> columns_;
  std::vector<std::uint32_t> slots_;
};

void require_equal_length(std::size_t length, std::size_t rows, const char* name) {
  if (length != rows)
    throw UsageError(std::string(name) + " has " + std::to_string(length) + " rows, x has " +
                     std::to_string(rows));
}

}  // namespace

DistinctRows distinct_rows(std::span<const std::span<const double>> columns) {
  DistinctRows distinct;
  if (columns.empty()) return distinct;
  const std::size_t rows = columns.front().size();
  for (const auto& column : columns) require_equal_length(column.size(), rows, "a column");
  if (rows >= 0xFFFFFFFFU) throw UsageError("more than 4,294,967,294 rows");
  RowTable table(columns);
  distinct.code.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    tick(row);
    distinct.code[row] = table.code_of(row, distinct.first);
  }
  return distinct;
}

void evaluate(std::span<const std::span<const double>> columns, const std::function<double(const double*)>& f,
              std::span<double> out, const Execution& execution) {
  constexpr std::size_t block = 64;
  const DistinctRows distinct = distinct_rows(columns);
  require_equal_length(out.size(), distinct.code.size(), "the result");
  std::vector<double> values(distinct.first.size());
  for_rows(values.size(), block, execution, [&](std::size_t first, std::size_t last) {
    std::vector<double> row(columns.size());
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t k = 0; k < columns.size(); ++k) row[k] = columns[k][distinct.first[i]];
      values[i] = f(row.data());
    }
  });
  for (std::size_t row = 0; row < out.size(); ++row) out[row] = values[distinct.code[row]];
}

namespace {

// ---- draws of the parameters ----

/// Points of a rank-1 lattice of Korobov's form, i · (1, g, g², …) / n modulo 1, as standard normals. Of all
/// g this one has the smallest largest error of 5 % and 95 % quantiles of linear functions in 2 to 8
/// dimensions.
Eigen::MatrixXd even_normals(std::size_t dimensions) {
  constexpr std::uint64_t points = 256;
  constexpr std::uint64_t generator = 209;
  Eigen::MatrixXd normals(static_cast<Eigen::Index>(dimensions), static_cast<Eigen::Index>(points));
  std::uint64_t stride = 1;
  for (Eigen::Index i = 0; i < normals.rows(); ++i, stride = stride * generator % points)
    for (Eigen::Index draw = 0; draw < normals.cols(); ++draw) {
      const std::uint64_t place = static_cast<std::uint64_t>(draw) * stride % points;
      normals(i, draw) = special::normal_quantile((static_cast<double>(place) + 0.5) / points);
    }
  return normals;
}

/// Models at draws from the normal distribution of the logarithms of the parameters (of those of either sign
/// as they are). Empty when the
/// covariance has gaps.
template <class M>
std::vector<M> models_at(const M& model, std::span<const double> covariance, const Eigen::MatrixXd& normals) {
  const auto values = parameter_values(model);
  constexpr auto n = static_cast<Eigen::Index>(values.size());
  if (covariance.empty()) return std::vector<M>(static_cast<std::size_t>(normals.cols()), model);
  if (covariance.size() != values.size() * values.size())
    throw UsageError("covariance must have one row and one column a parameter");
  if (!std::all_of(covariance.begin(), covariance.end(), [](double x) { return std::isfinite(x); }))
    return {};
  constexpr auto positive = n - static_cast<Eigen::Index>(signed_parameters<M>);
  const auto scale = [&](Eigen::Index i) { return i < positive ? values[static_cast<std::size_t>(i)] : 1; };
  Eigen::MatrixXd of_logs(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < n; ++j)
      of_logs(i, j) = covariance[static_cast<std::size_t>(i * n + j)] / (scale(i) * scale(j));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> parts(of_logs);
  const Eigen::MatrixXd root =
      parts.eigenvectors() * parts.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal();
  const Eigen::MatrixXd shifts = root * normals;
  std::vector<M> models;
  for (Eigen::Index draw = 0; draw < shifts.cols(); ++draw) {
    auto drawn = values;
    for (Eigen::Index i = 0; i < n; ++i) {
      double& value = drawn[static_cast<std::size_t>(i)];
      value = i < positive ? value * std::exp(shifts(i, draw)) : value + shifts(i, draw);
    }
    models.push_back(with_parameters(model, drawn));
  }
  return models;
}

// ---- one row ----

/// P(alive), purchases and discounted purchases of one history.
struct Answer {
  double p_alive = 0;
  double transactions = 0;
  double discounted = 0;
};

template <class M>
class Forecaster {
 public:
  explicit Forecaster(const PredictOptions& options)
      : horizon_(options.horizon), rate_(options.discount_rate), endless_(std::isinf(options.horizon)) {}

  [[nodiscard]] Answer operator()(const M& model, double x, double t_x, double T) const noexcept {
    const double p = p_alive(model, x, t_x, T);
    const auto living = given_alive(model, x, t_x, T);
    if (endless_) {
      const double all = p * dert_new(living, rate_);
      return {p, all, all};
    }
    const double mean = expected_transactions_new(living, horizon_);
    return {p, p * mean, p * (rate_ == 0 ? mean : dect_new(living, horizon_, rate_))};
  }
  /// The same of a drawn model, whose discount within a horizon is taken from the estimate.
  [[nodiscard]] Answer of_draw(const M& model, double x, double t_x, double T, double kept) const noexcept {
    if (endless_) return (*this)(model, x, t_x, T);
    const double p = p_alive(model, x, t_x, T);
    const double mean = p * expected_transactions_new(given_alive(model, x, t_x, T), horizon_);
    return {p, mean, mean * kept};
  }

 private:
  double horizon_;
  double rate_;
  bool endless_;
};

/// The central range of the draws that holds `level` percent (quantiles of type 7).
class Range {
 public:
  explicit Range(double level) : tail_((1 - level / 100) / 2) {}
  void write(std::vector<double>& draws, std::size_t row, PredictedColumn& into) const {
    if (std::any_of(draws.begin(), draws.end(), [](double x) { return std::isnan(x); })) return;
    std::sort(draws.begin(), draws.end());
    into.low[row] = at(draws, tail_);
    into.high[row] = at(draws, 1 - tail_);
  }

 private:
  static double at(const std::vector<double>& sorted, double probability) {
    const double place = probability * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double share = place - static_cast<double>(below);
    return share == 0 ? sorted[below] : sorted[below] + share * (sorted[above] - sorted[below]);
  }
  double tail_;
};

void check(const RfmView& customers, const PredictOptions& options, const SpendForecast* spend) {
  const std::size_t rows = customers.x.size();
  require_equal_length(customers.t_x.size(), rows, "t_x");
  require_equal_length(customers.T.size(), rows, "T");
  if (spend != nullptr) {
    require_equal_length(spend->x.size(), rows, "the spend's x");
    require_equal_length(spend->mean_spend.size(), rows, "mean_spend");
  }
  if (!(options.horizon > 0)) throw UsageError("horizon must be a time above 0");
  if (!(options.discount_rate >= 0 && std::isfinite(options.discount_rate)))
    throw UsageError("discount_rate must be finite and at least 0");
  if (options.level != 0 && !(options.level > 1 && options.level < 100))
    throw UsageError("level must lie between 1 and 100 percent, or be 0 for no intervals");
}

PredictedColumn column_of(std::size_t rows, bool intervals) {
  PredictedColumn column{std::vector<double>(rows), {}, {}};
  if (intervals) {
    column.low.assign(rows, special::not_a_number);
    column.high.assign(rows, special::not_a_number);
  }
  return column;
}

/// Rows by the distinct row they are.
struct Groups {
  std::vector<std::size_t> starts;
  std::vector<std::uint32_t> rows;
  explicit Groups(const DistinctRows& distinct)
      : starts(distinct.first.size() + 1), rows(distinct.code.size()) {
    for (const std::uint32_t code : distinct.code) ++starts[code + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    std::vector<std::size_t> place(starts.begin(), starts.end() - 1);
    for (std::uint32_t row = 0; row < rows.size(); ++row) rows[place[distinct.code[row]]++] = row;
  }
};

template <class M>
class Predictor {
 public:
  Predictor(const M& model, const RfmView& customers, const PredictOptions& options,
            const SpendForecast* spend)
      : model_(model),
        customers_(customers),
        spend_(spend),
        intervals_(options.level > 0),
        forecast_(options),
        range_(intervals_ ? options.level : 50) {
    if (!intervals_) return;
    constexpr std::size_t own = parameters<M>.size();
    const Eigen::MatrixXd normals = even_normals(own + (spend != nullptr ? 3 : 0));
    models_ = models_at(model, options.covariance, normals.topRows(static_cast<Eigen::Index>(own)));
    if (spend != nullptr) spends_ = models_at(spend->model, spend->covariance, normals.bottomRows(3));
  }

  Prediction operator()(const Execution& execution) {
    const std::array<std::span<const double>, 3> columns{customers_.x, customers_.t_x, customers_.T};
    const DistinctRows distinct = distinct_rows(columns);
    const Groups groups(distinct);
    const std::size_t rows = distinct.code.size();
    result_.p_alive = column_of(rows, intervals_);
    result_.expected_transactions = column_of(rows, intervals_);
    result_.discounted_transactions.resize(rows);
    if (spend_ != nullptr) {
      result_.expected_spend = column_of(rows, intervals_);
      result_.clv = column_of(rows, intervals_);
    }
    for_rows(distinct.first.size(), 16, execution, [&](std::size_t begin, std::size_t end) {
      Scratch scratch;
      for (std::size_t code = begin; code < end; ++code)
        write({groups.rows.data() + groups.starts[code], groups.starts[code + 1] - groups.starts[code]},
              scratch);
    });
    return std::move(result_);
  }

 private:
  /// Answers of the draws for one row.
  struct Scratch {
    std::vector<double> alive, bought, discounted, spent, product;
  };

  /// Customers of one history.
  void write(std::span<const std::uint32_t> rows, Scratch& draws) {
    const std::uint32_t lead = rows.front();
    const double x = customers_.x[lead];
    const double t_x = customers_.t_x[lead];
    const double T = customers_.T[lead];
    const Answer answer = forecast_(model_, x, t_x, T);
    const double kept = answer.transactions > 0 ? answer.discounted / answer.transactions : 1;
    draws.alive.clear();
    draws.bought.clear();
    draws.discounted.clear();
    for (const M& drawn : models_) {
      const Answer of_draw = forecast_.of_draw(drawn, x, t_x, T, kept);
      draws.alive.push_back(of_draw.p_alive);
      draws.bought.push_back(of_draw.transactions);
      draws.discounted.push_back(of_draw.discounted);
    }
    if (!models_.empty()) {
      range_.write(draws.alive, lead, result_.p_alive);
      range_.write(draws.bought, lead, result_.expected_transactions);
    }
    for (const std::uint32_t row : rows) {
      result_.p_alive.value[row] = answer.p_alive;
      result_.expected_transactions.value[row] = answer.transactions;
      result_.discounted_transactions[row] = answer.discounted;
      if (spend_ != nullptr) write_spend(row, answer.discounted, draws);
      if (intervals_)
        for (PredictedColumn* column : {&result_.p_alive, &result_.expected_transactions}) {
          column->low[row] = column->low[lead];
          column->high[row] = column->high[lead];
        }
    }
  }

  void write_spend(std::uint32_t row, double discounted, Scratch& draws) {
    const double x = spend_->x[row];
    const double mean = spend_->mean_spend[row];
    const double value = expected_spend(spend_->model, x, mean);
    result_.expected_spend.value[row] = value;
    result_.clv.value[row] = value * discounted;
    if (spends_.empty()) return;
    draws.spent.clear();
    for (const GammaGamma& drawn : spends_) draws.spent.push_back(expected_spend(drawn, x, mean));
    if (!models_.empty()) {
      draws.product.resize(draws.spent.size());
      std::transform(draws.discounted.begin(), draws.discounted.end(), draws.spent.begin(),
                     draws.product.begin(), std::multiplies<>());
      range_.write(draws.product, row, result_.clv);
    }
    range_.write(draws.spent, row, result_.expected_spend);
  }

  const M& model_;
  const RfmView& customers_;
  const SpendForecast* spend_;
  bool intervals_;
  Forecaster<M> forecast_;
  Range range_;
  std::vector<M> models_;
  std::vector<GammaGamma> spends_;
  Prediction result_;
};

}  // namespace

template <class M>
Prediction predict(const M& model, const RfmView& customers, const PredictOptions& options,
                   const SpendForecast* spend) {
  const StopScope scope(options.execution.stop);
  check(customers, options, spend);
  return Predictor<M>(model, customers, options, spend)(options.execution);
}

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

}  // namespace clv
}  // namespace v0
}  // namespace salesops
