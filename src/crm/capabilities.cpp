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

/// What can't be answered without a column, beyond grouping and filtering by it; `*` = without the table.
constexpr Cost costs[] = {
    {"account", "*",
     "no CAC, LTV:CAC, CAC payback, ARPA, simple CLV, gross margin, churn, retention or numbers by segment"},
    {"account", "segment", "no numbers by segment"},
    {"account", "parent_id", "no roll-up to parent accounts"},
    {"activity", "*", "no response time, SLA compliance or activity counts; idle deals by changes alone"},
    {"activity", "is_automated", "automatic replies count as responses"},
    {"lead", "*", "no lead conversion, response time, SLA compliance or lead funnel"},
    {"lead", "converted_at", "no lead conversion"},
    {"lead", "available_at", "response time starts at creation rather than at routing"},
    {"opportunity", "created_at",
     "no sales cycle, velocity, pipeline created, idle deals, hygiene, stage regression, forecast of money, "
     "forecast by rep, quota in forecasts, cohorts or as_of by creation"},
    {"opportunity", "stage_id",
     "no stage conversion, stage regression or time in stage; forecasts go by age alone"},
    {"opportunity", "amount",
     "no win rate by value, average deal, concentration, linearity, velocity, pipeline created, coverage, "
     "yield, weighted pipeline, forecast roll-up, forecast of money, quota in forecasts, attainment or "
     "waterfall"},
    {"opportunity", "close_date", "no coverage, slippage or pushes; overdue deals aren't known"},
    {"opportunity", "closed_at", "closing times come from the stage history, else from close_date"},
    {"opportunity", "is_won", "won and lost follow from the stage"},
    {"opportunity", "owner_id",
     "no numbers by rep, numbers by team, forecast by rep, coverage or attainment"},
    {"opportunity", "account_id",
     "no numbers by account, numbers by segment, CAC, LTV:CAC, CAC payback or clusters by account"},
    {"opportunity", "probability", "the weighted pipeline goes by the probabilities of stages"},
    {"opportunity", "forecast_category", "no forecast roll-up"},
    {"opportunity", "loss_reason", "no loss reasons"},
    {"opportunity", "next_step", "hygiene leaves next steps out"},
    {"opportunity_event", "*",
     "no history, slippage, pushes, stage conversion, stage regression or time in stage; as_of rebuilds "
     "dated "
     "columns alone, and waterfalls know of creations and closes alone"},
    {"stage_def", "*",
     "no order of stages, stage conversion, stage regression or time in stage; won and lost by name"},
    {"stage_def", "rank", "no order of stages, stage conversion, stage regression or time in stage"},
    {"stage_def", "type", "won and lost stages are told by their names"},
    {"rep", "*", "no names, hire dates of reps, attainment, coverage or numbers by team"},
    {"rep_assignment", "*", "teams are those of today (rep.team_id), not those at the time"},
    {"quota", "*", "no attainment, coverage or quota in forecasts"},
    {"credit_split", "*", "each deal credits its owner alone"},
    {"transaction", "*", "no gross margin: simple CLV, LTV:CAC and CAC payback need gross_margin="},
    {"transaction", "margin", "no gross margin: simple CLV, LTV:CAC and CAC payback need gross_margin="},
    {"subscription", "*",
     "no churn, retention, ARPA, simple CLV, gross margin, LTV:CAC, CAC payback or magic number"},
    {"spend", "*", "no CAC, LTV:CAC, CAC payback or magic number"},
    {"target", "*", "no targets on the scorecard"},
    {"fx_rate", "*", "no rates to add up several currencies"},
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
      add(model.name, "*", false, 0, "", cost_of(model.name, "*"));
      continue;
    }
    const Table& table = found->second->table;
    for (const ColumnModel& column : model.columns) {
      const Column* values = table.find(column.name);
      Tracking tracking = column.tracking;
      if (tracking == Tracking::tracked)
        for (std::size_t i = 0; i < field_count; ++i)
          if (field_column(static_cast<Field>(i)) == column.name &&
              !state_->history.tracks(static_cast<Field>(i)))
            tracking = Tracking::untracked;
      const double rows = static_cast<double>(std::max<std::size_t>(table.num_rows(), 1));
      const double share = values == nullptr ? 0 : 1.0 - static_cast<double>(values->null_count()) / rows;
      add(model.name, column.name, values != nullptr, share, tracking_name(tracking),
          cost_of(model.name, column.name));
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
