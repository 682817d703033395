// as_of(t) knows nothing of what came after t, however much of the past the book's log kept: of every deal,
// of some, from some day on, in events, whole versions or snapshots. Two worlds are alike until t and go
// their own ways from there; their books have to be one at t, and that of the world that ended at t.
#include <gtest/gtest.h>

#include <random>

#include "salesops/crm.hpp"

using namespace salesops;

namespace {

using Cell = std::optional<std::string>;

constexpr int end_hour = 2400;

struct Step {
  int at = 0;
  std::string stage;
  int amount = 0;
};
struct TrueDeal {
  std::string id;
  std::vector<Step> steps;
  bool logged = true;
  bool dated = true;  ///< its row says when it closed
  int deleted = -1;
};
bool is_closed(const std::string& stage) { return stage == "won" || stage == "lost"; }

enum class Source : std::uint8_t { events, versions, snapshots, none };

struct World {
  Source source = Source::events;
  int log_start = 0;
  int end = end_hour;
  bool flags = false;  ///< rows say is_won and is_closed
  bool reopens = false;
  std::vector<TrueDeal> deals;
};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }

  World world() {
    World world;
    world.source = static_cast<Source>(below(4));
    world.log_start = below(3) == 0 ? 500 + below(800) : 0;
    world.flags = below(2) == 0;
    world.reopens =
        world.log_start == 0 && (world.source == Source::events || world.source == Source::versions);
    const bool partial = below(2) == 0;
    for (int i = 0; i < 40; ++i) {
      TrueDeal deal{.id = "d" + std::to_string(i), .steps = {}};
      deal.logged = !partial || below(2) == 0;
      deal.dated = below(8) != 0;
      deal.steps.push_back({below(1600), "lead", 10 + below(90)});
      grow(world, deal, deal.steps.front().at);
      world.deals.push_back(std::move(deal));
    }
    // One that shows where a late log begins.
    world.deals.push_back({.id = "early", .steps = {{1, "lead", 5}, {2, "lost", 5}}, .logged = false});
    return world;
  }
  /// The same world until `t`, and another one from there on.
  World other_future(const World& before, int t) {
    World world = ended(before, t);
    world.end = end_hour;
    for (TrueDeal& deal : world.deals) {
      grow(world, deal, t);
      if (below(6) == 0) deal.deleted = t + 1 + below(200);
    }
    world.deals.push_back({.id = "last", .steps = {{end_hour - 1, "lead", 1}}});
    return world;
  }
  static World ended(const World& before, int t) {
    World world = before;
    world.end = t;
    std::erase_if(world.deals, [&](const TrueDeal& deal) { return deal.steps.front().at > t; });
    for (TrueDeal& deal : world.deals)
      std::erase_if(deal.steps, [&](const Step& step) { return step.at > t; });
    return world;
  }

 private:
  void grow(const World& world, TrueDeal& deal, int from) {
    const bool reopens = world.reopens && deal.logged;
    for (int at = from + 1 + below(400); at < end_hour - 1; at += 1 + below(400)) {
      Step next = deal.steps.back();
      next.at = at;
      if (is_closed(next.stage)) {
        if (!reopens || below(3) != 0) return;
        next.stage = "offer";
      } else if (below(3) == 0) {
        next.amount = 10 + below(90);
      } else {
        next.stage = next.stage == "lead" && below(3) != 0 ? "offer" : below(2) == 0 ? "won" : "lost";
      }
      deal.steps.push_back(next);
    }
  }
  std::mt19937_64 random_;
};

Instant instant_of(int hour) { return Instant{at_midnight_utc(Date{19723}).us + hour * (us_per_day / 24)}; }

class Rows {
 public:
  void add(std::initializer_list<std::pair<const char*, Cell>> cells) {
    for (const auto& [name, cell] : cells) columns_[name].push_back(cell);
  }
  [[nodiscard]] bool empty() const { return columns_.empty(); }
  [[nodiscard]] Table table() const {
    std::vector<std::pair<std::string, Column>> columns;
    for (const auto& [name, cells] : columns_) columns.emplace_back(name, Column::of_strings(cells));
    return Table(std::move(columns));
  }

 private:
  std::map<std::string, std::vector<Cell>> columns_;
};

/// The book that somebody would have exported at the world's end.
Crm book_of(const World& world) {
  const auto time = [](int hour) -> Cell {
    return hour < 0 ? std::nullopt : Cell(instant_of(hour).to_string());
  };
  Rows deals, log, stages;
  for (const auto& [stage, type] :
       {std::pair("lead", "open"), {"offer", "open"}, {"won", "won"}, {"lost", "lost"}})
    stages.add({{"stage_id", stage}, {"type", type}});
  for (const TrueDeal& deal : world.deals) {
    const Step& now = deal.steps.back();
    const bool closed = is_closed(now.stage);
    int close = -1;  // the entry into the last run of closed steps
    for (std::size_t i = deal.steps.size(); closed && i > 0 && is_closed(deal.steps[i - 1].stage); --i)
      close = deal.steps[i - 1].at;
    const auto flag = [&](bool value) -> Cell {
      return world.flags ? Cell(value ? "true" : "false") : std::nullopt;
    };
    deals.add({{"opportunity_id", deal.id},
               {"created_at", time(deal.steps.front().at)},
               {"stage_id", now.stage},
               {"amount", std::to_string(now.amount)},
               {"closed_at", deal.dated ? time(close) : std::nullopt},
               {"is_closed", flag(closed)},
               {"is_won", flag(now.stage == "won")},
               {"loss_reason", now.stage == "lost" ? Cell("price") : std::nullopt},
               {"probability", now.stage == "won"    ? "1"
                               : now.stage == "lost" ? "0"
                                                     : "0.5"},
               {"is_deleted", deal.deleted >= 0 ? "true" : "false"},
               {"source_modified_at", time(deal.deleted)}});
    if (!deal.logged || world.source == Source::none) continue;
    if (world.source == Source::snapshots) {
      for (int at = std::max(world.log_start, deal.steps.front().at) / 168 * 168 + 168; at <= world.end;
           at += 168) {
        std::size_t step = deal.steps.size() - 1;
        while (deal.steps[step].at > at) --step;
        log.add({{"opportunity_id", deal.id},
                 {"snapshot_date", time(at)},
                 {"stage_id", deal.steps[step].stage},
                 {"amount", std::to_string(deal.steps[step].amount)}});
      }
      continue;
    }
    for (std::size_t i = 0; i < deal.steps.size(); ++i) {
      const Step& step = deal.steps[i];
      if (step.at < world.log_start) continue;
      if (world.source == Source::versions) {
        log.add({{"opportunity_id", deal.id},
                 {"valid_from", time(step.at)},
                 {"stage_id", step.stage},
                 {"amount", std::to_string(step.amount)}});
        continue;
      }
      if (i == 0) continue;
      const Step& old = deal.steps[i - 1];
      const auto change = [&](const char* field, const std::string& from, const std::string& to) {
        if (from != to)
          log.add({{"opportunity_id", deal.id},
                   {"at", time(step.at)},
                   {"field", field},
                   {"old", from},
                   {"new", to}});
      };
      change("stage", old.stage, step.stage);
      change("amount", std::to_string(old.amount), std::to_string(step.amount));
    }
  }
  NamedTables tables{{"opportunity", deals.table()}, {"stage_def", stages.table()}};
  constexpr const char* names[] = {"opportunity_event", "opportunity_version", "opportunity_snapshot"};
  if (!log.empty()) tables.emplace_back(names[static_cast<std::size_t>(world.source)], log.table());
  return Crm::build(std::move(tables));
}

std::string cell_of(const Crm& crm, std::size_t row, const char* column) {
  return crm.has("opportunity", column) ? crm.column("opportunity", column).cell(row) : "";
}

/// What is said of how a deal ended.
std::string outcome_of(const Crm& crm, std::size_t row) {
  return std::to_string(static_cast<int>(crm.deals().status[row])) + " " +
         std::to_string(crm.deals().closed_at[row]) + " " + cell_of(crm, row, "closed_at") + " " +
         cell_of(crm, row, "is_won") + " " + cell_of(crm, row, "is_closed") + " " +
         std::to_string(crm.deals().deleted[row]);
}

void run(std::uint64_t seed) {
  Maker maker(seed);
  const World past = maker.world();
  const int t = 300 + maker.below(1500);
  const World world = maker.other_future(past, t), twin = maker.other_future(past, t);
  const Crm then = book_of(Maker::ended(past, t)).as_of(instant_of(t));
  const Crm here = book_of(world).as_of(instant_of(t)), there = book_of(twin).as_of(instant_of(t));
  bool log_began = false;
  for (std::size_t i = 0; i < here.deals().size(); ++i)
    log_began |= here.history().tracks(Field::stage) && here.history().changed(i, Field::stage);
  ASSERT_EQ(here.deals().size(), then.deals().size());
  ASSERT_EQ(there.deals().size(), then.deals().size());
  for (std::size_t i = 0; i < then.deals().size(); ++i) {
    const std::string id = then.column("opportunity", "opportunity_id").cell(i);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", deal " + id);
    const auto deal =
        std::find_if(world.deals.begin(), world.deals.end(), [&](const TrueDeal& d) { return d.id == id; });
    const Step& step =
        *std::find_if(deal->steps.rbegin(), deal->steps.rend(), [&](const Step& s) { return s.at <= t; });
    const auto row = static_cast<std::size_t>(here.row_of("opportunity", id));
    const auto other = static_cast<std::size_t>(there.row_of("opportunity", id));
    const bool closed = is_closed(step.stage);
    // Of a close without a time nobody can say later whether it had come by t.
    if (closed && !deal->dated) continue;
    ASSERT_EQ(outcome_of(here, row), outcome_of(there, other));
    ASSERT_EQ(outcome_of(here, row), outcome_of(then, i));
    // Of a deal that was reopened since, rows keep the last reason alone.
    if (cell_of(then, i, "loss_reason").empty()) {
      ASSERT_EQ(cell_of(here, row, "loss_reason"), "");
    }
    if (!closed) {
      ASSERT_EQ(here.deals().status[row], DealStatus::open);
      ASSERT_NE(cell_of(here, row, "probability"), "1");
      ASSERT_NE(cell_of(here, row, "probability"), "0");
    }
    // What the history says may not tell of the close either.
    const std::int64_t initial =
        here.history().tracks(Field::stage) ? here.history().initial(Field::stage)[row] : -1;
    if (initial >= 0) {
      ASSERT_FALSE(!closed && is_closed(std::string(here.column("opportunity", "stage_id")
                                                        .dictionary()[static_cast<std::size_t>(initial)])));
    }
    const std::string stage = cell_of(here, row, "stage_id");
    const bool kept = deal->logged && world.source != Source::none && t >= world.log_start;
    if (kept) {
      ASSERT_EQ(stage, cell_of(there, other, "stage_id"));
      ASSERT_EQ(cell_of(here, row, "amount"), cell_of(there, other, "amount"));
    }
    if (kept && world.source != Source::snapshots && world.log_start == 0) {
      ASSERT_EQ(here.deals().amount[row], step.amount * 100);
      if (log_began) {
        ASSERT_EQ(stage, step.stage);
      }
    }
    if (closed) {
      ASSERT_EQ(stage, step.stage);
    } else {
      ASSERT_FALSE(is_closed(stage)) << stage;
    }
  }
}

}  // namespace

TEST(CrmPast, KnowsNothingOfWhatCameLater) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    run(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}
