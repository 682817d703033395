#include "salesops/pipeline/waterfall.hpp"

#include <algorithm>
#include <array>

#include "../crm/known.hpp"
#include "facts.hpp"
#include "report.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

namespace {

constexpr std::array<std::string_view, movement_count> names{
    "created", "reopened", "pulled_in", "pushed_in",  "moved_in",   "up",       "down",
    "won",     "lost",     "removed",   "pushed_out", "pulled_out", "moved_out"};

/// A deal as it stood at one instant.
struct State {
  bool exists = false;
  bool deleted = false;
  DealStatus status = DealStatus::open;
  std::int64_t closed_at = null_value;
  std::int64_t amount = 0;
  bool amount_known = false;
  std::int64_t due = null_value;
  std::int64_t owner = -1;
  std::int64_t pipeline = -1;

  [[nodiscard]] bool open() const { return exists && !deleted && status == DealStatus::open; }
};

std::int64_t code_of(const Column* column, std::size_t row) {
  return column == nullptr || column->is_null(row) ? -1 : column->values<std::int32_t>()[row];
}

/// One rewound book, read by the full book's rows. Rewinding keeps dictionaries, so codes agree.
class Book {
 public:
  Book(const Crm& crm, Instant t) : crm_(crm.as_of(t)), table_(crm_.table("opportunity")) {
    owner_ = table_.find("owner_id");
    pipeline_ = table_.find("pipeline_id");
  }

  [[nodiscard]] State at(std::string_view id) const {
    const std::int64_t found = crm_.row_of("opportunity", id);
    if (found < 0) return {};
    const auto row = static_cast<std::size_t>(found);
    const Deals& deals = crm_.deals();
    State state;
    state.exists = true;
    state.deleted = deals.deleted[row] != 0;
    state.status = deals.status[row];
    state.closed_at = deals.closed_at[row];
    state.amount_known = deals.amount[row] != null_value;
    state.amount = state.amount_known ? deals.amount[row] : 0;
    if (deals.close_date[row] != Deals::null_date) state.due = deals.close_date[row];
    state.owner = code_of(owner_, row);
    state.pipeline = code_of(pipeline_, row);
    return state;
  }

  /// The state just before the deal was closed.
  [[nodiscard]] State before_close(std::string_view id, const State& closed) const {
    const auto row = static_cast<std::size_t>(crm_.row_of("opportunity", id));
    const History& history = crm_.history();
    State state = closed;
    state.status = DealStatus::open;
    const std::int64_t t = closed.closed_at - 1;
    if (history.tracks(Field::close_date)) state.due = history.value_at(row, Field::close_date, t);
    const auto code = [&](Field field, std::int64_t& into) {
      if (!history.tracks(field)) return;
      const std::int64_t value = history.value_at(row, field, t);
      into = value == null_value ? -1 : value;
    };
    code(Field::owner, state.owner);
    code(Field::pipeline, state.pipeline);
    return state;
  }

 private:
  Crm crm_;
  const Table& table_;
  const Column* owner_;
  const Column* pipeline_;
};

class Scope {
 public:
  Scope(const Table& deals, const WaterfallOptions& options) : options_(options) {
    if (options.due_from && options.due_before && *options.due_before <= *options.due_from)
      throw UsageError("waterfall: due_before lies on or before due_from");
    for (const std::string& owner : options.owners) owners_.push_back(code(deals, "owner_id", owner));
    if (!options.pipeline.empty()) pipeline_ = code(deals, "pipeline_id", options.pipeline);
  }

  [[nodiscard]] bool due_after(const State& state) const {
    return options_.due_before && state.due != null_value && state.due >= options_.due_before->days;
  }
  [[nodiscard]] bool due_earlier(const State& state) const {
    return options_.due_from && state.due != null_value && state.due < options_.due_from->days;
  }
  [[nodiscard]] bool holds(const State& state) const {
    const bool windowed = options_.due_from || options_.due_before;
    if (windowed && (state.due == null_value || due_after(state) || due_earlier(state))) return false;
    if (!owners_.empty() && std::find(owners_.begin(), owners_.end(), state.owner) == owners_.end())
      return false;
    return !pipeline_ || *pipeline_ == state.pipeline;
  }

 private:
  static std::int64_t code(const Table& deals, const char* name, const std::string& id) {
    const Column* column = deals.find(name);
    const std::int32_t found = column == nullptr ? -1 : column->dictionary().find(id);
    if (found < 0) throw UsageError("waterfall: no deal ever had the " + std::string(name) + " '" + id + "'");
    return found;
  }

  const WaterfallOptions& options_;
  std::vector<std::int64_t> owners_;
  std::optional<std::int64_t> pipeline_;
};

Movement entry(const Scope& scope, const State& before) {
  if (!before.exists) return Movement::created;
  if (!before.open()) return Movement::reopened;
  if (scope.due_after(before)) return Movement::pulled_in;
  if (scope.due_earlier(before)) return Movement::pushed_in;
  return Movement::moved_in;
}

Movement leaving(const Scope& scope, const State& after) {
  if (!after.exists || after.deleted) return Movement::removed;
  if (after.status == DealStatus::won) return Movement::won;
  if (after.status == DealStatus::lost) return Movement::lost;
  if (after.status == DealStatus::unknown) return Movement::removed;
  if (scope.due_after(after)) return Movement::pushed_out;
  if (scope.due_earlier(after)) return Movement::pulled_out;
  return Movement::moved_out;
}

class Ledger {
 public:
  explicit Ledger(Waterfall& result) : result_(result) { result_.movements.resize(movement_count); }

  static void add(Waterfall::Bucket& bucket, std::int64_t amount) {
    if (__builtin_add_overflow(bucket.amount, amount, &bucket.amount))
      throw UsageError("waterfall: the sum of opportunity.amount leaves the range of 64-bit minor units");
    ++bucket.deals;
  }
  void move(Movement movement, std::string_view id, std::int64_t amount) {
    add(result_.movements[static_cast<std::size_t>(movement)], amount);
    movements_.emplace_back(movement_name(movement));
    ids_.emplace_back(id);
    amounts_.push_back(amount);
  }
  void change(std::string_view id, std::int64_t from, std::int64_t to) {
    if (to > from) move(Movement::up, id, to - from);
    if (to < from) move(Movement::down, id, to - from);
  }
  void finish() {
    result_.details =
        Table({{"movement", Column::of_strings(movements_)},
               {"opportunity_id", Column::of_strings(ids_)},
               {"amount", Column::of(Type::money, std::move(amounts_)).with_currency(result_.currency)}});
  }

 private:
  Waterfall& result_;
  std::vector<std::string> movements_, ids_;
  std::vector<std::int64_t> amounts_;
};

void follow(const Book& book, const Scope& scope, std::string_view id, const State& before,
            const State& after, Instant start, Ledger& ledger) {
  const bool was_in = before.open() && scope.holds(before);
  const bool is_in = after.open() && scope.holds(after);
  if (was_in) {
    ledger.change(id, before.amount, after.exists ? after.amount : before.amount);
    if (!is_in) ledger.move(leaving(scope, after), id, -(after.exists ? after.amount : before.amount));
    return;
  }
  if (is_in) {
    ledger.move(entry(scope, before), id, after.amount);
    return;
  }
  const bool closed =
      after.exists && !after.deleted && (after.status == DealStatus::won || after.status == DealStatus::lost);
  if (!closed || after.closed_at == null_value || after.closed_at <= start.us) return;
  if (!scope.holds(book.before_close(id, after))) return;
  ledger.move(entry(scope, before), id, after.amount);
  ledger.move(leaving(scope, after), id, -after.amount);
}

}  // namespace

std::string_view movement_name(Movement movement) noexcept {
  return names[static_cast<std::size_t>(movement)];
}

Waterfall waterfall(const Crm& crm, Instant start, Instant end, const WaterfallOptions& options) {
  const StopScope stop(options.execution.stop);
  Steps steps(options.execution, 3);
  if (end < start) throw UsageError("waterfall: the end lies before the start");
  crm_detail::check_known(crm, end, "waterfall: the end");
  if (!crm.has("opportunity", "amount")) throw UsageError("waterfall: the book has no opportunity.amount");
  const Table& deals = crm.table("opportunity");
  ForecastOptions units;
  units.currency = options.currency;
  pipeline_detail::check_currency(deals, options.currency, true);
  const Scope scope(deals, options);
  Waterfall result;
  result.start = start;
  result.end = end;
  result.currency = pipeline_detail::currency_of(crm, units);
  const Book first(crm, start);
  steps.done();
  const Book last(crm, end);
  steps.done();
  Ledger ledger(result);
  const Column& ids = deals.column("opportunity_id");
  const Column* currency = deals.find("currency");
  std::int64_t unknown = 0;
  for (std::size_t row = 0; row < deals.num_rows(); ++row) {
    tick(row);
    if (!options.currency.empty() && currency != nullptr && currency->valid(row) &&
        currency->text(row) != options.currency)
      continue;
    const std::string_view id = ids.text(row);
    const State before = first.at(id), after = last.at(id);
    const bool was_in = before.open() && scope.holds(before), is_in = after.open() && scope.holds(after);
    if (was_in) Ledger::add(result.opening, before.amount);
    if (is_in) Ledger::add(result.closing, after.amount);
    unknown += (was_in && !before.amount_known) || (is_in && !after.amount_known);
    follow(last, scope, id, before, after, start, ledger);
  }
  ledger.finish();
  steps.done();
  if (unknown > 0)
    result.notes.push_back(std::to_string(unknown) +
                           (unknown == 1 ? " deal in scope has no amount: it counts"
                                         : " deals in scope have no amount: they count") +
                           " as 0.");
  const History& history = crm.history();
  if (!history.tracks(Field::amount))
    result.notes.emplace_back("Amounts have no history: there can be no up or down.");
  if (!history.tracks(Field::close_date) && (options.due_from || options.due_before))
    result.notes.emplace_back("Close dates have no history: today's decide the window at both ends.");
  if (!history.tracks(Field::owner) && !options.owners.empty())
    result.notes.emplace_back("Owners have no history: today's decide the scope at both ends.");
  return result;
}

Table Waterfall::to_table() const {
  std::vector<std::string> steps{"start"};
  std::vector<std::int64_t> amounts{opening.amount}, deals{opening.deals};
  for (std::size_t i = 0; i < movements.size(); ++i) {
    steps.emplace_back(names[i]);
    amounts.push_back(movements[i].amount);
    deals.push_back(movements[i].deals);
  }
  steps.emplace_back("end");
  amounts.push_back(closing.amount);
  deals.push_back(closing.deals);
  return Table({{"step", Column::of_strings(steps)},
                {"amount", Column::of(Type::money, std::move(amounts)).with_currency(currency)},
                {"deals", Column::of(Type::int64, std::move(deals))}});
}

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
