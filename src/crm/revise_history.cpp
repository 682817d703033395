#include <algorithm>

#include "convert.hpp"
#include "revision.hpp"
#include "salesops/parallel.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

std::vector<std::int64_t> distinct(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

bool holds(const std::vector<std::int64_t>& sorted, std::int64_t value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

}  // namespace

void Revision::rebuild_history() {
  BookTable& deals = open("opportunity");
  std::vector<History::Row> rows = history_rows(deals, after_.tables, nullptr, after_.options, after_.issues);
  after_.history = History(deals.table.num_rows(), std::move(rows), present_values(deals.table));
  Fields all;
  all.fill(true);
  after_.filled = fill_present(deals.table, after_.history, all, after_.options, after_.issues);
}

void Revision::extend_history() {
  if (!after_.tables.contains("opportunity")) return;
  const auto changed = changes_.find("opportunity");
  if (changed != changes_.end() && changed->second.renumbered) return rebuild_history();
  const std::vector<std::int64_t> touched =
      changed != changes_.end() ? changed->second.rows : std::vector<std::int64_t>();
  Rows fresh;
  bool given = false;
  for (const std::string_view name : history_tables) {
    std::vector<std::int64_t> rows;
    if (const auto change = changes_.find(name); change != changes_.end()) {
      given = true;
      rows = change->second.rows;
    }
    if (const auto adopted = adopted_.find(name); adopted != adopted_.end())
      rows.insert(rows.end(), adopted->second.begin(), adopted->second.end());
    if (!rows.empty()) fresh.emplace(name, distinct(std::move(rows)));
  }
  if (fresh.empty() && touched.empty()) return;

  BookTable& deals = open("opportunity");
  std::vector<History::Row> rows = history_rows(deals, after_.tables, &fresh, after_.options, after_.issues);
  const std::vector<std::int64_t> remade = deals_to_remake(fresh, touched);
  if (!remade.empty()) {
    const Rows all = all_rows_of(remade);
    Issues known = after_.issues;  // what is wrong with rows of the book was said when they came
    std::erase_if(rows, [&](const History::Row& row) { return holds(remade, row.entity); });
    const auto again = history_rows(deals, after_.tables, &all, after_.options, known);
    rows.insert(rows.end(), again.begin(), again.end());
    for (const History::Row& row : after_.differences)
      if (holds(remade, row.entity)) rows.push_back(row);
    after_.history = after_.history.without(remade);
  }
  // Differences stand in for a history only where the changes bring none themselves.
  if (!given) {
    const auto seen = differences(touched);
    rows.insert(rows.end(), seen.begin(), seen.end());
    after_.differences.insert(after_.differences.end(), seen.begin(), seen.end());
  }
  rewritten_ = remade;
  for (const History::Row& row : rows) rewritten_.push_back(row.entity);
  rewritten_ = distinct(std::move(rewritten_));

  std::array<const Column*, field_count> columns{};
  for (std::size_t field = 0; field < field_count; ++field)
    columns[field] = deals.table.find(field_column(static_cast<Field>(field)));
  const auto present = [&](std::size_t deal, Field field) -> std::int64_t {
    const Column* column = columns[static_cast<std::size_t>(field)];
    if (column == nullptr) return field == Field::deleted ? 0 : null_value;
    const std::int64_t value = field_value(*column, deal);
    return field == Field::deleted ? std::max<std::int64_t>(value, 0) : value;
  };
  after_.history = after_.history.with(deals.table.num_rows(), rows, touched, present);
  fill_from_history(touched);
}

std::vector<History::Row> Revision::differences(std::span<const std::int64_t> rows) const {
  const Table& before = was("opportunity");
  const Table& after = now("opportunity").table;
  const auto& given = given_.find("opportunity")->second;
  std::vector<History::Row> seen;
  if (!given.contains("source_modified_at")) return seen;
  const Column& modified = after.column("source_modified_at");
  for (std::size_t f = 0; f < field_count; ++f) {
    const Field field = static_cast<Field>(f);
    const std::string name(field_column(field));
    const Column* then = before.find(name);
    if (!given.contains(name) || (then == nullptr && field != Field::deleted)) continue;
    const Column& column = after.column(name);
    for (const std::int64_t deal : rows) {
      const auto row = static_cast<std::size_t>(deal);
      tick(row);
      if (row >= before.num_rows() || modified.is_null(row)) continue;
      std::int64_t old = then == nullptr ? 0 : field_value(*then, row);
      std::int64_t value = field_value(column, row);
      if (field == Field::deleted) {
        old = std::max<std::int64_t>(old, 0);
        value = std::max<std::int64_t>(value, 0);
      }
      if (old == value) continue;
      seen.push_back(
          {.entity = deal,
           .seq = 0,
           .old = old,
           .old_known = true,
           .change = {.at = modified.values<std::int64_t>()[row], .value = value, .field = field}});
    }
  }
  return seen;
}

/// Deals whose changes can't be put between those they have: what a snapshot or version says depends on the
/// one before it, and amounts are read in the deal's currency.
std::vector<std::int64_t> Revision::deals_to_remake(const Rows& fresh,
                                                    std::span<const std::int64_t> touched) const {
  const bool states =
      after_.tables.contains("opportunity_snapshot") || after_.tables.contains("opportunity_version");
  std::vector<std::int64_t> remade;
  for (const auto& [name, rows] : fresh) {
    if (!states) continue;
    for (const std::int32_t deal : deal_rows(now(name).table, rows, now("opportunity")))
      if (deal != no_row) remade.push_back(deal);
  }
  const Column* then = was("opportunity").find("currency");
  const Column* currency = now("opportunity").table.find("currency");
  const auto exponent = [&](const Column* column, std::size_t row) {
    const bool said = column != nullptr && column->valid(row);
    return money::minor_digits(said ? column->text(row) : std::string_view(after_.options.currency));
  };
  for (const std::int64_t deal : touched) {
    const auto row = static_cast<std::size_t>(deal);
    if (row < was("opportunity").num_rows() && exponent(then, row) != exponent(currency, row))
      remade.push_back(deal);
  }
  return distinct(std::move(remade));
}

Rows Revision::all_rows_of(std::span<const std::int64_t> deals) const {
  std::vector<std::uint8_t> wanted(now("opportunity").table.num_rows(), 0);
  for (const std::int64_t deal : deals) wanted[static_cast<std::size_t>(deal)] = 1;
  Rows rows;
  for (const std::string_view name : history_tables) {
    const auto found = after_.tables.find(name);
    if (found == after_.tables.end()) continue;
    const auto& link = found->second->links.find("opportunity_id")->second;
    auto& own = rows[std::string(name)];
    for (std::size_t row = 0; row < link.size(); ++row)
      if (link[row] != no_row && wanted[static_cast<std::size_t>(link[row])] != 0)
        own.push_back(static_cast<std::int64_t>(row));
  }
  return rows;
}

/// Columns that only the history knows follow it; where the source says its own, the two should agree.
void Revision::fill_from_history(std::span<const std::int64_t> touched) {
  Table& table = open("opportunity").table;
  const auto& given = given_["opportunity"];
  std::vector<std::int64_t> deals = rewritten_;
  deals.insert(deals.end(), touched.begin(), touched.end());
  deals = distinct(std::move(deals));
  Fields begun{};
  for (std::size_t f = 0; f < field_count; ++f) {
    const Field field = static_cast<Field>(f);
    const std::string name(field_column(field));
    if (!after_.history.tracks(field)) continue;
    begun[f] = !before_.history.tracks(field);
    if (begun[f]) continue;
    after_.filled[f] = after_.filled[f] && !given.contains(name);
    std::vector<std::int64_t> last;
    for (const std::int64_t deal : deals)
      last.push_back(after_.history.value_at(static_cast<std::size_t>(deal), field, end_of_time));
    const Column* column = table.find(name);
    if (column == nullptr) continue;
    if (after_.filled[f]) {
      table = table.with(name, column->with(deals, field_column_of(*column, last)));
      continue;
    }
    for (std::size_t i = 0; i < deals.size(); ++i) {
      const auto deal = static_cast<std::size_t>(deals[i]);
      if (field_value(*column, deal) != last[i] && !after_.history.changes(deal).empty())
        after_.issues.add("opportunity", deals[i], name, "history_disagrees");
    }
  }
  const Fields filled = fill_present(table, after_.history, begun, after_.options, after_.issues);
  for (std::size_t f = 0; f < field_count; ++f) after_.filled[f] = after_.filled[f] || filled[f];
  if (after_.filled[static_cast<std::size_t>(Field::amount)]) fill_currency(table, touched);
  // Owners that the history names have another row of rep.
  const std::string owner(field_column(Field::owner));
  if (!after_.filled[static_cast<std::size_t>(Field::owner)] || !after_.tables.contains("rep")) return;
  const TableModel& model = table_model("opportunity");
  if (now("opportunity").links.contains(owner))
    link_rows("opportunity", *model.find(owner), deals);
  else
    link_column(model, *model.find(owner), open("opportunity"), now("rep"), nullptr);
}

void Revision::fill_currency(Table& table, std::span<const std::int64_t> touched) const {
  const Column& currency = table.column("currency");
  std::vector<std::int64_t> missing;
  for (const std::int64_t deal : touched)
    if (currency.is_null(static_cast<std::size_t>(deal))) missing.push_back(deal);
  const std::vector<std::string> own(missing.size(),
                                     after_.options.currency.empty() ? "XXX" : after_.options.currency);
  table = table.with("currency", currency.with(missing, Column::of_strings(own)));
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
