#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <span>

#include "../table/memory.hpp"
#include "columns.hpp"
#include "salesops/large_vector.hpp"

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

/// `a == b`, by words as above: most texts are short, and a call of `memcmp` takes longer than they do.
bool same_text(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 8) return a == b;
  std::uint64_t apart =
      load<std::uint64_t>(a.data() + size - 8, 0) ^ load<std::uint64_t>(b.data() + size - 8, 0);
  for (std::size_t i = 0; i + 8 < size && apart == 0; i += 8)
    apart = load<std::uint64_t>(a.data() + i, 0) ^ load<std::uint64_t>(b.data() + i, 0);
  return apart == 0;
}

/// Copies a text, likewise.
void copy_text(std::string_view text, char* to) noexcept {
  const std::size_t size = text.size();
  if (size < 8) {
    for (std::size_t i = 0; i < size; ++i) to[i] = text[i];
    return;
  }
  for (std::size_t i = 0; i + 8 < size; i += 8) std::memcpy(to + i, text.data() + i, 8);
  std::memcpy(to + size - 8, text.data() + size - 8, 8);
}

/// The part of the hash that is kept.
std::uint32_t mark_of(std::string_view text) noexcept {
  return static_cast<std::uint32_t>(hash_of(text) >> 32);
}

/// Texts of one part agree in the top bits of their marks: each part is numbered by one thread, and what it
/// needs fits the caches.
constexpr std::size_t parts = 64;
std::size_t part_of(std::uint32_t mark) noexcept { return mark >> 26; }

/// Memory for what many blocks leave behind, in large pages: each takes what it needs, and all goes together.
class Room {
 public:
  template <class T>
  std::span<T> take(std::size_t size) {
    const std::size_t bytes =
        (size * sizeof(T) + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    const std::lock_guard lock(guard_);
    while (chunk_ < chunks_.size() && chunks_[chunk_].size() - used_ < bytes) {
      ++chunk_;
      used_ = 0;
    }
    if (chunk_ == chunks_.size()) {
      chunks_.emplace_back(std::max(bytes, chunk_bytes_));
      chunk_bytes_ = std::min(2 * chunk_bytes_, most_bytes);
    }
    used_ += bytes;
    return {reinterpret_cast<T*>(chunks_[chunk_].data() + used_ - bytes), size};
  }
  /// Gives the same memory out once more.
  void begin_again() {
    chunk_ = 0;
    used_ = 0;
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{1} << 23;
  std::size_t chunk_bytes_ = std::size_t{1} << 16;
  std::mutex guard_;
  std::vector<LargeVector<std::byte>> chunks_;
  std::size_t chunk_ = 0, used_ = 0;
};

/// The sightings of one block: its rows, but for those whose text was seen just before. They stand part by
/// part.
struct Block {
  std::span<std::uint16_t> row;   ///< of each, within the block
  std::span<std::uint32_t> code;  ///< first the text's mark, then its number in the part
  std::array<std::uint32_t, parts + 1> bounds{};
  std::span<char> bytes;         ///< the texts, until they are numbered
  std::span<std::size_t> start;  ///< of each text among the bytes, and the end

  [[nodiscard]] std::string_view text(std::size_t i) const {
    return {bytes.data() + start[i], start[i + 1] - start[i]};
  }
};
static_assert(block_rows <= 65536);

/// One block's sightings in the order of its rows, while it is read. A few of these serve all blocks.
class Reading {
 public:
  explicit Reading(std::size_t rows) : mark_(rows), text_(rows), row_(rows) { recent_.fill(-1); }
  /// The row within the block at which the text of `row` is first seen.
  std::uint16_t first_seen(std::string_view text, std::size_t row) {
    const std::uint32_t mark = mark_of(text);
    std::int32_t& recent = recent_[mark % recent_.size()];
    if (recent >= 0) {
      const auto i = static_cast<std::size_t>(recent);
      if (mark_[i] == mark && same_text(text_[i], text)) return row_[i];
    }
    recent = static_cast<std::int32_t>(size_);
    mark_[size_] = mark;
    text_[size_] = text;
    return row_[size_++] = static_cast<std::uint16_t>(row);
  }
  /// Puts the sightings in order of their parts, and is ready for another block.
  void deal(Block& block, Room& kept, Room& lent) {
    std::array<std::size_t, parts + 1> byte{};
    for (std::size_t i = 0; i < size_; ++i) {
      ++block.bounds[part_of(mark_[i]) + 1];
      byte[part_of(mark_[i]) + 1] += text_[i].size();
    }
    std::partial_sum(block.bounds.begin(), block.bounds.end(), block.bounds.begin());
    std::partial_sum(byte.begin(), byte.end(), byte.begin());
    auto next = block.bounds;
    block.row = kept.take<std::uint16_t>(size_);
    block.code = kept.take<std::uint32_t>(size_);
    block.bytes = lent.take<char>(byte.back());
    block.start = lent.take<std::size_t>(size_ + 1);
    block.start[size_] = byte.back();
    for (std::size_t i = 0; i < size_; ++i) {
      const std::size_t part = part_of(mark_[i]);
      const std::uint32_t place = next[part]++;
      block.row[place] = row_[i];
      block.code[place] = mark_[i];
      block.start[place] = byte[part];
      copy_text(text_[i], block.bytes.data() + byte[part]);
      byte[part] += text_[i].size();
    }
    size_ = 0;
    recent_.fill(-1);
  }

 private:
  std::size_t size_ = 0;
  std::vector<std::uint32_t> mark_;
  std::vector<std::string_view> text_;
  std::vector<std::uint16_t> row_;
  /// Sightings of a moment ago: columns of few distinct texts need hardly any.
  std::array<std::int32_t, 1024> recent_{};
};

/// The distinct texts of one part, in order of first sight.
class Part {
 public:
  /// Numbers the part's sightings of the next blocks. Memory is far away: what a batch of them needs is asked
  /// for together, step by step.
  void read(std::size_t part, std::span<Block> blocks) {
    constexpr std::size_t batch = 32;
    for (Block& block : blocks) {
      const std::size_t end = block.bounds[part + 1];
      for (std::size_t first = block.bounds[part]; first < end; first += batch) {
        const std::size_t last = std::min(end, first + batch);
        for (std::size_t i = first; i < last; ++i) __builtin_prefetch(&slots_[block.code[i] & mask_]);
        for (std::size_t i = first; i < last; ++i) {
          const Slot& slot = slots_[block.code[i] & mask_];
          if (slot.number != none) __builtin_prefetch(&ends_[slot.number]);
        }
        for (std::size_t i = first; i < last; ++i) {
          const Slot& slot = slots_[block.code[i] & mask_];
          if (slot.number != none) __builtin_prefetch(bytes_.data() + ends_[slot.number]);
        }
        for (std::size_t i = first; i < last; ++i)
          block.code[i] = number(block.text(i), block.code[i], block.row[i]);
      }
      first_of_block.push_back(first_row.size());
    }
  }
  [[nodiscard]] std::string_view text(std::size_t number) const {
    return {bytes_.data() + ends_[number], ends_[number + 1] - ends_[number]};
  }
  [[nodiscard]] std::size_t bytes_of_block(std::size_t b) const {
    return ends_[first_of_block[b + 1]] - ends_[first_of_block[b]];
  }

  std::vector<std::uint16_t> first_row;        ///< of each text, within its block
  std::vector<std::size_t> first_of_block{0};  ///< texts first seen there, and the end
  std::vector<std::int32_t> code;              ///< of each text in the column

 private:
  struct Slot {
    std::uint32_t mark = 0;
    std::uint32_t number = none;
  };
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t number(std::string_view seen, std::uint32_t mark, std::uint16_t row) {
    for (std::size_t at = mark & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.number == none) {
        const auto fresh = static_cast<std::uint32_t>(first_row.size());
        slot = {mark, fresh};
        first_row.push_back(row);
        bytes_.insert(bytes_.end(), seen.begin(), seen.end());
        ends_.push_back(bytes_.size());
        if (4 * first_row.size() > 3 * slots_.size()) grow();
        return fresh;
      }
      if (slot.mark == mark && same_text(text(slot.number), seen)) return slot.number;
    }
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.number == none) continue;
      std::size_t at = slot.mark & mask_;
      while (slots_[at].number != none) at = (at + 1) & mask_;
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_{std::size_t{64}};
  std::size_t mask_ = 63;
  std::vector<char> bytes_;
  std::vector<std::size_t> ends_{0};
};

/// How many blocks are read before their texts are numbered: as many as copies of these take 64 MB, going by
/// some of the first.
std::size_t blocks_together(const std::vector<Texts>& texts, const std::vector<Leaf>& leaves) {
  constexpr std::int64_t looked_at = 256;
  constexpr std::size_t room = std::size_t{64} << 20U;
  if (leaves.empty()) return 1;
  const std::int64_t step = std::max<std::int64_t>(1, leaves.front().length / looked_at);
  std::size_t bytes = 0, n = 0;
  for (std::int64_t row = 0; row < leaves.front().length; row += step) {
    if (!leaves.front().valid(row)) continue;
    bytes += texts.front().at(row).size();
    ++n;
  }
  return std::clamp<std::size_t>(room * n / (block_rows * std::max<std::size_t>(bytes, 1)), 4, 32);
}

/// Writes each row's sighting, fills the blocks, and lets each part number the texts it finds there.
std::shared_ptr<Joined> read_texts(std::string_view name, const Format& format,
                                   const std::vector<Leaf>& leaves, const Execution& execution,
                                   std::vector<Block>& blocks, Room& kept, std::vector<Part>& of_part) {
  std::vector<Texts> texts;
  for (const Leaf& leaf : leaves) texts.emplace_back(name, format, leaf);
  const std::size_t together = blocks_together(texts, leaves);
  Room lent;
  std::mutex guard;
  std::vector<std::unique_ptr<Reading>> idle;
  // A block comes as one piece or as several, one after the other on one thread.
  std::vector<std::unique_ptr<Reading>> reading(blocks.size());
  const std::int64_t rows = total_rows(leaves);
  const std::size_t most_rows = std::min(block_rows, static_cast<std::size_t>(rows));
  constexpr auto rows_of_block = static_cast<std::int64_t>(block_rows);
  const auto write = [&](const Piece& piece, std::byte* to, const std::uint8_t* valid) {
    const auto number = static_cast<std::size_t>(piece.row / rows_of_block);
    std::unique_ptr<Reading>& own = reading[number];
    if (!own) {
      const std::lock_guard lock(guard);
      if (idle.empty()) idle.push_back(std::make_unique<Reading>(most_rows));
      own = std::move(idle.back());
      idle.pop_back();
    }
    const Texts& from = texts[piece.leaf];
    const auto before = static_cast<std::size_t>(piece.row % rows_of_block);
    for (std::int64_t i = 0; i < piece.length; ++i) {
      std::int32_t seen = 0;
      if (valid == nullptr || valid[i] != 0)
        seen = own->first_seen(from.at(piece.first + i), before + static_cast<std::size_t>(i));
      std::memcpy(to + i * std::int64_t{sizeof seen}, &seen, sizeof seen);
    }
    const std::int64_t end = piece.row + piece.length;
    if (end != rows && end % rows_of_block != 0) return;
    own->deal(blocks[number], kept, lent);
    const std::lock_guard lock(guard);
    idle.push_back(std::move(own));
  };
  const auto number = [&](std::size_t first, std::size_t last) {
    const auto fresh =
        std::span(blocks).subspan(first / block_rows, (last - first + block_rows - 1) / block_rows);
    const auto read = [&](std::size_t part) { of_part[part].read(part, fresh); };
    if (blocks.size() > 1)
      for_blocks(parts, execution, read);
    else  // not worth a thread
      for (std::size_t part = 0; part < parts; ++part) read(part);
    lent.begin_again();
  };
  return join(Type::string, leaves, execution, Nulls::skipped, write, {together * block_rows, number});
}

/// Gives the texts codes in order of first sight in the column, and writes them under these.
std::shared_ptr<const Dictionary> number_texts(std::string_view name, std::vector<Part>& of_part,
                                               std::size_t blocks, const Execution& execution) {
  std::vector<std::size_t> code{0}, byte{0};
  for (std::size_t b = 0; b < blocks; ++b) {
    code.push_back(code.back());
    byte.push_back(byte.back());
    for (const Part& part : of_part) {
      code.back() += part.first_of_block[b + 1] - part.first_of_block[b];
      byte.back() += part.bytes_of_block(b);
    }
  }
  if (code.back() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw UsageError("a string column holds more than 2^31 distinct values; split the table");
  for (Part& part : of_part) part.code.resize(part.first_row.size());
  std::vector<char> bytes;
  std::vector<std::int64_t> offsets;
  salesops::detail::make_room(bytes, byte.back());
  salesops::detail::make_room(offsets, code.back() + 1);
  for_blocks(blocks, execution, [&](std::size_t b) {
    const auto each_text = [&](const auto& work) {
      for (Part& part : of_part)
        for (std::size_t i = part.first_of_block[b]; i < part.first_of_block[b + 1]; ++i) work(part, i);
    };
    // A text's place among those of the block is how many of them were first seen in an earlier row.
    std::array<std::uint64_t, block_rows / 64> is_first{};
    std::array<std::uint32_t, block_rows / 64> before{};
    each_text([&](const Part& part, std::size_t i) {
      is_first[part.first_row[i] / 64] |= std::uint64_t{1} << (part.first_row[i] % 64);
    });
    for (std::size_t w = 1; w < before.size(); ++w)
      before[w] = before[w - 1] + static_cast<std::uint32_t>(std::popcount(is_first[w - 1]));
    each_text([&](Part& part, std::size_t i) {
      const std::size_t row = part.first_row[i];
      const std::uint64_t earlier = is_first[row / 64] & ((std::uint64_t{1} << (row % 64)) - 1);
      const std::size_t at = code[b] + before[row / 64] + static_cast<std::size_t>(std::popcount(earlier));
      part.code[i] = static_cast<std::int32_t>(at);
      const std::string_view text = part.text(i);
      if (!is_utf8(text)) broken(name, "a text isn't valid UTF-8");
      offsets[at + 1] = static_cast<std::int64_t>(text.size());
    });
    auto end = static_cast<std::int64_t>(byte[b]);
    for (std::size_t at = code[b]; at < code[b + 1]; ++at) offsets[at + 1] = end += offsets[at + 1];
    each_text([&](const Part& part, std::size_t i) {
      const std::string_view text = part.text(i);
      const std::int64_t to = offsets[static_cast<std::size_t>(part.code[i]) + 1];
      std::copy(text.begin(), text.end(), bytes.begin() + to - static_cast<std::ptrdiff_t>(text.size()));
    });
  });
  return std::make_shared<const Dictionary>(std::move(bytes), std::move(offsets));
}

}  // namespace

Column hash_texts(std::string_view name, const Format& format, const std::vector<Leaf>& leaves,
                  const Execution& execution) {
  const auto rows = static_cast<std::size_t>(total_rows(leaves));
  std::vector<Block> blocks((rows + block_rows - 1) / block_rows);
  std::vector<Part> of_part(parts);
  Room kept;
  auto joined = read_texts(name, format, leaves, execution, blocks, kept, of_part);
  auto dictionary = number_texts(name, of_part, blocks.size(), execution);
  for_rows(rows, block_rows, execution, [&](std::size_t first, std::size_t last) {
    const Block& block = blocks[first / block_rows];
    std::vector<std::int32_t> code_of(last - first, 0);  // by the row of the sighting
    for (std::size_t part = 0; part < parts; ++part)
      for (std::size_t i = block.bounds[part]; i < block.bounds[part + 1]; ++i)
        code_of[block.row[i]] = of_part[part].code[block.code[i]];
    auto* code = reinterpret_cast<std::int32_t*>(joined->values.get());
    for (std::size_t row = first; row < last; ++row) code[row] = code_of[static_cast<std::size_t>(code[row])];
  });
  return freeze(Type::string, std::move(joined)).with_dictionary(std::move(dictionary));
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
