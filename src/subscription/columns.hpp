// Columns of the tables that results print.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace subscription {

/// The first `n` days.
inline Column day_column(std::span<const Date> dates, std::size_t n) {
  std::vector<std::int32_t> days;
  for (const Date date : dates.first(n)) days.push_back(date.days);
  return Column::of(Type::date, std::move(days));
}

/// NaN is null.
inline Column share_column(std::span<const double> values) {
  std::vector<std::uint8_t> valid;
  std::vector<double> numbers;
  for (const double value : values) {
    valid.push_back(!std::isnan(value));
    numbers.push_back(std::isnan(value) ? 0 : value);
  }
  return Column::of(Type::float64, std::move(numbers), valid);
}

}  // namespace subscription
}  // namespace v0
}  // namespace salesops
