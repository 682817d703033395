#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "../crm/known.hpp"
#include "salesops/kpi/deals.hpp"
#include "visits.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

/// Where the expected close of a deal places it: the start of that day.
std::int64_t expected_at(const Deals& deals, std::size_t deal, const Options& options) {
  const std::int32_t day = deals.close_date[deal];
  return day == Deals::null_date ? null_value : options.zone.start_of(Date{day}).us;
}

/// The book at the start of a period, and the row there of each deal that was open then.
struct Opening {
  struct Deal {
    std::size_t now = 0;  ///< row in the present book
    std::int64_t amount = null_value;
    std::int64_t close_date = null_value;
  };
  std::vector<Deal> deals;

  Opening(const Crm& crm, Instant start, const Options& options) {
    // What happens at the first instant of the period belongs to the period.
    const Crm before = crm.as_of(Instant{start.us - 1});
    const Deals& past = before.deals();
    const Column& ids = before.column("opportunity", "opportunity_id");
    for (std::size_t row = 0; row < past.size(); ++row) {
      tick(row);
      if (past.status[row] != DealStatus::open || past.deleted[row] != 0) continue;
      const std::int64_t now = crm.row_of("opportunity", ids.text(row));
      if (now >= 0)
        deals.push_back({static_cast<std::size_t>(now), past.amount[row], expected_at(past, row, options)});
    }
  }
};

std::string_view every_name(Every every) {
  constexpr std::string_view names[] = {"day", "week", "month", "quarter", "half", "year", "period"};
  return names[static_cast<std::size_t>(every)];
}

constexpr std::array<const char*, 5> fates = {"won", "lost", "pushed", "removed", "open"};

}  // namespace

Result slippage(const Crm& book, const Options& asked) {
  const Options options = with_period(asked);
  const Mode mode = mode_for(book, options, "slippage");
  const Crm crm = rewound(book, options);
  require_close_dates(crm, "slippage");
  const bool value = options.weight == Weight::value;
  const Scope scope = scope_of(crm, options);
  DealFacts facts(crm.deals(), options);
  std::vector<std::uint8_t> fate;
  for (const Scope::Part& part : scope.parts) {
    const Interval period = part.interval;
    if (period.start > scope.as_of) continue;
    const bool over = period.end.us <= scope.as_of.us;
    const Crm end = over ? crm.as_of(Instant{period.end.us - 1}) : crm;
    const Column& ids = crm.column("opportunity", "opportunity_id");
    for (const Opening::Deal& deal : Opening(crm, period.start, options).deals) {
      if (deal.close_date == null_value || !period.contains(Instant{deal.close_date})) continue;
      const auto row = static_cast<std::size_t>(end.row_of("opportunity", ids.text(deal.now)));
      const Deals& then = end.deals();
      const std::int64_t expected = expected_at(then, row, options);
      std::uint8_t kind = 4;
      if (then.deleted[row] != 0)
        kind = 3;
      else if (then.status[row] == DealStatus::won)
        kind = 0;
      else if (then.status[row] != DealStatus::open)
        kind = 1;
      else if (expected == null_value || expected >= period.end.us)
        kind = 2;
      const std::int64_t weight = value ? deal.amount : 1;
      const bool slipped = kind == 2 || kind == 4;
      facts.add(deal.now, period.start.us, slipped ? weight : 0, weight,
                value ? facts.amount_state(deal.amount) : Facts::counted);
      fate.push_back(kind);
    }
  }
  if (value) {
    facts.shape = Shape::ratio;
    facts.bounded = true;
    facts.in_money(crm, options, true);
    for (const std::int32_t row : facts.row)
      facts.cluster.push_back(crm.deals().account_row[static_cast<std::size_t>(row)]);
  }
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    std::array<int128, fates.size()> sums{};
    for (const std::int32_t fact : counted) {
      const auto i = static_cast<std::size_t>(fact);
      sums[fate[i]] += facts.denominator[i];
    }
    if (metric.denominator != 0)
      for (std::size_t kind = 0; kind < fates.size(); ++kind)
        metric.details[fates[kind]] =
            static_cast<double>(sums[kind]) * facts.denominator_scale / metric.denominator;
  };
  Result result =
      summarise(crm, facts, options, "slippage",
                "expected to close in the period at its start, and neither closed nor removed by its end ÷ "
                "expected",
                mode);
  flag_unfinished(scope, result);
  if (value) {
    refuse_amounts_at_win(crm, result);
    report_present_amounts(crm, result);
  }
  return result;
}

Result pushes(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "pushes");
  if (options.every == Every::all) throw UsageError("pushes: every is a length of time, such as a month");
  const Crm crm = rewound(book, options);
  const History& history = crm.history();
  require_close_dates(crm, "pushes");
  const Deals& deals = crm.deals();
  DealFacts facts(deals, options);
  const auto outside = facts.reason("outside_calendar");
  const auto number = [&](std::int64_t day) {
    return options.calendar.index_of(Date{static_cast<std::int32_t>(day)}, options.every);
  };
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    std::int64_t before = history.initial(Field::close_date)[deal];
    for (const Change& change : history.changes(deal)) {
      if (change.field != Field::close_date) continue;
      const bool open = deals.closed_at[deal] == null_value || change.at < deals.closed_at[deal];
      const std::int64_t from = std::exchange(before, change.value);
      if (!open || from == null_value || change.value == null_value || change.value <= from) continue;
      // A table of periods ends somewhere: from a day of it to one beyond is to a later period.
      constexpr std::int32_t none = FiscalCalendar::no_period;
      const std::int32_t now = number(change.value), then = number(from);
      if (now == none && then == none)
        facts.put(deal, change.at, 0, 0, outside);
      else if (now == none || now > then)
        facts.put(deal, change.at, 1, 1);
    }
  }
  facts.shape = Shape::total;
  facts.unit = "count";
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    // Facts lie deal by deal.
    double distinct = 0;
    std::int32_t last = -1;
    for (const std::int32_t fact : counted) {
      const std::int32_t row = facts.row[static_cast<std::size_t>(fact)];
      distinct += row != last ? 1 : 0;
      last = row;
    }
    metric.value = metric.numerator;
    metric.details["deals"] = distinct;
    if (distinct > 0) metric.details["per_deal"] = metric.numerator / distinct;
  };
  return summarise(crm, facts, options, "pushes",
                   "close dates moved to a later " + std::string(every_name(options.every)) +
                       " in the period, while the deal was open",
                   mode);
}

namespace {

/// The first amount that the log knows of a deal.
std::int64_t first_amount(const History& history, std::size_t deal) {
  for (const Change& change : history.changes(deal))
    if (change.field == Field::amount && change.value != null_value) return change.value;
  return null_value;
}

}  // namespace

Result pipeline_created(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "pipeline_created");
  const Crm crm = rewound(book, options);
  if (options.start == Start::lead)
    throw UsageError("pipeline_created: a lead has no amount yet; start is 'created' or 'stage'");
  const Deals& deals = crm.deals();
  const History& history = crm.history();
  const std::vector<std::int64_t> starts = starts_of(crm, options, "pipeline_created");
  DealFacts facts(deals, options);
  std::vector<std::uint8_t> later;  // facts whose amount was known only after the start
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const std::int64_t started = starts[deal];
    if (started == null_value && options.start == Start::stage) continue;  // not pipeline yet
    std::int64_t amount = deals.amount[deal];
    bool stands_in = false;
    if (history.tracks(Field::amount) && started != null_value) {
      amount = history.value_at(deal, Field::amount, started);
      if (amount == null_value) {
        amount = first_amount(history, deal);
        stands_in = amount != null_value;
      }
    }
    later.push_back(stands_in ? 1 : 0);
    facts.put(deal, started, amount, 1, facts.amount_state(amount));
  }
  facts.shape = Shape::total;
  facts.in_money(crm, options, false);
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    if (metric.n > 0) metric.details["average"] = metric.numerator / static_cast<double>(metric.n);
    const auto known_later = std::count_if(counted.begin(), counted.end(), [&](std::int32_t fact) {
      return later[static_cast<std::size_t>(fact)] != 0;
    });
    if (known_later > 0) metric.details["amount_known_later"] = static_cast<double>(known_later);
  };
  const bool created = options.start == Start::created;
  Result result =
      summarise(crm, facts, options, "pipeline_created",
                created ? "amount, as of creation, of deals created in the period"
                        : "amount, as of " + start_text(options) + ", of deals that reached it in the period",
                mode);
  std::int64_t known_later = 0;
  for (std::size_t i = 0; i < facts.size(); ++i)
    known_later += facts.state[i] == Facts::counted && later[i] != 0 ? 1 : 0;
  if (known_later > 0)
    result.warnings.push_back("of " + std::to_string(known_later) + (known_later == 1 ? " deal" : " deals") +
                              " of the book the first known amount is younger than the deal; it stands in "
                              "(detail amount_known_later)");
  refuse_amounts_at_win(crm, result);
  report_present_amounts(crm, result);
  return result;
}

Result weighted_pipeline(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "weighted_pipeline");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const Probabilities probabilities(crm);
  if (!probabilities.known()) require(crm, "weighted_pipeline", "opportunity", "probability");
  DealFacts facts(deals, options);
  const auto null_probability = facts.reason("null_probability");
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    if (deals.status[deal] != DealStatus::open) continue;
    const std::int64_t amount = deals.amount[deal];
    const std::optional<double> probability = probabilities(deal);
    std::uint8_t state = facts.amount_state(amount);
    if (state == Facts::counted && !probability) state = null_probability;
    const std::int64_t weighted = state == Facts::counted ? part_of_amount(amount, *probability) : 0;
    facts.put(deal, expected_at(deals, deal, options), weighted, state == Facts::counted ? amount : 0, state);
  }
  facts.shape = Shape::total;
  facts.present_names = true;
  facts.in_money(crm, options, false);
  facts.denominator_scale = facts.scale;
  facts.finish = [](Metric& metric, std::span<const std::int32_t>, std::span<const std::int32_t>) {
    metric.details["unweighted"] = metric.denominator;
    metric.interval_note = "none: a snapshot is no sample";
  };
  Result result = summarise(crm, facts, options, "weighted_pipeline",
                            "amount × probability of open deals with a close date in the period", mode);
  refuse_amounts_at_win(crm, result);
  result.hindsight = probabilities.of_today();
  if (probabilities.of_today())
    result.warnings.emplace_back(
        probabilities.of_stages()
            ? "probabilities have no history in this book: those of the stages are taken"
            : "probabilities have no history in this book: these are the present ones, without deals "
              "that closed since");
  return result;
}

Result forecast_rollup(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "forecast_rollup");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  static constexpr std::array<const char*, 5> names = {"closed", "commit", "most_likely", "best_case",
                                                       "pipeline"};
  const Column& categories = crm.column("opportunity", "forecast_category");
  DealFacts facts(deals, options);
  const auto omitted = facts.reason("omitted");
  std::vector<std::uint8_t> kind;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const bool won = deals.status[deal] == DealStatus::won;
    if (!won && deals.status[deal] != DealStatus::open) continue;
    const std::int64_t amount = deals.amount[deal];
    std::uint8_t state = facts.amount_state(amount);
    std::size_t category = won ? 0 : names.size() - 1;
    if (!won && categories.valid(deal)) {
      const std::string_view text = categories.text(deal);
      if (text == "omitted") state = omitted;
      for (std::size_t i = 1; i < names.size(); ++i)
        if (text == names[i]) category = i;
    }
    facts.put(deal, won ? deals.closed_at[deal] : expected_at(deals, deal, options), amount, 1, state);
    kind.push_back(static_cast<std::uint8_t>(category));
  }
  facts.shape = Shape::total;
  facts.present_names = true;
  facts.in_money(crm, options, false);
  std::vector<std::array<int128, names.size()>> sums;
  std::vector<std::array<std::vector<std::int64_t>, names.size()>> rows;
  facts.finish = [&](Metric&, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    auto& sum = sums.emplace_back();
    auto& listed = rows.emplace_back();
    for (const std::int32_t fact : counted) {
      const auto i = static_cast<std::size_t>(fact);
      sum[kind[i]] += facts.numerator[i];
      listed[kind[i]].push_back(facts.row[i]);
    }
  };
  Result result =
      summarise(crm, facts, options, "forecast_rollup",
                "amount won in the period and open with a close date in it, surer categories included", mode);
  result.by.emplace_back("forecast_category");
  std::vector<Metric> metrics;
  for (std::size_t g = 0; g < result.metrics.size(); ++g) {
    int128 cumulative = 0;
    std::vector<std::int64_t> surer;
    for (std::size_t category = 0; category < names.size(); ++category) {
      Metric metric = result.metrics[g];
      metric.keys.emplace_back(names[category]);
      metric.key_null.push_back(0);
      cumulative += sums[g][category];
      surer.insert(surer.end(), rows[g][category].begin(), rows[g][category].end());
      metric.value = metric.numerator = static_cast<double>(cumulative) * facts.scale;
      metric.n = static_cast<std::int64_t>(surer.size());
      metric.denominator = static_cast<double>(metric.n);
      metric.rows = options.keep_rows ? surer : std::vector<std::int64_t>();
      metric.details["own"] = static_cast<double>(sums[g][category]) * facts.scale;
      metric.interval_note = "none: a snapshot is no sample";
      metrics.push_back(std::move(metric));
    }
  }
  result.metrics = std::move(metrics);
  result.hindsight = of_another_day(crm, "forecast_category");
  if (result.hindsight)
    result.warnings.emplace_back(
        "categories have no history in this book: these are the present ones; deals that closed since are in "
        "'pipeline'");
  return result;
}

Result idle_share(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "idle_share");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  std::vector<std::int64_t> last(deals.created_at.begin(), deals.created_at.end());
  for (std::size_t deal = 0; deal < deals.size(); ++deal)
    if (crm.history().tracks(Field::stage))
      for (const Change& change : crm.history().changes(deal))
        if (change.field == Field::stage) last[deal] = std::max(last[deal], change.at);
  const bool seen = crm.has("activity", "opportunity_id") && crm.has("activity", "at");
  if (seen) {
    const auto deal_of = crm.link("activity", "opportunity_id");
    const Column& at = crm.column("activity", "at");
    const auto times = at.values<std::int64_t>();
    for (std::size_t row = 0; row < deal_of.size(); ++row)
      if (deal_of[row] >= 0 && at.valid(row)) {
        auto& latest = last[static_cast<std::size_t>(deal_of[row])];
        latest = std::max(latest, times[row]);
      }
  }
  const std::int64_t now = now_of(crm);
  const Column* targets = crm.has("stage_def") ? crm.table("stage_def").find("target_days") : nullptr;
  const auto target_of = [&](std::size_t deal) {
    const std::int32_t stage = deals.stage_row[deal];
    const bool known = targets != nullptr && stage >= 0 && targets->valid(static_cast<std::size_t>(stage));
    return known ? std::optional(targets->number(static_cast<std::size_t>(stage))) : std::nullopt;
  };
  DealFacts facts(deals, options);
  const auto unknown = facts.reason("never_seen");
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    if (deals.status[deal] != DealStatus::open) continue;
    const std::uint8_t state = last[deal] == null_value ? unknown : Facts::counted;
    const bool idle = state == Facts::counted && now - last[deal] > options.idle_days * us_per_day;
    facts.put(deal, deals.created_at[deal], idle ? 1 : 0, 1, state);
  }
  facts.present_names = true;
  if (targets != nullptr)
    facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
      double with = 0, beyond = 0;
      for (const std::int32_t fact : counted) {
        const auto deal = static_cast<std::size_t>(facts.row[static_cast<std::size_t>(fact)]);
        const auto target = target_of(deal);
        if (!target) continue;
        with += 1;
        beyond += static_cast<double>(now - last[deal]) > *target * static_cast<double>(us_per_day) ? 1 : 0;
      }
      if (with > 0) metric.details["beyond_target"] = beyond / with;
    };
  Result result =
      summarise(crm, facts, options, "idle_share",
                "open deals without a stage change or activity for more than " +
                    std::to_string(options.idle_days) + " days ÷ open deals (created in the period)",
                mode);
  // Without either each deal would be idle from its creation on, which tells its age.
  if (!crm.history().tracks(Field::stage) && !seen)
    for (Metric& metric : result.metrics)
      if (metric.value) withhold(metric, "neither changes of stage nor activities are known");
  return result;
}

Result snapshot_yield(const Crm& book, const Options& asked) {
  const Options options = with_period(asked);
  const Mode mode = mode_for(book, options, "snapshot_yield");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const Scope scope = scope_of(crm, options);
  DealFacts facts(deals, options);
  std::vector<std::uint8_t> expected;
  for (const Scope::Part& part : scope.parts) {
    if (part.interval.start > scope.as_of) continue;
    for (const Opening::Deal& deal : Opening(crm, part.interval.start, options).deals) {
      const std::int64_t closed = deals.closed_at[deal.now];
      const bool won = deals.status[deal.now] == DealStatus::won && closed != null_value &&
                       part.interval.contains(Instant{closed});
      facts.add(deal.now, part.interval.start.us, won ? deal.amount : 0, deal.amount,
                facts.amount_state(deal.amount));
      facts.cluster.push_back(deals.account_row[deal.now]);
      expected.push_back(deal.close_date != null_value && part.interval.contains(Instant{deal.close_date}));
    }
  }
  facts.shape = Shape::ratio;
  facts.bounded = true;
  facts.in_money(crm, options, true);
  const bool dated = crm.history().tracks(Field::close_date);
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    int128 won = 0, open = 0;
    for (const std::int32_t fact : counted) {
      const auto i = static_cast<std::size_t>(fact);
      if (expected[i] == 0) continue;
      won += facts.numerator[i];
      open += facts.denominator[i];
    }
    if (open > 0 && dated) metric.details["expected"] = static_cast<double>(won) / static_cast<double>(open);
    const auto unpriced = metric.excluded.find("null_amount");
    if (unpriced == metric.excluded.end() || metric.numerator != metric.denominator || metric.n == 0) return;
    refuse_amounts_at_win(metric);
  };
  Result result =
      summarise(crm, facts, options, "snapshot_yield",
                "amount won in the period from the deals open at its start ÷ amount of those deals", mode);
  refuse_amounts_at_win(crm, result);
  flag_unfinished(scope, result);
  report_present_amounts(crm, result);
  return result;
}

namespace {

/// 1 for each open deal of which the same account has another by that name; nothing where the book lacks
/// names or accounts.
std::vector<std::uint8_t> open_twins(const Crm& crm) {
  const Deals& deals = crm.deals();
  const Column* names = crm.table("opportunity").find("name");
  if (names == nullptr || !crm.has("opportunity", "account_id")) return {};
  const Column& accounts = crm.column("opportunity", "account_id");
  std::vector<std::uint8_t> twins(deals.size(), 0);
  std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> first;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    if (deals.status[deal] != DealStatus::open || deals.deleted[deal] != 0 || names->is_null(deal) ||
        accounts.is_null(deal))
      continue;
    // Accounts of no table are told apart by what they are called.
    const std::int32_t row = deals.account_row[deal];
    const std::int32_t account = row >= 0 ? row : -1 - accounts.values<std::int32_t>()[deal];
    const auto [found, fresh] = first.try_emplace({account, names->values<std::int32_t>()[deal]}, deal);
    if (!fresh) twins[deal] = twins[found->second] = 1;
  }
  return twins;
}

}  // namespace

Result hygiene(const Crm& book, const Options& options) {
  const Mode mode = mode_for(book, options, "hygiene");
  const Crm crm = rewound(book, options);
  const Deals& deals = crm.deals();
  const Table& table = crm.table("opportunity");
  const std::int64_t now = now_of(crm);
  const std::int32_t today = day_of(now, options);
  constexpr std::int64_t fresh = 14 * us_per_day;
  struct Check {
    const char* name;
    std::function<bool(std::size_t)> passes;
  };
  const auto filled = [&](const char* name) {
    const Column& column = table.column(name);
    return [&column](std::size_t deal) {
      return column.valid(deal) && (column.type() != Type::string || !column.text(deal).empty());
    };
  };
  std::vector<Check> checks;
  if (table.has("close_date"))
    checks.push_back({"close_date", [&](std::size_t deal) {
                        return deals.close_date[deal] != Deals::null_date && deals.close_date[deal] >= today;
                      }});
  if (table.has("amount") && !(of_another_day(crm, "amount") && crm_detail::amounts_at_win(crm)))
    checks.push_back({"amount", [&](std::size_t deal) { return deals.amount[deal] > 0; }});
  if (table.has("next_step")) checks.push_back({"next_step", filled("next_step")});
  if (crm.history().tracks(Field::stage))
    checks.push_back({"stage_fresh", [&](std::size_t deal) {
                        std::int64_t last = deals.created_at[deal];
                        for (const Change& change : crm.history().changes(deal))
                          if (change.field == Field::stage) last = std::max(last, change.at);
                        return last != null_value && now - last <= fresh;
                      }});
  if (table.has("primary_contact_id")) checks.push_back({"primary_contact", filled("primary_contact_id")});
  if (checks.empty()) require(crm, "hygiene", "opportunity", "close_date");
  const std::vector<std::uint8_t> twins = open_twins(crm);

  DealFacts facts(deals, options);
  std::vector<std::uint8_t> passed;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    if (deals.status[deal] != DealStatus::open) continue;
    std::uint8_t bits = 0;
    std::int64_t count = 0;
    for (std::size_t c = 0; c < checks.size(); ++c)
      if (checks[c].passes(deal)) {
        bits = static_cast<std::uint8_t>(bits | (1U << c));
        ++count;
      }
    facts.put(deal, deals.created_at[deal], count, static_cast<std::int64_t>(checks.size()));
    facts.cluster.push_back(deals.account_row[deal]);
    passed.push_back(bits);
  }
  facts.shape = Shape::ratio;
  facts.bounded = true;
  facts.present_names = true;
  facts.finish = [&](Metric& metric, std::span<const std::int32_t> counted, std::span<const std::int32_t>) {
    if (counted.empty()) return;
    const auto n = static_cast<double>(counted.size());
    const auto share = [&](auto holds) {
      double sum = 0;
      for (const std::int32_t fact : counted) sum += holds(passed[static_cast<std::size_t>(fact)]) ? 1 : 0;
      return sum / n;
    };
    for (std::size_t c = 0; c < checks.size(); ++c)
      metric.details[checks[c].name] = share([&](unsigned bits) { return ((bits >> c) & 1U) != 0; });
    if (!twins.empty()) {
      double again = 0;
      for (const std::int32_t fact : counted)
        again += twins[static_cast<std::size_t>(facts.row[static_cast<std::size_t>(fact)])];
      metric.details["duplicates"] = again / n;
    }
    metric.details["all"] = share([&](unsigned bits) { return bits == (1U << checks.size()) - 1; });
  };
  Result result =
      summarise(crm, facts, options, "hygiene", "checks passed ÷ checks made of open deals", mode);
  for (const char* name : {"close_date", "amount", "next_step", "primary_contact_id"})
    if (table.has(name) && of_another_day(crm, name)) {
      result.hindsight = true;
      result.warnings.push_back(std::string(name) +
                                " has no history in this book: that of deals that closed since is known");
    }
  return result;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
