#include <utility>

#include "columns.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

namespace {

void put(std::byte* to, std::int64_t at, std::int32_t code) {
  std::memcpy(to + at * std::int64_t{sizeof code}, &code, sizeof code);
}

/// The codes of one batch's dictionary in the joint one; -1 for an entry that is null.
struct CodeMap {
  std::vector<std::int32_t> codes;
  bool identity = true;
};

bool same_entries(const Leaf& a, const Leaf& b) {
  if (a.length != b.length || a.start != b.start || a.array->n_buffers != b.array->n_buffers) return false;
  for (std::int64_t i = 0; i < a.array->n_buffers; ++i)
    if (a.array->buffers[i] != b.array->buffers[i]) return false;
  return true;
}

/// The entries of all `dictionaries` as one column, and its codes as the map of each.
Column map_entries(std::string_view name, const Format& values, const std::vector<Leaf>& dictionaries,
                   const Execution& execution, std::vector<CodeMap>& maps) {
  Column entries = hash_texts(name, values, dictionaries, execution);
  const auto codes = entries.values<std::int32_t>();
  std::size_t row = 0;
  for (const Leaf& leaf : dictionaries) {
    CodeMap map;
    map.codes.resize(static_cast<std::size_t>(leaf.length));
    for (std::size_t i = 0; i < map.codes.size(); ++i, ++row) {
      map.codes[i] = entries.valid(row) ? codes[row] : -1;
      map.identity = map.identity && std::cmp_equal(map.codes[i], i);
    }
    maps.push_back(std::move(map));
  }
  return entries;
}

template <class Index>
void put_codes(std::string_view name, const Leaf& leaf, const Piece& piece, const CodeMap& map, std::byte* to,
               std::uint8_t* valid) {
  const std::size_t size = map.codes.size();
  for (std::int64_t i = 0; i < piece.length; ++i) {
    std::int32_t code = 0;
    if (valid[i] != 0) {
      const auto index = leaf.value<Index>(piece.first + i);
      if (std::cmp_less(index, 0) || std::cmp_greater_equal(index, size))
        broken(name, "a code points outside its dictionary");
      code = map.codes[static_cast<std::size_t>(index)];
      if (code < 0) {
        valid[i] = 0;
        code = 0;
      }
    }
    put(to, i, code);
  }
}

/// Throws unless each valid row's int32 code is within the dictionary.
void check_codes(std::string_view name, const Leaf& leaf, std::size_t size, const Execution& execution) {
  for_rows(static_cast<std::size_t>(leaf.length), block_rows, execution,
           [&](std::size_t first, std::size_t last) {
             for (auto row = static_cast<std::int64_t>(first); row < static_cast<std::int64_t>(last); ++row) {
               const auto code = leaf.value<std::int32_t>(row);
               if ((code < 0 || std::cmp_greater_equal(code, size)) && leaf.valid(row))
                 broken(name, "a code points outside its dictionary");
             }
           });
}

}  // namespace

Column join_dictionaries(std::string_view name, const Format& index, const Format& values,
                         const std::vector<Leaf>& leaves, const Execution& execution) {
  std::vector<std::size_t> map_of;
  std::vector<Leaf> dictionaries;  // each once, where batches share one
  for (const Leaf& leaf : leaves) {
    const Leaf dictionary = dictionary_leaf(name, values, leaf);
    if (dictionaries.empty() || !same_entries(dictionaries.back(), dictionary))
      dictionaries.push_back(dictionary);
    map_of.push_back(dictionaries.size() - 1);
  }
  std::vector<CodeMap> maps;
  const std::shared_ptr<const Dictionary> entries =
      map_entries(name, values, dictionaries, execution, maps).shared_dictionary();
  if (leaves.size() == 1 && index.type == Type::int32 && maps.front().identity) {
    const Leaf& leaf = leaves.front();
    const auto* data = static_cast<const std::int32_t*>(leaf.array->buffers[1]) + leaf.start;
    if (reinterpret_cast<std::uintptr_t>(data) % alignof(std::int32_t) == 0) {
      check_codes(name, leaf, maps.front().codes.size(), execution);
      return borrow(Type::string, leaf, data).with_dictionary(entries);
    }
  }
  const auto write = [&](const Piece& piece, std::byte* to, std::uint8_t* valid) {
    const CodeMap& map = maps[map_of[piece.leaf]];
    const Leaf& leaf = leaves[piece.leaf];
    switch (index.type) {
      case Type::int8: return put_codes<std::int8_t>(name, leaf, piece, map, to, valid);
      case Type::int16: return put_codes<std::int16_t>(name, leaf, piece, map, to, valid);
      case Type::int32: return put_codes<std::int32_t>(name, leaf, piece, map, to, valid);
      case Type::int64: return put_codes<std::int64_t>(name, leaf, piece, map, to, valid);
      case Type::uint8: return put_codes<std::uint8_t>(name, leaf, piece, map, to, valid);
      case Type::uint16: return put_codes<std::uint16_t>(name, leaf, piece, map, to, valid);
      case Type::uint32: return put_codes<std::uint32_t>(name, leaf, piece, map, to, valid);
      default: return put_codes<std::uint64_t>(name, leaf, piece, map, to, valid);
    }
  };
  return freeze(Type::string, join(Type::string, leaves, execution, Nulls::found, write))
      .with_dictionary(entries);
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
