/// Arrow structs inside Python capsules, as the Arrow PyCapsule interface names them.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "execution.hpp"
#include "salesops/arrow.hpp"

namespace salesops_bindings {

template <class Struct>
Struct* capsule_pointer(const pybind11::handle& capsule, const char* name) {
  auto* pointer = static_cast<Struct*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (pointer == nullptr) throw pybind11::error_already_set();
  return pointer;
}

/// Calls the producer once; the GIL is free while its batches are read and converted.
inline salesops::Table import_object(const pybind11::object& data,
                                     const std::optional<std::vector<std::string>>& columns,
                                     salesops::Issues* issues) {
  salesops::arrow::ImportOptions options{.columns = columns, .issues = issues};
  if (pybind11::hasattr(data, "__arrow_c_stream__")) {
    const pybind11::object capsule = data.attr("__arrow_c_stream__")();
    auto* stream = capsule_pointer<ArrowArrayStream>(capsule, "arrow_array_stream");
    return interruptible(0, pybind11::none(), [&](const salesops::Execution& execution) {
      options.execution = execution;
      return salesops::arrow::import_stream(stream, options);
    });
  }
  if (!pybind11::hasattr(data, "__arrow_c_array__"))
    throw salesops::UsageError(
        "the object has no __arrow_c_stream__: need a dataframe, an Arrow table or a record batch");
  const pybind11::tuple pair = data.attr("__arrow_c_array__")();
  auto* schema = capsule_pointer<ArrowSchema>(pair[0], "arrow_schema");
  auto* array = capsule_pointer<ArrowArray>(pair[1], "arrow_array");
  return interruptible(0, pybind11::none(), [&](const salesops::Execution& execution) {
    options.execution = execution;
    return salesops::arrow::import_array(schema, array, options);
  });
}

inline void destroy_stream(PyObject* capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, "arrow_array_stream"));
  if (stream->release != nullptr) stream->release(stream);
  delete stream;
}

inline pybind11::object export_capsule(const salesops::Table& table,
                                       const salesops::arrow::ExportOptions& options) {
  auto stream = std::make_unique<ArrowArrayStream>();
  salesops::arrow::export_stream(table, stream.get(), options);
  PyObject* capsule = PyCapsule_New(stream.get(), "arrow_array_stream", destroy_stream);
  if (capsule == nullptr) {
    stream->release(stream.get());
    throw pybind11::error_already_set();
  }
  static_cast<void>(stream.release());
  return pybind11::reinterpret_steal<pybind11::object>(capsule);
}

}  // namespace salesops_bindings
