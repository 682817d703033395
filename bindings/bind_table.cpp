#include <pybind11/numpy.h>
#include <pybind11/typing.h>

#include "arrow_capsule.hpp"
#include "pickled.hpp"

namespace py = pybind11;
using salesops::Column;
using salesops::Table;
using salesops::Type;

namespace {

Type type_of(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Type::string); ++i)
    if (salesops::type_name(static_cast<Type>(i)) == name) return static_cast<Type>(i);
  throw salesops::UsageError("no column type '" + name + "'");
}

/// Keeps a Python object alive from any thread.
std::shared_ptr<const void> keep(py::object object) {
  return {object.release().ptr(), [](PyObject* held) {
            const py::gil_scoped_acquire acquire;
            Py_DECREF(held);
          }};
}

/// NumPy's name of a column's memory; a decimal is a row of two 64-bit halves.
const char* memory_type(Type type) {
  switch (type) {
    case Type::boolean: return "?";
    case Type::money:
    case Type::timestamp: return "int64";
    case Type::date:
    case Type::string: return "int32";
    case Type::decimal: return "uint64";
    default: return salesops::type_name(type).data();
  }
}

Column column_of(const std::string& type, const py::array& values, const py::object& valid, int scale,
                 const std::string& currency) {
  const Type to = type_of(type);
  const auto ready =
      py::module_::import("numpy").attr("ascontiguousarray")(values, memory_type(to)).cast<py::array>();
  if (ready.ndim() != (to == Type::decimal ? 2 : 1) || (to == Type::decimal && ready.shape(1) != 2))
    throw salesops::UsageError("the values of a " + type + " column have the wrong number of dimensions");
  const auto size = static_cast<std::size_t>(ready.shape(0));
  const void* data = ready.data();
  Column column(to, size, data, keep(ready));
  if (!valid.is_none()) {
    const auto bits = py::module_::import("numpy")
                          .attr("packbits")(valid, py::arg("bitorder") = "little")
                          .cast<py::array>();
    if (py::len(valid) != size) throw salesops::UsageError("the validity has another length than the values");
    const auto* bitmap = static_cast<const std::uint8_t*>(bits.data());
    column = Column(to, size, data, keep(py::make_tuple(ready, bits)), bitmap);
  }
  return column.with_scale(scale).with_currency(currency);
}

Column column_of_codes(const py::array& codes, const py::object& valid,
                       const std::vector<std::string>& strings) {
  salesops::DictionaryBuilder builder;
  for (const std::string& text : strings) builder.code(text);
  const std::size_t entries = builder.size();
  const auto column = column_of("string", codes, valid, 0, "").with_dictionary(builder.finish());
  const auto values = column.values<std::int32_t>();
  for (std::size_t row = 0; row < values.size(); ++row)
    if (column.valid(row) && (values[row] < 0 || std::cmp_greater_equal(values[row], entries)))
      throw salesops::UsageError("a code lies outside the dictionary");
  return column;
}

Column column_of_strings(const py::typing::Iterable<py::typing::Optional<py::str>>& values) {
  salesops::DictionaryBuilder builder;
  std::vector<std::int32_t> codes;
  std::vector<std::uint8_t> valid;
  for (const py::handle& value : values) {
    valid.push_back(value.is_none() ? 0 : 1);
    codes.push_back(value.is_none() ? 0 : builder.code(value.cast<std::string_view>()));
  }
  return Column::of_codes(std::move(codes), builder.finish(), valid);
}

py::array column_values(const Column& column) {
  const py::dtype type(memory_type(column.type()));
  const py::capsule owner(new Column(column), [](void* held) { delete static_cast<Column*>(held); });
  std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(column.size())};
  if (column.type() == Type::decimal) shape.push_back(2);
  py::array view(type, shape, column.data(), owner);
  view.attr("flags").attr("writeable") = false;
  return view;
}

py::object column_valid(const Column& column) {
  if (!column.may_have_nulls()) return py::none();
  py::array_t<bool> valid(static_cast<py::ssize_t>(column.size()));
  for (std::size_t row = 0; row < column.size(); ++row) valid.mutable_data()[row] = column.valid(row);
  return valid;
}

std::vector<std::string> column_dictionary(const Column& column) {
  std::vector<std::string> strings;
  for (std::size_t code = 0; code < column.dictionary().size(); ++code)
    strings.emplace_back(column.dictionary()[code]);
  return strings;
}

py::object export_table(const Table& table, const py::object&, const std::string& money,
                        const std::string& strings) {
  const bool decimal = money == "decimal";
  const bool dictionary = strings == "dictionary";
  if (!decimal && money != "float64") throw salesops::UsageError("money= is 'float64' or 'decimal'");
  if (!dictionary && strings != "text") throw salesops::UsageError("strings= is 'text' or 'dictionary'");
  using namespace salesops::arrow;
  return salesops_bindings::export_capsule(
      table, {.money = decimal ? MoneyFormat::decimal128 : MoneyFormat::float64,
              .strings = dictionary ? StringFormat::dictionary : StringFormat::large_utf8});
}

Table from_arrow(const py::object& data, const std::optional<std::vector<std::string>>& columns) {
  return salesops_bindings::import_object(data, columns, nullptr);
}

/// What needs NumPy or a dataframe library is said in Python.
void def_with_money(py::class_<Table>& type, const char* name, const char* doc) {
  const auto call = [name](const py::object& self, const std::string& money) -> py::object {
    return py::module_::import("salesops._frame").attr(name)(self, py::arg("money") = money);
  };
  type.def(name, call, py::kw_only(), py::arg("money") = "float64", doc);
}

void def_with_formats(py::class_<Table>& type, const char* name, const char* doc) {
  const auto call = [name](const py::object& self, const std::string& money,
                           const std::string& strings) -> py::object {
    return py::module_::import("salesops._frame")
        .attr(name)(self, py::arg("money") = money, py::arg("strings") = strings);
  };
  type.def(name, call, py::kw_only(), py::arg("money") = "float64", py::arg("strings") = "text", doc);
}

/// As people read it; what has no rows says so, and issues what that means.
std::string text_of(const Table& table) {
  if (table.num_rows() > 0) return table.to_text(10);
  if (table.has("rule") && table.has("severity")) return "no issues";
  std::string text = "no rows";
  for (const std::string& name : table.names()) text += (text == "no rows" ? "; columns: " : ", ") + name;
  return text;
}

void bind_column(py::module_& word) {
  py::class_<Column>(word, "Column", "An immutable typed column.")
      .def_static("of", &column_of, py::arg("type"), py::arg("values"), py::arg("valid") = py::none(),
                  py::arg("scale") = 0, py::arg("currency") = "",
                  "From a NumPy array in the type's layout, borrowed when it has it already.")
      .def_static("of_codes", &column_of_codes, py::arg("codes"), py::arg("valid"), py::arg("dictionary"),
                  "Strings from int32 codes into distinct strings.")
      .def_static("of_strings", &column_of_strings, py::arg("values"), "From strings and None.")
      .def_property_readonly(
          "type", [](const Column& column) { return std::string(salesops::type_name(column.type())); })
      .def_property_readonly("scale", &Column::scale)
      .def_property_readonly("currency", &Column::currency)
      .def_property_readonly("null_count", &Column::null_count)
      .def_property_readonly("dictionary", &column_dictionary, "The distinct strings behind the codes.")
      .def("values", &column_values, "The memory as a read-only NumPy array, without a copy.")
      .def("valid", &column_valid, "One bool a row, or None when no row is null.")
      .def(
          "to_list",
          [](const py::object& self) {
            return py::module_::import("salesops._columns").attr("to_list")(self);
          },
          "Python values; None for a null.")
      .def(
          "to_numpy",
          [](const py::object& self) {
            return py::module_::import("salesops._columns").attr("to_numpy")(self);
          },
          "A NumPy array; a null is NaN, NaT or None, as the type has it.")
      .def("__len__", &Column::size)
      .def(salesops_bindings::pickled<Column>());
}

}  // namespace

void salesops_bind_table(py::module_& module) {
  auto word = module.def_submodule("table", "Immutable typed columns and tables (salesops/table.hpp).");
  bind_column(word);
  py::class_<Table> type(word, "Table", "Columns of one length under distinct names; immutable.");
  type.def(py::init<std::vector<std::pair<std::string, Column>>>(), py::arg("columns"))
      .def_static("from_arrow", &from_arrow, py::arg("data"), py::arg("columns") = py::none(),
                  "The table of anything with ``__arrow_c_stream__``; borrows what it can.")
      .def_static("empty", &Table::empty, py::arg("rows"), "Rows without columns.")
      .def_static(
          "from_columns",
          [](const py::object& data) {
            return py::module_::import("salesops._frame").attr("from_columns")(data);
          },
          py::arg("data"), "From a mapping of names to NumPy arrays or lists.")
      .def_property_readonly("num_rows", &Table::num_rows)
      .def_property_readonly("num_columns", &Table::num_columns)
      .def_property_readonly("names", &Table::names)
      .def("has", &Table::has, py::arg("name"))
      .def("column", &Table::column, py::arg("name"), "The column so named; an error lists those there are.")
      .def("with_column", &Table::with, py::arg("name"), py::arg("column"))
      .def(
          "select",
          [](const Table& table, const std::vector<std::string>& names) { return table.select(names); },
          py::arg("names"))
      .def("slice", &Table::slice, py::arg("start"), py::arg("length"))
      .def("to_text", &Table::to_text, py::arg("max_rows") = 20)
      .def("__arrow_c_stream__", &export_table, py::arg("requested_schema") = py::none(), py::kw_only(),
           py::arg("money") = "float64", py::arg("strings") = "text",
           "One batch as a capsule; the requested schema is not looked at.")
      .def("__len__", &Table::num_rows)
      .def("__repr__", &text_of)
      .def(
          "_repr_html_",
          [](const py::object& self) { return py::module_::import("salesops._frame").attr("to_html")(self); })
      .def(salesops_bindings::pickled<Table>());
  def_with_money(type, "to_pandas", "A pandas DataFrame; ``money='decimal'`` keeps amounts exact.");
  def_with_formats(type, "to_polars", "A Polars DataFrame; ``money='decimal'`` keeps amounts exact.");
  def_with_formats(type, "to_arrow", "A PyArrow table; ``money='decimal'`` keeps amounts exact.");
  type.def(
      "to_frame",
      [](const py::object& self, const std::optional<std::string>& kind) -> py::object {
        return py::module_::import("salesops._frame").attr("of_kind")(self, kind);
      },
      py::arg("kind") = py::none(),
      "A pandas (default, if installed), ``\"polars\"`` or ``\"pyarrow\"`` frame.");
  def_with_money(type, "to_dict", "Python lists by column name; None for a null.");
}
