// Rows of a table, cell by cell: what each says, or why it says nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../clv/clock.hpp"
#include "numbers.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription_detail {

using subscription::Billing;
using subscription::Columns;
using subscription::State;

/// What was wrong with a row, in the order in which it is asked.
enum class Flaw : std::uint8_t {
  none,
  no_time,
  not_a_date,
  no_amount,
  not_an_amount,
  not_a_quantity,
  not_a_discount,
  unknown_interval,
  not_a_count,
  unknown_currency,
  no_end,
  ended_before_start,
  no_days,
  too_large,
  negative_quantity,
  negative_amount,
  free,
  kinds
};

/// Counts of flaws and the first row of each, put together over the blocks.
struct Flaws {
  static constexpr auto kinds = static_cast<std::size_t>(Flaw::kinds);
  std::array<std::int64_t, kinds> n{};
  std::array<std::size_t, kinds> first{};

  void add(Flaw flaw, std::size_t row) {
    const auto k = static_cast<std::size_t>(flaw);
    if (n[k]++ == 0) first[k] = row;
  }
  void merge(const Flaws& other) {
    for (std::size_t k = 0; k < kinds; ++k) {
      if (other.n[k] == 0) continue;
      first[k] = n[k] == 0 ? other.first[k] : std::min(first[k], other.first[k]);
      n[k] += other.n[k];
    }
  }
};

/// Columns of whole numbers, text, or floats that hold whole numbers, as identities within the table.
struct Identities {
  bool given = false;
  std::shared_ptr<const Dictionary> names;
  std::vector<std::int64_t> codes;  ///< of the rows; `no_name` for a null

  Identities(const Table& table, const std::string& name);
};

/// A column that may be missing, with blank texts as nulls; one without any value is.
[[nodiscard]] std::optional<Column> optional_column(const Table& table, const std::string& name);

/// Instants of a column that may be missing.
class Times {
 public:
  Times(std::optional<Column> column, const std::string& name, const Columns& columns,
        const Execution& execution)
      : column_(std::move(column)) {
    if (column_) clock_.emplace(*column_, name, columns.zone, execution);
  }
  Times(const Times&) = delete;
  Times& operator=(const Times&) = delete;

  [[nodiscard]] std::span<const std::int64_t> block(std::size_t first, std::size_t last,
                                                    std::vector<std::int64_t>& buffer) {
    return clock_ ? clock_->block(first, last, buffer) : std::span<const std::int64_t>{};
  }
  /// There is a time, though none that could be read.
  [[nodiscard]] bool is_said(std::size_t row) const { return column_ && column_->valid(row); }
  void report(Issues& issues, bool may_miss) const {
    if (clock_) clock_->report(issues, table_name, may_miss);
  }
  [[nodiscard]] const clv_detail::Clock& clock() const { return *clock_; }

 private:
  std::optional<Column> column_;
  std::optional<clv_detail::Clock> clock_;
};

/// The currencies of the rows, each a code of ISO 4217.
class Currencies {
 public:
  Currencies(const Table& table, const Columns& columns, const Column& amount);
  /// Place in `names`; −1 for a row without a currency.
  [[nodiscard]] std::int32_t of(std::size_t row) const {
    if (!column_) return 0;
    if (column_->is_null(row)) return -1;
    return of_code_[static_cast<std::size_t>(column_->values<std::int32_t>()[row])];
  }
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] int digits(std::int32_t place) const { return digits_[static_cast<std::size_t>(place)]; }

 private:
  std::int32_t place(std::string_view text);

  std::vector<std::string> names_;
  std::vector<int> digits_;
  std::optional<Column> column_;       ///< of codes; without, all rows have the first
  std::vector<std::int32_t> of_code_;  ///< by dictionary code
};

/// What a row's amount is read as.
enum class Reading : std::uint8_t {
  monthly,    ///< what it brings a month
  contracted  ///< what it brings from its start to its end
};

/// Years as contracts count them.
using subscription::Convention;

class Reader {
 public:
  Reader(const Table& table, const Columns& columns, const Execution& execution,
         Reading reading = Reading::monthly, Convention convention = Convention::months);

  void read(std::size_t first, std::size_t last, Spell* out, Flaw* flaws);
  void report(State::Data& data, const Flaws& flaws) const;
  void describe(State::Data& data) const;
  [[nodiscard]] const Currencies& currencies() const noexcept { return currencies_; }

 private:
  [[nodiscard]] Date day(std::int64_t at) const { return columns_.zone.local_date(Instant{at}); }
  Flaw row(std::size_t row, std::int64_t start, std::int64_t end, std::int64_t trial, std::int64_t closed,
           Spell& out) const;
  [[nodiscard]] std::int64_t counted_from(std::int64_t start, std::int64_t closed) const;

  const Columns& columns_;
  Reading reading_;
  Convention convention_;
  Times start_, end_, trial_, closed_;
  Numbers price_, quantity_, discount_;
  std::optional<Column> interval_;
  std::vector<std::optional<Billing>> billing_;
  Numbers count_;
  Currencies currencies_;
  Identities subscriptions_, plans_;
};

}  // namespace subscription_detail
}  // namespace v0
}  // namespace salesops
