#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "salesops/money.hpp"

/// What is read exactly reads back from its own text; rates stay in lowest terms; splits sum up.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salesops;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* code : {"JPY", "EUR", "KWD", "CLF"}) {
    const auto currency = Currency::from(code);
    const auto amount = money::from_text(text, currency);
    if (!amount) continue;
    const Money money{amount->minor, currency};
    if (Money::parse(money.amount_text(), currency) != money) std::abort();
    const std::array<std::int64_t, 3> weights{1, static_cast<std::int64_t>(size), 7};
    std::int64_t sum = 0;
    for (const auto share : money::split(amount->minor, weights)) sum += share;
    if (sum != amount->minor) std::abort();
  }
  if (const auto rate = Rate::parse(text)) {
    if (rate->denominator < 1 || Rate::ratio(rate->numerator, rate->denominator) != *rate) std::abort();
  }
  static_cast<void>(Currency::find(text));
  return 0;
}
