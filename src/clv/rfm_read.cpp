#include "rfm_read.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <mutex>
#include <numeric>

namespace salesops {
inline namespace v0 {
namespace clv_detail {

namespace {

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
CustomerCodes codes_of_numbers(const Column& column, const std::string& name, const Execution& execution,
                               CodeOrder order) {
  const auto values = column.values<T>();
  std::mutex guard;
  T low = std::numeric_limits<T>::max();
  T high = std::numeric_limits<T>::min();
  bool any = false;
  for_rows(values.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
    T least = std::numeric_limits<T>::max();
    T most = std::numeric_limits<T>::min();
    bool some = false;
    if (!column.may_have_nulls()) {
      for (std::size_t row = first; row < last; ++row) {
        least = std::min(least, values[row]);
        most = std::max(most, values[row]);
      }
      some = first < last;
    }
    for (std::size_t row = column.may_have_nulls() ? first : last; row < last; ++row) {
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
  const std::uint64_t room = order == CodeOrder::any ? values.size() + block_rows : 0xFFFFFFFFU;
  if (range < std::min<std::uint64_t>(room, 0xFFFFFFFFU)) {
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

CustomerCodes codes_of_texts(const Column& column, const Execution& execution, CodeOrder order) {
  CustomerCodes codes;
  codes.is_text = true;
  codes.dictionary = column.shared_dictionary();
  const Dictionary& dictionary = *codes.dictionary;
  if (order == CodeOrder::any) {
    codes.codes = dictionary.size();
    std::atomic<bool> any_blank = false;
    for_rows(dictionary.size(), block_rows, execution, [&](std::size_t first, std::size_t last) {
      for (std::size_t code = first; code < last; ++code)
        if (is_blank(dictionary[code])) any_blank = true;
    });
    codes.as_they_are = !any_blank;
    if (codes.as_they_are) return codes;
    codes.by_rank.resize(dictionary.size());
    std::iota(codes.by_rank.begin(), codes.by_rank.end(), 0U);
    codes.rank = codes.by_rank;
    for (std::size_t code = 0; code < dictionary.size(); ++code)
      if (is_blank(dictionary[code])) codes.rank[code] = nobody;
    return codes;
  }
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

}  // namespace

Column customers_of(const Table& table, const std::string& name) {
  const Column& column = table.column(name);
  const bool floats = column.type() == Type::float64 || column.type() == Type::float32;
  return floats ? whole_numbers(column, name) : column;
}

CustomerCodes codes_of(const Column& column, const std::string& name, const Execution& execution,
                       CodeOrder order) {
  if (column.type() == Type::string) return codes_of_texts(column, execution, order);
  CustomerCodes codes;
  const bool whole = with_integers(column.type(), [&](auto tag) {
    codes = codes_of_numbers<typename decltype(tag)::type>(column, name, execution, order);
  });
  if (!whole) refuse_type(name, column.type(), "text or whole numbers: who is the customer?");
  return codes;
}

void write_codes(const Column& column, const CustomerCodes& codes, std::size_t first, std::size_t last,
                 std::uint64_t* keys, Flaws& nulls) {
  std::int64_t missing = 0;
  std::size_t first_missing = 0;
  const auto write = [&](auto code_at) {
    for (std::size_t row = first; row < last; ++row) {
      const std::uint32_t code = column.valid(row) ? code_at(row) : nobody;
      keys[row - first] = code == nobody ? left_out : std::uint64_t{code} << 32;
      if (code == nobody && missing++ == 0) first_missing = row;
    }
  };
  if (codes.is_text) {
    const auto values = column.values<std::int32_t>();
    if (codes.as_they_are)
      write([&](std::size_t row) { return static_cast<std::uint32_t>(values[row]); });
    else
      write([&](std::size_t row) { return codes.rank[static_cast<std::size_t>(values[row])]; });
  } else {
    with_integers(column.type(), [&](auto tag) {
      const auto values = column.values<typename decltype(tag)::type>();
      if (codes.numbers.empty() && !column.may_have_nulls()) {
        const auto base = static_cast<std::uint64_t>(codes.base);
        for (std::size_t row = first; row < last; ++row)
          keys[row - first] = (static_cast<std::uint64_t>(values[row]) - base) << 32;
      } else if (codes.numbers.empty()) {
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

CodesInPlace codes_in_place(const Column& column, const CustomerCodes& codes) {
  const bool of_32_bits =
      codes.is_text ? codes.as_they_are : column.type() == Type::int32 || column.type() == Type::uint32;
  if (column.may_have_nulls() || !codes.numbers.empty() || !of_32_bits) return {};
  return {{static_cast<const std::uint32_t*>(column.data()), column.size()},
          static_cast<std::uint32_t>(codes.base)};
}

// ---- days ----

namespace {

/// The minute of UTC; `no_day` for one beyond what is held.
std::int32_t minute_of(std::int64_t us) noexcept {
  constexpr std::int64_t minute = 60 * us_per_second;
  if (us < first_minute * minute || us >= (last_minute + std::int64_t{1}) * minute) return no_day;
  // Shifted to be positive, so that one division rounds down.
  return static_cast<std::int32_t>((us - first_minute * minute) / minute + first_minute);
}

/// The day, or minute, of each distinct text; `no_day` for one that says none.
std::vector<std::int32_t> days_of_texts(const Dictionary& dictionary, const TimeZone& zone, bool by_minute) {
  std::vector<std::int32_t> days(dictionary.size(), no_day);
  for (std::size_t code = 0; code < days.size(); ++code) {
    const auto clock = ClockText::parse(dictionary[code]);
    if (!clock) continue;
    const Instant at{clock->us - clock->offset_seconds.value_or(0) * us_per_second};
    if (by_minute) {
      days[code] = minute_of(clock->offset_seconds ? at.us : zone.to_utc(LocalTime{clock->us}).us);
      continue;
    }
    days[code] = (clock->offset_seconds ? zone.local_date(at) : at.utc_date()).days;
  }
  return days;
}

/// The days of rows, or their minutes, block by block.
class Days {
 public:
  Days(const Column& column, const std::string& name, const TimeZone& zone, bool by_minute)
      : column_(column), name_(name), zone_(zone), utc_(zone == TimeZone{}), by_minute_(by_minute) {
    if (by_minute && column.type() == Type::date)
      throw UsageError("column '" + name + "' holds dates; hours and minutes need the time of day too");
    if (column.type() == Type::string)
      texts_ = days_of_texts(column.dictionary(), zone, by_minute);
    else if (column.type() != Type::date && column.type() != Type::timestamp)
      refuse_type(name, column.type(), "dates or instants; parse it first");
  }

  /// Writes the days of rows [first, last) into the lower half of keys[0 …], and widens the range.
  void write(std::size_t first, std::size_t last, std::uint64_t* keys) {
    Range range;
    if (column_.type() == Type::date) {
      const auto values = column_.values<std::int32_t>();
      range = write_each(first, last, keys, [&](std::size_t row) { return values[row]; });
    } else if (column_.type() == Type::string) {
      const auto values = column_.values<std::int32_t>();
      range = write_each(first, last, keys,
                         [&](std::size_t row) { return texts_[static_cast<std::size_t>(values[row])]; });
    } else if (by_minute_) {
      const auto values = column_.values<std::int64_t>();
      range = write_each(first, last, keys, [&](std::size_t row) { return minute_of(values[row]); });
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
    const std::int32_t earliest = by_minute_ ? first_minute : first_date.days;
    const std::int32_t latest = by_minute_ ? last_minute : last_date.days;
    std::int64_t missing = 0, wrong = 0;
    std::size_t first_missing = 0, first_wrong = 0;
    for (std::size_t row = first; row < last; ++row) {
      std::uint64_t& key = keys[row - first];
      if (key == left_out) continue;
      if (column_.is_null(row)) {
        key = left_out;
        if (missing++ == 0) first_missing = row;
        continue;
      }
      const std::int32_t day = day_at(row);
      if (day < earliest || day > latest) {
        key = left_out;
        if (wrong++ == 0) first_wrong = row;
        continue;
      }
      key = key_of(code_of(key), day);
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
  bool by_minute_;
  std::vector<std::int32_t> texts_;
  Flaws nulls_;
  Flaws bad_;
  std::mutex guard_;
  std::int32_t first_day_ = std::numeric_limits<std::int32_t>::max();
  std::int32_t last_day_ = std::numeric_limits<std::int32_t>::min();
};

// ---- amounts ----

/// Added to a number |x| < 2^51 it leaves no room for a fraction: the sum is rounded to a whole number, ties
/// to even, and its bits count on from this one's.
constexpr double rounder = 0x1.8p52;
double whole(double x) noexcept { return (x + rounder) - rounder; }

/// A number that is closest to a whole number of minor units says so by one exact division; others go by
/// their digits.
template <class Float>
std::optional<money::MinorUnits> minor_of(Float value, int digits, double minor_per_major) noexcept {
  const double product = static_cast<double>(value) * minor_per_major;
  constexpr double exact = std::is_same_v<Float, float> ? 1e6 : 1e15;
  if (std::abs(product) < exact) {
    const double minor = whole(product);
    if (static_cast<Float>(minor / minor_per_major) == value)
      return money::MinorUnits{static_cast<std::int64_t>(minor), false};
  }
  return money::from_double(value, digits);
}

/// Where all of `values` are such numbers: their minor units, without a branch a row.
bool all_minor(std::span<const double> values, double minor_per_major, std::int64_t* out) noexcept {
  bool clean = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double product = values[i] * minor_per_major;
    const bool small = std::abs(product) < 1e15;
    const double rounded = (small ? product : 0) + rounder;
    clean &= small & ((rounded - rounder) / minor_per_major == values[i]);
    out[i] = std::bit_cast<std::int64_t>(rounded) - std::bit_cast<std::int64_t>(rounder);
  }
  return clean;
}

}  // namespace

Amounts::Amounts(const Column& column, const clv::RfmColumns& columns)
    : column_(column), name_(columns.amount), minor_units_(columns.minor_units) {
  if (!columns.currency.empty() && !column.currency().empty() && columns.currency != column.currency())
    throw UnitError("column '" + name_ + "' is in " + column.currency() + ", not in " + columns.currency);
  currency_ = columns.currency.empty() ? column.currency() : columns.currency;
  digits_ = currency_.empty() ? 2 : Currency::from(currency_).exponent();
  minor_per_major_ = static_cast<std::int64_t>(salesops::detail::power_of_ten(digits_));
  const Type type = column.type();
  if ((type == Type::money || (type == Type::int64 && minor_units_)) && !column.may_have_nulls())
    plain_ = {static_cast<const std::int64_t*>(column.data()), column.size()};
  if (type == Type::string) {
    const Dictionary& dictionary = column.dictionary();
    for (std::size_t code = 0; code < dictionary.size(); ++code)
      texts_.push_back(money::from_text(dictionary[code], digits_));
  } else if (type != Type::money && type != Type::float64 && type != Type::float32 && type != Type::decimal &&
             !with_integers(type, [](auto) {})) {
    refuse_type(name_, type, "amounts");
  }
}

template <class Read>
void Amounts::each(std::size_t first, std::size_t last, std::int64_t* out, bool count, const Read& read) {
  std::int64_t missing = 0, wrong = 0, cut = 0;
  std::size_t first_missing = 0, first_wrong = 0, first_cut = 0;
  for (std::size_t row = first; row < last; ++row) {
    out[row - first] = 0;
    if (column_.is_null(row)) {
      if (missing++ == 0) first_missing = row;
      continue;
    }
    const std::optional<money::MinorUnits> amount = read(row);
    if (!amount) {
      if (wrong++ == 0) first_wrong = row;
      continue;
    }
    if (amount->digit_lost && cut++ == 0) first_cut = row;
    out[row - first] = amount->minor;
  }
  if (!count) return;
  nulls_.add(missing, first_missing);
  bad_.add(wrong, first_wrong);
  lost_.add(cut, first_cut);
}

template <class Float>
void Amounts::write_floats(std::size_t first, std::size_t last, std::int64_t* out, bool count) {
  const auto values = column_.values<Float>();
  const auto per_major = static_cast<double>(minor_per_major_);
  if constexpr (std::is_same_v<Float, double>)
    if (!column_.may_have_nulls() && all_minor(values.subspan(first, last - first), per_major, out)) return;
  each(first, last, out, count, [&](auto row) { return minor_of(values[row], digits_, per_major); });
}

void Amounts::write(std::size_t first, std::size_t last, std::int64_t* out, bool count) {
  if (!plain_.empty()) {
    std::copy_n(plain_.begin() + static_cast<std::ptrdiff_t>(first), last - first, out);
  } else if (column_.type() == Type::money) {
    const auto values = column_.values<std::int64_t>();
    each(first, last, out, count, [&](auto row) { return money::MinorUnits{values[row], false}; });
  } else if (column_.type() == Type::float64) {
    write_floats<double>(first, last, out, count);
  } else if (column_.type() == Type::float32) {
    write_floats<float>(first, last, out, count);
  } else if (column_.type() == Type::decimal) {
    each(first, last, out, count, [&](auto row) { return money::from_text(column_.cell(row), digits_); });
  } else if (column_.type() == Type::string) {
    const auto codes = column_.values<std::int32_t>();
    each(first, last, out, count, [&](auto row) { return texts_[static_cast<std::size_t>(codes[row])]; });
  } else {
    const std::int64_t factor = minor_units_ ? 1 : minor_per_major_;
    with_integers(column_.type(), [&](auto tag) {
      const auto values = column_.values<typename decltype(tag)::type>();
      each(first, last, out, count, [&](auto row) -> std::optional<money::MinorUnits> {
        std::int64_t product = 0;
        if (__builtin_mul_overflow(values[row], factor, &product)) return std::nullopt;
        return money::MinorUnits{product, false};
      });
    });
  }
}

bool Amounts::may_be_low(std::size_t first, std::size_t last, bool zero_too) const {
  const auto any_below = [&](const auto& values, auto least) {
    bool low = false;
    for (std::size_t row = first; row < last; ++row) low |= !(values[row] >= least);
    return low;
  };
  if (zero_too && column_.may_have_nulls()) return true;
  if (!plain_.empty()) return any_below(plain_, std::int64_t{zero_too ? 1 : 0});
  if (column_.type() == Type::float64)
    return any_below(column_.values<double>(), zero_too ? 1.0 / static_cast<double>(minor_per_major_) : 0.0);
  return true;
}

void Amounts::report(Issues& issues) const {
  if (bad_.n() > 0 && bad_.n() + nulls_.n() == static_cast<std::int64_t>(column_.size()))
    throw UsageError("column '" + name_ + "' has no amount: " + std::to_string(bad_.n()) +
                     (bad_.n() == 1 ? " row can't" : " rows can't") +
                     " be read as a number; make it one first");
  nulls_.report(issues, name_, "no_amount");
  bad_.report(issues, name_, "not_an_amount");
  lost_.report(issues, name_, "lost_digit");
}

namespace {

void read_amounts(const Column& column, const clv::RfmColumns& columns, const Execution& execution,
                  Transactions& into) {
  Amounts amounts(column, columns);
  into.has_amount = true;
  into.currency = amounts.currency();
  into.amounts = amounts.as_they_are();
  into.amounts_owner = column.owner();
  if (!into.amounts.empty() || column.size() == 0) return;
  std::shared_ptr<std::int64_t[]> owned(unset<std::int64_t>(column.size()));
  into.amounts = {owned.get(), column.size()};
  into.amounts_owner = owned;
  for_rows(column.size(), block_rows, execution,
           [&](std::size_t first, std::size_t last) { amounts.write(first, last, owned.get() + first); });
  amounts.report(into.issues);
}

}  // namespace

Column CustomerCodes::names(std::span<const std::uint32_t> present) const {
  if (is_text) {
    DictionaryBuilder builder;
    std::vector<std::int32_t> codes_of_names;
    codes_of_names.reserve(present.size());
    for (const std::uint32_t code : present)
      codes_of_names.push_back(builder.code((*dictionary)[as_they_are ? code : by_rank[code]]));
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
  const Column& time = table.column(columns.time);
  const Column customer = customers_of(table, columns.customer);
  Transactions read;
  read.rows = table.num_rows();
  read.customers = codes_of(customer, columns.customer, execution);
  Days days(time, columns.time, columns.zone, columns.by_minute);
  read.keys = unset<std::uint64_t>(read.rows);
  Flaws nulls;
  for_rows(read.rows, block_rows, execution, [&](std::size_t first, std::size_t last) {
    std::uint64_t* keys = read.keys.get() + first;
    write_codes(customer, read.customers, first, last, keys, nulls);
    days.write(first, last, keys);
  });
  nulls.report(read.issues, columns.customer, "no_customer");
  days.finish(read);
  if (!columns.amount.empty()) read_amounts(table.column(columns.amount), columns, execution, read);
  return read;
}

}  // namespace clv_detail
}  // namespace v0
}  // namespace salesops
