#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "columns.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

namespace {

std::uint64_t stir(std::uint64_t value) noexcept {
  const auto product = static_cast<uint128>(value) * 0x9E37'79B9'7F4A'7C15U;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Words of eight bytes; the last may overlap the one before, so no byte is read alone.
std::uint64_t hash_of(std::string_view text) noexcept {
  const std::size_t size = text.size();
  const char* at = text.data();
  std::uint64_t hash = stir(size + 1);
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8) hash = stir(hash ^ load<std::uint64_t>(at + i, 0));
    return stir(hash ^ load<std::uint64_t>(at + size - 8, 0));
  }
  if (size >= 4) {
    const std::uint64_t ends = std::uint64_t{load<std::uint32_t>(at, 0)} << 32;
    return stir(hash ^ ends ^ load<std::uint32_t>(at + size - 4, 0));
  }
  if (size == 0) return hash;
  const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
  return stir(hash ^ (byte(0) << 16) ^ (byte(size / 2) << 8) ^ byte(size - 1));
}

struct Entry {
  std::string_view text;
  std::uint64_t hash;
};

/// Distinct strings under codes in order of first sight. Hashes are kept: nothing is hashed twice.
class TextTable {
 public:
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[hash & mask_]); }

  std::int32_t code(std::string_view text, std::uint64_t hash) {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.code < 0) {
        slot = {tag, static_cast<std::int32_t>(entries_.size())};
        entries_.push_back({text, hash});
        const std::int32_t fresh = slot.code;
        if (2 * entries_.size() > slots_.size()) grow();
        return fresh;
      }
      if (slot.tag == tag && entries_[static_cast<std::size_t>(slot.code)].text == text) return slot.code;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// The entries; the table is of no further use.
  std::vector<Entry> finish() {
    slots_ = std::vector<Slot>();
    return std::move(entries_);
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t code = -1;
  };

  void grow() {
    slots_.assign(4 * slots_.size(), {});
    mask_ = slots_.size() - 1;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      std::size_t at = entries_[i].hash & mask_;
      while (slots_[at].code >= 0) at = (at + 1) & mask_;
      slots_[at] = {static_cast<std::uint32_t>(entries_[i].hash >> 32), static_cast<std::int32_t>(i)};
    }
  }

  std::vector<Slot> slots_{std::size_t{64}};
  std::size_t mask_ = 63;
  std::vector<Entry> entries_;
};

/// Texts of one part agree in the top bits of their hashes, so parts can be merged side by side.
constexpr std::size_t parts = 16;

std::size_t part_of(std::uint64_t hash) noexcept { return static_cast<std::size_t>(hash >> 60); }

/// The distinct strings of one block of rows.
struct Block {
  TextTable table;                    ///< while the block is read
  std::vector<Entry> entries;         ///< afterwards, in order of first sight
  std::vector<std::int32_t> by_part;  ///< numbers of the entries, part by part
  std::array<std::size_t, parts + 1> bounds{};
  std::vector<std::int32_t> codes;  ///< of each entry: first its place in its part, then its code
  std::vector<std::uint8_t> first;  ///< whether no earlier block has it
  std::int64_t texts = 0;           ///< entries that are first
  std::int64_t bytes = 0;           ///< and their bytes

  void close() {
    entries = table.finish();
    for (const Entry& entry : entries) ++bounds[part_of(entry.hash) + 1];
    std::partial_sum(bounds.begin(), bounds.end(), bounds.begin());
    auto next = bounds;
    by_part.resize(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i)
      by_part[next[part_of(entries[i].hash)]++] = static_cast<std::int32_t>(i);
    codes.resize(entries.size());
    first.resize(entries.size());
  }
};

/// Writes each row's code within its block.
std::shared_ptr<Joined> read_blocks(std::string_view name, const Format& format,
                                    const std::vector<Leaf>& leaves, const Execution& execution,
                                    std::vector<Block>& blocks) {
  std::vector<Texts> texts;
  for (const Leaf& leaf : leaves) texts.emplace_back(name, format, leaf);
  const std::int64_t rows = total_rows(leaves);
  const auto write = [&](const Piece& piece, std::byte* to, const std::uint8_t* valid) {
    Block& block = blocks[static_cast<std::size_t>(piece.row) / block_rows];
    const Texts& from = texts[piece.leaf];
    for (std::int64_t i = 0; i < piece.length; ++i) {
      std::int32_t code = 0;
      if (valid == nullptr || valid[i] != 0) {
        const std::string_view text = from.at(piece.first + i);
        code = block.table.code(text, hash_of(text));
      }
      std::memcpy(to + i * std::int64_t{sizeof code}, &code, sizeof code);
    }
    const std::int64_t end = piece.row + piece.length;
    if (end == rows || end % static_cast<std::int64_t>(block_rows) == 0) block.close();
  };
  return join(Type::string, leaves, execution, Nulls::skipped, write);
}

/// Marks and counts the entries of one part that no earlier block has; `codes` become places in the part.
std::size_t merge_part(std::size_t part, std::vector<Block>& blocks) {
  constexpr std::size_t ahead = 16;
  TextTable table;
  for (Block& block : blocks) {
    const std::size_t end = block.bounds[part + 1];
    for (std::size_t i = block.bounds[part]; i < end; ++i) {
      if (i + ahead < end)
        table.prefetch(block.entries[static_cast<std::size_t>(block.by_part[i + ahead])].hash);
      const auto number = static_cast<std::size_t>(block.by_part[i]);
      const Entry& entry = block.entries[number];
      const std::size_t before = table.size();
      block.codes[number] = table.code(entry.text, entry.hash);
      block.first[number] = table.size() != before ? 1 : 0;
    }
  }
  return table.size();
}

void count_first(std::string_view name, Block& block) {
  for (std::size_t i = 0; i < block.entries.size(); ++i) {
    if (block.first[i] == 0) continue;
    if (!is_utf8(block.entries[i].text)) broken(name, "a text isn't valid UTF-8");
    ++block.texts;
    block.bytes += static_cast<std::int64_t>(block.entries[i].text.size());
  }
}

/// Gives codes in order of first sight, and writes the texts under them.
std::shared_ptr<const Dictionary> number_texts(std::string_view name, std::vector<Block>& blocks,
                                               const Execution& execution) {
  std::array<std::vector<std::int32_t>, parts> code_at;
  for_blocks(parts, execution, [&](std::size_t part) { code_at[part].resize(merge_part(part, blocks)); });
  for_blocks(blocks.size(), execution, [&](std::size_t i) { count_first(name, blocks[i]); });
  std::vector<std::int64_t> code{0}, byte{0};
  for (const Block& block : blocks) {
    code.push_back(code.back() + block.texts);
    byte.push_back(byte.back() + block.bytes);
  }
  if (code.back() > std::numeric_limits<std::int32_t>::max())
    throw UsageError("a string column holds more than 2^31 distinct values; split the table");
  std::vector<char> bytes(static_cast<std::size_t>(byte.back()));
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(code.back()) + 1);
  for_blocks(blocks.size(), execution, [&](std::size_t b) {
    const Block& block = blocks[b];
    auto next = static_cast<std::size_t>(code[b]);
    auto at = static_cast<std::size_t>(byte[b]);
    for (std::size_t i = 0; i < block.entries.size(); ++i) {
      if (block.first[i] == 0) continue;
      const auto& [text, hash] = block.entries[i];
      code_at[part_of(hash)][static_cast<std::size_t>(block.codes[i])] = static_cast<std::int32_t>(next);
      if (!text.empty()) std::memcpy(bytes.data() + at, text.data(), text.size());
      at += text.size();
      offsets[++next] = static_cast<std::int64_t>(at);
    }
  });
  for_blocks(blocks.size(), execution, [&](std::size_t b) {
    Block& block = blocks[b];
    for (std::size_t i = 0; i < block.entries.size(); ++i) {
      const auto place = static_cast<std::size_t>(block.codes[i]);
      block.codes[i] = code_at[part_of(block.entries[i].hash)][place];
    }
    block.entries = std::vector<Entry>();
    if (block.codes.empty()) block.codes.push_back(0);
  });
  return std::make_shared<const Dictionary>(std::move(bytes), std::move(offsets));
}

}  // namespace

Column hash_texts(std::string_view name, const Format& format, const std::vector<Leaf>& leaves,
                  const Execution& execution) {
  const auto rows = static_cast<std::size_t>(total_rows(leaves));
  std::vector<Block> blocks((rows + block_rows - 1) / block_rows);
  auto joined = read_blocks(name, format, leaves, execution, blocks);
  auto dictionary = number_texts(name, blocks, execution);
  for_rows(rows, block_rows, execution, [&](std::size_t first, std::size_t last) {
    const Block& block = blocks[first / block_rows];
    auto* code = reinterpret_cast<std::int32_t*>(joined->values.get());
    for (std::size_t row = first; row < last; ++row)
      code[row] = block.codes[static_cast<std::size_t>(code[row])];
  });
  return freeze(Type::string, std::move(joined)).with_dictionary(std::move(dictionary));
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
