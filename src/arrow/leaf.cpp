#include "leaf.hpp"

#include <cstring>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

namespace {

/// More rows than any memory holds; keeps all sums of lengths and offsets inside int64.
constexpr std::int64_t most_rows = std::int64_t{1} << 48;

std::int64_t buffer_count(const Format& storage, const ArrowArray& array) {
  switch (storage.kind) {
    case Kind::null: return array.n_buffers;
    case Kind::text32:
    case Kind::text64: return 3;
    case Kind::text_view: return array.n_buffers < 3 ? 3 : array.n_buffers;
    default: return 2;
  }
}

const std::uint8_t* own_validity(std::string_view column, const ArrowArray& array) {
  if (array.null_count == 0 || array.n_buffers == 0 || array.length == 0) return nullptr;
  const auto* bits = static_cast<const std::uint8_t*>(array.buffers[0]);
  if (bits == nullptr && array.null_count > 0) broken(column, "it has nulls but no validity buffer");
  return bits;
}

/// All of a null column is null, whatever buffers its producer hands out (Polars: an empty one).
const std::uint8_t* leaf_validity(std::string_view column, const Format& storage, const ArrowArray& array) {
  return storage.kind == Kind::null ? nullptr : own_validity(column, array);
}

void check_leaf(std::string_view column, const Format& storage, const ArrowArray* array) {
  if (array == nullptr) broken(column, "its array is missing");
  check_array(column, array, buffer_count(storage, *array));
  if (array->n_children != 0) broken(column, "it has child arrays that its type has no room for");
  if (storage.kind != Kind::null && array->length > 0 && array->buffers[1] == nullptr)
    broken(column, "its values are missing (null buffer)");
}

}  // namespace

void broken(std::string_view column, const std::string& what) {
  throw DataError("column '" + std::string(column) + "': " + what + "; the producer of the data is at fault");
}

void check_rows(std::int64_t rows) {
  if (rows > most_rows)
    throw DataError("the batches claim more rows than can be; their producer is at fault");
}

void check_array(std::string_view column, const ArrowArray* array, std::int64_t buffers) {
  if (array->release == nullptr) broken(column, "its array was already released");
  if (array->length < 0 || array->offset < 0) broken(column, "a length or offset is negative");
  if (array->length > most_rows || array->offset > most_rows) broken(column, "a length or offset is absurd");
  if (array->null_count < -1 || array->null_count > array->length)
    broken(column, "the null count is impossible");
  if (array->n_children < 0 || (array->n_children > 0 && array->children == nullptr))
    broken(column, "its child arrays are missing");
  if (array->n_buffers != buffers)
    broken(column, "it has " + std::to_string(array->n_buffers) + " buffers, its type needs " +
                       std::to_string(buffers));
  if (buffers > 0 && array->buffers == nullptr) broken(column, "its buffers are missing");
}

Leaf make_leaf(std::string_view column, const Format& storage, const Batch& batch, std::int64_t child) {
  const ArrowArray& parent = batch->value;
  const ArrowArray* array = parent.children[child];
  check_leaf(column, storage, array);
  if (array->length < parent.offset + parent.length) broken(column, "it is shorter than its batch");
  Leaf leaf;
  leaf.batch = batch;
  leaf.array = array;
  leaf.start = array->offset + parent.offset;
  leaf.length = parent.length;
  leaf.validity = leaf_validity(column, storage, *array);
  leaf.parent_validity = own_validity(column, parent);
  leaf.parent_start = parent.offset;
  return leaf;
}

Leaf dictionary_leaf(std::string_view column, const Format& values, const Leaf& indices) {
  const ArrowArray* array = indices.array->dictionary;
  if (array == nullptr) broken(column, "its dictionary is missing");
  check_leaf(column, values, array);
  Leaf leaf;
  leaf.batch = indices.batch;
  leaf.array = array;
  leaf.start = array->offset;
  leaf.length = array->length;
  leaf.validity = leaf_validity(column, values, *array);
  return leaf;
}

Texts::Texts(std::string_view column, const Format& format, const Leaf& leaf)
    : column_(column), kind_(format.kind), array_(leaf.array), start_(leaf.start) {
  const ArrowArray& array = *leaf.array;
  if (array.length == 0) return;
  const std::int64_t last = array.offset + array.length;
  if (kind_ == Kind::text32)
    end_ = load<std::int32_t>(array.buffers[1], last);
  else if (kind_ == Kind::text64)
    end_ = load<std::int64_t>(array.buffers[1], last);
  else if (array.n_buffers > 3 && array.buffers[array.n_buffers - 1] == nullptr)
    broken(column, "the sizes of its text buffers are missing");
  if (end_ < 0 || (end_ > 0 && array.buffers[2] == nullptr)) broken(column, "its text offsets are broken");
}

std::string_view Texts::by_view(std::int64_t element) const {
  const char* view = static_cast<const char*>(array_->buffers[1]) + element * 16;
  std::int32_t size = 0;
  std::memcpy(&size, view, sizeof size);
  if (size < 0) broken(column_, "a text has a negative length");
  if (size <= 12) return {view + 4, static_cast<std::size_t>(size)};
  std::int32_t buffer = 0;
  std::int32_t offset = 0;
  std::memcpy(&buffer, view + 8, sizeof buffer);
  std::memcpy(&offset, view + 12, sizeof offset);
  const std::int64_t buffers = array_->n_buffers - 3;
  if (buffer < 0 || buffer >= buffers || offset < 0)
    broken(column_, "a text view points outside its buffers");
  const auto* bytes = static_cast<const char*>(array_->buffers[2 + buffer]);
  const auto available = load<std::int64_t>(array_->buffers[array_->n_buffers - 1], buffer);
  if (bytes == nullptr || std::int64_t{offset} + size > available)
    broken(column_, "a text view points outside its buffers");
  return {bytes + offset, static_cast<std::size_t>(size)};
}

bool is_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
  for (std::size_t i = 0; i < text.size();) {
    // Eight ASCII bytes at a time.
    if (i + 8 <= text.size() && (load<std::uint64_t>(text.data() + i, 0) & 0x8080'8080'8080'8080U) == 0) {
      i += 8;
      continue;
    }
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      ++i;
    } else if (lead >= 0xC2 && lead <= 0xDF) {
      if (!continues(i + 1)) return false;
      i += 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      if (!continues(i + 1) || !continues(i + 2)) return false;
      const unsigned next = byte(i + 1);
      if ((lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F)) return false;
      i += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      if (!continues(i + 1) || !continues(i + 2) || !continues(i + 3)) return false;
      const unsigned next = byte(i + 1);
      if ((lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F)) return false;
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
