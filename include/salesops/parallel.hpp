/// @file parallel.hpp
/// Blocks of work on several threads, with progress and a way to stop.
///
/// Work is cut into blocks whose bounds depend on the data alone, never on the number of threads, so
/// a result put together in block order is the same for any `threads`. No thread outlives a call.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {

/// How a long call runs; a field of every `Options` that can take long.
struct Execution {
  int threads = 0;                            ///< 0 = `default_threads()`
  std::stop_token stop = {};                  ///< asked between blocks; when set the call throws `Cancelled`
  std::function<void(double)> progress = {};  ///< share done, 0 to 1, rising; from the calling thread only
};

/// The CPUs this process may use; the environment variable `SALESOPS_THREADS` overrides it.
int default_threads();

/// Calls `work(block)` once for each block 0 … blocks-1, from several threads. The first exception
/// stops the rest and is thrown here. Throws `Cancelled` when `execution.stop` was set before the end.
void for_blocks(std::size_t blocks, const Execution& execution, const std::function<void(std::size_t)>& work);

/// Calls `work(first, last)` on consecutive row ranges of at most `block_rows` rows.
void for_rows(std::size_t rows, std::size_t block_rows, const Execution& execution,
              const std::function<void(std::size_t first, std::size_t last)>& work);

}  // namespace v0
}  // namespace salesops
