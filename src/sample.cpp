#include "salesops/sample.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sample/dirt.hpp"
#include "sample/emit.hpp"

namespace salesops {
inline namespace v0 {
namespace sample {
namespace {

using namespace detail;

constexpr std::int64_t accounts_per_block = 512;
constexpr std::int64_t leads_per_block = 4096;

void require(bool holds, const char* text) {
  if (!holds) throw UsageError(std::string("sample::crm: ") + text);
}

void check(const SampleOptions& options) {
  require(options.deals >= 0 && options.deals <= 100'000'000, "deals must be 0 to 100 million");
  require(options.months >= 1 && options.months <= 240, "months must be 1 to 240");
  require(options.start >= Date::from_ymd(1900, 1, 1) && options.start <= Date::from_ymd(2200, 1, 1),
          "start must lie between 1900 and 2200");
  require(!options.end || *options.end <= options.start.add_months(options.months),
          "end lies after the window; make the window longer with months");
  require(options.reps >= 1 && options.reps <= 10'000, "reps must be 1 to 10,000");
  require(options.currency.size() == 3 && std::all_of(options.currency.begin(), options.currency.end(),
                                                      [](char c) { return c >= 'A' && c <= 'Z'; }),
          "currency must be three capital letters (ISO 4217)");
  require(options.foreign_share >= 0 && options.foreign_share <= 1, "foreign_share must be 0 to 1");
  require(options.pipelines == 1 || options.pipelines == 2, "pipelines must be 1 or 2");
  require(options.leads_per_deal >= 0 && options.leads_per_deal <= 20, "leads_per_deal must be 0 to 20");
  require(options.activities_per_deal >= 0 && options.activities_per_deal <= 100,
          "activities_per_deal must be 0 to 100");
  require(options.dirt >= 0 && options.dirt <= 0.5, "dirt must be 0 to 0.5");
}

/// Blocks of whole accounts until they hold the deals wanted; the last account may be cut short.
class Accounts {
 public:
  Accounts(const World& world, std::span<const TableSpec> specs) : world_(world), specs_(specs) {}

  std::vector<Block> run() {
    std::int64_t wanted = world_.options.deals;
    while (wanted > 0) {
      const std::size_t done = blocks_.size();
      const auto more = static_cast<std::size_t>(1 + static_cast<double>(wanted) / mean_deals());
      fill(done, more);
      for (std::size_t b = done; b < blocks_.size() && wanted > 0; ++b) {
        if (deals_[b] >= wanted) {
          cut(b, wanted);
          wanted = 0;
        } else {
          wanted -= deals_[b];
        }
      }
    }
    return std::move(blocks_);
  }
  /// Amount of the deals won within the window.
  [[nodiscard]] std::int64_t won() const {
    return std::accumulate(won_.begin(), won_.end(), std::int64_t{0});
  }

 private:
  /// Deals a block has had so far, or less than it may have.
  [[nodiscard]] double mean_deals() const {
    if (deals_.empty()) return 2.0 * accounts_per_block;
    const auto total = std::accumulate(deals_.begin(), deals_.end(), std::int64_t{0});
    return static_cast<double>(total) / static_cast<double>(deals_.size());
  }

  void fill(std::size_t done, std::size_t more) {
    blocks_.resize(done + more, Block(specs_));
    deals_.resize(done + more);
    won_.resize(done + more);
    // The first round makes nearly all.
    Execution execution = part_of(world_.options.execution, 0, 0.7);
    if (done > 0) execution.progress = {};
    for_blocks(more, execution, [&](std::size_t i) { make(done + i, never_full); });
  }

  void make(std::size_t block, std::int64_t limit) {
    blocks_[block] = Block(specs_);
    deals_[block] = won_[block] = 0;
    const std::int64_t first = static_cast<std::int64_t>(block) * accounts_per_block;
    for (std::int64_t a = first; a < first + accounts_per_block && deals_[block] < limit; ++a) {
      const Account account = simulate(world_, a, static_cast<std::size_t>(limit - deals_[block]));
      deals_[block] += static_cast<std::int64_t>(account.deals.size());
      for (const Deal& deal : account.deals)
        if (deal.won && day_of(deal.closed) < world_.last_day) won_[block] += deal.final_amount;
      emit_account(world_, account, blocks_[block]);
    }
  }

  void cut(std::size_t block, std::int64_t limit) {
    make(block, limit);
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(block) + 1, blocks_.end());
    deals_.resize(block + 1);
    won_.resize(block + 1);
  }

  static constexpr std::int64_t never_full = std::numeric_limits<std::int64_t>::max();
  const World& world_;
  std::span<const TableSpec> specs_;
  std::vector<Block> blocks_;
  std::vector<std::int64_t> deals_;
  std::vector<std::int64_t> won_;
};

void add_leads(const World& world, std::span<const TableSpec> specs, std::vector<Block>& blocks) {
  const auto leads =
      static_cast<std::int64_t>(world.options.leads_per_deal * static_cast<double>(world.options.deals));
  const auto more = static_cast<std::size_t>((leads + leads_per_block - 1) / leads_per_block);
  const std::size_t first = blocks.size();
  blocks.resize(first + more, Block(specs));
  for_blocks(more, part_of(world.options.execution, 0.7, 0.8), [&](std::size_t block) {
    const std::int64_t from = static_cast<std::int64_t>(block) * leads_per_block;
    for (std::int64_t n = from; n < std::min(leads, from + leads_per_block); ++n)
      emit_lead(world, n, blocks[first + block]);
  });
}

/// In order of creation, so that a lead's place doesn't say what became of it.
Table by_creation(const Table& leads) {
  const auto created = leads.column("created_at").values<std::int64_t>();
  std::vector<std::int64_t> order(created.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    const std::int64_t first = created[static_cast<std::size_t>(a)];
    const std::int64_t second = created[static_cast<std::size_t>(b)];
    return first != second ? first < second : a < b;
  });
  return leads.take(order);
}

}  // namespace

const Table& Sample::table(std::string_view name) const {
  std::string names;
  for (const auto& [held, table] : tables) {
    if (held == name) return table;
    names += (names.empty() ? "" : ", ") + held;
  }
  throw UsageError("the sample has no table '" + std::string(name) + "'; it has " + names);
}

Sample crm(const SampleOptions& options) {
  check(options);
  const StopScope scope(options.execution.stop);
  const World world(options);
  const auto specs = table_specs(world);
  Accounts accounts(world, specs);
  std::vector<Block> blocks = accounts.run();
  add_leads(world, specs, blocks);
  blocks.emplace_back(specs);
  emit_company(world, accounts.won(), blocks.back());

  auto joined = join(specs, blocks, label, part_of(options.execution, 0.8, 0.95));
  const auto truth = joined.begin() + static_cast<std::ptrdiff_t>(book_tables);
  Sample sample;
  sample.truth = {truth[0].second, truth[1].second, truth[2].second, truth[3].second};
  joined.erase(truth, joined.end());
  if (options.foreign_share == 0) joined.pop_back();
  for (auto& [name, table] : joined)
    if (name == "lead") table = by_creation(table);
  if (options.dirt > 0) spoil(world, joined);
  sample.tables = std::move(joined);
  if (options.execution.progress) options.execution.progress(1);
  return sample;
}

}  // namespace sample
}  // namespace v0
}  // namespace salesops
