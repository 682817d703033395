#include "salesops/money.hpp"

salesops::Money commission(salesops::Money amount) {
#ifdef SHOULD_FAIL
  return amount * 0.05;
#else
  return amount.times(salesops::Rate::ratio(5, 100)) * 2;
#endif
}
