#include "salesops/kpi/leads.hpp"

#include <algorithm>
#include <map>

#include "../crm/lasting.hpp"
#include "lead_facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// How many different values there are.
template <class T>
double distinct(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return static_cast<double>(std::unique(values.begin(), values.end()) - values.begin());
}

/// Whether an outcome says that somebody answered: "connected", "Connected - left message", ….
bool is_connect(std::string_view outcome) {
  constexpr std::string_view word = "connect";
  return outcome.size() >= word.size() &&
         std::ranges::equal(outcome.substr(0, word.size()), word,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace

Leads::Leads(const Crm& crm) {
  const Table& table = crm.table("lead");
  const auto times = [&](std::string_view name) {
    std::vector<std::int64_t> result(table.num_rows(), null_value);
    if (const Column* column = table.find(name)) {
      const auto values = column->values<std::int64_t>();
      for (std::size_t row = 0; row < result.size(); ++row)
        if (column->valid(row)) result[row] = values[row];
    }
    return result;
  };
  created = times("created_at");
  available = times("available_at");
  reassigned = times("reassigned_at");
  converted = times("converted_at");
  disqualified = times("disqualified_at");
  mql = times("mql_at");
  qualified = times("qualified_at");
  is_converted.assign(size(), 0);
  for (std::size_t row = 0; row < size(); ++row) is_converted[row] = converted[row] != null_value;
  for (const char* name : {"converted_opportunity_id", "converted_account_id", "converted_contact_id"})
    if (const Column* column = table.find(name))
      for (std::size_t row = 0; row < size(); ++row)
        if (column->valid(row)) is_converted[row] = 1;
  const auto deals = crm.link("lead", "converted_opportunity_id");
  deal.assign(deals.begin(), deals.end());
  merged.assign(size(), 0);
  const Column* column = table.find("merged_into");
  if (column == nullptr) return;
  // Leads that were merged into each other all stay: none of them is the one that remained.
  const auto into = crm.link("lead", "merged_into");
  for (std::size_t row = 0; row < size(); ++row) {
    merged[row] = column->valid(row) && (into[row] < 0 || into[static_cast<std::size_t>(into[row])] < 0);
    if (merged[row] != 0 && into[row] >= 0) take_over(static_cast<std::size_t>(into[row]), row);
  }
}

void Leads::take_over(std::size_t survivor, std::size_t gone) {
  const auto earliest = [&](std::vector<std::int64_t>& times) {
    std::int64_t& own = times[survivor];
    if (own == null_value || (times[gone] != null_value && times[gone] < own)) own = times[gone];
  };
  // Who wasn't routed was there from the start.
  if (available[survivor] != null_value || available[gone] != null_value) {
    for (const std::size_t row : {survivor, gone})
      if (available[row] == null_value) available[row] = created[row];
    earliest(available);
  }
  earliest(created);
  earliest(converted);
  earliest(mql);
  earliest(qualified);
  if (is_converted[gone] != 0) is_converted[survivor] = 1;
  if (!deal.empty() && deal[survivor] < 0) deal[survivor] = deal[gone];
}

Result lead_conversion(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "lead_conversion");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const std::int64_t as_of = now_of(crm);
  const std::int64_t window = options.window_days * us_per_day;
  const std::string days = std::to_string(options.window_days) + " days";
  LeadFacts facts(leads);
  const auto too_young = facts.reason("younger_than_window");
  const auto reversed = facts.reason("converted_before_created");
  std::string definition;
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    tick(lead);
    const std::int64_t created = leads.created[lead], converted = leads.converted[lead];
    const bool won = leads.is_converted[lead] != 0 && converted <= as_of;  // null is the least
    const bool untimed = won && converted == null_value;
    switch (mode) {
      case Mode::created_cohort: facts.put(lead, won ? 1 : 0, 1); break;
      case Mode::closed_in_period:
        // Two facts: created in one period, converted in another, perhaps the same.
        facts.put(lead, 0, 1);
        if (won && !facts.excludes(lead))
          facts.add(lead, converted, 1, 0,
                    untimed && !options.period.empty() ? facts.time_unknown : Facts::counted);
        break;
      case Mode::window_cohort:
        if (created == null_value || created + window > as_of)
          facts.put(lead, 0, 0, too_young);
        else
          facts.put(lead, won && converted <= created + window ? 1 : 0, 1,
                    untimed ? facts.time_unknown : Facts::counted);
        break;
      case Mode::survival: {
        const bool lost = leads.disqualified[lead] != null_value && leads.disqualified[lead] <= as_of && !won;
        const std::int64_t end = won ? converted : lost ? leads.disqualified[lead] : as_of;
        if (untimed && created != null_value) {
          facts.put(lead, 0, 0, facts.time_unknown);
          break;
        }
        const std::int64_t took = created == null_value ? -1 : crm_detail::lasted(created, end, options.zone);
        if (created == null_value || (won && took < 0))
          facts.put(lead, 0, 0, reversed);
        else
          facts.put(lead, std::max<std::int64_t>(took, 0), won ? 1 : lost ? 2 : 0);
        break;
      }
      default: break;
    }
  }
  switch (mode) {
    case Mode::created_cohort:
      definition = "leads converted by as_of, won or not, ÷ leads created in the period";
      break;
    case Mode::closed_in_period: definition = "leads converted in the period ÷ leads created in it"; break;
    case Mode::window_cohort:
      definition = "leads converted within " + days + " ÷ leads created in the period, at least that old";
      break;
    default:
      definition = "share converted within " + days +
                   " (Aalen–Johansen: open leads censored, disqualified ones ended)";
      break;
  }
  if (mode == Mode::survival) {
    facts.shape = Shape::incidence;
    facts.scale = 1.0 / static_cast<double>(us_per_day);
    facts.horizon = options.window_days;
  } else if (mode == Mode::closed_in_period) {
    facts.shape = Shape::ratio;
  }
  const auto& deal_of = leads.deal;
  if (mode == Mode::closed_in_period)
    facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
      // A lead that was created and converted in the period counts once.
      std::vector<std::int64_t> rows;
      for (const std::int32_t fact : counted) rows.push_back(facts.row[static_cast<std::size_t>(fact)]);
      std::sort(rows.begin(), rows.end());
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
      metric.n = static_cast<std::int64_t>(rows.size());
      if (options.keep_rows) metric.rows = std::move(rows);
    };
  if (mode == Mode::created_cohort)
    facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
      double customers = 0, without_deal = 0;
      for (const std::int32_t fact : counted) {
        const auto i = static_cast<std::size_t>(fact);
        const auto lead = static_cast<std::size_t>(facts.row[i]);
        if (facts.numerator[i] == 0) {
          metric.censored += leads.ended(lead) ? 0 : 1;
        } else if (!deal_of.empty()) {
          const std::int32_t deal = deal_of[lead];
          without_deal += deal < 0 ? 1 : 0;
          customers +=
              deal >= 0 && crm.deals().status[static_cast<std::size_t>(deal)] == DealStatus::won ? 1 : 0;
        }
      }
      if (deal_of.empty() || metric.denominator == 0) return;
      metric.details["won_share"] = customers / metric.denominator;
      metric.details["without_opportunity"] = without_deal;
    };
  Result result = summarise(crm, facts, options, "lead_conversion", definition, mode);
  if (mode != Mode::survival) {
    Options later = options;
    later.mode = Mode::survival;
    later.as_of.reset();  // the book knows
    later.keep_rows = false;
    attach(result, lead_conversion(crm, later), "survival");
  }
  if (mode == Mode::closed_in_period)
    result.warnings.emplace_back(
        "mixes cohorts: those who convert in a period were mostly created before it; it may exceed 100 %");
  if (mode == Mode::created_cohort)
    result.warnings.emplace_back("young leads may still convert; mode=\"survival\" allows for it");
  return result;
}

Result activity(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "activity");
  const Crm crm = rewound(book, options);
  const Table& table = crm.table("activity");
  const Column& at = crm.column("activity", "at");
  const Column* completed = table.find("is_completed");
  const Column* type = table.find("type");
  const Column* automated = table.find("is_automated");
  const auto times = at.values<std::int64_t>();
  Facts facts;
  facts.table = "activity";
  facts.reserve(table.num_rows());
  facts.shape = Shape::total;
  facts.unit = "count";
  const auto no_time = facts.reason("no_time"), by_machine = facts.reason("automated");
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    const bool open =
        completed != nullptr && completed->valid(row) && completed->values<std::uint8_t>()[row] == 0;
    const bool machine =
        automated != nullptr && automated->valid(row) && automated->values<std::uint8_t>()[row] != 0;
    if (at.is_null(row))
      facts.add(row, null_value, 0, 0, no_time);
    else
      facts.add(row, times[row], 1, 1, machine ? by_machine : open ? Facts::censored : Facts::counted);
  }
  Options keep = options;
  keep.keep_rows = true;
  Result result = summarise(crm, facts, keep, "activity", "completed activities of people", mode);
  const auto actor = crm.link("activity", "actor_id");
  const auto lead_of = crm.link("activity", "lead_id");
  const auto deal_of = crm.link("activity", "opportunity_id");
  const Column* outcome = table.find("outcome");
  for (Metric& metric : result.metrics) {
    std::vector<std::pair<std::int32_t, std::int32_t>> days;  // of reps
    std::vector<std::int32_t> reps, leads, met;               // `met`: deals
    std::map<std::string, double> by_reps{{"calls", 0}, {"emails", 0}, {"meetings", 0}};
    for (const std::int64_t row : metric.rows) {
      const auto r = static_cast<std::size_t>(row);
      const std::string name = type != nullptr && type->valid(r) ? std::string(type->text(r)) + "s" : "";
      if (!name.empty()) metric.details[name] += 1;
      if (name == "meetings" && !deal_of.empty() && deal_of[r] >= 0) met.push_back(deal_of[r]);
      const bool connect =
          name == "calls" && outcome != nullptr && outcome->valid(r) && is_connect(outcome->text(r));
      if (connect) metric.details["connects"] += 1;
      if (!actor.empty() && actor[r] >= 0) reps.push_back(actor[r]);
      if (!lead_of.empty() && lead_of[r] >= 0) leads.push_back(lead_of[r]);
      if (actor.empty() || actor[r] < 0) continue;
      days.emplace_back(actor[r], day_of(times[r], options));
      if (connect) by_reps["connects"] += 1;
      if (const auto known = by_reps.find(name); known != by_reps.end()) known->second += 1;
    }
    if (const auto meetings = metric.details.find("meetings"); meetings != metric.details.end()) {
      metric.details["meetings_per_activity"] = meetings->second / metric.numerator;
      if (!deal_of.empty()) metric.details["opportunities_per_meeting"] = distinct(met) / meetings->second;
    }
    if (const double touched = distinct(leads); touched > 0)
      metric.details["per_lead"] = static_cast<double>(leads.size()) / touched;
    if (const double people = distinct(reps); people > 0) {
      metric.details["reps"] = people;
      metric.details["per_rep"] = metric.numerator / people;
    }
    if (const double worked = distinct(days); worked > 0) {
      metric.details["rep_days"] = worked;
      for (const auto& [name, count] : by_reps) metric.details[name + "_per_rep_day"] = count / worked;
    }
    if (!options.keep_rows) metric.rows.clear();
  }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
