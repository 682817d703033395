// Until when rows are known, and of which periods more may become known.
#include <algorithm>

#include "ledger.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

using subscription::PeriodState;

namespace {

constexpr std::int64_t apart = 400 * us_per_day;  ///< as in books: rows beyond are a slip in a year
constexpr std::int64_t share = 10;                ///< such rows are at most one in so many
constexpr std::int64_t fewest = 10;               ///< rows below which nothing is the rest
constexpr std::int64_t quiet = 31 * us_per_day;   ///< so long nothing starts before starts that are planned

/// Starts of a day, or of days that hang together: how many, and the latest of them.
struct Part {
  std::int64_t rows = 0, last = INT64_MIN;
};

/// Every 24 hours from the first start on; days are enough, and need no sorting.
std::vector<Part> days_of(const State::Data& data) {
  std::int64_t first = INT64_MAX, last = INT64_MIN;
  for (const Spell& spell : data.spells) {
    if (spell.start == no_start) continue;
    first = std::min(first, spell.begin);
    last = std::max(last, spell.begin);
  }
  if (last == INT64_MIN) return {};
  std::vector<Part> days(static_cast<std::size_t>((last - first) / us_per_day) + 1);
  for (const Spell& spell : data.spells) {
    if (spell.start == no_start) continue;
    Part& day = days[static_cast<std::size_t>((spell.begin - first) / us_per_day)];
    ++day.rows;
    day.last = std::max(day.last, spell.begin);
  }
  return days;
}

/// Days before `until` that are never further apart than `gap`.
std::vector<Part> parts_of(const std::vector<Part>& days, std::int64_t until, std::int64_t gap) {
  std::vector<Part> parts;
  for (const Part& day : days) {
    if (day.rows == 0 || day.last >= until) continue;
    if (parts.empty() || day.last - parts.back().last > gap) parts.emplace_back();
    parts.back().rows += day.rows;
    parts.back().last = day.last;
  }
  return parts;
}

/// The end of what a start tells of: its day, or where rows have times of day its instant.
std::int64_t told_by(const State::Data& data, std::int64_t start) {
  return data.known_until.days ? data.zone.start_of(data.zone.local_date(Instant{start}) + 1).us : start + 1;
}

}  // namespace

std::int64_t known_until(const State::Data& data, const Options& options, Issues& issues) {
  if (options.as_of) return options.as_of->us;
  std::int64_t until = data.known_until.end();
  if (until == INT64_MIN || !data.known_by_start) return until;
  const std::vector<Part> days = days_of(data);
  const auto far = parts_of(days, until, apart);
  if (far.size() > 1) {
    std::int64_t rows = 0, after = 0;
    const auto most = std::max_element(far.begin(), far.end(),
                                       [](const Part& a, const Part& b) { return a.rows < b.rows; });
    for (auto part = far.begin(); part != far.end(); ++part) {
      rows += part->rows;
      after += part > most ? part->rows : 0;
    }
    if (after > 0 && rows >= fewest && (rows - most->rows) * share <= rows) {
      issues.add_many(table_name, -1, "", "long_after_the_rest", after);
      until = told_by(data, most->last);
    }
  }
  // A few starts long after all others may be planned, and so may the ends before them.
  const auto near = parts_of(days, until, quiet);
  if (near.size() < 2) return until;
  std::int64_t rows = 0;
  for (const Part& part : near) rows += part.rows;
  std::size_t rest = near.size() - 2;
  for (std::int64_t after = near.back().rows; rest > 0 && (after += near[rest].rows) * share <= rows;) --rest;
  const std::int64_t told = told_by(data, near[rest].last);
  const auto planned = std::count_if(data.spells.begin(), data.spells.end(), [&](const Spell& spell) {
    return pays(spell) && spell.start < told && spell.end >= told && spell.end < until;
  });
  if (planned > 0) issues.add_many(table_name, -1, "", "perhaps_planned", planned, Severity::info);
  return until;
}

void check(const Options& options) {
  if (options.grace_us < 0) throw UsageError("grace is a length of time, 0 or more");
  if (options.window_us && *options.window_us < 0) throw UsageError("window is a length of time, 0 or more");
  if (options.as_of && (options.as_of->utc_date() < first_date || options.as_of->utc_date() > last_date))
    throw UsageError("as_of lies outside the years 1400 to 9999");
}

namespace {

/// The latest end where it looks like that of the data: most that ran ends there, and nothing begins after.
std::optional<std::int64_t> data_end(const State::Data& data, std::int64_t until, Issues& issues) {
  std::int64_t latest = INT64_MIN, begun = INT64_MIN, ending = 0, running = 0;
  for (const Spell& spell : data.spells) {
    if (!pays(spell) || spell.start >= until) continue;
    begun = std::max(begun, spell.start);
    if (spell.end < until) latest = std::max(latest, spell.end);
  }
  if (latest == INT64_MIN || begun > latest) return std::nullopt;
  for (const Spell& spell : data.spells) {
    if (!pays(spell) || spell.start >= until) continue;
    running += spell.end >= latest ? 1 : 0;
    ending += spell.end == latest ? 1 : 0;
  }
  if (ending < 2 || 2 * ending < running) return std::nullopt;
  issues.add_many(table_name, -1, "", "ends_with_the_data", ending);
  return latest;
}

}  // namespace

std::vector<PeriodState> states_of(const State::Data& data, const Timeline& timeline,
                                   std::int64_t pending_from, bool by_last_day, Issues& issues) {
  std::vector<PeriodState> states(timeline.size(), PeriodState::complete);
  if (pending_from != INT64_MAX)
    std::fill(states.begin() + timeline.period_of(pending_from), states.end(), PeriodState::pending);
  if (!timeline.last_is_over()) states.back() = PeriodState::in_progress;
  if (const auto end = data_end(data, timeline.until(), issues)) {
    PeriodState& state = states[static_cast<std::size_t>(timeline.period_of(*end - (by_last_day ? 1 : 0)))];
    if (state == PeriodState::complete) state = PeriodState::data_end;
  }
  return states;
}

}  // namespace subscription_detail
}  // namespace v0
}  // namespace salesops
