#include <gtest/gtest.h>

#include "salesops/table.hpp"

using namespace salesops;

namespace {

Table people() {
  return Table(
      {{"id", Column::of<std::int64_t>(Type::int64, {1, 2, 3})},
       {"name", Column::of_strings(std::vector<std::optional<std::string>>{"b", std::nullopt, "b"})}});
}

TEST(Table, TakesRowsAndMakesNullsOfNegativeOnes) {
  const std::vector<std::int64_t> rows{2, -1, 0};
  const Table taken = people().take(rows);
  EXPECT_EQ(taken.column("id").values<std::int64_t>()[0], 3);
  EXPECT_TRUE(taken.column("id").is_null(1));
  EXPECT_EQ(taken.column("name").text(2), "b");
  EXPECT_EQ(taken.column("name").null_count(), 1U);
}

TEST(Table, SlicesShareMemory) {
  const Table table = people();
  const Table slice = table.slice(1, 2);
  EXPECT_EQ(slice.column("id").data(), table.column("id").values<std::int64_t>().data() + 1);
  EXPECT_TRUE(slice.column("name").is_null(0));
  EXPECT_EQ(slice.column("name").text(1), "b");
  EXPECT_THROW((void)table.slice(2, 2), UsageError);
}

TEST(Table, ConcatPutsStringsUnderOneDictionary) {
  const Table other({{"name", Column::of_strings(std::vector<std::string>{"a", "b"})}});
  const std::vector<Table> tables{people(), other};
  const Table all = concat(tables);
  ASSERT_EQ(all.num_rows(), 5U);
  EXPECT_EQ(all.column("name").text(3), "a");
  EXPECT_EQ(all.column("name").values<std::int32_t>()[4], all.column("name").values<std::int32_t>()[0]);
  EXPECT_TRUE(all.column("id").is_null(4));
}

TEST(Table, NamesTheColumnThatWasMeant) {
  try {
    (void)people().column("nome");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("'name'"), std::string::npos);
  }
  EXPECT_THROW(Table({{"a", Column::nulls(Type::date, 1)}, {"a", Column::nulls(Type::date, 1)}}), UsageError);
  EXPECT_THROW(Table({{"a", Column::nulls(Type::date, 1)}, {"b", Column::nulls(Type::date, 2)}}), UsageError);
}

TEST(Table, RefusesValuesOfAnotherLayout) {
  EXPECT_THROW(Column::of<double>(Type::int64, {1.0}), UsageError);
  EXPECT_THROW((void)people().column("id").values<double>(), UsageError);
  EXPECT_THROW((void)people().column("id").dictionary(), UsageError);
}

TEST(Dictionary, MayBeginWithTheEmptyString) {
  DictionaryBuilder builder;
  EXPECT_EQ(builder.code(""), 0);
  EXPECT_EQ(builder.code("a"), 1);
  EXPECT_EQ(builder.code({}), 0);
  EXPECT_EQ((*builder.finish())[0], "");
}

TEST(Dictionary, FindsWhatItHolds) {
  DictionaryBuilder builder;
  const std::string large(100'000, 'x');
  EXPECT_EQ(builder.code("a"), 0);
  EXPECT_EQ(builder.code(large), 1);
  EXPECT_EQ(builder.code(""), 2);
  EXPECT_EQ(builder.code("a"), 0);
  const auto dictionary = builder.finish();
  EXPECT_EQ(dictionary->size(), 3U);
  EXPECT_EQ(dictionary->find(large), 1);
  EXPECT_EQ(dictionary->find("absent"), -1);
  EXPECT_EQ((*dictionary)[2], "");
}

}  // namespace

TEST(Dictionary, TheEmptyStringMayComeFirst) {
  DictionaryBuilder builder;
  EXPECT_EQ(builder.code(""), 0);
  EXPECT_EQ(builder.code("x"), 1);
  EXPECT_EQ(builder.code(""), 0);
  const auto dictionary = builder.finish();
  EXPECT_EQ((*dictionary)[0], "");
  EXPECT_EQ((*dictionary)[1], "x");
}
