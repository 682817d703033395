#include <gtest/gtest.h>

#include "salesops/issues.hpp"

using namespace salesops;

TEST(Issues, CountsAllAndKeepsSome) {
  Issues issues(IssueOptions{.max_rows = 2, .keep_values = true});
  for (int row = 0; row < 5; ++row) issues.add("opportunity", row, "amount", "not_a_number", "x");
  EXPECT_EQ(issues.total(), 5);
  EXPECT_EQ(issues.rows().size(), 2U);
  EXPECT_EQ(issues.count("not_a_number"), 5);
  EXPECT_EQ(issues.summary().column("n").values<std::int64_t>()[0], 5);
}

TEST(Issues, MergingTwiceTheSameDoublesTheCounts) {
  Issues one;
  one.add("lead", 3, "email", "duplicate_key");
  one.add_many("lead", 7, "email", "duplicate_key", 9);
  Issues two = one;
  two.merge(one);
  EXPECT_EQ(two.total(), 20);
  EXPECT_EQ(two.count("lead", "email", "duplicate_key"), 20);
  EXPECT_EQ(two.rows().size(), 4U);
}

TEST(Issues, CutsLongValuesAtACharacter) {
  Issues issues;
  std::string text(79, 'a');
  text.append("é");
  issues.add("t", 0, "c", "r", text);
  EXPECT_EQ(issues.rows()[0].value, std::string(79, 'a'));
}
