// A host program of the compiled library: it links, runs and agrees about the version.
#include <cstdio>
#include <string_view>

#include "salesops/table.hpp"
#include "salesops/version.hpp"

int main() {
  using namespace salesops;
  const Table deals({{"amount", Column::of<std::int64_t>(Type::int64, {1200, 800, 500})}});
  std::printf("salesops %s\n%s", version, deals.to_text(2).c_str());
  return deals.num_rows() == 3 && std::string_view(version) == SALESOPS_EXPECTED_VERSION ? 0 : 1;
}
