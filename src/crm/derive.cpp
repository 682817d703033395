#include <algorithm>
#include <cmath>

#include "convert.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

constexpr double micro = 1e6;

bool is_coded(Field field) {
  return field == Field::stage || field == Field::owner || field == Field::pipeline ||
         field == Field::forecast_category;
}

/// Codes of a string column that takes new entries.
class GrowingColumn {
 public:
  GrowingColumn(const Table& table, Field field) : name_(field_column(field)) {
    const Column* column = table.find(name_);
    absent_ = column == nullptr;
    column_ = absent_ ? Column::nulls(Type::string, table.num_rows()) : *column;
  }
  std::int64_t code(std::string_view text) {
    if (const std::int32_t known = column_.dictionary().find(text); known >= 0) return known;
    const std::int32_t code = fresh_.code(text);
    if (static_cast<std::size_t>(code) == added_.size()) added_.emplace_back(text);
    return static_cast<std::int64_t>(column_.dictionary().size()) + code;
  }
  /// Into the table, when its history speaks of the field.
  void put(Table& table, bool used) {
    if (added_.empty() && !(absent_ && used)) return;
    if (absent_ && !used) return;
    const auto dictionary = added_.empty() ? column_.shared_dictionary() : column_.dictionary().with(added_);
    table = table.with(std::string(name_), column_.with_dictionary(dictionary));
  }

 private:
  std::string_view name_;
  Column column_;
  std::vector<std::string> added_;
  DictionaryBuilder fresh_;
  bool absent_ = false;
};

/// Reads values of the fields out of text, with codes of the opportunity table's columns.
class FieldReader {
 public:
  FieldReader(const Table& opportunity, const CrmOptions& options)
      : stage_(opportunity, Field::stage),
        owner_(opportunity, Field::owner),
        pipeline_(opportunity, Field::pipeline),
        category_(opportunity, Field::forecast_category),
        currency_(opportunity.find("currency")),
        default_exponent_(money::minor_digits(options.currency)) {}

  /// Nothing when the text can't be a value of the field.
  std::optional<std::int64_t> read(Field field, std::string_view text, std::size_t deal) {
    if (is_blank(text)) return null_value;
    switch (field) {
      case Field::stage: return stage_.code(text);
      case Field::owner: return owner_.code(text);
      case Field::pipeline: return pipeline_.code(text);
      case Field::forecast_category: return category_.code(text);
      case Field::amount: {
        const bool said = currency_ != nullptr && currency_->valid(deal);
        return read_number(text, said ? money::minor_digits(currency_->text(deal)) : default_exponent_);
      }
      case Field::close_date: {
        const auto at = read_instant(text);
        return at ? std::optional<std::int64_t>(at->utc_date().days) : std::nullopt;
      }
      case Field::probability: return read_number(text, 6);
      case Field::deleted: return std::nullopt;
    }
    return std::nullopt;
  }

  void put(Table& opportunity, bool stage, bool owner, bool pipeline, bool category) {
    stage_.put(opportunity, stage);
    owner_.put(opportunity, owner);
    pipeline_.put(opportunity, pipeline);
    category_.put(opportunity, category);
  }

 private:
  static std::optional<std::int64_t> read_number(std::string_view text, int digits) {
    const auto number = money::from_text(text, digits);
    return number && number->minor != null_value ? std::optional(number->minor) : std::nullopt;
  }

  GrowingColumn stage_, owner_, pipeline_, category_;
  const Column* currency_;
  int default_exponent_;
};

std::optional<Field> field_of(std::string_view name) {
  if (name == "stage") return Field::stage;
  if (name == "amount") return Field::amount;
  if (name == "close_date") return Field::close_date;
  if (name == "owner") return Field::owner;
  if (name == "probability") return Field::probability;
  if (name == "forecast_category") return Field::forecast_category;
  if (name == "pipeline") return Field::pipeline;
  if (name == "deleted" || name == "restored" || name == "merged") return Field::deleted;
  return std::nullopt;
}

/// All row numbers of a table, or some.
struct Chosen {
  std::size_t all = 0;
  const std::vector<std::int64_t>* some = nullptr;
  [[nodiscard]] std::size_t size() const { return some == nullptr ? all : some->size(); }
  std::size_t operator[](std::size_t i) const {
    return some == nullptr ? i : static_cast<std::size_t>((*some)[i]);
  }
};

/// The deal of each chosen row; no_row for orphans.
std::vector<std::int32_t> chosen_deals(const Table& table, const Chosen& rows, const BookTable& opportunity) {
  if (rows.some != nullptr) return deal_rows(table, *rows.some, opportunity);
  const Column& ids = table.column("opportunity_id");
  const Dictionary& keys = opportunity.table.column("opportunity_id").dictionary();
  std::vector<std::int32_t> row_of(ids.dictionary().size(), no_row);
  for (std::size_t code = 0; code < row_of.size(); ++code) {
    tick(code);
    const std::int32_t key = keys.find(ids.dictionary()[code]);
    if (key >= 0) row_of[code] = opportunity.row_of_code[static_cast<std::size_t>(key)];
  }
  std::vector<std::int32_t> deals(ids.size(), no_row);
  const auto codes = ids.values<std::int32_t>();
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (ids.valid(row)) deals[row] = row_of[static_cast<std::size_t>(codes[row])];
  return deals;
}

void rows_from_events(const Table& events, const Chosen& chosen, const BookTable& opportunity,
                      FieldReader& reader, std::vector<History::Row>& rows, Issues& issues) {
  const std::vector<std::int32_t> deals = chosen_deals(events, chosen, opportunity);
  const Column& at = events.column("at");
  const Column* field_names = events.find("field");
  if (field_names == nullptr)
    throw UsageError("table 'opportunity_event' needs the column 'field' (stage, amount, …)");
  const Column* old_text = events.find("old");
  const Column* new_text = events.find("new");
  const Column* seq = events.find("seq");
  std::vector<std::optional<Field>> fields;
  std::vector<bool> restores;
  for (std::size_t code = 0; code < field_names->dictionary().size(); ++code) {
    fields.push_back(field_of(field_names->dictionary()[code]));
    restores.push_back(field_names->dictionary()[code] == "restored");
  }
  rows.reserve(rows.size() + chosen.size());
  const auto times = at.values<std::int64_t>();
  const auto names = field_names->values<std::int32_t>();
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    tick(i);
    const std::size_t row = chosen[i];
    if (deals[i] == no_row || field_names->is_null(row)) continue;
    if (at.is_null(row)) {
      issues.add("opportunity_event", static_cast<std::int64_t>(row), "at", "event_without_time");
      continue;
    }
    const auto name = static_cast<std::size_t>(names[row]);
    if (!fields[name]) continue;
    const Field field = *fields[name];
    const auto deal = static_cast<std::size_t>(deals[i]);
    History::Row change{.entity = deals[i],
                        .seq = 0,
                        .old = null_value,
                        .old_known = false,
                        .change = {.at = times[row], .value = null_value, .field = field}};
    if (seq != nullptr && seq->valid(row)) change.seq = seq->values<std::int64_t>()[row];
    if (field == Field::deleted) {
      change.change.value = restores[name] ? 0 : 1;
      change.old = restores[name] ? 1 : 0;
      change.old_known = true;
      rows.push_back(change);
      continue;
    }
    const auto read = [&](const Column* text, std::int64_t& value) {
      if (text == nullptr || text->is_null(row)) return true;
      const auto parsed = reader.read(field, text->text(row), deal);
      if (parsed) value = *parsed;
      return parsed.has_value();
    };
    change.old_known = old_text != nullptr && old_text->valid(row);
    if (!read(new_text, change.change.value)) {
      issues.add("opportunity_event", static_cast<std::int64_t>(row), "new",
                 "not_a_" + std::string(field_column(field)), new_text->text(row));
      continue;
    }
    if (!read(old_text, change.old)) {
      change.old_known = false;
      issues.add("opportunity_event", static_cast<std::int64_t>(row), "old",
                 "not_a_" + std::string(field_column(field)), old_text->text(row));
    }
    rows.push_back(change);
  }
}

/// Whole rows at instants (snapshots, versions): what differs from the row before is a change. Of two at one
/// instant the last told counts.
void rows_from_states(const std::string& table, const Table& states, std::string_view time_column,
                      const Chosen& chosen, const BookTable& opportunity, FieldReader& reader,
                      std::vector<History::Row>& rows, Issues& issues) {
  const std::vector<std::int32_t> deals = chosen_deals(states, chosen, opportunity);
  const Column& at = states.column(time_column);
  const auto times = at.values<std::int64_t>();
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (deals[i] != no_row && at.valid(chosen[i])) order.push_back(i);
  std::size_t compared = 0;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    tick(++compared);
    return deals[a] != deals[b] ? deals[a] < deals[b] : times[chosen[a]] < times[chosen[b]];
  });
  for (const Field field : {Field::stage, Field::amount, Field::close_date, Field::owner, Field::probability,
                            Field::forecast_category, Field::pipeline, Field::deleted}) {
    const Column* column = states.find(field_column(field));
    if (column == nullptr) continue;
    std::int32_t last_deal = no_row;
    std::int64_t last = null_value, last_at = null_value;
    for (const std::size_t i : order) {
      tick(i);
      const std::size_t row = chosen[i];
      std::int64_t value = null_value;
      if (column->valid(row)) {
        if (is_coded(field))
          value = *reader.read(field, column->text(row), 0);
        else if (field == Field::probability)
          value = std::llround(column->values<double>()[row] * micro);
        else if (field == Field::deleted)
          value = column->values<std::uint8_t>()[row];
        else if (field == Field::close_date)
          value = column->values<std::int32_t>()[row];
        else
          value = column->values<std::int64_t>()[row];
      }
      const bool first = deals[i] != last_deal;
      if (!first && value != last && times[row] == last_at)
        issues.add(table, static_cast<std::int64_t>(row), std::string(field_column(field)),
                   "two_states_at_once");
      if (first || value != last)
        rows.push_back({.entity = deals[i],
                        .seq = 0,
                        .old = first ? null_value : last,
                        .old_known = !first,
                        .change = {.at = times[row], .value = value, .field = field}});
      last_deal = deals[i];
      last = value;
      last_at = times[row];
    }
  }
}

/// The scale of a history's probabilities among those of the deals' columns; `mixed_scales` is refused for
/// good.
constexpr std::string_view events_scale = "opportunity_event.probability";
constexpr int mixed_scales = -1;

/// Probabilities in a history come as fractions or as percent, like a column's. Where the scales can't be
/// told apart all are refused, and of later ones those that contradict the scale of the others.
void scale_probabilities(std::vector<History::Row>& rows, bool all, Scales& scales, Issues& issues) {
  constexpr std::int64_t one = 1'000'000;
  const auto is_probability = [](const History::Row& row) { return row.change.field == Field::probability; };
  const auto either = [](const History::Row& row, auto holds) {
    return holds(row.change.value) || holds(row.old);
  };
  const auto above = [](std::int64_t value) { return value != null_value && value > one; };
  const auto inside = [](std::int64_t value) { return value > 0 && value < one; };
  bool any = false, any_above = false, any_inside = false;
  for (const History::Row& row : rows) {
    if (!is_probability(row)) continue;
    any = true;
    any_above |= either(row, above);
    any_inside |= either(row, inside);
  }
  if (!any) return;
  int& known = scales.try_emplace(std::string(events_scale), 0).first->second;
  const int before = known;
  if (all) known = 0;
  if (known == 0 && (any_above || any_inside)) {
    known = any_above && any_inside ? mixed_scales : any_above ? 100 : 1;
    if (known == 100 && before != 100)
      issues.add("opportunity_event", -1, "new", "percent_scale", {}, Severity::info);
  }
  const auto refused = [&](const History::Row& row) {
    return is_probability(row) && (known == mixed_scales || (known == 100 && either(row, inside)) ||
                                   (known == 1 && either(row, above)));
  };
  issues.add_many("opportunity_event", -1, "new", "mixed_fraction_scales",
                  static_cast<std::int64_t>(std::erase_if(rows, refused)), Severity::error);
  const auto beyond = [](std::int64_t value) { return value != null_value && (value < 0 || value > one); };
  for (History::Row& row : rows) {
    if (!is_probability(row)) continue;
    if (known == 100 && row.change.value != null_value) row.change.value /= 100;
    if (known == 100 && row.old != null_value) row.old /= 100;
    if (!beyond(row.old)) continue;
    row.old = null_value;
    row.old_known = false;
  }
  const auto impossible = [&](const History::Row& row) {
    return is_probability(row) && beyond(row.change.value);
  };
  issues.add_many("opportunity_event", -1, "new", "fraction_out_of_range",
                  static_cast<std::int64_t>(std::erase_if(rows, impossible)));
}

}  // namespace

std::vector<std::int32_t> deal_rows(const Table& table, std::span<const std::int64_t> rows,
                                    const BookTable& opportunity) {
  const Column& ids = table.column("opportunity_id");
  const Dictionary& keys = opportunity.table.column("opportunity_id").dictionary();
  std::vector<std::int32_t> deals;
  deals.reserve(rows.size());
  for (const std::int64_t at : rows) {
    const auto row = static_cast<std::size_t>(at);
    const std::int32_t code = ids.valid(row) ? keys.find(ids.text(row)) : -1;
    deals.push_back(code < 0 ? no_row : opportunity.row_of_code[static_cast<std::size_t>(code)]);
  }
  return deals;
}

std::vector<History::Row> history_rows(BookTable& opportunity, const BookTables& tables, const Rows* only,
                                       const CrmOptions& options, Issues& issues) {
  std::vector<History::Row> rows;
  FieldReader reader(opportunity.table, options);
  const auto read = [&](std::string_view name, const auto& rows_from) {
    const auto found = tables.find(name);
    if (found == tables.end()) return;
    Chosen chosen{.all = found->second->table.num_rows(), .some = nullptr};
    if (only != nullptr) {
      const auto some = only->find(name);
      if (some == only->end()) return;
      chosen.some = &some->second;
    }
    rows_from(found->second->table, chosen);
  };
  read("opportunity_event", [&](const Table& events, const Chosen& chosen) {
    rows_from_events(events, chosen, opportunity, reader, rows, issues);
  });
  scale_probabilities(rows, only == nullptr, opportunity.scales, issues);
  // As a column that is refused: there, and null.
  const bool refused = opportunity.scales.contains(events_scale) &&
                       opportunity.scales.find(events_scale)->second == mixed_scales;
  if (refused && !opportunity.table.has("probability"))
    opportunity.table =
        opportunity.table.with("probability", Column::nulls(Type::float64, opportunity.table.num_rows()));
  read("opportunity_snapshot", [&](const Table& snapshots, const Chosen& chosen) {
    rows_from_states("opportunity_snapshot", snapshots, "snapshot_date", chosen, opportunity, reader, rows,
                     issues);
  });
  read("opportunity_version", [&](const Table& versions, const Chosen& chosen) {
    rows_from_states("opportunity_version", versions, "valid_from", chosen, opportunity, reader, rows,
                     issues);
  });
  Fields seen{};
  for (const auto& row : rows) seen[static_cast<std::size_t>(row.change.field)] = true;
  const auto used = [&](Field field) { return seen[static_cast<std::size_t>(field)]; };
  reader.put(opportunity.table, used(Field::stage), used(Field::owner), used(Field::pipeline),
             used(Field::forecast_category));
  return rows;
}

std::array<std::vector<std::int64_t>, field_count> present_values(const Table& opportunity) {
  std::array<std::vector<std::int64_t>, field_count> present;
  for (std::size_t field = 0; field < field_count; ++field)
    if (const Column* column = opportunity.find(field_column(static_cast<Field>(field))))
      present[field] = field_values(*column);
  auto& deleted = present[static_cast<std::size_t>(Field::deleted)];
  if (deleted.empty()) deleted.assign(opportunity.num_rows(), 0);
  for (std::int64_t& value : deleted) value = std::max<std::int64_t>(value, 0);
  return present;
}

std::int64_t field_value(const Column& column, std::size_t row) {
  if (column.is_null(row)) return null_value;
  switch (column.type()) {
    case Type::money: return column.values<std::int64_t>()[row];
    case Type::date:
    case Type::string: return column.values<std::int32_t>()[row];
    case Type::boolean: return column.values<std::uint8_t>()[row];
    case Type::float64: return std::llround(column.values<double>()[row] * micro);
    default: throw UsageError("a history can't hold a " + std::string(type_name(column.type())) + " column");
  }
}

std::vector<std::int64_t> field_values(const Column& column) {
  std::vector<std::int64_t> values(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) values[row] = field_value(column, row);
  return values;
}

Column field_column_of(const Column& like, std::span<const std::int64_t> values) {
  std::vector<std::uint8_t> valid(values.size());
  for (std::size_t row = 0; row < values.size(); ++row) valid[row] = values[row] != null_value;
  const auto made = [&]<class T>(T, auto convert) {
    std::vector<T> out(values.size(), T{});
    for (std::size_t row = 0; row < values.size(); ++row)
      if (valid[row] != 0) out[row] = convert(values[row]);
    return Column::of(like.type(), std::move(out), valid);
  };
  switch (like.type()) {
    case Type::money:
      return made(std::int64_t{}, [](std::int64_t v) { return v; }).with_currency(like.currency());
    case Type::date: return made(std::int32_t{}, [](std::int64_t v) { return static_cast<std::int32_t>(v); });
    case Type::string:
      return made(std::int32_t{}, [](std::int64_t v) { return static_cast<std::int32_t>(v); })
          .with_dictionary(like.shared_dictionary());
    case Type::boolean:
      return made(std::uint8_t{}, [](std::int64_t v) { return static_cast<std::uint8_t>(v); });
    default: return made(double{}, [](std::int64_t v) { return static_cast<double>(v) / micro; });
  }
}

Fields fill_present(Table& opportunity, const History& history, const Fields& look, const CrmOptions& options,
                    Issues& issues) {
  Fields filled{};
  for (std::size_t i = 0; i < field_count; ++i) {
    const Field field = static_cast<Field>(i);
    if (!history.tracks(field) || !look[i]) continue;
    std::vector<std::int64_t> last(history.entities());
    for (std::size_t deal = 0; deal < last.size(); ++deal) {
      tick(deal);
      last[deal] = history.value_at(deal, field, end_of_time);
    }
    const std::string name(field_column(field));
    const Column* present = opportunity.find(name);
    const bool absent = present == nullptr || (is_coded(field) && present->null_count() == present->size());
    if (absent) {
      filled[i] = true;
      Column like = present != nullptr           ? *present
                    : field == Field::amount     ? Column::nulls(Type::money, 0)
                    : field == Field::close_date ? Column::nulls(Type::date, 0)
                    : field == Field::deleted    ? Column::nulls(Type::boolean, 0)
                                                 : Column::nulls(Type::float64, 0);
      opportunity = opportunity.with(name, field_column_of(like, last));
      if (field == Field::amount && !opportunity.has("currency")) {
        const std::vector<std::string> one{options.currency.empty() ? "XXX" : options.currency};
        const std::vector<std::int64_t> all(opportunity.num_rows(), 0);
        opportunity = opportunity.with("currency", Column::of_strings(one).take(all));
      }
      continue;
    }
    const std::vector<std::int64_t> now = field_values(*present);
    std::int64_t differing = 0, first = -1;
    for (std::size_t deal = 0; deal < now.size(); ++deal)
      if (now[deal] != last[deal] && !history.changes(deal).empty() && differing++ == 0)
        first = static_cast<std::int64_t>(deal);
    issues.add_many("opportunity", first, name, "history_disagrees", differing);
  }
  return filled;
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
