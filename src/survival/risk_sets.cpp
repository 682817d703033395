#include "risk_sets.hpp"

#include <algorithm>
#include <cmath>

#include "kernels.hpp"
#include "rows.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

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
  // One logarithm of many ratios: each is at least 1/d, so a product of some stays in range.
  double product = 1;
  double logarithms = d * std::log(at_risk);
  for (std::size_t l = 0; l < group.deaths; ++l) {
    const double f = static_cast<double>(l) * (1 / d);
    const double left = at_risk - f * dying;
    const double inverse = 1 / left;
    const double c = mean_weight * inverse;
    sums.hazard += c;
    sums.dying += (1 - f) * c;
    sums.squares += c * inverse;
    sums.fractions += f * c * inverse;
    sums.fraction_squares += f * f * c * inverse;
    product *= left * (1 / at_risk);
    if (product < 1e-150) {
      logarithms += std::log(product);
      product = 1;
    }
  }
  sums.log_at_risk = mean_weight * (logarithms + std::log(product));
  return sums;
}

// ---- Rows in order --------------------------------------------------------------------------------

RiskSets::RiskSets(std::span<const double> durations, std::span<const std::uint8_t> events,
                   const std::vector<Covariate>& covariates, const CoxOptions& options)
    : rows(durations.size()), columns(covariates.size()), ties_(options.ties), execution_(options.execution) {
  execution_.progress = {};
  put_in_order(durations, events, options);
  find_groups(events);
  times_ = {};
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
  gather(covariates, events);
  plan_blocks();
}

void RiskSets::put_in_order(std::span<const double> durations, std::span<const std::uint8_t> events,
                            const CoxOptions& options) {
  Ordered sorted = in_order(durations);
  order = std::move(sorted.rows);
  times_ = std::move(sorted.values);
  std::reverse(order.begin(), order.end());
  std::reverse(times_.begin(), times_.end());
  if (!options.strata.empty()) {
    std::vector<double> codes(rows);
    for (std::size_t i = 0; i < rows; ++i) codes[i] = options.strata[order[i]];
    std::vector<std::uint32_t> by_stratum = order_of(codes);
    for (std::uint32_t& place : by_stratum) place = order[place];
    order = std::move(by_stratum);
    for (std::size_t place = 0; place < rows; ++place) times_[place] = durations[order[place]];
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
    for (; last < rows && times_[last] == times_[first] && stratum(last) == stratum(first); ++last) {
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

void RiskSets::find_groups(std::span<const std::uint8_t> events) {
  for (std::size_t s = 0; s + 1 < stratum_starts.size(); ++s) {
    const std::size_t end = stratum_starts[s + 1];
    stratum_last.push_back(times_[stratum_starts[s]] + 0.0);
    for (std::size_t first = stratum_starts[s]; first < end;) {
      const double time = times_[first] + 0.0;
      std::size_t last = first;
      std::size_t died = 0;
      for (; last < end && times_[last] == time; ++last) died += events[order[last]];
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

void RiskSets::gather(const std::vector<Covariate>& covariates, std::span<const std::uint8_t> events) {
  mean.setZero(index(columns));
  scale.setOnes(index(columns));
  for_blocks(columns, execution_, [&](std::size_t j) {
    const auto values = covariates[j].values;
    std::vector<double> w;  // by row
    if (!weights.empty()) {
      w.resize(rows);
      for (std::size_t place = 0; place < rows; ++place) w[order[place]] = weights[place];
    }
    const auto mean_of = [&](const auto& term) {
      if (w.empty()) return sum_of(rows, term) / static_cast<double>(rows);
      return sum_of(rows, [&](auto i) { return w[i] * term(i); }) /
             sum_of(rows, [&](auto i) { return w[i]; });
    };
    const double middle = mean_of([&](auto i) { return values[i]; });
    if (!std::isfinite(middle))
      refuse(rows, "column '" + covariates[j].name + "'", "are null, NaN or infinite",
             [&](auto i) { return !std::isfinite(values[i]); });
    const double variance = mean_of([&](auto i) { return (values[i] - middle) * (values[i] - middle); });
    const double deviation = std::sqrt(variance);
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
  width = padded(columns);
  x_ = detail::unset<double>(rows * width);
  RowMatrix died = RowMatrix::Zero(index(rows / block_rows_ + 1), index(width));
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    double* deaths_here = died.row(index(first / block_rows_)).data();
    for (std::size_t from = first; from < last; ++from) {
      double* __restrict into = x_.get() + place_of[from] * width;
      for (std::size_t j = 0; j < columns; ++j)
        into[j] = (covariates[j].values[from] - mean[index(j)]) * factor[index(j)];
      std::fill(into + columns, into + width, 0.0);
      if (events[from] != 0) add(deaths_here, weight_of(weights, place_of[from]), into, width);
    }
  });
  died_ = died.colwise().sum().transpose();
  new (&x) decltype(x)(x_.get(), index(rows), index(columns), Eigen::OuterStride<>(index(width)));
}

void RiskSets::plan_blocks() {
  // Blocks keep a matrix each: fewer of them when matrices are large.
  block_rows_ *= std::max<std::size_t>(1, columns / 16);
  std::size_t g = 0;
  for (std::size_t first = 0; first < rows; first += block_rows_) {
    const std::size_t last = std::min(rows, first + block_rows_);
    while (groups[g].end <= first) ++g;
    first_group_.push_back(g);
    first_piece_.push_back(pieces_.size());
    std::size_t place = first;
    for (std::size_t at = g; place < last; ++at) {
      EventGroup& group = groups[at];
      const std::size_t died = group.end - group.deaths;
      if (place < died) pieces_.push_back({place, std::min(died, last)});
      place = std::max(place, std::min(died, last));
      if (place < last && place >= died) {
        if (place == died) group.dying = pieces_.size();
        if (place < group.end) pieces_.push_back({place, std::min(group.end, last)});
        place = std::min(group.end, last);
      }
      if (place == group.end) group.pieces = pieces_.size();
    }
  }
  first_piece_.push_back(pieces_.size());
}

// ---- The partial likelihood -----------------------------------------------------------------------

/// θ = w·exp(β·x) of each place, and the sums over the risk set before each block.
struct RiskSets::Pass {
  VectorXd theta;
  RowMatrix before;     ///< Σ θ·x, padded, and, last, Σ θ
  RowMatrix of_pieces;  ///< the same of each piece, where pieces are few
};

void RiskSets::sum_blocks(Pass& pass, const VectorXd& beta) const {
  const std::size_t blocks = first_group_.size();
  const Index w = index(width);
  VectorXd wide = VectorXd::Zero(w);
  wide.head(index(columns)) = beta;
  pass.theta.resize(index(rows));
  pass.before.setZero(index(blocks + 1), w + 1);
  const bool few = pieces_.size() * 8 <= rows;
  if (few) pass.of_pieces.setZero(index(pieces_.size()), w + 1);
  std::vector<std::uint8_t> begins(blocks, 0);  // a stratum begins inside
  // Where the last stratum of a block begins, or the block.
  const auto begin_of_last = [&](std::size_t first, std::size_t last) {
    return std::max(first, *(std::lower_bound(stratum_starts.begin(), stratum_starts.end(), last) - 1));
  };
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    const std::size_t block = first / block_rows_;
    auto theta = pass.theta.segment(index(first), index(last - first)).array();
    for (std::size_t place = first; place < last; ++place)
      pass.theta[index(place)] = dot(row(place), wide.data(), width);
    theta = theta.exp();
    if (!weights.empty()) theta *= Eigen::Map<const VectorXd>(weights.data() + first, theta.size()).array();
    const std::size_t begin = begin_of_last(first, last);
    begins[block] = std::binary_search(stratum_starts.begin(), stratum_starts.end(), begin);
    VectorXd s1 = VectorXd::Zero(w);
    double s0 = 0;
    for (std::size_t piece = first_piece_[block]; piece < first_piece_[block + 1]; ++piece) {
      const auto& [from, to] = pieces_[piece];
      if (few) {
        double* sums = pass.of_pieces.row(index(piece)).data();
        add_rows(sums, row(from), pass.theta.data() + from, to - from, width);
        sums[width] = pass.theta.segment(index(from), index(to - from)).sum();
      }
      if (from >= begin) add_piece(pass, piece, s1, s0);
    }
    pass.before.row(index(block + 1)) << s1.transpose(), s0;
  });
  if (!waiting.empty())
    for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
      const std::size_t block = first / block_rows_;
      const std::size_t begin = begin_of_last(first, last);
      for (std::size_t g = first_group_[block]; g < groups.size() && groups[g].end <= last; ++g) {
        if (groups[g].end <= begin) continue;
        for (std::size_t late = g > 0 ? groups[g - 1].late : 0; late < groups[g].late; ++late) {
          const double theta = pass.theta[index(waiting[late])];
          double* sums = pass.before.row(index(block + 1)).data();
          add(sums, -theta, row(waiting[late]), width);
          sums[width] -= theta;
        }
      }
    });
  for (std::size_t block = 0; block < blocks; ++block)
    if (begins[block] == 0) pass.before.row(index(block + 1)) += pass.before.row(index(block));
}

void RiskSets::add_piece(const Pass& pass, std::size_t piece, VectorXd& s1, double& s0) const {
  if (pass.of_pieces.size() > 0) {
    s1 += pass.of_pieces.row(index(piece)).head(index(width)).transpose();
    s0 += pass.of_pieces(index(piece), index(width));
    return;
  }
  const auto& [first, last] = pieces_[piece];
  add_rows(s1.data(), row(first), pass.theta.data() + first, last - first, width);
  for (std::size_t place = first; place < last; ++place) s0 += pass.theta[index(place)];
}

/// Calls visit(g, S0, S1, D0, D1) for each event group that ends in a block: sums over those at risk, and
/// over the dying; D1 is 0 where their order tells nothing.
template <typename Visit>
void RiskSets::walk(const Pass& pass, std::size_t block, const Visit& visit) const {
  const std::size_t first = block * block_rows_;
  const std::size_t last = std::min(rows, first + block_rows_);
  const Index w = index(width);
  VectorXd s1 = pass.before.row(index(block)).head(w);
  VectorXd d1 = VectorXd::Zero(w);
  double s0 = pass.before(index(block), w);
  std::size_t g = first_group_[block];
  std::size_t piece = first_piece_[block];
  std::size_t late = g > 0 ? groups[g - 1].late : 0;
  for (; g < groups.size() && groups[g].end <= last; ++g) {
    const EventGroup& group = groups[g];
    if (g > 0 && groups[g - 1].stratum != group.stratum && groups[g - 1].end >= first) {
      s1.setZero();
      s0 = 0;
    }
    for (; piece < group.pieces; ++piece) add_piece(pass, piece, s1, s0);
    for (; late < group.late; ++late) {
      const double theta = pass.theta[index(waiting[late])];
      add(s1.data(), -theta, row(waiting[late]), width);
      s0 -= theta;
    }
    if (group.deaths == 0) continue;
    const bool tied = ties_ == CoxTies::efron && group.deaths > 1;
    d1.setZero();
    double d0 = 0;
    if (tied)
      for (std::size_t own = group.dying; own < group.pieces; ++own) add_piece(pass, own, d1, d0);
    else
      for (std::size_t place = group.end - group.deaths; place < group.end; ++place)
        d0 += pass.theta[index(place)];
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
    Squares means(width);
    Likelihood& part = parts[block];
    part.gradient = VectorXd::Zero(index(width));
    VectorXd middle(index(width));
    walk(pass, block, [&](std::size_t g, double s0, const VectorXd& s1, double d0, const VectorXd& d1) {
      const TieSums sums = tie_sums(s0, d0, groups[g], ties_);
      const double factor = group_weights.empty() ? 1 : group_weights[g];
      hazard[g] = factor * sums.hazard;
      dying[g] = factor * sums.dying;
      part.value -= factor * sums.log_at_risk;
      // Σ c² (S1 − f·D1)(S1 − f·D1)ᵀ as two squares; without ties the second is nothing.
      if (sums.fractions > 0) {
        const double share = sums.fractions / sums.squares;
        middle = s1 - share * d1;
        means.push(factor * sums.squares, middle.data());
        const double rest = sums.fraction_squares - share * sums.fractions;
        if (rest > 0) means.push(factor * rest, d1.data());
      } else {
        means.push(factor * sums.squares, s1.data());
      }
      if (group_weights.empty()) return;
      for (std::size_t i = groups[g].end - groups[g].deaths; i < groups[g].end; ++i)
        add(part.gradient.data(), factor * weight_of(weights, i), row(i), width);
    });
    part.value += part.gradient.head(p).dot(beta);
    part.information = -means.sum(columns);
  });
  cumulate(hazard, groups);
  for_rows(rows, block_rows_, execution_, [&](std::size_t first, std::size_t last) {
    std::vector<double> gone_through(last - first);
    Likelihood& part = parts[first / block_rows_];
    std::size_t g = first_group_[first / block_rows_];
    for (std::size_t place = first; place < last; ++place) {
      while (groups[g].end <= place) ++g;
      const bool died = place + groups[g].deaths >= groups[g].end;
      double risk = died ? dying[g] + hazard[g + 1] : hazard[g];
      if (!since.empty()) risk = std::max(0.0, risk - hazard[since[place]]);
      gone_through[place - first] = risk * pass.theta[index(place)];
    }
    VectorXd gone = VectorXd::Zero(index(width));
    add_rows(gone.data(), row(first), gone_through.data(), last - first, width);
    part.gradient -= gone;
    Squares squares(width);
    squares.add(row(first), gone_through.data(), last - first);
    part.information += squares.sum(columns);
  });
  Likelihood all{0, VectorXd::Zero(p), MatrixXd::Zero(p, p)};
  if (group_weights.empty()) {
    all.gradient = died_.head(p);
    all.value = all.gradient.dot(beta);
  }
  for (const Likelihood& part : parts) {
    all.value += part.value;
    all.gradient += part.gradient.head(p);
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
      found.drift.row(index(g)) =
          (sums.squares * s1 - sums.fractions * d1).head(found.drift.cols()).transpose();
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
      const Index p = index(columns);
      own_drift.row(index(g)) =
          ((sums.squares - sums.fractions) * s1 - (sums.fractions - sums.fraction_squares) * d1)
              .head(p)
              .transpose();
      middle.row(index(g)) =
          ((sums.hazard * s1 - (sums.hazard - sums.dying) * d1) / groups[g].weight).head(p).transpose();
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

}  // namespace survival
}  // namespace v0
}  // namespace salesops
