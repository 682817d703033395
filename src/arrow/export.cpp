#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "salesops/arrow.hpp"

namespace salesops {
inline namespace v0 {
namespace arrow {

namespace {

/// A child of a struct that is handed out, released with it unless the consumer moved it away.
template <class Struct>
struct Child {
  Struct value{};
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (value.release != nullptr) value.release(&value);
  }
};

struct SchemaNode {
  std::string format;
  std::string name;
  std::vector<std::unique_ptr<Child<ArrowSchema>>> children;
  std::vector<ArrowSchema*> pointers;
  std::unique_ptr<Child<ArrowSchema>> dictionary;
};

struct ArrayNode {
  Column column;
  std::shared_ptr<const Dictionary> strings;
  std::vector<std::uint8_t> validity;
  std::array<std::unique_ptr<std::byte[]>, 2> made;
  std::array<const void*, 3> buffers{};
  std::vector<std::unique_ptr<Child<ArrowArray>>> children;
  std::vector<ArrowArray*> pointers;
  std::unique_ptr<Child<ArrowArray>> dictionary;
};

template <class Struct, class Node>
void release_node(Struct* given) {
  delete static_cast<Node*>(given->private_data);
  given->private_data = nullptr;
  given->release = nullptr;
}

void hand_out(std::unique_ptr<SchemaNode> node, ArrowSchema& out) {
  for (const auto& child : node->children) node->pointers.push_back(&child->value);
  out = ArrowSchema{};
  out.format = node->format.c_str();
  out.name = node->name.c_str();
  out.flags = ARROW_FLAG_NULLABLE;
  out.n_children = static_cast<std::int64_t>(node->pointers.size());
  out.children = node->pointers.empty() ? nullptr : node->pointers.data();
  out.dictionary = node->dictionary ? &node->dictionary->value : nullptr;
  out.release = release_node<ArrowSchema, SchemaNode>;
  out.private_data = node.release();
}

void hand_out(std::unique_ptr<ArrayNode> node, std::size_t length, std::int64_t buffers, ArrowArray& out) {
  for (const auto& child : node->children) node->pointers.push_back(&child->value);
  out = ArrowArray{};
  out.length = static_cast<std::int64_t>(length);
  out.null_count = node->buffers[0] == nullptr ? 0 : -1;
  out.n_buffers = buffers;
  out.buffers = node->buffers.data();
  out.n_children = static_cast<std::int64_t>(node->pointers.size());
  out.children = node->pointers.empty() ? nullptr : node->pointers.data();
  out.dictionary = node->dictionary ? &node->dictionary->value : nullptr;
  out.release = release_node<ArrowArray, ArrayNode>;
  out.private_data = node.release();
}

// ---- money ----

/// Digits of the minor unit in each row of a money column.
class MinorDigits {
 public:
  MinorDigits(const Table& table, const Column& money) : shared_(money::minor_digits(money.currency())) {
    const Column* currencies = money.currency().empty() ? table.find("currency") : nullptr;
    most_ = shared_;
    if (currencies == nullptr || currencies->type() != Type::string) return;
    rows_ = currencies;
    for (std::size_t code = 0; code < currencies->dictionary().size(); ++code)
      by_code_.push_back(money::minor_digits(currencies->dictionary()[code]));
    for (const int digits : by_code_) most_ = std::max(most_, digits);
  }
  [[nodiscard]] int at(std::size_t row) const {
    if (rows_ == nullptr || rows_->is_null(row)) return shared_;
    return by_code_[static_cast<std::size_t>(rows_->values<std::int32_t>()[row])];
  }
  [[nodiscard]] int most() const noexcept { return most_; }

 private:
  const Column* rows_ = nullptr;
  std::vector<int> by_code_;
  int shared_ = 2;
  int most_ = 2;
};

constexpr std::array<std::int64_t, 5> powers_of_ten{1, 10, 100, 1'000, 10'000};

// ---- one column ----

std::string format_of(const Table& table, const Column& column, const ExportOptions& options) {
  switch (column.type()) {
    case Type::boolean: return "b";
    case Type::int8: return "c";
    case Type::uint8: return "C";
    case Type::int16: return "s";
    case Type::uint16: return "S";
    case Type::int32: return "i";
    case Type::uint32: return "I";
    case Type::int64: return "l";
    case Type::uint64: return "L";
    case Type::float32: return "f";
    case Type::float64: return "g";
    case Type::decimal: return "d:38," + std::to_string(column.scale());
    case Type::date: return "tdD";
    case Type::timestamp: return "tsu:UTC";
    case Type::money:
      return options.money == MoneyFormat::float64
                 ? "g"
                 : "d:38," + std::to_string(MinorDigits(table, column).most());
    case Type::string: return options.strings == StringFormat::large_utf8 ? "U" : "i";
  }
  return "n";
}

template <class T>
T* make_buffer(ArrayNode& node, std::size_t which, std::size_t size) {
  node.made[which] = std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(size, 1) * sizeof(T));
  node.buffers[which + 1] = node.made[which].get();
  return reinterpret_cast<T*>(node.made[which].get());
}

/// Shares the bitmap where it starts on a byte; else shifts it.
void put_validity(ArrayNode& node) {
  const Column& column = node.column;
  if (!column.may_have_nulls()) return;
  if (column.bit_offset() % 8 == 0) {
    node.buffers[0] = column.validity() + column.bit_offset() / 8;
    return;
  }
  node.validity.assign((column.size() + 7) / 8, 0);
  for (std::size_t row = 0; row < column.size(); ++row)
    if (column.valid(row)) {
      auto& byte = node.validity[row >> 3];
      byte = static_cast<std::uint8_t>(byte | (1U << (row & 7)));
    }
  node.buffers[0] = node.validity.data();
}

void put_bits(ArrayNode& node) {
  const auto values = node.column.values<std::uint8_t>();
  const std::size_t bytes = (values.size() + 7) / 8;
  auto* bits = make_buffer<std::uint8_t>(node, 0, bytes);
  std::memset(bits, 0, bytes);
  for (std::size_t row = 0; row < values.size(); ++row)
    bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] | (unsigned{values[row] != 0} << (row & 7)));
}

void put_money(ArrayNode& node, const Table& table, MoneyFormat format) {
  const MinorDigits digits(table, node.column);
  const auto minor = node.column.values<std::int64_t>();
  if (format == MoneyFormat::float64) {
    auto* major = make_buffer<double>(node, 0, minor.size());
    for (std::size_t row = 0; row < minor.size(); ++row)
      major[row] = static_cast<double>(minor[row]) /
                   static_cast<double>(powers_of_ten[static_cast<std::size_t>(digits.at(row))]);
    return;
  }
  auto* scaled = make_buffer<Decimal128>(node, 0, minor.size());
  for (std::size_t row = 0; row < minor.size(); ++row) {
    const auto shift = static_cast<std::size_t>(digits.most() - digits.at(row));
    scaled[row] = Decimal128::of(static_cast<int128>(minor[row]) * powers_of_ten[shift]);
  }
}

void put_texts(ArrayNode& node) {
  const Column& column = node.column;
  auto* offsets = make_buffer<std::int64_t>(node, 0, column.size() + 1);
  offsets[0] = 0;
  for (std::size_t row = 0; row < column.size(); ++row)
    offsets[row + 1] =
        offsets[row] + (column.valid(row) ? static_cast<std::int64_t>(column.text(row).size()) : 0);
  auto* bytes = make_buffer<char>(node, 1, static_cast<std::size_t>(offsets[column.size()]));
  for (std::size_t row = 0; row < column.size(); ++row)
    if (offsets[row + 1] != offsets[row]) {
      const std::string_view text = column.text(row);
      std::memcpy(bytes + offsets[row], text.data(), text.size());
    }
}

/// Codes are shared, unless one under a null lies outside the dictionary: some consumers look there.
void put_codes(ArrayNode& node) {
  const Column& column = node.column;
  node.strings = column.shared_dictionary();
  const auto codes = column.values<std::int32_t>();
  const auto within = [&](std::int32_t code) {
    return code >= 0 && std::cmp_less(code, node.strings->size());
  };
  node.buffers[1] = codes.data();
  if (!std::all_of(codes.begin(), codes.end(), within)) {
    auto* clean = make_buffer<std::int32_t>(node, 0, codes.size());
    for (std::size_t row = 0; row < codes.size(); ++row) clean[row] = within(codes[row]) ? codes[row] : 0;
  }
  auto entries = std::make_unique<ArrayNode>();
  entries->strings = node.strings;
  entries->buffers = {nullptr, node.strings->offsets().data(), node.strings->bytes().data()};
  node.dictionary = std::make_unique<Child<ArrowArray>>();
  hand_out(std::move(entries), node.strings->size(), 3, node.dictionary->value);
}

void export_column(const Table& table, const Column& column, const ExportOptions& options, ArrowArray& out) {
  auto node = std::make_unique<ArrayNode>();
  node->column = column;
  put_validity(*node);
  const bool texts = column.type() == Type::string && options.strings == StringFormat::large_utf8;
  if (texts)
    put_texts(*node);
  else if (column.type() == Type::string)
    put_codes(*node);
  else if (column.type() == Type::boolean)
    put_bits(*node);
  else if (column.type() == Type::money)
    put_money(*node, table, options.money);
  else
    node->buffers[1] = column.data();
  const std::size_t size = column.size();
  hand_out(std::move(node), size, texts ? 3 : 2, out);
}

// ---- the stream ----

struct StreamNode {
  Table table;
  ExportOptions options;
  bool done = false;
  std::string error;
};

void export_schema(const StreamNode& stream, ArrowSchema& out) {
  auto root = std::make_unique<SchemaNode>();
  root->format = "+s";
  for (const auto& [name, column] : stream.table.columns()) {
    auto field = std::make_unique<SchemaNode>();
    field->name = name;
    field->format = format_of(stream.table, column, stream.options);
    if (column.type() == Type::string && stream.options.strings == StringFormat::dictionary) {
      auto values = std::make_unique<SchemaNode>();
      values->format = "U";
      field->dictionary = std::make_unique<Child<ArrowSchema>>();
      hand_out(std::move(values), field->dictionary->value);
    }
    root->children.push_back(std::make_unique<Child<ArrowSchema>>());
    hand_out(std::move(field), root->children.back()->value);
  }
  hand_out(std::move(root), out);
}

void export_batch(const StreamNode& stream, ArrowArray& out) {
  const auto& columns = stream.table.columns();
  auto root = std::make_unique<ArrayNode>();
  for (std::size_t i = 0; i < columns.size(); ++i)
    root->children.push_back(std::make_unique<Child<ArrowArray>>());
  for_blocks(columns.size(), Execution{}, [&](std::size_t i) {
    export_column(stream.table, columns[i].second, stream.options, root->children[i]->value);
  });
  hand_out(std::move(root), stream.table.num_rows(), 1, out);
}

/// Runs a callback's work; the consumer sees an errno code, never an exception.
template <class Work>
int guarded(ArrowArrayStream* stream, Work work) noexcept {
  auto& node = *static_cast<StreamNode*>(stream->private_data);
  try {
    work(node);
    return 0;
  } catch (const std::bad_alloc&) {
    node.error.clear();
    return ENOMEM;
  } catch (const std::exception& error) {
    node.error = error.what();
    return EINVAL;
  }
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  return guarded(stream, [&](StreamNode& node) { export_schema(node, *out); });
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  return guarded(stream, [&](StreamNode& node) {
    *out = ArrowArray{};
    if (node.done) return;
    export_batch(node, *out);
    node.done = true;
  });
}

const char* get_last_error(ArrowArrayStream* stream) {
  const auto& error = static_cast<StreamNode*>(stream->private_data)->error;
  return error.empty() ? nullptr : error.c_str();
}

}  // namespace

void export_stream(const Table& table, ArrowArrayStream* out, const ExportOptions& options) {
  auto node = std::make_unique<StreamNode>(StreamNode{table, options, false, {}});
  out->get_schema = get_schema;
  out->get_next = get_next;
  out->get_last_error = get_last_error;
  out->release = release_node<ArrowArrayStream, StreamNode>;
  out->private_data = node.release();
}

}  // namespace arrow
}  // namespace v0
}  // namespace salesops
