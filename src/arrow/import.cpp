#include <algorithm>
#include <cstring>

#include "columns.hpp"
#include "salesops/arrow.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow {

namespace {

using detail::Batch;
using detail::Owned;

std::string producers_words(ArrowArrayStream* stream, int code) {
  const char* words = stream->get_last_error != nullptr ? stream->get_last_error(stream) : nullptr;
  if (words != nullptr && *words != '\0') return words;
  return std::strerror(code);
}

/// The name of pandas' nameless index level, which no caller gave.
bool nameless_index(std::string_view name) {
  constexpr std::string_view head = "__index_level_";
  return name.starts_with(head) && name.ends_with("__") && name.size() > head.size() + 2;
}

void check_schema(const ArrowSchema& schema) {
  if (schema.release == nullptr)
    throw DataError("the producer of the data gave a schema that was already released");
  if (schema.format == nullptr) throw DataError("the producer of the data gave a schema without a format");
  if (std::string_view(schema.format) != "+s")
    throw UsageError("the data is a single column (Arrow format '" + std::string(schema.format) +
                     "'), a table is needed; put it into a table under a name");
  const bool listed = schema.n_children >= 0 && (schema.n_children == 0 || schema.children != nullptr);
  if (!listed) throw DataError("the producer of the data gave a schema whose columns are missing");
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    const ArrowSchema* child = schema.children[i];
    if (child == nullptr || child->release == nullptr || child->format == nullptr)
      throw DataError("the producer of the data gave a schema whose column " + std::to_string(i) +
                      " is missing");
  }
}

std::string name_of(const ArrowSchema& child) { return child.name != nullptr ? child.name : ""; }

/// Numbers of the columns to read; those of an unsupported type are reported or refused.
std::vector<std::int64_t> choose(const ArrowSchema& schema, const ImportOptions& options) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < schema.n_children; ++i) names.push_back(name_of(*schema.children[i]));
  std::vector<std::int64_t> chosen;
  if (!options.columns) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool supported = detail::column_format(*schema.children[i]).kind != detail::Kind::unsupported;
      if (!supported && options.issues != nullptr)
        options.issues->add(options.table, -1, names[i], "unsupported_type", schema.children[i]->format);
      if (supported && !nameless_index(names[i])) chosen.push_back(static_cast<std::int64_t>(i));
    }
    return chosen;
  }
  for (const std::string& name : *options.columns) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      std::string text = "no column '" + name + "'";
      const auto near = near_names(name, names);
      if (!near.empty())
        text += "; did you mean '" + near.front() + "'?";
      else
        text += ".";
      text += " The columns are:";
      for (const std::string& other : names) text += " " + other;
      throw UsageError(text);
    }
    if (std::find(found + 1, names.end(), name) != names.end())
      throw UsageError("the column name '" + name + "' is used twice; rename one of the two");
    const auto at = found - names.begin();
    const detail::Format format = detail::column_format(*schema.children[at]);
    if (format.kind == detail::Kind::unsupported)
      throw DataError("column '" + name + "' has a type that can't be read (Arrow format '" +
                      schema.children[at]->format + "'). " + format.remedy);
    chosen.push_back(at);
  }
  return chosen;
}

void check_batch(const ArrowSchema& schema, const ArrowArray& batch) {
  detail::check_array("(batch)", &batch, 1);
  if (batch.n_children != schema.n_children)
    throw DataError("the producer of the data gave a batch of " + std::to_string(batch.n_children) +
                    " columns under a schema of " + std::to_string(schema.n_children));
}

Table build(const ArrowSchema& schema, std::vector<Batch> batches, const ImportOptions& options) {
  const auto chosen = choose(schema, options);
  std::erase_if(batches, [](const Batch& batch) { return batch->value.length == 0; });
  std::int64_t rows = 0;
  for (const Batch& batch : batches) {
    rows += batch->value.length;
    detail::check_rows(rows);
  }
  if (chosen.empty()) return Table::empty(static_cast<std::size_t>(rows));
  std::vector<std::pair<std::string, Column>> columns;
  for (const std::int64_t child : chosen) {
    const ArrowSchema& field = *schema.children[child];
    std::string name = name_of(field);
    if (options.issues != nullptr && detail::column_format(field).naive)
      options.issues->add(options.table, -1, name, "naive_timestamp", {}, Severity::info);
    const detail::Source source{name, &field, batches, child};
    Column column = detail::import_column(source, options.execution);
    columns.emplace_back(std::move(name), std::move(column));
  }
  return Table(std::move(columns));
}

}  // namespace

Table import_stream(ArrowArrayStream* stream, const ImportOptions& options) {
  if (stream == nullptr || stream->release == nullptr)
    throw UsageError("the stream was already read (it is released); make a new one from its source");
  Owned<ArrowArrayStream> owned(*stream);
  ArrowArrayStream* source = &owned.value;
  if (source->get_schema == nullptr || source->get_next == nullptr)
    throw DataError("the stream lacks its callbacks; its producer is at fault");
  Owned<ArrowSchema> schema;
  if (const int code = source->get_schema(source, &schema.value); code != 0) {
    schema.value.release = nullptr;
    throw DataError("the stream's schema can't be had: " + producers_words(source, code));
  }
  check_schema(schema.value);
  choose(schema.value, ImportOptions{.columns = options.columns, .issues = nullptr});
  std::vector<Batch> batches;
  while (true) {
    if (options.execution.stop.stop_requested()) throw Cancelled("the call was stopped; nothing was changed");
    auto batch = std::make_shared<Owned<ArrowArray>>();
    if (const int code = source->get_next(source, &batch->value); code != 0) {
      batch->value.release = nullptr;
      throw DataError("the stream broke off after " + std::to_string(batches.size()) +
                      " batches: " + producers_words(source, code));
    }
    if (batch->value.release == nullptr) break;
    check_batch(schema.value, batch->value);
    batches.push_back(std::move(batch));
  }
  return build(schema.value, std::move(batches), options);
}

Table import_array(ArrowSchema* schema, ArrowArray* array, const ImportOptions& options) {
  const bool live = schema != nullptr && array != nullptr;
  if (!live) throw UsageError("import_array needs a schema and an array");
  const Owned<ArrowSchema> type(*schema);
  auto batch = std::make_shared<Owned<ArrowArray>>(*array);
  if (type.value.release == nullptr || batch->value.release == nullptr)
    throw UsageError("the array was already read (it is released); make a new one from its source");
  check_schema(type.value);
  check_batch(type.value, batch->value);
  std::vector<Batch> batches;
  batches.push_back(std::move(batch));
  return build(type.value, std::move(batches), options);
}

}  // namespace arrow
}  // namespace v0
}  // namespace salesops
