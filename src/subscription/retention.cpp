#include "salesops/subscription/retention.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "columns.hpp"
#include "ledger.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

namespace {

using subscription_detail::add;
using subscription_detail::Exchange;
using subscription_detail::Ledger;
using subscription_detail::Notes;
using subscription_detail::Timeline;

/// What of a customer's revenue is compared: all of it, capped, the least so far.
constexpr std::size_t rules = 3;

/// A customer in the cohort of a period: what it brought then, and by each rule now.
struct Member {
  std::int64_t base = 0;
  std::array<std::int64_t, rules> now{};
  bool there = false;  ///< now, whether or not it was all the time
};

/// One period's cohort, of one block of customers.
struct Cohort {
  std::int64_t base = 0, customers = 0, kept = 0;
  std::array<std::int64_t, rules> now{};
  double base_squares = 0;
  std::array<double, rules> products{}, squares{};
  std::int64_t step_base = 0, step_kept = 0;  ///< against the period before

  void add_member(const Member& one) {
    const auto x = static_cast<double>(one.base);
    base = add(base, one.base);
    base_squares += x * x;
    ++customers;
    kept += one.there ? 1 : 0;
    for (std::size_t rule = 0; rule < rules; ++rule) {
      const auto y = static_cast<double>(one.now[rule]);
      now[rule] = add(now[rule], one.now[rule]);
      products[rule] += x * y;
      squares[rule] += y * y;
    }
  }
  void merge(const Cohort& other) {
    base = add(base, other.base);
    customers += other.customers;
    kept += other.kept;
    base_squares += other.base_squares;
    for (std::size_t rule = 0; rule < rules; ++rule) {
      now[rule] = add(now[rule], other.now[rule]);
      products[rule] += other.products[rule];
      squares[rule] += other.squares[rule];
    }
    step_base = add(step_base, other.step_base);
    step_kept = add(step_kept, other.step_kept);
  }
};

/// Looks at one customer after another at the end of every period.
class Observer {
 public:
  Observer(const State::Data& data, const Options& options, const Timeline& timeline,
           const Exchange& exchange, std::size_t over, bool reactivation)
      : data_(data),
        exchange_(exchange),
        ledger_(data, options, timeline, exchange),
        periods_(timeline.size()),
        over_(over),
        reactivation_(reactivation),
        own_(data.currencies.size(), std::vector<std::int64_t>(periods_)) {}

  /// Calls `work(period, member)` for every cohort that the customer is in.
  template <class Work>
  void look(std::size_t customer, std::vector<Cohort>& cohorts, const Work& work) {
    ledger_.load(data_.of(customer));
    const auto changes = ledger_.changes();
    if (changes.empty()) return;
    for (auto& own : own_) std::fill(own.begin(), own.end(), 0);
    const auto first = static_cast<std::size_t>(changes.front().slot);
    for (const auto& change : changes) {
      auto& sum = own_[static_cast<std::size_t>(change.currency)][static_cast<std::size_t>(change.slot)];
      sum = add(sum, change.delta);
    }
    for (auto& own : own_)
      for (std::size_t period = first + 1; period < periods_; ++period)
        own[period] = add(own[period], own[period - 1]);
    for (std::size_t period = first + 1; period < periods_; ++period) {
      const std::int64_t before = value(period - 1, period);
      if (before <= 0) continue;
      cohorts[period].step_base = add(cohorts[period].step_base, before);
      cohorts[period].step_kept = add(cohorts[period].step_kept, std::min(before, value(period, period)));
    }
    for (std::size_t period = first + over_; period < periods_; ++period) {
      Member member{value(period - over_, period), {}, false};
      if (member.base <= 0) continue;
      std::int64_t least = member.base;
      for (std::size_t at = period - over_ + 1; at <= period && least > 0; ++at)
        least = std::min(least, value(at, period));
      const std::int64_t now = value(period, period);
      member.there = now > 0;
      if (reactivation_ || least > 0) member.now = {now, std::min(now, member.base), least};
      work(period, member);
    }
  }
  [[nodiscard]] const Notes& notes() const noexcept { return ledger_.notes(); }

 private:
  /// At the end of period `at`, by the rates of `rate_of`; what is below 0 is nothing kept.
  [[nodiscard]] std::int64_t value(std::size_t at, std::size_t rate_of) const {
    if (own_.size() == 1 && exchange_.plain()) return std::max<std::int64_t>(own_[0][at], 0);
    std::int64_t sum = 0;
    for (std::size_t c = 0; c < own_.size(); ++c)
      sum = add(sum, exchange_.convert(static_cast<std::int32_t>(c), own_[c][at], rate_of));
    return std::max<std::int64_t>(sum, 0);
  }

  const State::Data& data_;
  const Exchange& exchange_;
  Ledger ledger_;
  std::size_t periods_, over_;
  bool reactivation_;
  std::vector<std::vector<std::int64_t>> own_;  ///< by currency and period
};

int year_of(Every every) {
  switch (every) {
    case Every::day: return 365;
    case Every::week: return 52;
    case Every::quarter: return 4;
    case Every::half: return 2;
    case Every::year: return 1;
    case Every::month:
    case Every::all: break;
  }
  return 12;
}

constexpr Ratio no_ratio{special::not_a_number, special::not_a_number, special::not_a_number};

/// The ratio of sums over customers, with the interval of its linear approximation.
Ratio linearized(const Cohort& cohort, std::size_t rule, double level, bool wanted) {
  if (cohort.base <= 0) return no_ratio;
  const auto base = static_cast<double>(cohort.base);
  Ratio ratio = no_ratio;
  ratio.value = static_cast<double>(cohort.now[rule]) / base;
  if (!wanted || cohort.customers < 2) return ratio;
  const auto n = static_cast<double>(cohort.customers);
  const double r = ratio.value;
  const double off = cohort.squares[rule] - 2 * r * cohort.products[rule] + r * r * cohort.base_squares;
  const double error = std::sqrt(std::max(0.0, off) * n / (n - 1)) / base;
  const double reach = stats::student_multiplier(n - 1, level) * error;
  ratio.low = std::max(0.0, r - reach);
  ratio.high = rule == 0 ? r + reach : std::min(1.0, r + reach);
  return ratio;
}

/// The members of the cohorts, for drawing them again.
struct Members {
  std::vector<double> base;
  std::array<std::vector<double>, rules> now;
};

Ratio drawn(const Members& members, std::size_t rule, const Cohort& cohort, const RetentionOptions& options) {
  Ratio ratio = linearized(cohort, rule, options.level, false);
  stats::RatioOptions how;
  how.level = options.level;
  how.replicates = options.replicates;
  how.seed = options.seed;
  how.execution = options.options.execution;
  how.execution.progress = {};
  if (const auto found = stats::ratio_interval(members.now[rule], members.base, {}, how)) {
    ratio.low = found->interval.low;
    ratio.high = found->interval.high;
  }
  return ratio;
}

}  // namespace

Retention retention(const State& state, const RetentionOptions& given) {
  RetentionOptions wanted = given;
  Options& options = wanted.options;
  options.window_us.reset();  // cohorts are taken at period ends
  const StopScope scope(options.execution.stop);
  subscription_detail::check(options);
  (void)stats::normal_multiplier(wanted.level);
  if (wanted.over < 0) throw UsageError("over: revenue is compared 1 period or more apart");
  const State::Data& data = state.data();
  Retention made;
  made.over = wanted.over == 0 ? year_of(options.every) : wanted.over;
  made.every = options.every;
  made.follow = data.follow;
  made.reactivation = wanted.reactivation;
  made.confidence = wanted.level;
  made.zone = data.zone.name();
  made.issues = data.issues;
  const std::int64_t until = subscription_detail::known_until(data, options, made.issues);
  made.as_of = Instant{until == INT64_MIN ? 0 : until};
  if (until == INT64_MIN || data.first >= until) return made;
  const Timeline timeline(options, data.zone, data.first, until);
  Exchange exchange(data, options, timeline, made.issues);
  made.currency = exchange.currency();
  const auto over = static_cast<std::size_t>(made.over);
  const std::size_t periods = timeline.size(), customers = data.customers();

  // Blocks depend on the customers alone, so that sums of doubles don't depend on threads.
  const std::size_t block = std::max<std::size_t>(1024, customers / 64 + 1);
  const std::size_t blocks = (customers + block - 1) / block;
  const bool draws = wanted.interval == RatioInterval::bootstrap;
  std::vector<std::vector<Cohort>> cohorts(blocks);
  std::vector<std::vector<Members>> members(draws ? blocks : 0);
  std::vector<Notes> notes(blocks);
  do {
    for_blocks(blocks, options.execution, [&](std::size_t b) {
      cohorts[b].assign(periods, {});
      if (draws) members[b].assign(periods, {});
      Observer observer(data, options, timeline, exchange, over, wanted.reactivation);
      for (std::size_t i = b * block; i < std::min(customers, (b + 1) * block); ++i) {
        tick(i);
        observer.look(i, cohorts[b], [&](std::size_t period, const Member& member) {
          cohorts[b][period].add_member(member);
          if (!draws) return;
          members[b][period].base.push_back(static_cast<double>(member.base));
          for (std::size_t rule = 0; rule < rules; ++rule)
            members[b][period].now[rule].push_back(static_cast<double>(member.now[rule]));
        });
      }
      notes[b] = observer.notes();
    });
  } while (!exchange.complete());
  for (std::size_t b = 1; b < blocks; ++b) {
    notes[0].merge(notes[b]);
    for (std::size_t period = 0; period < periods; ++period) cohorts[0][period].merge(cohorts[b][period]);
  }
  notes[0].report(made.issues);
  const auto states =
      subscription_detail::states_of(data, timeline, notes[0].pending_from, false, made.issues);

  for (std::size_t period = over; period < periods; ++period) {
    const Cohort& cohort = cohorts[0][period];
    made.periods.push_back(timeline.labels()[period]);
    made.bases.push_back(timeline.labels()[period - over]);
    made.starts.push_back(timeline.starts()[period]);
    made.state.push_back(states[period]);
    made.start.push_back(cohort.base);
    made.end.push_back(cohort.now[0]);
    made.point.push_back(cohort.now[1]);
    made.path.push_back(cohort.now[2]);
    made.customers.push_back(cohort.customers);
    made.kept.push_back(cohort.kept);
    const bool open = states[period] == PeriodState::in_progress || states[period] == PeriodState::pending;
    Members all;
    for (std::size_t b = 0; draws && b < blocks; ++b) {
      const Members& part = members[b][period];
      all.base.insert(all.base.end(), part.base.begin(), part.base.end());
      for (std::size_t rule = 0; rule < rules; ++rule)
        all.now[rule].insert(all.now[rule].end(), part.now[rule].begin(), part.now[rule].end());
    }
    const auto ratio = [&](std::size_t rule) {
      if (open) return no_ratio;
      if (draws) return drawn(all, rule, cohort, wanted);
      return linearized(cohort, rule, wanted.level, wanted.interval == RatioInterval::linearized);
    };
    made.nrr.push_back(ratio(0));
    made.grr_point.push_back(ratio(1));
    made.grr_path.push_back(ratio(2));
    Ratio logos = no_ratio;
    if (const auto found = stats::wilson(cohort.kept, cohort.customers, wanted.level); found && !open) {
      logos.value = found->estimate;
      if (wanted.interval != RatioInterval::none) logos = {found->estimate, found->low, found->high};
    }
    made.logo_retention.push_back(logos);
    Ratio lost = no_ratio;
    if (!std::isnan(logos.value))  // of the counts, as 1 − 0.95 isn't 0.05
      lost = {static_cast<double>(cohort.customers - cohort.kept) / static_cast<double>(cohort.customers),
              1 - logos.high, 1 - logos.low};
    made.logo_churn.push_back(lost);
    double chained = open ? special::not_a_number : 1;
    for (std::size_t at = period - over + 1; at <= period; ++at)
      chained *= cohorts[0][at].step_base > 0 ? static_cast<double>(cohorts[0][at].step_kept) /
                                                    static_cast<double>(cohorts[0][at].step_base)
                                              : special::not_a_number;
    made.grr_chained.push_back(chained);
  }
  return made;
}

Retention retention(const Table& rows, const Columns& columns, const RetentionOptions& options) {
  return retention(State::partial(rows, columns, options.options.execution), options);
}

namespace {

Column ratio_column(const std::vector<Ratio>& ratios, double Ratio::* part) {
  std::vector<double> values;
  for (const Ratio& one : ratios) values.push_back(one.*part);
  return share_column(values);
}

Column states_of(const std::vector<PeriodState>& state) {
  std::vector<std::string> names;
  for (const PeriodState one : state) names.emplace_back(period_state_name(one));
  return Column::of_strings(names);
}

}  // namespace

Table Retention::to_table() const {
  const auto amounts = [&](const std::vector<std::int64_t>& minor) {
    return Column::of(Type::money, minor).with_currency(currency);
  };
  std::vector<std::int32_t> days;
  for (const Date day : starts) days.push_back(day.days);
  std::vector<std::pair<std::string, Column>> columns{{"period", Column::of_strings(periods)},
                                                      {"start_date", Column::of(Type::date, std::move(days))},
                                                      {"base", Column::of_strings(bases)},
                                                      {"start", amounts(start)},
                                                      {"end", amounts(end)},
                                                      {"customers", Column::of(Type::int64, customers)},
                                                      {"kept", Column::of(Type::int64, kept)}};
  const auto add_ratio = [&](const std::string& name, const std::vector<Ratio>& ratios) {
    columns.emplace_back(name, ratio_column(ratios, &Ratio::value));
    columns.emplace_back(name + "_low", ratio_column(ratios, &Ratio::low));
    columns.emplace_back(name + "_high", ratio_column(ratios, &Ratio::high));
  };
  add_ratio("nrr", nrr);
  add_ratio("grr_point", grr_point);
  add_ratio("grr_path", grr_path);
  columns.emplace_back("grr_chained", share_column(grr_chained));
  add_ratio("logo_retention", logo_retention);
  add_ratio("logo_churn", logo_churn);
  columns.emplace_back("state", states_of(state));
  return Table(std::move(columns));
}

Table Retention::long_table() const {
  std::vector<std::string> period_of, measures;
  std::vector<double> values, lows, highs, over_of, under_of;
  std::vector<std::int64_t> n;
  std::vector<PeriodState> states;
  const auto per_major = static_cast<double>(detail::power_of_ten(money::minor_digits(currency)));
  const auto add_row = [&](std::size_t i, const char* measure, const Ratio& ratio, double top,
                           double bottom) {
    period_of.push_back(periods[i]);
    measures.emplace_back(measure);
    values.push_back(ratio.value);
    lows.push_back(ratio.low);
    highs.push_back(ratio.high);
    over_of.push_back(top);
    under_of.push_back(bottom);
    n.push_back(customers[i]);
    states.push_back(state[i]);
  };
  for (std::size_t i = 0; i < size(); ++i) {
    const auto major = [&](std::int64_t minor) { return static_cast<double>(minor) / per_major; };
    add_row(i, "nrr", nrr[i], major(end[i]), major(start[i]));
    add_row(i, "grr_point", grr_point[i], major(point[i]), major(start[i]));
    add_row(i, "grr_path", grr_path[i], major(path[i]), major(start[i]));
    add_row(i, "grr_chained", {grr_chained[i], special::not_a_number, special::not_a_number},
            special::not_a_number, special::not_a_number);
    const auto all = static_cast<double>(customers[i]);
    add_row(i, "logo_retention", logo_retention[i], static_cast<double>(kept[i]), all);
    add_row(i, "logo_churn", logo_churn[i], static_cast<double>(customers[i] - kept[i]), all);
  }
  return Table({{"period", Column::of_strings(period_of)},
                {"measure", Column::of_strings(measures)},
                {"value", share_column(values)},
                {"low", share_column(lows)},
                {"high", share_column(highs)},
                {"numerator", share_column(over_of)},
                {"denominator", share_column(under_of)},
                {"n", Column::of(Type::int64, std::move(n))},
                {"state", states_of(states)}});
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
