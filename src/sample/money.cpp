#include <algorithm>

#include "emit.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {
namespace {

constexpr int services = 3;

/// Invoices of one account, with the refunds that follow some of them.
class Billing {
 public:
  Billing(const World& world, const Account& account, std::int64_t account_code, Block& block)
      : world_(world), account_(account), account_code_(account_code), block_(block) {}

  /// `source` and `line` name the invoice: the same whatever the end of the book.
  void invoice(int source, int line, std::int64_t at, std::int64_t amount, Cell deal, int product) {
    if (!world_.visible(at) || amount <= 0) return;
    const std::int64_t number = ((account_.number + 1) * 1000 + source) * 1000 + line;
    const std::int64_t code = block_.name(Space::invoice, number);
    add(code, deal, product, at, 0, amount, Cell());
    Stream luck = world_.stream(Purpose::customer, static_cast<std::uint64_t>(account_.number),
                                static_cast<std::uint32_t>(source * 1000 + line));
    if (!luck.bernoulli(0.025)) return;
    const std::int64_t back = at + luck.integer(5, 35) * us_per_day + luck.integer(60, 3600) * us_per_second;
    const std::int64_t refund = luck.bernoulli(0.3) ? amount : amount * luck.integer(10, 60) / 100;
    if (world_.visible(back))
      add(block_.name(Space::invoice, number + 500), deal, product, back, 1, -refund, code);
  }

 private:
  void add(std::int64_t code, Cell deal, int product, std::int64_t at, int kind, std::int64_t amount,
           Cell reverses) {
    rows(block_, TableId::transaction)
        .add(code, 1, account_code_, deal, product, at, kind, 1.0, amount, account_.currency, reverses);
  }

  const World& world_;
  const Account& account_;
  std::int64_t account_code_;
  Block& block_;
};

std::int64_t invoice_hour(std::int32_t day) { return day * us_per_day + 7 * 3600 * us_per_second; }

/// Regular invoices of a subscription, and expansions billed yearly at once.
void bill(const World& world, const Subscription& subscription, std::span<const std::int64_t> deal_codes,
          int product, Billing& billing) {
  const int source = 500 + subscription.number;
  const int months = subscription.yearly ? 12 : 1;
  for (int n = 0;; ++n) {
    const std::int32_t day = Date{subscription.start}.add_months(n * months).days;
    const std::int64_t at = invoice_hour(day);
    if (at >= subscription.ended || !world.visible(at)) break;
    std::int64_t revenue = 0;
    int deal = 0;
    for (const auto& event : subscription.events)
      if (event.at <= at) {
        revenue = event.after;
        deal = event.deal;
      }
    billing.invoice(source, n, at, revenue * months, deal_codes[static_cast<std::size_t>(deal) - 1], product);
  }
  if (!subscription.yearly) return;
  for (const auto& event : subscription.events)
    if (event.type == SubscriptionChange::change)
      billing.invoice(
          event.deal, 1, event.at + 3600 * us_per_second, (event.after - event.before) * 12,
          world.visible(event.at) ? Cell(deal_codes[static_cast<std::size_t>(event.deal) - 1]) : Cell(),
          product);
}

void emit_subscription(const World& world, const Account& account, const Subscription& subscription,
                       std::int64_t account_code, int product, Block& block) {
  const std::int64_t code =
      block.name(Space::subscription, (account.number + 1) * 1000 + subscription.number);
  const bool ended = world.visible(subscription.ended);
  const int months = subscription.yearly ? 12 : 1;
  std::int64_t revenue = 0;
  std::int64_t seq = 0;
  for (const auto& event : subscription.events) {
    if (!world.visible(event.at)) break;
    rows(block, TableId::subscription_event)
        .add(code, event.at, seq++, static_cast<int>(event.type), event.before, event.after,
             account.currency);
    if (event.type != SubscriptionChange::cancel) revenue = event.after;
  }
  rows(block, TableId::subscription)
      .add(code, account_code, product, Date{subscription.start},
           ended ? Cell(Date{day_of(subscription.ended)}) : Cell(), cell_if(ended, subscription.ended),
           subscription.yearly ? 1 : 0, 1, 1.0, revenue * months, account.currency, ended ? 1 : 0);
}

}  // namespace

void emit_money(const World& world, const Account& account, std::int64_t account_code,
                std::span<const std::int64_t> deal_codes, Block& block) {
  Billing billing(world, account, account_code, block);
  const int product = static_cast<int>(account.segment);
  for (std::size_t i = 0; i < deal_codes.size(); ++i) {
    const Deal& deal = account.deals[i];
    if (!deal.won || !world.visible(deal.closed)) continue;
    const std::int64_t once = deal.final_amount - deal.final_amount * deal.recurring_percent / 100;
    billing.invoice(deal.number, 0, invoice_hour(day_of(deal.closed) + 2), once, deal_codes[i], services);
  }
  for (const auto& subscription : account.subscriptions) {
    if (!world.visible(subscription.events.front().at)) continue;
    emit_subscription(world, account, subscription, account_code, product, block);
    bill(world, subscription, deal_codes, product, billing);
  }
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
