/// @file csv.hpp
/// Comma-separated files to tables and back.
///
/// The format is RFC 4180, read strictly: records end with LF or CRLF, a field may be put in double
/// quotes, a quote inside a quoted field is doubled. A byte order mark is skipped and the last line
/// needs no newline. Text that breaks the format throws `DataError` with file, line and column (both from
/// 1; the column counts bytes), for a file read wrongly is worse than one not read: a lone CR outside
/// quotes, a quote inside an unquoted field, text behind a closing quote, a quote never closed, a NUL
/// byte, a line with too few or too many fields. Blank lines are skipped, except in a table of one
/// column, where each is a row.
///
/// Cells that don't fit the type asked of their column are not errors: they become null and a row of
/// `Issues`. Row numbers count data rows from 0, the header not counted.
///
/// | rule               | meaning                                                                  |
/// |--------------------|--------------------------------------------------------------------------|
/// | `not_a_number`     | no number of the column's type, or out of its range; null                 |
/// | `too_many_decimals`| more decimals than a decimal or money column has; null                    |
/// | `not_a_boolean`    | none of true, false, 1, 0; null                                           |
/// | `not_a_date`       | no ISO 8601 day, or a day that doesn't exist; null                        |
/// | `not_a_timestamp`  | no ISO 8601 instant; null                                                 |
/// | `not_utf8`         | bytes that are no UTF-8 were replaced by U+FFFD                           |
/// | `too_few_fields`   | `on_ragged = issue`: the missing fields are null                          |
/// | `too_many_fields`  | `on_ragged = issue`: the fields past the last column were cut             |
/// | `duplicate_name`   | a header name came again and got a number behind it                       |
/// | `empty_name`       | a header name was empty and became `column_N`                             |
///
/// Types are inferred from all rows, never from a sample. A column is
/// - boolean if each cell is true or false (also True, False, TRUE, FALSE);
/// - int64 if each cell is an integer in range, written without leading zeros or a plus sign;
/// - float64 if each cell is a decimal number, and no integer among them is beyond 2^53 (it would lose
///   digits);
/// - date if each cell is `YYYY-MM-DD`, timestamp if each is a date or an ISO instant;
/// - string otherwise: `007`, `+49 30 1`, `12345678901234567890`, `NaN` stay as they are.
///
/// An empty field is null; a quoted empty field is the empty string in a string column and null in any
/// other. A column without any value is a string column of nulls.
///
/// The table is the same for any number of threads, to the code of each string (order of first sight).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/issues.hpp"
#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace csv {

enum class Encoding : std::uint8_t {
  utf8,    ///< checked; bytes that are no UTF-8 become U+FFFD and an issue
  latin1,  ///< ISO 8859-1: each byte is the code point of its number
};

enum class OnRagged : std::uint8_t {
  error,  ///< a line with too few or too many fields throws `DataError`
  issue,  ///< it is padded with nulls or cut, and named in the issues
};

enum class OnQuote : std::uint8_t {
  error,  ///< a quote inside an unquoted field throws `DataError`
  keep,   ///< it is a character like others (5" pipe); the file is then read by one thread
};

/// The type a column shall have.
struct ColumnType {
  Type type = Type::string;
  int scale = 2;              ///< digits behind the point of a decimal column, 0 to 18
  std::string currency = {};  ///< ISO 4217 code of a money column; without one it has two decimals
};

/// What protects the host against hostile or damaged input; each `DataError` names its field.
struct Limits {
  std::int64_t max_bytes = std::int64_t{10} << 30;         ///< of the text, after decompression
  std::int64_t max_gzip_ratio = 1000;                      ///< text bytes per compressed byte …
  std::int64_t gzip_ratio_floor = std::int64_t{64} << 20;  ///< … once the text is this long
  std::int64_t max_columns = 10'000;
  std::int64_t max_field_bytes = std::int64_t{16} << 20;
};

struct Options {
  char delimiter = ',';  ///< 0 = the one of , ; TAB | that cuts the first lines most evenly
  bool header = true;    ///< false: the columns are named column_1, column_2, …
  Encoding encoding = Encoding::utf8;
  std::vector<std::string> null_texts = {""};    ///< unquoted fields that are null
  std::map<std::string, ColumnType> types = {};  ///< by column name, as it stands in the table
  bool infer = true;                             ///< false: columns not named in `types` are strings
  OnRagged on_ragged = OnRagged::error;
  OnQuote on_quote = OnQuote::error;
  bool strip_guard = false;  ///< take off the apostrophe that `write` puts before formula characters
  std::string name = {};     ///< the table's name in issues and errors; empty: the file's stem, or "csv"
  Limits limits = {};
  IssueOptions issues = {};
  Execution execution = {};
};

struct Result {
  Table table;
  Issues issues;
};

/// Reads a file; gzip is recognised by its first bytes. Throws `UsageError` for a file that is not there,
/// an option that can't be or a column in `types` that is not in the file, `DataError` for a file that
/// can't be read or breaks the format, `Cancelled`.
Result read(const std::string& path, const Options& options = {});

/// The same from memory. The result holds no reference to `bytes`.
Result parse(std::string_view bytes, const Options& options = {});

struct WriteOptions {
  char delimiter = ',';
  bool header = true;
  /// Spreadsheets run a text that begins with = + - @ (or TAB, CR, LF before one) as a formula, quoted or
  /// not (CWE-1236). With `guard`, an apostrophe is put before such texts and names; numbers stay as they
  /// are. `Options::strip_guard` takes it off again without loss.
  bool guard = true;
  bool crlf = false;  ///< end lines with CRLF, as RFC 4180 has it, instead of LF
  Execution execution = {};
};

/// The table as CSV text. Null and NaN are empty, the empty string is `""`; dates and timestamps are ISO
/// 8601; a float is its shortest text that reads back as the same float, with `.0` if it is whole;
/// decimals have all their digits, money is in major units with the decimals of its currency (the column's,
/// or the table's `currency` column row by row; two where neither is known). Fields are quoted only where
/// they must be. Throws `UsageError` for a text with a NUL byte, which no reader takes.
std::string format(const Table& table, const WriteOptions& options = {});

/// The same into a file. A regular file takes its name only once it is whole: nothing is left behind, and
/// an older file stays, when the call throws `DataError` (disk full, no permission) or `Cancelled`.
void write(const Table& table, const std::string& path, const WriteOptions& options = {});

}  // namespace csv
}  // namespace v0
}  // namespace salesops
