#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "salesops/csv.hpp"
#include "test_data.hpp"

using namespace salesops;

namespace {

Table table_of(std::string_view text, const csv::Options& options = {}) {
  return csv::parse(text, options).table;
}

/// Cells of a table as rows of text; a null is "~".
std::string dump(const Table& table) {
  std::string text;
  for (const auto& name : table.names()) text += name + "|";
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    text += "/";
    for (const auto& [name, column] : table.columns())
      text += (column.is_null(row) ? std::string("~") : column.cell(row)) + "|";
  }
  return text;
}

std::string fault(std::string_view text, const csv::Options& options = {}) {
  try {
    csv::parse(text, options);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

/// "a,b\n1,2\n", compressed by gzip.
const std::string packed(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xd4\x49\xe2\x32\xd4\x31\xe2\x02\x00"
    "\x7b\x07\x97\x0a\x08\x00\x00\x00",
    28);

/// Several MiB, so that it is read in many blocks: quoted newlines, doubled quotes, nulls, all types.
std::string large_text(std::size_t rows) {
  std::string text = "id,name,amount,day,at,won,note\n";
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string n = std::to_string(i);
    text += n + ",\"customer, " + std::to_string(i % 977) + "\"," + std::to_string(i % 1000) + "." +
            std::to_string(i % 10) + "," + Date{static_cast<int>(i % 9000)}.to_string() + "," +
            (i % 7 == 0 ? "" : Instant{static_cast<std::int64_t>(i) * 1'000'003}.to_string()) + "," +
            (i % 3 == 0 ? "true" : "false") + ",";
    text +=
        i % 5 == 0 ? "\"line one\nsays \"\"" + n + "\"\"\"\n" : "plain " + std::to_string(i % 50) + "\r\n";
  }
  return text;
}

void expect_same(const csv::Result& a, const csv::Result& b) {
  ASSERT_EQ(a.table.names(), b.table.names());
  ASSERT_EQ(a.table.num_rows(), b.table.num_rows());
  for (std::size_t c = 0; c < a.table.num_columns(); ++c) {
    const Column& x = a.table.columns()[c].second;
    const Column& y = b.table.columns()[c].second;
    ASSERT_EQ(x.type(), y.type());
    for (std::size_t row = 0; row < x.size(); ++row) ASSERT_EQ(x.valid(row), y.valid(row));
    if (x.type() == Type::string) {
      ASSERT_TRUE(std::ranges::equal(x.values<std::int32_t>(), y.values<std::int32_t>()));
      ASSERT_TRUE(std::ranges::equal(x.dictionary().bytes(), y.dictionary().bytes()));
    } else {
      ASSERT_EQ(std::memcmp(x.data(), y.data(), x.size() * type_width(x.type())), 0);
    }
  }
  EXPECT_EQ(dump(a.issues.to_table()), dump(b.issues.to_table()));
  EXPECT_EQ(dump(a.issues.summary()), dump(b.issues.summary()));
}

csv::Options with_type(const std::string& name, Type type, int scale = 2) {
  csv::Options options;
  options.types[name] = {.type = type, .scale = scale, .currency = ""};
  return options;
}

}  // namespace

TEST(Csv, ReadsEachCornerOfTheFormat) {
  struct Case {
    std::string_view text;
    std::string_view table;
  };
  for (const auto& [text, table] : std::vector<Case>{
           {"a,b\n1,2\n", "a|b|/1|2|"},
           {"a,b\r\n1,2\r\n", "a|b|/1|2|"},
           {"a,b\n1,2", "a|b|/1|2|"},
           {"\xEF\xBB\xBF"
            "a,b\n1,2",
            "a|b|/1|2|"},
           {"a,b\nx,\"y,\"\"z\"\"\"\n", "a|b|/x|y,\"z\"|"},
           {"a,b\nx,\"two\nlines\"\n", "a|b|/x|two\nlines|"},
           {"a,b\nx,\"two\r\nlines\"\r\n", "a|b|/x|two\r\nlines|"},
           {"a,b\n,\n", "a|b|/~|~|"},
           {"a,b\n\"\",x\n", "a|b|/|x|"},
           {"a,b\n1,", "a|b|/1|~|"},
           {"a,b\n\n1,2\n\n", "a|b|/1|2|"},
           {"\n\na,b\n1,2\n", "a|b|/1|2|"},
           {"a\nx\n\ny\n", "a|/x|/~|/y|"},
           {"a\r\n\r\nx", "a|/~|/x|"},
           {"a,b\n", "a|b|"},
           {"a", "a|"},
           {"\"a\n1\",b\n1,2\n", "a\n1|b|/1|2|"},
           {"a,b\n\"1\",\"\"\n", "a|b|/1||"},
           {"a,b\n x , y\n", "a|b|/ x | y|"},
           {"a,b\n'x','y'\n", "a|b|/'x'|'y'|"},
       })
    EXPECT_EQ(dump(table_of(text)), table) << text;
}

TEST(Csv, NamesLineAndColumnOfEachFault) {
  struct Case {
    std::string_view text;
    std::string_view place;
    std::string_view says;
  };
  const std::string_view nul("a,b\nx,y\0z\n", 10);
  const std::string_view quoted_nul("a,b\nx,\"\0\"\n", 10);
  for (const auto& [text, place, says] : std::vector<Case>{
           {"", "line 1, column 1", "no header"},
           {"\xEF\xBB\xBF", "line 1, column 1", "no header"},
           {"a,b\nx\ry,z\n", "line 2, column 2", "carriage return"},
           {"a,b\nx,y\r", "line 2, column 4", "carriage return"},
           {"a,b\nx,5\"\n", "line 2, column 4", "quote inside"},
           {"a,b\nx,\"y\"z\n", "line 2, column 6", "behind a closing quote"},
           {"a,b\n1,2\nx,\"y\nz\n", "line 3, column 3", "never closed"},
           {"a,b\n\"q\nr\",\"\"\"\n", "line 3, column 4", "never closed"},
           {nul, "line 2, column 4", "NUL"},
           {quoted_nul, "line 2, column 4", "NUL"},
           {"a,b\n1,2\n3\n", "line 3, column 1", "1 field in the line, but 2 names"},
           {"a,b\n1,2\n3,4,5\n", "line 3, column 5", "3 fields"},
           {"\xEF\xBB\xBF"
            "a\"b\n",
            "line 1, column 2", "quote inside"},
           {"\xFF\xFE"
            "a",
            "line 1, column 1", "UTF-16"},
       }) {
    const std::string error = fault(text);
    EXPECT_NE(error.find("csv, " + std::string(place) + ": "), std::string::npos) << error;
    EXPECT_NE(error.find(says), std::string::npos) << error;
  }
}

TEST(Csv, InfersTheNarrowestTypeThatLosesNothing) {
  struct Case {
    std::vector<std::string> cells;
    Type type;
  };
  for (const auto& [cells, type] : std::vector<Case>{
           {{"1", "-2", "0"}, Type::int64},
           {{"9223372036854775807", "-9223372036854775808"}, Type::int64},
           {{"9223372036854775808"}, Type::string},
           {{"1", "2.5"}, Type::float64},
           {{"2.5", "1e-3", ".5", "5."}, Type::float64},
           {{"9007199254740993", "2.5"}, Type::string},
           {{"007", "1"}, Type::string},
           {{"1", "00"}, Type::string},
           {{"+49", "1"}, Type::string},
           {{"1.5", "NaN"}, Type::string},
           {{"inf"}, Type::string},
           {{"-inf"}, Type::string},
           {{"1e999"}, Type::string},
           {{"0x10"}, Type::string},
           {{"1 "}, Type::string},
           {{"-"}, Type::string},
           {{"."}, Type::string},
           {{"1,5"}, Type::string},
           {{"true", "False", "TRUE"}, Type::boolean},
           {{"true", "1"}, Type::string},
           {{"yes"}, Type::string},
           {{"2024-02-29"}, Type::date},
           {{"2023-02-29"}, Type::string},
           {{"2024-02-29", "2024-03-01T10:00:00Z"}, Type::timestamp},
           {{"2024-03-01 10:00", "2024-02-29"}, Type::timestamp},
           {{"2024-02-29", "7"}, Type::string},
           {{"7", "2024-02-29"}, Type::string},
           {{"x"}, Type::string},
       }) {
    for (const bool quoted : {false, true}) {
      std::string text = "v,w\n,\n";
      for (const auto& cell : cells)
        text += quoted || cell.find(',') != std::string::npos ? "\"" + cell + "\",\n" : cell + ",\n";
      EXPECT_EQ(table_of(text).column("v").type(), type) << text;
    }
  }
}

TEST(Csv, ReadsValuesExactly) {
  const Table table = table_of(
      "i,f,d,t,b\n-12,0.1,1970-01-02,1970-01-01T00:00:01.5Z,true\n3,-0,2000-01-01,2000-01-01,false\n");
  EXPECT_EQ(table.column("i").values<std::int64_t>()[0], -12);
  EXPECT_EQ(table.column("f").values<double>()[0], 0.1);
  EXPECT_TRUE(std::signbit(table.column("f").values<double>()[1]));
  EXPECT_EQ(table.column("d").values<std::int32_t>()[0], 1);
  EXPECT_EQ(table.column("t").values<std::int64_t>()[0], 1'500'000);
  EXPECT_EQ(table.column("b").values<std::uint8_t>()[0], 1);
}

TEST(Csv, NullsAreEmptyUnlessQuoted) {
  EXPECT_EQ(dump(table_of("a,b\n\"\",1\nx,\"\"\n,3\n")), "a|b|/|1|/x|~|/~|3|");
  csv::Options options;
  options.null_texts = {"", "NA"};
  EXPECT_EQ(dump(table_of("a,b\nNA,1\n\"NA\",NA\n", options)), "a|b|/~|1|/NA|~|");
  options.null_texts = {};
  EXPECT_EQ(dump(table_of("a,b\n,1\nx,\n", options)), "a|b|/|1|/x|~|");
  EXPECT_EQ(table_of("a,b\n,1\n,2\n").column("a").type(), Type::string);
}

TEST(Csv, CellsThatDoNotFitTheirTypeAreIssues) {
  struct Case {
    std::string_view cell;
    Type type;
    std::string_view rule;
  };
  for (const auto& [cell, type, rule] : std::vector<Case>{
           {"x", Type::int64, "not_a_number"},
           {"1.5", Type::int64, "not_a_number"},
           {"128", Type::int8, "not_a_number"},
           {"-1", Type::uint32, "not_a_number"},
           {" ", Type::float64, "not_a_number"},
           {"nan", Type::float64, "not_a_number"},
           {"-inf", Type::float64, "not_a_number"},
           {"1e400", Type::float64, "not_a_number"},
           {"1.005", Type::decimal, "too_many_decimals"},
           {"1e3", Type::decimal, "not_a_number"},
           {"99999999999999999999", Type::money, "not_a_number"},
           {"2.001", Type::money, "too_many_decimals"},
           {"yes", Type::boolean, "not_a_boolean"},
           {"2024-13-01", Type::date, "not_a_date"},
           {"tomorrow", Type::timestamp, "not_a_timestamp"},
       }) {
    const auto result = csv::parse("k,v\na,\nb," + std::string(cell) + "\n", with_type("v", type));
    EXPECT_EQ(result.table.column("v").type(), type);
    EXPECT_TRUE(result.table.column("v").is_null(1));
    ASSERT_EQ(result.issues.rows().size(), 1U) << cell;
    const Issue& issue = result.issues.rows()[0];
    EXPECT_EQ(issue.table, "csv");
    EXPECT_EQ(issue.row, 1);
    EXPECT_EQ(issue.column, "v");
    EXPECT_EQ(issue.rule, rule);
    EXPECT_EQ(issue.value, cell);
  }
}

TEST(Csv, ReadsEachTypeThatIsAsked) {
  const auto cell = [](std::string_view text, Type type, int scale = 2) {
    const auto result = csv::parse("v,w\n" + std::string(text) + ",\n", with_type("v", type, scale));
    EXPECT_TRUE(result.issues.empty()) << text;
    return result.table.column("v").cell(0);
  };
  EXPECT_EQ(cell(" 007 ", Type::int64), "7");
  EXPECT_EQ(cell("+7", Type::int32), "7");
  EXPECT_EQ(cell("18446744073709551615", Type::uint64), "18446744073709551615");
  EXPECT_EQ(cell("007", Type::string), "007");
  EXPECT_EQ(cell("-1.5", Type::float32), "-1.5");
  EXPECT_EQ(cell("1", Type::boolean), "true");
  EXPECT_EQ(cell("-12.3", Type::decimal), "-12.30");
  EXPECT_EQ(cell("0.100000", Type::decimal), "0.10");
  EXPECT_EQ(cell("12.5", Type::decimal, 4), "12.5000");
  EXPECT_EQ(cell("-12.34", Type::money), "-1234");
  EXPECT_EQ(cell("5", Type::int8), "5");
  EXPECT_EQ(cell("2024-01-31", Type::timestamp), "2024-01-31T00:00:00Z");
  csv::Options options;
  options.infer = false;
  EXPECT_EQ(table_of("v\n1\n", options).column("v").type(), Type::string);
}

TEST(Csv, HeaderNamesAreMadeDistinct) {
  const auto result = csv::parse("a,,a,a_2,a\n1,2,3,4,5\n");
  EXPECT_EQ(dump(result.table), "a|column_2|a_3|a_2|a_4|/1|2|3|4|5|");
  EXPECT_EQ(result.issues.count("duplicate_name"), 2);
  EXPECT_EQ(result.issues.count("empty_name"), 1);
  csv::Options options;
  options.header = false;
  EXPECT_EQ(dump(table_of("1,2\n3,4\n", options)), "column_1|column_2|/1|2|/3|4|");
  EXPECT_EQ(table_of("", options).num_columns(), 0U);
}

TEST(Csv, RaggedLinesArePaddedOrCutWhenAsked) {
  csv::Options options;
  options.on_ragged = csv::OnRagged::issue;
  const auto result = csv::parse("a,b\n1\n2,3,4\n5,6\n", options);
  EXPECT_EQ(dump(result.table), "a|b|/1|~|/2|3|/5|6|");
  EXPECT_EQ(result.issues.count("too_few_fields"), 1);
  EXPECT_EQ(result.issues.count("too_many_fields"), 1);
}

TEST(Csv, QuotesInsideFieldsAreKeptWhenAsked) {
  csv::Options options;
  options.on_quote = csv::OnQuote::keep;
  EXPECT_EQ(dump(table_of("a,b\n5\" pipe,\"x, y\"\n\"q\",6\"\n", options)), "a|b|/5\" pipe|x, y|/q|6\"|");
}

TEST(Csv, DetectsTheDelimiter) {
  csv::Options options;
  options.delimiter = '\0';
  for (const char c : {',', ';', '\t', '|'}) {
    std::string text = "a;b,c|d\te\n";
    text = std::string("name") + c + "n" + c + "note\n" + "\"x,;|\t\"" + c + "1" + c + "a b\n" + "y" + c +
           "2" + c + "\n";
    EXPECT_EQ(table_of(text, options).names(), (std::vector<std::string>{"name", "n", "note"})) << text;
  }
  EXPECT_EQ(table_of("a\nb\n", options).num_columns(), 1U);
}

TEST(Csv, MendsBytesThatAreNoUtf8) {
  const auto result = csv::parse("na\xFFme,n\nM\xC3\xBCller,1\nM\xFCller,2\n\xE2\x82,3\n");
  EXPECT_EQ(dump(result.table), "na\uFFFDme|n|/Müller|1|/M\uFFFDller|2|/\uFFFD|3|");
  EXPECT_EQ(result.issues.count("csv", "na\uFFFDme", "not_utf8"), 3);
  csv::Options options;
  options.encoding = csv::Encoding::latin1;
  EXPECT_EQ(dump(table_of("name,n\nM\xFCller,1\n", options)), "name|n|/Müller|1|");
}

TEST(Csv, EveryThreadCountGivesTheSameTable) {
  std::string text = large_text(60'000);
  text += "60000,late \xFF,not a number,x,,true,\n";
  csv::Options options = with_type("amount", Type::float64);
  options.execution.threads = 1;
  const auto one = csv::parse(text, options);
  EXPECT_EQ(one.table.num_rows(), 60'001U);
  EXPECT_EQ(one.table.column("day").type(), Type::string);
  EXPECT_EQ(one.table.column("at").type(), Type::timestamp);
  EXPECT_EQ(one.table.column("id").type(), Type::int64);
  EXPECT_EQ(one.table.column("note").cell(10), "line one\nsays \"10\"");
  EXPECT_EQ(one.issues.count("not_a_number"), 1);
  for (const int threads : {2, 3, 8}) {
    options.execution.threads = threads;
    expect_same(one, csv::parse(text, options));
  }
}

TEST(Csv, TheFirstFaultOfALargeFileIsNamed) {
  const std::string good = large_text(60'000);
  const auto lines = std::count(good.begin(), good.end(), '\n');
  for (const int threads : {1, 4}) {
    csv::Options options;
    options.execution.threads = threads;
    const std::string error = fault(good + "1,2,3\n" + good + "\"never", options);
    EXPECT_NE(error.find("line " + std::to_string(lines + 1) + ", column 1: 3 fields"), std::string::npos)
        << error;
    EXPECT_NE(fault("a,b\n\"" + std::string(3 << 20, '\n'), options).find("line 2, column 1"),
              std::string::npos);
  }
}

TEST(Csv, LimitsNameTheirOption) {
  csv::Options options;
  options.limits.max_columns = 3;
  EXPECT_NE(fault("a,b,c,d\n", options).find("max_columns"), std::string::npos);
  EXPECT_EQ(fault("a,b,c\n", options), "no error");
  options.limits.max_field_bytes = 4;
  EXPECT_NE(fault("a\n12345\n", options).find("max_field_bytes"), std::string::npos);
  EXPECT_NE(fault("a\n\"12345\"\n", options).find("line 2, column 1"), std::string::npos);
  options = {};
  options.limits.max_bytes = 10;
  EXPECT_NE(fault("a\n1234567890\n", options).find("max_bytes"), std::string::npos);
  options.limits.max_bytes = 4;
  EXPECT_NE(fault(packed, options).find("max_bytes"), std::string::npos);
  options = {};
  options.limits.gzip_ratio_floor = 0;
  options.limits.max_gzip_ratio = 1;
  EXPECT_EQ(fault(packed, options), "no error");
}

TEST(Csv, ReadsGzipAndRefusesBrokenGzip) {
  EXPECT_EQ(dump(table_of(packed)), "a|b|/1|2|");
  EXPECT_EQ(dump(table_of(packed + packed)), "a|b|/1|2|/a|b|/1|2|");
  EXPECT_NE(fault(packed.substr(0, 20)).find("ends too early"), std::string::npos);
  std::string damaged = packed;
  damaged[12] = static_cast<char>(damaged[12] ^ 0x55);
  EXPECT_NE(fault(damaged).find("broken gzip"), std::string::npos);
  EXPECT_NE(fault(packed + "trailing").find("broken gzip"), std::string::npos);
}

TEST(Csv, OptionsThatCanNotBeAreRefused) {
  for (const char c : {'"', '\n', '\r', '\x80'}) {
    csv::Options options;
    options.delimiter = c;
    EXPECT_THROW(csv::parse("a\n", options), UsageError);
  }
  try {
    csv::parse("amount\n1\n", with_type("amuont", Type::float64));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'amount'"), std::string::npos);
  }
  EXPECT_THROW(csv::parse("a\n1\n", with_type("a", Type::decimal, 19)), UsageError);
  EXPECT_THROW(csv::read("/no/such/file.csv"), UsageError);
  EXPECT_THROW(csv::read("/"), UsageError);
}

TEST(Csv, StopsAndReportsProgress) {
  const std::string text = large_text(60'000);
  csv::Options options;
  options.execution.threads = 2;
  double last = 0;
  options.execution.progress = [&](double share) {
    EXPECT_GE(share, last);
    EXPECT_LE(share, 1.0);
    last = share;
  };
  csv::parse(text, options);
  EXPECT_GT(last, 0.5);
  std::stop_source source;
  options.execution.stop = source.get_token();
  options.execution.progress = [&](double) { source.request_stop(); };
  EXPECT_THROW(csv::parse(text, options), Cancelled);
}

TEST(CsvWrite, QuotesAndGuardsWhereNeeded) {
  const std::vector<std::string> texts{"plain", "",   "a,b", "say \"hi\"", "two\nlines", "=1+1",
                                       "+49",   "-x", "@a",  "'=x",        "'x",         "\tq"};
  const Table table(
      {{"=t", Column::of_strings(texts)}, {"n", Column::of(Type::int64, std::vector<std::int64_t>(12, -5))}});
  EXPECT_EQ(csv::format(table),
            "'=t,n\nplain,-5\n\"\",-5\n\"a,b\",-5\n\"say "
            "\"\"hi\"\"\",-5\n\"two\nlines\",-5\n'=1+1,-5\n'+49,-5\n'-x,-5\n"
            "'@a,-5\n''=x,-5\n'x,-5\n'\tq,-5\n");
  csv::Options options;
  options.strip_guard = true;
  EXPECT_EQ(dump(table_of(csv::format(table), options)), dump(table));
  csv::WriteOptions plain;
  plain.guard = false;
  EXPECT_EQ(dump(table_of(csv::format(table, plain))), dump(table));
  plain.crlf = true;
  plain.header = false;
  plain.delimiter = ';';
  EXPECT_TRUE(csv::format(table, plain).starts_with("plain;-5\r\n\"\";-5\r\na,b;-5\r\n"));
}

TEST(CsvWrite, ValuesReadBackAsTheyWere) {
  const std::vector<std::uint8_t> valid{1, 1, 0, 1};
  const Table table({
      {"real", Column::of(Type::float64, std::vector<double>{3, 0.1, 0, -1e300}, valid)},
      {"whole", Column::of(Type::int64, std::vector<std::int64_t>{1, -2, 0, 9'007'199'254'740'993}, valid)},
      {"day", Column::of(Type::date, std::vector<std::int32_t>{0, -1, 0, 20'000}, valid)},
      {"at", Column::of(Type::timestamp, std::vector<std::int64_t>{0, -1, 0, 1'700'000'000'000'000}, valid)},
      {"flag", Column::of(Type::boolean, std::vector<std::uint8_t>{1, 0, 0, 1}, valid)},
  });
  const Table again = table_of(csv::format(table));
  EXPECT_EQ(dump(again), dump(table));
  for (std::size_t c = 0; c < table.num_columns(); ++c)
    EXPECT_EQ(again.columns()[c].second.type(), table.columns()[c].second.type());
}

TEST(CsvWrite, MoneyIsInMajorUnits) {
  const auto amounts = Column::of(
      Type::money, std::vector<std::int64_t>{1234, -5, 0, std::numeric_limits<std::int64_t>::min()});
  const Table table({{"amount", amounts}});
  EXPECT_EQ(csv::format(table), "amount\n12.34\n-0.05\n0.00\n-92233720368547758.08\n");
  EXPECT_TRUE(std::ranges::equal(
      table_of(csv::format(table), with_type("amount", Type::money)).column("amount").values<std::int64_t>(),
      amounts.values<std::int64_t>()));
  EXPECT_EQ(csv::format(Table({{"yen", amounts.with_currency("JPY")}})).substr(0, 12), "yen\n1234\n-5\n");
  const std::vector<std::string> codes{"KWD", "JPY", "EUR", "EUR"};
  EXPECT_EQ(csv::format(table.with("currency", Column::of_strings(codes)).slice(0, 3)),
            "amount,currency\n1.234,KWD\n-5,JPY\n0.00,EUR\n");
  csv::Options yen;
  yen.types["v"] = {.type = Type::money, .scale = 2, .currency = "JPY"};
  EXPECT_EQ(table_of("v\n12\n", yen).column("v").values<std::int64_t>()[0], 12);
  EXPECT_EQ(csv::parse("v\n12.5\n", yen).issues.count("too_many_decimals"), 1);
  yen.types["v"].currency = "no";
  EXPECT_THROW(csv::parse("v\n1\n", yen), UsageError);
  csv::WriteOptions options;
  options.delimiter = '.';
  EXPECT_EQ(csv::format(table.slice(0, 1), options), "amount\n\"12.34\"\n");
}

TEST(CsvWrite, FilesAreWholeOrAbsent) {
  const auto folder = std::filesystem::temp_directory_path() / "salesops_test_csv";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "t.csv").string();
  const Table table = table_of(large_text(50'000));
  csv::write(table, path);
  expect_same(csv::read(path, {.name = "csv"}), csv::parse(csv::format(table)));
  csv::WriteOptions stopped;
  std::stop_source source;
  source.request_stop();
  stopped.execution.stop = source.get_token();
  EXPECT_THROW(csv::write(Table(), (folder / "no" / "such").string()), DataError);
  EXPECT_THROW(csv::write(table, (folder / "u.csv").string(), stopped), Cancelled);
  EXPECT_THROW(csv::write(table, "/dev/full"), DataError);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  const std::vector<std::string> nul{std::string("a\0b", 3)};
  EXPECT_THROW(csv::format(Table({{"t", Column::of_strings(nul)}})), UsageError);
  std::filesystem::remove_all(folder);
}
