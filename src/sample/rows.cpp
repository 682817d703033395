#include "rows.hpp"

#include <map>
#include <utility>

namespace salesops {
inline namespace v0 {
namespace sample::detail {
namespace {

/// Where each block's codes of one space lie in the joined dictionary.
struct JoinedSpace {
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> offset;               ///< by block, for spaces without shared codes
  std::vector<std::vector<std::int32_t>> shared;  ///< by block and code, for Space::value

  [[nodiscard]] std::int32_t code(std::size_t block, std::int32_t local) const {
    if (!shared.empty()) return shared[block][static_cast<std::size_t>(local)];
    return static_cast<std::int32_t>(offset[block] + local);
  }
};

JoinedSpace join_space(Space space, const std::vector<Block>& blocks) {
  JoinedSpace joined;
  std::unordered_map<std::int64_t, std::int32_t> codes;
  for (const auto& block : blocks) {
    const auto& numbers = block.names[static_cast<std::size_t>(space)];
    if (space != Space::value) {
      joined.offset.push_back(static_cast<std::int64_t>(joined.numbers.size()));
      joined.numbers.insert(joined.numbers.end(), numbers.begin(), numbers.end());
      continue;
    }
    std::vector<std::int32_t> map;
    for (const std::int64_t number : numbers) {
      const auto [at, fresh] = codes.try_emplace(number, static_cast<std::int32_t>(joined.numbers.size()));
      if (fresh) joined.numbers.push_back(number);
      map.push_back(at->second);
    }
    joined.shared.push_back(std::move(map));
  }
  return joined;
}

std::shared_ptr<const Dictionary> dictionary_of(Space space, const char* prefix,
                                                const std::vector<std::int64_t>& numbers, Label label) {
  std::vector<char> bytes;
  std::vector<std::int64_t> offsets{0};
  offsets.reserve(numbers.size() + 1);
  for (const std::int64_t number : numbers) {
    const std::string text = prefix + label(space, number);
    bytes.insert(bytes.end(), text.begin(), text.end());
    offsets.push_back(static_cast<std::int64_t>(bytes.size()));
  }
  return std::make_shared<Dictionary>(std::move(bytes), std::move(offsets));
}

template <class T, class Convert>
Column join_column(std::vector<Block>& blocks, std::size_t table, std::size_t column, Convert&& finish) {
  std::size_t rows = 0;
  bool nulls = false;
  for (const auto& block : blocks) {
    rows += block.tables[table].columns[column].size();
    nulls = nulls || !block.tables[table].columns[column].valid().empty();
  }
  std::vector<T> values(rows);
  std::vector<std::uint8_t> valid(nulls ? rows : 0, 1);
  std::size_t at = 0;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    auto& run = blocks[b].tables[table].columns[column];
    const std::size_t n = run.size();
    if (n > 0) std::memcpy(values.data() + at, run.bytes().data(), run.bytes().size());
    if (!run.valid().empty())
      std::copy(run.valid().begin(), run.valid().end(), valid.begin() + static_cast<std::ptrdiff_t>(at));
    finish.shift(b, std::span(values).subspan(at, n));
    at += n;
    run.clear();
  }
  return finish.column(std::move(values), valid);
}

template <class T>
struct Plain {
  Type type;
  void shift(std::size_t, std::span<T>) const {}
  [[nodiscard]] Column column(std::vector<T> values, std::span<const std::uint8_t> valid) const {
    return Column::of<T>(type, std::move(values), valid);
  }
};

struct Named {
  const JoinedSpace* space;  ///< null for a fixed list of words
  std::shared_ptr<const Dictionary> dictionary;
  void shift(std::size_t block, std::span<std::int32_t> codes) const {
    if (space == nullptr || (space->shared.empty() && space->offset[block] == 0)) return;
    if (space->shared.empty()) {
      for (auto& code : codes) code = space->code(block, code);
    } else {
      // Code 0 stands under nulls, also in a block that has no value at all.
      for (auto& code : codes) code = space->shared[block].empty() ? 0 : space->code(block, code);
    }
  }
  [[nodiscard]] Column column(std::vector<std::int32_t> codes, std::span<const std::uint8_t> valid) const {
    return Column::of_codes(std::move(codes), dictionary, valid);
  }
};

}  // namespace

std::vector<std::pair<std::string, Table>> join(std::span<const TableSpec> specs, std::vector<Block>& blocks,
                                                Label label, const Execution& execution) {
  std::vector<JoinedSpace> spaces(space_count);
  std::map<std::pair<Space, std::string>, std::shared_ptr<const Dictionary>> dictionaries;
  for (const auto& spec : specs)
    for (const auto& column : spec.columns)
      if (column.space != Space::none) dictionaries[{column.space, column.prefix}];
  for (std::size_t s = 1; s < space_count; ++s) spaces[s] = join_space(static_cast<Space>(s), blocks);
  std::vector<std::pair<const std::pair<Space, std::string>, std::shared_ptr<const Dictionary>>*> wanted;
  for (auto& entry : dictionaries) wanted.push_back(&entry);
  for_blocks(wanted.size(), part_of(execution, 0, 0.3), [&](std::size_t i) {
    const auto& [space, prefix] = wanted[i]->first;
    wanted[i]->second =
        dictionary_of(space, prefix.c_str(), spaces[static_cast<std::size_t>(space)].numbers, label);
  });

  std::vector<std::vector<std::pair<std::string, Column>>> columns(specs.size());
  std::vector<std::pair<std::size_t, std::size_t>> tasks;
  for (std::size_t t = 0; t < specs.size(); ++t) {
    columns[t].resize(specs[t].columns.size());
    for (std::size_t c = 0; c < specs[t].columns.size(); ++c) tasks.emplace_back(t, c);
  }
  for_blocks(tasks.size(), part_of(execution, 0.3, 1), [&](std::size_t task) {
    const auto [t, c] = tasks[task];
    const ColumnSpec& spec = specs[t].columns[c];
    Column column;
    if (spec.type == Type::string) {
      const bool words = spec.space == Space::none;
      const auto* space = words ? nullptr : &spaces[static_cast<std::size_t>(spec.space)];
      const auto dictionary = words ? spec.words : dictionaries.at({spec.space, spec.prefix});
      column = join_column<std::int32_t>(blocks, t, c, Named{space, dictionary});
    } else if (type_width(spec.type) == 1) {
      column = join_column<std::uint8_t>(blocks, t, c, Plain<std::uint8_t>{spec.type});
    } else if (type_width(spec.type) == 4) {
      column = join_column<std::int32_t>(blocks, t, c, Plain<std::int32_t>{spec.type});
    } else if (spec.type == Type::float64) {
      column = join_column<double>(blocks, t, c, Plain<double>{spec.type});
    } else {
      column = join_column<std::int64_t>(blocks, t, c, Plain<std::int64_t>{spec.type});
    }
    columns[t][c] = {spec.name, std::move(column)};
  });

  std::vector<std::pair<std::string, Table>> tables;
  for (std::size_t t = 0; t < specs.size(); ++t)
    tables.emplace_back(specs[t].name, Table(std::move(columns[t])));
  return tables;
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
