/// @file subscription.hpp
/// Recurring revenue: what it is, what moved it, what is kept, renewed and contracted.
///
/// | question                                             | here                        |
/// |------------------------------------------------------|-----------------------------|
/// | monthly and annual recurring revenue, by period      | `subscription::movements`   |
/// | what moved it: new, expansion, churn, …, by customer | the same                    |
/// | the same from files or machines one at a time        | `subscription::State`: partial → merge → finish |
#pragma once

#include "salesops/subscription/contracts.hpp"
#include "salesops/subscription/movements.hpp"
#include "salesops/subscription/retention.hpp"
#include "salesops/subscription/terms.hpp"
