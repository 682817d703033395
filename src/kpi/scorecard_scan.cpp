#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <numeric>

#include "deal_facts.hpp"
#include "deal_sums.hpp"
#include "groups.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Some of the ends that are scanned: their places and the rows of their deals.
struct Chosen {
  std::span<const std::int32_t> places, rows;
};
using Keys = std::span<std::uint64_t>;

/// One key of the groups: a code 0 … size for each deal, of which `size` is null.
struct ScanKey {
  std::string name;
  std::uint64_t size = 0;
  /// keys[i] = keys[i] · (size + 1) + the code of chosen end i.
  std::function<void(const Chosen& chosen, Keys keys)> extend = {};
  std::function<Label(std::uint64_t code)> label = {};
};

void put(std::uint64_t& key, std::uint64_t size, std::uint64_t code) { key = key * (size + 1) + code; }

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

/// What is scanned: ends of deals, at places 0 … size-1. Without `rows` the place is the deal's row.
struct Scanned {
  const Crm& crm;
  const Options& options;
  std::span<const std::int32_t> rows;
  std::span<const DealStatus> status;
  std::span<const std::int64_t> closed, amount;

  [[nodiscard]] std::size_t size() const { return status.size(); }
  [[nodiscard]] std::size_t row(std::size_t place) const {
    return rows.empty() ? place : static_cast<std::size_t>(rows[place]);
  }
  [[nodiscard]] std::vector<std::int32_t> all_rows() const {
    if (!rows.empty()) return {rows.begin(), rows.end()};
    std::vector<std::int32_t> result(size());
    std::iota(result.begin(), result.end(), 0);
    return result;
  }
};

/// Values numbered beforehand, one a deal that is scanned.
ScanKey ranked_key(const std::string& name, Dimension ranked,
                   std::function<std::int64_t(std::size_t)> order) {
  const auto dimension = std::make_shared<Dimension>(std::move(ranked));
  ScanKey key{.name = name, .size = dimension->labels.size()};
  key.extend = [dimension, size = key.size](const Chosen& chosen, Keys keys) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::int32_t rank = dimension->rank[static_cast<std::size_t>(chosen.places[i])];
      put(keys[i], size, rank < 0 ? size : static_cast<std::uint64_t>(rank));
    }
  };
  key.label = [dimension, order = std::move(order)](std::uint64_t code) {
    return Label{order(code), dimension->labels[code]};
  };
  return key;
}

ScanKey period_key(const Scanned& scanned, const std::string& name, Every every) {
  const FiscalCalendar& calendar = scanned.options.calendar;
  const auto [first, last] = range_of(scanned.closed, scanned.options.execution);
  const auto table = std::make_shared<PeriodTable>(every, first, last, scanned.options);
  const std::int32_t low = first > last ? FiscalCalendar::no_period : (*table)(first);
  const std::int32_t high = first > last ? FiscalCalendar::no_period : (*table)(last);
  if (low == FiscalCalendar::no_period || high == FiscalCalendar::no_period) {
    // Some deals close on days that the calendar doesn't cover.
    Dimension ranked = period_dimension(every, scanned.closed, scanned.options);
    return ranked_key(name, ranked, [keys = ranked.keys, every, &calendar](std::size_t code) {
      return calendar.period_at(static_cast<std::int32_t>(keys[code]), every).start.days;
    });
  }
  ScanKey key{.name = name, .size = static_cast<std::uint64_t>(high - low) + 1};
  key.extend = [closed = scanned.closed, table, low, size = key.size](const Chosen& chosen, Keys keys) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::int64_t at = closed[static_cast<std::size_t>(chosen.places[i])];
      put(keys[i], size, at == null_value ? size : static_cast<std::uint64_t>((*table)(at)-low));
    }
  };
  key.label = [low, every, &calendar](std::uint64_t code) {
    const Period period = calendar.period_at(low + static_cast<std::int32_t>(code), every);
    return Label{period.start.days, calendar.label(period)};
  };
  return key;
}

/// A text column of the deals themselves, with the values of those that changed as of the close.
ScanKey own_key(const Scanned& scanned, const std::string& name, const Column& column,
                std::optional<Field> field) {
  ScanKey key{.name = name, .size = column.dictionary().size()};
  key.extend = [scanned, column, field, size = key.size](const Chosen& chosen, Keys keys) {
    const History& history = scanned.crm.history();
    const std::int32_t* codes = column.values<std::int32_t>().data();
    const bool nulls = column.may_have_nulls();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto row = static_cast<std::size_t>(chosen.rows[i]);
      std::int64_t code = nulls && column.is_null(row) ? null_value : codes[row];
      if (field && history.changed(row, *field))
        if (const std::int64_t at = scanned.closed[static_cast<std::size_t>(chosen.places[i])];
            at != null_value)
          code = history.value_at(row, *field, at);
      put(keys[i], size, code == null_value ? size : static_cast<std::uint64_t>(code));
    }
  };
  key.label = [dictionary = column.shared_dictionary()](std::uint64_t code) {
    return Label{0, std::string((*dictionary)[code])};
  };
  return key;
}

/// Any other name: looked up for all ends at once.
ScanKey looked_up_key(const Scanned& scanned, const std::string& name) {
  const Lookup lookup = resolve(scanned.crm, "opportunity", name, scanned.all_rows(), scanned.closed);
  Dimension ranked = column_dimension(lookup, scanned.options.execution);
  const bool text = lookup.column.type() == Type::string;
  return ranked_key(name, ranked, [keys = ranked.keys, text](std::size_t code) {
    return text ? std::int64_t{0} : keys[code];
  });
}

ScanKey key_of(const Scanned& scanned, const std::string& name) {
  const Crm& crm = scanned.crm;
  if (!crm.has("opportunity", name))
    if (const auto every = every_of(name)) return period_key(scanned, name, *every);
  for (const std::string& own : {name, name + "_id"}) {
    if (!crm.has("opportunity", own)) continue;
    const Column& column = crm.column("opportunity", own);
    if (column.type() != Type::string) break;
    return own_key(scanned, name, column, tracked_field(crm, "opportunity", own));
  }
  return looked_up_key(scanned, name);
}

/// Several periods are a key of their own.
ScanKey scope_key(const Scanned& scanned, const Scope& scope) {
  ScanKey key{.name = "period", .size = scope.parts.size()};
  key.extend = [scanned, parts = scope.parts](const Chosen& chosen, Keys keys) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Instant at{scanned.closed[static_cast<std::size_t>(chosen.places[i])]};
      std::uint64_t part = 0;
      while (!parts[part].interval.contains(at)) ++part;
      put(keys[i], parts.size(), part);
    }
  };
  key.label = [parts = scope.parts](std::uint64_t code) {
    return Label{parts[code].interval.start.us, parts[code].label};
  };
  return key;
}

/// Sums by key: by a table where there are few enough, else by a hash.
class Sums {
 public:
  explicit Sums(std::uint64_t combinations) {
    if (combinations <= dense) table_.assign(static_cast<std::size_t>(combinations), none);
  }
  DealSums& operator[](std::uint64_t key) {
    std::uint32_t& place = table_.empty() ? hash_.try_emplace(key, none).first->second : table_[key];
    if (place == none) {
      place = static_cast<std::uint32_t>(sums.size());
      keys.push_back(key);
      sums.emplace_back();
    }
    return sums[place];
  }
  std::vector<std::uint64_t> keys;
  std::vector<DealSums> sums;

 private:
  static constexpr std::uint64_t dense = std::uint64_t{1} << 20;
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::vector<std::uint32_t> table_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> hash_;
};

/// The scan: blocks of ends into as many sums as there are threads; whole numbers add up the same.
class Scan {
 public:
  Scan(const Scanned& scanned, const Scope& scope, std::span<const ScanKey> keys,
       std::span<const std::uint8_t> chosen)
      : scanned_(scanned), scope_(scope), keys_(keys), chosen_(chosen) {
    constexpr double most = 9e15;
    double product = 1;
    for (const ScanKey& key : keys) product *= static_cast<double>(key.size + 1);
    if (product > most)
      throw UsageError("by: too many combinations of groups; group by fewer or coarser columns");
    combinations_ = static_cast<std::uint64_t>(product);
  }

  Sums operator()(const Execution& execution) {
    constexpr std::size_t block = std::size_t{1} << 15;
    for_rows(scanned_.size(), block, execution, [&](std::size_t first, std::size_t last) {
      std::unique_ptr<Sums> sums = borrow();
      for (std::size_t at = first; at < last; at += chunk) add(at, std::min(last, at + chunk), *sums);
      const std::lock_guard lock(guard_);
      free_.push_back(std::move(sums));
    });
    Sums whole = free_.empty() ? Sums(combinations_) : std::move(*free_.front());
    for (std::size_t i = 1; i < free_.size(); ++i)
      for (std::size_t g = 0; g < free_[i]->keys.size(); ++g) whole[free_[i]->keys[g]] += free_[i]->sums[g];
    return whole;
  }

 private:
  static constexpr std::size_t chunk = 2048;

  std::unique_ptr<Sums> borrow() {
    {
      const std::lock_guard lock(guard_);
      if (!free_.empty()) {
        auto sums = std::move(free_.back());
        free_.pop_back();
        return sums;
      }
    }
    return std::make_unique<Sums>(combinations_);
  }

  [[nodiscard]] bool inside(std::int64_t at) const {
    return at != null_value && std::any_of(scope_.parts.begin(), scope_.parts.end(), [&](const auto& part) {
             return part.interval.contains(Instant{at});
           });
  }

  void add(std::size_t first, std::size_t last, Sums& sums) const {
    const Deals& deals = scanned_.crm.deals();
    // Where an end doesn't count, its deal is as good as open.
    std::array<DealStatus, chunk> kept;
    const std::span kinds = std::span(kept).first(last - first);
    std::copy(scanned_.status.begin() + static_cast<std::ptrdiff_t>(first),
              scanned_.status.begin() + static_cast<std::ptrdiff_t>(last), kinds.begin());
    const auto keep = [&](auto holds) {
      for (std::size_t i = 0; i < kinds.size(); ++i)
        kinds[i] = holds(first + i) ? kinds[i] : DealStatus::open;
    };
    if (scanned_.rows.empty())
      keep([deleted = deals.deleted.data()](std::size_t place) { return deleted[place] == 0; });
    else
      keep([&](std::size_t place) { return deals.deleted[scanned_.row(place)] == 0; });
    if (!chosen_.empty()) keep([&](std::size_t place) { return chosen_[place] != 0; });
    if (!scope_.all) keep([&](std::size_t place) { return inside(scanned_.closed[place]); });

    const auto priced = [&](std::int64_t amount) {
      return amount != null_value && (amount > 0 || scanned_.options.allow_negative);
    };
    each(kinds, first, DealStatus::won, sums, [&](std::size_t place, std::size_t row, DealSums& sum) {
      const std::int64_t amount = scanned_.amount[place];
      const std::int64_t created = deals.created_at[row], closed = scanned_.closed[place];
      ++sum.won;
      if (priced(amount)) sum.won_amount.add(amount);
      if (created != null_value && closed != null_value && closed >= created) sum.cycle.add(closed - created);
    });
    each(kinds, first, DealStatus::lost, sums, [&](std::size_t place, std::size_t, DealSums& sum) {
      const std::int64_t amount = scanned_.amount[place];
      ++sum.lost;
      if (!priced(amount)) return;
      ++sum.lost_priced;
      sum.lost_amount += amount;
    });
    each(kinds, first, DealStatus::unknown, sums,
         [](std::size_t, std::size_t, DealSums& sum) { ++sum.unknown; });
  }

  /// Calls `work(place, row, sums of its group)` for each end of one kind: apart, the sums run without
  /// guessing what comes next.
  template <class Work>
  void each(std::span<const DealStatus> kinds, std::size_t first, DealStatus kind, Sums& sums,
            Work work) const {
    std::array<std::int32_t, chunk> places, rows;
    std::array<std::uint64_t, chunk> keys;
    std::size_t n = 0;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      places[n] = static_cast<std::int32_t>(first + i);
      n += kinds[i] == kind ? 1 : 0;
    }
    if (n == 0) return;
    for (std::size_t i = 0; i < n; ++i)
      rows[i] = static_cast<std::int32_t>(scanned_.row(static_cast<std::size_t>(places[i])));
    std::fill_n(keys.begin(), n, 0);
    const Chosen chosen{std::span(places).first(n), std::span(rows).first(n)};
    for (const ScanKey& key : keys_) key.extend(chosen, Keys(keys).first(n));
    for (std::size_t i = 0; i < n; ++i)
      work(static_cast<std::size_t>(places[i]), static_cast<std::size_t>(rows[i]), sums[keys[i]]);
  }

  const Scanned& scanned_;
  const Scope& scope_;
  std::span<const ScanKey> keys_;
  std::span<const std::uint8_t> chosen_;
  std::uint64_t combinations_ = 1;
  std::mutex guard_;
  std::vector<std::unique_ptr<Sums>> free_;
};

/// The currency of the deals whose amounts are in the sums.
std::string scanned_currency(const Scanned& scanned, std::span<const std::uint8_t> chosen) {
  const Crm& crm = scanned.crm;
  if (!crm.currency().empty() || !crm.has("opportunity", "amount")) return crm.currency();
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < scanned.size(); ++i)
    if ((chosen.empty() || chosen[i] != 0) && scanned.amount[i] != null_value)
      rows.push_back(static_cast<std::int32_t>(scanned.row(i)));
  return one_currency(crm, "opportunity", rows);
}

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
  (void)crm.table("opportunity");
  const Deals& deals = crm.deals();
  const bool plain = listed == nullptr && options.reopened == Reopened::last_close;
  const Ends ends = plain ? Ends() : gathered(crm, options, listed);
  Scanned scanned{.crm = crm,
                  .options = options,
                  .rows = ends.rows,
                  .status = ends.status,
                  .closed = ends.closed,
                  .amount = ends.amount};
  if (plain) {
    scanned.status = deals.status;
    scanned.closed = deals.closed_at;
    scanned.amount = deals.amount;
  }
  const Scope scope = scope_of(crm, options);
  std::vector<std::uint8_t> chosen;
  if (!options.where.empty())
    chosen = matches(crm, "opportunity", options.where, scanned.all_rows(), scanned.closed);
  std::vector<ScanKey> keys;
  if (scope.parts.size() > 1) keys.push_back(scope_key(scanned, scope));
  for (const std::string& name : options.by) keys.push_back(key_of(scanned, name));
  const Sums sums = Scan(scanned, scope, keys, chosen)(asked.execution);

  ScorecardState state;
  Data& data = *state.data_;
  data.asked = true;
  data.counted = asked_text(options);
  data.period = scope.to_string();
  data.currency = scanned_currency(scanned, chosen);
  data.as_of = scope.as_of;
  data.sums = sums.sums;
  data.codes.resize(sums.keys.size() * keys.size());
  std::vector<std::uint64_t> rest = sums.keys;
  for (std::size_t k = keys.size(); k-- > 0;) {
    const ScanKey& key = keys[k];
    std::vector<std::int32_t> code_of(static_cast<std::size_t>(key.size), -1);
    Data::Key made{.name = key.name, .labels = {}, .codes = {}};
    for (std::size_t g = 0; g < rest.size(); ++g) {
      const std::uint64_t code = rest[g] % (key.size + 1);
      rest[g] /= key.size + 1;
      std::int32_t& put_code = data.codes[g * keys.size() + k];
      put_code = -1;
      if (code == key.size) continue;
      if (code_of[code] < 0) {
        code_of[code] = static_cast<std::int32_t>(made.labels.size());
        made.labels.push_back(key.label(code));
      }
      put_code = code_of[code];
    }
    data.keys.insert(data.keys.begin(), std::move(made));
  }
  return state;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
