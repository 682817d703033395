#include "simulate.hpp"

#include <algorithm>
#include <cmath>

#include "salesops/special.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

/// Draws of one block; bounds depend on nothing else, so neither do the numbers.
constexpr std::size_t block = 128;
/// Sets of rates drawn from their posterior; draw d uses set d mod this.
constexpr std::size_t rate_sets = 256;
/// Deals of an owner that weigh as much as all owners' amounts.
constexpr double own_amounts_prior = 10;

/// Odds of each curve under each set of rates.
std::vector<float> curve_odds(const Plan& plan, std::size_t sets, const Execution& execution) {
  std::vector<float> odds(plan.curves.size() * sets);
  const std::array<int, 2> marks{plan.grid.first, plan.grid.last};
  const double slope = plan.lessons->weight[0];
  for_blocks(sets, execution, [&](std::size_t set) {
    random::Stream stream(plan.seed, set, random::purpose("rates"));
    const std::vector<double> per_day = plan.lessons->rates.drawn(stream);
    const WinTable table = win_table(per_day, plan.facts->states(), plan.grid.step, marks);
    for (std::size_t c = 0; c < plan.curves.size(); ++c) {
      const Curve& curve = plan.curves[c];
      const double p = table.at(1, curve.state, curve.age) - table.at(0, curve.state, curve.age);
      odds[c * sets + set] = static_cast<float>(std::exp(slope * safe_logit(p)));
    }
  });
  return odds;
}

/// Student t by a normal over the root of a gamma.
double student(random::Stream& stream, double freedom) {
  const double normal = stream.normal();
  return normal / std::sqrt(stream.gamma(freedom / 2, freedom / 2));
}

/// Common factors of each draw.
struct Shocks {
  std::vector<float> period;              ///< odds factor by draw
  std::vector<std::vector<float>> owner;  ///< odds factor by leaf, by draw
};

Shocks draw_shocks(const Plan& plan, std::size_t first, std::size_t last) {
  const Lessons& lessons = *plan.lessons;
  Shocks shocks;
  for (std::size_t draw = first; draw < last; ++draw) {
    random::Stream stream(plan.seed, draw, random::purpose("period"));
    shocks.period.push_back(
        static_cast<float>(std::exp(lessons.shock_sd * student(stream, lessons.shock_freedom))));
  }
  shocks.owner.resize(lessons.owners.size());
  for (std::size_t owner = 0; owner < shocks.owner.size(); ++owner) {
    const OwnerEffect& effect = lessons.owners[owner];
    random::Stream stream(plan.seed, random::key_of(plan.facts->owners[owner]), random::purpose("owner"),
                          static_cast<std::uint32_t>(first / block));
    for (std::size_t draw = first; draw < last; ++draw)
      shocks.owner[owner].push_back(static_cast<float>(std::exp(stream.normal(effect.mean, effect.sd))));
  }
  return shocks;
}

/// An amount out of won deals: the owner's own as far as there are many, else anyone's. With a leaf period,
/// out of those that a deal won then and not yet created can be like: who wins sooner often sells less.
std::int64_t drawn_amount(const Plan& plan, std::size_t owner, random::Stream& stream,
                          std::optional<std::size_t> period = {}) {
  const auto size = [&](const WonAmounts& amounts) {
    return period ? amounts.young[*period] : amounts.values.size();
  };
  const WonAmounts& own = plan.owner_amounts[owner];
  const double count = static_cast<double>(size(own));
  const WonAmounts& pool = stream.uniform01() < count / (count + own_amounts_prior) ? own : plan.amounts;
  if (size(pool) == 0) return 0;
  return pool.values[static_cast<std::size_t>(stream.integer(0, static_cast<std::int64_t>(size(pool)) - 1))];
}

/// What a winning deal books.
std::int64_t realised_amount(const Plan& plan, std::size_t deal, std::size_t draw) {
  if (plan.wins) return 1;
  const Facts& facts = *plan.facts;
  random::Stream stream(plan.seed, facts.key[deal], random::purpose("amount"),
                        static_cast<std::uint32_t>(draw));
  const std::int64_t amount = facts.amount[deal];
  if (amount == null_value) return drawn_amount(plan, static_cast<std::size_t>(facts.owner[deal]), stream);
  if (amount <= 0) return amount;
  return std::llround(static_cast<double>(amount) * plan.lessons->realised.at(stream.uniform01()));
}

class Block {
 public:
  Block(const Plan& plan, const std::vector<float>& odds, std::size_t sets, std::size_t number,
        Simulation& simulation)
      : plan_(plan),
        odds_(odds),
        sets_(sets),
        first_(number * block),
        last_(std::min(plan.draws, first_ + block)),
        simulation_(simulation),
        shocks_(draw_shocks(plan, first_, last_)) {}

  /// `sum_p[i]` takes the sum of deal i's chances over the block's draws, as far as a rate set is new.
  void open_deals(std::vector<double>* sum_p) {
    const random::Key key = stream_key(random::purpose("won"));
    std::array<float, block> odds;
    for (std::size_t i = 0; i < plan_.open.size(); ++i) {
      const OpenDeal& open = plan_.open[i];
      const auto owner = static_cast<std::size_t>(plan_.facts->owner[open.deal]);
      const float* curve = odds_.data() + open.curve * sets_;
      const float* own = shocks_.owner[owner].data();
      const auto factor = static_cast<float>(open.odds);
      for (std::size_t draw = first_; draw < last_; ++draw)
        odds[draw - first_] =
            curve[draw % sets_] * shocks_.period[draw - first_] * own[draw - first_] * factor;
      if (sum_p != nullptr)
        for (std::size_t d = 0; d < last_ - first_; ++d)
          (*sum_p)[i] += static_cast<double>(odds[d] / (1 + odds[d]));
      toss(i, key, odds);
    }
  }

  void new_deals() {
    std::vector<double> share(plan_.new_share.size());
    for (std::size_t draw = first_; draw < last_; ++draw) {
      random::Stream stream(plan_.seed, draw, random::purpose("new"));
      const double spread = plan_.lessons->new_sd * plan_.lessons->new_sd;
      const double level = plan_.lessons->new_factor * stream.gamma(1 / spread, 1 / spread);
      stream.dirichlet(plan_.new_share, share);
      for (std::size_t period = 0; period < simulation_.periods; ++period) {
        const std::int64_t wins = stream.poisson(plan_.new_wins[period] * level);
        for (std::int64_t i = 0; i < wins; ++i) {
          const std::size_t owner = stream.categorical(share);
          add(owner, period, draw, plan_.wins ? 1 : drawn_amount(plan_, owner, stream, period));
        }
      }
    }
  }

 private:
  static random::Counter counter(std::uint64_t entity, std::uint32_t word, std::uint32_t draw_block) {
    return {word, draw_block, static_cast<std::uint32_t>(entity), static_cast<std::uint32_t>(entity >> 32)};
  }
  [[nodiscard]] random::Key stream_key(std::uint64_t purpose) const {
    const std::uint64_t key = random::mix(plan_.seed + random::mix(purpose));
    return {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  }

  /// Four draws a random block: won when u/(1-u) is below the odds.
  void toss(std::size_t i, random::Key key, const std::array<float, block>& odds) {
    const std::uint64_t entity = plan_.facts->key[plan_.open[i].deal];
    const auto number = static_cast<std::uint32_t>(first_ / block);
    for (std::size_t d = 0; d < last_ - first_; d += 4) {
      const random::Counter bits =
          random::philox(counter(entity, static_cast<std::uint32_t>(d / 4), number), key);
      for (std::size_t lane = 0; lane < std::min<std::size_t>(4, last_ - first_ - d); ++lane) {
        const float u = (static_cast<float>(bits[lane] >> 8) + 0.5F) * 0x1.0p-24F;
        const float chance = odds[d + lane];
        if (u < (1 - u) * chance) win(i, first_ + d + lane, static_cast<double>(u * (1 + chance) / chance));
      }
    }
  }

  void win(std::size_t i, std::size_t draw, double place) {
    const OpenDeal& open = plan_.open[i];
    const std::vector<double>& share = plan_.curves[open.curve].share;
    std::size_t period = 0;
    while (period + 1 < share.size() && share[period] < place) ++period;
    add(static_cast<std::size_t>(plan_.facts->owner[open.deal]), period, draw,
        realised_amount(plan_, open.deal, draw));
  }

  void add(std::size_t owner, std::size_t period, std::size_t draw, std::int64_t amount) {
    std::int64_t& cell =
        simulation_.values[(owner * simulation_.periods + period) * simulation_.draws + draw];
    add_amount(cell, amount);
  }

  const Plan& plan_;
  const std::vector<float>& odds_;
  std::size_t sets_;
  std::size_t first_;
  std::size_t last_;
  Simulation& simulation_;
  Shocks shocks_;
};

std::vector<double> leaf_means(const Simulation& simulation) {
  std::vector<double> means(simulation.leaves);
  const std::size_t size = simulation.periods * simulation.draws;
  for (std::size_t leaf = 0; leaf < simulation.leaves; ++leaf) {
    int128 total = 0;
    for (std::size_t i = 0; i < size; ++i) total += simulation.values[leaf * size + i];
    means[leaf] = static_cast<double>(total) / static_cast<double>(simulation.draws);
  }
  return means;
}

}  // namespace

void simulate(const Plan& plan, Simulation& simulation, const Execution& execution) {
  const std::size_t sets = std::min(plan.draws, rate_sets);
  const std::size_t blocks = (plan.draws + block - 1) / block;
  const std::vector<float> odds = curve_odds(plan, sets, part_of(execution, 0, 0.2));
  const std::vector<double> before = leaf_means(simulation);
  std::vector<std::vector<double>> sums((sets + block - 1) / block);
  for (auto& sum : sums) sum.assign(plan.open.size(), 0);
  for_blocks(blocks, part_of(execution, 0.2, 0.6), [&](std::size_t number) {
    Block(plan, odds, sets, number, simulation).open_deals(number < sums.size() ? &sums[number] : nullptr);
  });
  const std::vector<double> after = leaf_means(simulation);
  simulation.open_mean.resize(simulation.leaves);
  for (std::size_t leaf = 0; leaf < simulation.leaves; ++leaf)
    simulation.open_mean[leaf] = after[leaf] - before[leaf];
  const auto tossed = static_cast<double>(std::min(plan.draws, sums.size() * block));
  simulation.p_win.assign(plan.open.size(), 0);
  for (const auto& sum : sums)
    for (std::size_t i = 0; i < sum.size(); ++i) simulation.p_win[i] += sum[i] / tossed;
  for_blocks(blocks, part_of(execution, 0.6, 1),
             [&](std::size_t number) { Block(plan, odds, sets, number, simulation).new_deals(); });
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
