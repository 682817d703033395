// Reads the CSV files of a folder (one a table, named as in the data model) and prints the scorecard, the
// win rate of each team and the forecast of the quarter.
//
//   quickstart FOLDER [CURRENCY]     without a folder it draws a sample book
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "salesops/crm.hpp"
#include "salesops/csv.hpp"
#include "salesops/ingest.hpp"
#include "salesops/kpi.hpp"
#include "salesops/pipeline.hpp"
#include "salesops/sample.hpp"

namespace {

salesops::NamedTables tables_in(const std::filesystem::path& folder) {
  salesops::NamedTables tables;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".csv") continue;
    tables.emplace_back(entry.path().stem().string(), salesops::csv::read(entry.path().string()).table);
  }
  std::sort(tables.begin(), tables.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return tables;
}

}  // namespace

int main(int argc, char** argv) try {
  namespace ingest = salesops::ingest;
  namespace kpi = salesops::kpi;
  // With a mapping in place of {}, tables and columns may have the names that a CRM exports.
  auto [tables, issues] = ingest::apply({}, argc > 1 ? tables_in(argv[1]) : salesops::sample::crm().tables);
  salesops::CrmOptions options;
  if (argc > 2) options.currency = argv[2];
  const salesops::Crm crm = salesops::Crm::build(std::move(tables), options);
  issues.merge(ingest::check(crm));
  issues.merge(crm.issues());

  std::printf("%s\n", kpi::scorecard(crm).to_text().c_str());
  kpi::Options by_team;
  by_team.by = {"owner.team"};
  std::printf("%s\n", kpi::win_rate(crm, by_team).to_table().to_text().c_str());
  std::printf("%s\n", salesops::pipeline::forecast(crm).summary().c_str());
  std::printf("%lld issues in the rows\n", static_cast<long long>(issues.total()));
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
