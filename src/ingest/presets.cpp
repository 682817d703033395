#include <array>

#include "salesops/ingest.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest {

namespace {

struct Preset {
  std::string_view name, json;
};

// API names first, then the labels of report exports.
constexpr std::string_view salesforce = R"json({
"name": "salesforce", "ids": "salesforce",
"tables": {
"opportunity": {"from": ["Opportunity", "Opportunities", "Deals", "Opportunity Report"], "columns": {
  "opportunity_id": ["Id", "Opportunity ID", "OpportunityId", "18 Digit ID", "Case Safe ID"],
  "account_id": ["AccountId", "Account ID", "Account Name", "Account"],
  "name": ["Name", "Opportunity Name", "Opportunity"],
  "pipeline_id": ["RecordTypeId", "Record Type ID", "Opportunity Record Type", "Record Type"],
  "stage_id": ["StageName", "Stage"],
  "created_at": ["CreatedDate", "Created Date", "Created"],
  "close_date": ["CloseDate", "Close Date", "Expected Close Date"],
  "amount": ["Amount", "Opportunity Amount"],
  "currency": ["CurrencyIsoCode", "Amount Currency", "Opportunity Currency", "Currency"],
  "probability": {"from": ["Probability", "Probability (%)"], "percent": true},
  "forecast_category": {"from": ["ForecastCategory", "ForecastCategoryName", "Forecast Category"],
    "values": {"Forecast": "commit", "Commit": "commit", "Best Case": "best_case", "BestCase": "best_case",
      "Most Likely": "most_likely", "MostLikely": "most_likely", "Pipeline": "pipeline", "Omitted": "omitted",
      "Closed": "closed"}},
  "is_closed": ["IsClosed", "Closed"], "is_won": ["IsWon", "Won"],
  "owner_id": ["OwnerId", "Owner ID", "Opportunity Owner", "Owner"],
  "territory_id": ["Territory2Id", "Territory ID"],
  "type": {"from": ["Type", "Opportunity Type"],
    "values": {"New Business": "new", "New Customer": "new", "New": "new", "Existing Business": "expansion",
      "Existing Customer - Upgrade": "expansion", "Existing Customer - Replacement": "renewal",
      "Existing Customer - Downgrade": "renewal", "Upsell": "expansion", "Renewal": "renewal"}},
  "source": ["LeadSource", "Lead Source"],
  "campaign": ["CampaignId", "Campaign ID", "Primary Campaign Source"],
  "loss_reason": ["Loss_Reason__c", "Loss Reason", "Closed Lost Reason", "Lost_Reason__c"],
  "next_step": ["NextStep", "Next Step"],
  "primary_contact_id": ["ContactId", "Contact ID", "Primary Contact"],
  "is_deleted": ["IsDeleted", "Deleted"],
  "source_modified_at": ["SystemModstamp", "LastModifiedDate", "Last Modified Date"]}},
"opportunity_version": {"from": ["OpportunityHistory", "Opportunity Stage History"], "columns": {
  "opportunity_id": ["OpportunityId", "Opportunity ID"],
  "valid_from": ["CreatedDate", "Created Date", "Last Modified"],
  "stage_id": ["StageName", "Stage", "To Stage"],
  "amount": ["Amount"], "currency": ["CurrencyIsoCode", "Amount Currency"],
  "close_date": ["CloseDate", "Close Date"],
  "probability": {"from": ["Probability", "Probability (%)"], "percent": true},
  "forecast_category": {"from": ["ForecastCategory", "Forecast Category"],
    "values": {"Forecast": "commit", "BestCase": "best_case", "Best Case": "best_case", "MostLikely": "most_likely",
      "Most Likely": "most_likely", "Pipeline": "pipeline", "Omitted": "omitted", "Closed": "closed", "Commit": "commit"}},
  "is_deleted": []}},
"opportunity_event": {"from": ["OpportunityFieldHistory", "Opportunity Field History", "Opportunity History Report"],
  "order_by": ["Id"], "columns": {
  "opportunity_id": ["OpportunityId", "Opportunity ID"],
  "at": ["CreatedDate", "Edit Date", "Created Date"],
  "field": {"from": ["Field", "Field / Event", "Field/Event"], "only_listed": true,
    "values": {"created": "created", "Created.": "created", "StageName": "stage", "Stage": "stage", "Amount": "amount",
      "CloseDate": "close_date", "Close Date": "close_date", "OwnerId": "owner", "Owner": "owner",
      "Opportunity Owner": "owner", "Probability": "probability", "Probability (%)": "probability",
      "ForecastCategoryName": "forecast_category", "ForecastCategory": "forecast_category",
      "Forecast Category": "forecast_category", "RecordType": "pipeline", "RecordTypeId": "pipeline",
      "opportunityDeleted": "deleted"}},
  "old": ["OldValue", "Old Value"], "new": ["NewValue", "New Value"],
  "actor_id": ["CreatedById", "Edited By", "Created By"], "is_deleted": []}},
"lead": {"from": ["Lead", "Leads", "Lead Report"], "columns": {
  "lead_id": ["Id", "Lead ID"], "created_at": ["CreatedDate", "Created Date", "Create Date"],
  "source": ["LeadSource", "Lead Source"], "status": ["Status", "Lead Status"], "owner_id": ["OwnerId", "Owner ID", "Lead Owner"],
  "email": ["Email"], "phone": ["Phone"], "company": ["Company", "Company / Account"], "country": ["Country"],
  "industry": ["Industry"], "converted_at": ["ConvertedDate", "Converted Date"],
  "converted_account_id": ["ConvertedAccountId", "Converted Account ID"],
  "converted_contact_id": ["ConvertedContactId", "Converted Contact ID"],
  "converted_opportunity_id": ["ConvertedOpportunityId", "Converted Opportunity ID"],
  "merged_into": ["MasterRecordId"], "is_deleted": {"from": ["IsDeleted"], "when": {"MasterRecordId": [""]}},
  "source_modified_at": ["SystemModstamp", "LastModifiedDate"]}},
"account": {"from": ["Account", "Accounts"], "columns": {
  "account_id": ["Id", "Account ID"], "parent_id": ["ParentId", "Parent Account ID"], "name": ["Name", "Account Name"],
  "domain": ["Website"], "industry": ["Industry"], "country": ["BillingCountry", "Billing Country"],
  "region": ["BillingState", "Billing State/Province"], "employees": ["NumberOfEmployees", "Employees"],
  "annual_revenue": ["AnnualRevenue", "Annual Revenue"], "currency": ["CurrencyIsoCode", "Annual Revenue Currency"],
  "owner_id": ["OwnerId", "Account Owner"],
  "type": {"from": ["Type"], "values": {"Customer - Direct": "customer", "Customer - Channel": "customer",
    "Channel Partner / Reseller": "partner", "Technology Partner": "partner", "Customer": "customer",
    "Prospect": "prospect", "Partner": "partner"}},
  "created_at": ["CreatedDate", "Created Date"], "merged_into": ["MasterRecordId"],
  "is_deleted": {"from": ["IsDeleted"], "when": {"MasterRecordId": [""]}},
  "source_modified_at": ["SystemModstamp"]}},
"contact": {"from": ["Contact", "Contacts"], "columns": {
  "contact_id": ["Id", "Contact ID"], "account_id": ["AccountId", "Account ID"], "email": ["Email"], "phone": ["Phone"],
  "first_name": ["FirstName", "First Name"], "last_name": ["LastName", "Last Name"], "title": ["Title"],
  "created_at": ["CreatedDate", "Created Date"], "opted_out": ["HasOptedOutOfEmail", "Email Opt Out"],
  "merged_into": ["MasterRecordId"], "source_modified_at": ["SystemModstamp"],
  "is_deleted": {"from": ["IsDeleted"], "when": {"MasterRecordId": [""]}}}},
"activity": [
 {"from": ["Task", "Tasks"], "columns": {
  "activity_id": ["Id", "Task ID"],
  "type": {"from": ["TaskSubtype", "Type"], "values": {"Call": "call", "Email": "email", "Task": "task",
    "ListEmail": "email", "Cadence": "task", "LinkedIn": "other", "Meeting": "meeting", "Other": "other"}},
  "at": ["CompletedDateTime", "ActivityDate", "Due Date", "Date"], "duration_s": ["CallDurationInSeconds"],
  "actor_id": ["OwnerId", "Assigned"],
  "account_id": [{"from": ["AccountId"]}, {"from": ["WhatId"], "when": {"WhatId": ["001*"]}}],
  "opportunity_id": {"from": ["WhatId"], "when": {"WhatId": ["006*"]}},
  "lead_id": {"from": ["WhoId"], "when": {"WhoId": ["00Q*"]}},
  "contact_id": {"from": ["WhoId"], "when": {"WhoId": ["003*"]}},
  "is_completed": ["IsClosed", "Closed"], "is_deleted": ["IsDeleted"]}},
 {"from": ["Event", "Events"], "columns": {
  "activity_id": ["Id"], "type": {"constant": "meeting"}, "at": ["StartDateTime", "ActivityDateTime", "ActivityDate"],
  "actor_id": ["OwnerId"],
  "account_id": [{"from": ["AccountId"]}, {"from": ["WhatId"], "when": {"WhatId": ["001*"]}}],
  "opportunity_id": {"from": ["WhatId"], "when": {"WhatId": ["006*"]}},
  "lead_id": {"from": ["WhoId"], "when": {"WhoId": ["00Q*"]}},
  "contact_id": {"from": ["WhoId"], "when": {"WhoId": ["003*"]}},
  "is_deleted": ["IsDeleted"]}}],
"stage_def": {"from": ["OpportunityStage", "Opportunity Stage"], "columns": {
  "stage_id": ["ApiName", "MasterLabel"], "label": ["MasterLabel"], "rank": ["SortOrder"],
  "probability": {"from": ["DefaultProbability"], "percent": true},
  "type": [{"constant": "won", "when": {"IsWon": ["true", "1"]}}, {"constant": "lost", "when": {"IsClosed": ["true", "1"]}},
    {"constant": "open"}]}},
"rep": {"from": ["User", "Users"], "columns": {
  "rep_id": ["Id", "User ID"], "name": ["Name", "Full Name"], "email": ["Email"], "manager_id": ["ManagerId"],
  "role": ["UserRole.Name", "Role", "Title"], "team_id": ["UserRoleId"], "time_zone": ["TimeZoneSidKey"],
  "is_active": ["IsActive", "Active"]}},
"team": {"from": ["UserRole", "User Roles"], "columns": {
  "team_id": ["Id"], "parent_id": ["ParentRoleId"], "name": ["Name"]}},
"quota": {"from": ["ForecastingQuota"], "columns": {
  "quota_id": ["Id"], "holder_type": {"constant": "rep"}, "holder_id": ["QuotaOwnerId"], "period_start": ["StartDate"],
  "amount": ["QuotaAmount"], "quantity": ["QuotaQuantity"], "product_family": ["ProductFamily"], "currency": ["CurrencyIsoCode"]}},
"credit_split": {"from": ["OpportunitySplit"], "columns": {
  "opportunity_id": ["OpportunityId"], "rep_id": ["SplitOwnerId"], "split_type": ["SplitTypeId"],
  "pct": {"from": ["SplitPercentage"], "percent": true}, "note": ["SplitNote"]}},
"territory": {"from": ["Territory2"], "columns": {
  "territory_id": ["Id"], "parent_id": ["ParentTerritory2Id"], "name": ["Name"], "model_id": ["Territory2ModelId"]}},
"territory_account": {"from": ["ObjectTerritory2Association"], "columns": {
  "territory_id": ["Territory2Id"], "account_id": ["ObjectId"],
  "cause": {"from": ["AssociationCause"], "values": {"Territory2AssignmentRule": "rule", "Territory2Manual": "manual"}}}},
"territory_rep": {"from": ["UserTerritory2Association"], "columns": {
  "territory_id": ["Territory2Id"], "rep_id": ["UserId"], "role": ["RoleInTerritory2"]}},
"product": {"from": ["Product2", "Products"], "columns": {
  "product_id": ["Id", "Product ID"], "name": ["Name", "Product Name"], "family": ["Family", "Product Family"], "sku": ["ProductCode", "StockKeepingUnit"]}}
}})json";

constexpr std::string_view hubspot = R"json({
"name": "hubspot",
"tables": {
"opportunity": {"from": ["deal", "deals", "hubspot deals", "all deals"], "columns": {
  "opportunity_id": ["hs_object_id", "deal_id", "id", "Record ID", "Deal ID"],
  "account_id": ["associatedcompanyid", "company_id", "Associated Company IDs", "Associated Company ID"],
  "name": ["dealname", "Deal Name"], "pipeline_id": ["pipeline", "Pipeline"],
  "stage_id": ["dealstage", "Deal Stage"], "created_at": ["createdate", "Create Date"],
  "close_date": ["closedate", "Close Date"],
  "closed_at": [{"from": ["closedate", "Close Date"], "when": {"hs_is_closed": ["true", "1"]}},
    {"from": ["closedate", "Close Date"], "when": {"Is Deal Closed?": ["true", "1"]}},
    {"from": ["closedate", "Close Date"], "when": {"Is closed": ["true", "1"]}}],
  "amount": ["amount", "Amount"], "currency": ["deal_currency_code", "Currency"],
  "probability": ["hs_deal_stage_probability", "Deal probability"],
  "forecast_category": {"from": ["hs_manual_forecast_category", "hs_forecast_category", "Forecast category"],
    "values": {"OMIT": "omitted", "Not forecasted": "omitted", "PIPELINE": "pipeline", "BEST_CASE": "best_case",
      "Best case": "best_case", "MOST_LIKELY": "most_likely", "Most likely": "most_likely", "COMMIT": "commit",
      "CLOSED": "closed", "Closed won": "closed"}},
  "is_closed": ["hs_is_closed", "Is Deal Closed?", "Is closed"], "is_won": ["hs_is_closed_won", "Is Closed Won"],
  "owner_id": ["hubspot_owner_id", "Deal owner", "owner_id"],
  "type": {"from": ["dealtype", "Deal Type"], "values": {"newbusiness": "new", "New Business": "new",
    "existingbusiness": "expansion", "Existing Business": "expansion", "renewal": "renewal"}},
  "source": ["hs_analytics_source", "Original Traffic Source", "Original Source Type"],
  "loss_reason": ["closed_lost_reason", "Closed Lost Reason"], "next_step": ["hs_next_step", "Next step"],
  "is_deleted": ["archived", "is_deleted", "_fivetran_deleted", "is_deal_deleted"],
  "source_modified_at": ["hs_lastmodifieddate", "Last Modified Date"]}},
"opportunity_event": {"from": ["deal_property_history", "dealPropertyHistory", "property_history_deals"], "columns": {
  "opportunity_id": ["deal_id", "hs_object_id", "Record ID", "objectId"],
  "at": ["timestamp", "changed_at", "Change Date"],
  "field": {"from": ["name", "property", "property_name", "Property"], "only_listed": true,
    "values": {"dealstage": "stage", "amount": "amount", "closedate": "close_date", "hubspot_owner_id": "owner",
      "hs_deal_stage_probability": "probability", "hs_manual_forecast_category": "forecast_category",
      "pipeline": "pipeline", "createdate": "created"}},
  "new": ["value", "property_value", "Value"], "actor_id": ["updated_by_user_id", "updatedByUserId"]}},
"lead": [
 {"from": ["lead", "leads"], "columns": {
  "lead_id": ["hs_object_id", "id", "Record ID", "Lead ID"], "created_at": ["hs_createdate", "createdate", "Create Date"],
  "source": ["hs_analytics_source", "Original Traffic Source"], "status": ["hs_lead_status", "Lead Status"],
  "owner_id": ["hubspot_owner_id", "Contact owner", "Lead owner"], "source_modified_at": ["hs_lastmodifieddate", "lastmodifieddate"]}},
 {"from": ["contact", "contacts"],
  "where": {"lifecyclestage": ["lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer",
    "Marketing Qualified Lead", "Sales Qualified Lead"]},
  "columns": {
  "lead_id": ["hs_object_id", "id", "contact_id", "Record ID"],
  "created_at": ["hs_lifecyclestage_lead_date", "createdate", "Create Date"],
  "mql_at": ["hs_lifecyclestage_marketingqualifiedlead_date"], "qualified_at": ["hs_lifecyclestage_salesqualifiedlead_date"],
  "converted_at": ["hs_lifecyclestage_opportunity_date", "hs_lifecyclestage_customer_date"],
  "converted_contact_id": [{"from": ["hs_object_id", "id", "contact_id", "Record ID"],
    "when": {"lifecyclestage": ["opportunity", "customer"]}}],
  "source": ["hs_analytics_source", "Original Traffic Source"], "status": ["hs_lead_status", "Lead Status"],
  "owner_id": ["hubspot_owner_id", "Contact owner"], "email": ["email", "Email"], "phone": ["phone", "Phone Number"],
  "company": ["company", "Company Name"], "country": ["country", "Country/Region"], "is_deleted": ["archived", "_fivetran_deleted"],
  "source_modified_at": ["lastmodifieddate"]}}],
"contact": {"from": ["contact", "contacts"], "columns": {
  "contact_id": ["hs_object_id", "id", "contact_id", "Record ID"], "account_id": ["associatedcompanyid", "Associated Company IDs"],
  "email": ["email", "Email"], "phone": ["phone", "Phone Number"], "first_name": ["firstname", "First Name"],
  "last_name": ["lastname", "Last Name"], "title": ["jobtitle", "Job Title"], "created_at": ["createdate", "Create Date"],
  "opted_out": ["hs_email_optout", "Unsubscribed from all email"], "is_deleted": ["archived", "_fivetran_deleted"],
  "source_modified_at": ["lastmodifieddate"]}},
"account": {"from": ["company", "companies"], "columns": {
  "account_id": ["hs_object_id", "id", "company_id", "Record ID"], "parent_id": ["hs_parent_company_id"],
  "name": ["name", "Company name"], "domain": ["domain", "Company Domain Name"], "industry": ["industry", "Industry"],
  "country": ["country", "Country/Region"], "region": ["state", "State/Region"], "employees": ["numberofemployees", "Number of Employees"],
  "annual_revenue": ["annualrevenue", "Annual Revenue"], "owner_id": ["hubspot_owner_id", "Company owner"],
  "created_at": ["createdate", "Create Date"], "is_deleted": ["archived", "_fivetran_deleted"],
  "source_modified_at": ["hs_lastmodifieddate"], "type": {"from": ["type", "Type"], "values": {"PROSPECT": "prospect", "PARTNER": "partner",
    "CUSTOMER": "customer", "RESELLER": "partner"}}}},
"activity": [
 {"from": ["call", "calls", "engagement_call"], "columns": {
  "activity_id": ["hs_object_id", "engagement_id", "id"], "type": {"constant": "call"}, "at": ["hs_timestamp", "timestamp"],
  "actor_id": ["hubspot_owner_id"],
  "opportunity_id": ["deal_id", "associated_deal_id", "Associated Deal IDs", "Associated Deal"],
  "contact_id": ["contact_id", "associated_contact_id", "Associated Contact IDs"],
  "account_id": ["company_id", "associated_company_id", "Associated Company IDs"], "outcome": ["hs_call_disposition"],
  "is_completed": {"from": ["hs_call_status"], "values": {"COMPLETED": "true", "CALLING_CRM_USER": "false", "CONNECTING": "false",
    "QUEUED": "false", "RINGING": "false", "IN_PROGRESS": "false", "BUSY": "false", "CANCELED": "false", "FAILED": "false", "NO_ANSWER": "true"}},
  "direction": {"from": ["hs_call_direction"], "values": {"OUTBOUND": "out", "INBOUND": "in"}}}},
 {"from": ["email", "emails", "engagement_email"], "columns": {
  "activity_id": ["hs_object_id", "engagement_id", "id"], "type": {"constant": "email"}, "at": ["hs_timestamp", "timestamp"],
  "actor_id": ["hubspot_owner_id"],
  "opportunity_id": ["deal_id", "associated_deal_id", "Associated Deal IDs", "Associated Deal"],
  "contact_id": ["contact_id", "associated_contact_id", "Associated Contact IDs"],
  "account_id": ["company_id", "associated_company_id", "Associated Company IDs"], "direction": {"from": ["hs_email_direction"], "values": {"EMAIL": "out", "INCOMING_EMAIL": "in", "FORWARDED_EMAIL": "in"}}}},
 {"from": ["meeting", "meetings", "engagement_meeting"], "columns": {
  "activity_id": ["hs_object_id", "engagement_id", "id"], "type": {"constant": "meeting"}, "at": ["hs_meeting_start_time", "hs_timestamp"],
  "actor_id": ["hubspot_owner_id"],
  "opportunity_id": ["deal_id", "associated_deal_id", "Associated Deal IDs", "Associated Deal"],
  "contact_id": ["contact_id", "associated_contact_id", "Associated Contact IDs"],
  "account_id": ["company_id", "associated_company_id", "Associated Company IDs"], "outcome": ["hs_meeting_outcome"],
  "is_completed": {"from": ["hs_meeting_outcome"], "values": {"COMPLETED": "true", "SCHEDULED": "false", "RESCHEDULED": "false",
    "NO_SHOW": "false", "CANCELED": "false"}}}},
 {"from": ["task", "tasks", "engagement_task"], "columns": {
  "activity_id": ["hs_object_id", "engagement_id", "id"], "type": {"constant": "task"}, "at": ["hs_timestamp"],
  "actor_id": ["hubspot_owner_id"],
  "opportunity_id": ["deal_id", "associated_deal_id", "Associated Deal IDs", "Associated Deal"],
  "contact_id": ["contact_id", "associated_contact_id", "Associated Contact IDs"],
  "account_id": ["company_id", "associated_company_id", "Associated Company IDs"], "is_completed": {"from": ["hs_task_status"], "values": {"COMPLETED": "true", "NOT_STARTED": "false",
    "IN_PROGRESS": "false", "WAITING": "false", "DEFERRED": "false"}}}},
 {"from": ["note", "notes", "engagement_note"], "columns": {
  "activity_id": ["hs_object_id", "engagement_id", "id"], "type": {"constant": "note"}, "at": ["hs_timestamp"], "actor_id": ["hubspot_owner_id"],
  "opportunity_id": ["deal_id", "associated_deal_id", "Associated Deal IDs", "Associated Deal"],
  "contact_id": ["contact_id", "associated_contact_id", "Associated Contact IDs"],
  "account_id": ["company_id", "associated_company_id", "Associated Company IDs"]}}],
"stage_def": {"from": ["deal_pipeline_stage", "pipeline_stages"], "columns": {
  "pipeline_id": ["pipeline_id"], "stage_id": ["stage_id", "id"], "label": ["label"], "rank": ["display_order", "displayOrder"],
  "probability": ["probability"],
  "type": [{"constant": "won", "when": {"closed_won": ["true", "1"]}}, {"constant": "won", "when": {"probability": ["1"]}},
    {"constant": "lost", "when": {"is_closed": ["true", "1"]}}, {"constant": "open"}]}},
"rep": {"from": ["owner", "owners"], "columns": {
  "rep_id": ["owner_id", "id"], "email": ["email"], "name": ["name", "full_name", "lastName", "last_name"],
  "is_active": ["is_active", "active"]}},
"team": {"from": ["team", "teams"], "columns": {"team_id": ["team_id", "id"], "name": ["name"]}}
}})json";

constexpr std::string_view pipedrive = R"json({
"name": "pipedrive", "clock": "UTC",
"tables": {
"opportunity": {"from": ["deal", "deals"], "columns": {
  "opportunity_id": ["id", "Deal - ID", "ID", "deal_id"],
  "account_id": ["org_id", "Deal - Organization ID", "Deal - Organization", "Organization"],
  "name": ["title", "Deal - Title", "Title"], "pipeline_id": ["pipeline_id", "pipeline", "Deal - Pipeline", "Pipeline"],
  "stage_id": ["stage_id", "stage", "Deal - Stage", "Stage"],
  "created_at": ["add_time", "Deal - Deal created", "Deal created"],
  "close_date": ["expected_close_date", "Deal - Expected close date", "Expected close date"],
  "closed_at": ["won_time", "Deal - Won time", "Won time", "lost_time", "Deal - Lost time", "Lost time", "close_time", "Deal - Deal closed on", "Deal closed on"],
  "amount": ["value", "Deal - Value", "Value"], "currency": ["currency", "Deal - Currency of Value", "Currency"],
  "probability": {"from": ["probability", "Deal - Probability", "Probability"], "percent": true},
  "is_closed": {"from": ["status", "Deal - Status", "Status"],
    "values": {"open": "false", "won": "true", "lost": "true", "deleted": ""}},
  "is_won": {"from": ["status", "Deal - Status", "Status"],
    "values": {"open": "false", "won": "true", "lost": "false", "deleted": ""}},
  "is_deleted": [{"from": ["status", "Deal - Status", "Status"],
    "values": {"open": "false", "won": "false", "lost": "false", "deleted": "true"}}, {"from": ["deleted", "is_deleted"]}],
  "owner_id": ["user_id", "owner_id", "Deal - Owner", "Owner"], "type": [],
  "source": ["origin", "channel", "Deal - Source channel", "Source channel"],
  "loss_reason": ["lost_reason", "Deal - Lost reason", "Lost reason"],
  "next_step": ["next_activity_subject"], "primary_contact_id": ["person_id", "Deal - Contact person"],
  "source_modified_at": ["update_time", "Deal - Update time", "Update time"]}},
"opportunity_event": {"from": ["deal_flow", "deal_changelog", "changelog", "flow", "deal_changes"], "order_by": ["id"], "columns": {
  "opportunity_id": ["deal_id", "item_id"], "at": ["log_time", "time", "timestamp"],
  "field": {"from": ["field_key", "field"], "only_listed": true,
    "values": {"stage_id": "stage", "value": "amount", "expected_close_date": "close_date", "user_id": "owner",
      "owner_id": "owner", "probability": "probability", "pipeline_id": "pipeline", "pipeline": "pipeline", "add_time": "created"}},
  "old": ["old_value"], "new": ["new_value"], "actor_id": ["actor_user_id", "user_id"]}},
"lead": {"from": ["lead", "leads"], "columns": {
  "lead_id": ["id", "Lead - ID"], "created_at": ["add_time", "Lead - Lead created"], "source": ["source_name", "origin", "Lead - Source"],
  "owner_id": ["owner_id", "Lead - Owner"], "is_deleted": ["is_deleted"], "source_modified_at": ["update_time"]}},
"account": {"from": ["organization", "organizations", "org", "orgs"], "columns": {
  "account_id": ["id", "Organization - ID"], "name": ["name", "Organization - Name"], "owner_id": ["owner_id", "Organization - Owner"],
  "country": ["address_country", "Organization - Country of Address"], "created_at": ["add_time", "Organization - Organization created"],
  "source_modified_at": ["update_time"], "is_deleted": ["deleted", "is_deleted"]}},
"contact": {"from": ["person", "persons"], "columns": {
  "contact_id": ["id", "Person - ID"], "account_id": ["org_id", "Person - Organization"], "email": ["primary_email", "email", "Person - Email - Work"],
  "phone": ["phone", "Person - Phone - Work"], "first_name": ["first_name"], "last_name": ["last_name"], "created_at": ["add_time"],
  "source_modified_at": ["update_time"], "is_deleted": ["deleted", "is_deleted"]}},
"activity": {"from": ["activity", "activities"], "columns": {
  "activity_id": ["id", "Activity - ID"],
  "type": {"from": ["type", "Activity - Type"], "values": {"call": "call", "meeting": "meeting", "email": "email", "task": "task",
    "deadline": "task", "lunch": "meeting"}},
  "at": ["marked_as_done_time", "due_date", "add_time"], "actor_id": ["user_id", "owner_id"], "opportunity_id": ["deal_id"],
  "contact_id": ["person_id"], "account_id": ["org_id"], "lead_id": ["lead_id"],
  "is_completed": {"from": ["done", "Activity - Done"], "values": {"Done": "true", "To do": "false", "true": "true", "false": "false", "1": "true", "0": "false"}},
  "is_deleted": ["is_deleted"]}},
"stage_def": {"from": ["stage", "stages"], "columns": {
  "pipeline_id": ["pipeline_id"], "stage_id": ["id"], "label": ["name"], "rank": ["order_nr"],
  "probability": {"from": ["deal_probability"], "percent": true}, "target_days": ["rotten_days", "days_to_rotten"],
  "type": {"constant": "open"}}},
"rep": {"from": ["user", "users"], "columns": {
  "rep_id": ["id"], "name": ["name"], "email": ["email"], "is_active": ["active_flag", "is_active"], "time_zone": ["timezone_name"]}}
}})json";

constexpr std::string_view odoo = R"json({
"name": "odoo", "clock": "UTC",
"placeholders": ["select", "n/a", "#n/a", "none", "null", "nan", "-", "--", "(blank)", "false"],
"tables": {
"opportunity": {"from": ["crm.lead", "crm_lead", "opportunity", "opportunities", "pipeline"], "where": {"type": ["opportunity", "Opportunity"]}, "columns": {
  "opportunity_id": ["id", "ID", "External ID"],
  "account_id": ["commercial_partner_id", "partner_id", "Customer"], "name": ["name", "Opportunity"],
  "pipeline_id": ["team_id", "Sales Team"], "stage_id": ["stage_id", "Stage"], "created_at": ["create_date", "Created on"],
  "close_date": ["date_deadline", "Expected Closing"], "closed_at": ["date_closed", "Closed Date"],
  "amount": ["expected_revenue", "planned_revenue", "Expected Revenue"],
  "recurring_amount": ["recurring_revenue", "Recurring Revenues", "Recurring Revenue"], "currency": ["company_currency", "Currency"],
  "probability": {"from": ["probability", "Probability"], "percent": true},
  "is_closed": [{"from": ["won_status", "Is Won"], "values": {"won": "true", "Won": "true", "lost": "true", "Lost": "true", "pending": "false", "Pending": "false"}},
    {"constant": "true", "when": {"probability": ["100"]}},
    {"constant": "true", "when": {"active": ["false", "0"], "probability": ["0"]}},
    {"constant": "false", "when": {"active": ["true", "1"]}}],
  "is_won": [{"from": ["won_status", "Is Won"], "values": {"won": "true", "Won": "true", "lost": "false", "Lost": "false", "pending": "false", "Pending": "false"}},
    {"constant": "true", "when": {"probability": ["100"]}},
    {"constant": "false", "when": {"active": ["false", "0"], "probability": ["0"]}},
    {"constant": "false", "when": {"active": ["true", "1"]}}],
  "owner_id": ["user_id", "Salesperson"], "source": ["source_id", "Source"], "campaign": ["campaign_id", "Campaign"], "type": [],
  "loss_reason": ["lost_reason_id", "lost_reason", "Lost Reason"], "source_modified_at": ["write_date", "Last Updated on"]}},
"lead": [
 {"from": ["crm.lead", "crm_lead", "lead", "leads"], "where": {"type": ["lead", "Lead"]}, "columns": {
  "lead_id": ["id", "ID", "External ID"], "created_at": ["create_date", "Created on"], "available_at": ["date_open", "Assignment Date"],
  "source": ["source_id", "Source"], "campaign": ["campaign_id", "Campaign"], "owner_id": ["user_id", "Salesperson"],
  "email": ["email_from", "Email"], "phone": ["phone", "Phone"], "company": ["partner_name", "Company Name"], "country": ["country_id", "Country"],
  "status": ["stage_id", "Stage"], "converted_at": ["date_conversion", "Conversion Date"], "source_modified_at": ["write_date"]}},
 {"from": ["crm.lead", "crm_lead", "opportunity", "opportunities", "pipeline"],
  "where": {"type": ["opportunity", "Opportunity"], "date_conversion": ["*"]}, "columns": {
  "lead_id": ["id", "ID", "External ID"], "created_at": ["create_date", "Created on"], "available_at": ["date_open", "Assignment Date"],
  "source": ["source_id", "Source"], "campaign": ["campaign_id", "Campaign"], "owner_id": ["user_id", "Salesperson"],
  "email": ["email_from", "Email"], "phone": ["phone", "Phone"], "company": ["partner_name", "Company Name"], "country": ["country_id", "Country"],
  "status": {"constant": "converted"}, "converted_at": ["date_conversion", "Conversion Date"],
  "converted_opportunity_id": ["id", "ID", "External ID"], "source_modified_at": ["write_date"]}}],
"opportunity_event": {"from": ["mail.tracking.value", "mail_tracking_value"], "order_by": ["id"], "columns": {
  "opportunity_id": ["res_id", "record_id", "mail_message_id/res_id"], "at": ["create_date", "date", "mail_message_id/date"],
  "field": {"from": ["field", "field_name", "field_id/name", "field_id"], "only_listed": true,
    "values": {"stage_id": "stage", "expected_revenue": "amount", "planned_revenue": "amount", "date_deadline": "close_date",
      "user_id": "owner", "probability": "probability", "team_id": "pipeline", "Stage": "stage", "Expected Revenue": "amount",
      "Expected Closing": "close_date", "Salesperson": "owner", "Sales Team": "pipeline"}},
  "old": [{"from": ["old_value_integer"], "when": {"field": ["stage_id", "user_id", "team_id"]}}, {"from": ["old_value_datetime"]},
    {"from": ["old_value_float", "old_value_monetary"], "when": {"field": ["expected_revenue", "planned_revenue", "probability"]}},
    {"from": ["old_value_char", "old_value_text", "Old Value"]}],
  "new": [{"from": ["new_value_integer"], "when": {"field": ["stage_id", "user_id", "team_id"]}}, {"from": ["new_value_datetime"]},
    {"from": ["new_value_float", "new_value_monetary"], "when": {"field": ["expected_revenue", "planned_revenue", "probability"]}},
    {"from": ["new_value_char", "new_value_text", "New Value"]}],
  "actor_id": ["create_uid", "author_id"]}},
"account": {"from": ["res.partner", "res_partner", "partner", "partners"], "where": {"is_company": ["true", "1"]}, "columns": {
  "account_id": ["id", "ID"], "parent_id": ["parent_id"], "name": ["name", "Name"], "domain": ["website", "Website Link"],
  "industry": ["industry_id", "Industry"], "country": ["country_id", "Country"], "owner_id": ["user_id", "Salesperson"], "created_at": ["create_date", "Created on"], "type": [],
  "source_modified_at": ["write_date"]}},
"contact": {"from": ["res.partner", "res_partner"], "where": {"is_company": ["false", "0"]}, "columns": {
  "contact_id": ["id", "ID"], "account_id": ["commercial_partner_id", "parent_id"], "email": ["email"], "phone": ["phone"], "last_name": ["name"],
  "title": ["function"], "created_at": ["create_date"], "source_modified_at": ["write_date"]}},
"activity": {"from": ["mail.activity", "mail_activity"], "where": {"res_model": ["crm.lead"]}, "columns": {
  "activity_id": ["id"], "opportunity_id": ["res_id"], "at": ["date_done", "date_deadline"], "actor_id": ["user_id"],
  "type": {"from": ["activity_category", "activity_type"], "values": {"phonecall": "call", "Call": "call", "meeting": "meeting",
    "Meeting": "meeting", "Email": "email", "To-Do": "task", "default": "task", "upload_file": "other"}}}},
"stage_def": {"from": ["crm.stage", "crm_stage"], "columns": {
  "pipeline_id": ["team_id"], "stage_id": ["id"], "label": ["name"], "rank": ["sequence"],
  "type": [{"constant": "won", "when": {"is_won": ["true", "1"]}}, {"constant": "open"}]}},
"rep": {"from": ["res.users", "res_users"], "columns": {
  "rep_id": ["id"], "name": ["name", "login"], "email": ["login", "email"], "time_zone": ["tz"], "team_id": ["sale_team_id"], "is_active": ["active"]}},
"team": {"from": ["crm.team", "crm_team"], "columns": {"team_id": ["id"], "name": ["name"]}}
}})json";

constexpr std::array<Preset, 4> known = {
    {{"salesforce", salesforce}, {"hubspot", hubspot}, {"pipedrive", pipedrive}, {"odoo", odoo}}};

}  // namespace

std::vector<std::string> presets() {
  std::vector<std::string> names;
  for (const Preset& preset : known) names.emplace_back(preset.name);
  return names;
}

std::string_view preset_text(std::string_view name) {
  for (const Preset& preset : known)
    if (preset.name == name) return preset.json;
  std::string text = "no mapping preset '" + std::string(name) + "'; there are:";
  for (const Preset& preset : known) text += " " + std::string(preset.name);
  throw UsageError(text);
}

}  // namespace ingest
}  // namespace v0
}  // namespace salesops
