// A book that changes were applied to is the book of all rows: every table, link, deal, history, past and
// number. The reference is `Crm::build` over all rows that were ever given, in the order they came.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "salesops/crm.hpp"
#include "salesops/kpi.hpp"

using namespace salesops;

namespace {

using Cell = std::optional<std::string>;
using Row = std::map<std::string, Cell>;

struct Source {
  std::vector<std::string> columns;
  std::vector<Row> rows;
};
using Sources = std::map<std::string, Source>;

NamedTables named(const Sources& sources) {
  NamedTables tables;
  for (const auto& [name, source] : sources) {
    Table table = Table::empty(source.rows.size());
    for (const std::string& column : source.columns) {
      std::vector<Cell> cells;
      for (const Row& row : source.rows) cells.push_back(row.at(column));
      table = table.with(column, Column::of_strings(cells));
    }
    tables.emplace_back(name, table);
  }
  return tables;
}

/// A book as lines of text that don't depend on codes or on the order of rows.
class Told {
 public:
  explicit Told(const Crm& crm, bool with_events = true) : crm_(crm) {
    for (const std::string& name : crm.tables())
      if (with_events || name != "opportunity_event") tell_table(name);
    if (crm.has("opportunity")) tell_deals();
    lines_.insert("latest " + crm.latest().to_string());
    lines_.insert("currency " + crm.currency());
  }
  [[nodiscard]] const std::multiset<std::string>& lines() const { return lines_; }

 private:
  [[nodiscard]] std::string key(const std::string& table, std::int64_t row) const {
    if (row < 0) return "-";
    std::string text;
    for (const std::string& name : table_model(table).keys())
      if (crm_.has(table, name)) text += crm_.column(table, name).cell(static_cast<std::size_t>(row)) + "/";
    return text;
  }

  void tell_table(const std::string& name) {
    const Table& table = crm_.table(name);
    std::vector<std::string> columns = table.names();
    std::sort(columns.begin(), columns.end());
    for (std::size_t row = 0; row < table.num_rows(); ++row) {
      std::string line = name;
      for (const std::string& column : columns)
        if (table.column(column).valid(row)) line += " " + column + "=" + table.column(column).cell(row);
      for (const ColumnModel& column : table_model(name).columns)
        if (const auto link = crm_.link(name, column.name); !link.empty())
          line += " " + column.name + ">" + key(column.references, link[row]);
      if (table_model(name).keys().size() == 1 &&
          crm_.row_of(name, table.column(table_model(name).keys()[0]).text(row)) !=
              static_cast<std::int64_t>(row))
        line += " (not found by its key)";
      lines_.insert(line);
    }
    const Table counts = crm_.counts();
    for (std::size_t row = 0; row < counts.num_rows(); ++row) {
      if (counts.column("table").text(row) != name) continue;
      std::string line = "counts";
      for (const auto& [column, values] : counts.columns()) line += " " + column + "=" + values.cell(row);
      lines_.insert(line);
    }
  }

  [[nodiscard]] std::string value(Field field, std::int64_t value) const {
    if (value == null_value) return "null";
    const Column* column = crm_.table("opportunity").find(field_column(field));
    if (column == nullptr || column->type() != Type::string) return std::to_string(value);
    return std::string(column->dictionary()[static_cast<std::size_t>(value)]);
  }

  void tell_deals() {
    const Deals& deals = crm_.deals();
    const History& history = crm_.history();
    ASSERT_EQ(deals.size(), crm_.table("opportunity").num_rows());
    ASSERT_EQ(history.entities(), deals.size());
    std::size_t changes = 0;
    for (std::size_t i = 0; i < deals.size(); ++i) {
      std::string line = "deal " + key("opportunity", static_cast<std::int64_t>(i));
      line += " " + std::to_string(deals.created_at[i]) + " " + std::to_string(deals.closed_at[i]) + " " +
              std::to_string(static_cast<int>(deals.status[i])) + " " + std::to_string(deals.amount[i]) +
              " " + std::to_string(deals.close_date[i]) + " " + std::to_string(deals.deleted[i]) + " " +
              std::to_string(deals.reopened[i]);
      line += " " + (deals.stage[i] < 0 ? "-" : value(Field::stage, deals.stage[i]));
      line += " " + key("stage_def", deals.stage_row[i]) + " " + key("rep", deals.owner_row[i]) + " " +
              key("account", deals.account_row[i]);
      for (std::size_t f = 0; f < field_count; ++f)
        if (const Field field = static_cast<Field>(f); history.tracks(field))
          line += " " + std::string(field_column(field)) + ":" + value(field, history.initial(field)[i]);
      for (const Change& change : history.changes(i))
        line += " " + std::to_string(change.at / us_per_day) + std::string(field_column(change.field)) + "=" +
                value(change.field, change.value);
      changes += history.changes(i).size();
      lines_.insert(line);
    }
    EXPECT_EQ(history.size(), changes);
  }

  const Crm& crm_;
  std::multiset<std::string> lines_;
};

void expect_same(const Crm& got, const Crm& want, bool with_events, const std::string& where) {
  const Told told(got, with_events), right(want, with_events);
  std::vector<std::string> missing, extra;
  std::set_difference(right.lines().begin(), right.lines().end(), told.lines().begin(), told.lines().end(),
                      std::back_inserter(missing));
  std::set_difference(told.lines().begin(), told.lines().end(), right.lines().begin(), right.lines().end(),
                      std::back_inserter(extra));
  ASSERT_TRUE(missing.empty() && extra.empty())
      << where << "\nwanted: " << (missing.empty() ? "" : missing[0])
      << "\ngot:    " << (extra.empty() ? "" : extra[0]);
}

/// Rows at random out of small pools, so that keys, times and orphans meet.
class Generator {
 public:
  Generator(std::uint64_t seed, bool history_by_differences)
      : random_(seed), differences_(history_by_differences) {
    const auto chance = [&] { return random_() % 2 == 0; };
    staged_ = differences_ || chance();
    snapshots_ = !differences_ && random_() % 3 == 0;
    versions_ = !differences_ && random_() % 3 == 0;
    defined_ = chance();
    deals_ = differences_ || random_() % 8 != 0;
    yen_ = !differences_ && chance();
  }

  Sources batch(std::size_t most, bool first) {
    Sources sources;
    const auto add = [&](const std::string& name, bool always, auto make) {
      if (!always && random_() % 3 == 0) return;
      Source source;
      const std::size_t rows = random_() % (most + 1);
      for (std::size_t i = 0; i < rows; ++i) source.rows.push_back(make());
      for (const auto& [column, cell] : make()) source.columns.push_back(column);
      sources.emplace(name, std::move(source));
    };
    if (deals_) add("opportunity", first, [&] { return deal(); });
    if (!differences_) add("opportunity_event", !first, [&] { return event(); });
    if (differences_ && first) add("opportunity_event", true, [&] { return event(); });
    if (snapshots_) add("opportunity_snapshot", false, [&] { return state("snapshot_date"); });
    if (versions_ || !deals_) add("opportunity_version", !deals_, [&] { return state("valid_from"); });
    if (defined_) add("stage_def", false, [&] { return stage(); });
    add("account", false, [&] { return account(); });
    add("rep", false, [&] {
      return Row{{"rep_id", one({"r1", "r2", "r3"})},
                 {"name", text("n", 9)},
                 {"hire_date", day(5)},
                 {"manager_id", text("r", 4)}};
    });
    add("activity", false, [&] {
      return Row{{"type", one({"call", "email"})},
                 {"at", day(0)},
                 {"opportunity_id", text("o", 12)},
                 {"actor_id", text("r", 4)}};
    });
    return sources;
  }

 private:
  Cell one(std::vector<std::string> values) { return values[random_() % values.size()]; }
  Cell text(const std::string& letter, std::size_t n) { return letter + std::to_string(random_() % n); }
  Cell maybe(Cell cell) { return random_() % 4 == 0 ? std::nullopt : std::move(cell); }
  Cell day(std::size_t months) {
    return Date{20454 + static_cast<std::int32_t>(random_() % 12 + months)}.to_string();
  }
  Cell stage_name() { return one({"lead", "offer", "won", "lost", "mystery"}); }
  Cell amount() { return std::to_string(random_() % 5) + ".5"; }
  Cell flag() { return one({"false", "false", "false", "true"}); }

  Row deal() {
    Row row{{"opportunity_id", random_() % 20 == 0 ? std::nullopt : text("o", 12)},
            {"account_id", maybe(text("a", 6))},
            {"owner_id", text("r", 4)},
            {"created_at", maybe(day(0))},
            {"amount", maybe(amount())},
            {"currency", yen_ ? one({"EUR", "EUR", "JPY"}) : Cell("EUR")},
            {"close_date", maybe(day(30))},
            {"closed_at", random_() % 4 == 0 ? day(3) : std::nullopt},
            {"is_deleted", flag()},
            {"mine", maybe(text("m", 3))},
            {"source_modified_at", maybe(day(20))}};
    if (staged_) row["stage_id"] = stage_name();
    return row;
  }
  Row event() {
    const Cell field =
        one({"stage", "stage", "amount", "owner", "close_date", "probability", "deleted", "restored", "odd"});
    const auto value = [&]() -> Cell {
      if (*field == "stage") return stage_name();
      if (*field == "amount") return amount();
      if (*field == "owner") return text("r", 5);
      if (*field == "close_date") return day(30);
      return "0." + std::to_string(random_() % 9);
    };
    return {{"opportunity_id", random_() % 20 == 0 ? std::nullopt : text("o", 15)},
            {"at", random_() % 20 == 0 ? std::nullopt : day(10)},
            {"seq", maybe(std::to_string(random_() % 3))},
            {"field", field},
            {"old", maybe(value())},
            {"new", random_() % 20 == 0 ? Cell("not a value") : maybe(value())}};
  }
  Row state(const std::string& time) {
    Row row{{"opportunity_id", text("o", 15)}, {time, day(10)},     {"stage_id", stage_name()},
            {"amount", maybe(amount())},       {"currency", "EUR"}, {"owner_id", text("r", 4)}};
    return row;
  }
  Row stage() {
    const Cell name = stage_name();
    return {{"stage_id", name},
            {"rank", std::to_string(random_() % 5)},
            {"type", one({"open", "won", "lost"})},
            {"source_modified_at", maybe(day(0))}};
  }
  Row account() {
    return {{"account_id", text("a", 8)},   {"name", maybe(text("n", 5))},
            {"created_at", maybe(day(60))}, {"merged_into", random_() % 3 == 0 ? text("a", 8) : std::nullopt},
            {"is_deleted", flag()},         {"source_modified_at", maybe(day(20))}};
  }

  std::mt19937_64 random_;
  bool differences_, staged_, snapshots_, versions_, defined_, deals_, yen_;
};

void append(Sources& all, const Sources& more) {
  for (const auto& [name, source] : more) {
    Source& own = all[name];
    own.columns = source.columns;
    own.rows.insert(own.rows.end(), source.rows.begin(), source.rows.end());
  }
}

/// The winning row of each deal: later source_modified_at, else the later row.
std::map<std::string, Row> current_deals(const Sources& all) {
  std::map<std::string, Row> deals;
  const auto found = all.find("opportunity");
  if (found == all.end()) return deals;
  for (const Row& row : found->second.rows) {
    const Cell& id = row.at("opportunity_id");
    if (!id) continue;
    const auto known = deals.find(*id);
    const auto modified = [](const Row& of) { return of.at("source_modified_at"); };
    if (known != deals.end() && modified(row) && modified(known->second) &&
        *modified(row) < *modified(known->second))
      continue;
    deals[*id] = row;
  }
  return deals;
}

/// What a careful clerk would have written down as events between two days.
std::vector<Row> events_between(const std::map<std::string, Row>& before,
                                const std::map<std::string, Row>& after) {
  static const std::vector<std::pair<std::string, std::string>> fields{{"stage_id", "stage"},
                                                                       {"amount", "amount"},
                                                                       {"close_date", "close_date"},
                                                                       {"owner_id", "owner"},
                                                                       {"is_deleted", "deleted"}};
  std::vector<Row> events;
  for (const auto& [column, field] : fields)
    for (const auto& [id, now] : after) {
      const auto then = before.find(id);
      if (then == before.end() || !now.at("source_modified_at") || then->second.at(column) == now.at(column))
        continue;
      const bool deletion = column == "is_deleted";
      events.push_back({{"opportunity_id", id},
                        {"at", now.at("source_modified_at")},
                        {"seq", std::nullopt},
                        {"field", deletion ? (*now.at(column) == "true" ? "deleted" : "restored") : field},
                        {"old", deletion ? std::nullopt : then->second.at(column)},
                        {"new", deletion ? std::nullopt : now.at(column)}});
    }
  return events;
}

std::string win_rate_text(const Crm& crm) {
  kpi::Options options;
  return kpi::win_rate(crm, options).to_table().to_text(100);
}

void run(std::uint64_t seed, bool differences) {
  Generator generator(seed, differences);
  Sources all = generator.batch(25, true);
  Crm book = Crm::build(named(all));
  for (int step = 0; step < 4; ++step) {
    const std::string where = "seed " + std::to_string(seed) + ", step " + std::to_string(step);
    const Sources changes = generator.batch(step % 2 == 0 ? 2 : 12, false);
    const auto before = current_deals(all);
    append(all, changes);
    if (differences) {
      auto& events = all["opportunity_event"].rows;
      const auto more = events_between(before, current_deals(all));
      events.insert(events.end(), more.begin(), more.end());
    }
    const Told old(book);
    const Crm next = book.apply(named(changes));
    ASSERT_EQ(Told(book).lines(), old.lines()) << where << ": the old version changed";
    const Crm whole = Crm::build(named(all));
    expect_same(next, whole, !differences, where);
    for (const char* t : {"2026-01-03", "2026-01-12", "2026-01-20", "2026-06-01"}) {
      const Instant at = *Instant::parse(t);
      expect_same(next.as_of(at), whole.as_of(at), !differences, where + ", as of " + t);
    }
    if (next.has("opportunity")) {
      EXPECT_EQ(win_rate_text(next), win_rate_text(whole)) << where;
    }
    if (testing::Test::HasFatalFailure()) return;
    book = next;
  }
}

TEST(CrmApply, EqualsTheBookOfAllRows) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    run(seed, false);
    if (HasFatalFailure()) return;
  }
}

TEST(CrmApply, WritesDifferencesDownAsHistory) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    run(seed, true);
    if (HasFatalFailure()) return;
  }
}

TEST(CrmApply, TwoVersionsGrowFromOne) {
  Generator generator(3, false);
  Sources all = generator.batch(25, true);
  const Crm book = Crm::build(named(all));
  const Sources left = generator.batch(10, false), right = generator.batch(10, false);
  const Crm grown_left = book.apply(named(left)), grown_right = book.apply(named(right));
  Sources with_left = all, with_right = all;
  append(with_left, left);
  append(with_right, right);
  expect_same(grown_left, Crm::build(named(with_left)), true, "left");
  expect_same(grown_right, Crm::build(named(with_right)), true, "right");
}

}  // namespace
