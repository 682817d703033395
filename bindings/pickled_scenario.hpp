/// Scenarios as bytes: what they were made of.
#pragma once

#include "pickled.hpp"
#include "salesops/scenario.hpp"

namespace salesops_bindings {

template <>
struct Parts<salesops::Scenario> {
  static const salesops::ScenarioData& of(const salesops::Scenario& scenario) { return scenario.data(); }
  static salesops::Scenario from(salesops::ScenarioData data) { return salesops::Scenario(std::move(data)); }
};

}  // namespace salesops_bindings
