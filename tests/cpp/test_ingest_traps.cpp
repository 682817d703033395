// The eighteen traps of CRM imports, each from a source's rows to the book.

#include <gtest/gtest.h>

#include "salesops/csv.hpp"
#include "salesops/ingest.hpp"

using namespace salesops;

namespace {

struct Given {
  std::string table, csv;
};

struct Imported {
  Crm crm;
  Issues notes;  ///< of the import, and of the look back at it
};

Imported imported(const ingest::Mapping& mapping, std::initializer_list<Given> tables,
                  std::string currency = "EUR") {
  NamedTables raw;
  for (const Given& given : tables)
    raw.emplace_back(given.table, csv::parse(given.csv, {.infer = false, .name = given.table}).table);
  ingest::Result result = ingest::apply(mapping, raw);
  CrmOptions options;
  options.currency = std::move(currency);
  Crm crm = Crm::build(std::move(result.tables), options);
  result.issues.merge(ingest::check(crm));
  return {crm, result.issues};
}

std::string cell(const Crm& crm, std::string_view column, std::size_t row = 0,
                 std::string_view table = "opportunity") {
  const Column& values = crm.column(table, column);
  return values.valid(row) ? values.cell(row) : "null";
}

std::int64_t at(std::string_view text) { return Instant::parse(text)->us; }

}  // namespace

TEST(Trap01, ProbabilityInPercentBesideFractionsIsRefused) {
  const auto percent =
      imported(ingest::preset("salesforce"), {{"Opportunity", "Id,Probability\nA,10\nB,75\nC,0\n"}});
  EXPECT_EQ(cell(percent.crm, "probability", 1), "0.75");
  EXPECT_EQ(cell(percent.crm, "probability", 2), "0");
  const auto one = imported(ingest::preset("salesforce"), {{"Opportunity", "Id,Probability\nA,1\n"}});
  EXPECT_EQ(cell(one.crm, "probability"), "0.01");
  const auto fraction =
      imported(ingest::preset("hubspot"), {{"deals", "id,hs_deal_stage_probability\n1,0.2\n2,1\n"}});
  EXPECT_EQ(cell(fraction.crm, "probability"), "0.2");
  const auto mixed =
      imported(ingest::preset("salesforce"), {{"Opportunity", "Id,Probability\nA,0.5\nB,75\n"}});
  EXPECT_EQ(mixed.crm.column("opportunity", "probability").null_count(), 2U);
  EXPECT_EQ(mixed.crm.issues().count("opportunity", "probability", "mixed_fraction_scales"), 2);
  const auto signs = imported({}, {{"opportunity", "opportunity_id,probability\nA,50%\nB,0.3\nC,5%\n"}});
  EXPECT_EQ(cell(signs.crm, "probability"), "0.5");
  EXPECT_EQ(cell(signs.crm, "probability", 1), "null");
  EXPECT_EQ(signs.notes.count("opportunity", "probability", "mixed_fraction_scales"), 1);
}

TEST(Trap02, HubspotNumbersAreTextsAndBlankIsNull) {
  const auto book = imported(
      ingest::preset("hubspot"),
      {{"deals",
        "hs_object_id,amount,closedate\n1,1234.56,1719705600000\n2,\"\",\"\"\n3, ,2024-06-30T10:00:00Z\n"}});
  EXPECT_EQ(book.crm.deals().amount[0], 123456);  // the cents stay
  EXPECT_EQ(book.crm.deals().amount[1], null_value);
  EXPECT_EQ(cell(book.crm, "close_date"), "2024-06-30");
  EXPECT_EQ(cell(book.crm, "close_date", 1), "null");
  EXPECT_EQ(cell(book.crm, "amount", 2), "null");
}

TEST(Trap03, CloseDateIsCutInThePortalsZone) {
  auto mapping = ingest::preset("hubspot");
  const Given deals{
      "deals", "id,closedate,hs_is_closed\n1,2024-06-30T22:30:00.000Z,true\n2,2024-06-30T22:30:00Z,false\n"};
  EXPECT_EQ(cell(imported(mapping, {deals}).crm, "close_date"), "2024-06-30");
  mapping.zone = "Europe/Berlin";
  const auto book = imported(mapping, {deals});
  EXPECT_EQ(cell(book.crm, "close_date"), "2024-07-01");
  EXPECT_EQ(cell(book.crm, "closed_at"), "2024-06-30T22:30:00Z");
  EXPECT_EQ(cell(book.crm, "closed_at", 1), "null");  // an open deal's close date is only expected
}

TEST(Trap04, ConvertedDateHasNoTime) {
  const auto book =
      imported(ingest::preset("salesforce"),
               {{"Lead", "Id,CreatedDate,ConvertedDate\nL1,2024-03-01T15:00:00Z,2024-03-02\n"}});
  EXPECT_EQ(cell(book.crm, "converted_at", 0, "lead"), "2024-03-02T00:00:00Z");
  EXPECT_EQ(book.notes.count("Lead", "ConvertedDate", "date_only"), 1);
  EXPECT_EQ(book.notes.count("Lead", "CreatedDate", "date_only"), 0);
}

TEST(Trap05, OdooInactiveIsLost) {
  const auto book = imported(ingest::preset("odoo"), {{"crm.lead",
                                                       "id,type,active,probability,stage_id,date_closed\n"
                                                       "1,opportunity,True,100.0,4,2024-02-01 10:00:00\n"
                                                       "2,opportunity,False,0.0,2,2024-02-02 10:00:00\n"
                                                       "3,opportunity,True,35.5,2,False\n"
                                                       "4,lead,True,10,1,False\n"}});
  ASSERT_EQ(book.crm.table("opportunity").num_rows(), 3U);
  EXPECT_EQ(book.crm.deals().status,
            (std::vector<DealStatus>{DealStatus::won, DealStatus::lost, DealStatus::open}));
  EXPECT_EQ(book.crm.deals().deleted, (std::vector<std::uint8_t>{0, 0, 0}));
  EXPECT_EQ(cell(book.crm, "probability", 2), "0.355");
  EXPECT_EQ(book.crm.table("lead").num_rows(), 1U);
}

TEST(Trap06, PipedriveTimesAreUtcWhateverTheZone) {
  auto mapping = ingest::preset("pipedrive");
  mapping.zone = "America/New_York";
  const auto book = imported(mapping, {{"deals",
                                        "id,add_time,won_time,lost_time,status,expected_close_date\n"
                                        "1,2024-06-01 03:00:00,2024-06-30 23:30:00,,won,2024-06-30\n"
                                        "2,2024-06-01 03:00:00,,2024-07-01 00:00:00,lost,\n"}});
  EXPECT_EQ(cell(book.crm, "created_at"), "2024-06-01T03:00:00Z");
  EXPECT_EQ(cell(book.crm, "closed_at"), "2024-06-30T23:30:00Z");
  EXPECT_EQ(cell(book.crm, "close_date"), "2024-06-30");
  EXPECT_EQ(book.crm.deals().status, (std::vector<DealStatus>{DealStatus::won, DealStatus::lost}));
}

TEST(Trap07, DeletedAndMergedRecordsAreToldApart) {
  const auto book = imported(
      ingest::preset("salesforce"),
      {{"Account", "Id,Name,IsDeleted,MasterRecordId\nA1,Keep,false,\nA2,Twin,true,A1\nA3,Gone,true,\n"},
       {"Opportunity", "Id,AccountId,IsDeleted\nO1,A2,false\nO2,A1,true\nO3,A3,false\n"}});
  EXPECT_EQ(book.crm.table("account").num_rows(), 2U);  // the merged twin stays to be followed
  EXPECT_EQ(book.crm.deals().account_row[0], book.crm.row_of("account", "A1"));
  EXPECT_EQ(book.crm.deals().deleted, (std::vector<std::uint8_t>{0, 1, 0}));
  EXPECT_EQ(book.crm.issues().count("opportunity", "account_id", "orphan_key"), 1);
  const auto deals = imported(ingest::preset("pipedrive"), {{"deals", "id,status\n1,deleted\n2,open\n"}});
  EXPECT_EQ(deals.crm.deals().deleted, (std::vector<std::uint8_t>{1, 0}));
}

TEST(Trap08, AStageThatIsGoneIsKeptAndFlagged) {
  const auto book = imported(
      ingest::preset("hubspot"),
      {{"deals",
        "id,pipeline,dealstage,createdate\n1,p,new,2024-01-01T00:00:00Z\n2,p,retired,2024-01-01T00:00:00Z\n"},
       {"deal_pipeline_stage",
        "pipeline_id,stage_id,label,display_order,probability\np,new,New,1,0.1\np,won,Won,2,1\n"},
       {"deal_property_history",
        "deal_id,name,value,timestamp\n1,dealstage,old,2024-01-01T00:00:00Z\n"
        "1,dealstage,new,2024-01-05T00:00:00Z\n"}});
  EXPECT_EQ(cell(book.crm, "stage_id", 1), "retired");
  EXPECT_EQ(book.crm.issues().count("opportunity", "stage_id", "unknown_stage"), 1);
  EXPECT_EQ(book.notes.count("opportunity", "stage_id", "unknown_stage_in_history"), 1);
  EXPECT_EQ(cell(book.crm.as_of(*Instant::parse("2024-01-02")), "stage_id"), "old");
}

TEST(Trap09, ADealMovesToAnotherPipeline) {
  const auto book =
      imported(ingest::preset("pipedrive"),
               {{"deals", "id,pipeline_id,stage_id,add_time\n1,20,201,2024-01-01 00:00:00\n"},
                {"deal_changelog",
                 "id,deal_id,field_key,old_value,new_value,log_time\n"
                 "1,1,pipeline_id,10,20,2024-01-05 09:00:00\n2,1,stage_id,101,201,2024-01-05 09:00:00\n"}});
  EXPECT_EQ(book.notes.count("opportunity", "pipeline_id", "pipeline_changed"), 1);
  const Crm before = book.crm.as_of(*Instant::parse("2024-01-04"));
  EXPECT_EQ(cell(before, "pipeline_id") + "/" + cell(before, "stage_id"), "10/101");
  EXPECT_EQ(cell(book.crm, "pipeline_id") + "/" + cell(book.crm, "stage_id"), "20/201");
}

TEST(Trap10, EqualTimestampsKeepTheOrderOfTheirIds) {
  const std::string head = "Id,OpportunityId,CreatedDate,Field,OldValue,NewValue\n";
  const std::string first = "017A1,O1,2024-01-05T00:00:00Z,StageName,New,Proposal\n";
  const std::string second = "017A2,O1,2024-01-05T00:00:00Z,StageName,Proposal,Negotiation\n";
  for (const std::string& rows : {first + second, second + first}) {
    const auto book =
        imported(ingest::preset("salesforce"), {{"Opportunity", "Id,CreatedDate\nO1,2024-01-01T00:00:00Z\n"},
                                                {"OpportunityFieldHistory", head + rows}});
    EXPECT_EQ(cell(book.crm, "stage_id"), "Negotiation");
    EXPECT_EQ(book.crm.history().changes(0).size(), 2U);
  }
  // Numbers are compared as numbers: 9 before 10.
  const auto odoo =
      imported(ingest::preset("pipedrive"),
               {{"deals", "id,add_time\n1,2024-01-01 00:00:00\n"},
                {"changelog",
                 "id,deal_id,field_key,old_value,new_value,log_time\n"
                 "10,1,stage_id,2,3,2024-01-05 00:00:00\n9,1,stage_id,1,2,2024-01-05 00:00:00\n"}});
  EXPECT_EQ(cell(odoo.crm, "stage_id"), "3");
}

TEST(Trap11, EventsOutOfOrderAreSortedAndSkewedClocksNamed) {
  const auto book = imported(ingest::preset("salesforce"),
                             {{"Opportunity", "Id,CreatedDate,StageName\nO1,2024-01-10T00:00:00Z,C\n"},
                              {"OpportunityFieldHistory",
                               "Id,OpportunityId,CreatedDate,Field,OldValue,NewValue\n"
                               "h2,O1,2024-01-20T00:00:00Z,StageName,B,C\n"
                               "h1,O1,2024-01-09T23:59:00Z,StageName,A,B\n"}});
  EXPECT_EQ(cell(book.crm.as_of(*Instant::parse("2024-01-15")), "stage_id"), "B");
  EXPECT_EQ(book.crm.history().changes(0)[0].at, at("2024-01-09T23:59:00Z"));
  EXPECT_EQ(book.notes.count("opportunity", "created_at", "event_before_created"), 1);
}

TEST(Trap12, AHistoryThatStartsLateIsTruncatedNotZero) {
  const auto book =
      imported(ingest::preset("hubspot"),
               {{"deals", "id,createdate,dealstage\n1,2023-01-01T00:00:00Z,b\n2,2024-01-01T00:00:00Z,b\n"},
                {"deal_property_history",
                 "deal_id,name,value,timestamp\n"
                 "1,dealstage,b,2024-01-05T00:00:00Z\n"
                 "2,dealstage,a,2024-01-01T00:00:00Z\n"
                 "2,dealstage,b,2024-01-05T00:00:00Z\n"}});
  EXPECT_EQ(book.notes.count("opportunity", "stage_id", "history_starts_late"), 1);
  EXPECT_EQ(cell(book.crm.as_of(*Instant::parse("2023-06-01")), "stage_id"), "null");  // unknown, not "b"
}

TEST(Trap13, ACurrencyThatIsAbsentIsSaid) {
  const Given deals{"opportunity", "opportunity_id,amount\nA,5\n"};
  const auto unsaid = imported({}, {deals}, "");
  EXPECT_EQ(unsaid.crm.currency(), "XXX");
  EXPECT_EQ(unsaid.crm.issues().count("currency_not_said"), 1);
  EXPECT_EQ(imported({}, {deals}, "JPY").crm.deals().amount[0], 5);
  const auto some = imported({}, {{"opportunity", "opportunity_id,amount,currency\nA,5,USD\nB,5,\n"}});
  EXPECT_EQ(cell(some.crm, "currency", 1), "EUR");
  EXPECT_EQ(some.crm.issues().count("currency_missing"), 1);
}

TEST(Trap14, AmountsEditedAfterTheCloseAreNamed) {
  const auto book = imported(
      ingest::preset("salesforce"),
      {{"Opportunity",
        "Id,CreatedDate,StageName,Amount,CloseDate\nO1,2024-01-01T00:00:00Z,Closed Won,90,2024-02-01\n"},
       {"OpportunityFieldHistory",
        "Id,OpportunityId,CreatedDate,Field,OldValue,NewValue\n"
        "h1,O1,2024-02-01T00:00:00Z,StageName,Proposal,Closed Won\n"
        "h2,O1,2024-03-15T00:00:00Z,Amount,100,90\n"}});
  EXPECT_EQ(book.notes.count("opportunity", "amount", "amount_edited_after_close"), 1);
  EXPECT_EQ(book.crm.deals().amount[0], 9000);
  EXPECT_EQ(book.crm.as_of(*Instant::parse("2024-02-02")).deals().amount[0], 10000);
}

TEST(Trap15, OpenDealsOfOwnersWhoLeftAreNamed) {
  const auto book =
      imported(ingest::preset("salesforce"),
               {{"User", "Id,Name,IsActive\nU1,Ann,true\nU2,Bob,false\n"},
                {"Opportunity", "Id,OwnerId,StageName\nO1,U1,New\nO2,U2,New\nO3,U2,Closed Won\n"}});
  EXPECT_EQ(book.crm.table("rep").num_rows(), 2U);
  EXPECT_EQ(book.notes.count("opportunity", "owner_id", "owner_inactive"), 1);
  EXPECT_EQ(book.crm.issues().count("orphan_key"), 0);
}

TEST(Trap16, ADayOfImportIsFound) {
  std::string csv = "Id,CreatedDate\n";
  for (int day = 1; day <= 28; ++day)
    for (int deal = 0; deal < 2; ++deal)
      csv += std::to_string(day * 10 + deal) + ",2024-02-" + (day < 10 ? "0" : "") + std::to_string(day) +
             "T09:00:00Z\n";
  EXPECT_EQ(imported(ingest::preset("salesforce"), {{"Opportunity", csv}}).notes.count("import_day_spike"),
            0);
  for (int deal = 0; deal < 40; ++deal) csv += "m" + std::to_string(deal) + ",2024-02-10T02:00:00Z\n";
  const auto book = imported(ingest::preset("salesforce"), {{"Opportunity", csv}});
  EXPECT_EQ(book.notes.count("opportunity", "created_at", "import_day_spike"), 1);
}

TEST(Trap17, BlanksAreNulls) {
  const auto book = imported({}, {{"opportunity",
                                   "opportunity_id,amount,owner_id,close_date,note\n"
                                   "A, ,  ,\t,\u00a0\nB,5,R1,2024-01-01,x\n"}});
  for (const char* column : {"amount", "owner_id", "close_date", "note"}) {
    EXPECT_EQ(cell(book.crm, column), "null") << column;
    EXPECT_EQ(book.notes.count("opportunity", column, "blank_text"), 1) << column;
  }
}

TEST(Trap18, PlaceholdersAreNulls) {
  const auto book =
      imported({}, {{"lead",
                     "lead_id,source,status,specialization,is_deleted\n"
                     "A,Select,N/A,- SELECT -,false\nB,-,#N/A,None,0\nC,Google,Nonesuch,NA,\n"}});
  for (const char* column : {"source", "status", "specialization"}) {
    EXPECT_EQ(book.notes.count("lead", column, "placeholder"), 2) << column;
    EXPECT_EQ(cell(book.crm, column, 0, "lead"), "null") << column;
    EXPECT_EQ(cell(book.crm, column, 1, "lead"), "null") << column;
  }
  EXPECT_EQ(cell(book.crm, "status", 2, "lead"), "Nonesuch");
  EXPECT_EQ(cell(book.crm, "specialization", 2, "lead"), "NA");  // Namibia is no placeholder
}
