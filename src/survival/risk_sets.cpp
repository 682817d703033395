#include "risk_sets.hpp"

#include <algorithm>
#include <cmath>

#include "rows.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// Σ vvᵀ of many vectors, in batches that the matrix product likes.
class OuterSum {
 public:
  explicit OuterSum(Index size) : batch_(size, 256), sum_(MatrixXd::Zero(size, size)) {}
  /// Where the next vector goes.
  auto next() {
    if (used_ == batch_.cols()) flush();
    return batch_.col(used_++);
  }
  /// Adds factor·v.
  void push(double factor, const double* v) {
    if (used_ == batch_.cols()) flush();
    double* __restrict into = batch_.data() + used_++ * batch_.rows();
    for (Index j = 0, n = batch_.rows(); j < n; ++j) into[j] = factor * v[j];
  }
  const MatrixXd& sum() {
    flush();
    return sum_;
  }

 private:
  void flush() {
    const auto part = batch_.leftCols(used_);
    if (used_ > 0) sum_.noalias() += part * part.transpose();
    used_ = 0;
  }
  MatrixXd batch_;
  MatrixXd sum_;
  Index used_ = 0;
};

/// to += factor·from. Rows are short: a plain loop is quicker than a general one.
void add(VectorXd& to, double factor, const double* from) {
  double* __restrict into = to.data();
  for (Index j = 0, n = to.size(); j < n; ++j) into[j] += factor * from[j];
}

/// From what each group adds to what has gathered by then: sums from the stratum's beginning, its last group.
void cumulate(std::vector<double>& steps, const std::vector<EventGroup>& groups) {
  for (std::size_t g = groups.size(); g-- > 1;)
    if (groups[g - 1].stratum == groups[g].stratum) steps[g - 1] += steps[g];
}

}  // namespace

TieSums tie_sums(double at_risk, double dying, const EventGroup& group, CoxTies ties) {
  // The dying are at risk themselves, whatever rounding has left of sums from which late rows were taken.
  at_risk = std::max(at_risk, dying);
  TieSums sums;
  if (ties != CoxTies::efron || group.deaths == 1) {
    const double c = 1 / at_risk;
    sums.hazard = sums.dying = group.weight * c;
    sums.squares = sums.hazard * c;
    sums.log_at_risk = group.weight * std::log(at_risk);
    return sums;
  }
  const auto d = static_cast<double>(group.deaths);
  const double mean_weight = group.weight / d;
  for (std::size_t l = 0; l < group.deaths; ++l) {
    const double f = static_cast<double>(l) / d;
    const double left = at_risk - f * dying;
    const double c = mean_weight / left;
    sums.hazard += c;
    sums.dying += (1 - f) * c;
    sums.squares += c / left;
    sums.fractions += f * c / left;
    sums.fraction_squares += f * f * c / left;
    sums.log_at_risk += mean_weight * std::log(left);
  }
  return sums;
}

// ---- Rows in order --------------------------------------------------------------------------------

RiskSets::RiskSets(std::span<const double> durations, std::span<const std::uint8_t> events,
                   const std::vector<Covariate>& covariates, const CoxOptions& options)
    : rows(durations.size()), columns(covariates.size()), ties_(options.ties), execution_(options.execution) {
  execution_.progress = {};
  put_in_order(durations, events, options);
  find_groups(durations, events);
  if (!options.weights.empty()) {
    weights.resize(rows);
    for (std::size_t place = 0; place < rows; ++place) weights[place] = options.weights[order[place]];
  }
  for (EventGroup& group : groups) {
    for (std::size_t place = group.end - group.deaths; place < group.end; ++place)
      group.weight += weight_of(weights, place);
    deaths += static_cast<std::int64_t>(group.deaths);
  }
  if (!options.entry.empty()) find_entries(options.entry);
  gather(covariates);
  plan_blocks();
}

void RiskSets::put_in_order(std::span<const double> durations, std::span<const std::uint8_t> events,
                            const CoxOptions& options) {
  order = order_of(durations);
  std::reverse(order.begin(), order.end());
  if (!options.strata.empty()) {
    std::vector<double> codes(rows);
    for (std::size_t i = 0; i < rows; ++i) codes[i] = options.strata[order[i]];
    std::vector<std::uint32_t> sorted = order_of(codes);
    for (std::uint32_t& place : sorted) place = order[place];
    order = std::move(sorted);
  }
  const auto stratum = [&](std::size_t place) {
    return options.strata.empty() ? 0U : options.strata[order[place]];
  };
  std::vector<std::uint32_t> dead;
  for (std::size_t first = 0; first < rows;) {
    if (first == 0 || stratum(first) != stratum(first - 1)) stratum_starts.push_back(first);
    std::size_t last = first;
    std::size_t alive = first;
    dead.clear();
    for (;
         last < rows && durations[order[last]] == durations[order[first]] && stratum(last) == stratum(first);
         ++last) {
      const std::uint32_t row = order[last];
      if (events[row] == 0)
        order[alive++] = row;
      else
        dead.push_back(row);
    }
    std::copy(dead.begin(), dead.end(), order.begin() + static_cast<std::ptrdiff_t>(alive));
    first = last;
  }
  stratum_starts.push_back(rows);
}

void RiskSets::find_groups(std::span<const double> durations, std::span<const std::uint8_t> events) {
  for (std::size_t s = 0; s + 1 < stratum_starts.size(); ++s) {
    const std::size_t end = stratum_starts[s + 1];
    stratum_last.push_back(durations[order[stratum_starts[s]]] + 0.0);
    for (std::size_t first = stratum_starts[s]; first < end;) {
      const double time = durations[order[first]] + 0.0;
      std::size_t last = first;
      std::size_t died = 0;
      for (; last < end && durations[order[last]] == time; ++last) died += events[order[last]];
      if (died > 0)
        groups.push_back(
            {.end = last, .deaths = died, .time = time, .stratum = static_cast<std::uint32_t>(s)});
      first = last;
    }
    groups.push_back({.end = end, .time = 0, .stratum = static_cast<std::uint32_t>(s)});
  }
}

void RiskSets::find_entries(std::span<const double> entry) {
  std::vector<double> times(rows);
  for (std::size_t place = 0; place < rows; ++place) times[place] = entry[order[place]];
  std::vector<std::uint32_t> ascending = order_of(times);
  std::vector<std::uint32_t> stratum_of(rows);
  for (std::size_t s = 0; s + 1 < stratum_starts.size(); ++s)
    std::fill(stratum_of.begin() + static_cast<std::ptrdiff_t>(stratum_starts[s]),
              stratum_of.begin() + static_cast<std::ptrdiff_t>(stratum_starts[s + 1]),
              static_cast<std::uint32_t>(s));
  // By stratum, then from the last entry to the first; entries of 0 are not late.
  std::vector<std::size_t> starts(stratum_starts.size(), 0);
  for (std::size_t place = 0; place < rows; ++place)
    if (times[place] > 0) ++starts[stratum_of[place] + 1];
  for (std::size_t s = 1; s < starts.size(); ++s) starts[s] += starts[s - 1];
  waiting.resize(starts.back());
  std::vector<std::size_t> next = starts;
  for (auto place = ascending.rbegin(); place != ascending.rend(); ++place)
    if (times[*place] > 0) waiting[next[stratum_of[*place]]++] = *place;
  if (waiting.empty()) return;
  since.assign(rows, 0);
  std::size_t late = 0;
  std::size_t stratum_first = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    EventGroup& group = groups[g];
    const bool beginning = group.deaths == 0;
    const std::size_t end = starts[group.stratum + 1];
    // What enters at or after this time isn't at risk at it; what enters before has this group first behind.
    while (late < end && (beginning || times[waiting[late]] >= group.time)) {
      since[waiting[late]] = static_cast<std::uint32_t>(g);
      ++late;
    }
    group.late = late;
    if (!beginning) continue;
    for (std::size_t place = stratum_first; place < group.end; ++place)
      if (times[place] <= 0) since[place] = static_cast<std::uint32_t>(g);
    stratum_first = group.end;
  }
}

void RiskSets::gather(const std::vector<Covariate>& covariates) {
  mean.setZero(index(columns));
  scale.setOnes(index(columns));
  for_blocks(columns, execution_, [&](std::size_t j) {
    const auto values = covariates[j].values;
    refuse(rows, "column '" + covariates[j].name + "'", "are null, NaN or infinite",
           [&](auto i) { return !std::isfinite(values[i]); });
    double total = 0;
    double sum = 0;
    for (std::size_t place = 0; place < rows; ++place) {
      const double w = weight_of(weights, place);
      total += w;
      sum += w * (weights.empty() ? values[place] : values[order[place]]);
    }
    const double middle = sum / total;
    double squares = 0;
    for (std::size_t place = 0; place < rows; ++place) {
      const double apart = (weights.empty() ? values[place] : values[order[place]]) - middle;
      squares += weight_of(weights, place) * apart * apart;
    }
    const double deviation = std::sqrt(squares / total);
    if (!(deviation > 1e-12 * std::fabs(middle)) || !(deviation > 0))
      throw UsageError("column '" + covariates[j].name +
                       "' has one value in all rows, so it tells nothing: leave it out");
    mean[index(j)] = middle;
    scale[index(j)] = deviation;
  });
  // Columns are read from end to end and whole rows put in their places: the other way round each number
  // would be fetched from afar.
  std::vector<std::uint32_t> place_of(rows);
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    for (std::size_t place = first; place < last; ++place)
      place_of[order[place]] = static_cast<std::uint32_t>(place);
  });
  const VectorXd factor = scale.cwiseInverse();
  x.resize(index(rows), index(columns));
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      double* __restrict into = x.data() + place_of[row] * columns;
      for (std::size_t j = 0; j < columns; ++j)
        into[j] = (covariates[j].values[row] - mean[index(j)]) * factor[index(j)];
    }
  });
}

void RiskSets::plan_blocks() {
  // Blocks keep a matrix each: fewer of them when matrices are large.
  block_rows_ *= std::max<std::size_t>(1, columns / 16);
  std::size_t g = 0;
  for (std::size_t first = 0; first < rows; first += block_rows_) {
    while (groups[g].end <= first) ++g;
    first_group_.push_back(g);
  }
}

// ---- The partial likelihood -----------------------------------------------------------------------

/// θ = w·exp(β·x) of each place, and the sums over the risk set before each block.
struct RiskSets::Pass {
  VectorXd theta;
  RowMatrix before;  ///< Σ θ·x and, last, Σ θ
};

void RiskSets::sum_blocks(Pass& pass, const VectorXd& beta) const {
  const std::size_t blocks = first_group_.size();
  const Index p = index(columns);
  pass.theta.resize(index(rows));
  pass.before.setZero(index(blocks + 1), p + 1);
  std::vector<std::uint8_t> begins(blocks, 0);  // a stratum begins inside
  // Where the last stratum of a block begins, or the block.
  const auto begin_of_last = [&](std::size_t first, std::size_t last) {
    return std::max(first, *(std::lower_bound(stratum_starts.begin(), stratum_starts.end(), last) - 1));
  };
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    const std::size_t block = first / block_rows_;
    const Index n = index(last - first);
    auto theta = pass.theta.segment(index(first), n);
    theta.noalias() = x.middleRows(index(first), n) * beta;
    for (std::size_t place = first; place < last; ++place) {
      double& value = pass.theta[index(place)];
      value = std::exp(value) * weight_of(weights, place);
    }
    const std::size_t begin = begin_of_last(first, last);
    begins[block] = std::binary_search(stratum_starts.begin(), stratum_starts.end(), begin);
    const Index own = index(last - begin);
    const auto counted = pass.theta.segment(index(begin), own);
    pass.before.row(index(block + 1)).head(p).noalias() =
        counted.transpose() * x.middleRows(index(begin), own);
    pass.before(index(block + 1), p) = counted.sum();
  });
  if (!waiting.empty())
    for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
      const std::size_t block = first / block_rows_;
      const std::size_t begin = begin_of_last(first, last);
      for (std::size_t g = first_group_[block]; g < groups.size() && groups[g].end <= last; ++g) {
        if (groups[g].end <= begin) continue;
        for (std::size_t late = g > 0 ? groups[g - 1].late : 0; late < groups[g].late; ++late) {
          const Index place = index(waiting[late]);
          pass.before.row(index(block + 1)).head(p) -= pass.theta[place] * x.row(place);
          pass.before(index(block + 1), p) -= pass.theta[place];
        }
      }
    });
  for (std::size_t block = 0; block < blocks; ++block)
    if (begins[block] == 0) pass.before.row(index(block + 1)) += pass.before.row(index(block));
}

/// Calls visit(g, S0, S1, D0, D1) for each event group that ends in a block: sums over those at risk, and
/// over the dying.
template <typename Visit>
void RiskSets::walk(const Pass& pass, std::size_t block, const Visit& visit) const {
  const std::size_t first = block * block_rows_;
  const std::size_t last = std::min(rows, first + block_rows_);
  const Index p = index(columns);
  VectorXd s1 = pass.before.row(index(block)).head(p);
  VectorXd d1(p);
  double s0 = pass.before(index(block), p);
  std::size_t g = first_group_[block];
  std::size_t place = first;
  std::size_t late = g > 0 ? groups[g - 1].late : 0;
  const auto row = [&](std::size_t at) { return x.data() + at * columns; };
  for (; g < groups.size() && groups[g].end <= last; ++g) {
    const EventGroup& group = groups[g];
    if (g > 0 && groups[g - 1].stratum != group.stratum && groups[g - 1].end >= first) {
      s1.setZero();
      s0 = 0;
    }
    for (; place < group.end; ++place) {
      const double theta = pass.theta[index(place)];
      add(s1, theta, row(place));
      s0 += theta;
    }
    for (; late < group.late; ++late) {
      const double theta = pass.theta[index(waiting[late])];
      add(s1, -theta, row(waiting[late]));
      s0 -= theta;
    }
    if (group.deaths == 0) continue;
    d1.setZero();
    double d0 = 0;
    for (std::size_t i = group.end - group.deaths; i < group.end; ++i) {
      add(d1, pass.theta[index(i)], row(i));
      d0 += pass.theta[index(i)];
    }
    visit(g, s0, s1, d0, d1);
  }
}

Likelihood RiskSets::evaluate(const VectorXd& beta, std::span<const double> group_weights) const {
  const Index p = index(columns);
  const std::size_t blocks = first_group_.size();
  Pass pass;
  sum_blocks(pass, beta);
  std::vector<double> hazard(groups.size(), 0.0);
  std::vector<double> dying(groups.size(), 0.0);
  std::vector<Likelihood> parts(blocks);
  for_blocks(blocks, execution_, [&](std::size_t block) {
    OuterSum means(p);
    Likelihood& part = parts[block];
    part.gradient = VectorXd::Zero(p);
    walk(pass, block, [&](std::size_t g, double s0, const VectorXd& s1, double d0, const VectorXd& d1) {
      const TieSums sums = tie_sums(s0, d0, groups[g], ties_);
      const double factor = group_weights.empty() ? 1 : group_weights[g];
      hazard[g] = factor * sums.hazard;
      dying[g] = factor * sums.dying;
      part.value -= factor * sums.log_at_risk;
      // Σ c² (S1 − f·D1)(S1 − f·D1)ᵀ as two squares; without ties the second is nothing.
      const double root = std::sqrt(factor * sums.squares);
      if (sums.fractions > 0) {
        const double share = sums.fractions / sums.squares;
        means.next() = root * (s1 - share * d1);
        const double rest = sums.fraction_squares - share * sums.fractions;
        if (rest > 0) means.next() = std::sqrt(factor * rest) * d1;
      } else {
        means.push(root, s1.data());
      }
      for (std::size_t i = groups[g].end - groups[g].deaths; i < groups[g].end; ++i)
        add(part.gradient, factor * weight_of(weights, i), x.data() + i * columns);
    });
    part.value += part.gradient.dot(beta);
    part.information = -means.sum();
  });
  cumulate(hazard, groups);
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    OuterSum squares(p);
    VectorXd gone_through(index(last - first));
    Likelihood& part = parts[first / block_rows_];
    std::size_t g = first_group_[first / block_rows_];
    for (std::size_t place = first; place < last; ++place) {
      while (groups[g].end <= place) ++g;
      const bool died = place + groups[g].deaths >= groups[g].end;
      double risk = died ? dying[g] + hazard[g + 1] : hazard[g];
      if (!since.empty()) risk = std::max(0.0, risk - hazard[since[place]]);
      risk *= pass.theta[index(place)];
      gone_through[index(place - first)] = risk;
      squares.push(std::sqrt(risk), x.data() + place * columns);
    }
    part.gradient.noalias() -= x.middleRows(index(first), index(last - first)).transpose() * gone_through;
    part.information += squares.sum();
  });
  Likelihood all{0, VectorXd::Zero(p), MatrixXd::Zero(p, p)};
  for (const Likelihood& part : parts) {
    all.value += part.value;
    all.gradient += part.gradient;
    all.information += part.information;
  }
  return all;
}

RiskSets::Hazards RiskSets::hazards(const VectorXd& beta) const {
  Pass pass;
  sum_blocks(pass, beta);
  Hazards found;
  found.cumulative.assign(groups.size(), 0.0);
  found.variance.assign(groups.size(), 0.0);
  found.drift.setZero(index(groups.size()), index(columns));
  for_blocks(first_group_.size(), execution_, [&](std::size_t block) {
    walk(pass, block, [&](std::size_t g, double s0, const VectorXd& s1, double d0, const VectorXd& d1) {
      const TieSums sums = tie_sums(s0, d0, groups[g], ties_);
      found.cumulative[g] = sums.hazard;
      found.variance[g] = sums.squares;
      found.drift.row(index(g)) = (sums.squares * s1 - sums.fractions * d1).transpose();
    });
  });
  cumulate(found.cumulative, groups);
  cumulate(found.variance, groups);
  for (std::size_t g = groups.size(); g-- > 1;)
    if (groups[g - 1].stratum == groups[g].stratum)
      found.drift.row(index(g - 1)) += found.drift.row(index(g));
  return found;
}

RiskSets::RowMatrix RiskSets::score_residuals(const VectorXd& beta) const {
  const Hazards gone = hazards(beta);
  Pass pass;
  sum_blocks(pass, beta);
  RowMatrix residuals(index(rows), index(columns));
  // Of the dying: x̄ over the orders, and what they go through at their own time.
  std::vector<double> own(groups.size(), 0.0);
  RowMatrix own_drift(index(groups.size()), index(columns));
  RowMatrix middle(index(groups.size()), index(columns));
  for_blocks(first_group_.size(), execution_, [&](std::size_t block) {
    walk(pass, block, [&](std::size_t g, double s0, const VectorXd& s1, double d0, const VectorXd& d1) {
      const TieSums sums = tie_sums(s0, d0, groups[g], ties_);
      own[g] = sums.dying;
      own_drift.row(index(g)) =
          ((sums.squares - sums.fractions) * s1 - (sums.fractions - sums.fraction_squares) * d1).transpose();
      middle.row(index(g)) =
          ((sums.hazard * s1 - (sums.hazard - sums.dying) * d1) / groups[g].weight).transpose();
    });
  });
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    std::size_t g = first_group_[first / block_rows_];
    for (std::size_t place = first; place < last; ++place) {
      while (groups[g].end <= place) ++g;
      const bool died = place + groups[g].deaths >= groups[g].end;
      double risk = died ? own[g] + gone.cumulative[g + 1] : gone.cumulative[g];
      VectorXd drift = gone.drift.row(index(died ? g + 1 : g)).transpose();
      if (died) drift += own_drift.row(index(g)).transpose();
      if (!since.empty()) {
        risk -= gone.cumulative[since[place]];
        drift -= gone.drift.row(index(since[place])).transpose();
      }
      const auto own_x = x.row(index(place)).transpose();
      VectorXd residual = -pass.theta[index(place)] * (risk * own_x - drift);
      if (died) residual += weight_of(weights, place) * (own_x - middle.row(index(g)).transpose());
      residuals.row(index(order[place])) = residual.transpose();
    }
  });
  return residuals;
}

// ---- The discrete likelihood ----------------------------------------------------------------------

namespace {

/// Which k of the rows added so far died, each set with odds Π exp(η): ln of the sum of the odds, and mean
/// and covariance of the sum of x over such a set. Mixing two cases with and without a row keeps every number
/// in range, whatever k.
class DrawnSets {
 public:
  DrawnSets(std::size_t most, Index columns)
      : log_odds_(most + 1, -special::infinity),
        mean_(most + 1, VectorXd::Zero(columns)),
        covariance_(most + 1, MatrixXd::Zero(columns, columns)) {
    log_odds_[0] = 0;
  }
  void add(double eta, const VectorXd& x) {
    ++count_;
    for (std::size_t k = std::min(count_, log_odds_.size() - 1); k > 0; --k) {
      const double with = eta + log_odds_[k - 1];
      const double both = special::log_add(log_odds_[k], with);
      const double share = std::exp(with - both);
      apart_ = mean_[k - 1] + x - mean_[k];
      covariance_[k] = (1 - share) * covariance_[k] + share * covariance_[k - 1];
      covariance_[k].noalias() += share * (1 - share) * apart_ * apart_.transpose();
      mean_[k] += share * apart_;
      log_odds_[k] = both;
    }
  }
  void take(std::size_t k, Likelihood& from) const {
    from.value -= log_odds_[k];
    from.gradient -= mean_[k];
    from.information += covariance_[k];
  }

 private:
  std::vector<double> log_odds_;
  std::vector<VectorXd> mean_;
  std::vector<MatrixXd> covariance_;
  VectorXd apart_;
  std::size_t count_ = 0;
};

}  // namespace

double RiskSets::cost_of_exact() const {
  double steps = 0;
  for (std::size_t s = 0, g = 0; s + 1 < stratum_starts.size(); ++s) {
    std::size_t most = 0;
    double alone = 0;
    for (; g < groups.size() && groups[g].stratum == s; ++g) {
      most = std::max(most, groups[g].deaths);
      alone += static_cast<double>(groups[g].end - stratum_starts[s]) * static_cast<double>(groups[g].deaths);
    }
    const auto size = static_cast<double>(stratum_starts[s + 1] - stratum_starts[s]);
    steps += waiting.empty() ? size * static_cast<double>(most) : alone;
  }
  return steps * static_cast<double>(columns * columns + 10);
}

Likelihood RiskSets::evaluate_exact(const VectorXd& beta) const {
  const Index p = index(columns);
  const VectorXd eta = x * beta;
  const std::size_t strata = stratum_starts.size() - 1;
  std::vector<std::size_t> first_groups(1, 0);
  for (std::size_t g = 0; g < groups.size(); ++g)
    if (groups[g].deaths == 0) first_groups.push_back(g + 1);
  std::vector<Likelihood> parts(strata);
  for_blocks(strata, execution_, [&](std::size_t s) {
    Likelihood& part = parts[s];
    part.gradient = VectorXd::Zero(p);
    part.information = MatrixXd::Zero(p, p);
    const auto begin = groups.begin() + static_cast<std::ptrdiff_t>(first_groups[s]);
    const auto end = groups.begin() + static_cast<std::ptrdiff_t>(first_groups[s + 1]);
    std::size_t most = 0;
    for (auto group = begin; group != end; ++group) most = std::max(most, group->deaths);
    DrawnSets sets(most, p);
    std::size_t place = stratum_starts[s];
    for (auto group = begin; group != end; ++group) {
      if (group->deaths == 0) continue;
      ask_stop();
      for (std::size_t i = group->end - group->deaths; i < group->end; ++i) {
        part.value += eta[index(i)];
        part.gradient += x.row(index(i)).transpose();
      }
      if (!waiting.empty()) {  // sets can't be taken back: begin anew
        sets = DrawnSets(group->deaths, p);
        place = stratum_starts[s];
      }
      for (; place < group->end; ++place) {
        const auto g = static_cast<std::size_t>(group - groups.begin());
        if (since.empty() || since[place] > g) sets.add(eta[index(place)], x.row(index(place)).transpose());
      }
      sets.take(group->deaths, part);
    }
  });
  Likelihood all{0, VectorXd::Zero(p), MatrixXd::Zero(p, p)};
  for (const Likelihood& part : parts) {
    all.value += part.value;
    all.gradient += part.gradient;
    all.information += part.information;
  }
  return all;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
