#include <gtest/gtest.h>

#include "salesops/error.hpp"

using namespace salesops;

namespace {

template <class Thrown>
std::string caught_as_error(const std::string& text) {
  try {
    throw Thrown(text);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Error, OneHandlerCatchesAllThatIsThrownOnPurpose) {
  EXPECT_EQ(caught_as_error<UsageError>("column 'amuont' is not there"), "column 'amuont' is not there");
  EXPECT_EQ(caught_as_error<UnitError>("USD met EUR"), "USD met EUR");
  EXPECT_EQ(caught_as_error<DataError>("row 7 ends inside quotes"), "row 7 ends inside quotes");
  EXPECT_EQ(caught_as_error<Cancelled>("stopped"), "stopped");
}

TEST(Error, KindsStayApart) {
  EXPECT_THROW(throw UnitError("USD met EUR"), UnitError);
  EXPECT_FALSE((std::is_base_of_v<UsageError, UnitError>));
  EXPECT_FALSE((std::is_base_of_v<UsageError, DataError>));
  EXPECT_TRUE((std::is_base_of_v<std::runtime_error, Error>));
}

}  // namespace
