#include "account.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace salesops {
inline namespace v0 {
namespace sample::detail {
namespace {

constexpr std::int64_t minute = 60 * us_per_second;

double days_us(double days) { return days * static_cast<double>(us_per_day); }

double segment_edge(Segment segment) { return segment == Segment::enterprise ? -0.3 : 0.0; }

double source_edge(int source) {
  constexpr std::array<double, 6> edges{0.0, -0.35, 0.5, 0.25, -0.1, 0.2};
  return edges[static_cast<std::size_t>(source)];
}

double type_edge(DealType type, int pipelines) {
  if (type == DealType::expansion) return 1.2;
  return type == DealType::renewal && pipelines == 1 ? 3.5 : 0.0;
}

double typical_amount(Segment segment) {
  return segment == Segment::smb ? 6'000 : segment == Segment::mid_market ? 26'000 : 110'000;
}

/// Sellers expect closes on the last day of a month or a quarter more often than by chance.
std::int32_t expected_close(double day, Stream& luck) {
  const auto plain = static_cast<std::int32_t>(day);
  const double habit = luck.uniform01();
  return habit < 0.25 ? quarter_end(plain) : habit < 0.55 ? month_end(plain) : plain;
}

/// Sellers say one category more, or one less, than the stage does.
Category category_of(const StageLaw& law, double optimism) {
  const int shift = optimism > 1.2 ? 1 : optimism < -1.4 ? -1 : 0;
  return static_cast<Category>(std::clamp(static_cast<int>(law.category) + shift,
                                          static_cast<int>(Category::pipeline),
                                          static_cast<int>(Category::commit)));
}

/// Stable, and quick for the few events of a deal, which are nearly in order.
template <class Timed>
void sort_by_time(std::vector<Timed>& events) {
  const auto earlier = [](const Timed& a, const Timed& b) { return a.at < b.at; };
  for (auto it = events.begin(); it != events.end(); ++it)
    std::rotate(std::upper_bound(events.begin(), it, *it, earlier), it, it + 1);
}

/// One deal on its way through the stages.
class Walk {
 public:
  Walk(const World& world, const Account& account, Deal& deal, Stream& luck)
      : world_(world),
        account_(account),
        deal_(deal),
        luck_(luck),
        laws_(world.laws(deal.pipeline)),
        now_(deal.first),
        at_(deal.created) {}

  void run() {
    std::size_t place = 0;
    for (bool reopened = false;;) {
      const Exit exit = visit(place);
      if (exit == Exit::lost && !reopened && luck_.bernoulli(reopen_share)) {
        reopened = true;
        place = laws_.size() / 2;
        reopen(place);
        continue;
      }
      if (exit == Exit::lost || place == laws_.size()) break;
    }
    deal_.won = now_.stage == stage_won;
    deal_.closed = at_;
    deal_.final_amount = now_.amount;
    put_in_order();
  }

 private:
  enum class Exit : std::uint8_t { moved, lost };

  [[nodiscard]] int offset() const {
    return world_.sellers[static_cast<std::size_t>(now_.owner)].offset_minutes;
  }
  [[nodiscard]] double advantage() const {
    return segment_edge(account_.segment) + source_edge(deal_.source) + account_.affinity + deal_.quality +
           type_edge(deal_.type, world_.options.pipelines) +
           world_.sellers[static_cast<std::size_t>(now_.owner)].effect(day_of(at_));
  }

  void change(std::int64_t at, EventField field, std::int64_t value) {
    deal_.events.push_back({at, field, 0, value, 0});
  }
  void set_amount(std::int64_t at, double factor) {
    now_.amount = round_amount(static_cast<double>(now_.amount) / 100 * factor);
    change(at, EventField::amount, now_.amount);
  }
  void set_close_day(std::int64_t at, std::int32_t day) {
    now_.close_day = day;
    change(at, EventField::close_date, day);
  }
  void set_stage(std::int64_t at, int stage, Category category) {
    now_.stage = stage;
    change(at, EventField::stage, stage);
    if (category != now_.category) change(at, EventField::forecast_category, static_cast<int>(category));
    now_.category = category;
  }

  /// Stays in the stage at `place` until it is left; moves `place`.
  Exit visit(std::size_t& place) {
    const StageLaw& law = laws_[place];
    const bool lost = luck_.bernoulli(lose_share(law, advantage()));
    const double stay =
        lost ? weibull_us(law.lose_days * lose_factor(account_.segment), shape_lose, luck_)
             : weibull_us(law.advance_days * advance_factor(account_.segment), shape_advance, luck_);
    std::int64_t next = std::max(snap(static_cast<double>(at_) + stay, luck_, offset()), at_ + 20 * minute);
    if (lost) {
      wait_until(next);
      set_stage(next, stage_lost, Category::omitted);
      if (luck_.bernoulli(0.6)) set_close_day(next, day_of(next));
      at_ = next;
      return Exit::lost;
    }
    const double way = luck_.uniform01();
    const std::size_t to = way < law.back ? place - 1 : way < law.back + law.skip ? place + 2 : place + 1;
    if (to == laws_.size()) next = rush(next);
    wait_until(next);
    if (to == laws_.size()) {
      set_stage(next, stage_won, Category::closed);
      if (luck_.bernoulli(0.35)) set_amount(next, luck_.uniform(0.8, 0.98));
      if (now_.close_day != day_of(next)) set_close_day(next, day_of(next));
    } else {
      set_stage(next, laws_[to].code, category_of(laws_[to], deal_.optimism));
      if (luck_.bernoulli(0.15)) set_amount(next, std::exp(luck_.normal(-0.02, 0.2)));
    }
    at_ = next;
    place = to;
    return Exit::moved;
  }

  /// Signatures wait for, or are pressed into, the last days of the quarter.
  std::int64_t rush(std::int64_t next) {
    const std::int32_t end = quarter_end(day_of(next));
    if (end - day_of(next) > 21 || !luck_.bernoulli(0.45)) return next;
    std::int32_t day = end - static_cast<std::int32_t>(luck_.integer(0, 3));
    while (weekday(day) >= 5) --day;
    return std::max(next, at_work(day, luck_.uniform01(), offset()));
  }

  /// What happens to the deal within a stage: new owners, pushed close dates.
  void wait_until(std::int64_t next) {
    const auto inside = [&](std::int64_t at) { return std::clamp(at, at_ + minute, next - minute); };
    std::int64_t since = at_;
    if (luck_.bernoulli(0.01)) {
      since =
          inside(snap(luck_.uniform(static_cast<double>(at_), static_cast<double>(next)), luck_, offset()));
      hand_over(since);
    }
    while (world_.sellers[static_cast<std::size_t>(now_.owner)].leave_day < day_of(next)) {
      const std::int32_t left = world_.sellers[static_cast<std::size_t>(now_.owner)].leave_day;
      since = std::max(since + minute, inside(at_work(working_day(left + 1), luck_.uniform01(), offset())));
      if (since >= next) break;
      hand_over(since);
    }
    while (now_.close_day < day_of(next)) {
      if (luck_.bernoulli(0.2)) return;  // left to grow stale
      const double when = static_cast<double>(now_.close_day) + luck_.uniform(-4, 2);
      constexpr std::array<double, 3> steps{30, 61, 91};
      const double step = steps[luck_.categorical(std::array{0.6, 0.25, 0.15})];
      const std::int32_t base = std::max(now_.close_day, day_of(at_));
      set_close_day(inside(snap(days_us(when), luck_, offset())), expected_close(base + step, luck_));
    }
  }

  void hand_over(std::int64_t at) {
    const int from = now_.owner;
    const int to = world_.pick_seller(day_of(at), luck_);
    if (to == from) return;
    change(at, EventField::owner, to);
    now_.owner = to;
  }

  void reopen(std::size_t place) {
    at_ = snap(static_cast<double>(at_) + days_us(luck_.uniform(10, 60)), luck_, offset());
    const std::int32_t left = world_.sellers[static_cast<std::size_t>(now_.owner)].leave_day;
    if (left < day_of(at_)) hand_over(at_);
    set_stage(at_, laws_[place].code, category_of(laws_[place], deal_.optimism));
    set_close_day(at_, expected_close(day_of(at_) + luck_.uniform(30, 75), luck_));
  }

  /// Sorts by time, fills in the old values and who acted, and drops what changes nothing.
  void put_in_order() {
    auto& events = deal_.events;
    sort_by_time(events);
    const DealState& first = deal_.first;
    std::array<std::int64_t, 6> value{0,
                                      first.stage,
                                      first.amount,
                                      first.close_day,
                                      first.owner,
                                      static_cast<std::int64_t>(first.category)};
    std::erase_if(events, [&](Event& event) {
      auto& held = value[static_cast<std::size_t>(event.field)];
      event.old_value = held;
      event.actor = static_cast<int>(value[static_cast<std::size_t>(EventField::owner)]);
      held = event.new_value;
      return event.old_value == event.new_value;
    });
  }

  const World& world_;
  const Account& account_;
  Deal& deal_;
  Stream& luck_;
  std::span<const StageLaw> laws_;
  DealState now_;
  std::int64_t at_;
};

/// The account's deals one after the other, and the subscriptions that follow from them.
class Life {
 public:
  Life(const World& world, Account& account, std::size_t max_deals)
      : world_(world),
        account_(account),
        max_deals_(max_deals),
        window_end_(static_cast<std::int64_t>(world.last_day) * us_per_day),
        luck_(world.stream(Purpose::chain, static_cast<std::uint64_t>(account.number))) {}

  void run(std::int64_t first_contact) {
    DealType type = DealType::fresh;
    for (std::int64_t next = first_contact; room(next);) {
      const std::size_t at = open_deal(next, type, 0);
      const Deal& deal = account_.deals[at];
      double pause = 0;
      if (!deal.won) {
        if (!luck_.bernoulli(0.35)) return;
        pause = luck_.uniform(120, 400);
        next = deal.closed;
      } else if (deal.recurring_percent > 0) {
        const std::int64_t ended = subscribe(deal.number);
        if (ended == open_end || !luck_.bernoulli(0.15)) return;
        pause = luck_.uniform(90, 300);
        next = ended;
        type = DealType::fresh;
      } else {
        if (!luck_.bernoulli(0.5)) return;
        pause = luck_.uniform(60, 300);
        next = deal.closed;
        type = DealType::expansion;
      }
      next = snap(static_cast<double>(next) + days_us(pause), luck_, account_.offset_minutes());
    }
  }

 private:
  static constexpr std::int64_t open_end = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] bool room(std::int64_t at) const {
    return at < window_end_ && account_.deals.size() < max_deals_;
  }

  /// Makes deal and walks it to its end; `yearly` is the recurring amount to renew, or 0.
  std::size_t open_deal(std::int64_t at, DealType type, std::int64_t yearly) {
    Deal deal;
    deal.number = static_cast<int>(account_.deals.size()) + 1;
    Stream luck = world_.stream(Purpose::deal, static_cast<std::uint64_t>(account_.number),
                                static_cast<std::uint32_t>(deal.number));
    deal.type = type;
    deal.pipeline = world_.pipeline_of(type);
    deal.source = type == DealType::fresh ? account_.source : 5;
    deal.created = at;
    deal.quality = luck.normal(0, 0.6);
    deal.optimism = luck.normal();
    deal.first.owner = account_.deals.empty() ? account_.owner : owner_of_next(at, luck);
    const double typical = typical_amount(account_.segment) * (type == DealType::expansion ? 0.35 : 1.0);
    deal.first.amount = yearly > 0 ? round_amount(static_cast<double>(yearly) / 100 * luck.uniform(1.0, 1.07))
                                   : round_amount(typical * std::exp(luck.normal(0, 0.65)));
    deal.recurring_percent = type == DealType::renewal ? 100
                             : luck.bernoulli(0.8)     ? (luck.bernoulli(0.7) ? 100 : 80)
                                                       : 0;
    if (type == DealType::expansion && !subscribed_) deal.recurring_percent = 0;
    if (account_.segment == Segment::enterprise) deal.term_months = 12 * static_cast<int>(luck.integer(1, 3));
    deal.loss_reason = static_cast<int>(luck.categorical(std::array{0.34, 0.2, 0.18, 0.1, 0.12, 0.06}));
    const auto laws = world_.laws(deal.pipeline);
    deal.first.stage = laws.front().code;
    deal.first.category = category_of(laws.front(), deal.optimism);
    double days = 0;
    for (const StageLaw& law : laws) days += law.advance_days * advance_factor(account_.segment);
    deal.first.close_day = expected_close(day_of(at) + days * luck.uniform(0.9, 2.0), luck);
    deal.win_probability = world_.win_probability(
        deal.pipeline, segment_edge(account_.segment) + source_edge(deal.source) + account_.affinity +
                           deal.quality + type_edge(type, world_.options.pipelines) +
                           world_.sellers[static_cast<std::size_t>(deal.first.owner)].effect(day_of(at)));
    if (deal.number == 1) meet(deal, luck);
    Walk(world_, account_, deal, luck).run();
    account_.deals.push_back(std::move(deal));
    return account_.deals.size() - 1;
  }

  /// Most first deals begin as a lead.
  void meet(Deal& deal, Stream& luck) {
    account_.created = deal.created;
    if (luck.bernoulli(0.6)) {
      const double before = days_us(luck.uniform(1, 25));
      const std::int64_t lead =
          snap(static_cast<double>(deal.created) - before, luck, account_.offset_minutes()) -
          luck.integer(0, 12) * 3600 * us_per_second;
      if (lead >= static_cast<std::int64_t>(world_.first_day) * us_per_day &&
          lead + 2 * us_per_day < deal.created)
        deal.lead_created = lead;
    } else {
      const auto before = static_cast<double>(deal.created) - days_us(luck.uniform(0, 60));
      account_.created = std::min(deal.created, snap(before, luck, account_.offset_minutes()));
    }
  }

  int owner_of_next(std::int64_t at, Stream& luck) const {
    const DealState& before = account_.deals.back().first;
    const bool stays = world_.sellers[static_cast<std::size_t>(before.owner)].leave_day > day_of(at) + 31;
    return stays && luck.bernoulli(0.8) ? before.owner : world_.pick_seller(day_of(at), luck);
  }

  /// The subscription begun by a won deal; returns when it ended, or `open_end`.
  std::int64_t subscribe(int deal_number) {
    const Deal first = account_.deals[static_cast<std::size_t>(deal_number) - 1];
    Subscription subscription;
    subscription.number = static_cast<int>(account_.subscriptions.size()) + 1;
    subscription.start = day_of(first.closed) + 1;
    subscription.yearly = account_.segment != Segment::smb;
    changes_.assign(1,
                    {morning(subscription.start), SubscriptionChange::start, 0, monthly(first), deal_number});
    subscribed_ = true;
    Date term_start{subscription.start};
    std::int64_t ended = open_end;
    for (int term = first.term_months; ended == open_end;) {
      const Date term_end = term_start.add_months(term);
      const std::int32_t renewal_day = working_day(term_end.days - 75);
      const double lasts = luck_.exponential(account_.churn_hazard) * 30.4375;
      const std::int32_t death =
          lasts > 36'500 ? never : term_start.days + 1 + static_cast<std::int32_t>(lasts);
      expand(term_start.days, std::min(death, renewal_day));
      if (death < renewal_day) {
        ended = morning(death);
        changes_.push_back({ended, SubscriptionChange::cancel, 0, 0, 0});
        break;
      }
      const std::int64_t opens = at_work(renewal_day, luck_.uniform01(), account_.offset_minutes());
      if (!room(opens)) break;
      const Deal& renewal = account_.deals[open_deal(opens, DealType::renewal, 12 * mrr_at(opens))];
      const std::int32_t turn = std::max(term_end.days, day_of(renewal.closed) + 1);
      if (renewal.won) {
        changes_.push_back({morning(turn), SubscriptionChange::renew, 0, monthly(renewal), renewal.number});
        term = renewal.term_months;
        term_start = Date{turn};
      } else {
        ended = morning(turn);
        changes_.push_back({ended, SubscriptionChange::cancel, 0, 0, renewal.number});
      }
    }
    subscribed_ = false;
    subscription.ended = ended;
    settle(subscription);
    account_.subscriptions.push_back(std::move(subscription));
    return ended;
  }

  /// Expansion deals between two days.
  void expand(std::int32_t from, std::int32_t to) {
    for (double day = from + luck_.exponential(0.5) * 365; day < to;
         day += 45 + luck_.exponential(0.5) * 365) {
      const std::int64_t at = snap(days_us(day), luck_, account_.offset_minutes());
      if (!room(at)) return;
      const Deal& deal = account_.deals[open_deal(at, DealType::expansion, 0)];
      if (deal.won && deal.recurring_percent > 0)
        changes_.push_back(
            {morning(day_of(deal.closed) + 1), SubscriptionChange::change, 0, monthly(deal), deal.number});
    }
  }

  [[nodiscard]] static std::int64_t morning(std::int32_t day) {
    return day * us_per_day + 6 * 3600 * us_per_second;
  }
  [[nodiscard]] static std::int64_t monthly(const Deal& deal) {
    return deal.final_amount * deal.recurring_percent / 1200;
  }

  /// Changes in time order; a renewal sets the revenue, an expansion adds to it.
  void settle(Subscription& subscription) const {
    subscription.events = changes_;
    auto& events = subscription.events;
    sort_by_time(events);
    std::erase_if(events, [&](const SubscriptionEvent& event) {
      return event.at >= subscription.ended && event.type != SubscriptionChange::cancel;
    });
    std::int64_t revenue = 0;
    for (auto& event : events) {
      event.before = revenue;
      if (event.type == SubscriptionChange::change) event.after += revenue;
      revenue = event.after;
    }
  }

  [[nodiscard]] std::int64_t mrr_at(std::int64_t at) const {
    Subscription so_far;
    settle(so_far);
    std::int64_t revenue = 0;
    for (const auto& event : so_far.events)
      if (event.at <= at) revenue = event.after;
    return revenue;
  }

  const World& world_;
  Account& account_;
  std::size_t max_deals_;
  std::int64_t window_end_;
  Stream luck_;
  std::vector<SubscriptionEvent> changes_;
  bool subscribed_ = false;
};

}  // namespace

Account simulate(const World& world, std::int64_t number, std::size_t max_deals) {
  Account account;
  account.number = number;
  Stream luck = world.stream(Purpose::account, static_cast<std::uint64_t>(number));
  account.segment = static_cast<Segment>(luck.categorical(std::array{0.6, 0.3, 0.1}));
  account.industry = static_cast<int>(luck.integer(0, 7));
  account.region = static_cast<int>(luck.integer(0, 3));
  account.country = account.region * 2 + (luck.bernoulli(0.6) ? 1 : 0);
  if (luck.bernoulli(world.options.foreign_share))
    account.currency =
        static_cast<int>(luck.integer(1, static_cast<std::int64_t>(world.currencies.size()) - 1));
  account.source = static_cast<int>(luck.categorical(std::array{0.34, 0.28, 0.1, 0.13, 0.15}));
  account.affinity = luck.normal(0, 0.3);
  const double size = static_cast<double>(static_cast<int>(account.segment));
  account.churn_hazard = luck.gamma(2, 2 / (0.014 * std::pow(0.6, size)));
  account.employees = 5 + static_cast<std::int64_t>(30 * std::pow(9.0, size) * std::exp(luck.normal(0, 0.5)));
  account.revenue =
      round_amount(static_cast<double>(account.employees) * 150'000 * std::exp(luck.normal(0, 0.4)));
  const std::int64_t first = world.draw_arrival(luck, account.offset_minutes());
  account.owner = world.pick_seller(day_of(first), luck);
  Life(world, account, max_deals).run(first);
  return account;
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
