// Prints one JSON line a task, as benchmarks/peers/_bench.py does: fits of customers simulated by BG/NBD in
// whole days. Processor seconds of one thread, the least of several runs: what a busy machine disturbs least.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "salesops/clv/fit.hpp"
#include "salesops/clv/simulate.hpp"
#include "salesops/random.hpp"

using namespace salesops;

namespace {

struct Customers {
  std::vector<double> x, t_x, T, mean_spend;

  [[nodiscard]] clv::RfmView view() const { return {x, t_x, T}; }
  [[nodiscard]] clv::SpendView spend() const { return {x, mean_spend}; }
};

/// CDNOW's estimates; seen for 27 to 39 weeks.
Customers simulate(std::size_t n) {
  std::vector<double> T;
  for (std::size_t i = 0; i < n; ++i)
    T.push_back(static_cast<double>(random::Stream(2, i).integer(27 * 7, 39 * 7)) / 7);
  clv::Simulation crowd = clv::simulate(clv::BGNBD{0.243, 4.414, 0.793, 2.426}, T, {.seed = 1});
  for (double& t : crowd.t_x) t = std::floor(t * 7) / 7;
  std::vector<double> spend = clv::simulate_spend({6.25, 3.74, 15.44}, crowd.x, {.seed = 1});
  for (double& amount : spend) amount = std::ceil(amount * 100) / 100;
  return {std::move(crowd.x), std::move(crowd.t_x), std::move(T), std::move(spend)};
}

double processor_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Fit>
void report(const std::string& task, const Customers& customers, const Fit& fit) {
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    const double start = processor_seconds();
    (void)fit(customers);
    least = std::min(least, processor_seconds() - start);
  }
  std::printf(
      "{\"task\": \"%s\", \"rows\": %zu, \"ours_s\": %.4f, \"peer\": null, \"peer_s\": null, \"ratio\": "
      "null, "
      "\"same_answer\": null, \"limit_share\": null}\n",
      task.c_str(), customers.x.size(), least);
}

}  // namespace

int main() {
  clv::FitOptions one_thread;
  one_thread.execution.threads = 1;
  for (const std::size_t n : {2'357UL, 10'000UL, 100'000UL, 1'000'000UL}) {
    const Customers customers = simulate(n);
    report("clv fit NBD", customers, [&](const auto& c) { return clv::fit_nbd(c.view(), one_thread); });
    report("clv fit BG/NBD", customers, [&](const auto& c) { return clv::fit_bg_nbd(c.view(), one_thread); });
    report("clv fit MBG/NBD", customers,
           [&](const auto& c) { return clv::fit_mbg_nbd(c.view(), one_thread); });
    report("clv fit Pareto/NBD", customers,
           [&](const auto& c) { return clv::fit_pareto_nbd(c.view(), one_thread); });
    report("clv fit Gamma-Gamma", customers,
           [&](const auto& c) { return clv::fit_gamma_gamma(c.spend(), one_thread); });
  }
  const Customers some = simulate(10'000);
  report("clv fit MBG/CNBD-3", some,
         [&](const auto& c) { return clv::fit_mbg_cnbd(c.view(), 3, one_thread); });
  report("clv fit GGompertz/NBD", some,
         [&](const auto& c) { return clv::fit_ggompertz_nbd(c.view(), one_thread); });
}
