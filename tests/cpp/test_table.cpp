#include <gtest/gtest.h>

#include <random>

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

TEST(Column, WithRowsIsTheColumnOfTheSameCells) {
  using Cells = std::vector<std::optional<std::string>>;
  std::mt19937 random(5);
  const auto any_cells = [&](std::size_t n) {
    Cells cells(n);
    for (auto& cell : cells)
      if (random() % 3 != 0) cell = std::string(1 + random() % 2, static_cast<char>('a' + random() % 9));
    return cells;
  };
  const auto cells_of = [](const Column& column) {
    Cells cells(column.size());
    for (std::size_t row = 0; row < column.size(); ++row)
      if (column.valid(row)) cells[row] = column.text(row);
    return cells;
  };
  std::vector<std::pair<Column, Cells>> versions;
  const Cells some = any_cells(20);
  versions.emplace_back(Column::of_strings(some), some);
  versions.emplace_back(Column::of_strings(some).slice(3, 13), Cells(some.begin() + 3, some.begin() + 16));
  versions.emplace_back(Column::nulls(Type::string, 0), Cells());
  for (int step = 0; step < 3000; ++step) {
    auto [column, cells] = versions[random() % versions.size()];
    const Cells changes = any_cells(random() % 4);
    std::vector<std::int64_t> rows;
    for (const auto& cell : changes) {
      rows.push_back(static_cast<std::int64_t>(random() % (cells.size() + 3)));
      if (std::count(rows.begin(), rows.end(), rows.back()) > 1)
        rows.back() = static_cast<std::int64_t>(cells.size());
      if (rows.back() >= static_cast<std::int64_t>(cells.size()))
        cells.resize(static_cast<std::size_t>(rows.back()) + 1);
      cells[static_cast<std::size_t>(rows.back())] = cell;
    }
    const Column next = column.with(rows, Column::of_strings(changes));
    ASSERT_EQ(cells_of(next), cells);
    versions.emplace_back(next, cells);
  }
  for (const auto& [column, cells] : versions) ASSERT_EQ(cells_of(column), cells) << "a version changed";
}

TEST(Column, WithRowsCopiesOnlyWhatChanges) {
  const Column column = Column::of<std::int64_t>(Type::int64, {1, 2, 3});
  const std::vector<std::int64_t> row{1};
  EXPECT_EQ(column.with(row, Column::of<std::int64_t>(Type::int64, {2})).data(), column.data());
  EXPECT_EQ(column.with(row, Column::of<std::int64_t>(Type::int64, {4})).values<std::int64_t>()[1], 4);
  EXPECT_EQ(column.values<std::int64_t>()[1], 2);
  EXPECT_THROW((void)column.with(row, Column::of<double>(Type::float64, {4})), UsageError);
  EXPECT_THROW((void)column.with(std::vector<std::int64_t>{-1}, column.slice(0, 1)), UsageError);
}

TEST(Dictionary, GrowsUnderItsCodes) {
  std::shared_ptr<const Dictionary> dictionary = std::make_shared<const Dictionary>();
  std::vector<std::shared_ptr<const Dictionary>> versions;
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) {
    texts.push_back("text " + std::to_string(i));
    dictionary = dictionary->with(std::vector{texts.back()});
    versions.push_back(dictionary);
  }
  for (std::size_t v = 0; v < versions.size(); v += 97) {
    ASSERT_EQ(versions[v]->size(), v + 1);
    for (std::size_t i = 0; i < texts.size(); i += 13) {
      ASSERT_EQ(versions[v]->find(texts[i]), i <= v ? static_cast<std::int32_t>(i) : -1);
      if (i <= v) ASSERT_EQ((*versions[v])[i], texts[i]);
    }
  }
}
