#include "salesops/calendar/time_zone.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "tzif.hpp"

namespace salesops {
inline namespace v0 {

namespace {

constexpr std::int64_t null = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t day_seconds = 86'400;
/// The Gregorian calendar repeats, weekdays included, every 400 years.
constexpr std::int64_t cycle = 146'097 * day_seconds;

constexpr std::int64_t floor_seconds(std::int64_t us) {
  return us / us_per_second - (us % us_per_second < 0 ? 1 : 0);
}

bool safe_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() == '/' || name.find("..") != std::string_view::npos)
    return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  });
}

std::vector<std::filesystem::path> zone_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* folder = std::getenv("TZDIR")) folders.emplace_back(folder);
  for (const char* folder :
       {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"})
    folders.emplace_back(folder);
  return folders;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t swap = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, swap}));
    }
  }
  return row[b.size()];
}

std::string near_zones(std::string_view name) {
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const auto& folder : zone_folders()) {
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
      const auto zone = it->path().lexically_relative(folder).string();
      if (it->is_directory(error) || !safe_name(zone) || zone.starts_with("posix/") ||
          zone.starts_with("right/"))
        continue;
      const auto slash = zone.rfind('/');
      const auto city = slash == std::string::npos ? zone : zone.substr(slash + 1);
      near.emplace_back(std::min(edit_distance(name, zone), edit_distance(name, city) + 1), zone);
    }
    if (!near.empty()) break;
  }
  std::ranges::sort(near);
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, near.size()); ++i)
    text += (i == 0 ? "; near it are " : ", ") + near[i].second;
  return text;
}

}  // namespace

/// Segment j of constant offset runs from `at[j-1]` to `at[j]`.
struct TimeZone::Data {
  std::string name;
  std::vector<std::int64_t> at;       // UTC seconds of the changes
  std::vector<std::int32_t> offsets;  // one more than changes
  std::vector<std::int64_t> tops;     // readings below tops[j] are reached before change j
  std::vector<std::int64_t> bottoms;  // readings from bottoms[j] on are reached after change j
  std::int64_t repeat_from = std::numeric_limits<std::int64_t>::max();

  /// Seconds to subtract so that a time far ahead falls into the listed cycle.
  [[nodiscard]] std::int64_t fold(std::int64_t seconds) const noexcept {
    if (seconds < repeat_from) return 0;
    return ((seconds - repeat_from) / cycle + 1) * cycle;
  }
  [[nodiscard]] std::int32_t offset_at(std::int64_t seconds) const noexcept {
    const auto after = std::ranges::upper_bound(at, seconds - fold(seconds));
    return offsets[static_cast<std::size_t>(after - at.begin())];
  }
};

TimeZone::TimeZone() {
  static const auto utc = std::make_shared<const Data>(Data{"UTC", {}, {0}, {}, {}});
  data_ = utc;
}

TimeZone TimeZone::from_bytes(std::string name, std::string_view tzif) {
  auto changes = detail::read_tzif(name, tzif);
  auto data = std::make_shared<Data>();
  data->name = std::move(name);
  data->offsets.push_back(changes.first_offset);
  for (const auto& change : changes.list) {
    if (change.offset == data->offsets.back()) continue;
    data->at.push_back(change.at);
    data->offsets.push_back(change.offset);
  }
  if (changes.repeats_from) data->repeat_from = *changes.repeats_from + cycle;
  const std::size_t n = data->at.size();
  for (std::size_t j = 0; j < n; ++j) {
    data->tops.push_back(data->at[j] + data->offsets[j]);
    data->bottoms.push_back(data->at[j] + data->offsets[j + 1]);
  }
  // Readings grow with time in all real data; files that say otherwise must not break the searches.
  for (std::size_t j = 1; j < n; ++j) data->tops[j] = std::max(data->tops[j], data->tops[j - 1]);
  for (std::size_t j = n; j-- > 1;) data->bottoms[j - 1] = std::min(data->bottoms[j - 1], data->bottoms[j]);
  TimeZone zone;
  zone.data_ = std::move(data);
  return zone;
}

TimeZone TimeZone::load(std::string_view name) {
  if (name == "UTC") return {};
  if (!safe_name(name))
    throw UsageError("not the name of a time zone; use one such as Europe/Berlin or America/New_York");
  for (const auto& folder : zone_folders()) {
    const auto path = folder / name;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) continue;
    std::ifstream file(path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    return from_bytes(std::string(name), bytes);
  }
  throw UsageError("there is no time zone \"" + std::string(name) + "\" on this system" + near_zones(name));
}

const std::string& TimeZone::name() const noexcept { return data_->name; }

std::int32_t TimeZone::offset_at(Instant instant) const noexcept {
  return data_->offset_at(floor_seconds(instant.us));
}

Instant TimeZone::to_utc(LocalTime local, Ambiguous ambiguous) const noexcept {
  const auto& data = *data_;
  if (data.at.empty()) return Instant{local.us - data.offsets[0] * us_per_second};
  const std::int64_t whole = floor_seconds(local.us);
  // A reading a day past the repetition's start is folded as its instant is.
  const std::int64_t folded = data.fold(whole - day_seconds);
  const std::int64_t seconds = whole - folded;
  const std::int64_t fraction = local.us - whole * us_per_second;
  std::int64_t utc = 0;
  bool jumped = false;
  if (ambiguous == Ambiguous::first) {
    const auto j = static_cast<std::size_t>(std::ranges::upper_bound(data.tops, seconds) - data.tops.begin());
    utc = seconds - data.offsets[j];
    jumped = j > 0 && utc < data.at[j - 1];
    if (jumped) utc = data.at[j - 1];
  } else {
    const auto j =
        static_cast<std::size_t>(std::ranges::upper_bound(data.bottoms, seconds) - data.bottoms.begin());
    utc = seconds - data.offsets[j];
    jumped = j < data.at.size() && utc >= data.at[j];
    if (jumped) utc = data.at[j];
  }
  return Instant{(utc + folded) * us_per_second + (jumped ? 0 : fraction)};
}

std::optional<Instant> TimeZone::parse(std::string_view text) const noexcept {
  const auto clock = ClockText::parse(text);
  if (!clock) return std::nullopt;
  if (clock->offset_seconds) return Instant{clock->us - *clock->offset_seconds * us_per_second};
  return to_utc(LocalTime{clock->us});
}

void TimeZone::local_date(std::span<const std::int64_t> instants, std::span<std::int32_t> days) const {
  if (instants.size() != days.size()) throw UsageError("instants and days must have one length");
  std::ranges::transform(instants, days.begin(), [&](std::int64_t us) {
    return us == null ? std::numeric_limits<std::int32_t>::min() : local_date(Instant{us}).days;
  });
}

void TimeZone::to_utc(std::span<const std::int64_t> local, std::span<std::int64_t> instants,
                      Ambiguous ambiguous) const {
  if (local.size() != instants.size()) throw UsageError("local and instants must have one length");
  std::ranges::transform(local, instants.begin(), [&](std::int64_t us) {
    return us == null ? null : to_utc(LocalTime{us}, ambiguous).us;
  });
}

bool operator==(const TimeZone& a, const TimeZone& b) noexcept {
  return a.data_ == b.data_ || (a.data_->name == b.data_->name && a.data_->at == b.data_->at &&
                                a.data_->offsets == b.data_->offsets);
}

}  // namespace v0
}  // namespace salesops
