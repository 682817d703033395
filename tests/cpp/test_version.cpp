#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "salesops/version.hpp"

TEST(Version, IsTheOneInTheFileAtTheTop) {
  std::ifstream file(SALESOPS_SOURCE_DIR "/VERSION");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_EQ(line, salesops::version);
}
