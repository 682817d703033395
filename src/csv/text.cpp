#include "text.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "salesops/error.hpp"
#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace csv::detail {

namespace {

struct Sequence {
  std::size_t length;  ///< bytes of the sequence, or of the maximal part of one
  bool valid;
};

/// The UTF-8 sequence at the start of `bytes` (Unicode 15, table 3-7).
Sequence sequence(std::string_view bytes) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= bytes.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

std::uint64_t load8(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

bool is_ascii(std::string_view bytes) noexcept {
  std::uint64_t any = 0;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) any |= load8(bytes.data() + i);
  for (; i < bytes.size(); ++i) any |= static_cast<unsigned char>(bytes[i]);
  return (any & 0x8080808080808080U) == 0;
}

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    if (bytes.size() >= 8 && (load8(bytes.data()) & 0x8080808080808080U) == 0) {
      bytes.remove_prefix(8);
      continue;
    }
    const Sequence next = sequence(bytes);
    if (!next.valid) return false;
    bytes.remove_prefix(next.length);
  }
  return true;
}

std::string mend_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + 8);
  while (!bytes.empty()) {
    const Sequence next = sequence(bytes);
    text += next.valid ? bytes.substr(0, next.length) : std::string_view("\xEF\xBF\xBD");
    bytes.remove_prefix(next.length);
  }
  return text;
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + 8);
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xC0U | (code >> 6)));
      text.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
    }
  }
  return text;
}

bool needs_guard(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of('\'');
  return first != std::string_view::npos &&
         std::string_view("=+-@\t\r\n").find(text[first]) != std::string_view::npos;
}

// ---- Texts ----

std::uint64_t Texts::hash(std::string_view text) const noexcept {
  constexpr std::uint64_t k1 = 0x9E3779B97F4A7C15U;
  constexpr std::uint64_t k2 = 0xD6E8FEB86659FD93U;
  std::uint64_t state = seed_ ^ (text.size() * k1);
  while (text.size() > 8) {
    state = fold(state ^ load8(text.data()), k2 ^ seed_);
    text.remove_prefix(8);
  }
  std::uint64_t last = 0;
  if (!text.empty()) std::memcpy(&last, text.data(), text.size());
  return fold(state ^ last, k1 ^ (seed_ << 1));
}

std::pair<std::int32_t, bool> Texts::code(std::string_view text, std::uint64_t hash) {
  if (texts_.size() * 2 >= slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.code < 0) {
      if (texts_.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
        throw UsageError("a string column holds more than 2^31 distinct values; split the file");
      slot = {tag, static_cast<std::int32_t>(texts_.size())};
      texts_.push_back(text);
      hashes_.push_back(hash);
      return {slot.code, true};
    }
    if (slot.tag == tag && texts_[static_cast<std::size_t>(slot.code)] == text) return {slot.code, false};
  }
}

void Texts::grow() {
  std::vector<Slot> larger(slots_.size() * 4);
  const std::size_t mask = larger.size() - 1;
  for (std::size_t code = 0; code < hashes_.size(); ++code) {
    __builtin_prefetch(&larger[hashes_[std::min(code + 16, hashes_.size() - 1)] & mask], 1);
    std::size_t at = hashes_[code] & mask;
    while (larger[at].code >= 0) at = (at + 1) & mask;
    larger[at] = {static_cast<std::uint32_t>(hashes_[code] >> 32), static_cast<std::int32_t>(code)};
  }
  slots_ = std::move(larger);
}

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
