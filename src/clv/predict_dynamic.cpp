// Forecasts of customers whose covariates change over time.
#include <algorithm>
#include <cmath>
#include <string>

#include "answers.hpp"
#include "intervals.hpp"
#include "salesops/clv/paced.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using Coefficients = std::vector<double>;

/// A process by its coefficients, in the order of the covariates.
double factor(const std::vector<Covariate>& covariates, const Coefficients& gamma, std::size_t interval) {
  double sum = 0;
  for (std::size_t c = 0; c < gamma.size(); ++c) sum += gamma[c] * covariates[c].values[interval];
  return std::exp(sum);
}

/// Parameters and coefficients: the estimate, or a draw.
struct Drawn {
  ParetoNBD model;
  Coefficients transaction;
  Coefficients dropout;

  [[nodiscard]] Pace pace(const DynamicCovariates& covariates, std::size_t interval, double length) const {
    return {length, factor(covariates.values.transaction, transaction, interval),
            factor(covariates.values.dropout, dropout, interval)};
  }
};

void require_columns(const Drawn& of, const DynamicCovariates& covariates, const std::string& what) {
  const auto require = [&](const std::vector<Covariate>& list, const Coefficients& gamma,
                           const char* process) {
    if (list.size() != gamma.size())
      throw UsageError(what + ": " + process + " has " + std::to_string(gamma.size()) + " covariates, got " +
                       std::to_string(list.size()));
    for (const Covariate& covariate : list)
      if (covariate.values.size() != covariates.until.size())
        throw UsageError(what + ": covariate '" + covariate.name + "' has " +
                         std::to_string(covariate.values.size()) + " values for " +
                         std::to_string(covariates.until.size()) + " intervals");
  };
  require(covariates.values.transaction, of.transaction, "transaction");
  require(covariates.values.dropout, of.dropout, "dropout");
}

/// Paces of customer i, put into `paces`.
void paces_of(const Drawn& of, const DynamicCovariates& covariates, std::size_t i, std::vector<Pace>& paces) {
  const auto& [first, until, values] = covariates;
  paces.clear();
  for (std::size_t j = first[i]; j < first[i + 1]; ++j)
    paces.push_back(of.pace(covariates, j, until[j] - (j > first[i] ? until[j - 1] : 0)));
}

/// Where the coefficients of a process stand among all that was estimated.
std::vector<std::size_t> places_of(const DynamicFit& fit, const std::vector<Covariate>& covariates,
                                   const std::string& process) {
  const auto& names = fit.parameters;
  std::vector<std::size_t> places;
  for (const Covariate& covariate : covariates) {
    auto found = std::find(names.begin(), names.end(), process + "." + covariate.name);
    if (found == names.end()) found = std::find(names.begin(), names.end(), covariate.name);
    if (found == names.end())
      throw UsageError("predict: the fit has no coefficient of '" + covariate.name + "' in " + process);
    places.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  return places;
}

constexpr std::size_t own = parameters<ParetoNBD>.size();

/// One column of values a draw.
Eigen::MatrixXd drawn_values(const DynamicFit& fit, const PredictOptions& options,
                             const Eigen::MatrixXd& normals) {
  const std::size_t all = fit.parameters.size();
  if (!options.draws.empty()) {
    if (options.draws.size() != all * points)
      throw UsageError("draws must have 256 rows of " + std::to_string(all) + " parameters");
    return Eigen::Map<const Eigen::MatrixXd>(options.draws.data(), static_cast<Eigen::Index>(all), points);
  }
  return values_at(fit.estimates, options.covariance, own, normals.topRows(static_cast<Eigen::Index>(all)));
}

class DynamicPredictor {
 public:
  DynamicPredictor(const DynamicFit& fit, const RfmView& customers, const DynamicCovariates& covariates,
                   const PredictOptions& options, const SpendForecast* spend)
      : DynamicPredictor(fit, customers, covariates, options, spend,
                         options.level > 0 ? even_normals(fit.parameters.size() + 3) : Eigen::MatrixXd()) {}

  Prediction operator()(const Execution& execution) {
    constexpr std::size_t block = 64;
    const std::size_t n = customers_.x.size();
    std::vector<Sums> sums((n + block - 1) / block);
    for_rows(n, block, execution, [&](std::size_t begin, std::size_t end) {
      Room room{answers_.scratch(), {}, {}, std::vector<ParetoNBD>(drawn_.size()), {}};
      for (std::size_t i = begin; i < end; ++i) write(static_cast<std::uint32_t>(i), room);
      sums[begin / block] = std::move(room.scratch.sums);
    });
    Sums total = answers_.scratch().sums;
    for (const Sums& part : sums) total.add(part);
    return answers_.finish(total, normals_);
  }

 private:
  struct Room {
    Answers::Scratch scratch;
    Said said;
    std::vector<Pace> paces;
    std::vector<ParetoNBD> alive;  ///< by each draw
    std::vector<Pace> ahead;
  };
  struct Answer {
    double p_alive, transactions, discounted;
  };

  DynamicPredictor(const DynamicFit& fit, const RfmView& customers, const DynamicCovariates& covariates,
                   const PredictOptions& options, const SpendForecast* spend, const Eigen::MatrixXd& normals)
      : customers_(customers),
        covariates_(covariates),
        horizon_(options.horizon),
        rate_(options.discount_rate),
        estimate_{fit.model, fit.transaction, fit.dropout},
        drawn_(options.level > 0 ? drawn_of(fit, covariates, drawn_values(fit, options, normals))
                                 : std::vector<Drawn>()),
        normals_(options.draws.empty() ? normals : Eigen::MatrixXd()),
        answers_(customers, options, spend, drawn_.size(),
                 options.level > 0 ? Eigen::MatrixXd(normals.bottomRows(3)) : normals,
                 -options.discount_rate) {
    require_columns(estimate_, covariates, "predict");
  }

  static std::vector<Drawn> drawn_of(const DynamicFit& fit, const DynamicCovariates& covariates,
                                     const Eigen::MatrixXd& values) {
    const auto buying = places_of(fit, covariates.values.transaction, "transaction");
    const auto leaving = places_of(fit, covariates.values.dropout, "dropout");
    const auto take = [](const auto& column, const std::vector<std::size_t>& places) {
      Coefficients taken;
      for (const std::size_t place : places) taken.push_back(column[static_cast<Eigen::Index>(place)]);
      return taken;
    };
    std::vector<Drawn> drawn;
    for (Eigen::Index draw = 0; draw < values.cols(); ++draw) {
      const auto column = values.col(draw);
      drawn.push_back(
          {{column[0], column[1], column[2], column[3]}, take(column, buying), take(column, leaving)});
    }
    return drawn;
  }

  /// `room.paces` are left for the one who asked.
  Answer ask(const Drawn& of, std::size_t i, ParetoNBD& alive, Room& room) const {
    const double x = customers_.x[i], t_x = customers_.t_x[i], T = customers_.T[i];
    paces_of(of, covariates_, i, room.paces);
    const double p = p_alive(of.model, room.paces, x, t_x, T);
    alive = given_alive(of.model, room.paces, x, t_x, T);
    const double mean = detail::Outlook(alive, room.paces, T, 0).until(horizon_);
    const double kept = rate_ > 0 ? detail::Outlook(alive, room.paces, T, rate_).until(horizon_) : mean;
    return {p, p * mean, p * kept};
  }

  void write(std::uint32_t row, Room& room) {
    const double T = customers_.T[row];
    Said& said = room.said;
    said.clear();
    ParetoNBD alive{};
    const Answer known = ask(estimate_, row, alive, room);
    said.p_alive = known.p_alive;
    said.transactions = known.transactions;
    said.discounted = known.discounted;
    for (std::size_t draw = 0; draw < drawn_.size(); ++draw) {
      const Answer answer = ask(drawn_[draw], row, room.alive[draw], room);
      said.alive.push_back(answer.p_alive);
      said.bought.push_back(answer.transactions);
      said.kept.push_back(answer.discounted);
    }
    answers_.write({&row, 1}, said, room.scratch, [&](std::size_t draw) {
      room.ahead.clear();
      paces_of(drawn_[draw], covariates_, row, room.paces);
      (void)detail::for_paces(room.paces, T, T + horizon_, [&](const Pace& pace, double length) {
        room.ahead.push_back({length, pace.buy, pace.leave});
      });
      return DynamicCustomer{room.alive[draw], room.ahead};
    });
  }

  const RfmView& customers_;
  const DynamicCovariates& covariates_;
  double horizon_, rate_;
  Drawn estimate_;
  std::vector<Drawn> drawn_;
  Eigen::MatrixXd normals_;  ///< that they were drawn at
  Answers answers_;
};

}  // namespace

std::vector<Pace> DynamicFit::paces(const DynamicCovariates& covariates) const {
  const auto& [first, until, values] = covariates;
  if (!first.empty() || !until.empty())
    check_offsets("paces: the covariates' first", first, std::max<std::size_t>(first.size(), 1) - 1,
                  until.size());
  const Drawn of{model, transaction, dropout};
  require_columns(of, covariates, "paces");
  std::vector<Pace> all, one;
  all.reserve(until.size());
  for (std::size_t i = 0; i + 1 < first.size(); ++i) {
    paces_of(of, covariates, i, one);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

Prediction predict(const DynamicFit& fit, const RfmView& customers, const DynamicCovariates& covariates,
                   const PredictOptions& options, const SpendForecast* spend) {
  const StopScope scope(options.execution.stop);
  check(customers, options, spend);
  if (std::isinf(options.horizon))
    throw UsageError("predict: horizon must be a time above 0 that the covariates cover");
  check_intervals("predict", covariates, customers.T, options.horizon);
  return DynamicPredictor(fit, customers, covariates, options, spend)(options.execution);
}

void dect(const DynamicFit& fit, std::span<const double> t, double discount_rate, const RfmView& customers,
          const DynamicCovariates& covariates, std::span<double> out, const Execution& execution) {
  const StopScope scope(execution.stop);
  const std::size_t n = customers.x.size();
  require_equal_length(customers.t_x.size(), n, "t_x");
  require_equal_length(customers.T.size(), n, "T");
  const std::size_t times = n == 0 ? 0 : t.size() / n;
  if (t.size() != n * times || out.size() != t.size())
    throw UsageError("dect: t and the result need as many entries, the same number for each customer");
  if (!(discount_rate >= 0 && std::isfinite(discount_rate)))
    throw UsageError("dect: discount_rate must be finite and at least 0");
  const Drawn of{fit.model, fit.transaction, fit.dropout};
  require_columns(of, covariates, "dect");
  check_intervals("dect", covariates, customers.T, 0);
  for_rows(n, 64, execution, [&](std::size_t begin, std::size_t end) {
    std::vector<Pace> paces;
    for (std::size_t i = begin; i < end; ++i) {
      const double x = customers.x[i], t_x = customers.t_x[i], T = customers.T[i];
      paces_of(of, covariates, i, paces);
      const double p = p_alive(of.model, paces, x, t_x, T);
      detail::Outlook ahead(given_alive(of.model, paces, x, t_x, T), paces, T, discount_rate);
      for (std::size_t j = i * times; j < (i + 1) * times; ++j) out[j] = p * ahead.until(t[j]);
    }
  });
}

void pmf_new(const DynamicFit& fit, std::span<const double> n, std::span<const double> t,
             const DynamicCovariates& covariates, std::span<double> out, const Execution& execution) {
  const StopScope scope(execution.stop);
  require_equal_length(t.size(), out.size(), "t");
  require_equal_length(n.size(), out.size(), "n");
  const Drawn of{fit.model, fit.transaction, fit.dropout};
  require_columns(of, covariates, "pmf_new");
  check_intervals("pmf_new", covariates, t, 0);
  for_rows(out.size(), 64, execution, [&](std::size_t begin, std::size_t end) {
    std::vector<Pace> paces;
    for (std::size_t i = begin; i < end; ++i) {
      paces_of(of, covariates, i, paces);
      out[i] = pmf_new(PacedParetoNBD{of.model, paces}, n[i], t[i]);
    }
  });
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
