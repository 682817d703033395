#include "salesops/date.hpp"

int between(salesops::Date a, salesops::Date b) {
#ifdef SHOULD_FAIL
  return static_cast<int>((a + b).days);
#else
  return (a + 1) - b;
#endif
}
