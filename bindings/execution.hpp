/// @file execution.hpp
/// Long calls from Python: the GIL is free, Ctrl-C works, progress is shown.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>

#include "salesops/parallel.hpp"

namespace salesops_bindings {

/// Runs `work(execution)` on a thread of its own while the calling one waits without the GIL. Every 50 ms
/// it asks Python for signals and calls `progress(share)` if there is one. An exception of either (such as
/// KeyboardInterrupt) sets the stop token, and is raised once the work has ended. Loops that ask by `tick`
/// stop whether or not `work` hands the execution on.
inline void run_interruptible(int threads, const pybind11::object& progress,
                              const std::function<void(const salesops::Execution&)>& work) {
  std::stop_source stop;
  std::atomic<double> share{0};
  const salesops::Execution execution{
      .threads = threads, .stop = stop.get_token(), .progress = [&](double now) {
        share.store(std::max(now, share.load(std::memory_order_relaxed)), std::memory_order_relaxed);
      }};
  std::mutex guard;
  std::condition_variable ended;
  bool done = false;
  std::exception_ptr failure;
  std::optional<pybind11::error_already_set> interrupt;
  {
    const pybind11::gil_scoped_release release;
    std::jthread worker([&] {
      try {
        const salesops::StopScope scope(execution.stop);
        work(execution);
      } catch (...) {
        failure = std::current_exception();
      }
      const std::lock_guard lock(guard);
      done = true;
      ended.notify_one();
    });
    std::unique_lock lock(guard);
    while (!ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return done; })) {
      if (interrupt) continue;
      lock.unlock();
      const pybind11::gil_scoped_acquire acquire;
      try {
        if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
        if (!progress.is_none()) progress(share.load(std::memory_order_relaxed));
      } catch (pybind11::error_already_set& error) {
        interrupt.emplace(error);
        stop.request_stop();
      }
      lock.lock();
    }
  }
  if (interrupt) throw pybind11::error_already_set(*interrupt);
  if (failure) std::rethrow_exception(failure);
  if (!progress.is_none()) progress(1.0);
}

/// The answer of `work(execution)`, run as above.
template <class Work>
auto interruptible(int threads, const pybind11::object& progress, const Work& work) {
  std::optional<std::invoke_result_t<Work, const salesops::Execution&>> answer;
  run_interruptible(threads, progress,
                    [&](const salesops::Execution& execution) { answer.emplace(work(execution)); });
  return std::move(*answer);
}

}  // namespace salesops_bindings
