#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "salesops/shared_array.hpp"

using namespace salesops;

namespace {

std::vector<int> values_of(const SharedArray<int>& array) { return {array.begin(), array.end()}; }

TEST(SharedArray, IsTheVectorWithTheSameChanges) {
  std::mt19937 random(1);
  std::vector<std::pair<SharedArray<int>, std::vector<int>>> versions{{{}, {}}};
  for (int step = 0; step < 2000; ++step) {
    auto [array, vector] = versions[random() % versions.size()];
    std::vector<std::int64_t> rows;
    std::vector<int> values;
    for (std::size_t i = random() % 4; i > 0; --i) {
      rows.push_back(static_cast<std::int64_t>(random() % (vector.size() + 3)));
      values.push_back(static_cast<int>(random() % 3));
    }
    const SharedArray<int> next = array.with(rows, values, -1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto row = static_cast<std::size_t>(rows[i]);
      if (row >= vector.size()) vector.resize(row + 1, -1);
      vector[row] = values[i];
    }
    ASSERT_EQ(values_of(next), vector);
    versions.emplace_back(next, vector);
  }
  for (const auto& [array, vector] : versions) ASSERT_EQ(values_of(array), vector) << "a version changed";
}

TEST(SharedArray, SharesMemoryWhereNothingChanges) {
  const SharedArray<int> array(std::vector<int>{1, 2, 3});
  const std::vector<std::int64_t> row{1};
  EXPECT_EQ(array.with(row, std::vector<int>{2}).data(), array.data());
  EXPECT_NE(array.with(row, std::vector<int>{5}).data(), array.data());
  const SharedArray<int> longer = array.appended(std::vector<int>{4});
  EXPECT_EQ(longer.appended(std::vector<int>{5}).data(), longer.data()) << "spare room is used in place";
  EXPECT_NE(longer.appended(std::vector<int>{6}).data(), longer.data()) << "but once only";
}

TEST(SharedArray, IsReadWhileOthersGrowIt) {
  SharedArray<int> array = SharedArray<int>(std::vector<int>(1000, 7)).appended(std::vector<int>{7});
  const SharedArray<int> old = array;
  long sum = 0;
  {
    std::jthread reader([&] {
      for (int round = 0; round < 200; ++round)
        for (const int value : old) sum += value;
    });
    for (int i = 0; i < 100; ++i) array = array.appended(std::vector<int>{i});
  }
  EXPECT_EQ(sum, 200L * 1001 * 7);
  EXPECT_EQ(array[1001], 0);
  EXPECT_EQ(array[1100], 99);
}

}  // namespace
