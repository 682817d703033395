// Customers' changes as movements of the periods.
#include <algorithm>
#include <array>
#include <cmath>

#include "ledger.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

using subscription::Movement;
using subscription::movement_kinds;
using subscription::Movements;

namespace {

/// What one thread has added up.
struct Sums {
  std::array<std::vector<std::int64_t>, movement_kinds> amount, count;
  std::vector<std::int64_t> fx;
  std::vector<std::vector<std::int64_t>> annual;  ///< changes by currency, as it is paid, and period
  Movements::Moved moved;
  Movements::Balances balances;
  Notes notes;

  Sums(std::size_t periods, std::size_t currencies)
      : fx(periods), annual(currencies, std::vector<std::int64_t>(periods)) {
    for (auto& one : amount) one.resize(periods);
    for (auto& one : count) one.resize(periods);
  }
  void merge(const Sums& other) {
    const auto add_all = [](auto& into, const auto& from) {
      for (std::size_t i = 0; i < into.size(); ++i) into[i] = add(into[i], from[i]);
    };
    for (std::size_t kind = 0; kind < movement_kinds; ++kind) {
      add_all(amount[kind], other.amount[kind]);
      add_all(count[kind], other.count[kind]);
    }
    add_all(fx, other.fx);
    for (std::size_t c = 0; c < annual.size(); ++c) add_all(annual[c], other.annual[c]);
    const auto append = [](auto& into, const auto& from) {
      into.insert(into.end(), from.begin(), from.end());
    };
    append(moved.customer, other.moved.customer);
    append(moved.period, other.moved.period);
    append(moved.kind, other.moved.kind);
    append(moved.amount, other.moved.amount);
    append(moved.before, other.moved.before);
    append(moved.after, other.moved.after);
    append(balances.customer, other.balances.customer);
    append(balances.period, other.balances.period);
    append(balances.amount, other.balances.amount);
    notes.merge(other.notes);
  }
};

/// Walks one customer after another through the periods.
class Walker {
 public:
  Walker(const State::Data& data, const Options& options, const Timeline& timeline, const Exchange& exchange,
         Sums& sums)
      : data_(data),
        options_(options),
        timeline_(timeline),
        exchange_(exchange),
        ledger_(data, options, timeline, exchange),
        sums_(sums),
        own_(data.currencies.size()),
        price_(data.currencies.size()) {}
  ~Walker() { sums_.notes.merge(ledger_.notes()); }
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;

  void walk(std::size_t customer) {
    ledger_.load(data_.of(customer));
    const auto changes = ledger_.changes();
    customer_ = static_cast<std::int64_t>(customer);
    std::fill(own_.begin(), own_.end(), 0);
    value_ = 0;
    now_ = 0;
    ever_ = false;
    for (std::size_t i = 0; i < changes.size();) {
      const std::int64_t slot = changes[i].slot;
      advance(ledger_.period_of(slot));
      for (; i < changes.size() && changes[i].slot == slot; ++i) {
        const auto c = static_cast<std::size_t>(changes[i].currency);
        own_[c] = add(own_[c], changes[i].delta);
        price_[c] = add(price_[c], changes[i].price);
        sums_.annual[c][now_] = add(sums_.annual[c][now_], changes[i].annual);
      }
      const std::int64_t after = value(own_);
      move(after, value(price_));
      std::fill(price_.begin(), price_.end(), 0);
      value_ = after;
      ever_ = ever_ || after > 0;
    }
    advance(timeline_.size() - 1);
    keep_balance();
  }

 private:
  /// Revenue, or its part, at the current period's rate.
  [[nodiscard]] std::int64_t value(const std::vector<std::int64_t>& own) const {
    std::int64_t sum = 0;
    for (std::size_t c = 0; c < own.size(); ++c)
      if (own[c] != 0) sum = add(sum, exchange_.convert(static_cast<std::int32_t>(c), own[c], now_));
    return sum;
  }

  void keep_balance() {
    if (!options_.keep_balances || value_ == 0) return;
    sums_.balances.customer.push_back(customer_);
    sums_.balances.period.push_back(static_cast<std::int32_t>(now_));
    sums_.balances.amount.push_back(value_);
  }

  /// On to a period, with what its rates and those before do to the revenue.
  void advance(std::size_t period) {
    if (value_ == 0 || (exchange_.plain() && !options_.keep_balances)) {
      now_ = period;
      return;
    }
    while (now_ < period) {
      keep_balance();
      ++now_;
      if (exchange_.plain()) continue;
      const std::int64_t revalued = value(own_);
      sums_.fx[now_] = add(sums_.fx[now_], subtract(revalued, value_));
      value_ = revalued;
    }
  }

  /// From `value_` to `after`: the order that lets every kind be reached.
  void move(std::int64_t after, std::int64_t price) {
    const std::int64_t delta = subtract(after, value_);
    if (value_ <= 0 && after > 0)
      return record(ever_ ? Movement::reactivation : Movement::fresh, delta, after);
    if (value_ > 0 && after <= 0) return record(Movement::churn, delta, after);
    if (value_ <= 0) price = 0;
    if (price != 0) record(price > 0 ? Movement::price_up : Movement::price_down, price, after);
    const std::int64_t rest = subtract(delta, price);
    if (rest != 0) record(rest > 0 ? Movement::expansion : Movement::contraction, rest, after);
  }

  void record(Movement kind, std::int64_t amount, std::int64_t after) {
    auto& sum = sums_.amount[static_cast<std::size_t>(kind)][now_];
    sum = add(sum, amount);
    ++sums_.count[static_cast<std::size_t>(kind)][now_];
    if (!options_.keep_movements) return;
    sums_.moved.customer.push_back(customer_);
    sums_.moved.period.push_back(static_cast<std::int32_t>(now_));
    sums_.moved.kind.push_back(kind);
    sums_.moved.amount.push_back(amount);
    sums_.moved.before.push_back(value_);
    sums_.moved.after.push_back(after);
  }

  const State::Data& data_;
  const Options& options_;
  const Timeline& timeline_;
  const Exchange& exchange_;
  Ledger ledger_;
  Sums& sums_;
  std::vector<std::int64_t> own_, price_;  ///< by currency, as it is paid
  std::int64_t customer_ = 0;
  std::int64_t value_ = 0;  ///< at the rate of period `now_`
  std::size_t now_ = 0;
  bool ever_ = false;
};

/// Revenue a year at the end of every period: one exact sum a currency, each converted once.
std::vector<std::int64_t> annual_of(const Sums& sums, const Exchange& exchange) {
  std::vector<std::int64_t> annual(sums.fx.size());
  for (std::size_t c = 0; c < sums.annual.size(); ++c) {
    std::int64_t own = 0;
    for (std::size_t period = 0; period < annual.size(); ++period) {
      own = add(own, sums.annual[c][period]);
      annual[period] = add(annual[period], exchange.convert(static_cast<std::int32_t>(c), own, period));
    }
  }
  return annual;
}

}  // namespace

}  // namespace subscription_detail

namespace subscription {

using subscription_detail::Sums;
using subscription_detail::Walker;

Movements State::finish(const Options& options) const {
  const StopScope scope(options.execution.stop);
  subscription_detail::check(options);
  const Data& data = *data_;
  Movements made;
  made.every = options.every;
  made.follow = data.follow;
  made.customers = data.customer;
  made.customer_name = data.customer_name;
  made.zone = data.zone.name();
  made.window_us = options.window_us;
  made.issues = data.issues;
  const std::int64_t until = subscription_detail::known_until(data, options, made.issues);
  if (until == INT64_MIN || data.first >= until) {
    made.as_of = Instant{until == INT64_MIN ? 0 : until};
    made.currency = options.to.empty() && data.currencies.size() == 1 ? data.currencies.front() : options.to;
    return made;
  }
  made.as_of = Instant{until};
  const subscription_detail::Timeline timeline(options, data.zone, data.first, until);
  subscription_detail::Exchange exchange(data, options, timeline, made.issues);
  made.currency = exchange.currency();
  made.periods = timeline.labels();
  made.starts = timeline.starts();

  const std::size_t customers = data.customers(), periods = timeline.size();
  constexpr std::size_t least = std::size_t{1} << 12;
  const auto threads =
      static_cast<std::size_t>(options.execution.threads > 0 ? options.execution.threads : default_threads());
  const std::size_t parts = std::clamp<std::size_t>(customers / least, 1, threads);
  std::vector<Sums> sums;
  do {
    sums.assign(parts, Sums(periods, data.currencies.size()));
    for_blocks(parts, options.execution, [&](std::size_t part) {
      Walker walker(data, options, timeline, exchange, sums[part]);
      for (std::size_t i = customers * part / parts; i < customers * (part + 1) / parts; ++i) {
        tick(i);
        walker.walk(i);
      }
    });
    for (std::size_t part = 1; part < parts; ++part) sums[0].merge(sums[part]);
    made.annual = subscription_detail::annual_of(sums[0], exchange);
  } while (!exchange.complete());
  Sums& all = sums[0];
  all.notes.report(made.issues);

  made.fx = std::move(all.fx);
  made.amount = std::move(all.amount);
  made.count = std::move(all.count);
  made.moved = std::move(all.moved);
  made.balances = std::move(all.balances);
  made.state = subscription_detail::states_of(data, timeline, all.notes.pending_from, false, made.issues);
  std::int64_t revenue = 0, active = 0;
  const auto counted = [&](Movement kind, std::size_t period) {
    return made.count[static_cast<std::size_t>(kind)][period];
  };
  for (std::size_t period = 0; period < periods; ++period) {
    made.start.push_back(revenue);
    revenue = subscription_detail::add(revenue, made.fx[period]);
    for (const auto& kind : made.amount) revenue = subscription_detail::add(revenue, kind[period]);
    made.end.push_back(revenue);
    active += counted(Movement::fresh, period) + counted(Movement::reactivation, period) -
              counted(Movement::churn, period);
    made.active.push_back(active);
  }
  return made;
}

Movements movements(const Table& rows, const Columns& columns, const Options& options) {
  return State::partial(rows, columns, options.execution).finish(options);
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
