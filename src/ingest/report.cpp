#include "report.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "text.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest_detail {

namespace {

constexpr std::size_t most_title_lines = 30;
constexpr std::size_t names_of_a_header = 2;

/// How many of the known names stand in the cells.
std::size_t count_known(const std::vector<std::string>& cells, const std::set<std::string>& known) {
  std::set<std::string> found;
  for (const std::string& cell : cells)
    if (std::string key = name_key(cell); known.contains(key)) found.insert(std::move(key));
  return found.size();
}

std::vector<std::string> cells_of(const Table& table, std::size_t row) {
  std::vector<std::string> cells;
  for (const auto& [name, column] : table.columns()) cells.push_back(column.cell(row));
  return cells;
}

/// Fields of a line of text, quotes taken off.
std::vector<std::string> fields_of(std::string_view line, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == delimiter && !quoted)
      fields.emplace_back();
    else
      fields.back().push_back(c);
  }
  return fields;
}

/// Starts with the phrase as whole words; a phrase of one word must be all of the text, a colon aside.
bool begins_with_phrase(std::string_view text, std::string_view phrase) {
  if (!text.starts_with(phrase)) return false;
  text = trimmed(text.substr(phrase.size()));
  if (text.empty() || text == ":") return true;
  static constexpr std::string_view one_word_footers[] = {"copyright", "©", "confidential"};
  const bool may_go_on = phrase.find(' ') != std::string_view::npos ||
                         std::find(std::begin(one_word_footers), std::end(one_word_footers), phrase) !=
                             std::end(one_word_footers);
  return may_go_on || text.front() == ':' || text.front() == '(';
}

enum Footer : std::uint8_t { none, begins, whole };

Footer footer_text(std::string_view cell, const std::vector<std::string>& footers) {
  const std::string text = folded(trimmed(cell));
  Footer found = none;
  for (const std::string& footer : footers) {
    const std::string phrase = folded(footer);
    if (text == phrase) return whole;
    if (begins_with_phrase(text, phrase)) found = begins;
  }
  return found;
}

/// The number in each row of a column; NaN where there is none.
std::vector<double> numbers_of(const Column& column) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> numbers(column.size(), none);
  if (column.type() != Type::string) {
    for (std::size_t row = 0; row < numbers.size(); ++row)
      if (column.valid(row) && column.type() >= Type::int8 && column.type() <= Type::decimal)
        numbers[row] = column.number(row);
    return numbers;
  }
  const Dictionary& dictionary = column.dictionary();
  std::vector<double> by_code(dictionary.size(), none);
  for (std::size_t code = 0; code < by_code.size(); ++code) {
    const auto number = NumberText::parse(dictionary[code]);
    const bool comma = number && number->shape == NumberText::Shape::comma;
    const auto plain = number ? number->plain(comma ? ingest::DecimalMark::comma : ingest::DecimalMark::point)
                              : std::nullopt;
    if (plain) std::from_chars(plain->data(), plain->data() + plain->size(), by_code[code]);
  }
  const auto codes = column.values<std::int32_t>();
  for (std::size_t row = 0; row < numbers.size(); ++row)
    if (column.valid(row)) numbers[row] = by_code[static_cast<std::size_t>(codes[row])];
  return numbers;
}

/// What the cells beside the key of a row that is called a total say of it.
struct TotalCells {
  bool numbers = true;  ///< nothing but numbers
  bool sums = true;     ///< each the sum or the count of the rows above, or of those since the total before
};

/// Looks at the rows `called`; those of them with other cells than numbers are data like the rest.
std::vector<TotalCells> total_cells(const Table& table, const std::string& key,
                                    const std::vector<std::uint8_t>& called) {
  std::vector<TotalCells> found(called.size());
  if (std::find(called.begin(), called.end(), std::uint8_t{1}) == called.end()) return found;
  const auto filled = [](const Column& column, std::size_t row) {
    return column.valid(row) && (column.type() != Type::string || !trimmed(column.text(row)).empty());
  };
  std::vector<std::pair<const Column*, std::vector<double>>> columns;
  for (const auto& [name, column] : table.columns()) {
    if (name == key) continue;
    columns.emplace_back(&column, numbers_of(column));
    for (std::size_t row = 0; row < called.size(); ++row)
      if (called[row] != 0)
        found[row].numbers &= !filled(column, row) || !std::isnan(columns.back().second[row]);
  }
  for (const auto& [column, numbers] : columns) {
    double sum = 0, group = 0, rows = 0, group_rows = 0;
    for (std::size_t row = 0; row < called.size(); ++row) {
      const double number = numbers[row];
      if (called[row] == 0 || !found[row].numbers) {
        sum += std::isnan(number) ? 0 : number;
        group += std::isnan(number) ? 0 : number;
        ++rows;
        ++group_rows;
        continue;
      }
      const auto is = [&](double total) {
        return std::fabs(number - total) <= 0.005 + 1e-9 * std::fabs(total);
      };
      found[row].sums &=
          !filled(*column, row) || (rows > 0 && (is(sum) || is(group) || is(rows) || is(group_rows)));
      group = group_rows = 0;
    }
  }
  return found;
}

/// The source column of the table's first key.
const std::string* key_column(const Table& table, const ingest::TableMapping& mapping) {
  const std::string key = table_model(mapping.table).keys().front();
  for (const ingest::ColumnMapping& column : mapping.columns)
    if (column.column == key)
      for (const ingest::Source& source : column.sources)
        for (const std::string& name : source.columns)
          if (const auto* found = find_column(table, name)) return &found->first;
  const auto* found = find_column(table, key);
  return found == nullptr ? nullptr : &found->first;
}

}  // namespace

std::set<std::string> known_names(const ingest::TableMapping& mapping) {
  std::set<std::string> names;
  for (const ColumnModel& column : table_model(mapping.table).columns) names.insert(name_key(column.name));
  for (const ingest::ColumnMapping& column : mapping.columns)
    for (const ingest::Source& source : column.sources)
      for (const std::string& name : source.columns) names.insert(name_key(name));
  return names;
}

Table under_header(const Table& raw, const std::set<std::string>& known, std::string_view name,
                   Issues& issues, std::vector<std::int64_t>& origin) {
  origin.resize(raw.num_rows());
  for (std::size_t row = 0; row < origin.size(); ++row) origin[row] = static_cast<std::int64_t>(row);
  if (count_known(raw.names(), known) >= names_of_a_header) return raw;
  for (std::size_t row = 0; row < std::min(raw.num_rows(), most_title_lines); ++row) {
    std::vector<std::string> header = cells_of(raw, row);
    if (count_known(header, known) < names_of_a_header) continue;
    const Table rest = raw.slice(row + 1, raw.num_rows() - row - 1);
    std::vector<std::pair<std::string, Column>> columns;
    std::set<std::string> taken;
    for (std::size_t i = 0; i < header.size(); ++i) {
      std::string title(trimmed(header[i]));
      if (title.empty()) title = "column_" + std::to_string(i + 1);
      std::string unique = title;
      for (int n = 2; !taken.insert(unique).second; ++n) unique = title + "_" + std::to_string(n);
      if (unique != title) issues.add(name, -1, unique, "name_taken");
      columns.emplace_back(unique, rest.columns()[i].second);
    }
    issues.add_many(name, 0, "", "title_row", static_cast<std::int64_t>(row) + 1, Severity::info);
    origin.erase(origin.begin(), origin.begin() + static_cast<std::ptrdiff_t>(row) + 1);
    return Table(std::move(columns));
  }
  return raw;
}

std::vector<std::uint8_t> data_rows(const Table& table, const ingest::TableMapping& table_mapping,
                                    const Reading& reading) {
  const std::size_t rows = table.num_rows(), width = table.num_columns();
  std::vector<std::uint8_t> keep(rows, 1);
  if (width < 2) return keep;
  std::vector<std::size_t> filled(rows);
  std::vector<std::uint8_t> footer(rows), header(rows, 1), key_is_footer(rows), has_key(rows);
  const std::string* key = key_column(table, table_mapping);
  for (const auto& [name, column] : table.columns()) {
    if (column.type() != Type::string) {
      for (std::size_t row = 0; row < rows; ++row) {
        if (column.is_null(row)) continue;
        ++filled[row];
        header[row] = 0;
        if (key != nullptr && name == *key) has_key[row] = 1;
      }
      continue;
    }
    const Dictionary& dictionary = column.dictionary();
    std::vector<std::uint8_t> blank(dictionary.size()), phrase(dictionary.size()), title(dictionary.size());
    for (std::size_t code = 0; code < dictionary.size(); ++code) {
      blank[code] = trimmed(dictionary[code]).empty();
      phrase[code] = footer_text(dictionary[code], reading.mapping->footers);
      title[code] = trimmed(dictionary[code]) == name;
    }
    const auto codes = column.values<std::int32_t>();
    for (std::size_t row = 0; row < rows; ++row) {
      const auto code = static_cast<std::size_t>(column.valid(row) ? codes[row] : 0);
      if (column.is_null(row) || blank[code] != 0) {
        header[row] = 0;
        continue;
      }
      ++filled[row];
      footer[row] = std::max(footer[row], phrase[code]);
      header[row] &= title[code];
      if (key == nullptr || name != *key) continue;
      has_key[row] = 1;
      key_is_footer[row] = phrase[code];
    }
  }
  std::vector<std::uint8_t> called(rows);
  for (std::size_t row = 0; row < rows; ++row) called[row] = key_is_footer[row] == whole;
  const std::vector<TotalCells> totals = total_cells(table, key == nullptr ? std::string() : *key, called);
  for (std::size_t row = 0; row < rows; ++row) {
    // A deal may be called "Total", or its key begin so, and an account may have it for its key; a summary
    // has no key, or a footer for one and beside it sums, or numbers with gaps.
    const bool mostly_blank = filled[row] * 2 <= width;
    const bool no_key = has_key[row] == 0 && (key != nullptr || mostly_blank);
    const bool sums = called[row] != 0 && totals[row].numbers && totals[row].sums;
    const bool total = sums || (called[row] != 0 && totals[row].numbers && filled[row] < width);
    const bool footer_key = total || (key_is_footer[row] != none && mostly_blank);
    const bool summary = footer[row] != none && (no_key || footer_key);
    const std::string_view rule = filled[row] == 0   ? "blank_row"
                                  : header[row] != 0 ? "header_row"
                                  : summary          ? "footer_row"
                                                     : "";
    if (rule.empty()) continue;
    keep[row] = 0;
    // What may have been a row with a key is worth a look.
    const bool doubtful = rule == "footer_row" && has_key[row] != 0 && !sums && filled[row] > 1;
    reading.issues->add(reading.table, reading.origin[row], "", rule, {},
                        doubtful ? Severity::warning : Severity::info);
  }
  return keep;
}

}  // namespace ingest_detail

std::size_t ingest::title_lines(const Mapping& mapping, std::string_view text) {
  using namespace ingest_detail;
  std::vector<std::set<std::string>> known;
  for (const TableMapping& table : mapping.tables) known.push_back(known_names(table));
  for (const TableModel& table : data_model()) {
    known.emplace_back();
    for (const ColumnModel& column : table.columns) known.back().insert(name_key(column.name));
  }
  if (text.starts_with("\ufeff")) text.remove_prefix(3);
  for (std::size_t line = 0; line < most_title_lines && !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    for (const char delimiter : {',', ';', '\t', '|'})
      for (const auto& names : known)
        if (count_known(fields_of(text.substr(0, end), delimiter), names) >= names_of_a_header) return line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}

}  // namespace v0
}  // namespace salesops
