#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <unordered_map>

#include "arrow_builder.hpp"
#include "salesops/arrow.hpp"

using namespace salesops;
using namespace arrow_test;

namespace {

Table import(std::vector<Field> batches, const arrow::ImportOptions& options = {}) {
  static Counts counts;
  ArrowArrayStream stream = stream_of(std::move(batches), counts);
  return arrow::import_stream(&stream, options);
}

Column import_one(Field field) { return import({batch({std::move(field)})}).columns().front().second; }

/// Cells as text; "-" for a null.
std::vector<std::string> cells(const Column& column) {
  std::vector<std::string> result;
  for (std::size_t row = 0; row < column.size(); ++row)
    result.push_back(column.is_null(row) ? "-" : column.cell(row));
  return result;
}

using Cells = std::vector<std::string>;

std::string data_error(Field field) {
  try {
    import_one(std::move(field));
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST(ArrowImport, NumbersOfOneBatchAreBorrowedAndReleasedOnceAtTheEnd) {
  Counts counts;
  ArrowArrayStream stream{};
  Producer producer{batch({numbers<double>("g", "amount", {1.5, 2.5, 3.5})}), {}, -2, {}};
  producer.batches = {producer.schema};
  make_stream(producer, &stream, counts);
  static const void* address = nullptr;
  static int (*inner)(ArrowArrayStream*, ArrowArray*) = nullptr;
  inner = stream.get_next;
  stream.get_next = [](ArrowArrayStream* self, ArrowArray* array) {
    const int code = inner(self, array);
    if (array->release != nullptr) address = array->children[0]->buffers[1];
    return code;
  };
  {
    const Table table = arrow::import_stream(&stream);
    EXPECT_EQ(stream.release, nullptr);
    EXPECT_EQ(table.column("amount").data(), address);
    EXPECT_EQ(counts.live(), 2) << "the batch and its child live on, all else is released";
    EXPECT_EQ(cells(table.column("amount")), (Cells{"1.5", "2.5", "3.5"}));
  }
  EXPECT_EQ(counts.live(), 0);
}

TEST(ArrowImport, JoinedBatchesAreReleasedAtOnce) {
  Counts counts;
  ArrowArrayStream stream = stream_of(
      {batch({numbers<std::int64_t>("l", "n", {1, 2})}), batch({numbers<std::int64_t>("l", "n", {3})})},
      counts);
  const Table table = arrow::import_stream(&stream);
  EXPECT_EQ(counts.live(), 0);
  EXPECT_EQ(cells(table.column("n")), (Cells{"1", "2", "3"}));
}

TEST(ArrowImport, EveryNumberTypeKeepsItsValues) {
  EXPECT_EQ(cells(import_one(numbers<std::int8_t>("c", "v", {-128, 127}))), (Cells{"-128", "127"}));
  EXPECT_EQ(cells(import_one(numbers<std::uint8_t>("C", "v", {0, 255}))), (Cells{"0", "255"}));
  EXPECT_EQ(cells(import_one(numbers<std::int16_t>("s", "v", {-32768}))), (Cells{"-32768"}));
  EXPECT_EQ(cells(import_one(numbers<std::uint16_t>("S", "v", {65535}))), (Cells{"65535"}));
  EXPECT_EQ(cells(import_one(numbers<std::int32_t>("i", "v", {-5}))), (Cells{"-5"}));
  EXPECT_EQ(cells(import_one(numbers<std::uint32_t>("I", "v", {4294967295U}))), (Cells{"4294967295"}));
  EXPECT_EQ(cells(import_one(numbers<std::uint64_t>("L", "v", {~0ULL}))), (Cells{"18446744073709551615"}));
  EXPECT_EQ(cells(import_one(numbers<float>("f", "v", {0.5F}))), (Cells{"0.5"}));
  EXPECT_EQ(import_one(numbers<std::int32_t>("tdD", "v", {0})).type(), Type::date);
}

TEST(ArrowImport, HalfFloatsAreExact) {
  const Column column =
      import_one(numbers<std::uint16_t>("e", "v", {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x8000}));
  const auto values = column.values<float>();
  EXPECT_EQ(values[0], 1.0F);
  EXPECT_EQ(values[1], -2.0F);
  EXPECT_EQ(values[2], 0x1p-24F);
  EXPECT_EQ(values[3], 65504.0F);
  EXPECT_TRUE(std::isinf(values[4]));
  EXPECT_TRUE(std::signbit(values[5]));
}

TEST(ArrowImport, OffsetsOfParentAndChildAddUp) {
  Field amount =
      numbers<std::int64_t>("l", "amount", {0, 1, 2, 3, 4, 5, 6}, std::vector{1, 1, 1, 0, 1, 0, 1});
  amount.offset = 1;
  amount.length = 6;
  Field flag = numbers<std::uint8_t>("b", "flag", {0b0010'1000}, std::vector{1, 1, 1, 1, 0, 1, 1});
  flag.offset = 1;
  flag.length = 6;
  Field name = texts<std::int32_t>("u", "name", {"a", "b", "c", "d", "e", "f", "g"});
  name.offset = 1;
  name.length = 6;
  Field rows = batch({amount, flag, name});
  rows.offset = 2;
  rows.length = 3;
  for (const bool joined : {false, true}) {
    std::vector<Field> batches{rows};
    if (joined) batches.push_back(rows);
    const Table table = import(batches).slice(0, 3);
    EXPECT_EQ(cells(table.column("amount")), (Cells{"-", "4", "-"}));
    EXPECT_EQ(cells(table.column("flag")), (Cells{"true", "-", "true"}));
    EXPECT_EQ(cells(table.column("name")), (Cells{"d", "e", "f"}));
  }
}

TEST(ArrowImport, ValidityMayBeMissingOrUncounted) {
  Field uncounted = numbers<std::int32_t>("i", "v", {1, 2}, std::vector{1, 0});
  uncounted.null_count = -1;
  EXPECT_EQ(cells(import_one(uncounted)), (Cells{"1", "-"}));
  Field missing = numbers<std::int32_t>("i", "v", {1, 2});
  missing.null_count = -1;
  EXPECT_EQ(cells(import_one(missing)), (Cells{"1", "2"}));
  missing.null_count = 1;
  EXPECT_NE(data_error(missing).find("no validity buffer"), std::string::npos);
}

TEST(ArrowImport, NullRowsOfTheBatchAreNullInAllColumns) {
  Field rows =
      batch({numbers<std::int64_t>("l", "n", {1, 2, 3}, std::vector{1, 1, 0}),
             numbers<std::uint8_t>("b", "b", {0b111}), texts<std::int64_t>("U", "s", {"x", "y", "z"}),
             dictionary<std::int32_t>("i", "d", {0, 99, 0}, texts<std::int32_t>("u", "", {"k"}))});
  rows.children[1].length = 3;
  rows.buffers = {bits_of({1, 0, 1})};
  rows.null_count = 1;
  const Table table = import({rows});
  EXPECT_EQ(cells(table.column("n")), (Cells{"1", "-", "-"}));
  EXPECT_EQ(cells(table.column("b")), (Cells{"true", "-", "true"}));
  EXPECT_EQ(cells(table.column("s")), (Cells{"x", "-", "z"}));
  EXPECT_EQ(cells(table.column("d")), (Cells{"k", "-", "k"}));
}

TEST(ArrowImport, UnalignedBuffersAreCopied) {
  Field field = numbers<std::int64_t>("l", "n", {0, 7, 8});
  Bytes shifted(3);
  const Bytes values = bytes_of<std::int64_t>({7, 8});
  shifted.insert(shifted.end(), values.begin(), values.end());
  Counts counts;
  ArrowSchema schema{};
  ArrowArray array{};
  field.buffers[1] = shifted;
  field.length = 2;
  make_schema(batch({field}), &schema, counts);
  make_array(batch({field}), &array, counts);
  array.children[0]->buffers[1] = static_cast<const std::uint8_t*>(array.children[0]->buffers[1]) + 3;
  const Table table = arrow::import_array(&schema, &array);
  EXPECT_EQ(counts.live(), 0);
  EXPECT_EQ(cells(table.column("n")), (Cells{"7", "8"}));
}

TEST(ArrowImport, TextsOfEveryLayoutBecomeCodesInOrderOfFirstSight) {
  const std::vector<std::string> values{"won", "lost to a competitor",      "won",
                                        "",    "a name longer than twelve", "Größe"};
  for (Field field :
       {texts<std::int32_t>("u", "s", values), texts<std::int64_t>("U", "s", values), views("s", values)}) {
    const Column column = import_one(field);
    EXPECT_EQ(cells(column), values) << field.format;
    EXPECT_EQ(column.dictionary().size(), 5U);
    EXPECT_EQ(column.values<std::int32_t>()[3], 2);
  }
}

TEST(ArrowImport, CodesAreTheSameForAnyNumberOfThreads) {
  std::mt19937 random(7);
  std::vector<Field> batches;
  for (int i = 0; i < 5; ++i) {
    std::vector<std::string> values;
    for (int row = 0; row < 70'000; ++row) values.push_back("key " + std::to_string(random() % 5'000));
    batches.push_back(batch({texts<std::int32_t>("u", "key", values)}));
  }
  const Column one = import(batches, {.execution = {.threads = 1, .stop = {}, .progress = {}}}).column("key");
  const Column many =
      import(batches, {.execution = {.threads = 4, .stop = {}, .progress = {}}}).column("key");
  const auto a = one.values<std::int32_t>();
  const auto b = many.values<std::int32_t>();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  EXPECT_TRUE(std::ranges::equal(one.dictionary().bytes(), many.dictionary().bytes()));
  std::int32_t seen = 0;
  for (const std::int32_t code : a) {
    ASSERT_LE(code, seen);
    if (code == seen) ++seen;
  }
}

TEST(ArrowImport, TextCodesAreThoseOfAPlainLoop) {
  std::mt19937 random(11);
  std::vector<Field> batches;
  Cells expected_cells;
  std::vector<std::string> seen;
  std::unordered_map<std::string, std::int32_t> codes;
  for (const int rows : {150'000, 1, 131'071, 90'000}) {
    std::vector<std::string> values;
    std::vector<int> valid;
    for (int row = 0; row < rows; ++row) {
      std::string text(random() % 21, 'a');
      for (char& letter : text) letter = static_cast<char>('a' + random() % 4);
      values.push_back(text);
      valid.push_back(random() % 10 == 0 ? 0 : 1);
      expected_cells.push_back(valid.back() != 0 ? text : "-");
      if (valid.back() != 0 && codes.try_emplace(text, static_cast<std::int32_t>(seen.size())).second)
        seen.push_back(text);
    }
    batches.push_back(batch({texts<std::int64_t>("U", "t", values, valid)}));
  }
  ASSERT_GT(seen.size(), 100'000U);
  for (const int threads : {1, 3}) {
    const Column column =
        import(batches, {.execution = {.threads = threads, .stop = {}, .progress = {}}}).column("t");
    ASSERT_EQ(column.dictionary().size(), seen.size());
    for (std::size_t code = 0; code < seen.size(); ++code) ASSERT_EQ(column.dictionary()[code], seen[code]);
    EXPECT_EQ(cells(column), expected_cells);
    for (const std::int32_t code : column.values<std::int32_t>()) ASSERT_LT(code, std::ssize(seen));
  }
}

TEST(ArrowImport, ManyBatchesWithAndWithoutNullsAreJoined) {
  std::vector<Field> batches;
  Cells expected;
  for (int i = 0; i < 400; ++i) {
    const int offset = i % 9;
    std::vector<std::int64_t> values;
    std::vector<int> valid;
    for (int row = -offset; row < 997; ++row) {
      values.push_back(i * 1'000 + row);
      valid.push_back(i % 3 == 1 && row % 5 == 0 ? 0 : 1);
      if (row >= 0) expected.push_back(valid.back() != 0 ? std::to_string(values.back()) : "-");
    }
    Field field =
        i % 3 == 0 ? numbers<std::int64_t>("l", "n", values) : numbers<std::int64_t>("l", "n", values, valid);
    field.offset = offset;
    field.length -= offset;
    batches.push_back(batch({std::move(field)}));
  }
  EXPECT_EQ(cells(import(std::move(batches)).column("n")), expected);
}

TEST(ArrowImport, DifferentDictionariesOfBatchesAreJoined) {
  const Table table = import(
      {batch(
           {dictionary<std::int8_t>("c", "stage", {0, 1, 0}, texts<std::int32_t>("u", "", {"new", "won"}))}),
       batch({dictionary<std::int8_t>("c", "stage", {0, 1, 2},
                                      texts<std::int32_t>("u", "", {"won", "lost in a very long way", "new"}),
                                      std::vector{1, 1, 0})})});
  const Column& stage = table.column("stage");
  EXPECT_EQ(cells(stage), (Cells{"new", "won", "new", "won", "lost in a very long way", "-"}));
  EXPECT_EQ(stage.dictionary().size(), 3U);
}

TEST(ArrowImport, Int32CodesOfOneBatchAreBorrowedInTheDictionarysOrder) {
  const Column stage = import_one(dictionary<std::int32_t>(
      "i", "stage", {2, 0, 77}, texts<std::int64_t>("U", "", {"c", "b", "a"}), std::vector{1, 1, 0}));
  EXPECT_EQ(cells(stage), (Cells{"a", "c", "-"}));
  EXPECT_EQ(stage.dictionary()[0], "c");
  EXPECT_EQ(stage.values<std::int32_t>()[2], 77) << "the producer's memory, as it lies";
}

TEST(ArrowImport, DictionariesMayRepeatEntriesOrHoldNulls) {
  Field entries = texts<std::int32_t>("u", "", {"a", "b", "a"}, std::vector{1, 0, 1});
  const Column column = import_one(dictionary<std::int32_t>("i", "v", {0, 1, 2}, entries));
  EXPECT_EQ(cells(column), (Cells{"a", "-", "a"}));
  EXPECT_EQ(column.values<std::int32_t>()[0], column.values<std::int32_t>()[2]);
}

TEST(ArrowImport, EveryIndexTypeIsRead) {
  const Field entries = texts<std::int32_t>("u", "", {"a", "b"});
  const Cells want{"b", "a"};
  EXPECT_EQ(cells(import_one(dictionary<std::uint8_t>("C", "v", {1, 0}, entries))), want);
  EXPECT_EQ(cells(import_one(dictionary<std::int16_t>("s", "v", {1, 0}, entries))), want);
  EXPECT_EQ(cells(import_one(dictionary<std::uint16_t>("S", "v", {1, 0}, entries))), want);
  EXPECT_EQ(cells(import_one(dictionary<std::uint32_t>("I", "v", {1, 0}, entries))), want);
  EXPECT_EQ(cells(import_one(dictionary<std::int64_t>("l", "v", {1, 0}, entries))), want);
  EXPECT_EQ(cells(import_one(dictionary<std::uint64_t>("L", "v", {1, 0}, entries))), want);
}

TEST(ArrowImport, DictionariesOfNumbersAreDecoded) {
  const Field entries = numbers<std::int64_t>("tss:", "", {60, 0}, std::vector{1, 1});
  const Table table =
      import({batch({dictionary<std::int16_t>("s", "t", {1, 0, 0}, entries, std::vector{1, 1, 0})}),
              batch({dictionary<std::int16_t>("s", "t", {0}, entries)})});
  EXPECT_EQ(table.column("t").type(), Type::timestamp);
  EXPECT_EQ(cells(table.column("t")),
            (Cells{"1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z", "-", "1970-01-01T00:01:00Z"}));
}

TEST(ArrowImport, TimestampsOfAnyUnitBecomeMicrosecondsRoundedDown) {
  const auto us = [](const std::string& format, std::int64_t value) {
    return import_one(numbers<std::int64_t>(format, "t", {value})).values<std::int64_t>()[0];
  };
  EXPECT_EQ(us("tss:UTC", -2), -2'000'000);
  EXPECT_EQ(us("tsm:Europe/Berlin", 3), 3'000);
  EXPECT_EQ(us("tsu:", 5), 5);
  EXPECT_EQ(us("tsn:", -1), -1);
  EXPECT_EQ(us("tsn:", 1'999), 1);
  EXPECT_EQ(us("tsn:", std::numeric_limits<std::int64_t>::min()), -9'223'372'036'854'776);
}

TEST(ArrowImport, OverflowNamesColumnAndRowUnlessTheRowIsNull) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  for (const std::string format : {"tss:", "tsm:", "tdm"}) {
    const std::string text = data_error(numbers<std::int64_t>(format, "closed", {0, most}));
    EXPECT_NE(text.find("column 'closed', row 1"), std::string::npos) << format << ": " << text;
    EXPECT_EQ(cells(import_one(numbers<std::int64_t>(format, "closed", {most}, std::vector{0}))),
              (Cells{"-"}));
  }
}

TEST(ArrowImport, ZonelessTimestampsAreUtcAndNoted) {
  Issues issues;
  import({batch({numbers<std::int64_t>("tsu:", "a", {0}), numbers<std::int64_t>("tsu:UTC", "b", {0})})},
         {.issues = &issues, .table = "deals"});
  EXPECT_EQ(issues.count("deals", "a", "naive_timestamp"), 1);
  EXPECT_EQ(issues.total(), 1);
  EXPECT_THROW(import({batch({numbers<std::int64_t>("tsu", "a", {0})})}, {.columns = {{"a"}}}), DataError)
      << "without its colon the format is malformed";
}

TEST(ArrowImport, Date64BecomesDays) {
  EXPECT_EQ(cells(import_one(numbers<std::int64_t>("tdm", "d", {86'400'000, -1}))),
            (Cells{"1970-01-02", "1969-12-31"}));
}

TEST(ArrowImport, DecimalsOfEveryWidthBecome128Bits) {
  const auto wide = [](const std::string& format, const std::vector<std::int64_t>& words,
                       std::int64_t length) {
    Field field = numbers<std::int64_t>(format, "m", words);
    field.length = length;
    return field;
  };
  EXPECT_EQ(cells(import_one(wide("d:10,2", {12'345, 0, -1, -1}, 2))), (Cells{"123.45", "-0.01"}));
  EXPECT_EQ(cells(import_one(numbers<std::int32_t>("d:9,2,32", "m", {-150}))), (Cells{"-1.50"}));
  EXPECT_EQ(cells(import_one(numbers<std::int64_t>("d:18,3,64", "m", {1}))), (Cells{"0.001"}));
  EXPECT_EQ(cells(import_one(wide("d:76,1,256", {15, 0, 0, 0, -15, -1, -1, -1}, 2))), (Cells{"1.5", "-1.5"}));
  EXPECT_EQ(cells(import_one(wide("d:10,-2", {3, 0}, 1))), (Cells{"300"}));
  EXPECT_NE(data_error(wide("d:76,1,256", {0, 0, 1, 0}, 1)).find("128 bits"), std::string::npos);
  EXPECT_NE(data_error(wide("d:38,-38", {0, 1, 0, 0}, 1)).find("128 bits"), std::string::npos);
}

TEST(ArrowImport, NullColumnsAreNumbersWithoutValues) {
  Field field;
  field.format = "n";
  field.name = "empty";
  field.length = 2;
  field.null_count = 2;
  const Column column = import_one(field);
  EXPECT_EQ(column.type(), Type::float64);
  EXPECT_EQ(column.null_count(), 2U);
}

TEST(ArrowImport, NoBatchesAndEmptyBatches) {
  Counts counts;
  ArrowArrayStream stream{};
  make_stream({batch({numbers<double>("g", "x", {}), texts<std::int32_t>("u", "s", {}),
                      numbers<std::uint8_t>("b", "b", {}),
                      dictionary<std::int8_t>("c", "d", {}, texts<std::int32_t>("u", "", {})),
                      dictionary<std::int8_t>("c", "e", {}, numbers<double>("g", "", {}))}),
               {},
               -2,
               {}},
              &stream, counts);
  const Table none = arrow::import_stream(&stream);
  EXPECT_EQ(none.num_rows(), 0U);
  EXPECT_EQ(none.num_columns(), 5U);
  EXPECT_EQ(none.column("s").dictionary().size(), 0U);
  EXPECT_EQ(none.column("e").type(), Type::float64);
  EXPECT_EQ(counts.live(), 0);
  const Field empty = batch({texts<std::int32_t>("u", "s", {})});
  const Field full = batch({texts<std::int32_t>("u", "s", {"a"})});
  EXPECT_EQ(cells(import({empty, full, empty}).column("s")), (Cells{"a"}));
  Field no_columns = batch({});
  no_columns.length = 3;
  EXPECT_EQ(import({no_columns}).num_rows(), 3U);
}

TEST(ArrowImport, StreamsAreReadOnce) {
  Counts counts;
  ArrowArrayStream stream = stream_of({batch({numbers<double>("g", "x", {1})})}, counts);
  arrow::import_stream(&stream);
  EXPECT_THROW(arrow::import_stream(&stream), UsageError);
  EXPECT_THROW(arrow::import_stream(nullptr), UsageError);
  ArrowSchema schema{};
  ArrowArray array{};
  EXPECT_THROW(arrow::import_array(&schema, &array), UsageError);
  EXPECT_EQ(counts.live(), 0);
}

TEST(ArrowImport, TheProducersWordsAreKeptAndAllIsReleasedWhereverItFails) {
  for (int fail_at = -1; fail_at <= 3; ++fail_at) {
    Counts counts;
    ArrowArrayStream stream{};
    const Field rows = batch({numbers<double>("g", "x", {1}), texts<std::int32_t>("u", "s", {"a"})});
    make_stream({rows, {rows, rows, rows}, fail_at, "the warehouse is on fire"}, &stream, counts);
    try {
      arrow::import_stream(&stream);
      ADD_FAILURE() << "no error at " << fail_at;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find("the warehouse is on fire"), std::string::npos);
    }
    EXPECT_EQ(counts.live(), 0) << fail_at;
    EXPECT_EQ(stream.release, nullptr);
  }
}

TEST(ArrowImport, AStopIsHeard) {
  Counts counts;
  ArrowArrayStream stream = stream_of({batch({numbers<double>("g", "x", {1})})}, counts);
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(arrow::import_stream(
                   &stream, {.execution = {.threads = 0, .stop = source.get_token(), .progress = {}}}),
               Cancelled);
  EXPECT_EQ(counts.live(), 0);
}

TEST(ArrowImport, UnsupportedTypesHurtOnlyWhenAskedFor) {
  for (const std::string format :
       {"z",  "Z",   "vz", "w:16", "tts", "ttn",   "tDu", "tiM",     "+l",      "+s", "+m",
        "+r", "+vl", "?",  "",     "d:",  "d:x,1", "d:9", "d:9,2,7", "d:50,99", "ts"}) {
    Issues issues;
    const std::vector<Field> data{
        batch({numbers<std::int64_t>("l", "n", {1}), numbers<std::int64_t>(format, "odd", {1})})};
    const Table table = import(data, {.issues = &issues});
    EXPECT_EQ(table.names(), std::vector<std::string>{"n"}) << format;
    EXPECT_EQ(issues.count("input", "odd", "unsupported_type"), 1) << format;
    EXPECT_THROW(import(data, {.columns = {{"odd"}}}), DataError) << format;
    EXPECT_EQ(import(data, {.columns = {{"n"}}}).num_columns(), 1U);
  }
}

TEST(ArrowImport, ExtensionTypesOtherThanJsonAreUnsupported) {
  const auto with = [](const std::string& name) {
    const std::string key = "ARROW:extension:name";
    std::string metadata;
    const auto count = [&](std::size_t n) {
      const auto number = static_cast<std::int32_t>(n);
      metadata.append(reinterpret_cast<const char*>(&number), 4);
    };
    count(2);
    count(1);
    metadata += "a";
    count(0);
    count(key.size());
    metadata += key;
    count(name.size());
    metadata += name;
    Field field = texts<std::int32_t>("u", "v", {"{}"});
    field.metadata = metadata;
    return import({batch({field})}).num_columns();
  };
  EXPECT_EQ(with("arrow.json"), 1U);
  EXPECT_EQ(with("pandas.period"), 0U);
}

TEST(ArrowImport, ColumnsAreChosenByNameInTheOrderAsked) {
  const std::vector<Field> data{
      batch({numbers<double>("g", "a", {1}), numbers<double>("g", "b", {2}), numbers<double>("g", "a", {3}),
             numbers<std::int64_t>("l", "__index_level_0__", {4})})};
  EXPECT_EQ(import(data, {.columns = {{"__index_level_0__", "b"}}}).names(),
            (std::vector<std::string>{"__index_level_0__", "b"}));
  EXPECT_THROW(import(data), UsageError) << "'a' is there twice";
  EXPECT_THROW(import(data, {.columns = {{"a"}}}), UsageError);
  EXPECT_THROW(import(data, {.columns = {{"bb"}}}), UsageError);
  const std::vector<Field> indexed{
      batch({numbers<double>("g", "a", {1}), numbers<std::int64_t>("l", "__index_level_0__", {4})})};
  EXPECT_EQ(import(indexed).names(), std::vector<std::string>{"a"});
}

TEST(ArrowImport, ASingleColumnIsNoTable) {
  Counts counts;
  ArrowArrayStream stream = stream_of({numbers<double>("g", "x", {1})}, counts);
  EXPECT_THROW(arrow::import_stream(&stream), UsageError);
  EXPECT_EQ(counts.live(), 0);
}

TEST(ArrowHostile, CountsLengthsAndPointersAreChecked) {
  const Field good = numbers<std::int64_t>("l", "v", {1, 2}, std::vector{1, 1});
  const auto broken_by = [&](auto change) {
    Field field = good;
    change(field);
    return data_error(batch({field}).children.front()) != "no error";
  };
  EXPECT_TRUE(broken_by([](Field& f) { f.length = -1; }));
  EXPECT_TRUE(broken_by([](Field& f) { f.offset = -1; }));
  EXPECT_TRUE(broken_by([](Field& f) { f.offset = std::numeric_limits<std::int64_t>::max(); }));
  EXPECT_TRUE(broken_by([](Field& f) { f.null_count = -2; }));
  EXPECT_TRUE(broken_by([](Field& f) { f.null_count = 3; }));
  EXPECT_TRUE(broken_by([](Field& f) { f.buffers.pop_back(); }));
  EXPECT_TRUE(broken_by([](Field& f) { f.buffers[1].reset(); }));
  EXPECT_TRUE(broken_by([](Field& f) { f.children.push_back(numbers<double>("g", "", {})); }));
  EXPECT_FALSE(broken_by([](Field&) {}));
}

TEST(ArrowHostile, StructsThatDontMatchAreRefusedAndReleased) {
  const Field rows = batch({numbers<double>("g", "x", {1, 2})});
  const auto refused = [](const Field& schema, const Field& array, auto change) {
    Counts counts;
    ArrowSchema type{};
    ArrowArray values{};
    make_schema(schema, &type, counts);
    make_array(array, &values, counts);
    change(type, values);
    EXPECT_THROW(arrow::import_array(&type, &values), DataError);
    EXPECT_EQ(counts.live(), 0);
  };
  const auto as_is = [](ArrowSchema&, ArrowArray&) {};
  Field longer = rows;
  longer.length = 3;
  refused(rows, longer, as_is);
  Field wider = batch({rows.children[0], rows.children[0]});
  refused(rows, wider, as_is);
  Field negative = rows;
  negative.length = -1;
  refused(rows, negative, as_is);
  Field absurd = batch({});
  absurd.length = std::numeric_limits<std::int64_t>::max();
  refused(batch({}), absurd, as_is);
  refused(rows, rows, [](ArrowSchema&, ArrowArray& array) { array.children[0]->release(array.children[0]); });
  refused(rows, rows,
          [](ArrowSchema& schema, ArrowArray&) { schema.children[0]->release(schema.children[0]); });
  refused(rows, rows, [](ArrowSchema& schema, ArrowArray&) { schema.children[0]->format = nullptr; });
  refused(rows, rows, [](ArrowSchema& schema, ArrowArray&) { schema.format = nullptr; });
  refused(rows, rows, [](ArrowSchema& schema, ArrowArray&) { schema.n_children = -1; });
  refused(rows, rows, [](ArrowSchema& schema, ArrowArray&) { schema.children = nullptr; });
  refused(rows, rows, [](ArrowSchema&, ArrowArray& array) { array.children = nullptr; });
  refused(rows, rows, [](ArrowSchema&, ArrowArray& array) { array.buffers = nullptr; });
  refused(rows, rows, [](ArrowSchema&, ArrowArray& array) { array.children[0]->buffers = nullptr; });
  const Field coded = batch({dictionary<std::int8_t>("c", "d", {0}, texts<std::int32_t>("u", "", {"a"}))});
  refused(coded, coded, [](ArrowSchema&, ArrowArray& array) { array.children[0]->dictionary = nullptr; });
}

TEST(ArrowHostile, CodesStayWithinTheirDictionary) {
  const Field entries = texts<std::int32_t>("u", "", {"a", "b"});
  EXPECT_NE(data_error(dictionary<std::int32_t>("i", "v", {0, 2}, entries)), "no error");
  EXPECT_NE(data_error(dictionary<std::int32_t>("i", "v", {-1}, entries)), "no error");
  EXPECT_NE(data_error(dictionary<std::uint64_t>("L", "v", {~0ULL}, entries)), "no error");
  EXPECT_NE(data_error(dictionary<std::int8_t>("c", "v", {2}, numbers<double>("g", "", {1, 2}))), "no error");
  EXPECT_EQ(data_error(dictionary<std::int8_t>("c", "v", {2}, entries, std::vector{0})), "no error");
}

TEST(ArrowHostile, TextOffsetsRiseAndStayWithin) {
  const auto with = [](std::vector<std::int32_t> offsets) {
    Field field = texts<std::int32_t>("u", "v", {"ab", "cd"});
    field.buffers[1] = bytes_of(offsets);
    return data_error(field);
  };
  EXPECT_EQ(with({0, 2, 4}), "no error");
  EXPECT_NE(with({0, 3, 2}), "no error");
  EXPECT_NE(with({-1, 2, 4}), "no error");
  EXPECT_NE(with({0, 9, 4}), "no error");
  EXPECT_NE(with({0, 2, -4}), "no error");
  Field field = texts<std::int32_t>("u", "v", {"ab"});
  field.buffers[2].reset();
  EXPECT_NE(data_error(field), "no error");
  field = texts<std::int32_t>("u", "v", {"", ""});
  field.buffers[2].reset();
  EXPECT_EQ(data_error(field), "no error") << "no bytes are needed";
}

TEST(ArrowHostile, TextViewsStayWithinTheirBuffers) {
  const std::string value = "a value of more than twelve bytes";
  const auto with = [&](std::size_t at, std::int32_t number) {
    Field field = views("v", {value});
    std::memcpy(field.buffers[1]->data() + at, &number, 4);
    return data_error(field);
  };
  EXPECT_EQ(with(8, 0), "no error");
  EXPECT_NE(with(0, -1), "no error");
  EXPECT_NE(with(0, 34), "no error");
  EXPECT_NE(with(8, 2), "no error");
  EXPECT_NE(with(8, -1), "no error");
  EXPECT_NE(with(12, 1), "no error");
  EXPECT_NE(with(12, -1), "no error");
  Field field = views("v", {value});
  field.buffers.back().reset();
  EXPECT_NE(data_error(field), "no error");
}

TEST(ArrowHostile, TextMustBeUtf8) {
  for (const std::string text :
       {"\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x9F\xBF", "a\x80",
        "eight of\xFF", "seven o\xFF rest of a line", "after eight bytes \xC3"})
    EXPECT_NE(data_error(texts<std::int32_t>("u", "v", {"ok", text})).find("UTF-8"), std::string::npos);
  EXPECT_EQ(data_error(texts<std::int32_t>("u", "v", {"é", "€", "😀", "\xEF\xBF\xBD", "eight of them é"})),
            "no error");
  EXPECT_NE(data_error(dictionary<std::int8_t>("c", "v", {0}, texts<std::int32_t>("u", "", {"\xFF"}))),
            "no error");
}

// ---- export ----

namespace {

Table there_and_back(const Table& table, const arrow::ExportOptions& options = {}) {
  ArrowArrayStream stream{};
  arrow::export_stream(table, &stream, options);
  return arrow::import_stream(&stream);
}

Column decimal_column(std::vector<Decimal128> values, int scale) {
  return Column::of(Type::decimal, std::move(values)).with_scale(scale);
}

const std::vector<std::uint8_t> middle_null{1, 0, 1};

}  // namespace

TEST(ArrowExport, EveryTypeComesBackAsItWas) {
  const std::vector<std::string> words{"x", "y", "x"};
  const Table table({{"b", Column::of<std::uint8_t>(Type::boolean, {1, 0, 0}, middle_null)},
                     {"i8", Column::of<std::int8_t>(Type::int8, {1, 2, 3}, middle_null)},
                     {"u64", Column::of<std::uint64_t>(Type::uint64, {1, 2, ~0ULL})},
                     {"f32", Column::of<float>(Type::float32, {1.5F, 0, -1})},
                     {"d", Column::of<std::int32_t>(Type::date, {0, 1, -1}, middle_null)},
                     {"t", Column::of<std::int64_t>(Type::timestamp, {0, 1, -1}, middle_null)},
                     {"m", decimal_column({Decimal128::of(-1), Decimal128::of(12345), Decimal128::of(0)}, 3)},
                     {"s", Column::of_strings(words, middle_null)}});
  for (const auto strings : {arrow::StringFormat::large_utf8, arrow::StringFormat::dictionary})
    for (const bool sliced : {false, true}) {
      const Table part = sliced ? table.slice(1, 2) : table;
      const Table again = there_and_back(part, {.strings = strings});
      ASSERT_EQ(again.names(), part.names());
      for (const auto& [name, column] : part.columns()) {
        EXPECT_EQ(again.column(name).type(), column.type()) << name;
        EXPECT_EQ(cells(again.column(name)), cells(column)) << name;
      }
    }
}

TEST(ArrowExport, NumbersAreSharedNotCopied) {
  const Column column = Column::of<double>(Type::float64, {1, 2, 3}, middle_null);
  const Column codes = Column::of_strings(std::vector<std::string>{"a", "b", "a"});
  const Table again =
      there_and_back(Table({{"x", column}, {"s", codes}}), {.strings = arrow::StringFormat::dictionary});
  EXPECT_EQ(again.column("x").data(), column.data());
  EXPECT_EQ(again.column("s").data(), codes.data());
}

TEST(ArrowExport, MoneyLeavesInMajorUnitsOfItsCurrency) {
  const Column usd = Column::of<std::int64_t>(Type::money, {12'345, 0, -1}, middle_null).with_currency("USD");
  const Column jpy = Column::of<std::int64_t>(Type::money, {500, 1, 2}).with_currency("JPY");
  const Table plain = there_and_back(Table({{"usd", usd}, {"jpy", jpy}}));
  EXPECT_EQ(cells(plain.column("usd")), (Cells{"123.45", "-", "-0.01"}));
  EXPECT_EQ(cells(plain.column("jpy")), (Cells{"500", "1", "2"}));
  const Table exact =
      there_and_back(Table({{"usd", usd}, {"jpy", jpy}}), {.money = arrow::MoneyFormat::decimal128});
  EXPECT_EQ(cells(exact.column("usd")), (Cells{"123.45", "-", "-0.01"}));
  EXPECT_EQ(cells(exact.column("jpy")), (Cells{"500", "1", "2"}));
}

TEST(ArrowExport, MoneyOfSeveralCurrenciesLooksAtTheCurrencyColumn) {
  const std::vector<std::optional<std::string>> codes{"EUR", "JPY", "KWD", std::nullopt};
  const Table table({{"amount", Column::of<std::int64_t>(Type::money, {150, 150, 1'500, 150})},
                     {"currency", Column::of_strings(codes)}});
  EXPECT_EQ(cells(there_and_back(table).column("amount")), (Cells{"1.5", "150", "1.5", "1.5"}));
  EXPECT_EQ(cells(there_and_back(table, {.money = arrow::MoneyFormat::decimal128}).column("amount")),
            (Cells{"1.500", "150.000", "1.500", "1.500"}));
}

TEST(ArrowExport, CodesUnderNullsStayWithinTheDictionary) {
  const Column column = Column::nulls(Type::string, 2);
  const Table table({{"s", column}});
  for (const auto strings : {arrow::StringFormat::large_utf8, arrow::StringFormat::dictionary})
    EXPECT_EQ(cells(there_and_back(table, {.strings = strings}).column("s")), (Cells{"-", "-"}));
  const std::vector<std::uint8_t> valid{1, 0};
  const Column wild = Column::of_codes(
      {0, 1'000'000},
      std::make_shared<const Dictionary>(std::vector<char>{'a'}, std::vector<std::int64_t>{0, 1}), valid);
  ArrowArrayStream stream{};
  arrow::export_stream(Table({{"s", wild}}), &stream, {.strings = arrow::StringFormat::dictionary});
  ArrowArray array{};
  ASSERT_EQ(stream.get_next(&stream, &array), 0);
  EXPECT_EQ(static_cast<const std::int32_t*>(array.children[0]->buffers[1])[1], 0);
  array.release(&array);
  stream.release(&stream);
}

TEST(ArrowExport, AChildMovedAwayOutlivesBatchStreamAndTable) {
  ArrowArray child{};
  {
    ArrowArrayStream stream{};
    arrow::export_stream(Table({{"x", Column::of<double>(Type::float64, {4, 5})}}), &stream);
    ArrowArray array{};
    ASSERT_EQ(stream.get_next(&stream, &array), 0);
    child = *array.children[0];
    array.children[0]->release = nullptr;
    array.release(&array);
    ASSERT_EQ(stream.get_next(&stream, &array), 0);
    EXPECT_EQ(array.release, nullptr) << "one batch, then the end";
    stream.release(&stream);
    EXPECT_EQ(stream.release, nullptr);
  }
  EXPECT_EQ(static_cast<const double*>(child.buffers[1])[1], 5);
  child.release(&child);
}

TEST(ArrowExport, TablesWithoutRowsOrColumns) {
  EXPECT_EQ(there_and_back(Table::empty(3)).num_rows(), 3U);
  const Table table(
      {{"s", Column::of_strings(std::vector<std::string>{})}, {"x", Column::of<double>(Type::float64, {})}});
  const Table again = there_and_back(table);
  EXPECT_EQ(again.num_rows(), 0U);
  EXPECT_EQ(again.column("s").type(), Type::string);
}
