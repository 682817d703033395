#include <algorithm>
#include <cmath>
#include <numeric>

#include "salesops/kpi.hpp"
#include "salesops/subscription/terms.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr double days_per_month = 365.0 / 12.0;
constexpr double max_minor_units = 9e18;  ///< what int64 holds

Options with_month(const Options& options) {
  Options result = options;
  if (result.period.empty()) result.period = "last month";
  return result;
}

/// The book's subscriptions, and what they make of its accounts.
struct Subscriptions : subscription::Terms {
  std::vector<std::size_t> by_amount;  ///< added from the smallest on: the order of the rows changes no digit

  Subscriptions(const Crm& crm, const Options& options) : Terms(crm, options.zone, options.churn_at) {
    by_amount.resize(monthly.size());
    std::iota(by_amount.begin(), by_amount.end(), std::size_t{0});
    std::sort(by_amount.begin(), by_amount.end(),
              [&](std::size_t a, std::size_t b) { return monthly[a] < monthly[b]; });
  }

  enum : std::uint8_t { nobody = 0, resting = 1, active = 2 };
  /// What each account is on a day: no customer, one whose subscriptions are all paused, or a customer.
  [[nodiscard]] std::vector<std::uint8_t> on(std::int32_t day, std::size_t accounts) const {
    std::vector<std::uint8_t> result(accounts, nobody);
    for (std::size_t row = 0; row < account.size(); ++row) {
      if (account[row] < 0 || !counts(row) || !runs(row, day)) continue;
      std::uint8_t& state = result[static_cast<std::size_t>(account[row])];
      state = std::max<std::uint8_t>(state, pauses.on(row, day) ? resting : active);
    }
    return result;
  }
  /// On how many days of [begin, end) each account is a customer.
  [[nodiscard]] std::vector<std::int32_t> days(std::int32_t begin, std::int32_t end,
                                               std::size_t accounts) const {
    std::vector<std::size_t> rows(account.size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return from[a] < from[b]; });
    std::vector<std::int32_t> result(accounts, 0), reached(accounts, begin);
    for (const std::size_t row : rows) {
      if (account[row] < 0 || !counts(row)) continue;
      const auto of = static_cast<std::size_t>(account[row]);
      const std::int32_t first = std::max(from[row], reached[of]), last = std::min(to[row], end);
      if (first >= last) continue;
      result[of] += last - first;
      reached[of] = last;
    }
    return result;
  }
};

/// Whole months where the period begins and ends with one, else days by the mean month.
double months_of(const Scope::Part& part, const Options& options) {
  const auto start = Date{day_of(part.interval.start.us, options)}.ymd();
  const auto end = Date{day_of(part.interval.end.us, options)}.ymd();
  const int months =
      (end.year - start.year) * 12 + static_cast<int>(end.month) - static_cast<int>(start.month);
  if (start.day == end.day && months > 0) return months;
  return static_cast<double>(part.interval.end.us - part.interval.start.us) /
         (static_cast<double>(us_per_day) * days_per_month);
}

/// The share kept over `times` periods that each lose `churn`; daily averages may lose more than all.
double kept(double churn, double times) { return std::pow(std::max(0.0, 1.0 - churn), times); }

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

/// Facts about accounts; those of subscriptions without one are left out.
struct AccountFacts : Facts {
  AccountFacts() : no_account(reason("no_account")), endless(reason("cancelled_without_end")) {
    table = "account";
  }
  void leave_out(std::int32_t account, std::int64_t instant, std::uint8_t why) {
    add(0, instant, 0, 0, why);
    row.back() = account;
  }
  std::uint8_t no_account, endless;
};

/// Parts of a customer in which a day of any of the periods is a whole number (of very many lengths, nearly).
std::int64_t parts_of_customer(const Scope& scope, const Options& options) {
  constexpr std::int64_t most = 1'000'000'000;
  std::int64_t parts = 1;
  for (const Scope::Part& part : scope.parts) {
    const auto days = day_of(part.interval.end.us, options) - day_of(part.interval.start.us, options);
    parts = std::min(most, std::lcm(parts, std::int64_t{days}));
  }
  return parts;
}

/// A fact for each customer of a part: at its start, or for the daily average at any time in it.
class ChurnFacts {
 public:
  ChurnFacts(const Crm& crm, const Scope& scope, const Options& options, bool lost)
      : options_(options),
        subscriptions_(crm, options),
        lost_(lost),
        accounts_(crm.table("account").num_rows()) {
    facts.finish = [this](Metric& metric, std::span<const std::int32_t> counted,
                          std::span<const std::int32_t>) {
      if (!subscriptions_.pauses.known()) return;
      double& paused = metric.details["paused"];
      for (const std::int32_t fact : counted) paused += resting_[static_cast<std::size_t>(fact)];
    };
    if (!average()) return;
    facts.shape = Shape::ratio;
    parts_ = static_cast<double>(parts_of_customer(scope, options));
    facts.denominator_scale = 1 / parts_;
  }
  void add(const Interval& part) {
    const std::int32_t begin = day_of(part.start.us, options_), end = day_of(part.end.us, options_);
    const auto before = subscriptions_.on(begin, accounts_), after = subscriptions_.on(end, accounts_);
    std::vector<std::int32_t> days;
    if (average()) days = subscriptions_.days(begin, end, accounts_);
    for (std::size_t row = 0; row < accounts_; ++row) {
      if (average() ? days[row] == 0 : before[row] == Subscriptions::nobody) continue;
      const bool gone = after[row] == Subscriptions::nobody;
      const double share = average() ? parts_ * days[row] / (end - begin) : 1;
      facts.add(row, part.start.us, gone == lost_ ? 1 : 0, std::llround(share));
      resting_.push_back(after[row] == Subscriptions::resting ? 1 : 0);
    }
    for (std::size_t row = 0; row < subscriptions_.account.size(); ++row) {
      if (!subscriptions_.runs(row, begin)) continue;
      const bool endless = subscriptions_.endless[row] != 0;
      const bool unowned = subscriptions_.account[row] < 0 && subscriptions_.counts(row);
      if (!endless && !unowned) continue;
      facts.leave_out(endless ? subscriptions_.account[row] : -1, part.start.us,
                      endless ? facts.endless : facts.no_account);
      resting_.push_back(0);
    }
  }

  AccountFacts facts;

 private:
  [[nodiscard]] bool average() const { return options_.churn_base == ChurnBase::daily_average; }

  const Options& options_;
  Subscriptions subscriptions_;
  bool lost_;
  std::size_t accounts_;
  double parts_ = 1;
  std::vector<std::uint8_t> resting_;
};

Result kept_or_lost(const Crm& book, const Options& options, bool lost, std::string_view name,
                    std::string definition) {
  const Mode mode = mode_for(book, options, name);
  const Crm crm = rewound(book, options);
  const Scope scope = scope_of(crm, options);
  ChurnFacts churn(crm, scope, options, lost);
  for (const Scope::Part& part : scope.parts) churn.add(part.interval);
  Result result = summarise(crm, churn.facts, options, std::string(name), std::move(definition), mode);
  flag_incomplete(book, scope, result);
  if (lost)
    for (Metric& metric : result.metrics)
      if (metric.value)
        metric.details["annual"] =
            1.0 - kept(*metric.value, 12.0 / months_of(part_of(scope, metric), options));
  return result;
}

/// Share of revenue left after its costs, of the transactions in the periods.
std::optional<double> margin_of(const Crm& crm, const Scope& scope, const Options& options) {
  if (options.gross_margin) return options.gross_margin;
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
  if (revenue != cost && (revenue == "XXX" || cost == "XXX"))
    throw UnitError(std::string(kpi) + ": " + (cost == "XXX" ? "spend" : "revenue") +
                    " names no currency, and the rest is in " + (cost == "XXX" ? revenue : cost) +
                    "; say what it is in with currency= when reading the book");
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

void ungrouped(const char* kpi, const Options& options) {
  if (!options.by.empty() || !options.where.empty())
    throw UsageError(
        std::string(kpi) +
        ": spend has no columns in common with customers; leave out by and where (cac answers by "
        "channel)");
}

/// Calls `work` for each metric with the one of its group in `cost`; rows and what is left out are of both.
template <class Work>
void for_each_pair(Result& result, const Result& cost, Work work) {
  for (Metric& metric : result.metrics) {
    const Metric* spent = same_group(metric, cost);
    if (spent == nullptr) continue;
    metric.details["customers"] = static_cast<double>(metric.n);
    for (const auto& [reason, rows] : spent->excluded) metric.excluded[reason] += rows;
    if (const auto lag = spent->details.find("lag_days"); lag != spent->details.end())
      metric.details.insert(*lag);
    metric.n = spent->n;
    metric.rows = spent->rows;
    if (metric.state.empty()) metric.state = spent->state;
    work(metric, *spent);
  }
}

}  // namespace

Result logo_churn(const Crm& crm, const Options& options) {
  const bool average = options.churn_base == ChurnBase::daily_average;
  return kept_or_lost(
      crm, with_month(options), true, "logo_churn",
      average ? "customers of any day of the period that are none at its end ÷ mean number of customers of "
                "its days"
              : "customers at the start of the period that are none at its end ÷ customers at its start");
}

Result logo_retention(const Crm& crm, const Options& options) {
  return kept_or_lost(
      crm, with_month(options), false, "logo_retention",
      "customers at the start of the period that are still at its end ÷ customers at its start");
}

Result arpa(const Crm& book, const Options& given) {
  using Amount = Subscriptions::Amount;
  const Options options = with_month(given);
  const Mode mode = mode_for(book, options, "arpa");
  const Crm crm = rewound(book, options);
  const Subscriptions subscriptions(crm, options);
  const Scope scope = scope_of(crm, options);
  AccountFacts facts;
  const auto too_large = facts.reason("too_large"), paused = facts.reason("paused"),
             null_amount = facts.reason("null_amount"), negative = facts.reason("negative_amount"),
             unknown_interval = facts.reason("unknown_interval");
  for (const Scope::Part& part : scope.parts) {
    const std::int64_t at = part.interval.start.us;
    const std::int32_t day = day_of(at, options);
    std::vector<double> monthly(crm.table("account").num_rows(), NAN);
    for (const std::size_t row : subscriptions.by_amount) {
      const std::int32_t account = subscriptions.account[row];
      const Amount amount = subscriptions.amount[row];
      if (!subscriptions.runs(row, day) || amount == Amount::none) continue;
      const std::uint8_t state = subscriptions.endless[row] != 0                         ? facts.endless
                                 : account < 0                                           ? facts.no_account
                                 : amount == Amount::unknown_interval                    ? unknown_interval
                                 : amount == Amount::unknown                             ? null_amount
                                 : amount == Amount::negative && !options.allow_negative ? negative
                                 : subscriptions.pauses.on(row, day)                     ? paused
                                                                                         : Facts::counted;
      if (state != Facts::counted) {
        facts.leave_out(account, at, state);
        continue;
      }
      double& sum = monthly[static_cast<std::size_t>(account)];
      sum = (std::isnan(sum) ? 0.0 : sum) + subscriptions.monthly[row];
    }
    for (std::size_t row = 0; row < monthly.size(); ++row) {
      if (std::isnan(monthly[row])) continue;
      if (std::abs(monthly[row]) < max_minor_units)
        facts.add(row, at, std::llround(monthly[row]), 1);
      else
        facts.leave_out(static_cast<std::int32_t>(row), at, too_large);
    }
  }
  std::vector<std::int32_t> rows(crm.table("subscription").num_rows());
  std::iota(rows.begin(), rows.end(), 0);
  const std::string currency = one_currency(crm, "subscription", rows, false);
  facts.shape = Shape::ratio;
  facts.scale = major_units(currency);
  facts.unit = currency + " / month";
  return summarise(crm, facts, options, "arpa",
                   "monthly recurring revenue after discounts ÷ customers, at the start of the period", mode);
}

Result clv_simple(const Crm& book, const Options& given) {
  const Options options = with_month(given);
  (void)mode_for(book, options, "clv_simple");
  const Crm crm = rewound(book, options);
  const Scope scope = scope_of(crm, options);
  const double margin = need_margin(crm, scope, options);
  const Result churn = logo_churn(crm, heeded_by("logo_churn", options));
  Result result = arpa(crm, heeded_by("arpa", options));
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
    const double monthly = 1.0 - kept(*lost->value, 1.0 / months_of(part_of(scope, metric), options));
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

Result ltv_cac(const Crm& crm, const Options& given) {
  Options options = with_month(given);
  ungrouped("ltv_cac", options);
  (void)mode_for(crm, options, "ltv_cac");
  options.mode = Mode::standard;
  Result result = clv_simple(crm, heeded_by("clv_simple", options));
  const Result cost = cac(crm, heeded_by("cac", options));
  same_currency("ltv_cac", result.unit, cost.unit);
  result.name = "ltv_cac";
  result.unit = "ratio";
  result.definition = "simple customer lifetime value ÷ cost of winning a customer";
  for_each_pair(result, cost, [](Metric& metric, const Metric& spent) {
    const auto worth = metric.value;
    metric.value.reset();
    if (worth) metric.details["clv"] = *worth;
    if (!spent.value) return;
    metric.details["cac"] = *spent.value;
    if (!worth || *spent.value == 0) return;
    metric.numerator = *worth;
    metric.denominator = *spent.value;
    metric.value = *worth / *spent.value;
  });
  return result;
}

Result cac_payback(const Crm& crm, const Options& given) {
  Options options = with_month(given);
  ungrouped("cac_payback", options);
  (void)mode_for(crm, options, "cac_payback");
  options.mode = Mode::standard;
  const Result cost = cac(crm, heeded_by("cac", options));
  Result result = arpa(crm, heeded_by("arpa", options));
  const double margin = need_margin(crm, scope_of(crm, options), options);
  same_currency("cac_payback", result.unit.substr(0, result.unit.find(' ')), cost.unit);
  result.name = "cac_payback";
  result.unit = "months";
  result.definition = "cost of winning a customer ÷ (revenue per customer and month × gross margin)";
  for_each_pair(result, cost, [&](Metric& metric, const Metric& spent) {
    const auto average = metric.value;
    metric.value.reset();
    metric.low.reset();
    metric.high.reset();
    metric.interval_note = "none: a ratio of estimates";
    if (!spent.value || !average) return;
    metric.details["cac"] = *spent.value;
    metric.details["arpa"] = *average;
    metric.details["margin"] = margin;
    metric.numerator = *spent.value;
    metric.denominator = *average * margin;
    if (metric.denominator > 0)
      metric.value = metric.numerator / metric.denominator;
    else
      metric.state = "margin isn't positive";
  });
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
