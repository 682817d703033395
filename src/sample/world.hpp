/// @file world.hpp
/// What all accounts of a sample share: words, reps, the calendar of demand, the hazards of stages.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "salesops/random.hpp"
#include "salesops/sample.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {

using random::Stream;

/// One number stream for each use of an entity's luck.
enum class Purpose : std::uint64_t {
  reps = 1,
  account,
  chain,
  deal,
  customer,
  emission,
  activity,
  lead,
  quota,
  spend,
  fx,
  dirt,
};

enum class Segment : std::uint8_t { smb, mid_market, enterprise };
enum class DealType : std::uint8_t { fresh, expansion, renewal };  // printed as new, expansion, renewal
enum class Category : std::uint8_t { omitted, pipeline, best_case, most_likely, commit, closed };

inline constexpr int stage_won = 8;
inline constexpr int stage_lost = 9;
inline constexpr std::int32_t never = std::numeric_limits<std::int32_t>::max();

/// Words in the order of their codes.
struct Words {
  static const std::vector<std::string>& segments();
  static const std::vector<std::string>& types();
  static const std::vector<std::string>& categories();
  static const std::vector<std::string>& stages();
  static const std::vector<std::string>& pipelines();
  static const std::vector<std::string>& sources();
  static const std::vector<std::string>& industries();
  static const std::vector<std::string>& regions();
  static const std::vector<std::string>& countries();  ///< two a region
  static const std::vector<std::string>& loss_reasons();
  static const std::vector<std::string>& next_steps();  ///< one an open stage
};

/// How one open stage is left.
struct StageLaw {
  int code = 0;             ///< position in `Words::stages()`
  double probability = 0;   ///< what the CRM shows
  double lose = 0;          ///< share lost at advantage 0
  double back = 0;          ///< share of the rest that goes one stage back
  double skip = 0;          ///< share of the rest that passes over a stage
  double advance_days = 0;  ///< median, mid-market
  double lose_days = 0;     ///< median, mid-market
  Category category = Category::pipeline;
};
inline constexpr double shape_advance = 1.3;
inline constexpr double shape_lose = 1.4;
inline constexpr double reopen_share = 0.04;

double advance_factor(Segment segment);
double lose_factor(Segment segment);

/// Share lost from a stage under an advantage in log-odds.
double lose_share(const StageLaw& law, double advantage);

struct TeamMove {
  std::int32_t day = 0;
  int team = 0;
};

struct Seller {
  int zone = 0;
  int offset_minutes = 0;  ///< of local time from UTC; the zones have no daylight saving
  double skill = 0;
  double response_median_s = 0;
  double never_share = 0;
  std::int32_t hire_day = 0;
  std::int32_t leave_day = never;
  int team = 0;
  std::vector<TeamMove> moves;

  /// Log-odds from skill, less what a newcomer still lacks.
  [[nodiscard]] double effect(std::int32_t day) const {
    const double tenure = static_cast<double>(day - hire_day) / 180.0;
    return skill - (tenure < 1 ? 0.5 * (1 - (tenure < 0 ? 0 : tenure)) : 0.0);
  }
};

struct Zone {
  const char* name;
  int offset_minutes;
};

class World {
 public:
  explicit World(const SampleOptions& options);

  const SampleOptions& options;
  std::int32_t first_day = 0;
  std::int32_t last_day = 0;  ///< first day after the window
  std::int64_t end_us = 0;    ///< the book shows what was before
  std::vector<Seller> sellers;
  int teams = 1;
  std::vector<std::string> currencies;  ///< the book's own first

  [[nodiscard]] Stream stream(Purpose purpose, std::uint64_t entity, std::uint32_t draw = 0) const {
    return Stream(options.seed, entity, static_cast<std::uint64_t>(purpose), draw);
  }
  [[nodiscard]] bool visible(std::int64_t at) const { return at < end_us; }

  /// A working instant drawn from demand over the window, in the given local time.
  [[nodiscard]] std::int64_t draw_arrival(Stream& luck, int offset_minutes) const;
  /// Demand of the month of a day, 1 on average over a year of the first season.
  [[nodiscard]] double demand(std::int32_t day) const;

  /// A seller employed on the day.
  [[nodiscard]] int pick_seller(std::int32_t day, Stream& luck) const;
  [[nodiscard]] std::span<const StageLaw> laws(int pipeline) const { return laws_[pipeline == 2 ? 1 : 0]; }
  [[nodiscard]] int pipeline_of(DealType type) const {
    return type == DealType::renewal && options.pipelines == 2 ? 2 : 1;
  }
  /// Probability to be won, from the first stage on, under a constant advantage.
  [[nodiscard]] double win_probability(int pipeline, double advantage) const;

 private:
  void hire();

  std::array<std::vector<StageLaw>, 2> laws_;
  std::vector<double> cumulative_;          ///< demand up to the end of each day
  std::vector<std::vector<int>> employed_;  ///< sellers by month of the window and two years after
};

const std::vector<Zone>& zones();

// ---- days and hours ----

inline std::int32_t day_of(std::int64_t us) { return Instant{us}.utc_date().days; }
inline int weekday(std::int32_t day) { return Date{day}.weekday(); }
/// The day itself, or the Monday after a weekend.
inline std::int32_t working_day(std::int32_t day) {
  const int wd = weekday(day);
  return wd < 5 ? day : day + 7 - wd;
}
std::int32_t month_end(std::int32_t day);
std::int32_t quarter_end(std::int32_t day);
std::int32_t month_start(std::int32_t day);
/// Whole seconds at a share of the local working day, 9 to 17 o'clock.
std::int64_t at_work(std::int32_t day, double share, int offset_minutes);
/// A random working second on the day of `us` or the next working day.
std::int64_t snap(double us, Stream& luck, int offset_minutes);
/// The instant that lies `seconds` of Monday-to-Friday, 9-to-17 local time after `us`.
std::int64_t after_work_seconds(std::int64_t us, std::int64_t seconds, int offset_minutes);

/// A duration in microseconds from a Weibull law with a given median.
double weibull_us(double median_days, double shape, Stream& luck);
/// Cut to two leading digits, at least 100 major units.
std::int64_t round_amount(double major);

/// Bijective label of lead number n: leads that became deals can't be told by their ids.
std::uint64_t lead_label(std::uint64_t number);

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
