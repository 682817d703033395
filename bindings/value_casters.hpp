/// Dates as `datetime.date`, enumerations as the text of their names.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "salesops/calendar/fiscal.hpp"
#include "salesops/date.hpp"

namespace salesops_bindings {

/// A `datetime.date` (of a datetime its day), or ISO text.
inline std::optional<salesops::Date> read_date(pybind11::handle source) {
  if (pybind11::isinstance<pybind11::str>(source))
    return salesops::Date::parse(pybind11::cast<std::string>(source));
  if (!pybind11::hasattr(source, "toordinal") || !pybind11::hasattr(source, "year")) return std::nullopt;
  // A missing time of pandas has a year that is no number.
  if (!pybind11::isinstance<pybind11::int_>(source.attr("year"))) return std::nullopt;
  const auto part = [&](const char* name) { return pybind11::cast<int>(source.attr(name)); };
  return salesops::Date::from_ymd(part("year"), part("month"), part("day"));
}

template <class Enum, std::size_t n>
using Names = std::array<std::pair<Enum, std::string_view>, n>;

/// Throws `UsageError` listing the names.
template <class Enum, std::size_t n>
Enum read_name(const Names<Enum, n>& names, std::string_view text) {
  std::string all;
  for (const auto& [value, name] : names) {
    if (name == text) return value;
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  throw salesops::UsageError("\"" + std::string(text.substr(0, 32)) + "\" is not one of: " + all);
}

template <class Enum, std::size_t n>
std::string_view name_of(const Names<Enum, n>& names, Enum wanted) {
  for (const auto& [value, name] : names)
    if (value == wanted) return name;
  return {};
}

inline constexpr Names<salesops::Every, 6> period_lengths{{{salesops::Every::day, "day"},
                                                           {salesops::Every::week, "week"},
                                                           {salesops::Every::month, "month"},
                                                           {salesops::Every::quarter, "quarter"},
                                                           {salesops::Every::half, "half"},
                                                           {salesops::Every::year, "year"}}};

/// Base of a caster between an enumeration and `str`; the derived one has `names`.
template <class Enum, const auto& names>
struct NameCaster {
  PYBIND11_TYPE_CASTER(Enum, pybind11::detail::const_name("str"));

  bool load(pybind11::handle source, bool) {
    if (!pybind11::isinstance<pybind11::str>(source)) return false;
    value = read_name(names, pybind11::cast<std::string>(source));
    return true;
  }
  static pybind11::handle cast(Enum wanted, pybind11::return_value_policy, pybind11::handle) {
    return pybind11::str(std::string(name_of(names, wanted))).release();
  }
};

}  // namespace salesops_bindings

namespace pybind11::detail {

template <>
struct type_caster<salesops::Date> {
  PYBIND11_TYPE_CASTER(salesops::Date, const_name("datetime.date"));

  bool load(handle source, bool) {
    const auto date = salesops_bindings::read_date(source);
    if (date) value = *date;
    return date.has_value();
  }
  /// The end of time, 10000-01-01, is shown as the last day that Python has.
  static handle cast(salesops::Date date, return_value_policy, handle) {
    const auto day = (date > salesops::last_date ? salesops::last_date : date).ymd();
    return module_::import("datetime").attr("date")(day.year, day.month, day.day).release();
  }
};

}  // namespace pybind11::detail
