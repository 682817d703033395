#include <algorithm>
#include <cmath>
#include <numeric>

#include "salesops/kpi.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr double days_per_month = 365.0 / 12.0;
constexpr double max_minor_units = 9e18;  ///< what int64 holds

Options with_period(const Options& options) {
  Options result = options;
  if (result.period.empty()) result.period = "last month";
  return result;
}

/// Days in which a subscription pays, and what it brings a month.
struct Subscriptions {
  std::vector<std::int32_t> account, from, to;
  std::vector<double> monthly;
  std::vector<std::uint8_t> pays;
  std::vector<std::size_t> by_amount;

  explicit Subscriptions(const Crm& crm) {
    const Table& table = crm.table("subscription");
    (void)crm.column("subscription", "start");
    (void)crm.column("subscription", "account_id");
    const auto link = crm.link("subscription", "account_id");
    if (link.empty() && table.num_rows() > 0)
      throw UsageError(
          "churn and customer value need the table 'account'; this book has subscriptions without it");
    account.assign(link.begin(), link.end());
    const Column& start = crm.column("subscription", "start");
    const Column* end = table.find("end");
    const Column* trial = table.find("trial_end");
    const Column* amount = table.find("unit_amount");
    const Column* quantity = table.find("qty");
    const Column* interval = table.find("interval");
    const Column* count = table.find("interval_count");
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      tick(row);
      const auto day = [&](const Column* column, std::int32_t none) {
        return column == nullptr || column->is_null(row) ? none : column->values<std::int32_t>()[row];
      };
      from.push_back(std::max(day(&start, INT32_MAX), day(trial, INT32_MIN)));
      to.push_back(day(end, INT32_MAX));
      const auto number = [&](const Column* column, double none) {
        return column == nullptr || column->is_null(row) ? none : column->number(row);
      };
      const std::string_view unit =
          interval == nullptr || interval->is_null(row) ? "month" : interval->text(row);
      const double months = (unit == "year"   ? 12.0
                             : unit == "week" ? 12.0 / 52.0
                             : unit == "day"  ? 12.0 / 365.0
                                              : 1.0) *
                            number(count, 1.0);
      const double minor = number(amount, 0.0) * number(quantity, 1.0);
      monthly.push_back(months > 0 ? minor / months : 0.0);
      pays.push_back(amount == nullptr || amount->is_null(row) || minor > 0 ? 1 : 0);
    }
    by_amount.resize(monthly.size());
    std::iota(by_amount.begin(), by_amount.end(), std::size_t{0});
    std::sort(by_amount.begin(), by_amount.end(),
              [&](std::size_t a, std::size_t b) { return monthly[a] < monthly[b]; });
  }

  /// What each account brings a month on a day; NaN where it is no customer. Added from the smallest on, so
  /// that the order of the rows can't change a digit.
  [[nodiscard]] std::vector<double> on(std::int32_t day, std::size_t accounts) const {
    std::vector<double> result(accounts, NAN);
    for (const std::size_t row : by_amount) {
      if (account[row] < 0 || pays[row] == 0 || day < from[row] || day >= to[row]) continue;
      double& sum = result[static_cast<std::size_t>(account[row])];
      sum = (std::isnan(sum) ? 0.0 : sum) + monthly[row];
    }
    return result;
  }
};

/// Whole months where the period begins and ends with one, else days by the mean month.
double months_of(const Scope::Part& part, const Options& options) {
  const auto start = Date{day_of(part.interval.start.us, options)}.ymd();
  const auto end = Date{day_of(part.interval.end.us, options)}.ymd();
  const int months = (end.year - start.year) * 12 + static_cast<int>(end.month) - static_cast<int>(start.month);
  if (start.day == end.day && months > 0) return months;
  return static_cast<double>(part.interval.end.us - part.interval.start.us) /
         (static_cast<double>(us_per_day) * days_per_month);
}

const Scope::Part& part_of(const Scope& scope, const Metric& metric) {
  if (scope.parts.size() > 1)
    for (const Scope::Part& part : scope.parts)
      if (part.label == metric.keys.front()) return part;
  return scope.parts.front();
}

/// `book` is the one that was given: asked for a later day it knows no more.
void flag_incomplete(const Crm& book, const Scope& scope, Result& result) {
  const std::int64_t known = std::min(book.latest().us, scope.as_of.us);
  for (Metric& metric : result.metrics)
    if (part_of(scope, metric).interval.end.us > known + us_per_day) metric.state = "incomplete";
}

Result kept_or_lost(const Crm& book, const Options& given, bool lost, std::string name,
                    std::string definition) {
  const Options options = with_period(given);
  const Crm crm = rewound(book, options);
  const Subscriptions subscriptions(crm);
  const Scope scope = scope_of(crm, options);
  const std::size_t accounts = crm.table("account").num_rows();
  Facts facts;
  facts.table = "account";
  for (const Scope::Part& part : scope.parts) {
    const auto before = subscriptions.on(day_of(part.interval.start.us, options), accounts);
    const auto after = subscriptions.on(day_of(part.interval.end.us, options), accounts);
    for (std::size_t row = 0; row < accounts; ++row)
      if (!std::isnan(before[row]))
        facts.add(row, part.interval.start.us, std::isnan(after[row]) == lost ? 1 : 0, 1);
  }
  Result result = summarise(crm, facts, options, std::move(name), std::move(definition), Mode::snapshot);
  flag_incomplete(book, scope, result);
  if (lost)
    for (Metric& metric : result.metrics)
      if (metric.value)
        metric.details["annual"] =
            1.0 - std::pow(1.0 - *metric.value, 12.0 / months_of(part_of(scope, metric), options));
  return result;
}

/// Share of revenue left after its costs, of the transactions in the periods.
std::optional<double> margin_of(const Crm& crm, const Scope& scope, const Options& options) {
  if (options.gross_margin) {
    if (!(*options.gross_margin >= -1 && *options.gross_margin <= 1))
      throw UsageError("gross_margin is a share of revenue, such as 0.8 for 80 %");
    return options.gross_margin;
  }
  if (!crm.has("transaction", "margin") || !crm.has("transaction", "amount") || !crm.has("transaction", "at"))
    return std::nullopt;
  const Column& margin = crm.column("transaction", "margin");
  const Column& amount = crm.column("transaction", "amount");
  const Column& at = crm.column("transaction", "at");
  int128 top = 0, bottom = 0;
  for (std::size_t row = 0; row < at.size(); ++row) {
    tick(row);
    if (at.is_null(row) || margin.is_null(row) || amount.is_null(row)) continue;
    const Instant t{at.values<std::int64_t>()[row]};
    if (std::none_of(scope.parts.begin(), scope.parts.end(),
                     [&](const Scope::Part& part) { return part.interval.contains(t); }))
      continue;
    top += margin.values<std::int64_t>()[row];
    bottom += amount.values<std::int64_t>()[row];
  }
  if (bottom <= 0) return std::nullopt;
  return static_cast<double>(top) / static_cast<double>(bottom);
}

double need_margin(const Crm& crm, const Scope& scope, const Options& options) {
  if (const auto margin = margin_of(crm, scope, options)) return *margin;
  throw UsageError(
      "this KPI needs a gross margin: the book's transactions have no 'margin' in the period; pass "
      "gross_margin=0.8 (a share)");
}

void same_currency(const char* kpi, const std::string& revenue, const std::string& cost) {
  if (revenue != cost)
    throw UnitError(std::string(kpi) + ": revenue is in " + revenue + " and spend in " + cost +
                    "; convert the book with crm.in_currency(\"" + revenue + "\")");
}

/// `b`'s metric of the same group as `a`.
const Metric* same_group(const Metric& a, const Result& b) {
  for (const Metric& metric : b.metrics)
    if (metric.keys == a.keys && metric.key_null == a.key_null) return &metric;
  return nullptr;
}

}  // namespace

Result logo_churn(const Crm& crm, const Options& options) {
  return kept_or_lost(
      crm, options, true, "logo_churn",
      "customers at the start of the period that are none at its end ÷ customers at its start");
}

Result logo_retention(const Crm& crm, const Options& options) {
  return kept_or_lost(
      crm, options, false, "logo_retention",
      "customers at the start of the period that are still at its end ÷ customers at its start");
}

Result arpa(const Crm& book, const Options& given) {
  const Options options = with_period(given);
  const Crm crm = rewound(book, options);
  (void)crm.column("subscription", "unit_amount");
  const Subscriptions subscriptions(crm);
  const Scope scope = scope_of(crm, options);
  const std::size_t accounts = crm.table("account").num_rows();
  Facts facts;
  facts.table = "account";
  const auto too_large = facts.reason("too_large");
  for (const Scope::Part& part : scope.parts) {
    const auto monthly = subscriptions.on(day_of(part.interval.start.us, options), accounts);
    for (std::size_t row = 0; row < accounts; ++row) {
      if (std::isnan(monthly[row])) continue;
      if (std::abs(monthly[row]) < max_minor_units)
        facts.add(row, part.interval.start.us, std::llround(monthly[row]), 1);
      else
        facts.add(row, part.interval.start.us, 0, 0, too_large);
    }
  }
  std::vector<std::int32_t> rows(crm.table("subscription").num_rows());
  for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = static_cast<std::int32_t>(row);
  const std::string currency = one_currency(crm, "subscription", rows, false);
  facts.shape = Shape::ratio;
  facts.scale = major_units(currency);
  facts.unit = currency + " / month";
  return summarise(crm, facts, options, "arpa",
                   "monthly recurring revenue ÷ customers, at the start of the period", Mode::snapshot);
}

Result clv_simple(const Crm& book, const Options& given) {
  const Options options = with_period(given);
  const Crm crm = rewound(book, options);
  const Scope scope = scope_of(crm, options);
  const double margin = need_margin(crm, scope, options);
  const Result churn = logo_churn(crm, options);
  Result result = arpa(crm, options);
  result.name = "clv_simple";
  result.unit = result.unit.substr(0, result.unit.find(' '));
  result.definition = "revenue per customer and month × gross margin ÷ monthly churn";
  for (Metric& metric : result.metrics) {
    const Metric* lost = same_group(metric, churn);
    const auto average = metric.value;
    metric.value.reset();
    metric.low.reset();
    metric.high.reset();
    metric.interval_note = "none: a ratio of estimates";
    metric.details["margin"] = margin;
    if (lost == nullptr || !average || !lost->value) continue;
    const double monthly =
        1.0 - std::pow(1.0 - *lost->value, 1.0 / months_of(part_of(scope, metric), options));
    metric.details["arpa"] = *average;
    metric.details["churn"] = monthly;
    metric.numerator = *average * margin;
    metric.denominator = monthly;
    metric.state = lost->state;
    if (monthly > 0)
      metric.value = metric.numerator / monthly;
    else
      metric.state = "no churn seen";
  }
  return result;
}

Result cac(const Crm& book, const Options& given) {
  const Options options = with_period(given);
  if (!options.by.empty() || !options.where.empty())
    throw UsageError("cac: spend has no columns in common with customers; leave out by and where");
  const Crm crm = rewound(book, options);
  const Column& amount = crm.column("spend", "amount");
  const Column& start = crm.column("spend", "period_start");
  std::vector<std::int64_t> first(crm.table("account").num_rows(), null_value);
  const auto earliest = [&](std::int32_t account, std::int64_t at) {
    if (account < 0 || at == null_value) return;
    std::int64_t& known = first[static_cast<std::size_t>(account)];
    if (known == null_value || at < known) known = at;
  };
  const Deals& deals = crm.deals();
  for (std::size_t deal = 0; deal < deals.size(); ++deal)
    if (deals.status[deal] == DealStatus::won && deals.deleted[deal] == 0)
      earliest(deals.account_row[deal], deals.closed_at[deal]);
  if (deals.size() == 0 && crm.has("subscription", "start")) {
    const Column& started = crm.column("subscription", "start");
    const auto account = crm.link("subscription", "account_id");
    for (std::size_t row = 0; row < account.size(); ++row)
      if (started.valid(row)) earliest(account[row], started.values<std::int32_t>()[row] * us_per_day);
  }
  // Spend stands over the line, new customers under it: two kinds of facts of one ratio.
  Facts facts;
  facts.table = "spend";
  const auto null_amount = facts.reason("null_amount");
  std::vector<std::int32_t> rows;
  for (std::size_t row = 0; row < amount.size(); ++row) {
    tick(row);
    if (start.is_null(row)) continue;
    rows.push_back(static_cast<std::int32_t>(row));
    if (amount.valid(row))
      facts.add(row, options.zone.start_of(Date{start.values<std::int32_t>()[row]}).us,
                amount.values<std::int64_t>()[row], 0);
    else
      facts.add(row, options.zone.start_of(Date{start.values<std::int32_t>()[row]}).us, 0, 0, null_amount);
  }
  for (std::size_t account = 0; account < first.size(); ++account)
    if (first[account] != null_value) facts.add(0, first[account], 0, 1);
  const std::string currency = one_currency(crm, "spend", rows, false);
  facts.shape = Shape::ratio;
  facts.scale = major_units(currency);
  facts.unit = currency;
  Options plain = options;
  plain.keep_rows = false;
  Result result = summarise(crm, facts, plain, "cac",
                            "marketing and sales spend of the period ÷ customers first won in it",
                            Mode::closed_in_period);
  for (Metric& metric : result.metrics) {
    metric.n = static_cast<std::int64_t>(std::llround(metric.denominator));
    metric.low.reset();
    metric.high.reset();
    metric.interval_note = "none: spend is no sample";
  }
  return result;
}

Result ltv_cac(const Crm& crm, const Options& given) {
  const Options options = with_period(given);
  Result result = clv_simple(crm, options);
  const Result cost = cac(crm, options);
  same_currency("ltv_cac", result.unit, cost.unit);
  result.name = "ltv_cac";
  result.unit = "ratio";
  result.definition = "simple customer lifetime value ÷ cost of winning a customer";
  for (Metric& metric : result.metrics) {
    const Metric* spent = same_group(metric, cost);
    const auto worth = metric.value;
    metric.value.reset();
    if (worth) metric.details["clv"] = *worth;
    if (spent == nullptr || !spent->value) continue;
    metric.details["cac"] = *spent->value;
    if (!worth || *spent->value == 0) continue;
    metric.numerator = *worth;
    metric.denominator = *spent->value;
    metric.value = *worth / *spent->value;
  }
  return result;
}

Result cac_payback(const Crm& crm, const Options& given) {
  const Options options = with_period(given);
  const Result cost = cac(crm, options);
  Result result = arpa(crm, options);
  const double margin = need_margin(crm, scope_of(crm, options), options);
  same_currency("cac_payback", result.unit.substr(0, result.unit.find(' ')), cost.unit);
  result.name = "cac_payback";
  result.unit = "months";
  result.definition = "cost of winning a customer ÷ (revenue per customer and month × gross margin)";
  for (Metric& metric : result.metrics) {
    const Metric* spent = same_group(metric, cost);
    const auto average = metric.value;
    metric.value.reset();
    metric.low.reset();
    metric.high.reset();
    metric.interval_note = "none: a ratio of estimates";
    if (spent == nullptr || !spent->value || !average) continue;
    metric.details = {{"cac", *spent->value}, {"arpa", *average}, {"margin", margin}};
    metric.numerator = *spent->value;
    metric.denominator = *average * margin;
    if (metric.denominator > 0)
      metric.value = metric.numerator / metric.denominator;
    else
      metric.state = "margin isn't positive";
  }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
