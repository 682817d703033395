#include <gtest/gtest.h>

#include <random>

#include "salesops/history.hpp"

using namespace salesops;

namespace {

History::Row change(std::int64_t entity, std::int64_t at, Field field, std::int64_t value,
                    std::optional<std::int64_t> old = std::nullopt, std::int64_t seq = 0) {
  return {.entity = entity,
          .seq = seq,
          .old = old.value_or(null_value),
          .old_known = old.has_value(),
          .change = {.at = at, .value = value, .field = field}};
}

TEST(History, StartsFromTheOldValueThePresentOrUnknown) {
  const History history(3, {change(0, 10, Field::stage, 2, 1), change(1, 20, Field::stage, 5)},
                        {std::vector<std::int64_t>{2, 5, 7}});
  EXPECT_EQ(history.value_at(0, Field::stage, 9), 1);
  EXPECT_EQ(history.value_at(0, Field::stage, 10), 2);
  EXPECT_EQ(history.value_at(1, Field::stage, 19), null_value) << "left-truncated, not zero";
  EXPECT_EQ(history.value_at(2, Field::stage, 0), 7) << "never changed";
  EXPECT_FALSE(history.tracks(Field::amount));
}

TEST(History, KnowsWhichEntitiesChanged) {
  const History history(3, {change(0, 10, Field::stage, 2, 1), change(2, 20, Field::owner, 5)}, {});
  EXPECT_TRUE(history.changed(0, Field::stage));
  EXPECT_FALSE(history.changed(0, Field::owner));
  EXPECT_FALSE(history.changed(1, Field::stage));
  EXPECT_TRUE(history.changed(2, Field::owner));
  EXPECT_FALSE(history.until(15).changed(2, Field::owner));
  EXPECT_TRUE(history.take(std::vector<std::int64_t>{2}).changed(0, Field::owner));
  const std::vector<History::Row> more{change(1, 5, Field::stage, 4)};
  const auto none = [](std::size_t, Field) { return null_value; };
  EXPECT_TRUE(history.with(3, more, {}, none).changed(1, Field::stage));
  EXPECT_FALSE(
      history.with(3, more, {}, none).without(std::vector<std::int64_t>{1}).changed(1, Field::stage));
}

TEST(History, OrdersByTimeThenSeqThenInput) {
  const History history(
      1,
      {change(0, 5, Field::stage, 3, std::nullopt, 2), change(0, 5, Field::stage, 2, std::nullopt, 1),
       change(0, 1, Field::stage, 1), change(0, 5, Field::stage, 4, std::nullopt, 2)},
      {});
  std::vector<std::int64_t> values;
  for (const Change& c : history.changes(0)) values.push_back(c.value);
  EXPECT_EQ(values, (std::vector<std::int64_t>{1, 2, 3, 4}));
}

TEST(History, AnyOrderOfRowsAndAnySplitGiveTheSame) {
  std::mt19937_64 random(7);
  std::vector<History::Row> rows;
  for (std::int64_t i = 0; i < 2000; ++i)
    rows.push_back(change(static_cast<std::int64_t>(random() % 50), i, static_cast<Field>(random() % 3),
                          static_cast<std::int64_t>(random() % 9), std::int64_t{1}));
  const History whole(50, rows, {});
  std::shuffle(rows.begin(), rows.end(), random);
  const History shuffled(50, rows, {});
  std::vector<History::Row> early, late;
  for (const auto& row : rows) (row.change.at < 900 ? early : late).push_back(row);
  const History grown =
      History(50, early, {}).with(50, late, {}, [](std::size_t, Field) { return null_value; });
  for (std::size_t entity = 0; entity < 50; ++entity)
    for (const std::int64_t t : {-1, 500, 899, 900, 1500, 5000})
      for (const Field field : {Field::stage, Field::amount, Field::close_date}) {
        ASSERT_EQ(whole.value_at(entity, field, t), shuffled.value_at(entity, field, t));
        ASSERT_EQ(whole.value_at(entity, field, t), grown.value_at(entity, field, t));
        if (t <= 1500) {
          ASSERT_EQ(whole.value_at(entity, field, t), whole.until(1500).value_at(entity, field, t));
        }
      }
  const std::vector<std::int64_t> some{7, 3};
  EXPECT_EQ(whole.take(some).changes(1).size(), whole.changes(3).size());
}

TEST(History, RefusesAnEntityItDoesNotHave) {
  EXPECT_THROW(History(1, {change(1, 0, Field::stage, 0)}, {}), UsageError);
  EXPECT_EQ(History(0, {}, {}).entities(), 0U);
  EXPECT_EQ(History().entities(), 0U);
}

}  // namespace

namespace {

History::Row any_row(std::mt19937_64& random, std::int64_t entities) {
  History::Row row{.entity = static_cast<std::int64_t>(random()) & 0x7fff,
                   .seq = static_cast<std::int64_t>(random() % 2),
                   .old = null_value,
                   .old_known = random() % 2 == 0,
                   .change = {.at = static_cast<std::int64_t>(random() % 5),
                              .value = static_cast<std::int64_t>(random() % 9),
                              .field = static_cast<Field>(random() % 3)}};
  row.entity %= entities;
  if (row.old_known) row.old = static_cast<std::int64_t>(random() % 9);
  return row;
}

void expect_same(const History& got, const History& want) {
  ASSERT_EQ(got.entities(), want.entities());
  ASSERT_EQ(got.size(), want.size());
  ASSERT_EQ(got.latest(), want.latest());
  for (std::size_t entity = 0; entity < want.entities(); ++entity) {
    ASSERT_EQ(got.changes(entity).size(), want.changes(entity).size());
    for (std::size_t i = 0; i < want.changes(entity).size(); ++i) {
      ASSERT_EQ(got.changes(entity)[i].at, want.changes(entity)[i].at);
      ASSERT_EQ(got.changes(entity)[i].value, want.changes(entity)[i].value);
      ASSERT_EQ(got.changes(entity)[i].field, want.changes(entity)[i].field);
    }
  }
  for (std::size_t f = 0; f < field_count; ++f) {
    const Field field = static_cast<Field>(f);
    ASSERT_EQ(got.tracks(field), want.tracks(field));
    ASSERT_TRUE(std::ranges::equal(got.initial(field), want.initial(field))) << field_column(field);
  }
}

}  // namespace

TEST(History, WithMoreRowsEqualsTheHistoryOfAll) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 100; ++round) {
    std::size_t entities = 1 + random() % 700;
    std::array<std::vector<std::int64_t>, field_count> present;
    const auto grow = [&](std::size_t to) {
      for (auto& values : present)
        while (values.size() < to) values.push_back(static_cast<std::int64_t>(random() % 9));
    };
    grow(entities);
    std::vector<History::Row> rows;
    for (std::size_t i = random() % 50; i > 0; --i)
      rows.push_back(any_row(random, static_cast<std::int64_t>(entities)));
    History history(entities, rows, present);
    for (int step = 0; step < 3; ++step) {
      entities += random() % 3;
      grow(entities);
      std::vector<History::Row> more;
      for (std::size_t i = random() % 5; i > 0; --i)
        more.push_back(any_row(random, static_cast<std::int64_t>(entities)));
      const auto touched = static_cast<std::int64_t>(random() % entities);
      for (auto& values : present) values[static_cast<std::size_t>(touched)] = 3;
      rows.insert(rows.end(), more.begin(), more.end());
      const History before = history;
      history = history.with(entities, more, std::vector{touched}, [&](std::size_t entity, Field field) {
        return present[static_cast<std::size_t>(field)][entity];
      });
      expect_same(history, History(entities, rows, present));
      // Taken apart and put together again.
      const std::int64_t one = more.empty() ? 0 : more.front().entity;
      std::vector<History::Row> own;
      for (const History::Row& row : rows)
        if (row.entity == one) own.push_back(row);
      const auto known = [&](std::size_t entity, Field field) {
        return present[static_cast<std::size_t>(field)][entity];
      };
      const auto yet_to_come = static_cast<std::int64_t>(entities) + 300;
      expect_same(history.without(std::vector{yet_to_come, one}).with(entities, own, {}, known), history);
      if (HasFatalFailure()) return;
    }
  }
}
