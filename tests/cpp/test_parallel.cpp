#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "salesops/parallel.hpp"

using namespace salesops;

TEST(Parallel, VisitsEachRowOnceForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 7}) {
    std::vector<int> seen(10'001, 0);
    for_rows(seen.size(), 97, Execution{.threads = threads, .stop = {}, .progress = {}},
             [&](std::size_t first, std::size_t last) {
               for (std::size_t row = first; row < last; ++row) ++seen[row];
             });
    for (const int n : seen) ASSERT_EQ(n, 1);
  }
}

TEST(Parallel, ThrowsTheWorkersException) {
  EXPECT_THROW(for_blocks(100, Execution{},
                          [](std::size_t block) {
                            if (block == 42) throw DataError("no");
                          }),
               DataError);
}

TEST(Parallel, StopsWhenAsked) {
  std::stop_source source;
  std::atomic<int> n{0};
  EXPECT_THROW(for_blocks(1'000'000, Execution{.threads = 2, .stop = source.get_token(), .progress = {}},
                          [&](std::size_t) {
                            if (++n == 10) source.request_stop();
                          }),
               Cancelled);
  EXPECT_LT(n.load(), 1000);
}

TEST(Parallel, NothingToDoIsDone) {
  EXPECT_NO_THROW(for_blocks(0, Execution{}, [](std::size_t) { FAIL(); }));
}

TEST(Parallel, LoopsOnOneThreadAskTheScopeAroundThem) {
  EXPECT_NO_THROW(ask_stop());
  std::stop_source source;
  {
    const StopScope scope(source.get_token());
    EXPECT_NO_THROW(ask_stop());
    source.request_stop();
    EXPECT_THROW(ask_stop(), Cancelled);
    // A call inside that nobody can stop by itself stops with it, on every thread.
    EXPECT_THROW(for_blocks(100, Execution{}, [](std::size_t) { FAIL(); }), Cancelled);
    std::stop_source own;
    const StopScope inner(own.get_token());
    EXPECT_NO_THROW(ask_stop());
  }
  EXPECT_NO_THROW(ask_stop());
  std::size_t steps = 0;
  std::stop_source later;
  const StopScope scope(later.get_token());
  later.request_stop();
  EXPECT_THROW(for (;; ++steps) tick(steps), Cancelled);
  EXPECT_LT(steps, 5000U);
}

TEST(Parallel, PartsAndStepsReportTheirShare) {
  std::vector<double> shares;
  const Execution whole{.threads = 1, .stop = {}, .progress = [&](double share) { shares.push_back(share); }};
  const Execution half = part_of(whole, 0, 0.5), rest = part_of(whole, 0.5, 1);
  Steps steps(half, 2);
  steps.done();
  steps.done();
  for_blocks(2, rest, [](std::size_t) {});
  EXPECT_EQ(shares, (std::vector<double>{0.25, 0.5, 0.75, 1}));
}
