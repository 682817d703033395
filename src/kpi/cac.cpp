#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "groups.hpp"
#include "salesops/kpi.hpp"
#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Texts of the columns that money and customers have in common; nulls come last.
using Source = std::vector<std::pair<bool, std::string>>;

/// What `by` asks for: columns of spend, and lengths of time.
struct Grouping {
  std::vector<std::string> columns, times;
  std::vector<Every> every;

  Grouping(const Crm& crm, const Options& options) {
    if (!options.where.empty())
      throw UsageError("cac: spend has no columns in common with customers; leave out where");
    for (const std::string& name : options.by) {
      if (const auto length = every_of(name)) {
        times.push_back(name);
        every.push_back(*length);
        continue;
      }
      if (name != "channel" && name != "campaign")
        throw UsageError(
            "cac: spend has no columns in common with customers but 'channel' and 'campaign'; leave out by "
            "'" +
            name + "'");
      (void)crm.column("spend", name);
      columns.push_back(name);
    }
  }
};

/// Where a deal came from, as spend calls it: its `source` is the channel.
class Origins {
 public:
  Origins(const Crm& crm, const std::vector<std::string>& columns)
      : lead_(crm.link("opportunity", "lead_id")) {
    for (const std::string& column : columns) {
      const std::string_view name = column == "channel" ? "source" : std::string_view(column);
      deal_.push_back(find(crm, "opportunity", name));
      of_lead_.push_back(find(crm, "lead", name));
      if (deal_.back() == nullptr && of_lead_.back() == nullptr)
        throw UsageError("cac: customers can't be told by " + column + ": neither deals nor leads have '" +
                         std::string(name) + "'");
    }
  }
  /// Of the deal itself, else of its lead.
  [[nodiscard]] Source operator()(std::size_t deal) const {
    Source source;
    for (std::size_t c = 0; c < deal_.size(); ++c) {
      const std::int32_t lead = lead_.empty() ? -1 : lead_[deal];
      if (deal_[c] != nullptr && deal_[c]->valid(deal))
        source.emplace_back(false, deal_[c]->cell(deal));
      else if (lead >= 0 && of_lead_[c] != nullptr && of_lead_[c]->valid(static_cast<std::size_t>(lead)))
        source.emplace_back(false, of_lead_[c]->cell(static_cast<std::size_t>(lead)));
      else
        source.emplace_back(true, "");
    }
    return source;
  }

 private:
  static const Column* find(const Crm& crm, std::string_view table, std::string_view column) {
    return crm.has(table, column) ? &crm.column(table, column) : nullptr;
  }
  std::span<const std::int32_t> lead_;
  std::vector<const Column*> deal_, of_lead_;
};

/// What of an amount falls into the first `days` of `all`, to the nearest minor unit: parts that meet add up.
std::int64_t until(std::int64_t amount, std::int32_t days, std::int32_t all) {
  return static_cast<std::int64_t>(
      money::divide(static_cast<int128>(amount) * days, all, Rounding::half_even));
}

/// Money spent, and accounts when they were first won, by source: the two sides of one ratio.
class Costs {
 public:
  Costs(const Crm& crm, const Options& options, const Scope& scope, const Grouping& by, int lag)
      : crm_(crm), options_(options), scope_(scope), by_(by), lag_(lag) {
    if (by.columns.empty()) (void)of({});
    read_ends();
  }

  void add_customers() {
    const Deals& deals = crm_.deals();
    const bool by_deals = deals.size() > 0;
    if (!by_deals && !crm_.has("opportunity") && !crm_.has("subscription", "start"))
      throw UsageError(
          "cac needs won deals (table 'opportunity') or subscriptions (column 'start') to tell who was won");
    if (!by_deals && !by_.columns.empty() && !crm_.has("opportunity"))
      throw UsageError("cac: only deals tell where customers came from; this book has none, leave out by");
    std::vector<First> first(crm_.table("account").num_rows());
    if (by_deals)
      read_deals(first);
    else
      read_subscriptions(first);
    for (std::size_t account = 0; account < first.size(); ++account) {
      const First& won = first[account];
      if (won.at == null_value) continue;
      if (won.at < options_.zone.start_of(known_until(won.source)).us)
        of(won.source).add(account, won.at, 0, 1);
      else
        leave_out(of(won.source), won.at, "spend_unknown");
    }
  }

  /// The first day whose customers' spend isn't known: where all spend (of the source's channel, if groups
  /// are of channels and it has any) has periods, when the last one ends.
  [[nodiscard]] Date known_until(const Source& source) const {
    const auto channel = std::ranges::find(by_.columns, "channel");
    if (channel != by_.columns.end()) {
      const auto known = known_.find(source[static_cast<std::size_t>(channel - by_.columns.begin())]);
      if (known != known_.end()) return known->second;
    }
    return known_of_all_;
  }

  void add_spend() {
    const Table& table = crm_.table("spend");
    const Column& amounts = table.column("amount");
    const Column& starts = table.column("period_start");
    const Column* ends = table.find("period_end");
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      tick(row);
      Source source;
      for (const std::string& name : by_.columns) {
        const Column& column = table.column(name);
        source.emplace_back(column.is_null(row), column.is_null(row) ? std::string() : column.cell(row));
      }
      Facts& facts = of(source);
      const bool ended = ends != nullptr && ends->valid(row);
      if (starts.is_null(row) && !ended) {
        leave_out(facts, null_value, "no_time");
        continue;
      }
      // Without the other day, spend is of the one it has; so it is where they are the same.
      const std::int32_t last =
          ended ? ends->values<std::int32_t>()[row] : starts.values<std::int32_t>()[row] + 1;
      const std::int32_t begin = starts.valid(row) ? starts.values<std::int32_t>()[row] : last - 1;
      const std::int32_t end = last == begin ? begin + 1 : last;
      const std::int64_t at = options_.zone.start_of(Date{begin + lag_}).us;
      if (end < begin)
        leave_out(facts, at, "period_end_before_start");
      else if (amounts.is_null(row))
        leave_out(facts, at, "null_amount");
      else if (amounts.values<std::int64_t>()[row] < 0 && !options_.allow_negative)
        leave_out(facts, at, "negative_amount");
      else
        spread(facts, amounts.values<std::int64_t>()[row], begin + lag_, end + lag_);
    }
  }

  std::map<Source, Facts> sources;

 private:
  struct First {
    std::int64_t at = null_value;
    std::string_view id;
    Source source;
  };

  /// Up to when spend is known: of all, and of each channel.
  void read_ends() {
    const Table& table = crm_.table("spend");
    const Column *ends = table.find("period_end"), *channels = table.find("channel");
    known_of_all_ = first_date;
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      const bool ended = ends != nullptr && ends->valid(row);
      const Date end =
          ended ? std::min(Date{ends->values<std::int32_t>()[row] + lag_}, last_date) : last_date;
      known_of_all_ = std::max(known_of_all_, end);
      if (channels == nullptr) continue;
      const bool null = channels->is_null(row);
      Date& known = known_.try_emplace({null, null ? "" : channels->cell(row)}, first_date).first->second;
      known = std::max(known, end);
    }
  }

  Facts& of(const Source& source) {
    Facts& facts = sources[source];
    facts.table = "account";
    return facts;
  }

  /// Rows of no known time may belong to any period.
  void leave_out(Facts& facts, std::int64_t at, std::string_view why) const {
    const std::uint8_t state = facts.reason(why);
    const auto put = [&](std::int64_t instant) {
      facts.add(0, instant, 0, 0, state);
      facts.row.back() = -1;
    };
    if (at != null_value) return put(at);
    for (const Scope::Part& part : scope_.parts) put(part.interval.start.us);
  }

  void read_deals(std::vector<First>& first) {
    const Deals& deals = crm_.deals();
    const Origins origins(crm_, by_.columns);
    const Column& ids = crm_.column("opportunity", "opportunity_id");
    for (std::size_t deal = 0; deal < deals.size(); ++deal) {
      tick(deal);
      if (deals.status[deal] != DealStatus::won) continue;
      const std::int64_t at = deals.closed_at[deal];
      const std::int32_t account = deals.account_row[deal];
      if (deals.deleted[deal] != 0 || account < 0 || at == null_value) {
        leave_out(of(origins(deal)), at,
                  deals.deleted[deal] != 0 ? "deleted"
                  : account < 0            ? "no_account"
                                           : "no_time");
        continue;
      }
      First& known = first[static_cast<std::size_t>(account)];
      if (known.at == null_value || std::pair(at, ids.text(deal)) < std::pair(known.at, known.id))
        known = {at, ids.text(deal), origins(deal)};
    }
  }

  void read_subscriptions(std::vector<First>& first) {
    if (!crm_.has("subscription", "start")) return;
    const Column& started = crm_.column("subscription", "start");
    const auto account = crm_.link("subscription", "account_id");
    for (std::size_t row = 0; row < account.size(); ++row) {
      if (started.is_null(row)) continue;
      const std::int64_t at = options_.zone.start_of(Date{started.values<std::int32_t>()[row]}).us;
      if (account[row] < 0) {
        leave_out(of(Source(by_.columns.size(), {true, ""})), at, "no_account");
        continue;
      }
      First& known = first[static_cast<std::size_t>(account[row])];
      if (known.at == null_value || at < known.at) known = {at, {}, Source(by_.columns.size(), {true, ""})};
    }
  }

  /// An amount over the days [begin, end), cut where a period or a length of time begins.
  void spread(Facts& facts, std::int64_t amount, std::int32_t begin, std::int32_t end) const {
    for (const Scope::Part& part : scope_.parts) {
      const std::int32_t low = std::max(begin, day_of(part.interval.start.us, options_));
      const std::int32_t high = std::min(end, day_of(part.interval.end.us, options_));
      if (low >= high) continue;
      std::set<std::int32_t> cuts{low, high};
      for (const Every every : by_.every)
        for (const Period& period : options_.calendar.between(Date{low}, Date{high}, every))
          cuts.insert(std::max(low, period.start.days));
      for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
        const std::int32_t from = *cut, to = *std::next(cut);
        facts.add(0, options_.zone.start_of(Date{from}).us,
                  until(amount, to - begin, end - begin) - until(amount, from - begin, end - begin), 0);
        facts.row.back() = -1;
      }
    }
  }

  const Crm& crm_;
  const Options& options_;
  const Scope& scope_;
  const Grouping& by_;
  int lag_;
  std::map<Source::value_type, Date> known_;  ///< by channel
  Date known_of_all_;
};

/// The lag in days; nothing where it is the sales cycle and nobody was won.
std::optional<int> lag_of(const Crm& crm, const Options& options, const Scope& scope) {
  if (options.lag != "sales_cycle") return days_of_lag(options.lag).value_or(0);
  Options cycle;
  cycle.zone = options.zone;
  cycle.execution = options.execution;
  cycle.execution.progress = {};
  const auto day = [&](Instant t) { return Date{day_of(t.us, options)}.to_string(); };
  cycle.period = day(scope.parts.front().interval.start) + "/" + day(scope.parts.back().interval.end);
  const auto median = sales_cycle(crm, cycle).single().value;
  if (!median) return std::nullopt;
  return static_cast<int>(std::llround(*median));
}

std::string text_of(const Grouping& by, const Options& options, std::optional<int> lag) {
  std::string text = "spend of the days of the period";
  if (!options.lag.empty() && lag)
    text += ", moved back by " + std::to_string(*lag) + (*lag == 1 ? " day" : " days");
  if (options.lag == "sales_cycle") text += " (the median sales cycle)";
  text += " ÷ accounts first won in it";
  if (!by.columns.empty()) text += ", told by where their first won deal came from";
  return text;
}

/// Sets what a ratio of spend to customers says beside its sums.
void finish(Metric& metric, const Facts& facts, std::span<const std::int32_t> counted, const Options& options,
            std::optional<int> lag) {
  metric.n = 0;
  metric.rows.clear();
  for (const std::int32_t fact : counted) {
    const std::int32_t account = facts.row[static_cast<std::size_t>(fact)];
    if (account < 0) continue;
    ++metric.n;
    if (options.keep_rows) metric.rows.push_back(account);
  }
  const bool spent = std::ssize(counted) > metric.n;
  metric.value.reset();
  metric.interval_note = "none: spend is no sample";
  if (!lag)
    metric.state = "no sales cycle";
  else if (!spent)
    metric.state = "no spend";
  else if (metric.denominator > 0)
    metric.value = metric.numerator / metric.denominator;
  if (!options.lag.empty() && lag) metric.details["lag_days"] = *lag;
}

/// The day on which the time of a metric is over, or the present one: its keys are a period of several, if
/// there are, and lengths of time.
Date end_of(const Metric& metric, const Scope& scope, const Options& options) {
  const Date today{day_of(scope.as_of.us, options)};
  Date end = scope.all ? today : Date{day_of(scope.parts.back().interval.end.us, options)};
  for (std::size_t k = 0; k < metric.keys.size(); ++k) {
    const auto part = std::ranges::find(scope.parts, metric.keys[k], &Scope::Part::label);
    if (k == 0 && scope.parts.size() > 1 && part != scope.parts.end())
      end = Date{day_of(part->interval.end.us, options)};
    else if (metric.key_null[k] == 0)
      end = std::min(end, options.calendar.parse_period(metric.keys[k], today).back().end);
  }
  return std::min(end, today);
}

}  // namespace

Result cac(const Crm& book, const Options& given) {
  Options options = given;
  if (options.period.empty()) options.period = "last month";
  const Mode mode = mode_for(book, options, "cac");
  const Grouping by(book, options);
  const Crm crm = rewound(book, options);
  const Scope scope = scope_of(crm, options);
  const std::optional<int> lag = lag_of(crm, options, scope);
  Costs costs(crm, options, scope, by, lag.value_or(0));
  costs.add_customers();
  costs.add_spend();
  std::vector<std::int32_t> rows(crm.table("spend").num_rows());
  std::iota(rows.begin(), rows.end(), 0);
  const std::string currency = one_currency(crm, "spend", rows, false);

  Options each = options;
  each.by = by.times;
  const auto answer = [&](Facts& facts) {
    facts.shape = Shape::total;
    facts.scale = major_units(currency);
    facts.unit = currency;
    facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
      finish(metric, facts, counted, options, lag);
    };
    return summarise(crm, facts, each, "cac", text_of(by, options, lag), mode);
  };
  Facts none;
  none.table = "account";
  Result result = answer(none);
  result.metrics.clear();
  result.by.insert(result.by.begin(), by.columns.begin(), by.columns.end());
  for (auto& [source, facts] : costs.sources) {
    const Date known = costs.known_until(source);
    for (Metric& metric : answer(facts).metrics) {
      const bool late = metric.excluded.contains("spend_unknown") || known < end_of(metric, scope, options);
      if (metric.state.empty() && late) metric.state = "incomplete";
      for (std::size_t k = source.size(); k-- > 0;) {
        metric.keys.insert(metric.keys.begin(), source[k].second);
        metric.key_null.insert(metric.key_null.begin(), source[k].first ? 1 : 0);
      }
      result.metrics.push_back(std::move(metric));
    }
  }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
