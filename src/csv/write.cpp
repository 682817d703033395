#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>

#include "salesops/csv.hpp"
#include "salesops/money.hpp"
#include "text.hpp"

namespace salesops {
inline namespace v0 {
namespace csv {

namespace {

constexpr std::size_t block_rows = 16'384;

void check_options(const WriteOptions& options) {
  const auto code = static_cast<unsigned char>(options.delimiter);
  if (options.delimiter == '"' || options.delimiter == '\n' || options.delimiter == '\r' ||
      options.delimiter == '\0' || code >= 0x80)
    throw UsageError("delimiter must be one ASCII character and none of quote, CR, LF, NUL");
}

bool needs_quotes(std::string_view text, char delimiter) {
  return text.empty() || text.starts_with("\xEF\xBB\xBF") ||
         text.find_first_of("\"\r\n") != std::string_view::npos ||
         text.find(delimiter) != std::string_view::npos;
}

void append_text(std::string& out, std::string_view text, const WriteOptions& options) {
  const bool guard = options.guard && detail::needs_guard(text);
  if (!needs_quotes(text, options.delimiter)) {
    if (guard) out.push_back('\'');
    out += text;
    return;
  }
  out.push_back('"');
  if (guard) out.push_back('\'');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

template <class Real>
void append_real(std::string& out, Real value) {
  if (std::isnan(value)) return;
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
  if (std::all_of(text, end, [](char c) { return c == '-' || (c >= '0' && c <= '9'); })) out += ".0";
}

/// Minor units in major ones, without a float.
void append_money(std::string& out, std::int64_t minor, int decimals) {
  const bool negative = minor < 0;
  const auto magnitude = negative ? -static_cast<std::uint64_t>(minor) : static_cast<std::uint64_t>(minor);
  std::string digits = std::to_string(magnitude);
  const auto places = static_cast<std::size_t>(decimals);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, 1, '.');
  if (negative) out.push_back('-');
  out += digits;
}

/// Decimals of each row of a money column: those of its currency, or of the table's `currency` column row
/// by row; two where no currency is known.
class MoneyDecimals {
 public:
  MoneyDecimals(const Table& table, const Column& column) : shared_(decimals_of(column.currency())) {
    if (column.type() != Type::money || !column.currency().empty()) return;
    const Column* currencies = table.find("currency");
    if (currencies == nullptr || currencies->type() != Type::string) return;
    currencies_ = currencies;
    for (std::size_t code = 0; code < currencies->dictionary().size(); ++code)
      by_code_.push_back(decimals_of(currencies->dictionary()[code]));
  }

  [[nodiscard]] int at(std::size_t row) const {
    if (currencies_ == nullptr || currencies_->is_null(row)) return shared_;
    return by_code_[static_cast<std::size_t>(currencies_->values<std::int32_t>()[row])];
  }

 private:
  static int decimals_of(std::string_view code) {
    const auto currency = Currency::find(code);
    return currency ? currency->exponent() : 2;
  }

  int shared_;
  const Column* currencies_ = nullptr;
  std::vector<int> by_code_;
};

/// A column ready to be written.
struct Prepared {
  const Column* column;
  std::vector<std::string> texts;  ///< of a string column, by code
  MoneyDecimals decimals;
};

/// Appends a valid cell; texts are quoted and guarded already.
void append_value(std::string& out, const Prepared& from, std::size_t row) {
  const Column& column = *from.column;
  switch (column.type()) {
    case Type::string:
      out += from.texts[static_cast<std::size_t>(column.values<std::int32_t>()[row])];
      return;
    case Type::float32: return append_real(out, column.values<float>()[row]);
    case Type::float64: return append_real(out, column.values<double>()[row]);
    case Type::money: return append_money(out, column.values<std::int64_t>()[row], from.decimals.at(row));
    default: out += column.cell(row);
  }
}

/// A number or date with a delimiter in it (such as the decimal point) is quoted like a text.
void append_cell(std::string& out, const Prepared& from, std::size_t row, const WriteOptions& options) {
  const std::size_t start = out.size();
  append_value(out, from, row);
  if (from.column->type() == Type::string || out.find(options.delimiter, start) == std::string::npos) return;
  out.insert(start, 1, '"');
  out.push_back('"');
}

std::string_view line_end(const WriteOptions& options) { return options.crlf ? "\r\n" : "\n"; }

std::string header_line(const Table& table, const WriteOptions& options) {
  std::string out;
  if (!options.header || table.num_columns() == 0) return out;
  for (const auto& [name, column] : table.columns()) {
    if (name.find('\0') != std::string::npos) throw UsageError("a column name holds a NUL byte; rename it");
    if (!out.empty()) out.push_back(options.delimiter);
    append_text(out, name, options);
  }
  out += line_end(options);
  return out;
}

/// The distinct texts of a string column as they are written.
std::vector<std::string> written_texts(const std::string& name, const Column& column,
                                       const WriteOptions& options) {
  std::vector<std::string> texts;
  if (column.type() != Type::string) return texts;
  const Dictionary& dictionary = column.dictionary();
  texts.resize(dictionary.size());
  for (std::size_t code = 0; code < dictionary.size(); ++code) {
    if (dictionary[code].find('\0') != std::string_view::npos)
      throw UsageError("column '" + name +
                       "' holds a text with a NUL byte, which CSV can't carry; take it out");
    append_text(texts[code], dictionary[code], options);
  }
  return texts;
}

std::vector<Prepared> prepare(const Table& table, const WriteOptions& options) {
  std::vector<Prepared> columns;
  for (const auto& [name, column] : table.columns())
    columns.push_back({&column, written_texts(name, column, options), MoneyDecimals(table, column)});
  return columns;
}

void append_rows(std::string& out, const std::vector<Prepared>& columns, std::size_t first, std::size_t last,
                 const WriteOptions& options) {
  for (std::size_t row = first; row < last; ++row) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (c > 0) out.push_back(options.delimiter);
      if (!columns[c].column->is_null(row)) append_cell(out, columns[c], row, options);
    }
    out += line_end(options);
  }
}

using Sink = std::function<void(std::string_view)>;

/// Blocks are made in parallel, a few at a time, and leave in order.
void emit(const Table& table, const WriteOptions& options, const Sink& sink) {
  check_options(options);
  sink(header_line(table, options));
  if (table.num_columns() == 0) return;
  const std::vector<Prepared> columns = prepare(table, options);
  const std::size_t rows = table.num_rows();
  const int threads = options.execution.threads > 0 ? options.execution.threads : default_threads();
  const auto batch_rows = block_rows * 4 * static_cast<std::size_t>(threads);
  Execution quiet = options.execution;
  quiet.progress = nullptr;
  for (std::size_t first = 0; first < rows; first += batch_rows) {
    const std::size_t last = std::min(rows, first + batch_rows);
    std::vector<std::string> blocks((last - first + block_rows - 1) / block_rows);
    for_rows(last - first, block_rows, quiet, [&](std::size_t begin, std::size_t end) {
      append_rows(blocks[begin / block_rows], columns, first + begin, first + end, options);
    });
    for (const std::string& block : blocks) sink(block);
    if (options.execution.progress)
      options.execution.progress(static_cast<double>(last) / static_cast<double>(rows));
  }
}

/// A file that takes its name when it is whole, and leaves nothing when it is not.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path), target_(path) {
    struct stat facts{};
    const bool special = ::stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode);
    if (!special) target_ += ".part-" + std::to_string(::getpid());
    descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (special ? 0 : O_TRUNC), 0666);
    if (descriptor_ < 0) fail();
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!kept_ && target_ != path_) ::unlink(target_.c_str());
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) fail();
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void keep() {
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0 || (target_ != path_ && ::rename(target_.c_str(), path_.c_str()) != 0)) fail();
    kept_ = true;
  }

 private:
  [[noreturn]] void fail() const { throw DataError("can't write " + path_ + ": " + std::strerror(errno)); }

  std::string path_;
  std::string target_;
  int descriptor_ = -1;
  bool kept_ = false;
};

}  // namespace

std::string format(const Table& table, const WriteOptions& options) {
  std::string text;
  emit(table, options, [&](std::string_view block) { text += block; });
  return text;
}

void write(const Table& table, const std::string& path, const WriteOptions& options) {
  OutputFile file(path);
  emit(table, options, [&](std::string_view block) { file.write(block); });
  file.keep();
}

}  // namespace csv
}  // namespace v0
}  // namespace salesops
