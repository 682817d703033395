/// @file account.hpp
/// The whole life of one account, past any end of the book.
#pragma once

#include <cstdint>
#include <vector>

#include "world.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {

enum class EventField : std::uint8_t {
  created,
  stage,
  amount,
  close_date,
  owner,
  forecast_category,
  probability
};

struct Event {
  std::int64_t at = 0;
  EventField field = EventField::stage;
  std::int64_t old_value = 0;
  std::int64_t new_value = 0;
  int actor = 0;
};

/// What an opportunity's changing columns hold at one moment.
struct DealState {
  int stage = 0;
  std::int64_t amount = 0;  ///< minor units
  std::int32_t close_day = 0;
  int owner = 0;
  Category category = Category::pipeline;
};

struct Deal {
  int number = 1;  ///< in the account, from 1
  DealType type = DealType::fresh;
  int pipeline = 1;
  int source = 0;
  std::int64_t created = 0;
  DealState first;
  std::vector<Event> events;  ///< after creation, in time order
  double quality = 0;
  double win_probability = 0;
  double optimism = 0;
  bool won = false;
  std::int64_t closed = 0;  ///< for good
  std::int64_t final_amount = 0;
  int recurring_percent = 0;  ///< of the final amount
  int term_months = 12;
  int loss_reason = 0;
  std::int64_t lead_created = 0;  ///< 0 = no lead
};

enum class SubscriptionChange : std::uint8_t { start, change, renew, cancel };

struct SubscriptionEvent {
  std::int64_t at = 0;
  SubscriptionChange type = SubscriptionChange::start;
  std::int64_t before = 0;  ///< monthly recurring revenue, minor units
  std::int64_t after = 0;
  int deal = 0;  ///< number of the deal behind it, 0 = none
};

struct Subscription {
  int number = 1;
  std::int32_t start = 0;
  bool yearly = false;
  std::vector<SubscriptionEvent> events;
  std::int64_t ended = std::numeric_limits<std::int64_t>::max();
};

struct Account {
  std::int64_t number = 0;
  Segment segment = Segment::smb;
  int industry = 0;
  int region = 0;
  int country = 0;
  int currency = 0;
  int owner = 0;
  int source = 0;
  double affinity = 0;
  double churn_hazard = 0;  ///< per month
  std::int64_t created = 0;
  std::int64_t employees = 0;
  std::int64_t revenue = 0;
  std::vector<Deal> deals;
  std::vector<Subscription> subscriptions;

  [[nodiscard]] int offset_minutes() const {
    return zones()[static_cast<std::size_t>(region)].offset_minutes;
  }
};

/// Account `number` with at most `max_deals` deals.
Account simulate(const World& world, std::int64_t number, std::size_t max_deals);

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
