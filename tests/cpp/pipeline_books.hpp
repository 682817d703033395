// Books and words that the tests of the pipeline share.
#pragma once

#include <string>
#include <vector>

#include "salesops/pipeline.hpp"
#include "salesops/sample.hpp"

namespace salesops {

inline const Holder company{"company", ""};

inline Instant day(int year, int month, int day_of_month) {
  return at_midnight_utc(Date::from_ymd(year, month, day_of_month));
}

inline Column texts(std::vector<std::string> values) { return Column::of_strings(values); }

inline const Crm& sample_book() {
  static const Crm crm = [] {
    sample::SampleOptions options;
    options.deals = 2000;
    options.reps = 10;
    return Crm::build(sample::crm(options).tables);
  }();
  return crm;
}

}  // namespace salesops
