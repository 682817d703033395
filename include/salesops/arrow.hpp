/// @file arrow.hpp
/// Tables in and out through the Arrow C interfaces: any dataframe library, no dependency.
///
/// **In.** `import_stream` reads a whole stream of record batches into one `Table`.
///
/// | Arrow format                         | column        | memory                                      |
/// |--------------------------------------|---------------|---------------------------------------------|
/// | `c C s S i I l L f g`                | same number   | borrowed                                    |
/// | `e` (float16)                        | float32       | converted, exact                            |
/// | `b`                                  | boolean       | converted, bits to bytes                    |
/// | `tdD`                                | date          | borrowed                                    |
/// | `tdm` (date64)                       | date          | converted, rounded down to the day          |
/// | `tsu:*`                              | timestamp     | borrowed                                    |
/// | `tss tsm tsn` `:*`                   | timestamp     | converted, rounded down to the microsecond  |
/// | `d:p,s` with s ≥ 0                   | decimal       | borrowed                                    |
/// | `d:p,s` with s < 0 or 32, 64, 256 bit| decimal       | converted; must fit 128 bits                |
/// | `u U vu`                             | string        | hashed into codes, in order of first sight  |
/// | dictionary of `u U vu`               | string        | codes in the order of the dictionaries; int32
/// codes of one batch are borrowed | | dictionary of another type above     | that type     | decoded | | `n`
/// | float64       | all null                                    |
///
/// *Borrowed* holds for a stream with one non-empty batch whose buffers are aligned; the batch then
/// lives as long as any column borrowed from it. Several batches are joined once. Any other format
/// (times, durations, binary, lists, structs, maps, unions, run-end encoding) and extension types other
/// than `arrow.json` are unsupported: such a column raises `DataError` when `columns` asks for it and
/// is left out, with an `unsupported_type` issue, when it doesn't.
///
/// A null of the batch itself (struct-level validity) is a null in all columns. A timestamp without a
/// zone is read as UTC and noted as issue `naive_timestamp`. Pandas' nameless index
/// (`__index_level_0__`, …) is left out unless asked for.
///
/// Checked: released structs, counts, lengths, offsets, null pointers, text offsets, view bounds,
/// dictionary codes, UTF-8 of each distinct string, overflow of every conversion (`DataError` names the
/// column). The sizes of the producer's buffers can't be seen through the interface and are trusted.
///
/// **Out.** `export_stream` gives one batch that shares the table's memory: numbers, dates, timestamps
/// and decimals aren't copied; booleans are packed into bits, plain strings are written out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salesops/arrow/abi.hpp"
#include "salesops/issues.hpp"
#include "salesops/parallel.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow {

struct ImportOptions {
  /// The columns to read, in this order; all by default. `UsageError` when one is missing.
  std::optional<std::vector<std::string>> columns = std::nullopt;
  /// Takes `unsupported_type` and `naive_timestamp` (one a column, row -1), if given.
  Issues* issues = nullptr;
  /// What issues call the table.
  std::string table = "input";
  Execution execution = {};
};

/// How amounts leave: as float64 in major units (nearest double), or as exact decimal128.
enum class MoneyFormat : std::uint8_t { float64, decimal128 };
/// How strings leave: written out as large_utf8, or as int32 codes with their dictionary.
enum class StringFormat : std::uint8_t { large_utf8, dictionary };

struct ExportOptions {
  MoneyFormat money = MoneyFormat::float64;
  StringFormat strings = StringFormat::large_utf8;
};

/// Reads the stream to its end and releases it, also when it throws. `DataError` with the producer's
/// words when it fails; `UsageError` when the stream was already read or isn't one of record batches.
Table import_stream(ArrowArrayStream* stream, const ImportOptions& options = {});

/// Takes over one record batch and its schema; both are released, also when it throws.
Table import_array(ArrowSchema* schema, ArrowArray* array, const ImportOptions& options = {});

/// Fills `out`, which the consumer releases. It and its batches may outlive `table` and be read and
/// released from any thread.
void export_stream(const Table& table, ArrowArrayStream* out, const ExportOptions& options = {});

}  // namespace arrow
}  // namespace v0
}  // namespace salesops
