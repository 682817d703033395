#include "emit.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace salesops {
inline namespace v0 {
namespace sample::detail {
namespace {

int code_of(auto value) { return static_cast<int>(value); }

double probability_of(const World& world, int pipeline, int stage) {
  if (stage == stage_won) return 1;
  if (stage == stage_lost) return 0;
  for (const StageLaw& law : world.laws(pipeline))
    if (law.code == stage) return law.probability;
  return 0;
}

std::int64_t value_key(EventField field, std::int64_t value) { return value * 8 + code_of(field); }
std::int64_t percent(const World& world, const Deal& deal, int stage) {
  return std::llround(100 * probability_of(world, deal.pipeline, stage));
}

/// Writes the deal's events before the end; returns the state they leave and the last close.
struct Replay {
  DealState state;
  std::int64_t closed_at = 0;  ///< 0 while open
};

Replay emit_events(const World& world, const Deal& deal, std::int64_t deal_code, Block& block) {
  auto& events = rows(block, TableId::opportunity_event);
  Replay replay{deal.first, 0};
  DealState& state = replay.state;
  std::int64_t seq = 0;
  events.add(deal_code, deal.created, seq++, 0, Cell(), Cell(), deal.first.owner);
  events.add(deal_code, deal.created, seq++, code_of(EventField::stage), Cell(),
             block.value(value_key(EventField::stage, deal.first.stage)), deal.first.owner);
  for (const Event& event : deal.events) {
    if (!world.visible(event.at)) break;
    events.add(deal_code, event.at, seq++, code_of(event.field),
               block.value(value_key(event.field, event.old_value)),
               block.value(value_key(event.field, event.new_value)), event.actor);
    switch (event.field) {
      case EventField::stage:
        events.add(deal_code, event.at, seq++, code_of(EventField::probability),
                   block.value(value_key(EventField::probability, percent(world, deal, state.stage))),
                   block.value(value_key(EventField::probability,
                                         percent(world, deal, static_cast<int>(event.new_value)))),
                   event.actor);
        state.stage = static_cast<int>(event.new_value);
        replay.closed_at = state.stage >= stage_won ? event.at : 0;
        break;
      case EventField::amount: state.amount = event.new_value; break;
      case EventField::close_date: state.close_day = static_cast<std::int32_t>(event.new_value); break;
      case EventField::owner: state.owner = static_cast<int>(event.new_value); break;
      case EventField::forecast_category: state.category = static_cast<Category>(event.new_value); break;
      case EventField::created:
      case EventField::probability: break;
    }
  }
  return replay;
}

/// The seller who owned the deal at an instant.
int owner_at(const Deal& deal, std::int64_t at) {
  int owner = deal.first.owner;
  for (const Event& event : deal.events)
    if (event.field == EventField::owner && event.at <= at) owner = static_cast<int>(event.new_value);
  return owner;
}

struct Contacts {
  std::array<std::int64_t, 4> created{};
  std::array<std::int64_t, 4> code{};
  std::size_t count = 0;
};

Contacts emit_contacts(const World& world, const Account& account, std::int64_t account_code, Block& block) {
  Stream luck = world.stream(Purpose::emission, static_cast<std::uint64_t>(account.number));
  Contacts contacts;
  contacts.count = 1 + static_cast<std::size_t>(luck.integer(0, 1 + code_of(account.segment)));
  for (std::size_t i = 0; i < contacts.count; ++i) {
    const double later = i == 0 ? 0 : luck.uniform(0, 120) * static_cast<double>(us_per_day);
    const std::int64_t at =
        i == 0 ? account.created
               : std::max(account.created,
                          snap(static_cast<double>(account.created) + later, luck, account.offset_minutes()));
    const auto title = luck.integer(0, 3);
    const bool opted_out = luck.bernoulli(0.05);
    contacts.created[i] = at;
    if (!world.visible(at)) continue;
    contacts.code[i] = block.name(Space::contact, account.number * 10 + static_cast<std::int64_t>(i) + 1);
    rows(block, TableId::contact).add(contacts.code[i], account_code, title, at, opted_out);
  }
  return contacts;
}

void emit_activities(const World& world, const Account& account, const Deal& deal, const Contacts& contacts,
                     std::int64_t account_code, std::int64_t deal_code, Block& block) {
  Stream luck = world.stream(Purpose::activity, static_cast<std::uint64_t>(account.number),
                             static_cast<std::uint32_t>(deal.number));
  constexpr std::array<double, 3> busy{0.8, 1.1, 1.8};
  const auto n =
      luck.poisson(world.options.activities_per_deal * busy[static_cast<std::size_t>(account.segment)]);
  std::vector<std::int64_t> times;
  const double span = static_cast<double>(deal.closed - deal.created);
  for (std::int64_t i = 0; i < n; ++i) {
    const double share = std::pow(luck.uniform01(), 1.3);
    times.push_back(snap(static_cast<double>(deal.created) + share * span, luck, account.offset_minutes()));
  }
  std::sort(times.begin(), times.end());
  const std::int64_t first_number = (account.number * 1000 + deal.number) * 1000;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t at = times[static_cast<std::size_t>(i)];
    const auto type = static_cast<int>(luck.categorical(std::array{0.35, 0.4, 0.17, 0.08}));
    const bool inbound = luck.bernoulli(0.25);
    const auto minutes = luck.integer(2, type == 2 ? 90 : 25);
    const auto outcome = static_cast<int>(luck.categorical(std::array{0.5, 0.3, 0.2}));
    const bool automated = type == 1 && luck.bernoulli(0.15);
    auto who = static_cast<std::size_t>(luck.integer(0, static_cast<std::int64_t>(contacts.count) - 1));
    if (at < deal.created || at > deal.closed || !world.visible(at)) continue;
    while (who > 0 && contacts.created[who] > at) --who;
    const bool spoken = type == 2 || (type == 0 && outcome == 0);
    rows(block, TableId::activity)
        .add(block.name(Space::activity, first_number + i), type,
             cell_if(type != 3, inbound && !automated ? 1 : 0), at, cell_if(spoken, minutes * 60),
             cell_if(type == 0, outcome), owner_at(deal, at), Cell(), contacts.code[who], deal_code,
             account_code, automated, true);
  }
}

Cell campaign_cell(int source, std::int64_t number) {
  return cell_if(source == 0 || source == 4, static_cast<int>((number * 7 + source) % 4));
}

void emit_deal(const World& world, const Account& account, const Deal& deal, std::int64_t account_code,
               std::int64_t deal_code, Cell lead_code, Block& block) {
  const Replay replay = emit_events(world, deal, deal_code, block);
  const DealState& now = replay.state;
  const bool closed = now.stage >= stage_won;
  const std::int64_t recurring = deal.first.amount * deal.recurring_percent / 100;
  rows(block, TableId::opportunity)
      .add(deal_code, account_code, deal_code, deal.pipeline - 1, deal.created, now.stage, now.amount,
           account.currency, cell_if(deal.recurring_percent > 0, recurring),
           deal.first.amount + deal.first.amount / 10, Date{now.close_day}, cell_if(closed, replay.closed_at),
           closed, now.stage == stage_won, probability_of(world, deal.pipeline, now.stage),
           code_of(now.category), now.owner, code_of(deal.type), deal.source,
           campaign_cell(deal.source, account.number), cell_if(now.stage == stage_lost, deal.loss_reason),
           cell_if(!closed, now.stage),
           cell_if(deal.recurring_percent > 0, static_cast<double>(deal.term_months)), lead_code);
}

void emit_truth(const Account& account, Block& block) {
  const std::int64_t code = block.name(Space::true_account, account.number + 1);
  rows(block, TableId::truth_accounts).add(code, account.churn_hazard, account.affinity);
  for (const Deal& deal : account.deals)
    rows(block, TableId::truth_deals)
        .add(block.name(Space::true_opportunity, (account.number + 1) * 1000 + deal.number), deal.created,
             code_of(deal.type), code_of(account.segment), deal.source, deal.win_probability, deal.won,
             deal.closed, deal.final_amount, account.currency);
}

/// A lead's first answer and what follows it, before `until`; returns whether it was touched in the book.
bool emit_touches(const World& world, std::int64_t lead_code, std::uint64_t lead, int owner,
                  std::int64_t created, std::int64_t available, std::int64_t until, bool converts,
                  Block& block) {
  const Seller& seller = world.sellers[static_cast<std::size_t>(owner)];
  Stream luck = world.stream(Purpose::activity, lead, 0xFFFFFFFFU);
  std::int64_t number = 1'000'000'000'000'000 + static_cast<std::int64_t>(lead) * 100;
  const auto touch = [&](std::int64_t at, int type, int direction, int outcome, bool automated) {
    if (at >= until || !world.visible(at)) return false;
    rows(block, TableId::activity)
        .add(block.name(Space::activity, number++), type, direction, at,
             cell_if(type == 0 && outcome == 0, 420), cell_if(type == 0, outcome), owner, lead_code, Cell(),
             Cell(), Cell(), automated, true);
    return true;
  };
  if (luck.bernoulli(0.3)) touch(created + luck.integer(20, 120) * us_per_second, 1, 0, 0, true);
  const bool ignored = luck.bernoulli(seller.never_share);
  const double wait = seller.response_median_s * std::exp(luck.normal(0, 1.1)) * (converts ? 0.6 : 1.0);
  const auto outcome = static_cast<int>(luck.categorical(std::array{0.4, 0.35, 0.25}));
  const int type = luck.bernoulli(0.55) ? 0 : 1;
  if (ignored && !converts) return false;
  // A lead that becomes a deal is answered within the working day at the latest.
  const auto seconds = static_cast<std::int64_t>(converts ? std::min(wait, 14'400.0) : std::min(wait, 3.6e6));
  std::int64_t at = after_work_seconds(available, seconds, seller.offset_minutes);
  const bool touched = touch(at, type, 0, outcome, false);
  for (auto more = luck.integer(0, converts ? 3 : 2); more > 0; --more) {
    at = after_work_seconds(at, luck.integer(3'600, 5 * 28'800), seller.offset_minutes);
    touch(at, luck.bernoulli(0.5) ? 0 : 1, luck.bernoulli(converts ? 0.5 : 0.15) ? 1 : 0, 0, false);
  }
  return touched;
}

/// Minutes until a lead reaches an owner.
std::int64_t routed(std::int64_t created, Stream& luck) {
  return created + static_cast<std::int64_t>(luck.exponential(1.0 / 240) + 1) * us_per_second;
}

}  // namespace

void emit_converted_lead(const World& world, const Account& account, Cell account_code, Cell contact_code,
                         Cell deal_code, Block& block) {
  const Deal& deal = account.deals.front();
  if (deal.lead_created == 0 || !world.visible(deal.lead_created)) return;
  const auto number = lead_label(static_cast<std::uint64_t>(account.number) * 2);
  Stream luck = world.stream(Purpose::lead, number);
  const std::int64_t available = routed(deal.lead_created, luck);
  const std::int64_t code = block.name(Space::lead, static_cast<std::int64_t>(number));
  const bool touched = emit_touches(world, code, number, deal.first.owner, deal.lead_created, available,
                                    deal.created, true, block);
  const bool converted = world.visible(deal.created);
  rows(block, TableId::lead)
      .add(code, deal.lead_created, cell_if(world.visible(available), available), deal.source,
           campaign_cell(deal.source, account.number),
           converted ? 2
           : touched ? 1
                     : 0,
           deal.first.owner, code, account.country, account.industry, cell_if(converted, deal.created),
           converted ? account_code : Cell(), converted ? contact_code : Cell(),
           converted ? deal_code : Cell(), Cell());
}

void emit_lead(const World& world, std::int64_t number_of_lead, Block& block) {
  const auto number = lead_label(static_cast<std::uint64_t>(number_of_lead) * 2 + 1);
  Stream luck = world.stream(Purpose::lead, number);
  const auto region = static_cast<std::size_t>(luck.integer(0, 3));
  const int offset = zones()[region].offset_minutes;
  const std::int64_t created =
      std::max(world.draw_arrival(luck, offset) - luck.integer(0, 12) * 3600 * us_per_second,
               static_cast<std::int64_t>(world.first_day) * us_per_day + us_per_second);
  const auto source = static_cast<int>(luck.categorical(std::array{0.5, 0.2, 0.05, 0.1, 0.15}));
  const int owner = world.pick_seller(day_of(created), luck);
  const std::int64_t country = static_cast<std::int64_t>(region) * 2 + luck.integer(0, 1);
  const auto industry = luck.integer(0, 7);
  const std::int64_t available = routed(created, luck);
  const bool dropped = luck.bernoulli(0.6);
  const std::int64_t dropped_at = snap(
      static_cast<double>(created) + luck.uniform(3, 60) * static_cast<double>(us_per_day), luck, offset);
  if (!world.visible(created)) return;
  const std::int64_t code = block.name(Space::lead, static_cast<std::int64_t>(number));
  const std::int64_t until = dropped ? dropped_at : std::numeric_limits<std::int64_t>::max();
  const bool touched = emit_touches(world, code, number, owner, created, available, until, false, block);
  const bool gone = dropped && world.visible(dropped_at);
  rows(block, TableId::lead)
      .add(code, created, cell_if(world.visible(available), available), source,
           campaign_cell(source, number_of_lead),
           gone      ? 3
           : touched ? 1
                     : 0,
           owner, code, country, industry, Cell(), Cell(), Cell(), Cell(), cell_if(gone, dropped_at));
}

void emit_account(const World& world, const Account& account, Block& block) {
  emit_truth(account, block);
  const Deal& first = account.deals.front();
  if (!world.visible(account.created)) {
    emit_converted_lead(world, account, Cell(), Cell(), Cell(), block);
    return;
  }
  const std::int64_t account_code = block.name(Space::account, account.number + 1);
  std::int64_t customer_since = never;
  for (const Deal& deal : account.deals)
    if (deal.won && world.visible(deal.closed))
      customer_since = std::min<std::int64_t>(customer_since, day_of(deal.closed));
  rows(block, TableId::account)
      .add(account_code, account_code, account.industry, code_of(account.segment), account.region,
           account.country, account.employees, account.revenue, account.currency, account.owner,
           customer_since == never ? 0 : 1, account.created,
           cell_if(customer_since != never, customer_since));
  const Contacts contacts = emit_contacts(world, account, account_code, block);

  std::vector<std::int64_t> deal_codes;
  for (const Deal& deal : account.deals)
    if (world.visible(deal.created))
      deal_codes.push_back(block.name(Space::opportunity, (account.number + 1) * 1000 + deal.number));
  const Cell first_code = deal_codes.empty() ? Cell() : Cell(deal_codes.front());
  emit_converted_lead(world, account, account_code, contacts.code[0], first_code, block);
  const std::int64_t lead_code =
      static_cast<std::int64_t>(block.names[static_cast<std::size_t>(Space::lead)].size()) - 1;
  for (std::size_t i = 0; i < deal_codes.size(); ++i) {
    const Deal& deal = account.deals[i];
    const bool from_lead = i == 0 && first.lead_created != 0;
    emit_deal(world, account, deal, account_code, deal_codes[i], cell_if(from_lead, lead_code), block);
    emit_activities(world, account, deal, contacts, account_code, deal_codes[i], block);
  }
  emit_money(world, account, account_code, deal_codes, block);
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
