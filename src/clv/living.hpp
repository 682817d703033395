// What many living customers share: those alike in (x, T) have one future, those alike in x have one table of
// its parts.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <numeric>
#include <type_traits>
#include <vector>

#include "salesops/clv/parameters.hpp"
#include "salesops/clv/predict.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

/// Parts of forecasts that depend on the shapes r, a, b and k alone, computed when first asked for. Nothing
/// is allocated; what doesn't fit is computed each time.
class ShapeTables {
 public:
  void of_shape(double r, double a, double b, int k) noexcept {
    if (r == r_ && a == nodes_.a && b == nodes_.b && k == nodes_.k) return;
    r_ = r;
    nodes_ = {r, a, b, k};
    thinning_ = {a, b};
    filled_ = 0;
    first_node_ = unset;
  }

  /// W_m, one after the other.
  class Purchases {
   public:
    static constexpr bool survives = false;
    explicit Purchases(ShapeTables& tables) noexcept : tables_(&tables) {}
    [[nodiscard]] double now() const noexcept { return m_ < kept ? tables_->made(m_) : beyond_.made; }
    void next() noexcept {
      if (++m_ == kept) beyond_ = tables_->last();
      if (m_ >= kept) beyond_.next();
    }

   private:
    ShapeTables* tables_;
    std::size_t m_ = 0;
    detail::Thinning<false> beyond_;
  };
  [[nodiscard]] Purchases purchases() noexcept { return Purchases(*this); }

  struct Nodes {
    ShapeTables* tables;
    double step;
    [[nodiscard]] detail::RateNode operator()(int i) const noexcept { return tables->node(i); }
  };
  [[nodiscard]] Nodes nodes() noexcept { return {this, nodes_.step}; }

 private:
  static constexpr std::size_t kept = 1024;
  static constexpr int kept_nodes = 512;
  static constexpr int unset = -1'000'000;

  double made(std::size_t m) noexcept {
    for (; filled_ <= m; ++filled_) {
      if (filled_ > 0) thinning_.next();
      made_[filled_] = thinning_.made;
    }
    return made_[m];
  }
  detail::Thinning<false> last() noexcept {
    (void)made(kept - 1);
    return thinning_;
  }
  detail::RateNode node(int i) noexcept {
    if (first_node_ == unset) {
      first_node_ = i - kept_nodes / 2;
      node_at_.fill({-1, 0});
    }
    const int at = i - first_node_;
    if (at < 0 || at >= kept_nodes) return nodes_(i);
    detail::RateNode& node = node_at_[static_cast<std::size_t>(at)];
    if (node.rate < 0) node = nodes_(i);
    return node;
  }

  double r_ = 0;
  detail::RateNodes nodes_{1, 0, 0, 1};
  detail::Thinning<false> thinning_;
  std::array<double, kept> made_;
  std::size_t filled_ = 0;
  std::array<detail::RateNode, kept_nodes> node_at_;
  int first_node_ = unset;
};

template <class L>
concept Tabulated = std::same_as<L, BGNBD> || std::same_as<L, LivingCNBD>;

/// A living customer and the tables of its shape: the same answers, sooner.
template <Tabulated L>
struct WithTables {
  const L& living;
  ShapeTables& tables;
};
template <class L>
double expected_transactions_new(const WithTables<L>& m, double t) noexcept {
  if (t == special::infinity) return expected_transactions_new(m.living, t);
  return detail::thinned_mean(m.living, t, m.tables.purchases());
}
template <class L>
double dert_new(const WithTables<L>& m, double discount_rate) noexcept {
  return detail::dert_on(m.tables.nodes(), m.living, discount_rate);
}
template <class L>
double dect_new(const WithTables<L>& m, double t, double discount_rate) noexcept {
  return detail::discounted_by_parts(m, t, discount_rate, m.living.alpha);
}

/// `question(process)` of the process that customers alive after (x, t_x, T) follow.
template <class M, class Question>
auto ask_living(const M& model, double x, double t_x, double T, ShapeTables& tables,
                const Question& question) {
  const auto living = given_alive(model, x, t_x, T);
  if constexpr (Tabulated<std::remove_const_t<decltype(living)>>) {
    if constexpr (requires { living.k; })
      tables.of_shape(living.r, living.a, living.b, living.k);
    else
      tables.of_shape(living.r, living.a, living.b, 1);
    return question(WithTables{living, tables});
  } else {
    return question(living);
  }
}

/// Does a living customer's future depend on its last purchase, or on (x, T) alone?
template <class M>
[[nodiscard]] bool remembers_last(const M& model) noexcept {
  if constexpr (requires { model.k; }) return model.k > 1;
  return false;
}

/// Members of each group, in order.
struct Groups {
  std::vector<std::size_t> starts;
  std::vector<std::uint32_t> members;
  Groups(std::size_t groups, std::span<const std::uint32_t> group_of)
      : starts(groups + 1), members(group_of.size()) {
    for (const std::uint32_t group : group_of) ++starts[group + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    std::vector<std::size_t> place(starts.begin(), starts.end() - 1);
    for (std::uint32_t i = 0; i < members.size(); ++i) members[place[group_of[i]]++] = i;
  }
  [[nodiscard]] std::span<const std::uint32_t> operator[](std::size_t group) const {
    return std::span(members).subspan(starts[group], starts[group + 1] - starts[group]);
  }
};

/// Customers as distinct rows of (asked, x, t_x, T), each of which has one of the distinct futures, in pieces
/// of work whose customers are alike in x. Without t_x the rows are the futures.
struct Crowd {
  DistinctRows rows;
  std::vector<double> x, t_x, T;       ///< of the distinct rows
  Groups rows_of;                      ///< distinct rows of each future
  std::vector<std::uint32_t> futures;  ///< by x
  std::vector<std::size_t> pieces;     ///< starts in `futures`, and the end

  Crowd(std::span<const std::span<const double>> asked, const RfmView& customers, bool remember_last,
        const Execution& execution);

  /// Positions in `rows.first` that share a future.
  [[nodiscard]] std::span<const std::uint32_t> alike(std::size_t place) const {
    return rows_of[futures[place]];
  }
};

}  // namespace clv
}  // namespace v0
}  // namespace salesops
