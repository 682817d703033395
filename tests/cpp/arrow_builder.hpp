/// Hand-made Arrow structs that own all their memory and count their releases.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salesops/arrow/abi.hpp"

namespace arrow_test {

using Bytes = std::vector<std::uint8_t>;

struct Counts {
  int made = 0;
  int released = 0;
  [[nodiscard]] int live() const { return made - released; }
};

/// One field: its type and, for an array, its memory. A buffer of nothing is a null pointer.
struct Field {
  std::string format;
  std::string name;
  std::int64_t length = 0;
  std::int64_t null_count = 0;
  std::int64_t offset = 0;
  std::vector<std::optional<Bytes>> buffers;
  std::vector<Field> children;
  std::shared_ptr<Field> dictionary;
  std::string metadata;
};

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline Bytes bits_of(const std::vector<int>& bits) {
  Bytes bytes(bits.size() / 8 + 1);
  for (std::size_t i = 0; i < bits.size(); ++i)
    if (bits[i] != 0) bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] | (1U << (i % 8)));
  return bytes;
}

template <class T>
Field numbers(std::string format, std::string name, const std::vector<T>& values,
              std::optional<std::vector<int>> valid = std::nullopt) {
  Field field;
  field.format = std::move(format);
  field.name = std::move(name);
  field.length = static_cast<std::int64_t>(values.size());
  field.null_count = valid ? -1 : 0;
  field.buffers = {valid ? std::optional(bits_of(*valid)) : std::nullopt, bytes_of(values)};
  return field;
}

template <class Offset>
Field texts(std::string format, std::string name, const std::vector<std::string>& values,
            std::optional<std::vector<int>> valid = std::nullopt) {
  std::vector<Offset> offsets{0};
  Bytes bytes;
  for (const std::string& value : values) {
    bytes.insert(bytes.end(), value.begin(), value.end());
    offsets.push_back(static_cast<Offset>(bytes.size()));
  }
  Field field = numbers(std::move(format), std::move(name), offsets, std::move(valid));
  field.length = static_cast<std::int64_t>(values.size());
  field.buffers.emplace_back(std::move(bytes));
  return field;
}

/// String views: short ones inline, long ones by turns in two variadic buffers.
inline Field views(std::string name, const std::vector<std::string>& values) {
  Bytes cells;
  std::vector<Bytes> data(2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    Bytes cell(16);
    const auto size = static_cast<std::int32_t>(values[i].size());
    std::memcpy(cell.data(), &size, 4);
    std::memcpy(cell.data() + 4, values[i].data(),
                std::min<std::size_t>(values[i].size(), size <= 12 ? 12 : 4));
    if (size > 12) {
      const auto buffer = static_cast<std::int32_t>(i % 2);
      const auto offset = static_cast<std::int32_t>(data[i % 2].size());
      std::memcpy(cell.data() + 8, &buffer, 4);
      std::memcpy(cell.data() + 12, &offset, 4);
      data[i % 2].insert(data[i % 2].end(), values[i].begin(), values[i].end());
    }
    cells.insert(cells.end(), cell.begin(), cell.end());
  }
  Field field;
  field.format = "vu";
  field.name = std::move(name);
  field.length = static_cast<std::int64_t>(values.size());
  const std::vector<std::int64_t> sizes{static_cast<std::int64_t>(data[0].size()),
                                        static_cast<std::int64_t>(data[1].size())};
  field.buffers = {std::nullopt, cells, data[0], data[1], bytes_of(sizes)};
  return field;
}

template <class Index>
Field dictionary(std::string format, std::string name, const std::vector<Index>& codes, Field entries,
                 std::optional<std::vector<int>> valid = std::nullopt) {
  Field field = numbers(std::move(format), std::move(name), codes, std::move(valid));
  field.dictionary = std::make_shared<Field>(std::move(entries));
  return field;
}

inline Field batch(std::vector<Field> columns) {
  Field field;
  field.format = "+s";
  field.length = columns.empty() ? 0 : columns.front().length;
  field.buffers = {std::nullopt};
  field.children = std::move(columns);
  return field;
}

namespace detail {

struct Made {
  Field field;
  Counts* counts = nullptr;
  std::vector<const void*> buffers;
  std::vector<std::unique_ptr<ArrowSchema>> schemas;
  std::vector<std::unique_ptr<ArrowArray>> arrays;
  std::vector<ArrowSchema*> schema_pointers;
  std::vector<ArrowArray*> array_pointers;
};

template <class Struct>
void release_child(Struct* child) {
  if (child != nullptr && child->release != nullptr) child->release(child);
}

template <class Struct>
void release(Struct* given) {
  if (given->private_data == nullptr) std::abort();  // released twice
  auto* made = static_cast<Made*>(given->private_data);
  for (const auto& child : made->schemas) release_child(child.get());
  for (const auto& child : made->arrays) release_child(child.get());
  ++made->counts->released;
  delete made;
  given->private_data = nullptr;
  given->release = nullptr;
}

}  // namespace detail

inline void make_schema(const Field& field, ArrowSchema* out, Counts& counts) {
  auto made = std::make_unique<detail::Made>();
  made->field = field;
  made->counts = &counts;
  *out = ArrowSchema{};
  for (const Field& child : field.children) {
    made->schemas.push_back(std::make_unique<ArrowSchema>());
    made->schema_pointers.push_back(made->schemas.back().get());
    make_schema(child, made->schemas.back().get(), counts);
  }
  if (field.dictionary) {
    made->schemas.push_back(std::make_unique<ArrowSchema>());
    out->dictionary = made->schemas.back().get();
    make_schema(*field.dictionary, out->dictionary, counts);
  }
  ++counts.made;
  out->format = made->field.format.c_str();
  out->name = made->field.name.c_str();
  out->metadata = made->field.metadata.empty() ? nullptr : made->field.metadata.data();
  out->flags = ARROW_FLAG_NULLABLE;
  out->n_children = static_cast<std::int64_t>(field.children.size());
  out->children = made->schema_pointers.data();
  out->release = detail::release<ArrowSchema>;
  out->private_data = made.release();
}

inline void make_array(const Field& field, ArrowArray* out, Counts& counts) {
  auto made = std::make_unique<detail::Made>();
  made->field = field;
  made->counts = &counts;
  *out = ArrowArray{};
  for (const Field& child : field.children) {
    made->arrays.push_back(std::make_unique<ArrowArray>());
    made->array_pointers.push_back(made->arrays.back().get());
    make_array(child, made->arrays.back().get(), counts);
  }
  if (field.dictionary) {
    made->arrays.push_back(std::make_unique<ArrowArray>());
    out->dictionary = made->arrays.back().get();
    make_array(*field.dictionary, out->dictionary, counts);
  }
  for (const auto& buffer : made->field.buffers) made->buffers.push_back(buffer ? buffer->data() : nullptr);
  ++counts.made;
  out->length = field.length;
  out->null_count = field.null_count;
  out->offset = field.offset;
  out->n_buffers = static_cast<std::int64_t>(field.buffers.size());
  out->n_children = static_cast<std::int64_t>(field.children.size());
  out->buffers = made->buffers.data();
  out->children = made->array_pointers.data();
  out->release = detail::release<ArrowArray>;
  out->private_data = made.release();
}

struct Producer {
  Field schema;
  std::vector<Field> batches;
  int fail_at = -2;  ///< the batch at which get_next fails; -1 = get_schema
  std::string words;
};

namespace detail {

struct LiveStream {
  Producer producer;
  Counts* counts = nullptr;
  std::size_t next = 0;
  std::string last_error;
};

inline LiveStream& live(ArrowArrayStream* stream) { return *static_cast<LiveStream*>(stream->private_data); }

inline int fail(LiveStream& stream) {
  stream.last_error = stream.producer.words;
  return EIO;
}

}  // namespace detail

inline void make_stream(Producer producer, ArrowArrayStream* out, Counts& counts) {
  using detail::live;
  ++counts.made;
  out->private_data = new detail::LiveStream{std::move(producer), &counts, 0, {}};
  out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
    if (live(self).producer.fail_at == -1) return detail::fail(live(self));
    make_schema(live(self).producer.schema, schema, *live(self).counts);
    return 0;
  };
  out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
    auto& stream = live(self);
    if (stream.producer.fail_at == static_cast<int>(stream.next)) return detail::fail(stream);
    *array = ArrowArray{};
    if (stream.next < stream.producer.batches.size())
      make_array(stream.producer.batches[stream.next++], array, *stream.counts);
    return 0;
  };
  out->get_last_error = [](ArrowArrayStream* self) -> const char* { return live(self).last_error.c_str(); };
  out->release = [](ArrowArrayStream* self) {
    auto& stream = live(self);
    stream.last_error.assign(stream.last_error.size(), '#');  // the words are gone after the next call
    ++stream.counts->released;
    delete &stream;
    self->private_data = nullptr;
    self->release = nullptr;
  };
}

/// A stream of the batches under the first one's schema.
inline ArrowArrayStream stream_of(std::vector<Field> batches, Counts& counts) {
  ArrowArrayStream stream{};
  Producer producer;
  producer.schema = batches.front();
  producer.batches = std::move(batches);
  make_stream(std::move(producer), &stream, counts);
  return stream;
}

}  // namespace arrow_test
