#include <algorithm>

#include "deal_facts.hpp"
#include "groups.hpp"
#include "salesops/kpi/deals.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr std::size_t periods_back = 4;

/// The options of a part of the answer: the same deals, no groups.
Options ungrouped(const Options& options) {
  Options result = options;
  result.by.clear();
  result.period.clear();
  result.mode = Mode::standard;
  result.keep_rows = false;
  return result;
}

/// Like periods before [start, end), as far as the calendar reaches.
std::vector<Period> periods_before(Date start, Date end, const FiscalCalendar& calendar) {
  Period period{start, end};
  std::vector<Period> before;
  try {
    for (const Every every : {Every::month, Every::quarter, Every::half, Every::year})
      if (const Period known = calendar.period_of(start, every); known.start == start && known.end == end) {
        period = known;
        break;
      }
    while (before.size() < periods_back) before.push_back(period = calendar.previous(period));
  } catch (const UsageError&) {
    // A table of periods begins somewhere.
  }
  return before;
}

/// As open deals stood at t, by the history of the fields that have one.
class Then {
 public:
  explicit Then(const Crm& crm) : deals_(crm.deals()), history_(crm.history()), status_(crm) {}
  [[nodiscard]] bool open(std::size_t deal, std::int64_t t) {
    if (deals_.deleted[deal] != 0 || deals_.created_at[deal] > t) return false;
    if (deals_.reopened[deal] != 0)
      return status_(deal, history_.value_at(deal, Field::stage, t)) == DealStatus::open;
    return deals_.status[deal] == DealStatus::open || deals_.closed_at[deal] > t;
  }
  [[nodiscard]] std::int64_t amount(std::size_t deal, std::int64_t t) const {
    return history_.tracks(Field::amount) ? history_.value_at(deal, Field::amount, t) : deals_.amount[deal];
  }
  /// Day of the expected close.
  [[nodiscard]] std::int64_t close_date(std::size_t deal, std::int64_t t) const {
    return history_.value_at(deal, Field::close_date, t);
  }

 private:
  const Deals& deals_;
  const History& history_;
  StageStatuses status_;
};

/// Σ won ÷ Σ open of the pipelines expected in the rest of the periods before, each at the same elapsed
/// point as as_of in this one.
std::optional<double> yield_before(const Crm& crm, const Options& options, Date start, Date stop,
                                   std::int64_t as_of) {
  const Deals& deals = crm.deals();
  Then then(crm);
  const std::int64_t elapsed = std::max<std::int64_t>(as_of - options.zone.start_of(start).us, 0);
  DealFacts facts(deals, options);
  for (const Period& before : periods_before(start, stop, options.calendar)) {
    const std::int64_t end = options.zone.start_of(before.end).us;
    const std::int64_t t = options.zone.start_of(before.start).us + elapsed;
    if (t >= end) continue;
    const std::int32_t day = day_of(t, options);
    for (std::size_t deal = 0; deal < deals.size(); ++deal) {
      tick(deal);
      if (!then.open(deal, t)) continue;
      const std::int64_t expected = then.close_date(deal, t);
      if (expected == null_value || expected < day || expected >= before.end.days) continue;
      const std::int64_t amount = then.amount(deal, t);
      const bool won = deals.status[deal] == DealStatus::won && deals.closed_at[deal] < end;
      facts.put(deal, t, won ? amount : 0, amount, facts.amount_state(amount));
    }
  }
  facts.shape = Shape::total;
  const Metric sums =
      summarise(crm, facts, ungrouped(options), "snapshot_yield", "", Mode::snapshot).single();
  if (!(sums.denominator > 0)) return std::nullopt;
  return sums.numerator / sums.denominator;
}

}  // namespace

void end_coverage(const Scope& scope, Result& coverage) {
  bool any = false;
  for (const Scope::Part& part : scope.parts) {
    if (scope.as_of < part.interval.end) continue;
    for (Metric& metric : coverage.metrics) {
      if (!metric.value || (scope.parts.size() > 1 && metric.keys.front() != part.label)) continue;
      metric.value.reset();
      metric.details.erase("weighted_coverage");
      metric.details.erase("of_full_quota");
      metric.state = "period is over";
      any = true;
    }
  }
  if (any)
    coverage.warnings.emplace_back(
        "a period that is over has no coverage: no deal can close in it any more; ask as of a day within it");
}

void add_coverage_needs(const Crm& crm, const Options& options, Result& coverage) {
  if (!crm.history().tracks(Field::close_date)) {
    coverage.warnings.emplace_back(
        "close dates have no history in this book, so what was won of such a pipeline before isn't known");
    return;
  }
  if (!crm.history().tracks(Field::amount))
    coverage.warnings.emplace_back(
        "amounts have no history in this book: what was won of such a pipeline before is by the present "
        "ones");
  const Scope scope = scope_of(crm, options);
  for (const Scope::Part& part : scope.parts) {
    const Date start{day_of(part.interval.start.us, options)}, end{day_of(part.interval.end.us, options)};
    const bool labelled = scope.parts.size() > 1;
    const auto yield = yield_before(crm, options, start, end, scope.as_of.us);
    for (Metric& metric : coverage.metrics) {
      if (labelled && metric.keys.front() != part.label) continue;
      auto& details = metric.details;
      if (yield) details["yield"] = *yield;
      if (yield && *yield > 0) details["required_by_yield"] = 1 / *yield;
    }
  }
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
