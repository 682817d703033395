/// @file parallel.hpp
/// Blocks of work on several threads, with progress and a way to stop.
///
/// Work is cut into blocks whose bounds depend on the data alone, never on the number of threads, so
/// a result put together in block order is the same for any `threads`. No thread outlives a call.
///
/// Long loops on one thread ask too: `tick(row)` every few thousand rows, of the stop token that a
/// `StopScope` around them holds. Every call that takes an `Execution` opens one, and so does any host
/// around calls that don't.
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

/// How a part of a call runs: its progress 0 … 1 is `from` … `to` of the call's.
Execution part_of(const Execution& execution, double from, double to);

/// Lets `tick` on this thread ask `stop`, for as long as the object lives. A token that can't be stopped
/// leaves the one of the scope around it in charge.
class StopScope {
 public:
  explicit StopScope(const std::stop_token& stop);
  ~StopScope();
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;

 private:
  std::stop_token stop_;
  const std::stop_token* outer_;
};

/// Throws `Cancelled` when the scope's call was stopped.
void ask_stop();
/// `ask_stop` in every 4096th step.
inline void tick(std::size_t step) {
  if ((step & 4095U) == 4095U) ask_stop();
}

/// Progress of a call that does `total` things in turn, and a question after each whether to stop.
class Steps {
 public:
  Steps(const Execution& execution, std::size_t total) : execution_(execution), total_(total) {}
  void done() {
    ask_stop();
    if (++done_ <= total_ && execution_.progress)
      execution_.progress(static_cast<double>(done_) / static_cast<double>(total_));
  }

 private:
  const Execution& execution_;
  std::size_t total_, done_ = 0;
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
