#include "clock.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <tuple>
#include <utility>

namespace salesops {
inline namespace v0 {
namespace clv_detail {

namespace {

constexpr std::int64_t earliest = first_date.days * us_per_day;
constexpr std::int64_t latest = last_date.days * us_per_day + us_per_day - 1;

bool in_range(std::int64_t at) noexcept { return at >= earliest && at <= latest; }

std::int64_t end_of_day(const TimeZone& zone, std::int64_t at) {
  return zone.start_of(zone.local_date(Instant{at}) + 1).us;
}

bool nothing_in(const Column& column) {
  for (std::size_t row = 0; row < column.size(); ++row)
    if (column.valid(row)) return false;
  return true;
}

bool begins_day(const TimeZone& zone, std::int64_t at) {
  if (zone == TimeZone{}) return at % us_per_day == 0;
  return zone.start_of(zone.local_date(Instant{at})).us == at;
}

}  // namespace

Clock::Clock(const Column& column, const std::string& name, const TimeZone& zone, const Execution& execution)
    : column_(column), name_(name) {
  if (column.type() == Type::timestamp) {
    const auto values = column.values<std::int64_t>();
    scan(execution, [values](std::size_t row) { return in_range(values[row]) ? values[row] : no_instant; });
    if (empty()) return;
    std::int64_t known = no_instant;  // to begin a day
    for (std::size_t row = 0; row < values.size() && until_.days; ++row) {
      if (values[row] == known || column.is_null(row) || !in_range(values[row])) continue;
      until_.days = begins_day(zone, known = values[row]);
    }
    until_.instant = last_ + 1;
    until_.day = until_.days ? end_of_day(zone, last_) : until_.instant;
  } else if (column.type() == Type::date) {
    const auto values = column.values<std::int32_t>();
    std::int32_t low = last_date.days, high = first_date.days;
    for (std::size_t row = 0; row < values.size(); ++row)
      if (column.valid(row) && values[row] >= first_date.days && values[row] <= last_date.days) {
        low = std::min(low, values[row]);
        high = std::max(high, values[row]);
      }
    first_day_ = low;
    for (std::int32_t day = low; day <= high; ++day) days_.push_back(zone.start_of(Date{day}).us);
    scan(execution, [this, values](std::size_t row) {
      const std::int64_t day = std::int64_t{values[row]} - first_day_;
      return day < 0 || day >= std::ssize(days_) ? no_instant : days_[static_cast<std::size_t>(day)];
    });
    if (!empty()) until_.instant = until_.day = zone.start_of(Date{high + 1}).us;
  } else if (column.type() == Type::string) {
    const Dictionary& dictionary = column.dictionary();
    std::vector<KnownUntil> ends(dictionary.size());
    texts_.assign(dictionary.size(), no_instant);
    for (std::size_t code = 0; code < texts_.size(); ++code) {
      const auto at = zone.parse(dictionary[code]);
      if (!at || !in_range(at->us)) continue;
      texts_[code] = at->us;
      const std::int64_t day = end_of_day(zone, at->us);
      ends[code] = {dictionary[code].size() == 10 ? day : at->us + 1, day, begins_day(zone, at->us)};
    }
    const auto codes = column.values<std::int32_t>();
    scan(execution, [this, codes](std::size_t row) { return texts_[static_cast<std::size_t>(codes[row])]; });
    for (std::size_t row = 0; row < codes.size(); ++row)
      if (column.valid(row)) until_.merge(ends[static_cast<std::size_t>(codes[row])]);
    if (empty() && bad_.n() > 0)
      throw UsageError("column '" + name + "' has no date that can be read: '" +
                       std::string(dictionary[static_cast<std::size_t>(codes[bad_.first()])]) + "' in row " +
                       std::to_string(bad_.first()) + "; write it as 2026-12-31, or parse the column first");
  } else if (nothing_in(column)) {  // as dataframes hold a column without a value
    scan(execution, [](std::size_t) { return no_instant; });
  } else {
    throw UsageError("column '" + name + "' holds " + std::string(type_name(column.type())) +
                     ", not dates or instants; parse it first");
  }
}

namespace {

/// Least and largest value. Four of each at a time, as one waits for the one before.
std::pair<std::int64_t, std::int64_t> ends_of(std::span<const std::int64_t> values) noexcept {
  constexpr std::size_t lanes = 4;
  std::array<std::int64_t, lanes> low, high;
  low.fill(INT64_MAX);
  high.fill(INT64_MIN);
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      low[lane] = std::min(low[lane], values[i + lane]);
      high[lane] = std::max(high[lane], values[i + lane]);
    }
  for (; i < values.size(); ++i) {
    low[0] = std::min(low[0], values[i]);
    high[0] = std::max(high[0], values[i]);
  }
  return {std::ranges::min(low), std::ranges::max(high)};
}

}  // namespace

template <class At>
void Clock::scan(const Execution& execution, const At& at) {
  std::mutex guard;
  for_rows(column_.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
    std::int64_t low = INT64_MAX, high = INT64_MIN, missing = 0, wrong = 0;
    std::size_t first_missing = 0, first_wrong = 0;
    const bool plain = column_.type() == Type::timestamp && !column_.may_have_nulls();
    if (plain) {
      const auto values = column_.values<std::int64_t>();
      std::tie(low, high) = ends_of(values.subspan(first, last - first));
    }
    const bool all_fine = plain && in_range(low) && in_range(high);
    if (!all_fine) low = INT64_MAX, high = INT64_MIN;
    for (std::size_t row = all_fine ? last : first; row < last; ++row) {
      if (column_.is_null(row)) {
        if (missing++ == 0) first_missing = row;
        continue;
      }
      const std::int64_t us = at(row);
      if (us == no_instant) {
        if (wrong++ == 0) first_wrong = row;
        continue;
      }
      low = std::min(low, us);
      high = std::max(high, us);
    }
    nulls_.add(missing, first_missing);
    bad_.add(wrong, first_wrong);
    const std::lock_guard lock(guard);
    first_ = std::min(first_, low);
    last_ = std::max(last_, high);
    clean_ = clean_ && missing + wrong == 0;
  });
}

std::span<const std::int64_t> Clock::block(std::size_t first, std::size_t last,
                                           std::vector<std::int64_t>& buffer) {
  if (column_.type() == Type::timestamp && clean_)
    return column_.values<std::int64_t>().subspan(first, last - first);
  buffer.resize(last - first);
  if (empty()) {
    std::fill(buffer.begin(), buffer.end(), no_instant);
    return buffer;
  }
  const auto write = [&](const auto& at) {
    for (std::size_t row = first; row < last; ++row)
      buffer[row - first] = column_.valid(row) ? at(row) : no_instant;
  };
  if (column_.type() == Type::timestamp) {
    const auto values = column_.values<std::int64_t>();
    write([&](std::size_t row) { return in_range(values[row]) ? values[row] : no_instant; });
  } else if (column_.type() == Type::date) {
    const auto values = column_.values<std::int32_t>();
    write([&](std::size_t row) {
      const std::int64_t day = std::int64_t{values[row]} - first_day_;
      return day < 0 || day >= std::ssize(days_) ? no_instant : days_[static_cast<std::size_t>(day)];
    });
  } else {
    const auto codes = column_.values<std::int32_t>();
    write([&](std::size_t row) { return texts_[static_cast<std::size_t>(codes[row])]; });
  }
  return buffer;
}

void Clock::report(Issues& issues, std::string_view table, bool no_missing) const {
  if (!no_missing) nulls_.report(issues, name_, "no_time", table);
  bad_.report(issues, name_, column_.type() == Type::string ? "not_a_date" : "date_out_of_range", table);
}

}  // namespace clv_detail
}  // namespace v0
}  // namespace salesops
