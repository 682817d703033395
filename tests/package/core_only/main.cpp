// One date with the headers alone: nothing of the compiled library is linked.
#include "salesops/date.hpp"

int main() {
  using namespace salesops;
  const Date closed = Date::from_ymd(2024, 1, 31);
  const bool month_end = closed.add_months(1) == Date::from_ymd(2024, 2, 29);
  return month_end ? 0 : 1;
}
