/// @file waterfall.hpp
/// Why the open pipeline is not what it was.
///
/// A deal is *in* at an instant when it exists, is open and in scope (owner, expected close date,
/// pipeline). What it did between two instants:
///
/// | at the start | at the end | counted as                                                              |
/// |--------------|------------|-------------------------------------------------------------------------|
/// | in           | in         | `up` or `down` by the change of its amount                              |
/// | in           | out        | `up` or `down`, then out at its amount at the end, into the first that fits
/// of `won`, `lost`, `removed` (deleted, or closed and neither won nor lost), `pushed_out` (due after the
/// window), `pulled_out` (due before it), `moved_out` (another owner or pipeline, or no close date) | | out
/// | in         | into the first that fits of `created`, `reopened` (was closed or deleted), `pulled_in` (was
/// due after the window), `pushed_in` (before it), `moved_in`, at its amount at the end | | out          |
/// out        | the entry and `won` or `lost`, when it came in and was closed in between: it belongs to the
/// scope it was in just before it was closed |
///
/// start + Σ = end exactly, in minor units, for any scope and interval; consecutive waterfalls net to the
/// long one. An amount that isn't known counts as 0 and is said so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/crm.hpp"
#include "salesops/date.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace pipeline {

enum class Movement : std::uint8_t {
  created,
  reopened,
  pulled_in,
  pushed_in,
  moved_in,
  up,
  down,
  won,
  lost,
  removed,
  pushed_out,
  pulled_out,
  moved_out,
};
inline constexpr std::size_t movement_count = 13;
std::string_view movement_name(Movement movement) noexcept;

struct WaterfallOptions {
  std::optional<Date> due_from;     ///< expected close date on or after this day
  std::optional<Date> due_before;   ///< … and before this one
  std::vector<std::string> owners;  ///< ids; empty: all
  std::string pipeline;             ///< id; empty: all
  std::string currency;             ///< only deals of this currency; empty: all, which must share one
  Execution execution = {};
};

struct Waterfall {
  struct Bucket {
    std::int64_t amount = 0;  ///< signed, minor units
    std::int64_t deals = 0;
  };
  Instant start;
  Instant end;
  std::string currency;
  Bucket opening;
  Bucket closing;
  std::vector<Bucket> movements;  ///< by Movement
  /// One row a deal and movement: movement, opportunity_id, amount.
  Table details;
  std::vector<std::string> notes;

  [[nodiscard]] const Bucket& operator[](Movement movement) const {
    return movements[static_cast<std::size_t>(movement)];
  }
  /// One row a step: step (start, the movements, end), amount, deals.
  [[nodiscard]] Table to_table() const;
};

/// Throws `UsageError` when `end` is before `start`, for a window that ends before it starts, or an
/// owner or pipeline nobody has; `UnitError` for amounts of several currencies.
Waterfall waterfall(const Crm& crm, Instant start, Instant end, const WaterfallOptions& options = {});

}  // namespace pipeline
}  // namespace v0
}  // namespace salesops
