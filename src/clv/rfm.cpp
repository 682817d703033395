#include "salesops/clv/rfm.hpp"

#include <algorithm>
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

/// A transaction on its way to its place. `key` holds the customer's code above the day's number.
struct Row {
  std::uint64_t key;
  std::int64_t amount;
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
};

/// Rows put into their buckets; `starts` has one place a bucket, and the end.
struct Buckets {
  clv_detail::Memory<Row> rows;
  std::vector<std::size_t> starts;
};

Buckets to_buckets(const Transactions& read, const Layout& layout, const Execution& execution) {
  const std::size_t blocks = (read.rows + clv_detail::block_rows - 1) / clv_detail::block_rows;
  std::vector<std::size_t> places(blocks * layout.buckets, 0);
  const auto each_block = [&](const auto& work) {
    for_rows(read.rows, clv_detail::block_rows, execution, [&](std::size_t first, std::size_t last) {
      std::size_t* place = places.data() + first / clv_detail::block_rows * layout.buckets;
      for (std::size_t row = first; row < last; ++row)
        if (const std::uint64_t key = read.keys[row]; key != clv_detail::left_out)
          work(row, key, place[layout.bucket_of(key)]);
    });
  };
  each_block([](std::size_t, std::uint64_t, std::size_t& n) { ++n; });
  Buckets buckets;
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
  each_block([&](std::size_t row, std::uint64_t key, std::size_t& place) {
    const auto day = static_cast<std::uint64_t>(std::int64_t{clv_detail::day_of(key)} - read.first_day);
    buckets.rows[place++] = {std::uint64_t{clv_detail::code_of(key)} << layout.day_bits | day,
                             read.amounts.empty() ? 0 : read.amounts[row]};
  });
  return buckets;
}

/// Sorts by the lowest `bits` of the key, with one counting pass a digit. The sorted rows are in the result,
/// which is `rows` or `other`.
Row* radix_sort(Row* rows, Row* other, std::size_t size, int bits) {
  constexpr int widest = 11;
  const int passes = (bits + widest - 1) / widest;
  if (size < 2 || passes == 0) return rows;
  const int width = (bits + passes - 1) / passes;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  std::vector<std::size_t> place(mask + 1);
  for (int shift = 0; shift < bits; shift += width) {
    std::fill(place.begin(), place.end(), 0);
    for (std::size_t i = 0; i < size; ++i) ++place[rows[i].key >> shift & mask];
    std::exclusive_scan(place.begin(), place.end(), place.begin(), std::size_t{0});
    for (std::size_t i = 0; i < size; ++i) other[place[rows[i].key >> shift & mask]++] = rows[i];
    std::swap(rows, other);
  }
  return rows;
}

/// How many customers a bucket holds, and how many days of theirs.
struct Extent {
  std::size_t customers = 0;
  std::size_t days = 0;
};

/// Puts the rows in order.
Extent sort_rows(std::span<Row> rows, const Layout& layout) {
  const auto scratch = clv_detail::unset<Row>(rows.size());
  const Row* sorted =
      radix_sort(rows.data(), scratch.get(), rows.size(), layout.day_bits + layout.customer_bits);
  if (sorted != rows.data()) std::copy_n(sorted, rows.size(), rows.data());
  Extent extent;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t unlike = i == 0 ? ~std::uint64_t{0} : rows[i].key ^ rows[i - 1].key;
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

/// Rows in order become customers and their days.
void to_days(std::span<const Row> rows, Place at, const Layout& layout, std::int32_t first_day,
             DayRows& out) {
  const std::uint64_t day_mask = (std::uint64_t{1} << layout.day_bits) - 1;
  std::optional<std::uint32_t> last;
  for (std::size_t i = 0; i < rows.size(); ++at.day) {
    const std::uint64_t key = rows[i].key;
    const auto code = static_cast<std::uint32_t>(key >> layout.day_bits);
    if (last != code) {
      *at.code++ = code;
      *at.begin++ = at.day;
      last = code;
    }
    std::int64_t amount = 0;
    std::uint32_t n = 0;
    std::uint32_t refund = 0;
    for (; i < rows.size() && rows[i].key == key; ++i, ++n) {
      amount = clv_detail::add(amount, rows[i].amount);
      if (rows[i].amount < 0) refund = clv_detail::refund_bit;
    }
    out.put(at.day, first_day + static_cast<std::int32_t>(key & day_mask), amount, n | refund);
  }
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
  data->has_amount = read.has_amount;
  data->currency = read.currency;
  data->zone = columns.zone.name();
  data->issues = std::move(read.issues);
  data->batches = 1;
  data->customer = read.customers.names({});
  state.data_ = data;
  if (read.first_day > read.last_day) return state;

  const Layout layout = Layout::of(read);
  const Buckets buckets = to_buckets(read, layout, execution);
  read.keys.reset();
  const auto rows_of = [&](std::size_t bucket) {
    const std::size_t start = buckets.starts[bucket];
    return std::span<Row>(buckets.rows.get() + start, buckets.starts[bucket + 1] - start);
  };
  std::vector<Extent> ends(layout.buckets);
  for_blocks(layout.buckets, execution,
             [&](std::size_t bucket) { ends[bucket] = sort_rows(rows_of(bucket), layout); });
  Extent total;
  for (Extent& end : ends) end = total = {total.customers + end.customers, total.days + end.days};

  std::vector<std::uint32_t> codes(total.customers);
  data->begins.resize(total.customers + 1);
  data->begins.back() = total.days;
  data->days = DayRows(total.days);
  for_blocks(layout.buckets, execution, [&](std::size_t bucket) {
    const Extent start = bucket == 0 ? Extent{} : ends[bucket - 1];
    to_days(rows_of(bucket),
            {codes.data() + start.customers, data->begins.data() + start.customers, start.days}, layout,
            read.first_day, data->days);
  });
  data->customer = read.customers.names(codes);
  return state;
}

namespace {

void check_alike(const RfmState::Data& a, const RfmState::Data& b) {
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
