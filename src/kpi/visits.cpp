#include "visits.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "../crm/lasting.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

class StageMap {
 public:
  explicit StageMap(const Crm& crm) {
    const Table& deals = crm.table("opportunity");
    const Column* pipelines = deals.find("pipeline_id");
    if (crm.has("stage_def", "rank")) read_ranks(crm.table("stage_def"), deals);
    status_.emplace(-1, crm.stage_statuses(-1));
    if (pipelines != nullptr)
      for (std::size_t code = 0; code < pipelines->dictionary().size(); ++code) {
        const auto key = static_cast<std::int64_t>(code);
        status_.emplace(key, crm.stage_statuses(key));
      }
  }

  [[nodiscard]] std::int32_t rank(std::int64_t pipeline, std::int64_t stage) const {
    auto found = rank_.find({pipeline, stage});
    if (found == rank_.end()) found = rank_.find({-1, stage});
    return found == rank_.end() ? -1 : found->second;
  }
  [[nodiscard]] DealStatus status(std::int64_t pipeline, std::int64_t stage) const {
    const auto& known = status_.at(status_.contains(pipeline) ? pipeline : -1);
    return known[static_cast<std::size_t>(stage)].value_or(DealStatus::open);
  }

 private:
  void read_ranks(const Table& defs, const Table& deals) {
    const Dictionary& stages = deals.column("stage_id").dictionary();
    const Column* pipelines = deals.find("pipeline_id");
    const Column* pipeline = defs.find("pipeline_id");
    const Column& stage = defs.column("stage_id");
    const Column& rank = defs.column("rank");
    for (std::size_t row = 0; row < defs.num_rows(); ++row) {
      if (rank.is_null(row)) continue;
      const std::int64_t code = stages.find(stage.text(row));
      const std::int64_t of = pipeline != nullptr && pipeline->valid(row) && pipelines != nullptr
                                  ? pipelines->dictionary().find(pipeline->text(row))
                                  : -1;
      const auto number = static_cast<std::int32_t>(rank.number(row));
      // Of a stage in several pipelines the lowest rank stands for deals without a pipeline.
      for (const std::int64_t pipeline_code : {of, std::int64_t{-1}}) {
        const auto [known, fresh] = rank_.try_emplace({pipeline_code, code}, number);
        if (!fresh) known->second = std::min(known->second, number);
      }
    }
  }

  std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> rank_;
  std::map<std::int64_t, std::vector<std::optional<DealStatus>>> status_;
};

}  // namespace

namespace {

struct LogStart {
  std::int64_t at = std::numeric_limits<std::int64_t>::max();  ///< the first change of a stage
  /// Deals closed before it without a word: what it says first of older deals isn't of their creation.
  bool late = false;
};

LogStart log_start(const Deals& deals, const History& history) {
  LogStart start;
  std::int64_t first_close = start.at;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    for (const Change& change : history.changes(deal))
      if (change.field == Field::stage) {
        start.at = std::min(start.at, change.at);
        break;
      }
    if (deals.status[deal] != DealStatus::open && deals.closed_at[deal] != null_value &&
        !history.changed(deal, Field::stage))
      first_close = std::min(first_close, deals.closed_at[deal]);
  }
  start.late = first_close < start.at;
  return start;
}

}  // namespace

std::vector<Visit> visits_of(const Crm& crm, const Options& options, std::string_view kpi) {
  require(crm, kpi, "opportunity", "stage_id");
  require(crm, kpi, "stage_def", "rank");
  const History& history = crm.history();
  if (!history.tracks(Field::stage))
    throw UsageError(std::string(kpi) +
                     " needs the change history of stages: table 'opportunity_event' (field 'stage'), "
                     "'opportunity_snapshot' or 'opportunity_version'");
  return all_visits(crm, options.zone);
}

std::vector<Visit> all_visits(const Crm& crm, const TimeZone& zone) {
  const History& history = crm.history();
  const StageMap stages(crm);
  const Deals& deals = crm.deals();
  const Column* pipelines = crm.table("opportunity").find("pipeline_id");
  const auto initial = history.initial(Field::stage);
  const LogStart log = log_start(deals, history);
  std::vector<Visit> visits;
  for (std::size_t deal = 0; deal < deals.size(); ++deal) {
    tick(deal);
    const auto pipeline_at = [&](std::int64_t at) -> std::int64_t {
      if (pipelines == nullptr) return -1;
      if (history.tracks(Field::pipeline) && at != null_value) {
        const std::int64_t code = history.value_at(deal, Field::pipeline, at);
        if (code != null_value) return code;
      }
      return pipelines->valid(deal) ? pipelines->values<std::int32_t>()[deal] : -1;
    };
    const bool open = deals.status[deal] == DealStatus::open;
    // Of a deal that closed without a word in the log, nobody knows where it stood before.
    std::int64_t stage = null_value;
    if (!initial.empty() && (open || history.changed(deal, Field::stage))) stage = initial[deal];
    if (initial.empty() && open && deals.stage[deal] >= 0) stage = deals.stage[deal];
    const std::int64_t created = deals.created_at[deal];
    const bool older = created != null_value && created < log.at;
    std::int64_t enter = older && log.late ? null_value : created;
    std::int64_t since = older && log.late ? log.at : created;
    const auto put = [&](std::int64_t exit) {
      if (stage == null_value) return;
      const std::int64_t pipeline = pipeline_at(enter);
      visits.push_back({.deal = deal,
                        .stage = static_cast<std::int32_t>(stage),
                        .enter = enter,
                        .seen = since,
                        .exit = exit,
                        .pipeline = pipeline,
                        .rank = stages.rank(pipeline, stage),
                        .type = stages.status(pipeline, stage)});
    };
    const auto step = [&](std::int64_t at, std::int64_t to) {
      put(at);
      stage = to;
      enter = since = at;
    };
    bool seen = stage != null_value;
    for (const Change& change : history.changes(deal)) {
      if (change.field != Field::stage || change.value == stage) continue;
      step(change.at, change.value);
      // The log found the deal there: nobody knows since when.
      if (!seen && older && change.at >= created + us_per_day) enter = null_value;
      seen = true;
    }
    // A close that the log missed ends the stay before it.
    const std::int64_t closed = deals.closed_at[deal];
    const bool ended = !open && closed != null_value &&
                       (enter == null_value || !crm_detail::ends_before(enter, closed, zone));
    if (ended && (stage == null_value || stages.status(pipeline_at(enter), stage) == DealStatus::open)) {
      const std::int32_t last = deals.stage[deal];
      const bool closes = last >= 0 && stages.status(pipeline_at(null_value), last) != DealStatus::open;
      step(std::max(enter, closed), closes ? last : null_value);
    }
    put(null_value);
  }
  return visits;
}

namespace {

/// The creation of the first lead of each deal.
std::vector<std::int64_t> lead_starts(const Crm& crm, std::string_view kpi) {
  std::vector<std::int64_t> starts(crm.deals().size(), null_value);
  if (!crm.has("lead", "converted_opportunity_id")) require(crm, kpi, "opportunity", "lead_id");
  require(crm, kpi, "lead", "created_at");
  const Column& created = crm.column("lead", "created_at");
  const auto times = created.values<std::int64_t>();
  const auto put = [&](std::size_t deal, std::size_t lead) {
    if (created.is_null(lead)) return;
    starts[deal] = starts[deal] == null_value ? times[lead] : std::min(starts[deal], times[lead]);
  };
  if (crm.has("opportunity", "lead_id")) {
    const auto lead_of = crm.link("opportunity", "lead_id");
    for (std::size_t deal = 0; deal < lead_of.size(); ++deal)
      if (lead_of[deal] >= 0) put(deal, static_cast<std::size_t>(lead_of[deal]));
  }
  if (crm.has("lead", "converted_opportunity_id")) {
    const auto deal_of = crm.link("lead", "converted_opportunity_id");
    for (std::size_t lead = 0; lead < deal_of.size(); ++lead)
      if (deal_of[lead] >= 0) put(static_cast<std::size_t>(deal_of[lead]), lead);
  }
  return starts;
}

/// The highest rank that an open stage has; -1 where none has any.
std::int32_t highest_open_rank(const Crm& crm) {
  const Table& defs = crm.table("stage_def");
  const Dictionary& stages = crm.column("opportunity", "stage_id").dictionary();
  const auto statuses = crm.stage_statuses(-1);
  std::int32_t highest = -1;
  for (std::size_t row = 0; row < defs.num_rows(); ++row) {
    if (defs.column("rank").is_null(row)) continue;
    const std::int32_t code = stages.find(defs.column("stage_id").text(row));
    if (code >= 0 && statuses[static_cast<std::size_t>(code)].value_or(DealStatus::open) != DealStatus::open)
      continue;
    highest = std::max(highest, static_cast<std::int32_t>(defs.column("rank").number(row)));
  }
  return highest;
}

}  // namespace

std::vector<std::int64_t> starts_of(const Crm& crm, const Options& options, std::string_view kpi) {
  const Deals& deals = crm.deals();
  if (options.start == Start::created) return {deals.created_at.begin(), deals.created_at.end()};
  if (options.start == Start::lead) return lead_starts(crm, kpi);
  if (!options.from_rank)
    throw UsageError(std::string(kpi) +
                     ": start at a stage needs its rank, e.g. from_rank = 2 (table 'stage_def')");
  std::vector<std::int64_t> starts(deals.size(), null_value);
  const std::vector<Visit> visits = visits_of(crm, options, kpi);
  if (const std::int32_t highest = highest_open_rank(crm); *options.from_rank > highest)
    throw UsageError(std::string(kpi) + ": no open stage has rank " + std::to_string(*options.from_rank) +
                     " or higher, so no deal begins there (table 'stage_def'); " +
                     (highest < 0 ? "its open stages have no ranks"
                                  : "from_rank is " + std::to_string(highest) + " at the most"));
  each_deal(visits, [&](std::size_t first, std::size_t last) {
    const auto reached =
        std::find_if(visits.begin() + static_cast<std::ptrdiff_t>(first),
                     visits.begin() + static_cast<std::ptrdiff_t>(last), [&](const Visit& visit) {
                       return visit.type != DealStatus::lost && visit.rank >= *options.from_rank;
                     });
    if (reached != visits.begin() + static_cast<std::ptrdiff_t>(last)) starts[reached->deal] = reached->enter;
  });
  return starts;
}

std::string start_text(const Options& options) {
  if (options.start == Start::lead) return "the creation of their lead";
  if (options.start == Start::created) return "creation";
  return "their first stage of rank " + std::to_string(options.from_rank.value_or(0)) + " or higher";
}

std::string_view no_start(const Options& options) {
  if (options.start == Start::lead) return "no_lead";
  return options.start == Start::stage ? "stage_not_reached" : "time_unknown";
}

Begun::Begun(const Crm& crm, const Options& options, std::string_view kpi, Facts& facts) {
  if (options.start == Start::created) return;
  starts = starts_of(crm, options, kpi);
  left_out = facts.reason(no_start(options));
}

std::string begun_text(const Options& options) {
  if (options.start == Start::created) return "";
  if (options.start == Start::lead) return ", of deals that came from a lead";
  return ", of deals that reached a stage of rank " + std::to_string(options.from_rank.value_or(0)) +
         " or higher";
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
