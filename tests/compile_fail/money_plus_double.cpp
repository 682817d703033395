#include "salesops/money.hpp"

salesops::Money total(salesops::Money amount) {
#ifdef SHOULD_FAIL
  return amount + 1.5;
#else
  return amount + salesops::Money::parse("1.50", amount.currency);
#endif
}
