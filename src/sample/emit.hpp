/// @file emit.hpp
/// What the book shows of an account, a lead, the company before its end.
#pragma once

#include "account.hpp"
#include "rows.hpp"

namespace salesops {
inline namespace v0 {
namespace sample::detail {

/// Tables of the book, then those of the truth, in the order of `table_specs`.
enum class TableId : std::uint8_t {
  account,
  contact,
  lead,
  opportunity,
  opportunity_event,
  stage_def,
  activity,
  rep,
  rep_assignment,
  team,
  quota,
  transaction,
  subscription,
  subscription_event,
  product,
  spend,
  target,
  fx_rate,
  truth_deals,
  truth_reps,
  truth_stages,
  truth_accounts,
};
inline constexpr std::size_t book_tables = 18;

std::vector<TableSpec> table_specs(const World& world);
std::string label(Space space, std::int64_t number);

inline RowRun& rows(Block& block, TableId table) { return block.tables[static_cast<std::size_t>(table)]; }

void emit_account(const World& world, const Account& account, Block& block);
void emit_money(const World& world, const Account& account, std::int64_t account_code,
                std::span<const std::int64_t> deal_codes, Block& block);
/// The lead that became the account's first deal.
void emit_converted_lead(const World& world, const Account& account, Cell account_code, Cell contact_code,
                         Cell deal_code, Block& block);
/// Lead number `number` of those that never become a deal.
void emit_lead(const World& world, std::int64_t number, Block& block);
/// Reps, teams, quotas, stages, products, spend, targets, exchange rates; `won` is the amount of all deals
/// won in the window, which sizes quotas and spend.
void emit_company(const World& world, std::int64_t won, Block& block);

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
