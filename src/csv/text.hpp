/// @file text.hpp
/// A field's text: UTF-8 checked and mended, and distinct texts under codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace salesops {
inline namespace v0 {
namespace csv::detail {

bool is_ascii(std::string_view bytes) noexcept;
bool is_utf8(std::string_view bytes) noexcept;
/// With each maximal part that is no UTF-8 replaced by U+FFFD (Unicode 15, section 3.9).
std::string mend_utf8(std::string_view bytes);
std::string latin1_to_utf8(std::string_view bytes);

/// A text that spreadsheets run as a formula, behind any number of apostrophes.
bool needs_guard(std::string_view text) noexcept;

/// Distinct texts in order of first sight. Holds views only: the caller keeps the bytes alive. The hash
/// is seeded, so no input can be made to collide on purpose.
class Texts {
 public:
  explicit Texts(std::uint64_t seed) : seed_(seed), slots_(512) {}

  [[nodiscard]] std::uint64_t hash(std::string_view text) const noexcept;
  /// The code of `text`, and whether it is new.
  std::pair<std::int32_t, bool> code(std::string_view text, std::uint64_t hash);
  std::pair<std::int32_t, bool> code(std::string_view text) { return code(text, hash(text)); }
  /// Has the memory that `code` will look at fetched, some texts ahead.
  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }
  /// Points the newest text at bytes that live longer.
  void keep_newest(std::string_view text) noexcept { texts_.back() = text; }

  [[nodiscard]] const std::vector<std::string_view>& texts() const noexcept { return texts_; }
  [[nodiscard]] const std::vector<std::uint64_t>& hashes() const noexcept { return hashes_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t code = -1;
  };
  void grow();

  std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::vector<std::string_view> texts_;
  std::vector<std::uint64_t> hashes_;
};

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
