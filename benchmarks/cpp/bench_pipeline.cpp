// Prints one JSON line a task, as benchmarks/peers/_bench.py does: the forecast of a big book.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "salesops/pipeline.hpp"
#include "salesops/random.hpp"

using namespace salesops;

namespace {

constexpr std::size_t deal_count = 160'000;
constexpr std::size_t open_count = 100'000;
constexpr int stages = 6;

/// 160,000 deals with a million stage changes over two years; 100,000 of them are open.
Crm big_book() {
  std::vector<std::string> ids, created, owner, amount, event_id, at, from, to, field;
  const std::vector<std::string> names{"s0", "s1", "s2", "s3", "s4", "s5", "won", "lost"};
  for (std::size_t deal = 0; deal < deal_count; ++deal) {
    random::Stream stream(1, deal);
    const bool open = deal < open_count;
    const std::int64_t start = stream.integer(20'000, open ? 20'690 : 20'500) * us_per_day;
    ids.push_back("D" + std::to_string(deal));
    created.push_back(Instant{start}.to_string());
    owner.push_back("R" + std::to_string(stream.integer(0, 99)));
    amount.push_back(std::to_string(stream.integer(1'000, 90'000)));
    std::int64_t now = start;
    std::size_t stage = 0;
    const auto move = [&](std::size_t next) {
      now += stream.integer(1, 25) * us_per_day;
      event_id.push_back(ids.back());
      at.push_back(Instant{std::min(now, 20'700 * us_per_day)}.to_string());
      from.push_back(names[stage]);
      to.push_back(names[next]);
      field.emplace_back("stage");
      stage = next;
    };
    for (int step = 0; step < 6; ++step)
      move(open ? (stage + 1) % stages : std::min<std::size_t>(stage + 1, stages - 1));
    if (!open) move(stream.uniform01() < 0.4 ? 6 : 7);
  }
  NamedTables tables{{"opportunity", Table({{"opportunity_id", Column::of_strings(ids)},
                                            {"created_at", Column::of_strings(created)},
                                            {"owner_id", Column::of_strings(owner)},
                                            {"amount", Column::of_strings(amount)}})},
                     {"opportunity_event", Table({{"opportunity_id", Column::of_strings(event_id)},
                                                  {"at", Column::of_strings(at)},
                                                  {"field", Column::of_strings(field)},
                                                  {"old", Column::of_strings(from)},
                                                  {"new", Column::of_strings(to)}})}};
  CrmOptions options;
  options.currency = "EUR";
  return Crm::build(std::move(tables), options);
}

template <class Work>
double median_seconds(Work work) {
  std::vector<double> seconds;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[1];
}

void report(const std::string& task, std::size_t rows, double seconds) {
  std::printf(
      "{\"task\": \"%s\", \"rows\": %zu, \"ours_s\": %.4f, \"peer\": null, \"peer_s\": null, \"ratio\": "
      "null, "
      "\"same_answer\": null, \"limit_share\": null}\n",
      task.c_str(), rows, seconds);
}

}  // namespace

int main() {
  const Crm crm = big_book();
  pipeline::ForecastOptions options;
  options.period = Interval{crm.latest(), Instant{crm.latest().us + 91 * us_per_day}};
  const auto time = [&](int draws, bool adjust) {
    options.draws = draws;
    options.adjust = adjust;
    return median_seconds([&] { (void)pipeline::forecast(crm, options); });
  };
  const double least = time(100, false), learned = time(100, true), full = time(1000, true);
  report("pipeline fit and 100 draws, no landmarks", crm.history().size(), least);
  report("pipeline fit with landmarks and 100 draws", crm.history().size(), learned);
  report("pipeline 900 more draws of 100,000 open deals over 13 weeks", open_count, full - learned);
  report("pipeline forecast, 1,000 draws", crm.history().size(), full);
  report("pipeline waterfall of a quarter", deal_count, median_seconds([&] {
           (void)pipeline::waterfall(crm, Instant{crm.latest().us - 91 * us_per_day}, crm.latest());
         }));
}
