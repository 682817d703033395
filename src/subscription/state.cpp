// States put together.
#include "state.hpp"

#include <algorithm>
#include <array>

#include "../clv/merged_customers.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

using subscription_detail::Spell;

State::State() : data_(std::make_shared<const Data>()) {}
State::State(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
std::size_t State::customers() const noexcept { return data_->customers(); }
std::size_t State::rows() const noexcept { return data_->rows; }

namespace {

void check_alike(const State::Data& a, const State::Data& b) {
  if (!(a.zone == b.zone))
    throw UsageError("the batches count the days of different zones: " + a.zone.name() + " and " +
                     b.zone.name());
  if (a.follow != b.follow || a.customer_name != b.customer_name)
    throw UsageError("one batch follows '" + a.customer_name + "', the other '" + b.customer_name + "'");
  const bool either_empty = a.customers() == 0 || b.customers() == 0;
  if (!either_empty && a.customer.type() != b.customer.type())
    throw UsageError("one batch has '" + a.customer_name +
                     "' as text, the other as whole numbers; use one kind");
  if (a.has_subscription != b.has_subscription || a.has_price != b.has_price || a.has_plan != b.has_plan)
    throw UsageError("the batches were read with different columns: subscriptions, quantities, plans");
  const auto differ = [](const auto& x, const auto& y) { return (x == nullptr) != (y == nullptr); };
  if (!either_empty && (differ(a.subscriptions, b.subscriptions) || differ(a.plans, b.plans)))
    throw UsageError("one batch names subscriptions or plans by text, the other by numbers; use one kind");
}

/// The names of both, and b's codes among them.
std::pair<State::Data::Names, std::vector<std::int64_t>> joined(const State::Data::Names& a,
                                                                const State::Data::Names& b) {
  if (a == nullptr || b == nullptr) return {a == nullptr ? b : a, {}};
  std::vector<std::int64_t> code_of(b->size());
  std::vector<std::string> fresh;
  for (std::size_t code = 0; code < b->size(); ++code) {
    code_of[code] = a->find((*b)[code]);
    if (code_of[code] >= 0) continue;
    code_of[code] = static_cast<std::int64_t>(a->size() + fresh.size());
    fresh.emplace_back((*b)[code]);
  }
  return {fresh.empty() ? a : a->with(fresh), std::move(code_of)};
}

}  // namespace

void State::merge(const State& other) {
  const Data& a = *data_;
  const Data& b = *other.data_;
  if (b.batches == 0) return;
  if (a.batches == 0) {
    data_ = other.data_;
    return;
  }
  check_alike(a, b);
  auto merged = std::make_shared<Data>();
  merged->has_subscription = a.has_subscription;
  merged->has_price = a.has_price;
  merged->has_plan = a.has_plan;
  merged->follow = a.follow;
  merged->customer_name = a.customer_name;
  merged->zone = a.zone;
  merged->issues = a.issues;
  merged->issues.merge(b.issues);
  merged->batches = a.batches + b.batches;
  merged->first = std::min(a.first, b.first);
  merged->known_by_start = a.known_by_start && b.known_by_start;
  merged->known_until = a.known_until;
  merged->known_until.merge(b.known_until);
  const auto [subscriptions, subscription_of] = joined(a.subscriptions, b.subscriptions);
  const auto [plans, plan_of] = joined(a.plans, b.plans);
  merged->subscriptions = subscriptions;
  merged->plans = plans;
  merged->currencies = a.currencies;
  std::vector<std::int32_t> currency_of;
  for (const std::string& name : b.currencies) {
    const auto found = std::find(merged->currencies.begin(), merged->currencies.end(), name);
    currency_of.push_back(static_cast<std::int32_t>(found - merged->currencies.begin()));
    if (found == merged->currencies.end()) merged->currencies.push_back(name);
  }
  const auto recoded = [](std::int64_t code, const std::vector<std::int64_t>& code_of) {
    return code_of.empty() || code == subscription_detail::no_name ? code
                                                                   : code_of[static_cast<std::size_t>(code)];
  };
  clv_detail::MergedCustomers customers(a.customers() > 0 ? a.customer : b.customer);
  merged->memory = clv_detail::unset<Spell>(a.spells.size() + b.spells.size());
  merged->spells = {merged->memory.get(), a.spells.size() + b.spells.size()};
  merged->rows = a.rows + b.rows;
  Spell* out = merged->memory.get();
  std::size_t i = 0, j = 0;
  while (i < a.customers() || j < b.customers()) {
    const auto order = i == a.customers()   ? std::strong_ordering::greater
                       : j == b.customers() ? std::strong_ordering::less
                                            : clv_detail::compare(a.customer, i, b.customer, j);
    customers.add(order <= 0 ? a.customer : b.customer, order <= 0 ? i : j);
    if (order <= 0) {
      const auto mine = a.of(i++);
      out = std::copy(mine.begin(), mine.end(), out);
    }
    if (order >= 0) {
      for (Spell spell : b.of(j++)) {
        if (spell.start != subscription_detail::no_start) {
          spell.subscription = recoded(spell.subscription, subscription_of);
          spell.plan = recoded(spell.plan, plan_of);
          spell.currency = currency_of[static_cast<std::size_t>(spell.currency)];
        }
        *out++ = spell;
      }
    }
    merged->begins.push_back(static_cast<std::size_t>(out - merged->memory.get()));
    tick(merged->begins.size());
  }
  merged->customer = customers.finish();
  data_ = std::move(merged);
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
