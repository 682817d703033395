/// @file survival.hpp
/// How long things last, and how likely they end, when some have not ended yet.
///
/// | business question                                            | here                            |
/// |--------------------------------------------------------------|---------------------------------|
/// | what share is still here after 12 months, and how long last they? | survival/curves.hpp        |
/// | do segments last equally long, and by how much not?          | survival/compare.hpp            |
/// | what makes customers leave sooner, all else being equal?     | survival/cox.hpp                |
/// | how much longer does each thing make them stay?              | survival/aft.hpp                |
/// | how likely does it end in the next period?                   | survival/discrete.hpp           |
/// | how many rows does a comparison of two groups take?          | survival/power.hpp              |
#pragma once

#include "salesops/survival/aft.hpp"
#include "salesops/survival/compare.hpp"
#include "salesops/survival/cox.hpp"
#include "salesops/survival/curves.hpp"
#include "salesops/survival/discrete.hpp"
#include "salesops/survival/power.hpp"
