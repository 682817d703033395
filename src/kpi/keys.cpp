#include "keys.hpp"

#include <algorithm>
#include <numeric>

#include "groups.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

std::vector<std::int32_t> Placed::all_rows() const {
  if (!rows.empty()) return {rows.begin(), rows.end()};
  std::vector<std::int32_t> result(size());
  std::iota(result.begin(), result.end(), 0);
  return result;
}

namespace {

void put(std::uint64_t& number, std::uint64_t size, std::uint64_t code) {
  number = number * (size + 1) + code;
}

/// Values numbered beforehand, one a place.
Key ranked_key(const std::string& name, Dimension ranked, std::function<std::int64_t(std::size_t)> order) {
  const auto dimension = std::make_shared<Dimension>(std::move(ranked));
  Key key{.name = name, .size = dimension->labels.size()};
  key.extend = [dimension, size = key.size](const Block& block, GroupNumbers numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::int32_t rank = dimension->rank[static_cast<std::size_t>(block.places[i])];
      put(numbers[i], size, rank < 0 ? size : static_cast<std::uint64_t>(rank));
    }
  };
  key.label = [dimension, order = std::move(order)](std::uint64_t code) {
    return Label{order(code), dimension->labels[code]};
  };
  return key;
}

Key period_key(const Placed& placed, const std::string& name, Every every) {
  const FiscalCalendar& calendar = placed.options.calendar;
  const auto [first, last] = range_of(placed.at, placed.options.execution);
  const auto table = std::make_shared<PeriodTable>(every, first, last, placed.options);
  const std::int32_t low = first > last ? FiscalCalendar::no_period : (*table)(first);
  const std::int32_t high = first > last ? FiscalCalendar::no_period : (*table)(last);
  if (low == FiscalCalendar::no_period || high == FiscalCalendar::no_period) {
    // Some instants lie on days that the calendar doesn't cover.
    Dimension ranked = period_dimension(every, placed.at, placed.options);
    return ranked_key(name, ranked, [keys = ranked.keys, every, &calendar](std::size_t code) {
      return calendar.period_at(static_cast<std::int32_t>(keys[code]), every).start.days;
    });
  }
  Key key{.name = name, .size = static_cast<std::uint64_t>(high - low) + 1};
  key.extend = [all = placed.at, table, low, size = key.size](const Block& block, GroupNumbers numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::int64_t at = all[static_cast<std::size_t>(block.places[i])];
      put(numbers[i], size, at == null_value ? size : static_cast<std::uint64_t>((*table)(at)-low));
    }
  };
  key.label = [low, every, &calendar](std::uint64_t code) {
    const Period period = calendar.period_at(low + static_cast<std::int32_t>(code), every);
    return Label{period.start.days, calendar.label(period)};
  };
  return key;
}

/// A text column of the table itself, with the values of rows that changed as of their instants.
Key own_key(const Placed& placed, const std::string& name, const Column& column, std::optional<Field> field) {
  if (placed.present_names) field.reset();
  Key key{.name = name, .size = column.dictionary().size()};
  key.extend = [placed, column, field, size = key.size](const Block& block, GroupNumbers numbers) {
    const History& history = placed.crm.history();
    const std::int32_t* codes = column.values<std::int32_t>().data();
    const bool nulls = column.may_have_nulls();
    if (!nulls && !field && placed.rows.empty()) {
      for (std::size_t i = 0; i < numbers.size(); ++i)
        put(numbers[i], size, static_cast<std::uint64_t>(codes[block.rows[i]]));
      return;
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      std::int64_t code = null_value;
      if (block.rows[i] >= 0) {
        const auto row = static_cast<std::size_t>(block.rows[i]);
        code = nulls && column.is_null(row) ? null_value : codes[row];
        if (field && history.changed(row, *field))
          if (const std::int64_t at = placed.at[static_cast<std::size_t>(block.places[i])]; at != null_value)
            code = history.value_at(row, *field, at);
      }
      put(numbers[i], size, code == null_value ? size : static_cast<std::uint64_t>(code));
    }
  };
  key.label = [dictionary = column.shared_dictionary()](std::uint64_t code) {
    return Label{0, std::string((*dictionary)[code])};
  };
  return key;
}

/// Any other name: looked up for all places at once.
Key looked_up_key(const Placed& placed, const std::string& name) {
  const std::vector<std::int64_t> present(placed.present_names ? placed.size() : 0, null_value);
  const Lookup lookup = resolve(placed.crm, placed.table, name, placed.all_rows(),
                                placed.present_names ? present : placed.at, placed.options.zone);
  const Currency currency = Currency::find(placed.crm.currency()).value_or(Currency{});
  Dimension ranked = column_dimension(lookup, currency, placed.options.execution);
  const bool text = lookup.column.type() == Type::string;
  return ranked_key(name, ranked, [keys = ranked.keys, text](std::size_t code) {
    return text ? std::int64_t{0} : keys[code];
  });
}

/// Refuses what is no column and nearly a length of time.
void refuse_misspelt(const Placed& placed, const std::string& name) {
  static const std::vector<std::string> lengths{"day", "week", "month", "quarter", "half", "year"};
  if (name.size() < 4) return;
  if (!near_names(name, placed.crm.table(placed.table).names()).empty()) return;
  if (const auto near = near_names(name, lengths); !near.empty())
    throw UsageError("by: no column and no length of time is called '" + name + "'; did you mean '" +
                     near.front() + "'?");
}

Key key_of(const Placed& placed, const std::string& name) {
  const Crm& crm = placed.crm;
  if (!crm.has(placed.table, name))
    if (const auto every = every_of(name)) return period_key(placed, name, *every);
  // A name of a rep is that of an assignment.
  if (placed.table != "rep")
    for (const std::string& own : {name, name + "_id"}) {
      if (!crm.has(placed.table, own)) continue;
      const Column& column = crm.column(placed.table, own);
      if (column.type() != Type::string) break;
      return own_key(placed, name, of_survivors(crm, column, table_model(placed.table).find(own)),
                     tracked_field(crm, placed.table, own));
    }
  try {
    return looked_up_key(placed, name);
  } catch (const UsageError&) {
    refuse_misspelt(placed, name);
    throw;
  }
}

Key scope_key(const Placed& placed, const Scope& scope) {
  Key key{.name = "period", .size = scope.parts.size()};
  key.extend = [placed, parts = scope.parts](const Block& block, GroupNumbers numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const Instant at{placed.at[static_cast<std::size_t>(block.places[i])]};
      std::uint64_t part = 0;
      while (!parts[part].interval.contains(at)) ++part;
      put(numbers[i], parts.size(), part);
    }
  };
  key.label = [parts = scope.parts](std::uint64_t code) {
    return Label{parts[code].interval.start.us, parts[code].label};
  };
  return key;
}

}  // namespace

Keys::Keys(const Placed& placed, std::span<const std::string> by) : Keys(placed, by, Scope()) {}

Keys::Keys(const Placed& placed, std::span<const std::string> by, const Scope& scope) {
  if (scope.parts.size() > 1) keys_.push_back(scope_key(placed, scope));
  for (const std::string& name : by) keys_.push_back(key_of(placed, name));
  constexpr double most = 9e15;
  double product = 1;
  for (const Key& key : keys_) product *= static_cast<double>(key.size + 1);
  if (product > most)
    throw UsageError("by: too many combinations of groups; group by fewer or coarser columns");
  combinations_ = static_cast<std::uint64_t>(product);
}

void Keys::number(const Block& block, GroupNumbers numbers) const {
  std::fill(numbers.begin(), numbers.end(), 0);
  for (const Key& key : keys_) key.extend(block, numbers);
}

Labelled Keys::labelled(std::vector<std::uint64_t> groups) const {
  Labelled result{.labels = std::vector<std::vector<Label>>(keys_.size()), .codes = {}};
  result.codes.assign(groups.size() * keys_.size(), -1);
  for (std::size_t k = keys_.size(); k-- > 0;) {
    const Key& key = keys_[k];
    std::vector<std::int32_t> code_of(static_cast<std::size_t>(key.size), -1);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const std::uint64_t code = groups[g] % (key.size + 1);
      groups[g] /= key.size + 1;
      if (code == key.size) continue;
      if (code_of[code] < 0) {
        code_of[code] = static_cast<std::int32_t>(result.labels[k].size());
        result.labels[k].push_back(key.label(code));
      }
      result.codes[g * keys_.size() + k] = code_of[code];
    }
  }
  return result;
}

std::vector<std::size_t> Keys::order(std::vector<std::uint64_t> groups, Groups& named) const {
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const Labelled labelled = this->labelled(std::move(groups));
  std::vector<std::vector<std::int32_t>> ranks;
  for (const std::vector<Label>& labels : labelled.labels) ranks.push_back(ranks_of(labels));
  order = in_order(std::move(order), labelled.codes, ranks);
  for (const std::size_t group : order) {
    std::vector<std::string>& texts = named.keys.emplace_back(keys_.size());
    std::vector<std::uint8_t>& null = named.key_null.emplace_back(keys_.size());
    for (std::size_t k = 0; k < keys_.size(); ++k) {
      const std::int32_t code = labelled.codes[group * keys_.size() + k];
      null[k] = code < 0;
      if (code >= 0) texts[k] = labelled.labels[k][static_cast<std::size_t>(code)].text;
    }
  }
  return order;
}

std::vector<std::int32_t> ranks_of(const std::vector<Label>& labels) {
  std::vector<std::int32_t> sorted(labels.size()), rank(labels.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::sort(sorted.begin(), sorted.end(), [&](std::int32_t a, std::int32_t b) {
    return labels[static_cast<std::size_t>(a)] < labels[static_cast<std::size_t>(b)];
  });
  for (std::size_t i = 0; i < sorted.size(); ++i)
    rank[static_cast<std::size_t>(sorted[i])] = static_cast<std::int32_t>(i);
  return rank;
}

std::vector<std::size_t> in_order(std::vector<std::size_t> groups, std::span<const std::int32_t> codes,
                                  const std::vector<std::vector<std::int32_t>>& ranks) {
  // By the last key first: each counting sort keeps the order of those before it.
  for (std::size_t k = ranks.size(); k-- > 0;) {
    const std::vector<std::int32_t>& rank = ranks[k];
    const auto rank_of = [&](std::size_t group) {
      const std::int32_t code = codes[group * ranks.size() + k];
      return code < 0 ? rank.size() : static_cast<std::size_t>(rank[static_cast<std::size_t>(code)]);
    };
    std::vector<std::size_t> next(rank.size() + 2, 0), sorted(groups.size());
    for (const std::size_t group : groups) ++next[rank_of(group) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (const std::size_t group : groups) sorted[next[rank_of(group)]++] = group;
    groups = std::move(sorted);
  }
  return groups;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
