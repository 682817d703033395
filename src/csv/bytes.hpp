/// @file bytes.hpp
/// A file's text in memory, decompressed.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "salesops/csv.hpp"

namespace salesops {
inline namespace v0 {
namespace csv::detail {

/// Bytes that grow without being set to zero first.
class Bytes {
 public:
  /// Room for at least `more` bytes behind the last; their number goes to `added` afterwards.
  char* room(std::size_t more);
  void added(std::size_t n) noexcept { size_ += n; }
  void clear() noexcept { size_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* data) const noexcept { std::free(data); }
  };
  std::unique_ptr<char, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

bool is_gzip(std::string_view bytes) noexcept;

/// The text of a file; `progress` of the execution runs from 0 to 1.
Bytes read_file(const std::string& path, const Limits& limits, const Execution& execution);

/// The text of gzip members in memory. `name` is for errors.
Bytes gunzip(std::string_view bytes, const std::string& name, const Limits& limits,
             const Execution& execution);

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
