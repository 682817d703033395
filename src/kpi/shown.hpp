/// Texts of callers in errors.
#pragma once

#include <string>
#include <string_view>

namespace salesops {
inline namespace v0 {
namespace kpi {

/// As much of a text as people read, cut between characters.
inline std::string shown(std::string_view text) {
  constexpr std::size_t most = 60;
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
