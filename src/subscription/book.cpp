// A book's subscriptions as spells: terms, and the changes that its events tell of.
#include <algorithm>
#include <tuple>

#include "numbers.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

using subscription_detail::no_name;
using subscription_detail::open_end;
using subscription_detail::Spell;

namespace {

/// What is paid a month, and a year, each rounded on its own.
struct Paid {
  std::int64_t monthly = 0, annual = 0;

  friend bool operator==(const Paid&, const Paid&) = default;
};

/// Exact amounts of a book's rows.
class Prices {
 public:
  explicit Prices(const Table& table)
      : price_(given(table, "unit_amount"), "unit_amount", 0),
        quantity_(given(table, "qty"), "qty", 1),
        discount_(given(table, "discount"), "discount", 0),
        count_(given(table, "interval_count"), "interval_count", 1),
        interval_(table.find("interval")) {}

  /// 0 where no amount is known, or none that 64 bits hold.
  [[nodiscard]] Paid paid(std::size_t row) const {
    using subscription_detail::Numbers;
    subscription_detail::Decimal price, quantity, discount, count;
    if (price_.read(row, price) != Numbers::Cell::good) return {};
    if (quantity_.read(row, quantity) != Numbers::Cell::good) quantity = {1, 0};
    if (discount_.read(row, discount) != Numbers::Cell::good) discount = {};
    const auto intervals =
        count_.read(row, count) == Numbers::Cell::good ? subscription_detail::whole(count) : 1;
    if (!intervals || *intervals < 1 || *intervals > 1'000'000) return {};
    const std::string_view unit =
        interval_ == nullptr || interval_->is_null(row) ? "month" : interval_->text(row);
    const auto billing = billing_of(unit);
    if (!billing) return {};
    const Rate rate = per_month(*billing, *intervals);
    const auto minor = [&](Rate per) {
      return subscription_detail::monthly_minor(price, quantity, discount, 0, per);
    };
    const auto monthly = minor(rate), annual = minor(Rate::ratio(12 * rate.numerator, rate.denominator));
    return monthly && annual ? Paid{*monthly, *annual} : Paid{};
  }

 private:
  static std::optional<Column> given(const Table& table, const char* name) {
    const Column* column = table.find(name);
    return column == nullptr ? std::nullopt : std::optional(*column);
  }
  subscription_detail::Numbers price_, quantity_, discount_, count_;
  const Column* interval_;
};

/// What an event says of a subscription's revenue from its instant on.
struct Turn {
  std::int64_t at = 0;
  double seq = 0;
  std::string_view type;
  std::optional<std::int64_t> after;

  [[nodiscard]] auto key() const { return std::tuple(at, seq, type, after); }
};

/// Events by subscription row, in order of time.
std::vector<std::vector<Turn>> turns_of(const Crm& crm, std::size_t subscriptions, Issues& issues) {
  std::vector<std::vector<Turn>> turns(subscriptions);
  for (const char* column : {"subscription_id", "at", "type"})
    if (!crm.has("subscription_event", column)) return turns;
  const Table& events = crm.table("subscription_event");
  const Column& at = events.column("at");
  const Column& type = events.column("type");
  const Column* seq = events.find("seq");
  const Column* after = events.find("mrr_after");
  const Column* currency = events.find("currency");
  const Column* own = crm.table("subscription").find("currency");
  const auto link = crm.link("subscription_event", "subscription_id");
  for (std::size_t row = 0; row < events.num_rows(); ++row) {
    tick(row);
    if (link[row] < 0 || at.is_null(row) || type.is_null(row)) continue;
    const auto of = static_cast<std::size_t>(link[row]);
    Turn turn{at.values<std::int64_t>()[row],
              seq == nullptr || seq->is_null(row) ? 0.0 : seq->number(row),
              type.text(row),
              {}};
    if (after != nullptr && after->valid(row)) {
      const bool other = currency != nullptr && own != nullptr && currency->valid(row) && own->valid(of) &&
                         currency->text(row) != own->text(of);
      if (other)
        issues.add("subscription_event", static_cast<std::int64_t>(row), "currency", "other_currency");
      else
        turn.after = after->values<std::int64_t>()[row];
    }
    turns[of].push_back(turn);
  }
  for (auto& each : turns)
    std::sort(each.begin(), each.end(), [](const Turn& a, const Turn& b) { return a.key() < b.key(); });
  return turns;
}

/// One subscription's revenue through its events.
class Course {
 public:
  Course(std::vector<Spell>& out, std::int64_t start, std::int64_t end, const Spell& like, Paid priced,
         bool pauses_end)
      : out_(out), start_(start), end_(end), spell_(like), priced_(priced), pauses_end_(pauses_end) {}

  void follow(const std::vector<Turn>& turns) {
    // What was paid before the first change is what the first event that tells says.
    Paid paid = priced_;
    const auto telling =
        std::find_if(turns.begin(), turns.end(), [](const Turn& turn) { return turn.after.has_value(); });
    const bool told = telling != turns.end();
    if (told && (telling->type == "start" || telling->at <= start_)) paid = told_by(*telling->after);
    bool paused = false;
    now_ = start_;
    level_ = paid;
    for (const Turn& turn : turns) {
      if (turn.at >= end_) break;
      if (turn.type == "cancel") continue;  // what counts is the day on which it ends
      if (turn.type == "pause") {
        paused = true;
      } else {
        if (turn.type == "resume" || turn.type == "reactivate" || turn.type == "renew" ||
            turn.type == "start")
          paused = false;
        if (turn.after && (*turn.after > 0 || turn.type == "change")) paid = told_by(*turn.after);
      }
      change(turn.at, paused && pauses_end_ ? Paid{} : paid, turn.type == "renew");
    }
    close(end_, false);
  }

 private:
  /// An event tells a month, rounded; one that repeats the price of a year means that price.
  [[nodiscard]] Paid told_by(std::int64_t monthly) const {
    if (monthly != 0 && monthly == priced_.monthly) return priced_;
    Paid paid{monthly, 0};
    if (__builtin_mul_overflow(monthly, std::int64_t{12}, &paid.annual) || paid.annual == INT64_MIN)
      throw UsageError("an event's mrr_after goes beyond 64-bit minor units a year");
    return paid;
  }
  /// A renewal ends a term whether or not it changes what is paid.
  void change(std::int64_t at, Paid level, bool renews) {
    if (level == level_ && !renews) return;
    if (at > now_) {
      close(at, !renews);
      now_ = at;
    }
    level_ = level;
  }
  void close(std::int64_t at, bool goes_on) {
    if (level_ == Paid{} || at <= now_) return;
    spell_.begin = spell_.start = now_;
    spell_.end = at;
    spell_.monthly = level_.monthly;
    spell_.annual = level_.annual;
    spell_.goes_on = goes_on;
    out_.push_back(spell_);
  }

  std::vector<Spell>& out_;
  std::int64_t start_, end_, now_ = 0;
  Spell spell_;
  Paid priced_, level_;
  bool pauses_end_;
};

}  // namespace

State State::of_book(const Crm& book, const Columns& columns, bool pauses_end) {
  const Crm crm = book.with_days_in(columns.zone);
  const Table& table = crm.table("subscription");
  const Terms terms(crm, columns.zone, columns.churn_at);
  auto data = std::make_shared<Data>();
  data->zone = columns.zone;
  data->batches = 1;
  data->follow = columns.follow;
  data->customer_name = columns.follow == Follow::customer ? "account_id" : "subscription_id";
  data->known_until = {.instant = crm.latest().us + 1, .day = crm.latest().us + 1};
  data->known_by_start = false;
  data->has_subscription = true;
  const Column& ids = table.column("subscription_id");
  data->subscriptions = ids.shared_dictionary();
  const Column* plan = table.find("plan");
  if (plan != nullptr) data->plans = plan->shared_dictionary();
  data->has_plan = plan != nullptr;  // prices are not told apart: events say what is paid, not for how many
  const Column* currency = table.find("currency");
  const Column& keys = columns.follow == Follow::customer ? crm.column("subscription", "account_id")
                                                          : table.column("subscription_id");
  const auto turns = turns_of(crm, table.num_rows(), data->issues);

  const Prices prices(table);
  std::vector<std::pair<std::string_view, Spell>> spells;
  std::vector<Spell> course;
  const auto flaw = [&](std::size_t row, const char* column, const char* rule,
                        Severity severity = Severity::warning) {
    data->issues.add("subscription", static_cast<std::int64_t>(row), column, rule, {}, severity);
  };
  const Column& start = crm.column("subscription", "start");
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    if (columns.follow == Follow::customer && (terms.account[row] < 0 || keys.is_null(row))) {
      flaw(row, "account_id", "no_customer");
      continue;
    }
    if (start.is_null(row)) {
      flaw(row, "start", "no_time");
      continue;
    }
    if (terms.endless[row] != 0) {
      flaw(row, "end", "cancelled_without_end");
      continue;
    }
    if (terms.to[row] < terms.from[row]) {
      flaw(row, "end", "ended_before_start");
      continue;
    }
    const auto told = std::any_of(turns[row].begin(), turns[row].end(),
                                  [](const Turn& turn) { return turn.after.has_value(); });
    if (terms.amount[row] == Terms::Amount::unknown_interval && !told) {
      flaw(row, "interval", "unknown_interval");
      continue;
    }
    if (terms.amount[row] == Terms::Amount::unknown && !told) {
      flaw(row, "unit_amount", "no_amount");
      continue;
    }
    if (terms.amount[row] == Terms::Amount::negative && !told && !columns.allow_negative) {
      flaw(row, "unit_amount", "negative_amount");
      continue;
    }
    Spell like{};
    like.units = 1'000'000;
    like.subscription = ids.values<std::int32_t>()[row];
    like.plan = plan != nullptr && plan->valid(row) ? plan->values<std::int32_t>()[row] : no_name;
    const std::string said(currency != nullptr && currency->valid(row) ? currency->text(row) : "XXX");
    const auto place = std::find(data->currencies.begin(), data->currencies.end(), said);
    like.currency = static_cast<std::int32_t>(place - data->currencies.begin());
    if (place == data->currencies.end()) data->currencies.push_back(said);
    const auto instant = [&](std::int32_t day) { return columns.zone.start_of(Date{day}).us; };
    course.clear();
    Course(course, instant(terms.from[row]), terms.to[row] == INT32_MAX ? open_end : instant(terms.to[row]),
           like, prices.paid(row), pauses_end)
        .follow(turns[row]);
    for (const Spell& spell : course)
      if (spell.annual > 0 || columns.allow_negative) spells.emplace_back(keys.text(row), spell);
  }
  std::stable_sort(spells.begin(), spells.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  data->memory = clv_detail::unset<Spell>(spells.size());
  data->spells = {data->memory.get(), spells.size()};
  data->rows = spells.size();
  DictionaryBuilder names;
  std::vector<std::int32_t> codes;
  for (std::size_t i = 0; i < spells.size(); ++i) {
    if (i == 0 || spells[i].first != spells[i - 1].first) {
      if (i > 0) data->begins.push_back(i);
      codes.push_back(names.code(spells[i].first));
    }
    data->first = std::min(data->first, spells[i].second.start);
    data->memory[i] = spells[i].second;
  }
  if (!spells.empty()) data->begins.push_back(spells.size());
  data->customer = Column::of_codes(std::move(codes), names.finish());
  return State(std::move(data));
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
