// Report exports: where the table begins, and which rows are no data.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "read.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

/// `name_key`s of all columns that a mapping of a table knows.
std::set<std::string> known_names(const ingest::TableMapping& mapping);

/// A table whose header stands in one of its first rows, with that header; `origin` are its rows' numbers.
Table under_header(const Table& raw, const std::set<std::string>& known, std::string_view name,
                   Issues& issues, std::vector<std::int64_t>& origin);

/// Rows that are data: not blank, no repeated header, no footer and no summary.
std::vector<std::uint8_t> data_rows(const Table& table, const ingest::TableMapping& table_mapping,
                                    const Reading& reading);

}  // namespace ingest_detail
}  // namespace v0
}  // namespace salesops
