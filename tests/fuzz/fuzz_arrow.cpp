// Imports record batches whose structs are mutated but whose memory is safe: every buffer is as long as
// any count, offset or view that passes the checks can reach. What may come out is a table or an error.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "../cpp/arrow_builder.hpp"
#include "salesops/arrow.hpp"

namespace {

using arrow_test::Bytes;
using arrow_test::Field;

constexpr std::size_t most_rows = 64;
constexpr std::size_t buffer_bytes = 4096;

class Source {
 public:
  Source(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
  /// Mostly a number below `limit`, now and then one that no array should have.
  std::int64_t count(std::int64_t limit) {
    constexpr std::array<std::int64_t, 4> wild{-1, INT64_MIN, INT64_MAX, std::int64_t{1} << 50};
    const std::uint8_t choice = byte();
    return choice >= 0xF0 ? wild[choice % wild.size()] : choice % limit;
  }
  /// Mostly -1 (not counted), 0 or 1.
  std::int64_t null_count() {
    const std::int64_t nulls = count(3);
    return nulls == INT64_MIN ? nulls : nulls - 1;
  }
  bool rarely() { return byte() >= 0xF0; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

/// The first bytes are the input's, the others zero.
Bytes filled(Source& source, std::size_t from_input) {
  Bytes bytes(buffer_bytes);
  for (std::size_t i = 0; i < from_input; ++i) bytes[i] = source.byte();
  return bytes;
}

/// Offsets small enough for the data buffer: a signed byte each.
template <class Offset>
Bytes offsets(Source& source) {
  std::vector<Offset> values;
  for (std::size_t i = 0; i < 2 * most_rows + 2; ++i)
    values.push_back(static_cast<Offset>(static_cast<std::int8_t>(source.byte())));
  return arrow_test::bytes_of(values);
}

constexpr std::array<const char*, 36> formats{
    "n",         "b",          "c",       "C",       "s",    "S",   "i",   "I",     "l",
    "L",         "e",          "f",       "g",       "u",    "U",   "vu",  "z",     "tdD",
    "tdm",       "tss:",       "tsm:UTC", "tsu:UTC", "tsn:", "tts", "tDs", "d:9,2", "d:9,2,32",
    "d:18,4,64", "d:76,2,256", "d:38,-5", "d:,",     "+l",   "+s",  "w:4", "ts",    ""};

Field field(Source& source, int depth) {
  Field result;
  result.format = formats[source.byte() % formats.size()];
  result.name = std::string(1, static_cast<char>('a' + source.byte() % 8));
  result.length = source.count(most_rows);
  result.offset = source.count(4);
  result.null_count = source.null_count();
  result.buffers.emplace_back(source.rarely() ? std::nullopt : std::optional(filled(source, 8)));
  if (result.format == "u") {
    result.buffers.emplace_back(offsets<std::int32_t>(source));
    result.buffers.emplace_back(filled(source, 16));
  } else if (result.format == "U") {
    result.buffers.emplace_back(offsets<std::int64_t>(source));
    result.buffers.emplace_back(filled(source, 16));
  } else if (result.format == "vu") {
    result.buffers.emplace_back(filled(source, 64));
    result.buffers.emplace_back(filled(source, 16));
    result.buffers.emplace_back(arrow_test::bytes_of<std::int64_t>({buffer_bytes}));
  } else if (result.format != "n") {
    result.buffers.emplace_back(filled(source, 32));
  }
  for (auto& buffer : result.buffers)
    if (source.rarely()) buffer.reset();
  if (source.rarely()) result.buffers.pop_back();
  if (depth == 0 && source.byte() % 4 == 0) result.dictionary = std::make_shared<Field>(field(source, 1));
  if (source.rarely() && depth == 0) result.children.push_back(field(source, 1));
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Source source(data, size);
  arrow_test::Counts counts;
  {
    arrow_test::Producer producer;
    const std::size_t columns = source.byte() % 3 + 1U;
    const std::size_t batches = source.byte() % 3;
    for (std::size_t i = 0; i <= batches; ++i) {
      Field rows;
      rows.format = source.rarely() ? "l" : "+s";
      rows.length = source.count(most_rows);
      rows.offset = source.count(3);
      rows.null_count = source.null_count();
      rows.buffers = {source.rarely() ? std::nullopt : std::optional(filled(source, 8))};
      for (std::size_t column = 0; column < columns; ++column) {
        rows.children.push_back(field(source, 0));
        if (i == 0) continue;
        // The arrays of a stream are laid out by its schema; so is the memory here.
        const Field& first = producer.schema.children[column];
        if (first.format != rows.children[column].format) rows.children[column] = first;
        if ((first.dictionary == nullptr) != (rows.children[column].dictionary == nullptr) ||
            (first.dictionary && first.dictionary->format != rows.children[column].dictionary->format))
          rows.children[column].dictionary = first.dictionary;
      }
      if (i == 0) producer.schema = rows;
      producer.batches.push_back(std::move(rows));
    }
    producer.fail_at = source.rarely() ? source.byte() % 4 - 1 : -2;
    producer.words = "no more";
    ArrowArrayStream stream{};
    arrow_test::make_stream(std::move(producer), &stream, counts);
    try {
      const auto table = salesops::arrow::import_stream(&stream);
      ArrowArrayStream again{};
      salesops::arrow::export_stream(table, &again);
      const auto twice = salesops::arrow::import_stream(&again);
      if (twice.num_rows() != table.num_rows() || twice.names() != table.names()) std::abort();
    } catch (const salesops::Error&) {
      // a clear refusal is an answer
    }
  }
  if (counts.live() != 0) std::abort();
  return 0;
}
