#include <pybind11/operators.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <variant>

#include "salesops/money.hpp"
#include "value_casters.hpp"

namespace py = pybind11;
using namespace salesops;

namespace {

constexpr salesops_bindings::Names<Rounding, 7> rounding_names{{{Rounding::half_even, "half_even"},
                                                                {Rounding::half_up, "half_up"},
                                                                {Rounding::half_down, "half_down"},
                                                                {Rounding::down, "down"},
                                                                {Rounding::up, "up"},
                                                                {Rounding::floor, "floor"},
                                                                {Rounding::ceiling, "ceiling"}}};

}  // namespace

template <>
struct pybind11::detail::type_caster<Rounding> : salesops_bindings::NameCaster<Rounding, rounding_names> {};

namespace {

/// A currency or its code.
using CurrencyLike = std::variant<Currency, std::string>;

Currency currency_from(const CurrencyLike& like) {
  const auto* code = std::get_if<std::string>(&like);
  return code != nullptr ? Currency::from(*code) : std::get<Currency>(like);
}

/// Text, int, Fraction and Decimal are exact; a float isn't.
Rate rate_from(const py::object& value) {
  if (py::isinstance<Rate>(value)) return value.cast<Rate>();
  if (py::isinstance<py::str>(value)) {
    if (const auto rate = Rate::parse(value.cast<std::string>())) return *rate;
    throw UsageError("not a rate: write \"0.075\", \"7.5%\" or \"3/40\"");
  }
  if (py::isinstance<py::float_>(value) || !py::hasattr(value, "as_integer_ratio"))
    throw UnitError("a rate is exact: give text such as \"0.05\" or \"5%\", an int, a Decimal or a Fraction");
  const auto ratio = value.attr("as_integer_ratio")().cast<py::tuple>();
  return Rate::ratio(ratio[0].cast<std::int64_t>(), ratio[1].cast<std::int64_t>());
}

Money money_from(const py::object& amount, const CurrencyLike& like) {
  const auto currency = currency_from(like);
  if (py::isinstance<py::int_>(amount)) return Money::parse(py::str(amount).cast<std::string>(), currency);
  if (py::isinstance<py::str>(amount)) return Money::parse(amount.cast<std::string>(), currency);
  if (py::isinstance(amount, py::module_::import("decimal").attr("Decimal")))
    return Money::parse(amount.attr("__format__")("f").cast<std::string>(), currency);
  if (!py::isinstance<py::float_>(amount) && !py::hasattr(amount, "__float__"))
    throw UsageError("amount: need text, an int, a Decimal or a whole float, not " +
                     py::str(py::type::of(amount).attr("__name__")).cast<std::string>());
  const auto read = money::from_double(py::float_(amount).cast<double>(), currency);
  if (!read || read->digit_lost)
    throw UsageError("the float is no whole number of minor units; give text or a Decimal, or round() it");
  return {read->minor, currency};
}

void bind_currency(py::module_& word) {
  py::class_<Currency>(word, "Currency", "A currency of ISO 4217; XXX is none.")
      .def(py::init(&Currency::from), py::arg("code"))
      .def_property_readonly("code", &Currency::code)
      .def_property_readonly("exponent", &Currency::exponent, "Digits after the decimal point.")
      .def(py::self == py::self)
      .def("__hash__", [](Currency currency) { return currency.packed; })
      .def("__repr__", [](Currency currency) { return "Currency('" + currency.code() + "')"; })
      .def(py::pickle([](Currency currency) { return currency.code(); },
                      [](const std::string& code) { return Currency::from(code); }));
}

void bind_rate(py::module_& word) {
  py::class_<Rate>(word, "Rate",
                   "An exact factor: \"0.075\", \"7.5%\", \"3/40\", an int, Decimal or Fraction.")
      .def(py::init(&rate_from), py::arg("value"))
      .def_readonly("numerator", &Rate::numerator)
      .def_readonly("denominator", &Rate::denominator)
      .def("__float__", &Rate::to_double)
      .def(py::self == py::self)
      .def(py::self < py::self)
      .def("__hash__", [](Rate rate) { return py::hash(py::make_tuple(rate.numerator, rate.denominator)); })
      .def("__repr__", [](Rate rate) { return "Rate('" + rate.to_string() + "')"; })
      .def(py::pickle([](Rate rate) { return py::make_tuple(rate.numerator, rate.denominator); },
                      [](const py::tuple& state) {
                        return Rate::ratio(state[0].cast<std::int64_t>(), state[1].cast<std::int64_t>());
                      }));
}

void bind_amount(py::module_& word) {
  py::class_<Money>(word, "Money", "An exact amount of one currency, in minor units.")
      .def(py::init(&money_from), py::arg("amount"), py::arg("currency") = "XXX")
      .def_static(
          "of_minor",
          [](std::int64_t minor, const CurrencyLike& currency) {
            return Money{minor, currency_from(currency)};
          },
          py::arg("minor"), py::arg("currency") = "XXX", "An amount of so many minor units.")
      .def_readonly("minor", &Money::minor)
      .def_readonly("currency", &Money::currency)
      .def_property_readonly("amount", &Money::amount_text, "The amount as exact text.")
      .def(
          "times",
          [](Money a, const py::object& rate, Rounding mode) { return a.times(rate_from(rate), mode); },
          py::arg("rate"), py::arg("rounding") = Rounding::half_even, "amount x rate, rounded once.")
      .def(
          "convert",
          [](Money a, const CurrencyLike& to, const py::object& rate, Rounding mode) {
            return a.convert(currency_from(to), rate_from(rate), mode);
          },
          py::arg("to"), py::arg("rate"), py::arg("rounding") = Rounding::half_even,
          "The amount in another currency at `rate`, rounded once.")
      .def(py::self + py::self)
      .def(py::self - py::self)
      .def(-py::self)
      .def(py::self < py::self)
      .def(py::self <= py::self)
      .def(py::self > py::self)
      .def(py::self >= py::self)
      .def(
          "__eq__", [](Money a, Money b) { return a.currency == b.currency && a.minor == b.minor; },
          py::is_operator())
      .def("__mul__", [](Money a, const py::object& rate) { return a.times(rate_from(rate)); })
      .def("__rmul__", [](Money a, const py::object& rate) { return a.times(rate_from(rate)); })
      .def("__float__", &Money::to_double)
      .def("__bool__", [](Money a) { return a.minor != 0; })
      .def("__hash__", [](Money a) { return py::hash(py::make_tuple(a.minor, a.currency.packed)); })
      .def("__str__", &Money::to_string)
      .def("__repr__",
           [](Money a) { return "Money('" + a.amount_text() + "', '" + a.currency.code() + "')"; })
      .def(py::pickle([](Money a) { return py::make_tuple(a.minor, a.currency.code()); },
                      [](const py::tuple& state) {
                        return Money{state[0].cast<std::int64_t>(),
                                     Currency::from(state[1].cast<std::string>())};
                      }));
}

}  // namespace

void salesops_bind_money(py::module_& module) {
  auto word = module.def_submodule("money", "Exact amounts (salesops/money.hpp).");
  bind_currency(word);
  bind_rate(word);
  bind_amount(word);
  word.def(
      "split",
      [](std::int64_t amount, const std::vector<std::int64_t>& weights) {
        return money::split(amount, std::span(weights));
      },
      py::arg("amount"), py::arg("weights"), "Shares in proportion to weights that sum to the amount.");
  word.def(
      "from_float",
      [](double value, const CurrencyLike& like, Rounding mode) {
        const auto currency = currency_from(like);
        const auto read = money::from_double(value, currency, mode);
        if (!read) throw UsageError("the float is no amount of 64-bit minor units");
        return py::make_tuple(Money{read->minor, currency}, read->digit_lost);
      },
      py::arg("value"), py::arg("currency") = "XXX", py::arg("rounding") = Rounding::half_even,
      "The shortest decimal of a float, rounded once, and whether a digit was lost.");
}
