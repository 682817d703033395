/// @file pipeline.hpp
/// What the open deals, and those yet to come, will book.
///
/// | question                                              | here                                |
/// |-------------------------------------------------------|-------------------------------------|
/// | how much will be booked in the quarter, how sure      | `pipeline::forecast` (forecast.hpp) |
/// | how good was that in past quarters                    | `pipeline::backtest` (backtest.hpp) |
/// | why the pipeline is not what it was last week         | `pipeline::waterfall` (waterfall.hpp) |
/// | which quotas count, and how much of them in a period  | `pipeline::quotas_in_force` (quotas.hpp) |
#pragma once

#include "salesops/pipeline/backtest.hpp"
#include "salesops/pipeline/forecast.hpp"
#include "salesops/pipeline/quotas.hpp"
#include "salesops/pipeline/waterfall.hpp"
