#include "emit.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {
namespace {

std::shared_ptr<const Dictionary> words(const std::vector<std::string>& list) {
  std::vector<char> bytes;
  std::vector<std::int64_t> offsets{0};
  for (const auto& word : list) {
    bytes.insert(bytes.end(), word.begin(), word.end());
    offsets.push_back(static_cast<std::int64_t>(bytes.size()));
  }
  return std::make_shared<Dictionary>(std::move(bytes), std::move(offsets));
}

std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return digits;
}

/// A list of labels: `R01`, `R02`, …
std::vector<std::string> numbered(const std::string& prefix, int count, std::size_t width) {
  std::vector<std::string> list;
  for (int i = 1; i <= count; ++i) list.push_back(prefix + padded(i, width));
  return list;
}

std::vector<std::string> joined(std::vector<std::string> list, const std::vector<std::string>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

std::string value_text(std::int64_t tagged) {
  const std::int64_t value = tagged >> 3;
  switch (static_cast<EventField>(tagged & 7)) {
    case EventField::stage: return Words::stages()[static_cast<std::size_t>(value)];
    case EventField::amount:
    case EventField::probability: return std::to_string(value / 100) + "." + padded(value % 100, 2);
    case EventField::close_date: return Date{static_cast<std::int32_t>(value)}.to_string();
    case EventField::owner: return "R" + padded(value + 1, 3);
    case EventField::forecast_category: return Words::categories()[static_cast<std::size_t>(value)];
    case EventField::created: break;
  }
  return {};
}

}  // namespace

std::string label(Space space, std::int64_t number) {
  switch (space) {
    case Space::account:
    case Space::true_account: return padded(number, 6);
    case Space::contact: return "C" + padded(number / 10, 6) + "-" + std::to_string(number % 10);
    case Space::opportunity:
    case Space::true_opportunity: return "O" + padded(number / 1000, 6) + "-" + std::to_string(number % 1000);
    case Space::subscription: return "S" + padded(number / 1000, 6) + "-" + std::to_string(number % 1000);
    case Space::invoice: return "T" + padded(number / 1'000'000, 6) + "-" + padded(number % 1'000'000, 6);
    case Space::lead: return "L" + padded(number, 13);
    case Space::activity: return "V" + padded(number, 12);
    case Space::quota: return "Q" + padded(number, 7);
    case Space::spend: return "X" + padded(number, 5);
    case Space::value: return value_text(number);
    case Space::none: break;
  }
  return {};
}

std::vector<TableSpec> table_specs(const World& world) {
  const auto text = [](std::string name, const std::vector<std::string>& list) {
    return ColumnSpec{std::move(name), Type::string, words(list), Space::none, ""};
  };
  const auto of = [](std::string name, Space space, const char* prefix = "") {
    return ColumnSpec{std::move(name), Type::string, nullptr, space, prefix};
  };
  const auto plain = [](std::string name, Type type) {
    return ColumnSpec{std::move(name), type, nullptr, Space::none, ""};
  };
  const int reps = world.options.reps;
  const auto sellers = numbered("R", reps, 3);
  const auto managers = numbered("M", world.teams, 3);
  const auto people = joined(sellers, managers);
  const auto teams = joined({"T000"}, numbered("T", world.teams, 3));
  const auto& currencies = world.currencies;
  const std::vector<std::string> products{"P1", "P2", "P3", "P4"};
  const std::vector<std::string> campaigns{"spring", "autumn", "webinar", "trade_fair"};
  std::vector<std::string> zone_names;
  for (const Zone& zone : zones()) zone_names.emplace_back(zone.name);

  return {
      {"account",
       {of("account_id", Space::account, "A"), of("name", Space::account, "Account "),
        text("industry", Words::industries()), text("segment", Words::segments()),
        text("region", Words::regions()), text("country", Words::countries()),
        plain("employees", Type::int64), plain("annual_revenue", Type::money), text("currency", currencies),
        text("owner_id", sellers), text("type", {"prospect", "customer"}),
        plain("created_at", Type::timestamp), plain("customer_since", Type::date)}},
      {"contact",
       {of("contact_id", Space::contact), of("account_id", Space::account, "A"),
        text("title", {"buyer", "user", "sponsor", "technical lead"}), plain("created_at", Type::timestamp),
        plain("opted_out", Type::boolean)}},
      {"lead",
       {of("lead_id", Space::lead), plain("created_at", Type::timestamp),
        plain("available_at", Type::timestamp), text("source", Words::sources()), text("campaign", campaigns),
        text("status", {"new", "working", "converted", "disqualified"}), text("owner_id", sellers),
        of("company", Space::lead, "Company "), text("country", Words::countries()),
        text("industry", Words::industries()), plain("converted_at", Type::timestamp),
        of("converted_account_id", Space::account, "A"), of("converted_contact_id", Space::contact),
        of("converted_opportunity_id", Space::opportunity), plain("disqualified_at", Type::timestamp)}},
      {"opportunity",
       {of("opportunity_id", Space::opportunity),
        of("account_id", Space::account, "A"),
        of("name", Space::opportunity, "Deal "),
        text("pipeline_id", Words::pipelines()),
        plain("created_at", Type::timestamp),
        text("stage_id", Words::stages()),
        plain("amount", Type::money),
        text("currency", currencies),
        plain("recurring_amount", Type::money),
        plain("list_amount", Type::money),
        plain("close_date", Type::date),
        plain("closed_at", Type::timestamp),
        plain("is_closed", Type::boolean),
        plain("is_won", Type::boolean),
        plain("probability", Type::float64),
        text("forecast_category", Words::categories()),
        text("owner_id", sellers),
        text("type", Words::types()),
        text("source", Words::sources()),
        text("campaign", campaigns),
        text("loss_reason", Words::loss_reasons()),
        text("next_step", Words::next_steps()),
        plain("term_months", Type::float64),
        of("lead_id", Space::lead)}},
      {"opportunity_event",
       {of("opportunity_id", Space::opportunity), plain("at", Type::timestamp), plain("seq", Type::int64),
        text("field",
             {"created", "stage", "amount", "close_date", "owner", "forecast_category", "probability"}),
        of("old", Space::value), of("new", Space::value), text("actor_id", sellers)}},
      {"stage_def",
       {text("pipeline_id", Words::pipelines()), text("stage_id", Words::stages()),
        text("label", Words::stages()), plain("rank", Type::int32), text("type", {"open", "won", "lost"}),
        plain("probability", Type::float64), plain("target_days", Type::float64)}},
      {"activity",
       {of("activity_id", Space::activity), text("type", {"call", "email", "meeting", "note"}),
        text("direction", {"out", "in"}), plain("at", Type::timestamp), plain("duration_s", Type::int64),
        text("outcome", {"connected", "no_answer", "left_message"}), text("actor_id", sellers),
        of("lead_id", Space::lead), of("contact_id", Space::contact),
        of("opportunity_id", Space::opportunity), of("account_id", Space::account, "A"),
        plain("is_automated", Type::boolean), plain("is_completed", Type::boolean)}},
      {"rep",
       {text("rep_id", people),
        text("name", joined(numbered("Rep ", reps, 2), numbered("Manager ", world.teams, 2))),
        plain("hire_date", Type::date), plain("leave_date", Type::date), text("role", {"seller", "manager"}),
        text("manager_id", managers), text("time_zone", zone_names), plain("is_active", Type::boolean)}},
      {"rep_assignment",
       {text("rep_id", people), plain("valid_from", Type::date), plain("valid_to", Type::date),
        text("team_id", teams), text("manager_id", managers), text("role", {"seller", "manager"}),
        plain("fte", Type::float64)}},
      {"team",
       {text("team_id", teams), text("parent_id", {"T000"}),
        text("name", joined({"Company"}, numbered("Team ", world.teams, 2)))}},
      {"quota",
       {of("quota_id", Space::quota), text("holder_type", {"rep", "team", "company"}),
        text("holder_id", joined(sellers, teams)), text("measure", {"bookings"}),
        plain("period_start", Type::date), plain("period_end", Type::date), plain("amount", Type::money),
        text("currency", currencies), plain("version", Type::int64), plain("approved_at", Type::timestamp),
        plain("valid_from", Type::date)}},
      {"transaction",
       {of("txn_id", Space::invoice), plain("line_no", Type::int64), of("account_id", Space::account, "A"),
        of("opportunity_id", Space::opportunity), text("product_id", products), plain("at", Type::timestamp),
        text("kind", {"invoice", "refund"}), plain("qty", Type::float64), plain("amount", Type::money),
        text("currency", currencies), of("reverses_txn_id", Space::invoice)}},
      {"subscription",
       {of("subscription_id", Space::subscription), of("account_id", Space::account, "A"),
        text("plan", products), plain("start", Type::date), plain("end", Type::date),
        plain("cancel_at", Type::timestamp), text("interval", {"month", "year"}),
        plain("interval_count", Type::int64), plain("qty", Type::float64), plain("unit_amount", Type::money),
        text("currency", currencies), text("status", {"active", "cancelled"})}},
      {"subscription_event",
       {of("subscription_id", Space::subscription), plain("at", Type::timestamp), plain("seq", Type::int64),
        text("type", {"start", "change", "renew", "cancel"}), plain("mrr_before", Type::money),
        plain("mrr_after", Type::money), text("currency", currencies)}},
      {"product",
       {text("product_id", products), text("name", {"Basic", "Plus", "Max", "Help"}),
        text("family", {"platform", "services"}), plain("list_price", Type::money),
        text("currency", currencies), plain("is_recurring", Type::boolean)}},
      {"spend",
       {of("spend_id", Space::spend), plain("period_start", Type::date), plain("period_end", Type::date),
        text("channel", {"website", "referral", "event", "partner", "outbound"}),
        plain("amount", Type::money), text("currency", currencies)}},
      {"target",
       {text("target_id", {"win_rate", "response", "coverage"}),
        text("metric", {"win_rate", "lead_response_time", "pipeline_coverage"}), text("scope", {"company"}),
        plain("period_start", Type::date), plain("period_end", Type::date), plain("value", Type::float64),
        text("direction", {"up", "down"})}},
      {"fx_rate",
       {plain("date", Type::date), text("from", currencies), text("to", currencies),
        text("kind", {"spot", "budget"}), plain("rate", Type::float64)}},
      {"deals",
       {of("opportunity_id", Space::true_opportunity), plain("created_at", Type::timestamp),
        text("type", Words::types()), text("segment", Words::segments()), text("source", Words::sources()),
        plain("win_probability", Type::float64), plain("is_won", Type::boolean),
        plain("closed_at", Type::timestamp), plain("amount", Type::money), text("currency", currencies)}},
      {"reps",
       {text("rep_id", sellers), plain("skill", Type::float64), plain("response_median_s", Type::float64),
        plain("never_share", Type::float64)}},
      {"stages",
       {text("pipeline_id", Words::pipelines()), text("stage_id", Words::stages()),
        text("segment", Words::segments()), plain("lose", Type::float64), plain("back", Type::float64),
        plain("skip", Type::float64), plain("advance_days", Type::float64), plain("lose_days", Type::float64),
        plain("shape_advance", Type::float64), plain("shape_lose", Type::float64)}},
      {"accounts",
       {of("account_id", Space::true_account, "A"), plain("churn_hazard", Type::float64),
        plain("affinity", Type::float64)}},
  };
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
