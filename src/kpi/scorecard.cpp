#include "salesops/kpi/scorecard.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "deal_facts.hpp"
#include "salesops/kpi/catalogue.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

struct Line {
  std::string_view kpi;
  std::string_view title;  ///< empty: the catalogue's
  Weight weight = Weight::count;
  std::string_view detail = {};  ///< shown instead of the value
  std::string_view unit = {};    ///< of the detail
  double target_scale = 1;       ///< from the target's unit to this one
};

constexpr Line lines[] = {
    {"win_rate", {}},
    {"win_rate", "Win rate by value", Weight::value},
    {"sales_cycle", {}},
    {"average_deal", {}},
    {"velocity", {}},
    {"pipeline_created", {}},
    {"pipeline_coverage", {}},
    {"weighted_pipeline", {}},
    {"attainment", {}},
    {"attainment_distribution", {}},
    {"slippage", {}},
    {"snapshot_yield", {}},
    {"stage_conversion", {}},
    {"idle_share", {}},
    {"hygiene", {}},
    {"lead_conversion", {}},
    // Targets of response times are in seconds.
    {"lead_response_time", "Lead response time, median", Weight::count, "median", "minutes", 1.0 / 60},
    {"sla_compliance", {}},
    {"logo_churn", {}},
    {"arpa", {}},
    {"cac", {}},
};

struct Answer {
  std::optional<Metric> metric;
  std::string unit;
  std::string why;  ///< there is no metric
};

/// The number a line shows, as the value of its metric.
Metric shown(Metric metric, const Line& line) {
  if (line.detail.empty()) return metric;
  const auto found = metric.details.find(std::string(line.detail));
  metric.value = found == metric.details.end() ? std::nullopt : std::optional(found->second);
  metric.low.reset();
  metric.high.reset();
  return metric;
}

Answer ask(const Crm& crm, const Line& line, const Definition& known, const Options& options) {
  if (const auto lacking = missing(crm, known); !lacking.empty()) {
    std::string names;
    for (const std::string& name : lacking) names += (names.empty() ? "" : ", ") + name;
    return {std::nullopt, std::string(known.unit), "not available: needs " + names};
  }
  try {
    const Result result = known.compute(crm, options);
    return {shown(result.single(), line), line.unit.empty() ? result.unit : std::string(line.unit), {}};
  } catch (const UsageError& error) {
    return {std::nullopt, std::string(known.unit), "not available: " + std::string(error.what())};
  }
}

struct Target {
  double value = 0;
  bool up = true;
};

std::optional<Target> target_of(const Crm& crm, std::string_view kpi, Date day) {
  if (!crm.has("target", "metric") || !crm.has("target", "value")) return std::nullopt;
  const Table& table = crm.table("target");
  const auto text = [&](const char* name, std::size_t row) {
    const Column* column = table.find(name);
    return column == nullptr || column->is_null(row) ? std::string_view() : column->text(row);
  };
  const auto date = [&](const char* name, std::size_t row, Date otherwise) {
    const Column* column = table.find(name);
    return column == nullptr || column->is_null(row) ? otherwise : Date{column->values<std::int32_t>()[row]};
  };
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    const std::string_view scope = text("scope", row);
    if (text("metric", row) != kpi || table.column("value").is_null(row) ||
        (!scope.empty() && scope != "company"))
      continue;
    if (day < date("period_start", row, first_date) || day >= date("period_end", row, last_date)) continue;
    return Target{table.column("value").number(row), text("direction", row) != "down"};
  }
  return std::nullopt;
}

std::string printed(std::optional<double> value, std::string_view unit) {
  if (!value) return "—";
  char text[64];
  if (unit == "share")
    std::snprintf(text, sizeof text, "%.1f %%", *value * 100);
  else if (std::fabs(*value) >= 1000)
    std::snprintf(text, sizeof text, "%.0f", *value);
  else
    std::snprintf(text, sizeof text, "%.2f", *value);
  return text;
}

Column numbers(const std::vector<ScorecardRow>& rows, std::optional<double> ScorecardRow::* field) {
  std::vector<double> values;
  std::vector<std::uint8_t> valid;
  for (const ScorecardRow& row : rows) {
    values.push_back((row.*field).value_or(0));
    valid.push_back((row.*field).has_value());
  }
  return Column::of(Type::float64, std::move(values), valid);
}

Column texts(const std::vector<ScorecardRow>& rows, std::string ScorecardRow::* field) {
  std::vector<std::string> values;
  for (const ScorecardRow& row : rows) values.push_back(row.*field);
  return Column::of_strings(values);
}

}  // namespace

Compare parse_compare(std::string_view name) {
  if (name == "none") return Compare::none;
  if (name == "prior") return Compare::prior;
  if (name == "prior_year") return Compare::prior_year;
  throw UsageError("compare is 'none', 'prior' or 'prior_year', not '" + std::string(name) + "'");
}

Scorecard scorecard(const Crm& book, const Options& asked, Compare compare) {
  Options options = with_period(asked);
  if (!options.by.empty()) throw UsageError("scorecard: by must be empty; ask a KPI itself for groups");
  options.mode = Mode::standard;
  const Crm now = rewound(book, options);
  const Date today{day_of(now_of(book, options), options)};
  const auto periods = options.calendar.parse_period(options.period, today);
  if (periods.size() != 1)
    throw UsageError("scorecard: '" + options.period + "' is several periods; a scorecard shows one");
  const Period period = periods.front();
  const Period before =
      compare == Compare::prior_year && period.every == Every::quarter ? options.calendar.previous(period, 4)
      : compare == Compare::prior_year && period.every == Every::month ? options.calendar.previous(period, 12)
      : compare == Compare::prior_year && period.every == Every::half  ? options.calendar.previous(period, 2)
                                                                       : options.calendar.previous(period);
  const auto label = [&](const Period& p) { return options.calendar.label(p); };
  Scorecard card;
  card.period = label(period);
  card.as_of = Instant{now_of(book, options)};
  card.level = options.level;

  // A whole prior period is read as its end knew it; a snapshot at the same point of it.
  const Instant end_before{std::min(card.as_of.us, options.zone.start_of(before.end).us - 1)};
  const std::int64_t shift = options.zone.start_of(period.start).us - options.zone.start_of(before.start).us;
  const Instant same_point{std::min(end_before.us, card.as_of.us - shift)};
  std::optional<Crm> past, point;
  if (compare != Compare::none) {
    card.prior_period = label(before);
    past = book.as_of(end_before);
    point = book.as_of(same_point);
  }
  for (const Line& line : lines) {
    const Definition& known = definition(line.kpi);
    ScorecardRow row;
    row.kpi = known.name;
    row.title = line.title.empty() ? known.title : line.title;
    Options each = options;
    each.weight = line.weight;
    const Answer answer = ask(now, line, known, each);
    row.unit = answer.unit;
    row.state = answer.why;
    if (answer.metric) {
      const Metric& metric = *answer.metric;
      row.value = metric.value;
      row.low = metric.low;
      row.high = metric.high;
      row.state = metric.state;
      row.n = metric.n;
    }
    if (compare != Compare::none && answer.metric) {
      const bool snapshot =
          known.mode == Mode::snapshot && known.name != "slippage" && known.name != "snapshot_yield";
      each.period = card.prior_period;
      each.as_of = snapshot ? same_point : end_before;
      if (const Answer prior = ask(snapshot ? *point : *past, line, known, each); prior.metric)
        row.prior = prior.metric->value;
      if (row.value && row.prior) row.delta = *row.value - *row.prior;
    }
    if (const auto target = target_of(now, line.kpi, period.start); target && line.weight == Weight::count) {
      row.target = target->value * line.target_scale;
      if (row.value)
        row.status = (target->up ? *row.value >= *row.target : *row.value <= *row.target) ? "met" : "missed";
    }
    card.rows.push_back(std::move(row));
  }
  return card;
}

Table Scorecard::to_table() const {
  std::vector<std::int64_t> n;
  for (const ScorecardRow& row : rows) n.push_back(row.n);
  return Table({{"kpi", texts(rows, &ScorecardRow::kpi)},
                {"title", texts(rows, &ScorecardRow::title)},
                {"unit", texts(rows, &ScorecardRow::unit)},
                {"value", numbers(rows, &ScorecardRow::value)},
                {"low", numbers(rows, &ScorecardRow::low)},
                {"high", numbers(rows, &ScorecardRow::high)},
                {"prior", numbers(rows, &ScorecardRow::prior)},
                {"delta", numbers(rows, &ScorecardRow::delta)},
                {"target", numbers(rows, &ScorecardRow::target)},
                {"status", texts(rows, &ScorecardRow::status)},
                {"state", texts(rows, &ScorecardRow::state)},
                {"n", Column::of(Type::int64, std::move(n))}});
}

std::string Scorecard::to_text() const {
  std::vector<std::string> title, unit, value, prior, delta, target, n, note;
  for (const ScorecardRow& row : rows) {
    title.push_back(row.title);
    unit.push_back(row.unit);
    std::string range;
    if (row.low && row.high)
      range = " [" + printed(row.low, row.unit) + ", " + printed(row.high, row.unit) + "]";
    value.push_back(printed(row.value, row.unit) + range);
    prior.push_back(printed(row.prior, row.unit));
    delta.push_back(printed(row.delta, row.unit));
    target.push_back(printed(row.target, row.unit) + (row.status.empty() ? "" : " " + row.status));
    n.push_back(std::to_string(row.n));
    note.push_back(row.state);
  }
  const Table table({{"KPI", Column::of_strings(title)},
                     {period, Column::of_strings(value)},
                     {"unit", Column::of_strings(unit)},
                     {prior_period.empty() ? "prior" : "prior " + prior_period, Column::of_strings(prior)},
                     {"change", Column::of_strings(delta)},
                     {"target", Column::of_strings(target)},
                     {"n", Column::of_strings(n)},
                     {"note", Column::of_strings(note)}});
  return "Scorecard " + period + " · as of " + as_of.utc_date().to_string() + "\n" +
         table.to_text(rows.size());
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
