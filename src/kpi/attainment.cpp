#include <algorithm>
#include <cmath>
#include <functional>

#include "deal_facts.hpp"
#include "groups.hpp"
#include "salesops/kpi.hpp"
#include "salesops/kpi/deals.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

enum class Part : std::uint8_t { won, quota, open, past_due };

/// Credited deals and quotas as facts about reps, so that both group by the same names.
class RepFacts {
 public:
  RepFacts(const Crm& crm, std::string_view kpi, const Options& options)
      : facts(crm.deals(), options), crm_(crm), options_(options) {
    require(crm, kpi, "opportunity", "amount");
    for (const char* column : {"amount", "period_start", "period_end"}) require(crm, kpi, "quota", column);
    facts.table = facts.cluster_table = "rep";
    for (const std::string& name : options.by) {
      if (name == "owner" || name == "owner_id")
        by.emplace_back("rep_id");
      else if (name.starts_with("owner."))
        by.push_back(name.substr(6));
      else if (const auto every = every_of(name))
        by.push_back(name), shortest_ = std::min(shortest_, *every);
      else
        throw UsageError(std::string(kpi) +
                         ": quotas belong to reps, so group by 'owner', a name behind it "
                         "('owner.team') or a length of time, not by '" +
                         name + "'");
    }
    read_splits();
  }

  /// Amounts of the deals `chosen` (one byte a deal), each at `at(deal)`, by who is credited.
  void add_deals(Part part, const std::function<bool(std::size_t)>& chosen,
                 const std::function<std::int64_t(std::size_t)>& at) {
    const Deals& deals = crm_.deals();
    std::vector<std::int32_t> rows;
    std::vector<std::int64_t> times;
    for (std::size_t deal = 0; deal < deals.size(); ++deal)
      if (chosen(deal)) {
        rows.push_back(static_cast<std::int32_t>(deal));
        times.push_back(at(deal));
      }
    std::vector<std::uint8_t> kept(rows.size(), 1);
    if (!options_.where.empty()) kept = matches(crm_, "opportunity", options_.where, rows, times);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tick(i);
      if (kept[i] == 0) continue;
      const auto deal = static_cast<std::size_t>(rows[i]);
      const std::int64_t amount = deals.amount[deal];
      const auto state = deals.deleted[deal] != 0 ? facts.deleted : facts.amount_state(amount);
      if (state != Facts::counted || !splits_.contains(rows[i])) {
        put(part, deals.owner_row[deal], times[i], amount, state);
        continue;
      }
      // Rounded shares; what rounding leaves goes to the last rep, so a deal is credited once.
      std::int64_t left = amount;
      const auto& splits = splits_.at(rows[i]);
      for (std::size_t s = 0; s < splits.size(); ++s) {
        const bool last = s + 1 == splits.size();
        const std::int64_t share = last ? left : std::llround(static_cast<double>(amount) * splits[s].second);
        left -= share;
        put(part, splits[s].first, times[i], share, Facts::counted);
      }
    }
  }

  /// Quotas by the share of their days in each period.
  void add_quotas(const Scope& scope) {
    const Table& table = crm_.table("quota");
    const Column& amount = table.column("amount");
    const auto amounts = amount.values<std::int64_t>();
    const auto starts = table.column("period_start").values<std::int32_t>();
    const auto ends = table.column("period_end").values<std::int32_t>();
    for (const std::size_t row : current_quotas(day_of(scope.as_of.us, options_))) {
      const Date start{starts[row]}, end{ends[row]};
      const std::int32_t rep = rep_of_[row];
      std::vector<Period> pieces = {{start, end}};
      if (shortest_ != Every::all) pieces = options_.calendar.between(start, end, shortest_);
      for (const Scope::Part& part : scope.parts)
        for (const Period& piece : pieces) {
          const Date first =
              scope.all ? Date{-1'000'000'000} : Date{day_of(part.interval.start.us, options_)};
          const Date last = scope.all ? Date{1'000'000'000} : Date{day_of(part.interval.end.us, options_)};
          const Date from = std::max({start, piece.start, first}), to = std::min({end, piece.end, last});
          if (from >= to) continue;
          const double share = static_cast<double>(to - from) / static_cast<double>(end - start);
          put(Part::quota, rep, options_.zone.start_of(from).us,
              std::llround(static_cast<double>(amounts[row]) * share), Facts::counted);
        }
    }
  }

  /// Answers with the names as they were asked.
  Result answer(std::string name, std::string definition, Mode mode) {
    Options options = options_;
    options.where.clear();
    options.by = by;
    facts.scale = facts.denominator_scale = major_units(currency());
    Result result = summarise(crm_, facts, options, std::move(name), std::move(definition), mode);
    std::copy(options_.by.begin(), options_.by.end(),
              result.by.end() - static_cast<std::ptrdiff_t>(options_.by.size()));
    if (!options_.where.empty())
      result.warnings.emplace_back("where chooses deals; quotas are of all the work of their reps");
    return result;
  }

  /// Sums of one group, in major units; `n` counts the deals.
  [[nodiscard]] std::array<double, 4> sums(std::span<const std::int32_t> counted, std::int64_t& n) const {
    std::array<int128, 4> minor{};
    n = 0;
    for (const std::int32_t fact : counted) {
      const auto i = static_cast<std::size_t>(fact);
      minor[static_cast<std::size_t>(parts_[i])] += amounts_[i];
      n += parts_[i] == Part::quota ? 0 : 1;
    }
    std::array<double, 4> result{};
    for (std::size_t part = 0; part < result.size(); ++part)
      result[part] = static_cast<double>(minor[part]) * facts.scale;
    return result;
  }

  DealFacts facts;
  std::vector<std::string> by;

 private:
  std::string currency() const {
    if (!crm_.currency().empty()) return crm_.currency();
    std::vector<std::int32_t> deals(crm_.deals().size());
    for (std::size_t i = 0; i < deals.size(); ++i) deals[i] = static_cast<std::int32_t>(i);
    return one_currency(crm_, "opportunity", deals, false);
  }

  void put(Part part, std::int32_t rep, std::int64_t at, std::int64_t amount, std::uint8_t state) {
    facts.add(0, at, part == Part::won ? amount : 0, part == Part::quota ? amount : 0, state);
    facts.row.back() = rep;
    facts.cluster.push_back(rep);
    parts_.push_back(part);
    amounts_.push_back(state == Facts::counted ? amount : 0);
  }

  void read_splits() {
    if (!crm_.has("credit_split", "pct") || !crm_.has("rep")) return;
    const Table& table = crm_.table("credit_split");
    const auto deal_of = crm_.link("credit_split", "opportunity_id");
    const auto rep_of = crm_.link("credit_split", "rep_id");
    const Column& pct = table.column("pct");
    const Column* total = table.find("must_total_100");
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      tick(row);
      const bool overlay = total != nullptr && total->valid(row) && total->values<std::uint8_t>()[row] == 0;
      if (!overlay && deal_of[row] >= 0 && pct.valid(row))
        splits_[deal_of[row]].emplace_back(rep_of[row], pct.number(row));
    }
    // What rounding leaves goes to the last one, whatever the order of the rows.
    const Column& reps = crm_.column("rep", "rep_id");
    const auto name = [&](std::int32_t rep) {
      return rep < 0 ? std::string_view() : reps.text(static_cast<std::size_t>(rep));
    };
    for (auto& [deal, splits] : splits_)
      std::sort(splits.begin(), splits.end(), [&](const auto& a, const auto& b) {
        return std::pair(name(a.first), a.second) < std::pair(name(b.first), b.second);
      });
  }

  /// Of each holder and period the highest version valid on a day; of reps if any has one. Bookings alone:
  /// quotas of meetings or units are no money won.
  std::vector<std::size_t> current_quotas(std::int32_t today) {
    const Table& table = crm_.table("quota");
    const auto text = [&](const char* name, std::size_t row) {
      const Column* column = table.find(name);
      return column == nullptr || column->is_null(row) ? std::string() : column->cell(row);
    };
    const Column* version = table.find("version");
    const Column* from = table.find("valid_from");
    const Column* to = table.find("valid_to");
    std::map<std::string, std::map<std::vector<std::string>, std::size_t>> by_type;
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      tick(row);
      if (table.column("amount").is_null(row) || table.column("period_start").is_null(row) ||
          table.column("period_end").is_null(row))
        continue;
      if (table.column("period_end").values<std::int32_t>()[row] <=
          table.column("period_start").values<std::int32_t>()[row])
        continue;
      if (const std::string measure = text("measure", row); !measure.empty() && measure != "bookings")
        continue;
      if (from != nullptr && from->valid(row) && from->values<std::int32_t>()[row] > today) continue;
      if (to != nullptr && to->valid(row) && to->values<std::int32_t>()[row] <= today) continue;
      const std::string type = text("holder_type", row).empty() ? "rep" : text("holder_type", row);
      const std::vector<std::string> key = {text("holder_id", row), text("product_family", row),
                                            text("period_start", row), text("period_end", row)};
      const auto [place, fresh] = by_type[type].try_emplace(key, row);
      const auto number = [&](std::size_t r) {
        return std::pair(version != nullptr && version->valid(r) ? version->number(r) : 0.0,
                         table.column("amount").values<std::int64_t>()[r]);
      };
      if (!fresh && number(row) >= number(place->second)) place->second = row;
    }
    rep_of_.assign(table.num_rows(), -1);
    std::vector<std::size_t> rows;
    for (const char* type : {"rep", "team", "company", "territory"}) {
      if (!by_type.contains(type)) continue;
      for (const auto& [key, row] : by_type[type]) {
        rows.push_back(row);
        if (std::string_view(type) == "rep" && crm_.has("rep"))
          rep_of_[row] = static_cast<std::int32_t>(crm_.row_of("rep", key.front()));
      }
      break;
    }
    return rows;
  }

  const Crm& crm_;
  const Options& options_;
  Every shortest_ = Every::all;
  std::map<std::int32_t, std::vector<std::pair<std::int32_t, double>>> splits_;
  std::vector<std::int32_t> rep_of_;
  std::vector<Part> parts_;
  std::vector<std::int64_t> amounts_;
};

}  // namespace

Result attainment(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "attainment");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  RepFacts reps(crm, "attainment", options);
  reps.add_deals(
      Part::won, [&](std::size_t deal) { return deals.status[deal] == DealStatus::won; },
      [&](std::size_t deal) { return deals.closed_at[deal]; });
  reps.add_quotas(scope_of(crm, options));
  reps.facts.shape = Shape::ratio;
  reps.facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted,
                          std::span<const std::int32_t>) {
    (void)reps.sums(counted, metric.n);
    if (!metric.value) metric.state = "no quota";
    if (metric.low) metric.interval_note = "bootstrap over reps";
  };
  return reps.answer("attainment", "credited amount won in the period ÷ quota of its days", mode);
}

Result pipeline_coverage(const Crm& book, const Options& asked) {
  const Options options = with_period(asked);
  const Mode mode = mode_for(book, options, "pipeline_coverage");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const Scope scope = scope_of(crm, options);
  const std::int32_t today = day_of(scope.as_of.us, options);
  RepFacts reps(crm, "pipeline_coverage", options);
  for (const Scope::Part& part : scope.parts) {
    const Interval period = part.interval;
    const std::int64_t at = std::clamp(scope.as_of.us, period.start.us, period.end.us - 1);
    const auto expected = [&](std::size_t deal, bool past) {
      const std::int32_t day = deals.close_date[deal];
      return deals.status[deal] == DealStatus::open && day != Deals::null_date && (day < today) == past &&
             period.contains(options.zone.start_of(Date{day}));
    };
    const auto then = [&](std::size_t) { return at; };
    reps.add_deals(Part::open, [&](std::size_t deal) { return expected(deal, false); }, then);
    reps.add_deals(Part::past_due, [&](std::size_t deal) { return expected(deal, true); }, then);
    reps.add_deals(
        Part::won,
        [&](std::size_t deal) {
          return deals.status[deal] == DealStatus::won && deals.closed_at[deal] != null_value &&
                 period.contains(Instant{deals.closed_at[deal]});
        },
        [&](std::size_t deal) { return deals.closed_at[deal]; });
  }
  reps.add_quotas(scope);

  Options year = options;
  year.by.clear();
  year.mode = Mode::standard;
  year.weight = Weight::value;
  year.period = Date{today - 365}.to_string() + "/" + Date{today + 1}.to_string();
  const std::optional<double> rate = win_rate(crm, year).single().value;

  reps.facts.shape = Shape::total;
  reps.facts.unit = "ratio";
  reps.facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted,
                          std::span<const std::int32_t>) {
    const auto [won, quota, open, past_due] = reps.sums(counted, metric.n);
    auto& details = metric.details;
    details["won"] = won;
    details["quota"] = quota;
    details["open"] = open;
    details["past_due"] = past_due;
    details["remaining"] = quota - won;
    if (rate && *rate > 0) details["required"] = 1 / *rate;
    if (quota > 0) details["of_full_quota"] = open / quota;
    metric.numerator = open;
    metric.denominator = quota - won;
    metric.interval_note = "none: a snapshot is no sample";
    metric.value.reset();
    if (quota <= 0)
      metric.state = "no quota";
    else if (metric.denominator <= 0)
      metric.state = "attained";
    else
      metric.value = open / metric.denominator;
  };
  Result result =
      reps.answer("pipeline_coverage",
                  "open amount with a close date in the rest of the period ÷ (quota − amount won)", mode);
  add_coverage_needs(crm, options, result);
  return result;
}

Result attainment_distribution(const Crm& book, const Options& asked) {
  Options options = with_period(asked);
  (void)mode_for(book, options, "attainment_distribution");
  options.by.emplace_back("owner");
  options.keep_rows = false;
  const Result by_rep = attainment(book, options);
  Result result = by_rep;
  result.name = "attainment_distribution";
  result.definition = "reps with at least their quota ÷ reps with a quota";
  result.by.pop_back();
  result.metrics.clear();
  std::map<std::vector<std::string>, std::size_t> place;
  std::vector<std::vector<double>> shares, credits;
  const auto group_of = [&](std::vector<std::string> keys, std::vector<std::uint8_t> null) {
    const auto [found, fresh] = place.try_emplace(keys, result.metrics.size());
    if (fresh) {
      Metric& metric = result.metrics.emplace_back();
      metric.keys = std::move(keys);
      metric.key_null = std::move(null);
      shares.emplace_back();
      credits.emplace_back();
    }
    return found->second;
  };
  if (result.by.empty()) (void)group_of({}, {});
  for (const Metric& rep : by_rep.metrics) {
    const std::size_t g =
        group_of({rep.keys.begin(), rep.keys.end() - 1}, {rep.key_null.begin(), rep.key_null.end() - 1});
    if (rep.value && rep.key_null.back() == 0) {
      shares[g].push_back(*rep.value);
      credits[g].push_back(std::max(0.0, rep.numerator));
    } else {
      ++result.metrics[g].excluded["no_quota"];
    }
  }
  for (std::size_t g = 0; g < result.metrics.size(); ++g) {
    Metric& metric = result.metrics[g];
    const auto& values = shares[g];
    metric.n = static_cast<std::int64_t>(values.size());
    const auto n = static_cast<double>(values.size());
    metric.denominator = n;
    if (values.empty()) continue;
    const auto between = [&](double low, double high) {
      return static_cast<double>(std::count_if(values.begin(), values.end(),
                                               [&](double v) { return v >= low && v < high; })) /
             n;
    };
    constexpr double most = 1e300;
    metric.numerator = std::round(between(1, most) * n);
    metric.value = metric.numerator / n;
    metric.details = {{"below_50", between(-most, .5)},
                      {"from_50", between(.5, .8)},
                      {"from_80", between(.8, 1)},
                      {"from_100", between(1, 1.2)},
                      {"above_120", between(1.2, most)}};
    metric.details["mean"] = stats::sum(values) / n;
    if (const auto variance = stats::moments(values).variance()) metric.details["sd"] = std::sqrt(*variance);
    if (const auto gini = stats::gini(credits[g])) metric.details["gini"] = *gini;
    const auto fifth = static_cast<std::size_t>(std::ceil(n / 5));
    if (const auto top = stats::top_share(credits[g], fifth)) metric.details["top_20_share"] = *top;
    if (const auto interval =
            stats::wilson(static_cast<std::int64_t>(metric.numerator), metric.n, options.level)) {
      metric.low = interval->low;
      metric.high = interval->high;
      metric.interval_note = "Wilson";
      flag_small_sample(metric, metric.n);
    }
  }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
