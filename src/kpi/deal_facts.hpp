/// Pieces that the KPIs of deals share.
#pragma once

#include <cmath>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/kpi/catalogue.hpp"
#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

inline constexpr double days_per_us = 1.0 / static_cast<double>(us_per_day);

/// What `mode_for` says, of what isn't in the catalogue: `standard` is the first of `allowed`.
Mode mode_of(const Options& options, std::string_view name, std::initializer_list<Mode> allowed);

/// The visits asked for, `standard` as the first of `allowed`; throws `UsageError` for others.
Visits visits_asked(const Options& options, std::string_view name, std::initializer_list<Visits> allowed);

/// The last instant the answer knows, of a rewound book.
inline std::int64_t now_of(const Crm& crm) { return crm.latest().us; }

/// With "this quarter" where no period is named.
Options with_period(const Options& options);

/// Facts about deals; amounts that can't be added are left out by reason.
struct DealFacts : Facts {
  explicit DealFacts(const Deals& deals, const Options& options);
  /// Adds a fact about a deal; a deleted one is left out, whatever else is known of it.
  void put(std::size_t deal, std::int64_t instant, std::int64_t top, std::int64_t bottom,
           std::uint8_t how = counted) {
    add(deal, instant, top, bottom, deals_.deleted[deal] != 0 ? deleted : placed(instant, how));
  }
  /// `how`, but of a counted fact that no period can be told of, where periods are asked for.
  [[nodiscard]] std::uint8_t placed(std::int64_t instant, std::uint8_t how) const noexcept {
    return how == counted && instant == null_value && periods ? time_unknown : how;
  }
  /// `counted`, or the reason an amount is left out.
  [[nodiscard]] std::uint8_t amount_state(std::int64_t amount) const noexcept;
  /// Numerators (and denominators) are amounts: sets scales and unit.
  void in_money(const Crm& crm, const Options& options, bool share);

  std::uint8_t deleted, null_amount, zero_amount, negative_amount, time_unknown;
  bool allow_negative;
  bool periods;

 private:
  const Deals& deals_;
};

/// What stages say of deals, by pipeline.
class StageStatuses {
 public:
  explicit StageStatuses(const Crm& crm)
      : crm_(crm), pipeline_(crm.table("opportunity").find("pipeline_id")) {}
  DealStatus operator()(std::size_t deal, std::int64_t stage) {
    if (stage == null_value || stage < 0) return DealStatus::open;
    const std::int64_t pipeline =
        pipeline_ != nullptr && pipeline_->valid(deal) ? pipeline_->values<std::int32_t>()[deal] : -1;
    auto known = of_.find(pipeline);
    if (known == of_.end()) known = of_.emplace(pipeline, crm_.stage_statuses(pipeline)).first;
    return known->second[static_cast<std::size_t>(stage)].value_or(DealStatus::open);
  }

 private:
  const Crm& crm_;
  const Column* pipeline_;
  std::map<std::int64_t, std::vector<std::optional<DealStatus>>> of_;
};

/// Whether a column of deals in a rewound book is as of today, for want of a history.
inline bool of_another_day(const Crm& crm, std::string_view column) {
  return crm.issues().count("opportunity", column, "untracked_column") > 0;
}

/// Takes the value and its interval from a metric, which says why instead.
void withhold(Metric& metric, std::string_view why);
/// Takes the values of amounts from a book that has them of won deals alone: open ones show none, or in the
/// past only those that were to be won.
void refuse_amounts_at_win(const Crm& crm, Result& result);
void refuse_amounts_at_win(Metric& metric);

/// How likely a deal is to be won: what it says itself, else its stage.
class Probabilities {
 public:
  explicit Probabilities(const Crm& crm)
      : deals_(crm.deals()),
        own_(crm.table("opportunity").find("probability")),
        of_stage_(crm.has("stage_def") ? crm.table("stage_def").find("probability") : nullptr),
        of_today_(of_another_day(crm, "probability")) {
    // Today's probability of a deal knows what became of it since; that of its stage doesn't.
    if (of_today_ && of_stage_ != nullptr) own_ = nullptr;
  }
  /// The deals' own have no history, in a book of an earlier day.
  [[nodiscard]] bool of_today() const noexcept { return of_today_; }
  [[nodiscard]] bool of_stages() const noexcept { return of_stage_ != nullptr; }
  [[nodiscard]] bool known() const noexcept { return own_ != nullptr || of_stage_ != nullptr; }
  [[nodiscard]] std::optional<double> operator()(std::size_t deal) const {
    if (own_ != nullptr && own_->valid(deal)) return own_->number(deal);
    if (of_stage_ == nullptr || deals_.stage_row[deal] < 0) return std::nullopt;
    const auto row = static_cast<std::size_t>(deals_.stage_row[deal]);
    return of_stage_->valid(row) ? std::optional(of_stage_->number(row)) : std::nullopt;
  }

 private:
  const Deals& deals_;
  const Column* own_;
  const Column* of_stage_;
  bool of_today_;
};

/// amount × share, to a whole minor unit. Throws `UsageError` beyond what an amount can hold.
inline std::int64_t part_of_amount(std::int64_t amount, double share) {
  if (share == 1) return amount;
  constexpr double limit = 0x1p63;
  const double part = static_cast<double>(amount) * share;
  if (!(part > -limit && part < limit))
    throw UsageError("a share of " + std::to_string(share) + " of an amount is more than an amount can be");
  return std::llround(part);
}

/// One end of a deal.
struct Close {
  std::size_t deal = 0;
  std::int64_t at = null_value;
  DealStatus status = DealStatus::open;
  std::int64_t amount = null_value;  ///< of that time
};
/// The ends that `Options::reopened` counts, deal by deal. Throws `UsageError` when that needs a history of
/// stages and there is none.
std::vector<Close> closes_of(const Crm& crm, const Options& options, std::string_view kpi);
/// Lost deals whose reason `Options::no_decision` names: no outcome of a rate of wins.
class NoDecision {
 public:
  NoDecision(const Crm& crm, const Options& options);
  [[nodiscard]] bool operator()(std::size_t deal, DealStatus status) const {
    return status == DealStatus::lost && reasons_ != nullptr && reasons_->valid(deal) &&
           named_[static_cast<std::size_t>(reasons_->values<std::int32_t>()[deal])] != 0;
  }
  /// Warns of reasons that no deal has.
  void report(Result& result) const;

 private:
  const Column* reasons_ = nullptr;
  std::vector<std::uint8_t> named_;  ///< by code of the reason
  std::vector<std::string> unknown_;
};
/// What a definition says of `Options::no_decision`: "; losses for price are no outcome", or nothing.
std::string no_decision_text(const Options& options);

/// `win_rate` without what it tells of open deals.
Result closed_rate(const Crm& book, const Options& options);

/// Open deals at the end of each period (or as_of), cut by the lengths of time in `by`, each placed there;
/// its numerator is its age since `starts` then, or 1 where `starts` is empty.
DealFacts open_at_end(const Crm& crm, const Options& options, std::span<const std::int64_t> starts);

/// Says how many of the deals asked for came back from a close, and how they were counted.
void report_reopened(const Crm& crm, const Options& options, Result& result);

/// Says of numbers that want the whole period where it isn't over.
void flag_unfinished(const Scope& scope, Result& result);

/// Throws a `UsageError` where past close dates aren't known: the present ones are those that came true.
void require_close_dates(const Crm& crm, std::string_view kpi);

/// A warning where amounts have no history.
void report_present_amounts(const Crm& crm, Result& result);

/// Takes away the `pipeline_coverage` of periods that are over.
void end_coverage(const Scope& scope, Result& coverage);

/// Adds to `pipeline_coverage` what was won of such a pipeline before.
void add_coverage_needs(const Crm& crm, const Options& options, Result& coverage);

/// Currency of the rows that `where` keeps.
std::string currency_of(const Crm& crm, const Facts& facts, const Options& options);

/// The keys of rows of a table.
std::vector<std::string> ids_of(const Crm& crm, const std::string& table, std::span<const std::int64_t> rows);

/// Throws a `UsageError` that says what the column is needed for.
void require(const Crm& crm, std::string_view kpi, std::string_view table, std::string_view column);

/// Puts values (or a detail) of `from` into the details of the same groups of `into`.
void attach(Result& into, const Result& from, const std::string& name, const std::string& detail = {});

/// Adds the rows that `from` leaves out; what both leave out for one reason is counted where there are more.
void attach_excluded(Result& into, const Result& from);

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
