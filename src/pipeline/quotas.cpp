#include "salesops/pipeline/quotas.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "holders.hpp"
#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

using pipeline_detail::date_at, pipeline_detail::text_at;

std::int64_t Quota::of_days(Date first, Date last) const noexcept {
  const Date begin = std::max(first, from), until = std::min(last, to);
  if (begin >= until) return 0;
  // What is due by a day, rounded; differences of it add up.
  const std::int64_t days = end - start;
  const auto due = [&](Date day) {
    return static_cast<std::int64_t>((static_cast<int128>(amount) * (day - start) * 2 + days) / (2 * days));
  };
  return due(until) - due(begin);
}

namespace {

/// Quotas of one holder and product family, of which the shorter ones take their days first.
void share_days(std::vector<Quota>& quotas, std::vector<Quota>& result) {
  std::sort(quotas.begin(), quotas.end(), [](const Quota& a, const Quota& b) {
    return std::tuple(a.end - a.start, b.start) < std::tuple(b.end - b.start, a.start);
  });
  const auto first = result.size();
  std::map<Date, Date> taken;  // apart from each other
  for (const Quota& quota : quotas) {
    auto next = taken.upper_bound(quota.start);
    if (next != taken.begin() && std::prev(next)->second > quota.start) --next;
    Date at = quota.start, until = quota.end;
    const Date begin = next == taken.end() ? at : std::min(at, next->first);
    while (at < quota.end) {
      Quota part = quota;
      part.from = at;
      part.to = next == taken.end() ? quota.end : std::min(quota.end, next->first);
      if (part.from < part.to) result.push_back(part);
      if (next == taken.end() || next->first >= quota.end) break;
      at = next->second;
      until = std::max(until, at);
      next = taken.erase(next);
    }
    taken[begin] = until;
  }
  std::sort(result.begin() + static_cast<std::ptrdiff_t>(first), result.end(),
            [](const Quota& a, const Quota& b) { return a.from < b.from; });
}

/// Without regard to capitals; `b` has none.
bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return x == y || x + ('a' - 'A') == y; });
}

/// Whether the book has the rep or team; one without such a table can't tell.
bool known(const Crm& crm, const Holder& holder) {
  if (holder.type != "rep" && holder.type != "team") return true;
  return !crm.has(holder.type, holder.type + "_id") || crm.row_of(holder.type, holder.id) >= 0;
}

/// Quotas of [first, last) whose holders have more than 0 there, by type of holder.
std::map<std::string, std::vector<Quota>> by_type(const std::vector<Quota>& quotas, Date first, Date last) {
  std::set<Holder> with;
  for (const Quota& quota : quotas)
    if (quota.of_days(first, last) > 0) with.insert(quota.holder);
  std::map<std::string, std::vector<Quota>> result;
  for (const Quota& quota : quotas)
    if (quota.from < last && first < quota.to && with.contains(quota.holder))
      result[quota.holder.type].push_back(quota);
  return result;
}

struct Version {
  Quota quota;
  double number = 0;
  friend bool operator<(const Version& a, const Version& b) {
    return std::tuple(a.number, a.quota.amount) < std::tuple(b.number, b.quota.amount);
  }
};

}  // namespace

Quotas quotas_in_force(const Crm& crm, const QuotaOptions& options) {
  Quotas result;
  const bool wins = options.measure == Measure::wins;
  const char* amount_name = wins ? "quantity" : "amount";
  for (const char* name : {amount_name, "period_start", "period_end"})
    if (!crm.has("quota", name)) return result;
  const Table& table = crm.table("quota");
  const Column& amounts = table.column(amount_name);
  const auto column = [&](const char* name) { return table.find(name); };
  const Column *measure = column("measure"), *currency = column("currency"), *version = column("version"),
               *type = column("holder_type"), *id = column("holder_id"), *family = column("product_family"),
               *start = column("period_start"), *end = column("period_end"), *from = column("valid_from"),
               *to = column("valid_to");
  const auto unknown = [](const std::string& code) { return code.empty() || code == "XXX"; };
  std::string seen = unknown(options.currency) ? "" : options.currency;
  using Key = std::tuple<Holder, std::string, Date, Date>;
  std::map<Key, Version> versions;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    tick(row);
    const auto begins = date_at(start, row), ends = date_at(end, row);
    if (amounts.is_null(row) || !begins || !ends || *ends <= *begins) {
      ++result.excluded[amounts.is_null(row) ? "null_amount" : "no_period"];
      continue;
    }
    const std::string measured = text_at(measure, row);
    const bool is_wins = same_word(measured, "wins");
    if (!is_wins && !measured.empty() && !same_word(measured, "bookings"))
      ++result.excluded["unknown_measure"];
    if (wins ? !is_wins : !measured.empty() && !same_word(measured, "bookings")) continue;
    if (date_at(from, row).value_or(first_date.days) > options.day.days ||
        date_at(to, row).value_or(last_date.days) <= options.day.days)
      continue;
    Version read;
    Quota& quota = read.quota;
    quota.row = row;
    quota.amount = wins ? std::llround(amounts.number(row)) : amounts.values<std::int64_t>()[row];
    if (quota.amount < 0) {
      ++result.excluded["negative_amount"];
      continue;
    }
    if (const std::string said = text_at(currency, row); !wins && !unknown(said)) {
      if (seen.empty()) seen = said;
      if (said != seen && unknown(options.currency))
        throw UnitError("quotas in " + seen + " and " + said +
                        " can't be added; convert the book with crm.in_currency(\"" + seen + "\")");
      if (said != seen) {
        ++result.excluded["other_currency"];
        continue;
      }
    }
    quota.holder = {text_at(type, row), text_at(id, row)};
    if (quota.holder.type.empty()) quota.holder.type = "rep";
    if (quota.holder.type == "company") quota.holder.id.clear();
    if (!known(crm, quota.holder)) {
      ++result.excluded["unknown_holder"];
      continue;
    }
    quota.product_family = text_at(family, row);
    quota.start = Date{*begins};
    quota.end = Date{*ends};
    read.number = version == nullptr || version->is_null(row) ? 0 : version->number(row);
    const auto [place, fresh] =
        versions.try_emplace({quota.holder, quota.product_family, quota.start, quota.end}, read);
    if (fresh) continue;
    const Version& other = place->second;
    if (other.number == read.number && other.quota.amount != read.quota.amount)
      ++result.excluded["duplicate"];
    if (other < read) place->second = read;
  }
  std::vector<Quota> together;
  for (auto at = versions.begin(); at != versions.end(); ++at) {
    together.push_back(at->second.quota);
    const auto next = std::next(at);
    if (next != versions.end() && next->second.quota.holder == together.front().holder &&
        next->second.quota.product_family == together.front().product_family)
      continue;
    share_days(together, result.all);
    together.clear();
  }
  return result;
}

std::vector<std::string> Quotas::warnings() const {
  static const std::map<std::string, std::string> words = {
      {"null_amount", "without an amount"},
      {"negative_amount", "with a negative amount"},
      {"no_period", "without a period that ends after it starts"},
      {"unknown_measure", "of a measure that is neither bookings nor wins"},
      {"other_currency", "in other currencies"},
      {"unknown_holder", "of reps or teams that the book lacks"},
      {"duplicate", "of the same version with a smaller amount"}};
  std::vector<std::string> result;
  for (const auto& [reason, rows] : excluded)
    result.push_back(std::to_string(rows) + (rows == 1 ? " quota " : " quotas ") + words.at(reason) +
                     (rows == 1 ? " is" : " are") + " left out" +
                     (reason == "other_currency" ? "; convert the book with crm.in_currency(…)" : ""));
  return result;
}

std::vector<Quota> quotas_of_members(const Crm& crm, const std::vector<Quota>& quotas, Date first,
                                     Date last) {
  auto of = by_type(quotas, first, last);
  if (auto& teams = of["team"]; !teams.empty()) {
    std::set<std::string> with;
    for (const Quota& quota : teams) with.insert(quota.holder.id);
    const auto parents = pipeline_detail::team_parents(crm);
    std::erase_if(teams, [&](const Quota& quota) {
      if (pipeline_detail::in_circle(parents, quota.holder.id)) return false;
      for (auto up = parents.find(quota.holder.id); up != parents.end(); up = parents.find(up->second))
        if (with.contains(up->second)) return true;
      return false;
    });
  }
  for (const char* type : {"rep", "team", "territory"})
    if (!of[type].empty()) return of[type];
  return {};
}

std::vector<Quota> quotas_of_teams(const std::vector<Quota>& quotas, Date first, Date last) {
  return by_type(quotas, first, last)["team"];
}

std::vector<Quota> quotas_of_company(const Crm& crm, const std::vector<Quota>& quotas, Date first,
                                     Date last) {
  auto of = by_type(quotas, first, last);
  return of["company"].empty() ? quotas_of_members(crm, quotas, first, last) : std::move(of["company"]);
}

std::int64_t sum_of_quotas(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw UsageError("pipeline: the sum of quota.amount leaves the range of 64-bit minor units");
  return sum;
}

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
