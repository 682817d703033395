#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "columns.hpp"
#include "lead_facts.hpp"
#include "salesops/kpi/leads.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr double minute = 60.0 * static_cast<double>(us_per_second);

std::string_view clock_text(Clock clock) {
  if (clock == Clock::created) return "their creation";
  return clock == Clock::available ? "being available" : "being available or changing hands unanswered";
}

/// First outbound activity by a person for each lead; `before` counts leads touched before their clock.
std::vector<std::int64_t> first_touches(const Crm& crm, const Leads& leads,
                                        std::span<const std::int64_t> starts,
                                        std::vector<std::uint8_t>& before) {
  std::vector<std::int64_t> first(leads.size(), null_value);
  before.assign(leads.size(), 0);
  const Table& table = crm.table("activity");
  const Column& at = crm.column("activity", "at");
  (void)crm.column("activity", "lead_id");
  const auto lead_of = crm.link("activity", "lead_id");
  const Column* direction = table.find("direction");
  const Column* completed = table.find("is_completed");
  const Column* type = table.find("type");
  const Column* automated = table.find("is_automated");
  const auto times = at.values<std::int64_t>();
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    if (lead_of[row] < 0 || at.is_null(row)) continue;
    if (direction != nullptr && direction->valid(row) && direction->text(row) == "in") continue;
    if (completed != nullptr && completed->valid(row) && completed->values<std::uint8_t>()[row] == 0)
      continue;
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
    const std::int64_t touched = std::max(times[row], starts[lead]);
    if (first[lead] == null_value || touched < first[lead]) first[lead] = touched;
  }
  return first;
}

/// The working time of each lead: all time, that of `Options::hours`, or the same hours in the zone (or by
/// the calendar) that `hours_of` leads to.
class LeadHours {
 public:
  LeadHours(const Crm& crm, const Leads& leads, const Options& options) : crm_(crm), options_(options) {
    if (options.hours_of.empty()) return;
    if (!options.hours)
      throw UsageError("hours_of says in whose zone hours are read; it needs hours as well");
    std::vector<std::int32_t> rows(leads.size());
    for (std::size_t lead = 0; lead < rows.size(); ++lead) rows[lead] = static_cast<std::int32_t>(lead);
    places_ = resolve(crm, "lead", options.hours_of, rows, leads.created, options.zone);
    if (places_->column.type() != Type::string)
      throw UsageError("hours_of: '" + options.hours_of +
                       "' holds no names of zones or calendars; use e.g. "
                       "'owner.time_zone' or 'owner.calendar_id'");
  }
  /// Working time between two instants; nothing where the lead's zone isn't known.
  std::optional<std::int64_t> elapsed(std::size_t lead, std::int64_t start, std::int64_t end) {
    if (!options_.hours) return end - start;
    const BusinessHours* hours = &*options_.hours;
    if (places_ && places_->rows[lead] >= 0)
      if (const auto row = static_cast<std::size_t>(places_->rows[lead]); places_->column.valid(row)) {
        const auto& own = of(places_->column.text(row));
        if (!own) return std::nullopt;
        hours = &*own;
      }
    return hours->elapsed(Instant{start}, Instant{end}, Reversed::zero);
  }

 private:
  const std::optional<BusinessHours>& of(std::string_view name) {
    const auto known = made_.find(name);
    return known != made_.end() ? known->second : made_.emplace(name, make(std::string(name))).first->second;
  }
  [[nodiscard]] std::optional<BusinessHours> make(std::string name) const {
    BusinessHoursOptions hours = options_.hours->options();
    if (const auto row = crm_.has("calendar", "zone") ? crm_.row_of("calendar", name) : -1; row >= 0) {
      if (!add_own(name, static_cast<std::size_t>(row), hours)) return std::nullopt;
      name = crm_.column("calendar", "zone").cell(static_cast<std::size_t>(row));
    }
    try {
      const auto given = options_.zones.find(name);
      hours.zone = given != options_.zones.end() ? given->second : TimeZone::load(name);
    } catch (const Error&) {
      return std::nullopt;  // counted: a book may hold any text
    }
    return BusinessHours(hours);
  }
  /// The week of a calendar, its holidays and the days with other hours; false where they can't be read.
  [[nodiscard]] bool add_own(std::string_view calendar, std::size_t row, BusinessHoursOptions& hours) const
      try {
    if (crm_.has("calendar", "hours"))
      if (const Column& week = crm_.column("calendar", "hours"); week.valid(row))
        hours.week = parse_week_hours(week.text(row));
    if (!crm_.has("calendar_holiday", "date")) return true;
    const Column& of = crm_.column("calendar_holiday", "calendar_id");
    const Column& date = crm_.column("calendar_holiday", "date");
    const Column* other =
        crm_.has("calendar_holiday", "hours") ? &crm_.column("calendar_holiday", "hours") : nullptr;
    for (std::size_t day = 0; day < date.size(); ++day) {
      if (!of.valid(day) || !date.valid(day) || of.text(day) != calendar) continue;
      const Date on(date.values<std::int32_t>()[day]);
      if (other != nullptr && other->valid(day))
        hours.dates[on] = parse_day_hours(other->text(day));
      else
        hours.holidays.push_back(on);
    }
    return true;
  } catch (const UsageError&) {
    return false;  // an issue of the book, and counted here
  }

  const Crm& crm_;
  const Options& options_;
  std::optional<Lookup> places_;
  std::map<std::string, std::optional<BusinessHours>, std::less<>> made_;
};

/// Why a lead has no response time.
enum class Fault : std::uint8_t { none, early, unknown_zone };

/// From the clock's start to the answer, or to as_of when there is none, in microseconds.
struct Responses {
  std::vector<std::int64_t> waited;
  std::vector<std::uint8_t> answered;
  std::vector<Fault> fault;

  Responses(const Crm& crm, const Leads& leads, const Options& options) {
    if (options.clock == Clock::reassigned && !crm.has("lead", "reassigned_at"))
      throw UsageError(
          "clock 'reassigned' needs the column 'reassigned_at' of table 'lead', which this book lacks");
    std::vector<std::int64_t> starts = leads.created;
    if (options.clock != Clock::created)
      for (std::size_t lead = 0; lead < starts.size(); ++lead)
        if (leads.available[lead] != null_value) starts[lead] = leads.available[lead];
    std::vector<std::uint8_t> early;
    const std::vector<std::int64_t> first = first_touches(crm, leads, starts, early);
    LeadHours hours(crm, leads, options);
    const std::int64_t as_of = now_of(crm);
    waited.assign(leads.size(), 0);
    answered.assign(leads.size(), 0);
    fault.assign(leads.size(), Fault::none);
    for (std::size_t lead = 0; lead < leads.size(); ++lead) {
      tick(lead);
      std::int64_t start = starts[lead];
      if (early[lead] != 0) fault[lead] = Fault::early;
      if (start == null_value) continue;
      answered[lead] = first[lead] != null_value;
      // Who was answered before the lead changed hands waits no more.
      if (options.clock == Clock::reassigned &&
          (answered[lead] == 0 || first[lead] >= leads.reassigned[lead]))
        start = std::max(start, leads.reassigned[lead]);  // null is the least
      // A lead that was closed without an answer can't be answered any more: it waited until then.
      std::int64_t end = answered[lead] != 0 ? first[lead] : as_of;
      if (answered[lead] == 0)
        for (const std::int64_t closed : {leads.converted[lead], leads.disqualified[lead]})
          if (closed != null_value) end = std::min(end, closed);
      const auto time = hours.elapsed(lead, start, std::max(end, start));
      waited[lead] = time.value_or(0);
      if (!time && fault[lead] == Fault::none) fault[lead] = Fault::unknown_zone;
    }
  }
};

struct ResponseFacts : LeadFacts {
  explicit ResponseFacts(const Leads& leads)
      : LeadFacts(leads), early(reason("touched_before_created")), unknown_zone(reason("unknown_zone")) {}
  using LeadFacts::put;
  /// Leaves a lead with a fault out.
  void put(const Responses& responses, std::size_t lead) {
    put(lead, 0, 0, responses.fault[lead] == Fault::early ? early : unknown_zone);
  }
  std::uint8_t early, unknown_zone;
};

}  // namespace

Result lead_response_time(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "lead_response_time");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const Responses responses(crm, leads, options);
  ResponseFacts facts(leads);
  for (std::size_t lead = 0; lead < leads.size(); ++lead)
    if (responses.fault[lead] != Fault::none)
      facts.put(responses, lead);
    else
      facts.put(lead, responses.waited[lead], responses.answered[lead]);
  facts.shape = Shape::incidence;
  facts.scale = 1.0 / minute;
  facts.horizon = options.target_minutes;
  // Who waits no longer than the target, and still may be answered, isn't one who never was.
  const auto target = static_cast<std::int64_t>(options.target_minutes * minute);
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    double never = 0, not_yet = 0;
    for (const std::int32_t fact : counted) {
      const auto lead = static_cast<std::size_t>(facts.row[static_cast<std::size_t>(fact)]);
      if (responses.answered[lead] != 0) continue;
      const bool waits = !leads.ended(lead) && responses.waited[lead] <= target;
      (waits ? not_yet : never) += 1;
    }
    if (metric.n == 0) return;
    metric.details["never"] = never / static_cast<double>(metric.n);
    metric.details["not_yet"] = not_yet / static_cast<double>(metric.n);
  };
  return summarise(crm, facts, options, "lead_response_time",
                   "share of leads answered within " + shortest_text(options.target_minutes) +
                       (options.hours ? " business" : "") + " minutes of " +
                       std::string(clock_text(options.clock)) +
                       " (Kaplan–Meier over all leads); median and p90 in minutes",
                   mode);
}

Result sla_compliance(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "sla_compliance");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  const Responses responses(crm, leads, options);
  ResponseFacts facts(leads);
  const auto target = static_cast<std::int64_t>(options.target_minutes * minute);
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    tick(lead);
    const bool within = responses.waited[lead] <= target;
    if (responses.fault[lead] != Fault::none)
      facts.put(responses, lead);
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
    ResponseFacts facts(leads);
    for (std::size_t lead = 0; lead < leads.size(); ++lead) {
      tick(lead);
      const double minutes = static_cast<double>(responses.waited[lead]) / minute;
      const auto place =
          responses.answered[lead] == 0
              ? bands.size()
              : static_cast<std::size_t>(std::find_if(bands.begin(), bands.end(),
                                                      [&](const Band& b) { return minutes <= b.up_to; }) -
                                         bands.begin());
      if (place != band) continue;
      if (responses.fault[lead] != Fault::none)
        facts.put(responses, lead);
      else
        facts.put(lead, leads.is_converted[lead], 1);
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

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
