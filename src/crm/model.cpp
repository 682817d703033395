#include <algorithm>

#include "salesops/crm.hpp"

namespace salesops {
inline namespace v0 {

namespace {

/// The data model in its own small notation. A line without indent opens a table:
///   name [known=COLUMN] [facts] [surrogate]
/// `facts`: rows that never change once known. Then columns, `name:kind` followed by any of
///   !  key    ?  part of the key that may be absent    >TABLE  refers to    {a,b}  the values of a code
///   ~  fixed    *  tracked    @COLUMN  dated by that column
constexpr std::string_view notation = R"(
account known=created_at
  account_id:id! parent_id:id>account name:text domain:text industry:text segment:text region:text country:text
  employees:integer annual_revenue:money owner_id:id>rep type:code{prospect,customer,partner} created_at:instant~
  customer_since:date@customer_since merged_into:id>account potential:decimal lat:decimal lon:decimal
contact known=created_at
  contact_id:id! account_id:id>account email:text phone:text first_name:text last_name:text title:text
  created_at:instant~ consent_status:text opted_out:flag merged_into:id>contact
lead known=created_at
  lead_id:id! created_at:instant~ available_at:instant@available_at source:text~ campaign:text~ status:text
  owner_id:id>rep email:text phone:text company:text country:text industry:text converted_at:instant@converted_at
  converted_account_id:id>account@converted_at converted_contact_id:id>contact@converted_at
  converted_opportunity_id:id>opportunity@converted_at qualified_at:instant@qualified_at
  mql_at:instant@mql_at reassigned_at:instant@reassigned_at score:decimal
  disqualified_at:instant@disqualified_at merged_into:id>lead
opportunity known=created_at
  opportunity_id:id! account_id:id>account name:text pipeline_id:id* created_at:instant~ stage_id:id*
  amount:money* recurring_amount:money close_date:date* closed_at:instant@closed_at is_won:flag@closed_at
  is_closed:flag@closed_at probability:fraction*
  forecast_category:code*{omitted,pipeline,best_case,most_likely,commit,closed} owner_id:id>rep* territory_id:id>territory
  type:code{new,expansion,renewal} source:text~ campaign:text~ loss_reason:text@closed_at next_step:text
  term_months:decimal list_amount:money lead_id:id>lead~ primary_contact_id:id>contact
opportunity_event known=at facts
  opportunity_id:id>opportunity! at:instant! seq:integer?
  field:code{created,stage,amount,close_date,owner,probability,forecast_category,pipeline,deleted,restored,merged}
  old:text new:text actor_id:id>rep
opportunity_snapshot known=snapshot_date facts
  opportunity_id:id>opportunity! snapshot_date:instant! stage_id:id amount:money close_date:date owner_id:id>rep
  probability:fraction forecast_category:code{omitted,pipeline,best_case,most_likely,commit,closed} pipeline_id:id
  is_closed:flag is_won:flag
opportunity_version known=valid_from facts
  opportunity_id:id>opportunity! valid_from:instant! stage_id:id amount:money close_date:date owner_id:id>rep
  probability:fraction forecast_category:code{omitted,pipeline,best_case,most_likely,commit,closed} pipeline_id:id
  is_deleted:flag
stage_def
  stage_id:id! pipeline_id:id? label:text rank:integer type:code{open,won,lost} probability:fraction
  target_days:decimal entry_criteria:text exit_criteria:text valid_from:date valid_to:date
activity known=at facts surrogate
  activity_id:id! type:code{call,email,meeting,task,note,other} direction:code{out,in} at:instant duration_s:decimal
  outcome:text actor_id:id>rep lead_id:id>lead contact_id:id>contact opportunity_id:id>opportunity
  account_id:id>account is_automated:flag is_completed:flag
rep known=hire_date
  rep_id:id! name:text email:text hire_date:date~ leave_date:date@leave_date role:text manager_id:id>rep team_id:id>team
  time_zone:text calendar_id:id is_active:flag
rep_assignment known=valid_from
  rep_id:id>rep! valid_from:date? valid_to:date@valid_to team_id:id>team~ manager_id:id>rep~ role:text~
  territory_id:id>territory~ fte:decimal~ ramp_profile_id:id~
team
  team_id:id! parent_id:id>team name:text
territory
  territory_id:id! parent_id:id>territory name:text model_id:id model_state:code{planning,active,archived} rules:text
territory_account known=valid_from
  territory_id:id>territory! account_id:id>account! valid_from:date? valid_to:date@valid_to cause:code{rule,manual}
  weight:decimal~
territory_rep known=valid_from
  territory_id:id>territory! rep_id:id>rep! valid_from:date? valid_to:date@valid_to role:text~ weight:decimal~
quota known=valid_from surrogate
  quota_id:id! holder_type:code~{rep,team,territory,company} holder_id:id~ measure:text~ product_family:text~
  period_start:date~ period_end:date~ amount:money~ quantity:decimal~ version:integer~ approved_at:instant~
  valid_from:date~ valid_to:date@valid_to
credit_split known=valid_from
  opportunity_id:id>opportunity! rep_id:id>rep! split_type:text? pct:fraction~ must_total_100:flag~ note:text valid_from:date~
transaction known=at facts
  txn_id:id! line_no:integer? account_id:id>account opportunity_id:id>opportunity product_id:id>product at:instant
  kind:code{order,invoice,payment,refund,credit_note} qty:decimal amount:money tax:money discount:money margin:money
  reverses_txn_id:id
subscription known=start
  subscription_id:id! account_id:id>account~ plan:text start:date~ trial_end:date~ end:date@end cancel_at:instant@cancel_at
  interval:code{day,week,month,year} interval_count:integer qty:decimal unit_amount:money discount:money status:text
subscription_event known=at facts
  subscription_id:id>subscription! at:instant! seq:integer?
  type:code{start,change,pause,resume,cancel,renew,reactivate} mrr_before:money mrr_after:money
product
  product_id:id! family:text sku:text list_price:money is_recurring:flag name:text
fx_rate known=date facts
  date:date! from:text! to:text! kind:code?{spot,month_avg,budget} rate:decimal
calendar
  calendar_id:id! zone:text hours:text
calendar_holiday
  calendar_id:id>calendar! date:date! name:text hours:text
fiscal_period
  period_id:id! type:text start:date end:date parent:id>fiscal_period number:integer
forecast_submission known=at facts surrogate
  submission_id:id! rep_id:id>rep period:text at:instant category:text amount:money note:text
spend known=period_end surrogate
  spend_id:id! period_start:date~ period_end:date~ channel:text~ amount:money~
comp_plan known=valid_from
  plan_id:id! version:integer? name:text valid_from:date~ valid_to:date@valid_to pay_period:text
  rounding:code{half_even,half_up,down,up} cap:money floor:money status:code{draft,active,retired}
comp_component
  plan_id:id! version:integer? component_id:id! measure:text credit_event:code{booked,invoiced,paid}
  basis:code{transaction,month,quarter,ytd,rolling} mode:code{flat,marginal,retroactive,interpolated}
  rate_table_id:id weight:decimal target_incentive:money gate_expr:text cap:money floor:money depends_on:text
rate_table_row
  rate_table_id:id! version:integer? from:decimal! to:decimal rate:decimal amount:money
  boundary:code{upper_tier,lower_tier} x:code{attainment,money,units}
plan_assignment known=valid_from
  payee_id:id! plan_id:id! valid_from:date? valid_to:date@valid_to ote:money~ variable_target:money~ fte:decimal~
  ramp_profile_id:id~ draw_type:code~{none,recoverable,non_recoverable} draw_amount:money~ draw_until:date~
comp_credit known=credit_date
  credit_id:id! txn_id:id line_no:integer payee_id:id kind:code{direct,split,rollup,overlay,manual} pct:fraction
  amount:money credit_date:date~ rule_id:id hold:code{none,held,released}
comp_line
  run_id:id! payee_id:id! period:text! line_no:integer? component_id:id credit_id:id basis_before:decimal
  basis_after:decimal tier:text rate:decimal unrounded:decimal amount:money
  reason:code{earned,adjustment,cap,floor,draw_advance,draw_recovery,clawback,guarantee,spiff,mbo,rounding}
comp_statement
  payee_id:id! period:text! run_id:id! state:code{calculated,reviewed,finalised,paid,disputed} opening_balance:money
  closing_balance:money earned:money paid:money inputs_hash:text plan_versions:text supersedes_run:id
consent known=at facts
  subject_id:id! at:instant! basis:text purpose:text status:text
erasure_request known=at facts
  subject_id:id! at:instant! basis:text purpose:text status:text
audit_event known=at facts
  seq:id! at:instant actor:text action:text entity:text entity_id:id before:text after:text prev_hash:text hash:text
target surrogate
  target_id:id! metric:text scope:text period_start:date period_end:date value:decimal direction:code{up,down}
  valid_from:date valid_to:date
)";

Kind kind_of(std::string_view name) {
  for (const Kind kind : {Kind::id, Kind::text, Kind::code, Kind::instant, Kind::date, Kind::money,
                          Kind::decimal, Kind::fraction, Kind::integer, Kind::flag})
    if (kind_name(kind) == name) return kind;
  throw UsageError("data model: no kind '" + std::string(name) + "'");
}

std::string_view take_word(std::string_view& text, std::string_view stops) {
  const std::size_t end = std::min(text.find_first_of(stops), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

ColumnModel parse_column(std::string_view text, bool facts) {
  constexpr std::string_view marks = "!?>{~*@";
  ColumnModel column;
  column.name = take_word(text, ":");
  text.remove_prefix(1);
  column.kind = kind_of(take_word(text, marks));
  if (facts) column.tracking = Tracking::fixed;
  while (!text.empty()) {
    const char mark = text.front();
    text.remove_prefix(1);
    if (mark == '!' || mark == '?') {
      column.key = true;
      column.required = mark == '!';
      column.tracking = Tracking::fixed;
    } else if (mark == '>') {
      column.references = take_word(text, marks);
    } else if (mark == '~') {
      column.tracking = Tracking::fixed;
    } else if (mark == '*') {
      column.tracking = Tracking::tracked;
    } else if (mark == '@') {
      column.tracking = Tracking::dated;
      column.dated_by = take_word(text, marks);
    } else {
      while (!text.empty() && text.front() != '}') {
        column.values.emplace_back(take_word(text, ",}"));
        if (text.front() == ',') text.remove_prefix(1);
      }
      text.remove_prefix(1);
    }
  }
  return column;
}

std::vector<TableModel> parse_model() {
  std::vector<TableModel> model;
  std::string_view rest = notation;
  bool facts = false;
  while (!rest.empty()) {
    std::string_view line = take_word(rest, "\n");
    if (!rest.empty()) rest.remove_prefix(1);
    const bool opens = !line.empty() && line.front() != ' ';
    if (opens) {
      model.push_back(
          {.name = std::string(take_word(line, " ")), .known_at = {}, .surrogate_key = false, .columns = {}});
      facts = line.find("facts") != std::string_view::npos;
      model.back().surrogate_key = line.find("surrogate") != std::string_view::npos;
    }
    while (!line.empty()) {
      const std::string_view word = take_word(line, " ");
      if (!line.empty()) line.remove_prefix(1);
      if (word.starts_with("known=")) model.back().known_at = word.substr(6);
      if (!opens && !word.empty()) model.back().columns.push_back(parse_column(word, facts));
    }
  }
  for (TableModel& table : model) {
    const auto common = [&](std::string name, Kind kind, bool rewritten) {
      if (table.find(name) != nullptr) return;
      table.columns.push_back({.name = std::move(name),
                               .kind = kind,
                               .key = false,
                               .required = false,
                               .references = {},
                               .values = {},
                               .tracking = rewritten ? Tracking::dated : Tracking::fixed,
                               .dated_by = rewritten ? "source_modified_at" : ""});
    };
    common("currency", Kind::text, false);
    common("source_system", Kind::text, false);
    common("source_modified_at", Kind::instant, true);
    common("is_deleted", Kind::flag, true);
  }
  return model;
}

}  // namespace

std::string_view kind_name(Kind kind) noexcept {
  switch (kind) {
    case Kind::id: return "id";
    case Kind::text: return "text";
    case Kind::code: return "code";
    case Kind::instant: return "instant";
    case Kind::date: return "date";
    case Kind::money: return "money";
    case Kind::decimal: return "decimal";
    case Kind::fraction: return "fraction";
    case Kind::integer: return "integer";
    case Kind::flag: return "flag";
  }
  return "";
}

std::string_view tracking_name(Tracking tracking) noexcept {
  switch (tracking) {
    case Tracking::fixed: return "fixed";
    case Tracking::tracked: return "tracked";
    case Tracking::dated: return "dated";
    case Tracking::untracked: return "untracked";
  }
  return "";
}

const ColumnModel* TableModel::find(std::string_view column) const noexcept {
  for (const ColumnModel& candidate : columns)
    if (candidate.name == column) return &candidate;
  return nullptr;
}

std::vector<std::string> TableModel::keys() const {
  std::vector<std::string> names;
  for (const ColumnModel& column : columns)
    if (column.key) names.push_back(column.name);
  return names;
}

const std::vector<TableModel>& data_model() {
  static const std::vector<TableModel> model = parse_model();
  return model;
}

const TableModel& table_model(std::string_view table) {
  std::vector<std::string> names;
  for (const TableModel& candidate : data_model()) {
    if (candidate.name == table) return candidate;
    names.push_back(candidate.name);
  }
  std::string text = "the data model has no table '" + std::string(table) + "'";
  if (const auto near = near_names(table, names); !near.empty())
    text += "; did you mean '" + near.front() + "'?";
  else
    text += ".";
  text += " Tables are:";
  for (const std::string& name : names) text += " " + name;
  throw UsageError(text);
}

}  // namespace v0
}  // namespace salesops
