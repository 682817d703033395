#include <algorithm>

#include "../crm/known.hpp"
#include "groups.hpp"
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
      zero_amount(reason("zero_amount")),
      negative_amount(reason("negative_amount")),
      time_unknown(reason("time_unknown")),
      allow_negative(options.allow_negative),
      periods(!options.period.empty()),
      deals_(deals) {
  table = "opportunity";
  reserve(deals.size());
}

std::uint8_t DealFacts::amount_state(std::int64_t amount) const noexcept {
  if (amount == null_value) return null_amount;
  if (amount > 0 || allow_negative) return counted;
  return amount == 0 ? zero_amount : negative_amount;
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

namespace {

/// The parts of a scope, cut by the shortest length of time in `by`.
std::vector<Interval> cut(const Deals& deals, const Scope& scope, const Options& options) {
  Every shortest = Every::all;
  for (const std::string& name : options.by)
    shortest = std::min(shortest, every_of(name).value_or(Every::all));
  std::vector<Interval> pieces;
  for (const Scope::Part& part : scope.parts) {
    if (shortest == Every::all) {
      pieces.push_back(part.interval);
      continue;
    }
    const auto [created, last] = range_of(deals.created_at, options.execution);
    const std::int64_t begin = std::max(part.interval.start.us, created);
    const std::int64_t end = std::min(part.interval.end.us, scope.as_of.us + 1);
    if (created > last || begin >= end) continue;
    // A calendar of a table begins and ends somewhere: other days are in no piece.
    const Date after{day_of(end - 1, options) + 1};
    for (Date day{day_of(begin, options)}; day < after;) {
      const std::int32_t index = options.calendar.index_of(day, shortest);
      const bool known = index != FiscalCalendar::no_period;
      const Period period = known ? options.calendar.period_at(index, shortest) : Period{day, day + 1};
      day = period.end;
      if (known)
        pieces.push_back({std::max(part.interval.start, options.zone.start_of(period.start)),
                          std::min(part.interval.end, options.zone.start_of(period.end))});
    }
  }
  return pieces;
}

}  // namespace

DealFacts open_at_end(const Crm& crm, const Options& options, std::span<const std::int64_t> starts) {
  const Deals& deals = crm.deals();
  const Scope scope = scope_of(crm, options);
  DealFacts facts(deals, options);
  const auto unstarted = facts.reason(no_start(options));
  const auto reversed = facts.reason("negative_duration");
  const std::vector<Interval> pieces = cut(deals, scope, options);
  std::vector<std::int64_t> ends;
  for (const Interval& piece : pieces) ends.push_back(std::min(piece.end.us, scope.as_of.us + 1));
  const bool whole = scope.all && !pieces.empty() && pieces.back().end.us == INT64_MAX;
  const auto place = [&](std::int64_t at) {
    return static_cast<std::size_t>(std::ranges::upper_bound(ends, at) - ends.begin());
  };
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const std::int64_t created = deals.created_at[deal], closed = deals.closed_at[deal];
    const std::size_t first = created == null_value || whole ? 0 : place(created);
    const std::size_t last = deals.status[deal] == DealStatus::open ? ends.size()
                             : closed == null_value                 ? 0
                                                                    : place(closed);
    for (std::size_t i = first; i < last; ++i) {
      std::int64_t age = 1;
      std::uint8_t state = Facts::counted;
      if (!starts.empty() && starts[deal] == null_value) {
        state = unstarted;
      } else if (!starts.empty()) {
        age = std::min(pieces[i].end.us, scope.as_of.us) - starts[deal];
        if (age < 0) state = options.start == Start::created ? reversed : unstarted;
      }
      facts.put(deal, std::max(pieces[i].start.us, ends[i] - 1), state == Facts::counted ? age : 0, 1, state);
    }
  }
  return facts;
}

std::string currency_of(const Crm& crm, const Facts& facts, const Options& options) {
  if (!crm.currency().empty() || options.where.empty()) return one_currency(crm, facts.table, facts.row);
  const auto chosen = matches(crm, facts.table, options.where, facts.row, facts.at, options.zone);
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

void flag_unfinished(const Scope& scope, Result& result) {
  for (const Scope::Part& part : scope.parts)
    for (Metric& metric : result.metrics)
      if (!scope.all && part.interval.end > scope.as_of && metric.state.empty() &&
          (scope.parts.size() == 1 || metric.keys.front() == part.label))
        metric.state = "period not over";
}

void require_close_dates(const Crm& crm, std::string_view kpi) {
  if (!crm.history().tracks(Field::close_date))
    throw UsageError(std::string(kpi) +
                     " needs the change history of close dates: table 'opportunity_event' (field "
                     "'close_date'), 'opportunity_snapshot' or 'opportunity_version'");
}

void withhold(Metric& metric, std::string_view why) {
  metric.value.reset();
  metric.low = metric.high = std::nullopt;
  metric.interval_note.clear();
  metric.state = why;
}

void refuse_amounts_at_win(Metric& metric) { withhold(metric, "amounts are known of won deals alone"); }

void refuse_amounts_at_win(const Crm& crm, Result& result) {
  if (!crm_detail::amounts_at_win(crm)) return;
  for (Metric& metric : result.metrics)
    if (metric.value && metric.n > 0) refuse_amounts_at_win(metric);
}

void report_present_amounts(const Crm& crm, Result& result) {
  if (!crm.history().tracks(Field::amount))
    result.warnings.emplace_back("amounts have no history in this book: these are the present ones");
}

namespace {

/// Calls `work` with the metrics of the same groups.
template <class Work>
void each_pair(Result& into, const Result& from, Work work) {
  std::map<std::pair<std::vector<std::string>, std::vector<std::uint8_t>>, const Metric*> found;
  for (const Metric& metric : from.metrics) found.emplace(std::pair(metric.keys, metric.key_null), &metric);
  for (Metric& metric : into.metrics)
    if (const auto other = found.find({metric.keys, metric.key_null}); other != found.end())
      work(metric, *other->second);
}

}  // namespace

void attach(Result& into, const Result& from, const std::string& name, const std::string& detail) {
  each_pair(into, from, [&](Metric& metric, const Metric& match) {
    if (detail.empty()) {
      if (match.value) metric.details[name] = *match.value;
    } else if (const auto value = match.details.find(detail); value != match.details.end()) {
      metric.details[name] = value->second;
    }
  });
}

void attach_excluded(Result& into, const Result& from) {
  each_pair(into, from, [](Metric& metric, const Metric& match) {
    for (const auto& [reason, rows] : match.excluded) {
      std::int64_t& all = metric.excluded[reason];
      all = std::max(all, rows);
    }
  });
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
