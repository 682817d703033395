/// @file pipeline.hpp
/// What the open deals, and those yet to come, will book.
///
/// | question                                              | here                                |
/// |-------------------------------------------------------|-------------------------------------|
/// | how much will be booked in the quarter, how sure      | `pipeline::forecast` (forecast.hpp) |
/// | how good was that in past quarters                    | `pipeline::backtest` (backtest.hpp) |
#pragma once

#include "salesops/pipeline/backtest.hpp"
#include "salesops/pipeline/forecast.hpp"
