#include "salesops/kpi/metric.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "columns.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr std::pair<Mode, std::string_view> modes[] = {{Mode::standard, "standard"},
                                                       {Mode::closed_in_period, "closed_in_period"},
                                                       {Mode::created_cohort, "created_cohort"},
                                                       {Mode::window_cohort, "window_cohort"},
                                                       {Mode::entered_in_period, "entered_in_period"},
                                                       {Mode::snapshot, "snapshot"},
                                                       {Mode::survival, "survival"}};

constexpr int most_days = 36'500;  ///< a century: a longer window is a mistake

class OptionalNumbers {
 public:
  void add(std::optional<double> value) {
    values_.push_back(value.value_or(0));
    valid_.push_back(value.has_value());
  }
  [[nodiscard]] Column column() && { return Column::of(Type::float64, std::move(values_), valid_); }

 private:
  std::vector<double> values_;
  std::vector<std::uint8_t> valid_;
};

}  // namespace

std::string shortest_text(double number) {
  // They say this number and no other.
  std::array<char, 512> text{};
  return {text.data(),
          std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed).ptr};
}

void add_column(NamedColumns& columns, std::string name, Column column) {
  while (std::any_of(columns.begin(), columns.end(), [&](const auto& known) { return known.first == name; }))
    name += "_2";
  columns.emplace_back(std::move(name), std::move(column));
}

std::string_view mode_name(Mode mode) noexcept {
  for (const auto& [known, name] : modes)
    if (known == mode) return name;
  return "";
}

Mode parse_mode(std::string_view name) {
  std::vector<std::string> names, near;
  for (const auto& [mode, known] : modes) {
    if (known == name) return mode;
    names.emplace_back(known);
    if (name.size() > 3 && known.find(name) != std::string_view::npos) near.emplace_back(known);
  }
  if (near.empty()) near = near_names(name, names);
  std::string text = "no mode '" + std::string(name) + "'";
  for (std::size_t i = 0; i < near.size(); ++i)
    text += (i == 0 ? "; did you mean '" : " or '") + near[i] + "'" + (i + 1 == near.size() ? "?" : "");
  text += near.empty() ? "; modes are:" : " Modes are:";
  for (const std::string& known : names) text += " " + known;
  throw UsageError(text);
}

ChurnBase parse_churn_base(std::string_view name) {
  if (name == "start") return ChurnBase::start;
  if (name == "daily_average") return ChurnBase::daily_average;
  throw UsageError("churn_base is 'start' or 'daily_average', not '" + std::string(name) + "'");
}

std::optional<int> days_of_lag(std::string_view lag) {
  if (lag.empty() || lag == "sales_cycle") return std::nullopt;
  int days = 0;
  const char* end = lag.data() + lag.size();
  const auto [rest, error] = std::from_chars(lag.data(), end, days);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (error != std::errc() || days < 0 || days > most_days || (unit != " days" && unit != " day"))
    throw UsageError("lag is a number of days up to " + std::to_string(most_days) +
                     ", such as \"30 days\", or \"sales_cycle\", not \"" + std::string(lag.substr(0, 40)) +
                     "\"");
  return days;
}

void check(const Options& options) {
  const auto within = [](const char* name, double value, double low, double high) {
    if (value >= low && value <= high) return;
    throw UsageError(std::string(name) + " lies between " + std::to_string(static_cast<int>(low)) + " and " +
                     std::to_string(static_cast<int>(high)));
  };
  constexpr double minutes_per_day = 1440;
  if (!(options.level > 0 && options.level < 100))
    throw UsageError("level must lie between 0 and 100, e.g. level = 95");
  within("window_days", options.window_days, 0, most_days);
  within("idle_days", options.idle_days, 0, most_days);
  within("target_minutes", options.target_minutes, 0, most_days * minutes_per_day);
  if (options.gross_margin && !(*options.gross_margin >= -1 && *options.gross_margin <= 1))
    throw UsageError("gross_margin is a share of revenue between -1 and 1, such as 0.8 for 80 %");
  (void)days_of_lag(options.lag);
  constexpr int most_ranks = 1'000'000;
  if (options.from_rank) within("from_rank", *options.from_rank, 0, most_ranks);
  if (options.from_rank && options.start != Start::stage)
    throw UsageError("from_rank is the rank of a start at a stage: ask start = 'stage' with it");
}

namespace {

/// The options that some KPIs heed, as `Definition::options` names them.
struct SomeOption {
  std::string_view name;
  bool (*differs)(const Options&, const Options&);
  void (*take)(Options&, const Options&);
};

template <auto field>
constexpr SomeOption some(std::string_view name) {
  return {name, [](const Options& a, const Options& b) { return a.*field != b.*field; },
          [](Options& to, const Options& from) { to.*field = from.*field; }};
}

constexpr SomeOption some_options[] = {
    some<&Options::mode>("mode"),
    some<&Options::weight>("weight"),
    some<&Options::window_days>("window_days"),
    some<&Options::idle_days>("idle_days"),
    some<&Options::reopened>("reopened"),
    some<&Options::allow_negative>("allow_negative"),
    some<&Options::target_minutes>("target_minutes"),
    some<&Options::gross_margin>("gross_margin"),
    {"hours", [](const Options& a, const Options& b) { return a.hours.has_value() != b.hours.has_value(); },
     [](Options& to, const Options& from) { to.hours = from.hours; }},
    some<&Options::hours_of>("hours_of"),
    some<&Options::clock>("clock"),
    some<&Options::start>("start"),
    some<&Options::from_rank>("from_rank"),
    some<&Options::visits>("visits"),
    some<&Options::every>("every"),
    some<&Options::in_order>("in_order"),
    some<&Options::no_decision>("no_decision"),
    some<&Options::lag>("lag"),
    some<&Options::churn_base>("churn_base"),
    some<&Options::churn_at>("churn_at"),
};

}  // namespace

void check_heeded(const Options& options, std::string_view asked, std::string_view heeded) {
  const Options plain;
  for (const SomeOption& option : some_options) {
    if (holds_word(heeded, option.name) || !option.differs(options, plain)) continue;
    std::string known;
    for (const SomeOption& other : some_options)
      if (holds_word(heeded, other.name)) known += (known.empty() ? "" : ", ") + std::string(other.name);
    throw UsageError(std::string(asked) + " has no option '" + std::string(option.name) + "'" +
                     (known.empty() ? "" : "; of its own it has " + known));
  }
}

Options heeded_of(const Options& options, std::string_view heeded) {
  const Options plain;
  Options result = options;
  for (const SomeOption& option : some_options)
    if (option.name != "mode" && option.name != "weight" && !holds_word(heeded, option.name))
      option.take(result, plain);
  return result;
}

bool holds_word(std::string_view list, std::string_view word) {
  return (" " + std::string(list) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

const Metric& Result::single() const {
  if (!by.empty() || metrics.size() != 1)
    throw UsageError(name + " is grouped by " + (by.empty() ? std::string("periods") : by.front()) +
                     ": read its rows with to_table() (Python: .to_frame())");
  return metrics.front();
}

Table Result::to_table() const {
  NamedColumns columns;
  for (std::size_t k = 0; k < by.size(); ++k) {
    std::vector<std::string> keys;
    std::vector<std::uint8_t> valid;
    for (const Metric& metric : metrics) {
      keys.push_back(metric.keys[k]);
      valid.push_back(metric.key_null[k] == 0);
    }
    add_column(columns, by[k], Column::of_strings(keys, valid));
  }
  OptionalNumbers value, numerator, denominator, low, high;
  std::vector<std::int64_t> n, censored, excluded;
  std::vector<std::string> states;
  std::set<std::string> details;
  bool any_state = false;
  for (const Metric& metric : metrics) {
    value.add(metric.value);
    numerator.add(metric.numerator);
    denominator.add(metric.denominator);
    low.add(metric.low);
    high.add(metric.high);
    n.push_back(metric.n);
    censored.push_back(metric.censored);
    std::int64_t left_out = 0;
    for (const auto& [reason, rows] : metric.excluded) left_out += rows;
    excluded.push_back(left_out);
    states.push_back(metric.state);
    any_state |= !metric.state.empty();
    for (const auto& [detail, number] : metric.details) details.insert(detail);
  }
  add_column(columns, name, std::move(value).column());
  add_column(columns, name + "_lo_" + shortest_text(level), std::move(low).column());
  add_column(columns, name + "_hi_" + shortest_text(level), std::move(high).column());
  add_column(columns, "numerator", std::move(numerator).column());
  add_column(columns, "denominator", std::move(denominator).column());
  add_column(columns, "n", Column::of(Type::int64, std::move(n)));
  add_column(columns, "censored", Column::of(Type::int64, std::move(censored)));
  add_column(columns, "excluded", Column::of(Type::int64, std::move(excluded)));
  if (any_state) columns.emplace_back("state", Column::of_strings(states));
  for (const std::string& detail : details) {
    OptionalNumbers numbers;
    for (const Metric& metric : metrics) {
      const auto found = metric.details.find(detail);
      numbers.add(found == metric.details.end() ? std::nullopt : std::optional(found->second));
    }
    add_column(columns, detail, std::move(numbers).column());
  }
  return Table(std::move(columns));
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
