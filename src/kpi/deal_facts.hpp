/// Pieces that the KPIs of deals share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/kpi/facts.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

/// The mode asked for, `standard` as the first of `allowed`; throws `UsageError` for another.
Mode mode_of(const Options& options, std::string_view name, std::initializer_list<Mode> allowed);

/// The last instant the answer knows.
inline std::int64_t now_of(const Crm& crm, const Options& options) {
  return options.as_of.value_or(crm.latest()).us;
}

/// With "this quarter" where no period is named.
Options with_period(const Options& options);

/// Facts about deals; amounts that can't be added are left out by reason.
struct DealFacts : Facts {
  explicit DealFacts(const Deals& deals, const Options& options);
  /// Adds a fact about a deal; a deleted one is left out, whatever else is known of it.
  void put(std::size_t deal, std::int64_t instant, std::int64_t top, std::int64_t bottom,
           std::uint8_t how = counted) {
    add(deal, instant, top, bottom, deals_.deleted[deal] != 0 ? deleted : how);
  }
  /// `counted`, or the reason an amount is left out.
  [[nodiscard]] std::uint8_t amount_state(std::int64_t amount) const noexcept;
  /// Numerators (and denominators) are amounts: sets scales and unit.
  void in_money(const Crm& crm, const Options& options, bool share);

  std::uint8_t deleted, null_amount, negative_amount;
  bool allow_negative;

 private:
  const Deals& deals_;
};

/// One end of a deal.
struct Close {
  std::size_t deal = 0;
  std::int64_t at = null_value;
  DealStatus status = DealStatus::open;
  std::int64_t amount = null_value;  ///< of that time
};
/// The ends that `Options::reopened` counts, deal by deal. Throws `UsageError` when that needs a history of
/// stages and there is none.
std::vector<Close> closes_of(const Crm& crm, const Options& options, std::string_view kpi);
/// Says how many deals came back from a close, and how they were counted.
void report_reopened(const Crm& crm, const Options& options, Result& result);

/// Currency of the rows that `where` keeps.
std::string currency_of(const Crm& crm, const Facts& facts, const Options& options);

/// The keys of rows of a table.
std::vector<std::string> ids_of(const Crm& crm, const std::string& table, std::span<const std::int64_t> rows);

/// Throws a `UsageError` that says what the column is needed for.
void require(const Crm& crm, std::string_view kpi, std::string_view table, std::string_view column);

/// Puts values (or a detail) of `from` into the details of the same groups of `into`.
void attach(Result& into, const Result& from, const std::string& name, const std::string& detail = {});

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
