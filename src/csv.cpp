#include "salesops/csv.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <random>
#include <set>

#include "csv/bytes.hpp"
#include "csv/convert.hpp"
#include "csv/scan.hpp"
#include "csv/text.hpp"
#include "salesops/money.hpp"

namespace salesops {
inline namespace v0 {
namespace csv {

namespace {

using namespace detail;

/// Small enough for a core's cache with its fields, large enough to pay for its dictionaries.
constexpr std::size_t block_bytes = std::size_t{1} << 19;

void check_options(const Options& options) {
  const auto code = static_cast<unsigned char>(options.delimiter);
  if (options.delimiter == '"' || options.delimiter == '\n' || options.delimiter == '\r' || code >= 0x80)
    throw UsageError("delimiter must be one ASCII character and none of quote, CR, LF (0 = detect)");
  const Limits& limits = options.limits;
  if (limits.max_bytes < 0 || limits.max_gzip_ratio < 1 || limits.max_columns < 1 ||
      limits.max_field_bytes < 0 || limits.max_field_bytes > std::numeric_limits<std::int32_t>::max())
    throw UsageError(
        "limits: max_gzip_ratio and max_columns are at least 1, max_field_bytes is at most 2^31 - 1");
  for (const auto& [name, type] : options.types)
    if (type.scale < 0 || type.scale > 18)
      throw UsageError("column '" + name + "': scale must be 0 to 18, not " + std::to_string(type.scale));
}

std::string stem(const std::string& path) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  for (const std::string_view ending : {".gz", ".csv", ".tsv", ".txt"})
    if (name.size() > ending.size() && name.ends_with(ending)) name.erase(name.size() - ending.size());
  return name;
}

/// A block of whole records on its way to columns.
struct Block {
  std::string_view bytes;
  std::size_t rows = 0;
  std::int64_t first_row = 0;
  bool utf8 = true;
  bool ascii = true;
  std::vector<Cells> columns;
  std::vector<Cases> ragged;
};

class Reader {
 public:
  Reader(std::string_view bytes, const Options& options, std::string file, std::string name)
      : options_(options),
        bytes_(bytes),
        file_(std::move(file)),
        name_(std::move(name)),
        issues_(options.issues),
        seed_(std::random_device{}()),
        converter_(options_, seed_) {}

  Result run(const Execution& execution);

 private:
  std::string_view open();
  std::string_view read_header(std::string_view body);
  void plan_columns();
  Fields tokenize(Block& block, bool report) const;
  void convert(Block& block);
  void convert_all(std::vector<Block>& blocks, const Execution& execution);
  void settle(Block& block);
  Column assemble(std::vector<Block>& blocks, std::size_t column, std::size_t rows);
  void collect_issues(const std::vector<Block>& blocks);
  void collect(const std::vector<Cases>& cases, std::int64_t first_row, std::string_view column);
  [[nodiscard]] std::string message(const Fault& fault) const;

  Options options_;
  std::string_view bytes_;
  std::string file_;
  std::string name_;
  Issues issues_;
  std::uint64_t seed_;
  Converter converter_;
  Dialect dialect_;
  std::vector<std::string> names_;
  std::vector<ColumnPlan> plans_;
};

std::string Reader::message(const Fault& fault) const {
  const std::string_view before = bytes_.substr(0, static_cast<std::size_t>(fault.at - bytes_.data()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto start = before.rfind('\n') + 1;  // npos + 1 is 0
  std::size_t column = before.size() - start + 1;
  if (line == 1 && bytes_.starts_with("\xEF\xBB\xBF")) column -= std::min<std::size_t>(3, column - 1);
  return file_ + ", line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + fault.text;
}

/// The text behind the byte order mark, with the dialect settled.
std::string_view Reader::open() {
  if (bytes_.starts_with("\xFF\xFE") || bytes_.starts_with("\xFE\xFF"))
    throw Fault{bytes_.data(), "the text is UTF-16; save it as UTF-8"};
  const std::string_view body = bytes_.starts_with("\xEF\xBB\xBF") ? bytes_.substr(3) : bytes_;
  dialect_ = {.delimiter = options_.delimiter != '\0' ? options_.delimiter : detect_delimiter(body),
              .on_quote = options_.on_quote,
              .max_columns = options_.limits.max_columns,
              .max_field_bytes = options_.limits.max_field_bytes};
  return body;
}

/// Names the columns; the text of the data rows.
std::string_view Reader::read_header(std::string_view body) {
  Scanner scanner(body, dialect_);
  while (scanner.skip_blank()) {
  }
  std::vector<Field> fields;
  if (!scanner.done()) scanner.record(fields);
  if (fields.empty() && options_.header)
    throw Fault{body.data() + body.size(), "no header line; the file is empty"};
  if (!options_.header) {
    for (std::size_t i = 0; i < fields.size(); ++i) names_.push_back("column_" + std::to_string(i + 1));
    return fields.empty() ? std::string_view() : body;
  }
  std::set<std::string> given;
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::string scratch;
    bool mended = false;
    std::string name(converter_.text(fields[i], false, false, scratch, mended));
    if (mended) issues_.add(name_, -1, name, "not_utf8", name);
    if (name.empty()) {
      name = "column_" + std::to_string(i + 1);
      issues_.add(name_, -1, name, "empty_name");
    }
    given.insert(name);
    wanted.push_back(std::move(name));
  }
  std::set<std::string> used;
  std::map<std::string, int> times;
  for (const std::string& name : wanted) {
    std::string unique = name;
    const auto taken = [&] {
      return (unique != name && given.contains(unique)) || !used.insert(unique).second;
    };
    while (taken()) unique = name + "_" + std::to_string(1 + std::max(1, ++times[name]));
    if (unique != name) issues_.add(name_, -1, unique, "duplicate_name", name);
    names_.push_back(unique);
  }
  return body.substr(static_cast<std::size_t>(scanner.at() - body.data()));
}

void Reader::plan_columns() {
  plans_ = std::vector<ColumnPlan>(names_.size());
  if (!options_.infer)
    for (ColumnPlan& plan : plans_) plan.fixed = ColumnType{};
  for (const auto& [name, type] : options_.types) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      const auto near = near_names(name, names_);
      throw UsageError("types names a column '" + name + "' that " + file_ + " does not have" +
                       (near.empty() ? std::string() : "; did you mean '" + near.front() + "'?"));
    }
    ColumnType& fixed = plans_[static_cast<std::size_t>(found - names_.begin())].fixed.emplace(type);
    if (type.type == Type::money)
      fixed.scale = type.currency.empty() ? 2 : Currency::from(type.currency).exponent();
  }
}

Fields Reader::tokenize(Block& block, bool report) const {
  if (block.bytes.size() > std::numeric_limits<std::uint32_t>::max())
    throw Fault{block.bytes.data(), "a record of more than 4 GiB starts here"};
  Fields fields;
  fields.columns = names_.size();
  fields.fields.reserve(block.bytes.size() / 8);
  Field missing;
  missing.missing = true;
  Scanner scanner(block.bytes, dialect_);
  while (!scanner.done()) {
    if (fields.columns > 1 && scanner.skip_blank()) continue;
    const std::size_t before = fields.fields.size();
    const char* start = scanner.at();
    scanner.record(fields.fields);
    const std::size_t found = fields.fields.size() - before;
    if (found != fields.columns) {
      const bool few = found < fields.columns;
      if (options_.on_ragged == OnRagged::error)
        throw Fault{
            few ? start : fields.fields[before + fields.columns].data,
            std::to_string(found) + (found == 1 ? " field in the line, but " : " fields in the line, but ") +
                std::to_string(fields.columns) +
                (options_.header ? " names in the header" : " fields in the first line") +
                "; mend the line, or set on_ragged = issue to " + (few ? "fill it with nulls" : "cut it")};
      if (report)
        add_case(block.ragged, few ? "too_few_fields" : "too_many_fields", fields.rows, std::to_string(found),
                 options_.issues);
      fields.fields.resize(before + fields.columns, missing);
    }
    ++fields.rows;
  }
  fields.utf8 = block.utf8;
  fields.ascii = block.ascii;
  return fields;
}

void Reader::convert(Block& block) {
  block.ascii = is_ascii(block.bytes);
  block.utf8 = block.ascii || options_.encoding != Encoding::utf8 || is_utf8(block.bytes);
  const Fields fields = tokenize(block, true);
  block.rows = fields.rows;
  block.columns.reserve(fields.columns);
  for (std::size_t column = 0; column < fields.columns; ++column)
    block.columns.push_back(converter_.column(fields, column, plans_[column]));
}

/// Of several faults the first in the file is thrown, whatever thread met it.
void Reader::convert_all(std::vector<Block>& blocks, const Execution& execution) {
  std::atomic<std::size_t> first_faulty{blocks.size()};
  std::optional<Fault> fault;
  std::mutex guard;
  for_blocks(blocks.size(), execution, [&](std::size_t i) {
    if (i > first_faulty.load(std::memory_order_relaxed)) return;
    try {
      convert(blocks[i]);
    } catch (const Fault& found) {
      const std::lock_guard lock(guard);
      if (i > first_faulty) return;
      first_faulty = i;
      fault = found;
    }
  });
  if (fault) throw Fault(*fault);
}

/// Reads again the columns of a block that later blocks gave another type.
void Reader::settle(Block& block) {
  std::vector<std::size_t> stale;
  for (std::size_t column = 0; column < plans_.size(); ++column)
    if (block.columns[column].type != plans_[column].type().type && !block.columns[column].blank)
      stale.push_back(column);
  if (stale.empty()) return;
  const Fields fields = tokenize(block, false);
  for (const std::size_t column : stale) {
    ColumnPlan settled;
    settled.kinds = plans_[column].kinds.load();
    block.columns[column] = converter_.column(fields, column, settled);
  }
}

/// The blocks' codes under one dictionary, in order of first sight.
Column assemble_strings(std::vector<Block>& blocks, std::size_t column, std::vector<std::int32_t> codes,
                        const std::vector<std::uint8_t>& valid, std::uint64_t seed) {
  Texts texts(seed);
  std::size_t at = 0;
  std::vector<std::int32_t> global;
  for (const Block& block : blocks) {
    const Cells& cells = block.columns[column];
    global.clear();
    for (std::size_t i = 0; i < cells.texts.size(); ++i) {
      texts.prefetch(cells.hashes[std::min(i + 16, cells.hashes.size() - 1)]);
      global.push_back(texts.code(cells.texts[i], cells.hashes[i]).first);
    }
    for (std::size_t row = 0; row < block.rows && !global.empty(); ++row)
      codes[at + row] = global[static_cast<std::size_t>(codes[at + row])];
    at += block.rows;
  }
  std::vector<std::int64_t> offsets{0};
  offsets.reserve(texts.texts().size() + 1);
  for (const auto text : texts.texts())
    offsets.push_back(offsets.back() + static_cast<std::int64_t>(text.size()));
  std::vector<char> bytes;
  bytes.reserve(static_cast<std::size_t>(offsets.back()));
  for (const auto text : texts.texts()) bytes.insert(bytes.end(), text.begin(), text.end());
  return Column::of_codes(std::move(codes),
                          std::make_shared<const Dictionary>(std::move(bytes), std::move(offsets)), valid);
}

template <class T>
std::vector<T> joined_values(const std::vector<Block>& blocks, std::size_t column, Type type,
                             std::size_t rows) {
  std::vector<T> values(rows);
  std::size_t at = 0;
  for (const Block& block : blocks) {
    const Cells& cells = block.columns[column];
    if (cells.type == type && block.rows > 0)
      std::memcpy(static_cast<void*>(values.data() + at), cells.values.data(), block.rows * sizeof(T));
    at += block.rows;
  }
  return values;
}

/// One byte a row, or none when all are valid.
std::vector<std::uint8_t> joined_validity(const std::vector<Block>& blocks, std::size_t column, Type type,
                                          std::size_t rows) {
  std::vector<std::uint8_t> valid;
  std::size_t at = 0;
  for (const Block& block : blocks) {
    const Cells& cells = block.columns[column];
    const bool all_null = cells.type != type;
    if ((all_null && block.rows > 0) || !cells.valid.empty()) {
      if (valid.empty()) valid.assign(rows, 1);
      if (all_null)
        std::fill_n(valid.begin() + static_cast<std::ptrdiff_t>(at), block.rows, std::uint8_t{0});
      else
        std::copy(cells.valid.begin(), cells.valid.end(), valid.begin() + static_cast<std::ptrdiff_t>(at));
    }
    at += block.rows;
  }
  return valid;
}

Column Reader::assemble(std::vector<Block>& blocks, std::size_t column, std::size_t rows) {
  const ColumnType type = plans_[column].type();
  const auto valid = joined_validity(blocks, column, type.type, rows);
  const auto of = [&]<class T>(T) {
    return Column::of(type.type, joined_values<T>(blocks, column, type.type, rows), valid);
  };
  switch (type.type) {
    case Type::boolean:
    case Type::uint8: return of(std::uint8_t{});
    case Type::int8: return of(std::int8_t{});
    case Type::int16: return of(std::int16_t{});
    case Type::uint16: return of(std::uint16_t{});
    case Type::int32:
    case Type::date: return of(std::int32_t{});
    case Type::uint32: return of(std::uint32_t{});
    case Type::int64:
    case Type::timestamp: return of(std::int64_t{});
    case Type::money: return of(std::int64_t{}).with_currency(type.currency);
    case Type::uint64: return of(std::uint64_t{});
    case Type::float32: return of(float{});
    case Type::float64: return of(double{});
    case Type::decimal: return of(Decimal128{}).with_scale(type.scale);
    case Type::string: break;
  }
  return assemble_strings(blocks, column, joined_values<std::int32_t>(blocks, column, type.type, rows), valid,
                          seed_);
}

void Reader::collect(const std::vector<Cases>& cases, std::int64_t first_row, std::string_view column) {
  for (const Cases& found : cases) {
    for (const auto& [row, value] : found.first)
      issues_.add(name_, first_row + static_cast<std::int64_t>(row), column, found.rule, value);
    const auto kept = static_cast<std::int64_t>(found.first.size());
    issues_.add_many(name_, first_row, column, found.rule, found.n - kept);
  }
}

void Reader::collect_issues(const std::vector<Block>& blocks) {
  for (const Block& block : blocks) {
    collect(block.ragged, block.first_row, "");
    for (std::size_t column = 0; column < names_.size(); ++column)
      collect(block.columns[column].cases, block.first_row, names_[column]);
  }
}

Result Reader::run(const Execution& execution) try {
  const std::string_view body = read_header(open());
  plan_columns();
  std::vector<Block> blocks;
  for (const auto piece : split(body, block_bytes, dialect_, part_of(execution, 0, 0.05))) {
    blocks.emplace_back();
    blocks.back().bytes = piece;
  }
  convert_all(blocks, part_of(execution, 0.05, 0.8));
  for_blocks(blocks.size(), part_of(execution, 0.8, 0.85), [&](std::size_t i) { settle(blocks[i]); });
  std::size_t rows = 0;
  for (Block& block : blocks) {
    block.first_row = static_cast<std::int64_t>(rows);
    rows += block.rows;
  }
  collect_issues(blocks);
  std::vector<std::pair<std::string, Column>> columns(names_.size());
  for_blocks(names_.size(), part_of(execution, 0.85, 1),
             [&](std::size_t column) { columns[column] = {names_[column], assemble(blocks, column, rows)}; });
  return {Table(std::move(columns)), std::move(issues_)};
} catch (const Fault& fault) {
  throw DataError(message(fault));
}

}  // namespace

Result read(const std::string& path, const Options& options) {
  check_options(options);
  const Bytes bytes = read_file(path, options.limits, part_of(options.execution, 0, 0.2));
  Reader reader(bytes.view(), options, path, options.name.empty() ? stem(path) : options.name);
  return reader.run(part_of(options.execution, 0.2, 1));
}

Result parse(std::string_view bytes, const Options& options) {
  check_options(options);
  const std::string name = options.name.empty() ? "csv" : options.name;
  Bytes text;
  if (is_gzip(bytes)) {
    text = gunzip(bytes, name, options.limits, part_of(options.execution, 0, 0.2));
    bytes = text.view();
  }
  if (static_cast<std::int64_t>(bytes.size()) > options.limits.max_bytes)
    throw DataError(name + ": more than " + std::to_string(options.limits.max_bytes) +
                    " bytes of text; if it is meant, raise limits.max_bytes");
  Reader reader(bytes, options, name, name);
  return reader.run(part_of(options.execution, 0.2, 1));
}

}  // namespace csv
}  // namespace v0
}  // namespace salesops
