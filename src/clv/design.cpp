#include "design.hpp"

#include <algorithm>
#include <cmath>

#include "population.hpp"
#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

std::size_t count(std::span<const Covariate> list, const std::string& name) {
  return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(), [&](const Covariate& c) { return c.name == name; }));
}

void check(const char* call, const Covariate& covariate, std::size_t rows) {
  const auto& values = covariate.values;
  const std::string fault = std::string(call) + ": ";
  const std::string name = "covariate '" + covariate.name + "'";
  if (values.size() != rows)
    throw UsageError(fault + name + " has " + std::to_string(values.size()) + " rows, x has " +
                     std::to_string(rows) + "; they must be equally long");
  Complaints complaints(call, rows);
  complaints.check(name + " is infinite or NaN", [&](auto i) { return !std::isfinite(values[i]); });
  complaints.raise();
  if (std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; }))
    throw UsageError(fault + name + " has one value for all customers, so it tells nothing; leave it out");
}

}  // namespace

Design::Design(const char* call, const Process& first, const Process& second,
               const std::vector<std::string>& equal, std::size_t rows, std::size_t parameters) {
  const std::string fault = std::string(call) + ": ";
  for (const std::string& name : equal)
    if (count(first.covariates, name) == 0 || count(second.covariates, name) == 0)
      throw UsageError(fault + "equal names '" + name + "', which is not in both " + first.name + " and " +
                       second.name);
  std::size_t next = parameters;
  std::vector<std::size_t> waiting;  // terms whose coefficient is shared
  const auto add = [&](const Process& process) {
    for (const Covariate& covariate : process.covariates) {
      check(call, covariate, rows);
      if (count(process.covariates, covariate.name) > 1)
        throw UsageError(fault + "covariate '" + covariate.name + "' stands twice in " + process.name);
      const auto shared = std::find(equal.begin(), equal.end(), covariate.name);
      if (shared != equal.end()) {
        waiting.push_back(terms_.size());
        terms_.push_back({covariate.values, static_cast<std::size_t>(shared - equal.begin())});
      } else {
        terms_.push_back({covariate.values, next++});
        names_.push_back(std::string(process.name) + "." + covariate.name);
      }
    }
  };
  add(first);
  firsts_ = terms_.size();
  add(second);
  for (const std::size_t term : waiting) terms_[term].position += next;
  names_.insert(names_.end(), equal.begin(), equal.end());
}

int Design::compare(std::size_t a, std::size_t b) const {
  for (const Term& term : terms_)
    if (term.values[a] != term.values[b]) return term.values[a] < term.values[b] ? -1 : 1;
  return 0;
}

std::vector<double> Design::coefficients(std::span<const Term> terms, std::span<const double> estimates) {
  std::vector<double> result;
  for (const Term& term : terms) result.push_back(estimates[term.position]);
  return result;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
