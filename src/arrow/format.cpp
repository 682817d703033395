#include "format.hpp"

#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

namespace salesops {
inline namespace v0 {
namespace arrow::detail {

namespace {

Format unsupported(const char* remedy) {
  Format format;
  format.remedy = remedy;
  return format;
}

Format plain(Type type) {
  return {.kind = Kind::plain, .type = type, .width = static_cast<int>(type_width(type))};
}

Format timestamp(std::string_view text) {
  if (text.size() < 4 || text[3] != ':') return unsupported("its format is malformed; mend the producer");
  Format format{.kind = Kind::timestamp, .type = Type::timestamp, .width = 8, .naive = text.size() == 4};
  switch (text[2]) {
    case 's': format.multiply = 1'000'000; break;
    case 'm': format.multiply = 1'000; break;
    case 'u': format.kind = Kind::plain; break;
    case 'n': format.divide = 1'000; break;
    default: return unsupported("its format is malformed; mend the producer");
  }
  return format;
}

/// `d:precision,scale[,bits]`
Format decimal(std::string_view text) {
  std::vector<int> numbers;
  const char* at = text.data() + 2;
  const char* end = text.data() + text.size();
  while (text.size() > 2) {
    int number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || numbers.size() == 3) return unsupported("its format is malformed");
    numbers.push_back(number);
    if (next == end) break;
    if (*next != ',') return unsupported("its format is malformed");
    at = next + 1;
  }
  if (numbers.size() < 2) return unsupported("its format is malformed");
  const int bits = numbers.size() == 3 ? numbers[2] : 128;
  const int scale = numbers[1];
  if (bits != 32 && bits != 64 && bits != 128 && bits != 256) return unsupported("its format is malformed");
  if (scale < -38 || scale > 38) return unsupported("cast it to decimal128 with a scale of at most 38");
  const bool ready = bits == 128 && scale >= 0;
  return {
      .kind = ready ? Kind::plain : Kind::decimal, .type = Type::decimal, .width = bits / 8, .scale = scale};
}

Format one_letter(char letter) {
  switch (letter) {
    case 'n': return {.kind = Kind::null, .type = Type::float64};
    case 'b': return {.kind = Kind::boolean, .type = Type::boolean};
    case 'c': return plain(Type::int8);
    case 'C': return plain(Type::uint8);
    case 's': return plain(Type::int16);
    case 'S': return plain(Type::uint16);
    case 'i': return plain(Type::int32);
    case 'I': return plain(Type::uint32);
    case 'l': return plain(Type::int64);
    case 'L': return plain(Type::uint64);
    case 'e': return {.kind = Kind::float16, .type = Type::float32, .width = 2};
    case 'f': return plain(Type::float32);
    case 'g': return plain(Type::float64);
    case 'u': return {.kind = Kind::text32, .type = Type::string};
    case 'U': return {.kind = Kind::text64, .type = Type::string};
    case 'z':
    case 'Z': return unsupported("binary: decode it to text, or leave it out");
    default: return unsupported("leave it out");
  }
}

std::optional<std::int32_t> read_count(const char*& at) {
  std::int32_t count = 0;
  std::memcpy(&count, at, sizeof count);
  at += sizeof count;
  if (count < 0) return std::nullopt;
  return count;
}

}  // namespace

Format parse_format(std::string_view format) {
  if (format.size() == 1) return one_letter(format.front());
  if (format == "vu") return {.kind = Kind::text_view, .type = Type::string};
  if (format == "vz") return unsupported("binary: decode it to text, or leave it out");
  if (format == "tdD") return plain(Type::date);
  if (format == "tdm") return {.kind = Kind::date64, .type = Type::date, .width = 8};
  if (format.starts_with("ts")) return timestamp(format);
  if (format.starts_with("d:")) return decimal(format);
  if (format.starts_with("tt"))
    return unsupported("time of day: add it to its date, or cast it to an integer");
  if (format.starts_with("tD") || format.starts_with("ti"))
    return unsupported("duration: cast it to an integer or a number of days");
  if (format.starts_with("+r")) return unsupported("run-end encoded: decode it first");
  if (format.starts_with('+')) return unsupported("nested: take its fields or elements out into own columns");
  if (format.starts_with("w:")) return unsupported("binary: decode it to text, or leave it out");
  return unsupported("leave it out");
}

Format column_format(const ArrowSchema& schema) {
  const std::string extension = extension_name(schema.metadata);
  if (!extension.empty() && extension != "arrow.json")
    return unsupported("extension type: cast it to its storage type or to text");
  const ArrowSchema* dictionary = schema.dictionary;
  if (dictionary == nullptr) return parse_format(schema.format);
  if (dictionary->format == nullptr || dictionary->dictionary != nullptr)
    return unsupported("its dictionary is malformed or nested; decode it first");
  const Format index = parse_format(schema.format);
  const bool integer = index.kind == Kind::plain && index.type >= Type::int8 && index.type <= Type::uint64;
  if (!integer) return unsupported("its dictionary has no integer index; decode it first");
  return parse_format(dictionary->format);
}

std::string extension_name(const char* metadata) {
  if (metadata == nullptr) return {};
  constexpr std::string_view key = "ARROW:extension:name";
  const auto pairs = read_count(metadata);
  for (std::int32_t i = 0; pairs && i < *pairs; ++i) {
    const auto key_size = read_count(metadata);
    if (!key_size) return {};
    const std::string_view name(metadata, static_cast<std::size_t>(*key_size));
    metadata += *key_size;
    const auto value_size = read_count(metadata);
    if (!value_size) return {};
    if (name == key) return {metadata, static_cast<std::size_t>(*value_size)};
    metadata += *value_size;
  }
  return {};
}

}  // namespace arrow::detail
}  // namespace v0
}  // namespace salesops
