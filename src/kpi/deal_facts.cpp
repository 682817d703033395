#include <algorithm>

#include "visits.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

Mode mode_of(const Options& options, std::string_view name, std::initializer_list<Mode> allowed) {
  check(options);
  if (options.mode == Mode::standard) return *allowed.begin();
  if (std::find(allowed.begin(), allowed.end(), options.mode) != allowed.end()) return options.mode;
  std::string text =
      std::string(name) + ": mode " + std::string(mode_name(options.mode)) + " isn't defined here; use";
  for (const Mode mode : allowed) text += " " + std::string(mode_name(mode));
  throw UsageError(text);
}

Visits visits_asked(const Options& options, std::string_view name, std::initializer_list<Visits> allowed) {
  if (options.visits == Visits::standard) return *allowed.begin();
  if (std::find(allowed.begin(), allowed.end(), options.visits) != allowed.end()) return options.visits;
  constexpr std::string_view names[] = {"", "first", "each", "deal", "latest", "cumulative", "current"};
  std::string text = std::string(name) + ": visits is one of";
  for (const Visits visits : allowed)
    text += " '" + std::string(names[static_cast<std::size_t>(visits)]) + "'";
  throw UsageError(text);
}

Options with_period(const Options& options) {
  Options result = options;
  if (result.period.empty()) result.period = "this quarter";
  return result;
}

DealFacts::DealFacts(const Deals& deals, const Options& options)
    : deleted(reason("deleted")),
      null_amount(reason("null_amount")),
      negative_amount(reason("negative_amount")),
      allow_negative(options.allow_negative),
      deals_(deals) {
  table = "opportunity";
  reserve(deals.size());
}

std::uint8_t DealFacts::amount_state(std::int64_t amount) const noexcept {
  if (amount == null_value) return null_amount;
  return amount <= 0 && !allow_negative ? negative_amount : counted;
}

NoDecision::NoDecision(const Crm& crm, const Options& options) {
  if (options.no_decision.empty()) return;
  require(crm, "no_decision", "opportunity", "loss_reason");
  reasons_ = &crm.column("opportunity", "loss_reason");
  const Dictionary& dictionary = reasons_->dictionary();
  named_.assign(dictionary.size(), 0);
  for (const std::string& reason : options.no_decision)
    if (const auto code = dictionary.find(reason); code >= 0)
      named_[static_cast<std::size_t>(code)] = 1;
    else
      unknown_.push_back(reason);
}

void NoDecision::report(Result& result) const {
  for (const std::string& reason : unknown_)
    result.warnings.push_back("no_decision: no deal of this book has the loss reason '" + reason + "'");
}

std::string no_decision_text(const Options& options) {
  std::string text;
  for (const std::string& reason : options.no_decision) text += (text.empty() ? "" : ", ") + reason;
  return text.empty() ? text : "; losses for " + text + " are no outcome";
}

DealFacts open_at_end(const Crm& crm, const Options& options, std::span<const std::int64_t> starts) {
  const Deals& deals = crm.deals();
  const Scope scope = scope_of(crm, options);
  DealFacts facts(deals, options);
  const auto unstarted = facts.reason(no_start(options));
  const auto reversed = facts.reason("negative_duration");
  for (const Scope::Part& part : scope.parts) {
    const std::int64_t end = std::min(part.interval.end.us, scope.as_of.us + 1);
    for (std::size_t deal = 0; deal < deals.size(); ++deal) {
      tick(deal);
      const std::int64_t created = deals.created_at[deal], closed = deals.closed_at[deal];
      const bool begun = created == null_value || created < end || scope.all;
      const bool lasts = deals.status[deal] == DealStatus::open || (closed != null_value && closed >= end);
      if (!begun || !lasts) continue;
      std::int64_t age = 1;
      std::uint8_t state = Facts::counted;
      if (!starts.empty() && starts[deal] == null_value) {
        state = unstarted;
      } else if (!starts.empty()) {
        age = std::min(part.interval.end.us, scope.as_of.us) - starts[deal];
        if (age < 0) state = options.start == Start::created ? reversed : unstarted;
      }
      facts.put(deal, std::max(part.interval.start.us, end - 1), state == Facts::counted ? age : 0, 1, state);
    }
  }
  return facts;
}

std::string currency_of(const Crm& crm, const Facts& facts, const Options& options) {
  if (!crm.currency().empty() || options.where.empty()) return one_currency(crm, facts.table, facts.row);
  const auto chosen = matches(crm, facts.table, options.where, facts.row, facts.at);
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i] != 0) rows.push_back(facts.row[i]);
  return one_currency(crm, facts.table, rows);
}

void DealFacts::in_money(const Crm& crm, const Options& options, bool share) {
  const std::string currency = currency_of(crm, *this, options);
  scale = major_units(currency);
  if (share)
    denominator_scale = scale;
  else
    unit = currency;
}

std::vector<std::string> ids_of(const Crm& crm, const std::string& table,
                                std::span<const std::int64_t> rows) {
  std::vector<std::string> ids;
  if (rows.empty()) return ids;
  // A part of a key may be absent.
  const auto names = table_model(table).keys();
  const auto key =
      std::find_if(names.begin(), names.end(), [&](const auto& name) { return crm.has(table, name); });
  const Column& keys = crm.column(table, *key);
  ids.reserve(rows.size());
  for (const std::int64_t row : rows) ids.push_back(keys.cell(static_cast<std::size_t>(row)));
  return ids;
}

std::vector<std::vector<std::string>> ids_of(const Crm& crm, const Result& result) {
  std::vector<std::vector<std::string>> ids(result.metrics.size());
  if (std::all_of(result.metrics.begin(), result.metrics.end(),
                  [](const Metric& metric) { return metric.rows.empty(); }))
    return ids;
  Options then;
  then.as_of = result.as_of;
  const Crm book = rewound(crm, then);
  for (std::size_t g = 0; g < ids.size(); ++g) ids[g] = ids_of(book, result.table, result.metrics[g].rows);
  return ids;
}

void require(const Crm& crm, std::string_view kpi, std::string_view table, std::string_view column) {
  if (!crm.has(table, column))
    throw UsageError(std::string(kpi) + " needs column '" + std::string(column) + "' of table '" +
                     std::string(table) + "', which this book lacks");
}

void attach(Result& into, const Result& from, const std::string& name, const std::string& detail) {
  std::map<std::pair<std::vector<std::string>, std::vector<std::uint8_t>>, const Metric*> found;
  for (const Metric& metric : from.metrics) found.emplace(std::pair(metric.keys, metric.key_null), &metric);
  for (Metric& metric : into.metrics) {
    const auto other = found.find({metric.keys, metric.key_null});
    if (other == found.end()) continue;
    const Metric& match = *other->second;
    if (detail.empty()) {
      if (match.value) metric.details[name] = *match.value;
    } else if (const auto value = match.details.find(detail); value != match.details.end()) {
      metric.details[name] = value->second;
    }
  }
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
