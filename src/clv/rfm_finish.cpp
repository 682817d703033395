#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "rfm_state.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using clv_detail::DayRange;
using clv_detail::DayRows;
using clv_detail::refund_bit;

constexpr std::size_t block_customers = 8192;

// ---- periods ----

/// The last days that count, as one asks for them and as the data gives them.
struct Ends {
  std::int32_t calibration = 0;
  std::int32_t holdout = 0;  ///< that of the calibration, without a holdout
};

std::int32_t latest_day(const RfmState::Data& data) {
  std::int32_t latest = std::numeric_limits<std::int32_t>::min();
  for (std::size_t i = 0; i < data.customers(); ++i)
    latest = std::max(latest, data.days.days[data.begins[i + 1] - 1]);
  return latest;
}

/// What was wrong with the rows where none is left: "column 'date': 3 rows not_a_date".
std::string why_none(const Issues& issues) {
  std::string text;
  std::set<std::pair<std::string, std::string>> told;
  for (const Issue& issue : issues.rows()) {
    if (!told.emplace(issue.column, issue.rule).second) continue;
    const std::int64_t rows = issues.count(issue.table, issue.column, issue.rule);
    text += (text.empty() ? "" : "; ") + ("column '" + issue.column + "': " + std::to_string(rows)) +
            (rows == 1 ? " row " : " rows ") + issue.rule;
  }
  return text;
}

Ends ends_of(const RfmState::Data& data, const RfmOptions& options) {
  const auto before = [](const std::optional<RfmEnd>& a, const std::optional<RfmEnd>& b) {
    return a && b && *a < *b;
  };
  if (options.unit < TimeUnit::day && !data.by_minute)
    throw UsageError("hours and minutes need the minute of each purchase; the rows were read by the day");
  if (options.holdout_end && !options.calibration_end)
    throw UsageError("holdout_end needs calibration_end, where the holdout begins");
  if (options.holdout_end && *options.holdout_end <= *options.calibration_end)
    throw UsageError("holdout_end must lie after calibration_end");
  if (before(options.observation_end, options.calibration_end) ||
      before(options.observation_end, options.holdout_end))
    throw UsageError("nothing is known after observation_end: the other ends must not lie after it");
  if (data.customers() == 0 && !data.issues.empty())
    throw UsageError("no transaction is left of the rows: " + why_none(data.issues));
  if (data.customers() == 0 && !options.calibration_end && !options.observation_end)
    throw UsageError("there is no transaction to take the end of the observation from; give observation_end");
  const std::int32_t known =
      options.observation_end ? data.number_of(*options.observation_end) : latest_day(data);
  Ends ends;
  ends.calibration = options.calibration_end ? data.number_of(*options.calibration_end) : known;
  ends.holdout =
      options.holdout_end ? data.number_of(*options.holdout_end) : std::max(ends.calibration, known);
  return ends;
}

/// The number of the civil period that a day lies in.
std::int32_t period_of(std::int32_t day, TimeUnit unit) {
  if (unit == TimeUnit::day) return day;
  if (unit == TimeUnit::week) return (day - Date{day}.weekday() + 3) / 7;
  const auto civil = Date{day}.ymd();
  return unit == TimeUnit::month ? civil.year * 12 + civil.month : civil.year;
}

/// Days, or minutes, that a unit of the result holds.
double length_of(const RfmState::Data& data, TimeUnit unit) {
  return unit == TimeUnit::minute ? 1 : days_in(unit) * data.a_day();
}

/// Time between two days, or minutes, in the unit of the result.
class Elapsed {
 public:
  Elapsed(const RfmState::Data& data, const RfmOptions& options, std::int32_t first, std::int32_t last)
      : discrete_(options.discrete),
        by_minute_(data.by_minute),
        unit_(options.unit),
        length_(length_of(data, options.unit)),
        first_(day_of(first)) {
    if (!discrete_ || unit_ < TimeUnit::day) return;
    for (std::int32_t day = first_; day <= day_of(last); ++day) periods_.push_back(period_of(day, unit_));
  }
  [[nodiscard]] std::int32_t period(std::int32_t number) const {
    if (!discrete_ || unit_ == TimeUnit::minute) return number;
    if (unit_ == TimeUnit::hour) return (number - clv_detail::first_minute) / 60;
    return periods_[static_cast<std::size_t>(day_of(number) - first_)];
  }
  [[nodiscard]] double between(std::int32_t from, std::int32_t to) const {
    const auto periods = static_cast<double>(period(to) - period(from));
    return discrete_ ? periods : periods / length_;
  }

 private:
  [[nodiscard]] std::int32_t day_of(std::int32_t number) const {
    return by_minute_ ? clv_detail::day_of_minute(number) : number;
  }

  bool discrete_;
  bool by_minute_;
  TimeUnit unit_;
  double length_;
  std::int32_t first_;
  std::vector<std::int32_t> periods_;
};

// ---- one customer ----

/// Cases that are reported, in the order of `rules`.
enum Case : std::uint8_t { same_period, zero_amount, refund_day, after_end, new_in_holdout, no_purchase };
constexpr std::array<std::string_view, 6> rules{"same_period", "zero_amount",    "refund_day",
                                                "after_end",   "new_in_holdout", "no_purchase"};
using Cases = std::array<std::int64_t, rules.size()>;

/// The days of one period together.
struct Purchase {
  std::int32_t first_day = 0;
  std::int32_t last_day = 0;
  std::int64_t amount = 0;
  bool counts = false;  ///< not a refund alone
};

struct Bought {
  std::int64_t purchases = 0;
  std::int32_t first = 0;
  std::int32_t last = 0;
  double log_gaps = 0;
  std::int64_t total = 0;
  std::int64_t spend = 0;  ///< of the purchases above 0 that monetary_value is the mean of
  std::int64_t spend_purchases = 0;
  std::int64_t holdout_purchases = 0;
  std::int64_t holdout_spend = 0;
};

class Scan {
 public:
  Scan(const RfmState::Data& data, const RfmOptions& options, Ends ends, const Elapsed& clock,
       std::span<const double> log_of_periods)
      : days_(data.days),
        ends_(ends),
        clock_(clock),
        log_of_periods_(log_of_periods),
        has_amount_(data.has_amount),
        include_first_(options.include_first) {}

  Bought operator()(DayRange range, Cases& cases) const {
    Bought customer;
    std::size_t at = range.first;
    while (at < range.last && days_.days[at] <= ends_.calibration) {
      const Purchase purchase = next(at, range.last, ends_.calibration, cases);
      customer.total = clv_detail::add(customer.total, purchase.amount);
      if (!purchase.counts) continue;
      if (customer.purchases == 0)
        customer.first = purchase.first_day;
      else
        customer.log_gaps += log_of_periods_[static_cast<std::size_t>(clock_.period(purchase.last_day) -
                                                                      clock_.period(customer.last))];
      if ((customer.purchases > 0 || include_first_) && purchase.amount > 0) {
        customer.spend = clv_detail::add(customer.spend, purchase.amount);
        ++customer.spend_purchases;
      }
      customer.last = purchase.last_day;
      ++customer.purchases;
    }
    while (at < range.last && days_.days[at] <= ends_.holdout) {
      const Purchase purchase = next(at, range.last, ends_.holdout, cases);
      customer.holdout_spend = clv_detail::add(customer.holdout_spend, purchase.amount);
      if (purchase.counts) ++customer.holdout_purchases;
    }
    for (; at < range.last; ++at) cases[after_end] += days_.rows[at] & ~refund_bit;
    if (customer.purchases == 0) ++cases[customer.holdout_purchases > 0 ? new_in_holdout : no_purchase];
    return customer;
  }

 private:
  /// Puts the days of one period together, and moves `at` past them.
  Purchase next(std::size_t& at, std::size_t last, std::int32_t end, Cases& cases) const {
    Purchase purchase;
    purchase.first_day = days_.days[at];
    const std::int32_t period = clock_.period(purchase.first_day);
    std::int64_t rows = 0;
    std::uint32_t refund = 0;
    for (; at < last && days_.days[at] <= end && clock_.period(days_.days[at]) == period; ++at) {
      purchase.last_day = days_.days[at];
      purchase.amount = clv_detail::add(purchase.amount, days_.amounts[at]);
      rows += days_.rows[at] & ~refund_bit;
      refund |= days_.rows[at] & refund_bit;
    }
    purchase.counts = refund == 0 || purchase.amount > 0;
    cases[same_period] += rows - 1;
    if (!purchase.counts) ++cases[refund_day];
    if (has_amount_ && purchase.counts && purchase.amount == 0) ++cases[zero_amount];
    return purchase;
  }

  const DayRows& days_;
  Ends ends_;
  const Elapsed& clock_;
  std::span<const double> log_of_periods_;
  bool has_amount_;
  bool include_first_;
};

// ---- all of them ----

int digits_of(const std::string& currency) {
  return currency.empty() ? 2 : Currency::from(currency).exponent();
}

void make_room(Rfm& result, std::size_t n, bool holdout) {
  for (auto* column :
       {&result.frequency, &result.recency, &result.T, &result.days_since_last, &result.sum_log_gaps})
    column->resize(n);
  result.first_purchase.resize(n);
  if (result.by_minute) result.first_minute.resize(n);
  if (holdout) result.holdout_frequency.resize(n);
  if (!result.has_amount) return;
  result.monetary_value.resize(n);
  result.spend_frequency.resize(n);
  result.total_spend.resize(n);
  if (holdout) result.holdout_spend.resize(n);
}

void write(Rfm& result, std::size_t i, const Bought& customer, const Elapsed& clock,
           const RfmState::Data& data, std::int32_t end, bool include_first, double minor_per_major) {
  result.frequency[i] = static_cast<double>(customer.purchases - (include_first ? 0 : 1));
  result.recency[i] = clock.between(customer.first, customer.last);
  result.T[i] = clock.between(customer.first, end);
  result.days_since_last[i] = static_cast<double>(end - customer.last) / data.a_day();
  result.sum_log_gaps[i] = customer.log_gaps;
  const RfmEnd first = data.end_of(customer.first);
  result.first_purchase[i] = first.day;
  if (result.by_minute) result.first_minute[i] = first.minute;
  if (!result.holdout_frequency.empty())
    result.holdout_frequency[i] = static_cast<double>(customer.holdout_purchases);
  if (!result.has_amount) return;
  result.total_spend[i] = customer.total;
  result.spend_frequency[i] = static_cast<double>(customer.spend_purchases);
  result.monetary_value[i] = customer.spend_purchases == 0
                                 ? std::numeric_limits<double>::quiet_NaN()
                                 : static_cast<double>(customer.spend) /
                                       (static_cast<double>(customer.spend_purchases) * minor_per_major);
  if (!result.holdout_spend.empty()) result.holdout_spend[i] = customer.holdout_spend;
}

/// ln of 0, 1, … periods in the unit of the result.
std::vector<double> logs_of_periods(std::size_t n, double scale) {
  std::vector<double> logs(n);
  for (std::size_t i = 0; i < n; ++i) logs[i] = std::log(static_cast<double>(i) / scale);
  return logs;
}

/// Calls `work` with each column of the result that has been made.
template <class Work>
void each_column(Rfm& result, const Work& work) {
  const auto visit = [&](auto& column) {
    if (!column.empty()) work(column);
  };
  for (auto* column :
       {&result.frequency, &result.recency, &result.T, &result.days_since_last, &result.sum_log_gaps,
        &result.monetary_value, &result.spend_frequency, &result.holdout_frequency})
    visit(*column);
  visit(result.first_purchase);
  visit(result.first_minute);
  visit(result.total_spend);
  visit(result.holdout_spend);
}

void report(const Cases& cases, Issues& issues) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (cases[i] == 0) continue;
    const auto severity = i == refund_day || i == no_purchase ? Severity::warning : Severity::info;
    issues.add_many("transactions", -1, "", rules[i], cases[i], severity);
  }
}

}  // namespace

Rfm RfmState::finish(const RfmOptions& options) const {
  const StopScope scope(options.execution.stop);
  const Data& data = *data_;
  const Ends ends = ends_of(data, options);
  Rfm result;
  result.unit = options.unit;
  result.discrete = options.discrete;
  result.has_amount = data.has_amount;
  result.currency = data.currency;
  result.zone = data.zone;
  result.by_minute = data.by_minute;
  result.calibration_end = data.end_of(ends.calibration);
  result.holdout_end = data.end_of(ends.holdout);
  result.issues = data.issues;
  std::int32_t first_day = ends.calibration;
  for (std::size_t i = 0; i < data.customers(); ++i)
    first_day = std::min(first_day, data.days.days[data.begins[i]]);
  const Elapsed clock(data, options, first_day, ends.holdout);
  result.holdout_duration = clock.between(ends.calibration, ends.holdout);
  const auto logs =
      logs_of_periods(static_cast<std::size_t>(clock.period(ends.calibration) - clock.period(first_day)) + 1,
                      options.discrete ? 1 : length_of(data, options.unit));
  const Scan scan(data, options, ends, clock, logs);
  const auto per_major = static_cast<double>(salesops::detail::power_of_ten(digits_of(data.currency)));

  const std::size_t n = data.customers();
  const std::size_t blocks = (n + block_customers - 1) / block_customers;
  std::vector<std::vector<std::int64_t>> kept(blocks);
  std::vector<Cases> cases(blocks, Cases{});
  make_room(result, n, ends.holdout > ends.calibration);
  for_blocks(blocks, options.execution, [&](std::size_t block) {
    const std::size_t begin = block * block_customers;
    for (std::size_t i = begin; i < std::min(n, begin + block_customers); ++i) {
      const Bought customer = scan(data.range(i), cases[block]);
      if (customer.purchases == 0) continue;
      write(result, begin + kept[block].size(), customer, clock, data, ends.calibration,
            options.include_first, per_major);
      kept[block].push_back(static_cast<std::int64_t>(i));
    }
  });

  std::vector<std::int64_t> rows;
  Cases total{};
  for (std::size_t block = 0; block < blocks; ++block) {
    rows.insert(rows.end(), kept[block].begin(), kept[block].end());
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += cases[block][i];
  }
  report(total, result.issues);
  result.customer = rows.size() == n ? data.customer : data.customer.take(rows);
  if (rows.size() == n) return result;
  each_column(result, [&](auto& column) {
    auto end = column.begin();
    for (std::size_t block = 0; block < blocks; ++block) {
      const auto begin = column.begin() + static_cast<std::ptrdiff_t>(block * block_customers);
      end = std::move(begin, begin + static_cast<std::ptrdiff_t>(kept[block].size()), end);
    }
    column.resize(rows.size());
  });
  return result;
}

std::vector<std::int64_t> RfmState::repeat_purchases(std::span<const Date> ends, RfmEnd joined_by) const {
  if (!std::is_sorted(ends.begin(), ends.end())) throw UsageError("repeat_purchases: ends must ascend");
  std::vector<std::int64_t> by_end(ends.size());
  std::vector<std::int32_t> last(ends.size());
  std::transform(ends.begin(), ends.end(), last.begin(), [&](Date end) { return data_->number_of(end); });
  const std::int32_t last_to_join = data_->number_of(joined_by);
  const DayRows& days = data_->days;
  for (std::size_t i = 0; i < data_->customers(); ++i) {
    tick(i);
    bool bought = false;
    auto end = last.begin();
    for (std::size_t at = data_->begins[i]; at < data_->begins[i + 1]; ++at) {
      const std::int32_t day = days.days[at];
      const bool counts = (days.rows[at] & refund_bit) == 0 || days.amounts[at] > 0;
      if (!counts) continue;
      if (!bought && day > last_to_join) break;
      end = std::lower_bound(end, last.end(), day);
      if (end == last.end()) break;
      if (bought) ++by_end[static_cast<std::size_t>(end - last.begin())];
      bought = true;
    }
  }
  std::partial_sum(by_end.begin(), by_end.end(), by_end.begin());
  return by_end;
}

RepeatTimes RfmState::repeat_times(const RfmOptions& options) const {
  const StopScope scope(options.execution.stop);
  if (options.discrete)
    throw UsageError("repeat_times: civil periods have no times; finish without discrete");
  const std::int32_t end = ends_of(*data_, options).calibration;
  const double length = length_of(*data_, options.unit);
  RepeatTimes result;
  const DayRows& days = data_->days;
  for (std::size_t i = 0; i < data_->customers(); ++i) {
    tick(i);
    std::optional<std::int32_t> start;
    for (std::size_t at = data_->begins[i]; at < data_->begins[i + 1] && days.days[at] <= end; ++at) {
      const bool counts = (days.rows[at] & refund_bit) == 0 || days.amounts[at] > 0;
      if (!counts) continue;
      if (start)
        result.times.push_back((days.days[at] - *start) / length);
      else
        start = days.days[at];
    }
    if (start) result.first.push_back(result.times.size());
  }
  return result;
}

Table Rfm::to_table() const {
  std::vector<std::pair<std::string, Column>> columns{{"customer", customer}};
  const auto number = [&](const char* name, const std::vector<double>& values) {
    columns.emplace_back(name, Column::of(Type::float64, values));
  };
  const auto amount = [&](const char* name, const std::vector<std::int64_t>& values) {
    columns.emplace_back(name, Column::of(Type::money, values).with_currency(currency));
  };
  number("frequency", frequency);
  number("recency", recency);
  number("T", T);
  if (has_amount) {
    std::vector<std::uint8_t> valid(size());
    std::transform(monetary_value.begin(), monetary_value.end(), valid.begin(),
                   [](double value) { return std::isnan(value) ? 0 : 1; });
    columns.emplace_back("monetary_value", Column::of(Type::float64, monetary_value, valid));
    number("spend_frequency", spend_frequency);
    amount("total_spend", total_spend);
  }
  number("days_since_last", days_since_last);
  if (by_minute) {
    std::vector<std::int64_t> first(size());
    for (std::size_t i = 0; i < first.size(); ++i)
      first[i] = first_purchase[i].days * us_per_day + first_minute[i] * 60 * us_per_second;
    columns.emplace_back("first_purchase", Column::of(Type::timestamp, std::move(first)));
  } else {
    std::vector<std::int32_t> first(size());
    std::transform(first_purchase.begin(), first_purchase.end(), first.begin(),
                   [](Date day) { return day.days; });
    columns.emplace_back("first_purchase", Column::of(Type::date, std::move(first)));
  }
  number("sum_log_gaps", sum_log_gaps);
  if (holdout_duration > 0) {
    number("holdout_frequency", holdout_frequency);
    if (has_amount) amount("holdout_spend", holdout_spend);
  }
  return Table(std::move(columns));
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
