#include "rfm_read.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>

namespace salesops {
inline namespace v0 {
namespace clv_detail {

namespace {

constexpr std::string_view table_name = "transactions";

template <class T>
struct Tag {
  using type = T;
};

/// Calls `work` with the tag of the column's memory type; false for a type that is no whole number.
template <class Work>
bool with_integers(Type type, const Work& work) {
  switch (type) {
    case Type::int8: return work(Tag<std::int8_t>{}), true;
    case Type::int16: return work(Tag<std::int16_t>{}), true;
    case Type::int32: return work(Tag<std::int32_t>{}), true;
    case Type::int64: return work(Tag<std::int64_t>{}), true;
    case Type::uint8: return work(Tag<std::uint8_t>{}), true;
    case Type::uint16: return work(Tag<std::uint16_t>{}), true;
    case Type::uint32: return work(Tag<std::uint32_t>{}), true;
    case Type::uint64: return work(Tag<std::uint64_t>{}), true;
    default: return false;
  }
}

[[noreturn]] void refuse_type(const std::string& column, Type type, const std::string& wanted) {
  throw UsageError("column '" + column + "' holds " + std::string(type_name(type)) + ", not " + wanted);
}

/// Counts of rows with something wrong and the first of them, put together over the blocks.
class Flaws {
 public:
  void add(std::int64_t n, std::size_t first) {
    if (n == 0) return;
    const std::lock_guard lock(guard_);
    n_ += n;
    first_ = std::min(first_, first);
  }
  void report(Issues& issues, const std::string& column, std::string_view rule) const {
    if (n_ > 0) issues.add_many(table_name, static_cast<std::int64_t>(first_), column, rule, n_);
  }

 private:
  std::mutex guard_;
  std::int64_t n_ = 0;
  std::size_t first_ = std::numeric_limits<std::size_t>::max();
};

// ---- customers ----

/// Whole numbers that passed through a float column, a dataframe's way to hold nulls.
Column whole_numbers(const Column& raw, const std::string& name) {
  std::vector<std::int64_t> values(raw.size());
  std::vector<std::uint8_t> valid(raw.size());
  for (std::size_t row = 0; row < raw.size(); ++row) {
    const double number = raw.number(row);
    if (std::isnan(number)) continue;
    if (number != std::floor(number) || std::abs(number) > 9.0e15)
      throw UsageError("column '" + name + "': row " + std::to_string(row) +
                       " is no whole number; customers are text or whole numbers");
    values[row] = static_cast<std::int64_t>(number);
    valid[row] = 1;
  }
  return Column::of(Type::int64, std::move(values), valid);
}

template <class T>
CustomerCodes codes_of_numbers(const Column& column, const std::string& name, const Execution& execution) {
  const auto values = column.values<T>();
  std::mutex guard;
  T low = std::numeric_limits<T>::max();
  T high = std::numeric_limits<T>::min();
  bool any = false;
  for_rows(values.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
    T least = std::numeric_limits<T>::max();
    T most = std::numeric_limits<T>::min();
    bool some = false;
    for (std::size_t row = first; row < last; ++row) {
      if (column.is_null(row)) continue;
      least = std::min(least, values[row]);
      most = std::max(most, values[row]);
      some = true;
    }
    const std::lock_guard lock(guard);
    low = std::min(low, least);
    high = std::max(high, most);
    any = any || some;
  });
  CustomerCodes codes;
  if (!any) return codes;
  if (std::cmp_greater(high, std::numeric_limits<std::int64_t>::max()))
    throw UsageError("column '" + name + "' holds numbers above 2^63 − 1; pass the customers as text");
  const auto range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  codes.base = static_cast<std::int64_t>(low);
  if (range < 0xFFFFFFFFU) {
    codes.codes = static_cast<std::size_t>(range) + 1;
    return codes;
  }
  for (std::size_t row = 0; row < values.size(); ++row)
    if (column.valid(row)) codes.numbers.push_back(static_cast<std::int64_t>(values[row]));
  std::sort(codes.numbers.begin(), codes.numbers.end());
  codes.numbers.erase(std::unique(codes.numbers.begin(), codes.numbers.end()), codes.numbers.end());
  codes.codes = codes.numbers.size();
  return codes;
}

constexpr std::uint32_t nobody = std::numeric_limits<std::uint32_t>::max();

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// The first eight bytes, as a number that sorts as the text does.
std::uint64_t prefix_of(std::string_view text) noexcept {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i)
    prefix = prefix << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
  return prefix;
}

CustomerCodes codes_of_texts(const Column& column) {
  CustomerCodes codes;
  codes.is_text = true;
  codes.dictionary = column.shared_dictionary();
  const Dictionary& dictionary = *codes.dictionary;
  struct Entry {
    std::uint64_t prefix;
    std::uint32_t code;
  };
  std::vector<Entry> entries(dictionary.size());
  for (std::uint32_t code = 0; code < entries.size(); ++code)
    entries[code] = {prefix_of(dictionary[code]), code};
  std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : dictionary[a.code] < dictionary[b.code];
  });
  codes.rank.resize(entries.size());
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const std::uint32_t code = entries[place].code;
    codes.rank[code] = nobody;
    if (is_blank(dictionary[code])) continue;
    const bool same = !codes.by_rank.empty() && dictionary[codes.by_rank.back()] == dictionary[code];
    if (!same) codes.by_rank.push_back(code);
    codes.rank[code] = static_cast<std::uint32_t>(codes.by_rank.size() - 1);
  }
  codes.codes = codes.by_rank.size();
  return codes;
}

CustomerCodes codes_of(const Column& column, const std::string& name, const Execution& execution) {
  if (column.type() == Type::string) return codes_of_texts(column);
  CustomerCodes codes;
  const bool whole = with_integers(column.type(), [&](auto tag) {
    codes = codes_of_numbers<typename decltype(tag)::type>(column, name, execution);
  });
  if (!whole) refuse_type(name, column.type(), "text or whole numbers: who is the customer?");
  return codes;
}

/// Writes the customers' codes of rows [first, last) into the upper half of the keys.
void write_codes(const Column& column, const CustomerCodes& codes, std::size_t first, std::size_t last,
                 std::uint64_t* keys, Flaws& nulls) {
  std::int64_t missing = 0;
  std::size_t first_missing = 0;
  const auto write = [&](auto code_at) {
    for (std::size_t row = first; row < last; ++row) {
      const std::uint32_t code = column.valid(row) ? code_at(row) : nobody;
      keys[row] = code == nobody ? left_out : std::uint64_t{code} << 32;
      if (code == nobody && missing++ == 0) first_missing = row;
    }
  };
  if (codes.is_text) {
    const auto values = column.values<std::int32_t>();
    write([&](std::size_t row) { return codes.rank[static_cast<std::size_t>(values[row])]; });
  } else {
    with_integers(column.type(), [&](auto tag) {
      const auto values = column.values<typename decltype(tag)::type>();
      if (codes.numbers.empty()) {
        const auto base = static_cast<std::uint64_t>(codes.base);
        write([&](std::size_t row) {
          return static_cast<std::uint32_t>(static_cast<std::uint64_t>(values[row]) - base);
        });
      } else {
        write([&](std::size_t row) {
          const auto number = static_cast<std::int64_t>(values[row]);
          const auto found = std::lower_bound(codes.numbers.begin(), codes.numbers.end(), number);
          return static_cast<std::uint32_t>(found - codes.numbers.begin());
        });
      }
    });
  }
  nulls.add(missing, first_missing);
}

// ---- days ----

/// The day of each distinct text; `no_day` for one that says none.
std::vector<std::int32_t> days_of_texts(const Dictionary& dictionary, const TimeZone& zone) {
  std::vector<std::int32_t> days(dictionary.size(), no_day);
  for (std::size_t code = 0; code < days.size(); ++code) {
    const auto clock = ClockText::parse(dictionary[code]);
    if (!clock) continue;
    const Instant at{clock->us - clock->offset_seconds.value_or(0) * us_per_second};
    days[code] = (clock->offset_seconds ? zone.local_date(at) : at.utc_date()).days;
  }
  return days;
}

/// The days of rows, block by block.
class Days {
 public:
  Days(const Column& column, const std::string& name, const TimeZone& zone)
      : column_(column), name_(name), zone_(zone), utc_(zone == TimeZone{}) {
    if (column.type() == Type::string)
      texts_ = days_of_texts(column.dictionary(), zone);
    else if (column.type() != Type::date && column.type() != Type::timestamp)
      refuse_type(name, column.type(), "dates or instants; parse it first");
  }

  /// Writes the days of rows [first, last) into the lower half of the keys, and widens the range.
  void write(std::size_t first, std::size_t last, std::uint64_t* keys) {
    Range range;
    if (column_.type() == Type::date) {
      const auto values = column_.values<std::int32_t>();
      range = write_each(first, last, keys, [&](std::size_t row) { return values[row]; });
    } else if (column_.type() == Type::string) {
      const auto values = column_.values<std::int32_t>();
      range = write_each(first, last, keys,
                         [&](std::size_t row) { return texts_[static_cast<std::size_t>(values[row])]; });
    } else if (utc_) {
      const auto values = column_.values<std::int64_t>();
      range = write_each(first, last, keys, [&](std::size_t row) { return utc_day(values[row]); });
    } else {
      const auto values = column_.values<std::int64_t>().subspan(first, last - first);
      std::vector<std::int32_t> days(values.size());
      zone_.local_date(values, days);
      range = write_each(first, last, keys, [&](std::size_t row) { return days[row - first]; });
    }
    const std::lock_guard lock(guard_);
    first_day_ = std::min(first_day_, range.low);
    last_day_ = std::max(last_day_, range.high);
  }
  void finish(Transactions& into) const {
    into.first_day = first_day_;
    into.last_day = last_day_;
    nulls_.report(into.issues, name_, "no_time");
    bad_.report(into.issues, name_, column_.type() == Type::string ? "not_a_date" : "date_out_of_range");
  }

 private:
  struct Range {
    std::int32_t low = std::numeric_limits<std::int32_t>::max();
    std::int32_t high = std::numeric_limits<std::int32_t>::min();
  };

  static std::int32_t utc_day(std::int64_t us) noexcept {
    // Shifted to be positive, so that one division rounds down.
    constexpr std::int64_t shift = std::int64_t{1} << 20;
    if (us < first_date.days * us_per_day || us > last_date.days * us_per_day + us_per_day - 1) return no_day;
    return static_cast<std::int32_t>((us + shift * us_per_day) / us_per_day - shift);
  }

  template <class DayAt>
  Range write_each(std::size_t first, std::size_t last, std::uint64_t* keys, DayAt day_at) {
    Range range;
    std::int64_t missing = 0, wrong = 0;
    std::size_t first_missing = 0, first_wrong = 0;
    for (std::size_t row = first; row < last; ++row) {
      if (keys[row] == left_out) continue;
      if (column_.is_null(row)) {
        keys[row] = left_out;
        if (missing++ == 0) first_missing = row;
        continue;
      }
      const std::int32_t day = day_at(row);
      if (day < first_date.days || day > last_date.days) {
        keys[row] = left_out;
        if (wrong++ == 0) first_wrong = row;
        continue;
      }
      keys[row] = key_of(code_of(keys[row]), day);
      range.low = std::min(range.low, day);
      range.high = std::max(range.high, day);
    }
    nulls_.add(missing, first_missing);
    bad_.add(wrong, first_wrong);
    return range;
  }

  const Column& column_;
  const std::string& name_;
  const TimeZone& zone_;
  bool utc_;
  std::vector<std::int32_t> texts_;
  Flaws nulls_;
  Flaws bad_;
  std::mutex guard_;
  std::int32_t first_day_ = std::numeric_limits<std::int32_t>::max();
  std::int32_t last_day_ = std::numeric_limits<std::int32_t>::min();
};

// ---- amounts ----

/// Where amounts are read from, and what is wrong with them.
struct AmountReader {
  const Column& column;
  const std::string& name;
  Flaws nulls = {};
  Flaws bad = {};
  Flaws lost = {};

  template <class Read>
  void each(std::int64_t* out, const Execution& execution, const Read& read) {
    for_rows(column.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
      std::int64_t missing = 0, wrong = 0, cut = 0;
      std::size_t first_missing = 0, first_wrong = 0, first_cut = 0;
      for (std::size_t row = first; row < last; ++row) {
        out[row] = 0;
        if (column.is_null(row)) {
          if (missing++ == 0) first_missing = row;
          continue;
        }
        const std::optional<money::MinorUnits> amount = read(row);
        if (!amount) {
          if (wrong++ == 0) first_wrong = row;
          continue;
        }
        if (amount->digit_lost && cut++ == 0) first_cut = row;
        out[row] = amount->minor;
      }
      nulls.add(missing, first_missing);
      bad.add(wrong, first_wrong);
      lost.add(cut, first_cut);
    });
  }
};

/// A number that is closest to a whole number of minor units says so by one exact division; others go by
/// their digits.
template <class Float>
std::optional<money::MinorUnits> minor_of(Float value, int digits, double minor_per_major) noexcept {
  const double scaled = std::nearbyint(static_cast<double>(value) * minor_per_major);
  constexpr double exact = std::is_same_v<Float, float> ? 1e6 : 1e15;
  if (std::abs(scaled) < exact && static_cast<Float>(scaled / minor_per_major) == value)
    return money::MinorUnits{static_cast<std::int64_t>(scaled), false};
  return money::from_double(value, digits);
}

void read_amounts(const Column& column, const clv::RfmColumns& columns, const Execution& execution,
                  Transactions& into) {
  if (!columns.currency.empty() && !column.currency().empty() && columns.currency != column.currency())
    throw UnitError("column '" + columns.amount + "' is in " + column.currency() + ", not in " +
                    columns.currency);
  into.has_amount = true;
  into.currency = columns.currency.empty() ? column.currency() : columns.currency;
  const int digits = into.currency.empty() ? 2 : Currency::from(into.currency).exponent();
  const auto minor_per_major = static_cast<std::int64_t>(salesops::detail::power_of_ten(digits));
  const auto per_major = static_cast<double>(minor_per_major);
  const bool minor = column.type() == Type::money || (column.type() == Type::int64 && columns.minor_units);
  if (minor && !column.may_have_nulls()) {
    into.amounts = {static_cast<const std::int64_t*>(column.data()), column.size()};
    into.amounts_owner = column.owner();
    return;
  }
  std::shared_ptr<std::int64_t[]> owned(unset<std::int64_t>(column.size()));
  into.amounts = {owned.get(), column.size()};
  into.amounts_owner = owned;
  AmountReader reader{column, columns.amount};
  if (column.type() == Type::money) {
    const auto values = column.values<std::int64_t>();
    reader.each(owned.get(), execution, [&](auto row) { return money::MinorUnits{values[row], false}; });
  } else if (column.type() == Type::float64) {
    const auto values = column.values<double>();
    reader.each(owned.get(), execution, [&](auto row) { return minor_of(values[row], digits, per_major); });
  } else if (column.type() == Type::float32) {
    const auto values = column.values<float>();
    reader.each(owned.get(), execution, [&](auto row) { return minor_of(values[row], digits, per_major); });
  } else if (column.type() == Type::decimal) {
    reader.each(owned.get(), execution, [&](auto row) { return money::from_text(column.cell(row), digits); });
  } else if (column.type() == Type::string) {
    const Dictionary& dictionary = column.dictionary();
    std::vector<std::optional<money::MinorUnits>> texts(dictionary.size());
    for (std::size_t code = 0; code < texts.size(); ++code)
      texts[code] = money::from_text(dictionary[code], digits);
    const auto codes = column.values<std::int32_t>();
    reader.each(owned.get(), execution,
                [&](auto row) { return texts[static_cast<std::size_t>(codes[row])]; });
  } else {
    const std::int64_t factor = columns.minor_units ? 1 : minor_per_major;
    const bool whole = with_integers(column.type(), [&](auto tag) {
      const auto values = column.values<typename decltype(tag)::type>();
      reader.each(owned.get(), execution, [&](auto row) -> std::optional<money::MinorUnits> {
        std::int64_t product = 0;
        if (__builtin_mul_overflow(values[row], factor, &product)) return std::nullopt;
        return money::MinorUnits{product, false};
      });
    });
    if (!whole) refuse_type(columns.amount, column.type(), "amounts");
  }
  reader.nulls.report(into.issues, columns.amount, "no_amount");
  reader.bad.report(into.issues, columns.amount, "not_an_amount");
  reader.lost.report(into.issues, columns.amount, "lost_digit");
}

}  // namespace

Column CustomerCodes::names(std::span<const std::uint32_t> present) const {
  if (is_text) {
    DictionaryBuilder builder;
    std::vector<std::int32_t> codes_of_names;
    codes_of_names.reserve(present.size());
    for (const std::uint32_t code : present)
      codes_of_names.push_back(builder.code((*dictionary)[by_rank[code]]));
    return Column::of_codes(std::move(codes_of_names), builder.finish());
  }
  std::vector<std::int64_t> values(present.size());
  std::transform(present.begin(), present.end(), values.begin(), [&](std::uint32_t code) {
    return numbers.empty() ? base + static_cast<std::int64_t>(code) : numbers[code];
  });
  return Column::of(Type::int64, std::move(values));
}

Transactions read_transactions(const Table& table, const clv::RfmColumns& columns,
                               const Execution& execution) {
  Column customer = table.column(columns.customer);
  const Column& time = table.column(columns.time);
  Transactions read;
  read.rows = table.num_rows();
  if (customer.type() == Type::float64 || customer.type() == Type::float32)
    customer = whole_numbers(customer, columns.customer);
  read.customers = codes_of(customer, columns.customer, execution);
  Days days(time, columns.time, columns.zone);
  read.keys = unset<std::uint64_t>(read.rows);
  Flaws nulls;
  for_rows(read.rows, block_rows, execution, [&](std::size_t first, std::size_t last) {
    write_codes(customer, read.customers, first, last, read.keys.get(), nulls);
    days.write(first, last, read.keys.get());
  });
  nulls.report(read.issues, columns.customer, "no_customer");
  days.finish(read);
  if (!columns.amount.empty()) read_amounts(table.column(columns.amount), columns, execution, read);
  return read;
}

}  // namespace clv_detail
}  // namespace v0
}  // namespace salesops
