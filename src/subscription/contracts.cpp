#include "salesops/subscription/contracts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "columns.hpp"
#include "ledger.hpp"
#include "read.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

using subscription_detail::add;
using subscription_detail::Exchange;
using subscription_detail::open_end;
using subscription_detail::Spell;
using subscription_detail::Timeline;

// ---- renewals ----

namespace {

/// What ends at one instant, and what begins in its place.
struct Renewal {
  std::int64_t end = 0, available = 0, booked = 0;
};

/// One customer's renewals, in order of time.
class Renewing {
 public:
  Renewing(const State::Data& data, const Exchange& exchange, const Timeline& timeline,
           const RenewalOptions& options)
      : exchange_(exchange),
        timeline_(timeline),
        options_(options),
        ledger_(data, options.options, timeline, exchange) {}

  const std::vector<Renewal>& of(std::span<const Spell> spells) {
    renewals_.clear();
    order_.clear();
    ledger_.load(spells);
    for (const auto& run : ledger_.runs()) order_.push_back(&run.spell);
    std::sort(order_.begin(), order_.end(), [](const Spell* a, const Spell* b) {
      return std::tie(a->start, a->end, a->monthly) < std::tie(b->start, b->end, b->monthly);
    });
    ends_.clear();
    for (const Spell* spell : order_)
      if (spell->end != open_end && !spell->goes_on) ends_.push_back(spell->end);
    std::sort(ends_.begin(), ends_.end());
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
    used_.assign(order_.size(), 0);
    std::size_t first = 0;  // of the starts that may fit
    for (const std::int64_t end : ends_) {
      Renewal one{end, 0, 0};
      const auto period = static_cast<std::size_t>(timeline_.period_of(end - 1));
      while (first < order_.size() && order_[first]->start < end - options_.early_us) ++first;
      for (std::size_t i = first; i < order_.size() && order_[i]->start <= end + options_.late_us; ++i) {
        if (used_[i] != 0 || order_[i]->end == end) continue;
        used_[i] = 1;
        one.booked = add(one.booked, value(*order_[i], period));
      }
      renewals_.push_back(one);
    }
    for (const Spell* spell : order_) {
      if (spell->end == open_end || spell->goes_on) continue;
      Renewal& one = *std::lower_bound(renewals_.begin(), renewals_.end(), spell->end,
                                       [](const Renewal& r, std::int64_t end) { return r.end < end; });
      one.available =
          add(one.available, value(*spell, static_cast<std::size_t>(timeline_.period_of(spell->end - 1))));
    }
    return renewals_;
  }
  [[nodiscard]] const subscription_detail::Notes& notes() const noexcept { return ledger_.notes(); }

 private:
  [[nodiscard]] std::int64_t value(const Spell& spell, std::size_t period) const {
    return exchange_.convert(spell.currency, spell.monthly, period);
  }

  const Exchange& exchange_;
  const Timeline& timeline_;
  const RenewalOptions& options_;
  subscription_detail::Ledger ledger_;
  std::vector<Renewal> renewals_;
  std::vector<const Spell*> order_;
  std::vector<std::int64_t> ends_;
  std::vector<std::uint8_t> used_;
};

double share(std::int64_t over, std::int64_t under) {
  return under > 0 ? static_cast<double>(over) / static_cast<double>(under) : special::not_a_number;
}

}  // namespace

Renewals renewals(const State& state, const RenewalOptions& wanted) {
  RenewalOptions given = wanted;
  Options& options = given.options;
  options.window_us.reset();
  const StopScope scope(options.execution.stop);
  subscription_detail::check(options);
  (void)stats::normal_multiplier(given.level);
  if (given.early_us < 0 || given.late_us < 0)
    throw UsageError("early and late are lengths of time, 0 or more");
  const State::Data& data = state.data();
  Renewals made;
  made.every = options.every;
  made.follow = data.follow;
  made.zone = data.zone.name();
  made.issues = data.issues;
  made.confidence = given.level;
  const std::int64_t until = subscription_detail::known_until(data, options, made.issues);
  made.as_of = Instant{until == INT64_MIN ? 0 : until};
  if (until == INT64_MIN || data.first >= until) return made;
  const Timeline timeline(options, data.zone, data.first, until);
  Exchange exchange(data, options, timeline, made.issues);
  made.currency = exchange.currency();
  made.periods = timeline.labels();
  made.starts = timeline.starts();
  const std::size_t periods = timeline.size();
  // What may still be renewed is told apart by number.
  made.state = subscription_detail::states_of(data, timeline, INT64_MAX, true, made.issues);

  subscription_detail::Notes notes;
  do {
    for (auto* counts : {&made.up, &made.renewed, &made.pending, &made.available, &made.booked, &made.kept})
      counts->assign(periods, 0);
    Renewing renewing(data, exchange, timeline, given);
    for (std::size_t i = 0; i < data.customers(); ++i) {
      tick(i);
      for (const Renewal& one : renewing.of(data.of(i))) {
        const auto period = static_cast<std::size_t>(timeline.period_of(one.end - 1));
        if (until - one.end <= std::max(given.late_us, options.grace_us)) {
          ++made.pending[period];
          continue;
        }
        ++made.up[period];
        made.renewed[period] += one.booked > 0 ? 1 : 0;
        made.available[period] = add(made.available[period], one.available);
        made.booked[period] = add(made.booked[period], one.booked);
        made.kept[period] = add(made.kept[period], std::min(one.booked, one.available));
      }
    }
    notes = renewing.notes();
  } while (!exchange.complete());
  notes.report(made.issues);
  for (std::size_t period = 0; period < periods; ++period) {
    Ratio rate{special::not_a_number, special::not_a_number, special::not_a_number};
    if (const auto found = stats::wilson(made.renewed[period], made.up[period], given.level))
      rate = {found->estimate, found->low, found->high};
    made.rate.push_back(rate);
    made.gross_rate.push_back(share(made.kept[period], made.available[period]));
    made.net_rate.push_back(share(made.booked[period], made.available[period]));
  }
  return made;
}

// ---- values ----

namespace {

std::int64_t scaled(std::int64_t amount, Rate over, Rate under) {
  const auto rate = Rate::ratio(over.numerator * under.denominator, over.denominator * under.numerator);
  const auto made = money::multiply(amount, rate, Rounding::half_even);
  if (!made) throw UsageError("a contract's value goes beyond 64-bit minor units");
  return *made;
}

}  // namespace

ContractValues contract_values(const Table& rows, const ContractColumns& where, const Execution& execution) {
  const StopScope scope(execution.stop);
  const Columns& columns = where.columns;
  const std::size_t n = rows.num_rows();
  subscription_detail::Reader reader(rows, columns, execution, subscription_detail::Reading::contracted,
                                     where.convention);
  const subscription_detail::Numbers one_off(subscription_detail::optional_column(rows, where.one_off),
                                             where.one_off, 0);
  std::vector<Spell> spells(n);
  std::vector<subscription_detail::Flaw> flaws(n);
  constexpr std::size_t block = std::size_t{1} << 16;
  for_rows(n, block, execution, [&](std::size_t first, std::size_t last) {
    reader.read(first, last, spells.data() + first, flaws.data() + first);
  });

  ContractValues made;
  made.contract_name = columns.subscription.empty() ? "row" : columns.subscription;
  Column names;
  clv_detail::CustomerCodes codes;
  std::vector<std::uint64_t> keys(n);
  clv_detail::Flaws nameless;
  if (!columns.subscription.empty()) {
    names = clv_detail::customers_of(rows, columns.subscription);
    codes = clv_detail::codes_of(names, columns.subscription, execution);
    clv_detail::write_codes(names, codes, 0, n, keys.data(), nameless);
  }
  subscription_detail::Flaws found;
  std::vector<std::size_t> order;
  std::vector<std::int64_t> once(n, 0);
  for (std::size_t row = 0; row < n; ++row) {
    tick(row);
    if (!columns.subscription.empty() && keys[row] == clv_detail::left_out) continue;
    subscription_detail::Decimal number;
    const auto cell = one_off.read(row, number);
    if (flaws[row] == subscription_detail::Flaw::none && cell == subscription_detail::Numbers::Cell::bad)
      flaws[row] = subscription_detail::Flaw::not_an_amount;
    if (flaws[row] == subscription_detail::Flaw::none && cell == subscription_detail::Numbers::Cell::good) {
      const int digits = reader.currencies().digits(spells[row].currency);
      const bool minor = one_off.is_money() || (columns.minor_units && one_off.is_whole());
      const auto amount = subscription_detail::monthly_minor(number, {1, 0}, {}, minor ? 0 : digits, {1, 1});
      if (amount)
        once[row] = *amount;
      else
        flaws[row] = subscription_detail::Flaw::too_large;
    }
    if (flaws[row] != subscription_detail::Flaw::none) {
      found.add(flaws[row], row);
      continue;
    }
    order.push_back(row);
  }
  State::Data described;
  reader.report(described, found);
  reader.describe(described);
  nameless.report(described.issues, columns.subscription, "no_contract", subscription_detail::table_name);
  made.issues = described.issues;
  made.currencies = described.currencies;
  if (!columns.subscription.empty())
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return clv_detail::code_of(keys[a]) < clv_detail::code_of(keys[b]);
    });

  const auto day = [&](std::int64_t at) { return columns.zone.local_date(Instant{at}); };
  std::vector<std::uint32_t> present;
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t j = i;
    const auto same = [&](std::size_t row) {
      return columns.subscription.empty()
                 ? row == order[i]
                 : clv_detail::code_of(keys[row]) == clv_detail::code_of(keys[order[i]]);
    };
    Date start = last_date, end = first_date;
    bool mixed = false;
    for (; j < order.size() && same(order[j]); ++j) {
      const Spell& spell = spells[order[j]];
      start = std::min(start, day(spell.start));
      end = std::max(end, day(spell.end));
      mixed = mixed || spell.currency != spells[order[i]].currency;
    }
    if (mixed) {
      made.issues.add(subscription_detail::table_name, static_cast<std::int64_t>(order[i]), columns.currency,
                      "mixed_currencies");
      i = j;
      continue;
    }
    const Date year_end = start.add_months(12);
    std::int64_t total = 0, first_year = 0, single = 0;
    for (std::size_t k = i; k < j; ++k) {
      const Spell& spell = spells[order[k]];
      const Date from = day(spell.start), to = day(spell.end);
      total = add(total, spell.monthly);
      single = add(single, once[order[k]]);
      if (from < year_end)
        first_year = add(first_year, to <= year_end
                                         ? spell.monthly
                                         : scaled(spell.monthly, months_by(where.convention, from, year_end),
                                                  months_by(where.convention, from, to)));
    }
    total = add(total, single);
    const Rate months = months_by(where.convention, start, end);
    const Rate twelve{12, 1};
    made.start.push_back(start);
    made.end.push_back(end);
    made.years.push_back(months.to_double() / 12);
    made.tcv.push_back(total);
    made.acv.push_back(scaled(total, twelve, months));
    made.first_year.push_back(add(first_year, single));
    made.one_off.push_back(single);
    made.bookings.push_back(months < twelve ? total : made.acv.back());
    made.currency.push_back(spells[order[i]].currency);
    if (columns.subscription.empty())
      numbers.push_back(static_cast<std::int64_t>(order[i]));
    else
      present.push_back(clv_detail::code_of(keys[order[i]]));
    i = j;
  }
  made.contract =
      columns.subscription.empty() ? Column::of(Type::int64, std::move(numbers)) : codes.names(present);
  return made;
}

std::optional<double> magic_number(std::int64_t revenue, std::int64_t revenue_before,
                                   std::int64_t cost_before) noexcept {
  if (cost_before <= 0) return std::nullopt;
  return (static_cast<double>(revenue) - static_cast<double>(revenue_before)) * 4 /
         static_cast<double>(cost_before);
}

// ---- tables ----

namespace {}  // namespace

Table Renewals::to_table() const {
  const auto counts = [](const std::vector<std::int64_t>& n) { return Column::of(Type::int64, n); };
  const auto amounts = [&](const std::vector<std::int64_t>& minor) {
    return Column::of(Type::money, minor).with_currency(currency);
  };
  std::vector<double> value, low, high;
  for (const Ratio& one : rate) {
    value.push_back(one.value);
    low.push_back(one.low);
    high.push_back(one.high);
  }
  std::vector<std::string> states;
  for (const PeriodState one : state) states.emplace_back(period_state_name(one));
  return Table({{"period", Column::of_strings(periods)},
                {"start_date", day_column(starts, size())},
                {"up", counts(up)},
                {"renewed", counts(renewed)},
                {"pending", counts(pending)},
                {"rate", share_column(value)},
                {"low", share_column(low)},
                {"high", share_column(high)},
                {"available", amounts(available)},
                {"booked", amounts(booked)},
                {"kept", amounts(kept)},
                {"gross_rate", share_column(gross_rate)},
                {"net_rate", share_column(net_rate)},
                {"state", Column::of_strings(states)}});
}

Table ContractValues::to_table() const {
  std::vector<std::string> codes;
  for (const std::int32_t place : currency) codes.push_back(currencies[static_cast<std::size_t>(place)]);
  const bool one = currencies.size() == 1;
  const auto amounts = [&](const std::vector<std::int64_t>& minor) {
    const Column column = Column::of(Type::money, minor);
    return one ? column.with_currency(currencies.front()) : column;
  };
  std::vector<std::pair<std::string, Column>> columns{{contract_name, contract},
                                                      {"start", day_column(start, size())},
                                                      {"end", day_column(end, size())},
                                                      {"years", Column::of(Type::float64, years)},
                                                      {"tcv", amounts(tcv)},
                                                      {"acv", amounts(acv)},
                                                      {"first_year", amounts(first_year)},
                                                      {"one_off", amounts(one_off)},
                                                      {"bookings", amounts(bookings)}};
  if (!one) columns.emplace_back("currency", Column::of_strings(codes));
  return Table(std::move(columns));
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
