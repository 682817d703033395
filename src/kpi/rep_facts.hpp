/// Credited deals and quotas as facts about reps.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "deal_facts.hpp"
#include "groups.hpp"
#include "salesops/pipeline/quotas.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// What a fact adds to; from `overlay` on it stands beside the ratio.
enum class Part : std::uint8_t {
  won,
  quota,
  open,
  past_due,
  overlay,
  members_quota,
  members_won,
  ramping_quota,
  weighted
};
inline constexpr std::size_t parts = 9;

/// Whether a name that follows a rep leads to a team: `team`, `team.parent`, ….
inline bool leads_to_team(std::string_view path) {
  if (!path.starts_with("team")) return false;
  for (bool first = true; !path.empty(); first = false) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    std::string_view word = path.substr(0, dot);
    if (word.ends_with("_id")) word.remove_suffix(3);
    if (word != (first ? "team" : "parent")) return false;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return true;
}

/// Credited deals and quotas as facts about reps, so that both group by the same names. Facts that stand
/// beside the ratio are `censored`: listed by group, and in no sum.
class RepFacts {
 public:
  /// `until_leave`: the quota of a rep who leaves ends that day.
  RepFacts(const Crm& crm, std::string_view kpi, const Options& options, bool until_leave = false)
      : facts(crm.deals(), options), crm_(crm), options_(options), until_leave_(until_leave) {
    require(crm, kpi, "opportunity", "amount");
    for (const char* column : {"amount", "period_start", "period_end"}) require(crm, kpi, "quota", column);
    // A company's own quota needs no reps: its facts are of no row.
    facts.table = facts.cluster_table = crm.has("rep") ? "rep" : "opportunity";
    for (const std::string& name : options.by) {
      if (!every_of(name)) require(crm, kpi, "rep", "rep_id");
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
    std::vector<std::string> names = by;
    std::erase_if(names, [](const std::string& name) { return every_of(name).has_value(); });
    if (names.size() == 1 && leads_to_team(names.front())) team_ = names.front();
    read_splits();
  }

  /// Amounts of the deals `chosen` (one byte a deal), each at `at(deal)`, by who is credited; `weight` is the
  /// part of an amount that counts.
  void add_deals(Part part, const std::function<bool(std::size_t)>& chosen,
                 const std::function<std::int64_t(std::size_t)>& at,
                 const std::function<double(std::size_t)>& weight = {}) {
    const Deals& deals = crm_.deals();
    std::vector<std::int32_t> rows;
    std::vector<std::int64_t> times;
    for (std::size_t deal = 0; deal < deals.size(); ++deal)
      if (chosen(deal)) {
        rows.push_back(static_cast<std::int32_t>(deal));
        times.push_back(at(deal));
      }
    std::vector<std::uint8_t> kept(rows.size(), 1);
    if (!options_.where.empty())
      kept = matches(crm_, "opportunity", options_.where, rows, times, options_.zone);
    const std::vector<std::int32_t> owners = owners_at(rows, times);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tick(i);
      if (kept[i] == 0) continue;
      const auto deal = static_cast<std::size_t>(rows[i]);
      std::int64_t amount = deals.amount[deal];
      const auto state = deals.deleted[deal] != 0 ? facts.deleted : facts.amount_state(amount);
      if (weight) {
        // What is left out stands already beside the whole amounts.
        if (state != Facts::counted) continue;
        amount = part_of_amount(amount, weight(deal));
      }
      if (state != Facts::counted || !splits_.contains(rows[i])) {
        put(part, owners[i], times[i], amount, state, rows[i]);
        continue;
      }
      const Splits& splits = splits_.at(rows[i]);
      if (splits.reps.empty()) put(part, owners[i], times[i], amount, state, rows[i]);
      const auto shares =
          splits.reps.empty() ? std::vector<std::int64_t>() : money::split(amount, splits.weights);
      for (std::size_t s = 0; s < shares.size(); ++s)
        put(part, splits.reps[s], times[i], shares[s], state, rows[i]);
      if (part == Part::won)
        for (const auto& [rep, overlaid] : splits.overlays)
          put(Part::overlay, rep, times[i], part_of_amount(amount, overlaid), state, rows[i]);
    }
  }

  /// Quotas by their days in each period, once all deals are there. Where all reps are added up the company
  /// is judged by what pipeline/quotas.hpp says, and so is each team where groups are teams; quotas of
  /// members stand beside an own one. Other groups are judged by the reps' in them. Quotas of reps take no
  /// credit of others.
  void add_quotas(const Scope& scope) {
    const Date today{day_of(scope.as_of.us, options_)};
    pipeline::Quotas known = pipeline::quotas_in_force(crm_, {.currency = currency(), .day = today});
    std::ranges::copy(known.warnings(), std::back_inserter(warnings_));
    // Where no period is asked for, the time that has begun is.
    if (scope.all) std::erase_if(known.all, [&](const pipeline::Quota& quota) { return quota.from > today; });
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
          if (!scope.all || piece.start <= today)
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
      return parts_[i] == Part::quota && (facts.row[i] < 0 || of_team_.contains(i));
    });
  }

  DealFacts facts;
  std::vector<std::string> by;

 private:
  /// On which a holder has a quota, from instant to instant.
  class Days {
   public:
    void add(std::int64_t start, std::int64_t end) { spans_.emplace_back(start, end); }
    [[nodiscard]] bool hold(std::int64_t at) const {
      return std::ranges::any_of(spans_, [&](const auto& s) { return s.first <= at && at < s.second; });
    }

   private:
    std::vector<std::pair<std::int64_t, std::int64_t>> spans_;
  };
  /// Days that are judged by themselves, and those of them with a quota.
  struct Judged {
    std::int64_t start = 0, end = 0;
    std::optional<Days> whole;          ///< of the company, its teams or territories: takes all credit
    std::map<std::string, Days> teams;  ///< judged by their own
    std::map<std::int32_t, Days> reps;
  };

  /// Rows of the reps who owned deals then, -1 where nobody did.
  [[nodiscard]] std::vector<std::int32_t> owners_at(std::span<const std::int32_t> deals,
                                                    std::span<const std::int64_t> at) const {
    std::vector<std::int32_t> reps(deals.size(), -1);
    if (!crm_.has("opportunity", "owner_id") || !crm_.has("rep")) return reps;
    const Lookup owner = resolve(crm_, "opportunity", "owner_id", deals, at, options_.zone);
    std::map<std::int32_t, std::int32_t> row_of;
    for (std::size_t i = 0; i < reps.size(); ++i) {
      if (owner.rows[i] < 0 || owner.column.is_null(static_cast<std::size_t>(owner.rows[i]))) continue;
      const std::int32_t code = owner.column.values<std::int32_t>()[static_cast<std::size_t>(owner.rows[i])];
      const auto [found, fresh] = row_of.try_emplace(code, -1);
      if (fresh)
        found->second = static_cast<std::int32_t>(
            crm_.row_of("rep", owner.column.dictionary()[static_cast<std::size_t>(code)]));
      reps[i] = found->second;
    }
    return reps;
  }

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
    if (of_reps) require_credit();
    const auto start = [&](Date day) { return options_.zone.start_of(day).us; };
    Judged span;
    span.start = first == first_date ? INT64_MIN : start(first);
    span.end = last == last_date ? INT64_MAX : start(last);
    if (!team_.empty())
      add_team_quotas(pipeline::quotas_of_teams(all, first, last), first, last, today, span);
    if (whole_ || of_reps) {
      const auto judged = whole_ ? pipeline::quotas_of_company(crm_, all, first, last) : members;
      const bool by_reps = !judged.empty() && judged.front().holder.type == "rep";
      if (!judged.empty() && !by_reps) span.whole.emplace();
      const auto teams = teams_of(judged, first);
      for (std::size_t i = 0; i < judged.size(); ++i)
        add_quota(!teams.empty() && span.teams.contains(teams[i]) ? Part::members_quota : Part::quota,
                  judged[i], first, last, today, by_reps ? span.reps[rep_of(judged[i])] : *span.whole);
      if (!by_reps && of_reps)
        for (const pipeline::Quota& quota : members)
          add_quota(Part::members_quota, quota, first, last, today, span.reps[rep_of(quota)]);
    }
    judged_.emplace(span.start, std::move(span));
  }

  /// Who takes part in a sum of reps' quotas has to be known.
  void require_credit() const {
    for (const auto& [table, column] : {std::pair("rep", "rep_id"), std::pair("opportunity", "owner_id")})
      if (!crm_.has(table, column) && !(crm_.has("rep") && crm_.has("credit_split", "pct")))
        throw UsageError(
            "the quotas are of reps, so whose deals are whose has to be known: that needs column '" +
            std::string(column) + "' of table '" + table + "', which this book lacks");
  }

  /// The teams that groups are of, by rep and instant; "" where there is none.
  [[nodiscard]] std::vector<std::string> teams_at(std::span<const std::int32_t> reps,
                                                  std::span<const std::int64_t> at) const {
    if (team_.empty()) return {};
    std::vector<std::string> teams(reps.size());
    const Lookup found = resolve(crm_, "rep", team_, reps, at, options_.zone);
    for (std::size_t i = 0; i < teams.size(); ++i)
      if (const std::int32_t row = found.rows[i];
          row >= 0 && found.column.valid(static_cast<std::size_t>(row)))
        teams[i] = found.column.text(static_cast<std::size_t>(row));
    return teams;
  }
  /// Of the reps that have the quotas, when these begin to count.
  [[nodiscard]] std::vector<std::string> teams_of(const std::vector<pipeline::Quota>& quotas,
                                                  Date first) const {
    std::vector<std::int32_t> reps;
    std::vector<std::int64_t> at;
    for (const pipeline::Quota& quota : quotas) {
      reps.push_back(rep_of(quota));
      at.push_back(options_.zone.start_of(std::max(first, quota.from)).us);
    }
    return teams_at(reps, at);
  }

  /// A team's own quota joins its group through one of its reps, who takes no part in it.
  void add_team_quotas(const std::vector<pipeline::Quota>& quotas, Date first, Date last, Date today,
                       Judged& span) {
    if (quotas.empty()) return;
    std::vector<std::int32_t> reps(crm_.table("rep").num_rows());
    for (std::size_t rep = 0; rep < reps.size(); ++rep) reps[rep] = static_cast<std::int32_t>(rep);
    std::vector<std::string> seen;
    for (const pipeline::Quota& quota : quotas) {
      const std::int64_t at = options_.zone.start_of(std::max(first, quota.from)).us;
      const auto teams = teams_at(reps, std::vector<std::int64_t>(reps.size(), at));
      const auto member = std::ranges::find(teams, quota.holder.id);
      std::pair<std::int32_t, std::int64_t> through{-1, at};
      if (member != teams.end()) through.first = static_cast<std::int32_t>(member - teams.begin());
      if (through.first < 0 && seen.empty()) seen = teams_at(facts.row, facts.at);
      for (std::size_t fact = 0; fact < seen.size() && through.first < 0; ++fact)
        if (seen[fact] == quota.holder.id && facts.at[fact] >= span.start && facts.at[fact] < span.end)
          through = {facts.row[fact], facts.at[fact]};
      if (through.first < 0) {
        warnings_.push_back("the quota of team '" + quota.holder.id +
                            "' is left out: no rep is in that team");
        continue;
      }
      of_team_.insert(facts.size());
      add_quota(Part::quota, quota, first, last, today, span.teams[quota.holder.id], through);
    }
  }

  /// Of days without a quota, and of reps without one: out of a ratio to the sum of reps' quotas, and out of
  /// what members won beside an own one of the company or their team.
  void set_credit_apart() {
    const bool each_rep = std::ranges::find(by, "rep_id") != by.end();
    const auto teams = teams_at(facts.row, facts.at);
    for (std::size_t fact = 0, size = facts.size(); fact < size; ++fact) {
      tick(fact);
      const auto next = judged_.upper_bound(facts.at[fact]);
      const bool counts = facts.state[fact] == Facts::counted || parts_[fact] == Part::weighted;
      if (deals_[fact] < 0 || !counts || next == judged_.begin()) continue;
      const Judged& span = std::prev(next)->second;
      if (facts.at[fact] >= span.end) continue;
      // What is open has no day yet.
      const auto within = [&](const Days& days) {
        return parts_[fact] != Part::won || days.hold(facts.at[fact]);
      };
      const auto rep = span.reps.find(facts.row[fact]);
      const auto team = teams.empty() ? span.teams.end() : span.teams.find(teams[fact]);
      const bool with = rep != span.reps.end() && within(rep->second);
      const bool own = span.whole || team != span.teams.end();
      if (own && with && parts_[fact] == Part::won)
        put(Part::members_won, facts.row[fact], facts.at[fact], amounts_[fact], Facts::counted, deals_[fact]);
      if (own ? within(span.whole ? *span.whole : team->second) : with) continue;
      // A group without any quota shows what it won, and no ratio.
      if (!own && (span.reps.empty() || (each_rep && rep == span.reps.end()))) continue;
      if (parts_[fact] != Part::weighted) facts.state[fact] = no_quota_;
      amounts_[fact] = 0;
    }
  }

  [[nodiscard]] std::int32_t rep_of(const pipeline::Quota& quota) const {
    return quota.holder.type == "rep" && crm_.has("rep")
               ? static_cast<std::int32_t>(crm_.row_of("rep", quota.holder.id))
               : -1;
  }

  /// The part of a quota on days [first, last), which are added to its holder's; one that isn't a rep's
  /// stands at the row and the instant of `through`, if any.
  void add_quota(Part part, const pipeline::Quota& quota, Date first, Date last, Date today, Days& days,
                 std::optional<std::pair<std::int32_t, std::int64_t>> through = {}) {
    const std::int32_t rep = rep_of(quota);
    if (until_leave_ && rep >= 0) last = std::min(last, leave_date(rep));
    const Date from = std::max(first, quota.from), to = std::min(last, quota.to);
    if (from >= to) return;
    const auto [row, at] = through.value_or(std::pair(rep, options_.zone.start_of(from).us));
    put(part, row, at, quota.of_days(from, to), Facts::counted);
    if (quota.amount > 0) days.add(options_.zone.start_of(from).us, options_.zone.start_of(to).us);
    if (part != Part::quota || rep < 0) return;
    quota_reps_.push_back(rep);
    quota_last_days_.push_back(options_.zone.start_of(std::min(to - 1, today)).us);
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
    const Lookup ramp = resolve(crm_, "rep", "ramp_profile_id", quota_reps_, quota_last_days_, options_.zone);
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
  std::string team_;               ///< the name of the groups, where they are teams
  std::set<std::size_t> of_team_;  ///< facts: own quotas of teams
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

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
