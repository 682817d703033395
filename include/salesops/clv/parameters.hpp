/// @file parameters.hpp
/// The estimated parameters of each lifetime model by name, in the order of its fields.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "salesops/clv.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

template <class M>
struct Parameter {
  std::string_view name;
  double M::* member;
};

template <class M>
inline constexpr std::array<Parameter<M>, 0> parameters{};
template <>
inline constexpr std::array parameters<NBD>{Parameter<NBD>{"r", &NBD::r},
                                            Parameter<NBD>{"alpha", &NBD::alpha}};
template <>
inline constexpr std::array parameters<BGNBD>{
    Parameter<BGNBD>{"r", &BGNBD::r}, Parameter<BGNBD>{"alpha", &BGNBD::alpha},
    Parameter<BGNBD>{"a", &BGNBD::a}, Parameter<BGNBD>{"b", &BGNBD::b}};
template <>
inline constexpr std::array parameters<MBGNBD>{
    Parameter<MBGNBD>{"r", &MBGNBD::r}, Parameter<MBGNBD>{"alpha", &MBGNBD::alpha},
    Parameter<MBGNBD>{"a", &MBGNBD::a}, Parameter<MBGNBD>{"b", &MBGNBD::b}};
template <>
inline constexpr std::array parameters<ParetoNBD>{
    Parameter<ParetoNBD>{"r", &ParetoNBD::r}, Parameter<ParetoNBD>{"alpha", &ParetoNBD::alpha},
    Parameter<ParetoNBD>{"s", &ParetoNBD::s}, Parameter<ParetoNBD>{"beta", &ParetoNBD::beta}};
template <>
inline constexpr std::array parameters<SarmanovParetoNBD>{
    Parameter<SarmanovParetoNBD>{"r", &SarmanovParetoNBD::r},
    Parameter<SarmanovParetoNBD>{"alpha", &SarmanovParetoNBD::alpha},
    Parameter<SarmanovParetoNBD>{"s", &SarmanovParetoNBD::s},
    Parameter<SarmanovParetoNBD>{"beta", &SarmanovParetoNBD::beta},
    Parameter<SarmanovParetoNBD>{"m", &SarmanovParetoNBD::m}};
template <>
inline constexpr std::array parameters<BGBB>{
    Parameter<BGBB>{"alpha", &BGBB::alpha}, Parameter<BGBB>{"beta", &BGBB::beta},
    Parameter<BGBB>{"gamma", &BGBB::gamma}, Parameter<BGBB>{"delta", &BGBB::delta}};
template <>
inline constexpr std::array parameters<BGCNBD>{
    Parameter<BGCNBD>{"r", &BGCNBD::r}, Parameter<BGCNBD>{"alpha", &BGCNBD::alpha},
    Parameter<BGCNBD>{"a", &BGCNBD::a}, Parameter<BGCNBD>{"b", &BGCNBD::b}};
template <>
inline constexpr std::array parameters<MBGCNBD>{
    Parameter<MBGCNBD>{"r", &MBGCNBD::r}, Parameter<MBGCNBD>{"alpha", &MBGCNBD::alpha},
    Parameter<MBGCNBD>{"a", &MBGCNBD::a}, Parameter<MBGCNBD>{"b", &MBGCNBD::b}};
template <>
inline constexpr std::array parameters<GGompertzNBD>{
    Parameter<GGompertzNBD>{"r", &GGompertzNBD::r}, Parameter<GGompertzNBD>{"alpha", &GGompertzNBD::alpha},
    Parameter<GGompertzNBD>{"b", &GGompertzNBD::b}, Parameter<GGompertzNBD>{"s", &GGompertzNBD::s},
    Parameter<GGompertzNBD>{"beta", &GGompertzNBD::beta}};
template <>
inline constexpr std::array parameters<GammaGamma>{Parameter<GammaGamma>{"p", &GammaGamma::p},
                                                   Parameter<GammaGamma>{"q", &GammaGamma::q},
                                                   Parameter<GammaGamma>{"v", &GammaGamma::v}};
template <>
inline constexpr std::array parameters<SBG>{Parameter<SBG>{"alpha", &SBG::alpha},
                                            Parameter<SBG>{"beta", &SBG::beta}};
template <>
inline constexpr std::array parameters<BdW>{Parameter<BdW>{"alpha", &BdW::alpha},
                                            Parameter<BdW>{"beta", &BdW::beta}, Parameter<BdW>{"c", &BdW::c}};

/// So many of the last parameters may be of either sign; the others are above 0.
template <class M>
inline constexpr std::size_t signed_parameters = 0;
template <>
inline constexpr std::size_t signed_parameters<SarmanovParetoNBD> = 1;

/// The model with other values of its parameters; what is not estimated (k of CNBD-k) stays.
template <class M>
[[nodiscard]] M with_parameters(M model, std::span<const double> values) noexcept {
  for (std::size_t i = 0; i < parameters<M>.size() && i < values.size(); ++i)
    model.*parameters<M>[i].member = values[i];
  return model;
}

/// m outside its bounds is put at the nearer one.
[[nodiscard]] inline SarmanovParetoNBD with_parameters(SarmanovParetoNBD,
                                                       std::span<const double> v) noexcept {
  const auto [low, high] = m_bounds({v[0], v[1], v[2], v[3], 0});
  return {v[0], v[1], v[2], v[3], std::fmin(std::fmax(v[4], low), high)};
}

template <class M>
[[nodiscard]] auto parameter_values(const M& model) noexcept {
  std::array<double, parameters<M>.size()> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = model.*parameters<M>[i].member;
  return values;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
