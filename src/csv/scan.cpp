#include "scan.hpp"

#include <algorithm>
#include <array>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace salesops {
inline namespace v0 {
namespace csv::detail {

namespace {

bool is_special(char c, char delimiter) noexcept {
  return c == delimiter || c == '\n' || c == '\r' || c == '"' || c == '\0';
}

std::string field_limit_text(std::int64_t limit) {
  return "a field of more than " + std::to_string(limit) +
         " bytes; if it is meant, raise limits.max_field_bytes";
}

}  // namespace

Specials::Specials(const char* begin, const char* end, char delimiter) noexcept
    : base_(begin), end_(end), delimiter_(delimiter) {
  if (begin != end) mask_ = mask_at(begin);
}

std::uint64_t Specials::mask_at(const char* at) const noexcept {
  std::uint64_t mask = 0;
#if defined(__SSE2__)
  if (end_ - at >= 64) {
    for (int part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * part));
      const auto is = [&](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
      const __m128i hits = _mm_or_si128(_mm_or_si128(is(delimiter_), is('"')),
                                        _mm_or_si128(_mm_or_si128(is('\n'), is('\r')), is('\0')));
      const auto bits = static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(hits)));
      mask |= bits << (16 * part);
    }
    return mask;
  }
#endif
  const auto count = std::min<std::ptrdiff_t>(64, end_ - at);
  for (std::ptrdiff_t i = 0; i < count; ++i)
    mask |= static_cast<std::uint64_t>(is_special(at[i], delimiter_)) << i;
  return mask;
}

bool Scanner::skip_blank() noexcept {
  if (at_ != end_ && *at_ == '\n') {
    specials_.next();
    at_ += 1;
    return true;
  }
  if (end_ - at_ >= 2 && at_[0] == '\r' && at_[1] == '\n') {
    specials_.next();
    specials_.next();
    at_ += 2;
    return true;
  }
  return false;
}

const char* Scanner::quoted_field(Field& field) {
  const char* open = specials_.next();
  field.quoted = true;
  field.data = open + 1;
  const char* close = nullptr;
  while (close == nullptr) {
    const char* special = specials_.next();
    if (special == end_) throw Fault{open, "the quote that opens here is never closed"};
    if (*special == '\0') throw Fault{special, "a NUL byte; text files hold none"};
    if (*special != '"') continue;
    if (special + 1 != end_ && special[1] == '"') {
      specials_.next();
      field.doubled = true;
    } else {
      close = special;
    }
  }
  if (close - field.data > dialect_.max_field_bytes)
    throw Fault{open, field_limit_text(dialect_.max_field_bytes)};
  field.length = static_cast<std::uint32_t>(close - field.data);
  if (close + 1 == end_) return end_;
  const char next = close[1];
  if (next != dialect_.delimiter && next != '\n' && next != '\r')
    throw Fault{close + 1, "text behind a closing quote; a quote inside a quoted field is written twice"};
  return specials_.next();
}

const char* Scanner::unquoted_field(Field& field) {
  field.data = at_;
  const char* special = specials_.next();
  while (special != end_ && *special == '"') {
    if (dialect_.on_quote == OnQuote::error)
      throw Fault{
          special,
          "a quote inside an unquoted field; quote the whole field, or set on_quote = keep to take it "
          "as a character"};
    special = specials_.next();
  }
  if (special - field.data > dialect_.max_field_bytes)
    throw Fault{field.data, field_limit_text(dialect_.max_field_bytes)};
  field.length = static_cast<std::uint32_t>(special - field.data);
  return special;
}

void Scanner::record(std::vector<Field>& fields) {
  const std::size_t before = fields.size();
  while (true) {
    Field field;
    const char* stop = at_ != end_ && *at_ == '"' ? quoted_field(field) : unquoted_field(field);
    fields.push_back(field);
    at_ = stop;
    if (stop == end_) return;
    if (*stop == '\0') throw Fault{stop, "a NUL byte; text files hold none"};
    at_ = stop + 1;
    if (*stop == '\n') return;
    if (*stop == '\r') {
      if (at_ == end_ || *at_ != '\n')
        throw Fault{stop, "a carriage return without a line feed; end lines with LF or CRLF"};
      specials_.next();
      ++at_;
      return;
    }
    if (static_cast<std::int64_t>(fields.size() - before) >= dialect_.max_columns)
      throw Fault{at_, "more than " + std::to_string(dialect_.max_columns) +
                           " fields in a line; if they are meant, raise limits.max_columns"};
  }
}

std::vector<std::string_view> split(std::string_view bytes, std::size_t piece_bytes, const Dialect& dialect,
                                    const Execution& execution) {
  const std::size_t pieces = dialect.on_quote == OnQuote::keep ? 1 : bytes.size() / piece_bytes + 1;
  std::vector<std::int64_t> quotes(pieces, 0);
  if (pieces > 1)
    for_blocks(pieces, execution, [&](std::size_t piece) {
      const auto part = bytes.substr(piece * piece_bytes, piece_bytes);
      quotes[piece] = std::count(part.begin(), part.end(), '"');
    });
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  bool inside = false;
  for (std::size_t piece = 1; piece < pieces; ++piece) {
    if (quotes[piece - 1] % 2 != 0) inside = !inside;
    bool quoted = inside;
    const std::size_t last = std::min(bytes.size(), (piece + 1) * piece_bytes);
    for (std::size_t i = piece * piece_bytes; i < last; ++i) {
      if (bytes[i] == '"') quoted = !quoted;
      if (bytes[i] != '\n' || quoted) continue;
      parts.push_back(bytes.substr(start, i + 1 - start));
      start = i + 1;
      break;
    }
  }
  if (start < bytes.size()) parts.push_back(bytes.substr(start));
  return parts;
}

namespace {

/// Fields of each of the first records; the last record is left out where the sample cuts it.
std::vector<std::size_t> field_counts(std::string_view sample, char delimiter) {
  const Dialect dialect{
      .delimiter = delimiter, .on_quote = OnQuote::keep, .max_columns = 1 << 20, .max_field_bytes = 1 << 30};
  std::vector<std::size_t> counts;
  std::vector<Field> fields;
  try {
    Scanner scanner(sample, dialect);
    while (!scanner.done() && counts.size() < 100) {
      if (scanner.skip_blank()) continue;
      fields.clear();
      scanner.record(fields);
      counts.push_back(fields.size());
    }
  } catch (const Fault&) {
    // The full read reports it, with its place.
  }
  return counts;
}

}  // namespace

char detect_delimiter(std::string_view bytes) {
  constexpr std::size_t sample_bytes = 1 << 16;
  std::string_view sample = bytes.substr(0, sample_bytes);
  if (sample.size() < bytes.size()) sample = sample.substr(0, sample.rfind('\n') + 1);
  char best = ',';
  std::pair<std::size_t, std::size_t> best_score{0, 0};
  for (const char candidate : {',', ';', '\t', '|'}) {
    const auto counts = field_counts(sample, candidate);
    if (counts.empty() || counts.front() < 2) continue;
    const auto same = static_cast<std::size_t>(std::count(counts.begin(), counts.end(), counts.front()));
    const std::pair score{same * 1000 / counts.size(), counts.front()};
    if (score > best_score) {
      best_score = score;
      best = candidate;
    }
  }
  return best;
}

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops
