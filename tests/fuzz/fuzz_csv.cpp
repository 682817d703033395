// The first byte chooses options, the rest is the file. What is read must be whole, and must survive being
// written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "salesops/csv.hpp"

using namespace salesops;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

csv::Options options_of(std::uint8_t bits) {
  csv::Options options;
  options.header = (bits & 1) != 0;
  options.delimiter = (bits & 2) != 0 ? '\0' : ',';
  options.infer = (bits & 4) != 0;
  options.on_ragged = (bits & 8) != 0 ? csv::OnRagged::issue : csv::OnRagged::error;
  options.on_quote = (bits & 16) != 0 ? csv::OnQuote::keep : csv::OnQuote::error;
  options.encoding = (bits & 32) != 0 ? csv::Encoding::latin1 : csv::Encoding::utf8;
  options.strip_guard = (bits & 64) != 0;
  options.limits.max_bytes = 1 << 20;
  options.execution.threads = 1;
  return options;
}

/// Texts come back as they were, through the guard and without it.
void check_round_trip(const Table& table) {
  for (const bool guard : {false, true}) {
    csv::WriteOptions to;
    to.guard = guard;
    to.execution.threads = 1;
    csv::Options from;
    from.infer = false;
    from.strip_guard = guard;
    from.execution.threads = 1;
    const Table again = csv::parse(csv::format(table, to), from).table;
    require(again.names() == table.names() && again.num_rows() == table.num_rows());
    for (std::size_t c = 0; c < table.num_columns(); ++c) {
      const Column& was = table.columns()[c].second;
      const Column& is = again.columns()[c].second;
      for (std::size_t row = 0; row < was.size(); ++row) {
        require(was.valid(row) == is.valid(row));
        if (was.valid(row) && was.type() == Type::string) require(was.text(row) == is.text(row));
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const Table table = csv::parse(text, options_of(data[0])).table;
    if (table.num_columns() > 0) check_round_trip(table);
  } catch (const DataError&) {
  }
  return 0;
}
