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
  const auto id_of = [&](std::size_t row) {
    return pipeline != nullptr && pipeline->valid(row) ? pipeline->text(row) : std::string_view();
  };
  const auto earlier = [&](std::size_t row, std::size_t than) { return id_of(row) < id_of(than); };
  for (std::size_t row = 0; row < defs->num_rows(); ++row) {
    const std::int32_t stage_code = stages->dictionary().find(stage.text(row));
    const std::int64_t pipeline_code = pipeline != nullptr && pipeline->valid(row) && pipelines != nullptr
                                           ? pipelines->dictionary().find(pipeline->text(row))
                                           : any_pipeline;
    if (stage_code >= 0) {
      rows_.try_emplace({pipeline_code, stage_code}, static_cast<std::int32_t>(row));
      const auto [any, is_first] =
          rows_.try_emplace({any_pipeline, stage_code}, static_cast<std::int32_t>(row));
      if (!is_first && earlier(row, static_cast<std::size_t>(any->second)))
        any->second = static_cast<std::int32_t>(row);
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
  for (std::size_t row = 0; row < defs->num_rows(); ++row) {
    const std::int64_t code = stages->dictionary().find(stage.text(row));
    const std::int32_t first = this->row(any_pipeline, code);
    if (first != no_row && type_of_row_[row] != type_of_row_[static_cast<std::size_t>(first)])
      disputed_.insert(code);
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

bool Stages::closed(std::int64_t pipeline, std::int64_t stage) const noexcept {
  const auto said = status(pipeline, stage == null_value ? -1 : stage);
  return said && *said != DealStatus::open;
}

LoggedCloses logged_closes(const History& history, const Stages& stages, std::size_t deal,
                           std::int64_t pipeline) {
  LoggedCloses closes;
  if (!history.tracks(Field::stage) || !history.changed(deal, Field::stage)) return closes;
  std::int64_t entered = null_value;
  bool was_closed = stages.closed(pipeline, history.initial(Field::stage)[deal]);
  for (const Change& change : history.changes(deal)) {
    if (change.field != Field::stage) continue;
    const bool now_closed = stages.closed(pipeline, change.value);
    if (now_closed && !was_closed) entered = change.at;
    if (was_closed && !now_closed && closes.reopened < 255) ++closes.reopened;
    was_closed = now_closed;
  }
  if (was_closed) closes.last = entered;
  return closes;
}

namespace {

/// One deal of `Deals`.
struct Deal {
  std::int64_t created_at, closed_at;
  DealStatus status = DealStatus::open;
  std::int64_t amount;
  std::int32_t close_date, stage, stage_row;
  std::uint8_t deleted, reopened;
};

/// Deals that one issue tells of.
struct Counted {
  std::int64_t number = 0, first = -1;

  void count(std::size_t row) {
    if (number++ == 0) first = static_cast<std::int64_t>(row);
  }
  void report(Issues& issues, std::string_view column, std::string_view rule, Severity severity) const {
    issues.add_many("opportunity", first, column, rule, number, severity);
  }
};

class DealReader {
 public:
  DealReader(const BookTables& tables, const History& history, Issues* issues)
      : table_(tables.find("opportunity")->second->table),
        history_(history),
        issues_(issues),
        stages_(table_, tables),
        has_defs_(tables.contains("stage_def")) {}

  Deal operator()(std::size_t row) {
    Deal deal{.created_at = value_at<std::int64_t>(created_at_, row, null_value),
              .closed_at = past(value_at<std::int64_t>(closed_at_, row, null_value)),
              .amount = value_at<std::int64_t>(amount_, row, null_value),
              .close_date = value_at<std::int32_t>(close_date_, row, Deals::null_date),
              .stage = static_cast<std::int32_t>(code_at(stage_, row)),
              .stage_row = no_row,
              .deleted = flag_at(is_deleted_, row).value_or(false),
              .reopened = 0};
    const std::int64_t pipeline = code_at(pipeline_, row);
    const LoggedCloses closes = logged_closes(history_, stages_, row, pipeline);
    deal.reopened = closes.reopened;
    deal.stage_row = stages_.row(pipeline, deal.stage);
    if (deal.stage >= 0 && has_defs_ && deal.stage_row == no_row) report(row, "stage_id", "unknown_stage");
    if (pipeline < 0 && stages_.disputed(deal.stage)) report(row, "stage_id", "ambiguous_stage");
    judge(row, closes, pipeline, deal);
    return deal;
  }

  void report_closes() const {
    if (issues_ == nullptr) return;
    from_close_date_.report(*issues_, "closed_at", "close_time_from_close_date", Severity::info);
    without_time_.report(*issues_, "closed_at", "close_time_unknown", Severity::warning);
    only_not_won_.report(*issues_, "is_won", "not_won_is_open", Severity::warning);
  }
  void report_guess() const {
    if (issues_ != nullptr && stages_.guessed()) issues_->add("stage_def", -1, "type", "stage_type_guessed");
  }

 private:
  template <class T>
  static T value_at(const Column* column, std::size_t row, T null) {
    return column == nullptr || column->is_null(row) ? null : column->values<T>()[row];
  }

  /// A placeholder such as 9999-12-31 says that nobody knows.
  static std::int64_t past(std::int64_t at) { return at < far_future ? at : null_value; }

  void report(std::size_t row, std::string_view column, std::string_view rule) {
    if (issues_ != nullptr) issues_->add("opportunity", static_cast<std::int64_t>(row), column, rule);
  }

  /// Whether and how and when it closed.
  void judge(std::size_t row, const LoggedCloses& logged, std::int64_t pipeline, Deal& deal) {
    auto by_stage = stages_.status(pipeline, deal.stage);
    const auto closed_flag = flag_at(is_closed_, row);
    const auto won_flag = flag_at(is_won_, row);
    const auto closes = [&] { return by_stage && *by_stage != DealStatus::open; };
    if (won_flag.value_or(false) && closed_flag && !*closed_flag) report(row, "is_won", "won_but_open");
    if (closes() && closed_flag && !*closed_flag) report(row, "is_closed", "stage_flag_disagree");
    if (closes() && won_flag && *won_flag != (*by_stage == DealStatus::won))
      report(row, "is_won", "stage_flag_disagree");
    // What a name makes believe gives way to what the source says.
    if (stages_.guessed() && closes()) {
      if (closed_flag && !*closed_flag)
        by_stage = DealStatus::open;
      else if (won_flag)
        by_stage = *won_flag ? DealStatus::won : DealStatus::lost;
    }
    const bool stage_closed = closes();
    const bool closed = stage_closed || closed_flag.value_or(false) || won_flag.value_or(false) ||
                        (!closed_flag && !by_stage && deal.closed_at != null_value);
    if (!closed) {
      // Of a book whose flags alone could say so, nothing tells a lost deal from an open one.
      if (won_flag && !closed_flag && !by_stage) only_not_won_.count(row);
      if (deal.closed_at != null_value) report(row, "closed_at", "closed_time_while_open");
      deal.closed_at = null_value;
      return;
    }
    if (stage_closed)
      deal.status = *by_stage;
    else if (won_flag)
      deal.status = *won_flag ? DealStatus::won : DealStatus::lost;
    else
      deal.status = DealStatus::unknown;
    if (deal.closed_at == null_value) deal.closed_at = past(logged.last);
    if (deal.closed_at == null_value && deal.close_date != Deals::null_date) {
      deal.closed_at = past(at_midnight_utc(Date{deal.close_date}).us);
      if (deal.closed_at != null_value) from_close_date_.count(row);
    }
    if (deal.closed_at == null_value) without_time_.count(row);
  }

  const Table& table_;
  const History& history_;
  Issues* issues_;
  Stages stages_;
  bool has_defs_;
  const Column* created_at_ = table_.find("created_at");
  const Column* closed_at_ = table_.find("closed_at");
  const Column* amount_ = table_.find("amount");
  const Column* close_date_ = table_.find("close_date");
  const Column* stage_ = table_.find("stage_id");
  const Column* pipeline_ = table_.find("pipeline_id");
  const Column* is_closed_ = table_.find("is_closed");
  const Column* is_won_ = table_.find("is_won");
  const Column* is_deleted_ = table_.find("is_deleted");
  Counted from_close_date_, without_time_, only_not_won_;
};

/// The arrays of `Deals` of which `Deal` has one value each.
template <class Visit>
void for_each_array(Visit visit) {
  visit(&Deals::created_at, &Deal::created_at);
  visit(&Deals::closed_at, &Deal::closed_at);
  visit(&Deals::status, &Deal::status);
  visit(&Deals::amount, &Deal::amount);
  visit(&Deals::close_date, &Deal::close_date);
  visit(&Deals::stage, &Deal::stage);
  visit(&Deals::stage_row, &Deal::stage_row);
  visit(&Deals::deleted, &Deal::deleted);
  visit(&Deals::reopened, &Deal::reopened);
}

SharedArray<std::int32_t> rows_linked(const BookTable& book, std::string_view column) {
  const auto found = book.links.find(column);
  if (found != book.links.end()) return found->second;
  return std::vector<std::int32_t>(book.table.num_rows(), no_row);
}

}  // namespace

Deals derive_deals(const BookTables& tables, const History& history, Issues* issues) {
  const auto book = tables.find("opportunity");
  if (book == tables.end()) return {};
  const std::size_t n = book->second->table.num_rows();
  DealReader read(tables, history, issues);
  std::vector<std::int64_t> created_at(n), closed_at(n), amount(n);
  std::vector<DealStatus> status(n);
  std::vector<std::int32_t> close_date(n), stage(n), stage_row(n);
  std::vector<std::uint8_t> deleted(n), reopened(n);
  for (std::size_t row = 0; row < n; ++row) {
    tick(row);
    const Deal deal = read(row);
    created_at[row] = deal.created_at;
    closed_at[row] = deal.closed_at;
    status[row] = deal.status;
    amount[row] = deal.amount;
    close_date[row] = deal.close_date;
    stage[row] = deal.stage;
    stage_row[row] = deal.stage_row;
    deleted[row] = deal.deleted;
    reopened[row] = deal.reopened;
  }
  read.report_closes();
  read.report_guess();
  return {.created_at = std::move(created_at),
          .closed_at = std::move(closed_at),
          .status = std::move(status),
          .amount = std::move(amount),
          .close_date = std::move(close_date),
          .stage = std::move(stage),
          .stage_row = std::move(stage_row),
          .owner_row = rows_linked(*book->second, "owner_id"),
          .account_row = rows_linked(*book->second, "account_id"),
          .deleted = std::move(deleted),
          .reopened = std::move(reopened)};
}

Deals derive_deals(const Deals& before, std::span<const std::int64_t> rows, const BookTables& tables,
                   const History& history, Issues* issues) {
  const auto book = tables.find("opportunity");
  if (book == tables.end()) return before;
  DealReader read(tables, history, issues);
  std::vector<Deal> changed;
  changed.reserve(rows.size());
  for (const std::int64_t row : rows) changed.push_back(read(static_cast<std::size_t>(row)));
  read.report_closes();
  Deals deals = before;
  for_each_array([&](auto array, auto value) {
    using T = std::decay_t<decltype(changed.front().*value)>;
    std::vector<T> values;
    values.reserve(changed.size());
    for (const Deal& deal : changed) values.push_back(deal.*value);
    deals.*array = (deals.*array).with(rows, values);
  });
  deals.owner_row = rows_linked(*book->second, "owner_id");
  deals.account_row = rows_linked(*book->second, "account_id");
  return deals;
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
