/// @file cohort.hpp
/// Customers by the period they began in: who comes back, what they bring, what is to be expected.
///
/// | question                                                   | here                           |
/// |------------------------------------------------------------|--------------------------------|
/// | what share of each month's new customers is still buying?  | `cohort::retention`            |
/// | how much of their revenue is left, or grew?                | the same, measures nrr, grr, ltv |
/// | the same from files or machines one at a time              | `cohort::State`: partial → merge → finish |
/// | when has a cohort paid for its acquisition?                | `cohort::payback`              |
/// | do segments retain differently, or is it chance?           | `cohort::compare`              |
/// | who is new, returning, back again, gone quiet?             | `cohort::lifecycle`            |
/// | how many contracts of a triangle will be left?             | `cohort::project`              |
#pragma once

#include "salesops/cohort/lifecycle.hpp"
#include "salesops/cohort/retention.hpp"
#include "salesops/cohort/triangle.hpp"
