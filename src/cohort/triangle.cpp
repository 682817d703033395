// Contracts of several cohorts: the pooled curve, and where it leads.
#include "salesops/cohort/triangle.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "salesops/clv/contract.hpp"
#include "salesops/optimize.hpp"
#include "salesops/posterior.hpp"
#include "salesops/random.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort {

namespace {

/// `UsageError` for lists that aren't customers left; the number of ages of the longest.
std::size_t check(const Triangle& triangle) {
  std::size_t ages = 0;
  for (std::size_t c = 0; c < triangle.size(); ++c) {
    const auto& left = triangle[c];
    ages = std::max(ages, left.size());
    for (std::size_t k = 0; k < left.size(); ++k) {
      const std::string place = "cohort " + std::to_string(c) + ", age " + std::to_string(k) + ": ";
      if (!(left[k] >= 0 && left[k] < special::infinity))
        throw UsageError(place + "need a number of 0 or more");
      if (k > 0 && left[k] > left[k - 1])
        throw UsageError(place +
                         "more customers than before; customers who come back have no survival curve, "
                         "pool their rates instead");
    }
  }
  if (ages < 2)
    throw UsageError("the triangle has no renewal: need customers left at age 1 of one cohort or more");
  return ages;
}

/// Successes of n trials. Inversion for a mean below 10, else transformed rejection (BTRS, Hörmann 1993).
std::int64_t binomial(random::Stream& stream, std::int64_t n, double p) {
  if (n <= 0 || !(p > 0)) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(stream, n, 1 - p);
  const auto trials = static_cast<double>(n);
  const double odds = p / (1 - p);
  if (trials * p < 10) {
    double chance = std::exp(trials * std::log1p(-p));
    double left = stream.uniform01();
    std::int64_t k = 0;
    while (left > chance && k < n) {
      left -= chance;
      ++k;
      chance *= odds * (trials - static_cast<double>(k) + 1) / static_cast<double>(k);
    }
    return k;
  }
  const double spread = std::sqrt(trials * p * (1 - p));
  const double b = 1.15 + 2.53 * spread;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double sure = 0.92 - 4.2 / b;
  const double alpha = (2.83 + 5.1 / b) * spread;
  const double mode = std::floor((trials + 1) * p);
  const double at_mode = special::log_gamma(mode + 1) + special::log_gamma(trials - mode + 1);
  for (;;) {
    const double u = stream.uniform_open() - 0.5;
    const double v = stream.uniform_open();
    const double edge = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / edge + b) * u + trials * p + 0.5);
    if (edge >= 0.07 && v <= sure) return static_cast<std::int64_t>(k);
    if (k < 0 || k > trials) continue;
    const double log_ratio = at_mode - special::log_gamma(k + 1) - special::log_gamma(trials - k + 1) +
                             (k - mode) * std::log(odds);
    if (std::log(v * alpha / (a / (edge * edge) + b)) <= log_ratio) return static_cast<std::int64_t>(k);
  }
}

clv::BdW as_bdw(const clv::SBG& model) { return {model.alpha, model.beta, 1}; }
clv::BdW as_bdw(const clv::BdW& model) { return model; }

/// P(a renewal is made) at ages 0, 1, …
std::vector<double> renewals(const clv::BdW& model, std::size_t ages) {
  std::vector<double> made(ages);
  for (std::size_t k = 0; k < ages; ++k) made[k] = clv::survival_given(model, 1, static_cast<double>(k));
  return made;
}

std::vector<clv::ContractCohort> cohorts_of(const Triangle& triangle) {
  std::vector<clv::ContractCohort> cohorts;
  for (const auto& left : triangle)
    if (left.size() > 1 && left.front() > 0) cohorts.push_back({left, 0});
  return cohorts;
}

/// How plausible parameters are: the likelihood of a triangle and weak beliefs. At the end of their range, as
/// where nobody has left, the likelihood alone has no width, and refits to triangles drawn from the estimate
/// would repeat it.
///
/// Coordinates are the logit of the mean chance to leave, α/(α+β), which is anything from 0 to 1 before the
/// data, ln(α+β), normal around 2 with standard deviation 2, from customers who stay or leave for good to all
/// alike, and for BdW ln c, normal around 0 with standard deviation ½.
class Plausible {
 public:
  Plausible(const Triangle& triangle, bool sbg, std::size_t ages)
      : dimensions_(sbg ? 2 : 3), lost_(ages - 1, 0), stayed_(ages - 1, 0) {
    for (const auto& left : triangle)
      for (std::size_t k = 1; k < left.size(); ++k) {
        lost_[k - 1] += left[k - 1] - left[k];
        stayed_[k - 1] += left[k];
      }
  }

  /// Draws of the parameters, by the no-U-turn sampler from the most plausible ones on.
  [[nodiscard]] std::vector<clv::BdW> draw(std::size_t wanted, std::uint64_t seed,
                                           const Execution& execution) const {
    if (wanted == 0) return {};
    const auto ask = [this](std::span<const double> x) { return point(x); };
    const std::vector<double> start(dimensions_, 0);
    const optimize::Minimum best = optimize::minimize(ask, start, {.tolerance = 1e-7});
    posterior::Options how;
    how.warmup = 300;
    constexpr std::size_t fewest = 4;  // draws a chain that the sampler makes
    const auto chains = static_cast<std::size_t>(how.chains);
    how.draws = static_cast<int>(std::max(fewest, (wanted + chains - 1) / chains));
    how.seed = seed;
    how.execution = execution;
    const auto drawn = posterior::draw(ask, best.x, optimize::inverse_positive(best.hessian), how);
    std::vector<clv::BdW> models;
    for (std::size_t i = 0; i < wanted; ++i) {
      const std::size_t from = (i % drawn.chains * drawn.draws + i / drawn.chains) * dimensions_;
      models.push_back(model_at(std::span(drawn.values).subspan(from, dimensions_)));
    }
    return models;
  }

 private:
  [[nodiscard]] static clv::BdW model_at(std::span<const double> x) {
    const double all = std::exp(x[1]);
    return {all / (1 + std::exp(-x[0])), all / (1 + std::exp(x[0])), x.size() > 2 ? std::exp(x[2]) : 1};
  }

  /// −ln of the density, up to a constant.
  [[nodiscard]] double energy(std::span<const double> x) const {
    const clv::BdW model = model_at(x);
    double sum = std::log1p(std::exp(-x[0])) + std::log1p(std::exp(x[0]));
    sum += (x[1] - 2) * (x[1] - 2) / 8;
    if (x.size() > 2) sum += 2 * x[2] * x[2];
    for (std::size_t k = 0; k < lost_.size(); ++k) {
      const double stay = clv::log_survival_given(model, 1, static_cast<double>(k));
      if (stayed_[k] > 0) sum -= stayed_[k] * stay;
      if (lost_[k] > 0) sum -= lost_[k] * special::log1m_exp(stay);
    }
    return sum;
  }

  /// The same with its slopes, by central differences.
  [[nodiscard]] optimize::Point point(std::span<const double> x) const {
    constexpr double step = 1e-5;
    optimize::Point made{energy(x), {}, {}};
    std::vector<double> near(x.begin(), x.end());
    for (std::size_t i = 0; i < near.size(); ++i) {
      near[i] = x[i] + step;
      const double above = energy(near);
      near[i] = x[i] - step;
      made.gradient.push_back((above - energy(near)) / (2 * step));
      near[i] = x[i];
    }
    return made;
  }

  std::size_t dimensions_;
  std::vector<double> lost_, stayed_;  ///< at the first renewal, the second, …
};

/// A triangle of the same shape, drawn from a model.
std::vector<clv::ContractCohort> drawn(const Triangle& triangle, const std::vector<double>& made,
                                       random::Stream& stream) {
  std::vector<clv::ContractCohort> cohorts;
  for (const auto& left : triangle) {
    if (left.size() < 2 || !(left.front() > 0)) continue;
    std::int64_t now = std::llround(left.front());
    clv::ContractCohort cohort{{static_cast<double>(now)}, 0};
    for (std::size_t k = 1; k < left.size(); ++k) {
      now = binomial(stream, now, made[k - 1]);
      cohort.survivors.push_back(static_cast<double>(now));
    }
    cohorts.push_back(std::move(cohort));
  }
  return cohorts;
}

/// The model fitted again to a triangle drawn from it; itself where that says nothing of the parameters.
clv::BdW refit(const clv::BdW& model, bool sbg, const std::vector<clv::ContractCohort>& cohorts) {
  clv::FitOptions options;
  options.tolerance = 1e-7;
  options.max_iterations = 60;
  try {
    if (sbg) {
      options.start = {model.alpha, model.beta};
      return as_bdw(clv::fit_sbg(cohorts, options).model);
    }
    options.start = {model.alpha, model.beta, model.c};
    return clv::fit_bdw(cohorts, options).model;
  } catch (const UsageError&) {
    return model;
  }
}

/// The quantiles at both ends of every column of draws × columns.
void fan(const std::vector<double>& draws, std::size_t columns, const ProjectOptions& options,
         const std::function<void(std::size_t column, double low, double high)>& put) {
  const std::size_t rows = draws.size() / columns;
  const double tail = 0.5 - options.level / 200;
  const double probabilities[] = {tail, 1 - tail};
  std::vector<std::vector<double>> ends(columns);
  for_rows(columns, 64, options.execution, [&](std::size_t first, std::size_t last) {
    std::vector<double> values(rows);
    for (std::size_t column = first; column < last; ++column) {
      for (std::size_t r = 0; r < rows; ++r) values[r] = draws[r * columns + column];
      ends[column] = stats::quantiles(values, probabilities);
    }
  });
  for (std::size_t column = 0; column < columns; ++column) put(column, ends[column][0], ends[column][1]);
}

}  // namespace

survival::KaplanMeier pooled_survival(const Triangle& triangle, double level) {
  check(triangle);
  std::vector<double> ages, customers;
  std::vector<std::uint8_t> lost;
  const auto add = [&](std::size_t age, double n, std::uint8_t is_lost) {
    if (age == 0 || !(n > 0)) return;
    ages.push_back(static_cast<double>(age));
    customers.push_back(n);
    lost.push_back(is_lost);
  };
  for (const auto& left : triangle) {
    for (std::size_t k = 1; k < left.size(); ++k) add(k, left[k - 1] - left[k], 1);
    if (!left.empty()) add(left.size() - 1, left.back(), 0);
  }
  if (ages.empty()) throw UsageError("the triangle has no customers with a renewal");
  auto curve = survival::kaplan_meier(ages, lost, {.weights = customers, .level = level});
  for (std::size_t i = 0; i < curve.time.size(); ++i) {
    if (curve.survival[i] > 0 && curve.survival[i] < 1) continue;
    double seen = 0;
    for (const auto& left : triangle)
      if (static_cast<double>(left.size()) > curve.time[i]) seen += left.front();
    const double end = std::pow(0.5 - level / 200, 1 / seen);
    (curve.survival[i] > 0 ? curve.low : curve.high)[i] = curve.survival[i] > 0 ? end : 1 - end;
  }
  return curve;
}

Projection project(const Triangle& triangle, const ProjectOptions& options) {
  const StopScope scope(options.execution.stop);
  const std::size_t ages = check(triangle);
  if (!options.sbg && !options.bdw) throw UsageError("name a model to project with: sBG, BdW or both");
  if (options.fans < 100 || options.fans > 100'000) throw UsageError("fans: from 100 to 100,000 draws");
  if (!(options.level > 1 && options.level < 100))
    throw UsageError("level must lie between 1 and 100 percent");
  if (options.periods < 1 || options.periods > 1200) throw UsageError("periods: from 1 to 1,200");
  const auto cohorts = cohorts_of(triangle);
  clv::FitOptions fit;
  fit.profile_level = options.profile_level;
  fit.execution = part_of(options.execution, 0, 0.1);
  Projection made;
  made.level = options.level;
  made.fans = options.fans;
  if (options.sbg) made.sbg = clv::fit_sbg(cohorts, fit);
  if (options.bdw) made.bdw = clv::fit_bdw(cohorts, fit);
  const bool sbg = made.sbg && (!made.bdw || made.sbg->aic() <= made.bdw->aic());
  made.model = sbg ? "sBG" : "BdW";
  const clv::BdW model = sbg ? as_bdw(made.sbg->model) : as_bdw(made.bdw->model);

  const std::size_t all = ages + options.periods;
  const std::vector<double> expected = renewals(model, all);
  made.survival = {1};
  for (std::size_t k = 1; k < all; ++k) made.survival.push_back(made.survival.back() * expected[k - 1]);
  for (const auto& left : triangle) {
    made.left.push_back(left);
    for (std::size_t i = 0; i < options.periods && !left.empty(); ++i)
      made.left.back().push_back(made.left.back().back() * expected[left.size() - 1 + i]);
  }
  made.left_low = made.left_high = made.left;
  made.total.assign(options.periods + 1, 0);
  for (const auto& left : made.left)
    for (std::size_t i = 0; i <= options.periods && !left.empty(); ++i)
      made.total[i] += left[left.size() - 1 - options.periods + i];
  made.total_low = made.total_high = made.total;

  // One row a draw: the curve, then the periods ahead of each cohort, and of all of them.
  const std::size_t of_all = all + triangle.size() * options.periods;
  const std::size_t columns = of_all + options.periods;
  const auto fans = static_cast<std::size_t>(options.fans);
  const bool nobody_left = std::ranges::all_of(
      triangle, [](const auto& left) { return left.empty() || left.front() == left.back(); });
  if (options.fan == FanKind::bootstrap && nobody_left)
    throw UsageError("nobody has left yet, so a bootstrap has nothing to vary: take the posterior fan");
  std::vector<clv::BdW> plausible;
  if (options.fan == FanKind::posterior) {
    // Which of two models holds is not known either: Akaike's weights say how much each counts.
    const double weight = made.sbg && made.bdw ? 1 / (1 + std::exp((made.bdw->aic() - made.sbg->aic()) / 2))
                          : sbg                ? 0
                                               : 1;
    const auto of_bdw = static_cast<std::size_t>(std::llround(weight * static_cast<double>(fans)));
    plausible = Plausible(triangle, true, ages)
                    .draw(fans - of_bdw, options.seed, part_of(options.execution, 0.1, 0.3));
    std::ranges::copy(
        Plausible(triangle, false, ages).draw(of_bdw, options.seed, part_of(options.execution, 0.3, 0.5)),
        std::back_inserter(plausible));
  }
  std::vector<double> draws(fans * columns, 0);
  for_rows(fans, 8, part_of(options.execution, 0.5, 1), [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      random::Stream stream(options.seed, 0, random::purpose("triangle"), static_cast<std::uint32_t>(r));
      std::vector<double> stay = renewals(
          plausible.empty() ? refit(model, sbg, drawn(triangle, expected, stream)) : plausible[r], all);
      if (std::ranges::any_of(stay, [](double share) { return std::isnan(share); })) stay = expected;
      double* row = draws.data() + r * columns;
      double* total = row + of_all;
      row[0] = 1;
      for (std::size_t k = 1; k < all; ++k) row[k] = row[k - 1] * stay[k - 1];
      row += all;
      for (const auto& left : triangle) {
        std::int64_t now = left.empty() ? 0 : std::llround(left.back());
        for (std::size_t i = 0; i < options.periods && !left.empty(); ++i) {
          row[i] = static_cast<double>(now = binomial(stream, now, stay[left.size() - 1 + i]));
          total[i] += row[i];
        }
        row += options.periods;
      }
    }
  });
  made.low = made.high = made.survival;
  // Where nobody has left nothing speaks against it going on; the fit only comes near.
  if (nobody_left) std::ranges::fill(made.high, 1.0);
  // The estimate is plausible, too, where it stands at the end of its range.
  const auto hold = [](double& low, double& high, double from, double to) {
    low = std::min(low, from);
    high = std::max(high, to);
  };
  fan(draws, columns, options, [&](std::size_t column, double low, double high) {
    if (column < all) return hold(made.low[column], made.high[column], low, high);
    if (column >= of_all) {
      const std::size_t ahead = column - of_all + 1;
      return hold(made.total_low[ahead], made.total_high[ahead], low, high);
    }
    const std::size_t c = (column - all) / options.periods;
    const std::size_t k = triangle[c].size() + (column - all) % options.periods;
    if (!triangle[c].empty()) hold(made.left_low[c][k], made.left_high[c][k], low, high);
  });
  return made;
}

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
