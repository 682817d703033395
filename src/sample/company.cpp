#include <algorithm>
#include <array>
#include <cmath>

#include "emit.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {
namespace {

/// Emits what isn't bound to an account, in the order of time where there is one.
class Company {
 public:
  Company(const World& world, std::int64_t won, Block& block)
      : world_(world), won_(won), block_(block), end_(day_of(world.end_us)) {}

  void people() {
    const int managers = world_.teams;
    for (int i = 0; i < world_.options.reps; ++i) {
      const Seller& seller = world_.sellers[index(i)];
      rows(block_, TableId::truth_reps).add(i, seller.skill, seller.response_median_s, seller.never_share);
      if (seller.hire_day >= end_) continue;
      const bool left = seller.leave_day < end_;
      rows(block_, TableId::rep)
          .add(i, i, Date{seller.hire_day}, cell_if(left, Date{seller.leave_day}), 0,
               team_at(seller, end_ - 1), seller.zone, !left);
      assign(i, seller);
    }
    const Date before = world_.options.start.add_months(-60);
    for (int m = 0; m < managers && before.days < end_; ++m) {
      const int person = world_.options.reps + m;
      rows(block_, TableId::rep).add(person, person, before, Cell(), 1, Cell(), m % 4, true);
      rows(block_, TableId::rep_assignment).add(person, before, Cell(), m + 1, Cell(), 1, 1.0);
    }
    rows(block_, TableId::team).add(0, Cell(), 0);
    for (int team = 1; team <= managers; ++team) rows(block_, TableId::team).add(team, 0, team);
  }

  void stages() {
    for (int pipeline = 1; pipeline <= world_.options.pipelines; ++pipeline) {
      int rank = 1;
      for (const StageLaw& law : world_.laws(pipeline)) {
        rows(block_, TableId::stage_def)
            .add(pipeline - 1, law.code, law.code, rank++, 0, law.probability,
                 std::ceil(2 * law.advance_days));
        for (const Segment segment : {Segment::smb, Segment::mid_market, Segment::enterprise})
          rows(block_, TableId::truth_stages)
              .add(pipeline - 1, law.code, static_cast<int>(segment), law.lose, law.back, law.skip,
                   law.advance_days * advance_factor(segment), law.lose_days * lose_factor(segment),
                   shape_advance, shape_lose);
      }
      for (const int stage : {stage_won, stage_lost})
        rows(block_, TableId::stage_def)
            .add(pipeline - 1, stage, stage, rank++, stage == stage_won ? 1 : 2,
                 stage == stage_won ? 1.0 : 0.0, Cell());
    }
  }

  /// Quotas grow over the window; a quarter's are approved ten days before it begins.
  void quotas() {
    std::vector<Date> quarters;
    const Date first{quarter_end(world_.first_day) + 1};
    for (Date from = first.add_months(-3); from.days <= world_.last_day; from = from.add_months(3))
      quarters.push_back(from);
    std::int64_t staffed = 0;
    for (const Date from : quarters)
      staffed += std::count_if(world_.sellers.begin(), world_.sellers.end(),
                               [&](const Seller& seller) { return works(seller, from); });
    const double mean = static_cast<double>(won_) / static_cast<double>(std::max<std::int64_t>(staffed, 1));
    for (std::size_t q = 0; q < quarters.size(); ++q) {
      const double share =
          quarters.size() > 1 ? static_cast<double>(q) / static_cast<double>(quarters.size() - 1) : 0.5;
      quarter(static_cast<std::int64_t>(q), quarters[q], mean * (0.5 + share) * 1.15);
    }
  }

  void spending() {
    constexpr std::array<double, 5> shares{0.16, 0.09, 0.15, 0.1, 0.5};
    const double monthly = 0.3 * static_cast<double>(won_) / world_.options.months;
    for (int m = 0; m < world_.options.months; ++m) {
      const Date from = world_.options.start.add_months(m);
      if (from.add_months(1).days >= end_) break;
      Stream luck = world_.stream(Purpose::spend, static_cast<std::uint64_t>(m));
      for (std::size_t channel = 0; channel < shares.size(); ++channel) {
        const double amount =
            monthly * shares[channel] * world_.demand(from.days) * std::exp(luck.normal(0, 0.15));
        const auto number = static_cast<std::int64_t>(m) * 10 + static_cast<std::int64_t>(channel);
        rows(block_, TableId::spend)
            .add(block_.name(Space::spend, number), from, from.add_months(1), static_cast<int>(channel),
                 round_amount(amount / 100), 0);
      }
    }
  }

  void lists() {
    constexpr std::array<std::int64_t, 4> prices{600'000, 2'600'000, 11'000'000, 150'000};
    for (int p = 0; p < 4; ++p)
      rows(block_, TableId::product).add(p, p, p < 3 ? 0 : 1, prices[static_cast<std::size_t>(p)], 0, p < 3);
    constexpr std::array<double, 3> aims{0.3, 3600, 3};
    for (int t = 0; t < 3; ++t)
      rows(block_, TableId::target)
          .add(t, t, 0, world_.options.start, Date{world_.last_day}, aims[static_cast<std::size_t>(t)],
               t == 1 ? 1 : 0);
  }

  /// Units of the book's currency for one unit of another, on the first of each month.
  void rates() {
    for (std::size_t c = 1; c < world_.currencies.size(); ++c) {
      Stream luck = world_.stream(Purpose::fx, c);
      double spot = luck.uniform(0.8, 1.3);
      double budget = spot;
      for (int m = 0; m < world_.options.months; ++m) {
        const Date from = world_.options.start.add_months(m);
        if (from.days >= end_) break;
        spot *= std::exp(luck.normal(0, 0.015));
        if (m % 12 == 0) budget = spot;
        const auto other = static_cast<std::int64_t>(c);
        rows(block_, TableId::fx_rate).add(from, other, 0, 0, std::round(spot * 1e6) / 1e6);
        rows(block_, TableId::fx_rate).add(from, other, 0, 1, std::round(budget * 1e6) / 1e6);
      }
    }
  }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  static bool works(const Seller& seller, Date from) {
    return seller.hire_day <= from.days && seller.leave_day >= from.days;
  }
  static int team_at(const Seller& seller, std::int32_t day) {
    int team = seller.team;
    for (const TeamMove& move : seller.moves)
      if (move.day <= day) team = move.team;
    return team;
  }

  void assign(int person, const Seller& seller) {
    std::int32_t from = seller.hire_day;
    int team = seller.team;
    const auto add = [&](std::int32_t to) {
      rows(block_, TableId::rep_assignment)
          .add(person, Date{from}, cell_if(to < end_, Date{to}), team + 1, team, 0, 1.0);
    };
    for (const TeamMove& move : seller.moves) {
      if (move.day >= end_) break;
      add(move.day);
      from = move.day;
      team = move.team;
    }
    add(seller.leave_day < end_ ? seller.leave_day + 1 : never);
  }

  void quarter(std::int64_t number, Date from, double typical) {
    const std::int64_t approved = at_work(from.days - 10, 0.5, 0);
    if (!world_.visible(approved)) return;
    const Date to = from.add_months(3);
    Stream luck = world_.stream(Purpose::quota, static_cast<std::uint64_t>(number));
    std::vector<std::int64_t> team_total(index(world_.teams), 0);
    std::int64_t total = 0;
    std::int64_t place = 0;
    const auto add = [&](int type, std::int64_t holder, std::int64_t amount) {
      rows(block_, TableId::quota)
          .add(block_.name(Space::quota, number * 20'000 + place++), type, holder, 0, from, to, amount, 0, 1,
               approved, Date{day_of(approved)});
    };
    for (int i = 0; i < world_.options.reps; ++i) {
      const Seller& seller = world_.sellers[index(i)];
      const double taste = std::exp(luck.normal(0, 0.1));
      if (!works(seller, from)) continue;
      const bool ramping = from.days - seller.hire_day < 90;
      const std::int64_t amount = round_amount(typical / 100 * taste * (ramping ? 0.5 : 1.0));
      team_total[index(team_at(seller, from.days))] += amount;
      total += amount;
      add(0, i, amount);
    }
    for (int team = 0; team < world_.teams; ++team)
      add(1, world_.options.reps + team + 1, team_total[index(team)]);
    add(2, world_.options.reps, total);
  }

  const World& world_;
  std::int64_t won_;
  Block& block_;
  std::int32_t end_;
};

}  // namespace

void emit_company(const World& world, std::int64_t won, Block& block) {
  Company company(world, won, block);
  company.people();
  company.stages();
  company.quotas();
  company.spending();
  company.lists();
  company.rates();
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
