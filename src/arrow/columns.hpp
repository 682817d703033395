/// Columns out of the arrays of all batches.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

#include "buffer.hpp"
#include "leaf.hpp"
#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

/// One column of all batches, none of them empty.
struct Source {
  std::string_view name;
  const ArrowSchema* schema = nullptr;
  std::vector<Batch> batches;
  std::int64_t child = 0;
};

Column import_column(const Source& source, const Execution& execution);

/// Strings without a dictionary: codes in order of first sight, for any number of threads.
Column hash_texts(std::string_view name, const Format& format, const std::vector<Leaf>& leaves,
                  const Execution& execution);
/// Strings behind a dictionary: codes in the order of the dictionaries.
Column join_dictionaries(std::string_view name, const Format& index, const Format& values,
                         const std::vector<Leaf>& leaves, const Execution& execution);

/// Rows [first, first + length) of a leaf, which are rows from `row` on of the column.
struct Piece {
  std::size_t leaf = 0;
  std::int64_t first = 0;
  std::int64_t length = 0;
  std::int64_t row = 0;
};

inline constexpr std::size_t block_rows = std::size_t{1} << 16;

/// A column in the making: it may be written until it is frozen.
struct Joined {
  std::size_t rows = 0;
  Buffer values;
  std::vector<std::uint8_t> validity;  ///< a bitmap; empty = all valid
};

/// What writing values has to do with nulls.
enum class Nulls : std::uint8_t {
  apart,    ///< nothing: values are written as they lie
  skipped,  ///< rows that are null are passed over
  found     ///< and more may turn out to be null
};

/// Writes a piece's values at `to`. `valid` holds a byte a row, which may be cleared under `Nulls::found`;
/// it is null under `Nulls::apart`, and under `Nulls::skipped` when the arrays have no nulls.
using Write = std::function<void(const Piece& piece, std::byte* to, std::uint8_t* valid)>;
/// Work on rows [first, last) that have just been written, while they are still in the caches.
struct Afterwards {
  std::size_t rows = std::numeric_limits<std::size_t>::max();  ///< at a time: a multiple of `block_rows`
  std::function<void(std::size_t first, std::size_t last)> work = {};
};
/// Makes a column in blocks of `block_rows`; a piece lies within one block.
std::shared_ptr<Joined> join(Type type, const std::vector<Leaf>& leaves, const Execution& execution,
                             Nulls nulls, const Write& write, const Afterwards& afterwards = {});
Column freeze(Type type, std::shared_ptr<Joined> joined);

std::int64_t total_rows(const std::vector<Leaf>& leaves);
/// The buffer as it lies, kept alive by its batch; `data` is at the leaf's first row.
Column borrow(Type type, const Leaf& leaf, const void* data);

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
