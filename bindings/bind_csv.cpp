#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "execution.hpp"
#include "salesops/csv.hpp"

namespace py = pybind11;
namespace csv = salesops::csv;
using salesops_bindings::interruptible;
using salesops_bindings::run_interruptible;

namespace {

salesops::Type type_of(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(salesops::Type::string); ++i)
    if (salesops::type_name(static_cast<salesops::Type>(i)) == name) return static_cast<salesops::Type>(i);
  throw salesops::UsageError("no column type '" + name + "'");
}

csv::Options with(csv::Options options, const salesops::Execution& execution) {
  options.execution = execution;
  return options;
}

csv::WriteOptions with(csv::WriteOptions options, const salesops::Execution& execution) {
  options.execution = execution;
  return options;
}

csv::Result read_path(const py::bytes& file, const csv::Options& options, const py::object& progress) {
  const std::string path = file;
  return interruptible(options.execution.threads, progress, [&](const salesops::Execution& execution) {
    return csv::read(path, with(options, execution));
  });
}

/// The buffer's owner is held by the caller while the call runs.
csv::Result parse_buffer(const py::buffer& data, const csv::Options& options, const py::object& progress) {
  const py::buffer_info info = data.request();
  if (info.ndim != 1 || info.itemsize != 1 || info.strides[0] != 1)
    throw salesops::UsageError("need a contiguous run of bytes");
  const std::string_view bytes(static_cast<const char*>(info.ptr), static_cast<std::size_t>(info.size));
  return interruptible(options.execution.threads, progress, [&](const salesops::Execution& execution) {
    return csv::parse(bytes, with(options, execution));
  });
}

std::string format_table(const salesops::Table& table, const csv::WriteOptions& options,
                         const py::object& progress) {
  return interruptible(options.execution.threads, progress, [&](const salesops::Execution& execution) {
    return csv::format(table, with(options, execution));
  });
}

void write_table(const salesops::Table& table, const py::bytes& file, const csv::WriteOptions& options,
                 const py::object& progress) {
  const std::string path = file;
  run_interruptible(options.execution.threads, progress, [&](const salesops::Execution& execution) {
    csv::write(table, path, with(options, execution));
  });
}

void bind_dialect(py::module_& word) {
  py::enum_<csv::Encoding>(word, "Encoding")
      .value("utf8", csv::Encoding::utf8)
      .value("latin1", csv::Encoding::latin1);
  py::enum_<csv::OnRagged>(word, "OnRagged")
      .value("error", csv::OnRagged::error)
      .value("issue", csv::OnRagged::issue);
  py::enum_<csv::OnQuote>(word, "OnQuote")
      .value("error", csv::OnQuote::error)
      .value("keep", csv::OnQuote::keep);
  py::class_<csv::ColumnType>(word, "ColumnType", "The type a column shall have.")
      .def(py::init([](const std::string& type, int scale, const std::string& currency) {
             return csv::ColumnType{type_of(type), scale, currency};
           }),
           py::arg("type"), py::arg("scale") = 2, py::arg("currency") = "");
  py::class_<csv::Limits>(word, "Limits", "What protects against hostile or damaged input.")
      .def(py::init<>())
      .def_readwrite("max_bytes", &csv::Limits::max_bytes)
      .def_readwrite("max_gzip_ratio", &csv::Limits::max_gzip_ratio)
      .def_readwrite("gzip_ratio_floor", &csv::Limits::gzip_ratio_floor)
      .def_readwrite("max_columns", &csv::Limits::max_columns)
      .def_readwrite("max_field_bytes", &csv::Limits::max_field_bytes);
}

void bind_read_options(py::module_& word) {
  py::class_<csv::Options>(word, "Options", "How a file is read.")
      .def(py::init<>())
      .def_readwrite("delimiter", &csv::Options::delimiter)
      .def_readwrite("header", &csv::Options::header)
      .def_readwrite("encoding", &csv::Options::encoding)
      .def_readwrite("null_texts", &csv::Options::null_texts)
      .def_readwrite("types", &csv::Options::types)
      .def_readwrite("infer", &csv::Options::infer)
      .def_readwrite("on_ragged", &csv::Options::on_ragged)
      .def_readwrite("on_quote", &csv::Options::on_quote)
      .def_readwrite("strip_guard", &csv::Options::strip_guard)
      .def_readwrite("name", &csv::Options::name)
      .def_readwrite("limits", &csv::Options::limits)
      .def_property(
          "threads", [](const csv::Options& options) { return options.execution.threads; },
          [](csv::Options& options, int threads) { options.execution.threads = threads; });
}

void bind_write_options(py::module_& word) {
  py::class_<csv::WriteOptions>(word, "WriteOptions", "How a file is written.")
      .def(py::init<>())
      .def_readwrite("delimiter", &csv::WriteOptions::delimiter)
      .def_readwrite("header", &csv::WriteOptions::header)
      .def_readwrite("guard", &csv::WriteOptions::guard)
      .def_readwrite("crlf", &csv::WriteOptions::crlf)
      .def_property(
          "threads", [](const csv::WriteOptions& options) { return options.execution.threads; },
          [](csv::WriteOptions& options, int threads) { options.execution.threads = threads; });
}

}  // namespace

void salesops_bind_csv(py::module_& module) {
  auto word = module.def_submodule("csv", "Comma-separated files to tables and back (salesops/csv.hpp).");
  bind_dialect(word);
  bind_read_options(word);
  bind_write_options(word);
  py::class_<csv::Result>(word, "Result", "A table, and what was wrong with its rows.")
      .def_readonly("table", &csv::Result::table)
      .def_readonly("issues", &csv::Result::issues)
      .def("__repr__", [](const csv::Result& result) {
        return result.table.to_text(10) + std::to_string(result.issues.total()) + " issues";
      });
  word.def("read", &read_path, py::arg("path"), py::arg("options"), py::arg("progress") = py::none());
  word.def("parse", &parse_buffer, py::arg("data"), py::arg("options"), py::arg("progress") = py::none());
  word.def("format", &format_table, py::arg("table"), py::arg("options"), py::arg("progress") = py::none());
  word.def("write", &write_table, py::arg("table"), py::arg("path"), py::arg("options"),
           py::arg("progress") = py::none());
}
