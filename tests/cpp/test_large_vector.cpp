#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "salesops/large_vector.hpp"

using namespace salesops;

TEST(LargeVector, IsAVectorOfAnySize) {
  const std::size_t edge = detail::large_bytes / sizeof(double);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, edge - 1, edge, edge + 1, 3 * edge}) {
    LargeVector<double> values(size);
    std::iota(values.begin(), values.end(), 0.0);
    const LargeVector<double> copy = values;
    values.push_back(-1);
    values.pop_back();
    EXPECT_EQ(values, copy);
    LargeVector<double> moved = std::move(values);
    moved.resize(size / 2);
    moved.shrink_to_fit();
    EXPECT_TRUE(std::equal(moved.begin(), moved.end(), copy.begin()));
  }
}

TEST(LargeVector, LargeMemoryBeginsWithAPage) {
  const LargeVector<double> values(detail::large_bytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(values.data()) % (std::uintptr_t{1} << 21), 0U);
}

TEST(LargeVector, FillsWhereAValueIsGiven) {
  const LargeVector<std::int64_t> values(detail::large_bytes, 7);
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), std::int64_t{0}),
            7 * static_cast<std::int64_t>(values.size()));
}

TEST(LargeVector, MoreThanThereIsIsRefused) {
  EXPECT_THROW(LargeVector<double>(~std::size_t{0} / 8), std::length_error);
}
