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

/// A string column that starts with the entries of `column` and takes new ones.
class GrowingColumn {
 public:
  GrowingColumn(const Table& table, Field field) : name_(field_column(field)) {
    if (const Column* column = table.find(name_)) {
      column_ = *column;
      for (std::size_t code = 0; code < column->dictionary().size(); ++code)
        builder_.code(column->dictionary()[code]);
    } else {
      column_ = Column::nulls(Type::string, table.num_rows());
      absent_ = true;
    }
  }
  std::int64_t code(std::string_view text) { return builder_.code(text); }
  void put(Table& table, bool keep_absent) {
    if (absent_ && keep_absent) return;
    table = table.with(std::string(name_), column_.with_dictionary(builder_.finish()));
  }
  [[nodiscard]] bool absent() const { return absent_; }

 private:
  std::string_view name_;
  Column column_;
  DictionaryBuilder builder_;
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
        const auto at = Instant::parse(text);
        return at ? std::optional<std::int64_t>(at->utc_date().days) : std::nullopt;
      }
      case Field::probability: return read_number(text, 6);
      case Field::deleted: return std::nullopt;
    }
    return std::nullopt;
  }

  void put(Table& opportunity, bool stage, bool owner, bool pipeline, bool category) {
    stage_.put(opportunity, !stage);
    owner_.put(opportunity, !owner);
    pipeline_.put(opportunity, !pipeline);
    category_.put(opportunity, !category);
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

/// Rows of `table` as row numbers of the opportunity table; no_row for orphans.
std::vector<std::int32_t> deal_rows(const Table& table, const Table& opportunity) {
  const Column& ids = table.column("opportunity_id");
  const Column& keys = opportunity.column("opportunity_id");
  const std::vector<std::int32_t> row_of_code = index_keys(keys);
  std::vector<std::int32_t> row_of(ids.dictionary().size(), no_row);
  for (std::size_t code = 0; code < row_of.size(); ++code) {
    const std::int32_t key = keys.dictionary().find(ids.dictionary()[code]);
    if (key >= 0) row_of[code] = row_of_code[static_cast<std::size_t>(key)];
  }
  std::vector<std::int32_t> rows(ids.size(), no_row);
  const auto codes = ids.values<std::int32_t>();
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (ids.valid(row)) rows[row] = row_of[static_cast<std::size_t>(codes[row])];
  return rows;
}

void rows_from_events(const Table& events, const Table& opportunity, FieldReader& reader,
                      std::vector<History::Row>& rows, Issues& issues) {
  const std::vector<std::int32_t> deals = deal_rows(events, opportunity);
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
  rows.reserve(rows.size() + events.num_rows());
  const auto times = at.values<std::int64_t>();
  const auto names = field_names->values<std::int32_t>();
  for (std::size_t row = 0; row < events.num_rows(); ++row) {
    if (deals[row] == no_row || field_names->is_null(row)) continue;
    if (at.is_null(row)) {
      issues.add("opportunity_event", static_cast<std::int64_t>(row), "at", "event_without_time");
      continue;
    }
    const auto name = static_cast<std::size_t>(names[row]);
    if (!fields[name]) continue;
    const Field field = *fields[name];
    const auto deal = static_cast<std::size_t>(deals[row]);
    History::Row change{.entity = deals[row],
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

/// Whole rows at instants (snapshots, versions): what differs from the row before is a change.
void rows_from_states(const Table& states, std::string_view time_column, const Table& opportunity,
                      FieldReader& reader, std::vector<History::Row>& rows) {
  const std::vector<std::int32_t> deals = deal_rows(states, opportunity);
  const Column& at = states.column(time_column);
  const auto times = at.values<std::int64_t>();
  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < states.num_rows(); ++row)
    if (deals[row] != no_row && at.valid(row)) order.push_back(row);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return deals[a] != deals[b] ? deals[a] < deals[b] : times[a] < times[b];
  });
  for (const Field field : {Field::stage, Field::amount, Field::close_date, Field::owner, Field::probability,
                            Field::forecast_category, Field::pipeline, Field::deleted}) {
    const Column* column = states.find(field_column(field));
    if (column == nullptr) continue;
    std::int32_t last_deal = no_row;
    std::int64_t last = null_value;
    for (const std::size_t row : order) {
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
      const bool first = deals[row] != last_deal;
      if (first || value != last)
        rows.push_back({.entity = deals[row],
                        .seq = 0,
                        .old = first ? null_value : last,
                        .old_known = !first,
                        .change = {.at = times[row], .value = value, .field = field}});
      last_deal = deals[row];
      last = value;
    }
  }
}

/// Probabilities in a history come as fractions or as percent, like a column's.
void scale_probabilities(std::vector<History::Row>& rows, Issues& issues) {
  constexpr std::int64_t one = 1'000'000;
  const auto is_percent = [](std::int64_t value) { return value != null_value && value > one; };
  const bool percent = std::any_of(rows.begin(), rows.end(), [&](const History::Row& row) {
    return row.change.field == Field::probability && (is_percent(row.change.value) || is_percent(row.old));
  });
  if (!percent) return;
  issues.add("opportunity_event", -1, "new", "percent_scale", {}, Severity::info);
  for (History::Row& row : rows) {
    if (row.change.field != Field::probability) continue;
    if (row.change.value != null_value) row.change.value /= 100;
    if (row.old != null_value) row.old /= 100;
  }
}

}  // namespace

HistoryInput history_rows(Table& opportunity, const BookTables& tables, const CrmOptions& options,
                          Issues& issues) {
  HistoryInput input;
  FieldReader reader(opportunity, options);
  if (const auto events = tables.find("opportunity_event"); events != tables.end())
    rows_from_events(events->second->table, opportunity, reader, input.rows, issues);
  scale_probabilities(input.rows, issues);
  if (const auto snapshots = tables.find("opportunity_snapshot"); snapshots != tables.end())
    rows_from_states(snapshots->second->table, "snapshot_date", opportunity, reader, input.rows);
  if (const auto versions = tables.find("opportunity_version"); versions != tables.end())
    rows_from_states(versions->second->table, "valid_from", opportunity, reader, input.rows);
  std::array<bool, field_count> seen{};
  for (const auto& row : input.rows) seen[static_cast<std::size_t>(row.change.field)] = true;
  const auto used = [&](Field field) { return seen[static_cast<std::size_t>(field)]; };
  reader.put(opportunity, used(Field::stage), used(Field::owner), used(Field::pipeline),
             used(Field::forecast_category));
  for (std::size_t field = 0; field < field_count; ++field)
    if (const Column* column = opportunity.find(field_column(static_cast<Field>(field))))
      input.present[field] = field_values(*column);
  if (input.present[static_cast<std::size_t>(Field::deleted)].empty())
    input.present[static_cast<std::size_t>(Field::deleted)].assign(opportunity.num_rows(), 0);
  return input;
}

std::vector<std::int64_t> field_values(const Column& column) {
  std::vector<std::int64_t> values(column.size(), null_value);
  const auto fill = [&](auto value_of) {
    for (std::size_t row = 0; row < column.size(); ++row)
      if (column.valid(row)) values[row] = value_of(row);
  };
  switch (column.type()) {
    case Type::money: fill([v = column.values<std::int64_t>()](std::size_t row) { return v[row]; }); break;
    case Type::date:
    case Type::string:
      fill([v = column.values<std::int32_t>()](std::size_t row) { return std::int64_t{v[row]}; });
      break;
    case Type::boolean:
      fill([v = column.values<std::uint8_t>()](std::size_t row) { return std::int64_t{v[row]}; });
      break;
    case Type::float64:
      fill([v = column.values<double>()](std::size_t row) {
        return static_cast<std::int64_t>(std::llround(v[row] * micro));
      });
      break;
    default: throw UsageError("a history can't hold a " + std::string(type_name(column.type())) + " column");
  }
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

void fill_present(Table& opportunity, const History& history, Issues& issues) {
  constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < field_count; ++i) {
    const Field field = static_cast<Field>(i);
    if (!history.tracks(field)) continue;
    std::vector<std::int64_t> last(history.entities());
    for (std::size_t deal = 0; deal < last.size(); ++deal)
      last[deal] = history.value_at(deal, field, end_of_time);
    const std::string name(field_column(field));
    const Column* present = opportunity.find(name);
    const bool absent = present == nullptr || (is_coded(field) && present->null_count() == present->size());
    if (absent) {
      Column like = present != nullptr           ? *present
                    : field == Field::amount     ? Column::nulls(Type::money, 0)
                    : field == Field::close_date ? Column::nulls(Type::date, 0)
                    : field == Field::deleted    ? Column::nulls(Type::boolean, 0)
                                                 : Column::nulls(Type::float64, 0);
      opportunity = opportunity.with(name, field_column_of(like, last));
      if (field == Field::amount && !opportunity.has("currency")) {
        const std::vector<std::string> none(opportunity.num_rows(), "XXX");
        opportunity = opportunity.with("currency", Column::of_strings(none));
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
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
