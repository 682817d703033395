#include <gtest/gtest.h>

#include "salesops/crm.hpp"

using namespace salesops;

namespace {

using Texts = std::vector<std::optional<std::string>>;

Column texts(const Texts& values) { return Column::of_strings(values); }

std::int64_t us(const char* text) { return Instant::parse(text)->us; }

Crm two_deals() {
  return Crm::build({
      {"opportunity", Table({{"opportunity_id", texts({"a", "b"})},
                             {"created_at", texts({"2026-01-01", "2026-01-10"})},
                             {"stage_id", texts({"won", "offer"})},
                             {"amount", texts({"120.50", "80"})},
                             {"currency", texts({"EUR", "EUR"})},
                             {"name", texts({"A", "B"})}})},
      {"opportunity_event", Table({{"opportunity_id", texts({"a", "a", "a", "b"})},
                                   {"at", texts({"2026-03-01", "2026-02-01", "2026-02-15", "2026-02-01"})},
                                   {"field", texts({"stage", "stage", "amount", "stage"})},
                                   {"old", texts({"offer", "lead", "100", "lead"})},
                                   {"new", texts({"won", "offer", "120.50", "offer"})}})},
      {"stage_def", Table({{"stage_id", texts({"lead", "offer", "won", "lost"})},
                           {"rank", Column::of<std::int64_t>(Type::int64, {1, 2, 3, 4})},
                           {"type", texts({"open", "open", "won", "lost"})}})},
  });
}

TEST(Crm, DerivesStatusAndCloseFromTheStageHistory) {
  const Crm crm = two_deals();
  EXPECT_EQ(crm.deals().status[0], DealStatus::won);
  EXPECT_EQ(crm.deals().closed_at[0], us("2026-03-01"));
  EXPECT_EQ(crm.deals().amount[0], 12050);
  EXPECT_EQ(crm.deals().status[1], DealStatus::open);
  EXPECT_EQ(crm.latest().us, us("2026-03-01"));
  EXPECT_EQ(crm.currency(), "EUR");
}

TEST(Crm, KnowsDaysOfClosesThatOnlyTheCloseDateTells) {
  const auto latest = [](const Texts& stages, const Texts& dates, const Texts& written) {
    return Crm::build({{"opportunity", Table({{"opportunity_id", texts({"a", "b"})},
                                              {"created_at", texts({"2026-01-01", "2026-01-10"})},
                                              {"stage_id", texts(stages)},
                                              {"close_date", texts(dates)},
                                              {"source_modified_at", texts(written)}})}})
        .latest()
        .us;
  };
  const Texts unsaid{std::nullopt, std::nullopt};
  EXPECT_EQ(latest({"won", "lost"}, {"2026-02-01", "2026-03-01"}, unsaid), us("2026-03-01"));
  EXPECT_EQ(latest({"won", "offer"}, {"2026-02-01", "2026-03-01"}, unsaid), us("2026-02-01"));  // planned
  EXPECT_EQ(latest({"offer", "won"}, {"2026-02-01", "9999-12-31"}, unsaid), us("2026-01-10"));
  // Won before the day that was planned.
  EXPECT_EQ(latest({"offer", "won"}, {std::nullopt, "2026-06-30"}, {std::nullopt, "2026-02-10"}),
            us("2026-02-10"));
  // Dates are all that a book may have.
  EXPECT_EQ(Crm::build({{"opportunity", Table({{"opportunity_id", texts({"a", "b"})},
                                               {"is_won", texts({"true", "false"})},
                                               {"close_date", texts({"2026-02-01", "2027-01-01"})}})}})
                .latest()
                .us,
            us("2026-02-01"));
}

TEST(Crm, SaysWhatEachStageMeans) {
  const Crm crm = two_deals();
  const auto statuses = crm.stage_statuses();
  const Dictionary& names = crm.column("opportunity", "stage_id").dictionary();
  EXPECT_EQ(statuses.at(static_cast<std::size_t>(names.find("won"))), DealStatus::won);
  EXPECT_EQ(statuses.at(static_cast<std::size_t>(names.find("lead"))), DealStatus::open);
  EXPECT_TRUE(Crm::build({}).stage_statuses().empty());
}

TEST(Crm, IsRewoundToWhatWasKnown) {
  const Crm then = two_deals().as_of(Instant{us("2026-02-10")});
  EXPECT_EQ(then.table("opportunity").column("stage_id").text(0), "offer");
  EXPECT_EQ(then.deals().status[0], DealStatus::open);
  EXPECT_EQ(then.deals().amount[0], 10000);
  EXPECT_EQ(then.deals().closed_at[0], null_value);
  const Crm earlier = two_deals().as_of(Instant{us("2026-01-05")});
  EXPECT_EQ(earlier.table("opportunity").num_rows(), 1U);
  EXPECT_EQ(earlier.table("opportunity").column("stage_id").text(0), "lead");
  EXPECT_EQ(then.issues().count("opportunity", "name", "untracked_column"), 1);
  EXPECT_FALSE(
      two_deals().as_of(then.latest(), {.strict = true, .allow_current = {}}).has("opportunity", "name"));
}

TEST(Crm, CountsReconcileAndNamesWhatIsWrong) {
  const Crm crm =
      Crm::build({{"opportunity",
                   Table({{"opportunity_id", texts({"a", std::nullopt, "a", " ", "b"})},
                          {"amount", texts({"1", "2", "3", "4", "x"})},
                          {"probability", Column::of<double>(Type::float64, {0.5, 20, 0.1, 3, 4})},
                          {"owner_id", texts({"r1", "r1", "r9", "r1", "r1"})},
                          {"forecast_category", texts({"Best Case", "commit", "dream", "commit", "commit"})},
                          {"mine", texts({"p", "q", "r", "s", "t"})}})},
                  {"rep", Table({{"rep_id", texts({"r1"})}})}});
  const Table counts = crm.counts();
  EXPECT_EQ(counts.column("rows_in").values<std::int64_t>()[0], 5);
  EXPECT_EQ(counts.column("kept").values<std::int64_t>()[0], 2);
  EXPECT_EQ(counts.column("superseded").values<std::int64_t>()[0], 1);
  EXPECT_EQ(counts.column("rejected").values<std::int64_t>()[0], 2);
  EXPECT_EQ(crm.issues().count("opportunity", "amount", "not_an_amount"), 1);
  EXPECT_EQ(crm.issues().count("mixed_fraction_scales"), 5);
  EXPECT_EQ(crm.issues().count("orphan_key"), 1);
  EXPECT_EQ(crm.issues().count("unknown_value"), 1);
  EXPECT_EQ(crm.table("opportunity").column("mine").text(0), "r");
}

TEST(Crm, SaysWhichTableOrKeyIsMissing) {
  EXPECT_THROW(Crm::build({{"opportunities", Table()}}), UsageError);
  EXPECT_THROW(Crm::build({{"opportunity", Table({{"id", texts({"a"})}})}}), UsageError);
  EXPECT_THROW((void)two_deals().table("lead"), UsageError);
  EXPECT_NO_THROW(Crm::build({}));
  EXPECT_EQ(Crm::build({{"opportunity", Table({{"opportunity_id", Column::nulls(Type::string, 0)}})}})
                .deals()
                .size(),
            0U);
}

}  // namespace

TEST(Crm, AppliesTomorrowsExport) {
  const Crm today = two_deals();
  const Crm tomorrow =
      today.apply({{"opportunity", Table({{"opportunity_id", texts({"b", "c"})},
                                          {"stage_id", texts({"lost", "lead"})},
                                          {"created_at", texts({"2026-01-10", "2026-03-05"})},
                                          {"amount", texts({"90", "10"})},
                                          {"currency", texts({"EUR", "EUR"})},
                                          {"source_modified_at", texts({"2026-03-06", "2026-03-06"})}})}});
  EXPECT_EQ(today.deals().size(), 2U);
  ASSERT_EQ(tomorrow.deals().size(), 3U);
  EXPECT_EQ(tomorrow.deals().status[1], DealStatus::lost);
  EXPECT_EQ(tomorrow.deals().closed_at[1], us("2026-03-06"));
  EXPECT_EQ(tomorrow.deals().amount[2], 1000);
  EXPECT_EQ(tomorrow.table("opportunity").column("name").text(1), "B");
  EXPECT_TRUE(tomorrow.table("opportunity").column("name").is_null(2));
  EXPECT_EQ(tomorrow.row_of("opportunity", "c"), 2);
  // The past stays as it was.
  const Crm then = tomorrow.as_of(Instant{us("2026-03-02")});
  EXPECT_EQ(then.deals().size(), 2U);
  EXPECT_EQ(then.deals().amount[1], 8000);
  EXPECT_EQ(then.deals().status[1], DealStatus::open);
  const Table counts = tomorrow.counts();
  for (std::size_t row = 0; row < counts.num_rows(); ++row) {
    const auto at = [&](const char* name) { return counts.column(name).values<std::int64_t>()[row]; };
    EXPECT_EQ(at("rows_in"), at("kept") + at("superseded") + at("rejected") + at("deleted"));
  }
  // A row that is older than the book's changes nothing.
  const Crm late = tomorrow.apply({{"opportunity", Table({{"opportunity_id", texts({"b"})},
                                                          {"stage_id", texts({"lead"})},
                                                          {"source_modified_at", texts({"2026-01-20"})}})}});
  EXPECT_EQ(late.deals().status[1], DealStatus::lost);
}
