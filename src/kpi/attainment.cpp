#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <set>

#include "deal_facts.hpp"
#include "groups.hpp"
#include "salesops/kpi.hpp"
#include "salesops/kpi/deals.hpp"
#include "salesops/pipeline/quotas.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// What a fact adds to; from `overlay` on it stands beside the ratio.
enum class Part : std::uint8_t {
  won,
  quota,
  open,
  past_due,
  overlay,
  members_quota,
  members_won,
  ramping_quota
};
constexpr std::size_t parts = 8;

/// Credited deals and quotas as facts about reps, so that both group by the same names. Facts that stand
/// beside the ratio are `censored`: listed by group, and in no sum.
class RepFacts {
 public:
  /// `until_leave`: the quota of a rep who leaves ends that day.
  RepFacts(const Crm& crm, std::string_view kpi, const Options& options, bool until_leave = false)
      : facts(crm.deals(), options), crm_(crm), options_(options), until_leave_(until_leave) {
    require(crm, kpi, "opportunity", "amount");
    for (const char* column : {"amount", "period_start", "period_end"}) require(crm, kpi, "quota", column);
    facts.table = facts.cluster_table = "rep";
    for (const std::string& name : options.by) {
      if (name == "owner" || name == "owner_id")
        by.emplace_back("rep_id"), whole_ = false;
      else if (name.starts_with("owner."))
        by.push_back(name.substr(6)), whole_ = false;
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
        put(part, deals.owner_row[deal], times[i], amount, state, rows[i]);
        continue;
      }
      const Splits& splits = splits_.at(rows[i]);
      if (splits.reps.empty()) put(part, deals.owner_row[deal], times[i], amount, state, rows[i]);
      const auto shares =
          splits.reps.empty() ? std::vector<std::int64_t>() : money::split(amount, splits.weights);
      for (std::size_t s = 0; s < shares.size(); ++s)
        put(part, splits.reps[s], times[i], shares[s], state, rows[i]);
      if (part == Part::won)
        for (const auto& [rep, weight] : splits.overlays)
          put(Part::overlay, rep, times[i], std::llround(static_cast<double>(amount) * weight), state,
              rows[i]);
    }
  }

  /// Quotas by their days in each period, once all deals are there. Where all reps are added up the company
  /// is judged by what pipeline/quotas.hpp says, and its members' quotas stand beside its own; else reps are.
  /// Quotas of reps take no credit of others.
  void add_quotas(const Scope& scope) {
    const Date today{day_of(scope.as_of.us, options_)};
    const pipeline::Quotas known = pipeline::quotas_in_force(crm_, {.currency = currency(), .day = today});
    std::ranges::copy(known.warnings(), std::back_inserter(warnings_));
    Date begin = last_date, end = first_date;
    for (const pipeline::Quota& quota : known.all)
      begin = std::min(begin, quota.from), end = std::max(end, quota.to);
    for (const Scope::Part& part : scope.parts) {
      const Date first = scope.all ? first_date : Date{day_of(part.interval.start.us, options_)};
      const Date last = scope.all ? last_date : Date{day_of(part.interval.end.us, options_)};
      if (shortest_ == Every::all)
        add_quotas(known.all, first, last, today);
      else if (std::max(first, begin) < std::min(last, end))
        for (const Period& piece :
             options_.calendar.between(std::max(first, begin), std::min(last, end), shortest_))
          add_quotas(known.all, std::max(first, piece.start), std::min(last, piece.end), today);
    }
    set_credit_apart();
    add_ramping_quotas();
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
    result.warnings.insert(result.warnings.end(), warnings_.begin(), warnings_.end());
    result.table = "opportunity";
    return result;
  }

  /// Sums of one group by part, in major units; `n` and `rows` are of the deals in the ratio, each once.
  [[nodiscard]] std::array<double, parts> sums(Metric& metric, std::span<const std::int32_t> counted,
                                               std::span<const std::int32_t> beside) const {
    std::array<int128, parts> minor{};
    std::vector<std::int64_t> deals;
    for (const auto& facts_of : {counted, beside})
      for (const std::int32_t fact : facts_of) {
        const auto i = static_cast<std::size_t>(fact);
        minor[static_cast<std::size_t>(parts_[i])] += amounts_[i];
        if (parts_[i] < Part::overlay && deals_[i] >= 0) deals.push_back(deals_[i]);
      }
    std::sort(deals.begin(), deals.end());
    deals.erase(std::unique(deals.begin(), deals.end()), deals.end());
    metric.n = static_cast<std::int64_t>(deals.size());
    metric.censored = 0;
    metric.rows.clear();
    if (options_.keep_rows) metric.rows = std::move(deals);
    std::array<double, parts> result{};
    for (std::size_t part = 0; part < parts; ++part)
      result[part] = static_cast<double>(minor[part]) * facts.scale;
    return result;
  }

  /// Whether a quota of no rep is among them.
  [[nodiscard]] bool shares_one_quota(std::span<const std::int32_t> counted) const {
    return std::ranges::any_of(counted, [&](std::int32_t fact) {
      const auto i = static_cast<std::size_t>(fact);
      return parts_[i] == Part::quota && facts.row[i] < 0;
    });
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

  /// Of days that are judged by themselves.
  void add_quotas(const std::vector<pipeline::Quota>& all, Date first, Date last, Date today) {
    const auto members = pipeline::quotas_of_members(crm_, all, first, last);
    const bool of_reps = !members.empty() && members.front().holder.type == "rep";
    if (!whole_ && !of_reps) return;
    const auto judged = whole_ ? pipeline::quotas_of_company(crm_, all, first, last) : members;
    const bool own = !judged.empty() && judged.front().holder.type == "company";
    for (const pipeline::Quota& quota : judged) add_quota(Part::quota, quota, first, last, today);
    if (own && of_reps)
      for (const pipeline::Quota& quota : members) add_quota(Part::members_quota, quota, first, last, today);
    if (!of_reps || std::ranges::find(by, "rep_id") != by.end()) return;
    const auto start = [&](Date day) { return options_.zone.start_of(day).us; };
    Judged& span = judged_[first == first_date ? INT64_MIN : start(first)];
    span.end = last == last_date ? INT64_MAX : start(last);
    span.own = own;
    for (const pipeline::Quota& quota : members) span.reps.insert(rep_of(quota));
  }

  /// Of reps without a quota: out of a ratio to the sum of reps' quotas, and out of what members won beside
  /// the company's own.
  void set_credit_apart() {
    for (std::size_t fact = 0, size = facts.size(); fact < size; ++fact) {
      tick(fact);
      const auto next = judged_.upper_bound(facts.at[fact]);
      if (deals_[fact] < 0 || facts.state[fact] != Facts::counted || next == judged_.begin()) continue;
      const Judged& span = std::prev(next)->second;
      if (facts.at[fact] >= span.end) continue;
      const bool with = span.reps.contains(facts.row[fact]);
      if (span.own && with && parts_[fact] == Part::won)
        put(Part::members_won, facts.row[fact], facts.at[fact], amounts_[fact], Facts::counted, deals_[fact]);
      if (span.own || with) continue;
      facts.state[fact] = no_quota_;
      amounts_[fact] = 0;
    }
  }

  [[nodiscard]] std::int32_t rep_of(const pipeline::Quota& quota) const {
    return quota.holder.type == "rep" && crm_.has("rep")
               ? static_cast<std::int32_t>(crm_.row_of("rep", quota.holder.id))
               : -1;
  }

  /// The part of a quota on days [first, last).
  void add_quota(Part part, const pipeline::Quota& quota, Date first, Date last, Date today) {
    const std::int32_t rep = rep_of(quota);
    if (until_leave_ && rep >= 0) last = std::min(last, leave_date(rep));
    const Date from = std::max(first, quota.from), to = std::min(last, quota.to);
    if (from >= to) return;
    put(part, rep, options_.zone.start_of(from).us, quota.of_days(from, to), Facts::counted);
    if (part != Part::quota || rep < 0) return;
    quota_reps_.push_back(rep);
    quota_last_days_.push_back(at_midnight_utc(std::min(to - 1, today)).us);
    quota_facts_.push_back(facts.size() - 1);
  }

  [[nodiscard]] Date leave_date(std::int32_t rep) const {
    const Column* leave = crm_.table("rep").find("leave_date");
    const auto row = static_cast<std::size_t>(rep);
    return leave == nullptr || leave->is_null(row) ? last_date : Date{leave->values<std::int32_t>()[row]};
  }

  /// Of reps whose assignment, on the last known day of the quota, has a ramp.
  void add_ramping_quotas() {
    if (!crm_.has("rep_assignment", "ramp_profile_id")) return;
    const Lookup ramp = resolve(crm_, "rep", "ramp_profile_id", quota_reps_, quota_last_days_);
    for (std::size_t i = 0; i < quota_facts_.size(); ++i)
      if (const std::size_t fact = quota_facts_[i];
          ramp.rows[i] >= 0 && ramp.column.valid(static_cast<std::size_t>(ramp.rows[i])))
        put(Part::ramping_quota, quota_reps_[i], facts.at[fact], amounts_[fact], Facts::counted);
  }

  void put(Part part, std::int32_t rep, std::int64_t at, std::int64_t amount, std::uint8_t state,
           std::int32_t deal = -1) {
    if (state == Facts::counted && part >= Part::overlay) state = Facts::censored;
    facts.add(0, at, part == Part::won ? amount : 0, part == Part::quota ? amount : 0, state);
    facts.row.back() = rep;
    facts.cluster.push_back(rep);
    parts_.push_back(part);
    deals_.push_back(deal);
    amounts_.push_back(state <= Facts::censored ? amount : 0);
  }

  /// Who is credited with a deal: parts of it, and overlays beside them.
  struct Splits {
    std::vector<std::int32_t> reps;
    std::vector<std::int64_t> weights;  ///< in 10⁻⁹
    std::vector<std::pair<std::int32_t, double>> overlays;
  };

  /// Of several types that must total 100 %, "revenue" is the one (else the first by name); the others are
  /// overlays, for a deal is credited once.
  void read_splits() {
    if (!crm_.has("credit_split", "pct") || !crm_.has("rep")) return;
    const Table& table = crm_.table("credit_split");
    const auto deal_of = crm_.link("credit_split", "opportunity_id");
    const auto rep_of = crm_.link("credit_split", "rep_id");
    const Column& pct = table.column("pct");
    const Column *total = table.find("must_total_100"), *type = table.find("split_type");
    const Column& reps = crm_.column("rep", "rep_id");
    struct Row {
      bool overlay, other;
      std::string_view type, rep;
      double share;
      std::int32_t rep_row;
      auto operator<=>(const Row&) const = default;
    };
    std::map<std::int32_t, std::vector<Row>> rows;
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      tick(row);
      if (deal_of[row] < 0 || pct.is_null(row) || !(pct.number(row) > 0)) continue;
      const bool overlay = total != nullptr && total->valid(row) && total->values<std::uint8_t>()[row] == 0;
      const std::string_view name = type == nullptr || type->is_null(row) ? "" : type->text(row);
      const std::string_view rep = rep_of[row] < 0 ? "" : reps.text(static_cast<std::size_t>(rep_of[row]));
      rows[deal_of[row]].push_back({overlay, name != "revenue", name, rep, pct.number(row), rep_of[row]});
    }
    for (auto& [deal, of_deal] : rows) {
      std::sort(of_deal.begin(), of_deal.end());
      Splits splits;
      for (const Row& row : of_deal) {
        if (row.overlay || row.type != of_deal.front().type) {
          splits.overlays.emplace_back(row.rep_row, row.share);
        } else {
          splits.reps.push_back(row.rep_row);
          splits.weights.push_back(std::llround(std::clamp(row.share * 1e9, 1.0, 1e15)));
        }
      }
      splits_[deal] = std::move(splits);
    }
  }

  const Crm& crm_;
  const Options& options_;
  Every shortest_ = Every::all;
  bool whole_ = true;  ///< groups are of all reps
  bool until_leave_;
  std::map<std::int32_t, Splits> splits_;
  /// Days on which some reps have quotas, by their first instant.
  struct Judged {
    std::int64_t end = 0;
    bool own = false;  ///< by the company's own quota
    std::set<std::int32_t> reps;
  };
  std::map<std::int64_t, Judged> judged_;
  std::vector<std::string> warnings_;
  std::uint8_t no_quota_ = facts.reason("no_quota");
  std::vector<std::int32_t> quota_reps_;  ///< of the quotas of reps, with their last known days and facts
  std::vector<std::int64_t> quota_last_days_;
  std::vector<std::size_t> quota_facts_;
  std::vector<Part> parts_;
  std::vector<std::int32_t> deals_;  ///< -1: a quota
  std::vector<std::int64_t> amounts_;
};

}  // namespace

namespace {

Result attainment_of(const Crm& book, const Options& options, bool until_leave) {
  const Mode mode = mode_for(book, options, "attainment");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  RepFacts reps(crm, "attainment", options, until_leave);
  reps.add_deals(
      Part::won, [&](std::size_t deal) { return deals.status[deal] == DealStatus::won; },
      [&](std::size_t deal) { return deals.closed_at[deal]; });
  reps.add_quotas(scope_of(crm, options));
  reps.facts.shape = Shape::ratio;
  reps.facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted,
                          std::span<const std::int32_t> beside) {
    const auto sums = reps.sums(metric, counted, beside);
    const auto say = [&](const char* name, Part part) {
      if (const double sum = sums[static_cast<std::size_t>(part)]; sum != 0) metric.details[name] = sum;
    };
    say("overlay", Part::overlay);
    say("members_quota", Part::members_quota);
    say("ramping_quota", Part::ramping_quota);
    if (const auto of = metric.details.find("members_quota"); of != metric.details.end())
      metric.details["of_members_quota"] = sums[static_cast<std::size_t>(Part::members_won)] / of->second;
    if (!metric.value) metric.state = "no quota";
    if (metric.low) metric.interval_note = "bootstrap over reps";
    if (reps.shares_one_quota(counted)) {
      metric.low = metric.high = std::nullopt;
      metric.interval_note = "none: reps share one quota";
    }
  };
  return reps.answer("attainment", "credited amount won in the period ÷ quota of its days", mode);
}

}  // namespace

Result attainment(const Crm& book, const Options& options) { return attainment_of(book, options, false); }

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
                          std::span<const std::int32_t> beside) {
    const auto sums = reps.sums(metric, counted, beside);
    const auto [won, quota, open, past_due] = std::array{sums[0], sums[1], sums[2], sums[3]};
    auto& details = metric.details;
    details["won"] = won;
    details["quota"] = quota;
    if (const double members = sums[static_cast<std::size_t>(Part::members_quota)]; members != 0)
      details["members_quota"] = members;
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
  const Crm crm = rewound(book, options);
  const Result by_rep = attainment_of(crm, options, true);
  Result result = by_rep;
  result.table = "rep";
  result.name = "attainment_distribution";
  result.definition = "reps with at least their quota ÷ reps with a quota";
  result.by.pop_back();
  result.metrics.clear();
  std::map<std::vector<std::string>, std::size_t> place;
  std::vector<std::vector<double>> shares, credits, ramping;
  const auto group_of = [&](std::vector<std::string> keys, std::vector<std::uint8_t> null) {
    const auto [found, fresh] = place.try_emplace(keys, result.metrics.size());
    if (fresh) {
      Metric& metric = result.metrics.emplace_back();
      metric.keys = std::move(keys);
      metric.key_null = std::move(null);
      shares.emplace_back();
      credits.emplace_back();
      ramping.emplace_back();
    }
    return found->second;
  };
  if (result.by.empty()) (void)group_of({}, {});
  for (const Metric& rep : by_rep.metrics) {
    const std::size_t g =
        group_of({rep.keys.begin(), rep.keys.end() - 1}, {rep.key_null.begin(), rep.key_null.end() - 1});
    Metric& metric = result.metrics[g];
    if (!rep.value || rep.key_null.back() != 0) {
      ++metric.excluded["no_quota"];
    } else if (rep.details.contains("ramping_quota")) {
      ++metric.excluded["ramping"];
      ramping[g].push_back(*rep.value);
    } else {
      shares[g].push_back(*rep.value);
      credits[g].push_back(std::max(0.0, rep.numerator));
      if (asked.keep_rows) metric.rows.push_back(crm.row_of("rep", rep.keys.back()));
    }
  }
  for (std::size_t g = 0; g < result.metrics.size(); ++g) {
    Metric& metric = result.metrics[g];
    const auto& values = shares[g];
    if (!ramping[g].empty())
      metric.details["ramping_attained"] =
          static_cast<double>(
              std::count_if(ramping[g].begin(), ramping[g].end(), [](double v) { return v >= 1; })) /
          static_cast<double>(ramping[g].size());
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
    metric.details.merge(std::map<std::string, double>{{"below_50", between(-most, .5)},
                                                       {"from_50", between(.5, .8)},
                                                       {"from_80", between(.8, 1)},
                                                       {"from_100", between(1, 1.2)},
                                                       {"above_120", between(1.2, most)}});
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
