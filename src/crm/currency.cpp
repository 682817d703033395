// A book in one currency: each row has a day, each day a rate, each amount one exact product.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "convert.hpp"
#include "rates.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {

using namespace crm_detail;

namespace {

constexpr std::int32_t no_day = Deals::null_date;
constexpr std::string_view unsaid = "XXX";

std::int32_t day_at(const Column* column, std::size_t row) {
  if (column == nullptr || column->is_null(row)) return no_day;
  if (column->type() == Type::date) return column->values<std::int32_t>()[row];
  return Instant{column->values<std::int64_t>()[row]}.utc_date().days;
}

std::string_view currency_at(const Column* currency, std::size_t row) {
  return currency == nullptr || currency->is_null(row) ? unsaid : currency->text(row);
}

bool holds_amounts(std::string_view name, const Table& table) {
  return name == "opportunity_event" || name == "target" || has_money(table);
}

/// Amounts without a rate, for the text of the error.
class Lacks {
 public:
  void add(std::string_view table, std::string_view currency, std::int32_t day) {
    ++total_;
    if (day == no_day) {
      ++without_day_[std::string(table)];
      return;
    }
    auto& [days, amounts] = pairs_[Currency::find(currency) ? std::string(currency) : "an unknown code"];
    days.insert(day);
    ++amounts;
  }
  [[nodiscard]] bool any() const noexcept { return total_ > 0; }
  [[nodiscard]] std::string message(std::string_view to, std::string_view kind, int max_age) const {
    std::string text = "in_currency: no " + std::string(kind) + " rate to " + std::string(to) +
                       " of at most " + std::to_string(max_age) + " days for " + std::to_string(total_) +
                       " amounts: ";
    std::size_t shown = 0;
    for (const auto& [currency, lack] : pairs_) {
      text += shown == 0 ? "" : "; ";
      if (shown++ == most) {
        text += "…";
        break;
      }
      text += currency + " on ";
      std::size_t listed = 0;
      for (auto day = lack.first.begin(); day != lack.first.end() && listed < most; ++day)
        text += (listed++ == 0 ? "" : ", ") + Date{*day}.to_string();
      if (lack.first.size() > most) text += ", … (" + std::to_string(lack.first.size()) + " days)";
      text += " for " + std::to_string(lack.second);
    }
    for (const auto& [table, amounts] : without_day_)
      text += (shown++ == 0 ? "" : "; ") + std::to_string(amounts) + " of " + table + " have no day";
    text += ". Add rows to fx_rate (crm.apply), or set max_age, through, or missing=\"null\"";
    if (pairs_.contains(std::string(unsaid)))
      text += "; XXX is money without a currency: name it when the book is read";
    return text;
  }

 private:
  static constexpr std::size_t most = 3;
  std::map<std::string, std::pair<std::set<std::int32_t>, std::int64_t>> pairs_;
  std::map<std::string, std::int64_t> without_day_;
  std::int64_t total_ = 0;
};

class Converter {
 public:
  Converter(const BookTables& tables, const Deals& deals, Instant latest, Currency to,
            const ConvertOptions& options, Issues& issues)
      : tables_(tables),
        deals_(deals),
        latest_(latest.utc_date().days),
        to_(to.code()),
        to_currency_(to),
        options_(options),
        issues_(issues),
        rates_(table_of("fx_rate"), options, issues) {}

  Table convert(const std::string& name, const Table& table) {
    const std::vector<std::int32_t> days = days_of(name, table);
    const Column* currency = text_column(table, "currency");
    ways_ = {};
    Table result = table;
    for (const auto& [column_name, column] : table.columns())
      if (column.type() == Type::money)
        result = result.with(column_name, amounts(name, column_name, column, currency, days));
    if (name == "opportunity_event") result = texts(result, days);
    if (name == "target" && currency != nullptr) result = targets(result, *currency, days);
    if (has_money(table) || (name == "opportunity_event" && currency != nullptr))
      result = result.with("currency", everywhere(table.num_rows()));
    report(name);
    return result;
  }

  /// Amounts a deal had take its one rate, so that rates make no movement.
  History convert(const History& history, const Table& table) {
    if (!history.tracks(Field::amount)) return history;
    const std::vector<std::int32_t> days = days_of("opportunity", table);
    const Column* currency = text_column(table, "currency");
    const Column* amount = table.find("amount");
    std::vector<std::uint8_t> lacking(table.num_rows(), 0);
    History result = history.mapped(Field::amount, [&](std::size_t deal, std::int64_t value) {
      const Rates::Found* rate = rate_of(currency_at(currency, deal), days[deal]);
      if (rate == nullptr) return lacking[deal] = 1, null_value;
      return times(value, *rate, "opportunity", "amount", deal);
    });
    // A deal that lacks today's amount too was counted with it.
    for (std::size_t deal = 0; deal < lacking.size(); ++deal)
      if (lacking[deal] != 0 && (amount == nullptr || amount->is_null(deal)))
        lack("opportunity", deal, "amount", currency_at(currency, deal), days[deal]);
    return result;
  }

  /// Amounts in changes that only `apply` saw, likewise.
  void convert(std::vector<History::Row>& changes, const Table& table) {
    const std::vector<std::int32_t> days = days_of("opportunity", table);
    const Column* currency = text_column(table, "currency");
    for (History::Row& row : changes) {
      if (row.change.field != Field::amount) continue;
      const auto deal = static_cast<std::size_t>(row.entity);
      const Rates::Found* rate = rate_of(currency_at(currency, deal), days[deal]);
      for (std::int64_t* value : {&row.old, &row.change.value})
        if (*value != null_value)
          *value = rate == nullptr ? null_value : times(*value, *rate, "opportunity", "amount", deal);
    }
  }

  /// Throws `UsageError` when a rate was missing that may not be.
  void finish() const {
    if (options_.missing == NoRate::error && lacks_.any())
      throw UsageError(lacks_.message(to_, rate_kind_name(options_.kind), rates_.max_age()));
  }

 private:
  [[nodiscard]] const Table* table_of(std::string_view name) const {
    const auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : &found->second->table;
  }
  static const Column* text_column(const Table& table, std::string_view name) {
    const Column* column = table.find(name);
    return column != nullptr && column->type() == Type::string ? column : nullptr;
  }

  // ---- days ----

  [[nodiscard]] std::int32_t deal_day(std::size_t deal) const {
    if (options_.at == RateDay::close && deals_.status[deal] == DealStatus::open) return latest_;
    const std::int64_t at = options_.at == RateDay::close ? deals_.closed_at[deal] : deals_.created_at[deal];
    return at == null_value ? no_day : Instant{at}.utc_date().days;
  }

  [[nodiscard]] std::vector<std::int32_t> days_of(const std::string& name, const Table& table) const {
    std::vector<std::int32_t> days(table.num_rows(), latest_);
    if (options_.at == RateDay::fixed) {
      days.assign(days.size(), options_.day.days);
      return days;
    }
    const TableModel& model = table_model(name);
    const bool period = name == "quota" || name == "spend" || name == "target";
    const std::string known_at = period ? "period_start" : model.known_at;
    const bool standing = known_at.empty() || name == "account" || name == "target";
    const Column* own = table.find(known_at);
    const Column* start = nullptr;
    if (const Table* subscriptions = table_of("subscription")) start = subscriptions->find("start");
    const auto& links = tables_.find(name)->second->links;
    const bool event = name == "subscription_event";
    const auto link = links.find(event ? "subscription_id" : "opportunity_id");
    const bool follows = link != links.end() && (event || name.starts_with("opportunity_"));
    for (std::size_t row = 0; row < days.size(); ++row) {
      const std::int32_t of = follows ? link->second[row] : no_row;
      std::int32_t day = name == "account" ? no_day : day_at(own, row);
      if (name == "opportunity") day = deal_day(row);
      if (of >= 0)
        day = event ? day_at(start, static_cast<std::size_t>(of)) : deal_day(static_cast<std::size_t>(of));
      if (day == no_day && standing) day = latest_;
      // Spot rates of days to come don't exist.
      days[row] = options_.kind == RateKind::budget ? day : std::min(day, latest_);
    }
    return days;
  }

  // ---- amounts ----

  /// Null when there is none.
  const Rates::Found* rate_of(std::string_view currency, std::int32_t day) {
    const auto [place, fresh] = known_.try_emplace({std::string(currency), day});
    if (fresh) place->second = rates_.find(currency, to_, day);
    return place->second ? &*place->second : nullptr;
  }

  void lack(std::string_view table, std::size_t row, std::string_view column, std::string_view currency,
            std::int32_t day) {
    lacks_.add(table, currency, day);
    issues_.add(table, static_cast<std::int64_t>(row), column, "no_rate", currency);
  }

  static std::int64_t times(std::int64_t minor, const Rates::Found& rate, std::string_view table,
                            std::string_view column, std::size_t row) {
    if (rate.way == Rates::Way::same) return minor;
    if (const auto result = product(minor, rate.factor)) return *result;
    beyond(table, column, row);
  }

  [[noreturn]] static void beyond(std::string_view table, std::string_view column, std::size_t row) {
    throw UsageError("in_currency: the amount in row " + std::to_string(row) + " of " + std::string(table) +
                     "." + std::string(column) + " goes beyond 64-bit minor units; look at its rate");
  }

  /// The amount of a row at its rate; nothing, and said, when it has none.
  std::optional<std::int64_t> converted(std::int64_t minor, std::string_view table, std::string_view column,
                                        std::size_t row, std::string_view currency, std::int32_t day) {
    const Rates::Found* rate = rate_of(currency, day);
    if (rate == nullptr) {
      lack(table, row, column, currency, day);
      return std::nullopt;
    }
    ++ways_[static_cast<std::size_t>(rate->way)];
    return times(minor, *rate, table, column, row);
  }

  Column amounts(const std::string& table, const std::string& name, const Column& column,
                 const Column* currency, std::span<const std::int32_t> days) {
    const auto from = column.values<std::int64_t>();
    std::vector<std::int64_t> values(column.size(), 0);
    std::vector<std::uint8_t> valid(column.size(), 0);
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (column.is_null(row)) continue;
      const std::string_view said =
          column.currency().empty() ? currency_at(currency, row) : std::string_view(column.currency());
      const auto value = converted(from[row], table, name, row, said, days[row]);
      valid[row] = value.has_value();
      values[row] = value.value_or(0);
    }
    return Column::of(Type::money, std::move(values), valid)
        .with_currency(column.currency().empty() ? "" : to_);
  }

  /// `old` and `new` of the changes of amounts, which are texts in the currency of their deal.
  Table texts(const Table& events, std::span<const std::int32_t> days) {
    const Table* deals = table_of("opportunity");
    const Column* field = text_column(events, "field");
    const auto& links = tables_.find("opportunity_event")->second->links;
    const auto link = links.find("opportunity_id");
    if (deals == nullptr || field == nullptr || link == links.end()) return events;
    const Column* currency = text_column(*deals, "currency");
    Table result = events;
    for (const char* name : {"old", "new"}) {
      const Column* column = text_column(events, name);
      if (column == nullptr) continue;
      DictionaryBuilder builder;
      std::vector<std::int32_t> codes(column->size(), 0);
      std::vector<std::uint8_t> valid(column->size(), 0);
      for (std::size_t row = 0; row < column->size(); ++row) {
        if (column->is_null(row)) continue;
        std::string text(column->text(row));
        valid[row] = 1;
        if (field->valid(row) && field->text(row) == "amount" && link->second[row] >= 0) {
          const auto said = currency_at(currency, static_cast<std::size_t>(link->second[row]));
          if (const auto amount = money::from_text(text, money::minor_digits(said)); amount && said != to_) {
            const auto value = converted(amount->minor, "opportunity_event", name, row, said, days[row]);
            valid[row] = value.has_value();
            text = Money{value.value_or(0), to_currency_}.amount_text();
          }
        }
        codes[row] = builder.code(text);
      }
      result = result.with(name, Column::of_codes(std::move(codes), builder.finish(), valid));
    }
    return result;
  }

  /// A target is money where its row names a currency; its value is in major units.
  Table targets(const Table& table, const Column& currency, std::span<const std::int32_t> days) {
    const Column* column = table.find("value");
    if (column == nullptr) return table;
    const auto from = column->values<double>();
    std::vector<double> values(from.begin(), from.end());
    std::vector<std::uint8_t> valid(column->size(), 0);
    std::vector<std::optional<std::string>> currencies(column->size());
    for (std::size_t row = 0; row < column->size(); ++row) {
      valid[row] = column->valid(row);
      if (currency.is_null(row)) continue;
      currencies[row] = to_;
      if (column->is_null(row) || currency.text(row) == to_) continue;
      const auto amount = money::from_double(from[row], money::minor_digits(currency.text(row)));
      if (!amount) beyond("target", "value", row);
      const auto value = converted(amount->minor, "target", "value", row, currency.text(row), days[row]);
      valid[row] = value.has_value();
      values[row] = Money{value.value_or(0), to_currency_}.to_double();
    }
    return table.with("value", Column::of(Type::float64, std::move(values), valid))
        .with("currency", Column::of_strings(currencies));
  }

  /// The currency of all rows.
  [[nodiscard]] Column everywhere(std::size_t rows) const {
    DictionaryBuilder builder;
    (void)builder.code(to_);
    return Column::of_codes(std::vector<std::int32_t>(rows, 0), builder.finish());
  }

  void report(const std::string& table) {
    const auto count = [&](Rates::Way way) { return ways_[static_cast<std::size_t>(way)]; };
    const auto direct = count(Rates::Way::direct), inverse = count(Rates::Way::inverse),
               through = count(Rates::Way::through);
    const auto say = [&](const std::string& rule, std::int64_t n) {
      issues_.add_many(table, -1, "currency", rule, n, Severity::info);
    };
    say("converted_at_" + std::string(rate_kind_name(options_.kind)), direct + inverse + through);
    say("converted_by_inverse", inverse);
    say("converted_through", through);
  }

  const BookTables& tables_;
  const Deals& deals_;
  std::int32_t latest_;
  std::string to_;
  Currency to_currency_;
  const ConvertOptions& options_;
  Issues& issues_;
  Rates rates_;
  Lacks lacks_;
  std::map<std::pair<std::string, std::int32_t>, std::optional<Rates::Found>> known_;
  std::array<std::int64_t, 4> ways_{};  // amounts of one table by the way of their rate
};

}  // namespace

std::string_view crm_detail::currency_parent(std::string_view table) noexcept {
  if (table == "opportunity_snapshot" || table == "opportunity_version") return "opportunity";
  return table == "subscription_event" ? "subscription" : "";
}

Table crm_detail::with_currency_of(const BookTable& parent, const TableModel& model, const Table& raw) {
  const std::string key = table_model(currency_parent(model.name)).keys().front();
  const Column* currencies = parent.table.find("currency");
  if (currencies == nullptr || currencies->type() != Type::string || !raw.has(key)) return raw;
  Issues unused;
  const Conversion typing{.table = model.name, .default_currency = {}, .issues = &unused};
  const Column ids = to_kind(raw.column(key), *model.find(key), typing);
  const Column said = raw.has("currency") ? to_kind(raw.column("currency"), *model.find("currency"), typing)
                                          : Column::nulls(Type::string, raw.num_rows());
  const Dictionary& keys = parent.table.column(key).dictionary();
  std::vector<std::optional<std::string>> result(raw.num_rows());
  for (std::size_t row = 0; row < result.size(); ++row) {
    if (said.valid(row)) {
      result[row] = said.text(row);
    } else if (ids.valid(row)) {
      const std::int32_t code = keys.find(ids.text(row));
      const auto at = code < 0 ? no_row : parent.row_of_code[static_cast<std::size_t>(code)];
      if (at >= 0) result[row] = currency_at(currencies, static_cast<std::size_t>(at));
    }
  }
  return raw.with("currency", Column::of_strings(result));
}

Crm Crm::in_currency(std::string_view currency, const ConvertOptions& options) const {
  const Currency to = Currency::from(currency);
  if (currency == unsaid) throw UsageError("in_currency: XXX stands for no currency; name the one you want");
  if (!options.through.empty()) (void)Currency::from(options.through);
  if (state_->days_moved && options.at != RateDay::fixed)
    throw UsageError(
        "in_currency: the days of this book were moved into a zone, so rates of a day can't be found; "
        "convert "
        "the book as it was read, then ask in the zone");
  auto state = std::make_shared<State>(*state_);
  Converter converter(state_->tables, state_->deals, state_->latest, to, options, state->issues);
  for (auto& [name, book] : state->tables) {
    if (!holds_amounts(name, book->table)) continue;
    auto changed = std::make_shared<BookTable>(*book);
    changed->table = converter.convert(name, book->table);
    book = std::move(changed);
  }
  if (const auto deals = state_->tables.find("opportunity"); deals != state_->tables.end()) {
    state->history = converter.convert(state_->history, deals->second->table);
    converter.convert(state->differences, deals->second->table);
    if (const Column* amount = state->tables["opportunity"]->table.find("amount"))
      state->deals.amount = field_values(*amount);
  }
  converter.finish();
  state->summaries.clear();
  state->currency = to.code();
  state->options.currency = to.code();
  return Crm(std::move(state));
}

}  // namespace v0
}  // namespace salesops
