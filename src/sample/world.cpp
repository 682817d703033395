#include "world.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace salesops {
inline namespace v0 {
namespace sample::detail {

using List = std::vector<std::string>;

const List& Words::segments() {
  static const List words{"smb", "mid_market", "enterprise"};
  return words;
}
const List& Words::types() {
  static const List words{"new", "expansion", "renewal"};
  return words;
}
const List& Words::categories() {
  static const List words{"omitted", "pipeline", "best_case", "most_likely", "commit", "closed"};
  return words;
}
const List& Words::stages() {
  static const List words{"qualification", "discovery", "evaluation", "proposal", "negotiation",
                          "review",        "quote",     "contract",   "won",      "lost"};
  return words;
}
const List& Words::pipelines() {
  static const List words{"sales", "renewals"};
  return words;
}
const List& Words::sources() {
  static const List words{"website", "outbound", "referral", "partner", "event", "customer"};
  return words;
}
const List& Words::industries() {
  static const List words{"manufacturing", "software",  "retail",    "healthcare",
                          "finance",       "logistics", "education", "services"};
  return words;
}
const List& Words::regions() {
  static const List words{"north", "south", "east", "west"};
  return words;
}
const List& Words::countries() {
  static const List words{"CA", "US", "BR", "CO", "JP", "SG", "DE", "NG"};
  return words;
}
const List& Words::loss_reasons() {
  static const List words{"no_decision", "price", "competitor", "missing_feature", "timing", "lost_contact"};
  return words;
}
const List& Words::next_steps() {
  static const List words{"qualify need",   "hold discovery call", "run evaluation",     "send proposal",
                          "agree on terms", "review usage",        "send renewal quote", "sign contract"};
  return words;
}

const std::vector<Zone>& zones() {
  static const std::vector<Zone> all{
      {"America/Phoenix", -420}, {"America/Bogota", -300}, {"Africa/Lagos", 60}, {"Asia/Singapore", 480}};
  return all;
}

namespace {

constexpr std::array<double, 12> season{0.92, 0.98, 1.08, 0.99, 1.03, 1.04,
                                        0.88, 0.82, 1.08, 1.10, 1.10, 0.98};
constexpr std::array<double, 5> weekday_demand{1.05, 1.1, 1.1, 1.05, 0.7};
constexpr double yearly_growth = 1.15;
constexpr int spare_months = 24;

std::vector<StageLaw> sales_laws() {
  return {{0, 0.10, 0.40, 0.00, 0.08, 4.5, 120, Category::pipeline},
          {1, 0.20, 0.31, 0.05, 0.06, 6.0, 115, Category::pipeline},
          {2, 0.40, 0.24, 0.06, 0.05, 8.0, 105, Category::best_case},
          {3, 0.60, 0.18, 0.07, 0.00, 6.5, 95, Category::most_likely},
          {4, 0.80, 0.12, 0.06, 0.00, 6.0, 80, Category::commit}};
}

std::vector<StageLaw> renewal_laws() {
  return {{5, 0.70, 0.07, 0.00, 0.05, 20, 60, Category::best_case},
          {6, 0.80, 0.06, 0.04, 0.00, 16, 55, Category::most_likely},
          {7, 0.90, 0.04, 0.03, 0.00, 12, 45, Category::commit}};
}

std::int64_t us_of(std::int32_t day) { return static_cast<std::int64_t>(day) * us_per_day; }

}  // namespace

double advance_factor(Segment segment) {
  return segment == Segment::smb ? 0.75 : segment == Segment::mid_market ? 1.15 : 1.8;
}
double lose_factor(Segment segment) {
  return segment == Segment::smb ? 0.85 : segment == Segment::mid_market ? 1.05 : 1.4;
}

double lose_share(const StageLaw& law, double advantage) {
  const double logit = std::log(law.lose / (1 - law.lose)) - 0.5 * advantage;
  return 1 / (1 + std::exp(-logit));
}

World::World(const SampleOptions& chosen) : options(chosen), laws_{sales_laws(), renewal_laws()} {
  first_day = options.start.days;
  last_day = options.start.add_months(options.months).days;
  end_us = us_of(options.end ? options.end->days : last_day);
  teams = std::max(1, (options.reps + 5) / 6);
  currencies.push_back(options.currency);
  for (const char* other : {"USD", "EUR", "GBP"})
    if (options.foreign_share > 0 && other != options.currency) currencies.emplace_back(other);
  double total = 0;
  for (std::int32_t day = first_day; day < last_day; ++day) {
    const int wd = weekday(day);
    total += wd < 5 ? demand(day) * weekday_demand[static_cast<std::size_t>(wd)] : 0;
    cumulative_.push_back(total);
  }
  hire();
}

double World::demand(std::int32_t day) const {
  const double years = static_cast<double>(day - first_day) / 365.25;
  return season[static_cast<std::size_t>(Date{day}.ymd().month - 1)] * std::pow(yearly_growth, years);
}

std::int64_t World::draw_arrival(Stream& luck, int offset_minutes) const {
  const double at = luck.uniform01() * cumulative_.back();
  const auto place = std::upper_bound(cumulative_.begin(), cumulative_.end(), at);
  const auto day = static_cast<std::int32_t>(
      std::min<std::ptrdiff_t>(place - cumulative_.begin(), last_day - first_day - 1));
  return at_work(working_day(first_day + day), luck.uniform01(), offset_minutes);
}

void World::hire() {
  const int count = options.reps;
  for (int i = 0; i < count; ++i) {
    Stream luck = stream(Purpose::reps, static_cast<std::uint64_t>(i));
    Seller seller;
    seller.zone = i % static_cast<int>(zones().size());
    seller.offset_minutes = zones()[static_cast<std::size_t>(seller.zone)].offset_minutes;
    seller.skill = luck.normal(0, 0.35);
    seller.response_median_s = 3600 * std::exp(luck.normal(0, 0.6));
    seller.never_share = luck.beta(3, 12);
    const bool founder = luck.bernoulli(0.6);
    const auto hired = luck.integer(0, std::max(1, options.months * 3 / 4));
    const auto earlier = luck.integer(6, 48);
    seller.hire_day = options.start.add_months(static_cast<int>(founder ? -earlier : hired)).days;
    const bool leaves = luck.bernoulli(0.25);
    const auto left_after = luck.integer(1, std::max(1, options.months));
    const auto stays = static_cast<int>(std::max<std::int64_t>(left_after, founder ? 0 : hired + 6));
    if (leaves) seller.leave_day = options.start.add_months(stays).days - 1;
    seller.team = i % teams;
    if (teams > 1 && luck.bernoulli(0.2)) {
      const auto month = static_cast<int>(luck.integer(1, std::max(1, options.months - 1)));
      const std::int32_t day = options.start.add_months(month).days;
      const int to = (seller.team + 1) % teams;
      if (day > seller.hire_day && day < seller.leave_day) seller.moves.push_back({day, to});
    }
    if (i == 0) {  // somebody is always there
      seller.hire_day = options.start.add_months(-36).days;
      seller.leave_day = never;
      seller.moves.clear();
    }
    sellers.push_back(std::move(seller));
  }
  for (int month = 0; month < options.months + spare_months; ++month) {
    const Date from = options.start.add_months(month);
    std::vector<int> here;
    for (int i = 0; i < count; ++i) {
      const Seller& seller = sellers[static_cast<std::size_t>(i)];
      if (seller.hire_day <= from.days && seller.leave_day >= from.add_months(1).days - 1) here.push_back(i);
    }
    employed_.push_back(std::move(here));
  }
}

int World::pick_seller(std::int32_t day, Stream& luck) const {
  const auto from = options.start.ymd();
  const auto ymd = Date{day}.ymd();
  int month = (ymd.year - from.year) * 12 + ymd.month - from.month - (ymd.day < from.day ? 1 : 0);
  month = std::clamp(month, 0, static_cast<int>(employed_.size()) - 1);
  const auto& here = employed_[static_cast<std::size_t>(month)];
  return here[static_cast<std::size_t>(luck.integer(0, static_cast<std::int64_t>(here.size()) - 1))];
}

double World::win_probability(int pipeline, double advantage) const {
  const auto stages = laws(pipeline);
  const std::size_t n = stages.size();
  std::array<double, 8> lose{};
  for (std::size_t k = 0; k < n; ++k) lose[k] = lose_share(stages[k], advantage);
  // P(won | stage) by sweeps from the last stage; steps back are rare, so it settles at once.
  const auto solve = [&](double after_loss) {
    std::array<double, 9> won{};
    won[n] = 1;
    for (int sweep = 0; sweep < 16; ++sweep)
      for (std::size_t k = n; k-- > 0;) {
        const StageLaw& law = stages[k];
        const double back = k > 0 ? law.back * won[k - 1] : 0;
        const double skip = k + 2 <= n ? law.skip * won[k + 2] : 0;
        won[k] =
            (1 - lose[k]) * (back + skip + (1 - law.back - law.skip) * won[k + 1]) + lose[k] * after_loss;
      }
    return won;
  };
  const double again = solve(0)[n / 2];
  return solve(reopen_share * again)[0];
}

std::int32_t month_end(std::int32_t day) {
  const auto ymd = Date{day}.ymd();
  return Date::from_ymd(ymd.year, ymd.month, 1).add_months(1).days - 1;
}
std::int32_t quarter_end(std::int32_t day) {
  const auto ymd = Date{day}.ymd();
  return Date::from_ymd(ymd.year, (ymd.month - 1) / 3 * 3 + 1, 1).add_months(3).days - 1;
}
std::int32_t month_start(std::int32_t day) {
  const auto ymd = Date{day}.ymd();
  return Date::from_ymd(ymd.year, ymd.month, 1).days;
}

namespace {
constexpr std::int64_t open_second = 9 * 3600;
constexpr std::int64_t work_seconds = 8 * 3600;
}  // namespace

std::int64_t at_work(std::int32_t day, double share, int offset_minutes) {
  const auto second = open_second + static_cast<std::int64_t>(share * static_cast<double>(work_seconds));
  return us_of(day) + (second - offset_minutes * 60) * us_per_second;
}

std::int64_t snap(double us, Stream& luck, int offset_minutes) {
  return at_work(working_day(day_of(static_cast<std::int64_t>(us))), luck.uniform01(), offset_minutes);
}

std::int64_t after_work_seconds(std::int64_t us, std::int64_t seconds, int offset_minutes) {
  const std::int64_t local = us + offset_minutes * 60 * us_per_second;
  std::int32_t day = day_of(local);
  std::int64_t done =
      std::clamp<std::int64_t>((local - us_of(day)) / us_per_second - open_second, 0, work_seconds);
  if (weekday(day) >= 5 || done == work_seconds) {
    day = working_day(day + (weekday(day) >= 5 ? 0 : 1));
    done = 0;
  }
  for (done += seconds; done >= work_seconds; done -= work_seconds) day = working_day(day + 1);
  return us_of(day) + (open_second + done - offset_minutes * 60) * us_per_second;
}

double weibull_us(double median_days, double shape, Stream& luck) {
  const double share = std::pow(-std::log(luck.uniform_open()) / std::numbers::ln2, 1 / shape);
  return median_days * share * static_cast<double>(us_per_day);
}

std::int64_t round_amount(double major) {
  const double step = std::max(100.0, std::pow(10.0, std::floor(std::log10(std::max(major, 1.0))) - 1));
  return static_cast<std::int64_t>(std::max(100.0, std::round(major / step) * step)) * 100;
}

std::uint64_t lead_label(std::uint64_t number) {
  constexpr std::uint64_t mask = (std::uint64_t{1} << 40) - 1;
  std::uint64_t x = number & mask;
  for (const std::uint64_t factor : {0x9E3779B97FU, 0xC2B2AE3D27U}) {  // odd, so invertible modulo 2^40
    x = (x * factor) & mask;
    x ^= x >> 21;
  }
  return x;
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
