#include "salesops/kpi/scorecard.hpp"

#include <algorithm>
#include <cmath>

#include "../table/digits.hpp"
#include "columns.hpp"
#include "deal_facts.hpp"
#include "deal_sums.hpp"
#include "salesops/kpi/catalogue.hpp"
#include "salesops/kpi/scorecard_state.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr std::size_t most_heading = 14;
constexpr std::string_view not_available = "not available";

struct Line {
  std::string_view kpi;
  Better better = Better::up;
  std::string_view title = {};  ///< empty: the catalogue's
  Weight weight = Weight::count;
  std::string_view detail = {};  ///< shown instead of the value
  std::string_view unit = {};    ///< of the detail
  double target_scale = 1;       ///< from the target's unit to this one
};

constexpr Line lines[] = {
    {"win_rate"},
    {"win_rate", Better::up, "Win rate by value", Weight::value},
    {"sales_cycle", Better::down},
    {"average_deal"},
    {"velocity"},
    {"pipeline_created"},
    {"pipeline_coverage"},
    {"weighted_pipeline"},
    {"attainment"},
    {"attainment_distribution"},
    {"slippage", Better::down},
    {"snapshot_yield"},
    {"stage_conversion"},
    {"idle_share", Better::down},
    {"hygiene"},
    {"lead_conversion"},
    // Targets of response times are in seconds.
    {"lead_response_time", Better::down, "Lead response time, median", Weight::count, "median", "minutes",
     1.0 / 60},
    {"sla_compliance"},
    {"logo_churn", Better::down},
    {"arpa"},
    {"cac", Better::down},
};

/// The options of the lines, each in its own mode: none of these looks into a window.
std::string heeded_by_lines() {
  constexpr std::string_view window = "window_days";
  std::string heeded;
  for (const Line& line : lines) heeded += " " + std::string(definition(line.kpi).options);
  for (std::size_t at = 0; (at = heeded.find(window)) != std::string::npos;) heeded.erase(at, window.size());
  return heeded;
}

struct Answer {
  std::optional<Metric> metric;
  std::string unit;
  std::string why;  ///< there is no metric
  std::string definition;
  std::string table = {};  ///< of the metric's rows
  bool hindsight = false;
};

/// The number a line shows, as the value of its metric.
Metric as_printed(Metric metric, const Line& line) {
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
    return {std::nullopt, std::string(known.unit), std::string(not_available) + ": needs " + names, {}};
  }
  const auto without = [&](std::string_view why, const Error& error) {
    return Answer{std::nullopt, std::string(known.unit), std::string(why) + ": " + error.what(), {}};
  };
  try {
    const Result result = known.compute(crm, heeded_of(options, known.options));
    return {as_printed(result.single(), line),
            line.unit.empty() ? result.unit : std::string(line.unit),
            {},
            result.definition,
            result.table,
            result.hindsight};
  } catch (const UsageError& error) {
    return without(not_available, error);
  } catch (const UnitError& error) {
    return without("no value", error);
  }
}

struct Target {
  Date from;
  double value = 0;
  bool up = true;
};

/// Of several targets that hold on a day the one that began last, of those the highest.
std::optional<Target> target_of(const Crm& crm, const Line& line, Date day) {
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
  std::optional<Target> found;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    const std::string_view scope = text("scope", row);
    if (text("metric", row) != line.kpi || table.column("value").is_null(row) ||
        (!scope.empty() && scope != "company"))
      continue;
    const Date from = date("period_start", row, first_date);
    if (day < from || day >= date("period_end", row, last_date)) continue;
    const std::string_view direction = text("direction", row);
    const Target target{from, table.column("value").number(row),
                        direction.empty() ? line.better == Better::up : direction != "down"};
    if (!found || std::pair(found->from, found->value) < std::pair(target.from, target.value)) found = target;
  }
  return found;
}

/// As Python's `number_text` has it.
std::string printed(std::optional<double> value, std::string_view unit) {
  using table_detail::grouped, table_detail::trimmed;
  if (!value) return "—";
  if (unit == "share") return grouped(*value * 100, 1) + " %";
  if (unit == "ratio") return grouped(*value, 2);
  return std::fabs(*value) >= 1000 ? grouped(*value, 0) : trimmed(*value, 2);
}

/// What a value gained; shares differ by percentage points.
std::string change_text(std::optional<double> delta, std::string_view unit) {
  if (!delta) return "—";
  const std::string text =
      unit == "share" ? table_detail::grouped(*delta * 100, 1) + " pp" : printed(delta, unit);
  return (*delta > 0 ? "+" : "") + text;
}

std::string unit_behind(std::string_view unit) {
  if (unit == "share" || unit == "ratio" || unit == "count") return {};
  constexpr std::string_view no_currency = "XXX";
  std::string text(unit);
  if (const std::size_t at = text.find(no_currency); at != std::string::npos)
    text.erase(at, no_currency.size());
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? std::string() : " " + text.substr(first);
}

std::optional<double> number_at(const Table& table, const std::string& name, std::size_t row) {
  const Column* column = table.find(name);
  return column == nullptr || column->is_null(row) ? std::nullopt : std::optional(column->number(row));
}

/// Places that text takes on a screen: code points.
std::size_t wide(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The first code points of a text that is longer than people read.
std::string cut(std::string text) {
  constexpr std::size_t most = 30;
  if (wide(text) <= most) return text;
  std::size_t end = 0;
  for (std::size_t seen = 0; seen < most; ++seen)
    for (++end; end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U;) ++end;
  return text.substr(0, end) + "…";
}

struct TextColumn {
  std::string name;
  std::vector<std::string> cells;
  bool beneath = false;  ///< takes no part of the first line
};

/// Words beneath a line, broken where the width ends.
std::string beneath(const std::string& words) {
  std::string text, line;
  const auto end = [&] {
    if (!line.empty()) text += "   " + line + "\n";
    line.clear();
  };
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t space = std::min(words.find(' ', at), words.size());
    const std::string word = words.substr(at, space - at);
    constexpr std::size_t indent = 4;
    if (!line.empty() && indent + wide(line) + wide(word) > Scorecard::text_width) end();
    line += " " + word;
    at = space + 1;
  }
  end();
  return text;
}

/// Columns side by side as far as the width goes; what doesn't fit stands beneath each row, by name.
std::string lines_of(std::vector<TextColumn> columns) {
  std::vector<std::size_t> widths;
  std::size_t used = 0;
  for (TextColumn& column : columns) {
    std::size_t width = wide(column.name);
    for (const std::string& cell : column.cells) width = std::max(width, wide(cell));
    const std::size_t gap = widths.empty() ? 0 : 2;
    column.beneath |= used + gap + width > Scorecard::text_width;
    if (!column.beneath) used += gap + width;
    widths.push_back(width);
  }
  std::string text;
  const auto line = [&](auto cell_of) {
    std::string first;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].beneath) continue;
      const std::string cell = cell_of(columns[c]);
      first += (c == 0 ? "" : "  ") + cell + std::string(widths[c] - wide(cell), ' ');
    }
    text += first.substr(0, first.find_last_not_of(' ') + 1) + "\n";
  };
  line([](const TextColumn& column) { return column.name; });
  for (std::size_t row = 0; row < columns.front().cells.size(); ++row) {
    line([&](const TextColumn& column) { return column.cells[row]; });
    std::string rest;
    for (const TextColumn& column : columns) {
      const std::string& cell = column.cells[row];
      if (!column.beneath || cell.empty() || cell == "—" || cell == "0") continue;
      rest += (rest.empty() ? "" : " · ") + column.name + (column.name.empty() ? "" : " ") + cell;
    }
    text += beneath(rest);
  }
  return text;
}

std::string range_text(std::optional<double> low, std::optional<double> high, std::string_view unit) {
  return low && high ? "[" + printed(low, unit) + ", " + printed(high, unit) + "]" : std::string();
}

/// Deals that an estimate of a group rests on.
double deals_behind(const Table& groups, const std::string& estimate, std::size_t row) {
  if (estimate.starts_with("win_rate")) return number_at(groups, "closed", row).value_or(0);
  const double won = number_at(groups, "won", row).value_or(0);
  return estimate == "mean_cycle" ? won - number_at(groups, "no_cycle", row).value_or(0) : won;
}

/// The first groups as people read them, an estimate and its interval in one column.
std::string groups_text(const Table& groups, std::span<const std::string> by, std::string_view level,
                        std::size_t most) {
  const std::size_t rows = std::min(groups.num_rows(), most);
  std::vector<TextColumn> shown;
  bool any_few = false;
  for (const auto& [name, column] : groups.columns()) {
    if (name.ends_with(std::string("_lo_") + std::string(level)) ||
        name.ends_with(std::string("_hi_") + std::string(level)))
      continue;
    const std::string unit = name.starts_with("win_rate") ? "share" : "";
    const bool key = std::find(by.begin(), by.end(), name) != by.end();
    const std::string none = key ? "no " + name : "—";
    std::vector<std::string> cells;
    for (std::size_t row = 0; row < rows; ++row) {
      if (column.type() != Type::float64) {
        if (column.is_null(row))
          cells.push_back(cut(none));
        else if (column.type() == Type::int64)
          cells.push_back(table_detail::grouped(column.number(row), 0));
        else
          cells.push_back(cut(column.cell(row)));
        continue;
      }
      const std::string range = range_text(number_at(groups, name + "_lo_" + std::string(level), row),
                                           number_at(groups, name + "_hi_" + std::string(level), row), unit);
      const bool few = !range.empty() && deals_behind(groups, name, row) < few_rows;
      any_few |= few;
      cells.push_back(printed(number_at(groups, name, row), unit) + (range.empty() ? "" : " " + range) +
                      (few ? "*" : ""));
    }
    shown.push_back({cut(name), std::move(cells)});
  }
  std::string text = lines_of(std::move(shown));
  const std::size_t left = groups.num_rows() - rows;
  if (left > 0) text += "… " + std::to_string(left) + (left == 1 ? " more group\n" : " more groups\n");
  if (any_few) text += "* fewer than 10 deals\n";
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

namespace {

/// A range that is a whole month, quarter, half or year is that period.
Period named(const FiscalCalendar& calendar, const Period& period) {
  if (period.every != Every::all) return period;
  for (const Every every : {Every::month, Every::quarter, Every::half, Every::year}) {
    const Period whole = calendar.period_of(period.start, every);
    if (whole.start == period.start && whole.end == period.end) return whole;
  }
  return period;
}

Period a_year_before(const FiscalCalendar& calendar, const Period& period) {
  switch (period.every) {
    case Every::year: return calendar.previous(period);
    case Every::half: return calendar.previous(period, 2);
    case Every::quarter: return calendar.previous(period, 4);
    case Every::month: return calendar.previous(period, 12);
    case Every::week: return calendar.previous(period, 52);
    default: break;
  }
  Period before = period;
  before.start = period.start.add_months(-12);
  before.end = period.end.add_months(-12);
  return before;
}

/// What the number leaves out, where that is a tenth of the rows or more.
std::string left_out(const Metric& metric) {
  std::string text;
  for (const auto& [reason, rows] : metric.excluded) {
    if (rows * 10 < metric.n + rows) continue;
    std::string words = reason.starts_with("null_") ? "no_" + reason.substr(5) : reason;
    std::replace(words.begin(), words.end(), '_', ' ');
    text += (text.empty() ? "" : ", ") + std::to_string(rows) + " left out: " + words;
  }
  return text;
}

/// Rows without an outcome, where they are a tenth or more: what is known of the fast ones isn't true of all.
std::string undecided(const Metric& metric, std::string_view unit) {
  if (metric.censored * 10 < metric.n + metric.censored) return "";
  std::string text = std::to_string(metric.censored) + " still open";
  if (const auto all = metric.details.find("survival"); all != metric.details.end())
    text += ", with them " + printed(all->second, unit);
  return text;
}

/// An interval that rests on little says so here too.
std::string few_behind(const Metric& metric) {
  return metric.low && metric.interval_note.ends_with(few_rows_note) ? std::string(few_rows_note) : "";
}

ScorecardRow row_of(const Line& line, const Definition& known, const Answer& answer) {
  ScorecardRow row;
  row.kpi = known.name;
  row.title = line.title.empty() ? known.title : line.title;
  row.unit = answer.unit;
  row.better = line.better;
  row.definition = answer.definition;
  row.state = answer.why;
  if (!answer.metric) return row;
  row.value = answer.metric->value;
  row.low = answer.metric->low;
  row.high = answer.metric->high;
  row.state = answer.metric->state;
  if (row.value)
    for (const std::string& less :
         {left_out(*answer.metric), undecided(*answer.metric, row.unit), few_behind(*answer.metric)})
      if (!less.empty()) row.state += (row.state.empty() ? "" : "; ") + less;
  row.n = answer.metric->n;
  return row;
}

}  // namespace

Scorecard scorecard(const Crm& book, const Options& asked, Compare compare) {
  check(asked);
  const StopScope stop(asked.execution.stop);
  if (!asked.by.empty()) {
    if (compare == Compare::prior_year)
      throw UsageError("scorecard: groups aren't compared; leave out compare, or by");
    Scorecard card = ScorecardState::partial(book, asked).finish(asked.level);
    if (asked.keep_rows) card.group_ids = scorecard_ids(book, asked);
    return card;
  }
  check_heeded(asked, "scorecard", heeded_by_lines());
  Options options = with_period(asked);
  options.execution.progress = {};  // of the KPIs; the card's goes by its lines
  Steps steps(asked.execution, std::size(lines));
  const Crm now = rewound(book, options);
  options.as_of.reset();  // `now` knows
  const Date today{day_of(now_of(now), options)};
  const auto periods = options.calendar.parse_period(options.period, today);
  if (periods.size() != 1)
    throw UsageError("scorecard: '" + options.period + "' is several periods; a scorecard shows one");
  const Period period = named(options.calendar, periods.front());
  Scorecard card;
  card.period = options.calendar.label(period);
  card.as_of = now.latest();
  card.level = options.level;

  Options prior = options;
  std::optional<Crm> then;
  if (compare != Compare::none) {
    const Period before = compare == Compare::prior_year ? a_year_before(options.calendar, period)
                                                         : options.calendar.previous(period);
    const std::int64_t begin = options.zone.start_of(before.start).us;
    const std::int64_t before_end = options.zone.start_of(before.end).us;
    const std::int64_t elapsed = card.as_of.us - options.zone.start_of(period.start).us;
    const std::int64_t since_end = card.as_of.us - options.zone.start_of(period.end).us;
    // A period that is over has had as long to ripen as the one before has by then.
    const Instant point{since_end >= 0 ? before_end + since_end : std::min(begin + elapsed, before_end - 1)};
    prior.period = card.prior_period = options.calendar.label(before);
    prior.as_of = card.prior_as_of = point;
    prior.keep_rows = false;
    then = book.with_days_in(options.zone).as_of(point);
  }
  for (const Line& line : lines) {
    const Definition& known = definition(line.kpi);
    options.weight = prior.weight = line.weight;
    const Answer answer = ask(now, line, known, options);
    ScorecardRow row = row_of(line, known, answer);
    if (answer.metric) row.ids = ids_of(now, answer.table, answer.metric->rows);
    if (then && answer.metric) {
      const Answer past = ask(*then, line, known, prior);
      // What open deals hold today tells of the past only how they ended.
      if (past.metric && past.metric->n > 0 && !(past.hindsight && !answer.hindsight))
        row.prior = past.metric->value;
      if (row.value && row.prior) row.delta = *row.value - *row.prior;
    }
    if (const auto target = target_of(now, line, period.start); target && line.weight == Weight::count) {
      row.target = target->value * line.target_scale;
      if (row.value)
        row.status = (target->up ? *row.value >= *row.target : *row.value <= *row.target) ? "met" : "missed";
    }
    card.rows.push_back(std::move(row));
    steps.done();
  }
  return card;
}

Table Scorecard::to_table() const {
  if (groups.num_columns() > 0) return groups;
  std::vector<std::int64_t> n;
  std::vector<std::string> better;
  for (const ScorecardRow& row : rows) {
    n.push_back(row.n);
    better.emplace_back(row.better == Better::up ? "up" : "down");
  }
  return Table({{"kpi", texts(rows, &ScorecardRow::kpi)},
                {"title", texts(rows, &ScorecardRow::title)},
                {"unit", texts(rows, &ScorecardRow::unit)},
                {"better", Column::of_strings(better)},
                {"value", numbers(rows, &ScorecardRow::value)},
                {"low", numbers(rows, &ScorecardRow::low)},
                {"high", numbers(rows, &ScorecardRow::high)},
                {"prior", numbers(rows, &ScorecardRow::prior)},
                {"delta", numbers(rows, &ScorecardRow::delta)},
                {"target", numbers(rows, &ScorecardRow::target)},
                {"status", texts(rows, &ScorecardRow::status)},
                {"state", texts(rows, &ScorecardRow::state)},
                {"n", Column::of(Type::int64, std::move(n))},
                {"definition", texts(rows, &ScorecardRow::definition)}});
}

std::string Scorecard::to_text(std::size_t max_groups, bool lacking) const {
  const std::string head = "Scorecard " + period +
                           (as_of.us == 0 ? " · no dated rows" : " · as of " + as_of.utc_date().to_string());
  if (groups.num_columns() > 0)
    return head + (currency.empty() || currency == "XXX" ? "" : " · amounts in " + currency) + "\n" +
           groups_text(groups, by, shortest_text(level), max_groups);
  std::vector<std::string> title, value, prior, delta, target, n, range, note;
  for (const ScorecardRow& row : rows) {
    if (!lacking && row.state.starts_with(not_available)) continue;
    title.push_back(row.title);
    value.push_back(printed(row.value, row.unit) + (row.value ? unit_behind(row.unit) : ""));
    range.push_back(range_text(row.low, row.high, row.unit));
    prior.push_back(printed(row.prior, row.unit));
    delta.push_back(change_text(row.delta, row.unit));
    target.push_back(printed(row.target, row.unit) + (row.status.empty() ? "" : " " + row.status));
    n.push_back(table_detail::grouped(static_cast<double>(row.n), 0));
    note.push_back(row.state);
  }
  return head + (prior_period.empty() ? "" : " · prior " + prior_period) + "\n" +
         lines_of({{"KPI", title},
                   {period.size() <= most_heading ? period : "value", value},
                   {"prior", prior},
                   {"change", delta},
                   {"n", n},
                   {"target", target},
                   {"", range, true},
                   {"", note, true}});
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
