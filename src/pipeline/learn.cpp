#include "learn.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "../optimize/linear.hpp"
#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

constexpr double shock_prior_sd = 0.3;
constexpr double owner_prior_sd = 0.2;
constexpr double new_prior_sd = 0.15;
/// Landmarks' worth of belief in the priors above.
constexpr double prior_landmarks = 2;
constexpr double new_prior_wins = 10;
constexpr double fewest_sd = 0.05;
/// Of the log-odds that all deals of one landmark share.
constexpr double landmark_sd = 0.35;
/// Of what the kernel of a landmark errs otherwise than today's, in log-odds for each 1/year of history.
constexpr double youth_sd = 0.2;

/// One open deal at one earlier landmark.
struct Row {
  Features x{};
  double y = 0;
  double fitted = 0;
  std::int32_t owner = 0;
};

struct Landmark {
  double history = 0;  ///< days that its kernel had learned from
  std::vector<Row> rows;
  struct Created {
    std::size_t pipeline = 0;
    double days = 0;  ///< before the window's end
  };
  std::vector<Created> created;  ///< deals yet to be created then
  double new_expected = 0;       ///< wins of those
  double new_won = 0;
  Realised realised;
};

double dot(const Features& a, const Features& b) {
  double sum = 0;
  for (std::size_t i = 0; i < feature_count; ++i) sum += a[i] * b[i];
  return sum;
}

/// The day a deal was won in the window, else nothing.
std::optional<std::size_t> won_visit(const Facts& facts, std::size_t deal, const Window& window) {
  for (std::int64_t at = facts.offsets[deal]; at < facts.offsets[deal + 1]; ++at) {
    const Visit& visit = facts.visits[static_cast<std::size_t>(at)];
    if (visit.enter >= window.end) break;
    if (visit.state == End::won && visit.enter > window.origin && visit.enter >= window.start)
      return static_cast<std::size_t>(at);
  }
  return std::nullopt;
}

std::int64_t initial_value(const History& history, Field field, std::size_t row) {
  return history.tracks(field) ? history.initial(field)[row] : null_value;
}

std::int64_t us_of(double days) { return static_cast<std::int64_t>(std::llround(days * us_per_day)); }

Landmark look_back(const Facts& facts, const History& history, const Window& window) {
  Landmark landmark;
  const Rates rates = shrink(count_moves(facts, window.origin));
  const std::vector<double> per_day = rates.mean();
  const Grid grid = grid_of(window);
  const WinTable table = win_table(per_day, facts.states(), grid.step, std::array{grid.first, grid.last});
  landmark.history = window.origin - facts.first;
  for (std::size_t deal = 0; deal < facts.size(); ++deal) {
    tick(deal);
    if (facts.seen[deal] > window.origin) {
      if (facts.seen[deal] >= window.end) continue;
      landmark.created.push_back(
          {static_cast<std::size_t>(facts.pipeline[deal]), window.end - facts.seen[deal]});
      landmark.new_won += won_visit(facts, deal, window).has_value();
      continue;
    }
    const std::int64_t at = visit_at(facts, deal, window.origin);
    const Visit& visit = facts.visits[static_cast<std::size_t>(at)];
    if (visit.state < 0) continue;
    const bool won = won_visit(facts, deal, window).has_value();
    const auto state = static_cast<std::size_t>(visit.state);
    const std::size_t age = table.age_of(window.origin - origin_of(facts, deal, at));
    const double p = table.at(1, state, age) - table.at(0, state, age);
    landmark.rows.push_back({.x = features_of(facts, history, deal, window, p),
                             .y = won ? 1.0 : 0.0,
                             .fitted = p,
                             .owner = facts.owner[deal]});
    if (!won || !facts.amounts_tracked || facts.amount[deal] == null_value || facts.amount[deal] <= 0)
      continue;
    const std::int64_t then =
        history.value_at(static_cast<std::size_t>(facts.row[deal]), Field::amount, us_of(window.origin));
    if (then != null_value && then > 0)
      landmark.realised.add(static_cast<double>(then), static_cast<double>(facts.amount[deal]));
  }
  const NewBusiness fresh = new_business(facts, window, per_day);
  landmark.new_expected = fresh.won_by_step[static_cast<std::size_t>(grid.last)] -
                          fresh.won_by_step[static_cast<std::size_t>(grid.first)];
  return landmark;
}

/// Ridge logit by Newton's method with a random level of each landmark: what one period did to all its
/// deals says little about the next. The kernel's logit is pulled to weight 1, the others to 0. A young
/// book's kernel errs otherwise than a grown one's: what is lost late hasn't been lost yet, and who reached
/// the later stages was quick. That falls like 1/history, so a term in what a landmark's 1/history is above
/// that of `now` takes it out of the lesson, and a landmark counts by how much of the history of `now` it
/// knew.
Features fit_logit(std::span<const Landmark> landmarks, double now) {
  constexpr auto n = static_cast<Eigen::Index>(feature_count);
  static constexpr std::array<double, feature_count> prior_sd{0.17, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7};
  const Eigen::Index youth = n, first_level = n + 1;
  const Eigen::Index size = first_level + static_cast<Eigen::Index>(landmarks.size());
  Eigen::VectorXd weight = Eigen::VectorXd::Zero(size);
  Eigen::VectorXd precision = Eigen::VectorXd::Constant(size, 1 / (landmark_sd * landmark_sd));
  weight[0] = 1;
  for (Eigen::Index i = 0; i < n; ++i) {
    const double sd = prior_sd[static_cast<std::size_t>(i)];
    precision[i] = 1 / (sd * sd);
  }
  precision[youth] = 1 / (youth_sd * youth_sd);
  const Eigen::VectorXd prior = weight;
  for (int step = 0; step < 30; ++step) {
    Eigen::VectorXd gradient = -precision.cwiseProduct(weight - prior);
    Eigen::MatrixXd hessian = precision.asDiagonal();
    for (std::size_t i = 0; i < landmarks.size(); ++i) {
      const double trust = std::min(1.0, landmarks[i].history / now);
      const double younger = std::max(0.0, year / landmarks[i].history - year / now);
      const auto level = first_level + static_cast<Eigen::Index>(i);
      for (const Row& row : landmarks[i].rows) {
        const Eigen::Map<const Eigen::Matrix<double, n, 1>> x(row.x.data());
        const double p = special::logistic(x.dot(weight.head<n>()) + younger * weight[youth] + weight[level]);
        const double own = trust * p * (1 - p), off = trust * (row.y - p);
        gradient.head<n>() += off * x;
        gradient[level] += off;
        gradient[youth] += off * younger;
        hessian.topLeftCorner<n, n>() += own * x * x.transpose();
        hessian.col(level).head<n>() += own * x;
        hessian.row(level).head<n>() += own * x.transpose();
        hessian(level, level) += own;
        hessian.col(youth).head<n>() += own * younger * x;
        hessian.row(youth).head<n>() += own * younger * x.transpose();
        hessian(youth, youth) += own * younger * younger;
        hessian(youth, level) += own * younger;
        hessian(level, youth) += own * younger;
      }
    }
    const Eigen::VectorXd move = linear::solve(hessian, gradient).cwiseMax(-2.0).cwiseMin(2.0);
    weight += move;
    if (move.cwiseAbs().maxCoeff() < 1e-8) break;
  }
  Features result{};
  for (std::size_t i = 0; i < feature_count; ++i) result[i] = weight[static_cast<Eigen::Index>(i)];
  return result;
}

/// Evidence of n cases of variance v each about a relative variance of about prior²; 0 none, 1 much.
double evidence(double variance, double prior_sd) {
  if (variance <= 0) return 0;
  const double share = prior_sd * prior_sd / (1 / variance + prior_sd * prior_sd);
  return share * share;
}

/// Wins of one landmark, those expected, and their variance were its deals independent.
struct Totals {
  double won = 0, expected = 0, variance = 0;
};

Totals totals_of(const Landmark& landmark) {
  Totals totals;
  for (const Row& row : landmark.rows) {
    totals.won += row.y;
    totals.expected += row.fitted;
    totals.variance += row.fitted * (1 - row.fitted);
  }
  return totals;
}

/// Excess variance of totals over independent deals (Pearson), in log-odds, with its prior.
void learn_shock(Lessons& lessons, const std::vector<Landmark>& landmarks) {
  double weights = prior_landmarks;
  double sum = prior_landmarks * shock_prior_sd * shock_prior_sd;
  for (const Landmark& landmark : landmarks) {
    const auto [won, expected, variance] = totals_of(landmark);
    const double weight = evidence(variance, shock_prior_sd);
    if (weight == 0) continue;
    sum += weight * ((won - expected) * (won - expected) - variance) / (variance * variance);
    weights += weight;
  }
  lessons.shock_sd = std::sqrt(std::max(sum / weights, fewest_sd * fewest_sd));
  lessons.shock_freedom = 3 + weights;
}

void learn_owners(Lessons& lessons, const std::vector<Landmark>& landmarks, std::size_t owners) {
  std::vector<double> surplus(owners), variance(owners);
  for (const Landmark& landmark : landmarks) {
    const auto [won, expected, spread] = totals_of(landmark);
    // Owners are compared with one another, so the landmark's common surplus is taken out.
    const double common = spread > 0 ? (won - expected) / spread : 0;
    for (const Row& row : landmark.rows) {
      const double own = row.fitted * (1 - row.fitted);
      surplus[static_cast<std::size_t>(row.owner)] += row.y - row.fitted - common * own;
      variance[static_cast<std::size_t>(row.owner)] += own;
    }
  }
  double weights = prior_landmarks, sum = prior_landmarks * owner_prior_sd * owner_prior_sd;
  for (std::size_t owner = 0; owner < owners; ++owner) {
    const double weight = evidence(variance[owner], owner_prior_sd);
    if (weight == 0) continue;
    sum += weight * (surplus[owner] * surplus[owner] - variance[owner]) / (variance[owner] * variance[owner]);
    weights += weight;
  }
  const double tau2 = std::max(sum / weights, fewest_sd * fewest_sd);
  lessons.owner_sd = std::sqrt(tau2);
  lessons.owners.resize(owners);
  for (std::size_t owner = 0; owner < owners; ++owner) {
    const double known = variance[owner] + 1 / tau2;
    lessons.owners[owner] = {surplus[owner] / known, std::sqrt(1 / known)};
  }
}

/// Chance to be won in a window, of a deal created `days` before its end.
double chance(const std::vector<double>& chances, const Grid& grid, double days) {
  const double until_end = days / grid.step, until_start = until_end - (grid.last - grid.first);
  const auto at = [&](double steps) {
    return chances[static_cast<std::size_t>(
        std::clamp(std::lround(steps), 0L, static_cast<long>(grid.last)))];
  };
  return at(until_end) - (until_start > 0 ? at(until_start) : 0);
}

void learn_new(Lessons& lessons, const std::vector<Landmark>& landmarks,
               const std::vector<std::vector<double>>& chances, const Grid& grid, double now) {
  double won = new_prior_wins, expected = new_prior_wins;
  for (const Landmark& landmark : landmarks) {
    // The chances are those of the last year's deals; what older ones did is another matter.
    if (landmark.history < now - year) continue;
    won += landmark.new_won;
    for (const auto& [pipeline, days] : landmark.created) expected += chance(chances[pipeline], grid, days);
  }
  lessons.new_factor = won / expected;
  double weights = prior_landmarks, sum = prior_landmarks * new_prior_sd * new_prior_sd;
  for (const Landmark& landmark : landmarks) {
    const double mean = landmark.new_expected * lessons.new_factor;
    const double weight = evidence(mean, new_prior_sd);
    if (weight == 0) continue;
    const double off = landmark.new_won - mean;
    sum += weight * (off * off - mean) / (mean * mean);
    weights += weight;
  }
  lessons.new_sd = std::sqrt(std::max(sum / weights, fewest_sd * fewest_sd));
}

}  // namespace

double safe_logit(double p) noexcept {
  const double inside = std::clamp(p, 1e-7, 1 - 1e-7);
  return std::log(inside / (1 - inside));
}

Grid grid_of(const Window& window) {
  constexpr double most_steps = 120;
  Grid grid;
  grid.step = std::max(1.0, std::ceil((window.end - window.origin) / most_steps));
  grid.first = static_cast<int>(std::lround(std::max(0.0, window.start - window.origin) / grid.step));
  grid.last = std::max(grid.first, static_cast<int>(std::lround((window.end - window.origin) / grid.step)));
  return grid;
}

const std::array<const char*, feature_count>& feature_names() {
  static constexpr std::array<const char*, feature_count> names{
      "kernel_logit", "level",         "log_age", "close_date_missing",
      "overdue",      "due_in_period", "pushes",  "log_amount"};
  return names;
}

Features features_of(const Facts& facts, const History& history, std::size_t deal, const Window& window,
                     double kernel_p) {
  Features x{};
  x[0] = safe_logit(kernel_p);
  x[1] = 1;
  // Half-year-old deals are the middle of the scale.
  x[2] = (std::log1p(std::max(0.0, window.origin - facts.created[deal])) - 4) / 1.5;
  const auto row = static_cast<std::size_t>(facts.row[deal]);
  const std::int64_t now = us_of(window.origin);
  std::int64_t due = initial_value(history, Field::close_date, row);
  std::int64_t amount = initial_value(history, Field::amount, row);
  double pushes = 0;
  for (const Change& change : history.changes(row)) {
    if (change.at > now) break;
    if (change.field == Field::amount) amount = change.value;
    if (change.field != Field::close_date) continue;
    pushes += due != null_value && change.value != null_value && change.value > due;
    due = change.value;
  }
  if (facts.close_dates_tracked) {
    if (due == null_value)
      x[3] = 1;
    else if (static_cast<double>(due) < window.origin - 1)
      x[4] = 1;
    else if (static_cast<double>(due) < window.end)
      x[5] = 1;
    x[6] = std::min(pushes, 4.0) / 2;
  }
  // Large deals take longer and are won less often than small ones in the same stage.
  if (facts.typical_amount > 0 && amount != null_value && amount > 0)
    x[7] = std::clamp(std::log(static_cast<double>(amount) / facts.typical_amount) / 2, -2.0, 2.0);
  return x;
}

void Realised::add(const Realised& more) {
  for (std::size_t i = 0; i < more.ratio_.size(); ++i) {
    const double expected = more.up_to_[i] - (i == 0 ? 0 : more.up_to_[i - 1]);
    add(expected, expected * more.ratio_[i]);
  }
}

double Realised::at(double uniform) const {
  if (ratio_.empty()) return 1;
  const auto found = std::upper_bound(up_to_.begin(), up_to_.end(), uniform * expected_);
  return found == up_to_.end() ? ratio_.back() : ratio_[static_cast<std::size_t>(found - up_to_.begin())];
}

Lessons learn(const Facts& facts, const History& history, const Window& window, bool adjust,
              std::span<const Window> earlier, const Execution& execution) {
  Lessons lessons;
  lessons.rates = shrink(count_moves(facts, window.origin));
  std::vector<Landmark> landmarks(adjust ? earlier.size() : 0);
  for_blocks(landmarks.size(), execution,
             [&](std::size_t i) { landmarks[i] = look_back(facts, history, earlier[i]); });
  // What the first landmarks teach, if they have enough deals, to a kernel of some days of history.
  const auto correction = [&](std::size_t count, double days) -> std::optional<Features> {
    constexpr std::size_t fewest_rows = 50;
    const std::span first(landmarks.data(), count);
    std::size_t rows = 0;
    for (const Landmark& landmark : first) rows += landmark.rows.size();
    if (rows < fewest_rows) return std::nullopt;
    return fit_logit(first, days);
  };
  const auto judge = [](Landmark& landmark, const Features& weight) {
    for (Row& row : landmark.rows) row.fitted = special::logistic(dot(row.x, weight));
  };
  // Each landmark is judged with a correction that only older ones made.
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    judge(landmarks[i], correction(i, landmarks[i].history).value_or(Features{1}));
    lessons.realised.add(landmarks[i].realised);
  }
  learn_shock(lessons, landmarks);
  lessons.landmarks = static_cast<int>(landmarks.size());
  const std::optional<Features> weight = correction(landmarks.size(), window.origin - facts.first);
  lessons.corrected = weight.has_value();
  lessons.weight = weight.value_or(Features{1});
  if (lessons.corrected)
    for (Landmark& landmark : landmarks) judge(landmark, lessons.weight);
  learn_owners(lessons, landmarks, facts.owners.size());
  lessons.fresh = new_business(facts, window, lessons.rates.mean());
  learn_new(lessons, landmarks, lessons.fresh.chances, grid_of(window), window.origin - facts.first);
  // The prior of new business is that of books with a year behind them; so few deals don't even tell the
  // rate.
  if (facts.size() > 0 && facts.size() < few_deals)
    lessons.new_sd = std::hypot(lessons.new_sd, 1 / std::sqrt(static_cast<double>(facts.size())));
  return lessons;
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
