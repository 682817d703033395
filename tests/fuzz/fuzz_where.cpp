#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "salesops/error.hpp"
#include "salesops/kpi.hpp"

namespace {

using namespace salesops;

/// Three deals with a null of each kind, two of them with an account.
Crm book() {
  const auto texts = [](const std::vector<std::optional<std::string>>& values) {
    return Column::of_strings(values);
  };
  return Crm::build(
      {{"opportunity", Table({{"opportunity_id", texts({"a", "b", "c"})},
                              {"account_id", texts({"x", "y", std::nullopt})},
                              {"type", texts({"new", std::nullopt, "renewal"})},
                              {"amount", texts({"10.50", "99", std::nullopt})},
                              {"currency", texts({"EUR", "EUR", "EUR"})},
                              {"close_date", texts({"2026-07-01", std::nullopt, "2026-08-01"})},
                              {"is_deleted", texts({"true", "false", std::nullopt})}})},
       {"account", Table({{"account_id", texts({"x", "y"})}, {"segment", texts({"smb", std::nullopt})}})}});
}

}  // namespace

/// Any text is an expression or refused, and so is its use; text in quotes comes back as it was.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Crm crm = book();
  static constexpr std::array<std::int32_t, 3> rows{0, 1, 2};
  static constexpr std::array<std::int64_t, 3> at{0, 0, 0};
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto expression = kpi::parse_where("type = " + kpi::quoted(text));
  if (expression.literals.size() != 1 || expression.literals.front().text != text) std::abort();
  try {
    const auto chosen = kpi::matches(crm, "opportunity", text, rows, at, TimeZone());
    const auto others = kpi::matches(crm, "opportunity", "not (" + text + "\n)", rows, at, TimeZone());
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (chosen[i] != 0 && others[i] != 0) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
