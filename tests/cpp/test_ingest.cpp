#include <gtest/gtest.h>

#include "salesops/csv.hpp"
#include "salesops/ingest.hpp"

using namespace salesops;

namespace {

/// A table of strings as CSV text has it, types not inferred.
Table texts(std::string_view csv) { return csv::parse(csv, {.infer = false}).table; }

ingest::Result applied(std::string_view mapping, std::string_view table, std::string_view csv) {
  return ingest::apply(ingest::Mapping::parse(mapping), {{std::string(table), texts(csv)}});
}

const Table& only(const ingest::Result& result) {
  EXPECT_EQ(result.tables.size(), 1U);
  return result.tables.front().second;
}

std::vector<std::string> cells(const Table& table, std::string_view column) {
  std::vector<std::string> result;
  for (std::size_t row = 0; row < table.num_rows(); ++row)
    result.push_back(table.column(column).valid(row) ? table.column(column).cell(row) : "null");
  return result;
}

using Cells = std::vector<std::string>;

Cells close_dates(std::string_view options, std::string_view values, Issues* issues = nullptr) {
  std::string csv = "opportunity_id,close_date\n";
  int id = 0;
  while (!values.empty()) {
    const std::size_t end = std::min(values.find('|'), values.size());
    csv += std::to_string(++id) + ",\"" + std::string(values.substr(0, end)) + "\"\n";
    values.remove_prefix(std::min(end + 1, values.size()));
  }
  const auto result = applied(options, "opportunity", csv);
  if (issues != nullptr) *issues = result.issues;
  return cells(only(result), "close_date");
}

Cells amounts(std::string_view options, std::string_view values, ingest::Result* kept = nullptr) {
  std::string csv = "opportunity_id;amount\n";
  int id = 0;
  while (!values.empty()) {
    const std::size_t end = std::min(values.find('|'), values.size());
    csv += std::to_string(++id) + ";" + std::string(values.substr(0, end)) + "\n";
    values.remove_prefix(std::min(end + 1, values.size()));
  }
  const Table table = csv::parse(csv, {.delimiter = ';', .infer = false}).table;
  const auto result = ingest::apply(ingest::Mapping::parse(options), {{"opportunity", table}});
  if (kept != nullptr) *kept = result;
  return cells(only(result), "amount");
}

}  // namespace

TEST(Ingest, LiftsSalesforceIds) {
  // Salesforce's documentation prints this pair.
  EXPECT_EQ(ingest::salesforce_id("0015000000Gv7qJ"), "0015000000Gv7qJAAR");
  EXPECT_EQ(ingest::salesforce_id("000000000000000"), "000000000000000AAA");
  EXPECT_EQ(ingest::salesforce_id("AAAAAAAAAAAAAAA"), "AAAAAAAAAAAAAAA555");
  EXPECT_EQ(ingest::salesforce_id("short"), "short");
  EXPECT_EQ(ingest::salesforce_id("0015000000Gv7q!"), "0015000000Gv7q!");
  const auto result = applied(R"({"ids": "salesforce"})", "opportunity",
                              "opportunity_id,account_id\n006A,0015000000Gv7qJ\n006B,0015000000Gv7qJAAR\n"
                              "006C,0015000000gv7qJAAR\n");
  EXPECT_EQ(cells(only(result), "account_id"),
            (Cells{"0015000000Gv7qJAAR", "0015000000Gv7qJAAR", "0015000000gv7qJAAR"}));
  EXPECT_EQ(result.issues.count("opportunity", "account_id", "bad_id_checksum"), 1);
}

TEST(Ingest, FindsNamesWithoutCaseBlanksAndPunctuation) {
  const auto result = ingest::apply(
      ingest::preset("salesforce"),
      {{"Opportunities", texts("OPPORTUNITY ID,Stage,Close Date,Probability (%),Loss_Reason__c,Hot Deal?\n"
                               "006A,Closed Won,2024-05-31,100,Price,yes\n")}});
  EXPECT_EQ(only(result).names(),
            (Cells{"opportunity_id", "stage_id", "close_date", "probability", "loss_reason", "hot_deal"}));
  EXPECT_EQ(cells(only(result), "probability"), Cells{"1"});
}

TEST(Ingest, KeepsUnknownColumnsUnderASnakeCaseName) {
  const auto result =
      applied("{}", "opportunity", "opportunity_id,LeadScoreV2,__,Größe (cm),lead score V2\nA,1,2,3,4\n");
  EXPECT_EQ(only(result).names(),
            (Cells{"opportunity_id", "lead_score_v2", "column", "größe_cm", "lead_score_v2_2"}));
  EXPECT_EQ(result.issues.count("name_taken"), 1);
}

TEST(Ingest, LetsOneDayAboveTwelveDecideItsColumn) {
  EXPECT_EQ(close_dates("{}", "03/04/2026|31/12/2026"), (Cells{"2026-04-03", "2026-12-31"}));
  EXPECT_EQ(close_dates("{}", "03/04/2026|12/31/2026"), (Cells{"2026-03-04", "2026-12-31"}));
  EXPECT_EQ(close_dates("{}", "2026/04/03|3 Apr 2026|April 3, 2026|03-Apr-26|20260403"),
            (Cells{"2026-04-03", "2026-04-03", "2026-04-03", "2026-04-03", "null"}));
}

TEST(Ingest, NeverGuessesADate) {
  Issues issues;
  EXPECT_EQ(close_dates("{}", "03/04/2026|05/05/2026|07.08.2026", &issues),
            (Cells{"null", "2026-05-05", "null"}));
  EXPECT_EQ(issues.count("opportunity", "close_date", "ambiguous_date"), 2);
  EXPECT_EQ(close_dates("{}", "31/12/2026|12/31/2026|03/04/2026", &issues),
            (Cells{"2026-12-31", "2026-12-31", "null"}));
  EXPECT_EQ(issues.count("mixed_date_order"), 1);
  EXPECT_EQ(close_dates(R"({"date_order": "dmy"})", "03/04/2026|12/31/2026", &issues),
            (Cells{"2026-04-03", "null"}));
  EXPECT_EQ(issues.count("not_a_date"), 1);
  EXPECT_EQ(close_dates(R"({"date_order": "mdy"})", "03/04/26 11:59 PM"), Cells{"2026-03-04"});
  EXPECT_EQ(close_dates(R"({"date_order": "ymd"})", "26-03-04"), Cells{"2026-03-04"});
  EXPECT_EQ(close_dates("{}", "31/02/2026|99/99/2026|soon|1/2|1/2/3/4|2026-13-01", &issues),
            (Cells{"null", "null", "null", "null", "null", "null"}));
  EXPECT_EQ(issues.count("not_a_date"), 6);
}

TEST(Ingest, CutsInstantsToDatesInTheZone) {
  EXPECT_EQ(
      close_dates(R"({"zone": "Europe/Berlin"})", "2024-06-30T22:30:00Z|2024-06-30|2024-06-30 23:30:00"),
      (Cells{"2024-07-01", "2024-06-30", "2024-06-30"}));
  EXPECT_EQ(close_dates(R"({"zone": "Europe/Berlin", "clock": "UTC"})", "2024-06-30 23:30:00"),
            Cells{"2024-07-01"});
  const Table typed(
      {{"opportunity_id", Column::of_strings(std::vector<std::string>{"A"})},
       {"close_date", Column::of(Type::timestamp, std::vector<std::int64_t>{1719786600000000})}});
  const auto result =
      ingest::apply(ingest::Mapping::parse(R"({"zone": "Europe/Berlin"})"), {{"opportunity", typed}});
  EXPECT_EQ(cells(only(result), "close_date"), Cells{"2024-07-01"});
}

TEST(Ingest, ReadsTimeAsANumber) {
  Issues issues;
  EXPECT_EQ(close_dates("{}", "1719705600000|1719705600|1719705600000000|12", &issues),
            (Cells{"2024-06-30", "2024-06-30", "2024-06-30", "null"}));
  EXPECT_EQ(issues.count("epoch_time"), 1);
  EXPECT_EQ(close_dates(R"({"tables": {"opportunity": {"columns": {"close_date":
                         {"from": "close_date", "epoch": "excel_days"}}}}})",
                        "45473"),
            Cells{"2024-06-30"});
  const Table numbers({{"opportunity_id", Column::of_strings(std::vector<std::string>{"A"})},
                       {"created_at", Column::of(Type::float64, std::vector<double>{1719705600123.0})}});
  const auto result = ingest::apply({}, {{"opportunity", numbers}});
  EXPECT_EQ(only(result).column("created_at").values<std::int64_t>()[0], 1719705600123000);
}

TEST(Ingest, ReadsAmountsAsPeopleWriteThem) {
  ingest::Result kept;
  EXPECT_EQ(amounts("{}", "USD 1,234.50|(123.45)|$7|1 234,50-", &kept),
            (Cells{"1234.50", "-123.45", "7", "-1234.50"}));
  EXPECT_EQ(amounts("{}", "€1.234,50|12,5|-3", &kept), (Cells{"1234.50", "12.5", "-3"}));
  EXPECT_EQ(cells(only(kept), "currency"), (Cells{"EUR", "null", "null"}));
  EXPECT_EQ(amounts("{}", "1'234'567.8|1,234,567|0.125|.5|5.|+4"),
            (Cells{"1234567.8", "1234567", "0.125", "0.5", "5", "4"}));
  EXPECT_EQ(amounts("{}", "12\u00a0345,60 €|\u22125 EUR"), (Cells{"12345.60", "-5"}));
  // What is no amount is left for the book to name.
  EXPECT_EQ(amounts("{}", "twelve|1.2.3,4,5|$|()|1 2|,,"),
            (Cells{"twelve", "1.2.3,4,5", "$", "()", "1 2", ",,"}));
}

TEST(Ingest, NeverGuessesADecimalMark) {
  ingest::Result kept;
  EXPECT_EQ(amounts("{}", "1.234|5", &kept), (Cells{"null", "5"}));
  EXPECT_EQ(kept.issues.count("ambiguous_number"), 1);
  EXPECT_EQ(amounts("{}", "1,234|5"), (Cells{"1234", "5"}));
  EXPECT_EQ(amounts("{}", "1.234|99.50"), (Cells{"1.234", "99.50"}));
  EXPECT_EQ(amounts("{}", "1.234|99,50"), (Cells{"1234", "99.50"}));
  EXPECT_EQ(amounts("{}", "1.234|12345"), (Cells{"1.234", "12345"}));
  EXPECT_EQ(amounts("{}", "1.234|99,50|99.50", &kept), (Cells{"null", "99.50", "99.50"}));
  EXPECT_EQ(kept.issues.count("mixed_decimal_mark"), 1);
  EXPECT_EQ(amounts(R"({"decimal": "comma"})", "1.234"), Cells{"1234"});
  EXPECT_EQ(amounts(R"({"decimal": "."})", "1.234"), Cells{"1.234"});
}

TEST(Ingest, RefusesAnAmountInAnotherCurrencyThanItsRow) {
  const auto result = applied("{}", "opportunity", "opportunity_id,amount,currency\nA,€5,EUR\nB,€5,USD\n");
  EXPECT_EQ(cells(only(result), "amount"), (Cells{"5", "null"}));
  EXPECT_EQ(result.issues.count("opportunity", "amount", "currency_mismatch"), 1);
}

TEST(Ingest, SkipsTitlesFootersAndSubtotals) {
  std::vector<std::string> first = {"Q1 pipeline",
                                    "Opportunity ID",
                                    "006A",
                                    "Subtotal",
                                    "006B",
                                    "Grand Total",
                                    "Copyright (c) 2024 Example",
                                    "Confidential Information - Do Not Distribute",
                                    " "};
  std::vector<std::optional<std::string>> second = {
      std::nullopt, "Opportunity Name", "Total Energies", std::nullopt, "Total",
      std::nullopt, std::nullopt,       std::nullopt,     std::nullopt};
  std::vector<std::optional<std::string>> third = {std::nullopt, "Amount",     "5",          "5",         "7",
                                                   "12",         std::nullopt, std::nullopt, std::nullopt};
  const Table report({{"Report", Column::of_strings(first)},
                      {"Unnamed: 1", Column::of_strings(second)},
                      {"Unnamed: 2", Column::of_strings(third)}});
  const auto result = ingest::apply(ingest::preset("salesforce"), {{"opportunity", report}});
  EXPECT_EQ(cells(only(result), "opportunity_id"), (Cells{"006A", "006B"}));
  EXPECT_EQ(cells(only(result), "name"), (Cells{"Total Energies", "Total"}));
  EXPECT_EQ(cells(only(result), "amount"), (Cells{"5", "7"}));
  EXPECT_EQ(result.issues.count("title_row"), 2);
  EXPECT_EQ(result.issues.count("footer_row"), 4);
  EXPECT_EQ(result.issues.count("blank_row"), 1);
}

TEST(Ingest, FindsWhereAReportBegins) {
  const auto mapping = ingest::preset("salesforce");
  EXPECT_EQ(ingest::title_lines(mapping, "Id,StageName\n1,a\n"), 0U);
  EXPECT_EQ(ingest::title_lines(mapping, "My report\n\nFiltered By\n\"Opportunity ID\";\"Stage\"\n1;a\n"),
            3U);
  EXPECT_EQ(ingest::title_lines(mapping, ""), 0U);
  EXPECT_EQ(ingest::title_lines(mapping, "nothing,here\n1,2"), 0U);
}

TEST(Ingest, TakesEachValueFromTheFirstSourceThatHasOne) {
  const auto result = applied(R"({"tables": {"opportunity": {"from": "deals", "columns": {
      "opportunity_id": "id", "closed_at": ["won_time", "lost_time"],
      "is_won": [{"constant": true, "when": {"stage": ["Won", "Gewonnen"]}}, {"constant": false}],
      "loss_reason": {"from": "reason", "values": {"p": "price", "none given": ""}}}}}})",
                              "DEAL",
                              "id,stage,won_time,lost_time,reason\nA,Won,2024-01-01,,\nB,Lost,,2024-02-02,P\n"
                              "C,Open,,,None given\n");
  EXPECT_EQ(cells(only(result), "closed_at"),
            (Cells{"2024-01-01T00:00:00Z", "2024-02-02T00:00:00Z", "null"}));
  EXPECT_EQ(cells(only(result), "is_won"), (Cells{"true", "false", "false"}));
  EXPECT_EQ(cells(only(result), "loss_reason"), (Cells{"null", "price", "null"}));
}

TEST(Ingest, FeedsTwoTablesFromOneAndOneFromTwo) {
  const auto mapping = ingest::Mapping::parse(R"({"tables": {
      "rep": {"from": "people", "columns": {"rep_id": "name", "team_id": "team"}},
      "team": {"from": "people", "columns": {"team_id": "team", "name": "team"}, "distinct": true},
      "lead": [{"from": "leads", "columns": {"lead_id": "id"}},
               {"from": "sales", "columns": {"lead_id": "id", "converted_at": "won"}, "join": true}],
      "stage_def": {"rows": [{"stage_id": "1", "type": "open"}, {"stage_id": "2", "type": "won"}]}}})");
  const auto result = ingest::apply(mapping, {{"people", texts("name,team\nA,x\nB,x\nC,y\n")},
                                              {"sales", texts("id,won\n2,2024-01-01\n9,2024-01-02\n")},
                                              {"leads", texts("id\n1\n2\n")}});
  std::map<std::string, Table> tables(result.tables.begin(), result.tables.end());
  EXPECT_EQ(tables["rep"].num_rows(), 3U);
  EXPECT_EQ(cells(tables["team"], "team_id"), (Cells{"x", "y"}));
  EXPECT_EQ(cells(tables["lead"], "converted_at"), (Cells{"null", "2024-01-01T00:00:00Z"}));
  EXPECT_EQ(cells(tables["stage_def"], "type"), (Cells{"open", "won"}));
  EXPECT_EQ(result.issues.count("not_joined"), 1);
}

TEST(Ingest, CarriesForwardWhatAVersionFileDoesNotSay) {
  const auto mapping = ingest::Mapping::parse(R"({"tables": {"opportunity_version": [
      {"from": "stages", "columns": {"opportunity_id": "id", "valid_from": "at", "stage_id": "stage"}},
      {"from": "amounts", "columns": {"opportunity_id": "id", "valid_from": "at", "amount": "amount"}}]}})");
  const auto result = ingest::apply(
      mapping, {{"stages", texts("id,at,stage\nA,2024-01-01,1\nA,2024-01-05,2\nB,2024-01-01,1\n")},
                {"amounts", texts("id,at,amount\nA,2024-01-03,50\nA,2024-01-05,\n")}});
  const Table& table = only(result);
  EXPECT_EQ(cells(table, "stage_id"), (Cells{"1", "2", "1", "1", "2"}));
  EXPECT_EQ(cells(table, "amount"), (Cells{"null", "50", "null", "50", "null"}));
}

TEST(Ingest, ReadsOldAndNewAsTheColumnTheyBelongTo) {
  const auto result =
      ingest::apply(ingest::preset("salesforce"),
                    {{"OpportunityFieldHistory",
                      texts("Id,OpportunityId,CreatedDate,Field,OldValue,NewValue,CreatedById\n"
                            "h1,006A,2024-01-02T00:00:00Z,Amount,\"USD 1,000.00\",\"USD 2,500.50\",005A\n"
                            "h2,006A,2024-01-03T00:00:00Z,CloseDate,3/4/2024,3/31/2024,005A\n"
                            "h3,006A,2024-01-04T00:00:00Z,Probability,10,75,005A\n"
                            "h4,006A,2024-01-05T00:00:00Z,ForecastCategoryName,Pipeline,Forecast,005A\n"
                            "h5,006A,2024-01-05T00:00:00Z,Description,a,b,005A\n")}});
  const Table& table = only(result);
  EXPECT_EQ(cells(table, "field"), (Cells{"amount", "close_date", "probability", "forecast_category"}));
  EXPECT_EQ(cells(table, "old"), (Cells{"1000.00", "2024-03-04", "0.1", "pipeline"}));
  EXPECT_EQ(cells(table, "new"), (Cells{"2500.50", "2024-03-31", "0.75", "commit"}));
  EXPECT_EQ(cells(table, "seq"), (Cells{"0", "1", "2", "3"}));
  EXPECT_EQ(result.issues.count("row_left_out"), 1);
}

TEST(Ingest, PresetsFillEveryTableUnderNamesOfTheModel) {
  for (const std::string& name : ingest::presets()) {
    const auto mapping = ingest::preset(name);
    EXPECT_EQ(mapping.name, name);
    EXPECT_GE(mapping.tables.size(), 8U);
    for (const auto& table : mapping.tables) {
      const TableModel& model = table_model(table.table);
      EXPECT_FALSE(table.sources.empty()) << name << " " << table.table;
      for (const auto& column : table.columns)
        EXPECT_NE(model.find(column.column), nullptr) << name << " " << table.table << "." << column.column;
    }
  }
  EXPECT_THROW(ingest::preset("siebel"), UsageError);
}

TEST(Ingest, NamesWhatIsWrongWithAMapping) {
  const auto message = [](std::string_view json) -> std::string {
    try {
      (void)ingest::apply(ingest::Mapping::parse(json), {{"deals", texts("id\n1\n")}});
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message("{").find("no JSON"), std::string::npos);
  EXPECT_NE(message(R"({"table": {}})").find("no key 'table'"), std::string::npos);
  EXPECT_NE(message(R"({"tables": {"opportunity": {"colums": {}}}})").find("no key 'colums'"),
            std::string::npos);
  EXPECT_NE(
      message(R"({"tables": {"opportunity": {"columns": {"name": {"when": {}}}}}})").find("from or constant"),
      std::string::npos);
  EXPECT_NE(message(R"({"tables": {"oportunity": {}}})").find("did you mean 'opportunity'"),
            std::string::npos);
  EXPECT_NE(message(R"({"date_order": "american"})").find("dmy"), std::string::npos);
  EXPECT_NE(message("{}").find("none of the tables 'deals'"), std::string::npos);
  EXPECT_NE(message("[1]").find("expected an object"), std::string::npos);
}

TEST(Ingest, StaysCalmOverHostileTables) {
  const std::string huge(1 << 20, '9');
  const auto result = ingest::apply(
      ingest::preset("salesforce"),
      {{"opportunity",
        Table({{"Id", Column::of_strings(std::vector<std::string>{"=cmd|' /C calc'!A0", huge})},
               {"Amount", Column::of_strings(std::vector<std::string>{huge, "1e400"})},
               {"CloseDate", Column::of_strings(std::vector<std::string>{huge, "99999999999999999999"})},
               {"Probability", Column::of_strings(std::vector<std::string>{"nan", "-1e999"})},
               {"CreatedDate", Column::of(Type::boolean, std::vector<std::uint8_t>{0, 1})},
               {"", Column::nulls(Type::float64, 2)},
               {"\xff\xfe", Column::nulls(Type::string, 2)}})}});
  const Crm crm = Crm::build(result.tables);
  EXPECT_EQ(crm.table("opportunity").num_rows(), 2U);
  EXPECT_EQ(crm.table("opportunity").column("close_date").null_count(), 2U);
  EXPECT_EQ(crm.issues().count("not_an_amount"), 2);
  EXPECT_EQ(crm.issues().count("wrong_type"), 2);
  EXPECT_TRUE(ingest::apply(ingest::preset("hubspot"), {}).tables.empty());
  EXPECT_EQ(ingest::apply({}, {{"opportunity", Table()}}).tables.front().second.num_rows(), 0U);
}
