#include "read.hpp"

#include <atomic>
#include <mutex>
#include <numeric>

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

Identities::Identities(const Table& table, const std::string& name) {
  if (name.empty()) return;
  given = true;
  const Column column = clv_detail::customers_of(table, name);
  codes.assign(column.size(), no_name);
  if (column.type() == Type::string) {
    names = column.shared_dictionary();
    const auto values = column.values<std::int32_t>();
    for (std::size_t row = 0; row < codes.size(); ++row)
      if (column.valid(row)) codes[row] = values[row];
    return;
  }
  if (column.type() == Type::int64) {
    const auto values = column.values<std::int64_t>();
    for (std::size_t row = 0; row < codes.size(); ++row)
      if (column.valid(row)) codes[row] = values[row];
    return;
  }
  if (column.type() > Type::boolean && column.type() < Type::uint64) {  // shorter integers
    for (std::size_t row = 0; row < codes.size(); ++row)
      if (column.valid(row)) codes[row] = static_cast<std::int64_t>(column.number(row));
    return;
  }
  // Other types as their text, so that whatever tells rows apart may be named.
  DictionaryBuilder builder;
  for (std::size_t row = 0; row < codes.size(); ++row)
    if (column.valid(row)) codes[row] = builder.code(column.cell(row));
  names = builder.finish();
}

std::optional<Column> optional_column(const Table& table, const std::string& name) {
  if (name.empty()) return std::nullopt;
  Column column = table.column(name);
  if (column.size() > 0 && column.null_count() == column.size()) return std::nullopt;
  if (column.type() != Type::string) return column;
  const Dictionary& texts = column.dictionary();
  std::vector<std::uint8_t> blank(texts.size());
  for (std::size_t code = 0; code < texts.size(); ++code)
    blank[code] = texts[code].find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (std::find(blank.begin(), blank.end(), 1) == blank.end()) return column;
  const auto codes = column.values<std::int32_t>();
  std::vector<std::uint8_t> valid(codes.size());
  for (std::size_t row = 0; row < codes.size(); ++row)
    valid[row] = column.valid(row) && blank[static_cast<std::size_t>(codes[row])] == 0;
  return Column::of_codes({codes.begin(), codes.end()}, column.shared_dictionary(), valid);
}

Currencies::Currencies(const Table& table, const Columns& columns, const Column& amount) {
  if (!columns.currency.empty() && table.has(columns.currency)) {
    const Column& codes = table.column(columns.currency);
    if (codes.null_count() < codes.size()) {
      if (codes.type() != Type::string)
        throw UsageError("column '" + columns.currency + "' holds " + std::string(type_name(codes.type())) +
                         ", not currency codes");
      column_ = codes;
      for (std::size_t code = 0; code < codes.dictionary().size(); ++code)
        of_code_.push_back(place(codes.dictionary()[code]));
      return;
    }
  } else if (!columns.currency.empty()) {
    (void)Currency::from(columns.currency);
  }
  std::string said = table.has(columns.currency) ? "" : columns.currency;
  if (amount.type() == Type::money && !amount.currency().empty()) {
    if (!said.empty() && said != amount.currency())
      throw UnitError("column '" + columns.amount + "' is in " + amount.currency() + ", not in " + said);
    said = amount.currency();
  }
  names_.push_back(said);
  digits_.push_back(money::minor_digits(said));
}

std::int32_t Currencies::place(std::string_view text) {
  std::string code;
  for (const char c : text)
    if (c != ' ' && c != '\t') code += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const auto known = Currency::find(code);
  if (!known) return -1;
  const auto found = std::find(names_.begin(), names_.end(), code);
  if (found != names_.end()) return static_cast<std::int32_t>(found - names_.begin());
  names_.push_back(code);
  digits_.push_back(known->exponent());
  return static_cast<std::int32_t>(names_.size()) - 1;
}

Reader::Reader(const Table& table, const Columns& columns, const Execution& execution, Reading reading,
               Convention convention)
    : columns_(columns),
      reading_(reading),
      convention_(convention),
      start_(table.column(columns.start), columns.start, columns, execution),
      end_(optional_column(table, columns.end), columns.end, columns, execution),
      trial_(optional_column(table, columns.trial_end), columns.trial_end, columns, execution),
      closed_(optional_column(table, columns.closed), columns.closed, columns, execution),
      price_(table.column(columns.amount), columns.amount, 0),
      quantity_(optional_column(table, columns.quantity), columns.quantity, 1),
      discount_(optional_column(table, columns.discount), columns.discount, 0),
      interval_(optional_column(table, columns.billing)),
      count_(optional_column(table, columns.billing_count), columns.billing_count, 1),
      currencies_(table, columns, table.column(columns.amount)),
      subscriptions_(table, columns.subscription),
      plans_(table, columns.plan) {
  if (columns.closed_by < 0 || columns.closed_by > 31)
    throw UsageError("closed_by is a day of the month, 1 to 31, or 0 for none");
  if (interval_ && interval_->type() != Type::string)
    throw UsageError("column '" + columns.billing + "' holds " + std::string(type_name(interval_->type())) +
                     ", not texts such as 'month'");
  if (interval_)
    for (std::size_t code = 0; code < interval_->dictionary().size(); ++code)
      billing_.push_back(subscription::billing_of(interval_->dictionary()[code]));
}

void Reader::read(std::size_t first, std::size_t last, Spell* out, Flaw* flaws) {
  std::array<std::vector<std::int64_t>, 4> buffers;
  const auto start = start_.block(first, last, buffers[0]), end = end_.block(first, last, buffers[1]),
             trial = trial_.block(first, last, buffers[2]), closed = closed_.block(first, last, buffers[3]);
  for (std::size_t i = 0; i < last - first; ++i) {
    const auto at = [&](std::span<const std::int64_t> times) {
      return times.empty() ? clv_detail::no_instant : times[i];
    };
    flaws[i] = row(first + i, at(start), at(end), at(trial), at(closed), out[i]);
  }
}

void Reader::report(State::Data& data, const Flaws& flaws) const {
  start_.report(data.issues, false);
  end_.report(data.issues, true);
  trial_.report(data.issues, true);
  closed_.report(data.issues, true);
  const auto say = [&](Flaw flaw, const std::string& column, std::string_view rule,
                       Severity severity = Severity::warning) {
    const auto k = static_cast<std::size_t>(flaw);
    if (flaws.n[k] > 0)
      data.issues.add_many(table_name, static_cast<std::int64_t>(flaws.first[k]), column, rule, flaws.n[k],
                           severity);
  };
  say(Flaw::no_amount, columns_.amount, "no_amount");
  say(Flaw::not_an_amount, columns_.amount, "not_an_amount");
  say(Flaw::not_a_quantity, columns_.quantity, "not_a_quantity");
  say(Flaw::not_a_discount, columns_.discount, "not_a_discount");
  say(Flaw::unknown_interval, columns_.billing, "unknown_interval");
  say(Flaw::not_a_count, columns_.billing_count, "not_a_count");
  say(Flaw::unknown_currency, columns_.currency, "unknown_currency");
  say(Flaw::no_end, columns_.end, "no_end");
  say(Flaw::ended_before_start, columns_.end, "ended_before_start");
  say(Flaw::no_days, columns_.end, "no_days", Severity::info);
  say(Flaw::too_large, columns_.amount, "too_large");
  say(Flaw::negative_quantity, columns_.quantity, "negative_quantity");
  say(Flaw::negative_amount, columns_.amount, "negative_amount");
  say(Flaw::free, columns_.amount, "no_revenue", Severity::info);
}

void Reader::describe(State::Data& data) const {
  data.currencies = currencies_.names();
  data.has_subscription = subscriptions_.given;
  data.has_price = quantity_.given();
  data.has_plan = plans_.given;
  data.subscriptions = subscriptions_.names;
  data.plans = plans_.names;
  if (start_.clock().empty()) return;
  data.known_until = start_.clock().until();
}

Flaw Reader::row(std::size_t row, std::int64_t start, std::int64_t end, std::int64_t trial,
                 std::int64_t closed, Spell& out) const {
  constexpr auto none = clv_detail::no_instant;
  if (start == none) return Flaw::no_time;
  if (end == none && end_.is_said(row)) return Flaw::not_a_date;
  if (columns_.end_included && end != none) end = columns_.zone.start_of(day(end) + 1).us;
  Decimal price, quantity, discount, count;
  if (const auto cell = price_.read(row, price); cell != Numbers::Cell::good)
    return cell == Numbers::Cell::missing ? Flaw::no_amount : Flaw::not_an_amount;
  const auto quantity_cell = quantity_.read(row, quantity);
  if (quantity_cell == Numbers::Cell::bad) return Flaw::not_a_quantity;
  if (quantity_cell == Numbers::Cell::missing) quantity = {1, 0};
  const auto discount_cell = discount_.read(row, discount);
  if (discount_cell == Numbers::Cell::bad) return Flaw::not_a_discount;
  if (discount_cell == Numbers::Cell::missing) discount = {};
  const auto currency = currencies_.of(row);
  if (currency < 0) return Flaw::unknown_currency;

  Billing billing = columns_.usual_billing;
  if (interval_ && interval_->valid(row)) {
    const auto said = billing_[static_cast<std::size_t>(interval_->values<std::int32_t>()[row])];
    if (!said) return Flaw::unknown_interval;
    billing = *said;
  }
  std::int64_t intervals = 1;
  if (const auto cell = count_.read(row, count); cell == Numbers::Cell::good) {
    const auto whole_count = whole(count);
    if (!whole_count || *whole_count < 1 || *whole_count > 1'000'000) return Flaw::not_a_count;
    intervals = *whole_count;
  } else if (cell == Numbers::Cell::bad) {
    return Flaw::not_a_count;
  }
  if (end != none && end < start) return Flaw::ended_before_start;
  if (end != none && end == start) return Flaw::no_days;
  Rate rate;
  if (reading_ == Reading::contracted) {
    if (end == none) return Flaw::no_end;
    const Date from = day(start), to = day(end);
    if (!(from < to)) return Flaw::no_days;
    const Rate months = subscription::months_by(convention_, from, to);
    const Rate each = subscription::per_month(billing, intervals);
    rate = columns_.charges
               ? Rate{1, 1}
               : Rate::ratio(months.numerator * each.numerator, months.denominator * each.denominator);
  } else if (!columns_.charges) {
    rate = subscription::per_month(billing, intervals);
  } else if (end != none) {
    const Date from = day(start), to = day(end);
    if (!(from < to)) return Flaw::no_days;
    const Rate months = subscription::months_between(from, to);
    rate = {months.denominator, months.numerator};
  } else {
    rate = subscription::per_month(billing, intervals);
    const Date from = day(start);
    if (intervals > 1200 || from.ymd().year + intervals > 9990) return Flaw::no_end;
    end = columns_.zone.start_of(subscription::after(from, billing, intervals)).us;
  }

  out.start = trial == none ? start : std::max(start, trial);
  if (closed != none && columns_.closed_by > 0) out.start = counted_from(out.start, closed);
  out.begin = std::min(start, out.start);
  out.end = end == none ? open_end : end;
  const bool only_trial = out.start >= out.end;
  if (only_trial && reading_ == Reading::contracted) return Flaw::no_days;
  if (only_trial) out.start = out.begin;
  // Minor units: what a money column holds, or whole numbers that are said to be.
  const bool minor = price_.is_money() || (columns_.minor_units && price_.is_whole());
  const int digits = currencies_.digits(currency);
  const bool minor_discount = discount_.is_money() || (columns_.minor_units && discount_.is_whole());
  if (minor) price.exponent -= digits;
  if (minor_discount) discount.exponent -= digits;
  const auto monthly = monthly_minor(price, quantity, discount, digits, rate);
  const auto annual = reading_ == Reading::contracted
                          ? monthly
                          : monthly_minor(price, quantity, discount, digits,
                                          Rate::ratio(12 * rate.numerator, rate.denominator));
  const auto units = millionths(quantity);
  if (!monthly || !annual || !units || *annual == INT64_MIN) return Flaw::too_large;
  if (quantity.mantissa < 0 && !columns_.allow_negative) return Flaw::negative_quantity;
  if (*annual < 0 && !columns_.allow_negative) return Flaw::negative_amount;
  out.monthly = only_trial ? 0 : *monthly;
  out.annual = only_trial ? 0 : *annual;
  out.units = *units;
  out.currency = currency;
  out.goes_on = false;
  out.subscription = subscriptions_.given ? subscriptions_.codes[row] : no_name;
  out.plan = plans_.given ? plans_.codes[row] : no_name;
  return out.annual == 0 && reading_ == Reading::monthly ? Flaw::free : Flaw::none;
}

/// A start early in the month after the close counts from the close on.
std::int64_t Reader::counted_from(std::int64_t start, std::int64_t closed) const {
  const auto from = day(start).ymd(), signed_on = day(closed).ymd();
  const int months = (from.year - signed_on.year) * 12 + from.month - signed_on.month;
  return closed < start && months == 1 && from.day <= columns_.closed_by ? closed : start;
}

}  // namespace subscription_detail

namespace subscription {

using subscription_detail::Flaw;
using subscription_detail::Spell;

State State::partial(const Table& rows, const Columns& columns, const Execution& execution) {
  const StopScope scope(execution.stop);
  auto data = std::make_shared<Data>();
  data->zone = columns.zone;
  data->batches = 1;
  data->follow = columns.follow;
  if (columns.follow == Follow::subscription && columns.subscription.empty())
    throw UsageError("movements of subscriptions need the column that names them");
  data->customer_name = columns.follow == Follow::subscription ? columns.subscription : columns.customer;
  const Column customer = clv_detail::customers_of(rows, data->customer_name);
  const auto order =
      customer.type() == Type::string ? clv_detail::CodeOrder::by_name : clv_detail::CodeOrder::any;
  const auto codes = clv_detail::codes_of(customer, data->customer_name, execution, order);
  subscription_detail::Reader reader(rows, columns, execution);

  // Codes first, to count each customer's rows; then every row to a place of its customer's.
  const std::size_t n = rows.num_rows();
  const auto keys = clv_detail::unset<std::uint64_t>(n);
  clv_detail::Flaws nobody;
  for_rows(n, clv_detail::block_rows, execution, [&](std::size_t first, std::size_t last) {
    clv_detail::write_codes(customer, codes, first, last, keys.get() + first, nobody);
  });
  std::vector<std::size_t> begins(codes.codes + 1, 0);
  for (std::size_t row = 0; row < n; ++row)
    if (keys[row] != clv_detail::left_out) ++begins[clv_detail::code_of(keys[row]) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  data->memory = clv_detail::unset<Spell>(begins.back());
  data->spells = {data->memory.get(), begins.back()};
  std::vector<std::atomic<std::size_t>> places(codes.codes);
  for (std::size_t code = 0; code < codes.codes; ++code) places[code] = begins[code];
  subscription_detail::Flaws found;
  std::mutex guard;
  // Which place a row takes depends on the threads; nothing that is asked depends on the place.
  constexpr std::size_t block = std::size_t{1} << 14;
  for_rows(n, block, execution, [&](std::size_t first, std::size_t last) {
    std::vector<Spell> spells(last - first);
    std::vector<Flaw> flaws(last - first);
    reader.read(first, last, spells.data(), flaws.data());
    subscription_detail::Flaws mine;
    std::int64_t earliest = INT64_MAX;
    std::size_t sound = 0;
    for (std::size_t row = first; row < last; ++row) {
      if (keys[row] == clv_detail::left_out) continue;
      Spell& spell = spells[row - first];
      if (flaws[row - first] != Flaw::none) {
        mine.add(flaws[row - first], row);
        // A free version of a subscription ends the one before it.
        if (flaws[row - first] != Flaw::free || spell.subscription == subscription_detail::no_name)
          spell.start = subscription_detail::no_start;
      } else {
        earliest = std::min(earliest, spell.start);
        ++sound;
      }
      data->memory[places[clv_detail::code_of(keys[row])].fetch_add(1, std::memory_order_relaxed)] = spell;
    }
    const std::lock_guard lock(guard);
    found.merge(mine);
    data->first = std::min(data->first, earliest);
    data->rows += sound;
  });
  std::vector<std::uint32_t> present;
  for (std::size_t code = 0; code < codes.codes; ++code) {
    if (begins[code + 1] == begins[code]) continue;
    present.push_back(static_cast<std::uint32_t>(code));
    data->begins.push_back(begins[code + 1]);
  }
  data->customer = codes.names(present);
  nobody.report(data->issues, data->customer_name, "no_customer", subscription_detail::table_name);
  reader.report(*data, found);
  reader.describe(*data);
  return State(std::move(data));
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
