#include <algorithm>
#include <array>
#include <cmath>

#include "salesops/kpi.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr double minute = 60.0 * static_cast<double>(us_per_second);

/// Times of leads, null where the book doesn't say.
struct Leads {
  std::vector<std::int64_t> created, available, converted, disqualified, mql, qualified;
  std::vector<std::uint8_t> merged;

  explicit Leads(const Crm& crm) {
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
    converted = times("converted_at");
    disqualified = times("disqualified_at");
    mql = times("mql_at");
    qualified = times("qualified_at");
    merged.assign(table.num_rows(), 0);
    if (const Column* column = table.find("merged_into"))
      for (std::size_t row = 0; row < merged.size(); ++row) merged[row] = column->valid(row);
  }
  [[nodiscard]] std::size_t size() const { return created.size(); }
  [[nodiscard]] std::int64_t start(std::size_t row) const {
    return available[row] != null_value ? available[row] : created[row];
  }
};

std::int64_t as_of_us(const Crm& crm, const Options& options) {
  return options.as_of.value_or(crm.latest()).us;
}

/// First outbound activity by a person for each lead; `before` counts leads touched before their clock.
std::vector<std::int64_t> first_touches(const Crm& crm, const Leads& leads,
                                        std::vector<std::uint8_t>& before) {
  std::vector<std::int64_t> first(leads.size(), null_value);
  before.assign(leads.size(), 0);
  const Table& table = crm.table("activity");
  const Column& at = crm.column("activity", "at");
  (void)crm.column("activity", "lead_id");
  const auto lead_of = crm.link("activity", "lead_id");
  const Column* direction = table.find("direction");
  const Column* type = table.find("type");
  const Column* automated = table.find("is_automated");
  const auto times = at.values<std::int64_t>();
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    if (lead_of[row] < 0 || at.is_null(row)) continue;
    if (direction != nullptr && direction->valid(row) && direction->text(row) == "in") continue;
    if (automated != nullptr && automated->valid(row) && automated->values<std::uint8_t>()[row] != 0)
      continue;
    if (type != nullptr && type->valid(row) && (type->text(row) == "note" || type->text(row) == "task"))
      continue;
    const auto lead = static_cast<std::size_t>(lead_of[row]);
    if (leads.created[lead] != null_value && times[row] < leads.created[lead]) {
      before[lead] = 1;
      continue;
    }
    // Who is touched before being routed needn't wait any more.
    const std::int64_t touched = std::max(times[row], leads.start(lead));
    if (first[lead] == null_value || touched < first[lead]) first[lead] = touched;
  }
  return first;
}

/// Minutes from the clock's start to the answer, or to as_of when there is none, as microseconds.
struct Responses {
  std::vector<std::int64_t> waited;
  std::vector<std::uint8_t> answered, before;

  Responses(const Crm& crm, const Leads& leads, const Options& options) {
    const std::vector<std::int64_t> first = first_touches(crm, leads, before);
    const std::int64_t as_of = as_of_us(crm, options);
    waited.assign(leads.size(), 0);
    answered.assign(leads.size(), 0);
    for (std::size_t lead = 0; lead < leads.size(); ++lead) {
      tick(lead);
      const std::int64_t start = leads.start(lead);
      if (start == null_value) continue;
      answered[lead] = first[lead] != null_value;
      // A lead that was closed without an answer can't be answered any more: it waited until then.
      std::int64_t end = answered[lead] != 0 ? first[lead] : as_of;
      if (answered[lead] == 0)
        for (const std::int64_t closed : {leads.converted[lead], leads.disqualified[lead]})
          if (closed != null_value) end = std::min(end, closed);
      end = std::max(end, start);
      waited[lead] =
          options.hours ? options.hours->elapsed(Instant{start}, Instant{end}, Reversed::zero) : end - start;
    }
  }
};

/// Facts about leads, placed at their creation; merged ones and those without a time are left out.
struct LeadFacts : Facts {
  explicit LeadFacts(const Leads& leads)
      : merged(reason("merged")), no_time(reason("no_creation_time")), leads_(leads) {
    table = "lead";
    reserve(leads.size());
  }
  [[nodiscard]] bool excludes(std::size_t lead) const {
    return leads_.merged[lead] != 0 || leads_.created[lead] == null_value;
  }
  void put(std::size_t lead, std::int64_t top, std::int64_t bottom, std::uint8_t how = counted) {
    const bool excluded = excludes(lead);
    if (excluded) how = leads_.merged[lead] != 0 ? merged : no_time;
    add(lead, leads_.created[lead], excluded ? 0 : top, excluded ? 0 : bottom, how);
  }

  std::uint8_t merged, no_time;

 private:
  const Leads& leads_;
};

}  // namespace

Result lead_conversion(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "lead_conversion");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const std::int64_t as_of = as_of_us(crm, options);
  const std::int64_t window = options.window_days * us_per_day;
  const std::string days = std::to_string(options.window_days) + " days";
  LeadFacts facts(leads);
  const auto too_young = facts.reason("younger_than_window");
  const auto reversed = facts.reason("converted_before_created");
  std::string definition;
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    tick(lead);
    const std::int64_t created = leads.created[lead], converted = leads.converted[lead];
    const bool won = converted != null_value && converted <= as_of;
    switch (mode) {
      case Mode::created_cohort: facts.put(lead, won ? 1 : 0, 1); break;
      case Mode::closed_in_period:
        // Two facts: created in one period, converted in another, perhaps the same.
        facts.put(lead, 0, 1);
        if (won && !facts.excludes(lead)) facts.add(lead, converted, 1, 0);
        break;
      case Mode::window_cohort:
        if (created == null_value || created + window > as_of)
          facts.put(lead, 0, 0, too_young);
        else
          facts.put(lead, won && converted <= created + window ? 1 : 0, 1);
        break;
      case Mode::survival: {
        const bool lost = leads.disqualified[lead] != null_value && leads.disqualified[lead] <= as_of && !won;
        const std::int64_t end = won ? converted : lost ? leads.disqualified[lead] : as_of;
        if (created == null_value || (won && end < created))
          facts.put(lead, 0, 0, reversed);
        else
          facts.put(lead, std::max<std::int64_t>(end - created, 0), won ? 1 : lost ? 2 : 0);
        break;
      }
      default: break;
    }
  }
  switch (mode) {
    case Mode::created_cohort: definition = "leads converted by as_of ÷ leads created in the period"; break;
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
  Result result = summarise(crm, facts, options, "lead_conversion", definition, mode);
  if (mode == Mode::closed_in_period)
    result.warnings.emplace_back(
        "mixes cohorts: those who convert in a period were mostly created before it; it may exceed 100 %");
  if (mode == Mode::created_cohort)
    result.warnings.emplace_back("young leads may still convert; mode=\"survival\" allows for it");
  return result;
}

Result lead_response_time(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "lead_response_time");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const Responses responses(crm, leads, options);
  LeadFacts facts(leads);
  const auto before = facts.reason("touched_before_created");
  for (std::size_t lead = 0; lead < leads.size(); ++lead)
    if (responses.before[lead] != 0)
      facts.put(lead, 0, 0, before);
    else
      facts.put(lead, responses.waited[lead], responses.answered[lead]);
  facts.shape = Shape::incidence;
  facts.scale = 1.0 / minute;
  facts.horizon = options.target_minutes;
  Result result =
      summarise(crm, facts, options, "lead_response_time",
                "share of leads answered within " + std::to_string(static_cast<int>(options.target_minutes)) +
                    (options.hours ? " business" : "") +
                    " minutes of being available (Kaplan–Meier over all leads); median and p90 in minutes",
                mode);
  for (Metric& metric : result.metrics)
    if (metric.n > 0)
      metric.details["never"] = static_cast<double>(metric.censored) / static_cast<double>(metric.n);
  return result;
}

Result sla_compliance(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "sla_compliance");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const Responses responses(crm, leads, options);
  LeadFacts facts(leads);
  const auto before = facts.reason("touched_before_created");
  const auto target = static_cast<std::int64_t>(options.target_minutes * minute);
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    tick(lead);
    const bool within = responses.waited[lead] <= target;
    if (responses.before[lead] != 0)
      facts.put(lead, 0, 0, before);
    else if (responses.answered[lead] == 0 && within)
      facts.put(lead, 0, 0, Facts::censored);
    else
      facts.put(lead, responses.answered[lead] != 0 && within ? 1 : 0, 1);
  }
  return summarise(crm, facts, options, "sla_compliance",
                   "leads answered within the target ÷ leads answered or whose time has run out", mode);
}

Result response_bands(const Crm& book, const Options& options) {
  struct Band {
    std::string_view label;
    double up_to;
  };
  static constexpr std::array<Band, 5> bands{{{"5 min or less", 5},
                                              {"5 to 15 min", 15},
                                              {"15 to 60 min", 60},
                                              {"1 to 4 h", 240},
                                              {"over 4 h", INFINITY}}};
  const Mode mode = mode_for(book, options, "response_bands");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const Responses responses(crm, leads, options);
  Result result;
  for (std::size_t band = 0; band <= bands.size(); ++band) {
    LeadFacts facts(leads);
    for (std::size_t lead = 0; lead < leads.size(); ++lead) {
      tick(lead);
      const double minutes = static_cast<double>(responses.waited[lead]) / minute;
      const auto place =
          responses.answered[lead] == 0
              ? bands.size()
              : static_cast<std::size_t>(std::find_if(bands.begin(), bands.end(),
                                                      [&](const Band& b) { return minutes <= b.up_to; }) -
                                         bands.begin());
      if (place != band || responses.before[lead] != 0) continue;
      facts.put(lead, leads.converted[lead] != null_value ? 1 : 0, 1);
    }
    Result part = summarise(crm, facts, options, "response_bands",
                            "leads converted by as_of ÷ leads created in the period, by time to the first "
                            "answer; an association, not an effect",
                            mode);
    const std::string label = band < bands.size() ? std::string(bands[band].label) : "never";
    for (Metric& metric : part.metrics) {
      metric.keys.insert(metric.keys.begin(), label);
      metric.key_null.insert(metric.key_null.begin(), 0);
    }
    part.by.insert(part.by.begin(), "band");
    if (band == 0)
      result = std::move(part);
    else
      result.metrics.insert(result.metrics.end(), part.metrics.begin(), part.metrics.end());
  }
  return result;
}

Result funnel(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "funnel");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const auto deal_of = crm.link("lead", "converted_opportunity_id");
  static constexpr std::array<std::string_view, 5> steps{"lead", "mql", "sql", "opportunity", "won"};
  // The furthest step of each lead.
  std::vector<std::size_t> reached(leads.size(), 0);
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    tick(lead);
    if (leads.mql[lead] != null_value) reached[lead] = 1;
    if (leads.qualified[lead] != null_value) reached[lead] = 2;
    const bool deal = !deal_of.empty() && deal_of[lead] >= 0;
    if (deal) reached[lead] = 3;
    const bool won = deal ? crm.deals().status[static_cast<std::size_t>(deal_of[lead])] == DealStatus::won
                          : deal_of.empty() && leads.converted[lead] != null_value;
    if (won) reached[lead] = 4;
  }
  // Steps the book says nothing of have no row of their own.
  std::vector<std::size_t> known{0};
  if (crm.has("lead", "mql_at")) known.push_back(1);
  if (crm.has("lead", "qualified_at")) known.push_back(2);
  if (!deal_of.empty()) known.push_back(3);
  known.push_back(4);
  Result result;
  for (std::size_t k = 0; k < known.size(); ++k) {
    tick(k);
    const std::size_t step = known[k];
    const std::size_t from = k == 0 ? 0 : known[k - 1];
    LeadFacts facts(leads);
    for (std::size_t lead = 0; lead < leads.size(); ++lead)
      if (reached[lead] >= from) facts.put(lead, reached[lead] >= step ? 1 : 0, 1);
    Result part = summarise(crm, facts, options, "funnel",
                            "of leads created in the period: share of the step before that came this far by "
                            "as_of (cumulative: of all leads)",
                            mode);
    for (std::size_t g = 0; g < part.metrics.size(); ++g) {
      Metric& metric = part.metrics[g];
      metric.keys.insert(metric.keys.begin(), std::string(steps[step]));
      metric.key_null.insert(metric.key_null.begin(), 0);
    }
    part.by.insert(part.by.begin(), "step");
    if (k == 0)
      result = std::move(part);
    else
      result.metrics.insert(result.metrics.end(), part.metrics.begin(), part.metrics.end());
  }
  for (Metric& metric : result.metrics)
    for (const Metric& first : result.metrics)
      if (first.keys.front() == "lead" &&
          std::equal(first.keys.begin() + 1, first.keys.end(), metric.keys.begin() + 1, metric.keys.end()) &&
          first.numerator > 0)
        metric.details["cumulative"] = metric.numerator / first.numerator;
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
    const bool machine =
        automated != nullptr && automated->valid(row) && automated->values<std::uint8_t>()[row] != 0;
    const bool open =
        completed != nullptr && completed->valid(row) && completed->values<std::uint8_t>()[row] == 0;
    if (at.is_null(row))
      facts.add(row, null_value, 0, 0, no_time);
    else
      facts.add(row, times[row], 1, 1, machine ? by_machine : open ? Facts::censored : Facts::counted);
  }
  Options keep = options;
  keep.keep_rows = true;
  Result result = summarise(crm, facts, keep, "activity", "completed activities of people", mode);
  const auto actor = crm.link("activity", "actor_id");
  for (Metric& metric : result.metrics) {
    std::vector<std::int32_t> reps;
    for (const std::int64_t row : metric.rows) {
      const auto r = static_cast<std::size_t>(row);
      if (type != nullptr && type->valid(r)) metric.details[std::string(type->text(r)) + "s"] += 1;
      if (!actor.empty() && actor[r] >= 0) reps.push_back(actor[r]);
    }
    std::sort(reps.begin(), reps.end());
    const auto distinct = std::unique(reps.begin(), reps.end()) - reps.begin();
    if (distinct > 0) {
      metric.details["reps"] = static_cast<double>(distinct);
      metric.details["per_rep"] = metric.numerator / static_cast<double>(distinct);
    }
    if (!options.keep_rows) metric.rows.clear();
  }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
