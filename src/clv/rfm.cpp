#include "salesops/clv/rfm.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>

#include "merged_customers.hpp"
#include "rfm_read.hpp"
#include "rfm_state.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using clv_detail::DayRange;
using clv_detail::DayRows;
using clv_detail::Transactions;

/// A transaction on its way to its place. The key holds the customer's code within its bucket above the day's
/// number.
class WideRow {
 public:
  WideRow() = default;
  WideRow(std::uint64_t key, std::int64_t amount) noexcept : key_(key), amount_(amount) {}
  static bool holds(int, std::int64_t) noexcept { return true; }
  [[nodiscard]] std::uint64_t key() const noexcept { return key_; }
  [[nodiscard]] std::int64_t amount() const noexcept { return amount_; }

 private:
  std::uint64_t key_;
  std::int64_t amount_;
};

/// The same in half the room, for keys and amounts of 32 bits: most of the time goes into moving rows.
class NarrowRow {
 public:
  NarrowRow() = default;
  NarrowRow(std::uint64_t key, std::int64_t amount) noexcept
      : bits_(key << 32 | static_cast<std::uint32_t>(amount)) {}
  static bool holds(int key_bits, std::int64_t amount) noexcept {
    return key_bits <= 32 && amount == static_cast<std::int32_t>(amount);
  }
  [[nodiscard]] std::uint64_t key() const noexcept { return bits_ >> 32; }
  [[nodiscard]] std::int64_t amount() const noexcept { return static_cast<std::int32_t>(bits_); }

 private:
  std::uint64_t bits_;
};

/// How keys are packed and cut into buckets of neighbouring customers, each small enough for a cache.
struct Layout {
  int day_bits = 0;
  int customer_bits = 0;  ///< of a customer within its bucket
  std::size_t buckets = 1;

  static Layout of(const Transactions& read) {
    constexpr std::size_t bucket_rows = std::size_t{1} << 14;
    constexpr std::size_t most_buckets = 2048;
    const auto days = static_cast<std::uint64_t>(std::int64_t{read.last_day} - read.first_day);
    const std::size_t wanted = std::clamp<std::size_t>(read.rows / bucket_rows, 1, most_buckets);
    const std::size_t last_code = read.customers.codes - 1;
    Layout layout;
    layout.day_bits = static_cast<int>(std::bit_width(days));
    layout.customer_bits = std::max(
        0, static_cast<int>(std::bit_width(last_code)) - static_cast<int>(std::bit_width(wanted)) + 1);
    layout.buckets = (last_code >> layout.customer_bits) + 1;
    return layout;
  }
  [[nodiscard]] std::size_t bucket_of(std::uint64_t key) const {
    return clv_detail::code_of(key) >> customer_bits;
  }
  [[nodiscard]] int key_bits() const { return day_bits + customer_bits; }
};

/// Rows put into their buckets; `starts` has one place a bucket, and the end.
template <class Row>
struct Buckets {
  clv_detail::Memory<Row> rows;
  std::vector<std::size_t> starts;
};

/// Nothing where a row is too wide.
template <class Row>
std::optional<Buckets<Row>> to_buckets(const Transactions& read, const Layout& layout,
                                       const Execution& execution) {
  if (!Row::holds(layout.key_bits(), 0)) return std::nullopt;
  const std::size_t blocks = (read.rows + clv_detail::block_rows - 1) / clv_detail::block_rows;
  std::vector<std::size_t> places(blocks * layout.buckets, 0);
  const auto each_block = [&](const auto& work) {
    for_rows(read.rows, clv_detail::block_rows, execution, [&](std::size_t first, std::size_t last) {
      const std::size_t block = first / clv_detail::block_rows;
      std::size_t* place = places.data() + block * layout.buckets;
      work(first, last, [&](std::uint64_t key) -> std::size_t& { return place[layout.bucket_of(key)]; });
    });
  };
  each_block([&](std::size_t first, std::size_t last, const auto& place) {
    for (std::size_t row = first; row < last; ++row)
      if (const std::uint64_t key = read.keys[row]; key != clv_detail::left_out) ++place(key);
  });
  Buckets<Row> buckets;
  std::size_t total = 0;
  for (std::size_t bucket = 0; bucket < layout.buckets; ++bucket) {
    buckets.starts.push_back(total);
    for (std::size_t block = 0; block < blocks; ++block) {
      std::size_t& place = places[block * layout.buckets + bucket];
      total += std::exchange(place, total);
    }
  }
  buckets.starts.push_back(total);
  buckets.rows = clv_detail::unset<Row>(total);
  const std::uint64_t within = (std::uint64_t{1} << layout.customer_bits) - 1;
  std::atomic<bool> fits{true};
  each_block([&](std::size_t first, std::size_t last, const auto& place) {
    bool all_fit = fits;
    for (std::size_t row = first; row < last && all_fit; ++row) {
      const std::uint64_t key = read.keys[row];
      if (key == clv_detail::left_out) continue;
      const auto day = static_cast<std::uint64_t>(std::int64_t{clv_detail::day_of(key)} - read.first_day);
      const std::int64_t amount = read.amounts.empty() ? 0 : read.amounts[row];
      all_fit = Row::holds(0, amount);
      buckets.rows[place(key)++] = {(clv_detail::code_of(key) & within) << layout.day_bits | day, amount};
    }
    if (!all_fit) fits = false;
  });
  if (!fits) return std::nullopt;
  return buckets;
}

/// Sorts by the lowest `bits` of the key, with one counting pass a digit. The sorted rows are in the result,
/// which is `rows` or `other`.
template <class Row>
Row* radix_sort(Row* rows, Row* other, std::size_t size, int bits) {
  constexpr int widest = 11;
  const int passes = (bits + widest - 1) / widest;
  if (size < 2 || passes == 0) return rows;
  const int width = (bits + passes - 1) / passes;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  std::vector<std::size_t> place(mask + 1);
  for (int shift = 0; shift < bits; shift += width) {
    std::fill(place.begin(), place.end(), 0);
    for (std::size_t i = 0; i < size; ++i) ++place[rows[i].key() >> shift & mask];
    std::exclusive_scan(place.begin(), place.end(), place.begin(), std::size_t{0});
    for (std::size_t i = 0; i < size; ++i) other[place[rows[i].key() >> shift & mask]++] = rows[i];
    std::swap(rows, other);
  }
  return rows;
}

/// How many customers a bucket holds, and how many days of theirs.
struct Extent {
  std::size_t customers = 0;
  std::size_t days = 0;
};

/// Puts the rows in order, with room for as many beside them.
template <class Row>
Extent sort_rows(std::span<Row> rows, Row* room, const Layout& layout) {
  const Row* sorted = radix_sort(rows.data(), room, rows.size(), layout.key_bits());
  if (sorted != rows.data()) std::copy_n(sorted, rows.size(), rows.data());
  Extent extent;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t unlike = i == 0 ? ~std::uint64_t{0} : rows[i].key() ^ rows[i - 1].key();
    extent.days += unlike != 0 ? 1 : 0;
    extent.customers += unlike >> layout.day_bits != 0 ? 1 : 0;
  }
  return extent;
}

/// Where the next customer and the next day go.
struct Place {
  std::uint32_t* code;
  std::size_t* begin;
  std::size_t day;
};

/// Rows of a bucket in order become customers and their days.
template <class Row>
void to_days(std::span<const Row> rows, std::size_t bucket, Place at, const Layout& layout,
             std::int32_t first_day, DayRows& out) {
  const std::uint64_t day_mask = (std::uint64_t{1} << layout.day_bits) - 1;
  std::optional<std::uint32_t> last;
  for (std::size_t i = 0; i < rows.size(); ++at.day) {
    const std::uint64_t key = rows[i].key();
    const auto code = static_cast<std::uint32_t>(bucket << layout.customer_bits | key >> layout.day_bits);
    if (last != code) {
      *at.code++ = code;
      *at.begin++ = at.day;
      last = code;
    }
    std::int64_t amount = 0;
    std::uint32_t n = 0;
    std::uint32_t refund = 0;
    for (; i < rows.size() && rows[i].key() == key; ++i, ++n) {
      amount = clv_detail::add(amount, rows[i].amount());
      if (rows[i].amount() < 0) refund = clv_detail::refund_bit;
    }
    out.put(at.day, first_day + static_cast<std::int32_t>(key & day_mask), amount, n | refund);
  }
}

/// Sorts the buckets and takes the days over; gives the codes of the customers there are, ascending.
template <class Row>
std::vector<std::uint32_t> put_in_order(const Buckets<Row>& buckets, const Layout& layout, Transactions& read,
                                        RfmState::Data& data, const Execution& execution) {
  const auto rows_of = [&](std::size_t bucket) {
    const std::size_t start = buckets.starts[bucket];
    return std::span<Row>(buckets.rows.get() + start, buckets.starts[bucket + 1] - start);
  };
  std::vector<Extent> ends(layout.buckets);
  // New room for each bucket would cost more than to sort it.
  constexpr std::size_t share_room = 32;
  for_rows(layout.buckets, share_room, execution, [&](std::size_t first, std::size_t last) {
    std::size_t most = 0;
    for (std::size_t bucket = first; bucket < last; ++bucket) most = std::max(most, rows_of(bucket).size());
    const auto room = clv_detail::unset<Row>(most);
    for (std::size_t bucket = first; bucket < last; ++bucket)
      ends[bucket] = sort_rows(rows_of(bucket), room.get(), layout);
  });
  Extent total;
  for (Extent& end : ends) end = total = {total.customers + end.customers, total.days + end.days};

  std::vector<std::uint32_t> codes(total.customers);
  data.begins.resize(total.customers + 1);
  data.begins.back() = total.days;
  data.days = DayRows(total.days, std::move(read.keys), read.rows);
  for_blocks(layout.buckets, execution, [&](std::size_t bucket) {
    const Extent start = bucket == 0 ? Extent{} : ends[bucket - 1];
    to_days<Row>(rows_of(bucket), bucket,
                 {codes.data() + start.customers, data.begins.data() + start.customers, start.days}, layout,
                 read.first_day, data.days);
  });
  return codes;
}

}  // namespace

RfmState::RfmState() : data_(std::make_shared<const Data>()) {}

std::size_t RfmState::customers() const noexcept { return data_->customers(); }
std::size_t RfmState::days() const noexcept { return data_->days.size; }
const Issues& RfmState::issues() const noexcept { return data_->issues; }

RfmState RfmState::partial(const Table& transactions, const RfmColumns& columns, const Execution& execution) {
  const StopScope scope(execution.stop);
  Transactions read = clv_detail::read_transactions(transactions, columns, execution);
  auto data = std::make_shared<Data>();
  RfmState state;
  data->by_minute = columns.by_minute;
  data->has_amount = read.has_amount;
  data->currency = read.currency;
  data->zone = columns.zone.name();
  data->issues = std::move(read.issues);
  data->batches = 1;
  data->customer = read.customers.names({});
  state.data_ = data;
  if (read.first_day > read.last_day) return state;

  const Layout layout = Layout::of(read);
  std::vector<std::uint32_t> codes;
  if (const auto narrow = to_buckets<NarrowRow>(read, layout, execution)) {
    codes = put_in_order(*narrow, layout, read, *data, execution);
  } else {
    const auto wide = to_buckets<WideRow>(read, layout, execution);
    codes = put_in_order(*wide, layout, read, *data, execution);
  }
  data->customer = read.customers.names(codes);
  return state;
}

namespace {

void check_alike(const RfmState::Data& a, const RfmState::Data& b) {
  if (a.by_minute != b.by_minute)
    throw UsageError("one batch tells purchases apart by the minute, the other by the day; use one of them");
  if (a.zone != b.zone)
    throw UsageError("the batches count the days of different zones: " + a.zone + " and " + b.zone);
  if (a.customer.type() != b.customer.type())
    throw UsageError("one batch has customers as text, the other as whole numbers; use one kind");
  if (a.has_amount != b.has_amount) throw UsageError("one batch has amounts, the other has none");
  if (a.currency != b.currency)
    throw UnitError("the batches are in different currencies: " + (a.currency.empty() ? "none" : a.currency) +
                    " and " + (b.currency.empty() ? "none" : b.currency));
}

}  // namespace

void RfmState::merge(const RfmState& other) {
  const Data& a = *data_;
  const Data& b = *other.data_;
  if (b.batches == 0) return;
  if (a.batches == 0) {
    data_ = other.data_;
    return;
  }
  check_alike(a, b);
  auto merged = std::make_shared<Data>();
  merged->by_minute = a.by_minute;
  merged->has_amount = a.has_amount;
  merged->currency = a.currency;
  merged->zone = a.zone;
  merged->issues = a.issues;
  merged->issues.merge(b.issues);
  merged->batches = a.batches + b.batches;
  clv_detail::MergedCustomers customers(a.customer);
  DayRows days(a.days.size + b.days.size);
  days.size = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.customers() || j < b.customers()) {
    const auto order = i == a.customers()   ? std::strong_ordering::greater
                       : j == b.customers() ? std::strong_ordering::less
                                            : clv_detail::compare(a.customer, i, b.customer, j);
    customers.add(order <= 0 ? a.customer : b.customer, order <= 0 ? i : j);
    days.append_merged(a.days, order <= 0 ? a.range(i++) : DayRange{}, b.days,
                       order >= 0 ? b.range(j++) : DayRange{});
    merged->begins.push_back(days.size);
    tick(merged->begins.size());
  }
  merged->days = std::move(days);
  merged->customer = customers.finish();
  data_ = std::move(merged);
}

Rfm rfm(const Table& transactions, const RfmColumns& columns, const RfmOptions& options) {
  return RfmState::partial(transactions, columns, options.execution).finish(options);
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
