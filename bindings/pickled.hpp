/// Results as bytes and back: what pickle and `copy.deepcopy` ask for.
///
/// A struct is written field by field, all of them, in their order; Boost.PFR finds them. Bytes say which
/// version and class wrote them and end with their checksum: what is read is what was written, or a
/// `DataError`, so a result needs no checks of its own. (Whoever forges the checksum could as well put code
/// into the pickle.)
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <array>
#include <boost/pfr/core.hpp>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salesops/issues.hpp"
#include "salesops/version.hpp"

namespace salesops_bindings {

/// The fields of a struct, to be written and read. Those that aren't found by themselves say them here.
template <class T>
struct Fields {
  static auto of(T& value) { return boost::pfr::structure_tie(value); }
};

/// A class that keeps its fields to itself says here what it is made of: a struct `of(value)`, and `from` it.
template <class T>
struct Parts;

class Writer {
 public:
  void raw(const void* data, std::size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  void raw(void* data, std::size_t size) {
    if (size > bytes_.size()) throw salesops::DataError("it ends too early");
    if (size > 0) std::memcpy(data, bytes_.data(), size);
    bytes_.remove_prefix(size);
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

template <class T>
inline constexpr bool is_scalar = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <class T>
concept HasParts = requires(const T& value) { Parts<T>::of(value); };

template <class T>
void visit(Writer& writer, T& value);
template <class T>
void visit(Reader& reader, T& value);

template <class Archive, class T>
void visit_fields(Archive& archive, T& value) {
  std::apply([&](auto&... field) { (visit(archive, field), ...); }, Fields<T>::of(value));
}

// Numbers in a row are one copy; what else stands in a row comes one by one.
template <class Archive, class T>
void visit_row(Archive& archive, T* values, std::size_t size) {
  if constexpr (is_scalar<T>)
    archive.raw(values, size * sizeof(T));
  else
    for (std::size_t i = 0; i < size; ++i) visit(archive, values[i]);
}

template <class Archive, class T>
void visit_kind(Archive& archive, T& value) {
  if constexpr (is_scalar<T>)
    archive.raw(&value, sizeof value);
  else
    visit_fields(archive, value);
}
template <class Archive, class T, std::size_t n>
void visit_kind(Archive& archive, std::array<T, n>& values) {
  visit_row(archive, values.data(), n);
}
template <class Archive, class A, class B>
void visit_kind(Archive& archive, std::pair<A, B>& pair) {
  visit(archive, pair.first);
  visit(archive, pair.second);
}

inline void visit_size(Writer& writer, std::size_t size) { writer.raw(&size, sizeof size); }
/// Every element takes a byte at least.
inline std::size_t read_size(Reader& reader) {
  std::size_t size = 0;
  reader.raw(&size, sizeof size);
  if (size > reader.left()) throw salesops::DataError("it ends too early");
  return size;
}

template <class List>
void visit_list(Writer& writer, List& list) {
  visit_size(writer, list.size());
  visit_row(writer, list.data(), list.size());
}
template <class List>
void visit_list(Reader& reader, List& list) {
  list.resize(read_size(reader));
  visit_row(reader, list.data(), list.size());
}

template <class Archive>
void visit_kind(Archive& archive, std::string& text) {
  visit_list(archive, text);
}
template <class Archive, class T, class Memory>
void visit_kind(Archive& archive, std::vector<T, Memory>& list) {
  visit_list(archive, list);
}

template <class T>
void visit_kind(Writer& writer, std::optional<T>& value) {
  std::uint8_t there = value.has_value() ? 1 : 0;
  visit(writer, there);
  if (value) visit(writer, *value);
}
template <class T>
void visit_kind(Reader& reader, std::optional<T>& value) {
  std::uint8_t there = 0;
  visit(reader, there);
  value.reset();
  if (there != 0) visit(reader, value.emplace());
}

template <class Key, class T>
void visit_kind(Writer& writer, std::map<Key, T>& entries) {
  visit_size(writer, entries.size());
  for (auto& [key, value] : entries) {
    Key copy = key;
    visit(writer, copy);
    visit(writer, value);
  }
}
template <class Key, class T>
void visit_kind(Reader& reader, std::map<Key, T>& entries) {
  for (std::size_t left = read_size(reader); left > 0; --left) {
    Key key;
    visit(reader, key);
    visit(reader, entries[std::move(key)]);
  }
}

template <class T>
void visit(Writer& writer, T& value) {
  if constexpr (HasParts<T>) {
    auto parts = Parts<T>::of(value);
    visit_fields(writer, parts);
  } else {
    visit_kind(writer, value);
  }
}
template <class T>
void visit(Reader& reader, T& value) {
  if constexpr (HasParts<T>) {
    std::decay_t<decltype(Parts<T>::of(value))> parts{};
    visit_fields(reader, parts);
    value = Parts<T>::from(std::move(parts));
  } else {
    visit_kind(reader, value);
  }
}

// ---- bytes ----

/// FNV-1a.
inline std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return sum;
}

template <class T>
std::string bytes_of(const T& value, const std::string& name) {
  std::string version(salesops::version), of = name;
  Writer writer;
  visit(writer, version);
  visit(writer, of);
  visit(writer, const_cast<T&>(value));  // the writer changes nothing
  const std::uint64_t sum = checksum(writer.bytes());
  writer.raw(&sum, sizeof sum);
  return std::move(writer.bytes());
}

template <class T>
T from_bytes(std::string_view bytes, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw salesops::DataError("this is no " + name + " that was pickled: " + why);
  };
  std::uint64_t sum = 0;
  if (bytes.size() < sizeof sum) refuse("it ends too early");
  std::memcpy(&sum, bytes.data() + bytes.size() - sizeof sum, sizeof sum);
  bytes.remove_suffix(sizeof sum);
  if (sum != checksum(bytes)) refuse("its bytes were changed on the way");
  std::string version, of;
  Reader reader(bytes);
  visit(reader, version);
  if (version != salesops::version)
    throw salesops::DataError("the " + name + " was pickled by salesops " + version + " and this is " +
                              salesops::version + ": compute it anew, or read it with that version");
  visit(reader, of);
  if (of != name) refuse("it is a " + of);
  T value;
  visit(reader, value);
  if (reader.left() > 0) refuse("it is too long");
  return value;
}

template <class T>
std::string class_name() {
  return pybind11::cast<std::string>(pybind11::type::of<T>().attr("__name__"));
}

/// `.def(pickled<T>())`: values of this class can be pickled and copied.
template <class T>
auto pickled() {
  return pybind11::pickle(
      [](const T& value) { return pybind11::bytes(bytes_of(value, class_name<T>())); },
      [](const pybind11::bytes& state) { return from_bytes<T>(std::string_view(state), class_name<T>()); });
}

/// Says what to do instead of pickling; `copy.deepcopy` gives a copy, which shares what never changes.
template <class T>
void not_pickled(pybind11::class_<T>& type, const char* way_out) {
  type.def("__reduce__", [way_out](const T&) -> pybind11::tuple { throw pybind11::type_error(way_out); })
      .def(
          "__deepcopy__", [](const T& value, const pybind11::dict&) { return value; }, pybind11::arg("memo"));
}

// ---- what results are made of ----

struct ColumnParts {
  salesops::Type type{};
  std::size_t size = 0;
  std::vector<char> values;
  std::vector<std::uint8_t> valid;  ///< one a row; empty without nulls
  std::vector<char> texts;
  std::vector<std::int64_t> offsets;
  int scale = 0;
  std::string currency;
};

template <>
struct Parts<salesops::Column> {
  static ColumnParts of(const salesops::Column& column) {
    ColumnParts parts{.type = column.type(),
                      .size = column.size(),
                      .values = {},
                      .valid = {},
                      .texts = {},
                      .offsets = {},
                      .scale = column.scale(),
                      .currency = column.currency()};
    const auto* first = static_cast<const char*>(column.data());
    if (column.size() > 0) parts.values.assign(first, first + column.size() * type_width(column.type()));
    if (column.may_have_nulls())
      for (std::size_t row = 0; row < column.size(); ++row) parts.valid.push_back(column.valid(row) ? 1 : 0);
    if (const auto& dictionary = column.shared_dictionary()) {
      parts.texts.assign(dictionary->bytes().begin(), dictionary->bytes().end());
      parts.offsets.assign(dictionary->offsets().begin(), dictionary->offsets().end());
    }
    return parts;
  }
  static salesops::Column from(ColumnParts parts) {
    struct Memory {
      std::vector<char> values;
      std::shared_ptr<const std::vector<std::uint8_t>> bits;
    };
    auto memory = std::make_shared<Memory>();
    memory->values = std::move(parts.values);
    const std::uint8_t* bits = nullptr;
    if (!parts.valid.empty()) {
      memory->bits = salesops::detail::pack_validity(parts.valid);
      if (memory->bits) bits = memory->bits->data();
    }
    const void* data = memory->values.data();
    salesops::Column column(parts.type, parts.size, data, std::move(memory), bits);
    if (!parts.offsets.empty())
      column = column.with_dictionary(
          std::make_shared<salesops::Dictionary>(std::move(parts.texts), std::move(parts.offsets)));
    if (parts.scale != 0) column = column.with_scale(parts.scale);
    return parts.currency.empty() ? column : column.with_currency(std::move(parts.currency));
  }
};

struct TableParts {
  std::size_t rows = 0;
  std::vector<std::pair<std::string, salesops::Column>> columns;
};

template <>
struct Parts<salesops::Table> {
  static TableParts of(const salesops::Table& table) { return {table.num_rows(), table.columns()}; }
  static salesops::Table from(TableParts parts) {
    if (parts.columns.empty()) return salesops::Table::empty(parts.rows);
    return salesops::Table(std::move(parts.columns));
  }
};

/// The rows kept, and how many cases of each rule are none of them.
struct IssuesParts {
  std::size_t most_rows = 0;
  std::vector<salesops::Issue> rows, others;
  std::vector<std::int64_t> n;  ///< of `others`
};

template <>
struct Parts<salesops::Issues> {
  static IssuesParts of(const salesops::Issues& issues) {
    using salesops::Severity;
    IssuesParts parts{salesops::IssueOptions().max_rows, issues.rows(), {}, {}};
    const auto counts = issues.summary();
    const auto& severity = counts.column("severity");
    for (std::size_t i = 0; i < counts.num_rows(); ++i) {
      salesops::Issue one;
      one.table = counts.column("table").text(i);
      one.column = counts.column("column").text(i);
      one.rule = counts.column("rule").text(i);
      const auto& first = counts.column("first_row");
      if (first.valid(i)) one.row = first.values<std::int64_t>()[i];
      if (severity.text(i) == "error") one.severity = Severity::error;
      if (severity.text(i) == "info") one.severity = Severity::info;
      const auto kept = std::count_if(parts.rows.begin(), parts.rows.end(), [&](const auto& row) {
        return row.table == one.table && row.column == one.column && row.rule == one.rule;
      });
      parts.most_rows = std::max(parts.most_rows, static_cast<std::size_t>(kept));
      parts.n.push_back(counts.column("n").values<std::int64_t>()[i] - kept);
      parts.others.push_back(std::move(one));
    }
    return parts;
  }
  static salesops::Issues from(const IssuesParts& parts) {
    salesops::Issues issues({.max_rows = parts.most_rows}), others({.max_rows = 0});
    for (const auto& row : parts.rows)
      issues.add(row.table, row.row, row.column, row.rule, row.value, row.severity);
    for (std::size_t i = 0; i < parts.others.size(); ++i) {
      const auto& one = parts.others[i];
      others.add_many(one.table, one.row, one.column, one.rule, parts.n.at(i), one.severity);
    }
    issues.merge(others);
    return issues;
  }
};

}  // namespace salesops_bindings
