#include "salesops/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace salesops {
inline namespace v0 {

Execution part_of(const Execution& execution, double from, double to) {
  Execution part = execution;
  if (execution.progress)
    part.progress = [report = execution.progress, from, to](double share) {
      report(from + (to - from) * share);
    };
  return part;
}

namespace {

thread_local const std::stop_token* asked = nullptr;
thread_local bool within_threads = false;
/// Marks this thread as one of several, for as long as the object lives.
class Within {
 public:
  explicit Within(bool several) : outer_(std::exchange(within_threads, within_threads || several)) {}
  ~Within() { within_threads = outer_; }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  bool outer_;
};

constexpr const char* stopped = "the call was stopped; nothing was changed";

/// A call that nobody can stop by itself stops with the call around it.
std::stop_token in_charge(const std::stop_token& stop) {
  return !stop.stop_possible() && asked != nullptr ? *asked : stop;
}

}  // namespace

StopScope::StopScope(const std::stop_token& stop) : stop_(in_charge(stop)), outer_(asked) { asked = &stop_; }
StopScope::~StopScope() { asked = outer_; }

void ask_stop() {
  if (asked != nullptr && asked->stop_requested()) throw Cancelled(stopped);
}

int default_threads() {
  if (const char* text = std::getenv("SALESOPS_THREADS")) {
    const long threads = std::strtol(text, nullptr, 10);
    if (threads >= 1 && threads <= 1024) return static_cast<int>(threads);
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void for_blocks(std::size_t blocks, const Execution& execution,
                const std::function<void(std::size_t)>& work) {
  // Work on several threads already fills the processor: what it splits in turn stays on its thread.
  const auto wanted = within_threads ? 1
                                     : static_cast<std::size_t>(execution.threads > 0 ? execution.threads
                                                                                      : default_threads());
  const std::size_t threads = std::min(wanted, std::max<std::size_t>(blocks, 1));
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> done{0};
  std::atomic<bool> failed{false};
  std::size_t told = 0;
  std::exception_ptr failure;
  std::mutex guard;

  const std::stop_token stop = in_charge(execution.stop);

  const auto worker = [&](bool caller) {
    const StopScope scope(stop);
    const Within within(threads > 1);
    while (!failed.load(std::memory_order_relaxed) && !stop.stop_requested()) {
      const std::size_t block = next.fetch_add(1, std::memory_order_relaxed);
      if (block >= blocks) return;
      try {
        work(block);
        const std::size_t finished = done.fetch_add(1, std::memory_order_relaxed) + 1;
        if (caller && execution.progress) {
          told = finished;
          execution.progress(static_cast<double>(finished) / static_cast<double>(blocks));
        }
      } catch (...) {
        const std::lock_guard lock(guard);
        if (!failure) failure = std::current_exception();
        failed.store(true, std::memory_order_relaxed);
      }
    }
  };

  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 1; i < threads; ++i) pool.emplace_back([&] { worker(false); });
    worker(true);
  }
  if (failure) std::rethrow_exception(failure);
  if (done.load() < blocks) throw Cancelled(stopped);
  if (execution.progress && told < blocks) execution.progress(1);
}

void for_rows(std::size_t rows, std::size_t block_rows, const Execution& execution,
              const std::function<void(std::size_t, std::size_t)>& work) {
  if (block_rows == 0) throw UsageError("for_rows: block_rows must be at least 1");
  for_blocks((rows + block_rows - 1) / block_rows, execution, [&](std::size_t block) {
    const std::size_t first = block * block_rows;
    work(first, std::min(rows, first + block_rows));
  });
}

}  // namespace v0
}  // namespace salesops
