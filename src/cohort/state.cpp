// Events by customer: read, merged.
#include "state.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "../clv/merged_customers.hpp"
#include "../clv/rfm_read.hpp"
#include "time.hpp"

namespace salesops {
inline namespace v0 {
namespace cohort_detail {

namespace {

/// The one currency that a column of codes names; `UnitError` for several.
std::string one_currency(const Column& column, const std::string& name) {
  if (column.type() != Type::string) throw UsageError("column '" + name + "' holds no currency codes");
  std::string found;
  const auto codes = column.values<std::int32_t>();
  std::vector<std::uint8_t> seen(column.dictionary().size(), 0);
  for (std::size_t row = 0; row < codes.size(); ++row)
    if (column.valid(row)) seen[static_cast<std::size_t>(codes[row])] = 1;
  if (const auto n = std::accumulate(seen.begin(), seen.end(), 0); n > 1)
    throw UnitError("column '" + name + "' names " + std::to_string(n) +
                    " currencies; convert the amounts first, or look at one currency at a time");
  for (std::size_t code = 0; code < seen.size(); ++code)
    if (seen[code] != 0) found = column.dictionary()[code];
  return found;
}

/// Segments of rows: codes of the distinct values as text; −1 for a null.
struct SegmentCodes {
  std::vector<std::string> names;
  std::vector<std::int32_t> of_row;
};

SegmentCodes segments_of(const Table& events, const std::string& name) {
  SegmentCodes segments;
  if (name.empty()) return segments;
  const Column& column = events.column(name);
  segments.of_row.assign(column.size(), -1);
  if (column.type() == Type::string) {
    const auto codes = column.values<std::int32_t>();
    for (std::size_t code = 0; code < column.dictionary().size(); ++code)
      segments.names.emplace_back(column.dictionary()[code]);
    for (std::size_t row = 0; row < codes.size(); ++row)
      if (column.valid(row)) segments.of_row[row] = codes[row];
    return segments;
  }
  if (column.type() == Type::float32 || column.type() == Type::float64 || column.type() == Type::timestamp)
    throw UsageError("column '" + name + "' holds " + std::string(type_name(column.type())) +
                     ", not segments: text, whole numbers, booleans");
  DictionaryBuilder builder;
  for (std::size_t row = 0; row < column.size(); ++row)
    if (column.valid(row)) segments.of_row[row] = builder.code(column.cell(row));
  const auto dictionary = builder.finish();
  for (std::size_t code = 0; code < dictionary->size(); ++code)
    segments.names.emplace_back((*dictionary)[code]);
  return segments;
}

/// Flags of rows [first, last); null is false.
void write_flags(const std::array<const Column*, 3>& columns, std::size_t first, std::size_t last,
                 std::vector<std::uint8_t>& out) {
  out.assign(last - first, (columns[0] == nullptr ? can_start : 0) | (columns[1] == nullptr ? is_return : 0));
  const std::array<std::uint8_t, 3> bits = {can_start, is_return, is_older};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == nullptr) continue;
    const auto values = columns[i]->values<std::uint8_t>();
    for (std::size_t row = first; row < last; ++row)
      if (values[row] != 0 && columns[i]->valid(row)) out[row - first] |= bits[i];
  }
}

}  // namespace

clv::RfmColumns amounts_of(const cohort::Columns& columns, const Table& events) {
  clv::RfmColumns amounts;
  amounts.customer = columns.customer;
  amounts.time = columns.time;
  amounts.amount = columns.amount;
  amounts.minor_units = columns.minor_units;
  amounts.currency = columns.currency;
  if (!columns.currency.empty() && events.has(columns.currency))
    amounts.currency = one_currency(events.column(columns.currency), columns.currency);
  return amounts;
}

const Column* flag_of(const Table& events, const std::string& name) {
  if (name.empty()) return nullptr;
  const Column& column = events.column(name);
  if (column.type() != Type::boolean)
    throw UsageError("column '" + name + "' holds " + std::string(type_name(column.type())) +
                     ", not true and false");
  return &column;
}

}  // namespace cohort_detail

namespace cohort {

using cohort_detail::Event;

State::State() : data_(std::make_shared<const Data>()) {}
std::size_t State::customers() const noexcept { return data_->customers(); }
std::size_t State::events() const noexcept { return data_->events.size(); }

State State::partial(const Table& events, const Columns& columns, const Execution& execution) {
  const StopScope scope(execution.stop);
  auto data = std::make_shared<Data>();
  data->zone = columns.zone;
  data->batches = 1;
  data->by = columns.by;
  data->start = columns.start;
  data->returned = columns.returned;
  data->older = columns.older;
  const Column customer = clv_detail::customers_of(events, columns.customer);
  // Numbers ascend in either order; only texts have to be sorted.
  const auto order =
      customer.type() == Type::string ? clv_detail::CodeOrder::by_name : clv_detail::CodeOrder::any;
  const auto codes = clv_detail::codes_of(customer, columns.customer, execution, order);
  cohort_detail::Clock clock(events.column(columns.time), columns.time, columns.zone, execution);
  const auto how = cohort_detail::amounts_of(columns, events);
  std::optional<clv_detail::Amounts> amounts;
  if (!columns.amount.empty()) {
    amounts.emplace(events.column(columns.amount), how);
    data->has_amount = true;
    data->currency = amounts->currency();
  }
  const std::array<const Column*, 3> flags = {cohort_detail::flag_of(events, columns.start),
                                              cohort_detail::flag_of(events, columns.returned),
                                              cohort_detail::flag_of(events, columns.older)};
  const cohort_detail::SegmentCodes segments = cohort_detail::segments_of(events, columns.by);
  data->segments = segments.names;
  const bool has_segments = !columns.by.empty();
  if (!clock.empty()) {
    data->first = clock.first();
    data->until = clock.until();
  }

  // Codes first, to count each customer's events; then everything to its place.
  const std::size_t rows = events.num_rows();
  const auto keys = clv_detail::unset<std::uint64_t>(rows);
  clv_detail::Flaws nobody;
  for_rows(rows, clv_detail::block_rows, execution, [&](std::size_t first, std::size_t last) {
    std::vector<std::int64_t> buffer;
    clv_detail::write_codes(customer, codes, first, last, keys.get() + first, nobody);
    const auto at = clock.block(first, last, buffer);
    for (std::size_t row = first; row < last; ++row)
      if (at[row - first] == cohort_detail::no_instant) keys[row] = clv_detail::left_out;
  });
  std::vector<std::size_t> begins(codes.codes + 1, 0);
  for (std::size_t row = 0; row < rows; ++row)
    if (keys[row] != clv_detail::left_out) ++begins[clv_detail::code_of(keys[row]) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  data->events.resize(begins.back());
  std::vector<std::size_t> places(begins.begin(), begins.end() - 1);
  std::vector<std::int64_t> buffer, money;
  std::vector<std::uint8_t> marks;
  for (std::size_t first = 0; first < rows; first += clv_detail::block_rows) {
    ask_stop();
    const std::size_t last = std::min(rows, first + clv_detail::block_rows);
    const auto at = clock.block(first, last, buffer);
    money.assign(last - first, 0);
    if (amounts) amounts->write(first, last, money.data());
    cohort_detail::write_flags(flags, first, last, marks);
    for (std::size_t i = 0; i < last - first; ++i) {
      const std::uint64_t key = keys[first + i];
      if (key == clv_detail::left_out) continue;
      data->events[places[clv_detail::code_of(key)]++] = {
          at[i], money[i], has_segments ? segments.of_row[first + i] : -1, marks[i]};
    }
  }
  for_rows(codes.codes, std::size_t{1} << 14, execution, [&](std::size_t first, std::size_t last) {
    for (std::size_t code = first; code < last; ++code)
      std::sort(data->events.begin() + static_cast<std::ptrdiff_t>(begins[code]),
                data->events.begin() + static_cast<std::ptrdiff_t>(begins[code + 1]),
                [](const Event& a, const Event& b) { return a.at < b.at; });
  });
  std::vector<std::uint32_t> present;
  for (std::size_t code = 0; code < codes.codes; ++code) {
    if (begins[code + 1] == begins[code]) continue;
    present.push_back(static_cast<std::uint32_t>(code));
    data->begins.push_back(begins[code + 1]);
  }
  data->customer = codes.names(present);
  nobody.report(data->issues, columns.customer, "no_customer");
  clock.report(data->issues);
  if (amounts) amounts->report(data->issues);
  State state;
  state.data_ = std::move(data);
  return state;
}

namespace {

void check_alike(const State::Data& a, const State::Data& b) {
  if (!(a.zone == b.zone))
    throw UsageError("the batches count the days of different zones: " + a.zone.name() + " and " +
                     b.zone.name());
  if (a.customer.type() != b.customer.type())
    throw UsageError("one batch has customers as text, the other as whole numbers; use one kind");
  if (a.has_amount != b.has_amount)
    throw UsageError("one batch was read with amounts, the other without; name the column in both");
  const auto alike = [](const char* argument, const std::string& one, const std::string& other) {
    if (one == other) return;
    const auto named = [](const std::string& column) {
      return column.empty() ? std::string("none") : "'" + column + "'";
    };
    throw UsageError(std::string("the batches were read with different columns as ") + argument + ": " +
                     named(one) + " and " + named(other) + "; read all with the same");
  };
  alike("by", a.by, b.by);
  alike("start", a.start, b.start);
  alike("returned", a.returned, b.returned);
  alike("older", a.older, b.older);
  if (a.currency != b.currency)
    throw UnitError("the batches are in different currencies: " + (a.currency.empty() ? "none" : a.currency) +
                    " and " + (b.currency.empty() ? "none" : b.currency));
}

}  // namespace

void State::merge(const State& other) {
  const Data& a = *data_;
  const Data& b = *other.data_;
  if (b.batches == 0) return;
  if (a.batches == 0) {
    data_ = other.data_;
    return;
  }
  check_alike(a, b);
  auto merged = std::make_shared<Data>();
  merged->has_amount = a.has_amount;
  merged->by = a.by;
  merged->start = a.start;
  merged->returned = a.returned;
  merged->older = a.older;
  merged->currency = a.currency;
  merged->zone = a.zone;
  merged->issues = a.issues;
  merged->issues.merge(b.issues);
  merged->batches = a.batches + b.batches;
  merged->first = std::min(a.first, b.first);
  merged->until = a.until;
  merged->until.merge(b.until);
  merged->segments = a.segments;
  std::vector<std::int32_t> code_of;
  for (const std::string& name : b.segments) {
    const auto found = std::ranges::find(merged->segments, name);
    code_of.push_back(static_cast<std::int32_t>(found - merged->segments.begin()));
    if (found == merged->segments.end()) merged->segments.push_back(name);
  }
  clv_detail::MergedCustomers customers(a.customer);
  merged->events.reserve(a.events.size() + b.events.size());
  std::vector<Event> theirs;
  std::size_t i = 0, j = 0;
  while (i < a.customers() || j < b.customers()) {
    const auto order = i == a.customers()   ? std::strong_ordering::greater
                       : j == b.customers() ? std::strong_ordering::less
                                            : clv_detail::compare(a.customer, i, b.customer, j);
    customers.add(order <= 0 ? a.customer : b.customer, order <= 0 ? i : j);
    theirs.clear();
    if (order >= 0) {
      const auto more = b.of(j++);
      theirs.assign(more.begin(), more.end());
      for (Event& event : theirs)
        if (event.segment >= 0) event.segment = code_of[static_cast<std::size_t>(event.segment)];
    }
    const auto mine = order <= 0 ? a.of(i++) : std::span<const Event>{};
    std::merge(mine.begin(), mine.end(), theirs.begin(), theirs.end(), std::back_inserter(merged->events),
               [](const Event& x, const Event& y) { return x.at < y.at; });
    merged->begins.push_back(merged->events.size());
    tick(merged->begins.size());
  }
  merged->customer = customers.finish();
  data_ = std::move(merged);
}

}  // namespace cohort
}  // namespace v0
}  // namespace salesops
