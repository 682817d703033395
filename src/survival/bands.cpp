#include <algorithm>
#include <cmath>
#include <vector>

#include "rows.hpp"
#include "salesops/special.hpp"
#include "salesops/stats.hpp"

namespace salesops {
inline namespace v0 {
namespace survival {

namespace {

constexpr std::size_t cells = 200;
constexpr std::size_t steps = 200;

/// Chance that a Gaussian process stays within ±edge: its density between absorbing walls, by the
/// Crank–Nicolson rule, under ∂p/∂t = pull(t)·∂(y·p)/∂y + spread·∂²p/∂y².
class Corridor {
 public:
  explicit Corridor(double edge)
      : edge_(edge), width_(2 * edge / cells), density_(cells + 1), upper_(cells + 1), known_(cells + 1) {}
  void start(double deviation) {
    for (std::size_t i = 1; i < cells; ++i)
      density_[i] = special::normal_pdf(place(i) / deviation) / deviation;
  }
  /// One step: the first few whole implicit, so that the sharp start leaves no ripples.
  void step(double length, double pull, double spread, bool implicit) {
    const double ahead = implicit ? 1 : 0.5;
    const auto flow = [&](std::size_t to, std::size_t from) {  // what p[from] adds to ∂p[to]/∂t
      if (to == from) return -2 * spread / (width_ * width_);
      return spread / (width_ * width_) + (from > to ? 1 : -1) * pull * place(from) / (2 * width_);
    };
    for (std::size_t i = 1; i < cells; ++i)
      known_[i] = density_[i] + (1 - ahead) * length *
                                    (flow(i, i - 1) * density_[i - 1] + flow(i, i) * density_[i] +
                                     flow(i, i + 1) * density_[i + 1]);
    // (1 − ahead·length·flow) p = known, between walls where p = 0.
    double before = 0;
    upper_[0] = 0;
    for (std::size_t i = 1; i < cells; ++i) {
      const double below = -ahead * length * flow(i, i - 1);
      const double pivot = 1 - ahead * length * flow(i, i) - below * upper_[i - 1];
      upper_[i] = -ahead * length * flow(i, i + 1) / pivot;
      known_[i] = before = (known_[i] - below * before) / pivot;
    }
    for (std::size_t i = cells; i-- > 1;) density_[i] = known_[i] - upper_[i] * density_[i + 1];
  }
  [[nodiscard]] double chance() const {
    double sum = 0;
    for (const double p : density_) sum += p;
    return sum * width_;
  }

 private:
  [[nodiscard]] double place(std::size_t i) const { return -edge_ + width_ * static_cast<double>(i); }
  double edge_;
  double width_;
  std::vector<double> density_;
  std::vector<double> upper_;
  std::vector<double> known_;
};

/// Chance that a Brownian bridge stays within ±edge for a from `low` to `high` (times √(a(1−a)) for equal
/// precision: an Ornstein–Uhlenbeck process in ½ ln(a/(1−a))).
double chance_within(double edge, BandKind kind, double low, double high) {
  Corridor corridor(edge);
  if (kind == BandKind::equal_precision) {
    const double length = std::log(high * (1 - low) / (low * (1 - high))) / 2 / steps;
    corridor.start(1);
    for (std::size_t i = 0; i < steps; ++i) corridor.step(length, 1, 1, i < 4);
  } else {
    // Steps even in ln a/(1−a), which is where a bridge moves evenly near its ends.
    const double from = std::log(low / (1 - low));
    const double to = std::log(high / (1 - high));
    const auto share = [&](std::size_t i) {
      return special::logistic(from + (to - from) * static_cast<double>(i) / steps);
    };
    corridor.start(std::sqrt(low * (1 - low)));
    for (std::size_t i = 0; i < steps; ++i)
      corridor.step(share(i + 1) - share(i), 1 / (1 - (share(i) + share(i + 1)) / 2), 0.5, i < 4);
  }
  return corridor.chance();
}

double critical_value(BandKind kind, double low, double high, double level) {
  double less = 0.05;
  double more = 8;
  while (more - less > 1e-5) {
    const double middle = (less + more) / 2;
    (chance_within(middle, kind, low, high) < level / 100 ? less : more) = middle;
  }
  return (less + more) / 2;
}

}  // namespace

ConfidenceBand confidence_band(const KaplanMeier& curve, BandKind kind) {
  ConfidenceBand band;
  band.kind = kind;
  const double n = curve.at_risk.empty() ? 0 : *std::max_element(curve.at_risk.begin(), curve.at_risk.end());
  std::vector<double> relative;  // σ² at each time of the band
  std::vector<double> share;
  double last_event = 0;
  for (std::size_t i = 0; i < curve.time.size() && curve.survival[i] > 0; ++i)
    if (curve.events[i] > 0) last_event = curve.time[i];
  for (std::size_t i = 0; i < curve.time.size() && curve.time[i] <= last_event; ++i) {
    const double ratio = curve.std_error[i] / curve.survival[i];
    if (!(ratio > 0)) continue;
    const double share_used = n * ratio * ratio / (1 + n * ratio * ratio);
    if (kind == BandKind::equal_precision && (share_used < 0.05 || share_used > 0.95)) continue;
    band.time.push_back(curve.time[i]);
    relative.push_back(ratio * ratio);
    share.push_back(curve.survival[i]);
  }
  if (band.time.empty()) return band;
  const auto used = [&](double variance) { return n * variance / (1 + n * variance); };
  // A bridge begins at 0: what happens before 1/1000 can't reach a wall.
  const double low = std::min(kind == BandKind::hall_wellner ? 1e-3 : 1.0, used(relative.front()));
  const double high = std::max(used(relative.back()), low * (1 + 1e-6));
  band.critical = critical_value(kind, low, high, curve.level);
  for (std::size_t i = 0; i < band.time.size(); ++i) {
    const double half =
        kind == BandKind::equal_precision ? std::sqrt(relative[i]) : (1 + n * relative[i]) / std::sqrt(n);
    const Band found = band_of(share[i], share[i] * half, band.critical, curve.interval);
    band.low.push_back(found.low);
    band.high.push_back(found.high);
  }
  return band;
}

}  // namespace survival
}  // namespace v0
}  // namespace salesops
