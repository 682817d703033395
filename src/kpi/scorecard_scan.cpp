#include <algorithm>
#include <array>

#include "../crm/lasting.hpp"
#include "deal_facts.hpp"
#include "deal_sums.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Ends of deals of their own making: those of some deals, or by another rule than the last close.
struct Ends {
  std::vector<std::int32_t> rows;
  std::vector<DealStatus> status;
  std::vector<std::int64_t> closed, amount;

  void add(std::int32_t row, DealStatus how, std::int64_t at, std::int64_t value) {
    rows.push_back(row);
    status.push_back(how);
    closed.push_back(at);
    amount.push_back(value);
  }
};

/// The ends of the deals listed, or of all, by the rule of `Options::reopened`.
Ends gathered(const Crm& crm, const Options& options, const std::vector<std::int32_t>* listed) {
  const Deals& deals = crm.deals();
  Ends ends;
  if (options.reopened == Reopened::last_close) {
    for (const std::int32_t row : *listed) {
      const auto deal = static_cast<std::size_t>(row);
      ends.add(row, deals.status[deal], deals.closed_at[deal], deals.amount[deal]);
    }
    return ends;
  }
  for (const Close& close : closes_of(crm, options, "scorecard")) {
    const auto row = static_cast<std::int32_t>(close.deal);
    if (listed == nullptr || std::binary_search(listed->begin(), listed->end(), row))
      ends.add(row, close.status, close.at, close.amount);
  }
  return ends;
}

/// Sums of groups: those of plain deals, and of the others where there are any.
struct ScanSums : Sums<PlainSums> {
  using Sums::Sums;

  DealSums& other(std::size_t place) {
    if (place >= others.size()) others.resize(sums.size());
    return others[place];
  }
  void widen(std::size_t place) {
    other(place) += sums[place].wide();
    sums[place] = {};
  }
  [[nodiscard]] DealSums whole(std::size_t place) const {
    DealSums sum = sums[place].wide();
    if (place < others.size()) sum += others[place];
    return sum;
  }

  std::vector<DealSums> others;
};

/// One pass over ends of deals, at places 0 … size-1, and what it needs.
class Scan {
 public:
  Scan(const Crm& crm, const Options& options, const std::vector<std::int32_t>* listed)
      : plain_(listed == nullptr && options.reopened == Reopened::last_close),
        ends_(plain_ ? Ends() : gathered(crm, options, listed)),
        status_(plain_ ? std::span<const DealStatus>(crm.deals().status) : ends_.status),
        amount_(plain_ ? std::span<const std::int64_t>(crm.deals().amount) : ends_.amount),
        placed_{crm, "opportunity", options, ends_.rows,
                plain_ ? std::span<const std::int64_t>(crm.deals().closed_at) : ends_.closed},
        scope_(scope_of(crm, options)),
        chosen_(options.where.empty() ? std::vector<std::uint8_t>()
                                      : matches(crm, "opportunity", options.where, placed_.all_rows(),
                                                placed_.at, options.zone)),
        keys_(placed_, options.by, scope_) {}
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  [[nodiscard]] const Scope& scope() const noexcept { return scope_; }
  [[nodiscard]] const Keys& keys() const noexcept { return keys_; }

  [[nodiscard]] Sums<DealSums> sums(const Execution& execution) const {
    const auto parts =
        scan<ScanSums>(placed_.size(), keys_.combinations(), execution,
                       [&](std::size_t first, std::size_t last, ScanSums& sums) { add(first, last, sums); });
    Sums<DealSums> whole(keys_.combinations());
    if (!parts.empty()) whole.reserve(parts.front()->numbers.size());
    for (const auto& part : parts)
      for (std::size_t g = 0; g < part->numbers.size(); ++g) whole[part->numbers[g]] += part->whole(g);
    return whole;
  }

  /// The rows of the deals in each group.
  [[nodiscard]] Sums<std::vector<std::int64_t>> rows() const {
    Sums<std::vector<std::int64_t>> rows(keys_.combinations());
    Ended ended;
    for (std::size_t first = 0; first < placed_.size(); first += rows_at_once) {
      ask_stop();
      look(first, std::min(placed_.size(), first + rows_at_once), ended);
      rows.each(ended.groups(), [&](std::size_t i, auto& of) { of.push_back(ended.row[i]); });
    }
    return rows;
  }

  /// The currency of the deals whose amounts are in the sums, or `several_currencies`.
  [[nodiscard]] std::string currency() const {
    const Crm& crm = placed_.crm;
    if (!crm.currency().empty() || !crm.has("opportunity", "amount")) return crm.currency();
    std::vector<std::int32_t> rows;
    for (std::size_t i = 0; i < amount_.size(); ++i)
      if ((chosen_.empty() || chosen_[i] != 0) && amount_[i] != null_value) rows.push_back(placed_.row(i));
    try {
      return one_currency(crm, "opportunity", rows);
    } catch (const UnitError&) {
      return std::string(several_currencies);
    }
  }

 private:
  [[nodiscard]] bool inside(std::int64_t at) const {
    return at != null_value && std::any_of(scope_.parts.begin(), scope_.parts.end(), [&](const auto& part) {
             return part.interval.contains(Instant{at});
           });
  }

  /// The ends of a block that count, and their groups.
  struct Ended {
    std::size_t size = 0;
    std::array<std::int32_t, rows_at_once> place, row;
    std::array<std::uint64_t, rows_at_once> group;

    GroupNumbers groups() { return std::span(group).first(size); }
  };

  void look(std::size_t first, std::size_t last, Ended& ended) const {
    const Deals& deals = placed_.crm.deals();
    const std::size_t n = last - first;
    std::array<std::uint8_t, rows_at_once> counts;
    const auto keep = [&](auto holds) {
      for (std::size_t i = 0; i < n; ++i) counts[i] = holds(first + i) ? counts[i] : std::uint8_t{0};
    };
    for (std::size_t i = 0; i < n; ++i) counts[i] = status_[first + i] != DealStatus::open ? 1 : 0;
    if (plain_)
      keep([deleted = deals.deleted.data()](std::size_t place) { return deleted[place] == 0; });
    else
      keep([&](std::size_t place) {
        return deals.deleted[static_cast<std::size_t>(placed_.row(place))] == 0;
      });
    if (!chosen_.empty()) keep([&](std::size_t place) { return chosen_[place] != 0; });
    if (!scope_.all) keep([&](std::size_t place) { return inside(placed_.at[place]); });

    std::size_t size = 0;
    for (std::size_t i = 0; i < n; ++i) {
      ended.place[size] = static_cast<std::int32_t>(first + i);
      size += counts[i];
    }
    for (std::size_t i = 0; i < size; ++i)
      ended.row[i] = placed_.row(static_cast<std::size_t>(ended.place[i]));
    ended.size = size;
    keys_.number({std::span(ended.place).first(size), std::span(ended.row).first(size)}, ended.groups());
  }

  void add(std::size_t first, std::size_t last, ScanSums& sums) const {
    const std::int64_t* created_at = placed_.crm.deals().created_at.data();
    Ended ended;
    look(first, last, ended);
    sums.each(ended.groups(), [&](std::size_t i, PlainSums& sum) {
      const auto place = static_cast<std::size_t>(ended.place[i]);
      const DealStatus status = status_[place];
      const bool won = status == DealStatus::won, lost = status == DealStatus::lost;
      const std::int64_t amount = amount_[place], closed = placed_.at[place],
                         created = created_at[static_cast<std::size_t>(ended.row[i])];
      // What is null or negative wraps to beyond all that is plain.
      const std::uint64_t took = static_cast<std::uint64_t>(closed) - static_cast<std::uint64_t>(created);
      const bool lasted = (closed != null_value) & PlainSums::plain(took);
      // Whether a deal was won can't be guessed: bits are faster than branches.
      const bool plain = PlainSums::plain(static_cast<std::uint64_t>(amount) - 1) & (lost | (won & lasted));
      if (!plain)
        add_other(sums.other(ended.group[i]), status, amount, created, closed);
      else if (sum.add(won, amount, static_cast<std::int64_t>(took)))
        sums.widen(ended.group[i]);
    });
  }

  void add_other(DealSums& sum, DealStatus status, std::int64_t amount, std::int64_t created,
                 std::int64_t closed) const {
    const bool priced = amount != null_value && (amount > 0 || placed_.options.allow_negative);
    if (status == DealStatus::won) {
      ++sum.won;
      if (priced) sum.won_amount.add(amount);
      if (created == null_value || closed == null_value) return;
      if (const std::int64_t took = crm_detail::lasted(created, closed, placed_.options.zone); took >= 0)
        sum.cycle.add(took);
    } else if (status == DealStatus::lost) {
      ++sum.lost;
      sum.lost_priced += priced ? 1 : 0;
      sum.lost_amount += priced ? amount : 0;
    } else {
      ++sum.unknown;
    }
  }

  bool plain_;  ///< each deal's last close, in rows of the book
  Ends ends_;
  std::span<const DealStatus> status_;
  std::span<const std::int64_t> amount_;
  Placed placed_;
  Scope scope_;
  std::vector<std::uint8_t> chosen_;
  Keys keys_;
};

/// What two states must have been asked alike, besides keys and period.
std::string asked_text(const Options& options) {
  constexpr std::string_view how[] = {"last close", "first close", "each close"};
  return std::string(how[static_cast<std::size_t>(options.reopened)]) +
         (options.allow_negative ? ", negative amounts" : "") +
         (options.where.empty() ? "" : ", where " + options.where);
}

}  // namespace

ScorecardState ScorecardState::partial(const Crm& book, const Options& options) {
  return of(rewound(book, options), options, nullptr);
}

ScorecardState ScorecardState::partial(const Crm& book, const Options& options,
                                       std::span<const std::string> deals) {
  const Crm crm = rewound(book, options);
  std::vector<std::int32_t> rows;
  for (const std::string& id : deals)
    if (const auto row = static_cast<std::int32_t>(crm.row_of("opportunity", id)); row >= 0)
      rows.push_back(row);
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return of(crm, options, &rows);
}

ScorecardState ScorecardState::of(const Crm& crm, const Options& asked,
                                  const std::vector<std::int32_t>* listed) {
  const StopScope stop(asked.execution.stop);
  Options options = asked;
  options.execution.progress = {};  // of the passes before; the call's goes by the scan
  (void)mode_of(options, "scorecard", {Mode::closed_in_period});
  if (!options.no_decision.empty())
    throw UsageError("scorecard: its groups count every loss; ask win_rate, which knows no_decision");
  options.mode = Mode::standard;
  check_heeded(options, "scorecard with by", "reopened allow_negative");
  (void)crm.table("opportunity");
  const Scan scan(crm, options, listed);
  Sums<DealSums> sums = scan.sums(asked.execution);

  ScorecardState state;
  Data& data = *state.data_;
  data.asked = true;
  data.counted = asked_text(options);
  data.period = scan.scope().to_string();
  data.currency = scan.currency();
  data.as_of = scan.scope().as_of;
  data.sums = std::move(sums.sums);
  if (data.several()) data.drop_money();
  Labelled labelled = scan.keys().labelled(std::move(sums.numbers));
  data.codes = std::move(labelled.codes);
  for (std::size_t k = 0; k < labelled.labels.size(); ++k)
    data.keys.push_back(
        {.name = scan.keys().all()[k].name, .labels = std::move(labelled.labels[k]), .codes = {}});
  return state;
}

std::vector<std::vector<std::string>> scorecard_ids(const Crm& book, const Options& options) {
  const StopScope stop(options.execution.stop);
  const Crm crm = rewound(book, options);
  const Scan scan(crm, options, nullptr);
  Sums<std::vector<std::int64_t>> rows = scan.rows();
  Groups names;
  std::vector<std::vector<std::string>> ids;
  for (const std::size_t group : scan.keys().order(rows.numbers, names)) {
    std::vector<std::int64_t>& of = rows.sums[group];
    std::sort(of.begin(), of.end());
    of.erase(std::unique(of.begin(), of.end()), of.end());
    ids.push_back(ids_of(crm, "opportunity", of));
  }
  return ids;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
