#include "columns.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

namespace {

/// Ends the conversion of one value that its new type can't hold.
[[noreturn]] void overflow(std::string_view name, std::int64_t row, const char* target) {
  throw DataError("column '" + std::string(name) + "', row " + std::to_string(row) +
                  ": the value doesn't fit " + target +
                  "; set it to null or cast the column before the call");
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept {
  return value / by - (value % by < 0 ? 1 : 0);
}

float half_to_float(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
  return sign == 0 ? magnitude : -magnitude;
}

bool aligned(const void* data, Type type) noexcept {
  const std::size_t width = type_width(type);
  return reinterpret_cast<std::uintptr_t>(data) % std::min<std::size_t>(width, 8) == 0;
}

/// The wide integer of any decimal's storage; false when it needs more than 128 bits.
bool load_decimal(const Leaf& leaf, std::int64_t row, int width, int128& value) noexcept {
  switch (width) {
    case 4: value = leaf.value<std::int32_t>(row); return true;
    case 8: value = leaf.value<std::int64_t>(row); return true;
    case 16: value = leaf.value<Decimal128>(row).value(); return true;
    default: {
      value = load<Decimal128>(leaf.array->buffers[1], 2 * (leaf.start + row)).value();
      const auto high = load<std::int64_t>(leaf.array->buffers[1], 4 * (leaf.start + row) + 2);
      const auto top = load<std::int64_t>(leaf.array->buffers[1], 4 * (leaf.start + row) + 3);
      const std::int64_t sign = value < 0 ? -1 : 0;
      return high == sign && top == sign;
    }
  }
}

/// Writes `convert(leaf, row)` of each valid row, and a zero under each null.
template <class T, class Convert>
Column convert_rows(Type type, const std::vector<Leaf>& leaves, const Execution& execution, Convert convert) {
  const auto write = [&](const Piece& piece, std::byte* to, const std::uint8_t* valid) {
    for (std::int64_t i = 0; i < piece.length; ++i) {
      const bool known = valid == nullptr || valid[i] != 0;
      const T value =
          known ? static_cast<T>(convert(leaves[piece.leaf], piece.first + i, piece.row + i)) : T{};
      std::memcpy(to + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
    }
  };
  return freeze(type, join(type, leaves, execution, Nulls::skipped, write));
}

Column copy_plain(const Format& format, const std::vector<Leaf>& leaves, const Execution& execution) {
  const std::int64_t width = format.width;
  const auto write = [&](const Piece& piece, std::byte* to, const std::uint8_t*) {
    const Leaf& leaf = leaves[piece.leaf];
    const auto* from =
        static_cast<const std::byte*>(leaf.array->buffers[1]) + (leaf.start + piece.first) * width;
    std::memcpy(to, from, static_cast<std::size_t>(piece.length * width));
  };
  return freeze(format.type, join(format.type, leaves, execution, Nulls::apart, write));
}

Column import_plain(const Format& format, const std::vector<Leaf>& leaves, const Execution& execution) {
  if (leaves.size() == 1) {
    const Leaf& leaf = leaves.front();
    const auto* data = static_cast<const std::byte*>(leaf.array->buffers[1]) + leaf.start * format.width;
    if (aligned(data, format.type)) return borrow(format.type, leaf, data).with_scale(format.scale);
  }
  return copy_plain(format, leaves, execution).with_scale(format.scale);
}

Column import_timestamps(std::string_view name, const Format& format, const std::vector<Leaf>& leaves,
                         const Execution& execution) {
  return convert_rows<std::int64_t>(
      Type::timestamp, leaves, execution, [&](const Leaf& leaf, std::int64_t at, std::int64_t row) {
        std::int64_t us = 0;
        if (__builtin_mul_overflow(leaf.value<std::int64_t>(at), format.multiply, &us))
          overflow(name, row, "microseconds in 64 bits");
        return floor_divide(us, format.divide);
      });
}

Column import_date64(std::string_view name, const std::vector<Leaf>& leaves, const Execution& execution) {
  return convert_rows<std::int32_t>(
      Type::date, leaves, execution, [&](const Leaf& leaf, std::int64_t at, std::int64_t row) {
        const std::int64_t day = floor_divide(leaf.value<std::int64_t>(at), 86'400'000);
        if (day != static_cast<std::int32_t>(day)) overflow(name, row, "days in 32 bits");
        return day;
      });
}

Column import_decimals(std::string_view name, const Format& format, const std::vector<Leaf>& leaves,
                       const Execution& execution) {
  int128 factor = 1;
  for (int i = format.scale; i < 0; ++i) factor *= 10;
  const auto convert = [&](const Leaf& leaf, std::int64_t at, std::int64_t row) {
    int128 value = 0;
    if (!load_decimal(leaf, at, format.width, value) || __builtin_mul_overflow(value, factor, &value))
      overflow(name, row, "a decimal of 128 bits");
    return Decimal128::of(value);
  };
  return convert_rows<Decimal128>(Type::decimal, leaves, execution, convert)
      .with_scale(std::max(format.scale, 0));
}

Column import_values(std::string_view name, const Format& format, const std::vector<Leaf>& leaves,
                     const Execution& execution) {
  switch (format.kind) {
    case Kind::null: return Column::nulls(Type::float64, static_cast<std::size_t>(total_rows(leaves)));
    case Kind::plain: return import_plain(format, leaves, execution);
    case Kind::boolean:
      return convert_rows<std::uint8_t>(
          Type::boolean, leaves, execution, [](const Leaf& leaf, std::int64_t at, std::int64_t) {
            return bit(static_cast<const std::uint8_t*>(leaf.array->buffers[1]), leaf.start + at);
          });
    case Kind::float16:
      return convert_rows<float>(Type::float32, leaves, execution,
                                 [](const Leaf& leaf, std::int64_t at, std::int64_t) {
                                   return half_to_float(leaf.value<std::uint16_t>(at));
                                 });
    case Kind::date64: return import_date64(name, leaves, execution);
    case Kind::timestamp: return import_timestamps(name, format, leaves, execution);
    case Kind::decimal: return import_decimals(name, format, leaves, execution);
    case Kind::text32:
    case Kind::text64:
    case Kind::text_view: return hash_texts(name, format, leaves, execution);
    case Kind::unsupported: break;
  }
  broken(name, "its type is unsupported");
}

template <class Index>
std::vector<std::int64_t> index_rows(std::string_view name, const Leaf& leaf, std::int64_t size) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(leaf.length), -1);
  for (std::int64_t i = 0; i < leaf.length; ++i) {
    if (!leaf.valid(i)) continue;
    const auto index = leaf.value<Index>(i);
    if (std::cmp_less(index, 0) || std::cmp_greater_equal(index, size))
      broken(name, "a code points outside its dictionary");
    rows[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(index);
  }
  return rows;
}

std::vector<std::int64_t> index_rows(std::string_view name, const Format& index, const Leaf& leaf,
                                     std::int64_t size) {
  switch (index.type) {
    case Type::int8: return index_rows<std::int8_t>(name, leaf, size);
    case Type::int16: return index_rows<std::int16_t>(name, leaf, size);
    case Type::int32: return index_rows<std::int32_t>(name, leaf, size);
    case Type::int64: return index_rows<std::int64_t>(name, leaf, size);
    case Type::uint8: return index_rows<std::uint8_t>(name, leaf, size);
    case Type::uint16: return index_rows<std::uint16_t>(name, leaf, size);
    case Type::uint32: return index_rows<std::uint32_t>(name, leaf, size);
    default: return index_rows<std::uint64_t>(name, leaf, size);
  }
}

/// Dictionaries of anything but strings are undone: each code is replaced by its value.
Column decode(std::string_view name, const Format& index, const Format& values,
              const std::vector<Leaf>& leaves, const Execution& execution) {
  if (leaves.empty()) return import_values(name, values, leaves, execution);
  std::vector<Table> parts;
  for (const Leaf& leaf : leaves) {
    const Leaf entries = dictionary_leaf(name, values, leaf);
    const Column column = import_values(name, values, {entries}, execution);
    parts.push_back(Table({{std::string(name), column.take(index_rows(name, index, leaf, entries.length))}}));
  }
  return concat(parts).columns().front().second;
}

}  // namespace

std::int64_t total_rows(const std::vector<Leaf>& leaves) {
  std::int64_t rows = 0;
  for (const Leaf& leaf : leaves) rows += leaf.length;
  return rows;
}

Column borrow(Type type, const Leaf& leaf, const void* data) {
  const auto size = static_cast<std::size_t>(leaf.length);
  if (leaf.parent_validity == nullptr)
    return {type, size, data, leaf.batch, leaf.validity, static_cast<std::size_t>(leaf.start)};
  struct Masked {
    Batch batch;
    std::vector<std::uint8_t> bits;
  };
  auto masked = std::make_shared<Masked>(Masked{leaf.batch, std::vector<std::uint8_t>((size + 7) / 8)});
  for (std::int64_t row = 0; row < leaf.length; ++row)
    if (leaf.valid(row)) {
      auto& byte = masked->bits[static_cast<std::size_t>(row >> 3)];
      byte = static_cast<std::uint8_t>(byte | (1U << (row & 7)));
    }
  const std::uint8_t* bits = masked->bits.data();
  return {type, size, data, std::move(masked), bits};
}

namespace {

/// Eight bits of a bitmap from any bit on.
unsigned eight_bits(const std::uint8_t* bits, std::int64_t at) noexcept {
  const unsigned low = bits[at >> 3];
  const auto shift = static_cast<unsigned>(at & 7);
  return shift == 0 ? low : ((low >> shift) | (unsigned{bits[(at >> 3) + 1]} << (8 - shift))) & 0xFFU;
}

unsigned eight_valid(const Leaf& leaf, std::int64_t row) noexcept {
  const unsigned own = leaf.validity == nullptr ? 0xFFU : eight_bits(leaf.validity, leaf.start + row);
  return leaf.parent_validity == nullptr ? own
                                         : own & eight_bits(leaf.parent_validity, leaf.parent_start + row);
}

/// Sets the bits of a piece's valid rows; true when there are others.
bool put_validity(const Leaf& leaf, const Piece& piece, std::uint8_t* bits) {
  unsigned all = 0xFFU;
  std::int64_t i = 0;
  const auto one = [&] {
    const unsigned valid = leaf.valid(piece.first + i) ? 1U : 0U;
    auto& byte = bits[(piece.row + i) >> 3];
    byte = static_cast<std::uint8_t>(byte | (valid << ((piece.row + i) & 7)));
    all &= valid == 0 ? 0U : 0xFFU;
    ++i;
  };
  while (i < piece.length && ((piece.row + i) & 7) != 0) one();
  for (; i + 8 <= piece.length; i += 8) {
    const unsigned valid = eight_valid(leaf, piece.first + i);
    bits[(piece.row + i) >> 3] = static_cast<std::uint8_t>(valid);
    all &= valid;
  }
  while (i < piece.length) one();
  return all != 0xFFU;
}

/// The same from a byte a row.
bool put_validity(const std::vector<std::uint8_t>& valid, std::uint8_t* bits) {
  if (std::memchr(valid.data(), 0, valid.size()) == nullptr) {
    std::memset(bits, 0xFF, (valid.size() + 7) / 8);
    return false;
  }
  for (std::size_t i = 0; i < valid.size(); ++i)
    bits[i >> 3] = static_cast<std::uint8_t>(bits[i >> 3] | (unsigned{valid[i]} << (i & 7)));
  return true;
}

}  // namespace

std::shared_ptr<Joined> join(Type type, const std::vector<Leaf>& leaves, const Execution& execution,
                             Nulls nulls, const Write& write, const Afterwards& afterwards) {
  const std::int64_t width = static_cast<std::int64_t>(type_width(type));
  std::vector<std::int64_t> starts{0};
  for (const Leaf& leaf : leaves) starts.push_back(starts.back() + leaf.length);
  const bool may_be_null =
      nulls == Nulls::found ||
      std::any_of(leaves.begin(), leaves.end(), [](const Leaf& leaf) { return leaf.may_have_nulls(); });
  const bool bytes = may_be_null && nulls != Nulls::apart;
  auto joined = std::make_shared<Joined>();
  joined->rows = static_cast<std::size_t>(starts.back());
  joined->values = make_buffer(joined->rows * static_cast<std::size_t>(width));
  if (may_be_null) joined->validity.assign((joined->rows + 7) / 8, 0);
  std::atomic<bool> any_null{false};
  const auto fill = [&](std::size_t first, std::size_t last) {
    std::vector<std::uint8_t> valid(bytes ? last - first : 0, 1);
    bool some_null = false;
    const auto found = std::upper_bound(starts.begin(), starts.end(), static_cast<std::int64_t>(first));
    auto leaf = static_cast<std::size_t>(found - starts.begin()) - 1;
    for (auto row = static_cast<std::int64_t>(first); row < static_cast<std::int64_t>(last); ++leaf) {
      const std::int64_t end = std::min(starts[leaf + 1], static_cast<std::int64_t>(last));
      const Piece piece{leaf, row - starts[leaf], end - row, row};
      std::uint8_t* at = bytes ? valid.data() + (row - static_cast<std::int64_t>(first)) : nullptr;
      if (bytes && leaves[leaf].may_have_nulls())
        for (std::int64_t i = 0; i < piece.length; ++i) at[i] = leaves[leaf].valid(piece.first + i) ? 1 : 0;
      if (may_be_null && !bytes)
        some_null = put_validity(leaves[leaf], piece, joined->validity.data()) || some_null;
      write(piece, joined->values.get() + row * width, at);
      row = end;
    }
    if (bytes) some_null = put_validity(valid, joined->validity.data() + first / 8);
    if (some_null) any_null.store(true, std::memory_order_relaxed);
  };
  for (std::size_t begin = 0; begin < joined->rows;) {
    const std::size_t end = begin + std::min(joined->rows - begin, afterwards.rows);
    for_rows(end - begin, block_rows, execution,
             [&](std::size_t first, std::size_t last) { fill(begin + first, begin + last); });
    if (afterwards.work) afterwards.work(begin, end);
    begin = end;
  }
  if (!any_null.load()) joined->validity = std::vector<std::uint8_t>();
  return joined;
}

Column freeze(Type type, std::shared_ptr<Joined> joined) {
  const std::size_t rows = joined->rows;
  const void* values = joined->values.get();
  const std::uint8_t* bits = joined->validity.empty() ? nullptr : joined->validity.data();
  return {type, rows, values, std::move(joined), bits};
}

Column import_column(const Source& source, const Execution& execution) {
  const ArrowSchema& schema = *source.schema;
  const Format values = column_format(schema);
  const Format storage = parse_format(schema.format);
  std::vector<Leaf> leaves;
  for (const Batch& batch : source.batches)
    leaves.push_back(make_leaf(source.name, storage, batch, source.child));
  if (schema.dictionary == nullptr) return import_values(source.name, values, leaves, execution);
  if (values.text()) return join_dictionaries(source.name, storage, values, leaves, execution);
  return decode(source.name, storage, values, leaves, execution);
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
