#include <algorithm>

#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {

using namespace crm_detail;

namespace {

struct Cost {
  std::string_view table, column, text;
};

/// What can't be answered without a column; `*` = without the whole table.
constexpr Cost costs[] = {
    {"account", "*", "no grouping by account columns, no churn by customer attributes"},
    {"account", "segment", "no grouping by segment"},
    {"account", "parent_id", "no roll-up to parent accounts"},
    {"activity", "*", "no lead response time, SLA compliance, activity counts or idle deals by activity"},
    {"activity", "is_automated", "automatic replies count as responses"},
    {"lead", "*", "no lead conversion, response time or lead funnel"},
    {"lead", "converted_at", "no lead conversion by time"},
    {"lead", "available_at", "response time starts at creation rather than at routing"},
    {"opportunity", "created_at", "no sales cycle, cohorts, pipeline created or as_of by creation"},
    {"opportunity", "stage_id", "no stage conversion, time in stage or stage-based forecast"},
    {"opportunity", "amount", "no win rate by value, coverage, average deal or forecast of money"},
    {"opportunity", "close_date", "no coverage by period, slippage, pushes or overdue deals"},
    {"opportunity", "closed_at", "closing times come from the stage history, else from close_date"},
    {"opportunity", "is_won", "won and lost follow from the stage"},
    {"opportunity", "owner_id", "no numbers by rep or team, no attainment by rep"},
    {"opportunity", "account_id", "no numbers by account, intervals not clustered by account"},
    {"opportunity", "probability", "no weighted pipeline by probability"},
    {"opportunity", "forecast_category", "no forecast roll-up by category"},
    {"opportunity", "loss_reason", "no loss reasons"},
    {"opportunity", "next_step", "hygiene leaves next steps out"},
    {"opportunity_event", "*",
     "no history: as_of rebuilds only dated columns; no slippage, pushes, time in stage, waterfall"},
    {"stage_def", "*",
     "no order of stages: no stage conversion, regressions or funnel; won and lost by name"},
    {"stage_def", "rank", "no order of stages: no stage conversion, regressions or funnel"},
    {"stage_def", "type", "won and lost stages are told by their names"},
    {"rep", "*", "no names, hire dates or teams of reps"},
    {"rep_assignment", "*", "teams are those of today (rep.team_id), not those at the time"},
    {"quota", "*", "no attainment, coverage of quota or probability to reach it"},
    {"credit_split", "*", "each deal credits its owner alone"},
    {"transaction", "*", "no revenue per account, no simple CLV"},
    {"transaction", "margin", "simple CLV needs gross_margin= as an argument"},
    {"subscription", "*", "no churn, retention or CAC payback by ARPA"},
    {"spend", "*", "no CAC, LTV:CAC, payback or magic number"},
    {"target", "*", "the scorecard shows no targets"},
    {"fx_rate", "*", "in_currency has no rates: several currencies can't be added up"},
    {"product", "*", "no grouping by product family"},
};

std::string_view cost_of(std::string_view table, std::string_view column) {
  for (const Cost& cost : costs)
    if (cost.table == table && cost.column == column) return cost.text;
  return {};
}

}  // namespace

Table Crm::counts() const {
  std::vector<std::string> names;
  std::vector<std::int64_t> rows_in, kept, superseded, rejected, deleted;
  for (const auto& [name, book] : state_->tables) {
    names.push_back(name);
    rows_in.push_back(book->counts.rows_in);
    kept.push_back(book->counts.kept);
    superseded.push_back(book->counts.superseded);
    rejected.push_back(book->counts.rejected);
    deleted.push_back(book->counts.deleted);
  }
  return Table({{"table", Column::of_strings(names)},
                {"rows_in", Column::of(Type::int64, std::move(rows_in))},
                {"kept", Column::of(Type::int64, std::move(kept))},
                {"superseded", Column::of(Type::int64, std::move(superseded))},
                {"rejected", Column::of(Type::int64, std::move(rejected))},
                {"deleted", Column::of(Type::int64, std::move(deleted))}});
}

Table Crm::capabilities() const {
  std::vector<std::string> tables, columns, trackings, absences;
  std::vector<std::uint8_t> present, filled_known;
  std::vector<double> filled;
  const auto add = [&](const std::string& table, const std::string& column, bool there, double share,
                       std::string_view tracking, std::string_view cost) {
    tables.push_back(table);
    columns.push_back(column);
    present.push_back(there);
    filled.push_back(there ? share : 0.0);
    filled_known.push_back(there);
    trackings.emplace_back(tracking);
    absences.emplace_back(there ? std::string_view() : cost);
  };
  for (const TableModel& model : data_model()) {
    const auto found = state_->tables.find(model.name);
    if (found == state_->tables.end()) {
      if (const auto cost = cost_of(model.name, "*"); !cost.empty()) add(model.name, "*", false, 0, "", cost);
      continue;
    }
    const Table& table = found->second->table;
    for (const ColumnModel& column : model.columns) {
      const Column* values = table.find(column.name);
      const auto cost = cost_of(model.name, column.name);
      if (values == nullptr && cost.empty()) continue;
      Tracking tracking = column.tracking;
      if (tracking == Tracking::tracked)
        for (std::size_t i = 0; i < field_count; ++i)
          if (field_column(static_cast<Field>(i)) == column.name &&
              !state_->history.tracks(static_cast<Field>(i)))
            tracking = Tracking::untracked;
      const double rows = static_cast<double>(std::max<std::size_t>(table.num_rows(), 1));
      const double share = values == nullptr ? 0 : 1.0 - static_cast<double>(values->null_count()) / rows;
      add(model.name, column.name, values != nullptr, share, tracking_name(tracking), cost);
    }
  }
  return Table({{"table", Column::of_strings(tables)},
                {"column", Column::of_strings(columns)},
                {"present", Column::of(Type::boolean, std::move(present))},
                {"filled", Column::of(Type::float64, std::move(filled), filled_known)},
                {"tracking", Column::of_strings(trackings)},
                {"without_it", Column::of_strings(absences)}});
}

}  // namespace v0
}  // namespace salesops
