#include <algorithm>
#include <limits>

#include "convert.hpp"
#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

constexpr std::int64_t any_pipeline = -1;

std::optional<DealStatus> status_by_name(std::string_view stage) {
  std::string letters;
  for (const char c : stage)
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) letters.push_back(static_cast<char>(c | 0x20));
  if (letters == "won" || letters == "closedwon") return DealStatus::won;
  if (letters == "lost" || letters == "closedlost") return DealStatus::lost;
  return std::nullopt;
}

const Table* find_table(const BookTables& tables, std::string_view name) {
  const auto found = tables.find(name);
  return found == tables.end() ? nullptr : &found->second->table;
}

std::int64_t code_at(const Column* column, std::size_t row) {
  return column == nullptr || column->is_null(row) ? -1 : column->values<std::int32_t>()[row];
}

std::optional<bool> flag_at(const Column* column, std::size_t row) {
  if (column == nullptr || column->is_null(row)) return std::nullopt;
  return column->values<std::uint8_t>()[row] != 0;
}

}  // namespace

Stages::Stages(const Table& opportunity, const BookTables& tables) {
  const Column* stages = opportunity.find("stage_id");
  if (stages == nullptr) return;
  const Column* pipelines = opportunity.find("pipeline_id");
  const Table* defs = find_table(tables, "stage_def");
  if (defs == nullptr || defs->num_rows() == 0) {
    for (std::size_t code = 0; code < stages->dictionary().size(); ++code) {
      by_name_.push_back(status_by_name(stages->dictionary()[code]));
      guessed_ |= by_name_.back().has_value();
    }
    return;
  }
  const Column* pipeline = defs->find("pipeline_id");
  const Column& stage = defs->column("stage_id");
  const Column* type = defs->find("type");
  for (std::size_t row = 0; row < defs->num_rows(); ++row) {
    const std::int32_t stage_code = stages->dictionary().find(stage.text(row));
    const std::int64_t pipeline_code = pipeline != nullptr && pipeline->valid(row) && pipelines != nullptr
                                           ? pipelines->dictionary().find(pipeline->text(row))
                                           : any_pipeline;
    if (stage_code >= 0) {
      rows_.try_emplace({pipeline_code, stage_code}, static_cast<std::int32_t>(row));
      // A deal without a pipeline finds the stage wherever it is defined first.
      rows_.try_emplace({any_pipeline, stage_code}, static_cast<std::int32_t>(row));
    }
    std::optional<DealStatus> status;
    if (type != nullptr && type->valid(row)) {
      const std::string_view text = type->text(row);
      status = text == "won" ? DealStatus::won : text == "lost" ? DealStatus::lost : DealStatus::open;
    } else if (type == nullptr) {
      status = status_by_name(stage.text(row)).value_or(DealStatus::open);
      guessed_ = true;
    }
    type_of_row_.push_back(status);
  }
}

std::int32_t Stages::row(std::int64_t pipeline, std::int64_t stage) const noexcept {
  if (stage < 0) return no_row;
  auto found = rows_.find({pipeline, stage});
  if (found == rows_.end() && pipeline != any_pipeline) found = rows_.find({any_pipeline, stage});
  return found == rows_.end() ? no_row : found->second;
}

std::optional<DealStatus> Stages::status(std::int64_t pipeline, std::int64_t stage) const noexcept {
  if (stage < 0) return std::nullopt;
  if (!by_name_.empty()) return by_name_[static_cast<std::size_t>(stage)];
  const std::int32_t at = row(pipeline, stage);
  return at == no_row ? std::nullopt : type_of_row_[static_cast<std::size_t>(at)];
}

Deals derive_deals(const BookTables& tables, const History& history, Issues* issues) {
  Deals deals;
  const auto book = tables.find("opportunity");
  if (book == tables.end()) return deals;
  const Table& table = book->second->table;
  const std::size_t n = table.num_rows();
  const Stages stages(table, tables);

  const auto copy = [&]<class T>(std::string_view name, T null, std::vector<T>& out) {
    out.assign(n, null);
    const Column* column = table.find(name);
    if (column == nullptr) return;
    const auto values = column->values<T>();
    for (std::size_t row = 0; row < n; ++row)
      if (column->valid(row)) out[row] = values[row];
  };
  copy("created_at", null_value, deals.created_at);
  copy("closed_at", null_value, deals.closed_at);
  copy("amount", null_value, deals.amount);
  copy("close_date", Deals::null_date, deals.close_date);
  const auto linked = [&](std::string_view name, std::vector<std::int32_t>& out) {
    const auto found = book->second->links.find(name);
    if (found == book->second->links.end())
      out.assign(n, no_row);
    else
      out = found->second;
  };
  linked("owner_id", deals.owner_row);
  linked("account_id", deals.account_row);

  const Column* stage = table.find("stage_id");
  const Column* pipeline = table.find("pipeline_id");
  const Column* is_closed = table.find("is_closed");
  const Column* is_won = table.find("is_won");
  const Column* is_deleted = table.find("is_deleted");
  const bool staged = history.tracks(Field::stage);
  const bool has_defs = tables.contains("stage_def");
  deals.status.assign(n, DealStatus::open);
  deals.stage.assign(n, -1);
  deals.stage_row.assign(n, no_row);
  deals.deleted.assign(n, 0);
  std::int64_t from_close_date = 0, first_from_close_date = -1;
  const auto report = [&](std::size_t row, std::string_view column, std::string_view rule) {
    if (issues != nullptr) issues->add("opportunity", static_cast<std::int64_t>(row), column, rule);
  };

  for (std::size_t row = 0; row < n; ++row) {
    const std::int64_t stage_code = code_at(stage, row);
    const std::int64_t pipeline_code = code_at(pipeline, row);
    deals.stage[row] = static_cast<std::int32_t>(stage_code);
    deals.stage_row[row] = stages.row(pipeline_code, stage_code);
    deals.deleted[row] = flag_at(is_deleted, row).value_or(false);
    if (stage_code >= 0 && has_defs && deals.stage_row[row] == no_row)
      report(row, "stage_id", "unknown_stage");

    const auto by_stage = stages.status(pipeline_code, stage_code);
    const auto closed_flag = flag_at(is_closed, row);
    const auto won_flag = flag_at(is_won, row);
    const bool stage_closed = by_stage && *by_stage != DealStatus::open;
    if (won_flag.value_or(false) && closed_flag && !*closed_flag) report(row, "is_won", "won_but_open");
    if (stage_closed && closed_flag && !*closed_flag) report(row, "is_closed", "stage_flag_disagree");
    const bool closed = stage_closed || closed_flag.value_or(false) || won_flag.value_or(false) ||
                        (!closed_flag && !by_stage && deals.closed_at[row] != null_value);
    if (!closed) {
      if (deals.closed_at[row] != null_value) report(row, "closed_at", "closed_time_while_open");
      deals.closed_at[row] = null_value;
      continue;
    }
    if (stage_closed)
      deals.status[row] = *by_stage;
    else if (won_flag)
      deals.status[row] = *won_flag ? DealStatus::won : DealStatus::lost;
    else
      deals.status[row] = DealStatus::unknown;
    if (stage_closed && won_flag && *won_flag != (*by_stage == DealStatus::won))
      report(row, "is_won", "stage_flag_disagree");

    if (deals.closed_at[row] == null_value && staged) {
      // The last entry into the closed stages.
      std::int64_t entered = null_value;
      bool was_closed = false;
      for (const Change& change : history.changes(row)) {
        if (change.field != Field::stage) continue;
        const auto then = stages.status(pipeline_code, change.value == null_value ? -1 : change.value);
        const bool now_closed = then && *then != DealStatus::open;
        if (now_closed && !was_closed) entered = change.at;
        was_closed = now_closed;
      }
      if (was_closed) deals.closed_at[row] = entered;
    }
    if (deals.closed_at[row] == null_value && deals.close_date[row] != Deals::null_date) {
      deals.closed_at[row] = at_midnight_utc(Date{deals.close_date[row]}).us;
      if (from_close_date++ == 0) first_from_close_date = static_cast<std::int64_t>(row);
    }
  }
  if (issues != nullptr) {
    issues->add_many("opportunity", first_from_close_date, "closed_at", "close_time_from_close_date",
                     from_close_date, Severity::info);
    if (stages.guessed()) issues->add("stage_def", -1, "type", "stage_type_guessed", {}, Severity::info);
  }
  return deals;
}

void check_times(const BookTables& tables, Issues& issues) {
  struct Order {
    std::string_view table, earlier, later, rule;
  };
  static constexpr Order orders[] = {
      {"opportunity", "created_at", "closed_at", "closed_before_created"},
      {"lead", "created_at", "converted_at", "converted_before_created"},
      {"subscription", "start", "end", "ended_before_start"},
      {"rep", "hire_date", "leave_date", "left_before_hired"},
      {"rep_assignment", "valid_from", "valid_to", "valid_to_before_from"},
      {"quota", "period_start", "period_end", "period_end_before_start"},
      {"spend", "period_start", "period_end", "period_end_before_start"},
  };
  for (const Order& order : orders) {
    const Table* table = find_table(tables, order.table);
    if (table == nullptr) continue;
    const Column* earlier = table->find(order.earlier);
    const Column* later = table->find(order.later);
    if (earlier == nullptr || later == nullptr) continue;
    for (std::size_t row = 0; row < table->num_rows(); ++row)
      if (earlier->valid(row) && later->valid(row) && later->number(row) < earlier->number(row))
        issues.add(order.table, static_cast<std::int64_t>(row), order.later, order.rule);
  }
}

Instant latest_instant(const BookTables& tables, const History& history) {
  constexpr std::int64_t none = std::numeric_limits<std::int64_t>::min();
  std::int64_t latest = none;
  const auto look = [&](const Table& table, std::string_view name) {
    const Column* column = table.find(name);
    if (column == nullptr || column->type() != Type::timestamp) return;
    const auto values = column->values<std::int64_t>();
    for (std::size_t row = 0; row < column->size(); ++row)
      if (column->valid(row)) latest = std::max(latest, values[row]);
  };
  for (const auto& [name, book] : tables) {
    look(book->table, table_model(name).known_at);
    if (name == "opportunity") look(book->table, "closed_at");
    if (name == "lead") look(book->table, "converted_at");
  }
  for (const Change& change : history.changes()) latest = std::max(latest, change.at);
  if (latest != none) return Instant{latest};
  // A book without a single instant: the days on which its rows became known.
  for (const auto& [name, book] : tables) {
    const Column* column = book->table.find(table_model(name).known_at);
    if (column == nullptr || column->type() != Type::date) continue;
    const auto days = column->values<std::int32_t>();
    for (std::size_t row = 0; row < column->size(); ++row)
      if (column->valid(row)) latest = std::max(latest, days[row] * us_per_day);
  }
  return latest == none ? Instant{0} : Instant{latest};
}

bool has_money(const Table& table) {
  return std::any_of(table.columns().begin(), table.columns().end(),
                     [](const auto& column) { return column.second.type() == Type::money; });
}

std::string single_currency(const BookTables& tables) {
  std::string currency;
  for (const auto& [name, book] : tables) {
    const Column* column = book->table.find("currency");
    if (column == nullptr || column->type() != Type::string || !has_money(book->table)) continue;
    std::vector<std::uint8_t> used(column->dictionary().size());
    const auto codes = column->values<std::int32_t>();
    for (std::size_t row = 0; row < column->size(); ++row)
      if (column->valid(row)) used[static_cast<std::size_t>(codes[row])] = 1;
    for (std::size_t code = 0; code < used.size(); ++code) {
      if (used[code] == 0) continue;
      if (currency.empty())
        currency = column->dictionary()[code];
      else if (currency != column->dictionary()[code])
        return {};
    }
  }
  return currency;
}

}  // namespace crm_detail

std::vector<std::optional<DealStatus>> Crm::stage_statuses(std::int64_t pipeline) const {
  const auto book = state_->tables.find("opportunity");
  if (book == state_->tables.end()) return {};
  const Table& table = book->second->table;
  const Column* stage = table.find("stage_id");
  if (stage == nullptr) return {};
  const crm_detail::Stages stages(table, state_->tables);
  std::vector<std::optional<DealStatus>> result;
  for (std::size_t code = 0; code < stage->dictionary().size(); ++code)
    result.push_back(stages.status(pipeline, static_cast<std::int64_t>(code)));
  return result;
}

}  // namespace v0
}  // namespace salesops
