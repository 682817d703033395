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
