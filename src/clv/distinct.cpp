#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>

#include "salesops/clv/predict.hpp"
#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

/// Rows of values, each kept once, numbered in order of first sight. `Width` is that of the rows, or 0 where
/// it is known at run time only.
template <std::size_t Width>
class RowTable {
 public:
  RowTable(std::size_t columns, std::size_t rows)
      : columns_(columns),
        bits_(std::clamp(static_cast<unsigned>(std::bit_width(rows / 2)), 4U, 16U)),
        slots_(std::size_t{1} << bits_) {}

  [[nodiscard]] const std::vector<std::uint32_t>& first() const { return first_; }
  [[nodiscard]] const std::uint64_t* values_of(std::uint32_t code) const {
    return values_.data() + width() * code;
  }

  std::uint32_t code_of(const std::uint64_t* values, std::uint32_t row) {
    if (2 * first_.size() >= slots_.size()) grow();
    const std::uint64_t hash = hash_of(values);
    const auto mark = static_cast<std::uint32_t>(hash);
    std::size_t at = hash >> (64 - bits_);
    for (; slots_[at].taken != 0; at = (at + 1) & (slots_.size() - 1))
      if (slots_[at].mark == mark && same(values, slots_[at].taken - 1)) return slots_[at].taken - 1;
    values_.insert(values_.end(), values, values + width());
    first_.push_back(row);
    slots_[at] = {mark, static_cast<std::uint32_t>(first_.size())};
    return slots_[at].taken - 1;
  }

 private:
  struct Slot {
    std::uint32_t mark = 0;   ///< low half of the hash, of which the place is the high end
    std::uint32_t taken = 0;  ///< code + 1
  };

  [[nodiscard]] std::size_t width() const { return Width > 0 ? Width : columns_; }
  [[nodiscard]] std::uint64_t hash_of(const std::uint64_t* values) const {
    std::uint64_t hash = 0;
    for (std::size_t k = 0; k < width(); ++k) {
      hash = (hash ^ values[k]) * 0x9E3779B97F4A7C15U;
      hash ^= hash >> 32U;
    }
    return hash * 0xD6E8FEB86659FD93U;
  }
  [[nodiscard]] bool same(const std::uint64_t* values, std::uint32_t code) const {
    const std::uint64_t* kept = values_of(code);
    std::uint64_t unlike = 0;
    for (std::size_t k = 0; k < width(); ++k) unlike |= values[k] ^ kept[k];
    return unlike == 0;
  }
  void grow() {
    bits_ += 2;
    slots_.assign(std::size_t{1} << bits_, {});
    for (std::uint32_t code = 0; code < first_.size(); ++code) {
      const std::uint64_t hash = hash_of(values_of(code));
      std::size_t at = hash >> (64 - bits_);
      while (slots_[at].taken != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {static_cast<std::uint32_t>(hash), code + 1};
    }
  }

  std::size_t columns_;
  unsigned bits_;
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> values_;
  std::vector<std::uint32_t> first_;
};

/// The columns that tell rows apart.
std::vector<std::span<const double>> telling(std::span<const std::span<const double>> columns) {
  const auto unlike = [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) != std::bit_cast<std::uint64_t>(b);
  };
  std::vector<std::span<const double>> found;
  for (const auto& column : columns)
    if (std::adjacent_find(column.begin(), column.end(), unlike) != column.end()) found.push_back(column);
  return found;
}

/// Codes of consecutive rows by a table of their own.
template <std::size_t Width>
RowTable<Width> code_rows(std::span<const std::span<const double>> columns, std::size_t begin,
                          std::span<std::uint32_t> codes) {
  RowTable<Width> table(columns.size(), codes.size());
  std::conditional_t<(Width > 0), std::array<std::uint64_t, Width>, std::vector<std::uint64_t>> values;
  if constexpr (Width == 0) values.resize(columns.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    for (std::size_t k = 0; k < values.size(); ++k)
      values[k] = std::bit_cast<std::uint64_t>(columns[k][begin + i]);
    codes[i] = table.code_of(values.data(), static_cast<std::uint32_t>(begin + i));
  }
  return table;
}

/// Each thread fills a table of its own. Joined in order, whatever the cut: the first of each is the first of
/// all.
template <std::size_t Width>
DistinctRows distinct_of(std::span<const std::span<const double>> columns, std::size_t rows,
                         const Execution& execution) {
  constexpr std::size_t worth_a_thread = std::size_t{1} << 15U;
  DistinctRows distinct;
  const int threads = execution.threads > 0 ? execution.threads : default_threads();
  const std::size_t parts =
      std::clamp<std::size_t>(rows / worth_a_thread, 1, static_cast<std::size_t>(threads));
  const std::size_t part_rows = (rows + parts - 1) / parts;
  const Execution silent{.threads = execution.threads, .stop = execution.stop};
  const auto of_part = [&](std::size_t part) {
    const std::size_t begin = part * part_rows;
    return std::span(distinct.code).subspan(begin, std::min(part_rows, rows - begin));
  };
  distinct.code.resize(rows);
  std::vector<RowTable<Width>> tables(parts, RowTable<Width>(columns.size(), 0));
  for_blocks(parts, silent, [&](std::size_t part) {
    tables[part] = code_rows<Width>(columns, part * part_rows, of_part(part));
  });
  if (parts == 1) {
    distinct.first = tables[0].first();
    return distinct;
  }
  RowTable<Width> all(columns.size(), rows);
  std::vector<std::vector<std::uint32_t>> renamed(parts);
  for (std::size_t part = 0; part < parts; ++part) {
    const auto& first = tables[part].first();
    for (std::uint32_t code = 0; code < first.size(); ++code)
      renamed[part].push_back(all.code_of(tables[part].values_of(code), first[code]));
  }
  for_blocks(parts, silent, [&](std::size_t part) {
    for (std::uint32_t& code : of_part(part)) code = renamed[part][code];
  });
  distinct.first = all.first();
  return distinct;
}

}  // namespace

DistinctRows distinct_rows(std::span<const std::span<const double>> columns, const Execution& execution) {
  if (columns.empty()) return {};
  const std::size_t rows = columns.front().size();
  for (const auto& column : columns)
    if (column.size() != rows)
      throw UsageError("a column has " + std::to_string(column.size()) + " rows, the first has " +
                       std::to_string(rows));
  if (rows >= 0xFFFFFFFFU) throw UsageError("more than 4,294,967,294 rows");
  const auto compared = telling(columns);
  switch (compared.size()) {
    case 1: return distinct_of<1>(compared, rows, execution);
    case 2: return distinct_of<2>(compared, rows, execution);
    case 3: return distinct_of<3>(compared, rows, execution);
    default: return distinct_of<0>(compared, rows, execution);
  }
}

void DistinctRows::spread(std::span<const double> values, std::span<double> out,
                          const Execution& execution) const {
  for_rows(code.size(), std::size_t{1} << 16U, {.threads = execution.threads, .stop = execution.stop},
           [&](std::size_t begin, std::size_t end) {
             for (std::size_t row = begin; row < end; ++row) out[row] = values[code[row]];
           });
}

void evaluate(std::span<const std::span<const double>> columns, const std::function<double(const double*)>& f,
              std::span<double> out, const Execution& execution) {
  constexpr std::size_t block = 64;
  const DistinctRows distinct = distinct_rows(columns, execution);
  if (out.size() != distinct.code.size())
    throw UsageError("the result has " + std::to_string(out.size()) + " rows, the columns have " +
                     std::to_string(distinct.code.size()));
  std::vector<double> values(distinct.first.size());
  for_rows(values.size(), block, execution, [&](std::size_t first, std::size_t last) {
    std::vector<double> row(columns.size());
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t k = 0; k < columns.size(); ++k) row[k] = columns[k][distinct.first[i]];
      values[i] = f(row.data());
    }
  });
  distinct.spread(values, out, execution);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
