#include "rates.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace salesops {
inline namespace v0 {
namespace crm_detail {

namespace {

using Wide = boost::multiprecision::int512_t;

constexpr double least_rate = 1e-12, greatest_rate = 1e12;

Factor power_of_ten(int exponent) {
  Factor result;
  for (int i = 0; i < std::abs(exponent); ++i) (exponent > 0 ? result.over : result.under) *= 10;
  return result;
}

/// The shortest decimal that reads back as `rate`.
std::optional<Factor> exact(double rate) {
  if (!(rate >= least_rate && rate <= greatest_rate)) return std::nullopt;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), rate).ptr;
  const auto number = detail::read_decimal({text.data(), static_cast<std::size_t>(end - text.data())});
  return Factor{Wide(number->mantissa), 1} * power_of_ten(number->exponent);
}

}  // namespace

std::string_view rate_kind_name(RateKind kind) noexcept {
  return kind == RateKind::spot ? "spot" : kind == RateKind::budget ? "budget" : "month_avg";
}

std::optional<std::int64_t> product(std::int64_t minor, const Factor& factor) {
  Wide quotient, rest;
  const Wide numerator = factor.over * minor;
  divide_qr(numerator, factor.under, quotient, rest);
  const Wide twice = abs(rest) * 2;
  const bool odd = (quotient & 1) != 0;
  if (twice > factor.under || (twice == factor.under && odd)) quotient += minor < 0 ? -1 : 1;
  if (abs(quotient) > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return quotient.convert_to<std::int64_t>();
}

Rates::Rates(const Table* rates, const ConvertOptions& options, Issues& issues)
    : through_(options.through),
      max_age_(options.max_age.value_or(options.kind == RateKind::budget ? 366 : 31)) {
  if (max_age_ < 0) throw UsageError("in_currency: max_age is a number of days, 0 or more");
  const Column* rate = rates == nullptr ? nullptr : rates->find("rate");
  if (rate == nullptr) return;
  const Column& date = rates->column("date");
  const Column& from = rates->column("from");
  const Column& to = rates->column("to");
  const Column* kind = rates->find("kind");
  const Column* modified = rates->find("source_modified_at");
  for (std::size_t row = 0; row < rates->num_rows(); ++row) {
    const std::string_view said = kind != nullptr && kind->valid(row) ? kind->text(row) : "spot";
    if (said != rate_kind_name(options.kind)) continue;
    if (date.is_null(row) || from.is_null(row) || to.is_null(row) || rate->is_null(row)) continue;
    const auto factor = exact(rate->values<double>()[row]);
    if (!factor) {
      issues.add("fx_rate", static_cast<std::int64_t>(row), "rate", "rate_out_of_range");
      continue;
    }
    Date day{date.values<std::int32_t>()[row]};
    if (options.kind == RateKind::month_avg) day = day + (1 - day.ymd().day);
    entries_[{std::string(from.text(row)), std::string(to.text(row))}].push_back(
        {.day = day.days,
         .modified =
             modified != nullptr && modified->valid(row) ? modified->values<std::int64_t>()[row] : null_value,
         .factor = *factor});
  }
  for (auto& [pair, entries] : entries_) {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.day != b.day ? a.day < b.day : a.modified > b.modified;
    });
    // Of one day the entry modified last stays.
    std::size_t kept = 0;
    for (std::size_t i = 1; i < entries.size(); ++i) {
      if (entries[i].day != entries[kept].day)
        entries[++kept] = entries[i];
      else if (entries[i].modified == entries[kept].modified)
        entries[kept].contradicted |= !(entries[i].factor == entries[kept].factor);
    }
    entries.resize(kept + 1);
  }
}

std::optional<Factor> Rates::latest(std::string_view from, std::string_view to, std::int32_t day) const {
  const auto found = entries_.find({std::string(from), std::string(to)});
  if (found == entries_.end()) return std::nullopt;
  const auto& entries = found->second;
  auto after = std::upper_bound(entries.begin(), entries.end(), day,
                                [](std::int32_t d, const Entry& entry) { return d < entry.day; });
  if (after == entries.begin() || std::int64_t{day} - (--after)->day > max_age_) return std::nullopt;
  if (after->contradicted)
    throw DataError("fx_rate gives two different rates for " + found->first.first + " to " +
                    found->first.second + " on " + Date{after->day}.to_string() +
                    "; keep one of them, or tell the later one by source_modified_at");
  return after->factor;
}

std::optional<Rates::Found> Rates::pair(std::string_view from, std::string_view to, std::int32_t day) const {
  if (const auto direct = latest(from, to, day)) return Found{*direct, Way::direct};
  if (const auto opposite = latest(to, from, day)) return Found{opposite->inverse(), Way::inverse};
  return std::nullopt;
}

std::optional<Rates::Found> Rates::find(std::string_view from, std::string_view to, std::int32_t day) const {
  if (from == to) return Found{};
  if (day == Deals::null_date) return std::nullopt;
  std::optional<Found> found = pair(from, to, day);
  if (!found && !through_.empty() && through_ != from && through_ != to) {
    const auto first = pair(from, through_, day);
    const auto second = first ? pair(through_, to, day) : std::nullopt;
    if (second) found = Found{first->factor * second->factor, Way::through};
  }
  if (found)
    found->factor = found->factor * power_of_ten(money::minor_digits(to) - money::minor_digits(from));
  return found;
}

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
