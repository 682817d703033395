#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "salesops/csv.hpp"
#include "salesops/ingest.hpp"

/// A mapping in JSON, an empty line, a table in CSV: they give a book whose rows add up, or are refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salesops;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find("\n\n"), text.size());
  const std::string_view rows = text.substr(std::min(cut + 2, text.size()));
  try {
    const auto mapping = ingest::Mapping::parse(text.substr(0, cut));
    const std::size_t titles = ingest::title_lines(mapping, rows);
    if (titles > static_cast<std::size_t>(std::count(rows.begin(), rows.end(), '\n'))) std::abort();
    csv::Options options;
    options.infer = size % 2 == 0;
    options.execution.threads = 1;
    const auto result = ingest::apply(mapping, {{"opportunity", csv::parse(rows, options).table}});
    const Table counts = Crm::build(result.tables).counts();
    for (std::size_t row = 0; row < counts.num_rows(); ++row) {
      const auto count = [&](const char* name) { return counts.column(name).number(row); };
      if (count("rows_in") != count("kept") + count("superseded") + count("rejected")) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
