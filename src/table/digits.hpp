// Numbers as people read them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

namespace salesops {
inline namespace v0 {
namespace table_detail {

/// A number with `places` decimals and a comma before every three digits: "-1,234.50".
inline std::string grouped(double value, int places) {
  char text[512];
  std::snprintf(text, sizeof text, "%.*f", places, std::fabs(value));
  std::string digits = text;
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  for (auto at = static_cast<std::ptrdiff_t>(std::min(digits.find('.'), digits.size())) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return (value < 0 && !zero ? "-" : "") + digits;
}

/// The same without zeros at the end: "1.5", "3".
inline std::string trimmed(double value, int places) {
  std::string text = grouped(value, places);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace table_detail
}  // namespace v0
}  // namespace salesops
