#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <numeric>
#include <span>

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

/// The part of the hash that is kept.
std::uint32_t mark_of(std::string_view text) noexcept {
  return static_cast<std::uint32_t>(hash_of(text) >> 32);
}

/// Texts of one part agree in the top bits of their marks: each part is numbered by one thread, and what it
/// needs fits the caches.
constexpr std::size_t parts = 64;
std::size_t part_of(std::uint32_t mark) noexcept { return mark >> 26; }

/// The sightings of one block: its rows, but for those whose text was seen just before.
struct Block {
  std::vector<std::uint16_t> row;    ///< of each sighting, within the block
  std::vector<std::uint16_t> order;  ///< sightings, part by part
  std::vector<std::uint32_t> code;   ///< in that order: first the text's mark, then its number in the part
  std::array<std::uint32_t, parts + 1> bounds{};
};
static_assert(block_rows <= 65536);

/// The texts of a block while it is read. The memory serves one block after another: to get new pages from
/// the system would take longer than to fill them.
struct Sighted {
  std::vector<std::uint32_t> mark;  ///< of each sighting
  std::vector<std::string_view> text;
  std::vector<char> bytes;        ///< the texts, part by part
  std::vector<std::size_t> ends;  ///< of each among the bytes, after a 0

  /// Puts the sightings in order of their parts.
  void deal(Block& block) {
    std::array<std::size_t, parts + 1> byte{};
    for (std::size_t i = 0; i < mark.size(); ++i) {
      ++block.bounds[part_of(mark[i]) + 1];
      byte[part_of(mark[i]) + 1] += text[i].size();
    }
    std::partial_sum(block.bounds.begin(), block.bounds.end(), block.bounds.begin());
    std::partial_sum(byte.begin(), byte.end(), byte.begin());
    auto next = block.bounds;
    block.order.resize(mark.size());
    block.code.resize(mark.size());
    if (bytes.size() < byte.back()) bytes.resize(byte.back());
    ends.resize(mark.size() + 1);
    for (std::size_t i = 0; i < mark.size(); ++i) {
      const std::size_t part = part_of(mark[i]);
      const std::uint32_t place = next[part]++;
      block.order[place] = static_cast<std::uint16_t>(i);
      block.code[place] = mark[i];
      std::copy(text[i].begin(), text[i].end(), bytes.begin() + static_cast<std::ptrdiff_t>(byte[part]));
      ends[place + 1] = byte[part] += text[i].size();
    }
    mark.clear();
    text.clear();
  }
  [[nodiscard]] std::string_view at(std::size_t place) const {
    return {bytes.data() + ends[place], ends[place + 1] - ends[place]};
  }
};

/// Texts that were seen a moment ago: columns of few distinct ones need hardly any sightings.
class Recent {
 public:
  struct Slot {
    std::uint32_t mark = 0;
    std::int32_t sighting = -1;
  };
  Slot& of(std::uint32_t mark) noexcept { return slots_[mark % slots_.size()]; }

 private:
  std::array<Slot, 1024> slots_{};
};

/// The distinct texts of one part, in order of first sight.
class Part {
 public:
  /// Numbers the part's sightings of the next blocks. Memory is far away: what a batch of them needs is asked
  /// for together, step by step.
  void read(std::size_t part, std::span<Block> blocks, std::span<const Sighted> sighted) {
    constexpr std::size_t batch = 32;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      Block& block = blocks[b];
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
          block.code[i] = number(sighted[b].at(i), block.code[i], block, i);
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

  std::uint32_t number(std::string_view seen, std::uint32_t mark, const Block& block, std::size_t place) {
    for (std::size_t at = mark & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.number == none) {
        const auto fresh = static_cast<std::uint32_t>(first_row.size());
        slot = {mark, fresh};
        first_row.push_back(block.row[block.order[place]]);
        bytes_.insert(bytes_.end(), seen.begin(), seen.end());
        ends_.push_back(bytes_.size());
        if (4 * first_row.size() > 3 * slots_.size()) grow();
        return fresh;
      }
      if (slot.mark == mark && text(slot.number) == seen) return slot.number;
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
                                   std::vector<Block>& blocks, std::vector<Part>& of_part) {
  std::vector<Texts> texts;
  for (const Leaf& leaf : leaves) texts.emplace_back(name, format, leaf);
  const std::size_t together = blocks_together(texts, leaves);
  std::vector<Sighted> sighted(std::min(together, blocks.size()));
  const std::int64_t rows = total_rows(leaves);
  constexpr auto rows_of_block = static_cast<std::int64_t>(block_rows);
  const auto write = [&](const Piece& piece, std::byte* to, const std::uint8_t* valid) {
    const auto number = static_cast<std::size_t>(piece.row / rows_of_block);
    Block& block = blocks[number];
    Sighted& own = sighted[number % together];
    const Texts& from = texts[piece.leaf];
    Recent seen;
    for (std::int64_t i = 0; i < piece.length; ++i) {
      std::int32_t sighting = 0;
      if (valid == nullptr || valid[i] != 0) {
        const std::string_view text = from.at(piece.first + i);
        const std::uint32_t mark = mark_of(text);
        Recent::Slot& slot = seen.of(mark);
        if (slot.sighting < 0 || slot.mark != mark ||
            own.text[static_cast<std::size_t>(slot.sighting)] != text) {
          slot = {mark, static_cast<std::int32_t>(block.row.size())};
          block.row.push_back(static_cast<std::uint16_t>((piece.row + i) % rows_of_block));
          own.mark.push_back(mark);
          own.text.push_back(text);
        }
        sighting = slot.sighting;
      }
      std::memcpy(to + i * std::int64_t{sizeof sighting}, &sighting, sizeof sighting);
    }
    const std::int64_t end = piece.row + piece.length;
    if (end == rows || end % rows_of_block == 0) own.deal(block);
  };
  const auto number = [&](std::size_t first, std::size_t last) {
    const auto fresh =
        std::span(blocks).subspan(first / block_rows, (last - first + block_rows - 1) / block_rows);
    const auto read = [&](std::size_t part) { of_part[part].read(part, fresh, sighted); };
    if (blocks.size() > 1)
      for_blocks(parts, execution, read);
    else  // not worth a thread
      for (std::size_t part = 0; part < parts; ++part) read(part);
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
  std::vector<char> bytes(byte.back());
  std::vector<std::int64_t> offsets(code.back() + 1);
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
  auto joined = read_texts(name, format, leaves, execution, blocks, of_part);
  auto dictionary = number_texts(name, of_part, blocks.size(), execution);
  for_rows(rows, block_rows, execution, [&](std::size_t first, std::size_t last) {
    Block& block = blocks[first / block_rows];
    std::vector<std::int32_t> code_of(std::max<std::size_t>(block.row.size(), 1), 0);  // of each sighting
    for (std::size_t part = 0; part < parts; ++part)
      for (std::size_t i = block.bounds[part]; i < block.bounds[part + 1]; ++i)
        code_of[block.order[i]] = of_part[part].code[block.code[i]];
    auto* code = reinterpret_cast<std::int32_t*>(joined->values.get());
    for (std::size_t row = first; row < last; ++row) code[row] = code_of[static_cast<std::size_t>(code[row])];
    block = {};
  });
  return freeze(Type::string, std::move(joined)).with_dictionary(std::move(dictionary));
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
