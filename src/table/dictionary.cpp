#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstring>
#include <limits>
#include <mutex>

#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {

namespace {

using StringIndex = boost::unordered_flat_map<std::string_view, std::int32_t>;

}  // namespace

/// Codes first … last-1 of a dictionary by their text, made when first asked. Keeps the memory it points to.
struct Dictionary::Index {
  Index(SharedArray<char> of_bytes, SharedArray<std::int64_t> of_offsets, std::size_t from)
      : bytes(std::move(of_bytes)), offsets(std::move(of_offsets)), first(from), last(offsets.size() - 1) {}

  std::int32_t find(std::string_view text) {
    std::call_once(once, [this] {
      codes.reserve(last - first);
      for (std::size_t code = first; code < last; ++code) {
        tick(code);
        const auto length = static_cast<std::size_t>(offsets[code + 1] - offsets[code]);
        codes.try_emplace({bytes.data() + offsets[code], length}, static_cast<std::int32_t>(code));
      }
    });
    const auto found = codes.find(text);
    return found == codes.end() ? -1 : found->second;
  }

  SharedArray<char> bytes;
  SharedArray<std::int64_t> offsets;
  std::size_t first, last;
  std::once_flag once;
  StringIndex codes;
};

Dictionary::Dictionary() : Dictionary({}, {0}) {}

Dictionary::Dictionary(std::vector<char> bytes, std::vector<std::int64_t> offsets)
    : bytes_(std::move(bytes)) {
  if (offsets.empty()) offsets.push_back(0);
  offsets_ = std::move(offsets);
  index_ = std::make_shared<Index>(bytes_, offsets_, 0);
}

Dictionary::~Dictionary() = default;

std::int32_t Dictionary::find(std::string_view text) const {
  const std::int32_t code = index_->find(text);
  return code < 0 && added_ ? added_->find(text) : code;
}

std::shared_ptr<const Dictionary> Dictionary::with(std::span<const std::string> texts) const {
  // Few added texts have an index of their own; many are worth a new one of all.
  constexpr std::size_t few = 1024, share = 64;
  if (texts.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) - size())
    throw UsageError("a string column holds more than 2^31 distinct values; split the table");
  std::vector<char> bytes;
  std::vector<std::int64_t> offsets;
  for (const std::string& text : texts) {
    bytes.insert(bytes.end(), text.begin(), text.end());
    offsets.push_back(offsets_[size()] + static_cast<std::int64_t>(bytes.size()));
  }
  auto grown = std::make_shared<Dictionary>();
  grown->bytes_ = bytes_.appended(bytes);
  grown->offsets_ = offsets_.appended(offsets);
  const bool all = grown->size() - index_->last > std::max(few, index_->last / share);
  grown->index_ = all ? std::make_shared<Index>(grown->bytes_, grown->offsets_, 0) : index_;
  if (!all) grown->added_ = std::make_shared<Index>(grown->bytes_, grown->offsets_, index_->last);
  return grown;
}

/// Keys of `codes` would dangle when `bytes` grows, so they point into fixed blocks.
struct DictionaryBuilder::State {
  static constexpr std::size_t block_bytes = 1 << 16;
  std::vector<std::unique_ptr<char[]>> blocks;
  std::size_t used = block_bytes;
  StringIndex codes;
  std::vector<std::string_view> strings;

  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > block_bytes / 4) {
      blocks.insert(blocks.begin(), std::make_unique<char[]>(text.size()));
      std::memcpy(blocks.front().get(), text.data(), text.size());
      return {blocks.front().get(), text.size()};
    }
    if (used + text.size() > block_bytes) {
      blocks.push_back(std::make_unique<char[]>(block_bytes));
      used = 0;
    }
    char* at = blocks.back().get() + used;
    std::memcpy(at, text.data(), text.size());
    used += text.size();
    return {at, text.size()};
  }
};

DictionaryBuilder::DictionaryBuilder() : state_(std::make_unique<State>()) {}
DictionaryBuilder::~DictionaryBuilder() = default;
DictionaryBuilder::DictionaryBuilder(DictionaryBuilder&&) noexcept = default;
DictionaryBuilder& DictionaryBuilder::operator=(DictionaryBuilder&&) noexcept = default;

std::int32_t DictionaryBuilder::code(std::string_view text) {
  State& state = *state_;
  const auto found = state.codes.find(text);
  if (found != state.codes.end()) return found->second;
  if (state.strings.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw UsageError("a string column holds more than 2^31 distinct values; split the table");
  const auto code = static_cast<std::int32_t>(state.strings.size());
  const std::string_view kept = state.keep(text);
  state.codes.emplace(kept, code);
  state.strings.push_back(kept);
  return code;
}

std::size_t DictionaryBuilder::size() const noexcept { return state_->strings.size(); }

std::shared_ptr<const Dictionary> DictionaryBuilder::finish() {
  std::vector<std::int64_t> offsets{0};
  offsets.reserve(state_->strings.size() + 1);
  std::int64_t total = 0;
  for (const std::string_view text : state_->strings)
    offsets.push_back(total += static_cast<std::int64_t>(text.size()));
  std::vector<char> bytes;
  bytes.reserve(static_cast<std::size_t>(total));
  for (const std::string_view text : state_->strings) bytes.insert(bytes.end(), text.begin(), text.end());
  state_ = std::make_unique<State>();
  return std::make_shared<const Dictionary>(std::move(bytes), std::move(offsets));
}

}  // namespace v0
}  // namespace salesops
