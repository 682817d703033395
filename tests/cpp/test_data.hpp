#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

/// Folder of real data sets, or nothing: tests that need it skip, or fail where it is required.
inline std::filesystem::path test_data() {
  const char* folder = std::getenv("SALESOPS_DATA");
  if (folder != nullptr && std::filesystem::is_directory(folder)) return folder;
  const char* required = std::getenv("SALESOPS_REQUIRE_DATA");
  if (required != nullptr && std::string(required) == "1")
    ADD_FAILURE() << "SALESOPS_REQUIRE_DATA=1 but SALESOPS_DATA names no folder";
  return {};
}
