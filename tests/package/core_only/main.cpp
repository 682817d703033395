// One date, one deal's amount and its split with the headers alone: nothing of the compiled library is
// linked.
#include <cmath>

#include "salesops/date.hpp"
#include "salesops/money.hpp"
#include "salesops/special.hpp"

int main() {
  using namespace salesops;
  const Date signed_on = Date::from_ymd(2024, 1, 31);
  if (signed_on.add_months(1) != Date::from_ymd(2024, 2, 29)) return 1;

  const Money price = Money::parse("1999.99", Currency::from("USD"));
  if (price.times(Rate::ratio(1, 8)).to_string() != "250.00 USD") return 2;
  const auto shares = money::split(price.minor, std::size_t{3});
  if (shares[0] + shares[1] + shares[2] != price.minor) return 3;

  return std::isfinite(special::digamma(2.5)) ? 0 : 4;
}
