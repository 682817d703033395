#include <gtest/gtest.h>

#include <map>

#include "pipeline_books.hpp"
#include "salesops/random.hpp"

using namespace salesops;

namespace {

/// The fixture of the pipeline-diff tests (goran-revops/pipeline-diff): fourteen deals, one week.
Crm week_of_changes() {
  struct Start {
    const char *id, *created, *stage, *amount, *due, *owner;
  };
  const std::vector<Start> deals{{"same", "08-01", "discovery", "100", "2026-10-15", "o1"},
                                 {"up", "08-01", "proposal", "200", "2026-10-20", "o1"},
                                 {"down", "08-01", "proposal", "300", "2026-11-01", "o2"},
                                 {"won", "08-01", "contract", "400", "2026-09-30", "o1"},
                                 {"lost", "08-01", "proposal", "500", "2026-10-01", "o2"},
                                 {"removed", "08-01", "discovery", "600", "2026-12-01", "o1"},
                                 {"new", "09-02", "discovery", "700", "2026-11-15", "o2"},
                                 {"reopened", "07-01", "proposal", "800", "2026-10-30", "o1"},
                                 {"pushed", "08-01", "proposal", "900", "2026-10-10", "o2"},
                                 {"pulled", "08-01", "proposal", "1000", "2027-02-01", "o1"},
                                 {"owner", "08-15", "proposal", "1100", "2026-11-20", "o1"},
                                 {"slipped", "08-15", "contract", "1200", "2026-09-05", "o2"},
                                 {"quick_win", "09-03", "contract", "50", "2026-09-10", "o1"},
                                 {"forward", "08-20", "discovery", "1300", "2026-12-15", "o2"}};
  struct Step {
    const char *id, *at, *field, *old, *fresh;
  };
  const std::vector<Step> steps{{"up", "09-03", "amount", "200", "250"},
                                {"down", "09-03", "amount", "300", "200"},
                                {"won", "09-04", "stage", "contract", "won"},
                                {"lost", "09-04", "stage", "proposal", "lost"},
                                {"removed", "09-05", "deleted", "", ""},
                                {"reopened", "08-20", "stage", "proposal", "lost"},
                                {"reopened", "09-06", "stage", "lost", "discovery"},
                                {"pushed", "09-03", "close_date", "2026-10-10", "2027-01-15"},
                                {"pulled", "09-03", "close_date", "2027-02-01", "2026-11-01"},
                                {"owner", "09-02", "owner", "o1", "o2"},
                                {"quick_win", "09-05", "stage", "contract", "won"},
                                {"forward", "09-04", "stage", "discovery", "contract"}};
  std::map<std::string, std::map<std::string, std::string>> now;
  for (const Start& deal : deals)
    now[deal.id] = {
        {"stage", deal.stage}, {"amount", deal.amount}, {"close_date", deal.due}, {"owner", deal.owner}};
  std::vector<std::string> event_id, at, field, old, fresh;
  for (const Step& step : steps) {
    event_id.emplace_back(step.id);
    at.push_back(std::string("2026-") + step.at + "T10:00:00Z");
    field.emplace_back(step.field);
    old.emplace_back(step.old);
    fresh.emplace_back(step.fresh);
    now[step.id][step.field] = step.fresh;
  }
  std::vector<std::string> id, created, stage, amount, due, owner;
  for (const Start& deal : deals) {
    id.emplace_back(deal.id);
    created.push_back(std::string("2026-") + deal.created + "T10:00:00Z");
    stage.push_back(now[deal.id]["stage"]);
    amount.push_back(now[deal.id]["amount"]);
    due.push_back(now[deal.id]["close_date"]);
    owner.push_back(now[deal.id]["owner"]);
  }
  return Crm::build(
      {{"opportunity", Table({{"opportunity_id", texts(id)},
                              {"created_at", texts(created)},
                              {"stage_id", texts(stage)},
                              {"amount", texts(amount)},
                              {"currency", texts(std::vector<std::string>(id.size(), "JPY"))},
                              {"close_date", texts(due)},
                              {"owner_id", texts(owner)}})},
       {"opportunity_event", Table({{"opportunity_id", texts(event_id)},
                                    {"at", texts(at)},
                                    {"field", texts(field)},
                                    {"old", texts(old)},
                                    {"new", texts(fresh)}})},
       {"stage_def", Table({{"stage_id", texts({"discovery", "proposal", "contract", "won", "lost"})},
                            {"type", texts({"open", "open", "open", "won", "lost"})}})}});
}

using Bucket = pipeline::Waterfall::Bucket;

void expect_steps(
    const pipeline::Waterfall& waterfall,
    const std::vector<std::pair<pipeline::Movement, std::pair<std::int64_t, std::int64_t>>>& wanted) {
  std::map<pipeline::Movement, std::pair<std::int64_t, std::int64_t>> left(wanted.begin(), wanted.end());
  std::int64_t sum = waterfall.opening.amount;
  for (std::size_t i = 0; i < pipeline::movement_count; ++i) {
    const auto movement = static_cast<pipeline::Movement>(i);
    const auto found = left.find(movement);
    const auto expected = found == left.end() ? std::pair<std::int64_t, std::int64_t>() : found->second;
    EXPECT_EQ(waterfall[movement].amount, expected.first) << pipeline::movement_name(movement);
    EXPECT_EQ(waterfall[movement].deals, expected.second) << pipeline::movement_name(movement);
    sum += waterfall[movement].amount;
  }
  EXPECT_EQ(sum, waterfall.closing.amount);
}

TEST(Waterfall, TheWeekOfThePipelineDiffFixture) {
  using enum pipeline::Movement;
  const Crm crm = week_of_changes();
  const Instant start = day(2026, 9, 1), end = day(2026, 9, 8);
  const auto all = pipeline::waterfall(crm, start, end);
  EXPECT_EQ(all.opening.amount, 7600);
  EXPECT_EQ(all.closing.amount, 7550);
  expect_steps(all, {{created, {750, 2}},
                     {reopened, {800, 1}},
                     {up, {50, 1}},
                     {down, {-100, 1}},
                     {won, {-450, 2}},
                     {lost, {-500, 1}},
                     {removed, {-600, 1}}});
  EXPECT_EQ(all.to_table().num_rows(), pipeline::movement_count + 2);
  EXPECT_EQ(all.details.num_rows(), 9U);

  pipeline::WaterfallOptions this_year;
  this_year.due_from = Date::from_ymd(2026, 9, 1);
  this_year.due_before = Date::from_ymd(2027, 1, 1);
  const auto windowed = pipeline::waterfall(crm, start, end, this_year);
  EXPECT_EQ(windowed.opening.amount, 6600);
  EXPECT_EQ(windowed.closing.amount, 6650);
  expect_steps(windowed, {{created, {750, 2}},
                          {reopened, {800, 1}},
                          {pulled_in, {1000, 1}},
                          {up, {50, 1}},
                          {down, {-100, 1}},
                          {won, {-450, 2}},
                          {lost, {-500, 1}},
                          {removed, {-600, 1}},
                          {pushed_out, {-900, 1}}});

  pipeline::WaterfallOptions first, second;
  first.owners = {"o1"};
  second.owners = {"o2"};
  const auto o1 = pipeline::waterfall(crm, start, end, first),
             o2 = pipeline::waterfall(crm, start, end, second);
  EXPECT_EQ(o1.opening.amount, 3400);
  EXPECT_EQ(o1.closing.amount, 2150);
  expect_steps(o1, {{created, {50, 1}},
                    {reopened, {800, 1}},
                    {up, {50, 1}},
                    {won, {-450, 2}},
                    {removed, {-600, 1}},
                    {moved_out, {-1100, 1}}});
  EXPECT_EQ(o2.opening.amount, 4200);
  EXPECT_EQ(o2.closing.amount, 5400);
  expect_steps(o2, {{created, {700, 1}}, {moved_in, {1100, 1}}, {down, {-100, 1}}, {lost, {-500, 1}}});
  first.owners = {"nobody"};
  EXPECT_THROW((void)pipeline::waterfall(crm, start, end, first), UsageError);
  EXPECT_THROW((void)pipeline::waterfall(crm, end, start), UsageError);
}

TEST(Waterfall, ConservesEveryScopeAndChains) {
  const Crm& crm = sample_book();
  const Dictionary& owners = crm.column("opportunity", "owner_id").dictionary();
  random::Stream stream(5);
  for (int i = 0; i < 12; ++i) {
    std::array<std::int64_t, 3> days{stream.integer(19'400, 20'400), stream.integer(19'400, 20'400),
                                     stream.integer(19'400, 20'400)};
    std::sort(days.begin(), days.end());
    pipeline::WaterfallOptions scope;
    if (i % 3 != 0) scope.due_from = Date{static_cast<std::int32_t>(days[0] + stream.integer(-100, 100))};
    if (i % 3 == 1) scope.due_before = *scope.due_from + static_cast<int>(stream.integer(1, 200));
    if (i % 2 == 1)
      scope.owners = {std::string(
          owners[static_cast<std::size_t>(stream.integer(0, static_cast<std::int64_t>(owners.size()) - 1))])};
    const auto at_day = [&](std::size_t n) { return Instant{days[n] * us_per_day}; };
    const auto whole = pipeline::waterfall(crm, at_day(0), at_day(2), scope);
    const auto before = pipeline::waterfall(crm, at_day(0), at_day(1), scope);
    const auto after = pipeline::waterfall(crm, at_day(1), at_day(2), scope);
    for (const auto* one : {&whole, &before, &after}) {
      std::int64_t sum = one->opening.amount;
      for (const Bucket& bucket : one->movements) sum += bucket.amount;
      EXPECT_EQ(sum, one->closing.amount);
      std::int64_t details = 0;
      for (const std::int64_t amount : one->details.column("amount").values<std::int64_t>())
        details += amount;
      EXPECT_EQ(one->opening.amount + details, one->closing.amount);
    }
    EXPECT_EQ(before.opening.amount, whole.opening.amount);
    EXPECT_EQ(before.closing.amount, after.opening.amount);
    EXPECT_EQ(after.closing.amount, whole.closing.amount);
  }
}

}  // namespace
