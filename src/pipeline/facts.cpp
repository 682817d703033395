#include "facts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "salesops/random.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline_detail {

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

/// Numbers the open (pipeline, stage) pairs as they are met.
class States {
 public:
  States(const Crm& crm, Facts& facts) : crm_(crm), facts_(facts) {
    const Table& deals = crm.table("opportunity");
    stage_ = deals.find("stage_id");
    pipeline_ = deals.find("pipeline_id");
  }

  std::int32_t state(std::int64_t pipeline, std::int64_t stage) {
    const auto [at, is_new] = numbers_.try_emplace({pipeline, stage}, 0);
    if (is_new) at->second = made(pipeline, stage);
    return at->second;
  }
  [[nodiscard]] std::int64_t pipeline_of(std::size_t row) const {
    return pipeline_ == nullptr || pipeline_->is_null(row) ? -1 : pipeline_->values<std::int32_t>()[row];
  }

 private:
  std::int32_t made(std::int64_t pipeline, std::int64_t stage) {
    auto known = statuses_.find(pipeline);
    if (known == statuses_.end()) known = statuses_.emplace(pipeline, crm_.stage_statuses(pipeline)).first;
    const auto code = static_cast<std::size_t>(stage);
    const auto status = stage < 0 ? std::nullopt : known->second.at(code);
    if (status == DealStatus::won) return End::won;
    if (status == DealStatus::lost) return End::lost;
    facts_.state_stages.emplace_back(stage < 0 ? std::string_view() : stage_->dictionary()[code]);
    facts_.state_pipelines.emplace_back(
        pipeline < 0 ? std::string_view() : pipeline_->dictionary()[static_cast<std::size_t>(pipeline)]);
    return static_cast<std::int32_t>(facts_.state_stages.size() - 1);
  }

  const Crm& crm_;
  Facts& facts_;
  const Column* stage_;
  const Column* pipeline_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> numbers_;
  std::map<std::int64_t, std::vector<std::optional<DealStatus>>> statuses_;
};

void enter(Facts& facts, std::size_t first, std::int32_t state, double at) {
  if (facts.visits.size() > first && facts.visits.back().state == state) return;
  facts.visits.push_back({state, at});
}

/// Appends the visits of one deal.
void walk(const Crm& crm, std::size_t row, States& states, Facts& facts, bool staged) {
  const Deals& deals = crm.deals();
  const History& history = crm.history();
  const std::size_t first = facts.visits.size();
  const double created = facts.created.back();
  if (staged) {
    const std::int64_t pipeline = states.pipeline_of(row);
    // Where a deal stood that closed without a word in the log isn't known.
    const bool known = deals.status[row] == DealStatus::open || history.changed(row, Field::stage);
    const std::int64_t initial = known ? history.initial(Field::stage)[row] : null_value;
    if (initial != null_value) enter(facts, first, states.state(pipeline, initial), created);
    for (const Change& change : history.changes(row)) {
      const double at = std::max(days_of(change.at), created);
      if (change.field == Field::stage)
        enter(facts, first, states.state(pipeline, change.value == null_value ? -1 : change.value), at);
      if (change.field == Field::deleted && change.value == 1) enter(facts, first, End::lost, at);
    }
  }
  if (facts.visits.size() == first) enter(facts, first, staged ? states.state(-1, -1) : 0, created);
  facts.seen.push_back(facts.visits[first].enter);
  if (deals.status[row] == DealStatus::open || deals.closed_at[row] == null_value) return;
  if (facts.visits.back().state < 0) return;
  const double closed = std::max(days_of(deals.closed_at[row]), facts.visits.back().enter);
  facts.visits.push_back({deals.status[row] == DealStatus::won    ? End::won
                          : deals.status[row] == DealStatus::lost ? End::lost
                                                                  : End::gone,
                          closed});
}

DealStatus status_of(std::int32_t state) {
  if (state >= 0) return DealStatus::open;
  return state == End::won ? DealStatus::won : state == End::lost ? DealStatus::lost : DealStatus::unknown;
}

/// Code of the owner who is credited: of a closed deal the one at its close; -1 = nobody.
std::int32_t owner_of(const Crm& crm, const Column& owner, std::size_t row) {
  const Deals& deals = crm.deals();
  if (deals.status[row] != DealStatus::open && deals.closed_at[row] != null_value &&
      crm.history().tracks(Field::owner)) {
    const std::int64_t code = crm.history().value_at(row, Field::owner, deals.closed_at[row]);
    return code == null_value ? -1 : static_cast<std::int32_t>(code);
  }
  return owner.valid(row) ? owner.values<std::int32_t>()[row] : -1;
}

/// Owners of deals by id, whatever the order of rows and codes; first the one of deals without any.
void read_owners(const Crm& crm, Facts& facts) {
  const Column* owner = crm.table("opportunity").find("owner_id");
  facts.owners.emplace_back();
  if (owner == nullptr) return;
  const Dictionary& ids = owner->dictionary();
  std::vector<std::uint8_t> owns(ids.size(), 0);
  for (std::size_t row = 0; row < owner->size(); ++row)
    if (const std::int32_t code = owner_of(crm, *owner, row); code >= 0)
      owns[static_cast<std::size_t>(code)] = 1;
  for (std::size_t code = 0; code < ids.size(); ++code)
    if (owns[code] != 0 && !ids[code].empty()) facts.owners.emplace_back(ids[code]);
  std::sort(facts.owners.begin() + 1, facts.owners.end());
  for (std::size_t code = 0; code < ids.size(); ++code) {
    const auto at = std::lower_bound(facts.owners.begin() + 1, facts.owners.end(), ids[code]);
    const bool known = owns[code] != 0 && !ids[code].empty();
    facts.leaf_of_code.push_back(known ? static_cast<std::int32_t>(at - facts.owners.begin()) : 0);
  }
}

/// Rows by creation, those of one instant by id: sums and draws then know nothing of the order they came in.
std::vector<std::size_t> rows_in_order(const Crm& crm) {
  const Column& ids = crm.table("opportunity").column("opportunity_id");
  const auto& created = crm.deals().created_at;
  std::vector<std::size_t> rows(ids.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return created[a] != created[b] ? created[a] < created[b] : ids.text(a) < ids.text(b);
  });
  return rows;
}

/// The hundredth part of deals may be older than the log.
double first_day(std::vector<double> seen) {
  const auto early = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 100);
  std::nth_element(seen.begin(), early, seen.end());
  return *early;
}

/// Geometric mean of the amounts, of which all must have one currency.
double typical_amount(const Facts& facts, const Deals& deals, const Column* currency) {
  double sum = 0, n = 0;
  std::int32_t first = -1;
  for (const std::int64_t at : facts.row) {
    const auto row = static_cast<std::size_t>(at);
    if (deals.amount[row] == null_value || deals.amount[row] <= 0) continue;
    const std::int32_t code =
        currency == nullptr || currency->is_null(row) ? -1 : currency->values<std::int32_t>()[row];
    if (n == 0) first = code;
    if (code != first) return 0;
    sum += std::log(static_cast<double>(deals.amount[row]));
    n += 1;
  }
  return n > 0 ? std::exp(sum / n) : 0;
}

}  // namespace

void add_amount(std::int64_t& sum, std::int64_t amount) {
  if (__builtin_add_overflow(sum, amount, &sum))
    throw UsageError("pipeline: the sum of opportunity.amount leaves the range of 64-bit minor units");
}

void check_currency(const Table& deals, const std::string& wanted, bool needed) {
  const Column* currency = deals.find("currency");
  if (currency == nullptr || !wanted.empty() || !needed) return;
  const Column* amount = deals.find("amount");
  std::vector<std::int64_t> count(currency->dictionary().size());
  std::vector<std::size_t> seen;
  for (std::size_t row = 0; row < deals.num_rows(); ++row) {
    tick(row);
    if (currency->is_null(row) || (amount != nullptr && amount->is_null(row))) continue;
    const auto code = static_cast<std::size_t>(currency->values<std::int32_t>()[row]);
    if (count[code]++ == 0) seen.push_back(code);
  }
  if (seen.size() < 2) return;
  const auto name = [&](std::size_t code) { return std::string(currency->dictionary()[code]); };
  const auto unsaid = std::ranges::find(seen, "XXX", name);
  if (unsaid != seen.end())
    throw UnitError("opportunity.amount is in " + name(seen[unsaid == seen.begin() ? 1 : 0]) +
                    " and, of deals that name no currency, in what nobody said; say what those are in with "
                    "currency= when reading the book");
  const std::size_t most = *std::ranges::max_element(seen, {}, [&](std::size_t code) { return count[code]; });
  throw UnitError("opportunity.amount has several currencies (" + name(seen[1]) + ", " + name(seen[0]) +
                  " …); convert the book with crm.in_currency(\"" + name(most) +
                  "\"), or pass currency= to take the deals of one");
}

Facts read_facts(const Crm& crm, const pipeline::ForecastOptions& options, bool rewound) {
  if (!crm.has("opportunity")) throw UsageError("pipeline: the book has no table 'opportunity'");
  const Table& table = crm.table("opportunity");
  const bool wins = options.measure == pipeline::Measure::wins;
  if (!wins && !table.has("amount"))
    throw UsageError("pipeline: opportunity has no 'amount'; give it one, or forecast with measure = wins");
  check_currency(table, options.currency, !wins);
  const Column* currency = table.find("currency");
  const Deals& deals = crm.deals();
  Facts facts;
  facts.now = days_of(crm.latest().us);
  facts.staged = crm.history().tracks(Field::stage);
  const auto allowed = [&](std::string_view name) {
    return !rewound || std::find(options.allow_current.begin(), options.allow_current.end(), name) !=
                           options.allow_current.end();
  };
  facts.amounts_tracked = crm.history().tracks(Field::amount);
  facts.close_dates_tracked = crm.history().tracks(Field::close_date);
  const bool open_amounts = facts.amounts_tracked || allowed("opportunity.amount");
  const Column& ids = table.column("opportunity_id");
  const Column* owner = table.find("owner_id");
  read_owners(crm, facts);
  States states(crm, facts);
  if (!facts.staged) {
    facts.state_stages.emplace_back();
    facts.state_pipelines.emplace_back();
  }
  facts.offsets.push_back(0);
  std::map<std::int64_t, std::int32_t> pipelines;
  for (const std::size_t row : rows_in_order(crm)) {
    tick(facts.row.size());
    if (deals.deleted[row] != 0 && !crm.history().tracks(Field::deleted)) continue;
    if (!options.currency.empty() && currency != nullptr && currency->valid(row) &&
        currency->text(row) != options.currency)
      continue;
    if (deals.created_at[row] == null_value) {
      ++facts.without_created;
      continue;
    }
    facts.row.push_back(static_cast<std::int64_t>(row));
    facts.key.push_back(random::key_of(ids.text(row)));
    facts.created.push_back(days_of(deals.created_at[row]));
    facts.pipeline.push_back(
        pipelines.try_emplace(states.pipeline_of(row), static_cast<std::int32_t>(pipelines.size()))
            .first->second);
    walk(crm, row, states, facts, facts.staged);
    facts.offsets.push_back(static_cast<std::int64_t>(facts.visits.size()));
    const bool open = facts.visits.back().state >= 0;
    const bool deleted = deals.deleted[row] != 0;
    facts.status.push_back(deleted ? DealStatus::lost : status_of(facts.visits.back().state));
    facts.unknown_closes += deals.status[row] == DealStatus::unknown;
    facts.closed.push_back(open                                 ? never
                           : deals.closed_at[row] != null_value ? days_of(deals.closed_at[row])
                                                                : facts.visits.back().enter);
    const bool amount_known = deals.amount[row] != null_value && (!open || open_amounts);
    facts.amount.push_back(wins           ? 1
                           : amount_known ? std::max<std::int64_t>(deals.amount[row], 0)
                                          : null_value);
    facts.negative_amounts +=
        facts.status.back() != DealStatus::lost && amount_known && deals.amount[row] < 0 && !wins;
    facts.close_date.push_back(deals.close_date[row]);
    const std::int32_t credited = owner == nullptr ? -1 : owner_of(crm, *owner, row);
    facts.owner.push_back(credited < 0 ? 0 : facts.leaf_of_code[static_cast<std::size_t>(credited)]);
  }
  facts.pipelines = pipelines.size();
  if (facts.size() > 0) facts.first = first_day(facts.seen);
  std::vector<double> closes;
  std::ranges::copy_if(facts.closed, std::back_inserter(closes),
                       [](double day) { return std::isfinite(day); });
  if (!closes.empty()) facts.first_close = first_day(closes);
  if (facts.amounts_tracked) facts.typical_amount = typical_amount(facts, deals, currency);
  return facts;
}

std::int64_t visit_at(const Facts& facts, std::size_t deal, double t) {
  std::int64_t at = facts.offsets[deal + 1];
  while (--at >= facts.offsets[deal])
    if (facts.visits[static_cast<std::size_t>(at)].enter <= t) return at;
  return -1;
}

double origin_of(const Facts& facts, std::size_t deal, std::int64_t visit) {
  return visit == facts.offsets[deal] ? facts.created[deal]
                                      : facts.visits[static_cast<std::size_t>(visit)].enter;
}

}  // namespace pipeline_detail
}  // namespace v0
}  // namespace salesops
