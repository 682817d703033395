#include <algorithm>
#include <array>

#include "../crm/lasting.hpp"
#include "lead_facts.hpp"
#include "salesops/kpi/leads.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

constexpr std::array<std::string_view, 5> steps{"lead", "mql", "sql", "opportunity", "won"};
constexpr std::size_t opportunity = 3, won = 4;

/// When a lead reached each step: null = never. A step whose time nobody recorded lies beyond any window.
using Path = std::array<std::int64_t, steps.size()>;
constexpr std::int64_t some_time = std::numeric_limits<std::int64_t>::max();

Path path_of(const Crm& crm, const Leads& leads, std::size_t lead) {
  Path path{leads.created[lead], leads.mql[lead], leads.qualified[lead], null_value, null_value};
  const std::int64_t converted = leads.converted[lead];
  const auto first_known = [](std::int64_t a, std::int64_t b) {
    return a != null_value ? a : b != null_value ? b : some_time;
  };
  if (leads.deal.empty()) {
    if (leads.is_converted[lead] != 0) path[won] = first_known(converted, null_value);
    return path;
  }
  if (leads.deal[lead] < 0) return path;
  const auto deal = static_cast<std::size_t>(leads.deal[lead]);
  const Deals& deals = crm.deals();
  path[opportunity] = first_known(deals.created_at[deal], converted);
  if (deals.status[deal] == DealStatus::won) path[won] = first_known(deals.closed_at[deal], null_value);
  return path;
}

/// The furthest of the `known` steps, by `limit`.
std::size_t furthest(const Path& path, std::span<const std::size_t> known, std::int64_t limit,
                     const Options& options) {
  std::size_t reached = 0;
  std::int64_t before = path[0];
  const auto precedes = [&](std::int64_t at) {
    return at < before && (before == some_time || crm_detail::ends_before(before, at, options.zone));
  };
  for (const std::size_t step : known) {
    if (step == 0) continue;
    const bool there = path[step] != null_value && path[step] <= limit;
    if (options.in_order && (!there || precedes(path[step]))) break;
    if (!there) continue;
    reached = step;
    before = std::max(before, path[step]);
  }
  return reached;
}

}  // namespace

Result funnel(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "funnel");
  const Crm crm = rewound(book, options);
  const Leads leads(crm);
  // Steps the book says nothing of have no row of their own.
  std::vector<std::size_t> known{0};
  if (crm.has("lead", "mql_at")) known.push_back(1);
  if (crm.has("lead", "qualified_at")) known.push_back(2);
  if (!leads.deal.empty()) known.push_back(opportunity);
  known.push_back(won);
  const bool windowed = mode == Mode::window_cohort;
  const std::int64_t window = options.window_days * us_per_day;
  const std::int64_t as_of = now_of(crm);
  const auto young = [&](std::size_t lead) {
    return windowed && (leads.created[lead] == null_value || leads.created[lead] + window > as_of);
  };
  std::vector<std::size_t> reached(leads.size(), 0);
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    tick(lead);
    const std::int64_t limit = !windowed     ? some_time
                               : young(lead) ? null_value
                                             : leads.created[lead] + window;
    reached[lead] = furthest(path_of(crm, leads, lead), known, limit, options);
  }
  const std::string definition =
      "of leads created in the period: share of the step before that came this far " +
      (windowed ? "within " + std::to_string(options.window_days) + " days" : std::string("by as_of")) +
      (options.in_order ? ", every step in its order" : "") + " (cumulative: of all leads)";
  Result result;
  for (std::size_t k = 0; k < known.size(); ++k) {
    tick(k);
    const std::size_t step = known[k];
    const std::size_t from = k == 0 ? 0 : known[k - 1];
    LeadFacts facts(leads);
    const auto too_young = facts.reason("younger_than_window");
    for (std::size_t lead = 0; lead < leads.size(); ++lead)
      if (reached[lead] >= from)
        facts.put(lead, reached[lead] >= step ? 1 : 0, 1, young(lead) ? too_young : Facts::counted);
    Result part = summarise(crm, facts, options, "funnel", definition, mode);
    for (Metric& metric : part.metrics) {
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

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
